"""What the public says of the police, by borough and quarter, around a start: every measure by every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cseval.errors import DataError

if TYPE_CHECKING:
    from cseval.inference.perceptions import PerceptionFinding
    from cseval.part import Ground, PartResult
    from cseval.registry.breaks import Break
    from cseval.survey import SurveySeries
    from cseval.tables import Table

KIND = "mopac-pas"
LEVEL = 0.05
#: A change of the mean of all other boroughs from which on the question itself is doubted, as a share.
EVERYWHERE = 0.15
WHOLE_BOROUGH = (
    "The survey is of whole boroughs: what a programme in a few streets changed there is thinned out over everybody "
    "who was asked"
)
EVERYTHING_AT_ONCE = (
    "Whatever changed opinion in this borough and not in others after the start is in these changes, whoever brought it"
)
COLUMNS = (
    "measure model share_before share_after others_before others_after points points_low points_high p_value "
    "p_adjusted false_positive_rate verdict"
).split()
HEADINGS = {
    "measure": "Measure",
    "model": "Model",
    "share_before": "Before, %",
    "share_after": "After, %",
    "others_before": "Others before, %",
    "others_after": "Others after, %",
    "points": "Change, points",
    "points_low": "95% from",
    "points_high": "95% to",
    "p_value": "p",
    "p_adjusted": "p, adjusted",
    "false_positive_rate": "Measured error rate",
    "verdict": "Reading",
}


@dataclass(frozen=True, kw_only=True)
class Perceptions:
    """Change of opinion in one borough against all others, by the MOPAC Public Attitude Survey.

    Parameters
    ----------
    unit : str
        Name of the borough.
    start : str
        First month with the programme.
    last : str
        Last month of the last rolling year that is looked at.
    name : str
        What the part is called where it is left out.
    """

    unit: str
    start: str
    last: str
    name: str = "public perceptions"

    def run(self, ground: Ground) -> PartResult:
        """Every measure by difference in differences and by interrupted time series.

        Raises
        ------
        DataError
            If the survey was not imported.
        DesignError
            If there are too few windows before or after the start, or too few other boroughs.
        """
        from cseval.estimators.perceptions import PerceptionSpan
        from cseval.inference.perceptions import perception_findings
        from cseval.part import PartResult
        from cseval.reporting.figures_perceptions import NAME, perceptions_figure

        series, unit = self._series(ground)
        span = PerceptionSpan(start=self.start, last=self.last)
        main, *others = (perception_findings(series, unit, span, model) for model in models())
        source = source_of(series)
        return PartResult(
            slug="perceptions",
            heading="What the public says",
            headline=headline(main, series.names.get(unit, unit)),
            sentences=sentences(main, others, self.start),
            tables=(effects_table("perception-effects", main, source),),
            folded=(effects_table("perception-models", [f for found in others for f in found], source),),
            printed={
                "perception-effects": in_print(effects_table("perception-effects", main, source)),
                "perception-models": in_print(
                    effects_table("perception-models", [f for found in others for f in found], source)
                ),
            },
            figures={
                NAME: partial(
                    perceptions_figure,
                    series,
                    unit,
                    (self.start, self.last),
                    ground.data,
                    source,
                    events_of(ground, series),
                )
            },
            weaknesses=(WHOLE_BOROUGH, EVERYTHING_AT_ONCE),
            sources=series.provenance,
        )

    def _series(self, ground: Ground) -> tuple[SurveySeries, str]:
        """The survey and the borough in it; a fictional one where the data of the run are simulated."""
        from cseval.inputs import DEMONSTRATION
        from cseval.sources.pas import survey_series

        if ground.data == DEMONSTRATION:
            from cseval.sources.demonstration_survey import TREATED, simulate_survey

            return simulate_survey(ground.seed, self.start), TREATED
        series = survey_series(ground.catalogue)
        if series is None:
            raise DataError(
                "the Public Attitude Survey was not imported",
                where=KIND,
                expected="its borough dashboard as MOPAC publishes it",
                todo="`cseval data import FILE`",
            )
        return series, self.unit


def events_of(ground: Ground, series: SurveySeries) -> tuple[Break, ...]:
    """Dated events that move everything in the months of the survey; changes of recording move no opinion."""
    from cseval.inputs import DEMONSTRATION
    from cseval.registry.breaks import EVENT, breaks_in
    from cseval.spec import Window

    if ground.data == DEMONSTRATION:
        return ()
    found = breaks_in(ground.registry.breaks, Window(first=series.ends[0], last=series.ends[-1]), ("opinion",))
    return tuple(b for b in found if b.kind == EVENT)


def models() -> tuple[Any, ...]:
    """The models, the one that the headline rests on first."""
    from cseval.estimators.perceptions import OverlappingWindows, PerceptionModel, ThinnedWindows

    overlapping = OverlappingWindows()
    return (
        PerceptionModel(),
        PerceptionModel(rule=ThinnedWindows(latest=True)),
        PerceptionModel(rule=overlapping),
        PerceptionModel(rule=overlapping, trend=True),
        PerceptionModel(rule=overlapping, trend=True, against_others=False),
    )


def source_of(series: SurveySeries) -> str:
    """Titles of the files; empty for a simulated survey."""
    return "; ".join(dict.fromkeys(p.title for p in series.provenance))


def verdict(found: PerceptionFinding) -> str:
    """What one measure says, by rule: p among the boroughs alone and with all measures together."""
    if not found.ranked.p_value < LEVEL:
        return "no clear evidence of a change"
    way = "rise" if found.ranked.effect > 0 else "fall"
    if found.p_max_t < LEVEL:
        return f"evidence of a {way}"
    return f"a {way} that does not hold with so many measures"


def headline(found: Sequence[PerceptionFinding], where: str) -> str:
    """How many measures changed."""
    from cseval import formats as f

    clear = [x for x in found if verdict(x).startswith("evidence")]
    many = f.plural(len(found), "measure")
    if not clear:
        return f"There is no clear evidence of a change in any of {many} of public opinion of the police in {where}."
    said = f.joined([f"{x.label} ({_points(x.ranked.effect)})" for x in clear])
    return f"Of {many} of public opinion of the police in {where}, {f.number_words(len(clear))} changed: {said}."


def sentences(
    main: Sequence[PerceptionFinding], others: Sequence[Sequence[PerceptionFinding]], start: str
) -> tuple[str, ...]:
    """How the change is measured, how large it might be, and whether other models read otherwise."""
    from cseval import formats as f
    from cseval.inference.perceptions import NO_SAMPLE_SIZES
    from cseval.months import add_months

    first = main[0]
    after = [e for e in first.ends if add_months(e, -11) >= start]
    unlike = [x for found in others for x in found if not verdict(x).startswith("no clear")]
    every = sum(len(found) for found in others)
    widest = max(main, key=lambda x: x.ranked.conf_high - x.ranked.conf_low)
    reading = (
        f"{f.sentence_case(f.number_words(len(unlike)))} of {every} readings by the other models are not "
        '"no clear evidence of a change"; the table of models names them.'
        if unlike
        else f"All {every} readings by the other models are the same."
    )
    return (
        "Each point of the survey is a rolling year, so neighbouring points share nine months of answers. The headline "
        f"rests on {first.model}: rolling years that lie wholly before or wholly after the start, of which there "
        f"{'is one' if len(after) == 1 else 'are ' + f.number_words(len(after))} after it (to "
        f"{f.joined([f.month_words(e) for e in after])}).",
        f"{first.assumption} {NO_SAMPLE_SIZES}",
        f"The smallest p-value there can be is 1 in {first.ranked.areas}, "
        f"{f.p_text(first.ranked.smallest_p)}; the widest interval, of {widest.label}, reaches from "
        f"{_points(widest.ranked.conf_low)} to {_points(widest.ranked.conf_high)}.",
        reading,
        *moved_everywhere(main),
    )


def moved_everywhere(found: Sequence[PerceptionFinding]) -> tuple[str, ...]:
    """Measures that moved so far in all other boroughs that the question itself may have changed."""
    from cseval import formats as f

    far = [x for x in found if abs(x.others_after - x.others_before) >= EVERYWHERE]
    if not far:
        return ()
    said = [
        f"{x.label} (from {f.percent_text(100 * x.others_before, digits=0)} to "
        f"{f.percent_text(100 * x.others_after, digits=0)})"
        for x in far
    ]
    return (
        f"In the other boroughs too answers changed by {100 * EVERYWHERE:.0f} points or more on {f.joined(said)}: the "
        "question, or how it was asked, may have changed, so the levels before and after are hard to compare.",
    )


def _points(share: float) -> str:
    """A difference of shares in words: ``+3.2 points``."""
    from cseval import formats as f

    return f"{f.decimal_text(100 * share, digits=1, signed=True)} points"


# Tables -----------------------------------------------------------------------------------------------


def effects_table(slug: str, found: Sequence[PerceptionFinding], source: str) -> Table:
    """One row per measure and model, in per cent and percentage points."""
    import pandas as pd

    from cseval.tables import Table

    title = "Change of opinion, main model" if slug == "perception-effects" else "Change of opinion by the other models"
    return Table(
        slug=slug,
        title=title,
        values=pd.DataFrame([_row(x) for x in found], columns=COLUMNS),
        headings=HEADINGS,
        notes=(
            "Before and after: mean share over the rolling years that share no month, counted from the start. "
            "Change: what the model says, in percentage points. Adjusted: for all measures together (step-down max-T).",
            "Measured error rate: how often the rank finds a change, at 5%, at earlier starts in the ten boroughs "
            "nearest in level; [x] where the years before are too few to measure it. Over all boroughs, which are "
            "ranked among themselves, it would be 1 in 32 by construction.",
        ),
        source=source,
    )


def _row(found: PerceptionFinding) -> dict[str, Any]:
    from cseval.inference.perceptions_errors import LIKE, RANK

    rates = [r.rate for r in found.rates if (r.method, r.population) == (RANK, LIKE)]
    ranked = found.ranked
    return {
        "measure": found.label,
        "model": found.model,
        "share_before": 100 * found.before,
        "share_after": 100 * found.after,
        "others_before": 100 * found.others_before,
        "others_after": 100 * found.others_after,
        "points": 100 * ranked.effect,
        "points_low": 100 * ranked.conf_low,
        "points_high": 100 * ranked.conf_high,
        "p_value": ranked.p_value,
        "p_adjusted": found.p_max_t,
        "false_positive_rate": rates[0] if rates else float("nan"),
        "verdict": verdict(found),
    }


def in_print(table: Table) -> Table:
    """The table with shares in whole per cent, changes in points with one decimal and rates in per cent."""
    from dataclasses import replace

    from cseval import formats as f

    values = table.values.astype(object)
    for column in ("share_before", "share_after", "others_before", "others_after"):
        values[column] = [f.percent_text(v, digits=0) for v in table.values[column]]
    for column in ("points", "points_low", "points_high"):
        values[column] = [f.decimal_text(v, digits=1, signed=True) for v in table.values[column]]
    for column in ("p_value", "p_adjusted"):
        values[column] = [f.p_cell(v) for v in table.values[column]]
    values["false_positive_rate"] = [f.rate_text(v) for v in table.values["false_positive_rate"]]
    values["verdict"] = [f.sentence_case(v) for v in table.values["verdict"]]
    one = values["model"].nunique() == 1
    return replace(table, values=values.drop(columns="model") if one else values)

"""Displacement and diffusion from counts: every published measure in one table, ranked among placebo neighbourhoods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import pandas as pd

    from cseval.estimators.displacement_area import AreaCounts, AreaMeasure, Placebos
    from cseval.inference.base import Inferred
    from cseval.part import Ground, PartResult
    from cseval.result import AnalysisResult, EvaluationResult
    from cseval.tables import Table

    Row = Mapping[str, Any]

LEVEL = 0.05
#: Fewer placebo neighbourhoods cannot give a p-value of 0.05; in fewer places than `FEW_PLACES` ranks are coarse.
FEWEST, FEW_PLACES = 19, 40
TREATED, NEAR, BOTH = "treated", "ring 1", "treated and ring 1"
#: What each abbreviation stands for, with the sign that is good.
MEASURES = {
    "GE": "Gross effect: incidents before less incidents after, compared with nothing; above zero fewer",
    "NE": "Net effect: incidents for each one in the comparison, before less after; above zero fewer",
    "WDQ": (
        "Weighted displacement quotient: the change next door over that in the treated area; below zero displacement, "
        "above zero a benefit that spread, and to be read only where the treated area clearly fell"
    ),
    "TNE": "Total net effect: incidents fewer than expected in both areas together; above zero fewer",
    "WDD": "Weighted displacement difference: incidents more or fewer than in the comparison; below zero fewer",
    "RIRR": "Relative incident rate ratio: change as a multiple of the comparison's; below 1 fewer",
}
AREAS = {
    TREATED: "treated area",
    NEAR: "next door",
    "ring 2": "one further",
    BOTH: "treated area and next door",
}
#: What a clear change next door is worth calling, and what is seen there.
MOVED = {
    "displacement": "Next door incidents rose where those of the treated area fell, as displacement would bring",
    "diffusion of benefit": "Next door incidents fell with those of the treated area, as a benefit that spread would",
}
OWN_ERRORS = (
    "The measures' own intervals take counts for Poisson numbers, and call a change clear in many places where nothing "
    "was done; interval and reading rest on the rank among placebo neighbourhoods"
)
NEIGHBOURS_HAD_MORE = "Whatever else changed next door in the same months is in what this table says of displacement"
#: GE is compared with nothing, and the size of WDQ means nothing near a denominator of zero.
UNRANKED = ("GE", "WDQ")
NOT_COMPARED = "compared with nothing, so not read"
NO_PLACEBOS = "no placebo neighbourhoods to be ranked among"


@dataclass(frozen=True, kw_only=True)
class DisplacementMeasures:
    """WDD, WDQ with its guard, GE, NE, TNE and RIRR with overdispersion, for the primary outcome.

    Parameters
    ----------
    name : str
        What the part is called where it is left out.
    """

    name: str = "displacement measures"

    def run(self, ground: Ground) -> PartResult:
        """Every measure with its rank.

        Raises
        ------
        EstimationError
            If there is no evaluation, its primary analysis rests on too few placebo neighbourhoods or on none, or
            nothing is next door.
        DesignError
            If treated units begin in different months.
        """
        from cseval.part import PartResult
        from cseval.reporting.figures_measures import measures_figure
        from cseval.reporting.tables import source_words

        result = ground.result
        if result is None:
            raise self._refused(NO_PLACEBOS, "an evaluation whose primary analysis is ranked among them")
        found = self._measured(result.primary)
        source = source_words(result)
        table = replace(measures_table(found), source=source)
        return PartResult(
            slug="displacement-measures",
            heading="Displacement and diffusion, every measure",
            headline=headline(found.frame),
            sentences=sentences(found),
            tables=(table,),
            printed={table.slug: in_print(table)},
            figures={
                "displacement-measures": partial(
                    measures_figure,
                    found.frame,
                    outcome=found.outcome,
                    months=found.counts.months[1],
                    source=source,
                    data=ground.data,
                )
            },
            weaknesses=weaknesses(result, found),
            of_counts=True,
        )

    def _measured(self, analysis: AnalysisResult) -> Measured:
        """All measures of one outcome, ranked among the neighbourhoods that its effect was ranked among."""
        from cseval.estimators.displacement_area import area_counts, displacement_table, placebo_measures

        inferred = next((i for i in analysis.inferred if i.draws is not None), None)
        if inferred is None or inferred.draws is None:
            raise self._refused(NO_PLACEBOS, "an evaluation whose primary analysis is ranked among them")
        counts = area_counts(analysis.design)
        if counts.ring_1 is None:
            raise self._refused("no unit touches the treated area", "a neighbour with counts")
        placebos = placebo_measures(analysis.design, inferred.draws.sets)
        usable = len(placebos.get(("WDD", NEAR), ()))
        if usable < FEWEST:
            what = f"{usable} placebo neighbourhoods with incidents in themselves and next door"
            raise self._refused(what, f"at least {FEWEST}, or no rank can be clear")
        frame = with_intervals(displacement_table(counts, placebos=placebos), counts, placebos)
        unranked = frame["measure"].isin(UNRANKED)  # their own intervals are no test, so there is none to err
        frame["called_clear"] = frame["called_clear"].mask(unranked)
        frame["reads_as"] = frame["reads_as"].mask(frame["measure"] == "GE", NOT_COMPARED)
        return Measured(outcome=analysis.estimate.outcome, counts=counts, frame=frame, inferred=inferred)

    def _refused(self, what: str, expected: str) -> EstimationError:
        return EstimationError(what, where=self.name, expected=expected)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """All measures of one outcome.

    Parameters
    ----------
    outcome : str
    counts : AreaCounts
    frame : pandas.DataFrame
        What `displacement_table` gives, with the interval from placebo neighbourhoods beside it.
    inferred : Inferred
        The inference whose placebo neighbourhoods they were ranked among.
    """

    outcome: str
    counts: AreaCounts
    frame: pd.DataFrame
    inferred: Inferred


def with_intervals(frame: pd.DataFrame, counts: AreaCounts, placebos: Placebos) -> pd.DataFrame:
    """The table with intervals from placebo neighbourhoods, ``placebo_low`` and ``placebo_high``.

    With a comparison weighed by incidents, NE, TNE and WDD are the rate ratio r in other units: with counts after the
    start held, ``WDD = T1 (1 - 1/r)``, ``TNE = -WDD`` and ``NE = -(t1 / c1) (1 - 1/r)``. So they take its rank, reading
    and interval, as the effect table does: one change has one interval, whatever it is counted in.
    """
    from cseval.estimators.displacement_area import area_measures

    ratios = {m.area: ratio_interval(m, placebos["RIRR", m.area]) for m in area_measures(counts) if m.measure == "RIRR"}
    after = {TREATED: counts.treated[1], NEAR: (counts.ring_1 or (0.0, 0.0))[1], BOTH: counts.both[1]}
    rows = []
    for row in frame.to_dict("records"):
        area, low, high = row["area"], math.nan, math.nan
        if row["measure"] not in UNRANKED:
            low, high = ratios[area]
            row |= {k: row_of(frame, "RIRR", area)[k] for k in ("p_value", "reads_as")}
        if row["measure"] in ("NE", "TNE", "WDD"):
            own = {"WDD": after[area], "TNE": -after[area], "NE": -after[area] / counts.comparison[1]}[row["measure"]]
            low, high = sorted((own * (1 - 1 / low), own * (1 - 1 / high)))
        rows.append({**row, "placebo_low": low, "placebo_high": high})
    return frame.from_records(rows)


def ratio_interval(row: AreaMeasure, others: Sequence[AreaMeasure]) -> tuple[float, float]:
    """Ends of the 95% interval of a rate ratio: it leaves out 1 exactly where the rank among others is clear.

    Its logarithm is studentised as it is for its rank; the ends are those ratios that the rank would not reject.
    """
    import numpy as np

    from cseval.estimators.base import ManyEffects
    from cseval.inference.placebo import critical_value
    from cseval.inference.spread import scale_of, variance_by_size

    change, error = np.array([(r.change, r.change_error) for r in (row, *others)]).T
    every = ManyEffects(
        effect=change, variance_terms=np.stack([np.ones(len(error)), error**2], axis=1), size=np.ones(len(change))
    )
    scale = scale_of(every, variance_by_size(every.take(np.arange(1, len(change)))))
    reach = critical_value(change[1:] / scale[1:], LEVEL) * float(scale[0])
    return row.estimate * math.exp(-reach), row.estimate * math.exp(reach)


# In words ---------------------------------------------------------------------------------------------


def row_of(frame: pd.DataFrame, measure: str, area: str) -> Row:
    """The row of a measure and an area."""
    found = frame[(frame["measure"] == measure) & (frame["area"] == area)]
    return {str(name): value for name, value in found.iloc[0].items()}


def span(row: Row) -> str:
    """The interval of a difference from placebo neighbourhoods, as incidents."""
    from cseval import formats as f

    low, high = (f.fewer_words(-float(row[end])) for end in ("placebo_low", "placebo_high"))
    return f"95% interval from {low} to {high}"


def headline(frame: pd.DataFrame) -> str:
    """What the difference next door says, with its number."""
    from cseval import formats as f
    from cseval.estimators.displacement_area import UNCLEAR

    near, both = row_of(frame, "WDD", NEAR), row_of(frame, "WDD", BOTH)
    how_many = f.fewer_words(-float(near["estimate"]))
    number = f"{how_many} incidents than expected ({span(near)}; {f.p_text(float(near['p_value']))})"
    total = f"In both areas together {f.fewer_words(-float(both['estimate']))} ({f.p_text(float(both['p_value']))})"
    says = str(near["reads_as"])
    if says in MOVED:
        return f"{MOVED[says]}: {number}. {total}."
    if says != UNCLEAR:
        return (
            f"Next door there were {number}, but no clear fall in the treated area, so that nothing can be said to "
            f"have moved from there. {total}."
        )
    start = "There is no clear evidence that incidents moved next door, or that a benefit spread"
    return f"{start}. Next door {number}. {total}."


def sentences(found: Measured) -> tuple[str, ...]:
    """What the treated area did, what stays open, and how far the measures' own errors can be relied on."""
    from cseval import formats as f

    own, wdq = row_of(found.frame, "WDD", TREATED), row_of(found.frame, "WDQ", NEAR)
    said = [
        f"In the treated area {f.fewer_words(-float(own['estimate']))} incidents than expected ({span(own)}; "
        f"{f.p_text(float(own['p_value']))}); a measure of displacement says something only beside a clear fall there",
        *open_question(own, row_of(found.frame, "WDD", NEAR)),
        _ranked(own, found.inferred),
        f"Counts vary {f.decimal_text(found.counts.dispersion, digits=1)} times as much as Poisson numbers from month "
        "to month; the rate ratios' own errors allow for that, and for nothing that lasts longer than a month",
    ]
    if wdq["reads_as"] == "no clear evidence":
        said.append(
            "The quotient divides the change next door by that in the treated area; since not both are clear it is "
            "given for completeness and says nothing here"
        )
    return tuple(f"{sentence}." for sentence in said)


def open_question(own: Row, near: Row) -> tuple[str, ...]:
    """How much of the fall in the treated area may have moved, for all that the interval next door says."""
    from cseval import formats as f

    fall, most = -float(own["estimate"]), float(near["placebo_high"])
    if round(fall) < 1 or round(most) < 1:
        return ()
    if most >= fall:
        return (
            f"The interval next door reaches {f.count_text(most)} more incidents: it cannot be ruled out that all of "
            "the fall estimated in the treated area moved there",
        )
    share = f.rate_text(most / fall, digits=0)
    return (
        f"The interval next door reaches {f.count_text(most)} more incidents, {share} of the fall estimated in the "
        "treated area: it cannot be ruled out that this much of it moved there",
    )


def _ranked(own: Row, inferred: Inferred) -> str:
    from cseval import formats as f

    places = inferred.facts.get("disjoint_neighbourhoods")
    where = f", which lie in {f.plural(int(places), 'separate place')}" if places else ""
    return (
        f"Ranked among {f.count_text(float(own['placebos']))} placebo neighbourhoods{where}, each with rings and a "
        "comparison of its own. The weighted displacement difference's own interval leaves out nought in "
        f"{f.rate_text(float(own['called_clear']), digits=0)} of them, where nothing was done, instead of in 5%"
    )


def weaknesses(result: EvaluationResult, found: Measured) -> tuple[str, ...]:
    """What weakens it: what else ran next door, and few separate places to be ranked among."""
    from cseval import formats as f
    from cseval.inputs import DEMONSTRATION

    moved = open_question(row_of(found.frame, "WDD", TREATED), row_of(found.frame, "WDD", NEAR))
    others = 0 if result.overlaps is None or result.data == DEMONSTRATION else len(result.overlaps.values)
    said = NEIGHBOURS_HAD_MORE
    if others:
        said += f"; {f.plural(others, 'other programme')} of the register may have run there too"
    places = found.inferred.facts.get("disjoint_neighbourhoods")
    if not places or places >= FEW_PLACES:
        return (*moved, said)
    return (
        *moved,
        said,
        f"The placebo neighbourhoods lie in only {f.plural(int(places), 'separate place')} and their rings overlap "
        "even more, so ranks of displacement are coarser than the number of neighbourhoods suggests",
    )


# Tables -----------------------------------------------------------------------------------------------


def measures_table(found: Measured) -> Table:
    """The table as typed values, one row per measure and area."""
    from cseval import formats as f
    from cseval.tables import Table

    columns = (
        "measure area estimate placebo_low placebo_high p_value placebos std_error conf_low conf_high called_clear "
        "reads_as note"
    ).split()
    return Table(
        slug="displacement-measures",
        title=f"Displacement and diffusion by every measure, {f.outcome_words(found.outcome)}",
        values=found.frame[columns].rename(columns={"reads_as": "verdict"}),
        headings=HEADINGS,
        notes=_notes(),
    )


HEADINGS = {
    "measure": "Measure",
    "area": "Where",
    "estimate": "Value",
    "placebo": "95% from placebos",
    "p_value": "p (placebo)",
    "own": "95% by its own error",
    "called_clear": "Own interval errs in",
    "verdict": "Reading",
}


def _notes() -> tuple[str, ...]:
    return (
        *(f"{short}: {words}." for short, words in MEASURES.items()),
        "Next door: the areas that touch the treated one; one further: those that touch these. Both are left out of "
        "the comparison, which serves all of them.",
        "NE, TNE and WDD are the rate ratio in other units, so they share its rank, reading and placebo interval.",
        "Own interval errs in: share of placebo neighbourhoods in which the measure's own interval leaves out no "
        "effect. The table of rings uses fewer placebo neighbourhoods, so its p-values may differ a little.",
        OWN_ERRORS + ".",
    )


def in_print(table: Table) -> Table:
    """The table for a page: intervals in one column, a reading in words."""
    import pandas as pd

    return replace(table, values=pd.DataFrame([_printed(row) for row in table.values.to_dict("records")]))


def _printed(row: Mapping[Any, Any]) -> dict[str, str]:
    from cseval import formats as f

    measure, p = str(row["measure"]), float(row["p_value"])
    return {
        "measure": measure,
        "area": f.sentence_case(AREAS[row["area"]]),
        "estimate": _number(float(row["estimate"]), measure),
        "placebo": _interval(float(row["placebo_low"]), float(row["placebo_high"]), measure),
        "p_value": f.p_cell(p) if math.isfinite(p) else f.NOT_APPLICABLE,
        "own": _interval(float(row["conf_low"]), float(row["conf_high"]), measure),
        "called_clear": f.NOT_APPLICABLE if measure in UNRANKED else f.rate_text(float(row["called_clear"]), digits=0),
        "verdict": f.sentence_case(str(row["verdict"])),
    }


def _number(value: float, measure: str) -> str:
    """Incidents whole, ratios and quotients with the digits they are read by."""
    from cseval import formats as f

    if measure in ("RIRR", "WDQ"):
        return f.decimal_text(value)
    return f.decimal_text(value, digits=4) if measure == "NE" else f.count_text(value)


def _interval(low: float, high: float, measure: str) -> str:
    from cseval import formats as f

    if not (math.isfinite(low) and math.isfinite(high)):
        return f.NOT_APPLICABLE
    return f"{_number(low, measure)} to {_number(high, measure)}"

"""What the police did in the same months: searches beside the outcome they drive, and by recorded ethnicity."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cseval.errors import DataError, DesignError, EstimationError

if TYPE_CHECKING:
    from cseval.equality import Denominators, EqualityResult
    from cseval.panel import Provenance
    from cseval.part import Ground, PartResult
    from cseval.police_activity import ActivityResult
    from cseval.registry.breaks import Break
    from cseval.result import EvaluationResult
    from cseval.sources.stop_search_table import StopSearch
    from cseval.tables import Table

#: Searches as the register of dated changes calls them.
SEARCHED = "stop_and_search"
TABLE, RECORDS = "stop-and-search-counts", "stop-and-search"
#: Months in each half of those before from which on a change within them is shown.
FEWEST_EARLIER = 4
NOT_SEPARATED = (
    "Recorded offences that officers find move with how much they search; how much of a change comes from that cannot "
    "be separated with these counts"
)


@dataclass(frozen=True, kw_only=True)
class PoliceActivityPart:
    """Searches before and after in the treated borough against all others, with an outcome beside them.

    Parameters
    ----------
    outcome : str
        Outcome of the evaluation's panel that is shown beside the searches; the primary one if left out.
    name : str
        What the part is called where it is left out.
    """

    outcome: str = ""
    name: str = "police activity"

    def run(self, ground: Ground) -> PartResult:
        """Searches, the other boroughs, and the outcome.

        Raises
        ------
        DataError
            If no stop and searches of all boroughs were imported.
        EstimationError, DesignError
            If not one borough was treated, or too few months can be used.
        """
        from cseval.part import PartResult
        from cseval.police_activity_words import activity_sentences
        from cseval.reporting.figures_activity import activity_figure

        result, unit = treated_borough(ground, self.name)
        stops = searches_of(ground, result, unit, (TABLE, RECORDS))
        found = self._compare(result, unit, stops)
        source = "; ".join(dict.fromkeys(p.title for p in (*stops.provenance, *result.inputs.sources)))
        first, *others = activity_sentences(found)
        return PartResult(
            slug="police-activity",
            heading="What the police did in the same months",
            headline=first,
            sentences=tuple(others),
            folded=(changes_table(found, source),),
            printed={"police-activity-changes": changes_in_print(changes_table(found, source))},
            figures={
                "police-activity": partial(
                    activity_figure, found, source=source, data=ground.data, breaks=changes_of(ground, found)
                )
            },
            weaknesses=(NOT_SEPARATED,),
            sources=stops.provenance,
            of_counts=True,
        )

    def _compare(self, result: EvaluationResult, unit: str, stops: StopSearch) -> ActivityResult:
        from cseval.police_activity import PoliceActivity

        design = result.primary.design
        return PoliceActivity(
            unit=unit,
            start=design.start,
            first=stops.periods[0],
            last=min(stops.periods[-1], design.periods[-1]),
            outcome=self.outcome or result.primary.estimate.outcome,
            lost={p: float(x) for p, x in zip(stops.periods, stops.lost, strict=True)},
        ).compare(stops.panel(), result.inputs.panel)


def changes_of(ground: Ground, found: ActivityResult) -> tuple[Break, ...]:
    """The dated changes that move searches or the outcome in these months; none of a fictional place."""
    from cseval.inputs import DEMONSTRATION
    from cseval.registry.breaks import breaks_in
    from cseval.spec import Window

    if ground.data == DEMONSTRATION:
        return ()
    months = found.series["period"]
    window = Window(first=str(months.iloc[0]), last=str(months.iloc[-1]))
    return breaks_in(ground.registry.breaks, window, (SEARCHED, found.outcome))


def treated_borough(ground: Ground, name: str) -> tuple[EvaluationResult, str]:
    """The evaluation and the code of its one treated unit.

    Raises
    ------
    EstimationError
        If there is no evaluation, or not one unit was treated.
    """
    treated = sorted(ground.result.primary.design.treated) if ground.result else []
    if ground.result is None or len(treated) != 1:
        raise EstimationError(
            f"{len(treated)} treated units", where=name, expected="an evaluation of one borough, whose searches count"
        )
    return ground.result, treated[0]


def searches_of(ground: Ground, result: EvaluationResult, unit: str, kinds: tuple[str, ...]) -> StopSearch:
    """Stop and searches: simulated ones in a demonstration, else of the first kind that was imported.

    Raises
    ------
    DataError
        If none of `kinds` was imported, or a file is not what it should be.
    """
    from cseval.inputs import DEMONSTRATION
    from cseval.sources.demonstration_searches import simulate_searches
    from cseval.sources.stop_search import read_stops
    from cseval.sources.stop_search_table import read_counts_table

    if ground.data == DEMONSTRATION:
        panel = result.inputs.panel
        return simulate_searches(ground.seed, panel.units, panel.names, unit, result.primary.design.start)
    kind = next((k for k in kinds if ground.catalogue.has(k)), None)
    if kind is None:
        raise DataError(
            "no stop and searches were imported",
            where=" or ".join(kinds),
            expected="the monthly files of data.police.uk, or their counts by borough and month",
            todo="`cseval data import FILE`",
        )
    if kind == RECORDS:
        return read_stops(ground.catalogue)
    path = ground.catalogue.require(TABLE)[-1]
    return replace(read_counts_table(path), provenance=ground.catalogue.provenance(TABLE))


def changes_table(found: ActivityResult, source: str) -> Table:
    """Searches of every borough before and after, and each against all others."""
    from cseval.tables import Table

    return Table(
        slug="police-activity-changes",
        title="Searches by borough, before and after",
        values=found.changes,
        headings={
            "name": "Borough",
            "before": "A month before",
            "after": "A month after",
            "ratio": "Times as many",
            "ratio_low": "95% from",
            "ratio_high": "95% to",
            "relative": "Against all others",
            "relative_low": "95% from",
            "relative_high": "95% to",
        },
        notes=("Each borough against all others together, in the months that can be used in the treated one.",),
        source=source,
    )


def changes_in_print(table: Table) -> Table:
    """The table with averages whole and ratios with two decimals."""
    from cseval import formats as f

    values = table.values.astype(object)
    for column in table.values.columns:
        if column in ("unit", "name"):
            continue
        digits = 0 if column in ("before", "after") else 2
        values[column] = [f.decimal_text(float(v), digits=digits) for v in table.values[column]]
    return replace(table, values=values.drop(columns="unit"))


# By recorded ethnicity --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class EqualityPart:
    """Searches by recorded ethnicity before and after: evidence for a paper's equalities section, not its text.

    Parameters
    ----------
    denominators : str
        File in ``data/reference`` with residents by group; without one there are no rates.
    name : str
        What the part is called where it is left out.
    """

    denominators: str = ""
    name: str = "equality of searches"

    def run(self, ground: Ground) -> PartResult:
        """Numbers, their changes against one group's, and outcomes, by recorded ethnicity.

        Raises
        ------
        DataError
            If no records of searches with ethnicity were imported.
        EstimationError, DesignError
            If not one borough was treated, or a period has no usable month.
        """
        from cseval.equality_words import equality_sentences, equality_tables
        from cseval.part import PartResult

        result, unit = treated_borough(ground, self.name)
        stops = searches_of(ground, result, unit, (RECORDS,))
        found = self._measure(ground, result, unit, stops)
        source = "; ".join(dict.fromkeys(p.title for p in stops.provenance))
        tables = tuple(replace(_renamed(t), source=source) for t in equality_tables(found))
        begun = begun_before(found, self._earlier(found, unit, stops))
        return PartResult(
            slug="equality",
            heading="Who was searched",
            headline=" ".join((equality_headline(found), *begun)),
            sentences=equality_sentences(found),
            folded=tables,
            printed={t.slug: equality_in_print(t) for t in tables},
            weaknesses=(_old_residents(found.denominators),) if found.denominators else (),
            sources=(*stops.provenance, *self._source(ground, found)),
        )

    def _measure(self, ground: Ground, result: EvaluationResult, unit: str, stops: StopSearch) -> EqualityResult:
        from cseval.equality import Disproportionality
        from cseval.months import add_months

        start, last = result.primary.design.start, result.primary.design.periods[-1]
        return Disproportionality(
            unit=unit,
            before=(stops.periods[0], add_months(start, -1)),
            after=(start, min(stops.periods[-1], last)),
            denominators=self._residents(ground),
            published=all(p.published for p in stops.provenance),
        ).measure(stops)

    def _earlier(self, found: EqualityResult, unit: str, stops: StopSearch) -> EqualityResult | None:
        """The same measure within the months before, from their first half to their second; None if they are few.

        Not of unpublished counts: two splits of the same months could give away what either withholds.
        """
        from cseval.equality import Disproportionality

        usable = stops.received[stops.units.index(unit)]
        first, last = found.periods[0]
        months = [p for p, ok in zip(stops.periods, usable, strict=True) if ok and first <= p <= last]
        half = len(months) // 2
        if half < FEWEST_EARLIER or not all(p.published for p in stops.provenance):
            return None
        first_half, second_half = (months[0], months[half - 1]), (months[half], months[-1])
        try:
            return Disproportionality(unit=unit, before=first_half, after=second_half).measure(stops)
        except DesignError:  # nobody of the reference group was searched in one half
            return None

    def _source(self, ground: Ground, found: EqualityResult) -> tuple[Provenance, ...]:
        """Where the residents by group come from, where they are used."""
        from cseval.registry.provenance import provenance_of

        if found.denominators is None:
            return ()
        path = ground.reference / self.denominators
        return (provenance_of(path, title="Residents by ethnic group", publisher="Office for National Statistics"),)

    def _residents(self, ground: Ground) -> Denominators | None:
        """Residents by group of the real borough; those of a fictional one do not exist."""
        from cseval.equality import read_denominators
        from cseval.inputs import DEMONSTRATION

        wanted = self.denominators and ground.data != DEMONSTRATION
        return read_denominators(ground.reference / self.denominators) if wanted else None


def equality_headline(found: EqualityResult) -> str:
    """How many searches of people there were, and the widest change of a group's number against the reference's.

    Where a count is withheld there is no total: the groups that are shown do not make one.
    """
    from cseval import formats as f

    before, after = ([float(v) for v in found.rates[c]] for c in ("before", "after"))
    months = f.plural(found.months[0], "usable month")
    if any(math.isnan(v) for v in (*before, *after)):
        said = f"Searches of people with a recorded ethnicity in {months} before and {found.months[1]} after"
    else:
        said = (
            f"{f.count_text(sum(before))} searches of people with a recorded ethnicity in {months} before, "
            f"{f.count_text(sum(after))} in {found.months[1]} after"
        )
    rows = _changed(found)
    if not rows:
        return f"{said}."
    first = _widest(found)
    low, high = (f.decimal_text(float(first[c])) for c in ("change_low", "change_high"))
    widest = f", the widest change of {f.plural(len(rows), 'group')}" if len(rows) > 1 else ""
    return (
        f"{said}; against those of {found.reference} people, searches of {first['group']} people became "
        f"{f.decimal_text(float(first['change']))} times what they were (95% interval {low} to {high}){widest}."
    )


def begun_before(found: EqualityResult, earlier: EqualityResult | None) -> tuple[str, ...]:
    """Whether the widest change is more than what the months before show by themselves, from half to half."""
    from cseval import formats as f

    if earlier is None or not _changed(found):
        return ()
    first = _widest(found)
    then = next((r for r in _changed(earlier) if r["group"] == first["group"]), None)
    if then is None:
        return ()
    ratio, low, high = (float(then[c]) for c in ("change", "change_low", "change_high"))
    start = (
        f"Before any start, from the first {f.plural(earlier.months[0], 'usable month')} to the {earlier.months[1]} "
        f"after them, searches of {first['group']} people against those of {found.reference} people became "
        f"{f.decimal_text(ratio)} times what they were (95% interval {f.decimal_text(low)} to {f.decimal_text(high)})"
    )
    if low <= float(first["change"]) <= high:
        return (f"{start}: a change as wide was under way already, so this one cannot be laid to what began then.",)
    return (f"{start}: less than the change after, which still may have other reasons.",)


def _changed(found: EqualityResult) -> list[dict[str, Any]]:
    """Rows of the groups whose change is known."""
    rows = [{str(k): v for k, v in r.items()} for r in found.rates.to_dict("records")]
    return [r for r in rows if r["change"] == r["change"]]


def _widest(found: EqualityResult) -> dict[str, Any]:
    return max(_changed(found), key=lambda r: times_apart(float(r["change"])))


def times_apart(ratio: float) -> float:
    """How many times one number is of the other, whichever is the larger: a half is as far from 1 as a double."""
    return max(ratio, 1 / ratio) if ratio > 0 else math.inf


def _old_residents(residents: Denominators) -> str:
    return (
        f"Residents by group are those of {residents.year}: rates of searches are too high for groups that have grown "
        "since, and ratios of rates are wrong by as much as groups grew unlike one another"
    )


def _renamed(table: Table) -> Table:
    """The table with its periods under another name, since a period is a month everywhere else."""
    if "period" not in table.values:
        return table
    headings = {**{k: v for k, v in table.headings.items() if k != "period"}, "when": "When"}
    return replace(table, values=table.values.rename(columns={"period": "when"}), headings=headings)


def equality_in_print(table: Table) -> Table:
    """The table without columns that hold nothing, counts whole, shares with one decimal, ratios with two."""
    from cseval import formats as f

    given = [c for c in table.values if c in ("group", "when") or any(_there(v) for v in table.values[c])]
    values = table.values[given].astype(object)
    for column in given:
        if column in ("group", "when"):
            continue
        digits = 0 if column in WHOLE else 1 if column.startswith(("share", "difference")) else 2
        values[column] = [f.decimal_text(v, digits=digits) if _there(v) else f.NOT_APPLICABLE for v in values[column]]
    return replace(table, values=values)


WHOLE = ("population", "before", "after", "searches", "no_further_action")


def _there(value: Any) -> bool:
    """Whether a cell holds a number, or one that is withheld."""
    from cseval.disclosure import Withheld

    return isinstance(value, Withheld) or float(value) == float(value)

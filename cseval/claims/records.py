"""Claims that no count can test: what the papers' own figures say of them, and which record would say more."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cseval.claims import record_words as words
from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, ClaimResult
from cseval.claims.register import (
    ABOUT,
    ACTIVITIES,
    IN_POST,
    OVER,
    PROMISED,
    PROPOSED,
    STAFFING,
    Activity,
    PublicClaim,
    Staffing,
    covers,
    first_day,
    last_day,
    read_activities,
    read_staffing,
)
from cseval.claims.rules import capacity_verdict
from cseval.errors import DataError
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    from cseval.register import Registered

MONTHS_A_YEAR = 12


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the papers say in figures.

    Parameters
    ----------
    staffing : tuple of Staffing
    activities : tuple of Activity
    programmes : mapping of str to Registered
    """

    staffing: tuple[Staffing, ...]
    activities: tuple[Activity, ...]
    programmes: Mapping[str, Registered]

    def activity(self, slug: str) -> Activity:
        """One figure.

        Raises
        ------
        DataError
            If the table does not hold it.
        """
        found = next((a for a in self.activities if a.slug == slug), None)
        if found is None:
            raise DataError(f"no row {slug!r}", where=ACTIVITIES, expected="the figure that a public claim rests on")
        return found

    def only(self, programme: str, kind: str) -> Staffing:
        """The one row of a kind that a programme has.

        Raises
        ------
        DataError
            If it has none, or several.
        """
        found = [s for s in self.staffing if (s.programme, s.kind) == (programme, kind)]
        if len(found) != 1:
            raise DataError(f"{len(found)} rows {kind!r} of {programme}", where=STAFFING, expected="one")
        return found[0]

    def in_post(self, programme: str, first: datetime.date, last: datetime.date) -> tuple[tuple[Staffing, int], ...]:
        """Who was in post from one day to another, each with the number of those days.

        Raises
        ------
        DataError
            If the table leaves a day out.
        """
        rows = [s for s in self.staffing if (s.programme, s.kind) == (programme, IN_POST)]
        days = [first + datetime.timedelta(days=n) for n in range((last - first).days + 1)]
        counted = [(row, sum(covers(row, day) for day in days)) for row in rows]
        if sum(n for _, n in counted) != len(days):
            raise DataError(
                f"days without officers in post of {programme} between {first} and {last}",
                where=STAFFING,
                expected="a row for every day",
            )
        return tuple((row, n) for row, n in counted if n)


def read_figures(folder: Path, programmes: Mapping[str, Registered]) -> Figures:
    """The papers' figures from the two tables of a reference folder; raises as their readers do."""
    return Figures(
        staffing=read_staffing(folder / STAFFING, programmes=programmes),
        activities=read_activities(folder / ACTIVITIES, programmes=programmes),
        programmes=programmes,
    )


class Record(Protocol):
    """Holds a claim against the papers' own figures; options are the fields of a frozen dataclass."""

    def test(self, claim: PublicClaim, figures: Figures) -> ClaimResult:
        """What the figures say of the claim.

        Raises
        ------
        DataError
            If a figure that it rests on is not in the tables.
        """
        ...


# Rules ------------------------------------------------------------------------------------------------


def exceeds(part: Activity, total: Activity) -> bool:
    """Whether a part must be larger than its total.

    A part given as "over" so many is larger than that number; a total given so has no upper end, and what is rounded
    has no sharp one.
    """
    if total.bound == OVER or ABOUT in (part.bound, total.bound):
        return False
    return part.value >= total.value if part.bound == OVER else part.value > total.value


def parts_verdict(pairs: Sequence[tuple[Activity, Activity]]) -> str:
    """Verdict on totals from the part and the total of each output.

    Contradicted where a part is larger than its total; else it cannot be tested, since figures of one author that do
    not contradict each other are no independent record.
    """
    return CONTRADICTED if any(exceeds(part, total) for part, total in pairs) else CANNOT_BE_TESTED


# Records ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Holds a stated capacity over a period against the officers in post on each of its days.

    Parameters
    ----------
    stated : str
        Slug of the figure that states it, whose period is looked at.
    rounding : float
        Points that the stated share may have been rounded to.
    at_end : bool
        Whether the words are read as of the last day of the period, and not of the average over its days.

    Notes
    -----
    Full strength is the number promised. `capacity_verdict` decides on one reading of the words; a claim that has both
    is supported or contradicted only if both say so.
    """

    stated: str
    rounding: float = 10.0
    at_end: bool = False

    def test(self, claim: PublicClaim, figures: Figures) -> ClaimResult:
        """Average the officers in post over the period, or take those of its last day; raises as `Record.test`."""
        stated = figures.activity(self.stated)
        full = figures.only(stated.programme, PROMISED)
        begins, ends = _period(stated)
        rows = figures.in_post(stated.programme, begins, ends)
        average = 100 * _officer_days(rows) / (full.officers * sum(n for _, n in rows))
        last = 100 * figures.in_post(stated.programme, ends, ends)[0][0].officers / full.officers
        share = last if self.at_end else average
        unlike = capacity_verdict(average, stated.value, self.rounding) == CONTRADICTED
        return ClaimResult(
            statement=replace(claim.statement, reading=words.capacity_reading(share, begins, ends, self.at_end)),
            outcome="",
            verdict=capacity_verdict(share, stated.value, self.rounding),
            sentence=words.capacity_sentence(rows, full, average, average - stated.value if unlike else 0.0),
            caveat=words.capacity_caveat(full),
        )


@dataclass(frozen=True, kw_only=True)
class Reported:
    """Outputs that a paper reports of one period: divided by months and by officers in post, and not tested.

    Parameters
    ----------
    outputs : tuple of str
        Slugs of the figures, all of one programme and period; the first is divided.

    Notes
    -----
    The verdict is always that they cannot be tested: there is no record of them but the paper's.
    """

    outputs: tuple[str, ...]

    def test(self, claim: PublicClaim, figures: Figures) -> ClaimResult:
        """Say the outputs and what they are by month and officer; raises as `Record.test`."""
        outputs = [figures.activity(slug) for slug in self.outputs]
        rows = figures.in_post(outputs[0].programme, *_period(outputs[0]))
        days = sum(n for _, n in rows)
        months = _months(outputs[0])
        return ClaimResult(
            statement=claim.statement,
            outcome="",
            verdict=CANNOT_BE_TESTED,
            sentence=words.reported_sentence(outputs, months, _officer_days(rows) * months / days),
        )


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Totals over several years held against the part of them that another paper reports of one year.

    Parameters
    ----------
    parts : mapping of str to str
        Slug of the figure of the one year to that of the total; the first pair is divided by months.
    years : str
        Slug of the figure that says how many years the totals cover.
    written_before : str
        Month before which the totals were written down; empty if not known. Years counted from the programme's start
        that end in it or later were then not over, so that a total divided by all of their months is the least.

    Notes
    -----
    `parts_verdict` decides. Officer-months are not taken: after the last officers known to be in post the papers hold
    a promise only.
    """

    parts: Mapping[str, str]
    years: str
    written_before: str = ""

    def test(self, claim: PublicClaim, figures: Figures) -> ClaimResult:
        """Compare parts and totals, and the years with the calendar; raises as `Record.test`."""
        pairs = [(figures.activity(part), figures.activity(total)) for part, total in self.parts.items()]
        years = figures.activity(self.years)
        programme = figures.programmes[years.programme]
        ends = add_months(programme.start, int(MONTHS_A_YEAR * years.value) - 1) if programme.start else ""
        least = (programme.start, ends) if ends and "" < self.written_before <= ends else None
        return ClaimResult(
            statement=claim.statement,
            outcome="",
            verdict=parts_verdict(pairs),
            sentence=words.totals_sentence(
                pairs, [part.what for part, total in pairs if exceeds(part, total)], years, _months(pairs[0][0]), least
            ),
            caveat=words.totals_caveat(programme, years, ends, _promise(figures, programme.slug, ends)),
        )


@dataclass(frozen=True, kw_only=True)
class ImpliedCost:
    """The full cost that a price after a stated reduction implies, in all and by post.

    Parameters
    ----------
    price, reduction, agreement : str
        Slugs of the figures: what is paid a year, the reduction in per cent, and an earlier sum.

    Notes
    -----
    ``full = price / (1 - reduction)``, with the ends that a reduction rounded to a whole per cent leaves. The verdict
    is always that it cannot be tested, since no price list is at hand. Of the earlier sum nothing is implied a year
    unless its row has both dates.
    """

    price: str
    reduction: str
    agreement: str

    def test(self, claim: PublicClaim, figures: Figures) -> ClaimResult:
        """Work out what the price implies; raises as `Record.test`."""
        price, reduction = figures.activity(self.price), figures.activity(self.reduction)
        agreement = figures.activity(self.agreement)
        posts = figures.only(price.programme, PROPOSED)
        years = _months(agreement) / MONTHS_A_YEAR if agreement.first and agreement.last else 0.0
        return ClaimResult(
            statement=claim.statement,
            outcome="",
            verdict=CANNOT_BE_TESTED,
            sentence=words.cost_sentence(price, reduction, posts, implied_cost(price.value, reduction.value)),
            caveat=words.cost_caveat(posts, agreement, years),
        )


def implied_cost(price: float, reduction: float) -> tuple[float, float, float]:
    """Full cost behind a price after a reduction of so many per cent, and its ends if that was rounded to a whole one.

    Raises
    ------
    DataError
        If the reduction is not below 99.5 %.
    """
    if not reduction < 99.5:
        raise DataError(f"a reduction of {reduction:g} %", where=ACTIVITIES, expected="less than 99.5")
    full, low, high = (price / (1 - share / 100) for share in (reduction, reduction - 0.5, reduction + 0.5))
    return full, low, high


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What was expected of a programme that had been proposed; the papers give nothing to hold against it.

    The verdict is always that it cannot be tested.
    """

    programme: str

    def test(self, claim: PublicClaim, figures: Figures) -> ClaimResult:
        """Say from when it was expected; raises as `Record.test`."""
        proposed = figures.only(self.programme, PROPOSED)
        return ClaimResult(
            statement=claim.statement,
            outcome="",
            verdict=CANNOT_BE_TESTED,
            sentence=words.expectation_sentence(figures.programmes[self.programme], proposed),
        )


@dataclass(frozen=True, kw_only=True)
class Interviews:
    """What interviews after the event revealed; the paper mentions none from before it, or from elsewhere.

    The verdict is always that it cannot be tested.
    """

    def test(self, claim: PublicClaim, figures: Figures) -> ClaimResult:
        """Say what is missing."""
        return ClaimResult(
            statement=claim.statement,
            outcome="",
            verdict=CANNOT_BE_TESTED,
            sentence=words.INTERVIEWS,
        )


#: What tests a claim as ``record/name``.
RECORDS: Mapping[str, Record] = {
    "capacity": Capacity(stated="taskforce-stated-capacity"),
    "capacity-at-end": Capacity(stated="taskforce-stated-capacity", at_end=True),
    "first-year": Reported(
        outputs=tuple(f"first-year-{what}" for what in ("arrests", "searches", "warnings", "vehicles", "cash"))
    ),
    "three-years": Totals(
        parts={f"first-year-{what}": f"three-years-{what}" for what in ("arrests", "warnings", "vehicles")},
        years="three-years",
        written_before="2021-03",  # the draft speaks of the contract's end in March 2021 as still to come
    ),
    "cost": ImpliedCost(price="unit-cost", reduction="unit-reduction", agreement="taskforce-agreement"),
    "expectation": Expectation(programme="asb-and-drug-suppression-unit"),
    "perceptions": Interviews(),
}


def _period(activity: Activity) -> tuple[datetime.date, datetime.date]:
    """First and last day that a figure covers.

    Raises
    ------
    DataError
        If the table does not give both.
    """
    begins, ends = first_day(activity.first), last_day(activity.last)
    if begins is None or ends is None:
        raise DataError("no first or no last day", where=f"{ACTIVITIES}, row {activity.slug!r}", expected="both")
    return begins, ends


def _months(activity: Activity) -> int:
    """Months from the one in which a figure's period begins to the one in which it ends."""
    begins, ends = _period(activity)
    return month_number(f"{ends:%Y-%m}") - month_number(f"{begins:%Y-%m}") + 1


def _officer_days(rows: tuple[tuple[Staffing, int], ...]) -> int:
    return sum(row.officers * days for row, days in rows)


def _promise(figures: Figures, programme: str, ends: str) -> Staffing | None:
    """What was promised of a programme's staffing before a month; officers in post are not known from then on."""
    rows = [s for s in figures.staffing if (s.programme, s.kind) == (programme, PROMISED) and s.first and ends]
    return next((s for s in rows if s.first[:7] <= ends), None)

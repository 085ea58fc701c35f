"""What a rate before and after says, in sentences that a councillor can read, and as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.claims import phrases as words
from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED, ClaimResult
from cseval.claims.rules import combined
from cseval.estimate import percent

if TYPE_CHECKING:
    import pandas as pd

    from cseval.claims.not_decreased import NotDecreased, RateChange

    Row = tuple[str, float, float, float, str]

#: What an interval holds, by the verdict on "has not decreased".
HOLDS = {
    SUPPORTED: "holds no fall",
    CONTRADICTED: "holds falls only",
    NOT_SUPPORTED: "leaves both a fall and a rise open",
}
#: What a rate by itself cannot say.
RAW = (
    "A rate that has or has not fallen says nothing of what the programme did: without it the rate might have moved as "
    "well. What was different from other areas is what the effects of this evaluation estimate."
)


# Sentences --------------------------------------------------------------------------------------------


def sentence_of(claim: NotDecreased, found: RateChange) -> str:
    """The finding: the rates, their change both ways with what its interval holds, and what could have supported it."""
    before, after = found.rates
    parts = (
        f"Recorded {words.plain_words(found.outcome)} in {claim.area} went from {before:,.1f} a month in "
        f"{words.period_words(*claim.before)} to {after:,.1f} a month in {words.period_words(*claim.after)}: "
        f"{_change_words(found, found.changes[0])}.",
        *(f"Per resident it is {_change_words(found, change)}." for change in found.changes[1:]),
        _needed_rise(found),
        _ways_words(found),
        _histories_words(found),
    )
    return " ".join(part for part in parts if part)


def _change_words(found: RateChange, change: float) -> str:
    """A change with its interval, and what that holds."""
    half = found.widest.half
    low, high = percent(change - half), percent(change + half)
    verdict = found.verdicts_of(change)[found.spreads.index(found.widest)]
    span = f"95% interval {words.span_words(low, high)}"
    return f"{words.change_words(percent(change))} ({span}), which {HOLDS[verdict]}"


def _needed_rise(found: RateChange) -> str:
    """What could have supported the statement, where nothing is decided."""
    if found.verdict != NOT_SUPPORTED:
        return ""
    rise = f.percent_text(percent(found.least_rise), digits=0)
    return f"Only a rise of about {rise} or more could have supported the statement."


def _ways_words(found: RateChange) -> str:
    """That counts by the month and per resident disagree, where they do."""
    ways = {combined(found.verdicts_of(change)) for change in found.changes}
    return "By the month and per resident the counts do not say the same, so neither decides." if len(ways) > 1 else ""


def _histories_words(found: RateChange) -> str:
    """That the interval is the widest of several, and by which histories alone it would hold something else."""
    if len(found.spreads) < 2:
        return "There are no earlier months to judge these intervals with as well."
    lengths = f.joined([str(s.history) for s in found.spreads])
    alone = "; ".join(_alone_words(histories, ways) for histories, ways in _alone(found).items())
    return (
        f"These intervals are the widest of those judged with {lengths} months of history, since a verdict must hold "
        f"with each{f'; {alone}' if alone else ''}."
    )


def _alone(found: RateChange) -> dict[tuple[tuple[int, ...], str], list[str]]:
    """The histories that decide a change which others leave open and what they say, with the ways of counting."""
    said: dict[tuple[tuple[int, ...], str], list[str]] = {}
    for way, change in zip(("by the month", "per resident"), found.changes, strict=False):
        verdicts = found.verdicts_of(change)
        decided = [(s.history, v) for s, v in zip(found.spreads, verdicts, strict=True) if v != NOT_SUPPORTED]
        if len(set(verdicts)) > 1:
            said.setdefault((tuple(history for history, _ in decided), decided[0][1]), []).append(way)
    return said


def _alone_words(decided: tuple[tuple[int, ...], str], ways: list[str]) -> str:
    lengths = " or ".join(map(str, decided[0]))
    return f"with {lengths} alone, the interval {f.joined(ways)} {HOLDS[decided[1]]}"


def caveat_of(claim: NotDecreased, found: RateChange, part: tuple[int, int] | None) -> str:
    """How far this is from the statement's own words, what they leave open, and what a rate does not say."""
    said = "" if found.outcome in claim.exact else _stand_in_words(claim, found.outcome, part)
    return " ".join(text for text in (said, claim.unsaid, RAW) if text)


def _stand_in_words(claim: NotDecreased, outcome: str, part: tuple[int, int] | None) -> str:
    if part is None:
        return words.another_outcome(claim.subject, outcome, claim.needed)
    return f"{_part_words(claim, part)} {f.sentence_case(words.plain_words(outcome))} stands in, which is not the same."


def _part_words(claim: NotDecreased, part: tuple[int, int]) -> str:
    return (
        f"The statement counts {claim.subject}, of which only {part[0]} of the {part[1]} months of the two periods "
        f"were received in all of {claim.area}; the others are needed too, from {claim.needed}."
    )


def nothing_found(claim: NotDecreased, part: tuple[int, int] | None) -> ClaimResult:
    """The result where no outcome was received in all months of the two periods."""
    if part is None:
        return words.untested(claim.statement, claim.subject, claim.needed)
    return ClaimResult(
        statement=claim.statement,
        outcome="",
        verdict=CANNOT_BE_TESTED,
        sentence="These data hold no outcome for all months that the statement is about.",
        caveat=_part_words(claim, part),
    )


# Table ------------------------------------------------------------------------------------------------


def change_frame(claim: NotDecreased, found: RateChange) -> pd.DataFrame:
    """The numbers behind the verdict: columns ``quantity, value, low, high, note``; NaN where there is none."""
    import pandas as pd

    rows = [*_rate_rows(found), *_change_rows(found), _independent_row(found), *_noise_rows(claim, found)]
    return pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "note"])


def _rate_rows(found: RateChange) -> list[Row]:
    """Incidents a month in the two periods."""
    return [
        (f"incidents a month {when}", rate, math.nan, math.nan, f"{total:,.0f} in {months} months")
        for when, rate, total, months in zip(("before", "after"), found.rates, found.totals, found.months, strict=True)
    ]


def _change_rows(found: RateChange) -> list[Row]:
    """The change by the month and per resident: the widest interval, then that with each length of history."""
    rows = []
    for what, change in zip(("change", "change per resident"), found.changes, strict=False):
        note = "the widest 95% interval; the verdict must hold with each below"
        rows.append(_percent_row(f"{what}, %", change, found.widest.half, note))
        for spread, verdict in zip(found.spreads, found.verdicts_of(change), strict=True):
            quantity = f"{what} with {f.plural(spread.history, 'month')} of history, %"
            rows.append(_percent_row(quantity, change, spread.half, f"95% interval; by itself {verdict}"))
    return rows


def _independent_row(found: RateChange) -> Row:
    from scipy import special

    half = float(special.ndtri(0.975)) * math.sqrt(sum(1 / total for total in found.totals))
    note = "95% interval of Poisson counts: too narrow, for comparison"
    return _percent_row("the same as if months were independent, %", found.log_change, half, note)


def _noise_rows(claim: NotDecreased, found: RateChange) -> list[Row]:
    """What months do beyond their means by the widest interval, and from the least to the most by any history."""
    since = f"from {claim.history_from} on at the earliest" if claim.history_from else "as far back as received"
    reason = f": {claim.history_reason}" if claim.history_reason else ""
    spread = "by the history of the widest interval, and the range over all that were tried"
    kinds = (
        ("months of history", [float(s.history) for s in found.spreads], f"{since}{reason}"),
        ("variance of a month over its Poisson variance", [s.noise.dispersion for s in found.spreads], spread),
        ("autocorrelation of what months waver by", [s.noise.rho for s in found.spreads], spread),
        ("degrees of freedom", [s.noise.df for s in found.spreads], f"Satterthwaite; {spread}"),
    )
    at = found.spreads.index(found.widest)
    return [(quantity, values[at], min(values), max(values), note) for quantity, values, note in kinds]


def _percent_row(what: str, value: float, half: float, note: str) -> Row:
    return (what, percent(value), percent(value - half), percent(value + half), note)

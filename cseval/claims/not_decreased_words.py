"""What a rate before and after says, in sentences that a councillor can read, and as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cseval.claims import phrases as words
from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED
from cseval.estimate import percent

if TYPE_CHECKING:
    import pandas as pd

    from cseval.claims.not_decreased import NotDecreased, RateChange

#: What an interval leaves open, by the verdict on "has not decreased".
OPEN = {
    SUPPORTED: "which leaves no fall open",
    CONTRADICTED: "which leaves nothing but a fall open",
    NOT_SUPPORTED: "which leaves both a fall and a rise open",
    CANNOT_BE_TESTED: "which says nothing",
}
#: What a rate by itself cannot say.
RAW = (
    "A rate that has or has not fallen says nothing of what the programme did: without it the rate might have moved as "
    "well. What was different from other areas is what the effects of this evaluation estimate."
)


def sentence_of(claim: NotDecreased, found: RateChange) -> str:
    """The finding: the two rates, the change with its interval, what that leaves open, and the same per resident."""
    before, after = found.rates
    low, high = (percent(end) for end in found.interval)
    text = (
        f"Recorded {words.plain_words(found.outcome)} in {claim.area} went from {before:,.1f} a month in "
        f"{words.period_words(*claim.before)} to {after:,.1f} a month in {words.period_words(*claim.after)}: "
        f"{words.change_words(percent(found.log_change))} (95% interval {words.span_words(low, high)}), "
        f"{OPEN[found.verdict]}."
    )
    return text if math.isnan(found.growth) else f"{text} {_per_resident(found)}"


def _per_resident(found: RateChange) -> str:
    change, low, high = (percent(v - found.growth) for v in (found.log_change, *found.interval))
    return f"Per resident it is {words.change_words(change)} (95% interval {words.span_words(low, high)})."


def caveat_of(claim: NotDecreased, found: RateChange) -> str:
    """How far this is from the statement's own words, and what a rate by itself does not say."""
    if found.outcome in claim.exact:
        return RAW
    return f"{words.another_outcome(claim.subject, found.outcome, claim.needed)} {RAW}"


def change_frame(found: RateChange) -> pd.DataFrame:
    """The numbers behind the verdict: columns ``quantity, value, low, high, note``; NaN where there is none."""
    import pandas as pd
    from scipy import special

    nan, noise = math.nan, found.noise
    (before, after), (low, high) = found.rates, found.interval
    naive = float(special.ndtri(0.975)) * math.sqrt(1 / found.totals[0] + 1 / found.totals[1])
    rows = [
        ("incidents a month before", before, nan, nan, f"{found.totals[0]:,.0f} in {found.months[0]} months"),
        ("incidents a month after", after, nan, nan, f"{found.totals[1]:,.0f} in {found.months[1]} months"),
        _percent_row("change, %", found.log_change, low, high, "95% interval; decides the verdict"),
        _percent_row(
            "the same as if months were independent, %",
            found.log_change,
            found.log_change - naive,
            found.log_change + naive,
            "95% interval of Poisson counts: too narrow, for comparison",
        ),
        (
            "variance of a month over its Poisson variance",
            noise.dispersion,
            nan,
            nan,
            f"{found.history} months before the first period included",
        ),
        ("autocorrelation of what months waver by", noise.rho, nan, nan, "from one month to the next"),
        ("degrees of freedom", noise.df, nan, nan, "Satterthwaite"),
    ]
    if not math.isnan(found.growth):
        change, start, end = (v - found.growth for v in (found.log_change, low, high))
        rows.insert(3, _percent_row("change per resident, %", change, start, end, "95% interval; residents as known"))
    return pd.DataFrame(rows, columns=["quantity", "value", "low", "high", "note"])


def _percent_row(what: str, value: float, low: float, high: float, note: str) -> tuple[str, float, float, float, str]:
    return (what, percent(value), percent(low), percent(high), note)

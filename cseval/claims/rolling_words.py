"""What a rolling year says, in sentences that a councillor can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cseval.claims import phrases as words
from cseval.estimators.rolling_trends import AFTER, BEFORE, CHANGE, DIFFERENCE, OTHERS, OWN
from cseval.formats import MINUS
from cseval.months import month_words

if TYPE_CHECKING:
    from cseval.claims.rolling_year import RollingYearTrend, Series
    from cseval.estimators.rolling import Trend
    from cseval.estimators.rolling_trends import RollingTrends
    from cseval.inputs import Inputs


def own_name(claim: RollingYearTrend, inputs: Inputs) -> str:
    """What the units of the statement are called."""
    names = [words.unit_name(inputs, u) for u in claim.units]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def sentence_of(claim: RollingYearTrend, inputs: Inputs, outcome: str, trends: RollingTrends) -> str:
    """The finding: the trend since the start, the trend before, all other units, and the difference."""
    name = own_name(claim, inputs)
    own, before, change = (trends.percents[OWN, phase] for phase in (AFTER, BEFORE, CHANGE))
    return " ".join(
        (
            f"On a rolling year, recorded {words.plain_words(outcome)} in {name} from {month_words(claim.start)} to "
            f"{month_words(claim.last)} shows {_direction(own)}: {_yearly(own)}.",
            f"Before the start it showed {_yearly(before)}; {_changed(change)}.",
            f"{claim.whole} outside {name} showed {_yearly(trends.percents[OTHERS, AFTER])} over the same months; "
            f"{_apart(trends.percents[DIFFERENCE, AFTER])}.",
        )
    )


def _yearly(trend: Trend) -> str:
    size = words.change_words(trend.estimate)
    return f"{size} a year (95% interval {words.span_words(trend.conf_low, trend.conf_high)})"


def _direction(trend: Trend) -> str:
    if trend.conf_high < 0:
        return "a downward trend"
    return "an upward trend" if trend.conf_low > 0 else "no clear trend"


def _changed(change: Trend) -> str:
    points = f"{abs(change.estimate):.1f} points a year"
    if change.conf_low <= 0 <= change.conf_high:
        return "there is no clear evidence that the trend changed at the start"
    return f"the trend is {points} {'lower' if change.estimate < 0 else 'higher'} than before"


def _apart(difference: Trend) -> str:
    span = f"95% interval from {_points(difference.conf_low)} to {_points(difference.conf_high)}"
    if difference.conf_low <= 0 <= difference.conf_high:
        return f"the difference of {_points(difference.estimate)} a year is not clear of zero ({span})"
    return f"the difference is {_points(difference.estimate)} a year ({span})"


def _points(value: float) -> str:
    """Percentage points with their sign: ``−3.1 points``."""
    size = f"{abs(value):.1f} points"
    return size if size.startswith("0.0") else (MINUS if value < 0 else "+") + size


def caveat_of(claim: RollingYearTrend, inputs: Inputs, found: Series) -> str:
    """How far this is from the statement's own words; empty if it is not."""
    parts = []
    if found.outcome not in claim.exact:
        parts.append(words.another_outcome(claim.subject, found.outcome, claim.needed))
    if found.left_out:
        names = ", ".join(words.unit_name(inputs, u) for u in found.left_out)
        parts.append(f"Left out of {claim.whole} because months are missing: {names}.")
    return " ".join(parts)

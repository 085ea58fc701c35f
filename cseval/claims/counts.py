"""Counts that claims are held against: totals of periods and monthly series, with what was not received as missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cseval.errors import SpecError
from cseval.months import month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.panel import Panel

    Floats = npt.NDArray[np.float64]

Period = tuple[str, str]
#: Months from the start on that six rolling years take.
FEWEST_AFTER = 17


def require_period(period: Period, where: str) -> int:
    """Number of months of a period.

    Raises
    ------
    SpecError
        If it ends before it begins.
    """
    length = month_number(period[1]) - month_number(period[0]) + 1
    if length < 1:
        raise SpecError(f"a period from {period[0]} to {period[1]}", where=where, expected="first month, last month")
    return length


def months_of(panel: Panel, outcome: str, period: Period) -> Floats:
    """Monthly counts of every unit in a period, shape (units, months); NaN where not received or outside the panel."""
    import numpy as np

    first = month_number(period[0]) - month_number(panel.periods[0])
    last = month_number(period[1]) - month_number(panel.periods[0])
    out = np.full((len(panel.units), last - first + 1), np.nan)
    low, high = max(first, 0), min(last + 1, len(panel.periods))
    if low < high:
        inside = slice(low, high)
        known = panel.mask(outcome)[:, inside]
        out[:, low - first : high - first] = np.where(known, panel.require(outcome)[:, inside], np.nan)
    return out


def totals_of(panel: Panel, outcome: str, period: Period) -> Floats:
    """Total of every unit in a period, shape (units,); NaN where a month is missing."""
    total: Floats = months_of(panel, outcome, period).sum(axis=1)
    return total


def first_received(panel: Panel, outcomes: Sequence[str], unit: str, periods: Sequence[Period]) -> str | None:
    """The first outcome that was received in every month of these periods, in the unit and in most other units."""
    import numpy as np

    if unit not in panel.units:
        return None
    row = panel.units.index(unit)
    for outcome in outcomes:
        if outcome in panel.counts:
            whole = np.isfinite(sum(totals_of(panel, outcome, p) for p in periods))
            if whole[row] and whole.mean() > 0.5 and whole.sum() > 1:
                return outcome
    return None

"""Several issues of the Monthly Crime Dashboard as one panel: in every cell the newest refresh date wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_range
from cseval.panel import Panel

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Index = npt.NDArray[np.int64]


def join_issues(issues: Sequence[tuple[str, Panel, int]]) -> Panel:
    """One panel over the months and boroughs of several issues.

    Parameters
    ----------
    issues : sequence of (str, Panel, int)
        File name, what it holds, and its refresh date as an ordinal day.

    Returns
    -------
    Panel
        Months that no issue lists, between two issues or for an outcome, are not received.

    Raises
    ------
    DataError
        If two issues of the same refresh date hold different counts of one cell.
    """
    if len(issues) == 1:
        return issues[0][1]
    ordered = sorted(issues, key=lambda issue: (issue[2], issue[1].periods[-1], issue[0]))
    panels = [panel for _, panel, _ in ordered]
    units = tuple(sorted({u for p in panels for u in p.units}))
    periods = month_range(min(p.periods[0] for p in panels), max(p.periods[-1] for p in panels))
    counts: dict[str, Counts] = {}
    received: dict[str, Mask] = {}
    for outcome in dict.fromkeys(o for p in panels for o in p.outcomes):
        counts[outcome], mask = _overlay(ordered, outcome, units, periods)
        received |= {} if mask.all() else {outcome: mask}
    names = {u: n for p in panels for u, n in p.names.items()}
    notes = tuple(f"{name}: {note}" for name, p, _ in ordered for note in p.notes)
    return Panel(
        units=units, periods=periods, counts=counts, received=received, names=names, districts=names, notes=notes
    )


def _overlay(
    ordered: Sequence[tuple[str, Panel, int]], outcome: str, units: tuple[str, ...], periods: tuple[str, ...]
) -> tuple[Counts, Mask]:
    """Counts of one outcome from the oldest issue to the newest, and which cells any of them received."""
    shape = (len(units), len(periods))
    values, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    owner: Index = np.full(shape, -1, dtype=np.int64)
    for number, (name, panel, refreshed) in enumerate(ordered):
        if outcome not in panel.counts:
            continue
        theirs, received = _spread(panel, outcome, units, periods)
        dates = np.array([day for _, _, day in ordered] + [-1])[owner]
        differ = received & mask & (dates == refreshed) & (values != theirs)
        if differ.any():
            i, j = (int(k) for k in np.argwhere(differ)[0])
            raise DataError(
                f"{theirs[i, j]} {outcome} of {units[i]} in {periods[j]}, but {values[i, j]} in "
                f"{ordered[int(owner[i, j])][0]} of the same refresh date",
                where=name,
                expected="the same count in every file of one refresh date",
                todo="Import the publisher's files again",
            )
        values[received], mask[received], owner[received] = theirs[received], True, number
    return values, mask


def _spread(panel: Panel, outcome: str, units: tuple[str, ...], periods: tuple[str, ...]) -> tuple[Counts, Mask]:
    """Counts of a panel laid over more units and months, and which of the cells it received."""
    values = np.zeros((len(units), len(periods)), dtype=np.int64)
    mask = np.zeros_like(values, dtype=bool)
    rows = np.array([units.index(u) for u in panel.units], dtype=np.int64)
    start = month_number(panel.periods[0]) - month_number(periods[0])
    at = np.ix_(rows, np.arange(start, start + len(panel.periods)))
    values[at], mask[at] = panel.counts[outcome], panel.mask(outcome)
    return values, mask

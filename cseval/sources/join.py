"""Joining panels of the same units over their months."""

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


def join_months(panels: Sequence[tuple[str, Panel]]) -> Panel:
    """One panel over the months of several files.

    Parameters
    ----------
    panels : sequence of (str, Panel)
        File name and what it holds. Where months overlap, the file that ends later wins.

    Returns
    -------
    Panel
        An outcome that a file does not list is marked as not received in the months taken from that file.

    Raises
    ------
    DataError
        If the files have different units, or no file covers a month between the first and the last.
    """
    if len(panels) == 1:
        return panels[0][1]
    ordered = sorted(panels, key=lambda item: (item[1].periods[-1], item[0]))
    _check_units(ordered)
    periods = month_range(min(p.periods[0] for _, p in ordered), ordered[-1][1].periods[-1])
    owner = _owners([p for _, p in ordered], periods)
    outcomes = list(dict.fromkeys(o for _, p in reversed(ordered) for o in p.outcomes))
    counts: dict[str, Counts] = {}
    received: dict[str, Mask] = {}
    for outcome in outcomes:
        values, mask = _lay([p for _, p in ordered], owner, outcome, periods)
        if mask.any():
            counts[outcome] = values
            received |= {} if mask.all() else {outcome: mask}
    return Panel(
        units=ordered[-1][1].units,
        periods=periods,
        counts=counts,
        received=received,
        names={k: v for _, p in ordered for k, v in p.names.items()},
        districts={k: v for _, p in ordered for k, v in p.districts.items()},
        notes=tuple(dict.fromkeys(n for k, (_, p) in enumerate(ordered) if k in owner for n in p.notes)),
    )


def _check_units(ordered: Sequence[tuple[str, Panel]]) -> None:
    name, last = ordered[-1]
    for other, panel in ordered[:-1]:
        differ = sorted(set(panel.units) ^ set(last.units))
        if differ:
            raise DataError(
                f"{len(differ)} codes are in only one of {other} and {name} (first: {', '.join(differ[:3])})",
                where=other,
                expected="files on the same boundaries",
                todo="Import files of one boundary year only",
            )


def _owners(panels: Sequence[Panel], periods: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Which panel each month is taken from: the last in order that has it."""
    owner = np.full(len(periods), -1, dtype=np.int64)
    for number, panel in enumerate(panels):
        start = month_number(panel.periods[0]) - month_number(periods[0])
        owner[start : start + len(panel.periods)] = number
    if (owner < 0).any():
        gap = periods[int(np.argmax(owner < 0))]
        raise DataError(
            f"no file covers {gap}",
            where="the imported files",
            expected="files that adjoin or overlap",
            todo="Import the file that holds the months between",
        )
    return owner


def _lay(
    panels: Sequence[Panel], owner: npt.NDArray[np.int64], outcome: str, periods: tuple[str, ...]
) -> tuple[Counts, Mask]:
    shape = (len(panels[-1].units), len(periods))
    values, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    for number, panel in enumerate(panels):
        if outcome not in panel.counts:
            continue
        columns = np.flatnonzero(owner == number)
        theirs = columns - (month_number(panel.periods[0]) - month_number(periods[0]))
        row = {u: i for i, u in enumerate(panel.units)}
        rows = np.array([row[u] for u in panels[-1].units])
        values[:, columns] = panel.counts[outcome][np.ix_(rows, theirs)]
        mask[:, columns] = panel.mask(outcome)[np.ix_(rows, theirs)]
    return values, mask

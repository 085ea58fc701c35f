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
    Index = npt.NDArray[np.int64]
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
        Each outcome is taken from the files that list it; a month that none of those covers is not received.

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
    files = [p for _, p in ordered]
    _check_gap(_owners(files, periods), periods)
    outcomes = list(dict.fromkeys(o for p in reversed(files) for o in p.outcomes))
    counts: dict[str, Counts] = {}
    received: dict[str, Mask] = {}
    used: set[int] = set()
    for outcome in outcomes:
        owner = _owners(files, periods, outcome)
        used |= set(owner.tolist())
        counts[outcome], mask = _lay(files, owner, outcome, periods)
        received |= {} if mask.all() else {outcome: mask}
    return Panel(
        units=ordered[-1][1].units,
        periods=periods,
        counts=counts,
        received=received,
        names={k: v for _, p in ordered for k, v in p.names.items()},
        districts={k: v for _, p in ordered for k, v in p.districts.items()},
        notes=tuple(dict.fromkeys(n for k, p in enumerate(files) if k in used for n in p.notes)),
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


def _owners(panels: Sequence[Panel], periods: tuple[str, ...], outcome: str | None = None) -> Index:
    """Which panel each month is taken from: the last in order that has it (and the outcome); -1 if none does."""
    owner = np.full(len(periods), -1, dtype=np.int64)
    for number, panel in enumerate(panels):
        if outcome is None or outcome in panel.counts:
            start = month_number(panel.periods[0]) - month_number(periods[0])
            owner[start : start + len(panel.periods)] = number
    return owner


def _check_gap(owner: Index, periods: tuple[str, ...]) -> None:
    if (owner < 0).any():
        gap = periods[int(np.argmax(owner < 0))]
        raise DataError(
            f"no file covers {gap}",
            where="the imported files",
            expected="files that adjoin or overlap",
            todo="Import the file that holds the months between",
        )


def _lay(panels: Sequence[Panel], owner: Index, outcome: str, periods: tuple[str, ...]) -> tuple[Counts, Mask]:
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

"""Cells of the Monthly Crime Dashboard: the newest of each, by borough and month, held against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_text
from cseval.panel import Panel
from cseval.sources import mps_dashboard_words as words_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Index = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: A subtype that at least this many boroughs list in a typical month is expected in at least half of them in any.
COMMON = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Rows of one file as numbers, all arrays of shape (rows,).

    Parameters
    ----------
    unit, outcome : int array
        Positions in lists of the reader.
    month : int array
        Months since year 0.
    refresh : int array
        Ordinal day of the refresh date, 0 where there is none.
    count : int array
    row : int array
        Number of the row in the file, for messages.
    """

    unit: Index
    outcome: Index
    month: Index
    refresh: Index
    count: Counts
    row: Index

    def take(self, at: Index) -> Cells:
        """These rows only."""
        return Cells(
            unit=self.unit[at],
            outcome=self.outcome[at],
            month=self.month[at],
            refresh=self.refresh[at],
            count=self.count[at],
            row=self.row[at],
        )


def newest(cells: Cells, where: str) -> tuple[Cells, tuple[str, ...]]:
    """Each cell once, from its newest refresh date, and notes on the others.

    Raises
    ------
    DataError
        If two rows of one cell and one refresh date hold different counts.
    """
    order = np.lexsort((cells.row, cells.refresh, cells.month, cells.outcome, cells.unit))
    ordered = cells.take(order)
    same = _same(ordered.unit) & _same(ordered.outcome) & _same(ordered.month)
    twice = same & _same(ordered.refresh)
    differ = twice & (ordered.count[1:] != ordered.count[:-1])
    if differ.any():
        at = int(np.flatnonzero(differ)[np.argmin(ordered.row[1:][differ])])
        raise DataError(
            f"count {ordered.count[at + 1]} where row {ordered.row[at]} has {ordered.count[at]} for the same month, "
            "area, subtype, measure and refresh date",
            where=f"{where}, row {ordered.row[at + 1]}",
            expected="each cell once for a refresh date",
            todo="Download the file again; do not paste files together",
        )
    last = np.append(~same, True)
    older, repeated = int((same & ~twice).sum()), int(twice.sum())
    notes = []
    if repeated:
        notes.append(f"{repeated:,} rows repeat another row and are counted once")
    if older:
        notes.append(f"{older:,} rows are replaced by rows of a newer refresh date")
    return ordered.take(np.flatnonzero(last)), tuple(notes)


def _same(values: Index) -> Mask:
    """Whether each value equals the one before it, shape (rows - 1,)."""
    equal: Mask = values[1:] == values[:-1]
    return equal


def lay(cells: Cells, units: list[str], outcomes: list[str], where: str) -> Panel:
    """Cells, each once, as a panel with notes.

    A borough without a row is a zero in a month in which others list the subtype; a month that lists it for none is
    not received.

    Parameters
    ----------
    cells : Cells
        Of boroughs only.
    units, outcomes : list of str
        What `cells.unit` and `cells.outcome` point to; boroughs without any row are left out.
    where : str

    Raises
    ------
    DataError
        If a month lists fewer than half as many boroughs as others, or a part stands above its whole.
    """
    present = np.unique(cells.unit)
    unit = np.searchsorted(present, cells.unit)
    first, last = int(cells.month.min()), int(cells.month.max())
    shape = (len(outcomes), len(present), last - first + 1)
    counts, rows = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    at = (cells.outcome, unit, cells.month - first)
    counts[at], rows[at] = cells.count, cells.row
    listed = (rows > 0).sum(axis=1)
    periods = tuple(month_text(m) for m in range(first, last + 1))
    _check_whole(listed, outcomes, periods, where)
    held = [i for i in range(len(outcomes)) if listed[i].any()]
    panel = Panel(
        units=tuple(units[int(u)] for u in present),
        periods=periods,
        counts={outcomes[i]: counts[i] for i in held},
        received={outcomes[i]: np.tile(listed[i] > 0, (len(present), 1)) for i in held if not listed[i].all()},
        notes=tuple(_gap(outcomes[i], listed[i], periods) for i in held if not listed[i].all()),
    )
    _check_nesting(panel, {outcomes[i]: rows[i] for i in held}, where)
    return _with_notes(panel)


def _check_whole(listed: Index, outcomes: list[str], periods: tuple[str, ...], where: str) -> None:
    """Refuse a month that holds a few boroughs only: it is cut off, and the others would be taken for zeros."""
    for outcome, boroughs in zip(outcomes, listed, strict=True):
        usual = float(np.median(boroughs[boroughs > 0])) if boroughs.any() else 0.0
        cut = (boroughs > 0) & (boroughs < usual / 2)
        if usual >= COMMON and cut.any():
            month = int(np.argmax(cut))
            raise DataError(
                f"{outcome} of {boroughs[month]} boroughs in {periods[month]}, of about {usual:.0f} in other months",
                where=where,
                expected="whole months: a borough without a row is a zero",
                todo="Download the file again; it may be cut off",
            )


def _gap(outcome: str, listed: Index, periods: tuple[str, ...]) -> str:
    missing = np.flatnonzero(listed == 0)
    return (
        f"{outcome} is not listed in {len(missing)} of {len(periods)} months (first: {periods[int(missing[0])]}): "
        "not received, not zero"
    )


def _check_nesting(panel: Panel, rows: dict[str, Index], where: str) -> None:
    """Refuse a part above its whole, which only a damaged or summed table can hold."""
    for part, whole in words_of.NESTED:
        if part not in panel.counts or whole not in panel.counts:
            continue
        above = (panel.counts[part] > panel.counts[whole]) & panel.mask(part) & panel.mask(whole)
        if above.any():
            i, j = (int(k) for k in np.argwhere(above)[0])
            raise DataError(
                f"{panel.counts[part][i, j]} {part} above {panel.counts[whole][i, j]} {whole} of {panel.units[i]} in "
                f"{panel.periods[j]}",
                where=f"{where}, row {rows[part][i, j]}",
                expected=f"at most the count of {whole}, which holds the other",
                todo="Download the file again; subtypes overlap and must not be summed or filtered by hand",
            )


def _with_notes(panel: Panel) -> Panel:
    notes = list(panel.notes)
    if any(whole in panel.counts and part in panel.counts for part, whole in words_of.NESTED):
        notes.append("knife outcomes overlap, each is part of another: they are separate outcomes and never added")
    victims, injury = words_of.VICTIMS_OF
    if victims in panel.counts and injury in panel.counts:
        above = int((panel.counts[victims] > panel.counts[injury]).sum())
        if above:
            cells = "1 cell" if above == 1 else f"{above} cells"
            notes.append(f"in {cells} there are more {victims} than {injury}: one offence may have several")
    unknown = [o for o in panel.outcomes if not words_of.is_known(o)]
    if unknown:
        notes.append(f"{len(unknown)} knife subtypes not seen before, kept as they are: {', '.join(unknown[:5])}")
    return replace(panel, notes=tuple(notes))

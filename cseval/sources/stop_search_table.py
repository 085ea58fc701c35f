"""Stop and searches by area and month: the counts, which of them can be used, and the published table of them.

A month whose coordinates were lost holds hardly a search in any area, and looks like a month without police. It is
marked as not received, never as zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_range, month_words
from cseval.panel import Panel, Provenance
from cseval.sources.boroughs import CODES, borough_name
from cseval.sources.files import shown, slug
from cseval.sources.sheets import Peek, Sheet, factor, match_columns, peek, read_sheet

if TYPE_CHECKING:
    import numpy.typing as npt

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]

#: Share of a force's searches without coordinates above which a month says nothing of any area; 7 to 10 % is usual.
MOST_LOST = 0.2
#: Share of an area's searches that a selection must hold to stand for them all.
WHOLE = 0.9
#: An area with this many searches in a usual month cannot have none by chance.
EXPECTED = 20
#: Places of a search that is in no area.
UNPLACED, OUTSIDE = -1, -2
SEARCHES = "searches"
CITY = CODES["City of London"]
#: How a panel calls the searches of one category, by dimension.
PREFIXES = {
    "type": "searches_of_type_",
    "gender": "searches_of_people_recorded_as_",
    "age": "searches_of_people_aged_",
    "self_ethnicity": "searches_of_people_self_defined_as_",
    "officer_ethnicity": "searches_of_people_seen_by_officers_as_",
    "legislation": "searches_under_",
    "object": "searches_for_",
    "outcome": "searches_with_outcome_",
}
_WHERE = {"nocoordinates": UNPLACED, "outsidelondon": OUTSIDE}
_ALIASES = {
    "area": ("borough",),
    "month": ("month",),
    "object": ("objectofsearch",),
    "legislation": ("legislation",),
    "outcome": ("outcome",),
    "count": ("n", "count", "searches"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class StopSearch:
    """Stop and searches, each row with its area, its month and what was recorded of it.

    Parameters
    ----------
    units, periods : tuple of str
        Areas, and months ``YYYY-MM`` without a gap.
    unit : int64 array, shape (rows,)
        Position of the area; `UNPLACED` without coordinates, `OUTSIDE` if in none.
    period : int64 array, shape (rows,)
        Position of the month.
    number : int64 array, shape (rows,)
        Searches that a row stands for.
    codes : mapping of str to int64 array, shape (rows,)
        Category by dimension, see `stop_search_files.DIMENSIONS`; a table of counts lacks some.
    words : mapping of str to tuple of str
        What the codes stand for, as published; empty where nothing was recorded.
    received : bool array, shape (units, periods)
        Whether the searches of an area and month can be used.
    lost : float array, shape (periods,)
        Share of searches without coordinates; NaN in a month without any.
    names : mapping of str to str
    provenance : tuple of Provenance
    notes : tuple of str
    """

    units: tuple[str, ...]
    periods: tuple[str, ...]
    unit: Index
    period: Index
    number: Index
    codes: Mapping[str, Index]
    words: Mapping[str, tuple[str, ...]]
    received: Mask
    lost: Floats
    names: Mapping[str, str] = field(default_factory=dict)
    provenance: tuple[Provenance, ...] = ()
    notes: tuple[str, ...] = ()

    def panel(self, *by: str) -> Panel:
        """Counts by area and month: all searches, and those of each category of the dimensions `by`.

        Raises
        ------
        DataError
            If the data lack a dimension.
        """
        counts, masks = {SEARCHES: self.total()}, {SEARCHES: self.received}
        for dimension in by:
            codes, words = self.dimension(dimension)
            in_use = dict(self.wordings(dimension))
            for i, word in enumerate(words):
                name = PREFIXES[dimension] + (slug(word) or "not_stated")
                counts[name] = counts.get(name, 0) + self.total(codes == i)
                masks[name] = masks.get(name, False) | (self.received & in_use[word])
        return Panel(
            units=self.units,
            periods=self.periods,
            counts=counts,
            received={name: mask for name, mask in masks.items() if not mask.all()},
            names=self.names,
            districts=self.names,
            provenance=self.provenance,
            notes=self.notes + tuple(note for d in by for note in self.wording_notes(d)),
        )

    def wordings(self, dimension: str) -> list[tuple[str, Mask]]:
        """The words of a dimension and the months in which each was in use, shape (periods,).

        A word that is often recorded is not in use before the first month it occurs in anywhere, nor after the last:
        the police changed their list, and there are none to count.
        """
        codes, words = self.dimension(dimension)
        months = self.received.any(axis=0)
        found = []
        for i, word in enumerate(words):
            counts = np.where(self.received, self.total(codes == i), 0).sum(axis=0)
            span = np.maximum.accumulate(counts > 0) & np.maximum.accumulate(counts[::-1] > 0)[::-1]
            absent, usual = months & ~span, counts.sum() / max(int((months & span).sum()), 1)
            found.append((word, ~absent if absent.sum() * usual >= EXPECTED else np.ones_like(span)))
        return found

    def wording_notes(self, dimension: str) -> tuple[str, ...]:
        """Sentences on words that begin or end within the months received, since then categories do not compare."""
        months = np.flatnonzero(self.received.any(axis=0))
        changes: dict[tuple[str, int], list[str]] = {}
        for word, in_use in self.wordings(dimension):
            used = months[in_use[months]] if word else months[:0]
            if len(used) and used[0] > months[0]:
                changes.setdefault(("begin in", int(used[0])), []).append(word)
            if len(used) and used[-1] < months[-1]:
                changes.setdefault(("end after", int(used[-1])), []).append(word)
        name = dimension.replace("_", " ")
        return tuple(
            f"wordings of {name} that {how} {month_words(self.periods[at])}: {', '.join(words)}; other wordings may "
            "stand for something else from then on, so do not compare categories across it"
            for (how, at), words in sorted(changes.items(), key=lambda item: (item[0][1], item[0][0]))
        )

    def dimension(self, name: str) -> tuple[Index, tuple[str, ...]]:
        """Category of each row in one dimension, and the words for them.

        Raises
        ------
        DataError
            If the data lack it.
        """
        if name not in self.codes:
            raise DataError(
                f"no {name!r} in these stop and searches",
                where="stop and search",
                expected="one of " + ", ".join(self.codes),
            )
        return self.codes[name], self.words[name]

    def total(self, chosen: Mask | None = None) -> Index:
        """Searches by area and month among the chosen rows, shape (units, periods)."""
        keep = (self.unit >= 0) if chosen is None else chosen & (self.unit >= 0)
        shape = (len(self.units), len(self.periods))
        at = self.unit[keep] * shape[1] + self.period[keep]
        counted = np.bincount(at, weights=self.number[keep], minlength=shape[0] * shape[1])
        return np.rint(counted).astype(np.int64).reshape(shape)

    def covered_by(self, other: StopSearch) -> StopSearch:
        """The same searches, usable only where `other` is: for a selection of rows that cannot show what it lacks.

        An area of which the selection holds less than nine tenths of the searches of `other` is not received at all.
        """
        mask = np.zeros_like(self.received)
        mine, theirs = self.total(), other.total()
        for i, unit in enumerate(self.units):
            columns = [(j, other.periods.index(p)) for j, p in enumerate(self.periods) if p in other.periods]
            if unit in other.units and columns:
                k = other.units.index(unit)
                here, there = (list(x) for x in zip(*columns, strict=True))
                good = other.received[k, there]
                if mine[i, here] @ good >= WHOLE * (theirs[k, there] @ good):
                    mask[i, here] = good
        part = [u for i, u in enumerate(self.units) if not mask[i].any()]
        notes = (f"only some searches of {', '.join(part)} are in this selection: not received there",) if part else ()
        return replace(self, received=self.received & mask, notes=self.notes + notes)


def shares_lost(unit: Index, period: Index, number: Index, months: int) -> tuple[Index, Floats]:
    """Searches of each month, and the share of them without coordinates (NaN where there is none)."""
    every = np.bincount(period, weights=number, minlength=months)
    lost = np.bincount(period, weights=number * (unit == UNPLACED), minlength=months)
    with np.errstate(invalid="ignore"):
        return np.rint(every).astype(np.int64), np.asarray(lost / every)


def usable(months: Mask, lost: Floats, counts: Index) -> tuple[Mask, int]:
    """Which areas and months can be used, and how many zeros among them are not believed.

    Parameters
    ----------
    months : bool array, shape (units, periods)
        Whether the file of the force that polices the area was received.
    lost : float array, shape (units, periods) or (periods,)
        Share of its searches without coordinates.
    counts : int64 array, shape (units, periods)
    """
    kept = months & (np.nan_to_num(lost, nan=1.0) <= MOST_LOST)
    usual = (counts * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
    hollow = kept & (counts == 0) & (usual >= EXPECTED)[:, None]
    return kept & ~hollow, int(hollow.sum())


def coverage_notes(periods: Sequence[str], every: Index, lost: Floats, hollow: int) -> tuple[str, ...]:
    """Months absent or without coordinates, and how many searches are in no area, in words."""
    absent = [p for p, n in zip(periods, every, strict=True) if not n]
    blind = [p for p, n, s in zip(periods, every, lost, strict=True) if n and s > MOST_LOST]
    used = [s for n, s in zip(every, lost, strict=True) if n and s <= MOST_LOST]
    notes = []
    if absent:
        notes.append(f"{len(absent)} months are absent and not received, not zero: {_listed(absent)}")
    if blind:
        notes.append(
            f"{len(blind)} months have lost the coordinates of more than {MOST_LOST:.0%} of searches and are not "
            f"received in any area, not zero: {_listed(blind)}"
        )
    if used and max(used) > 0:
        low, high = f"{min(used):.1%}", f"{max(used):.1%}"
        share = low if low == high else f"{low} to {high}"
        notes.append(f"in the months that are received {share} of searches have no coordinates and are in no area")
    if hollow:
        notes.append(
            f"{hollow} area-months without a search, where there are many as a rule, are not received, not zero"
        )
    return tuple(notes)


def _listed(months: Sequence[str]) -> str:
    return ", ".join(month_words(m) for m in months[:4]) + (f" and {len(months) - 4} more" if len(months) > 4 else "")


# The table of counts ----------------------------------------------------------------------------------


def is_counts_table(head: Peek) -> bool:
    """Whether a header is that of the table of counts by borough and month."""
    wanted = {"borough", "month", "objectofsearch", "outcome"}
    return head.form in ("csv", "parquet") and wanted <= head.names and bool(head.names & set(_ALIASES["count"]))


def read_counts_table(path: Path) -> StopSearch:
    """Searches of the Metropolitan Police by borough and month, by object, legislation and outcome.

    Parameters
    ----------
    path : Path
        CSV, .csv.gz or Parquet with the columns ``borough``, ``month``, ``Object of search``, ``Outcome``, ``n`` and,
        if it is there, ``Legislation``. ``(no coordinates)`` and ``(outside London)`` stand among the boroughs.

    Returns
    -------
    StopSearch
        Units are borough codes. The City of London has a force of its own, so it is never received here. A borough
        without a row in a month that can be used is a zero.

    Raises
    ------
    DataError
        If the header, a borough, a month or a count is not what the format promises, or a row repeats; the message
        names the row.
    """
    where = str(path)
    columns = _columns(peek(path), where)
    text = {w: c for w, c in columns.items() if w != "count"}
    sheet = read_sheet(path, text, [columns["count"]])
    month = _month_numbers(sheet, where, columns["month"])
    periods = month_range(*(f"{int(m) // 12:04d}-{int(m) % 12 + 1:02d}" for m in (month.min(), month.max())))
    unit, units = _areas(sheet, where, columns["area"])
    dimensions = [d for d in ("object", "legislation", "outcome") if d in columns]
    factors = {d: factor(sheet.text[d]) for d in dimensions}
    _require_once([unit, month, *(c for c, _ in factors.values())], sheet, where)
    found = StopSearch(
        units=units,
        periods=periods,
        unit=unit,
        period=month - month_number(periods[0]),
        number=sheet.whole[:, 0],
        codes={d: factors[d][0] for d in dimensions},
        words={d: tuple(factors[d][1]) for d in dimensions},
        received=np.ones((len(units), len(periods)), dtype=bool),
        lost=np.zeros(len(periods)),
        names={code: name for name, code in CODES.items() if code in units},
    )
    return _with_coverage(found)


def _columns(head: Peek, where: str) -> dict[str, str]:
    found = match_columns(head.columns, _ALIASES, where)
    missing = [w for w in _ALIASES if w not in found and w != "legislation"]
    if missing:
        raise DataError(
            f"no {missing[0]} column (header {shown(', '.join(head.columns))})",
            where=f"{where}, row 1",
            expected="borough, month, Object of search, Outcome, n",
        )
    return found


def _month_numbers(sheet: Sheet, where: str, column: str) -> Index:
    codes, words = factor(sheet.text["month"])
    for i, word in enumerate(words):
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", word) and (codes == i).any():
            row = int(np.argmax(codes == i)) + sheet.first
            raise DataError(f"month {shown(word)}", where=f"{where}, row {row}, column {column}", expected="YYYY-MM")
    return np.array([month_number(w) if w else 0 for w in words], dtype=np.int64)[codes]


def _areas(sheet: Sheet, where: str, column: str) -> tuple[Index, tuple[str, ...]]:
    """Position of each row's borough, and the boroughs there are in order of their codes."""
    codes, words = factor(sheet.text["area"])
    named = {w: CODES[n] for w in words if (n := borough_name(w)) is not None}
    special = {w: _WHERE[p] for w in words if (p := re.sub(r"[^a-z]", "", w.lower())) in _WHERE}
    for i, word in enumerate(words):
        if word not in named and word not in special and (codes == i).any():
            row = int(np.argmax(codes == i)) + sheet.first
            raise DataError(
                f"area {shown(word)}",
                where=f"{where}, row {row}, column {column}",
                expected="a London borough, (no coordinates) or (outside London)",
            )
    units = tuple(sorted(set(named.values())))
    if not units:
        raise DataError("no row of a borough", where=where, expected="at least one search in a London borough")
    place = {w: units.index(c) for w, c in named.items()} | special
    return np.array([place.get(w, OUTSIDE) for w in words], dtype=np.int64)[codes], units


def _require_once(columns: Sequence[Index], sheet: Sheet, where: str) -> None:
    _, first, back = np.unique(np.column_stack(columns), axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[back.ravel()] != np.arange(sheet.rows))
    if len(again):
        other = int(first[back.ravel()[again[0]]]) + sheet.first
        raise DataError(
            f"the same borough, month, object, legislation and outcome as row {other}",
            where=f"{where}, row {int(again[0]) + sheet.first}",
            expected="each once",
            todo="Do not paste files together",
        )


def _with_coverage(found: StopSearch) -> StopSearch:
    months = len(found.periods)
    every, lost = shares_lost(found.unit, found.period, found.number, months)
    here = np.broadcast_to(every > 0, found.received.shape).copy()
    city = CITY in found.units
    if city:
        here[found.units.index(CITY)] = False
    received, hollow = usable(here, lost, found.total())
    outside = int(found.number[found.unit == OUTSIDE].sum())
    notes = coverage_notes(found.periods, every, lost, hollow)
    if outside:
        notes += (f"{outside:,} searches lie outside London and are not counted",)
    if city:
        notes += ("the City of London has a police force of its own, whose searches are not in this table",)
    return replace(found, received=received, lost=lost, notes=notes)

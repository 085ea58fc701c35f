"""Metropolitan Police "Recorded Crime: Geographic Breakdown", by ward and by borough.

Wide files: one row per offence and area, one column ``YYYYMM`` per month. They list only combinations that
occurred, so a row that is absent is a zero in every month of the file; a month without a column is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_text
from cseval.panel import Panel
from cseval.sources import offences
from cseval.sources.boroughs import CODES, borough_name, is_elsewhere
from cseval.sources.files import Summary, plain, shown
from cseval.sources.join import join_months
from cseval.sources.mps_counts import minor_counts, tally
from cseval.sources.sheets import Peek, Sheet, factor, match_columns, peek, read_sheet

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue

    Index = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int64]

WARD, BOROUGH = "mps-ward", "mps-borough"
_ALIASES: dict[str, tuple[str, ...]] = {
    "major": ("majortext", "majorcategory", "group"),
    "minor": ("minortext", "minorcategory", "subgroup"),
    "code": ("wardcode",),
    "name": ("wardname",),
    "borough": ("lookupboroughname", "boroughname", "borough"),
}
_UNPLACED = frozenset(("unknown", "notknown", "nk", "unassigned"))
_SHARED = frozenset(("major", "minor"))


def recognise(head: Peek) -> str | None:
    """``mps-ward`` or ``mps-borough`` if the header is one of theirs, whatever its case, order or year."""
    if head.form not in ("csv", "parquet") or "lsoacode" in head.names:
        return None
    if not all(head.names & set(_ALIASES[wanted]) for wanted in _SHARED):
        return None
    return WARD if "wardcode" in head.names else BOROUGH


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole file of either kind and say what it holds.

    Raises
    ------
    DataError
        As `read_ward` and `read_borough`.
    """
    panel, rows = _read(path, kind)
    last = panel.periods[-1]
    return Summary(rows=rows, first_month=panel.periods[0], last_month=last, vintage=last, notes=panel.notes)


def read_ward(path: Path) -> Panel:
    """Counts by ward and month.

    Parameters
    ----------
    path : Path
        CSV, .csv.gz or Parquet of any published issue.

    Returns
    -------
    Panel
        Units are ward codes in order, districts the boroughs; outcomes are the major groups and the minor
        groups under their current names.

    Raises
    ------
    DataError
        If the header, a code, a key or a count is not what the format promises; the message names the row.
    """
    return _read(path, WARD)[0]


def read_borough(path: Path) -> Panel:
    """Counts by borough and month; units are the codes E09…, outcomes as in `read_ward`.

    Airports and "Unknown" are not boroughs: their offences are left out and counted in the notes.

    Raises
    ------
    DataError
        As `read_ward`.
    """
    return _read(path, BOROUGH)[0]


def read_wards(catalogue: Catalogue) -> Panel:
    """All imported ward files joined over their months.

    Where months overlap the file that ends later wins, since the police revise earlier months. An offence that only
    an earlier file lists (blade possession, before the 2022 names) is taken from that one.

    Raises
    ------
    DataError
        If there is none, months are missing between files, or the files have different wards.
    """
    return _read_all(catalogue, WARD)


def read_boroughs(catalogue: Catalogue) -> Panel:
    """All imported borough files joined over their months, as `read_wards`."""
    return _read_all(catalogue, BOROUGH)


def _read_all(catalogue: Catalogue, kind: str) -> Panel:
    panels = [(path.name, _read(path, kind)[0]) for path in catalogue.require(kind)]
    return replace(join_months(panels), provenance=catalogue.provenance(kind))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """The rows of a file as codes: area, offence, and the words they stand for."""

    unit: Index
    area: list[str]
    major: Index
    majors: list[str]
    minor: Index
    minors: list[str]
    keep: npt.NDArray[np.bool_]


def _read(path: Path, kind: str) -> tuple[Panel, int]:
    where = str(path)
    head = peek(path)
    found = _columns(head, kind, where)
    months = _months([c for c in head.columns if c not in found.values()], where)
    sheet = read_sheet(path, found, [cell for cell, _ in months])
    for column, cell in found.items():
        _require_filled(sheet, column, cell, where)
    area = _wards(sheet, found, where) if kind == WARD else _boroughs(sheet, found, where)
    panel = _panel(sheet, area, tuple(m for _, m in months), where)
    return panel, sheet.rows


def _columns(head: Peek, kind: str, where: str) -> dict[str, str]:
    if head.form not in ("csv", "parquet"):
        raise DataError(f"a {head.form} file", where=where, expected="a CSV or Parquet table")
    found = match_columns(head.columns, _ALIASES, where)
    wanted = tuple(_ALIASES) if kind == WARD else ("major", "minor", "borough")
    if kind == BOROUGH and "borough" not in found:
        # The name of the borough column has changed often; it is the one column that is neither key nor month.
        others = [c for c in head.columns if c and c not in found.values() and not re.search(r"\d", c)]
        if len(others) == 1:
            found["borough"] = others[0]
    missing = [w for w in wanted if w not in found]
    if missing:
        raise DataError(
            f"no {missing[0]} column (header {shown(', '.join(head.columns))})",
            where=f"{where}, row 1",
            expected="a column named one of " + ", ".join(_ALIASES[missing[0]]) + ", in any case",
        )
    return {w: found[w] for w in wanted}


def _months(cells: list[str], where: str) -> list[tuple[str, str]]:
    """Month columns in order, as (header cell, ``YYYY-MM``), without a gap."""
    for cell in cells:
        if not re.fullmatch(r"(19|20)\d{2}(0[1-9]|1[0-2])", cell):
            raise DataError(
                f"column {shown(cell)} is not a month", where=f"{where}, row 1", expected="YYYYMM, for example 201805"
            )
    if not cells:
        raise DataError("no month columns", where=f"{where}, row 1", expected="columns YYYYMM, for example 201805")
    ordered = sorted((f"{c[:4]}-{c[4:]}", c) for c in cells)
    for (before, _), (after, _) in pairwise(ordered):
        if month_number(after) != month_number(before) + 1:
            gap = month_text(month_number(before) + 1).replace("-", "")
            raise DataError(
                f"no column {gap} between {before} and {after}",
                where=f"{where}, row 1",
                expected="every month once, without a gap",
                todo="Download the whole file again",
            )
    return [(cell, month) for month, cell in ordered]


def _require_filled(sheet: Sheet, column: str, cell: str, where: str) -> None:
    codes, words = factor(sheet.text[column])
    if "" in words and (blank := codes == words.index("")).any():
        row = int(np.argmax(blank)) + sheet.first
        raise DataError("a blank cell", where=f"{where}, row {row}, column {cell}", expected="text in every row")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Area:
    """Where each row belongs: position in `units`, -1 for offences without a unit; and the raw area it stood under."""

    units: tuple[str, ...]
    place: Index
    under: Index
    names: dict[str, str]
    districts: dict[str, str]
    notes: tuple[str, ...]
    unit_name: str


def _wards(sheet: Sheet, found: dict[str, str], where: str) -> _Area:
    codes, words = factor(sheet.text["code"])
    unplaced = np.array([plain(w) in _UNPLACED for w in words])
    for i, word in enumerate(words):
        if not unplaced[i] and not re.fullmatch(r"E05\d{6}", word) and (codes == i).any():
            row = int(np.argmax(codes == i)) + sheet.first
            raise DataError(
                f"ward code {shown(word)}",
                where=f"{where}, row {row}, column {found['code']}",
                expected="E05 and six digits",
            )
    units = tuple(sorted(w for i, w in enumerate(words) if not unplaced[i] and (codes == i).any()))
    position = {u: i for i, u in enumerate(units)}
    place = np.array([position.get(w, -1) for w in words], dtype=np.int64)[codes]
    under, boroughs = factor(sheet.text["borough"])
    named, names = factor(sheet.text["name"])
    districts, notes = _districts(units, place, under, boroughs, sheet, found, where)
    at, first = np.unique(place, return_index=True)
    called = {units[p]: names[named[i]] for p, i in zip(at.tolist(), first.tolist(), strict=True) if p >= 0}
    return _Area(
        units=units, place=place, under=under, names=called, districts=districts, notes=notes, unit_name="ward"
    )


def _districts(
    units: tuple[str, ...],
    place: Index,
    under: Index,
    boroughs: list[str],
    sheet: Sheet,
    found: dict[str, str],
    where: str,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The borough of each ward. Airport police are not a borough: a ward under both belongs to the real one."""
    districts: dict[str, str] = {}
    summed: list[str] = []
    pairs, first = np.unique(place * len(boroughs) + under, return_index=True)
    real = sorted(
        ((is_elsewhere(boroughs[k % len(boroughs)]), r, k) for k, r in zip(pairs.tolist(), first.tolist(), strict=True))
    )
    for elsewhere, row, key in real:
        ward, borough = key // len(boroughs), boroughs[key % len(boroughs)]
        if ward < 0:
            continue
        unit = units[ward]
        if elsewhere and unit in districts:
            summed.append(f"{unit} also stands under {borough!r}; both rows are summed")
        elif unit in districts:
            raise DataError(
                f"ward {unit} in both {districts[unit]} and {shown(borough)}",
                where=f"{where}, row {row + sheet.first}, column {found['borough']}",
                expected="one borough for each ward",
            )
        else:
            districts[unit] = borough_name(borough) or borough
    return districts, tuple(summed)


def _boroughs(sheet: Sheet, found: dict[str, str], where: str) -> _Area:
    codes, words = factor(sheet.text["borough"])
    names = [borough_name(w) for w in words]
    for i, (word, name) in enumerate(zip(words, names, strict=True)):
        if name is None and not is_elsewhere(word) and (codes == i).any():
            row = int(np.argmax(codes == i)) + sheet.first
            raise DataError(
                f"borough {shown(word)}",
                where=f"{where}, row {row}, column {found['borough']}",
                expected="the name of a London borough",
            )
    present = {n: CODES[n] for i, n in enumerate(names) if n is not None and (codes == i).any()}
    units = tuple(sorted(present.values()))
    place = np.array([units.index(present[n]) if n in present else -1 for n in names], dtype=np.int64)[codes]
    return _Area(
        units=units,
        place=place,
        under=codes,
        names={c: n for n, c in present.items()},
        districts={c: n for n, c in present.items()},
        notes=(),
        unit_name="borough",
    )


def _panel(sheet: Sheet, area: _Area, months: tuple[str, ...], where: str) -> Panel:
    major, majors = _offences(sheet, "major")
    minor, minors = _offences(sheet, "minor")
    _check_unique(sheet, area, major, minor, where)
    if not area.units:
        raise DataError(f"no row with a {area.unit_name}", where=where, expected=f"at least one {area.unit_name}")
    placed = area.place >= 0
    notes = (*area.notes, *_unplaced_note(sheet, area), *_unknown_note(majors + minors))
    unit, values = area.place[placed], sheet.whole[placed]
    counts = tally(unit, major[placed], values, len(area.units), majors)
    parts, more = minor_counts(unit, major[placed], majors, minor[placed], minors, values, len(area.units))
    counts |= parts
    return Panel(
        units=area.units,
        periods=months,
        counts={o: counts[o] for o in counts},
        names=area.names,
        districts=area.districts,
        notes=notes + more,
    )


def _offences(sheet: Sheet, column: str) -> tuple[Index, list[str]]:
    codes, words = factor(sheet.text[column])
    outcomes = [offences.current(w) for w in words]
    distinct = sorted(set(outcomes))
    place = {o: i for i, o in enumerate(distinct)}
    return np.array([place[o] for o in outcomes], dtype=np.int64)[codes], distinct


def _check_unique(sheet: Sheet, area: _Area, major: Index, minor: Index, where: str) -> None:
    key = ((area.place * (area.under.max() + 1) + area.under) * (major.max() + 1) + major) * (minor.max() + 1) + minor
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(key[order][1:] == key[order][:-1])
    if len(again):
        row = int(order[again + 1].min())
        before = int(np.flatnonzero(key == key[row])[0])
        raise DataError(
            f"the same area and offence as row {before + sheet.first}",
            where=f"{where}, row {row + sheet.first}",
            expected="each area and offence once",
            todo="Download the file again; do not paste files together",
        )


def _unplaced_note(sheet: Sheet, area: _Area) -> tuple[str, ...]:
    outside = area.place < 0
    if not outside.any():
        return ()
    total = int(sheet.whole[outside].sum())
    named, words = factor(sheet.text["borough"])
    elsewhere = sorted({words[i] for i in np.unique(named[outside]) if is_elsewhere(words[i])})
    note = f"{total:,} offences in {int(outside.sum())} rows have no {area.unit_name} and are not counted"
    return (note + f" ({', '.join(elsewhere)})" if elsewhere else note,)


def _unknown_note(names: list[str]) -> tuple[str, ...]:
    unknown = sorted({n for n in names if n not in offences.KNOWN})
    if not unknown:
        return ()
    return (f"{len(unknown)} offence names not seen before, kept as they are: {', '.join(unknown[:5])}",)

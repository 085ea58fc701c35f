"""Which ward each LSOA lies in: ONS best-fit tables, or the output-area table they are made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.sources.files import Summary, plain, shown
from cseval.sources.sheets import Peek, Sheet, factor, match_columns, peek, read_sheet

if TYPE_CHECKING:
    import numpy.typing as npt

KIND = "lsoa-lookup"
_LSOAS = ("lsoa11cd", "lsoa21cd")
_WARD = re.compile(r"wd(\d\d)cd")


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """LSOA to ward.

    Parameters
    ----------
    wards : mapping of str to str
        LSOA code of 2011 or 2021 to ward code.
    names, districts : mapping of str to str
        Name and district of each ward.
    vintage : str
        Year of the ward boundaries.
    rows : int
    notes : tuple of str
    """

    wards: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)
    districts: Mapping[str, str] = field(default_factory=dict)
    vintage: str = ""
    rows: int = 0
    notes: tuple[str, ...] = ()


def recognise(head: Peek) -> str | None:
    """``lsoa-lookup`` for a table with an LSOA and a ward code but no population."""
    if head.form not in ("csv", "parquet") or "population" in head.names:
        return None
    ward = any(_WARD.fullmatch(n) for n in head.names)
    return KIND if ward and head.names & set(_LSOAS) else None


def summarise(path: Path, kind: str = KIND) -> Summary:
    """Read and validate a whole lookup and say what it holds."""
    found = read_lookup(path)
    return Summary(rows=found.rows, vintage=f"wards of {found.vintage}", notes=found.notes)


def read_lookup(path: Path) -> Lookup:
    """Read a lookup.

    Where an LSOA has several rows (a table of output areas) it goes to the ward with most of them.

    Parameters
    ----------
    path : Path
        CSV, .csv.gz or Parquet with LSOA11CD or LSOA21CD or both, and one WDyyCD; of several the newest.

    Raises
    ------
    DataError
        If a column is missing or a code is not one; the message names the row.
    """
    head, where = peek(path), str(path)
    if head.form not in ("csv", "parquet"):
        raise DataError(f"a {head.form} file", where=where, expected="a CSV or Parquet table")
    year = max((m[1] for n in head.names if (m := _WARD.fullmatch(n))), default="")
    aliases: Mapping[str, tuple[str, ...]] = {n: (n,) for n in _LSOAS} | {
        "ward": (f"wd{year}cd",),
        "name": (f"wd{year}nm",),
    }
    found = match_columns(head.columns, aliases, where)
    district = max((c for c in head.columns if re.fullmatch(r"lad\d\dnm", plain(c))), default=None)
    lsoas = [n for n in _LSOAS if n in found]
    if "ward" not in found or not lsoas:
        raise DataError(
            f"header {shown(', '.join(head.columns))}", where=f"{where}, row 1", expected="LSOA11CD or LSOA21CD, WDyyCD"
        )
    sheet = read_sheet(path, found | ({"district": district} if district else {}))
    return _lookup(sheet, lsoas, found, f"20{year}", where)


def _lookup(sheet: Sheet, lsoas: list[str], found: dict[str, str], vintage: str, where: str) -> Lookup:
    ward, wards = _codes(sheet, "ward", r"[EW]05\d{6}", found, where)
    chosen: dict[str, str] = {}
    ties = 0
    for column in lsoas:
        area, areas = _codes(sheet, column, r"[EW]01\d{6}", found, where)
        best, tied = _majority(area, ward, len(wards))
        ties += tied
        chosen |= {areas[a]: wards[w] for a, w in best.items() if areas[a] not in chosen}
    notes = (f"{ties} LSOAs are split evenly between wards and go to the first in order of code",) if ties else ()
    return Lookup(
        wards=dict(sorted(chosen.items())),
        names=_label(sheet, "name", ward, wards),
        districts=_label(sheet, "district", ward, wards),
        vintage=vintage,
        rows=sheet.rows,
        notes=notes,
    )


def _codes(
    sheet: Sheet, column: str, pattern: str, found: dict[str, str], where: str
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Codes of a column, numbered in order of the code, so that ties fall the same way in any row order."""
    codes, words = factor(sheet.text[column])
    for i, word in enumerate(words):
        if not re.fullmatch(pattern, word) and (codes == i).any():
            row = int(np.argmax(codes == i)) + sheet.first
            raise DataError(
                f"code {shown(word)}",
                where=f"{where}, row {row}, column {found[column]}",
                expected=f"a code like {pattern[1]}{pattern[4:6]}000001",
            )
    ordered = sorted(words)
    place = {w: i for i, w in enumerate(ordered)}
    return np.array([place[w] for w in words], dtype=np.int64)[codes], ordered


def _majority(area: npt.NDArray[np.int64], ward: npt.NDArray[np.int64], wards: int) -> tuple[dict[int, int], int]:
    """For each area the ward with most rows, the first of equals; and how many areas had equals."""
    keys, rows = np.unique(area * wards + ward, return_counts=True)
    best: dict[int, tuple[int, int]] = {}
    tied: set[int] = set()
    for key, count in zip(keys.tolist(), rows.tolist(), strict=True):
        a, w = divmod(key, wards)
        if a in best and count == best[a][1]:
            tied.add(a)
        elif a not in best or count > best[a][1]:
            best[a] = (w, count)
            tied.discard(a)
    return {a: w for a, (w, _) in best.items()}, len(tied)


def _label(sheet: Sheet, column: str, ward: npt.NDArray[np.int64], wards: list[str]) -> dict[str, str]:
    if column not in sheet.text:
        return {}
    codes, words = factor(sheet.text[column])
    _, first = np.unique(ward, return_index=True)
    return {wards[ward[i]]: words[codes[i]] for i in first.tolist() if words[codes[i]]}

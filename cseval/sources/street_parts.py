"""Counting one street file by LSOA and crime type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.errors import DataError
from cseval.sources.files import shown, slug
from cseval.sources.sheets import Sheet, all_columns, factor, header_of, sheet_of
from cseval.sources.street_files import Member, force_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

_ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("crimeid",),
    "month": ("month",),
    "reported": ("reportedby",),
    "lsoa": ("lsoacode",),
    "name": ("lsoaname",),
    "type": ("crimetype",),
}
_LSOA = re.compile(r"[EW]01\d{6}|S01\d{6}|95[A-Z0-9]{6}|N\d{8}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One force and month, counted: `counts` has shape (len(lsoas), len(types))."""

    force: str
    month: str
    lsoas: list[str]
    names: list[str]
    types: list[str]
    counts: Index
    unplaced: int
    duplicates: int
    rows: int


def count_file(data: bytes, member: Member) -> list[Part]:
    """Count the rows of one street CSV, a part for each month in it (one, if its name says the month).

    Raises
    ------
    DataError
        Naming the row that is not what the header or the file name promises.
    """
    where = member.where
    header = header_of(data, where)
    found = all_columns(
        header,
        _ALIASES,
        where,
        expected="Crime ID, Month, Reported by, LSOA code, LSOA name, Crime type",
        todo="Files from before 2013 have no LSOA; download them again in the present format",
    )
    sheet = sheet_of(data, where, found)
    repeated = _exact_repeats(data, header, sheet, where)
    month_codes, months = factor(sheet.text["month"])
    _check_months(month_codes, months, member, found["month"])
    force = member.force or _force(sheet, where, found["reported"])
    return [
        _count(sheet, month_codes == i, repeated, month, force, where, found)
        for i, month in enumerate(months)
        if (month_codes == i).any()
    ]


def _check_months(codes: Index, months: list[str], member: Member, column: str) -> None:
    for i, month in enumerate(months):
        wrong = month != member.month if member.month else not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month)
        if wrong and (codes == i).any():
            raise DataError(
                f"month {shown(month)}",
                where=f"{member.where}, row {int(np.argmax(codes == i)) + 2}, column {column}",
                expected=f"{member.month}, as in the file name" if member.month else "YYYY-MM",
            )


def _force(sheet: Sheet, where: str, column: str) -> str:
    codes, names = factor(sheet.text["reported"])
    present = {names[i] for i in np.unique(codes)}
    forces = {force_of(n) for n in present}
    if len(forces) != 1 or "" in forces:
        raise DataError(
            f"rows of {len(present)} forces ({shown(', '.join(sorted(present)))})",
            where=f"{where}, column {column}",
            expected="one force in a file, or a file named like 2018-05-metropolitan-street.csv",
        )
    return forces.pop()


def _exact_repeats(data: bytes, header: tuple[str, ...], sheet: Sheet, where: str) -> Mask:
    """Rows that repeat an earlier row in every column. Without a Crime ID (all ASB) a repeat is another incident."""
    out = np.zeros(sheet.rows, dtype=bool)
    codes, words = factor(sheet.text["id"])
    often = np.bincount(codes, minlength=len(words)) > 1
    if "" in words:
        often[words.index("")] = False
    candidates = np.flatnonzero(often[codes])
    if not len(candidates):
        return out
    whole = sheet_of(data, where, {c: c for c in header if c})
    columns = [c.take(candidates).to_pylist() for c in whole.text.values()]
    seen: set[tuple[Any, ...]] = set()
    for place, row in zip(candidates.tolist(), zip(*columns, strict=True), strict=True):
        out[place] = row in seen
        seen.add(row)
    return out


def _count(sheet: Sheet, rows: Mask, repeated: Mask, month: str, force: str, where: str, found: dict[str, str]) -> Part:
    lsoa_codes, lsoas = factor(sheet.text["lsoa"])
    type_codes, types = factor(sheet.text["type"])
    name_codes, names = factor(sheet.text["name"])
    _check_words(
        lsoa_codes, lsoas, f"{where}|{found['lsoa']}", lambda w: not w or bool(_LSOA.fullmatch(w)), "an LSOA code"
    )
    _check_words(type_codes, types, f"{where}|{found['type']}", lambda w: bool(slug(w)), "a crime type")
    kept = rows & ~repeated
    placed = kept & (np.array([bool(w) for w in lsoas])[lsoa_codes])
    counts = np.bincount(lsoa_codes[placed] * len(types) + type_codes[placed], minlength=len(lsoas) * len(types))
    first = dict(zip(lsoa_codes[::-1].tolist(), name_codes[::-1].tolist(), strict=True))
    table = counts.reshape(len(lsoas), len(types)).astype(np.int64)
    here = np.flatnonzero(table.sum(axis=1))
    return Part(
        force=force,
        month=month,
        lsoas=[lsoas[i] for i in here],
        names=[names[first[i]] for i in here.tolist()],
        types=[slug(t) for t in types],
        counts=table[here],
        unplaced=int((kept & ~placed).sum()),
        duplicates=int((rows & repeated).sum()),
        rows=int(rows.sum()),
    )


def _check_words(codes: Index, words: list[str], place: str, good: Any, expected: str) -> None:
    where, column = place.rsplit("|", 1)
    for i, word in enumerate(words):
        if not good(word) and (codes == i).any():
            row = int(np.argmax(codes == i)) + 2
            raise DataError(
                shown(word) if word else "a blank cell", where=f"{where}, row {row}, column {column}", expected=expected
            )

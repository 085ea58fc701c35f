"""Mid-year population by ward, LSOA or borough, and the exposure it gives in each month."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_words
from cseval.panel import Provenance
from cseval.sources.files import Summary, plain, shown
from cseval.sources.sheets import Peek, Sheet, factor, match_columns, peek, read_sheet

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue

WARD, LSOA, BOROUGH = "ward-population", "lsoa-population", "borough-population"
# The smallest level decides; wide files spell the code column out.
_LEVELS = (
    (LSOA, re.compile(r"lsoa(\d\d)cd|lsoa20(\d\d)code"), re.compile(r"[EW]01\d{6}")),
    (WARD, re.compile(r"wd(\d\d)cd|ward20(\d\d)code"), re.compile(r"[EW]05\d{6}")),
    (BOROUGH, re.compile(r"lad(\d\d)cd|lad20(\d\d)code"), re.compile(r"E0[6-9]\d{6}|W06\d{6}")),
)
_WIDE = re.compile(r"mid((?:19|20)\d\d)population")
_YEARS = range(1981, 2101)
# A mid-year estimate is the population at the end of June, the middle of the year; a month counts at its own middle.
_MID_YEAR = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """Residents by unit and year.

    Parameters
    ----------
    units : tuple of str
    years : tuple of int
        In order, without a gap.
    values : int64 array, shape (units, years)
        Residents in the middle of each year.
    names : mapping of str to str
    vintage : str
        Year of the boundaries.
    provenance : tuple of Provenance
    """

    units: tuple[str, ...]
    years: tuple[int, ...]
    values: npt.NDArray[np.int64]
    names: Mapping[str, str] = field(default_factory=dict)
    vintage: str = ""
    provenance: tuple[Provenance, ...] = ()

    def exposure(self, units: Sequence[str], periods: Sequence[str]) -> npt.NDArray[np.float64]:
        """Residents of each unit in the middle of each month.

        Parameters
        ----------
        units : sequence of str
        periods : sequence of str
            Months ``YYYY-MM``.

        Returns
        -------
        float array, shape (units, periods)
            Linear between mid-years; before the first and after the last they are carried, see `carried`.

        Raises
        ------
        DataError
            If a unit has no population, or nobody lives there.
        """
        row = {u: i for i, u in enumerate(self.units)}
        missing = [u for u in units if u not in row]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(units)} units have no population (first: {', '.join(missing[:3])})",
                where="population",
                expected="population on the same boundaries as the counts",
            )
        rows = np.array([row[u] for u in units], dtype=np.int64)
        at = np.array([(month_number(p) + 0.5) / 12 for p in periods])
        known = np.array(self.years, dtype=np.float64) + _MID_YEAR
        out = np.array([np.interp(at, known, self.values[i]) for i in rows]).reshape(len(units), len(periods))
        if not (out > 0).all():
            empty = units[int(np.argwhere(out <= 0)[0][0])]
            raise DataError(f"nobody lives in {empty}", where="population", expected="at least one resident")
        return out

    def carried(self, periods: Sequence[str]) -> tuple[str, ...]:
        """Notes on the months of `periods` that lie outside the years of the estimates."""
        first, last = f"{self.years[0]}-06", f"{self.years[-1]}-07"
        notes = []
        if min(periods) < first:
            notes.append(f"population of {self.years[0]} stands for the months before June {self.years[0]}")
        if max(periods) > last:
            notes.append(
                f"population of {self.years[-1]} is carried forward from that July to {month_words(max(periods))}"
            )
        return tuple(notes)


def recognise(head: Peek) -> str | None:
    """The kind of population table, long or wide."""
    if head.form not in ("csv", "parquet"):
        return None
    long = {"year", "population"} <= head.names
    if not long and not any(_WIDE.fullmatch(n) for n in head.names):
        return None
    return next((kind for kind, column, _ in _LEVELS if any(column.fullmatch(n) for n in head.names)), None)


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole table and say what it holds.

    Raises
    ------
    DataError
        As `read_population`.
    """
    found = read_population(path)
    years = f"{found.years[0]} to {found.years[-1]}"
    return Summary(rows=found.values.size, vintage=f"mid-{years}, boundaries of {found.vintage}")


def population_of(catalogue: Catalogue, kind: str, units: Sequence[str]) -> Population:
    """The imported population that holds all these units.

    Raises
    ------
    DataError
        If no file of this kind was imported, or none holds them all.
    """
    found = [read_population(path) for path in catalogue.require(kind)]
    fitting = [p for p in found if set(units) <= set(p.units)]
    if not fitting:
        best = min(found, key=lambda p: len(set(units) - set(p.units)))
        best.exposure(units, [f"{best.years[0]}-07"])
    chosen = max(fitting, key=lambda p: (p.years[-1], len(p.years)))
    return replace(chosen, provenance=catalogue.provenance(kind))


def read_population(path: Path) -> Population:
    """Read a population table.

    Parameters
    ----------
    path : Path
        CSV, .csv.gz or Parquet: long (a code WDyyCD, LSOAyyCD or LADyyCD, ``year``, ``population``) or wide
        ("LSOA 2021 Code", "Mid-2011: Population", …).

    Raises
    ------
    DataError
        If a column, code, year or count is not what the format promises; the message names the row.
    """
    head, where = peek(path), str(path)
    if head.form not in ("csv", "parquet"):
        raise DataError(f"a {head.form} file", where=where, expected="a CSV or Parquet table")
    column, vintage, pattern = _code_column(head, where)
    stem = re.sub(r"(cd|code)$", "", column)
    aliases = {
        "code": (column,),
        "name": (f"{stem}nm", f"{stem}name"),
        "year": ("year",),
        "population": ("population",),
    }
    found = match_columns(head.columns, aliases, where)
    text = {k: v for k, v in found.items() if k in ("code", "name")}
    if "year" in found and "population" in found:
        return _long(read_sheet(path, text, [found["year"], found["population"]]), found, vintage, pattern, where)
    return _wide(path, head, text, found, vintage, pattern, where)


def _code_column(head: Peek, where: str) -> tuple[str, str, re.Pattern[str]]:
    for _, column, pattern in _LEVELS:
        matches = sorted((m for n in head.names if (m := column.fullmatch(n))), key=lambda m: m.string)
        if len(matches) > 1:
            raise DataError(
                f"codes of several years ({', '.join(m.string for m in matches)})",
                where=f"{where}, row 1",
                expected="boundaries of one year",
            )
        if matches:
            return matches[0].string, "20" + (matches[0][1] or matches[0][2]), pattern
    raise DataError(
        f"no code column (header {shown(', '.join(head.columns))})",
        where=f"{where}, row 1",
        expected="WDyyCD, LSOAyyCD or LADyyCD",
    )


def _codes(sheet: Sheet, pattern: re.Pattern[str], cell: str, where: str) -> tuple[npt.NDArray[np.int64], list[str]]:
    codes, words = factor(sheet.text["code"])
    for i, word in enumerate(words):
        if not pattern.fullmatch(word) and (codes == i).any():
            row = int(np.argmax(codes == i)) + sheet.first
            raise DataError(
                f"code {shown(word)}",
                where=f"{where}, row {row}, column {cell}",
                expected=f"a code of the form {pattern.pattern}",
            )
    units = sorted({words[i] for i in np.unique(codes)})
    place = {u: i for i, u in enumerate(units)}
    return np.array([place.get(w, -1) for w in words], dtype=np.int64)[codes], units


def _names(sheet: Sheet, unit: npt.NDArray[np.int64], units: list[str]) -> dict[str, str]:
    if "name" not in sheet.text:
        return {}
    codes, words = factor(sheet.text["name"])
    _, first = np.unique(unit, return_index=True)
    return {units[unit[i]]: words[codes[i]] for i in first.tolist() if words[codes[i]]}


def _long(sheet: Sheet, found: dict[str, str], vintage: str, pattern: re.Pattern[str], where: str) -> Population:
    unit, units = _codes(sheet, pattern, found["code"], where)
    year, residents = sheet.whole[:, 0], sheet.whole[:, 1]
    wrong = (year < _YEARS.start) | (year >= _YEARS.stop)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"year {year[row]}",
            where=f"{where}, row {row + sheet.first}, column {found['year']}",
            expected=f"a year from {_YEARS.start}",
        )
    years = _without_gap(sorted(set(year.tolist())), where)
    values = np.full((len(units), len(years)), -1, dtype=np.int64)
    column = year - years[0]
    _require_once(unit * len(years) + column, sheet, where)
    values[unit, column] = residents
    if (values < 0).any():
        i, j = np.argwhere(values < 0)[0]
        raise DataError(f"no row for {units[i]} in {years[j]}", where=where, expected="every unit in every year")
    return Population(units=tuple(units), years=years, values=values, names=_names(sheet, unit, units), vintage=vintage)


def _wide(
    path: Path,
    head: Peek,
    text: dict[str, str],
    found: dict[str, str],
    vintage: str,
    pattern: re.Pattern[str],
    where: str,
) -> Population:
    cells = sorted((int(m[1]), c) for c in head.columns if (m := _WIDE.fullmatch(plain(c))))
    if not cells:
        raise DataError(
            "no population columns", where=f"{where}, row 1", expected="year and population, or Mid-2011: Population, …"
        )
    years = _without_gap([y for y, _ in cells], where)
    sheet = read_sheet(path, text, [c for _, c in cells])
    unit, units = _codes(sheet, pattern, found["code"], where)
    _require_once(unit, sheet, where)
    values = sheet.whole[np.argsort(unit)]
    return Population(units=tuple(units), years=years, values=values, names=_names(sheet, unit, units), vintage=vintage)


def _without_gap(years: list[int], where: str) -> tuple[int, ...]:
    absent = sorted(set(range(years[0], years[-1] + 1)) - set(years))
    if absent:
        raise DataError(f"no population for {absent[0]}", where=where, expected="every year, without a gap")
    return tuple(years)


def _require_once(key: npt.NDArray[np.int64], sheet: Sheet, where: str) -> None:
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    if (count > 1).any():
        k = int(np.argmax(count > 1))
        rows = np.flatnonzero(key == key[first[k]])
        raise DataError(
            f"the same unit and year as row {rows[0] + sheet.first}",
            where=f"{where}, row {rows[1] + sheet.first}",
            expected="each once",
        )

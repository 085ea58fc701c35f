"""MOPAC Public Attitude Survey, dashboard: shares of residents who agree, by borough, over rolling twelve months.

As published it carries the marks of the spreadsheet it came from: decimal commas or points, dates with the day first,
columns without a heading and cells that strayed into them. Sample sizes are not published. Each point holds the answers
of twelve months, so successive points share nine of them.
"""

from __future__ import annotations

import csv
import io
import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import add_months, month_words
from cseval.sources.boroughs import CODES, borough_name
from cseval.sources.files import Summary, plain, shown, slug, text_of
from cseval.sources.sheets import Peek, check_lines, header_of, match_columns, peek
from cseval.survey import QUARTER, SurveySeries

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue

    Shares = npt.NDArray[np.float64]
    #: By measure, unit and quarter: the share, that of all boroughs, and the row it stands in.
    Cells = dict[tuple[str, str, str], tuple[float, float, int]]

KIND = "mopac-pas"
SURVEY = "PAS"
#: The survey asks in twelve months for each point.
MONTHS_PER_WINDOW = 12
_ALIASES: dict[str, tuple[str, ...]] = {
    "date": ("date",),
    "survey": ("survey",),
    "borough": ("borough",),
    "measure": ("measure",),
    "proportion": ("proportion",),
    "overall": ("mps",),
}
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_NUMBER = re.compile(r"\d(?:[.,]\d{1,6})?")
_MOST_MEASURES = 200
_MOST_QUARTERS = 400
_QUARTER_ENDS = (3, 6, 9, 12)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One record: its number in the file and its cells by wanted column."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class _File:
    """The rows of a file, what strayed into columns without a heading, and where to point."""

    rows: tuple[_Row, ...]
    strays: tuple[tuple[int, tuple[str, ...]], ...]
    columns: dict[str, str]
    where: str

    def at(self, row: _Row, column: str) -> str:
        """Where a cell stands."""
        return f"{self.where}, row {row.number}, column {self.columns[column]}"


def recognise(head: Peek) -> str | None:
    """``mopac-pas`` if the header is that of the borough dashboard."""
    if head.form != "csv":
        return None
    return KIND if {names[0] for names in _ALIASES.values()} <= head.names else None


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole file and say what it holds.

    Raises
    ------
    DataError
        As `read_pas`.
    """
    found = read_pas(path)
    return Summary(
        rows=sum(int(mask.sum()) for mask in found.received.values()),
        first_month=found.ends[0],
        last_month=found.ends[-1],
        vintage=found.ends[-1],
        notes=found.notes,
    )


def read_pas(path: Path) -> SurveySeries:
    """Read the borough dashboard of the Public Attitude Survey.

    Parameters
    ----------
    path : Path
        CSV or .csv.gz with the columns Date, Survey, Borough, Measure, Proportion, MPS.

    Returns
    -------
    SurveySeries
        One measure for each that the file names; `overall` holds the column MPS. A measure that begins later than the
        first quarter is not received before.

    Raises
    ------
    DataError
        Naming file, row and column of the first cell that is not what the format promises: a date that is not the last
        day of a quarter, day first; an unknown borough; a proportion above 1; decimal points and commas mixed; the same
        borough, measure and quarter twice. Also if a borough lacks a quarter, or a quarter is missing.
    """
    file = _read(path)
    _require_one_mark(file)
    series = _lay(_cells(file), file)
    return replace(series, notes=series.notes + _stray_notes(file))


def survey_series(catalogue: Catalogue) -> SurveySeries | None:
    """The imported survey, of several files the one that ends last; None if none was imported.

    Raises
    ------
    DataError
        As `read_pas`.
    """
    found = [
        replace(read_pas(path), provenance=(entry,))
        for path, entry in zip(catalogue.paths(KIND), catalogue.provenance(KIND), strict=True)
    ]
    return max(found, key=lambda s: s.ends[-1]) if found else None


# Cells ------------------------------------------------------------------------------------------------


def _read(path: Path) -> _File:
    head, where = peek(path), str(path)
    if head.form != "csv":
        raise DataError(f"a {head.form} file", where=where, expected="a CSV table")
    found = match_columns(head.columns, _ALIASES, where)
    missing = [w for w in _ALIASES if w not in found]
    if missing:
        raise DataError(
            f"no {missing[0]} column (header {shown(', '.join(head.columns))})",
            where=f"{where}, row 1",
            expected="Date, Survey, Borough, Measure, Proportion, MPS",
        )
    data = text_of(path)
    check_lines(data, where)
    header = header_of(data, where)
    place = {wanted: header.index(cell) for wanted, cell in found.items()}
    records = list(_records(data, len(header), where))
    rows = tuple(_Row(number=n, cells={w: cells[i] for w, i in place.items()}) for n, cells in records)
    if not rows:
        raise DataError("a header without rows", where=where, expected="at least one row under the header")
    return _File(rows=rows, strays=_strays(records, header), columns=found, where=where)


def _records(data: bytes, width: int, where: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Number and stripped cells of each record under the header."""
    lines = csv.reader(io.StringIO(data.decode("utf-8").rstrip("\r\n"), newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(lines, start=1):
            if number == 1:
                continue
            if len(cells) != width:
                raise DataError(
                    f"{len(cells)} cells ({shown(','.join(cells))})",
                    where=f"{where}, row {number}",
                    expected=f"{width}, as in the header",
                )
            yield number, tuple(c.strip() for c in cells)
    except csv.Error as error:
        raise DataError(f"not a CSV table ({error})", where=f"{where}, row {number + 1}", expected="CSV") from error


def _strays(
    records: list[tuple[int, tuple[str, ...]]], header: tuple[str, ...]
) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Rows with something in a column that has no heading."""
    unnamed = [i for i, cell in enumerate(header) if not plain(cell)]
    found = ((n, tuple(cells[i] for i in unnamed if cells[i])) for n, cells in records)
    return tuple((n, cells) for n, cells in found if cells)


def _stray_notes(file: _File) -> tuple[str, ...]:
    if not file.strays:
        return ()
    number, cells = file.strays[0]
    held = " and ".join(shown(c) for c in cells)
    rows = "1 row has" if len(file.strays) == 1 else f"{len(file.strays)} rows have"
    return (f"{rows} cells in columns without a heading, which are not read (row {number}: {held})",)


def _require_one_mark(file: _File) -> None:
    """Refuse a file that writes some decimals with a comma and others with a point."""
    seen: dict[str, tuple[_Row, str]] = {}
    for row in file.rows:
        for column in ("proportion", "overall"):
            for mark in {",", "."} & set(row.cells[column]):
                seen.setdefault(mark, (row, column))
    if len(seen) == 2:
        (row, column), (first, _) = sorted(seen.values(), key=lambda at: at[0].number, reverse=True)
        raise DataError(
            f"{shown(row.cells[column])} where row {first.number} has the other decimal mark",
            where=file.at(row, column),
            expected="decimal commas throughout, or decimal points",
        )


def _cells(file: _File) -> Cells:
    """Every record as a typed cell, each once."""
    cells: Cells = {}
    for row in file.rows:
        if row.cells["survey"] != SURVEY:
            raise DataError(f"survey {shown(row.cells['survey'])}", where=file.at(row, "survey"), expected=SURVEY)
        key = (_measure(row, file), _unit(row, file), _end(row, file))
        if key in cells:
            raise DataError(
                f"the same borough, measure and quarter as row {cells[key][2]}",
                where=f"{file.where}, row {row.number}",
                expected="each once",
            )
        cells[key] = (_share(row, "proportion", file), _share(row, "overall", file), row.number)
    return cells


def _measure(row: _Row, file: _File) -> str:
    name = slug(row.cells["measure"])
    if not name:
        raise DataError("no measure", where=file.at(row, "measure"), expected="what was asked")
    return name


def _unit(row: _Row, file: _File) -> str:
    name = borough_name(row.cells["borough"])
    if name is None:
        raise DataError(
            f"borough {shown(row.cells['borough'])}", where=file.at(row, "borough"), expected="a London borough"
        )
    return CODES[name]


def _end(row: _Row, file: _File) -> str:
    """Last month of a quarter from its last day, written day first."""
    text = row.cells["date"]
    match = _DATE.fullmatch(text)
    day, month, year = (int(g) for g in match.groups()) if match and text.isascii() else (0, 0, 0)
    if month not in _QUARTER_ENDS or not 1900 <= year <= 2100 or day != monthrange(year, month)[1]:
        swapped = " (month first?)" if day in _QUARTER_ENDS and month > max(_QUARTER_ENDS) else ""
        raise DataError(
            f"date {shown(text)}{swapped}",
            where=file.at(row, "date"),
            expected="the last day of a quarter, day first, as 30/6/2018",
        )
    return f"{year:04d}-{month:02d}"


def _share(row: _Row, column: str, file: _File) -> float:
    text = row.cells[column]
    value = float(text.replace(",", ".")) if text.isascii() and _NUMBER.fullmatch(text) else -1.0
    if not 0 <= value <= 1:
        raise DataError(
            f"{shown(text)} where a proportion belongs" if text else "a blank where a proportion belongs",
            where=file.at(row, column),
            expected="0 to 1, as 0,56 or 0.56",
        )
    return value


# The series -------------------------------------------------------------------------------------------


def _lay(cells: Cells, file: _File) -> SurveySeries:
    measures, units, ends = (tuple(sorted({key[i] for key in cells})) for i in range(3))
    if len(measures) > _MOST_MEASURES:
        raise DataError(f"{len(measures)} measures", where=file.where, expected=f"at most {_MOST_MEASURES}")
    every = _every_quarter(ends, file)
    shares, received, overall = {}, {}, {}
    for measure in measures:
        own = {key[1:]: value for key, value in cells.items() if key[0] == measure}
        span = _span(own, every)
        _require_all(measure, own, units, span, file)
        shares[measure] = np.array([[own[u, e][0] if e in span else np.nan for e in every] for u in units])
        received[measure] = np.isfinite(shares[measure])
        overall[measure] = _overall(own, units, every, span, file)
    return SurveySeries(
        units=units,
        ends=every,
        shares=shares,
        received=received,
        labels=_labels(file),
        overall=overall,
        names={code: name for name, code in CODES.items() if code in units},
        months_per_window=MONTHS_PER_WINDOW,
        notes=_notes(measures, received, every, _labels(file)),
    )


def _every_quarter(ends: tuple[str, ...], file: _File) -> tuple[str, ...]:
    """The quarters of the file, known to follow one another."""
    for before, after in pairwise(ends):
        if add_months(before, QUARTER) != after:
            raise DataError(
                f"no row for the quarter that ends in {month_words(add_months(before, QUARTER))}",
                where=f"{file.where}, column {file.columns['date']}",
                expected="every quarter between the first and the last",
            )
    if len(ends) > _MOST_QUARTERS:
        raise DataError(f"{len(ends)} quarters", where=file.where, expected=f"at most {_MOST_QUARTERS}")
    return ends


def _span(own: dict[tuple[str, str], tuple[float, float, int]], every: tuple[str, ...]) -> tuple[str, ...]:
    """Quarters from a measure's first to its last."""
    held = {end for _, end in own}
    return tuple(e for e in every if min(held) <= e <= max(held))


def _require_all(
    measure: str,
    own: dict[tuple[str, str], tuple[float, float, int]],
    units: tuple[str, ...],
    span: tuple[str, ...],
    file: _File,
) -> None:
    """Refuse a measure that some borough lacks in some quarter."""
    names = {code: name for name, code in CODES.items()}
    for end in span:
        for unit in units:
            if (unit, end) not in own:
                raise DataError(
                    f"no row for {names[unit]} in the quarter that ends in {month_words(end)}, measure {measure}",
                    where=file.where,
                    expected="every borough in every quarter between a measure's first and last",
                    todo="Download the file again; do not fill quarters by hand",
                )


def _overall(
    own: dict[tuple[str, str], tuple[float, float, int]],
    units: tuple[str, ...],
    every: tuple[str, ...],
    span: tuple[str, ...],
    file: _File,
) -> Shares:
    """The figure for all boroughs, known to be the same in every row of a quarter."""
    for end in span:
        first = own[units[0], end]
        for value, number in ((own[u, end][1], own[u, end][2]) for u in units):
            if value != first[1]:
                raise DataError(
                    f"{value:g} where row {first[2]} has {first[1]:g} for the same measure and quarter",
                    where=f"{file.where}, row {number}, column {file.columns['overall']}",
                    expected="one figure for all boroughs",
                )
    return np.array([own[units[0], e][1] if e in span else np.nan for e in every])


def _labels(file: _File) -> dict[str, str]:
    """Each measure as it is written where it first occurs."""
    labels: dict[str, str] = {}
    for row in file.rows:
        labels.setdefault(slug(row.cells["measure"]), row.cells["measure"])
    return labels


def _notes(
    measures: tuple[str, ...],
    received: dict[str, npt.NDArray[np.bool_]],
    every: tuple[str, ...],
    labels: dict[str, str],
) -> tuple[str, ...]:
    shorter = [m for m in measures if not received[m].all()]
    parts = [
        f"{labels[m]} from {month_words(every[int(np.argmax(received[m][0]))])}" for m in shorter if received[m].any()
    ]
    return (
        f"{MONTHS_PER_WINDOW} months of answers in each point, so successive points overlap; no sample sizes",
        *((f"not every measure runs through: {', '.join(parts)}",) if parts else ()),
    )

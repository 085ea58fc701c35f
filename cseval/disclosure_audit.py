"""What two releases of a table give away together: differences, cells shown once and withheld once, and totals."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from cseval.disclosure import wide
from cseval.errors import DataError, UsageError

#: How a cell says that it is withheld, in any case of letters, and that it holds nothing for another reason.
SUPPRESSED = re.compile(r"\[c\]|c|\*+|suppressed|withheld|\.\.|[-–—]|(?:<|≤|<=|less than|under)\s*\d+", re.IGNORECASE)
ABSENT = ("", "[x]", "[z]", "x", "z")
#: What the name of a row or a column of totals holds as a word.
TOTAL = re.compile(r"\b(?:grand|sub)?-?(?:totals?|all|overall|sum)\b", re.IGNORECASE)
Key = tuple[str, ...]
Cell = tuple[Key, str]


@dataclass(frozen=True, kw_only=True)
class Release:
    """A table as it was released: its name in messages, its columns, and its rows as text."""

    where: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is given away.

    Parameters
    ----------
    kind : {"small", "difference", "shown once", "one release", "total"}
    row, column : str
        Where in the table.
    sentence : str
        What it is, in words.
    """

    kind: str
    row: str
    column: str
    sentence: str


def read_release(path: Path) -> Release:
    """A release from a CSV file.

    Raises
    ------
    DataError
        If it cannot be read, holds no rows, has a column twice or without a name, or rows of another length.
    """
    where = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read ({type(error).__name__})", where=where, expected="a CSV in UTF-8") from error
    if "\0" in text:
        raise DataError("NUL bytes", where=where, expected="plain text", todo="Save the table as CSV UTF-8")
    rows = _rows(text, where)
    if len(rows) < 2:
        raise DataError("no rows", where=where, expected="a header and at least one row")
    header = tuple(name.strip() for name in rows[0])
    if "" in header or len(set(header)) < len(header):
        wrong = "a column without a name" if "" in header else "a column twice"
        raise DataError(wrong, where=f"{where}, row 1", expected="each column once, with its name")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise DataError(f"{len(row)} cells", where=f"{where}, row {number}", expected=f"{len(header)}")
    return Release(where=where, columns=header, rows=tuple(tuple(c.strip() for c in row) for row in rows[1:]))


def _rows(text: str, where: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row)
    except csv.Error as error:
        raise DataError(f"{error}", where=f"{where}, row {len(rows) + 1}", expected="rows of a CSV file") from error
    return rows


def differencing(
    first: Release, second: Release, keys: Sequence[str] = (), threshold: int = 5, totals: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """What two releases of one table give away, each alone and both together.

    Parameters
    ----------
    first, second : Release
        With the same columns, in any order, and in general not the same rows.
    keys : sequence of str
        Columns that name a row; by default those that hold text.
    threshold : int
        Counts, and differences, from 1 to one below it are small.
    totals : sequence of str
        Names of further rows or columns that are totals, such as the name of the whole city.

    Notes
    -----
    Only columns of whole numbers of at least 0 are looked at. Total rows are those that a key column calls so
    (`taken_as_totals`), and cover the rows that agree with them in the other keys; total columns cover the other
    columns. A total that covers only some of the rows is not known as one.

    Raises
    ------
    DataError
        If the columns differ, no column names the rows, there is nothing to compare, or a row occurs twice.
    UsageError
        If a key is no column.
    """
    tables, order, counted = _read(first, second, keys)
    is_total = _Totals(names=frozenset(t.casefold() for t in totals))
    found = [f for key in order for f in _one_release(tables, key)]
    found += [f for key in order for c in counted for f in _compare(tables, key, c, threshold)]
    found += [f for total, parts in _sums(order, counted, is_total) for f in _add_up(tables, total, parts, threshold)]
    return tuple(dict.fromkeys(found))


def taken_as_totals(
    first: Release, second: Release, keys: Sequence[str] = (), totals: Sequence[str] = ()
) -> tuple[str, ...]:
    """Names of the rows and columns that `differencing` takes for totals: those that `TOTAL` finds, and `totals`.

    Raises
    ------
    UsageError
        If one of `totals` names no row and no column.
    """
    _, order, counted = _read(first, second, keys)
    is_total = _Totals(names=frozenset(t.casefold() for t in totals))
    names = dict.fromkeys(word for word in (*chain.from_iterable(order), *counted))
    unknown = [t for t in totals if t.casefold() not in {n.casefold() for n in names}]
    if unknown:
        raise UsageError(f"no row and no column {unknown[0]!r}", where="--total", expected="a name in the releases")
    return tuple(filter(is_total, names))


def _read(first: Release, second: Release, keys: Sequence[str]) -> tuple[tuple[_Table, _Table], list[Key], list[str]]:
    """Both releases by key, the keys in their order, and the columns of counts."""
    named = _keys(first, second, keys)
    tables = _Table.of(first, named), _Table.of(second, named)
    counted = [c for c in first.columns if c not in named and all(t.counts(c) for t in tables)]
    if not counted:
        raise DataError(
            "no column of counts in common", where=f"{first.where} and {second.where}", expected="at least one"
        )
    return tables, list(dict.fromkeys(chain(tables[0].cells, tables[1].cells))), counted


@dataclass(frozen=True, kw_only=True)
class _Totals:
    """Which names are those of totals."""

    names: frozenset[str]

    def __call__(self, word: str) -> bool:
        return TOTAL.search(word) is not None or word.casefold() in self.names


def _one_release(tables: tuple[_Table, _Table], key: Key) -> Iterator[Finding]:
    """That a row is in one release only, so that a total of the other may hide or give it away."""
    for table, other in (tables, tables[::-1]):
        if key not in other.cells:
            row = ", ".join(key)
            said = f"{row}: only in {table.where}; a total or another division of {other.where} may give it away."
            yield Finding(kind="one release", row=row, column="", sentence=said)


def _nothing(text: str) -> bool:
    """Whether a cell holds no number, withheld or not there."""
    return text.casefold() in ABSENT or _is_withheld(text)


def _is_withheld(text: str) -> bool:
    return SUPPRESSED.fullmatch(text) is not None


def _keys(first: Release, second: Release, keys: Sequence[str]) -> tuple[str, ...]:
    """The columns that name a row."""
    where = f"{first.where} and {second.where}"
    if set(first.columns) != set(second.columns):
        apart = sorted(set(first.columns) ^ set(second.columns))
        raise DataError(f"column {apart[0]!r} is in one of them only", where=where, expected="the same columns")
    unknown = [k for k in keys if k not in first.columns]
    if unknown:
        raise UsageError(f"no column {unknown[0]!r}", where="--keys", expected="one of " + ", ".join(first.columns))
    named = tuple(keys) or tuple(c for c in first.columns if _holds_text(first, c) or _holds_text(second, c))
    if not named:
        raise DataError(
            "no column names the rows",
            where=where,
            expected="at least one column of text",
            todo="Name the columns with --keys",
        )
    return named


def _holds_text(release: Release, column: str) -> bool:
    at = release.columns.index(column)
    return any(not _nothing(row[at]) and math.isnan(_number(row[at])) for row in release.rows)


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return math.nan


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A release by key: the text of every cell, and the values of those that are shown."""

    where: str
    cells: Mapping[Key, Mapping[str, str]]

    @classmethod
    def of(cls, release: Release, named: tuple[str, ...]) -> _Table:
        cells: dict[Key, dict[str, str]] = {}
        for number, row in enumerate(release.rows, start=2):
            entry = dict(zip(release.columns, row, strict=True))
            key = tuple(entry[k] for k in named)
            if key in cells:
                raise DataError(
                    f"{', '.join(key)} again",
                    where=f"{release.where}, row {number}",
                    expected=f"each {' and '.join(named)} once",
                    todo="Name the columns that tell the rows apart with --keys",
                )
            cells[key] = entry
        return cls(where=release.where, cells=cells)

    def counts(self, column: str) -> bool:
        """Whether a column holds counts: whole numbers of at least 0, or nothing that is shown."""
        held = [_number(e[column]) for e in self.cells.values() if not _nothing(e[column])]
        return all(v >= 0 and v.is_integer() for v in held)

    def value(self, cell: Cell) -> float | None:
        """The count that is shown; None where there is none."""
        value = _number(self.cells.get(cell[0], {}).get(cell[1], ""))
        return None if math.isnan(value) else value

    def withheld(self, cell: Cell) -> bool:
        """Whether the cell is there and withheld."""
        return _is_withheld(self.cells.get(cell[0], {}).get(cell[1], ""))


def _compare(tables: tuple[_Table, _Table], key: Key, column: str, threshold: int) -> Iterator[Finding]:
    """What one cell of both releases gives away."""
    row, cell = ", ".join(key), (key, column)
    values = [t.value(cell) for t in tables]
    for table, value in zip(tables, values, strict=True):
        if value is not None and 0 < value < threshold:
            yield Finding(
                kind="small",
                row=row,
                column=column,
                sentence=f"{row}, {column}: {table.where} shows {value:.0f}, a small count.",
            )
    for table, other, value in ((*tables, values[0]), (*tables[::-1], values[1])):
        if value is not None and other.withheld(cell):
            yield Finding(
                kind="shown once",
                row=row,
                column=column,
                sentence=f"{row}, {column}: {other.where} withholds what {table.where} shows, {value:,.0f}.",
            )
    first, second = values
    if first is not None and second is not None and 0 < abs(second - first) < threshold:
        told = f"{first:,.0f} in {tables[0].where} and {second:,.0f} in {tables[1].where}"
        yield Finding(
            kind="difference",
            row=row,
            column=column,
            sentence=f"{row}, {column}: {told}; the difference of {abs(second - first):.0f} is a small count.",
        )


def _sums(order: Sequence[Key], counted: Sequence[str], is_total: _Totals) -> Iterator[tuple[Cell, list[Cell]]]:
    """Every total cell with the cells that it covers."""
    for key in order:
        for place, word in enumerate(key):
            if is_total(word):
                rest = [k for k in order if not is_total(k[place]) and _agree(k, key, place)]
                yield from (((key, c), [(k, c) for k in rest]) for c in counted)
        for column in filter(is_total, counted):
            yield (key, column), [(key, c) for c in counted if not is_total(c)]


def _agree(one: Key, other: Key, but: int) -> bool:
    """Whether two rows have the same keys but for one."""
    return all(a == b for place, (a, b) in enumerate(zip(one, other, strict=True)) if place != but)


def _add_up(tables: tuple[_Table, _Table], total: Cell, parts: Sequence[Cell], threshold: int) -> Iterator[Finding]:
    """What a total gives away of the parts that a release withholds, by itself or with what the other one shows."""
    for table, other in (tables, tables[::-1]):
        told: list[list[Cell]] = []
        for helped in ((table,), (table, other)):
            hidden, left = _left_over(table, helped, total, parts)
            if hidden and hidden not in told and left >= 0 and not wide(len(hidden), left, threshold):
                told.append(hidden)
                yield _given_away(total, hidden, left, [t.where for t in helped])


def _left_over(table: _Table, helped: Sequence[_Table], total: Cell, parts: Sequence[Cell]) -> tuple[list[Cell], float]:
    """The parts that no table shows, and what the total leaves for them; NaN where that is not known."""
    amount, own = table.value(total), [p for p in parts if p[0] in table.cells]
    values = {p: next((v for t in helped if (v := t.value(p)) is not None), None) for p in own}
    hidden = [p for p, v in values.items() if v is None]
    if amount is None or not all(table.withheld(p) for p in hidden):
        return hidden, math.nan
    return hidden, amount - sum(v for v in values.values() if v is not None)


def _given_away(total: Cell, hidden: Sequence[Cell], left: float, where: Sequence[str]) -> Finding:
    row, column = ", ".join(hidden[0][0]), hidden[0][1]
    named = "; ".join(", ".join((*key, c)) for key, c in hidden)
    by = f"the total ({', '.join((*total[0], total[1]))}) in {' with '.join(where)}"
    said = f"is {left:.0f}" if len(hidden) == 1 else f"add up to {left:.0f}, too little to hide them"
    return Finding(kind="total", row=row, column=column, sentence=f"{named}: by {by}, what is withheld {said}.")

"""The register of programmes, and which of them ran at the same time as an evaluation."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError, UsageError
from cseval.months import month_number, month_words

if TYPE_CHECKING:
    from cseval.spec import Evaluation
    from cseval.tables import Table


#: How a table says that a programme began close to the start of another.
NEAR = "within six months of the start"
#: What every list of overlaps says of estimates.
ALL_THAT_CHANGED = "An effect estimated for one programme is an effect of all that changed in that place at that time."


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One programme of the register; `start` and `end` are ``YYYY-MM`` or empty where the sources give none."""

    slug: str
    name: str
    start: str
    end: str
    area: str
    units: str
    mechanism: str
    outcomes: str
    evaluability: str
    source: str
    paragraph: str

    def overlaps(self, first: str, last: str) -> bool:
        """Whether the programme may have run in the months `first` to `last`; an unknown start may be any."""
        begins = month_number(self.start) if self.start else month_number(first)
        ends = month_number(self.end) if self.end else month_number(last)
        return begins <= month_number(last) and ends >= month_number(first)

    def when(self) -> str:
        """When it ran, in words."""
        start = f"from {month_words(self.start)}" if self.start else "start not in the sources"
        return f"{start} to {month_words(self.end)}" if self.end else start


def read_register(path: Path) -> tuple[Registered, ...]:
    """Read the register.

    Raises
    ------
    DataError
        If a column is missing, a slug repeats, a source or name is blank, or a date is not a month.
    """
    names = [f.name for f in fields(Registered)]
    found: dict[str, Registered] = {}
    for where, row in table_rows(path, names, "the programme register", exact=False):
        entry = Registered(**{n: row[n] for n in names})
        if not entry.slug or entry.slug in found:
            raise DataError(f"slug {entry.slug!r}", where=f"{where}, column slug", expected="a slug used once")
        for column, what in (("name", "what the programme is called"), ("source", "the paper that the row comes from")):
            if not getattr(entry, column):
                raise DataError("a blank", where=f"{where}, column {column}", expected=what)
        require_months(entry.start, entry.end, where, ("start", "end"))
        found[entry.slug] = entry
    return tuple(found.values())


# Tables of the register -------------------------------------------------------------------------------


def csv_table(path: Path, what: str, *, strict: bool = True) -> list[list[str]]:
    """The rows of a CSV file as they stand, its header first; `what` says in messages what the file is.

    Raises
    ------
    DataError
        If it cannot be read as CSV in UTF-8, `strict` refusing loose quotes too, or holds NUL bytes.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = list(csv.reader(io.StringIO(text, newline=None), strict=strict))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot be read ({error})", where=str(path), expected=f"{what}, CSV in UTF-8") from error
    if "\0" in text:
        raise DataError("NUL bytes", where=str(path), expected="plain text", todo="Save the file as CSV UTF-8")
    return table


def table_rows(
    path: Path, columns: Sequence[str], what: str, *, exact: bool = True
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row of a CSV file with its place for messages, cells without the space around them.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Columns that it must have.
    what : str
        What the file is, for messages.
    exact : bool
        Whether other columns and loose quotes are refused too.

    Raises
    ------
    DataError
        If it cannot be read, has other columns, or a row does not fit the header.
    """
    header, *rows = csv_table(path, what, strict=exact) or [[]]
    _require_header(header, columns, f"{path}, row 1", exact)
    for number, cells in enumerate(filter(None, rows), start=2):
        where, row = f"{path}, row {number}", dict(zip(header, cells, strict=False))
        if len(cells) > len(header) or any(c not in row for c in columns):
            raise DataError("cells that do not fit the header", where=where, expected=", ".join(columns))
        yield where, {c: row[c].strip() for c in columns}


def _require_header(header: Sequence[str], columns: Sequence[str], where: str, exact: bool) -> None:
    missing = [c for c in columns if c not in header]
    if missing:
        raise DataError(f"no column {missing[0]!r}", where=where, expected=", ".join(columns))
    others = [c for n, c in enumerate(header) if c not in columns or c in header[:n]]
    if exact and others:
        raise DataError(f"a further column {others[0]!r}", where=where, expected=", ".join(columns))


def require_cells(row: Mapping[str, str], columns: Iterable[str], where: str) -> None:
    """Refuse an empty cell; raises DataError with row and column."""
    for column in columns:
        if not row[column]:
            raise DataError("an empty cell", where=f"{where}, column {column}", expected=f"the {column}")


def require_known(value: str, known: Iterable[str], where: str, expected: str = "") -> None:
    """Refuse a value that is none of `known`; raises DataError that names the nearest."""
    names = list(known)
    if value not in names:
        near = difflib.get_close_matches(value, names, n=1)
        todo = f"The nearest is {near[0]}" if near else ""
        raise DataError(f"{value!r}", where=where, expected=expected or "one of " + ", ".join(names), todo=todo)


def require_months(first: str, last: str, where: str, columns: tuple[str, str] = ("first", "last")) -> None:
    """Refuse what is neither a month nor empty, and a last month before the first; raises DataError."""
    for column, month in zip(columns, (first, last), strict=True):
        try:
            month_number(month or "2000-01")
        except UsageError as error:
            raise DataError(f"{month!r}", where=f"{where}, column {column}", expected="YYYY-MM or empty") from error
    if first and last and month_number(last) < month_number(first):
        expected = f"a month from the {columns[0]}, {first}, on"
        raise DataError(f"{last!r}", where=f"{where}, column {columns[1]}", expected=expected)


# Overlaps ---------------------------------------------------------------------------------------------


def overlapping(entries: tuple[Registered, ...], evaluation: Evaluation) -> tuple[Registered, ...]:
    """Other programmes that may have run in the evaluation's window, by start."""
    window = evaluation.window
    others = [e for e in entries if e.slug != evaluation.programme.register and e.overlaps(window.first, window.last)]
    return tuple(sorted(others, key=lambda e: (e.start or "9999", e.slug)))


def overlap_table(entries: tuple[Registered, ...], evaluation: Evaluation) -> Table:
    """The overlapping programmes, with the part of the post period each covers."""
    import pandas as pd

    from cseval.tables import Table

    window, start = evaluation.window, evaluation.programme.start
    rows = [
        {
            "programme": e.name,
            "when": e.when(),
            "first_month": e.start,
            "last_month": e.end,
            "area": e.area,
            "mechanism": e.mechanism,
            "began": began(e, start, window.last),
            "source": f"{e.source}, {e.paragraph}",
        }
        for e in overlapping(entries, evaluation)
    ]
    columns = ["programme", "when", "first_month", "last_month", "area", "mechanism", "began", "source"]
    return Table(
        slug="overlaps",
        title="Other programmes in the same place in the same months",
        values=pd.DataFrame(rows, columns=columns),
        headings={"first_month": "First month", "last_month": "Last month", "began": "Began"},
        notes=(ALL_THAT_CHANGED,),
        source="Programme register, data/reference/programmes.csv",
    )


def began(entry: Registered, start: str, last: str) -> str:
    """Where the start of a programme falls relative to the evaluation's own."""
    if not entry.start:
        return "not in the sources"
    distance = month_number(entry.start) - month_number(start)
    if distance > month_number(last) - month_number(start):
        return "after the window"
    if abs(distance) <= 6:
        return NEAR
    return "before the start" if distance < 0 else "after the start"

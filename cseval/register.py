"""The register of programmes, and which of them ran at the same time as an evaluation."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError, UsageError
from cseval.months import month_number, month_words

if TYPE_CHECKING:
    from cseval.spec import Evaluation
    from cseval.tables import Table


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
        If a column is missing, a slug repeats, or a date is not a month.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        table = csv.DictReader(io.StringIO(text, newline=None))
        rows, header = list(table), table.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError("cannot be read", where=str(path), expected="the programme register, CSV in UTF-8") from error
    names = [f.name for f in fields(Registered)]
    if "\0" in text:
        raise DataError("NUL bytes", where=str(path), expected="plain text", todo="Save the file as CSV UTF-8")
    missing = [n for n in names if n not in header]
    if missing:
        raise DataError(f"no column {missing[0]!r}", where=f"{path}, row 1", expected=", ".join(names))
    found: dict[str, Registered] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{path}, row {number}"
        if None in row or any(row[n] is None for n in names):
            raise DataError("cells that do not fit the header", where=where, expected=", ".join(names))
        entry = Registered(**{n: row[n].strip() for n in names})
        _check(entry, found, where)
        found[entry.slug] = entry
    return tuple(found.values())


def _check(entry: Registered, found: dict[str, Registered], where: str) -> None:
    if not entry.slug or entry.slug in found:
        raise DataError(f"slug {entry.slug!r}", where=f"{where}, column slug", expected="a slug used once")
    for column, month in (("start", entry.start), ("end", entry.end)):
        try:
            month_number(month or "2000-01")
        except UsageError as error:
            raise DataError(f"{month!r}", where=f"{where}, column {column}", expected="YYYY-MM or empty") from error
    if entry.start and entry.end and month_number(entry.end) < month_number(entry.start):
        raise DataError(
            f"{entry.end!r}", where=f"{where}, column end", expected=f"a month from the start, {entry.start}, on"
        )


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
            "began": _began(e, start, window.last),
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
        notes=("An effect estimated for one programme is an effect of all that changed in that place at that time.",),
        source="Programme register, data/reference/programmes.csv",
    )


def _began(entry: Registered, start: str, last: str) -> str:
    """Where the start of a programme falls relative to the evaluation's own."""
    if not entry.start:
        return "not in the sources"
    distance = month_number(entry.start) - month_number(start)
    if distance > month_number(last) - month_number(start):
        return "after the window"
    if abs(distance) <= 6:
        return "within six months of the start"
    return "before the start" if distance < 0 else "after the start"

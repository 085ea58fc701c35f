"""The register of public claims, and the papers' own figures that some are held against: how both are read."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cseval.claims.base import Statement
from cseval.errors import DataError, UsageError
from cseval.months import add_months, month_number
from cseval.register import csv_table, require_cells, require_known

CLAIMS, STAFFING, ACTIVITIES = "claims.csv", "staffing.csv", "activities.csv"
IN_POST, PROMISED, PROPOSED = "in post", "promised", "proposed"
STAFFING_KINDS = (IN_POST, PROMISED, PROPOSED)
COUNT, POUNDS, PERCENT, YEARS = UNITS = ("count", "GBP", "percent", "years")
STATED, OVER, ABOUT = BOUNDS = ("stated", "over", "about")
#: How a test that needs no evaluation is named in `tested_by`, before its own name.
RECORD = "record"


@dataclass(frozen=True, kw_only=True)
class PublicClaim:
    """One public claim of the register.

    Parameters
    ----------
    slug, text, source, paragraph : str
        Its name, its words as they were said, and where.
    programme : str
        Slug of the programme that it is about.
    tested_by : tuple of str
        ``evaluation/claim`` or ``record/name``; several are readings of the same words, and the finding is told by the
        first whose verdict counts.
    needs : str
        The data that would test it; a short table takes the parts that semicolons divide it into, as far as they fit.
    """

    slug: str
    text: str
    source: str
    paragraph: str
    programme: str
    tested_by: tuple[str, ...]
    needs: str

    @property
    def statement(self) -> Statement:
        """The statement as a claim tests it."""
        return Statement(slug=self.slug, text=self.text, source=self.source, paragraph=self.paragraph)


@dataclass(frozen=True, kw_only=True)
class Staffing:
    """Officers of a programme over a period, as a paper gives them; a date that it does not give is empty.

    `kind` is ``in post``, ``promised`` or ``proposed``; `first` and `last` are ``YYYY-MM-DD`` or ``YYYY-MM``.
    """

    programme: str
    kind: str
    first: str
    last: str
    sergeants: int
    constables: int
    note: str
    source: str
    paragraph: str

    @property
    def officers(self) -> int:
        """Sergeants and constables together."""
        return self.sergeants + self.constables


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One figure of a paper: an output, a sum of money, a share.

    `unit` is ``count``, ``GBP``, ``percent`` or ``years``; `bound` says whether the paper gives the figure itself
    (``stated``), says that there were more (``over``), or rounds it (``about``); dates as in `Staffing`.
    """

    slug: str
    programme: str
    what: str
    value: float
    unit: str
    bound: str
    first: str
    last: str
    note: str
    source: str
    paragraph: str


# Reading ----------------------------------------------------------------------------------------------


def read_claims(path: Path, *, programmes: Collection[str], tests: Collection[str]) -> tuple[PublicClaim, ...]:
    """Read the register of public claims.

    Parameters
    ----------
    path : Path
    programmes : collection of str
        Slugs of the programmes there are.
    tests : collection of str
        Every ``evaluation/claim`` and ``record/name`` that could test a claim.

    Raises
    ------
    DataError
        If the file is not that table, a cell that is needed is empty, a slug repeats, or a programme or test is not
        known; the message names row and column.
    """
    found: dict[str, PublicClaim] = {}
    for where, row in _rows(path, PublicClaim, "the register of public claims"):
        require_cells(row, ("slug", "text", "source", "paragraph", "programme", "tested_by", "needs"), where)
        _require_new(row["slug"], found, where)
        require_known(row["programme"], programmes, f"{where}, column programme", "a programme of programmes.csv")
        names = tuple(n.strip() for n in row["tested_by"].split(";"))
        for name in names:
            require_known(
                name, tests, f"{where}, column tested_by", "evaluation/claim or record/name, several apart by ;"
            )
        found[row["slug"]] = PublicClaim(**{**row, "tested_by": names})
    return tuple(found.values())


def read_staffing(path: Path, *, programmes: Collection[str]) -> tuple[Staffing, ...]:
    """Read who was in post, promised and proposed.

    Raises
    ------
    DataError
        As `read_claims`, and if a number is no whole number from 0 on, a date is none, or two periods of one programme
        and kind overlap.
    """
    found: list[tuple[str, Staffing]] = []
    for where, row in _rows(path, Staffing, "the table of staffing"):
        require_cells(row, ("programme", "kind", "source", "paragraph"), where)
        require_known(row["programme"], programmes, f"{where}, column programme", "a programme of programmes.csv")
        require_known(row["kind"], STAFFING_KINDS, f"{where}, column kind", "one of " + ", ".join(STAFFING_KINDS))
        _require_period(row, where)
        numbers = {c: int(_number(row[c], COUNT, f"{where}, column {c}")) for c in ("sergeants", "constables")}
        entry = Staffing(**{**row, **numbers})
        _require_apart(entry, found, where)
        found.append((where, entry))
    return tuple(entry for _, entry in found)


def read_activities(path: Path, *, programmes: Collection[str]) -> tuple[Activity, ...]:
    """Read the figures that the papers give.

    Raises
    ------
    DataError
        As `read_claims`, and if a value is no number from 0 on (a whole one where it is a count), or a date is none.
    """
    found: dict[str, Activity] = {}
    for where, row in _rows(path, Activity, "the table of activities"):
        require_cells(row, ("slug", "programme", "what", "source", "paragraph"), where)
        _require_new(row["slug"], found, where)
        require_known(row["programme"], programmes, f"{where}, column programme", "a programme of programmes.csv")
        require_known(row["unit"], UNITS, f"{where}, column unit", "one of " + ", ".join(UNITS))
        require_known(row["bound"], BOUNDS, f"{where}, column bound", "one of " + ", ".join(BOUNDS))
        _require_period(row, where)
        value = _number(row["value"], row["unit"], f"{where}, column value")
        found[row["slug"]] = Activity(**{**row, "value": value})
    return tuple(found.values())


def _rows(path: Path, entry: type[Any], what: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Each row of a CSV file with exactly the fields of a dataclass as its columns, and its place for messages."""
    names = [f.name for f in fields(entry)]
    header, *rows = csv_table(path, what) or [[]]
    _require_header(header, names, path)
    for number, cells in enumerate(filter(None, rows), start=2):
        where = f"{path}, row {number}"
        if len(cells) != len(header):
            raise DataError("cells that do not fit the header", where=where, expected=", ".join(names))
        yield where, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _require_header(header: Sequence[str], names: Sequence[str], path: Path) -> None:
    where, expected = f"{path}, row 1", "the columns " + ", ".join(names)
    for name in names:
        if header.count(name) != 1:
            found = f"no column {name!r}" if name not in header else f"column {name!r} twice"
            raise DataError(found, where=where, expected=expected)
    unknown = [name for name in header if name not in names]
    if unknown:
        raise DataError(f"column {unknown[0]!r}", where=where, expected=expected)


# Cells ------------------------------------------------------------------------------------------------


def _require_new(slug: str, found: Collection[str], where: str) -> None:
    if slug in found:
        raise DataError(f"slug {slug!r} again", where=f"{where}, column slug", expected="each slug once")


def _number(text: str, unit: str, where: str) -> float:
    expected = "a whole number from 0 on" if unit == COUNT else "a number from 0 on"
    value = float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else math.nan
    if not math.isfinite(value) or (unit == COUNT and value != int(value)):
        raise DataError(f"{text!r}", where=where, expected=expected)
    return value


def _require_period(row: Mapping[str, str], where: str) -> None:
    begins = _day(row["first"], first_day, f"{where}, column first")
    ends = _day(row["last"], last_day, f"{where}, column last")
    if begins and ends and ends < begins:
        raise DataError(
            f"{row['last']!r}", where=f"{where}, column last", expected=f"a date from {row['first']} on, or empty"
        )


def _day(text: str, read: Any, where: str) -> datetime.date | None:
    try:
        day: datetime.date | None = read(text)
    except (ValueError, UsageError) as error:
        raise DataError(f"{text!r}", where=where, expected="YYYY-MM-DD, YYYY-MM or empty") from error
    return day


def first_day(text: str) -> datetime.date | None:
    """The day that ``YYYY-MM-DD`` is, or on which ``YYYY-MM`` begins; None where the text is empty.

    Raises
    ------
    ValueError, UsageError
        If it is neither a day nor a month.
    """
    if len(text) == 10:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    return datetime.date(month_number(text) // 12, month_number(text) % 12 + 1, 1) if text else None


def last_day(text: str) -> datetime.date | None:
    """The day that ``YYYY-MM-DD`` is, or on which ``YYYY-MM`` ends; None where the text is empty; raises as above."""
    if not text or len(text) == 10:
        return first_day(text)
    following = first_day(add_months(text, 1))
    return following - datetime.timedelta(days=1) if following else None


def covers(entry: Staffing | Activity, day: datetime.date) -> bool:
    """Whether a day may lie in the period of an entry; a date that is not given bounds nothing."""
    begins, ends = first_day(entry.first), last_day(entry.last)
    return (begins is None or begins <= day) and (ends is None or day <= ends)


def _require_apart(entry: Staffing, found: Sequence[tuple[str, Staffing]], where: str) -> None:
    """Refuse a period that overlaps another one of the same programme and kind."""
    for place, other in found:
        same = (entry.programme, entry.kind) == (other.programme, other.kind)
        if same and (_begins_in(entry, other) or _begins_in(other, entry)):
            raise DataError(
                f"a period that overlaps that of {place.rpartition(', ')[2]}",
                where=f"{where}, columns first and last",
                expected="one number of officers a day for each programme and kind",
            )


def _begins_in(entry: Staffing, other: Staffing) -> bool:
    return covers(other, first_day(entry.first) or datetime.date.min)

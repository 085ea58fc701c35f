"""What those who came to an event said: one row for each event and question.

Columns: `event`, `measure`, `base` (people who answered the question), `count` (people who said so) and, where it is
known, `attended` (people who came, the same in every row of an event).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.panel import Provenance
from cseval.sources.files import Summary, shown
from cseval.sources.sheets import Peek, factor, match_columns, peek, read_sheet

if TYPE_CHECKING:
    from cseval.sources.catalogue import Catalogue

KIND = "attendee-survey"
_ALIASES: dict[str, tuple[str, ...]] = {name: (name,) for name in ("event", "measure", "base", "count", "attended")}
_NEEDED = ("event", "measure", "base", "count")
#: Columns that a file of this kind must have, by which one that nearly does is told what it lacks.
NEEDED = {KIND: _NEEDED}
_WHOLE = re.compile(r"\d{1,7}")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was said to one question.

    Parameters
    ----------
    event, measure : str
    base : int
        People who answered it.
    count : int
        People who said so.
    attended : int or None
        People who came to the event, where it is known.
    """

    event: str
    measure: str
    base: int
    count: int
    attended: int | None = None


@dataclass(frozen=True, kw_only=True)
class Attendees:
    """The answers of one event, in the order of the table."""

    event: str
    answers: tuple[Answer, ...]
    provenance: tuple[Provenance, ...] = ()

    @property
    def attended(self) -> int | None:
        """People who came, where it is known."""
        return next((a.attended for a in self.answers if a.attended is not None), None)


def recognise(head: Peek) -> str | None:
    """``attendee-survey`` if the header is that of a table of one event's answers."""
    one_wave = set(_NEEDED) <= head.names and not head.names & {"group", "wave"}
    return KIND if head.form in ("csv", "parquet") and one_wave else None


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole file and say what it holds; raises DataError as `read_attendees`."""
    found = read_attendees(path)
    events = dict.fromkeys(a.event for a in found)
    number = f"{len(events)} event" if len(events) == 1 else f"{len(events)} events"
    return Summary(rows=len(found), notes=(f"answers of {number}: {', '.join(events)}",))


def read_attendees(path: Path) -> tuple[Answer, ...]:
    """Read a table of answers.

    Raises
    ------
    DataError
        Naming row and column: a count above the base, a base of zero or above the number who came, a question twice,
        two different numbers of people who came to one event, an empty cell; also if there is no row.
    """
    head, where = peek(path), str(path)
    found = match_columns(head.columns, _ALIASES, where)
    missing = [w for w in _NEEDED if w not in found]
    if missing:
        raise DataError(f"no {missing[0]} column", where=f"{where}, row 1", expected=", ".join(_NEEDED))
    sheet = read_sheet(path, found)
    columns = {name: [factor(sheet.text[name])[1][i] for i in factor(sheet.text[name])[0]] for name in found}
    places = [f"{where}, row {i + sheet.first}" for i in range(sheet.rows)]
    rows = [_answer({n: texts[i] for n, texts in columns.items()}, found, at) for i, at in enumerate(places)]
    if not rows:
        raise DataError("no answers", where=where, expected="a row for each question")
    _require_once(rows, places)
    _require_one_attendance(rows, places)
    return tuple(rows)


def attendees_of(catalogue: Catalogue, event: str) -> Attendees | None:
    """The imported answers of one event; None if there are none.

    Raises
    ------
    DataError
        As `read_attendees`, or if two imported files hold answers of the event.
    """
    files = zip(catalogue.paths(KIND), catalogue.provenance(KIND), strict=True)
    found = [(entry, own) for path, entry in files if (own := _of(read_attendees(path), event))]
    if len(found) > 1:
        raise DataError(
            f"two files with answers of {event!r}",
            where=", ".join(entry.path for entry, _ in found),
            expected="one",
            todo="`cseval data remove` takes one out",
        )
    return Attendees(event=event, answers=found[0][1], provenance=(found[0][0],)) if found else None


def events_of(catalogue: Catalogue) -> tuple[str, ...]:
    """The events that the imported answers are of, in the order of the files."""
    return tuple(dict.fromkeys(a.event for path in catalogue.paths(KIND) for a in read_attendees(path)))


def _of(answers: Iterable[Answer], event: str) -> tuple[Answer, ...]:
    return tuple(a for a in answers if a.event.lower() == event.lower())


def _answer(text: dict[str, str], found: dict[str, str], where: str) -> Answer:
    def fail(column: str, expected: str) -> DataError:
        told = shown(text[column]) if text[column] else "a blank"
        return DataError(told, where=f"{where}, column {found[column]}", expected=expected)

    for column in ("event", "measure"):
        if not text[column]:
            raise fail(column, f"the name of the {column}")
    came = _whole(text.get("attended", ""))
    if text.get("attended") and not came:
        raise fail("attended", "a whole number above zero, or a blank")
    base, count = _whole(text["base"]), _whole(text["count"])
    if not base or (came is not None and base > came):
        raise fail("base", "a whole number above zero" + (" and not above the number who came" if came else ""))
    if count is None or count > base:
        raise fail("count", "a whole number from 0 to the base")
    return Answer(event=text["event"], measure=text["measure"], base=base, count=count, attended=came)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and _WHOLE.fullmatch(text) else None


def _require_once(rows: list[Answer], places: list[str]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for row, where in zip(rows, places, strict=True):
        key = (row.event.lower(), row.measure.lower())
        if key in seen:
            raise DataError(
                f"the same event and measure as {seen[key].rsplit(', ', 1)[-1]}", where=where, expected="each once"
            )
        seen[key] = where


def _require_one_attendance(rows: list[Answer], places: list[str]) -> None:
    seen: dict[str, int] = {}
    for row, where in zip(rows, places, strict=True):
        if row.attended is None:
            continue
        first = seen.setdefault(row.event.lower(), row.attended)
        if first != row.attended:
            raise DataError(
                f"{row.attended} who came, after {first}", where=f"{where}, column attended", expected="one number"
            )

"""Dated changes that move a series without any programme: changes of recording, events, and programmes' milestones."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.months import month_number
from cseval.register import require_cells, require_known, require_months, table_rows

if TYPE_CHECKING:
    from cseval.spec import Window

BREAKS = "breaks.csv"
RECORDING, EVENT, MILESTONE = KINDS = ("recording", "event", "milestone")
SCOPES = ("england", "london", "borough", "part of the borough")
#: Stands for every outcome there is.
ALL = "all"
_OUTCOME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Break:
    """A dated change.

    Parameters
    ----------
    slug, name : str
    kind : {"recording", "event", "milestone"}
        How incidents are counted changed; something happened that may have moved them; a step of a programme.
    programme : str
        Of a milestone, the slug of its programme; else empty.
    first, last : str
        Months ``YYYY-MM``; an empty `last` means from then on.
    scope : {"england", "london", "borough", "part of the borough"}
        Where.
    outcomes : tuple of str
        Names of the outcomes that it moves, or ``all``; a milestone has none.
    what, source, paragraph : str
        What changed and who says so; web pages have no paragraph.
    """

    slug: str
    name: str
    kind: str
    programme: str
    first: str
    last: str
    scope: str
    outcomes: tuple[str, ...]
    what: str
    source: str
    paragraph: str

    def runs_in(self, first: str, last: str) -> bool:
        """Whether any month from `first` to `last` is in its period."""
        ends = not self.last or month_number(self.last) >= month_number(first)
        return ends and month_number(self.first) <= month_number(last)

    def covers(self, first: str, last: str) -> bool:
        """Whether every month from `first` to `last` is in its period, so that it changes nothing between them."""
        ends = not self.last or month_number(self.last) >= month_number(last)
        return ends and month_number(self.first) <= month_number(first)

    def moves(self, outcomes: Iterable[str]) -> bool:
        """Whether it moves any of these outcomes."""
        return ALL in self.outcomes or not set(self.outcomes).isdisjoint(outcomes)


def read_breaks(path: Path, *, programmes: Collection[str]) -> tuple[Break, ...]:
    """Read the table of dated changes, in order of time.

    Parameters
    ----------
    path : Path
    programmes : collection of str
        Slugs of the programmes there are.

    Raises
    ------
    DataError
        If the file is not that table, a cell that is needed is empty, a slug repeats, a month, kind, scope, outcome or
        programme is none, or two milestones of one programme overlap; the message names row and column.
    """
    found: dict[str, tuple[str, Break]] = {}
    for where, row in table_rows(path, [f.name for f in fields(Break)], "the table of dated changes"):
        require_cells(row, ("slug", "name", "kind", "first", "scope", "what", "source"), where)
        if row["slug"] in found:
            raise DataError(f"slug {row['slug']!r} again", where=f"{where}, column slug", expected="each slug once")
        require_known(row["kind"], KINDS, f"{where}, column kind")
        require_known(row["scope"], SCOPES, f"{where}, column scope")
        require_months(row["first"], row["last"], where)
        _require_programme(row, programmes, where)
        outcomes = _outcomes(row, f"{where}, column outcomes")
        texts = {name: cell for name, cell in row.items() if name != "outcomes"}
        entry = Break(**texts, outcomes=outcomes)
        _require_apart(entry, found.values(), where)
        found[entry.slug] = (where, entry)
    return tuple(sorted((e for _, e in found.values()), key=lambda e: (e.first, e.slug)))


def _require_programme(row: dict[str, str], programmes: Collection[str], where: str) -> None:
    """A milestone belongs to a programme, and nothing else does."""
    if row["kind"] == MILESTONE:
        require_known(row["programme"], programmes, f"{where}, column programme", "a programme of programmes.csv")
    elif row["programme"]:
        found = f"{row['programme']!r} for a {row['kind']}"
        raise DataError(found, where=f"{where}, column programme", expected="a programme for a milestone only")


def _outcomes(row: dict[str, str], where: str) -> tuple[str, ...]:
    names = tuple(n.strip() for n in row["outcomes"].split(";") if n.strip())
    if (row["kind"] == MILESTONE) == bool(names):
        expected = "no outcome for a milestone" if names else f"outcomes apart by semicolons, or {ALL}"
        raise DataError(f"{row['outcomes']!r} for a {row['kind']}", where=where, expected=expected)
    for name in names:
        if not _OUTCOME.fullmatch(name):
            raise DataError(f"{name!r}", where=where, expected="names of outcomes such as violence_with_injury")
    return names


def _require_apart(entry: Break, found: Iterable[tuple[str, Break]], where: str) -> None:
    """Refuse a milestone that overlaps another one of the same programme."""
    for place, other in found:
        same = entry.programme and entry.programme == other.programme
        if same and other.runs_in(entry.first, entry.last or "9999-12"):
            raise DataError(
                f"a period that overlaps that of {place.rpartition(', ')[2]}",
                where=f"{where}, columns first and last",
                expected="one milestone of a programme in a month",
                todo="Write both in one row, or give the earlier one a last month",
            )


def changes_between(breaks: Iterable[Break], first: str, last: str) -> tuple[Break, ...]:
    """Changes of recording and events that make the months from `first` to `last` differ, in the order given.

    Those whose period covers all of these months make no difference between them and are left out.
    """
    return tuple(b for b in breaks if b.kind != MILESTONE and b.runs_in(first, last) and not b.covers(first, last))


def breaks_in(breaks: Iterable[Break], window: Window, outcomes: Iterable[str]) -> tuple[Break, ...]:
    """Changes of recording and events that make months of a window differ in what their counts mean.

    Parameters
    ----------
    breaks : iterable of Break
    window : Window
    outcomes : iterable of str

    Returns
    -------
    tuple of Break
        Those that move one of the outcomes in some months of the window and not in all; in the order given.
    """
    wanted = tuple(outcomes)
    return tuple(b for b in changes_between(breaks, window.first, window.last) if b.moves(wanted))

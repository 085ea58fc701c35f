"""What an evaluation works on: the counts, the map, who got the programme, and named comparison groups."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cseval.areas import Areas
from cseval.errors import DataError, DesignError, SpecError, UsageError
from cseval.months import month_number
from cseval.panel import Panel, Provenance
from cseval.tables import Table

ROLE_NAMES = ("treated", "buffer", "excluded", "comparison")
REAL, DEMONSTRATION = "real", "demonstration"


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The role of each unit: treated, buffer, excluded; every other unit is comparison.

    Parameters
    ----------
    treated, buffer, excluded : frozenset of str
    starts : mapping of str to str
        First month, ``YYYY-MM``, of treated units whose start is given; all others begin at the programme's start.

    Raises
    ------
    DesignError
        If no unit is treated, or a unit that is not treated has a start.
    """

    treated: frozenset[str]
    buffer: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    starts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.treated:
            raise DesignError("no unit is treated", where="roles", expected="at least one row with role treated")
        stray = sorted(set(self.starts) - self.treated)
        if stray:
            raise DesignError(
                f"unit {stray[0]} has a start and is not treated", where="roles", expected="starts of treated units"
            )
        for start in self.starts.values():
            month_number(start)


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """Everything read before anything is estimated.

    Parameters
    ----------
    panel : Panel
    areas : Areas
        The map, which may hold areas without counts.
    roles : Roles
    groups : mapping of str to frozenset of str
        Named comparison groups, for example the inner districts.
    data : {"real", "demonstration"}
    provenance : tuple of Provenance
        Inputs other than those of the panel.
    notes : tuple of str
    context : tuple of Table
        Tables that are shown for context and enter no estimate, each with its source. One whose source names no input
        that is published is taken for unpublished (`open_context`).
    truth : mapping of str to float
        True log effects by outcome; demonstration data only.

    Raises
    ------
    SpecError
        If a table for context names no source.
    """

    panel: Panel
    areas: Areas
    roles: Roles
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    data: str = REAL
    provenance: tuple[Provenance, ...] = ()
    notes: tuple[str, ...] = ()
    context: tuple[Table, ...] = ()
    truth: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in self.context:
            if not table.source.strip():
                raise SpecError(
                    "a table for context without a source",
                    where=f"inputs, table {table.slug!r}",
                    expected="where its numbers come from",
                    todo="Give the table its source, and the inputs the provenance of that",
                )

    def group(self, name: str) -> frozenset[str]:
        """Units of a comparison group; ``"all"`` is every unit of the panel.

        Raises
        ------
        DesignError
            If the data know no such group.
        """
        if name == "all":
            return frozenset(self.panel.units)
        if name not in self.groups:
            raise DesignError(
                f"no comparison group {name!r}", where="inputs", expected="one of " + ", ".join(("all", *self.groups))
            )
        return self.groups[name]

    @property
    def sources(self) -> tuple[Provenance, ...]:
        """Every input with its provenance."""
        return self.panel.provenance + self.provenance


def open_context(inputs: Inputs) -> bool:
    """Whether the source of every table for context names the title of an input that is published."""
    titles = [p.title for p in inputs.sources if p.published and p.title]
    return all(any(title in table.source for title in titles) for table in inputs.context)


def read_roles(path: Path) -> Roles:
    """Read a roles CSV: a header with at least ``unit`` and ``role``, one row per unit.

    A column ``start`` gives the first month of a treated unit, ``YYYY-MM``; blank for the programme's start. A
    non-programmer edits and signs off this file, so every mistake names its row.

    Raises
    ------
    DataError
        If the file cannot be read as that, a role is unknown, a unit occurs twice, or a start is no month or is that
        of a unit that is not treated.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot be read ({type(error).__name__})", where=str(path), expected="a CSV file in UTF-8"
        ) from error
    return parse_roles(text, str(path))


def parse_roles(text: str, where: str) -> Roles:
    """Roles from the text of a roles CSV; `where` names it in messages."""
    if "\0" in text:
        raise DataError("NUL bytes", where=where, expected="plain text", todo="Save the file as CSV UTF-8")
    rows = _rows(text, where)
    header = [h.strip().lower() for h in rows[0]] if rows else []
    if "unit" not in header or "role" not in header:
        raise DataError(
            f"header {', '.join(header) or '(empty file)'}", where=f"{where}, row 1", expected="columns unit and role"
        )
    if header.count("unit") > 1 or header.count("role") > 1:
        raise DataError(
            f"header {', '.join(header)}", where=f"{where}, row 1", expected="one column unit and one column role"
        )
    if header.count("start") > 1:
        raise DataError(f"header {', '.join(header)}", where=f"{where}, row 1", expected="one column start at most")
    found: dict[str, str] = {}
    starts: dict[str, str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            _add_role(found, starts, row, header, f"{where}, row {number}")
    chosen = {role: frozenset(u for u, r in found.items() if r == role) for role in ROLE_NAMES}
    if not chosen["treated"]:
        raise DataError("no treated unit", where=where, expected="at least one row with role treated")
    return Roles(treated=chosen["treated"], buffer=chosen["buffer"], excluded=chosen["excluded"], starts=starts)


def _rows(text: str, where: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(text, newline=None)))
    except csv.Error as error:
        raise DataError(f"{error}", where=f"{where}, row {len(rows) + 1}", expected="rows of a CSV file") from error
    return rows


def _add_role(found: dict[str, str], starts: dict[str, str], row: list[str], header: list[str], where: str) -> None:
    """Enter the role, and the start if there is one, of the unit in one row."""
    if len(row) != len(header):
        raise DataError(f"{len(row)} cells", where=where, expected=f"{len(header)}, as in the header")
    unit, role = row[header.index("unit")].strip(), row[header.index("role")].strip().lower()
    if not unit:
        raise DataError("an empty unit", where=f"{where}, column unit", expected="a unit code")
    if role not in ROLE_NAMES:
        raise DataError(f"role {role!r}", where=f"{where}, column role", expected="one of " + ", ".join(ROLE_NAMES))
    if unit in found:
        raise DataError(f"unit {unit!r} again", where=f"{where}, column unit", expected="each unit once")
    found[unit] = role
    start = row[header.index("start")].strip() if "start" in header else ""
    if start:
        starts[unit] = _start(start, role, f"{where}, column start")


def _start(start: str, role: str, where: str) -> str:
    """A start as a month, of a treated unit."""
    if role != "treated":
        raise DataError(f"start {start!r} of a unit with role {role}", where=where, expected="blank, or role treated")
    try:
        month_number(start)
    except UsageError as error:
        raise DataError(f"start {start!r}", where=where, expected="a month YYYY-MM, or blank") from error
    return start

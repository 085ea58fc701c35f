"""A table as it stands in print: every cell text, nothing left to decide; what a paper, a page or a file shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.errors import DataError

if TYPE_CHECKING:
    from cseval.tables import Table

#: The file of a run that holds everything a paper may show of it.
PLACES = "places.json"
#: Name in it of what belongs to the run as a whole, where an analysis is named otherwise.
RUN = "run"
#: A cell that is a number, a percentage, a p-value or a symbol, and so is set to the right.
_NUMERIC = re.compile(r"[<>]?\s*[−+-]?[\d,]*\.?\d+%?|\[[cxz]\]")


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A table of text cells.

    Parameters
    ----------
    slug, title : str
    headings : tuple of str
        One per column; the first column heads the rows.
    rows : tuple of tuple of str
        Each as long as `headings`, no cell empty.
    numeric : tuple of bool
        Columns whose every cell reads as a number.
    notes : tuple of str
        What stands under the table, in order: notes, the meaning of symbols, the source.
    """

    slug: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    notes: tuple[str, ...] = ()


def printed(table: Table, notes: tuple[str, ...] | None = None) -> Printed:
    """A table whose cells are text already, as it stands in print; `notes` instead of its own where given."""
    columns = [str(c) for c in table.values.columns]
    rows = tuple(tuple(str(v) for v in row) for row in table.values.itertuples(index=False))
    return Printed(
        slug=table.slug,
        title=table.title,
        headings=tuple(table.heading(c) for c in columns),
        rows=rows,
        numeric=tuple(i > 0 and all(is_numeric(row[i]) for row in rows) for i in range(len(columns))),
        notes=table.notes if notes is None else notes,
    )


def is_numeric(cell: str) -> bool:
    """Whether a cell reads as a number, a percentage, a p-value or a symbol."""
    return _NUMERIC.fullmatch(cell) is not None


def is_span(cell: str) -> bool:
    """Whether a cell is an interval of percentages, which must not break over lines."""
    return " to " in cell and all(is_numeric(end) for end in cell.split(" to ", 1))


def printed_json(table: Printed) -> dict[str, Any]:
    """A printed table as plain JSON data."""
    return {
        "title": table.title,
        "headings": list(table.headings),
        "numeric": list(table.numeric),
        "rows": [list(row) for row in table.rows],
        "notes": list(table.notes),
    }


def read_printed(slug: str, content: Mapping[str, Any], where: str) -> Printed:
    """A printed table from its JSON data.

    Raises
    ------
    DataError
        If it is not one.
    """
    try:
        table = Printed(
            slug=slug,
            title=str(content["title"]),
            headings=tuple(map(str, content["headings"])),
            rows=tuple(tuple(map(str, row)) for row in content["rows"]),
            numeric=tuple(map(bool, content["numeric"])),
            notes=tuple(map(str, content["notes"])),
        )
    except (KeyError, TypeError) as error:
        raise DataError("no printed table", where=f"{where}, table {slug}", expected="one that a run wrote") from error
    widths = {len(table.headings), len(table.numeric), *map(len, table.rows)}
    if len(widths) != 1 or 0 in widths:
        raise DataError("rows of unequal length", where=f"{where}, table {slug}", expected="one cell per heading")
    return table

"""A table as typed values with its title, units, notes and source; it is rendered last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cseval.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A titled table.

    Parameters
    ----------
    slug, title : str
    values : pandas.DataFrame
        Typed values; the first column heads the rows.
    headings : mapping of str to str
        What each column is called in print, with its unit.
    notes : tuple of str
    source : str
    """

    slug: str
    title: str
    values: pd.DataFrame
    headings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if not self.title or not self.slug:
            raise SpecError("a table without a slug or a title", where=f"table {self.slug!r}", expected="both")

    def heading(self, column: str) -> str:
        """What `column` is called in print."""
        return self.headings.get(column, column.replace("_", " ").capitalize())

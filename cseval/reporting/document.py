"""A report as data: sections of paragraphs, lists, tables and figures, rendered by `markdown` and `html`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cseval.reporting.figures import Figure
    from cseval.tables import Table


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list of sentences; each item may be led by a term in bold."""

    items: tuple[tuple[str, str], ...]
    kind: str = "bullets"


@dataclass(frozen=True, kw_only=True)
class Code:
    """A command to be typed."""

    text: str
    kind: str = "code"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer, in the order in which it must be read.

    Parameters
    ----------
    headline : str
    number, label : str
        The key number and what it is; empty where there is none.
    facts : tuple of (str, str)
        Term and words: interval, incidents averted, plain reading, caveat.
    """

    headline: str
    number: str
    label: str
    facts: tuple[tuple[str, str], ...]
    kind: str = "answer"


@dataclass(frozen=True, kw_only=True, eq=False)
class TableBlock:
    """A table; `folded` ones are opened by the reader, and stand in the data file `path` as well."""

    table: Table
    folded: bool = False
    path: str = ""
    kind: str = "table"


@dataclass(frozen=True, kw_only=True, eq=False)
class FigureBlock:
    """A figure with its caption, and its data as a folded table."""

    figure: Figure
    data: Table
    kind: str = "figure"


def figure_caption(figure: Figure) -> str:
    """What stands under a figure: how to read it, and where its data are."""
    return f"{figure.caption} Data: figures/{figure.name}.csv."


Block = Paragraph | Bullets | Code | Answer | TableBlock | FigureBlock


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A heading and what stands under it."""

    slug: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Document:
    """A whole report.

    Parameters
    ----------
    title, subtitle : str
    banner : str
        Warning that stands on top of everything; empty for real data.
    sections : tuple of Section
    footer : str
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    banner: str = ""
    footer: str = ""
    language: str = field(default="en-GB")


def lines(*items: str) -> Bullets:
    """A list of sentences without terms."""
    return Bullets(items=tuple(("", item) for item in items))

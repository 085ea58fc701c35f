"""A report as Markdown; it says what the page says, and points to the pictures beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cseval.reporting.document import (
    Answer,
    Block,
    Bullets,
    Code,
    Document,
    FigureBlock,
    Paragraph,
    TableBlock,
    figure_caption,
)
from cseval.reporting.tables import legend_of

if TYPE_CHECKING:
    from cseval.tables import Table

_SPECIAL = re.compile(r"([\\`*_\[\]|#~])")
#: What would begin a list: a bullet or a numbered item, each only before a space.
_START = re.compile(r"^(\d*)([-+.)])(?=\s)")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render_markdown(document: Document) -> str:
    """The whole report."""
    parts = [f"# {escape(document.title)}", escape(document.subtitle)]
    if document.banner:
        parts.insert(0, f"> **{escape(document.banner)}**")
    for section in document.sections:
        parts.append(f"## {escape(section.heading)}")
        parts += [render_block(block) for block in section.blocks]
    parts.append(f"---\n\n{escape(document.footer)}")
    return "\n\n".join(parts) + "\n"


def render_block(block: Block) -> str:
    """One block of a report."""
    match block:
        case Paragraph():
            return escape(block.text)
        case Code():
            return f"```sh\n{block.text.replace('```', '')}\n```"
        case Bullets():
            return "\n".join(f"- {_led(term, text)}" for term, text in block.items)
        case Answer():
            number = f"**{escape(block.number)}**: {escape(block.label)}.\n\n" if block.number else ""
            facts = "\n".join(f"- {_led(term, text)}" for term, text in block.facts)
            return f"**{escape(block.headline)}**\n\n{number}{facts}".rstrip()
        case TableBlock():
            return render_table(block.table)
        case FigureBlock():
            g = block.figure
            picture = f"![{escape(g.alt)}](figures/{g.name}.png)"
            return f"### {escape(g.title)}\n\n{picture}\n\n{escape(figure_caption(g))}"


def render_table(table: Table) -> str:
    """A table as pipes, its title above, its notes and source below; cells must be text."""
    headings = [table.heading(str(c)) for c in table.values.columns]
    rows = [[str(v) for v in row] for row in table.values.itertuples(index=False)]
    body = [_pipes(headings), _pipes(["---"] * len(headings), plain=True), *map(_pipes, rows)]
    return f"**{escape(table.title)}**\n\n" + "\n".join(body) + "".join(f"\n\n{escape(n)}" for n in foot_notes(table))


def foot_notes(table: Table) -> tuple[str, ...]:
    """What stands under a table: its notes, the meaning of its symbols, its source."""
    legend = legend_of(table)
    notes = [*table.notes, f"{legend}." if legend else "", f"Source: {table.source}." if table.source else ""]
    return tuple(n for n in notes if n)


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    text = _SPECIAL.sub(r"\\\1", text).translate(_ENTITIES)
    return _START.sub(r"\1\\\2", " ".join(text.split()))


def _led(term: str, text: str) -> str:
    return f"**{escape(term)}**: {escape(text)}" if term else escape(text)


def _pipes(cells: list[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(c if plain else escape(c) for c in cells) + " |"

"""New content of a control: a table or a text in the paper's own formatting, with a mark that names the run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cseval.errors import CsevalError, DataError, UsageError
from cseval.papers.captions import TABLE as TABLE_WORD
from cseval.papers.captions import numbered, table_number
from cseval.papers.controls import BLOCK, CELL, PICTURE, PLAIN, RICH, ROW, RUN, Control
from cseval.papers.draft import Draft
from cseval.papers.marks import Stamp, mark_name, stamped
from cseval.papers.markup import Edit, Span, W, declaring
from cseval.papers.parts import Settings
from cseval.papers.plain import printable, quoted
from cseval.papers.runs import FigureContent, Shown, TableContent, ValueContent
from cseval.papers.standing import Standing, read_standing
from cseval.papers.tags import FIGURE, TABLE, VALUE
from cseval.reporting.wordml import TEXT_WIDTH, table_block, value_run

#: Name of a table style that a paper may have for cseval's tables.
TABLE_STYLE = "cseval table"
_PLAIN_STYLE = "normal table"
_CHARACTER_STYLE = re.compile(
    rb"""<(?:[\w.-]+:)?rStyle\s[^>]*?val\s*=\s*["']([^"']*)["'][^>]*?(?:/>|>\s*</(?:[\w.-]+:)?rStyle\s*>)"""
)

_PARAGRAPH_STYLE = re.compile(rb"""<(?:[\w.-]+:)?pStyle\s[^>]*?val\s*=\s*["']([^"']*)["']""")
_CAPTION = "Caption"
#: Fonts whose letters are as wide as those that the widths of columns are worked out from.
_AS_ARIAL = ("Arial", "Helvetica", "Liberation Sans")

_ANEW = "insert a rich text content control (Developer tab) and give it this tag"
_REMOVE = "Right-click the control, choose Remove Content Control,"
#: What Word's levels of controls cannot hold: what is found, and what to do.
_LEVELS = {
    (TABLE, RUN): (
        "a control inside a paragraph, which cannot hold a table",
        f"{_REMOVE} select the whole paragraph with its end mark, then {_ANEW}",
    ),
    (TABLE, CELL): (
        "a control around the cell of a table, which cannot hold a whole table",
        f"{_REMOVE} select the whole table by the handle at its corner, not its first cell, then {_ANEW}",
    ),
    (TABLE, ROW): (
        "a control around rows of a table, which cannot hold a whole table",
        f"{_REMOVE} select the whole table by the handle at its corner, not its rows, then {_ANEW}",
    ),
    (FIGURE, ROW): (
        "a control around rows of a table, which cannot hold a picture",
        f"{_REMOVE} put the cursor into the cell, then {_ANEW}",
    ),
    (VALUE, ROW): (
        "a control around rows of a table, which cannot hold a text",
        f"{_REMOVE} select the text in the cell, then {_ANEW}",
    ),
}
#: The kinds of control that may hold each kind of content.
_KINDS = {TABLE: (RICH,), VALUE: (RICH, PLAIN), FIGURE: (RICH, PICTURE)}


# What is refused --------------------------------------------------------------------------------------


def problems(control: Control, standing: Standing, kind: str, where: str) -> Iterator[CsevalError]:
    """Everything that speaks against filling a control, each with what to do about it in Word.

    Parameters
    ----------
    control : Control
    standing : Standing
        What stands in it.
    kind : {"table", "figure", "value", ""}
        What it is to hold; empty if its tag cannot be read.
    where : str
        What messages call the control.
    """
    for found, todo in _findings(control, standing, kind):
        yield UsageError(found, where=where, todo=todo)


def _findings(control: Control, standing: Standing, kind: str) -> Iterator[tuple[str, str]]:
    if not control.tag:
        yield "the words are in the box Title", "Put them into the box Tag (Developer tab, Properties)"
    if control.inside:
        yield f"inside the control {quoted(control.inside)}", "Move one of the two out of the other"
    if control.bound:
        yield (
            "a control that Word fills from data inside the document",
            f"{_REMOVE} select its text, then {_ANEW}",
        )
    if control.tracked or standing.tracked:
        yield "tracked changes", "Accept or reject the changes at this place (Review tab)"
    if (kind, control.level) in _LEVELS:
        yield _LEVELS[kind, control.level]
    elif control.level == CELL and len(standing.cells) != 1:
        yield f"a control around {len(standing.cells)} cells of a table", f"{_REMOVE} select one cell, then {_ANEW}"
    if control.kind not in _KINDS.get(kind, (control.kind,)):
        yield f"a {control.kind} control, which cannot hold a {kind}", f"{_REMOVE} select its text, then {_ANEW}"
    if kind == FIGURE and len(standing.drawings) > 1:
        yield f"{len(standing.drawings)} pictures in one control", "Leave one of them in it"


def losses(standing: Standing, content: Shown, where: str) -> Iterator[CsevalError]:
    """What of the paper's own would be lost, or left as a half, if the control were filled anew with this content."""
    for what in _lost(standing, content):
        yield UsageError(
            f"{what} inside, which would be lost",
            where=where,
            todo="Delete it, or move it out of the control, in front of it or behind it",
        )
    for what in standing.belongings.halves:
        yield UsageError(
            f"{what} of which one end is inside the control and the other is not",
            where=where,
            todo="Delete it, or move all of it out of the control, in front of it or behind it (Alt+F9 shows fields)",
        )


def _lost(standing: Standing, content: Shown) -> Iterator[str]:
    """What is neither text nor something that cseval writes anew, in words."""
    own = standing.belongings
    yield from own.holds
    # The number of a caption is kept; the one that cseval wrote may have lost its word since.
    kept = isinstance(content, TableContent) and (table_number(standing.lines) > 0 or bool(standing.marks))
    if own.fields or (own.numbers and not kept):
        yield "a field"
    if not isinstance(content, FigureContent) and standing.drawings:
        yield "a picture or a shape"
    elif not all(drawing.picture for drawing in standing.drawings):
        yield "a shape, a chart or a text box"


# Marks ------------------------------------------------------------------------------------------------


def mark(draft: Draft, control: Control, standing: Standing, stamp: Stamp) -> str:
    """The mark as XML; a control that was filled before keeps the number of its bookmark."""
    known = [number for _, number, _ in standing.marks if number >= 0]
    number = known[0] if known else draft.bookmark_number()
    name = mark_name(control.tag, stamp)
    return f'<w:bookmarkStart w:id="{number}" w:name="{name}"/><w:bookmarkEnd w:id="{number}"/>'


def renewal(draft: Draft, control: Control, standing: Standing, old: Stamp, new: Stamp) -> list[Edit]:
    """The edits that put the last run's hash in place of an earlier one's, wherever it stands in a control.

    Nothing else changes, not even what a person made bold. None if the hash does not stand there in one piece, for
    instance since Word has moved the mark out of the control: it is then to be filled anew.
    """
    span = control.content
    before = span.of(draft.package.contents[control.part])
    after = before.replace(old.run.encode(), new.run.encode())
    made = read_standing(after, control.scope, draft.package.place(control.part))
    if stamped(control.tag, [name for _, _, name in made.marks], new) != new:
        return []
    if made.lines != [line.replace(old.run, new.run) for line in standing.lines]:
        return []
    places = (m.span() for m in re.finditer(old.run.encode(), before))
    return [Edit(Span(span.start + at, span.start + end), new.run.encode()) for at, end in places]


# New content ------------------------------------------------------------------------------------------


def body(control: Control, standing: Standing) -> Span:
    """The bytes of the part that hold what is to change: the content, or what stands in the one cell of it."""
    if control.level == CELL:
        return standing.cells[0].moved(control.content.start)
    return control.content


def replaced(control: Control, standing: Standing, fragment: str) -> list[Edit]:
    """The edits that put new content into a control, which then holds no placeholder any more."""
    span, new = body(control, standing), fragment.encode()
    if control.closed:
        span, new = Span(span.start - 2, span.start), b">" + new + b"</" + control.content_name + b">"
    return [Edit(span, new), *without_placeholder(control)]


def without_placeholder(control: Control) -> list[Edit]:
    """The edit that takes away the sign that a control's text is a placeholder."""
    return [Edit(control.placeholder, b"")] if control.placeholder is not None else []


def table_says(content: TableContent, number: int = 0) -> Standing:
    """What stands in a control that holds this table, under a caption with this number if it has one."""
    made = table_block(content.table, mark=_numbered(number))
    return read_standing(made.encode(), {"w": W}, "new content")


def _numbered(number: int) -> str:
    return numbered(TABLE_WORD, number) if number else ""


def value_says(content: ValueContent) -> Standing:
    """What stands in a control that holds this text."""
    return read_standing(value_run(content.text).encode(), {"w": W}, "new content")


def fill_table(draft: Draft, control: Control, standing: Standing, content: TableContent) -> None:
    """Put a table into a control, with a caption above it, which keeps its number and its style, and notes below."""
    begin = mark(draft, control, standing, content.stamp) + _numbered(table_number(standing.lines))
    made = table_block(
        content.table,
        style=_table_style(standing, draft.settings),
        caption=_caption_style(standing, draft.settings),
        mark=standing.before + begin,
        width=control.room or draft.room or TEXT_WIDTH,
        foreign=draft.settings.font not in _AS_ARIAL,
    )
    # Bookmarks of the paper's own, which its cross-references need, go around the caption.
    made = made.replace("</w:p>", f"{standing.after}</w:p>", 1)
    if not made.endswith("</w:p>"):
        made += "<w:p/>"  # without it the table would end a cell, or run into the next table
    draft.edit(control.part, replaced(control, standing, declaring(made, needed(control, standing, b""))))


def _table_style(standing: Standing, settings: Settings) -> str:
    """The style of the table that stands there, else the paper's style for such tables, else none."""
    name = settings.table_styles.get(standing.table_style)
    if name is not None and name.lower() != _PLAIN_STYLE:
        return standing.table_style
    return next((id_ for id_, name in settings.table_styles.items() if name.lower() == TABLE_STYLE), "")


def _caption_style(standing: Standing, settings: Settings) -> str:
    """The style of the caption that stands there, which may have Word number it, else Word's own."""
    found = _PARAGRAPH_STYLE.search(standing.paragraph)
    style = found[1].decode() if found else ""
    return style if style in settings.captions else _CAPTION


def fill_value(draft: Draft, control: Control, standing: Standing, content: ValueContent) -> None:
    """Put a text into a control, formatted as the text that stands there."""
    kept = run_properties(control, standing, draft.settings)
    run = value_run(content.text, kept.decode())
    made = in_paragraph(control, standing, mark(draft, control, standing, content.stamp) + run)
    draft.edit(
        control.part, replaced(control, standing, declaring(made, needed(control, standing, kept + standing.paragraph)))
    )


def in_paragraph(control: Control, standing: Standing, runs: str) -> str:
    """Runs as the content of a control: in a paragraph formatted as the first one there, unless it is inside one."""
    inside = standing.before + runs + standing.after
    if control.level not in (BLOCK, CELL):
        return inside
    properties = standing.paragraph.decode()
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{inside}</w:p>"


def run_properties(control: Control, standing: Standing, settings: Settings) -> bytes:
    """What the properties of a control's new text hold: those of its first run, without the looks of a placeholder."""
    if control.placeholder is not None and control.properties:
        return control.properties
    found = _CHARACTER_STYLE.search(standing.run)
    if found is None:
        return standing.run
    style = found[1].decode()
    if control.placeholder is None and style not in settings.placeholders:
        return standing.run
    return standing.run[: found.start()] + standing.run[found.end() :]


def needed(control: Control, standing: Standing, kept: bytes) -> dict[str, str]:
    """The prefixes that new content must declare, given the XML of the paper's own that is kept in it.

    Raises
    ------
    DataError
        If the paper means something else by the prefix that the new content has.
    """
    found = dict(standing.declared) if kept else {}
    if control.scope.get("w") == W and found.get("w", W) == W:
        return found
    if found.get("w", control.scope.get("w", W)) != W and b"w:" in kept:
        raise DataError(
            "the prefix w, which stands for something other than in Word",
            where=f"{printable(control.part)}, control {quoted(control.name)}",
            todo="Open the paper in Word and save it again as Word Document (.docx)",
        )
    return {**found, "w": W}

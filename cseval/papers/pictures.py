"""Figures in a control: the picture exchanged in place where that is possible, else a new one."""

from __future__ import annotations

import struct

from cseval.errors import DataError
from cseval.papers.controls import CELL, Control
from cseval.papers.draft import Draft, insertion
from cseval.papers.drawings import Drawing
from cseval.papers.fill import (
    in_paragraph,
    mark,
    needed,
    replaced,
    run_properties,
    without_placeholder,
)
from cseval.papers.marks import mark_name
from cseval.papers.markup import Edit, declaring, has_attribute, with_attribute
from cseval.papers.runs import Content, FigureContent
from cseval.papers.standing import Standing, comparable
from cseval.reporting.wordml import drawing

_EMU_PER_TWIP = 635
#: Share of the height of a page that a picture may take, so that its title and caption stand on the same page.
_SHARE = 0.88
#: The width that figures are drawn for: 15.9 cm, the text of an A4 page with Word's own margins.
_WIDEST = 9026 * _EMU_PER_TWIP
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_size(png: bytes, where: str) -> tuple[int, int]:
    """Width and height of a PNG in pixels.

    Raises
    ------
    DataError
        If it is none.
    """
    if len(png) < 24 or not png.startswith(_SIGNATURE) or png[12:16] != b"IHDR":
        raise DataError("not a PNG picture", where=where, expected="a figure that a run drew", todo="Run again")
    width, height = struct.unpack(">II", png[16:24])
    if not (0 < width < 1_000_000 and 0 < height < 1_000_000):
        raise DataError(f"a picture of {width} by {height}", where=where, expected="a figure that a run drew")
    return width, height


def figure_shown(draft: Draft, control: Control, standing: Standing) -> bytes | None:
    """The picture file that a control shows; None if it shows none inside the document, or changed by its settings."""
    found = _replaceable(standing)
    target = draft.target(control, found.blips[0][1]) if found is not None else ""
    return draft.package.contents[target] if target else None


def is_current(draft: Draft, control: Control, standing: Standing, content: FigureContent) -> bool:
    """Whether a control shows this figure with its alternative text."""
    if figure_shown(draft, control, standing) != content.png:
        return False
    return comparable(standing.drawings[0].alt) == comparable(content.alt)


def _replaceable(standing: Standing) -> Drawing | None:
    one = len(standing.drawings) == 1 and standing.drawings[0].replaceable
    return standing.drawings[0] if one else None


def keeps_text(standing: Standing, content: Content) -> bool:
    """Whether filling a control changes nothing in it but its picture."""
    return isinstance(content, FigureContent) and _replaceable(standing) is not None


def fill_figure(draft: Draft, control: Control, standing: Standing, content: FigureContent) -> None:
    """Put a figure into a control; a picture that stands there keeps its width."""
    found = _replaceable(standing)
    edits = _new(draft, control, standing, content) if found is None else _exchanged(draft, control, found, content)
    if found is not None:
        edits += [*_marked(draft, control, standing, found, content), *without_placeholder(control)]
    draft.edit(control.part, edits)


def _exchanged(draft: Draft, control: Control, found: Drawing, content: FigureContent) -> list[Edit]:
    """Another picture in the place of the one that is there, with its alternative text and its shape."""
    xml, by = draft.package.contents[control.part], control.content.start
    at, id_ = found.blips[0]
    edits = []
    if draft.is_alone(control, id_):
        draft.replace_picture(draft.target(control, id_), content.png)
    else:
        edits += with_attribute(xml, by + at, "embed", draft.add_picture(control, content.png))
    for place in (found.properties, *found.names):
        edits += with_attribute(xml, by + place, "descr", content.alt)
    edits += _without_title(xml, by + found.properties)
    for place in (found.extent, *found.sizes):
        edits += with_attribute(xml, by + place, "cx", str(found.width))
        edits += with_attribute(xml, by + place, "cy", str(_height(found.width, content)))
    return edits


def _without_title(xml: bytes, at: int) -> list[Edit]:
    """Empty the title of a picture, which some readers say instead of its alternative text."""
    return with_attribute(xml, at, "title", "") if has_attribute(xml, at, "title") else []


def _marked(draft: Draft, control: Control, standing: Standing, found: Drawing, content: FigureContent) -> list[Edit]:
    """The mark's name changed where there is one, else a mark in front of the picture, as Word puts it there."""
    xml, by = draft.package.contents[control.part], control.content.start
    if standing.marks:
        return with_attribute(xml, by + standing.marks[0][0], "name", mark_name(control.tag, content.stamp))
    made = declaring(mark(draft, control, standing, content.stamp), needed(control, standing, b""))
    return [insertion(by + found.run, made)]


def _new(draft: Draft, control: Control, standing: Standing, content: FigureContent) -> list[Edit]:
    """A picture where there was none, or one that cannot be changed in place."""
    width = _width(draft, control, standing, content)
    made = drawing(
        draft.add_picture(control, content.png),
        number=draft.drawing_number(),
        name=content.name,
        alt=content.alt,
        width=width,
        height=_height(width, content),
    )
    kept = run_properties(control, standing, draft.settings)
    run = f"<w:r>{f'<w:rPr>{kept.decode()}</w:rPr>' if kept else ''}{made}</w:r>"
    fragment = in_paragraph(control, standing, mark(draft, control, standing, content.stamp) + run)
    return replaced(control, standing, declaring(fragment, needed(control, standing, kept + standing.paragraph)))


def _width(draft: Draft, control: Control, standing: Standing, content: FigureContent) -> int:
    """The width of the picture that stands there, else of the text there, but no more than figures are drawn for.

    A figure that would be higher than the page is made narrower.
    """
    if standing.drawings and standing.drawings[0].width > 0:
        return standing.drawings[0].width
    room = standing.room if control.level == CELL else control.room or draft.room
    width = min(room * _EMU_PER_TWIP, _WIDEST) if room else _WIDEST
    highest = round(_SHARE * _EMU_PER_TWIP * (control.height or draft.height))
    height = _height(width, content)
    return max(width * highest // height, 1) if 0 < highest < height else width


def _height(width: int, content: FigureContent) -> int:
    across, down = png_size(content.png, content.origin.file)
    return max(round(width * down / across), 1)

"""Pieces of a Word document as text: paragraphs, runs, pictures and tables that a screen reader can walk through.

Every element has the prefix ``w:``, which whatever the text is put into declares; a picture declares its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.reporting.word_columns import FOREIGN, TIGHT, USUAL, Face, fitting_face, widths_in
from cseval.reporting.word_columns import column_widths as column_widths
from cseval.reporting.word_columns import least_width as least_width

if TYPE_CHECKING:
    from cseval.reporting.printed import Printed

#: Width of the text on an A4 page with Word's own margins, in twentieths of a point.
TEXT_WIDTH = 9026
LANGUAGE = "en-GB"
#: Properties of bold runs; the order of the elements is the schema's.
BOLD = "<w:b/><w:bCs/>"

_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

#: What XML 1.0 has no place for: most control characters, halves of surrogate pairs, two non-characters.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_BREAKS = {"\n": "<w:br/>", "\t": "<w:tab/>"}
_BREAK = re.compile("([\n\t])")


# Text -------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """Text without what XML forbids, which becomes U+FFFD, and with every line end as a line feed."""
    return _FORBIDDEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> str:
    """Clean text for an element or an attribute of XML."""
    return clean(text).translate(_MARKUP)


def value_run(text: str, properties: str = "") -> str:
    """A run of text; a new line or a tab in it stays one.

    Parameters
    ----------
    text : str
    properties : str
        What stands inside ``w:rPr``, as XML.
    """
    made = "".join(_BREAKS.get(p) or f'<w:t xml:space="preserve">{p}</w:t>' for p in _BREAK.split(escape(text)) if p)
    return f"<w:r>{f'<w:rPr>{properties}</w:rPr>' if properties else ''}{made or '<w:t/>'}</w:r>"


def paragraph(text: str, *, style: str = "") -> str:
    """A paragraph of one run, in a paragraph style named by its id."""
    return block(value_run(text), style=style)


def block(runs: str, *, style: str = "", properties: str = "") -> str:
    """A paragraph from its runs; `properties` is what else stands inside ``w:pPr``, as XML, after the style."""
    inner = (f'<w:pStyle w:val="{escape(style)}"/>' if style else "") + properties
    return f"<w:p>{f'<w:pPr>{inner}</w:pPr>' if inner else ''}{runs}</w:p>"


def drawing(relation: str, *, number: int, name: str, alt: str, width: int, height: int) -> str:
    """A picture in a line of text: a ``w:drawing``, which goes into a ``w:r``.

    Parameters
    ----------
    relation : str
        Id of the relationship to the picture's file.
    number : int
        Positive, one per picture of the document.
    name, alt : str
        What Word lists it as, and what is read to those who cannot see it.
    width, height : int
        In English Metric Units, 360,000 to the centimetre.
    """
    said = f'id="{number}" name="{escape(name)}" descr="{escape(alt)}"'
    size = f'cx="{width}" cy="{height}"'
    return (
        f'<w:drawing><wp:inline xmlns:wp="{_DRAWING}/wordprocessingDrawing" xmlns:a="{_DRAWING}/main" '
        f'xmlns:pic="{_DRAWING}/picture" xmlns:r="{_RELATIONS}" distT="0" distB="0" distL="0" distR="0">'
        f"<wp:extent {size}/><wp:docPr {said}/>"
        '<wp:cNvGraphicFramePr><a:graphicFrameLocks noChangeAspect="1"/></wp:cNvGraphicFramePr>'
        f'<a:graphic><a:graphicData uri="{_DRAWING}/picture"><pic:pic>'
        f"<pic:nvPicPr><pic:cNvPr {said}/><pic:cNvPicPr/></pic:nvPicPr>"
        f'<pic:blipFill><a:blip r:embed="{escape(relation)}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing>"
    )


# Tables -----------------------------------------------------------------------------------------------


#: Tables of at most so many rows are kept on one page.
_SHORT = 8
_RULES = (
    '<w:tblBorders><w:top w:val="single" w:sz="8" w:space="0" w:color="0B0C0C"/>'
    '<w:bottom w:val="single" w:sz="8" w:space="0" w:color="0B0C0C"/>'
    '<w:insideH w:val="single" w:sz="4" w:space="0" w:color="B1B4B6"/></w:tblBorders>'
)
_HEADING_CELL = (
    '<w:tcBorders><w:bottom w:val="single" w:sz="8" w:space="0" w:color="0B0C0C"/></w:tcBorders>'
    '<w:shd w:val="clear" w:color="auto" w:fill="E3EAF1"/>'
)
_LOOK = (
    '<w:tblLook w:val="04A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" w:lastColumn="0" w:noHBand="0" '
    'w:noVBand="1"/>'
)


def table_block(
    table: Printed,
    *,
    style: str = "",
    caption: str = "Caption",
    mark: str = "",
    width: int = TEXT_WIDTH,
    foreign: bool = False,
) -> str:
    """A table with its caption above and its notes below.

    The header row is marked and repeated on every page, no row breaks over pages, no cell is merged or empty, and
    the table has a caption and a description for those who cannot see it.

    Parameters
    ----------
    table : Printed
    style : str
        Id of a table style of the document; if empty, the table brings its own rules.
    caption : str
        Id of the paragraph style of the caption.
    mark : str
        XML put at the start of the caption, a bookmark for instance.
    width : int
        Of the whole table, in twentieths of a point.
    foreign : bool
        Whether the font of the document is not known to be as wide as Arial.

    Returns
    -------
    str
        Paragraphs and a ``w:tbl``. It ends with the table where there are no notes: whoever puts it at the end of a
        cell of another table must add a paragraph.
    """
    face = fitting_face(table, width, FOREIGN if foreign else (USUAL, TIGHT))
    widths = widths_in(table, width, face)
    grid = "".join(f'<w:gridCol w:w="{w}"/>' for w in widths)
    kept = _kept(table)
    rows = "".join(_row(table, row, widths, face, keep=keep) for row, keep in zip(table.rows, kept, strict=True))
    return (
        block(mark + value_run(table.title), style=caption, properties="<w:keepNext/>")
        + f"<w:tbl>{_table_properties(table, style, width, face)}<w:tblGrid>{grid}</w:tblGrid>"
        + f"{_header_row(table, widths, face, own=not style)}{rows}</w:tbl>"
        + _notes(table.notes)
    )


def description(table: Printed) -> str:
    """What a table holds, for those who cannot see it: its size, its columns, its first note."""
    size = f"{f.plural(len(table.rows), 'row')} and {f.plural(len(table.headings), 'column')}"
    return " ".join((f"A table of {size}: {f.joined(table.headings)}.", *table.notes[:1]))


def _table_properties(table: Printed, style: str, width: int, face: Face) -> str:
    """In the order of the schema, in which the description comes last."""
    named = f'<w:tblStyle w:val="{escape(style)}"/>' if style else ""
    sides = "".join(f'<w:{side} w:w="{face.padding}" w:type="dxa"/>' for side in ("left", "right"))
    return (
        f'<w:tblPr>{named}<w:tblW w:w="{width}" w:type="dxa"/>{"" if style else _RULES}<w:tblLayout w:type="fixed"/>'
        f"<w:tblCellMar>{sides}</w:tblCellMar>{_LOOK}"
        f'<w:tblCaption w:val="{escape(table.title)}"/><w:tblDescription w:val="{escape(description(table))}"/>'
        "</w:tblPr>"
    )


def _header_row(table: Printed, widths: Sequence[int], face: Face, *, own: bool) -> str:
    looks, run = (_HEADING_CELL if own else "") + '<w:vAlign w:val="bottom"/>', _type(face, BOLD)
    cells = zip(table.headings, widths, table.numeric, strict=True)
    made = "".join(_cell(t, width, run, looks=looks, right=right, keep=True) for t, width, right in cells)
    return f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{made}</w:tr>"


def _row(table: Printed, row: Sequence[str], widths: Sequence[int], face: Face, *, keep: bool) -> str:
    runs = (_type(face, BOLD), *[_type(face)] * (len(row) - 1))
    cells = zip(row, widths, runs, table.numeric, strict=True)
    made = "".join(_cell(t, width, run, right=right, keep=keep) for t, width, run, right in cells)
    return f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{made}</w:tr>"


def _cell(text: str, width: int, run: str, *, looks: str = "", right: bool, keep: bool) -> str:
    """A cell; `keep` holds its row on one page with the next row or the notes."""
    properties = (
        ("<w:keepNext/>" if keep else "")
        + '<w:spacing w:before="40" w:after="40" w:line="240" w:lineRule="auto"/>'
        + f'<w:jc w:val="{"right" if right else "left"}"/>'
    )
    inner = block(value_run(text if text.strip() else f.NOT_AVAILABLE, run), properties=properties)
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{looks}</w:tcPr>{inner}</w:tc>'


def _type(face: Face, before: str = "") -> str:
    """Properties of a run; `before` is what stands in front of the size, as XML."""
    named = "".join(f' w:{use}="{face.font}"' for use in ("ascii", "hAnsi", "cs"))
    fonts = f"<w:rFonts{named}/>" if face.font else ""
    return f'{fonts}{before}<w:sz w:val="{face.size}"/><w:szCs w:val="{face.size}"/><w:lang w:val="{LANGUAGE}"/>'


def _kept(table: Printed) -> list[bool]:
    """Which rows stay on one page with what follows: all but the last of a short table, and the last with notes."""
    count = len(table.rows)
    return [count <= _SHORT] * (count - 1) + [bool(table.notes)] * min(count, 1)


def _notes(notes: Sequence[str]) -> str:
    """What stands under a table, on one page with its last row."""
    made = []
    for i, note in enumerate(notes):
        first, last = i == 0, i == len(notes) - 1
        space = f'<w:spacing w:before="{80 if first else 0}" w:after="{240 if last else 40}" w:line="240"'
        keep = "" if last else "<w:keepNext/>"
        properties = f'{keep}<w:keepLines/>{space} w:lineRule="auto"/>'
        made.append(block(value_run(note, _type(USUAL)), properties=properties))
    return "".join(made)

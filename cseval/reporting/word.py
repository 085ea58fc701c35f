"""A report as a Word document: the same words, tables and figures as the page, in a form that is printed and quoted."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

from cseval.reporting import word_styles as styles
from cseval.reporting.document import Answer, Block, Bullets, Code, FigureBlock, Paragraph, TableBlock, figure_caption
from cseval.reporting.html import png_size, printed_of
from cseval.reporting.printed import Printed
from cseval.reporting.wordml import BOLD, block, drawing, least_width, paragraph, table_block, value_run

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

    from cseval.reporting.document import Document
    from cseval.reporting.figures import Figure
    from cseval.tables import Table

#: English Metric Units in a twentieth of a point.
_EMU = 635
#: So high that a figure, its heading and its caption fit on one page: 21 centimetres.
_HIGHEST = 21 * 360_000
#: A single table with more columns than this is printed on a page that lies on its side.
MOST_COLUMNS = 6
#: Rows of a table that the page folds from which the document names its data file instead.
MOST_FOLDED = 25


def render_word(document: Document, pictures: Mapping[str, bytes]) -> bytes:
    """The whole report as the bytes of a ``.docx``; the same report gives the same bytes.

    Tables that the page folds are printed, except the data of a figure, which stand in a file of their own. A table
    that is too wide for an upright page stands on one that lies on its side.

    Parameters
    ----------
    document : Document
    pictures : mapping of str to bytes
        PNG bytes by the name of the figure.
    """
    target = styles.new_document(title=document.title, warning=document.banner)
    _fill(target, _pieces(document, _Pictures(target, pictures)))
    return styles.saved(target)


def render_table_word(table: Table | Printed, *, title: str, warning: str = "") -> bytes:
    """One table as the bytes of a ``.docx``, on its side if it has many columns.

    Parameters
    ----------
    table : Table or Printed
        Its cells must be text.
    title : str
        Heading and title of the document.
    warning : str
        Stands above everything, on every page; empty for real data.
    """
    shown = table if isinstance(table, Printed) else printed_of(table)
    landscape = len(shown.headings) > MOST_COLUMNS
    target = styles.new_document(title=title, warning=warning)
    front = _lines((warning, "Warning"), (title, "Heading1"))
    _fill(target, [_Piece(xml=front + _table_xml(shown, landscape), landscape=landscape)])
    return styles.saved(target)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Paragraphs and tables as XML, and whether they need a page on its side."""

    xml: str
    landscape: bool = False


class _Pictures:
    """The pictures of a document, numbered as they are used."""

    def __init__(self, target: WordDocument, pictures: Mapping[str, bytes]) -> None:
        self._target, self._pictures, self._numbers = target, pictures, count(1)

    def run(self, figure: Figure) -> str:
        """A run that holds the picture of a figure, as wide as the text unless it were too high."""
        png = self._pictures[figure.name]
        relation, _ = self._target.part.get_or_add_image(io.BytesIO(png))
        width, height = fitted(png)
        number = next(self._numbers)
        shown = drawing(relation, number=number, name=figure.name, alt=figure.alt, width=width, height=height)
        return f"<w:r>{shown}</w:r>"


def fitted(png: bytes, width: int = styles.PORTRAIT * _EMU, highest: int = _HIGHEST) -> tuple[int, int]:
    """Width and height of a picture that is `width` wide, or less if it would be higher than `highest`, in EMU."""
    wide, high = png_size(png)
    scale = min(width / wide, highest / high)
    return round(wide * scale), round(high * scale)


# From blocks to pieces --------------------------------------------------------------------------------


def _pieces(document: Document, pictures: _Pictures) -> Iterable[_Piece]:
    """The report from the top; a heading goes with what stands under it."""
    yield _Piece(xml=_front(document))
    for section in document.sections:
        heading = paragraph(section.heading, style="Heading1")
        made = [_piece(part, pictures) for part in section.blocks] or [_Piece(xml="")]
        yield _Piece(xml=heading + made[0].xml, landscape=made[0].landscape)
        yield from made[1:]
    yield _Piece(xml=paragraph(document.footer, style="Note"))


def _front(document: Document) -> str:
    return _lines((document.banner, "Warning"), (document.title, "Title"), (document.subtitle, "Subtitle"))


def _lines(*lines: tuple[str, str]) -> str:
    return "".join(paragraph(text, style=style) for text, style in lines if text)


def _piece(part: Block, pictures: _Pictures) -> _Piece:
    match part:
        case Paragraph():
            return _Piece(xml=paragraph(part.text))
        case Code():
            return _Piece(xml=paragraph(part.text, style="Code"))
        case Bullets():
            return _Piece(xml="".join(_led(term, text, "ListBullet") for term, text in part.items))
        case Answer():
            return _Piece(xml=_answer(part))
        case TableBlock():
            return _table(printed_of(part.table), part.path if part.folded else "")
        case FigureBlock():
            return _Piece(xml=_figure(part.figure, pictures))


def _led(term: str, text: str, style: str) -> str:
    return block((value_run(f"{term}: ", BOLD) if term else "") + value_run(text), style=style)


def _answer(answer: Answer) -> str:
    large = value_run(answer.number, styles.LARGE) + value_run(f" {answer.label}")
    number = block(large, style="AnswerNumber") if answer.number else ""
    facts = "".join(_led(term, text, "AnswerFact") for term, text in answer.facts)
    return paragraph(answer.headline, style="AnswerHeadline") + number + facts


def _table(table: Printed, path: str = "") -> _Piece:
    """A table; of a long one that a data file has as well, where that is."""
    if path and len(table.rows) > MOST_FOLDED:
        return _Piece(xml=_led(table.title, in_file(path), "ListBullet"))
    landscape = least_width(table) > styles.PORTRAIT
    return _Piece(xml=_table_xml(table, landscape), landscape=landscape)


def in_file(path: str) -> str:
    """What stands in the place of a long table."""
    return f"too long for a page; it is in the file {path}."


def _table_xml(table: Printed, landscape: bool) -> str:
    return table_block(table, width=styles.LANDSCAPE if landscape else styles.PORTRAIT)


def _figure(figure: Figure, pictures: _Pictures) -> str:
    picture = block(pictures.run(figure), style="Figure")
    return (
        paragraph(figure.title, style="Heading2") + picture + paragraph(figure_caption(figure), style="FigureCaption")
    )


# From pieces to pages ---------------------------------------------------------------------------------

#: Stands where a section ends until it is told how its pages lie.
_SECTION_END = "<w:sectPr/>"


def _fill(target: WordDocument, pieces: Iterable[_Piece]) -> None:
    """Put the pieces into an empty document, with a section for each run of pages that lie alike.

    The text is parsed as one: moving elements into a document one by one takes ten times as long.
    """
    groups = [(on_side, "".join(p.xml for p in group)) for on_side, group in groupby(pieces, lambda p: p.landscape)]
    body = styles.parsed_body(_SECTION_END.join(xml for _, xml in groups))
    ends = body.findall(styles.qualified("sectPr"))
    last = target.element.body.sectPr
    sections = [deepcopy(last) for _ in ends] + [last]
    for number, (section, (landscape, _)) in enumerate(zip(sections, groups, strict=True)):
        styles.turn(section, landscape=landscape)
        if number:
            section.titlePg_val = None
    for end, section in zip(ends, sections, strict=False):
        _end_section(end, section)
    body.append(last)
    target.element.replace(target.element.body, body)


def _end_section(end: Any, section: Any) -> None:
    """Let a section end in the paragraph before `end`, or in a new one after a table."""
    before = end.getprevious()
    if before.tag == styles.qualified("p"):
        end.getparent().remove(end)
    else:
        (before,) = styles.parsed(block("", properties='<w:spacing w:before="0" w:after="0" w:line="20"/>'))
        end.getparent().replace(end, before)
    before.get_or_add_pPr().append(section)

"""The Word document that everything is put into: A4, Arial, British English, headings, numbered pages, fixed bytes."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cseval.reporting.wordml import BOLD, LANGUAGE, block, clean, value_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docx.document import Document as WordDocument

AUTHOR = "cseval"
#: Word allows a property no more characters.
LONGEST_TITLE = 255
#: The earliest time that a zip archive can hold; in every entry and in the properties, so that bytes hold no clock.
LONG_AGO = (1980, 1, 1, 0, 0, 0)

#: A4 and its margins, in twentieths of a point.
SHORT_SIDE, LONG_SIDE, MARGIN = 11906, 16838, 1134
#: Widths of the text on an upright page and on one that lies on its side.
PORTRAIT, LANDSCAPE = SHORT_SIDE - 2 * MARGIN, LONG_SIDE - 2 * MARGIN

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NAMESPACE = f'xmlns:w="{_W}"'
_FONT, _TYPED = (
    f'<w:rFonts w:ascii="{font}" w:eastAsia="{font}" w:hAnsi="{font}" w:cs="{font}"/>'
    for font in ("Arial", "Courier New")
)
#: Contrast with white, or with the tint: ink 19.7, blue 10.2, plum 9.8, grey 8.3; text needs 4.5.
_INK, _BLUE, _PLUM, _GREY, _TINT = "0B0C0C", "12436D", "801650", "4A4F55", "EEF3F8"


@dataclass(frozen=True, kw_only=True)
class _Style:
    """A paragraph style: properties of its paragraphs and of its runs, as XML in the order of the schema.

    `own` are those that Word does not know by their name.
    """

    name: str
    paragraph: str = ""
    run: str = ""
    based: str = "Normal"
    own: bool = False

    @property
    def identity(self) -> str:
        """The id that paragraphs refer to: Word's own for the styles that it knows."""
        return "".join(word[:1].upper() + word[1:] for word in self.name.split())


def _size(points: float) -> str:
    return f'<w:sz w:val="{round(2 * points)}"/><w:szCs w:val="{round(2 * points)}"/>'


def _color(value: str) -> str:
    return f'<w:color w:val="{value}"/>'


def _space(before: int, after: int, line: int = 264) -> str:
    return f'<w:spacing w:before="{before}" w:after="{after}" w:line="{line}" w:lineRule="auto"/>'


def _border(side: str, size: int, space: int, color: str) -> str:
    return f'<w:{side} w:val="single" w:sz="{size}" w:space="{space}" w:color="{color}"/>'


def _borders(*sides: str, size: int, space: int, color: str) -> str:
    return f"<w:pBdr>{''.join(_border(side, size, space, color) for side in sides)}</w:pBdr>"


def _fill(color: str) -> str:
    return f'<w:shd w:val="clear" w:color="auto" w:fill="{color}"/>'


_KEEP = "<w:keepNext/><w:keepLines/>"
_BOX = ("top", "left", "bottom", "right")
_INSET = '<w:ind w:left="227" w:right="113"/>'
_ANSWER = _borders("left", size=48, space=8, color=_BLUE) + _fill(_TINT)

STYLES = (
    _Style(name="Title", paragraph=_KEEP + _space(0, 60, 240), run=BOLD + _color(_BLUE) + _size(24)),
    _Style(name="Subtitle", paragraph=_KEEP + _space(0, 240), run=_color(_GREY) + _size(13)),
    _Style(
        name="heading 1",
        paragraph=_KEEP
        + _borders("top", size=12, space=6, color=_BLUE)
        + _space(480, 140, 240)
        + '<w:outlineLvl w:val="0"/>',
        run=BOLD + _color(_BLUE) + _size(16),
    ),
    _Style(
        name="heading 2",
        paragraph=_KEEP + _space(280, 60, 240) + '<w:outlineLvl w:val="1"/>',
        run=BOLD + _size(12),
    ),
    _Style(name="caption", paragraph="<w:keepLines/>" + _space(280, 80, 240), run=BOLD + _size(10)),
    _Style(
        name="List Bullet",
        paragraph='<w:numPr><w:numId w:val="1"/></w:numPr>' + _space(0, 70) + '<w:ind w:left="357" w:hanging="357"/>',
    ),
    _Style(
        name="Warning",
        own=True,
        paragraph="<w:keepLines/>" + _borders(*_BOX, size=18, space=6, color=_PLUM) + _space(0, 280) + _INSET,
        run=BOLD + _color(_PLUM) + _size(12),
    ),
    _Style(name="Answer Headline", own=True, paragraph=_KEEP + _ANSWER + _space(0, 80) + _INSET, run=BOLD + _size(14)),
    _Style(name="Answer Number", own=True, paragraph=_KEEP + _ANSWER + _space(0, 80) + _INSET),
    _Style(name="Answer Fact", own=True, paragraph="<w:keepLines/>" + _ANSWER + _space(0, 80) + _INSET),
    _Style(
        name="Code",
        own=True,
        paragraph="<w:keepLines/>" + _fill("F3F2F1") + _space(60, 160) + _INSET,
        run=_TYPED + "<w:noProof/>" + _size(10),
    ),
    _Style(name="Figure", own=True, paragraph=_KEEP + _space(0, 0, 240)),
    _Style(
        name="Figure Caption",
        own=True,
        paragraph="<w:keepLines/>" + _space(60, 80, 240),
        run='<w:b w:val="0"/><w:bCs w:val="0"/>' + _size(9),
        based="Caption",
    ),
    _Style(name="Note", own=True, paragraph="<w:keepLines/>" + _space(240, 0, 240), run=_size(9)),
    _Style(name="header", paragraph=_space(0, 160, 240), run=BOLD + _color(_PLUM) + _size(9)),
    _Style(name="footer", paragraph=_space(0, 0, 240) + '<w:jc w:val="right"/>', run=_color(_GREY) + _size(9)),
)
#: The estimate in large type, as properties of a run.
LARGE = BOLD + _color(_BLUE) + _size(30)

_DEFAULTS = (
    f"<w:docDefaults><w:rPrDefault><w:rPr>{_FONT}{_size(11)}"
    f'<w:lang w:val="{LANGUAGE}" w:eastAsia="{LANGUAGE}" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>'
    f"<w:pPrDefault><w:pPr>{_space(0, 140)}</w:pPr></w:pPrDefault></w:docDefaults>"
)
#: Styles that every Word document has, without which Word brings its own.
_GIVEN = (
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/>'
    f"<w:rPr>{_color(_INK)}</w:rPr></w:style>"
    '<w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont">'
    '<w:name w:val="Default Paragraph Font"/></w:style>'
    '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:tblPr>'
    '<w:tblInd w:w="0" w:type="dxa"/><w:tblCellMar><w:left w:w="108" w:type="dxa"/><w:right w:w="108" w:type="dxa"/>'
    "</w:tblCellMar></w:tblPr></w:style>"
    '<w:style w:type="numbering" w:default="1" w:styleId="NoList"><w:name w:val="No List"/></w:style>'
)
_NUMBERING = (
    '<w:abstractNum w:abstractNumId="0"><w:multiLevelType w:val="singleLevel"/><w:lvl w:ilvl="0"><w:start w:val="1"/>'
    '<w:numFmt w:val="bullet"/><w:pStyle w:val="ListBullet"/><w:lvlText w:val="•"/><w:lvlJc w:val="left"/>'
    '<w:pPr><w:ind w:left="357" w:hanging="357"/></w:pPr></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
)
_MODE = 'w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"'
_SETTINGS = (
    '<w:defaultTabStop w:val="720"/><w:characterSpacingControl w:val="doNotCompress"/>'
    f'<w:compat><w:compatSetting {_MODE}/></w:compat><w:themeFontLang w:val="{LANGUAGE}"/>'
    '<w:decimalSymbol w:val="."/><w:listSeparator w:val=","/>'
)
#: Parts of python-docx's template that a reader has no use for: a preview, a bibliography, 100 table styles.
_UNUSED = ("thumbnail", "customXml", "stylesWithEffects", "webSettings", "fontTable", "extended-properties")


def new_document(*, title: str, warning: str = "", landscape: bool = False) -> WordDocument:
    """An empty A4 document with the styles of this module and numbered pages.

    Parameters
    ----------
    title : str
        Property of the document, and what stands beside the page number.
    warning : str
        Stands on top of every page but the first, which is to show it in its text.
    landscape : bool
        Whether its pages lie on their side.
    """
    import docx

    document = docx.Document()
    _drop_unused(document)
    styles = _DEFAULTS + _GIVEN + "".join(map(_style_xml, STYLES))
    for element, content in (
        (document.styles.element, styles),
        (document.settings.element, _SETTINGS),
        (document.part.numbering_part.element, _NUMBERING),
    ):
        _replace_content(element, parsed(content))
    _set_properties(document, title)
    pages = document.sections[0]._sectPr
    pages.attrib.clear()
    turn(pages, landscape=landscape)
    _number_pages(document, title, warning)
    return document


def parsed(content: str) -> list[Any]:
    """Paragraphs, tables and the like from their XML with the prefix ``w:``."""
    return list(parsed_body(content))


def parsed_body(content: str) -> Any:
    """A ``w:body`` from what is to stand in it, as XML with the prefix ``w:``."""
    from docx.oxml import parse_xml

    return parse_xml(f"<w:body {_NAMESPACE}>{content}</w:body>")


def qualified(name: str) -> str:
    """The name of an element with its namespace, as lxml has it."""
    return f"{{{_W}}}{name}"


def turn(properties: Any, *, landscape: bool) -> None:
    """Set paper and margins in the properties of a section, an element ``w:sectPr``."""
    from docx.enum.section import WD_ORIENTATION
    from docx.shared import Twips

    long, short = Twips(LONG_SIDE), Twips(SHORT_SIDE)
    properties.orientation = WD_ORIENTATION.LANDSCAPE if landscape else WD_ORIENTATION.PORTRAIT
    properties.page_width, properties.page_height = (long, short) if landscape else (short, long)
    for side in ("top", "right", "bottom", "left"):
        setattr(properties, f"{side}_margin", Twips(MARGIN))
    properties.header = properties.footer = Twips(MARGIN // 2)


def saved(document: WordDocument) -> bytes:
    """The file of a document; the same document gives the same bytes at any time.

    Pictures are compressed already, so they are stored as they are.
    """
    written, again = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(again, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, date_time=LONG_AGO)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return again.getvalue()


def _style_xml(style: _Style) -> str:
    custom = ' w:customStyle="1"' if style.own else ""
    return (
        f'<w:style w:type="paragraph"{custom} w:styleId="{style.identity}"><w:name w:val="{style.name}"/>'
        f'<w:basedOn w:val="{style.based}"/><w:next w:val="Normal"/><w:qFormat/>'
        f"<w:pPr>{style.paragraph}</w:pPr><w:rPr>{style.run}</w:rPr></w:style>"
    )


def _replace_content(element: Any, content: Iterable[Any]) -> None:
    for child in list(element):
        element.remove(child)
    element.extend(content)


def _drop_unused(document: WordDocument) -> None:
    for relations in (document.part.rels, document.part.package.rels):
        unused = [key for key, relation in relations.items() if relation.reltype.rpartition("/")[2] in _UNUSED]
        for key in unused:
            del relations[key]


def _set_properties(document: WordDocument, title: str) -> None:
    properties = document.core_properties
    _replace_content(properties._element, ())
    properties.title = clean(title)[:LONGEST_TITLE]
    properties.author = properties.last_modified_by = AUTHOR
    properties.language = LANGUAGE
    properties.created = properties.modified = datetime(*LONG_AGO, tzinfo=UTC)


def _number_pages(document: WordDocument, title: str, warning: str) -> None:
    """Put the warning on top of every page but the first, and title and page number below every page."""
    section = document.sections[0]
    section.different_first_page_header_footer = bool(warning)
    fields = (f'<w:fldSimple w:instr=" {field} ">{value_run("1")}</w:fldSimple>' for field in ("PAGE", "NUMPAGES"))
    page = value_run(f"{title}: page ") + value_run(" of ").join(fields)
    footers = (section.footer, section.first_page_footer) if warning else (section.footer,)
    for footer in footers:
        _replace_content(footer._element, parsed(block(page, style="Footer")))
    if warning:
        _replace_content(section.header._element, parsed(block(value_run(warning), style="Header")))

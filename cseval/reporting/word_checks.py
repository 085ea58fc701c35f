"""What makes a Word file hard to use for those who cannot see it: one sentence for each thing found."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from cseval import formats as f
from cseval.errors import DataError
from cseval.reporting.figures import SHORTEST_ALT
from cseval.reporting.wordml import LANGUAGE

#: A picture at least this wide, 8 centimetres in English Metric Units, is taken for a figure and not for a logo.
FIGURE_WIDTH = 8 * 360_000
#: Parts larger than this, unpacked, are not read.
LARGEST_PART = 64 * 2**20

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_DECORATIVE = "{http://schemas.microsoft.com/office/drawing/2017/decorative}decorative"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_IMAGE = "{urn:schemas-microsoft-com:vml}imagedata"
_DC = "{http://purl.org/dc/elements/1.1/}"

_BODY, _STYLES, _CORE = "word/document.xml", "word/styles.xml", "docProps/core.xml"
_SEEN = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_HEADING = re.compile(r"heading (\d)")
_FILE_NAME = re.compile(r"\S+\.(png|jpe?g|gif|bmp|tiff?|emf|wmf|svg)", re.IGNORECASE)


def findings(docx: bytes) -> tuple[str, ...]:
    """Everything in a Word file that keeps people from reading it; empty if nothing was found.

    Looked at are the title and the language of the document, its headings, and in the text, headers, footers and
    notes every picture and every table.

    Parameters
    ----------
    docx : bytes

    Raises
    ------
    DataError
        If the bytes are no Word file that can be read.
    """
    parts = _read(docx)
    found = [*_document_findings(parts), *_heading_findings(parts)]
    for name in filter(_SEEN.fullmatch, parts):
        where = "the text" if name == _BODY else name.removeprefix("word/").removesuffix(".xml")
        for number, picture in enumerate(parts[name].iter(*_PICTURES), 1):
            found += _picture_findings(picture, f"Picture {number} of {where}")
        for number, table in enumerate(parts[name].iter(_W + "tbl"), 1):
            found += _table_findings(table, f"Table {number} of {where}")
    return tuple(found)


# Reading ------------------------------------------------------------------------------------------------


def _read(docx: bytes) -> dict[str, Any]:
    """The root elements of the parts that the checks look at, the text first."""
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as archive:
            known = [n for n in archive.namelist() if n in (_BODY, _STYLES, _CORE) or _SEEN.fullmatch(n)]
            large = [n for n in known if archive.getinfo(n).file_size > LARGEST_PART]
            if large:
                raise _unreadable(f"part {large[0]} is too large", f"at most {LARGEST_PART // 2**20} MB")
            content = {name: archive.read(name) for name in sorted(known, key=lambda n: (n != _BODY, n))}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _unreadable(str(error), "a .docx") from error
    if _BODY not in content:
        raise _unreadable(f"no part {_BODY}", "a .docx")
    return {name: _root(name, xml) for name, xml in content.items()}


def _root(name: str, xml: bytes) -> Any:
    """The root of a part, without what only old programs show."""
    from lxml import etree

    try:
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise _unreadable(f"part {name}: {error}", "well-formed XML") from error
    if root.getroottree().docinfo.doctype:
        raise _unreadable(f"part {name} declares a document type", "XML as Word writes it")
    for element in list(root.iter(_FALLBACK)):
        element.getparent().remove(element)
    return root


def _unreadable(found: str, expected: str) -> DataError:
    return DataError(found, where="Word file", expected=expected)


def _value(parent: Any, name: str, attribute: str = "val") -> str:
    """An attribute of a child element of WordprocessingML; empty if there is none."""
    child = None if parent is None else parent.find(_W + name)
    return "" if child is None else str(child.get(_W + attribute, ""))


def _is_on(parent: Any, name: str) -> bool:
    """Whether a switch is set: its element is there and does not say no."""
    child = None if parent is None else parent.find(_W + name)
    return child is not None and child.get(_W + "val", "true") not in ("0", "false", "off")


def _text(element: Any) -> str:
    return "".join(t.text or "" for t in element.iter(_W + "t")).strip()


# The document -------------------------------------------------------------------------------------------


def _document_findings(parts: Mapping[str, Any]) -> Iterator[str]:
    core = parts.get(_CORE)
    title = None if core is None else core.find(_DC + "title")
    if title is None or not (title.text or "").strip():
        yield "The document has no title in its properties."
    language = _language(parts.get(_STYLES))
    if language != LANGUAGE:
        said = f"is {language}, not {LANGUAGE}" if language else f"is not set; it should be {LANGUAGE}"
        yield f"The language of the document {said}."


def _language(styles: Any) -> str:
    """The language of text that names none: that of the style of plain paragraphs, or else of the whole document."""
    if styles is None:
        return ""
    plain = (s for s in styles.iterfind(_W + "style") if s.get(_W + "type") == "paragraph" and s.get(_W + "default"))
    own = [_value(style.find(_W + "rPr"), "lang") for style in plain]
    path = "/".join(_W + step for step in ("docDefaults", "rPrDefault", "rPr"))
    return next(filter(None, own), "") or _value(styles.find(path), "lang")


def _heading_findings(parts: Mapping[str, Any]) -> Iterator[str]:
    levels = _levels_of_styles(parts.get(_STYLES))
    last, first = 0, False
    for paragraph in parts[_BODY].iter(_W + "p"):
        properties = paragraph.find(_W + "pPr")
        level = _level(properties, levels)
        text = _text(paragraph) if level else ""
        if not text:
            continue
        first = first or level == 1
        if level > last + 1:
            after = f"follows one of level {last}" if last else "is the first"
            yield f"Heading “{text}” of level {level} {after}: a level is skipped."
        last = level
    if not first:
        yield "The document has no heading of level 1."


def _levels_of_styles(styles: Any) -> dict[str, int]:
    """The level of each paragraph style that makes headings, its own or that of the style it is based on."""
    if styles is None:
        return {}
    own: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in styles.iterfind(_W + "style"):
        identity = style.get(_W + "styleId", "")
        named = _HEADING.fullmatch(_value(style, "name").lower())
        outline = _value(style.find(_W + "pPr"), "outlineLvl")
        based[identity] = _value(style, "basedOn")
        if named or outline:
            own[identity] = int(named.group(1)) if named else _outline_level(outline)
    return {identity: _inherited(identity, own, based) for identity in based}


def _inherited(identity: str, own: dict[str, int], based: dict[str, str]) -> int:
    seen: set[str] = set()
    while identity not in own and based.get(identity) and identity not in seen:
        seen.add(identity)
        identity = based[identity]
    return own.get(identity, 0)


def _level(properties: Any, levels: dict[str, int]) -> int:
    """The level of a paragraph as a heading; 0 if it is none."""
    direct = _value(properties, "outlineLvl")
    return _outline_level(direct) if direct else levels.get(_value(properties, "pStyle"), 0)


def _outline_level(value: str) -> int:
    """A level counted from 1; Word counts from 0 and has 9 for text."""
    return int(value) + 1 if value.isdigit() and int(value) < 9 else 0


# Pictures -----------------------------------------------------------------------------------------------

_PICTURES = frozenset({_WP + "inline", _WP + "anchor", _IMAGE})


def _picture_findings(picture: Any, where: str) -> Iterator[str]:
    alt, width, decorative = _old_picture(picture) if picture.tag == _IMAGE else _picture(picture)
    if decorative or _text(picture):  # a box of text is read as it is
        return
    if not alt:
        yield f"{where} has no alternative text."
    elif _FILE_NAME.fullmatch(alt):
        yield f"{where} has the name of a file, {alt}, as its alternative text."
    elif width >= FIGURE_WIDTH and len(alt) < SHORTEST_ALT:
        yield f"{where} is a figure, and its alternative text says too little: “{alt}”."


def _picture(picture: Any) -> tuple[str, int, bool]:
    """Alternative text, width and whether the picture is marked as decoration."""
    said, extent = picture.find(_WP + "docPr"), picture.find(_WP + "extent")
    width = extent.get("cx", "") if extent is not None else ""
    wide = int(width) if width.isdigit() else 0
    if said is None:
        return "", wide, False
    decorative = any(mark.get("val") in ("1", "true") for mark in said.iter(_DECORATIVE))
    return said.get("descr", "").strip(), wide, decorative


def _old_picture(picture: Any) -> tuple[str, int, bool]:
    """The same for a picture in the older form, which stands in a shape."""
    return picture.getparent().get("alt", "").strip(), 0, False


# Tables -------------------------------------------------------------------------------------------------

#: What a cell may hold instead of text.
_CONTENT = {*_PICTURES, _W + "object", _W + "sym", _W + "tbl"}


def _table_findings(table: Any, where: str) -> Iterator[str]:
    properties = table.find(_W + "tblPr")
    caption = _value(properties, "tblCaption").strip()
    where = f"{where} (“{caption}”)" if caption else where
    said = (("caption", caption), ("description", _value(properties, "tblDescription").strip()))
    lacking = [what for what, text in said if not text]
    if lacking:
        yield f"{where} has no {' and no '.join(lacking)} in its alternative text."
    rows = list(_own(table, "tr"))
    if not rows or not _is_on(rows[0].find(_W + "trPr"), "tblHeader"):
        yield f"{where} has no header row that is marked as one."
    cells = [cell for row in rows for cell in _own(row, "tc")]
    merged = sum(map(_is_merged, cells))
    empty = sum(not _text(cell) and next(cell.iter(*_CONTENT), None) is None for cell in cells)
    for count, what in ((merged, "merged"), (empty, "empty")):
        if count:
            yield f"{where} has {f.plural(count, f'{what} cell')}."


def _own(element: Any, name: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, also those in content controls, but not those of a table inside."""
    for child in element:
        if child.tag == _W + name:
            yield child
        elif child.tag in (_W + "sdt", _W + "sdtContent", _W + "customXml", _W + "ins"):
            yield from _own(child, name)


def _is_merged(cell: Any) -> bool:
    properties = cell.find(_W + "tcPr")
    if properties is None:
        return False
    wide = _value(properties, "gridSpan")
    return (wide.isdigit() and int(wide) > 1) or any(properties.find(_W + n) is not None for n in ("vMerge", "hMerge"))

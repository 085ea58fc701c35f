"""What a new paper has beside the styles of every document that cseval writes: numbered paragraphs, prompts, places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cseval.reporting import word_styles as s
from cseval.reporting.wordml import BOLD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docx.document import Document as WordDocument

#: Numbered headings and the paragraphs under them (3., 3.1, 3.2), and the list of recommendations (1., 2.).
SECTIONS, RECOMMENDATIONS, TABLES = 2, 3, 4
#: How far the text of each level is set in, in twentieths of a point, and how its number is written.
_LEVELS = {SECTIONS: ((709, "%1."), (709, "%1.%2")), RECOMMENDATIONS: ((425, "%1."),), TABLES: ((0, "Table %1:"),)}
#: Id of the style of captions of tables. It numbers them, since a number typed there, or a field, would be replaced
#: with the caption, and LibreOffice does not read a field at the beginning of a control.
TABLE_CAPTION = "TableCaption"


#: What follows a number that has no room of its own.
_AFTER = '<w:suff w:val="space"/>'


def _space(before: int, after: int) -> str:
    return f'<w:spacing w:before="{before}" w:after="{after}" w:line="264" w:lineRule="auto"/>'


def _size(half_points: int) -> str:
    return f'<w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>'


def _counted(number: int, level: int) -> str:
    """Paragraph properties of a level of one of the lists."""
    indent = _LEVELS[number][level][0]
    return (
        f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>{_space(0, 140)}'
        f'<w:ind w:left="{indent}" w:hanging="{indent}"/>'
    )


#: Name, style it is based on, properties of paragraphs, properties of runs. Names that Word knows are written as Word
#: writes them. Prompts are tinted, so that none is overlooked before the paper goes out.
PARAGRAPHS = (
    (
        "heading 3",
        "Normal",
        f'<w:keepNext/><w:keepLines/>{_space(240, 60)}<w:outlineLvl w:val="2"/>',
        f'{BOLD}<w:color w:val="12436D"/>{_size(22)}',
    ),
    ("List Number", "Normal", _counted(RECOMMENDATIONS, 0), ""),
    ("Numbered Paragraph", "Normal", _counted(SECTIONS, 1), ""),
    ("Board Line", "Normal", _space(0, 60), BOLD + _size(26)),
    ("Paper Title", "Title", _space(120, 200), ""),
    ("Table Caption", "Caption", f'<w:numPr><w:numId w:val="{TABLES}"/></w:numPr>', ""),
    ("Finding", "Normal", f"<w:keepNext/><w:keepLines/>{_space(120, 60)}", BOLD),
)
CHARACTERS = (
    ("Placeholder Text", '<w:color w:val="4A4F55"/>'),
    ("Prompt", '<w:shd w:val="clear" w:color="auto" w:fill="FFF3C4"/>'),
)
_KNOWN_TO_WORD = {"heading 3", "List Number", "Placeholder Text"}


def new_paper_document(*, title: str, warning: str = "") -> WordDocument:
    """An empty document with the styles and the numbering of a paper.

    Parameters
    ----------
    title : str
    warning : str
        Stands on top of every page but the first.
    """
    document = s.new_document(title=title, warning=warning)
    styles, numbering = document.styles.element, document.part.numbering_part.element
    present = {style.style_id for style in document.styles}
    styles.extend(_elements(xml for identity, xml in _styles() if identity not in present))
    first_use = next(element for element in numbering if element.tag == s.qualified("num"))
    for definition in _elements(map(_definition, _LEVELS)):
        first_use.addprevious(definition)
    numbering.extend(_elements(map(_use, _LEVELS)))
    return document


def _elements(texts: Iterable[str]) -> list[Any]:
    return list(s.parsed_body("".join(texts)))


def numbered_heading() -> str:
    """Properties of a heading that counts in the numbering of sections."""
    return f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{SECTIONS}"/></w:numPr>'


def _styles() -> list[tuple[str, str]]:
    """Id and XML of every style."""
    paragraphs = (
        _style("paragraph", name, based, f"<w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr>")
        for name, based, paragraph, run in PARAGRAPHS
    )
    characters = (_style("character", n, "DefaultParagraphFont", f"<w:rPr>{run}</w:rPr>") for n, run in CHARACTERS)
    return [*paragraphs, *characters]


def _style(kind: str, name: str, based: str, inner: str) -> tuple[str, str]:
    identity = "".join(word[:1].upper() + word[1:] for word in name.split())
    custom = "" if name in _KNOWN_TO_WORD else ' w:customStyle="1"'
    return identity, (
        f'<w:style w:type="{kind}"{custom} w:styleId="{identity}"><w:name w:val="{name}"/>'
        f'<w:basedOn w:val="{based}"/><w:qFormat/>{inner}</w:style>'
    )


def _definition(number: int) -> str:
    levels = "".join(
        f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
        f'{"" if indent else _AFTER}<w:lvlText w:val="{text}"/><w:lvlJc w:val="left"/>'
        f'<w:pPr><w:ind w:left="{indent}" w:hanging="{indent}"/></w:pPr></w:lvl>'
        for i, (indent, text) in enumerate(_LEVELS[number])
    )
    return f'<w:abstractNum w:abstractNumId="{number}"><w:multiLevelType w:val="multilevel"/>{levels}</w:abstractNum>'


def _use(number: int) -> str:
    return f'<w:num w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>'

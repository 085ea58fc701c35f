"""A new board paper: the council's own sections as a Word document, with a marked place for everything a run found."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import UsageError
from cseval.papers import kinds
from cseval.papers import scaffold_parts as p
from cseval.papers import scaffold_text as t
from cseval.papers.captions import FIGURE, numbered
from cseval.papers.files import replace_paper, require_new
from cseval.papers.runs import DEMONSTRATION, with_title
from cseval.papers.scaffold_places import FIELDS, Controls, Tags, waiting_picture
from cseval.papers.scaffold_styles import new_paper_document, numbered_heading
from cseval.reporting import word_styles as s
from cseval.reporting.wordml import BOLD, block, drawing, escape, value_run

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

    from cseval.papers.scaffold_runs import Shown

#: English Metric Units in a twentieth of a point and in a centimetre.
_EMU, _CENTIMETRE = 635, 360_000
_PROMPT = '<w:rStyle w:val="Prompt"/>'
#: More room below the text under a figure than between a figure and its text.
_BELOW = '<w:spacing w:before="60" w:after="200" w:line="240" w:lineRule="auto"/>'
#: A paragraph that takes no room: a document, or pages that lie alike, must not end with a table.
_NO_ROOM = '<w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/>'


def new_paper(runs: Sequence[Shown], *, slugs: Collection[str], claims: Shown | None = None, title: str = "") -> bytes:
    """A board paper with marked places, as the bytes of a ``.docx``; the same runs give the same bytes.

    Parameters
    ----------
    runs : sequence of Shown
        What the paper is about, at least one, all real or all simulated.
    slugs : collection of str
        Every evaluation of the project, so that a shortened tag cannot mean another one.
    claims : Shown or None
        The table of public claims.
    title : str
        Made from the runs if empty.

    Raises
    ------
    UsageError
        If the title is not one line of text, or a tag would be too long for Word.
    """
    if not runs:
        raise UsageError("no evaluation to write about", where="cseval new paper", expected="at least one")
    title = _one_line(title) if title else t.default_title(runs)
    simulated = any(run.data == DEMONSTRATION for run in runs)
    document = new_paper_document(title=title, warning=kinds.BANNER if simulated else "")
    _say_kind(document, runs[0].data)
    tags = Tags({*slugs, *(run.slug for run in runs)})
    writer = _Writer(tags, lambda png: str(document.part.get_or_add_image(io.BytesIO(png))[0]))
    _fill(document, writer.pages(t.paper_parts(runs, claims, title)))
    return s.saved(document)


def write_paper(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write a new paper in one step, in a folder that is made if need be.

    Parameters
    ----------
    path : Path
    content : bytes
    force : bool
        Replace a paper that is there.

    Raises
    ------
    UsageError
        If there is one and it is not to be replaced, if it is open in Word, or if its folder cannot be made.
    """
    require_new(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot be made ({error.strerror or error})", where=str(path.parent), expected="a folder for the paper"
        ) from error
    replace_paper(path, content)


def _one_line(title: str) -> str:
    if not title.strip() or not title.isprintable():
        raise UsageError(f"{title!r}", where="--title", expected="one line of text")
    return title.strip()


def _say_kind(document: WordDocument, data: str) -> None:
    """Let the file say which data its paper is for, where those who write in it do not see it."""
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    package = document.part.package
    part = Part(PackURI(kinds.PART), kinds.PART_TYPE, kinds.properties_part(data), package)
    package.relate_to(part, kinds.RELATION)


def _fill(document: WordDocument, pages: Sequence[tuple[bool, str]]) -> None:
    """Put text into an empty document: for each run of pages that lie alike, whether on their side, and its text."""
    last = document.element.body.sectPr
    sections = [deepcopy(last) for _ in pages[1:]] + [last]
    body = s.parsed_body("".join(xml + block("", properties=_NO_ROOM + "<w:sectPr/>") for _, xml in pages))
    ends = list(body.iter(s.qualified("sectPr")))
    for number, (section, end, (landscape, _)) in enumerate(zip(sections, ends, pages, strict=True)):
        s.turn(section, landscape=landscape)
        if number:
            section.titlePg_val = None
        end.getparent().replace(end, section)
    # The last section stands at the end of the text and not in a paragraph.
    body.append(last)
    document.element.replace(document.element.body, body)


class _Writer:
    """Parts of a paper as XML; it counts controls, tags and figures as it goes.

    Parameters
    ----------
    tags : Tags
    add_picture : callable
        Takes the bytes of a PNG into the document and returns the id of the relationship to it.
    """

    def __init__(self, tags: Tags, add_picture: Callable[[bytes], str]) -> None:
        self._tags, self._add_picture, self._controls = tags, add_picture, Controls()
        self._figures = count(1)

    def pages(self, parts: Iterable[p.Part]) -> list[tuple[bool, str]]:
        """Whether pages lie on their side, and their text as XML, for each run of pages that lie alike."""
        made = [(False, "")]
        for part in parts:
            if not isinstance(part, p.Turn):
                made[-1] = (made[-1][0], made[-1][1] + self._part(part))
            elif part.landscape != made[-1][0]:
                made.append((part.landscape, ""))
        return made

    def _part(self, part: p.Line | p.Facts | p.TablePlace | p.FigurePlace) -> str:
        """One part, as paragraphs, tables and controls."""
        match part:
            case p.Line():
                return self._line(part)
            case p.Facts():
                return facts_table([(name, self._cell(lines)) for name, lines in part.rows])
            case p.TablePlace():
                return self._table(part)
            case p.FigurePlace():
                return self._figure(part)

    def _line(self, line: p.Line) -> str:
        inner = self._inline(line)
        properties = ("<w:keepNext/>" if line.keep else "") + ("<w:pageBreakBefore/>" if line.new_page else "")
        properties += numbered_heading() if line.numbered else ""
        return block(inner, style=line.style, properties=properties) if inner else ""

    def _cell(self, lines: Iterable[p.Line]) -> list[str]:
        return [runs for runs in map(self._inline, lines) if runs]

    def _inline(self, line: p.Line) -> str:
        """The runs of a line, from the first of its texts whose values are there; empty if none is."""
        if line.literal:
            return value_run(line.texts[0])
        usable = (text for text in line.texts if line.about is None or p.all_there(text, line.about))
        return self._runs(next(usable, ""), line.about)

    def _runs(self, text: str, about: Shown | None) -> str:
        made = (
            self._value(about, *p.named(token))
            if token[0] == "{" and about is not None
            else value_run(token, _PROMPT if token[0] == "[" else "")
            for token in filter(None, p.TOKEN.split(text))
        )
        return "".join(made)

    def _value(self, run: Shown, analysis: str, field: str) -> str:
        words = FIELDS[field]
        return self._controls.value(
            self._tags.value(run, p.slug_of(run, analysis), field), f"{words}: {run.title}", words
        )

    def _table(self, place: p.TablePlace) -> str:
        title = with_title(place.run.tables[place.table], place.run.title)
        tag = self._tags.table(place.run, place.table)
        return self._controls.table(tag, f"Table: {title}", f"table: {title}")

    def _figure(self, place: p.FigurePlace) -> str:
        """Number and title, the picture, and how to read it; what a run decides stands in places of its own."""
        run, figure = place.run, place.run.figures[place.figure]
        tag, number = self._tags.figure(run, place.figure), next(self._figures)
        width, height = _fitted(figure.size, place.highest)
        alt = f"Placeholder for the figure “{figure.title}”, until cseval embed puts it here."
        relation = self._add_picture(waiting_picture(tag, figure.size))
        shown = drawing(relation, number=number, name=place.figure, alt=alt, width=width, height=height)
        caption = numbered(FIGURE, number) + self._with_places(run, with_title(figure.title, run.title))
        return (
            block(caption, style="Caption", properties="<w:keepNext/>")
            + self._controls.picture(tag, f"Figure: {figure.title}", shown)
            + block(self._with_places(run, figure.caption), style="FigureCaption", properties=_BELOW)
        )

    def _with_places(self, run: Shown, text: str) -> str:
        """A text in which the outcome and the sources of the run are places, since another run may change them."""
        known = {p.value_now(run, *name): name for name in ((p.PRIMARY, "outcome"), ("run", "sources"))}
        pattern = "|".join(re.escape(value) for value in known if value)
        pieces = re.split(f"({pattern})", text) if pattern else [text]
        return "".join(
            self._value(run, *known[piece]) if piece in known else value_run(piece) for piece in pieces if piece
        )


# Pieces of the paper --------------------------------------------------------------------------------------


def _fitted(size: tuple[int, int], highest: float) -> tuple[int, int]:
    """Width and height of a figure as wide as the text, or less if it were higher than so many centimetres, in EMU."""
    scale = min(s.PORTRAIT * _EMU / size[0], highest * _CENTIMETRE / size[1])
    return round(size[0] * scale), round(size[1] * scale)


def facts_table(rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """The table at the head of the paper, of two columns, with headings for columns and rows and no empty cell.

    Parameters
    ----------
    rows : iterable of (str, sequence of str)
        Heading of the row as text, and the runs of each paragraph of its cell as XML.
    """
    widths = (round(0.3 * s.PORTRAIT), s.PORTRAIT - round(0.3 * s.PORTRAIT))
    made = _fact_row(value_run("Item", BOLD), [value_run("Details", BOLD)], widths, "<w:cantSplit/><w:tblHeader/>")
    made += "".join(_fact_row(value_run(name, BOLD), cell, widths, "<w:cantSplit/>") for name, cell in rows)
    edges = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="7A8288"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    said = escape("Classification, authors, wards and priority: what each row is, and its text.")
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{s.PORTRAIT}" w:type="dxa"/><w:tblBorders>{edges}</w:tblBorders>'
        '<w:tblLayout w:type="fixed"/><w:tblLook w:val="04A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" '
        'w:lastColumn="0" w:noHBand="0" w:noVBand="1"/><w:tblCaption w:val="About this report"/>'
        f'<w:tblDescription w:val="{said}"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{made}</w:tbl>'
    )


def _fact_row(name: str, cell: Sequence[str], widths: tuple[int, int], properties: str) -> str:
    spaced = '<w:spacing w:before="60" w:after="60" w:line="240" w:lineRule="auto"/>'
    cells = (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
        f"{''.join(block(runs, properties=spaced) for runs in paragraphs)}</w:tc>"
        for paragraphs, width in zip(([name], cell), widths, strict=True)
    )
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"

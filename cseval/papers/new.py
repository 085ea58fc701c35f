"""A new board paper: the council's own sections as a Word document, with a marked place for everything a run found."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.errors import UsageError
from cseval.inputs import DEMONSTRATION
from cseval.papers import scaffold_text as t
from cseval.papers.files import replace_paper
from cseval.papers.runs import HASH_FIELD
from cseval.papers.scaffold_places import FIELDS, Controls, Tags, waiting_picture
from cseval.papers.scaffold_styles import new_paper_document, numbered_heading
from cseval.reporting import word_styles as s
from cseval.reporting.wordml import BOLD, block, drawing, escape, value_run

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

    from cseval.papers.scaffold_runs import Shown

#: English Metric Units in a twentieth of a point, and the highest that a figure may be: 16 centimetres.
_EMU, _HIGHEST = 635, 16 * 360_000
_PRIMARY, _RUN = "primary", "run"
_TOKEN = re.compile(r"(\{\w+/\w+\}|\[[^\[\]]*\])")
_PROMPT = '<w:rStyle w:val="Prompt"/>'
#: Stands where the upright pages end until it is told what they are like.
_SECTION_END = "<w:sectPr/>"
#: A last paragraph that takes no room: a document must not end with a table.
_END = block("", properties='<w:spacing w:before="0" w:after="0" w:line="20" w:lineRule="exact"/>')


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
    document = new_paper_document(title=title, warning=t.BANNER if simulated else "")
    tags = Tags({*slugs, *(run.slug for run in runs)})
    writer = _Writer(tags, lambda png: str(document.part.get_or_add_image(io.BytesIO(png))[0]))
    _fill(document, "".join(map(writer.part, t.paper_parts(runs, claims, title))) + _END)
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
    if path.is_dir() or (os.path.lexists(path) and not force):
        raise UsageError(
            "is a folder" if path.is_dir() else "is there already, and may hold somebody's work",
            where=str(path),
            expected="a new file",
            todo="Choose another name" + (", or add --force to replace it" if not path.is_dir() else ""),
        )
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


def _fill(document: WordDocument, content: str) -> None:
    """Put the text into an empty document; at the mark in it upright pages end, and those after lie on their side."""
    body, last = s.parsed_body(content), document.element.body.sectPr
    mark = body.find(s.qualified("sectPr"))
    mark.getprevious().get_or_add_pPr().append(deepcopy(last))
    body.remove(mark)
    s.turn(last, landscape=True)
    last.titlePg_val = None
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

    def part(self, part: t.Part) -> str:
        """One part, as paragraphs, tables and controls."""
        match part:
            case t.Line():
                return self._line(part)
            case t.Facts():
                return facts_table([(name, self._inline(line)) for name, line in part.rows])
            case t.TablePlace():
                return self._table(part)
            case t.FigurePlace():
                return self._figure(part)
            case t.Sideways():
                return _SECTION_END

    def _line(self, line: t.Line) -> str:
        inner = self._inline(line)
        properties = ("<w:keepNext/>" if line.keep else "") + (numbered_heading() if line.numbered else "")
        return block(inner, style=line.style, properties=properties) if inner else ""

    def _inline(self, line: t.Line) -> str:
        """The runs of a line, from the first of its texts whose values are there; empty if none is."""
        if line.literal:
            return value_run(line.texts[0])
        usable = (text for text in line.texts if line.about is None or all_there(text, line.about))
        return self._runs(next(usable, ""), line.about)

    def _runs(self, text: str, about: Shown | None) -> str:
        made = (
            self._value(about, *named(token))
            if token[0] == "{" and about is not None
            else value_run(token, _PROMPT if token[0] == "[" else "")
            for token in filter(None, _TOKEN.split(text))
        )
        return "".join(made)

    def _value(self, run: Shown, analysis: str, field: str) -> str:
        words = FIELDS[field]
        slug = run.primary if analysis == _PRIMARY else analysis
        return self._controls.value(self._tags.value(run, slug, field), f"{words}: {run.title}", words)

    def _table(self, place: t.TablePlace) -> str:
        title = place.run.tables[place.table]
        alias = f"Table: {title}, {place.run.title}"
        return self._controls.table(self._tags.table(place.run, place.table), alias, f"table: {title}")

    def _figure(self, place: t.FigurePlace) -> str:
        """Number and title, the picture, and how to read it; what a run decides stands in places of its own."""
        run, figure = place.run, place.run.figures[place.figure]
        tag, number = self._tags.figure(run, place.figure), next(self._figures)
        width, height = _fitted(figure.size)
        alt = f"Placeholder for the figure “{figure.title}”, until cseval embed puts it here."
        relation = self._add_picture(waiting_picture(tag, figure.size))
        shown = drawing(relation, number=number, name=place.figure, alt=alt, width=width, height=height)
        caption = _figure_number(number) + self._with_places(run, figure.title)
        return (
            block(caption, style="Caption", properties="<w:keepNext/>")
            + self._controls.picture(tag, f"Figure: {figure.title}", shown)
            + block(self._with_places(run, figure.caption), style="FigureCaption")
        )

    def _with_places(self, run: Shown, text: str) -> str:
        """A text in which the outcome and the sources of the run are places, since another run may change them."""
        known = {value_now(run, *name): name for name in ((_PRIMARY, "outcome"), (_RUN, "sources"))}
        pattern = "|".join(re.escape(value) for value in known if value)
        pieces = re.split(f"({pattern})", text) if pattern else [text]
        return "".join(
            self._value(run, *known[piece]) if piece in known else value_run(piece) for piece in pieces if piece
        )


# Values of a run ------------------------------------------------------------------------------------------


def named(token: str) -> tuple[str, str]:
    """Analysis and field of a token such as ``{primary/change}``."""
    analysis, _, field = token.strip("{}").partition("/")
    return analysis, field


def all_there(text: str, run: Shown) -> bool:
    """Whether the run has every value that a text asks for."""
    tokens = (named(token) for token in _TOKEN.findall(text) if token[0] == "{")
    return all(field == HASH_FIELD or value_now(run, analysis, field) for analysis, field in tokens)


def value_now(run: Shown, analysis: str, field: str) -> str:
    """A value of the run as it is now, without the mark of simulated ones; empty if there is none."""
    from cseval.reporting.places import SIMULATED

    fields: Mapping[str, str] = run.values.get(run.primary if analysis == _PRIMARY else analysis, {})
    text = fields.get(field, "").removesuffix(SIMULATED)
    return "" if text == f.NOT_AVAILABLE else text


# Pieces of the paper --------------------------------------------------------------------------------------


def _fitted(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a figure as wide as the text, or less if it would be too high, in EMU."""
    scale = min(s.PORTRAIT * _EMU / size[0], _HIGHEST / size[1])
    return round(size[0] * scale), round(size[1] * scale)


def _figure_number(number: int) -> str:
    """``Figure 1: ``, as a number that Word counts."""
    counted = f'<w:fldSimple w:instr=" SEQ Figure \\* ARABIC ">{value_run(str(number))}</w:fldSimple>'
    return value_run("Figure ") + counted + value_run(": ")


def facts_table(rows: Iterable[tuple[str, str]]) -> str:
    """The table at the head of the paper, of two columns, with headings for columns and rows and no empty cell.

    Parameters
    ----------
    rows : iterable of (str, str)
        Heading of the row as text, and the runs of its cell as XML.
    """
    widths = (round(0.3 * s.PORTRAIT), s.PORTRAIT - round(0.3 * s.PORTRAIT))
    made = _fact_row(value_run("Item", BOLD), value_run("Details", BOLD), widths, "<w:cantSplit/><w:tblHeader/>")
    made += "".join(_fact_row(value_run(name, BOLD), runs, widths, "<w:cantSplit/>") for name, runs in rows)
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


def _fact_row(name: str, text: str, widths: tuple[int, int], properties: str) -> str:
    spaced = '<w:spacing w:before="60" w:after="60" w:line="240" w:lineRule="auto"/>'
    cells = (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{block(runs, properties=spaced)}</w:tc>'
        for runs, width in zip((name, text), widths, strict=True)
    )
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"

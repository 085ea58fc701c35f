"""Widths of the columns of a table in a Word document, and the type in which no word or number of it breaks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from cseval.reporting.printed import is_numeric, is_span

if TYPE_CHECKING:
    from cseval.reporting.printed import Printed


@dataclass(frozen=True, kw_only=True)
class Face:
    """The type of a table.

    Parameters
    ----------
    size : int
        In half points.
    padding : int
        White space left and right of a cell's text, in twentieths of a point.
    wide : float
        How much wider than Arial it may be.
    font : str
        Its name; empty for that of the document.
    share : float
        The share of the width of a table that what must not break may take for the type to be used.
    """

    size: int
    padding: int
    wide: float = 1.0
    font: str = ""
    share: float = 1.0


#: Nine points; eight only where words or numbers would be broken otherwise.
USUAL, TIGHT = Face(size=18, padding=70), Face(size=16, padding=50)
#: In a document whose font is not known: that font if there is room for a wide one, else one whose widths are known.
FOREIGN = (replace(USUAL, wide=1.2, share=0.85), replace(USUAL, font="Arial"), replace(TIGHT, font="Arial"))

# Widths -----------------------------------------------------------------------------------------------

#: Widths of characters in Arial, in thousandths of the type size; all others are as wide as a digit.
_WIDTHS = {
    222: "ijl'",
    278: " !,./:;If[]\\t\N{NO-BREAK SPACE}",
    333: "()-r`",
    500: "ckJsvxyz",
    584: "+<=>\N{MINUS SIGN}",
    667: "ABEKPSVXY&",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1015: "@",
}
_WIDTH_OF = {ord(c): w for w, characters in _WIDTHS.items() for c in characters}
_DIGIT = 556
#: Twentieths of a point for a thousandth of nine points, with some room to spare: bold type and other fonts are wider.
_SCALE = 0.18 * 1.04
_BOLDER = 1.1
#: Where a line may break: at white space and after the hyphen of a word, but not within 2018-05.
_PARTS = re.compile(r"[ \n\t]+|(?<=[a-z]-)")
_FIGURES = re.compile(r"(?:[\d.,%()\[\]xz/<>+\N{MINUS SIGN} -]|\bto\b)+")
#: Several figures in one cell are kept together where that takes no more than this share of the width.
_ROOM = 0.9
#: A heading may take about as many lines before the cells below it are broken.
_HEADING_LINES = 2.5
#: The share of a column's cells that set its width; the few that are much longer take more lines.
_MOST = 0.85
#: A column of words that needs no more than this share of the width for one line may have it, if all columns then have
#: their least width within the second share.
_NARROW, _BESIDE = 0.18, 0.7
#: How much longer broken text is than in one line, for its lines are not filled to their ends.
_UNFILLED = 1.1
#: What lines of broken text leave empty at their ends, as a share of the longest word.
_RAGGED = 0.35


def column_widths(table: Printed, width: int) -> tuple[int, ...]:
    """Widths of the columns that add up to `width`, so that no cell needs many more lines than another.

    Numbers, intervals and single words stay whole as long as there is room for them; what room is left goes to the
    columns in proportion to what they have.

    Parameters
    ----------
    table : Printed
    width : int
        In twentieths of a point, as are the widths returned.
    """
    return widths_in(table, width, fitting_face(table, width, (USUAL, TIGHT)))


def widths_in(table: Printed, width: int, face: Face) -> tuple[int, ...]:
    """The same for a table that is set in this type."""
    least = _fitting(_ROOM * width, (_needed(table, measure, face) for measure in (_least_of_figures, _least)))
    if sum(least) >= width:
        return _adding_up(_squeezed(table, least, width), width)
    wholes = (_needed(table, _extent, face, lines=_HEADING_LINES, share=share) for share in (1.0, _MOST))
    whole = _fitting(width, ([max(pair) for pair in zip(least, whole, strict=True)] for whole in wholes))
    if sum(whole) <= width:
        return _adding_up(whole, width)
    made = [_adding_up(_even(start, whole, width), width) for start in _starts(least, whole, width)]
    return min(made, key=lambda widths: _lines(table, widths, face))


def _starts(least: Sequence[float], whole: Sequence[float], width: int) -> list[list[float]]:
    """What columns have before the rest is shared out: as little as they must, or short ones or any one its whole."""
    short = [b if b <= _NARROW * width else a for a, b in zip(least, whole, strict=True)]
    starts = [list(least), short] if sum(short) <= _BESIDE * width else [list(least)]
    one = (
        [b if i == j else a for j, (a, b) in enumerate(zip(starts[-1], whole, strict=True))] for i in range(len(least))
    )
    return starts + [start for start in one if sum(start) <= width]


def _lines(table: Printed, widths: Sequence[int], face: Face) -> int:
    """About how many lines the rows of a table take at these widths."""
    scale = face.wide * face.size / USUAL.size
    rooms = [width - 2 * face.padding for width in widths]
    return sum(max(_broken(scale * _extent(c), room) for c, room in zip(row, rooms, strict=True)) for row in table.rows)


def _broken(extent: float, room: int) -> int:
    """How many lines a text takes; those of broken text are not filled to their ends, and widths were rounded."""
    return 1 if extent <= room + 1 else math.ceil(_UNFILLED * extent / max(room, 1))


def _squeezed(table: Printed, least: Sequence[float], width: int) -> list[float]:
    """Widths for a table that cannot but break words: columns of figures stay as wide as they must be."""
    cells = ([row[i] for row in table.rows] for i in range(len(least)))
    figures = [sum(is_numeric(c) or is_span(c) for c in column) > len(column) / 2 for column in cells]
    fixed = sum(w for w, kept in zip(least, figures, strict=True) if kept)
    words = sum(least) - fixed
    if not words or fixed > _BESIDE * width:
        return list(least)
    return [w if kept else w * (width - fixed) / words for w, kept in zip(least, figures, strict=True)]


def _fitting(width: float, choices: Iterable[list[float]]) -> list[float]:
    """The first choice of widths that fits, or the last."""
    made: list[float] = []
    for made in choices:
        if sum(made) <= width:
            break
    return made


def least_width(table: Printed) -> float:
    """The width below which a number, an interval or a word of the table would be broken, in the same unit."""
    return sum(_needed(table, _least, USUAL))


def fitting_face(table: Printed, width: int, faces: Sequence[Face]) -> Face:
    """The first type in which no word or number of the table breaks, or the last."""
    return next((face for face in faces if sum(_needed(table, _least, face)) <= face.share * width), faces[-1])


def _needed(
    table: Printed, measure: Callable[[str], float], face: Face, *, lines: float = 1.0, share: float = 1.0
) -> list[float]:
    """For each column what `share` of its cells need, and its heading in so many lines, with the white space beside."""
    headings = [_BOLDER * measure(heading) / lines for heading in table.headings]
    cells = [_quantile([measure(row[i]) for row in table.rows], share) for i in range(len(headings))]
    cells[0] *= _BOLDER
    scale = face.wide * face.size / USUAL.size
    return [scale * max(pair) + 2 * face.padding for pair in zip(headings, cells, strict=True)]


def _quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed; nothing for none."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else 0.0


@lru_cache(maxsize=1 << 14)
def _extent(text: str) -> float:
    """The width of a text in one line."""
    return _SCALE * sum(_WIDTH_OF.get(ord(c), _DIGIT) for c in text)


def _least(cell: str) -> float:
    """The width of what must not break: the whole cell if it is a number or an interval, else its longest word."""
    if is_numeric(cell) or is_span(cell):
        return _extent(cell)
    return max(map(_extent, _PARTS.split(cell)))


def _least_of_figures(cell: str) -> float:
    """The same, with several figures in one cell kept together: two months, an estimate and its error."""
    return _extent(cell) if _FIGURES.fullmatch(cell) else _least(cell)


def _even(least: Sequence[float], whole: Sequence[float], width: int) -> list[float]:
    """Widths at which the tallest cells of all columns have the same, smallest number of lines, by bisection."""

    def at(lines: float) -> list[float]:
        return [max(a, min(b, b / lines + _RAGGED * a)) for a, b in zip(least, whole, strict=True)]

    few, many = 1.0, max(b / a for a, b in zip(least, whole, strict=True)) / (1.0 - _RAGGED)
    for _ in range(40):
        middle = (few + many) / 2
        few, many = (few, middle) if sum(at(middle)) <= width else (middle, many)
    return at(many)


def _adding_up(widths: Iterable[float], total: int) -> tuple[int, ...]:
    """Whole numbers in the same proportion that add up to `total`."""
    ends = [0.0, *accumulate(widths)]
    return tuple(b - a for a, b in pairwise(round(total * end / ends[-1]) for end in ends))

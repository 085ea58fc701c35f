"""What stands around a control: the width there, the words before it, Word's alternatives; and what a part numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cseval.papers.markup import Reader, W
from cseval.papers.plain import whole

MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WP = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
#: Characters before a control by which a reader finds it in the paper.
_BEFORE = 60
#: White space left and right of the text of a cell, both together, in twentieths of a point.
_CELL_SPACE = 216
_COLUMN_SPACE = 720
#: Names of attributes by which older kinds of drawing refer to a picture, whatever their namespace.
_REFERRING = {"relid", "embed", "link", "pict"}
_SIZES = {
    f"{W} pgSz": ("w", "h"),
    f"{W} pgMar": ("left", "right", "gutter", "top", "bottom"),
    f"{W} cols": ("num", "space"),
}


def text_size(sizes: Mapping[str, int]) -> tuple[int, int]:
    """Width of one column and height of the text of a section, in twentieths of a point; 0 if its sizes do not say.

    Parameters
    ----------
    sizes : mapping of str to int
        Page `w` and `h`, margins `left`, `right`, `top`, `bottom` and `gutter`, number `num` of columns and `space`
        between them.
    """
    columns = max(sizes.get("num", 1), 1)
    wide = {"w", "left", "right"} <= set(sizes)
    high = {"h", "top", "bottom"} <= set(sizes)
    between = (columns - 1) * sizes.get("space", _COLUMN_SPACE) + sizes.get("gutter", 0)
    width = (sizes["w"] - sizes["left"] - sizes["right"] - between) // columns if wide else 0
    height = sizes["h"] - sizes["top"] - sizes["bottom"] if high else 0
    return max(width, 0), max(height, 0)


def cell_width(attributes: Mapping[str, str], where: str) -> int:
    """Width of the text of a cell by the attributes of its width, in twentieths of a point; 0 if they do not say."""
    known = attributes.get(f"{W} type") == "dxa"
    return max(whole(attributes.get(f"{W} w", ""), where) - _CELL_SPACE, 0) if known else 0


class Surroundings(Reader):
    """Reads a part, and at every moment knows what stands around."""

    def __init__(self, where: str) -> None:
        self.where, self.path = where, list[str]()
        self.sections, self.bookmarks = list[tuple[int, int, int]](), list[tuple[int, str]]()
        self.pictures, self.references = set[int](), list[tuple[int, str]]()
        self._said, self._sizes = "", dict[str, int]()
        self._cells, self._branches, self._choices = list[int](), list[tuple[int, int]](), list[list[int]]()
        self._choice_count = 0

    @property
    def before(self) -> str:
        """The last words read."""
        return " ".join(self._said.split())

    @property
    def branches(self) -> tuple[tuple[int, int], ...]:
        """Every choice for old and new versions of Word that is open: which one, and which branch of it."""
        return tuple(self._branches)

    @property
    def cell(self) -> int:
        """Width of the text of the table cell that is open, in twentieths of a point; 0 if there is none."""
        return self._cells[-1] if self._cells else 0

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        """Note what an element that begins says of what follows."""
        begin = _BEGIN.get(name)
        if begin is not None:
            begin(self, attributes)
        if name in _SIZES:
            self._size(name, attributes)
        for key, value in attributes.items():
            if key.startswith(R) or key.rpartition(" ")[2] in _REFERRING:
                self.references.append((at, value))
        self.path.append(name)

    def end(self, at: int, name: str) -> None:
        """Forget what an element that ends stood around."""
        self.path.pop()
        finish = _FINISH.get(name)
        if finish is not None:
            finish(self, at)

    def text(self, data: str) -> None:
        """Keep the last words."""
        if self.path[-1] == f"{W} t":
            self._said = (self._said + data)[-_BEFORE:]

    def _paragraph(self, attributes: Mapping[str, str]) -> None:
        # No more than one space: a paper may have millions of empty paragraphs.
        if not self._said.endswith(" "):
            self._said += " "

    def _cell(self, attributes: Mapping[str, str]) -> None:
        self._cells.append(0)

    def _cell_width(self, attributes: Mapping[str, str]) -> None:
        if self._cells:
            self._cells[-1] = cell_width(attributes, self.where)

    def _cell_ended(self, at: int) -> None:
        self._cells.pop()

    def _section(self, attributes: Mapping[str, str]) -> None:
        self._sizes = {}

    def _size(self, name: str, attributes: Mapping[str, str]) -> None:
        for key in _SIZES[name]:
            value = whole(attributes.get(f"{W} {key}", ""), self.where, otherwise=-1)
            if value != -1:
                self._sizes[key] = abs(value)

    def _section_ended(self, at: int) -> None:
        # The properties that a section had before a tracked change stand inside those it has.
        if not self.path or self.path[-1] != f"{W} sectPrChange":
            self.sections.append((at, *text_size(self._sizes)))

    def _choice(self, attributes: Mapping[str, str]) -> None:
        self._choice_count += 1
        self._choices.append([self._choice_count, 0])

    def _choice_ended(self, at: int) -> None:
        self._choices.pop()

    def _branch(self, attributes: Mapping[str, str]) -> None:
        if self._choices:
            self._choices[-1][1] += 1
            self._branches.append((self._choices[-1][0], self._choices[-1][1]))

    def _branch_ended(self, at: int) -> None:
        if self._choices:
            self._branches.pop()

    def _bookmark(self, attributes: Mapping[str, str]) -> None:
        number = whole(attributes.get(f"{W} id", ""), self.where, otherwise=-1)
        self.bookmarks.append((number, attributes.get(f"{W} name", "")))

    def _picture(self, attributes: Mapping[str, str]) -> None:
        self.pictures.add(whole(attributes.get("id", ""), self.where))


_BEGIN: dict[str, Callable[[Surroundings, Mapping[str, str]], None]] = {
    f"{W} p": Surroundings._paragraph,
    f"{W} tc": Surroundings._cell,
    f"{W} tcW": Surroundings._cell_width,
    f"{W} sectPr": Surroundings._section,
    f"{W} bookmarkStart": Surroundings._bookmark,
    f"{WP} docPr": Surroundings._picture,
    f"{MC} AlternateContent": Surroundings._choice,
    f"{MC} Choice": Surroundings._branch,
    f"{MC} Fallback": Surroundings._branch,
}
_FINISH: dict[str, Callable[[Surroundings, int], None]] = {
    f"{W} tc": Surroundings._cell_ended,
    f"{W} sectPr": Surroundings._section_ended,
    f"{MC} AlternateContent": Surroundings._choice_ended,
    f"{MC} Choice": Surroundings._branch_ended,
    f"{MC} Fallback": Surroundings._branch_ended,
}

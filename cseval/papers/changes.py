"""Tracked changes: the elements that record them, and whether what follows in a part is inside one."""

from __future__ import annotations

from collections.abc import Mapping

from cseval.papers.markup import W

W14 = "http://schemas.microsoft.com/office/word/2010/wordml"
#: Elements that stand around text that is tracked as inserted, deleted or moved.
AROUND = frozenset(
    {f"{W} {name}" for name in "ins del moveFrom moveTo".split()}
    | {f"{W14} {n}" for n in "conflictIns conflictDel".split()}
)
_RANGES = frozenset(
    {f"{W} {name}Range" for name in "moveFrom moveTo".split()}
    | {f"{W} customXml{name}Range" for name in "Ins Del MoveFrom MoveTo".split()}
    | {f"{W14} customXmlConflict{name}Range" for name in "Ins Del".split()}
)
_CELLS = frozenset(f"{W} {name}" for name in ("cellIns", "cellDel", "cellMerge"))
#: Every element that records a tracked change.
TRACKED = (
    AROUND
    | {f"{W} {name}Change" for name in "rPr pPr tblPr tblPrEx tblGrid trPr tcPr sectPr numbering".split()}
    | {f"{name}{end}" for name in _RANGES for end in ("Start", "End")}
    | _CELLS
)
_ROWS_AND_CELLS = (f"{W} tr", f"{W} tc")


class Changes:
    """Follows a part and knows at every moment whether a tracked change is around."""

    def __init__(self) -> None:
        self._around, self._ranges, self._rows = 0, set[tuple[str, str]](), list[bool]()

    @property
    def open(self) -> bool:
        """Whether what comes next is inside a tracked change: in text, in a range, in a row or in a cell."""
        return self._around > 0 or bool(self._ranges) or any(self._rows)

    def start(self, name: str, parent: str, attributes: Mapping[str, str]) -> None:
        """An element begins inside `parent`."""
        self._around += name in AROUND
        if name in _ROWS_AND_CELLS:
            self._rows.append(False)
        elif self._rows and ((name in AROUND and parent == f"{W} trPr") or name in _CELLS):
            self._rows[-1] = True
        elif name.removesuffix("Start") in _RANGES:
            self._ranges.add((name.removesuffix("Start"), attributes.get(f"{W} id", "")))
        elif name.removesuffix("End") in _RANGES:
            self._ranges.discard((name.removesuffix("End"), attributes.get(f"{W} id", "")))

    def end(self, name: str) -> None:
        """An element ends."""
        self._around -= name in AROUND
        if name in _ROWS_AND_CELLS:
            self._rows.pop()

"""What of a person's own stands in a control, or half in it, and would be lost with its text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cseval.papers.captions import TABLE
from cseval.papers.drawings import A
from cseval.papers.markup import W

_M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_LINK, _CONTROL, _BOX = "a hyperlink", "another content control", "a text box"
#: What would be lost with the text of a control, in words.
_HOLDS = {
    f"{W} commentRangeStart": "a comment",
    f"{W} commentRangeEnd": "a comment",
    f"{W} commentReference": "a comment",
    f"{W} footnoteReference": "a footnote",
    f"{W} endnoteReference": "an endnote",
    f"{W} sectPr": "a section break",
    f"{W} object": "an embedded object",
    f"{W} altChunk": "an embedded document",
    f"{W} subDoc": "an embedded document",
    f"{W} contentPart": "a drawing in ink",
    f"{W} sdt": _CONTROL,
    f"{W} txbxContent": _BOX,
    f"{W} hyperlink": _LINK,
    f"{A} hlinkClick": _LINK,
    f"{_M} oMath": "an equation",
}
#: What older versions of Word show in place of a picture repeats it.
_SHOWN_ONLY = {f"{W} pict": "a picture or a shape"}
#: The field by which Word numbers captions of tables, which cseval writes anew.
_NUMBER = re.compile(rf"\s*SEQ\s+{TABLE}\b")
_INSTRUCTION = 200
_BEGIN, _END, _SEPARATE = "begin", "end", "separate"
#: Ends of ranges that are kept or have a name of their own above.
_KNOWN = (f"{W} commentRange",)


class Belongings:
    """Collects them from the events of a control's XML."""

    def __init__(self) -> None:
        self._holds, self._instructions = dict[str, None](), list[str]()
        self._fields, self._ranges = list[str](), set[tuple[str, str]]()
        self._half_field = self._half_range = False

    @property
    def holds(self) -> list[str]:
        """What stands whole in the control, in words."""
        return list(self._holds)

    @property
    def halves(self) -> list[str]:
        """What begins or ends in the control, but not both, in words."""
        fields = ["a field"] if self._half_field or self._instructions else []
        return [*fields, *(["a marked range"] if self._half_range or self._ranges else [])]

    @property
    def numbers(self) -> int:
        """How many fields number a table."""
        return sum(_NUMBER.match(field) is not None for field in self._fields)

    @property
    def fields(self) -> int:
        """How many fields there are besides."""
        return len(self._fields) - self.numbers

    def start(self, name: str, attributes: Mapping[str, str], *, repeated: bool) -> None:
        """An element begins; `repeated` if only older versions of Word show it."""
        found = _HOLDS.get(name) or ("" if repeated else _SHOWN_ONLY.get(name, ""))
        if found:
            self._holds[found] = None
        if name == f"{W} fldSimple":
            self._fields.append(attributes.get(f"{W} instr", "")[:_INSTRUCTION])
        elif name == f"{W} fldChar":
            self._field(attributes.get(f"{W} fldCharType", ""))
        elif name.endswith(("RangeStart", "RangeEnd")):
            self._range(name, attributes.get(f"{W} id", ""))

    def instruction(self, data: str) -> None:
        """What a field is to show."""
        if self._instructions:
            self._instructions[-1] = (self._instructions[-1] + data)[:_INSTRUCTION]

    def _field(self, kind: str) -> None:
        if kind == _BEGIN:
            self._instructions.append("")
        elif not self._instructions:
            self._half_field = self._half_field or kind in (_END, _SEPARATE)
        elif kind == _END:
            self._fields.append(self._instructions.pop())

    def _range(self, name: str, number: str) -> None:
        base, begins = name.removesuffix("Start").removesuffix("End"), name.endswith("Start")
        if base in _KNOWN:
            return
        if begins:
            self._ranges.add((base, number))
        elif (base, number) in self._ranges:
            self._ranges.remove((base, number))
        else:
            self._half_range = True

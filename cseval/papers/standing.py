"""What stands in a control now: its text, its formatting, its pictures, its mark, and what of it must not be lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cseval.papers.belongings import Belongings
from cseval.papers.changes import TRACKED
from cseval.papers.drawings import Drawing, Drawings
from cseval.papers.marks import MARK
from cseval.papers.markup import Reader, Span, W, declaring, element_end, inner, read, tag_end
from cseval.papers.plain import whole
from cseval.papers.surroundings import MC, cell_width

_FALLBACK = f"{MC} Fallback"
#: What elements inside a run stand for in comparable text.
_CHARACTERS = {
    **{f"{W} {name}": " " for name in ("tab", "br", "cr", "ptab")},
    f"{W} noBreakHyphen": "-",
    f"{W} sym": "\N{REPLACEMENT CHARACTER}",
}
_STARTS, _ENDS = {f"{W} bookmarkStart", f"{W} permStart"}, {f"{W} bookmarkEnd", f"{W} permEnd"}


@dataclass(kw_only=True)
class Standing:
    """What stands in a control; offsets are from the beginning of its content.

    Parameters
    ----------
    lines : list of str
        Its paragraphs in comparable form, empty ones left out.
    run, paragraph : bytes
        What the properties of its first run of text and of its first paragraph hold, as XML.
    declared : dict of str to str
        Namespaces by prefix that these need and that are declared inside the control alone.
    table_style : str
        Id of the style of its first table.
    cells : list of Span
        What stands in each of its cells, for a control that holds cells.
    room : int
        Width of the text of the first of these cells, in twentieths of a point; 0 if it is not given.
    drawings : list of Drawing
    marks : list of (int, int, str)
        Every mark of cseval's: where it begins, its number, its name.
    before, after : str
        Bookmarks and permissions of the paper's own that begin and that end inside, as XML with the prefix ``w:``.
    tracked : bool
        Whether a tracked change is inside.
    belongings : Belongings
        What would be lost with its text.
    """

    lines: list[str] = field(default_factory=list)
    run: bytes = b""
    paragraph: bytes = b""
    declared: dict[str, str] = field(default_factory=dict)
    table_style: str = ""
    cells: list[Span] = field(default_factory=list)
    room: int = 0
    drawings: list[Drawing] = field(default_factory=list)
    marks: list[tuple[int, int, str]] = field(default_factory=list)
    before: str = ""
    after: str = ""
    tracked: bool = False
    belongings: Belongings = field(default_factory=Belongings)

    @property
    def text(self) -> str:
        """All of its text, one paragraph a line."""
        return "\n".join(self.lines)


def comparable(text: str) -> str:
    """Text as it is compared: Word's own saving changes how it is split, not what it reads."""
    return " ".join(text.replace("\N{NON-BREAKING HYPHEN}", "-").replace("\N{SOFT HYPHEN}", "").split())


def read_standing(content: bytes, scope: Mapping[str, str], where: str) -> Standing:
    """Read what stands in a control.

    Parameters
    ----------
    content : bytes
        Of the control, as XML.
    scope : mapping of str to str
        Namespaces by prefix that are declared around it.
    where : str
        What messages call the part.
    """
    declared = {prefix: uri for prefix, uri in scope.items() if prefix != "xml"}
    wrapper = declaring("<x/>", declared)[:-2].encode() + b">"
    scan = _Scan(wrapper + content + b"</x>", len(wrapper), scope, where)
    read(scan.content, scan, where)
    scan.flush()
    scan.found.before, scan.found.after = "".join(scan.before), "".join(scan.after)
    return scan.found


class _Scan(Reader):
    """Reads the content of a control."""

    def __init__(self, content: bytes, offset: int, scope: Mapping[str, str], where: str) -> None:
        self.content, self.offset, self.scope, self.found = content, offset, scope, Standing()
        self.where, self.before, self.after = where, list[str](), list[str]()
        self._path, self._begun = list[str](), list[int]()
        self._drawings, self._fallbacks = Drawings(content, offset, where), 0
        self.found.drawings = self._drawings.found
        self._line, self._paragraphs, self._own = list[str](), 0, set[str]()
        self._run, self._run_needs, self._run_text, self._run_known = b"", dict[str, str](), False, False

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        self._fallbacks += name == _FALLBACK
        self.found.tracked = self.found.tracked or name in TRACKED
        self.found.belongings.start(name, attributes, repeated=self._fallbacks > 0)
        if self._path and not self._fallbacks:
            self._begins(at, name, attributes, scope)
        self._path.append(name)
        self._begun.append(at)

    def end(self, at: int, name: str) -> None:
        self._path.pop()
        begin = self._begun.pop()
        if self._path and not self._fallbacks:
            self._drawings.end(begin, at, name)
            finish = _FINISH.get((self._path[-1], name)) or _FINISH.get(("", name))
            if finish is not None:
                finish(self, begin, at)
        self._fallbacks -= name == _FALLBACK

    def text(self, data: str) -> None:
        if not self._fallbacks and self._path[-1] == f"{W} t":
            self._line.append(data)
            self._run_text = True
        elif self._path[-1] == f"{W} instrText":
            self.found.belongings.instruction(data)

    def flush(self) -> None:
        """End a line of text."""
        line = comparable("".join(self._line))
        self._line.clear()
        if line:
            self.found.lines.append(line)

    def _begins(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        parent = self._path[-1]
        self._drawings.start(at, name, self._path, self._begun, attributes)
        if parent == f"{W} r" and name in _CHARACTERS:
            self._line.append(_CHARACTERS[name])
        if name in _STARTS or name in _ENDS:
            self._range(at, name, attributes)
        elif name == f"{W} tblStyle":
            self.found.table_style = self.found.table_style or attributes.get(f"{W} val", "")
        elif name == f"{W} p":
            self._paragraphs += 1
        elif name == f"{W} r":
            self._run, self._run_needs, self._run_text = b"", {}, False
        elif name == f"{W} rPr" and parent == f"{W} r":
            self._run_needs = self._needs(scope)
        elif name == f"{W} pPr" and self._paragraphs == 1:
            self.found.declared |= self._needs(scope)
        elif name == f"{W} tc" and len(self._path) == 1:
            begin = tag_end(self.content, at) - self.offset
            self.found.cells.append(Span(begin, begin))
        elif name == f"{W} tcW" and len(self._path) == 3:
            self.found.room = self.found.room or cell_width(attributes, self.where)

    def _needs(self, scope: Mapping[str, str]) -> dict[str, str]:
        """Prefixes that are declared inside the control."""
        return {prefix: uri for prefix, uri in scope.items() if self.scope.get(prefix) != uri and prefix != "xml"}

    def _range(self, at: int, name: str, attributes: Mapping[str, str]) -> None:
        """Keep one end of a bookmark: cseval's own apart, others to be written again."""
        number = attributes.get(f"{W} id", "")
        if name == f"{W} bookmarkStart" and MARK.fullmatch(attributes.get(f"{W} name", "")):
            self._own.add(number)
            known = whole(number, self.where, otherwise=-1)
            self.found.marks.append((at - self.offset, known, attributes[f"{W} name"]))
        elif name in _STARTS:
            self.before.append(_empty_element(name, attributes))
        elif name != f"{W} bookmarkEnd" or number not in self._own:
            self.after.append(_empty_element(name, attributes))

    def _run_ended(self, begin: int, at: int) -> None:
        """Keep the properties of the first run that has text, or of the first of all while none has."""
        if self._run_known or (self.found.run and not self._run_text):
            return
        self.found.run, self._run_known = self._run, self._run_text
        self.found.declared |= self._run_needs

    def _run_properties_ended(self, begin: int, at: int) -> None:
        self._run = inner(self.content, begin, at).of(self.content)

    def _paragraph_properties_ended(self, begin: int, at: int) -> None:
        if self._paragraphs == 1:
            self.found.paragraph = inner(self.content, begin, at).of(self.content)

    def _paragraph_ended(self, begin: int, at: int) -> None:
        self.flush()

    def _cell_properties_ended(self, begin: int, at: int) -> None:
        if len(self._path) == 2:
            end = element_end(self.content, begin, at) - self.offset
            self.found.cells[-1] = Span(end, end)

    def _cell_ended(self, begin: int, at: int) -> None:
        if len(self._path) == 1:
            self.found.cells[-1] = Span(self.found.cells[-1].start, at - self.offset)


def _empty_element(name: str, attributes: Mapping[str, str]) -> str:
    from cseval.reporting.wordml import escape

    given = [(key.rpartition(" ")[2], value) for key, value in attributes.items() if key.startswith(W)]
    return f"<w:{name.rpartition(' ')[2]}" + "".join(f' w:{key}="{escape(value)}"' for key, value in given) + "/>"


#: What is done at the end of an element, by its parent where that matters.
_FINISH: dict[tuple[str, str], Callable[[_Scan, int, int], None]] = {
    ("", f"{W} r"): _Scan._run_ended,
    ("", f"{W} p"): _Scan._paragraph_ended,
    ("", f"{W} tc"): _Scan._cell_ended,
    (f"{W} r", f"{W} rPr"): _Scan._run_properties_ended,
    (f"{W} p", f"{W} pPr"): _Scan._paragraph_properties_ended,
    (f"{W} tc", f"{W} tcPr"): _Scan._cell_properties_ended,
}

"""Content controls of a part, found by their tag, with the bytes of their content and what Word lets them hold."""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cseval.errors import DataError
from cseval.papers.changes import TRACKED, W14, Changes
from cseval.papers.markup import Reader, Span, W, element_end, inner, is_closed, read, tag_end, tag_name
from cseval.papers.parts import is_on, strict
from cseval.papers.plain import quoted
from cseval.papers.surroundings import Surroundings

PREFIX = "cseval:"
#: A word is taken for a slip of the pen from this share of letters on: ``csevel``, but not ``eval`` or ``several``.
_NAME, _ALIKE, _LENGTHS = PREFIX.rstrip(":"), 0.8, (5, 6, 7)
RUN, BLOCK, ROW, CELL = "run", "block", "row", "cell"
RICH, PLAIN, PICTURE = "rich text", "plain text", "picture"

_W15 = "http://schemas.microsoft.com/office/word/2012/wordml"
_SDT, _PROPERTIES, _CONTENT = f"{W} sdt", f"{W} sdtPr", f"{W} sdtContent"

#: The elements that decide at which level a control inside them stands; all others leave it to what is around them.
_LEVELS = {
    **{f"{W} {name}": RUN for name in "p hyperlink fldSimple dir bdo r rt rubyBase".split()},
    **{f"{W} {name}": BLOCK for name in "body tc hdr ftr footnote endnote txbxContent docPartBody".split()},
    f"{W} tbl": ROW,
    f"{W} tr": CELL,
}
#: What Word calls the kinds of control, by the element that makes them.
_KINDS = {
    f"{W} richText": RICH,
    f"{W} group": RICH,
    f"{W} text": PLAIN,
    f"{W} picture": PICTURE,
    f"{W} comboBox": "combo box",
    f"{W} dropDownList": "drop-down list",
    f"{W} date": "date picker",
    f"{W} docPartList": "building block gallery",
    f"{W} docPartObj": "building block gallery",
    f"{W} citation": "citation",
    f"{W} bibliography": "bibliography",
    f"{W} equation": "equation",
    f"{W14} checkbox": "check box",
    f"{_W15} repeatingSection": "repeating section",
}
_BINDINGS = {f"{W} dataBinding", f"{_W15} dataBinding"}


@dataclass(frozen=True, kw_only=True)
class Control:
    """A content control whose tag is meant for cseval.

    Parameters
    ----------
    part : str
        The part it is in.
    tag, title : str
        As a person gave them in Word.
    level : {"run", "block", "row", "cell"}
        Whether it holds text in a paragraph, whole paragraphs and tables, rows, or cells.
    kind : str
        What Word calls it, such as ``rich text``.
    content : Span
        Bytes of the part between the tags of its content.
    closed : bool
        Whether the content is one empty tag; `content` is then empty and stands behind it.
    content_name : bytes
        The content's tag as it is written.
    placeholder : Span or None
        The element that says that its text is a placeholder; None if it is not.
    properties : bytes
        Of runs, as XML, that Word gives to what is typed in place of a placeholder.
    bound : bool
        Whether it, or a control around it, is filled from data inside the document.
    tracked : bool
        Whether a tracked change is around it or in its properties.
    inside : str
        Tag of the cseval control it is inside; empty if it is in none.
    branches : tuple of (int, int)
        Every choice for old and new versions of Word that it is in: which one, and which branch of it.
    scope : mapping of str to str
        Namespaces by prefix where its content stands.
    room, height : int
        Width there and height of the text of a page, in twentieths of a point; 0 if the part does not say.
    before : str
        The text just before it.
    """

    part: str
    tag: str
    title: str
    level: str
    kind: str
    content: Span
    closed: bool
    content_name: bytes
    placeholder: Span | None
    properties: bytes
    bound: bool
    tracked: bool
    inside: str
    branches: tuple[tuple[int, int], ...]
    scope: Mapping[str, str]
    room: int
    height: int
    before: str

    @property
    def name(self) -> str:
        """The tag, or the title where it stands in the wrong box."""
        return self.tag or self.title


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was found in a part.

    Parameters
    ----------
    controls : tuple of Control
        In the order of the part.
    others : int
        Number of controls that are not meant for cseval.
    bookmarks : tuple of (int, str)
        Number and name of every bookmark; −1 for a number that is none.
    pictures : frozenset of int
        Numbers of drawings.
    references : tuple of (int, str)
        Where a relationship is referred to, and its id.
    room, height : int
        Width and height of the text of the last section, in twentieths of a point; 0 if the part does not say.
    """

    controls: tuple[Control, ...]
    others: int
    bookmarks: tuple[tuple[int, str], ...]
    pictures: frozenset[int]
    references: tuple[tuple[int, str], ...]
    room: int
    height: int


def find_controls(content: bytes, part: str, where: str) -> Story:
    """Read a part and find every control that is meant for cseval, by its tag or, where it has none, by its title.

    Parameters
    ----------
    content : bytes
        Of the part.
    part, where : str
        Its name, and what messages call it.

    Raises
    ------
    DataError
        If it is malformed or no part of a Word document.
    UsageError
        If it is Strict Open XML.
    """
    scan = _Scan(content, part, where)
    read(content, scan, where)
    around = scan.around
    _, room, height = around.sections[-1] if around.sections else (0, 0, 0)
    return Story(
        controls=tuple(sorted((_placed(c, around.sections) for c in scan.found), key=lambda c: c.content.start)),
        others=scan.others,
        bookmarks=tuple(around.bookmarks),
        pictures=frozenset(around.pictures),
        references=tuple(around.references),
        room=room,
        height=height,
    )


def is_meant(text: str) -> bool:
    """Whether a tag, rightly written or not, is meant for cseval: it begins with that name or one much like it.

    A name that is only like it counts where something follows it as in a tag: other papers have tags of their own.
    """
    first, *more = re.split("[:;/]", text.strip().lower(), maxsplit=1)
    letters = "".join(filter(str.isalpha, first))
    alike = letters.startswith(_NAME) or any(
        difflib.SequenceMatcher(None, letters[:length], _NAME).ratio() > _ALIKE for length in _LENGTHS
    )
    return first == _NAME or (alike and bool(more))


def _placed(control: Control, sections: list[tuple[int, int, int]]) -> Control:
    """The control with the size of its section, told at the section's end; a cell gave a width before."""
    at = bisect.bisect_left(sections, (control.content.end,))
    _, room, height = sections[at] if at < len(sections) else (0, 0, 0)
    return replace(control, room=control.room or room, height=height)


@dataclass(kw_only=True)
class _Open:
    """A control whose end is still to come."""

    level: str
    before: str
    room: int
    inside: str
    branches: tuple[tuple[int, int], ...]
    bound: bool
    tracked: bool
    tag: str = ""
    title: str = ""
    kind: str = RICH
    height: int = 0
    placeholder: Span | None = None
    properties: bytes = b""
    content: Span | None = None
    closed: bool = False
    content_name: bytes = b""
    scope: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The tag, or the title where there is none."""
        return self.tag or self.title


class _Scan(Reader):
    """Reads a part and keeps its controls that are meant for cseval."""

    def __init__(self, content: bytes, part: str, where: str) -> None:
        self.content, self.part, self.where = content, part, where
        self.around, self.found, self.others = Surroundings(where), list[Control](), 0
        self._open, self._starts, self._changes = list[_Open](), dict[str, int](), Changes()

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        within = self.around.path[-2:]
        if not within:
            self._require_word(name)
        if within == [_SDT, _PROPERTIES]:
            self._property(at, name, attributes)
        elif name == _SDT:
            self._begin()
        elif name == _CONTENT and within[-1:] == [_SDT]:
            self._content_begins(at, scope)
        if name in TRACKED and self._open and self._open[-1].content is None:
            self._open[-1].tracked = True
        self._changes.start(name, within[-1] if within else "", attributes)
        self.around.start(at, name, attributes, scope)

    def end(self, at: int, name: str) -> None:
        self.around.end(at, name)
        within = self.around.path[-2:]
        if within == [_SDT, _PROPERTIES]:
            self._property_ended(at, name)
        elif name == _CONTENT and within[-1:] == [_SDT]:
            self._content_ended(at)
        elif name == _SDT:
            self._finish()
        self._changes.end(name)

    def text(self, data: str) -> None:
        self.around.text(data)

    def _require_word(self, name: str) -> None:
        uri = name.rpartition(" ")[0]
        if uri.startswith("http://purl.oclc.org/ooxml/"):
            raise strict(self.where)
        if uri != W:
            raise DataError(f"the root {quoted(name)}", where=self.where, expected="a part of a Word document")

    def _begin(self) -> None:
        self._open.append(
            _Open(
                level=next((_LEVELS[name] for name in reversed(self.around.path) if name in _LEVELS), BLOCK),
                before=self.around.before,
                room=self.around.cell,
                inside=self._inside(),
                branches=self.around.branches,
                bound=bool(self._open) and self._open[-1].bound,
                tracked=self._changes.open,
            )
        )

    def _inside(self) -> str:
        """The nearest control of cseval that is open."""
        if not self._open:
            return ""
        return self._open[-1].name if is_meant(self._open[-1].name) else self._open[-1].inside

    def _property(self, at: int, name: str, attributes: Mapping[str, str]) -> None:
        control, value = self._open[-1], attributes.get(f"{W} val", "").strip()
        self._starts[name] = at
        if name == f"{W} tag":
            control.tag = value
        elif name == f"{W} alias":
            control.title = value
        elif name == f"{W} showingPlcHdr" and is_on(attributes):
            control.placeholder = Span(at, at)
        control.bound = control.bound or name in _BINDINGS
        control.kind = _KINDS.get(name, control.kind)

    def _property_ended(self, at: int, name: str) -> None:
        control, begin = self._open[-1], self._starts[name]
        if name == f"{W} rPr":
            control.properties = inner(self.content, begin, at).of(self.content)
        elif name == f"{W} showingPlcHdr" and control.placeholder is not None:
            control.placeholder = Span(begin, element_end(self.content, begin, at))

    def _content_begins(self, at: int, scope: Mapping[str, str]) -> None:
        control, begin = self._open[-1], tag_end(self.content, at)
        if control.content is not None:
            raise self._damaged(control.name, "with two contents")
        control.content, control.closed = Span(begin, begin), is_closed(self.content, at)
        control.content_name, control.scope = tag_name(self.content, at), scope

    def _content_ended(self, at: int) -> None:
        control = self._open[-1]
        if control.content is not None and not control.closed:
            control.content = Span(control.content.start, at)

    def _finish(self) -> None:
        """Keep the control that ends, if it is meant for cseval."""
        made = vars(self._open.pop())
        titled = not made["tag"] and "/" in made["title"] and is_meant(made["title"])
        if not (is_meant(made["tag"]) or titled):
            # What Word keeps twice, for its old and new versions, counts once.
            self.others += all(branch == 1 for _, branch in made["branches"])
            return
        if made["content"] is None:
            raise self._damaged(made["tag"] or made["title"], "without content")
        self.found.append(Control(part=self.part, **made))

    def _damaged(self, name: str, how: str) -> DataError:
        return DataError(
            f"control {quoted(name)} {how}",
            where=self.where,
            expected="one that holds text",
            todo="Open the paper in Word, remove the control and save it again as Word Document (.docx)",
        )

"""XML of a paper read by byte offsets, so that what is not to change can be kept byte by byte.

Only UTF-8 without any document type declaration is read: an entity of its own is what an XML bomb needs, and no
program writes one into a Word document. Names of elements and attributes are ``"namespace local"``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from xml.parsers import expat

from cseval.errors import DataError
from cseval.papers.plain import printable

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
#: Word writes a few dozen of either; more would only serve to exhaust the memory of whoever reads them.
MOST_LEVELS = MOST_PREFIXES = 1000
_SAVE = "Open the paper in Word and save it again as Word Document (.docx)"
_ENCODING = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")
_PROLOGUE = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?(?:\s++|<\?(?:(?!\?>).)*+\?>|<!--(?:(?!-->).)*+-->)*+<!DOCTYPE", re.DOTALL
)
_TAG = re.compile(rb"""(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_ATTRIBUTE = re.compile(rb"""([^\s=<>/"']+)\s*=\s*("[^"]*"|'[^']*')""")
_NAME = re.compile(rb"</?([^\s/>]+)")


class Span(NamedTuple):
    """Bytes from `start` up to `end`."""

    start: int
    end: int

    def of(self, content: bytes) -> bytes:
        """These bytes of `content`."""
        return content[self.start : self.end]

    def moved(self, by: int) -> Span:
        """The same bytes, counted from `by` bytes earlier."""
        return Span(self.start + by, self.end + by)


class Edit(NamedTuple):
    """New bytes in place of those of a span; an empty span is an insertion."""

    span: Span
    new: bytes


def edited(content: bytes, edits: list[Edit]) -> bytes:
    """The content with every edit made; those at one place in the order given. Spans do not overlap."""
    pieces, at = [], 0
    for span, new in sorted(edits, key=lambda e: e.span.start):
        pieces += [content[at : span.start], new]
        at = span.end
    return b"".join([*pieces, content[at:]])


# Reading ----------------------------------------------------------------------------------------------


class Reader:
    """What is called while XML is read: override what is of interest.

    `at` is the byte offset of the tag; at the end of an element without an end tag, the offset behind it.
    """

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        """An element begins; `scope` is every prefix that is bound there, the default one as ``""``."""

    def end(self, at: int, name: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Characters."""


def read(content: bytes, reader: Reader, where: str) -> None:
    """Read XML from beginning to end.

    Raises
    ------
    DataError
        If it is not UTF-8, declares a document type, or is malformed.
    """
    _require_utf8(content, where)
    if has_doctype(content):
        raise _doctype(where)
    parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
    _attach(parser, reader, where)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise DataError(
            f"malformed XML ({expat.ErrorString(error.code)}, line {error.lineno}, column {error.offset + 1})",
            where=where,
            expected="a document that Word opens without repair",
            todo=_SAVE,
        ) from error


def _attach(parser: Any, reader: Reader, where: str) -> None:
    """Hand the parser's events on, with offsets and with the prefixes that are in scope."""
    scopes: list[dict[str, str]] = [{"xml": "http://www.w3.org/XML/1998/namespace"}]
    declared: dict[str, str] = {}

    def declare(prefix: str | None, uri: str | None) -> None:
        declared[prefix or ""] = uri or ""

    def start(name: str, attributes: dict[str, str]) -> None:
        scopes.append({**scopes[-1], **declared} if declared else scopes[-1])
        declared.clear()
        if len(scopes) > MOST_LEVELS or len(scopes[-1]) > MOST_PREFIXES:
            raise _too_deep(where)
        reader.start(parser.CurrentByteIndex, name, attributes, scopes[-1])

    def end(name: str) -> None:
        reader.end(parser.CurrentByteIndex, name)
        scopes.pop()

    def doctype(*_: object) -> None:
        raise _doctype(where)

    parser.StartNamespaceDeclHandler = declare
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.text, doctype


def _too_deep(where: str) -> DataError:
    return DataError(
        f"more than {MOST_LEVELS:,} elements in one another, or as many prefixes",
        where=where,
        expected="XML as Word writes it",
        todo="Do not trust this file; ask where it comes from",
    )


def has_doctype(content: bytes) -> bool:
    """Whether XML in any Unicode encoding begins with a document type declaration."""
    head = content[:100_000]
    return _PROLOGUE.match(head.replace(b"\0", b"")) is not None


def _doctype(where: str) -> DataError:
    return DataError(
        "XML with a document type or entities of its own",
        where=where,
        expected="XML as Word writes it",
        todo=f"Do not trust this file; ask where it comes from. {_SAVE}",
    )


def _require_utf8(content: bytes, where: str) -> None:
    declared = _ENCODING.match(content)
    name = declared[1].decode("ascii", "replace") if declared else "UTF-8"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:4]:
        name = "UTF-16"
    if name.upper() != "UTF-8":
        raise DataError(f"XML in {printable(name, 40)}", where=where, expected="UTF-8, as Word writes it", todo=_SAVE)


# Tags -------------------------------------------------------------------------------------------------


def tag_end(content: bytes, at: int) -> int:
    """The offset behind the tag that begins at `at`; a ``>`` inside quotes does not end it."""
    found = _TAG.match(content, at)
    return found.end() if found else len(content)


def is_closed(content: bytes, at: int) -> bool:
    """Whether the start tag at `at` ends its element too, as ``<w:t/>`` does."""
    end = tag_end(content, at)
    return content[end - 2 : end] == b"/>"


def tag_name(content: bytes, at: int) -> bytes:
    """The name in the tag at `at` as it is written, with its prefix."""
    found = _NAME.match(content, at)
    return found[1] if found else b""


def element_end(content: bytes, at: int, ended: int) -> int:
    """The offset behind an element that begins at `at` and whose end was told as `ended`."""
    return tag_end(content, at) if is_closed(content, at) else tag_end(content, ended)


def inner(content: bytes, at: int, ended: int) -> Span:
    """What stands between the tags of an element that begins at `at` and whose end was told as `ended`."""
    begin = tag_end(content, at)
    return Span(begin, begin if is_closed(content, at) else ended)


def with_attribute(content: bytes, at: int, local: str, value: str) -> list[Edit]:
    """The edit that gives the start tag at `at` an attribute, by local name; none if it has that value already.

    An attribute that is absent is added without a prefix.
    """
    from cseval.reporting.wordml import escape

    end = tag_end(content, at)
    new = escape(value).encode()
    begin = at + len(tag_name(content, at)) + 1
    for found in _ATTRIBUTE.finditer(content, begin, end):
        if found[1].rpartition(b":")[2] == local.encode():
            same = found[2][1:-1] == new
            return [] if same else [Edit(Span(*found.span(2)), b'"' + new + b'"')]
    where = end - (2 if is_closed(content, at) else 1)
    return [Edit(Span(where, where), b" " + local.encode() + b'="' + new + b'"')]


def has_attribute(content: bytes, at: int, local: str) -> bool:
    """Whether the start tag at `at` has an attribute of this local name."""
    begin = at + len(tag_name(content, at)) + 1
    found = _ATTRIBUTE.finditer(content, begin, tag_end(content, at))
    return any(m[1].rpartition(b":")[2] == local.encode() for m in found)


def appended(content: bytes, element: str, where: str) -> bytes:
    """XML with one more element at the end of its root, in the root's own namespace; `element` is ``<Name .../>``."""
    root = _Root()
    read(content, root, where)
    prefixed = b":" in tag_name(content, root.at)
    namespace = f' xmlns="{root.name.rpartition(" ")[0]}"' if prefixed else ""
    new = re.sub(r"^<(\w+)", rf"<\1{namespace}", element).encode()
    if is_closed(content, root.at):
        cut = tag_end(content, root.at) - 2
        name = tag_name(content, root.at)
        return content[:cut].rstrip() + b">" + new + b"</" + name + b">" + content[cut + 2 :]
    return content[: root.ended] + new + content[root.ended :]


class _Root(Reader):
    """Where the root begins and ends."""

    def __init__(self) -> None:
        self.at, self.ended, self.name = -1, -1, ""

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        if self.at < 0:
            self.at, self.name = at, name

    def end(self, at: int, name: str) -> None:
        self.ended = at


def declaring(fragment: str, namespaces: Mapping[str, str]) -> str:
    """XML elements side by side, each with these prefixes declared; none of them may be declared on one already."""
    from cseval.reporting.wordml import escape

    if not namespaces:
        return fragment
    made = "".join(f' xmlns{":" if p else ""}{p}="{escape(uri)}"' for p, uri in sorted(namespaces.items()))
    content = f"<x>{fragment}</x>".encode()
    edits = [Edit(Span(at, at), made.encode()) for at in _behind_names(content)]
    return edited(content, edits)[len("<x>") : -len("</x>")].decode()


def _behind_names(content: bytes) -> list[int]:
    """The offsets behind the names of the root's children; prefixes need not be declared."""
    parser = expat.ParserCreate("UTF-8")
    depth, places = 0, list[int]()

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if depth == 1:
            places.append(parser.CurrentByteIndex + 1 + len(name.encode()))
        depth += 1

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(content, True)
    return places

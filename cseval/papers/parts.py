"""Which members of a Word document are its text, its styles, its settings, and what each refers to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from cseval.errors import DataError, UsageError
from cseval.papers.markup import Reader, W, read
from cseval.papers.package import CONTENT_TYPES, Package, macros
from cseval.papers.plain import printable, quoted

RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT = "http://purl.oclc.org/ooxml/"
#: Words in the types of parts and of relationships by which macros are known.
_MACROS = ("vbaproject", "vbadata", "macroenabled")
#: Kinds of relationship of the main part that lead to text which may hold controls, in the order they are read.
STORIES = ("header", "footer", "footnotes", "endnotes")
_SAVE = "Open it in Word and save it as Word Document (.docx)"


@dataclass(frozen=True, kw_only=True)
class Relationship:
    """From one part to another: its id, its kind, and the other's name; empty where that lies outside the document."""

    id: str
    kind: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the paper's own settings and styles say.

    Parameters
    ----------
    tracked : bool
        Whether changes are tracked, by choice or because the paper's protection has it so.
    table_styles : mapping of str to str
        Name of every table style, by id.
    placeholders : frozenset of str
        Ids of the styles of placeholder text.
    captions : frozenset of str
        Ids of the styles of paragraphs that are captions, by their names.
    font : str
        Name of the font that text has unless said otherwise; empty if the styles do not name it.
    """

    tracked: bool
    table_styles: Mapping[str, str]
    placeholders: frozenset[str]
    captions: frozenset[str]
    font: str


# Relationships ----------------------------------------------------------------------------------------


def relations_part(part: str) -> str:
    """The name of the part that lists where another one refers to; of the document itself for ``""``."""
    folder, _, name = part.rpartition("/")
    return posixpath.join(folder, "_rels", f"{name}.rels")


def relationships(package: Package, part: str) -> tuple[Relationship, ...]:
    """Where a part refers to.

    Raises
    ------
    DataError
        If its list of relationships cannot be read.
    UsageError
        If the document is Strict Open XML.
    """
    name = package.name_of(relations_part(part))
    if not name:
        return ()
    reader = _Relationships(posixpath.dirname(part))
    read(package.contents[name], reader, package.place(name))
    ids = [r.id for r in reader.found]
    if reader.root != f"{RELATIONSHIPS} Relationships" or len(ids) != len(set(ids)):
        found = "one id twice" if len(ids) != len(set(ids)) else f"the root {quoted(reader.root)}"
        raise DataError(found, where=package.place(name), expected="a list of relationships", todo=_SAVE)
    if any(r.kind.startswith(_STRICT) for r in reader.found):
        raise strict(package.where)
    return tuple(reader.found)


class _Relationships(Reader):
    """The relationships of one list, with targets from the root of the document."""

    def __init__(self, folder: str) -> None:
        self.folder, self.found, self.root = folder, list[Relationship](), ""

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        self.root = self.root or name
        if name != f"{RELATIONSHIPS} Relationship":
            return
        target = unquote(attributes.get("Target", "").split("#")[0])
        inside = "" if attributes.get("TargetMode") == "External" or not target else self._resolved(target)
        self.found.append(
            Relationship(id=attributes.get("Id", ""), kind=attributes.get("Type", ""), target=inside),
        )

    def _resolved(self, target: str) -> str:
        return posixpath.normpath(posixpath.join("/", self.folder, target)).lstrip("/")


def users_of(package: Package, target: str) -> list[tuple[str, str]]:
    """Every relationship of the document that leads to a part: the part it comes from, and its id."""
    return [
        (part, r.id)
        for part in _referring(package)
        for r in relationships(package, part)
        if r.target.lower() == target.lower()
    ]


# Parts ------------------------------------------------------------------------------------------------


def main_part(package: Package) -> str:
    """The part that holds the main text.

    Raises
    ------
    DataError
        If there is none.
    """
    for relation in relationships(package, ""):
        if relation.kind == f"{OFFICE}/officeDocument" and package.name_of(relation.target):
            return package.name_of(relation.target)
    raise DataError("no main text", where=package.where, expected="a complete Word document (.docx)", todo=_SAVE)


def story_parts(package: Package) -> tuple[str, ...]:
    """Every part whose text a reader sees: the main one, then headers, footers, footnotes and endnotes."""
    main = main_part(package)
    linked = relationships(package, main)
    found = [package.name_of(r.target) for kind in STORIES for r in linked if r.kind == f"{OFFICE}/{kind}" and r.target]
    return tuple(dict.fromkeys(name for name in (main, *found) if name))


def comment_parts(package: Package) -> tuple[str, ...]:
    """The parts that hold comments, whose places are not filled."""
    linked = relationships(package, main_part(package))
    found = (package.name_of(r.target) for r in linked if r.kind == f"{OFFICE}/comments" and r.target)
    return tuple(dict.fromkeys(name for name in found if name))


def linked_part(package: Package, kind: str) -> str:
    """The part that the main one refers to by this kind of relationship, such as ``styles``; empty if there is none."""
    linked = relationships(package, main_part(package))
    return next((package.name_of(r.target) for r in linked if r.kind == f"{OFFICE}/{kind}" and r.target), "")


def strict(where: str) -> UsageError:
    """The error for Strict Open XML, whose names of elements are others."""
    return UsageError(
        "a document in Strict Open XML",
        where=where,
        expected="a Word document (.docx)",
        todo="Save it in Word as Word Document (.docx), not as Strict Open XML Document",
    )


def require_no_macros(package: Package) -> None:
    """Refuse a document with macros under whatever name: by the types of its parts and by what refers to them.

    Raises
    ------
    UsageError
        If it has any.
    """
    reader = _Defaults()
    types = package.name_of(CONTENT_TYPES)
    read(package.contents[types], reader, package.place(types))
    said = [*reader.types, *(r.kind for part in _referring(package) for r in relationships(package, part))]
    if any(word in kind.lower() for kind in said for word in _MACROS):
        raise macros(package.where)


def _referring(package: Package) -> Iterator[str]:
    """Every part of the document that has a list of what it refers to."""
    for name in package.contents:
        folder, _, leaf = name.rpartition("/")
        if leaf.endswith(".rels") and folder.rpartition("/")[2] == "_rels":
            yield posixpath.join(folder.rpartition("/")[0], leaf.removesuffix(".rels"))


def default_type(package: Package, content: bytes, extension: str) -> str:
    """What a list of content types says that every part with this extension is; empty if nothing."""
    reader = _Defaults()
    read(content, reader, package.place(CONTENT_TYPES))
    return reader.found.get(extension, "")


class _Defaults(Reader):
    """Content types by extension, and all that are named."""

    def __init__(self) -> None:
        self.found, self.types = dict[str, str](), list[str]()

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        self.types.append(attributes.get("ContentType", ""))
        if name == f"{_TYPES} Default":
            self.found[attributes.get("Extension", "").lower()] = attributes.get("ContentType", "").lower()


# Settings ---------------------------------------------------------------------------------------------


def read_settings(package: Package) -> Settings:
    """The paper's settings and styles, as far as they matter here."""
    settings, styles = _Tracked(), _Styles()
    for kind, reader in (("settings", settings), ("styles", styles)):
        name = linked_part(package, kind)
        if name:
            read(package.contents[name], reader, package.place(name))
    return Settings(
        tracked=settings.on,
        table_styles={i: n for i, kind, n in styles.found if kind == "table"},
        placeholders=frozenset({"PlaceholderText"} | {i for i, _, n in styles.found if n == "Placeholder Text"}),
        captions=frozenset(i for i, kind, n in styles.found if kind == "paragraph" and "caption" in n.lower()),
        font=styles.font,
    )


def is_on(attributes: Mapping[str, str], name: str = f"{W} val") -> bool:
    """Whether an element that is a switch is on: it is unless its value says otherwise."""
    return attributes.get(name, "true").lower() not in ("0", "false", "off")


class _Tracked(Reader):
    """Whether changes are tracked."""

    def __init__(self) -> None:
        self.on = False

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        if name == f"{W} trackRevisions":
            self.on = self.on or is_on(attributes)
        if name == f"{W} documentProtection" and attributes.get(f"{W} edit") == "trackedChanges":
            self.on = self.on or is_on(attributes, f"{W} enforcement")


class _Styles(Reader):
    """Id, kind and name of every style, and the font of text without one."""

    def __init__(self) -> None:
        self._open, self._default = ("", ""), False
        self.found, self.font = list[tuple[str, str, str]](), ""

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        if name == f"{W} style":
            self._open = (attributes.get(f"{W} styleId", ""), attributes.get(f"{W} type", ""))
            self._default = self._open[1] == "paragraph" and attributes.get(f"{W} default", "0") in ("1", "true", "on")
        elif name == f"{W} docDefaults":
            self._default = True
        elif name == f"{W} name" and self._open[0]:
            self.found.append((*self._open, attributes.get(f"{W} val", "")))
        elif name == f"{W} rFonts" and self._default:
            # What the theme says counts before a name that stands beside it.
            self.font = attributes.get(f"{W} ascii", "") if f"{W} asciiTheme" not in attributes else ""

    def end(self, at: int, name: str) -> None:
        if name in (f"{W} style", f"{W} docDefaults"):
            self._open, self._default = ("", ""), False


def words_for(part: str, main: str) -> str:
    """A part in words that a reader of the paper knows: ``main text``, ``header1``, ``footnotes``."""
    return "main text" if part == main else printable(posixpath.basename(part).removesuffix(".xml"))

"""A paper while it is filled: edits by part, new pictures, free numbers; and the new file at the end."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from cseval.papers.controls import Control, Story
from cseval.papers.markup import Edit, Span, appended, edited
from cseval.papers.package import CONTENT_TYPES, Package, write_package
from cseval.papers.parts import (
    OFFICE,
    RELATIONSHIPS,
    Relationship,
    Settings,
    default_type,
    relations_part,
    relationships,
    users_of,
)
from cseval.reporting.wordml import escape

_PNG = "image/png"
_NEW_LIST = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="{}"></Relationships>'


class Draft:
    """The changes that filling makes to a paper.

    Parameters
    ----------
    package : Package
    stories : mapping of str to Story
        What was found in each part that may hold controls.
    settings : Settings
    folder : str
        Of the main text; pictures go into its ``media``.
    """

    def __init__(self, package: Package, stories: Mapping[str, Story], settings: Settings, folder: str) -> None:
        self.package, self.stories, self.settings = package, stories, settings
        self._media = posixpath.join(folder, "media")
        self._edits: dict[str, list[Edit]] = {}
        self._changed: dict[str, bytes] = {}
        self._pictures: dict[tuple[str, str], str] = {}
        self._bookmarks = {number for story in stories.values() for number, _ in story.bookmarks}
        self._drawings = set().union(*(story.pictures for story in stories.values()))

    @property
    def room(self) -> int:
        """Width of the text of the last section, in twentieths of a point; 0 if the paper does not say."""
        return max(story.room for story in self.stories.values())

    @property
    def height(self) -> int:
        """Height of the text of a page of the last section, in twentieths of a point; 0 if the paper does not say."""
        return max(story.height for story in self.stories.values())

    @property
    def others(self) -> int:
        """Number of content controls of the paper that are not meant for cseval."""
        return sum(story.others for story in self.stories.values())

    def edit(self, part: str, edits: Iterable[Edit]) -> None:
        """Change bytes of a part."""
        self._edits.setdefault(part, []).extend(edits)

    def finished(self) -> bytes:
        """The file with everything changed; the very bytes that were read if nothing was."""
        parts = {part: edited(self.package.contents[part], edits) for part, edits in self._edits.items()}
        return write_package(self.package, {**parts, **self._changed})

    def bookmark_number(self) -> int:
        """A number that no bookmark of the paper has."""
        return _free(self._bookmarks)

    def drawing_number(self) -> int:
        """A number that no drawing of the paper has."""
        return _free(self._drawings)

    # Pictures

    def relation(self, part: str, id_: str) -> Relationship | None:
        """A relationship of a part as it was read."""
        return next((r for r in relationships(self.package, part) if r.id == id_), None)

    def target(self, control: Control, id_: str) -> str:
        """The file of a picture inside the document that a control shows; empty if there is none."""
        found = self.relation(control.part, id_)
        return self.package.name_of(found.target) if found is not None and found.target else ""

    def is_alone(self, control: Control, id_: str) -> bool:
        """Whether nothing but this control, or the same in another of Word's alternatives, shows a picture's file."""
        target = self.target(control, id_)
        if not target.lower().endswith(".png") or len(users_of(self.package, target)) != 1:
            return False
        story = self.stories[control.part]
        spans = [c.content for c in story.controls if c.tag == control.tag]
        places = [at for at, reference in story.references if reference == id_]
        return all(any(s.start <= at < s.end for s in spans) for at in places)

    def replace_picture(self, target: str, png: bytes) -> None:
        """Put another picture into a file of the document."""
        self._changed[target] = png

    def add_picture(self, control: Control, png: bytes) -> str:
        """Put a new picture file into the document; the id by which the control's part refers to it.

        Controls with one tag in the same part share it.
        """
        key = (control.part, control.tag)
        if key not in self._pictures:
            name = self._free_name()
            self._changed[name] = png
            self._declare(name)
            self._pictures[key] = self._relate(control.part, name)
        return self._pictures[key]

    def _free_name(self) -> str:
        number = 1
        while self.package.name_of(f"{self._media}/cseval{number}.png") or self._new(number):
            number += 1
        return f"{self._media}/cseval{number}.png"

    def _new(self, number: int) -> bool:
        return f"{self._media}/cseval{number}.png" in self._changed

    def _content(self, name: str) -> bytes:
        return self._changed[name] if name in self._changed else self.package.contents[name]

    def _declare(self, name: str) -> None:
        """Say that the file is a PNG, once for all of them or, where PNG is said to be something else, for this one."""
        types = self.package.name_of(CONTENT_TYPES)
        content = self._content(types)
        known = default_type(self.package, content, "png")
        if known == _PNG:
            return
        said = f'Override PartName="/{escape(name)}"' if known else 'Default Extension="png"'
        element = f'<{said} ContentType="{_PNG}"/>'
        self._changed[types] = appended(content, element, self.package.place(types))

    def _relate(self, part: str, target: str) -> str:
        """Add a relationship of the part to the file; its id."""
        written = relations_part(part)
        name = self.package.name_of(written) or written
        if name not in self._changed and name not in self.package.contents:
            self._changed[name] = _NEW_LIST.format(RELATIONSHIPS).encode()
        content = self._content(name)
        taken = {r.id for r in relationships(self.package, part)} | set(self._own_ids(part))
        number = 1
        while f"rIdCseval{number}" in taken:
            number += 1
        path = posixpath.relpath(target, posixpath.dirname(part))
        element = f'<Relationship Id="rIdCseval{number}" Type="{OFFICE}/image" Target="{escape(path)}"/>'
        self._changed[name] = appended(content, element, self.package.place(name))
        return f"rIdCseval{number}"

    def _own_ids(self, part: str) -> list[str]:
        return [id_ for (other, _), id_ in self._pictures.items() if other == part]


def insertion(at: int, text: str) -> Edit:
    """New text at an offset."""
    return Edit(Span(at, at), text.encode())


def _free(taken: set[int]) -> int:
    """The smallest positive number not taken, taken from now on."""
    number = 1
    while number in taken:
        number += 1
    taken.add(number)
    return number

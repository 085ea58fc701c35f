"""Pictures inside a control, and where in the XML what cseval changes of them is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cseval.papers.markup import Span, W, element_end
from cseval.papers.plain import whole
from cseval.papers.surroundings import WP, R

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
PIC = "http://schemas.openxmlformats.org/drawingml/2006/picture"
_DRAWING, _BLIP = f"{W} drawing", f"{A} blip"
#: Namespaces of text boxes, groups and canvases begin so; a picture inside one is not changed in place.
_SHAPES = "http://schemas.microsoft.com/office/word/2010/wordprocessing"
#: Another version of the picture, or one with effects, beside the picture itself.
_OTHERS = {"svgBlip", "imgLayer"}


@dataclass(kw_only=True)
class Drawing:
    """A picture in a control; offsets are from the beginning of the control's content.

    Parameters
    ----------
    span : Span
    run : int
        Where the run that holds it begins.
    extent, properties : int
        Where its size and its alternative text are written; −1 if nowhere.
    names, sizes : list of int
        Where its alternative text and its size are written again, inside the picture.
    width : int
        In English Metric Units; 0 if not given.
    alt : str
        Its alternative text.
    blips : list of (int, str)
        Where a picture file is referred to, and the id of the relationship.
    picture : bool
        Whether it is a picture, and no text box, shape, chart or group.
    plain : bool
        Whether there is nothing about it that a new picture must not have: cropping, effects, a linked file, a version
        as SVG, being marked as decoration.
    """

    span: Span
    run: int
    extent: int = -1
    properties: int = -1
    names: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    width: int = 0
    alt: str = ""
    blips: list[tuple[int, str]] = field(default_factory=list)
    plain: bool = True
    picture: bool = False

    @property
    def replaceable(self) -> bool:
        """Whether its picture can be exchanged and everything else left as it is."""
        complete = self.extent >= 0 and self.properties >= 0 and self.width > 0
        return self.plain and self.picture and complete and len(self.blips) == 1 and bool(self.blips[0][1])


class Drawings:
    """Collects the pictures of a control from the events of its XML."""

    def __init__(self, content: bytes, offset: int, where: str) -> None:
        self.found, self.where = list[Drawing](), where
        self._content, self._offset, self._depth = content, offset, 0

    def start(self, at: int, name: str, path: list[str], begun: list[int], attributes: Mapping[str, str]) -> None:
        """An element begins inside the elements of `path`, which began at the offsets `begun`."""
        if name == _DRAWING:
            self._depth += 1
            if self._depth == 1:
                run = next((b for b, n in zip(begun, path, strict=True) if n == f"{W} r"), at)
                self.found.append(Drawing(span=Span(at, at).moved(-self._offset), run=run - self._offset))
        elif self._depth:
            _note(self.found[-1], at - self._offset, name, path, attributes, self.where)

    def end(self, begin: int, at: int, name: str) -> None:
        """The element that began at `begin` ends."""
        if name != _DRAWING:
            return
        self._depth -= 1
        if not self._depth:
            end = element_end(self._content, begin, at)
            self.found[-1].span = Span(begin, end).moved(-self._offset)


def _note(drawing: Drawing, at: int, name: str, path: list[str], attributes: Mapping[str, str], where: str) -> None:
    """Note what an element says of the drawing that it is in."""
    if name == f"{WP} extent":
        drawing.extent, drawing.width = at, whole(attributes.get("cx", ""), where)
    elif name == f"{WP} docPr":
        drawing.properties, drawing.alt = at, attributes.get("descr", "")
    elif name == f"{PIC} cNvPr":
        drawing.names.append(at)
    elif name == f"{A} ext" and path[-2:] == [f"{PIC} spPr", f"{A} xfrm"]:
        drawing.sizes.append(at)
    elif name == f"{A} graphicData":
        drawing.picture = drawing.picture or attributes.get("uri") == PIC
    elif name == _BLIP:
        drawing.blips.append((at, attributes.get(f"{R} embed", "")))
    drawing.plain = drawing.plain and not _special(name, path[-1], attributes)


def _special(name: str, parent: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element gives the picture something that another picture must not have."""
    uri, _, local = name.rpartition(" ")
    return (
        uri.startswith(_SHAPES)
        or local in _OTHERS
        or (local == "decorative" and attributes.get("val", "1") not in ("0", "false"))
        or (name == _BLIP and bool(attributes.get(f"{R} link")))
        or (parent == _BLIP and local != "extLst")
        or (name == f"{A} srcRect" and any(v.strip("0") for v in attributes.values()))
    )

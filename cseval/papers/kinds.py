"""Which data a paper is for, real or simulated: said in its file when it is begun, and by the banner on its pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cseval.errors import UsageError
from cseval.papers.markup import Reader, W, read
from cseval.papers.package import Package
from cseval.papers.parts import OFFICE, relationships
from cseval.papers.runs import DEMONSTRATION, REAL
from cseval.papers.standing import comparable

BANNER = "Demonstration: simulated data, no real place. Nothing in this paper says anything about a real programme."
#: The property of the file, under File, Info, Properties, Advanced Properties, Custom in Word.
PROPERTY = "cseval data"
PART, PART_TYPE = "/docProps/custom.xml", "application/vnd.openxmlformats-officedocument.custom-properties+xml"
RELATION = f"{OFFICE}/custom-properties"
_PROPERTIES = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUES = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
#: What Word has for every property that a person or a program adds.
_FORMAT = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_OPTIONS = {REAL: "", DEMONSTRATION: " --data demonstration"}


def properties_part(data: str) -> bytes:
    """The part of a file that says which data its paper is for."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<Properties xmlns="{_PROPERTIES}" xmlns:vt="{_VALUES}"><property fmtid="{_FORMAT}" pid="2" '
        f'name="{PROPERTY}"><vt:lpwstr>{data}</vt:lpwstr></property></Properties>'
    ).encode()


def embed_command(paper: str, data: str) -> str:
    """The command that fills a paper which is for this kind of data."""
    import shlex

    return f"cseval embed {shlex.quote(paper)}{_OPTIONS[data]}"


def require_kind(package: Package, stories: Iterable[str], data: str) -> None:
    """Refuse to fill a paper from another kind of data than it says it is for; a paper that says nothing takes either.

    Parameters
    ----------
    package : Package
    stories : iterable of str
        The parts that a reader sees.
    data : {"real", "demonstration"}
        What it is to be filled from.

    Raises
    ------
    UsageError
        If the property of the file or the banner says otherwise.
    """
    said = _property(package)
    banner = said != DEMONSTRATION and any(_has_banner(package, part) for part in stories)
    said = DEMONSTRATION if banner else said
    if said not in _OPTIONS or said == data:
        return
    if said == DEMONSTRATION:
        found, other = "a paper on demonstration data, which says that it is simulated", "a paper on real data"
    else:
        found, other = "a paper on real data, which nowhere says that it is simulated", "a draft"
    raise UsageError(
        f"{found}, and was to be filled from {data} data",
        where=package.where,
        expected=f"`{embed_command(package.where, said)}`",
        todo=f"For {other} begin a new one: `cseval new paper --out OTHER.docx{_OPTIONS[data]}`",
    )


def _property(package: Package) -> str:
    """What the property of the file says; empty if it has none."""
    parts = [package.name_of(r.target) for r in relationships(package, "") if r.kind == RELATION and r.target]
    reader = _Property()
    for part in filter(None, parts):
        read(package.contents[part], reader, package.place(part))
    return "".join(reader.found).strip()


class _Property(Reader):
    """The text of the property that says which data a paper is for."""

    def __init__(self) -> None:
        self.found, self._here = list[str](), False

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        if name == f"{_PROPERTIES} property":
            self._here = attributes.get("name") == PROPERTY

    def text(self, data: str) -> None:
        if self._here:
            self.found.append(data)


def _has_banner(package: Package, part: str) -> bool:
    reader = _Text()
    read(package.contents[part], reader, package.place(part))
    return comparable(BANNER) in comparable("".join(reader.found))


class _Text(Reader):
    """The text of a part."""

    def __init__(self) -> None:
        self.found, self._name = list[str](), ""

    def start(self, at: int, name: str, attributes: Mapping[str, str], scope: Mapping[str, str]) -> None:
        self._name = name

    def end(self, at: int, name: str) -> None:
        self._name = ""

    def text(self, data: str) -> None:
        if self._name == f"{W} t":
            self.found.append(data)

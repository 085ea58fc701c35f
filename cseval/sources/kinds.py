"""The published formats there are: one table from kind to the module that reads it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from cseval.errors import DataError

# Each module offers recognise(head) -> kind or None, and summarise(path, kind) -> Summary.
# Order matters only where one header would fit two: population before lookup, street files last (any zip, any folder).
MODULES: dict[str, tuple[str, ...]] = {
    "cseval.sources.mps": ("mps-ward", "mps-borough"),
    "cseval.sources.mps_dashboard": ("mps-dashboard",),
    "cseval.sources.home_office": ("home-office-knife-force",),
    "cseval.sources.pas": ("mopac-pas",),
    "cseval.sources.survey_table": ("residents-survey",),
    "cseval.sources.attendees": ("attendee-survey",),
    "cseval.sources.geography": ("ward-boundaries", "lsoa-boundaries", "borough-boundaries"),
    "cseval.sources.population": ("ward-population", "lsoa-population", "borough-population"),
    "cseval.sources.lookup": ("lsoa-lookup",),
    "cseval.sources.stop_search": ("stop-and-search", "stop-and-search-counts"),
    "cseval.sources.police_street": ("police-street",),
}
#: What a reader of files must know, said wherever files are read.
TAKEN_AS_OPEN = (
    "Each file is taken for the open publication that its format says: a restricted extract must not be read this way."
)
#: The same of kinds that are nobody's publication.
NOT_OPEN = (
    "A survey of the council's own is not published: shares that would point to a few people are withheld in every "
    "output, and the file itself is never committed."
)
KINDS = tuple(kind for kinds in MODULES.values() for kind in kinds)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a kind of source is, as ``data/sources.toml`` says.

    `title`, `publisher`, `licence` and `attribution` are printed with results; `purpose` says what it is for and
    `obtain` how to get it. `published` says that its counts are open to everybody as they are.
    """

    title: str
    publisher: str
    licence: str
    attribution: str
    purpose: str
    obtain: str
    published: bool = False


def module_of(kind: str) -> ModuleType:
    """The module that reads a kind.

    Raises
    ------
    DataError
        If there is no such kind.
    """
    for name, kinds in MODULES.items():
        if kind in kinds:
            return import_module(name)
    raise DataError(f"no kind of source {kind!r}", expected="one of " + ", ".join(KINDS))


@cache
def read_register(path: Path) -> dict[str, Source]:
    """Every kind with what ``sources.toml`` says of it.

    Raises
    ------
    DataError
        If the file cannot be read, or lacks a kind or a field.
    """
    where = str(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"cannot be read ({error})", where=where, expected="the register of sources in TOML") from error
    return {kind: _source(document.get(kind), f"{where}, [{kind}]") for kind in KINDS}


def _source(entry: object, where: str) -> Source:
    wanted = [f.name for f in fields(Source) if f.name != "published"]
    if not isinstance(entry, dict) or not all(isinstance(entry.get(w), str) for w in wanted):
        raise DataError("an incomplete entry", where=where, expected="text for " + ", ".join(wanted))
    published = entry.get("published", False)
    if not isinstance(published, bool):
        raise DataError(f"published = {published!r}", where=where, expected="true or false")
    return Source(**{w: entry[w] for w in wanted}, published=published)

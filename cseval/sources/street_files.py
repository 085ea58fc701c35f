"""Finding the street files of data.police.uk: single files, folder trees and archive zips."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cseval.errors import DataError
from cseval.sources.archive import member_bytes, open_archive
from cseval.sources.files import magic, text_of

_NAME = re.compile(r"(?P<month>\d{4}-(?:0[1-9]|1[0-2]))-(?P<force>[a-z][a-z-]*?)-street(?![a-z])")
_OTHER = re.compile(r"-(outcomes|stop-and-search)\.csv(\.gz)?$")
_FORCES = {"british-transport": "btp", "northern-ireland": "northern-ireland"}


@dataclass(frozen=True, kw_only=True)
class Member:
    """One street CSV, wherever it lies.

    Parameters
    ----------
    path : Path
        The file, or the archive that holds it.
    inside : str
        Name within the archive; empty for a file of its own.
    month, force : str
        From the file name; empty where the name does not say.
    vintage : str
        Last month of the archive it lies in; empty for a file of its own.
    """

    path: Path
    inside: str = ""
    month: str = ""
    force: str = ""
    vintage: str = ""

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"{self.path}, member {self.inside}" if self.inside else str(self.path)


def list_members(paths: Iterable[Path]) -> tuple[list[Member], tuple[str, ...]]:
    """Every street file under the paths, and notes on what was left aside.

    Raises
    ------
    DataError
        If a path is absent, an archive is unsafe, or a folder or archive holds no street file.
    """
    members: list[Member] = []
    notes: list[str] = []
    for path in paths:
        found, other = _of_path(path)
        if not found:
            raise DataError(
                f"no street files among {other} files",
                where=str(path),
                expected="files named like 2018-05-metropolitan-street.csv",
            )
        members += found
        if other:
            notes.append(f"{path.name}: {other} files that are not street files were left aside")
    return members, tuple(notes)


def has_street_files(path: Path) -> bool:
    """Whether a folder, archive or file holds at least one street file, by its names.

    Raises
    ------
    DataError
        If an archive is unsafe or damaged.
    """
    return bool(_of_path(path)[0])


def _of_path(path: Path) -> tuple[list[Member], int]:
    if path.is_dir():
        files = street_tree(path)
        return [_named(f, f.name) for f in files], sum(p.is_file() for p in path.rglob("*")) - len(files)
    if magic(path)[:2] == b"PK":
        return _of_archive(path)
    return [_named(path, path.name)], 0


def street_tree(folder: Path) -> list[Path]:
    """Street files in a folder and the folders below it, in order."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and is_street_name(p.name))


def is_street_name(name: str) -> bool:
    """Whether a file name is that of a street file, not of outcomes or stop and search."""
    return bool(_NAME.match(name)) and not _OTHER.search(name) and name.endswith((".csv", ".csv.gz"))


def _named(path: Path, name: str, inside: str = "") -> Member:
    match = _NAME.match(name)
    return Member(
        path=path, inside=inside, month=match["month"] if match else "", force=match["force"] if match else ""
    )


def _of_archive(path: Path) -> tuple[list[Member], int]:
    with open_archive(path) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/")]
    street = [n for n in names if is_street_name(n.rsplit("/", 1)[-1]) and n.endswith(".csv")]
    found = [_named(path, n.rsplit("/", 1)[-1], n) for n in sorted(street)]
    vintage = max((m.month for m in found), default="")
    dated = [Member(path=m.path, inside=m.inside, month=m.month, force=m.force, vintage=vintage) for m in found]
    return dated, len(names) - len(street)


def contents(members: Iterable[Member]) -> Iterator[tuple[Member, bytes]]:
    """The bytes of each member in turn; an archive is opened once for members that follow each other.

    Raises
    ------
    DataError
        If one cannot be read whole.
    """
    waiting = list(members)
    while waiting:
        first = waiting[0]
        if not first.inside:
            yield waiting.pop(0), text_of(first.path)
            continue
        with open_archive(first.path) as archive:
            while waiting and waiting[0].path == first.path and waiting[0].inside:
                member = waiting.pop(0)
                yield member, member_bytes(archive, member.inside, member.where)


def force_of(reported_by: str) -> str:
    """The short name of a force in file names, from its full name in the rows."""
    words = re.sub(r"[^a-z ]", "", reported_by.lower().replace("&", "and"))
    name = re.sub(r"\b(police service of|police service|police|constabulary)\b", " ", words)
    short = "-".join(name.split())
    return _FORCES.get(short, short)

"""The record of imported files, ``data/sources.lock.json``: what they are and the hash of their bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cseval.errors import DataError
from cseval.panel import Provenance
from cseval.sources.kinds import KINDS, read_register

if TYPE_CHECKING:
    from cseval.project import Project

FORMAT = 1
PRESENT, ABSENT, CHANGED = "present", "absent", "changed"
#: What the lock records of a file; whether its kind is published is for the register to say, each time it is read.
_FIELDS = tuple(f.name for f in fields(Provenance) if f.name != "published")


def read_lock(project: Project) -> tuple[Provenance, ...]:
    """Every file the lock records; none if nothing was ever imported.

    Raises
    ------
    DataError
        If the lock is damaged.
    """
    path = project.lock
    if not path.exists():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)[:100]) from error
    entries = document.get("files") if isinstance(document, dict) else None
    if not isinstance(entries, list) or document.get("format") != FORMAT:
        raise _damaged(path, f"no list of files in format {FORMAT}")
    found = [_entry(e, path, n) for n, e in enumerate(entries, start=1)]
    sources = read_register(project.sources_toml) if found else {}
    return tuple(replace(e, published=sources[e.kind].published) for e in found)


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(
        f"a damaged record of imported files ({reason})",
        where=str(path),
        expected="the file as `cseval data import` wrote it",
        todo="Delete it and import the files again",
    )


def _entry(entry: Any, path: Path, number: int) -> Provenance:
    if not isinstance(entry, dict) or set(entry) != set(_FIELDS):
        raise _damaged(path, f"entry {number} has other fields")
    texts = [v for k, v in entry.items() if k not in ("rows", "notes")]
    notes = entry["notes"]
    if not all(isinstance(t, str) for t in texts) or type(entry["rows"]) is not int or not isinstance(notes, list):
        raise _damaged(path, f"entry {number} has values of another type")
    if entry["kind"] not in KINDS or not _inside(entry["path"]) or not all(isinstance(n, str) for n in notes):
        raise _damaged(path, f"entry {number} names an unknown kind or a path outside data/raw")
    return Provenance(**{**entry, "notes": tuple(notes)})


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return parts[:2] == ("data", "raw") and len(parts) == 4 and ".." not in parts and "\0" not in path


def state(project: Project, entry: Provenance) -> str:
    """Whether an imported file is present, absent or changed since it was imported."""
    from cseval.sources.files import sha256

    path = project.root / entry.path
    if not path.is_file():
        return ABSENT
    return PRESENT if sha256(path) == entry.sha256 else CHANGED


def lock_text(entries: Sequence[Provenance]) -> str:
    """The lock as written: sorted, without a clock, so that the same files give the same bytes."""
    files = [{name: getattr(e, name) for name in _FIELDS} for e in sorted(entries, key=lambda e: e.path)]
    return json.dumps({"files": files, "format": FORMAT}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write_lock(project: Project, entries: Sequence[Provenance]) -> None:
    """Replace the lock in one step; a lock that would not change is left alone."""
    text = lock_text(entries)
    if project.lock.is_file() and project.lock.read_text(encoding="utf-8") == text:
        return
    temporary = project.lock.with_name(f".{project.lock.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, project.lock)
    finally:
        temporary.unlink(missing_ok=True)

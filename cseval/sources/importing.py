"""Importing files: all are read first, and only if all are good is anything written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cseval.errors import DataError, UsageError
from cseval.panel import Provenance
from cseval.project import Project
from cseval.sources.catalogue import describe, recognise
from cseval.sources.kinds import read_register
from cseval.sources.lock import read_lock, write_lock

NEW, UNCHANGED, REPLACED = "new", "already imported", "replaces an earlier file of this name"
_CHUNK = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A file that was read whole and found good, and what importing it means."""

    source: Path
    provenance: Provenance
    status: str


def import_files(paths: Iterable[Path], project: Project) -> list[Provenance]:
    """Import files into ``data/raw``.

    Parameters
    ----------
    paths : iterable of Path
        Published files; of a folder the street files in it.
    project : Project

    Returns
    -------
    list of Provenance
        One entry per file, in the order given.

    Raises
    ------
    DataError
        If any file is not good, or cannot be copied. Nothing is written or changed then.
    """
    plan = plan_import(paths, project)
    carry_out(plan, project)
    return [p.provenance for p in plan]


def plan_import(
    paths: Iterable[Path], project: Project, tell: Callable[[Path], None] = lambda path: None
) -> list[Planned]:
    """Recognise and read every file without writing anything; `tell` hears of each before it is read.

    Raises
    ------
    DataError
        As `import_files`.
    """
    sources = read_register(project.sources_toml)
    held = {e.path: e for e in read_lock(project)}
    plan: dict[str, Planned] = {}
    for path, notes in _files(paths):
        tell(path)
        found = recognise(path)
        target = f"data/raw/{found.kind}/{path.name}"
        entry = describe(found, sources, target)
        if notes:
            entry = _with_notes(entry, notes)
        other = plan.get(target)
        if other is not None and other.provenance.sha256 != entry.sha256:
            raise DataError(
                f"another file of the same name and kind is {other.source}", where=str(path), expected="different names"
            )
        plan[target] = Planned(source=path, provenance=entry, status=_status(held.get(target), entry, project))
    return list(plan.values())


def _with_notes(entry: Provenance, notes: tuple[str, ...]) -> Provenance:
    from dataclasses import replace

    return replace(entry, notes=entry.notes + notes)


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The files to import: a file is itself, a folder its street files and its stop-and-search files."""
    for path in paths:
        yield from _files_of(path) if path.is_dir() else ((path, ()),)


def _files_of(folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The files of a folder as data.police.uk lays it out."""
    from cseval.sources.stop_search_files import stops_of
    from cseval.sources.street_files import list_members

    searches = stops_of(folder)
    try:
        members, notes = list_members([folder])
    except DataError:
        if not searches:
            raise
        members, notes = [], ()
    for number, member in enumerate(members):
        yield member.path, notes if number == 0 else ()
    yield from ((found.path, ()) for found in searches)


def _status(before: Provenance | None, entry: Provenance, project: Project) -> str:
    if before is None or not (project.root / entry.path).is_file():
        return NEW
    return UNCHANGED if before.sha256 == entry.sha256 else REPLACED


def carry_out(plan: Sequence[Planned], project: Project) -> None:
    """Copy the planned files into place and record them.

    Every copy is complete and on the disk before the first takes its name; the record comes last.

    Raises
    ------
    DataError
        If the disk refuses, or a file changed after it was read. Half-made copies are removed.
    """
    made: list[Path] = []
    folders: list[Path] = []
    try:
        folders += _make_folders({(project.root / p.provenance.path).parent for p in plan}, project.root)
        with _alone(project.raw):
            copies = [(p, project.root / p.provenance.path) for p in plan if not _in_place(p, project)]
            ready = [(_copy(p, target, made), target) for p, target in copies]
            for temporary, target in ready:
                os.replace(temporary, target)
            new = {p.provenance.path: p.provenance for p in plan}
            write_lock(project, [*(e for e in read_lock(project) if e.path not in new), *new.values()])
    except OSError as error:
        raise DataError(
            f"cannot be written ({error.strerror or type(error).__name__})",
            where=str(error.filename or project.raw),
            expected="a folder with room that may be written to",
        ) from error
    finally:
        _clear(made, folders)


def remove(project: Project, name: str) -> list[Provenance]:
    """Remove imported files from ``data/raw`` and from the record of it.

    Parameters
    ----------
    project : Project
    name : str
        A file name, or a kind for all its files.

    Raises
    ------
    UsageError
        If nothing of that name was imported.
    DataError
        If a file cannot be removed.
    """
    entries = read_lock(project)
    chosen = [e for e in entries if name in (e.kind, e.path, Path(e.path).name)]
    if not chosen:
        known = ", ".join(sorted(Path(e.path).name for e in entries)) or "nothing"
        raise UsageError(f"no imported file or kind {name!r}", where="cseval data remove", expected=f"one of: {known}")
    with _alone(project.raw):
        write_lock(project, [e for e in read_lock(project) if e not in chosen])
        for entry in chosen:
            try:
                (project.root / entry.path).unlink(missing_ok=True)
            except OSError as error:
                raise DataError("cannot be removed", where=entry.path, expected="a file that may be removed") from error
    return chosen


def _make_folders(wanted: set[Path], root: Path) -> list[Path]:
    """Make the folders that are lacking; return those made, deepest first."""
    lacking = {q for p in wanted for q in (p, *p.parents) if not q.exists() and root in q.parents}
    for folder in sorted(lacking):
        folder.mkdir(exist_ok=True)
    for folder in wanted:
        folder.mkdir(parents=True, exist_ok=True)
    return sorted(lacking, reverse=True)


def _in_place(planned: Planned, project: Project) -> bool:
    from cseval.sources.files import sha256

    target = project.root / planned.provenance.path
    return target.is_file() and sha256(target) == planned.provenance.sha256


def _copy(planned: Planned, target: Path, made: list[Path]) -> Path:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    made.append(temporary)
    digest = hashlib.sha256()
    with planned.source.open("rb") as source, temporary.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if digest.hexdigest() != planned.provenance.sha256:
        raise DataError(
            "the file changed while it was being imported", where=str(planned.source), expected="a file at rest"
        )
    temporary.chmod(0o444)
    return temporary


def _clear(made: Sequence[Path], folders: Sequence[Path]) -> None:
    """Remove copies that did not take their place, and folders made for nothing."""
    for temporary in made:
        temporary.unlink(missing_ok=True)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against other imports, where the system can; it is released even if the process is killed."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

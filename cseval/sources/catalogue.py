"""What data there are: imported files with their provenance, or a folder of files as they lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import DataError
from cseval.panel import Provenance
from cseval.project import Project
from cseval.sources.kinds import MODULES, Source, module_of, read_register
from cseval.sources.lock import ABSENT, CHANGED, PRESENT, read_lock, state

if TYPE_CHECKING:
    from cseval.sources.sheets import Peek

_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".geojson", ".geojson.gz", ".json", ".zip")


class UnrecognisedError(DataError):
    """A file of no format that is known."""


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A file and the kind its header says it is."""

    path: Path
    kind: str


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The files an evaluation may read.

    Parameters
    ----------
    root : Path
        What the paths of the entries are relative to.
    entries : tuple of Provenance
        Files that are there, in order of their path.
    absent : tuple of Provenance
        Files that were imported but are not there now.
    unrecognised : tuple of str
        Files of a folder that are of no known format.
    sources : mapping of str to Source
        What each kind is and how to get it.
    """

    root: Path
    entries: tuple[Provenance, ...] = ()
    absent: tuple[Provenance, ...] = ()
    unrecognised: tuple[str, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)

    @classmethod
    def imported(cls, project: Project) -> Catalogue:
        """The imported files of a project.

        Raises
        ------
        DataError
            If the lock is damaged, or a file is not what was imported (its hash differs).
        """
        found = [(entry, state(project, entry)) for entry in read_lock(project)]
        for entry, now in found:
            if now == CHANGED:
                raise DataError(
                    "the file has changed since it was imported",
                    where=str(project.root / entry.path),
                    expected=f"SHA-256 {entry.sha256[:12]}…",
                    todo="Import the publisher's file again",
                )
        return cls(
            root=project.root,
            entries=tuple(e for e, now in found if now == PRESENT),
            absent=tuple(e for e, now in found if now == ABSENT),
            sources=read_register(project.sources_toml),
        )

    @classmethod
    def folder(cls, folder: Path, kinds: Sequence[str] | None = None) -> Catalogue:
        """Every file of a folder and the folders below it that is recognised, without copying any.

        Parameters
        ----------
        folder : Path
        kinds : sequence of str, optional
            Only these kinds are read; by default all.

        Raises
        ------
        DataError
            If it is not a folder, holds nothing that is recognised, or a recognised file is not what it should be.
        """
        if not folder.is_dir():
            raise DataError("not a folder", where=str(folder), expected="a folder with published files")
        sources = read_register(Project.find().sources_toml)
        entries, unknown = [], []
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
            try:
                found = _recognise_listed(path)
            except UnrecognisedError:
                unknown.append(path.relative_to(folder).as_posix())
                continue
            if kinds is None or found.kind in kinds:
                entries.append(describe(found, sources, path.relative_to(folder).as_posix()))
        if not entries:
            raise DataError("no file of a known format", where=str(folder), expected=_known(sources))
        return cls(root=folder, entries=tuple(entries), unrecognised=tuple(unknown), sources=sources)

    def paths(self, kind: str) -> tuple[Path, ...]:
        """Files of one kind, in order; empty if there is none."""
        return tuple(self.root / e.path for e in self.entries if e.kind == kind)

    def provenance(self, kind: str) -> tuple[Provenance, ...]:
        """Where the files of one kind came from."""
        return tuple(e for e in self.entries if e.kind == kind)

    def has(self, kind: str) -> bool:
        """Whether there is a file of this kind."""
        return any(e.kind == kind for e in self.entries)

    def missing(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """Those of `kinds` of which there is no file."""
        return tuple(k for k in kinds if not self.has(k))

    def require(self, kind: str) -> tuple[Path, ...]:
        """Files of one kind.

        Raises
        ------
        DataError
            If there is none; the message says how to get one.
        """
        found = self.paths(kind)
        if not found:
            source = self.sources.get(kind)
            raise DataError(
                f"no file of kind {kind}",
                where=str(self.root),
                expected=source.title if source else "at least one",
                todo=f"Get it ({source.obtain}) and run `cseval data import FILE`" if source else "",
            )
        return found


def recognise(path: Path) -> Recognised:
    """Which kind a file is, by its header.

    Raises
    ------
    DataError
        If it cannot be opened; `UnrecognisedError` if its header is of no known format.
    """
    from cseval.sources.files import shown
    from cseval.sources.sheets import peek

    head = peek(path)
    for module in MODULES:
        kind = import_module(module).recognise(head)
        if kind is not None:
            return Recognised(path=path, kind=kind)
    columns = ", ".join(head.columns)[:400]
    if (near := _nearly(head)) is not None:
        raise near
    raise UnrecognisedError(
        f"no known format (header {shown(columns) if len(columns) < 60 else columns!r})"
        if columns
        else f"no known format (a {head.form} file)",
        where=str(path),
        expected=_known(read_register(Project.find().sources_toml)),
        todo="`cseval data status` lists what can be imported and data/README.md how to get it",
    )


def _nearly(head: Peek) -> UnrecognisedError | None:
    """What a table of a council's own lacks to be read, where it is plain what it is meant to be."""
    from cseval.sources.files import shown

    where = f"{head.path}, row 1"
    alone = head.columns[0] if head.form == "csv" and len(head.columns) == 1 else ""
    if mark := next((m for m in ";\t|" if m in alone), ""):
        told = f"no known format (columns separated by {'tabs' if mark == chr(9) else shown(mark)})"
        return UnrecognisedError(told, where=where, expected="commas", todo="Save the sheet as CSV UTF-8 with commas")
    for module in MODULES:
        for kind, needed in getattr(import_module(module), "NEEDED", {}).items():
            missing = [name for name in needed if name not in head.names]
            if head.form == "csv" and missing and len(needed) - len(missing) > len(needed) / 2:
                return UnrecognisedError(
                    f"no column {missing[0]!r}, which a file of kind {kind} has",
                    where=where,
                    expected=", ".join(needed),
                    todo="data/README.md describes its columns",
                )
    return None


def _recognise_listed(path: Path) -> Recognised:
    """As `recognise`, but files that cannot be data by their name (a README, a workbook) are not even opened."""
    if not path.name.lower().endswith(_SUFFIXES):
        raise UnrecognisedError("not a data file", where=str(path))
    return recognise(path)


def _known(sources: Mapping[str, Source]) -> str:
    return "one of " + "; ".join(f"{kind} ({source.title})" for kind, source in sources.items())


def describe(found: Recognised, sources: Mapping[str, Source], path: str) -> Provenance:
    """Read a whole file and say what it is; `path` is what the provenance calls it.

    Raises
    ------
    DataError
        If the file is not what its format promises.
    """
    from cseval.sources.files import sha256

    before = sha256(found.path)
    summary = module_of(found.kind).summarise(found.path, found.kind)
    source = sources[found.kind]
    return Provenance(
        kind=found.kind,
        title=source.title,
        publisher=source.publisher,
        licence=source.licence,
        path=path,
        sha256=before,
        rows=summary.rows,
        first_month=summary.first_month,
        last_month=summary.last_month,
        vintage=summary.vintage,
        notes=summary.notes,
        published=source.published,
    )

"""New evaluations and projects from templates: made as text first, then written, and never over anything."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from string import Template
from typing import Any

from cseval.claims.register import ACTIVITIES, CLAIMS, STAFFING, Activity, PublicClaim, Staffing
from cseval.errors import CsevalError, SpecError, UsageError
from cseval.project import Project, founding
from cseval.register import Registered

TEMPLATES = Path(__file__).resolve().parent / "templates"
#: The evaluation that a new project begins with.
EXAMPLE, EXAMPLE_TITLE = "example-patrol", "Street patrol (an example)"
#: Folders of `outputs/` that no evaluation may claim, with what they hold.
RESERVED = {"demonstration": "the outputs of demonstration runs", "claims": "the table of public claims"}
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def new_evaluation(project: Project, slug: str, title: str = "", taken: Collection[str] = ()) -> tuple[Path, ...]:
    """Write an evaluation that runs at once on demonstration data and is ready for ward counts.

    Parameters
    ----------
    project : Project
    slug : str
        Its name in commands.
    title : str
        Its name in print; made from the slug if empty.
    taken : collection of str
        Slugs of the project's evaluations.

    Returns
    -------
    tuple of Path
        The files written: the module, the roles of its wards and, where the project has no reference tables of its
        own yet, those of a new project; or, if it has evaluations, copies of the tables that they used so far, which
        would else be out of reach.

    Raises
    ------
    UsageError
        If the slug cannot be used, or one of the files is there already; nothing is written then.
    """
    _require_slug(slug, taken)
    title = _require_title(title or title_of(slug))
    files = _evaluation_files(project.root, slug, title)
    if not (project.root / "data" / "reference").is_dir():
        own = project.analyses.parent == project.root
        files |= _borrowed_tables(project.root) if own else _reference_tables(project.root, slug, title)
    return write_new(files)


def new_project(folder: Path) -> tuple[Path, ...]:
    """Write a project with one example evaluation, which can be listed and run at once.

    Parameters
    ----------
    folder : Path
        Absent or empty.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    UsageError
        If the folder holds anything; nothing is written then.
    """
    root = Path(os.path.abspath(folder))
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise UsageError(
            "is there already" if root.is_dir() else "is a file",
            where=str(folder),
            expected="a new or an empty folder",
            todo="Choose another folder; in a project, `cseval new evaluation` adds to it",
        )
    return write_new(_project_files(root))


def title_of(slug: str) -> str:
    """A title for want of a better one: ``corner-patrol`` becomes ``Corner patrol``."""
    text = slug.replace("-", " ")
    return text[:1].upper() + text[1:]


def _require_slug(slug: str, taken: Collection[str]) -> None:
    if not _SLUG.fullmatch(slug):
        raise UsageError(
            f"{slug!r} cannot name an evaluation",
            where="SLUG",
            expected="lower-case words joined by hyphens, for example corner-patrol",
        )
    if slug in RESERVED:
        raise UsageError(f"outputs/{slug} holds {RESERVED[slug]}", where="SLUG", expected="another name")
    if slug in taken:
        raise UsageError(f"there is an evaluation {slug!r} already", where="SLUG", expected="each slug once")


def _require_title(title: str) -> str:
    if not title.strip() or not title.isprintable():
        raise UsageError(f"{title!r}", where="--title", expected="one line of text")
    return title.strip()


def _evaluation_files(root: Path, slug: str, title: str) -> dict[Path, bytes]:
    roles = roles_of(slug)
    # A JSON string of printable characters is a Python string too.
    literal = json.dumps(title, ensure_ascii=False)
    return {
        root / "analyses" / module_of(slug): _filled("evaluation.py", slug=slug, title=literal, roles=roles),
        root / "data" / "reference" / roles: _filled("roles.csv"),
    }


def module_of(slug: str) -> str:
    """File name of the module of an evaluation."""
    return f"{slug.replace('-', '_')}.py"


def roles_of(slug: str) -> str:
    """File name of the roles of an evaluation."""
    return f"{slug}_roles.csv"


def _project_files(root: Path) -> dict[Path, bytes]:
    known = {"name": root.name, "slug": EXAMPLE, "module": module_of(EXAMPLE), "roles": roles_of(EXAMPLE)}
    return {
        root / "README.md": _filled("project.README.md", **known),
        root / ".gitignore": _filled("project.gitignore"),
        root / "data" / "README.md": _filled("project.data.README.md", roles=roles_of(EXAMPLE)),
        root / "outputs" / ".gitkeep": b"",
        **_reference_tables(root, EXAMPLE, EXAMPLE_TITLE),
        **_evaluation_files(root, EXAMPLE, EXAMPLE_TITLE),
    }


# Reference tables ---------------------------------------------------------------------------------------


def _reference_tables(root: Path, slug: str, title: str) -> dict[Path, bytes]:
    """The tables of a project that begins with this evaluation: its programme, as an example, and the inner boroughs.

    The programmes, claims and figures that come with cseval are those of one borough, and no example for another.
    """
    programme = Registered(
        slug=slug,
        name=title,
        start="2018-05",
        end="",
        area="[where it ran]",
        units=roles_of(slug),
        mechanism="[what was done, and by whom]",
        outcomes="anti-social behaviour; disorder",
        evaluability="Counts of its wards against other wards",
        source="example",
        paragraph="to be replaced",
    )
    folder = root / "data" / "reference"
    inner = founding() / "data" / "reference" / "inner_london.csv"
    tables = {"programmes.csv": _csv(Registered, [programme]), inner.name: inner.read_bytes(), **_empty_tables()}
    return {folder / name: content for name, content in tables.items()}


def _borrowed_tables(root: Path) -> dict[Path, bytes]:
    """Copies of the reference tables that come with cseval, for the evaluations that read them.

    Claims were out of their reach, and the claims that come with cseval are tested by other evaluations.
    """
    files = sorted((founding() / "data" / "reference").glob("*.csv"))
    tables = {file.name: file.read_bytes() for file in files} | _empty_tables()
    return {root / "data" / "reference" / name: content for name, content in tables.items()}


def _empty_tables() -> dict[str, bytes]:
    """A register of public claims without a claim, and tables without a figure that claims could be held against."""
    return {
        name: _csv(entry, []) for name, entry in ((CLAIMS, PublicClaim), (STAFFING, Staffing), (ACTIVITIES, Activity))
    }


def _csv(entry: type[Any], rows: Sequence[Any]) -> bytes:
    """Entries as the table that their reader expects."""
    names = [field.name for field in fields(entry)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names, *([getattr(row, name) for name in names] for row in rows)])
    return text.getvalue().encode()


# Files --------------------------------------------------------------------------------------------------


def _filled(template: str, **values: str) -> bytes:
    """A template with its blanks filled in, as UTF-8."""
    path = TEMPLATES / f"{template}.template"
    try:
        return Template(path.read_text(encoding="utf-8")).substitute(values).encode()
    except (KeyError, ValueError) as error:
        raise SpecError(f"a blank that nothing fills ({error})", where=str(path), expected="known names") from error


# Writing ------------------------------------------------------------------------------------------------


def write_new(files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Write files that are not there yet, all of them or none.

    Parameters
    ----------
    files : mapping of Path to bytes
        Each is written beside its place and renamed into it, so that none is ever there in part.

    Returns
    -------
    tuple of Path
        The files, in the order given.

    Raises
    ------
    UsageError
        If one is there already; nothing is written.
    CsevalError
        If one cannot be written; those written before it are taken away again.
    """
    for path in files:
        if os.path.lexists(path):
            raise UsageError(
                "is there already, and may hold somebody's work",
                where=str(path),
                expected="a new file",
                todo="Choose another name, or move it away",
            )
    done: list[Path] = []
    folders = _absent_folders(files)
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
            done.append(path)
    except OSError as error:
        _take_back(done, folders)
        raise CsevalError(
            f"cannot be written ({error.strerror or error})",
            where=str(error.filename2 or error.filename or ""),
            expected="a folder that can be written to, with space left",
            todo="If the file is open in another program, close it there; nothing was changed",
        ) from error
    return tuple(files)


def _write(path: Path, content: bytes) -> None:
    """Write one file beside its place, force it to disk and rename it into its place."""
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _absent_folders(files: Collection[Path]) -> list[Path]:
    """Folders that writing would make, the deepest first."""
    parents = {parent for path in files for parent in path.parents if not parent.exists()}
    return sorted(parents, key=lambda p: len(p.parts), reverse=True)


def _take_back(files: Collection[Path], folders: Collection[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

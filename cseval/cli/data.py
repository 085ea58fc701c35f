"""``cseval data``: import published files and say what is there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cseval.panel import Provenance
    from cseval.project import Project
    from cseval.sources.importing import Planned
    from cseval.sources.kinds import Source


@click.group()
def data() -> None:
    """Import published data files and see what is there.

    \b
    Example:
      cseval data status
    """


@data.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
def import_(paths: tuple[Path, ...]) -> None:
    """Copy published files into data/raw, after reading every one of them.

    A PATH is a file (CSV, .csv.gz, Parquet, GeoJSON, or a data.police.uk archive zip), or a folder of street
    files. Each is recognised by its header. If any file is not good, nothing is written.

    \b
    Example:
      cseval data import ~/Downloads/MPS_Ward_Level_Crime_Historical.csv
    """
    from cseval.project import Project
    from cseval.sources.importing import carry_out
    from cseval.sources.kinds import NOT_OPEN, TAKEN_AS_OPEN

    project = Project.find()
    plan = _read_all(paths, project)
    carry_out(plan, project)
    for planned in plan:
        _print_imported(planned)
    published = {planned.provenance.published for planned in plan}
    for told, due in ((TAKEN_AS_OPEN, True in published), (NOT_OPEN, False in published)):
        if due:
            click.echo(told)


@data.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove an imported file, or all files of a kind, from data/raw.

    NAME is a file name or a kind, as `cseval data status` lists them. The files that were imported from stay as they
    are.

    \b
    Example:
      cseval data remove MPS_Ward_Level_Crime_Historical.csv
    """
    from cseval.project import Project
    from cseval.sources.importing import remove as remove_files

    for entry in remove_files(Project.find(), name):
        click.echo(f"removed {entry.path} ({entry.kind})")


def _read_all(paths: Iterable[Path], project: Project) -> list[Planned]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from cseval.sources.importing import plan_import

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Reading")
        return plan_import(paths, project, lambda path: progress.update(task, description=f"Reading {path.name}"))


def _print_imported(planned: Planned) -> None:
    entry = planned.provenance
    months = f", {entry.first_month} to {entry.last_month}" if entry.first_month else ""
    vintage = f", vintage {entry.vintage}" if entry.vintage else ""
    click.echo(_plain(f"{entry.kind}: {entry.title}, {entry.rows:,} rows{months}{vintage}"))
    click.echo(_plain(f"  -> {entry.path} ({planned.status})"))
    for note in entry.notes:
        click.echo(_plain(f"  note: {note}"))


def _plain(text: str) -> str:
    """Text without control characters, which a file name may hold and a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


@data.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def status(as_json: bool) -> None:
    """List every kind of source: present, absent or changed since it was imported.

    \b
    Example:
      cseval data status --json
    """
    from cseval.project import Project
    from cseval.sources.kinds import read_register
    from cseval.sources.lock import read_lock, state

    project = Project.find()
    sources = read_register(project.sources_toml)
    files = [(entry, state(project, entry)) for entry in read_lock(project)]
    if as_json:
        click.echo(json.dumps(_status_data(sources, files), indent=2, ensure_ascii=False))
        return
    for kind, source in sources.items():
        _print_kind(kind, source, [(e, s) for e, s in files if e.kind == kind])


def _status_data(sources: dict[str, Source], files: list[tuple[Provenance, str]]) -> list[dict[str, Any]]:
    from dataclasses import asdict

    out = []
    for kind, source in sources.items():
        mine = [asdict(e) | {"state": s} for e, s in files if e.kind == kind]
        out.append({"kind": kind, "state": _overall([f["state"] for f in mine])} | asdict(source) | {"files": mine})
    return out


def _overall(states: list[str]) -> str:
    """State of a kind: the worst of its files, and absent if it has none."""
    return next((s for s in ("changed", "absent") if s in states), "present" if states else "absent")


def _print_kind(kind: str, source: Source, files: list[tuple[Provenance, str]]) -> None:
    click.echo(f"{_overall([s for _, s in files]):8} {kind:23} {source.title}")
    for entry, now in files:
        months = f"{entry.first_month} to {entry.last_month}" if entry.first_month else "no months"
        text = f"{now:8}   {entry.path}: {months}, vintage {entry.vintage}, sha256 {entry.sha256[:12]}"
        click.echo(_plain(f"         {text}"))
    if not any(now == "present" for _, now in files):
        click.echo(f"           get it: {source.obtain}")

"""``cseval diff``: make the outputs again in memory and compare them with those on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cseval.cli.options import data_option, json_option, scheduler_option, workers_option
from cseval.errors import DataError, UsageError

if TYPE_CHECKING:
    from cseval.project import Project
    from cseval.spec import Evaluation
    from cseval.study import Study


@click.command()
@click.argument("slugs", nargs=-1, metavar="SLUG...")
@click.option("--all", "everything", is_flag=True, help="Compare every evaluation of the project that has outputs.")
@data_option
@workers_option
@scheduler_option
@json_option
def diff(
    slugs: tuple[str, ...], everything: bool, data: str, workers: int | None, scheduler: str | None, as_json: bool
) -> int:
    """Run again and compare with the outputs on disk; writes nothing. Exit code 1 if anything differs.

    Draws and seed are those of the outputs' own manifest. Numbers are compared to 1e-6, text exactly.

    \b
    Example:
      cseval diff pilot-evaluation
    """
    from cseval.loading import evaluations, find
    from cseval.parallel import open_workers
    from cseval.project import Project

    if everything == bool(slugs):
        raise UsageError("both slugs and --all" if slugs else "nothing to compare", expected="either slugs or --all")
    project = Project.find()
    chosen = evaluations(project).values() if everything else [find(project, s) for s in slugs]
    records = []
    with open_workers(workers or 1, scheduler):
        for evaluation in chosen:
            if everything and data == "demonstration" and _has_no(evaluation):
                continue
            folder = _folder(evaluation, project, data)
            if everything and not (folder / "manifest.json").is_file():
                click.echo(f"{evaluation.slug}: no outputs in {folder}, left out", err=True)
                continue
            record = _diff_one(evaluation, project, data, folder)
            records.append(record)
            if not as_json:
                _print(record["evaluation"], record["folder"], record["differences"])
    if as_json:
        click.echo(json.dumps(records, indent=2))
    return 1 if any(r["differences"] for r in records) else 0


def _has_no(evaluation: Evaluation | Study) -> bool:
    """Whether it has no demonstration."""
    return bool(getattr(evaluation, "real_only", ""))


def _folder(evaluation: Evaluation | Study, project: Project, data: str) -> Path:
    """Where a run on these data writes."""
    from cseval.choose import choose_kind
    from cseval.inputs import DEMONSTRATION

    demonstration = choose_kind(evaluation, project, data) == DEMONSTRATION
    return (project.outputs / DEMONSTRATION if demonstration else project.outputs) / evaluation.slug


def _diff_one(evaluation: Evaluation | Study, project: Project, data: str, folder: Path) -> dict[str, Any]:
    from cseval.compare import compare_outputs
    from cseval.execute import execute_any
    from cseval.reporting.write import build_outputs
    from cseval.spec import protocol_hash

    draws, seed, command = _stored(evaluation, folder)
    result, why = execute_any(evaluation, project, data=data, draws=draws, seed=seed)
    made = build_outputs(result, protocol_hash=protocol_hash(evaluation), command=command, project=project.root)
    return {
        "evaluation": evaluation.slug,
        "folder": str(folder),
        "data": why,
        "differences": compare_outputs(made, folder),
    }


def _stored(evaluation: Evaluation | Study, folder: Path) -> tuple[int, int, str]:
    """Draws, seed and command of the outputs on disk."""
    path = folder / "manifest.json"
    todo = f"Run `cseval run {evaluation.slug}`"
    try:
        stored = json.loads(path.read_bytes())
        return int(stored["draws"]), int(stored["seed"]), str(stored["command"])
    except FileNotFoundError as error:
        raise UsageError(
            f"no outputs in {folder}", where=evaluation.slug, expected="outputs of an earlier run", todo=todo
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the manifest cannot be read", where=str(path), expected="a manifest that a run wrote", todo=todo
        ) from error


def _print(slug: str, folder: str, differences: list[str]) -> None:
    click.echo(f"{slug}: {folder}")
    for line in differences:
        click.echo(f"  {line}")
    count = len(differences)
    click.echo("  no difference" if not count else f"  {count} difference{'' if count == 1 else 's'}")

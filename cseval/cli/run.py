"""``cseval run``: run evaluations and write their outputs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cseval.cli.options import (
    data_option,
    draws_option,
    json_option,
    scheduler_option,
    seed_option,
    workers_for,
    workers_option,
)
from cseval.errors import UsageError

if TYPE_CHECKING:
    from cseval.project import Project
    from cseval.result import EvaluationResult
    from cseval.spec import Evaluation


@click.command()
@click.argument("slugs", nargs=-1, metavar="SLUG...")
@click.option("--all", "everything", is_flag=True, help="Run every evaluation of the project.")
@data_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the outputs instead of outputs/.")
@click.option("--only", metavar="ANALYSIS", help="Run this analysis (and the primary one) only; needs --out.")
@draws_option
@seed_option
@workers_option
@scheduler_option
@click.option("--dry-run", is_flag=True, help="Say what would be run and written, and stop.")
@json_option
def run(
    slugs: tuple[str, ...],
    everything: bool,
    data: str,
    out: Path | None,
    only: str | None,
    draws: int,
    seed: int,
    workers: int | None,
    scheduler: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Run an evaluation and write its outputs.

    \b
    Examples:
      cseval run pilot-evaluation
      cseval run pilot-evaluation --data demonstration --out /tmp/results
      cseval run --all --workers 4
    """
    from cseval.parallel import open_workers
    from cseval.project import Project

    project = Project.find()
    if only is not None and out is None:
        raise UsageError(
            "part of an evaluation would replace its whole outputs", where="--only", todo="Add --out FOLDER"
        )
    chosen = _with_data(_chosen(project, slugs, everything), data, everything)
    place = _Place(project, out, several=len(chosen) > 1)
    if dry_run:
        records = [_plan(evaluation, place, data, only, as_json) for evaluation in chosen]
    else:
        count = workers or (1 if scheduler or only else workers_for(sum(len(e.analyses) for e in chosen)))
        with open_workers(count, scheduler):
            records = [_run_one(evaluation, place, data, only, draws, seed, as_json) for evaluation in chosen]
    if as_json:
        click.echo(json.dumps(records, ensure_ascii=False, indent=2))
    return 0


def _chosen(project: Project, slugs: tuple[str, ...], everything: bool) -> list[Evaluation]:
    from cseval.loading import evaluations, find

    if everything == bool(slugs):
        raise UsageError(
            "both slugs and --all" if slugs else "nothing to run",
            where="cseval run",
            expected="either slugs or --all",
            todo="`cseval list` shows the evaluations",
        )
    return list(evaluations(project).values()) if everything else [find(project, s) for s in slugs]


def _with_data(chosen: list[Evaluation], data: str, everything: bool) -> list[Evaluation]:
    """The evaluations less, of all that there are, those that have no real data where a folder of it was given."""
    if not everything or data in ("auto", "demonstration"):
        return chosen
    for evaluation in chosen:
        if evaluation.demonstration_only:
            click.echo(f"{evaluation.slug} is left out: {evaluation.demonstration_only}", err=True)
    return [e for e in chosen if not e.demonstration_only]


@dataclass(frozen=True)
class _Place:
    """Where outputs go: under the project, or in a folder that was asked for."""

    project: Project
    out: Path | None
    several: bool

    def folder(self, slug: str, kind: str) -> Path:
        """Folder of one evaluation: demonstration runs never where real ones go."""
        from cseval.inputs import DEMONSTRATION

        if self.out is not None:
            return self.out / slug if self.several else self.out
        outputs = self.project.outputs
        return outputs / DEMONSTRATION / slug if kind == DEMONSTRATION else outputs / slug


def _plan(evaluation: Evaluation, place: _Place, data: str, only: str | None, as_json: bool) -> dict[str, object]:
    """Say what would be run and written; nothing is read but the lock of imported files."""
    from cseval.choose import choose_kind

    kind = choose_kind(evaluation, place.project, data)
    slugs = [a.slug for a in evaluation.analyses if only in (None, a.slug) or a.role == "primary"]
    if only is not None and only not in slugs:
        known = ", ".join(a.slug for a in evaluation.analyses)
        raise UsageError(f"no analysis {only!r}", where="--only", expected=f"one of {known}")
    folder = place.folder(evaluation.slug, kind)
    if not as_json:
        click.echo(f"{evaluation.slug}: {len(slugs)} analyses on {kind} data, written to {folder}")
    return {"evaluation": evaluation.slug, "data": kind, "analyses": slugs, "folder": str(folder)}


def _run_one(
    evaluation: Evaluation, place: _Place, data: str, only: str | None, draws: int, seed: int, as_json: bool
) -> dict[str, object]:
    from cseval.cli.screen import Steps, print_result
    from cseval.execute import execute
    from cseval.reporting.protect import protect
    from cseval.reporting.write import write_outputs
    from cseval.spec import protocol_hash

    started = time.perf_counter()
    with Steps() as steps:
        result, why = execute(evaluation, place.project, data=data, draws=draws, seed=seed, only=only, report=steps)
    result = protect(result)
    if not as_json:
        click.echo(why)
    folder = place.folder(evaluation.slug, result.data)
    write_outputs(result, folder, protocol_hash=protocol_hash(evaluation), command=_command(evaluation, result, data))
    seconds = time.perf_counter() - started
    if not as_json:
        print_result(result, folder, seconds)
    return _record(result, folder, seconds)


def _command(evaluation: Evaluation, result: EvaluationResult, data: str) -> str:
    """The command that makes these outputs again; a folder of data is named as a placeholder."""
    choice = "" if data == "auto" and result.data == "real" else f" --data {result.data}"
    if data not in ("auto", "demonstration"):
        choice = " --data DIR"
    return f"cseval run {evaluation.slug}{choice} --draws {result.draws} --seed {result.seed}"


def _record(result: EvaluationResult, folder: Path, seconds: float) -> dict[str, object]:
    from cseval.reporting.files import json_records

    return {
        "evaluation": result.evaluation.slug,
        "data": result.data,
        "headline": result.headline,
        "effects": json_records(result.effects),
        "weaknesses": list(result.weaknesses),
        "folder": str(folder),
        "seconds": round(seconds, 1),
    }

"""``cseval run``: run evaluations and write their outputs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
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
    from cseval.result import EvaluationResult, StudyResult
    from cseval.spec import Evaluation
    from cseval.study import Study


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
    """Run evaluations and studies, and write their outputs.

    With --all each one ends in a line: its headline, or the reason why there is none. One that fails does not stop the
    others; the exit code is then 2.

    \b
    Examples:
      cseval run pilot-evaluation
      cseval run pilot-evaluation --data demonstration --out /tmp/results
      cseval run --all --workers 4
    """
    from cseval.project import Project

    project = Project.find()
    if only is not None and out is None:
        raise UsageError(
            "part of an evaluation would replace its whole outputs", where="--only", todo="Add --out FOLDER"
        )
    chosen = _chosen(project, slugs, everything)
    task = _Task(_Place(project, out, several=everything or len(chosen) > 1), data, only, draws, seed, as_json)
    if dry_run:
        records = [_plan(e, task) for e in chosen if not (everything and _without_data(e, data))]
    else:
        count = workers or (1 if scheduler or only else workers_for(sum(map(_size, chosen))))
        records = (_run_all if everything else _run_each)(chosen, task, count, scheduler)
    if as_json:
        click.echo(json.dumps(records, ensure_ascii=False, indent=2))
    return 2 if any("error" in record for record in records) else 0


def _chosen(project: Project, slugs: tuple[str, ...], everything: bool) -> list[Evaluation | Study]:
    from cseval.loading import evaluations, find

    if everything == bool(slugs):
        raise UsageError(
            "both slugs and --all" if slugs else "nothing to run",
            where="cseval run",
            expected="either slugs or --all",
            todo="`cseval list` shows the evaluations",
        )
    return list(evaluations(project).values()) if everything else [find(project, s) for s in slugs]


def _size(evaluation: Evaluation | Study) -> int:
    """How much there is to do: analyses, or parts."""
    return len(getattr(evaluation, "analyses", ())) + len(evaluation.parts)


def _without_data(evaluation: Evaluation | Study, data: str) -> str:
    """Why one of all that there are has nothing of the kind of data that was asked for; empty where it has."""
    if data == "demonstration":
        return str(getattr(evaluation, "real_only", ""))
    return str(getattr(evaluation, "demonstration_only", "")) if data != "auto" else ""


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


@dataclass(frozen=True)
class _Task:
    """How each evaluation is to be run."""

    place: _Place
    data: str
    only: str | None
    draws: int
    seed: int
    as_json: bool


def _run_each(
    chosen: list[Evaluation | Study], task: _Task, count: int, scheduler: str | None
) -> list[dict[str, object]]:
    """One after the other, each with its analyses spread over the workers and everything on the screen."""
    from cseval.cli.screen import Steps
    from cseval.parallel import open_workers

    records = []
    with open_workers(count, scheduler):
        for evaluation in chosen:
            with Steps() as steps:
                done = _run_one(evaluation, task, steps)
            if not task.as_json:
                done.show()
            records.append(done.record)
    return records


def _run_all(
    chosen: list[Evaluation | Study], task: _Task, count: int, scheduler: str | None
) -> list[dict[str, object]]:
    """Whole evaluations spread over the workers, the longest first, each told in a line when it is done."""
    from cseval.parallel import open_workers

    wanted = sorted(chosen, key=lambda e: (-_size(e), e.slug))
    none = {e.slug: _without_data(e, task.data) for e in wanted}
    records: list[dict[str, object]] = [{"evaluation": slug, "none": why} for slug, why in none.items() if why]
    slugs = [slug for slug, why in none.items() if not why]
    if not task.as_json:
        for record in records:
            click.echo(_line(record))
    with open_workers(count, scheduler) as workers:
        for record in workers.each(_attempt, slugs, task):
            records.append(record)
            if not task.as_json:
                click.echo(_line(record), err="error" in record)
    return records


def _attempt(slug: str, task: _Task) -> dict[str, object]:
    """The record of a run, or of why it failed: a worker loads the evaluation itself."""
    from cseval.errors import CsevalError
    from cseval.loading import find

    try:
        return _run_one(find(task.place.project, slug), task, None).record
    except CsevalError as error:
        return {"evaluation": slug, "error": str(error)}


def _line(record: dict[str, object]) -> str:
    """What became of one evaluation, in a line."""
    slug = record["evaluation"]
    if "error" in record:
        return f"{slug}: not run. {record['error']}"
    if "none" in record:
        return f"{slug}: nothing to run on these data. {record['none']}"
    return f"{slug} ({record['data']} data, {record['seconds']} s): {record['headline']}"


def _plan(evaluation: Evaluation | Study, task: _Task) -> dict[str, object]:
    """Say what would be run and written; nothing is read but the lock of imported files."""
    from cseval.choose import choose_kind

    kind = choose_kind(evaluation, task.place.project, task.data)
    folder = task.place.folder(evaluation.slug, kind)
    analyses = getattr(evaluation, "analyses", ())
    known = [a.slug for a in analyses]
    slugs = [a.slug for a in analyses if task.only in (None, a.slug) or a.role == "primary"]
    if task.only is not None and task.only not in slugs:
        raise UsageError(f"no analysis {task.only!r}", where="--only", expected=f"one of {', '.join(known)}")
    if not task.as_json:
        what = f"{len(slugs)} analyses" if analyses else f"{len(evaluation.parts)} parts"
        click.echo(f"{evaluation.slug}: {what} on {kind} data, written to {folder}")
    return {"evaluation": evaluation.slug, "data": kind, "analyses": slugs, "folder": str(folder)}


@dataclass(frozen=True)
class _Done:
    """What a run found and where it was written."""

    result: EvaluationResult | StudyResult
    why: str
    folder: Path
    seconds: float

    @property
    def record(self) -> dict[str, object]:
        """As plain JSON data."""
        from cseval.reporting.files import json_records
        from cseval.result import StudyResult

        study = isinstance(self.result, StudyResult)
        return {
            "evaluation": self.result.slug,
            "data": self.result.data,
            "headline": self.result.headline,
            "effects": [] if isinstance(self.result, StudyResult) else json_records(self.result.effects),
            **({"parts": [p.slug for p in self.result.parts]} if study else {}),
            "weaknesses": list(self.result.weaknesses),
            "folder": str(self.folder),
            "seconds": round(self.seconds, 1),
        }

    def show(self) -> None:
        """Print it."""
        from cseval.cli.screen import print_result, print_study
        from cseval.result import StudyResult

        click.echo(self.why)
        if isinstance(self.result, StudyResult):
            print_study(self.result, self.folder, self.seconds)
        else:
            print_result(self.result, self.folder, self.seconds)


def _run_one(evaluation: Evaluation | Study, task: _Task, report: Callable[[str, str], None] | None) -> _Done:
    from cseval.execute import execute_any
    from cseval.reporting.write import protected, write_outputs
    from cseval.spec import protocol_hash

    started = time.perf_counter()
    result, why = execute_any(
        evaluation,
        task.place.project,
        data=task.data,
        draws=task.draws,
        seed=task.seed,
        only=task.only,
        report=report,
    )
    result = protected(result)
    folder = task.place.folder(evaluation.slug, result.data)
    command = _command(result, task.data)
    write_outputs(result, folder, protocol_hash=protocol_hash(evaluation), command=command)
    return _Done(result, why, folder, time.perf_counter() - started)


def _command(result: EvaluationResult | StudyResult, data: str) -> str:
    """The command that makes these outputs again; a folder of data is named as a placeholder."""
    choice = "" if data == "auto" and result.data == "real" else f" --data {result.data}"
    if data not in ("auto", "demonstration"):
        choice = " --data DIR"
    return f"cseval run {result.slug}{choice} --draws {result.draws} --seed {result.seed}"

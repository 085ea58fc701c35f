"""From a slug's evaluation to its result: choose the data, read the register, run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cseval.project import Project
    from cseval.register import Registered
    from cseval.registry.breaks import Break
    from cseval.result import EvaluationResult
    from cseval.spec import Evaluation


def execute(
    evaluation: Evaluation,
    project: Project,
    *,
    data: str,
    draws: int,
    seed: int,
    only: str | None = None,
    report: Callable[[str, str], None] | None = None,
) -> tuple[EvaluationResult, str]:
    """Run an evaluation of a project.

    Returns
    -------
    result : EvaluationResult
    why : str
        Which data were used and why.
    """
    from cseval.analyse import Settings
    from cseval.choose import choose_inputs
    from cseval.register import read_register
    from cseval.runner import run_evaluation

    inputs, why = choose_inputs(evaluation, project, data, seed)
    path = project.reference / "programmes.csv"
    register = read_register(path) if path.exists() else ()
    say = report or (lambda step, found: None)
    say("inputs", why)
    result = run_evaluation(
        evaluation, inputs, register=register, settings=Settings(draws=draws, seed=seed), only=only, report=say
    )
    return replace(result, breaks=_breaks(evaluation, result, project.reference, register)), why


def _breaks(
    evaluation: Evaluation, result: EvaluationResult, reference: Path, register: Sequence[Registered]
) -> tuple[Break, ...]:
    """The dated changes that matter to a run; those of a real place say nothing of a simulated one."""
    from cseval.inputs import DEMONSTRATION
    from cseval.registry.breaks import BREAKS, breaks_in, read_breaks

    path = reference / BREAKS
    if result.data == DEMONSTRATION or not path.exists():
        return ()
    known = read_breaks(path, programmes={p.slug for p in register})
    return breaks_in(known, evaluation.window, {a.estimate.outcome for a in result.analyses})

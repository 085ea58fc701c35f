"""From a slug to its result: choose the data, read the register, run the evaluation or the study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cseval.part import Ground, PartResult
    from cseval.project import Project
    from cseval.registry.breaks import Break
    from cseval.registry.details import Registry
    from cseval.result import EvaluationResult, StudyResult
    from cseval.sources.catalogue import Catalogue
    from cseval.spec import Evaluation
    from cseval.study import Study

Report = Callable[[str, str], None]


def execute(
    evaluation: Evaluation,
    project: Project,
    *,
    data: str,
    draws: int,
    seed: int,
    only: str | None = None,
    report: Report | None = None,
) -> tuple[EvaluationResult, str]:
    """Run an evaluation of a project.

    Returns
    -------
    result : EvaluationResult
    why : str
        Which data were used and why.
    """
    from cseval.analyse import Settings
    from cseval.choose import choose_catalogue, choose_inputs
    from cseval.runner import run_evaluation

    inputs, why = choose_inputs(evaluation, project, data, seed)
    registry = read_registry(project)
    say = report or (lambda step, found: None)
    say("inputs", why)
    register, settings = tuple(registry.programmes.values()), Settings(draws=draws, seed=seed)
    result = run_evaluation(evaluation, inputs, register=register, settings=settings, only=only, report=say)
    catalogue = choose_catalogue(evaluation, project, data if result.data == "real" else result.data)
    return _with_parts(result, _ground(project, catalogue, registry, result.data, (seed, draws), result), say), why


def execute_any(
    work: Evaluation | Study,
    project: Project,
    *,
    data: str,
    draws: int,
    seed: int,
    only: str | None = None,
    report: Report | None = None,
) -> tuple[EvaluationResult | StudyResult, str]:
    """Run an evaluation or a study of a project; returns as `execute`.

    Raises
    ------
    UsageError
        If one analysis alone of a study is asked for, which has none.
    """
    from cseval.errors import UsageError
    from cseval.spec import Evaluation

    if isinstance(work, Evaluation):
        return execute(work, project, data=data, draws=draws, seed=seed, only=only, report=report)
    if only is not None:
        raise UsageError(f"no analysis {only!r}", where="--only", expected=f"none: {work.slug} is a study of parts")
    return execute_study(work, project, data=data, draws=draws, seed=seed, report=report)


def execute_study(
    study: Study, project: Project, *, data: str, draws: int, seed: int, report: Report | None = None
) -> tuple[StudyResult, str]:
    """Run a study of a project; returns as `execute`."""
    from cseval.choose import choose_catalogue, choose_study
    from cseval.run_parts import run_study

    kind, why = choose_study(study, project, data)
    say = report or (lambda step, found: None)
    say("inputs", why)
    catalogue = choose_catalogue(study, project, data if kind == "real" else kind)
    ground = _ground(project, catalogue, read_registry(project), kind, (seed, draws))
    return run_study(study, ground, say), why


def read_registry(project: Project) -> Registry:
    """The programme register of a project, with the windows of its evaluations; empty where it has none."""
    from cseval.loading import impact_evaluations
    from cseval.register import read_register
    from cseval.registry.details import gather_registry

    path = project.reference / "programmes.csv"
    register = read_register(path) if path.exists() else ()
    evaluations: Mapping[str, Evaluation] = impact_evaluations(project, whole=False) if register else {}
    return gather_registry(project.reference, register, evaluations)


def _ground(
    project: Project,
    catalogue: Catalogue,
    registry: Registry,
    data: str,
    chance: tuple[int, int],
    result: EvaluationResult | None = None,
) -> Ground:
    from cseval.part import Ground

    return Ground(
        reference=project.reference,
        catalogue=catalogue,
        registry=registry,
        data=data,
        seed=chance[0],
        draws=chance[1],
        result=result,
    )


def _with_parts(result: EvaluationResult, ground: Ground, say: Report) -> EvaluationResult:
    """The result with its further parts, the dated changes of its months and the overlaps of all programmes."""
    from cseval.run_parts import matrix_of, register_of, run_parts

    evaluation, limits = result.evaluation, result.evaluation.limits
    parts, left_out = run_parts(evaluation.parts, ground, say)
    before = tuple(w for w in result.weaknesses if w not in limits)
    return replace(
        result,
        breaks=_breaks(result, ground.registry),
        matrix=matrix_of(evaluation.programme.register, ground.registry),
        parts=parts,
        register=register_of(evaluation.programme.register, ground.registry),
        weaknesses=(*before, *_weaknesses(parts), *limits),
        left_out=(*result.left_out, *left_out),
    )


def _weaknesses(parts: tuple[PartResult, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w for p in parts for w in p.weaknesses))


def _breaks(result: EvaluationResult, registry: Registry) -> tuple[Break, ...]:
    """The dated changes that matter to a run; those of a real place say nothing of a simulated one."""
    from cseval.inputs import DEMONSTRATION
    from cseval.registry.breaks import breaks_in

    if result.data == DEMONSTRATION:
        return ()
    return breaks_in(registry.breaks, result.evaluation.window, {a.estimate.outcome for a in result.analyses})

"""`run_evaluation`: from inputs to everything a report says, as a recipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cseval.afterwards import adjusted, with_power
from cseval.analyse import Settings, run_analysis, sentence_of
from cseval.checks.context import CheckContext
from cseval.errors import CsevalError, UsageError
from cseval.estimators.base import PlaceboEstimator
from cseval.formats import outcome_words
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inputs import DEMONSTRATION
from cseval.parallel import current
from cseval.register import overlap_table
from cseval.result import AnalysisResult, EvaluationResult
from cseval.verdict import evidence_statement, primary_verdict, read_interval
from cseval.words import class_words

if TYPE_CHECKING:
    import pandas as pd

    from cseval.checks.base import Check, CheckResult
    from cseval.claims.base import Claim, ClaimResult
    from cseval.inference.calibration import Measured
    from cseval.inputs import Inputs
    from cseval.power import PowerResult
    from cseval.register import Registered
    from cseval.spec import Analysis, Evaluation

Report = Callable[[str, str], None]


def _silent(step: str, found: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What a run found, before it is put together: analyses, checks, power, claims, and the tables made of them."""

    analyses: tuple[AnalysisResult, ...]
    checks: tuple[CheckResult, ...]
    power: tuple[PowerResult, ...]
    claims: tuple[ClaimResult, ...]
    frames: Mapping[str, pd.DataFrame]


@dataclass
class _Clock:
    """Seconds by step, in order."""

    durations: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.durations[step] = round(now - self.started, 3)
        self.started = now


def run_evaluation(
    evaluation: Evaluation,
    inputs: Inputs,
    *,
    register: Sequence[Registered] = (),
    settings: Settings | None = None,
    only: str | None = None,
    report: Report = _silent,
) -> EvaluationResult:
    """Run every registered analysis and check of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
    inputs : Inputs
    register : sequence of Registered
        Programmes whose overlaps are shown.
    settings : Settings, optional
        Draws, seed and calibration plan.
    only : str, optional
        Slug of one analysis to run beside the primary one.
    report : callable
        Called with each step and what came out of it.

    Notes
    -----
    Inside ``with cseval.parallel.open_workers(...)`` the analyses are spread over the workers; results, their order and
    every random number are the same.

    Raises
    ------
    CsevalError
        If the primary analysis cannot be made; another analysis that cannot be is left out with its reason.
    """
    settings = settings or Settings()
    clock = _Clock()
    analyses, left_out = evaluation.resolve(inputs.panel.outcomes)
    report("data", _data_words(inputs))
    results, measured, refused = _analyses(evaluation, _chosen(analyses, only), inputs, settings, report, clock)
    primary = next(r for r in results if r.analysis.role == "primary")
    context = _context(evaluation, primary, measured[primary.analysis.slug], register, settings)
    checks, rings = _checks(evaluation, context, report)
    clock.lap("checks")
    results, notes = adjusted(results, settings)
    results, power = with_power(evaluation, results, inputs, settings)
    report("power", f"measured for {len(power)} analyses")
    clock.lap("power")
    claims, untested = hold_claims(evaluation, inputs, settings, report)
    clock.lap("claims")
    finished = _finish(results, checks)
    frames = _frames(evaluation.slug, finished, measured, inputs, rings)
    clock.lap("tables")
    out = (*left_out, *refused, *notes, *untested)
    found = Found(analyses=finished, checks=checks, power=power, claims=claims, frames=frames)
    return _assemble(evaluation, inputs, found, tuple(register), out, settings, clock.durations)


def _data_words(inputs: Inputs) -> str:
    panel = inputs.panel
    return (
        f"{inputs.data}: {len(panel.units)} units, {len(panel.periods)} months "
        f"({panel.periods[0]} to {panel.periods[-1]}), {len(panel.outcomes)} outcomes"
    )


def _chosen(analyses: tuple[Analysis, ...], only: str | None) -> tuple[Analysis, ...]:
    if only is None:
        return analyses
    known = [a.slug for a in analyses]
    if only not in known:
        raise UsageError(f"no analysis {only!r}", where="--only", expected="one of " + ", ".join(known))
    return tuple(a for a in analyses if a.slug == only or a.role == "primary")


def _analyses(
    evaluation: Evaluation,
    analyses: tuple[Analysis, ...],
    inputs: Inputs,
    settings: Settings,
    report: Report,
    clock: _Clock,
) -> tuple[list[AnalysisResult], dict[str, tuple[Measured, ...]], list[str]]:
    results: list[AnalysisResult] = []
    measured: dict[str, tuple[Measured, ...]] = {}
    refused: list[str] = []
    ordered = sorted(analyses, key=lambda a: a.role != "primary")
    found = current().each(_attempt, ordered, evaluation, inputs, settings)
    for analysis, outcome in zip(ordered, found, strict=True):
        if isinstance(outcome, CsevalError):
            refused.append(f"{analysis.slug}: {outcome}")
            report(analysis.slug, f"left out: {outcome}")
            continue
        result, measured[analysis.slug] = outcome
        results.append(result)
        report(analysis.slug, result.verdict)
        clock.lap(f"analysis {analysis.slug}")
    return results, measured, refused


def _attempt(
    analysis: Analysis, evaluation: Evaluation, inputs: Inputs, settings: Settings
) -> tuple[AnalysisResult, tuple[Measured, ...]] | CsevalError:
    """One analysis, or why it cannot be made; without the primary one there is no evaluation."""
    try:
        return run_analysis(evaluation, analysis, inputs, settings)
    except CsevalError as error:
        if analysis.role == "primary":
            raise
        return error


def _context(
    evaluation: Evaluation,
    primary: AnalysisResult,
    measured: tuple[Measured, ...],
    register: Sequence[Registered],
    settings: Settings,
) -> CheckContext | None:
    """What checks may look at; None where the primary analysis does not rest on placebo neighbourhoods."""
    estimator = primary.analysis.estimator
    first = next((i for i in primary.inferred if i.draws is not None), None)
    if not isinstance(estimator, PlaceboEstimator) or first is None or first.draws is None:
        return None
    placebo = next(m for m in primary.analysis.inference if isinstance(m, PlaceboNeighbourhoods))
    return CheckContext(
        evaluation=evaluation,
        design=primary.design,
        estimator=estimator,
        placebo=replace(placebo, draws=settings.draws),
        estimate=primary.estimate,
        inferred=first,
        sets=first.draws.sets,
        measured=measured,
        register=tuple(register),
        seed=settings.seed,
    )


def _checked(check: Check, context: CheckContext) -> CheckResult:
    """What a check found, or that it cannot be made here: one that does not apply must not cost the evaluation."""
    from cseval.checks.base import not_applicable

    try:
        return check.run(context)
    except CsevalError as error:
        return not_applicable(class_words(check), "It cannot be asked of this comparison.", str(error).rstrip("."))


def _checks(
    evaluation: Evaluation, context: CheckContext | None, report: Report
) -> tuple[tuple[CheckResult, ...], list[dict[str, Any]]]:
    from cseval.checks.buffer import ring_effects

    if context is None:
        return (), []
    found = []
    for check in evaluation.checks:
        result = _checked(check, context)
        report(result.name, result.verdict)
        found.append(result)
    return tuple(found), ring_effects(context)


def hold_claims(
    evaluation: Evaluation, inputs: Inputs, settings: Settings, report: Report
) -> tuple[tuple[ClaimResult, ...], tuple[str, ...]]:
    """What the data say of each public claim, and a sentence for each that cannot be held against them."""
    found: list[ClaimResult] = []
    untested: list[str] = []
    for claim in evaluation.claims:
        try:
            result = _held(claim, evaluation, inputs, settings.seed)
        except CsevalError as error:
            untested.append(f"claim {claim.statement.slug}: {error}")
            continue
        found.append(result)
        report(f"claim {claim.statement.slug}", result.verdict)
    return tuple(found), tuple(untested)


def _held(claim: Claim, evaluation: Evaluation, inputs: Inputs, seed: int) -> ClaimResult:
    """What the data say of a claim; simulated data say nothing of what was said about a real place."""
    from cseval.claims.base import CANNOT_BE_TESTED, ClaimResult

    if inputs.data != DEMONSTRATION:
        return claim.test(evaluation, inputs, seed)
    return ClaimResult(
        statement=claim.statement,
        outcome="",
        verdict=CANNOT_BE_TESTED,
        sentence="The data of this run are simulated and say nothing of a statement about a real place.",
        caveat="Run the evaluation on real data to test it.",
    )


def _finish(results: Sequence[AnalysisResult], checks: Sequence[CheckResult]) -> tuple[AnalysisResult, ...]:
    """Let checks weaken the primary verdict."""
    primary = next(r for r in results if r.analysis.role == "primary")
    weakened = replace(primary, verdict=primary_verdict(primary.verdict, checks))
    weakened = replace(weakened, sentence=sentence_of(weakened))
    return tuple(weakened if r is primary else r for r in results)


def _frames(
    slug: str,
    results: Sequence[AnalysisResult],
    measured: dict[str, tuple[Measured, ...]],
    inputs: Inputs,
    rings: list[dict[str, Any]],
) -> dict[str, pd.DataFrame]:
    from cseval import assemble
    from cseval.estimators.event_study import EventStudy
    from cseval.estimators.staggered_events import StaggeredEventStudy

    primary = next(r for r in results if r.analysis.role == "primary")
    study = StaggeredEventStudy(bin_months=3) if primary.design.staggered else EventStudy(bin_months=3, base="mean")
    return {
        "effects": assemble.effects_frame(slug, results, measured, inputs),
        "series": assemble.series_frame(results),
        "event_study": assemble.event_frame(primary, study),
        "placebo": assemble.placebo_frame(primary),
        "calibration": assemble.calibration_frame(slug, results, measured),
        "displacement": assemble.displacement_frame(primary, rings),
        "inference": assemble.inference_frame(slug, results, measured),
    }


def _stand_in(evaluation: Evaluation, primary: AnalysisResult) -> tuple[str, ...]:
    """A sentence if the primary outcome is not the one the protocol prefers."""
    wanted, used = evaluation.primary.outcomes[0], primary.estimate.outcome
    if used == wanted:
        return ()
    return (
        f"The registered primary outcome, {outcome_words(wanted)}, could not be evaluated, since these data hold no "
        f"monthly counts of it. {outcome_words(used).capitalize()} stands in, as registered; nothing here says how "
        f"{outcome_words(wanted)} changed.",
    )


def _shortcomings(primary: AnalysisResult) -> tuple[str, ...]:
    """What the situation takes from the method that the primary verdict rests on."""
    used = primary.inferred[0].method
    return tuple(reason for j in primary.judgements if j.method == used for reason in (j.reason, *j.also) if reason)


def _other_readings(results: Sequence[AnalysisResult], primary: AnalysisResult) -> tuple[str, ...]:
    """A sentence if sensitivity analyses read otherwise than the primary one."""
    first = primary.inferred[0]
    own = read_interval(first.conf_low, first.conf_high)
    others = [r for r in results if r.analysis.role == "sensitivity"]
    unlike = [r for r in others if read_interval(r.inferred[0].conf_low, r.inferred[0].conf_high) != own]
    if not unlike:
        return ()
    labels = [r.analysis.label or r.analysis.slug for r in unlike]
    names = ", ".join(label[:1].lower() + label[1:] for label in labels)
    return (f"{len(unlike)} of {len(others)} sensitivity analyses read otherwise than the primary one: {names}.",)


def _assemble(
    evaluation: Evaluation,
    inputs: Inputs,
    found: Found,
    register: tuple[Registered, ...],
    left_out: tuple[str, ...],
    settings: Settings,
    durations: dict[str, float],
) -> EvaluationResult:
    from cseval.assemble import further_frames

    primary = next(r for r in found.analyses if r.analysis.role == "primary")
    concerns = (
        *_stand_in(evaluation, primary),
        *_shortcomings(primary),
        *(c.sentence for c in found.checks if c.verdict == "concern"),
        *_other_readings(found.analyses, primary),
    )
    units = tuple(f"comparison unit {u}: a month of the window is missing" for u in primary.design.units_left_out)
    months = tuple(f"month {m}: not received" for m in primary.design.months_left_out)
    return EvaluationResult(
        evaluation=evaluation,
        inputs=inputs,
        analyses=found.analyses,
        checks=found.checks,
        overlaps=overlap_table(register, evaluation),
        headline=primary.sentence,
        weaknesses=concerns + evaluation.limits,
        evidence=evidence_statement(found.checks),
        left_out=left_out + units + months,
        warnings=inputs.panel.notes + inputs.notes,
        seed=settings.seed,
        draws=settings.draws,
        power=found.power,
        claims=found.claims,
        further=further_frames(found.analyses, found.claims),
        durations=durations,
        **found.frames,
    )

"""One analysis: design, estimate, inference, measured error rates and verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cseval.defaults import DEFAULT_DRAWS, DEFAULT_SEED
from cseval.design import Design
from cseval.errors import DesignError
from cseval.estimate import LOG, percent
from cseval.estimators.base import PlaceboEstimator, SeriesEstimator
from cseval.finding import finding_of
from cseval.infer import Inferences, best_first, infer_all
from cseval.inference.base import Calibratable, Inferred
from cseval.inference.calibration import CalibrationPlan, Measured, calibrate, selection_bias
from cseval.inference.choice import enough
from cseval.inference.detectable import smallest_detectable
from cseval.inference.guard import Judgement
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.placebo_series import PlaceboSeries
from cseval.inference.requirements import Standing
from cseval.inference.series_calibration import calibrate_series, ranked_series
from cseval.months import month_number
from cseval.result import AnalysisResult
from cseval.verdict import analysis_verdict
from cseval.words import reading

if TYPE_CHECKING:
    from cseval.estimate import Estimate
    from cseval.inputs import Inputs
    from cseval.spec import Analysis, Evaluation


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run may change without changing the protocol.

    Parameters
    ----------
    draws : int
        Placebo neighbourhoods drawn for each test.
    seed : int
        Everything random is a pure function of it.
    plan : CalibrationPlan
        How much is measured for the error rates.
    """

    draws: int = DEFAULT_DRAWS
    seed: int = DEFAULT_SEED
    plan: CalibrationPlan = field(default_factory=CalibrationPlan)


def design_of(evaluation: Evaluation, analysis: Analysis, inputs: Inputs) -> Design:
    """The design of an analysis with one definite outcome.

    Raises
    ------
    DesignError
        If it cannot be made, or the treated units do not form the neighbourhoods that the programme declares.
    """
    start, before, after, transition = evaluation.window_of(analysis)
    rings = evaluation.programme.buffer_rings if analysis.buffer_rings is None else analysis.buffer_rings
    design = Design.build(
        inputs,
        analysis.outcomes[0],
        start=start,
        months_before=before,
        months_after=after,
        transition=transition,
        buffer_rings=rings,
        comparison=analysis.comparison,
        registered=evaluation.programme.start,
    )
    design.require_neighbourhoods(evaluation.programme.neighbourhoods)
    return design


def run_analysis(
    evaluation: Evaluation, analysis: Analysis, inputs: Inputs, settings: Settings
) -> tuple[AnalysisResult, tuple[Measured, ...]]:
    """Estimate, measure the uncertainty and its error rate, and read the result.

    Raises
    ------
    CsevalError
        If the design cannot be made or the effect is not estimable.
    """
    design = design_of(evaluation, analysis, inputs)
    estimate = analysis.estimator.estimate(design)
    found = infer_all(design, analysis.estimator, estimate, analysis.inference, settings.draws, settings.seed)
    measured = _measure(evaluation, analysis, design, found, estimate.inference, settings)
    inferred, choice = best_first(found, measured)
    judgements = found.judgements
    bias = selection_bias(measured)
    if analysis.subtract_selection:
        estimate, adjusted = _less_selection(estimate, inferred[0], bias)
        inferred = (adjusted,)
        judgements = tuple(j if j.method == adjusted.method else _without_subtraction(j) for j in judgements)
    first = inferred[0]
    result = AnalysisResult(
        analysis=analysis,
        design=design,
        estimate=estimate,
        inferred=inferred,
        verdict=analysis_verdict(first.conf_low, first.conf_high, worst_rate(measured, first.method), first.reliable),
        sentence="",
        rates=rates_of(measured, first.method),
        selection_bias=bias[0],
        smallest_detectable=detectable_percent(estimate, first),
        judgements=judgements,
        choice=choice.reason,
    )
    return replace(result, sentence=sentence_of(result)), measured


def sentence_of(result: AnalysisResult) -> str:
    """The reading of one analysis, by its verdict and the method it rests on."""
    return reading(finding_of(result))


def rates_of(measured: Sequence[Measured], method: str) -> dict[str, float]:
    """False-positive rates of a method at 5 % by population, where one was measured: see `choice.enough`."""
    return {m.population: m.rate(0.05) for m in measured if m.method == method and enough(m)}


def worst_rate(measured: Sequence[Measured], method: str) -> float:
    """The highest false-positive rate at 5 % of a method, over populations large enough to measure one; NaN if none."""
    return max(rates_of(measured, method).values(), default=math.nan)


def plan_of(evaluation: Evaluation, design: Design, settings: Settings) -> CalibrationPlan:
    """The calibration plan with the programme's own gap between decision and start.

    The programme chose its area once, so every outcome is measured on the neighbourhoods worst by the primary one.
    """
    agreed = evaluation.programme.agreed
    gap = month_number(design.start) - month_number(agreed) if agreed else 0
    primary = next(o for o in evaluation.primary.outcomes if o in design.inputs.panel.outcomes)
    return replace(settings.plan, chosen_before=max(gap, 0), selected_on=primary)


def _measure(
    evaluation: Evaluation,
    analysis: Analysis,
    design: Design,
    found: Inferences,
    own_errors: str,
    settings: Settings,
) -> tuple[Measured, ...]:
    """Measured error rates of the analysis' methods; `own_errors` names those of a time-series model itself."""
    plan, methods = plan_of(evaluation, design, settings), found.methods
    testable = [m for m in methods if isinstance(m, Calibratable)]
    if testable and isinstance(analysis.estimator, PlaceboEstimator):
        registered = next((m for m in methods if isinstance(m, PlaceboNeighbourhoods)), None)
        placebo = registered or PlaceboNeighbourhoods(draws=settings.draws)  # where none is, it still draws the places
        others = [m for m in testable if m is not placebo]
        try:
            rates = calibrate(design, analysis.estimator, placebo, others, plan, settings.seed)
        except DesignError:
            if registered is not None:
                raise
            return ()  # too few places to draw from, which only a method that ranks among them needs
        return tuple(m for m in rates if registered is not None or m.method != placebo.name)
    if not isinstance(analysis.estimator, SeriesEstimator):
        return ()
    single = calibrate_series(design, analysis.estimator, plan.step, settings.seed)
    if single is None:
        return ()
    ranked = [m.name for m in methods if isinstance(m, PlaceboSeries)]
    return (replace(single, method=own_errors or single.method), *(ranked_series(single, name) for name in ranked))


def _less_selection(
    estimate: Estimate, inferred: Inferred, bias: tuple[float, float, int]
) -> tuple[Estimate, Inferred]:
    """Estimate and inference less the change that selection alone brings, its own error added in quadrature."""
    import numpy as np

    from cseval.inference.placebo import p_values

    shift, error, count = bias
    if not count or inferred.draws is None:
        why = "could not be measured" if not count else f"cannot be subtracted from what {inferred.method} says"
        note = f"the change from selection alone {why}, so nothing is subtracted"
        return replace(estimate, notes=(*estimate.notes, note)), inferred
    spread = math.hypot(inferred.std_error, error)
    effect = estimate.effect - shift
    statistics = inferred.draws.statistics
    wider = spread / inferred.std_error
    changed = replace(
        inferred,
        std_error=spread,
        conf_low=effect - (estimate.effect - inferred.conf_low) * wider,
        conf_high=effect + (inferred.conf_high - estimate.effect) * wider,
        p_value=float(p_values(np.array([effect / spread]), statistics)[0]),
    )
    counterfactual = estimate.observed / math.exp(effect) if estimate.scale == LOG else estimate.counterfactual
    return replace(estimate, effect=effect, counterfactual=counterfactual), changed


def _without_subtraction(judgement: Judgement) -> Judgement:
    """A method that was run without the subtraction, whose numbers are therefore not those of this analysis."""
    return Judgement(
        method=judgement.method,
        standing=Standing.REFUSED,
        reason="It takes no account of the subtraction of what selection alone brings.",
    )


def detectable_percent(estimate: Estimate, inferred: Inferred) -> tuple[float, float]:
    """Smallest fall and rise, in per cent, that the placebo test would have detected four times in five."""
    if inferred.draws is None or estimate.scale != LOG or "critical_value" not in inferred.facts:
        return (math.nan, math.nan)
    shift = smallest_detectable(inferred.draws.statistics, inferred.facts["critical_value"]) * inferred.std_error
    return (percent(-shift), percent(shift)) if math.isfinite(shift) else (math.nan, math.nan)

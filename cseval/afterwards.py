"""What the analyses of an evaluation are given together: p-values adjusted for their number, and measured power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cseval.analyse import sentence_of
from cseval.errors import CsevalError
from cseval.estimators.base import PlaceboEstimator
from cseval.inference.multiplicity import holm, step_down
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.parallel import current
from cseval.verdict import secondary_verdict

if TYPE_CHECKING:
    from cseval.analyse import Settings
    from cseval.inputs import Inputs
    from cseval.power import PowerResult
    from cseval.result import AnalysisResult
    from cseval.spec import Evaluation


def adjusted(results: Sequence[AnalysisResult], settings: Settings) -> tuple[list[AnalysisResult], tuple[str, ...]]:
    """The results with secondary p-values adjusted for their number, and a note where max-T is not possible.

    By max-T on common placebo neighbourhoods (Westfall and Young 1993), which knows how outcomes move together, and by
    Holm beside it. Where the outcomes share no placebo neighbourhoods, Holm's stands for both.
    """
    tested = [r for r in results if r.analysis.role == "secondary"]
    p_values = [r.inferred[0].p_value for r in tested]
    by_holm = holm(p_values)
    by_max = _max_t(tested, p_values, settings)
    alone = (
        "Secondary p-values are adjusted by Holm alone, since not every one of them is a rank among placebo "
        "neighbourhoods that all these outcomes share."
    )
    notes = (alone,) if tested and by_max is None else ()
    found = {
        r.analysis.slug: (h if m is None else m, h)
        for r, h, m in zip(tested, by_holm, by_max or [None] * len(tested), strict=True)
    }
    nan = (math.nan, math.nan)
    pairs = [(r, found.get(r.analysis.slug, nan)) for r in results]
    return [_read_again(replace(r, p_adjusted=p, p_holm=h)) for r, (p, h) in pairs], notes


def _read_again(result: AnalysisResult) -> AnalysisResult:
    """The result with the verdict and the sentence that its adjusted p-value leaves."""
    read = replace(result, verdict=secondary_verdict(result.verdict, result.p_adjusted))
    return replace(read, sentence=sentence_of(read))


def _max_t(tested: Sequence[AnalysisResult], p_values: Sequence[float], settings: Settings) -> tuple[float, ...] | None:
    """Step-down max-T p-values, or None where not every outcome can be ranked in common placebo neighbourhoods."""
    estimators = [r.analysis.estimator for r in tested if isinstance(r.analysis.estimator, PlaceboEstimator)]
    if not tested or len(estimators) < len(tested) or any(r.inferred[0].draws is None for r in tested):
        return None
    try:
        return step_down([r.design for r in tested], estimators, p_values, draws=settings.draws, seed=settings.seed)
    except CsevalError:
        return None


def with_power(
    evaluation: Evaluation, results: Sequence[AnalysisResult], inputs: Inputs, settings: Settings
) -> tuple[list[AnalysisResult], tuple[PowerResult, ...]]:
    """The results with the smallest effects that injected ones show to be detectable, and the power behind them.

    For the primary outcome, with several lengths of follow-up, and for secondary ones, with the registered length.
    """
    asked = [r for r in results if r.analysis.role in ("primary", "secondary") and _testable(r)]
    found = current().map(_power, [r.analysis for r in asked], evaluation, inputs, settings)
    by_slug = {r.analysis.slug: p for r, p in zip(asked, found, strict=True) if p is not None}
    return [_detected(r, by_slug.get(r.analysis.slug)) for r in results], tuple(by_slug.values())


def _testable(result: AnalysisResult) -> bool:
    """Whether the verdict rests on the test whose power can be measured."""
    first = result.analysis.inference[0]
    return isinstance(first, PlaceboNeighbourhoods) and result.inferred[0].method == first.name


def _power(analysis: object, evaluation: Evaluation, inputs: Inputs, settings: Settings) -> PowerResult | None:
    """Power of one analysis, over a shorter pre period where the registered one does not fit a second time.

    None where there are too few months before the programme even for that.
    """
    from cseval.power import power_of
    from cseval.power_plan import FOLLOW_UP, PowerPlan
    from cseval.spec import Analysis

    assert isinstance(analysis, Analysis)
    plan = PowerPlan(follow_up=FOLLOW_UP if analysis.role == "primary" else ())
    try:
        return power_of(evaluation, analysis, inputs, settings, plan)
    except CsevalError:
        return None


def _detected(result: AnalysisResult, power: PowerResult | None) -> AnalysisResult:
    """The result with its measured detectable effects, and its sentence with them."""
    if power is None:
        return result
    rows = power.detectable[power.detectable["months_after"] == result.design.months_after]
    if not len(rows):
        return result
    row = rows.iloc[0]
    fall, rise, low, high = (float(row[c]) for c in ("mde_fall", "mde_rise", "mde_fall_error", "mde_rise_error"))
    changed = replace(result, smallest_detectable=(fall, rise), detectable_error=(low, high))
    return replace(changed, sentence=sentence_of(changed))

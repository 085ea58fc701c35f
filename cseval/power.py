"""Power: which effects the registered comparison and its test would find, measured on the user's own earlier months.

At placebo starts whose whole window lies before the programme, a known effect is injected into placebo neighbourhoods
like the treated area, and the same estimator and the same test are run on them (`cseval.inference.injection`). The
share found is the power. Nothing of it needs a month after the programme's start, so it can be asked before there is
any: for chosen areas, a planned start and a number of months.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.analyse import Settings, design_of
from cseval.errors import EstimationError, UsageError
from cseval.estimators.base import ManyEffects, SeriesEstimator
from cseval.formats import outcome_words
from cseval.inference.base import Placebos
from cseval.inference.calibration import like_treated, places
from cseval.inference.choice import FEWEST_MEASURED
from cseval.inference.detectable import POWER
from cseval.inference.injection import injected_effects, response_of
from cseval.inference.placebo import PlaceboNeighbourhoods, as_placebo_estimator
from cseval.inference.power_curve import PowerCurve
from cseval.parallel import current
from cseval.power_plan import FOLLOW_UP as FOLLOW_UP
from cseval.power_plan import PowerPlan, placebo_windows, require_baseline, shorter_before, treating
from cseval.power_series import series_curve

if TYPE_CHECKING:
    import pandas as pd

    from cseval.design import Design
    from cseval.estimators.base import Floats, PlaceboEstimator
    from cseval.inference.injection import Response
    from cseval.inputs import Inputs
    from cseval.spec import Analysis, Evaluation

LEVEL = 0.05
#: Most placebos tested, over all placebo starts, where the estimator has to be run for each of them.
MOST_RUN = 200


@dataclass(frozen=True, kw_only=True, eq=False)
class PowerResult:
    """Power by effect and by months of follow-up, and the smallest effect detected four times in five.

    Parameters
    ----------
    curve : pandas.DataFrame
        One row for each number of months and effect: ``evaluation, analysis, outcome, method, months_before,
        months_after, effect_percent, placebos, districts, placebo_starts, power, mc_error``. `power` is the share
        rejected at 5 % in both directions taken together; at no effect it is the measured error rate.
    detectable : pandas.DataFrame
        One row for each number of months: ``evaluation, analysis, outcome, method, months_before, months_after,
        placebos, target_power, mde_fall, mde_fall_error, mde_rise, mde_rise_error, largest_fall, largest_rise, size,
        size_error``. Effects in per cent, falls negative, errors in points. Infinite where no effect up to
        `largest_fall` or `largest_rise` reaches the target.
    notes : tuple of str
        What was left out or is to be known, in sentences.
    """

    curve: pd.DataFrame
    detectable: pd.DataFrame
    notes: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """One sentence for each number of months of follow-up."""
        return tuple(detectable_words(row) for row in self.detectable.to_dict("records"))

    @classmethod
    def join(cls, parts: Sequence[PowerResult]) -> PowerResult:
        """The results of several analyses, one after the other."""
        import pandas as pd

        return cls(
            curve=pd.concat([p.curve for p in parts], ignore_index=True),
            detectable=pd.concat([p.detectable for p in parts], ignore_index=True),
            notes=tuple(n for p in parts for n in p.notes),
        )


def detectable_words(row: Any) -> str:
    """One row of `PowerResult.detectable` as a sentence."""
    months = int(row["months_after"])
    fall = _size_words("fall", row["mde_fall"], row["mde_fall_error"], row["largest_fall"])
    rise = _size_words("rise", row["mde_rise"], row["mde_rise_error"], row["largest_rise"])
    return (
        f"With {months} month{'' if months == 1 else 's'} of follow-up, {fall} or {rise} in "
        f"{outcome_words(row['outcome'])} would be detected four times in five{_false_alarms(row)}."
    )


def _false_alarms(row: Any) -> str:
    """What makes the power of a test look better than it is: that it also finds what is not there."""
    if row["size"] - 1.96 * row["size_error"] <= LEVEL:
        return ""
    return (
        f", but the same test finds an effect where there is none in {100 * row['size']:.0f}% of cases "
        f"rather than {100 * LEVEL:.0f}%"
    )


def _size_words(direction: str, change: float, error: float, largest: float) -> str:
    if not math.isfinite(change):
        return f"only a {direction} of more than {abs(largest):.0f}%"
    known = f"Monte Carlo error {error:.1f} points" if math.isfinite(error) else "Monte Carlo error not measurable"
    return f"a {direction} of {abs(change):.0f}% ({known})"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Measured:
    """The curve at one number of months, and what it was measured on."""

    curve: PowerCurve
    method: str
    starts: int
    design: Design
    notes: tuple[str, ...] = field(default=())


def power_of(
    evaluation: Evaluation,
    analysis: Analysis,
    inputs: Inputs,
    settings: Settings,
    plan: PowerPlan | None = None,
) -> PowerResult:
    """Power of one analysis with its registered estimator and the first of its inference methods.

    Parameters
    ----------
    analysis : Analysis
        With one definite outcome, as `Evaluation.resolve` gives it.
    settings : Settings
        Its calibration plan says how many placebos are drawn and tested, and how far apart placebo starts are.
    plan : PowerPlan, optional
        The registered start, areas and months of follow-up if left out. Where the registered months before do not
        fit a second time before the programme, fewer are taken, and `detectable` says how many.

    Raises
    ------
    UsageError
        If an area is unknown, or the analysis' test cannot be run on injected effects.
    DesignError
        If no placebo start fits into the months before the start, or the areas do not adjoin.
    EstimationError
        If the treated area has no incident before, or no neighbourhood is like it.
    """
    plan = plan or PowerPlan()
    require_testable(analysis)
    shorter = shorter_before(evaluation, analysis, inputs, plan)
    plan = plan if shorter is None else replace(plan, before=shorter)
    windows = placebo_windows(evaluation, analysis, inputs, plan)
    bases = tuple(windows.bases.values())
    own = bases[0] if plan.planned else treating(design_of(evaluation, analysis, inputs), plan.areas)
    require_baseline(own)
    found = current().map(_measure, bases, analysis, own, settings, plan)
    labels = {"evaluation": evaluation.slug, "analysis": analysis.slug, "outcome": analysis.outcomes[0]}
    return _result(labels, found, plan, settings.seed, windows.skipped)


# What is asked ----------------------------------------------------------------------------------------


def require_testable(analysis: Analysis) -> None:
    """Refuse an analysis whose test cannot be run on injected effects.

    Raises
    ------
    UsageError
    """
    where = f"power, analysis {analysis.slug}"
    if analysis.subtract_selection:
        raise UsageError(
            "it subtracts a measured bias, which placebo neighbourhoods do not have",
            where=where,
            expected="an analysis without that",
        )
    if not isinstance(analysis.inference[0], PlaceboNeighbourhoods) and not isinstance(
        analysis.estimator, SeriesEstimator
    ):
        raise UsageError(
            f"{analysis.inference[0].name} cannot be run on injected effects",
            where=where,
            expected="placebo neighbourhoods as the first inference method, or a time-series model",
        )


# How it is measured -----------------------------------------------------------------------------------


def _measure(base: Design, analysis: Analysis, own: Design, settings: Settings, plan: PowerPlan) -> _Measured:
    ratios = 1 + np.array(plan.effects) / 100
    method = analysis.inference[0]
    if isinstance(method, PlaceboNeighbourhoods):
        return _placebo_curve(analysis, _same_test(analysis, method, own, settings), base, own, settings, ratios)
    assert isinstance(analysis.estimator, SeriesEstimator)
    curve, name, model = series_curve(base, analysis.estimator, ratios, plan.simulations, settings.seed)
    note = (
        f"{analysis.slug}: simulated with {base.months_after} months after; the treated area's variance is "
        f"{1 + model.alpha * float(model.mean.mean()):.1f} times Poisson's, its autocorrelation on the log scale "
        f"{model.rho:.2f}."
    )
    return _Measured(curve=curve, method=name, starts=1, design=base, notes=(note,))


def _same_test(
    analysis: Analysis, method: PlaceboNeighbourhoods, own: Design, settings: Settings
) -> PlaceboNeighbourhoods:
    """The placebo method with the match that the treated area's own test comes to."""
    method = replace(method, draws=settings.draws)
    inferred = method.infer(own, analysis.estimator, analysis.estimator.estimate(own), settings.seed)
    return replace(method, match=inferred.facts["match_factor"])


def _placebo_curve(
    analysis: Analysis,
    method: PlaceboNeighbourhoods,
    base: Design,
    own: Design,
    settings: Settings,
    ratios: Floats,
) -> _Measured:
    """Rejections at every placebo start, put together; the same placebos as `calibrate` tests."""
    starts = base.earlier_starts(base.start, settings.plan.step)
    share = min(max(-(-settings.plan.placebos // max(len(starts), 1)), 999), 4000)
    rejected, place, probe = [], [], _Probe()
    for number, start in enumerate(starts, start=1):
        at = base.at(start)
        reference = method.reference(at, analysis.estimator, share, settings.seed + number)
        if not np.isfinite(reference.effects.effect).any():  # nothing was counted yet
            continue
        tested = _tested(method, own, at, reference, min(-(-settings.plan.tested // len(starts)), 2000))
        rng = np.random.default_rng([settings.seed, number, base.months_after])
        rejected.append(_rejected(method, tested, reference, ratios, probe, len(starts), rng))
        place.append(places(at, tested.sets.members[: rejected[-1].shape[1]]))
    count = sum(r.shape[1] for r in rejected)
    if not count:
        raise EstimationError(
            "no placebo neighbourhood has a count like the treated area's",
            where=f"power, outcome {base.outcome}",
            todo="Choose other areas, or a wider comparison",
        )
    few = f"{analysis.slug}: only {count} placebo neighbourhoods are like the treated area, so power is known roughly."
    return _Measured(
        curve=PowerCurve(ratios=ratios, rejected=np.concatenate(rejected, axis=1), place=np.concatenate(place)),
        method=method.name,
        starts=len(rejected),
        design=base,
        notes=(few,) if count < FEWEST_MEASURED else (),
    )


def _tested(method: PlaceboNeighbourhoods, own: Design, at: Design, reference: Placebos, most: int) -> Placebos:
    """The placebo neighbourhoods like the treated area, or all where the method's placebos are of one kind."""
    if "matched" not in method.populations:
        return reference.take(np.arange(min(most, len(reference))))
    return reference.take(np.flatnonzero(like_treated(own, at, reference.sets))[:most])


class _Probe:
    """How the estimator's effects move with post totals, tried out at the first placebo start with any placebos."""

    def __init__(self) -> None:
        self._found: list[Response | None] = []

    def __call__(self, tested: Placebos, estimator: PlaceboEstimator, rng: np.random.Generator) -> Response | None:
        if not self._found and np.isfinite(tested.effects.effect).any():
            self._found.append(response_of(tested.design, estimator, tested.sets, tested.effects, rng))
        return self._found[0] if self._found else None


def _rejected(
    method: PlaceboNeighbourhoods,
    tested: Placebos,
    reference: Placebos,
    ratios: Floats,
    probe: _Probe,
    starts: int,
    rng: np.random.Generator,
) -> Any:
    """Which placebos are rejected after each ratio, bool array of shape (ratios, placebos).

    Without an effect the tested ones are themselves among the reference, as in `calibrate`. With one they are ranked
    against the reference as it was, their own effect before the injection being one more placebo.
    """
    design, estimator = reference.design, as_placebo_estimator(reference.estimator)
    response = probe(tested, estimator, rng)
    if response is None:  # the estimator is run for every placebo and effect
        tested = tested.take(np.arange(min(len(tested), -(-MOST_RUN // starts))))
    found = injected_effects(design, estimator, tested.sets, tested.effects, ratios, response, rng)
    found[ratios == 1] = tested.effects.effect
    p_value = np.empty_like(found)
    for which, among in ((ratios == 1, True), (ratios != 1, False)):
        moved = _injected(tested, found[which])
        p_value[which] = method.test_many(moved, reference, among=among).reshape(found[which].shape)
    return np.isfinite(found) & (p_value <= LEVEL + 1e-12)


def _injected(tested: Placebos, effects: Floats) -> Placebos:
    """The tested placebos once for each row of `effects`, with these effects."""
    which = np.tile(np.arange(len(tested)), len(effects))
    many = tested.effects.take(which)
    moved = ManyEffects(effect=effects.ravel(), variance_terms=many.variance_terms, size=many.size)
    return replace(tested.take(which), effects=moved)


# What is reported -------------------------------------------------------------------------------------


def _result(
    labels: dict[str, str], found: Sequence[_Measured], plan: PowerPlan, seed: int, skipped: tuple[str, ...]
) -> PowerResult:
    import pandas as pd

    return PowerResult(
        curve=pd.DataFrame([row for m in found for row in _curve_rows(labels, m, plan)]),
        detectable=pd.DataFrame([_detectable_row(labels, m, plan, seed) for m in found]),
        notes=skipped + tuple(n for m in found for n in m.notes),
    )


def _named(labels: dict[str, str], m: _Measured) -> dict[str, Any]:
    window = {"months_before": m.design.months_before, "months_after": m.design.months_after}
    return {**labels, "method": m.method, **window, "placebos": m.curve.rejected.shape[1]}


def _curve_rows(labels: dict[str, str], m: _Measured, plan: PowerPlan) -> list[dict[str, Any]]:
    facts = {"districts": len(np.unique(m.curve.place)), "placebo_starts": m.starts}
    values = zip(plan.effects, m.curve.power.tolist(), m.curve.error.tolist(), strict=True)
    return [
        {**_named(labels, m), **facts, "effect_percent": effect, "power": power, "mc_error": error}
        for effect, power, error in values
    ]


def _detectable_row(labels: dict[str, str], m: _Measured, plan: PowerPlan, seed: int) -> dict[str, Any]:
    fall, fall_error = m.curve.detectable(rise=False, seed=seed)
    rise, rise_error = m.curve.detectable(rise=True, seed=seed)
    size, size_error = m.curve.size
    return {
        **_named(labels, m),
        "target_power": POWER,
        "mde_fall": fall,
        "mde_fall_error": fall_error,
        "mde_rise": rise,
        "mde_rise_error": rise_error,
        "largest_fall": plan.effects[0],
        "largest_rise": plan.effects[-1],
        "size": size,
        "size_error": size_error,
    }

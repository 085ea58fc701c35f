"""The steps of a dose-response: each level of the dose by itself, with an interval that fits how many are treated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.estimators.dose_kernels import LevelTotals, level_totals, saturated_effects

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design

    Floats = npt.NDArray[np.float64]

LEVEL = 0.05


def step_intervals(design: Design, by_level: Floats, totals: LevelTotals) -> tuple[Floats, Floats, Floats, Floats]:
    """Error, ends of the 95 % interval and p-value of each level's effect against the pre period.

    With several treated units the errors are clustered by unit (CR1), with Student's t on units - 1 df. With one they
    are NaN, and intervals and p-values are ranks among the comparison units (`ranked_steps`).

    Parameters
    ----------
    by_level : float array, shape (units, levels)
        Counts summed by level, the pre period first.
    totals : LevelTotals
        Of the treated units.

    Returns
    -------
    error, low, high, p_value : float array, shape (levels - 1,)
    """
    from cseval.estimators.did_kernels import t_interval

    effect, df = saturated_effects(totals)[0, 1:], float((design.is_treated | design.comparison).sum() - 1)
    if design.is_treated.sum() == 1:
        return np.full(len(effect), np.nan), *ranked_steps(design, by_level, totals)
    error = np.array([_step_error(design, by_level, step) for step in range(1, by_level.shape[1])])
    return error, *t_interval(effect, error, df)


def ranked_steps(design: Design, by_level: Floats, totals: LevelTotals) -> tuple[Floats, Floats, Floats]:
    """Ends of the 95 % interval and p-value of each level's effect, by rank among single comparison units.

    Each of the n comparison units in turn is dosed as the treated unit was, against the others less its ring. The
    p-value is ``(1 + number of the others' effects at least as large) / (n + 1)``; the interval holds the effects that
    are not rejected at 5 % and so reaches as far on each side as the k-th largest of the others' effects, with
    ``k = 0.05 (n + 1)`` rounded down; NaN with fewer than 19 of them. Exact if units are exchangeable. Effects are
    ranked as they are, so that small units among the others widen the interval; one that cannot be computed counts as
    the largest.

    Returns
    -------
    low, high, p_value : float array, shape (levels - 1,)
    """
    effect = saturated_effects(totals)[0, 1:]
    sets = design.sets(np.flatnonzero(design.comparison)[:, None])
    theirs = np.abs(saturated_effects(level_totals(by_level, totals.dose, design.comparison, sets))[:, 1:])
    theirs = np.where(np.isfinite(theirs), theirs, np.inf)
    reached = 1 + (theirs >= np.abs(effect) * (1 - 1e-9)).sum(axis=0)
    k = int(LEVEL * (len(theirs) + 1) + 1e-9)
    reach = np.sort(theirs, axis=0)[-k] if k else np.full(len(effect), np.inf)
    reach = np.where(np.isfinite(reach), reach, np.nan)
    return effect - reach, effect + reach, np.where(np.isfinite(effect), reached / (len(theirs) + 1), np.nan)


def one_unit_notes(design: Design) -> tuple[str, ...]:
    """What is said of errors where a single unit is treated; nothing otherwise."""
    from cseval.estimators.poisson_did import one_unit_note

    ranked = (
        "Intervals and p-values of the steps of the dose are ranks among the "
        f"{int(design.comparison.sum())} comparison units, each dosed in turn as the treated one was."
    )
    return tuple(f"{sentence} {ranked}" for sentence in one_unit_note(design))


def _step_error(design: Design, by_level: Floats, step: int) -> float:
    """CR1 error of one level against the pre period: that of a difference in differences over these months alone."""
    from cseval.estimators.did_kernels import group_totals, log_ratio_variance

    pre, post = by_level[:, 0], by_level[:, step]
    totals = group_totals(pre, post, design.comparison, design.own_set)
    clusters = float((design.is_treated | design.comparison).sum())
    variance = float(log_ratio_variance(pre, post, design.comparison, design.own_set, totals)[0])
    return float(np.sqrt(variance * clusters / (clusters - 1)))

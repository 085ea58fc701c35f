"""Several outcomes tested at once: p-values adjusted for how many there are, and for how they move together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import UsageError
from cseval.inference.likeness import cut_at_random, similar
from cseval.inference.placebo import CANDIDATES
from cseval.inference.placebo_draws import candidates
from cseval.inference.spread import Spread, VarianceBySize, studentised

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import PlaceboEstimator

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

#: Rounding may not break a tie in favour of a finding.
TIE = 1e-12


# Holm -------------------------------------------------------------------------------------------------


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in the order given; NaN stays NaN and does not count.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    ranked = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for step, (p, i) in enumerate(ranked):
        highest = max(highest, min(1.0, p * (len(ranked) - step)))
        adjusted[i] = highest
    return tuple(adjusted)


# Max-T ------------------------------------------------------------------------------------------------


def max_t(observed: Floats, draws: Floats, marginal: Floats | None = None) -> Floats:
    """Step-down max-T adjusted p-values, shape (outcomes,), in the order given.

    With outcomes ordered so that ``|t_(1)| >= |t_(2)| >= ...``, the adjusted p of the j-th is
    ``(1 + #{b: max over l >= j of |t_b,(l)| >= |t_(j)|}) / (1 + B)``, made non-decreasing in j.

    Parameters
    ----------
    observed : float array, shape (outcomes,)
        Test statistics; NaN where an outcome cannot be estimated, which stays NaN and does not count.
    draws : float array, shape (draws, outcomes)
        The same statistics under the null, a draw for all outcomes together; not finite where an outcome cannot be
        estimated in a draw, which counts against that outcome's finding and no other's.
    marginal : float array, shape (outcomes,), optional
        p-values of each outcome by itself, below which no adjusted one may lie. They may rest on other draws.

    Raises
    ------
    UsageError
        If the shapes do not belong together, or there is no draw.

    Notes
    -----
    The family-wise error rate is held at its level whichever of the nulls are true, if the draws have the joint
    distribution that the statistics of the true nulls have. Taking the larger of two p-values only lowers it.

    Source: Westfall and Young (1993), "Resampling-Based Multiple Testing", algorithm 4.1, as set out by Ge, Dudoit and
    Speed (2003), "Resampling-based multiple testing for microarray data analysis", box 2; Romano and Wolf (2005),
    "Exact and approximate stepdown methods for multiple hypothesis testing". One is added to both counts (Phipson and
    Smyth 2010, "Permutation p-values should never be zero").
    """
    observed, draws = np.asarray(observed, dtype=float), np.asarray(draws, dtype=float)
    _require_shapes(observed, draws, marginal)
    order = np.argsort(-np.abs(observed), kind="stable")
    order = order[~np.isnan(observed[order])]
    adjusted = np.full(len(observed), np.nan)
    if len(order):
        known = np.isfinite(draws[:, order])
        sizes = np.where(known, np.abs(draws[:, order]), -np.inf)
        largest = np.maximum.accumulate(sizes[:, ::-1], axis=1)[:, ::-1]  # over this outcome and all less extreme ones
        reached = ((largest >= np.abs(observed[order]) * (1 - TIE)) | ~known).sum(axis=0)
        adjusted[order] = np.maximum.accumulate((1 + reached) / (1 + len(draws)))
    return (
        adjusted if marginal is None else np.asarray(np.fmax(adjusted, np.where(np.isnan(adjusted), np.nan, marginal)))
    )


def _require_shapes(observed: Floats, draws: Floats, marginal: Floats | None) -> None:
    ill = draws.ndim != 2 or observed.ndim != 1 or draws.shape[1:] != observed.shape or not len(draws)
    if ill or (marginal is not None and np.shape(marginal) != observed.shape):
        raise UsageError(
            f"{observed.shape} statistics, {draws.shape} draws"
            + ("" if marginal is None else f" and {np.shape(marginal)} p-values"),
            where="max-T",
            expected="a statistic, a column of at least one draw and a p-value for each outcome",
        )


# Joint placebo statistics -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class JointStatistics:
    """Studentised effects on several outcomes, of the treated area and of one list of placebo neighbourhoods.

    Parameters
    ----------
    observed : float array, shape (outcomes,)
        NaN where an outcome cannot be estimated.
    draws : float array, shape (sets, outcomes)
        Infinite where an outcome cannot be estimated in a set.
    """

    observed: Floats
    draws: Floats


def common_sets(designs: Sequence[Design], draws: int, seed: int, match: float = 1.5) -> Index:
    """Placebo neighbourhoods that every outcome can use, positions of shape (sets, size).

    They are drawn from the units that are comparison for all outcomes (one with a month missing for some outcome is
    not), and are those whose total pre-period count over the outcomes is like the treated area's, by the rule of
    `similar`. All outcomes need the same treated units.

    Raises
    ------
    DesignError
        If fewer than 19 exist.
    UsageError
        If the outcomes have different treated units, or there are none.
    """
    if len({d.treated for d in designs}) != 1:
        raise UsageError(
            "outcomes with different treated units" if designs else "no outcome",
            where="max-T",
            expected="the same treated units for every outcome",
        )
    shared = np.logical_and.reduce([d.comparison for d in designs])
    pool = frozenset(u for u, keep in zip(designs[0].units, shared, strict=True) if keep)
    members, _ = candidates(replace(designs[0], pool=pool), CANDIDATES * draws, seed)
    total = np.sum([d.pre_counts for d in designs], axis=0)
    which, _ = similar(total[members].sum(axis=1), float(total[designs[0].is_treated].sum()), members, match)
    return np.asarray(members[cut_at_random(which, draws, seed)])


def joint_statistics(
    designs: Sequence[Design],
    estimators: Sequence[PlaceboEstimator],
    members: Index,
    spread: Spread | None = None,
) -> JointStatistics:
    """Studentised effects of the treated area and of common placebo neighbourhoods, outcome by outcome.

    Parameters
    ----------
    designs : sequence of Design
        One for each outcome; each set's comparison is the design's own less the set and its ring.
    estimators : sequence of PlaceboEstimator
        One for each design.
    members : int array, shape (sets, size)
        From `common_sets`.
    spread : Spread, optional
        Variance that effects are studentised by, fitted to each outcome's own placebo effects; by size if left out.
    """
    spread = spread or VarianceBySize()
    known: dict[tuple[bytes, int], PlaceboSets] = {}
    observed, columns = [], []
    for design, estimator in zip(designs, estimators, strict=True):
        key = (design.comparison.tobytes(), design.buffer_rings)
        if key not in known:
            known[key] = design.sets(members)
        reference = estimator.estimate_many(design, known[key])
        coefficients = spread.coefficients(reference)
        own = float(studentised(estimator.estimate_many(design, design.own_set), coefficients)[0])
        observed.append(own if math.isfinite(own) else math.nan)
        columns.append(studentised(reference, coefficients))
    return JointStatistics(observed=np.array(observed), draws=np.stack(columns, axis=1))


def step_down(
    designs: Sequence[Design],
    estimators: Sequence[PlaceboEstimator],
    marginal: Sequence[float],
    *,
    draws: int,
    seed: int,
) -> tuple[float, ...]:
    """Max-T adjusted p-values of several outcomes on common placebo neighbourhoods, in the order given.

    Parameters
    ----------
    designs, estimators : sequences
        One of each for every outcome.
    marginal : sequence of float
        p-value of each outcome by its registered test; an outcome whose p is NaN is left out and stays NaN.
    draws, seed : int

    Raises
    ------
    DesignError
        If fewer than 19 common placebo neighbourhoods exist.

    Notes
    -----
    The registered test ranks each outcome among sets that are like the treated area in that outcome; a joint test needs
    one list for all, like it in their total. The adjusted p is therefore the larger of the step-down p on the common
    list and the registered p, so that adjusting never makes a finding stronger.
    """
    p = np.asarray(marginal, dtype=float)
    adjusted = np.full(len(p), np.nan)
    used = np.flatnonzero(~np.isnan(p)).tolist()
    if used:
        chosen = [designs[i] for i in used]
        joint = joint_statistics(chosen, [estimators[i] for i in used], common_sets(chosen, draws, seed))
        adjusted[used] = max_t(joint.observed, joint.draws, p[used])
    return tuple(adjusted.tolist())

"""Ferman and Pinto's test: Conley and Taber's, with each unit's change rescaled by a variance that depends on size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cseval.estimate import LOG
from cseval.inference.conley_taber import require_draws
from cseval.inference.requirements import FERMAN_PINTO, Requirement

if TYPE_CHECKING:
    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats, ManyEffects, PlaceboEstimator
    from cseval.inference.base import Inferred, Placebos
    from cseval.inference.scattered_sets import Divisor


#: Rounds of reweighting after which the fitted variance no longer changes to three digits.
ROUNDS = 8


@dataclass(frozen=True, kw_only=True)
class FermanPinto:
    """Rank the effect among random sets of comparison units, each over the standard deviation that its size implies.

    Parameters
    ----------
    draws : int
        Random sets of comparison units; all of them are taken where there are no more, and for one treated unit
        always.
    reference_seed : int
        Seed of the random sets in `test_many`; `infer` is given its own.

    Notes
    -----
    Ferman and Pinto (2019), "Inference in differences-in-differences with few treated groups and
    heteroskedasticity", section III: the change ``W_j`` of a unit has variance ``A + B / M_j`` in its size ``M_j``.
    ``A`` and ``B`` are fitted to the squared changes of single comparison units, in the terms in which the estimator's
    variance is linear (for log ratios a constant and the Poisson variance; for incidents the level and its square,
    which is the same model times ``M_j^2``), and kept from falling below 0 (see `fitted_variance`). The effect of a set
    is ``sum a_j W_j`` with the weight ``a_j`` of each unit in it (its share of the pre-period count for a log ratio,
    one over their number for a mean), so its variance is ``sum a_j^2 (A + B / M_j)``; that of the comparison, which the
    paper lets vanish, is added in the same way. Comparing effects over their standard deviations is the same as
    rescaling the comparison units' residuals to the treated units' variance.

    It assumes that the changes of all units are independent. Adjoining ones are not: how often it then rejects a
    true null is measured beside it.

    Raises
    ------
    UsageError
        If `draws` is too few for p to reach 0.05.
    """

    draws: int = 9999
    reference_seed: int = 2019

    needs: ClassVar[tuple[Requirement, ...]] = FERMAN_PINTO

    def __post_init__(self) -> None:
        require_draws(self.draws)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Ferman-Pinto"

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Rank the estimate among random sets of comparison units of its own design.

        Raises
        ------
        DesignError
            If there are fewer than 20 comparison units, or no more than are treated.
        UsageError
            If the estimator cannot be evaluated on many sets.
        """
        from cseval.inference.placebo import as_placebo_estimator
        from cseval.inference.scattered_sets import infer_among, reference_sets

        many = as_placebo_estimator(estimator)
        sets = reference_sets(design, int(design.is_treated.sum()), self.draws, seed)
        spread = spread_by_size(design, many, share=estimate.scale == LOG)
        return infer_among(self.name, design, many, estimate, sets, spread)

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Rank each tested placebo effect among random sets of its size from its own design's comparison units."""
        from cseval.inference.scattered_sets import rank_among

        return rank_among(tested, self.draws, self.reference_seed, _probed_spread)


def spread_by_size(design: Design, estimator: PlaceboEstimator, *, share: bool) -> Divisor:
    """Function that gives the standard deviation of each set's effect, from a variance fitted to single units.

    Parameters
    ----------
    share : bool
        Whether a unit weighs as its share of the set's pre-period count; else all units of a set weigh the same.
    """
    import numpy as np

    from cseval.estimators.did_kernels import member_sum

    weight = design.pre_counts if share else np.ones(len(design.units))
    part = weight**2 * unit_variance(design, estimator)
    part[weight == 0] = 0.0  # a unit without incidents has no weight, whatever its variance
    rest = part[design.comparison].sum() / weight[design.comparison].sum() ** 2

    def spread(sets: PlaceboSets) -> Floats:
        """Root of ``sum w_j^2 v_j / (sum w_j)^2`` of the set and of its comparison; NaN where nothing is known."""
        total, variance = member_sum(weight, sets.members), member_sum(part, sets.members)
        known = (total > 0) & (variance > 0)
        return np.asarray(np.sqrt(np.where(known, variance, np.nan) / np.where(known, total, np.nan) ** 2 + rest))

    return spread


def unit_variance(design: Design, estimator: PlaceboEstimator) -> Floats:
    """Variance of the effect of each unit alone under the fit to single comparison units, shape (units,).

    NaN for units that are neither treated nor comparison.
    """
    import numpy as np

    from cseval.inference.scattered_sets import scattered

    units = len(design.units)
    used = np.flatnonzero(design.comparison | design.is_treated)
    single = estimator.estimate_many(design, scattered(used[:, None], units))
    coefficients = fitted_variance(single.take(design.comparison[used]))
    variance = np.full(units, np.nan)
    variance[used] = single.variance_terms @ coefficients
    return variance


def fitted_variance(single: ManyEffects) -> Floats:
    """Non-negative coefficients of the variance terms, by least squares of squared effects weighted to equal precision.

    A squared normal change varies in proportion to its own variance, so each is divided by the variance fitted so far,
    a few times over. The paper weights all groups alike, which for averages is nearly the same; for counts the few
    largest units would decide how much the small ones vary.
    """
    import numpy as np
    from scipy.optimize import nnls

    usable = np.isfinite(single.effect) & np.isfinite(single.variance_terms).all(axis=1)
    usable &= (single.variance_terms > 0).any(axis=1)
    terms, squares = single.variance_terms[usable], single.effect[usable] ** 2
    coefficients: Floats = 1.0 / terms.mean(axis=0)
    for _ in range(ROUNDS):
        expected = terms @ coefficients
        weighted = terms / expected[:, None]
        scale = weighted.mean(axis=0)
        found = nnls(weighted / scale, squares / expected)[0] / scale
        if not (terms @ found > 0).all():
            break
        coefficients = found
    return coefficients


def _probed_spread(design: Design, estimator: PlaceboEstimator) -> Divisor:
    from cseval.inference.effect_scale import probed_scale

    return spread_by_size(design, estimator, share=probed_scale(design, estimator) == LOG)

"""Conley and Taber's test: what the same comparison finds in sets of comparison units drawn without the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cseval.errors import UsageError
from cseval.inference.requirements import CONLEY_TABER, FEWEST_PLACES, Requirement

if TYPE_CHECKING:
    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats, PlaceboEstimator
    from cseval.inference.base import Inferred, Placebos
    from cseval.inference.scattered_sets import Divisor


@dataclass(frozen=True, kw_only=True)
class ConleyTaber:
    """Rank the effect among those of as many single comparison units as are treated.

    Parameters
    ----------
    draws : int
        Random sets of comparison units; all of them are taken where there are no more, and for one treated unit
        always (the permutation over donors).
    reference_seed : int
        Seed of the random sets in `test_many`; `infer` is given its own.

    Notes
    -----
    Conley and Taber (2011), "Inference with 'difference in differences' with a small number of policy changes",
    section II: with few treated and many comparison units the effect's own distribution is that of
    ``sum over treated j of sum over t of (d_jt - mean d_j) e_l(j)t / sum of (d_jt - mean d_j)^2`` with the residuals
    ``e`` of comparison units ``l(j)`` in place of the treated ones'. For a linear model with one start this is the
    placebo effect of the set ``l`` here times ``(N - n) / N`` with N comparison and n treated units, because here the
    set is taken off its own comparison; that makes the test a little wider in small comparisons. Units of one set
    differ (the paper draws with replacement), and the test is two-sided by absolute value (the paper takes
    percentiles).

    It assumes that the changes of all units are independent and vary alike. Units that differ in size do not vary
    alike (see `FermanPinto`), and adjoining ones are not independent: how often it then rejects a true null is
    measured beside it.

    Raises
    ------
    UsageError
        If `draws` is too few for p to reach 0.05.
    """

    draws: int = 9999
    reference_seed: int = 2011

    needs: ClassVar[tuple[Requirement, ...]] = CONLEY_TABER

    def __post_init__(self) -> None:
        require_draws(self.draws)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Conley-Taber"

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
        return infer_among(self.name, design, many, estimate, sets, unit_spread)

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Rank each tested placebo effect among random sets of its size from its own design's comparison units."""
        from cseval.inference.scattered_sets import rank_among

        return rank_among(tested, self.draws, self.reference_seed, _equal_spread)


def unit_spread(sets: PlaceboSets) -> Floats:
    """One for each set: effects are compared as they are."""
    import numpy as np

    return np.ones(len(sets))


def _equal_spread(design: Design, estimator: PlaceboEstimator) -> Divisor:
    return unit_spread


def require_draws(draws: int) -> None:
    """Refuse fewer draws than let p reach 0.05.

    Raises
    ------
    UsageError
        If there are fewer than 19.
    """
    if draws < FEWEST_PLACES:
        raise UsageError(f"{draws} draws", expected=f"at least {FEWEST_PLACES}, or p can never reach 0.05")

"""How much a placebo effect varies: what effects are divided by before they are ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from cseval.estimators.base import Floats, ManyEffects


@runtime_checkable
class Spread(Protocol):
    """A model of the variance of an effect, linear in the estimator's variance terms."""

    def coefficients(self, many: ManyEffects) -> Floats:
        """Coefficients of the variance terms, from placebo effects; shape (terms,)."""
        ...


@dataclass(frozen=True)
class VarianceBySize:
    """Variance fitted to squared placebo effects: what they have in common, and what falls with size.

    Source: Ferman and Pinto (2019), "Inference in differences-in-differences with few treated groups and
    heteroskedasticity", section 3.
    """

    def coefficients(self, many: ManyEffects) -> Floats:
        """Non-negative least squares of squared effects on the variance terms."""
        return variance_by_size(many)


@dataclass(frozen=True)
class OverdispersedPoisson:
    """Variance ``phi`` times the Poisson variance of the effect, ``phi (1/T0 + 1/T1 + 1/C0 + 1/C1)`` for a log ratio.

    Notes
    -----
    ``phi`` is the mean of squared placebo effects over their Poisson variances. It is common to all, so it moves the
    standard error but not the rank. Right where incidents come in clumps that are independent between months; where
    whole neighbourhoods drift, a large one varies as much as a small one and `VarianceBySize` is the better model.
    """

    def coefficients(self, many: ManyEffects) -> Floats:
        """``phi`` for the Poisson term, which is the last one, and 0 for the others."""
        import numpy as np

        poisson = many.variance_terms[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = many.effect**2 / poisson
        usable = np.isfinite(ratio)
        found: Floats = np.zeros(many.variance_terms.shape[1])
        found[-1] = ratio[usable].mean() if usable.any() else np.nan
        return found


def variance_by_size(many: ManyEffects) -> Floats:
    """Non-negative coefficients of the variance of placebo effects in the estimator's variance terms.

    Least squares of squared effects on the terms, each scaled to mean one, with coefficients of at least 0
    (Lawson and Hanson's NNLS), because a variance component below zero has no meaning.
    """
    import numpy as np
    from scipy.optimize import nnls

    usable = np.isfinite(many.effect) & np.isfinite(many.variance_terms).all(axis=1)
    terms, squares = many.variance_terms[usable], many.effect[usable] ** 2
    size = terms.mean(axis=0)
    size[size == 0] = 1.0
    coefficients: Floats = nnls(terms / size, squares)[0] / size
    return coefficients


def scale_of(many: ManyEffects, coefficients: Floats) -> Floats:
    """Standard deviation of each effect under the fitted variance, shape (sets,)."""
    import numpy as np

    variance: Floats = many.variance_terms @ coefficients
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def studentised(many: ManyEffects, coefficients: Floats) -> Floats:
    """Effects over their standard deviations; infinite where an effect cannot be computed.

    A placebo neighbourhood without an incident after the start has fallen by everything it had, which no
    finding can beat.
    """
    import numpy as np

    statistics = many.effect / scale_of(many, coefficients)
    return np.where(np.isfinite(statistics), statistics, np.inf)

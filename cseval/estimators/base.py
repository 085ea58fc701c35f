"""What an estimator is: a frozen record of options whose `estimate` turns a Design into an Estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate

    Floats = npt.NDArray[np.float64]

#: An area fitted worse than more than this share of the places it is ranked among is unlike them.
MOST_BETTER = 0.95
#: Among fewer places one is fitted worst too often by chance.
FEWEST_OTHERS = 19


@dataclass(frozen=True, kw_only=True, eq=False)
class ManyEffects:
    """Effects of many sets of units, each as if it alone had been treated.

    Parameters
    ----------
    effect : float array, shape (sets,)
        On the estimation scale.
    variance_terms : float array, shape (sets, terms)
        Non-negative quantities in which the variance of an effect is linear, known before the outcome
        is compared: for log ratios a constant and ``1/T0 + 1/C0`` style sums of inverse counts. The last one is
        proportional to the variance that Poisson counts would give.
    size : float array, shape (sets,)
        Count of each set in the pre period.
    post_term : float array, shape (sets,), optional
        The part of the last variance term that comes from the set's own count after the start, as expected without an
        effect; under an effect ``tau`` of a log ratio it is ``exp(-tau)`` times as much. None where the variance does
        not depend on the effect.
    misfit : float array, shape (sets,), optional
        How badly each set is fitted before the start: mean squared gap of its weighted donors as a share of its squared
        mean, less what counting alone gives, so that it may fall below zero; of the plain synthetic control where
        another makes its misfit up or adds to it. See `unlike`. None where nothing is fitted.
    """

    effect: Floats
    variance_terms: Floats
    size: Floats
    post_term: Floats | None = None
    misfit: Floats | None = None

    def __len__(self) -> int:
        return len(self.effect)

    def take(self, which: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> ManyEffects:
        """The effects at these positions."""
        return ManyEffects(**{name: values[which] for name, values in self._arrays()})

    def under(self, effect: float) -> ManyEffects:
        """The same with the variance terms that counts would have under this effect, on the estimation scale."""
        if self.post_term is None:
            return self
        terms = self.variance_terms.copy()
        terms[:, -1] += self.post_term * math.expm1(-effect)
        return replace(self, variance_terms=terms)

    def _arrays(self) -> list[tuple[str, Any]]:
        given = [(f.name, getattr(self, f.name)) for f in fields(self)]
        return [(name, values) for name, values in given if values is not None]

    @classmethod
    def join(cls, parts: Sequence[ManyEffects]) -> ManyEffects:
        """Effects of several groups of sets, one after the other."""
        import numpy as np

        names = [name for name, _ in parts[0]._arrays()]
        return cls(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def unlike(own: float, others: Floats) -> str:
    """Than how many of the others an area is fitted worse, in words; empty unless it is than nearly all of them.

    An area that no average of the donors can follow drifts from its synthetic control after the start as it did before,
    which places that can be followed do not, and the exchangeability that a rank needs has failed. In simulations it
    finds about nine of ten areas that lie beyond the donors' range, and fewer than one of ten of those that do not.

    Parameters
    ----------
    own : float
        `ManyEffects.misfit` of the area; one that counting explains, so not above zero, is never unlike.
    others : float array, shape (sets,)
        The same of the places it is ranked among, at least 19; NaN, where one could not be fitted, is worse than any.
    """
    worse, number = int((own > others).sum()), len(others)
    if not own > 0 or number < FEWEST_OTHERS or worse <= MOST_BETTER * number:
        return ""
    return f"every one of the {number}" if worse == number else f"{worse} of the {number}"


@runtime_checkable
class Estimator(Protocol):
    """Turns a design into an estimate; options are the fields of a frozen dataclass."""

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        ...

    def estimate(self, design: Design) -> Estimate:
        """Estimate the effect.

        Raises
        ------
        EstimationError
            If it is not estimable from these data.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class SeriesEffects:
    """Effects of a time-series model on many areas, each with the model's own error; NaN where it cannot be fitted.

    Parameters
    ----------
    method : str
        Name of the model's errors in the effect table.
    effect, p_value : float array, shape (sets,)
        Effect on the estimation scale, and its p-value.
    """

    method: str
    effect: Floats
    p_value: Floats


@runtime_checkable
class SeriesEstimator(Estimator, Protocol):
    """A time-series model of one area that can be fitted to many areas."""

    @property
    def affordable_series(self) -> int:
        """How many placebo series can be fitted in about a second."""
        ...

    def estimate_series(self, design: Design, sets: PlaceboSets) -> SeriesEffects:
        """Fit the model to each set's own series, as if the programme had begun there at the design's start."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterErrors:
    """Cluster-robust standard errors of many effects.

    Parameters
    ----------
    std_error : float array, shape (sets,)
    df : float array, shape (sets,)
        Degrees of freedom of Student's t.
    """

    std_error: Floats
    df: Floats


@runtime_checkable
class PlaceboEstimator(Estimator, Protocol):
    """An estimator whose effect for many placebo sets is found at once."""

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring."""
        ...


@runtime_checkable
class ClusterEstimator(PlaceboEstimator, Protocol):
    """A placebo estimator whose errors can be clustered by unit; synthetic controls have none."""

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Cluster-robust standard error (CR1, by unit) of each of these effects."""
        ...


@runtime_checkable
class ProxyEstimator(PlaceboEstimator, Protocol):
    """An estimator with a proxy of its own for the treated series, fitted anew under every effect that is tested."""

    def proxy_residuals(self, design: Design, sets: PlaceboSets, effects: Floats) -> Floats:
        """Residuals of the months before and after the start once an effect is taken off those after it.

        Parameters
        ----------
        sets : PlaceboSets
            One set for several effects, or several sets.
        effects : float array
            Log ratios, shape (effects,) for one set or (sets,).

        Returns
        -------
        float array, shape (effects or sets, months)
            Of the proxy fitted to all months; NaN where it cannot be.
        """
        ...

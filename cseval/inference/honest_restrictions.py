"""Event-study coefficients, and the restrictions that Rambachan and Roth put on their trends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class EventCoefficients:
    """Coefficients before and after the start, measured against the last bin before it.

    Parameters
    ----------
    pre : float array, shape (K,)
        Coefficients of the bins before the base, in order of time; the base itself, which is 0, is left out.
    post : float array, shape (P,)
        Coefficients of the bins from the start, in order of time.
    covariance : float array, shape (K + P, K + P)
        Their covariance, pre first.
    weights : float array, shape (P,)
        The effect of interest is ``weights @ effect`` over the post bins.

    Raises
    ------
    EstimationError
        If a coefficient is missing, the shapes disagree, every weight is zero, or the covariance is not that of
        K + P coefficients none of which is fixed by the others.

    Notes
    -----
    A coefficient is the effect plus the deviation from parallel trends ``delta``: ``pre = delta_pre`` and
    ``post = effect + delta_post`` in expectation, with ``delta = 0`` in the base. Bins are taken to be evenly spaced.
    """

    pre: Floats
    post: Floats
    covariance: Floats
    weights: Floats

    def __post_init__(self) -> None:
        size = len(self.pre) + len(self.post)
        if not len(self.pre) or not len(self.post):
            raise EstimationError("no coefficient before or none after the start", where="sensitivity to trends")
        if self.covariance.shape != (size, size) or self.weights.shape != self.post.shape:
            raise EstimationError(
                f"a covariance of shape {self.covariance.shape} and {self.weights.size} weights",
                where="sensitivity to trends",
                expected=f"a covariance of {size} coefficients and {len(self.post)} weights",
            )
        if not all(np.isfinite(a).all() for a in (self.pre, self.post, self.covariance, self.weights)):
            raise EstimationError("a coefficient or its covariance is missing", where="sensitivity to trends")
        if not self.weights.any():
            raise EstimationError("every weight is zero", where="sensitivity to trends")
        _require_covariance(self.covariance)

    @cached_property
    def estimates(self) -> Floats:
        """All coefficients, pre first; shape (K + P,)."""
        return np.concatenate([self.pre, self.post])

    @property
    def effect(self) -> float:
        """The effect of interest if trends were parallel from the base on."""
        return float(self.weights @ self.post)

    @property
    def std_error(self) -> float:
        """Standard error of `effect`."""
        k = len(self.pre)
        return float(np.sqrt(self.weights @ self.covariance[k:, k:] @ self.weights))


def _require_covariance(covariance: Floats) -> None:
    """Refuse a matrix that is not symmetric and positive definite."""
    scale = np.sqrt(np.abs(np.diag(covariance)))
    usable = bool((scale > 0).all()) and np.allclose(covariance, covariance.T, rtol=1e-8, atol=0)
    if not usable or np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] < 1e-10:
        raise EstimationError(
            "a covariance that is not symmetric and positive definite",
            where="sensitivity to trends",
            todo="Use fewer bins, or more draws to estimate it from",
        )


def differences(pre: int, post: int) -> Floats:
    """Matrix of the changes from bin to bin, the base included; shape (pre + post, pre + post).

    Row i is the change into bin i + 1 of the sequence pre, base, post; the first `pre` rows lie before the start.
    """
    step = np.diff(np.eye(pre + post + 1), axis=0)
    return np.delete(step, pre, axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Linear forms of the coefficients whose largest is the test statistic of one restriction.

    Parameters
    ----------
    forms : float array, shape (4, K + P)
        Each form of the coefficients, with the hypothesised effect at zero.
    slope : float array, shape (4,)
        What one unit of the hypothesised effect adds to each form.
    """

    forms: Floats
    slope: Floats


def relative_magnitudes(study: EventCoefficients, bound: float) -> Iterator[Moments]:
    """Every part of the restriction that no change after the start exceeds `bound` times the largest before it.

    The restriction is a union over which pre-period change is the largest, and its sign; each part is convex:
    ``|delta_t - delta_(t-1)| <= bound * g(delta)`` for all post bins, where g is that change.

    Rambachan and Roth (2023), "A more credible approach to parallel trends", on bounding relative magnitudes.
    """
    k = len(study.pre)
    changes = differences(k, len(study.post))
    for largest in changes[:k]:
        for sign in (1.0, -1.0):
            yield _moments(study, changes[k:], bound * sign * largest)


def _moments(study: EventCoefficients, changes: Floats, limit: Floats) -> Moments:
    """The moment inequalities ``|changes @ delta| <= limit @ delta`` with all but the effect of interest profiled out.

    The statistic is the smallest ``eta`` such that some effects with ``weights @ effect = theta`` satisfy
    ``(+-changes - limit) @ (estimates - effects) <= eta * sd`` row by row (Andrews, Roth and Pakes 2023, "Inference for
    linear conditional moment inequalities"). By duality it is the largest of ``v @ y`` over the vertices
    v of ``{v >= 0, v @ sd = 1, v eliminates the other effects}``. Here these are known: v eliminates them exactly if
    the weights on +change and -change differ by a multiple of ``c``, ``c_t = sum of weights from t on``, since
    ``c @ changes`` over the effects is ``weights @ effects``. So the vertices are the positive and negative parts of c,
    those of -c, and one per post bin that puts equal weight on both signs. The last ones are multiples of one form, so
    that the smallest and the largest say it all, whatever the number of bins.
    """
    up, down = changes - limit, -changes - limit
    sd_up, sd_down = (np.sqrt(np.einsum("ij,jk,ik->i", m, study.covariance, m)) for m in (up, down))
    ahead = np.cumsum(study.weights[::-1])[::-1]
    rising, falling = np.maximum(ahead, 0.0), np.maximum(-ahead, 0.0)
    above = 1.0 / (rising @ sd_up + falling @ sd_down)
    below = 1.0 / (falling @ sd_up + rising @ sd_down)
    middle = (up + down)[0]  # minus twice the limit: the same for every bin, whose spreads alone differ
    shares = np.sort(1.0 / (sd_up + sd_down))
    forms = [above * (rising @ up + falling @ down), below * (falling @ up + rising @ down)]
    forms += [share * middle for share in shares[[0, -1]]]
    return Moments(forms=np.array(forms), slope=np.array([-above, below, 0.0, 0.0]))

"""Covariance of event-study coefficients when there are few placebo sets to take it from.

Thirty sets leave a covariance of eight coefficients too noisy to weight them by. It is therefore drawn towards one in
which a change from bin to bin varies as much in one bin as in another and two changes as many bins apart are equally
related. Independent bins against a common base, a random walk, shocks that fade and lasting drift all have that form,
alone or together. How far it is drawn is estimated, and counts cannot vary less than by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from cseval.errors import EstimationError
from cseval.inference.honest_restrictions import differences

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Sets without which no covariance is estimated, and sets needed for each coefficient.
FEWEST, PER_COEFFICIENT = 19, 3


def structured_covariance(placebo: Floats, pre: int, chance: Floats) -> Floats:
    """Covariance of the coefficients about zero, from few placebo sets.

    Parameters
    ----------
    placebo : float array, shape (sets, K + P)
        Coefficients against the last bin before the start, which is left out.
    pre : int
        K.
    chance : float array, shape (K + P, K + P)
        Their covariance in the treated area by the chance of counts alone.

    Raises
    ------
    EstimationError
        If there are fewer than 19 sets or three for each coefficient.

    Notes
    -----
    In the changes from bin to bin: ``(1 - d) S + d F`` with S their second moments among the placebos and F its nearest
    symmetric Toeplitz matrix. ``d = sum_k |R(x_k x_k' - S)|^2 / (n^2 |R(S)|^2)``, at most 1, with R(A) what such a
    matrix leaves of A, is the intensity of least expected squared error (Ledoit and Wolf 2003; the target is a
    projection of S, so their covariance of the two is the variance of the projection). No direction is left with less
    than its variance by chance. Intervals use normal critical values, so the whole is multiplied by ``(t / z)^2``, the
    squared ratio of the 97.5 % points of Student's t with sets - 1 degrees of freedom and of the normal distribution.
    """
    n, size = placebo.shape
    if n < FEWEST or n < PER_COEFFICIENT * size:
        raise EstimationError(f"{n} placebo neighbourhoods for the covariance of {size} coefficients")
    change = differences(pre, size - pre)
    moments = _shrunk(placebo @ change.T)
    back = np.linalg.inv(change)
    covariance = at_least(back @ moments @ back.T, chance)
    return covariance * float(special.stdtrit(n - 1, 0.975) / special.ndtri(0.975)) ** 2


def _shrunk(rows: Floats) -> Floats:
    """Second moments of `rows` (sets, changes), drawn towards a Toeplitz matrix by Ledoit and Wolf's rule."""
    moments = rows.T @ rows / len(rows)
    target = nearest_toeplitz(moments)
    each = rows[:, :, None] * rows[:, None, :] - moments
    noise = sum(float(((e - nearest_toeplitz(e)) ** 2).sum()) for e in each) / len(rows) ** 2
    away = float(((moments - target) ** 2).sum())
    share = min(noise / away, 1.0) if away > 0 else 1.0
    return np.asarray(share * target + (1 - share) * moments)


def nearest_toeplitz(matrix: Floats) -> Floats:
    """The symmetric matrix with equal entries along each diagonal that is nearest: the mean of each diagonal."""
    number = np.arange(len(matrix))
    lag = np.abs(np.subtract.outer(number, number))
    mean = np.bincount(lag.ravel(), weights=matrix.ravel()) / np.bincount(lag.ravel())
    return np.asarray(mean[lag])


def at_least(covariance: Floats, floor: Floats) -> Floats:
    """The covariance with no direction below `floor`: in units of the floor, eigenvalues below 1 become 1.

    Parameters
    ----------
    covariance, floor : float array, shape (K, K)
        Symmetric; the floor positive definite.
    """
    root = np.linalg.cholesky(floor)
    within = np.linalg.solve(root, np.linalg.solve(root, covariance).T)
    values, vectors = np.linalg.eigh((within + within.T) / 2)
    out = root @ (vectors * np.maximum(values, 1.0)) @ vectors.T @ root.T
    return np.asarray((out + out.T) / 2)


def chance_covariance(variances: Floats, base: int) -> Floats:
    """Covariance ``diag(v) + v_base`` of independent bins against the one at position `base`, which is left out.

    Parameters
    ----------
    variances : float array, shape (bins,)
    base : int
    """
    return np.asarray(np.diag(np.delete(variances, base)) + variances[base])

"""What a pre-trends test can catch, and what is left of a trend that passed it (Roth 2022).

Roth (2022), "Pretest with caution: Event-study estimates after testing for parallel trends", American Economic Review:
Insights 4(3). The coefficients are normal around the deviation from parallel trends, with known covariance. Two
pre-tests: *individual*, passed if no coefficient before the start is significant by itself, and *joint*, passed if
their Wald statistic is below its chi-square critical value. Probabilities and conditional means of the joint test are
exact; those of the individual test come from a fixed lattice, so nothing is random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import optimize, special

from cseval.errors import EstimationError, UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Points of the lattice over which the box probability is averaged; errors are then of order 1e-5.
POINTS = 2**15


@dataclass(frozen=True, kw_only=True, eq=False)
class Passing:
    """What a pre-test lets through under one deviation from parallel trends.

    Parameters
    ----------
    probability : float
        Chance to pass.
    mean : float array, shape (K,)
        Mean of the coefficients before the start among the data that pass.
    """

    probability: float
    mean: Floats


class PreTest(Protocol):
    """A test of the coefficients before the start."""

    def passing(self, mean: Floats, covariance: Floats) -> Passing:
        """What passes when the coefficients have this mean (K,) and covariance (K, K)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Individual:
    """Passed if every coefficient before the start is within its own interval around zero.

    Parameters
    ----------
    level : float
        Of each coefficient's test.
    """

    level: float = 0.05

    def passing(self, mean: Floats, covariance: Floats) -> Passing:
        """Probability of the box and the mean within it, by the GHK simulator on a lattice.

        Geweke (1991), Hajivassiliou and McFadden (1998): the variables are drawn one after the other, each from its
        normal distribution given the earlier ones, truncated to the box; the product of the probabilities of the
        truncation is the weight of the draw.
        """
        spread = np.sqrt(np.diag(covariance))
        edge = special.ndtri(1 - self.level / 2)
        root = np.linalg.cholesky(covariance / np.outer(spread, spread))
        centre = mean / spread
        uniform = _lattice(len(mean))
        draws, weight = np.empty_like(uniform), np.ones(len(uniform))
        for i in range(len(mean)):
            given = centre[i] + draws[:, :i] @ root[i, :i]
            low, high = (special.ndtr((side - given) / root[i, i]) for side in (-edge, edge))
            weight *= high - low
            inside = np.clip(low + uniform[:, i] * (high - low), 1e-300, 1 - 1e-16)
            draws[:, i] = special.ndtri(inside)
        values = mean + spread * (draws @ root.T)
        total = weight.sum()
        if not total > 0:
            return Passing(probability=0.0, mean=np.full(len(mean), np.nan))
        return Passing(probability=float(weight.mean()), mean=np.asarray(weight @ values / total))


@dataclass(frozen=True, kw_only=True)
class Joint:
    """Passed if the Wald statistic of all coefficients before the start is below its chi-square critical value.

    Parameters
    ----------
    level : float
    """

    level: float = 0.05

    def passing(self, mean: Floats, covariance: Floats) -> Passing:
        """Exact, from the non-central chi-square distribution.

        The mean given that the statistic is below c is ``mean F_(K+2)(c) / F_K(c)``, with F the distribution function
        whose non-centrality is ``mean' covariance^-1 mean``.
        """
        k = len(mean)
        critical = special.chdtri(k, self.level)
        distance = float(mean @ np.linalg.solve(covariance, mean))
        within, shifted = (float(special.chndtr(critical, df, distance)) for df in (k, k + 2))
        share = shifted / within if within > 0 else float("nan")
        return Passing(probability=within, mean=share * mean)


def pretest_power(deviation: Floats, covariance: Floats, test: PreTest) -> float:
    """Chance that `test` catches a deviation from parallel trends.

    Parameters
    ----------
    deviation : float array, shape (K,)
        Mean of the coefficients before the start.
    covariance : float array, shape (K, K)
    test : PreTest
    """
    return 1.0 - test.passing(deviation, covariance).probability


def slope_caught(times: Floats, covariance: Floats, test: PreTest, power: float) -> float:
    """The linear trend, per unit of time, that the pre-test catches with this power.

    Parameters
    ----------
    times : float array, shape (K,)
        Time of each coefficient before the start, less that of the base.
    covariance : float array, shape (K, K)
    test : PreTest
    power : float

    Raises
    ------
    UsageError
        If the power is not above the chance that the test rejects parallel trends, or not below 1.
    """
    size = pretest_power(np.zeros(len(times)), covariance, test)
    if not size < power < 1:
        raise UsageError(f"a power of {power:g}", where="pre-test", expected=f"between {size:.3f} and 1")

    def lacking(slope: float) -> float:
        return pretest_power(slope * times, covariance, test) - power

    high = float(1 / np.sqrt(times @ np.linalg.solve(covariance, times)))
    while lacking(high) < 0:
        high *= 2
    return float(optimize.brentq(lacking, 0.0, high, xtol=1e-12 * high, rtol=1e-10))


def mean_after_passing(deviation: Floats, covariance: Floats, before: int, test: PreTest) -> Floats:
    """Mean of all coefficients among the data that pass the pre-test, when there is no effect.

    Parameters
    ----------
    deviation : float array, shape (K + P,)
        Deviation from parallel trends in every bin but the base, in order of time.
    covariance : float array, shape (K + P, K + P)
    before : int
        K, the number of coefficients before the start.
    test : PreTest

    Returns
    -------
    float array, shape (K + P,)
        After the start it is the bias that is left of an effect; `deviation` there is the bias without a pre-test.

    Raises
    ------
    EstimationError
        If no data pass.

    Notes
    -----
    ``post = deviation_post + S21 S11^-1 (E[pre | pass] - deviation_pre)``, since given the coefficients before the
    start those after it are normal and do not depend on the test (Roth 2022).
    """
    inside = covariance[:before, :before]
    found = test.passing(deviation[:before], inside)
    if not np.isfinite(found.mean).all():
        raise EstimationError("no data pass the pre-test under this deviation", where="pre-test")
    pull = np.linalg.solve(inside, found.mean - deviation[:before])
    return np.concatenate([found.mean, deviation[before:] + covariance[before:, :before] @ pull])


def _lattice(columns: int) -> Floats:
    """Points that fill the unit cube evenly, shape (points, columns): a Kronecker sequence, folded.

    Multiples of the roots of primes modulo 1 (Richtmyer 1951), with the baker's transformation, which makes
    the integrand periodic (Genz 1992, "Numerical computation of multivariate normal probabilities").
    """
    roots = np.sqrt(_primes(columns))
    points = np.outer(np.arange(1, POINTS + 1), roots) % 1
    return np.asarray(1 - np.abs(2 * points - 1))


def _primes(count: int) -> Floats:
    """The first primes, as floats."""
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % p for p in found):
            found.append(number)
        number += 1
    return np.array(found, dtype=float)

"""What change a unit's own past lets one expect: regression to the mean, by shrinkage fitted to earlier years.

A year above a unit's own level is partly chance, and the next one falls back by that part. How large the part is, is
measured on every unit's earlier years: the change to the next year is regressed on the deviation of a year from the
mean of the years before it. The slope b is minus the share of a deviation that is lost by the next year, so
``1 + b`` is the shrinkage factor of a linear empirical-Bayes predictor (Efron and Morris 1975).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from cseval.errors import EstimationError
from cseval.inference.ranks import ranks
from cseval.inference.ranks_changes import HALF, ChangeVariance, log_change, poisson_variance, variance_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """How changes followed deviations in earlier years.

    Parameters
    ----------
    slope, std_error, conf_low, conf_high : float
        Log change to the next year per unit of log deviation; the error is clustered by unit (CR1), the 95 % interval
        is Student's t with units - 1 degrees of freedom.
    units, changes : int
        Units and changes that it was fitted to.
    variance : ChangeVariance
        Of what the deviation leaves unexplained.
    """

    slope: float
    std_error: float
    conf_low: float
    conf_high: float
    units: int
    changes: int
    variance: ChangeVariance


@dataclass(frozen=True, kw_only=True, eq=False)
class Expected:
    """Changes and ranks to be expected from deviations alone, each of shape (units,).

    Parameters
    ----------
    log_change : float array
    rank : float array
        Mean rank by relative change, 1 for the largest fall.
    first, first_number : float array
        Probability of the largest fall in per cent, and of the largest in number.
    """

    log_change: Floats
    rank: Floats
    first: Floats
    first_number: Floats


def deviations(history: Floats, own_years: int) -> Floats:
    """Log of a unit's share of the total less its mean over the `own_years` years before.

    Parameters
    ----------
    history : float array, shape (units, years)
        Counts; NaN where not received.

    Returns
    -------
    float array, shape (units, years); NaN for the first `own_years` years.
    """
    share: Floats = np.log(history + HALF) - np.log(np.nansum(history, axis=0) + HALF)
    out = np.full_like(share, np.nan)
    for year in range(own_years, share.shape[1]):
        out[:, year] = share[:, year] - share[:, year - own_years : year].mean(axis=1)
    return out


def fit_regression(history: Floats, own_years: int) -> Regression:
    """Slope of the change to the next year in the deviation of a year, over all units and pairs of years.

    Weighted by the inverse Poisson variance of the change, with an effect for each pair of years.

    Parameters
    ----------
    history : float array, shape (units, years)
        The last year is the one before which nothing may have happened yet.

    Raises
    ------
    EstimationError
        If the history is too short.
    """
    x, change, poisson = _observations(history, own_years)
    weight = np.where(np.isfinite(x + change), 1 / poisson, 0.0)
    x, change = (_less_common(values, weight) for values in (x, change))
    units, pairs = int((weight.sum(axis=1) > 0).sum()), int((weight.sum(axis=0) > 0).sum())
    information = float((weight * x**2).sum())
    if units < 3 or information <= 0:
        raise EstimationError("too few earlier years", where="regression to the mean", todo="Give a longer history")
    slope = float((weight * x * change).sum() / information)
    left = change - slope * x
    error = np.sqrt(((weight * x * left).sum(axis=1) ** 2).sum() * units / (units - 1)) / information
    half = float(special.stdtrit(units - 1, 0.975) * error)
    used = weight > 0
    return Regression(
        slope=slope,
        std_error=float(error),
        conf_low=slope - half,
        conf_high=slope + half,
        units=units,
        changes=int(used.sum()),
        variance=variance_of(left[used], poisson[used], lost=pairs + 1),
    )


def _observations(history: Floats, own_years: int) -> tuple[Floats, Floats, Floats]:
    """Deviation, change to the next year and its Poisson variance, shape (units, pairs)."""
    if history.shape[1] < own_years + 2:
        raise EstimationError(
            f"{history.shape[1]} years before",
            where="regression to the mean",
            expected=f"at least {own_years + 2}",
            todo="Give a longer history",
        )
    before, after = history[:, own_years:-1], history[:, own_years + 1 :]
    return deviations(history, own_years)[:, own_years:-1], log_change(before, after), poisson_variance(before, after)


def _less_common(values: Floats, weight: Floats) -> Floats:
    """Values less their weighted mean in each pair of years; zero where there is no weight."""
    known = np.where(weight > 0, values, 0.0)
    total = weight.sum(axis=0)
    common = (weight * known).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.where(weight > 0, known - common, 0.0)


def expect(regression: Regression, history: Floats, own_years: int, common: float, draws: int, seed: int) -> Expected:
    """Changes from the last year of `history` to be expected if nothing but chance and regression to the mean acts.

    Parameters
    ----------
    regression : Regression
    history : float array, shape (units, years)
        Complete; its last year is the one that changes are measured from.
    own_years : int
    common : float
        Log change of all units together.
    draws : int
        Simulated years: the slope is drawn with its error, the rest with its variance.
    """
    base = history[:, -1]
    deviation = deviations(history, own_years)[:, -1]
    deviation = deviation - np.average(deviation, weights=base + HALF)
    middle = common + regression.slope * deviation
    rng = np.random.default_rng(seed)
    slopes = regression.slope + regression.std_error * rng.standard_normal((draws, 1))
    spread = np.sqrt(regression.variance.of_log(base, base * np.exp(middle)))
    change = common + slopes * deviation + spread * rng.standard_normal((draws, len(base)))
    by_rank = ranks(change)
    number = (base + HALF) * np.expm1(change)
    most = np.bincount(number.argmin(axis=1), minlength=len(base)) / draws
    return Expected(log_change=middle, rank=by_rank.mean(axis=0), first=(by_rank == 1).mean(axis=0), first_number=most)

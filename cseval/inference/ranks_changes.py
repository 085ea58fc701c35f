"""Changes of counts between two periods: how much they vary by themselves, and draws of what they might have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from cseval.errors import EstimationError
from cseval.inference.ranks import Errors

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Added to counts before a log is taken, so that a zero has one (Anscombe 1948).
HALF = 0.5
#: Degrees of freedom below which the variance of changes is not estimated.
FEWEST = 10
STEPS = 20


@dataclass(frozen=True, kw_only=True)
class ChangeVariance:
    """Variance of a log change: ``drift + dispersion (1 / before + 1 / after)``.

    Parameters
    ----------
    dispersion : float
        What the Poisson variance is multiplied by, at least 1: incidents come in clumps.
    drift : float
        Variance that does not fall with size: what a unit's underlying level moves from one period to the next.
    df : float
        Degrees of freedom behind the two.
    """

    dispersion: float
    drift: float
    df: float

    def of_log(self, before: Floats, after: Floats) -> Floats:
        """Variance of the log change of each unit."""
        return np.asarray(self.drift + self.dispersion * poisson_variance(before, after))

    def of_difference(self, before: Floats, after: Floats) -> Floats:
        """Variance of ``after - before``: the drift carries over in proportion to the mean of the two."""
        level = (before + after + 2 * HALF) / 2
        return np.asarray(self.drift * level**2 + self.dispersion * 2 * level)


def log_change(before: Floats, after: Floats) -> Floats:
    """Log of after over before, with half an incident added to both."""
    return np.asarray(np.log((after + HALF) / (before + HALF)))


def percent_change(before: Floats, after: Floats) -> Floats:
    """Change in per cent; NaN where there was nothing before, since no percentage of nothing is defined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0, 100.0 * (after / before - 1.0), np.nan)


def poisson_variance(before: Floats, after: Floats) -> Floats:
    """Variance of a log change of Poisson counts, ``1 / before + 1 / after``, half an incident added to both."""
    return np.asarray(1 / (before + HALF) + 1 / (after + HALF))


def change_variance(history: Floats) -> ChangeVariance:
    """Variance of log changes from those of earlier periods, each less what all units had in common.

    Parameters
    ----------
    history : float array, shape (units, periods)
        Counts of successive periods of the same length; NaN where not received.

    Raises
    ------
    EstimationError
        If the earlier periods hold fewer than `FEWEST` independent changes.

    Notes
    -----
    Squared deviations over their Poisson variance v have mean ``dispersion + drift / v``; the two are fitted by
    non-negative least squares with the weights of a gamma variance, iterated. A dispersion below 1 is set to 1 and the
    drift is fitted given that.
    """
    change, poisson = _changes(history)
    common = np.nansum(change / poisson, axis=0) / np.nansum(1 / poisson, axis=0)
    deviation = change - common
    known = np.isfinite(deviation)
    return variance_of(deviation[known], poisson[known], lost=int(known.any(axis=0).sum()))


def variance_of(deviation: Floats, poisson: Floats, lost: int) -> ChangeVariance:
    """The two parts of the variance of deviations with these Poisson variances; `lost` parameters were fitted.

    Parameters
    ----------
    deviation, poisson : float array, shape (changes,)

    Raises
    ------
    EstimationError
        If too few changes are left.
    """
    df = len(deviation) - lost
    if df < FEWEST:
        raise EstimationError(
            f"{max(df, 0)} independent changes of earlier periods",
            where="variance of changes",
            expected=f"at least {FEWEST}",
            todo="Give a longer history or more units",
        )
    squares = deviation**2 / poisson * (len(deviation) / df)
    dispersion, drift = _two_parts(squares, 1 / poisson)
    if dispersion < 1:
        dispersion, drift = 1.0, max(0.0, float((squares - 1).mean() / (1 / poisson).mean()))
    return ChangeVariance(dispersion=dispersion, drift=drift, df=float(df))


def _changes(history: Floats) -> tuple[Floats, Floats]:
    """Log changes from each period to the next, and their Poisson variances; shape (units, periods - 1)."""
    before, after = history[:, :-1], history[:, 1:]
    change = log_change(before, after)
    return change, np.where(np.isfinite(change), poisson_variance(before, after), np.nan)


def _two_parts(squares: Floats, inverse: Floats) -> tuple[float, float]:
    """Non-negative constant and slope of `squares` in `inverse`, with gamma weights."""
    from scipy.optimize import nnls

    columns = np.column_stack([np.ones_like(inverse), inverse / inverse.mean()])
    fitted = np.full_like(squares, max(squares.mean(), 1e-12))
    parts = np.zeros(2)
    for _ in range(STEPS):
        parts = nnls(columns / fitted[:, None], squares / fitted)[0]
        last, fitted = fitted, np.maximum(columns @ parts, 1e-12)
        if np.abs(fitted - last).max() <= 1e-10 * fitted.max():
            break
    return float(parts[0]), float(parts[1] / inverse.mean())


def draw_counts(mean: Floats, dispersion: float, rng: np.random.Generator) -> Floats:
    """Counts with this mean and a variance of `dispersion` times it: Poisson, or Poisson about a gamma mean.

    Parameters
    ----------
    mean : float array, any shape
    dispersion : float
        At least 1.
    """
    if dispersion > 1:
        mean = rng.gamma(mean / (dispersion - 1), dispersion - 1)
    return rng.poisson(mean).astype(np.float64)


def bootstrap_changes(
    before: Floats, after: Floats, variance: ChangeVariance, draws: int, seed: int
) -> tuple[Errors, Errors]:
    """Parametric bootstrap of the log change and of the difference, each with the error it would be given.

    Counts of both periods are drawn about those that were recorded (half an incident where there was none), those
    after with the drift of the level.

    Parameters
    ----------
    before, after : float array, shape (units,)
    """
    rng = np.random.default_rng(seed)
    shape = (draws, len(before))
    low, high = np.maximum(before, HALF), np.maximum(after, HALF)
    moved = high * np.exp(rng.standard_normal(shape) * np.sqrt(variance.drift) - variance.drift / 2)
    first = draw_counts(np.broadcast_to(low, shape), variance.dispersion, rng)
    second = draw_counts(moved, variance.dispersion, rng)
    relative = Errors(
        error=log_change(first, second) - log_change(low, high), scale=np.sqrt(variance.of_log(first, second))
    )
    number = Errors(error=second - first - (high - low), scale=np.sqrt(variance.of_difference(first, second)))
    return relative, number


def change_interval(before: Floats, after: Floats, variance: ChangeVariance) -> tuple[Floats, Floats]:
    """95 % interval of each change in per cent, from Student's t on the log; NaN where there was nothing before.

    Where nothing is left after, the interval reaches down to a fall by everything.
    """
    half = special.stdtrit(variance.df, 0.975) * np.sqrt(variance.of_log(before, after))
    middle = np.where(before > 0, log_change(before, after), np.nan)
    low = np.where((before > 0) & (after == 0), -100.0, 100.0 * np.expm1(middle - half))
    return low, np.asarray(100.0 * np.expm1(middle + half))


def funnel_limits(size: Floats, common: float, variance: ChangeVariance, level: float) -> tuple[Floats, Floats]:
    """Limits in per cent within which a change of units of this size lies with probability `level`.

    Parameters
    ----------
    size : float array, shape (sizes,)
        Incidents before.
    common : float
        Log change that all units have in common.

    Notes
    -----
    ``common +- z sqrt(drift + dispersion (1 / n + 1 / (n exp(common))))`` on the log scale: a funnel plot with limits
    for overdispersed counts (Spiegelhalter 2005, "Funnel plots for comparing institutional performance").
    """
    spread = np.sqrt(variance.of_log(size, size * np.exp(common)))
    half = special.ndtri((1 + level) / 2) * spread
    return np.asarray(100 * np.expm1(common - half)), np.asarray(100 * np.expm1(common + half))


def monthly_dispersion(months: Floats) -> ChangeVariance:
    """Variance of a change where there is no earlier year: overdispersion of the months against unit x month.

    It misses what a unit's level moves from one year to the next, so intervals from it are too narrow.

    Parameters
    ----------
    months : float array, shape (units, months)
        Counts of both periods.

    Raises
    ------
    EstimationError
        If there are too few units or months.
    """
    from cseval.estimators.did_kernels import pearson_dispersion

    df = float((months.shape[0] - 1) * (months.shape[1] - 1))
    found = pearson_dispersion(months)
    if df < FEWEST or not np.isfinite(found):
        raise EstimationError(
            "too few units or months", where="variance of changes", todo="Give a history of earlier years"
        )
    return ChangeVariance(dispersion=max(found, 1.0), drift=0.0, df=df)

"""Trends of the rolling year before and after a start: of some units, of all others, and the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.estimators.rolling import (
    Monthly,
    Noise,
    Trend,
    fit_monthly,
    noise_of,
    regressors,
    slope_weights,
    trend_of,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BEFORE, AFTER, CHANGE = "before", "after", "change"
OWN, OTHERS, DIFFERENCE = "own", "others", "difference"
#: Of a slope per month over the mean rolling year, to per cent a year.
PERCENT_A_YEAR = 1200.0


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedSeries:
    """One monthly series with its model.

    Parameters
    ----------
    values, variance : float array, shape (months,)
        Counts, or counts over their mean rolling year; and their Poisson variance.
    noise : Noise
    """

    values: Floats
    variance: Floats
    noise: Noise


@dataclass(frozen=True, kw_only=True, eq=False)
class RollingTrends:
    """Every trend.

    Parameters
    ----------
    before : int
        Months before the start.
    series : mapping of {"own", "others"} to FittedSeries
        In counts.
    slopes : mapping of (series, phase) to Trend
        Incidents a year per month, of `own` and `others`, ``before`` and ``after`` the start and their ``change``.
    percents : mapping of (series, phase) to Trend
        Per cent of the mean rolling year of the phase, a year; of `own`, `others` and their ``difference``.
    noises : mapping of series to Noise
    """

    before: int
    series: dict[str, FittedSeries]
    slopes: dict[tuple[str, str], Trend]
    percents: dict[tuple[str, str], Trend]
    noises: dict[str, Noise]

    @property
    def own_after(self) -> Trend:
        """The slope that a statement is about."""
        return self.slopes[OWN, AFTER]


def rolling_trends(own: Floats, others: Floats, first_month: int, before: int) -> RollingTrends:
    """Fit all trends.

    Parameters
    ----------
    own, others : float array, shape (months,)
        Counts of the units in question, and of all others together.
    first_month : int
        Number of the first month.
    before : int
        Months before the start.

    Raises
    ------
    EstimationError
        If there are too few months or incidents.
    """
    x = regressors(first_month, len(own), before)
    models = {OWN: fit_monthly(own, x), OTHERS: fit_monthly(others, x)}
    counts = {OWN: _fitted(own, models[OWN]), OTHERS: _fitted(others, models[OTHERS])}
    weights = phase_weights(len(own), before)
    shares = {name: _over_mean_year(f, before) for name, f in counts.items()}
    shares[DIFFERENCE] = _difference(shares, own, others, models, before)
    return RollingTrends(
        before=before,
        series=counts,
        slopes={(n, p): _trend(f, w) for n, f in counts.items() for p, w in weights.items()},
        percents={(n, p): _trend(f, PERCENT_A_YEAR * w) for n, f in shares.items() for p, w in weights.items()},
        noises={name: f.noise for name, f in shares.items()},
    )


def phase_weights(months: int, before: int) -> dict[str, Floats]:
    """Weight of each month in the slope before the start, after it, and in the change from one to the other."""
    early, late = np.zeros(months), np.zeros(months)
    early[:before], late[before:] = slope_weights(before), slope_weights(months - before)
    return {BEFORE: early, AFTER: late, CHANGE: late - early}


def _trend(series: FittedSeries, weights: Floats) -> Trend:
    return trend_of(weights, series.values, series.variance, series.noise)


def _fitted(values: Floats, model: Monthly) -> FittedSeries:
    residuals = (values - model.mean) / np.sqrt(model.mean)
    return FittedSeries(values=values, variance=model.mean, noise=noise_of(residuals, model.residual_maker))


def mean_year(values: Floats, before: int) -> Floats:
    """Mean rolling year of the phase that each month lies in, shape (months,)."""
    from cseval.estimators.rolling import rolling_sums

    means = [rolling_sums(part).mean() for part in (values[:before], values[before:])]
    return np.repeat(means, [before, len(values) - before])


def _over_mean_year(series: FittedSeries, before: int) -> FittedSeries:
    scale = mean_year(series.values, before)
    return FittedSeries(values=series.values / scale, variance=series.variance / scale**2, noise=series.noise)


def _difference(
    shares: dict[str, FittedSeries], own: Floats, others: Floats, models: dict[str, Monthly], before: int
) -> FittedSeries:
    """The one series over its mean year less the other over its own: what both share cancels month by month."""
    variance = shares[OWN].variance + shares[OTHERS].variance
    left = (own - models[OWN].mean) / mean_year(own, before)
    left = left - (others - models[OTHERS].mean) / mean_year(others, before)
    noise = noise_of(left / np.sqrt(variance), models[OWN].residual_maker)
    return FittedSeries(values=shares[OWN].values - shares[OTHERS].values, variance=variance, noise=noise)

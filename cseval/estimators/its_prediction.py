"""What a time-series model expects without the programme, with intervals for single months and for running totals.

An interval is one for what would have been counted, so it holds two uncertainties: that of the coefficients, which is
common to all months, and that of single months about their mean, with what neighbouring months share. For a month or a
running total with expected count m they are

- from the coefficients ``m exp(-+ t s)``, ``s^2 = g' S g``, with g the gradient of log m and S their covariance;
- of the count the 2.5 % and 97.5 % quantiles of a gamma variable with mean m and variance V, the sum over pairs of
  months of ``sd_s sd_t r_st``. A gamma variable is the limit of overdispersed counts and never falls below zero.

Their distances from m, on the log scale, are combined as square roots of sums of squares (the method of variance
estimates recovery, Zou and Donner 2008), and half an incident is added at either end, since counts are whole. Without a
log link both are normal and their variances add. A model of logs has lognormal months instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

WHOLE = 0.5
LARGEST_RHO = 0.95
#: Months at whose distance nothing is left of any autocorrelation.
FAR = 2400
Interval = tuple["Floats", "Floats", "Floats"]
Many = tuple["Floats", ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """Incidents expected without the programme, with 95 % prediction intervals.

    Parameters
    ----------
    mean, low, high : float array, shape (n,)
        In each used month.
    total, total_low, total_high : float array, shape (post months,)
        Summed from the first post month on.
    """

    mean: Floats
    low: Floats
    high: Floats
    total: Floats
    total_low: Floats
    total_high: Floats


def log_course(predictor: Floats, x: Floats, covariance: Many, noise: Floats, post: Mask, df: float) -> Course:
    """The course of a model with log link.

    Parameters
    ----------
    predictor : float array, shape (n,)
        Log of the expected count without the programme.
    x : float array, shape (n, k)
        Its gradient: the regressors with the programme's terms switched off.
    covariance : tuple of float array, shape (k, k)
        Covariances of the coefficients; the larger variance of a quantity counts.
    noise : float array, shape (n, n)
        Covariance of single months about their means, in incidents squared.
    post : bool array, shape (n,)
    df : float
        Degrees of freedom of Student's t; infinite for the normal distribution.
    """
    mean = np.exp(predictor)
    month = count_interval(mean, quadratic(x, covariance), np.diag(noise), df)
    total = np.cumsum(mean[post])
    gradient = np.cumsum(mean[post, None] * x[post], axis=0) / total[:, None]
    summed = count_interval(total, quadratic(gradient, covariance), running_variance(noise[np.ix_(post, post)]), df)
    return _course(month, summed)


def plain_course(mean: Floats, x: Floats, covariance: Many, noise: Floats, post: Mask, df: float) -> Course:
    """The course of a model without a link; arguments as in `log_course`, with the expected counts themselves."""
    month = plain_interval(mean, quadratic(x, covariance) + np.maximum(np.diag(noise), 0.0), df)
    gradient = np.cumsum(x[post], axis=0)
    variance = quadratic(gradient, covariance) + running_variance(noise[np.ix_(post, post)])
    return _course(month, plain_interval(np.cumsum(mean[post]), variance, df))


def _course(month: Interval, total: Interval) -> Course:
    (mean, low, high), (summed, total_low, total_high) = month, total
    return Course(mean=mean, low=low, high=high, total=summed, total_low=total_low, total_high=total_high)


def count_interval(mean: Floats, parameter: Floats, noise: Floats, df: float) -> Interval:
    """Mean and 95 % interval of counts: see the module's description.

    Parameters
    ----------
    mean : float array, shape (n,)
    parameter : float array, shape (n,)
        Variance of log mean from the coefficients.
    noise : float array, shape (n,)
        Variance of the count about its mean.
    df : float
    """
    from scipy import special

    t = t_quantile(df)
    shape = mean**2 / np.maximum(noise * (t / t_quantile(np.inf)) ** 2, 1e-12 * mean**2)
    below, above = (np.log(np.maximum(special.gammaincinv(shape, q) / shape, 1e-300)) for q in (0.025, 0.975))
    low = np.exp(-np.sqrt(np.minimum(below, 0.0) ** 2 + t**2 * parameter))
    high = np.exp(np.sqrt(np.maximum(above, 0.0) ** 2 + t**2 * parameter))
    return mean, np.maximum(mean * low - WHOLE, 0.0), mean * high + WHOLE


def lognormal_interval(mean: Floats, parameter: Floats, noise: Floats, df: float) -> Interval:
    """Mean and 95 % interval of a lognormal quantity.

    ``log Y ~ N(log m - v / 2, s^2 + v)`` with ``v = log(1 + V / m^2)``; arguments as in `count_interval`.
    """
    spread = np.log1p(np.maximum(noise, 0.0) / mean**2)
    half = t_quantile(df) * np.sqrt(parameter + spread)
    low, high = (mean * np.exp(-spread / 2 + sign * half) for sign in (-1.0, 1.0))
    return mean, low, high


def plain_interval(mean: Floats, variance: Floats, df: float) -> Interval:
    """Mean and 95 % interval of a quantity that is normal with this variance, shape (n,)."""
    half = t_quantile(df) * np.sqrt(variance)
    return mean, mean - half, mean + half


def t_quantile(df: float) -> float:
    """The 97.5 % quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(df, 0.975))


def quadratic(x: Floats, covariances: Many) -> Floats:
    """``x_i' S x_i`` for each row by the covariance that makes it largest, not below zero, shape (n,)."""
    forms = [np.einsum("ij,jk,ik->i", x, covariance, x) for covariance in covariances]
    return np.asarray(np.maximum.reduce([*forms, np.zeros(len(x))]))


def running_variance(covariance: Floats) -> Floats:
    """Variance of the sums of the first 1, 2, ... quantities, shape (n,)."""
    summed = np.cumsum(np.cumsum(covariance, axis=0), axis=1)
    return np.maximum(np.diag(summed), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """How single months deviate from their means together, and what that makes of the coefficients.

    Parameters
    ----------
    correlation : float array, shape (n, n)
    factor : float
        By which the model's variances are to be multiplied.
    covariances : tuple of float array, shape (k, k)
        Covariances of the coefficients; the larger variance of a quantity counts.
    """

    correlation: Floats
    factor: float
    covariances: tuple[Floats, ...]


def autoregressive_noise(
    residuals: Floats, gradient: Floats, months: Index, covariance: Floats, *, weighted: bool
) -> Noise:
    """First-order autoregressive deviations, with the bias of an autocorrelation of residuals taken out.

    What a regression leaves over is less autocorrelated and smaller than the deviations themselves. With M the residual
    maker, R the correlations ``rho^|s - t|`` and A the sum over neighbouring months, rho is where
    ``tr(M A M R) / tr(M R)`` equals the autocorrelation of the residuals, at least 0 (what fitting a trend leaves
    behind is not how incidents follow each other) and at most 0.95; the factor is ``sum of squares / tr(M R)``.

    Parameters
    ----------
    residuals : float array, shape (n,)
        Divided by their standard deviations under the model.
    gradient : float array, shape (n, k)
        Gradient of the means, divided likewise.
    months : int array, shape (n,)
        Calendar position of each month, ascending; months left out are gaps.
    covariance : float array, shape (k, k)
        As the fit reports it.
    weighted : bool
        Whether the fit itself is weighted by the autoregression (generalised least squares).
    """
    distance = np.abs(np.subtract.outer(months, months)).astype(float)
    basis = np.linalg.qr(gradient)[0]
    maker = np.eye(len(months)) - basis @ basis.T
    rho = unbiased_autocorrelation(residuals, maker, distance)
    correlation = rho**distance
    factor = float(residuals @ residuals / (maker * correlation).sum())
    inverse = np.linalg.pinv(gradient.T @ gradient)
    if weighted:
        own = np.linalg.pinv(gradient.T @ np.linalg.solve(correlation, gradient))
    else:
        own = inverse @ gradient.T @ correlation @ gradient @ inverse
    return Noise(correlation=correlation, factor=factor, covariances=(covariance, factor * own))


def shared_noise(deviations: Floats, gradient: Floats, months: Index, covariance: Floats) -> Noise:
    """Deviations of two stacked series of the same months: autoregressive in each, correlated between them.

    The correlation of the same month is that of the residuals, at least 0. Arguments as in `autoregressive_noise`.
    """
    alone = autoregressive_noise(deviations, gradient, months, covariance, weighted=False)
    n = len(deviations) // 2
    one, other = deviations[:n], deviations[n:]
    between = max(float(one @ other / np.sqrt((one @ one) * (other @ other))), 0.0)
    block = alone.correlation[:n, :n]
    correlation = np.kron(np.array([[1.0, between], [between, 1.0]]), block)
    inverse = np.linalg.pinv(gradient.T @ gradient)
    own = alone.factor * inverse @ gradient.T @ correlation @ gradient @ inverse
    return Noise(correlation=correlation, factor=alone.factor, covariances=(covariance, own))


def unbiased_autocorrelation(residuals: Floats, maker: Floats, distance: Floats) -> float:
    """The rho whose expected residual autocorrelation is the one found; see `autoregressive_noise`."""
    neighbours = (distance == 1) / 2.0
    found = float(residuals @ neighbours @ residuals / (residuals @ residuals))
    grid = np.linspace(0.0, LARGEST_RHO, 39)
    products, squares = (_expected(m, distance, grid) for m in (maker @ neighbours @ maker, maker))
    return float(np.interp(found, np.maximum.accumulate(products / squares), grid))


def _expected(form: Floats, distance: Floats, grid: Floats) -> Floats:
    """``tr(form R)`` for each rho of the grid, from the sums of `form` by distance, shape (grid,)."""
    near = distance < FAR
    sums = np.bincount(distance[near].astype(np.int64), weights=form[near])
    return np.asarray(grid[:, None] ** np.arange(len(sums)) @ sums)


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecast:
    """Post months without the programme as forecast from the months before, on the model's scale.

    Parameters
    ----------
    mean : float array, shape (post months,)
    noise, parameter : float array, shape (post months, post months)
        Covariance of the forecast's errors with everything estimated taken as known, and that of what is estimated.
    """

    mean: Floats
    noise: Floats
    parameter: Floats


def forecast_course(fitted: Floats, error: Floats, forecast: Forecast, post: Mask, df: float, *, log: bool) -> Course:
    """The course of a model that forecasts: one month ahead before the start, from the last month before it afterwards.

    Parameters
    ----------
    fitted, error : float array, shape (n,)
        Forecast one month ahead on the model's scale and its standard deviation, used before the start.
    forecast : Forecast
    post : bool array, shape (n,)
    df : float
    log : bool
        Whether the model's scale is the log. The expected count is then ``exp(m + v / 2)``, with v the variance of the
        noise, and that of a running total is matched by a lognormal variable with its mean and variance.
    """
    middle, noise, parameter = fitted.copy(), error**2, np.zeros(len(fitted))
    middle[post], noise[post], parameter[post] = (
        forecast.mean,
        np.diag(forecast.noise),
        np.diag(forecast.parameter),
    )
    if not log:
        steps = np.tril(np.ones((int(post.sum()),) * 2))
        summed = quadratic(steps, (forecast.noise + forecast.parameter,))
        total = plain_interval(np.cumsum(forecast.mean), summed, df)
        return _course(plain_interval(middle, noise + parameter, df), total)
    mean = expected_count(middle, noise)
    own, month = mean[post], lognormal_interval(mean, parameter, mean**2 * np.expm1(noise), df)
    sums = np.cumsum(own)
    shares = np.tril(np.ones((len(own), len(own)))) * own / sums[:, None]
    variance = running_variance(np.outer(own, own) * np.expm1(forecast.noise))
    return _course(month, lognormal_interval(sums, quadratic(shares, (forecast.parameter,)), variance, df))


def expected_count(middle: Floats, noise: Floats) -> Floats:
    """Mean of a count whose log is normal: ``exp(m + v / 2)``."""
    return np.asarray(np.exp(middle + noise / 2))


def spread_out(variance: Floats, correlation: Floats) -> Floats:
    """Covariance matrix from variances, shape (n,), and correlations, shape (n, n)."""
    deviation = np.sqrt(variance)
    return np.asarray(deviation[:, None] * correlation * deviation)


def averted_frame(periods: Sequence[str], observed: Floats, post: Mask, course: Course) -> pd.DataFrame:
    """Incidents averted in each post month and up to it, positive = fewer.

    Columns ``period, observed, counterfactual, averted, low, high, cumulative, cumulative_low, cumulative_high``:
    counterfactual less observed, with the ends of the counterfactual's prediction interval less observed.

    Parameters
    ----------
    periods : sequence of str
        The used months.
    observed : float array, shape (n,)
    post : bool array, shape (n,)
    course : Course
    """
    import pandas as pd

    seen, summed = observed[post], np.cumsum(observed[post])
    return pd.DataFrame(
        {
            "period": [p for p, after in zip(periods, post, strict=True) if after],
            "observed": seen,
            "counterfactual": course.mean[post],
            "averted": course.mean[post] - seen,
            "low": course.low[post] - seen,
            "high": course.high[post] - seen,
            "cumulative": course.total - summed,
            "cumulative_low": course.total_low - summed,
            "cumulative_high": course.total_high - summed,
        }
    )


def path_frame(periods: Sequence[str], observed: Floats, fitted: Floats, course: Course) -> pd.DataFrame:
    """Columns ``period, observed, fitted, counterfactual, low, high`` of the treated area as a whole."""
    import pandas as pd

    columns = {"observed": observed, "fitted": fitted, "counterfactual": course.mean}
    return pd.DataFrame({"period": list(periods), **columns, "low": course.low, "high": course.high})

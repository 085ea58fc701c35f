"""The trend of a rolling twelve-month sum as a linear filter of monthly counts, with the error that belongs to it.

Successive rolling sums share eleven months. A line through them is therefore far less sure than it looks: the sums
are a moving average of order 11 on top of whatever the months do. But the slope of the line is a known weighted sum
of the months, ``s = v'y``, so its variance is ``v' Cov(y) v`` exactly, whatever the overlap. ``Cov(y)`` is that of the
monthly model, Poisson counts about means with calendar months and a trend before and after the start, which themselves
waver with first-order autocorrelation: ``D (I + extra R) D`` with ``D = diag(sqrt(mean))`` and ``R_ts = rho^|t - s|``.

Fitted residuals are smaller and less correlated than the errors behind them. With M the residual maker of the
weighted regression and L a shift by one month, ``E e'e = tr(M V)`` and ``E sum e_t e_(t-1) = tr(L M V M)`` for
``V = I + extra R``; ``extra`` and ``rho`` are where both equal what is observed, and not below 0 (a method of moments
that is unbiased in a linear model). Student's t has Satterthwaite's ``tr(M V)^2 / tr(M V M V)`` degrees of freedom.

With a handful of years the autocorrelation itself is little more than guessed, and the t distribution does not allow
for that: in simulated series of 48 months before a start and 29 after it, as dispersed as the founding evaluation's,
the 95 % interval of the slope held the truth in 90 to 95 cases of 100 where rho was 0.67, as fitted there, and in 87
where it was 0.9. The interval is somewhat too short, the more so the longer months remember.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

YEAR = 12
#: Rolling sums below which no line is drawn through them.
FEWEST_SUMS = 6
HIGHEST_RHO = 0.95


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What months do beyond their mean.

    Parameters
    ----------
    extra : float
        Variance of the wavering mean over the Poisson variance, at least 0.
    rho : float
        Correlation of that wavering in one month with the next, at least 0.
    df : float
        Degrees of freedom behind them.
    """

    extra: float
    rho: float
    df: float

    @property
    def dispersion(self) -> float:
        """Variance of a month over its Poisson variance."""
        return 1.0 + self.extra

    def correlated(self, months: int) -> Floats:
        """``I + extra R``, shape (months, months)."""
        return np.asarray(np.eye(months) + self.extra * correlation(self.rho, months))


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A weighted sum of months with its standard error, 95 % interval and p-value by Student's t."""

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Monthly:
    """The monthly model of one series.

    Parameters
    ----------
    mean : float array, shape (months,)
    residual_maker : float array, shape (months, months)
        Of the regression weighted by the means.
    """

    mean: Floats
    residual_maker: Floats


def rolling_sums(values: Floats) -> Floats:
    """Sum of each month and the eleven before it, shape (months - 11,)."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[YEAR:] - total[:-YEAR])


def sum_weights(months: int) -> Floats:
    """Weight of each month in each rolling sum, shape (months - 11, months)."""
    rows = np.arange(months - YEAR + 1)[:, None]
    column = np.arange(months)[None, :]
    return np.asarray((column >= rows) & (column < rows + YEAR), dtype=np.float64)


def slope_weights(months: int) -> Floats:
    """Weight of each month in the slope per month of the least-squares line through all rolling sums.

    Raises
    ------
    EstimationError
        If there are fewer than `FEWEST_SUMS` rolling sums.
    """
    sums = months - YEAR + 1
    if sums < FEWEST_SUMS:
        raise EstimationError(
            f"{max(sums, 0)} rolling years within {months} months",
            where="trend of the rolling year",
            expected=f"at least {FEWEST_SUMS}, which takes {FEWEST_SUMS + YEAR - 1} months",
        )
    time = np.arange(sums) - (sums - 1) / 2
    return np.asarray((time / (time @ time)) @ sum_weights(months))


def line_weights(months: int) -> Floats:
    """Weight of each month in the line at each rolling sum, shape (months - 11, months)."""
    sums = months - YEAR + 1
    time = np.arange(sums) - (sums - 1) / 2
    return np.asarray(sum_weights(months).mean(axis=0) + np.outer(time, slope_weights(months)))


def regressors(first_month: int, months: int, before: int) -> Floats:
    """Calendar months, and a level and a trend before and after the start; shape (months, 15).

    Parameters
    ----------
    first_month : int
        Number of the first month (`months.month_number`).
    months, before : int
        Months in all, and before the start.
    """
    time = np.arange(months) - before
    calendar = (first_month + np.arange(months)) % YEAR
    season = (calendar[:, None] == np.arange(1, YEAR)).astype(float)
    after = (time >= 0).astype(float)
    year = time / YEAR
    return np.column_stack([np.ones(months), year, after, after * year, season])


def fit_monthly(values: Floats, x: Floats) -> Monthly:
    """Poisson means of a series, and the residual maker of the regression at its end.

    Raises
    ------
    EstimationError
        If the model does not settle, as where a calendar month never has an incident.
    """
    from cseval.estimators.segmented_batch import fit_poisson_many

    beta, fitted, _ = fit_poisson_many(values[None], x, np.zeros((1, len(values))))
    if not np.isfinite(beta).all():
        raise EstimationError(
            "the monthly model does not settle; incidents are too few",
            where="trend of the rolling year",
            todo="Choose an outcome with more incidents",
        )
    weighted = x * np.sqrt(fitted[0])[:, None]
    maker = np.eye(len(values)) - weighted @ np.linalg.pinv(weighted)
    return Monthly(mean=fitted[0], residual_maker=maker)


def noise_of(residuals: Floats, maker: Floats) -> Noise:
    """Overdispersion and autocorrelation behind fitted residuals.

    Parameters
    ----------
    residuals : float array, shape (months,)
        Counts less their mean, over the root of the mean.
    maker : float array, shape (months, months)
        Residual maker of the regression that they come from.
    """
    squares, neighbours = float(residuals @ residuals), float(residuals[1:] @ residuals[:-1])

    def extra_of(rho: float) -> tuple[float, Floats]:
        spread = maker @ correlation(rho, len(residuals)) @ maker
        return max((squares - float(np.trace(maker))) / float(np.trace(spread)), 0.0), spread

    def excess(rho: float) -> float:
        extra, spread = extra_of(rho)
        return float(np.trace(maker, offset=1) + extra * np.trace(spread, offset=1)) - neighbours

    if extra_of(0.0)[0] == 0.0 or excess(0.0) >= 0:
        rho = 0.0
    else:
        rho = HIGHEST_RHO if excess(HIGHEST_RHO) <= 0 else float(optimize.brentq(excess, 0.0, HIGHEST_RHO))
    noise = Noise(extra=extra_of(rho)[0], rho=rho, df=1.0)
    product = maker @ noise.correlated(len(residuals))
    return replace(noise, df=float(np.trace(product) ** 2 / (product * product.T).sum()))


def correlation(rho: float, months: int) -> Floats:
    """``rho^|t - s|``, shape (months, months)."""
    lag = np.abs(np.subtract.outer(np.arange(months), np.arange(months)))
    return np.asarray(np.power(float(rho), lag))


def trend_of(weights: Floats, values: Floats, variance: Floats, noise: Noise) -> Trend:
    """A weighted sum of months with its error.

    Parameters
    ----------
    weights, values : float array, shape (months,)
    variance : float array, shape (months,)
        Poisson variance of the values.
    noise : Noise
    """
    estimate = float(weights @ values)
    error = float(errors_of(weights[None], variance, noise)[0])
    half = float(special.stdtrit(noise.df, 0.975)) * error
    p_value = float(2 * special.stdtr(noise.df, -abs(estimate / error))) if error > 0 else float("nan")
    return Trend(
        estimate=estimate, std_error=error, conf_low=estimate - half, conf_high=estimate + half, p_value=p_value
    )


def errors_of(weights: Floats, variance: Floats, noise: Noise) -> Floats:
    """Standard error of each weighted sum of months, shape (rows,); `weights` of shape (rows, months)."""
    scaled = weights * np.sqrt(variance)
    spread = np.einsum("rt,ts,rs->r", scaled, noise.correlated(len(variance)), scaled)
    return np.asarray(np.sqrt(np.maximum(spread, 0.0)))


def naive_interval(sums: Floats) -> tuple[float, float]:
    """95 % interval of the slope by least squares as if rolling sums were independent, which they are not."""
    time = np.arange(len(sums)) - (len(sums) - 1) / 2
    slope = float(time @ sums / (time @ time))
    left = sums - sums.mean() - slope * time
    df = len(sums) - 2
    half = float(special.stdtrit(df, 0.975) * np.sqrt(left @ left / df / (time @ time)))
    return slope - half, slope + half

"""Fits of one monthly series, and what follows from them by arithmetic."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, stats

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A fitted regression of one series.

    Parameters
    ----------
    coefficients : float array, shape (k,)
    covariance : float array, shape (k, k)
    fitted, residuals : float array, shape (n,)
        Expected counts, and Pearson residuals (raw for least squares; of the transformed series for
        Prais-Winsten).
    regressors : float array, shape (n, k)
        Regressors times the square root of the working weights: what residuals are orthogonal to.
    deviance, dispersion : float
        `dispersion` is the Pearson chi-square over residual degrees of freedom.
    t_df : float
        Degrees of freedom of intervals; infinite for the normal distribution.
    alpha, rho : float
        Of the negative binomial and of the autoregression; NaN otherwise.
    lag : int
        Of Newey-West; -1 otherwise.
    """

    coefficients: Floats
    covariance: Floats
    fitted: Floats
    residuals: Floats
    regressors: Floats
    deviance: float
    dispersion: float
    t_df: float
    alpha: float = float("nan")
    rho: float = float("nan")
    lag: int = -1


def fit_poisson(y: Floats, x: Floats, offset: Floats, scale: float | str, **covariance: Any) -> Fitted:
    """Poisson regression with log link.

    Parameters
    ----------
    y, offset : float array, shape (n,)
    x : float array, shape (n, k)
    scale : 1.0 or "X2"
        ``"X2"`` scales the model's covariance by the Pearson dispersion (quasi-Poisson).

    Raises
    ------
    EstimationError
        If the iteration does not converge.
    """
    import statsmodels.api as sm

    result = _glm(sm.families.Poisson(), y, x, offset, scale=scale, **covariance)
    fit = _fitted(result, x, result.mu)
    return replace(fit, t_df=float(len(y) - x.shape[1])) if scale == "X2" else fit


def fit_negative_binomial(y: Floats, x: Floats, offset: Floats, **covariance: Any) -> Fitted:
    """Negative binomial regression (NB2) with log link and alpha by maximum likelihood.

    Coefficients given alpha and alpha given the fitted counts alternate until alpha stands still, which
    climbs the joint likelihood and cannot leave alpha's bounds when counts are not overdispersed.

    Raises
    ------
    EstimationError
        If it does not converge.
    """
    import statsmodels.api as sm

    mean, alpha = fit_poisson(y, x, offset, 1.0).fitted, np.inf
    for _ in range(100):
        last, alpha = alpha, _alpha(y, mean)
        result = _glm(sm.families.NegativeBinomial(alpha=alpha), y, x, offset, scale=1.0, **covariance)
        mean = result.mu
        if abs(last - alpha) * mean.max() <= 1e-6 * (1 + alpha * mean.max()):
            return replace(_fitted(result, x, mean / (1 + alpha * mean)), alpha=alpha)
    raise EstimationError("the negative binomial's alpha does not converge", todo="Use QuasiPoisson()")


def fit_gaussian(y: Floats, x: Floats, offset: Floats, **covariance: Any) -> Fitted:
    """Ordinary least squares of ``y - offset``; arguments as in `fit_poisson`."""
    import statsmodels.api as sm

    result = sm.OLS(y - offset, x).fit(**covariance)
    return _least_squares(result, x, offset)


def fit_prais_winsten(y: Floats, x: Floats, offset: Floats, gaps: Index) -> Fitted:
    """Least squares with first-order autoregressive errors, Prais and Winsten (1954), iterated.

    The autocorrelation is the regression of a residual on the one a month before, and is iterated to 1e-10.
    The first month is kept with weight ``sqrt(1 - rho^2)``. After a gap of g months the correlation is
    ``rho^g``, so that months left out do not distort it.

    Parameters
    ----------
    gaps : int array, shape (n - 1,)
        Months from each observation to the next.

    Raises
    ------
    EstimationError
        If the autocorrelation reaches 1 or does not settle.
    """
    import statsmodels.api as sm

    target, rho = y - offset, 0.0
    for _ in range(500):
        result = sm.OLS(prewhiten(target, rho, gaps), prewhiten(x, rho, gaps)).fit()
        last, rho = rho, _autocorrelation(target - x @ result.params, gaps)
        if not abs(rho) < 1:
            break
        if abs(rho - last) < 1e-10:
            fit = _least_squares(result, prewhiten(x, last, gaps), offset)
            return replace(fit, fitted=x @ result.params + offset, rho=rho)
    raise EstimationError("the autocorrelation does not settle below 1", where="Prais-Winsten", todo="Use NeweyWest()")


def prewhiten(values: Floats, rho: float, gaps: Index) -> Floats:
    """Rows whose autoregressive errors become independent with equal variance, first row kept.

    Parameters
    ----------
    values : float array, shape (n,) or (n, k)
    rho : float
    gaps : int array, shape (n - 1,)
    """
    power = (rho**gaps).reshape(-1, *[1] * (values.ndim - 1))
    rest = (values[1:] - power * values[:-1]) * np.sqrt((1 - rho**2) / (1 - power**2))
    return np.concatenate([values[:1] * np.sqrt(1 - rho**2), rest])


def require_rank(x: Floats, terms: tuple[str, ...], where: str = "segmented regression") -> None:
    """Refuse regressors of which one is a sum of others.

    Raises
    ------
    EstimationError
        Naming the first term that those before it explain.
    """
    scaled = x / np.maximum(np.linalg.norm(x, axis=0), 1e-300)
    if np.linalg.matrix_rank(scaled, tol=1e-8) == x.shape[1]:
        return
    ranks = [np.linalg.matrix_rank(scaled[:, : i + 1], tol=1e-8) for i in range(x.shape[1])]
    first = next(i for i, rank in enumerate(ranks) if rank <= i)
    raise EstimationError(
        f"the term {terms[first]!r} cannot be told from the terms before it",
        where=where,
        todo="Leave one of them out or choose a longer window",
    )


def require_incidents(y: Floats, x: Floats, terms: tuple[str, ...], where: str = "segmented regression") -> None:
    """Refuse an indicator none of whose months has an incident, since its log ratio would be minus infinity.

    Raises
    ------
    EstimationError
        Naming the term.
    """
    indicator = ((x == 0) | (x == 1)).all(axis=0)
    for i in np.flatnonzero(indicator):
        if y[x[:, i] == 1].sum() == 0 or (y[x[:, i] == 0].sum() == 0 and (x[:, i] == 0).any()):
            raise EstimationError(f"no incident in the months that tell the term {terms[i]!r}", where=where)


def mean_log_ratio(x: Floats, off: Floats, offset: Floats, coefficients: Floats) -> tuple[float, Floats]:
    """Log of total expected with the programme over total expected without, and its gradient.

    Parameters
    ----------
    x, off : float array, shape (post months, k)
        Regressors with the programme's terms on and switched off.
    offset : float array, shape (post months,)
    coefficients : float array, shape (k,)
    """
    lit, dark = np.exp(x @ coefficients + offset), np.exp(off @ coefficients + offset)
    value = float(np.log(lit.sum() / dark.sum()))
    return value, np.asarray(lit @ x / lit.sum() - dark @ off / dark.sum())


def durbin_watson(residuals: Floats) -> float:
    """Durbin-Watson statistic; 2 without first-order autocorrelation."""
    return float((np.diff(residuals) ** 2).sum() / (residuals**2).sum())


def ljung_box(residuals: Floats, lag: int, fitted: int = 0) -> float:
    """p-value of the Ljung-Box test of no autocorrelation up to `lag`; NaN if the series is too short.

    `fitted` is the number of autoregressive and moving-average terms fitted, which cost as many degrees of freedom.
    """
    n = len(residuals)
    if n <= lag + 1:
        return float("nan")
    centred = residuals - residuals.mean()
    auto = np.array([centred[k:] @ centred[:-k] for k in range(1, lag + 1)]) / (centred @ centred)
    return float(stats.chi2.sf(n * (n + 2) * (auto**2 / (n - np.arange(1, lag + 1))).sum(), lag - fitted))


def breusch_godfrey(residuals: Floats, regressors: Floats, lag: int) -> float:
    """p-value of the Breusch-Godfrey test up to `lag`; NaN if the series is too short.

    F test of the residuals' own lags, zeros before the first, beside the (weighted) regressors. The F form
    keeps its level in short series, where ``n R^2`` against chi-square rejects too often (Kiviet 1986).
    """
    n, k = regressors.shape
    if n <= k + lag + 1:
        return float("nan")
    lags = [np.concatenate([np.zeros(j), residuals[:-j]]) for j in range(1, lag + 1)]
    matrix = np.column_stack([regressors, *lags])
    left = residuals - matrix @ np.linalg.lstsq(matrix, residuals, rcond=None)[0]
    df = n - k - lag
    return float(stats.f.sf((residuals @ residuals / (left @ left) - 1) * df / lag, lag, df))


def poisson_start(y: Floats, x: Floats, offset: Floats, steps: int = 8) -> Floats | None:
    """Poisson coefficients by plain Newton steps, from which statsmodels has one step left to go.

    A fit of a placebo series is repeated thousands of times, and a step here costs a tenth of statsmodels'.
    None where the steps go astray, so that statsmodels starts from its own values.
    """
    predictor = np.log((y + y.mean()) / 2)
    for _ in range(steps):
        mean = np.exp(np.clip(predictor, -30, 30))
        weighted = x * mean[:, None]
        working = predictor - offset + (y - mean) / mean
        try:
            start = np.linalg.solve(x.T @ weighted, weighted.T @ working)
        except np.linalg.LinAlgError:
            return None
        last, predictor = predictor, x @ start + offset
        if np.abs(predictor - last).max() < 1e-9:
            break
    return np.asarray(start) if np.isfinite(start).all() else None


def _glm(family: Any, y: Floats, x: Floats, offset: Floats, **options: Any) -> Any:
    """A statsmodels GLM, with what it would warn of turned into an error by its outcome."""
    import statsmodels.api as sm

    start = poisson_start(y, x, offset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = sm.GLM(y, x, family=family, offset=offset)
        result = model.fit(start_params=start, tol=1e-10, maxiter=100, **options)
    if not (result.converged and np.isfinite(result.params).all() and np.isfinite(result.bse).all()):
        raise EstimationError("the regression does not converge", where="segmented regression")
    return result


def _fitted(result: Any, x: Floats, weight: Floats) -> Fitted:
    return Fitted(
        coefficients=np.asarray(result.params),
        covariance=np.asarray(result.cov_params()),
        fitted=np.asarray(result.mu),
        residuals=np.asarray(result.resid_pearson),
        regressors=x * np.sqrt(weight)[:, None],
        deviance=float(result.deviance),
        dispersion=float(result.pearson_chi2 / result.df_resid),
        t_df=float("inf"),
    )


def _least_squares(result: Any, x: Floats, offset: Floats) -> Fitted:
    return Fitted(
        coefficients=np.asarray(result.params),
        covariance=np.asarray(result.cov_params()),
        fitted=np.asarray(result.fittedvalues) + offset,
        residuals=np.asarray(result.resid),
        regressors=x,
        deviance=float(result.ssr),
        dispersion=float(result.ssr / result.df_resid),
        t_df=float(result.df_resid),
    )


def _alpha(y: Floats, mean: Floats) -> float:
    """Alpha that maximises the negative binomial likelihood given the expected counts.

    The log likelihood is written ``sum_{j < y} log(1 + j alpha) - (y + 1 / alpha) log(1 + alpha mu)``, which
    stays exact as alpha goes to 0, where differences of log gamma functions do not.
    """
    whole = np.rint(y).astype(np.int64)
    steps = np.arange(whole.max(initial=0))

    def loss(log_alpha: float) -> float:
        alpha = np.exp(log_alpha)
        rising = np.concatenate([[0.0], np.cumsum(np.log1p(steps * alpha))])[whole]
        return -float((rising - (y + 1 / alpha) * np.log1p(alpha * mean)).sum())

    found = optimize.minimize_scalar(loss, bounds=(-14.0, 5.0), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(found.x))


def _autocorrelation(residuals: Floats, gaps: Index) -> float:
    """Regression of a residual on the one a month before, over pairs that are a month apart."""
    pair = gaps == 1
    return float((residuals[1:] * residuals[:-1])[pair].sum() / (residuals[:-1][pair] ** 2).sum())

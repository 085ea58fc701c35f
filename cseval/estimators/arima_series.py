"""The regression of one series with ARIMA errors: exact likelihood, errors, forecast from the months before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.arima_kernels import YEAR, Order, forecast_weights
from cseval.estimators.arima_orders import Choice, differenced, error_correlation, likeliest, mean_columns
from cseval.estimators.its_likelihood import STARTS, concentrate, joint_covariance
from cseval.estimators.its_prediction import Forecast
from cseval.estimators.segmented_kernels import require_rank

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.estimators.its_likelihood import Concentrated, Regression
    from cseval.estimators.its_series import Calendar

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

WHERE = "ARIMA"


@dataclass(frozen=True, kw_only=True, eq=False)
class ArimaFit:
    """A regression with ARIMA errors.

    Parameters
    ----------
    order : Order
    parameters : float array, shape (p,)
        In the order of `Order.names`.
    terms : tuple of str
    at : Concentrated
        Likelihood, coefficients and variance at the maximum.
    covariance : float array, shape (p + k, p + k)
        Of parameters and coefficients.
    curved : bool
        Whether it is the inverse of the numerical Hessian; otherwise that of the coefficients given the parameters.
    x : float array, shape (n, k)
    own : bool array, shape (k,)
    """

    order: Order
    parameters: Floats
    terms: tuple[str, ...]
    at: Concentrated
    covariance: Floats
    curved: bool
    x: Floats
    own: Mask

    @property
    def months(self) -> int:
        """Differenced months that the likelihood rests on."""
        return len(self.at.innovations) - len(self.at.flat)

    @property
    def coefficient_covariance(self) -> Floats:
        """That of the coefficients, shape (k, k)."""
        p = len(self.parameters)
        return self.covariance[p:, p:]


def fit_arima(calendar: Calendar, order: Order) -> ArimaFit:
    """Fit by exact maximum likelihood from several starts.

    Parameters
    ----------
    calendar : Calendar
    order : Order

    Raises
    ------
    EstimationError
        If there are too few months, terms explain each other once they are differenced, or the likelihood fails.
    """
    mean = mean_columns(order, len(calendar.y))
    names = ("drift" if order.drift else "intercept",) if mean.shape[1] else ()
    terms, x = (*names, *calendar.terms), np.column_stack([mean, calendar.x])
    require_months(calendar, order, x.shape[1])
    data = differenced(order, calendar.y, x, calendar.missing)
    require_rank(data.x, terms)
    parameters = likeliest(order, data, STARTS)
    at = concentrate(data, error_correlation(order, parameters, len(data.y)))
    if at is None:
        raise EstimationError("the likelihood cannot be computed", where=WHERE, todo="Choose lower orders")
    covariance, curved = _covariance(order, data, parameters, at)
    own = np.append(np.zeros(len(names), dtype=bool), calendar.own)
    return ArimaFit(
        order=order,
        parameters=parameters,
        terms=terms,
        at=at,
        covariance=covariance,
        curved=curved,
        x=x,
        own=own,
    )


def require_months(calendar: Calendar, order: Order, terms: int) -> None:
    """Refuse fewer months before the start than the orders need.

    Raises
    ------
    EstimationError
        If there are too few for the season or for the number of parameters.
    """
    before = int((calendar.used & ~calendar.post).sum())
    seasonal = order.seasonal_p or order.seasonal_d or order.seasonal_q
    least = max(order.lost + sum(order.parameters) + int((~calendar.own).sum()) + 4, 2 * YEAR if seasonal else 0)
    if before < least:
        raise EstimationError(
            f"{before} months before the start for {order}",
            where=WHERE,
            expected=f"at least {least}",
            todo="Choose lower orders or a longer pre period",
        )
    kept = int(calendar.used.sum()) - order.lost
    if kept < sum(order.parameters) + terms + 2:
        raise EstimationError(f"{kept} differenced months for {order} and {terms} terms", where=WHERE)


def _covariance(order: Order, data: Regression, parameters: Floats, at: Concentrated) -> tuple[Floats, bool]:
    """By the Hessian, or given the parameters where the likelihood has its maximum at their edge."""
    found = joint_covariance(data, lambda values: error_correlation(order, values, len(data.y)), parameters)
    if found is not None:
        return found, True
    p = len(parameters)
    out = np.zeros((p + data.x.shape[1],) * 2)
    out[p:, p:] = at.sigma2 * np.linalg.inv(at.information)
    return out, False


def one_ahead(fit: ArimaFit, calendar: Calendar, factor: float) -> tuple[Floats, Floats]:
    """Forecast of each used month from all before it, and its standard deviation; NaN for months lost to differences.

    `factor` multiplies the variance.
    """
    spread, lost = np.diag(fit.at.factor), fit.order.lost
    fitted, error = np.full((2, len(calendar.y)), np.nan)
    fitted[lost:] = calendar.y[lost:] - spread * fit.at.innovations
    error[lost:] = spread * (factor * fit.at.sigma2) ** 0.5
    return fitted[calendar.used], error[calendar.used]


def forecast(fit: ArimaFit, calendar: Calendar, factor: float) -> Forecast:
    """The post months without the programme's terms, forecast from the last month before the start.

    With F the weights of past errors, ``X0 b + F (y - X b)``. Its errors are those of the forecast, and those of
    parameters and coefficients by the delta method.

    Parameters
    ----------
    fit : ArimaFit
    calendar : Calendar
    factor : float
        Multiplies variances, for the small sample.
    """
    before, after = calendar.before, len(calendar.y) - calendar.before
    kept = calendar.post[before:]
    known = calendar.y.copy()
    known[~calendar.used] = -fit.at.flat
    errors = (known - fit.x @ fit.at.coefficients)[:before]
    off = np.where(fit.own, 0.0, fit.x)

    def weights(parameters: Floats) -> tuple[Floats, Floats]:
        share, covariance = forecast_weights(fit.order, parameters, before, after)
        return share[kept], covariance[np.ix_(kept, kept)]

    share, covariance = weights(fit.parameters)
    mean = off[before:][kept] @ fit.at.coefficients + share @ errors
    by_parameter = _slopes(lambda values: weights(values)[0] @ errors, fit.parameters, len(mean))
    gradient = np.column_stack([by_parameter, off[before:][kept] - share @ off[:before]])
    return Forecast(
        mean=mean,
        noise=factor * fit.at.sigma2 * covariance,
        parameter=factor * gradient @ fit.covariance @ gradient.T,
    )


def _slopes(function: Callable[[Floats], Floats], at: Floats, rows: int) -> Floats:
    """Derivatives by central differences, shape (rows, parameters)."""
    steps = 1e-4 * np.eye(len(at))
    columns = [(function(at + s) - function(at - s)) / 2e-4 for s in steps]
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def order_words(choice: Choice, given: bool) -> str:
    """How the orders came about, as a sentence."""
    if given:
        return f"{choice.order}, as registered."
    return f"{choice.order}, chosen by AICc among {choice.tried} models on the months before the start alone."

"""ARMA arithmetic against statsmodels: autocovariances, likelihood, forecasts; the choice of orders."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from statsmodels.tsa.arima_process import arma_acovf
from statsmodels.tsa.statespace.sarimax import SARIMAX

from cseval.errors import EstimationError, SpecError
from cseval.estimators import arima_kernels as kernels
from cseval.estimators import arima_orders as orders
from cseval.estimators.arima_kernels import Order
from cseval.estimators.its_likelihood import concentrate, joint_covariance

ORDERS = (
    Order(p=2, d=1, q=1, seasonal_p=1, seasonal_d=1, seasonal_q=1),
    Order(p=1, q=2),
    Order(p=1, d=1, seasonal_q=1),
    Order(q=1, seasonal_p=1),
    Order(d=1, seasonal_d=1),
)
N = 60


def drawn(order, seed=1):
    rng = np.random.default_rng(seed)
    y, x = np.cumsum(rng.normal(size=N)), rng.normal(size=(N, 2))
    return y, x, kernels.bounded(order, 0.6 * rng.normal(size=sum(order.parameters)))


def peer(order, data, parameters, found):
    """statsmodels' state-space likelihood of the differenced series at our parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SARIMAX(
            data.y,
            exog=data.x,
            order=(order.p, 0, order.q),
            seasonal_order=(order.seasonal_p, 0, order.seasonal_q, 12),
        )
    ar, ma, sar, sma = np.split(parameters, np.cumsum(order.parameters)[:3])
    return model, np.concatenate([found.coefficients, ar, ma, sar, sma, [found.sigma2]])


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_likelihood_is_that_of_the_kalman_filter(order):
    y, x, parameters = drawn(order)
    data = orders.differenced(order, y, x, np.zeros((N, 0)))
    found = concentrate(data, orders.error_correlation(order, parameters, len(data.y)))
    model, values = peer(order, data, parameters, found)
    assert found.llf == pytest.approx(model.loglike(values), abs=1e-8)
    worse = values.copy()
    worse[0] += 0.05
    assert model.loglike(worse) < found.llf


@pytest.mark.parametrize("order", ORDERS[:4], ids=str)
def test_autocovariances_equal_statsmodels(order):
    phi, theta = kernels.polynomials(order, drawn(order)[2])
    theirs = arma_acovf(np.append(1.0, -phi), np.append(1.0, theta), nobs=40)
    assert kernels.autocovariance(phi, theta, 40) == pytest.approx(theirs, abs=1e-9)
    assert kernels.autocovariance(phi, theta, 5) == pytest.approx(theirs[:5], abs=1e-9)


def test_autocovariances_of_an_autoregression_by_hand():
    found = kernels.autocovariance(np.array([0.5]), np.zeros(0), 4)
    assert found == pytest.approx(np.array([1, 0.5, 0.25, 0.125]) / 0.75)
    assert kernels.autocovariance(np.zeros(0), np.array([0.4]), 3) == pytest.approx([1.16, 0.4, 0.0])


def test_any_numbers_give_stationary_and_invertible_polynomials():
    rng, order = np.random.default_rng(0), Order(p=3, q=2, seasonal_p=1, seasonal_q=1)
    for _ in range(50):
        parameters = kernels.bounded(order, 3 * rng.normal(size=7))
        ar, ma = parameters[:3], parameters[3:5]
        assert np.abs(np.roots(np.append(1.0, -ar))).max() < 1
        assert np.abs(np.roots(np.append(1.0, ma))).max() < 1
    assert kernels.bounded(Order(p=1), np.array([0.5]))[0] == pytest.approx(np.tanh(0.5))


def test_differences_by_hand():
    d = kernels.difference_matrix(Order(d=1, seasonal_d=1), 20)
    y = np.random.default_rng(0).normal(size=20)
    assert d @ y == pytest.approx(np.diff(y[12:] - y[:-12]))
    assert kernels.difference_matrix(Order(), 4).tolist() == np.eye(4).tolist()


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_forecasts_equal_statsmodels(order):
    y, _, parameters = drawn(order)
    weights, covariance = kernels.forecast_weights(order, parameters, 48, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SARIMAX(
            y[:48],
            order=(order.p, order.d, order.q),
            seasonal_order=(order.seasonal_p, order.seasonal_d, order.seasonal_q, 12),
        )
    ar, ma, sar, sma = np.split(parameters, np.cumsum(order.parameters)[:3])
    theirs = model.smooth(np.concatenate([ar, ma, sar, sma, [1.0]])).get_forecast(12)
    assert weights @ y[:48] == pytest.approx(theirs.predicted_mean, abs=1e-3)
    assert np.diag(covariance) == pytest.approx(theirs.se_mean**2, rel=1e-3)


def test_a_missing_month_leaves_the_likelihood_of_the_others():
    """The indicator of a missing month integrates it out: an autoregression with the month simply not there."""
    rng, rho, order = np.random.default_rng(3), 0.6, Order(p=1)
    y, at = rng.normal(size=20), np.delete(np.arange(20), 7)
    data = orders.differenced(order, np.where(np.arange(20) == 7, 0.0, y), np.ones((20, 1)), np.eye(20)[:, [7]])
    found = concentrate(data, orders.error_correlation(order, np.array([rho]), 20))
    covariance = rho ** np.abs(np.subtract.outer(at, at)) / (1 - rho**2)
    plain = orders.differenced(Order(), y[at], np.ones((19, 1)), np.zeros((19, 0)))
    direct = concentrate(plain, covariance)
    assert found.llf == pytest.approx(direct.llf, abs=1e-9)
    assert found.coefficients == pytest.approx(direct.coefficients, abs=1e-9)
    assert found.sigma2 == pytest.approx(direct.sigma2)


def test_hessian_errors_of_coefficients_are_those_of_least_squares_without_arma_terms():
    y, x, _ = drawn(Order())
    data = orders.differenced(Order(), y, x, np.zeros((N, 0)))
    at = concentrate(data, np.eye(N))
    found = joint_covariance(data, lambda _: np.eye(N), np.zeros(0))
    assert found == pytest.approx(at.sigma2 * np.linalg.inv(x.T @ x), rel=1e-3)


def test_orders_are_found_in_long_series():
    rng = np.random.default_rng(5)
    noise = rng.normal(size=400)
    ar = np.zeros(400)
    for t in range(1, 400):
        ar[t] = 0.7 * ar[t - 1] + noise[t]
    none, empty = np.zeros((150, 0)), np.zeros((150, 0))
    assert orders.choose_order(ar[-150:], none, empty).order == Order(p=1)
    walk = orders.choose_order(np.cumsum(noise)[-150:], none, empty)
    assert (walk.order.d, walk.order.seasonal_d) == (1, 0)
    season = 3 * np.sin(np.arange(400) * np.pi / 6)
    assert orders.choose_order((season + noise)[-150:], none, empty).order.seasonal_d == 1
    drift = orders.choose_order(np.cumsum(noise + 2)[-150:], none, empty)
    assert drift.order.drift
    assert drift.tried == 19


def test_too_short_for_any_order():
    with pytest.raises(EstimationError, match="5 months before the start"):
        orders.choose_order(np.arange(5.0) % 2, np.zeros((5, 1)), np.zeros((5, 0)))


def test_kpss_and_seasonal_strength_tell_what_they_should():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=120)
    assert orders.kpss(noise) < orders.KPSS_5_PERCENT < orders.kpss(np.cumsum(noise))
    wave = np.sin(np.arange(120) * np.pi / 6)
    assert orders.seasonal_strength(5 * wave + noise) > 0.9
    assert orders.seasonal_strength(noise) < 0.5


def test_orders_have_names_and_limits():
    order = Order(p=2, d=1, seasonal_d=1, seasonal_q=1)
    assert str(order) == "ARIMA(2,1,0)(0,1,1)[12]"
    assert str(Order(p=1, d=1, drift=True)) == "ARIMA(1,1,0) with drift"
    assert order.names == ("ar1", "ar2", "sma1")
    with pytest.raises(SpecError, match="each between 0 and 5"):
        Order(p=-1)
    with pytest.raises(SpecError, match="drift without exactly one difference"):
        Order(drift=True)

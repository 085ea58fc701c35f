"""How often the methods for few treated units find an effect where there is none, each where its assumptions hold.

Units are independent here; that adjoining ones are not is what the placebo neighbourhoods are for.
"""

from __future__ import annotations

import numpy as np
import pytest
from builders import design

from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.base import Placebos
from cseval.inference.conformal import AbsoluteMean, Conformal, MeanPower
from cseval.inference.conformal_kernels import Series, cyclic_windows, difference_residuals, not_rejected, shift_p
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.ferman_pinto import FermanPinto
from cseval.inference.scattered_sets import scattered

UNITS, BEFORE, AFTER, SIZE = 120, 12, 12, 3
PANELS, SETS = 40, 10
LOW, HIGH = 0.012, 0.09  # 0.05 and three and a half Monte Carlo errors
POISSON, LINEAR = PoissonDiD(), LinearDiD()
METHODS = (ConleyTaber(draws=499), FermanPinto(draws=499))


def rates(estimator, spread, place):
    """Share of true nulls that Conley-Taber and Ferman-Pinto reject at 5 %, in disjoint sets of three units.

    Parameters
    ----------
    spread : float
        Standard deviation of the log level of units.
    place : slice
        Where in the order of level the tested units lie.
    """
    rng = np.random.default_rng(20)
    rejected = np.zeros(2)
    for _ in range(PANELS):
        level = np.sort(np.exp(np.log(20) + spread * rng.normal(size=(UNITS, 1))), axis=0)
        shock = 0.12 * rng.normal(size=(UNITS, 1)) * np.repeat([0, 1], [BEFORE, AFTER])
        made = design(rng.poisson(level * np.exp(shock)), treated=(60,), months_before=BEFORE)
        members = rng.permutation(np.arange(UNITS)[place])[: SETS * SIZE].reshape(SETS, SIZE)
        tested = Placebos.of(made, estimator, scattered(np.sort(members, axis=1), UNITS))
        rejected += [(method.test_many(tested, tested) <= 0.05).mean() for method in METHODS]
    return rejected / PANELS


SMALL, LARGE = slice(0, SETS * SIZE), slice(UNITS - SETS * SIZE, UNITS)


@pytest.mark.parametrize("estimator", [POISSON, LINEAR])
def test_both_keep_their_size_where_units_are_alike(estimator):
    conley_taber, ferman_pinto = rates(estimator, 0.0, SMALL)
    assert LOW < conley_taber < HIGH
    assert LOW < ferman_pinto < HIGH


def test_small_treated_units_vary_more_in_proportion_and_only_ferman_and_pinto_allow_for_it():
    conley_taber, ferman_pinto = rates(POISSON, 1.0, SMALL)
    assert conley_taber > HIGH
    assert LOW < ferman_pinto < HIGH


def test_large_treated_units_vary_less_in_proportion():
    conley_taber, ferman_pinto = rates(POISSON, 1.0, LARGE)
    assert conley_taber < 0.03
    assert LOW < ferman_pinto < HIGH


def test_large_treated_units_vary_more_in_incidents():
    conley_taber, ferman_pinto = rates(LINEAR, 1.0, LARGE)
    assert conley_taber > HIGH
    assert LOW < ferman_pinto < HIGH


def autoregressive(rng, rows, months, rho):
    """Stationary AR(1) series of variance 1."""
    shocks = rng.normal(size=(rows, months + 60))
    values = np.zeros_like(shocks)
    for t in range(1, shocks.shape[1]):
        values[:, t] = rho * values[:, t - 1] + shocks[:, t]
    return values[:, 60:] * np.sqrt(1 - rho**2)


def series(values, post):
    one = np.ones((len(values), 1))
    return Series(treated=values, rest=np.zeros_like(values), units=one, rest_units=one, post=post)


@pytest.mark.parametrize("statistic", [MeanPower(), AbsoluteMean()])
@pytest.mark.parametrize("rho", [0.0, 0.3])
def test_conformal_keeps_its_size_on_a_stationary_series(statistic, rho):
    post = np.arange(60) >= 48
    values = autoregressive(np.random.default_rng(3), 8000, 60, rho)
    residuals = difference_residuals(series(values, post), np.zeros(len(values)))
    rate = (shift_p(statistic.of(residuals, cyclic_windows(post))) <= 0.05 + 1e-12).mean()
    assert 0.04 < rate < 0.065  # 0.0024 is one Monte Carlo error


def test_the_conformal_interval_covers_the_truth():
    post, truth, statistic = np.arange(60) >= 48, -0.7, AbsoluteMean()
    windows, held = cyclic_windows(post), 0
    for row in autoregressive(np.random.default_rng(4), 150, 60, 0.3):
        one = series((row + truth * post)[None, :], post)

        def test(effects, one=one):
            return shift_p(statistic.of(difference_residuals(one, effects), windows))

        low, high = not_rejected(test, truth, 1.0, 1e4)
        held += low <= truth <= high
    assert 0.885 < held / 150 < 0.995  # three and a half Monte Carlo errors below


@pytest.mark.parametrize("statistic", [MeanPower(), AbsoluteMean()])
def test_conformal_keeps_its_size_on_counts(statistic):
    rng = np.random.default_rng(6)
    counts = rng.poisson(8 * np.exp(0.2 * rng.normal(size=(1, 48))), (900, 48))
    made = design(counts, treated=(0,), months_before=38)
    members = np.flatnonzero(made.comparison)[:, None]
    tested = Placebos.of(made, POISSON, made.sets(members))
    rate = (Conformal(statistic=statistic).test_many(tested, tested) <= 0.05 + 1e-12).mean()
    assert 0.025 < rate < 0.07  # 0.0073 is one Monte Carlo error; p moves in steps of 1/48

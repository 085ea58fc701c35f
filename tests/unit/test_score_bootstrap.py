"""Score wild bootstrap: against a logit fitted by statsmodels and steps taken one by one, and what is refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from builders import design, poisson_counts

from cseval.areas import PlaceboSets, draw_connected
from cseval.errors import EstimationError, UsageError
from cseval.estimators.collapsed import Collapsed, Logit
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.base import Calibratable, Placebos
from cseval.inference.bootstrap_kernels import draw_sums, p_values_many
from cseval.inference.score_bootstrap import ScoreBootstrap
from cseval.inference.wild_bootstrap import Rademacher, Webb


def make(units=36, treated=(7, 8, 9), effect=-0.2, seed=2, **options):
    counts = poisson_counts(units, 20, treated=treated, start=12, effect=effect, seed=seed)
    return design(counts, treated=list(treated), months_before=12, **options)


def step_by_step(d, null):
    """Enumerated p-value: restricted logit by statsmodels, one Newton step and its error for every combination."""
    used = d.is_treated | d.comparison
    post, n, inside = d.post_counts[used], (d.pre_counts + d.post_counts)[used], d.is_treated[used].astype(float)
    ones = np.ones((len(n), 1))
    family = sm.families.Binomial()
    fit = sm.GLM(np.column_stack([post, n - post]), ones, family=family, offset=null * inside).fit(tol=1e-14)
    p = fit.predict(ones, offset=null * inside)
    x = np.column_stack([ones[:, 0], inside])
    information = np.linalg.inv(x.T @ (x * (n * p * (1 - p))[:, None]))

    def statistic(v):
        scores = x * (v * (post - n * p))[:, None]
        step = information @ scores.sum(axis=0)
        left = scores - x * ((n * p * (1 - p)) * (x @ step))[:, None]
        return step[1] / np.sqrt(((left @ information[1]) ** 2).sum())

    own = abs(statistic(np.ones(len(n))))
    drawn = [abs(statistic(np.array(v))) for v in product((-1, 1), repeat=len(n))]
    return float(np.mean(np.array(drawn) >= own * (1 - 1e-9)))


@pytest.mark.parametrize("null", [0.0, 0.5, -0.8])
def test_enumerated_p_value_equals_steps_from_a_fitted_logit(null):
    d = make(units=10, treated=(0, 1, 2))
    collapsed = PoissonDiD().collapsed(d, d.own_set)
    sums = draw_sums(collapsed, d.is_treated, d.comparison, np.arange(10), Rademacher(), 1024, 0)
    assert sums.multipliers.exact
    assert sums.p_value(collapsed, null) == step_by_step(d, null)
    if null == 0:
        found = ScoreBootstrap().infer(d, PoissonDiD(), PoissonDiD().estimate(d), 0)
        assert found.p_value == sums.p_value(collapsed, 0)
        assert found.facts == {"draws": 1024, "exact": True, "clusters": 10}


@pytest.mark.parametrize("effect", [0.0, 1.3, -4.0, 60.0, -60.0])
def test_restricted_means_solve_the_score_equation(effect):
    treated, rest = Logit().restricted(*(np.asarray(float(v)) for v in (300, 80, 900)), np.asarray(effect))
    assert 80 * treated + 900 * rest == pytest.approx(300, rel=1e-9)
    if abs(effect) < 10:
        assert Logit().effect(treated, rest) == pytest.approx(effect, abs=1e-9)


def test_std_error_is_that_of_the_estimate_and_the_test_at_it_is_one():
    d = make(treated=tuple(range(8)))
    estimate = PoissonDiD().estimate(d)
    found = ScoreBootstrap(draws=499).infer(d, PoissonDiD(), estimate, 0)
    assert found.std_error == pytest.approx(estimate.std_error, rel=1e-9)
    assert found.conf_low < estimate.effect < found.conf_high
    assert found.reliable
    collapsed = PoissonDiD().collapsed(d, d.own_set)
    sums = draw_sums(collapsed, d.is_treated, d.comparison, np.arange(36), Rademacher(), 499, 0)
    assert sums.p_value(collapsed, estimate.effect) == 1.0
    for end, step in ((found.conf_low, -1e-6), (found.conf_high, 1e-6)):
        assert sums.p_value(collapsed, end) > 0.05 >= sums.p_value(collapsed, end + step)


@pytest.mark.parametrize("weights", [Rademacher(), Webb()])
def test_many_sets_equal_one_by_one(weights):
    units = 12 if weights == Rademacher() else 6
    d = make(units=units, treated=(0, 1), buffer_rings=0)
    method = ScoreBootstrap(draws=60_000, calibration_draws=60_000, weights=weights)
    members = draw_connected(d.areas, d.comparison, 2, 4, np.random.default_rng(0))
    placebos = Placebos.of(d, PoissonDiD(), d.sets(members))
    p = method.test_many(placebos, placebos)
    for k, row in enumerate(members):
        one = d.treating(d.units[i] for i in row)
        found = method.infer(one, PoissonDiD(), PoissonDiD().estimate(one), 0)
        assert p[k] == pytest.approx(found.p_value, abs=1e-12)
    assert isinstance(method, Calibratable)


def test_order_of_units_does_not_matter_where_all_combinations_are_taken():
    counts = poisson_counts(11, 20, seed=5)
    order = np.random.default_rng(1).permutation(11)
    moved = [int(np.flatnonzero(order == i)[0]) for i in (2, 3, 4)]
    found = []
    for c, treated in ((counts, [2, 3, 4]), (counts[order], moved)):
        d = design(c, treated=treated, months_before=12)
        found.append(ScoreBootstrap().infer(d, PoissonDiD(), PoissonDiD().estimate(d), 0))
    assert found[1].p_value == found[0].p_value
    assert (found[1].conf_low, found[1].conf_high) == pytest.approx(
        (found[0].conf_low, found[0].conf_high), nan_ok=True
    )


def test_size_with_overdispersed_independent_units():
    """Twelve treated of forty, gamma-mixed Poisson totals: about 5 % of true nulls are rejected."""
    rng = np.random.default_rng(3)
    sets = PlaceboSets(members=np.arange(12)[None, :], ring=np.full((1, 1), 40))
    comparison = np.arange(40) >= 12
    p = []
    for k in range(800):
        level = rng.gamma(5, 12, 40)
        pre, post = (rng.poisson(level * rng.gamma(20, 1 / 20, 40)).astype(float) for _ in range(2))
        collapsed = Collapsed(value=post, mass=pre + post, link=Logit(), factor=np.ones(1))
        p.append(p_values_many(collapsed, comparison, sets, None, Rademacher(), 199, k)[0])
    assert 0.03 < np.mean(np.array(p) <= 0.05) < 0.075


def test_sets_without_incidents_have_no_p_value():
    counts = poisson_counts(36, 20, seed=2)
    counts[:] = 0
    d = design(counts, treated=[7, 8], months_before=12, shape=(6, 6))
    collapsed = PoissonDiD().collapsed(d, d.own_set)
    assert np.isnan(p_values_many(collapsed, d.comparison, d.own_set, None, Rademacher(), 99, 0)).all()


def test_what_is_refused():
    d = make(exposure=np.random.default_rng(1).uniform(50, 150, (36, 20)))
    estimate = PoissonDiD().estimate(d)
    with pytest.raises(UsageError, match="WildClusterBootstrap of a linear model"):
        ScoreBootstrap().infer(d, LinearDiD(), estimate, 0)
    with pytest.raises(EstimationError, match="does not collapse to totals"):
        ScoreBootstrap().infer(d, PoissonDiD(exposure=True), estimate, 0)
    with pytest.raises(UsageError, match="at least 19"):
        ScoreBootstrap(draws=5)
    with pytest.raises(UsageError, match="'unit' or 'district'"):
        ScoreBootstrap(by="borough")
    assert ScoreBootstrap(by="district").name == "score bootstrap by district"

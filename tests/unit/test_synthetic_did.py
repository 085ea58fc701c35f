"""Synthetic difference in differences: definition, published solver, placebos, jackknife, and the estimator."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design
from synthetic_worlds import factor_counts, factor_design

from cseval.areas import PlaceboSets
from cseval.errors import EstimationError, SpecError
from cseval.estimators import synthetic_did_kernels as kernels
from cseval.estimators.synthetic_did import SyntheticDiD
from cseval.estimators.synthetic_did_kernels import (
    exact_solver,
    jackknife_error,
    noise_level,
    placebo_effects,
    placebo_error,
    published_solver,
    synthetic_did,
)


def block(units=20, treated=1, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(units, 15)) + rng.normal(size=(units, 2)) @ np.cumsum(rng.normal(size=(2, 15)), axis=1)
    return y, np.arange(units) >= units - treated, np.arange(15) >= 10


def by_definition(y, treated, post, zeta, noise):
    """Weights by the exact solver and the double difference they give, term by term."""
    donors, goal = y[~treated], y[treated].mean(axis=0)
    before = donors[:, ~post].T
    units = exact_solver(before - before.mean(axis=0), goal[~post] - goal[~post].mean(), len(before) * zeta**2)
    after, across = donors[:, post].mean(axis=1), (before - before.mean(axis=1, keepdims=True)).T
    times = exact_solver(across, after - after.mean(), len(donors) * (1e-6 * noise) ** 2)
    gap = goal - units @ donors
    return gap[post].mean() - times @ gap[~post]


@pytest.mark.parametrize("treated", [1, 3])
def test_the_effect_by_definition(treated):
    y, is_treated, post = block(treated=treated)
    fit = synthetic_did(y, is_treated, post)
    noise = np.diff(y[~is_treated][:, ~post], axis=1).std(ddof=1)
    assert fit.noise == pytest.approx(noise)
    assert fit.zeta == pytest.approx((treated * 5) ** 0.25 * noise)
    assert fit.effect == pytest.approx(by_definition(y, is_treated, post, fit.zeta, noise), abs=1e-9)
    assert fit.unit_weights.sum() == pytest.approx(1)
    assert fit.time_weights.sum() == pytest.approx(1)


def test_a_parallel_treated_unit_has_exactly_its_effect():
    y, treated, post = block()
    y[-1] = y[:4].mean(axis=0) + 100
    y[-1, post] += 7
    assert synthetic_did(y, treated, post).effect == pytest.approx(7, abs=1.0)
    y[:-1] = y[0]
    y[-1] = y[0] + 3 + 7 * post
    assert synthetic_did(y, treated, post).effect == pytest.approx(7, abs=1e-9)


def test_unit_and_period_effects_cancel():
    y, treated, post = block(seed=3)
    base = synthetic_did(y, treated, post).effect
    rng = np.random.default_rng(1)
    shifted = y + rng.normal(size=(len(y), 1)) * 50
    assert synthetic_did(shifted, treated, post).effect == pytest.approx(base, abs=1e-6)
    assert synthetic_did(3 * y, treated, post).effect == pytest.approx(3 * base, rel=1e-7)


def test_the_published_solver_stops_above_the_minimum_and_near_it():
    y, treated, post = block(seed=5)
    fit = synthetic_did(y, treated, post)
    other = synthetic_did(y, treated, post, published_solver(fit.noise))
    assert other.effect == pytest.approx(fit.effect, abs=0.05)
    before = y[~treated][:, ~post].T
    away, goal = before - before.mean(axis=0), y[treated][0, ~post] - y[treated][0, ~post].mean()

    def loss(w):
        return ((goal - away @ w) ** 2).sum() + len(before) * fit.zeta**2 * w @ w

    assert loss(fit.unit_weights) <= loss(other.unit_weights) + 1e-9


def test_placebos_of_one_treated_unit_are_every_donor_once():
    y, treated, post = block()
    effects = placebo_effects(y, treated, post, draws=5, seed=0)
    fit = synthetic_did(y, treated, post)
    assert len(effects) == 19
    for donor in (0, 7, 18):
        rest = np.delete(y[:-1], donor, axis=0)
        one = by_definition(np.vstack([rest, y[donor]]), np.arange(19) == 18, post, fit.zeta, fit.noise)
        assert effects[donor] == pytest.approx(one, abs=1e-5)
    assert placebo_error(y, treated, post) == pytest.approx(effects.std())


def test_placebos_of_several_treated_units_are_drawn_by_seed():
    y, treated, post = block(treated=3)
    first, again = (placebo_effects(y, treated, post, 30, seed=4) for _ in range(2))
    assert (first == again).all()
    assert len(first) == 30
    assert placebo_error(y, treated, post, 30, seed=5) != placebo_error(y, treated, post, 30, seed=4)


def test_chunks_of_time_weights_change_nothing(monkeypatch):
    y, treated, post = block(treated=2)
    whole = placebo_effects(y, treated, post, 9, seed=1)
    monkeypatch.setattr(kernels, "CHUNK", 2)
    assert placebo_effects(y, treated, post, 9, seed=1) == pytest.approx(whole, abs=1e-9)


def test_the_jackknife_leaves_out_each_unit_with_the_weights_kept():
    y, treated, post = block(treated=4)
    fit = synthetic_did(y, treated, post)
    effects = []
    for unit in range(len(y)):
        kept = np.arange(len(y)) != unit
        w = np.zeros(len(y))
        w[~treated] = fit.unit_weights
        w = w * kept / (w * kept).sum()
        gap = y[treated & kept].mean(axis=0) - w @ y
        effects.append(gap[post].mean() - fit.time_weights @ gap[~post])
    n = len(y)
    expected = np.sqrt((n - 1) / n * ((effects - np.mean(effects)) ** 2).sum())
    assert jackknife_error(fit, y, treated, post) == pytest.approx(expected)


def test_blocks_that_are_too_small_are_refused():
    y, treated, post = block()
    fit = synthetic_did(y, treated, post)
    with pytest.raises(EstimationError, match=r"1 treated units and .* expected at least two of each"):
        jackknife_error(fit, y, treated, post)
    with pytest.raises(EstimationError, match="1 periods before the start"):
        synthetic_did(y[:, 9:], treated, post[9:])
    with pytest.raises(EstimationError, match="2 comparison units and 1 treated"):
        placebo_error(y[-3:], treated[-3:], post)


def test_noise_level_counts_the_allowed_donors_alone():
    y, _, _ = block()
    allowed = np.ones((2, len(y)), dtype=bool)
    allowed[1, 5:] = False
    found = noise_level(y.T, allowed)
    assert found == pytest.approx([np.diff(x, axis=1).std(ddof=1) for x in (y, y[:5])])


def test_donors_without_noise_fall_back_on_the_simplex():
    y = np.outer(np.ones(6), np.zeros(12)) + np.arange(6.0)[:, None]
    effects = placebo_effects(y, np.arange(6) == 5, np.arange(12) >= 8, 10, 0)
    assert effects == pytest.approx(np.zeros(5), abs=1e-9)


# The estimator ------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["index", "counts"])
def test_the_estimate_is_tau_of_the_measure_turned_into_a_ratio(measure):
    d = factor_design(-0.3)
    e = SyntheticDiD(measure=measure).estimate(d)
    values = d.counts.astype(float)
    if measure == "index":
        values = values / values[:, ~d.post].mean(axis=1, keepdims=True)
    unit = 1.0 if measure == "counts" else d.counts[d.is_treated][0, ~d.post].mean()
    order = np.argsort(d.is_treated, kind="stable")
    tau = synthetic_did(values[order], d.is_treated[order], d.post).effect
    observed = d.counts[d.is_treated][0, d.post].sum()
    assert e.counterfactual == pytest.approx(observed - tau * unit * d.post.sum(), rel=1e-6)
    assert e.effect == pytest.approx(np.log(observed / e.counterfactual))


def test_tables_hold_weights_of_donors_and_months():
    d = factor_design(-0.3)
    e = SyntheticDiD(months_per_point=3).estimate(d)
    donors, months = e.tables["donor_weights"], e.tables["time_weights"]
    assert donors["weight"].sum() == pytest.approx(1)
    assert months["weight"].sum() == pytest.approx(1)
    assert set(months["period"]) <= set(d.periods)
    assert (months["period"] < d.start).all()
    assert e.facts["zeta"] > 0


def test_the_standard_error_is_the_spread_over_donors():
    d = factor_design(-0.3)
    e = SyntheticDiD().estimate(d)
    donors = np.flatnonzero(d.comparison)
    sets = PlaceboSets(members=donors[:, None], ring=np.full((len(donors), 1), len(d.units)))
    effects = SyntheticDiD().estimate_many(d, sets).effect
    assert e.std_error == pytest.approx(effects.std())
    assert e.conf_high - e.effect == pytest.approx(1.959964 * e.std_error, rel=1e-6)
    assert e.inference == "placebo variance (normal)"
    assert e.facts["placebo_std_error"] == e.std_error
    row = e.coefficients.iloc[0]
    assert (row["estimate"], row["std_error"], row["p_value"]) == pytest.approx((e.effect, e.std_error, e.p_value))
    assert any(f"algorithm 4), is {e.std_error:.4f} on the log scale" in n for n in e.notes)


def test_the_jackknife_of_the_estimator_by_hand():
    d = factor_design(-0.3, treated=(13, 14, 20))
    options = SyntheticDiD(variance="jackknife", measure="counts")
    e = options.estimate(d)
    weight = dict(e.tables["donor_weights"][["unit", "weight"]].to_numpy().tolist())
    month = dict(e.tables["time_weights"].to_numpy().tolist())
    w = np.array([weight.get(u, 0.0) for u in d.units])
    lam = np.array([month.get(p, 0.0) for p in d.periods])

    def effect(treated, w):
        y, synthetic = d.counts[treated].mean(axis=0), w @ d.counts
        cf = synthetic + lam @ (y - synthetic)
        return np.log(y[d.post].sum() / cf[d.post].sum())

    own = np.flatnonzero(d.is_treated)
    without = [effect(np.delete(own, k), w) for k in range(3)]
    for donor in np.flatnonzero(d.comparison):
        left = np.where(np.arange(len(w)) == donor, 0, w)
        without.append(effect(own, left / left.sum()))
    n = len(without)
    assert e.std_error == pytest.approx(np.sqrt((n - 1) * np.var(without)), rel=1e-9)
    assert e.facts["jackknife_std_error"] == e.std_error


def test_an_error_that_is_not_estimable_leaves_the_estimate():
    e = SyntheticDiD(variance="jackknife").estimate(factor_design(-0.3))
    assert np.isnan(e.std_error)
    assert any("No standard error: jackknife" in n for n in e.notes)
    few = design(factor_counts(units=3, treated=(0,))[:, 60:110], treated=[0], months_before=26)
    assert any("No standard error: placebo variance" in n for n in SyntheticDiD().estimate(few).notes)


def test_unknown_options_and_a_single_donor_are_refused():
    with pytest.raises(SpecError, match="variance='bootstrap'; expected one of placebo, jackknife"):
        SyntheticDiD(variance="bootstrap")
    with pytest.raises(SpecError, match="placebo_draws=1"):
        SyntheticDiD(placebo_draws=1)
    with pytest.raises(SpecError, match="measure='log'"):
        SyntheticDiD(measure="log")
    one = design(factor_counts(units=2, treated=(0,))[:, 60:110], treated=[0], months_before=26)
    with pytest.raises(EstimationError, match="1 comparison unit"):
        SyntheticDiD().estimate(one)
    sets = PlaceboSets(members=np.array([[1]]), ring=np.array([[2]]))
    assert np.isnan(SyntheticDiD().estimate_many(one, sets).effect).all()

"""Ridge augmentation and its cross-validation against the formula and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design
from synthetic_worlds import TREATED, factor_design

from cseval.errors import EstimationError
from cseval.estimators import synthetic_ridge as module
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_kernels import synthetic_control_weights
from cseval.estimators.synthetic_series import series_of


def augmented(donors, goal, penalty):
    """Ben-Michael, Feller and Rothstein's weights, term by term; donors (rows, donors)."""
    w = synthetic_control_weights(donors, goal)
    x = (donors - donors.mean(axis=1, keepdims=True)).T
    return w + x @ np.linalg.solve(x.T @ x + penalty * np.eye(len(goal)), goal - donors @ w)


def values_of(d, measure="counts"):
    y = d.counts.astype(float)
    return y if measure == "counts" else y / y[:, ~d.post].mean(axis=1, keepdims=True)


@pytest.mark.parametrize("measure", ["counts", "index"])
@pytest.mark.parametrize("penalty", [0.01, 10.0])
def test_weights_by_the_formula(measure, penalty):
    d = factor_design(-0.3)
    y = values_of(d, measure)
    w = augmented(np.delete(y, TREATED, axis=0)[:, :36].T, y[TREATED, :36], penalty)
    e = AugmentedSC(measure=measure, penalty=penalty).estimate(d)
    synthetic = w @ np.delete(y, TREATED, axis=0)
    unit = d.counts[TREATED, :36].mean() if measure == "index" else 1.0
    assert e.path["counterfactual"].to_numpy() == pytest.approx(synthetic * unit, rel=1e-5)
    assert e.tables["donor_weights"]["weight"].sum() == pytest.approx(1)
    assert e.facts["penalty"] == penalty


@pytest.mark.parametrize("one_standard_error", [True, False])
def test_the_penalty_by_leaving_out_one_point_at_a_time(one_standard_error):
    d = factor_design(-0.3)
    y = d.counts.astype(float)
    donors, goal = np.delete(y, TREATED, axis=0)[:, :36].T, y[TREATED, :36]
    x = donors - donors.mean(axis=1, keepdims=True)
    penalties = np.linalg.norm(x, 2) ** 2 * np.geomspace(1, 1e-8, 21)
    errors = np.empty((36, 21))
    for t in range(36):
        kept = np.arange(36) != t
        for j, p in enumerate(penalties):
            errors[t, j] = (goal[t] - donors[t] @ augmented(donors[kept], goal[kept], p)) ** 2
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1) / 6
    best = mean.argmin()
    near = mean <= mean[best] + spread[best] if one_standard_error else np.arange(21) == best
    e = AugmentedSC(measure="counts", one_standard_error=one_standard_error).estimate(d)
    assert e.facts["penalty"] == pytest.approx(penalties[near].max(), rel=1e-6)


def drawn_out():
    """A treated area that falls six times as fast as one donor does, which then halves; the others stay."""
    months = np.arange(54)
    counts = np.full((6, 54), 100)
    counts[2:] += np.random.default_rng(1).integers(-1, 2, (4, 54))
    counts[1] = np.where(months < 36, 100 - months // 4, 45)
    counts[0] = np.where(months < 36, 110 - 6 * (months // 4), 40)
    return design(counts, treated=[0], months_before=36)


def test_a_counterfactual_drawn_out_below_zero_names_the_extrapolation():
    d = drawn_out()
    with pytest.raises(EstimationError, match=r"adds up to -\d+\.\d incidents: weights below zero extrapolate beyond"):
        AugmentedSC(measure="counts", penalty=0.01).estimate(d)
    with pytest.raises(EstimationError, match=r"adds up to -\d+\.\d incidents: the level added extrapolates beyond"):
        SyntheticControl(measure="counts", intercept=True).estimate(lowered())
    assert np.isnan(AugmentedSC(measure="counts", penalty=0.01).estimate_many(d, d.own_set).effect[0])
    assert SyntheticControl(measure="counts").estimate(d).counterfactual > 0


def lowered():
    """A treated area far below donors that all fall to next to nothing."""
    counts = np.full((6, 54), 100) + np.random.default_rng(1).integers(-3, 4, (6, 54))
    counts[0, :] = counts[0, :] - 90
    counts[1:, 36:] = 20
    return design(counts, treated=[0], months_before=36)


def test_the_poor_fit_is_told_of_the_plain_synthetic_control():
    """The regression makes the misfit up, and so hides that no average of donors follows the area."""
    months = np.arange(54)
    counts = 200 + np.random.default_rng(2).integers(-4, 5, (30, 54)) + np.outer(np.linspace(-1, 1, 30), months)
    counts[0] = 60 + 8 * months
    d = design(counts.round().astype(np.int64), treated=[0], months_before=36)
    plain, augmented = SyntheticControl().estimate(d), AugmentedSC(penalty=0.01).estimate(d)
    assert augmented.facts["pre_rmspe_share"] < 0.05 < augmented.facts["plain_rmspe_share"]
    assert augmented.facts["plain_rmspe_share"] == pytest.approx(plain.facts["pre_rmspe_share"], rel=1e-6)
    assert [n for n in plain.notes if "miss the treated" in n] == [
        n for n in augmented.notes if "miss the treated" in n
    ]
    assert any("miss the treated" in n for n in augmented.notes)
    assert any("fitted worse than every one of the 29 comparison units" in n for n in augmented.notes)


@pytest.mark.parametrize("points", [1, 3, 7])
def test_an_index_is_made_anew_without_the_point_left_out(points):
    """Else the points of an index would add up to their number, and the one left out would follow from the others."""
    d = factor_design(before=35)
    series = series_of(d, d.own_set, "index", points)
    rows = len(series.points)
    block = (34 - np.arange(35)) // points
    months = block[::-1] if points == 1 else (block.max() - block)
    for row in (0, 1, rows - 1):
        kept = np.flatnonzero(months != row)
        index = d.counts / d.counts[:, kept].mean(axis=1, keepdims=True)
        mean = np.array([index[:, np.flatnonzero(months == r)].mean(axis=1) for r in range(rows)])
        found, goals = series.without(row)
        assert found == pytest.approx(np.delete(mean, TREATED, axis=1))
        assert goals[0] == pytest.approx(mean[:, TREATED])


def test_counts_are_left_as_they_are():
    d = factor_design()
    series = series_of(d, d.own_set, "counts", 1)
    points, goals = series.without(3)
    assert points is series.points
    assert goals is series.goals


def test_where_the_fit_is_exact_nothing_is_augmented():
    d = factor_design()
    y = d.counts.copy()
    y[TREATED] = y[[1, 2, 3]].sum(axis=0)
    from builders import design

    inside = design(y, treated=[TREATED], months_before=36)
    plain, more = SyntheticControl().estimate(inside), AugmentedSC().estimate(inside)
    assert more.effect == pytest.approx(plain.effect, abs=1e-6)


def test_many_left_out_points_are_spread_evenly_and_blocks_change_nothing(monkeypatch):
    d = factor_design()
    sets = d.sets(np.array([[1], [5], [9]]))
    whole = AugmentedSC().estimate_many(d, sets).effect
    monkeypatch.setattr(module, "BLOCK", 1)
    assert AugmentedSC().estimate_many(d, sets).effect == pytest.approx(whole, abs=1e-10)
    monkeypatch.setattr(module, "MOST_LEFT_OUT", 12)
    assert AugmentedSC().estimate_many(d, sets).effect == pytest.approx(whole, abs=0.1)


def test_a_large_penalty_is_the_plain_synthetic_control():
    d = factor_design(-0.3)
    plain = SyntheticControl().estimate(d).effect
    assert AugmentedSC(penalty=1e9).estimate(d).effect == pytest.approx(plain, abs=1e-6)


def test_more_points_than_donors_and_fewer_give_the_same_errors(monkeypatch):
    """The regression is solved in the smaller of the two dimensions."""
    d = factor_design(before=60)
    series = series_of(d, d.own_set, "counts", 1)
    plain = np.nan_to_num(synthetic_control_weights(series.points, series.goals[0]))[None, :]
    penalties = np.array([[1.0, 1e3]])
    few = module._error_left_out(series, plain, 5, penalties)
    donors, goal = series.points, series.goals[0]
    kept = np.arange(60) != 5
    for j in (0, 1):
        w = augmented(donors[kept], goal[kept], penalties[0, j])
        assert few[0, j] == pytest.approx(goal[5] - donors[5] @ w, abs=1e-5)

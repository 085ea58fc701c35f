"""Changes of counts: their variance from earlier years, their draws, the funnel, and regression to the mean."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from cseval.errors import EstimationError
from cseval.inference.ranks import Errors, simultaneous_rank_sets
from cseval.inference.ranks import ranks as ranked
from cseval.inference.ranks_changes import (
    ChangeVariance,
    bootstrap_changes,
    change_interval,
    change_variance,
    draw_counts,
    funnel_limits,
    log_change,
    monthly_dispersion,
    percent_change,
)
from cseval.inference.ranks_regression import deviations, expect, fit_regression


def years(rng, units=60, count=12, dispersion=1.0, drift=0.0, low=60, high=2000):
    """Counts of successive years whose underlying level walks by `drift` and that are overdispersed."""
    level = np.exp(rng.uniform(np.log(low), np.log(high), (units, 1)))
    walk = np.cumsum(rng.normal(0, np.sqrt(drift), (units, count)), axis=1)
    common = rng.normal(0, 0.1, count)
    return draw_counts(level * np.exp(walk + common), dispersion, rng)


def test_counts_have_the_mean_and_variance_asked_for():
    rng = np.random.default_rng(0)
    for dispersion in (1.0, 3.5):
        drawn = draw_counts(np.full(200_000, 40.0), dispersion, rng)
        assert drawn.mean() == pytest.approx(40, rel=0.01)
        assert drawn.var() == pytest.approx(40 * dispersion, rel=0.02)


@pytest.mark.parametrize(("dispersion", "drift"), [(1.0, 0.0), (3.0, 0.0), (1.0, 0.02), (2.5, 0.01)])
def test_variance_of_changes_is_recovered(dispersion, drift):
    rng = np.random.default_rng(3)
    found = [change_variance(years(rng, dispersion=dispersion, drift=drift)) for _ in range(40)]
    spread = [v.of_log(np.array([500.0]), np.array([500.0]))[0] for v in found]
    assert np.mean(spread) == pytest.approx(drift + dispersion * 2 / 500.5, rel=0.1)
    assert np.mean([v.drift for v in found]) == pytest.approx(drift, abs=0.003)


def test_variance_by_hand_where_all_units_are_of_one_size():
    """With equal counts the two parts cannot be told apart, and their sum is the mean square over its df."""
    history = np.array([[100, 130], [100, 90], [100, 80], [100, 120], [100, 101], [100, 99]] * 3, dtype=float)
    found = change_variance(history)
    change = log_change(history[:, 0], history[:, 1])
    weight = 1 / (1 / 100.5 + 1 / (history[:, 1] + 0.5))
    squares = weight * (change - (weight * change).sum() / weight.sum()) ** 2
    fitted = found.dispersion + found.drift * weight
    assert (squares / fitted).sum() / 17 == pytest.approx(1, rel=0.02)
    assert found.df == 17


def test_counts_smoother_than_poisson_are_taken_as_poisson():
    found = change_variance(np.full((10, 5), 50.0))
    assert (found.dispersion, found.drift) == (1.0, 0.0)


def test_a_year_that_was_not_received_costs_its_changes_only():
    history = years(np.random.default_rng(1), units=20, count=5)
    gap = history.copy()
    gap[3, 1] = np.nan
    assert change_variance(history).df == 20 * 4 - 4
    assert change_variance(gap).df == 20 * 4 - 4 - 2


def test_too_short_a_history_is_refused():
    with pytest.raises(EstimationError, match="4 independent changes"):
        change_variance(np.full((5, 2), 50.0))
    with pytest.raises(EstimationError, match="too few units or months"):
        monthly_dispersion(np.full((2, 5), 50.0))


def test_months_stand_in_with_their_overdispersion():
    rng = np.random.default_rng(2)
    months = draw_counts(np.outer(rng.uniform(5, 50, 40), rng.uniform(0.8, 1.2, 24)), 2.0, rng)
    found = monthly_dispersion(months)
    assert found.dispersion == pytest.approx(2.0, rel=0.15)
    assert found.drift == 0


def test_a_change_from_nothing_has_no_percentage_and_one_to_nothing_is_a_fall_by_all():
    before, after = np.array([0.0, 4.0, 8.0]), np.array([5.0, 0.0, 6.0])
    assert percent_change(before, after).tolist()[1:] == [-100.0, -25.0]
    assert np.isnan(percent_change(before, after)[0])
    low, high = change_interval(before, after, ChangeVariance(dispersion=1, drift=0, df=50))
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] == -100
    assert low[2] < -25 < high[2]


def test_interval_by_hand():
    variance = ChangeVariance(dispersion=2, drift=0.01, df=1e9)
    low, high = change_interval(np.array([99.5]), np.array([79.5]), variance)
    half = 1.959964 * np.sqrt(0.01 + 2 * (1 / 100 + 1 / 80))
    assert low[0] == pytest.approx(100 * (0.8 * np.exp(-half) - 1), rel=1e-5)
    assert high[0] == pytest.approx(100 * (0.8 * np.exp(half) - 1), rel=1e-5)


def test_funnel_narrows_with_size_and_holds_what_it_says():
    rng = np.random.default_rng(6)
    variance = ChangeVariance(dispersion=2.0, drift=0.004, df=100)
    size = np.repeat([80.0, 300.0, 1500.0], 4000)
    walk = rng.normal(0, np.sqrt(variance.drift), len(size))
    before, after = draw_counts(size, 2.0, rng), draw_counts(size * 0.9 * np.exp(walk), 2.0, rng)
    for level in (0.95, 0.998):
        low, high = funnel_limits(before, np.log(0.9), variance, level)
        change = percent_change(before, after)
        assert ((low <= change) & (change <= high)).mean() == pytest.approx(level, abs=0.012)
    low, high = funnel_limits(np.array([100.0, 400.0]), 0.0, variance, 0.95)
    assert high[0] - low[0] > high[1] - low[1]


def test_bootstrap_errors_are_as_large_as_the_standard_errors_and_as_in_new_samples():
    rng = np.random.default_rng(7)
    variance = ChangeVariance(dispersion=2.0, drift=0.01, df=100)
    before, after = np.array([60.0, 400.0, 2000.0]), np.array([50.0, 500.0, 1700.0])
    relative, number = bootstrap_changes(before, after, variance, 20_000, 1)
    assert relative.error.std(axis=0) == pytest.approx(np.sqrt(variance.of_log(before, after)), rel=0.05)
    assert number.error.std(axis=0) == pytest.approx(np.sqrt(variance.of_difference(before, after)), rel=0.08)
    assert np.abs(number.error.mean(axis=0)).max() < 4 * (number.error.std(axis=0) / np.sqrt(20_000)).max()
    again = bootstrap_changes(before, after, variance, 20_000, 1)[0]
    assert (again.error == relative.error).all()
    assert rng is not None


@pytest.mark.parametrize("level", [3.0, 40.0, 900.0])
def test_sets_of_ranks_of_counts_hold_the_true_ranks(level):
    """The whole path with known variance: counts, bootstrap, sets; small counts too."""
    rng = np.random.default_rng(int(level))
    variance = ChangeVariance(dispersion=1.5, drift=0.0, df=100)
    truth = np.linspace(-0.5, 0.3, 12)
    size = level * rng.uniform(0.5, 2, 12)
    held = 0
    for seed in range(150):
        before, after = draw_counts(size, 1.5, rng), draw_counts(size * np.exp(truth), 1.5, rng)
        errors, _ = bootstrap_changes(before, after, variance, 399, seed)
        spread = np.sqrt(variance.of_log(before, after))
        sets = simultaneous_rank_sets(log_change(before, after), spread, errors)
        held += bool(((sets.low <= ranked(truth)) & (ranked(truth) <= sets.high)).all())
    assert held / 150 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 150)


# Regression to the mean -------------------------------------------------------------------------------


def test_deviations_are_from_the_mean_of_the_years_before():
    history = np.array([[9.5, 19.5, 39.5, 19.5], [90.5, 80.5, 60.5, 80.5]])
    found = deviations(history, 2)
    share = np.log((history + 0.5) / (history.sum(axis=0) + 0.5))
    assert np.isnan(found[:, :2]).all()
    assert found[0, 2] == pytest.approx(share[0, 2] - (share[0, 0] + share[0, 1]) / 2)


def test_slope_and_error_equal_weighted_least_squares_with_year_dummies():
    history = years(np.random.default_rng(4), units=25, count=8, dispersion=2)
    mine = fit_regression(history, 3)
    x = deviations(history, 3)[:, 3:-1]
    before, after = history[:, 3:-1], history[:, 4:]
    weight = 1 / (1 / (before + 0.5) + 1 / (after + 0.5))
    dummies = np.kron(np.ones((25, 1)), np.eye(x.shape[1]))
    model = sm.WLS(log_change(before, after).ravel(), np.column_stack([x.ravel(), dummies]), weights=weight.ravel())
    groups = np.repeat(np.arange(25), x.shape[1])
    peer = model.fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
    assert mine.slope == pytest.approx(peer.params[0], rel=1e-9)
    assert mine.std_error == pytest.approx(peer.bse[0] * np.sqrt(25 / 24), rel=1e-9)
    assert (mine.units, mine.changes) == (25, 100)


def test_pure_noise_falls_back_whole_and_a_random_walk_does_not():
    rng = np.random.default_rng(5)
    noise = [fit_regression(years(rng, low=300, high=400), 6).slope for _ in range(30)]
    walk = [fit_regression(years(rng, drift=0.05, low=1e5, high=2e5), 1).slope for _ in range(30)]
    # own level from 6 years: the deviation is the noise of a year less that of a mean, so 6/7 of it is lost
    assert np.mean(noise) == pytest.approx(-6 / 7, abs=0.04)
    assert np.mean(walk) == pytest.approx(0, abs=0.04)


def test_a_unit_at_its_peak_is_expected_to_fall_and_to_rank_early():
    rng = np.random.default_rng(6)
    history = years(rng, units=30, count=10, low=200, high=300)
    history[4, -1] *= 1.6
    fit = fit_regression(history, 4)
    found = expect(fit, history, 4, common=0.0, draws=4000, seed=0)
    assert found.log_change[4] < -0.2
    assert found.rank[4] == found.rank.min()
    assert found.first[4] > 0.5
    assert found.first.sum() == pytest.approx(1, abs=0.01)
    assert found.first_number.sum() == pytest.approx(1)
    assert found.rank.mean() == pytest.approx(15.5, abs=0.1)


def test_expected_probability_is_the_share_of_times_it_comes_true():
    """Over many simulated histories the stated probabilities of the largest fall add up to what happens."""
    rng = np.random.default_rng(9)
    stated, came = [], []
    for seed in range(150):
        whole = years(rng, units=12, count=10, dispersion=2, low=100, high=600)
        history, nxt = whole[:, :-1], whole[:, -1]
        fit = fit_regression(history, 4)
        common = float(log_change(history[:, -1].sum(), nxt.sum()))
        found = expect(fit, history, 4, common, 400, seed)
        most = int(history[:, -1].argmax())
        stated.append(found.first_number[most])
        came.append((nxt - history[:, -1]).argmin() == most)
    assert np.mean(came) == pytest.approx(np.mean(stated), abs=0.12)


def test_a_history_that_is_too_short_is_refused():
    with pytest.raises(EstimationError, match="4 years before"):
        fit_regression(np.full((20, 4), 30.0), 3)
    with pytest.raises(EstimationError, match="too few earlier years"):
        fit_regression(np.full((20, 8), 30.0), 3)


def test_normal_errors_are_what_they_say():
    errors = Errors.normal(np.array([1.0, 3.0]), 50_000, 0)
    assert errors.error.std(axis=0) == pytest.approx([1, 3], rel=0.02)

"""Sensitivity to violated parallel trends: its parts against linear programmes and brute force, then the whole."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from cseval.errors import EstimationError, UsageError
from cseval.inference.honest import (
    EventCoefficients,
    relative_magnitude_breakdown,
    relative_magnitude_interval,
    smoothness_breakdown,
    smoothness_interval,
)
from cseval.inference.honest_conditional import MomentTest
from cseval.inference.honest_flci import AffineProblem, folded_normal_quantile, frontier, shortest_interval
from cseval.inference.honest_restrictions import differences, relative_magnitudes


def random_study(seed, before=3, after=3, weights=None):
    rng = np.random.default_rng(seed)
    size = before + after
    root = rng.normal(size=(size, size + 2)) + 1.0
    return EventCoefficients(
        pre=rng.normal(size=before),
        post=rng.normal(size=after),
        covariance=root @ root.T / size,
        weights=rng.normal(size=after) if weights is None else weights,
    )


def event_study(post=(-0.22, -0.30, -0.26), pre=(-0.06, 0.03, -0.02)):
    """Half-years against the last one before the start, with the covariance that a shared base gives."""
    time = np.arange(6)
    common = 0.0025 * (0.5 * np.eye(6) + 0.5) * np.outer(1 + 0.05 * time, 1 + 0.05 * time)
    return EventCoefficients(
        pre=np.array(pre),
        post=np.array(post),
        covariance=common + 0.0004 * np.exp(-np.abs(np.subtract.outer(time, time))),
        weights=np.full(3, 1 / 3),
    )


# The statistic of relative magnitudes -----------------------------------------------------------


def restriction_rows(study, bound, largest, sign):
    """The inequalities of one part, written out bin by bin; columns are the coefficients."""
    before, after = len(study.pre), len(study.post)
    padded = np.insert(np.eye(before + after), before, 0.0, axis=0)  # rows are bins, the base a row of zeros
    limit = bound * sign * (padded[largest + 1] - padded[largest])
    rows = []
    for t in range(before + 1, before + after + 1):
        change = padded[t] - padded[t - 1]
        rows += [change - limit, -change - limit]
    return np.array(rows)


def smallest_violation(study, rows, effect):
    """The smallest eta of the linear programme, over the effects whose weighted sum is `effect`."""
    before, after = len(study.pre), len(study.post)
    spread = np.sqrt(np.diag(rows @ study.covariance @ rows.T))
    found = optimize.linprog(
        np.append(np.zeros(after), 1.0),
        A_ub=np.column_stack([-rows[:, before:], -spread]),
        b_ub=-rows @ study.estimates,
        A_eq=np.append(study.weights, 0.0)[None, :],
        b_eq=[effect],
        bounds=[(None, None)] * (after + 1),
        method="highs",
    )
    assert found.success
    return found.fun


@pytest.mark.parametrize(("before", "after", "bound"), [(1, 1, 1.0), (2, 3, 0.7), (3, 4, 0.0)])
def test_the_largest_form_is_the_optimum_of_the_linear_programme(before, after, bound):
    for seed in range(2):
        study = random_study(seed, before, after)
        parts = [(largest, sign) for largest in range(before) for sign in (1, -1)]
        for (largest, sign), moments in zip(parts, relative_magnitudes(study, bound), strict=True):
            rows = restriction_rows(study, bound, largest, sign)
            for effect in (-3.0, 0.0, 1.5):
                ours = (moments.forms @ study.estimates + effect * moments.slope).max()
                assert ours == pytest.approx(smallest_violation(study, rows, effect), abs=1e-7)


def test_changes_are_from_bin_to_bin_through_the_base():
    np.testing.assert_array_equal(differences(2, 2), [[-1, 1, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0], [0, 0, -1, 1]])


def moment_tests(study, bound, draws=4000):
    noise = np.random.default_rng(0).multivariate_normal(np.zeros(len(study.estimates)), study.covariance, draws)
    return [MomentTest.of(study, m, noise, 0.05) for m in relative_magnitudes(study, bound)]


def test_the_truncation_is_where_another_form_becomes_the_largest():
    checked = 0
    for seed in range(6):
        test = moment_tests(random_study(seed, 2, 3), 1.0)[seed % 4]
        forms = test.value + np.array([[0.3]]) * test.slope
        statistic, largest = forms.max(axis=1), forms.argmax(axis=1)
        low, high = test._truncation(forms, statistic, largest)
        j = largest[0]
        share = test.covariance[:, j] / test.covariance[j, j]

        def stays(value, j=j, share=share, forms=forms):
            moved = forms[0] + share * (value - forms[0, j])
            return moved.argmax() == j

        for edge, outwards in ((low[0], -1), (high[0], 1)):
            if math.isfinite(edge):
                assert stays(edge - 1e-6 * outwards)
                assert not stays(edge + 1e-6 * outwards)
                checked += 1
            else:
                assert stays(statistic[0] + outwards * 1e4)
    assert checked >= 4


def rejection_rate(study, bound, deviation, effect=0.0, draws=20_000):
    """How often the set leaves the true effect out, when the coefficients are normal around it."""
    truth = deviation + np.append(np.zeros(len(study.pre)), np.full(len(study.post), effect))
    noise = np.random.default_rng(5).multivariate_normal(truth, study.covariance, draws)
    parts = zip(moment_tests(study, bound), relative_magnitudes(study, bound), strict=True)
    kept = [test.keeps(noise @ part.forms.T + effect * part.slope) for test, part in parts]
    return 1 - np.any(kept, axis=0).mean()


def test_the_set_has_its_size_where_trends_are_parallel_and_no_drift_is_allowed():
    study = event_study()
    assert rejection_rate(study, 0.0, np.zeros(6), effect=0.3) == pytest.approx(0.05, abs=0.006)


def test_the_set_covers_the_effect_when_the_drift_is_all_that_is_allowed():
    drift = 0.25  # far above the standard errors, so that one part of the restriction binds
    deviation = drift * np.array([1.0, 0.0, 0.0, 1.0, 2.0, 3.0])  # the largest change before is -drift
    assert rejection_rate(event_study(), 1.0, deviation) == pytest.approx(0.05, abs=0.006)
    assert rejection_rate(event_study(), 1.5, deviation) < 0.05
    assert rejection_rate(event_study(), 0.5, deviation) > 0.5


def test_no_drift_gives_the_usual_interval():
    study = event_study()
    found = relative_magnitude_interval(study, 0.0)
    half = stats.norm.ppf(0.975) * study.std_error
    assert (found.low, found.high) == pytest.approx((study.effect - half, study.effect + half), abs=1e-2 * half)


def test_the_ends_are_where_acceptance_ends():
    study = event_study()
    found = relative_magnitude_interval(study, 1.0, seed=3)
    noise = np.random.default_rng(3).standard_normal((10_000, 6)) @ np.linalg.cholesky(study.covariance).T
    tests = [MomentTest.of(study, m, noise, 0.05) for m in relative_magnitudes(study, 1.0)]
    fine = np.linspace(found.low - 0.2, found.high + 0.2, 20_001)
    kept = fine[np.any([t.accepts(fine) for t in tests], axis=0)]
    assert (kept[0], kept[-1]) == pytest.approx((found.low, found.high), abs=2 * (fine[1] - fine[0]))


# Smoothness -------------------------------------------------------------------------------------


def worst_bias(weights, study):
    """The largest bias of an estimator over deviations that bend by at most 1, by linear programming."""
    before, after = len(study.pre), len(study.post)
    bins = np.insert(np.eye(before + after), before, 0.0, axis=0)
    bend = np.diff(bins, n=2, axis=0)
    found = optimize.linprog(
        -weights, A_ub=np.vstack([bend, -bend]), b_ub=np.ones(2 * len(bend)), bounds=[(None, None)] * (before + after)
    )
    assert found.success
    return -found.fun


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 3), (4, 1), (5, 3)])
def test_the_bias_is_the_worst_over_all_bends(before, after):
    rng = np.random.default_rng(before)
    for seed in range(3):
        study = random_study(seed, before, after)
        problem = AffineProblem.of(study)
        x = rng.normal(size=before - 1)
        stated = problem.bias + np.abs(x).sum()
        assert stated == pytest.approx(worst_bias(problem.start + problem.basis @ x, study), rel=1e-7)


@pytest.mark.parametrize(("before", "bound"), [(2, 0.1), (4, 0.0), (4, 0.3), (6, 0.05), (6, 1.0), (6, 20.0)])
def test_no_other_estimator_has_a_shorter_interval(before, bound):
    """The length is convex in the estimator, so one that beats all its neighbours beats all."""
    rng = np.random.default_rng(before)
    for seed in range(3):
        study = random_study(seed, before, 3)
        problem = AffineProblem.of(study)
        low, high, weights = shortest_interval(study, bound, 0.05)
        own = np.linalg.lstsq(problem.basis, weights - problem.start)[0]
        away = np.concatenate([rng.normal(size=(2000, before - 1)), np.eye(before - 1), -np.eye(before - 1)])
        for step in (1e-4, 1e-2, 1.0):
            assert problem.half_length(own + step * away, bound, 0.05).min() >= (high - low) / 2 * (1 - 1e-9)


@pytest.mark.parametrize("before", [2, 5, 11, 23])
def test_the_path_is_found_whatever_the_covariance(before):
    """Independent, equally correlated and serially correlated coefficients, where variables enter at the same time."""
    size = before + 2
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    for covariance in (np.eye(size), 0.5 * np.eye(size) + 0.5, 0.9**apart, np.eye(size) + 100.0):
        study = EventCoefficients(
            pre=np.zeros(before), post=np.zeros(2), covariance=covariance, weights=np.array([0.5, 0.5])
        )
        problem = AffineProblem.of(study)
        knots = frontier(problem)
        assert_least_variance_on_the_way(problem, knots)
        assert np.isfinite(shortest_interval(study, 0.3, 0.05)[1])


def assert_least_variance_on_the_way(problem, knots):
    """The optimality conditions of the lasso between the knots, and no penalty at the last one."""
    quadratic = problem.basis.T @ problem.covariance @ problem.basis
    linear = problem.basis.T @ problem.covariance @ problem.start
    scale = np.abs(linear).max()
    np.testing.assert_allclose(linear + quadratic @ knots[-1], 0, atol=1e-8 * scale)
    for x in [*knots[1:-1], *(knots[1:] + knots[:-1]) / 2]:
        gradient = linear + quadratic @ x  # minus penalty times sign where x moves, smaller where it rests
        penalty = np.abs(gradient).max()
        moving = np.abs(x) > 1e-7 * np.abs(x).max()
        np.testing.assert_allclose(gradient[moving], -penalty * np.sign(x[moving]), atol=1e-7 * scale)


def test_the_path_has_least_variance_at_each_bias():
    for seed in range(20):
        problem = AffineProblem.of(random_study(seed, 7, 2))
        assert_least_variance_on_the_way(problem, frontier(problem))


def test_a_straight_line_in_the_trend_moves_nothing():
    study = event_study()
    tilted = replace(study, pre=study.pre + 0.4 * np.arange(-3, 0), post=study.post + 0.4 * np.arange(1, 4))
    for bound in (0.0, 0.05):
        one, other = smoothness_interval(study, bound), smoothness_interval(tilted, bound)
        assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=1e-9)


def test_the_interval_covers_at_its_worst_bias():
    study = event_study()
    bound = 0.05
    low, high, weights = shortest_interval(study, bound, 0.05)
    spread = math.sqrt(weights @ study.covariance @ weights)
    shift = bound * worst_bias(weights, study) / spread
    half = (high - low) / 2 / spread
    assert stats.norm.cdf(half - shift) - stats.norm.cdf(-half - shift) == pytest.approx(0.95, abs=1e-7)


def test_the_folded_normal_quantile():
    mean = np.array([0.0, 0.3, 1.0, 4.0, 60.0])
    found = folded_normal_quantile(mean, 0.05)
    np.testing.assert_allclose(stats.norm.cdf(found - mean) - stats.norm.cdf(-found - mean), 0.95, rtol=1e-12)
    assert found[0] == pytest.approx(stats.norm.ppf(0.975))


# Both -------------------------------------------------------------------------------------------


def both(study, bound):
    return smoothness_interval(study, bound), relative_magnitude_interval(study, bound)


# The Python package honestdid 0.1.1 for these coefficients: its set on a grid of 0.0025 with 1,000 draws of the first
# critical value, its interval with a simulated folded normal.
HONESTDID_DRIFT = ((0.5, -0.47193, -0.043358), (1.0, -0.63985, 0.124561))
HONESTDID_BEND = ((0.0, -0.434565, -0.155836), (0.02, -0.503241, -0.046001), (0.1, -0.838378, 0.310210))


def test_an_independent_implementation_agrees():
    study = event_study()
    for bound, low, high in HONESTDID_DRIFT:
        found = relative_magnitude_interval(study, bound)
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.004)
    for bound, low, high in HONESTDID_BEND:
        found = smoothness_interval(study, bound)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def test_intervals_scale_with_the_coefficients():
    study = event_study()
    scaled = replace(study, pre=7 * study.pre, post=7 * study.post, covariance=49 * study.covariance)
    bend, drift = smoothness_interval(study, 0.03), relative_magnitude_interval(study, 1.0)
    bent, drifted = smoothness_interval(scaled, 0.21), relative_magnitude_interval(scaled, 1.0)
    # The bend's interval ends where a minimiser stops, whose own tolerance differs a little between processors.
    close = 1e-7 * scaled.std_error
    assert (bent.low, bent.high) == pytest.approx((7 * bend.low, 7 * bend.high), rel=1e-8, abs=close)
    assert (drifted.low, drifted.high) == pytest.approx((7 * drift.low, 7 * drift.high), rel=1e-6)


def test_a_change_of_sign_turns_the_interval_round():
    study = event_study()
    turned = replace(study, pre=-study.pre, post=-study.post)
    for one, other in zip(both(study, 0.8), both(turned, 0.8), strict=True):
        assert (-other.high, -other.low) == pytest.approx((one.low, one.high), abs=0.02 * study.std_error)


def test_more_is_allowed_for_with_a_larger_bound_and_a_seed_gives_one_answer():
    study = event_study()
    for kind in (smoothness_interval, relative_magnitude_interval):
        found = [kind(study, b) for b in (0.0, 0.5, 1.0, 2.0)]
        widths = [f.high - f.low for f in found]
        assert widths == sorted(widths)
        assert found[2] == kind(study, 1.0)


def test_the_breakdown_is_where_zero_enters():
    study = event_study()
    for interval, value in (
        (relative_magnitude_interval, relative_magnitude_breakdown(study)),
        (smoothness_interval, smoothness_breakdown(study, 1.0)),
    ):
        assert 0 < value < 20
        assert not interval(study, value - 0.01).holds_zero
        assert interval(study, value + 0.002).holds_zero


def test_no_finding_breaks_at_once_and_a_huge_one_never():
    nothing, huge = event_study(post=(-0.01, 0.02, 0.0)), event_study(post=(-90.0, -90.0, -90.0))
    assert relative_magnitude_breakdown(nothing) == 0
    assert smoothness_breakdown(nothing, 1.0) == 0
    assert math.isinf(relative_magnitude_breakdown(huge))
    assert math.isinf(smoothness_breakdown(huge, 1.0))


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pre": np.zeros(0)}, "no coefficient before"),
        ({"weights": np.zeros(3)}, "every weight is zero"),
        ({"weights": np.ones(2)}, "2 weights"),
        ({"post": np.array([0.0, np.nan, 0.0])}, "missing"),
        ({"covariance": np.ones((6, 6))}, "positive definite"),
        ({"covariance": np.zeros((6, 6))}, "positive definite"),
        ({"covariance": np.eye(5)}, "shape"),
    ],
)
def test_coefficients_that_cannot_be_used_are_refused(change, message):
    with pytest.raises(EstimationError, match=message):
        replace(event_study(), **change)


def test_bounds_and_levels_that_mean_nothing_are_refused():
    for call in (smoothness_interval, relative_magnitude_interval):
        with pytest.raises(UsageError, match="expected 0 or more"):
            call(event_study(), -0.1)
        with pytest.raises(UsageError, match=r"between 0 and 0\.5"):
            call(event_study(), 1.0, level=0.7)

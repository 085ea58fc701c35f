"""Conformal inference: the procedure by hand, its interval, its scale, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.errors import DesignError, EstimationError, UsageError
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.base import Calibratable, Placebos
from cseval.inference.conformal import AbsoluteMean, Conformal, MeanPower, RandomMonths
from cseval.inference.conformal_kernels import (
    Series,
    cyclic_windows,
    difference_residuals,
    not_rejected,
    random_windows,
    ratio_residuals,
    shift_p,
)
from cseval.inference.guard import Guarded
from cseval.inference.scattered_sets import scattered

UNITS, BEFORE, AFTER = 30, 36, 12
POISSON, LINEAR = PoissonDiD(), LinearDiD()
BOTH_STATISTICS = [MeanPower(), MeanPower(q=2), AbsoluteMean()]


def case(*, effect=0.0, before=BEFORE, after=AFTER, level=20.0, seed=3):
    counts = poisson_counts(UNITS, before + after, level=level, treated=(4, 5), start=before, effect=effect, seed=seed)
    return design(counts, treated=(4, 5), months_before=before)


def inferred(made, estimator=POISSON, **options):
    return Conformal(**options).infer(made, estimator, estimator.estimate(made), 1)


def test_it_is_a_calibratable_method_that_says_what_it_needs():
    assert isinstance(Conformal(), Calibratable)
    assert isinstance(Conformal(), Guarded)


def by_hand(residuals, first_post, statistic):
    """Moving blocks as the paper writes them: the residuals twice over, and a block of the post period's length."""
    months = len(residuals)
    doubled, length = np.concatenate([residuals, residuals]), months - first_post
    found = [statistic(doubled[s : s + length]) for s in range(months)]
    return np.mean([s >= found[first_post] - 1e-12 for s in found])


@pytest.mark.parametrize("effect", [0.0, -0.3])
def test_the_p_value_of_a_log_ratio_is_the_papers_procedure(effect):
    made = case(effect=effect)
    y, c = made.counts[made.is_treated].sum(axis=0), made.counts[made.comparison].sum(axis=0)
    proxy = c * y.sum() / c.sum()
    residuals = (y - proxy) / np.sqrt(proxy)
    assert inferred(made).p_value == pytest.approx(by_hand(residuals, BEFORE, lambda u: abs(u).sum()))
    found = inferred(made, statistic=AbsoluteMean())
    assert found.p_value == pytest.approx(by_hand(residuals, BEFORE, lambda u: abs(u.sum())))


def test_the_p_value_of_a_difference_of_means_is_the_papers_difference_in_differences():
    made = case(effect=-0.2)
    gap = made.counts[made.is_treated].mean(axis=0) - made.counts[made.comparison].mean(axis=0)
    found = inferred(made, LINEAR, statistic=MeanPower(q=2))
    assert found.p_value == pytest.approx(by_hand(gap - gap.mean(), BEFORE, lambda u: (u**2).sum()))


@pytest.mark.parametrize("statistic", BOTH_STATISTICS)
@pytest.mark.parametrize("estimator", [POISSON, LINEAR])
def test_the_ends_of_the_interval_are_exact(statistic, estimator):
    """Just inside an end the effect is accepted; from just outside on it is not."""
    made = case(effect=-0.5)
    method, estimate = Conformal(statistic=statistic), estimator.estimate(made)
    found = method.infer(made, estimator, estimate, 1)
    y, c = made.counts[made.is_treated].sum(axis=0), made.counts[made.comparison].sum(axis=0)
    series = Series(
        treated=y[None, :].astype(float),
        rest=c[None, :].astype(float),
        units=np.array([[2.0]]),
        rest_units=np.array([[28.0]]),
        post=made.post,
    )
    residuals = ratio_residuals if estimator == POISSON else difference_residuals

    def p(effects):
        return shift_p(statistic.of(residuals(series, effects), cyclic_windows(made.post)))

    for end, outwards in ((found.conf_low, -1), (found.conf_high, 1)):
        assert p(np.array([end]))[0] > 0.05
        assert (p(end + outwards * np.linspace(1e-4, 2, 4000)) <= 0.05).all()


@pytest.mark.parametrize("effect", [-0.6, 0.0, 0.4])
def test_the_truth_is_held_and_zero_only_where_it_is_not_rejected(effect):
    found = inferred(case(effect=effect), statistic=AbsoluteMean())
    assert found.conf_low <= effect <= found.conf_high
    assert found.conf_low <= 0 <= found.conf_high if found.p_value > 0.05 else True
    assert (found.p_value > 0.05) == (effect == 0)


def test_a_count_interval_scales_with_the_counts():
    made = case(effect=-0.4)
    many = design(10 * made.counts, treated=(4, 5), months_before=BEFORE)
    first, second = inferred(made, LINEAR), inferred(many, LINEAR)
    assert first.p_value == second.p_value
    assert second.conf_low == pytest.approx(10 * first.conf_low, abs=2e-3)


def test_the_order_of_units_does_not_matter():
    made = case(effect=-0.2)
    turned = design(made.counts[::-1], treated=(UNITS - 5, UNITS - 6), months_before=BEFORE)
    first, second = inferred(made), inferred(turned)
    assert (first.p_value, first.conf_low) == pytest.approx((second.p_value, second.conf_low))


def test_the_smallest_p_is_one_over_the_months():
    found = inferred(case(effect=-2.0), statistic=AbsoluteMean())
    assert found.p_value == pytest.approx(1 / 48)
    assert found.facts["smallest_p"] == pytest.approx(1 / 48)


def test_cyclic_windows_are_all_shifts_of_the_post_months():
    windows = cyclic_windows(np.arange(5) >= 3)
    assert windows[0].tolist() == [0, 0, 0, 1, 1]
    assert sorted(map(tuple, windows.tolist())) == sorted(
        tuple(np.roll([0, 0, 0, 1, 1], s).astype(float)) for s in range(5)
    )


def test_random_windows_have_as_many_months_and_the_observed_first():
    windows = random_windows(np.arange(6) >= 4, 500, np.random.default_rng(1))
    assert windows[0].tolist() == [0, 0, 0, 0, 1, 1]
    assert (windows.sum(axis=1) == 2).all()
    assert len(np.unique(windows, axis=0)) == 15


def test_random_months_give_a_finer_p_value():
    found = inferred(case(effect=-2.0), scheme=RandomMonths(draws=999), statistic=AbsoluteMean())
    assert found.p_value == pytest.approx(1 / 1000)


def test_many_series_are_tested_as_one_would_be():
    made = case(effect=-0.3)
    members = np.array([[4, 5], [1, 2], [7, 20]])
    tested = Placebos.of(made, POISSON, scattered(members, UNITS))
    p = Conformal(statistic=AbsoluteMean()).test_many(tested, tested)
    assert p[0] == inferred(made, statistic=AbsoluteMean()).p_value
    assert p.shape == (3,)
    linear = Placebos.of(made, LINEAR, scattered(members, UNITS))
    assert Conformal().test_many(linear, linear)[0] == inferred(made, LINEAR).p_value


def test_a_set_without_an_incident_has_no_p_value():
    counts = case().counts.copy()
    counts[1] = 0
    made = design(counts, treated=(4, 5), months_before=BEFORE)
    tested = Placebos.of(made, POISSON, scattered(np.array([[1], [2]]), UNITS))
    p = Conformal().test_many(tested, tested)
    assert np.isnan(p[0])
    assert np.isfinite(p[1])


def test_an_interval_without_an_end_is_infinite():
    low, high = not_rejected(lambda effects: np.where(effects > -1, 1.0, 0.0), 0.0, 0.1, 8.0)
    assert low == pytest.approx(-1, abs=1e-4)
    assert high == np.inf


def test_an_island_of_accepted_effects_is_inside_the_interval():
    def test(effects):
        return np.where((abs(effects) < 0.3) | (abs(effects - 0.5) < 0.05), 1.0, 0.0)

    low, high = not_rejected(test, 0.0, 0.2, 8.0)
    assert (low, high) == pytest.approx((-0.3, 0.55), abs=1e-4)


def test_fewer_than_twenty_months_are_refused():
    with pytest.raises(DesignError, match=r"Shifting 19 months gives no p-value below 0\.053"):
        inferred(case(before=13, after=6))


def test_twenty_months_are_enough():
    assert inferred(case(before=14, after=6)).p_value >= 0.05


def test_as_many_months_after_as_before_are_refused_for_a_statistic_of_size():
    made = case(before=12, after=12)
    with pytest.raises(DesignError, match="With 12 months before and 12 after the start"):
        inferred(made)
    assert inferred(made, statistic=AbsoluteMean()).p_value >= 1 / 24


def test_random_months_need_no_twenty_months():
    found = inferred(case(before=10, after=5), scheme=RandomMonths(draws=199))
    assert found.facts["shifts"] == 200


def test_too_few_random_months_are_refused():
    with pytest.raises(DesignError, match="11 windows of months; expected at least 20"):
        inferred(case(), scheme=RandomMonths(draws=10))


def test_an_estimate_of_another_model_is_refused():
    counts = case().counts
    rate = np.linspace(1, 2, counts.size).reshape(counts.shape) * np.linspace(1, 3, len(counts))[:, None]
    rate[4:6, BEFORE:] *= 2
    made = design(counts, treated=(4, 5), months_before=BEFORE, exposure=rate)
    with pytest.raises(UsageError, match="without covariates or a changing exposure"):
        inferred(made, PoissonDiD(exposure=True))


def test_a_month_without_an_incident_in_the_comparison_is_refused():
    counts = case().counts.copy()
    counts[:4, 7] = counts[6:, 7] = 0
    with pytest.raises(EstimationError, match="the comparison has a month without an incident"):
        inferred(design(counts, treated=(4, 5), months_before=BEFORE))


def test_a_wild_post_period_that_no_constant_explains_is_refused():
    counts = np.full((UNITS, 48), 20)
    counts[4:6, 36::2], counts[4:6, 37::2] = 5, 35
    counts[4:6, :36] += np.arange(36) % 3 - 1
    with pytest.raises(EstimationError, match="every constant effect is rejected"):
        inferred(design(counts, treated=(4, 5), months_before=36))


def test_a_power_below_one_is_refused():
    with pytest.raises(UsageError, match=r"q=0\.5; expected a number of at least 1"):
        MeanPower(q=0.5)

"""Segmented regression: terms, counterfactual, effect, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from builders import design, poisson_counts

from cseval.errors import EstimationError, SpecError, UsageError
from cseval.estimators.segmented import (
    Gaussian,
    Harmonics,
    Interruption,
    ModelErrors,
    MonthDummies,
    NegativeBinomial,
    NeweyWest,
    Poisson,
    PraisWinsten,
    QuasiPoisson,
    SegmentedRegression,
    calendar_months,
    elapsed,
    fit_series,
)
from cseval.estimators.segmented_options import automatic_lag

TREATED = [3, 4]


def make(months=60, before=38, transition=2, **options):
    counts = poisson_counts(20, months, level=12, treated=TREATED, start=before, effect=-0.25, seed=8)
    return design(counts, treated=TREATED, months_before=before, transition=transition, **options)


def test_time_runs_through_the_transition_and_is_zero_in_the_first_post_month():
    d = make()
    time = elapsed(d)
    assert time[[0, 37, 38, -1]].tolist() == [-40, -3, 0, 19]
    assert calendar_months(d)[[0, 11, 12, 37, 38]].tolist() == [1, 12, 1, 2, 5]


def test_terms_of_the_design_matrix_by_hand():
    d = make()
    options = SegmentedRegression(
        season=Harmonics(pairs=1), interruptions=(Interruption(month="2016-03", slope=True, label="recording"),)
    )
    y = d.counts[d.is_treated].sum(axis=0).astype(float)
    series = fit_series(y, elapsed(d), calendar_months(d), None, options, first_post="2018-05")
    assert series.terms == (
        *("intercept", "time", "level", "slope", "sin 1", "cos 1"),
        *("recording level", "recording slope"),
    )
    columns = dict(zip(series.terms, series.x.T, strict=True))
    month = d.periods.index("2016-03")
    assert columns["recording level"].sum() == len(d.periods) - month
    assert columns["recording slope"][month : month + 3].tolist() == [0, 1, 2]
    assert columns["slope"][37:41].tolist() == [0, 0, 1, 2]
    assert columns["sin 1"][2] == pytest.approx(1.0)
    switched = [t for t, a, b in zip(series.terms, series.x.T, series.off.T, strict=True) if (a != b).any()]
    assert switched == ["level", "slope"]


def test_month_dummies_leave_out_the_first_month_that_occurs():
    columns = MonthDummies().columns(np.array([3, 4, 3, 7]))
    assert list(columns) == ["month 04", "month 07"]
    assert columns["month 07"].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("family", "errors", "inference"),
    [
        (Poisson(), ModelErrors(), "model-based (Poisson, z)"),
        (QuasiPoisson(), ModelErrors(), "model-based (quasi-Poisson, t)"),
        (QuasiPoisson(), NeweyWest(), "Newey-West (lag 3, t)"),
        (NegativeBinomial(), NeweyWest(lag=5), "Newey-West (lag 5, t)"),
    ],
)
def test_without_a_slope_the_effect_is_the_level_coefficient(family, errors, inference):
    e = SegmentedRegression(family=family, errors=errors, slope=False).estimate(make())
    level = e.coefficients.set_index("term").loc["level"]
    assert (e.effect, e.std_error) == pytest.approx((level["estimate"], level["std_error"]), rel=1e-9)
    assert (e.conf_low, e.conf_high, e.p_value) == pytest.approx(level[["conf_low", "conf_high", "p_value"]].tolist())
    assert e.inference == inference


def test_with_a_slope_the_effect_is_fitted_over_counterfactual():
    d = make()
    e = SegmentedRegression().estimate(d)
    post = e.path[d.post]
    assert e.effect == pytest.approx(np.log(post["fitted"].sum() / post["counterfactual"].sum()), rel=1e-10)
    assert e.counterfactual == pytest.approx(post["counterfactual"].sum(), rel=1e-6)
    assert e.path["fitted"][~d.post].tolist() == pytest.approx(e.path["counterfactual"][~d.post].tolist())
    assert (e.path["low"] < e.path["counterfactual"]).all()
    assert (e.path["high"] > e.path["counterfactual"]).all()
    width = np.log(e.path["high"] / e.path["low"])
    assert width.iloc[-1] > 1.2 * width.iloc[20]


def test_delta_method_error_equals_the_error_of_the_refitted_effect():
    d = make()
    options = SegmentedRegression(errors=ModelErrors(), season=None)
    y = d.counts[d.is_treated].sum(axis=0).astype(float)
    series = fit_series(y, elapsed(d), calendar_months(d), None, options)
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(series.fit.coefficients, series.fit.covariance, 20_000)
    lit, dark = np.exp(draws @ series.x[series.post].T), np.exp(draws @ series.off[series.post].T)
    assert series.effect()[1] == pytest.approx(np.log(lit.sum(axis=1) / dark.sum(axis=1)).std(), rel=0.03)


def test_gaussian_effect_is_the_mean_difference_per_treated_unit():
    d = make()
    e = SegmentedRegression(family=Gaussian(), errors=ModelErrors()).estimate(d)
    post = e.path[d.post]
    assert e.scale == "count"
    assert e.effect == pytest.approx((post["fitted"] - post["counterfactual"]).mean() / 2, rel=1e-9)
    assert e.counterfactual == pytest.approx(post["counterfactual"].sum(), rel=1e-9)
    flat = SegmentedRegression(family=Gaussian(), errors=ModelErrors(), slope=False).estimate(d)
    level = flat.coefficients.set_index("term").loc["level"]
    assert (flat.effect, flat.std_error) == pytest.approx((level["estimate"] / 2, level["std_error"] / 2))


def test_exposure_is_carried_into_the_counterfactual():
    people = np.random.default_rng(3).uniform(50, 150, (20, 60))
    d = make(exposure=people)
    options = SegmentedRegression(exposure=True, season=None, slope=False, errors=ModelErrors(), family=Poisson())
    e = options.estimate(d)
    y = d.counts[d.is_treated].sum(axis=0)
    x = np.column_stack([np.ones(len(y)), elapsed(d), d.post]).astype(float)
    offset = np.log(d.exposure[d.is_treated].sum(axis=0))
    peer = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset).fit(tol=1e-12)
    assert e.effect == pytest.approx(peer.params[2], abs=1e-8)
    assert e.path["counterfactual"].tolist() == pytest.approx(
        np.exp(x[:, :2] @ peer.params[:2] + offset).tolist(), rel=1e-7
    )


def test_relative_to_comparison_cancels_what_moves_both():
    counts = poisson_counts(20, 60, level=200, treated=TREATED, start=38, effect=-0.25, seed=5)
    shock = np.ones(60)
    shock[[5, 30, 50]] = [3.0, 0.4, 2.5]
    moved = np.random.default_rng(1).poisson(counts * shock)
    d = design(moved, treated=TREATED, months_before=38)
    options = SegmentedRegression(season=None, slope=False)
    alone, relative = options.estimate(d), replace(options, relative_to_comparison=True).estimate(d)
    assert relative.effect == pytest.approx(-0.25, abs=3 * relative.std_error)
    assert relative.std_error < alone.std_error / 3
    assert (alone.comparison_units, relative.comparison_units) == (0, 18)
    assert relative.path["counterfactual"][50] / relative.path["counterfactual"][51] > 2


def test_relative_to_comparison_with_exposure_compares_rates():
    people = np.full((20, 60), 100.0)
    people[:, 38:] = 300.0
    people[TREATED, 38:] = 200.0
    d = make(exposure=people)
    options = SegmentedRegression(season=None, slope=False, relative_to_comparison=True)
    counts, rates = options.estimate(d), replace(options, exposure=True).estimate(d)
    assert rates.effect == pytest.approx(counts.effect - np.log(2) + np.log(3), abs=0.02)


def test_an_interruption_takes_its_own_change_out_of_the_effect_and_stays_in_the_counterfactual():
    counts = poisson_counts(20, 60, level=100, seed=8)
    counts[TREATED, 50:] *= 2
    d = design(counts, treated=TREATED, months_before=38)
    options = SegmentedRegression(season=None, slope=False, trend=False)
    lockdown = replace(options, interruptions=(Interruption(month="2019-03"),))
    with_it = lockdown.estimate(d)
    assert options.estimate(d).effect > 0.3
    assert abs(with_it.effect) < 0.1
    level = with_it.coefficients.set_index("term").loc["2019-03 level", "estimate"]
    assert level == pytest.approx(np.log(2), abs=0.1)
    assert with_it.path["counterfactual"][55] / with_it.path["counterfactual"][45] == pytest.approx(np.exp(level))


def test_facts_say_what_was_fitted():
    facts = SegmentedRegression(family=NegativeBinomial()).estimate(make()).facts
    assert (facts["n"], facts["k"], facts["df"], facts["lag"]) == (58, 15, 43, 3)
    assert facts["alpha"] > 0
    assert {"dispersion", "durbin_watson", "ljung_box_p", "breusch_godfrey_p"} <= set(facts)
    facts = SegmentedRegression(family=Gaussian(), errors=PraisWinsten()).estimate(make()).facts
    assert abs(facts["rho"]) < 1
    assert "lag" not in facts


def test_automatic_lag():
    assert [automatic_lag(n) for n in (36, 60, 100, 200)] == [3, 3, 4, 4]


def test_intervals_are_wider_with_students_t():
    d = make()
    z = SegmentedRegression(family=Poisson(), errors=ModelErrors()).estimate(d)
    t = SegmentedRegression(family=Poisson(), errors=NeweyWest()).estimate(d)
    assert (z.conf_high - z.effect) / z.std_error == pytest.approx(1.959964, rel=1e-5)
    assert (t.conf_high - t.effect) / t.std_error == pytest.approx(2.0167, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"errors": PraisWinsten()}, "PraisWinsten with QuasiPoisson"),
        ({"level": False, "slope": False}, "neither level nor slope"),
        ({"family": Gaussian(), "exposure": True}, "an offset with Gaussian"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, words):
    with pytest.raises(SpecError, match=words):
        SegmentedRegression(**options)


def test_parts_validate_themselves():
    with pytest.raises(SpecError, match="lag=-1"):
        NeweyWest(lag=-1)
    with pytest.raises(SpecError, match="pairs=6"):
        Harmonics(pairs=6)
    with pytest.raises(SpecError, match="neither level nor slope"):
        Interruption(month="2020-03", level=False)
    with pytest.raises(UsageError, match="not a month"):
        Interruption(month="March 2020")


def test_series_that_cannot_tell_are_refused_in_one_sentence():
    d = make()
    cases = [
        (make(months=40, before=7), {"season": None}, "7 months before the start"),
        (make(months=16, before=10), {}, "14 months for 13 terms"),
        (make(), {"interruptions": (Interruption(month="2018-05"),)}, "'2018-05 level' cannot be told"),
        (make(), {"exposure": True}, "no exposure in the panel"),
    ]
    for case, options, words in cases:
        with pytest.raises(EstimationError, match=words):
            SegmentedRegression(**options).estimate(case)
    empty = np.zeros(len(d.periods))
    with pytest.raises(EstimationError, match="no incident at all"):
        fit_series(empty, elapsed(d), calendar_months(d), None, SegmentedRegression())
    with pytest.raises(EstimationError, match="every month has the same count, 7"):
        fit_series(empty + 7, elapsed(d), calendar_months(d), None, SegmentedRegression())
    late = make(months=44, before=39)
    with pytest.raises(EstimationError, match="3 months from the first post month on; expected at least 4"):
        SegmentedRegression(season=None).estimate(late)
    assert SegmentedRegression(season=None, slope=False).estimate(late).post_periods == 3
    only_before = np.where(d.post, 0.0, 5.0)
    with pytest.raises(EstimationError, match="no incident in the months that tell the term 'level'"):
        fit_series(only_before, elapsed(d), calendar_months(d), None, SegmentedRegression())


def test_an_empty_comparison_month_is_refused():
    counts = poisson_counts(20, 60, level=12, seed=8)
    counts[[i for i in range(20) if i not in TREATED], 9] = 0
    d = design(counts, treated=TREATED, months_before=38)
    with pytest.raises(EstimationError, match="without any incident in the comparison"):
        SegmentedRegression(relative_to_comparison=True).estimate(d)

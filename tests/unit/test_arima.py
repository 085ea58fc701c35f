"""The ARIMA interrupted time series: robust maximum, effect, counterfactual, and what is refused."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts
from statsmodels.tsa.statespace.sarimax import SARIMAX

from cseval.errors import EstimationError, SpecError
from cseval.estimators.arima import ArimaITS, Order, fit_series, pulse, step
from cseval.estimators.base import Estimator
from cseval.estimators.its_prediction import Course
from cseval.estimators.its_series import forecast_effect
from cseval.estimators.segmented import Interruption

TREATED = [3, 4]
AIRLINE = Order(d=1, q=1, seasonal_d=1, seasonal_q=1)


def make(months=84, before=60, transition=0, level=60.0, effect=-0.3, seed=8, **options):
    counts = poisson_counts(20, months, level=level, treated=TREATED, start=before, effect=effect, seed=seed)
    return design(counts, treated=TREATED, months_before=before, transition=transition, **options)


def test_it_is_an_estimator_and_says_how_the_orders_came_about():
    chosen, given = ArimaITS(), ArimaITS(order=Order(p=1))
    assert isinstance(chosen, Estimator)
    e = chosen.estimate(make())
    assert e.facts["models_tried"] >= 18
    assert e.facts["order"] in e.inference
    assert "chosen by AICc among" in e.notes[0]
    assert "before the start alone" in e.notes[0]
    assert given.estimate(make()).notes[0] == "ARIMA(1,0,0), as registered."


def test_orders_are_chosen_without_the_months_after_the_start():
    counts = poisson_counts(20, 84, level=60, seed=8)
    other = counts.copy()
    other[TREATED, 60:] = np.random.default_rng(0).poisson(300, (2, 24))
    one, two = (ArimaITS().estimate(design(c, treated=TREATED, months_before=60)) for c in (counts, other))
    assert one.facts["order"] == two.facts["order"]
    assert one.facts["aicc_before"] == two.facts["aicc_before"]


def test_without_autoregression_it_is_least_squares_on_logs():
    d = make()
    options = ArimaITS(order=Order())
    e = options.estimate(d)
    y = np.log(d.counts[d.is_treated].sum(axis=0))
    time = np.arange(84) - 60
    x = np.column_stack([np.ones(84), time >= 0, time * (time >= 0)])
    beta, rss = np.linalg.lstsq(x, y, rcond=None)[:2]
    errors = np.sqrt(rss[0] / 81 * np.diag(np.linalg.inv(x.T @ x)))
    assert e.coefficients["estimate"].tolist() == pytest.approx(beta.tolist(), rel=1e-8)
    assert e.coefficients["std_error"].tolist() == pytest.approx(errors.tolist(), rel=2e-3)
    raw = replace(options, small_sample=False).estimate(d)
    assert raw.coefficients["std_error"].tolist() == pytest.approx((errors * np.sqrt(81 / 84)).tolist(), rel=2e-3)
    assert raw.inference == "ARIMA(0,0,0), exact likelihood (z)"


def test_statsmodels_finds_nothing_better_from_our_maximum():
    d = make()
    y = d.counts[d.is_treated].sum(axis=0).astype(float)
    fit = fit_series(y, np.arange(84) - 60, "2020-01", ArimaITS(order=AIRLINE, slope=False, small_sample=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SARIMAX(
            np.log(y),
            exog=(np.arange(84) >= 60).astype(float),
            order=(0, 1, 1),
            seasonal_order=(0, 1, 1, 12),
            simple_differencing=True,
        )
        start = [fit.coefficients[0], fit.facts["ma1"], fit.facts["sma1"], fit.facts["sigma2"]]
        assert model.loglike(start) == pytest.approx(fit.facts["log_likelihood"], abs=1e-6)
        theirs = model.fit(start_params=start, disp=False, cov_type="approx")
    assert theirs.llf <= fit.facts["log_likelihood"] + 1e-3
    assert fit.coefficients[0] == pytest.approx(theirs.params[0], abs=2e-3)


def test_a_step_alone_is_the_effect():
    e = ArimaITS(order=Order(p=1), slope=False).estimate(make())
    row = e.coefficients.set_index("term").loc["level"]
    assert (e.facts["terms_effect"], e.facts["terms_std_error"]) == pytest.approx(
        (row["estimate"], row["std_error"]), rel=1e-9
    )
    assert e.counterfactual == pytest.approx(e.observed * np.exp(-e.effect))
    assert e.effect == pytest.approx(-0.3, abs=4 * e.std_error)
    counts = ArimaITS(order=Order(p=1), slope=False, log=False).estimate(make())
    row = counts.coefficients.set_index("term").loc["level"]
    found = (counts.facts["terms_effect"], counts.facts["terms_std_error"])
    assert found == pytest.approx((row["estimate"], row["std_error"]))
    assert counts.effect == pytest.approx(row["estimate"] / 2, rel=0.05)  # per unit
    assert counts.scale == "count"


def test_the_counterfactual_is_the_forecast_from_the_months_before():
    d = make()
    e = ArimaITS(order=Order(p=1), slope=False).estimate(d)
    path, term = e.path, e.coefficients.set_index("term")["estimate"]
    mean, rho = term["intercept"], e.facts["ar1"]
    last = np.log(path["observed"][59]) - mean
    factor = e.facts["n"] / (e.facts["n"] - e.facts["k"])
    h = np.arange(1, 25)
    variance = factor * e.facts["sigma2"] * (1 - rho ** (2 * h)) / (1 - rho**2)
    expected = np.exp(mean + rho**h * last + variance / 2)
    assert path["counterfactual"][60:].tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    table = e.tables["averted"]
    assert table["averted"].tolist() == pytest.approx((path["counterfactual"] - path["observed"])[60:].tolist())
    assert table["cumulative"].iloc[-1] == pytest.approx(table["averted"].sum())
    assert (table["low"] < table["averted"]).all()
    assert (table["cumulative_high"] > table["cumulative"]).all()


def test_a_random_walk_s_forecast_grows_less_certain():
    e = ArimaITS(order=Order(d=1), slope=False).estimate(make())
    width = np.log(e.path["high"] / e.path["low"])[60:].to_numpy()
    assert np.isnan(e.path["fitted"][0])
    # the parameter does not enter the forecast of a walk, so the log width goes with the root of the horizon
    assert width[15] / width[3] == pytest.approx(2.0, rel=1e-6)
    assert e.tables["averted"]["cumulative_high"].notna().all()


def test_months_of_transition_are_missing_and_not_zero():
    plain, gap = make(), make(transition=3, months=87)
    e = ArimaITS(order=Order(p=1), slope=False).estimate(gap)
    assert e.pre_periods == plain.months_before
    assert len(e.path) == 84
    assert e.facts["n"] == 84
    assert e.effect == pytest.approx(-0.3, abs=5 * e.std_error)


def test_other_interruptions_stay_in_the_counterfactual():
    counts = poisson_counts(20, 84, level=200, seed=8)
    counts[TREATED, 70:] *= 2
    d = design(counts, treated=TREATED, months_before=60)
    options = ArimaITS(order=Order(p=1), slope=False, interruptions=(Interruption(month="2020-11"),))
    e = options.estimate(d)
    assert abs(e.effect) < 4 * e.std_error
    assert e.path["counterfactual"][75] / e.path["counterfactual"][65] == pytest.approx(2, rel=0.15)
    early = replace(options, interruptions=(Interruption(month="2017-01"),)).estimate(d)
    assert "2017-01 level" in early.coefficients["term"].tolist()


def test_what_must_not_matter_does_not():
    counts = poisson_counts(20, 84, level=60, treated=TREATED, start=60, effect=-0.3, seed=8)
    d = design(counts, treated=TREATED, months_before=60)
    changed = counts.copy()
    changed[[0, 7]] = changed[[7, 0]] + 50
    other = design(changed, treated=TREATED, months_before=60)
    assert ArimaITS().estimate(d).effect == ArimaITS().estimate(other).effect
    scaled = design(counts * 10, treated=TREATED, months_before=60)
    options = ArimaITS(order=AIRLINE)
    one, ten = options.estimate(d), options.estimate(scaled)
    assert (ten.effect, ten.std_error) == pytest.approx((one.effect, one.std_error), rel=1e-4)
    one, ten = (replace(options, log=False).estimate(x) for x in (d, scaled))
    assert (ten.effect, ten.std_error) == pytest.approx((10 * one.effect, 10 * one.std_error), rel=1e-3)


def test_the_result_is_the_same_twice():
    one, two = (ArimaITS().estimate(make()) for _ in range(2))
    assert one.path.equals(two.path)
    assert one.coefficients.equals(two.coefficients)


@pytest.mark.parametrize(
    ("counts", "before", "options", "words"),
    [
        (np.zeros((2, 40), dtype=int), 30, {}, "no incident at all"),
        (np.full((2, 40), 5), 30, {}, "every month has the same count, 10"),
        (np.tile([0, 3], (2, 20)), 30, {}, "have no log, and there are 20"),
        (np.tile([2, 3], (2, 20)), 7, {}, "7 months before the start; expected at least 8"),
        (np.tile([2, 3, 5, 4], (2, 10)), 37, {}, "3 months from the first post month on"),
        (np.tile([2, 3, 5, 4], (2, 10)), 20, {"order": AIRLINE}, r"20 months before the start for ARIMA\(0,1,1\)"),
        (np.tile([2, 3, 5, 4], (2, 10)), 20, {"order": Order(seasonal_p=1)}, "expected at least 24"),
        (np.tile([2, 3, 5, 4], (2, 10)), 8, {"order": Order(p=5)}, "expected at least 9"),
    ],
)
def test_series_that_cannot_tell_are_refused_in_one_sentence(counts, before, options, words):
    rest = np.full((3, counts.shape[1]), 9)
    d = design(np.vstack([counts, rest]), treated=[0, 1], months_before=before)
    with pytest.raises(EstimationError, match=words) as caught:
        ArimaITS(**options).estimate(d)
    assert str(caught.value).count("\n") == 0


def test_terms_that_differencing_makes_alike_are_named():
    d = make()
    twice = ArimaITS(order=Order(d=1, drift=True), interruptions=(Interruption(month="2015-01", level=True),))
    with pytest.raises(EstimationError, match="'2015-01 level' cannot be told"):
        twice.estimate(d)


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(SpecError, match="neither level nor slope"):
        ArimaITS(level=False, slope=False)
    with pytest.raises(SpecError, match="'level' is given twice"):
        ArimaITS(change=(step(),))
    assert ArimaITS(level=False, slope=False, change=(pulse(half_life=3),)).name == "ARIMA regression of logs"


@pytest.mark.parametrize("options", [{}, {"log": False}, {"small_sample": False}])
def test_effect_counterfactual_and_table_are_of_one_course(options):
    e = ArimaITS(order=Order(p=1), **options).estimate(make())
    last = e.tables["averted"].iloc[-1]
    assert e.averted() == pytest.approx(tuple(last[["cumulative", "cumulative_low", "cumulative_high"]]))
    assert e.counterfactual - e.observed == pytest.approx(last["cumulative"])
    assert (e.p_value <= 0.05) == (e.conf_low > 0 or e.conf_high < 0)
    assert e.conf_low < e.effect < e.conf_high


@pytest.mark.parametrize("df", [20.0, np.inf])
def test_the_p_value_is_a_half_of_the_interval(df):
    """At an interval that ends at zero p is 0.05."""
    mean, low, high = (np.array([v]) for v in (100.0, 90.0, 120.0))
    course = Course(mean=mean, low=low, high=high, total=mean, total_low=low, total_high=high)
    found = forecast_effect(120.0, course, df, log=True)
    assert (found.effect, found.conf_low) == (pytest.approx(np.log(1.2)), pytest.approx(0.0))
    assert found.p_value == pytest.approx(0.05)
    plain = forecast_effect(120.0, course, df, log=False, by=4.0)
    assert (plain.effect, plain.conf_low, plain.conf_high) == (5.0, 0.0, 7.5)

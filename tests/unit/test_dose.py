"""Dose-response: the reduction to totals, its errors, its tables, placebo sets, and what is refused."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import statsmodels.api as sm
from builders import design, poisson_counts, unit_codes

from cseval.areas import draw_connected
from cseval.errors import DesignError, EstimationError, SpecError
from cseval.estimators.base import PlaceboEstimator
from cseval.estimators.dose import Dose, DoseResponse, LogOnePlus
from cseval.estimators.dose_options import amounts
from cseval.estimators.poisson_did import PoissonDiD

TREATED = [7, 8, 13]
DOSES = (Dose(month="2016-01", amount=6), Dose(month="2016-05", amount=11), Dose(month="2016-09", amount=22))
OFFICERS = DoseResponse(doses=DOSES, unit_of_dose="officers")
PATH = np.repeat([0.0, 6, 11, 22], [12, 4, 4, 6])


def counts(slope=-0.02, seed=2, **options):
    made = poisson_counts(36, 26, seed=seed, **options)
    rng = np.random.default_rng(seed + 100)
    made[TREATED] = rng.poisson(made[TREATED].mean(axis=1, keepdims=True) * np.exp(slope * PATH))
    return made


def make(values=None, **options):
    return design(counts() if values is None else values, treated=TREATED, months_before=12, shape=(6, 6), **options)


def dummies_fit(d, dose):
    """The full model by statsmodels with a dummy for every unit and month, clustered by unit."""
    used = d.is_treated | d.comparison
    y = d.counts[used]
    units, months = y.shape
    unit = np.kron(np.eye(units), np.ones((months, 1)))
    month = np.kron(np.ones((units, 1)), np.eye(months))[:, 1:]
    x = np.column_stack([(d.is_treated[used][:, None] * dose).ravel(), unit, month])
    options = {"groups": np.repeat(np.arange(units), months), "use_correction": False}
    model = sm.GLM(y.ravel(), x, family=sm.families.Poisson())
    return model.fit(tol=1e-13, cov_type="cluster", cov_kwds=options), units


@pytest.mark.parametrize(("scale", "regressor"), [(None, PATH), (LogOnePlus(), np.log1p(PATH))])
def test_slope_and_cluster_error_equal_the_full_model(scale, regressor):
    d = make(buffer_rings=1)
    mine = (OFFICERS if scale is None else replace(OFFICERS, scale=scale)).estimate(d)
    peer, clusters = dummies_fit(d, regressor)
    first = mine.coefficients.iloc[0]
    assert first["estimate"] == pytest.approx(peer.params[0], abs=1e-8)
    assert first["std_error"] == pytest.approx(peer.bse[0] * math.sqrt(clusters / (clusters - 1)), rel=1e-7)


def test_effect_is_what_the_full_model_expects_with_and_without_the_dose():
    d = make()
    mine, (peer, _) = OFFICERS.estimate(d), dummies_fit(d, PATH)
    used = d.is_treated | d.comparison
    fitted = np.asarray(peer.mu).reshape(int(used.sum()), -1)[d.is_treated[used]].sum(axis=0)
    without = fitted * np.exp(-peer.params[0] * PATH)
    assert mine.effect == pytest.approx(np.log(fitted[12:].sum() / without[12:].sum()), abs=1e-8)
    assert mine.path["fitted"].to_numpy() == pytest.approx(fitted, rel=1e-8)
    assert mine.path["counterfactual"].to_numpy() == pytest.approx(without, rel=1e-8)
    assert mine.averted()[0] == pytest.approx(mine.counterfactual - mine.observed)


def test_one_dose_is_the_difference_in_differences():
    d = make(buffer_rings=1)
    one = DoseResponse(doses=(Dose(month="2016-01", amount=4),), unit_of_dose="officers")
    mine, peer = one.estimate(d), PoissonDiD().estimate(d)
    assert mine.effect == pytest.approx(peer.effect, abs=1e-10)
    assert mine.std_error == pytest.approx(peer.std_error, rel=1e-8)
    assert (mine.conf_low, mine.p_value) == pytest.approx((peer.conf_low, peer.p_value), rel=1e-7)
    assert mine.coefficients["estimate"].tolist() == pytest.approx([peer.effect / 4, peer.effect * 10 / 4])
    many, others = (e.estimate_many(d, d.own_set) for e in (one, PoissonDiD()))
    assert many.variance_terms == pytest.approx(others.variance_terms, rel=1e-10)
    assert many.post_term == pytest.approx(others.post_term, rel=1e-10)
    assert many.size == pytest.approx(others.size)


def test_each_placebo_set_equals_its_own_estimate():
    d = make(buffer_rings=1)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 5, np.random.default_rng(0)))
    many, errors = OFFICERS.estimate_many(d, sets), OFFICERS.cluster_errors(d, sets)
    for row in range(len(sets)):
        placebo = OFFICERS.estimate(d.treating(d.units[i] for i in sets.members[row]))
        assert many.effect[row] == pytest.approx(placebo.effect, abs=1e-10)
        assert errors.std_error[row] == pytest.approx(placebo.std_error, rel=1e-8)
        assert errors.df[row] == placebo.facts["clusters"] - 1


def test_variance_term_is_the_model_variance_where_there_is_no_effect():
    """Poisson counts in the exact proportions of no effect: the term is what the logit's information gives."""
    values = np.full((36, 26), 40)
    d = make(values)
    many, mine = OFFICERS.estimate_many(d, d.own_set), OFFICERS.estimate(d)
    share, number = 3 / 36, 36 * 40.0
    mean = PATH.mean()
    slope_variance = 1 / (share * (1 - share) * number * ((PATH - mean) ** 2).sum())
    assert many.variance_terms[0, 1] == pytest.approx(PATH[12:].mean() ** 2 * slope_variance, rel=1e-9)
    assert mine.effect == pytest.approx(0, abs=1e-12)


def test_a_set_without_incidents_is_nan_and_leaves_the_others():
    values = counts()
    values[20:23, 12:] = 0
    d = make(values)
    sets = d.sets(np.array([[0, 1, 2], [20, 21, 22]]))
    effect = OFFICERS.estimate_many(d, sets).effect
    assert np.isfinite(effect[0])
    assert np.isnan(effect[1])


def test_coefficients_are_per_officer_per_ten_and_per_doubling():
    linear, log = OFFICERS.estimate(make()), replace(OFFICERS, scale=LogOnePlus()).estimate(make())
    assert linear.coefficients["term"].tolist() == ["per one of officers", "per ten of officers"]
    values = linear.coefficients["estimate"]
    assert values[1] == pytest.approx(10 * values[0])
    assert log.coefficients["term"][1] == "per doubling of 1 + officers"
    assert log.coefficients["estimate"][1] == pytest.approx(math.log(2) * log.coefficients["estimate"][0])


def test_tables_hold_the_dose_by_month_and_each_step_by_itself():
    d = make()
    mine = OFFICERS.estimate(d)
    dose, steps = mine.tables["dose"], mine.tables["dose_steps"]
    assert dose.columns.tolist() == ["period", "dose", "observed", "counterfactual"]
    assert dose["dose"].tolist() == PATH.tolist()
    assert (dose["counterfactual"][:12] == mine.path["fitted"][:12]).all()
    assert steps["dose"].tolist() == [6, 11, 22]
    assert steps["months"].tolist() == [4, 4, 6]
    t, c = d.counts[TREATED].sum(axis=0), d.counts[d.comparison].sum(axis=0)
    by_hand = np.log(t[16:20].sum() / t[:12].sum() * c[:12].sum() / c[16:20].sum())
    assert steps["estimate"][1] == pytest.approx(by_hand, abs=1e-12)
    assert steps["line_percent"][2] == pytest.approx(100 * math.expm1(22 * mine.facts["slope"]))
    assert (steps["conf_low"] < steps["estimate"]).all()


def test_transition_months_have_no_say_and_later_doses_keep_their_months():
    d = make(transition=2)
    assert OFFICERS.estimate(d).tables["dose"]["dose"].tolist() == PATH.tolist()[:12] + PATH.tolist()[14:]


def test_a_placebo_start_is_dosed_as_the_programme_was_and_says_so():
    d = make(months_after=6)
    earlier = replace(d, start="2015-09", months_before=8)
    mine = OFFICERS.estimate(earlier)
    assert mine.tables["dose"]["dose"].tolist() == [0.0] * 8 + [6.0] * 4 + [11.0] * 2
    assert mine.facts["doses_moved_months"] == -4
    assert "4 months earlier than dated" in mine.notes[1]
    assert len(OFFICERS.estimate(d).notes) == 1


def test_doses_may_begin_after_the_start_that_they_are_dated_against():
    d = make()
    dated = DoseResponse(doses=(Dose(month="2016-03", amount=5),), unit_of_dose="officers", start="2016-01")
    mine = dated.estimate(d)
    assert mine.tables["dose"]["dose"].tolist() == [0.0] * 14 + [5.0] * 12
    peer, _ = dummies_fit(d, np.repeat([0.0, 5.0], [14, 12]))
    assert mine.facts["slope"] == pytest.approx(peer.params[0], abs=1e-8)
    assert mine.tables["dose_steps"]["dose"].tolist() == [0, 5]


def test_amounts_hold_until_the_next():
    found = amounts(DOSES, ["2015-12", "2016-01", "2016-04", "2016-05", "2020-01"], 0)
    assert found.tolist() == [0, 6, 6, 11, 22]
    assert amounts(DOSES, ["2016-02"], 2).tolist() == [0]


def test_order_of_units_scale_of_dose_and_relabelling_do_not_matter():
    values = counts()
    order = np.random.default_rng(0).permutation(36)
    places = [int(np.flatnonzero(order == u)[0]) for u in TREATED]
    plain = OFFICERS.estimate(design(values, treated=TREATED, months_before=12))
    mixed = OFFICERS.estimate(design(values[order], treated=places, months_before=12))
    assert (mixed.effect, mixed.std_error) == pytest.approx((plain.effect, plain.std_error), rel=1e-9)
    tenfold = tuple(replace(d, amount=10 * d.amount) for d in DOSES)
    scaled = replace(OFFICERS, doses=tenfold).estimate(design(values, treated=TREATED, months_before=12))
    assert (scaled.effect, scaled.std_error) == pytest.approx((plain.effect, plain.std_error), rel=1e-9)
    assert scaled.facts["slope"] == pytest.approx(plain.facts["slope"] / 10, rel=1e-9)


@pytest.mark.parametrize(
    ("doses", "words"),
    [
        ((), "no dose above 0"),
        ((Dose(month="2016-01", amount=0),), "no dose above 0"),
        (DOSES[::-1], "a dose from 2016-05 after one from 2016-09"),
        ((DOSES[0], DOSES[0]), "a dose from 2016-01 after one from 2016-01"),
    ],
)
def test_doses_that_are_none_or_out_of_order_are_refused(doses, words):
    with pytest.raises(SpecError, match=words):
        DoseResponse(doses=doses, unit_of_dose="officers")


@pytest.mark.parametrize("amount", [-1, math.nan, math.inf])
def test_an_amount_that_is_none_is_refused(amount):
    with pytest.raises(SpecError, match="a dose of"):
        Dose(month="2016-01", amount=amount)


def test_a_dose_before_its_start_is_refused():
    with pytest.raises(SpecError, match="before the start in 2016-02"):
        replace(OFFICERS, start="2016-02")


def test_a_dose_that_is_the_same_all_over_the_window_is_refused():
    late = DoseResponse(doses=(Dose(month="2019-01", amount=5),), unit_of_dose="officers", start="2016-01")
    with pytest.raises(EstimationError, match="the dose is 0 in every month of the window"):
        late.estimate(make())
    assert np.isnan(late.estimate_many(make(), make().own_set).effect[0])


@pytest.mark.parametrize(
    ("units", "months", "words"),
    [
        (TREATED, slice(12, 26), "no incident in the treated units with a dose"),
        (TREATED, slice(0, 12), "no incident in the treated units without a dose"),
        ([i for i in range(36) if i not in TREATED], slice(12, 26), "comparison units with a dose"),
    ],
)
def test_an_empty_group_is_refused_in_one_sentence(units, months, words):
    values = counts()
    values[units, months] = 0
    with pytest.raises(EstimationError, match=words):
        OFFICERS.estimate(make(values))


def test_units_that_begin_in_different_months_are_refused():
    staggered = replace(make(), delays={unit_codes(36)[8]: 3})
    with pytest.raises(DesignError, match="different months"):
        OFFICERS.estimate(staggered)


def test_it_is_a_frozen_record_of_options():
    assert isinstance(OFFICERS, PlaceboEstimator)
    assert OFFICERS.name == "Poisson dose-response (officers)"
    with pytest.raises(FrozenInstanceError):
        OFFICERS.unit_of_dose = "hours"

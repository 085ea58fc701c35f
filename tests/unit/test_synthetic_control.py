"""The synthetic control estimator: weights, measures, points, tables, notes, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts
from scipy.optimize import nnls
from synthetic_worlds import TREATED, factor_counts, factor_design

from cseval.areas import PlaceboSets
from cseval.errors import DesignError, EstimationError, SpecError
from cseval.estimators.base import ClusterEstimator, PlaceboEstimator, ProxyEstimator
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD
from cseval.estimators.synthetic_kernels import nothing_else_fits, synthetic_control_weights
from cseval.estimators.synthetic_options import MEASURE_NAMES
from cseval.estimators.synthetic_predictors import predictor_weights, regression_importance
from cseval.estimators.synthetic_series import MEASURES

EVERY = (
    SyntheticControl(),
    SyntheticControl(measure="counts", months_per_point=3),
    SyntheticControl(measure="counts", intercept=True),
    AugmentedSC(),
    AugmentedSC(months_per_point=4, penalty=0.1),
    SyntheticDiD(),
    SyntheticDiD(months_per_point=5, measure="counts"),
)


def by_nnls(points, goal):
    """Least squares on the simplex, its sum held by a heavy row."""
    heavy = 1e4 * abs(points).max()
    stacked = np.vstack([points, np.full(points.shape[1], heavy)])
    return nnls(stacked, np.append(goal, heavy))[0]


def weights_of(e, d):
    table = dict(zip(e.tables["donor_weights"]["unit"], e.tables["donor_weights"]["weight"], strict=True))
    return np.array([table.get(u, 0.0) for u in d.units])


# The estimate -------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["index", "counts", "rate"])
def test_effect_path_and_weights_by_hand(measure):
    counts = factor_counts(-0.3)[:, 50:104]
    exposure = np.random.default_rng(0).uniform(500, 1500, counts.shape)
    d = design(counts, treated=[TREATED], months_before=36, exposure=exposure)
    e = SyntheticControl(measure=measure).estimate(d)
    values, unit = counts.astype(float), np.ones(len(d.periods))
    if measure == "index":
        values = counts / counts[:, :36].mean(axis=1, keepdims=True)
        unit = np.full(len(d.periods), counts[TREATED, :36].mean())
    if measure == "rate":
        values, unit = 1000 * counts / exposure, exposure[TREATED] / 1000
    donors = np.delete(values, TREATED, axis=0)
    w = by_nnls(donors[:, :36].T, values[TREATED, :36])
    counterfactual = (w @ donors) * unit
    assert np.delete(weights_of(e, d), TREATED) == pytest.approx(w, abs=2e-5)
    assert e.path["counterfactual"].to_numpy() == pytest.approx(counterfactual, rel=1e-4)
    assert e.path["observed"].to_numpy() == pytest.approx(counts[TREATED])
    assert e.effect == pytest.approx(np.log(counts[TREATED, 36:].sum() / counterfactual[36:].sum()), abs=1e-5)
    assert e.counterfactual == pytest.approx(e.path["counterfactual"][36:].sum())
    assert e.averted()[0] == pytest.approx(e.counterfactual - e.observed)
    gap = counts[TREATED, :36] - counterfactual[:36]
    if measure != "rate":
        assert e.facts["pre_rmspe"] == pytest.approx(np.sqrt((gap**2).mean()), rel=1e-3)
    assert e.facts["donors_with_weight"] == (w >= 0.001).sum()


def test_treated_units_are_one_aggregate():
    d = factor_design(-0.3, treated=(13, 14, 20))
    e = SyntheticControl().estimate(d)
    whole = d.counts[d.is_treated].sum(axis=0)
    merged = np.vstack([np.delete(d.counts, [13, 14, 20], axis=0), whole])
    one = design(merged, treated=[len(merged) - 1], months_before=36)
    assert e.effect == pytest.approx(SyntheticControl().estimate(one).effect, abs=1e-9)
    assert e.treated_units == 3


def test_points_are_means_of_months_that_end_with_the_start():
    d = factor_design(before=35)
    e = SyntheticControl(months_per_point=3).estimate(d)
    index = d.counts / d.counts[:, :35].mean(axis=1, keepdims=True)
    points = np.column_stack([index[:, :2].mean(axis=1), index[:, 2:35].reshape(len(index), 11, 3).mean(axis=2)])
    w = by_nnls(np.delete(points, TREATED, axis=0).T, points[TREATED])
    assert np.delete(weights_of(e, d), TREATED) == pytest.approx(w, abs=2e-5)


def test_a_level_of_its_own_matches_the_course_alone():
    d = factor_design(-0.3)
    e = SyntheticControl(measure="counts", intercept=True).estimate(d)
    y = d.counts.astype(float)
    away = y[:, :36] - y[:, :36].mean(axis=1, keepdims=True)
    w = by_nnls(np.delete(away, TREATED, axis=0).T, away[TREATED])
    level = y[TREATED, :36].mean() - w @ np.delete(y, TREATED, axis=0)[:, :36].mean(axis=1)
    synthetic = w @ np.delete(y, TREATED, axis=0) + level
    assert e.path["counterfactual"].to_numpy() == pytest.approx(synthetic, rel=1e-4)
    assert e.estimator == "Synthetic control with intercept"


def test_covariates_are_matched_point_by_point():
    d = factor_design(-0.3)
    other = factor_counts(seed=8)[:, 50:104]
    panel = d.inputs.panel
    d = replace(d, inputs=replace(d.inputs, panel=replace(panel, counts={**panel.counts, "theft": other})))
    e = SyntheticControl(covariates=("theft",)).estimate(d)
    both = [c[:, :36] / c[:, :36].mean(axis=1, keepdims=True) for c in (d.counts, other)]
    stacked = np.concatenate(both, axis=1)
    w = by_nnls(np.delete(stacked, TREATED, axis=0).T, stacked[TREATED])
    assert np.delete(weights_of(e, d), TREATED) == pytest.approx(w, abs=2e-5)
    gone = np.ones(other.shape, dtype=bool)
    gone[0, 3] = False
    gap = replace(d.inputs, panel=replace(d.inputs.panel, received={"theft": gone}))
    with pytest.raises(EstimationError, match="'theft' was not received"):
        SyntheticControl(covariates=("theft",)).estimate(replace(d, inputs=gap))


def test_names_of_donors_and_their_order():
    d = factor_design()
    named = replace(d.inputs.panel, names={u: f"Borough {u}" for u in d.units})
    e = SyntheticControl().estimate(replace(d, inputs=replace(d.inputs, panel=named)))
    table = e.tables["donor_weights"]
    assert table.columns.tolist() == ["unit", "name", "weight"]
    assert (table["name"] == "Borough " + table["unit"]).all()
    assert (np.diff(table["weight"]) <= 0).all()
    assert table["weight"].sum() == pytest.approx(1)


def test_what_it_is_and_is_not():
    for estimator in EVERY:
        assert isinstance(estimator, PlaceboEstimator)
        assert isinstance(estimator, ProxyEstimator)
        assert not isinstance(estimator, ClusterEstimator)
    assert np.isnan(SyntheticControl().estimate(factor_design()).std_error)


# Many sets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", EVERY)
def test_many_sets_equal_each_as_the_treated_one(estimator):
    counts = factor_counts(-0.3, treated=(13, 14))[:, 50:104]
    d = design(counts, treated=(13, 14), months_before=36, shape=(4, 8), buffer_rings=1)
    own = estimator.estimate_many(d, d.own_set)
    assert own.effect[0] == pytest.approx(estimator.estimate(d).effect, abs=1e-12)
    sets = d.sets(np.array([[0, 1], [2, 10], [23, 31], [26, 27]]))
    many = estimator.estimate_many(d, sets)
    for k in range(4):
        one = d.treating(d.units[i] for i in sets.members[k])
        e = estimator.estimate(one)
        assert many.effect[k] == pytest.approx(e.effect, abs=1e-8)
        (t0, _), (c0, c1) = (
            (one.pre_counts[g].sum(), one.post_counts[g].sum()) for g in (one.is_treated, one.comparison)
        )
        counting, share = 1 / t0 + c0 / (t0 * c1), e.facts["pre_rmspe_share"]
        assert many.variance_terms[k] == pytest.approx([1.0, share**2, counting], rel=1e-5)
        assert many.post_term[k] == pytest.approx(c0 / (t0 * c1), rel=1e-9)
        plain = e.facts["plain_rmspe_share"] if isinstance(estimator, AugmentedSC) else share
        if isinstance(estimator, SyntheticDiD):
            same = SyntheticControl(
                measure=estimator.measure, months_per_point=estimator.months_per_point, intercept=True
            )
            plain = same.estimate(one).facts["pre_rmspe_share"]
            assert plain <= share
        assert many.misfit[k] == pytest.approx(plain**2 - 36 / (t0 * estimator.months_per_point), rel=1e-5, abs=1e-9)
        assert many.size[k] == d.counts[sets.members[k]][:, :36].sum()


def test_chunks_of_sets_change_nothing(monkeypatch):
    d = factor_design()
    sets = d.sets(np.flatnonzero(d.comparison)[:, None])
    whole = SyntheticControl().estimate_many(d, sets)
    monkeypatch.setattr("cseval.estimators.synthetic_estimate.CHUNK", 4)
    parts = SyntheticControl().estimate_many(d, sets)
    assert parts.effect == pytest.approx(whole.effect, abs=1e-12)
    for name in ("variance_terms", "post_term", "misfit"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=1e-12)


def test_counting_after_the_start_weighs_as_the_effect_says():
    d = factor_design()
    many = SyntheticControl().estimate_many(d, d.own_set)
    t0, c0, c1 = d.pre_counts[TREATED], d.pre_counts[d.comparison].sum(), d.post_counts[d.comparison].sum()
    fewer = many.under(-0.5).variance_terms[0]
    assert fewer[2] == pytest.approx(1 / t0 + np.exp(0.5) * c0 / (t0 * c1))
    assert fewer[:2] == pytest.approx(many.variance_terms[0, :2])


def test_counting_is_not_touched_by_the_sets_own_counts_after_the_start():
    terms = []
    for effect in (0.0, -1.0):
        d = factor_design(effect, level=200.0)
        terms.append(SyntheticControl().estimate_many(d, d.own_set).variance_terms[0])
    assert terms[0] == pytest.approx(terms[1], rel=1e-12)


def test_a_donor_in_the_ring_is_left_out():
    d = factor_design()
    heaviest = SyntheticControl().estimate(d).tables["donor_weights"]["unit"][0]
    ring = np.array([[d.units.index(heaviest)]])
    found = SyntheticControl().estimate_many(d, PlaceboSets(members=d.own_set.members, ring=ring))
    smaller = replace(d, pool=d.pool - {heaviest})
    assert found.effect[0] == pytest.approx(SyntheticControl().estimate(smaller).effect, abs=1e-8)


@pytest.mark.parametrize("estimator", EVERY)
def test_sets_without_incidents_or_donors_have_no_effect(estimator):
    counts = factor_counts()[:, 50:104]
    counts[2, :36], counts[3, 36:] = 0, 0
    d = design(counts, treated=[TREATED], months_before=36)
    everyone = np.flatnonzero(d.comparison)
    ring = np.full((3, len(everyone)), len(d.units))
    ring[2] = everyone
    many = estimator.estimate_many(d, PlaceboSets(members=np.array([[2], [3], [4]]), ring=ring))
    assert np.isnan(many.effect[1:]).all()
    assert np.isnan(many.effect[0]) or estimator.measure == "counts"


# What is refused, what is said --------------------------------------------------------------------


def test_one_clear_sentence_each():
    counts = factor_counts()[:, 50:104]
    with pytest.raises(EstimationError, match=r"1 months before the start in 1 point; expected at least two points"):
        SyntheticControl().estimate(design(counts, treated=[TREATED], months_before=1))
    with pytest.raises(EstimationError, match=r"6 months before the start in 1 point"):
        SyntheticControl(months_per_point=6).estimate(design(counts, treated=[TREATED], months_before=6))
    empty = counts.copy()
    empty[[4, 9], :36] = 0
    with pytest.raises(EstimationError, match=r"comparison unit U004 and 1 more had no incident before the start"):
        SyntheticControl().estimate(design(empty, treated=[TREATED], months_before=36))
    SyntheticControl(measure="counts").estimate(design(empty, treated=[TREATED], months_before=36))
    for months, phase in ((slice(0, 36), "pre"), (slice(36, 54), "post"), (slice(0, 54), "pre")):
        none = counts.copy()
        none[TREATED, months] = 0
        with pytest.raises(EstimationError, match=f"no incident in the treated units in the {phase} period"):
            SyntheticControl(measure="counts").estimate(design(none, treated=[TREATED], months_before=36))
    with pytest.raises(EstimationError, match="no exposure in the panel"):
        SyntheticControl(measure="rate").estimate(design(counts, treated=[TREATED], months_before=36))
    ended = counts.copy()
    ended[np.arange(32) != TREATED, 36:] = 0
    with pytest.raises(EstimationError, match="has no incident left after the start"):
        SyntheticControl().estimate(design(ended, treated=[TREATED], months_before=36))
    with pytest.raises(DesignError, match="no comparison unit is left"):
        SyntheticControl().estimate(replace(factor_design(), pool=frozenset()))


@pytest.mark.parametrize("estimator", [SyntheticControl(), AugmentedSC(), SyntheticDiD()])
def test_units_that_begin_in_different_months_are_refused(estimator):
    d = factor_design(treated=(13, 14))
    staggered = replace(d, delays={"U014": 2})
    for call in (
        lambda: estimator.estimate(staggered),
        lambda: estimator.estimate_many(staggered, d.own_set),
        lambda: estimator.proxy_residuals(staggered, d.own_set, np.zeros(1)),
    ):
        with pytest.raises(DesignError, match="units begin in different months"):
            call()


def test_declaring_loads_nothing_heavy():
    code = (
        "import sys; from cseval.checks.leave_one_donor_out import LeaveOneDonorOut; "
        "from cseval.estimators.synthetic_control import AugmentedSC; "
        "from cseval.estimators.synthetic_did import SyntheticDiD; AugmentedSC(), SyntheticDiD(), LeaveOneDonorOut(); "
        "print(sorted({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert set(MEASURES) == set(MEASURE_NAMES)


def test_options_are_checked_when_declared():
    with pytest.raises(SpecError, match="measure='share'; expected one of index, counts, rate"):
        SyntheticControl(measure="share")
    with pytest.raises(SpecError, match="months_per_point=0"):
        AugmentedSC(months_per_point=0)
    with pytest.raises(SpecError, match="penalty=-1"):
        AugmentedSC(penalty=-1)


def test_a_treated_area_without_the_covariate_is_refused():
    d = factor_design()
    other = factor_counts(seed=8)[:, 50:104]
    other[TREATED] = 0
    panel = replace(d.inputs.panel, counts={**d.inputs.panel.counts, "theft": other})
    d = replace(d, inputs=replace(d.inputs, panel=panel))
    with pytest.raises(
        EstimationError, match="outcome burglary, theft: the treated area had no incident before the start"
    ):
        SyntheticControl(covariates=("theft",)).estimate(d)
    SyntheticControl(measure="counts", covariates=("theft",)).estimate(d)


def test_identical_donors_share_the_weight_and_a_note_says_so():
    counts = np.repeat(poisson_counts(1, 40, level=50, seed=1), 6, axis=0)
    counts[0] = poisson_counts(1, 40, level=50, seed=2)
    e = SyntheticControl().estimate(design(counts, treated=[0], months_before=30))
    assert e.tables["donor_weights"]["weight"].to_numpy() == pytest.approx(np.full(5, 0.2), abs=1e-6)
    assert e.notes == ("Other donor weights fit equally well; the most even of them are used.",)
    assert not any("equally well" in n for n in SyntheticControl().estimate(factor_design()).notes)


def test_a_poor_fit_and_the_convex_hull_are_told():
    d = factor_design()
    assert not SyntheticControl().estimate(d).notes
    y = d.counts.copy()
    y[TREATED, :36] = 40 + 30 * np.sin(np.arange(36))
    poor = SyntheticControl().estimate(design(y, treated=[TREATED], months_before=36))
    assert not poor.facts["in_convex_hull"]
    assert "miss the treated area by" in poor.notes[0]
    y[TREATED] = y[:4].sum(axis=0)
    inside = SyntheticControl(measure="counts").estimate(design(y // 1, treated=[TREATED], months_before=36))
    assert not inside.facts["in_convex_hull"]  # four times too large for counts
    assert SyntheticControl().estimate(design(y, treated=[TREATED], months_before=36)).facts["in_convex_hull"]


def test_months_and_units_left_out_are_told():
    received = np.ones((32, 54), dtype=bool)
    received[30, 4] = False
    received[:, 6] = False
    counts = factor_counts()[:, 50:104]
    e = SyntheticControl().estimate(design(counts, treated=[TREATED], months_before=36, received=received))
    assert len(e.left_out) == 2
    assert e.pre_periods == 35
    assert "U030" not in e.tables["donor_weights"]["unit"].tolist()


# Plain arrays -------------------------------------------------------------------------------------


def test_weights_from_plain_arrays_need_no_counts():
    rng = np.random.default_rng(0)
    donors = rng.normal(size=(30, 6))
    truth = np.array([0.5, 0, 0.3, 0, 0.2, 0])
    assert synthetic_control_weights(donors, donors @ truth) == pytest.approx(truth, abs=1e-6)


def test_uniqueness_of_weights():
    rng = np.random.default_rng(0)
    points, every = rng.normal(size=(4, 9)), np.ones(9, dtype=bool)
    w = np.full(9, 1 / 9)
    assert not nothing_else_fits(points, points @ w, every, w)
    far = np.full(4, 50.0)
    best = synthetic_control_weights(points, far)
    assert nothing_else_fits(points, far, every, best)


def test_predictors_by_importance():
    rng = np.random.default_rng(3)
    donors, truth = rng.normal(size=(25, 8)), np.array([0.6, 0.4, 0, 0, 0, 0, 0, 0])
    treated = donors @ truth
    predictors = np.vstack([donors[:3], rng.normal(size=(2, 8))])
    own = np.append(treated[:3], [3.0, -3.0])  # two that mislead
    fit = predictor_weights(predictors, own, donors, treated)
    equal = synthetic_control_weights(*(x / predictors.std(axis=1)[:, None] for x in (predictors,)), own / 1.0)
    assert fit.importance.sum() == pytest.approx(1)
    assert fit.importance[3:].sum() < 0.2
    assert fit.loss <= ((treated - donors @ equal) ** 2).mean()
    assert fit.loss == pytest.approx(((treated - donors @ fit.weights) ** 2).mean())


def test_importance_by_regression_finds_the_predictor_that_matters():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(3, 40))
    found = regression_importance(x, np.outer(np.arange(1.0, 6.0), x[1]))
    assert found == pytest.approx([0, 1, 0], abs=1e-9)


def test_a_predictor_that_is_the_same_everywhere_is_refused():
    x = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0]])
    with pytest.raises(EstimationError, match="predictor number 0 is missing or the same in every unit"):
        predictor_weights(x, np.array([1.0, 2.5]), x, np.array([1.0, 2.0]))

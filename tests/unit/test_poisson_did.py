"""Poisson difference in differences: the closed form, the iterated path, and what is refused."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import statsmodels.api as sm
from builders import design, poisson_counts

from cseval.areas import draw_connected
from cseval.errors import EstimationError
from cseval.estimators.base import PlaceboEstimator
from cseval.estimators.collapsed import month_totals, table_dispersion
from cseval.estimators.did_kernels import pearson_dispersion
from cseval.estimators.poisson_did import PoissonDiD

TREATED = [7, 8, 13]


def make(effect=-0.2, seed=2, exposure=None, **options):
    counts = poisson_counts(36, 20, treated=TREATED, start=12, effect=effect, seed=seed)
    return design(counts, treated=TREATED, months_before=12, shape=(6, 6), exposure=exposure, **options)


def dummies_fit(d, offset=None):
    """The same model by statsmodels with a dummy for every unit and month, clustered by unit."""
    used = d.is_treated | d.comparison
    y = d.counts[used]
    units, months = y.shape
    switch = (d.is_treated[used][:, None] & d.post).astype(float)
    unit = np.kron(np.eye(units), np.ones((months, 1)))
    month = np.kron(np.ones((units, 1)), np.eye(months))[:, 1:]
    x = np.column_stack([switch.ravel(), unit, month])
    model = sm.GLM(y.ravel(), x, family=sm.families.Poisson(), offset=None if offset is None else offset[used].ravel())
    groups = np.repeat(np.arange(units), months)
    options = {"groups": groups, "use_correction": False}
    return model.fit(tol=1e-13, cov_type="cluster", cov_kwds=options), units


def test_effect_and_cluster_error_equal_statsmodels_with_dummies():
    d = make(buffer_rings=1)
    mine = PoissonDiD().estimate(d)
    peer, clusters = dummies_fit(d)
    assert mine.effect == pytest.approx(peer.params[0], abs=1e-8)
    assert mine.std_error == pytest.approx(peer.bse[0] * math.sqrt(clusters / (clusters - 1)), rel=1e-7)


def test_changing_exposure_is_iterated_and_equals_statsmodels():
    rng = np.random.default_rng(9)
    exposure = rng.uniform(50, 150, (36, 20))
    d = make(exposure=exposure)
    mine = PoissonDiD(exposure=True).estimate(d)
    peer, clusters = dummies_fit(d, np.log(exposure))
    assert mine.facts["method"] == "iterated"
    assert mine.effect == pytest.approx(peer.params[0], abs=1e-8)
    assert mine.std_error == pytest.approx(peer.bse[0] * math.sqrt(clusters / (clusters - 1)), rel=1e-7)
    post = mine.path[mine.path["period"] >= d.start]
    assert post["counterfactual"].sum() == pytest.approx(mine.counterfactual, rel=1e-8)


def test_constant_exposure_changes_nothing():
    exposure = np.repeat(np.random.default_rng(1).uniform(50, 150, (36, 1)), 20, axis=1)
    with_it = PoissonDiD(exposure=True).estimate(make(exposure=exposure))
    assert with_it.facts["method"] == "closed form"
    assert with_it.effect == PoissonDiD().estimate(make()).effect


def test_counterfactual_is_observed_over_the_ratio_and_adds_up_along_the_path():
    d = make()
    e = PoissonDiD().estimate(d)
    post = e.path["period"] >= d.start
    assert e.observed == d.counts[d.is_treated][:, d.post].sum()
    assert e.path.loc[post, "counterfactual"].sum() == pytest.approx(e.counterfactual, rel=1e-12)
    assert e.path.loc[post, "fitted"].sum() == pytest.approx(e.observed, rel=1e-12)
    assert e.path.loc[~post, "counterfactual"].sum() == pytest.approx(e.facts["T0"], rel=1e-12)
    assert e.averted()[0] == pytest.approx(e.counterfactual - e.observed, rel=1e-9)
    assert e.path["low"].isna().all()


def test_own_set_and_each_placebo_set_equal_estimate():
    d = make(buffer_rings=1)
    e = PoissonDiD().estimate(d)
    own, error = PoissonDiD().estimate_many(d, d.own_set), PoissonDiD().cluster_errors(d, d.own_set)
    assert (own.effect[0], error.std_error[0]) == pytest.approx((e.effect, e.std_error), rel=1e-12)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 4, np.random.default_rng(0)))
    many, errors = PoissonDiD().estimate_many(d, sets), PoissonDiD().cluster_errors(d, sets)
    for row in range(len(sets)):
        placebo = PoissonDiD().estimate(d.treating(d.units[i] for i in sets.members[row]))
        assert many.effect[row] == pytest.approx(placebo.effect, rel=1e-12)
        assert errors.std_error[row] == pytest.approx(placebo.std_error, rel=1e-9)


def test_variance_terms_are_a_constant_and_the_poisson_variance_without_effect():
    d = make()
    many = PoissonDiD().estimate_many(d, d.own_set)
    f = PoissonDiD().estimate(d).facts
    expected = f["T0"] * f["C1"] / f["C0"]
    value = 1 / f["T0"] + 1 / expected + 1 / f["C0"] + 1 / f["C1"]
    assert many.variance_terms[0] == pytest.approx([1.0, value], rel=1e-12)


def test_iterated_many_equals_the_iterated_estimate_and_leaves_nan_where_nothing_is_estimable():
    exposure = np.random.default_rng(9).uniform(50, 150, (36, 20))
    counts = poisson_counts(36, 20, seed=2)
    counts[20:23, 12:] = 0
    d = design(counts, treated=TREATED, months_before=12, shape=(6, 6), exposure=exposure)
    sets = d.sets(np.array([[0, 1, 2], [20, 21, 22]]))
    many = PoissonDiD(exposure=True).estimate_many(d, sets)
    one = PoissonDiD(exposure=True).estimate(d.treating(d.units[i] for i in (0, 1, 2)))
    assert many.effect[0] == pytest.approx(one.effect, rel=1e-9)
    errors = PoissonDiD(exposure=True).cluster_errors(d, sets)
    assert errors.std_error[0] == pytest.approx(one.std_error, rel=1e-7)
    assert np.isnan(many.effect[1])


def test_covariate_outcome_enters_the_iterated_model():
    from dataclasses import replace

    d = make()
    panel = d.inputs.panel
    other = poisson_counts(36, 20, level=3, seed=77)
    both = replace(panel, counts={**panel.counts, "calls": other})
    d = replace(d, inputs=replace(d.inputs, panel=both))
    e = PoissonDiD(covariates=("calls",)).estimate(d)
    assert e.coefficients["term"].tolist() == ["treated x post", "calls"]
    assert e.effect == e.coefficients["estimate"][0]
    assert e.effect != pytest.approx(PoissonDiD().estimate(d).effect, abs=1e-6)
    gap = np.ones(other.shape, dtype=bool)
    gap[0, 3] = False
    d = replace(d, inputs=replace(d.inputs, panel=replace(both, received={"calls": gap})))
    with pytest.raises(EstimationError, match="'calls' was not received"):
        PoissonDiD(covariates=("calls",)).estimate(d)


@pytest.mark.parametrize(
    ("units", "months", "words"),
    [
        (TREATED, slice(12, 20), "no incident in the treated units in the post period"),
        (TREATED, slice(0, 12), "no incident in the treated units in the pre period"),
        ([i for i in range(36) if i not in TREATED], slice(12, 20), "no incident in the comparison units in the post"),
    ],
)
def test_an_empty_group_is_refused_in_one_sentence(units, months, words):
    counts = poisson_counts(36, 20, seed=2)
    counts[units, months] = 0
    d = design(counts, treated=TREATED, months_before=12, shape=(6, 6))
    with pytest.raises(EstimationError, match=words):
        PoissonDiD().estimate(d)
    assert np.isnan(PoissonDiD().estimate_many(d, d.own_set).effect[0])


def test_exposure_asked_for_and_absent_is_refused():
    with pytest.raises(EstimationError, match="no exposure in the panel"):
        PoissonDiD(exposure=True).estimate(make())


def test_units_and_months_left_out_are_told():
    received = np.ones((36, 20), dtype=bool)
    received[30, 4] = False
    received[:, 6] = False
    e = PoissonDiD().estimate(make(received=received))
    assert e.left_out == (
        "1 comparison units with a missing month left out.",
        "Months not received, left out for every unit: 2015-07.",
    )
    assert e.comparison_units == 32
    assert e.pre_periods == 11


def test_it_is_a_frozen_record_of_options():
    estimator = PoissonDiD()
    assert isinstance(estimator, PlaceboEstimator)
    assert estimator.name == "Poisson DiD"
    with pytest.raises(FrozenInstanceError):
        estimator.exposure = True


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_lean_sums_equal_plain_ones(share, monkeypatch):
    rng = np.random.default_rng(5)
    counts, rows = rng.negative_binomial(3, 0.3, (50, 12)), rng.random(50) < share
    counts[4], counts[:, 7] = 0, 0
    assert month_totals(counts, rows).tolist() == counts[rows].sum(axis=0).tolist()
    plain = pearson_dispersion(counts[rows].astype(float))
    assert table_dispersion(counts, rows) == pytest.approx(plain, rel=1e-11)
    monkeypatch.setattr("cseval.estimators.collapsed.ROWS", 7)
    assert table_dispersion(counts, rows) == pytest.approx(plain, rel=1e-11)
    assert math.isnan(table_dispersion(counts[:, :1], rows))


def test_the_panel_is_not_copied():
    """Beyond the design's own counts and sums an estimate takes less than the panel's own array."""
    d = design(np.random.default_rng(0).poisson(5, (6000, 60)), treated=[0, 1, 2], months_before=40)
    PoissonDiD().estimate(d)  # imports and the design's sums
    tracemalloc.start()
    PoissonDiD().estimate(d)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < d.counts.nbytes

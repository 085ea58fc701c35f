"""Linear difference in differences: the difference of four means against linearmodels, with and without covariates."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from builders import design, poisson_counts
from linearmodels import PanelOLS

from cseval.areas import PlaceboSets, draw_connected
from cseval.errors import EstimationError, SpecError
from cseval.estimators.linear_did import LinearDiD

TREATED = [7, 8, 13]


def make(exposure=None, **options):
    counts = poisson_counts(36, 20, treated=TREATED, start=12, effect=-0.2, seed=4)
    return design(counts, treated=TREATED, months_before=12, shape=(6, 6), exposure=exposure, **options)


def with_calls(d, gap=False):
    """The same design with a second outcome to adjust for."""
    panel, received = d.inputs.panel, np.ones((36, 20), dtype=bool)
    received[0, 3] = not gap
    counts = {**panel.counts, "calls": poisson_counts(36, 20, level=3, seed=77)}
    return replace(d, inputs=replace(d.inputs, panel=replace(panel, counts=counts, received={"calls": received})))


def panel_ols(d, per=None, covariates=()):
    """Coefficients and errors by unit of linearmodels, of the modelled quantity."""
    used = d.is_treated | d.comparison
    values = (d.counts if per is None else d.counts * per / d.exposure)[used].astype(float)
    switch = (d.is_treated[used][:, None] & d.post).astype(float)
    index = pd.MultiIndex.from_product([range(used.sum()), range(values.shape[1])], names=["unit", "month"])
    columns = {"did": switch.ravel()}
    columns |= {c: d.inputs.panel.counts[c][used].ravel().astype(float) for c in covariates}
    model = PanelOLS(
        pd.Series(values.ravel(), index=index),
        pd.DataFrame(columns, index=index),
        entity_effects=True,
        time_effects=True,
    )
    return model.fit(cov_type="clustered", cluster_entity=True)


def four_means(values, d):
    t, c, post = d.is_treated, d.comparison, d.post
    return (
        values[t][:, post].mean() - values[t][:, ~post].mean() - values[c][:, post].mean() + values[c][:, ~post].mean()
    )


def test_effect_is_the_difference_of_four_means():
    d = make(buffer_rings=1)
    e = LinearDiD().estimate(d)
    assert e.effect == pytest.approx(four_means(d.counts, d), abs=1e-10)
    assert e.counterfactual == pytest.approx(e.observed - e.effect * 3 * 8, rel=1e-12)
    assert e.averted()[0] == pytest.approx(e.counterfactual - e.observed, rel=1e-10)


@pytest.mark.parametrize("per", [None, 1000.0])
def test_many_sets_equal_linearmodels_set_by_set(per):
    exposure = np.random.default_rng(3).uniform(500, 2000, (36, 20))
    d, estimator = make(exposure=exposure, buffer_rings=1), LinearDiD(per=per)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 3, np.random.default_rng(0)))
    fit, mine = panel_ols(d, per), estimator.estimate(d).coefficients.iloc[0]
    assert mine["estimate"] == pytest.approx(fit.params["did"], abs=1e-10)
    assert mine["std_error"] == pytest.approx(fit.std_errors["did"], abs=1e-10)
    many, errors = estimator.estimate_many(d, sets), estimator.cluster_errors(d, sets)
    for row in range(len(sets)):
        one = estimator.estimate(d.treating(d.units[i] for i in sets.members[row]))
        assert many.effect[row] == pytest.approx(one.effect, abs=1e-10)
        assert errors.std_error[row] == pytest.approx(one.std_error, abs=1e-10)
    own, e = estimator.estimate_many(d, d.own_set), estimator.estimate(d)
    assert own.effect[0] == pytest.approx(e.effect, abs=1e-10)
    assert estimator.cluster_errors(d, d.own_set).std_error[0] == pytest.approx(e.std_error, abs=1e-10)


@pytest.mark.parametrize("per", [None, 1000.0])
@pytest.mark.parametrize("width", [1, 4])
def test_padded_rows_are_the_sets_without_padding(per, width):
    exposure = np.random.default_rng(3).uniform(500, 2000, (36, 20))
    d, estimator = make(exposure=exposure, buffer_rings=1), LinearDiD(per=per)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 8, np.random.default_rng(0)))
    plain = estimator.estimate_many(d, sets)
    padding = np.full((8, width), len(d.units))
    padded = PlaceboSets(members=np.hstack([sets.members, padding]), ring=np.hstack([sets.ring, padding]))
    many, errors = estimator.estimate_many(d, padded), estimator.cluster_errors(d, padded)
    for name in ("effect", "variance_terms", "size"):
        assert getattr(many, name) == pytest.approx(getattr(plain, name), rel=1e-12)
    assert errors.std_error == pytest.approx(estimator.cluster_errors(d, sets).std_error, rel=1e-12)
    assert (errors.df + 1).tolist() == [d.treating(d.units[i] for i in m).comparison.sum() + 3 for m in sets.members]
    assert many.size.tolist() == [d.pre_counts[m].sum() for m in sets.members]


def test_variance_terms_are_the_square_of_the_baseline_level_and_the_level():
    d = make()
    terms = LinearDiD().estimate_many(d, d.own_set).variance_terms[0]
    level = d.counts[d.is_treated][:, ~d.post].mean()
    assert terms == pytest.approx([level**2, level], rel=1e-12)


def test_rate_is_turned_into_incidents_through_the_exposure():
    exposure = np.repeat(np.random.default_rng(3).uniform(500, 2000, (36, 1)), 20, axis=1)
    d = make(exposure=exposure)
    e = LinearDiD(per=1000).estimate(d)
    rate = four_means(1000 * d.counts / exposure, d)
    assert e.coefficients["estimate"][0] == pytest.approx(rate, abs=1e-10)
    people = exposure[d.is_treated].mean() / 1000
    assert e.effect == pytest.approx(rate * people, rel=1e-10)
    assert e.counterfactual == pytest.approx(e.observed - rate * people * 3 * 8, rel=1e-10)


@pytest.mark.parametrize("per", [None, 1000.0])
def test_path_differs_from_its_counterfactual_by_the_effect_after_the_start_only(per):
    exposure = np.repeat(np.random.default_rng(3).uniform(500, 2000, (36, 1)), 20, axis=1)
    d = make(exposure=exposure)
    e = LinearDiD(per=per).estimate(d)
    gap = (e.path["fitted"] - e.path["counterfactual"]).to_numpy()
    assert gap[~d.post] == pytest.approx(0, abs=1e-12)
    assert gap[d.post] == pytest.approx(3 * e.effect, rel=1e-10)
    if per is None:
        assert e.path["counterfactual"][d.post].sum() == pytest.approx(e.counterfactual, rel=1e-10)


def test_a_rate_needs_exposure_and_a_positive_base():
    with pytest.raises(EstimationError, match="no exposure"):
        LinearDiD(per=1000).estimate(make())
    with pytest.raises(SpecError, match="above 0"):
        LinearDiD(per=0)


@pytest.mark.parametrize("per", [None, 1000.0])
def test_covariates_are_fitted_by_linearmodels_and_many_sets_agree(per):
    exposure = np.random.default_rng(3).uniform(500, 2000, (36, 20))
    d, estimator = with_calls(make(exposure=exposure, buffer_rings=1)), LinearDiD(per=per, covariates=("calls",))
    e, fit = estimator.estimate(d), panel_ols(d, per, ("calls",))
    assert e.facts["method"] == "linearmodels.PanelOLS"
    assert e.coefficients["term"].tolist() == ["treated x post", "calls"]
    assert e.coefficients["estimate"].to_numpy() == pytest.approx(fit.params.to_numpy(), abs=1e-12)
    assert e.coefficients["std_error"].to_numpy() == pytest.approx(fit.std_errors.to_numpy(), abs=1e-12)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 3, np.random.default_rng(0)))
    many, errors = estimator.estimate_many(d, sets), estimator.cluster_errors(d, sets)
    for row in range(len(sets)):
        one = estimator.estimate(d.treating(d.units[i] for i in sets.members[row]))
        assert many.effect[row] == pytest.approx(one.effect, abs=1e-9)
        assert errors.std_error[row] == pytest.approx(one.std_error, abs=1e-9)


def test_covariates_leave_a_path_that_differs_by_the_effect():
    d = with_calls(make())
    e = LinearDiD(covariates=("calls",)).estimate(d)
    gap = (e.path["fitted"] - e.path["counterfactual"]).to_numpy()
    assert gap[~d.post] == pytest.approx(0, abs=1e-12)
    assert gap[d.post] == pytest.approx(3 * e.effect, rel=1e-10)
    assert e.path["fitted"][d.post].sum() == pytest.approx(e.observed, rel=1e-10)
    assert e.path["counterfactual"][d.post].sum() == pytest.approx(e.counterfactual, rel=1e-10)


def test_covariates_that_effects_explain_or_that_are_missing_are_refused():
    d = with_calls(make())
    panel = d.inputs.panel
    flat = replace(panel, counts={**panel.counts, "flat": np.repeat(np.arange(36)[:, None], 20, axis=1)})
    flat = replace(d, inputs=replace(d.inputs, panel=flat))
    with pytest.raises(EstimationError, match="not identified"):
        LinearDiD(covariates=("flat",)).estimate(flat)
    assert np.isnan(LinearDiD(covariates=("flat",)).estimate_many(flat, flat.own_set).effect).all()
    with pytest.raises(EstimationError, match="'calls' was not received"):
        LinearDiD(covariates=("calls",)).estimate(with_calls(make(), gap=True))


@pytest.mark.parametrize("per", [None, 1000.0])
def test_blocks_of_units_change_nothing(per, monkeypatch):
    exposure = np.random.default_rng(3).uniform(500, 2000, (36, 20))
    e = LinearDiD(per=per).estimate(make(exposure=exposure))
    for module in ("linear_kernels", "collapsed"):
        monkeypatch.setattr(f"cseval.estimators.{module}.ROWS", 7)
    again = LinearDiD(per=per).estimate(make(exposure=exposure))
    assert (again.effect, again.std_error) == pytest.approx((e.effect, e.std_error), rel=1e-12)
    assert again.path["counterfactual"].to_numpy() == pytest.approx(e.path["counterfactual"].to_numpy(), rel=1e-12)


def test_the_panel_is_not_copied():
    """Beyond the design's own counts and sums an estimate takes less than the panel's own array."""
    d = design(np.random.default_rng(0).poisson(5, (6000, 60)), treated=[0, 1, 2], months_before=40)
    estimator = LinearDiD()
    estimator.estimate(d)  # imports and the design's sums
    tracemalloc.start()
    estimator.estimate(d)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < d.counts.nbytes

"""Leads and lags against statsmodels and linearmodels with one indicator per bin."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from builders import design, poisson_counts
from linearmodels import PanelOLS

from cseval.areas import draw_connected
from cseval.errors import EstimationError, SpecError
from cseval.estimators.base import PlaceboEstimator
from cseval.estimators.event_study import EventStudy
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo import PlaceboNeighbourhoods

TREATED = [7, 8, 13]


def make(effect=-0.3, **options):
    counts = poisson_counts(36, 20, treated=TREATED, start=11, effect=effect, seed=6)
    return design(counts, treated=TREATED, months_before=11, shape=(6, 6), **options)


def indicators(d, bins, base):
    """Treated x bin indicators without the base bin, shape (units used, months, bins - 1)."""
    used = d.is_treated | d.comparison
    chosen = [b for b in bins if b != base]
    inside = np.stack([(d.event_time >= a) & (d.event_time <= b) for a, b in chosen], axis=1)
    return d.is_treated[used][:, None, None] * inside[None].astype(float), chosen


def test_poisson_coefficients_and_errors_equal_statsmodels():
    d = make(buffer_rings=1)
    estimator = EventStudy(bin_months=3)
    table = estimator.estimate(d).coefficients
    x, chosen = indicators(d, estimator.bins_of(d), (-3, -1))
    units, months, width = x.shape
    dummies = [np.kron(np.eye(units), np.ones((months, 1))), np.kron(np.ones((units, 1)), np.eye(months))[:, 1:]]
    y = d.counts[d.is_treated | d.comparison].ravel()
    options = {"groups": np.repeat(np.arange(units), months), "use_correction": False}
    model = sm.GLM(y, np.column_stack([x.reshape(-1, width), *dummies]), family=sm.families.Poisson())
    peer = model.fit(tol=1e-13, cov_type="cluster", cov_kwds=options)
    mine = table.set_index("term").loc[[f"{a}..{b}" for a, b in chosen]]
    assert mine["estimate"].to_numpy() == pytest.approx(peer.params[:width], abs=1e-8)
    correction = math.sqrt(units / (units - 1))
    assert mine["std_error"].to_numpy() == pytest.approx(peer.bse[:width] * correction, rel=1e-7)


def test_linear_coefficients_and_errors_equal_linearmodels():
    d = make(buffer_rings=1)
    estimator = EventStudy(bin_months=4, linear=True)
    table = estimator.estimate(d).coefficients.set_index("term")
    x, chosen = indicators(d, estimator.bins_of(d), (-4, -1))
    units, months, width = x.shape
    index = pd.MultiIndex.from_product([range(units), range(months)])
    frame = pd.DataFrame(x.reshape(-1, width), index=index, columns=[f"{a}..{b}" for a, b in chosen])
    y = pd.Series(d.counts[d.is_treated | d.comparison].ravel().astype(float), index=index, name="y")
    model = PanelOLS(y, frame, entity_effects=True, time_effects=True)
    peer = model.fit(cov_type="clustered", cluster_entity=True, debiased=False)
    assert table.loc[frame.columns, "estimate"].to_numpy() == pytest.approx(peer.params.to_numpy(), abs=1e-10)
    observations = units * months
    factor = (observations - units - months + 1) / observations * units / (units - 1)
    expected = peer.std_errors.to_numpy() * math.sqrt(factor)
    assert table.loc[frame.columns, "std_error"].to_numpy() == pytest.approx(expected, rel=1e-9)


def test_bins_run_outwards_from_the_start_and_the_outer_ones_may_be_shorter():
    d = make(transition=2)
    bins = EventStudy(bin_months=3).bins_of(d)
    assert bins == ((-11, -10), (-9, -7), (-6, -4), (-3, -1), (0, 2), (3, 5), (6, 6))
    table = EventStudy(bin_months=3).estimate(d).coefficients
    assert table["term"].tolist()[:2] == ["-11..-10", "-9..-7"]
    assert table["first_event_time"].tolist() == [a for a, _ in bins]
    assert table["last_event_time"].tolist() == [b for _, b in bins]


def test_base_bin_is_zero_without_an_error():
    table = EventStudy().estimate(make()).coefficients.set_index("term")
    assert table.loc["-3..-1", "estimate"] == 0
    assert table.loc["-3..-1", ["std_error", "conf_low", "conf_high", "p_value"]].isna().all()
    assert table.drop("-3..-1").notna().all(axis=None)


@pytest.mark.parametrize(("linear", "did"), [(False, PoissonDiD()), (True, LinearDiD())])
def test_against_the_mean_of_the_pre_period_the_effect_is_difference_in_differences(linear, did):
    d = make()
    mine, peer = EventStudy(base="mean", linear=linear).estimate(d), did.estimate(d)
    assert mine.effect == pytest.approx(peer.effect, abs=1e-12)
    assert mine.counterfactual == pytest.approx(peer.counterfactual, rel=1e-12)
    if not linear:
        assert mine.std_error == pytest.approx(peer.std_error, rel=1e-12)
    assert (mine.coefficients["std_error"] > 0).all()


def test_effect_is_the_post_period_against_the_base_bin():
    d = make()
    e = EventStudy(bin_months=2).estimate(d)
    t, c = d.counts[d.is_treated].sum(axis=0), d.counts[d.comparison].sum(axis=0)
    base, post = (d.event_time >= -2) & ~d.post, d.post
    assert e.effect == pytest.approx(math.log(t[post].sum() / t[base].sum() / (c[post].sum() / c[base].sum())))


def test_one_bin_after_the_start_reduces_to_its_ratio():
    d = make()
    e = EventStudy(bins=((-11, -1), (0, 8))).estimate(d)
    assert e.coefficients["estimate"].tolist() == pytest.approx([0.0, e.effect])
    assert e.effect == pytest.approx(PoissonDiD().estimate(d).effect)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("base", ["last", "mean"])
def test_many_sets_equal_estimate_set_by_set(base, linear):
    d, estimator = make(buffer_rings=1), EventStudy(base=base, linear=linear)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 4, np.random.default_rng(0)))
    many = estimator.coefficients_many(d, sets)
    assert many.shape == (4, len(estimator.bins_of(d)))
    for row in range(4):
        one = estimator.estimate(d.treating(d.units[i] for i in sets.members[row])).coefficients
        assert many[row] == pytest.approx(one["estimate"].to_numpy(), abs=1e-12)


@pytest.mark.parametrize("linear", [False, True])
def test_path_fits_the_total_of_every_bin(linear):
    d = make()
    e = EventStudy(linear=linear).estimate(d)
    for a, b in EventStudy().bins_of(d):
        inside = (d.event_time >= a) & (d.event_time <= b)
        assert e.path["fitted"][inside].sum() == pytest.approx(e.path["observed"][inside].sum(), rel=1e-10)
    assert e.path["counterfactual"][d.post].sum() == pytest.approx(e.counterfactual, rel=1e-10)


def test_months_of_no_bin_have_no_fit():
    e = EventStudy(bins=((-3, -1), (0, 3))).estimate(make())
    assert e.path["fitted"].notna().sum() == 7


def test_an_empty_bin_has_nan_and_an_empty_base_is_refused():
    d = make()
    counts = d.inputs.panel.counts["burglary"].copy()
    counts[TREATED, 12] = 0
    empty = design(counts, treated=TREATED, months_before=11, shape=(6, 6))
    table = EventStudy(bin_months=1).estimate(empty).coefficients
    assert table.loc[table["estimate"].isna(), "term"].tolist() == ["1..1"]
    counts[TREATED, 8:11] = 0
    empty = design(counts, treated=TREATED, months_before=11, shape=(6, 6))
    with pytest.raises(EstimationError, match="no incident in the base"):
        EventStudy().estimate(empty)
    assert EventStudy(base="mean").estimate(empty).effect < 0


@pytest.mark.parametrize("bins", [((-3, -1), (-1, 4)), ((-3, 1), (2, 4)), ((0, 2), (-3, -1)), ((2, 1),), ()])
def test_bins_that_overlap_or_straddle_the_start_are_refused(bins):
    with pytest.raises(SpecError, match="EventStudy"):
        EventStudy(bins=bins)


def test_options_are_validated():
    with pytest.raises(SpecError, match="at least 1"):
        EventStudy(bin_months=0)
    with pytest.raises(SpecError, match="'last' or 'mean'"):
        EventStudy(base="first")
    with pytest.raises(EstimationError, match="both sides"):
        EventStudy(bins=((-3, -1), (90, 95))).estimate(make())


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("base", ["last", "mean"])
def test_many_effects_and_errors_equal_estimate_set_by_set(base, linear):
    d, estimator = make(buffer_rings=1), EventStudy(base=base, linear=linear)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 4, np.random.default_rng(0)))
    many, errors = estimator.estimate_many(d, sets), estimator.cluster_errors(d, sets)
    assert isinstance(estimator, PlaceboEstimator)
    for row in range(4):
        one = estimator.estimate(d.treating(d.units[i] for i in sets.members[row]))
        assert many.effect[row] == pytest.approx(one.effect, abs=1e-12)
        assert errors.std_error[row] == pytest.approx(one.std_error, rel=1e-10)
        assert errors.df[row] == one.treated_units + one.comparison_units - 1
        assert many.size[row] == d.pre_counts[sets.members[row]].sum()


@pytest.mark.parametrize(("linear", "did"), [(False, PoissonDiD()), (True, LinearDiD())])
def test_against_the_mean_many_effects_are_those_of_difference_in_differences(linear, did):
    d = make(buffer_rings=1)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 30, np.random.default_rng(0)))
    mine, peer = EventStudy(base="mean", linear=linear).estimate_many(d, sets), did.estimate_many(d, sets)
    assert mine.effect == pytest.approx(peer.effect, abs=1e-12)
    assert mine.variance_terms == pytest.approx(peer.variance_terms, rel=1e-12)


def test_the_effect_is_ranked_among_placebo_neighbourhoods():
    counts = poisson_counts(100, 20, treated=[44, 45, 54], start=11, effect=-1.2, level=20, seed=6)
    d = design(counts, treated=[44, 45, 54], months_before=11, shape=(10, 10))
    estimator = EventStudy(base="mean")
    found = PlaceboNeighbourhoods(draws=199).infer(d, estimator, estimator.estimate(d), 1)
    same = PlaceboNeighbourhoods(draws=199).infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1)
    assert found.p_value == same.p_value == found.facts["smallest_p"]
    assert found.conf_high == pytest.approx(same.conf_high, abs=1e-10)


def test_linear_bins_keep_their_errors_on_a_large_common_level():
    d = make()
    counts = d.inputs.panel.counts["burglary"] + 10**7
    high = design(counts, treated=TREATED, months_before=11, shape=(6, 6))
    low, raised = (EventStudy(linear=True).estimate(x).coefficients["std_error"].dropna() for x in (d, high))
    assert raised.to_numpy() == pytest.approx(low.to_numpy(), rel=1e-6)

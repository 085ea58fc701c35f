"""Inference on synthetic controls: conformal against a direct computation, placebos, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from builders import FIRST, analysis, evaluation, inputs
from synthetic_worlds import START, TREATED, factor_counts, factor_design

from cseval.analyse import Settings, run_analysis
from cseval.errors import UsageError
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD
from cseval.estimators.synthetic_kernels import synthetic_control_weights
from cseval.inference.base import Placebos
from cseval.inference.calibration import CalibrationPlan
from cseval.inference.conformal import AbsoluteMean, Conformal, MeanPower
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.covariance import ClusterRobust, ClusterRobustCR2, ClusterRobustCR3
from cseval.inference.ferman_pinto import FermanPinto
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.requirements import Standing
from cseval.inference.wild_bootstrap import WildClusterBootstrap
from cseval.months import add_months
from cseval.spec import Programme, Window

FAMILY = (SyntheticControl(), SyntheticControl(months_per_point=3), AugmentedSC(penalty=0.5), SyntheticDiD())


def direct_p(d, effect, q):
    """Chernozhukov, Wuthrich and Zhu's p-value of one effect, step by step."""
    y = d.counts.astype(float)
    y[TREATED, d.post] /= np.exp(effect)
    y /= y.mean(axis=1, keepdims=True)
    donors = np.delete(y, TREATED, axis=0)
    u = y[TREATED] - synthetic_control_weights(donors.T, y[TREATED]) @ donors
    months, after = len(u), int(d.post.sum())

    def statistic(order):
        tail = u[order][-after:]
        return abs(tail.sum()) if q is None else (abs(tail) ** q).sum()

    every = [statistic((np.arange(months) + s) % months) for s in range(months)]
    return np.mean([s >= every[0] * (1 - 1e-12) for s in every])


@pytest.mark.parametrize(("statistic", "q"), [(MeanPower(), 1.0), (MeanPower(q=2), 2.0), (AbsoluteMean(), None)])
def test_the_conformal_p_value_by_direct_computation(statistic, q):
    d = factor_design(-0.4)
    method = Conformal(statistic=statistic)
    residuals = SyntheticControl().proxy_residuals
    for effect in (-0.6, -0.4, 0.0, 0.3):
        u = residuals(d, d.own_set, np.array([effect]))
        assert method._p(u, method.scheme.windows(d.post))[0] == pytest.approx(direct_p(d, effect, q))
    estimate = SyntheticControl().estimate(d)
    found = method.infer(d, SyntheticControl(), estimate, 0)
    assert found.p_value == pytest.approx(direct_p(d, 0.0, q))
    if np.isfinite(found.conf_low):
        assert direct_p(d, found.conf_low + 1e-4, q) > 0.05
        assert direct_p(d, found.conf_low - 1e-3, q) <= 0.05


@pytest.mark.parametrize("estimator", FAMILY)
def test_residuals_of_several_effects_and_of_several_sets_are_those_of_each(estimator):
    d = factor_design(-0.4)
    effects = np.array([-0.5, 0.0, 0.2])
    together = estimator.proxy_residuals(d, d.own_set, effects)
    for k, effect in enumerate(effects):
        one = estimator.proxy_residuals(d, d.own_set, np.array([effect]))
        assert together[k] == pytest.approx(one[0], abs=1e-7)
    sets = d.sets(np.array([[1], [TREATED + 3], [20]]))
    each = estimator.proxy_residuals(d, sets, effects)
    for k in range(3):
        one = estimator.proxy_residuals(d, sets.take([k]), effects[[k]])
        assert each[k] == pytest.approx(one[0], abs=1e-7)


def test_a_level_of_its_own_makes_residuals_that_add_up_to_zero():
    d = factor_design(-0.4)
    u = SyntheticDiD().proxy_residuals(d, d.own_set, np.array([0.0, -0.4]))
    assert u.sum(axis=1) == pytest.approx([0, 0], abs=1e-9)
    index = SyntheticControl().proxy_residuals(d, d.own_set, np.array([0.0]))
    assert index.sum() == pytest.approx(0, abs=1e-5)  # an index of all months has mean one, as its donors have


@pytest.mark.parametrize("estimator", FAMILY)
def test_many_placebos_are_tested_as_one_would_be(estimator):
    d = factor_design(-0.4)
    method = Conformal(statistic=AbsoluteMean())
    tested = Placebos.of(d, estimator, d.sets(np.array([[TREATED], [2], [5]])))
    p = method.test_many(tested, tested)
    assert p[0] == method.infer(d, estimator, estimator.estimate(d), 0).p_value
    assert ((p > 0) & (p <= 1)).all()


@pytest.mark.parametrize("estimator", FAMILY)
def test_the_placebo_test_ranks_effects_over_their_misfit(estimator):
    d = factor_design(-0.5)
    found = PlaceboNeighbourhoods(draws=99).infer(d, estimator, estimator.estimate(d), 0)
    assert found.facts["placebo_neighbourhoods"] == 31
    assert found.facts["exact"]
    assert found.p_value == pytest.approx(1 / 32)
    assert found.conf_low < -0.5 < found.conf_high < 0


def test_errors_clustered_by_unit_are_refused_in_one_sentence():
    d = factor_design(treated=(13, 14, 20))
    estimate = SyntheticControl().estimate(d)
    with pytest.raises(
        UsageError, match=r"cluster-robust: Synthetic control has no errors clustered by unit; expected"
    ):
        ClusterRobust().infer(d, SyntheticControl(), estimate, 0)
    tested = Placebos.of(d, SyntheticControl(), d.sets(np.array([[1, 2, 3]])))
    with pytest.raises(UsageError, match="has no errors clustered by unit"):
        ClusterRobust().test_many(tested, tested)
    for method in (ClusterRobustCR2(), ClusterRobustCR3(), WildClusterBootstrap(draws=99)):
        with pytest.raises(UsageError, match="Synthetic control is"):
            method.infer(d, SyntheticControl(), estimate, 0)
    PoissonDiD().estimate(d)
    assert ClusterRobust().infer(d, PoissonDiD(), PoissonDiD().estimate(d), 0).p_value > 0


def declared(estimator, *methods, treated=(TREATED,)):
    start = add_months(FIRST, START)
    programme = Programme(name="P", start=start, roles="roles.csv", buffer_rings=0, neighbourhoods=len(treated))
    window = Window(first=add_months(start, -36), last=add_months(start, 17))
    return evaluation(programme=programme, window=window, analyses=(analysis(estimator=estimator, inference=methods),))


@pytest.mark.parametrize("estimator", [SyntheticControl(), SyntheticDiD(), AugmentedSC(months_per_point=3)])
def test_an_analysis_runs_with_its_error_rates_measured(estimator):
    given = inputs(factor_counts(-0.4), treated=[TREATED], shape=(4, 8))
    methods = (PlaceboNeighbourhoods(), Conformal(statistic=AbsoluteMean()), ConleyTaber(), FermanPinto())
    made = declared(estimator, *methods)
    settings = Settings(draws=99, plan=CalibrationPlan(step=12))
    result, measured = run_analysis(made, made.primary, given, settings)
    assert {m.method for m in measured} == {m.name for m in methods}
    assert all(np.isfinite(m.rate(0.05)) for m in measured)
    assert result.estimate.effect < -0.2
    assert result.verdict


def test_a_method_without_use_is_left_out_of_the_calibration_with_the_reason():
    given = inputs(factor_counts(-0.4, treated=(0, 5)), treated=[0, 5], shape=(4, 8))
    made = declared(SyntheticControl(), PlaceboNeighbourhoods(), ClusterRobust(), treated=(0, 5))
    result, measured = run_analysis(made, made.primary, given, Settings(draws=99, plan=CalibrationPlan(step=24)))
    refused = next(j for j in result.judgements if j.method == "cluster-robust")
    assert refused.standing == Standing.REFUSED
    assert "has no errors clustered by unit" in refused.reason
    assert "cluster-robust" not in {m.method for m in measured}

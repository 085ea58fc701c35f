"""The controlled time series against stacked statsmodels regressions and Linden's definition."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from builders import design, poisson_counts

from cseval.areas import draw_connected
from cseval.errors import EstimationError, SpecError
from cseval.estimators.base import SeriesEstimator
from cseval.estimators.controlled_its import ControlledITS, DriscollKraay
from cseval.estimators.controlled_its_series import Pair, fit_pair
from cseval.estimators.its_panel import BREAK, newey_west, runs_of, stacked_months
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
)

N, PRE = 48, 30
TIME = np.arange(N) - PRE
TERMS = ("intercept", "t", "x", "xt", "z", "zt", "zx", "zxt")


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(3)
    shock = rng.normal(0, 0.1, N)
    base = np.exp(3 + 0.005 * TIME + shock)
    return Pair(
        treated=rng.poisson(base * np.where(TIME >= 0, 0.75 * np.exp(0.01 * TIME), 1)).astype(float),
        comparison=rng.poisson(9 * base).astype(float),
        treated_size=np.full(N, 5.0),
        comparison_size=np.full(N, 40.0),
        event_time=TIME,
        first_post="2020-01",
    )


def itsa(pair):
    """Linden's regressors by hand, comparison first: _t from 0, _x, _x_t from 0 at the start, _z and its products."""
    t = np.tile(np.arange(N, dtype=float), 2)
    x = (t >= PRE).astype(float)
    xt, z = x * (t - PRE), np.repeat([0.0, 1.0], N)
    return np.column_stack([np.ones(2 * N), t, x, xt, z, z * t, z * x, z * xt])


def test_gaussian_equals_stata_s_itsa_with_newey(pair):
    """Least squares on the stacked rates; Newey-West within each panel times n / (n - k), as `newey` on a panel."""
    fit = fit_pair(pair, ControlledITS(family=Gaussian(), errors=NeweyWest(lag=2), season=None))
    y = np.concatenate([pair.comparison / 40, pair.treated / 5])
    group = np.repeat([0, 1], N)
    peer = sm.OLS(y, itsa(pair)).fit(
        cov_type="hac-panel", cov_kwds={"groups": group, "maxlags": 2, "use_correction": False}
    )
    assert fit.terms == TERMS
    assert fit.fit.coefficients == pytest.approx(peer.params, rel=1e-8)
    errors = np.asarray(peer.bse) * np.sqrt(2 * N / (2 * N - 8))
    assert np.sqrt(np.diag(fit.fit.covariance)) == pytest.approx(errors, rel=1e-8)
    assert fit.fit.t_df == 2 * N - 8


def test_the_terms_of_z_are_differences_of_two_separate_regressions(pair):
    fit = fit_pair(pair, ControlledITS(family=Gaussian(), errors=ModelErrors(), season=None))
    x = itsa(pair)[:N, :4]
    own, other = (np.linalg.lstsq(x, y, rcond=None)[0] for y in (pair.treated / 5, pair.comparison / 40))
    assert fit.fit.coefficients == pytest.approx(np.concatenate([other, own - other]), rel=1e-8)


@pytest.mark.parametrize("errors", [NeweyWest(lag=3), DriscollKraay(lag=3)])
def test_quasi_poisson_with_offsets_and_its_errors_by_hand(pair, errors):
    fit = fit_pair(pair, ControlledITS(errors=errors, season=None))
    x, y = itsa(pair), np.concatenate([pair.comparison, pair.treated])
    offset = np.log(np.repeat([40.0, 5.0], N))
    peer = sm.GLM(y, x, family=sm.families.Poisson(), offset=offset).fit(tol=1e-12)
    assert fit.fit.coefficients == pytest.approx(peer.params, abs=1e-8)
    scores = (x * (y - peer.mu)[:, None]).reshape(2, N, 8)
    series = [scores.sum(axis=0)] if isinstance(errors, DriscollKraay) else list(scores)
    middle = np.zeros((8, 8))
    for s in series:
        for i in range(N):
            for j in range(N):
                middle += max(1 - abs(i - j) / 4, 0) * np.outer(s[i], s[j])
    bread = np.linalg.inv(x.T @ (x * peer.mu[:, None]))
    assert fit.fit.covariance == pytest.approx(2 * N / (2 * N - 8) * bread @ middle @ bread, rel=1e-6)


def test_the_effect_is_fitted_over_counterfactual_and_zx_without_a_slope(pair):
    fit = fit_pair(pair, ControlledITS(season=Harmonics(pairs=1)))
    post, course = TIME >= 0, fit.course()
    assert fit.effect()[0] == pytest.approx(np.log(fit.fitted()[post].sum() / course.mean[post].sum()))
    flat = fit_pair(pair, ControlledITS(season=Harmonics(pairs=1), slope=False))
    assert flat.effect() == pytest.approx(flat.coefficient("zx"), rel=1e-9)
    assert "xt" not in flat.terms
    plain = fit_pair(pair, ControlledITS(season=None, family=Gaussian()))
    zx, zxt = (plain.coefficient(t)[0] for t in ("zx", "zxt"))
    assert plain.effect()[0] == pytest.approx(zx + zxt * TIME[post].mean())
    gap = plain.fitted() - plain.course().mean
    assert gap[post] == pytest.approx(5 * (zx + zxt * TIME[post]))
    assert gap[~post] == pytest.approx(np.zeros(PRE), abs=1e-9)


def test_prais_winsten_has_one_autocorrelation_and_keeps_both_first_months(pair):
    fit = fit_pair(pair, ControlledITS(family=Gaussian(), errors=PraisWinsten(), season=None)).fit
    x, y = itsa(pair), np.concatenate([pair.comparison / 40, pair.treated / 5])
    place = np.arange(N)
    block = fit.rho ** np.abs(np.subtract.outer(place, place))
    peer = sm.GLS(y, x, sigma=np.kron(np.eye(2), block)).fit()
    assert fit.coefficients == pytest.approx(peer.params, rel=1e-6)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(peer.bse, rel=1e-6)
    e = (y - x @ fit.coefficients).reshape(2, N)
    assert fit.rho == pytest.approx((e[:, 1:] * e[:, :-1]).sum() / (e[:, :-1] ** 2).sum(), abs=1e-8)


def test_a_season_of_each_series_has_terms_for_both(pair):
    common = fit_pair(pair, ControlledITS(season=Harmonics(pairs=1)))
    own = fit_pair(pair, ControlledITS(season=Harmonics(pairs=1), separate_season=True))
    assert common.terms == (*TERMS, "sin 1", "cos 1")
    assert own.terms == (*TERMS, "sin 1", "cos 1", "z sin 1", "z cos 1")
    dated = ControlledITS(season=None, interruptions=(Interruption(month="2019-01", label="recording"),))
    assert fit_pair(pair, dated).terms == (
        *("intercept", "t", "x", "xt", "recording level"),
        *("z", "zt", "zx", "zxt", "z recording level"),
    )


def test_rows_of_stacked_series_are_told_apart():
    months = stacked_months(np.array([-3, -2, 0, 1]))
    assert [r.tolist() for r in runs_of(np.diff(months))] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert np.diff(months)[3] >= BREAK
    assert len(runs_of(np.array([1, 1, 4]))) == 1
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(8, 2)), rng.normal(size=8)
    alone = newey_west(x, e, 1, ((np.arange(8),),))
    apart = newey_west(x, e, 1, ((np.arange(4),), (np.arange(4, 8),)))
    cross = np.outer(x[4] * e[4], x[3] * e[3])
    bread = np.linalg.inv(x.T @ x)
    assert alone - apart == pytest.approx(8 / 6 * bread @ (0.5 * (cross + cross.T)) @ bread)


# With a design -----------------------------------------------------------------------------------------------

TREATED = [30, 31, 42]


def make(months=84, before=60, effect=-0.3, level=12, seed=8, **options):
    counts = poisson_counts(144, months, level=level, treated=TREATED, start=before, effect=effect, seed=seed)
    given = {"treated": TREATED, "months_before": before, "shape": (12, 12), "buffer_rings": 1}
    return design(counts, **{**given, **options})


@pytest.mark.parametrize(
    ("options", "inference"),
    [
        (ControlledITS(), "Driscoll-Kraay (lag 3, t)"),
        (ControlledITS(errors=NeweyWest()), "Newey-West (lag 3, t)"),
        (ControlledITS(family=Poisson(), errors=ModelErrors()), "model-based (Poisson, z)"),
        (ControlledITS(family=NegativeBinomial(), errors=ModelErrors()), "model-based (negative binomial, z)"),
        (ControlledITS(family=Gaussian(), errors=PraisWinsten()), "Prais-Winsten (AR(1), t)"),
        (ControlledITS(family=Gaussian(), separate_season=True), "Driscoll-Kraay (lag 3, t)"),
    ],
)
def test_an_estimate_of_a_design_is_whole(options, inference):
    assert isinstance(options, SeriesEstimator)
    d = make(transition=2)
    e = options.estimate(d)
    assert e.inference == inference
    assert (e.treated_units, e.comparison_units) == (3, int(d.comparison.sum()))
    assert e.effect == pytest.approx(-0.3 if e.scale == "log" else -3.5, abs=4 * e.std_error)
    table, post = e.tables["averted"], e.path[d.post]
    assert table["cumulative"].iloc[-1] == pytest.approx((post["counterfactual"] - post["observed"]).sum())
    assert (table["cumulative_low"] < table["cumulative_high"]).all()
    assert {"dispersion", "durbin_watson", "ljung_box_p", "breusch_godfrey_p"} <= set(e.facts)
    own = options.estimate_series(d, d.own_set)
    assert own.effect[0] == pytest.approx(e.effect, rel=1e-6)
    assert own.p_value[0] == pytest.approx(e.p_value, rel=1e-5)
    assert own.method == inference


def test_the_batch_equals_one_fit_after_the_other():
    d = make()
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 6, np.random.default_rng(0)))
    for options in (ControlledITS(), ControlledITS(family=Gaussian(), errors=NeweyWest(), slope=False)):
        many = options.estimate_series(d, sets)
        for i, members in enumerate(sets.members):
            ring = {d.units[j] for j in sets.ring[i] if j < len(d.units)}
            alone = d.treating(d.units[j] for j in members)
            alone = replace(alone, pool=alone.pool - ring)
            e = options.estimate(alone)
            assert many.effect[i] == pytest.approx(e.effect, rel=1e-6)
            assert many.p_value[i] == pytest.approx(e.p_value, rel=1e-5)


def test_errors_across_series_are_near_their_level_where_those_within_are_far_too_large():
    d = make(effect=0.0, months=100, before=70)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 300, np.random.default_rng(0)))
    across = ControlledITS().estimate_series(d, sets).p_value
    within = ControlledITS(errors=NeweyWest()).estimate_series(d, sets).p_value
    assert 0.02 <= np.mean(across < 0.05) <= 0.12
    assert np.mean(within < 0.05) <= 0.01


def test_exposure_gives_rates():
    people = np.full((144, 84), 100.0)
    people[:, 60:] = 300.0
    people[TREATED, 60:] = 200.0
    d = make(exposure=people)
    counts, rates = (ControlledITS(season=None, exposure=e).estimate(d) for e in (False, True))
    assert rates.effect == pytest.approx(counts.effect - np.log(2) + np.log(3), abs=1e-6)
    with pytest.raises(EstimationError, match="no exposure in the panel"):
        ControlledITS(exposure=True).estimate(make())


def test_what_must_not_matter_does_not():
    counts = poisson_counts(144, 84, level=12, treated=TREATED, start=60, effect=-0.3, seed=8)
    given = {"treated": TREATED, "months_before": 60, "shape": (12, 12), "buffer_rings": 1}
    one = ControlledITS().estimate(design(counts, **given))
    moved = counts.copy()
    far = list(range(100, 144))
    moved[far] = moved[far[::-1]]
    moved[[18, 19]] = 7  # buffer
    two = ControlledITS().estimate(design(moved, **given))
    assert two.effect == pytest.approx(one.effect, rel=1e-9)
    assert two.std_error == pytest.approx(one.std_error, rel=1e-9)
    plain = ControlledITS(family=Gaussian())
    one, ten = (plain.estimate(design(c, **given)) for c in (counts, counts * 10))
    assert (ten.effect, ten.std_error) == pytest.approx((10 * one.effect, 10 * one.std_error))


def test_pairs_that_cannot_tell_are_refused_in_one_sentence(pair):
    dark = replace(pair, treated=np.where(TIME >= 0, 0.0, pair.treated))
    cases = [
        (replace(pair, treated=np.zeros(N)), {}, "treated series: the series has no incident at all"),
        (replace(pair, comparison=np.full(N, 8.0)), {}, "comparison series: every month has the same count, 8"),
        (dark, {}, "no incident after the start in the treated series"),
        (replace(pair, event_time=TIME + PRE - 5), {}, "5 months before the start; expected at least 8"),
        (replace(pair, event_time=TIME - N + PRE + 3), {}, "3 months from the first post month on"),
        (pair, {"interruptions": (Interruption(month="2020-01"),)}, "'2020-01 level' cannot be told"),
        (replace(pair, treated=np.where(TIME % 12 == 3, 0.0, pair.treated)), {"separate_season": True}, "'z month 04'"),
    ]
    for case, options, words in cases:
        with pytest.raises(EstimationError, match=words):
            fit_pair(case, ControlledITS(season=MonthDummies(), **options))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"errors": PraisWinsten()}, "PraisWinsten with QuasiPoisson"),
        ({"level": False, "slope": False}, "neither level nor slope"),
        ({"family": Gaussian(), "exposure": True}, "exposure with Gaussian"),
        ({"season": None, "separate_season": True}, "separate_season without a season"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, words):
    with pytest.raises(SpecError, match=words):
        ControlledITS(**options)


def test_no_fit_warns(pair):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for family in (QuasiPoisson(), NegativeBinomial(), Gaussian()):
            fit_pair(pair, ControlledITS(family=family, season=None)).course()

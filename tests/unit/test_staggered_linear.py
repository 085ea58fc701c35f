"""Linear estimators for staggered starts: by hand, by least squares with dummies, and by each unit's influence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import design, poisson_counts
from staggered_builders import PARTS, staggered

from cseval.cohorts import NEVER
from cseval.errors import EstimationError, SpecError
from cseval.estimators.bacon import EARLY_LATE, LATE_ALWAYS, LATE_EARLY, UNTREATED, by_kind, decompose, two_way
from cseval.estimators.callaway_santanna import CallawaySantAnna
from cseval.estimators.callaway_santanna_kernels import att_gt
from cseval.estimators.etwfe import PoissonETWFE
from cseval.estimators.imputation import Imputation
from cseval.estimators.imputation_kernels import imputed_effects
from cseval.estimators.imputation_two_stage import two_stage
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.staggered_aggregates import aggregates, cell_weights
from cseval.estimators.staggered_cohorts import cohort_panel
from cseval.estimators.staggered_kernels import band_factor
from cseval.estimators.sun_abraham import SunAbraham
from cseval.estimators.sun_abraham_kernels import interaction_weighted

FIRST = np.array([3, 3, 5, 5, 5, 7, 7] + [NEVER] * 7)
MONTHS = 9
ALL = (Imputation(), CallawaySantAnna(), CallawaySantAnna(controls="not-yet"), SunAbraham())


def simulated(seed: int = 3, first: np.ndarray = FIRST) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(len(first), MONTHS)) + rng.normal(size=(len(first), 1)) + rng.normal(size=(1, MONTHS))


def long(y, first):
    """Rows of unit, period and start."""
    start = np.where(first == NEVER, np.inf, first).repeat(y.shape[1])
    return y.ravel(), np.arange(len(y)).repeat(y.shape[1]), np.tile(np.arange(y.shape[1]), len(y)), start


# Callaway and Sant'Anna -------------------------------------------------------------------------

#: Three cohorts (first treated in period 1, 2 and never), three periods, two units each.
TOY = np.array(
    [[1, 5, 8], [3, 7, 6], [2, 3, 9], [4, 5, 13], [1, 2, 4], [1, 4, 6]],
    dtype=float,
)
TOY_FIRST = np.array([1, 1, 2, 2, NEVER, NEVER])


def toy(controls="never", base="varying"):
    cells, effects = att_gt(cohort_panel(TOY, TOY_FIRST), controls, base)
    keys = zip(cells.cohort.tolist(), cells.column.tolist(), strict=True)
    return dict(zip(keys, effects.values().tolist(), strict=True)), cells, effects


def test_effects_by_cohort_and_period_by_hand():
    # means: cohort 1: 2, 6, 7; cohort 2: 3, 4, 11; never: 1, 3, 5
    found, _, _ = toy()
    assert found == pytest.approx({(0, 1): 4 - 2, (0, 2): 5 - 4, (1, 1): 1 - 2, (1, 2): 7 - 2})


def test_not_yet_treated_controls_by_hand():
    # in period 1 the second cohort has not begun: control change (4 units) = (1 + 1 + 1 + 3) / 4
    found, _, _ = toy("not-yet")
    assert found == pytest.approx({(0, 1): 4 - 1.5, (0, 2): 5 - 4, (1, 1): 1 - 2, (1, 2): 7 - 2})


def test_a_universal_base_compares_every_period_with_the_last_before_the_start():
    found, _, _ = toy(base="universal")
    assert found == pytest.approx({(0, 1): 2, (0, 2): 1, (1, 0): -1 + 2, (1, 2): 5})


def test_aggregations_by_hand():
    _, cells, effects = toy()
    kinds = aggregates(cells)
    weights, _ = cell_weights(kinds, cells, effects.panel.size)
    averages = {(a.kind, a.label): float(w @ effects.values()) for a, w in zip(kinds, weights, strict=True)}
    assert averages == pytest.approx(
        {
            ("simple", "overall"): (2 + 1 + 5) / 3,
            ("group", 0): 1.5,
            ("group", 1): 5,
            ("group", "overall"): (1.5 + 5) / 2,
            ("event", -1): -1,
            ("event", 0): (2 + 5) / 2,
            ("event", 1): 1,
            ("event", "overall"): (3.5 + 1) / 2,
            ("calendar", 1): 2,
            ("calendar", 2): (1 + 5) / 2,
            ("calendar", "overall"): (2 + 3) / 2,
        }
    )


def test_a_standard_error_by_hand():
    """ATT(1, 1): changes 4, 4 of the cohort and 1, 3 of the controls; sum of squared influences 0 + (1/2)^2 2."""
    _, _, effects = toy()
    assert effects.variances()[0] == pytest.approx(0.5)
    # with not-yet-treated controls: changes 1, 1, 1, 3 about their mean 1.5
    _, _, pooled = toy("not-yet")
    assert pooled.variances()[0] == pytest.approx((3 * 0.5**2 + 1.5**2) / 16)


def test_an_averages_error_is_that_of_the_summed_influences():
    """Influence unit by unit, as the paper has it, with the weights' own."""
    y = simulated()
    panel = cohort_panel(y, FIRST)
    cells, effects = att_gt(panel, "not-yet")
    kinds = aggregates(cells)
    weights, shares = cell_weights(kinds, cells, panel.size)
    averaged = effects.combined(weights, shares @ effects.values())
    influence = np.zeros((len(y), len(cells)))
    for k, (c, t) in enumerate(zip(cells.cohort, cells.column, strict=True)):
        base = panel.first[c] - 1 if t >= panel.first[c] else t - 1
        change = y[:, t] - y[:, base]
        mine, control = panel.group == c, (max(t, base) < FIRST) & (panel.group != c)
        for rows, sign in ((mine, 1), (control, -1)):
            influence[rows, k] += sign * (change[rows] - change[rows].mean()) / rows.sum()
    share = panel.size[cells.cohort] / len(y)
    simple = kinds[0].members
    of_share = (panel.group[:, None] == cells.cohort) - share
    total = share[simple].sum()
    att = effects.values()
    moved = of_share[:, simple] @ att[simple] / total
    moved -= of_share[:, simple].sum(axis=1) * (share[simple] @ att[simple]) / total**2
    phi = influence @ weights[0] + moved / len(y)
    assert averaged.variances()[0] == pytest.approx((phi**2).sum(), rel=1e-12)
    assert np.diag(averaged.covariance()) == pytest.approx(averaged.variances(), rel=1e-12)


def test_without_a_control_there_is_no_effect():
    y = simulated()[:7]
    with pytest.raises(EstimationError, match=r"no unit that never begins.*not-yet-treated"):
        att_gt(cohort_panel(y, FIRST[:7]), "never")
    cells, _ = att_gt(cohort_panel(y, FIRST[:7]), "not-yet")
    assert cells.column.max() == 6  # from then on every unit has begun


@pytest.mark.parametrize(
    ("first", "said"),
    [(np.array([0, NEVER]), "already treated in the first period"), (np.array([NEVER] * 2), "no unit that begins")],
)
def test_panels_without_a_before_or_an_after_are_refused(first, said):
    with pytest.raises(EstimationError, match=said):
        cohort_panel(np.ones((2, 4)), first)


def test_a_missing_value_is_refused():
    with pytest.raises(EstimationError, match="balanced panel"):
        cohort_panel(np.array([[1.0, np.nan], [1, 2]]), np.array([1, NEVER]))


# Bands ------------------------------------------------------------------------------------------


def test_a_band_of_independent_effects_reaches_as_far_as_theory_says():
    from scipy.stats import norm

    count = 12
    exact = norm.ppf((1 + 0.95 ** (1 / count)) / 2)
    assert band_factor(np.diag(np.linspace(1, 9, count)), 20_000, 1) == pytest.approx(exact, abs=0.03)


def test_a_band_of_one_effect_or_of_equal_ones_is_the_interval():
    assert band_factor(np.array([[2.0]]), 999, 1) == pytest.approx(1.96, abs=0.001)
    assert band_factor(np.ones((5, 5)), 20_000, 1) == pytest.approx(1.96, abs=0.05)


# Imputation -------------------------------------------------------------------------------------


@pytest.mark.parametrize("never", [7, 0])
def test_imputation_is_least_squares_on_untreated_cells(never):
    first = FIRST[: 7 + never]
    y = simulated(first=first)
    panel = cohort_panel(y, first)
    cells, effects, means = imputed_effects(panel)
    untreated = np.arange(MONTHS) < first[:, None]
    x = np.column_stack([np.eye(len(y)).repeat(MONTHS, axis=0), np.tile(np.eye(MONTHS)[:, 1:], (len(y), 1))])
    beta = np.linalg.lstsq(x[untreated.ravel()], y.ravel()[untreated.ravel()], rcond=None)[0]
    fitted = (x @ beta).reshape(y.shape)
    expected = [(y - fitted)[panel.group == c, t].mean() for c, t in zip(cells.cohort, cells.column, strict=True)]
    assert effects.values() == pytest.approx(expected, abs=1e-10)
    some = np.isfinite(means[0])
    assert means[0][some] == pytest.approx(fitted[panel.group == 0].mean(axis=0)[some], abs=1e-10)


def test_imputation_has_the_conservative_variance_of_the_paper():
    y = simulated(7)
    panel = cohort_panel(y, FIRST)
    cells, effects, _ = imputed_effects(panel)
    untreated = np.arange(MONTHS) < FIRST[:, None]
    flat = untreated.ravel()
    x = np.column_stack([np.eye(len(y)).repeat(MONTHS, axis=0), np.tile(np.eye(MONTHS)[:, 1:], (len(y), 1))])
    inverse = np.linalg.pinv(x[flat].T @ x[flat])
    fitted = (x @ inverse @ x[flat].T @ y.ravel()[flat]).reshape(y.shape)
    weight = ~untreated / (~untreated).sum()
    v = weight.ravel().copy()
    v[flat] = -x[flat] @ inverse @ x[~flat].T @ weight.ravel()[~flat]
    residual = y - fitted
    for c, t in zip(cells.cohort, cells.column, strict=True):
        residual[panel.group == c, t] -= residual[panel.group == c, t].mean()
    expected = ((v.reshape(y.shape) * residual).sum(axis=1) ** 2).sum()
    rows = (panel.size[cells.cohort] / panel.size[cells.cohort].sum())[None, :]
    assert effects.combined(rows).variances()[0] == pytest.approx(expected, rel=1e-10)


def test_two_stages_find_what_imputation_finds():
    y = simulated(8)
    values, unit, period, start = long(y, FIRST)
    treated = (period >= start).astype(float)
    effect, error = two_stage(values, [unit, period], treated, unit)
    panel = cohort_panel(y, FIRST)
    cells, effects, _ = imputed_effects(panel)
    weight = panel.size[cells.cohort] / panel.size[cells.cohort].sum()
    assert effect == pytest.approx(weight @ effects.values(), abs=1e-10)
    assert error > 0


def test_two_stages_refuse_a_group_that_is_always_treated():
    with pytest.raises(EstimationError, match="without an untreated row"):
        two_stage(np.ones(4), [np.array([0, 0, 1, 1])], np.array([1.0, 1, 0, 1]), np.arange(4))


# Sun and Abraham --------------------------------------------------------------------------------


def test_sun_abraham_without_covariates_is_the_difference_of_four_means():
    y = simulated(9)
    fit = interaction_weighted(*long(y, FIRST))
    cells, effects = att_gt(cohort_panel(y, FIRST), "never", "universal")
    order = np.lexsort((cells.event, cells.cohort))
    assert fit.coefficients == pytest.approx(effects.values()[order], abs=1e-10)


def test_sun_abrahams_errors_are_those_of_its_regression():
    d = staggered()
    used = d.is_treated | d.comparison
    first = d.cohort[used]
    fit = interaction_weighted(*long(d.counts[used].astype(float), np.where(first >= 30, NEVER, first)))
    found = SunAbraham().estimate(d)
    att, _, error = fit.att()
    assert found.effect == pytest.approx(att, abs=1e-10)
    assert found.std_error == pytest.approx(error, rel=1e-10)


def test_interaction_weights_refuse_a_covariate_that_is_a_unit_effect():
    values, unit, period, start = long(simulated(), FIRST)
    with pytest.raises(EstimationError, match="explain each other"):
        interaction_weighted(values, unit, period, start, unit[:, None].astype(float))


# The estimators on designs ----------------------------------------------------------------------


def test_imputation_with_one_start_is_the_linear_difference_in_differences():
    d = design(poisson_counts(100, 30), treated=[44, 45, 54], months_before=12, shape=(10, 10))
    assert Imputation().estimate(d).effect == pytest.approx(LinearDiD().estimate(d).effect, abs=1e-12)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
def test_effects_are_counted_over_treated_cells(estimator):
    d = staggered()
    found = estimator.estimate(d)
    assert found.scale == "count"
    assert found.unit_months == 2 * (18 + 14 + 11)
    assert found.averted()[0] == pytest.approx(found.counterfactual - found.observed)
    rate = found.observed / found.unit_months
    assert found.on_scale("percent")[0] == pytest.approx(100 * found.effect / (rate - found.effect))
    post = found.tables["att_by_cohort_and_period"].query("event_time >= 0")
    assert found.effect == pytest.approx(np.average(post["estimate"], weights=post["units"]))
    path = found.path
    assert path["observed"].sum() - path["counterfactual"].sum() == pytest.approx(
        found.effect * found.unit_months, abs=2.0 if isinstance(estimator, Imputation) else 1e-8
    )


def test_errors_by_several_estimators_of_the_same_effect_agree_up_to_their_factors():
    d = staggered()
    a, b = CallawaySantAnna(base="universal").estimate(d), SunAbraham().estimate(d)
    assert a.effect == pytest.approx(b.effect, abs=1e-12)
    assert a.std_error == pytest.approx(b.std_error, rel=0.25)


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(SpecError, match="controls='all'"):
        CallawaySantAnna(controls="all")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="base='first'"):
        CallawaySantAnna(base="first")  # type: ignore[arg-type]
    for one in (CallawaySantAnna, Imputation, SunAbraham):
        with pytest.raises(SpecError, match="band_draws=9"):
            one(band_draws=9)


# Goodman-Bacon ----------------------------------------------------------------------------------


def test_the_decomposition_adds_up_to_the_two_way_estimate():
    for first in (FIRST, FIRST[:7], np.array([0, *FIRST[1:]])):
        y = simulated(first=first)
        found = decompose(y, first)
        assert sum(c.weight for c in found) == pytest.approx(1)
        assert sum(c.weight * c.effect for c in found) == pytest.approx(two_way(y, first)[0], abs=1e-12)
        assert all(c.weight > 0 for c in found)


def test_the_two_way_estimate_is_that_of_a_regression_with_dummies():
    import statsmodels.api as sm

    y = simulated(11)
    switch = (np.arange(MONTHS) >= FIRST[:, None]).astype(float).ravel()
    x = np.column_stack([switch, np.eye(14).repeat(MONTHS, axis=0), np.tile(np.eye(MONTHS)[:, 1:], (14, 1))])
    fit = sm.OLS(y.ravel(), x).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(14).repeat(MONTHS), "use_correction": False}
    )
    effect, error = two_way(y, FIRST)
    factor = 14 / 13 * (14 * MONTHS - 1) / (14 * MONTHS - MONTHS - 1)
    assert effect == pytest.approx(fit.params[0], abs=1e-10)
    assert error == pytest.approx(fit.bse[0] * math.sqrt(factor), rel=1e-8)


def test_kinds_of_comparisons():
    kinds = by_kind(decompose(simulated(), FIRST))
    assert set(kinds) == {EARLY_LATE, LATE_EARLY, UNTREATED}
    always = by_kind(decompose(simulated(), np.array([0, *FIRST[1:]])))
    assert LATE_ALWAYS in always
    one = decompose(simulated()[[0, 1, 8, 9]], FIRST[[0, 1, 8, 9]])
    assert [(c.kind, c.weight) for c in one] == [(UNTREATED, 1.0)]


def test_a_panel_without_a_start_cannot_be_decomposed():
    for function in (decompose, two_way):
        with pytest.raises(EstimationError, match="no unit begins while another does not"):
            function(simulated(), np.full(14, NEVER))


# Placebo sets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rings", [0, 1])
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
def test_many_sets_are_what_each_is_alone(estimator, rings):
    d = staggered(buffer_rings=rings)
    rows = np.array([[0, 1, 40, 41, 98, 99], [30, 31, 4, 5, 76, 77], [98, 99, 0, 1, 40, 41]])
    sets = d.sets(rows)
    many = estimator.estimate_many(d, sets)
    alone = [estimator.estimate(d.treating([d.units[u] for u in row])).effect for row in rows]
    assert many.effect == pytest.approx(alone, abs=1e-10)
    assert estimator.estimate_many(d, d.own_set).effect[0] == pytest.approx(estimator.estimate(d).effect, abs=1e-10)
    assert many.size.tolist() == d.pre_counts[rows].sum(axis=1).tolist()
    level = many.size / (6 * 12)
    assert many.variance_terms == pytest.approx(np.stack([level**2, level], axis=1))


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
def test_sets_of_fewer_treated_units_keep_their_starts(estimator):
    """As leaving one treated unit out does."""
    d = staggered()
    own = d.own_set.members[0]
    left = d.treating([d.units[u] for u in own]).own_set.members[0][:-1]
    sets = type(d.own_set)(members=left[None, :], ring=np.full((1, 1), 100))
    rest = staggered(d.counts.copy(), {u: PARTS[u] for u in left.tolist()})
    pool = rest.comparison.copy()
    pool[own[-1]] = False
    expected = estimator.estimate_many(rest, type(sets)(members=rest.own_set.members, ring=own[-1:][None, :])).effect
    assert estimator.estimate_many(d, sets).effect == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("rings", [0, 1])
@pytest.mark.parametrize("estimator", [PoissonETWFE(), Imputation()], ids=lambda e: e.name)
def test_errors_of_many_sets_are_those_of_each_alone(estimator, rings):
    d = staggered(buffer_rings=rings)
    rows = np.array([[0, 1, 40, 41, 98, 99], [30, 31, 4, 5, 76, 77]])
    many = estimator.cluster_errors(d, d.sets(rows))
    alone = [estimator.estimate(d.treating([d.units[u] for u in row])) for row in rows]
    assert many.std_error == pytest.approx([e.std_error for e in alone], rel=1e-9)
    assert many.df.tolist() == [e.facts["clusters"] - 1 for e in alone]
    own = estimator.cluster_errors(d, d.own_set)
    assert own.std_error[0] == pytest.approx(estimator.estimate(d).std_error, rel=1e-9)


def test_the_poisson_variance_of_many_sets_is_that_of_simulated_counts():
    """Poisson counts without an effect: squared effects are on average the last variance term."""
    from cseval.estimators.staggered_sets import poisson_variance, set_cohorts, set_ladder

    rng = np.random.default_rng(1)
    mean = np.exp(rng.normal(2.5, 0.3, (100, 1))) * np.ones(30)
    effects, variances = [], []
    for _ in range(300):
        d = staggered(rng.poisson(mean).astype(np.int64))
        found = set_cohorts(d, d.own_set)
        ladder = set_ladder(found.sums(found.segments()), found.sizes())
        whole, own = poisson_variance(ladder)
        assert 0 < own[0] < whole[0]
        effects.append(ladder.effect()[0])
        variances.append(whole[0])
    assert np.var(effects) == pytest.approx(np.mean(variances), rel=0.25)

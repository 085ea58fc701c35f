"""The Poisson model for staggered starts against a full regression, and against the model of one start."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import design, poisson_counts
from staggered_builders import PARTS, staggered

from cseval.cohorts import NEVER
from cseval.errors import EstimationError, SpecError
from cseval.estimators.callaway_santanna import CallawaySantAnna
from cseval.estimators.etwfe import PoissonETWFE
from cseval.estimators.etwfe_kernels import fit_ladder, log_ratios
from cseval.estimators.etwfe_linear import extended_two_way
from cseval.estimators.event_study import EventStudy
from cseval.estimators.imputation import Imputation
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.staggered_cohorts import cohort_panel, treated_cells
from cseval.estimators.staggered_events import StaggeredEventStudy
from cseval.estimators.sun_abraham import SunAbraham

FIRST = np.array([3, 3, 5, 5, 5, 7, 7] + [NEVER] * 7)
MONTHS = 9


def simulated(seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mean = np.exp(1.2 + rng.normal(0, 0.5, (len(FIRST), 1)) + rng.normal(0, 0.3, (1, MONTHS)))
    return rng.poisson(mean).astype(float)


def full_regression(y):
    """Every unit, month and treated cell a dummy: parameters, covariance by unit, and the design matrix."""
    import statsmodels.api as sm

    panel = cohort_panel(y, FIRST)
    cells = treated_cells(panel)
    units = np.repeat(np.eye(len(y)), MONTHS, axis=0)
    months = np.tile(np.eye(MONTHS)[:, 1:], (len(y), 1))
    effects = np.zeros((len(y), MONTHS, len(cells)))
    for k, (c, t) in enumerate(zip(cells.cohort, cells.column, strict=True)):
        effects[panel.group == c, t, k] = 1
    x = np.column_stack([units, months, effects.reshape(len(y) * MONTHS, -1)])
    fit = sm.GLM(y.ravel(), x, family=sm.families.Poisson()).fit(
        tol=1e-13,
        maxiter=200,
        cov_type="cluster",
        cov_kwds={"groups": np.repeat(np.arange(len(y)), MONTHS), "use_correction": False},
    )
    return fit, x, len(cells)


def test_every_cell_is_that_of_the_full_poisson_regression():
    y = simulated()
    fit, _, effects = full_regression(y)
    panel = cohort_panel(y, FIRST)
    cells = treated_cells(panel)
    found = log_ratios(fit_ladder(panel), cells, np.eye(len(cells), dtype=bool))
    assert found.values() == pytest.approx(fit.params[-effects:], abs=1e-10)
    assert found.covariance() == pytest.approx(fit.cov_params()[-effects:, -effects:], abs=1e-12)
    assert found.variances() == pytest.approx(np.diag(found.covariance()), rel=1e-12)


def test_expected_incidents_are_those_of_the_full_regression():
    y = simulated(4)
    fit, x, effects = full_regression(y)
    without = (np.exp(x[:, :-effects] @ fit.params[:-effects])).reshape(y.shape)
    panel = cohort_panel(y, FIRST)
    by_group = np.stack([without[panel.group == c].sum(axis=0) for c in range(4)])
    assert fit_ladder(panel).expected == pytest.approx(by_group, rel=1e-8)


def test_the_total_effect_has_the_delta_method_error_of_the_full_regression():
    y = simulated(5)
    fit, x, effects = full_regression(y)
    treated = x[:, -effects:].any(axis=1)
    off = x.copy()
    off[:, -effects:] = 0
    one, none = fit.mu[treated], np.exp(off @ fit.params)[treated]
    gradient = x[treated].T @ one / one.sum() - off[treated].T @ none / none.sum()
    panel = cohort_panel(y, FIRST)
    cells = treated_cells(panel)
    found = log_ratios(fit_ladder(panel), cells, np.ones((1, len(cells)), dtype=bool))
    assert found.values()[0] == pytest.approx(math.log(one.sum() / none.sum()), abs=1e-10)
    assert found.variances()[0] == pytest.approx(gradient @ fit.cov_params() @ gradient, rel=1e-8)


def test_with_one_start_it_is_poisson_did_to_the_last_digit():
    counts = poisson_counts(100, 30, treated=[44, 45, 54], start=12, effect=-0.3)
    d = design(counts, treated=[44, 45, 54], months_before=12, shape=(10, 10), buffer_rings=1)
    one, many = PoissonDiD().estimate(d), PoissonETWFE().estimate(d)
    for name in ("effect", "std_error", "conf_low", "conf_high", "p_value", "observed", "counterfactual"):
        assert getattr(many, name) == pytest.approx(getattr(one, name), rel=1e-11)
    sets = d.sets(np.array([[0, 1, 2], [70, 71, 72]]))
    a, b = (e.estimate_many(d, sets) for e in (PoissonDiD(), PoissonETWFE()))
    for name in ("effect", "variance_terms", "size", "post_term"):
        assert getattr(b, name) == pytest.approx(getattr(a, name), rel=1e-12)
    errors = [e.cluster_errors(d, sets) for e in (PoissonDiD(), PoissonETWFE())]
    assert errors[1].std_error == pytest.approx(errors[0].std_error, rel=1e-11)
    assert errors[1].df.tolist() == errors[0].df.tolist()


def test_a_case_by_hand():
    """Two cohorts, three months: month 1 grows by (4 + 6) / (2 + 3), month 2 by what never begins alone."""
    y = np.array([[2.0, 9.0, 9.0], [2.0, 4.0, 7.0], [3.0, 6.0, 18.0]])
    panel = cohort_panel(y, np.array([1, 2, NEVER]))
    ladder = fit_ladder(panel)
    first = (2 + 4 + 3 + 6) / (2 + 3)
    second = (3 + 6 + 18) / (3 + 6)
    assert ladder.factor == pytest.approx([1, first, second])
    assert ladder.expected[0] == pytest.approx([2, 2 * (first - 1), 2 * first * (second - 1)])
    assert ladder.expected[1][2] == pytest.approx((2 + 4) * (second - 1))


@pytest.fixture
def errors_anywhere(monkeypatch):
    """Tables keep their errors by unit, however few places units lie in."""
    monkeypatch.setattr("cseval.estimators.staggered.FEWEST_PLACES", 1)


#: Six separate places in two cohorts, and the same with two of the six units side by side.
SIX = {11: 0, 14: 0, 17: 0, 51: 4, 54: 4, 57: 4}
FIVE = {11: 0, 14: 0, 17: 0, 51: 4, 54: 4, 55: 4}
BY_UNIT = ["std_error", "conf_low", "conf_high", "p_value"]


@pytest.mark.parametrize("estimator", [PoissonETWFE(), Imputation(), CallawaySantAnna(), SunAbraham()])
def test_tables_have_no_errors_by_unit_where_treated_units_lie_in_few_places(estimator):
    few, enough = (estimator.estimate(staggered(delays=d)) for d in (FIVE, SIX))
    for name in ("att_by_cohort_and_period", "aggregations"):
        columns = BY_UNIT + (["band_low", "band_high"] if name == "aggregations" else [])
        assert few.tables[name][columns].isna().all(axis=None)
        assert few.tables[name]["estimate"].notna().all()
        assert enough.tables[name].query("not (estimate == 0)")[BY_UNIT].notna().all(axis=None)
    assert few.coefficients[BY_UNIT].isna().all(axis=None)
    assert enough.coefficients["std_error"].notna().any()
    assert few.std_error > 0  # the headline's own, which inference judges
    assert enough.notes == ()
    assert few.notes == (
        "Effects by cohort, month and event time are shown without errors: the treated units lie in 5 separate places, "
        "fewer than 6, and errors by unit, which take units that adjoin to be independent, would be far too small.",
    )


def test_the_event_study_has_no_errors_by_unit_where_treated_units_lie_in_few_places():
    few, enough = (StaggeredEventStudy().estimate(staggered(delays=d)) for d in (FIVE, SIX))
    assert few.coefficients[BY_UNIT].isna().all(axis=None)
    assert few.coefficients["estimate"].notna().all()
    assert enough.coefficients["std_error"].notna().all()
    assert few.notes == PoissonETWFE().estimate(staggered(delays=FIVE)).notes


def test_tables_path_and_accounts_fit_together(errors_anywhere):
    d = staggered()
    found = PoissonETWFE().estimate(d)
    cells, averages = found.tables["att_by_cohort_and_period"], found.tables["aggregations"]
    assert len(cells) == 18 + 14 + 11
    assert found.observed == cells["observed"].sum() == d.counts[d.is_treated][:, 12:].sum() - 0 - outside(d)
    assert found.effect == pytest.approx(math.log(found.observed / found.counterfactual))
    assert found.averted()[0] == pytest.approx(found.counterfactual - found.observed)
    assert found.unit_months == 2 * (18 + 14 + 11)
    assert found.observed_rate == pytest.approx(found.observed / found.unit_months)
    assert averages["aggregation"].value_counts().to_dict() == {"event": 19, "calendar": 19, "group": 4, "simple": 1}
    assert averages.iloc[0]["estimate"] == found.effect
    assert averages.iloc[0]["std_error"] == found.std_error
    bands = averages[averages["label"] != "overall"]
    assert (bands["band_low"] < bands["conf_low"]).all()
    assert (bands["band_high"] > bands["conf_high"]).all()
    treated = found.path["observed"].to_numpy()
    assert treated.tolist() == d.counts[d.is_treated].sum(axis=0).tolist()
    assert found.path["counterfactual"][:12].sum() == pytest.approx(treated[:12].sum(), rel=0.05)
    assert found.coefficients["term"].tolist()[:4] == [
        "all treated cells",
        "start 2016-01",
        "start 2016-05",
        "start 2016-08",
    ]


def outside(d) -> int:
    """Incidents of treated units after the first start and before their own."""
    return sum(int(d.counts[u, 12 : 12 + delay].sum()) for u, delay in PARTS.items())


def test_it_gives_the_same_twice():
    a, b = (PoissonETWFE().estimate(staggered()).tables["aggregations"] for _ in range(2))
    assert a.equals(b)


def test_a_cohort_of_one_unit_has_no_standard_error(errors_anywhere):
    found = PoissonETWFE().estimate(staggered(delays={11: 0, 12: 0, 55: 4}))
    averages = found.tables["aggregations"].set_index(["aggregation", "label"])
    assert math.isnan(found.std_error)
    assert math.isnan(averages.loc[("group", "2016-05"), "std_error"])
    assert averages.loc[("group", "2016-01"), "std_error"] > 0
    assert math.isfinite(found.effect)
    assert found.notes == (
        "No standard error by unit where a single unit begins (2016-05): its own variation is unknown.",
    )
    d = staggered(delays={11: 0, 12: 0, 55: 4})
    assert np.isnan(PoissonETWFE().cluster_errors(d, d.own_set).std_error).all()


OTHERS = [u for u in range(100) if u not in PARTS]
EMPTY = {
    "no incident before May 2016 in the units that begin then": [([55, 56], slice(0, 16))],
    "no incident in the treated units from their starts on": [(list(PARTS), slice(12, 30))],
    "no incident in the units that had not begun from the first start on": [
        (OTHERS, slice(12, 30)),
        ([55, 56, 87, 88], slice(12, 30)),
    ],
}


@pytest.mark.parametrize("said", EMPTY)
def test_ratios_with_a_zero_in_them_are_refused(said):
    counts = poisson_counts(100, 30, seed=5)
    for rows, columns in EMPTY[said]:
        counts[rows, columns] = 0
    with pytest.raises(EstimationError, match=said):
        PoissonETWFE().estimate(staggered(counts))


def test_a_unit_that_begins_after_the_window_is_refused():
    with pytest.raises(EstimationError, match="unit U087 begins in 2016-08, after the last month 2016-06"):
        PoissonETWFE().estimate(staggered(after=6))


def test_too_few_draws_for_a_band_are_refused():
    with pytest.raises(SpecError, match="band_draws=10"):
        PoissonETWFE(band_draws=10)


# Event study ------------------------------------------------------------------------------------


def test_event_study_of_one_start_is_the_plain_one():
    d = design(poisson_counts(100, 30), treated=[44, 45], months_before=12, shape=(10, 10))
    plain, found = EventStudy(base="mean").estimate(d).coefficients, StaggeredEventStudy().estimate(d).coefficients
    assert found["term"].tolist() == plain["term"].tolist()
    assert found["estimate"][4:].to_numpy() == pytest.approx(plain["estimate"][4:].to_numpy(), rel=1e-10)
    assert found["estimate"][:4].to_numpy() == pytest.approx(plain["estimate"][:4].to_numpy(), abs=0.02)


def test_event_study_bins_count_from_each_units_own_start():
    d = staggered()
    study = StaggeredEventStudy(bin_months=3)
    found = study.estimate(d)
    assert study.bins_of(d)[0] == (-19, -19)
    assert study.bins_of(d)[-1] == (15, 17)
    many = study.coefficients_many(d, d.own_set)
    assert many[0] == pytest.approx(found.coefficients["estimate"].to_numpy(), abs=1e-12)
    last = found.tables["aggregations"].set_index(["aggregation", "label"]).loc[("event", "17"), "estimate"]
    assert StaggeredEventStudy(bin_months=1).estimate(d).coefficients["estimate"].iloc[-1] == pytest.approx(last)


def test_event_study_of_many_sets_is_that_of_each():
    d = staggered()
    sets = d.sets(np.array([[0, 1, 40, 41, 98, 99], [30, 31, 4, 5, 76, 77]]))
    many = StaggeredEventStudy().coefficients_many(d, sets)
    for row, members in zip(many, sets.members, strict=True):
        alone = StaggeredEventStudy().estimate(d.treating([d.units[u] for u in members]))
        assert row == pytest.approx(alone.coefficients["estimate"].to_numpy(), abs=1e-12)


# The linear regression --------------------------------------------------------------------------


def test_linear_extended_two_way_is_the_imputation_without_covariates():
    from cseval.estimators.imputation_kernels import imputed_effects

    y = np.random.default_rng(1).normal(size=(14, MONTHS))
    panel = cohort_panel(y, FIRST)
    cells, effects, _ = imputed_effects(panel)
    start = np.where(FIRST == NEVER, np.inf, FIRST).repeat(MONTHS)
    fit = extended_two_way(y.ravel(), np.arange(14).repeat(MONTHS), np.tile(np.arange(MONTHS), 14), start)
    weight = panel.size[cells.cohort] / panel.size[cells.cohort].sum()
    assert fit.average()[0] == pytest.approx(weight @ effects.values(), abs=1e-10)


def test_linear_extended_two_way_finds_an_effect_that_depends_on_a_covariate():
    rng = np.random.default_rng(2)
    first = np.repeat([3, 6, NEVER], 40)
    x = rng.normal(size=120)
    treated = np.arange(MONTHS) >= first[:, None]
    y = rng.normal(size=(120, 1)) + 0.3 * x[:, None] * np.arange(MONTHS) + treated * (2 + x[:, None])
    start = np.where(first == NEVER, np.inf, first).repeat(MONTHS)
    rows = (np.arange(120).repeat(MONTHS), np.tile(np.arange(MONTHS), 120), start, x.repeat(MONTHS)[:, None])
    y += 0.1 * rng.normal(size=y.shape)
    fit = extended_two_way(y.ravel(), *rows)
    truth = (treated * (2 + x[:, None]))[treated].mean()
    assert fit.average()[0] == pytest.approx(truth, abs=0.05)
    assert fit.at_event(0)[0] == pytest.approx((2 + x[:80]).mean(), abs=0.05)


def test_regressors_that_explain_each_other_are_refused():
    start = np.where(FIRST == NEVER, np.inf, FIRST).repeat(MONTHS)
    x = np.ones((14 * MONTHS, 1))
    with pytest.raises(EstimationError, match="explain each other"):
        extended_two_way(simulated().ravel(), np.arange(14).repeat(MONTHS), np.tile(np.arange(MONTHS), 14), start, x)

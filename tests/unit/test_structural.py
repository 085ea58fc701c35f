"""The structural interrupted time series against statsmodels, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts
from statsmodels.tsa.statespace.structural import UnobservedComponents

from cseval.errors import EstimationError, SpecError
from cseval.estimators import structural_kernels as kernels
from cseval.estimators.base import Estimator
from cseval.estimators.its_likelihood import Regression, concentrate
from cseval.estimators.segmented import Interruption, pulse, step
from cseval.estimators.structural import StructuralITS, Structure, fit_series

N, TREATED = 60, [3, 4]
PAIRS = (
    (Structure(), {"level": "llevel"}),
    (Structure(trend=True), {"level": "lldtrend"}),
    (Structure(trend=True, random_trend=True), {"level": "lltrend"}),
    (Structure(season=True), {"level": "llevel", "seasonal": 12, "stochastic_seasonal": False}),
    (Structure(season=True, random_season=True), {"level": "llevel", "seasonal": 12}),
)
IDS = [str(s) for s, _ in PAIRS]


def drawn():
    rng, time = np.random.default_rng(1), np.arange(N)
    y = np.cumsum(rng.normal(size=N)) + 3 * np.sin(time * np.pi / 6) + rng.normal(size=N)
    return y, (time >= 40).astype(float)[:, None], time - 40, time % 12 + 1


def make(months=84, before=60, transition=0, level=60.0, effect=-0.3, seed=8):
    counts = poisson_counts(20, months, level=level, treated=TREATED, start=before, effect=effect, seed=seed)
    return design(counts, treated=TREATED, months_before=before, transition=transition)


@pytest.mark.parametrize(("structure", "theirs"), PAIRS, ids=IDS)
def test_the_likelihood_is_that_of_the_kalman_filter(structure, theirs):
    """Up to a constant: the scale of the flat prior on the initial states."""
    y, x, time, month = drawn()
    z = np.column_stack(list(kernels.fixed_columns(structure, time, month).values()))
    data, parts = Regression(y=y, x=x, z=z), kernels.random_parts(structure, N)
    model = UnobservedComponents(y, exog=x, use_exact_diffuse=True, **theirs)
    gaps = []
    for logs in (np.full(len(parts), -1.0), np.linspace(-3, 0, len(parts)), np.full(len(parts), 1.0)):
        found = concentrate(data, kernels.mixture(parts, logs))
        values = np.concatenate([[found.sigma2], found.sigma2 * np.exp(logs), found.coefficients])
        gaps.append(found.llf - model.loglike(values))
        if theirs.get("seasonal") is None:
            assert gaps[-1] == pytest.approx(z.shape[1] / 2 * math.log(2 * math.pi), abs=1e-6)
    assert gaps == pytest.approx([gaps[0]] * 3, abs=1e-6)


def test_statsmodels_finds_nothing_better_from_our_maximum():
    d = make()
    y = d.counts[d.is_treated].sum(axis=0).astype(float)
    structure = Structure(trend=True)
    fit = fit_series(y, np.arange(84) - 60, "2020-01", StructuralITS(structure=structure, slope=False))
    model = UnobservedComponents(
        np.log(y), level="lldtrend", exog=(np.arange(84) >= 60).astype(float), use_exact_diffuse=True
    )
    at = [fit.facts["irregular_variance"], fit.facts["level_variance"], fit.coefficients[0]]
    gap = math.log(2 * math.pi)
    assert model.loglike(at) == pytest.approx(fit.facts["log_likelihood"] - gap, abs=1e-5)
    theirs = model.fit(start_params=at, disp=False)
    assert theirs.llf <= fit.facts["log_likelihood"] - gap + 1e-3


def test_forecasts_equal_statsmodels():
    y, _, time, month = drawn()
    structure, logs, variance = Structure(trend=True, random_trend=True), np.array([-1.0, -4.0]), 1.7
    z = np.column_stack(list(kernels.fixed_columns(structure, time, month).values()))
    weights, noise = kernels.conditional(kernels.mixture(kernels.random_parts(structure, N), logs), z, 48)
    model = UnobservedComponents(y[:48], level="lltrend", use_exact_diffuse=True)
    theirs = model.smooth(variance * np.append(1.0, np.exp(logs))).get_forecast(12)
    assert weights @ y[:48] == pytest.approx(theirs.predicted_mean, abs=1e-8)
    assert variance * np.diag(noise) == pytest.approx(theirs.se_mean**2, rel=1e-8)


def test_a_season_that_changes_adds_up_to_its_shocks():
    """The recursion of the states: a season is minus the sum of the eleven before it, plus a shock."""
    rng = np.random.default_rng(0)
    shocks = rng.normal(size=(40_000, 30))
    states = np.zeros((40_000, 30))
    for t in range(1, 30):
        states[:, t] = -states[:, max(t - 11, 0) : t].sum(axis=1) + shocks[:, t]
    (_, season) = kernels.random_parts(Structure(season=True, random_season=True), 30)
    assert np.cov(states.T)[20, 20] == pytest.approx(season[20, 20], rel=0.05)
    assert np.cov(states.T)[20, 8] == pytest.approx(season[20, 8], rel=0.1)


def test_it_is_an_estimator_and_says_how_the_structure_came_about():
    assert isinstance(StructuralITS(), Estimator)
    e = StructuralITS().estimate(make())
    assert e.facts["structures_tried"] == 9
    assert e.facts["structure"] in e.inference
    assert "chosen by AICc among 9 structures on the months before the start alone" in e.notes[0]
    given = StructuralITS(structure=Structure(season=True)).estimate(make())
    assert given.notes[0] == "Structure as registered: local level, fixed season."
    assert "aicc_before" not in given.facts


def test_the_structure_is_chosen_without_the_months_after_the_start():
    counts = poisson_counts(20, 84, level=60, seed=8)
    other = counts.copy()
    other[TREATED, 60:] = np.random.default_rng(0).poisson(300, (2, 24))
    one, two = (StructuralITS().estimate(design(c, treated=TREATED, months_before=60)) for c in (counts, other))
    assert (one.facts["structure"], one.facts["aicc_before"]) == (two.facts["structure"], two.facts["aicc_before"])


def test_structures_are_found_in_long_series():
    rng, time, month = np.random.default_rng(2), np.arange(140), np.arange(140) % 12 + 1
    none = np.zeros((140, 0))
    noise = rng.normal(size=140)
    assert kernels.choose_structure(noise, none, time, month)[0] == Structure()
    slope = kernels.choose_structure(0.2 * time + noise, none, time, month)[0]
    assert slope == Structure(trend=True)
    season = 3 * np.sin(time * np.pi / 6) + np.cumsum(noise)
    assert kernels.choose_structure(season, none, time, month)[0].season


def test_without_random_parts_it_is_least_squares():
    """A series without drift: the level's variance goes to nothing and the step to the difference of means."""
    rng = np.random.default_rng(4)
    alternating = np.where(np.arange(84) % 2 == 0, 1.0, -1.0) * 5 + rng.normal(size=84)
    y = np.rint(200 + alternating - 40 * (np.arange(84) >= 60))
    fit = fit_series(y, np.arange(84) - 60, "2020-01", StructuralITS(structure=Structure(), slope=False, log=False))
    assert fit.coefficients[0] == pytest.approx(y[60:].mean() - y[:60].mean(), abs=0.01)
    rss = ((y[:60] - y[:60].mean()) ** 2).sum() + ((y[60:] - y[60:].mean()) ** 2).sum()
    error = np.sqrt(rss / 82 * (1 / 60 + 1 / 24))
    assert np.sqrt(fit.covariance[0, 0]) == pytest.approx(error, rel=0.01)
    assert fit.df == 82


def test_a_step_alone_is_the_effect_and_tables_agree():
    e = StructuralITS(slope=False).estimate(make())
    row = e.coefficients.set_index("term").loc["level"]
    assert (e.facts["terms_effect"], e.facts["terms_std_error"]) == pytest.approx(
        (row["estimate"], row["std_error"]), rel=1e-9
    )
    assert e.effect == pytest.approx(-0.3, abs=4 * e.std_error)
    table, path = e.tables["averted"], e.path[60:]
    assert table["averted"].tolist() == pytest.approx((path["counterfactual"] - path["observed"]).tolist())
    assert table["cumulative"].tolist() == pytest.approx(table["averted"].cumsum().tolist())
    last = table.iloc[-1]
    assert e.averted() == pytest.approx(tuple(last[["cumulative", "cumulative_low", "cumulative_high"]]))
    assert e.path.notna().all().all()


def test_months_of_transition_and_other_interruptions():
    e = StructuralITS(structure=Structure(), slope=False).estimate(make(transition=3, months=87))
    assert len(e.path) == 84
    assert e.effect == pytest.approx(-0.3, abs=5 * e.std_error)
    counts = poisson_counts(20, 84, level=200, seed=8)
    counts[TREATED, 70:] *= 2
    d = design(counts, treated=TREATED, months_before=60)
    other = StructuralITS(structure=Structure(), slope=False, interruptions=(Interruption(month="2020-11"),))
    found = other.estimate(d)
    assert abs(found.effect) < 4 * found.std_error
    assert found.path["counterfactual"][75] / found.path["counterfactual"][65] == pytest.approx(2, rel=0.2)


def test_what_must_not_matter_does_not():
    counts = poisson_counts(20, 84, level=60, treated=TREATED, start=60, effect=-0.3, seed=8)
    d = design(counts, treated=TREATED, months_before=60)
    changed = counts.copy()
    changed[[0, 7]] = changed[[7, 0]] + 50
    other = design(changed, treated=TREATED, months_before=60)
    assert StructuralITS().estimate(d).effect == StructuralITS().estimate(other).effect
    scaled = design(counts * 10, treated=TREATED, months_before=60)
    one, ten = (StructuralITS().estimate(x) for x in (d, scaled))
    assert (ten.effect, ten.std_error) == pytest.approx((one.effect, one.std_error), rel=1e-4)
    one, ten = (StructuralITS(log=False).estimate(x) for x in (d, scaled))
    assert (ten.effect, ten.std_error) == pytest.approx((10 * one.effect, 10 * one.std_error), rel=1e-3)


@pytest.mark.parametrize(
    ("counts", "before", "options", "words"),
    [
        (np.zeros((2, 40), dtype=int), 30, {}, "no incident at all"),
        (np.full((2, 40), 5), 30, {}, "every month has the same count, 10"),
        (np.tile([0, 3], (2, 20)), 30, {}, "have no log, and there are 20"),
        (np.tile([2, 3], (2, 20)), 7, {}, "7 months before the start; expected at least 8"),
        (np.tile([2, 3, 5, 4], (2, 10)), 12, {"structure": Structure(season=True)}, "12 initial states"),
    ],
)
def test_series_that_cannot_tell_are_refused_in_one_sentence(counts, before, options, words):
    rest = np.full((3, counts.shape[1]), 9)
    d = design(np.vstack([counts, rest]), treated=[0, 1], months_before=before)
    with pytest.raises(EstimationError, match=words):
        StructuralITS(**options).estimate(d)


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(SpecError, match="neither level nor slope"):
        StructuralITS(level=False, slope=False)
    with pytest.raises(SpecError, match="'level' is given twice"):
        StructuralITS(change=(step(),))
    passing = StructuralITS(level=False, slope=False, change=(pulse(half_life=3),))
    assert replace(passing, log=False).name == "Structural time series"

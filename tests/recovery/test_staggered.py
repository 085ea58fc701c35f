"""Estimators for staggered starts find effects that grow and differ, where one two-way effect does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from staggered_builders import staggered

from cseval.cohorts import NEVER
from cseval.estimators.bacon import LATE_EARLY, by_kind, decompose, two_way
from cseval.estimators.callaway_santanna import CallawaySantAnna
from cseval.estimators.callaway_santanna_kernels import att_gt
from cseval.estimators.etwfe import PoissonETWFE
from cseval.estimators.imputation import Imputation
from cseval.estimators.imputation_kernels import imputed_effects
from cseval.estimators.staggered import linear_found
from cseval.estimators.staggered_cohorts import cohort_panel, panel_of
from cseval.estimators.staggered_kernels import band_factor
from cseval.estimators.sun_abraham import SunAbraham
from cseval.inference.placebo import PlaceboNeighbourhoods

MONTHS, BEFORE = 30, 12
#: Rows of a lattice of 10 x 10 begin together; the other rows never do.
DELAYS = {10 * row + column: delay for row, delay in ((0, 0), (2, 4), (4, 7)) for column in range(10)}
DRAWS = 100


def log_effect(delay: int) -> np.ndarray:
    """Log effect by month: grows over eight months, further in cohorts that begin earlier."""
    grown = np.clip(np.arange(MONTHS) - BEFORE - delay + 1, 0, 8) / 8
    return -(0.9 - 0.08 * delay) * grown


def simulated(seed: int, *, additive: bool = False) -> tuple[np.ndarray, float]:
    """Counts of a hundred units, and the true effect over all treated cells given the units' levels."""
    rng = np.random.default_rng(seed)
    unit, month = rng.normal(1.8, 0.3, (100, 1)), 0.1 * np.sin(np.arange(MONTHS))
    mean = np.exp(unit + month) if not additive else np.exp(unit) + 4 + 2 * month
    without = mean.copy()
    for u, delay in DELAYS.items():
        mean[u] = mean[u] + 3 * log_effect(delay) if additive else mean[u] * np.exp(log_effect(delay))
    treated = np.zeros(mean.shape, dtype=bool)
    for u, delay in DELAYS.items():
        treated[u, BEFORE + delay :] = True
    change = mean[treated].sum() - without[treated].sum()
    truth = change / treated.sum() if additive else math.log(mean[treated].sum() / without[treated].sum())
    return rng.poisson(mean).astype(np.int64), truth


def estimates(estimator, draws=DRAWS, additive=False):
    found, truth = [], []
    for seed in range(draws):
        counts, true = simulated(seed, additive=additive)
        found.append(estimator.estimate(staggered(counts, DELAYS, before=BEFORE)))
        truth.append(true)
    return found, np.array(truth)


def recovered(found, truth):
    """Mean error within four Monte Carlo errors of none, errors of the right size, and intervals that cover."""
    error = np.array([e.effect for e in found]) - truth
    reported = np.array([e.std_error for e in found])
    covered = np.mean([e.conf_low <= t <= e.conf_high for e, t in zip(found, truth, strict=True)])
    assert abs(error.mean()) < 4 * error.std(ddof=1) / math.sqrt(len(found))
    assert reported.mean() / error.std(ddof=1) == pytest.approx(1.0, abs=0.25)
    assert covered == pytest.approx(0.95, abs=0.05)


def test_poisson_etwfe_recovers_effects_that_grow_and_differ():
    recovered(*estimates(PoissonETWFE(band_draws=99)))


@pytest.mark.parametrize(
    "estimator",
    [
        Imputation(band_draws=99),
        CallawaySantAnna(band_draws=99),
        CallawaySantAnna(controls="not-yet", band_draws=99),
        SunAbraham(band_draws=99),
    ],
    ids=lambda e: e.name,
)
def test_linear_estimators_recover_effects_that_grow_and_differ(estimator):
    recovered(*estimates(estimator, additive=True))


def test_one_two_way_effect_is_biased_and_imputation_is_not():
    """Without units that never begin, late cohorts are compared with early ones whose effects still grow."""
    rng = np.random.default_rng(1)
    first = np.repeat([12, 18, 24], 60)
    event = np.arange(MONTHS) - first[:, None]
    effect = -0.5 * np.clip(event + 1, 0, None)
    errors = {"two-way": [], "imputation": []}
    for _ in range(30):
        y = rng.normal(size=(180, 1)) + rng.normal(size=(180, MONTHS)) + effect
        cells, effects, _ = imputed_effects(cohort_panel(y, first))
        known = cells.column < 24
        own = zip(cells.cohort[known], cells.column[known], strict=True)
        truth = np.mean([effect[60 * c, t] for c, t in own])
        errors["imputation"].append(effects.values()[known].mean() - truth)
        errors["two-way"].append(two_way(y, first)[0] - effect[effect < 0].mean())
    assert abs(np.mean(errors["imputation"])) < 4 * np.std(errors["imputation"]) / math.sqrt(30)
    assert np.mean(errors["two-way"]) > 1.5  # the mean effect is about -3.4
    assert by_kind(decompose(y, first))[LATE_EARLY][0] > 0.3


def test_leads_are_zero_and_lags_follow_the_growing_effect():
    found, expected = [], []
    for seed in range(60):
        counts, _ = simulated(seed)
        table = (
            PoissonETWFE(band_draws=99)
            .estimate(staggered(counts, DELAYS, before=BEFORE))
            .tables["att_by_cohort_and_period"]
        )
        found.append(table["estimate"].to_numpy())
        expected.append([log_effect({0: 0, 1: 4, 2: 7}[c])[t] for c, t in zip(*cells_of_table(table), strict=True)])
    error = np.mean(found, axis=0) - np.mean(expected, axis=0)
    assert np.abs(error / (np.std(found, axis=0) / math.sqrt(60))).max() < 5


def cells_of_table(table):
    starts = sorted(table["start"].unique())
    columns = [(int(p[:4]) - 2015) * 12 + int(p[5:]) - 1 for p in table["period"]]
    return table["start"].map(starts.index), columns


def test_bands_hold_all_event_times_together():
    """A band is a statement on sixteen effects at once; the intervals of single event times hold far less often."""
    first = np.repeat([4, 8, NEVER], 100)
    band, each = 0, 0
    for seed in range(200):
        panel = cohort_panel(np.random.default_rng(seed).normal(size=(300, 12)), first)
        cells, effects = att_gt(panel)
        found = linear_found(panel, cells, effects, panel.total[:-1], shares=True)
        rows = [i for i, a in enumerate(found.aggregates) if a.kind == "event" and a.label != "overall"]
        covariance = found.covariance[np.ix_(rows, rows)]
        largest = np.abs(found.averages[rows] / np.sqrt(np.diag(covariance))).max()
        band += largest <= band_factor(covariance, 999, seed)
        each += largest <= 1.96
    assert band / 200 == pytest.approx(0.95, abs=0.05)
    assert each / 200 < 0.75


def test_placebo_neighbourhoods_reject_a_true_null_as_often_as_they_say():
    """Three neighbourhoods of two units, each placebo with starts of its own."""
    rejected = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        shock = np.cumsum(rng.normal(0, 0.05, (100, MONTHS)), axis=1)
        counts = rng.poisson(np.exp(1.8 + rng.normal(0, 0.3, (100, 1)) + shock)).astype(np.int64)
        d = staggered(counts)
        estimate = PoissonETWFE(band_draws=99).estimate(d)
        found = PlaceboNeighbourhoods(draws=199).infer(d, PoissonETWFE(band_draws=99), estimate, seed)
        rejected += found.p_value <= 0.05
    assert rejected / 80 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 80)


def test_the_panel_of_a_design_has_every_used_unit():
    panel = panel_of(staggered(delays=DELAYS))
    assert panel.size.tolist() == [10, 10, 10, 70]
    assert panel.first.tolist() == [12, 16, 19]

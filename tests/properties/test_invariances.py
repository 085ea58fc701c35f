"""What must not change an estimate, on generated panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, lattice, poisson_counts
from hypothesis import given, settings
from hypothesis import strategies as st

from cseval.areas import Areas
from cseval.design import Design
from cseval.estimators.event_study import EventStudy
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import Harmonics, SegmentedRegression
from cseval.inputs import Inputs, Roles
from cseval.panel import Panel

TREATED = [5, 6]
BEFORE, MONTHS = 16, 26
ESTIMATORS = [
    PoissonDiD(),
    LinearDiD(),
    EventStudy(bin_months=5),
    EventStudy(bin_months=5, linear=True, base="mean"),
    SegmentedRegression(season=Harmonics(pairs=1)),
    SegmentedRegression(season=None, relative_to_comparison=True),
]
IDS = [f"{type(e).__name__}{i}" for i, e in enumerate(ESTIMATORS)]
seeds = st.integers(0, 10_000)
few = settings(max_examples=6, deadline=None, derandomize=True)


def make(seed, **options):
    counts = poisson_counts(16, MONTHS, level=9, treated=TREATED, start=BEFORE, effect=-0.2, seed=seed)
    return design(counts, treated=TREATED, months_before=BEFORE, shape=(4, 4), buffer_rings=1, **options)


def same(a, b):
    assert (a.effect, a.std_error, a.p_value) == pytest.approx((b.effect, b.std_error, b.p_value), rel=1e-7, abs=1e-10)
    assert a.counterfactual == pytest.approx(b.counterfactual, rel=1e-9)
    assert a.path["counterfactual"].tolist() == pytest.approx(b.path["counterfactual"].tolist(), rel=1e-7)


def rebuilt(d: Design, panel: Panel, areas: Areas, treated) -> Design:
    """The same window on other inputs."""
    inputs = Inputs(panel=panel, areas=areas, roles=Roles(treated=frozenset(treated)))
    return Design.build(
        inputs, d.outcome, start=d.start, months_before=d.months_before, months_after=d.months_after, buffer_rings=1
    )


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
@few
@given(seed=seeds)
def test_order_of_units(estimator, seed):
    d = make(seed)
    order = np.random.default_rng(seed).permutation(16)
    panel = d.inputs.panel
    shuffled = replace(
        panel,
        units=tuple(panel.units[i] for i in order),
        counts={k: np.ascontiguousarray(v[order]) for k, v in panel.counts.items()},
    )
    same(estimator.estimate(d), estimator.estimate(rebuilt(d, shuffled, d.inputs.areas, d.treated)))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
@few
@given(seed=seeds)
def test_names_of_units(estimator, seed):
    d = make(seed)
    names = {u: f"Z{99 - i}" for i, u in enumerate(d.units)}
    panel = replace(d.inputs.panel, units=tuple(names[u] for u in d.units))
    areas = replace(d.inputs.areas, units=tuple(names[u] for u in d.inputs.areas.units))
    same(estimator.estimate(d), estimator.estimate(rebuilt(d, panel, areas, (names[u] for u in d.treated))))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
@few
@given(seed=seeds)
def test_counts_outside_treated_and_comparison(estimator, seed):
    d = make(seed)
    outside = ~(d.is_treated | d.comparison)
    assert outside.any()
    counts = d.inputs.panel.counts["burglary"].copy()
    counts[outside] = np.random.default_rng(seed).poisson(500, counts[outside].shape)
    panel = replace(d.inputs.panel, counts={"burglary": counts})
    same(estimator.estimate(d), estimator.estimate(rebuilt(d, panel, d.inputs.areas, d.treated)))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
@few
@given(seed=seeds)
def test_units_added_outside_the_pool(estimator, seed):
    d = make(seed)
    panel = d.inputs.panel
    wide = np.random.default_rng(seed).poisson(40, (20, MONTHS)).astype(np.int64)
    wide[:16] = panel.counts["burglary"]
    far = lattice(5, 4)
    bigger = replace(panel, units=far.units, counts={"burglary": wide})
    inputs = Inputs(panel=bigger, areas=far, roles=d.inputs.roles)
    same(estimator.estimate(d), estimator.estimate(replace(d, inputs=inputs)))


@few
@given(seed=seeds, factor=st.floats(0.01, 1000.0))
def test_unit_of_exposure(seed, factor):
    people = np.random.default_rng(seed).uniform(50, 150, (16, MONTHS))
    for estimator in (
        PoissonDiD(exposure=True),
        SegmentedRegression(season=None, exposure=True),
        SegmentedRegression(season=None, exposure=True, relative_to_comparison=True),
    ):
        same(estimator.estimate(make(seed, exposure=people)), estimator.estimate(make(seed, exposure=factor * people)))
    rates = [LinearDiD(per=1000.0 * k).estimate(make(seed, exposure=people * k)) for k in (1.0, factor)]
    same(*rates)


@few
@given(seed=seeds, factor=st.integers(2, 50))
def test_a_multiple_of_every_count_leaves_log_ratios_and_multiplies_numbers(seed, factor):
    d = make(seed)
    panel = replace(d.inputs.panel, counts={"burglary": d.inputs.panel.counts["burglary"] * factor})
    more = rebuilt(d, panel, d.inputs.areas, d.treated)
    one, many = PoissonDiD().estimate(d), PoissonDiD().estimate(more)
    assert (many.effect, many.std_error) == pytest.approx((one.effect, one.std_error), rel=1e-9)
    assert many.averted()[0] == pytest.approx(factor * one.averted()[0], rel=1e-9)
    one, many = LinearDiD().estimate(d), LinearDiD().estimate(more)
    assert (many.effect, many.std_error) == pytest.approx((factor * one.effect, factor * one.std_error), rel=1e-9)


@few
@given(seed=seeds)
def test_a_month_that_multiplies_every_comparison_and_treated_count_within_a_phase_cancels(seed):
    d = make(seed)
    counts = d.inputs.panel.counts["burglary"].copy()
    counts[:, BEFORE:] *= 3
    more = rebuilt(d, replace(d.inputs.panel, counts={"burglary": counts}), d.inputs.areas, d.treated)
    one, many = PoissonDiD().estimate(d), PoissonDiD().estimate(more)
    assert (many.effect, many.std_error) == pytest.approx((one.effect, one.std_error), rel=1e-9)

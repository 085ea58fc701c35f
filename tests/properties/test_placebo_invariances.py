"""What must not change a placebo test: the order of the units, their names, and units that play no part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, lattice, poisson_counts
from hypothesis import given, settings
from hypothesis import strategies as st

from cseval.areas import Areas
from cseval.design import Design
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo import PlaceboNeighbourhoods, critical_value, p_values
from cseval.inputs import Inputs, Roles
from cseval.panel import Panel

SIDE, BEFORE, MONTHS = 6, 10, 16
TREATED = [14, 15]
METHOD = PlaceboNeighbourhoods(draws=999)  # more than there are sets, so all of them are enumerated
few = settings(max_examples=10, deadline=None, derandomize=True)
seeds = st.integers(0, 10_000)


def make(seed) -> Design:
    counts = poisson_counts(SIDE**2, MONTHS, level=9, treated=TREATED, start=BEFORE, effect=-0.2, seed=seed)
    return design(counts, treated=TREATED, months_before=BEFORE, shape=(SIDE, SIDE), buffer_rings=1)


def infer(d, estimator):
    return METHOD.infer(d, estimator, estimator.estimate(d), 1)


def same(a, b):
    assert a.facts["exact"]
    assert a.p_value == b.p_value
    assert (a.std_error, a.conf_low, a.conf_high) == pytest.approx((b.std_error, b.conf_low, b.conf_high), rel=1e-9)
    assert np.sort(a.draws.effects).tolist() == pytest.approx(np.sort(b.draws.effects).tolist(), abs=1e-12)


def rebuilt(d: Design, panel: Panel, areas: Areas, treated) -> Design:
    given = Inputs(panel=panel, areas=areas, roles=Roles(treated=frozenset(treated)))
    return replace(d, inputs=given, treated=frozenset(treated), pool=frozenset(panel.units) - frozenset(treated))


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD()], ids=["poisson", "linear"])
@few
@given(seed=seeds)
def test_order_of_units_and_of_the_map(estimator, seed):
    d = make(seed)
    panel = d.inputs.panel
    rng = np.random.default_rng(seed)
    order, on_map = rng.permutation(SIDE**2), rng.permutation(SIDE**2)
    shuffled = replace(
        panel,
        units=tuple(panel.units[i] for i in order),
        counts={"burglary": np.ascontiguousarray(panel.counts["burglary"][order])},
    )
    other_map = d.inputs.areas.align(tuple(panel.units[i] for i in on_map))
    same(infer(d, estimator), infer(rebuilt(d, shuffled, other_map, d.treated), estimator))


@few
@given(seed=seeds)
def test_names_of_units(seed):
    d = make(seed)
    names = {u: f"E{97 - i:05d}" for i, u in enumerate(d.units)}
    units = tuple(names[u] for u in d.units)
    areas = Areas(units=units, pairs=d.inputs.areas.pairs[:, ::-1], border=d.inputs.areas.border)
    renamed = rebuilt(d, replace(d.inputs.panel, units=units), areas, {names[u] for u in d.treated})
    same(infer(d, PoissonDiD()), infer(renamed, PoissonDiD()))


@few
@given(seed=seeds)
def test_areas_without_counts_and_excluded_units(seed):
    d = make(seed)
    panel = d.inputs.panel
    wide = lattice(SIDE, SIDE)
    extra = Areas(
        units=(*wide.units, "X1"),
        pairs=np.concatenate([wide.pairs, [[0, SIDE**2]]]),
        border=np.append(wide.border, 1.0),
    )
    same(infer(d, PoissonDiD()), infer(rebuilt(d, panel, extra, d.treated), PoissonDiD()))
    excluded = frozenset({"U035"})
    noisy = panel.counts["burglary"].copy()
    noisy[35] = 10**6
    louder = rebuilt(d, replace(panel, counts={"burglary": noisy}), wide, d.treated)
    without, with_noise = replace(d, excluded=excluded), replace(louder, excluded=excluded)
    same(infer(without, PoissonDiD()), infer(with_noise, PoissonDiD()))


@few
@given(seed=seeds, times=st.integers(2, 9))
def test_linear_effects_scale_with_the_counts(seed, times):
    d = make(seed)
    panel = d.inputs.panel
    more = replace(panel, counts={"burglary": panel.counts["burglary"] * times})
    one, many = infer(d, LinearDiD()), infer(rebuilt(d, more, d.inputs.areas, d.treated), LinearDiD())
    assert many.p_value == one.p_value
    assert many.conf_low == pytest.approx(times * one.conf_low)
    assert many.conf_high == pytest.approx(times * one.conf_high)


numbers = st.floats(-5, 5, allow_nan=False)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(numbers, min_size=19, max_size=120), numbers, st.sampled_from([0.05, 0.1]))
def test_p_and_interval_never_disagree(reference, tested, level):
    draws = np.array(reference)
    p = p_values(np.array([tested]), draws)[0]
    assert 1 / (1 + len(draws)) <= p <= 1
    critical = critical_value(draws, level)
    if abs(abs(tested) - critical) > 1e-9:
        assert (p <= level + 1e-12) == (abs(tested) > critical)
    assert p == p_values(np.array([-tested]), np.random.default_rng(0).permutation(-draws))[0]

"""Rolling years of a simulated survey with a known effect: what finds it, what covers it, what cries wolf.

Each borough is asked 100 people a quarter about a share that has a level of its own, moves with all others, and may
drift by itself; a point is the mean of four quarters, in whole per cent, as the Public Attitude Survey is published.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cseval.estimators.perceptions import OverlappingWindows, PerceptionModel, PerceptionSpan, ThinnedWindows
from cseval.inference.perceptions import joint_p_values
from cseval.inference.perceptions_errors import independent_p_values, t_p_values
from cseval.inference.perceptions_ranks import rank_among_areas, rank_p_values
from cseval.months import add_months
from cseval.survey import SurveySeries

AREAS, WINDOWS, ASKED = 32, 21, 100
ENDS = tuple(add_months("2014-12", 3 * i) for i in range(WINDOWS))
SPAN = PerceptionSpan(start="2018-05")
#: Share of each quarter's months after the start; three quarters come before the first window's last.
QUARTERS = tuple(add_months("2014-03", 3 * i) for i in range(WINDOWS + 3))
AFTER = np.array([0.0 if q < "2018-06" else 2 / 3 if q == "2018-06" else 1.0 for q in QUARTERS])
THINNED, OVERLAPPING = PerceptionModel(), PerceptionModel(rule=OverlappingWindows())
REPLICATES = 300


@dataclass(frozen=True)
class World:
    """How far a borough's own share drifts in a quarter, and the effect in the first borough."""

    drift: float = 0.0
    effect: float = 0.0
    measures: int = 1


def simulate(world: World, rng: np.random.Generator) -> SurveySeries:
    """A survey of all boroughs; measures are asked of the same people and move together."""
    shape = (AREAS, len(QUARTERS))
    common = np.cumsum(rng.normal(0, 0.01, len(QUARTERS)))
    own = rng.normal(0, 0.06, (AREAS, 1)) + np.cumsum(rng.normal(0, world.drift, shape), axis=1)
    shares = {}
    shared = rng.normal(0, 1, shape)
    for number in range(world.measures):
        truth = np.clip(0.6 + own + common, 0.05, 0.95)
        truth[0] = np.clip(truth[0] + world.effect * AFTER, 0.02, 0.98)
        noise = (shared + rng.normal(0, 1, shape)) / np.sqrt(2) if world.measures > 1 else rng.normal(0, 1, shape)
        asked = np.clip(truth + noise * np.sqrt(truth * (1 - truth) / ASKED), 0, 1)
        rolling = np.lib.stride_tricks.sliding_window_view(asked, 4, axis=1).mean(axis=2)
        shares[f"m{number}"] = np.round(rolling, 2)
    received = {m: np.ones((AREAS, WINDOWS), dtype=bool) for m in shares}
    return SurveySeries(units=tuple(f"U{i}" for i in range(AREAS)), ends=ENDS, shares=shares, received=received)


def worlds(world: World, seed: int, replicates: int = REPLICATES) -> list[SurveySeries]:
    rng = np.random.default_rng(seed)
    return [simulate(world, rng) for _ in range(replicates)]


MODELS = [
    THINNED,
    OVERLAPPING,
    PerceptionModel(trend=True),
    PerceptionModel(rule=OverlappingWindows(), trend=True),
    PerceptionModel(rule=OverlappingWindows(), trend=True, against_others=False),
]


@pytest.mark.parametrize("drift", [0.0, 0.015])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_the_effect_is_recovered_and_its_interval_covers(model: PerceptionModel, drift: float) -> None:
    truth = -0.06
    found = [
        rank_among_areas(effects.own, 0, relative=effects.relative)
        for effects in (model.effects(s, "m0", SPAN) for s in worlds(World(drift=drift, effect=truth), 21))
    ]
    estimates = np.array([f.effect for f in found])
    assert abs(estimates.mean() - truth) < 3 * estimates.std() / np.sqrt(REPLICATES)
    held = np.mean([f.conf_low <= truth <= f.conf_high for f in found])
    assert found[0].coverage == pytest.approx(31 / 32)
    assert abs(held - 31 / 32) < 3 * np.sqrt(31 / 32 / 32 / REPLICATES)


def rejected(world: World, seed: int, replicates: int = REPLICATES) -> dict[str, float]:
    """Share of true nulls rejected at 5 %, over all boroughs (their tests are all alike)."""
    counts: dict[str, list[float]] = {}
    for s in worlds(world, seed, replicates):
        for name, model in (("thinned", THINNED), ("overlapping", OVERLAPPING)):
            found = model.effects(s, "m0", SPAN)
            own = rank_p_values(found.own, relative=True)
            counts.setdefault(f"{name}, rank", []).append(float(own[0] <= 0.05))
            by_model = t_p_values(found.effects, found.std_errors, found.degrees)
            counts.setdefault(f"{name}, t", []).append(float((by_model <= 0.05).mean()))
        independent = independent_p_values(s, "m0", SPAN, THINNED)
        counts.setdefault("independent, t", []).append(float((independent <= 0.05).mean()))
    return {name: float(np.mean(values)) for name, values in counts.items()}


def test_overlapping_quarters_taken_for_new_answers_cry_wolf() -> None:
    """Without drift both ways of handling the overlap hold 5 %; taking every window for new answers finds six times."""
    found = rejected(World(), 2)
    assert found["independent, t"] > 0.25
    assert 0.035 < found["thinned, t"] < 0.065
    assert 0.035 < found["overlapping, t"] < 0.065
    assert found["thinned, rank"] < 1 / 32 + 0.03
    assert found["overlapping, rank"] < 1 / 32 + 0.03


def test_only_the_rank_survives_opinions_that_drift() -> None:
    found = rejected(World(drift=0.015), 3)
    assert found["independent, t"] > 0.4
    assert found["overlapping, t"] > 0.1
    assert found["thinned, rank"] < 1 / 32 + 0.03
    assert found["overlapping, rank"] < 1 / 32 + 0.03


def test_modelling_the_overlap_is_more_precise_where_it_holds() -> None:
    """All windows tell more than every fourth, as long as quarters are independent."""
    estimates = {
        model.name: np.array([model.effects(s, "m0", SPAN).effects[0] for s in worlds(World(effect=0.05), 4)])
        for model in (THINNED, OVERLAPPING)
    }
    assert estimates[OVERLAPPING.name].std() < 0.95 * estimates[THINNED.name].std()


def test_ignoring_the_months_in_a_window_dilutes_the_effect() -> None:
    """Windows that straddle the start, counted as wholly after it, hold only part of the effect."""
    after = np.array([e > "2018-05" for e in ENDS])
    plain = []
    for s in worlds(World(effect=0.10), 5):
        values = s.shares["m0"]
        change = values[:, after].mean(axis=1) - values[:, ~after].mean(axis=1)
        plain.append(change[0] - change[1:].mean())
    assert np.mean(plain) < 0.085


@pytest.mark.parametrize("rule", [ThinnedWindows(), OverlappingWindows()])
def test_several_measures_together_hold_the_level(rule: ThinnedWindows | OverlappingWindows) -> None:
    """The first of eight measures is found falsely in at most 1/32, though by itself each would be."""
    model = PerceptionModel(rule=rule)
    joint, alone = [], []
    for s in worlds(World(measures=8), 6, 200):
        found = [model.effects(s, m, SPAN) for m in s.measures]
        p = [float(rank_p_values(f.own, relative=True)[0]) for f in found]
        joint.append(joint_p_values(found, 0, p).min() <= 0.05)
        alone.append(min(p) <= 0.05)
    assert np.mean(joint) < 1 / 32 + 3 * np.sqrt(1 / 32 / 200)
    assert np.mean(alone) > 2 * np.mean(joint)


@pytest.mark.slow
def test_the_rates_that_the_documents_print() -> None:
    still, drifting = rejected(World(), 7, 3000), rejected(World(drift=0.015), 8, 3000)
    for found in (still, drifting):
        assert found["thinned, rank"] == pytest.approx(1 / 32, abs=0.01)
        assert found["overlapping, rank"] == pytest.approx(1 / 32, abs=0.01)
    assert still["overlapping, t"] == pytest.approx(0.05, abs=0.01)
    assert still["independent, t"] > 0.3

"""The demonstration data: seeded, as declared, and evaluated with intervals that hold the truth."""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from multiprocessing import get_context

import numpy as np
import pytest

from cseval.design import Design
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inputs import DEMONSTRATION
from cseval.months import month_number
from cseval.sources.demonstration import AGREED, FIRST, LAST, OUTCOMES, PILOT_SIZE, START, simulate

ASB = "anti_social_behaviour"
ONLY_ASB = {ASB: OUTCOMES[ASB]}
SEEDS = 200


@pytest.fixture(scope="module")
def demonstration():
    return simulate(2018)


def fingerprint(inputs) -> str:
    panel = inputs.panel
    digest = hashlib.sha256("|".join((*panel.units, *panel.periods, *sorted(inputs.roles.treated))).encode())
    for outcome in panel.outcomes:
        digest.update(panel.counts[outcome].tobytes())
    for part in (inputs.areas.pairs, inputs.areas.border, *(o for u in panel.units for o in inputs.areas.outlines[u])):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def test_same_seed_same_bytes_and_another_seed_others(demonstration):
    assert fingerprint(simulate(2018)) == fingerprint(demonstration)
    assert fingerprint(simulate(2019)) != fingerprint(demonstration)


def test_it_says_that_it_is_simulated_and_knows_its_truth(demonstration):
    assert demonstration.data == DEMONSTRATION
    assert demonstration.panel.outcomes == tuple(OUTCOMES)
    assert demonstration.panel.periods[0] == FIRST
    assert demonstration.panel.periods[-1] == LAST
    assert demonstration.truth == {n: pytest.approx(math.log(o.true_ratio)) for n, o in OUTCOMES.items()}
    assert "no real place" in demonstration.panel.notes[0]


def test_the_map_is_whole(demonstration):
    areas = demonstration.areas
    assert len(areas.units) == len(set(areas.units)) == 300
    assert len(areas.components(areas.units)) == 1
    assert (areas.border > 0).all()
    districts = {d: [u for u in areas.units if areas.districts[u] == d] for d in set(areas.districts.values())}
    assert len(districts) == 15
    assert {len(units) for units in districts.values()} == {20}
    assert all(len(areas.components(units)) == 1 for units in districts.values())


def year_before(inputs) -> np.ndarray:
    end = month_number(AGREED) - month_number(FIRST)
    return inputs.panel.counts[ASB][:, end - 12 : end].sum(axis=1)


@pytest.mark.parametrize("seed", [2018, 5])
def test_the_pilot_is_the_worst_five_adjoining_wards_of_the_founding_district(seed):
    inputs = simulate(seed, ONLY_ASB)
    areas, treated = inputs.areas, inputs.roles.treated
    assert len(treated) == PILOT_SIZE
    assert len(areas.components(treated)) == 1
    (home,) = {areas.districts[u] for u in treated}
    assert home == "Millharbour"
    year = dict(zip(areas.units, year_before(inputs).tolist(), strict=True))
    own = sum(year[u] for u in treated)
    at_home = [u for u in areas.units if areas.districts[u] == home]
    worse = (c for c in combinations(at_home, PILOT_SIZE) if sum(year[u] for u in c) > own)
    assert all(len(areas.components(c)) > 1 for c in worse)


def test_levels_are_near_those_declared(demonstration):
    # lasting ward levels are spatially smooth, so the mean of one map strays; ten outcomes together stray less
    ratios = [demonstration.panel.counts[n][:, :12].mean() / o.level for n, o in OUTCOMES.items()]
    assert min(ratios) > 0.5
    assert max(ratios) < 2
    assert np.exp(np.log(ratios).mean()) == pytest.approx(1, abs=0.2)


def test_season_and_overdispersion_are_as_declared(demonstration):
    counts = demonstration.panel.counts[ASB].sum(axis=0)
    numbers = np.array([month_number(p) % 12 for p in demonstration.panel.periods])
    july, january = counts[numbers == 6].mean(), counts[numbers == 0].mean()
    assert math.log(july / january) == pytest.approx(2 * OUTCOMES[ASB].season, abs=0.15)


def test_the_effect_is_in_the_treated_wards_after_the_start_only():
    null = {ASB: OUTCOMES[ASB].__class__(**{**vars(OUTCOMES[ASB]), "true_ratio": 1.0})}
    with_it, without = simulate(7, ONLY_ASB), simulate(7, null)
    assert with_it.roles.treated == without.roles.treated
    changed = with_it.panel.counts[ASB] != without.panel.counts[ASB]
    rows, columns = np.nonzero(changed)
    assert {with_it.panel.units[r] for r in rows} == with_it.roles.treated
    assert with_it.panel.periods[columns.min()] >= START


def test_groups_are_the_district_and_those_that_touch_it(demonstration):
    own = demonstration.group("own-borough")
    assert demonstration.roles.treated < own < demonstration.group("inner") < demonstration.group("all")
    inner = {demonstration.areas.districts[u] for u in demonstration.group("inner")}
    beside = {demonstration.areas.districts[u] for u in demonstration.areas.ring(own)[0]}
    assert inner == beside | {"Millharbour"}


def missed(seed: int) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
    """Whether the placebo and the cluster-robust 95 % interval of one simulated data set lie below, above the truth."""
    estimator, method = PoissonDiD(), PlaceboNeighbourhoods(draws=999)
    design = Design.build(simulate(seed, ONLY_ASB), ASB, start=START, months_before=24, months_after=18)
    estimate = estimator.estimate(design)
    found = method.infer(design, estimator, estimate, seed)
    truth = math.log(OUTCOMES[ASB].true_ratio)
    return tuple((i.conf_high < truth, i.conf_low > truth) for i in (found, estimate))


@pytest.fixture(scope="module")
def misses() -> dict[str, tuple[float, float]]:
    """Share of intervals that lie wholly below and wholly above the true effect, over the seeds, by method."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENBLAS_NUM_THREADS", "1")  # two processes of one thread each, not of as many as there are cores
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
            found = np.array(list(workers.map(missed, range(SEEDS), chunksize=10)))
    return dict(zip(("placebo", "cluster"), map(tuple, found.mean(axis=0).tolist()), strict=True))


def test_placebo_intervals_hold_the_truth_as_often_as_they_say(misses):
    assert 0.92 <= 1 - sum(misses["placebo"]) <= 0.98


def test_they_miss_on_the_side_of_regression_to_the_mean(misses):
    # the pilot is chosen at its peak, so what falls back by itself is added to the effect
    below, above = misses["placebo"]
    assert above <= 0.025
    assert above < below <= 0.08


def test_cluster_robust_intervals_are_far_too_narrow(misses):
    assert 1 - sum(misses["cluster"]) < 0.85

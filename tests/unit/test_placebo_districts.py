"""The comparison within one district, ranked among the same comparison inside the other districts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import alike, design, poisson_counts

from cseval.areas import connected_sets
from cseval.errors import DesignError
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo_districts import PlaceboDistricts

SIDE, TREATED = 12, [13, 14]
METHOD = PlaceboDistricts(draws=90)


def district(unit: int) -> str:
    """Nine districts of four by four units."""
    row, column = divmod(unit, SIDE)
    return f"D{row // 4}{column // 4}"


def make(effect=0.0, seed=1, districts=True, rings=1):
    counts = poisson_counts(SIDE**2, 16, level=8, treated=TREATED, start=10, effect=effect, seed=seed)
    d = design(counts, treated=TREATED, months_before=10, shape=(SIDE, SIDE), buffer_rings=rings)
    names = {u: district(i) for i, u in enumerate(d.units)} if districts else {}
    given = replace(d.inputs, panel=replace(d.inputs.panel, districts=names))
    home = frozenset(u for i, u in enumerate(d.units) if district(i) == "D00")
    return replace(d, inputs=given, pool=home - d.treated)


def test_placebos_lie_inside_one_other_district_each_and_come_from_all():
    d = make()
    found = METHOD.reference(d, PoissonDiD(), 90, 1)
    sets = found.sets
    homes = [{district(i) for i in row} for row in sets.members.tolist()]
    assert all(len(h) == 1 for h in homes)
    counts = {h: sum(x == {h} for x in homes) for h in {next(iter(x)) for x in homes}}
    assert set(counts) == {f"D{i}{j}" for i in range(3) for j in range(3)} - {"D00"}
    assert max(counts.values()) - min(counts.values()) == 0  # an even share
    assert len(found.effects) == len(found) == len(sets) >= 90


@pytest.mark.parametrize("rings", [0, 1])
def test_each_placebo_effect_is_the_comparison_inside_its_own_district(rings):
    d = make(rings=rings)
    found = METHOD.reference(d, PoissonDiD(), 90, 2)
    pre, post = d.pre_counts, d.post_counts
    # the programme's units and those next to them take no part anywhere
    out = {d.areas.position[u] for u in d.treated.union(*d.buffer)}
    for members, effect in zip(found.sets.members.tolist(), found.effects.effect, strict=True):
        name = district(members[0])
        near = {n for m in members for n in d.areas.neighbours[m]} if rings else set()
        rest = [i for i in range(SIDE**2) if district(i) == name and i not in near | out | set(members)]
        by_hand = np.log(post[members].sum() / pre[members].sum()) - np.log(post[rest].sum() / pre[rest].sum())
        assert effect == pytest.approx(by_hand)


def test_rings_are_the_pool_next_door_and_all_other_districts_and_never_name_a_unit_twice():
    d = make()
    sets = METHOD.reference(d, PoissonDiD(), 90, 2).sets
    out = {d.areas.position[u] for u in d.treated.union(*d.buffer)}
    n = len(d.units)
    for members, ring in zip(sets.members.tolist(), sets.ring.tolist(), strict=True):
        near = {n for m in members for n in d.areas.neighbours[m]} - set(members) - out
        expected = {u for u in near if district(u) == district(members[0])}
        expected |= {u for u in range(n) if district(u) not in ("D00", district(members[0]))} - out
        assert sorted(u for u in ring if u < n) == sorted(expected)


def test_the_estimate_is_ranked_among_them():
    d = make(effect=-1.5)
    estimate = PoissonDiD().estimate(d)
    found = METHOD.infer(d, PoissonDiD(), estimate, 3)
    assert found.method == "placebo neighbourhoods in other districts" == METHOD.name
    assert found.p_value == found.facts["smallest_p"]
    assert found.conf_high < 0
    usable = found.draws.statistics[np.isfinite(found.draws.statistics)]
    assert found.facts["placebo_neighbourhoods"] == len(usable)
    assert METHOD.populations == ("all",)


def test_a_silent_placebo_district_counts_as_infinite():
    d = make()
    counts = d.inputs.panel.counts["burglary"].copy()
    silent = [u for u in range(SIDE**2) if district(u) == "D22" and u // SIDE == SIDE - 1]
    counts[silent, 10:] = 0
    d = replace(d, inputs=replace(d.inputs, panel=replace(d.inputs.panel, counts={"burglary": counts})))
    placebos = METHOD.reference(d, PoissonDiD(), 90, 1)
    sets, effects = placebos.sets, placebos.effects
    gone = np.isin(sets.members, silent).all(axis=1)
    assert gone.sum() > 0
    assert np.isnan(effects.effect).tolist() == gone.tolist()
    found = METHOD.infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1)
    assert np.isposinf(found.draws.statistics).sum() == gone.sum() * (found.facts["match_factor"] == np.inf)
    assert found.p_value > gone.sum() / (1 + len(sets))


def test_it_is_ranked_among_districts_of_similar_count():
    d = make()
    wide = PlaceboDistricts(draws=900)
    own = d.pre_counts[TREATED].sum()
    placebos = wide.reference(d, PoissonDiD(), 900, 5)
    sets, effects = placebos.sets, placebos.effects
    like, factor = alike(effects.size.tolist(), own)
    found = wide.infer(d, PoissonDiD(), PoissonDiD().estimate(d), 5)
    assert found.facts["match_factor"] == factor == 1.5
    assert 99 <= len(like) < len(sets)
    assert found.draws.effects.tolist() == effects.effect[like].tolist()
    assert found.draws.sets.members.tolist() == sets.members[like].tolist()


def test_draws_are_a_function_of_the_seed_and_are_connected_sets():
    d = make()
    first, same, other = (METHOD.reference(d, PoissonDiD(), 90, s).sets.members.tolist() for s in (1, 1, 2))
    assert first == same != other
    every = {tuple(r) for r in connected_sets(d.areas, np.ones(SIDE**2, dtype=bool), 2, 10_000).tolist()}
    assert {tuple(r) for r in first} <= every


def test_without_districts_it_is_refused():
    d = make(districts=False)
    with pytest.raises(DesignError, match="too few placebo neighbourhoods inside the other districts"):
        METHOD.infer(d, PoissonDiD(), PoissonDiD().estimate(d), 1)

"""Connected sets on random planar maps, against brute force over every combination."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from cseval.areas import Areas, connected_sets, draw_connected, placebo_sets
from cseval.errors import DesignError

some = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def maps(draw):
    """A planar map (a Delaunay triangulation with some pairs taken out) and a pool of its units."""
    n = draw(st.integers(4, 11))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    triangles = Delaunay(rng.random((n, 2))).simplices
    pairs = np.unique(
        np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])), axis=0
    )
    pairs = pairs[rng.random(len(pairs)) < draw(st.sampled_from([1.0, 0.7, 0.4]))].astype(np.int64)
    pool = rng.random(n) < draw(st.sampled_from([1.0, 0.8]))
    areas = Areas(units=tuple(f"A{i}" for i in range(n)), pairs=pairs, border=np.ones(len(pairs)))
    return areas, pool


def connected(areas: Areas, members) -> bool:
    """Whether a walk along `pairs` from the first member reaches all of them."""
    inside, reached = set(members), {members[0]}
    links = [(a, b) for a, b in areas.pairs.tolist() if a in inside and b in inside]
    for _ in members:
        reached |= {b for a, b in links if a in reached} | {a for a, b in links if b in reached}
    return reached == inside


def brute(areas: Areas, pool, size: int) -> list[tuple[int, ...]]:
    return [c for c in combinations(np.flatnonzero(pool).tolist(), size) if connected(areas, c)]


@some
@given(maps(), st.integers(1, 5))
def test_enumeration_is_brute_force(world, size):
    areas, pool = world
    expected = brute(areas, pool, size)
    found = [tuple(r) for r in connected_sets(areas, pool, size, 10_000).tolist()]
    assert sorted(found) == expected
    assert len(set(found)) == len(found)
    if expected:
        assert connected_sets(areas, pool, size, len(expected) - 1) is None
        assert len(connected_sets(areas, pool, size, len(expected))) == len(expected)


@some
@given(maps(), st.integers(1, 5), st.integers(0, 1000))
def test_draws_are_among_the_connected_sets(world, size, seed):
    areas, pool = world
    expected = set(brute(areas, pool, size))
    try:
        drawn = draw_connected(areas, pool, size, 60, np.random.default_rng(seed))
    except DesignError:
        assert not expected
        return
    assert {tuple(r) for r in drawn.tolist()} <= expected


@some
@given(maps(), st.integers(1, 4))
def test_ring_is_the_neighbours_in_the_pool_less_the_members(world, size):
    areas, pool = world
    n = len(areas.units)
    members = connected_sets(areas, pool, size, 10_000)
    sets = placebo_sets(areas, pool, members)
    for row, ring in zip(members.tolist(), sets.ring.tolist(), strict=True):
        touching = {b for a, b in areas.pairs.tolist() if a in row} | {a for a, b in areas.pairs.tolist() if b in row}
        expected = sorted(u for u in touching - set(row) if pool[u])
        assert sorted(r for r in ring if r != n) == expected


@some
@given(maps())
def test_parts_of_the_pool_are_connected_apart_and_complete(world):
    areas, pool = world
    units = [areas.units[i] for i in np.flatnonzero(pool)]
    parts = areas.components(units)
    assert sorted(u for p in parts for u in p) == sorted(units)
    for part in parts:
        assert connected(areas, sorted(areas.position[u] for u in part))
    for one, other in combinations(parts, 2):
        assert not areas.ring(one)[0] & other


@some
@given(maps(), st.integers(1, 6), st.integers(0, 100))
def test_draws_start_in_every_part_that_is_large_enough_and_in_no_other(world, size, seed):
    areas, pool = world
    parts = areas.components(areas.units[i] for i in np.flatnonzero(pool))
    large = {areas.position[u] for part in parts if len(part) >= size for u in part}
    if large:
        drawn = draw_connected(areas, pool, size, 40 * len(large), np.random.default_rng(seed))
        assert set(drawn.ravel().tolist()) == large

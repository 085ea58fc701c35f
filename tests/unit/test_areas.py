"""Adjacency, rings, connected parts and connected draws on small maps whose answers are plain to see."""

from __future__ import annotations

import numpy as np
import pytest
from builders import lattice, unit_codes

from cseval.areas import Areas, connected_sets, draw_connected, placebo_sets
from cseval.errors import DesignError


def everywhere(areas: Areas) -> np.ndarray:
    return np.ones(len(areas.units), dtype=bool)


def names(*numbers: int) -> frozenset[str]:
    return frozenset(f"U{n:03d}" for n in numbers)


def is_connected(areas: Areas, members) -> bool:
    return len(areas.components([areas.units[m] for m in members])) == 1


def test_neighbours_are_mutual_and_in_order():
    areas = lattice(3, 3)
    assert areas.neighbours[4] == (1, 3, 5, 7)
    assert areas.neighbours[0] == (1, 3)
    for unit, near in enumerate(areas.neighbours):
        assert list(near) == sorted(near)
        assert all(unit in areas.neighbours[n] for n in near)


def test_rings_are_distance_one_two_and_three():
    areas = lattice(5, 5)
    first, second, third = areas.ring(["U012"], 3)
    for distance, ring in enumerate((first, second, third), start=1):
        at = {i for i in range(25) if abs(i // 5 - 2) + abs(i % 5 - 2) == distance}
        assert ring == names(*at)


def test_rings_never_hold_a_member_and_are_empty_off_the_edge():
    areas = lattice(1, 4)
    assert areas.ring(["U001", "U002"]) == (names(0, 3),)
    assert areas.ring(["U001", "U002"], 2)[1] == frozenset()
    assert areas.ring(["U000"], 0) == ()


def test_components_are_largest_first():
    areas = lattice(1, 8)
    parts = areas.components(["U007", "U000", "U003", "U004", "U005", "U001"])
    assert parts == (names(3, 4, 5), names(0, 1), names(7))


def test_areas_that_touch_nothing_are_parts_of_their_own():
    islands = Areas(units=("a", "b"), pairs=np.empty((0, 2), dtype=np.int64), border=np.empty(0))
    assert islands.neighbours == ((), ())
    assert islands.components(["a", "b"]) == (frozenset("a"), frozenset("b"))


def test_unknown_member_is_refused_by_name():
    with pytest.raises(DesignError, match="'X1' is not on the map"):
        lattice(2, 2).ring(["U000", "X1"])
    with pytest.raises(DesignError, match="'X1' is not on the map"):
        lattice(2, 2).components(["X1"])


def test_align_keeps_the_order_asked_for_and_drops_the_rest():
    areas = lattice(2, 3)
    chosen = ("U004", "U001", "U005")
    small = areas.align(chosen)
    assert small.units == chosen
    assert {tuple(sorted(p)) for p in small.pairs.tolist()} == {(0, 1), (0, 2)}
    assert small.border.tolist() == [100.0, 100.0]
    # U004 touches U001 above and U005 beside it; U001 and U005 touch only at a corner
    assert small.neighbours == ((1, 2), (0,), (0,))


def test_align_keeps_each_border_with_its_pair():
    pairs = np.array([[0, 1], [1, 2], [0, 2]], dtype=np.int64)
    areas = Areas(units=("a", "b", "c"), pairs=pairs, border=np.array([10.0, 20.0, 30.0]))
    small = areas.align(("c", "a"))
    assert small.border.tolist() == [30.0]


def test_align_counts_the_units_that_are_not_on_the_map():
    with pytest.raises(DesignError) as caught:
        lattice(2, 2).align(("U000", "X1", "X2", "X3", "X4"))
    message = str(caught.value)
    assert "4 of 5 units" in message
    assert "X1, X2, X3" in message
    assert "X4" not in message
    assert "same year" in message


@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_draws_are_connected_distinct_units_of_the_pool_in_order(size):
    areas = lattice(7, 7)
    pool = everywhere(areas)
    pool[[10, 17, 24, 31]] = False
    drawn = draw_connected(areas, pool, size, 400, np.random.default_rng(1))
    assert drawn.shape == (400, size)
    assert pool[drawn].all()
    assert (np.diff(drawn, axis=1) > 0).all()
    assert all(is_connected(areas, row) for row in drawn)


def test_every_connected_set_can_be_drawn():
    areas = lattice(3, 3)
    drawn = draw_connected(areas, everywhere(areas), 3, 3000, np.random.default_rng(0))
    every = connected_sets(areas, everywhere(areas), 3, 1000)
    assert {tuple(r) for r in drawn.tolist()} == {tuple(r) for r in every.tolist()}


def test_draws_are_a_function_of_the_seed():
    areas = lattice(6, 6)
    one, same, other = (draw_connected(areas, everywhere(areas), 4, 50, np.random.default_rng(s)) for s in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()


def test_a_corner_too_small_is_never_drawn_from():
    areas = lattice(1, 9)
    pool = everywhere(areas)
    pool[[2, 6]] = False  # parts {0, 1}, {3, 4, 5} and {7, 8}
    drawn = draw_connected(areas, pool, 3, 30, np.random.default_rng(0))
    assert (drawn == [3, 4, 5]).all()


def test_no_connected_set_is_refused():
    areas = lattice(1, 5)
    pool = np.array([True, True, False, True, True])
    with pytest.raises(DesignError, match="no 3 adjoining comparison units"):
        draw_connected(areas, pool, 3, 10, np.random.default_rng(0))


def test_enumeration_counts_the_sets_of_a_row_and_stops_at_its_limit():
    areas = lattice(1, 10)
    assert connected_sets(areas, everywhere(areas), 4, 7).tolist() == [list(range(i, i + 4)) for i in range(7)]
    assert connected_sets(areas, everywhere(areas), 4, 6) is None
    assert connected_sets(areas, everywhere(areas), 11, 6).shape == (0, 11)


def test_padded_neighbours_stay_within_the_pool():
    areas = lattice(3, 3)
    pool = everywhere(areas)
    pool[4] = False
    table = areas.padded(pool)
    for unit in range(9):
        near = [n for n in table[unit].tolist() if n < 9]
        assert near == ([] if unit == 4 else [n for n in areas.neighbours[unit] if n != 4])
        assert (np.diff(table[unit]) >= 0).all()
    assert (table[9] == 9).all()


def test_placebo_ring_is_the_pool_units_that_touch_the_set_each_once():
    areas = lattice(4, 4)
    pool = everywhere(areas)
    pool[2] = False
    members = np.array([[5, 6], [0, 1], [10, 14]])
    sets = placebo_sets(areas, pool, members)
    for row, ring in zip(members.tolist(), sets.ring.tolist(), strict=True):
        found = [r for r in ring if r < 16]
        expected = {n for m in row for n in areas.neighbours[m]} - set(row) - {2}
        assert sorted(found) == sorted(expected)


def test_placebo_sets_count_distinct_sets_and_can_be_taken():
    areas = lattice(3, 3)
    sets = placebo_sets(areas, everywhere(areas), np.array([[0, 1], [4, 5], [0, 1]]), exact=True)
    assert (len(sets), sets.distinct, sets.exact) == (3, 2, True)
    some = sets.take(np.array([1]))
    assert some.members.tolist() == [[4, 5]]
    assert some.ring.tolist() == [sets.ring[1].tolist()]
    assert not some.exact
    nothing = placebo_sets(areas, everywhere(areas), np.empty((0, 2), dtype=np.int64))
    assert (len(nothing), nothing.distinct) == (0, 0)


def test_helpers_name_units_as_the_lattice_does():
    assert lattice(2, 2).units == unit_codes(4)


def test_align_to_the_same_units_in_another_order_keeps_who_touches_whom():
    areas = lattice(4, 5)
    order = np.random.default_rng(2).permutation(20)
    shuffled = areas.align([areas.units[i] for i in order])
    for unit in areas.units:
        before = {areas.units[n] for n in areas.neighbours[areas.position[unit]]}
        assert {shuffled.units[n] for n in shuffled.neighbours[shuffled.position[unit]]} == before


def test_ring_is_empty_where_nothing_touches():
    islands = Areas(units=tuple("abc"), pairs=np.empty((0, 2), dtype=np.int64), border=np.empty(0))
    sets = placebo_sets(islands, everywhere(islands), np.array([[0], [2]]))
    assert sets.ring.tolist() == [[3], [3]]
    with pytest.raises(DesignError, match="no 2 adjoining"):
        draw_connected(islands, everywhere(islands), 2, 5, np.random.default_rng(0))


def test_draws_of_a_seed_stay_as_they_are():
    """Committed results hang on these very draws."""
    drawn = draw_connected(lattice(6, 6), np.arange(36) != 14, 4, 3, np.random.default_rng(7))
    assert drawn.tolist() == [[29, 33, 34, 35], [16, 22, 28, 34], [12, 18, 19, 24]]


def test_enumeration_comes_in_the_order_in_which_sets_grow(monkeypatch):
    """From the smallest root on, each set extended by its smallest option first, however many are held at once."""
    areas = lattice(3, 3)
    expected = [[0, 1, 2], [0, 1, 3], [0, 1, 4], [0, 3, 4], [0, 3, 6], [1, 2, 4], [1, 2, 5], [1, 3, 4], [1, 4, 5]]
    for block in (1, 2, 3, 2048):
        monkeypatch.setattr("cseval.areas.BLOCK", block)
        assert connected_sets(areas, everywhere(areas), 3, 100)[:9].tolist() == expected


def test_enumeration_of_large_sets_stops_soon_after_its_limit():
    areas = lattice(6, 6)
    assert connected_sets(areas, everywhere(areas), 16, 500) is None

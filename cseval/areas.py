"""Units on the map: which touch, the rings around a set, and connected sets of units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DesignError

if TYPE_CHECKING:
    import numpy.typing as npt

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Areas:
    """The adjacency graph of the units.

    Parameters
    ----------
    units : tuple of str
        Codes of the areas on the map.
    pairs : int array, shape (pairs, 2)
        Positions in `units` of two areas that touch, each pair once.
    border : float array, shape (pairs,)
        Length of the border each pair shares, in metres (0 for a corner).
    names, districts : mapping of str to str
    outlines : mapping of str to tuple of float arrays, each of shape (points, 2)
        Outer rings of each area in metres, for maps.
    """

    units: tuple[str, ...]
    pairs: Index
    border: npt.NDArray[np.float64]
    names: Mapping[str, str] = field(default_factory=dict)
    districts: Mapping[str, str] = field(default_factory=dict)
    outlines: Mapping[str, tuple[npt.NDArray[np.float64], ...]] = field(default_factory=dict)

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Position of each unit."""
        return {u: i for i, u in enumerate(self.units)}

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the areas that touch each area, in order."""
        first, touching = self._links
        flat, ends = touching.tolist(), first.tolist()
        return tuple(tuple(flat[a:b]) for a, b in pairwise(ends))

    def ring(self, members: Iterable[str], rings: int = 1) -> tuple[frozenset[str], ...]:
        """The rings around a set: ring 1 touches it, ring 2 touches ring 1, and so on.

        Raises
        ------
        DesignError
            If a member is not on the map.
        """
        inside = {self._find(m) for m in members}
        out: list[frozenset[str]] = []
        for _ in range(rings):
            edge = {n for m in inside for n in self.neighbours[m]} - inside
            out.append(frozenset(self.units[n] for n in edge))
            inside |= edge
        return tuple(out)

    def components(self, members: Iterable[str]) -> tuple[frozenset[str], ...]:
        """The connected parts of a set, largest first."""
        left = {self._find(m) for m in members}
        parts: list[set[int]] = []
        while left:
            part, edge = set(), {min(left)}
            while edge:
                part |= edge
                left -= edge
                edge = {n for m in edge for n in self.neighbours[m]} & left
            parts.append(part)
        parts.sort(key=lambda p: (-len(p), min(p)))
        return tuple(frozenset(self.units[i] for i in p) for p in parts)

    def align(self, units: Sequence[str]) -> Areas:
        """The graph over exactly these units, in this order; areas not named are left out.

        Raises
        ------
        DesignError
            If a unit is not on the map, which usually means boundaries of another year.
        """
        if tuple(units) == self.units:
            return self
        unknown = [u for u in units if u not in self.position]
        if unknown:
            raise DesignError(
                f"{len(unknown)} of {len(units)} units are not on the map (first: {', '.join(unknown[:3])})",
                where="boundaries",
                expected="boundaries of the same year as the counts",
                todo="Import the boundary file whose codes match the counts",
            )
        new = np.full(len(self.units), -1, dtype=np.int64)
        new[[self.position[u] for u in units]] = np.arange(len(units))
        keep = (new[self.pairs] >= 0).all(axis=1)
        return Areas(
            units=tuple(units),
            pairs=new[self.pairs[keep]],
            border=self.border[keep],
            names=self.names,
            districts=self.districts,
            outlines=self.outlines,
        )

    def _find(self, unit: str) -> int:
        if unit not in self.position:
            raise DesignError(
                f"unit {unit!r} is not on the map", where="boundaries", expected="a code of the boundary file"
            )
        return self.position[unit]

    @cached_property
    def _table(self) -> Index:
        """Neighbours of each area in one row, padded with ``len(units)``; the last row is padding."""
        n = len(self.units)
        first, touching = self._links
        degree = np.diff(first)
        table = np.full((n + 1, int(degree.max(initial=0)) or 1), n, dtype=np.int64)
        row = np.repeat(np.arange(n), degree)
        table[row, np.arange(len(touching)) - first[row]] = touching
        return table

    @cached_property
    def _links(self) -> tuple[Index, Index]:
        """Where each area's neighbours begin, shape (units + 1,), and the neighbours of one area after another."""
        here, there = np.concatenate([self.pairs, self.pairs[:, ::-1]]).reshape(-1, 2).T
        order = np.lexsort((there, here))
        first = np.append(0, np.cumsum(np.bincount(here, minlength=len(self.units))))
        return first, there[order]

    def padded(self, within: Mask) -> Index:
        """Neighbours as a rectangle, padded with ``len(units)``; only pairs inside `within` count.

        Returns
        -------
        int array, shape (units + 1, largest number of neighbours); neighbours first, the last row is padding.
        """
        n = len(self.units)
        allowed = np.append(within, False)
        table = np.where(allowed[self._table] & allowed[:, None], self._table, n)
        table.sort(axis=1)  # padding is the largest number, so it goes to the end
        return table


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaceboSets:
    """Connected sets of comparison units, with the ring around each.

    Parameters
    ----------
    members : int array, shape (sets, size)
        Positions of the units, sorted within a set.
    ring : int array, shape (sets, width)
        Positions of the comparison units that touch the set, padded with the number of units.
    exact : bool
        Whether these are all the connected sets there are.
    """

    members: Index
    ring: Index
    exact: bool = False

    def __len__(self) -> int:
        return len(self.members)

    def take(self, which: Index | Mask) -> PlaceboSets:
        """The sets at these positions."""
        return PlaceboSets(members=self.members[which], ring=self.ring[which])

    @cached_property
    def distinct(self) -> int:
        """Number of different sets among the draws."""
        return len(np.unique(self.members, axis=0)) if len(self.members) else 0


def placebo_sets(areas: Areas, pool: Mask, members: Index, *, rings: int = 1, exact: bool = False) -> PlaceboSets:
    """Attach to each set the pool units of the rings around it: those that touch it, those that touch them, and so on.

    Parameters
    ----------
    areas : Areas
    pool : bool array, shape (units,)
        Units that may serve as comparison.
    members : int array, shape (sets, size)
    rings : int

    Notes
    -----
    The programme's own buffer is left out of its comparison, so the ring of a placebo neighbourhood
    must be left out of the placebo's: the same rule on both sides makes them exchangeable.
    """
    everywhere = np.ones(len(areas.units), dtype=bool)
    inside = members
    for _ in range(rings - 1):  # an inner ring may run through units outside the pool
        around = _rows_of(*_touching(areas, everywhere, inside), len(members), len(areas.units))
        inside = np.concatenate([inside, around], axis=1)
    ring = _rows_of(*_touching(areas, pool, inside), len(members), len(areas.units))
    if rings > 1:
        within = np.where(np.append(pool, False)[inside], inside, len(areas.units))[:, members.shape[1] :]
        ring = np.concatenate([within, ring], axis=1)
    return PlaceboSets(members=members, ring=ring, exact=exact)


def _touching(areas: Areas, pool: Mask, members: Index) -> tuple[Index, Index]:
    """Each pair of a set and a pool unit outside it that touches it, once: number of the set and the unit, in order."""
    near = areas._table[members]
    near = near.reshape(len(near), near.shape[1] * near.shape[2])
    outside = np.append(pool, False)[near]
    for column in members.T:
        outside &= near != column[:, None]
    n = np.int64(len(areas.units) + 1)
    # one number for each pair, since sorting numbers is far faster than finding unique rows
    key = (near + n * np.arange(len(members))[:, None])[outside]
    key.sort()
    key = key[np.append(True, key[1:] != key[:-1])] if len(key) else key
    return np.divmod(key, n)


def _rows_of(row: Index, value: Index, rows: int, padding: int) -> Index:
    """Values beside each other in the row each belongs to (`row` ascending), padded to a rectangle."""
    counted = np.bincount(row, minlength=rows)
    out = np.full((rows, int(counted.max(initial=0)) or 1), padding, dtype=np.int64)
    out[row, np.arange(len(row)) - (np.cumsum(counted) - counted)[row]] = value
    return out


def draw_connected(areas: Areas, pool: Mask, size: int, draws: int, rng: np.random.Generator) -> Index:
    """Draw connected sets of `size` pool units by random growth.

    A set starts at a unit drawn uniformly and grows by a random neighbour of a random member until it has
    `size` units. Sets that cannot grow (a corner cut off by excluded units) are drawn again.

    Returns
    -------
    int array, shape (draws, size), sorted within each set.

    Raises
    ------
    DesignError
        If no connected set of that size exists in the pool.
    """
    seeds = _large_enough(areas, pool, size)
    if not len(seeds):
        raise DesignError(
            f"no {size} adjoining comparison units",
            where="placebo neighbourhoods",
            expected=f"at least one connected set of {size} units outside the treated area and its buffer",
            todo="Widen the comparison",
        )
    near = areas.padded(pool)
    degree = (near < len(areas.units)).sum(axis=1)
    out = np.empty((draws, size), dtype=np.int64)
    out[:, 0] = rng.choice(seeds, draws)
    for step in range(1, size):
        _grow(out, step, near, degree, rng)
    return np.sort(out, axis=1)


def _grow(out: Index, step: int, near: Index, degree: Index, rng: np.random.Generator) -> None:
    """Add member number `step` to every set: a random neighbour of a random member that is not yet in it."""
    todo = np.arange(len(out))
    while len(todo):
        member = out[todo, rng.integers(0, step, len(todo))]
        pick = np.floor(rng.random(len(todo)) * degree[member]).astype(np.int64)
        candidate = near[member, np.minimum(pick, near.shape[1] - 1)]
        fits = (degree[member] > 0) & ~(out[todo, :step] == candidate[:, None]).any(axis=1)
        out[todo[fits], step] = candidate[fits]
        todo = todo[~fits]


def _large_enough(areas: Areas, pool: Mask, size: int) -> Index:
    """Pool units whose connected part holds at least `size` units, so that growth never gets stuck."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(areas.units)
    here, there = areas.pairs[pool[areas.pairs].all(axis=1)].T
    _, part = connected_components(coo_array((np.ones(len(here)), (here, there)), shape=(n, n)), directed=False)
    members = np.bincount(part[pool], minlength=n)
    return np.flatnonzero(pool & (members[part] >= size))


def connected_sets(areas: Areas, pool: Mask, size: int, limit: int) -> Index | None:
    """Every connected set of `size` pool units, or None if there are more than `limit`.

    Enumeration by extension of a root with larger units only, which visits each set once
    (Wernicke 2006, "Efficient detection of network motifs", algorithm ESU).

    Returns
    -------
    int array, shape (sets, size), sorted within each set, or None.
    """
    near = areas.padded(pool)
    roots = np.flatnonzero(pool)
    blocks = [(roots[:, None], np.where(near[roots] > roots[:, None], near[roots], len(pool)))]
    found: list[Index] = []
    while blocks:
        chosen, options = blocks.pop()
        if chosen.shape[1] == size:
            found.append(np.sort(chosen, axis=1))
            if sum(map(len, found)) > limit:
                return None
            continue
        # the first sets first: whole sets come in order, and few are held that are not whole yet
        some = _first_few(options, len(pool))
        blocks += [(chosen[some:], options[some:])] if some < len(chosen) else []
        blocks.append(_extended(chosen[:some], options[:some], near, last=chosen.shape[1] + 1 == size))
    return np.concatenate(found) if found else np.empty((0, size), dtype=np.int64)


#: Sets that `connected_sets` extends to at once.
BLOCK = 2048


def _first_few(options: Index, none: int) -> int:
    """How many sets, from the first on, are extended to at most `BLOCK`; at least one."""
    return max(int(np.searchsorted(np.cumsum((options < none).sum(axis=1)), BLOCK, side="right")), 1)


def _extended(chosen: Index, options: Index, near: Index, *, last: bool) -> tuple[Index, Index]:
    """Each set with each of its options, in order, and the options of what comes out.

    Parameters
    ----------
    chosen : int array, shape (sets, k)
        Units in the order in which they joined; the first is the root, the smallest of them.
    options : int array, shape (sets, width)
        Units that may join, ascending and padded with the number of units.
    near : int array
        Neighbours of each unit, padded so.
    last : bool
        Whether the sets are then whole and need no options.
    """
    none = len(near) - 1
    parent, column = np.nonzero(options < none)
    unit = options[parent, column][:, None]
    grown = np.hstack([chosen[parent], unit])
    if last or not len(parent):
        return grown, unit
    joined = near[unit[:, 0]]
    seen = near[chosen[parent]].reshape(len(parent), 1, -1)
    fresh = (joined > grown[:, :1]) & ~(joined[:, :, None] == seen).any(axis=2)
    kept = np.where(options[parent] > unit, options[parent], none)
    more = np.sort(np.hstack([kept, np.where(fresh, joined, none)]), axis=1)
    return grown, more[:, : int((more < none).sum(axis=1).max())]

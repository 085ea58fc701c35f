"""Drawing placebo neighbourhoods: connected sets of comparison units in the shape of the treated area.

Where the programme has several separate neighbourhoods, each draw has as many, of the same sizes, that lie as far apart
as the programme's own do: neighbourhoods side by side share more than distant ones do. Where these began in different
months, the columns of a draw stay grouped by neighbourhood, in the order of the programme's own (the largest first),
so that each placebo neighbourhood takes the start of the one in whose place it was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas, connected_sets, draw_connected
from cseval.errors import DesignError
from cseval.inference.likeness import FEWEST_SETS

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Steps = npt.NDArray[np.int16]

#: Rounds of draws of several neighbourhoods, and the share of new ones in a round below which most are found.
ATTEMPTS, RARE = 40, 0.02
#: Areas of a map on which the steps between any two are counted.
MOST_AREAS = 6000

#: Sets already drawn: every outcome of a run is compared with the same neighbourhoods.
_DRAWN: dict[tuple[object, ...], tuple[Areas, PlaceboSets]] = {}
_CANDIDATES: dict[tuple[object, ...], tuple[Areas, Index, bool]] = {}


@dataclass(frozen=True)
class Shape:
    """The separate neighbourhoods of a treated area.

    Parameters
    ----------
    sizes : tuple of int
        Units in each, the largest first.
    steps : tuple of tuple of int
        For each neighbourhood the steps on the map to each one before it, between their nearest units; 0 where no way
        leads from one to the other.
    ordered : bool
        Whether it matters which neighbourhood of a set is which, because they began in different months: columns are
        then grouped by neighbourhood, and one area with the starts the other way round is another set.
    """

    sizes: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]
    ordered: bool = False

    @property
    def single(self) -> bool:
        """Whether there is one neighbourhood."""
        return len(self.sizes) == 1

    def sorted(self, members: Index) -> Index:
        """Members in order within each set, or within each neighbourhood of it where these are told apart."""
        edges: list[int] = np.cumsum(self.sizes[:-1]).tolist() if self.ordered else []
        return np.concatenate([np.sort(part, axis=1) for part in np.split(members, edges, axis=1)], axis=1)


def shape_of(design: Design) -> Shape:
    """The separate neighbourhoods of the treated units of a design."""
    parts = design.areas.components(u for u, t in zip(design.units, design.is_treated, strict=True) if t)
    position = design.areas.position
    rows = [np.array([position[u] for u in sorted(part)], dtype=np.int64) for part in parts]
    steps = tuple(tuple(_steps(design.areas, row, before) for before in rows[:i]) for i, row in enumerate(rows))
    return Shape(sizes=tuple(map(len, rows)), steps=steps, ordered=design.staggered)


def _steps(areas: Areas, start: Index, goal: Index) -> int:
    """Steps between the nearest units of two sets; 0 if no way leads from one to the other."""
    near = areas.neighbours
    seen, edge, count = set(start.tolist()), set(start.tolist()), 0
    aim = set(goal.tolist())
    while edge:
        if edge & aim:
            return count
        edge = {n for m in edge for n in near[m]} - seen
        seen |= edge
        count += 1
    return 0


def draw_sets(design: Design, draws: int, seed: int) -> PlaceboSets:
    """Placebo neighbourhoods of a design: in the shape of the treated area, whatever their count.

    All of them where the graph allows no more than `draws`, else `draws` of them at random.

    Raises
    ------
    DesignError
        If fewer than 19 exist.
    """
    key = (*_key(design, draws, seed), design.buffer_rings)
    cached = _DRAWN.get(key)
    if cached is None or cached[0] is not design.areas:
        if len(_DRAWN) > 256:
            _DRAWN.clear()
        members, exact = candidates(design, draws, seed)
        cached = _DRAWN[key] = (design.areas, design.sets(members, exact=exact))
    return cached[1]


def _key(design: Design, draws: int, seed: int) -> tuple[object, ...]:
    """What the neighbourhoods drawn for a design depend on."""
    return (id(design.areas), design.comparison.tobytes(), design.treated, design.staggered, draws, seed)


def candidates(design: Design, draws: int, seed: int) -> tuple[Index, bool]:
    """Sets of comparison units in the shape of the treated area, shape (sets, size), and whether these are all.

    Kept between calls, since every outcome of a run draws from the same map.

    Raises
    ------
    DesignError
        If fewer than 19 exist.
    """
    key = _key(design, draws, seed)
    cached = _CANDIDATES.get(key)
    if cached is None or cached[0] is not design.areas:
        if len(_CANDIDATES) > 64:
            _CANDIDATES.clear()
        members, exact = draw_shapes(design.areas, design.comparison, shape_of(design), draws, seed)
        cached = _CANDIDATES[key] = (design.areas, members, exact)
    return cached[1], cached[2]


def draw_shapes(areas: Areas, pool: Mask, shape: Shape, draws: int, seed: int) -> tuple[Index, bool]:
    """Sets of pool units in a shape, shape (sets, size), and whether these are all there are.

    Raises
    ------
    DesignError
        If fewer than 19 exist, or the map has no room for as many separate neighbourhoods.
    """
    size, rng = sum(shape.sizes), np.random.default_rng(seed)
    if size > int(pool.sum()):
        raise DesignError(
            f"{size} treated units and {int(pool.sum())} comparison units",
            where="placebo neighbourhoods",
            expected="at least as many comparison as treated units",
            todo="Widen the comparison",
        )
    if not shape.single:
        return _require_enough(_draw_apart(areas, pool, shape, draws, rng), shape), False
    members = connected_sets(areas, pool, size, draws)  # gives up as soon as there are more
    exact = members is not None
    if members is None:
        members = draw_connected(areas, pool, size, draws, rng)
    return _require_enough(members, shape), exact


def draw_like(design: Design, draws: int, rng: np.random.Generator) -> Index:
    """Sets of comparison units in the shape of the treated area, drawn with replacement."""
    shape = shape_of(design)
    if shape.single:
        return draw_connected(design.areas, design.comparison, shape.sizes[0], draws, rng)
    found = _draw_apart(design.areas, design.comparison, shape, draws, rng)
    return found[rng.integers(len(found), size=draws)]


def _require_enough(members: Index, shape: Shape) -> Index:
    if len(members) < FEWEST_SETS:
        what = f"{sum(shape.sizes)} adjoining units" if shape.single else f"{len(shape.sizes)} parts as far apart"
        none = f"no {sum(shape.sizes)} adjoining comparison units"
        raise DesignError(
            f"only {len(members)} placebo neighbourhoods of {what} exist" if len(members) else none,
            where="placebo neighbourhoods",
            expected=f"at least {FEWEST_SETS}, or p can never reach 0.05",
            todo="Widen the comparison",
        )
    return members


def _draw_apart(areas: Areas, pool: Mask, shape: Shape, draws: int, rng: np.random.Generator) -> Index:
    """Draw the first neighbourhood anywhere and the others as far from it as the programme's; each different set once.

    Rounds of draws go on until there are enough, or new ones have become rare because most sets are found.
    """
    near, found = hops(areas), np.empty((0, sum(shape.sizes)), dtype=np.int64)
    for _ in range(ATTEMPTS):
        whole, kept = _attempt(areas, pool, shape, near, draws, rng)
        before = len(found)
        found = np.unique(np.concatenate([found, shape.sorted(whole[kept])]), axis=0)
        if len(found) >= draws or (before and len(found) - before < RARE * before):
            break
    if not len(found):
        raise DesignError(
            f"{len(shape.sizes)} separate placebo neighbourhoods of {', '.join(map(str, shape.sizes))} units do not "
            "fit on the map as far apart as the treated ones",
            where="placebo neighbourhoods",
            expected="room for as many as are treated",
            todo="Widen the comparison, or evaluate each neighbourhood on its own",
        )
    return found if len(found) <= draws else shape.sorted(rng.choice(found, draws, replace=False))


def _attempt(
    areas: Areas, pool: Mask, shape: Shape, near: Steps, draws: int, rng: np.random.Generator
) -> tuple[Index, Mask]:
    """One round of draws, and which of them have parts as far apart as the programme's."""
    parts = [draw_connected(areas, pool, shape.sizes[0], draws, rng)]
    kept: Mask = np.ones(draws, dtype=bool)
    for size, steps in zip(shape.sizes[1:], shape.steps[1:], strict=True):
        starts, possible = _starts(pool, near, parts[0], steps[0], rng)
        part, grown = grow_from(areas, pool, starts, size, rng)
        kept &= possible & grown
        part = np.where(grown[:, None], part, starts[:, None])  # one that could not be grown has no positions
        for before, wanted in zip(parts, steps, strict=True):
            kept &= _as_far(near, before, part, wanted)
        parts.append(part)
    return np.concatenate(parts, axis=1), kept


@lru_cache(maxsize=2)
def hops(areas: Areas) -> Steps:
    """Steps on the map between any two areas, shape (areas, areas); -1 where no way leads from one to the other.

    Raises
    ------
    DesignError
        If the map is too large for such a table.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import shortest_path

    n = len(areas.units)
    if n > MOST_AREAS:
        raise DesignError(
            f"{n:,} areas and several treated neighbourhoods",
            where="placebo neighbourhoods",
            expected=f"at most {MOST_AREAS:,} areas, since the steps between any two are counted",
            todo="Evaluate each neighbourhood on its own, or leave out distant areas",
        )
    graph = coo_array((np.ones(len(areas.pairs)), areas.pairs.T), shape=(n, n)).tocsr()
    steps = shortest_path(graph, directed=False, unweighted=True)
    return np.where(np.isfinite(steps), steps, -1).astype(np.int16)


def apart(wanted: int) -> tuple[int, int]:
    """Steps that count as being `wanted` steps apart: one more or less, or a quarter where that is more."""
    slack = max(1, wanted // 4)
    return max(wanted - slack, 2), wanted + slack


def _starts(pool: Mask, near: Steps, first: Index, wanted: int, rng: np.random.Generator) -> tuple[Index, Mask]:
    """A random pool unit as far from each first neighbourhood as `wanted`, and whether there is one."""
    low, high = apart(wanted) if wanted else (-1, -1)
    starts, possible = np.zeros(len(first), dtype=np.int64), np.zeros(len(first), dtype=bool)
    for block in range(0, len(first), 512):  # a row for each set and a column for each area, so not all at once
        rows = first[block : block + 512]
        steps = near[rows].min(axis=1) if wanted else near[rows].max(axis=1)
        fits = pool & (steps >= low) & (steps <= high)
        starts[block : block + 512] = np.argmax(fits * rng.random(fits.shape), axis=1)
        possible[block : block + 512] = fits.any(axis=1)
    return starts, possible


def _as_far(near: Steps, one: Index, other: Index, wanted: int) -> Mask:
    """Whether the nearest units of each pair of sets are as far apart as `wanted`; 0 for no way between them."""
    steps = near[one[:, :, None], other[:, None, :]].reshape(len(one), one.shape[1] * other.shape[1])
    if not wanted:
        return np.asarray((steps < 0).all(axis=1))
    nearest = np.where(steps < 0, np.iinfo(np.int16).max, steps).min(axis=1)
    low, high = apart(wanted)
    return np.asarray((nearest >= low) & (nearest <= high))


def grow_from(areas: Areas, pool: Mask, starts: Index, size: int, rng: np.random.Generator) -> tuple[Index, Mask]:
    """Connected sets of pool units grown from given starts, shape (sets, size), and which of them could be grown.

    A set that finds no new neighbour in fifty tries is given up.
    """
    n = len(areas.units)
    near = areas.padded(pool)
    degree = (near < n).sum(axis=1)
    out = np.full((len(starts), size), n, dtype=np.int64)
    out[:, 0] = starts
    grown: Mask = pool[starts].copy()
    for step in range(1, size):
        todo = np.flatnonzero(grown)
        for _ in range(50):
            member = out[todo, rng.integers(0, step, len(todo))]
            pick = np.floor(rng.random(len(todo)) * degree[member]).astype(np.int64)
            candidate = near[member, np.minimum(pick, near.shape[1] - 1)]
            fits = (degree[member] > 0) & ~(out[todo, :step] == candidate[:, None]).any(axis=1)
            out[todo[fits], step] = candidate[fits]
            todo = todo[~fits]
            if not len(todo):
                break
        grown[todo] = False
    return out, grown

"""Drawing placebo neighbourhoods: connected sets of comparison units in the shape of the treated area.

Where the programme has several separate neighbourhoods, each draw has as many, of the same sizes, that neither touch
nor lie further apart than the programme's own: neighbourhoods side by side share more than distant ones do.
"""

from __future__ import annotations

from dataclasses import dataclass
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

#: In a pool of at most this many units all connected sets may be few enough to be enumerated.
SMALL_POOL = 60
#: So may those of at most this many units, in any pool: drawing a few hundred sets thousands of times over would show
#: a smaller p-value than they can give.
SMALL_SET = 2
#: Attempts for each draw of several neighbourhoods before the map is said to have no room for them.
ATTEMPTS = 200

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
    steps : tuple of int
        Steps on the map from the first neighbourhood to each; 0 for the first, and for one on another island.
    """

    sizes: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def single(self) -> bool:
        """Whether there is one neighbourhood."""
        return len(self.sizes) == 1


def shape_of(design: Design) -> Shape:
    """The separate neighbourhoods of the treated units of a design."""
    parts = design.areas.components(u for u, t in zip(design.units, design.is_treated, strict=True) if t)
    position = design.areas.position
    rows = [np.array([position[u] for u in sorted(part)], dtype=np.int64) for part in parts]
    return Shape(sizes=tuple(map(len, rows)), steps=(0, *(_steps(design.areas, rows[0], r) for r in rows[1:])))


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
    key = (id(design.areas), design.comparison.tobytes(), design.treated, draws, seed, design.buffer_rings > 0)
    cached = _DRAWN.get(key)
    if cached is None or cached[0] is not design.areas:
        if len(_DRAWN) > 256:
            _DRAWN.clear()
        members, exact = candidates(design, draws, seed)
        cached = _DRAWN[key] = (design.areas, design.sets(members, exact=exact))
    return cached[1]


def candidates(design: Design, draws: int, seed: int) -> tuple[Index, bool]:
    """Sets of comparison units in the shape of the treated area, shape (sets, size), and whether these are all.

    Kept between calls, since every outcome of a run draws from the same map.

    Raises
    ------
    DesignError
        If fewer than 19 exist.
    """
    key = (id(design.areas), design.comparison.tobytes(), design.treated, draws, seed)
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
        return _draw_apart(areas, pool, shape, draws, rng), False
    few = int(pool.sum()) <= SMALL_POOL or size <= SMALL_SET
    members = connected_sets(areas, pool, size, draws) if few else None
    exact = members is not None
    if members is None:
        members = draw_connected(areas, pool, size, draws, rng)
    if len(members) < FEWEST_SETS:
        raise DesignError(
            f"only {len(members)} placebo neighbourhoods of {size} adjoining units exist",
            where="placebo neighbourhoods",
            expected=f"at least {FEWEST_SETS}, or p can never reach 0.05",
            todo="Widen the comparison",
        )
    return members, exact


def _draw_apart(areas: Areas, pool: Mask, shape: Shape, draws: int, rng: np.random.Generator) -> Index:
    """Draw the first neighbourhood anywhere and the others within their steps of it; draw again what touches."""
    found: list[Index] = []
    missing, attempts = draws, 0
    while missing > 0:
        attempts += 1
        if attempts > ATTEMPTS:
            raise DesignError(
                f"{len(shape.sizes)} separate placebo neighbourhoods of {', '.join(map(str, shape.sizes))} units do "
                "not fit beside each other on the map",
                where="placebo neighbourhoods",
                expected="room for as many as are treated",
                todo="Widen the comparison, or evaluate each neighbourhood on its own",
            )
        whole, kept = _attempt(areas, pool, shape, missing, rng)
        found.append(np.sort(whole[kept], axis=1))
        missing -= int(kept.sum())
    return np.concatenate(found)


def _attempt(areas: Areas, pool: Mask, shape: Shape, draws: int, rng: np.random.Generator) -> tuple[Index, Mask]:
    """One round of draws, and which of them have parts that neither overlap nor touch."""
    whole = draw_connected(areas, pool, shape.sizes[0], draws, rng)
    kept: Mask = np.ones(draws, dtype=bool)
    anywhere = np.flatnonzero(pool)
    for size, steps in zip(shape.sizes[1:], shape.steps[1:], strict=True):
        home = whole[np.arange(draws), rng.integers(0, shape.sizes[0], draws)]
        starts = walk(areas, home, steps, rng) if steps else rng.choice(anywhere, draws)
        part, grown = grow_from(areas, pool, starts, size, rng)
        kept &= grown & ~_touch(areas, whole, part)
        whole = np.concatenate([whole, part], axis=1)
    return whole, kept


def walk(areas: Areas, starts: Index, steps: int, rng: np.random.Generator) -> Index:
    """Where a random walk of two to `steps` steps ends, for each start."""
    near = areas.padded(np.ones(len(areas.units), dtype=bool))
    degree = (near < len(areas.units)).sum(axis=1)
    at, length = starts.copy(), rng.integers(2, max(steps, 2) + 1, len(starts))
    for step in range(int(length.max(initial=0))):
        pick = np.floor(rng.random(len(at)) * degree[at]).astype(np.int64)
        moved = near[at, np.minimum(pick, near.shape[1] - 1)]
        at = np.where((step < length) & (degree[at] > 0), moved, at)
    return at


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


def _touch(areas: Areas, whole: Index, part: Index) -> Mask:
    """Whether a row of `part` shares or touches a unit of the same row of `whole`."""
    n = len(areas.units)
    everywhere = areas.padded(np.ones(n, dtype=bool))
    around = np.concatenate([whole, everywhere[whole].reshape(len(whole), -1)], axis=1)
    touching: Mask = np.zeros(len(whole), dtype=bool)
    for column in part.T:
        touching |= ((around == column[:, None]) & (column[:, None] < n)).any(axis=1)
    return touching

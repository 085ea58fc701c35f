"""Sets of comparison units drawn without regard to the map, and the rank of an effect among theirs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import PlaceboSets
from cseval.errors import DesignError
from cseval.inference.base import Inferred, Placebos
from cseval.inference.placebo import critical_value, p_values
from cseval.inference.requirements import FEWEST_DONORS

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import PlaceboEstimator

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

    #: What the effect of each set is divided by, up to a factor that all sets share; shape (sets,).
    Divisor = Callable[[PlaceboSets], Floats]
    DivisorOf = Callable[[Design, PlaceboEstimator], Divisor]


def scattered(members: Index, units: int, *, exact: bool = False) -> PlaceboSets:
    """Sets without a ring: nothing but the set itself leaves its comparison.

    Parameters
    ----------
    members : int array, shape (sets, size)
    units : int
        Number of units of the panel, which pads the empty ring.
    """
    return PlaceboSets(members=members, ring=np.full((len(members), 1), units, dtype=np.int64), exact=exact)


def draw_scattered(pool: Mask, size: int, draws: int, rng: np.random.Generator) -> tuple[Index, bool]:
    """Random sets of `size` different units, shape (sets, size), and whether these are all there are.

    All sets where there are no more than `draws`; for one unit always all, whatever `draws`. Each draw is uniform
    over the sets and independent of the others.

    Parameters
    ----------
    pool : bool array, shape (units,)
        Units that may be drawn.
    """
    where = np.flatnonzero(pool).astype(np.int64)
    if size == 1:
        return where[:, None], True
    if comb(len(where), size) <= draws:
        return where[np.array(list(combinations(range(len(where)), size)), dtype=np.int64)], True
    return where[_distinct_rows(len(where), size, draws, rng)], False


def _distinct_rows(units: int, size: int, draws: int, rng: np.random.Generator) -> Index:
    """Rows of different numbers below `units`, sorted: the r-th unit not yet chosen, column by column."""
    chosen = np.empty((draws, 0), dtype=np.int64)
    for step in range(size):
        new = rng.integers(0, units - step, draws)
        for column in chosen.T:  # sorted, so passing each smaller one moves the rank up by one
            new += new >= column
        chosen = np.sort(np.column_stack([chosen, new]), axis=1)
    return chosen


def reference_sets(design: Design, size: int, draws: int, seed: int) -> PlaceboSets:
    """Random sets of comparison units of a design, each as large as the treated area.

    Raises
    ------
    DesignError
        If there are too few comparison units.
    """
    available = int(design.comparison.sum())
    if available < max(FEWEST_DONORS, size + 1):
        raise DesignError(
            f"only {available} comparison units",
            where="random sets of comparison units",
            expected=f"at least {max(FEWEST_DONORS, size + 1)}",
            todo="Widen the comparison",
        )
    members, exact = draw_scattered(design.comparison, size, draws, np.random.default_rng(seed))
    return scattered(members, len(design.units), exact=exact)


def statistics_of(effects: Floats, spread: Floats) -> Floats:
    """Effects over their spread; infinite where an effect cannot be computed, which no finding can beat."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = effects / spread
    return np.where(np.isfinite(statistics), statistics, np.inf)


def infer_among(
    method: str,
    design: Design,
    estimator: PlaceboEstimator,
    estimate: Estimate,
    sets: PlaceboSets,
    spread: Divisor,
) -> Inferred:
    """Rank the treated area's effect over its spread among those of `sets`, and invert the test.

    Two-sided by absolute value: ``p = (1 + #{|s_b| >= |s|}) / (1 + B)``; the 95 % interval holds the effects that
    this does not reject.
    """
    effects = estimator.estimate_many(design, sets).effect
    statistics = statistics_of(effects, spread(sets))
    own_effect = float(estimator.estimate_many(design, design.own_set).effect[0])
    own_spread = float(spread(design.own_set)[0])
    critical = critical_value(statistics, 0.05)
    return Inferred(
        method=method,
        std_error=own_spread * _deviation(statistics),
        conf_low=estimate.effect - critical * own_spread,
        conf_high=estimate.effect + critical * own_spread,
        p_value=float(p_values(np.array([own_effect / own_spread]), statistics)[0]),
        facts={
            "random_sets": len(sets),
            "distinct_sets": sets.distinct,
            "smallest_p": 1 / (1 + len(sets)),
            "exact": sets.exact,
            "critical_value": critical,
        },
        note=_note(sets),
    )


def _deviation(statistics: Floats) -> float:
    """Standard deviation of the statistics that are finite."""
    return float(np.std(statistics[np.isfinite(statistics)]))


def _note(sets: PlaceboSets) -> str:
    if not sets.exact:
        return "units drawn at random, as if neighbours were independent"
    if sets.members.shape[1] == 1:
        return f"permutation over all {len(sets)} comparison units, as if neighbours were independent"
    return f"all {len(sets)} sets of comparison units enumerated, as if neighbours were independent"


def rank_among(tested: Placebos, draws: int, seed: int, divisor: DivisorOf) -> Floats:
    """Rank each tested effect among random sets of as many comparison units of its own design; shape (tested,).

    Where all sets are enumerated, a tested one is among them and is ranked among the others.
    """
    design, units = tested.design, len(tested.design.units)
    sizes = (tested.sets.members < units).sum(axis=1)
    over = divisor(design, tested.estimator)
    p: Floats = np.full(len(tested), np.nan)
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size)
        sets = reference_sets(design, size, draws, seed)
        statistics = statistics_of(tested.estimator.estimate_many(design, sets).effect, over(sets))
        some = tested.take(rows)
        own = some.effects.effect / over(some.sets)
        p[rows] = _among_others(some, own, statistics, over) if sets.exact else p_values(own, statistics)
    return p


def _among_others(some: Placebos, own: Floats, statistics: Floats, over: Divisor) -> Floats:
    """`p_values` among all enumerated sets but the tested one itself, whose statistic there has no ring left out."""
    bare = scattered(some.sets.members, len(some.design.units))
    itself = statistics_of(some.estimator.estimate_many(some.design, bare).effect, over(bare))
    reached = p_values(own, statistics) * (1 + len(statistics))
    counted = np.abs(itself) >= np.abs(own) * (1 - 1e-12)
    return np.asarray((reached - counted) / len(statistics))

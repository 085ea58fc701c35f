"""Wild bootstrap of a two-group comparison on sums by cluster, for one design with its interval or for many sets.

The effect is a difference of weighted means whose scores at a given effect are ``s_i = value_i - c_g mass_i``. A draw
multiplies the scores of each cluster by one random number v; its statistic is the one-step estimate
``sum_T v s / W_T - sum_C v s / W_C`` over its CR1 error. For the linear model that is the restricted wild cluster
bootstrap itself, since one step is exact there; for the logit it is the score bootstrap. Everything is linear in v,
apart from the error, which is quadratic, so that matrix products of draws x clusters suffice (Roodman, MacKinnon,
Nielsen and Webb 2019, "Fast and wild: bootstrap inference in Stata using boottest").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, product
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cseval.inference.inversion import invert_test

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.collapsed import Collapsed

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: Cells of a draws x clusters or sets x units array that are held at once.
CELLS = 2_000_000


class Weights(Protocol):
    """A distribution of the random multipliers with mean 0 and variance 1."""

    @property
    def points(self) -> tuple[float, ...]:
        """Its values, equally likely."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Multipliers:
    """The draws of a bootstrap.

    Parameters
    ----------
    blocks : iterable of float array, each of shape (some draws, clusters)
        Made as they are read, once: ten thousand draws of every area of a country do not fit into memory.
    exact : bool
        Whether they are all combinations there are.
    """

    blocks: Iterable[Floats]
    exact: bool

    def p_value(self, actual: Floats, drawn: Floats) -> Floats:
        """Share of draws at least as extreme; `actual` (...,), `drawn` (..., draws).

        The actual statistic counts as a draw of its own unless all combinations, itself among them, are there.
        """
        reached = (np.abs(drawn) >= np.abs(actual)[..., None] * (1 - 1e-9)).sum(axis=-1)
        extra = 0 if self.exact else 1
        return np.asarray((reached + extra) / (drawn.shape[-1] + extra))


def multipliers(weights: Weights, draws: int, clusters: int, rng: np.random.Generator) -> Multipliers:
    """Draw, or enumerate where there are no more combinations than draws."""
    points = np.array(weights.points)
    if len(points) ** min(clusters, 64) <= draws:
        return Multipliers(blocks=(np.array(list(product(points, repeat=clusters))),), exact=True)
    size = max(CELLS // clusters, 1)
    rows = [min(size, draws - first) for first in range(0, draws, size)]
    blocks = (points[rng.integers(0, len(points), (n, clusters), dtype=np.uint8)] for n in rows)
    return Multipliers(blocks=blocks, exact=False)


def cluster_codes(design: Design, by: str) -> Index:
    """Number of the cluster of each unit: itself, or its district; a unit without a district is its own cluster."""
    districts = design.inputs.panel.districts if by == "district" else {}
    names = [f"district {districts[u]}" if districts.get(u) else f"unit {u}" for u in design.units]
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)


# One design --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawSums:
    """All that a bootstrap of one design needs, whatever effect is tested; the first row is the data themselves.

    Parameters
    ----------
    totals : float array, shape (4,)
        Value and mass of the treated, value and mass of the comparison.
    first : float array, shape (1 + draws, 4)
        ``sum v b`` over clusters, with b the cluster's part of `totals`.
    treated, rest : float array, shape (1 + draws, 4)
        ``sum v b m`` with m the cluster's treated or comparison mass.
    second : float array, shape (1 + draws or 1, 4, 4)
        ``sum v^2 b b'``.
    masses : float array, shape (2, 2)
        ``sum m m'`` of treated and comparison mass.
    multipliers : Multipliers
        Without its blocks.
    """

    totals: Floats
    first: Floats
    treated: Floats
    rest: Floats
    second: Floats
    masses: Floats
    multipliers: Multipliers
    clusters: int

    def statistics(self, collapsed: Collapsed, effect: float) -> tuple[Floats, Floats]:
        """One-step estimates less `effect` and their CR0 variances, both of shape (1 + draws,)."""
        value_t, mass_t, value_c, mass_c = self.totals
        groups = (np.asarray(mass_t), np.asarray(mass_c))
        means = collapsed.link.restricted(np.asarray(value_t + value_c), *groups, np.asarray(effect))
        w = [m * collapsed.link.slope(c) for m, c in zip(groups, means, strict=True)]
        contrast = np.array([1 / w[0], -means[0] / w[0], -1 / w[1], means[1] / w[1]])
        x = self.first[:, :2] @ contrast[:2] / mass_t
        y = self.first[:, 2:] @ contrast[2:] / mass_c
        squares = contrast @ self.second @ contrast
        crossed = x * (self.treated @ contrast) + y * (self.rest @ contrast)
        (tt, tc), (_, cc) = self.masses
        return self.first @ contrast, squares - 2 * crossed + x * x * tt + 2 * x * y * tc + y * y * cc

    def p_value(self, collapsed: Collapsed, effect: float) -> float:
        """p-value of the test that the effect, on the link's scale, is `effect`."""
        statistic = studentised(*self.statistics(collapsed, effect))
        return float(self.multipliers.p_value(statistic[0], statistic[1:]))

    def std_error(self, collapsed: Collapsed, estimate: float) -> float:
        """CR1 standard error of the estimate, ``G / (G - 1)``, on the link's scale."""
        variance = self.statistics(collapsed, estimate)[1][0]
        return float(np.sqrt(max(variance, 0.0) * self.clusters / (self.clusters - 1)))


def draw_sums(
    collapsed: Collapsed, treated: Mask, comparison: Mask, codes: Index, weights: Weights, draws: int, seed: int
) -> DrawSums:
    """Reduce draws of a design to sums over clusters.

    Parameters
    ----------
    collapsed : Collapsed
    treated, comparison : bool array, shape (units,)
    codes : int array, shape (units,)
        Cluster of each unit.
    """
    used = treated | comparison
    _, inverse = np.unique(codes[used], return_inverse=True)
    clusters = int(inverse.max()) + 1
    columns = [np.where(g, x, 0.0)[used] for g in (treated, comparison) for x in (collapsed.value, collapsed.mass)]
    sums = [np.bincount(inverse, weights=c, minlength=clusters).astype(np.float64) for c in columns]
    basis = np.stack(sums, axis=1)
    drawn = multipliers(weights, draws, clusters, np.random.default_rng(seed))
    linear = np.concatenate([basis, basis * basis[:, 1:2], basis * basis[:, 3:4]], axis=1)
    first, second = _reduced(linear, basis, chain([np.ones((1, clusters))], drawn.blocks), weights)
    first, of_treated, of_rest = np.split(first, 3, axis=1)
    return DrawSums(
        totals=basis.sum(axis=0),
        first=first,
        treated=of_treated,
        rest=of_rest,
        second=second,
        masses=basis[:, 1::2].T @ basis[:, 1::2],
        multipliers=Multipliers(blocks=(), exact=drawn.exact),
        clusters=clusters,
    )


def _reduced(linear: Floats, basis: Floats, blocks: Iterable[Floats], weights: Weights) -> tuple[Floats, Floats]:
    """``sum v linear`` and ``sum v^2 b b'`` of every draw; the second is one for all where multipliers are signs."""
    outer = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    signs = set(map(abs, weights.points)) == {1.0}
    first, second = [], [outer.sum(axis=0)[None]] if signs else []
    for block in blocks:
        first.append(block @ linear)
        second += [] if signs else [block**2 @ outer]
    return np.concatenate(first), np.concatenate(second).reshape(-1, 4, 4)


def studentised(change: Floats, variance: Floats) -> Floats:
    """Change over its error; a change without an error is infinite, and no change is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = change / np.sqrt(np.maximum(variance, 0.0))
    return np.where(change == 0, 0.0, ratio)


def interval(sums: DrawSums, collapsed: Collapsed, estimate: float, std_error: float) -> tuple[float, float]:
    """The effects on the link's scale that the test at 5 % does not reject, NaN at an end that is not bounded."""
    return invert_test(lambda effect: sums.p_value(collapsed, effect), estimate, std_error)


# Many sets ---------------------------------------------------------------------------------------


def p_values_many(
    collapsed: Collapsed,
    comparison: Mask,
    sets: PlaceboSets,
    codes: Index | None,
    weights: Weights,
    draws: int,
    seed: int,
) -> Floats:
    """p-value of no effect for each set against the comparison less the set and its ring, shape (sets,).

    Parameters
    ----------
    codes : int array, shape (units,), or None
        Cluster of each unit; None where each is its own.

    Notes
    -----
    The draws are the same for every set. Cost: four products of sets x clusters by clusters x draws.
    """
    n = len(comparison)
    clusters = n if codes is None else int(codes.max()) + 1
    drawn = multipliers(weights, draws, clusters, np.random.default_rng(seed))
    random = np.concatenate([np.ones((1, clusters)), *drawn.blocks]).T
    size = max(CELLS // (n + 1), 1)
    out = np.empty(len(sets))
    for first in range(0, len(sets), size):
        groups = _group_masks(comparison, sets.members[first : first + size], sets.ring[first : first + size])
        statistic = _statistics_many(_cluster_sums(collapsed, groups, codes, clusters), random)
        out[first : first + size] = drawn.p_value(statistic[:, 0], statistic[:, 1:])
        out[first : first + size][~np.isfinite(statistic[:, 0])] = np.nan
    return out


def _group_masks(comparison: Mask, members: Index, ring: Index) -> tuple[Floats, Floats]:
    """Which units are treated and which are comparison, 0 or 1, both of shape (sets, units)."""
    n, row = len(comparison), np.arange(len(members))[:, None]
    treated = np.zeros((len(members), n + 1))
    treated[row, members] = 1.0
    rest = np.tile(np.append(comparison, False).astype(float), (len(members), 1))
    rest[row, members] = 0.0
    rest[row, ring] = 0.0
    return treated[:, :n], rest[:, :n]


def _cluster_sums(
    collapsed: Collapsed, groups: tuple[Floats, Floats], codes: Index | None, clusters: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Scores under no effect and masses of treated and comparison over their group's mass, shape (sets, clusters)."""
    mass = [g @ collapsed.mass for g in groups]
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = sum(g @ collapsed.value for g in groups) / (mass[0] + mass[1])
        score = collapsed.value - centre[:, None] * collapsed.mass
        by_unit = [g * x / m[:, None] for x in (score, collapsed.mass) for g, m in zip(groups, mass, strict=True)]
    if codes is not None:
        indicator = np.zeros((len(codes), clusters))
        indicator[np.arange(len(codes)), codes] = 1.0
        by_unit = [x @ indicator for x in by_unit]
    return by_unit[0], by_unit[1], by_unit[2], by_unit[3]


def _statistics_many(sums: tuple[Floats, Floats, Floats, Floats], random: Floats) -> Floats:
    """Studentised statistic of each set and draw, shape (sets, draws); `random` has shape (clusters, draws)."""
    score_t, score_c, mass_t, mass_c = sums
    score = score_t - score_c
    x, y = score_t @ random, score_c @ random
    squares = (score**2).sum(axis=1, keepdims=True) if (np.abs(random) == 1).all() else score**2 @ random**2
    variance = squares - 2 * (x * ((score * mass_t) @ random) - y * ((score * mass_c) @ random))
    for left, right, part in ((x, x, mass_t * mass_t), (x, y, -2 * mass_t * mass_c), (y, y, mass_c * mass_c)):
        variance += left * right * part.sum(axis=1, keepdims=True)
    return studentised(x - y, variance)

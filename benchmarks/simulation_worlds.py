"""Simulated areas without a programme: counts with lasting levels, clumps, and shocks shared over months and map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cseval.areas import Areas, draw_connected
from cseval.inputs import Inputs, Roles
from cseval.months import add_months, month_range
from cseval.panel import Panel

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

FIRST, BEFORE, AFTER = "2015-01", 24, 18
OUTCOME = "incidents"
#: Standard deviation of unit levels (log), of shocks common to a month, and of a unit's own shocks in a month.
LEVELS, MONTHS, SHOCKS = 0.5, 0.1, 0.2


@dataclass(frozen=True)
class World:
    """How counts come about.

    Parameters
    ----------
    side : int
        The map has ``side`` x ``side`` units; those that share a side touch.
    treated : int
        Adjoining units that are treated.
    autocorrelation : float
        AR(1) coefficient of a unit's shocks from month to month.
    spatial : float
        Strength with which shocks spread to adjoining units (0 none, below 1).
    level, dispersion : float
        Mean incidents per unit and month, and negative-binomial dispersion (variance ``m + dispersion m^2``).
    """

    side: int
    treated: int
    autocorrelation: float
    spatial: float
    level: float
    dispersion: float


@lru_cache(maxsize=8)
def grid(side: int) -> Areas:
    """Square units that touch along their sides."""
    number = np.arange(side * side).reshape(side, side)
    across = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)
    down = np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1)
    pairs = np.concatenate([across, down]).astype(np.int64)
    return Areas(units=tuple(f"U{i:04d}" for i in range(side * side)), pairs=pairs, border=np.ones(len(pairs)))


@lru_cache(maxsize=8)
def smoother(side: int, strength: float) -> Floats:
    """Spreads independent shocks over the map and keeps the variance of each unit at 1.

    ``(I - strength W)^-1`` with row-standardised adjacency ``W`` (a spatial autoregression), rows scaled to length 1.
    """
    areas = grid(side)
    touch = np.zeros((side * side, side * side))
    touch[tuple(areas.pairs.T)] = 1
    touch += touch.T
    spread = np.linalg.inv(np.eye(side * side) - strength * touch / touch.sum(axis=1, keepdims=True))
    return np.asarray(spread / np.linalg.norm(spread, axis=1, keepdims=True))


def shocks(world: World, rng: np.random.Generator) -> Floats:
    """Shocks of variance 1, shape (units, months): AR(1) in time, spread over the map."""
    months = BEFORE + AFTER
    fresh = smoother(world.side, world.spatial) @ rng.normal(size=(world.side**2, months))
    out = np.empty_like(fresh)
    out[:, 0] = fresh[:, 0]
    keep = np.sqrt(1 - world.autocorrelation**2)
    for month in range(1, months):
        out[:, month] = world.autocorrelation * out[:, month - 1] + keep * fresh[:, month]
    return out


def counts(world: World, rng: np.random.Generator) -> Counts:
    """Negative-binomial counts without any effect, shape (units, months)."""
    units, months = world.side**2, BEFORE + AFTER
    log_mean = np.log(world.level) + LEVELS * rng.normal(size=(units, 1)) + MONTHS * rng.normal(size=months)
    clumps = rng.gamma(1 / world.dispersion, world.dispersion, (units, months)) if world.dispersion else 1.0
    return rng.poisson(np.exp(log_mean + SHOCKS * shocks(world, rng)) * clumps).astype(np.int64)


def treated_sets(world: World, number: int, seed: int) -> Counts:
    """Places that are treated in turn, shape (number, treated)."""
    everywhere = np.ones(world.side**2, dtype=bool)
    return draw_connected(grid(world.side), everywhere, world.treated, number, np.random.default_rng(seed))


def inputs_of(world: World, values: Counts, treated: Counts) -> Inputs:
    """The counts as evaluation inputs, with these units treated."""
    areas = grid(world.side)
    panel = Panel(
        units=areas.units,
        periods=month_range(FIRST, add_months(FIRST, values.shape[1] - 1)),
        counts={OUTCOME: values},
    )
    return Inputs(panel=panel, areas=areas, roles=Roles(treated=frozenset(areas.units[i] for i in treated)))

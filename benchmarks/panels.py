"""Simulated panels of the sizes of the benchmark: areas of a planar map, months, and Poisson counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cseval.areas import Areas
from cseval.design import Design
from cseval.inputs import Inputs, Roles
from cseval.months import add_months, month_range
from cseval.panel import Panel

FIRST = "2015-01"
OUTCOME = "incidents"


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a panel is, and where its programme begins.

    `pre` is the number of months before the start and `after` that from it on (all the rest if 0). Treated are
    `neighbourhood` adjoining areas, or all areas of `treated_districts` districts of `districts`.
    """

    areas: int
    months: int
    pre: int
    after: int = 0
    neighbourhood: int = 5
    districts: int = 0
    treated_districts: int = 0
    seed: int = 1

    @property
    def label(self) -> str:
        return f"{self.areas:,} x {self.months}"


#: The lower layer super output areas of London in six years, and those of England and Wales in ten.
LONDON = Size(areas=4_835, months=72, pre=48)
NATION = Size(areas=34_753, months=120, pre=84)


def planar_map(areas: int, seed: int, districts: int = 0) -> Areas:
    """A map whose areas touch as in a triangulation of random points: six neighbours on average.

    Districts are rectangles, of about 150 areas each unless their number is given.
    """
    from scipy.spatial import Delaunay

    points = np.random.default_rng(seed).random((areas, 2))
    corners = Delaunay(points).simplices
    sides = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1)
    pairs = np.unique(sides, axis=0).astype(np.int64)
    units = tuple(f"E{i:08d}" for i in range(areas))
    cell = (points * _grid(districts or max(areas // 150, 1))).astype(int)
    names = {u: f"D{a}-{b}" for u, (a, b) in zip(units, cell.tolist(), strict=True)}
    return Areas(units=units, pairs=pairs, border=np.ones(len(pairs)), districts=names)


def _grid(districts: int) -> tuple[int, int]:
    """As many rows and columns as there are districts, as near to a square as can be."""
    rows = next(n for n in range(int(districts**0.5), 0, -1) if districts % n == 0)
    return rows, districts // rows


def poisson_panel(size: Size) -> npt.NDArray[np.int64]:
    """Counts with unit and month effects and no effect of the programme, shape (areas, months)."""
    rng = np.random.default_rng(size.seed)
    unit, month = rng.normal(1.2, 0.5, (size.areas, 1)), rng.normal(0, 0.15, (1, size.months))
    return rng.poisson(np.exp(unit + month)).astype(np.int64)


def neighbourhood(areas: Areas, members: int) -> frozenset[str]:
    """`members` adjoining areas around the middle of the list."""
    chosen = [len(areas.units) // 2]
    for unit in chosen:
        chosen += [n for n in areas.neighbours[unit] if n not in chosen]
        if len(chosen) >= members:
            break
    return frozenset(areas.units[i] for i in chosen[:members])


def treated_units(areas: Areas, size: Size) -> frozenset[str]:
    """The areas with the programme."""
    if not size.treated_districts:
        return neighbourhood(areas, size.neighbourhood)
    chosen = sorted(set(areas.districts.values()))[:: size.districts // size.treated_districts]
    return frozenset(u for u, d in areas.districts.items() if d in chosen)


def inputs(size: Size) -> Inputs:
    """Everything a design needs."""
    areas = planar_map(size.areas, size.seed, size.districts)
    panel = Panel(
        units=areas.units,
        periods=month_range(FIRST, add_months(FIRST, size.months - 1)),
        counts={OUTCOME: poisson_panel(size)},
        districts=areas.districts,
    )
    return Inputs(panel=panel, areas=areas, roles=Roles(treated=treated_units(areas, size)))


def design(given: Inputs, size: Size, *, buffer_rings: int = 1, before: int = 0) -> Design:
    """The programme's design on a simulated panel, with `before` months of its pre period (all if 0)."""
    return Design.build(
        given,
        OUTCOME,
        start=add_months(FIRST, size.pre),
        months_before=before or size.pre,
        months_after=size.after or size.months - size.pre,
        buffer_rings=buffer_rings,
    )


def simulated_design(size: Size) -> Design:
    """The design of a simulated panel, without a buffer so that every package uses the same rows."""
    return design(inputs(size), size, buffer_rings=0)

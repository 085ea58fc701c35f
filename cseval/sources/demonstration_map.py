"""The map of the demonstration: about 300 fictional wards in 15 districts on an irregular lattice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

COLUMNS, ROWS = 20, 15
DISTRICT_COLUMNS, DISTRICT_ROWS = 5, 3
WARD_METRES = 1000.0
JITTER = 0.32

#: Fictional names; the founding borough of the demonstration is the middle one.
DISTRICTS = (
    "Ashmere Brackenfold Coldharrow Dunwold Elmstead-under-Hill "
    "Farrowgate Gorsebridge Millharbour Hazelwick Inglebourne "
    "Juniper-Cross Kestrelham Larkminster Mossgate Nettlecombe"
).split()
FOUNDING = "Millharbour"


def fictional_map(rng: np.random.Generator) -> tuple[Areas, str]:
    """Wards as Voronoi cells of a jittered lattice, and the name of the founding district.

    Adjacency and border lengths come from the cells' shared edges. Every district holds twenty wards.
    """
    points = _points(rng)
    outlines, pairs, border = cells(points, COLUMNS * WARD_METRES, ROWS * WARD_METRES)
    district = _districts()
    units = tuple(f"D{d + 1:02d}{w + 1:02d}" for d, w in zip(district, _within(district), strict=True))
    return Areas(
        units=units,
        pairs=pairs,
        border=border,
        names={u: f"{DISTRICTS[d]} ward {int(u[-2:])}" for u, d in zip(units, district, strict=True)},
        districts={u: DISTRICTS[d] for u, d in zip(units, district, strict=True)},
        outlines={u: (o,) for u, o in zip(units, outlines, strict=True)},
    ), FOUNDING


def _points(rng: np.random.Generator) -> Floats:
    """Ward centres in metres, shape (wards, 2), row by row."""
    grid = np.stack(np.meshgrid(np.arange(COLUMNS), np.arange(ROWS)), axis=-1).reshape(-1, 2) + 0.5
    points: Floats = (grid + rng.uniform(-JITTER, JITTER, grid.shape)) * WARD_METRES
    return points


def cells(points: Floats, width: float, height: float) -> tuple[list[Floats], npt.NDArray[np.int64], Floats]:
    """Voronoi cells of points within a rectangle.

    The points are mirrored in the four sides, which makes the rectangle the outer border of their cells.

    Parameters
    ----------
    points : float array, shape (cells, 2)
        In metres, from the lower left corner.
    width, height : float

    Returns
    -------
    outlines : list of float arrays, each of shape (corners + 1, 2)
    pairs : int array, shape (pairs, 2)
        Cells that share an edge, in order.
    border : float array, shape (pairs,)
        Length of that edge.
    """
    from scipy.spatial import Voronoi

    n = len(points)
    mirrored = [points, points * [-1, 1], points * [1, -1]]
    mirrored += [points * [-1, 1] + [2 * width, 0], points * [1, -1] + [0, 2 * height]]
    diagram = Voronoi(np.concatenate(mirrored))
    outlines = [_closed(diagram.vertices[diagram.regions[diagram.point_region[i]]]) for i in range(n)]
    inside = (diagram.ridge_points < n).all(axis=1)
    pairs = np.sort(diagram.ridge_points[inside], axis=1).astype(np.int64)
    ends = diagram.vertices[np.array([r for r, keep in zip(diagram.ridge_vertices, inside, strict=True) if keep])]
    border = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return outlines, pairs[order], border[order]


def _closed(ring: Floats) -> Floats:
    """A ring in order of angle around its middle, first point repeated at the end."""
    middle = ring.mean(axis=0)
    ring = ring[np.argsort(np.arctan2(ring[:, 1] - middle[1], ring[:, 0] - middle[0]))]
    return np.vstack([ring, ring[:1]])


def _districts() -> npt.NDArray[np.int64]:
    """District number of each ward: blocks of the lattice, four wards wide and five high."""
    column, row = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    block = (row // (ROWS // DISTRICT_ROWS)) * DISTRICT_COLUMNS + column // (COLUMNS // DISTRICT_COLUMNS)
    return block.reshape(-1).astype(np.int64)


def _within(district: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Number of each ward within its district."""
    number = np.zeros_like(district)
    for d in np.unique(district):
        number[district == d] = np.arange((district == d).sum())
    return number

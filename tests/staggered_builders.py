"""Small designs whose units begin in different months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from builders import FIRST, inputs, poisson_counts

from cseval.design import Design
from cseval.months import add_months

SHAPE = (10, 10)
#: Three neighbourhoods of two units on a 10 x 10 lattice, by position, and months from the first start to theirs.
PARTS = {11: 0, 12: 0, 55: 4, 56: 4, 87: 7, 88: 7}


def staggered(
    counts: np.ndarray | None = None,
    delays: Mapping[int, int] = PARTS,
    *,
    before: int = 12,
    after: int | None = None,
    shape: tuple[int, int] = SHAPE,
    buffer_rings: int = 0,
    received: np.ndarray | None = None,
) -> Design:
    """A design on a lattice; `delays` are months from the first start to that of each treated unit."""
    counts = poisson_counts(shape[0] * shape[1], 30, seed=5) if counts is None else counts
    given = inputs(counts, treated=delays, shape=shape, received=received)
    start = add_months(FIRST, before)
    units = given.panel.units
    starts = {units[u]: add_months(start, d) for u, d in delays.items() if d}
    return Design.build(
        replace(given, roles=replace(given.roles, starts=starts)),
        "burglary",
        start=start,
        months_before=before,
        months_after=counts.shape[1] - before if after is None else after,
        buffer_rings=buffer_rings,
    )

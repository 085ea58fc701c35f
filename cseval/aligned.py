"""Units of a panel by position and on the map, and the columns of a window; kept, since every design shares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from cseval.areas import Areas
from cseval.inputs import Inputs

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

Number = TypeVar("Number", np.int64, np.float64)

_POSITIONS: dict[int, tuple[Inputs, Mapping[str, int]]] = {}
_ALIGNED: dict[int, tuple[Inputs, Areas]] = {}


def kept_columns(values: npt.NDArray[Number], window: slice, kept: Mask) -> npt.NDArray[Number]:
    """The kept columns of a window; a view where none is left out, so that a large panel is not copied."""
    inside = values[:, window]
    out = inside.view() if kept.all() else np.take(inside, np.flatnonzero(kept), axis=1)
    out.flags.writeable = False
    return out


def unit_positions(inputs: Inputs) -> Mapping[str, int]:
    """Position of each unit of the panel, kept with the inputs since every design of a run shares it."""
    cached = _POSITIONS.get(id(inputs))
    if cached is None or cached[0] is not inputs:
        cached = (inputs, {u: i for i, u in enumerate(inputs.panel.units)})
        _POSITIONS.clear()
        _POSITIONS[id(inputs)] = cached
    return cached[1]


def aligned_areas(inputs: Inputs) -> Areas:
    """The map over the panel's units, kept with the inputs since every design of a run shares it."""
    cached = _ALIGNED.get(id(inputs))
    if cached is None or cached[0] is not inputs:
        cached = (inputs, inputs.areas.align(inputs.panel.units))
        _ALIGNED.clear()
        _ALIGNED[id(inputs)] = cached
    return cached[1]

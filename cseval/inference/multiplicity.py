"""Several outcomes tested at once: p-values adjusted for how many there are."""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in the order given; NaN stays NaN and does not count.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    ranked = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for step, (p, i) in enumerate(ranked):
        highest = max(highest, min(1.0, p * (len(ranked) - step)))
        adjusted[i] = highest
    return tuple(adjusted)

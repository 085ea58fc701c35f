"""Intervals from tests: the effects that a test does not reject."""

from __future__ import annotations

import math
from collections.abc import Callable

#: An end further away than this many doublings of two standard errors is not bounded.
DOUBLINGS = 8
STEPS = 36


def invert_test(
    p_value: Callable[[float], float], estimate: float, std_error: float, level: float = 0.05
) -> tuple[float, float]:
    """Ends of the set of effects around `estimate` whose p-value exceeds `level`, found by bisection.

    Parameters
    ----------
    p_value : callable
        p-value of the test that the effect is its argument.
    estimate, std_error : float
        Where to begin and how far to step.

    Returns
    -------
    low, high : float
        NaN at an end that is not reached within 256 times two standard errors: the interval is not bounded there.
    """
    if not (math.isfinite(std_error) and std_error > 0):
        return math.nan, math.nan
    return _end(p_value, estimate, -2 * std_error, level), _end(p_value, estimate, 2 * std_error, level)


def _end(p_value: Callable[[float], float], inside: float, step: float, level: float) -> float:
    outside = inside + step
    for _ in range(DOUBLINGS):
        if p_value(outside) <= level:
            break
        inside, step = outside, 2 * step
        outside = inside + step
    else:
        return math.nan
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if p_value(middle) > level else (inside, middle)
    return inside

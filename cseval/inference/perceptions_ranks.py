"""The rank of one area's effect among those of all areas: p-value and interval, exact if areas are exchangeable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DesignError
from cseval.inference.multiplicity import TIE

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEVEL = 0.05
#: With fewer other areas no p-value can be 0.05 or less.
FEWEST_OTHERS = 19


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """An effect among those of other areas.

    Parameters
    ----------
    effect, conf_low, conf_high, p_value : float
        The interval holds every effect that the test does not reject at 5 %.
    areas : int
        All areas, the treated one among them.
    coverage : float
        How often the interval holds the truth if areas are exchangeable.
    """

    effect: float
    conf_low: float
    conf_high: float
    p_value: float
    areas: int
    coverage: float

    @property
    def smallest_p(self) -> float:
        """The smallest p-value there can be."""
        return 1 / self.areas


def rank_among_areas(own: Floats, unit: int, *, relative: bool) -> Ranked:
    """Rank one area's effect among those of all areas.

    Parameters
    ----------
    own : float array, shape (areas,)
        Each area's weighted sum of its own windows.
    unit : int
        Position of the treated area.
    relative : bool
        Whether an effect is what the area has more than the mean of all others.

    Raises
    ------
    DesignError
        If there are fewer than 19 other areas.

    Notes
    -----
    ``p = #{j: |x_j - m| >= |x_i - m|} / N``, the treated area i among the N; m is the mean of all N, the treated one
    with the tested effect taken off, or 0 where effects are not relative. The treated area enters every other one's
    comparison as they enter its, so that under the null all N have the same standing and the p-value is exact. The
    interval inverts the test in closed form: with ``d`` the effect less the one tested and ``e_j`` the others less
    their own mean, area j is outdone by ``d > 0`` where ``d > max(e_j, -e_j N / (N - 2))``.
    """
    areas = len(own)
    if areas - 1 < FEWEST_OTHERS:
        raise DesignError(
            f"{areas - 1} other areas",
            where="rank among areas",
            expected=f"at least {FEWEST_OTHERS}, or p is never 0.05",
        )
    others = np.delete(own, unit)
    centre = float(others.mean()) if relative else 0.0
    above, below = outdone(others - centre, relative)
    effect = float(own[unit]) - centre
    allowed = math.floor(LEVEL * areas + 1e-9) - 1
    return Ranked(
        effect=effect,
        conf_low=effect - float(np.sort(above)[::-1][allowed]),
        conf_high=effect + float(np.sort(below)[::-1][allowed]),
        p_value=rank_p_value(effect, above, below),
        areas=areas,
        coverage=1 - (allowed + 1) / areas,
    )


def outdone(others: Floats, relative: bool) -> tuple[Floats, Floats]:
    """How large a rise, and how large a fall, must be to outdo each other area, shapes (areas - 1,).

    Parameters
    ----------
    others : float array, shape (areas - 1,)
        Less their own mean where effects are relative.
    """
    if not relative:
        return np.abs(others), np.abs(others)
    areas = len(others) + 1
    stretched = others * areas / (areas - 2)
    return np.maximum(others, -stretched), np.maximum(-others, stretched)


def rank_p_value(effect: float, above: Floats, below: Floats) -> float:
    """p-value of an effect from what `outdone` gives; ties count against the finding."""
    bar = above if effect >= 0 else below
    return (1 + int((bar >= abs(effect) * (1 - TIE)).sum())) / (1 + len(bar))


def rank_p_values(own: Floats, *, relative: bool) -> Floats:
    """The p-value of every area in turn as the treated one, shape (areas,)."""
    size = np.abs(own - own.mean()) if relative else np.abs(own)
    return np.asarray((size[None, :] >= size[:, None] * (1 - TIE)).sum(axis=1) / len(own))

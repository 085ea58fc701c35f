"""Confidence sets for ranks: which places in a ranking chance leaves open, for one unit and for all at once.

A unit's rank is one more than the number of units whose true value is smaller. Whether one true value is smaller than
another is tested for every ordered pair by the studentised difference, against the largest such difference that
errors alone bring (a bootstrap), and stepwise: pairs that are told apart leave the family, and the rest are held
against a smaller bar. What is left undecided is the confidence set.

Source: Mogstad, Romano, Shaikh and Wilhelm (2024), "Inference for ranks with applications to mobility across
neighbourhoods and academic achievement across countries", Review of Economic Studies 91(1), sections 3.1 to 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Errors:
    """Bootstrap draws of what estimates miss the truth by.

    Parameters
    ----------
    error : float array, shape (draws, units)
        Estimate of a draw less the value it was drawn from.
    scale : float array, shape (draws, units) or (units,)
        Standard error that each draw would be given.
    """

    error: Floats
    scale: Floats

    @classmethod
    def normal(cls, std_error: Floats, draws: int, seed: int) -> Errors:
        """Independent normal errors with known standard errors, shape (units,)."""
        rng = np.random.default_rng(seed)
        return cls(error=rng.standard_normal((draws, len(std_error))) * std_error, scale=std_error)


@dataclass(frozen=True, kw_only=True, eq=False)
class RankSets:
    """Lowest and highest rank that are left open for each unit, both of shape (units,); 1 is the smallest value."""

    low: Index
    high: Index


def ranks(values: Floats) -> Index:
    """Rank of each value, 1 for the smallest; equal values share the better rank.

    Parameters
    ----------
    values : float array, shape (..., units)
    """
    order = np.sort(values, axis=-1)
    if values.ndim == 1:
        return np.asarray(np.searchsorted(order, values, side="left") + 1, dtype=np.int64)
    return np.asarray([np.searchsorted(o, v, side="left") + 1 for o, v in zip(order, values, strict=True)])


def simultaneous_rank_sets(values: Floats, std_error: Floats, errors: Errors, level: float = 0.95) -> RankSets:
    """Ranks left open for every unit, which all hold at once with probability `level`.

    Parameters
    ----------
    values, std_error : float array, shape (units,)
        Independent estimates and their standard errors, above zero.
    errors : Errors
    level : float

    Raises
    ------
    EstimationError
        If there are fewer than two units or a value or error is not a number.
    """
    return _sets(values, std_error, errors, np.arange(len(values)), level)


def rank_set(unit: int, values: Floats, std_error: Floats, errors: Errors, level: float = 0.95) -> tuple[int, int]:
    """Lowest and highest rank left open for one unit alone; narrower than its simultaneous set.

    Parameters
    ----------
    unit : int
        Its position; the other arguments as in `simultaneous_rank_sets`.
    """
    sets = _sets(values, std_error, errors, np.array([unit]), level)
    return int(sets.low[unit]), int(sets.high[unit])


def _sets(values: Floats, std_error: Floats, errors: Errors, about: Index, level: float) -> RankSets:
    _require_numbers(values, std_error)
    first, second = _pairs(len(values), about)
    smaller = np.zeros((len(values), len(values)), dtype=bool)
    told = _told_apart(
        _studentised(values[None], std_error, first, second)[0],
        _studentised(errors.error, errors.scale, first, second),
        level,
    )
    smaller[first, second], smaller[second, first] = told
    return RankSets(low=1 + smaller.sum(axis=0), high=len(values) - smaller.sum(axis=1))


def _require_numbers(values: Floats, std_error: Floats) -> None:
    usable = np.isfinite(values).all() and np.isfinite(std_error).all() and (std_error > 0).all()
    if len(values) < 2 or not usable:
        raise EstimationError(
            "a ranking of values that are not all numbers with an error above zero, or of fewer than two",
            where="confidence sets for ranks",
            todo="Leave out the units whose value is not defined",
        )


def _pairs(units: int, about: Index) -> tuple[Index, Index]:
    """Every unordered pair that holds a unit of `about`, as positions of its first and second unit."""
    first, second = np.triu_indices(units, k=1)
    wanted = np.isin(first, about) | np.isin(second, about)
    return first[wanted].astype(np.int64), second[wanted].astype(np.int64)


def _studentised(value: Floats, scale: Floats, first: Index, second: Index) -> Floats:
    """How much larger the second of each pair is, over its standard error; shape (draws, pairs)."""
    spread = np.sqrt(scale[..., first] ** 2 + scale[..., second] ** 2)
    return np.asarray((value[:, second] - value[:, first]) / spread)


def _told_apart(statistic: Floats, draws: Floats, level: float) -> tuple[Mask, Mask]:
    """Pairs whose first is surely smaller, and those whose second is, by steps until no more are told apart.

    Parameters
    ----------
    statistic : float array, shape (pairs,)
    draws : float array, shape (draws, pairs)
    """
    up, down = np.zeros((2, len(statistic)), dtype=bool)
    while True:
        bar = _critical(draws, ~up, ~down, level)
        more_up, more_down = up | (statistic > bar), down | (-statistic > bar)
        if (more_up == up).all() and (more_down == down).all():
            return up, down
        up, down = more_up, more_down


def _critical(draws: Floats, up: Mask, down: Mask, level: float) -> float:
    """Quantile of the largest studentised error among the ordered pairs that are still undecided."""
    largest = np.full(len(draws), -np.inf)
    for mask, signed in ((up, draws), (down, -draws)):
        if mask.any():
            largest = np.maximum(largest, signed[:, mask].max(axis=1))
    place = int(np.ceil(level * (len(draws) + 1))) - 1
    return float(np.sort(largest)[place]) if place < len(draws) else float("inf")

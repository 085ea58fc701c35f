"""Difference in differences as arithmetic on totals, for one set of units or a hundred thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets

    Counts = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


#: Units of a panel that are turned into floats at once.
BLOCK = 1024
#: Sets that are summed at once, few enough for the processor's cache.
SETS = 8192


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupTotals:
    """Totals of each set (T) and of its comparison (C) before (0) and after (1).

    Parameters
    ----------
    t0, t1, c0, c1 : float array, shape (sets,)
    treated, comparison : int array, shape (sets,)
        Number of units in the set and in its comparison.
    """

    t0: Floats
    t1: Floats
    c0: Floats
    c1: Floats
    treated: Index
    comparison: Index


def member_sum(values: Floats, index: Index) -> Floats:
    """Sum `values` over the positions in each row of `index`.

    Parameters
    ----------
    values : float array, shape (units,) or (units, columns)
    index : int array, shape (sets, width)
        Positions, padded with ``units``, which counts nothing.

    Returns
    -------
    float array, shape (sets,) or (sets, columns).
    """
    padded = np.concatenate([values, np.zeros((1, *values.shape[1:]))])
    total = np.zeros((len(index), *values.shape[1:]))
    for first in range(0, len(index), SETS):
        part = total[first : first + SETS]
        for column in np.ascontiguousarray(index[first : first + SETS].T):
            part += padded.take(column, axis=0)
    return total


def comparison_sum(values: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """Sum `values` over the comparison units less each set and its ring.

    A member that is no comparison unit (the programme's own treated units) has nothing to be taken off.
    Shapes as in `member_sum`.
    """
    return split_sums(values, comparison, sets)[1]


def split_sums(values: Floats, comparison: Mask, sets: PlaceboSets) -> tuple[Floats, Floats]:
    """`member_sum` over each set's members, and `comparison_sum`, with every unit gathered once.

    Parameters
    ----------
    values : float array, shape (units,) or (units, columns)
    comparison : bool array, shape (units,)
    sets : PlaceboSets

    Returns
    -------
    members, rest : float array, shape (sets,) or (sets, columns)
    """
    everything = values.sum(axis=0, where=comparison.reshape(-1, *[1] * (values.ndim - 1)))
    members = member_sum(values, sets.members)
    inside, ring = (_within(comparison, index) for index in (sets.members, sets.ring))
    taken_off = members if inside is sets.members else member_sum(values, inside)
    return members, np.asarray(everything - taken_off - member_sum(values, ring))


def _within(units: Mask, index: Index) -> Index:
    """Positions with padding in place of those outside `units`."""
    kept = np.append(units, True)[index]  # padding may stay
    return index if kept.all() else np.where(kept, index, len(units))


def group_sizes(comparison: Mask, sets: PlaceboSets) -> tuple[Index, Index]:
    """Number of units in each set and in its comparison, both of shape (sets,)."""
    left = comparison_sum(np.ones(len(comparison)), comparison, sets)
    return _set_sizes(len(comparison), sets), np.rint(left).astype(np.int64)


def _set_sizes(units: int, sets: PlaceboSets) -> Index:
    return np.asarray((sets.members < units).sum(axis=1), dtype=np.int64)  # a row may be padded


def group_totals(pre: Floats, post: Floats, comparison: Mask, sets: PlaceboSets) -> GroupTotals:
    """The four totals of a difference in differences, for every set at once.

    Parameters
    ----------
    pre, post : float array, shape (units,)
        Total count of each unit before and after.
    comparison : bool array, shape (units,)
    sets : PlaceboSets
        Members count as treated; members and ring are taken off the comparison.
    """
    members, rest = split_sums(np.stack([pre, post, np.ones(len(pre))], axis=1), comparison, sets)
    return GroupTotals(
        t0=members[:, 0],
        t1=members[:, 1],
        c0=rest[:, 0],
        c1=rest[:, 1],
        treated=_set_sizes(len(comparison), sets),
        comparison=np.rint(rest[:, 2]).astype(np.int64),
    )


def log_ratio(totals: GroupTotals) -> Floats:
    """Log ratio of ratios ``ln(T1/T0) - ln(C1/C0)``, NaN where a total is zero; shape (sets,).

    The two-way fixed-effects Poisson estimate of one start with no covariates, on a balanced panel whose
    exposure does not change over time, is exactly this.
    """
    t0, t1, c0, c1 = (_positive(x) for x in (totals.t0, totals.t1, totals.c0, totals.c1))
    return np.asarray(np.log(t1) - np.log(t0) - np.log(c1) + np.log(c0))


def log_ratio_variance(pre: Floats, post: Floats, comparison: Mask, sets: PlaceboSets, totals: GroupTotals) -> Floats:
    """Cluster-robust variance (CR0, by unit) of `log_ratio`, shape (sets,).

    ``sum over T of (y1/T1 - y0/T0)^2 + sum over C of (y1/C1 - y0/C0)^2`` with a unit's totals y0 and y1:
    the sandwich of the two-way fixed-effects Poisson model, whose score by unit this is.
    """
    t0, t1, c0, c1 = (_positive(x) for x in (totals.t0, totals.t1, totals.c0, totals.c1))
    members, rest = split_sums(_moments(pre, post), comparison, sets)
    return _spread(members, t0, t1) + _spread(rest, c0, c1)


def expected_variance(totals: GroupTotals) -> Floats:
    """``1/T0 + 1/T1 + 1/C0 + 1/C1`` with T1 as expected without an effect, ``T0 C1 / C0``; shape (sets,).

    The Poisson variance of the log ratio of ratios; the expected T1 keeps it free of the effect under test.
    """
    t0, c0, c1 = (_positive(x) for x in (totals.t0, totals.c0, totals.c1))
    return np.asarray(1 / t0 + c0 / (t0 * c1) + 1 / c0 + 1 / c1)


def post_variance(totals: GroupTotals) -> Floats:
    """The part ``1/T1`` of `expected_variance`, with T1 as expected without an effect; shape (sets,)."""
    t0, c0, c1 = (_positive(x) for x in (totals.t0, totals.c0, totals.c1))
    return np.asarray(c0 / (t0 * c1))


def mean_difference(change: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """Mean change of each set less the mean change of its comparison, shape (sets,).

    Parameters
    ----------
    change : float array, shape (units,)
        Mean after less mean before of each unit.
    """
    treated, left = group_sizes(comparison, sets)
    size = _positive(left.astype(float))
    return np.asarray(member_sum(change, sets.members) / treated - comparison_sum(change, comparison, sets) / size)


def mean_difference_variance(change: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """Cluster-robust variance (CR0, by unit) of `mean_difference`, shape (sets,).

    ``sum over each group of (d_i - mean d)^2 / n^2``: the sandwich of the linear model with unit and month
    effects on a balanced panel.
    """
    treated, left = group_sizes(comparison, sets)
    centred = change - change[comparison].mean()
    members, rest = split_sums(np.stack([centred, centred * centred], axis=1), comparison, sets)
    return _mean_variance(members, treated) + _mean_variance(rest, left)


def t_interval(effect: Floats, std_error: Floats, df: Floats | float) -> tuple[Floats, Floats, Floats]:
    """Ends of the 95 % interval and two-sided p-value against Student's t with `df` degrees of freedom."""
    half = special.stdtrit(df, 0.975) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * special.stdtr(df, -np.abs(effect / std_error))
    return effect - half, effect + half, np.asarray(p_value)


def pearson_dispersion(counts: Floats) -> float:
    """Pearson chi-square over its degrees of freedom of a units x months table against row x column.

    1 for Poisson counts with unit and month effects, above 1 for overdispersed ones; NaN with fewer than
    two units or months that have any count.

    Parameters
    ----------
    counts : float array, shape (units, months)
    """
    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    if df <= 0:
        return float("nan")
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum() / df)


def _positive(values: Floats) -> Floats:
    """Values with NaN in place of anything not above zero, so that logs and quotients stay silent."""
    return np.where(values > 0, values, np.nan)


def _moments(pre: Floats, post: Floats) -> Floats:
    """Squares and products of each unit's totals, shape (units, 3)."""
    return np.stack([pre * pre, pre * post, post * post], axis=1)


def _spread(moments: Floats, before: Floats, after: Floats) -> Floats:
    """``sum (y1/after - y0/before)^2`` from sums of squares and products; never below zero by rounding."""
    m00, m01, m11 = moments.T
    total: Floats = m00 / before**2 - 2 * m01 / (before * after) + m11 / after**2
    return np.maximum(total, 0.0)


def _mean_variance(sums: Floats, size: Index) -> Floats:
    n = _positive(size.astype(float))
    return np.maximum(sums[:, 1] - sums[:, 0] ** 2 / n, 0.0) / n**2


def bin_columns(event_time: Index, bins: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """First column of each bin's months and the one after its last, event times being in order.

    Parameters
    ----------
    event_time : int array, shape (months,)
    bins : sequence of (first, last)
        Event times, both included; every bin holds a month.
    """
    first = np.searchsorted(event_time, [a for a, _ in bins], side="left")
    last = np.searchsorted(event_time, [b for _, b in bins], side="right")
    return list(zip(first.tolist(), last.tolist(), strict=True))


def bin_sums(values: Counts | Floats, columns: Sequence[tuple[int, int]]) -> Floats:
    """Sum `values` (units, months) over each range of `bin_columns`, in order; shape (units, bins).

    Columns of no range count nowhere. Whole counts are added as whole numbers.
    """
    if len(columns) == values.shape[1]:  # a bin for every month
        return values.astype(np.float64)
    start, end = columns[0][0], columns[-1][1]
    edges = sorted({edge - start for pair in columns for edge in pair if edge < end})
    begins = [edges.index(first - start) for first, _ in columns]
    sums: Floats = np.add.reduceat(values[:, start:end], edges, axis=1)[:, begins].astype(np.float64)
    return sums


def bin_spread(
    counts: Counts, columns: Sequence[tuple[int, int]], units: Mask, base: Floats, scale: Floats, centre: Floats
) -> Floats:
    """``sum over units of (y_b scale_b - base - centre_b)^2`` for every bin b at once, shape (bins,).

    Blocks of units are turned into floats one after another, so that the panel is never copied.

    Parameters
    ----------
    counts : int array, shape (units, months)
    columns : as `bin_columns` gives them
    units : bool array, shape (units,)
    base : float array, shape (units,)
        What each unit's bins are measured against.
    scale, centre : float array, shape (bins,)
    """
    total, which = np.zeros(len(columns)), np.flatnonzero(units)
    for first in range(0, len(which), BLOCK):
        rows = which[first : first + BLOCK]
        change = bin_sums(counts[rows], columns)
        change *= scale
        change -= base[rows, None]
        change -= centre
        change *= change
        total += change.sum(axis=0)
    return total


def log_ratio_columns(base: Floats, values: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """`log_ratio` of each column of `values` (units, columns) against `base` (units,); shape (sets, columns)."""
    members, rest = split_sums(np.column_stack([base, values]), comparison, sets)
    change = np.log(_positive(members)) - np.log(_positive(rest))
    return np.asarray(change[:, 1:] - change[:, :1])


def mean_difference_columns(base: Floats, values: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """`mean_difference` of each column of `values` (units, columns) less `base` (units,); shape (sets, columns)."""
    treated, left = group_sizes(comparison, sets)
    members, rest = split_sums(values - base[:, None], comparison, sets)
    return np.asarray(members / treated[:, None] - rest / _positive(left.astype(float))[:, None])

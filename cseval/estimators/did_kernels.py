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

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


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
    for column in index.T:
        total += padded[column]
    return total


def comparison_sum(values: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """Sum `values` over the comparison units less each set and its ring.

    A member that is no comparison unit (the programme's own treated units) has nothing to be taken off.
    Shapes as in `member_sum`.
    """
    keep = comparison.reshape(-1, *[1] * (values.ndim - 1))
    inside = np.where(keep, values, 0.0)
    return np.asarray(inside.sum(axis=0) - member_sum(inside, sets.members) - member_sum(inside, sets.ring))


def group_sizes(comparison: Mask, sets: PlaceboSets) -> tuple[Index, Index]:
    """Number of units in each set and in its comparison, both of shape (sets,)."""
    left = comparison_sum(np.ones(len(comparison)), comparison, sets)
    treated = (sets.members < len(comparison)).sum(axis=1)  # a row may be padded
    return np.asarray(treated, dtype=np.int64), np.rint(left).astype(np.int64)


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
    treated, left = group_sizes(comparison, sets)
    return GroupTotals(
        t0=member_sum(pre, sets.members),
        t1=member_sum(post, sets.members),
        c0=comparison_sum(pre, comparison, sets),
        c1=comparison_sum(post, comparison, sets),
        treated=treated,
        comparison=left,
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
    treated = _spread([member_sum(x, sets.members) for x in _moments(pre, post)], t0, t1)
    rest = _spread([comparison_sum(x, comparison, sets) for x in _moments(pre, post)], c0, c1)
    return treated + rest


def expected_variance(totals: GroupTotals) -> Floats:
    """``1/T0 + 1/T1 + 1/C0 + 1/C1`` with T1 as expected without an effect, ``T0 C1 / C0``; shape (sets,).

    The Poisson variance of the log ratio of ratios; the expected T1 keeps it free of the effect under test.
    """
    t0, c0, c1 = (_positive(x) for x in (totals.t0, totals.c0, totals.c1))
    return np.asarray(1 / t0 + c0 / (t0 * c1) + 1 / c0 + 1 / c1)


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
    first = [member_sum(centred**p, sets.members) for p in (1, 2)]
    second = [comparison_sum(centred**p, comparison, sets) for p in (1, 2)]
    return _mean_variance(first, treated) + _mean_variance(second, left)


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


def _moments(pre: Floats, post: Floats) -> tuple[Floats, Floats, Floats]:
    return pre * pre, pre * post, post * post


def _spread(moments: list[Floats], before: Floats, after: Floats) -> Floats:
    """``sum (y1/after - y0/before)^2`` from sums of squares and products; never below zero by rounding."""
    m00, m01, m11 = moments
    total = m00 / before**2 - 2 * m01 / (before * after) + m11 / after**2
    return np.maximum(total, 0.0)


def _mean_variance(sums: list[Floats], size: Index) -> Floats:
    n = _positive(size.astype(float))
    return np.maximum(sums[1] - sums[0] ** 2 / n, 0.0) / n**2


def bin_sums(values: Floats, event_time: Index, bins: Sequence[tuple[int, int]]) -> Floats:
    """Sum `values` (units, months) over the months of each bin of event time; shape (units, bins).

    Parameters
    ----------
    bins : sequence of (first, last)
        Both ends included; months of no bin count nowhere.
    """
    inside = np.array([(event_time >= first) & (event_time <= last) for first, last in bins], dtype=float)
    return np.asarray(values @ inside.T)


def log_ratio_columns(base: Floats, values: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """`log_ratio` of each column of `values` (units, columns) against `base` (units,); shape (sets, columns)."""
    stacked = np.column_stack([base, values])
    treated = np.log(_positive(member_sum(stacked, sets.members)))
    rest = np.log(_positive(comparison_sum(stacked, comparison, sets)))
    change = treated - rest
    return np.asarray(change[:, 1:] - change[:, :1])


def mean_difference_columns(base: Floats, values: Floats, comparison: Mask, sets: PlaceboSets) -> Floats:
    """`mean_difference` of each column of `values` (units, columns) less `base` (units,); shape (sets, columns)."""
    treated, left = group_sizes(comparison, sets)
    change = values - base[:, None]
    size = _positive(left.astype(float))[:, None]
    rest = comparison_sum(change, comparison, sets) / size
    return np.asarray(member_sum(change, sets.members) / treated[:, None] - rest)

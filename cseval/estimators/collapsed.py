"""A difference in differences collapsed to one number a unit, and sums of a panel without a copy of it.

With one start on a balanced panel both models depend on a unit through its totals before and after only. What is
left is a comparison of two weighted means: of the units' changes (linear), or of the share of a unit's incidents
that fall in the post period, on the logit scale (Poisson, conditional on the units' totals).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import special

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: A log odds ratio beyond this is as good as infinite.
MOST = 200.0

#: Rows of a panel that are turned into floats at once.
ROWS = 2048


class Link(Protocol):
    """How the effect depends on the mean of a group."""

    def slope(self, ratio: Floats) -> Floats:
        """Derivative of a group's mean in its effect; the information of a group is its mass times this."""
        ...

    def effect(self, treated: Floats, comparison: Floats) -> Floats:
        """Effect of two group means."""
        ...

    def restricted(self, total: Floats, treated: Floats, comparison: Floats, effect: Floats) -> tuple[Floats, Floats]:
        """Means of treated and comparison that fit best where the effect is given.

        Parameters
        ----------
        total : float array
            Sum of the values of both groups.
        treated, comparison : float array
            Mass of each group.
        effect : float array
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Effects are differences of means."""

    def slope(self, ratio: Floats) -> Floats:
        """One."""
        return np.ones_like(ratio)

    def effect(self, treated: Floats, comparison: Floats) -> Floats:
        """Difference of the two means."""
        return treated - comparison

    def restricted(self, total: Floats, treated: Floats, comparison: Floats, effect: Floats) -> tuple[Floats, Floats]:
        """Least squares with the difference given."""
        rest = (total - effect * treated) / (treated + comparison)
        return rest + effect, rest


@dataclass(frozen=True, kw_only=True)
class Logit:
    """Effects are log odds ratios."""

    def slope(self, ratio: Floats) -> Floats:
        """``p (1 - p)``."""
        return ratio * (1 - ratio)

    def effect(self, treated: Floats, comparison: Floats) -> Floats:
        """Difference of the two logits."""
        return np.asarray(special.logit(treated) - special.logit(comparison))

    def restricted(self, total: Floats, treated: Floats, comparison: Floats, effect: Floats) -> tuple[Floats, Floats]:
        """Maximum likelihood with the log odds ratio given.

        With odds x in the comparison, ``treated k x / (1 + k x) + comparison x / (1 + x) = total`` for
        ``k = exp(effect)``: a quadratic with one positive root.
        """
        k = np.exp(np.clip(effect, -MOST, MOST))
        a = k * (treated + comparison - total)
        b = treated * k + comparison - total * (1 + k)
        larger = (np.abs(b) + np.sqrt(b * b + 4 * a * total)) / 2  # no difference of like numbers in either root
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.where(b > 0, total / larger, larger / a)
            return k * odds / (1 + k * odds), odds / (1 + odds)


@dataclass(frozen=True, kw_only=True, eq=False)
class Collapsed:
    """A design as a comparison of weighted means, for one or many sets.

    The mean of a group is ``r = sum value / sum mass``, the score of a unit ``s_i = value_i - r mass_i``, its
    leverage ``h_i = mass_i / sum mass``, and its contribution to the effect ``s_i / (slope(r) sum mass)``.

    Parameters
    ----------
    value, mass : float array, shape (units,)
        Linear: change of the mean and 1. Poisson: incidents after, and before and after.
    link : Link
    factor : float array, shape (sets,)
        What one unit of the link's effect stands for on the estimation scale.
    """

    value: Floats
    mass: Floats
    link: Link
    factor: Floats


def pre_columns(post: Mask) -> int:
    """Number of pre months, which come first."""
    return int(np.argmax(post))


def month_totals(counts: Counts, rows: Mask) -> Floats:
    """Total of `rows` in each month without a copy of the larger part of the panel.

    Parameters
    ----------
    counts : int array, shape (units, months)
    rows : bool array, shape (units,)

    Returns
    -------
    float array, shape (months,).
    """
    if 2 * int(rows.sum()) <= len(rows):
        return np.asarray(counts[rows].sum(axis=0), dtype=np.float64)
    return np.asarray(counts.sum(axis=0) - counts[~rows].sum(axis=0), dtype=np.float64)


def table_dispersion(counts: Counts, rows: Mask) -> float:
    """Pearson chi-square over its degrees of freedom of the `rows` of a units x months table against row x column.

    ``X2 = N (sum y^2 / (r_i c_t) - 1)`` with row sums r, column sums c and total N, over ``(rows - 1)(columns - 1)``
    of the rows and columns that have any count: `did_kernels.pearson_dispersion` without its copies.

    Parameters
    ----------
    counts : int array, shape (units, months)
        A view is enough; a block of rows is copied at a time.
    rows : bool array, shape (units,)
    """
    by_row = np.where(rows, counts.sum(axis=1), 0).astype(np.float64)
    by_column = month_totals(counts, rows)
    df = (np.count_nonzero(by_row) - 1) * (np.count_nonzero(by_column) - 1)
    if df <= 0:
        return float("nan")
    inverse = _inverse(by_column)
    share = np.concatenate([_squares(counts[i : i + ROWS]) @ inverse for i in range(0, len(counts), ROWS)])
    total = by_row.sum()
    return float(total * (share @ _inverse(by_row) - 1) / df)


def _squares(block: Counts) -> Floats:
    values = block.astype(np.float64)
    values *= values
    return values


def _inverse(values: Floats) -> Floats:
    """One over the values that are above zero, else zero."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)

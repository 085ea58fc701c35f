"""Poisson dose-response with unit and month effects as a logit on totals by dose level, for one set or many.

With the dose the same in all treated units, nothing in the comparison, and no covariates, the model

    y_it ~ Poisson(exp(a_i + g_t + b d_t D_i))

has as sufficient statistics for b the monthly totals T_t of the treated and C_t of the comparison units. Given b, the
scores of a_i say that each unit keeps its own total, which is met by unit totals in any proportion to those of their
group; what is left of the likelihood is that of two rows, ``T_t ~ Poisson(A exp(g_t + b d_t))`` and ``C_t ~
Poisson(B exp(g_t))``, and the scores of g_t make it conditional on ``N_t = T_t + C_t``:

    T_t ~ Binomial(N_t, p_t),    logit p_t = a + b d_t,    a = log(A / B).

Months of one dose share p_t, so totals by level of the dose are enough. The maximum over b is the same as that of the
full model (profile likelihood), and so is the cluster-robust variance: a unit's score is

    s_i = sum_t x_t (y_it - mu_it),    x_t = (1 - p_t)(d_t - u) in treated, -p_t (d_t - u) in comparison units,

with u the mean of d weighted by ``w_t = N_t p_t (1 - p_t)``: the dose less its fitted unit and month effects, by the
Frisch-Waugh-Lovell theorem for the weights mu. The variance is ``sum s_i^2 / (sum_t w_t (d_t - u)^2)^2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.estimators.did_kernels import group_sizes, split_sums

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets

    Counts = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

ITERATIONS = 60
TOLERANCE = 1e-12
#: A slope times the largest dose beyond this is as good as infinite.
MOST = 50.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LevelTotals:
    """Totals of each set and of its comparison at each level of the dose, shape (sets, levels).

    Parameters
    ----------
    treated, comparison : float array, shape (sets, levels)
    dose : float array, shape (levels,)
        On the scale on which it enters the model. Level 0 is the pre period, without a dose; the others are the doses
        of post months, which may be 0 too.
    """

    treated: Floats
    comparison: Floats
    dose: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class DoseFit:
    """Logits of many sets, each array of shape (sets,); NaN where a set cannot be fitted.

    Parameters
    ----------
    intercept, slope : float array, shape (sets,)
    """

    intercept: Floats
    slope: Floats


def level_sums(counts: Counts | Floats, level: Index, levels: int) -> Floats:
    """Sum of each unit's months at each level, shape (units, levels).

    Parameters
    ----------
    counts : array, shape (units, months)
    level : int array, shape (months,)
        Level of each month.
    """
    months = np.zeros((counts.shape[1], levels))
    months[np.arange(counts.shape[1]), level] = 1.0
    return np.asarray(counts @ months, dtype=np.float64)


def level_totals(by_level: Floats, dose: Floats, comparison: Mask, sets: PlaceboSets) -> LevelTotals:
    """Totals of each set and of its comparison by level.

    Parameters
    ----------
    by_level : float array, shape (units, levels)
    """
    treated, rest = split_sums(by_level, comparison, sets)
    return LevelTotals(treated=treated, comparison=rest, dose=dose)


def fit_logits(totals: LevelTotals) -> DoseFit:
    """Maximum likelihood of every set by Newton's method in two parameters, halving steps that go too far.

    NaN where treated or comparison have nothing without a dose or nothing with one, so that no maximum exists.
    """
    top = float(np.abs(totals.dose).max()) or 1.0
    dose, number, usable = totals.dose / top, totals.treated + totals.comparison, _estimable(totals)
    start = np.log(np.where(usable, totals.treated.sum(1), 1.0) / np.where(usable, totals.comparison.sum(1), 1.0))
    a, b = start, np.zeros_like(start)
    for _ in range(ITERATIONS):
        step = _newton(a, b, totals.treated, number, dose)
        a, b = a + step[0], b + step[1]
        if (np.abs(step)[:, usable] <= TOLERANCE).all():
            break
    settled = usable & (np.abs(step).max(axis=0) <= 1e-7) & (np.abs(b) < MOST)
    return DoseFit(intercept=np.where(settled, a, np.nan), slope=np.where(settled, b, np.nan) / top)


def _estimable(totals: LevelTotals) -> Mask:
    dosed = totals.dose != 0
    parts = [t[:, which].sum(axis=1) > 0 for t in (totals.treated, totals.comparison) for which in (dosed, ~dosed)]
    return np.asarray(np.logical_and.reduce(parts))


def _newton(a: Floats, b: Floats, treated: Floats, number: Floats, dose: Floats) -> Floats:
    """One step of both parameters, at most 2 in size; shape (2, sets)."""
    p = _shares(a, b, dose)
    left, weight = treated - number * p, number * p * (1 - p)
    h0, h1, h2 = (weight @ dose**k for k in range(3))
    g0, g1 = left.sum(axis=1), left @ dose
    determinant = np.maximum(h0 * h2 - h1 * h1, 1e-300)
    step = np.stack([h2 * g0 - h1 * g1, h0 * g1 - h1 * g0]) / determinant
    return np.asarray(np.clip(step, -2.0, 2.0))


def _shares(a: Floats, b: Floats, dose: Floats) -> Floats:
    """Share of the treated in a month's incidents at each level, shape (sets, levels)."""
    from scipy import special

    return np.asarray(special.expit(a[:, None] + b[:, None] * dose))


def total_effect(totals: LevelTotals, fit: DoseFit) -> tuple[Floats, Floats]:
    """Log of what is expected after the start over the same without the dose, and its slope in ``b``.

    Returns
    -------
    effect, slope : float array, shape (sets,)

    Notes
    -----
    Without the dose ``m_l = N_l (1 - p_l) exp(a)`` incidents are expected at level l, with it ``m_l exp(b d_l)``. The
    mix of months m is taken as given, so the slope is the mean dose weighted by what is expected with it.
    """
    number = (totals.treated + totals.comparison)[:, 1:]
    without = number * (1 - _shares(fit.intercept, fit.slope, totals.dose)[:, 1:])
    with_it = without * np.exp(fit.slope[:, None] * totals.dose[1:])
    total = np.where(np.isfinite(fit.slope), with_it.sum(axis=1), np.nan)
    return np.log(total / without.sum(axis=1)), np.asarray((with_it @ totals.dose[1:]) / total)


def slope_errors(by_level: Floats, totals: LevelTotals, fit: DoseFit, comparison: Mask, sets: PlaceboSets) -> Floats:
    """Cluster-robust standard error (CR1, by unit) of each slope, shape (sets,).

    Parameters
    ----------
    by_level : float array, shape (units, levels)
    """
    p = _shares(fit.intercept, fit.slope, totals.dose)
    number = totals.treated + totals.comparison
    weight = number * p * (1 - p)
    away = totals.dose - (weight @ totals.dose / weight.sum(axis=1))[:, None]
    information = (weight * away**2).sum(axis=1)
    products = (by_level[:, :, None] * by_level[:, None, :]).reshape(len(by_level), -1)
    squares = split_sums(products, comparison, sets)
    treated = _score_squares((1 - p) * away, number * p, squares[0])
    rest = _score_squares(-p * away, number * (1 - p), squares[1])
    clusters = np.add(*group_sizes(comparison, sets)).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((treated + rest) * clusters / (clusters - 1)) / information)


def _score_squares(direction: Floats, expected: Floats, products: Floats) -> Floats:
    """``sum_i s_i^2`` of a group: ``s_i = x'y_i - (n_i / n) x'M``, n_i being the unit's own total and n the group's.

    Parameters
    ----------
    direction, expected : float array, shape (sets, levels)
        x, and the group's expected totals M.
    products : float array, shape (sets, levels * levels)
        Sum over units of the products of their counts.
    """
    levels = direction.shape[1]
    whole = products.reshape(-1, levels, levels)
    common: Floats = (direction * expected).sum(axis=1) / expected.sum(axis=1)
    centred = direction - common[:, None]
    found = np.einsum("sk,skl,sl->s", centred, whole, centred)
    return np.asarray(np.maximum(found, 0.0))


def expected_terms(totals: LevelTotals) -> tuple[Floats, Floats]:
    """Poisson variance of the effect where there is none, and the part of it from the set's own count after.

    Returns
    -------
    variance, after : float array, shape (sets,)

    Notes
    -----
    The set's counts after are taken as expected: its share p of the pre period times what its comparison had. The
    variance of b is then ``1 / (p (1 - p) sum N_l (d_l - mean)^2)``, and the effect is b times the mean dose after.
    With one dose it is ``1/T0 + 1/E(T1) + 1/C0 + 1/C1`` and the part from after is ``1/E(T1)``; with several the part
    is that of one dose with the same totals.
    """
    before: Floats = totals.treated[:, 0] + totals.comparison[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = totals.treated[:, 0] / before
        number = totals.comparison / (1 - p)[:, None]
        mean = (number @ totals.dose / number.sum(axis=1))[:, None]
        spread = (number * (totals.dose - mean) ** 2).sum(axis=1)
        after = number[:, 1:].sum(axis=1)
        unit = (number[:, 1:] @ totals.dose[1:] / after) ** 2 / spread
        variance, own = unit / (p * (1 - p)), unit / p * before / (before + after)
    usable = np.isfinite(variance)
    return np.where(usable, variance, np.nan), np.where(usable, own, np.nan)


def saturated_effects(totals: LevelTotals) -> Floats:
    """Log ratio of ratios of each level against the pre period, without a line through them; shape (sets, levels)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(totals.treated / totals.comparison)
        change = odds - odds[:, :1]
    return np.where(np.isfinite(change), change, np.nan)

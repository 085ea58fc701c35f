"""Residuals of one series against its comparison under a given effect, their shifts, and the effects not rejected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.estimators.did_kernels import comparison_sum, group_sizes, member_sum

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

    #: Takes effects of shape (n,), gives their p-values.
    Test = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Months of each set and of its comparison.

    Parameters
    ----------
    treated, rest : float array, shape (sets, months)
        Counts in the set and in its comparison.
    units, rest_units : float array, shape (sets, 1)
        Number of units in each.
    post : bool array, shape (months,)
    """

    treated: Floats
    rest: Floats
    units: Floats
    rest_units: Floats
    post: Mask


def series_of(counts: Index, post: Mask, comparison: Mask, sets: PlaceboSets) -> Series:
    """Each set's series, and that of the comparison units outside the set and its ring."""
    values = counts.astype(float)
    treated, left = group_sizes(comparison, sets)
    return Series(
        treated=member_sum(values, sets.members),
        rest=comparison_sum(values, comparison, sets),
        units=treated[:, None].astype(float),
        rest_units=left[:, None].astype(float),
        post=post,
    )


def ratio_effect(series: Series) -> Floats:
    """Log ratio of ratios of each series, shape (sets,); NaN where a total is zero."""
    totals = [x[:, when].sum(axis=1) for x in (series.treated, series.rest) for when in (series.post, ~series.post)]
    t1, t0, c1, c0 = (np.log(np.where(x > 0, x, np.nan)) for x in totals)
    return np.asarray(t1 - t0 - c1 + c0)


def difference_effect(series: Series) -> Floats:
    """Difference in differences of mean counts per unit and month, shape (sets,)."""
    gap = _gap(series)
    return np.asarray(gap[:, series.post].mean(axis=1) - gap[:, ~series.post].mean(axis=1))


def ratio_residuals(series: Series, effect: Floats) -> Floats:
    """Pearson residuals ``(y_t - m_t) / sqrt(m_t)`` with the effect taken off the months after the start.

    ``y_t`` is the set's count, after the start divided by ``exp(effect)``; ``m_t = c_t sum(y) / sum(c)`` over all
    months with the comparison's count ``c_t``. NaN where a month of the comparison, or the set, has no incident.

    Parameters
    ----------
    effect : float array, shape (sets,) or, for one series, (effects,)

    Returns
    -------
    float array, shape (sets or effects, months)
    """
    y = series.treated * np.where(series.post, np.exp(-effect)[:, None], 1.0)
    expected = series.rest * (y.sum(axis=1, keepdims=True) / series.rest.sum(axis=1, keepdims=True))
    root = np.sqrt(np.where(expected > 0, expected, np.nan))
    return np.asarray((y - expected) / root)


def difference_residuals(series: Series, effect: Floats) -> Floats:
    """Gap between mean counts per unit, the effect taken off the months after the start, less its mean.

    Shapes as in `ratio_residuals`.
    """
    gap = _gap(series) - np.where(series.post, effect[:, None], 0.0)
    return np.asarray(gap - gap.mean(axis=1, keepdims=True))


def _gap(series: Series) -> Floats:
    return np.asarray(series.treated / series.units - series.rest / series.rest_units)


def cyclic_windows(post: Mask) -> Floats:
    """The months after the start, moved round the circle of months one by one; shape (months, months), itself first."""
    months = np.arange(len(post))
    return np.asarray(post[(months[None, :] + months[:, None]) % len(post)], dtype=float)


def random_windows(post: Mask, draws: int, rng: np.random.Generator) -> Floats:
    """As many months as lie after the start, drawn at random; shape (1 + draws, months), those after it first."""
    drawn = rng.permuted(np.tile(post, (draws, 1)), axis=1)
    return np.concatenate([post[None, :], drawn]).astype(float)


def shift_p(statistics: Floats) -> Floats:
    """Share of windows whose statistic reaches that of the first, which is the observed one; shape (rows,).

    Parameters
    ----------
    statistics : float array, shape (rows, windows)

    Returns
    -------
    float array
        NaN where the observed statistic is.
    """
    own = statistics[:, :1]
    p: Floats = (statistics >= own * (1 - 1e-12)).mean(axis=1)
    return np.where(np.isfinite(own[:, 0]), p, np.nan)


#: Points on each side of the centre among which the outermost effect that is not rejected is looked for.
POINTS = 512


def not_rejected(test: Test, centre: float, step: float, limit: float, level: float = 0.05) -> tuple[float, float]:
    """Ends of the smallest interval that holds every effect whose p-value exceeds `level`.

    On each side, the reach is doubled until nothing between it and its double is accepted; the outermost accepted
    point of a grid within it is then moved outwards by bisection.

    Parameters
    ----------
    test : callable
    centre : float
        Where the search starts.
    step : float
        First reach; above 0.
    limit : float
        Reach beyond which the interval is taken to have no end.

    Returns
    -------
    (float, float)
        Exact to 1e-5 of the reach; infinite on a side that has no end, NaN both where no effect is accepted.
    """
    reaches = [_reach(test, centre, side * step, limit, level) for side in (-1, 1)]
    inside = np.concatenate([np.linspace(centre, centre + (r if np.isfinite(r) else 0), POINTS) for r in reaches])
    accepted = inside[test(inside) > level]
    if not len(accepted):
        return (np.nan, np.nan)
    ends = (accepted.min(), accepted.max())
    low, high = (
        _edge(test, end, abs(reach) / (POINTS - 1) * side, level) if np.isfinite(reach) else reach
        for end, reach, side in zip(ends, reaches, (-1, 1), strict=True)
    )
    return float(low), float(high)


def _reach(test: Test, centre: float, step: float, limit: float, level: float) -> float:
    """Signed distance from the centre beyond which, up to its double, no effect is accepted; else infinite."""
    while abs(step) <= limit:
        if not (test(centre + np.linspace(step, 2 * step, 64)) > level).any():
            return step
        step *= 2
    return float(np.copysign(np.inf, step))


def _edge(test: Test, accepted: float, gap: float, level: float, tolerance: float = 1e-5) -> float:
    """The last accepted effect between an accepted point and the rejected one `gap` beyond it."""
    inside, outside = accepted, accepted + gap
    while abs(outside - inside) > tolerance:
        middle = (inside + outside) / 2
        if test(np.array([middle]))[0] > level:
            inside = middle
        else:
            outside = middle
    return float(inside)

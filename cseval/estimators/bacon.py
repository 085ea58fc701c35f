"""Goodman-Bacon's decomposition of the two-way fixed-effects estimate into comparisons of two groups at two times.

Goodman-Bacon (2021), "Difference-in-differences with variation in treatment timing", Journal of Econometrics 225(2),
theorem 1. With one regressor ``D_it`` and unit and period effects on a balanced panel, the least-squares coefficient is
a weighted mean of all comparisons of a group that begins with one that does not begin then. Those that compare a later
group with an earlier one, after the earlier one's start, subtract what the programme has done to the earlier one since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.sun_abraham_kernels import cluster_factor

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

EARLY_LATE = "earlier against later"
LATE_EARLY = "later against earlier"
UNTREATED = "treated against untreated"
LATE_ALWAYS = "later against always treated"
KINDS = (EARLY_LATE, LATE_EARLY, UNTREATED, LATE_ALWAYS)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One comparison: which group begins, against which, its weight and what it finds.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    treated, control : int
        First post period of each group; the number of periods for a group that never begins.
    weight, effect : float
    """

    kind: str
    treated: int
    control: int
    weight: float
    effect: float


def two_way(values: Floats, first: Index) -> tuple[float, float]:
    """Two-way fixed-effects estimate of one effect after the start, and its standard error by unit.

    Parameters
    ----------
    values : float array, shape (units, periods)
    first : int array, shape (units,)
        First post period of each unit; the number of periods, or more, for units that never begin.

    Raises
    ------
    EstimationError
        If treatment does not vary between units over time.
    """
    units, periods = values.shape
    switch = (np.arange(periods) >= first[:, None]).astype(float)
    inner, outcome = _within(switch), _within(values)
    size = float((inner**2).sum())
    if size < 1e-12:
        raise EstimationError("no unit begins while another does not", where="two-way fixed effects")
    effect = float((inner * outcome).sum()) / size
    score = (inner * (outcome - effect * inner)).sum(axis=1)
    factor = cluster_factor(units, units * periods, 1 + periods)
    return effect, float(np.sqrt(factor * (score**2).sum())) / size


def _within(values: Floats) -> Floats:
    """Values less their unit and period means."""
    return np.asarray(values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean())


def decompose(values: Floats, first: Index) -> tuple[Comparison, ...]:
    """Every comparison of the two-way estimate; weights add to 1 and the weighted effects to `two_way`.

    Parameters as in `two_way`; units whose first period is post are always treated.

    Raises
    ------
    EstimationError
        If treatment does not vary between units over time.
    """
    periods = values.shape[1]
    start = np.clip(first, 0, periods)
    groups = np.unique(start)
    share = {g: float((start == g).mean()) for g in groups.tolist()}
    mean = {g: values[start == g].mean(axis=0) for g in groups.tolist()}
    found = [
        _compare(k, j, share, mean, periods)
        for k in groups.tolist()
        for j in groups.tolist()
        if k != j and 0 < k < periods
    ]
    total = sum(c.weight for c in found)
    if not total:
        raise EstimationError("no unit begins while another does not", where="decomposition")
    return tuple(
        Comparison(kind=c.kind, treated=c.treated, control=c.control, weight=c.weight / total, effect=c.effect)
        for c in found
    )


def _compare(k: int, j: int, share: dict[int, float], mean: dict[int, Floats], periods: int) -> Comparison:
    """The comparison of group k, that begins, with group j; its weight not yet over the sum of all."""
    post_k, post_j = 1 - k / periods, 1 - j / periods  # shares of periods after each start
    pair = share[k] + share[j]
    part = share[k] / pair
    if j in (0, periods):  # a group that never begins, or always did
        kind, window = (UNTREATED, (0, periods)) if j == periods else (LATE_ALWAYS, (0, periods))
        weight = pair**2 * part * (1 - part) * post_k * (1 - post_k)
    elif k < j:
        kind, window = EARLY_LATE, (0, j)
        weight = (pair * (1 - post_j)) ** 2 * part * (1 - part)
        weight *= (post_k - post_j) / (1 - post_j) * (1 - post_k) / (1 - post_j)
    else:
        kind, window = LATE_EARLY, (j, periods)
        weight = (pair * post_j) ** 2 * part * (1 - part) * post_k / post_j * (post_j - post_k) / post_j
    return Comparison(kind=kind, treated=k, control=j, weight=weight, effect=_four_means(mean[k] - mean[j], k, window))


def _four_means(difference: Floats, start: int, window: tuple[int, int]) -> float:
    """Mean difference from `start` on less that before it, within the window."""
    return float(difference[start : window[1]].mean() - difference[window[0] : start].mean())


def by_kind(found: tuple[Comparison, ...]) -> dict[str, tuple[float, float]]:
    """Weight and weighted mean effect of each kind of comparison that occurs."""
    out = {}
    for kind in KINDS:
        some = [c for c in found if c.kind == kind]
        weight = sum(c.weight for c in some)
        if some:
            out[kind] = (weight, sum(c.weight * c.effect for c in some) / weight)
    return out

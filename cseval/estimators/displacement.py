"""Displacement and diffusion of benefit from counts before and after: WDD, relative incident rate ratio, WDQ.

Pure functions of counts. A pair is the count before and the count after, of the treated area, of its comparison, of the
buffer around the treated area, and of a comparison for that buffer. Standard errors take counts as Poisson: a
`dispersion` above 1 multiplies variances where counts vary by more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from cseval.errors import EstimationError, UsageError

#: Before and after.
Pair = tuple[float, float]

NOTHING: Pair = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class AreaWeights:
    """Size of each area, in any unit that all share; 1 leaves counts as they are."""

    treated: float = 1.0
    comparison: float = 1.0
    buffer: float = 1.0
    buffer_comparison: float = 1.0


@dataclass(frozen=True, kw_only=True)
class DisplacementDifference:
    """A weighted displacement difference.

    Parameters
    ----------
    estimate, std_error : float
        Incidents per unit of time and area weight; below zero means fewer incidents than the comparisons' changes
        would have brought. The sum of the two parts.
    z, p_value : float
        Against the normal distribution, two-sided.
    conf_low, conf_high : float
    local, local_se : float
        The part of the treated area against its comparison.
    displacement, displacement_se : float
        The part of the buffer against its comparison; above zero points to displacement, below to diffusion of benefit.
    """

    estimate: float
    std_error: float
    z: float
    p_value: float
    conf_low: float
    conf_high: float
    local: float
    local_se: float
    displacement: float
    displacement_se: float


@dataclass(frozen=True, kw_only=True)
class RateRatio:
    """A relative incident rate ratio.

    Parameters
    ----------
    ratio, log_ratio : float
        Below 1 (0): incidents in the treated area fell by more, or rose by less, than in the comparison.
    log_std_error : float
    conf_low, conf_high : float
        Of the ratio.
    p_value : float
        Two-sided, from the logarithm.
    """

    ratio: float
    log_ratio: float
    log_std_error: float
    conf_low: float
    conf_high: float
    p_value: float

    @property
    def direction(self) -> str:
        """The direction in words."""
        size = f"{abs(self.ratio - 1):.1%}"
        if self.ratio < 1:
            return f"{size} fewer incidents in the treated area than the comparison's change would have brought"
        if self.ratio > 1:
            return f"{size} more incidents in the treated area than the comparison's change would have brought"
        return "as many incidents in the treated area as the comparison's change would have brought"


def weighted_displacement_difference(
    treated: Pair,
    comparison: Pair,
    buffer: Pair = NOTHING,
    buffer_comparison: Pair = NOTHING,
    *,
    time_weights: Pair = (1.0, 1.0),
    area_weights: AreaWeights = AreaWeights(),
    dispersion: float = 1.0,
    level: float = 0.95,
) -> DisplacementDifference:
    """Change in the treated area and its buffer less the changes in their comparisons.

    Parameters
    ----------
    treated, comparison, buffer, buffer_comparison : (float, float)
        Counts before and after; a part without areas is left at zero.
    time_weights : (float, float)
        Length of the time before and of the time after: ``(2, 1)`` for two years and one.
    area_weights : AreaWeights
    dispersion : float
        Variance of a count over its mean; 1 is Poisson.
    level : float
        Coverage of the interval.

    Raises
    ------
    UsageError
        If a count is below zero or not finite, or a weight, the dispersion or the level is out of range.
    EstimationError
        If all counts are zero, so that there is no variance.

    Notes
    -----
    With counts divided by their weights, ``(T1 - T0) - (C1 - C0) + (B1 - B0) - (D1 - D0)``, whose variance is the sum
    of ``count / weight^2`` (Wheeler and Ratcliffe 2018, "A simple weighted displacement difference test to evaluate
    place based crime interventions", Crime Science 7:11). B is the buffer, D its comparison.
    """
    pairs = {"treated": treated, "comparison": comparison, "buffer": buffer, "buffer comparison": buffer_comparison}
    require_counts(pairs)
    _require_above_zero(dispersion=dispersion, time_weights=min(time_weights), area_weights=min(_sizes(area_weights)))
    near = _part(treated, comparison, time_weights, (area_weights.treated, area_weights.comparison))
    next_door = _part(buffer, buffer_comparison, time_weights, (area_weights.buffer, area_weights.buffer_comparison))
    return _difference(near, next_door, dispersion, _critical(level))


def relative_incident_rate_ratio(
    treated: Pair, comparison: Pair, *, dispersion: float = 1.0, level: float = 0.95
) -> RateRatio:
    """Ratio of the treated area's change to the comparison's: ``(T1 / T0) / (C1 / C0)``.

    Below 1 is in favour of the programme where incidents are unwelcome. The relative effect size of some reviews is the
    inverse of it.

    Parameters
    ----------
    treated, comparison : (float, float)
        Counts before and after, above zero.
    dispersion : float
        phi, variance of a count over its mean; 1 is Poisson.
    level : float
        Coverage of the interval.

    Raises
    ------
    UsageError
        If a count is below zero or not finite, or the dispersion or the level is out of range.
    EstimationError
        If a count is zero.

    Notes
    -----
    ``ln RIRR = ln(T1 / T0) - ln(C1 / C0)`` with variance ``phi (1 / T0 + 1 / T1 + 1 / C0 + 1 / C1)`` (Wilson 2022, "The
    relative incident rate ratio effect size for count-based impact evaluations", Journal of Quantitative Criminology
    38). The same ratio as `PoissonDiD` finds from these four totals.
    """
    require_counts({"treated": treated, "comparison": comparison})
    _require_above_zero(dispersion=dispersion)
    counts = (*treated, *comparison)
    if min(counts) == 0:
        raise EstimationError("a count is zero", where="relative incident rate ratio", expected="all four above zero")
    log_ratio = math.log(treated[1] / treated[0]) - math.log(comparison[1] / comparison[0])
    error = math.sqrt(dispersion * sum(1 / c for c in counts))
    reach = _critical(level) * error
    return RateRatio(
        ratio=math.exp(log_ratio),
        log_ratio=log_ratio,
        log_std_error=error,
        conf_low=math.exp(log_ratio - reach),
        conf_high=math.exp(log_ratio + reach),
        p_value=_two_sided(log_ratio / error),
    )


def _part(own: Pair, other: Pair, time: Pair, area: Pair) -> tuple[float, float]:
    """Difference of the changes of two areas, and its variance."""
    estimate = _change(own, time, area[0]) - _change(other, time, area[1])
    return estimate, _variance(own, time, area[0]) + _variance(other, time, area[1])


def _change(pair: Pair, time: Pair, area: float) -> float:
    return pair[1] / (time[1] * area) - pair[0] / (time[0] * area)


def _variance(pair: Pair, time: Pair, area: float) -> float:
    return pair[1] / (time[1] * area) ** 2 + pair[0] / (time[0] * area) ** 2


def _difference(
    near: tuple[float, float], next_door: tuple[float, float], dispersion: float, critical: float
) -> DisplacementDifference:
    estimate = near[0] + next_door[0]
    error = math.sqrt(dispersion * (near[1] + next_door[1]))
    if error == 0:
        raise EstimationError(
            "all counts are zero", where="weighted displacement difference", expected="some incidents"
        )
    return DisplacementDifference(
        estimate=estimate,
        std_error=error,
        z=estimate / error,
        p_value=_two_sided(estimate / error),
        conf_low=estimate - critical * error,
        conf_high=estimate + critical * error,
        local=near[0],
        local_se=math.sqrt(dispersion * near[1]),
        displacement=next_door[0],
        displacement_se=math.sqrt(dispersion * next_door[1]),
    )


def _two_sided(z: float) -> float:
    return 2 * NormalDist().cdf(-abs(z))


def _critical(level: float) -> float:
    if not 0 < level < 1:
        raise UsageError(f"a level of {level:g}", where="displacement", expected="a share between 0 and 1")
    return NormalDist().inv_cdf((1 + level) / 2)


def _sizes(weights: AreaWeights) -> tuple[float, ...]:
    return weights.treated, weights.comparison, weights.buffer, weights.buffer_comparison


def require_counts(pairs: dict[str, Pair]) -> None:
    """Refuse what are not pairs of counts.

    Parameters
    ----------
    pairs : dict of str to (float, float)
        Counts before and after by the name of the area.

    Raises
    ------
    UsageError
        If a count is below zero or not finite, or there are not two.
    """
    for name, pair in pairs.items():
        if len(pair) != 2 or not all(math.isfinite(c) and c >= 0 for c in pair):
            raise UsageError(f"{name} counts of {pair}", where="displacement", expected="two counts, none below zero")


def _require_above_zero(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name.replace('_', ' ')} of {value:g}", where="displacement", expected="above zero")

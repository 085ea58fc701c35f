"""Ratios of rates of counted events, and how such ratios changed, with intervals that hold for small counts too.

Large counts: normal on the log scale with variance ``dispersion (1 / a + 1 / b)``. Where a count is below `SMALL`: the
exact interval given the sum of the two counts, from the binomial interval of Clopper and Pearson (1934) for a ratio of
rates (Fay 2022, "Testing the ratio of two Poisson rates", vignette of the R package rateratio.test) and Fisher's
conditional interval for a ratio of ratios. The exact one knows of no overdispersion, so where there is some, each end
is the farther of the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cseval.errors import UsageError

#: Counts below this get the exact interval.
SMALL = 20
_TAIL = 0.025
_Z = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class RateRatio:
    """A ratio with its 95 % interval; NaN where it is not defined, infinite where it has no upper end.

    Parameters
    ----------
    ratio, conf_low, conf_high : float
    exact : bool
        Whether an exact interval was taken into account.
    """

    ratio: float
    conf_low: float
    conf_high: float
    exact: bool


UNDEFINED = RateRatio(ratio=math.nan, conf_low=math.nan, conf_high=math.nan, exact=False)


def rate_ratio(count: float, base: float, other: float, other_base: float, dispersion: float = 1.0) -> RateRatio:
    """The rate ``count / base`` over the rate ``other / other_base``.

    Parameters
    ----------
    count, other : float
        Events.
    base, other_base : float
        What they are events of, for example residents; above zero.
    dispersion : float
        Variance over the Poisson variance, at least 1.

    Raises
    ------
    UsageError
        If a count is negative, a base is not above zero or the dispersion is below 1.
    """
    _require((count, other), (base, other_base), dispersion)
    if count == other == 0:
        return UNDEFINED
    scale = other_base / base
    ratio = count / other * scale if other else math.inf
    exact = min(count, other) < SMALL
    low, high = _exact_odds(count, other) if exact else (math.nan, math.nan)
    ends = [(scale * low, scale * high)] if exact else []
    if min(count, other) > 0 and not (exact and dispersion == 1):
        ends.append(_log_normal(ratio, dispersion * (1 / count + 1 / other)))
    return _widest(ratio, ends, exact)


def ratio_of_ratios(after: tuple[float, float], before: tuple[float, float], dispersion: float = 1.0) -> RateRatio:
    """How a ratio of two counts changed, ``(a1 / b1) / (a0 / b0)``; bases that did not change cancel.

    Parameters
    ----------
    after, before : (float, float)
        Count of the group and of the reference.
    dispersion : float

    Raises
    ------
    UsageError
        As `rate_ratio`.
    """
    counts = (*after, *before)
    _require(counts, (1.0,), dispersion)
    (a1, b1), (a0, b0) = after, before
    if 0 in (a1 + b1, a0 + b0, a1 + a0, b1 + b0):
        return UNDEFINED
    ratio = a1 * b0 / (b1 * a0) if b1 and a0 else math.inf
    exact = min(counts) < SMALL
    ends = [_fisher(after, before)] if exact else []
    if min(counts) > 0 and not (exact and dispersion == 1):
        ends.append(_log_normal(ratio, dispersion * sum(1 / n for n in counts)))
    return _widest(ratio, ends, exact)


def _require(counts: tuple[float, ...], bases: tuple[float, ...], dispersion: float) -> None:
    if not (all(math.isfinite(c) and c >= 0 for c in counts) and all(math.isfinite(b) and b > 0 for b in bases)):
        raise UsageError(
            f"counts {counts} of {bases}", where="rate ratio", expected="counts of at least 0, bases above zero"
        )
    if not (math.isfinite(dispersion) and dispersion >= 1):
        raise UsageError(f"a dispersion of {dispersion:g}", where="rate ratio", expected="at least 1")


def _widest(ratio: float, ends: list[tuple[float, float]], exact: bool) -> RateRatio:
    return RateRatio(ratio=ratio, conf_low=min(e[0] for e in ends), conf_high=max(e[1] for e in ends), exact=exact)


def _log_normal(ratio: float, variance: float) -> tuple[float, float]:
    reach = math.exp(_Z * math.sqrt(variance))
    return ratio / reach, ratio * reach


def _exact_odds(count: float, other: float) -> tuple[float, float]:
    """Interval of the odds that an event is one of `count` rather than of `other`, given their sum."""
    from scipy.special import betaincinv

    low = float(betaincinv(count, other + 1, _TAIL)) if count else 0.0
    high = float(betaincinv(count + 1, other, 1 - _TAIL)) if other else 1.0
    return low / (1 - low), high / (1 - high) if high < 1 else math.inf


def _fisher(after: tuple[float, float], before: tuple[float, float]) -> tuple[float, float]:
    """Fisher's conditional interval of the odds ratio of a table."""
    from scipy.stats.contingency import odds_ratio

    table = [[round(n) for n in row] for row in (after, before)]
    found = odds_ratio(table, kind="conditional").confidence_interval(1 - 2 * _TAIL)
    return float(found.low), float(found.high)

"""Shares of people who said something: their intervals, their differences, and what weights cost.

Pure functions of counts and bases. Intervals rest on binomial sampling, so they belong to surveys whose sample sizes
are known. A weighted share has the sampling error of a smaller simple sample, its effective base.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from cseval.errors import UsageError

#: Fewest answers that a share is printed for.
MINIMUM_BASE = 50
#: What stands in its place: low reliability, as in official statistics.
UNRELIABLE = "[u]"
LEVEL = 0.95
_STEPS = 100

#: Ends of an interval.
Ends = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of the people asked.

    Parameters
    ----------
    proportion : float
        From 0 to 1, weighted where the survey is.
    base : float
        People who answered.
    effective_base : float, optional
        Size of the simple random sample with the same sampling error; the base itself if left out.

    Raises
    ------
    UsageError
        If the proportion is not from 0 to 1, or a base is not above zero.
    """

    proportion: float
    base: float
    effective_base: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.proportion <= 1:
            raise UsageError(f"a proportion of {self.proportion:g}", where="share", expected="0 to 1")
        for name, base in (("base", self.base), ("effective base", self.n)):
            if not (math.isfinite(base) and base > 0):
                raise UsageError(f"{name} of {base:g}", where="share", expected="above zero")

    @classmethod
    def of(cls, count: float, base: float) -> Share:
        """The share that `count` of `base` people are.

        Raises
        ------
        UsageError
            If the count is below zero or above the base, or the base is not above zero.
        """
        require_count(count, base)
        return cls(proportion=count / base, base=base)

    @property
    def n(self) -> float:
        """The base that the sampling error rests on."""
        return self.base if self.effective_base is None else self.effective_base

    @property
    def reliable(self) -> bool:
        """Whether base and effective base are both large enough for the share to be printed, see `MINIMUM_BASE`."""
        return min(self.base, self.n) >= MINIMUM_BASE


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A difference of shares, or a difference of differences.

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        As shares: 0.05 is five points.
    p_value : float
        Two-sided: 1 less the level of the widest interval that leaves out zero.
    level : float
    """

    estimate: float
    conf_low: float
    conf_high: float
    p_value: float
    level: float


def shorthand(share: Share) -> str:
    """``[u]`` if the share rests on too few people to be printed, else nothing."""
    return "" if share.reliable else UNRELIABLE


# Weights ----------------------------------------------------------------------------------------------


def design_effect(weights: Sequence[float]) -> float:
    """How much weighting multiplies the variance of a mean by: ``n sum(w^2) / (sum w)^2``, at least 1.

    Raises
    ------
    UsageError
        If there is no weight, or one is not above zero.

    Notes
    -----
    Kish (1965), "Survey Sampling". It holds what unequal weights cost where they are unrelated to the
    answers; clustering of the sample is not in it.
    """
    if not weights or not all(math.isfinite(w) and w > 0 for w in weights):
        raise UsageError("weights that are not all above zero", where="design effect", expected="one for each answer")
    return len(weights) * math.fsum(w * w for w in weights) / math.fsum(weights) ** 2


def effective_base(weights: Sequence[float]) -> float:
    """Size of the simple random sample with the same sampling error, ``(sum w)^2 / sum(w^2)``; see `design_effect`."""
    return len(weights) / design_effect(weights)


# One share --------------------------------------------------------------------------------------------


def wilson(share: Share, level: float = LEVEL) -> Ends:
    """Wilson's score interval, without a correction for continuity.

    Notes
    -----
    ``(2np + z^2 -+ z sqrt(z^2 + 4np(1 - p))) / (2 (n + z^2))`` with n the effective base: Wilson (1927), "Probable
    inference, the law of succession, and statistical inference"; method 3 of Newcombe (1998), "Two-sided confidence
    intervals for the single proportion: comparison of seven methods", Statistics in Medicine 17, 857-872.
    """
    return score_ends(share.proportion, share.n, critical(level))


def score_ends(proportion: float, n: float, z: float) -> Ends:
    """Wilson's interval for a proportion of `n` at `z` standard deviations."""
    middle = 2 * n * proportion + z * z
    reach = z * math.sqrt(z * z + 4 * n * proportion * (1 - proportion))
    # At 0 and 1 the end is the proportion itself, and rounding must not move it.
    low = 0.0 if proportion == 0 else max(0.0, (middle - reach) / (2 * (n + z * z)))
    high = 1.0 if proportion == 1 else min(1.0, (middle + reach) / (2 * (n + z * z)))
    return low, high


def clopper_pearson(count: int, base: int, level: float = LEVEL) -> Ends:
    """The exact interval: every share that neither binomial tail rejects at half of 1 less the level.

    It holds the true share at least as often as it says, in small samples clearly more often. Clopper and Pearson
    (1934), "The use of confidence or fiducial limits illustrated in the case of the binomial".

    Raises
    ------
    UsageError
        If the count is not a whole number from 0 to the base.
    """
    return _exact(count, base, level, 1.0)


def mid_p(count: int, base: int, level: float = LEVEL) -> Ends:
    """The exact interval with half of the probability of the count itself in each tail.

    Close to the level on average and narrower than `clopper_pearson`; for some shares it falls short.
    Method 6 of Newcombe (1998), 857-872.

    Raises
    ------
    UsageError
        If the count is not a whole number from 0 to the base.
    """
    return _exact(count, base, level, 0.5)


def exact_test(count: int, base: int, share: float, *, mid: bool = False) -> float:
    """Two-sided p-value of a share against a fixed one: twice the smaller binomial tail, at most 1.

    Parameters
    ----------
    share : float
        The share under the null, between 0 and 1.
    mid : bool
        Count half of the probability of the count itself; it then agrees with `mid_p`, else with `clopper_pearson`.

    Raises
    ------
    UsageError
        If the count is not a whole number from 0 to the base, or the share is not between 0 and 1.
    """
    require_whole(count, base)
    if not 0 < share < 1:
        raise UsageError(f"a share of {share:g} under the null", where="exact test", expected="between 0 and 1")
    own = 0.5 if mid else 1.0
    return min(1.0, 2 * min(_tail(count, base, share, own), _tail(base - count, base, 1 - share, own)))


def _exact(count: int, base: int, level: float, own: float) -> Ends:
    require_whole(count, base)
    require_level(level)
    half = (1 - level) / 2
    low = 0.0 if count == 0 else _solve(lambda p: _tail(base - count, base, 1 - p, own), half)
    high = 1.0 if count == base else 1 - _solve(lambda q: _tail(count, base, 1 - q, own), half)
    return low, high


def _tail(count: int, base: int, share: float, own: float) -> float:
    """Probability of fewer than `count`, and of `count` itself times `own`."""
    terms = [math.comb(base, k) * share**k * (1 - share) ** (base - k) for k in range(count + 1)] if base <= 500 else []
    return math.fsum(terms[:-1]) + own * terms[-1] if terms else _tail_of_many(count, base, share, own)


def _tail_of_many(count: int, base: int, share: float, own: float) -> float:
    from scipy.stats import binom

    return float(binom.cdf(count - 1, base, share) + own * binom.pmf(count, base, share))


def _solve(tail: Callable[[float], float], target: float) -> float:
    """Where a tail that rises with its argument reaches the target, by bisection on 0 to 1."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) < target else (low, middle)
    return (low + high) / 2


# Two shares -------------------------------------------------------------------------------------------


def newcombe(first: Share, second: Share, level: float = LEVEL) -> Contrast:
    """Difference ``first - second`` of two independent shares with Newcombe's hybrid score interval.

    Notes
    -----
    ``d - sqrt((p1 - l1)^2 + (u2 - p2)^2)`` to ``d + sqrt((u1 - p1)^2 + (p2 - l2)^2)`` with l and u from `wilson`:
    method 10 of Newcombe (1998), "Interval estimation for the difference between independent proportions: comparison
    of eleven methods", Statistics in Medicine 17, 873-890.
    """
    return combined((first, second), (1, -1), level)


def combined(shares: Sequence[Share], signs: Sequence[int], level: float = LEVEL) -> Contrast:
    """A sum of independent shares with signs, its interval put together from Wilson's intervals of the shares.

    Parameters
    ----------
    shares : sequence of Share
    signs : sequence of {1, -1}
    level : float

    Notes
    -----
    The method of variance estimates recovery (MOVER): each share brings to the lower end its own distance to the end of
    its interval on the side that lowers the sum, and the distances are squared and added. Zou, Huang and Zhang (2009),
    "A note on confidence interval estimation for a linear function of binomial proportions", Computational Statistics
    and Data Analysis 53, 1080-1085. With two shares it is Newcombe's method 10.
    """
    estimate = math.fsum(s * share.proportion for s, share in zip(signs, shares, strict=True))
    below, above = _reach(shares, signs, critical(level))
    return Contrast(
        estimate=estimate,
        conf_low=max(estimate - below, -float(signs.count(-1))),
        conf_high=min(estimate + above, float(signs.count(1))),
        p_value=_p_value(shares, signs, estimate),
        level=level,
    )


def _reach(shares: Sequence[Share], signs: Sequence[int], z: float) -> Ends:
    """How far the ends of the interval are below and above the estimate."""
    below = above = 0.0
    for share, sign in zip(shares, signs, strict=True):
        low, high = score_ends(share.proportion, share.n, z)
        down, up = share.proportion - low, high - share.proportion
        below += (down if sign > 0 else up) ** 2
        above += (up if sign > 0 else down) ** 2
    return math.sqrt(below), math.sqrt(above)


def _p_value(shares: Sequence[Share], signs: Sequence[int], estimate: float) -> float:
    """1 less the level at which the interval just reaches zero."""
    side = 0 if estimate > 0 else 1
    low, high = 0.0, 40.0
    for _ in range(_STEPS):
        z = (low + high) / 2
        low, high = (z, high) if _reach(shares, signs, z)[side] < abs(estimate) else (low, z)
    return 2 * NormalDist().cdf(-(low + high) / 2) if estimate else 1.0


# What is refused --------------------------------------------------------------------------------------


def critical(level: float) -> float:
    """The normal quantile of a two-sided interval.

    Raises
    ------
    UsageError
        If the level is not between 0 and 1.
    """
    require_level(level)
    return NormalDist().inv_cdf((1 + level) / 2)


def require_level(level: float) -> None:
    """Refuse a level of coverage that is not between 0 and 1.

    Raises
    ------
    UsageError
    """
    if not 0 < level < 1:
        raise UsageError(f"a level of {level:g}", where="proportions", expected="between 0 and 1")


def require_count(count: float, base: float) -> None:
    """Refuse a count that is not from 0 to a base above zero.

    Raises
    ------
    UsageError
    """
    if not (math.isfinite(base) and base > 0 and 0 <= count <= base):
        raise UsageError(f"{count:g} of {base:g} people", where="proportions", expected="a count from 0 to the base")


def require_whole(count: int, base: int) -> None:
    """Refuse what is not a whole number of people out of a whole number, above zero.

    Raises
    ------
    UsageError
    """
    require_count(count, base)
    if count != int(count) or base != int(base):
        raise UsageError(
            f"{count:g} of {base:g} people",
            where="proportions",
            expected="whole numbers",
            todo="Use wilson with an effective base for weighted answers",
        )

"""Was the treated area already moving apart from the comparison before the start?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.estimate import percent
from cseval.formats import p_text
from cseval.inference.likeness import FEWEST_SETS
from cseval.inference.placebo import critical_value, p_values
from cseval.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import Floats

    Bin = npt.NDArray[np.intp]

#: The joint and the trend test answer one question, so each has half of 5 % (Bonferroni).
LEVEL = 0.05 / 2

#: With fewer placebo neighbourhoods than this half of 5 % is hard or impossible to reach, so both tests are made one.
FEW = 100
#: Bins are widened, to these multiples, until there are four placebo neighbourhoods for each point.
WIDER, SETS_PER_POINT = (1, 2, 4, 8), 4

QUESTION = "Was the treated area already moving apart from the comparison before the start?"


@dataclass(frozen=True, kw_only=True)
class PreTrends:
    """Joint test of the pre period, its power, and the bias that an undetected trend would leave.

    Parameters
    ----------
    bin_months : int
        Months per point of the pre period; twice, four or eight times as many where placebo neighbourhoods are few.

    Notes
    -----
    The log ratio of treated to comparison counts in each bin is compared with its mean over the pre period.
    The joint statistic is the Wald form of these with the second moments that they have among the treated area and the
    placebo neighbourhoods together, and its p-value is its rank there; so both are in sample or neither, and the rank
    is exact if they are exchangeable. Roth (2022), "Pretest with caution", is why the power of the test stands beside
    it: the smallest monthly trend it would catch four times in five.

    With 19 to 99 placebo neighbourhoods bins are widened until there are four neighbourhoods for each point, the log
    ratios are divided by their standard deviation by size, and the joint and the trend test are ranked as one
    (`few_sets`), because with 31 of them no p-value reaches half of 5 %.
    """

    bin_months: int = 3

    def run(self, context: CheckContext) -> CheckResult:
        """Test the pre period against the placebo neighbourhoods."""
        import numpy as np

        points = chosen_points(context, self.bin_months)
        if isinstance(points, str):
            return not_applicable("pre-trends", QUESTION, points)
        design = context.design
        distance = float(design.event_time[design.post].mean() - design.event_time[~design.post].mean())
        found = (_few if len(points.ratios) <= FEW else _many)(points, context.estimate.effect / distance)
        left = percent(found.caught * distance) if np.isfinite(found.caught) else np.inf
        return CheckResult(
            name="pre-trends",
            question=QUESTION,
            verdict=CONCERN if found.concern else PASS,
            statistic=found.statistic,
            reference=f"the same statistic in {len(points.ratios) - 1:,} placebo neighbourhoods",
            p_value=found.p_value,
            sentence=_sentence(found, points, left),
            table=_table(found, points, left),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """The pre period of the treated area and of the placebo neighbourhoods, in bins.

    Parameters
    ----------
    months : int
        Length of a bin.
    labels : tuple of str
        First and last month of each bin.
    middle : float array, shape (bins,)
        Event time of the middle of each bin.
    ratios : float array, shape (1 + sets, bins)
        Log ratio of a set's count to its comparison's, less its mean; the treated area first.
    chance : float array, shape (1 + sets,)
        Mean variance of the log ratio by the chance of counts alone.
    """

    months: int
    labels: tuple[str, ...]
    middle: Floats
    ratios: Floats
    chance: Floats


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the tests say; slopes are logs a month, and `power` is against a trend that explains the estimate."""

    statistic: float
    p_value: float
    concern: bool
    tests: str
    slope: float
    slope_p: float
    caught: float
    power: float


def chosen_points(context: CheckContext, months: int) -> Points | str:
    """The pre period in bins of `months`, or of more where placebo neighbourhoods are few; else why there is none.

    The narrowest bins that leave three points and four placebo neighbourhoods for each; where none do, the widest.
    """
    design, widest = context.design, None
    for width in (months * factor for factor in WIDER):
        bins = pre_bins(design, width)
        if len(bins) < 3:
            break
        points = _points(context, bins, width)
        if points is None:
            continue
        widest = points
        if len(points.ratios) - 1 >= SETS_PER_POINT * len(bins):
            return points
    if widest is not None:
        return widest
    if len(pre_bins(design, months)) < 3:
        return "fewer than three points in the pre period"
    return "a point of the pre period without any incident, or too few placebo neighbourhoods"


def _points(context: CheckContext, bins: list[Bin], months: int) -> Points | None:
    """These bins, if the treated area has incidents in each and so have at least 19 placebo neighbourhoods."""
    import numpy as np

    design = context.design
    own, mine = log_ratios(design, design.own_set, bins), _chance(design, design.own_set, bins)
    placebo = log_ratios(design, context.sets, bins)
    usable = np.isfinite(placebo).all(axis=1)
    if not np.isfinite(own).all() or usable.sum() < FEWEST_SETS:
        return None
    return Points(
        months=months,
        labels=tuple(f"{design.periods[b[0]]} to {design.periods[b[-1]]}" for b in bins),
        middle=np.array([design.event_time[b].mean() for b in bins]),
        ratios=np.concatenate([own, placebo[usable]]),
        chance=np.concatenate([mine, _chance(design, context.sets, bins)[usable]]),
    )


def _many(points: Points, explains: float) -> _Found:
    """Joint and trend test at half of 5 % each."""
    import numpy as np

    from cseval.inference.detectable import smallest_detectable

    own, placebo = points.ratios[0], points.ratios[1:]
    statistic, p_value = joint_test(own, placebo)
    slopes, slope = slope_of(placebo, points.middle), float(slope_of(own[None, :], points.middle)[0])
    spread = float(np.sqrt(np.mean(slopes**2)))
    slope_p = float(p_values(np.array([slope]), slopes)[0])
    return _Found(
        statistic=statistic,
        p_value=p_value,
        concern=min(p_value, slope_p) <= LEVEL,
        tests=f"joint {p_text(p_value)}, trend {p_text(slope_p)}",
        slope=slope,
        slope_p=slope_p,
        caught=smallest_detectable(slopes / spread, critical_value(slopes / spread, LEVEL)) * spread,
        power=trend_power(slopes, spread, explains),
    )


def _few(points: Points, explains: float) -> _Found:
    """Joint and trend test as one, at 5 %, on rows studentised by size."""
    import numpy as np

    from cseval.inference.few_sets import few_caught, few_power, few_ranks, size_scales

    scales = size_scales(points.ratios, points.chance)
    rows, own = points.ratios / scales[:, None], float(scales[0])
    found = few_ranks(rows, points.middle)
    each = f"joint {p_text(found.joint_p)}, trend {p_text(found.trend_p)}"
    spread = float(np.sqrt(np.mean(slope_of(rows[1:], points.middle) ** 2)))
    return _Found(
        statistic=found.statistic,
        p_value=found.p_value,
        concern=found.p_value <= 2 * LEVEL + 1e-9,
        tests=f"{each}, both together {p_text(found.p_value)}; with {len(rows) - 1} of them no p can be below "
        f"{1 / len(rows):.3f}",
        slope=float(slope_of(points.ratios[:1], points.middle)[0]),
        slope_p=found.trend_p,
        caught=few_caught(rows[1:], points.middle, spread) * own,
        power=few_power(rows[1:], points.middle, explains / own),
    )


def trend_power(slopes: Floats, spread: float, trend: float) -> float:
    """Chance that the trend test catches a trend of this size: the share of placebo slopes that it would push over."""
    import numpy as np

    reject = critical_value(slopes / spread, LEVEL)
    return float(np.mean(np.abs(slopes / spread + abs(trend) / spread) > reject))


def pre_bins(design: Design, months: int) -> list[Bin]:
    """Positions of the pre months in bins of `months` counted back from the start; an incomplete first bin is left."""
    import numpy as np

    event = design.event_time
    pre = np.flatnonzero(event < 0)
    number = (-event[pre] - 1) // months
    return [pre[number == n] for n in sorted(set(number.tolist()), reverse=True) if (number == n).sum() == months]


def log_ratios(design: Design, sets: PlaceboSets, bins: list[Bin]) -> Floats:
    """Log ratio of each set's count to its comparison's in each bin, less its mean; shape (sets, bins)."""
    import numpy as np

    treated, rest = _totals(design, sets, bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(treated) - np.log(rest)
        return np.asarray(ratio - ratio.mean(axis=1, keepdims=True))


def _chance(design: Design, sets: PlaceboSets, bins: list[Bin]) -> Floats:
    """Mean over the bins of the Poisson variance ``1/T + 1/C`` of each set's log ratio, shape (sets,)."""
    import numpy as np

    treated, rest = _totals(design, sets, bins)
    with np.errstate(divide="ignore"):
        return np.asarray((1 / treated + 1 / rest).mean(axis=1))


def _totals(design: Design, sets: PlaceboSets, bins: list[Bin]) -> tuple[Floats, Floats]:
    """Count of each set and of its comparison in each bin, both of shape (sets, bins)."""
    import numpy as np

    from cseval.estimators.did_kernels import split_sums

    counts = np.stack([design.counts[:, b].sum(axis=1) for b in bins], axis=1).astype(float)
    return split_sums(counts, design.comparison, sets)


def joint_test(own: Floats, placebo: Floats) -> tuple[float, float]:
    """Wald statistic of `own` with the second moments of all rows, its own too, and its rank among theirs."""
    import numpy as np

    from cseval.inference.few_sets import wald

    statistics = wald(np.concatenate([own[None, :], placebo]))
    return float(statistics[0]), float(p_values(statistics[:1], statistics[1:])[0])


def slope_of(ratios: Floats, middle: Floats) -> Floats:
    """Least-squares slope per month of each row, shape (sets,)."""
    from cseval.inference.few_sets import slopes

    return slopes(ratios, middle)


def _sentence(found: _Found, points: Points, left: float) -> str:
    import numpy as np

    wide = f" in bins of {points.months} months" if len(points.ratios) <= FEW else ""
    known = np.isfinite(found.caught)
    catch = f"a trend of {abs(percent(found.caught)):.1f}% a month four times in five" if known else ""
    return (
        f"The pre period of the treated area{wide} is {'unlike' if found.concern else 'like'} that of placebo "
        f"neighbourhoods ({found.tests}). Its power is limited: it would catch "
        f"{f'{catch}, which would move the estimate by {abs(left):.0f}%' if known else 'no trend four times in five'}, "
        f"and a trend just large enough to explain the whole estimate in {100 * found.power:.0f}% of cases."
    )


def _table(found: _Found, points: Points, left: float) -> Table:
    import numpy as np
    import pandas as pd

    low, high = np.quantile(points.ratios[1:], [0.025, 0.975], axis=0)
    shown = zip(points.labels, points.ratios[0], low, high, strict=True)
    rows = [(label, percent(o), percent(a), percent(z)) for label, o, a, z in shown]
    return Table(
        slug="pre-trends",
        title="Treated area against comparison in the pre period",
        values=pd.DataFrame(rows, columns=["months", "difference", "placebo_low", "placebo_high"]),
        headings={
            "months": "Months",
            "difference": "Difference from the pre-period mean, %",
            "placebo_low": "95% of placebo neighbourhoods, from, %",
            "placebo_high": "to, %",
        },
        notes=(_note(found, left),),
    )


def _note(found: _Found, left: float) -> str:
    import numpy as np

    trend = f"Trend of the treated area: {percent(found.slope):.2f}% a month ({p_text(found.slope_p)}). "
    if not np.isfinite(found.caught):
        return f"{trend}No trend would be caught four times in five."
    return (
        f"{trend}Smallest trend caught four times in five: {abs(percent(found.caught)):.2f}% a month; "
        f"it would move the estimate by {abs(left):.0f}%."
    )

"""Was the treated area already moving apart from the comparison before the start?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.estimate import percent
from cseval.inference.placebo import critical_value, p_values
from cseval.tables import Table
from cseval.words import p_words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import Floats

#: The joint and the trend test answer one question, so each has half of 5 % (Bonferroni).
LEVEL = 0.05 / 2

QUESTION = "Was the treated area already moving apart from the comparison before the start?"


@dataclass(frozen=True, kw_only=True)
class PreTrends:
    """Joint test of the pre period, its power, and the bias that an undetected trend would leave.

    Parameters
    ----------
    bin_months : int
        Months per point of the pre period.

    Notes
    -----
    The log ratio of treated to comparison counts in each bin is compared with its mean over the pre period.
    The joint statistic is the Wald form of these with the covariance they have among the placebo
    neighbourhoods, and its p-value is its rank there. Roth (2022), "Pretest with caution", is why the power of the
    test stands beside it: the smallest monthly trend it would catch four times in five.
    """

    bin_months: int = 3

    def run(self, context: CheckContext) -> CheckResult:
        """Test the pre period against the placebo neighbourhoods."""
        import numpy as np

        from cseval.inference.detectable import smallest_detectable

        design = context.design
        bins = pre_bins(design, self.bin_months)
        if len(bins) < 3:
            return _not_applicable("fewer than three points in the pre period")
        middle = np.array([design.event_time[b].mean() for b in bins])
        own = log_ratios(design, design.own_set, bins)
        placebo = log_ratios(design, context.sets, bins)
        placebo = placebo[np.isfinite(placebo).all(axis=1)]
        if not np.isfinite(own).all() or len(placebo) < 100:
            return _not_applicable("a point of the pre period without any incident, or too few placebo neighbourhoods")
        statistic, p_value = joint_test(own[0], placebo)
        slopes, slope = slope_of(placebo, middle), float(slope_of(own, middle)[0])
        spread = float(np.sqrt(np.mean(slopes**2)))
        caught = smallest_detectable(slopes / spread, critical_value(slopes / spread, LEVEL)) * spread
        distance = design.event_time[design.post].mean() - design.event_time[~design.post].mean()
        left = percent(caught * distance)
        slope_p = float(p_values(np.array([slope]), slopes)[0])
        concern = min(p_value, slope_p) <= LEVEL
        power = trend_power(slopes, spread, context.estimate.effect / distance)
        sentence = (
            f"The pre period of the treated area is {'unlike' if concern else 'like'} that of placebo neighbourhoods "
            f"(joint {p_words(p_value)}, trend {p_words(slope_p)}). Its power is limited: it would catch a trend "
            f"of {abs(percent(caught)):.1f}% a month four times in five, which would move the estimate by "
            f"{abs(left):.0f}%, and a trend just large enough to explain the whole estimate in "
            f"{100 * power:.0f}% of cases."
        )
        return CheckResult(
            name="pre-trends",
            question=QUESTION,
            verdict=CONCERN if concern else PASS,
            statistic=statistic,
            reference=f"the same statistic in {len(placebo):,} placebo neighbourhoods",
            p_value=p_value,
            sentence=sentence,
            table=_table(design, bins, own[0], placebo, slope, slope_p, caught, left),
        )


def trend_power(slopes: Floats, spread: float, trend: float) -> float:
    """Chance that the trend test catches a trend of this size: the share of placebo slopes that it would push over."""
    import numpy as np

    reject = critical_value(slopes / spread, LEVEL)
    return float(np.mean(np.abs(slopes / spread + abs(trend) / spread) > reject))


def pre_bins(design: Design, months: int) -> list[npt.NDArray[np.intp]]:
    """Positions of the pre months in bins of `months` counted back from the start; an incomplete first bin is left."""
    import numpy as np

    event = design.event_time
    pre = np.flatnonzero(event < 0)
    number = (-event[pre] - 1) // months
    return [pre[number == n] for n in sorted(set(number.tolist()), reverse=True) if (number == n).sum() == months]


def log_ratios(design: Design, sets: PlaceboSets, bins: list[npt.NDArray[np.intp]]) -> Floats:
    """Log ratio of each set's count to its comparison's in each bin, less its mean; shape (sets, bins)."""
    import numpy as np

    from cseval.estimators.did_kernels import comparison_sum, member_sum

    counts = np.stack([design.counts[:, b].sum(axis=1) for b in bins], axis=1).astype(float)
    treated = member_sum(counts, sets.members)
    rest = comparison_sum(counts, design.comparison, sets)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(treated) - np.log(rest)
        return np.asarray(ratio - ratio.mean(axis=1, keepdims=True))


def joint_test(own: Floats, placebo: Floats) -> tuple[float, float]:
    """Wald statistic of `own` with the covariance of `placebo`, and its rank among theirs.

    The bins sum to zero, so the covariance is singular by one; its pseudo-inverse leaves that direction out.
    """
    import numpy as np

    inverse = np.linalg.pinv(placebo.T @ placebo / len(placebo), rcond=1e-8, hermitian=True)
    statistics = np.einsum("ij,jk,ik->i", placebo, inverse, placebo)
    statistic = float(own @ inverse @ own)
    return statistic, float(p_values(np.array([statistic]), statistics)[0])


def slope_of(ratios: Floats, middle: Floats) -> Floats:
    """Least-squares slope per month of each row, shape (sets,)."""
    centred = middle - middle.mean()
    slope: Floats = ratios @ centred / (centred @ centred)
    return slope


def _not_applicable(why: str) -> CheckResult:
    return not_applicable("pre-trends", QUESTION, why)


def _table(
    design: Design,
    bins: list[npt.NDArray[np.intp]],
    own: Floats,
    placebo: Floats,
    slope: float,
    slope_p: float,
    caught: float,
    left: float,
) -> Table:
    import numpy as np
    import pandas as pd

    low, high = np.quantile(placebo, [0.025, 0.975], axis=0)
    rows = [
        (f"{design.periods[b[0]]} to {design.periods[b[-1]]}", percent(o), percent(a), percent(z))
        for b, o, a, z in zip(bins, own, low, high, strict=True)
    ]
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
        notes=(
            f"Trend of the treated area: {percent(slope):.2f}% a month ({p_words(slope_p)}). Smallest trend caught "
            f"four times in five: {abs(percent(caught)):.2f}% a month; it would move the estimate by {abs(left):.0f}%.",
        ),
    )

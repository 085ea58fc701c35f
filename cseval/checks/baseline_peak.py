"""How much change would starting from a peak bring by itself?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.errors import DesignError
from cseval.estimate import LOG, percent
from cseval.formats import MINUS, p_text
from cseval.months import add_months
from cseval.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import Floats, PlaceboEstimator

    Index = npt.NDArray[np.int64]

NAME = "peak before the start"
QUESTION = "How much change would starting from a peak (or a trough) bring by itself?"

#: Earlier starts of comparison areas, and separate places, without which nothing is measured.
FEWEST_STARTS, FEWEST_PLACES = 30, 8


@dataclass(frozen=True, kw_only=True)
class BaselinePeak:
    """The change to be expected of an area that stood as high before its start as the treated one did.

    Parameters
    ----------
    months : int
        The months before a start that are held against the rest of the pre period.
    step : int
        Months between placebo starts.

    Notes
    -----
    For every placebo neighbourhood at every earlier start, ``x`` is the estimator's effect for the last `months` before
    the start against the rest of the pre period (for a ratio the log of the area's share in those months less the log
    of its share in the rest), and ``y`` its effect at that start; both less their mean over all neighbourhoods at that
    start. With the slope b of y on x, ``b (x_0 - m)`` is the change to be expected of the treated area, which stands at
    ``x_0`` where neighbourhoods stand at m on average. Standard errors are clustered by place (`clustered_slope`), with
    Student's t on places - 1 degrees of freedom. What is left of the estimate has both uncertainties, as the root of
    the sum of squares. Where the data begin too late, windows are shortened (`shifted_starts`): the slope is then that
    of the shortened windows, and it is applied to the height and the estimate of the registered ones. There is no
    p-value: that of the slope, which the notes of the table have, says whether heights matter at all, not whether this
    one does.

    The slope need not be negative. Where months vary around a fixed level without memory it is zero: the last months
    are high and the rest low by chance, and the mean of both is right. Where a height lasts for a while it is positive,
    since the years before it are then too low a base; where one year is made up for by the next it is negative.

    Verdict: concern if the expected change exceeds half a placebo standard deviation, or if taking it off changes
    whether the interval holds zero. It is no correction: an area at a peak may also have been chosen for it.
    """

    months: int = 12
    step: int = 6

    def run(self, context: CheckContext) -> CheckResult:
        """Measure on earlier starts what such a height is followed by, and take it off the estimate."""
        found = measure_peak(context, self.months, self.step)
        if isinstance(found, str):
            return not_applicable(NAME, QUESTION, found)
        left = _what_is_left(context, found)
        inferred = context.inferred
        changes = (inferred.conf_low <= 0 <= inferred.conf_high) != (left[1] <= 0 <= left[2])
        large = abs(found.expected) > inferred.std_error / 2
        return CheckResult(
            name=NAME,
            question=QUESTION,
            verdict=CONCERN if large or changes else PASS,
            statistic=found.expected,
            reference=f"{found.slope.points:,} earlier starts in {found.slope.places} places where nothing was done",
            p_value=math.nan,
            sentence=_sentence(context, found, left, changes),
            table=_table(context, found, left),
        )


@dataclass(frozen=True, kw_only=True)
class Slope:
    """The slope of a line fitted to points that are not independent within a place.

    Parameters
    ----------
    value, std_error : float
    points, places : int
    """

    value: float
    std_error: float
    points: int
    places: int

    @property
    def critical(self) -> float:
        """97.5 % point of Student's t with places - 1 degrees of freedom."""
        from scipy import special

        return float(special.stdtrit(self.places - 1, 0.975))

    @property
    def p_value(self) -> float:
        """Of a slope of zero, by Student's t."""
        from scipy import special

        if not self.std_error > 0:
            return math.nan
        return float(2 * special.stdtr(self.places - 1, -abs(self.value) / self.std_error))


@dataclass(frozen=True, kw_only=True)
class Peak:
    """What earlier starts let one expect of the treated area.

    Parameters
    ----------
    months : int
        Length of the peak.
    height, usual : float
        x of the treated area at its start, and the mean of the placebo neighbourhoods there.
    slope : Slope
        Of the effect on the height, at earlier starts.
    heights : (float, float)
        Lowest and highest among the earlier starts, less their mean.
    starts : tuple of str
        The earlier starts.
    windows : (int, int)
        Months before and after each.
    """

    months: int
    height: float
    usual: float
    slope: Slope
    heights: tuple[float, float]
    starts: tuple[str, ...]
    windows: tuple[int, int]

    @property
    def expected(self) -> float:
        """Change that such a height brings by itself, on the estimation scale."""
        return self.slope.value * (self.height - self.usual)

    @property
    def half(self) -> float:
        """Half the length of its 95 % interval."""
        return self.slope.critical * self.slope.std_error * abs(self.height - self.usual)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the expected change."""
        return self.expected - self.half, self.expected + self.half


def measure_peak(context: CheckContext, months: int, step: int) -> Peak | str:
    """What a height of the last `months` was followed by at earlier starts; or why it cannot be said."""
    import numpy as np

    from cseval.inference.earlier_windows import shifted_starts

    if context.design.staggered:
        return "units begin in different months"
    starts, design = shifted_starts(context.design, step)
    if not starts or design.months_before < months + months // 2:
        return f"no earlier start has enough months before it to tell the last {months} from the rest"
    earlier = _earlier(context, design, starts, months)
    points, held = len(earlier.x), len(np.unique(earlier.place))
    if points < FEWEST_STARTS or held < FEWEST_PLACES or not np.ptp(earlier.x) > 0:
        return f"{points} earlier starts in {held} places, and {FEWEST_STARTS} in {FEWEST_PLACES} are needed"
    height, usual = _at_the_start(context, months)
    if not math.isfinite(height + usual):
        return f"the treated area has no incident in the last {months} months before the start or in those before"
    return Peak(
        months=months,
        height=height,
        usual=usual,
        slope=clustered_slope(earlier.x, earlier.y, earlier.place, len(earlier.starts)),
        heights=(float(earlier.x.min()), float(earlier.x.max())),
        starts=earlier.starts,
        windows=(design.months_before, design.months_after),
    )


def clustered_slope(x: Floats, y: Floats, place: Index, means: int) -> Slope:
    """Slope of `y` on `x`, both less the mean of their start, with any dependence within a place allowed for (CR1).

    ``V = c sum_g (sum_(i in g) x_i u_i)^2 / (sum x_i^2)^2`` with ``c = G / (G - 1) (n - 1) / (n - means - 1)`` (Liang
    and Zeger 1986, with Stata's correction): the covariance of the model with an intercept for every start.

    Parameters
    ----------
    x, y : float array, shape (points,)
    place : int array, shape (points,)
    means : int
        Number of means that were taken off.
    """
    import numpy as np

    names, code = np.unique(place, return_inverse=True)
    power = float(x @ x)
    value = float(x @ y) / power
    sums = np.bincount(code, weights=x * (y - value * x))
    groups, points = len(names), len(x)
    factor = groups / (groups - 1) * (points - 1) / (points - means - 1)
    return Slope(value=value, std_error=math.sqrt(factor * float(sums @ sums)) / power, points=points, places=groups)


def heights(estimator: PlaceboEstimator, at: Design, sets: PlaceboSets, months: int) -> Floats:
    """Effect of the last `months` before the start against the rest of the pre period, of each set; shape (sets,).

    Raises
    ------
    DesignError
        If a part of the pre period was not received.
    """
    earlier = add_months(at.start, -months)
    last = replace(at, start=earlier, months_before=at.months_before - months, months_after=months, transition=0)
    return estimator.estimate_many(last, sets).effect


@dataclass(frozen=True, kw_only=True, eq=False)
class _Earlier:
    """Height x and effect y, each less its mean at the start, and place of neighbourhoods; the starts used."""

    x: Floats
    y: Floats
    place: Index
    starts: tuple[str, ...]


def _earlier(context: CheckContext, design: Design, starts: tuple[str, ...], months: int) -> _Earlier:
    """Every placebo neighbourhood at every earlier start whose window was received."""
    import numpy as np

    from cseval.inference.calibration import places

    estimator, sets = context.estimator, context.sets
    rows, used = [(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))], []
    for start in starts:
        at = design.at(start)
        try:
            x, y = heights(estimator, at, sets, months), estimator.estimate_many(at, sets).effect
        except DesignError:  # a part of this window was not received
            continue
        kept = np.isfinite(x) & np.isfinite(y)
        if kept.any():
            rows.append((x[kept] - x[kept].mean(), y[kept] - y[kept].mean(), places(design, sets.members)[kept]))
            used.append(start)
    x, y, place = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _Earlier(x=x, y=y, place=place, starts=tuple(used))


def _at_the_start(context: CheckContext, months: int) -> tuple[float, float]:
    """Height of the treated area at the start of the programme, and mean height of the others; NaN if there is none."""
    import numpy as np

    design = context.design
    try:
        own, others = (heights(context.estimator, design, s, months) for s in (design.own_set, context.sets))
    except DesignError:
        return math.nan, math.nan
    known = others[np.isfinite(others)]
    return float(own[0]), float(known.mean()) if len(known) else math.nan


def _what_is_left(context: CheckContext, found: Peak) -> tuple[float, float, float]:
    """The estimate less the expected change, and its interval with both uncertainties."""
    inferred, effect = context.inferred, context.estimate.effect
    half, middle = found.half, effect - found.expected
    return (
        middle,
        middle - math.hypot(effect - inferred.conf_low, half),
        middle + math.hypot(inferred.conf_high - effect, half),
    )


def _sentence(context: CheckContext, found: Peak, left: tuple[float, float, float], changes: bool) -> str:
    shown, (low, high) = context.shown, found.interval
    side = "above" if found.height >= 0 else "below"
    return (
        f"In the {found.months} months before the start the treated area stood "
        f"{shown(found.height).lstrip(MINUS + '-')} {side} its own earlier level, against the comparison. Going by "
        f"{found.slope.points:,} earlier starts elsewhere, where nothing was done, that alone brings a change of "
        f"{shown(found.expected)} (95% interval {shown(low)} to {shown(high)}); less that, the estimate is "
        f"{shown(left[0])} ({shown(left[1])} to {shown(left[2])}), and the reading "
        f"{'changes' if changes else 'does not change'}."
    )


def _table(context: CheckContext, found: Peak, left: tuple[float, float, float]) -> Table:
    import pandas as pd

    estimate, inferred = context.estimate, context.inferred
    show = percent if estimate.scale == LOG else float
    rows = [
        ("Estimate", estimate.effect, inferred.conf_low, inferred.conf_high),
        (f"Last {found.months} months before the start against those before", found.height, math.nan, math.nan),
        ("Change that this alone brings", found.expected, *found.interval),
        ("Estimate less that change", *left),
    ]
    unit = ", %" if estimate.scale == LOG else ", incidents per unit and month"
    return Table(
        slug="peak-before-the-start",
        title="What starting from a peak brings by itself",
        values=pd.DataFrame(
            [(name, *map(show, numbers)) for name, *numbers in rows], columns=["quantity", "change", "low", "high"]
        ),
        headings={
            "quantity": "Quantity",
            "change": f"Change{unit}",
            "low": f"95% interval, from{unit}",
            "high": f"to{unit}",
        },
        notes=_notes(context, found),
    )


def _notes(context: CheckContext, found: Peak) -> tuple[str, ...]:
    design, slope = context.design, found.slope
    notes = [
        f"{slope.points:,} pairs of a place and an earlier start, {found.starts[-1]} to {found.starts[0]}; slope of "
        f"the effect on the height {slope.value:.2f}".replace(" -", f" {MINUS}")
        + f", standard error {slope.std_error:.2f} by {slope.places} places ({p_text(slope.p_value)} for no slope)."
    ]
    if found.windows != (design.months_before, design.months_after):
        notes.append(
            f"Windows of {found.windows[0]} months before and {found.windows[1]} after each start, because the data "
            f"begin too late for {design.months_before} and {design.months_after}. The slope is measured over these "
            f"and applied to the registered windows."
        )
    if not found.heights[0] <= found.height - found.usual <= found.heights[1]:
        notes.append("No earlier start stood as far from its own past, so the line is read beyond its points.")
    return tuple(notes)

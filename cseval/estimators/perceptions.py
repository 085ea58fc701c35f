"""What a survey of rolling twelve-month windows says of a start: every area's effect, on the scale of shares.

Successive points of such a survey share nine of their twelve months of answers, so they are neither independent nor,
for a year after the start, wholly after it. Two ways to handle that:

- `ThinnedWindows` keeps every fourth window, none of which straddles the start: nothing is shared, nothing assumed of
  how answers vary, and most of the series is not used;
- `OverlappingWindows` keeps all: a window that straddles the start holds the effect in proportion to its months after
  it, and the covariance of the windows is that of rolling means of independent quarters.

Both give each area an effect that is a fixed weighted sum of its windows. No sample sizes are published for the MOPAC
Public Attitude Survey, so no binomial variance can be had for it: inference ranks an area among the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cseval.errors import DesignError
from cseval.estimators import perceptions_kernels as k
from cseval.months import month_number
from cseval.survey import months_after

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.survey import SurveySeries

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class PerceptionSpan:
    """When something began, and which points may be looked at.

    Parameters
    ----------
    start : str
        First month ``YYYY-MM`` with the programme.
    last : str, optional
        Last month of the last window to be used; all windows if left out.
    first : str, optional
        Last month of the first window to be used.
    """

    start: str
    last: str | None = None
    first: str | None = None

    def __post_init__(self) -> None:
        for month in (self.start, self.first or self.start, self.last or self.start):
            month_number(month)

    def holds(self, ends: tuple[str, ...]) -> Mask:
        """Which windows may be used, shape (ends,)."""
        first, last = self.first or ends[0], self.last or ends[-1]
        return np.array([first <= e <= last for e in ends])


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """The windows of one measure that an effect is made of.

    Parameters
    ----------
    position : int array
        Columns of the series.
    share : float array
        Share of each window that lies after the start.
    covariance : float array, shape (windows, windows)
        Of their errors, up to a factor.
    """

    position: Index
    share: Floats
    covariance: Floats


class WindowRule(Protocol):
    """How the overlap of rolling windows is handled."""

    @property
    def words(self) -> str:
        """What the effect table says of it."""
        ...

    def windows(self, values: Floats, share: Floats, position: Index, quarters: int, step: float) -> Windows:
        """The windows to use, of those with all areas received.

        Parameters
        ----------
        values : float array, shape (units, windows)
        share : float array, shape (windows,)
        position : int array, shape (windows,)
        quarters : int
            In one window.
        step : float
            What shares are rounded to.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ThinnedWindows:
    """Every fourth window; windows that straddle the start are left out.

    Parameters
    ----------
    latest : bool
        Whether those after the start are counted back from the last one, else on from the first: where there is room
        for few, which of them are taken is a choice.
    """

    latest: bool = False

    @property
    def words(self) -> str:
        """What the effect table says of it."""
        return "windows that share no month" + (", the latest after the start" if self.latest else "")

    def windows(self, values: Floats, share: Floats, position: Index, quarters: int, step: float) -> Windows:
        """As `WindowRule.windows`."""
        kept = k.every_window(share, quarters, latest=self.latest)
        return Windows(position=position[kept], share=share[kept], covariance=np.eye(len(kept)))


@dataclass(frozen=True, kw_only=True)
class OverlappingWindows:
    """All windows: those that straddle the start in proportion, all with the covariance of rolling means.

    Quarters are taken as independent about an area's own level. The rounding of published shares is in the covariance:
    without it the weights would rest on differences finer than what is published.
    """

    @property
    def words(self) -> str:
        """What the effect table says of it."""
        return "all windows, their overlap modelled"

    def windows(self, values: Floats, share: Floats, position: Index, quarters: int, step: float) -> Windows:
        """As `WindowRule.windows`."""
        rounding = step**2 / 12 / k.quarter_variance(values, quarters, step)
        covariance = k.overlap_covariance(len(share), quarters) + rounding * np.eye(len(share))
        return Windows(position=position, share=share, covariance=covariance)


@dataclass(frozen=True, kw_only=True)
class PerceptionModel:
    """A model of a survey series.

    Parameters
    ----------
    rule : WindowRule
        How the overlap is handled.
    trend : bool
        Carry each area's straight line from before the start on after it.
    against_others : bool
        Take off what the other areas did: difference in differences, or with a trend a controlled interrupted time
        series. False looks at the area's own course alone.
    """

    rule: WindowRule = field(default_factory=ThinnedWindows)
    trend: bool = False
    against_others: bool = True

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        kind = {
            (False, True): "difference in differences",
            (True, True): "controlled interrupted time series",
            (True, False): "interrupted time series",
            (False, False): "before and after",
        }[self.trend, self.against_others]
        return f"{kind}, {self.rule.words}"

    @property
    def assumption(self) -> str:
        """The identifying assumption, in one sentence."""
        course = "kept to its straight line" if self.trend else "stayed at its level"
        if not self.against_others:
            return f"Without the programme the share would have {course}."
        return f"Without the programme the share, less the mean of the other areas, would have {course}."

    def effects(self, series: SurveySeries, measure: str, span: PerceptionSpan) -> PerceptionEffects:
        """The effect in every area, as if the programme had been there.

        Parameters
        ----------
        series : SurveySeries
        measure : str
        span : PerceptionSpan

        Raises
        ------
        DataError
            If there is no such measure.
        DesignError
            If there are fewer than three areas, or too few windows before or after the start.
        """
        values = series.require(measure)
        position = received(series, measure, span)
        share = shares_after(series, span)[position]
        used = self.rule.windows(values[:, position], share, position, series.quarters_per_window, series.step)
        _require_both_sides(used.share, measure, self.trend)
        columns = k.regressors(used.share, used.position, trend=self.trend)
        weights = k.effect_weights(columns, used.covariance)
        held = values[:, used.position]
        errors, degrees = k.standard_errors(
            k.against_others(held) if self.against_others else held, columns, used.covariance
        )
        return PerceptionEffects(
            measure=measure,
            model=self.name,
            own=held @ weights,
            relative=self.against_others,
            weights=weights,
            ends=tuple(series.ends[i] for i in used.position),
            share=used.share,
            std_errors=errors,
            degrees=degrees,
            left_out=tuple(e for i, e in enumerate(series.ends) if i not in set(used.position.tolist())),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PerceptionEffects:
    """Effects of one start in every area, each as a weighted sum of its windows.

    Parameters
    ----------
    measure, model : str
    own : float array, shape (units,)
        Weighted sum of the area's own windows.
    relative : bool
        Whether what the other areas did is to be taken off.
    weights : float array, shape (windows,)
        They sum to 0 over the windows, and to 1 over their shares after the start.
    ends : tuple of str
        Last months of the windows used.
    share : float array, shape (windows,)
        Share of each that lies after the start.
    std_errors : float array, shape (units,)
        By the model, from each area's own residuals; they do not see that opinions drift. NaN without degrees of
        freedom.
    degrees : int
    left_out : tuple of str
        Last months of the windows that are not used.
    """

    measure: str
    model: str
    own: Floats
    relative: bool
    weights: Floats
    ends: tuple[str, ...]
    share: Floats
    std_errors: Floats
    degrees: int
    left_out: tuple[str, ...]

    @property
    def effects(self) -> Floats:
        """Effect in each area, less the mean of all others where the model is relative; shape (units,)."""
        return k.against_others(self.own) if self.relative else self.own


def received(series: SurveySeries, measure: str, span: PerceptionSpan) -> Index:
    """Columns of the windows inside the span that every area has.

    Raises
    ------
    DesignError
        If there are fewer than three areas, or the windows have a gap.
    """
    series.require(measure)
    if len(series.units) < 3:
        raise DesignError(f"{len(series.units)} areas", where=f"perceptions, {measure}", expected="at least three")
    columns = np.flatnonzero(series.received[measure].all(axis=0) & span.holds(series.ends))
    if len(columns) and len(columns) != columns[-1] - columns[0] + 1:
        raise DesignError("a quarter is missing", where=f"perceptions, {measure}", expected="every quarter in between")
    return columns


def shares_after(series: SurveySeries, span: PerceptionSpan) -> Floats:
    """Share of each window that lies after the start, shape (ends,)."""
    months = series.months_per_window
    return np.array([months_after(e, span.start, months) / months for e in series.ends])


def last_before(series: SurveySeries, span: PerceptionSpan) -> str | None:
    """Last month of the last window that ends before the start; None if there is none."""
    ends = [e for e, share in zip(series.ends, shares_after(series, span), strict=True) if share == 0]
    return ends[-1] if ends else None


def _require_both_sides(share: Floats, measure: str, trend: bool) -> None:
    before, after = int((share == 0).sum()), int((share > 0).sum())
    needed = 2 if trend else 1
    if before < needed or not after:
        raise DesignError(
            f"{before} windows before the start and {after} after it",
            where=f"perceptions, {measure}",
            expected=f"at least {needed} before and one after",
            todo="Choose another start, or a longer span",
        )

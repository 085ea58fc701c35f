"""Conformal inference for one treated series: its months after the start among all cyclic shifts of its months."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from cseval.errors import DesignError, EstimationError, UsageError
from cseval.estimate import LOG
from cseval.inference.base import Inferred
from cseval.inference.requirements import SHIFTS, SHIFTS_BY_SIZE, Requirement

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats
    from cseval.inference.base import Placebos
    from cseval.inference.conformal_kernels import Series, Test

    Mask = npt.NDArray[np.bool_]

#: An effect on the log scale beyond this (a factor of 3,000) is no effect that a programme has.
LOG_LIMIT = 8.0
#: Sets whose shifts are computed at once, so that memory does not grow with their number.
CHUNK = 4096


class Scheme(Protocol):
    """Which months are compared with those after the start."""

    @property
    def label(self) -> str:
        """What the effect table calls it."""
        ...

    def windows(self, post: Mask) -> Floats:
        """Zeros and ones, shape (windows, months); the months after the start first."""
        ...


class Statistic(Protocol):
    """What is computed from the residuals of a window of months."""

    @property
    def label(self) -> str:
        """What the effect table calls it."""
        ...

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the months must be for it to tell an effect from none."""
        ...

    def of(self, residuals: Floats, windows: Floats) -> Floats:
        """The statistic of residuals (rows, months) in windows (windows, months), shape (rows, windows)."""
        ...


@dataclass(frozen=True, kw_only=True)
class MovingBlocks:
    """All cyclic shifts of the months: valid for residuals that are stationary and weakly dependent."""

    @property
    def label(self) -> str:
        """What the effect table calls it."""
        return "moving block"

    def windows(self, post: Mask) -> Floats:
        """The months after the start moved round the circle of months, shape (months, months)."""
        from cseval.inference.conformal_kernels import cyclic_windows

        return cyclic_windows(post)


@dataclass(frozen=True, kw_only=True)
class RandomMonths:
    """Any months: valid only for residuals that are independent, but with a finer p-value than shifts give.

    Parameters
    ----------
    draws, seed : int
    """

    draws: int = 1999
    seed: int = 0

    @property
    def label(self) -> str:
        """What the effect table calls it."""
        return "random months"

    def windows(self, post: Mask) -> Floats:
        """Random sets of as many months, shape (1 + draws, months)."""
        import numpy as np

        from cseval.inference.conformal_kernels import random_windows

        return random_windows(post, self.draws, np.random.default_rng(self.seed))


@dataclass(frozen=True, kw_only=True)
class MeanPower:
    """``S_q = (sum over the window of |u_t|^q)^(1/q)``, up to a factor that all windows share.

    It looks for months that fit badly, whatever their sign, so it needs fewer months after the start than before and
    has little power where they are nearly as many.

    Parameters
    ----------
    q : float
        At least 1; 1 is robust to single months that fit badly.
    """

    q: float = 1.0

    def __post_init__(self) -> None:
        if not self.q >= 1:
            raise UsageError(f"q={self.q}", where="conformal inference", expected="a number of at least 1")

    @property
    def label(self) -> str:
        """What the effect table calls it."""
        return f"S_{self.q:g}"

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """Enough months, fewer of them after the start."""
        return SHIFTS_BY_SIZE

    def of(self, residuals: Floats, windows: Floats) -> Floats:
        """The sum of powers; its q-th root would not change an order."""
        powers: Floats = abs(residuals) ** self.q @ windows.T
        return powers


@dataclass(frozen=True, kw_only=True)
class AbsoluteMean:
    """``|sum over the window of u_t|``: looks for a lasting change in one direction.

    Chernozhukov, Wuthrich and Zhu (2021), remark 1, allow any statistic of the residuals; this one has power against a
    constant effect however many months lie after the start.
    """

    @property
    def label(self) -> str:
        """What the effect table calls it."""
        return "mean"

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """Enough months."""
        return SHIFTS

    def of(self, residuals: Floats, windows: Floats) -> Floats:
        """The absolute sum."""
        sums: Floats = abs(residuals @ windows.T)
        return sums


@dataclass(frozen=True, kw_only=True)
class Conformal:
    """Test an effect by the residuals of the treated area as one series.

    Parameters
    ----------
    scheme : MovingBlocks or RandomMonths
    statistic : MeanPower or AbsoluteMean

    Notes
    -----
    Chernozhukov, Wuthrich and Zhu (2021), "An exact and robust conformal inference method for counterfactual and
    synthetic controls", section 2: the effect under test is taken off the months after the start, the proxy is fitted
    to all months, and the residuals of the months after the start are compared with those of every cyclic shift;
    ``p = share of shifts with S >= S_0``, the observed order included, so at least ``1 / T`` for T months. The
    proxy of a log ratio is a constant share of the comparison's count in the same month, with Pearson residuals; that
    of a difference of means is the comparison's mean plus a constant. A synthetic control is its own proxy, its weights
    fitted anew to all months under every effect that is tested, with plain residuals.

    The test is exact if the residuals are exchangeable, and approximately valid if they are stationary and weakly
    dependent; it uses no other place, so neighbours may share their shocks. Pearson residuals take the variance of a
    count after the effect was taken off to be that of a count of that size, so an interval around a large fall is
    too narrow and around a large rise too wide: on simulated Poisson counts, 48 months before and 12 after, the true
    effect is outside in 10 % of series for a fall of 18 % and 21 % for one of 39 % by `MeanPower`, in 6 % and 8 % by
    `AbsoluteMean`. Where the effects that are not rejected do not form an interval, the smallest one that holds them
    all is reported.

    With 24 months before and 18 after and a change of two standard deviations of a month, `MeanPower` rejects
    no effect in 9 % of series and `AbsoluteMean` in 94 %; with 48 before and 12 after in 79 % and 99 %.
    """

    scheme: Scheme = field(default_factory=MovingBlocks)
    statistic: Statistic = field(default_factory=MeanPower)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return f"conformal ({self.scheme.label}, {self.statistic.label})"

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the guard asks of the months."""
        return self.statistic.needs

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Test the null of no effect on the treated area as a whole, and invert the test.

        Raises
        ------
        DesignError
            If there are too few months for p to reach 0.05, or too many of them after the start for the statistic.
        EstimationError
            If a month has no incident in the comparison, or every constant effect is rejected.
        UsageError
            If the estimator has no proxy of its own and the estimate is not the difference in differences of the
            treated and comparison totals.
        """
        import numpy as np

        windows = self.scheme.windows(design.post)
        _require_months(self, design, len(windows))
        ratio = estimate.scale == LOG
        residuals = _own_residuals(design, estimator, estimate.effect, ratio)

        def test(effects: Floats) -> Floats:
            return self._p(residuals(effects), windows)

        p_value = float(test(np.zeros(1))[0])
        _require_p(p_value, design)
        low, high = _interval(test, estimate.effect, _first_step(design, estimate.effect, ratio), ratio, design)
        return Inferred(
            method=self.name,
            std_error=float("nan"),
            conf_low=low,
            conf_high=high,
            p_value=p_value,
            facts={"shifts": len(windows), "smallest_p": 1 / len(windows), "months": len(design.post)},
            note="the treated area as one series, compared with itself at other times",
        )

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Test no effect on each placebo's own series; NaN where a month of its comparison has no incident.

        With fewer than 20 months no p-value of the cyclic shifts reaches 0.05.
        """
        import numpy as np

        from cseval.inference.effect_scale import probed_scale

        design = tested.design
        ratio = probed_scale(design, tested.estimator) == LOG
        windows = self.scheme.windows(design.post)
        p: Floats = np.full(len(tested), np.nan)
        for first in range(0, len(tested), CHUNK):
            rows = np.arange(first, min(first + CHUNK, len(tested)))
            residuals = _residuals(design, tested.estimator, tested.sets.take(rows), ratio)
            p[rows] = self._p(residuals(np.zeros(len(rows))), windows)
        return p

    def _p(self, residuals: Floats, windows: Floats) -> Floats:
        """p-value of each row of residuals."""
        from cseval.inference.conformal_kernels import shift_p

        return shift_p(self.statistic.of(residuals, windows))


def _series(design: Design, sets: PlaceboSets) -> Series:
    from cseval.inference.conformal_kernels import series_of

    return series_of(design.counts, design.post, design.comparison, sets)


def _residuals(design: Design, estimator: Estimator, sets: PlaceboSets, ratio: bool) -> Test:
    """Function from effects to residuals: of the proxy of the estimator itself if it has one, else of the total."""
    from cseval.estimators.base import ProxyEstimator
    from cseval.inference.conformal_kernels import difference_residuals, ratio_residuals

    if isinstance(estimator, ProxyEstimator):
        return partial(estimator.proxy_residuals, design, sets)
    return partial(ratio_residuals if ratio else difference_residuals, _series(design, sets))


def _own_residuals(design: Design, estimator: Estimator, effect: float, ratio: bool) -> Test:
    """`_residuals` of the treated area; refused where the estimate is not the one whose proxy is used."""
    from cseval.estimators.base import ProxyEstimator

    if not isinstance(estimator, ProxyEstimator):
        _require_proxy(_series(design, design.own_set), effect, ratio)
    return _residuals(design, estimator, design.own_set, ratio)


def _first_step(design: Design, effect: float, ratio: bool) -> float:
    """How far from the estimate an end of the interval is first looked for."""
    import numpy as np

    if ratio:
        return abs(effect) + 0.05
    series = _series(design, design.own_set)
    return abs(effect) + float(np.std(series.treated / series.units)) + 1e-3


def _interval(test: Test, effect: float, step: float, ratio: bool, design: Design) -> tuple[float, float]:
    """The effects that are not rejected at 5 %, looked for from the estimate outwards."""
    import numpy as np

    from cseval.inference.conformal_kernels import not_rejected

    low, high = not_rejected(test, effect, step, LOG_LIMIT if ratio else 1e4 * step)
    if np.isnan(low):
        raise EstimationError(
            "every constant effect is rejected: the months after the start fit the comparison worse than the others",
            where=f"conformal inference of {design.outcome}",
            todo="Use the placebo neighbourhoods",
        )
    return low, high


def _require_p(p_value: float, design: Design) -> None:
    """Refuse a series whose residuals cannot be computed."""
    if not p_value >= 0:
        raise EstimationError(
            "the comparison has a month without an incident, so the proxy of that month has no variance",
            where=f"conformal inference of {design.outcome}",
            todo="Widen the comparison",
        )


def _require_months(options: Conformal, design: Design, windows: int) -> None:
    """Refuse months with which p cannot reach 0.05, in the words of the guard where it has any."""
    from cseval.inference.guard import situation_of
    from cseval.inference.requirements import Standing

    situation = situation_of(design, placebo_sets=0, disjoint_places=0)
    short = [n for n in options.needs if n.otherwise is Standing.REFUSED and not n.met(situation)]
    if short and (windows == len(design.post) or short[0] is not options.needs[0]):
        raise DesignError(short[0].because(situation).rstrip("."), where=f"conformal inference of {design.outcome}")
    if windows < 20:
        raise DesignError(f"{windows} windows of months", expected="at least 20, or p can never reach 0.05")


def _require_proxy(series: Series, effect: float, ratio: bool) -> None:
    """Refuse an estimate that is not the one whose proxy is used."""
    from cseval.inference.conformal_kernels import difference_effect, ratio_effect

    own = float((ratio_effect if ratio else difference_effect)(series)[0])
    if not abs(own - effect) <= 1e-6 * (1 + abs(effect)):
        raise UsageError(
            f"an estimate of {effect:.4f} where treated and comparison totals give {own:.4f}",
            where="conformal inference",
            expected="a difference in differences without covariates or a changing exposure",
        )

"""An estimate, in one schema whatever the estimator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cseval.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

#: Columns of ``effects.csv``, in order. ``estimate``, ``std_error`` and ``conf_*`` are on the estimation scale
#: (log for counts); ``percent_*`` are percentage changes; ``averted`` is counterfactual minus observed, so
#: positive means fewer incidents; ``false_positive_rate`` is how often the method named in ``inference``
#: rejects a true null at 5 % on this very data.
EFFECT_COLUMNS = (
    "evaluation analysis role outcome estimator estimand scale estimate std_error conf_low conf_high p_value "
    "inference percent_change percent_low percent_high observed counterfactual averted averted_low averted_high "
    "treated_units comparison_units pre_periods post_periods p_adjusted false_positive_rate verdict data"
).split()

LOG, COUNT = "log", "count"


def percent(log_ratio: float) -> float:
    """Percentage change of a log ratio: ``100 (exp(x) - 1)``."""
    return 100.0 * math.expm1(log_ratio)


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """What an estimator found.

    Parameters
    ----------
    estimator, estimand, outcome : str
    scale : {"log", "count"}
        ``log``: `effect` is a log ratio; ``count``: incidents per unit and month.
    effect, std_error, conf_low, conf_high, p_value : float
        On `scale`; the errors are those named by `inference`. NaN where not estimable.
    inference : str
        Name of the method behind the standard error, interval and p-value.
    observed, counterfactual : float
        Incidents in the treated units in the post period, as counted and as expected without the programme.
    treated_units, comparison_units, pre_periods, post_periods : int
    assumption : str
        The identifying assumption, in one sentence.
    coefficients : pandas.DataFrame or None
        Columns ``term, estimate, std_error, conf_low, conf_high, p_value``.
    path : pandas.DataFrame or None
        Columns ``period, observed, fitted, counterfactual, low, high``: the treated area as a whole.
    facts : mapping
        Facts of the fit (dispersion, iterations, degrees of freedom).
    tables : mapping of str to pandas.DataFrame
        Further tables of the estimator's own (donor weights, effects by event time), by the name of the file that
        they are written to.
    left_out, notes : tuple of str
    """

    estimator: str
    estimand: str
    outcome: str
    scale: str
    effect: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float
    inference: str
    observed: float
    counterfactual: float
    treated_units: int
    comparison_units: int
    pre_periods: int
    post_periods: int
    assumption: str
    coefficients: pd.DataFrame | None = None
    path: pd.DataFrame | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def on_scale(self, scale: str) -> tuple[float, float, float]:
        """Effect and interval as ``"log"``, ``"ratio"``, ``"percent"`` or ``"count"``.

        Raises
        ------
        UsageError
            If the estimate cannot be put on that scale.
        """
        return convert(self.scale, scale, (self.effect, self.conf_low, self.conf_high), self.observed_rate)

    @property
    def observed_rate(self) -> float:
        """Incidents per treated unit and post month, as counted."""
        return self.observed / (self.treated_units * self.post_periods)

    def averted(self, low: float | None = None, high: float | None = None) -> tuple[float, float, float]:
        """Incidents averted and their interval: counterfactual minus observed, positive = fewer.

        Parameters
        ----------
        low, high : float, optional
            Interval of the effect on the estimation scale; the estimate's own if left out.

        Notes
        -----
        On the log scale the counterfactual is ``observed / exp(effect)``, so each end of the effect's
        interval gives one end of the incidents averted.
        """
        low = self.conf_low if low is None else low
        high = self.conf_high if high is None else high
        return (self._averted(self.effect), self._averted(high), self._averted(low))

    def _averted(self, effect: float) -> float:
        if self.scale == LOG:
            return self.observed * math.expm1(-effect)
        return -effect * self.treated_units * self.post_periods


def convert(
    scale: str, target: str, values: tuple[float, float, float], observed_rate: float
) -> tuple[float, float, float]:
    """Put an effect and its interval on another scale.

    Parameters
    ----------
    scale : {"log", "count"}
        The scale the values are on.
    target : {"log", "count", "ratio", "percent"}
    values : tuple of float
    observed_rate : float
        Incidents per unit and month after the start, needed to turn a count into a percentage: each end of an
        interval has its own counterfactual, observed less effect.
    """
    if target == scale:
        return values
    if scale == LOG and target == "ratio":
        return _each(math.exp, values)
    if scale == LOG and target == "percent":
        return _each(percent, values)
    if scale == COUNT and target == "percent":
        return _each(lambda v: 100.0 * v / (observed_rate - v) if observed_rate > v else math.nan, values)
    raise UsageError(f"an effect on the {scale} scale as {target}", expected="log, ratio or percent")


def _each(function: Any, values: tuple[float, float, float]) -> tuple[float, float, float]:
    a, b, c = (function(v) for v in values)
    return a, b, c

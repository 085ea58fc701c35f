"""One monthly series on its calendar, and the estimate that a model of it with correlated errors makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cseval.errors import EstimationError
from cseval.estimate import COUNT, LOG, Estimate
from cseval.estimators.its_prediction import (
    Forecast,
    averted_frame,
    expected_count,
    forecast_course,
    path_frame,
    t_quantile,
)
from cseval.estimators.poisson_did import coefficient_frame, left_out
from cseval.estimators.segmented_series import require_both_sides, require_variation
from cseval.estimators.segmented_shapes import shape_columns
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design
    from cseval.estimators.its_prediction import Course
    from cseval.estimators.segmented_options import Interruption
    from cseval.estimators.segmented_shapes import Shape

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

ASSUMPTION = (
    "Without the programme, the incidents in the treated area would have followed the course that they had before it, "
    "as far as the months before the start tell it."
)
ONE_COURSE = (
    "The effect sets the months as counted against the model's forecast from the months before the start, as the "
    "counterfactual path and the table of incidents averted do, and its interval is that of the forecast's total. The "
    "programme's terms describe the shape of the change; they are among the coefficients."
)


class Options(Protocol):
    """What a model of one series can be told."""

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        ...

    @property
    def log(self) -> bool:
        """Whether the logs of the counts are modelled rather than the counts."""
        ...

    @property
    def changes(self) -> tuple[Shape, ...]:
        """Every shape of the programme's own change."""
        ...

    @property
    def interruptions(self) -> tuple[Interruption, ...]:
        """Other dated changes."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Calendar:
    """A series on every month from its first to its last used one.

    Parameters
    ----------
    y : float array, shape (n,)
        On the model's scale; 0 where a month is not used.
    used, post : bool array, shape (n,)
        Which months are used, and which of them are post.
    event_time : int array, shape (n,)
        Calendar months since the first post month.
    terms : tuple of str
    x : float array, shape (n, k)
        The programme's own terms and other dated changes.
    own : bool array, shape (k,)
        Which terms are the programme's.
    """

    y: Floats
    used: Mask
    post: Mask
    event_time: Index
    terms: tuple[str, ...]
    x: Floats
    own: Mask

    @property
    def before(self) -> int:
        """Calendar months from the first to the last used month before the start."""
        return int(np.flatnonzero(self.used & ~self.post)[-1]) + 1

    @property
    def missing(self) -> Floats:
        """One indicator for each month that is not used, shape (n, months)."""
        return np.eye(len(self.y))[:, ~self.used]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFit:
    """What a model of one series found, on its own scale.

    Parameters
    ----------
    terms : tuple of str
    coefficients : float array, shape (k,)
    covariance : float array, shape (k, k)
    df : float
        Degrees of freedom of Student's t; infinite for the normal distribution.
    own : bool array, shape (k,)
    own_columns : float array, shape (post months, own terms)
    fitted, error : float array, shape (used months,)
        Forecast one month ahead and its standard deviation; NaN where there is none.
    forecast : Forecast
    method : str
        Name of the errors in the effect table.
    facts : mapping
    notes : tuple of str
    """

    terms: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    df: float
    own: Mask
    own_columns: Floats
    fitted: Floats
    error: Floats
    forecast: Forecast
    method: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def calendar_of(options: Options, y: Floats, event_time: Index, first_post: str, where: str) -> Calendar:
    """The series on its calendar with its dated terms.

    Parameters
    ----------
    options : Options
    y : float array, shape (used months,)
        Counts.
    event_time : int array, shape (used months,)
        Calendar months since the first post month, ascending.
    first_post : str
    where : str
        Name of the model in an error.

    Raises
    ------
    EstimationError
        If the series is empty or constant, has a zero on the log scale, or too few months on either side of the start.
    """
    require_variation(y, where)
    own = shape_columns(options.changes, np.arange(event_time[0], event_time[-1] + 1))
    require_both_sides(event_time, len(own), where)
    if options.log and (y == 0).any():
        raise EstimationError(
            f"months without an incident have no log, and there are {int((y == 0).sum())}",
            where=where,
            todo="Use log=False",
        )
    time = np.arange(event_time[0], event_time[-1] + 1)
    at = event_time - event_time[0]
    values, used = np.zeros(len(time)), np.zeros(len(time), dtype=bool)
    values[at], used[at] = np.log(y) if options.log else y, True
    columns = dict(own)
    for other in options.interruptions:
        columns |= other.columns(time, first_post)
    return Calendar(
        y=values,
        used=used,
        post=used & (time >= 0),
        event_time=time,
        terms=tuple(columns),
        x=np.column_stack(list(columns.values())),
        own=np.array([t in own for t in columns]),
    )


def series_of(design: Design) -> tuple[Floats, Index, str]:
    """The treated area's monthly counts, their calendar months since the first post month, and that month."""
    first_post = add_months(design.start, design.transition)
    numbers = np.array([month_number(p) for p in design.periods], dtype=np.int64)
    counts: Floats = design.counts[design.is_treated].sum(axis=0).astype(float)
    return counts, numbers - month_number(first_post), first_post


@dataclass(frozen=True, kw_only=True, eq=False)
class Against:
    """What was counted after the start, against what was forecast.

    Parameters
    ----------
    effect, std_error, conf_low, conf_high, p_value : float
        On the estimation scale; the interval is at 95 %.
    """

    effect: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float


def forecast_effect(observed: float, course: Course, df: float, *, log: bool, by: float = 1.0) -> Against:
    """Effect over the post months by the forecast of their total.

    On the log scale ``log(observed / m)`` with m the expected total, and ends ``log(observed / upper)`` and
    ``log(observed / lower)`` from the ends of its prediction interval, so that ``observed expm1(-effect)`` and its ends
    are the last line of the table of incidents averted. Otherwise ``(observed - m) / by``. The standard error is the
    half width over the quantile of Student's t, and the p-value is that of the same t about the interval's middle: it
    is at most 0.05 exactly where the interval leaves out zero.

    Parameters
    ----------
    observed : float
        Incidents in the post months.
    course : Course
    df : float
        Degrees of freedom of Student's t.
    log : bool
    by : float
        Units times months, by which incidents are divided.
    """
    from scipy import special

    totals = np.array([course.total[-1], course.total_high[-1], course.total_low[-1]])
    effect, low, high = np.log(observed / totals) if log else (observed - totals) / by
    error = (high - low) / 2 / t_quantile(df)
    return Against(
        effect=float(effect),
        std_error=float(error),
        conf_low=float(low),
        conf_high=float(high),
        p_value=float(2 * special.stdtr(df, -abs(low + high) / 2 / error)),
    )


def total_effect(y: Floats, fit: ModelFit, *, log: bool) -> tuple[float, float]:
    """Change over the post months by the programme's terms alone, and its standard error; among the facts.

    On the log scale ``log sum y - log sum y exp(-x b)``: the incidents counted over those that the programme's terms
    leave. Otherwise the mean of ``x b`` in the post months. The error is by the delta method.

    Parameters
    ----------
    y : float array, shape (post months,)
        Counts.
    fit : ModelFit
    log : bool
    """
    beta, covariance = fit.coefficients[fit.own], fit.covariance[np.ix_(fit.own, fit.own)]
    change = fit.own_columns @ beta
    without = y * np.exp(-change) if log else np.ones(len(y))
    gradient = without @ fit.own_columns / without.sum()
    effect = np.log(y.sum() / without.sum()) if log else change.mean()
    return float(effect), float(gradient @ covariance @ gradient) ** 0.5


def assemble(options: Options, design: Design, fit: ModelFit) -> Estimate:
    """The Estimate, whose effect, counterfactual and table come from one forecast; see `forecast_effect`.

    Without logs the effect is put per treated unit and month.
    """
    counts, post = design.counts[design.is_treated].sum(axis=0).astype(float), design.post
    treated, months, observed = int(design.is_treated.sum()), int(post.sum()), float(counts[post].sum())
    by_terms, terms_error = total_effect(counts[post], fit, log=options.log)
    course = forecast_course(fit.fitted, fit.error, fit.forecast, post, fit.df, log=options.log)
    found = forecast_effect(observed, course, fit.df, log=options.log, by=float(treated * months))
    fitted = expected_count(fit.fitted, fit.error**2) if options.log else fit.fitted
    errors = np.sqrt(np.diag(fit.covariance))
    return Estimate(
        estimator=options.name,
        estimand="Change against the area's own projected course"
        + (", ratio of counts" if options.log else ", incidents per unit and month"),
        outcome=design.outcome,
        scale=LOG if options.log else COUNT,
        effect=found.effect,
        std_error=found.std_error,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        p_value=found.p_value,
        inference=fit.method,
        observed=observed,
        counterfactual=float(course.total[-1]),
        treated_units=treated,
        comparison_units=0,
        pre_periods=int((~post).sum()),
        post_periods=months,
        assumption=ASSUMPTION,
        coefficients=coefficient_frame(fit.terms, fit.coefficients, errors, fit.df),
        path=path_frame(design.periods, counts, fitted, course),
        facts={**fit.facts, "terms_effect": by_terms, "terms_std_error": terms_error},
        tables={"averted": averted_frame(design.periods, counts, post, course)},
        left_out=left_out(design),
        notes=(*fit.notes, ONE_COURSE),
    )

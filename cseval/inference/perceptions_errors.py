"""False alarms before the start: the same model at earlier starts, when there was nothing to find."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.estimators.perceptions import PerceptionModel, PerceptionSpan, last_before, received, shares_after
from cseval.estimators.perceptions_kernels import against_others, regressors, standard_errors
from cseval.inference.perceptions_ranks import LEVEL, rank_p_values
from cseval.months import add_months
from cseval.survey import QUARTER

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.survey import SurveySeries

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: Areas that count as like the treated one: those nearest to it in level before each earlier start.
ALIKE = 10
RANK, MODEL_T, INDEPENDENT_T = (
    "rank among areas",
    "t test by the model",
    "t test, every window taken as new answers",
)
OWN, LIKE, LOWEST, ALL = "the area itself", f"the {ALIKE} areas nearest in level", "the lowest area", "all areas"


@dataclass(frozen=True, kw_only=True)
class ErrorRate:
    """How often a method finds something where there was nothing.

    Parameters
    ----------
    method, population : str
    rate : float
        Share rejected at 5 %.
    tests, starts : int
        Tests made, at so many earlier starts. Those are a quarter apart and use overlapping data: they are worth fewer.
    mean_effect : float
        What the model found on average; for areas that were chosen by their level this is regression to the mean.
    """

    method: str
    population: str
    rate: float
    tests: int
    starts: int
    mean_effect: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _AtStart:
    """p-values by method, effects and the populations at one earlier start, each of shape (areas,)."""

    p_values: dict[str, Floats]
    effects: Floats
    populations: dict[str, Mask]


def earlier_starts(
    series: SurveySeries, measure: str, span: PerceptionSpan, model: PerceptionModel
) -> tuple[PerceptionSpan, ...]:
    """Earlier starts a quarter apart that the model can be fitted at on windows before the true start, latest first.

    Raises
    ------
    DataError, DesignError
        As `PerceptionModel.effects`.
    """
    last = last_before(series, span)
    found: list[PerceptionSpan] = []
    if last is None:
        return ()
    for back in range(1, len(series.ends)):
        early = PerceptionSpan(start=add_months(span.start, -QUARTER * back), last=last, first=span.first)
        if _possible(series, measure, early, model):
            found.append(early)
    return tuple(found)


def _possible(series: SurveySeries, measure: str, early: PerceptionSpan, model: PerceptionModel) -> bool:
    """Whether enough windows lie before the earlier start, and one wholly after it."""
    share = shares_after(series, early)[received(series, measure, early)]
    quarters = series.quarters_per_window
    before = int((share == 0).sum())
    needed = 1 + quarters if model.trend else 1
    return before >= needed and bool((share == 1).any())


def error_rates(
    series: SurveySeries, measure: str, unit: int, span: PerceptionSpan, model: PerceptionModel
) -> tuple[ErrorRate, ...]:
    """Measured false-positive rates of a model at all earlier starts, by method and population.

    Parameters
    ----------
    unit : int
        Position of the treated area.

    Returns
    -------
    tuple of ErrorRate
        Empty where the series is too short for an earlier start. Over all areas the rank rejects as often as it should
        by construction, so that tells only of the other methods.

    Raises
    ------
    DataError, DesignError
        As `PerceptionModel.effects`.
    """
    found = [_at(series, measure, unit, s, model) for s in earlier_starts(series, measure, span, model)]
    if not found:
        return ()
    return tuple(
        _rate(found, method, population) for method in found[0].p_values for population in found[0].populations
    )


def pooled_rates(rates: tuple[tuple[ErrorRate, ...], ...]) -> tuple[ErrorRate, ...]:
    """Rates of several measures together, by method and population."""
    groups: dict[tuple[str, str], list[ErrorRate]] = {}
    for rate in (r for several in rates for r in several):
        groups.setdefault((rate.method, rate.population), []).append(rate)
    return tuple(_pooled(parts) for parts in groups.values())


def _pooled(parts: list[ErrorRate]) -> ErrorRate:
    tests = sum(r.tests for r in parts)
    return ErrorRate(
        method=parts[0].method,
        population=parts[0].population,
        rate=math.fsum(r.rate * r.tests for r in parts) / tests,
        tests=tests,
        starts=max(r.starts for r in parts),
        mean_effect=math.fsum(r.mean_effect * r.tests for r in parts) / tests,
    )


def _at(series: SurveySeries, measure: str, unit: int, early: PerceptionSpan, model: PerceptionModel) -> _AtStart:
    found = model.effects(series, measure, early)
    p_values = {
        RANK: rank_p_values(found.own, relative=found.relative),
        MODEL_T: t_p_values(found.effects, found.std_errors, found.degrees),
        INDEPENDENT_T: independent_p_values(series, measure, early, model),
    }
    return _AtStart(
        p_values=p_values, effects=found.effects, populations=_populations(_level(series, measure, early), unit)
    )


def _level(series: SurveySeries, measure: str, early: PerceptionSpan) -> Floats:
    """Each area's share in the last window before a start."""
    position = received(series, measure, early)
    before = position[shares_after(series, early)[position] == 0]
    return np.asarray(series.require(measure)[:, before[-1]])


def _populations(level: Floats, unit: int) -> dict[str, Mask]:
    areas = np.arange(len(level))
    near = np.argsort(np.abs(level - level[unit]), kind="stable")
    near = near[near != unit][:ALIKE]
    return {
        OWN: areas == unit,
        LIKE: np.isin(areas, near),
        LOWEST: areas == int(np.argmin(level)),
        ALL: areas >= 0,
    }


def _rate(found: list[_AtStart], method: str, population: str) -> ErrorRate:
    rejected = np.concatenate([f.p_values[method][f.populations[population]] <= LEVEL for f in found])
    effects = np.concatenate([f.effects[f.populations[population]] for f in found])
    return ErrorRate(
        method=method,
        population=population,
        rate=float(rejected.mean()),
        tests=len(rejected),
        starts=len(found),
        mean_effect=float(effects.mean()),
    )


def independent_p_values(series: SurveySeries, measure: str, span: PerceptionSpan, model: PerceptionModel) -> Floats:
    """The p-value of every area by ordinary least squares on all windows, as if each were new answers.

    This is what not to do, kept to show what it would cost: windows that straddle the start count as after it.

    Raises
    ------
    DataError, DesignError
        As `PerceptionModel.effects`.
    """
    position = received(series, measure, span)
    values = series.require(measure)[:, position]
    held = against_others(values) if model.against_others else values
    after = (shares_after(series, span)[position] > 0).astype(float)
    columns = regressors(after, position, trend=model.trend)
    identity = np.eye(len(position))
    coefficient = held @ np.linalg.pinv(columns)[1]
    return t_p_values(coefficient, *standard_errors(held, columns, identity))


def t_p_values(effects: Floats, errors: Floats, degrees: int) -> Floats:
    """Two-sided p-values by the t distribution; 1 where there is no error or no degree of freedom."""
    from scipy.stats import t

    if degrees < 1:
        return np.ones(len(effects))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(effects) / errors
    return np.asarray(np.where(errors > 0, 2 * t.sf(ratio, degrees), 1.0))

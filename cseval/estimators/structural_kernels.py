"""Structural time series as covariance matrices: what a random level, slope and season add to each other's months."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.its_likelihood import Regression, concentrate, maximise

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

YEAR = 12
REACH = (-14.0, 5.0)


@dataclass(frozen=True, kw_only=True)
class Structure:
    """The components of a structural model, beside a level that is a random walk and an irregular part.

    Parameters
    ----------
    trend, random_trend : bool
        Whether the level has a slope, and whether that changes over time.
    season, random_season : bool
        Whether each month of the year has its own level, and whether that changes over time.
    """

    trend: bool = False
    random_trend: bool = False
    season: bool = False
    random_season: bool = False

    def __str__(self) -> str:
        trend = "random slope" if self.random_trend else "fixed slope"
        season = "changing season" if self.random_season else "fixed season"
        return ", ".join(["local level", *([trend] if self.trend else []), *([season] if self.season else [])])


def candidates(seasonal: bool) -> list[Structure]:
    """Every structure that is tried: no, fixed or random slope; no, fixed or changing season."""
    trends = [Structure(), Structure(trend=True), Structure(trend=True, random_trend=True)]
    more = [{"season": True}, {"season": True, "random_season": True}] if seasonal else []
    return [*trends, *(replace(t, **m) for m in more for t in trends)]


def fixed_columns(structure: Structure, event_time: Index, calendar_month: Index) -> dict[str, Floats]:
    """Regressors of the initial states, by name: level, slope, and each month of the year but January."""
    columns = {"level at the start": np.ones(len(event_time))}
    columns |= {"slope at the start": event_time.astype(float)} if structure.trend else {}
    months = range(2, YEAR + 1) if structure.season else ()
    return columns | {f"month {m:02d}": (calendar_month == m).astype(float) for m in months}


def random_parts(structure: Structure, months: int) -> list[Floats]:
    """Covariance matrices of the level, the slope and the season with shocks of variance 1, shape (n, n) each.

    In the state equations of Harvey (1989) and statsmodels' ``UnobservedComponents``: a shock to the level stays; one
    to the slope in month j adds ``t - j`` to month t; one to the season comes back every twelve months and is taken off
    the month after each, so that a year adds up to nothing.
    """
    since = np.subtract.outer(np.arange(months), np.arange(months))
    shocks = [np.where((since >= 0) & (np.arange(months) > 0), 1.0, 0.0)]
    if structure.random_trend:
        shocks.append(np.where(np.arange(months) > 0, np.maximum(since, 0), 0).astype(float))
    if structure.random_season:
        wave = (since % YEAR == 0).astype(float) - (since % YEAR == 1)
        shocks.append(np.where((since >= 0) & (np.arange(months) > 0), wave, 0.0))
    return [s @ s.T for s in shocks]


def mixture(parts: Sequence[Floats], logs: Floats) -> Floats:
    """Irregular part of variance 1 plus each part times the exponential of its log, shape (n, n)."""
    out = np.eye(len(parts[0]))
    for part, log in zip(parts, logs, strict=True):
        out += math.exp(log) * part
    return out


def likeliest(data: Regression, parts: Sequence[Floats], starts: int, precision: float = 1e-11) -> Floats:
    """Logs of the random parts' variances over that of the irregular part, by maximum likelihood.

    Raises
    ------
    EstimationError
        If the likelihood cannot be computed.
    """
    return maximise(data, lambda logs: mixture(parts, logs), [REACH] * len(parts), starts, precision)


def choose_structure(y: Floats, x: Floats, event_time: Index, calendar_month: Index) -> tuple[Structure, float, int]:
    """The structure with the lowest AICc on the months before the start, with its criterion and how many were tried.

    Initial states count as coefficients here, so that structures with different ones can be compared. Season is tried
    with two years or more.

    Parameters
    ----------
    y : float array, shape (n,)
    x : float array, shape (n, k)
        Other dated changes.
    event_time, calendar_month : int array, shape (n,)

    Raises
    ------
    EstimationError
        If there are too few months for any of them.
    """
    tried = candidates(len(y) >= 2 * YEAR)
    scored = [(_score(s, y, x, event_time, calendar_month), i) for i, s in enumerate(tried)]
    best, place = min(scored)
    if not math.isfinite(best):
        raise EstimationError(f"{len(y)} months before the start", where="structural model", expected="more months")
    return tried[place], best, len(tried)


def _score(structure: Structure, y: Floats, x: Floats, event_time: Index, calendar_month: Index) -> float:
    columns = list(fixed_columns(structure, event_time, calendar_month).values())
    design = np.column_stack([*columns, x])
    parts = [p[np.ix_(event_time - event_time[0], event_time - event_time[0])] for p in _parts(structure, event_time)]
    n, k = len(y), design.shape[1] + len(parts) + 1
    if n <= k + 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        return math.inf
    data = Regression(y=y, x=design, z=design[:, :0])
    found = concentrate(data, mixture(parts, likeliest(data, parts, 1, 1e-6)))
    return math.inf if found is None else -2 * found.llf + 2 * k * n / (n - k - 1)


def _parts(structure: Structure, event_time: Index) -> list[Floats]:
    return random_parts(structure, int(event_time[-1] - event_time[0]) + 1)


def conditional(correlation: Floats, z: Floats, before: int) -> tuple[Floats, Floats]:
    """How later months are forecast from the first `before` ones, and the covariance of the forecast's errors.

    With V the correlation, 1 the months before and 2 those after, and P the generalised least squares estimate of the
    initial states: ``Z2 P + V21 V11^-1 (1 - Z1 P)``. The errors hold those of the initial states.

    Parameters
    ----------
    correlation : float array, shape (n, n)
    z : float array, shape (n, m)
        Regressors of the initial states.
    before : int

    Returns
    -------
    weights : float array, shape (n - before, before)
    covariance : float array, shape (n - before, n - before)
    """
    own, across = correlation[:before, :before], correlation[before:, :before]
    solved = np.linalg.solve(own, np.column_stack([z[:before], across.T]))
    states, share = solved[:, : z.shape[1]], solved[:, z.shape[1] :].T
    spread = np.linalg.inv(z[:before].T @ states)
    gap = z[before:] - share @ z[:before]
    weights = share + gap @ spread @ states.T
    return np.asarray(weights, dtype=float), correlation[before:, before:] - share @ across.T + gap @ spread @ gap.T

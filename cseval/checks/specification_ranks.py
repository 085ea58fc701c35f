"""Every specification estimated and ranked among placebo neighbourhoods, and the curve they make as a whole.

Simonsohn, Simmons and Nelson (2020, "Specification curve analysis", Nature Human Behaviour 4) ask of a curve what it
would look like if there were no effect. Here placebo neighbourhoods, where nothing was done, are put through the very
same specifications.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.checks.specifications import Specification, design_for
from cseval.errors import CsevalError, DesignError, EstimationError
from cseval.estimate import LOG
from cseval.inference.likeness import FEWEST_SETS, cut_at_random, pre_trends, similar, similar_trend
from cseval.inference.placebo import CANDIDATES, as_placebo_estimator, critical_value, interval, p_values
from cseval.inference.placebo_draws import candidates
from cseval.inference.spread import Spread, scale_of, studentised

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import ManyEffects, PlaceboEstimator
    from cseval.inference.placebo import PlaceboNeighbourhoods

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

#: Comparison units against which a model is estimated, once, to learn the scale of its effect.
FEW_UNITS = 10

#: The exponential of more than this has no floating-point number.
MOST_LOG = 700.0

NO_RATIO = "the effect is not estimable, since a group has no incident in a period"
NO_SPREAD = "no interval: the placebo effects have no spread to compare with"
SLOW = "the model would have to be fitted anew for every placebo neighbourhood, which takes too long here"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one specification found.

    Parameters
    ----------
    specification : Specification
    registered : bool
        Whether it is the evaluation's own.
    change, low, high : float
        Effect and 95 % interval in per cent; NaN where not available.
    p_value : float
    reason : str
        Why there is no estimate, or none with an interval; empty if there is.
    """

    specification: Specification
    registered: bool
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan
    reason: str = ""

    @property
    def side(self) -> int:
        """-1 if the interval lies below zero, 1 if above, 0 if it holds zero or there is none."""
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True, kw_only=True)
class Joint:
    """The curve as a whole among placebo neighbourhoods put through the same specifications.

    Parameters
    ----------
    sets, specifications : int
        Placebo neighbourhoods, and specifications that all of them went through.
    median, share : float
        Median studentised effect of the treated area over the specifications, and the share of them in which its p is
        at most 0.05.
    median_p, share_p : float
        How often, among the placebo neighbourhoods and the treated area, a median is as far from zero and a share is
        as large.
    reason : str
        Why there is none of this, if there is not.
    """

    sets: int = 0
    specifications: int = 0
    median: float = math.nan
    share: float = math.nan
    median_p: float = math.nan
    share_p: float = math.nan
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Model:
    """A model with the scale of its effect, or why it is not run."""

    estimator: PlaceboEstimator
    scale: str = ""
    reason: str = ""


# One specification after another ----------------------------------------------------------------------


def estimate_all(
    context: CheckContext, specifications: Sequence[Specification], placebo: PlaceboNeighbourhoods
) -> tuple[list[Found], dict[int, Design]]:
    """Estimate every specification and rank it among its own placebo neighbourhoods, exactly as `placebo` does.

    Parameters
    ----------
    context : CheckContext
    specifications : sequence of Specification
        The registered one first.
    placebo : PlaceboNeighbourhoods

    Returns
    -------
    found : list of Found
        In the order given; one that cannot be made has a reason.
    designs : dict of int to Design
        By position, of those with an interval.
    """
    models = {e: _model(context, e) for e in dict.fromkeys(s.estimator for s in specifications)}
    found = [Found(specification=s, registered=i == 0) for i, s in enumerate(specifications)]
    designs: dict[int, Design] = {}
    for shared, rows in _by_design(specifications):
        try:
            design, sets = _made(context, shared, placebo)
        except CsevalError as error:
            for i in rows:
                found[i] = replace(found[i], reason=error.found)
            continue
        for i in rows:
            found[i] = _estimated(found[i], models[specifications[i].estimator], design, sets, placebo.spread)
            if math.isfinite(found[i].p_value):
                designs[i] = design
    return found, designs


def _made(
    context: CheckContext, specification: Specification, placebo: PlaceboNeighbourhoods
) -> tuple[Design, PlaceboSets | str]:
    """The design of a specification, and its placebo neighbourhoods or why there are none."""
    design = design_for(specification, context.evaluation, context.design.inputs)
    own = float(design.pre_counts[design.is_treated].sum())  # refused here if the window leaves the data
    return design, like_sets(design, placebo, own, context.seed)


def _by_design(specifications: Sequence[Specification]) -> Iterator[tuple[Specification, list[int]]]:
    """Specifications that differ in the model alone, as one of them and the positions of all."""
    groups: dict[Specification, list[int]] = {}
    for i, s in enumerate(specifications):
        groups.setdefault(replace(s, estimator=specifications[0].estimator), []).append(i)
    return iter(groups.items())


def _model(context: CheckContext, estimator: PlaceboEstimator) -> _Model:
    """The model and its scale, learned on the primary design with a few comparison units to save time."""
    if estimator == context.estimator:
        return _Model(estimator=estimator, scale=context.estimate.scale)
    design = context.design
    few = [u for u, keep in zip(design.units, design.comparison, strict=True) if keep][:FEW_UNITS]
    try:
        estimate = as_placebo_estimator(estimator).estimate(replace(design, pool=frozenset(few)))
    except (EstimationError, DesignError):  # too few units to learn from
        try:
            estimate = estimator.estimate(design)
        except EstimationError as error:
            return _Model(estimator=estimator, reason=error.found)
    slow = estimate.facts.get("method") == "iterated" or getattr(estimator, "covariates", ())
    return _Model(estimator=estimator, scale=estimate.scale, reason=SLOW if slow else "")


def like_sets(design: Design, placebo: PlaceboNeighbourhoods, own: float, seed: int) -> PlaceboSets | str:
    """The placebo neighbourhoods that `placebo` would rank this design among, or why there are none.

    Parameters
    ----------
    own : float
        Count of the treated area in the pre period.
    """
    try:
        members, _ = candidates(design, CANDIDATES * placebo.draws, seed)
    except DesignError as error:
        return error.found
    return design.sets(_like(design, members, placebo, own, seed))


def _like(design: Design, members: Index, placebo: PlaceboNeighbourhoods, own: float, seed: int) -> Index:
    """The sets that are like the treated area as `placebo` has it, at most as many as it draws."""
    which, _ = similar(design.pre_counts[members].sum(axis=1), own, members, placebo.match)
    if placebo.match_trend:
        trend = float(pre_trends(design, design.own_set)[0])
        near = design.sets(members[which])
        which = which[similar_trend(pre_trends(design, near), trend, near.members)[0]]
    return np.asarray(members[cut_at_random(which, placebo.draws, seed)])


def _estimated(found: Found, model: _Model, design: Design, sets: PlaceboSets | str, spread: Spread) -> Found:
    """What one model finds in a design, in per cent."""
    if model.reason:
        return replace(found, reason=model.reason)
    try:
        own = model.estimator.estimate_many(design, design.own_set)
    except EstimationError as error:
        return replace(found, reason=error.found)
    effect, rate = float(own.effect[0]), _observed_rate(design)
    if not math.isfinite(effect):
        return replace(found, reason=NO_RATIO)
    change = in_percent(model.scale, effect, rate)
    if isinstance(sets, str):
        return replace(found, change=change, reason=f"no interval: {sets}")
    reference = model.estimator.estimate_many(design, sets)
    coefficients = spread.coefficients(reference)
    unit = float(scale_of(own, coefficients)[0])
    if not math.isfinite(unit):
        return replace(found, change=change, reason=NO_SPREAD)
    statistics = studentised(reference, coefficients)
    low, high = _interval(own, coefficients, statistics)
    return replace(
        found,
        change=change,
        low=in_percent(model.scale, low, rate),
        high=in_percent(model.scale, high, rate),
        p_value=float(p_values(np.array([effect / unit]), statistics)[0]),
    )


def _interval(own: ManyEffects, coefficients: Floats, statistics: Floats) -> tuple[float, float]:
    """Ends of the 95 % interval of one effect, as `PlaceboNeighbourhoods.rank` has them, on the estimation scale."""
    return interval(own, coefficients, float(own.effect[0]), critical_value(statistics, 0.05))


def _observed_rate(design: Design) -> float:
    """Incidents per treated unit and post month, as counted."""
    return float(design.post_counts[design.is_treated].sum() / (design.is_treated.sum() * design.post.sum()))


def in_percent(scale: str, effect: float, observed_rate: float) -> float:
    """An effect or an end of its interval as a percentage change; infinite where no counterfactual is left.

    Parameters
    ----------
    scale : {"log", "count"}
    effect : float
        Log ratio, or incidents per unit and month.
    observed_rate : float
        Incidents per treated unit and post month; the counterfactual of a count is this less the effect.
    """
    if scale == LOG:
        return math.inf if effect > MOST_LOG else 100.0 * math.expm1(effect)
    if effect == -math.inf:
        return -100.0
    return math.inf if effect >= observed_rate else 100.0 * effect / (observed_rate - effect)


# The curve as a whole ---------------------------------------------------------------------------------


def rank_curve(
    context: CheckContext, found: Sequence[Found], designs: dict[int, Design], placebo: PlaceboNeighbourhoods
) -> Joint:
    """Put placebo neighbourhoods that every specification can use through all of them, and rank the treated area.

    Parameters
    ----------
    context : CheckContext
    found : sequence of Found
    designs : dict of int to Design
        By position in `found`, of the specifications with an interval.
    placebo : PlaceboNeighbourhoods
        How many are drawn, and how like the treated area they are to be in the registered specification.
    """
    if not designs:
        return Joint(reason="no specification has placebo neighbourhoods of its own")
    first = context.design
    shared = np.logical_and.reduce([first.comparison, *(d.comparison for d in designs.values())])
    pool = frozenset(u for u, keep in zip(first.units, shared, strict=True) if keep)
    if not pool:
        return Joint(reason="no comparison unit is common to all specifications")
    pooled = replace(first, pool=pool)
    try:
        members, _ = candidates(pooled, CANDIDATES * placebo.draws, context.seed)
    except DesignError as error:
        return Joint(reason=error.found)
    own = float(first.pre_counts[first.is_treated].sum())
    like = _like(pooled, members, placebo, own, context.seed)
    models = [(found[i].specification.estimator, d) for i, d in designs.items()]
    return joint_test(curve_statistics(models, like, placebo.spread))


def curve_statistics(models: Sequence[tuple[PlaceboEstimator, Design]], members: Index, spread: Spread) -> Floats:
    """Studentised effects of the treated area (first row) and of every placebo neighbourhood.

    Returns
    -------
    float array, shape (1 + sets, specifications)
        Infinite where a placebo effect cannot be computed.
    """
    sets: dict[tuple[bytes, int], PlaceboSets] = {}
    out = np.empty((1 + len(members), len(models)))
    for column, (estimator, design) in enumerate(models):
        key = (design.comparison.tobytes(), design.buffer_rings)
        if key not in sets:
            sets[key] = design.sets(members)
        reference = estimator.estimate_many(design, sets[key])
        coefficients = spread.coefficients(reference)
        own = estimator.estimate_many(design, design.own_set)
        out[0, column] = studentised(own, coefficients)[0]
        out[1:, column] = studentised(reference, coefficients)
    return out


def joint_test(statistics: Floats, level: float = 0.05) -> Joint:
    """Rank the first row's curve among all rows'.

    Each row's p-value in a column is the share of rows whose statistic is as far from zero. Then the first row's
    median over the columns, and its share of p-values of at most `level`, are ranked in the same way; by exchange of
    the rows each is uniform if the first row is a placebo like the others.

    Parameters
    ----------
    statistics : float array, shape (1 + sets, specifications)

    Raises
    ------
    DesignError
        With fewer than 19 placebo rows, when p could never reach 0.05.
    """
    rows = len(statistics)
    if rows <= FEWEST_SETS:
        raise DesignError(f"{rows - 1} placebo neighbourhoods", expected=f"at least {FEWEST_SETS}")
    size = np.abs(statistics)
    p = np.stack([_tail_share(column, column) for column in size.T], axis=1)
    medians = np.abs(np.median(statistics, axis=1))
    shares = (p <= level + 1e-12).mean(axis=1)
    return Joint(
        sets=rows - 1,
        specifications=statistics.shape[1],
        median=float(np.median(statistics[0])),
        share=float(shares[0]),
        median_p=float(_tail_share(medians[:1], medians)[0]),
        share_p=float(_tail_share(shares[:1], shares)[0]),
    )


def _tail_share(tested: Floats, among: Floats) -> Floats:
    """Share of `among` that is at least as large as each tested value; rounding counts against the finding."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, tested * (1 - 1e-12), side="left")
    return np.asarray((len(ordered) - below) / len(ordered), dtype=np.float64)

"""What averted incidents are worth, with the spread of the placebo draws; only where an effect is told from zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from cseval.defaults import DEFAULT_DRAWS, DEFAULT_SEED
from cseval.errors import UsageError
from cseval.money import NAN, BreakEven, Cost, Deflators, UnitCost, break_even, require_positive
from cseval.verdict import REDUCTION

#: A 95 % interval of fewer placebo draws would end at the largest of them.
LEAST_DRAWS = 40


@dataclass(frozen=True, kw_only=True)
class Averted:
    """Recorded incidents averted by a programme, as one analysis found them.

    Parameters
    ----------
    outcome : str
    middle, low, high : float
        Estimate and 95 % interval, positive = fewer; `high` may be infinite.
    verdict : str
        From the vocabulary of `cseval.verdict`.
    months : int
        Months over which they are counted.
    placebo : tuple of float
        The same for each placebo neighbourhood, where nothing was done, brought to the size of the treated area.

    Raises
    ------
    UsageError
        If a reduction is claimed whose interval holds zero, or that is no number.
    """

    outcome: str
    middle: float
    low: float
    high: float
    verdict: str
    months: int
    placebo: tuple[float, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        require_positive(self.months, "months")
        if self.verdict == REDUCTION and not 0 < self.low <= self.middle <= self.high:
            raise UsageError(
                f"{REDUCTION!r} with {self.middle} incidents averted, interval {self.low} to {self.high}",
                where=self.outcome,
                expected="an interval above 0 that holds the estimate",
            )


@dataclass(frozen=True, kw_only=True)
class MonteCarlo:
    """How uncertainty is drawn: how often, and from which seed."""

    draws: int = DEFAULT_DRAWS
    seed: int = DEFAULT_SEED


@dataclass(frozen=True, kw_only=True)
class Benefit:
    """What averted incidents are worth, each as estimate and ends of a 95 % interval.

    Parameters
    ----------
    averted : (float, float, float)
        Recorded incidents.
    value, net : (float, float, float)
        Pounds, before and after the cost.
    ratio : (float, float, float)
        Pounds of value for each pound of cost.
    cost_each : (float, float, float)
        Pounds for each recorded incident averted; its upper end is infinite where the interval reaches none averted.
    """

    averted: tuple[float, float, float]
    value: tuple[float, float, float]
    net: tuple[float, float, float]
    ratio: tuple[float, float, float]
    cost_each: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Appraisal:
    """Break-even of a programme for one outcome, and its benefit where one may be claimed.

    `cost` is that of the months of the effect; `benefit` is None where the verdict is anything but evidence of a
    reduction.
    """

    effect: Averted
    cost: Cost
    break_even: BreakEven
    benefit: Benefit | None


def appraise(
    effect: Averted,
    cost: Cost,
    unit: UnitCost,
    deflators: Deflators,
    *,
    yearly: float = NAN,
    uncertainty: MonteCarlo | None = None,
) -> Appraisal:
    """What a programme must avert to be worth its cost, and what it is worth if it averted any.

    Parameters
    ----------
    effect : Averted
    cost : Cost
        As many months of it are taken as the effect has.
    unit : UnitCost
        Of the outcome of the effect, as published.
    deflators : Deflators
    yearly : float
        As in `break_even`.
    uncertainty : MonteCarlo, optional

    Raises
    ------
    DataError
        As `break_even`.
    UsageError
        If the unit cost is of another outcome, or a benefit rests on too few placebo draws.

    Notes
    -----
    Only `cseval.verdict.REDUCTION` gives a benefit. The estimate less a placebo draw is what the truth may be, since a
    placebo draw is an error of the same method where the truth is none. The unit cost is taken as certain: its
    publishers give no interval. Where its multiplier is not known, a recorded offence is valued as one offence.
    """
    if unit.outcome != effect.outcome:
        raise UsageError(f"a unit cost of {unit.outcome}", where=effect.outcome, expected="one of the same outcome")
    paid = cost.over(effect.months)
    found = break_even(cost, unit, deflators, yearly=yearly)
    benefit = _benefit(effect, paid, found.unit, uncertainty or MonteCarlo()) if effect.verdict == REDUCTION else None
    return Appraisal(effect=effect, cost=paid, break_even=found, benefit=benefit)


def _benefit(effect: Averted, cost: Cost, unit: UnitCost, options: MonteCarlo) -> Benefit:
    low, high = averted_interval(effect.middle, effect.placebo, options)
    averted = (effect.middle, low, high)
    worth = unit.unit_cost if math.isnan(unit.multiplier) else unit.recorded_cost
    value = (worth * averted[0], worth * low, worth * high)
    return Benefit(
        averted=averted,
        value=value,
        net=(value[0] - cost.amount, value[1] - cost.amount, value[2] - cost.amount),
        ratio=(value[0] / cost.amount, value[1] / cost.amount, value[2] / cost.amount),
        cost_each=(_each(cost, effect.middle), _each(cost, high), _each(cost, low)),
    )


def averted_interval(middle: float, placebo: Sequence[float], options: MonteCarlo) -> tuple[float, float]:
    """95 % interval of incidents averted from the spread of the placebo draws.

    Raises
    ------
    UsageError
        If there are fewer than 40 draws, or one is no number.
    """
    import numpy as np

    errors = np.asarray(placebo, dtype=np.float64)
    if errors.size < LEAST_DRAWS or not np.isfinite(errors).all():
        found = f"{errors.size} placebo draws, {int(np.isfinite(errors).sum())} of them numbers"
        raise UsageError(found, expected=f"at least {LEAST_DRAWS}, all of them numbers")
    drawn = np.random.default_rng(options.seed).choice(errors, size=options.draws)
    low, high = np.quantile(middle - drawn, (0.025, 0.975))
    return float(low), float(high)


def _each(cost: Cost, averted: float) -> float:
    return cost.amount / averted if averted > 0 else math.inf

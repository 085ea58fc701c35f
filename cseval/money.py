"""What a programme cost against what it did: unit costs, price years, outputs, break-even; no files.

A unit cost is what one offence costs society, recorded by the police or not. Counts of the police are recorded
offences, and one of them stands for `UnitCost.multiplier` offences. Nothing here adds up costs of different editions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cseval.errors import DataError, UsageError

NAN = math.nan
MONTHS_A_YEAR = 12
#: How a paper gives a count: itself, "over" so many, rounded.
STATED, OVER, ABOUT = BOUNDS = ("stated", "over", "about")
#: A whole number of incidents that rounding errors alone lift is not lifted to the next.
_HAIR = 1e-9
_YEAR = re.compile(r"(\d{4})-(\d{2})")


# Prices -----------------------------------------------------------------------------------------------


def financial_year(text: str) -> int:
    """The calendar year in which a financial year written ``2021-22`` begins.

    Raises
    ------
    UsageError
        If it is not written so, or its two years do not follow each other.
    """
    match = _YEAR.fullmatch(text)
    if match is None or (int(match[1]) + 1) % 100 != int(match[2]):
        raise UsageError(f"{text!r} is not a financial year", expected="for example 2021-22")
    return int(match[1])


@dataclass(frozen=True, kw_only=True)
class Deflators:
    """A price index by financial year, of one publication.

    Parameters
    ----------
    index : mapping of str to float
        Financial year to index; any base.
    vintage, source : str
        Which issue of which publication.
    """

    index: Mapping[str, float]
    vintage: str
    source: str

    def factor(self, start: str, end: str) -> float:
        """What a sum in prices of one financial year is multiplied by to be in those of another.

        Raises
        ------
        DataError
            If the index has no value for one of them.
        """
        for year in (start, end):
            if year not in self.index:
                found = f"{year!r}" if year else "a sum without a price year"
                years = sorted(self.index)
                raise DataError(found, where="deflators", expected=f"a financial year from {years[0]} to {years[-1]}")
        return self.index[end] / self.index[start]


@dataclass(frozen=True, kw_only=True)
class UnitCost:
    """What one offence of a kind costs society, whether the police recorded it or not.

    Parameters
    ----------
    edition : str
        Which set of unit costs it belongs to; sets are never mixed.
    outcome, offence : str
        The outcome whose counts it values, and what the source calls it.
    unit_cost : float
        Pounds an offence in prices of `price_base`.
    price_base : str
        Financial year.
    multiplier : float
        Offences that one recorded offence stands for; NaN where the source gives none that could be verified.
    anticipation, consequence, response : float
        Its parts: precautions before, harm, police and courts after; NaN where not known.
    note, source, table, verified_in : str
        What it leaves out; where it was published, where in it, and where the figure was found quoted.
    """

    edition: str
    outcome: str
    offence: str
    unit_cost: float
    price_base: str
    multiplier: float = NAN
    anticipation: float = NAN
    consequence: float = NAN
    response: float = NAN
    note: str = ""
    source: str
    table: str
    verified_in: str

    @property
    def recorded_cost(self) -> float:
        """Pounds that one recorded offence stands for; NaN without a multiplier."""
        return self.unit_cost * self.multiplier

    @property
    def lasting_cost(self) -> float:
        """Pounds an offence without precautions, which nobody may give up for a few offences fewer; NaN if unknown."""
        return self.unit_cost - self.anticipation

    def at(self, year: str, deflators: Deflators) -> UnitCost:
        """The same in prices of another financial year; raises as `Deflators.factor`."""
        factor = deflators.factor(self.price_base, year)
        parts = {name: getattr(self, name) * factor for name in ("anticipation", "consequence", "response")}
        return replace(self, unit_cost=self.unit_cost * factor, price_base=year, **parts)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a programme cost over some months.

    Parameters
    ----------
    amount : float
        Pounds.
    months : int
    price_year : str
        Financial year of its prices; empty where a paper gives cash without a year.
    assumption : str
        What has to be assumed for it to hold, as the end of "if ..."; empty where a paper gives it as it stands.

    Raises
    ------
    UsageError
        If the amount is no number above 0, there is no month, or the year is none.
    """

    amount: float
    months: int
    price_year: str = ""
    assumption: str = ""

    def __post_init__(self) -> None:
        require_positive(self.amount, "amount")
        require_positive(self.months, "months")
        if self.price_year:
            financial_year(self.price_year)

    def over(self, months: int) -> Cost:
        """The same cost a month over another number of months."""
        return replace(self, amount=self.amount * months / self.months, months=months)

    def at(self, year: str, deflators: Deflators) -> Cost:
        """The same in prices of another financial year; raises as `Deflators.factor`."""
        return replace(self, amount=self.amount * deflators.factor(self.price_year, year), price_year=year)


# Outputs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Output:
    """A count of something that a programme did; `bound` is ``stated``, ``over`` or ``about``, as in the paper.

    `period` is when, in words.
    """

    what: str
    count: float
    bound: str = STATED
    period: str = ""


@dataclass(frozen=True, kw_only=True)
class OutputCost:
    """The whole cost divided by one output; costs of several outputs are of the same money and never add up.

    Parameters
    ----------
    output : Output
    cost : Cost
    each : float
        Pounds each; where the count is "over" so many, each cost less than this.
    per_officer_month : float
        Outputs per officer and month; NaN where officers in post are not known. With "over", more than this.
    """

    output: Output
    cost: Cost
    each: float
    per_officer_month: float = NAN


def cost_per_output(cost: Cost, output: Output, officer_months: float = NAN) -> OutputCost:
    """What each of an output cost if the whole cost is laid on it.

    Parameters
    ----------
    cost : Cost
        Of the period in which the outputs were counted.
    output : Output
    officer_months : float
        Of the same period; NaN if not known.

    Raises
    ------
    UsageError
        If the count is no number above 0 or its bound is none of the three.
    """
    require_positive(output.count, f"count of {output.what}")
    if output.bound not in BOUNDS:
        raise UsageError(f"bound {output.bound!r}", expected="one of " + ", ".join(BOUNDS))
    each = cost.amount / output.count
    return OutputCost(output=output, cost=cost, each=each, per_officer_month=output.count / officer_months)


def officer_months(posts: Iterable[tuple[int, int]], months: int) -> float:
    """Officers times months in post.

    Parameters
    ----------
    posts : iterable of (int, int)
        Officers, and the days on which there were so many; together the days of the period.
    months : int
        Calendar months of the period.

    Notes
    -----
    The mean number in post over the days, times the months, so that a full year of one officer is 12.
    """
    pairs = tuple(posts)
    days = sum(n for _, n in pairs)
    require_positive(days, "days in post")
    require_positive(months, "months")
    return months * sum(officers * n for officers, n in pairs) / days


def cost_per_officer_month(cost: Cost, months: float) -> float:
    """Pounds an officer and month, from officers times months in post; raises UsageError if that is not above 0."""
    require_positive(months, "officer-months")
    return cost.amount / months


# Break-even -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """How many offences of one kind a programme must avert in a year to be worth its cost.

    Parameters
    ----------
    cost : Cost
        Of twelve months.
    unit : UnitCost
        In the same prices.
    published : UnitCost
        The same as published.
    actual, recorded : float
        Offences in a year, recorded by the police or not, and recorded ones alone; the second is NaN without a
        multiplier.
    without_anticipation : float
        `actual` if nobody spends less on precautions because of it; NaN where that part of the cost is not known.
    yearly : float
        Offences recorded in the area in a year; NaN if not given.
    """

    cost: Cost
    unit: UnitCost
    published: UnitCost
    actual: float
    recorded: float
    without_anticipation: float
    yearly: float = NAN

    @property
    def share(self) -> float:
        """The whole recorded offences that reach it, of those recorded in a year; NaN where either is not known."""
        known = self.yearly > 0 and not math.isnan(self.recorded)
        return at_least(self.recorded) / self.yearly if known else NAN


def break_even(cost: Cost, unit: UnitCost, deflators: Deflators, *, yearly: float = NAN) -> BreakEven:
    """Offences of one kind that a year of a programme must avert.

    Parameters
    ----------
    cost : Cost
        Of any number of months; a year of it is taken.
    unit : UnitCost
        As published; it is brought to the price year of the cost.
    deflators : Deflators
    yearly : float
        Offences of this kind recorded in the area in a year.

    Raises
    ------
    DataError
        If cost or unit cost has no price year that the deflators hold.
    UsageError
        If `yearly` is negative.
    """
    if yearly < 0:
        raise UsageError(f"yearly={yearly}", expected="a count from 0 on, or NaN")
    year, priced = cost.over(MONTHS_A_YEAR), unit.at(cost.price_year, deflators)
    actual = year.amount / priced.unit_cost
    return BreakEven(
        cost=year,
        unit=priced,
        published=unit,
        actual=actual,
        recorded=actual / unit.multiplier,
        without_anticipation=year.amount / priced.lasting_cost if priced.lasting_cost > 0 else NAN,
        yearly=yearly,
    )


def at_least(count: float) -> int:
    """The smallest whole number of incidents that reaches a count."""
    return math.ceil(count - _HAIR * max(count, 1.0))


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One point of the break-even curve: offences averted in a year, and pounds gained or lost."""

    actual: float
    recorded: float
    net_benefit: float


def break_even_curve(found: BreakEven, points: int = 9) -> tuple[CurvePoint, ...]:
    """Offences averted against net benefit, from none to twice the break-even, which is the middle point.

    Raises
    ------
    UsageError
        If the points are not an odd number of at least 3.
    """
    if points < 3 or points % 2 == 0:
        raise UsageError(f"{points} points", expected="an odd number of at least 3, so that one is the break-even")
    shares = [2 * i / (points - 1) for i in range(points)]
    return tuple(
        CurvePoint(actual=s * found.actual, recorded=s * found.recorded, net_benefit=(s - 1.0) * found.cost.amount)
        for s in shares
    )


def require_positive(value: float, what: str) -> None:
    """Refuse a number that is none, or not above 0, with a UsageError that says what it is."""
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{what} {value}", expected="a number above 0")

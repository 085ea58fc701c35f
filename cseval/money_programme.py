"""What the Partnership Taskforce cost against what it did, from the papers' figures, and what those leave unknown."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from cseval import formats as f
from cseval.claims.records import Figures
from cseval.claims.register import COUNT, PROPOSED, YEARS, Activity
from cseval.costs import BUDGETS, IN_ALL, PER_CENT_OFF, YEARLY, Budget
from cseval.errors import DataError
from cseval.money import (
    MONTHS_A_YEAR,
    Cost,
    Deflators,
    Output,
    OutputCost,
    cost_per_officer_month,
    cost_per_output,
    officer_months,
)
from cseval.money_words import pounds, prices_words

TASKFORCE, UNIT = "partnership-taskforce", "asb-and-drug-suppression-unit"
#: The year that the board report gives outputs for, and the financial year of its prices.
FIRST, LAST, YEAR = datetime.date(2018, 4, 1), datetime.date(2019, 3, 31), "2018-19"
KNOWN_COSTS = (
    "What the Taskforce cost in any year is in neither paper: a sum was agreed in September 2017 for years that are "
    "not named, and the yearly price of 2021-22 is that of another unit. Every cost here rests on the assumption "
    "beside it, and none is what was spent."
)


def taskforce_costs(figures: Figures, budgets: Sequence[Budget], deflators: Deflators) -> tuple[OutputCost, ...]:
    """What each output of the Taskforce cost, under each cost that the papers allow to be laid on it.

    Parameters
    ----------
    figures : Figures
        Officers in post, and outputs: of the year to March 2019, and of three years without dates.
    budgets : sequence of Budget
    deflators : Deflators

    Returns
    -------
    tuple of OutputCost
        By output, those of the year first. Every cost rests on an assumption, which it names: that the sum agreed paid
        for three years in equal parts; or, for the year with officers in post, that an officer cost what the proposal
        for 2021-22 asks, or what it implies was asked before its reduction.

    Raises
    ------
    DataError
        If a figure or budget that this rests on is missing.
    """
    posts = figures.in_post(TASKFORCE, FIRST, LAST)
    months = officer_months(((row.officers, days) for row, days in posts), MONTHS_A_YEAR)
    agreed = agreement_cost(figures, budgets)
    in_year = (agreed.over(MONTHS_A_YEAR), *officer_costs(figures, budgets, deflators, months))
    counts = [a for a in figures.activities if (a.programme, a.unit) == (TASKFORCE, COUNT)]
    in_all = [cost_per_output(agreed, _output(a, "Three years, no dates given")) for a in counts if not a.first]
    dated = [a for a in counts if (a.first, a.last) == (FIRST.isoformat(), LAST.isoformat())]
    return (*(cost_per_output(c, _output(a, "Year to March 2019"), months) for a in dated for c in in_year), *in_all)


def agreement_cost(figures: Figures, budgets: Sequence[Budget]) -> Cost:
    """The sum agreed, as if it had paid for the years that the totals of the Taskforce cover.

    Raises
    ------
    DataError
        If the tables do not hold both.
    """
    agreed = _only(budgets, TASKFORCE, IN_ALL)
    years = next((a.value for a in figures.activities if (a.programme, a.unit) == (TASKFORCE, YEARS)), 0.0)
    if not years:
        raise DataError(f"no years that the totals of {TASKFORCE} cover", where="activities.csv", expected="one row")
    return Cost(
        amount=agreed.value,
        months=round(years * MONTHS_A_YEAR),
        price_year=agreed.price_base,
        assumption=f"the {pounds(agreed.value)} agreed paid for exactly {f.number_words(round(years))} years, in "
        "equal parts",
    )


def officer_costs(
    figures: Figures, budgets: Sequence[Budget], deflators: Deflators, months: float
) -> tuple[Cost, Cost]:
    """The officers in post in the year to March 2019 at the price of the proposal, and before its reduction.

    `months` is officers times months in post; raises DataError if a budget or the officers proposed are missing.
    """
    asked, off = _only(budgets, UNIT, YEARLY).cost, _only(budgets, UNIT, PER_CENT_OFF).value
    before = replace(asked, amount=asked.amount / (1.0 - off / 100.0))
    proposed = figures.only(UNIT, PROPOSED).officers * MONTHS_A_YEAR
    reduction = f"which is what the proposal implies before its reduction of {f.percent_text(off, digits=0)}"
    return (
        _priced(asked, months, proposed, "as the proposal asks", deflators),
        _priced(before, months, proposed, reduction, deflators),
    )


def _priced(asked: Cost, months: float, proposed: float, why: str, deflators: Deflators) -> Cost:
    """Months of officers at the price of the months proposed."""
    each = pounds(cost_per_officer_month(asked, proposed))
    return replace(
        asked.at(YEAR, deflators),
        amount=asked.at(YEAR, deflators).amount * months / proposed,
        assumption=f"an officer in post cost {each} a month in {prices_words(asked.price_year)}, {why}",
    )


def _output(activity: Activity, period: str) -> Output:
    return Output(what=activity.what, count=activity.value, bound=activity.bound, period=period)


def _only(budgets: Sequence[Budget], programme: str, kind: str) -> Budget:
    found = [b for b in budgets if (b.programme, b.kind) == (programme, kind)]
    if len(found) != 1:
        raise DataError(f"{len(found)} rows {kind!r} of {programme}", where=BUDGETS, expected="one")
    return found[0]

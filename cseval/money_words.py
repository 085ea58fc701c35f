"""Every sentence about money: costs of outputs, break-even, benefit, and why none is claimed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cseval import formats as f
from cseval.errors import UsageError
from cseval.money import ABOUT, OVER, BreakEven, Cost, Deflators, OutputCost, UnitCost, at_least
from cseval.money_benefit import Appraisal
from cseval.verdict import (
    INCREASE,
    NO_CLEAR_CHANGE,
    NOT_ESTIMABLE,
    UNRELIABLE,
    WEAK_INCREASE,
    WEAK_REDUCTION,
)

#: Why no benefit is claimed, by verdict; evidence of a reduction is the one verdict that is not here.
REFUSALS = {
    NO_CLEAR_CHANGE: "No benefit is claimed from an effect that cannot be told from zero.",
    WEAK_REDUCTION: "No benefit is claimed from a reduction that a check puts in doubt.",
    INCREASE: "Nothing is claimed in pounds, neither benefit nor harm, where recorded offences rose.",
    WEAK_INCREASE: "Nothing is claimed in pounds, neither benefit nor harm, where recorded offences rose.",
    UNRELIABLE: "No benefit is claimed from an estimate that is not reliable enough to read.",
    NOT_ESTIMABLE: "No benefit is claimed where the effect cannot be estimated.",
}
NEVER_ADDED = (
    "Each row lays the whole cost on one output. The same money paid for all of them, so costs per output must not be "
    "added up, and an output is not yet a benefit."
)
PICKED = (
    "A benefit is worked out only for a reduction that can be told from none, and effects picked so are on average "
    "larger than the true ones."
)
CERTAIN = (
    "The intervals are of the effect alone, from the spread of placebo neighbourhoods; the unit cost is taken as "
    "certain, since its publishers give no interval."
)
ONE_FOR_ONE = (
    "No multiplier of this edition could be verified, so each recorded offence is valued as one offence, which is too "
    "little where others go unrecorded."
)
SOCIETY = (
    "A unit cost is what an offence costs society: harm and loss to victims, police and courts, and precautions. It is "
    "not money that the council or the police save."
)
ALONE = "Each row stands alone: what must be averted of this offence if nothing else changes."
IN_STEP = (
    "Multipliers are of England and Wales, and suppose that offences which the police do not record fall in step with "
    "those they record."
)
PRECAUTIONS = (
    "Without precautions: the offences that must be averted if nobody spends less on locks, alarms and insurance "
    "because of them, which is likely where they are few."
)


# Amounts ----------------------------------------------------------------------------------------------


def pounds(value: float, *, digits: int = 0) -> str:
    """Pounds with thousands separators and a true minus sign before the sign of the pound: ``−£1,200``."""
    if not math.isfinite(value):
        return f.missing_text(value)
    text = f.decimal_text(value, digits=digits)
    return f"{f.MINUS}£{text[1:]}" if text.startswith(f.MINUS) else f"£{text}"


def prices_words(year: str) -> str:
    """What prices a sum is in: ``2021-22 prices``; for cash without a year, that."""
    return f"{year} prices" if year else "cash, no price year given"


def cost_words(cost: Cost) -> str:
    """A cost with its period and prices: ``£771,000 a year (2021-22 prices)``."""
    period = "a year" if cost.months == 12 else f"over {f.plural(cost.months, 'month')}"
    return f"{pounds(cost.amount)} {period} ({prices_words(cost.price_year)})"


def pounds_interval(low: float, high: float, *, digits: int = 0) -> str:
    """An interval of pounds: ``from £2,000 to £5,000``, or ``from £2,000 with no upper end``."""
    start = pounds(low, digits=digits)
    if math.isinf(high):
        return f"from {start} with no upper end"
    return f"from {start} to {pounds(high, digits=digits)}"


# Outputs ----------------------------------------------------------------------------------------------


def count_words(count: float, bound: str) -> str:
    """A count as a paper gives it: ``356``, ``over 350``, ``about 80``."""
    return f.count_text(count) if bound not in (OVER, ABOUT) else f"{bound} {f.count_text(count)}"


def each_words(found: OutputCost) -> str:
    """What each of an output cost: ``£2,809``, ``less than £2,857``, ``about £900``."""
    bound = {OVER: "less than ", ABOUT: "about "}.get(found.output.bound, "")
    return bound + pounds(found.each)


def output_sentence(found: OutputCost) -> str:
    """What each of an output cost, with what that assumes."""
    output, condition = found.output, f", if {found.cost.assumption}" if found.cost.assumption else ""
    return (
        f"At {cost_words(found.cost)}, each of {count_words(output.count, output.bound)} {output.what} cost "
        f"{each_words(found)}{condition}."
    )


# Break-even -------------------------------------------------------------------------------------------


def break_even_sentence(found: BreakEven) -> str:
    """How many offences of one kind must be averted in a year, recorded ones and all, and at what price."""
    start = f"At {cost_words(found.cost)}, a programme must avert at least"
    price = f"at {pounds(found.unit.unit_cost)} each ({prices_words(found.unit.price_base)})"
    actual = f.plural(at_least(found.actual), "offence")
    if math.isnan(found.recorded):
        return (
            f"{start} {actual} of {found.unit.offence} in a year, recorded by the police or not, to be worth its cost, "
            f"{price}; how many recorded ones that is cannot be said, since no multiplier of this edition could be "
            "verified."
        )
    recorded = f.plural(at_least(found.recorded), "recorded offence")
    exact = [f.decimal_text(v, digits=1) for v in (found.recorded, found.actual)]
    return (
        f"{start} {recorded} of {found.unit.offence} in a year to be worth its cost, {price}: the break-even is "
        f"{exact[0]}, which is {exact[1]} recorded or not, since one recorded offence stands for "
        f"{f.decimal_text(found.unit.multiplier)}."
    )


def share_sentence(found: BreakEven, where: str, when: str) -> str:
    """What part of the offences recorded in a year the break-even is; empty where either number is not known.

    `where` and `when` are in words: ``Tower Hamlets``, ``the year to March 2020``.
    """
    if math.isnan(found.share):
        return ""
    of = f"the {f.count_text(found.yearly)} recorded in {where} in {when}"
    if at_least(found.recorded) > found.yearly:
        return f"That is more than {of}: on this offence alone the programme cannot be worth its cost."
    return f"That is {f.rate_text(found.share)} of {of}."


# Benefit ----------------------------------------------------------------------------------------------


def refusal(verdict: str) -> str:
    """Why no benefit is claimed under a verdict.

    Raises
    ------
    UsageError
        If the verdict allows one, or is none.
    """
    if verdict not in REFUSALS:
        raise UsageError(f"verdict {verdict!r}", expected="one of " + ", ".join(REFUSALS))
    return REFUSALS[verdict]


def benefit_sentences(found: Appraisal) -> tuple[str, ...]:
    """What averted offences are worth against the cost; where none is claimed, why, and the break-even alone."""
    if found.benefit is None:
        return (refusal(found.effect.verdict), break_even_sentence(found.break_even))
    value, ratio, each = found.benefit.value, found.benefit.ratio, found.benefit.cost_each
    unit = found.break_even.unit
    worth = (
        f"The recorded offences of {unit.offence} averted are worth {pounds(value[0])} (95% interval "
        f"{pounds_interval(*value[1:])}) against a cost of {cost_words(found.cost)}: {pounds(ratio[0], digits=2)} for "
        f"each £1 (95% interval {pounds_interval(*ratio[1:], digits=2)})."
    )
    price = f"Each recorded offence averted cost {pounds(each[0])} (95% interval {pounds_interval(*each[1:])})."
    return (worth, price, ONE_FOR_ONE if math.isnan(unit.multiplier) else IN_STEP, CERTAIN, PICKED)


# Notes ------------------------------------------------------------------------------------------------


def price_note(units: Iterable[UnitCost], deflators: Deflators) -> str:
    """Where unit costs and index come from."""
    sources = dict.fromkeys(f"{u.source} ({prices_words(u.price_base)})" for u in units)
    return f"Unit costs: {'; '.join(sources)}. Price index: {deflators.source}, {deflators.vintage}."


def unit_notes(units: Sequence[UnitCost]) -> tuple[str, ...]:
    """What the unit costs leave out, each note once, with the offences or the whole edition that it is about."""
    offences: dict[str, list[UnitCost]] = {}
    for unit in units:
        for note in filter(None, unit.note.split("; ")):
            offences.setdefault(note, []).append(unit)
    return tuple(f.full_stop(f"{_about(found, units)}: {note}") for note, found in offences.items())


def _about(found: Sequence[UnitCost], units: Sequence[UnitCost]) -> str:
    edition = [u for u in units if u.edition == found[0].edition]
    if len(found) > 1 and list(found) == edition:
        return f"All of {found[0].edition}"
    return f.sentence_case(f.joined(list(dict.fromkeys(u.offence for u in found))))

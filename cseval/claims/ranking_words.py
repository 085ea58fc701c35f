"""What a ranking says, in sentences that a councillor can read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cseval.claims import phrases as words

if TYPE_CHECKING:
    from cseval.claims.ranking import BiggestDecrease, RankedChanges
    from cseval.inputs import Inputs


def sentence_of(claim: BiggestDecrease, inputs: Inputs, found: RankedChanges) -> str:
    """The finding: the change, the rank with what chance leaves open, and what was to be expected."""
    name = words.unit_name(inputs, claim.unit)
    parts = (
        _change(claim, name, found),
        _rank(claim, found),
        _open(found),
        _largest(claim, inputs, found),
        _expectation(found),
    )
    return " ".join(p for p in parts if p)


def _change(claim: BiggestDecrease, name: str, found: RankedChanges) -> str:
    from cseval.inference.ranks_changes import change_interval

    own = found.own
    before, after = found.before[own], found.after[own]
    text = (
        f"Recorded {words.plain_words(found.outcome)} in {name} went from {before:,.0f} in "
        f"{words.period_words(*claim.before)} to {after:,.0f} in {words.period_words(*claim.after)}"
    )
    if not found.defined[own]:
        return f"{text}; with nothing recorded before, a change in per cent is not defined."
    low, high = (float(ends[own]) for ends in change_interval(found.before, found.after, found.variance))
    change = words.change_words(float(found.percent[own]))
    together = words.change_words(100 * math.expm1(found.common))
    interval = words.span_words(low, high)
    return f"{text}: {change} (95% interval {interval}), against {together} in {claim.whole} as a whole."


def _rank(claim: BiggestDecrease, found: RankedChanges) -> str:
    from cseval.inference.ranks import ranks

    by_number = words.ordinal(int(ranks(found.after - found.before)[found.own]))
    units = f"{len(found.units)} {words.plural(claim.kind)}"
    if not (found.relative and found.relative.own):
        return f"As recorded it stands {by_number} of {units} in number, from the largest fall down."
    at = int(found.defined[: found.own].sum())
    by_percent = words.ordinal(int(ranks(found.percent[found.defined])[at]))
    among = units if found.defined.all() else f"{int(found.defined.sum())} {words.plural(claim.kind)}"
    return (
        f"As recorded it stands {by_percent} of {among} in per cent and {by_number} of {units} in number, "
        "from the largest fall down."
    )


def _open(found: RankedChanges) -> str:
    """Ranks that chance leaves open, and by what it is judged."""
    by_months = found.variance_from == words.FROM_MONTHS
    chance = "Chance, judged from months," if by_months else "Chance, as large as it was in earlier years,"
    number = words.set_words(*found.number.own) if found.number.own else ""
    if not (found.relative and found.relative.own):
        return f"{chance} leaves {number} open."
    percent = words.set_words(*found.relative.own)
    if percent == number:
        return f"{chance} leaves {percent} open by either measure."
    return f"{chance} leaves {percent} open in per cent and {number} in number."


def _largest(claim: BiggestDecrease, inputs: Inputs, found: RankedChanges) -> str:
    """Which unit has the largest recorded fall in per cent, unless it is the unit itself."""
    import numpy as np

    if not found.defined.any() or not np.nanmin(found.percent) < 0:
        return ""
    first = int(np.nanargmin(found.percent))
    if found.percent[first] == found.percent[found.own]:
        return ""
    where = words.unit_name(inputs, found.units[first])
    return f"The largest fall in per cent was recorded in {where} ({words.change_words(float(found.percent[first]))})."


def _expectation(found: RankedChanges) -> str:
    if found.expected is None:
        return ""
    own = found.own
    change = words.change_words(100 * math.expm1(float(found.expected.log_change[own])))
    return (
        f"From the common change of that year and its own earlier level, regression to the mean included, one would "
        f"expect {change}, "
        f"a rank of about {found.expected.rank[own]:.0f}, and the largest fall of all with a probability of "
        f"{words.probability_words(float(found.expected.first[own]))} in per cent and "
        f"{words.probability_words(float(found.expected.first_number[own]))} in number."
    )


def caveat_of(claim: BiggestDecrease, inputs: Inputs, found: RankedChanges) -> str:
    """How far this is from the statement's own words; empty if it is not."""
    parts = []
    if found.outcome not in claim.exact:
        parts.append(words.another_outcome(claim.subject, found.outcome, claim.needed))
    if found.left_out:
        names = ", ".join(words.unit_name(inputs, u) for u in found.left_out)
        parts.append(f"Left out of the ranking because months are missing: {names}.")
    if found.variance_from == words.FROM_MONTHS:
        parts.append(
            "There are no earlier years, so chance is judged from months and the sets of ranks are too narrow."
        )
    return " ".join(parts)

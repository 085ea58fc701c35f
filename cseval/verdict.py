"""The rules that turn an estimate, its measured error rate and the checks into a verdict, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cseval.checks.base import CheckResult

REDUCTION = "evidence of a reduction"
INCREASE = "evidence of an increase"
WEAK_REDUCTION = "some evidence of a reduction, weakened by a check"
WEAK_INCREASE = "some evidence of an increase, weakened by a check"
NO_CLEAR_CHANGE = "no clear evidence of a change"
UNRELIABLE = "not reliable enough to read"
NOT_ESTIMABLE = "cannot be estimated"
VOCABULARY = (REDUCTION, INCREASE, WEAK_REDUCTION, WEAK_INCREASE, NO_CLEAR_CHANGE, UNRELIABLE, NOT_ESTIMABLE)

#: A test that rejects more than this share of true nulls at the 5 % level is not read; one above the other weakly.
WORST_RATE, RAISED_RATE = 0.15, 0.10
#: What a clear finding becomes when something weakens it.
WEAKER = {REDUCTION: WEAK_REDUCTION, INCREASE: WEAK_INCREASE}


def read_interval(conf_low: float, conf_high: float) -> str:
    """What an interval says by itself: wholly below zero, wholly above, or spanning it; an end may be infinite."""
    if math.isnan(conf_low) or math.isnan(conf_high):
        return NOT_ESTIMABLE
    if conf_high < 0:
        return REDUCTION
    return INCREASE if conf_low > 0 else NO_CLEAR_CHANGE


def analysis_verdict(conf_low: float, conf_high: float, rate: float, reliable: bool = True) -> str:
    """Verdict of one analysis.

    Parameters
    ----------
    conf_low, conf_high : float
        95 % interval of its registered method.
    rate : float
        That method's measured false-positive rate at 5 % on these data, the highest over the placebo populations; NaN
        if it could not be measured.
    reliable : bool
        Whether the method is known to keep its error rate here.

    Notes
    -----
    A clear finding by a method that is unreliable, or that rejects more than 15 % of true nulls, is not read; by one
    that rejects more than 10 % it is weakened.
    An interval that spans zero under such a method is still no clear evidence, since its errors are too small.
    """
    reading = read_interval(conf_low, conf_high)
    doubtful = not reliable or (math.isfinite(rate) and rate > WORST_RATE)
    if doubtful and reading in WEAKER:
        return UNRELIABLE
    return WEAKER.get(reading, reading) if math.isfinite(rate) and rate > RAISED_RATE else reading


def primary_verdict(reading: str, checks: Sequence[CheckResult]) -> str:
    """Verdict of the evaluation: a clear finding is weakened if a check that bears on it raises concern."""
    raised = any(c.verdict == "concern" for c in checks)
    return WEAKER.get(reading, reading) if raised else reading


def secondary_verdict(reading: str, p_adjusted: float, level: float = 0.05) -> str:
    """Verdict of a secondary outcome: a clear finding that does not survive the number of outcomes is weakened.

    `p_adjusted` is NaN where nothing was adjusted.
    """
    return WEAKER.get(reading, reading) if math.isfinite(p_adjusted) and p_adjusted >= level else reading


def evidence_statement(checks: Sequence[CheckResult]) -> str:
    """The level of the Maryland Scientific Methods Scale this design reaches, and why not higher."""
    raised = [c.name for c in checks if c.verdict == "concern"]
    why = (
        "areas were not chosen at random, so level 5 is out of reach, and nothing like a lottery decided between them, "
    )
    why += "so level 4 is too"
    level = "Level 3"
    if any(c.name == "pre-trends" and c.verdict == "concern" for c in checks):
        level = "Level 2"
        why += "; the treated area moved apart from the comparison before the start, so level 3 is not reached either"
    concern = f" Checks that raise concern: {', '.join(raised)}." if raised else " No check raises concern."
    return (
        f"{level} of the Maryland Scientific Methods Scale as read by the What Works Centre for Local Economic Growth "
        f"(before and after, against comparison areas): {why}.{concern}"
    )

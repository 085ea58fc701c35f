"""Sentences about an effect: estimate, interval, absolute number, plain reading, caveat, in that order."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cseval.estimate import LOG, percent
from cseval.verdict import (
    INCREASE,
    NO_CLEAR_CHANGE,
    NOT_ESTIMABLE,
    REDUCTION,
    UNRELIABLE,
    WEAK_INCREASE,
    WEAK_REDUCTION,
    WORST_RATE,
)

MINUS = "\N{MINUS SIGN}"

OUTCOME_NAMES = {
    "anti_social_behaviour": "anti-social behaviour",
    "possession_of_article_with_blade_or_point": "possession of a blade",
    "robbery_of_personal_property": "personal robbery",
    "disorder": "disorder (arson, criminal damage and public order offences)",
}

#: How the sentence on a finding begins.
OPENINGS = {
    REDUCTION: "There is evidence of a reduction in",
    INCREASE: "There is evidence of an increase in",
    WEAK_REDUCTION: "There is some evidence of a reduction in",
    WEAK_INCREASE: "There is some evidence of an increase in",
    UNRELIABLE: "The method used here is not reliable enough to read a change in",
}


def outcome_words(outcome: str) -> str:
    """An outcome as prose says it."""
    return OUTCOME_NAMES.get(outcome, outcome.replace("_", " "))


def fall_or_rise(log_effect: float) -> str:
    """A log effect as ``9.8% fall`` or ``4.1% rise``."""
    change = percent(log_effect)
    return f"{abs(change):.1f}% {'fall' if change < 0 else 'rise'}"


def class_words(value: object) -> str:
    """The class of an object as words: that of ``PreTrends()`` is ``pre trends``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in type(value).__name__).strip()


def an(phrase: str) -> str:
    """The phrase with ``a`` or ``an`` as its number is spoken (an 8, an 11, an 18)."""
    spoken_with_vowel = phrase.startswith("8") or phrase.split(".")[0].split("%")[0] in ("11", "18")
    return f"{'an' if spoken_with_vowel else 'a'} {phrase}"


def p_words(p: float) -> str:
    """A p-value as print has it: ``p < 0.001``, ``p = 0.25``."""
    if math.isnan(p):
        return "p not available"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.01 else f"p = {p:.2f}"


def rates_words(rates: Sequence[float]) -> str:
    """Measured error rates as one cell, ``5.0 / 7.9 / 2.8%``; those that were not measured are left out."""
    known = [f"{100 * r:.1f}" for r in rates if math.isfinite(r)]
    return " / ".join(known) + "%" if known else "not measured"


def incidents_words(averted: tuple[float, float, float]) -> str:
    """Incidents averted and their interval in words, with the direction said."""
    middle, low, high = (round(a) for a in averted)
    count = f"{abs(middle):,} {'fewer' if middle >= 0 else 'more'} incident{'' if abs(middle) == 1 else 's'}"
    return f"about {count} than expected (95% interval from {_signed(low)} to {_signed(high)})"


def _signed(averted: int) -> str:
    if averted == 0:
        return "none"
    return f"{abs(averted):,} {'fewer' if averted > 0 else 'more'}"


def reading(
    *,
    scale: str,
    outcome: str,
    effect: float,
    conf_low: float,
    conf_high: float,
    verdict: str,
    averted: tuple[float, float, float],
    detectable: tuple[float, float] = (math.nan, math.nan),
    against: str = "the comparison areas",
    rate: float = math.nan,
) -> str:
    """The effect in words.

    Parameters
    ----------
    scale : {"log", "count"}
    outcome : str
    effect, conf_low, conf_high : float
        On `scale`.
    verdict : str
        From the vocabulary of `cseval.verdict`.
    averted : tuple of float
        Incidents averted, low and high end.
    detectable : tuple of float
        Smallest fall and smallest rise, in per cent, that the test would have detected four times in five.
    against : str
        What the expectation comes from.
    rate : float
        Measured false-positive rate of the method at 5 %; where it is above `verdict.WORST_RATE`, the interval is not
        said to hold what the data are consistent with.
    """
    what = outcome_words(outcome)
    if verdict == NOT_ESTIMABLE:
        return f"The change in {what} cannot be estimated from these data."
    if scale != LOG:
        return _count_reading(what, effect, conf_low, conf_high, verdict) + _too_narrow(verdict, rate)
    low, high = fall_or_rise(conf_low), fall_or_rise(conf_high)
    if verdict == NO_CLEAR_CHANGE:
        found = f"The estimate is {an(fall_or_rise(effect))}."
        if too_often(rate):
            return f"There is no clear evidence of a change in {what}.{_too_narrow(verdict, rate)} {found}"
        span = _span(conf_low, conf_high)
        return f"There is no clear evidence of a change in {what}; {span}. {found}{_detectable(detectable)}"
    start = OPENINGS[verdict]
    return (
        f"{start} {what}: {an(fall_or_rise(effect))} (95% interval from {an(low)} to {an(high)}), "
        f"{incidents_words(averted)}, compared with what would have been expected from {against}."
    )


def _span(conf_low: float, conf_high: float) -> str:
    """What an interval that spans zero leaves possible, or that it has no end."""
    if conf_low > 0 or conf_high < 0 or not math.isfinite(conf_low + conf_high):
        return "the interval has no end that these data can give"
    low, high = (an(fall_or_rise(end)) for end in (conf_low, conf_high))
    return f"the data are consistent with anything from {low} to {high}"


def too_often(rate: float) -> bool:
    """Whether a method rejects so many true nulls that its interval is not read."""
    return math.isfinite(rate) and rate > WORST_RATE


def _too_narrow(verdict: str, rate: float) -> str:
    """That an interval which spans zero is far too narrow, with the rate that says so; nothing where it is not."""
    if verdict != NO_CLEAR_CHANGE or not too_often(rate):
        return ""
    return (
        f" The interval of this method is far too narrow here: where nothing was done, it finds a change "
        f"{100 * rate:.0f}% of the time instead of 5%, so the data are consistent with far more than it holds."
    )


def _detectable(detectable: tuple[float, float]) -> str:
    fall, rise = detectable
    if not (math.isfinite(fall) and math.isfinite(rise)):
        return ""
    return f" A fall of {abs(fall):.0f}% or a rise of {rise:.0f}% would have been detected four times in five."


def _count_reading(what: str, effect: float, low: float, high: float, verdict: str) -> str:
    shown = [f"{v:+.2f}".replace("-", MINUS) for v in (effect, low, high)]
    return (
        f"{verdict[0].upper()}{verdict[1:]}: {shown[0]} {what} incidents per unit and month "
        f"(95% interval from {shown[1]} to {shown[2]})."
    )

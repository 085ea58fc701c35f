"""The sentences about an effect: estimate, interval, absolute number, plain reading, caveat, in that order.

Report, page, paper and screen all say what `sentences` makes of a `Finding`; nothing else puts an effect in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cseval import formats as f
from cseval.disclosure import Withheld, withheld_sentence
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

NAN = math.nan
EVERYTHING = "The estimate is of everything that changed in the treated area at that time, not of the programme alone."

#: How the sentence on a finding begins.
OPENINGS = {
    REDUCTION: "There is evidence of a reduction in",
    INCREASE: "There is evidence of an increase in",
    WEAK_REDUCTION: "There is some evidence of a reduction in",
    WEAK_INCREASE: "There is some evidence of an increase in",
    UNRELIABLE: "The method used here is not reliable enough to read a change in",
}
#: The placebo populations that error rates are measured on, in the order of `Finding.rates`.
PLACES = (
    "all placebo neighbourhoods",
    "those like the treated area",
    "those chosen as the worst of their district",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One effect, with all that is known of how far it can be trusted.

    Parameters
    ----------
    outcome : str
    scale : {"log", "count"}
    effect, conf_low, conf_high : float
        On `scale`; NaN where not estimable, infinite where an interval has no end.
    changes : (float, float, float)
        The same in per cent.
    verdict : str
        From the vocabulary of `cseval.verdict`.
    observed, expected : float
        Incidents after the start as recorded, and as they would have been expected.
    averted : (float, float, float)
        Expected less observed, and the ends of its interval.
    months : int
        Months after the start.
    staggered : bool
        Whether units began in different months.
    against : str
        What the expectation comes from.
    method : str
        The inference method that interval and p-value are by.
    p_value : float
    p_adjusted, p_holm : float
        Adjusted for the number of secondary outcomes, by max-T where that is possible and by Holm; NaN for others.
    rates : tuple of float
        Measured false-positive rates of `method` at 5 %, by the populations of `PLACES`; NaN where not measured.
    drawn, apart : float
        Placebo neighbourhoods, and separate places among them; NaN where the method draws none.
    alike : bool
        Whether the placebo neighbourhoods have counts like the treated area's.
    detectable : (float, float)
        Smallest fall and smallest rise, in per cent, that the test would have found four times in five.
    measured : str
        The same in words where it was measured by putting effects in; it then stands instead.
    assumption : str
        The identifying assumption.
    concerns : tuple of str
        Names of the checks that raise concern.
    """

    outcome: str
    scale: str
    effect: float
    conf_low: float
    conf_high: float
    verdict: str
    changes: tuple[float, float, float] = (NAN, NAN, NAN)
    observed: float = NAN
    expected: float = NAN
    averted: tuple[float, float, float] = (NAN, NAN, NAN)
    months: int = 0
    staggered: bool = False
    against: str = "the comparison areas"
    method: str = ""
    p_value: float = NAN
    p_adjusted: float = NAN
    p_holm: float = NAN
    rates: tuple[float, ...] = ()
    drawn: float = NAN
    apart: float = NAN
    alike: bool = True
    detectable: tuple[float, float] = (NAN, NAN)
    measured: str = ""
    assumption: str = ""
    concerns: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """The highest measured error rate; NaN if none was measured."""
        return max((r for r in self.rates if math.isfinite(r)), default=NAN)


def sentences(finding: Finding) -> dict[str, str]:
    """Everything that is said of an effect, by name and in the order in which it must be read; empty if nothing."""
    return {
        "change": change_phrase(finding),
        "interval": interval_sentence(finding),
        "incidents": incidents_sentence(finding),
        "reading": reading(finding),
        "smallest_change": smallest_change_sentence(finding),
        "certainty": certainty_sentence(finding),
        "caveat": caveat_sentence(finding),
    }


# The parts ------------------------------------------------------------------------------------------------


def change_phrase(finding: Finding) -> str:
    """The estimate as a noun: ``a 6.2% fall``; empty where there is none."""
    change = finding.changes[0]
    return f.change_words(change) if _estimable(finding) and math.isfinite(change) else ""


def interval_sentence(finding: Finding) -> str:
    """The interval in per cent; one that is known to be too narrow is said to be."""
    _, low, high = finding.changes
    if not _estimable(finding) or math.isnan(low) or math.isnan(high):
        return ""
    if math.isinf(low) and math.isinf(high):
        return "The 95% interval has no end that these data can give."
    text = f"The 95% interval runs {f.interval_text(low, high)}: {f.interval_words(low, high)}."
    if too_often(finding.rate):
        return text + _too_narrow(finding)
    return text + (" The method is not reliable here." if finding.verdict == UNRELIABLE else "")


def incidents_sentence(finding: Finding) -> str:
    """The effect in incidents, with its interval.

    Where units begin in different months they are counted from their own start on, which is fewer months for some.
    """
    if not _estimable(finding) or not math.isfinite(finding.observed + finding.expected + finding.averted[0]):
        return ""
    months = f.plural(finding.months, "month")
    when = f"from each unit's own start on, up to {months}," if finding.staggered else f"in {months}"
    middle, low, high = finding.averted
    return (
        f"{f.sentence_case(f.plural(round(finding.observed), 'incident was', 'incidents were'))} recorded {when} where "
        f"{f.count_text(finding.expected)} would have been expected: about {f.fewer_words(middle)} "
        f"({_averted_span(low, high)})."
    )


def _averted_span(low: float, high: float) -> str:
    """The interval of incidents averted, from the most to the fewest, as the changes in per cent run."""
    if not (math.isfinite(low) or math.isfinite(high)):
        return "the 95% interval has no end that these data can give"
    return f"95% interval from {f.fewer_words(high)} to {f.fewer_words(low)}"


def reading(finding: Finding) -> str:
    """The plain reading: what the estimate allows to be said, and no more."""
    what = f.outcome_words(finding.outcome)
    if isinstance(finding.effect, Withheld):
        return withheld_sentence(what)
    if finding.verdict == NOT_ESTIMABLE:
        return f"The change in {what} cannot be estimated from these data."
    if finding.scale != LOG:
        return _count_reading(what, finding)
    if finding.verdict == NO_CLEAR_CHANGE:
        return _unclear_reading(what, finding)
    change, low, high = (_change(end) for end in (finding.effect, finding.conf_low, finding.conf_high))
    return (
        f"{OPENINGS[finding.verdict]} {what}: {change} (95% interval from {low} to {high}), "
        f"{incidents_words(finding.averted)}, compared with what would have been expected from {finding.against}."
        f"{_adjusted(finding)}"
    )


def _unclear_reading(what: str, finding: Finding) -> str:
    found = f"The estimate is {_change(finding.effect)}."
    if too_often(finding.rate):
        return f"There is no clear evidence of a change in {what}.{_too_narrow(finding)} {found}"
    span = _span(finding.conf_low, finding.conf_high)
    return f"There is no clear evidence of a change in {what}; {span}. {found}{_detectable(finding.detectable)}"


def _count_reading(what: str, finding: Finding) -> str:
    effect, low, high = map(_count, (finding.effect, finding.conf_low, finding.conf_high))
    ends = math.isfinite(finding.conf_low) and math.isfinite(finding.conf_high)
    span = f"95% interval from {low} to {high}" if ends else "the interval has no end that these data can give"
    narrow = _too_narrow(finding) if finding.verdict == NO_CLEAR_CHANGE and too_often(finding.rate) else ""
    return f"{f.sentence_case(finding.verdict)}: {effect} {what} incidents per unit and month ({span}).{narrow}"


def _count(value: float) -> str:
    """Incidents per unit and month with their sign; a small number keeps the digits that tell it from zero."""
    return f.decimal_text(value, digits=2 if abs(value) >= 0.005 else 4, signed=True)


def smallest_change_sentence(finding: Finding) -> str:
    """The smallest changes found four times in five, as injected effects show or else as the placebo spread implies."""
    if not _estimable(finding) or too_often(finding.rate):
        return ""
    if finding.measured:
        return f"{finding.measured} Smaller changes can easily be missed."
    fall, rise = finding.detectable
    said = _detectable(finding.detectable)
    if not said or said in reading(finding):
        return ""
    return (
        f"{f.sentence_case(f.change_words(-abs(fall)))} or {f.change_words(abs(rise))} would have been found in four "
        "cases out of five; smaller changes can easily be missed."
    )


def certainty_sentence(finding: Finding) -> str:
    """The p-value beside the measured error rate of its method; one never stands without the other."""
    if not _estimable(finding) or not finding.method:
        return ""
    known = [f"{f.rate_text(r)} of {place}" for r, place in zip(finding.rates, PLACES, strict=False) if r == r]
    measured = (
        f"where nothing was done, it finds an effect in {f.joined(known)} (5% is promised)"
        if known
        else "its error rate could not be measured on these data"
    )
    among = ""
    if math.isfinite(finding.apart):
        like = "of similar count" if finding.alike else "of whatever count"
        among = f" ({f.count_text(finding.drawn)} {like} in {f.count_text(finding.apart)} separate places)"
    return f"By {finding.method}{among}, {f.p_text(finding.p_value)}; {measured}.{_adjusted(finding)}"


def _adjusted(finding: Finding) -> str:
    """The p-value among all secondary outcomes, or one clear finding among many would read as the only one."""
    if not math.isfinite(finding.p_adjusted):
        return ""
    holm = f" (by Holm {f.p_cell(finding.p_holm)})" if finding.p_holm != finding.p_adjusted else ""
    return f" Adjusted for the number of secondary outcomes tested, {f.p_text(finding.p_adjusted)}{holm}."


def caveat_sentence(finding: Finding) -> str:
    """What the estimate is of, what it rests on, and which checks raise a concern."""
    if not _estimable(finding):
        return ""
    parts = [EVERYTHING]
    if finding.assumption:
        parts.append(f"It rests on this assumption: {f.full_stop(finding.assumption)}")
    if finding.concerns:
        raising = "check raises" if len(finding.concerns) == 1 else "checks raise"
        number = f.sentence_case(f.number_words(len(finding.concerns)))
        parts.append(f"{number} {raising} a concern: {f.joined(finding.concerns)}.")
    return " ".join(parts)


# Shared --------------------------------------------------------------------------------------------------


def class_words(value: object) -> str:
    """The class of an object as words: that of ``PreTrends()`` is ``pre trends``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in type(value).__name__).strip()


def rates_words(rates: Sequence[float]) -> str:
    """Measured error rates as one cell, ``5.0% / 7.9% / [x]``, in the order of `PLACES`."""
    if not any(map(math.isfinite, rates)):
        return "not measured"
    return " / ".join(f.rate_text(r) for r in rates)


def incidents_words(averted: tuple[float, float, float]) -> str:
    """Incidents averted and their interval in words, with the direction said."""
    middle, low, high = averted
    if not math.isfinite(middle):
        return "in a number of incidents that these data cannot give"
    count = f"{f.fewer_words(middle)} incident{'' if abs(round(middle)) == 1 else 's'} than expected"
    said = count if round(middle) else "as many incidents as expected"
    return f"about {said} ({_averted_span(low, high)})"


def too_often(rate: float) -> bool:
    """Whether a method rejects so many true nulls that its interval is not read."""
    return math.isfinite(rate) and rate > WORST_RATE


def _estimable(finding: Finding) -> bool:
    return finding.verdict != NOT_ESTIMABLE and math.isfinite(finding.effect)


def _change(log_effect: float) -> str:
    """A log effect as a change: ``a 9.8% fall``."""
    return f.change_words(log_effect if math.isinf(log_effect) else percent(log_effect))


def _span(conf_low: float, conf_high: float) -> str:
    """What an interval that spans zero leaves possible, or that it has no end."""
    if math.isinf(conf_low) and math.isinf(conf_high):
        return "the interval has no end that these data can give"
    low, high = (v if math.isinf(v) else percent(v) for v in (conf_low, conf_high))
    return f"the data are consistent with {f.interval_words(low, high)}"


def _too_narrow(finding: Finding) -> str:
    """That an interval is far too narrow, with the rate that says so."""
    return (
        f" The interval of this method is far too narrow here: where nothing was done, it finds a change "
        f"{100 * finding.rate:.0f}% of the time instead of 5%, so the data are consistent with far more than it holds."
    )


def _detectable(detectable: tuple[float, float]) -> str:
    fall, rise = detectable
    if not (math.isfinite(fall) and math.isfinite(rise)):
        return ""
    return f" A fall of {abs(fall):.0f}% or a rise of {rise:.0f}% would have been detected four times in five."

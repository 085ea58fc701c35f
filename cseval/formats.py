"""How numbers and labels are written: words for people, plain digits for files. Pure functions, nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from cseval.disclosure import Withheld
from cseval.months import add_months
from cseval.months import month_words as month_words

MINUS = "\N{MINUS SIGN}"
NOT_AVAILABLE, NOT_APPLICABLE, SUPPRESSED = "[x]", "[z]", "[c]"
LEGEND = {
    NOT_AVAILABLE: "not available",
    NOT_APPLICABLE: "not applicable",
    SUPPRESSED: "suppressed: a small count from unpublished data",
}

OUTCOME_NAMES = {
    "anti_social_behaviour": "anti-social behaviour",
    "possession_of_article_with_blade_or_point": "possession of a blade",
    "robbery_of_personal_property": "personal robbery",
    "disorder": "disorder (arson, criminal damage and public order offences)",
}

#: Characters with which a spreadsheet takes a text cell for a formula, full-width forms included.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_DIGITS = 10


# Words for people ------------------------------------------------------------------------------------


def missing_text(value: float) -> str:
    """The symbol for a number that is not there: withheld, or not available."""
    return SUPPRESSED if isinstance(value, Withheld) else NOT_AVAILABLE


def percent_text(value: float, *, digits: int = 1, signed: bool = False) -> str:
    """A percentage with a true minus sign: ``−24.6%``; with `signed`, a rise gets a plus."""
    if not math.isfinite(value):
        return missing_text(value)
    return _signed(value, digits, signed) + "%"


def rate_text(rate: float, *, digits: int = 1) -> str:
    """A share between 0 and 1 as a percentage: ``0.052`` becomes ``5.2%``."""
    return percent_text(100.0 * rate, digits=digits)


def count_text(value: float) -> str:
    """A count rounded to a whole number, with thousands separators: ``1,218``."""
    return _signed(value, 0, False) if math.isfinite(value) else missing_text(value)


def decimal_text(value: float, *, digits: int = 2, signed: bool = False) -> str:
    """A number with a fixed number of decimals and a true minus sign; with `signed`, a plus too."""
    return _signed(value, digits, signed) if math.isfinite(value) else missing_text(value)


def plain_text(value: float) -> str:
    """A number of unknown kind: whole numbers as counts, others with about three significant digits."""
    if not math.isfinite(value):
        return missing_text(value)
    if value == int(value):
        return count_text(value)
    size = math.floor(math.log10(abs(value)))
    return _signed(value, min(max(2 - size, 0), 6), False)


def p_cell(p: float) -> str:
    """A p-value for a table cell: ``< 0.001``, ``0.021``, ``0.25``; never 0.000."""
    if not math.isfinite(p):
        return missing_text(p)
    if p < 0.001:
        return "< 0.001"
    if p > 0.99:
        return "> 0.99"
    if p >= 0.0995:
        return f"{p:.2f}"
    # A p-value just under the conventional level must not be printed as the level itself.
    return f"{p:.4f}" if 0.0495 <= p < 0.05 else f"{p:.3f}"


def p_text(p: float) -> str:
    """A p-value in a sentence: ``p < 0.001``, ``p = 0.25``."""
    cell = p_cell(p)
    if cell in (NOT_AVAILABLE, SUPPRESSED):
        return "p not available"
    return f"p {cell}" if cell[0] in "<>" else f"p = {cell}"


def interval_text(low: float, high: float) -> str:
    """An interval of percentages: ``from −35.0% to −12.1%``; an open end is said in words."""
    if math.isnan(low) or math.isnan(high):
        return missing_text(low)
    start = percent_text(low) if math.isfinite(low) else "any fall"
    end = percent_text(high) if math.isfinite(high) else "any rise"
    return f"from {start} to {end}"


def interval_cell(low: float, high: float) -> str:
    """An interval of percentages for a table cell: ``−35.0% to −12.1%``."""
    return interval_text(low, high).removeprefix("from ")


def change_words(percent: float) -> str:
    """A percentage change as a noun: ``a 9.8% fall``, ``an 8.2% rise``; never ``no change``."""
    if math.isnan(percent):
        return "an unknown change"
    if math.isinf(percent):
        return f"a {'fall' if percent < 0 else 'rise'} of any size"
    sizes = (percent_text(abs(percent), digits=digits) for digits in (1, 2, 3))
    size = next((s for s in sizes if s.strip("0.%")), "")
    if not size:
        return "a change of 0.0%"
    return an(f"{size} {'fall' if percent < 0 else 'rise'}")


def an(phrase: str) -> str:
    """The phrase with ``a`` or ``an`` as its number is spoken (an 8, an 11, an 18)."""
    spoken_with_vowel = phrase.startswith("8") or phrase.split(".")[0].split("%")[0] in ("11", "18")
    return f"{'an' if spoken_with_vowel else 'a'} {phrase}"


def interval_words(low: float, high: float) -> str:
    """An interval of percentages as a reader says it: ``anything from a 9.8% fall to a 4.1% rise``."""
    if math.isnan(low) or math.isnan(high) or (math.isinf(low) and math.isinf(high)):
        return "an interval without bounds"
    return f"anything from {change_words(low)} to {change_words(high)}"


def fewer_words(averted: float) -> str:
    """Incidents averted as a comparison: ``312 fewer``, ``40 more``, ``as many``."""
    if math.isnan(averted):
        return "an unknown number"
    if math.isinf(averted):
        return f"any number {'fewer' if averted > 0 else 'more'}"
    if round(averted) == 0:
        return "as many"
    return f"{count_text(abs(averted))} {'fewer' if averted > 0 else 'more'}"


def outcome_words(outcome: str) -> str:
    """An outcome as prose says it."""
    return OUTCOME_NAMES.get(outcome, outcome.replace("_", " "))


def span_words(first: str, last: str) -> str:
    """Two months in words: ``May 2018 to October 2019``."""
    return f"{month_words(first)} to {month_words(last)}"


def spans_words(months: Sequence[str]) -> str:
    """Months in words, those that follow one another as a span: ``April 2015 to July 2015 and May 2018``."""
    spans: list[list[str]] = []
    for month in sorted(months):
        if spans and add_months(spans[-1][-1], 1) == month:
            spans[-1].append(month)
        else:
            spans.append([month])
    return joined([month_words(s[0]) if len(s) == 1 else span_words(s[0], s[-1]) for s in spans])


def number_words(count: int) -> str:
    """A count as prose says it: ``one`` to ``nine`` in letters, more in digits."""
    letters = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return letters[count] if 0 <= count < len(letters) else count_text(count)


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: ``1 month``, ``18 months``."""
    return f"{count_text(count)} {one if count == 1 else many or one + 's'}"


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def full_stop(text: str) -> str:
    """The text as a sentence: ends with a full stop unless it ends with a mark already."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else text + "."


def joined(items: tuple[str, ...] | list[str]) -> str:
    """Items as a list in a sentence: ``a, b and c``."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def _signed(value: float, digits: int, plus: bool) -> str:
    text = f"{abs(value):,.{digits}f}"
    if not any(c in "123456789" for c in text):
        return text  # neither minus nought nor plus nought
    return (MINUS if value < 0 else "+" if plus else "") + text


# Digits for files ------------------------------------------------------------------------------------


def number_text(value: float) -> str:
    """A number for a CSV cell: at most 10 digits that count, never scientific; empty if it is none, [c] if withheld.

    Infinity is written ``INF``, as the Frictionless table schema has it.
    """
    if math.isnan(value):
        return SUPPRESSED if isinstance(value, Withheld) else ""
    value = float(value)
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    text = f"{value:.{_DIGITS}g}"
    if "e" in text:
        text = format(Decimal(text), "f")
    return "0" if text in ("-0", "0") else text


def json_number(value: float) -> float | int | None:
    """A number for JSON: at most 10 significant digits; None where JSON has no number for it."""
    text = number_text(value)
    if text in ("", SUPPRESSED, "INF", "-INF"):
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def csv_text(text: str) -> str:
    """A text for a CSV cell; what a spreadsheet would run as a formula gets a leading apostrophe."""
    return "'" + text if text.startswith(_FORMULA) else text

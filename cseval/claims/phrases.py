"""How claims say numbers, months and places in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cseval.claims.base import CANNOT_BE_TESTED, ClaimResult
from cseval.formats import change_words as change_words
from cseval.formats import outcome_words
from cseval.months import month_words

if TYPE_CHECKING:
    from cseval.claims.base import Statement
    from cseval.inputs import Inputs

#: Where the variance of changes comes from.
FROM_YEARS, FROM_MONTHS = "changes of earlier years", "months of the two periods, since there are no earlier years"
#: What the founding statements count, and the published file that would test them.
SUBJECT = "knife crime and its injury victims"
NEEDED = (
    "the Metropolitan Police's monthly crime dashboard with knife crime and knife injury victims by borough, as "
    "published for those years"
)


def span_words(low: float, high: float) -> str:
    """An interval of changes: ``from a 9.8% fall to a 4.1% rise``."""
    return f"from {change_words(low)} to {change_words(high)}"


def number_words(change: float) -> str:
    """A change in number: ``312 fewer``, ``40 more``, ``as many``."""
    size = round(abs(change))
    return "as many" if size == 0 else f"{size:,} {'fewer' if change < 0 else 'more'}"


def ordinal(rank: int) -> str:
    """A rank as a word: ``1st``, ``22nd``, ``13th``."""
    suffix = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{suffix}"


def plural(kind: str) -> str:
    """What several units are called: ``boroughs``."""
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def set_words(low: int, high: int) -> str:
    """A set of ranks: ``rank 1 alone``, ``ranks 3 to 17``."""
    return f"rank {low} alone" if low == high else f"ranks {low} to {high}"


def probability_words(share: float) -> str:
    """A probability in per cent, never 0 or 100: ``4%``, ``less than 1%``."""
    if share < 0.01:
        return "less than 1%"
    return "more than 99%" if share > 0.99 else f"{100 * share:.0f}%"


def period_words(first: str, last: str) -> str:
    """A period: ``2018`` for a calendar year, else ``April 2018 to March 2019``."""
    if first[:4] == last[:4] and first.endswith("-01") and last.endswith("-12"):
        return first[:4]
    return month_words(first) if first == last else f"{month_words(first)} to {month_words(last)}"


def plain_words(outcome: str) -> str:
    """An outcome as prose says it, whatever the file calls it."""
    return outcome_words(outcome).lower()


def unit_name(inputs: Inputs, unit: str) -> str:
    """Name of a unit, or its code where it has none."""
    return inputs.panel.names.get(unit) or inputs.areas.names.get(unit) or unit


def another_outcome(subject: str, outcome: str, needed: str) -> str:
    """The caveat where a statement is held against an outcome that is not its own.

    Parameters
    ----------
    subject : str
        What the statement counts.
    outcome : str
        What was counted here.
    needed : str
        The data that would test the statement itself.
    """
    return (
        f"The statement counts {subject}; these data hold {plain_words(outcome)}, which is not the same. "
        f"To test the statement itself another file is needed: {needed}."
    )


def no_outcome(subject: str, needed: str) -> str:
    """The caveat where there is nothing that a statement could be held against."""
    return f"The statement counts {subject}. To test it a file is needed that these data lack: {needed}."


def untested(statement: Statement, subject: str, needed: str) -> ClaimResult:
    """The result where the data hold no outcome that a statement could be held against."""
    return ClaimResult(
        statement=statement,
        outcome="",
        verdict=CANNOT_BE_TESTED,
        sentence="These data hold no outcome for the months that the statement is about.",
        caveat=no_outcome(subject, needed),
    )

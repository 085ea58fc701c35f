"""What is said of police activity: the change in searches, other areas, the outcome, and what cannot be said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.police_activity import LATE

if TYPE_CHECKING:
    from cseval.estimators.monthly_change import Change
    from cseval.police_activity import ActivityResult

#: Outcomes that are recorded, for the most part, because somebody was searched.
DRIVEN = frozenset(
    (
        "drug_offences",
        "possession_of_article_with_blade_or_point",
        "possession_of_drugs",
        "possession_of_weapons",
    )
)
ACTIVITY_IS_NOT_HARM = (
    "How much of the change in {outcome} comes from how much was searched for, and how much from what people did, "
    "cannot be separated with these counts: a rise is no evidence of more harm, and a fall none of success."
)
MAY_FOLLOW = (
    "Searches may change how much {outcome} is recorded, by what they find and by whom they put off; these counts "
    "cannot show by how much."
)


def times_words(change: Change) -> str:
    """A ratio with its interval: ``1.97 times as many (95% interval 1.41 to 2.76)``."""
    if not math.isfinite(change.ratio):
        return "a change that cannot be put as a ratio, since a side holds none"
    low, high = (f.decimal_text(v) for v in (change.conf_low, change.conf_high))
    return f"{f.decimal_text(change.ratio)} times as many (95% interval {low} to {high})"


def activity_sentences(result: ActivityResult) -> tuple[str, ...]:
    """What the numbers say of searches, of other areas and of the outcome, and what they cannot say."""
    return (
        _own_words(result),
        _others_words(result),
        *_late_words(result),
        *_unusable_words(result),
        *_beside_words(result),
        *(f.sentence_case(f.full_stop(c)) for c in result.cautions),
    )


def _own_words(result: ActivityResult) -> str:
    own = result.own
    return (
        f"{f.sentence_case(f.outcome_words(result.activity))} in {result.name} went from {f.count_text(own.before)} a "
        f"month before {f.month_words(result.start)} ({f.plural(own.months_before, 'usable month')}) to "
        f"{f.count_text(own.after)} a month from then on ({f.plural(own.months_after, 'usable month')}), "
        f"{times_words(own)}."
    )


def _others_words(result: ActivityResult) -> str:
    here, earlier = result.at_start, result.earlier
    text = (
        f"In the other {result.of - 1} areas together it was {times_words(result.others)}; against them {result.name} "
        f"had {times_words(result.relative)}, rise number {result.rank} of {result.of}. At least as far, up or down, "
        f"moved {f.rate_text(result.p_placebo, digits=0)} of all areas, itself included "
        f"({f.p_text(result.p_placebo)}). Read the interval with care: one of this kind calls the change clear in "
        f"{here.clear} of {here.tried} other areas at the same start"
    )
    if earlier.tried:
        text += f", and in {f.rate_text(earlier.rate, digits=0)} of {f.count_text(earlier.tried)} cases at earlier ones"
    return text + ". The police move from area to area as a rule, with or without a programme."


def _late_words(result: ActivityResult) -> tuple[str, ...]:
    late, early = result.late
    if not (math.isfinite(early) and early > 0):
        return ()
    return (
        f"In the last {f.number_words(LATE)} usable months before the start there were {f.count_text(late)} a month, "
        f"in those before them {f.count_text(early)}: what changed before the start is not the programme's doing.",
    )


def _unusable_words(result: ActivityResult) -> tuple[str, ...]:
    said = []
    if result.unusable:
        months = f.spans_words(result.unusable)
        said.append(f"Not used, and not counted as zero, since searches were not received by area: {months}.")
    before, after = result.lost
    if before > 0 or after > 0:
        said.append(
            f"Of all searches {f.rate_text(before)} before and {f.rate_text(after)} after have no coordinates and are "
            "in no area."
        )
    return tuple(said)


def _beside_words(result: ActivityResult) -> tuple[str, ...]:
    change = result.beside
    if change is None:
        return ()
    outcome = f.outcome_words(result.outcome)
    return (
        f"In the same months recorded {outcome} went from {f.decimal_text(change.before, digits=1)} to "
        f"{f.decimal_text(change.after, digits=1)} a month, {times_words(change)}.",
        driven_words(result.outcome),
    )


def driven_words(outcome: str) -> str:
    """What searches do to an outcome, and that the two cannot be separated."""
    text = ACTIVITY_IS_NOT_HARM if outcome in DRIVEN else MAY_FOLLOW
    return text.format(outcome=f.outcome_words(outcome))

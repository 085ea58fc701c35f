"""What the papers' own figures say of a claim, in sentences that a councillor can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.claims.register import ABOUT, OVER, POUNDS, first_day, last_day
from cseval.months import month_words

if TYPE_CHECKING:
    import datetime

    from cseval.claims.register import Activity, Staffing
    from cseval.register import Registered

INTERVIEWS = (
    "The statement rests on interviews after the pilot had begun, with no answers from before it or from other areas "
    "to compare them with. The paper does not say how many people were asked, how they were chosen or what they were "
    "asked."
)
BOUND_WORDS = {OVER: "over ", ABOUT: "about "}


def needed(needs: str) -> str:
    """Which data would test a claim, as a sentence."""
    return f"To test it one would need {f.full_stop(needs)}"


def posts_words(entry: Staffing) -> str:
    """Officers by rank: ``1 sergeant and 5 constables``."""
    return f"{f.plural(entry.sergeants, 'sergeant')} and {f.plural(entry.constables, 'constable')}"


def day_words(day: datetime.date) -> str:
    """A day as a reader says it: ``5 September 2018``."""
    return f"{day.day} {month_words(f'{day:%Y-%m}')}"


def figure_words(activity: Activity) -> str:
    """A figure with what it counts: ``over 350 anti-social behaviour warnings``, ``£771,000 of funding a year``."""
    bound = BOUND_WORDS.get(activity.bound, "")
    if activity.unit == POUNDS:
        return f"{bound}{pounds(activity.value)} of {activity.what}"
    return f"{bound}{f.count_text(activity.value)} {activity.what}"


def pounds(value: float) -> str:
    """A sum of money: ``£771,000``."""
    return f"£{f.count_text(value)}"


def thousands(value: float) -> str:
    """A sum of money to the nearest thousand: ``£976,000``."""
    return pounds(round(value, -3))


def period_words(activity: Activity) -> str:
    """The period of a figure: ``1 April 2018 to 31 March 2019``."""
    days = (first_day(activity.first), last_day(activity.last))
    return " to ".join(day_words(day) for day in days if day is not None)


def _lower(note: str) -> str:
    """A note as part of a sentence."""
    return f"{note[:1].lower()}{note[1:].rstrip('.')}"


# Capacity ---------------------------------------------------------------------------------------------


def capacity_sentence(rows: Sequence[tuple[Staffing, int]], full: Staffing, average: float, stated: float) -> str:
    """Officers in post, each for so many days, of the full strength, and the average over all days."""
    days = sum(n for _, n in rows)
    spells = [_spell_words(row, n, full) for row, n in rows]
    return (
        f"By the paper's own figures {f.joined(spells)} were in post, of {posts_words(full)} at full strength: on "
        f"average {f.percent_text(average)} over {f.plural(days, 'day')}, where the statement says "
        f"{f.percent_text(stated, digits=0)}."
    )


def _spell_words(row: Staffing, days: int, full: Staffing) -> str:
    begins = first_day(row.first)
    start = f" from {day_words(begins)}" if begins else ""
    share = f.percent_text(100 * row.officers / full.officers, digits=0)
    return f"{posts_words(row)} for {f.plural(days, 'day')}{start} ({share})"


def capacity_caveat(full: Staffing) -> str:
    """Where full strength comes from, and what posts do not say."""
    note = f"Full strength: {_lower(full.note)}. " if full.note else ""
    return f"{note}Officers in post are not officers on duty; the paper gives only the former."


# Outputs ----------------------------------------------------------------------------------------------


def reported_sentence(outputs: Sequence[Activity], months: int, officer_months: float) -> str:
    """The outputs of a period, the first of them by month and by officer in post."""
    first = outputs[0]
    by_month = f"{f.decimal_text(first.value / months, digits=1)} {first.what} a month"
    return (
        f"There is no record here but the paper's own, which gives {f.joined([figure_words(o) for o in outputs])} for "
        f"{period_words(first)}. That is {by_month}, or {f.decimal_text(first.value / officer_months, digits=1)} for "
        f"each month of an officer in post, of which there were about {f.count_text(officer_months)} by the same paper."
    )


def totals_sentence(pairs: Sequence[tuple[Activity, Activity]], years: Activity, months: int) -> str:
    """Of each total the part reported of one year and what is left for the others, and the first of them by month."""
    part, total = pairs[0]
    parts = f.joined([_part_words(one, whole) for one, whole in pairs])
    span = f.count_text(years.value)
    wrong = [one.what for one, whole in pairs if one.value > whole.value]
    opening = (
        f"The papers contradict each other on {f.joined(wrong)}"
        if wrong
        else "There is no record here but the papers' own, which agree with each other"
    )
    return (
        f"{opening}: of the totals of {span} years the one reports, the other gives {parts} for {period_words(part)}. "
        f"{f.sentence_case(total.what)} are {f.decimal_text(total.value / (12 * years.value), digits=1)} a month over "
        f"{span} years, and {f.decimal_text(part.value / months, digits=1)} in that year."
    )


def _part_words(part: Activity, total: Activity) -> str:
    share = f.percent_text(100 * part.value / total.value, digits=0) if total.value else f.NOT_APPLICABLE
    bound = BOUND_WORDS.get(part.bound, "")
    return f"{bound}{f.count_text(part.value)} of {f.count_text(total.value)} {part.what} ({share})"


def totals_caveat(programme: Registered, years: Activity, ends: str, promise: Staffing | None, needs: str) -> str:
    """How the years lie in the calendar, why nothing is divided by officers, and what would test the totals."""
    parts = [f.full_stop(years.note)] if years.note else []
    if ends:
        parts.append(
            f"The {f.count_text(years.value)} years from {month_words(programme.start)}, when the programme began, end "
            f"in {month_words(ends)}."
        )
    if promise is not None:
        parts.append(
            f"Officers in post are not known from {month_words(promise.first[:7])} on, for which "
            f"{posts_words(promise)} were promised, so nothing is divided by officers."
        )
    return " ".join([*parts, needed(needs)])


# Cost -------------------------------------------------------------------------------------------------


def cost_sentence(price: Activity, reduction: Activity, posts: Staffing, full: tuple[float, float, float]) -> str:
    """The full cost behind a price after a reduction, in all and by post."""
    middle, low, high = full
    each = [thousands(value / posts.officers) for value in (price.value, middle)]
    return (
        f"There is no price list here to hold this against; {pounds(price.value)} after a reduction of "
        f"{f.percent_text(reduction.value, digits=0)} implies a full cost of about {thousands(middle)} a year (from "
        f"{thousands(low)} to {thousands(high)}, since the per cent is rounded), {thousands(middle - price.value)} "
        f"more than the price. For each of the {posts.officers} posts that is about {each[0]} instead of {each[1]}."
    )


def cost_caveat(posts: Staffing, agreement: Activity, years: float, needs: str) -> str:
    """What is proposed beside posts, what an earlier sum implies, and what would test the reduction."""
    beside = f"A price by post is not the pay of an officer: the proposal also has {_lower(posts.note)}."
    return " ".join([*([beside] if posts.note else []), _agreement_words(agreement, years), needed(needs)])


def _agreement_words(agreement: Activity, years: float) -> str:
    sum_of_money = pounds(agreement.value)
    if years:
        return f"The {sum_of_money} of the earlier agreement are {thousands(agreement.value / years)} a year."
    note = f" ({_lower(agreement.note)})" if agreement.note else ""
    return f"Of the {sum_of_money} of the earlier agreement{note} no cost a year or by post can be worked out."


# Expectation ------------------------------------------------------------------------------------------


def expectation_sentence(programme: Registered, proposed: Staffing) -> str:
    """From when something was expected, and that nothing is known of it since."""
    start = f" from {month_words(programme.start)} on" if programme.start else ""
    return (
        f"This was expected of a unit proposed{start} ({posts_words(proposed)}), and the paper, a draft, does not say "
        "whether or when it began. There is no period yet that could be compared with the one before."
    )

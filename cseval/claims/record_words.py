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
    "The statement rests on interviews after the pilot had begun, and the paper mentions none from before it or from "
    "other areas to compare them with. It does not say how many people were asked, how they were chosen or what they "
    "were asked."
)
BOUND_WORDS = {OVER: "over ", ABOUT: "about "}


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


def capacity_sentence(rows: Sequence[tuple[Staffing, int]], full: Staffing, average: float, apart: float) -> str:
    """The share of full strength in post, each for so many days, and the average; then who they were.

    Parameters
    ----------
    rows : sequence of (Staffing, int)
        Who was in post, with the number of days.
    full : Staffing
    average : float
        Over all days, in per cent of full strength.
    apart : float
        How much higher that is than stated; 0 where it is as stated, but for rounding.
    """
    first, *later = [f.percent_text(100 * row.officers / full.officers, digits=0) for row, _ in rows]
    days = [f"for {f.plural(n, 'day')}" for _, n in rows]
    spells = [
        f"{first} of full strength {days[0]}",
        *(f"{share} {n}{_from_words(row)}" for share, n, (row, _) in zip(later, days[1:], rows[1:], strict=True)),
    ]
    text = f"{f.joined(spells)}, {f.percent_text(average)} on average: {_point_words(apart)}"
    posts = f.joined([f"{posts_words(row)}{_from_words(row)}" for row, _ in rows])
    return f"{f.full_stop(text)} By the paper's own figures these were {posts}, of {posts_words(full)}."


def _point_words(apart: float) -> str:
    """What an average lower or higher than the stated capacity makes of the point that a paper makes with it."""
    if not apart:
        return "as stated"
    point = "stronger, not weaker" if apart < 0 else "weaker, not stronger"
    return f"{'lower' if apart < 0 else 'higher'} than stated, which makes the paper's point {point}"


def _from_words(row: Staffing) -> str:
    begins = first_day(row.first)
    return f" from {day_words(begins)}" if begins else ""


def capacity_reading(share: float, begins: datetime.date, ends: datetime.date, at_end: bool) -> str:
    """How a stated capacity is read, with what that gives: ``40.2% on average from 1 April 2018 to 31 March 2019``."""
    when = f"on {day_words(ends)}" if at_end else f"on average from {day_words(begins)} to {day_words(ends)}"
    return f"{f.percent_text(share)} {when}"


def capacity_caveat(full: Staffing) -> str:
    """Where full strength comes from, and what posts do not say."""
    since = first_day(full.first)
    when = f" for {month_words(f'{since:%Y-%m}')}" if since else ""
    text = f"Full strength is that promised{when}; posts are not officers on duty."
    return f"{text} {f.full_stop(full.note)}" if full.note else text


# Outputs ----------------------------------------------------------------------------------------------


def reported_sentence(outputs: Sequence[Activity], months: int, officer_months: float) -> str:
    """The first of the outputs of a period by month and by officer in post, then all of them."""
    first = outputs[0]
    by_month = f"{f.decimal_text(first.value / months, digits=1)} {first.what} a month"
    return (
        f"There is no record here but the paper's own. By it there were {by_month}, or "
        f"{f.decimal_text(first.value / officer_months, digits=1)} for each month of an officer in post, of which "
        f"there were about {f.count_text(officer_months)}. It gives {f.joined([figure_words(o) for o in outputs])} for "
        f"{period_words(first)}."
    )


def totals_sentence(
    pairs: Sequence[tuple[Activity, Activity]],
    wrong: Sequence[str],
    years: Activity,
    months: int,
    least: tuple[str, str] | None,
) -> str:
    """The first of the totals by month, and of each total the part that was reported of one year.

    Parameters
    ----------
    pairs : sequence of (Activity, Activity)
        Of each output the part and the total.
    wrong : sequence of str
        Outputs of which the part exceeds the total.
    years : Activity
        How many years the totals cover.
    months : int
        Months of the parts.
    least : (first month, last month) or None
        Months over which a total is at least spread, if the paper was written before their end.
    """
    part, total = pairs[0]
    opening = (
        f"The papers contradict each other on {f.joined(list(wrong))}."
        if wrong
        else "There is no record here but the papers' own, which do not contradict each other."
    )
    parts = f.joined([_part_words(one, whole) for one, whole in pairs])
    return (
        f"{opening} {f.sentence_case(total.what)} were {_by_month(total, years, least)}, and "
        f"{f.decimal_text(part.value / months, digits=1)} in the {months} months to {_end_words(part)}. "
        f"Those months, if they are among the {f.count_text(years.value)} years, had {parts}."
    )


def _by_month(total: Activity, years: Activity, least: tuple[str, str] | None) -> str:
    rate = f"{f.decimal_text(total.value / (12 * years.value), digits=1)} a month"
    if least is None:
        return f"{rate} over {f.count_text(years.value)} years"
    return f"at least {rate} if counted from {f.span_words(*least)} (the paper was written before)"


def _end_words(activity: Activity) -> str:
    ends = last_day(activity.last)
    return month_words(f"{ends:%Y-%m}") if ends else ""


def _part_words(part: Activity, total: Activity) -> str:
    share = f.percent_text(100 * part.value / total.value, digits=0) if total.value else f.NOT_APPLICABLE
    bound = BOUND_WORDS.get(part.bound, "")
    return f"{bound}{f.count_text(part.value)} of {f.count_text(total.value)} {part.what} ({bound}{share})"


def totals_caveat(programme: Registered, years: Activity, ends: str, promise: Staffing | None) -> str:
    """How the years lie in the calendar, and why nothing is divided by officers."""
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
    return " ".join(parts)


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


def cost_caveat(posts: Staffing, agreement: Activity, years: float) -> str:
    """What is proposed beside posts, and what an earlier sum implies."""
    beside = f"A price by post is not the pay of an officer: the proposal also has {_lower(posts.note)}."
    return " ".join([*([beside] if posts.note else []), _agreement_words(agreement, years)])


def _agreement_words(agreement: Activity, years: float) -> str:
    sum_of_money = pounds(agreement.value)
    if years:
        return f"The {sum_of_money} of the earlier agreement are {thousands(agreement.value / years)} a year."
    note = f" ({_lower(agreement.note)})" if agreement.note else ""
    return f"Of the {sum_of_money} of the earlier agreement{note} no cost a year or by post can be worked out."


# Expectation ------------------------------------------------------------------------------------------


def expectation_sentence(programme: Registered, proposed: Staffing) -> str:
    """From when something was expected, and that the papers say nothing of it since."""
    start = f" from {month_words(programme.start)} on" if programme.start else ""
    return (
        f"This was expected of a unit proposed{start} ({posts_words(proposed)}), and the paper, a draft, does not say "
        "whether or when it began. These papers give no period after it that could be compared with the one before."
    )

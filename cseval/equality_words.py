"""What is said of searches by recorded ethnicity, and what these numbers cannot show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.disclosure import Withheld
from cseval.equality import AFTER, BEFORE, OFFICER_DEFINED, PER, EqualityResult
from cseval.tables import Table

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE_ONLY = (
    "These numbers are evidence for the equalities section of a paper and not that section: they do not say why "
    "searches differ between groups, whether a search was justified, or what a duty asks for."
)
#: MVA and Miller (2000), "Profiling populations available for stops and searches", Police Research Series 131, and the
#: Race Disparity Unit (2021), "Stop and search: interpreting and describing statistics", GOV.UK.
NOT_AT_RISK = (
    "Residents are not the people at risk of a search: people are searched where they do not live, and who is in the "
    "streets where and when the police search is not known. Groups differ in age, and so may their rates."
)
CHANCE_ONLY = (
    "Intervals say how far a ratio moves by chance, given how much counts vary from month to month, each month "
    "taken by itself; they allow for no drift from year to year and for nothing else, and are not adjusted for the "
    "number of groups."
)
REWORDED = (
    "The police changed their wording: one says that nothing was found, the other only that no further action was "
    "taken, and the two periods do not use the same. Compare groups within a period, not one period with the other."
)
NO_DENOMINATORS = (
    "No number of residents by group was given, so there are no rates: only how numbers changed against the reference "
    "group is shown, which rates would share as long as the residents did not change."
)
NO_MIXED = "Officers record no mixed group, so these groups are not those of the census."


def equality_sentences(result: EqualityResult) -> tuple[str, ...]:
    """The finding for each group, then what must be known to read it."""
    names = [str(c) for c in result.rates]  # not by pandas, which makes a plain number of one that is withheld
    rows = [dict(zip(names, r, strict=True)) for r in zip(*(result.rates[c].tolist() for c in names), strict=True)]
    said = [_group_words(result, row) for row in rows if row["group"] != result.reference]
    return (
        *said,
        _not_stated_words(result),
        *([NO_DENOMINATORS] if result.denominators is None else [_source_words(result)]),
        *([NO_MIXED] if result.ethnicity == OFFICER_DEFINED else []),
        *([REWORDED] if result.reworded else []),
        CHANCE_ONLY,
        NOT_AT_RISK,
        EVIDENCE_ONLY,
    )


def ratio_words(row: Mapping[Any, Any], name: str) -> str:
    """A ratio and its interval: ``2.10 (1.80 to 2.45)``; an end that is open is said in words."""
    value, low, high = (row[c] for c in (name, f"{name}_low", f"{name}_high"))
    if isinstance(value, Withheld):
        return f.SUPPRESSED
    if math.isnan(value):
        return f.NOT_AVAILABLE
    shown = "no upper bound" if math.isinf(value) else f.decimal_text(value)
    end = "any size" if math.isinf(high) else f.decimal_text(high)
    return f"{shown} ({f.decimal_text(low)} to {end})"


def _group_words(result: EqualityResult, row: Mapping[Any, Any]) -> str:
    group = f"{row['group']} people"
    if isinstance(row["change"], Withheld):
        return f"{group}: withheld, for it would give away a small count of unpublished data."
    change = f"{ratio_words(row, 'change')} times what it was"
    if math.isnan(row["before_ratio"]) or math.isnan(row["after_ratio"]):
        return f"{group}: the number of searches for each search of a {result.reference} person became {change}."
    return (
        f"{group} were searched {ratio_words(row, 'before_ratio')} times as often per resident as {result.reference} "
        f"people before and {ratio_words(row, 'after_ratio')} times after; the ratio became {change}."
    )


def _not_stated_words(result: EqualityResult) -> str:
    before, after = (f.missing_text(s) if math.isnan(s) else f.rate_text(s) for s in result.not_stated)
    return (
        f"In {before} of searches of people before and {after} after no ethnicity is recorded or it was not stated; "
        "they are in no group, and if they belong to some groups more than to others the ratios are wrong by that much."
    )


def _source_words(result: EqualityResult) -> str:
    given = result.denominators
    return f"Residents: {given.source}, {given.year}; the same for both periods." if given else NO_DENOMINATORS


def equality_tables(result: EqualityResult) -> tuple[Table, Table]:
    """Rates and ratios by group, and outcomes of searches by group, as typed tables."""
    by = "officer-defined" if result.ethnicity == OFFICER_DEFINED else "self-defined"
    (first, second), (one, two) = result.periods, result.months
    when = (
        f"before: {f.span_words(*first)}, {f.plural(one, 'usable month')}; after: {f.span_words(*second)}, "
        f"{f.plural(two, 'usable month')}"
    )
    notes = (f.sentence_case(f.full_stop(when)), CHANCE_ONLY, NOT_AT_RISK, EVIDENCE_ONLY)
    return (
        Table(
            slug="searches-by-ethnicity",
            title=f"Stop and search in {result.name} by {by} ethnicity",
            values=result.rates,
            headings=_rate_headings(result.reference),
            notes=(_not_stated_words(result), *notes),
        ),
        Table(
            slug="search-outcomes-by-ethnicity",
            title=f"Searches in {result.name} without further action by {by} ethnicity",
            values=_as_percent(result.outcomes),
            headings=_outcome_headings(result.reference),
            notes=(*([REWORDED] if result.reworded else []), *notes[:1], EVIDENCE_ONLY),
        ),
    )


def _rate_headings(reference: str) -> dict[str, str]:
    found = {"group": "Group", "population": "Residents"}
    for when in (BEFORE, AFTER):
        found |= {
            when: f"Searches {when}",
            f"{when}_rate": f"Searches per {f.count_text(PER)} residents a year, {when}",
            f"{when}_ratio": f"Rate over that of {reference} people, {when}",
            f"{when}_ratio_low": f"Lower end, {when}",
            f"{when}_ratio_high": f"Upper end, {when}",
        }
    return found | {
        "change": "Ratio after over ratio before",
        "change_low": "Lower end of the change",
        "change_high": "Upper end of the change",
    }


def _outcome_headings(reference: str) -> dict[str, str]:
    return {
        "group": "Group",
        "period": "Period",
        "searches": "Searches of people",
        "no_further_action": "Without further action",
        "share": "Share (%)",
        "share_low": "Lower end (%)",
        "share_high": "Upper end (%)",
        "difference": f"Difference from {reference} people (points)",
        "difference_low": "Lower end (points)",
        "difference_high": "Upper end (points)",
    }


def _as_percent(frame: pd.DataFrame) -> pd.DataFrame:
    shares = [c for c in frame if str(c).startswith(("share", "difference"))]
    from cseval.equality import typed

    parts = {c: [v if isinstance(v, Withheld) else 100 * v for v in frame[c].tolist()] for c in shares}
    return frame.assign(**{str(c): typed(values) for c, values in parts.items()})

"""What the words of the Monthly Crime Dashboard stand for: months, years, dates, measures and outcomes."""

from __future__ import annotations

import re
from datetime import date

from cseval.sources import offences
from cseval.sources.files import plain, slug

OFFENCES, POSITIVE_OUTCOMES = "offences", "positive outcomes"
MEASURES = {"offences": OFFENCES, "positiveoutcomes": POSITIVE_OUTCOMES, "outcomes": POSITIVE_OUTCOMES}
BOROUGH, PART = "borough", "part of a borough"
AREA_TYPES = {
    "borough": BOROUGH,
    "saferneighbourhoodteams": PART,
    "saferneighbourhoodteam": PART,
    "snt": PART,
    "ward": PART,
}
#: Groups of the file on all offences that are no notifiable offences.
NOT_NOTIFIABLE = frozenset(("otheracceptedcrime", "nonnotifiable"))

KNIFE_CRIME = "knife_crime"
INJURY = "knife_crime_with_injury"
INJURY_ROBBERY = "knife_crime_with_injury_personal_robbery"
VICTIMS = "knife_injury_victims"
VICTIMS_NON_DOMESTIC = "knife_injury_victims_non_domestic"
_KNIFE = {
    "knifecrime": KNIFE_CRIME,
    "knifecrimewithinjury": INJURY,
    "knifecrimewithinjurypersonalrobbery": INJURY_ROBBERY,
    "knifeinjuryvictims124": VICTIMS,
    "knifeinjuryvictimsnonda124": VICTIMS_NON_DOMESTIC,
}
#: Each outcome is part of the next: never added, and never above it.
NESTED = ((INJURY, KNIFE_CRIME), (INJURY_ROBBERY, INJURY), (VICTIMS_NON_DOMESTIC, VICTIMS))
#: Victims are counted, not offences: one offence may have several, so they may stand above it.
VICTIMS_OF = (VICTIMS, INJURY)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?:[ T]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})-?(\d{{2}})(?:-01{_TIME})?")
_DAY_FIRST = re.compile(rf"0?1/(\d{{1,2}})/(\d{{4}}){_TIME}")
_NAMED = re.compile(r"(?:0?1[- ])?([A-Za-z]{3,9})[- ](\d{4}|\d{2})")
_DATES = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T].*)?"), (0, 1, 2)),
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .*)?"), (2, 1, 0)),
)
_FINANCIAL = re.compile(r"(?:fy)?\s*(?:20)?(\d{2})\s*[-/]\s*(?:20)?(\d{2})", re.IGNORECASE)


def month_of(word: str) -> tuple[str, int]:
    """How a month is written, and its number (months since year 0, see `cseval.months`); -1 if it is no month.

    Read are the year first (``2018-04-01``, ``2018-04``, ``201804``), the first of the month (``01/04/2018``) and the
    name (``Apr-18``, ``April 2018``). Any other day of the month is refused: it may be a month in disguise.
    """
    if match := _YEAR_FIRST.fullmatch(word):
        return "year first", _number(int(match[1]), int(match[2]))
    if match := _DAY_FIRST.fullmatch(word):
        return "day first", _number(int(match[2]), int(match[1]))
    if match := _NAMED.fullmatch(word):
        name = match[1].lower()[:3]
        year = int(match[2]) + (2000 if len(match[2]) == 2 else 0)
        return "named", _number(year, _MONTHS.index(name) + 1 if name in _MONTHS else 0)
    return "", -1


def _number(year: int, month: int) -> int:
    return year * 12 + month - 1 if 1990 <= year <= 2100 and 1 <= month <= 12 else -1


def financial_year_of(word: str) -> int:
    """The year in which a financial year such as ``fy18-19`` starts; -1 if it is none."""
    match = _FINANCIAL.fullmatch(word)
    if match is None or (int(match[1]) + 1) % 100 != int(match[2]):
        return -1
    return 2000 + int(match[1])


def refresh_of(word: str) -> int:
    """A refresh date as an ordinal day; 0 for a blank, -1 for what is no date."""
    if not word:
        return 0
    for pattern, places in _DATES:
        if match := pattern.fullmatch(word):
            parts = [int(match[p + 1]) for p in places]
            try:
                return date(*parts).toordinal()
            except (ValueError, OverflowError):
                return -1
    return -1


def outcome_names(pairs: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The outcome that each pair of crime type and subtype stands for.

    Subtypes keep names of their own: they overlap, so no outcome is a sum of them. Where two types share a subtype
    the type is put in front.
    """
    names = {pair: _name(pair[1]) for pair in pairs}
    types: dict[str, set[str]] = {}
    for (kind, _), name in names.items():
        types.setdefault(name, set()).add(plain(kind))
    return {pair: name if len(types[name]) == 1 else f"{slug(pair[0])}_{name}" for pair, name in names.items()}


def _name(subtype: str) -> str:
    return _KNIFE.get(plain(subtype)) or offences.current(subtype)


def is_known(outcome: str) -> bool:
    """Whether an outcome about knives is one of the published ones."""
    return outcome in _KNIFE.values() or "knife" not in outcome

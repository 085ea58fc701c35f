"""Codes of the London boroughs, for files that give names only."""

from __future__ import annotations

from cseval.sources.files import plain

# ONS gives the City E09000001 and the boroughs E09000002 to E09000033 in alphabetical order.
NAMES = (
    "City of London",
    "Barking and Dagenham",
    "Barnet",
    "Bexley",
    "Brent",
    "Bromley",
    "Camden",
    "Croydon",
    "Ealing",
    "Enfield",
    "Greenwich",
    "Hackney",
    "Hammersmith and Fulham",
    "Haringey",
    "Harrow",
    "Havering",
    "Hillingdon",
    "Hounslow",
    "Islington",
    "Kensington and Chelsea",
    "Kingston upon Thames",
    "Lambeth",
    "Lewisham",
    "Merton",
    "Newham",
    "Redbridge",
    "Richmond upon Thames",
    "Southwark",
    "Sutton",
    "Tower Hamlets",
    "Waltham Forest",
    "Wandsworth",
    "Westminster",
)
CODES = {name: f"E09{number:06d}" for number, name in enumerate(NAMES, start=1)}
_BY_PLAIN = {plain(name): name for name in NAMES} | {"cityofwestminster": "Westminster"}
_ELSEWHERE = ("airport", "aviation", "unknown", "notknown", "otherborough", "heathrow", "legacyonly", "nonmet")


def borough_name(text: str) -> str | None:
    """The borough a name stands for, whatever its case and ``&``; None if it is not a borough."""
    return _BY_PLAIN.get(plain(text.replace("&", " and ")))


def is_elsewhere(text: str) -> bool:
    """Whether a name is one of the police's areas that are not boroughs (airports, unknown)."""
    name = plain(text)
    return name in ("nk", "othernk") or any(word in name for word in _ELSEWHERE)

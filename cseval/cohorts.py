"""Starts that differ from unit to unit: who begins when, as months after the programme's first start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DesignError
from cseval.months import month_number, month_text, month_words

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import Areas

    Index = npt.NDArray[np.int64]

#: Cohort of a unit that has no post month in the window: later than every month, so that comparisons need no mask.
NEVER = 1_000_000_000


def delays_from(starts: Mapping[str, str], registered: str) -> dict[str, int]:
    """Months from the programme's start to each unit's own; units that begin with the programme are left out.

    Parameters
    ----------
    starts : mapping of str to str
        Unit and its first month, ``YYYY-MM``.
    registered : str
        The programme's start, the earliest of all.

    Raises
    ------
    DesignError
        If a unit begins before the programme.
    """
    first = month_number(registered)
    months = {s: month_number(s) - first for s in set(starts.values())}
    delays = {u: months[s] for u, s in starts.items()}
    early = min(delays, key=lambda u: delays[u], default=None)
    if early is not None and delays[early] < 0:
        raise DesignError(
            f"unit {early} begins in {starts[early]}, before the programme's start in {registered}",
            where="roles",
            expected="starts from the programme's own on",
            todo="Register the earliest start as the programme's",
        )
    return {u: d for u, d in delays.items() if d}


def check_delays(delays: Mapping[str, int], treated: frozenset[str], transition: int) -> None:
    """Refuse delays that no design can hold.

    Raises
    ------
    DesignError
        If a unit that is not treated has one, one is below 0, no unit begins at the programme's start, or there are
        transition months, which several starts would put into every other cohort's months before.
    """
    if not delays:
        return
    stray = sorted(u for u in delays if u not in treated)
    if stray or min(delays.values()) < 0:
        unit = stray[0] if stray else min(delays, key=lambda u: delays[u])
        raise DesignError(
            f"unit {unit} has a start of its own and is not treated" if stray else f"unit {unit} begins too early",
            where="roles",
            expected="starts of treated units, from the programme's own on",
        )
    if all(delays.get(u, 0) for u in treated):
        raise DesignError(
            f"the first treated unit begins {min(delays.values())} months after the programme's start",
            where="roles",
            expected="a unit that begins at the programme's start",
            todo="Register the earliest start as the programme's",
        )
    if transition and any(delays.values()):
        raise DesignError(
            f"{transition} transition months and several starts",
            where="design",
            expected="no transition where units begin at different months",
            todo="Put each start after its own transition",
        )


def positions_of(delays: Index, start: str, periods: tuple[str, ...]) -> Index:
    """Position in `periods` of the first month at or after ``start + delay``; `NEVER` where there is none."""
    numbers = np.array([month_number(p) for p in periods], dtype=np.int64)
    found = np.searchsorted(numbers, delays + month_number(start))
    return np.where(found < len(periods), found, NEVER).astype(np.int64)


def by_part(areas: Areas, members: Iterable[str], position: Mapping[str, int]) -> Index:
    """Positions of units grouped by separate neighbourhood, the largest first and each in order of the panel."""
    parts = areas.components(members)
    return np.concatenate([np.sort([position[u] for u in part]) for part in parts]).astype(np.int64)


def handed_on(delays: Mapping[str, int], own: Iterable[str], units: Iterable[str]) -> dict[str, int]:
    """The delays of `own`, given to other units in the same order.

    Raises
    ------
    DesignError
        If there are more or fewer units.
    """
    own, units = tuple(own), tuple(units)
    if len(own) != len(units):
        raise DesignError(
            f"{len(units)} units for {len(own)} starts",
            where="treated units",
            expected=f"{len(own)}, so that each takes the start of one treated unit",
        )
    return {u: delays[o] for o, u in zip(own, units, strict=True) if delays.get(o)}


def start_words(start: str, delays: Iterable[int]) -> str:
    """The different starts with the number of units of each, in order: ``May 2018 (5 units), July 2018 (5 units)``."""
    months, counts = np.unique(np.fromiter(delays, dtype=np.int64), return_counts=True)
    first = month_number(start)
    return ", ".join(
        f"{month_words(month_text(first + m))} ({n} unit{'' if n == 1 else 's'})"
        for m, n in zip(months.tolist(), counts.tolist(), strict=True)
    )

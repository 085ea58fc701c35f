"""Calendar months as text ``YYYY-MM`` and as whole numbers, so that months can be added and counted."""

from __future__ import annotations

import re

from cseval.errors import UsageError

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_NAMES = "January February March April May June July August September October November December".split()


def month_number(month: str) -> int:
    """Months since year 0 of a month written ``YYYY-MM``.

    Raises
    ------
    UsageError
        If `month` is not written ``YYYY-MM``.
    """
    match = _MONTH.fullmatch(month)
    if match is None:
        raise UsageError(f"{month!r} is not a month", expected="YYYY-MM, for example 2018-05")
    return int(match[1]) * 12 + int(match[2]) - 1


def month_text(number: int) -> str:
    """The month ``YYYY-MM`` that `number` stands for; the inverse of `month_number`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def add_months(month: str, count: int) -> str:
    """The month `count` months after `month` (before, if negative)."""
    return month_text(month_number(month) + count)


def month_range(first: str, last: str) -> tuple[str, ...]:
    """Every month from `first` to `last`, both included; empty if `last` comes before `first`."""
    return tuple(month_text(n) for n in range(month_number(first), month_number(last) + 1))


def month_words(month: str) -> str:
    """A month as a reader says it: ``2018-05`` becomes ``May 2018``."""
    number = month_number(month)
    return f"{_NAMES[number % 12]} {number // 12}"

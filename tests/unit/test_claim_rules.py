"""The rules behind verdicts on statements, in every combination, and the words that go with them."""

from __future__ import annotations

import itertools

import pytest

from cseval.claims import phrases as words
from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED, VERDICTS
from cseval.claims.rules import combined, rank_verdict, trend_verdict

#: Sets of ranks of each kind: none, rank 1 alone, rank 1 among others, rank 1 left out.
KINDS = {None: None, "alone": (1, 1), "among": (1, 7), "out": (2, 2)}


def by_words(first, second):
    """The rule as the documentation says it, on the kinds."""
    known = [k for k in (first, second) if k is not None]
    if not known:
        return CANNOT_BE_TESTED
    if set(known) == {"alone"}:
        return SUPPORTED
    return CONTRADICTED if set(known) == {"out"} else NOT_SUPPORTED


@pytest.mark.parametrize(("first", "second"), list(itertools.product(KINDS, KINDS)))
def test_every_combination_of_sets_of_ranks(first, second):
    assert rank_verdict(KINDS[first], KINDS[second]) == by_words(first, second)


def test_a_set_that_holds_more_than_the_first_rank_never_supports():
    assert rank_verdict((1, 2), (1, 1)) == NOT_SUPPORTED
    assert rank_verdict((1, 1), (2, 4)) == NOT_SUPPORTED
    assert rank_verdict() == CANNOT_BE_TESTED


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-2.0, -0.1, SUPPORTED),
        (0.1, 2.0, CONTRADICTED),
        (-1.0, 1.0, NOT_SUPPORTED),
        (-1.0, 0.0, NOT_SUPPORTED),
        (0.0, 1.0, NOT_SUPPORTED),
        (float("-inf"), float("inf"), NOT_SUPPORTED),
        (float("nan"), -1.0, CANNOT_BE_TESTED),
        (-1.0, float("nan"), CANNOT_BE_TESTED),
    ],
)
def test_a_trend_is_downward_only_where_the_whole_interval_is(low, high, verdict):
    assert trend_verdict(low, high) == verdict


def agreed(found):
    """The rule for several readings as the documentation says it."""
    known = [v for v in found if v != CANNOT_BE_TESTED]
    if not known:
        return CANNOT_BE_TESTED
    return known[0] if all(v == known[0] for v in known) else NOT_SUPPORTED


@pytest.mark.parametrize("found", [(), *itertools.product(VERDICTS, repeat=3)])
def test_every_combination_of_three_readings(found):
    assert combined(found) == agreed(found)


def test_words_for_numbers():
    assert [words.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101)] == (
        "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st".split()
    )
    assert words.change_words(-8.2) == "an 8.2% fall"
    assert words.change_words(0.04) == "a 0.04% rise"
    assert words.set_words(1, 1) == "rank 1 alone"
    assert words.set_words(3, 17) == "ranks 3 to 17"
    assert words.probability_words(0.004) == "less than 1%"
    assert words.probability_words(0.997) == "more than 99%"
    assert words.probability_words(0.12) == "12%"
    assert (words.plural("borough"), words.plural("county")) == ("boroughs", "counties")


def test_words_for_periods():
    assert words.period_words("2018-01", "2018-12") == "2018"
    assert words.period_words("2018-04", "2019-03") == "April 2018 to March 2019"
    assert words.period_words("2018-04", "2018-04") == "April 2018"

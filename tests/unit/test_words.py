"""What is said of an effect: never more than the interval allows, and in plain grammar."""

from __future__ import annotations

import math
import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cseval.estimate import COUNT, LOG
from cseval.verdict import (
    INCREASE,
    NO_CLEAR_CHANGE,
    NOT_ESTIMABLE,
    REDUCTION,
    UNRELIABLE,
    VOCABULARY,
    WEAK_INCREASE,
    WEAK_REDUCTION,
    analysis_verdict,
)
from cseval.words import MINUS, an, fall_or_rise, incidents_words, outcome_words, p_words, rates_words, reading

INTERVAL = {
    REDUCTION: (-0.3, -0.5, -0.1),
    WEAK_REDUCTION: (-0.3, -0.5, -0.1),
    INCREASE: (0.3, 0.1, 0.5),
    WEAK_INCREASE: (0.3, 0.1, 0.5),
    UNRELIABLE: (-0.3, -0.5, -0.1),
    NO_CLEAR_CHANGE: (-0.1, -0.3, 0.1),
    NOT_ESTIMABLE: (math.nan, math.nan, math.nan),
}


def say(verdict, scale=LOG, interval=None, averted=(120.4, -8.2, 250.0), outcome="vehicle_offences", **more):
    effect, low, high = interval or INTERVAL[verdict]
    return reading(
        scale=scale,
        outcome=outcome,
        effect=effect,
        conf_low=low,
        conf_high=high,
        verdict=verdict,
        averted=averted,
        **more,
    )


def grammar(text: str) -> None:
    """A whole sentence, without words that claim too much and without a bare number format."""
    assert re.fullmatch(r"[A-Z].*\.", text)
    low = text.lower()
    for banned in ("significan", "no effect", "no change", "proves", "nan", "inf%", "none%", "  ", ".."):
        assert banned not in low
    assert "_" not in text
    assert not re.search(r"(?<![\w%])-\d", text)  # a minus sign, never a hyphen
    assert not re.search(r"\ba (8|11[.%]|18[.%])", text)
    assert not re.search(r"\ban ([1-79]\d*[.%])(?<!11\.)(?<!11%)(?<!18\.)(?<!18%)", text)


@pytest.mark.parametrize(("verdict", "scale"), list(product(VOCABULARY, (LOG, COUNT))))
def test_every_verdict_has_a_sentence_on_every_scale(verdict, scale):
    text = say(verdict, scale)
    grammar(text)
    assert "vehicle offences" in text


def test_an_interval_that_spans_zero_is_said_whole():
    text = say(NO_CLEAR_CHANGE, interval=(math.log(0.95), math.log(0.82), math.log(1.111)))
    assert text == (
        "There is no clear evidence of a change in vehicle offences; the data are consistent with anything from "
        "an 18.0% fall to an 11.1% rise. The estimate is a 5.0% fall."
    )


@pytest.mark.parametrize("scale", [LOG, COUNT])
def test_an_interval_that_is_known_to_be_too_narrow_is_not_what_the_data_are_consistent_with(scale):
    text = say(NO_CLEAR_CHANGE, scale, rate=0.462)
    grammar(text)
    assert "the data are consistent with anything from" not in text
    assert "far too narrow here: where nothing was done, it finds a change 46% of the time instead of 5%" in text
    for fine in (0.15, 0.05, math.nan):
        assert say(NO_CLEAR_CHANGE, scale, rate=fine) == say(NO_CLEAR_CHANGE, scale)
    assert say(REDUCTION, scale, rate=0.4) == say(REDUCTION, scale)


def test_rates_that_were_not_measured_are_said_not_to_be():
    assert rates_words([0.05, math.nan, 0.079]) == "5.0 / 7.9%"
    assert rates_words([math.nan]) == "not measured"


def test_what_would_have_been_detected_stands_beside_it():
    text = say(NO_CLEAR_CHANGE, detectable=(-23.4, 30.6))
    assert text.endswith(" A fall of 23% or a rise of 31% would have been detected four times in five.")
    for missing in ((math.nan, 30.0), (-20.0, math.inf)):
        assert "detected" not in say(NO_CLEAR_CHANGE, detectable=missing)


@pytest.mark.parametrize("interval", [(-0.1, -math.inf, math.inf), (-0.1, -0.3, math.inf), (-0.1, -math.inf, 0.2)])
def test_an_interval_without_an_end_is_not_printed(interval):
    text = say(NO_CLEAR_CHANGE, interval=interval)
    assert "the interval has no end that these data can give" in text
    grammar(text)


@pytest.mark.parametrize(
    ("verdict", "opening"),
    [
        (REDUCTION, "There is evidence of a reduction in vehicle offences: a 25.9% fall"),
        (INCREASE, "There is evidence of an increase in vehicle offences: a 35.0% rise"),
        (WEAK_REDUCTION, "There is some evidence of a reduction in vehicle offences: a 25.9% fall"),
        (WEAK_INCREASE, "There is some evidence of an increase in vehicle offences: a 35.0% rise"),
        (UNRELIABLE, "The method used here is not reliable enough to read a change in vehicle offences: a 25.9% fall"),
    ],
)
def test_a_finding_is_said_with_interval_incidents_and_comparison(verdict, opening):
    text = say(verdict)
    effect, low, high = (fall_or_rise(v) for v in INTERVAL[verdict])
    assert text.startswith(opening)
    assert effect in opening
    assert f"(95% interval from {an(low)} to {an(high)})" in text
    assert "about 120 fewer incidents than expected (95% interval from 8 more to 250 fewer)" in text
    assert text.endswith("compared with what would have been expected from the comparison areas.")


def test_nothing_estimable_is_said_without_a_number():
    for scale in (LOG, COUNT):
        assert say(NOT_ESTIMABLE, scale) == "The change in vehicle offences cannot be estimated from these data."


def test_counts_carry_signs_and_a_true_minus():
    text = say(NO_CLEAR_CHANGE, COUNT, interval=(-0.5, -1.25, 0.26))
    assert text == (
        f"No clear evidence of a change: {MINUS}0.50 vehicle offences incidents per unit and month "
        f"(95% interval from {MINUS}1.25 to +0.26)."
    )


@given(st.floats(-3, 3), st.floats(0, 3), st.sampled_from([0.02, 0.3, math.nan]), st.booleans())
def test_any_result_reads_as_its_own_verdict(effect, half, rate, reliable):
    low, high = effect - half, effect + half
    verdict = analysis_verdict(low, high, rate, reliable)
    text = say(verdict, interval=(effect, low, high))
    grammar(text)
    spans = low <= 0 <= high
    assert ("no clear evidence of a change" in text) == spans
    assert ("the data are consistent with anything from" in text) == spans
    if spans:
        assert "evidence of a reduction" not in text
        assert "evidence of an increase" not in text


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("8.0% fall", "an 8.0% fall"),
        ("8% fall", "an 8% fall"),
        ("11.3% rise", "an 11.3% rise"),
        ("11% rise", "an 11% rise"),
        ("18.9% fall", "an 18.9% fall"),
        ("80.0% fall", "an 80.0% fall"),
        ("88% fall", "an 88% fall"),
        ("800.0% rise", "an 800.0% rise"),
        ("1.8% fall", "a 1.8% fall"),
        ("1.1% fall", "a 1.1% fall"),
        ("10.8% fall", "a 10.8% fall"),
        ("12.0% fall", "a 12.0% fall"),
        ("110.0% rise", "a 110.0% rise"),
        ("180.0% rise", "a 180.0% rise"),
        ("0.8% fall", "a 0.8% fall"),
        ("0.0% rise", "a 0.0% rise"),
    ],
)
def test_article_follows_the_spoken_number(phrase, said):
    assert an(phrase) == said


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.0, "p < 0.001"),
        (0.000999, "p < 0.001"),
        (0.001, "p = 0.001"),
        (0.0042, "p = 0.004"),
        (0.01, "p = 0.01"),
        (0.25, "p = 0.25"),
        (1.0, "p = 1.00"),
        (math.nan, "p not available"),
    ],
)
def test_p_values_in_words(p, said):
    assert p_words(p) == said


def test_incidents_say_their_direction_and_group_thousands():
    fewer = incidents_words((1234.4, -56.0, 2000.0))
    assert fewer == "about 1,234 fewer incidents than expected (95% interval from 56 more to 2,000 fewer)"
    more = incidents_words((-1234.4, -2000.0, 0.2))
    assert more == "about 1,234 more incidents than expected (95% interval from 2,000 more to none)"
    assert incidents_words((1.2, 0.6, 1.9)).startswith("about 1 fewer incident than")


def test_fall_and_rise():
    assert fall_or_rise(math.log(0.902)) == "9.8% fall"
    assert fall_or_rise(math.log(1.041)) == "4.1% rise"
    assert fall_or_rise(0.0) == "0.0% rise"


def test_outcomes_in_words():
    assert outcome_words("anti_social_behaviour") == "anti-social behaviour"
    assert outcome_words("possession_of_weapons") == "possession of weapons"
    assert outcome_words("disorder").startswith("disorder (arson")

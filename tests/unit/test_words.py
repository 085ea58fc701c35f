"""What is said of an effect: never more than the interval allows, and in plain grammar."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cseval.estimate import COUNT, LOG, percent
from cseval.formats import MINUS, an, change_words, outcome_words, p_text, spans_words
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
    secondary_verdict,
)
from cseval.words import Finding, incidents_words, rates_words, reading, sentences

NAN, INF = math.nan, math.inf
INTERVAL = {
    REDUCTION: (-0.3, -0.5, -0.1),
    WEAK_REDUCTION: (-0.3, -0.5, -0.1),
    INCREASE: (0.3, 0.1, 0.5),
    WEAK_INCREASE: (0.3, 0.1, 0.5),
    UNRELIABLE: (-0.3, -0.5, -0.1),
    NO_CLEAR_CHANGE: (-0.1, -0.3, 0.1),
    NOT_ESTIMABLE: (NAN, NAN, NAN),
}


def finding(verdict, scale=LOG, interval=None, averted=(120.4, -8.2, 250.0), outcome="vehicle_offences", **more):
    effect, low, high = interval or INTERVAL[verdict]
    return Finding(
        outcome=outcome,
        scale=scale,
        effect=effect,
        conf_low=low,
        conf_high=high,
        changes=tuple(percent(v) if abs(v) < 20 else v for v in (effect, low, high)),
        verdict=verdict,
        averted=averted,
        **{"observed": 2310.0, "expected": 2430.4, "months": 18, "method": "placebo neighbourhoods", **more},
    )


def test_months_that_follow_one_another_are_a_span():
    assert spans_words(["2018-05"]) == "May 2018"
    assert spans_words(["2016-01", "2015-12", "2015-11", "2018-05"]) == "November 2015 to January 2016 and May 2018"
    assert spans_words(["2015-04", "2015-06"]) == "April 2015 and June 2015"


def say(verdict, scale=LOG, interval=None, **more):
    return reading(finding(verdict, scale, interval, **more))


def grammar(text: str) -> None:
    """Whole sentences, without words that claim too much and without a bare number format."""
    assert re.fullmatch(r"[A-Z\d].*\.", text)
    low = text.lower()
    for banned in ("significan", "no effect", "no change", "proves", "nan", "inf%", "none%", "  ", "..", "[x]", "-inf"):
        assert banned not in low
    assert "_" not in text
    assert not re.search(r"(?<![\w%])-\d", text)  # a minus sign, never a hyphen
    assert not re.search(r"\ba (8|11[.%]|18[.%])", text)
    assert not re.search(r"\ban ([1-79]\d*[.%])(?<!11\.)(?<!11%)(?<!18\.)(?<!18%)", text)


# Every combination ------------------------------------------------------------------------------------

RATES = {"unmeasured": (), "right": (0.05, NAN, 0.06), "raised": (0.05, 0.12, NAN), "broken": (0.05, 0.462, NAN)}
CONCERNS = {"none": (), "one": ("pre-trends",), "many": ("pre-trends", "regression to the mean", "buffer")}
DETECTABLE = {"none": (NAN, NAN), "both": (-23.4, 30.6), "half": (-20.0, INF)}
OPEN = {NO_CLEAR_CHANGE: ((-0.1, -INF, INF), (-0.1, -0.3, INF), (-0.1, -INF, 0.2))}
COMBINATIONS = [
    (verdict, scale, interval, rates, concerns, detectable, p, staggered)
    for verdict in VOCABULARY
    for scale in (LOG, COUNT)
    for interval in (INTERVAL[verdict], *OPEN.get(verdict, ()))
    for rates, concerns, detectable, p, staggered in product(
        RATES.values(), CONCERNS.values(), DETECTABLE.values(), (NAN, 0.0, 0.0499), (False, True)
    )
]


@pytest.mark.parametrize("verdict", VOCABULARY)
def test_every_combination_is_said_in_order_and_in_plain_grammar(verdict):
    for v, scale, interval, rates, concerns, detectable, p, staggered in COMBINATIONS:
        if v != verdict:
            continue
        averted = (120.4, -8.2, 250.0) if all(map(math.isfinite, interval)) else (120.4, -INF, INF)
        said = sentences(
            finding(
                verdict,
                scale,
                interval,
                averted=averted,
                rates=rates,
                concerns=concerns,
                detectable=detectable,
                p_value=p,
                staggered=staggered,
                assumption="Both would have moved alike",
            )
        )
        assert list(said) == ["change", "interval", "incidents", "reading", "smallest_change", "certainty", "caveat"]
        for name, text in said.items():
            if text and name != "change":
                grammar(text)
        check_bounds(verdict, rates, concerns, p, said)


def check_bounds(verdict, rates, concerns, p, said):
    """What the words may not say, and what they must, for one combination."""
    if verdict == NOT_ESTIMABLE:
        assert [name for name, text in said.items() if text] == ["reading"]
        return
    broken = any(r > 0.15 for r in rates if math.isfinite(r))
    claims = (
        "evidence of a reduction" in said["reading"].lower() or "evidence of an increase" in said["reading"].lower()
    )
    assert claims == (verdict in (REDUCTION, INCREASE, WEAK_REDUCTION, WEAK_INCREASE))
    assert not (broken and "consistent with anything" in said["reading"])
    if broken and "no end" not in said["interval"]:
        assert "far too narrow" in said["interval"]
    known = [r for r in rates if math.isfinite(r)]
    assert ("its error rate could not be measured on these data" in said["certainty"]) == (not known)
    assert not (broken and said["smallest_change"])
    assert all(f"{100 * r:.1f}%" in said["certainty"] for r in known)
    assert ("p not available" in said["certainty"]) == math.isnan(p)
    assert all(name in said["caveat"] for name in concerns)
    assert ("concern" in said["caveat"]) == bool(concerns)


# The reading --------------------------------------------------------------------------------------------


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
    text = say(NO_CLEAR_CHANGE, scale, rates=(0.05, 0.462))
    grammar(text)
    assert "the data are consistent with anything from" not in text
    assert "far too narrow here: where nothing was done, it finds a change 46% of the time instead of 5%" in text
    for fine in ((0.15,), (0.05,), (NAN,), ()):
        assert say(NO_CLEAR_CHANGE, scale, rates=fine) == say(NO_CLEAR_CHANGE, scale)
    assert say(REDUCTION, scale, rates=(0.4,)) == say(REDUCTION, scale)


def test_rates_that_were_not_measured_are_said_not_to_be():
    assert rates_words([0.05, NAN, 0.079]) == "5.0% / [x] / 7.9%"
    assert rates_words([NAN]) == "not measured"


def test_what_would_have_been_detected_stands_beside_it():
    text = say(NO_CLEAR_CHANGE, detectable=(-23.4, 30.6))
    assert text.endswith(" A fall of 23% or a rise of 31% would have been detected four times in five.")
    for missing in ((NAN, 30.0), (-20.0, INF)):
        assert "detected" not in say(NO_CLEAR_CHANGE, detectable=missing)


def test_what_would_have_been_detected_is_said_once_and_the_measured_words_come_first():
    clear = sentences(finding(REDUCTION, detectable=(-23.4, 30.6)))
    assert clear["smallest_change"] == (
        "A 23.4% fall or a 30.6% rise would have been found in four cases out of five; smaller changes can easily be "
        "missed."
    )
    assert sentences(finding(NO_CLEAR_CHANGE, detectable=(-23.4, 30.6)))["smallest_change"] == ""
    measured = sentences(finding(NO_CLEAR_CHANGE, measured="A fall of 19% is found."))
    assert measured["smallest_change"] == "A fall of 19% is found. Smaller changes can easily be missed."


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((-0.1, -INF, INF), "the interval has no end that these data can give"),
        ((-0.1, -0.3, INF), "consistent with anything from a 25.9% fall to a rise of any size"),
        ((-0.1, -INF, 0.2), "consistent with anything from a fall of any size to a 22.1% rise"),
    ],
)
def test_an_end_that_is_not_there_is_said_and_the_other_one_printed(interval, said):
    text = say(NO_CLEAR_CHANGE, interval=interval)
    assert said in text
    grammar(text)


def test_a_direction_can_be_read_from_one_end():
    assert analysis_verdict(-INF, -0.05, 0.05) == REDUCTION
    text = say(REDUCTION, interval=(-0.4, -INF, -0.05), averted=(90.0, 10.0, INF))
    assert "a 33.0% fall (95% interval from a fall of any size to a 4.9% fall)" in text
    assert "about 90 fewer incidents than expected (95% interval from any number fewer to 10 fewer)" in text


def test_a_finding_among_many_outcomes_says_what_is_left_of_it():
    alone = say(WEAK_INCREASE, p_value=0.045)
    among = finding(WEAK_INCREASE, p_value=0.045, p_adjusted=0.44, p_holm=0.5)
    assert reading(among) == alone + " Adjusted for the number of secondary outcomes tested, p = 0.44 (by Holm 0.50)."
    assert sentences(among)["certainty"].endswith("tested, p = 0.44 (by Holm 0.50).")
    assert secondary_verdict(INCREASE, 0.44) == WEAK_INCREASE
    assert secondary_verdict(INCREASE, 0.02) == secondary_verdict(INCREASE, NAN) == INCREASE
    assert secondary_verdict(NO_CLEAR_CHANGE, 0.9) == NO_CLEAR_CHANGE


def test_a_small_number_keeps_the_digits_that_tell_it_from_zero():
    assert say(REDUCTION, interval=(-0.01, -0.02, -0.0002)).count("a 0.02% fall") == 1
    counted = say(NO_CLEAR_CHANGE, COUNT, interval=(0.001, -0.011, 0.002))
    assert "+0.0010 vehicle offences" in counted
    assert f"from {MINUS}0.01 to +0.0020" in counted


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
    effect, low, high = (change_words(percent(v)) for v in INTERVAL[verdict])
    assert text.startswith(opening)
    assert opening.endswith(effect)
    assert f"(95% interval from {low} to {high})" in text
    assert "about 120 fewer incidents than expected (95% interval from 250 fewer to 8 more)" in text
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


@given(st.floats(-3, 3), st.floats(0, 3), st.sampled_from([0.02, 0.3, NAN]), st.booleans())
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


# The other parts ----------------------------------------------------------------------------------------


def test_incidents_say_what_was_recorded_and_what_was_expected():
    said = sentences(finding(REDUCTION))["incidents"]
    assert said == (
        "2,310 incidents were recorded in 18 months where 2,430 would have been expected: about 120 fewer "
        "(95% interval from 250 fewer to 8 more)."
    )
    apart = sentences(finding(REDUCTION, staggered=True))["incidents"]
    assert "recorded from each unit's own start on, up to 18 months, where" in apart
    one = sentences(finding(REDUCTION, observed=1.0, months=1))["incidents"]
    assert one.startswith("1 incident was recorded in 1 month where")


def test_a_p_value_never_stands_without_its_error_rate():
    drawn = finding(REDUCTION, p_value=0.031, rates=(0.05, 0.072, NAN), drawn=2000.0, apart=20.0)
    assert sentences(drawn)["certainty"] == (
        "By placebo neighbourhoods (2,000 of similar count in 20 separate places), p = 0.031; where nothing was done, "
        "it finds an effect in 5.0% of all placebo neighbourhoods and 7.2% of those like the treated area (5% is "
        "promised)."
    )
    assert "of whatever count" in sentences(replace(drawn, alike=False))["certainty"]


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
        (0.0499, "p = 0.0499"),
        (0.25, "p = 0.25"),
        (1.0, "p > 0.99"),
        (NAN, "p not available"),
    ],
)
def test_p_values_in_words(p, said):
    assert p_text(p) == said


def test_incidents_say_their_direction_and_group_thousands():
    fewer = incidents_words((1234.4, -56.0, 2000.0))
    assert fewer == "about 1,234 fewer incidents than expected (95% interval from 2,000 fewer to 56 more)"
    more = incidents_words((-1234.4, -2000.0, 0.2))
    assert more == "about 1,234 more incidents than expected (95% interval from as many to 2,000 more)"
    assert incidents_words((1.2, 0.6, 1.9)).startswith("about 1 fewer incident than")
    assert incidents_words((0.2, -6, 6.1)).startswith("about as many incidents as expected")
    assert "nan" not in incidents_words((NAN, NAN, NAN))


def test_outcomes_in_words():
    assert outcome_words("anti_social_behaviour") == "anti-social behaviour"
    assert outcome_words("possession_of_weapons") == "possession of weapons"
    assert outcome_words("disorder").startswith("disorder (arson")

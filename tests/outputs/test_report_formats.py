from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cseval import formats as f

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-24.56, "−24.6%"),
        (4.1, "4.1%"),
        (-0.04, "0.0%"),
        (0.0, "0.0%"),
        (1234.5, "1,234.5%"),
        (NAN, "[x]"),
        (INF, "[x]"),
    ],
)
def test_percent(value, text):
    assert f.percent_text(value) == text


def test_signed_percent_marks_a_rise_and_not_nought():
    assert [f.percent_text(v, signed=True) for v in (4.1, -4.1, 0.0)] == ["+4.1%", "−4.1%", "0.0%"]


@pytest.mark.parametrize(
    ("p", "cell", "text"),
    [
        (0.0, "< 0.001", "p < 0.001"),
        (0.0004, "< 0.001", "p < 0.001"),
        (0.001, "0.001", "p = 0.001"),
        (0.0213, "0.021", "p = 0.021"),
        (0.0496, "0.0496", "p = 0.0496"),
        (0.05, "0.050", "p = 0.050"),
        (0.25, "0.25", "p = 0.25"),
        (0.996, "> 0.99", "p > 0.99"),
        (NAN, "[x]", "p not available"),
    ],
)
def test_p_value(p, cell, text):
    assert f.p_cell(p) == cell
    assert f.p_text(p) == text


@given(st.floats(0, 1))
def test_p_value_is_never_printed_as_nought_nor_across_the_level(p):
    cell = f.p_cell(p)
    assert cell not in ("0.000", "0.00")
    if cell[0] not in "<>":
        assert (float(cell) < 0.05) == (p < 0.05)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (-9.8, "a 9.8% fall"),
        (4.1, "a 4.1% rise"),
        (-8.2, "an 8.2% fall"),
        (11.4, "an 11.4% rise"),
        (18.0, "an 18.0% rise"),
        (110.0, "a 110.0% rise"),
        (-84.0, "an 84.0% fall"),
        (0.01, "a 0.01% rise"),
        (0.0001, "a change of 0.0%"),
        (-INF, "a fall of any size"),
        (NAN, "an unknown change"),
    ],
)
def test_change_in_words(change, words):
    assert f.change_words(change) == words


def test_interval_in_words():
    assert f.interval_words(-9.8, 4.1) == "anything from a 9.8% fall to a 4.1% rise"
    assert f.interval_text(-35.04, -12.1) == "from −35.0% to −12.1%"
    assert f.interval_cell(-35.04, 12.1) == "−35.0% to 12.1%"
    assert f.interval_text(NAN, 1.0) == "[x]"
    assert f.interval_text(-INF, 1.0) == "from any fall to 1.0%"
    assert f.interval_words(-INF, 4.0) == "anything from a fall of any size to a 4.0% rise"
    assert f.interval_words(-INF, INF) == "an interval without bounds"


def test_counts_and_incidents():
    assert f.count_text(1218.4) == "1,218"
    assert f.count_text(-0.2) == "0"
    assert [f.fewer_words(v) for v in (312.0, -40.2, 0.3, NAN)] == [
        "312 fewer",
        "40 more",
        "as many",
        "an unknown number",
    ]
    assert f.plural(1, "month") == "1 month"
    assert f.plural(18, "analysis", "analyses") == "18 analyses"


@pytest.mark.parametrize(
    ("value", "text"), [(1218.0, "1,218"), (-1.23456, "−1.23"), (0.012345, "0.0123"), (12.345, "12.3"), (NAN, "[x]")]
)
def test_number_of_unknown_kind(value, text):
    assert f.plain_text(value) == text


def test_words():
    assert f.outcome_words("anti_social_behaviour") == "anti-social behaviour"
    assert f.span_words("2018-05", "2019-10") == "May 2018 to October 2019"
    assert f.joined(["a", "b", "c"]) == "a, b and c"
    assert f.joined([]) == ""
    assert f.full_stop(" It fell ") == "It fell."
    assert f.full_stop("Did it?") == "Did it?"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (1 / 3, "0.3333333333"),
        (1e-7, "0.0000001"),
        (123456789012.0, "123456789000"),
        (NAN, ""),
        (INF, "INF"),
        (-INF, "-INF"),
    ],
)
def test_number_for_a_file(value, text):
    assert f.number_text(value) == text


@given(st.floats(-1e12, 1e12))
def test_number_for_a_file_keeps_ten_digits(value):
    text = f.number_text(value)
    assert "e" not in text
    assert text != "-0"
    assert math.isclose(float(text), value, rel_tol=1e-9)


def test_json_number():
    assert f.json_number(3.0) == 3
    assert f.json_number(0.1 + 0.2) == 0.3
    assert f.json_number(NAN) is None
    assert f.json_number(-INF) is None


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1"])
def test_text_that_a_spreadsheet_would_run_is_neutralised(text):
    assert f.csv_text(text) == "'" + text


def test_other_text_is_left_as_it_is():
    assert f.csv_text("2018-05 to 2019-10") == "2018-05 to 2019-10"

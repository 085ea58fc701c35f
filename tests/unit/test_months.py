"""Months as text and as whole numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cseval.errors import UsageError
from cseval.months import add_months, month_number, month_range, month_text, month_words


@given(st.integers(0, 9999 * 12 + 11))
def test_text_and_number_are_inverse(number):
    assert month_number(month_text(number)) == number


def test_years_end_in_december():
    assert month_text(month_number("2018-12") + 1) == "2019-01"
    assert add_months("2018-01", -1) == "2017-12"
    assert add_months("2018-05", 18) == "2019-11"


def test_range_includes_both_ends_and_is_empty_backwards():
    assert month_range("2018-11", "2019-02") == ("2018-11", "2018-12", "2019-01", "2019-02")
    assert month_range("2018-05", "2018-05") == ("2018-05",)
    assert month_range("2018-05", "2018-04") == ()


@pytest.mark.parametrize(
    "wrong",
    ["2018-5", "2018-13", "2018-00", "201805", "May 2018", "2018-05-01", " 2018-05", "2018-05\n", "", "２０１8-05x"],
)
def test_a_month_is_written_one_way_only(wrong):
    with pytest.raises(UsageError, match="is not a month; expected YYYY-MM"):
        month_number(wrong)


def test_words():
    assert month_words("2018-05") == "May 2018"
    assert month_words("2019-12") == "December 2019"
    assert month_words("2020-01") == "January 2020"

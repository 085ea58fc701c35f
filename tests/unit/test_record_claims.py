"""Claims held against the papers' own figures: numbers by hand, rules, what is left unsaid, and its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import registered

from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, SUPPORTED
from cseval.claims.records import (
    RECORDS,
    Capacity,
    Expectation,
    Figures,
    ImpliedCost,
    Reported,
    Totals,
    exceeds,
    implied_cost,
    parts_verdict,
    read_figures,
)
from cseval.claims.register import Activity, PublicClaim, Staffing
from cseval.claims.rules import capacity_verdict
from cseval.errors import DataError
from cseval.register import read_register

REFERENCE = Path(__file__).resolve().parents[2] / "data" / "reference"
CLAIM = PublicClaim(
    slug="said",
    text="half of them",
    source="Board report",
    paragraph="3.6",
    programme="team",
    tested_by=("record/capacity",),
    needs="duty rosters by day",
)


def posts(kind="in post", first="", last="", sergeants=1, constables=5, note=""):
    return Staffing(
        programme="team",
        kind=kind,
        first=first,
        last=last,
        sergeants=sergeants,
        constables=constables,
        note=note,
        source="Board report",
        paragraph="3.6",
    )


def figure(slug, value, unit="count", bound="stated", first="2018-04-01", last="2019-03-31", note="", what=""):
    return Activity(
        slug=slug,
        programme="team",
        what=what or slug.rpartition("-")[2],
        value=value,
        unit=unit,
        bound=bound,
        first=first,
        last=last,
        note=note,
        source="Board report",
        paragraph="3.6",
    )


FIGURES = Figures(
    staffing=(
        posts(first="2018-04-01", last="2018-09-04"),
        posts(first="2018-09-05", constables=10),
        posts("promised", first="2019-11", sergeants=2, constables=20, note="Promised in September"),
        posts("proposed", first="2021-04", sergeants=2, constables=10, note="Vehicles"),
    ),
    activities=(
        figure("stated", 50, "percent"),
        figure("year-arrests", 356),
        figure("year-warnings", 350, bound="over"),
        figure("all-arrests", 1218, first="", last=""),
        figure("all-warnings", 1635, first="", last=""),
        figure("years", 3, "years", first="", last="", note="No dates"),
        figure("price", 771_000, "GBP", first="2021-04", last=""),
        figure("cut", 21, "percent", first="", last=""),
        figure("sum", 3_000_000, "GBP", first="", last="", note="No years"),
    ),
    programmes={"team": registered("team", start="2018-04", end="2021-03")},
)
TOTALS = Totals(parts={"year-arrests": "all-arrests", "year-warnings": "all-warnings"}, years="years")
COST = ImpliedCost(price="price", reduction="cut", agreement="sum")


def with_figures(*changed):
    """The figures with some replaced by those of the same slug."""
    new = {a.slug: a for a in changed}
    return replace(FIGURES, activities=tuple(new.get(a.slug, a) for a in FIGURES.activities))


def without_staffing(*kinds):
    return replace(FIGURES, staffing=tuple(s for s in FIGURES.staffing if s.kind not in kinds))


# Rules ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("average", "stated", "rounding", "verdict"),
    [
        (40.2, 50, 10, CONTRADICTED),
        (45.0, 50, 10, SUPPORTED),
        (44.9, 50, 10, CONTRADICTED),
        (55.0, 50, 10, SUPPORTED),
        (55.1, 50, 10, CONTRADICTED),
        (49.4, 50, 1, CONTRADICTED),
        (50.0, 50, 0, SUPPORTED),
    ],
)
def test_a_stated_share_is_contradicted_by_more_than_rounding(average, stated, rounding, verdict):
    assert capacity_verdict(average, stated, rounding) == verdict


@pytest.mark.parametrize(
    ("part", "total", "larger"),
    [
        (figure("part", 356), figure("total", 1218), False),
        (figure("part", 356), figure("total", 356), False),
        (figure("part", 194), figure("total", 193), True),
        (figure("part", 350, bound="over"), figure("total", 351), False),
        (figure("part", 350, bound="over"), figure("total", 350), True),
        (figure("part", 356), figure("total", 350, bound="over"), False),
        (figure("part", 400, bound="about"), figure("total", 399), False),
        (figure("part", 400), figure("total", 399, bound="about"), False),
    ],
)
def test_totals_are_contradicted_only_by_a_part_that_must_be_larger(part, total, larger):
    assert exceeds(part, total) is larger
    fine = figure("part", 1), figure("total", 2)
    assert parts_verdict([fine, (part, total)]) == (CONTRADICTED if larger else CANNOT_BE_TESTED)
    assert parts_verdict([]) == CANNOT_BE_TESTED


# Capacity ---------------------------------------------------------------------------------------------


AT_END = Capacity(stated="stated", at_end=True)


def test_capacity_by_hand():
    """157 days of 6 and 208 days of 11, of 22: (942 + 2288) / (365 x 22) = 40.2%."""
    result = Capacity(stated="stated").test(CLAIM, FIGURES)
    assert result.verdict == CONTRADICTED
    assert result.statement == replace(CLAIM.statement, reading="40.2% on average from 1 April 2018 to 31 March 2019")
    assert result.sentence == (
        "27% of full strength for 157 days and 50% for 208 days from 5 September 2018, 40.2% on average: lower than "
        "stated, which makes the paper's point stronger, not weaker. By the paper's own figures these were 1 sergeant "
        "and 5 constables from 1 April 2018 and 1 sergeant and 10 constables from 5 September 2018, of 2 sergeants and "
        "20 constables."
    )
    assert result.caveat == (
        "Full strength is that promised for November 2019; posts are not officers on duty. Promised in September."
    )


def test_capacity_at_the_end_of_the_period_is_another_reading_of_the_same_words():
    result = AT_END.test(CLAIM, FIGURES)
    assert result.verdict == SUPPORTED
    assert result.statement.reading == "50.0% on 31 March 2019"
    assert result.sentence == Capacity(stated="stated").test(CLAIM, FIGURES).sentence


def test_capacity_that_was_half_all_year_is_supported():
    half = replace(FIGURES, staffing=(posts(first="2018-01-01", constables=10), *FIGURES.staffing[2:]))
    for reading in (Capacity(stated="stated"), AT_END):
        result = reading.test(CLAIM, half)
        assert result.verdict == SUPPORTED
        assert result.sentence.startswith("50% of full strength for 365 days, 50.0% on average: as stated.")


def test_capacity_above_the_stated_one_makes_the_point_weaker():
    more = replace(FIGURES, staffing=(posts(first="2018-01-01", constables=19), *FIGURES.staffing[2:]))
    result = Capacity(stated="stated").test(CLAIM, more)
    assert result.verdict == CONTRADICTED
    assert "higher than stated, which makes the paper's point weaker, not stronger" in result.sentence


def test_a_day_without_officers_or_without_full_strength_is_refused():
    late = replace(FIGURES, staffing=(posts(first="2018-04-02", constables=10), *FIGURES.staffing[2:]))
    with pytest.raises(DataError, match="days without officers in post of team between 2018-04-01 and 2019-03-31"):
        Capacity(stated="stated").test(CLAIM, late)
    with pytest.raises(DataError, match="0 rows 'promised' of team"):
        Capacity(stated="stated").test(CLAIM, without_staffing("promised"))


def test_a_figure_that_is_not_there_or_has_no_days_is_refused():
    with pytest.raises(DataError, match="no row 'unknown'"):
        Capacity(stated="unknown").test(CLAIM, FIGURES)
    with pytest.raises(DataError, match=r"activities.csv, row 'stated': no first or no last day"):
        Capacity(stated="stated").test(CLAIM, with_figures(figure("stated", 50, "percent", last="")))


# Outputs ----------------------------------------------------------------------------------------------


def test_outputs_of_a_year_are_divided_and_not_tested():
    """356 / 12 = 29.7; 3,230 officer-days are 106.2 months of 365 / 12 days, and 356 / 106.2 = 3.4."""
    result = Reported(outputs=("year-arrests", "year-warnings")).test(CLAIM, FIGURES)
    assert result.verdict == CANNOT_BE_TESTED
    assert "29.7 arrests a month, or 3.4 for each month of an officer in post, of which there were about 106." in (
        result.sentence
    )
    assert "356 arrests and over 350 warnings for 1 April 2018 to 31 March 2019" in result.sentence


def test_totals_of_three_years_by_hand():
    """1,218 / 36 = 33.8."""
    result = TOTALS.test(CLAIM, FIGURES)
    assert result.verdict == CANNOT_BE_TESTED
    assert (
        "the papers' own, which do not contradict each other. Arrests were 33.8 a month over 3 years, and 29.7 in"
        in (result.sentence)
    )
    assert "had 356 of 1,218 arrests (29%) and over 350 of 1,635 warnings (over 21%)." in result.sentence
    assert "The 3 years from April 2018, when the programme began, end in March 2021" in result.caveat
    assert "not known from November 2019 on" in result.caveat
    assert "No dates." in result.caveat


@pytest.mark.parametrize(
    ("written_before", "said"),
    [
        ("2021-03", "at least 33.8 a month if counted from April 2018 to March 2021 (the paper was written before)"),
        ("2020-06", "at least 33.8 a month if counted from April 2018 to March 2021 (the paper was written before)"),
        ("2021-04", "33.8 a month over 3 years"),
        ("", "33.8 a month over 3 years"),
    ],
)
def test_totals_over_years_that_were_not_over_are_a_least_rate(written_before, said):
    result = replace(TOTALS, written_before=written_before).test(CLAIM, FIGURES)
    assert f"Arrests were {said}, and 29.7 in the 12 months to March 2019." in result.sentence


def test_totals_that_their_own_part_exceeds_are_contradicted():
    result = TOTALS.test(CLAIM, with_figures(figure("all-warnings", 350)))
    assert result.verdict == CONTRADICTED
    assert result.sentence.startswith("The papers contradict each other on warnings. Arrests were")


def test_totals_without_a_start_or_a_promise_leave_those_unsaid():
    unknown = replace(FIGURES, programmes={"team": registered("team")})
    result = replace(TOTALS, written_before="2021-03").test(CLAIM, unknown)
    assert "the programme began" not in result.caveat
    assert "33.8 a month over 3 years" in result.sentence
    assert "not known from" not in TOTALS.test(CLAIM, without_staffing("promised")).caveat


# Cost -------------------------------------------------------------------------------------------------


def test_implied_cost_by_hand():
    full, low, high = implied_cost(771_000, 21)
    assert full == pytest.approx(975_949.37, abs=0.01)
    assert low == pytest.approx(771_000 / 0.795)
    assert high == pytest.approx(771_000 / 0.785)
    with pytest.raises(DataError, match=r"less than 99\.5"):
        implied_cost(771_000, 100)


def test_cost_is_implied_in_all_and_by_post_and_not_tested():
    result = COST.test(CLAIM, FIGURES)
    assert result.verdict == CANNOT_BE_TESTED
    assert "about £976,000 a year (from £970,000 to £982,000" in result.sentence
    assert "£205,000 more than the price" in result.sentence
    assert "each of the 12 posts that is about £64,000 instead of £81,000" in result.sentence


def test_an_earlier_sum_implies_a_yearly_cost_only_where_its_years_are_given():
    assert "Of the £3,000,000 of the earlier agreement (no years) no cost a year" in COST.test(CLAIM, FIGURES).caveat
    dated = with_figures(figure("sum", 3_000_000, "GBP", first="2018-04", last="2021-03"))
    assert "The £3,000,000 of the earlier agreement are £1,000,000 a year" in COST.test(CLAIM, dated).caveat


# Expectation and interviews ---------------------------------------------------------------------------


def test_an_expectation_cannot_be_tested_yet():
    result = Expectation(programme="team").test(CLAIM, FIGURES)
    assert result.verdict == CANNOT_BE_TESTED
    assert "proposed from April 2018 on (2 sergeants and 10 constables)" in result.sentence
    assert result.sentence.endswith("These papers give no period after it that could be compared with the one before.")
    unknown = replace(FIGURES, programmes={"team": registered("team")})
    assert "a unit proposed (2 sergeants" in Expectation(programme="team").test(CLAIM, unknown).sentence


# The founding figures ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def founding():
    return read_figures(REFERENCE, {p.slug: p for p in read_register(REFERENCE / "programmes.csv")})


VERDICTS = {
    "capacity": CONTRADICTED,
    "capacity-at-end": SUPPORTED,
    "first-year": CANNOT_BE_TESTED,
    "three-years": CANNOT_BE_TESTED,
    "cost": CANNOT_BE_TESTED,
    "expectation": CANNOT_BE_TESTED,
    "perceptions": CANNOT_BE_TESTED,
}


@pytest.mark.parametrize("name", RECORDS)
def test_verdicts_on_the_papers_own_figures(founding, name):
    result = RECORDS[name].test(CLAIM, founding)
    assert result.verdict == VERDICTS[name]
    assert result.outcome == ""
    assert result.sentence.endswith(".")
    assert "  " not in result.sentence + result.caveat

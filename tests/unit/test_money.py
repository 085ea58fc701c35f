"""Money: price years, costs of outputs, break-even, benefit and refusals, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cseval import verdict
from cseval.claims import register
from cseval.errors import DataError, UsageError
from cseval.money import (
    ABOUT,
    BOUNDS,
    OVER,
    Cost,
    Deflators,
    Output,
    UnitCost,
    at_least,
    break_even,
    break_even_curve,
    cost_per_officer_month,
    cost_per_output,
    financial_year,
    officer_months,
)
from cseval.money_benefit import LEAST_DRAWS, Averted, MonteCarlo, appraise, averted_interval
from cseval.money_tables import benefit_table, break_even_table, curve_table, in_print, output_table
from cseval.money_words import (
    CERTAIN,
    ONE_FOR_ONE,
    REFUSALS,
    benefit_sentences,
    break_even_sentence,
    cost_words,
    output_sentence,
    pounds,
    pounds_interval,
    refusal,
    share_sentence,
    unit_notes,
)

#: Prices rose by a quarter, then by a fifth.
PRICES = Deflators(index={"2015-16": 80.0, "2018-19": 100.0, "2021-22": 120.0}, vintage="March", source="Index")
COST = Cost(amount=600_000.0, months=12, price_year="2021-22")
SYMMETRIC = tuple(float(x) for x in range(-20, 21))


def unit(**changes):
    """An offence of £10,000 in 2015-16, £15,000 in 2021-22, a fifth for precautions; two for each recorded one."""
    fields = {
        "edition": "First",
        "outcome": "robbery",
        "offence": "robbery",
        "unit_cost": 10_000.0,
        "price_base": "2015-16",
        "multiplier": 2.0,
        "anticipation": 2_000.0,
        "consequence": 5_000.0,
        "response": 3_000.0,
        "source": "A report",
        "table": "Table 1",
        "verified_in": "a newspaper",
    }
    return UnitCost(**{**fields, **changes})


def averted(**changes):
    fields = {
        "outcome": "robbery",
        "middle": 60.0,
        "low": 30.0,
        "high": 90.0,
        "verdict": verdict.REDUCTION,
        "months": 12,
        "placebo": SYMMETRIC,
    }
    return Averted(**{**fields, **changes})


# Prices -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "year"), [("2021-22", 2021), ("1999-00", 1999), ("2008-09", 2008)])
def test_financial_years(text, year):
    assert financial_year(text) == year


@pytest.mark.parametrize("text", ["2021", "2021-23", "2021-2022", "2021/22", "21-22", "", "2021-22 "])
def test_what_is_no_financial_year(text):
    with pytest.raises(UsageError, match="2021-22"):
        financial_year(text)


def test_deflation_between_price_years():
    assert PRICES.factor("2015-16", "2021-22") == pytest.approx(1.5, rel=1e-15)
    assert COST.at("2018-19", PRICES).amount == pytest.approx(500_000.0)
    assert COST.at("2018-19", PRICES).price_year == "2018-19"
    assert COST.at("2018-19", PRICES).at("2021-22", PRICES).amount == pytest.approx(COST.amount)


def test_a_unit_cost_moves_with_its_parts_and_keeps_its_multiplier():
    moved = unit().at("2021-22", PRICES)
    parts = (moved.anticipation, moved.consequence, moved.response)
    assert (moved.unit_cost, *parts) == pytest.approx((15_000.0, 3_000.0, 7_500.0, 4_500.0))
    assert (moved.price_base, moved.multiplier) == ("2021-22", 2.0)
    assert moved.recorded_cost == pytest.approx(30_000.0)


def test_the_base_of_the_index_does_not_matter():
    other = Deflators(index={y: 7.0 * v for y, v in PRICES.index.items()}, vintage="", source="")
    assert other.factor("2015-16", "2018-19") == pytest.approx(PRICES.factor("2015-16", "2018-19"))


@pytest.mark.parametrize(("start", "end"), [("2016-17", "2021-22"), ("2015-16", "2030-31"), ("", "2021-22")])
def test_a_year_without_deflator_is_refused(start, end):
    with pytest.raises(DataError, match="from 2015-16 to 2021-22"):
        PRICES.factor(start, end)


def test_cash_without_a_year_cannot_be_deflated():
    with pytest.raises(DataError, match="a sum without a price year"):
        Cost(amount=3e6, months=36).at("2018-19", PRICES)


@pytest.mark.parametrize(
    "fields", [{"amount": 0.0}, {"amount": -1.0}, {"amount": math.nan}, {"months": 0}, {"price_year": "2021"}]
)
def test_costs_that_are_none(fields):
    with pytest.raises(UsageError):
        Cost(**{"amount": 1.0, "months": 12, **fields})


# Outputs ----------------------------------------------------------------------------------------------


def test_cost_per_output_and_its_bound():
    found = cost_per_output(Cost(amount=1_000_000.0, months=12), Output(what="arrests", count=400), 100.0)
    assert (found.each, found.per_officer_month) == (2_500.0, 4.0)
    over = cost_per_output(COST, Output(what="warnings", count=350, bound=OVER))
    assert "each of over 350 warnings cost less than £1,714." in output_sentence(over)
    about = cost_per_output(COST, Output(what="visits", count=80, bound=ABOUT))
    assert "each of about 80 visits cost about £7,500." in output_sentence(about)
    assert math.isnan(over.per_officer_month)


@pytest.mark.parametrize("output", [Output(what="arrests", count=0), Output(what="arrests", count=5, bound="under")])
def test_outputs_that_cannot_be_divided_by(output):
    with pytest.raises(UsageError):
        cost_per_output(COST, output)


def test_bounds_are_those_of_the_papers_figures():
    assert BOUNDS == register.BOUNDS


def test_officer_months_of_a_full_year_are_twelve_an_officer():
    assert officer_months([(1, 365)], 12) == 12.0
    assert officer_months([(6, 157), (11, 208)], 12) == pytest.approx(12 * 3230 / 365)
    assert cost_per_officer_month(Cost(amount=771_000, months=12), 144) == pytest.approx(5354.1667)
    with pytest.raises(UsageError):
        officer_months([], 12)
    with pytest.raises(UsageError):
        cost_per_officer_month(COST, 0.0)


def test_an_assumption_is_always_said():
    cost = Cost(amount=1_000_000.0, months=12, assumption="it paid for three years")
    sentence = output_sentence(cost_per_output(cost, Output(what="arrests", count=356)))
    assert sentence == (
        "At £1,000,000 a year (cash, no price year given), each of 356 arrests cost £2,809, if it paid for three years."
    )


# Break-even -------------------------------------------------------------------------------------------


def test_break_even_by_hand():
    found = break_even(COST, unit(), PRICES, yearly=500)
    assert found.unit.unit_cost == pytest.approx(15_000.0)
    assert (found.actual, found.recorded, found.without_anticipation) == pytest.approx((40.0, 20.0, 50.0))
    assert found.share == pytest.approx(0.04)
    assert found.published.unit_cost == 10_000.0


def test_a_cost_of_other_months_is_brought_to_a_year():
    assert break_even(COST.over(36), unit(), PRICES).actual == pytest.approx(40.0)


@given(factor=st.floats(min_value=1e-3, max_value=1e3))
def test_break_even_scales_with_the_cost_and_not_with_the_currency(factor):
    base = break_even(COST, unit(), PRICES)
    dearer = break_even(Cost(amount=COST.amount * factor, months=12, price_year="2021-22"), unit(), PRICES)
    assert dearer.recorded == pytest.approx(base.recorded * factor)
    priced = unit(unit_cost=10_000.0 * factor, anticipation=2_000.0 * factor)
    both = break_even(dearer.cost, priced, PRICES)
    assert (both.recorded, both.without_anticipation) == pytest.approx((base.recorded, base.without_anticipation))


def test_the_price_year_of_the_comparison_does_not_matter():
    then = break_even(COST.at("2015-16", PRICES), unit(), PRICES)
    assert then.actual == pytest.approx(break_even(COST, unit(), PRICES).actual)


def test_without_a_multiplier_recorded_offences_are_not_known():
    found = break_even(COST, unit(multiplier=math.nan, anticipation=math.nan), PRICES, yearly=500)
    assert found.actual == pytest.approx(40.0)
    assert all(map(math.isnan, (found.recorded, found.share, found.without_anticipation)))
    sentence = break_even_sentence(found)
    assert "at least 40 offences of robbery in a year, recorded by the police or not" in sentence
    assert "how many recorded ones that is cannot be said" in sentence
    assert share_sentence(found, "the borough", "a year") == ""


def test_the_sentences_say_units_and_price_years():
    found = break_even(COST, unit(), PRICES, yearly=500)
    assert break_even_sentence(found) == (
        "At £600,000 a year (2021-22 prices), a programme must avert at least 20 recorded offences of robbery in a "
        "year to be worth its cost, at £15,000 each (2021-22 prices): the break-even is 20.0, which is 40.0 recorded "
        "or not, since one recorded offence stands for 2.00."
    )
    assert share_sentence(found, "the borough", "2019") == "That is 4.0% of the 500 recorded in the borough in 2019."


def test_the_share_is_of_whole_offences_as_the_sentence_says_them():
    found = break_even(COST, unit(unit_cost=2_000_000.0), PRICES, yearly=5)
    assert found.recorded == pytest.approx(0.1)
    assert "at least 1 recorded offence of robbery" in break_even_sentence(found)
    assert share_sentence(found, "the borough", "2019").startswith("That is 20.0% of the 5 recorded")


def test_more_than_there_are_is_said_to_be_out_of_reach():
    found = break_even(COST, unit(), PRICES, yearly=19)
    assert "more than the 19 recorded" in share_sentence(found, "the borough", "2019")
    assert math.isnan(break_even(COST, unit(), PRICES, yearly=0).share)
    with pytest.raises(UsageError):
        break_even(COST, unit(), PRICES, yearly=-1)


@pytest.mark.parametrize(("count", "whole"), [(28.35, 29), (40.0, 40), (40.0 + 1e-12, 40), (0.2, 1), (39.99, 40)])
def test_part_of_an_offence_is_a_whole_one(count, whole):
    assert at_least(count) == whole


def test_the_curve_is_a_line_through_the_break_even():
    found = break_even(COST, unit(), PRICES)
    points = break_even_curve(found, points=5)
    assert [p.net_benefit for p in points] == pytest.approx([-600e3, -300e3, 0.0, 300e3, 600e3])
    assert [p.recorded for p in points] == pytest.approx([0.0, 10.0, 20.0, 30.0, 40.0])
    for p in points:
        assert p.net_benefit == pytest.approx(p.actual * found.unit.unit_cost - COST.amount)
    with pytest.raises(UsageError):
        break_even_curve(found, points=4)


# Benefit ----------------------------------------------------------------------------------------------


def test_benefit_by_hand():
    found = appraise(averted(), COST, unit(), PRICES, uncertainty=MonteCarlo(draws=200_000, seed=1))
    benefit = found.benefit
    assert benefit.value[0] == pytest.approx(60 * 30_000)
    assert benefit.net[0] == pytest.approx(1_200_000)
    assert benefit.ratio[0] == pytest.approx(3.0)
    assert benefit.cost_each[0] == pytest.approx(10_000)
    # The placebo draws are the whole numbers from -20 to 20: the 2.5 % and 97.5 % points of the errors are -19 and 19.
    assert benefit.averted[1:] == pytest.approx((41.0, 79.0), abs=1.01)
    assert benefit.cost_each[1:] == pytest.approx((COST.amount / benefit.averted[2], COST.amount / benefit.averted[1]))


def test_as_many_months_are_paid_as_the_effect_has():
    found = appraise(averted(months=18), COST, unit(), PRICES)
    assert found.cost.amount == pytest.approx(900_000)
    assert found.benefit.ratio[0] == pytest.approx(2.0)
    assert found.break_even.cost.months == 12


def test_errors_to_one_side_put_the_truth_on_the_other():
    """A method that finds reductions where nothing was done overstates this one too."""
    placebo = tuple(float(x) for x in np.linspace(0.0, 40.0, 101))
    low, high = averted_interval(60.0, placebo, MonteCarlo(draws=50_000, seed=2))
    assert (low, high) == pytest.approx((21.0, 59.0), abs=1.0)


def test_intervals_widen_with_the_placebo_spread_and_are_the_same_from_the_same_seed():
    narrow = averted_interval(60.0, SYMMETRIC, MonteCarlo(seed=5))
    assert narrow == averted_interval(60.0, SYMMETRIC, MonteCarlo(seed=5))
    wide = averted_interval(60.0, tuple(2 * x for x in SYMMETRIC), MonteCarlo(seed=5))
    assert wide[1] - wide[0] == pytest.approx(2 * (narrow[1] - narrow[0]))


def test_an_interval_that_reaches_none_averted_has_no_upper_end_of_cost():
    found = appraise(averted(placebo=tuple(5 * x for x in SYMMETRIC)), COST, unit(), PRICES)
    assert found.benefit.averted[1] < 0
    assert found.benefit.cost_each[2] == math.inf
    assert "with no upper end" in benefit_sentences(found)[1]
    assert "no upper end" in in_print(benefit_table([found], PRICES)).values["cost_each_high"].tolist()


def test_without_a_multiplier_a_recorded_offence_counts_once_and_says_so():
    found = appraise(averted(), COST, unit(multiplier=math.nan), PRICES)
    assert found.benefit.value[0] == pytest.approx(60 * 15_000)
    assert ONE_FOR_ONE in benefit_sentences(found)
    assert ONE_FOR_ONE not in benefit_sentences(appraise(averted(), COST, unit(), PRICES))


@pytest.mark.parametrize("word", [v for v in verdict.VOCABULARY if v != verdict.REDUCTION])
def test_only_evidence_of_a_reduction_is_worth_anything(word):
    found = appraise(averted(verdict=word), COST, unit(), PRICES)
    assert found.benefit is None
    assert benefit_sentences(found) == (REFUSALS[word], break_even_sentence(found.break_even))
    table = benefit_table([found], PRICES)
    assert table.values[["value", "ratio", "cost_each"]].isna().all(axis=None)
    assert REFUSALS[word] in table.notes
    assert CERTAIN not in table.notes


def test_every_other_verdict_has_its_refusal():
    assert set(REFUSALS) == set(verdict.VOCABULARY) - {verdict.REDUCTION}
    assert refusal(verdict.NO_CLEAR_CHANGE) == "No benefit is claimed from an effect that cannot be told from zero."
    for word in (verdict.REDUCTION, "good news"):
        with pytest.raises(UsageError):
            refusal(word)


def test_a_refused_effect_needs_no_placebo_draws():
    assert appraise(averted(verdict=verdict.NO_CLEAR_CHANGE, placebo=()), COST, unit(), PRICES).benefit is None


@pytest.mark.parametrize("ends", [{"low": -1.0}, {"low": 0.0}, {"high": 50.0}, {"middle": math.nan}, {"low": 70.0}])
def test_a_reduction_that_its_own_interval_denies(ends):
    with pytest.raises(UsageError, match="above 0"):
        averted(**ends)


@pytest.mark.parametrize("placebo", [SYMMETRIC[: LEAST_DRAWS - 1], (*SYMMETRIC, math.nan), ()])
def test_too_few_placebo_draws_are_refused(placebo):
    with pytest.raises(UsageError, match=f"at least {LEAST_DRAWS}"):
        appraise(averted(placebo=placebo), COST, unit(), PRICES)


def test_a_unit_cost_of_another_offence_is_refused():
    with pytest.raises(UsageError, match="same outcome"):
        appraise(averted(outcome="burglary"), COST, unit(), PRICES)


# Tables and words -------------------------------------------------------------------------------------


def test_the_table_of_break_even_in_print():
    rows = [
        break_even(COST, unit(), PRICES, yearly=500),
        break_even(COST, unit(edition="Second", multiplier=math.nan), PRICES),
    ]
    table = break_even_table(rows, PRICES, where="the borough", when="2019")
    assert table.values["recorded"].tolist()[0] == pytest.approx(20.0)
    first, second = in_print(table).values.to_dict("records")
    assert (first["unit_cost"], first["recorded"], first["actual"], first["share"]) == (
        "£15,000",
        "20.0",
        "40.0",
        "4.0%",
    )
    assert (second["multiplier"], second["recorded"], second["share"]) == ("[x]", "[x]", "[x]")
    assert "£600,000 a year (2021-22 prices)" in table.title
    assert "Recorded in the area: the borough, 2019." in table.notes
    assert table.source == "Unit costs: A report (2015-16 prices). Price index: Index, March."
    assert set(table.headings) == set(table.values.columns)


def test_counts_that_were_not_given_make_no_column():
    assert "yearly" not in break_even_table([break_even(COST, unit(), PRICES)], PRICES).values.columns


def test_rows_of_different_costs_are_no_table():
    rows = [break_even(COST, unit(), PRICES), break_even(COST.at("2018-19", PRICES), unit(), PRICES)]
    for some in (rows, []):
        with pytest.raises(UsageError):
            break_even_table(some, PRICES)


def test_the_table_of_outputs_says_what_over_means():
    rows = [cost_per_output(COST, Output(what="warnings", count=350, bound=OVER, period="a year"), 100.0)]
    cells = in_print(output_table(rows)).values.to_dict("records")[0]
    assert (cells["count"], cells["each"]) == ("over 350", "less than £1,714")
    assert cells["per_officer_month"] == "more than 3.50"
    assert "must not be added" in output_table(rows).notes[-1]


def test_the_table_of_the_curve():
    found = break_even(COST, unit(), PRICES)
    printed = in_print(curve_table(found, break_even_curve(found, points=3))).values
    assert printed["net_benefit"].tolist() == ["−£600,000", "£0", "£600,000"]
    assert printed["recorded"].tolist() == ["0.0", "20.0", "40.0"]


def test_pounds():
    assert pounds(-1234.4) == "−£1,234"
    assert pounds(1.305, digits=2) == "£1.30"
    assert pounds(math.nan) == "[x]"
    assert pounds_interval(2000, math.inf) == "from £2,000 with no upper end"
    assert cost_words(Cost(amount=3e6, months=36)) == "£3,000,000 over 36 months (cash, no price year given)"


def test_notes_stand_once_with_what_they_are_about():
    units = [
        unit(outcome="a", offence="arson", note="of homes; amended since"),
        unit(outcome="b", offence="rape", note="amended since"),
        unit(outcome="c", offence="theft", edition="Second", note="of homes"),
    ]
    assert unit_notes(units) == ("Arson and theft: of homes.", "All of First: amended since.")

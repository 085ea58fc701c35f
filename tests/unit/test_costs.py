"""The tables of money: what is read and refused, that the papers say what budgets say, and what comes of them."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cseval.claims.records import read_figures
from cseval.costs import (
    BUDGETS,
    DEFLATORS,
    IN_ALL,
    PER_CENT_OFF,
    UNIT_COSTS,
    YEARLY,
    Budget,
    read_budgets,
    read_deflators,
    read_unit_costs,
    unit_costs_of,
)
from cseval.errors import DataError, UsageError
from cseval.money import UnitCost, at_least, break_even
from cseval.money_programme import taskforce_costs
from cseval.money_tables import in_print, output_table
from cseval.register import read_register

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "data" / "reference"
SEEDS = ROOT.parent / "shared" / "seeds"

UNIT_HEADER = ",".join(f.name for f in fields(UnitCost))
UNIT = "First,robbery,robbery,10000,2015-16,2.0,2000,5000,3000,,A report,Table 1,A newspaper"
DEFLATOR_HEADER = "year,index,base,vintage,source,table,verified_in"
YEARS = tuple(
    f"{y},{i},2024-25,March,Treasury,Years,A page" for y, i in (("2015-16", 80), ("2016-17", 82), ("2017-18", 84))
)
BUDGET_HEADER = ",".join(f.name for f in fields(Budget))
BUDGET = "yearly,pilot,a year,771000,2021-22,2022-23,2021-22,,A paper,3.6"

READERS = {
    "units": lambda path: read_unit_costs(path),
    "deflators": read_deflators,
    "budgets": lambda path: read_budgets(path, programmes={"pilot", "other"}),
}
HEADERS = {"units": UNIT_HEADER, "deflators": DEFLATOR_HEADER, "budgets": BUDGET_HEADER}


def write(folder, *lines, encoding="utf-8"):
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def refuse(folder, kind, *rows):
    path = write(folder, HEADERS[kind], *rows)
    with pytest.raises(DataError) as caught:
        READERS[kind](path)
    assert str(path) in str(caught.value)
    return str(caught.value)


# Reading ----------------------------------------------------------------------------------------------


def test_unit_costs_are_read_in_order(tmp_path):
    bare = "First,burglary,burglary,5000,2015-16,,,,,a note,A report,Table 1,A newspaper"
    first, second = READERS["units"](write(tmp_path, UNIT_HEADER, UNIT, bare, encoding="utf-8-sig"))
    assert (first.unit_cost, first.multiplier, first.response) == (10_000.0, 2.0, 3_000.0)
    assert math.isnan(second.multiplier)
    assert math.isnan(second.anticipation)
    assert second.note == "a note"


def test_columns_may_stand_in_any_order(tmp_path):
    names, cells = UNIT_HEADER.split(","), UNIT.split(",")
    (found,) = READERS["units"](write(tmp_path, ",".join(names[::-1]), ",".join(cells[::-1])))
    assert (found.edition, found.unit_cost) == ("First", 10_000.0)


@pytest.mark.parametrize("column", ["edition", "offence", "unit_cost", "price_base", "source", "table", "verified_in"])
def test_a_unit_cost_needs_price_base_and_source(tmp_path, column):
    cells = UNIT.split(",")
    cells[UNIT_HEADER.split(",").index(column)] = " "
    message = refuse(tmp_path, "units", ",".join(cells))
    assert f"row 2, column {column}: an empty cell" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",10000,", ",-10000,", "row 2, column unit_cost: '-10000'"),
        (",10000,", ",0,", "column unit_cost: '0'"),
        (",10000,", ',"10,000",', "column unit_cost: '10,000'"),
        (",10000,", ",£10000,", "column unit_cost"),
        (",10000,", ",nan,", "column unit_cost: 'nan'"),
        (",2.0,", ",-2,", "column multiplier: '-2'"),
        (",2015-16,", ",2015,", "column price_base: '2015'"),
        (",robbery,robbery,", ",stealing,robbery,", "column outcome: 'stealing'"),
        (",3000,", ",4000,", "columns anticipation, consequence, response: parts of 11000"),
        (",3000,", ",,", "no response"),
        (",A report,", ",A report,and more,", "cells that do not fit the header"),
    ],
)
def test_unit_costs_that_are_refused(tmp_path, old, new, said):
    assert said in refuse(tmp_path, "units", UNIT.replace(old, new, 1))


def test_an_outcome_stands_once_in_an_edition_and_an_edition_has_one_price_base(tmp_path):
    assert "row 3, column outcome: robbery again" in refuse(tmp_path, "units", UNIT, UNIT)
    other = UNIT.replace("robbery", "burglary").replace("2015-16", "2016-17")
    assert "row 3, column price_base: '2016-17'" in refuse(tmp_path, "units", UNIT, other)
    second = UNIT.replace("First", "Second").replace("2015-16", "2019-20")
    assert len(READERS["units"](write(tmp_path, UNIT_HEADER, UNIT, second))) == 2


def test_deflators_are_read(tmp_path):
    found = read_deflators(write(tmp_path, DEFLATOR_HEADER, *YEARS))
    assert found.factor("2015-16", "2017-18") == pytest.approx(1.05)
    assert (found.vintage, found.source) == ("March", "Treasury")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((YEARS[0], YEARS[2]), "row 3, column year: '2017-18' after 2015-16; expected every financial year"),
        ((YEARS[0], YEARS[0]), "row 3, column year: '2015-16' after 2015-16"),
        ((YEARS[1], YEARS[0]), "row 3, column year"),
        ((YEARS[0], YEARS[1].replace("March", "June")), "row 3, column vintage: 'June'"),
        ((YEARS[0], YEARS[1].replace("2024-25", "2022-23")), "row 3, column base"),
        ((YEARS[0].replace(",80,", ",-80,"),), "row 2, column index: '-80'"),
        ((YEARS[0].replace(",80,", ",,"),), "row 2, column index: an empty cell"),
        ((YEARS[0].replace("2015-16", "2015-17"),), "row 2, column year"),
        ((), "no rows"),
    ],
)
def test_deflators_that_are_refused(tmp_path, rows, said):
    assert said in refuse(tmp_path, "deflators", *rows)


def test_budgets_are_read(tmp_path):
    (found,) = READERS["budgets"](write(tmp_path, BUDGET_HEADER, BUDGET))
    assert (found.cost.amount, found.cost.months, found.cost.price_year) == (771_000.0, 12, "2021-22")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("771000", "-771000", "column value"),
        ("pilot", "plot", "column programme: 'plot'"),
        ("a year", "weekly", "column kind: 'weekly'"),
        ("2021-22,2022-23", "2021-22,2020-21", "column last: '2020-21'"),
        ("2021-22,2022-23", "spring,2022-23", "column first: 'spring'"),
        ("2022-23,2021-22", "2022-23,", "column price_base: an empty cell"),
        (",A paper,", ",,", "column source: an empty cell"),
        ("a year,771000", "per cent off,100", "column value: '100'"),
    ],
)
def test_budgets_that_are_refused(tmp_path, old, new, said):
    assert said in refuse(tmp_path, "budgets", BUDGET.replace(old, new, 1))


@pytest.mark.parametrize(
    "years", ["2022-23,2023-24", "2020-21,2021-22", ",", "2022-23,", ",2021-22", "2021-22,2022-23"]
)
def test_two_sums_for_one_year_of_a_programme_are_refused(tmp_path, years):
    second = BUDGET.replace("yearly", "again").replace("2021-22,2022-23", years, 1)
    assert "row 3, columns first and last: years that overlap those of row 2" in refuse(
        tmp_path, "budgets", BUDGET, second
    )


@pytest.mark.parametrize(
    "change", [("2021-22,2022-23", "2023-24,"), ("pilot", "other"), ("a year,771000", "per cent off,21")]
)
def test_sums_of_other_years_or_programmes_stand_side_by_side(tmp_path, change):
    second = BUDGET.replace("yearly", "again").replace(*change, 1)
    assert len(READERS["budgets"](write(tmp_path, BUDGET_HEADER, BUDGET, second))) == 2


def test_only_a_yearly_sum_is_a_cost_by_itself(tmp_path):
    (whole,) = READERS["budgets"](write(tmp_path, BUDGET_HEADER, BUDGET.replace("a year", "in all")))
    with pytest.raises(UsageError, match="a year"):
        assert whole.cost


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"a,b\n1,2\n", b"\x00", b'"unclosed', "café".encode("latin-1")]
)
def test_files_that_are_no_such_table(tmp_path, kind, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(path))):
        READERS[kind](path)
    with pytest.raises(DataError, match="cannot be read"):
        READERS[kind](tmp_path / "absent.csv")


@given(text=st.text(max_size=60), row=st.integers(0, 1))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_read_or_refused(tmp_path, text, row):
    lines = [UNIT_HEADER, UNIT]
    lines[row] += text
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    with suppress(DataError):
        assert all(unit.unit_cost > 0 and unit.source and unit.price_base for unit in READERS["units"](path))


# What is shipped --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def programmes():
    return {p.slug: p for p in read_register(REFERENCE / "programmes.csv")}


@pytest.fixture(scope="module")
def units():
    return read_unit_costs(REFERENCE / UNIT_COSTS)


@pytest.fixture(scope="module")
def deflators():
    return read_deflators(REFERENCE / DEFLATORS)


@pytest.fixture(scope="module")
def budgets(programmes):
    return read_budgets(REFERENCE / BUDGETS, programmes=programmes)


def test_the_shipped_unit_costs(units):
    report = unit_costs_of(units, "Research Report 99")
    assert {u.price_base for u in report.values()} == {"2015-16"}
    assert report["violence_with_injury"].unit_cost == 14_050
    assert report["robbery_of_personal_property"].unit_cost == 11_320
    assert all(math.isnan(u.multiplier) for u in report.values())
    newer = unit_costs_of(units, "Costs of crime 2019 to 2020")
    assert (newer["violence_with_injury"].unit_cost, newer["violence_with_injury"].multiplier) == (15_720, 1.64)
    with pytest.raises(DataError, match="Research Report 99"):
        unit_costs_of(units, "Third")


def test_offences_that_no_unit_cost_is_of_have_none(units):
    """No average stands in for a group of offences, and crimes against society have no unit cost at all."""
    priced = {u.outcome for u in units}
    assert not priced & {"violence_against_the_person", "robbery", "theft", "vehicle_offences", "drug_offences"}
    assert not priced & {"anti_social_behaviour", "possession_of_article_with_blade_or_point", "knife_crime"}


def test_the_shipped_deflators_cover_every_price_year(units, deflators, budgets):
    years = {u.price_base for u in units} | {b.price_base for b in budgets if b.price_base}
    assert years <= set(deflators.index)
    assert deflators.factor("2015-16", "2021-22") == pytest.approx(1.14378, abs=5e-6)


def test_the_budgets_are_in_the_papers(budgets):
    if not SEEDS.is_dir():
        pytest.skip("the papers are not here")
    papers = {"Transformation": "000_", "Draft growth": "003_"}
    said = {"taskforce-agreement": "invest £3m", "unit-a-year": "£771,000 per annum", "unit-reduction": "21% reduction"}
    for budget in budgets:
        prefix = next(p for title, p in papers.items() if budget.source.startswith(title))
        assert said[budget.slug] in next(SEEDS.glob(prefix + "*")).read_text(encoding="utf-8")
    assert {(b.kind, b.value) for b in budgets} == {(IN_ALL, 3_000_000), (YEARLY, 771_000), (PER_CENT_OFF, 21)}


def test_break_even_of_the_unit(units, deflators, budgets):
    cost = next(b for b in budgets if b.kind == YEARLY).cost
    report = unit_costs_of(units, "Research Report 99")["violence_with_injury"]
    found = break_even(cost, report, deflators)
    assert found.unit.unit_cost == pytest.approx(14_050 * 85.3036 / 74.5804)
    assert at_least(found.actual) == 48
    newer = unit_costs_of(units, "Costs of crime 2019 to 2020")["violence_with_injury"]
    found = break_even(cost, newer, deflators)
    assert (at_least(found.recorded), at_least(found.actual)) == (29, 47)


def test_costs_of_the_taskforce(programmes, deflators, budgets):
    """By hand: 157 days of 6 officers and 208 of 11 are 106.2 months; £771,000 for 144 is £5,354 each."""
    rows = taskforce_costs(read_figures(REFERENCE, programmes), budgets, deflators)
    arrests = [r for r in rows if r.output.what == "arrests"]
    months = 12 * (157 * 6 + 208 * 11) / 365
    asked = 771_000 / 144 * months * 78.7948 / 85.3036
    expected = [1_000_000 / 356, asked / 356, asked / 0.79 / 356, 3_000_000 / 1218]
    assert [r.each for r in arrests] == pytest.approx(expected)
    assert [round(e) for e in expected] == [2809, 1475, 1867, 2463]
    assert arrests[0].per_officer_month == pytest.approx(356 / months)
    assert all(r.cost.assumption for r in rows)
    assert {r.output.what for r in rows} >= {
        "vehicles seized",
        "referrals to DIP/RESET",
        "anti-social behaviour warnings",
    }
    printed = in_print(output_table(rows)).values
    assert "over 350" in printed["count"].tolist()
    assert "[x]" in printed["per_officer_month"].tolist()


def test_a_figure_of_other_dates_is_not_laid_on_the_year(programmes, deflators, budgets):
    figures = read_figures(REFERENCE, programmes)
    arrests = next(a for a in figures.activities if a.slug == "first-year-arrests")
    later = replace(arrests, slug="second-year-arrests", value=400.0, first="2019-04-01", last="2020-03-31")
    more = replace(figures, activities=(*figures.activities, later))
    one, other = (taskforce_costs(f, budgets, deflators) for f in (figures, more))
    assert [(r.output, r.cost, r.each) for r in other] == [(r.output, r.cost, r.each) for r in one]


def test_a_figure_that_the_taskforce_rests_on_is_missed(programmes, deflators, budgets):
    figures = read_figures(REFERENCE, programmes)
    with pytest.raises(DataError, match="partnership-taskforce"):
        taskforce_costs(figures, [b for b in budgets if b.kind != IN_ALL], deflators)

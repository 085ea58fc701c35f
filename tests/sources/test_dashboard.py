"""The Monthly Crime Dashboard: variants, overlaps, zeros against missing months, several issues."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples import DASHBOARD_HEADER, dashboard_csv, dashboard_row, table, write

from cseval.errors import DataError
from cseval.months import month_number
from cseval.panel import Panel
from cseval.sources.boroughs import NAMES
from cseval.sources.catalogue import Catalogue, recognise
from cseval.sources.mps_dashboard import read_dashboard, read_dashboards
from cseval.sources.mps_dashboard_join import join_issues
from cseval.sources.mps_dashboard_words import financial_year_of, month_of, outcome_names, refresh_of

HACKNEY, HAMLETS = 0, 1


def read(folder: Path, content: str, name: str = "knife.csv") -> Panel:
    return read_dashboard(write(folder / name, content))


def says(panel: Panel, words: str) -> bool:
    return any(words in note for note in panel.notes)


def test_every_subtype_is_an_outcome_of_its_own_and_none_is_added(tmp_path: Path) -> None:
    panel = read(tmp_path, dashboard_csv())
    assert panel.units == ("E09000012", "E09000030")
    assert panel.periods == ("2018-04", "2018-05")
    april = {o: v[HAMLETS, 0] for o, v in panel.counts.items()}
    assert april == {
        "knife_crime": 9,
        "knife_crime_with_injury": 4,
        "knife_injury_victims": 3,
        "knife_injury_victims_non_domestic": 2,
    }
    assert says(panel, "never added")
    assert panel.names["E09000030"] == panel.districts["E09000030"] == "Tower Hamlets"


def test_a_borough_without_a_row_is_zero_and_a_month_without_any_is_missing(tmp_path: Path) -> None:
    panel = read(tmp_path, dashboard_csv())
    assert panel.counts["knife_crime"][:, 1].tolist() == [0, 7]
    assert panel.mask("knife_crime").all()
    assert panel.mask("knife_injury_victims").tolist() == [[True, False], [True, False]]
    assert says(panel, "knife_injury_victims is not listed in 1 of 2 months (first: 2018-05): not received, not zero")


def test_neighbourhood_teams_outcomes_and_other_areas_are_never_counted(tmp_path: Path) -> None:
    rows = (
        dashboard_row(),
        dashboard_row(count=5, level="Safer Neighbourhood Teams", borough="Tower Hamlets Weavers", code="E05009335"),
        dashboard_row(count=2, measure="Positive Outcomes"),
        dashboard_row(count=3, borough="Other / NK", code="-1"),
        dashboard_row(count=4, borough="London Heathrow Airport", code=""),
        dashboard_row(count=6, borough="Somewhere", code="-1"),
    )
    panel = read(tmp_path, dashboard_csv(*rows))
    assert panel.units == ("E09000030",)
    assert panel.counts["knife_crime"].tolist() == [[9]]
    assert says(panel, "1 rows by Safer Neighbourhood Team")
    assert says(panel, "1 rows of positive outcomes")
    assert says(panel, "3 rows are of no borough (London Heathrow Airport, Other / NK, Somewhere)")
    assert says(panel, "knife_crime 13")


TNO_12 = (
    "Month_Year,Area Type,Borough_SNT,Area name,Area code,Offence Group,Offence Subgroup,Measure,Financial Year,"
    "FY_FYIndex,Count,Refresh Date"
)
TNO_11 = DASHBOARD_HEADER.replace("Crime Type", "offence group").replace("Crime Subtype", "Offence Subgroup")


@pytest.mark.parametrize(
    ("header", "says_so"),
    [
        (TNO_12, "all notifiable offences (TNO), 12 columns, with a financial-year index"),
        (TNO_11, "all notifiable offences (TNO), 11 columns, without a financial-year index"),
    ],
)
def test_the_files_on_all_offences(tmp_path: Path, header: str, says_so: str) -> None:
    index = "18-19_01," if "FYIndex" in header else ""
    rows = [
        f"2018-04-01,Borough,Hammersmith & Fulham,x,E09000013,{group},{name},Offences,fy18-19,{index}{n},2019-12-06"
        for group, name, n in (
            ("VIOLENCE AGAINST THE PERSON", "Violence with Injury", 20),
            ("Theft", "Theft from person", 8),
            ("Other Accepted Crime", "Other accepted crime", 99),
        )
    ]
    panel = read(tmp_path, table(header, *rows))
    assert {o: int(v[0, 0]) for o, v in panel.counts.items()} == {
        "theft_from_the_person": 8,
        "violence_with_injury": 20,
    }
    assert says(panel, says_so)
    assert says(panel, "1 rows of accepted crime that is not notifiable")


def test_columns_in_any_case_and_order_with_stray_spaces_and_a_byte_order_mark(tmp_path: Path) -> None:
    columns = DASHBOARD_HEADER.split(",")
    cells = dashboard_row().split(",")
    header = ",".join(f" {c.upper()} " for c in reversed(columns))
    row = ",".join(f" {c} " for c in reversed(cells))
    path = write(tmp_path / "k.csv.gz", b"\xef\xbb\xbf" + table(header, row).encode())
    assert recognise(path).kind == "mps-dashboard"
    assert read_dashboard(path).counts["knife_crime"].tolist() == [[9]]


def test_parquet_with_dates_and_a_column_of_its_own(tmp_path: Path) -> None:
    import datetime

    names = [c.strip().lower().replace(" ", "_") for c in DASHBOARD_HEADER.split(",")]
    columns = dict(zip(names, ([c] for c in dashboard_row().split(",")), strict=True))
    columns["month_year"] = [datetime.datetime(2018, 4, 1)]
    columns["refresh_date"] = [datetime.datetime(2019, 12, 6)]
    columns["count"], columns["sheet"] = [9], ["republished"]
    pq.write_table(pa.table(columns), tmp_path / "k.parquet")
    panel = read_dashboard(tmp_path / "k.parquet")
    assert panel.periods == ("2018-04",)
    assert says(panel, "12 columns")


@pytest.mark.parametrize(
    "text", ["2018-04-01", "2018-04", "201804", "01/04/2018", "1/4/2018", "Apr-18", "April 2018", "01-Apr-18"]
)
def test_months_in_every_published_form(text: str) -> None:
    assert month_of(text)[1] == month_number("2018-04")


@pytest.mark.parametrize("text", ["", "2018-04-02", "13/04/2018", "04/13/2018", "2018-13-01", "Foo-18", "18-04", "nan"])
def test_what_is_no_first_of_a_month_is_no_month(text: str) -> None:
    assert month_of(text)[1] == -1


def test_financial_years_and_refresh_dates() -> None:
    assert [financial_year_of(t) for t in ("fy18-19", "FY2018/19", "2018-2019", "fy18-20", "2018")] == [
        2018,
        2018,
        2018,
        -1,
        -1,
    ]
    assert (
        refresh_of("2019-12-06 00:00:00") == refresh_of("06/12/2019") > refresh_of("2019-11-30") > refresh_of("") == 0
    )
    assert refresh_of("2019-02-30") == refresh_of("soon") == -1


def test_a_subtype_of_two_types_keeps_them_apart() -> None:
    pairs = {("Gun Crime", "Personal Robbery"), ("Knife crime", "Personal Robbery"), ("Knife crime", "Knife Crime")}
    assert sorted(outcome_names(pairs).values()) == [
        "gun_crime_personal_robbery",
        "knife_crime",
        "knife_crime_personal_robbery",
    ]


def test_the_newest_refresh_date_wins_and_a_repeated_row_counts_once(tmp_path: Path) -> None:
    rows = (dashboard_row(count=8, refreshed="2020-01-06"), dashboard_row(count=9), dashboard_row(count=9))
    panel = read(tmp_path, dashboard_csv(*rows))
    assert panel.counts["knife_crime"].tolist() == [[8]]
    assert says(panel, "1 rows repeat another row")
    assert says(panel, "1 rows are replaced by rows of a newer refresh date")


def test_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    lines = dashboard_csv().splitlines()
    turned = read(tmp_path, table(lines[0], *reversed(lines[1:])), "b.csv")
    panel = read(tmp_path, dashboard_csv())
    assert turned.notes == panel.notes
    assert all((turned.counts[o] == v).all() for o, v in panel.counts.items())


def test_victims_may_stand_above_offences_and_it_is_said(tmp_path: Path) -> None:
    rows = (
        dashboard_row(),
        dashboard_row("Knife Crime with Injury", 1),
        dashboard_row("Knife Injury Victims (1-24)", 3),
    )
    assert says(read(tmp_path, dashboard_csv(*rows)), "in 1 cell there are more knife_injury_victims")


def test_a_month_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = [dashboard_row(borough=n, code="") for n in NAMES[1:]]
    cut = [dashboard_row(borough=n, code="", month="2018-05-01") for n in NAMES[1:10]]
    with pytest.raises(DataError, match=r"knife_crime of 9 boroughs in 2018-05, of about 2\d"):
        read(tmp_path, dashboard_csv(*whole, *cut))


def test_issues_join_over_months_and_the_newer_one_wins(tmp_path: Path) -> None:
    old = read(tmp_path, dashboard_csv(), "old.csv")
    new = read(tmp_path, dashboard_csv(dashboard_row(count=70, month="2018-05-01"), dashboard_row(month="2018-07-01")))
    joined = join_issues([("new.csv", new, 20), ("old.csv", old, 10)])
    assert joined.periods == ("2018-04", "2018-05", "2018-06", "2018-07")
    assert joined.counts["knife_crime"][HAMLETS].tolist() == [9, 70, 0, 9]
    assert joined.mask("knife_crime")[HAMLETS].tolist() == [True, True, False, True]
    assert joined.mask("knife_crime")[HACKNEY].tolist() == [True, True, False, False], "not in the newer file"
    assert joined.mask("knife_injury_victims")[HAMLETS].tolist() == [True, False, False, False]


def test_two_issues_of_one_date_must_agree(tmp_path: Path) -> None:
    first, second = read(tmp_path, dashboard_csv()), read(tmp_path, dashboard_csv(dashboard_row(count=8)), "b.csv")
    with pytest.raises(DataError, match=r"a\.csv: 9 knife_crime of E09000030 in 2018-04, but 8 in b\.csv"):
        join_issues([("a.csv", first, 10), ("b.csv", second, 10)])
    same = join_issues([("a.csv", first, 10), ("c.csv", first, 10)])
    assert same.counts["knife_crime"].tolist() == first.counts["knife_crime"].tolist()


def test_a_catalogue_of_two_issues(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", dashboard_csv())
    write(tmp_path / "b.csv", dashboard_csv(dashboard_row(count=8, refreshed="2020-01-06")))
    panel = read_dashboards(Catalogue.folder(tmp_path))
    assert panel.counts["knife_crime"][HAMLETS].tolist() == [8, 7]
    assert [p.vintage for p in panel.provenance] == ["2019-12-06", "2020-01-06"]

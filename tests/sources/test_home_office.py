"""Knife crime by police force and quarter: the reader and the context table."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import forces_csv, write

from cseval.sources.catalogue import Catalogue, recognise
from cseval.sources.home_office import force_context, read_forces


def test_quarters_of_the_financial_year_and_what_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "forces.csv", forces_csv())
    assert recognise(path).kind == "home-office-knife-force"
    found = read_forces(path)
    assert found.forces == ("Kent", "Metropolitan Police")
    assert found.quarters[0] == "2017/18 Q1"
    assert found.first_months == ("2017-04", "2017-07", "2017-10", "2018-01", "2018-04")
    assert found.counts.tolist() == [[20, 21, 22, 23, 24], [100, 101, 102, 103, 104]]


def test_the_context_table_sets_london_against_the_rest(tmp_path: Path) -> None:
    write(tmp_path / "forces.csv", forces_csv())
    table = force_context(Catalogue.folder(tmp_path))
    assert table is not None
    assert table.values["london"].tolist() == [100, 101, 102, 103, 104]
    assert table.values["elsewhere"].tolist() == [20, 21, 22, 23, 24]
    assert table.values["london_year"].isna().tolist() == [True, True, True, False, False]
    assert table.values["london_year"].tolist()[3:] == [406, 410]
    assert table.values["elsewhere_year"].tolist()[3:] == [86, 90]
    assert table.values["london_share"].tolist()[4] == pytest.approx(410 / 500)
    assert set(table.headings) == set(table.values.columns)
    assert "Home Office" in table.source


def test_the_file_that_ends_last_is_used(tmp_path: Path) -> None:
    longer = [f"9,{f},Region,2018/19,Q2,1,1,7" for f in ("Metropolitan Police", "Kent")]
    write(tmp_path / "a.csv", forces_csv(*longer))
    write(tmp_path / "b.csv", forces_csv())
    table = force_context(Catalogue.folder(tmp_path))
    assert table is not None
    assert table.values["quarter"].iloc[-1] == "2018/19 Q2"


def test_no_file_no_table(tmp_path: Path) -> None:
    assert force_context(Catalogue(root=tmp_path)) is None

"""docs/outputs.md names every file and column that a run leaves."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from small_project import OUTPUTS, contents

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
FURTHER = PAGE.split("### Tables that only some evaluations have")[1].split("\n## ")[0]
TABLES = dict(re.findall(r"^### `(\w+\.csv)`[^\n]*\n(.*?)(?=^##|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE))


def first_cells(text):
    rows = re.findall(r"^\| (`.*?) \|", text, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_file_is_named(project_that_ran):
    files = {p for p in contents(project_that_ran / OUTPUTS) if "/" not in p}
    assert {f for f in first_cells(PAGE.split("## Columns")[0]) if "." in f} == files


def test_every_figure_is_named(project_that_ran):
    figures = {p.stem for p in (project_that_ran / OUTPUTS / "figures").iterdir()}
    listed = re.search(r"Figures are drawn where.*?manifest\.", PAGE, flags=re.DOTALL)[0]
    assert figures <= set(re.findall(r"`([^`]+)`", listed))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_columns_are_the_page_s_in_their_order(name, project_that_ran):
    with (project_that_ran / OUTPUTS / name).open(encoding="utf-8", newline="") as lines:
        assert first_cells(TABLES[name]) == next(csv.reader(lines))


def test_every_table_has_its_columns_described(project_that_ran):
    assert set(TABLES) == {p.name for p in (project_that_ran / OUTPUTS).glob("*.csv")}


def test_tables_of_estimators_and_claims_are_named():
    """Whatever the committed evaluations leave beside the tables that every run has."""
    left = {p.name for p in ROOT.glob("outputs/**/*.csv") if p.parent.name != "figures"}
    assert left - set(TABLES) <= set(first_cells(FURTHER))


def test_every_key_of_the_manifest_is_described(project_that_ran):
    manifest = json.loads((project_that_ran / OUTPUTS / "manifest.json").read_bytes())
    section = PAGE.split("### `manifest.json`")[1].split("##")[0]
    assert set(first_cells(section)) == set(manifest)

"""Assessments of evaluability: what is read and refused, and what of the data is there."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from cseval.errors import DataError
from cseval.loading import titles
from cseval.panel import Provenance
from cseval.project import Project
from cseval.register import read_register
from cseval.registry.evaluability import DESIGNS, Assessment, Present, data_present, read_evaluability
from cseval.registry.words import evaluability_words, present_words
from cseval.sources.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
HEADER = ",".join(f.name for f in fields(Assessment))
ROW = "pilot,Did it fall?,placebo difference in differences,mps-ward; duty rosters,3,Not by lot,,Dates"


def read(folder: Path, *rows: str, header: str = HEADER) -> dict[str, Assessment]:
    path = folder / "evaluability.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return read_evaluability(path, programmes=("pilot", "plan"))


def test_a_row_is_read_with_its_needs_apart(tmp_path):
    entry = read(tmp_path, ROW)["pilot"]
    assert (entry.needs, entry.level, entry.evaluation) == (("mps-ward", "duty rosters"), 3, "")
    assert (
        read(tmp_path, ROW.replace("placebo difference in differences", "none").replace(",3,", ",,"))["pilot"].level
        == 0
    )


MALFORMED = {
    "column missing": (ROW, HEADER.replace(",why", ""), "row 1", "no column 'why'"),
    "programme": (ROW.replace("pilot", "pilots"), HEADER, "row 2, column programme", "The nearest is pilot"),
    "no reason": (ROW.replace("Not by lot", ""), HEADER, "row 2, column why", "an empty cell"),
    "design": (ROW.replace("placebo d", "d"), HEADER, "row 2, column design", "The nearest is placebo difference"),
    "level by lot": (ROW.replace(",3,", ",4,"), HEADER, "row 2, column level", "a level from 1 to 3"),
    "level in words": (ROW.replace(",3,", ",three,"), HEADER, "row 2, column level", "level 'three'"),
    "kind misspelt": (ROW.replace("mps-ward", "mps-wards"), HEADER, "row 2, column needs", "The nearest is mps-ward"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_tables_name_row_and_column(tmp_path, name):
    row, header, place, said = MALFORMED[name]
    with pytest.raises(DataError) as caught:
        read(tmp_path, row, header=header)
    assert caught.value.where == f"{tmp_path / 'evaluability.csv'}, {place}"
    assert said in str(caught.value)


def test_each_programme_is_assessed_once_and_no_design_gives_no_level(tmp_path):
    with pytest.raises(DataError, match="'pilot' again"):
        read(tmp_path, ROW, ROW)
    with pytest.raises(DataError, match="without a design there is no level"):
        read(tmp_path, ROW.replace("placebo difference in differences", "none"))


def catalogue(*months: tuple[str, str]) -> Catalogue:
    text = {"title": "T", "publisher": "P", "licence": "L", "path": "p", "sha256": "0", "vintage": "", "notes": ()}
    entries = [Provenance(**text, kind="mps-ward", rows=1, first_month=a, last_month=b) for a, b in months]
    return Catalogue(root=Path(), entries=tuple(entries))


def test_what_is_there_is_told_with_its_months_and_whether_it_comes_too_late():
    both = catalogue(("2018-01", "2019-12"), ("2016-01", "2017-12"))
    ward, street, other = data_present(("mps-ward", "police-street", "duty rosters"), both, "2018-05")
    assert ward == Present(need="mps-ward", kind=True, imported=True, first_month="2016-01", last_month="2019-12")
    assert (street.kind, street.imported, other.kind, other.usable) == (True, False, False, False)
    assert present_words(ward) == "mps-ward: imported, January 2016 to December 2019"
    assert present_words(street) == "police-street: not imported"
    assert present_words(other) == "Duty rosters: not among the sources that cseval imports"
    for start, late in (("2016-01", True), ("2016-02", False), ("", False)):
        (found,) = data_present(("mps-ward",), both, start)
        assert (found.late, found.usable) == (late, not late)
    assert present_words(data_present(("mps-ward",), both, "2015-01")[0]).endswith(
        "begins only after the programme did"
    )


def test_one_line_says_design_level_and_data(tmp_path):
    entry = read(tmp_path, ROW)["pilot"]
    data = data_present((*entry.needs, "police-street"), catalogue(("2018-06", "2019-12")), "2018-05")
    assert evaluability_words(entry, data) == (
        "Placebo difference in differences, level 3 of the Maryland scale at most; 1 of 2 kinds of data imported, one "
        "of them only from after the start; also needed: duty rosters."
    )
    none = read(tmp_path, ROW.replace("placebo difference in differences", "none").replace(",3,", ",,"))["pilot"]
    assert evaluability_words(none, ()) == "No design possible. Not by lot."
    survey = read(tmp_path, ROW.replace("placebo difference in differences", "survey").replace(",3,", ",,"))["pilot"]
    assert evaluability_words(survey, data_present(("answers",), catalogue())).endswith(
        "Survey, no level of the Maryland scale; needed: answers."
    )
    assert evaluability_words(None, ()) == "Not assessed yet."


def test_every_founding_programme_is_assessed_and_every_evaluation_named_is_there():
    programmes = [p.slug for p in read_register(ROOT / "data" / "reference" / "programmes.csv")]
    found = read_evaluability(ROOT / "data" / "reference" / "evaluability.csv", programmes=programmes)
    assert list(found) == programmes
    assert {a.evaluation for a in found.values()} - {""} <= set(titles(Project(ROOT)))
    assert found["neighbourhood-management-pilot"].evaluation == "pilot-evaluation"
    assert found["knife-crime-action-plan"].evaluation == "knife-crime-action-plan"
    assert all(a.level <= DESIGNS[a.design] <= 3 for a in found.values())

"""``cseval register``: list, detail, overlaps and timeline, and how it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from small_project import MODULE, contents, make_project

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "data" / "reference"
LINKED = MODULE.replace('agreed="2017-08"', 'agreed="2017-08", register="neighbourhood-management-pilot"')
PILOT = "neighbourhood-management-pilot"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one evaluation of the pilot and the founding reference tables; it has never run."""
    root = make_project(tmp_path / "project", LINKED)
    shutil.copytree(REFERENCE, root / "data" / "reference")
    (root / "data" / "reference" / "claims.csv").unlink()
    edit(root, "evaluability.csv", ",pilot-evaluation,", ",small-evaluation,")
    monkeypatch.chdir(root)
    return root


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / "data" / "reference" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def records(said):
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_list_has_every_programme_with_its_evaluability_and_output(project, cseval):
    rows = {r["slug"]: r for r in records(cseval("register", "--json"))}
    assert len(rows) == 14
    assert all(r["evaluability"] and r["output"] for r in rows.values())
    assert rows[PILOT]["output"] == "small-evaluation has not been run here: cseval run small-evaluation"
    assert rows["knife-crime-action-plan"]["output"] == "knife-crime-action-plan is no evaluation of this project."
    assert rows["violent-crime-summit"]["output"] == "violent-crime-summit is no evaluation of this project."
    text = cseval("register").out
    assert all(f"{slug}  {row['name']}" in text for slug, row in rows.items())
    assert max(map(len, text.splitlines())) <= 110


def test_the_last_headline_is_linked_and_demonstration_is_named(project, cseval):
    folder = project / "outputs" / "demonstration" / "small-evaluation"
    folder.mkdir(parents=True)
    manifest = {"evaluation": "small-evaluation", "data": "demonstration", "headline": "It fell."}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (row,) = [r for r in records(cseval("register", "--json")) if r["slug"] == PILOT]
    assert row["output"] == "outputs/demonstration/small-evaluation/report.html: Demonstration data: It fell."


def test_detail_has_facts_sources_overlaps_and_what_to_collect(project, cseval):
    said = cseval("register", "partnership-taskforce")
    assert said.code == 0, said.err
    for words in ("356 arrests", "paragraph 3.6", "£3,000,000", "Operation Continuum: 36 months", "To collect:"):
        assert words in said.out
    record = records(cseval("register", "partnership-taskforce", "--json"))
    assert record["assessment"]["design"] == "dose-response"
    assert record["claims"] == []
    assert {o["with"] for o in record["evaluations"]} == {"small-evaluation"}


def test_claims_about_the_programme_are_told(cseval, monkeypatch):
    monkeypatch.chdir(ROOT)
    record = records(cseval("register", "partnership-taskforce", "--json"))
    assert {c["claim"] for c in record["claims"]} == {"half-capacity", "first-year-outputs", "three-year-outputs"}
    assert "40.2%" in cseval("register", "partnership-taskforce").out


def test_overlaps_show_the_matrix_the_windows_and_the_changes(project, cseval):
    said = cseval("register", "--overlaps")
    assert said.code == 0, said.err
    assert "small-evaluation, May 2017 to April 2019: 9 other programmes ran in its months in the same place" in (
        " ".join(said.out.split())
    )
    assert "Changes of recording and events" in said.out
    found = records(cseval("register", "--overlaps", "--json"))
    shared = {o["with"]: o for o in found[PILOT]}
    assert (shared["partnership-taskforce"]["months"], shared["partnership-taskforce"]["place"]) == (
        23,
        "in the same place",
    )
    assert shared["knife-crime-action-plan"]["months"] is None
    assert shared["tower-hamlets-homes-police"]["place"] == "places not known to meet"
    assert PILOT not in shared
    assert "small-evaluation" not in shared


@pytest.mark.parametrize(("name", "start"), [("time.svg", b"<?xml"), ("time.PNG", b"\x89PNG")])
def test_the_timeline_is_written_and_its_finding_told(project, cseval, name, start):
    said = cseval("register", "--figure", name)
    assert said.code == 0, said.err
    assert (project / name).read_bytes().startswith(start)
    assert f"Timeline written to {name}: Timeline of 14 programmes" in said.out
    assert records(cseval("register", "--json", "--figure", name))


def test_nothing_is_written_without_being_asked_for(project, cseval):
    before = contents(project)
    for arguments in ((), ("--overlaps",), (PILOT,)):
        assert cseval("register", *arguments).code == 0
    assert contents(project) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("partnership-taskforse",), "no programme 'partnership-taskforse'"),
        (("partnership-taskforse",), "The nearest is partnership-taskforce"),
        ((PILOT, "--overlaps"), "and --overlaps together"),
        (("--figure", "time.pdf"), "ends in .svg or .png"),
        (("--figure", "none/time.svg"), "no folder 'none'"),
    ],
)
def test_wrong_requests_are_refused_and_write_nothing(project, cseval, arguments, said):
    before = contents(project)
    answer = cseval("register", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert contents(project) == before


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("breaks.csv", ",3.8\n", ",3.8,more\n", "cells that do not fit the header"),
        ("breaks.csv", "asb-warning-slips,", ",", "breaks.csv, row 6, column slug: an empty cell"),
        ("evaluability.csv", ",dose-response,", ",dose,", "evaluability.csv, row 4, column design: 'dose'"),
        ("staffing.csv", ",2018-09-04,", ",2018-09-05,", "a period that overlaps that of row 2"),
        ("programmes.csv", ",2018-05,2020-03,", ",2018-05,2018-04,", "programmes.csv, row 2, column end"),
    ],
)
def test_a_register_that_is_wrong_is_refused_with_row_and_column(project, cseval, name, old, new, said):
    edit(project, name, old, new)
    answer = cseval("register")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_project_with_programmes_alone_is_listed(project, cseval):
    for name in ("evaluability.csv", "breaks.csv", "staffing.csv", "activities.csv"):
        (project / "data" / "reference" / name).unlink()
    rows = records(cseval("register", "--json"))
    assert {r["evaluability"] for r in rows} == {"Not assessed yet."}
    assert cseval("register", "--overlaps").code == 0

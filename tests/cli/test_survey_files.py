"""A council's answers, from the file to the report: imported, refused, withheld."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_project import contents

ROOT = Path(__file__).resolve().parents[2]
GOOD = "event,measure,base,count,attended\nViolent Crime Summit,Worth it,60,45,80\nViolent Crime Summit,Rare,60,2,80\n"
BEFORE = "area,group,wave,measure,base,proportion\nPilot,treated,before,Safe,200,0.4\n"
AFTER = "Pilot,treated,after,Safe,200,0.5\n"
BAD = {
    "a column missing": (
        GOOD.replace(",count", ",said so"),
        "no column 'count', which a file of kind attendee",
        "base",
    ),
    "no base": (BEFORE.replace("base", "asked") + AFTER, "no column 'base', which a file of kind residents", "group"),
    "semicolons": (GOOD.replace(",", ";"), "columns separated by ';'", "commas"),
    "a proportion above 1": (BEFORE + AFTER.replace("0.5", "1.5"), "1.5", "column proportion"),
    "a wave missing": (BEFORE, "no after wave", "both waves"),
    "a count above the base": (GOOD.replace(",45,", ",66,"), "66", "column count"),
    "more answers than people": (GOOD.replace(",60,45", ",90,45"), "90", "column base"),
    "a total that does not add up": (
        "area,group,wave,measure,base,count\nA,treated,before,Safe,50,20\nA,treated,after,Safe,50,30\n"
        "Total,treated,after,Safe,60,30\n",
        "a total base of 60 where the areas add up to 50",
        "the sum of the areas",
    ),
}


@pytest.fixture
def summit(fresh):
    """A project with the founding study of the summit and the register."""
    shutil.rmtree(fresh / "analyses")
    (fresh / "analyses").mkdir()
    shutil.copy(ROOT / "analyses" / "violent_crime_summit.py", fresh / "analyses")
    shutil.copytree(ROOT / "data" / "reference", fresh / "data" / "reference")
    shutil.copy(ROOT / "data" / "sources.toml", fresh / "data")
    return fresh


def test_answers_go_from_the_file_to_the_report_and_few_people_are_withheld(summit, cseval):
    (summit / "answers.csv").write_text(GOOD, encoding="utf-8")
    imported = cseval("data", "import", "answers.csv")
    assert imported.code == 0
    assert "note: answers of 1 event: Violent Crime Summit" in imported.out
    assert "is not published: shares that would point to a few people are withheld" in imported.out
    assert "open publication" not in imported.out
    said = cseval("run", "violent-crime-summit")
    assert said.code == 0, said.err
    folder = summit / "outputs" / "violent-crime-summit"
    rows = (folder / "attendees.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1].startswith("Worth it,60,45,75,")
    assert rows[2] == "Rare,60,[c],[c],[c],[c]"
    for path in folder.rglob("*.md"):
        assert "75% (95% interval 62% to 85%)" in path.read_text(encoding="utf-8")
    assert (
        "3.3"
        not in (folder / "report.md").read_text(encoding="utf-8").split("## What those who came")[1].split("##")[0]
    )
    assert cseval("diff", "violent-crime-summit").code == 0


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_one_message_and_nothing_is_written(summit, cseval, name):
    table, found, where = BAD[name]
    (summit / "bad.csv").write_text(table, encoding="utf-8")
    before = contents(summit)
    said = cseval("data", "import", "bad.csv")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert found in said.err
    assert where in said.err
    assert contents(summit) == before

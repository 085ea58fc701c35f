"""``cseval new``: what it writes runs at once, and it never writes over anything."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from small_project import SLUG, contents

from cseval.claims.register import (
    ACTIVITIES,
    CLAIMS,
    STAFFING,
    read_activities,
    read_claims,
    read_staffing,
)
from cseval.cli.main import run
from cseval.errors import CsevalError, UsageError
from cseval.inputs import read_roles
from cseval.project import founding
from cseval.register import read_register
from cseval.reporting.word_checks import findings
from cseval.scaffold import EXAMPLE, EXAMPLE_TITLE, write_new

CHECKOUT = Path(__file__).resolve().parents[2]
REFERENCE_TABLES = ("programmes", "claims", "staffing", "activities", "inner_london")


def tag_count(paper):
    with zipfile.ZipFile(paper) as archive:
        return archive.read("word/document.xml").count(b'<w:tag w:val="cseval:')


def changed_parts(before, after):
    """Members of a document that differ between two versions of it."""
    with zipfile.ZipFile(io.BytesIO(before)) as old, zipfile.ZipFile(io.BytesIO(after)) as new:
        assert old.namelist() == new.namelist()
        return {name for name in old.namelist() if old.read(name) != new.read(name)}


# A project ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def new_project(tmp_path_factory):
    """A new project in which the example has been run."""
    root = tmp_path_factory.mktemp("new") / "patrols"
    assert run(["new", "project", str(root)]) == 0
    with contextlib.chdir(root):
        assert run(["run", EXAMPLE, "--draws", "49"]) == 0
    return root


def test_a_new_project_can_be_listed_and_run(new_project, cseval, monkeypatch):
    monkeypatch.chdir(new_project)
    said = cseval("list")
    assert said.code == 0
    assert said.out.startswith(f"{EXAMPLE}  Street patrol (an example)\n    Demonstration data: ")
    assert (new_project / "outputs" / "demonstration" / EXAMPLE / "report.html").is_file()


def test_a_new_project_holds_what_it_says(new_project):
    files = set(contents(new_project))
    readme = (new_project / "README.md").read_text(encoding="utf-8")
    assert {"README.md", ".gitignore", "data/README.md", "outputs/.gitkeep", "analyses/example_patrol.py"} <= files
    assert readme.startswith("# patrols\n")
    assert "$" not in readme
    assert {file for file in files if file.startswith("data/reference/")} == {
        f"data/reference/{table}.csv" for table in (*REFERENCE_TABLES, f"{EXAMPLE}_roles")
    }


def test_a_new_project_takes_over_nothing_of_another_borough(new_project):
    files = [path for path in new_project.rglob("*") if path.suffix in (".csv", ".md", ".py", ".html", ".json")]
    assert len(files) > 20
    for path in (path for path in files if path.name != "inner_london.csv"):
        for name in ("Tower Hamlets", "Partnership Taskforce", "Knife Crime Action Plan"):
            assert name not in path.read_text(encoding="utf-8"), path
    reference = new_project / "data" / "reference"
    known = read_register(reference / "programmes.csv")
    assert [(p.slug, p.name, p.start, p.source) for p in known] == [(EXAMPLE, EXAMPLE_TITLE, "2018-05", "example")]
    assert known[0].units == f"{EXAMPLE}_roles.csv"
    assert read_claims(reference / CLAIMS, programmes=[EXAMPLE], tests=()) == ()
    assert read_staffing(reference / STAFFING, programmes=[EXAMPLE]) == ()
    assert read_activities(reference / ACTIVITIES, programmes=[EXAMPLE]) == ()


def test_the_example_does_not_count_as_another_programme(new_project):
    overlaps = new_project / "outputs" / "demonstration" / EXAMPLE / "checks.csv"
    assert "0 other programmes of the register" in overlaps.read_text(encoding="utf-8")


def test_every_command_works_in_a_new_project(new_project, tmp_path, cseval, monkeypatch):
    root = shutil.copytree(new_project, tmp_path / "copy")
    monkeypatch.chdir(root)
    for command in (
        ("show", EXAMPLE),
        ("check", EXAMPLE),
        ("claims",),
        ("claims", "--write"),
        ("new", "paper", "--out", "paper.docx", "--data", "demonstration"),
        ("embed", "paper.docx", "--data", "demonstration"),
        ("embed", "paper.docx", "--data", "demonstration", "--check"),
        ("new", "evaluation", "corner-patrol"),
        ("claims", "--json"),
    ):
        said = cseval(*command)
        assert (said.code, said.err) == (0, ""), command
    assert said.out == "[]\n"
    assert len(cseval("list").out.splitlines()) == 4
    assert tag_count(root / "paper.docx") > 30


def test_the_module_it_writes_is_in_good_style(new_project):
    for command in (["check"], ["format", "--check"]):
        settings = ["--config", str(CHECKOUT / "pyproject.toml"), "--no-cache"]
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, str(new_project / "analyses")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("made", ["folder", "file"])
def test_a_project_is_not_put_where_something_is(made, tmp_path, cseval, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "there"
    if made == "folder":
        place.mkdir()
        (place / "work.txt").write_text("mine")
    else:
        place.write_text("mine")
    before = contents(tmp_path)
    said = cseval("new", "project", "there")
    assert (said.code, said.out) == (2, "")
    assert "expected a new or an empty folder" in said.err
    assert contents(tmp_path) == before


def test_the_current_folder_becomes_a_project_if_it_is_empty(tmp_path, cseval, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cseval("new", "project", ".").code == 0
    assert cseval("list").out.startswith(EXAMPLE)


# An evaluation --------------------------------------------------------------------------------------------


def test_a_new_evaluation_is_ready(fresh, cseval):
    said = cseval("new", "evaluation", "corner-patrol", "--title", 'The "corner" \\ patrol – 1')
    assert said.code == 0
    assert set(contents(fresh)) >= {"analyses/corner_patrol.py", "data/reference/corner-patrol_roles.csv"}
    assert cseval("show", "corner-patrol").out.startswith('The "corner" \\ patrol – 1\n')
    assert cseval("check", "corner-patrol").out.endswith("0 problems.\n")
    listed = cseval("list").out.splitlines()[::2]
    assert listed == ['corner-patrol  The "corner" \\ patrol – 1', f"{SLUG}  A small evaluation"]


def test_the_roles_are_to_be_filled_in_before_real_data_are_used(fresh, cseval):
    cseval("new", "evaluation", "corner-patrol")
    roles = read_roles(fresh / "data" / "reference" / "corner-patrol_roles.csv")
    assert roles.treated == {"REPLACE-BY-WARD-CODE"}


def test_on_real_data_the_roles_file_is_asked_for(fresh, tmp_path, cseval):
    (tmp_path / "wards.csv").write_text(
        "MajorText,MinorText,WardName,WardCode,LookUp_BoroughName,201801,201802\n"
        "Robbery,Robbery of Personal Property,Weavers,E05009335,Tower Hamlets,1,2\n"
        "Arson and Criminal Damage,Arson,Weavers,E05009335,Tower Hamlets,1,2\n"
        "Public Order Offences,Other Offences Against Public Order,Weavers,E05009335,Tower Hamlets,1,2\n",
        encoding="utf-8",
    )
    square = {"type": "Polygon", "coordinates": [[[0, 51.5], [0.01, 51.5], [0.01, 51.51], [0, 51.5]]]}
    names = {"WD24CD": "E05009335", "WD24NM": "Weavers", "LAD22CD": "E09000030", "LAD22NM": "Tower Hamlets"}
    ward = {"type": "Feature", "properties": names, "geometry": square}
    (tmp_path / "map.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [ward]}))
    cseval("new", "evaluation", "corner-patrol")
    said = cseval("run", "corner-patrol", "--data", tmp_path)
    assert (said.code, said.out) == (2, "")
    roles = fresh / "data" / "reference" / "corner-patrol_roles.csv"
    assert f"{roles}: unit 'REPLACE-BY-WARD-CODE' has no counts" in said.err
    assert "expected codes of wards, such as E05009335 (Weavers)" in said.err
    assert "Put into the column unit the codes of the wards where the programme ran" in said.err


def test_a_new_evaluation_says_both_commands_in_their_order(fresh, cseval):
    said = cseval("new", "evaluation", "corner-patrol").out.splitlines()
    commands = [line.strip() for line in said if line.startswith("  cseval run")]
    assert commands == ["cseval run corner-patrol --data demonstration", "cseval run corner-patrol"]
    between = " ".join(said[said.index(f"  {commands[0]}") + 1 : said.index(f"  {commands[1]}")])
    assert "analyses/corner_patrol.py" in between
    assert "data/reference/corner-patrol_roles.csv" in between


def test_reference_tables_that_were_borrowed_stay_within_reach(fresh, cseval):
    cseval("new", "evaluation", "corner-patrol")
    founded = founding() / "data" / "reference"
    for name in ("programmes.csv", "pilot_roles.csv"):
        assert (fresh / "data" / "reference" / name).read_bytes() == (founded / name).read_bytes()
    assert cseval("claims").code == 0, "the claims of other evaluations stay behind"
    (fresh / "data" / "reference" / "programmes.csv").unlink()
    cseval("new", "evaluation", "second-patrol")
    assert not (fresh / "data" / "reference" / "programmes.csv").exists(), "its own tables are not added to"


def test_a_folder_without_evaluations_is_told_what_it_no_longer_lists(tmp_path, cseval, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no longer listed here" in cseval("new", "evaluation", "corner-patrol").out
    assert "no longer listed here" not in cseval("new", "evaluation", "second-patrol").out


def test_a_folder_without_evaluations_gets_the_tables_of_a_new_project(tmp_path, cseval, monkeypatch):
    monkeypatch.chdir(tmp_path)
    title = 'A patrol, "by night", =1+1'
    assert cseval("new", "evaluation", "corner-patrol", "--title", title).code == 0
    reference = tmp_path / "data" / "reference"
    assert {file.stem for file in reference.iterdir()} == {*REFERENCE_TABLES, "corner-patrol_roles"}
    assert [(p.slug, p.name) for p in read_register(reference / "programmes.csv")] == [("corner-patrol", title)]
    assert cseval("claims").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Corner Patrol",), "lower-case words joined by hyphens"),
        (("../patrol",), "lower-case words joined by hyphens"),
        (("demonstration",), "outputs/demonstration holds"),
        (("claims",), "outputs/claims holds"),
        ((SLUG,), "there is an evaluation 'small-evaluation' already"),
        (("corner-patrol", "--title", "two\nlines"), "one line of text"),
        (("small",), "small.py: is there already"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused_and_nothing_is_written(arguments, message, fresh, cseval):
    before = contents(fresh)
    said = cseval("new", "evaluation", *arguments)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert contents(fresh) == before


# A paper --------------------------------------------------------------------------------------------------


def test_a_paper_is_written_from_the_outputs_that_are_there(done, cseval):
    said = cseval("new", "paper", "--out", "papers/board.docx")
    assert said.code == 0
    assert "Demonstration data: simulated, no real place." in said.out
    assert "`cseval embed papers/board.docx --data demonstration`" in said.out
    assert tag_count(done / "papers" / "board.docx") > 30


def test_a_paper_can_be_filled_and_filled_again(done, cseval):
    assert cseval("new", "paper", "--out", "board.docx").code == 0
    waiting = (done / "board.docx").read_bytes()
    assert cseval("embed", "board.docx", "--data", "demonstration").code == 0
    filled = (done / "board.docx").read_bytes()
    assert filled != waiting
    assert cseval("embed", "board.docx", "--data", "demonstration").code == 0
    assert (done / "board.docx").read_bytes() == filled
    assert findings(filled) == ()
    said = cseval("embed", "board.docx")
    assert said.code == 2
    assert "expected `cseval embed board.docx --data demonstration`" in said.err
    assert (done / "board.docx").read_bytes() == filled
    assert changed_parts(waiting, filled) == {"word/document.xml", *(f"word/media/image{i}.png" for i in range(1, 6))}


def test_a_paper_is_not_written_over_unless_asked(done, cseval):
    assert cseval("new", "paper", "--out", "board.docx").code == 0
    (done / "board.docx").write_bytes(b"a week's work")
    said = cseval("new", "paper", "--out", "board.docx")
    assert (said.code, said.out) == (2, "")
    assert "add --force" in said.err
    assert (done / "board.docx").read_bytes() == b"a week's work"
    assert cseval("new", "paper", "--out", "board.docx", "--force").code == 0
    assert tag_count(done / "board.docx") > 30


def test_a_paper_in_a_folder_that_cannot_be_leaves_nothing(done, cseval):
    (done / "file").write_text("mine")
    before = contents(done)
    said = cseval("new", "paper", "--out", "file/board.docx")
    assert said.code == 2
    assert "file: cannot be made" in said.err
    assert contents(done) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "board.doc"), "a name that ends in .docx"),
        (("--out", "board.docx", "--evaluation", "smal"), "expected one of small-evaluation"),
        (("--out", "board.docx", "--title", " "), "one line of text"),
    ],
)
def test_a_paper_that_cannot_be_is_refused(options, message, done, cseval):
    before = contents(done)
    said = cseval("new", "paper", *options)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert contents(done) == before


def test_before_any_run_a_paper_says_what_to_run(fresh, cseval):
    said = cseval("new", "paper", "--out", "board.docx")
    assert said.code == 2
    assert f"no demonstration outputs of {SLUG}" in said.err
    assert f"cseval run {SLUG}" in said.err


# Writing --------------------------------------------------------------------------------------------------


def test_of_several_files_all_are_written_or_none(tmp_path):
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(CsevalError, match="cannot be written"):
        write_new({tmp_path / "new" / "a.txt": b"a", tmp_path / "file" / "b.txt": b"b"})
    assert contents(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_one_that_is_there_stops_all(tmp_path):
    (tmp_path / "b.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"b\.txt: is there already"):
        write_new({tmp_path / "a.txt": b"a", tmp_path / "b.txt": b"b"})
    assert not (tmp_path / "a.txt").exists()

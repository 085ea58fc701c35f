"""``cseval claims``: every claim with its verdict, from real outputs only, on the screen, as JSON and as files."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from small_project import MODULE, contents, make_project

from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED
from cseval.loading import load
from cseval.reporting.files import csv_bytes
from cseval.reporting.printed import read_printed
from cseval.result import CLAIM_COLUMNS
from cseval.spec import protocol_hash

REFERENCE = Path(__file__).resolve().parents[2] / "data" / "reference"
TEXT = "rates of robbery have not decreased"
NOT_RUN = "not run on real data yet: cseval run small-evaluation"
FILES = {"claims.csv", "claims.md", "claims.html", "claims.docx", "places.json", "manifest.json"}

CLAIMS = f"""    claims=tuple(
        NotDecreased(
            statement=Statement(slug=slug, text={TEXT!r}, source="Board report", paragraph="3.7"),
            outcomes=("robbery",),
            exact=("robbery",),
            before=("2017-05", "2018-04"),
            after=("2018-05", "2019-04"),
            subject="robbery",
            needed="a file of robbery",
        )
        for slug in ("robbery", "robbery-again")
    ),
"""
IMPORTS = """from cseval.claims.base import Statement
from cseval.claims.not_decreased import NotDecreased
"""
WITH_CLAIMS = MODULE.replace("from cseval.est", IMPORTS + "from cseval.est", 1).replace(
    "    limits=", CLAIMS + "    limits="
)

HEADER = "slug,text,source,paragraph,programme,tested_by,needs"
TESTED = f"robbery,{TEXT},Board report,3.7,partnership-taskforce,small-evaluation/robbery,a file of robbery"
RECORDED = "capacity,half of them,Board report,3.6,partnership-taskforce,record/capacity,duty rosters"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one evaluation that tests claims, and reference tables of its own; it has never run."""
    root = make_project(tmp_path / "project", WITH_CLAIMS)
    folder = root / "data" / "reference"
    folder.mkdir(parents=True)
    for name in ("programmes.csv", "staffing.csv", "activities.csv"):
        shutil.copyfile(REFERENCE / name, folder / name)
    register(root, TESTED, RECORDED)
    monkeypatch.chdir(root)
    return root


def register(root, *rows):
    (root / "data" / "reference" / "claims.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")


def ran(root, *verdicts, data="real", folder="outputs/small-evaluation", text=TEXT, on_stand_in="", inputs=()):
    """Leave the claims of a run behind, as `cseval run` does: one row per verdict."""
    said = {
        "evaluation": "small-evaluation",
        "statement": text,
        "source": "Board report",
        "paragraph": "3.7",
        "outcome": "robbery",
        "on_stand_in": on_stand_in,
        "sentence": "It rose. So?",
        "caveat": "Raw.",
    }
    named = zip(("robbery", "robbery-again"), ("first year", "last year"), verdicts, strict=False)
    rows = [{**said, "claim": claim, "reading": read, "verdict": verdict} for claim, read, verdict in named]
    content = csv_bytes(pd.DataFrame(rows, columns=list(CLAIM_COLUMNS)))
    listed = [{"path": "claims.csv", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}]
    manifest = {
        "evaluation": "small-evaluation",
        "data": data,
        "headline": "Done.",
        "protocol_sha256": protocol_hash(load(root / "analyses" / "small.py")),
        "inputs": list(inputs),
        "outputs": listed,
    }
    place = root / folder
    place.mkdir(parents=True)
    (place / "claims.csv").write_bytes(content)
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return place


def relist(place, **changes):
    """Change the manifest of a run, and list its claims as they are now."""
    manifest = json.loads((place / "manifest.json").read_bytes())
    manifest["outputs"][0]["sha256"] = hashlib.sha256((place / "claims.csv").read_bytes()).hexdigest()
    (place / "manifest.json").write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


def records(said):
    assert said.code == 0, said.err
    return {r["claim"]: r for r in json.loads(said.out)}


def test_every_claim_is_printed_with_source_verdict_finding_and_data(project, cseval):
    ran(project, SUPPORTED)
    said = cseval("claims")
    assert said.code == 0
    assert said.err == ""
    lines = [line.strip() for line in said.out.splitlines()]
    assert f"robbery  “{TEXT}”" in lines
    assert "Board report, paragraph 3.7" in lines
    assert "Verdict: Supported" in lines
    assert "It rose. So?" in lines
    assert "Caveat: Raw." in lines
    assert "Data that would test it further: A file of robbery." in lines
    assert "Verdict: Contradicted" in lines
    assert "Of 2 public claims: 1 supported and 1 contradicted." in lines
    assert max(map(len, said.out.splitlines())) <= 110


def test_before_a_real_run_it_says_which_command_to_give(project, cseval):
    said = cseval("claims")
    assert f"N{NOT_RUN[1:]}." in said.out
    found = records(cseval("claims", "--json"))
    assert found["robbery"]["verdict"] == "not run on real data yet"
    assert found["robbery"]["readings"][0]["why_not"] == NOT_RUN
    assert found["capacity"]["verdict"] == CONTRADICTED, "the papers' own figures need no run"


@pytest.mark.parametrize("folder", ["outputs/small-evaluation", "outputs/demonstration/small-evaluation"])
def test_demonstration_outputs_never_test_a_claim(project, cseval, folder):
    ran(project, SUPPORTED, data="demonstration", folder=folder)
    assert records(cseval("claims", "--json"))["robbery"]["readings"][0]["why_not"] == NOT_RUN


def test_what_is_said_of_what_stands_in_stands_beside_the_verdict(project, cseval):
    ran(project, CANNOT_BE_TESTED, on_stand_in=NOT_SUPPORTED)
    said = " ".join(cseval("claims").out.split())
    assert (
        "Cannot be tested with these data; of robbery, which stands in, not supported: the counts leave it open" in said
    )
    assert "Data that would test it: A file of robbery." in said
    assert records(cseval("claims", "--json"))["robbery"]["on_stand_in"] == {"robbery": NOT_SUPPORTED}


def test_readings_that_disagree_support_nothing(project, cseval):
    register(project, TESTED.replace("/robbery,", "/robbery; small-evaluation/robbery-again,"))
    ran(project, SUPPORTED, CONTRADICTED)
    found = records(cseval("claims", "--json"))["robbery"]
    assert found["verdict"] == NOT_SUPPORTED
    assert "2 readings of the words: first year: supported; last year: contradicted." in found["finding"]
    assert [(r["reading"], r["verdict"]) for r in found["readings"]] == [
        ("first year", SUPPORTED),
        ("last year", CONTRADICTED),
    ]
    assert "Verdict: Not supported: its readings disagree, 1 supported and 1 contradicted" in cseval("claims").out


@pytest.mark.parametrize("change", [{"text": "rates have fallen"}, {"verdicts": ()}])
def test_a_run_that_did_not_test_these_words_says_nothing_of_them(project, cseval, change):
    ran(project, *change.pop("verdicts", (SUPPORTED,)), **change)
    found = records(cseval("claims", "--json"))["robbery"]
    assert found["verdict"] == "not tested by the last run"
    assert found["readings"][0]["why_not"] == "the last run did not test these words: cseval run small-evaluation"
    assert "Verdict: Not tested by the last run\n    The last run did not test these words: cseval run small" in (
        cseval("claims").out
    )


def test_a_run_by_another_protocol_says_nothing_any_more(project, cseval):
    ran(project, SUPPORTED)
    assert records(cseval("claims", "--json"))["robbery"]["verdict"] == SUPPORTED
    module = project / "analyses" / "small.py"
    module.write_text(module.read_text(encoding="utf-8").replace("2018-08", "2018-09"), encoding="utf-8")
    found = records(cseval("claims", "--json", "--write"))["robbery"]
    assert found["verdict"] == "last tested by another protocol"
    assert found["readings"][0]["why_not"] == "the protocol has changed since: cseval run small-evaluation"
    manifest = json.loads((project / "outputs" / "claims" / "manifest.json").read_bytes())
    assert manifest["left_out"] == [f"robbery: {found['readings'][0]['why_not']}"]
    assert not any(i["kind"] == "outputs" for i in manifest["inputs"])


def test_a_run_on_data_that_were_replaced_since_says_nothing_any_more(project, cseval):
    """The record of imported files has another hash for one that the run read; files that it lacks do not count."""
    entry = {
        "kind": "mps-ward",
        "path": "data/raw/mps-ward/wards.csv",
        "sha256": "a" * 64,
        **dict.fromkeys(("title", "publisher", "licence", "vintage", "first_month", "last_month"), "known"),
        "rows": 3,
        "notes": [],
    }
    lock = project / "data" / "sources.lock.json"
    lock.write_text(json.dumps({"files": [entry], "format": 1}), encoding="utf-8")
    used = [{"path": entry["path"], "sha256": "a" * 64}, {"path": "data/raw/mps-ward/gone.csv", "sha256": "c" * 64}]
    place = ran(project, SUPPORTED, inputs=used)
    assert records(cseval("claims", "--json"))["robbery"]["verdict"] == SUPPORTED
    relist(place, inputs=[{**used[0], "sha256": "b" * 64}])
    found = records(cseval("claims", "--json"))["robbery"]
    assert found["verdict"] == "last tested on other data"
    assert found["readings"][0]["why_not"] == "the data have changed since: cseval run small-evaluation"


def test_outputs_with_other_columns_are_of_another_version(project, cseval):
    place = ran(project, SUPPORTED)
    table = pd.read_csv(place / "claims.csv").drop(columns="reading")
    (place / "claims.csv").write_bytes(csv_bytes(table))
    relist(place)
    found = records(cseval("claims", "--json"))["robbery"]
    assert found["verdict"] == "last tested by another version of cseval"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: (p / "claims.csv").write_text("supported"), "not the file that the run wrote"),
        (lambda p: (p / "claims.csv").unlink(), "claims.csv: cannot be read"),
        (lambda p: (p / "manifest.json").write_text("{}"), "the manifest cannot be read"),
        (lambda p: relist(p, inputs=["data/raw"]), "manifest.json: cannot be read"),
    ],
)
def test_outputs_that_were_changed_by_hand_are_refused(project, cseval, spoil, said):
    spoil(ran(project, SUPPORTED))
    answer = cseval("claims", "--write")
    assert answer.code == 2
    assert said in answer.err
    assert answer.out == ""
    assert not (project / "outputs" / "claims").exists()


def test_a_verdict_that_no_run_gives_is_refused_with_its_place(project, cseval):
    ran(project, "probably")
    said = cseval("claims")
    assert said.code == 2
    assert "claims.csv, row 2, column verdict: verdict 'probably'" in said.err


def test_a_register_that_is_wrong_is_refused_and_nothing_is_written(project, cseval):
    register(project, TESTED.replace("small-evaluation/robbery", "small-evaluation/robery"))
    before = contents(project)
    said = cseval("claims", "--write")
    assert said.code == 2
    assert "claims.csv, row 2, column tested_by: 'small-evaluation/robery'" in said.err
    assert "The nearest is small-evaluation/robbery" in said.err
    assert contents(project) == before


def test_figures_are_read_only_where_a_record_needs_them(project, cseval):
    (project / "data" / "reference" / "staffing.csv").write_text("nonsense", encoding="utf-8")
    assert "staffing.csv, row 1: no column 'programme'" in cseval("claims").err
    register(project, TESTED)
    assert cseval("claims").code == 0


def test_a_project_without_a_register_is_told_to_write_one(fresh, cseval):
    """Its evaluations are its own, so the founding claims are not about them."""
    said = cseval("claims")
    assert said.code == 2
    assert "this project has no register of public claims" in said.err
    assert str(fresh / "data" / "reference" / "claims.csv") in said.err


# Writing ----------------------------------------------------------------------------------------------


@pytest.fixture
def written(project, cseval):
    ran(project, CANNOT_BE_TESTED, on_stand_in=SUPPORTED)
    said = cseval("claims", "--write")
    assert said.code == 0, said.err
    assert f"Written to {project / 'outputs' / 'claims'}" in said.out
    return project / "outputs" / "claims"


def test_writing_leaves_the_table_its_data_places_and_a_manifest(written, project):
    assert {p.name for p in written.iterdir()} == FILES
    manifest = json.loads((written / "manifest.json").read_bytes())
    listed = {o["path"]: o for o in manifest["outputs"]}
    assert set(listed) == FILES - {"manifest.json"}
    for name, entry in listed.items():
        content = (written / name).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert [i["path"] for i in manifest["inputs"]] == [
        "data/reference/claims.csv",
        "data/reference/staffing.csv",
        "data/reference/activities.csv",
        "data/reference/programmes.csv",
        "outputs/small-evaluation/claims.csv",
    ]
    for entry in manifest["inputs"]:
        assert entry["sha256"] == hashlib.sha256((project / entry["path"]).read_bytes()).hexdigest()
    assert manifest["headline"] == "Of 2 public claims: 1 cannot be tested with these data and 1 contradicted."


def test_places_hold_the_table_and_every_value_as_text(written):
    places = json.loads((written / "places.json").read_bytes())
    assert (places["schema_version"], places["evaluation"], places["data"]) == (1, "claims", "real")
    table = read_printed("claims", places["tables"]["claims"], "places.json")
    assert table.headings == ("What was said", "Where", "Verdict", "Why", "Data that would test it")
    assert table.notes[1].startswith("“Not supported” does not mean that the opposite is true")
    assert len(table.rows) == 2
    assert all(cell for row in table.rows for cell in row)
    values = places["values"]["robbery"]
    assert values["verdict"] == CANNOT_BE_TESTED
    assert values["stand_in"] == "of robbery, which stands in, supported"
    assert all(isinstance(v, str) and v for fields in places["values"].values() for v in fields.values())
    assert places["figures"] == {}


def test_written_twice_the_bytes_are_the_same(written, project, cseval):
    before = contents(written)
    assert cseval("claims", "--write").code == 0
    assert contents(written) == before
    others = {p for p in contents(project) if not p.startswith("outputs/")}
    assert others == {p for p in others if p.startswith(("analyses/", "data/"))}


def test_json_and_write_together_print_json_alone(project, cseval):
    assert set(records(cseval("claims", "--json", "--write"))) == {"robbery", "capacity"}
    assert (project / "outputs" / "claims" / "claims.csv").is_file()


def test_a_folder_that_holds_something_else_is_left_alone(project, cseval):
    place = project / "outputs" / "claims"
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("mine")
    said = cseval("claims", "--write")
    assert said.code == 2
    assert "holds notes.txt, which no run wrote" in said.err
    assert (place / "notes.txt").read_text() == "mine"


def test_hostile_words_are_neutralised(project, cseval):
    bad = RECORDED.replace("capacity,half of them", "bad,<img onerror=x> | half")
    formula = RECORDED.replace("capacity,half of them", 'worse,"=HYPERLINK(""x"")"')
    register(project, bad, formula)
    assert cseval("claims", "--write").code == 0
    folder = project / "outputs" / "claims"
    assert "<img" not in (folder / "claims.html").read_text(encoding="utf-8")
    assert "&lt;img onerror" in (folder / "claims.html").read_text(encoding="utf-8")
    assert "<img" not in (folder / "claims.md").read_text(encoding="utf-8")
    statements = pd.read_csv(folder / "claims.csv")["statement"].tolist()
    assert statements == ["<img onerror=x> | half", '\'=HYPERLINK("x")']


def test_the_founding_claims_are_all_told(cseval, monkeypatch):
    """The project's own register, with whatever outputs are committed."""
    monkeypatch.chdir(REFERENCE.parents[1])
    found = records(cseval("claims", "--json"))
    assert len(found) == 9
    assert found["half-capacity"]["verdict"] == NOT_SUPPORTED
    assert "40.2%" in found["half-capacity"]["finding"]
    assert all(c["finding"] and c["needs"] for c in found.values())

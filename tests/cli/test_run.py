"""What `run` writes and prints, and what the other commands say of it afterwards."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from small_project import MODULE, OUTPUTS, contents, make_project

from cseval.errors import DesignError
from cseval.estimate import EFFECT_COLUMNS

RUN = ("run", "small-evaluation", "--draws", "199")
BANNER = "simulated, no real place"


def strict_json(text):
    """JSON as the standard has it: NaN and Infinity are not numbers."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def without_run_block(manifest):
    return {k: v for k, v in json.loads(manifest.read_bytes()).items() if k != "run"}


@pytest.fixture
def no_figures(monkeypatch):
    """Drawing is most of a small run; these tests are not about pictures."""
    monkeypatch.setattr("cseval.reporting.figures.make_figures", lambda result: ([], []))


# What run does ----------------------------------------------------------------------------------------


def test_a_demonstration_run_says_so_first_and_writes_apart(project_that_ran, said_when_run):
    fresh, said = project_that_ran, said_when_run
    assert said.out.splitlines()[0].startswith("Demonstration data (simulated, no real place), because mps-ward")
    assert "DEMONSTRATION DATA: " in said.out
    assert {p.name for p in (fresh / "outputs").iterdir()} == {"demonstration"}
    written = set(contents(fresh / OUTPUTS))
    assert {"effects.csv", "effects.json", "report.html", "report.md", "manifest.json", "datapackage.json"} <= written
    rows = list(csv.DictReader((fresh / OUTPUTS / "effects.csv").read_text().splitlines()))
    assert [r["analysis"] for r in rows] == ["primary", "robbery", "later"]
    assert {r["data"] for r in rows} == {"demonstration"}
    assert list(rows[0])[: len(EFFECT_COLUMNS)] == list(EFFECT_COLUMNS)


def test_results_are_on_stdout_and_progress_on_stderr(project_that_ran, said_when_run):
    fresh, said = project_that_ran, said_when_run
    table = said.out.splitlines()
    heading = next(line for line in table if line.startswith("Analysis"))
    for column in ("Change", "95% interval", "p (placebo)", "measured error rate", "Reading"):
        assert column in heading
    assert any(line.startswith("robbery") for line in table)
    assert "  - One neighbourhood was treated." in table
    assert any(re.match(r"With 12 months of follow-up, a fall of \d+% \(Monte Carlo error", line) for line in table)
    assert any(line.startswith("The verdict rests on placebo neighbourhoods: ") for line in table)
    assert f"Report (DEMONSTRATION DATA): {fresh / OUTPUTS / 'report.html'}" in table
    assert table[-1].startswith("Took ")
    steps = said.err.splitlines()
    assert steps[1] == "  data: demonstration: 300 units, 60 months (2014-11 to 2019-10), 2 outcomes"
    assert [s.split(":")[0].strip() for s in steps[2:]] == [
        "primary", "robbery", "later", "coverage", "power",
    ]  # fmt: skip
    assert not any(step in said.out for step in steps)


def test_every_registered_method_is_written_and_the_chosen_one_marked(project_that_ran):
    with (project_that_ran / OUTPUTS / "inference.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    methods = ["placebo neighbourhoods", "cluster-robust"]
    assert [(r["analysis"], r["method"]) for r in rows] == [
        (a, m) for a in ("primary", "robbery", "later") for m in methods
    ]
    assert [r["chosen"] for r in rows] == ["true", "false"] * 3
    assert {(r["standing"], bool(r["reason"])) for r in rows if r["method"] == "cluster-robust"} == {
        ("unreliable", True)
    }
    assert all(r["p_value"] and r["false_positive_rate"] for r in rows)


def test_power_is_measured_for_primary_and_secondary_outcomes(project_that_ran):
    folder = project_that_ran / OUTPUTS
    with (folder / "detectable.csv").open(encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines))
    assert {r["analysis"] for r in found} == {"primary", "robbery"}
    own = next(r for r in found if r["analysis"] == "primary" and r["months_after"] == "12")
    effects = list(csv.DictReader((folder / "effects.csv").read_text().splitlines()))
    assert (effects[0]["detectable_fall"], effects[0]["detectable_fall_error"]) == (
        own["mde_fall"],
        own["mde_fall_error"],
    )
    assert effects[2]["detectable_fall_error"] == ""
    assert [bool(r["p_adjusted"] and r["p_holm"]) for r in effects] == [False, True, False]
    report = (folder / "report.md").read_text(encoding="utf-8")
    said = f"a fall of {abs(float(own['mde_fall'])):.0f}% (Monte Carlo error {float(own['mde_fall_error']):.1f} points)"
    assert said in report.split("## Every estimate")[0]


def test_run_twice_gives_the_same_bytes_but_the_run_block(done, cseval):
    before = contents(done / OUTPUTS)
    manifest = without_run_block(done / OUTPUTS / "manifest.json")
    assert cseval(*RUN).code == 0
    after = contents(done / OUTPUTS)
    assert {p for p in before if before[p] != after.get(p)} <= {"manifest.json"}
    assert set(before) == set(after)
    assert without_run_block(done / OUTPUTS / "manifest.json") == manifest


def test_json_is_all_that_stdout_holds(fresh, cseval, no_figures):
    said = cseval(*RUN, "--json")
    assert said.code == 0
    (record,) = strict_json(said.out)
    assert record["evaluation"] == "small-evaluation"
    assert record["data"] == "demonstration"
    assert [e["analysis"] for e in record["effects"]] == ["primary", "robbery", "later"]
    assert Path(record["folder"]) == fresh / OUTPUTS
    assert "robbery: " in said.err


def test_only_runs_one_analysis_beside_the_primary_one(fresh, cseval, no_figures):
    said = cseval(*RUN, "--only", "later", "--out", "part", "--json")
    assert [e["analysis"] for e in strict_json(said.out)[0]["effects"]] == ["primary", "later"]
    assert (fresh / "part" / "report.html").is_file()
    assert not (fresh / "outputs").exists()


def test_all_runs_every_evaluation_into_a_folder_each(fresh, cseval, no_figures):
    make_project(fresh, MODULE.replace("small-evaluation", "second-evaluation"), "second.py")
    said = cseval("run", "--all", "--draws", "99", "--out", "both", "--dry-run", "--json")
    assert [Path(r["folder"]) for r in strict_json(said.out)] == [
        Path("both/second-evaluation"),
        Path("both/small-evaluation"),
    ]
    said = cseval("run", "--all", "--draws", "99", "--out", "both", "--json")
    assert [r["evaluation"] for r in strict_json(said.out)] == ["second-evaluation", "small-evaluation"]
    assert {p.name for p in (fresh / "both").iterdir() if p.is_dir()} == {"second-evaluation", "small-evaluation"}


def test_dry_run_says_what_would_be_written_and_writes_nothing(fresh, cseval):
    before = contents(fresh)
    said = cseval(*RUN, "--dry-run")
    assert said.code == 0
    assert said.out == f"small-evaluation: 3 analyses on demonstration data, written to {fresh / OUTPUTS}\n"
    part = cseval(*RUN, "--dry-run", "--only", "later", "--out", "part")
    assert part.out == "small-evaluation: 2 analyses on demonstration data, written to part\n"
    assert contents(fresh) == before


def test_seed_and_draws_are_in_the_manifest_and_change_the_numbers(done, cseval, no_figures):
    assert cseval("run", "small-evaluation", "--draws", 99, "--seed", 7, "--out", "other").code == 0
    manifest = json.loads((done / "other" / "manifest.json").read_bytes())
    assert (manifest["draws"], manifest["seed"]) == (99, 7)
    assert manifest["command"] == "cseval run small-evaluation --data demonstration --draws 99 --seed 7"
    assert (done / "other" / "effects.csv").read_bytes() != (done / OUTPUTS / "effects.csv").read_bytes()


def test_a_run_that_fails_while_writing_leaves_the_old_outputs_whole(done, cseval, monkeypatch, no_figures):
    from cseval.reporting import atomic

    before = contents(done)
    write, written = atomic._write, []

    def full_disk(path, content):
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        written.append(path)
        write(path, content)

    monkeypatch.setattr(atomic, "_write", full_disk)
    said = cseval("run", "small-evaluation", "--draws", 99)
    assert said.code == 2
    assert "the outputs could not be written (No space left on device)" in said.err
    assert written
    assert contents(done) == before


def test_a_run_that_fails_while_drawing_leaves_the_old_outputs_whole(done, cseval, monkeypatch):
    def broken(*_):
        raise RuntimeError("cannot draw")

    before = contents(done)
    monkeypatch.setattr("cseval.reporting.figures.make_figures", broken)
    assert cseval("run", "small-evaluation", "--draws", 99).code == 3
    assert contents(done) == before


def test_an_empty_folder_uses_the_founding_evaluation(tmp_path, monkeypatch, cseval):
    monkeypatch.chdir(tmp_path)
    assert "pilot-evaluation  Neighbourhood Management Pilot\n    not run yet\n" in cseval("list").out
    said = cseval("run", "pilot-evaluation", "--only", "robbery", "--draws", 99, "--out", "result", "--json")
    assert said.code == 0
    (record,) = strict_json(said.out)
    assert [e["analysis"] for e in record["effects"]] == ["primary", "robbery"]
    assert record["data"] == "demonstration"
    assert (tmp_path / "result" / "report.html").is_file()


# What the other commands say --------------------------------------------------------------------------


def test_list_before_and_after_a_run(fresh, done, cseval, monkeypatch):
    monkeypatch.chdir(fresh)
    assert cseval("list").out == "small-evaluation  A small evaluation\n    not run yet\n"
    monkeypatch.chdir(done)
    headline = json.loads((done / OUTPUTS / "manifest.json").read_bytes())["headline"]
    assert cseval("list").out.splitlines()[1] == f"    Demonstration data: {headline}"
    (row,) = strict_json(cseval("list", "--json").out)
    assert row["headline"].endswith(headline)


def test_list_in_a_folder_below_the_project(done, cseval, monkeypatch):
    monkeypatch.chdir(done / "outputs")
    assert "Demonstration data: " in cseval("list").out


def test_show_is_the_protocol_in_english(fresh, cseval):
    said = cseval("show", "small-evaluation")
    assert said.code == 0
    assert "Programme: Pilot, start May 2018" in said.out
    assert "  later: robbery, Poisson DiD, placebo neighbourhoods, then cluster-robust [start 2018-08]." in said.out
    assert "  mps-ward: not imported (needed)" in said.out
    record = strict_json(cseval("show", "small-evaluation", "--json").out)
    assert record["hash"] in said.out
    assert record["data"] == {"mps-ward": False}


def test_the_protocol_hash_changes_with_the_protocol(fresh, cseval):
    first = strict_json(cseval("show", "small-evaluation", "--json").out)["hash"]
    make_project(fresh, MODULE.replace('start="2018-08"', 'start="2018-09"') + "\n# changed\n")
    assert strict_json(cseval("show", "small-evaluation", "--json").out)["hash"] != first


def test_check_describes_each_design_and_fits_nothing(fresh, cseval, monkeypatch):
    monkeypatch.setattr("cseval.analyse.run_analysis", lambda *_: pytest.fail("fitted"))
    said = cseval("check", "small-evaluation")
    assert said.code == 0
    assert said.out.splitlines()[0].startswith("Demonstration data (simulated")
    assert "  ok: later: 5 treated units against " in said.out
    assert said.out.splitlines()[-1] == "0 problems."
    assert [f["finding"] for f in strict_json(cseval("check", "small-evaluation", "--json").out)["findings"]] == (
        ["ok"] * 3
    )
    assert not (fresh / "outputs").exists()


def test_check_ends_with_1_if_an_analysis_cannot_be_made(fresh, cseval):
    make_project(fresh, MODULE.replace('start="2018-08"', 'comparison="no-such-group"'))
    said = cseval("check", "small-evaluation")
    assert said.code == 1
    assert "  problem: later: inputs: no comparison group 'no-such-group'; expected one of all" in said.out
    assert said.out.splitlines()[-1] == "1 problem."
    assert strict_json(cseval("check", "small-evaluation", "--json").out)["findings"][2]["finding"] == "problem"


def test_an_analysis_that_cannot_be_made_is_left_out_of_a_run_and_named(fresh, cseval, no_figures):
    make_project(fresh, MODULE.replace('start="2018-08"', 'comparison="no-such-group"'))
    said = cseval(*RUN)
    assert said.code == 0
    assert "  - left out: later: inputs: no comparison group 'no-such-group'" in said.out


def test_a_primary_analysis_that_cannot_be_made_ends_the_run(fresh, cseval):
    make_project(fresh, MODULE.replace('"primary")', '"primary", comparison="no-such-group")'))
    said = cseval(*RUN)
    assert said.code == DesignError.exit_code == 2
    assert "no comparison group" in said.err
    assert not (fresh / "outputs").exists()


def test_calibrate_prints_measured_rates_and_writes_nothing(fresh, cseval):
    before = contents(fresh)
    said = cseval("calibrate", "small-evaluation", "--placebos", 1000)
    assert said.code == 0
    assert said.out.splitlines()[0].startswith("Demonstration data (simulated")
    record = strict_json(cseval("calibrate", "small-evaluation", "--placebos", 1000, "--only", "robbery", "--json").out)
    rows = record["calibration"]
    assert {r["analysis"] for r in rows} == {"robbery"}
    assert {r["method"] for r in rows} == {"placebo neighbourhoods", "cluster-robust"}
    assert {r["population"] for r in rows} == {"all", "matched", "selection"}
    assert {r["level"] for r in rows} == {0.01, 0.05, 0.10}
    assert contents(fresh) == before


def test_calibrate_without_room_for_a_placebo_start_is_a_finding(fresh, cseval):
    text = MODULE.replace('start="2018-05"', 'start="2015-05"').replace("2017-05", "2014-11")
    make_project(fresh, text.replace("2017-08", "2015-01"))
    said = cseval("calibrate", "small-evaluation", "--placebos", 1000)
    assert said.code == 1
    assert "so no error rate can be measured" in said.out


# diff -------------------------------------------------------------------------------------------------


@pytest.fixture
def made_again(done, monkeypatch):
    """What a second run would build, without running it: the bytes on disk before a test changes them."""
    folder = done / OUTPUTS
    files = {p: (folder / p).read_bytes() for p in contents(folder)}
    monkeypatch.setattr("cseval.reporting.write.build_outputs", lambda *_, **__: files)
    monkeypatch.setattr("cseval.execute.execute", lambda *_, **__: (None, "as before"))
    return folder


def test_diff_after_a_run_finds_nothing_and_writes_nothing(done, cseval):
    before = contents(done)
    said = cseval("diff", "small-evaluation")
    assert said.code == 0
    assert said.out == f"small-evaluation: {done / OUTPUTS}\n  no difference\n"
    assert contents(done) == before


def test_diff_names_file_row_and_column_of_a_changed_number(made_again, done, cseval):
    path = made_again / "effects.csv"
    rows = list(csv.reader(path.read_text().splitlines()))
    column = rows[0].index("estimate")
    was, rows[2][column] = rows[2][column], "0.5"
    path.write_text("\n".join(",".join(f'"{c}"' for c in r) for r in rows) + "\n")
    before = contents(done)
    said = cseval("diff", "small-evaluation")
    assert said.code == 1
    assert f"  effects.csv: row 3, column estimate: {was!r}, on disk '0.5'\n  1 difference\n" in said.out
    (record,) = strict_json(cseval("diff", "small-evaluation", "--json").out)
    assert record["differences"] == [f"effects.csv: row 3, column estimate: {was!r}, on disk '0.5'"]
    assert contents(done) == before


def test_diff_forgives_a_number_within_its_tolerance(made_again, cseval):
    path = made_again / "effects.csv"
    text = path.read_text()
    rows = list(csv.reader(text.splitlines()))
    was = rows[1][rows[0].index("estimate")]
    path.write_text(text.replace(was, repr(float(was) * (1 + 1e-8))))
    assert cseval("diff", "small-evaluation").code == 0


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("effects.csv", None, "effects.csv: not on disk"),
        ("report.md", lambda t: t + "more\n", "report.md: text differs"),
        ("checks.csv", lambda t: t + t.splitlines()[-1] + "\n", "checks.csv: 2 rows with header"),
        ("effects.json", lambda t: t.replace("demonstration", "real"), "effects.json: /data: 'demonstration', on disk"),
        ("stray.csv", lambda t: "a\n1\n", "stray.csv: on disk, and no longer made"),
    ],
)
def test_diff_names_each_kind_of_drift(name, change, said, made_again, cseval):
    path = made_again / name
    if change is None:
        path.unlink()
    else:
        path.write_text(change(path.read_text() if path.exists() else ""))
    result = cseval("diff", "small-evaluation")
    assert result.code == 1
    assert said in result.out


def test_diff_ignores_how_long_a_run_took(made_again, cseval):
    manifest = json.loads((made_again / "manifest.json").read_bytes())
    manifest["run"] = {"git_commit": "other", "seconds": {}}
    (made_again / "manifest.json").write_text(json.dumps(manifest))
    assert cseval("diff", "small-evaluation").code == 0


def test_diff_all_leaves_out_what_never_ran(made_again, done, cseval):
    make_project(done, MODULE.replace("small-evaluation", "second-evaluation"), "second.py")
    said = cseval("diff", "--all", "--json")
    assert said.code == 0
    assert [r["evaluation"] for r in strict_json(said.out)] == ["small-evaluation"]
    assert "second-evaluation: no outputs in" in said.err


def test_diff_never_compares_demonstration_with_real_outputs(done, cseval):
    shutil.move(done / OUTPUTS, done / "outputs" / "small-evaluation")
    assert cseval("diff", "small-evaluation").code == 2

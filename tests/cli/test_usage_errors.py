"""What is asked for wrongly: one message, exit code 2, nothing written. What breaks inside: exit code 3."""

from __future__ import annotations

import json

import pytest
from small_project import OUTPUTS, contents

import cseval.execute


def refused(said):
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize("command", ["run", "show", "check", "diff", "calibrate"])
def test_unknown_slug_names_the_nearest_and_the_list(command, fresh, cseval):
    message = refused(cseval(command, "smal-evaluation"))
    assert message == (
        "Error: no evaluation 'smal-evaluation'; expected one of small-evaluation. The nearest is small-evaluation.\n"
    )


def test_slug_like_no_other_gets_the_list_alone(fresh, cseval):
    assert refused(cseval("show", "zzz")) == "Error: no evaluation 'zzz'; expected one of small-evaluation.\n"


def test_unknown_command_names_the_nearest_and_the_list(cseval):
    message = refused(cseval("rum", "small-evaluation"))
    assert (
        "No command 'rum'; expected one of list, show, run, check, diff, calibrate, power, data, register, "
        "claims, embed, new, disclosure. Did you mean run?" in message
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "nothing to run"),
        (["run", "--all", "small-evaluation"], "both slugs and --all"),
        (["run", "small-evaluation", "--only", "robbery"], "--only: part of an evaluation would replace its whole"),
        (["run", "small-evaluation", "--only", "arson", "--out", "x"], "no analysis 'arson'"),
        (["run", "small-evaluation", "--only", "arson", "--out", "x", "--dry-run"], "no analysis 'arson'"),
        (["run", "small-evaluation", "--draws", "18"], "18 is not in the range"),
        (["run", "small-evaluation", "--draws", "many"], "'many' is not a valid integer"),
        (["run", "small-evaluation", "--seed", "-1"], "-1 is not in the range"),
        (["run", "small-evaluation", "--colour"], "No such option"),
        (["run", "small-evaluation", "--data", "nowhere"], "--data: 'nowhere' is not a folder"),
        (["run", "small-evaluation", "--data", "nowhere", "--dry-run"], "--data: 'nowhere' is not a folder"),
        (["check", "small-evaluation", "--data", "nowhere"], "--data: 'nowhere' is not a folder"),
        (["run", "small-evaluation", "--data", "analyses"], "no file of a known format"),
        (["show"], "Missing argument 'SLUG'"),
        (["diff"], "nothing to compare"),
        (["diff", "small-evaluation"], "no outputs in"),
        (["diff", "--all", "small-evaluation"], "both slugs and --all"),
        (["calibrate", "small-evaluation", "--only", "arson"], "no analysis 'arson'; expected one of primary, robbery"),
        (["calibrate", "small-evaluation", "--placebos", "10"], "10 is not in the range"),
        (["data", "import"], "Missing argument 'PATH...'"),
        (["data", "import", "nowhere.csv"], "nowhere.csv"),
        (["data", "fetch"], "No such command 'fetch'"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_refused(arguments, words, fresh, cseval):
    before = contents(fresh)
    assert words in refused(cseval(*arguments))
    assert contents(fresh) == before


def test_an_out_folder_with_foreign_files_is_not_replaced(fresh, cseval):
    (fresh / "mine").mkdir()
    (fresh / "mine" / "notes.txt").write_text("keep me")
    before = contents(fresh)
    said = cseval("run", "small-evaluation", "--draws", 99, "--out", "mine")
    assert said.code == 2
    assert "holds notes.txt, which no run wrote" in said.err
    assert contents(fresh) == before


def test_a_project_folder_that_is_not_there(monkeypatch, tmp_path, cseval):
    monkeypatch.setenv("CSEVAL_PROJECT", str(tmp_path / "gone"))
    assert "CSEVAL_PROJECT: " in refused(cseval("list"))


def test_a_damaged_manifest_is_named(done, cseval):
    manifest = done / OUTPUTS / "manifest.json"
    manifest.write_text("{")
    for command in (["list"], ["diff", "small-evaluation"]):
        assert f"{manifest}: the manifest cannot be read" in refused(cseval(*command))
    manifest.write_text("{}")
    assert "the manifest cannot be read" in refused(cseval("diff", "small-evaluation"))


def broken(*_, **__):
    raise ZeroDivisionError("division by zero")


@pytest.fixture
def fault(monkeypatch):
    monkeypatch.setattr(cseval.execute, "execute", broken)


def test_a_fault_of_cseval_is_exit_code_3_in_one_line(fault, fresh, cseval):
    before = contents(fresh)
    said = cseval("run", "small-evaluation")
    assert said.code == 3
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("Internal error: ZeroDivisionError: division by zero.")
    assert contents(fresh) == before


@pytest.mark.parametrize("arguments", [["--debug", "run", "small-evaluation"], ["run", "small-evaluation", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(arguments, fault, fresh, cseval):
    said = cseval(*arguments)
    assert said.code == 3
    assert "Traceback (most recent call last)" in said.err


def test_stopped_by_the_user(monkeypatch, fresh, cseval):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cseval.execute.execute", stop)
    said = cseval("run", "small-evaluation")
    assert said.code == 130
    assert said.err.strip() == "Stopped."


def test_errors_never_go_to_stdout_with_json(fresh, cseval):
    said = cseval("run", "nothing-here", "--json")
    assert refused(said)
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.out)

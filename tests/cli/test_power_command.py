"""`cseval power` on the small project: tables, sentences, JSON, figure, and what it refuses."""

from __future__ import annotations

import json

import pytest
from small_project import contents

RUN = ("power", "small-evaluation", "--placebos", "1000")


def refused(said, words):
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert words in said.err


def test_prints_what_would_be_detected_and_writes_nothing(fresh, cseval):
    before = contents(fresh)
    said = cseval(*RUN)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("Demonstration data (simulated, no real place)")
    assert lines[1].startswith("Analysis  Months   Smallest fall found 4 in 5")
    assert [line.split()[:4] for line in lines[2:5]] == [["primary", "12", "+", m] for m in ("6", "12", "18")]
    sentences = [line for line in lines if line.startswith("With ")]
    assert sentences[1].startswith("With 12 months of follow-up, a fall of ")
    assert sentences[1].endswith(" in anti-social behaviour would be detected four times in five.")
    assert contents(fresh) == before


def test_json_holds_the_same_numbers(fresh, cseval):
    said = cseval(*RUN, "--months", "12", "--only", "robbery", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert (found["evaluation"], found["data"]) == ("small-evaluation", "demonstration")
    assert [r["analysis"] for r in found["detectable"]] == ["primary", "robbery"]
    assert len(found["sentences"]) == 2
    none = next(r for r in found["curve"] if r["effect_percent"] == 0)
    assert none["power"] == found["detectable"][0]["size"]
    assert set(none) == {
        *("evaluation", "analysis", "outcome", "method", "months_before", "months_after"),
        *("placebos", "districts", "placebo_starts", "effect_percent", "power", "mc_error"),
    }


def test_planned_start_after_the_data_end(fresh, cseval):
    said = cseval(*RUN, "--start", "2023-01", "--months", "12", "--before", "18")
    assert said.code == 0, said.err
    assert "18 + 12" in said.out


def test_figure_is_written(fresh, cseval):
    said = cseval(*RUN, "--months", "6,12", "--figure", "curve.svg")
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == "Figure: curve.svg"
    assert (fresh / "curve.svg").read_bytes().startswith(b"<?xml")
    assert b"no real place" not in said.err.encode()


def test_every_analysis_judged_by_placebo_neighbourhoods(fresh, cseval):
    said = cseval(*RUN, "--months", "6", "--all", "--json")
    assert [r["analysis"] for r in json.loads(said.out)["detectable"]] == ["primary", "robbery", "later"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "arson"], "no analysis 'arson'; expected one of primary, robbery, later"),
        (["--areas", "X1"], "power, areas: no area 'X1' in the data"),
        (["--months", "twelve"], "--months: 'twelve'; expected whole numbers above 0"),
        (["--months", "0"], "--months: '0'"),
        (["--months", "500"], "12 months before and 500 after need 512 months"),
        (["--start", "soon"], "'soon' is not a month"),
        (["--start", "2001-01"], "expected a start after the first month with counts"),
        (["--before", "0"], "0 is not in the range"),
        (["--placebos", "10"], "10 is not in the range"),
        (["--figure", "curve.pdf"], "expected a file name that ends in .svg or .png"),
        (["--figure", "nowhere/curve.svg"], "no folder 'nowhere'"),
        (["--data", "nowhere"], "--data: 'nowhere' is not a folder"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_refused(arguments, words, fresh, cseval):
    before = contents(fresh)
    refused(cseval("power", "small-evaluation", *arguments), words)
    assert contents(fresh) == before


def test_unknown_slug(fresh, cseval):
    refused(cseval("power", "smal-evaluation"), "The nearest is small-evaluation.")

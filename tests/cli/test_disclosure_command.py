"""``cseval disclosure``: exit codes, words and JSON."""

from __future__ import annotations

import json

import pytest

SAFE = "ward,offences\nA,12\nB,[c]\nC,[c]\ntotal,40\n"
LATER = "ward,offences\nA,12\nB,[c]\nC,25\ntotal,40\n"


@pytest.fixture
def files(tmp_path):
    def write(first, second):
        paths = tmp_path / "first.csv", tmp_path / "second.csv"
        for path, text in zip(paths, (first, second), strict=True):
            path.write_text(text)
        return paths

    return write


def test_releases_that_give_nothing_away(cseval, files):
    said = cseval("disclosure", *files(SAFE, SAFE))
    assert (said.code, said.err) == (0, "")
    assert said.out == "Taken as totals: total.\nThese two releases give away no count below 5.\n"


def test_what_is_given_away_is_said_and_the_exit_code_is_1(cseval, files):
    said = cseval("disclosure", *files(SAFE, LATER))
    assert said.code == 1
    assert "C, offences:" in said.out
    assert "withholds what" in said.out
    assert said.err == ""


def test_json(cseval, files):
    said = cseval("disclosure", *files(SAFE, LATER), "--json")
    records = json.loads(said.out)
    assert said.code == 1
    assert {"kind", "row", "column", "sentence"} == set(records[0])
    assert {r["kind"] for r in records} == {"shown once", "total"}
    assert cseval("disclosure", *files(SAFE, SAFE), "--json").out.strip() == "[]"


def test_a_total_of_another_name(cseval, files):
    text = SAFE.replace("C,[c]", "C,25").replace("total", "London")
    assert "Taken as totals: none; name them with --total." in cseval("disclosure", *files(text, text)).out
    said = cseval("disclosure", *files(text, text), "--total", "London")
    assert said.code == 1
    assert said.out.startswith("Taken as totals: London.\nB, offences: by the total (London, offences)")
    assert cseval("disclosure", *files(text, text), "--total", "Paris").code == 2


def test_threshold_and_keys(cseval, files):
    first, second = "year,offences\n2024,20\n", "year,offences\n2024,27\n"
    assert cseval("disclosure", *files(first, second), "--keys", "year").code == 0
    assert cseval("disclosure", *files(first, second), "--keys", "year", "--threshold", "10").code == 1


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("ward,offences\nA,9\n", "ward,crimes\nA,9\n", "the same columns"),
        ("ward,offences\nA,9\nA,9\n", SAFE, "row 3: A again"),
        ("", SAFE, "no rows"),
        ("year,offences\n2024,9\n", "year,offences\n2024,9\n", "--keys"),
    ],
)
def test_files_that_cannot_be_compared_are_an_input_error(cseval, files, first, second, words):
    said = cseval("disclosure", *files(first, second))
    assert said.code == 2
    assert said.out == ""
    assert words in said.err


def test_a_file_that_is_not_there(cseval, files, tmp_path):
    said = cseval("disclosure", tmp_path / "none.csv", files(SAFE, SAFE)[1])
    assert said.code == 2
    assert "none.csv: cannot be read" in said.err


def test_a_threshold_that_hides_nothing_is_refused(cseval, files):
    assert cseval("disclosure", *files(SAFE, SAFE), "--threshold", "2").code == 2

"""What a paper says of the checks that raise a concern, of simulated data, and of tables that differ."""

from __future__ import annotations

import pytest
from paper_builders import SLUG, places, write_run

from cseval.errors import DataError
from cseval.papers.concerns import concerns
from cseval.papers.contents import Contents
from cseval.papers.runs import with_title
from cseval.papers.tags import parse_tag

HEAD = "analysis,check,question,verdict,sentence\n"
STARTS = 'primary,placebo starts,"Does it find an effect before, or not?",concern,It does.\n'
OTHERS = "primary,co-interventions,What else changed?,concern,Much.\nprimary,coverage,Were all received?,pass,Yes.\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (STARTS, "This check raises a concern: placebo starts (does it find an effect before, or not?)."),
        (
            STARTS + OTHERS,
            "These checks raise a concern: placebo starts (does it find an effect before, or not?); co-interventions "
            "(what else changed?).",
        ),
        ("", "No check raises a concern."),
    ],
)
def test_checks_of_concern_are_named_with_what_they_ask(rows, said):
    assert concerns(HEAD + rows) == said


def value(outputs, **options):
    return Contents(outputs, **options).find(parse_tag("cseval:pilot/value/run/concerns"))


def test_they_are_a_field_of_the_run_that_leads_back_to_the_checks(tmp_path):
    write_run(tmp_path / "outputs" / SLUG, rows={"checks.csv": HEAD + STARTS})
    found = value(tmp_path / "outputs")
    assert found.text.startswith("This check raises a concern: placebo starts")
    assert found.origin.words() == "outputs/pilot-evaluation/checks.csv"
    (tmp_path / "outputs" / SLUG / "checks.csv").write_text(HEAD, encoding="utf-8")
    with pytest.raises(DataError, match=r"checks\.csv: changed since the run"):
        value(tmp_path / "outputs")


def test_of_simulated_data_they_say_so(tmp_path):
    folder = tmp_path / "outputs" / "demonstration" / SLUG
    write_run(folder, places(data="demonstration"), rows={"checks.csv": HEAD})
    assert value(tmp_path / "outputs", demonstration=True).text == "No check raises a concern. (simulated)"


def test_a_run_without_checks_has_no_such_field(tmp_path):
    write_run(tmp_path / "outputs" / SLUG)
    with pytest.raises(Exception, match="no field of run 'concerns'"):
        value(tmp_path / "outputs")


def test_a_title_names_its_evaluation_once():
    assert with_title("Effects", "Pilot") == "Effects, Pilot"
    assert with_title("Effects of the Pilot", "Pilot") == "Effects of the Pilot"
    assert with_title("Effects", "") == "Effects"

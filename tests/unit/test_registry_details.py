"""One programme in detail: every figure with its source, and the founding register as a whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from builders import evaluation, registered

from cseval.loading import impact_evaluations
from cseval.project import Project
from cseval.register import read_register
from cseval.registry.details import detail_of, detail_record, gather_registry
from cseval.registry.words import cited, sections, where_when_words, window_words
from cseval.sources.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
NOTHING = Catalogue(root=Path())


@pytest.fixture(scope="module")
def founding():
    project = Project(ROOT)
    return gather_registry(
        project.reference, read_register(project.reference / "programmes.csv"), impact_evaluations(project)
    )


def test_every_table_that_was_read_is_named_with_its_hash(founding):
    tables = {s.path: s.sha256 for s in founding.sources}
    names = ("programmes", "evaluability", "breaks", "staffing", "activities")
    assert tables == {
        f"data/reference/{n}.csv": hashlib.sha256((ROOT / f"data/reference/{n}.csv").read_bytes()).hexdigest()
        for n in names
    }


def said(slug, registry):
    return dict(sections(detail_of(slug, registry, NOTHING)))


def test_every_programme_of_the_papers_is_registered(founding):
    assert len(founding.programmes) == 14
    assert all(p.source and p.paragraph and p.mechanism for p in founding.programmes.values())
    assert set(founding.evaluations) == {
        "pilot-evaluation",
        "knife-crime-action-plan",
        "operation-continuum",
        "rapid-response-team",
        "partnership-taskforce",
        "asb-blueprint",
    }


def test_taskforce_has_its_officers_outputs_and_money_with_their_paragraphs(founding):
    parts = said("partnership-taskforce", founding)
    assert parts["Officers"][0].startswith("In post, 1 April 2018 to 4 September 2018: 1 sergeant and 5 constables")
    assert any("356 arrests" in line and "paragraph 3.6" in line for line in parts["Outputs by period"])
    assert any("1,218 arrests" in line and "Budgeted Outcomes" in line for line in parts["Outputs by period"])
    assert any(line.startswith("1 April 2018 to 31 March 2019: 50% capacity") for line in parts["Outputs by period"])
    assert any("£3,000,000" in line for line in parts["Sums of money"])
    assert [line.split(":")[0] for line in parts["Milestones"]] == ["September 2017", "September 2019", "March 2021"]


def test_what_is_only_proposed_is_said_to_be(founding):
    detail = detail_of("asb-and-drug-suppression-unit", founding, NOTHING)
    assert where_when_words(detail) == "Proposed, from April 2021. Where: Borough."
    assert not any(o.months for o in detail.overlaps)
    summit = detail_of("violent-crime-summit", founding, NOTHING)
    assert where_when_words(summit) == "September 2018. Where: Borough."


def test_a_start_that_only_the_evaluation_gives_is_told_and_dates_the_data(founding):
    detail = detail_of("knife-crime-action-plan", founding, NOTHING)
    assert (detail.programme.start, detail.start) == ("", "2017-06")
    assert "Evaluated as if begun in June 2017." in dict(sections(detail))["What"]
    assert all(o.months is None for o in detail.overlaps)


def test_changes_are_those_from_a_year_before_to_the_end(founding):
    slugs = {b.slug for b in detail_of("neighbourhood-management-pilot", founding, NOTHING).breaks}
    assert {"london-knife-crime-strategy", "violent-crime-taskforce", "pandemic"} <= slugs
    assert not slugs & {"asb-warning-slips", "tower-hamlets-wards-2014", "connect", "pilot-agreed"}
    assert detail_of("asb-delivery-model", founding, NOTHING).breaks == ()


def test_a_window_counts_the_certain_and_the_possible_and_names_the_near(founding):
    pilot = next(w for w in founding.windows if w.slug == "pilot-evaluation")
    text = window_words(pilot, founding)
    assert "9 other programmes ran in its months in the same place, and 3 more may have" in text
    assert text.endswith(
        "three began within six months of May 2018: Partnership Taskforce (police posts paid for by the council), "
        "Operation Continuum and Violent Crime Summit."
    )


def test_records_are_plain_json(founding):
    for slug in founding.programmes:
        record = json.loads(json.dumps(detail_record(detail_of(slug, founding, NOTHING))))
        assert record["slug"] == slug
        assert len(record["overlaps"]) == 13
        assert record["assessment"]["question"].endswith("?")


def test_a_project_with_programmes_alone_has_an_empty_register_of_the_rest(tmp_path):
    made = evaluation()
    registry = gather_registry(tmp_path, (registered("x", start="2016-01"),), {made.slug: made})
    detail = detail_of("x", registry, NOTHING)
    assert (registry.windows, registry.until, detail.assessment) == ((), "", None)
    assert registry.sources == ()
    assert dict(sections(detail))["Can it be evaluated?"] == ["Not assessed yet."]


@pytest.mark.parametrize(
    ("paragraph", "words"),
    [("3.2", "Report, paragraph 3.2"), ("Proposal Summary", "Report, Proposal Summary"), ("", "Report")],
)
def test_sources_are_cited_with_what_is_known_of_the_place(paragraph, words):
    assert cited("Report", paragraph) == words

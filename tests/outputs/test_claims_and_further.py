"""Public claims and the tables that estimators leave of their own, in files and on the page."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from result_builders import COMMAND, HASH, make_result

from cseval.assemble import further_frames
from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, ClaimResult, Statement, verdicts
from cseval.errors import CsevalError, SpecError
from cseval.reporting.files import claims_frame, data_frames
from cseval.reporting.further import claims_table, further_blocks
from cseval.reporting.write import build_outputs

WEIGHTS = pd.DataFrame({"unit": ["A", "B", "C"], "weight": [0.7, 0.299, 0.001]})
RANKING = pd.DataFrame({"unit": ["A", "B"], "rank_relative": [1, 2]})


def claim(slug="biggest", frames=None, text="the biggest <b>decrease</b>"):
    return ClaimResult(
        statement=Statement(slug=slug, text=text, source="Board report", paragraph="3.2"),
        outcome="robbery",
        verdict=CONTRADICTED,
        sentence="Another area fell further",
        caveat="robbery is not knife crime",
        frames=frames or {},
    )


def with_weights(result):
    """The result with a table of weights left by each of its first two analyses."""
    analyses = [
        replace(a, estimate=replace(a.estimate, tables={"donor_weights": WEIGHTS})) for a in result.analyses[:2]
    ]
    return analyses


def test_tables_of_one_name_stand_under_each_other_and_say_whose_they_are():
    found = further_frames(with_weights(make_result()), [claim(frames={"ranking_summary": RANKING})])
    assert list(found) == ["donor_weights", "ranking_summary"]
    assert found["donor_weights"]["analysis"].tolist() == ["asb"] * 3 + ["damage"] * 3
    assert list(found["ranking_summary"].columns[:2]) == ["claim", "outcome"]


def test_two_claims_with_one_table_are_told_apart():
    found = further_frames([], [claim(slug, {"ranking_summary": RANKING}) for slug in ("one", "two")])
    assert found["ranking_summary"]["claim"].tolist() == ["one", "one", "two", "two"]


def test_a_claim_cannot_overwrite_the_table_of_an_estimator():
    with pytest.raises(CsevalError, match="donor_weights"):
        further_frames(with_weights(make_result()), [claim(frames={"donor_weights": RANKING})])


def test_the_tables_of_the_caller_are_left_alone():
    further_frames(with_weights(make_result()), [])
    assert list(WEIGHTS.columns) == ["unit", "weight"]


@pytest.fixture(scope="module")
def told():
    result = make_result()
    claims = (claim(frames={"ranking_summary": RANKING}),)
    return replace(result, claims=claims, further=further_frames(with_weights(result), claims))


def test_claims_have_a_file_of_their_own(told):
    assert claims_frame(told)["verdict"].tolist() == [CONTRADICTED]
    assert {"claims", "ranking_summary", "donor_weights"} <= set(data_frames(told))


def test_without_claims_the_file_has_its_header_alone():
    assert len(data_frames(make_result())["claims"]) == 0


def test_a_claim_is_printed_with_its_verdict_its_words_and_its_caveat(told):
    row = claims_table(told).values.iloc[0]
    assert "paragraph 3.2" in row["claim"]
    assert row["verdict"] == "Contradicted"
    assert row["caveat"].startswith("robbery is not")


def test_small_weights_are_counted_together_in_print_only(told):
    table = next(b.table for b in further_blocks(told) if b.table.slug == "further-donor-weights")
    assert len(table.values) == 4
    assert any("2 weights below" in note for note in table.notes)
    assert len(told.further["donor_weights"]) == 6


def test_the_report_says_what_was_said_in_public_and_escapes_it(told):
    files = build_outputs(told, protocol_hash=HASH, command=COMMAND)
    page = files["report.html"].decode()
    assert "What was said in public" in page
    assert "&lt;b&gt;decrease" in page
    assert "<b>decrease" not in page
    assert b"Another area fell further" in files["report.md"]
    assert "donor_weights.csv" in files


def test_on_an_outcome_that_is_not_its_own_a_claim_cannot_be_tested(told):
    assert verdicts("robbery", ("robbery",), CONTRADICTED) == {"verdict": CONTRADICTED}
    assert verdicts("robbery", ("knife_crime",), CONTRADICTED) == {
        "verdict": CANNOT_BE_TESTED,
        "on_stand_in": CONTRADICTED,
    }


def test_a_verdict_outside_the_vocabulary_is_refused():
    with pytest.raises(SpecError, match="probably"):
        replace(claim(), verdict="probably")

"""Verdicts of several readings and outcomes put together, and the short texts that a table prints of them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from cseval import formats as f
from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED, VERDICTS, ClaimResult
from cseval.claims.register import PublicClaim
from cseval.claims_report import words
from cseval.claims_report.files import claims_rows, claims_table
from cseval.claims_report.gather import NOT_RUN, Reading, Told, combined

CLAIM = PublicClaim(
    slug="fewer",
    text="there were fewer",
    source="Board report",
    paragraph="3.2",
    programme="pilot",
    tested_by=("small/fewer",),
    needs="a file of them",
)


def result(verdict=NOT_SUPPORTED, outcome="burglary", on_stand_in="", sentence="It fell by 1.5%. More was said."):
    return ClaimResult(
        statement=CLAIM.statement, outcome=outcome, verdict=verdict, on_stand_in=on_stand_in, sentence=sentence
    )


def stood_in(verdict, outcome):
    return result(CANNOT_BE_TESTED, outcome, verdict)


def told(*results, **changes):
    readings = tuple(
        Reading(test=f"small/r{n}", result=r, why_not="" if r else f"{NOT_RUN}: cseval run small")
        for n, r in enumerate(results)
    )
    return Told(claim=replace(CLAIM, **changes), readings=readings)


def by_words(found):
    """The rule as the documentation says it."""
    known = [v for v in found if v != CANNOT_BE_TESTED]
    if not known:
        return CANNOT_BE_TESTED
    return known[0] if all(v == known[0] for v in known) else NOT_SUPPORTED


@pytest.mark.parametrize("found", list(itertools.product(VERDICTS, repeat=3)))
def test_every_combination_of_three_readings(found):
    assert combined(found) == by_words(found)


def test_one_reading_that_can_be_tested_decides():
    assert told(stood_in(CONTRADICTED, "arson"), result(SUPPORTED)).verdict == SUPPORTED
    assert told(stood_in(CONTRADICTED, "arson"), result(SUPPORTED)).stand_ins == {}


def test_outcomes_that_stand_in_are_named_with_what_they_say():
    one = told(stood_in(SUPPORTED, "arson"), stood_in(SUPPORTED, "arson"), stood_in(CONTRADICTED, "robbery"))
    assert one.stand_ins == {"arson": SUPPORTED, "robbery": CONTRADICTED}
    assert words.verdict_words(one) == (
        "Cannot be tested with these data; of arson, which stands in, supported; of robbery, which stands in, "
        "contradicted"
    )
    same = told(stood_in(SUPPORTED, "arson"), stood_in(SUPPORTED, "robbery"))
    assert words.stand_in_words(same) == "of arson and robbery, which stand in, supported"
    assert words.stand_in_words(told(result(SUPPORTED))) == f.NOT_APPLICABLE


def test_the_finding_is_one_sentence_and_says_how_readings_compare():
    assert words.finding_words(told(result())) == "It fell by 1.5%."
    assert words.finding_words(told(result(), result())) == (
        "It fell by 1.5%. All 2 readings of the words come to the same verdict."
    )
    mixed = told(result(SUPPORTED), result(CONTRADICTED), result(SUPPORTED))
    assert words.finding_words(mixed).endswith("come to different verdicts: 2 supported and 1 contradicted.")
    assert mixed.verdict == NOT_SUPPORTED


def test_without_a_run_it_says_what_to_do():
    alone = told(None)
    assert alone.verdict == NOT_RUN
    assert words.finding_words(alone) == "Not run on real data yet: cseval run small."
    assert words.verdict_words(alone) == "Not run on real data yet"
    some = told(result(SUPPORTED), None)
    assert some.verdict == SUPPORTED
    assert words.finding_words(some).endswith("1 reading left out: not run on real data yet: cseval run small.")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("From 2,904 to 3,032: a 4.4% rise (95% interval from 1.0% to 8.2%). Chance leaves it open.", 66),
        ("It is £3.5m. £2m is left.", 12),
        ("No full stop", 12),
        ("Is it? Yes.", 6),
        ("It was 5. 3 were left.", 9),
    ],
)
def test_a_first_sentence_ends_where_it_ends(text, first):
    assert words.first_sentence(text) == text[:first]


def test_where_it_was_said():
    assert words.where_words(CLAIM) == "Board report, paragraph 3.2"
    assert words.where_words(replace(CLAIM, paragraph="Proposal Summary")) == "Board report, under “Proposal Summary”"


def test_summary_counts_claims_by_verdict():
    everything = (told(result(SUPPORTED)), told(None), told(result(SUPPORTED)))
    assert words.summary_words(everything) == "Of 3 public claims: 2 supported and 1 not run on real data yet."
    assert words.summary_words(()) == "Of 0 public claims: none."


def test_the_table_of_a_paper_has_five_short_columns_and_no_empty_cell():
    table = claims_table((told(result()), told(None, needs="")))
    assert [table.heading(c) for c in table.values.columns] == [
        "What was said",
        "Where",
        "Verdict",
        "Why",
        "Data that would test it",
    ]
    assert not (table.values == "").to_numpy().any()
    assert table.values["data"].tolist() == ["A file of them.", f.NOT_APPLICABLE]


def test_a_register_without_claims_still_has_its_columns():
    assert list(claims_rows(()).columns)[:3] == ["claim", "statement", "source"]
    assert len(claims_table(()).values) == 0

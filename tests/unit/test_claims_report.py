"""Verdicts of several readings and outcomes put together, and the short texts that a table prints of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cseval import formats as f
from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED, ClaimResult
from cseval.claims.records import RECORDS, read_figures
from cseval.claims.register import PublicClaim, read_claims
from cseval.claims_report import words
from cseval.claims_report.files import claims_record, claims_rows, claims_table
from cseval.claims_report.gather import NEW_PROTOCOL, NOT_RUN, OTHER_WORDS, WITHOUT_VERDICT, Reading, Told
from cseval.claims_report.gather import tests_of as names_of_tests
from cseval.loading import impact_evaluations
from cseval.project import Project
from cseval.register import read_register

CLAIM = PublicClaim(
    slug="fewer",
    text="there were fewer",
    source="Board report",
    paragraph="3.2",
    programme="pilot",
    tested_by=("small/fewer",),
    needs="a file of them",
)


#: As `DONE` of the report says it.
OPEN = "not supported: the counts leave it open, neither confirmed nor excluded"


def result(
    verdict=NOT_SUPPORTED, outcome="burglary", on_stand_in="", sentence="It fell by 1.5%.", reading="", caveat=""
):
    return ClaimResult(
        statement=replace(CLAIM.statement, reading=reading),
        outcome=outcome,
        verdict=verdict,
        on_stand_in=on_stand_in,
        sentence=sentence,
        caveat=caveat,
    )


def stood_in(verdict, outcome, **said):
    return result(CANNOT_BE_TESTED, outcome, verdict, **said)


def fell(change, per_resident="", **said):
    resident = (
        f" Per resident it is {per_resident} (95% interval from a 9.0% fall to a 1.0% fall)." if per_resident else ""
    )
    sentence = (
        f"Recorded burglary went from 9.0 to 8.0 a month: {change} (95% interval from a 9.5% fall to a 2.0% rise)."
    )
    return stood_in(NOT_SUPPORTED, said.pop("outcome", "disorder"), sentence=sentence + resident, **said)


def told(*results, missing=NOT_RUN, **changes):
    readings = tuple(Reading(test=f"small/r{n}", result=r, missing="" if r else missing) for n, r in enumerate(results))
    return Told(claim=replace(CLAIM, **changes), readings=readings)


# Verdicts ---------------------------------------------------------------------------------------------


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


def test_verdicts_of_the_claims_own_outcome_are_never_mixed_with_what_stands_in():
    """Whatever the order of the readings: verdict, words and finding are of the one that counts."""
    own = result(SUPPORTED, "burglary", sentence="Burglary rose.", caveat="Own.")
    for order in ((own, stood_in(CONTRADICTED, "arson")), (stood_in(CONTRADICTED, "arson"), own)):
        both = told(*order)
        assert (both.verdict, both.stand_ins, both.counted) == (SUPPORTED, {}, (own,))
        assert words.finding_words(both) == "Burglary rose."
        assert words.why_words(both) == "Burglary rose. Own."
        row = claims_rows((both,)).iloc[0]
        assert (row["sentence"], row["caveat"], row["on_stand_in"]) == ("Burglary rose.", "Own.", "")
        assert words.verdict_words(both) == (
            "Supported (by 1 of 2 readings; 1 could be held against another outcome only)"
        )


def test_a_verdict_says_how_many_readings_could_not_be_tested():
    untested = result(CANNOT_BE_TESTED, "")
    one = told(result(SUPPORTED), untested, untested)
    assert one.verdict == SUPPORTED
    assert words.verdict_words(one) == "Supported (by 1 of 3 readings; 2 could not be tested)"
    assert words.verdict_words(told(untested, None, result(CONTRADICTED))) == (
        "Contradicted (by 1 of 3 readings; 1 could not be tested and 1 not used)"
    )
    assert words.verdict_words(told(stood_in(SUPPORTED, "arson"), untested)).endswith(
        "of arson, which stands in, supported (by 1 of 2 readings; 1 could not be tested)"
    )


def test_not_supported_is_not_left_to_mean_the_opposite():
    assert words.verdict_words(told(result())) == f.sentence_case(OPEN)
    assert words.stand_in_words(told(stood_in(NOT_SUPPORTED, "arson"))) == f"of arson, which stands in, {OPEN}"
    mixed = told(result(SUPPORTED), result(CONTRADICTED), result(SUPPORTED))
    assert mixed.verdict == NOT_SUPPORTED
    assert words.verdict_words(mixed) == "Not supported: its readings disagree, 2 supported and 1 contradicted"


def test_without_a_run_it_says_what_to_do():
    alone = told(None)
    assert alone.verdict == NOT_RUN
    assert words.finding_words(alone) == "Not run on real data yet: cseval run small."
    assert words.verdict_words(alone) == "Not run on real data yet"
    some = told(result(SUPPORTED), None)
    assert some.verdict == SUPPORTED
    assert words.finding_words(some).endswith("1 reading left out: not run on real data yet: cseval run small.")
    assert words.why_words(some).endswith("1 reading left out: not run on real data yet: cseval run small.")


@pytest.mark.parametrize("missing", WITHOUT_VERDICT)
def test_every_reason_for_no_verdict_has_words_of_its_own(missing):
    alone = told(None, missing=missing)
    assert alone.verdict == WITHOUT_VERDICT[missing]
    assert words.finding_words(alone) == f"{f.sentence_case(missing)}: cseval run small."
    assert missing == NOT_RUN or NOT_RUN not in alone.verdict
    assert len(set(WITHOUT_VERDICT.values())) == len(WITHOUT_VERDICT)


# Findings ---------------------------------------------------------------------------------------------


def test_readings_of_one_outcome_are_listed_with_number_and_verdict():
    two = told(fell("a 7.3% fall", "a 9.5% fall", reading="first year"), fell("an 8.2% rise", reading="latest year"))
    assert words.finding_words(two).endswith(
        " 2 readings of the words: first year, a 7.3% fall, per resident a 9.5% fall; latest year, an 8.2% rise; "
        "each not supported."
    )
    assert words.why_words(two) == (
        "2 readings of the words: first year, −7.3%, per resident −9.5%; latest year, +8.2%; each not supported."
    )


def test_other_outcomes_are_not_counted_as_readings():
    mixed = told(
        fell("a 7.3% fall", reading="first year"),
        fell("a change of 0.0%", reading="latest year"),
        fell("a 2.0% fall", outcome="robbery", reading="first year"),
        replace(fell("a 1.0% rise", outcome="arson"), on_stand_in=CONTRADICTED),
    )
    assert words.why_words(mixed) == (
        "2 readings of the words and 2 further outcomes: first year, −7.3%: not supported; latest year, 0.0%: not "
        "supported; robbery, −2.0%: not supported; arson, +1.0%: contradicted."
    )
    assert "robbery (first year), a 2.0% fall: not supported; arson (reading 4), a 1.0% rise: contradicted." in (
        words.finding_words(mixed)
    )


def test_a_single_reading_is_told_by_its_first_sentences_as_far_as_there_is_room():
    said = " ".join(["It", *(["was"] * 30), "so. More was said.", "And", *["so"] * 40, "on. Never this."])
    assert words.why_words(told(result(sentence=said))).endswith("so. More was said.")
    assert words.finding_words(told(result(sentence=said))).endswith("so on. Never this.")
    long = fell("a 7.3% fall", "a 9.5% fall", reading="first year")
    long = replace(long, sentence="Recorded " + "burglary " * 50 + long.sentence)
    assert words.why_words(told(long)) == (
        "1 reading of the words: first year, −7.3%, per resident −9.5%; not supported."
    )


def test_a_decided_verdict_has_its_caveat_and_further_data():
    decided = told(result(SUPPORTED, "", caveat="Posts are not officers. More.", sentence="It was half."))
    assert words.why_words(decided) == "It was half. Posts are not officers."
    assert words.caveat_words(decided) == "Posts are not officers. More."
    assert words.needs_label(decided) == "Data that would test it further"
    assert words.needs_cell(decided) == "To test it further: a file of them."
    assert words.needs_label(told(stood_in(SUPPORTED, "arson"))) == "Data that would test it"


def test_the_caveat_on_the_screen_does_not_repeat_the_data_needed():
    held = told(stood_in(SUPPORTED, "arson", caveat="Not the same. A file is needed: a file of them. Whose? Not said."))
    assert words.caveat_words(held) == "Not the same. Whose? Not said."


def test_data_needed_are_cut_where_a_cell_is_full():
    needs = "; ".join(["a " * 20 + "first", "a " * 20 + "second", "a " * 20 + "third"])
    short = words.needs_cell(told(None, needs=needs))
    assert short.endswith("second.")
    assert "third" in words.needs_words(told(None, needs=needs))


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
    assert words.opening(text, 0) == f.full_stop(text[:first])


def test_where_it_was_said():
    assert words.where_words(CLAIM) == "Board report, paragraph 3.2"
    assert words.where_words(replace(CLAIM, paragraph="Proposal Summary")) == "Board report, under “Proposal Summary”"


def test_summary_counts_claims_by_verdict():
    everything = (told(result(SUPPORTED)), told(None, missing=OTHER_WORDS), told(result(SUPPORTED)))
    assert words.summary_words(everything) == "Of 3 public claims: 2 supported and 1 not tested by the last run."
    assert words.summary_words(()) == "Of 0 public claims: none."


def test_the_table_of_a_paper_has_five_short_columns_and_no_empty_cell():
    table = claims_table((told(stood_in(SUPPORTED, "arson")), told(None, needs="")))
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


def test_a_reading_is_told_with_how_its_words_are_read():
    record = claims_record(told(result(reading="first year"), None, missing=NEW_PROTOCOL))
    assert [r["reading"] for r in record["readings"]] == ["first year", ""]
    assert [r["why_not"] for r in record["readings"]] == ["", "the protocol has changed since: cseval run small"]


# The founding claims ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_record():
    """Those of the founding claims that records test, as the table of a paper tells them."""
    root = Path(__file__).resolve().parents[2]
    programmes = {p.slug: p for p in read_register(root / "data" / "reference" / "programmes.csv")}
    tests = names_of_tests(impact_evaluations(Project(root)))
    claims = read_claims(root / "data" / "reference" / "claims.csv", programmes=programmes, tests=tests)
    figures = read_figures(root / "data" / "reference", programmes)
    return {
        claim.slug: Told(
            claim=claim,
            readings=tuple(
                Reading(test=name, result=RECORDS[name.removeprefix("record/")].test(claim, figures))
                for name in claim.tested_by
            ),
        )
        for claim in claims
        if claim.tested_by[0].startswith("record/")
    }


def test_cells_of_the_founding_table_are_short(on_record):
    """At most 45 words on why and on the data needed."""
    table = claims_table(tuple(on_record.values())).values
    assert len(table) == 6
    assert {c: int(table[c].str.split().str.len().max()) <= words.CELL for c in ("why", "data")} == {
        "why": True,
        "data": True,
    }


def test_half_capacity_was_reached_at_the_end_and_not_on_average(on_record):
    half = on_record["half-capacity"]
    assert half.verdict == NOT_SUPPORTED
    assert words.verdict_words(half) == "Not supported: its readings disagree, 1 contradicted and 1 supported"
    assert words.why_words(half) == (
        "27% of full strength for 157 days and 50% for 208 days from 5 September 2018, 40.2% on average: lower than "
        "stated, which makes the paper's point stronger, not weaker. Full strength is that promised for November 2019; "
        "posts are not officers on duty."
    )
    assert words.finding_words(half).endswith(
        "2 readings of the words: 40.2% on average from 1 April 2018 to 31 March 2019: contradicted; 50.0% on 31 March "
        "2019: supported."
    )


def test_no_figure_of_the_papers_is_taken_for_an_independent_record(on_record):
    others = [t.verdict for slug, t in on_record.items() if slug != "half-capacity"]
    assert others == [CANNOT_BE_TESTED] * 5

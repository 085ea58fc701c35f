"""The register of public claims and the papers' figures: what is read and refused, and that the papers say so."""

from __future__ import annotations

import datetime
import re
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cseval.claims.records import RECORDS
from cseval.claims.register import (
    Activity,
    PublicClaim,
    Staffing,
    covers,
    first_day,
    last_day,
    read_activities,
    read_claims,
    read_staffing,
)
from cseval.claims_report.gather import tests_of as names_of_tests
from cseval.errors import DataError
from cseval.loading import impact_evaluations
from cseval.project import Project
from cseval.register import read_register

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "data" / "reference"
SEEDS = ROOT.parent / "shared" / "seeds"
PAPERS = {"Transformation": "000_", "Draft growth": "003_"}

CLAIM_HEADER, STAFFING_HEADER, ACTIVITY_HEADER = (
    ",".join(f.name for f in fields(entry)) for entry in (PublicClaim, Staffing, Activity)
)
CLAIM = "fewer,there were fewer,Board report,3.2,pilot,small/fewer; record/cost,a survey"
POSTS = "pilot,in post,2018-04-01,2018-09-04,1,5,,Board report,3.6"
ARRESTS = "arrests,pilot,arrests,356,count,stated,2018-04-01,2019-03-31,,Board report,3.6"

READERS = {
    "claims": lambda path: read_claims(path, programmes={"pilot"}, tests={"small/fewer", "record/cost"}),
    "staffing": lambda path: read_staffing(path, programmes={"pilot"}),
    "activities": lambda path: read_activities(path, programmes={"pilot"}),
}


def write(folder, *lines, encoding="utf-8"):
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_claims_are_read_in_order(tmp_path):
    second = CLAIM.replace("fewer,", "more,", 1)
    first, other = READERS["claims"](write(tmp_path, CLAIM_HEADER, CLAIM, second, encoding="utf-8-sig"))
    assert (first.slug, other.slug) == ("fewer", "more")
    assert first.tested_by == ("small/fewer", "record/cost")
    assert first.statement.text == "there were fewer"


def test_staffing_and_activities_are_read_with_numbers(tmp_path):
    (posts,) = READERS["staffing"](write(tmp_path, STAFFING_HEADER, POSTS))
    assert (posts.sergeants, posts.constables, posts.officers) == (1, 5, 6)
    (arrests,) = READERS["activities"](write(tmp_path, ACTIVITY_HEADER, ARRESTS))
    assert arrests.value == 356
    (share,) = READERS["activities"](
        write(tmp_path, ACTIVITY_HEADER, ARRESTS.replace("356,count", "12.5,percent").replace("2018-04-01", ""))
    )
    assert share.value == 12.5


def after(row, **changes):
    """The row with cells changed by name."""
    header = {CLAIM: CLAIM_HEADER, POSTS: STAFFING_HEADER, ARRESTS: ACTIVITY_HEADER}[row].split(",")
    cells = dict(zip(header, row.split(","), strict=True))
    return ",".join({**cells, **changes}.values())


#: Reader, rows below the header, place, and what the message says.
MALFORMED = {
    "claim without source": ("claims", [after(CLAIM, source="")], "row 2, column source", "an empty cell"),
    "claim without paragraph": ("claims", [after(CLAIM, paragraph=" ")], "row 2, column paragraph", "an empty cell"),
    "claim without text": ("claims", [after(CLAIM, text="")], "row 2, column text", "an empty cell"),
    "claim without data": ("claims", [after(CLAIM, needs="")], "row 2, column needs", "an empty cell"),
    "claim twice": ("claims", [CLAIM, CLAIM], "row 3, column slug", "slug 'fewer' again"),
    "programme unknown": ("claims", [after(CLAIM, programme="pilto")], "row 2, column programme", "nearest is pilot"),
    "test unknown": ("claims", [after(CLAIM, tested_by="small/few")], "row 2, column tested_by", "nearest is small/f"),
    "record unknown": ("claims", [after(CLAIM, tested_by="record/x")], "row 2, column tested_by", "'record/x'"),
    "no test": ("claims", [after(CLAIM, tested_by="small/fewer;")], "row 2, column tested_by", "''"),
    "short row": ("claims", [CLAIM.rsplit(",", 1)[0]], "row 2", "cells that do not fit"),
    "long row": ("claims", [CLAIM + ",more"], "row 2", "cells that do not fit"),
    "staffing without source": ("staffing", [after(POSTS, source="")], "row 2, column source", "an empty cell"),
    "kind unknown": ("staffing", [after(POSTS, kind="wanted")], "row 2, column kind", "'wanted'"),
    "negative officers": ("staffing", [after(POSTS, constables="-5")], "row 2, column constables", "'-5'"),
    "half an officer": ("staffing", [after(POSTS, sergeants="0.5")], "row 2, column sergeants", "'0.5'"),
    "officers in words": ("staffing", [after(POSTS, sergeants="one")], "row 2, column sergeants", "'one'"),
    "no such day": ("staffing", [after(POSTS, first="2018-02-30")], "row 2, column first", "'2018-02-30'"),
    "day the other way": ("staffing", [after(POSTS, last="04/09/2018")], "row 2, column last", "'04/09/2018'"),
    "ends before it begins": ("staffing", [after(POSTS, last="2018-03-31")], "row 2, column last", "'2018-03-31'"),
    "periods overlap": (
        "staffing",
        [POSTS, after(POSTS, first="2018-09-04", last="")],
        "row 3, columns first and last",
        "overlaps that of row 2",
    ),
    "undated beside dated": (
        "staffing",
        [POSTS, after(POSTS, first="", last="")],
        "row 3, columns first and last",
        "overlaps that of row 2",
    ),
    "figure without paragraph": ("activities", [after(ARRESTS, paragraph="")], "row 2, column paragraph", "an empty"),
    "figure twice": ("activities", [ARRESTS, ARRESTS], "row 3, column slug", "slug 'arrests' again"),
    "negative count": ("activities", [after(ARRESTS, value="-1")], "row 2, column value", "'-1'"),
    "fractional count": ("activities", [after(ARRESTS, value="3.5")], "row 2, column value", "'3.5'"),
    "no value": ("activities", [after(ARRESTS, value="")], "row 2, column value", "''"),
    "endless value": ("activities", [after(ARRESTS, value="9" * 400)], "row 2, column value", "a whole number"),
    "value of another script": ("activities", [after(ARRESTS, value="３５６")], "row 2, column value", "'３５６'"),
    "unit unknown": ("activities", [after(ARRESTS, unit="EUR")], "row 2, column unit", "'EUR'"),
    "bound unknown": ("activities", [after(ARRESTS, bound="some")], "row 2, column bound", "'some'"),
    "thirteenth month": ("activities", [after(ARRESTS, last="2019-13")], "row 2, column last", "'2019-13'"),
}
HEADERS = {"claims": CLAIM_HEADER, "staffing": STAFFING_HEADER, "activities": ACTIVITY_HEADER}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_rows_name_the_file_the_row_and_the_column(tmp_path, name):
    reader, rows, place, said = MALFORMED[name]
    path = write(tmp_path, HEADERS[reader], *rows)
    with pytest.raises(DataError) as caught:
        READERS[reader](path)
    assert caught.value.where == f"{path}, {place}"
    assert said in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda header: header.replace("source", "origin"), "no column 'source'"),
        (lambda header: header + ",colour", "column 'colour'"),
        (lambda header: header + ",source", "column 'source' twice"),
        (lambda header: "", "no column"),
    ],
)
def test_columns_that_are_missing_unknown_or_doubled_are_refused(tmp_path, reader, change, said):
    path = write(tmp_path, change(HEADERS[reader]))
    with pytest.raises(DataError, match=said) as caught:
        READERS[reader](path)
    assert caught.value.where == f"{path}, row 1"


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_no_plain_csv_is_refused(tmp_path, reader):
    nul = write(tmp_path, HEADERS[reader], "a\0b" + "," * HEADERS[reader].count(","))
    with pytest.raises(DataError):
        READERS[reader](nul)
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            READERS[reader](path)
    wide = write(tmp_path, HEADERS[reader], "Nörth", encoding="utf-16")
    with pytest.raises(DataError, match="cannot be read"):
        READERS[reader](wide)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reader=st.sampled_from(sorted(READERS)), text=st.text(st.sampled_from('abc,;"\n\r=-1209 é\0'), max_size=60))
def test_whatever_stands_below_the_header_is_read_or_a_data_error(tmp_path, reader, text):
    path = tmp_path / "table.csv"
    path.write_text(f"{HEADERS[reader]}\n{text}", encoding="utf-8", newline="")
    with suppress(DataError):
        READERS[reader](path)


def test_spells_that_follow_each_other_are_no_overlap(tmp_path):
    rows = [POSTS, after(POSTS, first="2018-09-05", last=""), after(POSTS, kind="promised", first="", last="")]
    assert len(READERS["staffing"](write(tmp_path, STAFFING_HEADER, *rows))) == 3


def test_days_and_months():
    assert first_day("2018-09-05") == last_day("2018-09-05") == datetime.date(2018, 9, 5)
    assert (first_day("2020-02"), last_day("2020-02")) == (datetime.date(2020, 2, 1), datetime.date(2020, 2, 29))
    assert first_day("") is last_day("") is None
    assert last_day("2018-12") == datetime.date(2018, 12, 31)


@pytest.mark.parametrize(
    ("first", "last", "day", "inside"),
    [
        ("2018-04-01", "2018-09-04", "2018-09-04", True),
        ("2018-04-01", "2018-09-04", "2018-09-05", False),
        ("2018-04-01", "", "2030-01-01", True),
        ("2018-04", "", "2018-03-31", False),
        ("", "", "2018-03-31", True),
    ],
)
def test_a_date_that_is_not_given_bounds_nothing(tmp_path, first, last, day, inside):
    (entry,) = READERS["staffing"](write(tmp_path, STAFFING_HEADER, after(POSTS, first=first, last=last)))
    assert covers(entry, datetime.date.fromisoformat(day)) is inside


# The founding tables ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def founding():
    return impact_evaluations(Project(ROOT))


@pytest.fixture(scope="module")
def programmes():
    return {p.slug for p in read_register(REFERENCE / "programmes.csv")}


@pytest.fixture(scope="module")
def claims(founding, programmes):
    return read_claims(REFERENCE / "claims.csv", programmes=programmes, tests=names_of_tests(founding))


@pytest.fixture(scope="module")
def activities(programmes):
    return read_activities(REFERENCE / "activities.csv", programmes=programmes)


def test_every_claim_that_the_papers_make_is_there_and_tested(claims):
    assert [c.slug for c in claims] == [
        "knife-trend",
        "biggest-decrease",
        "asb-not-decreased",
        "perceptions-improved",
        "half-capacity",
        "first-year-outputs",
        "three-year-outputs",
        "cost-reduction",
        "unit-decrease",
    ]


def test_the_register_and_the_evaluations_agree_word_for_word(claims, founding):
    """What is said once in the register and once in an evaluation's module, and data that would test it."""
    tests = {f"{slug}/{c.statement.slug}": c for slug, e in founding.items() for c in e.claims}
    named = [(c, tests[name]) for c in claims for name in c.tested_by if name in tests]
    assert {test.statement.slug for _, test in named} == {t.statement.slug for t in tests.values()}
    for claim, test in named:
        said = test.statement
        assert (said.text, said.source, said.paragraph) == (claim.text, claim.source, claim.paragraph)
        assert test.needed == claim.needs


def test_every_record_tests_a_claim(claims):
    used = {n.removeprefix("record/") for c in claims for n in c.tested_by if n.startswith("record/")}
    assert used == set(RECORDS)


def paper(source):
    """A paper's text with its markup and line breaks taken out."""
    start = next(v for k, v in PAPERS.items() if source.startswith(k))
    text = next(SEEDS.glob(f"{start}*.txt")).read_text(encoding="utf-8")
    return " ".join(re.sub(r"\*\*|</?b>", "", text).split())


needs_papers = pytest.mark.skipif(not SEEDS.is_dir(), reason="the two papers are not beside the checkout")


@needs_papers
def test_every_claim_is_quoted_as_it_was_said(claims):
    assert [c.slug for c in claims if c.text not in paper(c.source)] == []


NUMBERS = {1: "A Violent Crime Reduction", 5: "five", 2: "2 sergeants", 3: "three"}


def forms(value):
    """How a paper may write a number."""
    written = {f"{value:g}", f"{value:.0f}", f"{value:,.0f}", f"{value / 1e6:g}m", f"{value / 1e3:g}k"}
    return written | {NUMBERS[value]} if value in NUMBERS else written


@needs_papers
def test_every_figure_stands_in_its_paper(activities):
    absent = [
        a.slug
        for a in activities
        if not any(re.search(rf"(?<![\d,.]){re.escape(t)}(?![\d,.]\d)", paper(a.source)) for t in forms(a.value))
    ]
    assert absent == []


@needs_papers
def test_every_number_of_officers_stands_in_its_paper(programmes):
    for entry in read_staffing(REFERENCE / "staffing.csv", programmes=programmes):
        said = rf"{entry.sergeants} sergeants?(,| and) {entry.constables} (police )?constables"
        assert re.search(said, paper(entry.source)), entry


@needs_papers
def test_paragraphs_are_those_of_the_papers(claims, activities, programmes):
    """A numbered paragraph of the report, or a heading of the proposal."""
    everything = (*claims, *activities, *read_staffing(REFERENCE / "staffing.csv", programmes=programmes))
    for entry in everything:
        numbered = re.fullmatch(r"3\.[1-8]", entry.paragraph) is not None
        assert numbered == entry.source.startswith("Transformation"), entry
        assert entry.paragraph in paper(entry.source), entry

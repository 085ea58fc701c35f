"""Which cells are withheld, what words tell, and what two releases give away."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from builders import evaluation

from cseval.disclosure import (
    WITHHELD,
    Disclosure,
    Withheld,
    feasible,
    rounded,
    small,
    suppress,
    suppress_linked,
    tells,
    without_small_counts,
)
from cseval.disclosure_audit import Release, differencing, read_release, taken_as_totals
from cseval.errors import DataError, SpecError, UsageError
from cseval.panel import Provenance
from cseval.project import founding
from cseval.reporting.small_counts import cleaned, may_tell
from cseval.sources.kinds import KINDS, read_register
from cseval.sources.lock import lock_text
from cseval.spec import describe, protocol_hash

# Options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"threshold": 2}, {"threshold": 0}, {"rounding": 1}, {"rounding": -5}])
def test_options_that_protect_nothing_are_refused(options):
    with pytest.raises(SpecError, match="expected"):
        Disclosure(**options)


def test_small_counts_are_above_nought_and_below_the_threshold():
    assert small([0, 1, 4, 5, np.nan], 5).tolist() == [False, True, True, False, False]


def test_rounding_goes_to_the_nearest_multiple_halves_up():
    assert rounded([0, 2, 3, 7.5, 12, 23], 5).tolist() == [0, 0, 5, 10, 10, 25]
    assert rounded([1, 2], 0).tolist() == [1, 2]


def test_a_withheld_number_computes_as_none_and_stays_one_when_it_is_sent():
    assert np.isnan(WITHHELD)
    assert repr(WITHHELD) == "[c]"
    assert isinstance(pickle.loads(pickle.dumps(WITHHELD)), Withheld)


def test_the_protocol_says_it_only_where_it_is_declared():
    silent, declared = evaluation(), evaluation(disclosure=Disclosure(threshold=10))
    assert "disclosure" not in describe(silent)
    assert describe(declared)["disclosure"] == {"class": "Disclosure", "threshold": 10, "rounding": 0}
    assert describe(evaluation(disclosure=Disclosure(always=True)))["disclosure"]["always"] is True
    assert protocol_hash(silent) != protocol_hash(declared)


# What is published -----------------------------------------------------------------------------------------


def test_every_kind_that_can_be_imported_is_an_open_publication():
    register = read_register(founding() / "data" / "sources.toml")
    assert {kind for kind in KINDS if register[kind].published} == set(KINDS) - {"residents-survey", "attendee-survey"}


def test_published_is_true_or_false(tmp_path):
    path = tmp_path / "sources.toml"
    text = (founding() / "data" / "sources.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("\npublished = true", '\npublished = "yes"', 1), encoding="utf-8")
    with pytest.raises(DataError, match="expected true or false"):
        read_register(path)
    path.write_text(text.replace("\npublished = true", ""), encoding="utf-8")
    read_register.cache_clear()
    assert not any(source.published for source in read_register(path).values())


def test_the_record_of_imported_files_leaves_it_to_the_register():
    entry = Provenance(
        kind="mps-ward", title="T", publisher="P", licence="L", path="data/raw/mps-ward/a.csv", sha256="ab", rows=1,
        published=True,
    )  # fmt: skip
    assert "published" not in lock_text([entry])
    assert not Provenance(kind="k", title="T", publisher="P", licence="L", path="p", sha256="", rows=1).published


# One series with a known total -----------------------------------------------------------------------------


def hidden(values, threshold=5):
    """Places withheld in a series with a known total, and whether the total is."""
    mask = suppress(values, row_totals=True, threshold=threshold)[0]
    return np.flatnonzero(mask[:-1]).tolist(), bool(mask[-1])


@pytest.mark.parametrize(
    ("values", "places", "total"),
    [
        ([12, 0, 30, 7], [], False),  # nothing small
        ([12, 3, 30, 7], [1, 2], False),  # one small month takes the next with it
        ([12, 30, 7, 3], [0, 3], False),  # going round
        ([12, 3, 0, 7], [1, 3], False),  # a zero hides nothing
        ([12, 1, 5, 9], [1, 2, 3], False),  # 1 and 5 add up to too little
        ([12, 3, 4, 9], [1, 2, 3], False),  # two small ones that add up to 7 take a third
        ([9, 2, 3, 4, 9], [1, 2, 3], False),  # three that add up to 9 hide one another
        ([3, 0, 0, 4], [0, 1, 2, 3], False),  # no other month is left: all months, zeros with them
        ([1, 1, 1, 1, 1], [0, 1, 2, 3, 4], False),  # each would be known to be 1
        ([0, 1, 2, 0], [0, 1, 2, 3], True),  # the total is small itself
        ([3], [0], True),  # the total is the count
    ],
)
def test_what_is_withheld_of_a_series(values, places, total):
    assert hidden(values) == (places, total)


def test_further_months_are_chosen_by_place_not_by_size():
    """Of 4, 20, 20 with the smallest other one withheld, a reader who knows that finds the 4."""
    assert hidden([20, 4, 25, 20]) == ([1, 2], False)


def test_without_known_totals_only_small_counts_are_withheld():
    assert suppress([[3, 9], [0, 12]]).tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize("values", [[1.5, 2], [-1, 3], [np.nan, 3]])
def test_what_is_no_count_is_refused(values):
    with pytest.raises(SpecError, match="no count"):
        suppress(values, row_totals=True)


# Tables and linked sums --------------------------------------------------------------------------------------


def test_a_table_with_both_totals_hides_a_rectangle():
    mask = suppress([[3, 20, 30], [40, 50, 60], [70, 80, 90]], row_totals=True, column_totals=True)
    assert mask.sum() == 4
    assert mask[:3, :3].sum(axis=0).tolist() == [2, 2, 0]
    assert mask[:3, :3].sum(axis=1).tolist() == [2, 2, 0]


def test_the_interval_that_sums_leave_a_cell():
    values, sums = np.array([3, 20, 9, 32.0]), [(3, (0, 1, 2))]
    mask = np.array([True, True, False, False])
    assert feasible(values, sums, mask, 0) == (1, 22)
    assert feasible(values, sums, np.array([True, True, True, False]), 0) == (0, 32)  # zeros may be among them


def test_sums_of_parts_of_a_series_are_looked_at_together():
    """A quarter and its half-year: the month beside the small one in the quarter, not one outside it."""
    months = [3, 9, 8, 10, 11, 12]
    values = [*months, 20, 53]
    mask = suppress_linked(values, [(6, (0, 1, 2)), (7, (6, 3, 4, 5))], 5)
    assert np.flatnonzero(mask).tolist() == [0, 1]


def test_windows_that_overlap_are_looked_at_together():
    """Two totals that differ by two months give these away together, so more is withheld than by either alone."""
    months = [2, 12, 14, 16, 18]
    windows = [(5, (0, 1, 2, 3, 4)), (6, (1, 2, 3, 4))]
    values = np.array([*months, 62, 60.0])
    mask = suppress_linked(values, windows, 5)
    for cell in np.flatnonzero(mask):
        low, high = feasible(values, windows, mask, int(cell))
        assert high - low >= 4 or low >= 5, cell


# Words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Then 3 incidents were recorded.",
        "There were 4 recorded offences in May.",
        "Only one victim came forward.",
        "It went from 3 in May to 40 in June.",
        "(2 people)",
        "There were 4 anti-social behaviour incidents, and then none.",
        "It was two murders.",
        "A single incident was recorded.",
        "Incidents: 3",
    ],
)
def test_a_sentence_that_tells_a_small_count(text):
    assert tells(text, 5)
    assert without_small_counts(text, 5) == "A number below 5 is withheld here."


@pytest.mark.parametrize(
    "text",
    [
        "Then 13 incidents were recorded.",
        "It was 3% of incidents.",
        "In 3 months there were 12 incidents.",
        "About 3 fewer incidents than expected.",
        "1,003 incidents",
        "A change of 2.4 incidents a month.",
        "It would be found in four cases out of five.",
        "No incident was recorded.",
    ],
)
def test_other_numbers_are_no_small_counts(text):
    assert without_small_counts(text, 5) == text


@pytest.mark.parametrize(
    "text",
    ["Only 3.", "There were 2 of these (a rise).", "It happened twice.", "One was left.", "From 4 to 12.", "a pair"],
)
def test_any_number_that_may_be_a_small_count(text):
    assert may_tell(text, 5)
    assert cleaned(f"Nothing changed. {text}", 5).startswith("Nothing changed." if text[0].isupper() else "A number")


@pytest.mark.parametrize(
    "text",
    ["A fall of 4%.", "A change of 2.4.", "In 3 months and 1 year.", "Two wards, 13 checks.", "p = 0.04", "2018-03"],
)
def test_numbers_that_are_no_counts_of_incidents(text):
    assert not may_tell(text, 5)


def test_only_the_sentence_that_tells_is_replaced():
    text = "All months were received. Then 3 incidents were recorded. Nothing else changed."
    expected = "All months were received. A number below 5 is withheld here. Nothing else changed."
    assert without_small_counts(text, 5) == expected


def test_the_threshold_decides_what_is_small_in_words():
    assert tells("Then 7 incidents were recorded.", 10)
    assert not tells("Then 4 incidents were recorded.", 3)


# Two releases ------------------------------------------------------------------------------------------------


def release(text, where="first.csv"):
    rows = [tuple(cell.strip() for cell in line.split(",")) for line in text.strip().splitlines()]
    return Release(where=where, columns=rows[0], rows=tuple(rows[1:]))


def found(first, second, **options):
    return differencing(release(first), release(second, "second.csv"), **options)


FIRST = "ward,offences\nA,12\nB,[c]\nC,[c]\ntotal,40\n"


def test_equal_releases_that_hide_enough_give_nothing_away():
    assert found(FIRST, FIRST) == ()


@pytest.mark.parametrize(
    ("second", "kind", "words"),
    [
        ("ward,offences\nA,12\nB,[c]\nC,25\ntotal,40\n", "shown once", "C, offences: first.csv withholds"),
        ("ward,offences\nA,14\nB,[c]\nC,[c]\ntotal,42\n", "difference", "the difference of 2 is a small count"),
        ("ward,offences\nA,12\nB,3\nC,25\ntotal,40\n", "small", "second.csv shows 3"),
        ("ward,offences\nA,12\nB,[c]\nC,25\ntotal,40\n", "total", "B, offences: by the total"),
    ],
)
def test_what_the_second_release_gives_away(second, kind, words):
    assert any(f.kind == kind and words in f.sentence for f in found(FIRST, second))


def test_a_total_gives_a_single_withheld_cell_away_by_itself():
    alone = "ward,offences\nA,12\nB,[c]\nC,25\ntotal,40\n"
    (finding, _) = found(alone, alone.replace("12", "19").replace("40", "47"))
    assert finding.kind == "total"
    assert finding.sentence.endswith("what is withheld is 3.")


def test_withheld_cells_that_add_up_to_their_number_are_each_one():
    text = "ward,offences\nA,12\nB,[c]\nC,[c]\ntotal,14\n"
    assert [f.kind for f in found(text, text)] == ["total", "total"]
    assert "add up to 2" in found(text, text)[0].sentence


def test_a_column_of_totals_is_looked_at_as_well():
    text = "ward,burglary,robbery,total\nA,12,[c],15\nB,20,30,50\n"
    assert any(f.kind == "total" and f.column == "robbery" for f in found(text, text))


def test_rows_of_one_release_only_are_findings_and_other_columns_do_no_harm():
    first = "ward,month,offences,rate\nA,2024-01,12,0.3\nA,2024-02,20,0.5\n"
    second = "rate,ward,month,offences\n0.3,A,2024-01,12\n0.7,A,2024-03,33\n"
    assert [(f.kind, f.row) for f in found(first, second)] == [
        ("one release", "A, 2024-02"),
        ("one release", "A, 2024-03"),
    ]


@pytest.mark.parametrize(
    "name", ["Borough total", "Total", "All wards", "London overall", "Sum of wards", "grand-total"]
)
def test_a_total_is_known_by_a_word_of_its_name(name):
    text = f"ward,offences\nA,12\nB,[c]\n{name},15\n"
    assert {f.kind for f in found(text, text)} == {"total"}
    assert taken_as_totals(release(text), release(text)) == (name,)


def test_a_total_by_another_name_has_to_be_named():
    text = "ward,offences\nA,12\nB,[c]\nLondon,15\n"
    assert found(text, text) == ()
    assert {f.kind for f in found(text, text, totals=["london"])} == {"total"}
    assert taken_as_totals(release(text), release(text), totals=["london"]) == ("London",)
    with pytest.raises(UsageError, match="no row and no column 'Paris'"):
        taken_as_totals(release(text), release(text), totals=["Paris"])


@pytest.mark.parametrize("mark", ["<5", "< 5", "suppressed", "Suppressed", "*", "[c]", "c", "..", "-"])
def test_every_usual_mark_says_that_a_cell_is_withheld(mark):
    text = f"ward,offences\nA,12\nB,{mark}\nTotal,15\n"
    assert {f.kind for f in found(text, text)} == {"total"}


def test_the_threshold_decides_which_differences_are_small():
    first, second = "ward,offences\nA,20\n", "ward,offences\nA,27\n"
    assert found(first, second) == ()
    assert [f.kind for f in found(first, second, threshold=10)] == ["difference"]


@pytest.mark.parametrize(
    ("first", "second", "options", "error", "words"),
    [
        ("ward,offences\nA,9\n", "ward,crimes\nA,9\n", {}, DataError, "in one of them only"),
        ("ward,offences\nA,9\nA,8\n", "ward,offences\nA,9\n", {}, DataError, "row 3: A again"),
        ("year,offences\n2024,9\n", "year,offences\n2024,9\n", {}, DataError, "no column names the rows"),
        ("ward,note\nA,x\n", "ward,note\nA,y\n", {}, DataError, "no column of counts"),
        ("ward,offences\nA,9\n", "ward,offences\nA,9\n", {"keys": ["borough"]}, UsageError, "no column 'borough'"),
    ],
)
def test_releases_that_cannot_be_compared_are_refused(first, second, options, error, words):
    with pytest.raises(error, match=words):
        found(first, second, **options)


def test_columns_of_numbers_can_name_rows_when_asked():
    text = "year,offences\n2024,9\n2025,12\n"
    assert found(text, text.replace("12", "14"), keys=["year"])[0].row == "2025"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no rows"),
        (b"ward,offences\n", "no rows"),
        (b"ward,offences\nA,9,1\n", "row 2: 3 cells"),
        (b"ward,ward\nA,9\n", "a column twice"),
        (b"ward,\nA,9\n", "without a name"),
        (b"ward,offences\nA,\x00\n", "NUL"),
        (b"\xff\xfew\x00a\x00", "cannot be read"),
        (b'ward,offences\n"A,9\n', "row"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, content, words):
    path = tmp_path / "release.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_release(path)


def test_a_byte_order_mark_and_blank_lines_are_no_fault(tmp_path):
    path = tmp_path / "release.csv"
    path.write_bytes(b"\xef\xbb\xbfward,offences\r\nA, 9\r\n\r\n")
    assert read_release(path).rows == (("A", "9"),)

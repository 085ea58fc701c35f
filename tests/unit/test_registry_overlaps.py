"""Overlaps in time and place: months shared, places that meet, unknown starts, and the matrix of all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import evaluation, registered

from cseval.registry.overlaps import (
    APART,
    NOT_KNOWN,
    SAME,
    Run,
    evaluation_runs,
    horizon,
    overlap,
    overlap_matrix,
    overlaps_of,
    programme_runs,
)
from cseval.registry.words import overlap_lines, overlap_words


def run(
    slug: str, first: str = "2018-01", last: str = "2018-12", whole: bool = True, units: str = "", **more: str
) -> Run:
    return Run(
        **{"slug": slug, "name": slug.title(), "first": first, "last": last, "programme": slug, **more},
        whole=whole,
        units=frozenset(units),
    )


@pytest.mark.parametrize(
    ("a", "b", "months", "first", "last"),
    [
        (("2018-01", "2018-12"), ("2018-06", "2019-03"), 7, "2018-06", "2018-12"),
        (("2018-01", "2018-12"), ("2018-12", ""), 1, "2018-12", "2018-12"),
        (("2018-01", "2018-12"), ("2019-01", ""), 0, "", ""),
        (("2018-01", ""), ("2018-03", ""), 22, "2018-03", "2019-12"),
        (("2020-01", ""), ("2018-03", ""), 0, "", ""),  # begins after all that is known
        (("", "2018-12"), ("2018-03", ""), None, "", ""),
    ],
)
def test_months_shared_are_counted_to_the_last_month_known(a, b, months, first, last):
    found = overlap(run("a", *a), run("b", *b), "2019-12")
    assert (found.months, found.first, found.last) == (months, first, last)
    assert overlap(run("b", *b), run("a", *a), "2019-12").months == months


@pytest.mark.parametrize(
    ("a", "b", "place"),
    [
        ((True, ""), (False, "xy"), SAME),
        ((True, ""), (False, ""), SAME),
        ((False, "xy"), (False, "yz"), SAME),
        ((False, "xy"), (False, "z"), APART),
        ((False, "xy"), (False, ""), NOT_KNOWN),
        ((False, ""), (False, ""), NOT_KNOWN),
    ],
)
def test_the_borough_holds_its_wards_and_places_without_areas_are_not_known_to_meet(a, b, place):
    one, two = (run("r", whole=whole, units=units) for whole, units in (a, b))
    assert one.place(two) == two.place(one) == place


def test_what_is_certain_and_what_is_possible():
    base = run("a", whole=False, units="x")
    assert overlap(base, run("b"), "").certain
    unknown = overlap(base, run("b", first=""), "")
    assert (unknown.certain, unknown.possible) == (False, True)
    elsewhere = overlap(base, run("b", whole=False, units="y"), "")
    assert (elsewhere.certain, elsewhere.possible) == (False, False)
    assert not overlap(base, run("b", first="2019-01", last=""), "").possible


def test_runs_are_made_of_the_register_and_its_roles(tmp_path):
    (tmp_path / "roles.csv").write_text("unit,role\nW1,treated\nW2,comparison\n")
    entries = (
        registered("wards", area="North (one ward)", units="roles.csv", start="2015-03"),
        registered("whole", area="Borough; a hospital"),
        registered("estates", area="Housing estates of the borough", units="absent.csv"),
    )
    wards, whole, estates = programme_runs(entries, tmp_path)
    assert (wards.whole, wards.units, wards.first) == (False, {"W1"}, "2015-03")
    assert (whole.whole, estates.whole, estates.units) == (True, False, frozenset())
    made = evaluation()
    named = {"e": replace(made, programme=replace(made.programme, register="wards")), "other": made}
    (window,) = evaluation_runs(named, (wards, whole))
    assert (window.slug, window.first, window.last, window.units) == ("e", "2015-01", "2016-12", {"W1"})


def test_the_horizon_is_the_last_month_anything_reached():
    assert horizon([run("a", last=""), run("b", last="2019-05")]) == "2019-05"
    assert horizon([run("a", last="")]) == ""


def test_others_come_longest_first_and_the_own_evaluation_is_left_out():
    base = run("base")
    others = [run("late", first="2018-11"), run("none", first=""), run("long"), run("own", programme="base")]
    assert [o.b.slug for o in overlaps_of(base, [base, *others], "")] == ["long", "late", "none"]


def test_matrix_counts_marks_and_explains():
    programmes = [
        run("one", "2018-01", "2018-06", whole=False, units="x"),
        run("two", "2018-03", ""),
        run("three", "2018-02", "2018-04", whole=False),
        run("four", ""),
        run("five", whole=False, units="y"),
    ]
    windows = [run("look", "2018-01", "2018-12", whole=False, units="x", programme="one")]
    table = overlap_matrix(programmes, windows)
    cells = table.values.set_index("programme")
    assert cells.loc["One"].tolist() == ["1", "[z]", "4", "3*", "?", "0", "[z]"]
    assert cells.loc["Two"].tolist() == ["2", "4", "[z]", "2", "?", "10", "10"]
    assert cells.loc["Four", "5"] == "?"
    assert "counted to December 2018" in table.notes[1]
    assert table.notes[2] == "A is the window of look."
    square = table.values[[str(n) for n in range(1, 6)]].to_numpy()
    assert (square == square.T).all()


def test_lines_name_unknown_starts_and_count_the_rest():
    base = run("base", whole=False, units="x")
    others = [
        run("b"),
        run("c", first=""),
        run("d", whole=False, units="y"),
        run("e", "2018-05", "2018-05", whole=False),
    ]
    lines = overlap_lines(overlaps_of(base, others, ""))
    assert lines == [
        "B: 12 months, January 2018 to December 2018.",
        "E: 1 month, May 2018; places not known to meet.",
        "May have run at the same time, since a start is not in the sources: C.",
        "1 other shared no month or no place with it.",
    ]
    assert overlap_words(overlap(base, others[0], "")) == lines[0]

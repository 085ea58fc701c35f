"""Dated changes: what is read and refused, and which of them fall into a window."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from cseval.errors import DataError
from cseval.register import read_register
from cseval.registry.breaks import EVENT, MILESTONE, RECORDING, Break, breaks_in, changes_between, read_breaks
from cseval.spec import Window

REFERENCE = Path(__file__).resolve().parents[2] / "data" / "reference"
HEADER = ",".join(f.name for f in fields(Break))
ROW = "rule,New rule,recording,,2018-03,,london,burglary; theft,Counted otherwise,Police page,"
STEP = "step,First step,milestone,pilot,2018-05,2018-06,borough,,Officers came,Board report,3.7"
PROGRAMMES = ("pilot", "plan")


def read(folder: Path, *rows: str, header: str = HEADER) -> tuple[Break, ...]:
    path = folder / "breaks.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return read_breaks(path, programmes=PROGRAMMES)


def change(first: str, last: str = "", **others: object) -> Break:
    text = {"slug": first, "name": "X", "programme": "", "scope": "london", "what": "x", "source": "y", "paragraph": ""}
    return Break(**{**text, "kind": RECORDING, "first": first, "last": last, "outcomes": ("burglary",), **others})


def test_rows_are_read_in_order_of_time(tmp_path):
    later, earlier = read(tmp_path, STEP, ROW)[::-1]
    assert (earlier.slug, earlier.outcomes, earlier.last) == ("rule", ("burglary", "theft"), "")
    assert (later.kind, later.programme, later.paragraph) == (MILESTONE, "pilot", "3.7")


MALFORMED = {
    "column missing": ([ROW], HEADER.replace(",scope", ""), "row 1", "no column 'scope'"),
    "column too many": ([ROW + ",x"], HEADER + ",note", "row 1", "a further column 'note'"),
    "no source": ([ROW.replace("Police page", "")], HEADER, "row 2, column source", "an empty cell"),
    "no first month": ([ROW.replace("2018-03", "")], HEADER, "row 2, column first", "an empty cell"),
    "month in words": ([ROW.replace("2018-03", "March 2018")], HEADER, "row 2, column first", "'March 2018'"),
    "ends before": ([ROW.replace("2018-03,", "2018-03,2018-02")], HEADER, "row 2, column last", "'2018-02'"),
    "kind": ([ROW.replace("recording", "recordings")], HEADER, "row 2, column kind", "The nearest is recording"),
    "scope": ([ROW.replace("london", "ward")], HEADER, "row 2, column scope", "'ward'"),
    "no outcome": ([ROW.replace("burglary; theft", "")], HEADER, "row 2, column outcomes", "'' for a recording"),
    "outcome in words": ([ROW.replace("theft", "All theft")], HEADER, "row 2, column outcomes", "'All theft'"),
    "slug twice": ([ROW, ROW], HEADER, "row 3, column slug", "slug 'rule' again"),
    "programme unknown": ([STEP.replace("pilot", "pilots")], HEADER, "row 2, column programme", "nearest is pilot"),
    "milestone without": ([STEP.replace("pilot", "")], HEADER, "row 2, column programme", "''"),
    "programme of a rule": (
        [ROW.replace("recording,,", "recording,pilot,")],
        HEADER,
        "row 2, column programme",
        "for a",
    ),
    "outcome of a step": ([STEP.replace(",,Off", ",theft,Off")], HEADER, "row 2, column outcomes", "for a milestone"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_tables_name_row_and_column(tmp_path, name):
    rows, header, place, said = MALFORMED[name]
    with pytest.raises(DataError) as caught:
        read(tmp_path, *rows, header=header)
    assert caught.value.where == f"{tmp_path / 'breaks.csv'}, {place}"
    assert said in str(caught.value)


@pytest.mark.parametrize("period", ["2018-06,2018-07", "2018-04,", "2018-05,2018-06"])
def test_overlapping_periods_of_one_programme_are_refused_and_name_both_rows(tmp_path, period):
    second = STEP.replace("step,", "again,", 1).replace("2018-05,2018-06", period)
    with pytest.raises(DataError, match="overlaps that of row 2") as caught:
        read(tmp_path, STEP, second)
    assert caught.value.where.endswith("row 3, columns first and last")
    assert len(read(tmp_path, STEP, second.replace("pilot", "plan"))) == 2


def test_changes_of_recording_may_overlap(tmp_path):
    assert len(read(tmp_path, ROW, ROW.replace("rule", "other", 1))) == 2


WINDOW = Window(first="2017-01", last="2018-12")


@pytest.mark.parametrize(
    ("first", "last", "falls_in"),
    [
        ("2018-03", "", True),
        ("2016-01", "2017-01", True),
        ("2016-01", "2016-12", False),
        ("2017-01", "", False),  # every month lies after it
        ("2016-01", "2018-12", False),  # every month lies in it
        ("2016-01", "2018-11", True),
        ("2018-12", "", True),
        ("2019-01", "", False),
    ],
)
def test_a_break_falls_into_a_window_where_its_months_differ(first, last, falls_in):
    assert bool(breaks_in([change(first, last)], WINDOW, ["burglary"])) is falls_in


def test_only_the_outcomes_asked_for_and_no_milestones():
    own, other = change("2018-01"), change("2018-02", outcomes=("theft",))
    every = change("2018-03", outcomes=("all",), kind=EVENT)
    step = replace(change("2018-04", outcomes=()), kind=MILESTONE, programme="pilot")
    given = [own, other, every, step]
    assert breaks_in(given, WINDOW, ["burglary", "robbery"]) == (own, every)
    assert breaks_in(given, WINDOW, []) == (every,)
    assert changes_between(given, "2017-01", "2018-12") == (own, other, every)


def test_the_founding_table_is_sound_and_covers_what_moves_the_founding_series():
    programmes = {p.slug for p in read_register(REFERENCE / "programmes.csv")}
    found = read_breaks(REFERENCE / "breaks.csv", programmes=programmes)
    in_pilot = breaks_in(found, Window(first="2016-05", last="2019-10"), ["disorder"])
    assert {"asb-warning-slips", "offence-groups-2019"} <= {b.slug for b in in_pilot}
    assert not {"pandemic", "stop-search-without-place-2018"} & {b.slug for b in in_pilot}
    long = {b.slug for b in breaks_in(found, Window(first="2010-04", last="2020-02"), ["violence_with_injury"])}
    assert "recording-inspection-2014" in long
    assert "pandemic" not in long
    assert all(b.source for b in found)

"""The register of programmes: what is read and refused, and which programmes overlap an evaluation."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from builders import evaluation, registered

from cseval.errors import DataError
from cseval.register import Registered, overlap_table, overlapping, read_register

HEADER = ",".join(f.name for f in fields(Registered))
ROW = "pilot,The Pilot,2018-05,2020-03,North,roles.csv,officers,asb,good,Board report,3.7"
OTHER = ROW.replace("pilot,", "other,", 1).replace("2018-05,2020-03", ",")


def write(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "programmes.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_register_is_read_in_order(tmp_path, encoding):
    entries = read_register(write(tmp_path, HEADER, ROW, OTHER, encoding=encoding))
    assert [e.slug for e in entries] == ["pilot", "other"]
    assert (entries[0].start, entries[0].end, entries[0].paragraph) == ("2018-05", "2020-03", "3.7")
    assert (entries[1].start, entries[1].end) == ("", "")


def test_quoted_cells_may_hold_commas_and_line_breaks(tmp_path):
    (entry,) = read_register(write(tmp_path, HEADER, ROW.replace("officers", '"officers,\nlocal\u2028ones"')))
    assert entry.mechanism == "officers,\nlocal\u2028ones"


MALFORMED = {
    "empty file": ([], "row 1", "no column 'slug'"),
    "a column missing": ([HEADER.replace(",end", ""), ROW], "row 1", "no column 'end'"),
    "a column missing and no row": ([HEADER.replace("paragraph", "page")], "row 1", "no column 'paragraph'"),
    "short row": ([HEADER, ROW.rsplit(",", 1)[0]], "row 2", "cells that do not fit"),
    "long row": ([HEADER, ROW, OTHER + ",more"], "row 3", "cells that do not fit"),
    "slug twice": ([HEADER, ROW, ROW], "row 3, column slug", "slug 'pilot'"),
    "no slug": ([HEADER, ROW.replace("pilot,", ",", 1)], "row 2, column slug", "slug ''"),
    "start in words": ([HEADER, ROW.replace("2018-05", "May 2018")], "row 2, column start", "'May 2018'"),
    "end not a month": ([HEADER, ROW.replace("2020-03", "2020-13")], "row 2, column end", "'2020-13'"),
    "ends before it starts": ([HEADER, ROW.replace("2020-03", "2018-04")], "row 2, column end", "'2018-04'"),
    "NUL": ([HEADER, ROW.replace("North", "No\0rth")], "", "NUL bytes"),
    "endless cell": ([HEADER, ROW.replace("North", "x" * 200_000)], "", "cannot be read"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_registers_name_the_file_and_the_place(tmp_path, name):
    lines, place, said = MALFORMED[name]
    path = write(tmp_path, *lines)
    with pytest.raises(DataError) as caught:
        read_register(path)
    assert caught.value.where == (f"{path}, {place}" if place else str(path))
    assert said in str(caught.value)


@pytest.mark.parametrize("column", ["source", "name"])
def test_a_programme_without_source_or_name_is_refused_with_its_place(tmp_path, column):
    row = {f.name: "x" for f in fields(Registered)} | {"start": "2016-01", "end": "", column: " "}
    path = tmp_path / "programmes.csv"
    path.write_text("\n".join([",".join(row), ",".join(row.values())]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"row 2, column {column}: a blank"):
        read_register(path)


def test_wrong_encoding_and_absent_file_are_refused(tmp_path):
    for path in (write(tmp_path, HEADER, ROW.replace("North", "Nörth"), encoding="latin-1"), tmp_path / "none.csv"):
        with pytest.raises(DataError, match="cannot be read") as caught:
            read_register(path)
        assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("start", "end", "meets"),
    [
        ("2016-01", "2016-04", False),
        ("2016-01", "2016-05", True),
        ("2019-10", "", True),
        ("2019-11", "", False),
        ("", "2016-04", False),
        ("", "", True),
        ("2010-01", "2030-01", True),
    ],
)
def test_overlap_counts_both_end_months_and_unknown_dates_as_any(start, end, meets):
    assert registered("x", start=start, end=end).overlaps("2016-05", "2019-10") is meets


def test_when_in_words():
    assert registered("x", start="2018-05").when() == "from May 2018"
    assert registered("x", start="2018-05", end="2020-03").when() == "from May 2018 to March 2020"
    assert registered("x").when() == "start not in the sources"


def test_the_programme_itself_is_no_overlap_and_others_come_by_start():
    # window 2015-01 to 2016-12, start 2016-01
    entries = (
        registered("unknown"),
        registered("late", start="2016-12"),
        registered("own", start="2016-01"),
        registered("early", start="2015-02"),
        registered("over", start="2014-01", end="2014-12"),
    )
    programme = replace(evaluation().programme, register="own")
    found = overlapping(entries, evaluation(programme=programme))
    assert [e.slug for e in found] == ["early", "late", "unknown"]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("2015-06", "before the start"),
        ("2015-07", "within six months of the start"),
        ("2016-01", "within six months of the start"),
        ("2016-07", "within six months of the start"),
        ("2016-08", "after the start"),
        ("", "not in the sources"),
    ],
)
def test_overlap_table_says_where_each_began(start, said):
    table = overlap_table((registered("x", start=start),), evaluation())
    assert table.values["began"].tolist() == [said]
    assert table.values["source"].tolist() == ["Report, 1.2"]


def test_no_overlap_is_an_empty_table_with_its_columns():
    table = overlap_table((), evaluation())
    assert len(table.values) == 0
    assert {"programme", "when", "began"} <= set(table.values.columns)

"""A council's own survey before and after: counts or weighted proportions, and what is refused of them."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import table, write

from cseval.errors import DataError
from cseval.inference.proportions_did import MOVER, survey_changes
from cseval.sources.catalogue import Catalogue, recognise
from cseval.sources.kinds import module_of
from cseval.sources.survey_table import read_survey_table, survey_tables

COUNTS = "area,group,wave,measure,count,base"
SHARES = "Area,Group,Wave,Measure,Proportion,Base,Effective base"
ROWS = (
    "Weavers,treated,before,Feels safe after dark,120,300",
    "Weavers,treated,after,Feels safe after dark,160,310",
    "Whitechapel,treated,before,Feels safe after dark,80,200",
    "Whitechapel,treated,after,Feels safe after dark,90,190",
    "Bow,comparison,before,Feels safe after dark,210,500",
    "Bow,comparison,after,Feels safe after dark,220,510",
)
BUDGET = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


def spoiled(number: int, old: str, new: str, header: str = COUNTS, rows: tuple[str, ...] = ROWS) -> str:
    lines = list(rows)
    assert old in lines[number - 2]
    lines[number - 2] = lines[number - 2].replace(old, new, 1)
    return table(header, *lines)


WEIGHTED = (
    "Weavers,Treated,Before,Trusts the council,0.412,1104,820.5",
    "Weavers,treated,AFTER,Trusts the council,0.455,1100,",
)


def test_counts_of_areas_are_pooled_and_compared(tmp_path: Path) -> None:
    path = write(tmp_path / "survey.csv", table(COUNTS, *ROWS))
    assert recognise(path).kind == "residents-survey"
    found = read_survey_table(path)
    assert found.measures == ("Feels safe after dark",)
    after = found.pooled("Feels safe after dark", "treated", "after")
    assert (after.count, after.base, after.area) == (250, 500, "Weavers, Whitechapel")
    (change,) = survey_changes(found)
    assert change.method == MOVER
    assert change.change.estimate == pytest.approx((250 / 500 - 200 / 500) - (220 / 510 - 210 / 500))


def test_weighted_proportions_keep_their_effective_base(tmp_path: Path) -> None:
    found = read_survey_table(write(tmp_path / "survey.csv", table(SHARES, *WEIGHTED)))
    before, after = found.cells
    assert (before.effective_base, after.effective_base) == (820.5, 1100)
    assert (before.wave, after.wave, before.group) == ("before", "after", "treated")
    assert before.count is None


def test_totals_are_checked_and_not_counted(tmp_path: Path) -> None:
    total = "Total,treated,before,Feels safe after dark,200,500"
    found = read_survey_table(write(tmp_path / "survey.csv", table(COUNTS, *ROWS, total)))
    assert len(found.cells) == 6
    assert found.notes == ("1 row of totals was held against its areas and is not counted",)


def test_an_imported_table_carries_where_it_came_from(tmp_path: Path) -> None:
    write(tmp_path / "survey.csv", table(COUNTS, *ROWS))
    (found,) = survey_tables(Catalogue.folder(tmp_path))
    assert found.provenance[0].path == "survey.csv"
    assert not found.provenance[0].published
    assert found.provenance[0].rows == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (spoiled(2, "120,300", "320,300"), "row 2, column count: '320'; expected a whole number from 0 to the base"),
        (spoiled(2, "120,300", "-1,300"), "row 2, column count: '-1'"),
        (spoiled(2, "120,300", "12.5,300"), "row 2, column count: '12.5'"),
        (spoiled(2, "120,300", ",300"), "row 2, column count: a blank"),
        (spoiled(2, "120,300", "0,0"), "row 2, column base: '0'; expected a whole number above zero"),
        (spoiled(3, "after", "afterwards"), "row 3, column wave: 'afterwards'; expected before or after"),
        (spoiled(3, "treated", "pilot"), "row 3, column group: 'pilot'; expected treated or comparison"),
        (spoiled(3, "Weavers", ""), "row 3, column area: a blank"),
        (spoiled(3, "after", "before"), "row 3: the same area, group, wave and measure as row 2"),
        (table(COUNTS, *ROWS[:3], *ROWS[4:]), "no after wave of 'Feels safe after dark' for 'Whitechapel'"),
        (table(COUNTS, *ROWS[4:]), "no treated group for 'Feels safe after dark'"),
        (table(COUNTS, *ROWS, "Total,treated,before,Feels safe after dark,201,500"),
         "row 8, column count: a total count of 201 where the areas add up to 200"),
        (table(COUNTS, *ROWS, "total,treated,after,Feels safe after dark,250,501"),
         "row 8, column base: a total base of 501 where the areas add up to 500"),
        (table(COUNTS, "Total,treated,before,Feels safe,1,2"), "row 2, column base: a total base of 2"),
        (spoiled(2, "0.412", "41.2", SHARES, WEIGHTED), "row 2, column Proportion: '41.2'; expected 0 to 1"),
        (spoiled(2, "0.412", "nan", SHARES, WEIGHTED), "row 2, column Proportion: 'nan'"),
        (spoiled(2, "820.5", "1105", SHARES, WEIGHTED), "row 2, column Effective base: '1105'"),
        (spoiled(2, "820.5", "0", SHARES, WEIGHTED), "row 2, column Effective base: '0'"),
        (table(COUNTS + ",proportion", *(r + ",0.4" for r in ROWS)), "row 1: both of the columns count and"),
        (table("area,group,wave,measure,base", "A,treated,before,m,9"), "row 1: neither of the columns count and"),
        (table("area,group,wave,measure,count", "A,treated,before,m,9"), "row 1: no base column"),
        (table(COUNTS + ",Count", *(r + ",1" for r in ROWS)), "column 'Count' occurs twice"),
        (table(COUNTS), "a header without rows"),
    ],
)  # fmt: skip
def test_a_spoiled_table_is_refused_with_its_place(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_survey_table(write(tmp_path / "survey.csv", content))


def survives(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "survey.csv"
        path.write_bytes(content)
        for read in (read_survey_table, lambda p: module_of(recognise(p).kind).summarise(p, recognise(p).kind)):
            with suppress(DataError):
                assert read(path) is not None


@BUDGET
@given(st.data())
def test_a_mutated_table_is_read_or_refused(data: st.DataObject) -> None:
    header, rows = data.draw(st.sampled_from([(COUNTS, ROWS), (SHARES, WEIGHTED)]))
    content = table(header, *rows).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = min(len(content), start + data.draw(st.integers(0, 30)))
        patch = data.draw(
            st.binary(max_size=12) | st.sampled_from([b",", b'"', b"\n", b"9" * 20, "٣".encode(), b"Total"])
        )
        content = content[:start] + patch + content[stop:]
    survives(content)


@BUDGET
@given(st.integers(0, 6), st.integers(0, 5), st.text(max_size=20) | st.integers().map(str) | st.floats().map(str))
def test_any_text_in_any_cell_is_read_or_refused(number: int, column: int, text: str) -> None:
    lines = [line.split(",") for line in (COUNTS, *ROWS)]
    lines[number][column] = text
    survives(("\n".join(",".join(line) for line in lines) + "\n").encode("utf-8", "surrogatepass"))

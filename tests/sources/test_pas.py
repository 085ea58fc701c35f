"""The Public Attitude Survey dashboard: as published, and spoiled in every way that a spreadsheet offers."""

from __future__ import annotations

import csv
import gzip
import tempfile
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import table, write

from cseval.errors import DataError
from cseval.estimators.perceptions_kernels import lag_correlations
from cseval.sources.catalogue import Catalogue, recognise
from cseval.sources.kinds import module_of
from cseval.sources.pas import read_pas, summarise, survey_series

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "perceptions"
RAW = DATA / "PAS_Dashboard_Borough_2014Q4-2023Q4.csv.gz"
TIDY = DATA / "tidy_pas_borough_quarter_2014Q4-2023Q4.csv.gz"
published = pytest.mark.skipif(not RAW.exists(), reason="no folder of open data beside the checkout")

HEADER = "Date,Survey,Borough,Measure,Proportion,MPS,,,,"
ENDS = ("31/12/2017", "31/3/2018", "30/6/2018")
BOROUGHS = ("Hackney", "City of Westminster", "Tower Hamlets")
GOOD_JOB = '"""Good Job"" local"'
BUDGET = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


def row(end: str, borough: str, measure: str, share: str, overall: str = '"0,6"', strays: str = ",,,,") -> str:
    return f"{end},PAS,{borough},{measure},{share},{overall}{strays}"


def rows() -> list[str]:
    """Two measures, one of them from the second quarter on; row 2 of the file comes first."""
    good = [row(e, b, GOOD_JOB, f'"0,{50 + i}"') for i, (e, b) in enumerate(product(ENDS, BOROUGHS))]
    return good + [row(e, b, "Trust MPS", '"0,7"') for e, b in product(ENDS[1:], BOROUGHS)]


def spoiled(number: int, old: str, new: str) -> str:
    """The file with one cell of one row (numbered as in the file) exchanged."""
    lines = rows()
    assert old in lines[number - 2]
    lines[number - 2] = lines[number - 2].replace(old, new, 1)
    return table(HEADER, *lines)


# As published -----------------------------------------------------------------------------------------------


def test_decimal_commas_day_first_dates_and_later_measures(tmp_path: Path) -> None:
    path = write(tmp_path / "pas.csv", table(HEADER, *rows()))
    assert recognise(path).kind == "mopac-pas"
    found = read_pas(path)
    assert found.ends == ("2017-12", "2018-03", "2018-06")
    assert found.units == ("E09000012", "E09000030", "E09000033")
    assert found.names["E09000033"] == "Westminster"
    assert found.labels == {"good_job_local": '"Good Job" local', "trust_mps": "Trust MPS"}
    assert found.shares["good_job_local"].tolist() == [[0.5, 0.53, 0.56], [0.52, 0.55, 0.58], [0.51, 0.54, 0.57]]
    assert found.received["trust_mps"].tolist() == [[False, True, True]] * 3
    assert np.isnan(found.overall["trust_mps"][0])
    assert found.overall["trust_mps"][1:].tolist() == [0.6, 0.6]
    assert (found.months_per_window, found.quarters_per_window) == (12, 4)
    assert any("Trust MPS from March 2018" in n for n in found.notes)
    assert summarise(path, "mopac-pas").rows == 15


def test_decimal_points_and_whole_numbers_are_read_too(tmp_path: Path) -> None:
    text = table(HEADER, *rows()).replace('"0,', '"0.').replace('"0.50"', "1")
    assert read_pas(write(tmp_path / "pas.csv", text)).shares["good_job_local"][0, 0] == 1.0


def test_stray_cells_are_named_and_not_read(tmp_path: Path) -> None:
    lines = rows()
    lines[4] = lines[4][:-4] + ',,,Trust,"0,71"'
    notes = read_pas(write(tmp_path / "pas.csv", table(HEADER, *lines))).notes
    assert notes[-1] == "1 row has cells in columns without a heading, which are not read (row 6: 'Trust' and '0,71')"


def test_order_of_rows_and_columns_is_nothing(tmp_path: Path) -> None:
    first = read_pas(write(tmp_path / "a.csv", table(HEADER, *rows())))
    turned = [",".join(reversed(c)) for c in (quoted(line) for line in reversed([HEADER, *rows()]))]
    second = read_pas(write(tmp_path / "b.csv", table(turned[-1], *turned[:-1])))
    assert second.units == first.units
    for measure in first.measures:
        np.testing.assert_array_equal(second.shares[measure], first.shares[measure])


def quoted(line: str) -> list[str]:
    return [f'"{cell}"'.replace('"Good Job"', '""Good Job""') for cell in next(csv.reader([line]))]


def test_the_file_that_ends_last_is_used_with_its_provenance(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", table(HEADER, *rows()))
    later = [row("30/9/2018", b, m, '"0,5"') for b, m in product(BOROUGHS, (GOOD_JOB, "Trust MPS"))]
    write(tmp_path / "b.csv", table(HEADER, *rows(), *later))
    found = survey_series(Catalogue.folder(tmp_path))
    assert found is not None
    assert found.ends[-1] == "2018-09"
    assert [p.path for p in found.provenance] == ["b.csv"]
    assert survey_series(Catalogue(root=tmp_path)) is None


@published
def test_the_published_file_is_the_tidy_one() -> None:
    found = read_pas(RAW)
    assert (len(found.units), len(found.ends), len(found.measures)) == (32, 37, 8)
    assert "row 8034: 'Trust' and '0,71'" in found.notes[-1]
    with gzip.open(TIDY, "rt", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    names = {name: i for i, name in enumerate(found.names[u] for u in found.units)}
    measures = {found.labels[m].replace('"', ""): m for m in found.measures}
    assert len(lines) == sum(int(m.sum()) for m in found.received.values()) == 9312
    for line in lines:
        i, t = names[line["borough"]], found.ends.index(line["quarter_end_date"][:7])
        measure = measures[line["measure"].replace('"', "")]
        assert found.shares[measure][i, t] == float(line["proportion"])
        assert found.overall[measure][t] == float(line["mps_proportion"])


@published
def test_the_published_series_are_rolling_years() -> None:
    """What comes into a rolling year goes out four quarters later; changes are unrelated at every other distance."""
    found = read_pas(RAW)
    for measure in found.measures:
        lags = lag_correlations(found.shares[measure][:, found.received[measure].all(axis=0)], 6)
        assert -0.5 < lags[3] < -0.35
        assert np.abs(np.delete(lags, 3)).max() < 0.2


# Spoiled ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            spoiled(2, '"0,50"', '"1,50"'),
            "row 2, column Proportion: '1,50' where a proportion belongs; expected 0 to 1",
        ),
        (spoiled(3, '"0,51"', '"-0,51"'), "row 3, column Proportion: '-0,51'"),
        (spoiled(3, '"0,51"', "51%"), "row 3, column Proportion: '51%'"),
        (spoiled(3, '"0,51"', ""), "row 3, column Proportion: a blank where a proportion belongs"),
        (spoiled(3, '"0,51"', '"0,5,1"'), "row 3, column Proportion: '0,5,1'"),
        (spoiled(3, '"0,51"', "0.51"), "row 3, column Proportion: '0.51' where row 2 has the other decimal mark"),
        (
            spoiled(3, '"0,6"', '"0,61"'),
            "row 2, column MPS: 0.6 where row 3 has 0.61|row 3, column MPS: 0.61 where row",
        ),
        (spoiled(4, "Tower Hamlets", "Tower Hamlet"), "row 4, column Borough: borough 'Tower Hamlet'"),
        (spoiled(5, "Hackney", "Tower Hamlets"), "row 7: the same borough, measure and quarter as row 5"),
        (spoiled(8, "30/6/2018", "6/30/2018"), r"row 8, column Date: date '6/30/2018' \(month first\?\)"),
        (spoiled(8, "30/6/2018", "30/6/18"), "row 8, column Date: date '30/6/18'"),
        (spoiled(8, "30/6/2018", "31/6/2018"), "row 8, column Date"),
        (spoiled(8, "30/6/2018", "2018-06-30"), "expected the last day of a quarter, day first, as 30/6/2018"),
        (spoiled(8, "30/6/2018", "31/5/2018"), "row 8, column Date: date '31/5/2018'"),
        (spoiled(8, "30/6/2018", "30/9/2018"), "quarter that ends in|no row for Hackney in the quarter"),
        (spoiled(8, "PAS", "USS"), "row 8, column Survey: survey 'USS'"),
        (spoiled(8, GOOD_JOB, ""), "row 8, column Measure: no measure"),
        (spoiled(8, GOOD_JOB, "Good Jobs"), "no row for Hackney in the quarter that ends in June 2018"),
        (spoiled(8, ",,,,", ",,,"), "row 8: 9 cells"),
        (table(HEADER, *(r for r in rows() if "31/3/2018" not in r)), "no row for the quarter that ends in March 2018"),
        (table(HEADER, *rows()[:5], *rows()[6:]), "no row for Tower Hamlets in the quarter that ends in March 2018"),
        (table(HEADER), "a header without rows"),
        (table(HEADER.replace("MPS", "All"), *rows()), "no overall column"),
        (table(HEADER.replace("MPS,", "MPS,date"), *rows()), "column 'date' occurs twice"),
        (table(HEADER, *rows()) + '"', "not a CSV table"),
    ],
)
def test_a_spoiled_file_is_refused_with_its_place(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_pas(write(tmp_path / "pas.csv", content))
    assert "pas.csv" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfeD\0", table(HEADER, *rows()).encode() + b"\0", "é".encode("latin-1"), b"PAR1", b"{}"]
)
def test_what_is_no_text_table_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pas.csv"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_pas(path)


# Fuzz -------------------------------------------------------------------------------------------------------


def survives(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pas.csv"
        path.write_bytes(content)
        for read in (read_pas, lambda p: module_of(recognise(p).kind).summarise(p, recognise(p).kind)):
            with suppress(DataError):
                assert read(path) is not None


SNIPPETS = st.sampled_from(
    [b"", b",", b"\n", b'"', b"\0", b"-1", b"9" * 30, b"1e309", b"nan", b"\xff\xfe", b"\xef\xbb\xbf", b"=cmd()", b"\r",
     b"\t", "é".encode(), "٣".encode(), b"0.5", b"1,1", b"31/12/9999", b"30/6/2018", b"Hackney", b"City of London"]
)  # fmt: skip


@BUDGET
@given(st.data())
def test_a_mutated_file_is_read_or_refused(data: st.DataObject) -> None:
    content = table(HEADER, *rows()).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = min(len(content), start + data.draw(st.integers(0, 40)))
        patch = data.draw(SNIPPETS | st.binary(max_size=12) | st.just(content[start:stop] * 2))
        content = content[:start] + patch + content[stop:]
    survives(content)


@BUDGET
@given(st.integers(0, 15), st.integers(0, 9), st.text(max_size=20) | st.integers().map(str) | st.floats().map(str))
def test_any_text_in_any_cell_is_read_or_refused(number: int, column: int, text: str) -> None:
    lines = [next(csv.reader([line])) for line in (HEADER, *rows())]
    lines[number][column] = text
    joined = "\n".join(",".join('"' + c.replace('"', '""') + '"' for c in line) for line in lines) + "\n"
    survives(joined.encode("utf-8", "surrogatepass"))


@BUDGET
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: HEADER.encode() + b"\n" + b))
def test_random_bytes_are_read_or_refused(noise: bytes) -> None:
    survives(noise)

"""Whatever bytes come in, a reader gives a valid object or a DataError; never another exception."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import dashboard_csv, forces_csv, geojson, lookup_csv, population_csv, street_csv, ward_csv

from cseval.errors import DataError
from cseval.sources import mps
from cseval.sources.catalogue import recognise
from cseval.sources.geography import read_boundaries
from cseval.sources.home_office import read_forces
from cseval.sources.kinds import module_of
from cseval.sources.lookup import read_lookup
from cseval.sources.mps_dashboard import read_dashboard
from cseval.sources.police_street import read_street
from cseval.sources.population import read_population

BUDGET = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
STREET = "2018-05-metropolitan-street.csv"


def read_one_street(path: Path) -> object:
    return read_street([path])


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"2018-05/{STREET}"), content)
    return out.getvalue()


def parquet() -> bytes:
    keys = {"majortext": ["ROBBERY"], "minortext": ["X"], "wardname": ["W"], "wardcode": ["E05009335"]}
    out = io.BytesIO()
    pq.write_table(pa.table({**keys, "lookup_boroughname": ["Tower Hamlets"], "201801": [1]}), out)
    return out.getvalue()


def dashboard_parquet() -> bytes:
    lines = [line.split(",") for line in dashboard_csv().splitlines()]
    columns = {name: [row[i] for row in lines[1:]] for i, name in enumerate(lines[0])}
    out = io.BytesIO()
    pq.write_table(pa.table({**columns, "Count": [int(n) for n in columns["Count"]]}), out)
    return out.getvalue()


BOROUGH = b"MajorText,MinorText,LookUp_BoroughName,201801\nRobbery,Rob,Tower Hamlets,3\n"
READERS: dict[str, tuple[str, bytes, Callable[[Path], object]]] = {
    "ward": ("ward.csv", ward_csv().encode(), mps.read_ward),
    "ward gzip": ("ward.csv.gz", gzip.compress(ward_csv().encode(), mtime=0), mps.read_ward),
    "ward Parquet": ("ward.parquet", parquet(), mps.read_ward),
    "borough": ("borough.csv", BOROUGH, mps.read_borough),
    "street": (STREET, street_csv().encode(), read_one_street),
    "street zip": ("street.zip", zipped(street_csv().encode()), read_one_street),
    "boundaries": ("map.geojson", geojson().encode(), read_boundaries),
    "population": ("people.csv", population_csv().encode(), read_population),
    "dashboard": ("knife.csv", dashboard_csv().encode(), read_dashboard),
    "dashboard Parquet": ("knife.parquet", dashboard_parquet(), read_dashboard),
    "forces": ("forces.csv", forces_csv().encode(), read_forces),
    "lookup": ("lookup.csv", lookup_csv().encode(), read_lookup),
}

SNIPPETS = st.sampled_from(
    [b"", b",", b"\n", b'"', b"\0", b"-1", b"9" * 30, b"1e309", b"nan", b"\xff\xfe", b"\xef\xbb\xbf", b"=cmd()", b"{",
     b"[]", b"null", b"201802", b"E05009335", b"\r", b"\t", b"<script>", "é".encode(), b"true", b"[[0,0]]", b"1.5",
     b"2018-04-01", b"01/04/2018", b"fy18-19", b"Knife Crime", b"Other / NK", b"Q1", b"2018/19"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """A good file with up to four cuts, insertions, replacements or repeats."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.integers(0, 40)))
        patch = draw(SNIPPETS | st.binary(max_size=12) | st.just(content[start:stop] * 2))
        content = content[:start] + patch + content[stop:]
    return content


def survives(name: str, content: bytes, reader: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        for read in (reader, lambda p: (found := recognise(p)) and module_of(found.kind).summarise(p, found.kind)):
            with suppress(DataError):
                assert read(path) is not None


@pytest.mark.parametrize("which", READERS)
def test_a_mutated_file_is_read_or_refused(which: str) -> None:
    name, content, reader = READERS[which]

    @BUDGET
    @given(mutated(content))
    def check(spoiled: bytes) -> None:
        survives(name, spoiled, reader)

    check()


@pytest.mark.parametrize("which", READERS)
def test_random_bytes_are_refused(which: str) -> None:
    name, content, reader = READERS[which]

    @BUDGET
    @given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: content[:20] + b))
    def check(noise: bytes) -> None:
        survives(name, noise, reader)

    check()


@pytest.mark.parametrize("which", ["ward", "street", "population", "lookup", "dashboard", "forces"])
def test_any_text_in_any_cell_is_read_or_refused(which: str) -> None:
    name, content, reader = READERS[which]
    cells = [line.split(",") for line in content.decode().splitlines()]

    @BUDGET
    @given(st.data())
    def check(data: st.DataObject) -> None:
        row = data.draw(st.integers(0, len(cells) - 1))
        column = data.draw(st.integers(0, len(cells[row]) - 1))
        text = data.draw(st.text(max_size=20) | st.integers().map(str) | st.floats().map(str))
        spoiled = [list(line) for line in cells]
        spoiled[row][column] = text
        joined = "\n".join(",".join(line) for line in spoiled) + "\n"
        survives(name, joined.encode("utf-8", "surrogatepass"), reader)

    check()

"""Malformed files: one clear error naming file and place, exit code 2, and nothing written or changed."""

from __future__ import annotations

import gzip
import json
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from samples import (
    DASHBOARD_HEADER,
    FORCES_HEADER,
    STREET_HEADER,
    WARD_HEADER,
    WARD_ROWS,
    dashboard_csv,
    dashboard_row,
    feature,
    forces_csv,
    geojson,
    lookup_csv,
    population_csv,
    square,
    street_csv,
    street_row,
    table,
    tree,
    ward_csv,
    write,
    write_zip,
)

from cseval.cli.data import data
from cseval.errors import CsevalError, DataError
from cseval.project import Project
from cseval.sources.importing import import_files

Maker = Callable[[Path], Path]
ROW = WARD_ROWS[0]
STREET = "2018-05-metropolitan-street.csv"


@dataclass(frozen=True)
class Case:
    """A spoiled file: how to make it, and words the message must hold."""

    name: str
    make: Maker
    says: tuple[str, ...]


def file(name: str, content: str | bytes) -> Maker:
    return lambda folder: write(folder / name, content)


def ward(name: str, content: str | bytes, *says: str) -> Case:
    return Case(name, file("ward.csv", content), says)


def ward_cell(name: str, cell: str, *says: str) -> Case:
    rows = (WARD_ROWS[0], WARD_ROWS[1].removesuffix(",0,1,0") + f",0,{cell},0")
    return ward(name, ward_csv(*rows), "row 3, column 201802", "whole number", *says)


def ward_header(name: str, months: str, *says: str) -> Case:
    header = WARD_HEADER.replace("201801,201802,201803", months)
    return ward(name, ward_csv(header=header), "row 1", *says)


def street(name: str, content: str | bytes, *says: str, file_name: str = STREET) -> Case:
    return Case(name, file(file_name, content), says)


def boundaries(name: str, content: str | bytes, *says: str) -> Case:
    return Case(name, file("map.geojson", content), says)


def archive(name: str, members: dict[str, str | bytes], *says: str) -> Case:
    return Case(name, lambda folder: write_zip(folder / "street.zip", members), says)


def dashboard(name: str, content: str | bytes, *says: str) -> Case:
    return Case(name, file("knife.csv", content), says)


def dashboard_rows(name: str, *rows: str, says: tuple[str, ...]) -> Case:
    return dashboard(name, dashboard_csv(*rows), *says)


def dashboard_cell(name: str, says: tuple[str, ...], **change: object) -> Case:
    return dashboard_rows(name, dashboard_row(), dashboard_row(month="2018-05-01", **change), says=("row 3", *says))  # type: ignore[arg-type]


def forces(name: str, row: str, *says: str) -> Case:
    return Case(name, file("forces.csv", forces_csv(row)), says)


def truncated_gzip(folder: Path) -> Path:
    path = write(folder / "ward.csv.gz", ward_csv(*(ROW.replace("E05009335", f"E05{i:06d}") for i in range(900))))
    path.write_bytes(path.read_bytes()[:-40])
    return path


def spoil(path: Path, part: slice) -> Path:
    path.write_bytes(path.read_bytes()[part])
    return path


def corrupt_gzip(folder: Path) -> Path:
    path = write(folder / "ward.csv.gz", ward_csv())
    content = bytearray(path.read_bytes())
    content[30] ^= 255
    path.write_bytes(bytes(content))
    return path


def truncated_parquet(folder: Path) -> Path:
    path = parquet(folder, {"201801": [1]})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def parquet(folder: Path, months: dict[str, list[object]]) -> Path:
    keys = {"majortext": ["ROBBERY"], "minortext": ["X"], "wardname": ["W"], "wardcode": ["E05009335"]}
    columns = {**keys, "lookup_boroughname": ["Tower Hamlets"], **months}
    pq.write_table(pa.table(columns), folder / "ward.parquet")
    return folder / "ward.parquet"


def linked_zip(folder: Path) -> Path:
    info = zipfile.ZipInfo(f"2018-05/{STREET}")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "street.zip", "w") as out:
        out.writestr(info, "/etc/passwd")
    return folder / "street.zip"


def encrypted_zip(folder: Path) -> Path:
    path = write_zip(folder / "street.zip", {f"2018-05/{STREET}": street_csv()})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(bytes(content))
    return path


def truncated_zip(folder: Path) -> Path:
    path = write_zip(folder / "street.zip", {f"2018-05/{STREET}": street_csv()})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def damaged_zip(folder: Path) -> Path:
    path = write_zip(folder / "street.zip", {f"2018-05/{STREET}": street_csv()})
    content = bytearray(path.read_bytes())
    content[content.index(b"street.csv") + 40] ^= 255
    path.write_bytes(bytes(content))
    return path


def doubled_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "street.zip", "w") as out:
        out.writestr(f"a/{STREET}", street_csv())
        out.writestr(f"b/{STREET}", street_csv())
    return folder / "street.zip"


def gzip_bomb(folder: Path) -> Path:
    path = folder / "ward.csv.gz"
    path.write_bytes(gzip.compress(ward_csv().encode() + b"\n" * 60_000_000, mtime=0))
    return path


def empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    write(folder / "nothing" / "notes.txt", "no street files here")
    write(folder / "nothing" / "2018-05-metropolitan-outcomes.csv", "Crime ID,Month\n")
    return folder / "nothing"


def spoiled(number: int, **change: object) -> dict[str, object]:
    return feature(f"E0500000{number}", square(0.01 * number)) | change


BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 51], [1, 52], [1, 51], [0, 52], [0, 51]]]}
GRID = {"type": "Polygon", "coordinates": [[[534000, 181000], [535000, 181000], [535000, 182000], [534000, 181000]]]}
POPULATION = population_csv()

CASES = (
    Case("no such path", lambda folder: folder / "absent.csv", ("absent.csv", "no such file")),
    Case("a folder without street files", empty_folder, ("nothing", "no street files", "-street.csv")),
    Case("truncated gzip", truncated_gzip, ("ward.csv.gz", "damaged gzip")),
    Case("corrupt gzip", corrupt_gzip, ("ward.csv.gz", "damaged gzip")),
    Case("gzip bomb", gzip_bomb, ("ward.csv.gz", "unpacks to more than")),
    Case("truncated Parquet", truncated_parquet, ("ward.parquet", "damaged Parquet")),
    Case("negative in Parquet", lambda f: parquet(f, {"201801": [-1]}), ("row 1, column 201801", "-1")),
    Case("fraction in Parquet", lambda f: parquet(f, {"201801": [1.5]}), ("row 1, column 201801", "1.5")),
    Case("null in Parquet", lambda f: parquet(f, {"201801": [None]}), ("row 1, column 201801", "blank")),
    Case("a list in Parquet", lambda f: parquet(f, {"201801": [[1, 2]]}), ("row 1, column 201801",)),
    Case("gap in Parquet", lambda f: parquet(f, {"201801": [1], "201803": [1]}), ("201802",)),
    Case("a workbook", file("ward.xlsx", b"PK\x03\x04 workbook"), ("workbook", "CSV")),
    ward("empty file", "", "ward.csv", "empty"),
    ward("header only", WARD_HEADER + "\n", "without rows"),
    ward("wrong encoding", ward_csv(ROW.replace("Weavers", "Café")).encode("latin-1"), "row 2", "not UTF-8"),
    ward("UTF-16", ward_csv().encode("utf-16"), "UTF-16", "UTF-8"),
    ward("NUL byte", ward_csv(ROW.replace("Weavers", "Wea\0vers")), "row 2", "NUL"),
    ward("no header", table(*WARD_ROWS), "no known format", "mps-ward"),
    ward("mixed header", ward_csv(header=WARD_HEADER.replace("201802", "Crime type")), "Crime type", "YYYYMM"),
    ward("no ward name", ward_csv(header=WARD_HEADER.replace("WardName,", "Remark,")), "no name column", "row 1"),
    ward("no borough", ward_csv(header=WARD_HEADER.replace("LookUp_", "Look")), "no borough column", "row 1"),
    ward("column twice", ward_csv(header=WARD_HEADER.replace("WardName", "ward code")), "occurs twice"),
    ward("no months", "MajorText,MinorText,WardName,WardCode,Borough\na,b,c,E05009335,Tower Hamlets\n", "no month"),
    ward_header("month gap", "201801,201803,201804", "201802", "without a gap"),
    ward_header("month written with a dash", "2018-01,201802,201803", "2018-01", "YYYYMM"),
    ward_header("month written in words", "Jan-18,201802,201803", "Jan-18", "YYYYMM"),
    ward_header("month written with a slash", "01/2018,201802,201803", "01/2018", "YYYYMM"),
    ward_header("month as a date", "2018-01-01,201802,201803", "2018-01-01", "YYYYMM"),
    ward_header("month thirteen", "201813,201802,201803", "201813", "YYYYMM"),
    ward_header("duplicate month", "201801,201802,201802", "201802", "twice"),
    ward("duplicated key", ward_csv(*WARD_ROWS, WARD_ROWS[1]), "row 5", "row 3", "once"),
    ward("short row", ward_csv(ROW, "Robbery,Other"), "row 3", "2 cells", "8"),
    ward("long row", ward_csv(ROW, ROW + ",9"), "row 3", "9 cells"),
    ward("blank line", ward_csv(ROW, "", WARD_ROWS[2]), "row 3"),
    ward("unknown ward code", ward_csv(ROW.replace("E05009335", "E0500933")), "row 2, column WardCode", "E0500933"),
    ward("a formula for a code", ward_csv(ROW.replace("E05009335", "=cmd()")), "row 2, column WardCode", "=cmd()"),
    ward(
        "blank offence", ward_csv(ROW.replace("Robbery of Personal Property", "")), "row 2, column MinorText", "blank"
    ),
    ward("ward in two boroughs", ward_csv(ROW, ROW.replace("Tower Hamlets", "Hackney")), "row 3", "E05009335"),
    ward("ten-megabyte line", ward_csv(ROW.replace("Weavers", "W" * 10_000_000)), "row 2", "10,000"),
    ward("unclosed quote", ward_csv(ROW.replace("Weavers", '"Weavers'), WARD_ROWS[1]), "ward.csv"),
    ward_cell("negative count", "-1", "-1"),
    ward_cell("fractional count", "2.5", "2.5"),
    ward_cell("blank count", "", "blank"),
    ward_cell("text count", "n/a", "n/a"),
    ward_cell("count in words", "1 234", "1 234"),
    ward_cell("huge count", "99999999", "99999999"),
    ward_cell("absurd count", "9" * 40, "999"),
    ward_cell("infinite count", "inf", "inf"),
    ward_cell("script for a count", "<script>", "<script>"),
    Case(
        "unknown borough",
        file("b.csv", "Group,SubGroup,Area,201801\nRobbery,Robbery,Atlantis,1\n"),
        ("row 2, column Area", "Atlantis", "London borough"),
    ),
    street(
        "row of another month", street_csv(street_row(), street_row(month="2018-06")), "row 3, column Month", "2018-05"
    ),
    street("month in words", street_csv(street_row(month="May 2018")), "row 2, column Month", file_name="street.csv"),
    street("month thirteen, street", street_csv(street_row(month="2018-13")), "YYYY-MM", file_name="street.csv"),
    street("unknown LSOA", street_csv(street_row(), street_row(lsoa="Unknown")), "row 3, column LSOA code", "Unknown"),
    street("blank crime type", street_csv(street_row(kind="")), "row 2, column Crime type", "blank"),
    street("street header only", STREET_HEADER + "\n", "without rows"),
    street("no place at all", street_csv(street_row(lsoa="")), "no row with an LSOA"),
    street(
        "two forces, no name", street_csv(street_row(), street_row(by="Kent Police")), "2 forces", file_name="s.csv"
    ),
    street("format before 2013", "Month,Reported by,Easting,Northing,Crime type\n2011-01,x,1,2,y\n", "no known format"),
    street("outcomes file", table("Crime ID,Month,LSOA code,Outcome type", "a,2018-05,E01004197,x"), "no known format"),
    archive("zip slip", {f"../../{STREET}": street_csv()}, "street.zip", "leaves the archive"),
    archive("zip slip, backslash", {f"..\\{STREET}": street_csv()}, "leaves the archive"),
    archive("absolute path", {f"/tmp/{STREET}": street_csv()}, "absolute path"),
    archive("drive letter", {f"C:\\{STREET}": street_csv()}, "absolute path"),
    archive("zip bomb", {f"2018-05/{STREET}": b"0" * 30_000_000}, "street.csv", "unpacks from"),
    archive("zip without street files", {"readme.txt": "hello"}, "street.zip", "no known format"),
    archive("bad member", {f"2018-05/{STREET}": street_csv(street_row(month="2018-06"))}, "member", "row 2"),
    Case("link in a zip", linked_zip, ("street.csv", "a link")),
    Case("encrypted zip", encrypted_zip, ("street.csv", "encrypted")),
    Case("truncated zip", truncated_zip, ("street.zip", "damaged zip")),
    Case("damaged member", damaged_zip, ("damaged",)),
    Case("one month twice in a zip", doubled_zip, ("street.zip", "2018-05", "one file")),
    boundaries("not JSON", '{"type": "FeatureCollection", "features": [', "map.geojson"),
    boundaries("truncated JSON", geojson()[:-40], "not JSON"),
    boundaries("no features", json.dumps({"type": "FeatureCollection", "features": []}), "map.geojson"),
    boundaries("self-crossing", geojson(spoiled(1), spoiled(2, geometry=BOW_TIE)), "feature 2", "Self-intersection"),
    boundaries(
        "ring of two points",
        geojson(spoiled(1, geometry={"type": "Polygon", "coordinates": [[[0, 51], [1, 51]]]})),
        "E05000001",
    ),
    boundaries(
        "text for coordinates", geojson(spoiled(1, geometry={"type": "Polygon", "coordinates": "x"})), "feature 1"
    ),
    boundaries("not a number", geojson(spoiled(1, geometry=square(float("nan")))), "feature 1"),
    boundaries("a point", geojson(spoiled(1, geometry={"type": "Point", "coordinates": [0, 51]})), "Polygon"),
    boundaries("no geometry", geojson(spoiled(1, geometry=None)), "feature 1"),
    boundaries("national grid", geojson(spoiled(1, geometry=GRID)), "longitude and latitude", "WGS84"),
    boundaries("duplicate code", geojson(spoiled(1), spoiled(1)), "feature 2", "E05000001"),
    boundaries(
        "mixed years",
        geojson(spoiled(1), feature("E05000002", square(0.02), year="14")),
        "feature 2",
        "one kind and year",
    ),
    boundaries("unknown code", geojson(feature("W99", square(0.0))), "feature 1", "W99"),
    dashboard("dashboard UTF-16", dashboard_csv().encode("utf-16"), "UTF-16", "UTF-8"),
    dashboard("dashboard with a NUL byte", dashboard_csv().replace("Hackney", "Hack\0ney", 1), "row 6", "NUL"),
    dashboard("dashboard cut in a row", dashboard_csv()[:-30], "row 10", "cells", "11"),
    dashboard("dashboard header only", DASHBOARD_HEADER + "\n", "without rows"),
    dashboard(
        "dashboard summed over subtypes",
        dashboard_csv(
            dashboard_row().replace("Knife Crime,Knife Crime", "Knife Crime"),
            header=DASHBOARD_HEADER.replace("Crime Subtype,", ""),
        ),
        "row 1",
        "no subtype column",
        "subtypes overlap",
    ),
    dashboard(
        "dashboard without counts", dashboard_csv(header=DASHBOARD_HEADER.replace("Count", "Total")), "no count column"
    ),
    dashboard(
        "dashboard column twice", dashboard_csv(header=DASHBOARD_HEADER.replace("Area Name", "month_year")), "twice"
    ),
    Case(
        "dashboard as a workbook", file("knife.xlsx", b"PK\x03\x04 workbook"), ("knife.xlsx", "workbook", "CSV UTF-8")
    ),
    Case(
        "dashboard, truncated gzip",
        lambda folder: spoil(write(folder / "knife.csv.gz", dashboard_csv()), slice(None, -20)),
        ("knife.csv.gz", "damaged gzip"),
    ),
    dashboard_cell("dashboard, negative count", ("column Count", "-1", "whole number"), count=-1),
    dashboard_cell("dashboard, fractional count", ("column Count", "2.5", "whole number"), count=2.5),
    dashboard_cell("dashboard, blank count", ("column Count", "blank"), count=""),
    dashboard_cell("dashboard, huge count", ("column Count", "99999999"), count=99999999),
    dashboard_cell(
        "dashboard, unknown area", ("column Borough_SNT", "Atlantis", "London borough"), borough="Atlantis", code=""
    ),
    dashboard_cell("dashboard, blank area", ("column Borough_SNT", "''"), borough="", code=""),
    dashboard_cell(
        "dashboard, code of another borough",
        ("column Area Code", "E09000012", "Tower Hamlets", "E09000030"),
        code="E09000012",
    ),
    dashboard_cell("dashboard, unknown code", ("column Area Code", "E99", "E09000030"), code="E99"),
    dashboard_cell("dashboard, unknown area type", ("column Area Type", "Hospital", "borough"), level="Hospital"),
    dashboard_cell("dashboard, unknown measure", ("column Measure", "Rate", "positiveoutcomes"), measure="Rate"),
    dashboard_cell("dashboard, blank subtype", ("column Crime Subtype", "''"), subtype=""),
    dashboard_cell("dashboard, unknown refresh date", ("column Refresh Date", "soon"), refreshed="soon"),
    dashboard_cell("dashboard, unknown year", ("column Financial Year", "fy18-20"), year="fy18-20"),
    dashboard_cell("dashboard, year of another month", ("column Financial Year", "2017/18", "2018-05"), year="fy17-18"),
    dashboard_rows(
        "dashboard, day and month exchanged",
        dashboard_row(month="04/01/2018"),
        says=("row 2, column Month_Year", "04/01/2018", "01/04/2018"),
    ),
    dashboard_rows(
        "dashboard, mixed forms of months",
        dashboard_row(),
        dashboard_row(month="May-18"),
        says=("row 3, column Month_Year", "May-18", "2018-04-01", "same way"),
    ),
    dashboard_rows(
        "dashboard, rows that contradict each other",
        dashboard_row(),
        dashboard_row("Knife Crime with Injury", 2),
        dashboard_row(count=8),
        says=("row 4", "row 2", "count 8", "refresh date"),
    ),
    dashboard_rows(
        "dashboard, part above its whole",
        dashboard_row(),
        dashboard_row("Knife Crime with Injury", 10),
        says=("row 3", "10 knife_crime_with_injury above 9 knife_crime", "E09000030 in 2018-04"),
    ),
    dashboard_rows(
        "dashboard of too many subtypes",
        *(dashboard_row(f"Crime {i}") for i in range(201)),
        says=("201 crime subtypes",),
    ),
    dashboard_rows(
        "dashboard by neighbourhood team only",
        dashboard_row(level="Safer Neighbourhood Teams"),
        says=("no row of a borough's offences", "area type Borough"),
    ),
    dashboard_rows(
        "dashboard of outcomes only", dashboard_row(measure="Positive Outcomes"), says=("measure Offences",)
    ),
    forces("force twice", "9,Kent,Region,2018/19,Q1,1,1,7", "row 12", "row 11", "once"),
    forces(
        "force in fewer quarters",
        "9,Kent,Region,2018/19,Q2,1,1,7",
        "Metropolitan Police",
        "2018/19 Q2",
        "every quarter",
    ),
    forces("force, fifth quarter", "9,Kent,Region,2018/19,Q5,1,1,7", "row 12, column Financial Quarter", "Q5"),
    forces("force, year of two years", "9,Kent,Region,2018/20,Q2,1,1,7", "row 12, column Financial Year", "2018/20"),
    forces("force, negative count", "9,Kent,Region,2018/19,Q2,1,1,-7", "row 12, column Knife Crime", "-7"),
    forces("force, blank name", "9,,Region,2018/19,Q2,1,1,7", "column Force Name", "without a force"),
    Case(
        "no London force",
        file("f.csv", table(FORCES_HEADER, "1,Kent,Region,2018/19,Q1,1,1,7")),
        ("f.csv", "no row of the Metropolitan Police"),
    ),
    Case("population gap", file("p.csv", "\n".join(POPULATION.splitlines()[:-1])), ("E05000002", "2012", "every unit")),
    Case("population twice", file("p.csv", POPULATION + POPULATION.splitlines()[-1]), ("row 6", "row 5")),
    Case("population year", file("p.csv", POPULATION.replace(",2012,", ",12,")), ("row 3, column year", "12")),
    Case("population text", file("p.csv", POPULATION.replace(",1001", ",about 1000")), ("row 3, column population",)),
    Case("two years of codes", file("p.csv", POPULATION.replace("LAD22CD", "WD14CD")), ("WD14CD".lower(), "one year")),
    Case("lookup code", file("l.csv", lookup_csv().replace("E05009331", "Bow")), ("row 2, column WD24CD", "Bow")),
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that already holds a good import, so that "nothing changed" means something."""
    found = Project(tmp_path / "project")
    found.root.mkdir()
    import_files([write(tmp_path / "good" / "before.csv", ward_csv())], found)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_malformed_file_is_refused_by_place_and_changes_nothing(case: Case, tmp_path: Path, project: Project) -> None:
    path = case.make(tmp_path)
    before = tree(project.root)
    with pytest.raises(CsevalError) as caught:
        import_files([path], project)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert path.name in message
    assert len(message) < 1500
    for words in case.says:
        assert words in message, message
    assert tree(project.root) == before


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40
    assert len({c.name for c in CASES}) == len(CASES)


def test_one_bad_file_among_good_ones_leaves_all_out(tmp_path: Path, project: Project) -> None:
    good = [write(tmp_path / STREET, street_csv()), write(tmp_path / "map.geojson.gz", geojson())]
    bad = write(tmp_path / "bad.csv", ward_csv(header=WARD_HEADER.replace("201802", "201804")))
    before = tree(project.root)
    with pytest.raises(DataError, match=r"bad\.csv"):
        import_files([*good, bad], project)
    assert tree(project.root) == before


def test_a_refusal_into_an_empty_project_makes_no_folder(tmp_path: Path) -> None:
    root = tmp_path / "fresh"
    root.mkdir()
    with pytest.raises(DataError):
        import_files([write(tmp_path / "bad.csv", "a,b\n1,2\n")], Project(root))
    assert tree(root) == {}


def test_the_command_raises_the_same_error(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSEVAL_PROJECT", str(project.root))
    bad = write(tmp_path / "bad.csv", ward_csv(ROW.replace(",1,2,3", ",1,x,3")))
    before = tree(project.root)
    result = CliRunner().invoke(data, ["import", str(bad)])
    assert isinstance(result.exception, CsevalError)
    assert "row 2, column 201802" in str(result.exception)
    assert result.stdout == ""
    assert tree(project.root) == before


def test_an_unreadable_file_is_named(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "ward.csv", ward_csv())
    real = Path.open

    def locked(self: Path, *args: object, **kwargs: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(DataError, match=r"ward\.csv: cannot be read \(Permission denied\)"):
        import_files([path], project)


def test_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write(tmp_path / STREET, street_csv()), write(tmp_path / "new.csv", ward_csv())]
    before = tree(project.root)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cseval.sources.importing.os.fsync", full)
    with pytest.raises(DataError, match="No space left"):
        import_files(files, project)
    assert tree(project.root) == before

"""Importing, the lock, the catalogue and the two commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from samples import (
    STREET_HEADER,
    geojson,
    lookup_csv,
    population_csv,
    street_csv,
    street_row,
    table,
    tree,
    ward_csv,
    write,
    write_zip,
)

from cseval.cli.data import data
from cseval.errors import CsevalError, DataError, UsageError
from cseval.project import Project
from cseval.sources import geography, population
from cseval.sources.catalogue import Catalogue
from cseval.sources.importing import import_files
from cseval.sources.kinds import KINDS, read_register
from cseval.sources.mps import read_wards
from cseval.sources.police_street import read_streets

STREET = "2018-05-metropolitan-street.csv"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setenv("CSEVAL_PROJECT", str(root))
    return Project(root)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """One good file of five kinds."""
    folder = tmp_path / "downloads"
    return [
        write(folder / "ward.csv", ward_csv()),
        write(folder / STREET, street_csv()),
        write(folder / "map.geojson.gz", geojson()),
        write(folder / "people.csv", population_csv()),
        write(folder / "lookup.csv", lookup_csv()),
    ]


def run(*args: str) -> str:
    result = CliRunner().invoke(data, list(args), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_good_files_are_copied_read_only_and_recorded(project: Project, files: list[Path]) -> None:
    entries = import_files(files, project)
    assert [e.kind for e in entries] == [
        "mps-ward", "police-street", "ward-boundaries", "ward-population", "lsoa-lookup",
    ]  # fmt: skip
    for source, entry in zip(files, entries, strict=True):
        copy = project.root / entry.path
        assert copy == project.raw / entry.kind / source.name
        assert copy.read_bytes() == source.read_bytes()
        assert copy.stat().st_mode & 0o777 == 0o444
    assert (entries[0].rows, entries[0].first_month, entries[0].last_month) == (3, "2018-01", "2018-03")
    assert not [p for p in tree(project.root) if p.endswith(".part")]


def test_importing_again_changes_nothing(project: Project, files: list[Path]) -> None:
    import_files(files, project)
    before = tree(project.root)
    stamps = {p: p.stat().st_mtime_ns for p in project.root.rglob("*")}
    import_files(list(reversed(files)), project)
    import_files([project.raw / "mps-ward" / "ward.csv"], project)
    assert tree(project.root) == before
    assert {p: p.stat().st_mtime_ns for p in project.root.rglob("*")} == stamps


def test_the_lock_is_the_same_whatever_the_order(tmp_path: Path, files: list[Path]) -> None:
    texts = []
    for name, order in (("a", files), ("b", files[::-1])):
        (tmp_path / name).mkdir()
        found = Project(tmp_path / name)
        for path in order:
            import_files([path], found)
        texts.append(found.lock.read_bytes())
    assert texts[0] == texts[1]
    assert str(tmp_path).encode() not in texts[0]


def test_a_file_of_the_same_name_replaces_the_earlier_one_and_says_so(project: Project, files: list[Path]) -> None:
    run("import", str(files[0]))
    write(files[0], ward_csv("Theft,Shoplifting,Weavers,E05009335,Tower Hamlets,7,8,9"))
    assert "replaces an earlier file" in run("import", str(files[0]))
    assert read_wards(Catalogue.imported(project)).counts["theft"].tolist() == [[7, 8, 9]]
    assert "already imported" in run("import", str(files[0]))
    assert len(Catalogue.imported(project).entries) == 1


def test_two_files_of_one_name_in_one_import_are_refused(project: Project, tmp_path: Path, files: list[Path]) -> None:
    other = write(tmp_path / "other" / "ward.csv", ward_csv("Theft,X,W,E05009335,Tower Hamlets,7,8,9"))
    with pytest.raises(DataError, match="same name"):
        import_files([files[0], other], project)
    assert len(import_files([files[0], files[0]], project)) == 1


def test_a_folder_of_street_files_and_an_archive(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    for month in ("2018-05", "2018-06"):
        write(folder / month / f"{month}-metropolitan-street.csv", street_csv(street_row(month=month)))
        write(folder / month / f"{month}-metropolitan-outcomes.csv", "ignored")
    entries = import_files([folder], project)
    assert [e.path for e in entries] == [
        f"data/raw/police-street/{m}-metropolitan-street.csv" for m in ("2018-05", "2018-06")
    ]
    assert "2 files that are not street files were left aside" in entries[0].notes[-1]
    july = street_csv(street_row(month="2018-07"))
    import_files([write_zip(tmp_path / "july.zip", {"2018-07/2018-07-metropolitan-street.csv": july})], project)
    street = read_streets(Catalogue.imported(project))
    assert tuple(street.received) == ("2018-05", "2018-06", "2018-07")
    assert len(street.panel.provenance) == 3


def test_a_tampered_raw_file_is_refused_by_name(project: Project, files: list[Path]) -> None:
    import_files(files, project)
    copy = project.raw / "mps-ward" / "ward.csv"
    copy.chmod(0o644)
    copy.write_text(copy.read_text().replace(",1,2,3", ",1,2,4"))
    with pytest.raises(DataError, match=r"ward\.csv: the file has changed"):
        Catalogue.imported(project)
    assert "changed  mps-ward" in run("status")
    import_files([files[0]], project)
    assert Catalogue.imported(project).has("mps-ward")


def test_a_file_that_is_gone_is_absent(project: Project, files: list[Path]) -> None:
    import_files(files, project)
    (project.raw / "mps-ward" / "ward.csv").unlink()
    found = Catalogue.imported(project)
    assert [e.kind for e in found.absent] == ["mps-ward"]
    assert found.missing(("mps-ward", "police-street")) == ("mps-ward",)
    assert "absent   mps-ward" in run("status")
    import_files([files[0]], project)
    assert Catalogue.imported(project).absent == ()


LOCKS = {
    "not JSON": "{",
    "empty": "",
    "another type": "[]",
    "another format": '{"files": [], "format": 99}',
    "no fields": '{"files": [{}], "format": 1}',
    "deep nesting": "[" * 100_000,
}


@pytest.mark.parametrize("text", LOCKS.values(), ids=LOCKS.keys())
def test_a_damaged_lock_is_refused_and_left_alone(project: Project, files: list[Path], text: str) -> None:
    import_files(files[:1], project)
    project.lock.write_text(text)
    before = tree(project.root)
    for action in (lambda: Catalogue.imported(project), lambda: import_files(files, project)):
        with pytest.raises(DataError, match=r"sources\.lock\.json: a damaged record"):
            action()
    assert tree(project.root) == before


@pytest.mark.parametrize("path", ["/etc/passwd", "data/raw/../../x", "data/raw/mps-ward/../x", "ward.csv"])
def test_a_lock_that_points_outside_is_refused(project: Project, files: list[Path], path: str) -> None:
    import_files(files[:1], project)
    document = json.loads(project.lock.read_text())
    document["files"][0]["path"] = path
    project.lock.write_text(json.dumps(document))
    with pytest.raises(DataError, match="outside data/raw"):
        Catalogue.imported(project)


def test_a_raw_folder_that_cannot_be_made_is_named(project: Project, files: list[Path]) -> None:
    write(project.root / "data", "a file where a folder belongs")
    before = tree(project.root)
    with pytest.raises(DataError, match="cannot be written"):
        import_files(files, project)
    assert tree(project.root) == before


def test_a_file_that_changes_while_imported_is_refused(
    project: Project, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cseval.sources.files.sha256", lambda path: "0" * 64)
    with pytest.raises(DataError, match="changed while it was being imported"):
        import_files(files, project)
    assert tree(project.root) == {}


def test_the_commands_print_every_fact_and_note(project: Project, files: list[Path], tmp_path: Path) -> None:
    write(files[1], street_csv(street_row(), street_row(lsoa="")))
    text = run("import", *map(str, files))
    assert "mps-ward: MPS Recorded Crime: Geographic Breakdown, ward level, 3 rows, 2018-01 to 2018-03" in text
    assert f"-> data/raw/police-street/{STREET} (new)" in text
    assert "note: 1 of 2 rows have no LSOA" in text
    status = run("status")
    assert all(kind in status for kind in KINDS)
    assert "get it: London Datastore" in status
    found = {k["kind"]: k for k in json.loads(run("status", "--json"))}
    assert found["mps-ward"]["state"] == "present"
    assert found["mps-ward"]["files"][0]["last_month"] == "2018-03"
    assert found["mps-borough"]["state"] == "absent"


def test_control_characters_in_a_file_name_do_not_reach_the_terminal(project: Project, tmp_path: Path) -> None:
    path = write(tmp_path / "a\x1b[2Jb.csv", ward_csv())
    assert "\x1b" not in run("import", str(path))


def test_help_has_an_example_and_needs_no_data_library() -> None:
    for command in ([], ["import"], ["status"]):
        assert "Example:" in run(*command, "--help")
    code = "import sys, cseval.cli.data, cseval.project; print([m for m in ('pandas', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_boundaries_and_population_are_chosen_by_the_units(project: Project, tmp_path: Path, files: list[Path]) -> None:
    old = write(tmp_path / "old.geojson", geojson().replace("WD24", "WD14").replace("E0500000", "E0599999"))
    import_files([*files, old], project)
    catalogue = Catalogue.imported(project)
    assert geography.boundaries_for(catalogue, "ward-boundaries", ("E05000001",)).units[0] == "E05000001"
    assert population.population_of(catalogue, "ward-population", ("E05000002",)).provenance[0].rows == 4
    with pytest.raises(DataError, match=r"1 of 1 units have no boundary \(first: E05123456\)"):
        geography.boundaries_for(catalogue, "ward-boundaries", ("E05123456",))
    with pytest.raises(DataError, match="E05123456"):
        population.population_of(catalogue, "ward-population", ("E05123456",))


def test_a_folder_without_known_files_says_so(project: Project, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file of a known format"):
        Catalogue.folder(tmp_path / "project")
    write(tmp_path / "x" / "bad.csv", table(STREET_HEADER, street_row(month="x")))
    with pytest.raises(CsevalError, match=r"bad\.csv, row 2"):
        Catalogue.folder(tmp_path / "x")
    with pytest.raises(DataError, match="not a folder"):
        Catalogue.folder(tmp_path / "nowhere")


def test_the_register_describes_every_kind(tmp_path: Path) -> None:
    assert tuple(read_register(Project(tmp_path).sources_toml)) == KINDS
    broken = write(tmp_path / "sources.toml", "[mps-ward]\ntitle = 1\n")
    with pytest.raises(DataError, match=r"\[mps-ward\]: an incomplete entry"):
        read_register(broken)


def test_a_project_is_the_nearest_folder_with_an_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CSEVAL_PROJECT", raising=False)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert Project.find(inner).root == inner
    write(tmp_path / "a" / "analyses" / "__init__.py", "")
    assert Project.find(inner).root == inner
    write(tmp_path / "a" / "analyses" / "mine.py", "")
    assert Project.find(inner).root == tmp_path / "a"
    assert Project.find(inner).analyses == tmp_path / "a" / "analyses"
    monkeypatch.chdir(inner)
    assert Project.find().root == tmp_path / "a"
    monkeypatch.setenv("CSEVAL_PROJECT", str(inner))
    assert Project.find().root == inner
    monkeypatch.setenv("CSEVAL_PROJECT", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="CSEVAL_PROJECT"):
        Project.find()


def test_a_project_of_its_own_falls_back_to_the_founding_tables(tmp_path: Path) -> None:
    empty = Project(tmp_path)
    assert empty.sources_toml.is_file()
    assert empty.reference.name == "reference"
    assert empty.outputs == tmp_path / "outputs"
    (tmp_path / "data" / "reference").mkdir(parents=True)
    assert empty.reference == tmp_path / "data" / "reference"

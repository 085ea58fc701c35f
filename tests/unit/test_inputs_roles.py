"""The roles CSV, which a non-programmer edits: what is read, and what is refused where."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from builders import inputs, poisson_counts

from cseval.errors import DataError, DesignError
from cseval.inputs import Roles, parse_roles, read_roles
from cseval.panel import Provenance

GOOD = "unit,role,name\nE1,treated,One\nE2,buffer,Two\nE3,excluded,Three\nE4,comparison,Four\n"


def write(folder: Path, content: bytes | str) -> Path:
    path = folder / "roles.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace("unit,role", " Unit , ROLE "),
        GOOD.replace("E1,treated", " E1 ,  Treated "),
        GOOD.replace("E2,buffer", "\n , ,\nE2,buffer"),
        "name,role,unit\nOne,treated,E1\nTwo,buffer,E2\nThree,excluded,E3\n",
        GOOD.replace("One", '"One, or\nthereabouts"').replace("Two", "Zwölf"),
        GOOD.rstrip("\n"),
    ],
    ids="plain bom crlf cr spaced-header spaced-cells blank-rows other-order quoted no-last-newline".split(),
)
def test_roles_that_are_read(tmp_path, content):
    roles = read_roles(write(tmp_path, content))
    assert (roles.treated, roles.buffer, roles.excluded) == ({"E1"}, {"E2"}, {"E3"})


#: name: (content, where in the file, what is said of it)
MALFORMED = {
    "empty file": ("", "row 1", "(empty file)"),
    "blank lines only": ("\n\n", "row 1", "(empty file)"),
    "header of another file": ("code,name\nE1,One\n", "row 1", "header code, name"),
    "no role column": ("unit,name\nE1,One\n", "row 1", "columns unit and role"),
    "semicolons": ("unit;role\nE1;treated\n", "row 1", "columns unit and role"),
    "no header": ("E1,treated\nE2,buffer\n", "row 1", "columns unit and role"),
    "role twice": ("unit,role,role\nE1,treated,buffer\n", "row 1", "one column unit and one column role"),
    "header only": ("unit,role\n", "", "no treated unit"),
    "no treated": ("unit,role\nE1,buffer\n", "", "no treated unit"),
    "unknown role": (GOOD.replace("E3,excluded", "E3,control"), "row 4, column role", "role 'control'"),
    "empty role": (GOOD.replace("E3,excluded", "E3,"), "row 4, column role", "role ''"),
    "duplicate unit": (GOOD + "E1,buffer,One\n", "row 6, column unit", "unit 'E1' again"),
    "duplicate with the same role": (GOOD + "E2,buffer,Two\n", "row 6, column unit", "unit 'E2' again"),
    "blank unit": (GOOD.replace("E2,", " ,"), "row 3, column unit", "an empty unit"),
    "short row": (GOOD.replace("E2,buffer,Two", "E2,buffer"), "row 3", "2 cells; expected 3"),
    "long row": (GOOD.replace("Two", "Two,too"), "row 3", "4 cells; expected 3"),
    "quote never closed": (GOOD.replace("E2,buffer", '"E2,buffer'), "row 3", "1 cells; expected 3"),
    "NUL": (GOOD.replace("Two", "T\0wo"), "", "NUL bytes"),
    "Latin-1": (GOOD.replace("Two", "Zw\xf6lf").encode("latin-1"), "", "UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "", "UTF-8"),
    "UTF-16 without a mark": (GOOD.encode("utf-16-le"), "", "NUL bytes"),
    "cut off": (GOOD.encode()[:40] + b"\xc3", "", "UTF-8"),
    "endless cell": (GOOD.replace("Two", "x" * 10_000_000), "row 3", "field larger than field limit"),
    "a workbook": (b"PK\x03\x04" + bytes(range(256)), "", "UTF-8"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_roles_name_the_file_and_the_place(tmp_path, name):
    content, place, said = MALFORMED[name]
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_roles(path)
    assert caught.value.where == (f"{path}, {place}" if place else str(path))
    message = str(caught.value)
    assert message.startswith(f"{caught.value.where}: ")
    assert said in message
    assert "expected" in message
    assert len(message) < len(str(path)) + 250
    assert caught.value.exit_code == 2


def test_absent_file_and_folder_are_refused_by_name(tmp_path):
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(DataError, match=re.escape(f"{path}: cannot be read")):
            read_roles(path)


def test_text_can_be_parsed_without_a_file():
    assert parse_roles(GOOD.replace("\n", "\r"), "upload").treated == {"E1"}
    with pytest.raises(DataError, match="upload, row 2, column role: role 'x'"):
        parse_roles("unit,role\nE1,x\n", "upload")


def test_roles_without_a_treated_unit_are_refused():
    with pytest.raises(DesignError, match="no unit is treated"):
        Roles(treated=frozenset())


def test_groups_and_sources():
    own = Provenance(kind="k", title="t", publisher="p", licence="l", path="f", sha256="", rows=1)
    given = inputs(poisson_counts(4, 6), treated=[0])
    given = replace(given, groups={"inner": frozenset({"U001"})}, provenance=(own,))
    assert given.group("all") == set(given.panel.units)
    assert given.group("inner") == {"U001"}
    assert given.sources == (own,)
    with pytest.raises(DesignError, match="no comparison group 'outer'; expected one of all, inner"):
        given.group("outer")

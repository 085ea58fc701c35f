"""The data files: schema, bytes, data package, manifest, hostile content."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import numpy as np
import pandas as pd
import pytest
from result_builders import COMMAND, HASH, HOSTILE_LABEL, make_result

from cseval.checks.specification_curve import CURVE_COLUMNS
from cseval.errors import DataError
from cseval.estimate import EFFECT_COLUMNS
from cseval.reporting.columns import DESCRIPTIONS
from cseval.reporting.files import csv_bytes, data_frames, field_type
from cseval.reporting.manifest import read_headline
from cseval.reporting.write import build_outputs, write_outputs
from cseval.result import (
    CALIBRATION_COLUMNS,
    CHECK_COLUMNS,
    DETECTABLE_COLUMNS,
    DISPLACEMENT_COLUMNS,
    EVENT_COLUMNS,
    INFERENCE_COLUMNS,
    PLACEBO_COLUMNS,
    POWER_COLUMNS,
    SERIES_COLUMNS,
)

SCHEMAS = {
    "effects": EFFECT_COLUMNS,
    "series": SERIES_COLUMNS,
    "event_study": EVENT_COLUMNS,
    "placebo": PLACEBO_COLUMNS,
    "checks": CHECK_COLUMNS,
    "calibration": CALIBRATION_COLUMNS,
    "displacement": DISPLACEMENT_COLUMNS,
    "inference": INFERENCE_COLUMNS,
    "power": POWER_COLUMNS,
    "detectable": DETECTABLE_COLUMNS,
    "specification_curve": CURVE_COLUMNS,
}


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


@pytest.mark.parametrize("name", SCHEMAS)
def test_csv_has_the_columns_of_the_contract(outputs, name):
    found = rows(outputs[f"{name}.csv"])
    assert found[0][: len(SCHEMAS[name])] == list(SCHEMAS[name])
    assert len(found) > 1
    assert {len(r) for r in found} == {len(found[0])}


def test_every_csv_is_utf8_with_lf_and_ten_digits(outputs):
    for path, content in outputs.items():
        if path.endswith(".csv"):
            assert b"\r" not in content
            assert not content.startswith(b"\xef\xbb\xbf")
            for cell in (c for r in rows(content)[1:] for c in r):
                digits = cell.lstrip("-").replace(".", "").lstrip("0")
                if digits.isdigit():
                    assert len(digits) <= 10, (path, cell)


def test_the_contract_of_the_folder_is_kept(outputs):
    expected = (
        "effects.csv effects.json effects.md effects.html effects.docx effects.xlsx report.html report.md report.docx "
    )
    expected += "places.json manifest.json datapackage.json"
    assert set(expected.split()) <= set(outputs)
    figures = {p.split("/")[1].split(".")[0] for p in outputs if p.startswith("figures/")}
    assert figures == set(
        "series forest event-study placebo displacement calibration its roles-map timeline power".split()
    ) | {"specification-curve"}
    for name in figures:
        assert {f"figures/{name}.{e}" for e in ("png", "svg", "csv")} <= set(outputs)


def test_two_builds_give_the_same_bytes(outputs):
    again = build_outputs(make_result(durations={"estimate": 99.0}), protocol_hash=HASH, command=COMMAND)
    assert list(again) == list(outputs)
    for path in outputs:
        if path != "manifest.json":
            assert again[path] == outputs[path], path
    first, second = (json.loads(o["manifest.json"]) for o in (outputs, again))
    assert first.pop("run") != second.pop("run")
    assert first == second


def test_manifest_lists_every_other_file_with_its_hash(outputs):
    manifest = json.loads(outputs["manifest.json"])
    listed = {o["path"]: o["sha256"] for o in manifest["outputs"]}
    assert set(listed) == set(outputs) - {"manifest.json"}
    assert all(hashlib.sha256(outputs[p]).hexdigest() == h for p, h in listed.items())
    assert manifest["data"] == "demonstration"
    assert manifest["protocol_sha256"] == HASH
    assert manifest["seed"] == 7
    assert all(len(g["alt"]) >= 40 for g in manifest["figures"])


def test_data_package_describes_every_csv_and_column(outputs):
    package = json.loads(outputs["datapackage.json"])
    paths = {r["path"]: r for r in package["resources"]}
    assert set(paths) == {p for p in outputs if p.endswith(".csv")}
    for path, resource in paths.items():
        fields = resource["schema"]["fields"]
        assert [x["name"] for x in fields] == rows(outputs[path])[0]
        assert all(x["name"] in DESCRIPTIONS and x["description"] for x in fields), path
        assert resource["hash"] == "sha256:" + hashlib.sha256(outputs[path]).hexdigest()


def test_types_of_columns():
    frame = pd.DataFrame({"period": ["2018-05"], "n": [1], "x": [1.5], "t": ["a"], "b": [True]})
    frame["o"] = pd.Series([1.5], dtype=object)
    assert [field_type(c, frame[c]) for c in frame] == ["yearmonth", "integer", "number", "string", "boolean", "number"]


def test_effects_json_holds_the_headline_and_every_row(outputs, result):
    content = json.loads(outputs["effects.json"])
    assert content["headline"] == result.headline
    assert content["data"] == "demonstration"
    assert len(content["effects"]) == len(result.effects)
    assert content["effects"][0]["p_adjusted"] is None


def test_formulas_in_labels_are_neutralised(hostile):
    assert f"'{HOSTILE_LABEL}" in [c for r in rows(hostile["figures/forest.csv"]) for c in r]
    for path, content in hostile.items():
        if path.endswith(".csv"):
            assert not [c for r in rows(content) for c in r if c.startswith(("=", "@", "+"))]


def test_cells_of_every_kind():
    frame = pd.DataFrame(
        {"n": [np.int64(3)], "x": [np.float64("nan")], "b": [np.bool_(True)], "t": [None], "=h": ["-a"]}
    )
    assert csv_bytes(frame) == b"n,x,b,t,'=h\n3,,true,,'-a\n"


def test_further_columns_come_after_the_contract(result):
    changed = make_result()
    effects = changed.effects.assign(extra=1)[["extra", *EFFECT_COLUMNS]]
    frames = data_frames(make_result(effects=effects))
    assert list(frames["effects"]) == [*EFFECT_COLUMNS, "extra"]


def test_a_missing_column_is_an_error(result):
    with pytest.raises(DataError, match="p_value"):
        data_frames(make_result(effects=result.effects.drop(columns="p_value")))


def test_headline_is_read_from_the_manifest(tmp_path, result):
    folder = tmp_path / "pilot"
    written = write_outputs(result, folder, protocol_hash=HASH, command=COMMAND)
    assert all(p.is_file() for p in written)
    found = read_headline(folder)
    assert found is not None
    assert (found.evaluation, found.data, found.headline) == ("pilot-evaluation", "demonstration", result.headline)
    assert read_headline(tmp_path / "nothing") is None
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="manifest"):
        read_headline(folder)

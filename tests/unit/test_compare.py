"""Outputs made again against those on disk: documents and workbooks part by part, numbers with a tolerance."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from cseval.compare import compare_outputs


def archive(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in parts.items():
            made.writestr(name.replace("__", "/").replace("_xml", ".xml").replace("_png", ".png"), text)
    return out.getvalue()


def written(folder, **files: bytes):
    made = {name.replace("_", "."): content for name, content in files.items()}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return made


@pytest.mark.parametrize("ending", ["docx", "xlsx"])
def test_archives_are_compared_by_part_and_their_pictures_are_not(tmp_path, ending):
    made = written(tmp_path, **{f"report_{ending}": archive(word__a_xml="<v>12.3456789</v> one", media__p_png="\x89P")})
    assert compare_outputs(made, tmp_path) == []
    name = f"report.{ending}"
    near = archive(word__a_xml="<v>12.34567891</v> one", media__p_png="other pixels")
    assert compare_outputs({name: near}, tmp_path) == []
    far = archive(word__a_xml="<v>12.3466789</v> one", media__p_png="\x89P")
    assert compare_outputs({name: far}, tmp_path) == [f"{name}: part word/a.xml differs"]
    words = archive(word__a_xml="<v>12.3456789</v> two", media__p_png="\x89P")
    assert compare_outputs({name: words}, tmp_path) == [f"{name}: part word/a.xml differs"]
    fewer = archive(word__a_xml="<v>12.3456789</v> one")
    assert compare_outputs({name: fewer}, tmp_path) == []
    other = archive(word__b_xml="<v>12.3456789</v> one")
    assert compare_outputs({name: other}, tmp_path) == [f"{name}: holds other parts"]


def test_an_archive_that_was_damaged_is_a_difference_and_no_fault(tmp_path):
    made = written(tmp_path, effects_xlsx=archive(a_xml="<v>1</v>"))
    (tmp_path / "effects.xlsx").write_bytes(made["effects.xlsx"][:40])
    assert compare_outputs(made, tmp_path) == ["effects.xlsx: is no document that can be opened"]


def test_pixels_of_pictures_do_not_count_in_places(tmp_path):
    def places(digest: str, text: str) -> bytes:
        return json.dumps({"figures": {"series": {"sha256": digest, "alt": text}}}).encode()

    written(tmp_path, places_json=places("aa", "falls"))
    assert compare_outputs({"places.json": places("bb", "falls")}, tmp_path) == []
    assert compare_outputs({"places.json": places("aa", "rises")}, tmp_path) != []

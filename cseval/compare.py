"""Compare outputs made again with those on disk: numbers with a tolerance, text exactly."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cseval.reporting.printed import PLACES

TOLERANCE = 1e-6
_DECIMAL = re.compile(r"(-?\d+\.\d+)")
#: Letters of a value that are printed.
LONGEST = 200

#: Rendered from the tables, so a difference in them shows there: pixels and fonts differ between machines.
RENDERED = (".png", ".svg")
#: Zip archives of XML parts: Word documents and workbooks.
ARCHIVES = (".docx", ".xlsx")


def compare_outputs(made: Mapping[str, bytes], folder: Path) -> list[str]:
    """Differences between freshly made outputs and a folder, each in one line.

    Parameters
    ----------
    made : mapping of str to bytes
        Path in the folder, and content.
    folder : Path

    Notes
    -----
    CSV and JSON are compared value by value, numbers to a relative and absolute 1e-6; pages, and documents and
    workbooks part by part, exactly but for decimal numbers, once their pictures are taken out; the manifest without
    its ``run`` block and output hashes.
    """
    found = [f"{p}: not on disk" for p in made if not (folder / p).is_file()]
    here = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    found += [f"{p}: on disk, and no longer made" for p in sorted(here - set(made))]
    for path, content in made.items():
        if (folder / path).is_file() and not path.endswith(RENDERED):
            found += [f"{path}: {d}" for d in _differences(path, content, (folder / path).read_bytes())]
    return found


def _differences(path: str, made: bytes, old: bytes) -> list[str]:
    if path.endswith(".csv"):
        return _rows(_read_csv(made), _read_csv(old))
    if path.endswith(".json"):
        return _values(_comparable(path, json.loads(made)), _comparable(path, json.loads(old)), "")[:5]
    if path.endswith(ARCHIVES):
        return _parts(made, old)
    return [] if _same_text(made, old) else ["text differs"]


def _parts(made: bytes, old: bytes) -> list[str]:
    """Differences between two archives of XML parts; pictures are not compared."""
    try:
        new, was = _read_parts(made), _read_parts(old)
    except (zipfile.BadZipFile, zlib.error):
        return ["is no document that can be opened"]
    if list(new) != list(was):
        return ["holds other parts"]
    return [f"part {name} differs" for name in new if not _same_text(new[name], was[name])]


def _read_parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith(RENDERED)}


def _read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


def _rows(made: list[list[str]], old: list[list[str]]) -> list[str]:
    if len(made) != len(old) or (made and made[0] != old[0]):
        return [f"{len(made)} rows with header {made[0][:3]}..., {len(old)} on disk"]
    found = [
        f"row {i}, column {made[0][j]}: {a!r}, on disk {b!r}"
        for i, (new, was) in enumerate(zip(made, old, strict=True), start=1)
        for j, (a, b) in enumerate(zip(new, was, strict=False))
        if not _same(a, b)
    ]
    return found[:5]


def _same(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return math.isclose(float(a), float(b), rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    except ValueError:
        return False


def _comparable(path: str, content: Any) -> Any:
    """A manifest without what may differ: the run block, versions and the hashes of outputs."""
    if path == "manifest.json" and isinstance(content, dict):
        left_out = ("run", "outputs", "versions", "python", "packages", "cseval")
        return {k: v for k, v in content.items() if k not in left_out}
    if path in ("datapackage.json", PLACES):
        return _without_hashes(content)
    return content


def _without_hashes(content: Any) -> Any:
    if isinstance(content, dict):
        return {k: _without_hashes(v) for k, v in content.items() if k not in ("hash", "bytes", "sha256")}
    return [_without_hashes(v) for v in content] if isinstance(content, list) else content


def _values(made: Any, old: Any, where: str) -> list[str]:
    if isinstance(made, dict) and isinstance(old, dict):
        keys = sorted(set(made) | set(old))
        return [d for k in keys for d in _values(made.get(k), old.get(k), f"{where}/{k}")]
    if isinstance(made, list) and isinstance(old, list) and len(made) == len(old):
        return [d for i, (a, b) in enumerate(zip(made, old, strict=True)) for d in _values(a, b, f"{where}/{i}")]
    numbers = isinstance(made, (int, float)) and isinstance(old, (int, float))
    same = math.isclose(made, old, rel_tol=TOLERANCE, abs_tol=TOLERANCE) if numbers else made == old
    return [] if same else [f"{where}: {_told(made)}, on disk {_told(old)}"]


def _told(value: Any) -> str:
    """A value as a line has room for it."""
    if isinstance(value, (list, dict)):
        return f"{len(value)} entries"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _same_text(made: bytes, old: bytes) -> bool:
    """Whether two texts say the same, decimal numbers with the tolerance."""
    new, was = (_DECIMAL.split(_without_pictures(text)) for text in (made, old))
    return len(new) == len(was) and all(map(_same, new, was))


def _without_pictures(page: bytes) -> str:
    """A text with embedded pictures and package versions taken out."""
    text = re.sub(r"data:image/[^\"']+", "data:", page.decode(errors="replace"))
    return re.sub(r"\b\d+\.\d+(\.\d+)+\b", "VERSION", text)

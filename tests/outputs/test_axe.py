"""Every page that cseval writes passes axe-core in Chromium: at desktop and phone width, offline, running nothing.

Needs node, Chromium and the modules playwright-core and axe-core, in the folder CSEVAL_AXE or the working folder. Where
one is missing these tests are skipped, unless CSEVAL_AXE is set: then they fail, so that no check is lost unseen.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from markupsafe import escape
from result_builders import COMMAND, HASH, HOSTILE_WARD, make_result

from cseval.reporting.write import build_outputs

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "axe.mjs"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WIDTHS = (1280, 320)
OUTPUTS = ROOT / "outputs"
#: A label that a spreadsheet would run, with an address that nothing may ask for.
LABEL = '=HYPERLINK("http://x")'
#: What must be found in a page made to be bad: the check that finds nothing there finds nothing anywhere.
BAD = """<!DOCTYPE html><html><head><title>Bad</title></head><body><h1>Bad</h1><h5>Skipped</h5>
<p style="color:#aaa;width:2000px">pale and too wide</p><img src="x.png" onerror="alert(1)"><script>alert(2)</script>
</body></html>"""


def missing():
    """What stands in the way, in words; empty if nothing does."""
    folders = [Path(f) for f in (os.environ.get("CSEVAL_AXE"), os.getcwd()) if f]
    wanted = {
        "node": shutil.which("node"),
        f"Chromium at {CHROMIUM}": Path(CHROMIUM).exists(),
        **{m: any((f / "node_modules" / m).is_dir() for f in folders) for m in ("playwright-core", "axe-core")},
    }
    return ", ".join(name for name, found in wanted.items() if not found)


def whole_page(fragment):
    """A fragment in a page without any style of its own, as it may be pasted anywhere."""
    return (
        '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>Effects</title><meta name="viewport" '
        'content="width=device-width, initial-scale=1"></head><body style="margin: 0; color: #000; background: #fff">'
        f"<main><h1>Effects</h1>{fragment}</main></body></html>"
    )


def look(pages):
    """What is found in each page at each width, by name and width; one browser looks at all of them."""
    command = ["node", str(SCRIPT), "--json", *map(str, pages.values())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode in (0, 1), done.stderr
    names = {str(path): name for name, path in pages.items()}
    return {(names[r["page"]], r["width"]): r["findings"] for r in json.loads(done.stdout)}


def written(folder, texts):
    """Each text as a file of its own."""
    pages = {name: folder / f"{number}.html" for number, name in enumerate(texts)}
    for name, path in pages.items():
        path.write_text(texts[name], encoding="utf-8")
    return pages


@pytest.fixture
def browser():
    """Leave the test where there is no browser to look with; fail it where one was promised."""
    lacking = missing()
    if lacking and os.environ.get("CSEVAL_AXE"):
        pytest.fail(f"CSEVAL_AXE is set, but these are missing: {lacking}")
    if lacking:
        pytest.skip(f"missing: {lacking} (npm i --no-save playwright-core axe-core)")


@pytest.mark.usefixtures("browser")
def test_every_page_passes(tmp_path, monkeypatch):
    """One test for all, so that one browser looks at them however the tests are shared out."""
    monkeypatch.setattr("result_builders.HOSTILE_LABEL", LABEL)
    hostile = build_outputs(make_result(hostile=True), protocol_hash=HASH, command=COMMAND)
    assert escape(LABEL) in hostile["report.html"].decode()
    assert escape(HOSTILE_WARD) in hostile["report.html"].decode()
    real = build_outputs(make_result(data="real"), protocol_hash=HASH, command=COMMAND)
    parts = [*sorted(OUTPUTS.rglob("effects.html")), *OUTPUTS.glob("claims/claims.html")]
    fragments = {str(p.relative_to(ROOT)): p.read_text("utf-8") for p in parts}
    fragments["a hostile fragment"] = hostile["effects.html"].decode()
    texts = {name: whole_page(fragment) for name, fragment in fragments.items()}
    texts |= {"a hostile page": hostile["report.html"].decode(), "a page of real data": real["report.html"].decode()}
    committed = {str(p.relative_to(ROOT)): p for p in sorted(OUTPUTS.rglob("report.html"))}
    found = look(committed | written(tmp_path, texts))
    assert len(found) == len(WIDTHS) * (len(committed) + len(texts)) >= 2 * (5 + 6 + 3)
    assert [f"{page} at {width}: {fault}" for (page, width), faults in found.items() for fault in faults] == []


@pytest.mark.usefixtures("browser")
def test_a_bad_page_does_not_pass(tmp_path):
    found = look(written(tmp_path, {"bad": BAD}))
    for width in WIDTHS:
        said = "\n".join(found["bad", width])
        for fault in ("html-has-lang", "image-alt", "heading-order", "color-contrast", "asks for", "sideways"):
            assert fault in said
        for fault in ("runs alert: ", "runs <script>", "onerror"):
            assert fault in said


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CSEVAL_AXE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert "playwright-core, axe-core" in missing()
    for module in ("playwright-core", "axe-core"):
        (tmp_path / "node_modules" / module).mkdir(parents=True)
    assert "axe-core" not in missing()

"""The worked module of analyses/README.md runs as it is printed there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_project import make_project

README = Path(__file__).resolve().parents[2] / "analyses" / "README.md"


@pytest.fixture
def worked(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(make_project(tmp_path, code, "corner_patrol.py"))
    return tmp_path


def test_its_protocol_can_be_shown(worked, cseval):
    said = cseval("show", "corner-patrol")
    assert said.code == 0
    assert "Corner patrol" in said.out


def test_its_designs_can_be_made(worked, cseval):
    said = cseval("check", "corner-patrol")
    assert (said.code, said.out.splitlines()[-1]) == (0, "0 problems.")


def test_it_runs(worked, cseval):
    said = cseval("run", "corner-patrol", "--draws", 99)
    assert said.code == 0
    assert (worked / "outputs" / "demonstration" / "corner-patrol" / "report.html").is_file()

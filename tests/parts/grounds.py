"""Folders that the tests of parts look at."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "data" / "reference"
DATA = ROOT.parent / "shared" / "data"

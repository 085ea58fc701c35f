"""Reading the golden files: columns as arrays, empty cells said to be so."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

MISSING = ("", "NA")


def columns(path: Path) -> dict[str, np.ndarray]:
    """Columns of a CSV file, plain or gzipped, as arrays of text."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {key: np.array([r[key] for r in rows]) for key in rows[0]}


def complete(data: dict[str, np.ndarray], names: list[str] | None = None) -> dict[str, np.ndarray]:
    """Rows in which none of these columns, or of all, is empty."""
    filled = np.all([~np.isin(data[k], MISSING) for k in names or data], axis=0)
    return {k: v[filled] for k, v in data.items()}


def numbers(data: dict[str, np.ndarray], *names: str) -> np.ndarray:
    """Columns as numbers, shape (rows, names)."""
    return np.column_stack([data[n].astype(float) for n in names])

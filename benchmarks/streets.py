"""Street files of the size of the Metropolitan Police's, made up, and counting them by area, month and type."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.timing import Contestant, Job

if TYPE_CHECKING:
    from benchmarks.panels import Size

HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context\n"
)
FORCE = "Metropolitan Police Service"
TYPES = (
    "Anti-social behaviour",
    "Bicycle theft",
    "Burglary",
    "Criminal damage and arson",
    "Drugs",
    "Other crime",
    "Other theft",
    "Possession of weapons",
    "Public order",
    "Robbery",
    "Shoplifting",
    "Theft from the person",
    "Vehicle crime",
    "Violence and sexual offences",
)
#: Rows of a month of the Metropolitan Police.
ROWS_A_MONTH = 95_000
_KEPT = tempfile.TemporaryDirectory(prefix="streets-")


def make(folder: Path, areas: int, months: int, rows: int = ROWS_A_MONTH) -> list[Path]:
    """Write a street file for each month of 2018 on, with a Crime ID of 64 letters for all but ASB."""
    rng, paths = np.random.default_rng(1), []
    for number in range(months):
        month = f"{2018 + number // 12}-{number % 12 + 1:02d}"
        place, kind = rng.integers(0, areas, rows), rng.choice(len(TYPES), rows, p=_shares())
        lines = [
            f"{'' if not k else f'{number:04x}{i:060x}'},{month},{FORCE},{FORCE},-0.1{p:05d},51.5{p:05d},"
            f"On or near Street {p},E01{p:06d},District {p // 150:03d} {p % 150:03d}A,{TYPES[k]},"
            f"{'' if not k else 'Investigation complete; no suspect identified'},\n"
            for i, (p, k) in enumerate(zip(place.tolist(), kind.tolist(), strict=True))
        ]
        paths.append(folder / f"{month}-metropolitan-street.csv")
        paths[-1].write_text(HEADER + "".join(lines), encoding="utf-8")
    return paths


def _shares() -> Sequence[float]:
    shares = np.linspace(3.0, 1.0, len(TYPES))
    return (shares / shares.sum()).tolist()  # type: ignore[no-any-return]


def _files(size: Size) -> list[Path]:
    folder = Path(tempfile.mkdtemp(dir=_KEPT.name))
    return make(folder, size.areas, size.months, ROWS_A_MONTH if size.areas > 1000 else 500)


def _cseval(size: Size) -> Job:
    from cseval.sources.police_street import read_street

    paths = _files(size)

    def job() -> Sequence[float]:
        panel = read_street(paths).panel
        return sorted(float(panel.counts[o].sum()) for o in panel.outcomes if panel.counts[o].sum())

    return job


def _pandas(size: Size) -> Job:
    import pandas as pd

    paths, columns = _files(size), ["Month", "LSOA code", "Crime type"]

    def job() -> Sequence[float]:
        parts = [pd.read_csv(p, usecols=columns).value_counts() for p in paths]
        return sorted(pd.concat(parts).groupby(level="Crime type").sum().astype(float).tolist())

    return job


CSEVAL = Contestant(name="cseval read_street", prepare=_cseval)
PANDAS = Contestant(name="pandas usecols", package="pandas", prepare=_pandas)

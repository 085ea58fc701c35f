"""A simulated opinion survey of fictional boroughs in rolling years, with a known change of one measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.months import add_months
from cseval.survey import QUARTER, SurveySeries

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BOROUGHS = 32
TREATED = "S01"
#: Quarters that are published before the start and after it, of rolling years.
BEFORE, AFTER = 14, 10
WINDOW = 12
#: Level of each measure, and what the programme adds to it in the treated borough, as shares.
MEASURES = {
    "listen_to_concerns": (0.70, 0.0),
    "informed_local": (0.40, 0.15),
    "good_job_local": (0.62, 0.0),
    "trust_mps": (0.80, 0.0),
}
LABELS = {
    "listen_to_concerns": "Listen to concerns",
    "informed_local": "Informed about local policing",
    "good_job_local": "Good job in the local area",
    "trust_mps": "Trust the police",
}
#: Spread of the boroughs' levels, of a quarter's drift, and of the answers of one quarter.
SPREAD, DRIFT, NOISE = 0.05, 0.006, 0.03


def simulate_survey(seed: int, start: str) -> SurveySeries:
    """Shares by fictional borough and quarter, each point a rolling year of answers, rounded to whole points.

    Parameters
    ----------
    seed : int
    start : str
        Month ``YYYY-MM`` from which the programme changes `MEASURES` in the treated borough.

    Returns
    -------
    SurveySeries
        The treated borough is `TREATED`; its name says that it is fictional.
    """
    per_window = WINDOW // QUARTER
    ends = tuple(add_months(_first_end(start), QUARTER * i) for i in range(BEFORE + AFTER))
    quarters = len(ends) + per_window - 1
    rng = np.random.default_rng([seed, 4])
    shares = {m: _windows(_quarters(rng, quarters, *MEASURES[m]), per_window) for m in MEASURES}
    units = tuple(f"S{i:02d}" for i in range(1, BOROUGHS + 1))
    return SurveySeries(
        units=units,
        ends=ends,
        shares=shares,
        received={m: np.ones((BOROUGHS, len(ends)), dtype=bool) for m in MEASURES},
        labels=LABELS,
        names={u: "Coldharrow (fictional)" if u == TREATED else f"Fictional borough {u[1:]}" for u in units},
        months_per_window=WINDOW,
        notes=("Simulated: no real place, nobody was asked.",),
    )


def _first_end(start: str) -> str:
    """Last month of the first rolling year: a whole number of quarters before the start, which begins one."""
    return add_months(start, -QUARTER * (BEFORE - 1) - 1)


def _quarters(rng: np.random.Generator, quarters: int, level: float, change: float) -> Floats:
    """Answers of each quarter alone, shape (boroughs, quarters): level, common course, drift and noise."""
    own = level + SPREAD * rng.standard_normal((BOROUGHS, 1))
    common = np.cumsum(DRIFT * rng.standard_normal(quarters))
    drift = np.cumsum(DRIFT * rng.standard_normal((BOROUGHS, quarters)), axis=1)
    values = own + common + drift + NOISE * rng.standard_normal((BOROUGHS, quarters))
    values[0, BEFORE + WINDOW // QUARTER - 1 :] += change
    clipped: Floats = np.clip(values, 0.02, 0.98)
    return clipped


def _windows(values: Floats, width: int) -> Floats:
    """Rolling years of quarters, rounded as the publisher rounds, shape (boroughs, windows)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1).mean(axis=2)
    rounded: Floats = np.round(windows, 2)
    return rounded

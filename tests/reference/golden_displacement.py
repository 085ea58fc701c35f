"""Golden cases of displacement: weighted displacement difference and relative incident rate ratio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden_data import columns

from cseval.estimators.displacement import (
    AreaWeights,
    DisplacementDifference,
    relative_incident_rate_ratio,
    weighted_displacement_difference,
)


def counts(folder: Path, case: str) -> dict[str, tuple[float, float]]:
    """Count before and after of each area of a case."""
    data = columns(folder / "wdd_counts.csv")
    rows = zip(data["case"], data["area"], data["pre"], data["post"], strict=True)
    return {area: (float(pre), float(post)) for name, area, pre, post in rows if name == case}


def _paper(folder: Path, weights: AreaWeights) -> DisplacementDifference:
    c = counts(folder, "paper")
    areas = (c[k] for k in ("treated", "control", "disp_treated", "disp_control"))
    return weighted_displacement_difference(*areas, area_weights=weights)


def _total(found: DisplacementDifference) -> dict[str, float]:
    return {
        "wdd": found.estimate,
        "se": found.std_error,
        "z": found.z,
        "ci95_lo": found.conf_low,
        "ci95_hi": found.conf_high,
    }


def paper(folder: Path) -> dict[str, float]:
    found = _paper(folder, AreaWeights())
    return _total(found) | {
        "local": found.local,
        "local_se": found.local_se,
        "displacement": found.displacement,
        "displacement_se": found.displacement_se,
    }


def time_weights(folder: Path) -> dict[str, float]:
    c = counts(folder, "time")
    found = weighted_displacement_difference(c["treated"], c["control"], time_weights=(2, 1))
    return {"wdd": found.estimate, "se": found.std_error}


def area_weights(folder: Path) -> dict[str, float]:
    return _total(_paper(folder, AreaWeights(comparison=0.9, treated=1.2, buffer_comparison=1.6, buffer=1.5)))


def rate_ratio(folder: Path) -> dict[str, float]:
    """The counts are in the case itself: treated 50 to 30, comparison 60 to 55."""
    found = relative_incident_rate_ratio((50, 30), (60, 55))
    return {
        "rirr": found.ratio,
        "log_rirr": found.log_ratio,
        "log_se": found.log_std_error,
        "wdd_same_counts": weighted_displacement_difference((50, 30), (60, 55)).estimate,
    }


CASES: dict[str, Callable[[Path], dict[str, float]]] = {
    "wdd_paper": paper,
    "wdd_time_weights": time_weights,
    "wdd_area_weights": area_weights,
    "rirr_wheeler": rate_ratio,
}

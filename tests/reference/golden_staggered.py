"""Golden cases of staggered starts: decomposition, effects by cohort and period, two stages, interaction weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from golden_data import MISSING, columns, numbers

from cseval.cohorts import NEVER
from cseval.estimators.bacon import EARLY_LATE, LATE_EARLY, UNTREATED, by_kind, decompose, two_way
from cseval.estimators.callaway_santanna_kernels import att_gt
from cseval.estimators.etwfe_linear import extended_two_way
from cseval.estimators.imputation_two_stage import two_stage
from cseval.estimators.staggered_aggregates import aggregates, cell_weights
from cseval.estimators.staggered_cohorts import cohort_panel
from cseval.estimators.sun_abraham_kernels import interaction_weighted

KINDS = {"early_late": EARLY_LATE, "late_early": LATE_EARLY, "treated_untreated": UNTREATED}


def panel(data: dict[str, np.ndarray], unit: str, value: str, start: np.ndarray) -> tuple[np.ndarray, ...]:
    """Values (units, years), the position of each unit's first treated year, and the years."""
    units, row = np.unique(data[unit], return_inverse=True)
    years, column = np.unique(data["year"].astype(int), return_inverse=True)
    values = np.full((len(units), len(years)), np.nan)
    values[row, column] = numbers(data, value)[:, 0]
    first = np.full(len(units), np.inf)
    first[row] = start
    position = np.where(first <= years[-1], np.searchsorted(years, first), NEVER)
    return values, position.astype(np.int64), years


def or_never(text: np.ndarray, never: tuple[str, ...]) -> np.ndarray:
    """Years as numbers, infinite where the text says that there is none."""
    missing = np.isin(text, never)
    return np.where(missing, np.inf, np.where(missing, "0", text).astype(float))


def decomposition(values: np.ndarray, first: np.ndarray, prefix: str = "") -> dict[str, float]:
    """The two-way estimate, its error, and the weight and mean of each kind of comparison."""
    effect, error = two_way(values, first)
    kinds = by_kind(decompose(values, first))
    found = {"twfe": effect, "twfe_se": error}
    for name, kind in KINDS.items():
        found[f"{prefix}w_{name}"], found[f"{prefix}avg_{name}"] = kinds[kind]
    return found


def averages(values: np.ndarray, first: np.ndarray, years: np.ndarray, controls: str) -> dict[str, float]:
    """Callaway and Sant'Anna's effects by cohort and year, and all their averages with analytic errors."""
    given = cohort_panel(values, first)
    cells, effects = att_gt(given, controls)
    each, kinds = effects.values(), aggregates(cells)
    weights, shares = cell_weights(kinds, cells, given.size)
    averaged = effects.combined(weights, shares @ each)
    found = {
        f"att_{years[given.first[c]]}_{years[t]}": x for c, t, x in zip(cells.cohort, cells.column, each, strict=True)
    }
    for one, x, error in zip(kinds, averaged.values(), np.sqrt(averaged.variances()), strict=True):
        kind = "dynamic" if one.kind == "event" else one.kind
        name = f"es_{one.label}" if one.kind == "event" and one.label != "overall" else f"{kind}_{one.label}"
        name = "simple" if one.kind == "simple" else name
        found |= {name: x, f"{name}_se": error}
    return found


def castle_bacon(folder: Path) -> dict[str, float]:
    data = columns(folder / "castle.csv")
    values, first, _ = panel(data, "state", "l_homicide", or_never(data["effyear"], MISSING))
    return decomposition(values, first)


def mpdta(controls: str) -> Callable[[Path], dict[str, float]]:
    def found(folder: Path) -> dict[str, float]:
        data = columns(folder / "mpdta.csv")
        return averages(*panel(data, "countyreal", "lemp", or_never(data["first_treat"], ("0",))), controls)

    return found


def etwfe_mpdta(folder: Path) -> dict[str, float]:
    data = columns(folder / "mpdta.csv")
    fit = extended_two_way(
        numbers(data, "lemp")[:, 0],
        data["countyreal"],
        data["year"].astype(int),
        or_never(data["first_treat"], ("0",)),
        numbers(data, "lpop"),
    )
    rows = {"simple": fit.average()} | {f"event_{e}": fit.at_event(e) for e in range(4)}
    return {name: x[0] for name, x in rows.items()} | {f"{name}_se": x[1] for name, x in rows.items()}


def medicaid(folder: Path) -> dict[str, float]:
    data = columns(folder / "ehec_medicaid.csv")
    values, first, years = panel(data, "stfips", "dins", or_never(data["yexp2"], MISSING))
    found = averages(values, first, years, "not-yet")
    chosen = {"cs_simple": found["simple"], "cs_simple_se": found["simple_se"]}
    return decomposition(values, first, "bacon_") | chosen | {"att_2014_2014": found["att_2014_2014"]}


def sunab(folder: Path) -> dict[str, float]:
    data = columns(folder / "base_stagg.csv")
    rows = (numbers(data, "y")[:, 0], data["id"], data["year"].astype(int))
    start = or_never(data["year_treated"], ("1000", "10000"))
    full = interaction_weighted(*rows, start, numbers(data, "x1"))
    plain = interaction_weighted(*rows, start)
    att, iid, clustered = full.att()
    found = {"att": att, "att_se_iid": iid, "att_se_cluster_id": clustered}
    found |= {"x1": full.coefficients[-1], "x1_se_iid": float(np.sqrt(full.cov_iid[-1, -1]))}
    found["att_no_x1"], _, found["att_no_x1_se_cluster_id"] = plain.att()
    return found | {f"es_no_x1_{e}": plain.average(plain.event == e)[0] for e in np.unique(plain.event)}


def did2s(folder: Path) -> dict[str, float]:
    data = columns(folder / "df_het.csv.gz")
    effect, error = two_stage(
        numbers(data, "dep_var")[:, 0],
        [data["state"], data["year"]],
        numbers(data, "treat")[:, 0],
        data["state"],
    )
    return {"att": effect, "att_se": error}


CASES: dict[str, Callable[[Path], dict[str, float]]] = {
    "castle_bacon": castle_bacon,
    "cs_mpdta_never": mpdta("never"),
    "cs_mpdta_notyet": mpdta("not-yet"),
    "etwfe_mpdta": etwfe_mpdta,
    "ehec_medicaid_twfe_cs_bacon": medicaid,
    "sunab_base_stagg": sunab,
    "did2s_df_het": did2s,
}

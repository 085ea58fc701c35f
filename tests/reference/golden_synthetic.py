"""Golden cases of synthetic controls: California's cigarettes, the Basque Country, Seattle's drug markets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from golden_data import columns, numbers

from cseval.estimators.calibration_weights import WeightedEffect, balancing_weights, weighted_effect
from cseval.estimators.synthetic_did_kernels import placebo_error, published_solver, synthetic_did
from cseval.estimators.synthetic_predictors import predictor_weights

# California ---------------------------------------------------------------------------------------


def california(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """States (California last), packs by state and year, who is treated, and which years are after."""
    data = columns(folder / "california_prop99.csv")
    states = sorted(set(data["State"]), key=lambda s: (s == "California", s))
    years = sorted(set(data["Year"]))
    packs = np.empty((len(states), len(years)))
    for state, year, value in zip(data["State"], data["Year"], data["PacksPerCapita"], strict=True):
        packs[states.index(state), years.index(year)] = float(value)
    return states, packs, np.array(states) == "California", np.array(years, dtype=int) >= 1989


def prop99(folder: Path) -> dict[str, float]:
    """R's synthdid: its own solver for its own numbers; the placebo error over every state, so without chance."""
    states, packs, treated, post = california(folder)
    noise = synthetic_did(packs, treated, post).noise
    fit = synthetic_did(packs, treated, post, published_solver(noise))
    before, goal = packs[~treated][:, ~post].T, packs[treated][0, ~post]
    control = published_solver(noise)(before, goal, len(before) * (1e-6 * noise) ** 2)
    gap = packs[treated][0] - control @ packs[~treated]
    change = packs[:, post].mean(axis=1) - packs[:, ~post].mean(axis=1)
    names = ("Nevada", "New Hampshire", "Connecticut")
    omega = {f"omega_{s.replace(' ', '_')}": float(fit.unit_weights[states.index(s)]) for s in names}
    years = np.arange(1970, 1989)
    return {
        "sdid": fit.effect,
        "sc": float(gap[post].mean()),
        "did": float(change[treated][0] - change[~treated].mean()),
        "sdid_placebo_se": placebo_error(packs, treated, post),
        **omega,
        **{f"lambda_{y}": float(fit.time_weights[years == y][0]) for y in (1986, 1987, 1988)},
    }


# Basque Country -----------------------------------------------------------------------------------

SCHOOLING = ("school.illit", "school.prim", "school.med", "school.high")
SECTORS = ("agriculture", "energy", "industry", "construction", "services.venta", "services.nonventa")


def basque(folder: Path) -> dict[str, float]:
    """The specification of the Synth article: schooling as shares, sectors every other year, income 1960-69."""
    data = columns(folder / "basque.csv")
    year, region = (data[c].astype(int) for c in ("year", "regionno"))
    regions = [r for r in range(2, 19) if r != 17] + [17]

    def mean(name: str, years: range) -> np.ndarray:
        value = np.array([float(v or "nan") for v in data[name]])
        return np.array([value[(region == r) & np.isin(year, years)].mean() for r in regions])

    predictors = _predictors(mean)
    income = np.array([[float(mean("gdpcap", range(y, y + 1))[i]) for i in range(17)] for y in range(1955, 1998)])
    fitted = income[5:15]
    fit = predictor_weights(predictors[:, :-1], predictors[:, -1], fitted[:, :-1], fitted[:, -1])
    gap = income[:, -1] - income[:, :-1] @ fit.weights
    name = dict(zip(region.tolist(), data["regionname"].tolist(), strict=True))
    weight = {name[r]: float(w) for r, w in zip(regions[:-1], fit.weights, strict=True)}
    return {
        "w_Catalonia": weight["Cataluna"],
        "w_Madrid": weight["Madrid (Comunidad De)"],
        "mean_gap_1975_1997": float(gap[20:].mean()),
        "gap_1985": float(gap[30]),
        "gap_1997": float(gap[42]),
    }


def _predictors(mean: Callable[[str, range], np.ndarray]) -> np.ndarray:
    """Predictors by region, shape (predictors, regions)."""
    sixties = range(1964, 1970)
    schooling = np.stack([mean(s, sixties) for s in SCHOOLING])
    schooling[-1] += mean("school.post.high", sixties)
    rows = [*(100 * schooling / schooling.sum(axis=0)), mean("invest", sixties), mean("gdpcap", range(1960, 1970))]
    rows += [mean(f"sec.{s}", range(1961, 1970, 2)) for s in SECTORS]
    return np.stack([*rows, mean("popdens", range(1969, 1970))])


# Seattle ------------------------------------------------------------------------------------------

OUTCOMES = ("i_felony", "i_misdemea", "i_drugs", "any_crime")
TRAITS = (
    *("TotalPop", "BLACK", "HISPANIC", "Males_1521", "HOUSEHOLDS", "FAMILYHOUS", "FEMALE_HOU"),
    *("RENTER_HOU", "VACANT_HOU"),
)


@cache
def seattle(folder: Path) -> dict[tuple[str, int], WeightedEffect]:
    """Effect on each outcome up to the quarters 14 and 16, blocks balanced on traits and twelve quarters of each."""
    data = columns(folder / "seattledmi.csv.gz")
    order = np.lexsort((data["time"].astype(int), data["ID"]))
    counts = {o: data[o].astype(float)[order].reshape(-1, 16) for o in OUTCOMES}
    treated = (data["Intervention"].astype(float)[order].reshape(-1, 16) > 0).any(axis=1)
    traits = numbers(data, *TRAITS)[order][::16]
    balanced = np.column_stack([np.ones(len(treated)), traits, *(counts[o][:, :12] for o in OUTCOMES)])
    weights = np.zeros(len(treated))
    weights[~treated] = balancing_weights(balanced[~treated], balanced[treated].sum(axis=0))
    return {(o, end): weighted_effect(counts[o][:, 12:end], treated, weights) for o in OUTCOMES for end in (14, 16)}


def microsynth(folder: Path) -> dict[str, float]:
    """The two effect tables of the vignette; p-values against a fall, interval at 90 %."""
    found = seattle(folder)
    out = {}
    for outcome in OUTCOMES:
        whole, early = found[outcome, 16], found[outcome, 14]
        out |= {f"{outcome}_treated": whole.treated, f"{outcome}_control": whole.control}
        out |= {f"{outcome}_pct": whole.change}
        out |= {f"{outcome}_treated_to14": early.treated, f"{outcome}_control_to14": early.control}
    crime = found["any_crime", 16]
    out |= {"i_felony_linear_p": found["i_felony", 16].p_value("lower"), "any_crime_linear_p": crime.p_value("lower")}
    return out | dict(zip(("any_crime_lower", "any_crime_upper"), crime.interval(0.90), strict=True))


CASES: dict[str, Callable[[Path], dict[str, float]]] = {
    "sdid_prop99": prop99,
    "synth_basque": basque,
    "microsynth_seattle": microsynth,
}

"""Demonstration data: a fictional borough and its neighbours, simulated with known true effects.

Nothing here is a real place. About 300 wards in 15 districts lie on an irregular map. Sixty months of counts
follow, for each outcome,

    log mean = level + ward effect + district trend + season + common shock + ward shock + true effect

where ward effects are spatially smooth and lasting, ward shocks are first-order autoregressive and spatially
correlated, and counts are negative binomial around that mean. The pilot neighbourhood is the connected set of five
wards of the founding borough with the most anti-social behaviour in the year before the programme was agreed, so it
is chosen partly for its bad luck and regression to the mean is in the data. Wards differ by about as much as
published anti-social behaviour counts of London wards do (standard deviation of the log 0.57). Levels are set near
those that the Metropolitan Police publishes per London ward; the shocks are set so that placebo neighbourhoods vary
about as much as they do there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas, connected_sets
from cseval.defaults import DEFAULT_SEED
from cseval.inputs import DEMONSTRATION, Inputs, Roles
from cseval.months import month_number, month_range
from cseval.panel import Panel, Provenance
from cseval.sources.demonstration_map import fictional_map

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

FIRST, LAST = "2014-11", "2019-10"
START, AGREED = "2018-05", "2017-08"
PILOT_SIZE = 5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one outcome is simulated.

    `level` is the mean count per ward and month, `season` the half-amplitude of the yearly cycle peaking in July,
    `trend` the yearly change in the log mean, `shock` the standard deviation of the ward shock, and `true_ratio`
    the programme's true effect as a ratio of rates.
    """

    level: float
    season: float
    trend: float
    shock: float
    true_ratio: float = 1.0


#: Levels: monthly means per London ward 2016 to 2018, rounded (recorded crime; anti-social behaviour incidents).
OUTCOMES: Mapping[str, Outcome] = {
    "anti_social_behaviour": Outcome(level=28.0, season=0.22, trend=-0.02, shock=0.1, true_ratio=0.82),
    "arson_and_criminal_damage": Outcome(level=7.5, season=0.05, trend=-0.03, shock=0.09, true_ratio=0.92),
    "public_order_offences": Outcome(level=5.5, season=0.08, trend=0.02, shock=0.12, true_ratio=0.88),
    "violence_against_the_person": Outcome(level=25.0, season=0.06, trend=0.04, shock=0.09, true_ratio=1.0),
    "robbery": Outcome(level=3.8, season=-0.03, trend=0.08, shock=0.45, true_ratio=1.0),
    "drug_offences": Outcome(level=4.8, season=0.0, trend=0.05, shock=0.42, true_ratio=1.25),
    "burglary": Outcome(level=9.5, season=-0.1, trend=0.02, shock=0.25, true_ratio=1.0),
    "theft": Outcome(level=28.0, season=0.03, trend=0.02, shock=0.25, true_ratio=1.0),
    "possession_of_weapons": Outcome(level=0.9, season=0.02, trend=0.1, shock=0.2, true_ratio=1.0),
    "vehicle_offences": Outcome(level=14.0, season=0.0, trend=0.05, shock=0.33, true_ratio=1.0),
}

WARD_SPREAD = 0.6
PERSISTENCE = 0.85
SPATIAL_SHOCK = 0.4
SPATIAL_LEVEL = 0.9
DISPERSION = 0.04


def simulate(seed: int = DEFAULT_SEED, outcomes: Mapping[str, Outcome] = OUTCOMES) -> Inputs:
    """Simulate demonstration inputs.

    Parameters
    ----------
    seed : int
        Everything is a pure function of it.
    outcomes : mapping of str to Outcome
        Simulated in this order; the first decides where the pilot is.

    Returns
    -------
    Inputs
        With `truth`: the true log effect of each outcome.
    """
    rng = np.random.default_rng(seed)
    areas, founding = fictional_map(rng)
    periods = month_range(FIRST, LAST)
    level, shock = _smoother(areas, SPATIAL_LEVEL), _smoother(areas, SPATIAL_SHOCK)
    means = {name: _log_mean(areas, periods, level, shock, spec, rng) for name, spec in outcomes.items()}
    untreated = {name: _draw(mean, rng) for name, mean in means.items()}
    treated = _worst_neighbourhood(areas, founding, untreated[next(iter(outcomes))], periods)
    counts = {
        name: _apply(values, means[name], treated, periods, spec.true_ratio, rng)
        for (name, spec), values in zip(outcomes.items(), untreated.values(), strict=True)
    }
    panel = Panel(
        units=areas.units,
        periods=periods,
        counts=counts,
        names=areas.names,
        districts=areas.districts,
        provenance=(_provenance(seed, len(areas.units) * len(periods)),),
        notes=("Simulated counts of a fictional borough and its neighbours; they describe no real place.",),
    )
    pilot = frozenset(areas.units[i] for i in treated)
    home = areas.districts[areas.units[treated[0]]]
    return Inputs(
        panel=panel,
        areas=areas,
        roles=Roles(treated=pilot),
        groups={
            "inner": frozenset(u for u in areas.units if areas.districts[u] in _inner(areas, home)),
            "own-borough": frozenset(u for u in areas.units if areas.districts[u] == home),
        },
        data=DEMONSTRATION,
        truth={name: math.log(spec.true_ratio) for name, spec in outcomes.items()},
    )


def _provenance(seed: int, rows: int) -> Provenance:
    return Provenance(
        kind="demonstration",
        title="Demonstration data (simulated, no real place)",
        publisher="cseval",
        licence="MIT",
        path=f"simulated with seed {seed}",
        sha256="",
        rows=rows,
        first_month=FIRST,
        last_month=LAST,
        vintage=f"seed {seed}",
        published=True,  # simulated counts describe nobody
    )


def _inner(areas: Areas, home: str) -> frozenset[str]:
    """The founding district and those that touch it."""
    at_home = [u for u in areas.units if areas.districts[u] == home]
    return frozenset(areas.districts[u] for u in areas.ring(at_home)[0]) | {home}


def _smoother(areas: Areas, strength: float) -> Floats:
    """Matrix that spreads a shock to adjoining wards and keeps its variance at 1, shape (units, units).

    Simultaneous autoregression: ``(I - strength W)^-1`` with W the row-normalised adjacency.
    """
    n = len(areas.units)
    adjacency = np.zeros((n, n))
    adjacency[areas.pairs[:, 0], areas.pairs[:, 1]] = adjacency[areas.pairs[:, 1], areas.pairs[:, 0]] = 1.0
    spread = np.linalg.inv(np.eye(n) - strength * adjacency / adjacency.sum(axis=1, keepdims=True))
    smooth: Floats = spread / np.linalg.norm(spread, axis=1, keepdims=True)
    return smooth


def _log_mean(
    areas: Areas, periods: tuple[str, ...], lasting: Floats, shock: Floats, spec: Outcome, rng: np.random.Generator
) -> Floats:
    """Log mean count without the programme, shape (units, months)."""
    n, months = len(areas.units), len(periods)
    when = np.array([month_number(p) for p in periods])
    ward = WARD_SPREAD * (lasting @ rng.standard_normal(n))
    names = sorted(set(areas.districts.values()))
    district = np.array([names.index(areas.districts[u]) for u in areas.units])
    drift = (spec.trend + 0.005 * rng.standard_normal(len(names)))[district][:, None] * (when - when[0]) / 12
    season = spec.season * np.cos(2 * np.pi * (when % 12 - 6) / 12)
    common = 0.04 * rng.standard_normal(months)
    level = math.log(spec.level) - WARD_SPREAD**2 / 2 - spec.shock**2 / 2
    mean: Floats = level + ward[:, None] + drift + season + common + spec.shock * _ward_shocks(n, months, shock, rng)
    return mean


def _ward_shocks(n: int, months: int, smooth: Floats, rng: np.random.Generator) -> Floats:
    """Spatially correlated AR(1) shocks of variance 1, shape (n, months)."""
    noise: Floats = smooth @ rng.standard_normal((n, months))
    noise[:, 1:] *= math.sqrt(1 - PERSISTENCE**2)
    for month in range(1, months):
        noise[:, month] += PERSISTENCE * noise[:, month - 1]
    return noise


def _draw(log_mean: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Negative binomial counts with variance ``mean + DISPERSION mean^2``."""
    rate = np.exp(log_mean) * rng.gamma(1 / DISPERSION, DISPERSION, log_mean.shape)
    return rng.poisson(rate).astype(np.int64)


def _worst_neighbourhood(
    areas: Areas, founding: str, counts: npt.NDArray[np.int64], periods: tuple[str, ...]
) -> npt.NDArray[np.int64]:
    """The connected set of five wards of the founding district with the highest count in the year before."""
    pool = np.array([areas.districts[u] == founding for u in areas.units])
    sets = connected_sets(areas, pool, PILOT_SIZE, limit=1_000_000)
    assert sets is not None  # a district of some twenty wards has a few thousand such sets
    end = month_number(AGREED) - month_number(periods[0])
    year = counts[:, end - 12 : end].sum(axis=1)
    worst: npt.NDArray[np.int64] = sets[int(np.argmax(year[sets].sum(axis=1)))]
    return worst


def _apply(
    counts: npt.NDArray[np.int64],
    log_mean: Floats,
    treated: npt.NDArray[np.int64],
    periods: tuple[str, ...],
    ratio: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Counts with the programme: the treated wards' post months drawn again with `ratio` times the mean."""
    if ratio == 1.0:
        return counts
    out = counts.copy()
    post = month_number(START) - month_number(periods[0])
    out[treated, post:] = _draw(log_mean[treated, post:] + math.log(ratio), rng)
    return out

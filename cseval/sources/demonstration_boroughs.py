"""Demonstration data by borough: a fictional region of 32 boroughs, simulated with known true effects.

Nothing here is a real place. Monthly counts from April 2010 to February 2020 follow, for each outcome,

    log mean = level + borough effect + borough trend + common course + season + borough shock + true effect

where the common course (a first-order autoregression plus a yearly change) is that of the region, the borough shock is
a first-order autoregression of which half the variance is common to all outcomes of a borough, and counts are negative
binomial around that mean. Levels, their spread between boroughs, trends and shocks are set near those of published
counts of London boroughs: recorded crime April 2010 to February 2020, and the Monthly Crime Dashboard from 2022.

Knife outcomes are nested as the published ones are. Offences with injury are some of the knife crimes; a victim under
25 is counted for some of the offences with injury, and most of those are not domestic.

The treated borough is the inner one whose knife crime with injury stood highest above its own past in the year before
the plan, so it starts from a peak. What that brings by itself is for the check of the peak before the start to say:
with shocks that last, as these do, it is a rise rather than a fall.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas
from cseval.defaults import DEFAULT_SEED
from cseval.inputs import DEMONSTRATION, Inputs, Roles
from cseval.months import month_number, month_range
from cseval.panel import Panel, Provenance
from cseval.sources.demonstration_map import cells

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Counts = npt.NDArray[np.int64]

FIRST, LAST = "2010-04", "2020-02"
START = "2017-06"
COLUMNS, ROWS = 8, 4
BOROUGH_METRES = 6000.0
JITTER = 0.3
INNER = 13
PERSISTENCE = 0.9
COMMON_SHARE = 0.5
COMMON_SHOCK = 0.06
RESIDENTS, GROWTH = 270_000.0, 0.01

#: Fictional names. The treated borough is always called Millharbour, wherever on the map it lies.
TREATED_NAME = "Millharbour"
NAMES = (
    "Ashmere Brackenfold Coldharrow Dunwold Elmstead-under-Hill Farrowgate Gorsebridge Hazelwick Inglebourne "
    "Juniper-Cross Kestrelham Larkminster Mossgate Nettlecombe Oakenshade Pellbrook Quillhampton Rushmarket "
    "Saltern-Green Thistlebury Underlea Vennbrook Wrenfield Yarrowby Zealmouth Amberwharf Birchenholt Corbelstow "
    "Drakemoor Eddlestow Fennarch"
).split()


@dataclass(frozen=True, kw_only=True)
class BoroughOutcome:
    """How one outcome is simulated.

    `level` is the mean count per borough and month, `spread` the standard deviation of the log level between boroughs,
    `trend` the yearly change in the log mean and `drift` its standard deviation between boroughs, `season` the
    half-amplitude of the yearly cycle peaking in July, `shock` the standard deviation of the borough shock,
    `dispersion` the negative binomial one, and `true_ratio` the plan's true effect as a ratio of rates.
    """

    level: float
    spread: float
    trend: float
    drift: float
    season: float
    shock: float
    dispersion: float
    true_ratio: float = 1.0


#: Outcomes drawn by themselves. Offences with injury come first: they decide which borough is treated.
OUTCOMES: Mapping[str, BoroughOutcome] = {
    "knife_crime_with_injury": BoroughOutcome(
        level=9.5, spread=0.48, trend=0.02, drift=0.02, season=0.12, shock=0.09, dispersion=0.02, true_ratio=0.88
    ),
    "knife_crime_without_injury": BoroughOutcome(
        level=28.0, spread=0.5, trend=0.03, drift=0.02, season=0.03, shock=0.09, dispersion=0.015, true_ratio=0.88
    ),
    "violence_with_injury": BoroughOutcome(
        level=180.0, spread=0.35, trend=0.03, drift=0.012, season=0.08, shock=0.045, dispersion=0.002, true_ratio=0.97
    ),
    "possession_of_article_with_blade_or_point": BoroughOutcome(
        level=6.1, spread=0.45, trend=0.07, drift=0.025, season=0.05, shock=0.08, dispersion=0.02, true_ratio=1.3
    ),
    "robbery_of_personal_property": BoroughOutcome(
        level=74.0, spread=0.62, trend=0.0, drift=0.04, season=0.02, shock=0.13, dispersion=0.01, true_ratio=0.95
    ),
    "homicide": BoroughOutcome(level=0.32, spread=0.35, trend=0.02, drift=0.0, season=0.0, shock=0.05, dispersion=0.01),
}

#: The same outcomes, on which a programme has no effect.
UNTOUCHED: Mapping[str, BoroughOutcome] = {name: replace(spec, true_ratio=1.0) for name, spec in OUTCOMES.items()}

#: Victims under 25 per offence with injury; the share of them in no domestic incident; the plan's effect on victims.
VICTIMS, NON_DOMESTIC = 0.38, 0.91
VICTIM_RATIO = 0.84


def simulate_boroughs(
    seed: int = DEFAULT_SEED, outcomes: Mapping[str, BoroughOutcome] = OUTCOMES, start: str = START
) -> Inputs:
    """Simulate demonstration inputs by borough.

    Parameters
    ----------
    seed : int
        Everything is a pure function of it.
    outcomes : mapping of str to BoroughOutcome
        Simulated in this order. ``knife_crime_with_injury`` and ``knife_crime_without_injury`` must be among them.
    start : str
        First month of the programme, ``YYYY-MM``.

    Returns
    -------
    Inputs
        With residents as exposure; the groups ``inner``, ``outer`` and ``neighbours``; and `truth`: the true log effect
        of each outcome from `start` on.
    """
    rng = np.random.default_rng(seed)
    areas = _map(rng)
    periods = month_range(FIRST, LAST)
    residents = _residents(len(areas.units), len(periods), rng)
    common = _autoregression(rng.standard_normal((len(areas.units), len(periods))))
    means = {name: _log_mean(areas, periods, residents, common, spec, rng) for name, spec in outcomes.items()}
    counts = {name: _draw(mean, outcomes[name].dispersion, rng) for name, mean in means.items()}
    treated = _at_peak(counts["knife_crime_with_injury"], _inner(areas), _months_before(start))
    for name, spec in outcomes.items():
        _apply(counts[name], means[name], treated, spec, _months_before(start), rng)
    panel = Panel(
        units=areas.units,
        periods=periods,
        counts=_nested(counts, outcomes, treated, _months_before(start), rng),
        exposure=residents,
        names=_names(areas.units, treated),
        districts=_names(areas.units, treated),
        provenance=(_provenance(seed, len(areas.units) * len(periods)),),
        notes=("Simulated counts of a fictional region of boroughs; they describe no real place.",),
    )
    return _inputs(panel, areas, treated, outcomes)


def _inputs(panel: Panel, areas: Areas, treated: int, outcomes: Mapping[str, BoroughOutcome]) -> Inputs:
    inner = frozenset(areas.units[i] for i in _inner(areas))
    own = frozenset((areas.units[treated],))
    ratio = {
        name: outcomes[name].true_ratio if name in outcomes else _victim_ratio(outcomes) for name in panel.outcomes
    }
    ratio["knife_crime"] = outcomes["knife_crime_with_injury"].true_ratio
    return Inputs(
        panel=panel,
        areas=Areas(
            units=areas.units,
            pairs=areas.pairs,
            border=areas.border,
            names=panel.names,
            districts=panel.districts,
            outlines=areas.outlines,
        ),
        roles=Roles(treated=own),
        groups={"inner": inner, "outer": frozenset(areas.units) - inner, "neighbours": areas.ring(own)[0]},
        data=DEMONSTRATION,
        truth={name: math.log(value) for name, value in ratio.items()},
    )


def _provenance(seed: int, rows: int) -> Provenance:
    return Provenance(
        kind="demonstration",
        title="Demonstration data by borough (simulated, no real place)",
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


def _map(rng: np.random.Generator) -> Areas:
    """Boroughs as Voronoi cells of a jittered lattice, row by row; their codes begin with B."""
    grid = np.stack(np.meshgrid(np.arange(COLUMNS), np.arange(ROWS)), axis=-1).reshape(-1, 2) + 0.5
    points = (grid + rng.uniform(-JITTER, JITTER, grid.shape)) * BOROUGH_METRES
    outlines, pairs, border = cells(points, COLUMNS * BOROUGH_METRES, ROWS * BOROUGH_METRES)
    units = tuple(f"B{i + 1:02d}" for i in range(len(points)))
    return Areas(
        units=units, pairs=pairs, border=border, outlines={u: (o,) for u, o in zip(units, outlines, strict=True)}
    )


def _inner(areas: Areas) -> npt.NDArray[np.int64]:
    """Positions of the boroughs nearest to the middle of the map, in order."""
    middle = np.array([areas.outlines[u][0][:-1].mean(axis=0) for u in areas.units])
    away = np.linalg.norm(middle - middle.mean(axis=0), axis=1)
    return np.sort(np.argsort(away, kind="stable")[:INNER])


def _residents(boroughs: int, months: int, rng: np.random.Generator) -> Floats:
    """Residents, shape (boroughs, months): lognormal, growing by 1 % a year."""
    size = RESIDENTS * np.exp(0.22 * rng.standard_normal(boroughs))
    residents: Floats = np.round(np.outer(size, np.exp(GROWTH * np.arange(months) / 12)))
    return residents


def _autoregression(noise: Floats) -> Floats:
    """First-order autoregression of variance 1 along the last axis."""
    noise[:, 1:] *= math.sqrt(1 - PERSISTENCE**2)
    for month in range(1, noise.shape[1]):
        noise[:, month] += PERSISTENCE * noise[:, month - 1]
    return noise


def _log_mean(
    areas: Areas,
    periods: tuple[str, ...],
    residents: Floats,
    common: Floats,
    spec: BoroughOutcome,
    rng: np.random.Generator,
) -> Floats:
    """Log mean count without the plan, shape (boroughs, months)."""
    n, months = common.shape
    when = np.array([month_number(p) for p in periods])
    years = (when - when.mean()) / 12
    inner = np.isin(np.arange(n), _inner(areas)).astype(np.float64)
    lasting = 0.5 * _standard(np.log(residents[:, 0])) + 0.5 * _standard(inner) + 0.7 * rng.standard_normal(n)
    trend = np.outer(spec.trend + spec.drift * rng.standard_normal(n), years)
    course = COMMON_SHOCK * _autoregression(rng.standard_normal((1, months)))
    season = spec.season * np.cos(2 * np.pi * (when % 12 - 6) / 12)
    own = _autoregression(rng.standard_normal((n, months)))
    shock = spec.shock * (math.sqrt(COMMON_SHARE) * common + math.sqrt(1 - COMMON_SHARE) * own)
    level = math.log(spec.level) - (spec.spread**2 + spec.shock**2) / 2
    mean: Floats = (level + spec.spread * _standard(lasting))[:, np.newaxis] + trend + course + season + shock
    return mean


def _standard(values: Floats) -> Floats:
    """Values with mean 0 and standard deviation 1."""
    scaled: Floats = (values - values.mean()) / values.std()
    return scaled


def _draw(log_mean: Floats, dispersion: float, rng: np.random.Generator) -> Counts:
    """Negative binomial counts with variance ``mean + dispersion mean^2``."""
    rate = np.exp(log_mean) * rng.gamma(1 / dispersion, dispersion, log_mean.shape)
    return rng.poisson(rate).astype(np.int64)


def _months_before(start: str) -> int:
    """Simulated months before the start."""
    return month_number(start) - month_number(FIRST)


def _victim_ratio(outcomes: Mapping[str, BoroughOutcome]) -> float:
    """The true effect on victims: the founding plan's own, or that on offences with injury where it is another."""
    injury = outcomes["knife_crime_with_injury"].true_ratio
    return VICTIM_RATIO if injury == OUTCOMES["knife_crime_with_injury"].true_ratio else injury


def _at_peak(counts: Counts, inner: npt.NDArray[np.int64], start: int) -> int:
    """Position of the inner borough whose last year before the plan is highest against its earlier years."""
    excess = (counts[inner, start - 12 : start].mean(axis=1) + 1) / (counts[inner, : start - 12].mean(axis=1) + 1)
    return int(inner[int(np.argmax(excess))])


def _apply(
    counts: Counts,
    log_mean: Floats,
    treated: int,
    spec: BoroughOutcome,
    post: int,
    rng: np.random.Generator,
) -> None:
    """Draw the treated borough's months from the start on again, with the true ratio; the array is this module's."""
    if spec.true_ratio != 1.0:
        counts[treated, post:] = _draw(log_mean[treated, post:] + math.log(spec.true_ratio), spec.dispersion, rng)


def _nested(
    counts: Mapping[str, Counts],
    outcomes: Mapping[str, BoroughOutcome],
    treated: int,
    post: int,
    rng: np.random.Generator,
) -> dict[str, Counts]:
    """The published outcomes from those drawn: sums for knife crime, thinned offences for victims."""
    injury = counts["knife_crime_with_injury"]
    share = np.full(injury.shape, VICTIMS)
    share[treated, post:] *= _victim_ratio(outcomes) / outcomes["knife_crime_with_injury"].true_ratio
    victims = rng.binomial(injury, share).astype(np.int64)
    knife = {
        "knife_crime": injury + counts["knife_crime_without_injury"],
        "knife_crime_with_injury": injury,
        "knife_injury_victims": victims,
        "knife_injury_victims_non_domestic": rng.binomial(victims, NON_DOMESTIC).astype(np.int64),
    }
    return knife | {o: v for o, v in counts.items() if not o.startswith("knife_crime")}


def _names(units: tuple[str, ...], treated: int) -> dict[str, str]:
    names = list(NAMES[: len(units) - 1])
    names.insert(treated, TREATED_NAME)
    return dict(zip(units, names, strict=True))

"""Measured error rates: the registered comparison run where and when nothing was done.

At every placebo start whose whole window lies before the programme, placebo neighbourhoods are put through the same
comparison and the same test. A method that keeps its promise rejects 5 % of these true nulls at the 5 % level.
Three populations of placebo neighbourhoods are measured:

``all``
    connected sets drawn by random growth, whatever their count.
``matched``
    those whose count in the pre period is like the treated area's, relative to the typical set.
``selection``
    in each district, the connected set with the highest count in the year before the decision: the set that choosing
    the worst neighbourhood picks. Its mean effect, less that of all sets at the same start, is the change that
    selection alone brings (regression to the mean). Left out where the programme has several separate neighbourhoods,
    and where no district holds more than one such set, since nothing is chosen there.

Neighbourhoods overlap, a district has a common history, and one start has common shocks, so the error of a rate is the
larger of those by district and by start. Where all sets are ranked among themselves, the rate is an identity and not a
measurement (`Measured.by_construction`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.areas import Areas, connected_sets
from cseval.inference.base import Placebos
from cseval.inference.earlier_windows import shifted_starts
from cseval.inference.placebo_draws import shape_of
from cseval.inference.rate_kernels import are_ranks, clustered_error
from cseval.months import month_number
from cseval.parallel import current

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import Estimator, Floats
    from cseval.inference.base import Calibratable
    from cseval.inference.placebo import PlaceboNeighbourhoods

    Index = npt.NDArray[np.int64]
    Found = tuple[Floats, Floats, Floats, Index]

LEVELS = (0.01, 0.05, 0.10)
LIKE = 1.5
#: More sets than this in one district are not searched for its worst one.
MOST_SETS = 200_000


@dataclass(frozen=True, kw_only=True)
class CalibrationPlan:
    """How much is measured.

    Parameters
    ----------
    placebos : int
        Placebo neighbourhoods drawn over all placebo starts, 999 to 4,000 at each; they are ranked among each other.
    tested : int
        How many of them are tested, over all placebo starts; at most 2,000 at each.
    step : int
        Months between placebo starts.
    chosen_before : int
        Months between the decision where to go and the start.
    selected_on : str
        Outcome by which the worst neighbourhood is chosen; the tested one if empty.
    """

    placebos: int = 20_000
    tested: int = 5_000
    step: int = 6
    chosen_before: int = 0
    selected_on: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What one method did on one population of placebos.

    Parameters
    ----------
    method, population : str
    p_value, effect : float array, shape (placebos,)
    excess : float array, shape (placebos,)
        Effect less the mean effect of all placebos at the same start.
    place : int array, shape (placebos,)
        District of each placebo; placebos of one district are not independent.
    starts : int
        Number of placebo starts.
    months : (int, int)
        Months before and after each start.
    start : int array, shape (placebos,), optional
        Number of the start of each placebo; placebos of one start are not independent either.
    by_construction : bool
        Whether all placebos of a start were ranked among themselves, so that the rate says nothing of the method.
    """

    method: str
    population: str
    p_value: Floats
    effect: Floats
    excess: Floats
    place: Index
    starts: int
    months: tuple[int, int]
    start: Index | None = None
    by_construction: bool = False

    def rows(self) -> list[dict[str, Any]]:
        """One row for each level, in the columns of ``calibration.csv`` from `method` on."""
        usable = np.isfinite(self.p_value) & np.isfinite(self.effect)
        bias = float(self.effect[usable].mean()) if usable.any() else float("nan")
        return [
            {
                "method": self.method,
                "population": self.population,
                "level": level,
                "placebos": int(np.isfinite(self.p_value).sum()),
                "false_positive_rate": self.rate(level),
                "mc_error": self.mc_error(level),
                "coverage": 1 - self.rate(level),
                "bias": bias,
                "placebo_starts": self.starts,
                "months_before": self.months[0],
                "months_after": self.months[1],
                "districts": len(np.unique(self.place)),
            }
            for level in LEVELS
        ]

    def rate(self, level: float) -> float:
        """Share of true nulls rejected at `level`; the interval at 1 - `level` misses zero as often."""
        usable = np.isfinite(self.p_value)
        return float((self.p_value[usable] <= level + 1e-12).mean()) if usable.any() else float("nan")

    def mc_error(self, level: float) -> float:
        """Standard error of `rate`: the largest of the binomial one and of those clustered by district and by start.

        NaN where the rate is right by construction, which no error goes with.
        """
        usable = np.isfinite(self.p_value)
        n = int(usable.sum())
        if not n or self.by_construction:
            return float("nan")
        rate = min(max(self.rate(level), 1 / n), 1 - 1 / max(n, 2))  # no rate is so small that its error is zero
        rejected = (self.p_value[usable] <= level + 1e-12).astype(float)
        groups = [self.place, *([] if self.start is None else [self.start])]
        clustered = (clustered_error(rejected, group[usable]) for group in groups)
        return max(float(np.sqrt(rate * (1 - rate) / n)), *clustered)


def calibrate(
    design: Design,
    estimator: Estimator,
    placebo: PlaceboNeighbourhoods,
    others: Sequence[Calibratable],
    plan: CalibrationPlan,
    seed: int,
) -> tuple[Measured, ...]:
    """Measure the placebo method and `others` on every population.

    Parameters
    ----------
    design : Design
        The programme's own; placebo starts lie wholly before its start.
    placebo : PlaceboNeighbourhoods
        Draws the neighbourhoods, and is measured itself.
    others : sequence of Calibratable
        Measured on the same neighbourhoods.

    Notes
    -----
    Placebo starts are spread over `cseval.parallel.current`; each draws from a seed of its own.

    Returns
    -------
    tuple of Measured
        Empty if no placebo start fits into the months before the programme.
    """
    starts, design = shifted_starts(design, plan.step)
    share = min(max(-(-plan.placebos // max(len(starts), 1)), 999), 4000)
    tested = min(-(-plan.tested // max(len(starts), 1)), 2000)
    work = _StartWork(
        design=design,
        estimator=estimator,
        placebo=placebo,
        others=tuple(others),
        plan=plan,
        share=share,
        tested=tested,
    )
    tasks = [(start, seed + number) for number, start in enumerate(starts, start=1)]
    found = [at_start for at_start in current().each(_measure_start, tasks, work) if at_start]
    parts: dict[tuple[str, str], list[Found]] = {}
    for at_start in found:
        for key, one in at_start.items():
            parts.setdefault(key, []).append(one)
    return tuple(
        measured(method, population, one, len(found), (design.months_before, design.months_after))
        for (method, population), one in parts.items()
    )


@dataclass(frozen=True, kw_only=True)
class _StartWork:
    """What is to be done at every placebo start: `share` placebos are drawn there and `tested` of them tested."""

    design: Design
    estimator: Estimator
    placebo: PlaceboNeighbourhoods
    others: tuple[Calibratable, ...]
    plan: CalibrationPlan
    share: int
    tested: int


def _measure_start(task: tuple[str, int], work: _StartWork) -> dict[tuple[str, str], Found]:
    """What each method finds in each population at one start; empty if nothing was counted there yet."""
    start, seed = task
    at = work.design.at(start)
    reference = work.placebo.reference(at, work.estimator, work.share, seed)
    if not np.isfinite(reference.effects.effect).any():
        return {}
    centre = float(np.nanmean(reference.effects.effect))
    out: dict[tuple[str, str], Found] = {}
    for population, placebos in _populations(work.design, at, work.placebo, work.plan, reference, work.tested):
        place = places(at, placebos.sets.members)
        for method in (work.placebo, *work.others):
            p = method.test_many(placebos, reference, among=population != "selection")
            p = np.where(np.isfinite(placebos.effects.effect), p, np.nan)  # no effect, no test, as in `infer`
            out[method.name, population] = (p, placebos.effects.effect, placebos.effects.effect - centre, place)
    return out


def measured(
    method: str,
    population: str,
    found: Sequence[Found],
    starts: int,
    months: tuple[int, int],
) -> Measured:
    """What was found at each start, put together: p-values, effects, excess effects and places.

    The rate is right by construction where the p-values of every start are ranks among themselves.
    """
    p_value, effect, excess, place = (np.concatenate(column) for column in zip(*found, strict=True))
    return Measured(
        method=method,
        population=population,
        p_value=p_value,
        effect=effect,
        excess=excess,
        place=place.astype(np.int64),
        starts=starts,
        months=months,
        start=np.repeat(np.arange(len(found)), [len(one[0]) for one in found]),
        by_construction=all(are_ranks(one[0]) for one in found),
    )


def _populations(
    design: Design,
    at: Design,
    placebo: PlaceboNeighbourhoods,
    plan: CalibrationPlan,
    reference: Placebos,
    tested: int,
) -> list[tuple[str, Placebos]]:
    """The populations at one placebo start that make sense for this placebo method."""
    out = [("all", reference.take(np.arange(min(tested, len(reference)))))]
    if "matched" in placebo.populations:
        out.append(("matched", reference.take(np.flatnonzero(like_treated(design, at, reference.sets))[:tested])))
    selects = "selection" in placebo.populations and shape_of(design).single
    chosen = selected_sets(at, plan.chosen_before, plan.selected_on) if selects else None
    if chosen is not None:
        out.append(("selection", Placebos.of(at, reference.estimator, at.sets(chosen))))
    return out


def places(design: Design, members: Index) -> Index:
    """Number of the district of each set's first unit; a unit without a district is a place of its own."""
    districts = design.inputs.panel.districts
    names = [districts.get(u) or u for u in design.units]
    number = {name: i for i, name in enumerate(sorted(set(names)))}
    return np.array([number[n] for n in names], dtype=np.int64)[members[:, 0]]


def like_treated(design: Design, at: Design, sets: PlaceboSets) -> npt.NDArray[np.bool_]:
    """Sets whose pre-period count, relative to the typical set, is within a factor of the treated area's.

    The treated area is measured in its own pre period and the sets in theirs, so a trend common to all cancels.
    """
    own = design.pre_counts[design.is_treated].sum() / np.median(design.pre_counts[sets.members].sum(axis=1))
    theirs = at.pre_counts[sets.members].sum(axis=1)
    ratio = theirs / np.median(theirs)
    like: npt.NDArray[np.bool_] = (ratio >= own / LIKE) & (ratio <= own * LIKE)
    return like


def selected_sets(at: Design, chosen_before: int, outcome: str = "") -> npt.NDArray[np.int64] | None:
    """In each district, the connected set with the highest count in the year before the decision.

    Parameters
    ----------
    at : Design
        A design at a placebo start.
    chosen_before : int
        Months between the decision and the start.
    outcome : str
        Outcome whose count decides; the design's own if empty.

    Returns
    -------
    int array, shape (districts, size), or None where no district has a choice or the year is not in the data.
    """
    by_district = sets_to_choose(at)
    end = month_number(at.start) - chosen_before - month_number(at.inputs.panel.periods[0])
    if not by_district or end < 12:
        return None
    year = year_total(at, at.comparison, end, outcome)
    if year is None:
        return None
    totals = [sum(year[column] for column in sets.T) for sets in by_district]
    return np.array([sets[int(np.argmax(total))] for sets, total in zip(by_district, totals, strict=True)])


def sets_to_choose(design: Design) -> tuple[npt.NDArray[np.int64], ...]:
    """The connected sets of each district, as large as the treated area; none where no district has two of them."""
    size = int(design.is_treated.sum())
    by_district = district_sets(design.areas, design.inputs.panel.districts, design.comparison, size)
    return by_district if any(len(sets) > 1 for sets in by_district) else ()


def year_total(
    design: Design, pool: npt.NDArray[np.bool_], end: int, outcome: str = ""
) -> npt.NDArray[np.int64] | None:
    """Count of each unit in the twelve months before month number `end` of the panel.

    Of the design's outcome, or of another one.

    A month that a unit of the pool lacks is left out for all; None if no month is left.
    """
    panel, name = design.inputs.panel, outcome or design.outcome
    months = np.arange(end - 12, end)
    months = months[panel.mask(name)[pool][:, months].all(axis=0)]
    total: npt.NDArray[np.int64] = panel.require(name)[:, months].sum(axis=1)
    return total if len(months) else None


_DISTRICT_SETS: dict[tuple[int, int], tuple[Areas, tuple[npt.NDArray[np.int64], ...]]] = {}
_WITHIN_POOL: dict[tuple[int, int, bytes], tuple[Areas, tuple[npt.NDArray[np.int64], ...]]] = {}


def district_sets(
    areas: Areas, districts: Mapping[str, str], pool: npt.NDArray[np.bool_], size: int
) -> tuple[npt.NDArray[np.int64], ...]:
    """Every connected set of `size` pool units inside one district, an array for each district.

    A set is connected within the pool if it is connected and its members are in the pool, so the sets of whole
    districts are enumerated once and kept; every outcome, placebo start and comparison of a run filters the same ones.
    """
    key = (id(areas), size)
    cached = _DISTRICT_SETS.get(key)
    if cached is None or cached[0] is not areas:
        _DISTRICT_SETS.clear()
        cached = _DISTRICT_SETS[key] = (areas, _all_district_sets(areas, districts, size))
        _WITHIN_POOL.clear()
    within = _WITHIN_POOL.get((*key, pool.tobytes()))
    if within is None or within[0] is not areas:
        inside = (sets[pool[sets].all(axis=1)] for sets in cached[1])
        within = (areas, tuple(sets for sets in inside if len(sets)))
        if len(_WITHIN_POOL) < 256:
            _WITHIN_POOL[*key, pool.tobytes()] = within
    return within[1]


def _all_district_sets(areas: Areas, districts: Mapping[str, str], size: int) -> tuple[npt.NDArray[np.int64], ...]:
    names = np.array([districts.get(u, "") for u in areas.units])
    found = [connected_sets(areas, names == name, size, MOST_SETS) for name in sorted(set(names.tolist()) - {""})]
    return tuple(sets for sets in found if sets is not None and len(sets))


def selection_bias(found: Sequence[Measured]) -> tuple[float, float, int]:
    """Mean excess effect of the selection population, its standard error by district, and the number of placebos.

    With fewer than two placebos nothing is measured: the number is then 0.
    """
    chosen = next((m for m in found if m.population == "selection"), None)
    usable = np.isfinite(chosen.excess) if chosen is not None else np.zeros(0, dtype=bool)
    if chosen is None or usable.sum() < 2:
        return float("nan"), float("nan"), 0
    excess = chosen.excess[usable]
    independent = float(excess.std(ddof=1) / np.sqrt(len(excess)))
    return float(excess.mean()), max(independent, clustered_error(excess, chosen.place[usable])), len(excess)

"""Measured error rates: the registered comparison run where and when nothing was done.

At every placebo start whose whole window lies before the programme, placebo neighbourhoods are put through the same
comparison and the same test. A method that keeps its promise rejects 5 % of these true nulls at the 5 % level.
Three populations of placebo neighbourhoods are measured:

``all``
    every connected set. The placebo test is uniform here by construction, so this population informs about the
    other methods.
``matched``
    sets whose count in the pre period is like the treated area's, relative to the typical set.
``selection``
    in each district, the connected set with the highest count in the year before the decision: the set that choosing
    the worst neighbourhood picks. Its mean effect is the change that selection alone brings (regression to the mean).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.areas import Areas, connected_sets
from cseval.months import month_number

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import Estimator, Floats, ManyEffects
    from cseval.inference.base import Calibratable
    from cseval.inference.placebo import PlaceboNeighbourhoods

LEVELS = (0.01, 0.05, 0.10)
POPULATIONS = ("all", "matched", "selection")
MATCH = 1.5
#: More sets than this in one district are not searched for its worst one.
MOST_SETS = 200_000


@dataclass(frozen=True, kw_only=True)
class CalibrationPlan:
    """How much is measured.

    Parameters
    ----------
    placebos : int
        Placebo neighbourhoods over all placebo starts, at least 999 at each; each is ranked among the others.
    step : int
        Months between placebo starts.
    chosen_before : int
        Months between the decision where to go and the start.
    """

    placebos: int = 20_000
    step: int = 6
    chosen_before: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What one method did on one population: a p-value, an interval and an effect for each placebo.

    `starts` is the number of placebo starts; `months` are those before and after each.
    """

    method: str
    population: str
    p_value: Floats
    half_width: Floats
    effect: Floats
    starts: int
    months: tuple[int, int]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each level, in the columns of ``calibration.csv`` from `method` on."""
        usable = np.isfinite(self.p_value)
        n = int(usable.sum())
        bias = float(self.effect[usable].mean()) if n else float("nan")
        return [
            {
                "method": self.method,
                "population": self.population,
                "level": level,
                "placebos": n,
                "false_positive_rate": self.rate(level),
                "mc_error": self.mc_error(level),
                "coverage": self.coverage() if level == 0.05 else float("nan"),
                "bias": bias,
                "placebo_starts": self.starts,
                "months_before": self.months[0],
                "months_after": self.months[1],
            }
            for level in LEVELS
        ]

    def rate(self, level: float) -> float:
        """Share of true nulls rejected at `level`."""
        usable = np.isfinite(self.p_value)
        return float((self.p_value[usable] <= level + 1e-12).mean()) if usable.any() else float("nan")

    def mc_error(self, level: float) -> float:
        """Standard error of `rate` from testing finitely many placebos: ``sqrt(p (1 - p) / n)``.

        It is of the drawing, not of the data: another city or another decade would differ by more.
        """
        n = int(np.isfinite(self.p_value).sum())
        rate = self.rate(level)
        rate = min(max(rate, 1 / max(n, 1)), 1 - 1 / max(n, 2))  # no rate is so small that its error is zero
        return float(np.sqrt(rate * (1 - rate) / n)) if n else float("nan")

    def coverage(self) -> float:
        """Share of 95 % intervals that hold the true effect, which is zero."""
        usable = np.isfinite(self.p_value)
        holds = np.abs(self.effect[usable]) <= self.half_width[usable] * (1 + 1e-12)
        return float(holds.mean()) if usable.any() else float("nan")


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

    Returns
    -------
    tuple of Measured
        Empty if no placebo start fits into the months before the programme.
    """
    starts, design = shifted_starts(design, plan.step)
    share = max(-(-plan.placebos // max(len(starts), 1)), 999)
    parts: dict[tuple[str, str], list[tuple[Floats, Floats, Floats]]] = {}
    for number, start in enumerate(starts, start=1):
        at = design.at(start)
        sets, reference = placebo.reference(at, estimator, share, seed + number)
        for population, tested in _populations(design, at, estimator, placebo, plan, sets, reference):
            for method in (placebo, *others):
                p, half = method.test_many(tested, reference, among=population != "selection")
                parts.setdefault((method.name, population), []).append((p, half, tested.effect))
    return tuple(
        Measured(
            method=method,
            population=population,
            p_value=np.concatenate([x[0] for x in found]),
            half_width=np.concatenate([x[1] for x in found]),
            effect=np.concatenate([x[2] for x in found]),
            starts=len(starts),
            months=(design.months_before, design.months_after),
        )
        for (method, population), found in parts.items()
    )


def shifted_starts(design: Design, step: int) -> tuple[tuple[str, ...], Design]:
    """Placebo starts, with both periods shortened by up to half where the data begin too late for any.

    A shorter comparison is noisier and not the registered one, so `Measured` says how long it was.
    """
    for share in np.arange(1.0, 0.45, -0.05):
        shorter = replace(
            design,
            months_before=max(round(design.months_before * share), 1),
            months_after=max(round(design.months_after * share), 1),
        )
        starts = shorter.placebo_starts(step)
        if starts:
            return starts, shorter
    return (), design


def _populations(
    design: Design,
    at: Design,
    estimator: Estimator,
    placebo: PlaceboNeighbourhoods,
    plan: CalibrationPlan,
    sets: PlaceboSets,
    effects: ManyEffects,
) -> list[tuple[str, ManyEffects]]:
    """The populations at one placebo start that make sense for this placebo method, with their effects."""
    from cseval.inference.placebo import as_placebo_estimator

    out = [("all", effects)]
    if "matched" in placebo.populations:
        out.append(("matched", _subset(effects, _like_treated(design, at, sets))))
    chosen = selected_sets(at, plan.chosen_before) if "selection" in placebo.populations else None
    if chosen is not None:
        out.append(("selection", as_placebo_estimator(estimator).estimate_many(at, at.sets(chosen))))
    return out


def _subset(many: ManyEffects, which: npt.NDArray[np.bool_]) -> ManyEffects:
    return replace(
        many, effect=many.effect[which], variance_terms=many.variance_terms[which], cluster_se=many.cluster_se[which]
    )


def _like_treated(design: Design, at: Design, sets: PlaceboSets) -> npt.NDArray[np.bool_]:
    """Sets whose pre-period count, relative to the typical set, is within a factor of the treated area's.

    The treated area is measured in its own pre period and the sets in theirs, so a trend common to all cancels.
    """
    own = design.pre_counts[design.is_treated].sum() / np.median(design.pre_counts[sets.members].sum(axis=1))
    theirs = at.pre_counts[sets.members].sum(axis=1)
    ratio = theirs / np.median(theirs)
    like: npt.NDArray[np.bool_] = (ratio >= own / MATCH) & (ratio <= own * MATCH)
    return like


def selected_sets(at: Design, chosen_before: int) -> npt.NDArray[np.int64] | None:
    """In each district, the connected set with the highest count in the year before the decision.

    Parameters
    ----------
    at : Design
        A design at a placebo start.
    chosen_before : int
        Months between the decision and the start.

    Returns
    -------
    int array, shape (districts, size), or None where districts or the year are not in the data.
    """
    size = int(at.is_treated.sum())
    by_district = district_sets(at.areas, at.inputs.panel.districts, at.comparison, size)
    end = month_number(at.start) - chosen_before - month_number(at.inputs.panel.periods[0])
    if not by_district or end < 12:
        return None
    year = year_total(at, at.comparison, end)
    if year is None:
        return None
    totals = [sum(year[column] for column in sets.T) for sets in by_district]
    return np.array([sets[int(np.argmax(total))] for sets, total in zip(by_district, totals, strict=True)])


def year_total(design: Design, pool: npt.NDArray[np.bool_], end: int) -> npt.NDArray[np.int64] | None:
    """Count of each unit in the twelve months before month number `end` of the panel.

    A month that a unit of the pool lacks is left out for all; None if no month is left.
    """
    panel = design.inputs.panel
    months = np.arange(end - 12, end)
    months = months[panel.mask(design.outcome)[pool][:, months].all(axis=0)]
    total: npt.NDArray[np.int64] = panel.require(design.outcome)[:, months].sum(axis=1)
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


def selection_bias(measured: Sequence[Measured]) -> tuple[float, float, int]:
    """Mean effect of the selection population, its standard error over placebos, and their number.

    The standard error treats placebos as independent, though the same place is often chosen at successive starts.
    With fewer than two placebos nothing is measured: the number is then 0.
    """
    chosen = [m for m in measured if m.population == "selection"]
    effect = chosen[0].effect[np.isfinite(chosen[0].effect)] if chosen else np.empty(0)
    if len(effect) < 2:
        return float("nan"), float("nan"), 0
    return float(effect.mean()), float(effect.std(ddof=1) / np.sqrt(len(effect))), len(effect)

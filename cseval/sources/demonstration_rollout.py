"""Demonstration data of a roll-out: three neighbourhoods of the fictional borough that begin in three months.

The counts are those of `cseval.sources.demonstration` without a programme. The three neighbourhoods are sets of three
adjoining wards of the founding borough that do not touch each other: of all such triples the one with the most
anti-social behaviour in the first year of the data, the busiest beginning first. They are chosen well before the months
that are compared, so that little of the change comes from choosing busy places. From its start on each loses a known
share of its incidents, each incident being kept or not independently of the others, so that what would have happened
without the programme is known too. The share grows over half a year and differs between neighbourhoods: effects that
grow and differ are what a two-way fixed-effects estimate of one effect gets wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas, connected_sets
from cseval.defaults import DEFAULT_SEED
from cseval.errors import DesignError
from cseval.inputs import Inputs, Roles
from cseval.months import month_number
from cseval.sources.demonstration import OUTCOMES, simulate
from cseval.sources.demonstration_map import FOUNDING

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int64]

#: First month of each neighbourhood, the busiest first.
STARTS = ("2018-05", "2018-10", "2019-02")
#: Wards of each neighbourhood.
SIZE = 3
#: Months over which an effect grows to its full size.
GROWTH = 6
#: Offset of the seed of the programme's effect from that of the counts.
EFFECT_SEED = 7_919


@dataclass(frozen=True, kw_only=True)
class RollOutEffect:
    """The true effect on one outcome.

    Parameters
    ----------
    ratios : tuple of float
        Ratio of incidents with the programme to those without it, at full size, in each neighbourhood; at most 1.
    """

    ratios: tuple[float, ...]

    def ratio(self, neighbourhood: int, months: int) -> Floats:
        """Ratio in each of so many months from the start of a neighbourhood on, shape (months,)."""
        grown = np.minimum(np.arange(1, months + 1) / GROWTH, 1.0)
        return np.asarray(self.ratios[neighbourhood] ** grown)


#: Outcomes of the roll-out; those without an effect have ratios of 1.
EFFECTS: Mapping[str, RollOutEffect] = {
    "anti_social_behaviour": RollOutEffect(ratios=(0.70, 0.78, 0.90)),
    "arson_and_criminal_damage": RollOutEffect(ratios=(0.88, 0.92, 0.96)),
    "public_order_offences": RollOutEffect(ratios=(0.80, 0.90, 0.95)),
    "violence_against_the_person": RollOutEffect(ratios=(1.0, 1.0, 1.0)),
}


def simulate_rollout(seed: int = DEFAULT_SEED, effects: Mapping[str, RollOutEffect] = EFFECTS) -> Inputs:
    """Simulate the inputs of the roll-out.

    Parameters
    ----------
    seed : int
        Everything is a pure function of it.
    effects : mapping of str to RollOutEffect
        Outcomes of `demonstration.OUTCOMES`; the first decides where the neighbourhoods are.

    Returns
    -------
    Inputs
        With `truth`: the log of all incidents expected in treated wards from their own starts on, given those that
        would have happened without the programme, over these.
    """
    without = simulate(seed, {name: replace(OUTCOMES[name], true_ratio=1.0) for name in effects})
    panel, areas = without.panel, without.areas
    parts = neighbourhoods(areas, panel.require(next(iter(effects)))[:, :12].sum(axis=1))
    rng = np.random.default_rng(seed + EFFECT_SEED)
    first = [month_number(s) - month_number(panel.periods[0]) for s in STARTS]
    counts, truth = {}, {}
    for name, effect in effects.items():
        counts[name], truth[name] = _apply(panel.require(name), effect, parts, first, rng)
    starts = {areas.units[u]: s for part, s in zip(parts, STARTS, strict=True) for u in part.tolist()}
    return replace(
        without,
        panel=replace(panel, counts=counts),
        roles=Roles(treated=frozenset(starts), starts=starts),
        truth=truth,
    )


def neighbourhoods(areas: Areas, counts: Counts, sizes: int = len(STARTS)) -> tuple[Index, ...]:
    """The sets of adjoining wards of the founding borough, no two of which touch, with the highest count together.

    Raises
    ------
    DesignError
        If the borough has no room for them.
    """
    home = np.array([areas.districts[u] == FOUNDING for u in areas.units])
    sets = connected_sets(areas, home, SIZE, limit=100_000)
    assert sets is not None  # a district of twenty wards has a few hundred such sets
    total = counts[sets].sum(axis=1)
    order = np.argsort(-total, kind="stable")
    sets, total = sets[order], total[order]
    apart = _apart(areas, sets)
    best = _best(total, apart, sizes)
    if best is None:
        raise DesignError(f"no {sizes} sets of {SIZE} wards that do not touch", where="demonstration of the roll-out")
    return tuple(sets[i] for i in best)


def _apart(areas: Areas, sets: Index) -> npt.NDArray[np.bool_]:
    """Which pairs of sets have no ward in common and none that touches the other, shape (sets, sets)."""
    inside = np.zeros((len(sets), len(areas.units)))
    inside[np.arange(len(sets))[:, None], sets] = 1.0
    near = np.eye(len(areas.units))
    near[areas.pairs[:, 0], areas.pairs[:, 1]] = near[areas.pairs[:, 1], areas.pairs[:, 0]] = 1.0
    return np.asarray(inside @ near @ inside.T == 0)


def _best(total: Counts, apart: npt.NDArray[np.bool_], wanted: int) -> tuple[int, ...] | None:
    """Positions of the sets with the highest total of which any two are apart; sets are in order of their total."""
    best: tuple[int, ...] | None = None
    most = -1
    stack: list[tuple[tuple[int, ...], npt.NDArray[np.bool_]]] = [((), np.ones(len(total), dtype=bool))]
    while stack:
        chosen, free = stack.pop()
        have = int(total[list(chosen)].sum())
        if len(chosen) == wanted:
            best, most = (chosen, have) if have > most else (best, most)
            continue
        left = np.flatnonzero(free)
        reach = have + total[left] * (wanted - len(chosen))  # sets after this one are no larger
        later = np.arange(len(total))
        stack.extend(((*chosen, i), free & apart[i] & (later > i)) for i in left[reach > most].tolist()[::-1])
    return best


def _apply(
    counts: Counts, effect: RollOutEffect, parts: tuple[Index, ...], first: list[int], rng: np.random.Generator
) -> tuple[Counts, float]:
    """Counts with the programme, and its true log effect over all treated wards and months."""
    out, expected, before = counts.copy(), 0.0, 0.0
    for number, (part, start) in enumerate(zip(parts, first, strict=True)):
        treated = counts[part, start:]
        ratio = effect.ratio(number, treated.shape[1])
        out[part, start:] = rng.binomial(treated, ratio)
        expected += float((treated * ratio).sum())
        before += float(treated.sum())
    return out, math.log(expected / before)

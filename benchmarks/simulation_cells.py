"""One cell of the simulation study: how often each method errs where its truth is known."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from benchmarks import simulation_worlds as worlds
from benchmarks.simulation_worlds import World
from cseval.areas import PlaceboSets
from cseval.design import Design
from cseval.errors import CsevalError
from cseval.estimators.base import PlaceboEstimator
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.base import Calibratable, Inferred, Placebos
from cseval.inference.guard import judged, situation_of
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.requirements import Standing

LEVELS = (0.01, 0.05, 0.10)
#: The effect under which coverage is measured: a fall of a fifth.
EFFECT = float(np.log(0.8))
#: Places that are treated in turn on one simulated panel, so that draws on the map are made once for each.
PLACES = 40


@dataclass(frozen=True)
class Contender:
    """A method and the estimator it is used with."""

    estimator: PlaceboEstimator
    method: Calibratable


@dataclass
class Tally:
    """What a method did in one cell."""

    p_values: list[float]
    covered: list[bool]
    warned: list[bool]
    refused: int = 0

    def row(self) -> dict[str, Any]:
        """Rates with their Monte Carlo errors."""
        p = np.array(self.p_values)
        rates = {f"rejected_{round(100 * level)}": float((p <= level + 1e-12).mean()) for level in LEVELS if len(p)}
        n = max(len(p), 1)
        five = rates.get("rejected_5", np.nan)
        return {
            "replicates": len(p),
            **rates,
            "mc_error": float(np.sqrt(max(five * (1 - five), 1 / n) / n)),
            "coverage": float(np.mean(self.covered)) if self.covered else np.nan,
            "warned": float(np.mean(self.warned)) if self.warned else np.nan,
            "refused": self.refused,
        }


def run_cell(
    world: World, contenders: Sequence[Contender], replicates: int, draws: int, seed: int
) -> list[dict[str, Any]]:
    """Simulate a world `replicates` times and test a true null, and an effect of -20 %, with every method."""
    number = zlib.crc32(repr(world).encode())
    rng = np.random.default_rng([seed, number])
    places = worlds.treated_sets(world, PLACES, number)
    default = PlaceboNeighbourhoods(draws=draws)
    tallies = {default.name: Tally([], [], [])}
    for replicate in range(replicates):
        treated = places[replicate % PLACES]
        values = worlds.counts(world, rng)
        design = design_of(world, values, treated)
        try:
            reference = judge_default(
                world, design, default, thinned(values, treated, rng), treated, tallies[default.name]
            )
        except CsevalError:
            tallies[default.name].refused += 1
            continue
        for contender in contenders:
            tally = tallies.setdefault(contender.method.name, Tally([], [], []))
            judge(contender, design, reference, tally)
    rows = [{"method": name, **tally.row()} for name, tally in tallies.items()]
    return [{**asdict(world), **row} for row in rows]


def design_of(world: World, values: worlds.Counts, treated: worlds.Counts) -> Design:
    """The design that the study uses everywhere: two years before, eighteen months after, one ring left out."""
    inputs = worlds.inputs_of(world, values, treated)
    return Design.build(
        inputs,
        worlds.OUTCOME,
        start=inputs.panel.periods[worlds.BEFORE],
        months_before=worlds.BEFORE,
        months_after=worlds.AFTER,
        buffer_rings=1,
    )


def thinned(values: worlds.Counts, treated: worlds.Counts, rng: np.random.Generator) -> worlds.Counts:
    """The same counts with a fifth of the treated incidents after the start taken out at random."""
    fallen = values.copy()
    after = fallen[treated, worlds.BEFORE :]
    fallen[treated, worlds.BEFORE :] = rng.binomial(after, np.exp(EFFECT))
    return fallen


def judge_default(
    world: World,
    design: Design,
    method: PlaceboNeighbourhoods,
    fallen: worlds.Counts,
    treated: worlds.Counts,
    tally: Tally,
) -> PlaceboSets:
    """Run the registered test as an evaluation does, with and without an effect; its placebo sets serve the others."""
    estimator = PoissonDiD()
    found = method.infer(design, estimator, estimator.estimate(design), 1)
    tally.p_values.append(found.p_value)
    tally.warned.append(warned(design, method, found))
    assert found.draws is not None
    with suppress(CsevalError):  # a fifth fewer may leave none, and then there is no interval to judge
        tally.covered.append(covers(estimator, method, design_of(world, fallen, treated), found))
    return found.draws.sets


def warned(design: Design, method: PlaceboNeighbourhoods, found: Inferred) -> bool:
    """Whether a report would say that the test is coarse here."""
    situation = situation_of(
        design,
        placebo_sets=found.facts["distinct_neighbourhoods"],
        disjoint_places=found.facts["disjoint_neighbourhoods"],
    )
    return judged(situation, method.name, method.needs).standing > Standing.SHOWN


def covers(estimator: PoissonDiD, method: PlaceboNeighbourhoods, design: Design, found: Inferred) -> bool:
    """Whether the interval holds the effect; the effect does not touch the placebo sets, so those of the null serve."""
    assert found.draws is not None
    sets = found.draws.sets
    own = estimator.estimate_many(design, design.own_set)
    ranked = method.rank(
        estimator.estimate(design), own, estimator.estimate_many(design, sets), sets, found.facts["match_factor"]
    )
    return ranked.conf_low <= EFFECT <= ranked.conf_high


def judge(contender: Contender, design: Design, reference: PlaceboSets, tally: Tally) -> None:
    """Test the true null with another method."""
    own = Placebos.of(design, contender.estimator, design.own_set)
    others = Placebos.of(design, contender.estimator, replace(reference))
    try:
        found = float(contender.method.test_many(own, others)[0])
    except CsevalError:
        found = np.nan
    if np.isnan(found):  # a method that has nothing to say here
        tally.refused += 1
    else:
        tally.p_values.append(found)

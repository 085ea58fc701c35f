"""What cseval does in the rows on staggered starts; a design is built anew in every run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import panels
from benchmarks.timing import Contestant, Job
from cseval.design import Design
from cseval.inputs import Inputs, Roles
from cseval.months import add_months

if TYPE_CHECKING:
    from benchmarks.panels import Size

COHORTS, APART = 4, 4
#: Every area belongs to one of the cohorts or, with the same chance, never begins.
DRAWS = 9_999


def staggered_inputs(size: Size) -> Inputs:
    """The simulated panel with four cohorts that begin four months apart, a fifth of the areas each."""
    given = panels.inputs(size)
    cohort = np.random.default_rng(size.seed).integers(0, COHORTS + 1, size.areas)
    begins = [add_months(panels.FIRST, size.pre + APART * k) for k in range(COHORTS)]
    starts = {u: begins[c] for u, c in zip(given.panel.units, cohort.tolist(), strict=True) if c < COHORTS}
    return replace(given, roles=Roles(treated=frozenset(starts), starts=starts))


def staggered_design(given: Inputs, size: Size) -> Design:
    """Its design without a buffer, so that every package uses the same rows."""
    return panels.design(given, size, buffer_rings=0)


def _callaway_santanna(size: Size) -> Job:
    from cseval.estimators.callaway_santanna import CallawaySantAnna

    given = staggered_inputs(size)
    return lambda: [CallawaySantAnna().estimate(staggered_design(given, size)).effect]


def _etwfe(size: Size) -> Job:
    from cseval.estimators.etwfe import PoissonETWFE

    given = staggered_inputs(size)
    return lambda: [PoissonETWFE().estimate(staggered_design(given, size)).effect]


def _imputation(size: Size) -> Job:
    from cseval.estimators.imputation import Imputation

    given = staggered_inputs(size)
    return lambda: [Imputation().estimate(staggered_design(given, size)).effect]


def placebo_starts_of_their_own(draws: int) -> Callable[[Size], Job]:
    """Effects of placebo sets already drawn: three neighbourhoods each, that begin in different months."""

    def prepare(size: Size) -> Job:
        from cseval.estimators.etwfe import PoissonETWFE

        given = panels.inputs(size)
        rng = np.random.default_rng(1)
        near = given.areas.neighbours
        pairs = [(i, near[i][0]) for i in rng.permutation(size.areas).tolist()]
        own = [pairs[0], pairs[1], pairs[2]]
        first = add_months(panels.FIRST, size.pre)
        starts = {given.panel.units[u]: add_months(first, 4 * k) for k, pair in enumerate(own) for u in pair}
        treated = replace(given, roles=Roles(treated=frozenset(starts), starts=starts))
        design = panels.design(treated, size)
        chosen = rng.integers(3, size.areas, (draws, 3))
        members = np.array(pairs)[chosen].reshape(draws, 6)
        sets = design.sets(members)
        return lambda: [len(PoissonETWFE().estimate_many(design, sets))]

    return prepare


CALLAWAY_SANTANNA = Contestant(name="cseval CallawaySantAnna", prepare=_callaway_santanna)
IMPUTATION = Contestant(name="cseval Imputation", prepare=_imputation)
ETWFE = Contestant(name="cseval PoissonETWFE", prepare=_etwfe)
PLACEBO = Contestant(name="cseval PoissonETWFE, many sets", prepare=placebo_starts_of_their_own(DRAWS))

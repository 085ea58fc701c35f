"""What cseval does in the rows of synthetic controls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import panels
from benchmarks.timing import Contestant, Job

if TYPE_CHECKING:
    from benchmarks.panels import Size

#: California's size (38 donors, 31 years, from the 20th on), and 600 areas by month with five treated.
STATES = panels.Size(areas=39, months=31, pre=19, neighbourhood=1)
AREAS = panels.Size(areas=600, months=72, pre=48)
#: London's boroughs by month.
BOROUGHS = panels.Size(areas=32, months=119, pre=86, neighbourhood=1)
TINY = panels.Size(areas=24, months=16, pre=10, neighbourhood=2)
#: Placebos of the standard error.
STATE_PLACEBOS, AREA_PLACEBOS = 200, 50


def synthetic_did(placebos: int) -> Callable[[Size], Job]:
    """Estimate and placebo standard error; with one treated unit every donor once stands for any number of draws."""

    def prepare(size: Size) -> Job:
        from cseval.estimators.synthetic_did_kernels import placebo_error, synthetic_did

        design = panels.simulated_design(size)
        counts, treated, post = design.counts.astype(float), design.is_treated, design.post

        def job() -> Sequence[float]:
            effect = synthetic_did(counts, treated, post).effect
            return [effect, placebo_error(counts, treated, post, placebos, seed=1)]

        return job

    return prepare


def control(size: Size) -> Job:
    """Synthetic control of the treated unit and of every donor in its place."""
    from cseval.estimators.synthetic_control import SyntheticControl

    given, estimator = panels.inputs(size), SyntheticControl(measure="counts")

    def job() -> Sequence[float]:
        design = panels.design(given, size, buffer_rings=0)
        donors = design.sets(np.flatnonzero(design.comparison)[:, None])
        return [estimator.estimate(design).effect, *estimator.estimate_many(design, donors).effect.tolist()]

    return job


STATES_DID = Contestant(name="cseval synthetic DiD", prepare=synthetic_did(STATE_PLACEBOS))
AREAS_DID = Contestant(name="cseval synthetic DiD", prepare=synthetic_did(AREA_PLACEBOS))
CONTROL = Contestant(name="cseval SyntheticControl", prepare=control)

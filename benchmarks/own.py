"""What cseval does in each row. A design is built anew in every run, so nothing that it keeps is had for free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import panels
from benchmarks.timing import Contestant, Job
from cseval.areas import draw_connected, placebo_sets

if TYPE_CHECKING:
    from benchmarks.panels import Size
    from cseval.estimators.base import Estimator

DRAWS = 9_999
#: Sets of areas are drawn with a buffer ring around each, as in an evaluation.
EVALUATIONS, REFERENCE, STARTS = 1_000, 999, 5


def _estimate(estimator: Callable[[], Estimator], numbers: str = "effect") -> Callable[[Size], Job]:
    def prepare(size: Size) -> Job:
        given, chosen = panels.inputs(size), estimator()

        def job() -> Sequence[float]:
            estimate = chosen.estimate(panels.design(given, size, buffer_rings=0))
            if numbers == "effect":
                return [estimate.effect]
            table = estimate.coefficients
            return table.loc[table["std_error"].notna(), "estimate"].tolist()  # type: ignore[no-any-return]

        return job

    return prepare


def _poisson() -> Estimator:
    from cseval import PoissonDiD

    return PoissonDiD()


def _linear() -> Estimator:
    from cseval import LinearDiD

    return LinearDiD()


def _events() -> Estimator:
    from cseval import EventStudy

    return EventStudy(bin_months=1, linear=True)


POISSON = Contestant(name="cseval PoissonDiD", prepare=_estimate(_poisson))
LINEAR = Contestant(name="cseval LinearDiD", prepare=_estimate(_linear))
EVENTS = Contestant(name="cseval EventStudy", prepare=_estimate(_events, "coefficients"))


# Placebo neighbourhoods ---------------------------------------------------------------------------


def drawing(draws: int) -> Callable[[Size], Job]:
    """Draw connected sets and find the ring around each, on a map that keeps nothing from the run before."""

    def prepare(size: Size) -> Job:
        given = panels.inputs(size)
        pool, order = panels.design(given, size).comparison, given.panel.units[::-1]

        def job() -> Sequence[float]:
            fresh = given.areas.align(order)
            members = draw_connected(fresh, pool[::-1], size.neighbourhood, draws, np.random.default_rng(1))
            return [len(placebo_sets(fresh, pool[::-1], members))]

        return job

    return prepare


def estimating(draws: int) -> Callable[[Size], Job]:
    """The effects of sets already drawn."""

    def prepare(size: Size) -> Job:
        from cseval import PoissonDiD

        design = panels.design(panels.inputs(size), size)
        rng = np.random.default_rng(1)
        sets = design.sets(draw_connected(design.areas, design.comparison, size.neighbourhood, draws, rng))
        return lambda: [len(PoissonDiD().estimate_many(design, sets))]

    return prepare


DRAWING = Contestant(name="cseval, drawing", prepare=drawing(DRAWS))
ESTIMATING = Contestant(name="cseval, estimating", prepare=estimating(DRAWS))


# Calibration --------------------------------------------------------------------------------------


def calibrating(evaluations: int, reference: int) -> Callable[[Size], Job]:
    """The false-positive rate over `evaluations` placebos, each ranked among `reference` others at its start."""

    def prepare(size: Size) -> Job:
        from cseval import PoissonDiD
        from cseval.inference.calibration import CalibrationPlan, calibrate
        from cseval.inference.covariance import ClusterRobust
        from cseval.inference.placebo import PlaceboNeighbourhoods

        given = panels.inputs(size)
        plan = CalibrationPlan(placebos=STARTS * reference, tested=evaluations)

        def job() -> Sequence[float]:
            # other objects, so that nothing kept for the last run is used again
            fresh = replace(given, areas=replace(given.areas))
            design = panels.design(fresh, size, before=24)
            found = calibrate(design, PoissonDiD(), PlaceboNeighbourhoods(), (ClusterRobust(),), plan, 1)
            return [m.rate(0.05) for m in found]

        return job

    return prepare


CALIBRATING = Contestant(name="cseval calibrate", prepare=calibrating(EVALUATIONS, REFERENCE))


# Wild cluster bootstrap ---------------------------------------------------------------------------


def _wild(size: Size) -> Job:
    from cseval import LinearDiD
    from cseval.inference.wild_bootstrap import WildClusterBootstrap

    given, method = panels.inputs(size), WildClusterBootstrap(draws=DRAWS, by="district")

    def job() -> Sequence[float]:
        design = panels.design(given, size, buffer_rings=0)
        estimate = LinearDiD().estimate(design)
        return [method.infer(design, LinearDiD(), estimate, 1).p_value]

    return job


WILD = Contestant(name="cseval WildClusterBootstrap", prepare=_wild)

"""A check's context from counts: the design, its estimate, its placebo neighbourhoods and their error rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from builders import evaluation, inputs, poisson_counts

from cseval.areas import Areas
from cseval.checks.context import CheckContext
from cseval.design import Design
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.calibration import CalibrationPlan, Measured, calibrate
from cseval.inference.covariance import ClusterRobust
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.months import add_months
from cseval.register import Registered
from cseval.spec import Programme, Window

SIDE, MONTHS, START, AFTER, BEFORE = 12, 60, 48, 12, 24
TREATED = [65, 66, 77]
RING = [53, 54, 64, 67, 76, 78, 89]
DISTRICT = 4  # a district is a square of four by four units

Counts = npt.NDArray[np.int64]


def clean(seed: int = 0, level: float = 6.0) -> Counts:
    """Poisson counts without any effect, shape (units, months)."""
    return poisson_counts(SIDE**2, MONTHS, level=level, seed=seed)


def rescaled(counts: Counts, factor: npt.ArrayLike, seed: int = 99) -> Counts:
    """Poisson counts around `factor` times the ones given, which keeps them whole."""
    return np.random.default_rng(seed).poisson(counts * np.asarray(factor)).astype(np.int64)


def with_change(units: list[int], columns: slice, factor: npt.ArrayLike, seed: int = 0, level: float = 6.0) -> Counts:
    """Clean counts with `units` multiplied by `factor` in `columns`."""
    counts = clean(seed, level)
    counts[units, columns] = rescaled(counts[units, columns], factor)
    return counts


def district_of(unit: int) -> str:
    row, column = divmod(unit, SIDE)
    return f"D{row // DISTRICT}{column // DISTRICT}"


def context(
    counts: Counts,
    *,
    treated: list[int] = TREATED,
    received: npt.NDArray[np.bool_] | None = None,
    measured: tuple[Measured, ...] | None = (),
    register: tuple[Registered, ...] = (),
    areas: Areas | None = None,
    data: str = "real",
    before: int = BEFORE,
    districts: bool = True,
    agreed: str | None = None,
) -> CheckContext:
    """The context of the primary analysis of these counts; `measured` is calibrated if None."""
    given = inputs(counts, treated=treated, shape=(SIDE, SIDE), received=received)
    names = {u: district_of(i) for i, u in enumerate(given.panel.units)} if districts else {}
    given = replace(given, panel=replace(given.panel, districts=names), data=data, areas=areas or given.areas)
    start = add_months(given.panel.periods[0], START)
    design = Design.build(
        given, "burglary", start=start, months_before=before, months_after=AFTER, buffer_rings=1, comparison="all"
    )
    return _assembled(design, measured, register, agreed)


#: One treated borough among 32, the founding evaluation's window; every borough is a district of its own.
BOROUGHS, BOROUGH, BOROUGH_START, BOROUGH_AFTER = 32, 13, 86, 33


def clean_boroughs(seed: int = 0, level: float = 60.0) -> Counts:
    """Poisson counts of 32 boroughs in 119 months without any effect."""
    return poisson_counts(BOROUGHS, BOROUGH_START + BOROUGH_AFTER, level=level, seed=seed)


def boroughs(
    counts: Counts, *, treated: int = BOROUGH, measured: tuple[Measured, ...] | None = (), start: int = BOROUGH_START
) -> CheckContext:
    """The context of one treated borough against the others, from counts of shape (32, months)."""
    given = inputs(counts, treated=[treated], shape=(4, 8))
    given = replace(given, panel=replace(given.panel, districts={u: u for u in given.panel.units}))
    design = Design.build(
        given,
        "burglary",
        start=add_months(given.panel.periods[0], start),
        months_before=start,
        months_after=counts.shape[1] - start,
        buffer_rings=0,
    )
    return _assembled(design, measured, (), None)


def _assembled(
    design: Design, measured: tuple[Measured, ...] | None, register: tuple[Registered, ...], agreed: str | None
) -> CheckContext:
    """The context of the Poisson comparison of a design, ranked among placebo neighbourhoods."""
    start = design.start
    estimator, placebo = PoissonDiD(), PlaceboNeighbourhoods(draws=499)
    estimate = estimator.estimate(design)
    inferred = placebo.infer(design, estimator, estimate, 1)
    if measured is None:
        measured = calibrate(design, estimator, placebo, [ClusterRobust()], CalibrationPlan(placebos=999), 1)
    return CheckContext(
        evaluation=evaluation(
            programme=Programme(name="Programme", start=start, roles="roles.csv", register="own", agreed=agreed),
            window=Window(first=design.all_months[0], last=design.all_months[-1]),
        ),
        design=design,
        estimator=estimator,
        placebo=placebo,
        estimate=estimate,
        inferred=inferred,
        sets=inferred.draws.sets,
        measured=measured,
        register=register,
        seed=1,
    )

"""Small inputs with a known truth: a lattice of areas, a panel of counts, and designs on them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from cseval.areas import Areas
from cseval.design import Design
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inputs import Inputs, Roles
from cseval.months import add_months, month_range
from cseval.panel import Panel
from cseval.register import Registered
from cseval.spec import Analysis, Evaluation, Programme, Window

FIRST = "2015-01"


def unit_codes(count: int) -> tuple[str, ...]:
    """Unit codes in order: U000, U001, ..."""
    return tuple(f"U{i:03d}" for i in range(count))


def lattice(rows: int, columns: int) -> Areas:
    """Square areas on a rows x columns grid; those that share a side touch."""
    number = np.arange(rows * columns).reshape(rows, columns)
    across = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)
    down = np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1)
    pairs = np.concatenate([across, down]).astype(np.int64)
    return Areas(units=unit_codes(rows * columns), pairs=pairs, border=np.full(len(pairs), 100.0))


def panel(
    counts: npt.NDArray[np.int64],
    *,
    first: str = FIRST,
    outcome: str = "burglary",
    exposure: npt.NDArray[np.float64] | None = None,
    received: npt.NDArray[np.bool_] | None = None,
) -> Panel:
    """A panel of one outcome from a units x months array."""
    return Panel(
        units=unit_codes(len(counts)),
        periods=month_range(first, add_months(first, counts.shape[1] - 1)),
        counts={outcome: np.asarray(counts, dtype=np.int64)},
        exposure=exposure,
        received={} if received is None else {outcome: received},
    )


def poisson_counts(
    units: int,
    months: int,
    *,
    level: float = 6.0,
    treated: Iterable[int] = (),
    start: int = 0,
    effect: float = 0.0,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """Poisson counts with unit and month effects; log effect `effect` in `treated` from column `start`."""
    rng = np.random.default_rng(seed)
    unit, month = rng.normal(0, 0.4, (units, 1)), rng.normal(0, 0.15, (1, months))
    mean = level * np.exp(unit + month)
    mean[list(treated), start:] *= np.exp(effect)
    return rng.poisson(mean).astype(np.int64)


def inputs(
    counts: npt.NDArray[np.int64],
    *,
    treated: Iterable[int],
    shape: tuple[int, int] | None = None,
    exposure: npt.NDArray[np.float64] | None = None,
    received: npt.NDArray[np.bool_] | None = None,
) -> Inputs:
    """Inputs on a lattice (a single row of areas unless `shape` says otherwise)."""
    rows, columns = shape or (1, len(counts))
    codes = unit_codes(len(counts))
    return Inputs(
        panel=panel(counts, exposure=exposure, received=received),
        areas=lattice(rows, columns),
        roles=Roles(treated=frozenset(codes[i] for i in treated)),
    )


def design(
    counts: npt.NDArray[np.int64],
    *,
    treated: Iterable[int],
    months_before: int,
    months_after: int | None = None,
    transition: int = 0,
    buffer_rings: int = 0,
    shape: tuple[int, int] | None = None,
    exposure: npt.NDArray[np.float64] | None = None,
    received: npt.NDArray[np.bool_] | None = None,
) -> Design:
    """A design whose window is the whole of `counts` (units x months) unless `months_after` is shorter."""
    after = counts.shape[1] - months_before - transition if months_after is None else months_after
    return Design.build(
        inputs(counts, treated=treated, shape=shape, exposure=exposure, received=received),
        "burglary",
        start=add_months(FIRST, months_before),
        months_before=months_before,
        months_after=after,
        transition=transition,
        buffer_rings=buffer_rings,
    )


def registered(slug: str, **changes: str) -> Registered:
    """A programme of the register, named after its slug, with unknown dates unless given."""
    text = dict.fromkeys(("start", "end", "units", "outcomes", "evaluability"), "")
    known = {"name": slug.title(), "area": "Borough", "mechanism": "patrols", "source": "Report", "paragraph": "1.2"}
    return Registered(slug=slug, **{**text, **known, **changes})


def analysis(slug: str = "primary", **changes: object) -> Analysis:
    """A registered analysis of burglary by the default estimator and inference."""
    declared = {"outcome": "burglary", "estimator": PoissonDiD(), "inference": (PlaceboNeighbourhoods(),)}
    return Analysis(slug=slug, **{**declared, "role": "primary", **changes})


def evaluation(**changes: object) -> Evaluation:
    """An evaluation of a programme begun in January 2016, from January 2015 to December 2016."""

    def nothing(_: object) -> Inputs:
        raise AssertionError("inputs are given, not read")

    declared = {
        "slug": "an-evaluation",
        "title": "An evaluation",
        "question": "Did it work?",
        "programme": Programme(name="Programme", start="2016-01", roles="roles.csv"),
        "window": Window(first=FIRST, last="2016-12"),
        "real": nothing,
        "demonstration": nothing,
        "needs": (),
        "analyses": (analysis(),),
    }
    return Evaluation(**{**declared, **changes})


def alike(counts: Iterable[float], own: float) -> tuple[list[int], float]:
    """Positions of the counts like `own`, by the rule in words: within 1.5, 2 or 3 times once 99 are, else any."""
    values = [Fraction(c) for c in counts]
    for factor in (Fraction(3, 2), Fraction(2), Fraction(3)) if own > 0 else ():
        found = [i for i, c in enumerate(values) if own / factor <= c <= own * factor]
        if len(found) >= 99:
            return found, float(factor)
    return list(range(len(values))), float("inf")

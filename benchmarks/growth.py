"""How the cost grows with areas, months and draws: it is to be proportional to each."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import own
from benchmarks.panels import LONDON, Size
from benchmarks.timing import Contestant, Job, measure


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Seconds of one piece of work as one number grows."""

    work: str
    grows: str
    at: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def slope(self) -> float:
        """Growth from the middle of the range to its end in logs: 1 is proportional, below 1 is slower."""
        middle = len(self.at) // 2
        return float(np.log(self.seconds[-1] / self.seconds[middle]) / np.log(self.at[-1] / self.at[middle]))


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is varied: a job for each value of one number."""

    work: str
    grows: str
    at: tuple[int, ...]
    prepare: Callable[[int], Callable[[Size], Job]]
    size: Callable[[int], Size]

    def run(self, repeats: int) -> Curve:
        """Time every point in this process."""
        seconds = []
        for value in self.at:
            contestant = Contestant(name=self.work, prepare=self.prepare(value))
            seconds.append(measure(contestant, self.size(value), None, repeats).median or 0.0)
        return Curve(work=self.work, grows=self.grows, at=self.at, seconds=tuple(seconds))


def _areas(value: int) -> Size:
    return Size(areas=value, months=72, pre=48)


def _months(value: int) -> Size:
    return Size(areas=20_000, months=value, pre=value * 2 // 3)


def _london(_: int) -> Size:
    return LONDON


def _calibration(_: int) -> Size:
    return Size(areas=1_000, months=72, pre=60)


AREAS, MONTHS = (2_000, 5_000, 10_000, 20_000, 40_000), (24, 48, 96, 192)
DRAWS = (1_000, 3_000, 10_000, 30_000, 100_000)
EVALUATIONS, REFERENCES = (500, 1_000, 2_000, 4_000), (1_000, 2_000, 4_000)

SWEEPS = (
    Sweep(work="Poisson DiD", grows="areas", at=AREAS, prepare=lambda _: own.POISSON.prepare, size=_areas),
    Sweep(work="event study", grows="areas", at=AREAS, prepare=lambda _: own.EVENTS.prepare, size=_areas),
    Sweep(work="Poisson DiD", grows="months", at=MONTHS, prepare=lambda _: own.POISSON.prepare, size=_months),
    Sweep(work="event study", grows="months", at=MONTHS, prepare=lambda _: own.EVENTS.prepare, size=_months),
    Sweep(work="drawing", grows="draws", at=DRAWS, prepare=own.drawing, size=_london),
    Sweep(work="estimating", grows="draws", at=DRAWS, prepare=own.estimating, size=_london),
    Sweep(
        work="calibration",
        grows="evaluations",
        at=EVALUATIONS,
        prepare=lambda n: own.calibrating(n, 999),
        size=_calibration,
    ),
    Sweep(
        work="calibration",
        grows="draws each",
        at=REFERENCES,
        prepare=lambda n: own.calibrating(1_000, n),
        size=_calibration,
    ),
)


def write_csv(path: Path, curves: Sequence[Curve]) -> None:
    """One line for each point."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("work", "grows", "at", "seconds"))
        writer.writerows((c.work, c.grows, n, f"{s:.6g}") for c in curves for n, s in zip(c.at, c.seconds, strict=True))


def write_figure(path: Path, curves: Sequence[Curve]) -> None:
    """A panel for each number that grows, both axes in logs, with a dotted line of proportional growth."""
    from matplotlib.figure import Figure

    kinds = tuple(dict.fromkeys(c.grows for c in curves))
    figure = Figure(figsize=(3.1 * len(kinds), 3.2), layout="constrained")
    for axis, kind in zip(np.atleast_1d(figure.subplots(1, len(kinds))), kinds, strict=True):
        for curve in (c for c in curves if c.grows == kind):
            axis.loglog(curve.at, curve.seconds, marker="o", label=f"{curve.work} (slope {curve.slope:.2f})")
            straight = [curve.seconds[-1] * n / curve.at[-1] for n in curve.at]
            axis.loglog(curve.at, straight, color="grey", linestyle=":", linewidth=1)
        points = next(c.at for c in curves if c.grows == kind)
        axis.set(xlabel=kind, ylabel="seconds" if kind == kinds[0] else "")
        axis.set_xticks(points, [f"{n:,}" for n in points], rotation=30, fontsize=7)
        axis.tick_params(which="minor", labelbottom=False, labelleft=False, bottom=False)
        axis.legend(fontsize=7, frameon=False)
    figure.suptitle("Cost as the work grows; dotted: proportional growth", fontsize=10)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    figure.savefig(path.with_suffix(".png"), dpi=150)

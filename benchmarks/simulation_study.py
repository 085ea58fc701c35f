"""How often each method errs, over a grid of simulated worlds: ``python -m benchmarks.simulation_study``.

Each cell of the grid is one kind of world: how many adjoining units are treated, how long and how far shocks last, how
many incidents there are and how clumped. In each, counts without any effect are simulated again and again and every
method is asked for its p-value; the default method is also asked whether its interval holds a known fall of a fifth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.simulation_cells import Contender, run_cell
from benchmarks.simulation_report import write_report
from benchmarks.simulation_worlds import World
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.conformal import AbsoluteMean, Conformal
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.covariance import ClusterRobust, ClusterRobustCR2, ClusterRobustCR3
from cseval.inference.ferman_pinto import FermanPinto
from cseval.inference.score_bootstrap import ScoreBootstrap
from cseval.inference.wild_bootstrap import WildClusterBootstrap
from cseval.parallel import current, open_workers

#: A city of wards, and a county of districts.
SIDES = (24, 6)
TREATED = (1, 2, 5, 20)
AUTOCORRELATION = (0.0, 0.6)
SPATIAL = (0.0, 0.9)
#: Mean incidents per unit and month, and dispersion: usual, clumped, and rare counts.
COUNTS = ((8.0, 0.2), (8.0, 1.0), (0.3, 0.2))


def grid() -> tuple[World, ...]:
    """Every cell; twenty of thirty-six units leave nothing to compare with, so the small map stops at five."""
    cells = product(SIDES, TREATED, AUTOCORRELATION, SPATIAL, COUNTS)
    return tuple(
        World(side=side, treated=k, autocorrelation=ar, spatial=sp, level=level, dispersion=dispersion)
        for side, k, ar, sp, (level, dispersion) in cells
        if k <= side * side / 6
    )


def contenders() -> tuple[Contender, ...]:
    """The methods beside the default one."""
    poisson, linear = PoissonDiD(), LinearDiD()
    return (
        Contender(poisson, ClusterRobust()),
        Contender(poisson, ClusterRobustCR2()),
        Contender(poisson, ClusterRobustCR3()),
        Contender(poisson, ScoreBootstrap()),
        Contender(linear, WildClusterBootstrap()),
        Contender(poisson, ConleyTaber()),
        Contender(poisson, FermanPinto()),
        Contender(poisson, Conformal(statistic=AbsoluteMean())),
    )


def study(
    cells: Sequence[World], methods: Sequence[Contender], replicates: int, draws: int, seed: int, stored: Path
) -> None:
    """Store the results of every cell and method, one row each; the same whatever the number of workers.

    Rows replace those that are stored of the same cell and method, so a study can be stopped and gone on with.
    """
    rows = pd.read_csv(stored).to_dict("records") if stored.exists() else []
    started = time.perf_counter()
    found = current().each(_cell, list(cells), tuple(methods), replicates, draws, seed)
    for number, part in enumerate(found, start=1):
        new = {_key(row) for row in part}
        rows = [row for row in rows if _key(row) not in new] + part
        ordered = pd.DataFrame(rows).sort_values(KEY[:-1], ascending=ASCENDING, kind="stable")
        ordered.to_csv(stored, index=False, float_format="%.6g", lineterminator="\n")
        print(f"{number} of {len(cells)} cells, {time.perf_counter() - started:.0f} s", flush=True)


KEY = ["side", "treated", "autocorrelation", "spatial", "level", "dispersion", "method"]
ASCENDING = [False, True, True, True, False, True]


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _cell(world: World, methods: Sequence[Contender], replicates: int, draws: int, seed: int) -> list[dict[str, Any]]:
    return run_cell(world, methods, replicates, draws, seed)


def missing(cells: Sequence[World], stored: Path) -> tuple[World, ...]:
    """Cells of which nothing is stored."""
    rows = pd.read_csv(stored).to_dict("records") if stored.exists() else []
    known = {_key(row)[:-1] for row in rows}
    return tuple(c for c in cells if tuple(asdict(c)[name] for name in KEY[:-1]) not in known)


def main() -> None:
    """Run the study and write its table and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=999)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("docs/simulation"))
    parser.add_argument("--go-on", action="store_true", help="only cells of which nothing is stored")
    parser.add_argument("--stored", action="store_true", help="only cells of which something is stored")
    parser.add_argument("--default-only", action="store_true", help="only the default method")
    parser.add_argument("--report-only", action="store_true", help="make table and figure from the stored results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    stored = options.out / "size.csv"
    if not options.report_only:
        cells, left = grid(), missing(grid(), stored)
        chosen = left if options.go_on else tuple(c for c in cells if c not in left) if options.stored else cells
        methods = () if options.default_only else contenders()
        with open_workers(options.workers):
            study(chosen, methods, options.replicates, options.draws, options.seed, stored)
    write_report(pd.read_csv(stored), options.out)


if __name__ == "__main__":
    main()

"""``python -m benchmarks``: time cseval and its peers, print the table and write it beside this file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import ROWS, Row
from benchmarks.report import Line, lines, markdown, write_csv
from benchmarks.timing import apart, machine

HERE = Path(__file__).resolve().parent
#: Timings on one thread each, so that packages are compared and not their libraries' use of cores.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", nargs="*", metavar="ROW", help="only these rows: " + ", ".join(r.slug for r in ROWS))
    parser.add_argument("--repeats", type=int, default=5, help="runs of each contestant, of which the median counts")
    parser.add_argument("--no-peers", action="store_true", help="time cseval only")
    parser.add_argument("--no-growth", action="store_true", help="leave the growth curves out")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the results")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.rows or ()) - {r.slug for r in ROWS})
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are " + ", ".join(r.slug for r in ROWS))
    for name in THREADS:
        os.environ.setdefault(name, "1")
    rows = [r for r in ROWS if not chosen.rows or r.slug in chosen.rows]
    run(rows, chosen.out, chosen.repeats, peers=not chosen.no_peers)
    if not chosen.no_growth:
        grow(chosen.out, chosen.repeats)


def run(rows: Sequence[Row], out: Path, repeats: int, *, peers: bool = True) -> list[Line]:
    """Time every row, print each as it is done, and write ``results.md`` and ``results.csv``."""
    found: list[Line] = []
    for row in rows:
        contestants = row.contestants if peers else row.contestants[:1]
        timed = [apart(c, row.slug, row.size, row.tiny, repeats) for c in contestants]
        found += lines(row, timed)
        for line in found[-len(timed) - len(row.stored) :]:
            told = f"{line.seconds:10.4f} s" if line.seconds is not None else line.remark
            print(f"{line.row:16s} {line.contestant:32s} {told} {line.met}", flush=True)
        write(out, found)  # after every row, since a run that is stopped has then not been for nothing
    print(markdown(found, machine()))
    return found


def write(out: Path, found: Sequence[Line]) -> None:
    """Write ``results.csv`` and ``results.md``."""
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "results.csv", found)
    (out / "results.md").write_text(markdown(found, machine()), encoding="utf-8")


def grow(out: Path, repeats: int) -> None:
    """Time the growth curves and write ``growth.csv``, ``growth.svg`` and ``growth.png``."""
    from benchmarks import growth

    curves = [sweep.run(min(repeats, 3)) for sweep in growth.SWEEPS]
    for curve in curves:
        print(f"{curve.work} by {curve.grows}: slope {curve.slope:.2f}", flush=True)
    growth.write_csv(out / "growth.csv", curves)
    growth.write_figure(out / "growth", curves)


if __name__ == "__main__":
    main()

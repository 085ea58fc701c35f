"""The harness of the benchmark on a tiny panel, without the peers."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("benchmarks", reason="benchmarks/ is in a checkout only, and tests run from its root")

from benchmarks import growth, own, panels, report
from benchmarks.__main__ import main, run
from benchmarks.cases import ROWS, TINY, Row, Stored, Target
from benchmarks.timing import Contestant, Timed, allowed, apart, measure

SMALL = replace(TINY, areas=120)


def row(slug: str, **changes: object) -> Row:
    return replace(next(r for r in ROWS if r.slug == slug), size=SMALL, tiny=None, **changes)


def timed(*seconds: float, name: str = "cseval PoissonDiD", numbers: tuple[float, ...] = (1.0,)) -> Timed:
    return Timed(name=name, version="1", seconds=seconds, numbers=numbers)


def test_the_table_has_its_columns_and_a_line_for_each_contestant(tmp_path):
    chosen = row("poisson-london", contestants=(own.POISSON,))
    found = run([chosen], tmp_path, 2)
    assert [line.contestant for line in found] == ["cseval PoissonDiD", "R fixest (stored)"]
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == report.COLUMNS
    assert rows[0]["repeats"] == "2"
    assert float(rows[0]["seconds"]) > 0
    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "| " + " | ".join(report.HEADINGS) + " |" in page
    assert "50 times faster than pyfixest" in page


def test_a_job_gives_the_numbers_of_the_public_interface():
    from cseval import PoissonDiD

    expected = PoissonDiD().estimate(panels.simulated_design(SMALL)).effect
    assert measure(own.POISSON, SMALL, None, 1).numbers == (expected,)
    assert own.DRAWING.prepare(SMALL)() == [own.DRAWS]


def test_a_peer_that_is_not_installed_is_skipped_with_the_reason():
    absent = Contestant(name="nobody", package="no-such-package-of-this-name", prepare=own.POISSON.prepare)
    found = apart(absent, "poisson-london", SMALL, None, 1)
    assert found.skipped == "no-such-package-of-this-name is not installed"
    (_, line, *_) = report.lines(row("poisson-london"), [timed(0.1), found])
    assert (line.seconds, line.times_cseval, line.remark) == (None, None, f"skipped: {found.skipped}")


def test_a_contestant_that_fails_is_skipped_with_its_last_word():
    failing = Contestant(name="not in the row", prepare=own.POISSON.prepare)
    assert "StopIteration" in apart(failing, "poisson-london", SMALL, None, 1).skipped


@pytest.mark.parametrize(
    ("target", "own_seconds", "met"),
    [
        (Target(text="", seconds=0.5), 0.4, "yes"),
        (Target(text="", seconds=0.5), 0.6, "no"),
        (Target(text="", times=10), 0.09, "yes"),
        (Target(text="", times=10), 0.11, "no"),
        (Target(text="", times=10, peer="slow"), 0.11, "yes"),
        (Target(text="", times=10, peer="absent"), 0.11, ""),
    ],
)
def test_a_target_is_met_against_seconds_or_a_peer(target, own_seconds, met):
    chosen = row("poisson-london", target=target, stored=(Stored(name="slow", seconds=2.0),))
    first, peer, stored = report.lines(chosen, [timed(own_seconds), timed(1.0, 3.0, 1.0, name="peer")])
    assert (first.met, peer.met, stored.met) == (met, "", "")
    assert peer.times_cseval == pytest.approx(1.0 / own_seconds)


def test_the_largest_difference_of_coefficients_is_shown():
    assert report.difference((1.0, 2.0), (1.0, 2.5)) == 0.5
    assert report.difference((1.0,), (1.0, 2.0)) == float("inf")
    assert report.difference((1.0,), ()) is None


def test_what_is_slow_is_run_fewer_times():
    assert [allowed(s, 5) for s in ((), (1.0,), (30.0,), (200.0,))] == [5, 5, 3, 1]


def test_an_unknown_row_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--rows", "nothing"])
    assert "no row 'nothing'" in capsys.readouterr().err


def test_growth_is_the_slope_of_the_second_half_in_logs(tmp_path):
    curve = growth.Curve(work="w", grows="areas", at=(1, 10, 100), seconds=(5.0, 1.0, 10.0))
    assert curve.slope == pytest.approx(1.0)
    growth.write_csv(tmp_path / "growth.csv", [curve])
    assert (tmp_path / "growth.csv").read_text(encoding="utf-8").splitlines()[1] == "w,areas,1,5"


def test_panels_have_the_size_and_the_treated_areas_asked_for():
    size = replace(SMALL, districts=12, treated_districts=4)
    given = panels.inputs(size)
    districts = {given.panel.districts[u] for u in given.panel.units}
    assert len(districts) == 12
    assert {given.panel.districts[u] for u in given.roles.treated} == set(sorted(districts)[::3])
    design = panels.simulated_design(SMALL)
    assert design.counts.shape == (SMALL.areas, SMALL.months)
    assert design.areas.components(np.array(design.units)[design.is_treated])[0] == design.treated

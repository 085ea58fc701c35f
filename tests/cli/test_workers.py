"""`--workers` and `--scheduler`: the same files byte for byte, the same errors, and one message where nobody works."""

from __future__ import annotations

import json

import pytest
from small_project import MODULE, OUTPUTS, SLUG, contents, make_project

from cseval.analyse import Settings
from cseval.loading import find
from cseval.parallel import SERIAL, current, open_workers
from cseval.project import Project, founding

RUN = ("run", SLUG, "--draws", "199")

#: The small evaluation with a method of its own, which refuses some analyses.
OWN_METHOD = MODULE.replace(
    "PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())",
    """
@dataclass(frozen=True, kw_only=True)
class Choosy(PoissonDiD):
    refuses: str = ""

    def estimate(self, design):
        if design.start == self.refuses:
            raise EstimationError("cannot be estimated", where=design.outcome, todo="Choose another start")
        return super().estimate(design)


PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())""",
).replace(
    "from cseval.checks",
    "from dataclasses import dataclass\n\nfrom cseval.errors import EstimationError\nfrom cseval.checks",
    1,
)


def refusing(start: str) -> str:
    """The module, with every analysis from this start refused."""
    return OWN_METHOD.replace("estimator=PoissonDiD()", f'estimator=Choosy(refuses="{start}")')


@pytest.fixture(scope="session")
def address():
    distributed = pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["processes", "dask"])
def shared_work(request):
    """Options by which two workers share the work."""
    if request.param == "processes":
        return ("--workers", "2")
    return ("--scheduler", request.getfixturevalue("address"))


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr("cseval.reporting.figures.make_figures", lambda result: ([], []))


def numbers(outputs):
    """Hashes of the tables; the report holds figures, which are drawn from them."""
    return {p: h for p, h in contents(outputs).items() if "/" not in p and p.endswith((".csv", "effects.json"))}


def test_a_run_writes_the_same_bytes_whoever_does_the_work(fresh, cseval, no_figures, project_that_ran, shared_work):
    said = cseval(*RUN, *shared_work)
    assert said.code == 0, said.err
    assert [line.split(":")[0].strip() for line in said.err.splitlines()[2:]] == [
        "primary",
        "robbery",
        "later",
        "coverage",
        "power",
    ]
    assert current() is SERIAL  # the workers end with the command
    alone, shared = (numbers(root / OUTPUTS) for root in (project_that_ran, fresh))
    assert {
        "effects.csv",
        "effects.json",
        "calibration.csv",
        "placebo.csv",
        "series.csv",
        "inference.csv",
        "power.csv",
    } <= set(alone)
    assert shared == alone


def test_calibrate_prints_the_same_numbers_whoever_does_the_work(fresh, cseval, shared_work):
    command = ("calibrate", SLUG, "--only", "later", "--placebos", "2000", "--json")
    alone, shared = cseval(*command), cseval(*command, *shared_work)
    assert alone.code == 0
    assert (shared.code, shared.out) == (0, alone.out)
    assert {row["analysis"] for row in json.loads(alone.out)["calibration"]} == {"later"}


def test_diff_finds_nothing_whoever_does_the_work(done, cseval):
    said = cseval("diff", SLUG, "--data", "demonstration", "--workers", "2")
    assert (said.code, said.err) == (0, "")
    assert "no difference" in said.out


def test_an_analysis_that_cannot_be_made_is_left_out_with_the_same_reason(
    tmp_path, monkeypatch, cseval, no_figures, shared_work
):
    monkeypatch.chdir(make_project(tmp_path, refusing("2018-08")))
    reason = "later: left out: robbery: cannot be estimated. Choose another start."
    for number, options in enumerate(((), shared_work)):
        said = cseval(*RUN, *options, "--out", tmp_path / f"out{number}")
        assert said.code == 0, said.err
        assert reason in said.err
    assert contents(tmp_path / "out0")["effects.csv"] == contents(tmp_path / "out1")["effects.csv"]


def test_a_primary_analysis_that_cannot_be_made_is_the_same_error(tmp_path, monkeypatch, cseval, shared_work):
    monkeypatch.chdir(make_project(tmp_path, refusing("2018-05")))
    alone, shared = cseval(*RUN), cseval(*RUN, *shared_work)
    assert (shared.code, shared.out) == (alone.code, alone.out) == (2, "")
    errors = [said.err.splitlines()[-1] for said in (alone, shared)]
    assert errors == ["Error: anti_social_behaviour: cannot be estimated. Choose another start."] * 2
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("command", [("run", SLUG), ("calibrate", SLUG), ("diff", SLUG)], ids=" ".join)
def test_an_unreachable_scheduler_is_one_message_and_nothing_is_written(command, done, cseval, monkeypatch):
    pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    monkeypatch.setattr("cseval.parallel.cluster.PATIENCE", 0.5)
    before = contents(done)
    said = cseval(*command, "--scheduler", "tcp://127.0.0.1:1")
    assert said.code == 2
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("Error: --scheduler: the scheduler 'tcp://127.0.0.1:1' cannot be reached; expected the ")
    assert contents(done) == before


@pytest.mark.parametrize("command", ["run", "calibrate", "diff"])
@pytest.mark.parametrize("count", ["0", "-2", "two"])
def test_workers_are_a_whole_number_of_at_least_one(command, count, done, cseval):
    said = cseval(command, SLUG, "--workers", count)
    assert said.code == 2
    assert "Invalid value for '--workers'" in said.err


def test_workers_and_a_scheduler_are_one_too_many(done, cseval):
    said = cseval("run", SLUG, "--workers", "2", "--scheduler", "tcp://127.0.0.1:1")
    assert said.code == 2
    assert said.err.splitlines() == ["Error: both --workers and --scheduler; expected one of them."]


def test_a_dry_run_asks_no_scheduler(fresh, cseval):
    assert cseval("run", SLUG, "--dry-run", "--scheduler", "tcp://127.0.0.1:1").code == 0


@pytest.mark.slow
def test_the_founding_evaluation_is_the_same_to_the_last_digit(shared_work):
    from cseval.runner import run_evaluation

    evaluation = find(Project(founding()), "pilot-evaluation")
    inputs = evaluation.demonstration(3)
    frames = ("effects", "series", "event_study", "placebo", "calibration", "displacement")
    alone = run_evaluation(evaluation, inputs, settings=Settings(draws=999))
    count, scheduler = (2, None) if shared_work[0] == "--workers" else (1, shared_work[1])
    with open_workers(count, scheduler):
        shared = run_evaluation(evaluation, inputs, settings=Settings(draws=999))
    for name in frames:
        assert getattr(shared, name).equals(getattr(alone, name)), name
    assert [c.sentence for c in shared.checks] == [c.sentence for c in alone.checks]
    assert shared.headline == alone.headline

"""Workers: the results of doing one task after the other, the errors too, and no process left behind."""

from __future__ import annotations

import operator
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.errors import CsevalError, DataError, EstimationError, UsageError
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import SegmentedRegression
from cseval.inference.calibration import CalibrationPlan, calibrate
from cseval.inference.covariance import ClusterRobust
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.series_calibration import calibrate_series
from cseval.loading import load
from cseval.parallel import SERIAL, Serial, current, open_workers, using
from cseval.parallel.cluster import PATIENCE, _require_same
from cseval.parallel.parcels import MADE_UP, answer, open_answer, pack


@pytest.fixture(scope="module")
def processes():
    with open_workers(2) as workers, using(SERIAL):  # only where a test asks for them
        yield workers


@pytest.fixture(scope="module")
def address():
    distributed = pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def cluster(address):
    with open_workers(scheduler=address) as workers, using(SERIAL):
        yield workers


@pytest.fixture(scope="module", params=["serial", "processes", "dask"])
def workers(request):
    """Every kind of workers, the pool and the cluster started once."""
    if request.param == "serial":
        yield SERIAL
    elif request.param == "processes":
        yield request.getfixturevalue("processes")
    else:
        yield request.getfixturevalue("cluster")


# Tasks ------------------------------------------------------------------------------------------


def slow_first(item, pause):
    """The first tasks end last."""
    time.sleep(pause * (3 - item % 4))
    return item, os.getpid()


def meets(item, folder):
    """Ends once two tasks have begun."""
    Path(folder, str(item)).touch()
    until(lambda: len(os.listdir(folder)) == 2)
    return os.getpid()


def waits(item, folder):
    """All but the first end once the caller has the first."""
    if item:
        until(lambda: os.listdir(folder))
    return item


def same_object(item, shared):
    return {"item": item, "shared": shared}


def fails(item):
    if item == 0:
        time.sleep(0.3)
    if item in (0, 2):
        raise DataError(f"item {item}", where="a row", expected="better", todo="Mend it")
    return item


def breaks(item):
    return {}[item]


class Unsendable(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.handle = lambda: two


def breaks_badly(item):
    raise Unsendable(item, "x")


def dies(item):
    if item == 1:
        os._exit(9)
    return item


def inside(item):
    with open_workers(3) as workers:
        nested = workers.map(operator.neg, [1, 2])
    return type(current()).__name__, type(workers).__name__, nested


def threads(item):
    return os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_NUM_THREADS"]


def test_results_come_in_the_order_of_the_items(workers):
    found = workers.map(slow_first, range(8), 0.03)
    assert [item for item, _ in found] == list(range(8))
    places = {pid for _, pid in found}
    assert (os.getpid() in places) == isinstance(workers, Serial)


@pytest.mark.parametrize("workers", ["processes", "dask"], indirect=True)
def test_tasks_are_done_side_by_side(workers, tmp_path):
    first, second = workers.map(meets, range(2), str(tmp_path))
    assert first != second


def test_no_items_and_one_item_need_no_worker(workers):
    assert workers.map(slow_first, [], 0) == []
    assert workers.map(slow_first, [3], 0) == [(3, os.getpid())]


def test_what_tasks_share_comes_back_as_the_callers_own(workers):
    shared, other = {"large": np.arange(5)}, (1, 2)
    found = workers.map(same_object, [0, other, "x"], shared)
    assert all(f["shared"] is shared for f in found)
    assert [f["item"] for f in found] == [0, other, "x"]


def test_each_gives_results_as_they_come(processes, tmp_path):
    results = processes.each(waits, range(2), str(tmp_path))
    assert next(results) == 0
    (tmp_path / "first is here").touch()
    assert list(results) == [1]


def test_results_that_nobody_asks_for_leave_the_workers_free(processes):
    results = processes.each(slow_first, range(50), 0.01)
    assert next(results)[0] == 0
    results.close()
    assert processes.map(operator.neg, [1, 2]) == [-1, -2]


# Errors -----------------------------------------------------------------------------------------


def test_the_error_is_that_of_the_first_failing_task_and_the_same_in_every_part(workers):
    with pytest.raises(DataError) as caught:
        workers.map(fails, range(5))
    error = caught.value
    assert str(error) == "a row: item 0; expected better. Mend it."
    assert (error.found, error.where, error.expected, error.todo) == ("item 0", "a row", "better", "Mend it")
    assert workers.map(operator.neg, range(3)) == [0, -1, -2]  # and they go on working


def test_an_unexpected_error_says_where_in_the_worker_it_arose(processes):
    with pytest.raises(KeyError) as caught:
        processes.map(breaks, [1, 2])
    assert "in breaks" in "".join(caught.value.__notes__)
    with pytest.raises(RuntimeError, match="Unsendable: 1"):
        processes.map(breaks_badly, [1, 2])


@pytest.mark.parametrize("kind", [CsevalError, *CsevalError.__subclasses__()])
def test_every_error_of_the_tree_survives_the_way(kind):
    error = pickle.loads(pickle.dumps(kind("found", where="here", expected="that", todo="Do it")))
    assert (type(error), str(error)) == (kind, "here: found; expected that. Do it.")


def test_what_cannot_be_sent_is_refused_in_words(processes):
    with pytest.raises(UsageError, match="functions and classes that a module defines at its top level"):
        processes.map(lambda item: item, [1, 2])
    with pytest.raises(UsageError, match="a task for another process"):
        processes.map(operator.neg, [1, threading.Lock()])


def test_a_worker_that_dies_is_one_error_and_leaves_no_process():
    with pytest.raises(CsevalError, match="a worker process ended before its task was done") as caught:  # noqa: SIM117
        with open_workers(2) as workers:
            workers.map(dies, range(4))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("count", [0, -3])
def test_fewer_than_one_worker_is_refused(count):
    with pytest.raises(UsageError, match=f"{count} workers"), open_workers(count):
        pass


def test_workers_and_a_scheduler_are_one_too_many():
    with pytest.raises(UsageError, match="both --workers and --scheduler"), open_workers(2, "tcp://127.0.0.1:1"):
        pass


# Who is at work ---------------------------------------------------------------------------------


def test_workers_hold_for_what_is_inside_the_with():
    assert current() is SERIAL
    with open_workers() as one:
        assert current() is one is SERIAL
    with open_workers(2) as outer:
        assert current() is outer
        with open_workers(1):
            assert current() is SERIAL
        assert current() is outer
    assert current() is SERIAL


@pytest.mark.parametrize("workers", ["processes", "dask"], indirect=True)
def test_inside_a_task_everything_is_serial(workers):
    assert workers.map(inside, range(3)) == [("Serial", "Serial", [-1, -2])] * 3


def test_workers_that_are_sent_away_are_serial(processes):
    assert pickle.loads(pickle.dumps(processes)) == SERIAL


def test_every_worker_has_one_thread_for_linear_algebra(workers):
    with open_workers():
        assert set(workers.map(threads, range(4))) == {("1", "1")}


SCRIPT = """
import os, sys, time
from cseval.parallel import open_workers

def task(item, folder):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    time.sleep(60)

if __name__ == "__main__":
    with open_workers(2) as workers:
        workers.map(task, range(6), sys.argv[1])
"""


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to see processes")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_no_process_outlives_the_one_that_started_it(tmp_path, how):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    (tmp_path / "pids").mkdir()
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "pids")]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c)
    until(lambda: len(os.listdir(tmp_path / "pids")) == 2)
    pids = [int(p) for p in os.listdir(tmp_path / "pids")]
    assert all(running(p) for p in pids)
    started.send_signal(how)
    _, said = started.communicate(timeout=60)
    until(lambda: not any(running(p) for p in pids))
    assert started.returncode != 0
    assert said.count("Traceback") == (1 if how == signal.SIGINT else 0)  # the caller's own


def heed_ctrl_c():
    """A process started in the background is told to ignore Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(condition, seconds=60):
    """Wait for a condition, and fail if it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


# What is sent -----------------------------------------------------------------------------------


def sent(value, constants=()):
    """A value as it arrives."""
    content = pack((unchanged, tuple(constants)), ())
    return open_answer(answer(f"parcel {time.monotonic()}", lambda: content, pack(value, constants)), constants)


def unchanged(item, *constants):
    return item


def test_a_record_is_sent_without_what_it_has_computed_and_kept():
    d = design(poisson_counts(40, 12), treated=[3], months_before=6)
    assert d.counts.sum() > 0
    arrived = sent(d)
    assert "counts" in vars(d)
    assert "counts" not in vars(arrived)
    assert arrived.counts.tolist() == d.counts.tolist()
    assert sent(d, [d.inputs]).inputs is d.inputs


MODULE = """
from dataclasses import dataclass
from cseval.months import add_months
from cseval.spec import Evaluation

@dataclass(frozen=True, kw_only=True)
class Twice:
    of: int
    def value(self):
        return helper(self.of)

def helper(value):
    return 2 * value, add_months("2018-05", 1)

def task(item, twice):
    return Twice(of=item), twice.value()

{evaluation}
"""


def test_classes_of_an_evaluation_module_reach_every_worker_and_come_back(workers, tmp_path):
    path = tmp_path / "some_module.py"
    declared = "from builders import evaluation\nEVALUATION = evaluation()"
    path.write_text(MODULE.format(evaluation=declared))
    load(path)
    module = sys.modules[f"{MADE_UP}some_module"]
    found = workers.map(module.task, range(3), module.Twice(of=4))
    assert [f[1] for f in found] == [(8, "2018-06")] * 3
    assert [f[0] for f in found] == [module.Twice(of=i) for i in range(3)]
    assert all(type(f[0]) is module.Twice for f in found)


# Dask -------------------------------------------------------------------------------------------


def test_an_unreachable_scheduler_is_refused_in_a_few_seconds(monkeypatch):
    pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    assert PATIENCE == 5
    monkeypatch.setattr("cseval.parallel.cluster.PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:1", "127.0.0.1:1", "nonsense://x", "tcp://no-such-host.invalid:8786"):
        started = time.perf_counter()
        with pytest.raises(UsageError, match="cannot be reached"), open_workers(scheduler=address):
            pass
        assert time.perf_counter() - started < 10


def test_without_dask_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(UsageError, match=r'Install it with pip install "cseval\[distributed\]"'),
        open_workers(scheduler="tcp://x"),
    ):
        pass


def test_a_cluster_with_other_versions_is_refused():
    here = {"python": "3.11.7.final.0", "numpy": "2.4.0"}
    _require_same("tcp://w", here, dict(here))
    with pytest.raises(UsageError, match=r"worker tcp://w has numpy 2\.3\.0; expected 2\.4\.0 as here"):
        _require_same("tcp://w", here, {**here, "numpy": "2.3.0"})
    with pytest.raises(UsageError, match="has python not installed"):
        _require_same("tcp://w", here, {})


def test_a_scheduler_without_workers_is_refused(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    monkeypatch.setattr("cseval.parallel.cluster.PATIENCE", 1)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(UsageError, match="has no worker"),
        open_workers(scheduler=empty.scheduler_address),
    ):
        pass


def test_a_worker_of_a_cluster_that_dies_is_one_error():
    distributed = pytest.importorskip("distributed", reason="the extra [distributed] is not installed")
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(**options) as cluster,
        open_workers(scheduler=cluster.scheduler_address) as workers,
        pytest.raises(CsevalError, match="a worker or the scheduler ended before its task was done"),
    ):
        workers.map(dies, [1, 1])


# Calibration ------------------------------------------------------------------------------------


def a_design():
    counts = poisson_counts(100, 60, seed=2)
    whole = design(counts, treated=[44, 45, 54], months_before=48, shape=(10, 10), buffer_rings=1)
    names = {u: f"D{i // 25}" for i, u in enumerate(whole.units)}
    given = replace(whole.inputs, panel=replace(whole.inputs.panel, districts=names))
    return replace(whole, inputs=given, months_before=12, months_after=6)


def numbers(found):
    return [
        (
            m.method,
            m.population,
            m.starts,
            m.months,
            *(getattr(m, n).tobytes() for n in ("p_value", "effect", "excess")),
        )
        for m in found
    ]


def calibrated():
    plan = CalibrationPlan(placebos=6000, tested=800, chosen_before=3)
    return calibrate(a_design(), PoissonDiD(), PlaceboNeighbourhoods(draws=99), [ClusterRobust()], plan, seed=3)


def calibrated_series():
    found = calibrate_series(a_design(), SegmentedRegression(season=None, slope=False), step=6, seed=3)
    assert found is not None
    return [found]


@pytest.mark.parametrize("measure", [calibrated, calibrated_series])
@pytest.mark.parametrize("how", ["processes", "cluster"])
def test_error_rates_are_the_same_to_the_last_bit_whoever_measures_them(measure, how, request):
    alone = numbers(measure())
    assert alone[0][2] > 2  # several starts, or nothing was spread
    with using(request.getfixturevalue(how)):
        assert numbers(measure()) == alone


def test_the_error_of_a_placebo_start_is_the_methods_own(processes):
    with using(processes), pytest.raises(EstimationError, match="cannot be tested"):
        calibrate(a_design(), PoissonDiD(), Refusing(draws=99), [], CalibrationPlan(), seed=1)


class Refusing(PlaceboNeighbourhoods):
    def test_many(self, tested, reference, among=False):
        raise EstimationError("cannot be tested")

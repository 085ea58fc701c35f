"""Tasks spread over processes or a Dask cluster, with the results of doing them one after the other.

``with open_workers(4):`` makes four processes the workers of everything inside; code that has tasks to spread asks
``current()`` for them. A task is a function of one item and of constants that all tasks share. It may depend on nothing
else, and on no random number but those it seeds from its own item, so the number of workers cannot change a digit.
Inside a task everything is serial: tasks never start workers of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cseval.defaults import one_thread_each
from cseval.errors import UsageError
from cseval.parallel.workers import SERIAL, Serial, Workers, current, inside_task, using

__all__ = ["SERIAL", "Serial", "Workers", "current", "open_workers", "using"]


@contextmanager
def open_workers(count: int = 1, scheduler: str | None = None) -> Iterator[Workers]:
    """Make processes or a Dask cluster the workers of everything inside the ``with``; inside a task, nothing.

    Parameters
    ----------
    count : int
        Processes of this computer; 1 is this process alone.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://192.168.0.5:8786``, instead of processes.

    Raises
    ------
    UsageError
        If `count` is less than 1, both are given, Dask is not installed, or the scheduler cannot be reached, has no
        worker or has workers with other versions.
    """
    if count < 1:
        raise UsageError(f"{count} workers", where="--workers", expected="at least 1")
    if scheduler is not None and count > 1:
        raise UsageError("both --workers and --scheduler", expected="one of them")
    one_thread_each()
    with _opened(count, scheduler) as workers, using(workers):
        yield workers


@contextmanager
def _opened(count: int, scheduler: str | None) -> Iterator[Workers]:
    if inside_task():
        yield SERIAL
    elif scheduler is not None:
        from cseval.parallel.cluster import cluster as connected

        with connected(scheduler) as cluster:
            yield cluster
    elif count > 1:
        from cseval.parallel.processes import processes

        with processes(count) as pool:
            yield pool
    else:
        yield SERIAL

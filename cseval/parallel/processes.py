"""Processes of this computer as workers."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cseval.defaults import one_thread_each
from cseval.parallel.parcels import Parcel, answer, open_answer, pack, say_where_modules_are
from cseval.parallel.workers import SERIAL, Function, R, Workers, in_task, lost

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.connection import Connection

#: No more processes than this can be waited for at once on Windows.
MOST_ON_WINDOWS = 61


@dataclass(frozen=True, eq=False)
class Processes(Workers):
    """Processes of this computer.

    Parameters
    ----------
    pool : ProcessPoolExecutor
    """

    pool: ProcessPoolExecutor

    def each(self, function: Function[R], items: Iterable[Any], *constants: Any) -> Iterator[R]:
        """See `Workers.each`; a single item is not worth a process."""
        from concurrent.futures.process import BrokenProcessPool

        items = list(items)
        if len(items) < 2:
            yield from SERIAL.each(function, items, *constants)
            return
        with _parcel_file(Parcel.of(function, constants)) as path:
            packed = [pack(item, constants) for item in items]
            try:
                yield from _results([self.pool.submit(_in_process, path, p) for p in packed], constants)
            except BrokenProcessPool as error:
                raise lost("a worker process", "--workers", "Run again with fewer workers") from error


@contextmanager
def processes(count: int) -> Iterator[Processes]:
    """A pool that leaves no process behind: a worker ends when the other end of its pipe does, however that ends.

    Processes are started afresh rather than forked, which is the same on every system and safe beside threads.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    context = get_context("spawn")
    listening, alive = context.Pipe(duplex=False)
    most = min(count, MOST_ON_WINDOWS) if sys.platform == "win32" else count
    pool = ProcessPoolExecutor(most, mp_context=context, initializer=_begin, initargs=(listening,))
    try:
        yield Processes(pool)
        pool.shutdown(cancel_futures=True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        alive.close()
        pool.shutdown()
        listening.close()


def _results(futures: Sequence[Future[bytes]], constants: Sequence[Any]) -> Iterator[Any]:
    """What the tasks found, in order; where the caller has had enough, tasks that have not begun never do."""
    from concurrent.futures.process import BrokenProcessPool

    try:
        for future in futures:
            yield open_answer(future.result(), constants)
    except BrokenProcessPool:  # the pool ends every task itself, and none may be cancelled meanwhile
        raise
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _begin(listening: Connection) -> None:
    """What a worker process does first."""
    import signal
    from threading import Thread

    one_thread_each()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that the user started
    Thread(target=_end_with, args=(listening,), daemon=True).start()


def _end_with(other: Connection) -> None:
    """End this process at once when the one that started it closes the pipe or dies."""
    import os

    try:
        other.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


@contextmanager
def _parcel_file(parcel: Parcel) -> Iterator[str]:
    """The parcel in a file, from which each process reads it once."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="cseval-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / parcel.token
        path.write_bytes(pickle.dumps((parcel.modules, parcel.content)))
        yield str(path)


def _in_process(path: str, item: bytes) -> bytes:
    """One task in a worker process."""

    def read() -> bytes:
        modules, content = pickle.loads(Path(path).read_bytes())
        say_where_modules_are(modules)
        return bytes(content)

    with in_task():
        return answer(Path(path).name, read, item)

"""Workers of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cseval.errors import UsageError
from cseval.parallel.parcels import Parcel, answer, open_answer, pack
from cseval.parallel.workers import SERIAL, Function, R, Workers, in_task, lost

#: Seconds to wait for something to listen at a scheduler's address, and for its first worker.
PATIENCE = 5
#: Seconds to wait for a scheduler that is there to answer.
MUCH_PATIENCE = 30

#: Versions that decide digits or how tasks are sent; they must be the same on every worker of a cluster.
SAME_VERSIONS = ("python", "cseval", "numpy", "pandas", "scipy", "statsmodels", "cloudpickle", "dask", "distributed")

Versions = Mapping[str, str | None]


@dataclass(frozen=True, eq=False)
class Cluster(Workers):
    """Workers of a Dask scheduler.

    Parameters
    ----------
    client : distributed.Client
    """

    client: Any

    def each(self, function: Function[R], items: Iterable[Any], *constants: Any) -> Iterator[R]:
        """See `Workers.each`; a single item is not worth the way."""
        items = list(items)
        if len(items) < 2:
            yield from SERIAL.each(function, items, *constants)
            return
        parcel = Parcel.of(function, constants, by_value=True)
        packed = [pack(item, constants, by_value=True) for item in items]
        futures: list[Any] = []
        try:
            with _dask_failures():
                content = self.client.scatter(parcel.content, broadcast=True, hash=False)
                futures = [self.client.submit(_on_cluster, parcel.token, content, p, pure=False) for p in packed]
            for future in futures:
                with _dask_failures():
                    found = future.result()
                yield open_answer(found, constants)
        finally:
            with _dask_failures():
                self.client.cancel(futures)


def _on_cluster(token: str, content: bytes, item: bytes) -> bytes:
    """One task on a worker of a cluster."""
    with in_task():
        return answer(token, lambda: content, item, by_value=True)


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """The workers of the scheduler at this address.

    Raises
    ------
    UsageError
        If Dask is not installed, or the scheduler cannot be reached, has no worker, or has one with other versions.
    """
    client = _client(address)
    try:
        _require_workers(client, address)
        yield Cluster(client)
    finally:
        client.close()


def _client(address: str) -> Any:
    """A connected client; Dask's own messages of failure are kept from the screen, since one of ours follows."""
    import logging
    import warnings
    from importlib import import_module

    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise UsageError(
            "Dask is not installed", where="--scheduler", todo='Install it with pip install "cseval[distributed]"'
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    _require_listening(address)
    try:
        with warnings.catch_warnings(action="ignore"):  # of other versions, which `_require_workers` refuses
            return distributed.Client(address, timeout=MUCH_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # TimeoutError is an OSError
        raise _unreachable(address) from error


def _require_listening(address: str) -> None:
    """Refuse at once an address where nothing listens, so that a busy scheduler can be given the time it needs."""
    import socket
    from urllib.parse import urlsplit

    try:
        place = urlsplit(address if "://" in address else f"tcp://{address}")
        socket.create_connection((place.hostname, place.port), timeout=PATIENCE).close()
    except (OSError, ValueError, TypeError) as error:
        raise _unreachable(address) from error


def _unreachable(address: str) -> UsageError:
    return UsageError(
        f"the scheduler {address!r} cannot be reached",
        where="--scheduler",
        expected="the address of a running Dask scheduler, such as tcp://192.168.0.5:8786",
        todo="Start one with `dask scheduler`, or use --workers",
    )


def _require_workers(client: Any, address: str) -> None:
    """At least one worker, and on all the versions of this process: other versions may give other digits."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise UsageError(
            f"the scheduler {address!r} has no worker",
            where="--scheduler",
            expected="at least one",
            todo="Start one with `dask worker ADDRESS`",
        ) from error
    except OSError as error:
        raise _unreachable(address) from error
    found = client.get_versions(packages=list(SAME_VERSIONS))
    here = found["client"]["packages"]
    for worker, there in found["workers"].items():
        _require_same(worker, here, there["packages"] if there else {})


def _require_same(worker: str, here: Versions, there: Versions) -> None:
    for name in SAME_VERSIONS:
        if there.get(name) != here.get(name):
            raise UsageError(
                f"worker {worker} has {name} {_version(there.get(name))}",
                where="--scheduler",
                expected=f"{_version(here.get(name))} as here, since another version may give other numbers",
                todo="Install the same versions on every worker",
            )


def _version(found: str | None) -> str:
    return found or "not installed"


@contextmanager
def _dask_failures() -> Iterator[None]:
    """What the cluster itself fails with, in one sentence; a task's own error comes back as its answer."""
    from asyncio import CancelledError as Cancelled
    from concurrent.futures import CancelledError
    from importlib import import_module

    killed = import_module("distributed").KilledWorker
    try:
        yield
    except (killed, OSError, Cancelled, CancelledError) as error:
        raise lost("a worker or the scheduler", "--scheduler", "Look into the log of the cluster") from error

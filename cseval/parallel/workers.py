"""Whoever does the tasks: what workers promise, one task after the other, and which workers are at work here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from cseval.errors import CsevalError

R = TypeVar("R")
Function = Callable[..., R]


class Workers(ABC):
    """Whoever does the tasks."""

    @abstractmethod
    def each(self, function: Function[R], items: Iterable[Any], *constants: Any) -> Iterator[R]:
        """``function(item, *constants)`` for each item, in the order of the items, as the results come in.

        Parameters
        ----------
        function : callable
            Of a module, so that a worker finds it by name; not a lambda.
        items : iterable
            What the tasks differ in. Sending one costs about a millisecond, so a task should take longer.
        constants
            What they share, however large: sent to each worker once. Where a result holds one of them, it holds the
            caller's own again.

        Raises
        ------
        CsevalError
            The error of the first task that failed, or if a worker was lost.
        """

    def map(self, function: Function[R], items: Iterable[Any], *constants: Any) -> list[R]:
        """All results of `each`."""
        return list(self.each(function, items, *constants))

    def __reduce__(self) -> tuple[type[Workers], tuple[()]]:
        """Whoever receives workers with a task does it alone."""
        return Serial, ()


@dataclass(frozen=True)
class Serial(Workers):
    """One task after the other, in this process."""

    def each(self, function: Function[R], items: Iterable[Any], *constants: Any) -> Iterator[R]:
        """``function(item, *constants)`` for each item, each computed when it is asked for."""
        for item in items:
            yield function(item, *constants)


SERIAL = Serial()
_CURRENT: ContextVar[Workers] = ContextVar("workers", default=SERIAL)
_IN_TASK: ContextVar[bool] = ContextVar("in_task", default=False)


def current() -> Workers:
    """The workers of the innermost ``with open_workers(...)``; serial outside any, and inside a task."""
    return SERIAL if inside_task() else _CURRENT.get()


def inside_task() -> bool:
    """Whether this is part of a task."""
    return _IN_TASK.get()


@contextmanager
def using(workers: Workers) -> Iterator[None]:
    """Make workers that are open already those of everything inside the ``with``."""
    token = _CURRENT.set(workers)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def in_task() -> Iterator[None]:
    """Everything inside is part of a task."""
    token = _IN_TASK.set(True)
    try:
        yield
    finally:
        _IN_TASK.reset(token)


def lost(what: str, where: str, todo: str) -> CsevalError:
    """The error of tasks whose worker is gone."""
    return CsevalError(f"{what} ended before its task was done", where=where, expected="enough memory", todo=todo)

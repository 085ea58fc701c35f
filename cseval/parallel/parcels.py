"""How a task, what it needs and what it found are sent between processes."""

from __future__ import annotations

import copyreg
import io
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from typing import Any
from uuid import uuid4

from cseval.errors import CsevalError, UsageError

#: Evaluation modules are loaded from files under a name that no import finds (`cseval.loading`).
MADE_UP = "cseval_analyses_"

#: Parcels that a worker keeps open.
OPEN_PARCELS = 4

Constants = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What all tasks of one kind share, packed once.

    Parameters
    ----------
    token : str
        Its name.
    content : bytes
        Function and constants.
    modules : mapping of str to str
        File of each module that the content names and no import finds; empty where modules are packed by value.
    """

    token: str
    content: bytes
    modules: Mapping[str, str]

    @classmethod
    def of(cls, function: Callable[..., Any], constants: Constants, by_value: bool = False) -> Parcel:
        """Pack a function and its constants."""
        content = pack((function, tuple(constants)), (), by_value)
        return cls(token=uuid4().hex, content=content, modules={} if by_value else _files())


# Packing ----------------------------------------------------------------------------------------


def pack(value: object, constants: Constants, by_value: bool = False) -> bytes:
    """Pickle a value, the constants in it by their position.

    Parameters
    ----------
    value : object
    constants : sequence
        What the other side has already; recognised by identity.
    by_value : bool
        Whether evaluation modules are sent as code, for a computer that may not have their files.

    Raises
    ------
    UsageError
        If the value holds what cannot be sent.
    """
    place = {id(constant): position for position, constant in enumerate(constants)}
    out = io.BytesIO()
    try:
        with _by_value() if by_value else _by_name():
            _packer(by_value)(out, place).dump(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{error}",
            where="a task for another process",
            expected="functions and classes that a module defines at its top level",
            todo="Define them there, or run without --workers and --scheduler",
        ) from error
    return out.getvalue()


class _Packing:
    """What both picklers do: constants by position, and records without what they have computed and kept."""

    place: Mapping[int, int]

    def persistent_id(self, value: object) -> int | None:
        """Position of a constant; None for anything else."""
        return self.place.get(id(value))

    def reducer_override(self, value: object) -> Any:
        """Records by `fields_only`; anything else as ever."""
        if _keeps_results(value):
            return copyreg.__newobj__, (type(value),), fields_only(value)  # type: ignore[attr-defined]
        above = getattr(super(), "reducer_override", None)
        return above(value) if above is not None else NotImplemented


def _keeps_results(value: object) -> bool:
    """Whether this is a record whose cached properties have been computed, pickled in the usual way."""
    if isinstance(value, type) or not is_dataclass(value) or type(value).__getstate__ is not object.__getstate__:
        return False
    usual = type(value).__reduce_ex__ is object.__reduce_ex__ and type(value).__reduce__ is object.__reduce__
    return usual and len(getattr(value, "__dict__", ())) > len(fields(value))


def fields_only(value: Any) -> dict[str, Any]:
    """The declared fields of a record: a cached property is cheaper to compute again than to send."""
    return {f.name: getattr(value, f.name) for f in fields(value)}


@cache
def _packer(by_value: bool) -> Callable[[io.BytesIO, Mapping[int, int]], pickle.Pickler]:
    base: Any = import_module("cloudpickle").Pickler if by_value else pickle.Pickler

    class Packer(_Packing, base):  # type: ignore[misc]
        def __init__(self, out: io.BytesIO, place: Mapping[int, int]) -> None:
            super().__init__(out, protocol=pickle.HIGHEST_PROTOCOL)
            self.place = place

    return Packer


@contextmanager
def _by_name() -> Iterator[None]:
    """Nothing is to be done for modules that are found by name."""
    yield


@contextmanager
def _by_value() -> Iterator[None]:
    """Evaluation modules sent as code."""
    cloudpickle = import_module("cloudpickle")
    registered = [sys.modules[name] for name in _files()]
    for module in registered:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


class _Unpacker(pickle.Unpickler):
    def __init__(self, content: bytes, constants: Constants) -> None:
        super().__init__(io.BytesIO(content))
        self._constants = constants

    def persistent_load(self, place: int) -> Any:
        """The constant at this position: the very object, and no copy."""
        return self._constants[place]


# Modules ----------------------------------------------------------------------------------------


def _files() -> dict[str, str]:
    """The file of every evaluation module that is loaded."""
    loaded = [(name, m) for name, m in list(sys.modules.items()) if name.startswith(MADE_UP)]
    return {name: str(m.__file__) for name, m in loaded if getattr(m, "__file__", None)}


class _ByFile(MetaPathFinder):
    """Finds evaluation modules where the sender loaded them."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module's file, if the sender named it."""
        return spec_from_file_location(fullname, self.files[fullname]) if fullname in self.files else None


_FINDER = _ByFile()


def say_where_modules_are(files: Mapping[str, str]) -> None:
    """Let imports in this process find evaluation modules; one is loaded only when a task names it."""
    _FINDER.files.update(files)
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


# Answers ----------------------------------------------------------------------------------------

_OPEN: dict[str, tuple[Callable[..., Any], Constants]] = {}
_LOCK = threading.Lock()


def answer(token: str, read: Callable[[], bytes], item: bytes, by_value: bool = False) -> bytes:
    """Do one task on the worker's side and pack what it found, or the error it ended with.

    Parameters
    ----------
    token : str
        Name of the parcel.
    read : callable
        Fetches the parcel's content; called once on each worker.
    item : bytes
        The task's item, packed.
    by_value : bool
        See `pack`.
    """
    constants: Constants = ()
    try:
        function, constants = _open_parcel(token, read)
        found = function(_Unpacker(item, constants).load(), *constants)
        return pack((True, found), constants, by_value)
    except Exception as error:
        return _pack_error(error, constants, by_value)


def open_answer(content: bytes, constants: Constants) -> Any:
    """What a task found; raises the error that it ended with."""
    done, found = _Unpacker(content, constants).load()
    if done:
        return found
    raise found


def _open_parcel(token: str, read: Callable[[], bytes]) -> tuple[Callable[..., Any], Constants]:
    with _LOCK:
        if token not in _OPEN:
            while len(_OPEN) >= OPEN_PARCELS:
                del _OPEN[next(iter(_OPEN))]
            _OPEN[token] = _Unpacker(read(), ()).load()
        return _OPEN[token]


def _pack_error(error: Exception, constants: Constants, by_value: bool) -> bytes:
    """An error with the worker's traceback; by its words alone where it cannot be sent."""
    if not isinstance(error, CsevalError):
        error.add_note("In a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        return pack((False, error), constants, by_value)
    except UsageError:
        return pack((False, RuntimeError(f"{type(error).__name__}: {error}")), (), by_value)

"""Replace a folder as one step, so that a reader sees the old files or the new ones and never a mixture.

The new files are written to a sibling folder, forced to disk, and exchanged with the old folder in one system call
where the system has one (Linux: `renameat2` with `RENAME_EXCHANGE`). Elsewhere the old folder is renamed aside and the
new one renamed in; a run killed between the two is rolled back by `recover`, which every run calls first.
This module imports only the standard library.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cseval.errors import CsevalError, UsageError

MANIFEST = "manifest.json"
_EXCHANGE, _AT_FDCWD = 2, -100


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Make `folder` hold exactly these files.

    Parameters
    ----------
    folder : Path
        Need not exist. If it does, everything in it must be listed by its own manifest.
    files : mapping of str to bytes
        Content by path relative to the folder.

    Returns
    -------
    tuple of Path
        The files, in the order given.

    Raises
    ------
    UsageError
        If another run is writing there, or the folder holds files that no run wrote.
    CsevalError
        If the files cannot be written; the old ones are then as they were.
    """
    folder = Path(os.path.realpath(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _recover(folder)
            _require_ours(folder)
            _write_and_swap(folder, files)
    except OSError as error:
        raise CsevalError(
            f"the outputs could not be written ({error.strerror or error})",
            where=str(folder),
            expected="a folder that can be written to, with space left",
            todo="The previous outputs, if any, are unchanged; free the space or choose another folder with --out",
        ) from error
    return tuple(folder / name for name in files)


def recover(folder: Path) -> None:
    """Put right what a killed run left beside `folder`: a swap half done, temporary folders.

    Does nothing while another run is writing there.
    """
    folder = Path(os.path.realpath(folder))
    if not folder.parent.is_dir():
        return
    try:
        with _locked(folder):
            _recover(folder)
    except UsageError:
        return


def _recover(folder: Path) -> None:
    old = _aside(folder)
    if old.is_dir() and not folder.exists():
        old.rename(folder)
    # Whoever holds the lock is the only writer, so every temporary folder is a leftover.
    for stale in (old, *sorted(folder.parent.glob(f".{_escaped(folder.name)}.tmp-*"))):
        shutil.rmtree(stale, ignore_errors=True)


def _escaped(name: str) -> str:
    import glob

    return glob.escape(name)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _require_ours(folder: Path) -> None:
    """Refuse to replace a folder that holds something no run wrote: it would be lost."""
    import json

    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError("is a file", where=str(folder), expected="a folder for the outputs")
    if not os.access(folder, os.W_OK):
        raise PermissionError(13, "Permission denied", str(folder))
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    present = {p for p in present if not p.rpartition("/")[2].startswith((".", "~$"))} - {MANIFEST}
    try:
        listed = {o["path"] for o in json.loads((folder / MANIFEST).read_bytes())["outputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        listed = set()
    foreign = sorted(present - listed)
    if foreign:
        raise UsageError(
            f"holds {foreign[0]}, which no run wrote",
            where=str(folder),
            expected="a new or empty folder, or one with the outputs of a run only",
            todo="Move that file elsewhere or choose another folder with --out; the whole folder is replaced",
        )


def _write_and_swap(folder: Path, files: Mapping[str, bytes]) -> None:
    temporary = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    try:
        temporary.mkdir()
        for name, content in files.items():
            _write(temporary / name, content)
        for inner in sorted({(temporary / name).parent for name in files} | {temporary}):
            _sync(inner)
        _swap(temporary, folder)
        _sync(folder.parent)
    finally:
        # After the exchange this is the old folder; after a failure it is the unfinished new one.
        shutil.rmtree(temporary, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(new: Path, folder: Path) -> None:
    if not folder.exists():
        new.rename(folder)
    elif not exchange(new, folder):
        old = _aside(folder)
        folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def exchange(a: Path, b: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done: int = rename(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _EXCHANGE)
    return done == 0


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock file beside `folder`; the system lets go of it if the run is killed."""
    path = folder.with_name(f".{folder.name}.lock")
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _take(handle):
            os.close(handle)
            raise UsageError(
                "another run is writing these outputs",
                where=str(folder),
                expected="one run at a time on one folder",
                todo="Wait until it has finished, or choose another folder with --out",
            )
        if _still(handle, path):
            break
        os.close(handle)  # its holder removed it between our open and our lock
    try:
        yield
    finally:
        if sys.platform != "win32":  # Windows does not remove an open file; the empty file is harmless
            path.unlink(missing_ok=True)
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _still(handle: int, path: Path) -> bool:
    try:
        return sys.platform == "win32" or os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False

"""The file of a paper: read whole, and replaced in one step, unless somebody has it open."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from cseval.errors import CsevalError, UsageError

_CLOSE = "Close the document and run again"
#: Letters of a paper's name that the file has which takes its place, so that a long name does not get too long.
_STEM = 40


def read_paper(path: Path) -> bytes:
    """The bytes of a paper.

    Raises
    ------
    UsageError
        If it is not there or cannot be read.
    """
    # These take a name that is too long for what it is: one that no file has.
    if not os.path.isfile(path):
        found = "a folder" if os.path.isdir(path) else "no such file"
        raise UsageError(
            found, where=str(path), expected="a Word document (.docx)", todo="Check the name and the folder"
        )
    try:
        return path.read_bytes()
    except PermissionError as error:
        raise _open(path) from error
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path), expected="a readable file") from error


def require_closed(path: Path) -> None:
    """Refuse a paper that Word or LibreOffice has open, by the file that they leave beside it.

    Raises
    ------
    UsageError
        If there is one. It stays behind when the program ends suddenly; the message says so.
    """
    for owner in owner_files(path):
        if os.path.exists(owner):
            raise UsageError(
                f"the paper is open in {'LibreOffice' if owner.name.startswith('.~lock') else 'Word'}",
                where=str(path),
                todo=f"{_CLOSE}; if it is open nowhere, delete the file {owner.name} beside it first",
            )


def owner_files(path: Path) -> tuple[Path, ...]:
    """The files that say that somebody has a paper open.

    Word puts ``~$`` before a short name, and in place of the first one or two characters of a longer one.
    """
    cut = min(max(len(path.stem) - 6, 0), 2)
    names = (f"~${path.name[cut:]}", f"~${path.name}", f".~lock.{path.name}#")
    return tuple(path.with_name(name) for name in dict.fromkeys(names))


def require_new(path: Path, *, force: bool = False) -> None:
    """Refuse to write over another file, in which somebody may have worked.

    Raises
    ------
    UsageError
        If there is a folder, or a file that is not to be replaced.
    """
    folder = os.path.isdir(path)
    if folder or (os.path.lexists(path) and not force):
        raise UsageError(
            "is a folder" if folder else "is there already, and may hold somebody's work",
            where=str(path),
            expected="a new file",
            todo="Choose another name" + ("" if folder else ", or add --force to replace it"),
        )


def require_same(path: Path, content: bytes) -> None:
    """Refuse to write over a paper in which somebody worked meanwhile.

    Raises
    ------
    UsageError
        If it does not hold the bytes that were read.
    """
    if read_paper(path) != content:
        raise UsageError(
            "saved by someone else while cseval worked",
            where=str(path),
            expected="the paper that was read",
            todo="Nothing was changed; run again",
        )


def replace_paper(path: Path, content: bytes, *, still: Callable[[], None] | None = None) -> None:
    """Write a paper in one step: whoever reads it sees the old one or the new one.

    Parameters
    ----------
    path : Path
        Need not exist; if it does, it keeps its permissions. A link is followed.
    content : bytes
    still : callable, optional
        Called at the very last moment before the swap; raises an error if the paper must not be replaced any more.

    Raises
    ------
    UsageError
        If it is open elsewhere or may not be written.
    CsevalError
        If it cannot be written for another reason. The old file is then as it was.
    """
    path = Path(os.path.realpath(path))
    require_closed(path)
    mode = stat.S_IMODE(path.stat().st_mode) if os.path.exists(path) else None
    if mode is not None and not mode & 0o222:
        raise UsageError(
            "a read-only file",
            where=str(path),
            expected="one that may be written",
            todo="Take away the write protection",
        )
    try:
        _write_and_swap(path, content, mode, still)
    except PermissionError as error:
        raise _open(path) from error
    except OSError as error:
        raise CsevalError(
            f"could not be written ({error.strerror or error})",
            where=str(path),
            expected="a folder that can be written to, with space left",
            todo="The paper is as it was; free the space or write to another file with --out",
        ) from error


def _write_and_swap(path: Path, content: bytes, mode: int | None, still: Callable[[], None] | None) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:_STEM]}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_new_mode() if mode is None else mode)
        require_closed(path)
        if still is not None:
            still()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _new_mode() -> int:
    """The permissions of a new file: what the user's mask leaves."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _open(path: Path) -> UsageError:
    return UsageError(
        "the paper is open in Word, or may not be read or written",
        where=str(path),
        expected="a file that is closed and in a folder that can be written to",
        todo=_CLOSE,
    )

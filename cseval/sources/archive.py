"""Zip archives from the internet: every member is checked before any is read, and none is written to disk."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cseval.errors import DataError
from cseval.sources.files import MAX_BYTES, MAX_RATIO, read_limited, shown, unreadable

MAX_TOTAL = 40_000_000_000
MAX_MEMBERS = 100_000
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive and refuse it whole if any member is unsafe.

    Raises
    ------
    DataError
        On a truncated or encrypted archive, a path that leaves the folder, a link, or a decompression bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist(), str(path))
            yield archive
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise unreadable(path, error) from error


def member_bytes(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """Content of one member, never more than the limits.

    Raises
    ------
    DataError
        If it is damaged or unpacks to an absurd size.
    """
    try:
        with archive.open(name) as stream:
            return read_limited(stream, archive.getinfo(name).compress_size, where)
    except _DAMAGE as error:
        raise DataError(
            f"a damaged member ({str(error)[:100]})",
            where=where,
            expected="a complete archive",
            todo="Download it again",
        ) from error


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error)[:100] or type(error).__name__
    return DataError(
        f"a damaged zip archive ({reason})", where=str(path), expected="a complete .zip", todo="Download it again"
    )


def _check_members(members: list[zipfile.ZipInfo], where: str) -> None:
    if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_TOTAL:
        raise DataError(
            f"{len(members):,} members of {sum(m.file_size for m in members):,} bytes",
            where=where,
            expected=f"at most {MAX_MEMBERS:,} members and {MAX_TOTAL:,} bytes",
        )
    seen: set[str] = set()
    for member in members:
        problem = _problem(member)
        if problem or member.filename in seen:
            raise DataError(
                problem or "a member that occurs twice",
                where=f"{where}, member {shown(member.filename)}",
                expected="plain files inside the archive's own folders",
                todo="Do not use this archive; download it from the publisher",
            )
        seen.add(member.filename)


def _problem(member: zipfile.ZipInfo) -> str:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "an absolute path"
    if ".." in name.split("/"):
        return "a path that leaves the archive's folder"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    if member.flag_bits & 1:
        return "an encrypted member"
    if member.file_size > MAX_BYTES or member.file_size > 1_000_000 + MAX_RATIO * member.compress_size:
        return f"a member that unpacks from {member.compress_size:,} to {member.file_size:,} bytes"
    return ""

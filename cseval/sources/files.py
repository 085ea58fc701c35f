"""Opening published files: compression, encoding and limits."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cseval.errors import DataError

# Published files unpack 5 to 30 fold; these limits are far above any of them and far below a decompression bomb.
MAX_BYTES = 2_000_000_000
MAX_RATIO = 200
RATIO_FROM = 50_000_000
MAX_LINE = 1_000_000
_CHUNK = 1 << 22
_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a reader found in one file: rows, months, vintage, notes.

    `rows` counts the records of the file; `first_month` and `last_month` are ``YYYY-MM`` or empty.
    """

    rows: int
    first_month: str = ""
    last_month: str = ""
    vintage: str = ""
    notes: tuple[str, ...] = ()


def plain(name: str) -> str:
    """A header cell in comparable form: lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def slug(name: str) -> str:
    """A category as an outcome name: lower case, words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def shown(text: str) -> str:
    """A value from a file as it is quoted in a message: at most 60 characters, no control characters."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def unreadable(path: Path, error: OSError) -> DataError:
    """The error for a file that the system will not open."""
    reason = error.strerror or type(error).__name__
    return DataError(f"cannot be read ({reason})", where=str(path), expected="a readable file")


def magic(path: Path) -> bytes:
    """The first bytes of a file.

    Raises
    ------
    DataError
        If the file is absent, unreadable or empty.
    """
    if not path.exists():
        raise DataError("no such file", where=str(path), expected="an existing file or folder")
    if not path.is_file():
        raise DataError("not a regular file", where=str(path), expected="a file")
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise unreadable(path, error) from error
    if not start:
        raise DataError("an empty file", where=str(path), expected="a published file", todo="Download it again")
    return start


def read_bytes(path: Path) -> bytes:
    """Whole content of a file, unpacked if it is gzip.

    Raises
    ------
    DataError
        If it cannot be read, is truncated, or unpacks to an absurd size.
    """
    packed = magic(path).startswith(b"\x1f\x8b")
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            return read_limited(stream, path.stat().st_size, str(path))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"a damaged gzip file ({error})", where=str(path), expected="a complete .gz", todo="Download it again"
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


def read_limited(stream: Any, packed_size: int, where: str) -> bytes:
    """Read a stream to its end, stopping at the limits that separate a data file from a decompression bomb."""
    chunks, size = [], 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > MAX_BYTES or (size > RATIO_FROM and size > MAX_RATIO * max(packed_size, 1)):
            raise DataError(
                f"unpacks to more than {size // 1_000_000} MB from {packed_size} bytes",
                where=where,
                expected=f"at most {MAX_RATIO} times its packed size and {MAX_BYTES // 1_000_000} MB",
            )
        chunks.append(chunk)
    return b"".join(chunks)


def check_text(data: bytes, where: str) -> bytes:
    """The same bytes without a byte order mark, known to be UTF-8 text with lines of a sane length.

    Raises
    ------
    DataError
        On UTF-16, NUL bytes, another encoding, or a line of more than a million bytes.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError("UTF-16 text", where=where, expected="UTF-8", todo="Save the file as CSV UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    for found, position in (("a NUL byte", data.find(b"\0")), ("text that is not UTF-8", _not_utf8(data))):
        if position >= 0:
            row = data.count(b"\n", 0, position) + 1
            raise DataError(
                found, where=f"{where}, row {row}", expected="plain text in UTF-8", todo="Save the file as CSV UTF-8"
            )
    return data


def _not_utf8(data: bytes) -> int:
    if data.isascii():
        return -1
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return -1


def text_of(path: Path) -> bytes:
    """Checked bytes of a text file (see `read_bytes` and `check_text`)."""
    return check_text(read_bytes(path), str(path))

"""A Word document as a zip archive: read with care, written back with every other member as it was."""

from __future__ import annotations

import copy
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cseval.errors import CsevalError, DataError, UsageError
from cseval.papers.markup import has_doctype
from cseval.papers.plain import printable, quoted

# A paper of a hundred pages with photographs has some 30 MB; XML of repeated tables packs 40 fold.
MAX_MEMBERS = 10_000
MAX_TOTAL = 500_000_000
MAX_RATIO = 200
RATIO_FROM = 20_000_000

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE = "Open it in Word and save it as Word Document (.docx)"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)
_MACROS = ("a document with macros (.docm)", "a Word document without macros (.docx)", _SAVE)
_EPOCH = (1980, 1, 1, 0, 0, 0)
CONTENT_TYPES = "[Content_Types].xml"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A document's file and its members.

    Parameters
    ----------
    original : bytes
        The whole file.
    members : tuple of zipfile.ZipInfo
        In the order of the archive.
    contents : mapping of str to bytes
        Unpacked, by name as it is written in the archive.
    comment : bytes
        Of the archive.
    where : str
        What messages call the file.
    """

    original: bytes
    members: tuple[zipfile.ZipInfo, ...]
    contents: Mapping[str, bytes]
    comment: bytes
    where: str

    def name_of(self, part: str) -> str:
        """The name of a part as the archive writes it: names differ by more than case; empty if it is not there."""
        name = part.lstrip("/")
        if name in self.contents:
            return name
        return next((n for n in self.contents if n.lower() == name.lower()), "")

    def place(self, part: str) -> str:
        """A part as messages name it."""
        return f"{self.where}, {printable(part)}"


def read_package(content: bytes, where: str) -> Package:
    """Read a document.

    Parameters
    ----------
    content : bytes
        Of the file.
    where : str
        What messages call the file.

    Raises
    ------
    UsageError
        If it is another kind of file, has a password, macros or a signature: each says what to do about it.
    DataError
        If the archive is damaged or unsafe, or XML in it declares a document type.
    """
    _require_zip(content, where)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = tuple(archive.infolist())
            _require_safe(members, where)
            contents = {m.filename: archive.read(m) for m in members}
            comment = archive.comment
    except _DAMAGE as error:
        raise _damaged(where, error) from error
    package = Package(original=content, members=members, contents=contents, comment=comment, where=where)
    _require_plain(package)
    return package


def write_package(package: Package, changed: Mapping[str, bytes]) -> bytes:
    """The document with these members changed or added; the very bytes that were read if none differs.

    Every other member keeps its content, its place, its date and its kind of compression. New ones come last.
    """
    new = {name: c for name, c in changed.items() if package.contents.get(name) != c}
    if not new:
        return package.original
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = package.comment
        for member in package.members:
            _write(archive, member, new.get(member.filename, package.contents[member.filename]))
        for name in new:
            if name not in package.contents:
                _write(archive, _new_member(name), new[name])
    return out.getvalue()


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, content: bytes) -> None:
    info = copy.copy(member)
    archive.writestr(info, content)
    # Writing gives a member without attributes some of its own; the directory at the end is yet to be written.
    info.external_attr = member.external_attr


def _new_member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 0  # as Word writes it, on every system
    return info


# What is refused --------------------------------------------------------------------------------------


def _require_zip(content: bytes, where: str) -> None:
    """Refuse what is no zip archive, with what it is instead."""
    if content.startswith(b"PK\x03\x04"):
        return
    found, todo = "not a Word document", _SAVE
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            found = "a document with a password"
            todo = "Remove the password in Word (File, Info, Protect Document, Encrypt with Password) and save it"
        else:
            found = "a document in the format of Word 97 to 2003 (.doc)"
    elif not content:
        found, todo = "an empty file", "Choose another copy of the paper"
    raise UsageError(found, where=where, expected="a Word document (.docx)", todo=todo)


def _damaged(where: str, error: Exception) -> CsevalError:
    reason = printable(str(error)) or type(error).__name__
    return DataError(f"a damaged document ({reason})", where=where, expected="a complete .docx", todo=_SAVE)


def _require_safe(members: tuple[zipfile.ZipInfo, ...], where: str) -> None:
    """Refuse an archive whose directory promises too much, or names that lead elsewhere, before unpacking anything."""
    total = sum(m.file_size for m in members)
    if len(members) > MAX_MEMBERS or total > MAX_TOTAL:
        raise DataError(
            f"{len(members):,} parts of {total:,} bytes in all",
            where=where,
            expected=f"at most {MAX_MEMBERS:,} parts and {MAX_TOTAL:,} bytes",
            todo="Do not trust this file unless it really is that large; compress its pictures in Word",
        )
    seen: set[str] = set()
    for member in members:
        problem = _problem(member) or ("a name that occurs twice" if member.filename.lower() in seen else "")
        if problem:
            raise DataError(
                problem,
                where=f"{where}, part {quoted(member.filename)}",
                expected="a document as Word writes it",
                todo=f"Do not trust this file; ask where it comes from. {_SAVE}",
            )
        seen.add(member.filename.lower())


def _problem(member: zipfile.ZipInfo) -> str:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "an absolute path"
    if ".." in name.split("/"):
        return "a path that leads out of the document"
    if member.flag_bits & 1:
        return "an encrypted part"
    if member.file_size > RATIO_FROM and member.file_size > MAX_RATIO * member.compress_size:
        return f"{member.file_size:,} bytes packed into {member.compress_size:,}"
    return ""


def _require_plain(package: Package) -> None:
    """Refuse what embedding would break or must not touch: macros, signatures, other kinds of document."""
    for found, expected, todo in _unsuited(package):
        raise UsageError(found, where=package.where, expected=expected, todo=todo)
    for name, content in package.contents.items():
        if name.lower().endswith((".xml", ".rels")) and has_doctype(content):
            raise DataError(
                "XML with a document type or entities of its own",
                where=package.place(name),
                expected="XML as Word writes it",
                todo=f"Do not trust this file; ask where it comes from. {_SAVE}",
            )


def macros(where: str) -> UsageError:
    """The error for a document with macros."""
    found, expected, todo = _MACROS
    return UsageError(found, where=where, expected=expected, todo=todo)


def _unsuited(package: Package) -> Iterator[tuple[str, str, str]]:
    """What is found, what was expected and what to do, of everything that speaks against this document."""
    names = {n.lower() for n in package.contents}
    types = package.contents.get(package.name_of(CONTENT_TYPES), b"")
    docx = "a Word document (.docx)"
    if any(n.rpartition("/")[2] == "vbaproject.bin" for n in names) or b"macroEnabled" in types:
        yield _MACROS
    if any(n.startswith("_xmlsignatures/") or n.endswith("/origin.sigs") for n in names):
        yield (
            "a digitally signed document",
            "one without a signature, since filling it in would break the signature",
            "Remove the signature in Word (File, Info, View Signatures) and sign again afterwards",
        )
    if b"wordprocessingml.template.main+xml" in types:
        yield "a template (.dotx)", docx, _SAVE
    if not names & {CONTENT_TYPES.lower()} or b"wordprocessingml.document.main+xml" not in types:
        kind = "an OpenDocument text (.odt)" if "mimetype" in names else "no Word document"
        yield kind, docx, _SAVE

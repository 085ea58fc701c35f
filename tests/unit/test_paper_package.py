"""A paper's archive is read with care, written back as it was, and replaced in one step."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import zipfile

import pytest
from paper_builders import (
    MAIN_TYPE,
    content_types,
    directory_of,
    document,
    libreoffice_paper,
    members_of,
    paragraph,
    png,
    relationships,
    root,
    word_file,
    word_members,
    word_paper,
)

from cseval.errors import CsevalError, DataError, UsageError
from cseval.papers import files, package
from cseval.papers.files import owner_files, read_paper, replace_paper, require_closed
from cseval.papers.package import read_package, write_package
from cseval.papers.parts import main_part, read_settings, require_no_macros, story_parts, users_of
from cseval.papers.parts import relationships as read_relationships

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def zipped(*members):
    """A zip of (name, content) pairs as they come, doubles and all."""
    out = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        patch.setattr("warnings.warn", lambda *a, **k: None)
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def with_member(name, content=b"x"):
    return word_file(word_members(**{name: content}))


def main_of_type(kind):
    return word_file(word_members(**{"[Content_Types].xml": content_types(kind)}))


# Reading and writing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "paper", [word_paper(paragraph("x")), libreoffice_paper(paragraph("x"))], ids=["Word", "LibreOffice"]
)
def test_nothing_changed_gives_the_very_bytes_that_were_read(paper):
    read = read_package(paper, "paper")
    assert write_package(read, {}) is paper
    assert write_package(read, {"word/document.xml": read.contents["word/document.xml"]}) is paper


@pytest.mark.parametrize(
    "paper", [word_paper(paragraph("x")), libreoffice_paper(paragraph("x"))], ids=["Word", "LibreOffice"]
)
def test_every_other_member_keeps_content_order_date_and_compression(paper):
    read = read_package(paper, "paper")
    new = write_package(read, {"word/document.xml": b"<new/>", "word/media/cseval1.png": b"picture"})
    before, after = members_of(paper), members_of(new)
    assert list(after) == [*before, "word/media/cseval1.png"]
    assert {n for n in before if before[n] != after[n]} == {"word/document.xml"}
    assert directory_of(new)[:-1] == directory_of(paper)
    assert directory_of(new)[-1] == ("word/media/cseval1.png", (1980, 1, 1, 0, 0, 0), zipfile.ZIP_DEFLATED, 0, 0)
    with zipfile.ZipFile(io.BytesIO(new)) as archive:
        assert archive.testzip() is None
        assert archive.comment == zipfile.ZipFile(io.BytesIO(paper)).comment
    assert write_package(read_package(new, "paper"), {}) is new


def test_writing_twice_gives_the_same_bytes():
    changed = {"word/document.xml": b"<new/>", "b": b"1", "a": b"2"}
    made = [write_package(read_package(word_paper(), "paper"), changed) for _ in range(2)]
    assert made[0] == made[1]


def test_names_of_parts_differ_by_more_than_case():
    read = read_package(word_paper(), "paper")
    assert read.name_of("/Word/Document.XML") == "word/document.xml"
    assert read.name_of("word/none.xml") == ""


# What is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "found", "todo"),
    [
        (b"", "an empty file", "another copy"),
        (b"<html>", "not a Word document", "save it as Word Document"),
        (zipped()[:22], "not a Word document", "save it as Word Document"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "a document with a password", "Remove the password"),
        (OLE + "WordDocument".encode("utf-16-le"), r"Word 97 to 2003 \(.doc\)", "save it as Word Document"),
        (with_member("word/vbaProject.bin"), "macros", "save it as Word Document"),
        (main_of_type("application/vnd.ms-word.document.macroEnabled.main+xml"), "macros", "save it as Word Document"),
        (with_member("_xmlsignatures/sig1.xml", b"<a/>"), "digitally signed", "Remove the signature"),
        (with_member("_XMLSignatures/origin.sigs"), "digitally signed", "Remove the signature"),
        (main_of_type(MAIN_TYPE.replace("document.main", "template.main")), r"a template \(.dotx\)", "save it as"),
        (zipped(("mimetype", b"application/vnd.oasis.opendocument.text")), "OpenDocument", "save it as Word Document"),
        (zipped(("a.txt", b"x")), "no Word document", "save it as Word Document"),
        (main_of_type("application/vnd.ms-excel"), "no Word document", "save it as Word Document"),
    ],
)
def test_another_kind_of_file_is_refused_with_what_to_do(content, found, todo):
    with pytest.raises(UsageError, match=f"paper.docx: .*{found}.*{todo}"):
        read_package(content, "paper.docx")


BOMB = '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>\n<a>&c;</a>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (with_member("../evil.xml"), "leads out of the document"),
        (with_member("word/../../evil.xml"), "leads out of the document"),
        (with_member("..\\evil.xml"), "leads out of the document"),
        (with_member("/etc/passwd"), "an absolute path"),
        (with_member("C:\\evil"), "an absolute path"),
        (zipped(("a", b"1"), ("a", b"2")), "a name that occurs twice"),
        (zipped(("word/document.xml", b"1"), ("Word/Document.xml", b"2")), "a name that occurs twice"),
        (with_member("word/media/big.bmp", bytes(package.RATIO_FROM + 1)), "bytes packed into"),
        (with_member("customXml/item2.xml", BOMB.encode()), "item2.xml: XML with a document type"),
        (with_member("customXml/item2.xml", BOMB.encode("utf-16")), "item2.xml: XML with a document type"),
        (with_member("word/_rels/x.xml.rels", b"\xef\xbb\xbf<!-- a --> <!DOCTYPE a>"), "XML with a document type"),
        (word_paper()[:-60], "a damaged document"),
        (word_paper()[:2000] + bytes(40) + word_paper()[2040:], "a damaged document"),
    ],
)
def test_an_unsafe_or_damaged_document_is_refused(content, said):
    with pytest.raises(DataError, match=said) as error:
        read_package(content, "paper.docx")
    assert str(error.value).startswith("paper.docx")
    assert error.value.todo


def test_an_encrypted_member_is_refused():
    content = bytearray(word_paper())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="an encrypted part"):
        read_package(bytes(content), "paper")


def test_a_document_that_unpacks_to_too_much_in_all_is_refused_unread(monkeypatch):
    monkeypatch.setattr(package, "MAX_TOTAL", 2000)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *a: pytest.fail("unpacked"))
    with pytest.raises(DataError, match="bytes in all; expected at most"):
        read_package(word_paper(), "paper")


def test_too_many_parts_are_refused(monkeypatch):
    monkeypatch.setattr(package, "MAX_MEMBERS", 3)
    with pytest.raises(DataError, match="at most 3 parts"):
        read_package(word_paper(), "paper")


def test_a_document_type_inside_character_data_is_none():
    paper = with_member("customXml/item2.xml", b"<a><![CDATA[<!DOCTYPE html>]]></a>")
    assert read_package(paper, "paper").contents["customXml/item2.xml"]


def test_control_characters_in_a_name_do_not_reach_the_terminal():
    with pytest.raises(DataError) as error:
        read_package(with_member("customXml/\x1b[2J.xml", BOMB.encode()), "paper")
    assert "\x1b" not in str(error.value)


def test_many_comments_before_the_root_are_read_in_no_time():
    paper = with_member("customXml/item2.xml", b"<!-- a -->" * 9000 + b"<?p i?>" * 100 + b"<a/>")
    assert read_package(paper, "paper").contents


# Parts ------------------------------------------------------------------------------------------------


def test_the_parts_that_hold_text_are_found_by_their_relationships():
    links = (
        ("rId1", "header", "/word/heads/first.xml"),
        ("rId2", "header", "../word/header1.xml"),
        ("rId3", "footer", "missing.xml"),
        ("rId4", "comments", "comments.xml"),
        ("rId5", "hyperlink", "https://example.org/"),
    )
    members = word_members(**{"word/heads/first.xml": root("hdr", "")})
    members["word/main.xml"] = members.pop("word/document.xml")
    members["word/_rels/main.xml.rels"] = relationships(*links)
    members["_rels/.rels"] = relationships(("rId9", "officeDocument", "/word/main.xml"))
    read = read_package(word_file(members), "paper")
    assert main_part(read) == "word/main.xml"
    assert story_parts(read) == ("word/main.xml", "word/heads/first.xml", "word/header1.xml")


def test_relationships_that_lead_out_of_the_document_have_no_target():
    lines = relationships(("rId1", "image", "media/a%20b.png"), ("rId2", "image", "https://example.org/x.png"))
    lines = lines.replace(b'Id="rId2"', b'Id="rId2" TargetMode="External"')
    read = read_package(with_member("word/_rels/document.xml.rels", lines), "paper")
    assert [r.target for r in read_relationships(read, "word/document.xml")] == ["word/media/a b.png", ""]


def test_every_user_of_a_picture_is_found():
    link = relationships(("rId5", "image", "media/a.png"))
    parts = {"word/_rels/header1.xml.rels": link, "word/_rels/document.xml.rels": link, "word/media/a.png": png()}
    read = read_package(word_file(word_members(**parts)), "paper")
    assert sorted(users_of(read, "word/media/a.png")) == [("word/document.xml", "rId5"), ("word/header1.xml", "rId5")]


def test_a_document_without_main_text_is_refused():
    read = read_package(with_member("_rels/.rels", relationships(("rId1", "officeDocument", "gone.xml"))), "paper")
    with pytest.raises(DataError, match="no main text"):
        main_part(read)


TYPE = '<Override PartName="/word/x.bin" ContentType="application/vnd.ms-office.vbaProj&#101;ct"/>'
LINK = relationships(("rId66", "http://schemas.microsoft.com/office/2006/relationships/vbaProject", "x.bin"))


@pytest.mark.parametrize(
    "parts",
    [
        {"[Content_Types].xml": content_types(more=TYPE)},
        {"word/_rels/document.xml.rels": LINK},
        {"word/_rels/header1.xml.rels": LINK.replace(b"vbaProject", b"wordVbaData")},
    ],
)
def test_macros_under_another_name_are_found(parts):
    read = read_package(word_file(word_members(**parts, **{"word/x.bin": b"x"})), "paper.docx")
    with pytest.raises(UsageError, match=r"paper.docx: a document with macros .*Word Document \(.docx\)"):
        require_no_macros(read)


def test_a_document_without_macros_is_taken():
    require_no_macros(read_package(word_paper(), "paper"))


def test_relationships_of_strict_open_xml_are_refused():
    strict = "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"
    read = read_package(with_member("_rels/.rels", relationships(("rId1", strict, "word/document.xml"))), "paper")
    with pytest.raises(UsageError, match="Strict Open XML"):
        main_part(read)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<a>", "malformed XML"),
        (b"<a/>", "the root 'a'"),
        (relationships().replace(b"package/2006", b"package/2007"), "the root 'http"),
        (relationships(("rId1", "image", "a.png"), ("rId1", "image", "b.png")), "one id twice"),
    ],
)
def test_relationships_that_cannot_be_read_name_the_part(content, said):
    read = read_package(with_member("word/_rels/document.xml.rels", content), "paper.docx")
    with pytest.raises(DataError, match=rf"paper\.docx, word/_rels/document\.xml\.rels: {said}"):
        story_parts(read)


@pytest.mark.parametrize(
    ("inside", "tracked"),
    [
        ("", False),
        ("<w:trackRevisions/>", True),
        ('<w:trackRevisions w:val="false"/>', False),
        ('<w:documentProtection w:edit="trackedChanges" w:enforcement="1"/>', True),
        ('<w:documentProtection w:edit="trackedChanges" w:enforcement="0"/>', False),
        ('<w:documentProtection w:edit="readOnly" w:enforcement="1"/>', False),
    ],
)
def test_whether_changes_are_tracked(inside, tracked):
    read = read_package(with_member("word/settings.xml", root("settings", inside)), "paper")
    assert read_settings(read).tracked is tracked


def test_table_styles_and_those_of_placeholders():
    styles = '<w:style w:type="table" w:styleId="CT"><w:name w:val="cseval table"/></w:style>'
    styles += '<w:style w:type="character" w:styleId="Platz"><w:name w:val="Placeholder Text"/></w:style>'
    read = read_settings(read_package(with_member("word/styles.xml", root("styles", styles)), "paper"))
    assert read.table_styles == {"CT": "cseval table"}
    assert read.placeholders == {"PlaceholderText", "Platz"}


def test_a_document_without_settings_and_styles_is_read():
    read = read_settings(read_package(with_member("word/_rels/document.xml.rels", relationships()), "paper"))
    assert (read.tracked, read.table_styles) == (False, {})


# Files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("paper.docx", "~$paper.docx"),
        ("paper12.docx", "~$aper12.docx"),
        ("board paper.docx", "~$ard paper.docx"),
        ("board paper.docx", "~$board paper.docx"),
        ("paper.docx", ".~lock.paper.docx#"),
    ],
)
def test_a_paper_that_is_open_is_not_replaced(tmp_path, name, owner):
    path = tmp_path / name
    path.write_bytes(b"old")
    (tmp_path / owner).write_bytes(b"me")
    with pytest.raises(UsageError, match=r"open in (Word|LibreOffice)\. Close the document and run again"):
        replace_paper(path, b"new")
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_owner_file_of_another_paper_does_not_matter(tmp_path):
    (tmp_path / "~$other.docx").write_bytes(b"me")
    require_closed(tmp_path / "paper.docx")
    assert (tmp_path / "~$other.docx") not in owner_files(tmp_path / "paper.docx")


def test_a_paper_keeps_its_permissions_and_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "paper.docx", tmp_path / "link.docx"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    replace_paper(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.docx", "paper.docx"]


def test_a_new_paper_has_the_permissions_of_a_new_file(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    replace_paper(tmp_path / "paper.docx", b"new")
    assert (tmp_path / "paper.docx").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_read_only_paper_is_refused(tmp_path):
    path = tmp_path / "paper.docx"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(UsageError, match="a read-only file"):
        replace_paper(path, b"new")
    assert path.read_bytes() == b"old"


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("where", "name", "error", "said"),
    [
        (os, "fsync", OSError(28, "No space left on device"), "No space left on device.*The paper is as it was"),
        (files.Path, "replace", PermissionError(13, "Access is denied"), "open in Word.*Close the document"),
        (files.tempfile, "mkstemp", OSError(30, "Read-only file system"), "Read-only file system"),
    ],
)
def test_a_failure_while_writing_leaves_the_paper_as_it_was(tmp_path, monkeypatch, where, name, error, said):
    path = tmp_path / "paper.docx"
    path.write_bytes(b"old")
    monkeypatch.setattr(where, name, failing(error))
    with pytest.raises(CsevalError, match=said):
        replace_paper(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["paper.docx"]


def test_being_stopped_while_writing_leaves_the_paper_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "paper.docx"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        replace_paper(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("paper.docx", b"old")]


@pytest.mark.parametrize("when", ["os.fsync", "pathlib.Path.replace"])
def test_being_killed_while_writing_leaves_the_paper_as_it_was(tmp_path, when):
    path = tmp_path / "paper.docx"
    path.write_bytes(b"old")
    module, _, name = when.rpartition(".")
    code = (
        "import os, pathlib, signal\n"
        "from cseval.papers.files import replace_paper\n"
        f"setattr({module}, {name!r}, lambda *a: os.kill(os.getpid(), signal.SIGKILL))\n"
        f"replace_paper(pathlib.Path({str(path)!r}), b'new')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    replace_paper(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_paper_that_is_not_there_or_a_folder(tmp_path):
    with pytest.raises(UsageError, match=r"no such file.*Check the name"):
        read_paper(tmp_path / "none.docx")
    with pytest.raises(UsageError, match="a folder"):
        read_paper(tmp_path)


def test_a_name_that_no_file_can_have(tmp_path):
    path = tmp_path / ("b" * 300 + ".docx")
    with pytest.raises(UsageError, match="no such file"):
        read_paper(path)
    with pytest.raises(CsevalError, match="File name too long"):
        replace_paper(path, b"new")


def test_the_longest_name_that_a_file_can_have(tmp_path):
    path = tmp_path / ("b" * 250 + ".docx")
    path.write_bytes(b"old")
    replace_paper(path, b"new")
    assert path.read_bytes() == b"new"


def test_the_last_look_comes_after_the_new_file_is_complete(tmp_path):
    path, seen = tmp_path / "paper.docx", []
    path.write_bytes(b"old")

    def look():
        seen.extend(sorted(p.read_bytes() for p in tmp_path.iterdir()))
        raise UsageError("not any more")

    with pytest.raises(UsageError, match="not any more"):
        replace_paper(path, b"new", still=look)
    assert seen == [b"new", b"old"]
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("paper.docx", b"old")]


def test_a_paper_that_was_opened_while_it_was_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "paper.docx"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (tmp_path / "~$paper.docx").write_bytes(b"me"))
    with pytest.raises(UsageError, match="the paper is open in Word"):
        replace_paper(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_paper_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "paper.docx"
    path.write_bytes(b"old")
    monkeypatch.setattr(files.Path, "read_bytes", failing(PermissionError(13, "Permission denied")))
    with pytest.raises(UsageError, match="the paper is open in Word"):
        read_paper(path)


def test_the_builders_make_papers_that_are_read():
    assert document(paragraph("x")) == members_of(word_paper(paragraph("x")))["word/document.xml"]

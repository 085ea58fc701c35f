"""What keeps people from reading a Word file is found, each thing by its own sentence, and nothing else is."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm

from cseval.errors import DataError
from cseval.reporting.word_checks import findings

ALT = "Line chart: incidents fall after the start in the treated area and in the comparison alike."


def switch(parent, name, **attributes):
    element = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), value)
    parent.append(element)
    return element


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0aa" * 2)) + chunk(b"IEND", b"")
    )


def add_picture(place, *, alt=ALT, width=10):
    shape = place.add_run().add_picture(io.BytesIO(png()), width=Cm(width))
    shape._inline.docPr.set("descr", alt)
    return shape


def add_table(place, *columns):
    table = place.add_table(2, len(columns), *(() if hasattr(place, "add_heading") else (Cm(10),)))
    for row in table.rows:
        for cell, text in zip(row.cells, columns, strict=True):
            cell.text = text
    switch(table._tbl.tblPr, "tblCaption", val="Wards")
    switch(table._tbl.tblPr, "tblDescription", val="Counts by ward")
    switch(table.rows[0]._tr.get_or_add_trPr(), "tblHeader")
    return table


@pytest.fixture
def paper():
    made = docx.Document()
    made.core_properties.title = "A paper"
    made.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}").set(qn("w:val"), "en-GB")
    made.add_heading("Summary", 1)
    made.add_heading("Detail", 2)
    made.add_heading("Costs", 1)
    add_picture(made.add_paragraph())
    add_table(made, "Ward", "Count")
    return made


def saved(made):
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def test_a_good_paper_has_no_findings(paper):
    assert findings(saved(paper)) == ()


# The document -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["", "  "])
def test_a_missing_title(paper, title):
    paper.core_properties.title = title
    assert findings(saved(paper)) == ("The document has no title in its properties.",)


def test_another_language_and_none(paper):
    language = paper.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    language.set(qn("w:val"), "en-US")
    assert findings(saved(paper)) == ("The language of the document is en-US, not en-GB.",)
    language.getparent().remove(language)
    assert findings(saved(paper)) == ("The language of the document is not set; it should be en-GB.",)


def test_the_language_of_plain_paragraphs_counts_before_that_of_the_document(paper):
    switch(paper.styles["Normal"].element.get_or_add_rPr(), "lang", val="fr-FR")
    assert findings(saved(paper)) == ("The language of the document is fr-FR, not en-GB.",)


def test_a_skipped_level(paper):
    paper.add_heading("Too deep", 3)
    assert findings(saved(paper)) == (
        "Heading “Too deep” of level 3 follows one of level 1: a level is skipped.",
    )  # fmt: skip


def test_headings_by_outline_level_and_by_a_style_based_on_one(paper):
    own = paper.styles.add_style("Board heading", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = paper.styles["Heading 4"]
    paper.add_paragraph("Below", style="Board heading")
    direct = paper.add_paragraph("Beside")
    switch(direct._p.get_or_add_pPr(), "outlineLvl", val="5")
    found = findings(saved(paper))
    assert found[0].startswith("Heading “Below” of level 4 follows one of level 1")
    assert found[1].startswith("Heading “Beside” of level 6 follows one of level 4")


def test_no_heading_of_the_first_level():
    made = docx.Document()
    made.core_properties.title = "A paper"
    made.add_heading("Only", 2)
    found = findings(saved(made))
    assert "The document has no heading of level 1." in found
    assert "Heading “Only” of level 2 is the first: a level is skipped." in found


def test_empty_headings_and_outline_levels_of_text_do_not_count(paper):
    paper.add_heading("", 5)
    switch(paper.add_paragraph("Plain")._p.get_or_add_pPr(), "outlineLvl", val="9")
    assert findings(saved(paper)) == ()


# Pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alt", "width", "found"),
    [
        ("", 2, "Picture 2 of the text has no alternative text."),
        ("chart1.PNG", 2, "Picture 2 of the text has the name of a file, chart1.PNG, as its alternative text."),
        ("A chart", 10, "Picture 2 of the text is a figure, and its alternative text says too little: “A chart”."),
    ],
)
def test_pictures_that_say_nothing(paper, alt, width, found):
    add_picture(paper.add_paragraph(), alt=alt, width=width)
    assert findings(saved(paper)) == (found,)


def test_a_logo_may_say_little_and_decoration_nothing(paper):
    add_picture(paper.add_paragraph(), alt="Council logo", width=3)
    said = add_picture(paper.add_paragraph(), alt="")._inline.docPr
    mark = said.makeelement("{http://schemas.microsoft.com/office/drawing/2017/decorative}decorative", {"val": "1"})
    said.append(mark)
    assert findings(saved(paper)) == ()


def test_headers_and_footers_are_looked_at(paper):
    add_picture(paper.sections[0].header.paragraphs[0], alt="")
    table = add_table(paper.sections[0].footer, "a", "b")
    table.cell(1, 1).text = ""
    assert findings(saved(paper)) == (
        "Table 1 of footer1 (“Wards”) has 1 empty cell.",
        "Picture 1 of header1 has no alternative text.",
    )


def test_a_picture_of_the_older_form(paper):
    run = paper.add_paragraph().add_run()._r
    picture = switch(run, "pict")
    shape = picture.makeelement("{urn:schemas-microsoft-com:vml}shape", {})
    shape.append(shape.makeelement("{urn:schemas-microsoft-com:vml}imagedata", {}))
    picture.append(shape)
    assert findings(saved(paper)) == ("Picture 2 of the text has no alternative text.",)
    shape.set("alt", "Council logo")
    assert findings(saved(paper)) == ()


def test_what_only_old_programs_show_is_not_looked_at(paper):
    space = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
    run = paper.add_paragraph().add_run()._r
    shape = add_picture(paper.add_paragraph(), alt="")._inline.getparent()
    both = run.makeelement(space + "AlternateContent", {})
    old = both.makeelement(space + "Fallback", {})
    old.append(shape)
    both.append(old)
    run.append(both)
    assert findings(saved(paper)) == ()


# Tables -----------------------------------------------------------------------------------------------


def table_of(paper):
    return paper.tables[0]


def remove(table, name):
    for element in list(table._tbl.iter(qn(f"w:{name}"))):
        element.getparent().remove(element)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tblHeader", "Table 1 of the text (“Wards”) has no header row that is marked as one."),
        ("tblCaption", "Table 1 of the text has no caption in its alternative text."),
        ("tblDescription", "Table 1 of the text (“Wards”) has no description in its alternative text."),
    ],
)
def test_what_a_table_lacks(paper, name, found):
    remove(table_of(paper), name)
    assert findings(saved(paper)) == (found,)


def test_a_header_row_that_is_switched_off(paper):
    next(table_of(paper)._tbl.iter(qn("w:tblHeader"))).set(qn("w:val"), "0")
    assert findings(saved(paper)) == ("Table 1 of the text (“Wards”) has no header row that is marked as one.",)


def test_merged_cells_across_and_down(paper):
    table = add_table(paper, "a", "b", "c")
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(0, 2).merge(table.cell(1, 2))
    found = findings(saved(paper))
    assert found[0] == "Table 2 of the text (“Wards”) has 3 merged cells."


def test_empty_cells_but_not_those_with_a_picture_or_a_table(paper):
    table = add_table(paper, "a", "b", "c")
    table.cell(1, 0).text = " "
    table.cell(1, 1).text = ""
    add_picture(table.cell(1, 1).paragraphs[0])
    assert findings(saved(paper)) == ("Table 2 of the text (“Wards”) has 1 empty cell.",)


def test_tables_in_content_controls_are_seen(paper):
    table = table_of(paper)._tbl
    control, content = OxmlElement("w:sdt"), OxmlElement("w:sdtContent")
    table.addprevious(control)
    control.append(content)
    content.append(table)
    remove(add_table(paper, "a"), "tblHeader")
    assert findings(saved(paper)) == ("Table 2 of the text (“Wards”) has no header row that is marked as one.",)
    next(table.iter(qn("w:tblHeader"))).set(qn("w:val"), "false")
    assert len(findings(saved(paper))) == 2


# Files that are none ----------------------------------------------------------------------------------


def zipped(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(f"word/{name}.xml", content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a .docx"),
        (b"PK\x03\x04 no archive", "expected a .docx"),
        (zipped(styles="<x/>"), "no part word/document.xml"),
        (zipped(document="<w:document"), "expected well-formed XML"),
        (zipped(document='<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), "declares a document type"),
    ],
)
def test_what_is_no_word_file_is_refused(content, message):
    with pytest.raises(DataError, match=message):
        findings(content)


def test_a_document_of_nothing_lacks_everything():
    assert findings(zipped(document="<x/>")) == (
        "The document has no title in its properties.",
        "The language of the document is not set; it should be en-GB.",
        "The document has no heading of level 1.",
    )

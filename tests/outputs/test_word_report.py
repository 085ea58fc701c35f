"""The report as a Word document: complete, accessible, on paper, and the same bytes every time."""

from __future__ import annotations

import io
import re
import zipfile

import docx
import pytest
from docx.enum.section import WD_ORIENTATION
from docx.oxml.ns import qn
from lxml import etree
from result_builders import COMMAND, HASH, HOSTILE_WARD, make_result

from cseval.reporting import word, word_styles
from cseval.reporting.document import Answer, Bullets, Code, FigureBlock, Paragraph, TableBlock
from cseval.reporting.figures import make_figures
from cseval.reporting.html import printed_of
from cseval.reporting.printed import Printed
from cseval.reporting.report import BANNER, build_document
from cseval.reporting.tables import effects_table
from cseval.reporting.word import fitted, render_table_word, render_word
from cseval.reporting.word_checks import findings

PARAGRAPH_ORDER = "pStyle keepNext keepLines numPr pBdr shd spacing ind jc outlineLvl sectPr".split()
RUN_ORDER = "rFonts b bCs noProof color sz szCs lang".split()
CM = 360_000


def document_of(result):
    figures, not_drawn = make_figures(result)
    return build_document(result, figures, not_drawn, protocol_hash=HASH, command=COMMAND)


def pictures_of(outputs):
    return {p[8:-4]: content for p, content in outputs.items() if p.startswith("figures/") and p.endswith(".png")}


@pytest.fixture(scope="module")
def document(result):
    return document_of(result)


@pytest.fixture(scope="module")
def content(document, outputs):
    return render_word(document, pictures_of(outputs))


@pytest.fixture(scope="module")
def report(content):
    return docx.Document(io.BytesIO(content))


def blocks(document, kind):
    return [b for s in document.sections for b in s.blocks if isinstance(b, kind)]


def texts(report, style):
    return [p.text for p in report.paragraphs if p.style.name == style]


# The file ---------------------------------------------------------------------------------------------


def test_the_same_report_gives_the_same_bytes(document, content, outputs):
    assert render_word(document, pictures_of(outputs)) == content


def test_the_archive_holds_no_clock_and_nothing_but_the_report(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    names = [e.filename for e in entries]
    assert names[0] == "[Content_Types].xml"
    assert not [n for n in names if re.search("thumbnail|customXml|stylesWithEffects|app.xml", n)]


def test_properties_say_title_language_and_author_but_no_date(report, document):
    properties = report.core_properties
    assert (properties.title, properties.language, properties.author) == (document.title, "en-GB", "cseval")
    assert properties.created == properties.modified
    assert properties.created.year == 1980


def test_the_language_is_british_in_styles_and_settings(report):
    assert report.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}").get(qn("w:val")) == "en-GB"
    assert report.settings.element.find(qn("w:themeFontLang")).get(qn("w:val")) == "en-GB"


def test_nothing_is_found_that_keeps_people_from_reading_it(content):
    assert findings(content) == ()


def test_properties_stand_in_the_order_of_the_schema(report):
    for root in (report.element, report.styles.element):
        for tag, order in (("w:pPr", PARAGRAPH_ORDER), ("w:rPr", RUN_ORDER)):
            for element in root.iter(qn(tag)):
                names = [etree.QName(e).localname for e in element]
                assert names == sorted(names, key=order.index)


def test_every_style_that_is_used_is_defined_and_every_style_is_used(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = "".join(archive.read(n).decode() for n in archive.namelist() if re.match(r"word/(doc|head|foot)", n))
    used = set(re.findall(r'<w:pStyle w:val="([^"]+)"', text))
    assert used == {style.identity for style in word_styles.STYLES}


# What it says -----------------------------------------------------------------------------------------


def test_headings_are_the_sections_and_the_figures_below_theirs(report, document):
    assert texts(report, "Title") == [document.title]
    assert texts(report, "Subtitle") == [document.subtitle]
    assert texts(report, "Heading 1") == [s.heading for s in document.sections]
    assert texts(report, "Heading 2") == [b.figure.title for b in blocks(document, FigureBlock)]


def test_every_paragraph_item_and_command_is_there(report, document):
    said = [p.text for p in report.paragraphs]
    assert {b.text for b in blocks(document, Paragraph)} <= set(said)
    items = [f"{term}: {text}" if term else text for b in blocks(document, Bullets) for term, text in b.items]
    named = [f"{b.table.title}: {word.in_file(b.path)}" for b in blocks(document, TableBlock) if too_long(b)]
    assert sorted(texts(report, "List Bullet")) == sorted(items + named)
    assert texts(report, "Code") == [b.text for b in blocks(document, Code)]
    assert said[-1] == document.footer


def test_the_answer_is_read_in_its_order_with_terms_in_bold(report, document):
    (answer,) = blocks(document, Answer)
    assert texts(report, "Answer Headline") == [answer.headline]
    assert texts(report, "Answer Number") == [f"{answer.number} {answer.label}"]
    facts = [p for p in report.paragraphs if p.style.name == "Answer Fact"]
    assert [(p.runs[0].text, p.runs[1].text) for p in facts] == [(f"{term}: ", text) for term, text in answer.facts]
    assert all(p.runs[0].bold and not p.runs[1].bold for p in facts)


def too_long(block):
    """Whether a folded table is named by its file instead of printed."""
    return bool(block.folded and block.path and len(block.table.values) > word.MOST_FOLDED)


def test_folded_tables_are_printed_unless_they_are_long_and_data_of_figures_are_named(report, document):
    assert any(too_long(b) for b in blocks(document, TableBlock))
    tables = [printed_of(b.table) for b in blocks(document, TableBlock) if not too_long(b)]
    captions = [e.get(qn("w:val")) for e in report.element.iter(qn("w:tblCaption"))]
    assert captions == [t.title for t in tables]
    assert any(b.folded for b in blocks(document, TableBlock))
    rows = [[c.text for c in table.rows[-1].cells] for table in report.tables]
    assert rows == [list(t.rows[-1]) for t in tables]
    for block in blocks(document, FigureBlock):
        assert f"{block.figure.caption} Data: figures/{block.figure.name}.csv." in texts(report, "Figure Caption")


def test_pictures_are_those_of_the_run_with_their_words_and_fit_the_page(report, document, outputs):
    figures = [b.figure for b in blocks(document, FigureBlock)]
    shapes = report.inline_shapes
    said = [s._inline.docPr for s in shapes]
    assert [(d.get("name"), d.get("descr")) for d in said] == [(g.name, g.alt) for g in figures]
    assert len({d.get("id") for d in said}) == len(figures)
    parts = [report.part.related_parts[s._inline.graphic.graphicData.pic.blipFill.blip.embed] for s in shapes]
    assert [p.blob for p in parts] == [outputs[f"figures/{g.name}.png"] for g in figures]
    assert all(s.width <= 17.01 * CM and s.height <= 21 * CM for s in shapes)
    assert any(s.width > 16.99 * CM for s in shapes)


def test_a_picture_keeps_its_shape(outputs):
    png = next(iter(pictures_of(outputs).values()))
    width, height = fitted(png)
    low_width, low_height = fitted(png, highest=3 * CM)
    assert low_height == 3 * CM
    assert low_width / low_height == pytest.approx(width / height, rel=1e-5)


# Pages ------------------------------------------------------------------------------------------------


def texts_of(part):
    return [p.text for p in part.paragraphs]


def test_simulated_data_are_named_on_every_page_and_without_colour(report):
    first = report.paragraphs[0]
    assert (first.style.name, first.text) == ("Warning", BANNER)
    borders = first.style.element.find(f".//{qn('w:pBdr')}")
    assert {etree.QName(b).localname for b in borders} == {"top", "left", "bottom", "right"}
    sections = list(report.sections)
    assert texts_of(sections[0].header) == [BANNER]
    assert [s.different_first_page_header_footer for s in sections] == [True] + [False] * (len(sections) - 1)
    assert all(s.header.is_linked_to_previous or texts_of(s.header) == [BANNER] for s in sections)


def test_real_data_carry_no_warning(outputs):
    document = document_of(make_result(data="real"))
    report = docx.Document(io.BytesIO(render_word(document, pictures_of(outputs))))
    assert texts(report, "Warning") == []
    assert report.sections[0].header.is_linked_to_previous
    assert not report.sections[0].different_first_page_header_footer


def test_pages_are_numbered(report, document):
    section = report.sections[0]
    for footer in (section.footer, section.first_page_footer):
        assert [f.get(qn("w:instr")).strip() for f in footer._element.iter(qn("w:fldSimple"))] == ["PAGE", "NUMPAGES"]
        assert texts_of(footer)[0].startswith(document.title)


def test_pages_are_a4_and_tables_as_wide_as_their_text(document, outputs, monkeypatch):
    """A table too wide for an upright page lies on its side, with the pages before and after upright."""
    monkeypatch.setattr(word, "MOST_FOLDED", 10_000)  # the wide table here is a long one
    report = docx.Document(io.BytesIO(render_word(document, pictures_of(outputs))))
    body, start = list(report.element.body), 0
    ends = [i for i, e in enumerate(body) if e.find(f".//{qn('w:sectPr')}") is not None or e.tag == qn("w:sectPr")]
    sections = list(report.sections)
    assert len(ends) == len(sections) > 2
    assert {s.orientation for s in sections} == {WD_ORIENTATION.PORTRAIT, WD_ORIENTATION.LANDSCAPE}
    for end, section in zip(ends, sections, strict=True):
        size = (section.page_width.cm, section.page_height.cm)
        expected = (29.7, 21.0) if section.orientation == WD_ORIENTATION.LANDSCAPE else (21.0, 29.7)
        assert size == pytest.approx(expected, abs=0.01)
        assert {round(m.cm, 1) for m in (section.left_margin, section.top_margin, section.right_margin)} == {2.0}
        text = (section.page_width - section.left_margin - section.right_margin) // 635
        for table in (e for e in body[start:end] if e.tag == qn("w:tbl")):
            assert sum(int(c.get(qn("w:w"))) for c in table.iter(qn("w:gridCol"))) == text
        start = end


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_of_text_has_contrast_on_every_ground(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read("word/styles.xml").decode() + archive.read("word/document.xml").decode()
    colours = set(re.findall(r'<w:color w:val="(\w{6})"', text))
    grounds = {"FFFFFF", *re.findall(r'w:fill="(\w{6})"', text)}
    assert len(colours) >= 4
    assert len(grounds) >= 4
    for colour in colours:
        for ground in grounds:
            assert (luminance(ground) + 0.05) / (luminance(colour) + 0.05) >= 4.5, (colour, ground)


# Single tables and hostile text -----------------------------------------------------------------------


def printed(columns):
    names = tuple(f"Column {i}" for i in range(columns))
    return Printed(slug="x", title="A table", headings=names, rows=(names,), numeric=(False,) * columns)


@pytest.mark.parametrize(("columns", "orientation"), [(6, WD_ORIENTATION.PORTRAIT), (7, WD_ORIENTATION.LANDSCAPE)])
def test_a_single_table_lies_on_its_side_if_it_has_many_columns(columns, orientation):
    made = docx.Document(io.BytesIO(render_table_word(printed(columns), title="Effects")))
    assert [s.orientation for s in made.sections] == [orientation]
    assert texts(made, "Heading 1") == ["Effects"]
    assert len(made.tables) == 1


def test_the_effects_stand_alone_with_their_notes(result):
    table = effects_table(result)
    content = render_table_word(table, title="Neighbourhood Management Pilot: effects", warning=BANNER)
    assert findings(content) == ()
    assert render_table_word(table, title="Neighbourhood Management Pilot: effects", warning=BANNER) == content
    made = docx.Document(io.BytesIO(content))
    assert made.paragraphs[0].text == BANNER
    assert {p.text for p in made.paragraphs} >= set(printed_of(table).notes)
    assert made.core_properties.title == "Neighbourhood Management Pilot: effects"


def test_hostile_text_stays_text(hostile):
    content = render_word(document_of(make_result(hostile=True)), pictures_of(hostile))
    assert findings(content) == ()
    report = docx.Document(io.BytesIO(content))
    cells = {c.text for table in report.tables for row in table.rows for c in row.cells}
    assert any(HOSTILE_WARD in cell for cell in cells)
    kinds = {r.reltype.rpartition("/")[2] for r in report.part.rels.values()}
    assert "hyperlink" not in kinds
    assert not any(r.is_external for r in report.part.rels.values())

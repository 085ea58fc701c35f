"""Pieces of WordprocessingML: well formed whatever the text, in the order of the schema, tables that can be walked."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cseval.reporting.printed import Printed
from cseval.reporting.wordml import (
    column_widths,
    description,
    drawing,
    escape,
    least_width,
    paragraph,
    table_block,
    value_run,
)

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMES = {
    "w": W,
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
}
#: The order in which the schema wants what this package writes.
TABLE_ORDER = "tblStyle tblW tblBorders tblLayout tblCellMar tblLook tblCaption tblDescription".split()
PARAGRAPH_ORDER = "pStyle keepNext keepLines spacing ind jc".split()
RUN_ORDER = "b bCs color sz szCs lang".split()
CELL_ORDER = "tcW tcBorders shd vAlign".split()

EFFECTS = Printed(
    slug="effects",
    title="Estimated effect on each outcome",
    headings=("Outcome", "Change", "95% interval", "Reading"),
    rows=(
        ("Anti-social behaviour", "−6.2%", "−18.1% to 5.0%", "No clear evidence of a change"),
        ("Criminal damage", "+24.6%", "−1.0% to 112.4%", "No clear evidence of a change"),
    ),
    numeric=(False, True, False, False),
    notes=("Change: compared with what would have been expected.", "Source: Police & Co <2024>."),
)
HOSTILE = '</w:t></w:r><w:r w:x="" \'&amp;\x00\x0b\ud800\ufffe\U0001f6a8'


def parse(xml: str) -> etree._Element:
    return etree.fromstring(f'<w:body xmlns:w="{W}">{xml}</w:body>')


def find(element: etree._Element, path: str) -> list[etree._Element]:
    return element.xpath(path, namespaces=NAMES)


def text_of(element: etree._Element) -> str:
    return "".join(find(element, ".//w:t/text()"))


def local(elements: list[etree._Element]) -> list[str]:
    return [etree.QName(e).localname for e in elements]


def value(element: etree._Element, name: str = "val") -> str | None:
    return element.get(f"{{{W}}}{name}")


# Text -------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_gives_well_formed_xml_and_is_read_back(text):
    read = parse(paragraph(text))
    shown = "".join(
        {"t": e.text or "", "br": "\n", "tab": "\t"}[local([e])[0]] for e in find(read, ".//w:r/*[not(self::w:rPr)]")
    )
    expected = re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", re.sub("\r\n?", "\n", text))
    assert shown == expected
    element = etree.fromstring(f'<x y="{escape(text)}"/>')
    assert element.get("y") == re.sub("[\t\n]", " ", expected)


def test_a_run_keeps_lines_tabs_spaces_and_its_properties():
    (run,) = find(parse(value_run("  a\tb\r\nc ", "<w:i/>")), "./w:r")
    assert local(list(run)) == ["rPr", "t", "tab", "t", "br", "t"]
    assert [t.text for t in find(run, "./w:t")] == ["  a", "b", "c "]
    assert {t.get("{http://www.w3.org/XML/1998/namespace}space") for t in find(run, "./w:t")} == {"preserve"}


def test_a_paragraph_names_its_style_and_a_plain_one_has_no_properties():
    styled, plain = parse(paragraph("a", style="Heading1") + paragraph("b"))
    assert [value(s) for s in find(styled, "./w:pPr/w:pStyle")] == ["Heading1"]
    assert local(list(plain)) == ["r"]


def test_a_picture_says_what_it_shows_and_how_large_it_is():
    made = drawing("rId7", number=3, name='series "x"', alt=f"Counts & {HOSTILE}", width=360_000, height=180_000)
    (shown,) = find(parse(f"<w:p><w:r>{made}</w:r></w:p>"), ".//w:drawing")
    (said,) = find(shown, ".//wp:docPr")
    assert (said.get("id"), said.get("name")) == ("3", 'series "x"')
    assert said.get("descr").startswith("Counts & </w:t>")
    assert find(shown, ".//a:blip/@r:embed") == ["rId7"]
    sizes = [(e.get("cx"), e.get("cy")) for e in find(shown, ".//wp:extent | .//a:ext")]
    assert sizes == [("360000", "180000")] * 2


# Tables -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def block():
    return parse(table_block(EFFECTS))


def test_a_table_has_its_caption_above_and_each_note_below(block):
    assert local(list(block)) == ["p", "tbl", "p", "p"]
    caption = block[0]
    assert [value(s) for s in find(caption, "./w:pPr/w:pStyle")] == ["Caption"]
    assert find(caption, "./w:pPr/w:keepNext")
    assert [text_of(block[0]), text_of(block[2]), text_of(block[3])] == [EFFECTS.title, *EFFECTS.notes]
    assert {value(s) for s in find(block, "./w:p[position() > 1]//w:sz")} == {"18"}


def test_a_mark_stands_at_the_start_of_the_caption_and_a_style_replaces_the_own_rules():
    mark = '<w:bookmarkStart w:id="1" w:name="cseval"/><w:bookmarkEnd w:id="1"/>'
    styled = parse(table_block(EFFECTS, style="Table Grid", mark=mark))
    assert local(list(styled[0])) == ["pPr", "bookmarkStart", "bookmarkEnd", "r"]
    assert [value(s) for s in find(styled, ".//w:tblStyle")] == ["Table Grid"]
    assert not find(styled, ".//w:tblBorders | .//w:shd | .//w:tcBorders")


def test_the_header_row_is_marked_repeated_and_no_row_breaks(block):
    rows = find(block, ".//w:tr")
    assert len(rows) == 3
    assert [bool(find(r, "./w:trPr/w:tblHeader")) for r in rows] == [True, False, False]
    assert all(find(r, "./w:trPr/w:cantSplit") for r in rows)
    (look,) = find(block, ".//w:tblLook")
    assert (value(look, "firstRow"), value(look, "firstColumn")) == ("1", "1")


def test_a_table_says_in_words_what_it_holds(block):
    assert [value(e) for e in find(block, ".//w:tblCaption")] == [EFFECTS.title]
    expected = (
        "A table of 2 rows and 4 columns: Outcome, Change, 95% interval and Reading. "
        "Change: compared with what would have been expected."
    )
    assert [value(e) for e in find(block, ".//w:tblDescription")] == [expected]
    assert description(EFFECTS) == expected


def test_cells_are_single_filled_bold_as_headings_and_numbers_right(block):
    rows = [find(r, "./w:tc") for r in find(block, ".//w:tr")]
    assert [[text_of(c) for c in cells] for cells in rows] == [list(EFFECTS.headings), *map(list, EFFECTS.rows)]
    assert not find(block, ".//w:gridSpan | .//w:vMerge")
    bold = [[bool(find(c, ".//w:b")) for c in cells] for cells in rows]
    assert bold == [[True] * 4, [True, False, False, False], [True, False, False, False]]
    sides = {tuple(value(j) for c in cells for j in find(c, ".//w:jc")) for cells in rows}
    assert sides == {("left", "right", "left", "left")}
    assert {value(e) for e in find(block, ".//w:tc//w:sz")} == {"18"}
    assert {value(e) for e in find(block, ".//w:tc//w:lang")} == {"en-GB"}


@pytest.mark.parametrize(
    ("path", "order"),
    [
        (".//w:tblPr", TABLE_ORDER),
        (".//w:pPr", PARAGRAPH_ORDER),
        (".//w:rPr", RUN_ORDER),
        (".//w:tcPr", CELL_ORDER),
    ],
)
def test_properties_stand_in_the_order_of_the_schema(block, path, order):
    for style in ("", "Grid"):
        elements = find(parse(table_block(EFFECTS, style=style)), path)
        for names in map(local, map(list, elements)):
            assert names == sorted(names, key=order.index)


def test_widths_are_the_same_in_grid_and_cells_and_add_up(block):
    grid = [int(value(g, "w")) for g in find(block, ".//w:gridCol")]
    assert sum(grid) == 9026
    for row in find(block, ".//w:tr"):
        assert [int(value(w, "w")) for w in find(row, "./w:tc/w:tcPr/w:tcW")] == grid
    narrow = [int(value(g, "w")) for g in find(parse(table_block(EFFECTS, width=7000)), ".//w:gridCol")]
    assert sum(narrow) == 7000


def test_a_blank_cell_becomes_the_symbol_for_it():
    table = Printed(slug="x", title="X", headings=("a", "b"), rows=(("1", " "),), numeric=(False, False))
    cells = find(parse(table_block(table)), ".//w:tr[2]/w:tc")
    assert [text_of(c) for c in cells] == ["1", "[x]"]


def test_a_table_of_hostile_text_is_well_formed():
    table = Printed(
        slug="x",
        title=HOSTILE,
        headings=(HOSTILE, "b"),
        rows=((HOSTILE, "1"),),
        numeric=(False, True),
        notes=(HOSTILE,),
    )
    block = parse(table_block(table))
    assert len(find(block, ".//w:tc")) == 4
    assert text_of(find(block, ".//w:tc")[0]).startswith('</w:t></w:r><w:r w:x="" \'&amp;\ufffd\ufffd')


def test_short_tables_stay_on_one_page_and_notes_with_the_last_row():
    def kept(rows, notes):
        many = Printed(slug="x", title="X", headings=("a",), rows=(("1",),) * rows, numeric=(False,), notes=notes)
        body = find(parse(table_block(many)), ".//w:tr[position() > 1]")
        return [bool(find(r, ".//w:keepNext")) for r in body]

    assert kept(3, ("note",)) == [True, True, True]
    assert kept(3, ()) == [True, True, False]
    assert kept(12, ("note",)) == [False] * 11 + [True]
    assert kept(0, ("note",)) == []


# Widths -----------------------------------------------------------------------------------------------


def test_numbers_are_narrow_words_wide_and_every_interval_has_room():
    outcome, change, interval, reading = column_widths(EFFECTS, 9026)
    assert change < min(outcome, interval, reading)
    # 15 characters of nine points in Arial are at least 1,250 twentieths of a point wide.
    assert column_widths(EFFECTS, round(least_width(EFFECTS)) + 10)[2] > 1250


def test_room_goes_to_the_column_with_much_to_say():
    rows = (("a", "short", "a long finding " * 20, "1.0"),) * 3
    table = Printed(slug="x", title="X", headings=("A", "B", "C", "D"), rows=rows, numeric=(False, False, False, True))
    widths = column_widths(table, 9000)
    assert sum(widths) == 9000
    assert widths[2] > 0.75 * sum(widths)


def test_type_gets_smaller_only_where_words_would_break():
    def sizes(width):
        return {value(e) for e in find(parse(table_block(EFFECTS, width=width)), ".//w:tc//w:sz")}

    assert sizes(math.ceil(least_width(EFFECTS))) == {"18"}
    assert sizes(math.floor(least_width(EFFECTS)) - 1) == {"16"}


def test_one_long_cell_among_many_does_not_take_the_room_of_the_others():
    rows = (*(("name", "some words that are read", "1.0"),) * 19, ("a very long name " * 30, "some words here", "1.0"))
    table = Printed(slug="x", title="X", headings=("A", "B", "C"), rows=rows, numeric=(False, False, True))
    assert column_widths(table, 9000)[1] > 3000


@given(
    st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), max_size=8),
    st.integers(min_value=300, max_value=20_000),
)
def test_widths_always_add_up_and_are_positive(rows, width):
    table = Printed(
        slug="x", title="X", headings=("a", "b", "c"), rows=tuple(map(tuple, rows)), numeric=(False, False, False)
    )
    widths = column_widths(table, width)
    assert sum(widths) == width
    assert all(w > 0 for w in widths)

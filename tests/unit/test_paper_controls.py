"""Content controls are found by byte offsets, and what stands in them is read as Word shows it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from paper_builders import (
    NAMESPACES,
    PLACEHOLDER,
    W,
    a_run,
    cell,
    document,
    in_line,
    paragraph,
    picture,
    row,
    sdt,
    table,
    text_box,
    waiting_run,
)

from cseval.errors import DataError, UsageError
from cseval.papers.controls import BLOCK, CELL, ROW, RUN, find_controls
from cseval.papers.markup import MOST_LEVELS, Edit, Span, appended, declaring, edited, with_attribute
from cseval.papers.standing import read_standing
from cseval.papers.tags import base_of, next_copy, parse_tag, pick

TAG = "cseval:pilot/effects"
SCOPE = {"w": W, "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006"}


def found(content, part="word/document.xml"):
    return find_controls(content, part, part).controls


def only(content):
    (control,) = found(content)
    return control


def standing(content, scope=None):
    return read_standing(content.encode(), SCOPE if scope is None else scope, "here")


# Where they are ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "level"),
    [
        (sdt(TAG, paragraph("x")), BLOCK),
        (in_line("a", sdt(TAG, a_run("x"))), RUN),
        (f'<w:p><w:hyperlink w:anchor="a">{sdt(TAG, a_run("x"))}</w:hyperlink></w:p>', RUN),
        (table(sdt(TAG, row(cell(paragraph("x"))))), ROW),
        (table(row(sdt(TAG, cell(paragraph("x"))))), CELL),
        (table(row(cell(sdt(TAG, paragraph("x"))))), BLOCK),
        (table(row(cell(in_line("a", sdt(TAG, a_run("x")))))), RUN),
        (sdt("other", sdt(TAG, paragraph("x"))), BLOCK),
        (in_line("a", sdt("other", sdt(TAG, a_run("x")))), RUN),
        (table(sdt("other", sdt(TAG, row(cell(paragraph("x")))))), ROW),
        (f'<w:customXml w:element="e">{sdt(TAG, paragraph("x"))}</w:customXml>', BLOCK),
        (text_box(sdt(TAG, paragraph("x")), ""), BLOCK),
    ],
)
def test_the_level_of_a_control_is_that_of_what_is_around_it(body, level):
    assert only(document(body)).level == level


@pytest.mark.parametrize(
    "declaration",
    [
        "",
        "\ufeff",
        '\ufeff<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n',
        '<?xml version=\'1.0\' encoding="UTF-8" standalone="yes"?>',
        "<?xml version='1.0' encoding='utf-8'?>\n<!-- a comment with <w:sdt> in it -->\n<?word a?>\n",
    ],
)
def test_offsets_are_right_whatever_the_part_begins_with(declaration):
    inner = paragraph("Größe − 5 & more > 3".replace("&", "&amp;"))
    content = document(paragraph("ä\r\n") + sdt(TAG, inner), declaration=declaration)
    assert only(content).content.of(content) == inner.encode()


def test_quotes_comments_and_character_data_do_not_mislead():
    odd = "<w:p w:rsidR='a>b' w:rsidP=\"c'>'d\"><!-- </w:sdtContent> --><w:r><w:t>"
    odd += "<![CDATA[</w:sdtContent>]]></w:t></w:r></w:p>"
    content = document(sdt(TAG, odd))
    control = only(content)
    assert control.content.of(content) == odd.encode()
    assert standing(odd).lines == ["</w:sdtContent>"]


@pytest.mark.parametrize("prefix", ["ns0", "word-2006", ""])
def test_another_prefix_than_w(prefix):
    colon = f"{prefix}:" if prefix else ""
    body = document(sdt(TAG, paragraph("x"))).decode().replace("<w:", f"<{colon}").replace("</w:", f"</{colon}")
    bound = f'xmlns{":" if prefix else ""}{prefix}="{W}"'
    attributes = prefix or "w"
    content = body.replace(f'xmlns:w="{W}"', bound + ("" if prefix else f' xmlns:w="{W}"'))
    content = content.replace(" w:", f" {attributes}:").encode()
    control = only(content)
    assert (control.tag, control.level) == (TAG, BLOCK)
    assert control.scope[prefix] == W
    assert control.content_name == f"{colon}sdtContent".encode()


@pytest.mark.parametrize("tail", ["/>", " />", "\n/>"])
def test_content_that_is_one_empty_tag(tail):
    content = document(sdt(TAG, "", closed=True)).replace(b"<w:sdtContent/>", b"<w:sdtContent" + tail.encode())
    control = only(content)
    assert control.closed
    assert control.content.start == control.content.end
    assert content[: control.content.start].endswith(b"/>")


def test_only_tags_that_are_meant_for_cseval_are_found_and_in_order():
    body = sdt("other", sdt("cseval:b/effects", paragraph("x"))) + sdt("x", paragraph("y")) + sdt(TAG, paragraph("z"))
    assert [c.tag for c in found(document(body))] == ["cseval:b/effects", TAG]


def test_a_tag_written_in_capitals_is_found_so_that_it_can_be_refused():
    assert only(document(sdt(" CSEVAL:pilot/effects ", paragraph("x")))).tag == "CSEVAL:pilot/effects"


def test_words_in_the_box_for_the_title_are_found_too():
    control = only(document(sdt("", paragraph("x"), properties=f'<w:alias w:val="{TAG}"/>')))
    assert (control.tag, control.title) == ("", TAG)


# What is around them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flag", ["<w:showingPlcHdr/>", '<w:showingPlcHdr w:val="true"></w:showingPlcHdr>', '<w:showingPlcHdr w:val="1" />']
)
def test_the_placeholder_flag(flag):
    content = document(sdt(TAG, paragraph("x"), properties=f"<w:rPr><w:b/></w:rPr>{flag}"))
    control = only(content)
    assert control.placeholder.of(content) == flag.encode()
    assert control.properties == b"<w:b/>"


@pytest.mark.parametrize("value", ["0", "false", "off"])
def test_a_placeholder_flag_that_is_off(value):
    content = document(sdt(TAG, paragraph("x"), properties=f'<w:showingPlcHdr w:val="{value}"/>'))
    assert only(content).placeholder is None


BINDING = '<w:dataBinding w:xpath="/a" w:storeItemID="{1}"/>'


@pytest.mark.parametrize(
    "body",
    [
        sdt(TAG, paragraph("x"), properties=BINDING),
        sdt(TAG, paragraph("x"), properties=BINDING.replace("w:dataBinding", "w15:dataBinding")),
        sdt("other", sdt("x", sdt(TAG, paragraph("x"))), properties=BINDING),
    ],
)
def test_a_control_bound_to_data_or_inside_one_that_is(body):
    assert only(document(body)).bound


def test_a_control_beside_or_around_a_bound_one_is_not_bound():
    beside = sdt("other", paragraph("x"), properties=BINDING) + sdt(
        TAG, sdt("inner", paragraph("x"), properties=BINDING)
    )
    assert not only(document(beside)).bound


CHANGE = 'w:id="9" w:author="A" w:date="2026-01-01T00:00:00Z"'


@pytest.mark.parametrize("name", ["ins", "del", "moveFrom", "moveTo"])
def test_a_tracked_change_around_a_control(name):
    body = f"<w:p><w:{name} {CHANGE}>{sdt(TAG, a_run('x'))}</w:{name}>{sdt('cseval:b/effects', a_run('x'))}</w:p>"
    assert [c.tracked for c in found(document(body))] == [True, False]


def test_a_tracked_change_in_the_properties_of_a_control():
    assert only(document(sdt(TAG, paragraph("x"), properties=f"<w:rPr><w:ins {CHANGE}/></w:rPr>"))).tracked


W14_CHANGE = 'xmlns:x="http://schemas.microsoft.com/office/word/2010/wordml" ' + CHANGE
RANGES = [f"w:customXml{name}Range" for name in ("Ins", "Del", "MoveFrom", "MoveTo")]
RANGES += ["w:moveFromRange", "w:moveToRange", "x:customXmlConflictInsRange"]


@pytest.mark.parametrize("name", RANGES)
def test_a_control_inside_an_open_tracked_range(name):
    begin, end = f"<{name}Start {W14_CHANGE}/>", f"<{name}End {W14_CHANGE}/>"
    inside, behind = sdt(TAG, a_run("x")), sdt("cseval:b/effects", a_run("x"))
    body = f"<w:p>{begin}</w:p><w:p>{inside}{end}{behind}</w:p>"
    assert [c.tracked for c in found(document(body))] == [True, False]


@pytest.mark.parametrize("name", ["ins", "del"])
def test_a_control_in_a_row_that_is_tracked(name):
    inside, behind = cell(sdt(TAG, paragraph("x"))), cell(sdt("cseval:b/effects", paragraph("x")))
    body = table(f"<w:tr><w:trPr><w:{name} {CHANGE}/></w:trPr>{cell(table(row(inside)))}</w:tr>", row(behind))
    assert [c.tracked for c in found(document(body))] == [True, False]


@pytest.mark.parametrize("name", ["cellIns", "cellDel", "cellMerge"])
def test_a_control_in_a_cell_that_is_tracked(name):
    inside = cell(sdt(TAG, paragraph("x"))).replace("</w:tcPr>", f"<w:{name} {CHANGE}/></w:tcPr>")
    body = table(row(inside, cell(sdt("cseval:b/effects", paragraph("x")))))
    assert [c.tracked for c in found(document(body))] == [True, False]


def test_a_control_inside_another_of_cseval():
    body = sdt(TAG, sdt("group", sdt("cseval:b/effects", paragraph("x"))))
    assert [(c.tag, c.inside) for c in found(document(body))] == [(TAG, ""), ("cseval:b/effects", TAG)]


def test_the_branches_of_words_alternatives():
    box = text_box(sdt(TAG, paragraph("x")), sdt(TAG, paragraph("x")))
    first, second = found(document(box))
    ((choice, branch),), ((other, another),) = first.branches, second.branches
    assert choice == other
    assert branch != another


def test_the_width_is_that_of_the_section_or_of_the_cell():
    narrow = '<w:p><w:pPr><w:sectPr><w:pgSz w:w="8000" w:h="9000"/><w:pgMar w:left="1000" w:right="1000"/>'
    narrow += '<w:cols w:num="2" w:space="400"/></w:sectPr></w:pPr></w:p>'
    inside = table(row(cell(sdt("cseval:c/effects", paragraph("x")), width=3000)))
    body = sdt(TAG, paragraph("x")) + narrow + sdt("cseval:b/effects", paragraph("x")) + inside
    assert [c.room for c in found(document(body))] == [2800, 9026, 2784]
    assert found(document(body))[1].height == 16838 - 2880


def test_the_words_before_a_control_say_where_it_is():
    body = paragraph("First words.") + in_line("Incidents changed by ", waiting_run(TAG))
    assert only(document(body)).before == "First words. Incidents changed by"


def empty_paragraphs(number):
    return document(paragraph("First words.") + "<w:p/>" * number + sdt(TAG, paragraph("x")))


def test_a_long_part_is_read_in_time_that_grows_with_its_length():
    taken = []
    for number in (50_000, 200_000):
        content, begin = empty_paragraphs(number), time.process_time()
        assert only(content).before == "First words."
        taken.append(time.process_time() - begin)
    assert taken[1] < 8 * taken[0]


def test_references_by_older_kinds_of_drawing_count_too():
    old = '<w:p><w:r><w:pict><v:imagedata xmlns:o="urn:schemas-microsoft-com:office:office" o:relid="rId9"/></w:pict>'
    story = find_controls(document(f"{old}</w:r></w:p>"), "p", "p")
    assert [i for _, i in story.references] == ["rId9", "rId6"]


def test_bookmarks_drawings_and_references_of_a_part():
    body = f'<w:p><w:bookmarkStart w:id="7" w:name="a"/>{picture("rId9", number=12)}</w:p>'
    story = find_controls(document(body), "p", "p")
    assert story.bookmarks == ((7, "a"),)
    assert story.pictures == {12}
    assert [i for _, i in story.references] == ["rId9", "rId6"]


# What is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (document("").decode().encode("utf-16"), "UTF-16"),
        (document("", declaration='<?xml version="1.0" encoding="ISO-8859-1"?>'), "XML in ISO-8859-1"),
        (b"<!DOCTYPE a [<!ENTITY a 'b'>]>" + document("", declaration=""), "document type"),
        (b"<!-- a --><?p i?>\n<!DOCTYPE a>" + document("", declaration=""), "document type"),
        (document("<w:p>"), r"malformed XML \(mismatched tag, line 2"),
        (b"", "malformed XML"),
        (b"<a/>", "the root 'a'"),
        (document("\x01"), "malformed XML"),
        (document("&nbsp;"), "malformed XML"),
        (document('<w:p x:a="1"/>'), "malformed XML"),
        (document("<w:customXml>" * MOST_LEVELS + "</w:customXml>" * MOST_LEVELS), "1,000 elements"),
        (document("<w:p " + " ".join(f'xmlns:p{i}="u"' for i in range(1000)) + "/>"), "1,000 elements"),
        (document(sdt(TAG, "").replace("<w:sdtContent></w:sdtContent>", "")), "without content"),
        (document(sdt(TAG, "").replace("</w:sdtContent>", "</w:sdtContent><w:sdtContent/>")), "with two contents"),
        (document(sdt("cseval:" + "x" * 999, "").replace("<w:sdtContent></w:sdtContent>", "")), "x…' without"),
        (document(f'<w:bookmarkStart w:id="{"9" * 5000}"/>'), "the number '9+…'"),
        (
            document(f"<w:p>{picture('rId1').replace('docPr id', 'docPr n')}</w:p>".replace('n="1"', 'id="x"')),
            "the number",
        ),
        (document("", section=f'<w:sectPr><w:pgSz w:w="{"9" * 400}"/></w:sectPr>'), "the number '9+…'"),
        (document(table(row(cell("<w:p/>").replace("4513", "9" * 400)))), "the number '9+…'"),
    ],
)
def test_a_part_that_word_would_not_write_is_refused(content, said):
    with pytest.raises(DataError, match=said) as error:
        found(content)
    assert "word/document.xml" in str(error.value)


def test_strict_open_xml_is_refused():
    content = document(sdt(TAG, paragraph("x"))).replace(
        W.encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    )
    with pytest.raises(UsageError, match=r"Strict Open XML.*Word Document"):
        found(content)


# What stands in them ----------------------------------------------------------------------------------


def test_text_is_read_as_word_shows_it_however_it_is_split():
    plain = standing(paragraph("A fall of 6.2% in well-known places"))
    split = (
        '<w:p w:rsidR="00"><w:pPr><w:tabs><w:tab w:val="left" w:pos="1"/></w:tabs></w:pPr>'
        '<w:proofErr w:type="spellStart"/>'
        "<w:r><w:t>A fall</w:t></w:r><w:r><w:tab/><w:t>of 6.</w:t></w:r><w:r><w:t>2%</w:t><w:br/>"
        '<w:t xml:space="preserve">in\u00a0well</w:t><w:noBreakHyphen/><w:t>known pla</w:t><w:softHyphen/></w:r>'
        "<w:r><w:instrText>HIDDEN</w:instrText><w:delText>gone</w:delText><w:t>ces</w:t></w:r></w:p><w:p/>"
    )
    assert standing(split).lines == plain.lines == ["A fall of 6.2% in well-known places"]


def test_each_cell_is_a_line_and_what_old_versions_see_is_not_read_twice():
    inner = table(row(cell(paragraph("a")), cell(paragraph("b"))))
    choice, fallback = f"<mc:Choice>{paragraph('c')}</mc:Choice>", f"<mc:Fallback>{paragraph('c')}</mc:Fallback>"
    alternative = f"<mc:AlternateContent>{choice}{fallback}</mc:AlternateContent>"
    assert standing(inner + alternative).lines == ["a", "b", "c"]


def test_formatting_is_that_of_the_first_text():
    content = f'<w:p><w:pPr><w:jc w:val="right"/></w:pPr><w:r><w:rPr><w:i/></w:rPr><w:br/></w:r>{a_run("x", "<w:b/>")}'
    content += f"{a_run('y', '<w:u/>')}</w:p>" + paragraph("z", '<w:jc w:val="left"/>')
    read = standing(content)
    assert (read.run, read.paragraph) == (b"<w:b/>", b'<w:jc w:val="right"/>')


def test_a_first_text_without_formatting_is_not_given_that_of_the_second():
    assert standing(a_run("x") + a_run("y", "<w:b/>")).run == b""


def test_prefixes_that_are_declared_inside_are_known():
    inner = '<w:p xmlns:q="urn:q"><w:r><w:rPr><q:glow/></w:rPr><w:t>x</w:t></w:r></w:p>'
    assert standing(inner).declared == {"q": "urn:q"}


def test_marks_and_bookmarks_of_the_papers_own():
    name = "_cseval_0123456789abcdef_01234567"
    inner = f'<w:bookmarkStart w:id="3" w:name="{name}"/><w:bookmarkEnd w:id="3"/>'
    inner += f'<w:bookmarkStart w:id="4" w:name="_Ref1"/>{a_run("x")}<w:bookmarkEnd w:id="4"/><w:bookmarkEnd w:id="9"/>'
    read = standing(inner)
    assert read.marks == [(0, 3, name)]
    assert read.before == '<w:bookmarkStart w:id="4" w:name="_Ref1"/>'
    assert read.after == '<w:bookmarkEnd w:id="4"/><w:bookmarkEnd w:id="9"/>'


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        (f'<w:p><w:hyperlink w:anchor="a">{a_run("x")}</w:hyperlink></w:p>', "a hyperlink"),
        (sdt("mine", paragraph("Typed.")), "another content control"),
        ('<w:p xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:oMath/></w:p>', "an equation"),
        ("<w:p><w:r><w:pict/></w:r></w:p>", "a picture or a shape"),
        ("<w:txbxContent><w:p/></w:txbxContent>", "a text box"),
        ('<w:commentRangeStart w:id="1"/>', "a comment"),
        ('<w:r><w:footnoteReference w:id="1"/></w:r>', "a footnote"),
        ("<w:p><w:pPr><w:sectPr/></w:pPr></w:p>", "a section break"),
    ],
)
def test_what_would_be_lost_is_named(inner, what):
    assert standing(inner).belongings.holds == [what]


def field(instruction, *kinds):
    inner = f"<w:r><w:instrText>{instruction[:3]}</w:instrText><w:instrText>{instruction[3:]}</w:instrText></w:r>"
    return inner + "".join(f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in kinds)


def test_fields_are_told_from_the_number_of_a_table():
    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    number = begin + field(" SEQ Table \\* ARABIC ", "separate", "end")
    inner = number + '<w:fldSimple w:instr="SEQ Table"/><w:fldSimple w:instr="PAGE"/>'
    own = standing(f"<w:p>{inner}{begin}{field('IF', 'end')}</w:p>").belongings
    assert (own.numbers, own.fields, own.halves) == (2, 2, [])


@pytest.mark.parametrize("kinds", [["begin"], ["end"], ["separate"], ["begin", "separate"], ["end", "begin"]])
def test_half_a_field_is_named(kinds):
    assert standing(f"<w:p>{field('PAGE', *kinds)}</w:p>").belongings.halves == ["a field"]


@pytest.mark.parametrize(
    ("inner", "halves"),
    [
        ('<w:someRangeStart w:id="1"/><w:someRangeEnd w:id="1"/>', []),
        ('<w:someRangeStart w:id="1"/><w:someRangeEnd w:id="2"/>', ["a marked range"]),
        ('<w:someRangeEnd w:id="1"/>', ["a marked range"]),
        ('<w:someRangeStart w:id="1"/>', ["a marked range"]),
        ('<w:bookmarkEnd w:id="1"/><w:commentRangeEnd w:id="1"/>', []),
    ],
)
def test_one_end_of_a_range_is_named(inner, halves):
    assert standing(inner).belongings.halves == halves


@pytest.mark.parametrize(
    "inner",
    [
        *(f"<{name}{end} {W14_CHANGE}/>" for name in RANGES for end in ("Start", "End")),
        f"<w:p><w:ins {CHANGE}>{a_run('x')}</w:ins></w:p>",
        f"<w:p><w:pPr><w:rPr><w:del {CHANGE}/></w:rPr></w:pPr></w:p>",
        f"<w:p><w:moveFromRangeStart w:name='m' {CHANGE}/></w:p>",
        f"<w:p><w:r><w:rPr><w:rPrChange {CHANGE}><w:rPr/></w:rPrChange></w:rPr></w:r></w:p>",
        table(f"<w:tr><w:trPr><w:ins {CHANGE}/></w:trPr></w:tr>"),
        f"<mc:AlternateContent><mc:Fallback><w:ins {CHANGE}/></mc:Fallback></mc:AlternateContent>",
    ],
)
def test_tracked_changes_inside(inner):
    assert standing(inner).tracked


# Against another reader -------------------------------------------------------------------------------

TAGS = st.sampled_from([TAG, "cseval:a/table/b", "other", "", "cseval:<&>'x"])
TEXT = st.sampled_from(["x", "ä−𝄞", "a > b", "]]", "  ", "&lt;w:sdt&gt;"]).map(lambda t: a_run(t))
NOISE = st.sampled_from(["", "<!-- <w:sdt> -->", "<?p <w:sdt>?>", "\r\n", '<w:bookmarkStart w:id="1" w:name="a>b"/>'])
FLAGS = st.sampled_from(["", PLACEHOLDER, BINDING, "<w:showingPlcHdr></w:showingPlcHdr>", "<w:text/>"])


def controlled(inner):
    """A control around what `inner` makes, sometimes with its content as one empty tag."""
    escaped = TAGS.map(lambda t: t.replace("&", "&amp;").replace("<", "&lt;"))
    return st.builds(
        lambda tag, content, flags, closed: sdt(tag, content, properties=flags, closed=closed),
        escaped,
        inner,
        FLAGS,
        st.booleans(),
    )


def joined(strategy):
    return st.lists(strategy, max_size=3).map("".join)


def runs():
    return st.recursive(TEXT | NOISE, lambda inner: controlled(joined(inner)), max_leaves=5)


def tracked(inner):
    return inner.map(lambda content: f"<w:ins {CHANGE}>{content}</w:ins>")


PARAGRAPHS = joined(runs() | tracked(runs())).map(lambda content: f"<w:p>{content}</w:p>")


def tables(blocks):
    cells = joined(blocks).map(cell)
    rows = joined(cells | controlled(cells)).map(row)
    return joined(rows | controlled(rows)).map(table)


def boxes(blocks):
    return st.builds(text_box, blocks, blocks)


BLOCKS = st.recursive(
    PARAGRAPHS | NOISE, lambda inner: controlled(joined(inner)) | tables(inner) | boxes(inner), max_leaves=8
)
LEVELS = {"p": RUN, "tbl": ROW, "tr": CELL, "body": BLOCK, "tc": BLOCK, "txbxContent": BLOCK}


def q(name):
    return f"{{{W}}}{name}"


def by_lxml(content):
    """Every control of cseval as another reader of XML sees it."""
    seen = []
    for node in etree.fromstring(content).iter(q("sdt")):
        tag = node.find(f"{q('sdtPr')}/{q('tag')}")
        text = tag.get(q("val")) if tag is not None else ""
        if not text.startswith("cseval:"):
            continue
        around = [a for a in node.iterancestors() if isinstance(a.tag, str)]
        names = [etree.QName(a).localname for a in around]
        outer = [a.find(f"{q('sdtPr')}/{q('tag')}") for a in around if a.tag == q("sdt")]
        outer = [t.get(q("val")) for t in outer if t is not None and t.get(q("val")).startswith("cseval:")]
        sdts = [node, *(a for a in around if a.tag == q("sdt"))]
        inner = node.find(q("sdtContent"))
        seen.append(
            (
                text,
                next(LEVELS[n] for n in names if n in LEVELS),
                any(s.find(f"{q('sdtPr')}/{q('dataBinding')}") is not None for s in sdts),
                "ins" in names,
                outer[0] if outer else "",
                node.find(f"{q('sdtPr')}/{q('showingPlcHdr')}") is not None,
                etree.tostring(inner, method="c14n", exclusive=True, with_tail=False),
            )
        )
    return seen


def by_offsets(content):
    """The same as cseval finds it."""
    seen = []
    for c in sorted(found(content), key=lambda c: content.rfind(b"<w:sdtContent", 0, c.content.start)):
        inside = b"<w:sdtContent>" + c.content.of(content) + b"</w:sdtContent>"
        wrapped = etree.fromstring(f"<x {NAMESPACES}>".encode() + inside + b"</x>")
        inner = etree.tostring(wrapped[0], method="c14n", exclusive=True)
        seen.append((c.tag, c.level, c.bound, c.tracked, c.inside, c.placeholder is not None, inner))
    return seen


@settings(max_examples=100, deadline=None)
@given(joined(BLOCKS))
def test_offsets_agree_with_another_reader_on_any_document(body):
    content = document(body)
    assert by_offsets(content) == by_lxml(content)


@settings(max_examples=40, deadline=None)
@given(joined(BLOCKS))
def test_replacing_the_content_of_any_control_leaves_every_other_byte(body):
    content = document(body)
    for control in found(content):
        if control.closed:
            continue
        new = edited(content, [Edit(control.content, b"<w:p/>")])
        assert new[: control.content.start] == content[: control.content.start]
        assert new[control.content.start + 6 :] == content[control.content.end :]
        etree.fromstring(new)


# Small tools ------------------------------------------------------------------------------------------


def test_edits_are_made_from_the_bytes_that_were_read():
    assert edited(b"abcdef", [Edit(Span(4, 5), b"X"), Edit(Span(1, 1), b"1"), Edit(Span(1, 3), b"")]) == b"a1dXf"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (b'<a:b descr="old" x="1"/>', b'<a:b descr="new &lt;&quot;" x="1"/>'),
        (b"<a:b x='descr' descr = 'old'>", b"<a:b x='descr' descr = \"new &lt;&quot;\">"),
        (b"<a:b/>", b'<a:b descr="new &lt;&quot;"/>'),
        (b"<a:b p:descr='>'>", b'<a:b p:descr="new &lt;&quot;">'),
    ],
)
def test_an_attribute_is_changed_where_it_stands(tag, expected):
    assert edited(b"--" + tag, with_attribute(b"--" + tag, 2, "descr", 'new <"')) == b"--" + expected


def test_an_attribute_that_is_right_is_left_alone():
    assert with_attribute(b"<a descr='x'/>", 0, "descr", "x") == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'<L xmlns="u"><A/></L>\n', b'<L xmlns="u"><A/><B c="1"/></L>\n'),
        (b'<L xmlns="u"/>', b'<L xmlns="u"><B c="1"/></L>'),
        (b'<p:L xmlns:p="u"><p:A/></p:L>', b'<p:L xmlns:p="u"><p:A/><B xmlns="u" c="1"/></p:L>'),
    ],
)
def test_an_element_is_added_at_the_end_of_a_list(content, expected):
    assert appended(content, '<B c="1"/>', "list") == expected


def test_prefixes_are_declared_on_the_outermost_elements_alone():
    assert (
        declaring("<w:p><w:r/></w:p><w:p/>", {"w": "u&"}) == '<w:p xmlns:w="u&amp;"><w:r/></w:p><w:p xmlns:w="u&amp;"/>'
    )


# Tags -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("cseval:pilot/effects", "table", ("effects",)),
        ("cseval:pilot/effects#2", "table", ("effects",)),
        ("cseval:pilot/table/outcomes", "table", ("outcomes",)),
        ("cseval:pilot/figure/forest#12", "figure", ("forest",)),
        ("cseval:pilot/value/primary/percent_change", "value", ("primary", "percent_change")),
    ],
)
def test_the_forms_of_a_tag(text, kind, names):
    tag = parse_tag(text)
    assert (tag.evaluation, tag.kind, tag.names) == ("pilot", kind, names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cseval:", "cseval:EVALUATION/effects"),
        ("cseval:pilot", "cseval:EVALUATION/effects"),
        ("cseval:/effects", "cseval:EVALUATION/effects"),
        ("cseval:pilot/efects", "nearest to 'efects' is effects"),
        ("cseval:pilot/figures/a", "nearest to 'figures' is figure"),
        ("cseval:pilot/value/primary", "cseval:EVALUATION/value/ANALYSIS/FIELD"),
        ("cseval:pilot/value/primary/", "cseval:EVALUATION/value"),
        ("cseval:pilot/effects#0", "no tag that cseval knows"),
        ("cseval:pilot/effects#x", "no tag that cseval knows"),
        ("CSEVAL:pilot/effects", "in small letters"),
        ("cseval:" + "x" * 58, "65 characters.*at most 64.*Cut a name"),
    ],
)
def test_a_tag_of_another_form_is_refused_with_what_to_write(text, said):
    with pytest.raises(UsageError, match=said):
        parse_tag(text)


def test_a_tag_of_64_characters_is_read():
    assert parse_tag("cseval:" + "x" * 49 + "/effects").evaluation == "x" * 49


def test_the_next_copy_is_one_that_is_free():
    assert next_copy("cseval:a/effects", {"cseval:a/effects", "cseval:a/effects#2"}) == "cseval:a/effects#3"
    assert next_copy("cseval:a/effects#2", set()) == "cseval:a/effects#2"
    assert base_of("cseval:a/effects#2") == "cseval:a/effects"


NAMES = ("primary", "prime", "robbery", "robbery-later")


@pytest.mark.parametrize(
    ("given_", "name"), [("primar", "primary"), ("robbery", "robbery"), ("robbery-", "robbery-later")]
)
def test_a_name_may_be_cut_short_and_an_exact_one_wins(given_, name):
    assert pick("analysis", given_, NAMES, "here") == name


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ("prim", "here: 'prim' begins primary and prime; expected the beginning of one analysis alone"),
        ("robery", "here: no analysis 'robery'; expected one of .*robbery-later. The nearest is robbery"),
        ("zzz", "Do something else"),
    ],
)
def test_a_name_that_is_not_there_or_not_one_alone(given_, said):
    with pytest.raises(UsageError, match=said):
        pick("analysis", given_, NAMES, "here", otherwise="Do something else")

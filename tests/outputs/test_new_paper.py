"""A new board paper: the council's sections, places that can be filled, and nothing that a reader cannot read."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace

import pytest
from lxml import etree
from PIL import Image

from cseval.errors import DataError, UsageError
from cseval.papers.kinds import BANNER
from cseval.papers.new import new_paper
from cseval.papers.scaffold_places import FIELDS, Tags, shortened, waiting_picture
from cseval.papers.scaffold_runs import Picture, Shown, runs_for_paper, shown_claims
from cseval.papers.tags import MOST
from cseval.reporting.word_checks import findings

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"

TITLES = {
    "roles-map": "Where the programme ran",
    "timeline": "Other programmes in the same months",
    "series": "Treated area against comparison, disorder (damage) by month",
    "placebo": "The treated area among placebo neighbourhoods",
    "forest": "Estimated change in every analysis",
    "power": "Which changes would be found",
}
CAPTION = "How to read. Source: run sources."
RUN_FIELDS = {"programme", "start", "before", "after", "treated", "comparison", "evidence", "sources", "command"}
RUN_FIELDS |= {"question", "stands_in", "concerns"}
VALUES = {
    "run": {name: f"run {name}" for name in sorted(RUN_FIELDS)},
    "main": {name: f"main {name}" for name in sorted(set(FIELDS) - RUN_FIELDS)} | {"outcome": "disorder (damage)"},
}


def values(**changes):
    """The texts of a run, with some of the primary analysis or of the run as a whole changed."""
    own = {name: text for name, text in changes.items() if name in RUN_FIELDS}
    primary = {name: text for name, text in changes.items() if name not in RUN_FIELDS}
    return {"run": VALUES["run"] | own, "main": VALUES["main"] | primary}


def run(slug="pilot-evaluation", data="real", **changes):
    made = Shown(
        slug=slug,
        title=f"Title of {slug}",
        data=data,
        primary="main",
        tables={"effects": "Every effect", "outcomes": "Effects on outcomes", "weaknesses": "What weakens it"},
        figures={n: Picture(title=t, caption=CAPTION, size=(800, 500)) for n, t in TITLES.items()},
        values=VALUES,
    )
    return replace(made, **changes)


CLAIMS = Shown(
    slug="claims",
    title="Public claims",
    data="real",
    primary="",
    tables={"claims": "What was said"},
    values={
        "asb-not-decreased": {
            "statement": "“ASB”",
            "verdict": "cannot be tested",
            "stand_in": "of disorder, supported",
        },
        "half-capacity": {"statement": "“half”", "verdict": "contradicted", "stand_in": "[z]"},
    },
)


def paper(*runs, slugs=(), **options):
    return new_paper(runs or (run(),), slugs=slugs, **options)


def xml(content, part="word/document.xml"):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return etree.fromstring(archive.read(part))


def text_of(element):
    return "".join(t.text or "" for t in element.iter(f"{W}t"))


def paragraphs(tree):
    """Style and text of every paragraph, in order."""
    found = []
    for paragraph in tree.iter(f"{W}p"):
        style = paragraph.find(f"{W}pPr/{W}pStyle")
        found.append(("" if style is None else style.get(f"{W}val"), text_of(paragraph)))
    return found


def headings(tree, level):
    return [text for style, text in paragraphs(tree) if style == f"Heading{level}"]


def tags(tree):
    return [tag.get(f"{W}val") for tag in tree.iter(f"{W}tag")]


def under(tree, title):
    """The elements of the body from a heading to the next one of any level."""
    body = list(tree.find(f"{W}body"))
    styles = [(e.find(f"{W}pPr/{W}pStyle"), e) for e in body]
    heads = [i for i, (s, _) in enumerate(styles) if s is not None and s.get(f"{W}val", "").startswith("Heading")]
    begin = next(i for i in heads if text_of(body[i]) == title)
    return body[begin + 1 : next((i for i in heads if i > begin), len(body))]


# Sections -------------------------------------------------------------------------------------------------

COUNCIL = [
    "Executive Summary",
    "Recommendations",
    "Reasons for the decisions",
    "Alternative options",
    "Details of the report",
    "Equalities implications",
    "Other statutory implications",
    "Comments of the Chief Finance Officer",
    "Comments of Legal Services",
    "Linked Reports, Appendices and Background Documents",
]


def test_the_sections_are_those_of_the_council_in_its_order():
    tree = xml(paper())
    assert headings(tree, 1)[: len(COUNCIL)] == COUNCIL
    assert [h for h in headings(tree, 2) if h.startswith("Background Documents")] == [
        "Background Documents – Local Authorities (Executive Arrangements)(Access to Information)(England) "
        "Regulations 2012"
    ]


def test_the_numbered_sections_are_one_to_seven():
    tree = xml(paper())
    numbered = [text_of(n.getparent().getparent().getparent()) for n in tree.iter(f"{W}ilvl")]
    assert numbered == COUNCIL[2:9]


def test_the_head_names_what_the_council_asks_for_and_invents_nobody():
    tree = xml(paper(title="A paper"))
    rows = [[text_of(cell) for cell in row.iter(f"{W}tc")] for row in next(tree.iter(f"{W}tbl")).iter(f"{W}tr")]
    assert [row[0] for row in rows[1:]] == [
        "Classification",
        "Report of",
        "Title",
        "Lead Member",
        "Originating Officer(s)",
        "Wards affected",
        "Strategic Plan Priority / Outcome",
    ]
    assert all(re.fullmatch(r"\[.+\]", value) for name, value in rows[1:] if name not in ("Title", "Wards affected"))
    assert ["Title", "A paper"] in rows


def test_the_wards_are_places_for_the_officer_to_check():
    (row,) = [r for r in xml(paper(run("one"), run("two"))).iter(f"{W}tr") if text_of(r).startswith("Wards affected")]
    assert [t.split("/", 1)[1] for t in tags(row)] == ["value/run/programme", "value/run/treated"] * 2
    assert text_of(list(row.iter(f"{W}p"))[-1]) == "[check these names, or write All wards]"
    (row,) = [r for r in xml(paper()).iter(f"{W}tr") if text_of(r).startswith("Wards affected")]
    assert tags(row) == ["cseval:pilot-evaluation/value/run/treated"]


@pytest.mark.parametrize("title", COUNCIL[5:9])
def test_what_officers_must_write_is_a_prompt_and_nothing_else(title):
    found = under(xml(paper()), title)
    assert [re.fullmatch(r"\[To be written by .+\]", text_of(e)) is not None for e in found] == [True]
    assert [e for e in found for _ in e.iter(f"{W}sdt")] == []


def fields(elements):
    """The fields that stand in these elements, in order."""
    return [tag.rpartition("/")[2].partition("#")[0] for e in elements for tag in tags(e)]


def test_the_summary_says_what_stands_in_first_and_then_everything_once():
    made = fields(under(xml(paper()), "Executive Summary"))
    assert made == ["programme", "stands_in", "outcome", "verdict", "reading", "incidents", "concerns", "assumption"]


def test_the_number_of_incidents_is_not_said_beside_a_reading_that_has_it():
    said = {"reading": "A fall, about 590 fewer incidents.", "incidents": "10 were recorded: about 590 fewer (more)."}
    assert "incidents" not in fields(under(xml(paper(run(values=values(**said)))), "Executive Summary"))


def summary(*runs):
    """Style and text of what stands in the executive summary."""
    found = paragraphs(xml(paper(*runs)))
    first = found.index(("Heading1", "Executive Summary"))
    return found[first + 1 : found.index(("Heading1", "Recommendations"))]


def test_what_is_true_of_every_estimate_is_said_once_for_all_programmes():
    texts = [text for _, text in summary(run("one"), run("two"))]
    everything = "estimate is of everything that changed in the treated area at that time, not of the programme alone."
    assert sum(everything in text for text in texts) == 1
    assert texts[-1] == f"Each {everything} Each rests on this assumption: [what the estimate rests on]"
    other = summary(run("one"), run("two", values=values(assumption="Something else.")))
    assert [text for _, text in other[-3:]] == [
        f"Each {everything}",
        "[name of the programme] rests on this assumption: [what the estimate rests on]",
        "[name of the programme] rests on this assumption: [what the estimate rests on]",
    ]
    assert summary(run())[-1][1].startswith(f"The {everything} It rests on this assumption: ")


def test_outputs_without_the_assumption_alone_have_the_whole_caveat():
    made = fields(under(xml(paper(run(values=values(assumption="[x]")))), "Executive Summary"))
    assert made[-1] == "caveat"


def test_where_nothing_stands_in_nothing_is_said_of_it():
    tree = xml(paper(run(values=values(stands_in="[x]"))))
    assert not [t for t in tags(tree) if t.rpartition("/")[2] == "stands_in"]
    assert [t for t in tags(xml(paper())) if "/stands_in" in t] == [
        "cseval:pilot-evaluation/value/run/stands_in",
        "cseval:pilot-evaluation/value/run/stands_in#2",
    ]


def test_section_three_says_first_what_stands_in():
    (first,) = under(xml(paper()), "Title of pilot-evaluation")
    assert fields([first]) == ["stands_in"]


def test_a_paper_on_one_programme_does_not_speak_of_several():
    one, two = (" ".join(t for _, t in paragraphs(xml(paper(*r)))) for r in ((run(),), (run("one"), run("two"))))
    assert "these programmes" not in one
    assert "this programme rests on" in one
    assert "these programmes rests on" in two


@pytest.mark.parametrize("word", ["placebo neighbourhood", "5%", "adjusted", "max-T", "no usable interval"])
def test_words_of_the_trade_are_explained_before_the_findings(word):
    made = values(method="placebo neighbourhoods")
    read = " ".join(map(text_of, under(xml(paper(run(values=made))), "How to read the estimates")))
    assert word in read


def test_a_model_is_explained_where_it_is_named():
    for model, said in (("Poisson DiD", "Poisson difference in differences"), ("Own model", "")):
        tree = xml(paper(run(values=values(estimator=model))))
        (line,) = [t for _, t in paragraphs(tree) if t.startswith("What would have been expected")]
        assert line.endswith("made for counts." if said else "p-value: [the method behind interval and p-value].")
        assert said in line


@pytest.mark.parametrize(
    ("interval", "said"),
    [("from a 9% fall to a 4% rise", "with a 95% interval ["), ("an interval without bounds", "no usable interval, ")],
)
def test_an_interval_without_ends_is_not_quoted(interval, said):
    found = " ".join(map(text_of, under(xml(paper(run(values=values(interval=interval)))), "What was found")))
    assert said in found


def test_every_run_has_its_own_part_of_section_three():
    tree = xml(paper(run("one"), run("two")))
    assert [h for h in headings(tree, 2) if h.startswith("Title of")] == ["Title of one", "Title of two"] * 2
    assert headings(tree, 3).count("What was found") == 2


def test_the_map_and_the_series_stand_in_section_three_and_the_rest_in_appendices():
    tree = xml(paper(run("one"), run("two"), claims=CLAIMS))
    assert [h for h in headings(tree, 1) if h.startswith("Appendix")] == [
        "Appendix 1: further figures, Title of one",
        "Appendix 2: further figures, Title of two",
        "Appendix 3: every estimate",
        "Appendix 4: what was said in public",
    ]
    shown = [t.removeprefix("cseval:") for t in tags(tree) if "/figure/" in t or "/table/" in t]
    assert [t for t in shown if t.startswith("one")] == [
        "one/figure/roles-map",
        "one/figure/series",
        "one/table/outcomes",
        "one/table/weaknesses",
        "one/figure/timeline",
        "one/figure/placebo",
        "one/figure/forest",
        "one/table/effects",
    ]
    assert shown[-3:] == ["one/table/effects", "two/table/effects", "claims/table/claims"]
    assert [h for h in headings(xml(paper(run(figures={}))), 1) if h.startswith("Appendix")] == [
        "Appendix 1: every estimate"
    ]


def test_the_wide_tables_stand_on_pages_that_lie_on_their_side():
    sizes = [e.get(f"{W}orient", "portrait") for e in xml(paper()).iter(f"{W}pgSz")]
    assert sizes == ["portrait", "landscape"]


def test_no_page_is_turned_in_the_middle_of_a_paragraph_with_text():
    tree = xml(paper(run("one"), run("two"), claims=CLAIMS))
    inside = [e for e in tree.iter(f"{W}sectPr") if e.getparent().tag == f"{W}pPr"]
    assert [text_of(e.getparent().getparent()) for e in inside] == [""]
    assert tree.find(f"{W}body")[-1].tag == f"{W}sectPr"


def test_public_claims_are_held_against_the_records_where_there_are_any():
    tree = xml(paper(claims=CLAIMS))
    assert "cseval:claims/table/claims" in tags(tree)
    assert [text_of(e) for e in under(tree, "What was said in public")][1:] == [
        "[what was said]: [the verdict]; [what would be said of the outcome that stands in].",
        "[what was said]: [the verdict].",
    ]
    listed = "Public claims: claims.csv and claims.html, in the folder outputs/claims"
    assert ("ListBullet", listed) in paragraphs(tree)
    assert "What was said in public" not in headings(xml(paper()), 2)


def test_the_officer_is_told_to_publish_the_outputs_and_where_they_are():
    texts = [t for _, t in paragraphs(xml(paper()))]
    assert any(t.startswith("[Publish these files together with this paper") for t in texts)
    assert any(t.endswith("in the folder outputs/pilot-evaluation") for t in texts)


# Places ---------------------------------------------------------------------------------------------------


def controls(tree):
    return [(e, e.find(f"{W}sdtPr")) for e in tree.iter(f"{W}sdt")]


def test_every_place_has_a_tag_that_names_something_the_run_has():
    made = run()
    for tag in tags(xml(paper(made, claims=CLAIMS))):
        slug, kind, *rest = tag.removeprefix("cseval:").partition("#")[0].split("/")
        if (slug, kind) == ("claims", "table"):
            assert rest == ["claims"]
        elif slug == "claims":
            assert CLAIMS.values[rest[0]][rest[1]]
        elif kind == "value":
            assert rest == ["run", "manifest"] or made.values[rest[0]][rest[1]]
        else:
            assert rest[0] in {"table": made.tables, "figure": made.figures}[kind]


def test_tags_and_ids_are_used_once_and_fit():
    tree = xml(paper(run(), run("knife-crime-action-plan")))
    found = tags(tree)
    numbers = [e.get(f"{W}val") for e in tree.iter(f"{W}id")]
    assert len(found) == len(set(found)) == len(set(numbers)) == len(list(tree.iter(f"{W}sdt")))
    assert max(map(len, found)) <= MOST
    assert max(len(e.get(f"{W}val")) for e in tree.iter(f"{W}alias")) <= MOST


def test_every_place_says_in_words_what_it_waits_for():
    for control, properties in controls(xml(paper())):
        assert properties.find(f"{W}alias").get(f"{W}val")
        assert properties.find(f"{W}showingPlcHdr") is not None
        assert re.fullmatch(r"\[.+\]", text_of(control)) or list(control.iter(f"{A}blip"))


def test_properties_of_controls_are_in_the_order_of_the_schema():
    order = ["alias", "tag", "id", "showingPlcHdr", "picture", "text"]
    for _, properties in controls(xml(paper())):
        names = [etree.QName(e).localname for e in properties]
        assert names == [n for n in order if n in names]


def test_a_second_place_for_the_same_thing_is_numbered():
    used = Tags(())
    assert [used.value(run(), "run", "start") for _ in range(3)] == [
        f"cseval:pilot-evaluation/value/run/start{end}" for end in ("", "#2", "#3")
    ]


LONG = "neighbourhood-management-pilot-of-the-north-west"


def test_a_tag_that_is_too_long_is_cut_where_a_word_ends():
    tag = shortened((LONG, "value", "primary", "smallest_change"), ({LONG, "other"}, (), {"primary"}, set(FIELDS)))
    assert tag == "cseval:neighbourhood-management-pilot/value/primary/smallest_change"[:MOST] or len(tag) <= MOST
    assert tag == "cseval:neighbourhood-management/value/primary/smallest_change"


def test_a_tag_is_cut_only_where_it_still_names_one_thing():
    others = {LONG, "neighbourhood-management-pilot-of-the-south"}
    parts = (LONG, "value", "interrupted-time-series", "smallest_change")
    known = (others, (), {"interrupted-time-series", "primary"}, set(FIELDS))
    tag = shortened(parts, known, "#2")
    slug, kind, analysis, field = tag.removeprefix("cseval:").removesuffix("#2").split("/")
    assert len(tag) <= MOST
    assert kind == "value"
    assert [s for s in others if s.startswith(slug)] == [LONG]
    assert [a for a in known[2] if a.startswith(analysis)] == ["interrupted-time-series"]
    assert [f for f in FIELDS if f.startswith(field)] == ["smallest_change"]


def test_a_tag_that_cannot_be_cut_is_refused():
    twins = {"a" * 70 + "-north", "a" * 70 + "-south"}
    with pytest.raises(UsageError, match="too long for a tag"):
        shortened(("a" * 70 + "-north", "table", "outcomes"), (twins, (), {"outcomes"}))


def test_what_a_run_decides_in_a_caption_is_a_place():
    tree = xml(paper())
    (caption,) = [e for e in tree.iter(f"{W}p") if text_of(e).startswith("Figure 2: ")]
    assert text_of(caption) == (
        "Figure 2: Treated area against comparison, [the outcome] by month, Title of pilot-evaluation"
    )
    assert "run sources" not in text_of(tree)


def test_a_sentence_whose_values_a_run_lacks_is_left_out():
    found = tags(xml(paper(run(values=values(incidents="[x]", smallest_change="[x]")))))
    assert not [t for t in found if t.endswith(("incidents", "smallest_change"))]
    assert "cseval:pilot-evaluation/value/main/reading" in found


# Figures --------------------------------------------------------------------------------------------------


def test_figures_come_where_the_run_has_them():
    tree = xml(paper(run(figures={n: p for n, p in run().figures.items() if n in ("series", "power")})))
    assert [t for t in tags(tree) if "/figure/" in t] == ["cseval:pilot-evaluation/figure/series"]


def test_every_figure_waits_as_a_picture_of_its_own():
    content = paper(run("one"), run("two"))
    tree = xml(content)
    relations = {e.get("Id"): e.get("Target") for e in xml(content, "word/_rels/document.xml.rels")}
    files = [relations[blip.get(f"{R}embed")] for blip in tree.iter(f"{A}blip")]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        pictures = [archive.read(f"word/{name}") for name in files]
    assert len(files) == len(set(files)) == len(set(pictures)) == 10
    for picture in pictures:
        with Image.open(io.BytesIO(picture)) as image:
            image.load()
            assert image.width / image.height == pytest.approx(800 / 500, rel=0.01)


def test_every_picture_says_that_it_is_a_placeholder():
    descriptions = [e.get("descr") for e in xml(paper()).iter(f"{WP}docPr")]
    assert len(descriptions) == 5
    assert all(d.startswith("Placeholder for the figure ") for d in descriptions)


def test_a_waiting_picture_is_small_whatever_its_shape():
    for size in ((1600, 900), (10, 4000), (4000, 10)):
        assert len(waiting_picture("cseval:a/figure/b", size)) < 20_000


# The document ---------------------------------------------------------------------------------------------


def test_the_same_runs_give_the_same_bytes_without_a_clock():
    first, second = paper(run("one"), run("two"), claims=CLAIMS), paper(run("one"), run("two"), claims=CLAIMS)
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {m.date_time for m in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_document_is_british_titled_and_has_pages_with_numbers():
    content = paper(title="What the counts show")
    assert "What the counts show" in xml(content, "docProps/core.xml").xpath("//text()")
    assert {e.get(f"{W}val") for e in xml(content, "word/styles.xml").iter(f"{W}lang")} == {"en-GB"}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        footers = [archive.read(n).decode() for n in archive.namelist() if "footer" in n]
    assert any(" PAGE " in footer and " NUMPAGES " in footer for footer in footers)


def test_nothing_in_it_keeps_anybody_from_reading_it():
    assert findings(paper(run(), claims=CLAIMS)) == ()


def test_every_style_and_list_that_is_used_is_there():
    content = paper(run(), claims=CLAIMS)
    defined = {e.get(f"{W}styleId") for e in xml(content, "word/styles.xml").iter(f"{W}style")}
    used = {e.get(f"{W}val") for n in ("pStyle", "rStyle") for e in xml(content).iter(f"{W}{n}")}
    assert used <= defined
    lists = {e.get(f"{W}numId") for e in xml(content, "word/numbering.xml").iter(f"{W}num")}
    asked = {e.get(f"{W}val") for p in ("document", "styles") for e in xml(content, f"word/{p}.xml").iter(f"{W}numId")}
    assert asked <= lists


def test_tables_are_numbered_by_their_style_and_name_their_programme():
    content = paper(run("one"), run("two"))
    captions = [text for style, text in paragraphs(xml(content)) if style == "TableCaption"]
    assert len(captions) == len(set(captions)) == 6
    assert captions[0] == "[table: Effects on outcomes, Title of one]"
    (style,) = [e for e in xml(content, "word/styles.xml") if e.get(f"{W}styleId") == "TableCaption"]
    number = style.find(f".//{W}numId").get(f"{W}val")
    (use,) = [e for e in xml(content, "word/numbering.xml").iter(f"{W}num") if e.get(f"{W}numId") == number]
    meant = use.find(f"{W}abstractNumId").get(f"{W}val")
    numbering = xml(content, "word/numbering.xml")
    (definition,) = [e for e in numbering.iter(f"{W}abstractNum") if e.get(f"{W}abstractNumId") == meant]
    assert [e.get(f"{W}val") for e in definition.iter(f"{W}lvlText")] == ["Table %1:"]


@pytest.mark.parametrize("data", ["real", "demonstration"])
def test_the_file_says_which_data_the_paper_is_for(data):
    from cseval.papers.kinds import require_kind
    from cseval.papers.package import read_package

    other = {"real": "demonstration", "demonstration": "real"}[data]
    package = read_package(paper(run(data=data)), "paper.docx")
    require_kind(package, (), data)
    with pytest.raises(UsageError, match=f"a paper on {data} data"):
        require_kind(package, (), other)


def test_simulated_data_are_shouted_at_the_top_and_on_every_page():
    content = paper(run(data="demonstration"))
    assert paragraphs(xml(content))[0] == ("Warning", BANNER)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        headers = [etree.fromstring(archive.read(n)) for n in archive.namelist() if n.startswith("word/header")]
    assert BANNER in map(text_of, headers)
    assert "cseval diff pilot-evaluation --data demonstration" in text_of(xml(content))
    assert BANNER not in text_of(xml(paper()))


@pytest.mark.parametrize("title", ['<w:p/> & "x"', "A [draft] {run/start}"])
def test_a_title_is_text_and_nothing_else(title):
    tree = xml(paper(title=title))
    assert ("PaperTitle", title) in paragraphs(tree)
    assert title in [text_of(cell) for cell in tree.iter(f"{W}tc")]


@pytest.mark.parametrize("title", [" ", "two\nlines", "bell\a"])
def test_a_title_that_is_not_one_line_is_refused(title):
    with pytest.raises(UsageError, match="one line of text"):
        paper(title=title)


# Which runs -----------------------------------------------------------------------------------------------


@pytest.fixture
def outputs(tmp_path):
    """A folder of outputs, and a function that puts a run into it."""

    def put(slug, kind="real"):
        folder = tmp_path / ("demonstration" if kind == "demonstration" else "") / slug
        (folder / "figures").mkdir(parents=True)
        (folder / "effects.csv").write_text("analysis,role\nother,secondary\nmain,primary\n", encoding="utf-8")
        (folder / "figures" / "series.png").write_bytes(waiting_picture("x", (640, 400)))
        figure = {"title": "Series", "alt": "", "caption": "", "path": "figures/series.png", "sha256": ""}
        content = {
            "evaluation": slug,
            "title": slug.title(),
            "data": kind,
            "tables": {"claims" if slug == "claims" else "outcomes": {"title": "A table"}},
            "values": VALUES,
            "figures": {"series": figure},
        }
        (folder / "places.json").write_text(json.dumps(content), encoding="utf-8")
        return folder

    put.root = tmp_path
    return put


KNOWN = ("one", "two", "three")


def chosen(outputs, *wanted, data="auto"):
    return [(r.slug, r.data, r.primary) for r in runs_for_paper(outputs.root, KNOWN, wanted, data)]


def test_a_paper_is_about_every_evaluation_with_real_outputs(outputs):
    outputs("two")
    outputs("one")
    outputs("three", "demonstration")
    outputs("claims")
    assert chosen(outputs) == [("one", "real", "main"), ("two", "real", "main")]
    assert chosen(outputs, "two") == [("two", "real", "main")]
    assert chosen(outputs, data="demonstration") == [("three", "demonstration", "main")]
    assert shown_claims(outputs.root, "real").tables == {"claims": "A table"}
    assert shown_claims(outputs.root, "demonstration") is None
    assert runs_for_paper(outputs.root, KNOWN, ("two",), "auto")[0].figures["series"].size == (320, 200)


def test_without_real_outputs_it_is_about_demonstration_ones(outputs):
    outputs("three", "demonstration")
    assert chosen(outputs) == chosen(outputs, "three") == [("three", "demonstration", "main")]


def test_real_and_simulated_runs_never_share_a_paper(outputs):
    outputs("one")
    outputs("two", "demonstration")
    with pytest.raises(UsageError, match=r"no real outputs of two; .* never stand beside real ones"):
        chosen(outputs, "one", "two")


def test_what_was_not_run_cannot_be_written_about(outputs):
    with pytest.raises(UsageError, match="no demonstration outputs of one, two, three"):
        chosen(outputs)
    outputs("one")
    with pytest.raises(UsageError, match=r"cseval run two --data demonstration"):
        chosen(outputs, "two", data="demonstration")
    with pytest.raises(UsageError, match="no evaluation 'four'"):
        chosen(outputs, "four")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("places.json", b"{"),
        ("places.json", b"[]"),
        ("places.json", b'{"evaluation": "one"}'),
        ("effects.csv", b"analysis,role\nmain,secondary\n"),
        ("figures/series.png", b"GIF89a"),
    ],
)
def test_outputs_that_no_run_left_are_refused(outputs, name, content):
    folder = outputs("one")
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match="Run the evaluation again"):
        chosen(outputs)

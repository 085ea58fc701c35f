"""What axe-core does not notice, checked by hand over every committed page and over freshly built ones."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from figure_layout import contrast
from lxml import html
from result_builders import COMMAND, HASH, make_result

from cseval.reporting.write import build_outputs

ROOT = Path(__file__).parents[2]
COMMITTED = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "outputs").rglob("report.html"))]
FRESH = ("demonstration", "hostile", "real")
CSS = (ROOT / "cseval/reporting/templates/report.css").read_text("utf-8")
LARGEST = 3_000_000
LEAST_ALT = 40


@pytest.fixture(scope="module")
def built(outputs, hostile):
    real = build_outputs(make_result(data="real"), protocol_hash=HASH, command=COMMAND)
    pages = {"demonstration": outputs, "hostile": hostile, "real": real}
    return {name: files["report.html"] for name, files in pages.items()}


@pytest.fixture(scope="module", params=[*COMMITTED, *FRESH])
def content(request, built):
    return built[request.param] if request.param in FRESH else (ROOT / request.param).read_bytes()


@pytest.fixture(scope="module")
def whole(content):
    """Whether it is the report of an evaluation; a study has as many tables and figures as its parts."""
    return b"A study: no effect on counts is estimated here" not in content


@pytest.fixture(scope="module")
def page(content):
    return html.fromstring(content)


def words(element):
    return " ".join(element.text_content().split())


def test_every_figure_says_its_finding_in_words(page, whole):
    figures = page.xpath("//figure")
    assert len(figures) >= 8 * whole
    for figure in figures:
        (picture,) = figure.xpath(".//img")
        assert len(picture.get("alt").strip()) >= LEAST_ALT
        assert re.search(r"\d", picture.get("alt")), "a finding without a number"
        assert words(figure.xpath("./figcaption")[0])
    assert len(page.xpath("//img")) == len(figures)
    alts = page.xpath("//img/@alt")
    assert len(set(alts)) == len(alts)


def test_the_data_stand_beside_every_figure(page):
    for figure in page.xpath("//figure"):
        (beside,) = figure.xpath("following-sibling::*[1]")
        assert beside.tag == "details"
        assert len(beside.xpath(".//tbody/tr")) >= 1


def test_every_table_can_be_read_cell_by_cell(page, whole):
    tables = page.xpath("//table")
    assert len(tables) > 8 * whole
    for table in tables:
        (caption,) = table.xpath("./caption")
        assert words(caption)
        headings = table.xpath("./thead/tr/*")
        assert len(table.xpath("./thead/tr")) == 1
        assert {h.tag for h in headings} == {"th"}
        assert {h.get("scope") for h in headings} == {"col"}
        for row in table.xpath("./tbody/tr"):
            cells = row.xpath("./*")
            assert [c.tag for c in cells] == ["th"] + ["td"] * (len(headings) - 1), words(caption)
            assert cells[0].get("scope") == "row"
        assert all(words(cell) for cell in table.xpath(".//th | .//td")), words(caption)
        assert not table.xpath(".//@colspan | .//@rowspan")


def test_one_title_and_no_level_of_heading_is_skipped(page):
    levels = [int(h.tag[1]) for h in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_page_needs_nothing_else_and_runs_nothing(page):
    assert not page.xpath("//script | //iframe | //link | //object | //embed | //base | //form")
    sources = page.xpath("//@src | //@srcset | //@poster | //@background | //@data")
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    assert all(h.startswith("#") for h in page.xpath("//@href"))
    assert not [a for e in page.iter() if isinstance(e.tag, str) for a in e.attrib if a.startswith("on")]
    assert "url(" not in "".join(page.xpath("//style/text() | //@style"))
    assert "@import" not in "".join(page.xpath("//style/text()"))


def test_ids_are_unique_and_every_reference_leads_somewhere(page):
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    targets = {h[1:] for h in page.xpath("//@href")} | set(page.xpath("//@aria-labelledby"))
    assert targets <= set(ids)


def test_the_page_has_its_landmarks_and_language(page):
    root = page.getroottree().getroot()
    assert root.get("lang") == "en-GB"
    assert [len(page.xpath(f"//{tag}")) for tag in ("main", "nav", "footer", "title")] == [1, 1, 1, 1]
    assert page.xpath("//body/*[1]")[0].get("class") == "skip"


def test_the_page_is_small_enough_to_send(content):
    assert len(content) < LARGEST


@pytest.mark.parametrize("name", FRESH)
def test_the_answer_comes_before_the_contents(built, name):
    page = html.fromstring(built[name])
    order = page.xpath("//p[@class='banner'] | //h1 | //main/section/h2 | //main/nav/h2")
    assert [words(e) for e in order if e.get("class") != "banner"][1:5] == [
        "The question", "The answer", "Contents", "Every estimate"
    ]  # fmt: skip
    assert (order[0].get("class") == "banner") == (name != "real")
    listed = page.xpath("//nav//a/@href")
    after = page.xpath("//main/nav/following-sibling::section/h2/@id")
    assert listed == [f"#{slug}" for slug in after]


@pytest.mark.parametrize("name", FRESH)
def test_a_figure_is_named_by_its_heading_and_can_be_scrolled_by_keyboard(built, name):
    page = html.fromstring(built[name])
    for figure in page.xpath("//figure"):
        (heading,) = figure.xpath("preceding-sibling::*[1]")
        assert (heading.tag, heading.get("id")) == ("h3", figure.get("aria-labelledby"))
        assert figure.get("tabindex") == "0"


# Colours --------------------------------------------------------------------------------------------------


def rules():
    """Selector and declarations of each rule of the style sheet, with the colours behind names put in."""
    names = dict(re.findall(r"--([a-z]+): (#[0-9a-f]+)", CSS))
    flat = re.sub(r"var\(--([a-z]+)\)", lambda m: names[m[1]], CSS)
    for selector, body in re.findall(r"([^{}]+){([^{}]*)}", flat):
        yield selector.strip(), dict(re.findall(r"([a-z-]+): ([^;]+)", body))


def ground(declared):
    """The colour that a rule puts behind its text; none where it leaves it as it is."""
    found = re.search(r"#[0-9a-f]{3,6}", declared.get("background", ""))
    return found[0] if found else None


def test_every_text_colour_can_be_read_on_every_ground_it_may_stand_on():
    every = list(rules())
    light = {g for _, d in every if (g := ground(d)) and "color" not in d} | {"#fff"}
    assert len(light) >= 3
    pairs = {(d["color"], g) for _, d in every if "color" in d for g in ([ground(d)] if ground(d) else light)}
    assert len(pairs) >= 10
    assert [(text, behind) for text, behind in pairs if contrast(text, behind) < 4.5] == []


def test_contrast_is_computed_as_wcag_does():
    assert contrast("#000000") == pytest.approx(21)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.01)
    assert contrast("#12436D", "#F46A25") == pytest.approx(3.38, abs=0.01)

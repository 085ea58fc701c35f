"""The page and its Markdown twin: accessible, escaped, complete, and honest about simulated data."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from result_builders import COMMAND, HASH, HOSTILE_WARD, make_result

from cseval.reporting import tables
from cseval.reporting.figures import make_figures
from cseval.reporting.markdown import escape
from cseval.reporting.report import BANNER, OGL, build_document
from cseval.reporting.write import build_outputs
from cseval.words import EVERYTHING

VOID = set("meta img br hr link input".split())


class Page(HTMLParser):
    """Collects what the checks ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.headings: list[int] = []
        self.text: list[str] = []
        self._cell: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag in ("td", "th", "caption"):
            self._cell = []

    def handle_endtag(self, tag):
        if tag in ("td", "th", "caption") and self._cell is not None:
            self.cells.append("".join(self._cell).strip())
            self._cell = None

    def handle_data(self, data):
        self.text.append(data)
        if self._cell is not None:
            self._cell.append(data)

    def all(self, tag):
        return [a for t, a in self.tags if t == tag]


@pytest.fixture(scope="module")
def page(outputs):
    return Page(outputs["report.html"].decode())


def test_page_has_language_title_one_h1_and_headings_in_order(page):
    assert page.all("html")[0]["lang"] == "en-GB"
    assert len(page.all("title")) == 1
    assert page.headings.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(page.headings, page.headings[1:], strict=False))


def test_tables_have_captions_and_scoped_headers_and_no_empty_cell(page):
    assert len(page.all("caption")) == len(page.all("table")) > 8
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    assert all(page.cells)
    regions = [a for a in page.all("div") if a.get("role") == "region"]
    captions = {a["id"] for a in page.all("caption")}
    assert {a["aria-labelledby"] for a in regions} == captions
    assert all(a["tabindex"] == "0" for a in regions)


def test_titles_of_tables_are_unique(outputs):
    titles = re.findall(r"<caption[^>]*>([^<]*)", outputs["report.html"].decode())
    assert len(titles) == len(set(titles))


def test_pictures_have_words_and_stand_inside_the_page(page):
    pictures = page.all("img")
    assert len(pictures) == 11
    assert all(len(a["alt"] or "") >= 40 for a in pictures)
    assert all((a["src"] or "").startswith("data:image/png;base64,") for a in pictures)


def test_page_asks_for_nothing_and_runs_nothing(page, outputs):
    html = outputs["report.html"].decode()
    assert len(html) < 3_000_000
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    assert "url(" not in html
    assert not page.all("script")
    assert not [k for _, a in page.tags for k in a if k.startswith("on")]


def test_ids_are_unique_and_links_lead_somewhere(page):
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9-]+", i) for i in ids)
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)


def test_hostile_labels_are_escaped(hostile):
    for path in ("report.html", "effects.html", "report.md", "effects.md"):
        assert "<img src=x" not in hostile[path].decode()
    assert HOSTILE_WARD in "".join(Page(hostile["report.html"].decode()).text)
    assert all("onerror" not in a for a in Page(hostile["report.html"].decode()).all("img"))
    for path, content in hostile.items():
        if path.endswith(".svg"):
            assert b"<img" not in content


def test_demonstration_is_named_on_the_page_and_in_every_table(result, outputs):
    assert BANNER in outputs["report.md"].decode()
    assert BANNER in outputs["report.html"].decode()
    for table in tables.report_tables(result):
        assert any("simulated" in note for note in table.notes), table.slug


def test_real_data_carry_no_banner_and_print_their_licence():
    found = build_outputs(make_result(data="real"), protocol_hash=HASH, command=COMMAND)
    text = found["report.md"].decode()
    assert "imulated" not in text
    assert OGL in text


def test_the_answer_comes_in_its_order(outputs):
    text = outputs["report.md"].decode()
    marks = [
        "There is evidence of a reduction",
        "−19.1%",
        "95% interval runs",
        "would have been expected: about",
        EVERYTHING,
    ]
    places = [text.index(m) for m in marks]
    assert places == sorted(places)


def test_both_renderings_say_the_same(outputs, result):
    figures, not_drawn = make_figures(result)
    document = build_document(result, figures, not_drawn, protocol_hash=HASH, command=COMMAND)
    html = " ".join("".join(Page(outputs["report.html"].decode()).text).split())
    text = outputs["report.md"].decode()
    for section in document.sections:
        assert section.heading in html
        assert escape(section.heading) in text
    for word in (COMMAND, HASH, "Partnership Taskforce", "2,059"):
        assert word in html
        assert word in text


def test_effect_table_is_the_contract(result):
    table = tables.effects_table(result)
    headings = [table.heading(c) for c in table.values][:6]
    assert headings == ["Outcome", "Change", "95% interval", "p (placebo)", "Measured error rate", "Reading"]
    assert table.values.iloc[3].to_list()[4] == "not measured"
    notes = " ".join(table.notes)
    assert "by placebo neighbourhoods; for Interrupted time series of the pilot alone, by Newey-West." in notes
    assert "2 secondary outcomes were tested; the smallest p-value adjusted for their number is 0." in notes


def test_long_tables_are_cut_and_say_so(outputs):
    page = outputs["report.html"].decode()
    assert "The first 60 of 72 rows; all of them are in figures/roles-map.csv." in page


def test_long_headline_gives_way_to_the_verdict():
    long = "There is evidence of a reduction in anti-social behaviour: " + "a fall " * 20
    found = build_document(make_result(headline=long), (), (), protocol_hash=HASH, command=COMMAND)
    answer = found.sections[1].blocks[0]
    assert answer.headline == "Anti-social behaviour: evidence of a reduction."
    assert long.strip() in dict(answer.facts)["In one sentence"]


def test_an_empty_run_still_reads_well():
    nothing = {name: pd.DataFrame() for name in ("series", "event_study", "calibration", "displacement", "placebo")}
    result = make_result(**nothing, checks=(), weaknesses=(), left_out=(), warnings=())
    _, not_drawn = make_figures(make_result(series=make_result().series.head(0)))
    assert len(not_drawn) == 3
    assert all(s.endswith(".") for s in not_drawn)
    document = build_document(result, (), (), protocol_hash=HASH, command=COMMAND)
    assert all(section.blocks for section in document.sections)


def test_markdown_is_escaped():
    assert escape("a|b *c* <d> [e]") == r"a\|b \*c\* &lt;d&gt; \[e\]"
    assert escape("- x") == r"\- x"
    assert escape("1. x") == r"1\. x"
    assert [escape(t) for t in ("0.91", "+4.1%", "4.8%")] == ["0.91", "+4.1%", "4.8%"]

"""The workbook: read back from its XML, since no spreadsheet is at hand."""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
from result_builders import COMMAND, HOSTILE_LABEL, make_inputs, make_result

from cseval.checks.base import CheckResult
from cseval.claims.base import CONTRADICTED, ClaimResult, Statement
from cseval.estimate import COUNT
from cseval.reporting import workbook_sheets as sheets
from cseval.reporting.tables import SIMULATED
from cseval.reporting.workbook import NOTES, TALLEST, column_widths, lines_of, notes_of, render_workbook
from cseval.result import DISPLACEMENT_COLUMNS

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
NAMES = ["Cover", "Contents", "Notes", "Effects", "Checks", "Error rates", "Methods", "Smallest effects"]
SYMBOL = re.compile(r"\[(?!note)[a-z ]+\]")


@dataclass(frozen=True)
class Table:
    """The one table of a sheet: name, headings, and rows of numbers (float) and text (str)."""

    name: str
    columns: list[str]
    headings: list[str]
    rows: list[list[float | str | None]]

    def column(self, heading: str) -> list[float | str | None]:
        found = [i for i, h in enumerate(self.headings) if h.split("\n")[0] == heading]
        assert len(found) == 1, heading
        return [row[found[0]] for row in self.rows]


class Book:
    """A workbook as a program that knows nothing of gptables reads it."""

    def __init__(self, content: bytes) -> None:
        self.zip = zipfile.ZipFile(io.BytesIO(content))
        strings = self.xml("xl/sharedStrings.xml")
        self.strings = ["".join(t.text or "" for t in si.iter(MAIN + "t")) for si in strings]
        self.names = [s.attrib["name"] for s in self.xml("xl/workbook.xml").iter(MAIN + "sheet")]

    def xml(self, part: str) -> ET.Element:
        return ET.fromstring(self.zip.read(part))

    def sheet(self, name: str) -> ET.Element:
        return self.xml(f"xl/worksheets/sheet{self.names.index(name) + 1}.xml")

    def cells(self, name: str) -> list[list[float | str | None]]:
        return [[self.value(c) for c in row] for row in self.sheet(name).iter(MAIN + "row")]

    def value(self, cell: ET.Element) -> float | str | None:
        value = cell.find(MAIN + "v")
        if value is None or value.text is None:
            return None
        kind = cell.attrib.get("t", "n")
        assert kind in ("n", "s")
        return self.strings[int(value.text)] if kind == "s" else float(value.text)

    def above(self, name: str) -> list[str]:
        """The lines above the table of a sheet; all lines of the cover."""
        rows = self.cells(name)
        return [str(row[0]) for row in (rows if name == "Cover" else rows[: self.first_row(name) - 1])]

    def widths(self, name: str) -> list[float]:
        """Widths of the columns in characters."""
        columns = [c.attrib for c in self.sheet(name).iter(MAIN + "col")]
        return [float(c["width"]) for c in columns for _ in range(int(c["min"]), int(c["max"]) + 1)]

    def first_row(self, name: str) -> int:
        return int(re.findall(r"\d+", self.part(name).attrib["ref"])[0])

    def part(self, name: str) -> ET.Element:
        found = list(self.sheet(name).iter(MAIN + "tablePart"))
        assert len(found) == 1
        links = self.xml(f"xl/worksheets/_rels/sheet{self.names.index(name) + 1}.xml.rels")
        target = next(r.attrib["Target"] for r in links if r.attrib["Id"] == found[0].attrib[LINK])
        return self.xml("xl/" + target.removeprefix("../"))

    def table(self, name: str) -> Table:
        part, rows = self.part(name), self.cells(name)[self.first_row(name) - 1 :]
        columns = [c.attrib["name"] for c in part.iter(MAIN + "tableColumn")]
        assert part.attrib["ref"].endswith(str(self.first_row(name) + len(rows) - 1))
        return Table(part.attrib["displayName"], columns, [str(h) for h in rows[0]], rows[1:])


@pytest.fixture(scope="module")
def content(result):
    return render_workbook(result, run=COMMAND)


@pytest.fixture(scope="module")
def book(content):
    return Book(content)


@pytest.fixture(scope="module")
def real():
    claims = (claim("the biggest <b>decrease</b>", "robbery is not knife crime"), claim("“quoted”", ""))
    return Book(render_workbook(replace(make_result(data="real"), claims=claims)))


def claim(text, caveat):
    return ClaimResult(
        statement=Statement(slug="biggest", text=text, source="Board report", paragraph="3.2"),
        outcome="robbery",
        verdict=CONTRADICTED,
        sentence="Another area fell further",
        caveat=caveat,
    )


# Layout -----------------------------------------------------------------------------------------------


def test_sheets_come_in_order_and_those_without_rows_are_left_out(book, real, result):
    assert book.names == [*NAMES, "Displacement", "Data used"]
    assert real.names == [*NAMES, "Displacement", "Claims", "Data used"]
    bare = replace(result, power=(), displacement=pd.DataFrame(columns=DISPLACEMENT_COLUMNS))
    assert Book(render_workbook(bare)).names == [*NAMES[:-1], "Data used"]


def test_every_sheet_but_the_cover_holds_one_whole_table(book, real):
    for workbook in (book, real):
        for name in workbook.names[1:]:
            table = workbook.table(name)
            assert table.columns == table.headings, name
            assert all(table.headings)
            assert len(set(map(str.lower, table.headings))) == len(table.headings)
            assert {len(row) for row in table.rows} == {len(table.headings)}, name
            assert not any(cell in (None, "") for row in table.rows for cell in row), name
            assert table.name == name.lower().replace(" ", "_")


def test_nothing_is_merged_frozen_filtered_or_hidden_and_the_cursor_is_at_the_top(book):
    for name in book.names:
        sheet = book.sheet(name)
        for tag in ("mergeCell", "pane", "autoFilter", "f"):
            assert list(sheet.iter(MAIN + tag)) == [], name
        assert all("hidden" not in e.attrib for tag in ("row", "col") for e in sheet.iter(MAIN + tag))
        assert list(sheet.iter(MAIN + "selection")) == []
    assert "activeTab" not in next(book.xml("xl/workbook.xml").iter(MAIN + "workbookView")).attrib


def test_above_a_table_stand_its_title_what_the_sheet_holds_and_the_source(book, result):
    for name in book.names[3:]:
        above = book.above(name)
        assert above[1] == result.evaluation.title
        assert sum(line.startswith("This worksheet contains one table.") for line in above) == 1
        assert above[-1] == "Source: Demonstration data (simulated, no real place)."
    titles = [book.above(name)[0] for name in book.names]
    assert len(set(titles)) == len(titles)


def test_the_contents_lead_to_every_sheet(book):
    table, sheet = book.table("Contents"), book.sheet("Contents")
    assert table.column("Sheet name") == book.names[2:]
    assert table.column("Table description") == [book.above(name)[0] for name in book.names[2:]]
    targets = [link.attrib["location"] for link in sheet.iter(MAIN + "hyperlink")]
    assert targets == [f"'{name}'!A1" for name in book.names[2:]]


def test_notes_are_referred_to_in_headings_and_each_reference_has_its_note(book):
    notes = book.table("Notes").column("Note number")
    headings = [h for name in book.names[3:] for h in book.table(name).headings]
    referred = re.findall(r"\[note \d+\]", " ".join(headings))
    assert list(dict.fromkeys(referred)) == notes == [f"[note {i}]" for i in range(1, len(notes) + 1)]
    assert len(notes) > 10


def test_every_note_belongs_to_a_column_and_every_column_finds_its_note(result):
    groups = [(v,) if isinstance(v, sheets.Column) else v for v in vars(sheets).values() if isinstance(v, tuple)]
    keys = {column.note for group in groups for column in group if isinstance(column, sheets.Column)} - {""}
    assert keys == set(notes_of(result))
    assert all(NOTES.values())


def test_symbols_are_explained_on_the_sheets_that_use_them_and_nowhere_else(book):
    seen = set()
    for name in book.names[3:]:
        used = {cell for row in book.table(name).rows for cell in row if isinstance(cell, str)} & set(sheets.SYMBOLS)
        lines = [line for line in book.above(name) if line.startswith("Symbols: ")]
        assert {s for line in lines for s in SYMBOL.findall(line)} == used, name
        assert len(lines) == bool(used)
        seen |= used
    assert seen == {"[x]", "[z]", "[not reached]"}


def test_headings_and_text_are_wrapped_in_columns_of_no_more_than_sixty_characters(book):
    formats = book.xml("xl/styles.xml").find(MAIN + "cellXfs")
    for name in book.names[1:]:
        assert all(8 <= width <= 64 for width in book.widths(name)), name
        rows = list(book.sheet(name).iter(MAIN + "row"))[book.first_row(name) - 1 :]
        for cell in (cell for row in rows for cell in row):
            alignment = formats[int(cell.attrib["s"])].find(MAIN + "alignment").attrib
            number = alignment.get("horizontal") == "right" and cell not in rows[0]
            assert ("wrapText" in alignment) != number


def test_rows_are_as_high_as_their_wrapped_text(book, real, attacked):
    high = 0
    for workbook in (book, real, attacked):
        for name in workbook.names:
            above = 0 if name == "Cover" else workbook.first_row(name) - 1
            widths = workbook.widths(name)
            for row in list(workbook.sheet(name).iter(MAIN + "row"))[above:]:
                texts = [str(workbook.value(cell)) for cell in row]
                # An average character of Arial at 12 points takes about 7 pixels, a line about 18.
                lines = max(math.ceil(7 * len(text) / (9 * width)) for text, width in zip(texts, widths, strict=True))
                pixels = float(row.attrib.get("ht", 15)) * 4 / 3
                assert 18 * lines <= pixels <= TALLEST, (name, texts)
                high += lines > 3
    assert high > 10


def test_a_text_too_long_for_the_tallest_row_widens_its_column():
    short, long = column_widths(["Question", "Finding"], [["why", "word " * 40], ["how", "word " * 1500]])
    assert short < 100
    assert lines_of("word " * 1500, long) * 20 <= TALLEST
    assert column_widths(["A"], [["word " * 100_000]]) == [2300]


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", 1), ("one two", 1), ("one\ntwo", 2), ("word " * 9, 3), ("x" * 200, 17), ("word " + "x" * 10, 2)],
)
def test_lines_are_counted_as_text_is_wrapped(text, lines):
    assert lines_of(text.rstrip(), 100 if "x" in text else 125) == lines


def test_every_sheet_is_printed_on_its_side_one_page_wide_under_its_headings(book, real):
    for workbook in (book, real):
        titles = {n.text.replace("'", "") for n in workbook.xml("xl/workbook.xml").iter(MAIN + "definedName")}
        rows = {name: workbook.first_row(name) for name in workbook.names[1:]}
        assert titles == {f"{name}!${row}:${row}" for name, row in rows.items()}
        for name in workbook.names:
            page = next(workbook.sheet(name).iter(MAIN + "pageSetup")).attrib
            wide = sum(workbook.widths(name)) > 200
            assert (page["orientation"], page["fitToHeight"]) == ("landscape", "0")
            assert page.get("fitToWidth", "1") == "1"
            assert page["paperSize"] == ("8" if wide else "9"), name
            footer = next(workbook.sheet(name).iter(MAIN + "oddFooter")).text
            assert (SIMULATED in footer) == (workbook is book)


def words_on_pages(pdf):
    """Boxes of the words of each page of a PDF."""
    done = subprocess.run(["pdftotext", "-bbox", pdf, "-"], capture_output=True, text=True, check=True)
    number = r'"([\d.]+)"'
    word = re.compile(f"<word xMin={number} yMin={number} xMax={number} yMax={number}>(.*?)</word>")
    return [
        [(*map(float, m.groups()[:4]), m[5]) for m in word.finditer(page)] for page in done.stdout.split("<page ")[1:]
    ]


@pytest.mark.skipif(not (shutil.which("soffice") and shutil.which("pdftotext")), reason="needs LibreOffice and poppler")
def test_in_libreoffice_no_word_stands_upon_another(content, tmp_path):
    (tmp_path / "effects.xlsx").write_bytes(content)
    command = ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"]
    command += ["--convert-to", "pdf", "--outdir", str(tmp_path), str(tmp_path / "effects.xlsx")]
    subprocess.run(command, capture_output=True, check=True, timeout=300)
    pages = words_on_pages(tmp_path / "effects.pdf")
    assert len(NAMES) + 2 <= len(pages) <= 15
    for page in pages:
        assert page
        for i, (left, top, right, bottom, text) in enumerate(page):
            for other in page[i + 1 :]:
                across = min(right, other[2]) - max(left, other[0])
                down = min(bottom, other[3]) - max(top, other[1])
                assert across < 1 or down < 0.4 * (bottom - top), (text, other[4])


# Words ------------------------------------------------------------------------------------------------


def test_simulated_data_are_named_on_every_sheet_and_in_the_title_of_the_document(book):
    for name in book.names:
        assert any(SIMULATED in line for line in book.above(name)), name
    assert book.above("Cover")[2].startswith("SIMULATED DEMONSTRATION DATA")
    assert "(simulated demonstration data)" in book.zip.read("docProps/core.xml").decode()


def test_real_data_are_never_called_simulated(real):
    everything = b"".join(real.zip.read(part) for part in real.zip.namelist()).decode().lower()
    assert "simulat" not in everything.replace("simulation error", "")
    assert any(line.startswith("The data are real") for line in real.above("Cover"))


def test_the_cover_says_what_a_reader_must_know_first(book, real, result):
    cover = "\n".join(book.above("Cover"))
    for words in (result.evaluation.title, result.evaluation.question, result.headline, COMMAND, "seed 7"):
        assert words in cover
    assert "not of the programme alone" in cover
    assert "Contact" not in cover
    assert "command" not in "\n".join(real.above("Cover"))
    assert "Open Government Licence" in "\n".join(real.above("Cover"))
    assert "Open Government Licence" not in cover


def test_the_document_has_a_title_and_no_date_of_its_own(content):
    core = zipfile.ZipFile(io.BytesIO(content)).read("docProps/core.xml").decode()
    assert "<dc:title>Neighbourhood Management Pilot: effects, checks and error rates" in core
    assert re.findall(r">([\d-]+)T", core) == ["1980-01-01"] * 2


# Numbers ----------------------------------------------------------------------------------------------


def test_effects_are_numbers_rounded_as_they_are_shown(book, result):
    table = book.table("Effects")
    for heading, column, scale, digits in (
        ("Change", "percent_change", 1, 1),
        ("95% interval from", "percent_low", 1, 1),
        ("95% interval to", "percent_high", 1, 1),
        ("p-value", "p_value", 1, 4),
        ("Observed", "observed", 1, 0),
        ("Expected", "counterfactual", 1, 0),
        ("Averted", "averted", 1, 0),
        ("Averted, 95% interval from", "averted_low", 1, 0),
        ("Averted, 95% interval to", "averted_high", 1, 0),
        ("False alarms among all neighbourhoods", "false_positive_rate", 100, 1),
        ("Before the start", "pre_periods", 1, 0),
        ("Treated units", "treated_units", 1, 0),
    ):
        wanted = ["[x]" if math.isnan(v) else round(v * scale, digits) for v in result.effects[column]]
        assert table.column(heading) == wanted, heading
    assert table.column("Analysis")[0] == "Anti-social behaviour"
    assert table.column("Role")[:2] == ["Primary", "Secondary"]
    assert table.column("Adjusted p-value")[0] == "[z]"
    assert all(isinstance(p, float) for p in table.column("Adjusted p-value")[1:3])


def test_units_stand_in_the_headings(book):
    units = {h.split("\n")[0]: h.split("\n")[1] for h in book.table("Effects").headings if "\n(" in h}
    assert units["Change"] == units["95% interval from"] == "(per cent)"
    assert units["Observed"] == "(incidents)"
    assert units["After the start"] == "(months)"


def test_each_kind_of_number_is_shown_with_its_own_digits(book):
    styles = book.xml("xl/styles.xml")
    codes = {f.attrib["numFmtId"]: f.attrib["formatCode"] for f in styles.iter(MAIN + "numFmt")}
    formats = [codes.get(x.attrib["numFmtId"], "") for x in styles.find(MAIN + "cellXfs")]
    first = list(book.sheet("Effects").iter(MAIN + "row"))[book.first_row("Effects")]
    shown = [formats[int(cell.attrib["s"])] for cell in first]
    assert shown[3:9] == ["0.0"] * 3 + ['[<0.0001]"< 0.0001";0.0000'] * 2 + ["#,##0"]


def test_what_a_method_or_a_check_cannot_say_is_a_symbol(book):
    methods, checks, smallest = (book.table(n) for n in ("Methods", "Checks", "Smallest effects"))
    refused = methods.column("Standing").index("refused")
    assert methods.column("95% interval from")[refused] == methods.column("p-value")[refused] == "[z]"
    assert checks.column("Statistic")[checks.column("Verdict").index("Not applicable")] == "[z]"
    assert checks.column("p-value")[1] == "[x]"
    assert smallest.column("Smallest fall")[:2] == ["[not reached]", -18.2]
    assert smallest.column("Simulation error of the fall")[:2] == ["[z]", 1.0]
    assert smallest.column("Largest fall tried")[:2] == [-80.0, -80.0]


def test_error_rates_are_those_of_the_primary_analysis_at_5_per_cent(book):
    table = book.table("Error rates")
    assert table.column("False alarms") == [5.0, 4.7, 3.2, 21.4, 22.0, 26.1, 11.0, 12.0, 15.0]
    assert table.column("Average effect found")[0] == -1.3
    assert table.column("95% intervals that hold the truth")[0] == 95.0


def test_the_bias_of_a_model_of_counts_is_in_incidents(result):
    first = result.analyses[0]
    counted = replace(first, estimate=replace(first.estimate, scale=COUNT))
    table = Book(render_workbook(replace(result, analyses=(counted, *result.analyses[1:])))).table("Error rates")
    assert table.headings[-1].split("\n")[:2] == ["Average effect found", "(incidents per unit and month)"]
    assert table.column("Average effect found")[0] == -0.01


def test_claims_stand_with_their_words_verdict_and_source(real):
    table = real.table("Claims")
    assert table.column("Verdict") == ["Contradicted", "Contradicted"]
    assert table.column("What was said") == ["the biggest <b>decrease</b>", "“quoted”"]
    assert table.column("How far that is from the claim") == ["robbery is not knife crime.", "[z]"]
    assert table.column("Read as") == ["[z]", "[z]"]


def test_files_are_named_with_hash_and_rows(real):
    table = real.table("Data used")
    assert table.column("SHA-256") == ["ab" * 32]
    assert table.column("Rows") == [72 * 42]
    assert table.column("First month") == ["May 2016"]
    assert table.column("File") == ["data/raw/street.csv"]


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (-0.04, "percent", "0.0"),
        (74.4, "percent", "74.4"),
        (0.0525, "share", "5.2"),
        (1218.5, "count", "1218"),
        (0.78125, "p", "0.7812"),
        (9.66363e-15, "p", "9.664E-15"),
        (0.0, "p", "0"),
        (1234.5, "plain", "1234"),
        (0.0123456, "plain", "0.0123"),
        (math.nan, "percent", "[x]"),
        (None, "count", "[x]"),
        (pd.NA, "count", "[x]"),
        (math.inf, "percent", "[no limit]"),
        (-math.inf, "count", "[no limit]"),
        ("[z]", "count", "[z]"),
        ("1", "text", "1"),
        (True, "text", "yes"),
    ],
)
def test_a_value_becomes_a_number_a_symbol_or_text(value, kind, wanted):
    assert str(sheets.cell_of(value, kind)) == wanted


def test_an_analysis_without_a_number_leaves_symbols_and_no_fault(result):
    numbers = [c for c in result.effects.columns if result.effects[c].dtype == float]
    effects = result.effects.assign(**dict.fromkeys(numbers, math.nan) | {"percent_high": math.inf})
    table = Book(render_workbook(replace(result, effects=effects))).table("Effects")
    assert set(table.column("Change")) == {"[x]"}
    assert set(table.column("95% interval to")) == {"[no limit]"}


# Hostile text -----------------------------------------------------------------------------------------

HOSTILE = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1+1": "'=1+1",
    "\x00=1+1": "'=1+1",
    "＝1+1": "'＝1+1",
    "{=1+1}": "{=1+1}",
    "https://evil.example/x": "https://evil.example/x",
    "mailto:a@evil.example": "mailto:a@evil.example",
    "internal:Cover!A1": "internal:Cover!A1",
    "see [here](https://evil.example) now": "see [here] (https://evil.example) now",
    "[a](b) [c](d)": "[a] (b) [c] (d)",
    "$$role$$ and $$$more$$$": "$ $role$ $ and $ $ $more$ $ $",
    "<r><t>rich</t></r>": "< r><t>rich</t></r>",
    "<r></x></r>": "< r></x></r>",
    "]\x01(": "as given: ] (",
    "bad\x00\x0b\x7f\x9f\ud800\ufffetext": "bad text",
    "two\r\nlines\u2028three": "two lines three",
    "_x0041_": "_x005F_x0041_",  # how a spreadsheet is told that these seven characters stand for themselves
    "---": "as given: ---",
    "数据": "as given: 数据",
    " \x00 ": "[x]",
    "<script>&amp;": "<script>&amp;",
}


@pytest.fixture(scope="module")
def attacked():
    """Every hostile text as the heading and the finding of a check, and some where a reader looks first."""
    result = make_result(hostile=True)
    checks = tuple(
        CheckResult(
            name=f"check {i}",
            question=text,
            verdict="pass",
            statistic=1.0,
            p_value=0.5,
            sentence=text,
            reference=text,
            table=None,
        )
        for i, text in enumerate(HOSTILE)
    )
    inputs = make_inputs(hostile=True)
    source = replace(inputs.panel.provenance[0], title="[t](https://evil.example)", publisher="$$role$$", path="=x")
    inputs = replace(inputs, panel=replace(inputs.panel, provenance=(source,), notes=("$$evil$$", "=1+1")))
    evaluation = replace(result.evaluation, title="=[t](https://evil.example) $$role$$\x00", question="=1+1")
    changed = replace(result, checks=checks, inputs=inputs, evaluation=evaluation, headline="<r></x></r>")
    return Book(render_workbook(changed, run='=cmd|" /c calc"'))


def test_hostile_text_stands_in_its_cell_as_text_and_nothing_else(attacked):
    table = attacked.table("Checks")
    wanted = list(HOSTILE.values())
    assert table.column("Question") == table.column("Finding") == table.column("Compared with") == wanted
    assert "'" + HOSTILE_LABEL in attacked.table("Effects").column("Analysis")


def test_no_formula_no_link_to_elsewhere_and_no_note_comes_of_it(attacked):
    for name in attacked.names:
        assert list(attacked.sheet(name).iter(MAIN + "f")) == []
        links = list(attacked.sheet(name).iter(MAIN + "hyperlink"))
        assert len(links) == (len(attacked.names) - 2 if name == "Contents" else 0)
    assert not any(b"External" in attacked.zip.read(p) for p in attacked.zip.namelist() if p.endswith(".rels"))
    notes = attacked.table("Notes")
    assert all(isinstance(text, str) and text != "[x]" for text in notes.column("Note text"))
    assert notes.column("Note text")[-1] == "$ $evil$ $. =1+1."


def test_titles_sources_and_the_cover_are_as_harmless(attacked):
    assert attacked.above("Effects")[1] == "'=[t] (https://evil.example) $ $role$ $"
    assert attacked.above("Effects")[-1] == "Source: [t] (https://evil.example)."
    assert "The answer: <r></x></r>." in attacked.above("Cover")
    assert attacked.table("Data used").column("File") == ["'=x"]


def test_a_text_too_long_for_a_cell_is_cut_and_says_so():
    assert sheets.clean("a" * 40_000).endswith("a (cut here: too long for a cell)")
    assert len(sheets.clean("𝐚a" * 40_000).encode("utf-16-le")) // 2 < 32_767


# Bytes ------------------------------------------------------------------------------------------------


def test_every_entry_of_the_archive_has_the_same_fixed_date(content):
    assert {i.date_time for i in zipfile.ZipFile(io.BytesIO(content)).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_same_bytes_again_and_later_in_another_process(content, result):
    assert render_workbook(result, run=COMMAND) == content
    script = (
        "import hashlib; from result_builders import COMMAND, make_result; "
        "from cseval.reporting.workbook import render_workbook; "
        "print(hashlib.sha256(render_workbook(make_result(), run=COMMAND)).hexdigest())"
    )
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parents[1])])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == hashlib.sha256(content).hexdigest()

"""The workbook of a run by gptables: a cover, the contents, the notes, then one table of typed values to a sheet."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting import tables as t
from cseval.reporting.report import finding_in, licence_sentences
from cseval.reporting.workbook_sheets import NUMBERS, SYMBOLS, Column, Sheet, clean, notes_sheet, sheets_of
from cseval.words import sentences

if TYPE_CHECKING:
    from gptables import Cover, GPTable
    from gptables.core.wrappers import GPWorksheet

    from cseval.result import EvaluationResult

#: The font of every cell of gptables, here that of the workbook too, in which spreadsheets measure columns.
FONT_POINTS = 12
FONT = {"font_name": "Arial", "font_size": FONT_POINTS}
#: Widths of the characters of Arial as shares of the size of the font; of all others a little more than a half.
_SHARES = {
    character: share
    for share, characters in (
        (0.23, "ijl'"),
        (0.28, " tfI.,:;/!\\[]|"),
        (0.34, 'r()-"*'),
        (0.5, "sckvxyzJ"),
        (0.67, "ABEFKPSTVXYZ&"),
        (0.73, "CDHNRUw"),
        (0.78, "GOQ"),
        (0.84, "mM"),
        (1.0, "W%@—…"),
    )
    for character in characters
}
DIGIT, PADDING = 9, 26  # pixels of that font: a digit; what a cell keeps free at its sides, an indent among it
#: Widths in characters: of any column, of a column of running text where the page has room, and where it has not.
NARROWEST, TEXT_WIDTHS = 8, (60, 45, 30)
TALLEST, WIDEST = 545, 2300  # pixels that a spreadsheet allows a row and a column
#: Pixels across an A4 page on its side, if printed at 60% of its size; a wider sheet is printed on A3.
PAGE = 1745
A4, A3 = 9, 8

OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_column_width": 80,
    "default_row_height": 20,
}

#: By the keys that columns name them by.
NOTES = {
    "role": "Primary: the question that was registered. Secondary: other outcomes. Sensitivity: the primary question "
    "under other choices. Exploratory: a hint, no test.",
    "change": "Change in the treated area after the start, against what would have been expected without the "
    "programme. Below nought is a fall.",
    "interval": "Made so that 95 of 100 such intervals hold the true change; how far the method keeps that promise "
    "here is seen in its false alarms.",
    "p": "How often a difference as large as this would come about if nothing had been done, by the method of its row.",
    "adjusted": "Adjusted for the number of secondary outcomes that were tested; the other analyses have none.",
    "expected": "Incidents that would have been expected in the treated area without the programme, after the start; "
    "where units began in different months, each from its own start on.",
    "averted": "Expected less observed. Above nought, fewer incidents were recorded than expected.",
    "rates": "How often the method finds an effect, tested at 5%, in placebo programmes: places and months in which "
    "nothing was done. About 5% is right; the more there are above that, the less an effect found by it says.",
    "reading": "It follows by a fixed rule from the interval, the false alarms and the checks.",
    "verdict": "A concern weakens the answer; information does not.",
    "statistic": "What the check measures, in the unit of what it is compared with.",
    "coverage": "About 95% is right.",
    "bias": "The change that appears where nothing was done; nought is right.",
    "standing": "Whether the method can be relied on in these data: by the number of treated places, by its steps and "
    "by its measured false alarms. A refused method gives no numbers.",
    "smallest": "The smallest true change that the test would find four times in five. It was measured by putting "
    "known changes into placebo neighbourhoods.",
    "rings": "A ring holds the units around the treated area. A rise there would suggest that incidents moved, a fall "
    "that the benefit spread, if the treated area itself clearly fell. Both rings are left out of the comparison.",
    "claims": "It follows by a fixed rule from the numbers. A claim about an outcome that is not in the data cannot be "
    "tested; what would be found of the outcome at hand stands beside it.",
}


def render_workbook(result: EvaluationResult, *, run: str = "") -> bytes:
    """The workbook of an evaluation, laid out as the Analysis Function asks of statistics in spreadsheets.

    Two calls with the same result give the same bytes: no clock is read, and every date inside is fixed.

    Parameters
    ----------
    result : EvaluationResult
    run : str
        The command that makes these numbers again, for the cover; nothing is said of it if empty.

    Returns
    -------
    bytes
        An ``.xlsx`` file. No text of the data can become a formula, a link, a note mark or markup in it.
    """
    from datetime import datetime
    from io import BytesIO

    with _faults_of_gptables():
        from gptables import GPWorkbook

    out = BytesIO()
    book = GPWorkbook(out, {**OPTIONS, "default_format_properties": dict(FONT)})
    # 1980 is the first year that a zip archive knows; the entries of the archive are dated so as well.
    book.set_properties({"title": _titled(result), "created": datetime(1980, 1, 1)})
    sheets, notes = sheets_of(result), notes_of(result)
    used = [key for key in dict.fromkeys(c.note for s in sheets for c in s.columns) if notes.get(key)]
    tables = {s.name: _gptable(result, s, used) for s in (notes_sheet([notes[key] for key in used]), *sheets)}
    contents = book.make_table_of_contents(tables, table_name="contents", subtitles=_subtitles(result))
    cover, first = _cover(result, run), book.add_worksheet("Cover")
    first.write_cover(cover)
    _lay_out_cover(first, cover)
    for name, table in {"Contents": contents, **tables}.items():
        worksheet = book.add_worksheet(name)
        with _faults_of_gptables():
            worksheet.write_gptable(table, auto_width=False, reference_order=used)
        _lay_out_table(worksheet, table)
    for worksheet in book.worksheets():
        _set_page(worksheet, t.SIMULATED if result.data == DEMONSTRATION else "")
    book.close()
    return out.getvalue()


@contextmanager
def _faults_of_gptables() -> Iterator[None]:
    """Keep quiet two faults of gptables 2.0 that no reader of the workbook meets, and nothing else.

    It leaves the file of its theme to be closed by the interpreter, and calls pandas as pandas 4 will not allow.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"gptables\.")
        yield


def notes_of(result: EvaluationResult) -> dict[str, str]:
    """The text of every note by its key; empty where there is nothing to say."""
    known = dict.fromkeys((*result.inputs.panel.notes, *result.inputs.notes))
    return {**NOTES, "choice": result.primary.choice, "data": " ".join(map(f.full_stop, known))}


# Words ------------------------------------------------------------------------------------------------


def _titled(result: EvaluationResult) -> str:
    simulated = " (simulated demonstration data)" if result.data == DEMONSTRATION else ""
    return clean(f"{result.evaluation.title}: effects, checks and error rates{simulated}")


def _subtitles(result: EvaluationResult) -> list[str]:
    return [clean(result.evaluation.title), *([t.SIMULATED] if result.data == DEMONSTRATION else [])]


def _source(result: EvaluationResult) -> str:
    return clean(f"Source: {f.full_stop(t.source_words(result))}")


def _cover(result: EvaluationResult, run: str) -> Cover:
    """What a reader must know first. No contact is named, since none is known here."""
    from gptables import Cover

    said = sentences(finding_in(result, result.primary))
    intro = (
        "This workbook holds every estimate, check and error rate of the evaluation, one table to a worksheet.",
        f"The question: {f.full_stop(result.evaluation.question)}",
        f"The answer: {f.full_stop(result.headline)}",
        said["certainty"],
        said["caveat"],
    )
    loud = [[{"bold": True}, f"SIMULATED DEMONSTRATION DATA. {t.SIMULATED}"]] if result.data == DEMONSTRATION else []
    return Cover(
        title=_titled(result), intro=[*loud, *(clean(text) for text in intro if text)], about=_about(result, run)
    )


def _about(result: EvaluationResult, run: str) -> list[str]:
    """Whether the data are real, where they come from, what their licences ask, and how to make the workbook again."""
    from cseval import __version__

    periods = result.primary.design.periods
    real = "The data are real. They come from the files that the worksheet Data used lists, with their hashes."
    again = f"The same numbers come from the same data by this command: {run}"
    return [
        t.SIMULATED if result.data == DEMONSTRATION else real,
        _source(result),
        f"Months of the primary analysis: {f.span_words(periods[0], periods[-1])}.",
        *licence_sentences(result),
        *([clean(again)] if run else []),
        f"Made by cseval {__version__} with seed {result.seed}; {f.plural(result.draws, 'placebo neighbourhood')} "
        "wanted for each test.",
    ]


# Writing ----------------------------------------------------------------------------------------------


def _gptable(result: EvaluationResult, sheet: Sheet, notes: Sequence[str]) -> GPTable:
    """The table of a sheet for gptables, which writes each such object once only."""
    import pandas as pd
    from gptables import GPTable

    noted = {i: f"$${c.note}$$" for i, c in enumerate(sheet.columns) if c.note in notes}
    legend = [f"{symbol} = {SYMBOLS[symbol]}" for symbol in SYMBOLS if any(symbol in row for row in sheet.rows)]
    return GPTable(
        table=pd.DataFrame(list(sheet.rows), columns=[c.heading for c in sheet.columns], dtype=object),
        table_name=sheet.name.lower().replace(" ", "_"),
        title=sheet.title,
        subtitles=_subtitles(result),
        # Without instructions of its own, gptables also says where the notes are.
        instructions="" if noted else "This worksheet contains one table.",
        legend=["Symbols: " + "; ".join(legend)] if legend else [],
        source=None if sheet.name == "Notes" else _source(result),
        units={i: c.unit for i, c in enumerate(sheet.columns) if c.unit} or None,
        table_notes=noted,
        index_columns={2: 0},
        additional_formatting=_formatting(sheet.columns),
    )


def _formatting(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Everything at the top of its row; numbers to the right, heading included, with the digits of their kind.

    Text after the first column keeps clear of a number that may stand before it.
    """
    everywhere = list(range(len(columns)))
    groups: list[tuple[list[int], dict[str, Any], bool]] = [(everywhere, {"valign": "top"}, False)]
    numbers = [i for i in everywhere if columns[i].kind in NUMBERS]
    groups += [(numbers, {"align": "right", "indent": 1}, True), (numbers, {"text_wrap": False}, False)]
    groups += [([i for i in everywhere[1:] if i not in numbers], {"indent": 1}, True)]
    for kind, (_, shown) in NUMBERS.items():
        groups += [([i for i in everywhere if columns[i].kind == kind], {"num_format": shown}, False)]
    return [{"column": {"columns": i, "format": style, "include_names": names}} for i, style, names in groups if i]


# Layout -----------------------------------------------------------------------------------------------
# gptables leaves the heights of rows to the spreadsheet, and not every spreadsheet then makes room for wrapped text.


def _lay_out_cover(worksheet: GPWorksheet, cover: Cover) -> None:
    """Heights for the wrapped lines of the cover: its title, and two parts that gptables heads."""
    width = DIGIT * cover.width + PADDING
    worksheet.set_column_pixels(0, 0, width)
    worksheet.set_paper(A4)
    head = ["heading of a part"]
    parts = [([cover.title], 16), (head, 14), (cover.intro, 12), (head, 14), (cover.about, 12)]
    lines = [(text, size) for texts, size in parts for text in texts]
    for row, (text, size) in enumerate(lines):
        bold = size > FONT_POINTS or not isinstance(text, str)
        worksheet.set_row_pixels(row, _height([(_plain(text), width)], size=size, bold=bold))


def _lay_out_table(worksheet: GPWorksheet, table: GPTable) -> None:
    """Widths and heights that show every text of a table and what stands above it; its headings on every page."""
    headings = [str(heading) for heading in table.table.columns]
    rows = [[_plain(value) for value in row] for row in table.table.itertuples(index=False)]
    widths = column_widths(headings, rows)
    for column, width in enumerate(widths):
        worksheet.set_column_pixels(column, column, width)
    header = worksheet.dim_rowmax - len(rows)
    for row in range(header):
        worksheet.set_row_pixels(row, _height([("", 1)], size=_size_above(row, table)))
    for row, texts in enumerate([headings, *rows], start=header):
        worksheet.set_row_pixels(row, _height(zip(texts, widths, strict=True), bold=row == header))
    worksheet.repeat_rows(header)
    worksheet.set_paper(A4 if sum(widths) <= PAGE else A3)


def _size_above(row: int, table: GPTable) -> int:
    """Points of the font of a line above a table: the title, the subtitles, the rest."""
    return 16 if row == 0 else 14 if row <= len(table.subtitles) else 12


def _set_page(worksheet: GPWorksheet, said: str) -> None:
    """Print the sheet on its side, as wide as one page, with numbered pages that say whether the data are simulated."""
    worksheet.set_landscape()
    worksheet.fit_to_pages(1, 0)
    worksheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    worksheet.set_footer("&L&A&C" + said.replace("&", "&&") + "&RPage &P of &N")


def column_widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Widths in pixels: what the longest text asks for, within a limit that falls where the page has no room.

    A text too long even for the tallest row widens its column beyond that limit.

    Parameters
    ----------
    headings : sequence of str
        Wrapped at their spaces.
    rows : sequence of sequence of str
        As they are shown.
    """
    columns = [list(cells) for cells in zip(*rows, strict=True)]
    for characters in TEXT_WIDTHS:
        limit = DIGIT * characters
        widths = [_width(heading, cells, limit) for heading, cells in zip(headings, columns, strict=True)]
        if sum(widths) <= PAGE:
            break
    return widths


def _width(heading: str, cells: Sequence[str], limit: int) -> int:
    longest = max((_pixels(line) for text in cells for line in text.split("\n")), default=0)
    word = max(_pixels(word, bold=True) for word in heading.split())
    wanted = max(min(longest, limit), longest / 20, word, _pixels(heading, bold=True) / 6, NARROWEST * DIGIT)
    return min(math.ceil(wanted) + PADDING, WIDEST)


def _height(cells: Iterable[tuple[str, int]], *, size: int = 12, bold: bool = False) -> int:
    """Pixels that a row needs for these texts in cells of these widths."""
    most = max(lines_of(text, width - PADDING, size=size, bold=bold) for text, width in cells)
    return min(most * math.ceil(size * 5 / 3) + 4, TALLEST)


def lines_of(text: str, room: float, *, size: int = 12, bold: bool = False) -> int:
    """Lines that a text takes when it is wrapped at its spaces, and a word too long for a line within it.

    Parameters
    ----------
    text : str
    room : float
        Pixels of a line.
    size : int
        Of the font, in points.
    """
    scale, count = size / FONT_POINTS, 0
    for part in text.split("\n"):
        count, used = count + 1, 0.0
        for word in part.split(" "):
            width = _pixels(word, bold=bold) * scale
            if used and used + width > room + 1:
                count, used = count + 1, 0.0
            further = max(math.ceil((used + width - 1) / room) - 1, 0)
            count, used = count + further, used + width - further * room + _pixels(" ") * scale
    return count


def _pixels(text: str, *, bold: bool = False) -> float:
    """About how wide a text is in the font of the workbook, rather too wide than too narrow."""
    em = FONT_POINTS * 4 / 3
    return em * (1.12 if bold else 1.03) * sum(_SHARES.get(c, 0.56 if c < "\u2e80" else 1.0) for c in text)


def _plain(value: object) -> str:
    """What a cell shows, as text: a link by its words, a number with its separators, bold parts of a text as well."""
    if isinstance(value, dict):
        return str(next(iter(value)))
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(getattr(value, "string", value))

"""The workbook of a run by gptables: a cover, the contents, the notes, then one table of typed values to a sheet."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
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

    from cseval.result import EvaluationResult

NARROWEST, WIDEST = 12, 60

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
    "that the benefit spread. Both rings are left out of the comparison.",
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
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = GPWorkbook(out, options)
    # 1980 is the first year that a zip archive knows; the entries of the archive are dated so as well.
    book.set_properties({"title": _titled(result), "created": datetime(1980, 1, 1)})
    sheets, notes = sheets_of(result), notes_of(result)
    used = [key for key in dict.fromkeys(c.note for s in sheets for c in s.columns) if notes.get(key)]
    tables = {s.name: _gptable(result, s, used) for s in (notes_sheet([notes[key] for key in used]), *sheets)}
    contents = book.make_table_of_contents(tables, table_name="contents", subtitles=_subtitles(result))
    book.add_worksheet("Cover").write_cover(_cover(result, run))
    for name, table in {"Contents": contents, **tables}.items():
        worksheet = book.add_worksheet(name)
        with _faults_of_gptables():
            worksheet.write_gptable(table, auto_width=False, reference_order=used)
        for column, width in enumerate(_widths(table)):
            worksheet.set_column(column, column, width)
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
    """Everything at the top of its row; numbers to the right, heading included, with the digits of their kind."""
    everywhere = list(range(len(columns)))
    groups = [(everywhere, {"valign": "top"}, False)]
    groups += [([i for i in everywhere if columns[i].kind in NUMBERS], {"align": "right"}, True)]
    for kind, (_, shown) in NUMBERS.items():
        groups += [([i for i in everywhere if columns[i].kind == kind], {"num_format": shown}, False)]
    return [{"column": {"columns": i, "format": style, "include_names": names}} for i, style, names in groups if i]


def _widths(table: GPTable) -> list[float]:
    """Widths of the columns in characters: as wide as the longest text, within limits, beyond which it is wrapped."""
    longest = []
    for heading, values in table.table.items():
        texts = [next(iter(v)) if isinstance(v, dict) else str(v) for v in values]
        longest.append(max(*map(len, texts), *map(len, re.split(r"\s", str(heading)))))
    return [min(max(1.15 * n + 2, NARROWEST), WIDEST) for n in longest]

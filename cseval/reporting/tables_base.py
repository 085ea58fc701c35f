"""What every table of a report shares: looking values up, and putting a table together for print."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from cseval.result import AnalysisResult, EvaluationResult, Told

SIMULATED = "The data are simulated for demonstration: no number here describes a real place."
REGISTER_IS_REAL = "The effects in this report are simulated; the programmes named here come from the register."
MOST_ROWS = 60
RATES_NOTE = (
    "placebo neighbourhoods / among those with a count like the treated area's / among those chosen as the worst of "
    "their district; [x] where it could not be measured"
)
#: Measured error rates of one analysis, by the placebo populations of `cseval.words.PLACES`.
RATES = ("false_positive_rate", "false_positive_rate_matched", "false_positive_rate_selection")


def label_of(result: EvaluationResult, slug: str) -> str:
    """What an analysis is called in print."""
    found = next((a for a in result.analyses if a.analysis.slug == slug), None)
    return (found.analysis.label if found else "") or f.sentence_case(slug.replace("-", " "))


def effect_of(result: EvaluationResult, analysis: AnalysisResult) -> Mapping[str, Any]:
    """The row of the effect table that belongs to an analysis."""
    return next(r for r in records(result.effects) if r["analysis"] == analysis.analysis.slug)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as dictionaries with text keys."""
    names = [str(c) for c in frame.columns]  # not by pandas, which makes a plain number of one that is withheld
    return [dict(zip(names, row, strict=True)) for row in zip(*(frame[c].tolist() for c in frame.columns), strict=True)]


def number(value: object) -> float:
    """A cell as a number; NaN where it holds none, and withheld where it is."""
    if isinstance(value, float):
        return value
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


# Print ------------------------------------------------------------------------------------------------


def printable(table: Table, result: Told | None = None) -> Table:
    """A table with every cell as text and none empty; demonstration data are named in its notes."""
    values = table.values.map(cell_text)
    notes = table.notes if result is None else _notes(result, table.notes)
    return replace(table, values=values, notes=notes)


def cell_text(value: object) -> str:
    """A value as it is printed: numbers in words' digits, truth as yes or no, nothing as ``[x]``."""
    import numpy as np

    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return f.plain_text(number(value))
    text = "" if value is None else str(value).strip()
    return f.NOT_AVAILABLE if text in ("", "nan", "NaT", "<NA>", "None") else text


def legend_of(table: Table) -> str:
    """What the symbols in a printed table mean; empty if it has none."""
    used = [s for s in f.LEGEND if (table.values == s).to_numpy().any()]
    return "; ".join(f"{s} = {f.LEGEND[s]}" for s in used)


def shortened(table: Table, path: str, most: int = MOST_ROWS) -> Table:
    """The first rows of a long table, with a note that says where the rest is."""
    rows = len(table.values)
    if rows <= most:
        return table
    note = f"The first {most} of {f.count_text(rows)} rows; all of them are in {path}."
    return replace(table, values=table.values.head(most), notes=(*table.notes, note))


def make_table(
    result: Told,
    *,
    slug: str,
    title: str,
    rows: Sequence[Mapping[str, str]],
    headings: Mapping[str, str],
    notes: Sequence[str] = (),
) -> Table:
    """A table of text cells from rows, with the notes and source that every table of the run carries."""
    import pandas as pd

    table = Table(slug=slug, title=title, values=pd.DataFrame(list(rows)), headings=headings, notes=tuple(notes))
    return replace(printable(table, result), source=source_words(result))


def _notes(result: Told, notes: Sequence[str]) -> tuple[str, ...]:
    return (*notes, SIMULATED) if result.data == DEMONSTRATION and SIMULATED not in notes else tuple(notes)


def source_words(result: Told) -> str:
    """Titles of the inputs, which may hold commas of their own."""
    return "; ".join(dict.fromkeys(p.title for p in result.own_sources))

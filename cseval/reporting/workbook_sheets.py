"""What each sheet of the workbook holds: typed rows under headings with units and notes. Pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from cseval import formats as f
from cseval.estimate import LOG, percent
from cseval.reporting import tables as t
from cseval.reporting.files import title_of
from cseval.reporting.tables_inference import STANDINGS

if TYPE_CHECKING:
    from cseval.result import EvaluationResult

Cell = int | Decimal | str

NO_LIMIT, NOT_REACHED = "[no limit]", "[not reached]"
SYMBOLS = {
    "[c]": "suppressed, since it could point to single people",
    **f.LEGEND,
    NO_LIMIT: "the interval has no end on this side",
    NOT_REACHED: "no change that was tried is found four times in five",
}
LONGEST_TEXT = 16_000
_FORBIDDEN = re.compile("[^ -~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# Cells ------------------------------------------------------------------------------------------------


def _fixed(value: float, digits: int) -> Decimal:
    """A number with exactly these decimals, which a binary fraction could not keep; nought has no sign."""
    return Decimal(f"{value:.{digits}f}") + 0


def _probability(value: float) -> Decimal:
    """Four decimals; a smaller one keeps four significant digits, since a probability is never nought."""
    return _fixed(value, 4) or Decimal(f"{value:.4g}")


def _plain(value: float) -> int | Decimal:
    return round(value) if abs(value) >= 1000 else Decimal(f"{value:.3g}") + 0


#: How a number of each kind is rounded, and how a spreadsheet shows it.
NUMBERS: Mapping[str, tuple[Callable[[float], int | Decimal], str]] = {
    "percent": (lambda v: _fixed(v, 1), "0.0"),
    "share": (lambda v: _fixed(100.0 * v, 1), "0.0"),
    "count": (round, "#,##0"),
    "decimal": (lambda v: _fixed(v, 2), "0.00"),
    "plain": (_plain, "General"),
    "p": (_probability, '[<0.0001]"< 0.0001";0.0000'),
}


def cell_of(value: object, kind: str) -> Cell:
    """A value as the workbook holds it: a number rounded as its kind asks, a symbol where there is none, clean text.

    Parameters
    ----------
    value : object
        Text stays text in a column of any kind, such as a symbol.
    kind : str
        ``text`` or a key of `NUMBERS`; ``share`` takes a share between 0 and 1 and gives per cent.
    """
    if kind == "text" or isinstance(value, str):
        return clean(value)
    number = t.number(value)
    if math.isnan(number):
        return f.missing_text(number)
    return NUMBERS[kind][0](number) if math.isfinite(number) else NO_LIMIT


def clean(value: object) -> str:
    """Text that XML can hold and that neither gptables nor a spreadsheet reads as anything but text; never empty.

    Notes
    -----
    gptables takes ``[text](url)`` for a link and ``$$key$$`` for a note mark, and refuses a cell without a plain
    letter or digit; XlsxWriter writes a text from ``<r>`` to ``</r>`` unescaped, as rich text.
    """
    text = _FORBIDDEN.sub("", " ".join(t.cell_text(value).split())).strip()
    text = re.sub(r"\$(?=\$)", "$ ", text.replace("](", "] ("))
    text = "< r>" + text[3:] if text.startswith("<r>") else text
    if not text:
        return f.NOT_AVAILABLE
    text = f.csv_text(text if re.search("[a-zA-Z0-9]", text) else f"as given: {text}")
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} (cut here: too long for a cell)"


# Columns ----------------------------------------------------------------------------------------------


class Column(NamedTuple):
    """A column of a sheet: the key of its values, its heading, the kind of its values, their unit, its note's key."""

    key: str
    heading: str
    kind: str = "text"
    unit: str = ""
    note: str = ""


ANALYSIS, OUTCOME = Column("label", "Analysis"), Column("outcome", "Outcome")
BEFORE, AFTER = "Before the start", "After the start"
CHANGE = Column("percent_change", "Change", "percent", "per cent", "change")
INTERVAL = (
    Column("percent_low", "95% interval from", "percent", "per cent", "interval"),
    Column("percent_high", "95% interval to", "percent", "per cent", "interval"),
    Column("p_value", "p-value", "p", "", "p"),
)
INCIDENTS = (
    Column("observed", "Observed", "count", "incidents"),
    Column("counterfactual", "Expected", "count", "incidents", "expected"),
    Column("averted", "Averted", "count", "incidents", "averted"),
)
RATES = tuple(
    Column(key, f"False alarms among {t.POPULATIONS[population]}", "share", "per cent", "rates")
    for key, population in zip(t.RATES, t.POPULATIONS, strict=True)
)
EFFECTS = (
    ANALYSIS,
    OUTCOME,
    Column("role", "Role", note="role"),
    CHANGE,
    *INTERVAL,
    Column("p_adjusted", "Adjusted p-value", "p", "", "adjusted"),
    *INCIDENTS,
    Column("averted_low", "Averted, 95% interval from", "count", "incidents"),
    Column("averted_high", "Averted, 95% interval to", "count", "incidents"),
    *RATES,
    Column("verdict", "Reading", note="reading"),
    Column("estimator", "Estimator"),
    Column("inference", "Method"),
    Column("pre_periods", BEFORE, "count", "months"),
    Column("post_periods", AFTER, "count", "months"),
    Column("treated_units", "Treated units", "count"),
    Column("comparison_units", "Comparison units", "count"),
)
CHECKS = (
    Column("question", "Question"),
    Column("verdict", "Verdict", note="verdict"),
    Column("sentence", "Finding"),
    Column("statistic", "Statistic", "plain", "", "statistic"),
    Column("reference", "Compared with"),
    Column("p_value", "p-value", "p"),
)
ERROR_RATES = (
    Column("method", "Method"),
    Column("population", "Tested on"),
    Column("placebos", "Placebo programmes", "count"),
    Column("false_positive_rate", "False alarms", "share", "per cent", "rates"),
    Column("mc_error", "Simulation error of the rate", "share", "percentage points"),
    Column("coverage", "95% intervals that hold the truth", "share", "per cent", "coverage"),
)
BIAS = Column("bias", "Average effect found", "percent", "per cent", "bias")
METHODS = (
    ANALYSIS,
    Column("method", "Method"),
    Column("standing", "Standing", note="standing"),
    Column("chosen", "The verdict rests on it", note="choice"),
    *INTERVAL,
    *RATES,
    Column("reason", "Why it does not hold"),
)
SMALLEST_EFFECTS = (
    ANALYSIS,
    OUTCOME,
    Column("months_before", BEFORE, "count", "months"),
    Column("months_after", AFTER, "count", "months"),
    Column("mde_fall", "Smallest fall", "percent", "per cent", "smallest"),
    Column("mde_fall_error", "Simulation error of the fall", "percent", "percentage points"),
    Column("mde_rise", "Smallest rise", "percent", "per cent", "smallest"),
    Column("mde_rise_error", "Simulation error of the rise", "percent", "percentage points"),
    Column("largest_fall", "Largest fall tried", "percent", "per cent"),
    Column("largest_rise", "Largest rise tried", "percent", "per cent"),
    Column("size", "Found where nothing was put in", "share", "per cent", "rates"),
    Column("placebos", "Placebo programmes", "count"),
    Column("method", "Method"),
)
DISPLACEMENT = (
    Column("area", "Area", note="rings"),
    OUTCOME,
    Column("units", "Units", "count"),
    CHANGE,
    *INTERVAL,
    *INCIDENTS,
)
CLAIMS = (
    Column("said", "What was said"),
    Column("read", "Read as"),
    Column("source", "Source"),
    Column("paragraph", "Paragraph"),
    Column("outcome", "Tested on"),
    Column("verdict", "Verdict", note="claims"),
    Column("on_stand_in", "Said of that outcome instead"),
    Column("finding", "Finding"),
    Column("caveat", "How far that is from the claim"),
)
DATA_USED = (
    Column("title", "Title", note="data"),
    Column("publisher", "Publisher"),
    Column("licence", "Licence"),
    Column("vintage", "Vintage"),
    Column("first", "First month"),
    Column("last", "Last month"),
    Column("rows", "Rows", "count"),
    Column("path", "File"),
    Column("sha256", "SHA-256"),
    Column("known", "What to know"),
)


# Sheets -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A worksheet that holds one table.

    Parameters
    ----------
    name, title : str
        Of the worksheet; the table in it is named after `name`.
    columns : tuple of Column
        The first one heads the rows.
    rows : tuple of tuple
        Numbers as numbers, everything else as clean text; no cell is empty.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def sheets_of(result: EvaluationResult) -> tuple[Sheet, ...]:
    """Every sheet with a table that has rows, in the order of the workbook."""
    makers = (_effects, _checks, _error_rates, _methods, _smallest_effects, _displacement, _claims, _data_used)
    return tuple(sheet for sheet in (make(result) for make in makers) if sheet.rows)


def notes_sheet(notes: Sequence[str]) -> Sheet:
    """The notes, numbered in their order as the headings refer to them."""
    columns = (Column("number", "Note number"), Column("text", "Note text"))
    rows = [{"number": f"[note {i}]", "text": note} for i, note in enumerate(notes, start=1)]
    return _sheet("Notes", "Notes to the tables", columns, rows)


def _sheet(name: str, title: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Sheet:
    cells = tuple(tuple(cell_of(row.get(c.key), c.kind) for c in columns) for row in rows)
    return Sheet(name=name, title=title, columns=tuple(columns), rows=cells)


def _named(result: EvaluationResult, row: Mapping[str, Any]) -> dict[str, str]:
    """The analysis and the outcome of a row in words."""
    return {
        "label": t.label_of(result, str(row["analysis"])),
        "outcome": f.sentence_case(f.outcome_words(str(row["outcome"]))),
    }


def _applicable(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose empty texts are said not to apply."""
    return {key: f.NOT_APPLICABLE if isinstance(value, str) and not value else value for key, value in row.items()}


def _effects(result: EvaluationResult) -> Sheet:
    rows = [row | _named(result, row) for row in t.records(result.effects)]
    for row in rows:
        if row["role"] != "secondary":
            row["p_adjusted"] = f.NOT_APPLICABLE
        row |= {key: f.sentence_case(str(row[key])) for key in ("role", "verdict")}
    return _sheet("Effects", title_of("effects"), EFFECTS, rows)


def _checks(result: EvaluationResult) -> Sheet:
    rows = [{c.key: getattr(check, c.key) for c in CHECKS} for check in result.checks]
    for row in rows:
        if row["verdict"] == "not applicable":
            none = dict.fromkeys(("statistic", "p_value"), f.NOT_APPLICABLE)
            row.update(none, reference=row["reference"] or f.NOT_APPLICABLE)
        row["verdict"] = f.sentence_case(row["verdict"])
    return _sheet("Checks", title_of("checks"), CHECKS, rows)


def _error_rates(result: EvaluationResult) -> Sheet:
    """The bias is a percentage for log ratios, and incidents for counts."""
    log = result.primary.estimate.scale == LOG
    bias = BIAS if log else BIAS._replace(kind="decimal", unit="incidents per unit and month")
    rows = t.records(t.primary_calibration(result))
    for row in rows:
        population = str(row["population"])
        row["method"] = f.sentence_case(str(row["method"]))
        row["population"] = f.sentence_case(t.POPULATIONS.get(population, population))
        row["bias"] = percent(t.number(row["bias"])) if log else row["bias"]
    return _sheet("Error rates", f"{title_of('calibration')}, primary analysis", (*ERROR_RATES, bias), rows)


def _methods(result: EvaluationResult) -> Sheet:
    rows = [_applicable(row) | _named(result, row) for row in t.records(result.inference)]
    for row in rows:
        if row["standing"] == "refused":
            row |= {c.key: f.NOT_APPLICABLE for c in INTERVAL}
        row |= {"standing": STANDINGS[str(row["standing"])], "method": f.sentence_case(str(row["method"]))}
    return _sheet("Methods", title_of("inference"), METHODS, rows)


def _smallest_effects(result: EvaluationResult) -> Sheet:
    rows = [row | _named(result, row) for power in result.power for row in t.records(power.detectable)]
    for row in rows:
        for key in ("mde_fall", "mde_rise"):
            if not math.isfinite(t.number(row[key])):
                row |= {key: NOT_REACHED, f"{key}_error": f.NOT_APPLICABLE}
    return _sheet("Smallest effects", title_of("detectable"), SMALLEST_EFFECTS, rows)


def _displacement(result: EvaluationResult) -> Sheet:
    rows = [
        row | _named(result, row) | {"area": f.sentence_case(str(row["area"]))}
        for row in t.records(result.displacement)
    ]
    return _sheet("Displacement", title_of("displacement"), DISPLACEMENT, rows)


def _claims(result: EvaluationResult) -> Sheet:
    rows = [
        {
            "said": c.statement.text,
            "read": c.statement.reading,
            "source": c.statement.source,
            "paragraph": c.statement.paragraph,
            "outcome": f.sentence_case(f.outcome_words(c.outcome)),
            "verdict": f.sentence_case(c.verdict),
            "on_stand_in": f.sentence_case(c.on_stand_in),
            "finding": f.full_stop(c.sentence),
            "caveat": f.full_stop(c.caveat),
        }
        for c in result.claims
    ]
    return _sheet("Claims", title_of("claims"), CLAIMS, [_applicable(row) for row in rows])


def _data_used(result: EvaluationResult) -> Sheet:
    rows = [
        vars(p)
        | {
            "first": p.first_month and f.month_words(p.first_month),
            "last": p.last_month and f.month_words(p.last_month),
            "known": " ".join(map(f.full_stop, p.notes)),
        }
        for p in result.sources
    ]
    return _sheet("Data used", "Data used, by file", DATA_USED, [_applicable(row) for row in rows])

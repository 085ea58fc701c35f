"""The tables of money: break-even by offence, its curve, costs of outputs, benefit; typed, and in words for print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval import money_words as words
from cseval.errors import UsageError
from cseval.money import ABOUT, OVER, BreakEven, CurvePoint, Deflators, OutputCost

if TYPE_CHECKING:
    from cseval.money_benefit import Appraisal
    from cseval.tables import Table

HEADINGS = {
    "offence": "Offence",
    "edition": "Unit costs",
    "published": "Unit cost as published",
    "price_base": "In prices of",
    "unit_cost": "Unit cost in prices of the budget",
    "multiplier": "Offences for each recorded one",
    "recorded": "Recorded offences to avert in a year",
    "actual": "Offences to avert in a year, recorded or not",
    "without_anticipation": "The same, without precautions",
    "yearly": "Recorded in the area in a year",
    "share": "Share of them",
    "net_benefit": "Net benefit a year",
    "output": "Output",
    "period": "Period",
    "count": "Count",
    "bound": "As the paper gives it",
    "cost": "Cost laid on it",
    "prices": "Prices",
    "assumption": "If",
    "each": "Cost each",
    "per_officer_month": "Outputs per officer and month",
    "outcome": "Outcome",
    "verdict": "Verdict",
    "ratio": "Value for each £1",
    "ratio_low": "95% interval from",
    "ratio_high": "95% interval to",
    "cost_each": "Cost of each recorded offence averted",
    "cost_each_low": "Its 95% interval from",
    "cost_each_high": "Its 95% interval to",
    "value": "Value of the recorded offences averted",
}


def break_even_table(rows: Sequence[BreakEven], deflators: Deflators, *, where: str = "", when: str = "") -> Table:
    """Offences that must be averted in a year, one row for each offence and edition.

    Parameters
    ----------
    rows : sequence of BreakEven
        All of one cost.
    deflators : Deflators
    where, when : str
        Of the yearly counts, in words.

    Raises
    ------
    UsageError
        If there is no row, or the rows are of several costs.
    """
    if len({row.cost for row in rows}) != 1:
        raise UsageError(f"break-even of {len({row.cost for row in rows})} costs", expected="one")
    values = [
        {
            "offence": f.sentence_case(row.unit.offence),
            "edition": row.unit.edition,
            "published": row.published.unit_cost,
            "price_base": row.published.price_base,
            "unit_cost": row.unit.unit_cost,
            "multiplier": row.unit.multiplier,
            "recorded": row.recorded,
            "actual": row.actual,
            "without_anticipation": row.without_anticipation,
            "yearly": row.yearly,
            "share": row.share,
        }
        for row in rows
    ]
    units = [row.published for row in rows]
    counted = (f"Recorded in the area: {where}, {when}.",) if where else ()
    notes = (words.ALONE, words.SOCIETY, words.IN_STEP, words.PRECAUTIONS, *counted, *words.unit_notes(units))
    title = f"Offences that must be averted to be worth {words.cost_words(rows[0].cost)}"
    return _table("break_even", title, values, notes, words.price_note(units, deflators))


def curve_table(found: BreakEven, points: Sequence[CurvePoint]) -> Table:
    """The break-even curve of one offence: offences averted in a year against pounds gained or lost."""
    values = [
        {"actual": point.actual, "recorded": point.recorded, "net_benefit": point.net_benefit} for point in points
    ]
    title = f"Net benefit by offences of {found.unit.offence} averted, at {words.cost_words(found.cost)}"
    table = _table("break_even_curve", title, values, (words.break_even_sentence(found),), found.published.source)
    averted = {"actual": "Offences averted in a year, recorded or not", "recorded": "Recorded offences averted"}
    return replace(table, headings={**table.headings, **averted})


def output_table(rows: Sequence[OutputCost], *, notes: Sequence[str] = (), source: str = "") -> Table:
    """What each output cost, one row for each output and each cost that may be laid on it."""
    values = [
        {
            "output": f.sentence_case(row.output.what),
            "period": row.output.period,
            "count": row.output.count,
            "bound": row.output.bound,
            "cost": row.cost.amount,
            "prices": row.cost.price_year,
            "assumption": row.cost.assumption,
            "each": row.each,
            "per_officer_month": row.per_officer_month,
        }
        for row in rows
    ]
    return _table("output_costs", "What each output cost", values, (*notes, words.NEVER_ADDED), source)


def benefit_table(rows: Sequence[Appraisal], deflators: Deflators) -> Table:
    """Value against cost, one row for each effect; empty numbers where none is claimed."""
    values = [{**_named(row), **_benefit_cells(row)} for row in rows]
    refused = dict.fromkeys(words.refusal(row.effect.verdict) for row in rows if row.benefit is None)
    claimed = (words.IN_STEP, words.CERTAIN) if any(row.benefit for row in rows) else ()
    source = words.price_note([row.break_even.published for row in rows], deflators)
    return _table("benefit", "What averted offences are worth", values, (*refused, *claimed), source)


def in_print(table: Table) -> Table:
    """The same table with every cell as text: pounds, counts, percentages; what is not known is [x]."""
    cells: dict[str, Any] = {
        str(column): [_cell(str(column), value) for value in table.values[column]] for column in table.values.columns
    }
    if "bound" in cells:
        cells["count"] = list(map(words.count_words, table.values["count"], table.values["bound"]))
        for column, over in (("each", "less than "), ("per_officer_month", "more than ")):
            if column in cells:
                cells[column] = _bounded(cells[column], table.values["bound"], over)
        del cells["bound"]
    return replace(table, values=table.values.assign(**cells)[list(cells)])


def _bounded(cells: Sequence[str], bounds: Sequence[str], over: str) -> list[str]:
    """Cells that say what a count of "over" so many, or about so many, makes of them."""
    starts = {OVER: over, ABOUT: "about "}
    return [
        text if text == f.NOT_AVAILABLE else starts.get(b, "") + text for text, b in zip(cells, bounds, strict=True)
    ]


def _named(row: Appraisal) -> dict[str, Any]:
    return {
        "outcome": f.sentence_case(row.break_even.unit.offence),
        "verdict": row.effect.verdict,
        "cost": row.cost.amount,
        "recorded": row.break_even.recorded,
        "actual": row.break_even.actual,
    }


def _benefit_cells(row: Appraisal) -> dict[str, float]:
    nothing = (float("nan"),) * 3
    value, ratio, each = (
        (row.benefit.value, row.benefit.ratio, row.benefit.cost_each) if row.benefit else (nothing, nothing, nothing)
    )
    return {
        "value": value[0],
        "ratio": ratio[0],
        "ratio_low": ratio[1],
        "ratio_high": ratio[2],
        "cost_each": each[0],
        "cost_each_low": each[1],
        "cost_each_high": each[2],
    }


def _cell(column: str, value: Any) -> str:
    if column in _TEXTS:
        return str(value) or f.NOT_AVAILABLE
    if value == float("inf"):
        return "no upper end"
    return _NUMBERS[column](value)


def _two(value: float) -> str:
    return f.decimal_text(value)


def _one(value: float) -> str:
    return f.decimal_text(value, digits=1)


def _pence(value: float) -> str:
    return words.pounds(value, digits=2)


_TEXTS = ("offence", "edition", "price_base", "output", "period", "bound", "prices", "assumption", "outcome", "verdict")
_NUMBERS: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("published", "unit_cost", "net_benefit", "cost", "each", "value"), words.pounds),
    **dict.fromkeys(("cost_each", "cost_each_low", "cost_each_high"), words.pounds),
    **dict.fromkeys(("ratio", "ratio_low", "ratio_high"), _pence),
    **dict.fromkeys(("recorded", "actual", "without_anticipation"), _one),
    **dict.fromkeys(("multiplier", "per_officer_month"), _two),
    **dict.fromkeys(("yearly", "count"), f.count_text),
    "share": f.rate_text,
}


def _table(slug: str, title: str, values: Sequence[dict[str, Any]], notes: Sequence[str], source: str) -> Table:
    import pandas as pd

    from cseval.tables import Table

    frame = pd.DataFrame(list(values))
    empty = [c for c in ("yearly", "share", "per_officer_month") if c in frame and frame[c].isna().all()]
    headings = {column: HEADINGS[column] for column in frame.columns}
    return Table(
        slug=slug,
        title=title,
        values=frame.drop(columns=empty),
        headings=headings,
        notes=tuple(notes),
        source=source,
    )

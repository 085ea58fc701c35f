"""The tables of a report, made from an evaluation's result; every cell is text ready for print."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.estimate import LOG, percent
from cseval.inputs import DEMONSTRATION
from cseval.reporting.tables_base import (
    MOST_ROWS,
    RATES,
    RATES_NOTE,
    REGISTER_IS_REAL,
    SIMULATED,
    cell_text,
    effect_of,
    label_of,
    legend_of,
    make_table,
    number,
    printable,
    records,
    shortened,
    source_words,
)
from cseval.reporting.tables_inference import adjusted_notes, detectable_table, methods_table
from cseval.tables import Table
from cseval.words import rates_words

if TYPE_CHECKING:
    import pandas as pd

    from cseval.panel import Provenance
    from cseval.result import EvaluationResult, Told

__all__ = [
    "MOST_ROWS",
    "POPULATIONS",
    "RATES",
    "REGISTER_IS_REAL",
    "SIMULATED",
    "bias_text",
    "calibration_table",
    "cell_text",
    "checks_table",
    "comparison_words",
    "displacement_table",
    "effect_of",
    "effects_table",
    "first_after",
    "inputs_table",
    "label_of",
    "last_before",
    "legend_of",
    "make_table",
    "number",
    "overlaps_table",
    "primary_calibration",
    "printable",
    "protocol_table",
    "records",
    "report_tables",
    "shortened",
    "source_words",
    "treated_names",
]

EFFECT_HEADINGS = {
    "outcome": "Outcome",
    "change": "Change",
    "interval": "95% interval",
    "p": "p (placebo)",
    "rate": "Measured error rate",
    "reading": "Reading",
    "cluster_p": "p (cluster-robust)",
    "cluster_rate": "Its measured error rate",
    "role": "Role",
}
P_VALUE = "p\N{NO-BREAK SPACE}value"
POPULATIONS = {
    "all": "all neighbourhoods",
    "matched": "neighbourhoods like the treated area",
    "selection": "the worst neighbourhood of each district",
}


def report_tables(result: EvaluationResult) -> tuple[Table, ...]:
    """Every table of the report that has rows, in the order of the report."""
    makers: tuple[Callable[[EvaluationResult], Table], ...] = (
        effects_table,
        checks_table,
        displacement_table,
        methods_table,
        calibration_table,
        detectable_table,
        protocol_table,
        overlaps_table,
        inputs_table,
    )
    made = (make(result) for make in makers)
    return tuple(table for table in made if len(table.values))


def effects_table(result: EvaluationResult, *, cluster: bool = True) -> Table:
    """The effect of every analysis, the primary one first; `cluster` shows cluster-robust errors beside it."""
    rows = _without_cluster([_effect_row(result, row) for row in records(result.effects)], shown=cluster)
    notes = [
        "Change: incidents in the treated area after the start, compared with what would have been expected.",
        *_methods(result),
        "Measured error rate: how often the same method finds an effect, at 5%, where nothing was done: among all "
        f"{RATES_NOTE}."
        + (" Cluster-robust errors are shown to be compared, not to be relied on." if "cluster_p" in rows[0] else ""),
        *_full_names(result),
    ]
    return make_table(
        result,
        slug="effects",
        title="Estimated effects, every analysis",
        rows=rows,
        headings=EFFECT_HEADINGS,
        notes=notes,
    )


def _without_cluster(rows: list[dict[str, str]], *, shown: bool) -> list[dict[str, str]]:
    """The rows less the columns of cluster-robust errors where they are not wanted or no analysis has any."""
    if shown and any(row["cluster_p"] != f.NOT_AVAILABLE for row in rows):
        return rows
    return [{k: v for k, v in row.items() if not k.startswith("cluster_")} for row in rows]


def _full_names(result: EvaluationResult) -> list[str]:
    """What the outcomes that the table shortens are made of."""
    names = dict.fromkeys(f.outcome_words(str(row["outcome"])) for row in records(result.effects))
    return [f"{f.sentence_case(_short(n))}: {n.split(' (', 1)[1].rstrip(')')}." for n in names if _short(n) != n]


def _named(result: EvaluationResult, row: Mapping[str, Any]) -> str:
    """The outcome of a row, and for a sensitivity or exploratory analysis what it changes."""
    outcome = f.sentence_case(_short(f.outcome_words(str(row["outcome"]))))
    if row["role"] in ("primary", "secondary"):
        return outcome
    return f"{outcome}: {label_of(result, str(row['analysis']))}"


def _short(name: str) -> str:
    return name.split(" (", 1)[0]


def _methods(result: EvaluationResult) -> list[str]:
    """Which method stands behind the intervals, and whether secondary findings survive their number."""
    rows = records(result.effects)
    main = str(effect_of(result, result.primary)["inference"])
    others: dict[str, list[str]] = {}
    for row in rows:
        if row["inference"] != main:
            others.setdefault(str(row["inference"]), []).append(label_of(result, str(row["analysis"])))
    text = "; ".join(f"for {f.joined(labels)}, by {method}" for method, labels in others.items())
    notes = [f"Intervals and p-values are by {main}" + (f"; {text}." if text else ".")]
    notes += adjusted_notes(rows)
    return notes


def _is_placebo(row: Mapping[str, Any]) -> bool:
    """Whether the p-value of a row is a rank among places where nothing was done; an empty one needs no remark."""
    return str(row["inference"]).startswith("placebo") or math.isnan(number(row["p_value"]))


def _effect_row(result: EvaluationResult, row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "outcome": _named(result, row),
        "change": f.percent_text(number(row["percent_change"]), signed=True),
        "interval": f.interval_cell(number(row["percent_low"]), number(row["percent_high"])),
        "p": f.p_cell(number(row["p_value"])) + ("" if _is_placebo(row) else " (not placebo)"),
        "rate": rates_words([number(row.get(c, math.nan)) for c in RATES]),
        "reading": f.sentence_case(str(row["verdict"])),
        "cluster_p": f.p_cell(number(row.get("cluster_p_value", math.nan))),
        "cluster_rate": f.rate_text(number(row.get("cluster_false_positive_rate", math.nan))),
        "role": str(row["role"]),
    }


def checks_table(result: EvaluationResult) -> Table:
    """Every check with its verdict and its sentence."""
    rows = [
        {
            "question": c.question,
            "verdict": c.verdict,
            "finding": c.sentence,
            "statistic": f.plain_text(c.statistic),
            "reference": c.reference,
            "p": f.p_cell(c.p_value),
        }
        for c in result.checks
    ]
    for row, check in zip(rows, result.checks, strict=True):
        if check.verdict == "not applicable":
            row.update(statistic=f.NOT_APPLICABLE, p=f.NOT_APPLICABLE, reference=row["reference"] or f.NOT_APPLICABLE)
    return make_table(
        result,
        slug="checks",
        title="Checks of the primary analysis",
        rows=rows,
        headings={"p": P_VALUE, "reference": "Compared with"},
        notes=["A concern weakens the answer; information does not."],
    )


def calibration_table(result: EvaluationResult) -> Table:
    """How often each method rejects a true null at 5 % in the primary analysis, by placebo population."""
    frame = primary_calibration(result)
    scale = result.primary.estimate.scale
    rows = [
        {
            "method": str(r["method"]),
            "population": POPULATIONS.get(str(r["population"]), str(r["population"])),
            "placebos": f.count_text(number(r["placebos"])),
            "false_positive_rate": f.rate_text(number(r["false_positive_rate"])),
            "mc_error": f.rate_text(number(r["mc_error"])),
            "coverage": f.rate_text(number(r["coverage"])),
            "bias": bias_text(number(r["bias"]), scale),
        }
        for r in records(frame)
    ]
    return make_table(
        result,
        slug="calibration",
        title="How often each method finds an effect where nothing was done",
        rows=rows,
        headings={
            "population": "Tested on",
            "placebos": "Placebo programmes",
            "false_positive_rate": "False alarms at 5%",
            "mc_error": "Simulation error",
            "coverage": "95% intervals that hold the truth",
            "bias": "Average effect found",
        },
        notes=[
            "A method that keeps its promise raises a false alarm in about 5% of placebo programmes.",
            "Average effect found: the change that appears without any programme; 0% is right.",
        ],
    )


def primary_calibration(result: EvaluationResult) -> pd.DataFrame:
    """Calibration rows of the primary analysis at the level nearest 5 %."""
    frame = result.calibration
    if not len(frame):
        return frame
    own = frame[frame["analysis"] == result.primary.analysis.slug]
    if not len(own):
        return own
    level = min(set(own["level"].tolist()), key=lambda v: (abs(v - 0.05), v))
    return own[own["level"] == level].reset_index(drop=True)


def bias_text(bias: float, scale: str) -> str:
    """The average placebo effect: a percentage for log ratios, incidents per unit and month for counts."""
    if not math.isfinite(bias):
        return f.NOT_AVAILABLE
    return f.percent_text(percent(bias), signed=True) if scale == LOG else f.decimal_text(bias)


def displacement_table(result: EvaluationResult) -> Table:
    """What happened in the treated area, in the rings around it, and in both together."""
    rows = [
        {
            "area": f.sentence_case(str(r["area"])),
            "outcome": f.sentence_case(f.outcome_words(str(r["outcome"]))),
            "units": cell_text(r["units"]),
            "change": f.percent_text(number(r["percent_change"]), signed=True),
            "interval": f.interval_cell(number(r["percent_low"]), number(r["percent_high"])),
            "p": f.p_cell(number(r["p_value"])),
        }
        for r in records(result.displacement)
    ]
    return make_table(
        result,
        slug="displacement",
        title="Change in the treated area and in the rings around it",
        rows=rows,
        headings={"interval": "95% interval", "p": P_VALUE},
        notes=[
            "A rise in the rings would suggest that incidents moved there; a fall, that the benefit spread. Neither is "
            "to be read so unless the treated area itself clearly fell. p-values are not adjusted for their number.",
            "Here both rings are left out of the comparison, so the treated row can differ a little from the headline.",
        ],
    )


def overlaps_table(result: EvaluationResult) -> Table:
    """Other programmes that ran at the same time, without the columns that only the figure needs."""
    table = result.overlaps
    hidden = [c for c in ("first_month", "last_month") if c in table.values.columns and "when" in table.values.columns]
    notes = (*table.notes, REGISTER_IS_REAL) if result.data == DEMONSTRATION else table.notes
    return printable(replace(table, values=table.values.drop(columns=hidden), notes=notes))


def protocol_table(result: EvaluationResult) -> Table:
    """The design of the primary analysis: who, where, when, against whom, on what assumption."""
    primary, programme = result.primary, result.evaluation.programme
    design = primary.design
    facts = {
        "Programme": programme.name,
        "Treated area": f.joined(treated_names(result)),
        "Comparison": comparison_words(result),
        "Months before": f"{f.span_words(design.periods[0], last_before(result))}",
        "Start": f.month_words(design.start),
        "Months after": f"{f.span_words(first_after(result), design.periods[-1])}",
        "Primary outcome": f.outcome_words(primary.estimate.outcome),
        "Estimator": primary.estimate.estimator,
        "Estimand": primary.estimate.estimand,
        "Uncertainty": str(effect_of(result, primary)["inference"]),
        "Identifying assumption": f.full_stop(primary.estimate.assumption),
    }
    if programme.agreed:
        facts["Area chosen"] = f.month_words(programme.agreed)
    rows = [{"item": item, "declared": text} for item, text in facts.items() if text]
    return make_table(
        result,
        slug="protocol",
        title="Design of the primary analysis",
        rows=rows,
        headings={"item": "Item", "declared": "As registered"},
    )


def inputs_table(result: Told) -> Table:
    """Every input with its publisher, licence, vintage, rows and hash."""
    rows = [_input_row(p) for p in result.sources]
    return make_table(
        result,
        slug="inputs",
        title="Data used",
        rows=rows,
        headings={"sha256": "SHA-256 (first 12)", "months": "Months"},
    )


def _input_row(source: Provenance) -> dict[str, str]:
    months = f.span_words(source.first_month, source.last_month) if source.first_month and source.last_month else ""
    return {
        "title": source.title,
        "publisher": source.publisher,
        "licence": source.licence,
        "vintage": source.vintage,
        "months": months or f.NOT_APPLICABLE,
        "rows": f.count_text(source.rows),
        "sha256": source.sha256[:12] or f.NOT_APPLICABLE,
    }


# Facts of a result that tables, figures and sentences share -----------------------------------------


def treated_names(result: EvaluationResult) -> list[str]:
    """Names of the treated units, in the order of the panel; the code where there is no name."""
    names = {**result.inputs.areas.names, **result.inputs.panel.names}
    treated = result.primary.design.treated
    return [names.get(u) or u for u in result.inputs.panel.units if u in treated]


def comparison_words(result: EvaluationResult) -> str:
    """The comparison of the primary analysis in words."""
    design = result.primary.design
    text = f"{f.plural(int(design.comparison.sum()), 'unit')} outside the treated area"
    buffer = len(frozenset().union(*design.buffer)) if design.buffer_rings else 0
    return f"{text} and the {f.plural(buffer, 'unit')} around it" if buffer else text


def last_before(result: EvaluationResult) -> str:
    """The last month before the start that the primary analysis uses."""
    design = result.primary.design
    return str(design.periods[int((~design.post).sum()) - 1])


def first_after(result: EvaluationResult) -> str:
    """The first month after the start, and after any transition, that the primary analysis uses."""
    design = result.primary.design
    return str(design.periods[int((~design.post).sum())])

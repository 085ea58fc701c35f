"""Everything that a paper may show of a run, as text: tables, values and figures by name, in ``places.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting import further
from cseval.reporting import tables as t
from cseval.reporting.markdown import foot_notes
from cseval.reporting.parts import part_tables
from cseval.reporting.printed import RUN, printed, printed_json
from cseval.reporting.report import finding_in, stands_in
from cseval.words import sentences

if TYPE_CHECKING:
    from cseval.reporting.figures import Figure
    from cseval.result import AnalysisResult, EvaluationResult
    from cseval.tables import Table

SCHEMA_VERSION = 1
SIMULATED = " (simulated)"
#: Fields that are declared and found nowhere, so that they are the same whatever the data.
DECLARED = frozenset(
    "title question programme start before after data command label outcome estimator method pre_periods "
    "post_periods".split()
)


def places_json(
    result: EvaluationResult, figures: Sequence[Figure], pictures: Mapping[str, bytes], command: str
) -> Any:
    """What a paper may show of a run, as plain JSON data.

    Parameters
    ----------
    result : EvaluationResult
    figures : sequence of Figure
    pictures : mapping of str to bytes
        PNG bytes by the name of the figure.
    command : str
        The command that makes the outputs again.
    """
    values: dict[str, dict[str, str]] = {part.slug: {"headline": f.full_stop(part.headline)} for part in result.parts}
    values |= {RUN: run_values(result, command)}
    values |= {a.analysis.slug: analysis_values(result, a) for a in result.analyses}
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation": result.evaluation.slug,
        "title": result.evaluation.title,
        "data": result.data,
        "tables": {table.slug: printed_json(printed(table, foot_notes(table))) for table in paper_tables(result)},
        "values": {name: _labelled(result, fields) for name, fields in values.items()},
        "figures": {g.name: figure_place(g, pictures[g.name]) for g in figures},
    }


def paper_tables(result: EvaluationResult) -> tuple[Table, ...]:
    """Every table that a paper may show: those of the report, the outcomes alone, the weaknesses, the claims."""
    claims = (further.claims_table(result),) if result.claims else ()
    own = (*t.report_tables(result), outcomes_table(result), weaknesses_table(result), *claims)
    return (*own, *part_tables(result))


def outcomes_table(result: EvaluationResult) -> Table:
    """The effect table with the primary and secondary outcomes alone, as a board paper has room for it."""
    kept = result.effects["role"].isin(("primary", "secondary"))
    table = t.effects_table(replace(result, effects=result.effects[kept]), cluster=False)
    others = int((~kept).sum())
    more = (f"The report has {f.plural(others, 'further analysis', 'further analyses')} of the same run.",)
    values = table.values.drop(columns="role")
    return replace(
        table,
        slug="outcomes",
        title="Estimated effect on each outcome",
        values=values,
        notes=(*table.notes, *(more if others else ())),
    )


def weaknesses_table(result: EvaluationResult) -> Table:
    """What weakens the answer, numbered: a finding of this run, or a limit of the data whatever was found."""
    limits = set(result.evaluation.limits)
    found = result.weaknesses or ("No check raised a concern.",)
    rows = [
        {"number": str(i), "weakness": f.full_stop(text), "kind": "limit" if text in limits else "finding"}
        for i, text in enumerate(found, start=1)
    ]
    return t.make_table(
        result,
        slug="weaknesses",
        title="What weakens this answer",
        rows=rows,
        headings={"number": "No.", "weakness": "What weakens it"},
    )


def run_values(result: EvaluationResult, command: str) -> dict[str, str]:
    """Texts on the run as a whole, by field."""
    design, evaluation = result.primary.design, result.evaluation
    return {
        "title": evaluation.title,
        "question": evaluation.question,
        "headline": f.full_stop(result.headline),
        "programme": evaluation.programme.name,
        "start": f.month_words(design.start),
        "before": f.span_words(design.periods[0], t.last_before(result)),
        "after": f.span_words(t.first_after(result), design.periods[-1]),
        "treated": f.joined(t.treated_names(result)),
        "comparison": t.comparison_words(result),
        "stands_in": stands_in(result) or f.NOT_AVAILABLE,
        "evidence": f.full_stop(result.evidence),
        "data": result.data,
        "sources": t.source_words(result),
        "command": command,
    }


def analysis_values(result: EvaluationResult, analysis: AnalysisResult) -> dict[str, str]:
    """Texts on one analysis, by field: the figures of its row, and the sentences about it."""
    row = t.effect_of(result, analysis)
    percents = {c: f.percent_text(t.number(row[c]), signed=True) for c in PERCENTS}
    counts = {c: f.count_text(t.number(row[c])) for c in COUNTS}
    finding = finding_in(result, analysis)
    ends, said = finding.changes[1:], sentences(finding)
    return {
        "label": t.label_of(result, analysis.analysis.slug),
        "outcome": f.outcome_words(analysis.estimate.outcome),
        "estimator": analysis.estimate.estimator,
        "method": str(row["inference"]),
        "verdict": str(row["verdict"]),
        **percents,
        **counts,
        "p_adjusted": f.p_text(t.number(row["p_adjusted"])),
        "p_value": f.p_text(t.number(row["p_value"])),
        "false_positive_rate": f.rate_text(t.number(row["false_positive_rate"])),
        **{name: text or f.NOT_AVAILABLE for name, text in said.items()},
        "interval": f.interval_words(*ends).removeprefix("anything "),
        "assumption": f.full_stop(finding.assumption),
        "interval_sentence": said["interval"] or f.NOT_AVAILABLE,
    }


PERCENTS = ("percent_change", "percent_low", "percent_high")
COUNTS = (
    "observed counterfactual averted averted_low averted_high treated_units comparison_units pre_periods post_periods"
).split()


def _labelled(result: EvaluationResult, fields: Mapping[str, str]) -> dict[str, str]:
    """Simulated findings say so wherever they are put."""
    if result.data != DEMONSTRATION:
        return dict(fields)
    return {name: text if name in DECLARED else text + SIMULATED for name, text in fields.items()}


def figure_place(figure: Figure, picture: bytes) -> dict[str, str]:
    """What a paper needs of a figure."""
    from cseval.reporting.files import sha256

    return {
        "title": figure.title,
        "alt": figure.alt,
        "caption": figure.caption,
        "path": f"figures/{figure.name}.png",
        "sha256": sha256(picture),
    }

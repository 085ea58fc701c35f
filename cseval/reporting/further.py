"""What a report says of public claims, and the tables that estimators leave of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.reporting.document import Block, Bullets, TableBlock
from cseval.reporting.files import context_file, title_of
from cseval.reporting.tables_base import label_of, make_table, printable, shortened
from cseval.tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from cseval.claims.base import ClaimResult
    from cseval.result import EvaluationResult

#: Weights below this share of the whole are counted together in print; the data file has them all.
SMALL_WEIGHT = 0.005
#: Rows of a table for context that are printed.
CONTEXT_ROWS = 12
#: Tables that stand in figures or are too long for a page; the folder has them.
NOT_PRINTED = ("rolling_year", "averted", "att_by_cohort_and_period", "time_weights", "dose", "ranking")


HEADINGS = {
    "conf_low": "95% from (estimation scale)",
    "conf_high": "95% to (estimation scale)",
    "band_low": "95% band from",
    "band_high": "95% band to",
    "std_error": "Standard error",
    "p_value": "p",
    "percent_low": "95% from, %",
    "percent_high": "95% to, %",
    "percent_change": "Change, %",
    "percent_a_year": "Change a year, %",
    "slope_per_month": "Slope a month",
    "naive_low": "Naive 95% from",
    "naive_high": "Naive 95% to",
    "line_percent": "By the line, %",
    "low": "95% from",
    "high": "95% to",
}


def claims_table(result: EvaluationResult) -> Table:
    """Every public claim with its verdict and the finding behind it."""
    rows = [
        {
            "claim": f"{_quoted(c)} ({_where(c)})",
            "verdict": f.sentence_case(c.verdict),
            "tested_on": f.sentence_case(f.outcome_words(c.outcome)) if c.outcome else f.NOT_APPLICABLE,
            "on_stand_in": f.sentence_case(c.on_stand_in) if c.on_stand_in else f.NOT_APPLICABLE,
            "finding": f.full_stop(c.sentence),
            "caveat": f.full_stop(c.caveat) if c.caveat else f.NOT_APPLICABLE,
        }
        for c in result.claims
    ]
    return make_table(
        result,
        slug="claims",
        title="Public claims held against these data",
        rows=rows,
        headings={
            "claim": "What was said",
            "tested_on": "Tested on",
            "on_stand_in": "Said of that outcome instead",
            "caveat": "How far that is from the claim",
        },
        notes=["The verdict follows from the numbers by a fixed rule; nobody chooses it."],
    )


def _where(claim: ClaimResult) -> str:
    paragraph = f", paragraph {claim.statement.paragraph}" if claim.statement.paragraph else ""
    return f"{claim.statement.source}{paragraph}"


def claims_blocks(result: EvaluationResult) -> list[Block]:
    """The claims in words and as a table; nothing where the evaluation tests none."""
    if not result.claims:
        return []
    told: set[str] = set()
    items = []
    for claim in result.claims:
        first = claim.statement.text not in told
        told.add(claim.statement.text)
        items.append((_quoted(claim), _verdict_words(claim) + (f" {f.full_stop(claim.sentence)}" if first else "")))
    return [Bullets(items=tuple(items)), TableBlock(table=claims_table(result), folded=True)]


def _quoted(claim: ClaimResult) -> str:
    """The statement as it was made, and how its words are read."""
    reading = f" (read as: {claim.statement.reading})" if claim.statement.reading else ""
    return f"“{claim.statement.text}”{reading}"


#: What the counts do to a statement, by verdict.
DONE = {
    "supported": "the counts bear it out",
    "not supported": "the counts leave it open, neither confirmed nor excluded",
    "contradicted": "the counts contradict it",
    "cannot be tested with these data": "the counts cannot say",
}


def _verdict_words(claim: ClaimResult) -> str:
    """The verdict, and what the counts would say of the outcome at hand instead."""
    if not claim.on_stand_in:
        return f"{f.sentence_case(claim.verdict)}: {DONE[claim.verdict]}."
    return (
        f"{f.sentence_case(claim.verdict)}. Of {f.outcome_words(claim.outcome)}, which stands in, it would be "
        f"{claim.on_stand_in}: {DONE[claim.on_stand_in]}."
    )


def note_blocks(result: EvaluationResult) -> list[Block]:
    """What the estimators note of their fits, each with the analyses that it belongs to."""
    said: dict[str, list[str]] = {}
    for analysis in result.analyses:
        for note in analysis.estimate.notes:
            said.setdefault(f.full_stop(note), []).append(label_of(result, analysis.analysis.slug))
    items = tuple((f.joined(labels), note) for note, labels in said.items())
    return [Bullets(items=items)] if items else []


def further_blocks(result: EvaluationResult) -> list[Block]:
    """Each table that an estimator or a claim leaves of its own, folded, with small weights counted together."""
    shown = {name: frame for name, frame in result.further.items() if name not in NOT_PRINTED and len(frame)}
    return [
        TableBlock(table=_further_table(result, name, frame), folded=True, path=f"{name}.csv")
        for name, frame in shown.items()
    ]


def context_blocks(result: EvaluationResult) -> list[Block]:
    """Tables that the inputs bring for context, the latest rows of each; they enter no estimate."""
    return [TableBlock(table=_context_table(result, table), folded=True) for table in result.inputs.context]


def _context_table(result: EvaluationResult, table: Table) -> Table:
    """The last rows of a table for context, with its own source."""
    rows = table.values.tail(CONTEXT_ROWS)
    cut = f"The last {len(rows)} of {len(table.values)} rows; {context_file(table)}.csv has all."
    notes = (*table.notes, *((cut,) if len(rows) < len(table.values) else ()))
    return replace(printable(replace(table, values=rows, notes=notes), result), source=table.source)


def _further_table(result: EvaluationResult, name: str, frame: pd.DataFrame) -> Table:
    values, notes = _without_small(frame)
    if "analysis" in values.columns:
        values = values.assign(analysis=[label_of(result, slug) for slug in values["analysis"]])
    values = values.assign(outcome=[f.sentence_case(f.outcome_words(str(o))) for o in values["outcome"]])
    slug = f"further-{name.replace('_', '-')}"
    table = Table(slug=slug, title=title_of(name), values=values, notes=notes, headings=HEADINGS)
    return printable(shortened(table, f"{name}.csv"), result)


def _without_small(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows without the weights that are too small to matter, and a note of how many those are."""
    if "weight" not in frame.columns:
        return frame, ()
    large = frame["weight"].abs() >= SMALL_WEIGHT
    note = (
        f"{f.plural(int((~large).sum()), 'weight')} below {SMALL_WEIGHT:g} are left out here."
        if not large.all()
        else ""
    )
    return frame[large], (note,) if note else ()

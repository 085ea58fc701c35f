"""Tables on the methods of a report: what each says of the primary effect, and what the data could have shown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inference.choice import FEWEST_MEASURED
from cseval.reporting.tables_base import RATES, RATES_NOTE, label_of, make_table, number, records
from cseval.words import rates_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cseval.result import AnalysisResult, EvaluationResult
    from cseval.tables import Table

STANDINGS = {"shown": "holds", "coarse": "holds, but coarse", "unreliable": "unreliable", "refused": "refused"}


def methods_table(result: EvaluationResult) -> Table:
    """Every registered method on the primary effect, with its measured error rates and whether it holds here."""
    slug = result.primary.analysis.slug
    rows = [r for r in records(result.inference) if r["analysis"] == slug]
    return make_table(
        result,
        slug="methods",
        title="The primary effect by every registered method",
        rows=[_method_row(r) for r in rows] if len(rows) > 1 else [],
        headings={"interval": "95% interval", "p": "p\N{NO-BREAK SPACE}value", "rate": "Measured error rate"},
        notes=[
            result.primary.choice,
            *_reasons(rows),
            "Measured error rate: how often the method finds an effect, at 5%, where nothing was done: among all "
            f"{RATES_NOTE}, since fewer than {FEWEST_MEASURED} could be measured or the rate is right by construction.",
            "The other methods are shown to be compared; the verdict does not rest on them.",
        ],
    )


def _method_row(row: Mapping[str, Any]) -> dict[str, str]:
    refused = row["standing"] == "refused"
    interval = f.interval_cell(number(row["percent_low"]), number(row["percent_high"]))
    return {
        "method": f.sentence_case(str(row["method"])),
        "interval": f.NOT_APPLICABLE if refused else interval,
        "p": f.NOT_APPLICABLE if refused else f.p_cell(number(row["p_value"])),
        "rate": rates_words([number(row[c]) for c in RATES]),
        "standing": STANDINGS[str(row["standing"])] + ("; the verdict rests on it" if row["chosen"] else ""),
    }


def _reasons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why methods are coarse, unreliable or refused, those with the same reason together."""
    methods: dict[str, list[str]] = {}
    for row in rows:
        if row["reason"]:
            methods.setdefault(f.full_stop(str(row["reason"])), []).append(str(row["method"]))
    return [f"{f.sentence_case(f.joined(names))}: {reason}" for reason, names in methods.items()]


def adjusted_notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether secondary findings survive their number, by max-T and by Holm; nothing without secondary outcomes."""
    pairs = [(number(r["p_adjusted"]), number(r.get("p_holm", math.nan))) for r in rows]
    pairs = [(p, holm) for p, holm in pairs if math.isfinite(p)]
    if not pairs:
        return []
    smallest, holm = (min(values) for values in zip(*pairs, strict=True))
    alone = all(p == h for p, h in pairs)
    beside = f", and by Holm {f.p_cell(holm)}" if math.isfinite(holm) else ""
    method = "by Holm" if alone else f"by max-T on common placebo neighbourhoods{beside}"
    return [
        f"{f.plural(len(pairs), 'secondary outcome was', 'secondary outcomes were')} tested; the smallest "
        f"p-value adjusted for their number is {f.p_cell(smallest)} {method}."
    ]


def detectable_table(result: EvaluationResult) -> Table:
    """The smallest fall and rise in each outcome that the test finds four times in five."""
    rows = [_detectable_row(result, r) for p in result.power for r in records(p.detectable)]
    return make_table(
        result,
        slug="detectable",
        title="Smallest changes that would be detected four times in five",
        rows=rows,
        headings={
            "months": "Months of follow-up",
            "found": "Found at no change",
            "placebos": "Placebo programmes",
        },
        notes=[
            "Measured by putting known changes into placebo neighbourhoods like the treated area, before the "
            "programme, and running the registered comparison and test on them. In brackets the Monte Carlo error, in "
            "points.",
            "Found at no change: how often the test finds an effect in those neighbourhoods where none was put in.",
        ],
    )


def _detectable_row(result: EvaluationResult, row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "outcome": _outcome(result, row),
        "months": f.count_text(number(row["months_after"])),
        "fall": _change(number(row["mde_fall"]), number(row["mde_fall_error"]), number(row["largest_fall"])),
        "rise": _change(number(row["mde_rise"]), number(row["mde_rise_error"]), number(row["largest_rise"])),
        "found": f.rate_text(number(row["size"])),
        "placebos": f.count_text(number(row["placebos"])),
    }


def _outcome(result: EvaluationResult, row: Mapping[str, Any]) -> str:
    """The label of an analysis; of the primary one, whose label may not name it, its outcome."""
    if row["analysis"] != result.primary.analysis.slug:
        return label_of(result, str(row["analysis"]))
    return f.sentence_case(f.outcome_words(str(row["outcome"])).split(" (", 1)[0])


def _change(change: float, error: float, largest: float) -> str:
    if not math.isfinite(change):
        return f"more than {f.percent_text(largest, signed=True)}"
    return f.percent_text(change, signed=True) + (f" ({error:.1f})" if math.isfinite(error) else "")


def power_sentences(result: EvaluationResult) -> tuple[str, ...]:
    """What the primary comparison would have detected, by months of follow-up, and what limits that knowledge."""
    slug = result.primary.analysis.slug
    own = [p for p in result.power if len(p.detectable) and p.detectable["analysis"].iloc[0] == slug]
    notes = [f.sentence_case(note.removeprefix(f"{slug}: ")) for p in own for note in p.notes]
    return (*(s for p in own for s in p.words()), *notes)


def measured_sentence(result: EvaluationResult, analysis: AnalysisResult) -> str:
    """The smallest fall and rise that an analysis would have found, with Monte Carlo errors; empty if not measured."""
    slug, months = analysis.analysis.slug, analysis.design.months_after
    said = {
        (str(row["analysis"]), int(number(row["months_after"]))): words + _shorter(row, analysis.design.months_before)
        for power in result.power
        for row, words in zip(records(power.detectable), power.words(), strict=True)
    }
    return said.get((slug, months), "")


def _shorter(row: Mapping[str, Any], registered: int) -> str:
    """That power was measured with fewer months before than registered, if it was."""
    before = int(number(row["months_before"]))
    if before == registered:
        return ""
    return (
        f" That was measured with {before} months before, since the data begin too late for {registered} a second time."
    )

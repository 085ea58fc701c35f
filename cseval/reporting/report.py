"""What the report says and in which order; `markdown` and `html` only render it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.checks import specification_curve
from cseval.finding import finding_of
from cseval.inputs import DEMONSTRATION
from cseval.reporting import further
from cseval.reporting import tables as t
from cseval.reporting import tables_inference as ti
from cseval.reporting.dated_changes import breaks_table
from cseval.reporting.document import (
    Answer,
    Block,
    Bullets,
    Code,
    Document,
    Paragraph,
    Section,
    TableBlock,
    lines,
)
from cseval.reporting.parts import figure_block, matrix_blocks, own_figures, part_sections
from cseval.reporting.protect import disclosure_sentence
from cseval.tables import Table
from cseval.words import EVERYTHING, sentences

if TYPE_CHECKING:
    from cseval.reporting.figures import Figure
    from cseval.result import AnalysisResult, EvaluationResult, Told
    from cseval.words import Finding

BANNER = (
    "Demonstration: the data behind this report are simulated. They describe a fictional place, and nothing here says "
    "anything about a real programme."
)
LONGEST_HEADLINE = 110
OGL = "Contains public sector information licensed under the Open Government Licence v3.0."
ORDNANCE = "Contains OS data © Crown copyright and database right."


def build_document(
    result: EvaluationResult, figures: Sequence[Figure], not_drawn: Sequence[str], *, protocol_hash: str, command: str
) -> Document:
    """The report of an evaluation.

    Parameters
    ----------
    result : EvaluationResult
    figures : sequence of Figure
    not_drawn : sequence of str
        A sentence for each figure that could not be drawn.
    protocol_hash, command : str
        Hash of the registered protocol, and the command that makes this report again.
    """
    from cseval.reporting.manifest import versions

    used = versions()
    sections = (
        section_of("question", "The question", Paragraph(text=result.evaluation.question)),
        section_of("answer", "The answer", answer(result)),
        section_of("claims", "What was said in public", *further.claims_blocks(result)),
        section_of("effects", "Every estimate", TableBlock(table=t.effects_table(result)), _readings(result)),
        section_of("weaknesses", "What weakens this answer", _weaknesses(result)),
        section_of("figures", "Figures", *(figure_block(result, g) for g in own_figures(result, figures))),
        section_of("checks", "Checks", *_checks(result)),
        section_of("displacement", "Did incidents move next door?", *_if_rows(t.displacement_table(result))),
        *part_sections(result, figures),
        section_of(
            "models", "What the models are made of", *further.note_blocks(result), *further.further_blocks(result)
        ),
        section_of("calibration", "How often each method is wrong on these data", *_calibration(result)),
        section_of("power", "What this comparison could have seen", *_power(result)),
        section_of("design", "The design", *_design(result)),
        section_of("outcomes", "Outcomes and choices, and why", _reasons(result)),
        section_of("left-out", "What was left out", _left_out(result, not_drawn)),
        section_of("context", "For context", *further.context_blocks(result)),
        section_of("overlaps", "Other programmes at the same time", *_overlaps(result)),
        section_of("dated-changes", "Changes of recording and events in these months", *_dated_changes(result)),
        section_of("evidence", "How strong this evidence is", Paragraph(text=f.full_stop(result.evidence))),
        section_of("limits", "Limits", lines(*map(f.full_stop, result.evaluation.limits))),
        section_of("data", "Data and licences", *_data(result)),
        section_of(
            "reproduce", "How to get these numbers again", *reproduce(result, protocol_hash, command, versions())
        ),
    )
    return Document(
        title=result.evaluation.title,
        subtitle=f"Evaluation of the effect from {f.month_words(result.primary.design.start)}",
        banner=banner_of(result),
        sections=tuple(s for s in sections if s.blocks),
        footer=f"Made by cseval {used['cseval']}. Every number in this report stands in the data files beside it.",
    )


def banner_of(result: Told) -> str:
    """What stands above everything: that the data are simulated, if they are."""
    return BANNER if result.data == DEMONSTRATION else ""


def section_of(slug: str, heading: str, *blocks: Block | None) -> Section:
    """A section of the blocks that have something to say."""
    kept = tuple(b for b in blocks if b is not None and not (isinstance(b, Bullets) and not b.items))
    return Section(slug=slug, heading=heading, blocks=kept)


# The answer ---------------------------------------------------------------------------------------------


def answer(result: EvaluationResult) -> Answer:
    """Headline, estimate, interval, absolute number, plain reading and caveat, in that order."""
    primary = result.primary
    said = sentences(finding_in(result, primary))
    facts = (
        ("What stands in", stands_in(result)),
        ("Interval", said["interval"]),
        ("Incidents", said["incidents"]),
        ("In one sentence", _plain_reading(result, said["reading"])),
        ("Smallest change it could see", said["smallest_change"]),
        ("How sure", said["certainty"]),
        ("Why this method", f.full_stop(primary.choice) if primary.choice else ""),
        ("Bear in mind", said["caveat"]),
    )
    outcome = f.outcome_words(primary.estimate.outcome)
    return Answer(
        headline=headline_of(result),
        number=f.percent_text(t.number(t.effect_of(result, primary)["percent_change"]), signed=True),
        label=f"estimated change in {outcome}, compared with what would have been expected",
        facts=tuple((term, text) for term, text in facts if text),
    )


def finding_in(result: EvaluationResult, analysis: AnalysisResult) -> Finding:
    """An effect as it is put in words: with the power that was measured, and the primary one with its checks."""
    checks = result.checks if analysis is result.primary else ()
    return finding_of(analysis, checks=checks, measured=ti.measured_sentence(result, analysis))


def stands_in(result: EvaluationResult) -> str:
    """Which outcome could not be evaluated, if the one the protocol prefers is not in the data."""
    wanted, used = result.evaluation.primary.outcomes[0], result.primary.estimate.outcome
    if wanted == used:
        return ""
    return (
        f"The registered outcome, {f.outcome_words(wanted)}, could not be evaluated, since these data hold no monthly "
        f"counts of it; {f.outcome_words(used)} stands in, as registered."
    )


def _plain_reading(result: EvaluationResult, reading: str) -> str:
    """Everything said of the primary effect that the short headline leaves out."""
    said = dict.fromkeys(f.full_stop(text) for text in (result.headline, reading) if text)
    return " ".join(text for text in said if text != headline_of(result))


def headline_of(result: EvaluationResult) -> str:
    """The headline, or the verdict with its outcome where the headline is too long to stand in large type."""
    if len(result.headline) <= LONGEST_HEADLINE:
        return f.full_stop(result.headline)
    primary = result.primary
    return f.full_stop(f"{f.sentence_case(f.outcome_words(primary.estimate.outcome))}: {primary.verdict}")


def _readings(result: EvaluationResult) -> Bullets:
    """Each other finding in words; sensitivity analyses repeat the primary one and stand in the table only."""
    others = [a for a in result.analyses if a.analysis.role in ("secondary", "exploratory") and a.sentence]
    return Bullets(items=tuple((t.label_of(result, a.analysis.slug), _reading(result, a)) for a in others))


def _reading(result: EvaluationResult, analysis: AnalysisResult) -> str:
    """A finding in words, and what could have been found."""
    said = f.full_stop(analysis.sentence)
    low, high = analysis.detectable_error
    if "four times in five" not in said:
        said = f"{said} {ti.measured_sentence(result, analysis)}"
    elif low == low and high == high:
        said = f"{said.removesuffix('.')} (Monte Carlo errors {low:.1f} and {high:.1f} points)."
    return said.strip()


def _weaknesses(result: EvaluationResult) -> Bullets:
    limits = result.evaluation.limits  # they have a section of their own
    found = [w for w in result.weaknesses if w not in limits] or (
        "No check raised a concern; the limits further down still stand",
    )
    return lines(*map(f.full_stop, found))


# Figures and checks ---------------------------------------------------------------------------------------


#: Data files that hold the whole table of a check; the tables of other checks stand on the page in full.
TABLE_FILES = {specification_curve.NAME: "specification_curve.csv"}


def _checks(result: EvaluationResult) -> list[Block]:
    blocks: list[Block] = list(_if_rows(t.checks_table(result)))
    titles = {table.title for table in t.report_tables(result)}
    for check in result.checks:
        if check.table is not None and len(check.table.values):
            # Screen readers list tables by title, so no two may share one.
            title = f"{check.table.title} ({check.name})" if check.table.title in titles else check.table.title
            titles.add(title)
            table = replace(check.table, title=title, slug="check-" + re.sub(r"[^a-z0-9]+", "-", check.name.lower()))
            path = TABLE_FILES.get(check.name, "")
            table = t.shortened(table, path) if path else table
            blocks.append(TableBlock(table=t.printable(table, result), folded=True, path=path))
    return blocks


def _calibration(result: EvaluationResult) -> list[Block]:
    table = t.calibration_table(result)
    if not len(table.values):
        return [Paragraph(text="The error rates of the methods were not measured in this run.")]
    return [
        *_if_rows(ti.methods_table(result)),
        Paragraph(
            text="Each method was run, exactly as on the treated area, on placebo programmes: places and dates at "
            "which nothing was done. A method that can be relied on finds an effect in about 5% of them."
        ),
        TableBlock(table=table),
    ]


def _power(result: EvaluationResult) -> list[Block]:
    """Nothing where power was not measured."""
    table = ti.detectable_table(result)
    return [lines(*ti.power_sentences(result)), TableBlock(table=table)] if len(table.values) else []


def _if_rows(table: Table) -> list[Block]:
    return [TableBlock(table=table)] if len(table.values) else []


# Design, data, reproduction ---------------------------------------------------------------------------------


def _design(result: EvaluationResult) -> list[Block]:
    return [Paragraph(text=result.primary.design.describe()), TableBlock(table=t.protocol_table(result))]


def _reasons(result: EvaluationResult) -> Bullets:
    reasons = result.evaluation.reasons
    return Bullets(items=tuple((f.sentence_case(f.outcome_words(what)), f.full_stop(why)) for what, why in reasons))


def _left_out(result: EvaluationResult, not_drawn: Sequence[str]) -> Block:
    known = {*result.inputs.panel.notes, *result.inputs.notes}  # these stand with the data
    items = (*result.left_out, *(w for w in result.warnings if w not in known), *not_drawn)
    return lines(*map(f.full_stop, items)) if items else Paragraph(text="Nothing was left out.")


def _overlaps(result: EvaluationResult) -> list[Block]:
    table = t.overlaps_table(result)
    said = any("all that changed" in note for note in table.notes)
    first = [] if said and len(table.values) else [Paragraph(text=EVERYTHING)]
    if not len(table.values):
        none = Paragraph(text="The programme register holds no other programme in these months.")
        return [*first, none, *matrix_blocks(result)]
    return [*first, TableBlock(table=table), *matrix_blocks(result)]


def _dated_changes(result: EvaluationResult) -> list[Block]:
    return [TableBlock(table=breaks_table(result))] if result.breaks else []


def _data(result: EvaluationResult) -> list[Block]:
    notes = dict.fromkeys((*result.inputs.panel.notes, *result.inputs.notes))
    notes |= dict.fromkeys(note for p in result.inputs.sources for note in p.notes)
    return [
        *_if_rows(t.inputs_table(result)),
        Paragraph(text=disclosure_sentence(result)),
        lines(*map(f.full_stop, notes)),
        *(Paragraph(text=text) for text in licence_sentences(result)),
    ]


def licence_sentences(result: Told) -> tuple[str, ...]:
    """What the licences of the real sources ask to be printed."""
    if result.data == DEMONSTRATION:
        return ()
    sources = result.sources
    open_government = any("open government" in p.licence.lower() or "ogl" in p.licence.lower() for p in sources)
    boundaries = any("boundar" in f"{p.kind} {p.title}".lower() for p in sources)
    return tuple(text for text, due in ((OGL, open_government), (ORDNANCE, boundaries)) if due)


def _first_import(result: Told) -> str:
    if result.data == "demonstration" or all(p.kind == "reference" for p in result.sources):
        return "This command gives the same numbers:"
    return (
        "First import the files named under data and licences, with the same hashes, by cseval data import; without "
        "them a run uses demonstration data. Then this command gives the same numbers:"
    )


def reproduce(result: Told, protocol_hash: str, command: str, versions: Mapping[str, str]) -> list[Block]:
    """Seed, draws, versions and protocol of a run, and the command that makes it again."""
    drawn = hasattr(result, "analyses")  # a study draws no placebo neighbourhoods
    facts = (
        ("Seed", str(result.seed)),
        *((("Placebo neighbourhoods wanted for each test", f.count_text(result.draws)),) if drawn else ()),
        ("Version", f"cseval {versions['cseval']}, Python {versions['python']}"),
        ("Protocol (SHA-256)", protocol_hash),
    )
    return [
        Paragraph(text=_first_import(result)),
        Code(text=command),
        Bullets(items=facts),
        Paragraph(
            text="The manifest beside this report lists every input and output with its hash, and the data package "
            "describes every column."
        ),
    ]

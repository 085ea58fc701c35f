"""The outputs of a study: its report, its data files and what a paper may show of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting import tables as t
from cseval.reporting.document import Answer, Block, Bullets, Document, Paragraph, Section, TableBlock, lines
from cseval.reporting.manifest import versions
from cseval.reporting.markdown import foot_notes
from cseval.reporting.parts import matrix_blocks, part_sections, part_tables
from cseval.reporting.places import SCHEMA_VERSION, SIMULATED, figure_place
from cseval.reporting.printed import RUN, printed, printed_json
from cseval.reporting.report import banner_of, licence_sentences, reproduce, section_of

if TYPE_CHECKING:
    from cseval.reporting.figures import Figure
    from cseval.result import StudyResult
    from cseval.tables import Table

#: Fields of the run that are declared and found nowhere.
DECLARED = frozenset("title question data command".split())


def study_document(
    result: StudyResult, figures: Sequence[Figure], not_drawn: Sequence[str], *, protocol_hash: str, command: str
) -> Document:
    """The report of a study; parameters as `report.build_document`."""
    study, used = result.study, versions()
    sections: tuple[Section, ...] = (
        section_of("question", "The question", Paragraph(text=study.question)),
        section_of("answer", "The answer", _answer(result)),
        *part_sections(result, figures, told=result.headline),
        section_of("weaknesses", "What weakens this answer", _weaknesses(result)),
        section_of("choices", "Choices, and why", _reasons(result)),
        section_of("left-out", "What was left out", lines(*map(f.full_stop, (*result.left_out, *not_drawn)))),
        section_of("overlaps", "Other programmes at the same time", *_overlaps(result)),
        section_of("limits", "Limits", lines(*map(f.full_stop, study.limits))),
        section_of("data", "Data and licences", *_data(result)),
        section_of(
            "reproduce", "How to get these numbers again", *reproduce(result, protocol_hash, command, versions())
        ),
    )
    return Document(
        title=study.title,
        subtitle="A study: no effect on counts is estimated here",
        banner=banner_of(result),
        sections=tuple(s for s in sections if s.blocks),
        footer=f"Made by cseval {used['cseval']}. Every number in this report stands in the data files beside it.",
    )


def _answer(result: StudyResult) -> Answer:
    """The headline of the first part, and those of the others with what they are about."""
    others = tuple((part.heading.rstrip("?"), f.full_stop(part.headline)) for part in result.parts[1:])
    return Answer(headline=f.full_stop(result.headline), number="", label="", facts=others)


def _weaknesses(result: StudyResult) -> Bullets:
    found = dict.fromkeys(w for w in result.weaknesses if w not in result.study.limits)
    return lines(*map(f.full_stop, found))


def _reasons(result: StudyResult) -> Bullets:
    return Bullets(items=tuple((f.sentence_case(what), f.full_stop(why)) for what, why in result.study.reasons))


def _overlaps(result: StudyResult) -> list[Block]:
    if result.overlaps is None:
        return []
    notes = (*result.overlaps.notes, t.REGISTER_IS_REAL) if result.data == DEMONSTRATION else result.overlaps.notes
    table = replace(t.printable(result.overlaps), notes=notes)
    return [
        *([TableBlock(table=table, path="overlaps.csv")] if len(table.values) else []),
        *matrix_blocks(result),
    ]


def _data(result: StudyResult) -> list[Block]:
    table = t.inputs_table(result)
    if not len(table.values):
        return [Paragraph(text="No published file was read: the register of programmes has its sources in every row.")]
    notes = dict.fromkeys(note for p in result.sources for note in p.notes)
    return [
        TableBlock(table=table),
        lines(*map(f.full_stop, notes)),
        *(Paragraph(text=text) for text in licence_sentences(result)),
    ]


# What a paper may show --------------------------------------------------------------------------------------


def study_places(result: StudyResult, figures: Sequence[Figure], pictures: Mapping[str, bytes], command: str) -> Any:
    """What a paper may show of a study, as plain JSON data; parameters as `places.places_json`."""
    tables: tuple[Table, ...] = (*part_tables(result), weaknesses_of(result))
    values = {RUN: _run_values(result, command)}
    values |= {part.slug: {"headline": f.full_stop(part.headline)} for part in result.parts}
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation": result.slug,
        "title": result.title,
        "data": result.data,
        "tables": {table.slug: printed_json(printed(table, foot_notes(table))) for table in tables},
        "values": {name: _labelled(result, fields) for name, fields in values.items()},
        "figures": {g.name: figure_place(g, pictures[g.name]) for g in figures},
    }


def weaknesses_of(result: StudyResult) -> Table:
    """What weakens the answer, numbered."""
    limits = set(result.study.limits)
    rows = [
        {"number": str(i), "weakness": f.full_stop(text), "kind": "limit" if text in limits else "finding"}
        for i, text in enumerate(dict.fromkeys(result.weaknesses) or ("None is known.",), start=1)
    ]
    return t.make_table(
        result,
        slug="weaknesses",
        title="What weakens this answer",
        rows=rows,
        headings={"number": "No.", "weakness": "What weakens it"},
    )


def _run_values(result: StudyResult, command: str) -> dict[str, str]:
    return {
        "title": result.title,
        "question": result.study.question,
        "headline": f.full_stop(result.headline),
        "data": result.data,
        "sources": t.source_words(result) or f.NOT_AVAILABLE,
        "command": command,
    }


def _labelled(result: StudyResult, fields: Mapping[str, str]) -> dict[str, str]:
    """Simulated findings say so wherever they are put."""
    if result.data != DEMONSTRATION:
        return dict(fields)
    return {name: text if name in DECLARED else text + SIMULATED for name, text in fields.items()}

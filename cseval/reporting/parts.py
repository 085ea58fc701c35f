"""The further parts of a report: their sections, tables, data files and figures, and the overlaps of all programmes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting.document import Block, FigureBlock, Paragraph, Section, TableBlock, lines
from cseval.reporting.files import context_file
from cseval.reporting.tables_base import REGISTER_IS_REAL, printable, shortened
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.part import PartResult
    from cseval.reporting.figures import Figure
    from cseval.result import EvaluationResult, Told

#: Why a part is not shown.
PART_WITHHELD = "withheld whole, since it is worked out from counts that are not published"
HEADINGS = {"p_value": "p-value", "mc_error": "Simulation error", "false_positive_rate": "False-alarm rate"}


def part_sections(result: Told, figures: Sequence[Figure], told: str = "") -> tuple[Section, ...]:
    """A section for each part: its finding in a sentence unless `told` already, what else is said, tables, figures."""
    by_name = {g.name: g for g in figures}
    return tuple(
        Section(
            slug=part.slug,
            heading=part.heading,
            blocks=(
                *([Paragraph(text=f.full_stop(part.headline))] if part.headline != told else ()),
                *([lines(*map(f.full_stop, part.sentences))] if part.sentences else ()),
                *(_table_block(part, table, result, folded=False) for table in part.tables),
                *(figure_block(result, by_name[name]) for name in part.figures if name in by_name),
                *(_table_block(part, table, result, folded=True) for table in part.folded),
            ),
        )
        for part in result.parts
    )


def part_tables(result: Told) -> tuple[Table, ...]:
    """Every printed table of the parts, for papers."""
    return tuple(_printed(part, table, result) for part in result.parts for table in (*part.tables, *part.folded))


def _printed(part: PartResult, table: Table, result: Told) -> Table:
    return printable(part.printed.get(table.slug, table), result)


def _table_block(part: PartResult, table: Table, result: Told, *, folded: bool) -> TableBlock:
    path = f"{context_file(table)}.csv"
    shown = shortened(part.printed.get(table.slug, table), path)
    return TableBlock(table=printable(shown, result), folded=folded, path=path)


def figure_block(result: Told, figure: Figure) -> FigureBlock:
    """A figure with its data."""
    path = f"figures/{figure.name}.csv"
    table = Table(
        slug=f"data-{figure.name}", title=f"Data of the figure: {figure.title}", values=figure.data, headings=HEADINGS
    )
    return FigureBlock(figure=figure, data=printable(shortened(table, path), result))


def own_figures(result: Told, figures: Sequence[Figure]) -> tuple[Figure, ...]:
    """The figures that belong to no part."""
    theirs = {name for part in result.parts for name in part.figures}
    return tuple(g for g in figures if g.name not in theirs)


def part_figures(result: Told) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """The figures of the parts, and a sentence for each that cannot be drawn."""
    made = [make() for part in result.parts for make in part.figures.values()]
    return tuple(m for m in made if not isinstance(m, str)), tuple(m for m in made if isinstance(m, str))


def without_parts_of_counts(result: EvaluationResult) -> EvaluationResult:
    """The result without the parts that say something of its own counts, which are not published."""
    kept = tuple(p for p in result.parts if not p.of_counts)
    gone = [p for p in result.parts if p.of_counts]
    said = {w for p in gone for w in p.weaknesses}
    return replace(
        result,
        parts=kept,
        weaknesses=tuple(w for w in result.weaknesses if w not in said),
        left_out=(*result.left_out, *(f"{p.slug}: {PART_WITHHELD}" for p in gone)),
    )


def matrix_blocks(result: Told) -> list[Block]:
    """The months that all programmes share, to be opened by the reader."""
    matrix = result.matrix
    if matrix is None or not len(matrix.values):
        return []
    notes = (*matrix.notes, REGISTER_IS_REAL) if result.data == DEMONSTRATION else matrix.notes
    return [TableBlock(table=replace(printable(matrix), notes=notes), folded=True, path=f"{context_file(matrix)}.csv")]

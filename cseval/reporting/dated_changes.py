"""Dated changes of recording and events: drawn on every series with a letter, and told in words."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.months import month_number
from cseval.registry.breaks import breaks_in
from cseval.registry.words import months_words
from cseval.reporting import figures_style as style
from cseval.reporting.tables_base import make_table
from cseval.spec import Window

if TYPE_CHECKING:
    from cseval.registry.breaks import Break
    from cseval.result import EvaluationResult
    from cseval.tables import Table


def breaks_of(result: EvaluationResult, outcome: str, periods: Sequence[str]) -> tuple[Break, ...]:
    """The dated changes that move an outcome within these months, which are in order."""
    return breaks_in(result.breaks, Window(first=periods[0], last=periods[-1]), (outcome,)) if result.breaks else ()


def mark_breaks(axes: Any, breaks: Sequence[Break]) -> None:
    """A dotted line where each change begins, or ends if it began before the axis does, with its letter at the foot."""
    low, high = axes.get_xlim()
    for i, (letter, change) in enumerate(zip(ascii_uppercase, breaks, strict=False)):
        begins = month_number(change.first)
        place = (begins if begins > low else month_number(change.last) + 1) - 0.5
        axes.axvline(place, color=style.GREY, linestyle=(0, (1, 2)), linewidth=1.2, zorder=0.9)
        axes.annotate(
            letter, (min(place, high), 0), xycoords=("data", "axes fraction"), xytext=(3, 4 + 12 * (i % 3)),
            textcoords="offset points", ha="left", va="bottom", color=style.INK, fontsize=10,
        )  # fmt: skip


def breaks_words(breaks: Sequence[Break]) -> str:
    """What the letters on a series stand for, as a sentence for its caption; empty without any."""
    if not breaks:
        return ""
    items = (f"{letter}, {b.name} ({when(b)})" for letter, b in zip(ascii_uppercase, breaks, strict=False))
    return f"Dotted lines, dated changes that the register holds: {'; '.join(items)}. "


def when(change: Break) -> str:
    """The months of a change in words."""
    return months_words(change.first, change.last) if change.last else f"from {f.month_words(change.first)}"


def breaks_table(result: EvaluationResult) -> Table:
    """Every dated change in the window of a run, with its source."""
    rows = [
        {
            "name": b.name,
            "when": when(b),
            "kind": f.sentence_case(b.kind),
            "where": f.sentence_case(b.scope) if b.scope not in ("england", "london") else b.scope.capitalize(),
            "what": f.full_stop(b.what),
            "source": f"{b.source}, {b.paragraph}" if b.paragraph else b.source,
        }
        for b in result.breaks
    ]
    return make_table(
        result,
        slug="dated-changes",
        title="Dated changes of recording and events in the window",
        rows=rows,
        headings={"name": "Change", "what": "What changed", "source": "Source of the date"},
        notes=("Each moves at least one outcome of this run; those of the series are drawn on it.",),
    )

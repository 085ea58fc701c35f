"""The milestones of a programme on a line of months."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cseval import formats as f
from cseval.months import add_months, month_number
from cseval.registry.words import months_words
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import WORDED, Rows, place_rows, row_axes

NAME = "milestones"
#: Months that are shown before the first and after the last milestone.
AROUND = 6

Milestone = tuple[str, str, str]


def milestones_figure(programme: str, start: str, rows: Sequence[Milestone], source: str) -> Figure:
    """Every dated step of a programme.

    Parameters
    ----------
    programme : str
        Its name.
    start : str
        Its first month, ``YYYY-MM``; empty where the sources give none.
    rows : sequence of (str, str, str)
        Name, first and last month of each step, in order of time.
    source : str
    """
    import pandas as pd

    data = pd.DataFrame(rows, columns=["milestone", "first_month", "last_month"])
    places = place_rows([("", [name for name, _, _ in rows])], WORDED)
    said = "; ".join(f"{name}, {months_words(first, last)}" for name, first, last in rows)
    return Figure(
        name=NAME,
        title=f"Milestones of {programme}",
        alt=f"Timeline of {f.plural(len(rows), 'dated step')}: {said}.",
        caption=f"A point is the month of a step, a line how long it lasted. Source: {source}.",
        data=data,
        draw=lambda canvas: _draw(canvas, start, rows, places),
        height=places.height,
    )


def _draw(canvas: Any, start: str, rows: Sequence[Milestone], places: Rows) -> None:
    axes = row_axes(canvas, places, left=3.5, right=0.4)
    months = sorted(m for _, first, last in rows for m in (first, last))
    months = sorted((*months, start)) if start else months
    style.month_axis(axes, add_months(months[0], -AROUND), add_months(months[-1], AROUND), most=6)
    for (_, first, last), (at, _) in zip(rows, places.names, strict=True):
        begin, end = month_number(first), month_number(last)
        axes.plot(begin, at, marker="o", ms=8, color=style.BLUE, linestyle="none", zorder=3)
        if end > begin:
            axes.plot((begin, end), (at, at), color=style.BLUE, linewidth=2.5, zorder=2)
    if start:
        style.mark_start(axes, start)

"""Shares and changes of shares by question, each with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import Rows, beside, draw_interval, place_rows, row_axes

if TYPE_CHECKING:
    import pandas as pd

    from cseval.tables import Table

LOOK = ("o", style.BLUE)
WIDEST = 60.0


def shares_figure(table: Table, name: str, data: str) -> Figure | str:
    """Share and exact interval of every question that is not withheld."""
    rows = _shown(table, ("share", "share_low", "share_high"))
    if rows is None:
        return "The figure of the answers is left out: every share is withheld."
    said = "; ".join(f"{r['measure']} {f.percent_text(float(r['share']), digits=0)}" for r in rows.to_dict("records"))
    return _figure(
        name,
        table.title,
        f"Dot plot of shares with 95% intervals. {said}.",
        "A dot is the share of those who answered, the line its exact 95% interval.",
        rows,
        data,
        ends=(0.0, 100.0),
    )


def changes_figure(table: Table, data: str) -> Figure | str:
    """Change in points with its interval, of every question that is not withheld."""
    rows = _shown(table, ("points", "points_low", "points_high"))
    if rows is None:
        return "The figure of the changes is left out: every change is withheld."
    said = "; ".join(
        f"{r['measure']} {f.decimal_text(float(r['points']), digits=0, signed=True)} points"
        for r in rows.to_dict("records")
    )
    return _figure(
        "residents",
        "Change of what residents said",
        f"Dot plot of changes in percentage points with 95% intervals. {said}.",
        "A dot is the change in percentage points, the line its 95% interval; the line at nought is no change.",
        rows,
        data,
        ends=(-WIDEST, WIDEST),
    )


def _shown(table: Table, columns: tuple[str, str, str]) -> pd.DataFrame | None:
    """Question, value and ends of the rows that are numbers; None if there is none."""
    import pandas as pd

    values = table.values
    kept = values[[v == v for v in values[columns[0]]]]
    if not len(kept):
        return None
    numbers = {c: pd.to_numeric(kept[c]) for c in columns}
    return pd.DataFrame({"measure": kept["measure"], **numbers}).reset_index(drop=True)


def _figure(
    name: str, title: str, alt: str, caption: str, rows: pd.DataFrame, data: str, *, ends: tuple[float, float]
) -> Figure:
    places = place_rows([("", rows["measure"].tolist())])
    return Figure(
        name=name,
        title=title,
        alt=alt,
        caption=caption,
        data=rows,
        draw=lambda canvas: _draw(canvas, rows, places, ends),
        height=places.height,
        mark=style.SIMULATED_MARK if data == DEMONSTRATION else "",
    )


def _draw(canvas: Any, rows: pd.DataFrame, places: Rows, ends: tuple[float, float]) -> None:
    axes = row_axes(canvas, places, left=3.6, right=0.75)
    changes = ends[0] < 0
    for (at, _), values in zip(places.names, rows.iloc[:, 1:].to_numpy(dtype=float).tolist(), strict=True):
        draw_interval(axes, at, values, LOOK, ends)
        text = f.decimal_text(values[0], digits=0, signed=True) if changes else f.percent_text(values[0], digits=0)
        beside(axes, at, text)
    if changes:
        reach = min(WIDEST, max(5.0, float(abs(rows.iloc[:, 1:]).to_numpy().max()) * 1.1))
        axes.set_xlim(-reach, reach)
        axes.axvline(0, color=style.INK, linewidth=1, zorder=1)
        axes.set_xlabel("Change, percentage points")
    else:
        axes.set_xlim(*ends)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
        axes.set_xlabel("Share of those who answered")
    axes.locator_params(axis="x", nbins=6)

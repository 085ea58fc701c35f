"""Figures of many rows: names on the left under headings, a plot in the middle, numbers on the right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.reporting import figures_style as style
from cseval.reporting.figures_series import panel_axes

if TYPE_CHECKING:
    import pandas as pd

#: Inches of a line of text, and of what is left free above a heading and under the last row.
LINE, ABOVE, UNDER = 0.2, 0.1, 0.05
#: Most and least inches between rows; many rows move together so that the figure still fits a printed page.
WIDE, TIGHT = 0.12, 0.035
#: Inches over the plot, with and without a line of words there, and under it.
WORDED, BARE, BOTTOM = 0.4, 0.15, 1.05
#: Letters of a name on one line.
WRAP = 36


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Where every heading and every row stands, in inches below the top of the plot.

    Parameters
    ----------
    headings : tuple of (float, str)
    names : tuple of (float, str)
        One for each row, in the order given; long names on two lines.
    height : float
        Of the whole figure.
    top : float
        Margin over the plot.
    """

    headings: tuple[tuple[float, str], ...]
    names: tuple[tuple[float, str], ...]
    height: float
    top: float

    @property
    def depth(self) -> float:
        """Height of the plot."""
        return self.height - self.top - BOTTOM


def place_rows(groups: Iterable[tuple[str, Sequence[str]]], top: float = BARE) -> Rows:
    """Places for rows in groups, each with a heading; a group without heading text has none."""
    wrapped = [(heading, [_wrapped(name) for name in names]) for heading, names in groups]
    lines = sum(name.count("\n") + 1 for _, names in wrapped for name in names)
    headed = sum(1 for heading, _ in wrapped if heading)
    rows = sum(len(names) for _, names in wrapped)
    bare = top + UNDER + BOTTOM + LINE * (lines + headed) + ABOVE * headed
    gap = min(WIDE, max(TIGHT, (style.TALLEST + style.STRIP - bare) / max(rows + headed, 1)))
    at, headings, places = 0.0, [], []
    for heading, names in wrapped:
        if heading:
            headings.append((at + ABOVE + (LINE + gap) / 2, heading))
            at += ABOVE + LINE + gap
        for name in names:
            tall = LINE * (name.count("\n") + 1) + gap
            places.append((at + tall / 2, name))
            at += tall
    return Rows(headings=tuple(headings), names=tuple(places), height=top + at + UNDER + BOTTOM, top=top)


def _wrapped(name: str) -> str:
    """A name on as few lines as hold it, all about as long; one that needs more than three ends in an ellipsis."""
    lines = len(textwrap.wrap(name, WRAP))
    width = next((w for w in range(WRAP // 2, WRAP) if len(textwrap.wrap(name, w)) == lines), WRAP)
    return "\n".join(textwrap.wrap(name, width, max_lines=3, placeholder="…"))


def grouped(data: pd.DataFrame, by: str, name: str) -> list[tuple[str, list[str]]]:
    """The names in a frame by the groups of a column, both in the order in which they come."""
    return [(str(group), [str(n) for n in rows[name]]) for group, rows in data.groupby(by, sort=False)]


def row_axes(canvas: Any, rows: Rows, *, left: float, right: float) -> Any:
    """The plot, with names and headings beside it; `left` and `right` are margins in inches."""
    axes = panel_axes(canvas, left=left, right=right, top=rows.top, bottom=BOTTOM)
    axes.set_ylim(rows.depth, 0)
    axes.set_yticks([at for at, _ in rows.names], [name for _, name in rows.names])
    look_of_rows(axes)
    blank = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for at, heading in rows.headings:
        axes.annotate(
            heading, (0, at), xycoords=("axes fraction", "data"), xytext=(-(left - 0.1) * 72, 0),
            textcoords="offset points", va="center", ha="left", fontweight="bold", bbox=blank, annotation_clip=False,
        )  # fmt: skip
    return axes


def look_of_rows(axes: Any) -> None:
    """Names without ticks, and lines to read values by instead of a frame."""
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)


def beside(axes: Any, at: float, text: str, **look: Any) -> None:
    """A number on the right of a row."""
    axes.text(1.02, at, text, transform=axes.get_yaxis_transform(), va="center_baseline", ha="left", **look)


def draw_interval(
    axes: Any, at: float, values: Sequence[float], look: tuple[str, str], ends: tuple[float, float]
) -> None:
    """An estimate with its interval, cut with an arrow where it leaves `ends`; no bar where there is no interval.

    Parameters
    ----------
    axes : matplotlib Axes
    at : float
        Place of the row.
    values : sequence of float
        Estimate, lower and upper end.
    look : (str, str)
        Marker and colour.
    ends : (float, float)
        The least and the greatest value drawn.
    """
    import math

    (marker, colour), (least, most) = look, ends
    effect, low, high = values
    if not (math.isnan(low) or math.isnan(high)):
        drawn = (max(low, least), min(high, most))
        axes.plot(drawn, (at, at), color=colour, linewidth=2)
        for end, cut, arrow in ((drawn[0], low < least, "<"), (drawn[1], high > most, ">")):
            axes.plot(end, at, marker=arrow if cut else "|", ms=8, color=colour, mew=2)
    axes.plot(min(max(effect, least), most), at, marker=marker, ms=8, color=colour, linestyle="none")

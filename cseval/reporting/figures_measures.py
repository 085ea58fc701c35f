"""Incidents more or fewer than expected in the treated area, next door and in both: by two kinds of interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import BOTTOM, Rows, beside, draw_interval, row_axes
from cseval.reporting.tables import number, records

if TYPE_CHECKING:
    import pandas as pd

#: By area, its name, marker and colour.
LOOKS = {
    "treated": ("Treated area", "D", style.PLUM),
    "ring 1": ("Next door", "o", style.BLUE),
    "treated and ring 1": ("Both together", "s", style.TEAL),
}
#: Inches between rows, of the top margin, and between the middle of a row and each of its two bars.
ROW, TOP, APART = 0.85, 0.15, 0.1
#: Inches between the middle of the first row and the names of its bars.
NAMED = 0.29
COLUMNS = "area estimate placebo_low placebo_high p_value conf_low conf_high called_clear".split()


def measures_figure(frame: pd.DataFrame, *, outcome: str, months: float, source: str, data: str) -> Figure | str:
    """The weighted displacement difference of each area, by placebo neighbourhoods and by its own error.

    Parameters
    ----------
    frame : DataFrame
        Measures with both intervals, as `cseval.parts.displacement` makes them.
    outcome : str
    months : float
        Months after the start.
    source : str
        Titles of the data in words.
    data : {"real", "demonstration"}

    Returns
    -------
    Figure, or a sentence that says why there is none.
    """
    drawn = frame[(frame["measure"] == "WDD") & frame["placebo_low"].notna()].reset_index(drop=True)
    if not len(drawn):
        return "The figure of displacement is left out: no difference has an interval from placebo neighbourhoods."
    what, rows = f.outcome_words(outcome), records(drawn)
    span = f"the {f.plural(round(months), 'month')} after the start"
    places = _places(rows)
    return Figure(
        name="displacement-measures",
        title=f"Incidents more or fewer than expected, {what}",
        alt=_alt(rows),
        caption=(
            f"Weighted displacement difference over {span}; below zero fewer incidents than the comparison's change "
            "would have brought. Thick bars: 95% intervals from placebo neighbourhoods, on which the reading rests; "
            f"thin bars: by the measure's own error, which takes counts for Poisson numbers. Source: {source}."
        ),
        data=drawn[COLUMNS],
        draw=lambda canvas: _draw(canvas, rows, places),
        height=places.height,
        mark=style.SIMULATED_MARK if data == DEMONSTRATION else "",
    )


def _places(rows: Sequence[Mapping[str, Any]]) -> Rows:
    names = tuple((ROW * (i + 0.5), LOOKS[str(row["area"])][0]) for i, row in enumerate(rows))
    return Rows(headings=(), names=names, height=ROW * len(rows) + TOP + BOTTOM, top=TOP)


def _alt(rows: Sequence[Mapping[str, Any]]) -> str:
    said = "; ".join(
        f"{LOOKS[str(row['area'])][0].lower()} {f.fewer_words(-number(row['estimate']))}, from "
        f"{f.fewer_words(-number(row['placebo_low']))} to {f.fewer_words(-number(row['placebo_high']))}"
        for row in rows
    )
    clear = [LOOKS[str(r["area"])][0].lower() for r in rows if not _holds_zero(r)]
    found = f"The interval leaves out zero in {f.joined(clear)}." if clear else "Every one of these holds zero."
    return f"Dot plot of incidents with 95% intervals from placebo neighbourhoods. {f.sentence_case(said)}. {found}"


def _holds_zero(row: Mapping[str, Any]) -> bool:
    return number(row["placebo_low"]) <= 0 <= number(row["placebo_high"])


def _draw(canvas: Any, rows: Sequence[Mapping[str, Any]], places: Rows) -> None:
    axes = row_axes(canvas, places, left=1.75, right=0.85)
    ends = (-math.inf, math.inf)
    for row, (at, _) in zip(rows, places.names, strict=True):
        _, marker, colour = LOOKS[str(row["area"])]
        estimate = number(row["estimate"])
        placebo = [estimate, number(row["placebo_low"]), number(row["placebo_high"])]
        draw_interval(axes, at - APART, placebo, (marker, colour), ends)
        own = (number(row["conf_low"]), number(row["conf_high"]))
        axes.plot(own, (at + APART, at + APART), color=style.GREY, linewidth=1, marker="|", ms=6, mew=1)
        beside(axes, at, f.decimal_text(estimate, digits=0, signed=True))
    axes.axvline(0, color=style.INK, linewidth=1, zorder=1)
    axes.margins(x=0.04)
    _ticks(axes)
    axes.set_xlabel("Incidents more (+) or fewer (−) than expected")
    _name_bars(axes, rows[0], places.names[0][0])


def _ticks(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f.decimal_text(v, digits=0, signed=True)))


def _name_bars(axes: Any, row: Mapping[str, Any], at: float) -> None:
    """The names of both intervals above and under the bars of the first row."""
    low, high = axes.get_xlim()
    look: dict[str, Any] = {"va": "center", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}, "zorder": 2}
    for (first, last), place, text, colour in (
        (("placebo_low", "placebo_high"), at - NAMED, "by placebo neighbourhoods", style.PLUM),
        (("conf_low", "conf_high"), at + NAMED, "by its own error", style.GREY),
    ):
        middle = (number(row[first]) + number(row[last])) / 2
        axes.text(middle, place, text, ha=style.side(middle, low, high), color=colour, **look)
    axes.set_xlim(low, high)

"""Every measure of public opinion in one borough against the others, quarter by quarter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.months import month_number
from cseval.reporting import figures_style as style
from cseval.reporting.dated_changes import breaks_words, mark_breaks
from cseval.reporting.figures import Figure

if TYPE_CHECKING:
    import pandas as pd

    from cseval.registry.breaks import Break
    from cseval.survey import SurveySeries

NAME = "perceptions"
COLUMNS = 2
#: Inches of one row of panels, and for the legend and the words above and below them.
ROW, AROUND = 1.7, 1.6
#: Share of the other boroughs between the edges of the band, in per cent.
LOW, HIGH = 10, 90


def perceptions_figure(
    series: SurveySeries, unit: str, months: tuple[str, str], data: str, source: str, breaks: Sequence[Break] = ()
) -> Figure | str:
    """Small multiples of every measure: the borough, the mean of the others, and where most of them lie.

    Parameters
    ----------
    series : SurveySeries
    unit : str
        Code or name of the borough.
    months : (str, str)
        First month with the programme, and last month of the last rolling year that is looked at.
    data : {"real", "demonstration"}
    source : str
    breaks : sequence of Break
        Dated events in the months of the survey.
    """
    start, last = months
    frame = frame_of(series, unit)
    name = series.names.get(series.units[series.row(unit)], unit)
    rows = -(-len(series.measures) // COLUMNS)
    return Figure(
        name=NAME,
        title=f"What the public says of the police, {name} and the other boroughs",
        alt=_alt(frame, series, name, last),
        caption=(
            f"Per cent of those asked in {name} (solid) and the mean of the other boroughs (dashed), in rolling years "
            f"that end with the quarter; eight in ten of the others lie in the band. The vertical line is "
            f"{f.month_words(start)}: years up to the one that ends eleven months later hold answers from both sides "
            f"of it. Estimates end with {f.month_words(last)}. {breaks_words(breaks)}The axes do not start at zero. "
            f"Source: {source or 'simulated'}."
        ),
        data=frame,
        draw=lambda canvas: _draw(canvas, frame, series, name, (start, breaks)),
        height=rows * ROW + AROUND,
        mark=style.SIMULATED_MARK if data == DEMONSTRATION else "",
    )


def frame_of(series: SurveySeries, unit: str) -> pd.DataFrame:
    """Per cent by measure and quarter: of the borough, and mean and edges of the band of the others."""
    import pandas as pd

    row = series.row(unit)
    parts = []
    for measure in series.measures:
        values = 100 * series.require(measure)
        others = np.delete(values, row, axis=0)
        known = np.isfinite(others).any(axis=0)
        low, high = np.full(len(series.ends), np.nan), np.full(len(series.ends), np.nan)
        mean = np.full(len(series.ends), np.nan)
        mean[known] = np.nanmean(others[:, known], axis=0)
        low[known], high[known] = np.nanpercentile(others[:, known], (LOW, HIGH), axis=0)
        parts.append(
            pd.DataFrame(
                {
                    "measure": series.label(measure),
                    "period": series.ends,
                    "share": values[row],
                    "others_mean": mean,
                    "others_low": low,
                    "others_high": high,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _alt(frame: pd.DataFrame, series: SurveySeries, name: str, last: str) -> str:
    at = frame[frame["period"] == last].dropna(subset=["share", "others_mean"])
    below = [str(m) for m, s, o in zip(at["measure"], at["share"], at["others_mean"], strict=True) if s < o]
    where = f"{name} lies below the mean of the others in {f.number_words(len(below))} of {len(at)} measures"
    return (
        f"{f.plural(len(series.measures), 'small chart')} of public opinion of the police in {name} and in "
        f"{len(series.units) - 1} other boroughs by rolling year. In the year to {f.month_words(last)} {where}"
        f"{': ' + f.joined(below) if below else ''}."
    )


def _draw(
    canvas: Any, frame: pd.DataFrame, series: SurveySeries, name: str, marks: tuple[str, Sequence[Break]]
) -> None:
    rows = -(-len(series.measures) // COLUMNS)
    grid = canvas.subplots(rows, COLUMNS, sharex=True, squeeze=False)
    height = canvas.get_size_inches()[1]
    canvas.subplots_adjust(
        left=0.085, right=0.985, top=1 - 0.35 / height, bottom=(style.STRIP + 0.95) / height, hspace=0.42, wspace=0.2
    )
    for number, measure in enumerate(series.measures):
        axes = grid[number // COLUMNS][number % COLUMNS]
        _panel(axes, frame[frame["measure"] == series.label(measure)], series.label(measure), marks)
    for number in range(len(series.measures), rows * COLUMNS):
        grid[number // COLUMNS][number % COLUMNS].set_visible(False)
    _legend(canvas, name, height)


def _panel(axes: Any, rows: pd.DataFrame, title: str, marks: tuple[str, Sequence[Break]]) -> None:
    start, breaks = marks
    periods = rows["period"].tolist()
    x = style.positions(periods)
    style.band(axes, x, rows["others_low"].to_numpy(), rows["others_high"].to_numpy(), style.ORANGE)
    axes.plot(x, rows["others_mean"], color=style.ORANGE, linestyle=(0, (5, 2)), linewidth=1.6)
    axes.plot(x, rows["share"], color=style.BLUE, linewidth=2)
    style.month_axis(axes, periods[0], periods[-1], most=5)
    axes.axvline(month_number(start) - 0.5, color=style.INK, linestyle=(0, (4, 3)), linewidth=1.2)
    mark_breaks(axes, breaks)
    axes.set_title(title, pad=4)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
    axes.locator_params(axis="y", nbins=4)


def _legend(canvas: Any, name: str, height: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=style.BLUE, linewidth=2, label=name),
        Line2D([], [], color=style.ORANGE, linestyle=(0, (5, 2)), linewidth=1.6, label="Mean of the others"),
        Patch(facecolor=style.ORANGE, alpha=0.3, label="Eight in ten of them"),
    ]
    canvas.legend(
        handles=handles, loc="lower center", ncols=len(handles), borderpad=0, columnspacing=1.4, handletextpad=0.5,
        bbox_to_anchor=(0.5, (style.STRIP + 0.06) / height),
    )  # fmt: skip

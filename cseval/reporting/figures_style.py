"""The look of every figure: Analysis Function palette, DejaVu Sans at 12 points, and shared marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cseval.inputs import DEMONSTRATION
from cseval.months import month_number, month_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cseval.result import EvaluationResult

BLUE, TEAL, PLUM, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
INK, GREY, PALE = "#0B0C0C", "#595959", "#BFBFBF"
SIMULATED_MARK = "Simulated demonstration data: no real place"
REGISTER_MARK = "Demonstration report: its effects are simulated"

#: Width in inches. Pages show figures 768 pixels wide at most, which is 8 inches, so 12 points are 12 points.
WIDTH = 8.0

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8A8A8A",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.8,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.color": "#8A8A8A",
    "ytick.color": "#8A8A8A",
    "legend.fontsize": 12,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "cseval",
    "hatch.linewidth": 1.2,
}


def mark_of(result: EvaluationResult, mark: str = SIMULATED_MARK) -> str:
    """What a figure says of its data: nothing if they are real."""
    return mark if result.data == DEMONSTRATION else ""


def positions(months: Sequence[str]) -> list[int]:
    """Months as positions on the axis."""
    return [month_number(m) for m in months]


def month_axis(axes: Any, first: str, last: str, most: int = 12) -> None:
    """Label the Januaries of a month axis with their years, `most` at most, and give the axis its ends."""
    low, high = month_number(first), month_number(last)
    years = [n for n in range(low, high + 1) if n % 12 == 0]
    years = years[:: -(-len(years) // most)] if years else years
    axes.set_xticks(years, [f"Jan\n{n // 12}" for n in years])
    axes.set_xlim(low - 1, high + 1)


def mark_start(axes: Any, start: str, *, offset: float = -0.5) -> None:
    """A dashed vertical line at the start, with the start in words above the plot.

    Months are points at whole numbers, so the line stands half a month before the first one; where months are
    stretches of a bar, `offset` is 0.
    """
    place = month_number(start) + offset
    axes.axvline(place, color=INK, linewidth=1.4, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"Start: {month_words(start)}",
        (place, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=INK,
        annotation_clip=False,
    )


def end_labels(axes: Any, labels: Sequence[tuple[float, float, str, str]]) -> None:
    """Names at the right end of lines, moved apart where they would touch.

    Each label is ``(x, y, text, colour)``; text stays in ink where the colour is too light to read.
    """
    low, high = axes.get_ylim()
    line = (high - low) * 0.066
    top = low
    for x, y, text, colour in sorted(labels, key=lambda item: item[1]):
        half = line * (text.count("\n") + 1) / 2
        spot = max(y, top + half)
        top = spot + half
        axes.annotate(
            text,
            (x, y),
            xytext=(axes.get_xlim()[1], spot),
            va="center",
            ha="left",
            color=colour if colour in (BLUE, PLUM) else INK,
            annotation_clip=False,
        )


def percent_ticks(axes: Any, which: str) -> None:
    """Tick labels of a percentage axis with a true minus sign."""
    from matplotlib.ticker import FuncFormatter

    axis = getattr(axes, f"{which}axis")
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:+.0f}%".replace("-", "−") if abs(v) > 1e-9 else "0%"))


def count_ticks(axes: Any, which: str = "y") -> None:
    """Tick labels of a count axis with thousands separators."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))

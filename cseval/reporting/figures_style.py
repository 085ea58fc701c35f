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

#: Height in inches beyond which a figure as wide as the text no longer fits a printed page with its title and caption.
TALLEST = 9.5

#: Inches at the bottom of every figure where the mark of simulated data stands; cut off where there is none.
STRIP = 0.3

#: Months beyond which a line is drawn thin and without points, or it would hide the one behind it.
MANY_MONTHS = 60

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


def mark_start(axes: Any, start: str, *, offset: float = -0.5, first: bool = False) -> None:
    """A dashed vertical line at the start, with the start in words above the plot.

    Months are points at whole numbers, so the line stands half a month before the first one; where months are
    stretches of a bar, `offset` is 0. `first` says that other units began later.
    """
    label_line(axes, month_number(start) + offset, f"{'First start' if first else 'Start'}: {month_words(start)}")


def label_line(axes: Any, place: float, text: str, *, dashed: bool = True, **look: Any) -> None:
    """A vertical line with its name above the plot, hung so that it stays inside the picture."""
    line: dict[str, Any] = {"color": INK, "linewidth": 1.4, "zorder": 1, **look}
    axes.axvline(place, linestyle=(0, (4, 3)) if dashed else "solid", **line)
    low, high = axes.get_xlim()
    axes.annotate(
        text, (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
        ha=side(place, low, high), va="bottom", color=INK, annotation_clip=False,
    )  # fmt: skip


def side(value: float, low: float, high: float) -> str:
    """Where a label hangs so that it stays inside the picture."""
    share = (value - low) / (high - low)
    return "left" if share < 0.2 else "right" if share > 0.8 else "center"


def band(axes: Any, x: Any, low: Any, high: Any, colour: str) -> None:
    """A shaded band whose edges are drawn, since the shade alone is too pale to be seen by everyone."""
    axes.fill_between(x, low, high, color=colour, alpha=0.22, linewidth=0)
    for edge in (low, high):
        axes.plot(x, edge, color=colour, linewidth=0.9, zorder=1.5)


def line_look(months: int) -> dict[str, Any]:
    """How the line of the treated area is drawn: with a point for each month where there is room for them."""
    return {"linewidth": 1.5} if months > MANY_MONTHS else {"linewidth": 2, "marker": "o", "ms": 4}


def end_labels(axes: Any, labels: Sequence[tuple[float, float, str, str]]) -> None:
    """Names at the right end of lines, moved apart where they would touch.

    Each label is ``(x, y, text, colour)``; text stays in ink where the colour is too light to read.
    """
    low, high = axes.get_ylim()
    line = (high - low) * 0.066
    ordered = sorted(labels, key=lambda item: item[1])
    spots = spread([y for _, y, _, _ in ordered], [line * (text.count("\n") + 1) for _, _, text, _ in ordered])
    for (x, y, text, colour), spot in zip(ordered, spots, strict=True):
        axes.annotate(
            text,
            (x, y),
            xytext=(axes.get_xlim()[1], spot),
            va="center",
            ha="left",
            color=colour if colour in (BLUE, PLUM) else INK,
            annotation_clip=False,
        )


def spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Middles of labels of these heights, in rising order, that do not touch and lie near where they are wanted."""
    groups: list[tuple[float, float, int]] = []  # the middle of the group, its height, and how many labels it holds
    for middle, height in zip(wanted, heights, strict=True):
        group = (middle, height, 1)
        while groups and groups[-1][0] + groups[-1][1] / 2 > group[0] - group[1] / 2:
            before = groups.pop()
            count = before[2] + group[2]
            middle = (before[0] * before[2] + group[0] * group[2]) / count
            group = (middle, before[1] + group[1], count)
        groups.append(group)
    spots, done = [], 0
    for middle, height, count in groups:
        at = middle - height / 2
        for own in heights[done : done + count]:
            spots.append(at + own / 2)
            at += own
        done += count
    return spots


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

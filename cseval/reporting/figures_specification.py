"""The specification curve: every estimate with its interval, and below it the choices that gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.checks.specification_curve import NAME, curve_frame
from cseval.checks.specifications import DIMENSIONS
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_series import panel_axes, two_lines
from cseval.reporting.tables_base import source_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from cseval.result import EvaluationResult

DIMENSION_WORDS = {
    "outcome": "Outcome",
    "window": "Months looked at",
    "comparison_group": "Compared with",
    "start": "Start",
    "transition": "Left out after the start",
    "buffer_rings": "Neighbours left out",
    "model": "Model",
}
#: Beyond these changes an interval is cut, or one wide interval would hide all others.
LEAST, MOST = -100.0, 120.0

#: Inches of the upper plot, of one row of choices, and of the margins.
CURVE, ROW, LEFT, RIGHT, TOP, GAP, BOTTOM = 3.0, 0.245, 2.75, 0.2, 0.4, 0.2, 0.75


def specification_figure(result: EvaluationResult) -> Figure | str:
    """Estimates of every specification in order, with the choices of each; the registered one is marked."""
    check = next((c for c in result.checks if c.name == NAME), None)
    data = curve_frame(check).dropna(subset=["percent_change"]) if check is not None else None
    if check is None or data is None or not len(data):
        return "The figure of the specification curve is left out: the run holds no specification curve."
    rows = choice_rows(data)
    return Figure(
        name="specification-curve",
        title="The estimate under every combination of defensible choices",
        alt=_alt(data),
        caption=_caption(data, len(curve_frame(check)), source_words(result)),
        data=data.drop(columns="reason"),
        draw=lambda canvas: _draw(canvas, data, rows),
        height=TOP + CURVE + GAP + ROW * len(rows) + BOTTOM,
        mark=style.mark_of(result),
    )


def choice_rows(data: pd.DataFrame) -> list[tuple[str, Any]]:
    """Rows of the lower plot: each dimension with more than one choice, as a heading (choice None), and its choices."""
    rows: list[tuple[str, Any]] = []
    for dimension in DIMENSIONS:
        choices = sorted(data[dimension].unique().tolist())
        if len(choices) > 1:
            rows += [(dimension, None), *((dimension, c) for c in choices)]
    return rows


def choice_words(dimension: str, choice: Any) -> str:
    """A choice as the figure labels it."""
    words: dict[str, Callable[[Any], str]] = {
        "outcome": lambda c: f.sentence_case(f.outcome_words(c).split(" (")[0]),
        "window": lambda c: f.span_words(*c.split(" to ")),
        "comparison_group": lambda c: (
            "All other areas" if c == "all" else f.sentence_case(f"{c.replace('-', ' ')} only")
        ),
        "start": f.month_words,
        "transition": lambda c: f.plural(c, "month") if c else "No month",
        "buffer_rings": lambda c: f.plural(c, "ring") if c else "None",
        "model": str,
    }
    return words[dimension](choice)


# Words ------------------------------------------------------------------------------------------------


def _caption(data: pd.DataFrame, declared: int, source: str) -> str:
    missing = declared - len(data)
    unmade = f" {f.plural(missing, 'specification')} could not be made; the table gives the reasons." if missing else ""
    return (
        "Above: each estimate with its 95% interval, in order; intervals in heavy lines leave out zero, hollow points "
        "have none. Below: a bar under an estimate stands beside each choice that it rests on; a choice that is the "
        "same for all is not shown. The diamonds and the dashed line mark the registered "
        f"specification.{unmade} Source: {source}."
    )


def _alt(data: pd.DataFrame) -> str:
    changes = data["percent_change"]
    below, above = int((data["percent_high"] < 0).sum()), int((data["percent_low"] > 0).sum())
    own = data[data["registered"]]
    said = (
        f" The registered one is {f.percent_text(float(own['percent_change'].iloc[0]))}, number "
        f"{int(own['rank'].iloc[0])} from the lowest."
        if len(own)
        else ""
    )
    having = int(data[["percent_low", "percent_high"]].notna().all(axis=1).sum())
    some = "" if having == len(data) else f", which {having} have,"
    return (
        f"Specification curve of {f.plural(len(data), 'estimate')}, from {f.percent_text(changes.min())} to "
        f"{f.percent_text(changes.max())}, median {f.percent_text(changes.median())}. "
        f"The interval{some} lies below zero in {below or 'none'} and above zero in {above or 'none'}."
        f"{said}{_matters_most(data)}"
    )


def _matters_most(data: pd.DataFrame) -> str:
    """The dimension whose choices move the median estimate most, in one sentence."""
    medians = {d: data.groupby(d)["percent_change"].median() for d in DIMENSIONS if data[d].nunique() > 1}
    if not medians:
        return ""
    first = max(medians, key=lambda d: float(medians[d].max() - medians[d].min()))
    parts = [f"{f.percent_text(float(m))} ({choice_words(first, c)})" for c, m in medians[first].items()]
    return f" The choice that matters most is {DIMENSION_WORDS[first].lower()}: median {f.joined(parts)}."


# Drawing ----------------------------------------------------------------------------------------------


def _draw(canvas: Any, data: pd.DataFrame, rows: Sequence[tuple[str, Any]]) -> None:
    below = BOTTOM + ROW * len(rows)
    curve = panel_axes(canvas, left=LEFT, right=RIGHT, top=TOP, bottom=below + GAP)
    choices = panel_axes(canvas, left=LEFT, right=RIGHT, top=TOP + CURVE + GAP, bottom=BOTTOM)
    own = [float(r) for r in data.loc[data["registered"], "rank"]]
    _draw_curve(curve, data)
    _draw_choices(choices, data, rows)
    for axes in (curve, choices):
        axes.set_xlim(0, len(data) + 1)
        for place in own:
            axes.axvline(place, color=style.PLUM, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    for place in own:
        _name_registered(curve, place, len(data))


def _name_registered(axes: Any, place: float, most: int) -> None:
    share = place / (most + 1)
    side = "left" if share < 0.25 else "right" if share > 0.75 else "center"
    axes.annotate(
        "Registered", (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points",
        ha=side, color=style.PLUM, fontweight="bold", annotation_clip=False,
    )  # fmt: skip


def _draw_curve(axes: Any, data: pd.DataFrame) -> None:
    """Intervals as vertical lines and estimates as points; heavier where the interval leaves out zero.

    An estimate without an interval is a hollow point.
    """
    import numpy as np

    place = data["rank"].to_numpy(float)
    change, low, high = (
        data[c].to_numpy(float).clip(LEAST, MOST) for c in ("percent_change", "percent_low", "percent_high")
    )
    clear = (low > 0) | (high < 0)
    wide = _column_points(len(data))
    bare = ~np.isfinite(data["percent_low"].to_numpy(float))
    for which, colour, share, size in ((~clear, style.GREY, 0.3, 1.2), (clear, style.BLUE, 0.8, 1.9)):
        _bars(axes, place[which], low[which], high[which], color=colour, linewidth=max(share * wide, 0.5), zorder=2)
        axes.plot(place[which], change[which], "o", ms=max(size * min(wide, 4.0), 2.0), color=colour, zorder=3)
    axes.plot(place[bare], change[bare], "o", ms=5, color=style.GREY, mfc="white", zorder=4)
    own = data["registered"].to_numpy(bool)
    axes.vlines(place[own], low[own], high[own], color=style.PLUM, linewidth=2, zorder=4)
    axes.plot(place[own], change[own], "D", ms=8, color=style.PLUM, zorder=5)
    axes.axhline(0, color=style.INK, linewidth=1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.locator_params(axis="y", nbins=7)
    style.percent_ticks(axes, "y")
    axes.set_ylabel("Change against what\nwas expected")


def _bars(axes: Any, places: Any, low: Any, high: Any, **look: Any) -> None:
    """Vertical bars as one line with gaps, which is drawn and written several times faster than a line for each."""
    import numpy as np

    low, high = np.broadcast_to(low, places.shape), np.broadcast_to(high, places.shape)
    y = np.column_stack([low, high, np.full(len(places), np.nan)])
    axes.plot(np.repeat(places, 3), y.ravel(), solid_capstyle="butt", **look)


def _column_points(columns: int) -> float:
    """Width of one column in points."""
    return float(min(72 * (style.WIDTH - LEFT - RIGHT) / (columns + 1), 8.0))


def _draw_choices(axes: Any, data: pd.DataFrame, rows: Sequence[tuple[str, Any]]) -> None:
    """A bar in the row of each choice that an estimate rests on; the registered one's are diamonds."""
    wide, labels = _column_points(len(data)), []
    for line, (dimension, choice) in enumerate(rows):
        if choice is None:
            _heading(axes, line, DIMENSION_WORDS[dimension])
            continue
        labels.append((line, two_lines(choice_words(dimension, choice), 1)))
        used = data[data[dimension] == choice]
        places = used["rank"].to_numpy(float)
        _bars(axes, places, line - 0.32, line + 0.32, color=style.BLUE, linewidth=max(0.6 * wide, 0.6), zorder=2)
        own = used.loc[used["registered"], "rank"].to_numpy(float)
        axes.plot(own, [line] * len(own), "D", ms=7, color=style.PLUM, mec="white", mew=0.8, zorder=4)
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.set_yticks([y for y, _ in labels], [text for _, text in labels])
    axes.tick_params(axis="y", length=0)
    axes.grid(False)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(f"{f.plural(len(data), 'specification')}, from the lowest estimate to the highest")


def _heading(axes: Any, line: int, text: str) -> None:
    axes.annotate(
        text, (0, line), xycoords=("axes fraction", "data"), xytext=(-(LEFT - 0.1) * 72, 0),
        textcoords="offset points", va="center", ha="left", fontweight="bold", annotation_clip=False,
    )  # fmt: skip
    axes.axhline(
        line - 0.5, color=style.PALE, linewidth=0.8, xmin=-(LEFT - 0.1) / (style.WIDTH - LEFT - RIGHT), clip_on=False
    )

"""Figures of public claims: every unit's change and its rank, the funnel of changes by size, and the rolling year."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting import figures_style as style
from cseval.reporting.dated_changes import breaks_words, mark_breaks
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import beside, look_of_rows
from cseval.reporting.figures_series import panel_axes
from cseval.reporting.tables_base import number, records

if TYPE_CHECKING:
    import pandas as pd

    from cseval.claims.base import ClaimResult
    from cseval.registry.breaks import Break

#: Beyond these changes an interval is cut and ends in an arrow.
LEAST, MOST = -100.0, 150.0
ROW = 0.245
#: Points that a letter of a bold name takes across.
LETTER = 8.0
#: Letters of a name beside a line.
WRAP = 17


def _mark(data: str) -> str:
    return style.SIMULATED_MARK if data == DEMONSTRATION else ""


def _what(claim: ClaimResult) -> str:
    return f.outcome_words(claim.outcome).lower()


def _name(claim: ClaimResult, figure: str) -> str:
    return f"{figure}-{claim.statement.slug}"


# Ranking ----------------------------------------------------------------------------------------------


def ranking_figure(claim: ClaimResult, *, source: str, data: str) -> Figure | str:
    """The change of every unit with its interval, the largest fall first, the unit of the statement marked.

    Parameters
    ----------
    claim : ClaimResult
        With a frame ``ranking``.
    source : str
        Titles of the data in words.
    data : {"real", "demonstration"}

    Returns
    -------
    Figure, or a sentence that says why there is none.
    """
    frame = claim.frames.get("ranking")
    if frame is None or frame["percent_change"].isna().all():
        return f"The ranking figure of {claim.statement.slug} is left out: there is no change in percent to rank."
    shown = frame.dropna(subset=["percent_change"]).reset_index(drop=True)
    return Figure(
        name=_name(claim, "ranking"),
        title=f"Change in recorded {_what(claim)} in every area, largest fall first",
        alt=_ranking_alt(shown, _what(claim)),
        caption=(
            "Change in percent with its 95% interval, which allows for what counts move from year to year by "
            "themselves. The area of the statement is drawn as a diamond with its name in bold. Ranks on the right: "
            "as recorded, and in brackets the 95% set that holds for all areas at once. "
            f"Source: {source}."
        ),
        data=shown,
        draw=lambda canvas: _draw_ranking(canvas, shown),
        height=1.55 + ROW * len(shown),
        mark=_mark(data),
    )


def _stated(frame: pd.DataFrame) -> Mapping[str, Any] | None:
    """The row of the unit that the statement is about, if it is among them."""
    rows = records(frame[frame["stated"]])
    return rows[0] if rows else None


def _ranking_alt(frame: pd.DataFrame, what: str) -> str:
    first, own = records(frame)[0], _stated(frame)
    text = f"Chart of the change in {what} in {len(frame)} areas, largest fall first. "
    if own is not None:
        text += (
            f"{own['name']} stands {_place(own, 'rank_relative')} with {f.change_words(own['percent_change'])} "
            f"({f.interval_text(own['conf_low'], own['conf_high'])}); the set of ranks that chance leaves open, for "
            f"all areas at once, runs from {own['rank_low']} to {own['rank_high']} of {len(frame)}. "
        )
    return text + f"First stands {first['name']} with {f.change_words(first['percent_change'])}."


def _place(row: Mapping[str, Any], column: str) -> str:
    from cseval.claims.phrases import ordinal

    return ordinal(int(row[column]))


def _draw_ranking(canvas: Any, frame: pd.DataFrame) -> None:
    axes = panel_axes(canvas, left=2.4, right=1.45, top=0.45, bottom=1.0)
    for place, row in enumerate(records(frame)):
        _draw_change(axes, place, row)
    names = axes.set_yticks(range(len(frame)), frame["name"].tolist()) and axes.get_yticklabels()
    for label, own in zip(names, frame["stated"].tolist(), strict=True):
        label.set_fontweight("bold" if own else "normal")
    axes.axvline(0, color=style.INK, linewidth=1)
    axes.set_ylim(len(frame) - 0.4, -0.6)
    look_of_rows(axes)
    axes.locator_params(axis="x", nbins=6)
    style.percent_ticks(axes, "x")
    axes.set_xlabel("Change")
    axes.text(1.02, 1.0, "Rank (set)", transform=axes.transAxes, va="bottom", ha="left", fontweight="bold")


def _draw_change(axes: Any, place: int, row: Mapping[str, Any]) -> None:
    """A bar for the interval, cut with an arrow where it is long, and the rank beside it."""
    own = bool(row["stated"])
    marker, colour, width = ("D", style.PLUM, 3.0) if own else ("o", style.BLUE, 1.6)
    low, high = number(row["conf_low"]), number(row["conf_high"])
    axes.plot([max(low, LEAST), min(high, MOST)], [place, place], color=colour, linewidth=width)
    if high > MOST:
        axes.plot(MOST, place, marker=">", ms=7, color=colour)
    change = min(max(number(row["percent_change"]), LEAST), MOST)
    axes.plot(change, place, marker=marker, ms=8 if own else 6, color=colour, linestyle="none", clip_on=False)
    ranks = f"{row['rank_relative']} ({row['rank_low']} to {row['rank_high']})"
    beside(axes, place, ranks, fontweight="bold" if own else "normal")


# Funnel -----------------------------------------------------------------------------------------------


def funnel_figure(claim: ClaimResult, *, source: str, data: str) -> Figure | str:
    """Change of every unit against its size, with the limits that chance alone seldom leaves.

    Parameters and returns as in `ranking_figure`.
    """
    frame = claim.frames.get("ranking")
    if frame is None or frame["percent_change"].isna().all():
        return f"The funnel of {claim.statement.slug} is left out: there is no change in percent to draw."
    shown = frame.dropna(subset=["percent_change"]).sort_values(["before", "unit"], kind="stable")
    shown = shown.reset_index(drop=True)
    columns = [c for c in shown if c in ("unit", "name", "stated", "before", "percent_change") or "funnel" in str(c)]
    return Figure(
        name=_name(claim, "funnel"),
        title=f"Change in recorded {_what(claim)} against how many there were before",
        alt=_funnel_alt(shown, _what(claim)),
        caption=(
            "Each point is an area. Without any difference between areas 95% of points would lie between the dashed "
            "lines and 99.8% between the solid ones, given how much counts move from year to year by themselves. The "
            f"area of the statement is a diamond with its name. Source: {source}."
        ),
        data=shown[columns],
        draw=lambda canvas: _draw_funnel(canvas, shown),
        height=5.2,
        mark=_mark(data),
    )


def _outside(frame: pd.DataFrame, level: str) -> pd.DataFrame:
    low, high = frame[f"funnel_low_{level}"], frame[f"funnel_high_{level}"]
    return frame[(frame["percent_change"] < low) | (frame["percent_change"] > high)]


def _funnel_alt(frame: pd.DataFrame, what: str) -> str:
    own, outside, far = _stated(frame), _outside(frame, "95"), _outside(frame, "998")
    text = f"Funnel plot of the change in {what} in {len(frame)} areas by size. "
    if own is not None:
        inside = own["funnel_low_95"] <= own["percent_change"] <= own["funnel_high_95"]
        where = "inside" if inside else "outside"
        text += f"{own['name']}, with {f.change_words(own['percent_change'])}, lies {where} the 95% limits. "
    names = f": {f.joined(outside['name'].tolist())}" if 0 < len(outside) <= 5 else ""
    return text + (
        f"{_many(len(outside))} outside the 95% limits{names}; {_many(len(far)).lower()} outside the 99.8% limits."
    )


def _many(count: int) -> str:
    return "No area lies" if count == 0 else f.plural(count, "area lies", "areas lie")


def _draw_funnel(canvas: Any, frame: pd.DataFrame) -> None:
    axes = panel_axes(canvas, left=1.0, right=0.95, top=0.3, bottom=1.1)
    size, change = frame["before"].to_numpy(dtype=float), frame["percent_change"].to_numpy(dtype=float)
    ends: list[tuple[float, float, str, str]] = []
    for level, line, words in (("95", (0, (5, 2)), "95%"), ("998", "solid", "99.8%")):
        for side in ("low", "high"):
            limit = frame[f"funnel_{side}_{level}"].to_numpy(dtype=float)
            axes.plot(size, limit, color=style.GREY, linestyle=line, linewidth=1.4)
            ends.append((size[-1], float(limit[-1]), words, style.GREY))
    stated = frame["stated"].to_numpy(dtype=bool)
    axes.plot(size[~stated], change[~stated], "o", ms=7, color=style.BLUE, alpha=0.85)
    axes.axhline(0, color=style.INK, linewidth=1)
    _funnel_range(axes, frame)
    _name_point(axes, _stated(frame), size, change)
    style.count_ticks(axes, "x")
    style.percent_ticks(axes, "y")
    axes.set(xlabel="Incidents before", ylabel="Change")
    low, high = axes.get_ylim()
    style.end_labels(axes, [e for e in ends if low <= e[1] <= high])


def _funnel_range(axes: Any, frame: pd.DataFrame) -> None:
    """Room for every point and, where it does not flatten the rest, for the limits."""
    size, change = frame["before"].astype(float), frame["percent_change"].astype(float)
    widest = max(float(change.abs().max()) * 1.55, float(frame["funnel_high_95"].median()) * 1.5)
    top = max(min(widest, float(frame["funnel_high_998"].max()) * 1.05), float(change.max()) * 1.05)
    bottom = max(min(float(frame["funnel_low_998"].min()) * 1.05, float(change.min()) * 1.1), -104.0)
    axes.set_ylim(bottom, top)
    margin = 0.03 * float(size.max() - size.min() or 1)
    axes.set_xlim(max(float(size.min()) - margin, 0), float(size.max()) + margin)


def _name_point(axes: Any, own: Mapping[str, Any] | None, size: Any, change: Any) -> None:
    """The unit of the statement as a diamond, with its name beside it where the fewest points lie under it."""
    if own is None:
        return
    from matplotlib.patheffects import withStroke

    x, y = number(own["before"]), number(own["percent_change"])
    axes.plot(x, y, "D", ms=10, color=style.PLUM, mec="white", mew=1.2, zorder=4)
    look = {"color": style.PLUM, "fontweight": "bold", "zorder": 5}
    halo = [withStroke(linewidth=3, foreground="white")]
    across, up = _roomiest(axes, str(own["name"]), (x, y), size, change)
    axes.annotate(
        str(own["name"]), (x, y), xytext=(across, up), textcoords="offset points", va="center",
        ha="left" if across > 0 else "right", path_effects=halo, **look,
    )  # fmt: skip


def _roomiest(axes: Any, name: str, at: tuple[float, float], size: Any, change: Any) -> tuple[float, float]:
    """Offset in points of a name beside a point: inside the plot, over as few other points as can be."""
    import numpy as np

    shift = axes.figure.dpi / 72
    spots = axes.transData.transform(np.column_stack([size, change])) / shift
    x, y = axes.transData.transform(at) / shift
    box = axes.get_window_extent()
    left, right = box.x0 / shift, box.x1 / shift
    level = axes.transData.transform((0, 0))[1] / shift  # the line of no change
    wide = LETTER * len(name)

    def hidden(offset: tuple[float, float]) -> tuple[int, float]:
        across, up = offset
        start = x + across if across > 0 else x + across - wide
        over = (spots[:, 0] > start - 6) & (spots[:, 0] < start + wide + 6) & (abs(spots[:, 1] - y - up) < 13)
        outside, struck = start < left or start + wide > right, abs(level - y - up) < 9
        return int(over.sum()) + struck + 100 * outside, abs(up)

    return min(((a, u) for u in (0, 16, -16, 30, -30) for a in (11, -11)), key=hidden)


# Rolling year -----------------------------------------------------------------------------------------


def rolling_year_figure(claim: ClaimResult, *, source: str, data: str, breaks: Sequence[Break] = ()) -> Figure | str:
    """The rolling year of the statement's area and of all others, with the lines before and since the start.

    Parameters
    ----------
    claim : ClaimResult
        With the frames ``rolling_year`` and ``rolling_trend``.
    source : str
    data : {"real", "demonstration"}
    breaks : sequence of Break
        Dated changes that move the outcome in these months; each enters twelve rolling years.
    """
    frame, trends = claim.frames.get("rolling_year"), claim.frames.get("rolling_trend")
    if frame is None or trends is None:
        return f"The rolling year of {claim.statement.slug} is left out: no outcome was received for its months."
    start, (own, others) = _start_of(frame), trends["series"].drop_duplicates().tolist()[:2]
    return Figure(
        name=_name(claim, "rolling-year"),
        title=f"Rolling twelve-month total of recorded {_what(claim)}, {own} and {others}",
        alt=_rolling_alt(trends, _what(claim), own, others, start),
        caption=(
            f"Each point is the total of twelve months up to it; the year before {f.month_words(start)} is 100. "
            f"Straight lines: trend of {own} over rolling years wholly before and wholly after the start, with 95% "
            f"bands that allow for the eleven months which successive totals share. {others} is all other areas "
            f"together. {breaks_words(breaks)}The axis does not start at zero. Source: {source}."
        ),
        data=frame,
        draw=lambda canvas: _draw_rolling(canvas, frame, start, own, others, breaks),
        height=5.0,
        mark=_mark(data),
    )


def _start_of(frame: pd.DataFrame) -> str:
    """The month after the last rolling year that lies wholly before the start."""
    from cseval.months import add_months

    return add_months(str(frame.loc[frame["phase"] == "before", "period"].iloc[-1]), 1)


def _rolling_alt(trends: pd.DataFrame, what: str, own: str, others: str, start: str) -> str:
    after = {r["series"]: r for r in records(trends[trends["phase"] == "after"])}

    def trend(name: str) -> str:
        row = after[name]
        low, high = row["percent_low"], row["percent_high"]
        return f"{f.change_words(row['percent_a_year'])} a year ({f.interval_text(low, high)})"

    row = after[own]
    finding = "falls" if row["percent_high"] < 0 else "rises" if row["percent_low"] > 0 else "shows no clear trend"
    return (
        f"Line chart of the rolling twelve-month total of {what}. Since {f.month_words(start)} {own} {finding}: "
        f"{trend(own)}; {others} without it: {trend(others)}."
    )


def _draw_rolling(canvas: Any, frame: pd.DataFrame, start: str, own: str, others: str, breaks: Sequence[Break]) -> None:
    axes = panel_axes(canvas, left=0.95, right=1.85, top=0.45, bottom=1.2)
    x = style.positions(frame["period"].tolist())
    axes.plot(x, frame["london_index"], color=style.ORANGE, linestyle=(0, (5, 2)))
    axes.plot(x, frame["unit_index"], color=style.BLUE)
    for phase in ("before", "after"):
        rows = frame[frame["phase"] == phase]
        at = style.positions(rows["period"].tolist())
        low, high = (rows[c].to_numpy(dtype=float) for c in ("low", "high"))
        style.band(axes, at, low, high, style.TEAL)
        axes.plot(at, rows["fitted"], color=style.TEAL, linewidth=2.2)
    axes.axhline(100, color=style.GREY, linewidth=1)
    style.month_axis(axes, frame["period"].iloc[0], frame["period"].iloc[-1])
    style.count_ticks(axes)
    axes.set(ylabel=f"Year before {f.month_words(start)} = 100", xlabel="Twelve months up to")
    mark_breaks(axes, breaks)
    style.mark_start(axes, start)
    style.end_labels(axes, _rolling_labels(x[-1], frame, own, others))


def _rolling_labels(x: float, frame: pd.DataFrame, own: str, others: str) -> Sequence[tuple[float, float, str, str]]:
    last = records(frame)[-1]
    fitted = number(last["fitted"])
    labels = [
        (x, number(last["unit_index"]), textwrap.fill(own, WRAP), style.BLUE),
        (x, number(last["london_index"]), textwrap.fill(f"{others}, other areas (dashed)", WRAP), style.ORANGE),
    ]
    return labels + ([(x, fitted, "Trend and\n95% band", style.INK)] if math.isfinite(fitted) else [])

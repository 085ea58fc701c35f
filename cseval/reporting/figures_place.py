"""Figures of where and when: the roles of areas on the map, and other programmes over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.months import month_number
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_series import panel_axes, two_lines
from cseval.reporting.tables import source_words, treated_names

if TYPE_CHECKING:
    import pandas as pd

    from cseval.result import EvaluationResult

#: Fill, hatch and edge of each role: no role is told by its colour alone.
FILLS = {
    "treated": (style.BLUE, "", "white"),
    "buffer": ("#FBD3BD", "///", style.ORANGE),
    "comparison": ("#D5E6F3", "", "white"),
    "left out": ("#F3F3F3", "", "#BFBFBF"),
}


# Roles ------------------------------------------------------------------------------------------------


def roles_figure(result: EvaluationResult) -> Figure | str:
    """Map of treated, buffer and comparison areas, whole and close to the treated area."""
    outlines = result.inputs.areas.outlines
    data = _roles(result)
    if not outlines or not any(u in outlines for u in data.loc[data["role"] == "treated", "unit"]):
        return "The map of roles is left out: the run holds no boundaries."
    counts = {role: int((data["role"] == role).sum()) for role in FILLS}
    drawn = {role: [u for u in data.loc[data["role"] == role, "unit"] if u in outlines] for role in FILLS}
    return Figure(
        name="roles-map",
        title="Where the programme ran, and what it is compared with",
        alt=(
            f"Two maps, of all areas and of the surroundings of the treated area. "
            f"{f.plural(counts['treated'], 'area')} had the programme ({f.joined(treated_names(result)[:8])}); "
            f"{counts['buffer']} around it are left out as a buffer; {counts['comparison']} are the comparison."
        ),
        caption=f"Roles of areas in the primary analysis. Source: {source_words(result)}.",
        data=data,
        draw=lambda canvas: _draw_roles(canvas, drawn, outlines),
        height=4.9,
        mark=style.mark_of(result),
    )


def _roles(result: EvaluationResult) -> pd.DataFrame:
    """Role of every unit in the primary analysis, the treated ones first."""
    import pandas as pd

    design, panel = result.primary.design, result.inputs.panel
    buffer = frozenset().union(*design.buffer) if design.buffer_rings else frozenset()
    comparison = {u for u, member in zip(design.units, design.comparison, strict=True) if member}

    def role(unit: str) -> str:
        if unit in design.treated:
            return "treated"
        return "buffer" if unit in buffer else "comparison" if unit in comparison else "left out"

    names = {**result.inputs.areas.names, **panel.names}
    rows = [{"unit": u, "name": names.get(u) or u, "role": role(u)} for u in panel.units]
    order = list(FILLS)
    return pd.DataFrame(sorted(rows, key=lambda r: order.index(r["role"])))


def _draw_roles(canvas: Any, drawn: dict[str, list[str]], outlines: Any) -> None:
    from matplotlib.patches import Patch

    height = canvas.get_size_inches()[1]
    box = (0.85 / height, 1 - 1.25 / height)
    whole = canvas.add_axes((0.01, box[0], 0.48, box[1]))
    near = canvas.add_axes((0.51, box[0], 0.48, box[1]))
    for axes, title in ((whole, "All areas"), (near, "Around the treated area")):
        for role, units in drawn.items():
            _fill(axes, [ring for u in units for ring in outlines[u]], role)
        axes.set_title(title)
        axes.axis("off")
    whole.set_aspect("equal", anchor="N")
    near.set_aspect("equal", anchor="N")
    _zoom(whole, [ring for units in drawn.values() for u in units for ring in outlines[u]], 0.02)
    shape = (canvas.get_size_inches()[0] * 0.48) / (height * box[1])
    core = drawn["treated"] + drawn["buffer"]
    _zoom(near, [ring for u in core for ring in outlines[u]], 0.12, shape)
    handles = [
        Patch(facecolor=fill, hatch=hatch, edgecolor=style.GREY if edge == "white" else edge, label=f.sentence_case(r))
        for r, (fill, hatch, edge) in FILLS.items()
        if drawn[r]
    ]
    canvas.legend(
        handles=handles, loc="lower center", ncols=len(handles), bbox_to_anchor=(0.5, 0.4 / height), borderpad=0
    )


def _fill(axes: Any, rings: Sequence[Any], role: str) -> None:
    from matplotlib.collections import PolyCollection

    if rings:
        fill, hatch, edge = FILLS[role]
        axes.add_collection(
            PolyCollection(list(rings), facecolor=fill, edgecolor=edge, linewidth=0.5, hatch=hatch or None)
        )


def _zoom(axes: Any, rings: Iterable[Any], margin: float, shape: float | None = None) -> None:
    """Show the box around these rings with a margin that is a share of its size.

    With `shape`, width over height of the plot, the box is widened to fill it.
    """
    import numpy as np

    points = np.concatenate([np.asarray(ring) for ring in rings])
    low, high = points.min(axis=0), points.max(axis=0)
    reach = margin * float((high - low).max())
    half = (high - low) / 2 + reach
    if shape is not None:
        half = np.array([max(half[0], half[1] * shape), max(half[1], half[0] / shape)])
    middle = (low + high) / 2
    axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axes.set_ylim(middle[1] - half[1], middle[1] + half[1])


# Timeline ---------------------------------------------------------------------------------------------


def timeline_figure(result: EvaluationResult) -> Figure | str:
    """Other programmes of the register against the months before and after the start."""
    values = result.overlaps.values
    if not {"programme", "first_month", "last_month"} <= set(values.columns):
        return "The timeline is left out: the register gives no months."
    known = values[values["first_month"].fillna("").astype(str) != ""]
    if not len(known):
        return "The timeline is left out: no other programme with a known start ran in these months."
    window, start = result.evaluation.window, result.primary.design.start
    data = _bars(known, result.evaluation.programme.name, start, window.last)
    others = data[data["kind"] == "other"]
    near = int((others["first_month"].map(month_number) - month_number(start)).abs().le(6).sum())
    return Figure(
        name="timeline",
        title="Other programmes in the same months",
        alt=(
            f"Timeline of {f.plural(len(others), 'other programme')} from {f.span_words(window.first, window.last)}; "
            f"{near} of them began within six months of the start in {f.month_words(start)}."
        ),
        caption=(
            "Bars run from the first to the last month known; an arrow means that the programme began earlier or went "
            f"on after the window. Source: {result.overlaps.source or 'programme register'}."
        ),
        data=data[["programme", "first_month", "last_month"]],
        draw=lambda canvas: _draw_timeline(canvas, data, window.first, window.last, start),
        height=1.55 + 0.52 * len(data),
        mark=style.mark_of(result, style.REGISTER_MARK),
    )


def _bars(known: pd.DataFrame, programme: str, start: str, last: str) -> pd.DataFrame:
    import pandas as pd

    own = pd.DataFrame([{"programme": programme, "first_month": start, "last_month": "", "kind": "own"}])
    others = known[["programme", "first_month", "last_month"]].assign(kind="other")
    return pd.concat([own, others], ignore_index=True).fillna({"last_month": ""})


def _draw_timeline(canvas: Any, data: pd.DataFrame, first: str, last: str, start: str) -> None:
    axes = panel_axes(canvas, left=3.25, right=0.35, top=0.4, bottom=1.0)
    low, high = month_number(first), month_number(last) + 1
    for place, row in enumerate(data.to_dict("records")):
        begin = month_number(row["first_month"])
        end = month_number(row["last_month"]) + 1 if row["last_month"] else high + 1
        colour, hatch = (style.BLUE, "") if row["kind"] == "own" else ("#F9B491", "///")
        left, right = max(begin, low), max(min(end, high), low + 0.5)
        edge = style.ORANGE if hatch else colour
        look = {"facecolor": colour, "hatch": hatch, "edgecolor": edge, "linewidth": 0.8, "zorder": 2}
        axes.barh(place, right - left, left=left, height=0.55, **look)
        for past, spot, arrow in ((begin < low, low, "<"), (end > high, high, ">")):
            if past:
                axes.plot(spot, place, marker=arrow, ms=9, color=style.INK, clip_on=False, zorder=3)
    axes.set_yticks(range(len(data)), [two_lines(str(p)) for p in data["programme"]])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(data) - 0.4, -0.6)
    style.month_axis(axes, first, last, most=6)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    style.mark_start(axes, start, offset=0.0)

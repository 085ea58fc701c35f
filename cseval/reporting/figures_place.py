"""Figures of where and when: the roles of areas on the map, and other programmes over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.months import add_months, month_number
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import WORDED, Rows, place_rows, row_axes
from cseval.reporting.tables import source_words, treated_names

if TYPE_CHECKING:
    import pandas as pd

    from cseval.design import Design
    from cseval.result import EvaluationResult
    from cseval.spec import Window

#: Fill, hatch and edge of each role: no role is told by its colour alone.
FILLS = {
    "treated": (style.BLUE, "", "white"),
    "buffer": ("#FBD3BD", "///", style.ORANGE),
    "comparison": ("#D5E6F3", "", "white"),
    "left out": ("#F3F3F3", "", "#BFBFBF"),
}


#: Treated areas named in the alternative text.
MOST_NAMES = 8
#: Points that a map tells apart across its longer side, twice as many as it has dots.
GRID = 1200
#: Months shown before the first programme of the timeline.
MONTHS_AHEAD = 12


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
        alt=_roles_alt(counts, treated_names(result)),
        caption=f"Roles of areas in the primary analysis. Source: {source_words(result)}.",
        data=data,
        draw=lambda canvas: _draw_roles(canvas, drawn, outlines),
        height=4.9,
        mark=style.mark_of(result),
    )


def _roles_alt(counts: Mapping[str, int], names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    named = [*names[:MOST_NAMES], f"{more} more"] if more > 0 else names
    around = f"{counts['buffer']} around {'it' if len(names) == 1 else 'them'} are left out as a buffer; "
    return (
        "Two maps, of all areas and of the surroundings of the treated area. "
        f"{f.plural(counts['treated'], 'area')} had the programme ({f.joined(named)}); "
        f"{around if counts['buffer'] else ''}{counts['comparison']} are the comparison."
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

    width, height = canvas.get_size_inches()
    bottom, tall = 0.85 / height, 1 - 1.25 / height
    shape = 0.48 * width / (height * tall)
    core = drawn["treated"] + drawn["buffer"]
    views = (
        (0.01, "All areas", _box([r for units in drawn.values() for u in units for r in outlines[u]], 0.02)),
        (0.51, "Around the treated area", _box([r for u in core for r in outlines[u]], 0.12, shape)),
    )
    for left, title, box in views:
        axes = canvas.add_axes((left, bottom, 0.48, tall))
        for role, units in drawn.items():
            _fill(axes, [r for u in units for r in _shown(outlines[u], box)], role)
        axes.set_title(title)
        axes.axis("off")
        axes.set_aspect("equal", anchor="N")
        axes.set(xlim=(box[0, 0], box[1, 0]), ylim=(box[0, 1], box[1, 1]))
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


def _box(rings: Iterable[Any], margin: float, shape: float | None = None) -> Any:
    """Lower left and upper right corner around these rings, with a margin that is a share of the size.

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
    return np.array([middle - half, middle + half])


def _shown(rings: Iterable[Any], box: Any) -> list[Any]:
    """The rings that lie in the box, without points too close together to be told apart in print.

    Points move to a grid, the same one for all, so that neighbours still share their border.
    """
    import numpy as np

    step = float((box[1] - box[0]).max()) / GRID
    kept = []
    for ring in rings:
        if (ring.max(axis=0) >= box[0]).all() and (ring.min(axis=0) <= box[1]).all():
            points = np.round(ring / step) * step
            moved = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
            kept.append(points[moved])
    return kept


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
    data = _bars(known, result.evaluation.programme.name, start)
    first = _first_shown(data, window.first)
    begun = "" if first == window.first else f"None of them began before {f.month_words(first)}. "
    places = place_rows([("", data["programme"].tolist())], WORDED)
    unknown = len(values) - len(known)
    undated = f"{f.plural(unknown, 'more has', 'more have')} no known start. " if unknown else ""
    return Figure(
        name="timeline",
        title="Other programmes in the same months",
        alt=_timeline_alt(data[data["kind"] == "other"], start, window),
        caption=(
            "Bars run from the first to the last month known, in the months evaluated; an arrow means that a programme "
            f"began earlier, went on after them, or has no end in the register. {begun}{undated}"
            f"Source: {result.overlaps.source or 'programme register'}."
        ),
        data=data[["programme", "first_month", "last_month"]],
        draw=lambda canvas: _draw_timeline(canvas, data, places, (first, window.last), result.primary.design),
        height=places.height,
        mark=style.mark_of(result, style.REGISTER_MARK),
    )


def _bars(known: pd.DataFrame, programme: str, start: str) -> pd.DataFrame:
    import pandas as pd

    own = pd.DataFrame([{"programme": programme, "first_month": start, "last_month": "", "kind": "own"}])
    others = known[["programme", "first_month", "last_month"]].assign(kind="other")
    return pd.concat([own, others], ignore_index=True).fillna({"last_month": ""})


def _first_shown(data: pd.DataFrame, first: str) -> str:
    """The first month of the axis: of the window, or a year before the first programme where that is later."""
    earliest = min(data["first_month"], key=month_number)
    return max(first, add_months(earliest, -MONTHS_AHEAD), key=month_number)


def _timeline_alt(others: pd.DataFrame, start: str, window: Window) -> str:
    near = others[(others["first_month"].map(month_number) - month_number(start)).abs().le(6)]
    count = len(near) or "none"
    names = f": {f.joined(near['programme'].tolist())}" if 0 < len(near) <= 5 else ""
    return (
        f"Timeline of {f.plural(len(others), 'other programme')} from {f.span_words(window.first, window.last)}; "
        f"{count} of them began within six months of the start in {f.month_words(start)}{names}."
    )


def _draw_timeline(canvas: Any, data: pd.DataFrame, places: Rows, months: tuple[str, str], design: Design) -> None:
    axes = row_axes(canvas, places, left=3.5, right=0.35)
    low, high = month_number(months[0]), month_number(months[1]) + 1
    for row, (place, _) in zip(data.to_dict("records"), places.names, strict=True):
        begin = month_number(row["first_month"])
        end = month_number(row["last_month"]) + 1 if row["last_month"] else high + 1
        colour, hatch = (style.BLUE, "") if row["kind"] == "own" else ("#F9B491", "///")
        left, right = max(begin, low), max(min(end, high), low + 0.5)
        edge = style.ORANGE if hatch else colour
        look = {"facecolor": colour, "hatch": hatch, "edgecolor": edge, "linewidth": 0.8, "zorder": 2}
        axes.barh(place, right - left, left=left, height=0.22, **look)
        for past, spot, arrow in ((begin < low, low, "<"), (end > high, high, ">")):
            if past:
                axes.plot(spot, place, marker=arrow, ms=9, color=style.INK, clip_on=False, zorder=3)
    style.month_axis(axes, months[0], months[1], most=6)
    style.mark_start(axes, design.start, offset=0.0, first=design.staggered)

"""The timeline of the register: every programme, the months that evaluations look at, and changes of recording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.months import month_number, month_text
from cseval.registry.breaks import EVENT, MILESTONE, RECORDING
from cseval.registry.overlaps import overlaps_of
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import WORDED, Rows, place_rows, row_axes

if TYPE_CHECKING:
    from cseval.registry.breaks import Break
    from cseval.registry.details import Registry
    from cseval.registry.overlaps import Run

PROGRAMME, WINDOW = "programme", "evaluation"
#: Series of the picture: colour, hatch and what the legend calls it.
LOOKS = {
    PROGRAMME: (style.BLUE, "", "Programme"),
    WINDOW: ("#A9DDD9", "///", "Months evaluated"),
    RECORDING: (style.PLUM, "", "Change of recording"),
    EVENT: (style.ORANGE, "", "Event"),
}
MARKERS = {RECORDING: "D", EVENT: "o"}
HEADINGS = {PROGRAMME: "Programmes", "change": "Changes elsewhere"}
#: Height of a bar, and of the thinner one right under it for the months evaluated, in inches.
THICK, THIN = 0.17, 0.09
#: Months before the first programme that are shown.
AHEAD = 12
#: Inches under the plot for the legend.
LEGEND = 0.36


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One line of the picture; months as ``YYYY-MM``, empty where not known."""

    kind: str
    name: str
    first: str
    last: str
    beside: str = ""


def register_figure(registry: Registry) -> Figure | str:
    """Timeline of all programmes with how many others each overlaps, windows of evaluations, and dated changes.

    Returns
    -------
    Figure or str
        Why there is none where no programme has a start in the sources.
    """
    import pandas as pd

    known = [r for r in registry.runs if r.first]
    if not known:
        return "The timeline is left out: no programme of the register has a start in the sources."
    first, last = _months(known, registry)
    shown = [b for b in registry.breaks if b.kind != MILESTONE and b.runs_in(first, last) and b.first >= first]
    rows = [*_programme_rows(registry), *_window_rows(registry), *_change_rows(shown)]
    placed = [r for r in rows if r.kind != WINDOW]  # a window stands under the bar of its programme
    groups = [(h, [r.name for r in placed if _group(r) == kind]) for kind, h in HEADINGS.items()]
    places = place_rows([g for g in groups if g[1]], WORDED + LEGEND)
    return Figure(
        name="register-timeline",
        title="Programmes, evaluations and changes of recording over time",
        alt=_alt(registry, known, (first, last), shown),
        caption=_caption(registry, first, len(shown)),
        data=pd.DataFrame(
            [{"kind": r.kind, "name": r.name, "first_month": r.first, "last_month": r.last} for r in rows]
        ),
        draw=lambda canvas: _draw(canvas, rows, places, (first, last)),
        height=places.height,
    )


def _group(row: _Row) -> str:
    return row.kind if row.kind == PROGRAMME else "change"


def _months(known: Sequence[Run], registry: Registry) -> tuple[str, str]:
    """From a year before the first programme to the end of the year in which the last one began or ended."""
    begin = min(month_number(r.first) for r in known) - AHEAD
    end = max(month_number(m) for m in (registry.until, *(r.first for r in known)) if m)
    return month_text(begin), month_text(end - end % 12 + 11)


def _programme_rows(registry: Registry) -> list[_Row]:
    """Programmes by start, those without one last; beside each, how many others ran with it in the same place."""
    ordered = sorted(registry.runs, key=lambda r: (not r.first, r.first, r.name))
    return [
        _Row(kind=PROGRAMME, name=_name(r, registry), first=r.first, last=r.last, beside=_shared(r, registry))
        for r in ordered
    ]


def _name(run: Run, registry: Registry) -> str:
    return f"{run.name}, proposed" if registry.proposed(run.slug) else run.name


def _shared(run: Run, registry: Registry) -> str:
    found = overlaps_of(run, registry.runs, registry.until)
    return str(sum(bool(o.months) and o.possible for o in found)) if run.first else "?"


def _window_rows(registry: Registry) -> list[_Row]:
    names = {r.slug: r.name for r in registry.runs}
    windows = sorted(registry.windows, key=lambda w: (w.first, w.slug))
    return [_Row(kind=WINDOW, name=names[w.programme], first=w.first, last=w.last) for w in windows]


def _change_rows(shown: Iterable[Break]) -> list[_Row]:
    return [_Row(kind=b.kind, name=b.name, first=b.first, last=b.last) for b in shown]


# Words ------------------------------------------------------------------------------------------------


def _busiest(known: Sequence[Run], until: str) -> tuple[int, str, str]:
    """The most programmes at once, and the first and last month of the first spell in which there were so many."""
    first = min(month_number(r.first) for r in known)
    counts = {
        month: sum(month_number(r.first) <= month <= month_number(r.last or until) for r in known)
        for month in range(first, month_number(until) + 1)
    }
    most = max(counts.values(), default=0)
    begin = next((m for m, n in counts.items() if n == most), first)
    end = begin
    while counts.get(end + 1) == most:
        end += 1
    return most, month_text(begin), month_text(end)


def _alt(registry: Registry, known: Sequence[Run], months: tuple[str, str], shown: Sequence[Break]) -> str:
    most, begin, end = _busiest(known, registry.until or months[1])
    when = f.month_words(begin) if begin == end else f"from {f.span_words(begin, end)}"
    recording = sum(b.kind == RECORDING for b in shown)
    undated = len(registry.runs) - len(known)
    missing = f" {f.sentence_case(f.number_words(undated))} more have no start in the sources." if undated else ""
    return (
        f"Timeline of {f.plural(len(registry.runs), 'programme')} from {f.span_words(*months)}: up to {most} ran at "
        f"the same time, {when}, so no change then can be credited to one of them by its date.{missing} Under "
        f"their bars the months of {f.plural(len(registry.windows), 'evaluation')}; below them "
        f"{f.plural(recording, 'change of recording', 'changes of recording')} and "
        f"{f.plural(len(shown) - recording, 'event')}."
    )


def _caption(registry: Registry, first: str, shown: int) -> str:
    others = sum(b.kind != MILESTONE for b in registry.breaks) - shown
    left = f" {f.plural(others, 'dated change')} before or after these months are not drawn." if others else ""
    return (
        "The thin bar under a programme is the months that its evaluation looks at. On the right, how many other "
        "programmes ran in the same months and may have been in the same place. An arrow means that a bar began "
        f"before {f.month_words(first)}, or that no end is in the sources. A point is the first month of a change, a "
        f"line how long it lasted where it ended.{left} Source: data/reference/programmes.csv and breaks.csv."
    )


# Drawing ----------------------------------------------------------------------------------------------


def _draw(canvas: Any, rows: Sequence[_Row], places: Rows, months: tuple[str, str]) -> None:
    axes = row_axes(canvas, places, left=3.5, right=0.95)
    box = axes.get_position()
    lift = LEGEND / canvas.get_size_inches()[1]
    axes.set_position((box.x0, box.y0 + lift, box.width, box.height))
    style.month_axis(axes, months[0], months[1], most=7)
    ends = (month_number(months[0]), month_number(months[1]) + 1)
    placed = [r for r in rows if r.kind != WINDOW]
    for row, (at, _) in zip(placed, places.names, strict=True):
        _draw_row(axes, row, at, ends)
    under = {row.name: at + (THICK + THIN) / 2 for row, (at, _) in zip(placed, places.names, strict=True)}
    for row in (r for r in rows if r.kind == WINDOW and r.name in under):
        _draw_row(axes, row, under[row.name], ends)
    axes.annotate(
        "Overlaps", (1, 1), xycoords="axes fraction", xytext=(6, 4), textcoords="offset points", va="bottom",
        annotation_clip=False,
    )  # fmt: skip
    _legend(canvas, {r.kind for r in rows})


def _draw_row(axes: Any, row: _Row, at: float, ends: tuple[int, int]) -> None:
    (colour, hatch, _), (low, high) = LOOKS[row.kind], ends
    if row.beside:
        axes.text(1.05, at, row.beside, transform=axes.get_yaxis_transform(), va="center_baseline", ha="left")
    if not row.first:
        axes.text(low + 0.5, at, "start not in the sources", va="center_baseline", ha="left")
        return
    begin, open_end = month_number(row.first), not row.last
    end = high if open_end else month_number(row.last) + 1
    if row.kind in MARKERS:
        axes.plot(begin + 0.5, at, marker=MARKERS[row.kind], ms=7, color=colour, linestyle="none", zorder=3)
        if not open_end and end - begin > 1:
            axes.plot((begin + 0.5, min(end - 0.5, high)), (at, at), color=colour, linewidth=2.5, zorder=2)
        return
    left, right = max(begin, low), min(end, high)
    look = {"facecolor": colour, "hatch": hatch, "edgecolor": style.TEAL if hatch else colour, "linewidth": 0.8}
    axes.barh(at, right - left, left=left, height=THIN if row.kind == WINDOW else THICK, zorder=2, **look)
    for past, spot, arrow in ((begin < low, low, "<"), (open_end or end > high, high, ">")):
        if past:
            axes.plot(spot, at, marker=arrow, ms=8, color=style.INK, clip_on=False, zorder=3)


def _legend(canvas: Any, kinds: set[str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for kind, (colour, hatch, label) in LOOKS.items():
        if kind in kinds and kind in MARKERS:
            handles.append(Line2D([], [], color=colour, marker=MARKERS[kind], ms=7, linestyle="none", label=label))
        elif kind in kinds:
            edge = style.TEAL if hatch else colour
            handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor=edge, label=label))
    canvas.legend(
        handles=handles, loc="lower center", ncols=len(handles), borderpad=0, columnspacing=1.2, handletextpad=0.5,
        bbox_to_anchor=(0.5, (style.STRIP + 0.08) / canvas.get_size_inches()[1]),
    )  # fmt: skip

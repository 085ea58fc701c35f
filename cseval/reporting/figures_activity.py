"""Police activity above the outcome it drives: two panels over the same months."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.police_activity_words import driven_words, times_words
from cseval.reporting import figures_style as style
from cseval.reporting.dated_changes import breaks_words, mark_breaks
from cseval.reporting.figures import Figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.police_activity import ActivityResult
    from cseval.registry.breaks import Break

    Mask = npt.NDArray[np.bool_]

HEIGHT = 6.6
#: Margins in inches, and the room between the panels, which holds the name of the lower one.
LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 0.85, 0.3, 0.75, 1.0, 0.5


def activity_figure(result: ActivityResult, *, source: str, data: str, breaks: Sequence[Break] = ()) -> Figure | str:
    """Searches by month above the outcome they drive, the start marked and months that cannot be used shaded.

    Parameters
    ----------
    result : ActivityResult
    source : str
        Titles of the data in words.
    data : {"real", "demonstration"}
    breaks : sequence of Break
        Dated changes that move searches or the outcome in these months.

    Returns
    -------
    Figure, or a sentence that says why there is none.
    """
    if result.beside is None:
        return "The figure of police activity is left out: no outcome was received to show beside it."
    activity, outcome = f.outcome_words(result.activity), f.outcome_words(result.outcome)
    return Figure(
        name="police-activity",
        title=f"{f.sentence_case(activity)} and recorded {outcome} in {result.name} by month",
        alt=_alt(result, activity, outcome),
        caption=(
            f"Above: {activity}; below: recorded {outcome}. Both axes start at zero. {_shaded(result)}"
            f"{breaks_words(breaks)}Source: {source}."
        ),
        data=result.series,
        draw=lambda canvas: _draw(canvas, result, (activity, outcome), breaks),
        height=HEIGHT,
        mark=style.SIMULATED_MARK if data == DEMONSTRATION else "",
    )


def _shaded(result: ActivityResult) -> str:
    if not result.unusable:
        return ""
    count = len(result.unusable)
    return (
        f"Shaded: {f.plural(count, 'month')} in which searches were not received by area; they are missing, not zero, "
        "and neither series is compared over them. "
    )


def _alt(result: ActivityResult, activity: str, outcome: str) -> str:
    own, beside = result.own, result.beside
    text = (
        f"Two line charts over the same months. {f.sentence_case(activity)} in {result.name} went from "
        f"{f.count_text(own.before)} a month before {f.month_words(result.start)} to {f.count_text(own.after)} from "
        f"then on, {times_words(own)}; "
    )
    if beside is not None:
        text += (
            f"recorded {outcome} from {f.decimal_text(beside.before, digits=1)} to "
            f"{f.decimal_text(beside.after, digits=1)}, {times_words(beside)}. "
        )
    return text + driven_words(result.outcome)


def _draw(canvas: Any, result: ActivityResult, names: tuple[str, str], breaks: Sequence[Break]) -> None:
    activity, outcome = names
    frame, x = result.series, style.positions(result.series["period"].tolist())
    upper, lower = _panels(canvas)
    for axes, column, name, colour, above in (
        (upper, "searches", activity, style.BLUE, 0.3),
        (lower, "outcome", f"recorded {outcome}", style.PLUM, 0.08),
    ):
        values = frame[column].to_numpy(dtype=float)
        axes.plot(x, values, color=colour, **style.line_look(len(x)))
        axes.set_ylim(0, _top(values))
        style.month_axis(axes, frame["period"].iloc[0], frame["period"].iloc[-1])
        style.count_ticks(axes)
        axes.set_ylabel("A month")
        axes.text(
            0, 1 + above / _tall(), f.sentence_case(name), transform=axes.transAxes, va="bottom", fontweight="bold"
        )
        _shade(axes, x, ~frame["usable"].to_numpy(dtype=bool))
        mark_breaks(axes, breaks)
    style.mark_start(upper, result.start)
    lower.axvline(style.positions([result.start])[0] - 0.5, color=style.INK, linewidth=1.4, linestyle=(0, (4, 3)))
    upper.set_xticklabels([])


def _tall() -> float:
    """Height of a panel in inches."""
    return (HEIGHT - TOP - BOTTOM - BETWEEN) / 2


def _panels(canvas: Any) -> tuple[Any, Any]:
    width, height = canvas.get_size_inches()
    share = (LEFT / width, 1 - (LEFT + RIGHT) / width, _tall() / height)
    upper = (share[0], (BOTTOM + _tall() + BETWEEN) / height, share[1], share[2])
    return canvas.add_axes(upper), canvas.add_axes((share[0], BOTTOM / height, share[1], share[2]))


def _top(values: Any) -> float:
    import numpy as np

    highest = float(np.nanmax(values)) if np.isfinite(values).any() else math.nan
    return 1.12 * highest if math.isfinite(highest) and highest > 0 else 1.0


def _shade(axes: Any, x: list[int], missing: Mask) -> None:
    """Grey stripes with hatching over each run of months that cannot be used."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(int), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        axes.axvspan(
            x[first] - 0.5, x[last - 1] + 0.5, facecolor=style.PALE, alpha=0.45, hatch="///", edgecolor="white",
            linewidth=0, zorder=0,
        )  # fmt: skip

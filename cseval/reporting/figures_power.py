"""The power curve: which falls and rises the registered comparison would find, by months of follow-up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_series import panel_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cseval.power import PowerResult

#: At most four lines, told apart by dash and marker as well as by colour.
LINES = (
    (style.BLUE, "solid", "o"),
    (style.ORANGE, (0, (5, 2)), "s"),
    (style.PLUM, (0, (1, 1.2)), "D"),
    (style.TEAL, (0, (6, 2, 1, 2)), "^"),
)

#: Beyond the effects that are found this often the curve is flat and is not drawn.
CERTAIN = 0.995
#: Share of the axis that a label and the gap beside it take.
LABEL = 0.095
WIDE = (-75, -50, -25, 0, 50, 100, 150)
NARROW = (-50, -40, -30, -20, -10, 0, 10, 20, 35, 50, 70)


def power_figure(result: PowerResult, analysis: str = "", *, source: str = "", data: str = "") -> Figure | str:
    """Power by effect, one line for each number of months of follow-up.

    Parameters
    ----------
    result : PowerResult
    analysis : str
        Slug of the analysis drawn; the first one if left out.
    source : str
        Where the counts come from, in words.
    data : {"real", "demonstration", ""}
        Kind of data; simulated ones are marked inside the picture.
    """
    slug = analysis or (str(result.detectable["analysis"].iloc[0]) if len(result.detectable) else "")
    curve = result.curve[result.curve["analysis"] == slug]
    found = result.detectable[result.detectable["analysis"] == slug]
    if not len(curve):
        return "The power curve is left out: no power was measured."
    months = _drawn_months(found)
    curve = curve[curve["months_after"].isin(months)].reset_index(drop=True)
    outcome = f.outcome_words(str(found["outcome"].iloc[0]))
    return Figure(
        name="power",
        title=f"Which changes in {outcome} would be detected",
        alt=_alt(found[found["months_after"].isin(months)], outcome),
        caption=(
            "Share of placebo programmes in which a known change, put into the counts after the placebo start, is "
            "found at 5%. Four in five is the usual demand. At no change the line is the test's measured false-alarm "
            "rate. Bands: 95% simulation error of the longest follow-up drawn."
            + (f" Source: {source}." if source else "")
        ),
        data=curve[["months_before", "months_after", "effect_percent", "placebos", "power", "mc_error"]],
        draw=lambda canvas: _draw(canvas, curve, months),
        mark=style.SIMULATED_MARK if data == DEMONSTRATION else "",
    )


def detectable_text(change: float, error: float, largest: float) -> str:
    """A smallest detectable change for a table cell: ``27% (± 1.5)``, ``more than 80%``."""
    if not math.isfinite(change):
        return f"more than {abs(largest):.0f}%"
    return f"{abs(change):.0f}%" + (f" (± {error:.1f})" if math.isfinite(error) else "")


def _drawn_months(found: pd.DataFrame) -> list[int]:
    """At most four numbers of months: the shortest, the longest and what lies between at even steps."""
    every = sorted({int(m) for m in found["months_after"]})
    if len(every) <= len(LINES):
        return every
    step = (len(every) - 1) / (len(LINES) - 1)
    return [every[round(i * step)] for i in range(len(LINES))]


def _alt(found: pd.DataFrame, outcome: str) -> str:
    parts = [
        f"with {f.plural(int(r['months_after']), 'month')} of follow-up "
        f"{_reached('fall', r['mde_fall'], r['largest_fall'])} and {_reached('rise', r['mde_rise'], r['largest_rise'])}"
        for r in found.to_dict("records")
    ]
    return (
        f"Line chart of the chance to detect a change in {outcome} by size of the change. Detected four times in five: "
        f"{'; '.join(parts)}."
    )


def _reached(direction: str, change: float, largest: float) -> str:
    size = f"of {abs(change):.0f}%" if math.isfinite(change) else f"of more than {abs(largest):.0f}%"
    return f"a {direction} {size}"


def _draw(canvas: Any, curve: pd.DataFrame, months: list[int]) -> None:
    import numpy as np

    axes = panel_axes(canvas, left=1.0, right=0.35, top=0.85, bottom=1.05)
    for (colour, dash, marker), after in zip(LINES, months, strict=False):
        rows = curve[curve["months_after"] == after]
        x = _place(rows["effect_percent"].to_numpy())
        y, reach = rows["power"].to_numpy(), 1.96 * rows["mc_error"].to_numpy()
        if after == months[-1]:
            style.band(axes, x, np.clip(y - reach, 0, 1), np.clip(y + reach, 0, 1), colour)
        label = f.plural(after, "month")
        axes.plot(x, y, color=colour, linestyle=dash, marker=marker, ms=4, markevery=2, label=label)
    _four_in_five(axes)
    axes.axvline(0, color=style.INK, linewidth=1, linestyle=(0, (1, 2)))
    _axes(axes, curve)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(months), handlelength=2.6, columnspacing=1.4,
        title="Follow-up after the start", title_fontsize=12, borderpad=0.2,
    )  # fmt: skip


def _four_in_five(axes: Any) -> None:
    axes.axhline(0.8, color=style.GREY, linewidth=1.4, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        "four in five",
        (0.01, 0.8),
        xycoords=("axes fraction", "data"),
        xytext=(0, -4),
        textcoords="offset points",
        ha="left",
        va="top",
        color=style.INK,
    )


def _axes(axes: Any, curve: pd.DataFrame) -> None:
    """Effects at equal ratios, so that a halving is as far from no change as a doubling."""
    low, high = _shown(curve)
    candidates = WIDE if _place(high) - _place(low) > 1.2 else NARROW
    ticks = _apart([e for e in candidates if low <= e <= high], float(_place(high) - _place(low)))
    axes.set_xticks(_place(ticks), [f.percent_text(e, digits=0, signed=True) if e else "0%" for e in ticks])
    axes.set_xlim(*_place([low, high]))
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
    axes.set(xlabel="Change in incidents", ylabel="Detected")


def _apart(effects: Sequence[float], span: float) -> list[float]:
    """No change, and outwards from it the effects whose labels have room beside the ones before."""
    kept: list[float] = []
    for effect in sorted(effects, key=abs):
        if all(abs(float(_place(effect) - _place(k))) >= LABEL * span for k in kept):
            kept.append(effect)
    return sorted(kept)


def _shown(curve: pd.DataFrame) -> tuple[float, float]:
    """The effects drawn: from where every line has come up to certainty on one side to where it has on the other."""
    least = curve.groupby("effect_percent")["power"].min()
    sure = least.index[least >= CERTAIN]
    falls, rises = sure[sure < 0], sure[sure > 0]
    return (
        float(falls.max() if len(falls) else least.index.min()),
        float(rises.min() if len(rises) else least.index.max()),
    )


def _place(effects: Any) -> Any:
    """Position of an effect in per cent on the axis: the log of its ratio."""
    import numpy as np

    return np.log1p(np.asarray(effects, dtype=float) / 100)

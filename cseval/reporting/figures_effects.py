"""Figures of effects: all analyses, placebo neighbourhoods, and how often each method is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_series import panel_axes, two_lines
from cseval.reporting.tables import POPULATIONS, label_of, number, primary_calibration, records, source_words
from cseval.spec import ROLES

if TYPE_CHECKING:
    import pandas as pd

    from cseval.inference.base import Inferred
    from cseval.result import EvaluationResult

ROLE_MARKS = {
    "primary": ("D", style.PLUM),
    "secondary": ("o", style.BLUE),
    "sensitivity": ("s", style.TEAL),
    "exploratory": ("^", style.ORANGE),
}
#: Beyond these changes an interval is cut and ends in an arrow, or one wide interval would hide all others.
LEAST, MOST = -100.0, 120.0


# Forest -----------------------------------------------------------------------------------------------


def forest_figure(result: EvaluationResult) -> Figure | str:
    """The effect of every analysis in percent, grouped by role."""
    rows = [r for role in ROLES for r in records(result.effects) if r["role"] == role]
    rows = [r for r in rows if math.isfinite(number(r["percent_change"]))]
    if not rows:
        return "The figure of all effects is left out: no effect could be put in percent."
    data = _forest_data(result, rows)
    return Figure(
        name="forest",
        title="Estimated change in every analysis, with 95% intervals",
        alt=_forest_alt(data),
        caption=(
            "Change against what would have been expected without the programme; an interval that crosses zero is "
            f"consistent with no change. Analyses are grouped by role. Source: {source_words(result)}."
        ),
        data=data,
        draw=lambda canvas: _draw_forest(canvas, data),
        height=1.35 + 0.46 * len(data) + 0.5 * data["role"].nunique(),
        mark=style.mark_of(result),
    )


def _forest_data(result: EvaluationResult, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "role": r["role"],
                "analysis": r["analysis"],
                "label": _label(result, r),
                **{c: number(r[c]) for c in ("percent_change", "percent_low", "percent_high")},
            }
            for r in rows
        ]
    )


def _label(result: EvaluationResult, row: Mapping[str, Any]) -> str:
    """The label of an analysis; the primary one goes by its outcome, since its role stands above it."""
    if row["role"] == "primary":
        return f.sentence_case(f.outcome_words(str(row["outcome"])))
    return label_of(result, str(row["analysis"]))


def _forest_alt(data: pd.DataFrame) -> str:
    clear = data[(data["percent_high"] < 0) | (data["percent_low"] > 0)]
    first = data.iloc[0]
    return (
        f"Forest plot of {f.plural(len(data), 'analysis', 'analyses')}. {first['label']} ({first['role']}): "
        f"{f.percent_text(first['percent_change'])}, "
        f"{f.interval_text(first['percent_low'], first['percent_high'])}. "
        f"The interval leaves out zero in {'none' if not len(clear) else len(clear)} of {len(data)}"
        + (f": {f.joined(clear['label'].tolist())}." if 0 < len(clear) <= 4 else ".")
    )


def _draw_forest(canvas: Any, data: pd.DataFrame) -> None:
    axes = panel_axes(canvas, left=3.25, right=0.95, top=0.15, bottom=1.0)
    place, ticks = 0.0, []
    for role, rows in data.groupby("role", sort=False):
        axes.text(
            -0.02, place, f.sentence_case(str(role)), transform=axes.get_yaxis_transform(), ha="right", va="center",
            fontweight="bold",
        )  # fmt: skip
        for row in rows.to_dict("records"):
            place += 0.85
            ticks.append((place, two_lines(str(row["label"]))))
            _draw_effect(axes, place, row, *ROLE_MARKS[str(role)])
        place += 1.05
    axes.axvline(0, color=style.INK, linewidth=1)
    axes.set_yticks([p for p, _ in ticks], [t for _, t in ticks])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - 0.5, -0.45)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=5)
    style.percent_ticks(axes, "x")
    axes.set_xlabel("Change against what was expected")


def _draw_effect(axes: Any, place: float, row: Mapping[str, Any], marker: str, colour: str) -> None:
    effect, low, high = (number(row[c]) for c in ("percent_change", "percent_low", "percent_high"))
    if not (math.isnan(low) or math.isnan(high)):
        ends = (max(low, LEAST), min(high, MOST))
        axes.plot(ends, (place, place), color=colour, linewidth=2)
        for end, cut, arrow in ((ends[0], low < LEAST, "<"), (ends[1], high > MOST, ">")):
            axes.plot(end, place, marker=arrow if cut else "|", ms=8, color=colour, mew=2)
    axes.plot(min(max(effect, LEAST), MOST), place, marker=marker, ms=8, color=colour, linestyle="none")
    axes.text(
        1.02, place, f.percent_text(effect, signed=True), transform=axes.get_yaxis_transform(), va="center", ha="left"
    )


# Placebo neighbourhoods -------------------------------------------------------------------------------


def placebo_figure(result: EvaluationResult) -> Figure | str:
    """Histogram of the studentised effects of placebo neighbourhoods, with the treated area's marked."""
    inferred = result.primary.inferred[0] if result.primary.inferred else None
    if inferred is None or inferred.draws is None:
        return "The figure of placebo neighbourhoods is left out: the primary analysis is not judged by them."
    import numpy as np

    statistics = np.asarray(inferred.draws.statistics, dtype=float)
    statistics = statistics[np.isfinite(statistics)]
    own = float(inferred.draws.statistic)
    data = _histogram(statistics, own)
    return Figure(
        name="placebo",
        title="The treated area among placebo neighbourhoods",
        alt=_placebo_alt(statistics, own, inferred),
        caption=(
            "Each placebo neighbourhood is as many adjoining areas as were treated, where this programme did not run, "
            "put through the same comparison. Effects are divided by their standard deviation. The height of a bar is "
            f"a number of neighbourhoods; the axis starts at zero. Source: {source_words(result)}."
        ),
        data=data,
        draw=lambda canvas: _draw_placebo(canvas, data, own, inferred),
        mark=style.mark_of(result),
    )


def _histogram(statistics: Any, own: float) -> pd.DataFrame:
    """Counts by bins of a quarter; a bin counts as further out if all of it is at least as far as `own`."""
    import numpy as np
    import pandas as pd

    reach = max(float(np.abs(statistics).max(initial=1.0)), abs(own)) * 1.02
    width = 0.25 if reach <= 7 else reach / 28
    steps = math.ceil(reach / width)
    edges = width * np.arange(-steps, steps + 1)
    counts, _ = np.histogram(statistics, edges)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "neighbourhoods": counts})


def _placebo_alt(statistics: Any, own: float, inferred: Inferred) -> str:
    import numpy as np

    further = int((np.abs(statistics) >= abs(own) * (1 - 1e-12)).sum())
    many = f.count_text(further) if further else "none of the"
    low, high = np.quantile(statistics, [0.025, 0.975])
    return (
        f"Histogram of {f.count_text(len(statistics))} placebo neighbourhoods' effects in standard deviations; 95% of "
        f"them lie from {f.decimal_text(low, digits=1)} to {f.decimal_text(high, digits=1)}. The treated area is at "
        f"{f.decimal_text(own)}, and {many} placebo neighbourhoods are at least as far from zero: "
        f"{f.p_text(inferred.p_value)}."
    )


def _draw_placebo(canvas: Any, data: pd.DataFrame, own: float, inferred: Inferred) -> None:
    import seaborn as sns

    axes = panel_axes(canvas, left=0.95, right=0.35, top=0.75)
    edges = [*data["from"].tolist(), data["to"].iloc[-1]]
    centres = ((data["from"] + data["to"]) / 2).to_numpy()
    weights = data["neighbourhoods"].to_numpy()
    sns.histplot(x=centres, weights=weights, bins=edges, ax=axes, color=style.BLUE, alpha=0.45, edgecolor="white")
    axes.axvline(own, color=style.ORANGE, linewidth=3)
    axes.annotate(
        f"Treated area: {f.decimal_text(own)}\n({f.p_text(inferred.p_value)})",
        (own, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha=_side(own, edges[0], edges[-1]),
        annotation_clip=False,
    )
    axes.axvline(0, color=style.INK, linewidth=1, linestyle=(0, (1, 2)))
    axes.set_xlim(edges[0], edges[-1])
    style.count_ticks(axes)
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}".replace("-", f.MINUS))
    axes.set(xlabel="Effect in standard deviations", ylabel="Placebo neighbourhoods")


def _side(value: float, low: float, high: float) -> str:
    """Where a label hangs so that it stays inside the picture."""
    share = (value - low) / (high - low)
    return "left" if share < 0.2 else "right" if share > 0.8 else "center"


# Calibration ------------------------------------------------------------------------------------------


def calibration_figure(result: EvaluationResult) -> Figure | str:
    """Measured false-alarm rate of each method against the 5 % it promises, by placebo population."""
    frame = primary_calibration(result)
    if not len(frame):
        return "The calibration figure is left out: the run measured no error rates."
    columns = ["method", "population", "level", "placebos", "false_positive_rate", "mc_error"]
    data = frame[columns].dropna(subset=["false_positive_rate"]).reset_index(drop=True)
    if not len(data):
        return "The calibration figure is left out: no error rate could be measured."
    populations = data["population"].nunique()
    return Figure(
        name="calibration",
        title="How often each method raises a false alarm, measured on these data",
        alt=_calibration_alt(data),
        caption=(
            "Share of placebo programmes, where nothing was done, in which each method finds an effect at "
            f"{f.rate_text(float(data['level'].iloc[0]), digits=0)}. Bars: 95% simulation error; squares: more "
            f"false alarms than promised, beyond that error. The axis starts at zero. Source: {source_words(result)}."
        ),
        data=data,
        draw=lambda canvas: _draw_calibration(canvas, data),
        height=1.45 + populations * (0.45 + 0.36 * data["method"].nunique()),
        mark=style.mark_of(result),
    )


def _calibration_alt(data: pd.DataFrame) -> str:
    level = f.rate_text(float(data["level"].iloc[0]), digits=0)
    parts = []
    for method, rows in data.groupby("method", sort=False):
        rates = rows["false_positive_rate"]
        span = f.rate_text(float(rates.min()))
        if rates.max() > rates.min():
            span += f" to {f.rate_text(float(rates.max()))}"
        parts.append(f"{method} {span}")
    return f"Dot plot of measured false-alarm rates where {level} is promised: {'; '.join(parts)}."


def _draw_calibration(canvas: Any, data: pd.DataFrame) -> None:
    level = float(data["level"].iloc[0])
    axes = panel_axes(canvas, left=3.0, right=0.75, top=0.4, bottom=1.05)
    place, ticks = 0.0, []
    blank = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for population, rows in data.groupby("population", sort=False):
        heading = f.sentence_case(POPULATIONS.get(str(population), str(population)))
        axes.text(
            -2.9 / 4.25,
            place,
            heading,
            transform=axes.get_yaxis_transform(),
            va="center",
            fontweight="bold",
            bbox=blank,
        )
        for row in rows.to_dict("records"):
            place += 1.0
            ticks.append((place, two_lines(str(row["method"]), 1)))
            _draw_rate(axes, place, row, level)
        place += 1.2
    axes.axvline(level, color=style.INK, linewidth=1.4, linestyle=(0, (4, 3)))
    axes.annotate(
        f"{f.rate_text(level, digits=0)} promised", (level, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
        textcoords="offset points", ha="left", annotation_clip=False,
    )  # fmt: skip
    axes.set_yticks([p for p, _ in ticks], [t for _, t in ticks])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - 0.6, -0.5)
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)
    widest = max(0.12, float((data["false_positive_rate"] + 2 * data["mc_error"].fillna(0)).max()) * 1.05)
    axes.set_xlim(-0.03 * widest, widest)
    axes.xaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
    axes.set_xlabel("False alarms where nothing was done")


def _draw_rate(axes: Any, place: float, row: Mapping[str, Any], level: float) -> None:
    rate, error = number(row["false_positive_rate"]), number(row["mc_error"])
    reach = 1.96 * error if math.isfinite(error) else 0.0
    # Squares mark the methods that raise more false alarms than promised, beyond simulation error.
    marker, colour = ("s", style.ORANGE) if rate - reach > level else ("o", style.BLUE)
    axes.plot([max(rate - reach, 0), rate + reach], [place, place], color=colour, linewidth=2)
    axes.plot(rate, place, marker=marker, ms=8, color=colour, linestyle="none", clip_on=False)
    axes.text(1.02, place, f.rate_text(rate), transform=axes.get_yaxis_transform(), va="center")

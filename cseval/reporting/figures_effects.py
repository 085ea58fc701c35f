"""Figures of effects: all analyses, placebo neighbourhoods, and how often each method is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.reporting import figures_style as style
from cseval.reporting.figures import Figure
from cseval.reporting.figures_rows import WORDED, Rows, beside, draw_interval, grouped, place_rows, row_axes
from cseval.reporting.figures_series import panel_axes
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
#: Blue at less than half its strength, on which the grid does not show through.
BARS = "#94A9BC"


# Forest -----------------------------------------------------------------------------------------------


def forest_figure(result: EvaluationResult) -> Figure | str:
    """The effect of every analysis in percent, grouped by role."""
    every = [r for role in ROLES for r in records(result.effects) if r["role"] == role]
    rows = [r for r in every if math.isfinite(number(r["percent_change"]))]
    if not rows:
        return "The figure of all effects is left out: no effect could be put in percent."
    data = _forest_data(result, rows)
    places = place_rows(grouped(data.assign(role=data["role"].map(f.sentence_case)), "role", "label"))
    return Figure(
        name="forest",
        title="Estimated change in every analysis, with 95% intervals",
        alt=_forest_alt(data),
        caption=(
            "Change against what would have been expected without the programme; an interval that crosses zero is "
            f"consistent with no change. Analyses are grouped by role.{_forest_limits(data, len(every))} "
            f"Source: {source_words(result)}."
        ),
        data=data,
        draw=lambda canvas: _draw_forest(canvas, data, places),
        height=places.height,
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


def _forest_limits(data: pd.DataFrame, declared: int) -> str:
    """What the picture does not show: analyses without a percentage, and what lies beyond its ends."""
    missing = declared - len(data)
    words = ("analysis has no change in percent and is", "analyses have no change in percent and are")
    said = f" {f.plural(missing, *words)} not drawn." if missing else ""
    if (data["percent_low"] < LEAST).any() or (data["percent_high"] > MOST).any():
        said += f" An arrow means that an interval goes on beyond {f.percent_text(MOST, digits=0, signed=True)}."
    return said


def _forest_alt(data: pd.DataFrame) -> str:
    first, most = data.iloc[0], len(data)
    below, above = data[data["percent_high"] < 0], data[data["percent_low"] > 0]

    def side(rows: pd.DataFrame) -> str:
        names = f" ({f.joined(rows['label'].tolist())})" if 0 < len(rows) <= 4 else ""
        return f"{len(rows) or 'none'} of {most}{names}"

    return (
        f"Forest plot of {f.plural(most, 'analysis', 'analyses')}. {first['label']} ({first['role']}): "
        f"{f.percent_text(first['percent_change'])}, {f.interval_text(first['percent_low'], first['percent_high'])}. "
        f"The whole interval lies below zero in {side(below)} and above zero in {side(above)}."
    )


def _draw_forest(canvas: Any, data: pd.DataFrame, places: Rows) -> None:
    axes = row_axes(canvas, places, left=3.5, right=0.95)
    for row, (at, _) in zip(records(data), places.names, strict=True):
        values = [number(row[c]) for c in ("percent_change", "percent_low", "percent_high")]
        draw_interval(axes, at, values, ROLE_MARKS[str(row["role"])], (LEAST, MOST))
        beside(axes, at, f.percent_text(values[0], signed=True))
    change_axis(axes)


def change_axis(axes: Any) -> None:
    """An axis of changes in percent, with a line at no change."""
    axes.axvline(0, color=style.INK, linewidth=1, zorder=1)
    axes.locator_params(axis="x", nbins=6)
    style.percent_ticks(axes, "x")
    axes.set_xlabel("Change against what was expected")


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
    """Counts by bins of a quarter of a standard deviation, or wider where the treated area lies far out."""
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

    axes = panel_axes(canvas, left=0.95, right=0.35, top=0.6)
    edges = [*data["from"].tolist(), data["to"].iloc[-1]]
    centres = ((data["from"] + data["to"]) / 2).to_numpy()
    weights = data["neighbourhoods"].to_numpy()
    sns.histplot(x=centres, weights=weights, bins=edges, ax=axes, color=BARS, alpha=1, edgecolor="white")
    margin = 0.02 * (edges[-1] - edges[0])
    axes.set_xlim(edges[0] - margin, edges[-1] + margin)
    axes.axvline(0, color=style.INK, linewidth=1, linestyle=(0, (1, 2)))
    words = f"Treated area: {f.decimal_text(own)}\n({f.p_text(inferred.p_value)})"
    style.label_line(axes, own, words, dashed=False, color=style.ORANGE, linewidth=3, zorder=3)
    style.count_ticks(axes)
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:g}".replace("-", f.MINUS))
    axes.set(xlabel="Effect in standard deviations", ylabel="Placebo neighbourhoods")


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
    places = place_rows(grouped(_in_words(data), "population", "method"), WORDED)
    level = f.rate_text(float(data["level"].iloc[0]), digits=0)
    return Figure(
        name="calibration",
        title="How often each method raises a false alarm, measured on these data",
        alt=_calibration_alt(data, level),
        caption=(
            f"Share of placebo programmes, where nothing was done, in which each method finds an effect at {level}. "
            "Bars: 95% simulation error, where it is known; squares: more false alarms than promised, beyond that "
            f"error. The axis starts at zero. Source: {source_words(result)}."
        ),
        data=data,
        draw=lambda canvas: _draw_calibration(canvas, data, places),
        height=places.height,
        mark=style.mark_of(result),
    )


def _in_words(data: pd.DataFrame) -> pd.DataFrame:
    populations = data["population"].map(lambda p: f.sentence_case(POPULATIONS.get(str(p), str(p))))
    return data.assign(population=populations, method=data["method"].map(f.sentence_case))


def _calibration_alt(data: pd.DataFrame, level: str) -> str:
    parts, over = [], []
    for method, rows in data.groupby("method", sort=False):
        rates = rows["false_positive_rate"]
        span = f.rate_text(float(rates.min()))
        if rates.max() > rates.min():
            span += f" to {f.rate_text(float(rates.max()))}"
        parts.append(f"{method} {span}")
        over += [str(method)] if any(map(_too_many, records(rows))) else []
    many = f.joined(over) if over else "no method"
    return (
        f"Dot plot of measured false-alarm rates where {level} is promised. More than promised, beyond simulation "
        f"error, are raised by {many}. Rates over the groups of placebos: {'; '.join(parts)}."
    )


def _too_many(row: Mapping[str, Any]) -> bool:
    """Whether a method raises more false alarms than it promises, beyond simulation error."""
    return number(row["false_positive_rate"]) - _error_of(row) > number(row["level"])


def _error_of(row: Mapping[str, Any]) -> float:
    error = number(row["mc_error"])
    return 1.96 * error if math.isfinite(error) else 0.0


def _draw_calibration(canvas: Any, data: pd.DataFrame, places: Rows) -> None:
    axes = row_axes(canvas, places, left=3.5, right=0.8)
    widest = max(0.12, float((data["false_positive_rate"] + 2 * data["mc_error"].fillna(0)).max()) * 1.05)
    axes.set_xlim(-0.03 * widest, widest)
    for row, (at, _) in zip(records(data), places.names, strict=True):
        rate, reach = number(row["false_positive_rate"]), _error_of(row)
        marker, colour = ("s", style.ORANGE) if _too_many(row) else ("o", style.BLUE)
        axes.plot([max(rate - reach, 0), rate + reach], [at, at], color=colour, linewidth=2)
        axes.plot(rate, at, marker=marker, ms=8, color=colour, linestyle="none", clip_on=False)
        beside(axes, at, f.rate_text(rate))
    level = float(data["level"].iloc[0])
    style.label_line(axes, level, f"{f.rate_text(level, digits=0)} promised")
    axes.xaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}%")
    axes.set_xlabel("False alarms where nothing was done")

"""Figures over time: treated against comparison, interrupted time series, event study."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.estimate import LOG
from cseval.estimators.its_notes import LEVEL, autocorrelation_p
from cseval.reporting import figures_style as style
from cseval.reporting.dated_changes import breaks_of, breaks_words, mark_breaks
from cseval.reporting.figures import Figure
from cseval.reporting.tables import label_of, number, source_words

if TYPE_CHECKING:
    import pandas as pd

    from cseval.registry.breaks import Break
    from cseval.result import AnalysisResult, EvaluationResult


def panel_axes(figure: Any, *, left: float, right: float, top: float = 0.4, bottom: float = 1.0) -> Any:
    """One plot with these margins in inches; the lower one leaves room for the mark of simulated data."""
    width, height = figure.get_size_inches()
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    return figure.add_axes(box)


def two_lines(text: str, most: int = 2) -> str:
    """A label on at most `most` lines; what does not fit ends in an ellipsis."""
    return "\n".join(textwrap.wrap(text, 33, max_lines=most, placeholder="…"))


#: Averages below this are given with a decimal, or small numbers would all read alike.
FEW = 20.0
#: Percentages above this are cut in the event study, or a few wide bands would flatten all the rest.
HIGHEST = 150.0
#: No percentage lies below this.
LOWEST = -100.0


# Treated against comparison ---------------------------------------------------------------------------


def series_figure(result: EvaluationResult) -> Figure | str:
    """Incidents a month in the treated area and in the comparison, scaled to its level before the start."""
    primary = result.primary
    data = _rows(result, primary).dropna(subset=["observed"])
    start = primary.design.start
    data = scaled(data, start)
    if not len(data) or data["comparison"].isna().all():
        return "The figure of treated area against comparison is left out: the run holds no monthly series."
    outcome = f.outcome_words(primary.estimate.outcome)
    breaks = breaks_of(result, primary.estimate.outcome, data["period"].tolist())
    return Figure(
        name="series",
        title=f"Treated area against comparison, {outcome} by month",
        alt=_series_alt(data, outcome, start),
        caption=(
            "Recorded incidents in the treated area, and in the comparison scaled to the treated area's level "
            f"before the start. {later_starts(result)}{breaks_words(breaks)}The axis starts at zero. "
            f"Source: {source_words(result)}."
        ),
        data=data[["period", "event_time", "phase", "observed", "comparison"]],
        draw=lambda canvas: _draw_series(canvas, data, start, primary.design.staggered, breaks),
        mark=style.mark_of(result),
    )


def _rows(result: EvaluationResult, analysis: AnalysisResult) -> pd.DataFrame:
    frame = result.series
    return frame[frame["analysis"] == analysis.analysis.slug].sort_values("period").reset_index(drop=True)


def scaled(data: pd.DataFrame, start: str) -> pd.DataFrame:
    """The series with the comparison brought to the treated area's total before the start."""
    before = data[data["period"] < start].dropna(subset=["observed", "comparison"])
    total = float(before["comparison"].sum())
    factor = float(before["observed"].sum()) / total if total > 0 else math.nan
    return data.assign(comparison=data["comparison"].astype(float) * factor)


def _series_alt(data: pd.DataFrame, outcome: str, start: str) -> str:
    before, after = data[data["period"] < start], data[data["period"] >= start]

    def mean(rows: pd.DataFrame, column: str) -> str:
        value = float(rows[column].mean())
        return f.count_text(value) if value >= FEW else f.decimal_text(value, digits=1)

    return (
        f"Line chart of {outcome} by month. The treated area went from an average of {mean(before, 'observed')} "
        f"incidents a month before {f.month_words(start)} to {mean(after, 'observed')} from then on; the scaled "
        f"comparison went from {mean(before, 'comparison')} to {mean(after, 'comparison')}."
    )


def later_starts(result: EvaluationResult) -> str:
    """That units began later than the line shows, with the last month in which one did; empty if all began together."""
    design = result.primary.design
    if not design.staggered:
        return ""
    return (
        f"Units began from {f.month_words(design.start)} on, the last in {f.month_words(max(design.starts.values()))}. "
    )


def _draw_series(canvas: Any, data: pd.DataFrame, start: str, several: bool, breaks: Sequence[Break]) -> None:
    axes = panel_axes(canvas, left=0.85, right=1.5)
    two_lines_by_month(axes, data, "comparison", "Comparison,\nscaled (dashed)")
    style.mark_start(axes, start, first=several)
    mark_breaks(axes, breaks)


def two_lines_by_month(axes: Any, data: pd.DataFrame, other: str, name: str) -> None:
    """Observed incidents a month as a blue line, and over it in dashes the column that they are held against."""
    import seaborn as sns

    x = style.positions(data["period"].tolist())
    sns.lineplot(
        x=x, y=data["observed"].to_numpy(), ax=axes, color=style.BLUE, estimator=None, **style.line_look(len(x))
    )
    sns.lineplot(x=x, y=data[other].to_numpy(), ax=axes, color=style.ORANGE, linestyle=(0, (5, 2)), estimator=None)
    incidents_axes(axes, data)
    last = data.iloc[-1]
    ends = ((float(last["observed"]), "Treated area", style.BLUE), (float(last[other]), name, style.ORANGE))
    style.end_labels(axes, [(x[-1], *end) for end in ends])


def incidents_axes(axes: Any, data: pd.DataFrame) -> None:
    """Months across, and incidents upwards from zero."""
    axes.set_ylim(bottom=0)
    style.month_axis(axes, data["period"].iloc[0], data["period"].iloc[-1])
    style.count_ticks(axes)
    axes.set(ylabel="Incidents a month", xlabel="")


# Interrupted time series ------------------------------------------------------------------------------


def its_figure(result: EvaluationResult) -> Figure | str:
    """Observed, fitted and counterfactual of the first interrupted time series analysis."""
    found = [(a, rows) for a in result.analyses if len(rows := _fitted(result, a))]
    if not found:
        return "The figure of the interrupted time series is left out: no analysis of that kind was run."
    analysis, data = found[0]
    outcome = f.outcome_words(analysis.estimate.outcome)
    start = analysis.design.start
    breaks = breaks_of(result, analysis.estimate.outcome, data["period"].tolist())
    return Figure(
        name="its",
        title=f"Interrupted time series of {outcome}: what was expected without the programme",
        alt=_its_alt(data, analysis, outcome, start),
        caption=(
            f"{label_of(result, analysis.analysis.slug)}. Points: recorded incidents a month. Solid line: fitted. "
            "Dashed line: what the fit expects without the programme, with its 95% band. "
            f"{its_caveats(result, analysis)}{breaks_words(breaks)}The axis starts at zero. "
            f"Source: {source_words(result)}."
        ),
        data=data[["period", "event_time", "phase", "observed", "fitted", "counterfactual", "low", "high"]],
        draw=lambda canvas: _draw_its(canvas, data, start, breaks),
        mark=style.mark_of(result),
    )


def its_caveats(result: EvaluationResult, analysis: AnalysisResult) -> str:
    """What speaks against the band of a time-series fit: how often its own errors mislead, and what is left over."""
    estimate, said = analysis.estimate, ""
    rate = own_rate(result.inference, analysis.analysis.slug, estimate.inference)
    if math.isfinite(rate):
        said = f"Where nothing was done, the model's own errors find a change {100 * rate:.0f}% of the time, not 5%. "
    if autocorrelation_p(estimate.facts)[1] <= LEVEL:
        said += "What the fit leaves over is autocorrelated, so the band may be too narrow. "
    return said


def own_rate(inference: pd.DataFrame, slug: str, method: str) -> float:
    """Measured false-positive rate of one method of one analysis over all placebos; NaN if none was measured."""
    if not len(inference):
        return math.nan
    rows = inference[(inference["analysis"] == slug) & (inference["method"] == method)]
    return number(rows["false_positive_rate"].iloc[0]) if len(rows) else math.nan


def _fitted(result: EvaluationResult, analysis: AnalysisResult) -> pd.DataFrame:
    rows = _rows(result, analysis)
    if analysis.inferred and analysis.inferred[0].draws is not None:
        return rows.head(0)  # judged by placebo neighbourhoods: a comparison of areas, not a time series
    if rows["fitted"].isna().all() or rows["low"].isna().all() or rows["counterfactual"].isna().all():
        return rows.head(0)
    return rows


def _its_alt(data: pd.DataFrame, analysis: AnalysisResult, outcome: str, start: str) -> str:
    after = data[data["period"] >= start].dropna(subset=["observed", "counterfactual"])
    observed, expected = float(after["observed"].sum()), float(after["counterfactual"].sum())
    inside = int(((after["observed"] >= after["low"]) & (after["observed"] <= after["high"])).sum())
    return (
        f"Line chart of {outcome} by month with its interrupted time series fit. From {f.month_words(start)} on, "
        f"{f.count_text(observed)} incidents were recorded where the fit expects {f.count_text(expected)} without the "
        f"programme; {inside} of {len(after)} months lie inside the 95% band of what was expected."
    )


def _draw_its(canvas: Any, data: pd.DataFrame, start: str, breaks: Sequence[Break]) -> None:
    import seaborn as sns

    axes = panel_axes(canvas, left=0.85, right=2.0)
    x = style.positions(data["period"].tolist())
    after = data[data["period"] >= start].dropna(subset=["counterfactual"])
    late = style.positions(after["period"].tolist())
    low, high = (after[c].to_numpy(dtype=float) for c in ("low", "high"))
    style.band(axes, late, low, high, style.ORANGE)
    sns.scatterplot(x=x, y=data["observed"].to_numpy(), ax=axes, color=style.GREY, s=22, linewidth=0)
    axes.plot(x, data["fitted"], color=style.BLUE)
    # Over the fitted line, which would hide it where the two are close.
    axes.plot(late, after["counterfactual"], color=style.ORANGE, linestyle=(0, (5, 2)), zorder=3)
    incidents_axes(axes, data)
    style.mark_start(axes, start)
    mark_breaks(axes, breaks)
    expected = "Expected without\nthe programme\n(dashed, 95% band)"
    style.end_labels(
        axes,
        [
            (x[-1], float(data["fitted"].iloc[-1]), "Fitted", style.BLUE),
            (x[-1], float(data["observed"].iloc[-1]), "Recorded (points)", style.INK),
            (late[-1], float(after["counterfactual"].iloc[-1]), expected, style.INK),
        ],
    )


# Event study ------------------------------------------------------------------------------------------


def event_study_figure(result: EvaluationResult) -> Figure | str:
    """The effect by time since the start, with pointwise intervals and the simultaneous band."""
    frame = result.event_study
    if not len(frame):
        return "The event-study figure is left out: the run holds no event study."
    slugs = frame["analysis"].tolist()
    slug = result.primary.analysis.slug if result.primary.analysis.slug in slugs else slugs[0]
    scale = next((a.estimate.scale for a in result.analyses if a.analysis.slug == slug), LOG)
    data = frame[frame["analysis"] == slug].sort_values("first_event_time").reset_index(drop=True)
    data = _on_axis(data, scale)
    outcome = f.outcome_words(str(data["outcome"].iloc[0]))
    return Figure(
        name="event-study",
        title=f"Difference from the comparison by time since the start, {outcome}",
        alt=_event_alt(data, outcome, scale),
        caption=(
            f"Points: change against {_base_words(data)}. Bars: 95% interval of each point. Shaded: 95% band that "
            "holds for all points at once. Before the start the points should lie near zero. "
            f"{_event_limits(data, scale)}Source: {source_words(result)}."
        ),
        data=data,
        draw=lambda canvas: _draw_event(canvas, data, scale, result.primary.design.staggered),
        height=5.0,
        mark=style.mark_of(result),
    )


def _event_limits(data: pd.DataFrame, scale: str) -> str:
    """What the picture does not show of bands and bars that go very far up."""
    cut = scale == LOG and float(data[["shown_conf_high", "shown_band_high"]].max().max()) > HIGHEST
    return f"Bars and bands are cut at {f.percent_text(HIGHEST, digits=0, signed=True)}. " if cut else ""


def _base_words(data: pd.DataFrame) -> str:
    """What the points are compared with: one period, drawn hollow, or the average before the start."""
    return "the base period (hollow)" if any(map(_is_base, data.to_dict("records"))) else "the average before the start"


def _is_base(row: Mapping[Any, Any]) -> bool:
    low, high = number(row["shown_conf_low"]), number(row["shown_conf_high"])
    return not (math.isfinite(low) and math.isfinite(high)) or low == high


def _on_axis(data: pd.DataFrame, scale: str) -> pd.DataFrame:
    """The event study with the columns that are drawn: a percentage for log ratios, else as estimated."""
    import numpy as np

    def shown(column: str) -> Any:
        values = data[column].astype(float)
        return 100 * np.expm1(values) if scale == LOG else values

    middle = (data["first_event_time"].astype(float) + data["last_event_time"].astype(float)) / 2
    new = {c: shown(c) for c in ("estimate", "conf_low", "conf_high", "band_low", "band_high")}
    return data.assign(middle=middle, **{f"shown_{c}": v for c, v in new.items()})


def _event_alt(data: pd.DataFrame, outcome: str, scale: str) -> str:
    unit = "%" if scale == LOG else ""
    before, after = data[data["first_event_time"] < 0], data[data["first_event_time"] >= 0]

    def outside(rows: pd.DataFrame) -> str:
        count = int(((rows["shown_band_low"] > 0) | (rows["shown_band_high"] < 0)).sum())
        return f"{'none' if count == 0 else count} of {len(rows)}"

    def span(rows: pd.DataFrame) -> str:
        low, high = float(rows["shown_estimate"].min()), float(rows["shown_estimate"].max())
        return f"{f.decimal_text(low, digits=1)}{unit} to {f.decimal_text(high, digits=1)}{unit}"

    text = f"Event study of {outcome}."
    if len(before):
        text += (
            f" Before the start, changes run from {span(before)}; the simultaneous band leaves out zero in "
            f"{outside(before)} periods."
        )
    if len(after):
        text += f" After it, they run from {span(after)}; the band leaves out zero in {outside(after)} periods."
    return text


def _draw_event(canvas: Any, data: pd.DataFrame, scale: str, several: bool) -> None:
    from matplotlib.ticker import MultipleLocator

    axes = panel_axes(canvas, left=1.3, right=0.3, bottom=1.4)
    _draw_band(axes, data)
    _name_marks(canvas)
    for row in data.to_dict("records"):
        _draw_point(axes, row)
    axes.axhline(0, color=style.INK, linewidth=1)
    style.label_line(axes, -0.5, "Start in each area" if several else "Start of the programme")
    months = float(data["last_event_time"].max() - data["first_event_time"].min())
    axes.xaxis.set_major_locator(MultipleLocator(12 if months > style.MANY_MONTHS else 6))
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:+.0f}".replace("-", f.MINUS) if v else "0")
    if scale == LOG:
        low, top = axes.get_ylim()
        axes.set_ylim(max(low, LOWEST), min(top, HIGHEST))
        style.percent_ticks(axes, "y")
    change = (
        "Change against the base\nperiod"
        if any(map(_is_base, data.to_dict("records")))
        else "Change against the\naverage before"
    )
    axes.set(
        xlabel="Months since the start", ylabel=change if scale == LOG else "Difference in incidents\na unit and month"
    )


def _draw_point(axes: Any, row: Mapping[Any, Any]) -> None:
    """An estimate with its interval; the base period, which has none, is hollow."""
    low, high = number(row["shown_conf_low"]), number(row["shown_conf_high"])
    base = _is_base(row)
    if not base:
        axes.plot([row["middle"]] * 2, [low, high], color=style.BLUE, linewidth=2)
    face = "white" if base else style.BLUE
    axes.plot(row["middle"], row["shown_estimate"], "o", ms=7, mfc=face, mec=style.BLUE, mew=1.8)


def _name_marks(canvas: Any) -> None:
    """A legend of the two kinds of interval under the plot."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=style.BLUE, marker="o", ms=7, label="Estimate and its 95% interval"),
        Patch(facecolor="#D0EBE8", edgecolor=style.TEAL, label="95% band for all points at once"),
    ]
    canvas.legend(
        handles=handles, loc="lower center", ncols=2, bbox_to_anchor=(0.5, 0.34 / canvas.get_size_inches()[1])
    )


def _draw_band(axes: Any, data: pd.DataFrame) -> None:
    """The simultaneous band on each side of the start, as boxes the width of each period."""
    for row in data.dropna(subset=["shown_band_low", "shown_band_high"]).to_dict("records"):
        edges = [row["first_event_time"] - 0.5, row["last_event_time"] + 0.5]
        style.band(axes, edges, [row["shown_band_low"]] * 2, [row["shown_band_high"]] * 2, style.TEAL)

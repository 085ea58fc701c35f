"""The treated area against its synthetic control, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.reporting import figures_style as style
from cseval.reporting.dated_changes import breaks_of, breaks_words, mark_breaks
from cseval.reporting.figures import Figure
from cseval.reporting.figures_series import panel_axes, two_lines_by_month
from cseval.reporting.tables import label_of, source_words

if TYPE_CHECKING:
    import pandas as pd

    from cseval.registry.breaks import Break
    from cseval.result import AnalysisResult, EvaluationResult

#: Donors named in the alternative text.
NAMED = 3


def synthetic_figure(result: EvaluationResult) -> Figure | str:
    """Observed incidents and those of the weighted mix of comparison areas, of the first such analysis."""
    found = next(
        (
            (a, path)
            for a in result.analyses
            if "donor_weights" in a.estimate.tables and (path := a.estimate.path) is not None
        ),
        None,
    )
    if found is None:
        return "The figure of the synthetic control is left out: no analysis of that kind was run."
    analysis, path = found
    data = path[["period", "observed", "counterfactual"]].copy()
    outcome = f.outcome_words(analysis.estimate.outcome)
    breaks = breaks_of(result, analysis.estimate.outcome, data["period"].tolist())
    return Figure(
        name="synthetic-control",
        title=f"Treated area against its synthetic control, {outcome} by month",
        alt=_alt(result, analysis, data, outcome),
        caption=(
            f"{label_of(result, analysis.analysis.slug)}: a weighted mix of comparison areas that moved like the "
            "treated area before the start. The closer the lines are before it, the more the mix can be trusted after "
            f"it. {breaks_words(breaks)}The axis starts at zero. Source: {source_words(result)}."
        ),
        data=data,
        draw=lambda canvas: _draw(canvas, data, analysis.design.start, breaks),
        mark=style.mark_of(result),
    )


def _alt(result: EvaluationResult, analysis: AnalysisResult, data: pd.DataFrame, outcome: str) -> str:
    start = analysis.design.start
    after = data[data["period"] >= start]
    observed, expected = float(after["observed"].sum()), float(after["counterfactual"].sum())
    return (
        f"Line chart of {outcome} by month in the treated area and in its synthetic control, mainly "
        f"{f.joined(_largest(result, analysis))}. From {f.month_words(start)} on, {f.count_text(observed)} incidents "
        f"were recorded where the synthetic control has {f.count_text(expected)}."
    )


def _largest(result: EvaluationResult, analysis: AnalysisResult) -> list[str]:
    """The donors with the largest weights, with their share in percent."""
    weights = analysis.estimate.tables["donor_weights"].sort_values("weight", ascending=False, kind="stable")
    names = result.inputs.panel.names
    rows = weights.head(NAMED).to_dict("records")
    return [f"{names.get(str(r['unit']), str(r['unit']))} ({100 * float(r['weight']):.0f}%)" for r in rows]


def _draw(canvas: Any, data: pd.DataFrame, start: str, breaks: Sequence[Break]) -> None:
    axes = panel_axes(canvas, left=0.85, right=1.6)
    two_lines_by_month(axes, data, "counterfactual", "Synthetic\ncontrol\n(dashed)")
    mark_breaks(axes, breaks)
    style.mark_start(axes, start)

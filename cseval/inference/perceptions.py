"""What a published survey says of one area around a start, measure by measure.

A rank among areas needs no sample sizes and no model of how opinions drift: if the programme did nothing, the area's
effect is as likely as any other area's to be the largest. With 32 areas the smallest p-value is 1/32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import UsageError
from cseval.estimators.perceptions import PerceptionModel, PerceptionSpan, received, shares_after
from cseval.estimators.perceptions_kernels import every_window
from cseval.inference.multiplicity import holm, max_t
from cseval.inference.perceptions_errors import error_rates, independent_p_values
from cseval.inference.perceptions_ranks import Ranked, rank_among_areas

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from cseval.estimators.perceptions import PerceptionEffects
    from cseval.inference.perceptions_errors import ErrorRate
    from cseval.survey import SurveySeries

    Floats = npt.NDArray[np.float64]

#: What no table of such results may leave out.
NO_SAMPLE_SIZES = (
    "The survey is published without sample sizes, so no sampling error can be had for a share; p-values and intervals "
    "rank the area among all others."
)


@dataclass(frozen=True, kw_only=True)
class PerceptionFinding:
    """What one measure says.

    Parameters
    ----------
    measure, label, model, assumption : str
    ranked : Ranked
        Effect as a share (0.05 is five points), interval and p-value.
    p_max_t, p_holm : float
        p-values for all measures together.
    before, after, others_before, others_after : float
        Mean share over the windows that share no month, of the area and of all others.
    p_independent : float
        What taking every window as new answers would have given; never to be relied on.
    ends, left_out : tuple of str
        Last months of the windows used and not used.
    rates : tuple of ErrorRate
        False positives at earlier starts.
    """

    measure: str
    label: str
    model: str
    assumption: str
    ranked: Ranked
    p_max_t: float
    p_holm: float
    before: float
    after: float
    others_before: float
    others_after: float
    p_independent: float
    ends: tuple[str, ...]
    left_out: tuple[str, ...]
    rates: tuple[ErrorRate, ...]


def perception_findings(
    series: SurveySeries,
    unit: str,
    span: PerceptionSpan,
    model: PerceptionModel | None = None,
    measures: Sequence[str] | None = None,
) -> tuple[PerceptionFinding, ...]:
    """The effect of a start in one area on each measure of a survey.

    Parameters
    ----------
    series : SurveySeries
    unit : str
        Code or name of the treated area; all others are its comparison.
    span : PerceptionSpan
    model : PerceptionModel, optional
        Difference in differences of windows that share no month if left out.
    measures : sequence of str, optional
        All of the series if left out.

    Raises
    ------
    DataError
        If there is no such area or measure.
    DesignError
        If there are fewer than 19 other areas, or too few windows before or after the start.
    UsageError
        If no measure is asked for.

    Notes
    -----
    For several measures together step-down max-T (`cseval.inference.multiplicity.max_t`), each measure's effects
    divided by their root mean square over all areas; a draw is another area with all its measures, so their correlation
    is kept. Holm's p-values stand beside it; with m measures and N areas they are never below m/N.
    """
    model = model or PerceptionModel()
    names = tuple(measures) if measures is not None else series.measures
    if not names:
        raise UsageError("no measure", where="perceptions", expected="at least one")
    row = series.row(unit)
    found = [model.effects(series, m, span) for m in names]
    ranks = [rank_among_areas(f.own, row, relative=f.relative) for f in found]
    alone = [r.p_value for r in ranks]
    together, by_holm = joint_p_values(found, row, alone), holm(alone)
    return tuple(
        _finding(series, row, span, model, effects, ranked, float(joint), single)
        for effects, ranked, joint, single in zip(found, ranks, together, by_holm, strict=True)
    )


def joint_p_values(found: Sequence[PerceptionEffects], row: int, alone: Sequence[float]) -> Floats:
    """Max-T adjusted p-values of several measures, none below its own, shape (measures,)."""
    own = np.stack([f.own - (f.own.mean() if f.relative else 0.0) for f in found], axis=1)
    scale = np.sqrt((own**2).mean(axis=0))
    sizes = own / np.where(scale > 0, scale, 1.0)
    return max_t(sizes[row], np.delete(sizes, row, axis=0), np.asarray(alone, dtype=float))


def _finding(
    series: SurveySeries,
    row: int,
    span: PerceptionSpan,
    model: PerceptionModel,
    effects: PerceptionEffects,
    ranked: Ranked,
    p_max_t: float,
    p_holm: float,
) -> PerceptionFinding:
    before, after, others_before, others_after = levels(
        series, effects.measure, row, span, latest=getattr(model.rule, "latest", False)
    )
    return PerceptionFinding(
        measure=effects.measure,
        label=series.label(effects.measure),
        model=effects.model,
        assumption=model.assumption,
        ranked=ranked,
        p_max_t=p_max_t,
        p_holm=p_holm,
        before=before,
        after=after,
        others_before=others_before,
        others_after=others_after,
        p_independent=float(independent_p_values(series, effects.measure, span, model)[row]),
        ends=effects.ends,
        left_out=effects.left_out,
        rates=error_rates(series, effects.measure, row, span, model),
    )


def levels(
    series: SurveySeries, measure: str, row: int, span: PerceptionSpan, *, latest: bool = False
) -> tuple[float, float, float, float]:
    """Mean share before and after the start in the area, then in all others, over windows that share no month.

    NaN where no window lies wholly on one side.
    """
    position = received(series, measure, span)
    share = shares_after(series, span)[position]
    kept = every_window(share, series.quarters_per_window, latest=latest)
    values = series.require(measure)[:, position[kept]]
    sides = [values[:, share[kept] == side] for side in (0, 1)]
    means = [side.mean(axis=1) if side.shape[1] else np.full(len(values), np.nan) for side in sides]
    others = [float(np.delete(m, row).mean()) for m in means]
    return float(means[0][row]), float(means[1][row]), others[0], others[1]

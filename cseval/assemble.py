"""The tables of the output folder, built from what the analyses found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cseval.errors import EstimationError
from cseval.estimate import EFFECT_COLUMNS, LOG, Estimate, convert, percent
from cseval.inference.choice import enough
from cseval.months import add_months
from cseval.result import (
    CALIBRATION_COLUMNS,
    DISPLACEMENT_COLUMNS,
    EVENT_COLUMNS,
    INFERENCE_COLUMNS,
    PLACEBO_COLUMNS,
    SERIES_COLUMNS,
    AnalysisResult,
)

if TYPE_CHECKING:
    from cseval.claims.base import ClaimResult
    from cseval.estimators.event_study import EventStudy
    from cseval.estimators.staggered_events import StaggeredEventStudy
    from cseval.inference.base import Inferred
    from cseval.inference.calibration import Measured
    from cseval.inference.guard import Judgement
    from cseval.inputs import Inputs

#: Further columns of ``effects.csv``, after `EFFECT_COLUMNS`.
EXTRA_COLUMNS = (
    "label p_holm cluster_std_error cluster_conf_low cluster_conf_high cluster_p_value cluster_false_positive_rate "
    "false_positive_rate_matched false_positive_rate_selection selection_bias detectable_fall detectable_rise "
    "detectable_fall_error detectable_rise_error "
    "placebo_neighbourhoods distinct_neighbourhoods disjoint_neighbourhoods "
    "match_factor smallest_p true_percent_change sentence"
).split()


def effects_frame(
    slug: str, results: Sequence[AnalysisResult], measured: dict[str, tuple[Measured, ...]], inputs: Inputs
) -> pd.DataFrame:
    """One row per analysis, in `EFFECT_COLUMNS` and then `EXTRA_COLUMNS`."""
    rows = [_effect_row(slug, r, measured.get(r.analysis.slug, ()), inputs) for r in results]
    return pd.DataFrame(rows, columns=[*EFFECT_COLUMNS, *EXTRA_COLUMNS])


def _effect_row(slug: str, result: AnalysisResult, measured: Sequence[Measured], inputs: Inputs) -> dict[str, Any]:
    estimate, first = result.estimate, result.inferred[0]
    change = _percent(estimate, first)
    averted = estimate.averted(first.conf_low, first.conf_high)
    return {
        "evaluation": slug,
        "analysis": result.analysis.slug,
        "role": result.analysis.role,
        "outcome": estimate.outcome,
        "estimator": estimate.estimator,
        "estimand": estimate.estimand,
        "scale": estimate.scale,
        "estimate": estimate.effect,
        "std_error": first.std_error,
        "conf_low": first.conf_low,
        "conf_high": first.conf_high,
        "p_value": first.p_value,
        "inference": first.method,
        "percent_change": change[0],
        "percent_low": change[1],
        "percent_high": change[2],
        "observed": estimate.observed,
        "counterfactual": estimate.counterfactual,
        "averted": averted[0],
        "averted_low": averted[1],
        "averted_high": averted[2],
        "treated_units": estimate.treated_units,
        "comparison_units": estimate.comparison_units,
        "pre_periods": estimate.pre_periods,
        "post_periods": estimate.post_periods,
        "p_adjusted": result.p_adjusted,
        "false_positive_rate": result.rates.get("all", math.nan),
        "verdict": result.verdict,
        "data": inputs.data,
        **_extra(result, measured, inputs),
    }


def _percent(estimate: Estimate, inferred: Inferred) -> tuple[float, float, float]:
    ends = (estimate.effect, inferred.conf_low, inferred.conf_high)
    return convert(estimate.scale, "percent", ends, estimate.observed_rate)


def _extra(result: AnalysisResult, measured: Sequence[Measured], inputs: Inputs) -> dict[str, Any]:
    nan = math.nan
    cluster = next((i for i in result.inferred if i.method == "cluster-robust"), None)
    rates = [m.rate(0.05) for m in measured if m.method == "cluster-robust" and m.population == "all"]
    facts = result.inferred[0].facts
    truth = inputs.truth.get(result.estimate.outcome)
    return {
        "label": result.analysis.label or result.analysis.slug,
        "p_holm": result.p_holm,
        "cluster_std_error": cluster.std_error if cluster else nan,
        "cluster_conf_low": cluster.conf_low if cluster else nan,
        "cluster_conf_high": cluster.conf_high if cluster else nan,
        "cluster_p_value": cluster.p_value if cluster else nan,
        "cluster_false_positive_rate": rates[0] if rates else nan,
        "false_positive_rate_matched": result.rates.get("matched", nan),
        "false_positive_rate_selection": result.rates.get("selection", nan),
        "selection_bias": result.selection_bias,
        "detectable_fall": result.smallest_detectable[0],
        "detectable_rise": result.smallest_detectable[1],
        "detectable_fall_error": result.detectable_error[0],
        "detectable_rise_error": result.detectable_error[1],
        "placebo_neighbourhoods": facts.get("placebo_neighbourhoods", nan),
        "distinct_neighbourhoods": facts.get("distinct_neighbourhoods", nan),
        "disjoint_neighbourhoods": facts.get("disjoint_neighbourhoods", nan),
        "match_factor": facts.get("match_factor", nan),
        "smallest_p": facts.get("smallest_p", nan),
        "true_percent_change": percent(truth) if truth is not None else nan,
        "sentence": result.sentence,
    }


def calibration_frame(
    slug: str, results: Sequence[AnalysisResult], measured: dict[str, tuple[Measured, ...]]
) -> pd.DataFrame:
    """Measured error rates, one row per analysis, method, population and level."""
    rows = [
        {"evaluation": slug, "analysis": r.analysis.slug, "outcome": r.estimate.outcome, **row}
        for r in results
        for m in measured.get(r.analysis.slug, ())
        for row in m.rows()
    ]
    return pd.DataFrame(
        rows, columns=[*CALIBRATION_COLUMNS, "placebo_starts", "months_before", "months_after", "districts"]
    )


def inference_frame(
    slug: str, results: Sequence[AnalysisResult], measured: dict[str, tuple[Measured, ...]]
) -> pd.DataFrame:
    """Every registered method of every analysis: what it says, how often it errs, and whether it holds here."""
    rows = [_method_row(slug, r, j, measured.get(r.analysis.slug, ())) for r in results for j in r.judgements]
    return pd.DataFrame(rows, columns=list(INFERENCE_COLUMNS))


def _method_row(
    slug: str, result: AnalysisResult, judgement: Judgement, measured: Sequence[Measured]
) -> dict[str, Any]:
    found = next((i for i in result.inferred if i.method == judgement.method), None)
    rates = {m.population: m.rate(0.05) for m in measured if m.method == judgement.method and enough(m)}
    nan = math.nan
    change = _percent(result.estimate, found) if found is not None else (nan, nan, nan)
    return {
        "evaluation": slug,
        "analysis": result.analysis.slug,
        "outcome": result.estimate.outcome,
        "method": judgement.method,
        "standing": judgement.standing.name.lower(),
        "chosen": judgement.method == result.inferred[0].method,
        "std_error": found.std_error if found else nan,
        "conf_low": found.conf_low if found else nan,
        "conf_high": found.conf_high if found else nan,
        "p_value": found.p_value if found else nan,
        "percent_low": change[1],
        "percent_high": change[2],
        "false_positive_rate": rates.get("all", nan),
        "false_positive_rate_matched": rates.get("matched", nan),
        "false_positive_rate_selection": rates.get("selection", nan),
        "reason": " ".join(r for r in (judgement.reason, *judgement.also) if r),
    }


def series_frame(results: Sequence[AnalysisResult]) -> pd.DataFrame:
    """The treated area month by month in every analysis that is primary, secondary or a time series."""
    frames = [_series(r) for r in results if r.estimate.path is not None and _shown(r)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(SERIES_COLUMNS))


def _shown(result: AnalysisResult) -> bool:
    return result.analysis.role in ("primary", "secondary") or result.inferred[0].draws is None


def _series(result: AnalysisResult) -> pd.DataFrame:
    path, design = result.estimate.path, result.design
    assert path is not None
    comparison = design.counts[design.comparison].sum(axis=0)
    frame = pd.DataFrame(
        {
            "analysis": result.analysis.slug,
            "outcome": result.estimate.outcome,
            "period": list(design.periods),
            "event_time": design.event_time,
            "phase": np.where(design.post, "post", "pre"),
            "comparison": comparison,
        }
    ).merge(path, on="period", how="left")
    return frame[list(SERIES_COLUMNS)]


def _ranked(result: AnalysisResult) -> Inferred:
    """What ranking among placebo neighbourhoods says, whichever method the verdict rests on; else that method."""
    return next((i for i in result.inferred if i.draws is not None), result.inferred[0])


def event_frame(result: AnalysisResult, study: EventStudy | StaggeredEventStudy) -> pd.DataFrame:
    """Leads and lags of the primary analysis with pointwise intervals and a simultaneous band.

    Both come from the placebo neighbourhoods: each draw's coefficients are divided by the standard deviation that its
    size implies; a point's interval holds 95 % of its own, the band holds 95 % of the largest over all points
    (sup-t; Montiel Olea and Plagborg-Møller 2019).
    """
    from cseval.inference.spread import scale_of, variance_by_size

    design, first = result.design, _ranked(result)
    estimate = study.estimate(design)
    table = estimate.coefficients
    if table is None or first.draws is None:
        return pd.DataFrame(columns=list(EVENT_COLUMNS))
    many = result.analysis.estimator.estimate_many(design, first.draws.sets)  # type: ignore[attr-defined]
    scale = scale_of(many, variance_by_size(many))
    scaled = study.coefficients_many(design, first.draws.sets) / scale[:, None]
    scaled = scaled[np.isfinite(scaled).all(axis=1)]
    if not scaled.any():  # so few incidents that no neighbourhood has an effect in every period
        return pd.DataFrame(columns=list(EVENT_COLUMNS))
    value = table["estimate"].to_numpy(float)
    spread = np.sqrt((scaled**2).mean(axis=0))
    pointwise = np.quantile(np.abs(scaled), 0.95, axis=0) * first.std_error
    used = spread > 0
    largest = np.abs(scaled[:, used] / spread[used]).max(axis=1)
    band = np.where(used, np.quantile(largest, 0.95) * spread * first.std_error, 0.0)
    frame = pd.DataFrame(
        {
            "analysis": result.analysis.slug,
            "outcome": estimate.outcome,
            "bin": [
                f"months {a} to {b}" if design.staggered else _bin_label(design.start, a, b)
                for a, b in zip(table["first_event_time"], table["last_event_time"], strict=True)
            ],
            "first_event_time": table["first_event_time"],
            "last_event_time": table["last_event_time"],
            "estimate": value,
            "std_error": spread * first.std_error,
            "conf_low": value - pointwise,
            "conf_high": value + pointwise,
            "band_low": value - band,
            "band_high": value + band,
        }
    )
    for source, target in (("estimate", "percent_change"), ("conf_low", "percent_low"), ("conf_high", "percent_high")):
        frame[target] = [percent(v) for v in frame[source]]
    return frame[list(EVENT_COLUMNS)]


def _bin_label(start: str, first: int, last: int) -> str:
    return f"{add_months(start, int(first))} to {add_months(start, int(last))}"


def placebo_frame(result: AnalysisResult) -> pd.DataFrame:
    """One row per placebo neighbourhood of the primary analysis."""
    draws = _ranked(result).draws
    if draws is None:
        return pd.DataFrame(columns=list(PLACEBO_COLUMNS))
    codes = np.array(result.design.units)
    return pd.DataFrame(
        {
            "analysis": result.analysis.slug,
            "draw": np.arange(1, len(draws.effects) + 1),
            "units": [" ".join(row) for row in codes[draws.sets.members].tolist()],
            "estimate": draws.effects,
            "statistic": draws.statistics,
        },
        columns=list(PLACEBO_COLUMNS),
    )


def displacement_frame(result: AnalysisResult, rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The treated area and the rings around it, from the buffer check's effects."""
    frame = pd.DataFrame(rows)
    if frame.empty:
        return pd.DataFrame(columns=list(DISPLACEMENT_COLUMNS))
    frame["analysis"], frame["outcome"] = result.analysis.slug, result.estimate.outcome
    if result.estimate.scale == LOG:
        for source, target in (
            ("estimate", "percent_change"),
            ("conf_low", "percent_low"),
            ("conf_high", "percent_high"),
        ):
            frame[target] = [percent(v) for v in frame[source]]
        frame["counterfactual"] = frame["observed"] / np.exp(frame["estimate"])
        frame["averted"] = frame["counterfactual"] - frame["observed"]
    return frame.reindex(columns=list(DISPLACEMENT_COLUMNS))


def further_frames(results: Sequence[AnalysisResult], claims: Sequence[ClaimResult]) -> dict[str, pd.DataFrame]:
    """Tables that estimators and claims leave of their own, by file name, each row named by its analysis or claim.

    Raises
    ------
    EstimationError
        If a claim and an estimator leave a table of one name.
    """
    by_analysis = _joined_tables(
        ({"analysis": r.analysis.slug, "outcome": r.estimate.outcome}, r.estimate.tables) for r in results
    )
    by_claim = _joined_tables(({"claim": c.statement.slug, "outcome": c.outcome}, c.frames) for c in claims)
    both = sorted(set(by_analysis) & set(by_claim))
    if both:
        raise EstimationError(f"two kinds of table {both[0]!r}", where="claims", expected="a name of its own")
    return by_analysis | by_claim


def _joined_tables(left: Iterable[tuple[dict[str, str], Mapping[str, pd.DataFrame]]]) -> dict[str, pd.DataFrame]:
    """Tables of one name put under each other, each led by the columns that say whose it is."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for named, tables in left:
        for name, table in tables.items():
            parts.setdefault(name, []).append(_led_by(table, named))
    return {name: pd.concat(tables, ignore_index=True) for name, tables in sorted(parts.items())}


def _led_by(table: pd.DataFrame, named: dict[str, str]) -> pd.DataFrame:
    """The table with these columns first, the same value in every row."""
    further = [c for c in table.columns if c not in named]
    return table.assign(**named)[[*named, *further]].reset_index(drop=True)

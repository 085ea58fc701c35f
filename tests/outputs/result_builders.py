"""A whole `EvaluationResult` made by hand: a grid of 72 areas, five treated, 48 months, every table filled.

Nothing here calls an estimator: outputs are a function of a result, so a result is all they need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from result_frames import (
    calibration_rows,
    displacement_frame,
    event_rows,
    inference_rows,
    make_checks,
    make_judgements,
    make_overlaps,
    make_power,
    placebo_frame,
    series_rows,
)

from cseval.areas import Areas, PlaceboSets
from cseval.design import Design
from cseval.estimate import EFFECT_COLUMNS, Estimate, percent
from cseval.inference.base import Inferred, PlaceboDraws
from cseval.inputs import DEMONSTRATION, Inputs, Roles
from cseval.months import month_number, month_range
from cseval.panel import Panel, Provenance
from cseval.result import (
    CALIBRATION_COLUMNS,
    EVENT_COLUMNS,
    INFERENCE_COLUMNS,
    SERIES_COLUMNS,
    AnalysisResult,
    EvaluationResult,
)
from cseval.spec import Analysis, Evaluation, Programme, Window

FIRST, START, LAST = "2016-05", "2018-05", "2019-10"
WIDTH, HEIGHT = 9, 8
HASH = "ab" * 32
COMMAND = "cseval run pilot-evaluation --data demonstration"
TREATED = (30, 31, 32, 39, 40)
HOSTILE_WARD = "<img src=x onerror=alert(1)>"
HOSTILE_LABEL = '=HYPERLINK("evil","x")'


@dataclass(frozen=True, kw_only=True)
class Named:
    """Stands for an estimator or an inference method, of which outputs need only the name."""

    name: str = "Poisson difference-in-differences"

    def estimate(self, design: Design) -> Estimate:
        raise NotImplementedError

    def infer(self, design: Design, estimator: Any, estimate: Estimate, seed: int) -> Inferred:
        raise NotImplementedError


PLACEBO = Named(name="placebo neighbourhoods")
HAC = Named(name="Newey-West")


def unread(_: Any) -> Inputs:
    raise NotImplementedError


def grid(names: dict[str, str]) -> Areas:
    units = tuple(f"W{i:03d}" for i in range(WIDTH * HEIGHT))
    across = [(i, i + 1) for i in range(len(units)) if (i + 1) % WIDTH]
    down = [(i, i + WIDTH) for i in range(len(units) - WIDTH)]
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], dtype=float) * 900
    outlines = {u: (square + 900.0 * np.array([i % WIDTH, i // WIDTH]),) for i, u in enumerate(units)}
    pairs = np.array(across + down, dtype=np.int64)
    return Areas(
        units=units, pairs=pairs, border=np.full(len(pairs), 900.0), names=names, outlines=outlines, districts={}
    )


def make_inputs(data: str = DEMONSTRATION, hostile: bool = False) -> Inputs:
    names = {f"W{i:03d}": f"Ward {i + 1}" for i in range(WIDTH * HEIGHT)}
    names |= {"W030": HOSTILE_WARD if hostile else "Alder Green", "W031": "Birch Fields", "W032": "Cedar Hill"}
    names |= {"W039": "Damson Wharf", "W040": "Elder & Oak"}
    areas = grid(names)
    periods = month_range(FIRST, LAST)
    rng = np.random.default_rng(7)
    time = np.arange(len(periods))
    season = 1 + 0.2 * np.sin(2 * np.pi * (time + 1) / 12)
    level = rng.uniform(14, 30, len(areas.units))[:, None] * season * np.exp(-0.002 * time)
    post = np.array([p >= START for p in periods])
    treated = np.isin(np.arange(len(areas.units)), TREATED)
    level = level * np.where(treated[:, None], 1.3, 1.0) * np.where(treated[:, None] & post, 0.8, 1.0)
    counts = {o: rng.poisson(level * share).astype(np.int64) for o, share in OUTCOMES.items()}
    real = data != DEMONSTRATION
    source = Provenance(
        kind="police_uk_street" if real else "demonstration",
        published=True,
        title="Street-level crime" if real else "Demonstration data (simulated, no real place)",
        publisher="Single Online Home" if real else "cseval",
        licence="Open Government Licence v3.0" if real else "MIT",
        path="data/raw/street.csv" if real else "simulated with seed 7",
        sha256="ab" * 32 if real else "",
        rows=len(areas.units) * len(periods),
        first_month=FIRST,
        last_month=LAST,
        vintage="2026-01" if real else "seed 7",
    )
    panel = Panel(units=areas.units, periods=periods, counts=counts, names=names, provenance=(source,))
    roles = Roles(treated=frozenset(areas.units[i] for i in TREATED))
    return Inputs(panel=panel, areas=areas, roles=roles, data=data)


OUTCOMES = {"anti_social_behaviour": 1.0, "criminal_damage": 0.4, "robbery": 0.15}


def analysis(slug: str, outcome: str, role: str, label: str, inference: Named = PLACEBO) -> Analysis:
    return Analysis(slug=slug, outcome=outcome, estimator=Named(), inference=(inference,), role=role, label=label)


def make_analyses(hostile: bool) -> tuple[Analysis, ...]:
    return (
        analysis("asb", "anti_social_behaviour", "primary", "Anti-social behaviour"),
        analysis("damage", "criminal_damage", "secondary", HOSTILE_LABEL if hostile else "Criminal damage"),
        analysis("robbery", "robbery", "secondary", "Robbery"),
        analysis("asb-its", "anti_social_behaviour", "sensitivity", "Interrupted time series of the pilot alone", HAC),
        analysis("asb-linear", "anti_social_behaviour", "exploratory", "Linear comparison of counts"),
    )


def make_evaluation(hostile: bool = False) -> Evaluation:
    return Evaluation(
        slug="pilot-evaluation",
        title="Neighbourhood Management Pilot",
        question="Did anti-social behaviour in the pilot area change because of the pilot?",
        programme=Programme(name="Neighbourhood Management Pilot", start=START, roles="roles.csv", agreed="2017-08"),
        window=Window(first=FIRST, last=LAST),
        real=unread,
        demonstration=unread,
        needs=("police_uk_street",),
        analyses=make_analyses(hostile),
        reasons=(("anti_social_behaviour", "It is what the pilot set out to reduce."),),
        limits=("Recorded incidents are not all incidents.", "The outcome of a survey is not seen here."),
    )


CHOICE = (
    "The verdict rests on placebo neighbourhoods: of 2 methods measured on these data, it rejects true nulls at the 5% "
    "level at rates of 5.1% (all), 4.7% (matched), none of which can be told from 5%."
)

EFFECTS = {
    "asb": (-0.212, 0.086, 0.0132),
    "damage": (-0.09, 0.08, 0.25),
    "robbery": (0.05, 0.21, 0.81),
    "asb-its": (-0.16, 0.05, 0.0004),
    "asb-linear": (-0.19, 0.07, 0.021),
}


def make_analysis_result(inputs: Inputs, spec: Analysis) -> AnalysisResult:
    effect, error, p_value = EFFECTS[spec.slug]
    before, after = month_number(START) - month_number(FIRST), month_number(LAST) - month_number(START) + 1
    outcome = spec.outcomes[0]
    design = Design.build(inputs, outcome, start=START, months_before=before, months_after=after)
    observed = float(design.post_counts[design.is_treated].sum())
    low, high = effect - 1.96 * error, effect + 1.96 * error
    clear = high < 0
    rng = np.random.default_rng(len(spec.slug))
    members = np.sort(rng.integers(0, len(inputs.panel.units), (1999, 5)), axis=1)
    statistics = rng.normal(0, 1, 1999)
    if spec.inference[0] is PLACEBO:
        p_value = (1 + int((np.abs(statistics) >= abs(effect / error)).sum())) / 2000
    draws = PlaceboDraws(
        sets=PlaceboSets(members=members, ring=members[:, :1]),
        effects=rng.normal(0, error, 1999),
        statistics=statistics,
        statistic=effect / error,
    )
    method = spec.inference[0].name
    inferred = Inferred(
        method=method,
        std_error=error,
        conf_low=low,
        conf_high=high,
        p_value=p_value,
        draws=draws if "placebo" in method else None,
    )
    estimate = Estimate(
        estimator=spec.estimator.name,
        estimand="average effect on the treated area, ratio of rates",
        outcome=outcome,
        scale="log",
        effect=effect,
        std_error=error,
        conf_low=low,
        conf_high=high,
        p_value=p_value,
        inference=method,
        observed=observed,
        counterfactual=observed / math.exp(effect),
        treated_units=5,
        comparison_units=int(design.comparison.sum()),
        pre_periods=before,
        post_periods=after,
        assumption="Without the programme the treated area would have changed in the same proportion as the comparison",
    )
    measured = spec.role in ("primary", "secondary")
    return AnalysisResult(
        analysis=spec,
        design=design,
        estimate=estimate,
        inferred=(inferred,),
        verdict="evidence of a reduction" if clear else "no clear evidence of a change",
        sentence="There is evidence of a reduction, compared with what would have been expected."
        if clear
        else "There is no clear evidence of a change.",
        rates={"all": 0.051, "matched": 0.047, "selection": 0.032},
        smallest_detectable=(-18.2, 22.1) if measured else (-18.0, 21.0),
        detectable_error=(1.0, 2.1) if measured else (math.nan, math.nan),
        judgements=make_judgements(method, spec.role),
        choice=CHOICE if spec.role == "primary" else "",
    )


def effect_row(evaluation: Evaluation, result: AnalysisResult, data: str) -> dict[str, Any]:
    e = result.estimate
    averted, averted_low, averted_high = e.averted()
    return {
        "evaluation": evaluation.slug,
        "analysis": result.analysis.slug,
        "role": result.analysis.role,
        "outcome": e.outcome,
        "estimator": e.estimator,
        "estimand": e.estimand,
        "scale": e.scale,
        "estimate": e.effect,
        "std_error": e.std_error,
        "conf_low": e.conf_low,
        "conf_high": e.conf_high,
        "p_value": e.p_value,
        "inference": e.inference,
        "percent_change": percent(e.effect),
        "percent_low": percent(e.conf_low),
        "percent_high": percent(e.conf_high),
        "observed": e.observed,
        "counterfactual": e.counterfactual,
        "averted": averted,
        "averted_low": averted_low,
        "averted_high": averted_high,
        "treated_units": 5,
        "comparison_units": e.comparison_units,
        "pre_periods": e.pre_periods,
        "post_periods": e.post_periods,
        "p_adjusted": min(2 * e.p_value, 1.0) if result.analysis.role == "secondary" else math.nan,
        "false_positive_rate": 0.047 if e.inference == PLACEBO.name else math.nan,
        "verdict": result.verdict,
        "data": data,
    }


def make_result(*, data: str = DEMONSTRATION, hostile: bool = False, **changes: Any) -> EvaluationResult:
    """A result with everything in it; `changes` replace its fields."""
    inputs, evaluation = make_inputs(data, hostile), make_evaluation(hostile)
    analyses = tuple(make_analysis_result(inputs, spec) for spec in evaluation.analyses)
    checks = make_checks()
    result = EvaluationResult(
        evaluation=evaluation,
        inputs=inputs,
        analyses=analyses,
        checks=checks,
        effects=pd.DataFrame([effect_row(evaluation, a, data) for a in analyses], columns=EFFECT_COLUMNS),
        series=pd.DataFrame([r for a in analyses[:1] + analyses[3:4] for r in series_rows(a)], columns=SERIES_COLUMNS),
        event_study=pd.DataFrame(event_rows(), columns=EVENT_COLUMNS),
        placebo=placebo_frame(analyses[0]),
        calibration=pd.DataFrame(calibration_rows(), columns=CALIBRATION_COLUMNS),
        displacement=displacement_frame(),
        overlaps=make_overlaps(),
        headline="There is evidence of a reduction in anti-social behaviour in the pilot area.",
        weaknesses=(
            "Choosing the worst neighbourhood brings a fall of 1.3% by itself.",
            "Other programmes ran at the same time.",
        ),
        evidence="Level 3 of the Maryland scale as What Works Growth reads it: the areas were not drawn by lot.",
        left_out=("staggered: the data hold no second start",),
        warnings=("The data end before the programme does.",),
        inference=pd.DataFrame([r for a in analyses for r in inference_rows(a)], columns=INFERENCE_COLUMNS),
        power=tuple(make_power(a) for a in analyses if a.analysis.role in ("primary", "secondary")),
        seed=7,
        draws=1999,
        durations={"estimate": 0.5},
    )
    return replace(result, **changes)

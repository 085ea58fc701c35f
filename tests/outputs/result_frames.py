"""The tables, checks and overlaps of the hand-made result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from cseval.checks.base import CheckResult
from cseval.checks.specification_curve import CURVE_COLUMNS, MADE
from cseval.checks.specification_curve import NAME as CURVE
from cseval.estimate import percent
from cseval.inference.guard import Judgement
from cseval.inference.requirements import Standing
from cseval.power import PowerResult
from cseval.result import DETECTABLE_COLUMNS, DISPLACEMENT_COLUMNS, PLACEBO_COLUMNS, POWER_COLUMNS, AnalysisResult
from cseval.tables import Table


def series_rows(result: AnalysisResult) -> list[dict[str, Any]]:
    design = result.design
    observed = design.counts[design.is_treated].sum(axis=0).astype(float)
    comparison = design.counts[design.comparison].sum(axis=0).astype(float)
    comparison = comparison * observed[~design.post].sum() / comparison[~design.post].sum()
    its = result.analysis.slug == "asb-its"
    effect = math.exp(result.estimate.effect)
    return [
        {
            "analysis": result.analysis.slug,
            "outcome": result.estimate.outcome,
            "period": p,
            "event_time": int(t),
            "phase": "post" if after else "pre",
            "observed": o,
            "comparison": math.nan if its else c,
            "fitted": (c * effect if after else c) if its else math.nan,
            "counterfactual": c if its else math.nan,
            "low": c * 0.85 if its else math.nan,
            "high": c * 1.15 if its else math.nan,
        }
        for p, t, after, o, c in zip(design.periods, design.event_time, design.post, observed, comparison, strict=True)
    ]


def event_rows() -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    rows = []
    for k in range(-8, 6):
        effect = 0.0 if k == -1 else float(rng.normal(0 if k < 0 else -0.2, 0.04))
        error = math.nan if k == -1 else 0.07
        rows.append(
            {
                "analysis": "asb",
                "outcome": "anti_social_behaviour",
                "bin": k,
                "first_event_time": 3 * k,
                "last_event_time": 3 * k + 2,
                "estimate": effect,
                "std_error": error,
                "conf_low": effect - 1.96 * error,
                "conf_high": effect + 1.96 * error,
                "band_low": effect - 2.9 * error,
                "band_high": effect + 2.9 * error,
                "percent_change": percent(effect),
                "percent_low": percent(effect - 1.96 * error),
                "percent_high": percent(effect + 1.96 * error),
            }
        )
    return rows


def calibration_rows() -> list[dict[str, Any]]:
    rates = {
        "placebo neighbourhoods": (0.05, 0.047, 0.032),
        "cluster-robust (CR1)": (0.214, 0.22, 0.261),
        "wild bootstrap": (0.11, 0.12, 0.15),
    }
    return [
        {
            "evaluation": "pilot-evaluation",
            "analysis": "asb",
            "outcome": "anti_social_behaviour",
            "method": method,
            "population": population,
            "level": level,
            "placebos": 3000,
            "false_positive_rate": rate * level / 0.05,
            "mc_error": 0.005,
            "coverage": 1 - rate,
            "bias": -0.013,
        }
        for level in (0.01, 0.05)
        for method, triple in rates.items()
        for population, rate in zip(("all", "matched", "selection"), triple, strict=True)
    ]


COARSE = "The placebo neighbourhoods overlap and lie in 14 separate places, so p-values are coarser than they look."
ONE_PLACE = "Cluster-robust errors treat 5 treated units as independent places, but they form 1 neighbourhood."
TOO_SHORT = "wild bootstrap: needs at least 12 treated units."


def make_judgements(method: str, role: str) -> tuple[Judgement, ...]:
    """The method of an analysis; for the primary one also an unreliable and a refused method."""
    if role != "primary":
        return (Judgement(method=method, standing=Standing.SHOWN),)
    return (
        Judgement(method=method, standing=Standing.COARSE, reason=COARSE),
        Judgement(method="cluster-robust (CR1)", standing=Standing.UNRELIABLE, reason=ONE_PLACE),
        Judgement(method="wild bootstrap", standing=Standing.REFUSED, reason=TOO_SHORT),
    )


def inference_rows(result: AnalysisResult) -> list[dict[str, Any]]:
    """A row for each judgement; the unreliable method has half the error of the first."""
    return [_inference_row(result, j) for j in result.judgements]


def _inference_row(result: AnalysisResult, judgement: Judgement) -> dict[str, Any]:
    first = result.inferred[0]
    chosen, refused = judgement.method == first.method, judgement.standing == Standing.REFUSED
    error = math.nan if refused else first.std_error * (1 if chosen else 0.5)
    low, high = result.estimate.effect - 1.96 * error, result.estimate.effect + 1.96 * error
    return {
        "evaluation": "pilot-evaluation",
        "analysis": result.analysis.slug,
        "outcome": result.estimate.outcome,
        "method": judgement.method,
        "standing": judgement.standing.name.lower(),
        "chosen": chosen,
        "std_error": error,
        "conf_low": low,
        "conf_high": high,
        "p_value": first.p_value if chosen else math.nan if refused else 0.0004,
        "percent_low": percent(low),
        "percent_high": percent(high),
        "false_positive_rate": 0.051 if chosen else math.nan if refused else 0.214,
        "false_positive_rate_matched": 0.047 if chosen else math.nan if refused else 0.22,
        "false_positive_rate_selection": math.nan,
        "reason": judgement.reason,
    }


EFFECTS_TRIED = (-80.0, -50.0, -30.0, -18.2, -10.0, 0.0, 10.0, 22.1, 50.0, 150.0)


def make_power(result: AnalysisResult) -> PowerResult:
    """Power that four times in five finds a fall of 18.2% or a rise of 22.1% after 18 months; less with six."""
    months = (6, 18) if result.analysis.role == "primary" else (18,)
    labels = {
        "evaluation": "pilot-evaluation",
        "analysis": result.analysis.slug,
        "outcome": result.estimate.outcome,
        "method": "placebo neighbourhoods",
        "months_before": 24,
    }
    return PowerResult(
        curve=pd.DataFrame([r for m in months for r in _power_rows(labels, m)], columns=POWER_COLUMNS),
        detectable=pd.DataFrame([_detectable_row(labels, m) for m in months], columns=DETECTABLE_COLUMNS),
    )


def _power_rows(labels: dict[str, Any], months: int) -> list[dict[str, Any]]:
    return [
        {
            **labels,
            "months_after": months,
            "effect_percent": effect,
            "placebos": 1500,
            "districts": 12,
            "placebo_starts": 3,
            "power": 0.05 + 0.95 * (1 - math.exp(-((abs(math.log1p(effect / 100)) * months / 3) ** 2))),
            "mc_error": 0.01,
        }
        for effect in EFFECTS_TRIED
    ]


def _detectable_row(labels: dict[str, Any], months: int) -> dict[str, Any]:
    reached = months == 18
    return {
        **labels,
        "months_after": months,
        "placebos": 1500,
        "target_power": 0.8,
        "mde_fall": -18.2 if reached else -math.inf,
        "mde_fall_error": 1.0 if reached else math.nan,
        "mde_rise": 22.1 if reached else math.inf,
        "mde_rise_error": 2.1 if reached else math.nan,
        "largest_fall": -80.0,
        "largest_rise": 150.0,
        "size": 0.049,
        "size_error": 0.01,
    }


def make_curve(rows: int = 72) -> CheckResult:
    """A specification curve of more rows than a page shows, the last of which could not be made."""
    change = np.append(np.linspace(-25.0, 5.0, rows - 1), math.nan)
    number = np.arange(rows)
    frame = pd.DataFrame(
        {
            "rank": [*range(1, rows), None],
            "percent_change": change,
            "percent_low": change - 12.0,
            "percent_high": change + 12.0,
            "p_value": np.where(np.isnan(change), math.nan, 0.2),
            "outcome": "anti_social_behaviour",
            "window": np.where(number % 2, "2016-05 to 2019-10", "2017-05 to 2019-10"),
            "comparison_group": "all",
            "start": "2018-05",
            "transition": np.where(number % 3, 0, 4),
            "buffer_rings": number % 2,
            "model": "Poisson difference-in-differences",
            "registered": number == 20,
            "reason": [MADE] * (rows - 1) + ["no month is left after the start"],
        }
    ).astype({"rank": "Int64"})
    return CheckResult(
        name=CURVE,
        question="Would other defensible choices have given another answer?",
        verdict="information",
        statistic=-10.0,
        p_value=0.03,
        sentence="Of 72 defensible specifications, 71 could be made.",
        reference="placebo neighbourhoods put through the same specifications",
        table=Table(
            slug="specification-curve",
            title="The primary question under every combination of defensible choices",
            values=frame[list(CURVE_COLUMNS)],
        ),
    )


def make_checks() -> tuple[CheckResult, ...]:
    table = Table(
        slug="placebo-starts",
        title="Placebo starts",
        source="the panel",
        values=pd.DataFrame(
            {"start": ["2017-05", "2016-11"], "percent_change": [-1.23456, math.nan], "kept": [True, False]}
        ),
    )
    shared = {"reference": "F(7, 300)"}
    return (
        CheckResult(
            name="pre-trends",
            question="Did the areas move together before the start?",
            verdict="pass",
            statistic=1.1,
            p_value=0.36,
            sentence="Before the start the areas moved together.",
            **shared,
        ),
        CheckResult(
            name="regression-to-the-mean",
            question="Were the areas chosen at their worst?",
            verdict="concern",
            statistic=-1.3,
            p_value=math.nan,
            sentence="Choosing the worst neighbourhood brings a fall of 1.3% by itself.",
            reference="",
            table=table,
        ),
        CheckResult(
            name="arrivals",
            question="Did recording change?",
            verdict="not applicable",
            statistic=math.nan,
            p_value=math.nan,
            sentence="The register dates no recording change.",
            reference="",
        ),
        make_curve(),
    )


def make_overlaps() -> Table:
    rows = [
        (
            "Partnership Taskforce (police posts paid for by the council)",
            "from April 2018",
            "2018-04",
            "2021-03",
            "Borough",
            "Officers",
            "within six months of the start",
            "Board report, 3.6",
        ),
        (
            "Operation Continuum",
            "from December 2017",
            "2017-12",
            "",
            "Borough",
            "Drug supply",
            "within six months of the start",
            "Board report, 3.5",
        ),
        (
            "Violent Crime Summit",
            "from September 2018",
            "2018-09",
            "2018-09",
            "Borough",
            "Event",
            "within six months of the start",
            "Board report, 3.4",
        ),
        (
            "New delivery model",
            "start not in the sources",
            "",
            "",
            "Borough",
            "Teams",
            "not in the sources",
            "Board report, 3.3",
        ),
        (
            "Safer Together campaign",
            "from January 2016",
            "2016-01",
            "",
            "Borough",
            "Campaign",
            "before the start",
            "Board report, 3.3",
        ),
    ]
    columns = ["programme", "when", "first_month", "last_month", "area", "mechanism", "began", "source"]
    return Table(
        slug="overlaps",
        title="Other programmes in the same place in the same months",
        values=pd.DataFrame(rows, columns=columns),
        notes=("An effect estimated for one programme is an effect of all that changed in that place at that time.",),
        source="Programme register",
    )


def placebo_frame(result: AnalysisResult) -> pd.DataFrame:
    draws = result.inferred[0].draws
    assert draws is not None
    units = ["; ".join(f"W{i:03d}" for i in row) for row in draws.sets.members]
    values = zip(range(1, len(units) + 1), units, draws.effects, draws.statistics, strict=True)
    return pd.DataFrame([("asb", *v) for v in values], columns=PLACEBO_COLUMNS)


def displacement_frame() -> pd.DataFrame:
    areas = (("treated area", 5, -0.212), ("ring 1", 9, -0.04), ("treated area and ring 1", 14, -0.1))
    rows = [
        (
            "asb",
            "anti_social_behaviour",
            a,
            n,
            e,
            e - 0.1,
            e + 0.1,
            0.3,
            percent(e),
            percent(e - 0.1),
            percent(e + 0.1),
            900.0,
            900 / math.exp(e),
            900 / math.exp(e) - 900,
        )
        for a, n, e in areas
    ]
    return pd.DataFrame(rows, columns=DISPLACEMENT_COLUMNS)

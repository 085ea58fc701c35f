"""The tables, checks and overlaps of the hand-made result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from cseval.checks.base import CheckResult
from cseval.estimate import percent
from cseval.result import DISPLACEMENT_COLUMNS, PLACEBO_COLUMNS, AnalysisResult
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

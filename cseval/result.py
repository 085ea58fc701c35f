"""Everything one run of an evaluation found; outputs are written from this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from cseval.checks.base import CheckResult
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.inference.base import Inferred
    from cseval.inputs import Inputs
    from cseval.spec import Analysis, Evaluation
    from cseval.tables import Table

CALIBRATION_COLUMNS = (
    "evaluation analysis outcome method population level placebos false_positive_rate mc_error coverage bias".split()
)
SERIES_COLUMNS = "analysis outcome period event_time phase observed comparison fitted counterfactual low high".split()
EVENT_COLUMNS = (
    "analysis outcome bin first_event_time last_event_time estimate std_error conf_low conf_high "
    "band_low band_high percent_change percent_low percent_high".split()
)
PLACEBO_COLUMNS = "analysis draw units estimate statistic".split()
DISPLACEMENT_COLUMNS = (
    "analysis outcome area units estimate conf_low conf_high p_value percent_change percent_low percent_high "
    "observed counterfactual averted".split()
)
CHECK_COLUMNS = "analysis check question verdict statistic reference p_value sentence".split()


@dataclass(frozen=True, kw_only=True, eq=False)
class AnalysisResult:
    """One analysis: its design, its estimate, and what each inference method says of it.

    `inferred[0]` is the registered method; `rates` is its measured false-positive rate at 5 % by
    placebo population; `sentence` is the reading of the effect in words.
    """

    analysis: Analysis
    design: Design
    estimate: Estimate
    inferred: tuple[Inferred, ...]
    verdict: str
    sentence: str
    p_adjusted: float = float("nan")
    rates: Mapping[str, float] = field(default_factory=dict)
    selection_bias: float = float("nan")
    smallest_detectable: tuple[float, float] = (float("nan"), float("nan"))


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationResult:
    """Everything a run found.

    Parameters
    ----------
    evaluation : Evaluation
    inputs : Inputs
    analyses : tuple of AnalysisResult
        The primary one first.
    checks : tuple of CheckResult
    effects, series, event_study, placebo, calibration, displacement : pandas.DataFrame
        The tables of the output folder; columns as in this module and `cseval.estimate.EFFECT_COLUMNS`.
    overlaps : Table
        Other programmes of the register that ran in the window.
    headline : str
        The primary finding in one sentence.
    weaknesses : tuple of str
        What weakens it: sentences of the checks that raise concern, and the standing limits.
    evidence : str
        The evidence statement: level of the scale and why not higher.
    left_out : tuple of str
        Analyses, units, months and rows that were left out, and why.
    warnings : tuple of str
    seed, draws : int
    durations : mapping of str to float
        Seconds by step; the only part of a run that differs between two runs.
    """

    evaluation: Evaluation
    inputs: Inputs
    analyses: tuple[AnalysisResult, ...]
    checks: tuple[CheckResult, ...]
    effects: pd.DataFrame
    series: pd.DataFrame
    event_study: pd.DataFrame
    placebo: pd.DataFrame
    calibration: pd.DataFrame
    displacement: pd.DataFrame
    overlaps: Table
    headline: str
    weaknesses: tuple[str, ...]
    evidence: str
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]
    seed: int
    draws: int
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def primary(self) -> AnalysisResult:
        """The primary analysis."""
        return next(a for a in self.analyses if a.analysis.role == "primary")

    @property
    def data(self) -> str:
        """``real`` or ``demonstration``."""
        return self.inputs.data

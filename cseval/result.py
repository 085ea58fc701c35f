"""Everything one run of an evaluation found; outputs are written from this and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from cseval.checks.base import CheckResult
    from cseval.claims.base import ClaimResult
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.inference.base import Inferred
    from cseval.inference.guard import Judgement
    from cseval.inputs import Inputs
    from cseval.panel import Provenance
    from cseval.part import PartResult
    from cseval.power import PowerResult
    from cseval.registry.breaks import Break
    from cseval.spec import Analysis, Evaluation
    from cseval.study import Study
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
INFERENCE_COLUMNS = (
    "evaluation analysis outcome method standing chosen std_error conf_low conf_high p_value percent_low percent_high "
    "false_positive_rate false_positive_rate_matched false_positive_rate_selection reason".split()
)
POWER_COLUMNS = (
    "evaluation analysis outcome method months_before months_after effect_percent placebos districts placebo_starts "
    "power mc_error".split()
)
DETECTABLE_COLUMNS = (
    "evaluation analysis outcome method months_before months_after placebos target_power mde_fall mde_fall_error "
    "mde_rise mde_rise_error largest_fall largest_rise size size_error".split()
)
CLAIM_COLUMNS = (
    "evaluation claim statement source paragraph reading outcome verdict on_stand_in sentence caveat".split()
)
CHECK_COLUMNS = "analysis check question verdict statistic reference p_value sentence".split()


@dataclass(frozen=True, kw_only=True, eq=False)
class AnalysisResult:
    """One analysis: its design, its estimate, and what each inference method says of it.

    `inferred[0]` is the method that the verdict rests on and `choice` says why; `rates` is its measured
    false-positive rate at 5 % by placebo population; `judgements` say of every registered method whether it holds
    here; `sentence` is the reading of the effect in words. `smallest_detectable` is measured by injected effects for
    primary and secondary outcomes, and read off the placebo distribution for the others.
    """

    analysis: Analysis
    design: Design
    estimate: Estimate
    inferred: tuple[Inferred, ...]
    verdict: str
    sentence: str
    p_adjusted: float = float("nan")
    p_holm: float = float("nan")
    rates: Mapping[str, float] = field(default_factory=dict)
    selection_bias: float = float("nan")
    smallest_detectable: tuple[float, float] = (float("nan"), float("nan"))
    detectable_error: tuple[float, float] = (float("nan"), float("nan"))
    judgements: tuple[Judgement, ...] = ()
    choice: str = ""


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
    inference : pandas.DataFrame
        Every registered method of every analysis, refused ones included.
    power : tuple of PowerResult
        Of the primary and the secondary analyses.
    claims : tuple of ClaimResult
        What the data say of public statements.
    breaks : tuple of Break
        Dated changes of recording and events that move an outcome within the window; none on simulated data.
    matrix : Table or None
        Months that every programme of the register shares with every other one; None without a register.
    parts : tuple of PartResult
        Further parts of the report, in the order of the protocol.
    register : tuple of Provenance
        Tables of the programme register, which overlaps and dated changes come from; none of a place not in it.
    further : mapping of str to pandas.DataFrame
        Tables that estimators and claims leave of their own, by file name.
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
    inference: pd.DataFrame
    power: tuple[PowerResult, ...] = ()
    claims: tuple[ClaimResult, ...] = ()
    breaks: tuple[Break, ...] = ()
    matrix: Table | None = None
    parts: tuple[PartResult, ...] = ()
    register: tuple[Provenance, ...] = ()
    further: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def primary(self) -> AnalysisResult:
        """The primary analysis."""
        return next(a for a in self.analyses if a.analysis.role == "primary")

    @property
    def data(self) -> str:
        """``real`` or ``demonstration``."""
        return self.inputs.data

    @property
    def slug(self) -> str:
        """Slug of the evaluation."""
        return self.evaluation.slug

    @property
    def title(self) -> str:
        """Title of the evaluation."""
        return self.evaluation.title

    @property
    def own_sources(self) -> tuple[Provenance, ...]:
        """The files behind the counts."""
        return self.inputs.sources

    @property
    def sources(self) -> tuple[Provenance, ...]:
        """The files behind the counts, those behind the further parts, and the register's."""
        return joined_sources(self.own_sources, self.parts, self.register)


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyResult:
    """Everything a run of a study found: its parts, and nothing estimated from counts of its own.

    Parameters
    ----------
    study : Study
    data : {"real", "demonstration"}
    parts : tuple of PartResult
        Those that could be made, at least one.
    headline : str
    weaknesses, left_out, warnings : tuple of str
    overlaps : Table
        Other programmes of the register that ran in the same months.
    matrix : Table or None
        Months that every programme shares with every other one.
    register : tuple of Provenance
        Tables of the programme register.
    seed, draws : int
    durations : mapping of str to float
    """

    study: Study
    data: str
    parts: tuple[PartResult, ...]
    headline: str
    weaknesses: tuple[str, ...]
    left_out: tuple[str, ...]
    seed: int
    draws: int
    overlaps: Table | None = None
    matrix: Table | None = None
    warnings: tuple[str, ...] = ()
    register: tuple[Provenance, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Slug of the study."""
        return self.study.slug

    @property
    def title(self) -> str:
        """Title of the study."""
        return self.study.title

    @property
    def sources(self) -> tuple[Provenance, ...]:
        """The files that its parts read, and the register's."""
        return joined_sources(self.own_sources, (), self.register)

    @property
    def own_sources(self) -> tuple[Provenance, ...]:
        """The files that its parts read: a study has no counts of its own."""
        return joined_sources((), self.parts, ())


#: What manifest, data package and the end of every report are made of, whatever kind of run it was.
Told = EvaluationResult | StudyResult


def joined_sources(
    own: tuple[Provenance, ...], parts: tuple[PartResult, ...], register: tuple[Provenance, ...]
) -> tuple[Provenance, ...]:
    """The files of a run, of its parts and of the register, each once: a part may read a table of the register."""
    found: dict[object, Provenance] = {}
    for source in (*own, *(s for p in parts for s in p.sources), *register):
        found.setdefault((source.path, source.sha256) if source.sha256 else source, source)
    return tuple(found.values())

"""What one analysis found, as the `Finding` that is put in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cseval.estimate import convert
from cseval.words import Finding

if TYPE_CHECKING:
    from cseval.checks.base import CheckResult
    from cseval.result import AnalysisResult

#: Placebo populations in the order of `cseval.words.PLACES`.
POPULATIONS = ("all", "matched", "selection")


def finding_of(result: AnalysisResult, *, checks: Sequence[CheckResult] = (), measured: str = "") -> Finding:
    """The effect of an analysis, by the method that its verdict rests on.

    Parameters
    ----------
    result : AnalysisResult
    checks : sequence of CheckResult
        Those made of this analysis; each that raises concern is named in the caveat.
    measured : str
        The smallest changes it would have found, in words, where that was measured.
    """
    estimate, first = result.estimate, result.inferred[0]
    ends = (estimate.effect, first.conf_low, first.conf_high)
    changes = convert(estimate.scale, "percent", ends, estimate.observed_rate)
    factor = float(first.facts.get("match_factor", math.nan))
    return Finding(
        outcome=estimate.outcome,
        scale=estimate.scale,
        effect=estimate.effect,
        conf_low=first.conf_low,
        conf_high=first.conf_high,
        changes=(changes[0], _open(first.conf_low, changes[1]), _open(first.conf_high, changes[2])),
        verdict=result.verdict,
        observed=estimate.observed,
        expected=estimate.counterfactual,
        averted=estimate.averted(first.conf_low, first.conf_high),
        months=estimate.post_periods,
        staggered=result.design.staggered,
        against="the comparison areas" if estimate.comparison_units else "the area's own earlier course",
        method=first.method,
        p_value=first.p_value,
        p_adjusted=result.p_adjusted,
        p_holm=result.p_holm,
        rates=tuple(result.rates.get(p, math.nan) for p in POPULATIONS),
        drawn=float(first.facts.get("placebo_neighbourhoods", math.nan)),
        apart=float(first.facts.get("disjoint_neighbourhoods", math.nan)),
        alike=math.isfinite(factor),
        detectable=result.smallest_detectable,
        measured=measured,
        assumption=estimate.assumption,
        concerns=tuple(c.name for c in checks if c.verdict == "concern"),
    )


def _open(end: float, change: float) -> float:
    """An end of the interval in per cent; one that is not there is not a fall of 100 %."""
    return end if math.isinf(end) else change

"""Weighted displacement quotient, and the gross, net and total net effects of the problem-oriented policing guide.

These are descriptions without an error of their own, common in evaluations by police forces; the weighted displacement
difference of `displacement` is the same question with one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cseval.errors import EstimationError
from cseval.estimators.displacement import Pair, require_counts

#: Standard errors that the success measure must be away from zero for a quotient to be read.
FAR_ENOUGH = 1.96


@dataclass(frozen=True, kw_only=True)
class DisplacementMeasures:
    """Measures of a treated area, the buffer around it and a comparison, before (0) and after (1).

    Parameters
    ----------
    gross_effect : float
        GE, ``T0 - T1``, incidents; above zero means fewer.
    net_effect : float
        NE, ``T0 / C0 - T1 / C1``; above zero means that the treated area fell by more than the comparison.
    success : float
        ``T1 / C1 - T0 / C0``, the quotient's denominator; below zero means that the treated area fell by more.
    success_se : float
        Its standard error if counts are Poisson.
    buffer_displacement : float
        ``B1 / C1 - B0 / C0``, the quotient's numerator; above zero points to displacement, below to diffusion.
    quotient : float
        WDQ, the one over the other. To be read only if `readable`.
    total_net_effect : float
        TNE, ``(T0 C1 / C0 - T1) + (B0 C1 / C0 - B1)``, incidents; above zero means fewer in both areas together.
    """

    gross_effect: float
    net_effect: float
    success: float
    success_se: float
    buffer_displacement: float
    quotient: float
    total_net_effect: float

    @property
    def readable(self) -> bool:
        """Whether the treated area fell by more than chance against its comparison, without which WDQ says nothing."""
        return self.success < -FAR_ENOUGH * self.success_se

    @property
    def meaning(self) -> str:
        """What the quotient says, by the guide's reading."""
        if not self.readable:
            return "not to be read: the treated area's fall against its comparison is not beyond chance"
        if self.quotient < -1:
            return "displacement that exceeds the fall in the treated area"
        if self.quotient < 0:
            return "displacement smaller than the fall in the treated area"
        if self.quotient > 1:
            return "diffusion of benefit larger than the fall in the treated area"
        return "diffusion of benefit" if self.quotient > 0 else "neither displacement nor diffusion"


def displacement_measures(treated: Pair, buffer: Pair, comparison: Pair) -> DisplacementMeasures:
    """GE, NE, WDQ and TNE.

    Parameters
    ----------
    treated, buffer, comparison : (float, float)
        Counts before and after.

    Raises
    ------
    UsageError
        If a count is below zero or not finite.
    EstimationError
        If the comparison has no incidents before or after, or the treated area changed exactly as it did, so that the
        quotient has no denominator.

    Notes
    -----
    WDQ by Bowers and Johnson (2003, "Measuring the geographical displacement and diffusion of benefit effects of crime
    prevention activity", Journal of Quantitative Criminology 19); the others by Guerette (2009, "Analyzing crime
    displacement and diffusion", Problem-Oriented Guides for Police, tool guide 10), appendix B. The error of the
    denominator is that of a difference of two ratios of Poisson counts, by the delta method.
    """
    require_counts({"treated": treated, "buffer": buffer, "comparison": comparison})
    if min(comparison) == 0:
        raise EstimationError("the comparison has no incidents before or after", where="displacement quotient")
    success = _change_of_ratio(treated, comparison)
    moved = _change_of_ratio(buffer, comparison)
    scale = sum(t / c for t, c in zip(treated, comparison, strict=True))
    if abs(success) <= 1e-12 * scale:
        raise EstimationError(
            "the treated area changed exactly as its comparison did",
            where="displacement quotient",
            todo="Use the weighted displacement difference, which needs no denominator",
        )
    growth = comparison[1] / comparison[0]
    return DisplacementMeasures(
        gross_effect=treated[0] - treated[1],
        net_effect=-success,
        success=success,
        success_se=_error(treated, comparison),
        buffer_displacement=moved,
        quotient=moved / success,
        total_net_effect=(treated[0] * growth - treated[1]) + (buffer[0] * growth - buffer[1]),
    )


def _change_of_ratio(own: Pair, comparison: Pair) -> float:
    """Share of the comparison after less that before."""
    return own[1] / comparison[1] - own[0] / comparison[0]


def _error(own: Pair, comparison: Pair) -> float:
    """Variance of a ratio of Poisson counts ``T / C``: ``T / C^2 + T^2 / C^3``."""
    return math.sqrt(sum(t / c**2 + t**2 / c**3 for t, c in zip(own, comparison, strict=True)))

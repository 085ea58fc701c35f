"""Residuals of the treated area: autocorrelation in time, and overdispersion of the counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import INFORMATION, PASS, CheckResult, not_applicable
from cseval.formats import p_text
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import Floats


@dataclass(frozen=True, kw_only=True)
class Autocorrelation:
    """Ljung-Box test of the treated area's monthly log ratio to the comparison, less its pre and post means.

    It is information, not a concern: placebo neighbourhoods are autocorrelated in the same way, and their
    distribution carries it into the interval. Errors that treat months as independent would not.
    """

    lags: int = 12

    def run(self, context: CheckContext) -> CheckResult:
        """Test the months of the window for autocorrelation."""
        import numpy as np
        from statsmodels.stats.diagnostic import acorr_ljungbox

        question = "Do neighbouring months of the treated area resemble each other more than chance allows?"
        residuals = monthly_residuals(context.design)
        lags = min(self.lags, len(residuals) // 5)  # more would reject too often on so few months
        if lags < 1 or not np.isfinite(residuals).all():
            return not_applicable("autocorrelation", question, "a month without any incident in the treated area")
        found = acorr_ljungbox(residuals, lags=lags)
        statistic, p_value = float(found["lb_stat"].iloc[-1]), float(found["lb_pvalue"].iloc[-1])
        fires = p_value <= 0.05
        return CheckResult(
            name="autocorrelation",
            question=question,
            verdict=INFORMATION if fires else PASS,
            statistic=statistic,
            reference=f"chi-square with {lags} degrees of freedom (Ljung-Box)",
            p_value=p_value,
            sentence=(
                f"Months are {'autocorrelated' if fires else 'not visibly autocorrelated'} up to lag {lags} "
                f"({p_text(p_value)}); the placebo interval allows for it, "
                "errors that treat months as independent do not."
            ),
            table=_lag_table(found.reset_index(names="lag")),
        )


@dataclass(frozen=True, kw_only=True)
class Overdispersion:
    """Pearson dispersion of the comparison units' pre-period counts around unit and month effects."""

    def run(self, context: CheckContext) -> CheckResult:
        """Test whether counts vary more than a Poisson variable would."""
        from scipy.stats import chi2

        from cseval.estimators.did_kernels import pearson_dispersion

        question = "Do counts vary more from month to month than pure chance would have them?"
        design = context.design
        counts = design.counts[design.comparison][:, ~design.post].astype(float)
        counts = counts[counts.sum(axis=1) > 0]
        degrees = (counts.shape[0] - 1) * (counts.shape[1] - 1)
        dispersion = pearson_dispersion(counts)
        if not math.isfinite(dispersion):
            return not_applicable("overdispersion", question, "too few counts in the pre period")
        p_value = float(chi2.sf(dispersion * degrees, degrees))
        fires = p_value <= 0.05
        return CheckResult(
            name="overdispersion",
            question=question,
            verdict=INFORMATION if fires else PASS,
            statistic=dispersion,
            reference=f"1 for Poisson counts; chi-square with {degrees:,} degrees of freedom",
            p_value=p_value,
            sentence=(
                f"Monthly counts vary {dispersion:.2f} times as much as Poisson counts would; "
                + (
                    "the placebo interval allows for it, Poisson errors would be too small."
                    if fires
                    else "no sign of more than chance."
                )
            ),
        )


def monthly_residuals(design: Design) -> Floats:
    """Log ratio of treated to comparison count in each used month, less its pre or post mean."""
    import numpy as np

    treated = design.counts[design.is_treated].sum(axis=0).astype(float)
    rest = design.counts[design.comparison].sum(axis=0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(treated) - np.log(rest)
        for phase in (design.post, ~design.post):
            ratio[phase] -= ratio[phase].mean()
    return np.asarray(ratio)


def _lag_table(frame: object) -> Table:
    return Table(
        slug="autocorrelation",
        title="Ljung-Box test of the treated area's months",
        values=frame,
        headings={"lag": "Up to lag", "lb_stat": "Statistic", "lb_pvalue": "p"},
    )

"""Cluster-robust errors, by unit: the usual ones, shown beside the placebo test and never instead of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.inference.base import Inferred, Placebos

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats

#: With fewer treated units than this, cluster-robust errors are shown as unreliable. MacKinnon and Webb (2017),
#: "Wild bootstrap inference for wildly different cluster sizes", and Conley and Taber (2011) find gross
#: over-rejection with fewer than about five treated clusters; adjoining ones count for less than their number.
FEW_TREATED = 6


@dataclass(frozen=True, kw_only=True)
class ClusterRobust:
    """The estimator's own errors clustered by unit (CR1, t distribution).

    Notes
    -----
    They treat units as independent. Adjoining units share shocks, and with few treated units the variance is
    estimated from as few residuals, so the test rejects too often; how often is measured beside it.
    """

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "cluster-robust"

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """The errors that the estimator reports itself."""
        few = 0 < estimate.treated_units < FEW_TREATED
        return Inferred(
            method=self.name,
            std_error=estimate.std_error,
            conf_low=estimate.conf_low,
            conf_high=estimate.conf_high,
            p_value=estimate.p_value,
            reliable=not few,
            note=f"unreliable with {estimate.treated_units} treated units" if few else "",
        )

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Two-sided t test of each placebo effect by its own cluster-robust error."""
        from scipy.special import stdtr

        errors = tested.estimator.cluster_errors(tested.design, tested.sets)
        p: Floats = 2 * stdtr(errors.df, -abs(tested.effects.effect) / errors.std_error)
        return p


@dataclass(frozen=True, kw_only=True)
class OwnErrors:
    """The errors of a time-series model of the treated area alone (Newey-West, Prais-Winsten or the model's)."""

    label: str = "time series errors"

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return self.label

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """The errors that the estimator reports itself."""
        return Inferred(
            method=estimate.inference or self.name,
            std_error=estimate.std_error,
            conf_low=estimate.conf_low,
            conf_high=estimate.conf_high,
            p_value=estimate.p_value,
        )

"""Cluster-robust errors, by unit: the usual ones, shown beside the placebo test and never instead of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.errors import UsageError
from cseval.inference.base import Inferred, Placebos

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import ClusterErrors, ClusterEstimator, Estimator, Floats
    from cseval.inference.cluster_kernels import ClusterVariances
    from cseval.inference.requirements import Requirement

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

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the situation must be for it to be shown."""
        from cseval.inference.requirements import CLUSTER_ROBUST

        return CLUSTER_ROBUST

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """The errors that the estimator reports itself.

        Raises
        ------
        UsageError
            If the estimator has no errors clustered by unit.
        """
        require_cluster_errors(self.name, estimator)
        note = few_note(estimate.treated_units)
        return Inferred(
            method=self.name,
            std_error=estimate.std_error,
            conf_low=estimate.conf_low,
            conf_high=estimate.conf_high,
            p_value=estimate.p_value,
            reliable=not note,
            note=note,
        )

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Two-sided t test of each placebo effect by its own cluster-robust error; raises as `infer`."""
        clustered = require_cluster_errors(self.name, tested.estimator)
        return t_test(tested, clustered.cluster_errors(tested.design, tested.sets))


@dataclass(frozen=True, kw_only=True)
class ClusterRobustCR2:
    """Bias-reduced errors clustered by unit (CR2) against Student's t with Satterthwaite degrees of freedom.

    Notes
    -----
    Bell and McCaffrey (2002), Imbens and Kolesar (2016, "Robust standard errors in small samples: some practical
    advice"), Pustejovsky and Tipton (2018). Exact in size for independent normal units of equal variance, up to the
    Satterthwaite approximation; it corrects for the small number of treated units, not for what adjoining units share.
    """

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "cluster-robust CR2 (Satterthwaite)"

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the situation must be for it to be shown."""
        from cseval.inference.requirements import CLUSTER_ROBUST

        return CLUSTER_ROBUST

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """The bias-reduced error of the estimate, its degrees of freedom, interval and p-value.

        Raises
        ------
        EstimationError
            If a group has a single unit with incidents, or the estimator's model does not collapse to totals.
        UsageError
            If the estimator is no difference in differences.
        """
        errors = _required(self.name, design, estimator).errors_cr2()
        return _inferred(self.name, estimate, errors, few_note(estimate.treated_units))

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Two-sided t test of each placebo effect; NaN where a group has a single unit with incidents."""
        return t_test(tested, _variances(self.name, tested).errors_cr2())


@dataclass(frozen=True, kw_only=True)
class ClusterRobustCR3:
    """Jackknife errors clustered by unit (CR3) against Student's t with units - 1 degrees of freedom.

    Notes
    -----
    The squared changes of the effect when a unit is left out, times ``(N - 1) / N`` (MacKinnon, Nielsen and Webb 2023,
    CV3); for a Poisson model the change of one Newton step.
    """

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "cluster-robust CR3"

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the situation must be for it to be shown."""
        from cseval.inference.requirements import CLUSTER_ROBUST

        return CLUSTER_ROBUST

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """The jackknife error of the estimate, interval and p-value; raises as `ClusterRobustCR2.infer`."""
        errors = _required(self.name, design, estimator).errors_cr3()
        return _inferred(self.name, estimate, errors, few_note(estimate.treated_units))

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Two-sided t test of each placebo effect; NaN where a group has a single unit with incidents."""
        return t_test(tested, _variances(self.name, tested).errors_cr3())


def require_cluster_errors(method: str, estimator: Estimator) -> ClusterEstimator:
    """The estimator, if it has errors clustered by unit.

    Raises
    ------
    UsageError
        If it has none, as a synthetic control, whose comparison is one weighted series.
    """
    from cseval.estimators.base import ClusterEstimator

    if not isinstance(estimator, ClusterEstimator):
        raise UsageError(
            f"{estimator.name} has no errors clustered by unit",
            where=method,
            expected="an estimator with cluster_errors",
            todo="Use PlaceboNeighbourhoods or Conformal",
        )
    return estimator


def t_test(tested: Placebos, errors: ClusterErrors) -> Floats:
    """Two-sided p-value of each placebo effect against Student's t, shape (tested,)."""
    import numpy as np
    from scipy.special import stdtr

    with np.errstate(divide="ignore", invalid="ignore"):
        p: Floats = 2 * stdtr(errors.df, -abs(tested.effects.effect) / errors.std_error)
    return p


def few_note(treated: int) -> str:
    """Why an error clustered by unit is unreliable with this many treated units; empty if it is not."""
    return f"unreliable with {treated} treated units" if 0 < treated < FEW_TREATED else ""


def _variances(method: str, tested: Placebos) -> ClusterVariances:
    from cseval.inference.cluster_kernels import cluster_variances, collapsed_of

    collapsed = collapsed_of(method, tested.estimator, tested.design, tested.sets)
    return cluster_variances(collapsed, tested.design.comparison, tested.sets)


def _required(method: str, design: Design, estimator: Estimator) -> ClusterVariances:
    from cseval.inference.cluster_kernels import cluster_variances, collapsed_of, require_several

    collapsed = collapsed_of(method, estimator, design, design.own_set)
    variances = cluster_variances(collapsed, design.comparison, design.own_set)
    require_several(method, design, variances)
    return variances


def _inferred(method: str, estimate: Estimate, errors: ClusterErrors, note: str) -> Inferred:
    import numpy as np

    from cseval.estimators.did_kernels import t_interval

    low, high, p = t_interval(np.array([estimate.effect]), errors.std_error, errors.df)
    return Inferred(
        method=method,
        std_error=float(errors.std_error[0]),
        conf_low=float(low[0]),
        conf_high=float(high[0]),
        p_value=float(p[0]),
        reliable=not note,
        facts={"degrees_of_freedom": float(errors.df[0])},
        note=note,
    )


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

"""Score wild bootstrap of the Poisson difference in differences, the null imposed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cseval.inference.base import Inferred, Placebos
from cseval.inference.wild_bootstrap import Rademacher, bootstrap, bootstrap_many, require_options

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats
    from cseval.inference.bootstrap_kernels import Weights
    from cseval.inference.requirements import Requirement


@dataclass(frozen=True, kw_only=True)
class ScoreBootstrap:
    """Score wild bootstrap of a Poisson difference in differences, studentised by CR1.

    Parameters
    ----------
    draws : int
        All combinations of multipliers are taken where there are no more than that.
    weights : Rademacher or Webb
    by : {"unit", "district"}
        What a cluster is.
    calibration_draws : int
        Draws for each placebo when its error rate is measured.

    Notes
    -----
    Kline and Santos (2012, "A score based approach to wild bootstrap inference"), null imposed: the scores by cluster
    at the fit with the effect given are multiplied by random numbers, and the model is never fitted again. The
    statistic is one Newton step from that fit over its CR1 error, for the data and for each draw alike. Conditional on
    the units' totals the model is a logit with two means, whose restricted fit is a quadratic equation. p-value,
    interval and warnings are those of `WildClusterBootstrap`.
    """

    draws: int = 9999
    weights: Weights = field(default_factory=Rademacher)
    by: str = "unit"
    calibration_draws: int = 399

    def __post_init__(self) -> None:
        require_options("ScoreBootstrap", self.draws, self.by, self.calibration_draws)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "score bootstrap" + ("" if self.by == "unit" else f" by {self.by}")

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the situation must be for it to be shown."""
        from cseval.inference.requirements import BOOTSTRAP

        return BOOTSTRAP

    def infer(self, design: Design, estimator: Estimator, estimate: Estimate, seed: int) -> Inferred:
        """Bootstrap the estimate.

        Raises
        ------
        UsageError
            If the estimator is not a Poisson model.
        EstimationError
            If it has covariates or a changing exposure, or fewer than two clusters are left.
        """
        from cseval.estimators.collapsed import Logit

        return bootstrap(self, Logit, design, estimator, estimate, seed)

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Bootstrap each placebo effect with `calibration_draws` draws, the same for all."""
        from cseval.estimators.collapsed import Logit

        return bootstrap_many(self, Logit, tested)

"""Wild cluster bootstrap of the linear difference in differences, the null imposed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cseval.errors import EstimationError, UsageError
from cseval.inference.base import Inferred, Placebos
from cseval.inference.covariance import few_note

if TYPE_CHECKING:
    from cseval.design import Design
    from cseval.estimate import Estimate
    from cseval.estimators.base import Estimator, Floats
    from cseval.estimators.collapsed import Collapsed, Link
    from cseval.inference.bootstrap_kernels import DrawSums, Weights
    from cseval.inference.requirements import Requirement

#: Fewer draws than this cannot give a p-value of 0.05.
FEWEST_DRAWS = 19


@dataclass(frozen=True, kw_only=True)
class Rademacher:
    """Multipliers -1 and 1, equally likely (Davidson and Flachaire 2008)."""

    @property
    def points(self) -> tuple[float, ...]:
        """Its values."""
        return (-1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Webb:
    """Six equally likely multipliers, for a dozen clusters or fewer.

    Webb (2023), "Reworking wild bootstrap-based inference for clustered errors".
    """

    @property
    def points(self) -> tuple[float, ...]:
        """Its values: plus and minus the roots of 1/2, 1 and 3/2."""
        roots = tuple(math.sqrt(k / 2) for k in (1, 2, 3))
        return (*(-r for r in reversed(roots)), *roots)


@dataclass(frozen=True, kw_only=True)
class WildClusterBootstrap:
    """Restricted wild cluster bootstrap of a linear difference in differences, studentised by CR1.

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
    Cameron, Gelbach and Miller (2008, "Bootstrap-based improvements for inference with clustered errors"), WCR. The
    p-value is ``(1 + #{|t*| >= |t|}) / (1 + B)``, or the share of all combinations; the 95 % interval holds the effects
    that the test does not reject. With few treated clusters it hardly ever rejects (MacKinnon and Webb 2017, "Wild
    bootstrap inference for wildly different cluster sizes"), and it allows for no correlation between clusters.
    """

    draws: int = 9999
    weights: Weights = field(default_factory=Rademacher)
    by: str = "unit"
    calibration_draws: int = 399

    def __post_init__(self) -> None:
        require_options("WildClusterBootstrap", self.draws, self.by, self.calibration_draws)

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "wild cluster bootstrap" + ("" if self.by == "unit" else f" by {self.by}")

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
            If the estimator is not linear.
        EstimationError
            If it has covariates, or fewer than two clusters are left.
        """
        from cseval.estimators.collapsed import Identity

        return bootstrap(self, Identity, design, estimator, estimate, seed)

    def test_many(self, tested: Placebos, reference: Placebos, among: bool = False) -> Floats:
        """Bootstrap each placebo effect with `calibration_draws` draws, the same for all."""
        from cseval.estimators.collapsed import Identity

        return bootstrap_many(self, Identity, tested)


class BootstrapOptions(Protocol):
    """What both bootstraps have in common."""

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        ...

    @property
    def draws(self) -> int:
        """Draws for one estimate."""
        ...

    @property
    def calibration_draws(self) -> int:
        """Draws for each of many."""
        ...

    @property
    def weights(self) -> Weights:
        """Distribution of the multipliers."""
        ...

    @property
    def by(self) -> str:
        """What a cluster is."""
        ...


def require_options(where: str, draws: int, by: str, calibration_draws: int) -> None:
    """Refuse too few draws and unknown clusters.

    Raises
    ------
    UsageError
        If either is so.
    """
    for number in (draws, calibration_draws):
        if number < FEWEST_DRAWS:
            expected = f"at least {FEWEST_DRAWS}, or p can never reach 0.05"
            raise UsageError(f"{number} draws", where=where, expected=expected)
    if by not in ("unit", "district"):
        raise UsageError(f"by={by!r}", where=where, expected="'unit' or 'district'")


def bootstrap(
    options: BootstrapOptions, link: type[Link], design: Design, estimator: Estimator, estimate: Estimate, seed: int
) -> Inferred:
    """p-value, interval and CR1 error of one estimate; raises as the methods that call it."""
    from cseval.inference.bootstrap_kernels import interval

    collapsed = linked(options.name, link, estimator, design)
    sums = _sums(options, collapsed, design, seed)
    factor = float(collapsed.factor[0])
    effect = estimate.effect / factor
    error = sums.std_error(collapsed, effect)
    low, high = interval(sums, collapsed, effect, error)
    bounded = math.isfinite(low) and math.isfinite(high)
    note = _few(options, design)
    return Inferred(
        method=options.name,
        std_error=error * factor,
        conf_low=low * factor if bounded else math.nan,
        conf_high=high * factor if bounded else math.nan,
        p_value=sums.p_value(collapsed, 0.0),
        reliable=not note,
        facts={"draws": len(sums.first) - 1, "exact": sums.multipliers.exact, "clusters": sums.clusters},
        note="; ".join(n for n in (note, "" if bounded else "the interval has no bound") if n),
    )


def _sums(options: BootstrapOptions, collapsed: Collapsed, design: Design, seed: int) -> DrawSums:
    from cseval.inference.bootstrap_kernels import cluster_codes, draw_sums

    codes = cluster_codes(design, options.by)
    used = design.is_treated | design.comparison
    if len(set(codes[used].tolist())) < 2:
        raise EstimationError(
            "no error is estimable because all units lie in one cluster",
            where=options.name,
            todo="Cluster by unit, or use placebo neighbourhoods",
        )
    return draw_sums(collapsed, design.is_treated, design.comparison, codes, options.weights, options.draws, seed)


def _few(options: BootstrapOptions, design: Design) -> str:
    """Why the test is unreliable with this many treated clusters; empty if it is not."""
    from cseval.inference.bootstrap_kernels import cluster_codes

    treated = len(set(cluster_codes(design, options.by)[design.is_treated].tolist()))
    return few_note(treated).replace("units", f"{options.by}s")


def linked(method: str, link: type[Link], estimator: Estimator, design: Design) -> Collapsed:
    """The estimator's comparison of two means, of the kind that the bootstrap is for.

    Raises
    ------
    UsageError
        If it is of another kind.
    """
    from cseval.inference.cluster_kernels import collapsed_of

    collapsed = collapsed_of(method, estimator, design, design.own_set)
    if not isinstance(collapsed.link, link):
        raise UsageError(
            f"{method} of {estimator.name}",
            expected="WildClusterBootstrap of a linear model, ScoreBootstrap of a Poisson model",
        )
    return collapsed


def bootstrap_many(options: BootstrapOptions, link: type[Link], tested: Placebos) -> Floats:
    """p-value of no effect for each placebo."""
    from cseval.inference.bootstrap_kernels import cluster_codes, p_values_many

    design = tested.design
    collapsed = linked(options.name, link, tested.estimator, design)
    codes = None if options.by == "unit" else cluster_codes(design, options.by)
    draws = options.calibration_draws
    return p_values_many(collapsed, design.comparison, tested.sets, codes, options.weights, draws, seed=1)

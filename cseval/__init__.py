"""Evaluates place-based community-safety programmes: valid inference for few treated areas, in plain words.

The public names are loaded on first use, so that ``import cseval`` and the command line's help stay fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cseval.analyse import Settings
    from cseval.areas import Areas, PlaceboSets
    from cseval.checks.base import Check, CheckResult
    from cseval.checks.honest_trends import HonestTrends
    from cseval.checks.spatial_residuals import SpatialResiduals
    from cseval.checks.specification_curve import SpecificationCurve
    from cseval.design import Design
    from cseval.errors import CsevalError, DataError, DesignError, EstimationError, SpecError, UsageError
    from cseval.estimate import EFFECT_COLUMNS, Estimate
    from cseval.estimators.base import Estimator, ManyEffects, PlaceboEstimator
    from cseval.estimators.event_study import EventStudy
    from cseval.estimators.linear_did import LinearDiD
    from cseval.estimators.poisson_did import PoissonDiD
    from cseval.estimators.segmented import SegmentedRegression
    from cseval.inference.base import Calibratable, Inference, Inferred, Placebos
    from cseval.inference.conformal import AbsoluteMean, Conformal, MeanPower, MovingBlocks, RandomMonths
    from cseval.inference.conley_taber import ConleyTaber
    from cseval.inference.covariance import ClusterRobust, ClusterRobustCR2, ClusterRobustCR3, OwnErrors
    from cseval.inference.ferman_pinto import FermanPinto
    from cseval.inference.placebo import PlaceboNeighbourhoods
    from cseval.inference.placebo_districts import PlaceboDistricts
    from cseval.inference.score_bootstrap import ScoreBootstrap
    from cseval.inference.spread import OverdispersedPoisson, Spread, VarianceBySize
    from cseval.inference.wild_bootstrap import Rademacher, Webb, WildClusterBootstrap
    from cseval.inputs import Inputs, Roles, read_roles
    from cseval.panel import Panel, Provenance
    from cseval.parallel import open_workers
    from cseval.power import PowerResult, power_of
    from cseval.power_plan import PowerPlan
    from cseval.result import AnalysisResult, EvaluationResult
    from cseval.runner import run_evaluation
    from cseval.sources.demonstration import simulate
    from cseval.spec import Analysis, Evaluation, Programme, Window
    from cseval.tables import Table

__version__ = "0.1.0"

_WHERE = {
    "analyse": "Settings",
    "areas": "Areas PlaceboSets",
    "checks.base": "Check CheckResult",
    "checks.honest_trends": "HonestTrends",
    "checks.spatial_residuals": "SpatialResiduals",
    "checks.specification_curve": "SpecificationCurve",
    "design": "Design",
    "errors": "CsevalError DataError DesignError EstimationError SpecError UsageError",
    "estimate": "EFFECT_COLUMNS Estimate",
    "estimators.base": "Estimator ManyEffects PlaceboEstimator",
    "estimators.event_study": "EventStudy",
    "estimators.linear_did": "LinearDiD",
    "estimators.poisson_did": "PoissonDiD",
    "estimators.segmented": "SegmentedRegression",
    "inference.base": "Calibratable Inference Inferred Placebos",
    "inference.conformal": "AbsoluteMean Conformal MeanPower MovingBlocks RandomMonths",
    "inference.conley_taber": "ConleyTaber",
    "inference.covariance": "ClusterRobust ClusterRobustCR2 ClusterRobustCR3 OwnErrors",
    "inference.ferman_pinto": "FermanPinto",
    "inference.placebo": "PlaceboNeighbourhoods",
    "inference.placebo_districts": "PlaceboDistricts",
    "inference.score_bootstrap": "ScoreBootstrap",
    "inference.spread": "OverdispersedPoisson Spread VarianceBySize",
    "inference.wild_bootstrap": "Rademacher Webb WildClusterBootstrap",
    "inputs": "Inputs Roles read_roles",
    "panel": "Panel Provenance",
    "parallel": "open_workers",
    "power": "PowerResult power_of",
    "power_plan": "PowerPlan",
    "result": "AnalysisResult EvaluationResult",
    "runner": "run_evaluation",
    "sources.demonstration": "simulate",
    "spec": "Analysis Evaluation Programme Window",
    "tables": "Table",
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names.split()}

__all__ = [
    "EFFECT_COLUMNS",
    "AbsoluteMean",
    "Analysis",
    "AnalysisResult",
    "Areas",
    "Calibratable",
    "Check",
    "CheckResult",
    "ClusterRobust",
    "ClusterRobustCR2",
    "ClusterRobustCR3",
    "Conformal",
    "ConleyTaber",
    "CsevalError",
    "DataError",
    "Design",
    "DesignError",
    "Estimate",
    "EstimationError",
    "Estimator",
    "Evaluation",
    "EvaluationResult",
    "EventStudy",
    "FermanPinto",
    "HonestTrends",
    "Inference",
    "Inferred",
    "Inputs",
    "LinearDiD",
    "ManyEffects",
    "MeanPower",
    "MovingBlocks",
    "OverdispersedPoisson",
    "OwnErrors",
    "Panel",
    "PlaceboDistricts",
    "PlaceboEstimator",
    "PlaceboNeighbourhoods",
    "PlaceboSets",
    "Placebos",
    "PoissonDiD",
    "PowerPlan",
    "PowerResult",
    "Programme",
    "Provenance",
    "Rademacher",
    "RandomMonths",
    "Roles",
    "ScoreBootstrap",
    "SegmentedRegression",
    "Settings",
    "SpatialResiduals",
    "SpecError",
    "SpecificationCurve",
    "Spread",
    "Table",
    "UsageError",
    "VarianceBySize",
    "Webb",
    "WildClusterBootstrap",
    "Window",
    "__version__",
    "open_workers",
    "power_of",
    "read_roles",
    "run_evaluation",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'cseval' has no attribute {name!r}")
    value = getattr(import_module(f"cseval.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""Evaluates place-based community-safety programmes: valid inference for few treated areas, in plain words.

The public names are loaded on first use, so that ``import cseval`` and the command line's help stay fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cseval.analyse import Settings
    from cseval.areas import Areas, PlaceboSets
    from cseval.checks.bacon import BaconDecomposition
    from cseval.checks.base import Check, CheckResult
    from cseval.checks.baseline_peak import BaselinePeak
    from cseval.checks.honest_trends import HonestTrends
    from cseval.checks.leave_one_donor_out import LeaveOneDonorOut
    from cseval.checks.series_grid import SeriesGrid
    from cseval.checks.spatial_residuals import SpatialResiduals
    from cseval.checks.specification_curve import SpecificationCurve
    from cseval.claims.base import Claim, ClaimResult, Statement
    from cseval.claims.not_decreased import NotDecreased
    from cseval.claims.ranking import BiggestDecrease
    from cseval.claims.rolling_year import RollingYearTrend
    from cseval.design import Design
    from cseval.disclosure import Disclosure
    from cseval.errors import CsevalError, DataError, DesignError, EstimationError, SpecError, UsageError
    from cseval.estimate import EFFECT_COLUMNS, Estimate
    from cseval.estimators.arima import ArimaITS
    from cseval.estimators.bacon import decompose
    from cseval.estimators.base import ClusterEstimator, Estimator, ManyEffects, PlaceboEstimator, ProxyEstimator
    from cseval.estimators.callaway_santanna import CallawaySantAnna
    from cseval.estimators.controlled_its import ControlledITS
    from cseval.estimators.displacement import relative_incident_rate_ratio, weighted_displacement_difference
    from cseval.estimators.displacement_quotient import displacement_measures
    from cseval.estimators.dose import DoseResponse
    from cseval.estimators.dose_options import Dose
    from cseval.estimators.etwfe import PoissonETWFE
    from cseval.estimators.event_study import EventStudy
    from cseval.estimators.imputation import Imputation
    from cseval.estimators.linear_did import LinearDiD
    from cseval.estimators.poisson_did import PoissonDiD
    from cseval.estimators.segmented import SegmentedRegression
    from cseval.estimators.structural import StructuralITS
    from cseval.estimators.sun_abraham import SunAbraham
    from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
    from cseval.estimators.synthetic_did import SyntheticDiD
    from cseval.inference.base import Calibratable, Inference, Inferred, Placebos
    from cseval.inference.conformal import AbsoluteMean, Conformal, MeanPower, MovingBlocks, RandomMonths
    from cseval.inference.conley_taber import ConleyTaber
    from cseval.inference.covariance import ClusterRobust, ClusterRobustCR2, ClusterRobustCR3, OwnErrors
    from cseval.inference.ferman_pinto import FermanPinto
    from cseval.inference.panel_regression import regress
    from cseval.inference.placebo import PlaceboNeighbourhoods
    from cseval.inference.placebo_districts import PlaceboDistricts
    from cseval.inference.placebo_series import PlaceboSeries
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
    from cseval.sources.demonstration_boroughs import simulate_boroughs
    from cseval.sources.demonstration_rollout import simulate_rollout
    from cseval.spec import Analysis, Evaluation, Programme, Window
    from cseval.tables import Table

__version__ = "0.1.0"

_WHERE = {
    "analyse": "Settings",
    "areas": "Areas PlaceboSets",
    "checks.bacon": "BaconDecomposition",
    "checks.base": "Check CheckResult",
    "checks.baseline_peak": "BaselinePeak",
    "checks.honest_trends": "HonestTrends",
    "checks.leave_one_donor_out": "LeaveOneDonorOut",
    "checks.series_grid": "SeriesGrid",
    "checks.spatial_residuals": "SpatialResiduals",
    "checks.specification_curve": "SpecificationCurve",
    "claims.base": "Claim ClaimResult Statement",
    "claims.not_decreased": "NotDecreased",
    "claims.ranking": "BiggestDecrease",
    "claims.rolling_year": "RollingYearTrend",
    "design": "Design",
    "disclosure": "Disclosure",
    "errors": "CsevalError DataError DesignError EstimationError SpecError UsageError",
    "estimate": "EFFECT_COLUMNS Estimate",
    "estimators.arima": "ArimaITS",
    "estimators.bacon": "decompose",
    "estimators.base": "ClusterEstimator Estimator ManyEffects PlaceboEstimator ProxyEstimator",
    "estimators.callaway_santanna": "CallawaySantAnna",
    "estimators.controlled_its": "ControlledITS",
    "estimators.displacement": "relative_incident_rate_ratio weighted_displacement_difference",
    "estimators.displacement_quotient": "displacement_measures",
    "estimators.dose": "DoseResponse",
    "estimators.dose_options": "Dose",
    "estimators.etwfe": "PoissonETWFE",
    "estimators.event_study": "EventStudy",
    "estimators.imputation": "Imputation",
    "estimators.linear_did": "LinearDiD",
    "estimators.poisson_did": "PoissonDiD",
    "estimators.segmented": "SegmentedRegression",
    "estimators.structural": "StructuralITS",
    "estimators.sun_abraham": "SunAbraham",
    "estimators.synthetic_control": "AugmentedSC SyntheticControl",
    "estimators.synthetic_did": "SyntheticDiD",
    "inference.base": "Calibratable Inference Inferred Placebos",
    "inference.conformal": "AbsoluteMean Conformal MeanPower MovingBlocks RandomMonths",
    "inference.conley_taber": "ConleyTaber",
    "inference.covariance": "ClusterRobust ClusterRobustCR2 ClusterRobustCR3 OwnErrors",
    "inference.ferman_pinto": "FermanPinto",
    "inference.panel_regression": "regress",
    "inference.placebo": "PlaceboNeighbourhoods",
    "inference.placebo_districts": "PlaceboDistricts",
    "inference.placebo_series": "PlaceboSeries",
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
    "sources.demonstration_boroughs": "simulate_boroughs",
    "sources.demonstration_rollout": "simulate_rollout",
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
    "ArimaITS",
    "AugmentedSC",
    "BaconDecomposition",
    "BaselinePeak",
    "BiggestDecrease",
    "Calibratable",
    "CallawaySantAnna",
    "Check",
    "CheckResult",
    "Claim",
    "ClaimResult",
    "ClusterEstimator",
    "ClusterRobust",
    "ClusterRobustCR2",
    "ClusterRobustCR3",
    "Conformal",
    "ConleyTaber",
    "ControlledITS",
    "CsevalError",
    "DataError",
    "Design",
    "DesignError",
    "Disclosure",
    "Dose",
    "DoseResponse",
    "Estimate",
    "EstimationError",
    "Estimator",
    "Evaluation",
    "EvaluationResult",
    "EventStudy",
    "FermanPinto",
    "HonestTrends",
    "Imputation",
    "Inference",
    "Inferred",
    "Inputs",
    "LeaveOneDonorOut",
    "LinearDiD",
    "ManyEffects",
    "MeanPower",
    "MovingBlocks",
    "NotDecreased",
    "OverdispersedPoisson",
    "OwnErrors",
    "Panel",
    "PlaceboDistricts",
    "PlaceboEstimator",
    "PlaceboNeighbourhoods",
    "PlaceboSeries",
    "PlaceboSets",
    "Placebos",
    "PoissonDiD",
    "PoissonETWFE",
    "PowerPlan",
    "PowerResult",
    "Programme",
    "Provenance",
    "ProxyEstimator",
    "Rademacher",
    "RandomMonths",
    "Roles",
    "RollingYearTrend",
    "ScoreBootstrap",
    "SegmentedRegression",
    "SeriesGrid",
    "Settings",
    "SpatialResiduals",
    "SpecError",
    "SpecificationCurve",
    "Spread",
    "Statement",
    "StructuralITS",
    "SunAbraham",
    "SyntheticControl",
    "SyntheticDiD",
    "Table",
    "UsageError",
    "VarianceBySize",
    "Webb",
    "WildClusterBootstrap",
    "Window",
    "__version__",
    "decompose",
    "displacement_measures",
    "open_workers",
    "power_of",
    "read_roles",
    "regress",
    "relative_incident_rate_ratio",
    "run_evaluation",
    "simulate",
    "simulate_boroughs",
    "simulate_rollout",
    "weighted_displacement_difference",
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

"""Evaluates place-based community-safety programmes: valid inference for few treated areas, in plain words.

The public names are loaded on first use, so that ``import cseval`` and the command line's help stay fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cseval.areas import Areas, PlaceboSets
    from cseval.checks.base import Check, CheckResult
    from cseval.design import Design
    from cseval.errors import CsevalError, DataError, DesignError, EstimationError, SpecError, UsageError
    from cseval.estimate import EFFECT_COLUMNS, Estimate
    from cseval.estimators.base import Estimator, ManyEffects, PlaceboEstimator
    from cseval.estimators.event_study import EventStudy
    from cseval.estimators.linear_did import LinearDiD
    from cseval.estimators.poisson_did import PoissonDiD
    from cseval.estimators.segmented import SegmentedRegression
    from cseval.inference.base import Inference, Inferred
    from cseval.inference.covariance import ClusterRobust, OwnErrors
    from cseval.inference.placebo import PlaceboNeighbourhoods
    from cseval.inference.placebo_districts import PlaceboDistricts
    from cseval.inputs import Inputs, Roles, read_roles
    from cseval.panel import Panel, Provenance
    from cseval.result import AnalysisResult, EvaluationResult
    from cseval.runner import run_evaluation
    from cseval.sources.demonstration import simulate
    from cseval.spec import Analysis, Evaluation, Programme, Window
    from cseval.tables import Table

__version__ = "0.1.0"

_WHERE = {
    "areas": "Areas PlaceboSets",
    "checks.base": "Check CheckResult",
    "design": "Design",
    "errors": "CsevalError DataError DesignError EstimationError SpecError UsageError",
    "estimate": "EFFECT_COLUMNS Estimate",
    "estimators.base": "Estimator ManyEffects PlaceboEstimator",
    "estimators.event_study": "EventStudy",
    "estimators.linear_did": "LinearDiD",
    "estimators.poisson_did": "PoissonDiD",
    "estimators.segmented": "SegmentedRegression",
    "inference.base": "Inference Inferred",
    "inference.covariance": "ClusterRobust OwnErrors",
    "inference.placebo": "PlaceboNeighbourhoods",
    "inference.placebo_districts": "PlaceboDistricts",
    "inputs": "Inputs Roles read_roles",
    "panel": "Panel Provenance",
    "result": "AnalysisResult EvaluationResult",
    "runner": "run_evaluation",
    "sources.demonstration": "simulate",
    "spec": "Analysis Evaluation Programme Window",
    "tables": "Table",
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names.split()}

__all__ = [
    "EFFECT_COLUMNS",
    "Analysis",
    "AnalysisResult",
    "Areas",
    "Check",
    "CheckResult",
    "ClusterRobust",
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
    "Inference",
    "Inferred",
    "Inputs",
    "LinearDiD",
    "ManyEffects",
    "OwnErrors",
    "Panel",
    "PlaceboDistricts",
    "PlaceboEstimator",
    "PlaceboNeighbourhoods",
    "PlaceboSets",
    "PoissonDiD",
    "Programme",
    "Provenance",
    "Roles",
    "SegmentedRegression",
    "SpecError",
    "Table",
    "UsageError",
    "Window",
    "__version__",
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

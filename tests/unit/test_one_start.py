"""Estimators made for one start refuse a design whose units begin in different months, whatever is asked of them."""

from __future__ import annotations

import pytest
from staggered_builders import staggered

from cseval.errors import DesignError
from cseval.estimators.arima import ArimaITS
from cseval.estimators.controlled_its import ControlledITS
from cseval.estimators.dose import Dose, DoseResponse
from cseval.estimators.event_study import EventStudy
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import SegmentedRegression
from cseval.estimators.structural import StructuralITS
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD

ONE_START = (
    PoissonDiD(),
    LinearDiD(),
    EventStudy(),
    SegmentedRegression(),
    ArimaITS(),
    StructuralITS(),
    ControlledITS(),
    SyntheticControl(),
    AugmentedSC(),
    SyntheticDiD(),
    DoseResponse(doses=(Dose(month="2016-01", amount=3),), unit_of_dose="officers"),
)
OF_A_DESIGN, OF_SETS = ("estimate",), ("estimate_many", "estimate_series", "cluster_errors", "coefficients_many")
ASKED = [(e, m) for e in ONE_START for m in OF_A_DESIGN + OF_SETS if hasattr(e, m)]


@pytest.mark.parametrize(("estimator", "method"), ASKED, ids=[f"{type(e).__name__}.{m}" for e, m in ASKED])
def test_several_starts_are_refused(estimator, method):
    design = staggered()
    arguments = (design,) if method in OF_A_DESIGN else (design, design.own_set)
    with pytest.raises(DesignError, match="units begin in different months"):
        getattr(estimator, method)(*arguments)

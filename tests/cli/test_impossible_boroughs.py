"""One treated borough and a comparison that cannot be made: one clear message, exit code 2, and nothing written."""

from __future__ import annotations

import pytest
from small_project import contents, make_project

MODULE = '''"""One borough on demonstration data."""

from __future__ import annotations

from dataclasses import replace

from cseval.estimators.controlled_its import ControlledITS
from cseval.estimators.dose import Dose, DoseResponse
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import Interruption, Poisson, SegmentedRegression
from cseval.estimators.structural import StructuralITS
from cseval.estimators.arima import ArimaITS
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD
from cseval.inference.covariance import OwnErrors
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.spec import Analysis, Evaluation, Programme, Window

OUTCOME = "violence_with_injury"


def real(catalogue):
    raise AssertionError("no real data here")


def demonstration(seed):
    from cseval.sources.demonstration_boroughs import simulate_boroughs

    inputs = simulate_boroughs(seed)
    panel, treated = inputs.panel, inputs.roles.treated
    counts = {{k: v.copy() for k, v in panel.counts.items()}}
    own = [i for i, u in enumerate(panel.units) if u in treated]
    others = [i for i, u in enumerate(panel.units) if u not in treated]
    post = panel.periods.index("2017-06")
    y = counts[OUTCOME]
    {change}
    return replace(inputs, panel=replace(panel, counts=counts))


EVALUATION = Evaluation(
    slug="small-evaluation",
    title="One borough",
    question="Did recorded violence change?",
    programme=Programme(name="Plan", start="{start}", roles="knife_crime_roles.csv", buffer_rings=0),
    window=Window(first="2010-04", last="2020-02"),
    real=real,
    demonstration=demonstration,
    needs=("mps-borough",),
    analyses=(
        Analysis(slug="primary", outcome=OUTCOME, estimator={estimator}, inference=({inference}(),), role="primary"),
    ),
)
'''
SYNTHETIC = ("SyntheticControl()", "AugmentedSC()", "SyntheticDiD()")
SERIES = ("SegmentedRegression()", "ControlledITS()", "ArimaITS()", "StructuralITS()")
ALL_ZERO = "y[own] = 0"
CONSTANT_DONOR = "y[others[0], :post] = 0"  # an index of its own mean cannot be made of it
NO_DONORS = "inputs = replace(inputs, roles=replace(inputs.roles, excluded=frozenset(panel.units[i] for i in others)))"
SEPARATION = "y[own, post:] = 0"


def refused(cseval, folder, **given):
    options = {"change": "pass", "start": "2017-06", "estimator": "PoissonDiD()", "inference": "PlaceboNeighbourhoods"}
    make_project(folder, MODULE.format(**options | given))
    before = contents(folder)
    said = cseval("run", "small-evaluation", "--draws", "199", "--data", "demonstration")
    assert said.code == 2, said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert contents(folder) == before
    return said.err.strip().splitlines()[-1]


@pytest.mark.parametrize("start", ["2021-01", "2010-04"])
def test_a_start_outside_the_window(start, fresh, cseval):
    assert f"the start {start} lies outside the window 2010-04 to 2020-02" in refused(cseval, fresh, start=start)


@pytest.mark.parametrize("estimator", ["PoissonDiD()", *SYNTHETIC])
def test_no_donors_left(estimator, fresh, cseval):
    said = refused(cseval, fresh, change=NO_DONORS, estimator=estimator)
    assert "comparison unit" in said or "donor" in said


@pytest.mark.parametrize("estimator", ["PoissonDiD()", *SYNTHETIC])
def test_an_all_zero_outcome_of_an_area_comparison(estimator, fresh, cseval):
    assert "no incident" in refused(cseval, fresh, change=ALL_ZERO, estimator=estimator)


@pytest.mark.parametrize("estimator", SERIES)
def test_an_all_zero_outcome_of_a_time_series(estimator, fresh, cseval):
    said = refused(cseval, fresh, change=ALL_ZERO, estimator=estimator, inference="OwnErrors")
    assert "no incident" in said or "without an incident" in said


@pytest.mark.parametrize(
    "estimator", ["SegmentedRegression()", "SegmentedRegression(family=Poisson())", "ControlledITS()"]
)
def test_perfect_separation_of_a_time_series(estimator, fresh, cseval):
    said = refused(cseval, fresh, change=SEPARATION, estimator=estimator, inference="OwnErrors")
    assert "no incident" in said


@pytest.mark.parametrize("estimator", ["PoissonDiD()", *SYNTHETIC])
def test_perfect_separation_of_an_area_comparison(estimator, fresh, cseval):
    assert "no incident" in refused(cseval, fresh, change=SEPARATION, estimator=estimator)


@pytest.mark.parametrize("estimator", SYNTHETIC)
def test_a_constant_donor(estimator, fresh, cseval):
    said = refused(cseval, fresh, change=CONSTANT_DONOR, estimator=estimator)
    assert "donor" in said or "comparison unit" in said
    assert "before the start" in said


def test_a_dose_that_never_changes(fresh, cseval):
    dose = 'DoseResponse(doses=(Dose(month="2021-01", amount=6),), unit_of_dose="officers", start="2017-06")'
    assert "dose" in refused(cseval, fresh, estimator=dose)

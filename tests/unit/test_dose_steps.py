"""The steps of a dose by rank where one unit is treated, and what has no standard error then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.estimators.dose import Dose, DoseResponse
from cseval.estimators.event_study import EventStudy
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD

DOSES = DoseResponse(doses=(Dose(month="2016-01", amount=3), Dose(month="2016-07", amount=9)), unit_of_dose="officers")
ERRORS = ["std_error", "conf_low", "conf_high", "p_value"]


def make(treated, units=36, seed=4):
    counts = poisson_counts(units, 24, level=40, seed=seed)
    return design(counts, treated=treated, months_before=12, shape=(units // 6, 6), buffer_rings=0)


def by_hand(d, unit, others, first, last):
    """Log ratio of ratios of one unit against `others` over the months from `first` to before `last`."""
    own, rest = d.counts[unit], d.counts[others].sum(axis=0)
    return np.log(own[first:last].sum() / own[:12].sum() * rest[:12].sum() / rest[first:last].sum())


def test_with_one_treated_unit_steps_are_ranked_among_the_comparison_units():
    d = make([14])
    found = DOSES.estimate(d)
    steps, comparison = found.tables["dose_steps"], np.flatnonzero(d.comparison)
    for row, (first, last) in enumerate([(12, 18), (18, 24)]):
        own = by_hand(d, 14, comparison, first, last)
        rest = np.abs([by_hand(d, u, comparison[comparison != u], first, last) for u in comparison])
        assert steps["estimate"][row] == pytest.approx(own)
        assert steps["p_value"][row] == (1 + (rest >= abs(own)).sum()) / 36
        assert steps["conf_high"][row] - own == pytest.approx(rest.max())  # 5 % of 36 is one
        assert own - steps["conf_low"][row] == pytest.approx(rest.max())
    assert steps["std_error"].isna().all()
    assert found.coefficients[ERRORS].isna().all(axis=None)
    assert np.isnan([getattr(found, c) for c in ERRORS]).all()
    assert "single unit is treated" in found.notes[1]
    assert "ranks among the 35 comparison units" in found.notes[1]


def test_the_ranks_are_right_in_size_where_nothing_happens():
    p = np.array([DOSES.estimate(make([14], seed=s)).tables["dose_steps"]["p_value"][0] for s in range(300)])
    assert np.mean(p <= 0.05) == pytest.approx(1 / 36, abs=3 * np.sqrt(1 / 36 / 300))
    assert np.mean(p <= 0.5) == pytest.approx(0.5, abs=3 * np.sqrt(0.25 / 300))


def test_too_few_comparison_units_leave_the_interval_open():
    steps = DOSES.estimate(make([7], units=18)).tables["dose_steps"]
    assert steps[["conf_low", "conf_high"]].isna().all(axis=None)
    assert (steps["p_value"] >= 1 / 18).all()


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD(), EventStudy(), EventStudy(linear=True)])
def test_one_treated_unit_has_no_error_by_unit(estimator):
    one, two = estimator.estimate(make([14])), estimator.estimate(make([14, 20]))
    assert np.isnan([getattr(one, c) for c in ERRORS]).all()
    assert one.coefficients[ERRORS].isna().all(axis=None)
    assert np.isfinite(one.effect)
    assert one.notes == ("No standard error by unit where a single unit is treated: its own variation is unknown.",)
    assert two.std_error > 0
    assert two.notes == ()


def test_the_errors_of_covariates_are_kept():
    d = make([14])
    counts = {**d.inputs.panel.counts, "shoplifting": poisson_counts(36, 24, seed=2)}
    panel = replace(d.inputs.panel, counts=counts)
    d = replace(d, inputs=replace(d.inputs, panel=panel))
    for estimator in (PoissonDiD(covariates=("shoplifting",)), LinearDiD(covariates=("shoplifting",))):
        table = estimator.estimate(d).coefficients
        assert np.isnan(table["std_error"][0])
        assert table["std_error"][1] > 0

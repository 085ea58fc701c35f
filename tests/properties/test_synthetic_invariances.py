"""Synthetic controls: what must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design
from synthetic_worlds import TREATED, factor_counts

from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD

FAMILY = (
    SyntheticControl(),
    SyntheticControl(measure="counts", intercept=True),
    SyntheticControl(months_per_point=3),
    AugmentedSC(),
    AugmentedSC(measure="counts"),
    SyntheticDiD(),
    SyntheticDiD(measure="counts"),
)
BEFORE = 36


def counts(effect=-0.3):
    return factor_counts(effect)[:, 50:104]


def estimate(estimator, y, treated=TREATED):
    return estimator.estimate(design(y, treated=[treated], months_before=BEFORE))


@pytest.mark.parametrize("estimator", FAMILY)
def test_the_order_of_units_and_their_names(estimator):
    y = counts()
    order = np.random.default_rng(1).permutation(len(y))
    first, other = estimate(estimator, y), estimate(estimator, y[order], int(np.flatnonzero(order == TREATED)[0]))
    assert other.effect == pytest.approx(first.effect, abs=1e-7)
    weights = [e.tables["donor_weights"]["weight"].to_numpy() for e in (first, other)]
    assert weights[1] == pytest.approx(weights[0], abs=1e-6)


@pytest.mark.parametrize("estimator", FAMILY)
def test_the_scale_of_all_counts(estimator):
    y = counts()
    first, other = estimate(estimator, y), estimate(estimator, 7 * y)
    assert other.effect == pytest.approx(first.effect, abs=1e-7)
    assert other.facts["pre_rmspe"] == pytest.approx(7 * first.facts["pre_rmspe"], rel=1e-6)


@pytest.mark.parametrize("estimator", [e for e in FAMILY if e.measure == "index"])
def test_the_size_of_single_places_does_not_matter_to_an_index(estimator):
    y = counts()
    size = np.random.default_rng(2).integers(1, 9, (len(y), 1))
    assert estimate(estimator, size * y).effect == pytest.approx(estimate(estimator, y).effect, abs=1e-7)


@pytest.mark.parametrize("estimator", [FAMILY[0], FAMILY[2], SyntheticControl(measure="counts")])
def test_donors_without_weight_may_as_well_be_absent(estimator):
    y = counts()
    first = estimate(estimator, y)
    heavy = [int(u[1:]) for u in first.tables["donor_weights"]["unit"]]
    assert len(heavy) < 20
    kept = sorted([*heavy, TREATED])
    other = estimate(estimator, y[kept], kept.index(TREATED))
    assert other.effect == pytest.approx(first.effect, abs=1e-7)
    weights = [e.tables["donor_weights"]["weight"].to_numpy() for e in (first, other)]
    assert weights[1] == pytest.approx(weights[0], abs=1e-6)


@pytest.mark.parametrize("estimator", FAMILY)
def test_months_before_the_window_and_the_callers_data_do_not_change(estimator):
    y = factor_counts(-0.3)
    kept = y.copy()
    whole = design(y, treated=[TREATED], months_before=86, months_after=18)
    shorter = replace(whole, months_before=BEFORE)
    assert estimator.estimate(shorter).effect == pytest.approx(estimate(estimator, counts()).effect, abs=1e-9)
    assert (y == kept).all()


@pytest.mark.parametrize("estimator", FAMILY)
def test_two_runs_give_the_same_digits(estimator):
    y = counts()
    assert estimate(estimator, y).effect == estimate(estimator, y).effect


@pytest.mark.parametrize("estimator", FAMILY)
def test_incidents_after_the_start_move_the_log_ratio_alone(estimator):
    y = counts(0.0)
    doubled = y.copy()
    doubled[TREATED, BEFORE:] *= 2
    shift = estimate(estimator, doubled).effect - estimate(estimator, y).effect
    assert shift == pytest.approx(np.log(2), abs=1e-9)

"""What is left over in the Sicilian admissions: seasonal harmonics do not take up all of it, and that is said."""

from __future__ import annotations

import numpy as np
import pytest
from golden_its import SEASON, sicily
from golden_suite import GOLDEN

from cseval.estimators.its_notes import autocorrelation_notes, residual_facts
from cseval.estimators.segmented import ModelErrors, NeweyWest

pytestmark = pytest.mark.skipif(not (GOLDEN / "golden.toml").exists(), reason="no golden data beside the checkout")


@pytest.fixture(scope="module")
def fit():
    return sicily(GOLDEN, SEASON)


def test_the_harmonic_model_is_still_autocorrelated_up_to_lag_twelve(fit):
    facts = residual_facts(fit.fit.residuals, fit.fit.regressors)
    assert facts["breusch_godfrey_p"] == pytest.approx(0.0167, abs=0.0005)
    assert facts["ljung_box_p"] == pytest.approx(0.0048, abs=0.0005)
    note = autocorrelation_notes(facts, ModelErrors().caveat)
    assert len(note) == 1
    assert "autocorrelated up to lag 12 (Breusch-Godfrey test, p = 0.017)" in note[0]
    assert "interval is probably too narrow" in note[0]


def test_errors_that_allow_for_it_leave_the_coefficient_as_it_is(fit):
    robust = sicily(GOLDEN, type(SEASON)(errors=NeweyWest(), slope=False, season=SEASON.season))
    assert robust.coefficient("level")[0] == pytest.approx(fit.coefficient("level")[0], abs=1e-9)
    assert np.isfinite(robust.counterfactual().total_high).all()


def test_the_effect_without_a_slope_is_the_step(fit):
    assert fit.effect() == pytest.approx(fit.coefficient("level"), rel=1e-9)

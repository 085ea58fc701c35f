"""A time-series model's effect ranked among the same model's effects elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.errors import DesignError, UsageError
from cseval.estimators.controlled_its import ControlledITS
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import Gaussian, SegmentedRegression
from cseval.inference.base import Calibratable, Inference
from cseval.inference.placebo_series import PlaceboSeries, ranked

TREATED, BEFORE, MONTHS = 13, 36, 60
MODELS = {
    "segmented": SegmentedRegression(season=None, slope=False),
    "controlled": ControlledITS(season=None),
    "counts": SegmentedRegression(season=None, slope=False, family=Gaussian()),
}


def made(effect=0.0, drift=0.0, side=(4, 8), treated=(TREATED,), seed=2):
    units = side[0] * side[1]
    counts = poisson_counts(units, MONTHS, level=80, treated=treated, start=BEFORE, effect=effect, seed=seed)
    course = np.exp(drift * np.abs(np.arange(MONTHS) - 20) / 12)
    counts = np.random.default_rng(seed).poisson(counts * course)
    return design(counts, treated=list(treated), months_before=BEFORE, shape=side)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_rank_interval_and_error_are_those_by_hand(model):
    d = made(effect=-0.1)
    estimate = model.estimate(d)
    effects = np.array([model.estimate(d.treating([u])).effect for i, u in enumerate(d.units) if d.comparison[i]])
    assert len(effects) == 31
    found = PlaceboSeries().infer(d, model, estimate, seed=1)
    assert found.p_value == pytest.approx((1 + (np.abs(effects) >= abs(estimate.effect)).sum()) / 32)
    half = np.sort(np.abs(effects))[-1]  # 32 ranks at 5 %: one may be larger
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (estimate.effect - half, estimate.effect + half), rel=1e-5
    )
    assert found.std_error == pytest.approx(np.sqrt((effects**2).mean()), rel=1e-5)
    assert found.facts["placebo_neighbourhoods"] == 31
    assert found.facts["smallest_p"] == 1 / 32
    assert found.facts["exact"]
    assert found.draws is None
    assert "unlike those of other areas" in found.note


@pytest.mark.parametrize("effect", [-0.5, 0.0, 0.4])
def test_interval_and_p_value_say_the_same(effect):
    for seed in range(3):
        d = made(effect=effect, seed=seed)
        model = MODELS["segmented"]
        found = PlaceboSeries().infer(d, model, model.estimate(d), seed=1)
        assert (found.p_value <= 0.05) == (found.conf_low > 0 or found.conf_high < 0)


def test_half_width_is_the_order_statistic_that_the_test_must_exceed():
    placebo = np.concatenate([np.arange(1, 40), -np.arange(40, 60)]).astype(float)
    p, half = ranked(57.5, placebo)
    assert (p, half) == (3 / 60, 57.0)
    assert ranked(57.0, placebo)[0] == 4 / 60


def test_a_break_that_all_areas_share_is_not_read_as_the_programmes():
    """Every course turns at month 20; a straight line before the start makes a rise of it everywhere."""
    d = made(drift=0.5, seed=2)
    model = MODELS["segmented"]
    estimate = model.estimate(d)
    assert estimate.p_value < 0.05
    assert PlaceboSeries().infer(d, model, estimate, seed=1).p_value > 0.05


def test_order_of_units_and_seed_do_not_matter_where_all_are_enumerated():
    d, model = made(effect=-0.2), MODELS["segmented"]
    one, other = (PlaceboSeries().infer(d, model, model.estimate(d), seed=s) for s in (1, 2))
    assert (one.p_value, one.conf_low, one.std_error) == (other.p_value, other.conf_low, other.std_error)


def test_drawn_sets_are_deterministic_and_no_more_than_asked_for():
    d, model = made(side=(8, 8), treated=(13, 14, 21)), MODELS["segmented"]
    found = [PlaceboSeries(draws=99).infer(d, model, model.estimate(d), seed=4) for _ in range(2)]
    assert found[0].p_value == found[1].p_value
    assert found[0].facts["placebo_neighbourhoods"] == 99
    assert not found[0].facts["exact"]


def test_what_it_needs_is_said():
    model = MODELS["segmented"]
    few = made(side=(3, 5))
    with pytest.raises(DesignError, match="placebo neighbourhoods"):
        PlaceboSeries().infer(few, model, model.estimate(few), seed=1)
    d = made()
    with pytest.raises(UsageError, match="cannot be fitted to the series of other areas"):
        PlaceboSeries().infer(d, PoissonDiD(), PoissonDiD().estimate(d), seed=1)
    with pytest.raises(UsageError, match="18 draws"):
        PlaceboSeries(draws=18)
    assert isinstance(PlaceboSeries(), Inference)
    assert not isinstance(PlaceboSeries(), Calibratable)
    assert not math.isnan(PlaceboSeries().infer(d, model, model.estimate(d), seed=1).p_value)


def test_series_that_cannot_be_fitted_are_left_out_and_too_few_are_refused():
    d = made()
    counts = d.inputs.panel.counts["burglary"].copy()
    counts[:14][np.arange(14) != TREATED] = 0
    silent = design(counts, treated=[TREATED], months_before=BEFORE, shape=(4, 8))
    model = MODELS["segmented"]
    with pytest.raises(DesignError, match="can be fitted to 18 placebo sets"):
        PlaceboSeries().infer(silent, model, model.estimate(silent), seed=1)

"""Steps, ramps and pulses by hand, and in a regression."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.errors import EstimationError, SpecError
from cseval.estimators.segmented import Gaussian, Interruption, ModelErrors, SegmentedRegression, pulse, ramp, step

SINCE = np.arange(-2, 6)
TREATED = [3, 4]


@pytest.mark.parametrize(
    ("shape", "term", "values"),
    [
        (step(), "level", [0, 0, 1, 1, 1, 1, 1, 1]),
        (ramp(), "slope", [0, 0, 0, 1, 2, 3, 4, 5]),
        (ramp(first=1), "slope", [0, 0, 1, 2, 3, 4, 5, 6]),
        (ramp(months=3), "slope over 3 months", [0, 0, 0, 1, 2, 3, 3, 3]),
        (pulse(), "pulse", [0, 0, 1, 0, 0, 0, 0, 0]),
        (pulse(months=3), "pulse of 3 months", [0, 0, 1, 1, 1, 0, 0, 0]),
        (pulse(half_life=1), "pulse halving in 1 months", [0, 0, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]),
        (
            pulse(months=2, half_life=2),
            "pulse of 2 months halving in 2 months",
            [0, 0, 1, 1, 2**-0.5, 0.5, 2**-1.5, 0.25],
        ),
    ],
)
def test_shapes_by_hand(shape, term, values):
    assert shape.term == term
    assert shape.values(SINCE) == pytest.approx(values)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ramp(months=0), "months=0"),
        (lambda: ramp(first=2), "first=2"),
        (lambda: pulse(months=0), "months=0"),
        (lambda: pulse(half_life=0), "half_life=0"),
        (lambda: SegmentedRegression(change=(step(),)), "'level' is given twice"),
        (lambda: SegmentedRegression(level=False, change=(ramp(first=1),)), "'slope' is given twice"),
        (lambda: Interruption(month="2020-03", shapes=(step(),)), "'level' is given twice"),
    ],
)
def test_shapes_that_make_no_sense_are_refused(make, words):
    with pytest.raises(SpecError, match=words):
        make()


def series_design(mean):
    counts = poisson_counts(20, 60, level=8, seed=8)
    counts[TREATED] = np.rint(mean / 2).astype(np.int64)
    return design(counts, treated=TREATED, months_before=38)


def test_a_passing_effect_is_found_and_ends():
    noise = np.random.default_rng(0).normal(0, 4, 60)
    since = np.arange(60) - 38
    d = series_design(400 + noise - 200 * pulse(months=2, half_life=3).values(since))
    own = (pulse(months=2, half_life=3),)
    options = SegmentedRegression(
        family=Gaussian(), errors=ModelErrors(), level=False, slope=False, change=own, season=None
    )
    e = options.estimate(d)
    row = e.coefficients.set_index("term").loc[own[0].term]
    assert row["estimate"] == pytest.approx(-200, abs=4 * row["std_error"])
    gap = e.path["counterfactual"] - e.path["fitted"]
    assert gap[38:42].tolist() == pytest.approx((-row["estimate"] * own[0].values(np.arange(4))).tolist())
    assert e.effect == pytest.approx(row["estimate"] * own[0].values(since[38:]).mean() / 2)
    table = e.tables["averted"]
    assert table["averted"].iloc[0] == pytest.approx(200, abs=30)
    assert table["cumulative"].iloc[-1] == pytest.approx(200 * own[0].values(since[38:]).sum(), abs=60)


def test_two_dated_interruptions_with_shapes_stay_in_the_counterfactual():
    since = np.arange(60) - 38
    lockdown, recording = pulse(months=4).values(since - 8), step().values(since + 20)
    d = series_design(400 - 100 * (since >= 0) - 150 * lockdown + 80 * recording)
    options = SegmentedRegression(
        family=Gaussian(),
        errors=ModelErrors(),
        slope=False,
        season=None,
        interruptions=(
            Interruption(month="2018-11", level=False, shapes=(pulse(months=4),), label="lockdown"),
            Interruption(month="2016-07", label="recording"),
        ),
    )
    e = options.estimate(d)
    terms = e.coefficients.set_index("term")["estimate"]
    assert terms["level"] == pytest.approx(-100, abs=2)
    assert terms["lockdown pulse of 4 months"] == pytest.approx(-150, abs=2)
    assert terms["recording level"] == pytest.approx(80, abs=2)
    course = e.path["counterfactual"]
    assert course[47] - course[44] == pytest.approx(-150, abs=2)
    assert abs(replace(options, interruptions=()).estimate(d).effect + 50) > 5


def test_a_change_outside_the_window_cannot_be_told():
    d = series_design(np.full(60, 100.0) + np.arange(60) % 3)
    late = Interruption(month="2031-01", level=False, shapes=(pulse(months=4),))
    with pytest.raises(EstimationError, match="'2031-01 pulse of 4 months' cannot be told"):
        SegmentedRegression(season=None, interruptions=(late,)).estimate(d)

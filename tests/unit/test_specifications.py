"""Combinations of choices, the designs they give, and the test of a whole curve."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from builders import FIRST, evaluation, inputs, poisson_counts

from cseval.checks.specification_ranks import in_percent, joint_test
from cseval.checks.specifications import DIMENSIONS, Specification, combinations, design_for, model_words
from cseval.errors import CsevalError, DataError, DesignError, SpecError
from cseval.estimate import convert
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.spec import Window

OWN = Specification(
    outcome="burglary",
    window=Window(first=FIRST, last="2016-12"),
    comparison="all",
    start="2016-01",
    transition=0,
    buffer_rings=1,
    estimator=PoissonDiD(),
)


# Combinations -----------------------------------------------------------------------------------------


def test_nothing_declared_is_the_registered_specification_alone():
    assert combinations(OWN, {}) == (OWN,)
    assert combinations(OWN, {"start": (), "transition": (0,)}) == (OWN,)


def test_every_combination_is_made_once_and_the_registered_one_is_first():
    made = combinations(OWN, {"transition": (0, 4), "buffer_rings": (0, 2, 1, 2), "estimator": (LinearDiD(),)})
    assert made[0] == OWN
    assert len(made) == len(set(made)) == 2 * 3 * 2
    assert {(s.transition, s.buffer_rings) for s in made} == {(t, r) for t in (0, 4) for r in (0, 1, 2)}


def test_a_dimension_that_there_is_not_is_refused():
    with pytest.raises(TypeError, match="no dimension 'weather'"):
        combinations(OWN, {"weather": ("rain",)})


def test_every_dimension_has_a_label():
    assert tuple(OWN.labels()) == DIMENSIONS
    assert OWN.labels()["window"] == "2015-01 to 2016-12"
    labels = [tuple(s.labels().values()) for s in combinations(OWN, {"transition": (3,), "comparison": ("near",)})]
    assert len(set(labels)) == 4


@dataclass(frozen=True, kw_only=True)
class Own:
    lags: int = 2
    robust: bool = True
    kind: str = "x"
    name = "Own model"


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (PoissonDiD(), "Poisson DiD"),
        (PoissonDiD(exposure=True), "Poisson DiD, exposure"),
        (LinearDiD(per=1000.0), "Linear DiD, per 1,000"),
        (Own(lags=3, robust=False, kind="y"), "Own model, lags 3, no robust, kind y"),
    ],
)
def test_a_model_is_called_by_what_sets_it_apart(estimator, words):
    assert model_words(estimator) == words


# Designs ----------------------------------------------------------------------------------------------


def small():
    given = inputs(poisson_counts(36, 24, seed=1), treated=[14, 15], shape=(6, 6))
    return replace(given, groups={"near": frozenset(given.panel.units[:24])})


def test_a_design_has_the_choices_of_its_specification():
    s = replace(
        OWN, start="2016-03", transition=2, window=Window(first="2015-06", last="2016-11"), comparison="near",
        buffer_rings=2,
    )  # fmt: skip
    design = design_for(s, evaluation(), small())
    assert (design.start, design.transition, design.buffer_rings) == ("2016-03", 2, 2)
    assert (design.all_months[0], design.all_months[-1]) == ("2015-06", "2016-11")
    assert design.periods[design.post.argmax()] == "2016-05"
    assert design.pool == small().groups["near"] - design.treated


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"outcome": "theft"}, DataError, "no outcome 'theft'"),
        ({"comparison": "far"}, DesignError, "no comparison group 'far'"),
        ({"window": Window(first=FIRST, last="2017-12")}, DesignError, "window from 2015-01 to 2017-12"),
        ({"transition": 12}, SpecError, "0 after the start"),
        ({"start": "2015-01"}, SpecError, "0 months before"),
    ],
)
def test_what_cannot_be_made_says_why(changes, error, message):
    with pytest.raises(CsevalError) as raised:
        design_for(replace(OWN, **changes), evaluation(), small())
    assert isinstance(raised.value, error)
    assert message in raised.value.found


# Scale ------------------------------------------------------------------------------------------------


def test_per_cent_agrees_with_the_effect_tables_and_has_ends_where_those_have_none():
    for effect in (-0.7, 0.0, 0.2):
        assert in_percent("log", effect, 3.0) == pytest.approx(convert("log", "percent", (effect,) * 3, 3.0)[0])
        assert in_percent("count", effect, 3.0) == pytest.approx(convert("count", "percent", (effect,) * 3, 3.0)[0])
    for scale in ("log", "count"):
        assert in_percent(scale, math.inf, 3.0) == math.inf
        assert in_percent(scale, -math.inf, 3.0) == -100
    assert in_percent("count", 3.0, 3.0) == math.inf
    assert in_percent("log", 1e6, 3.0) == math.inf


def test_per_cent_rises_with_the_effect():
    values = [in_percent("count", e, 2.0) for e in np.linspace(-9, 2.5, 40)]
    assert values == sorted(values)


# The whole curve --------------------------------------------------------------------------------------


def by_hand(statistics, level=0.05):
    rows = len(statistics)
    p = [[np.mean([abs(o[k]) >= abs(r[k]) for o in statistics]) for k in range(len(r))] for r in statistics]
    medians = [abs(float(np.median(r))) for r in statistics]
    shares = [float(np.mean([x <= level for x in r])) for r in p]
    return sum(m >= medians[0] for m in medians) / rows, sum(s >= shares[0] for s in shares) / rows


def test_the_joint_test_equals_the_one_done_by_hand():
    rng = np.random.default_rng(1)
    for shift in (0.0, 2.5):
        statistics = rng.normal(size=(60, 5)) + rng.normal(size=(60, 1))
        statistics[0] += shift
        joint = joint_test(statistics)
        assert (joint.median_p, joint.share_p) == pytest.approx(by_hand(statistics))
        assert (joint.sets, joint.specifications) == (59, 5)
        assert joint.median == pytest.approx(np.median(statistics[0]))


def test_identical_specifications_have_the_p_value_of_one():
    column = np.random.default_rng(2).normal(size=(200, 1))
    column[0] = 2.1
    joint = joint_test(np.repeat(column, 7, axis=1))
    assert joint.median_p == np.mean(np.abs(column) >= 2.1)


def test_order_and_sign_do_not_matter():
    rng = np.random.default_rng(3)
    statistics = rng.normal(size=(99, 6))
    changed = -statistics[np.append(0, 1 + rng.permutation(98))][:, rng.permutation(6)]
    one, other = joint_test(statistics), joint_test(changed)
    assert (one.median_p, one.share_p, one.share) == (other.median_p, other.share_p, other.share)


def test_a_true_null_is_rejected_in_five_percent():
    rng = np.random.default_rng(4)
    p = []
    for _ in range(800):
        joint = joint_test(0.7 * rng.normal(size=(100, 1)) + 0.7 * rng.normal(size=(100, 9)))
        p.append((joint.median_p, joint.share_p))
    median, share = (np.array(p) <= 0.05).mean(axis=0)
    error = math.sqrt(0.05 * 0.95 / 800)
    assert abs(median - 0.05) < 3.5 * error
    assert share < 0.05 + 3.5 * error  # many shares are tied at zero, so this test is careful


def test_what_cannot_be_computed_in_a_placebo_counts_against_the_finding():
    statistics = np.random.default_rng(5).normal(size=(50, 4))
    statistics[0] = 9.0
    assert joint_test(statistics).median_p == pytest.approx(1 / 50)
    statistics[7] = np.inf
    assert joint_test(statistics).median_p == pytest.approx(2 / 50)


def test_too_few_placebo_neighbourhoods_are_refused():
    with pytest.raises(DesignError, match="18 placebo neighbourhoods"):
        joint_test(np.ones((19, 3)))

"""The fictional region of boroughs: what it promises of itself."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from cseval.inputs import Inputs
from cseval.months import month_number
from cseval.sources.boroughs import NAMES as LONDON
from cseval.sources.demonstration_boroughs import (
    FIRST,
    NAMES,
    OUTCOMES,
    START,
    TREATED_NAME,
    VICTIM_RATIO,
    simulate_boroughs,
)

BEFORE = month_number(START) - month_number(FIRST)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return simulate_boroughs(2019)


def own(inputs: Inputs) -> int:
    return inputs.panel.units.index(*inputs.roles.treated)


def test_it_is_a_pure_function_of_the_seed(inputs: Inputs) -> None:
    again, other = simulate_boroughs(2019), simulate_boroughs(2020)
    assert all((again.panel.counts[o] == v).all() for o, v in inputs.panel.counts.items())
    assert again.roles == inputs.roles
    assert any((other.panel.counts[o] != v).any() for o, v in inputs.panel.counts.items())


def test_it_is_a_region_of_fictional_boroughs(inputs: Inputs) -> None:
    panel = inputs.panel
    assert len(panel.units) == 32 == len(set(panel.names.values()))
    assert not set(panel.names.values()) & set(LONDON)
    assert set(panel.names.values()) == {*NAMES, TREATED_NAME}
    assert panel.names[next(iter(inputs.roles.treated))] == TREATED_NAME
    assert (panel.periods[0], panel.periods[-1]) == ("2010-04", "2020-02")
    assert len(inputs.areas.components(panel.units)) == 1
    assert inputs.roles.treated <= inputs.groups["inner"]
    assert len(inputs.groups["inner"]) == 13
    assert inputs.groups["inner"] | inputs.groups["outer"] == set(panel.units)
    assert inputs.groups["neighbours"]
    assert inputs.data == "demonstration"


def test_it_is_made_in_no_time() -> None:
    simulate_boroughs(1)
    started = time.perf_counter()
    simulate_boroughs(2)
    assert time.perf_counter() - started < 0.2


def test_truth_names_every_outcome(inputs: Inputs) -> None:
    assert set(inputs.truth) == set(inputs.panel.outcomes)
    assert inputs.truth["knife_crime"] == inputs.truth["knife_crime_with_injury"] == pytest.approx(math.log(0.88))
    assert inputs.truth["knife_injury_victims"] == pytest.approx(math.log(VICTIM_RATIO))
    assert inputs.truth["possession_of_article_with_blade_or_point"] > 0
    assert inputs.truth["homicide"] == 0


def test_knife_outcomes_are_nested(inputs: Inputs) -> None:
    counts = inputs.panel.counts
    assert (counts["knife_injury_victims_non_domestic"] <= counts["knife_injury_victims"]).all()
    assert (counts["knife_injury_victims"] <= counts["knife_crime_with_injury"]).all()
    assert (counts["knife_crime_with_injury"] <= counts["knife_crime"]).all()


#: Mean per borough and month of the published files (recorded crime to February 2020, dashboard from 2022).
PUBLISHED = {
    "violence_with_injury": 180.8,
    "possession_of_article_with_blade_or_point": 6.1,
    "robbery_of_personal_property": 75.5,
    "homicide": 0.32,
    "knife_crime": 36.7,
    "knife_crime_with_injury": 9.2,
    "knife_injury_victims": 3.4,
    "knife_injury_victims_non_domestic": 3.1,
}


@pytest.mark.parametrize("outcome", PUBLISHED)
def test_levels_are_near_the_published_ones(outcome: str) -> None:
    means = [simulate_boroughs(seed).panel.counts[outcome].mean() for seed in range(8)]
    assert np.mean(means) == pytest.approx(PUBLISHED[outcome], rel=0.15)


def log_change(inputs: Inputs, outcome: str, before: slice, after: slice) -> float:
    """Difference in differences of the logs of two totals."""
    values, i = inputs.panel.counts[outcome], own(inputs)
    rest = values.sum(axis=0) - values[i]

    def change(series: np.ndarray) -> float:
        return math.log(series[after].mean() / series[before].mean())

    return change(values[i]) - change(rest)


def test_the_treated_borough_starts_from_a_peak() -> None:
    rises = [
        log_change(simulate_boroughs(s), "knife_crime_with_injury", slice(0, BEFORE - 12), slice(BEFORE - 12, BEFORE))
        for s in range(12)
    ]
    assert np.mean(rises) > 0.1
    assert np.mean(np.array(rises) > 0) > 0.9


def test_effects_are_recovered_on_average() -> None:
    """Violence with injury over two years each side: the truth within Monte Carlo error and regression to the mean."""
    found = [
        log_change(simulate_boroughs(s), "violence_with_injury", slice(BEFORE - 24, BEFORE), slice(BEFORE, None))
        for s in range(40)
    ]
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - math.log(OUTCOMES["violence_with_injury"].true_ratio)) < 3 * error + 0.02


def test_without_an_effect_a_fall_from_the_peak_is_left() -> None:
    """Regression to the mean: against the year of the peak, knife crime with injury falls although nothing was done."""
    from dataclasses import replace

    null = {name: replace(spec, true_ratio=1.0) for name, spec in OUTCOMES.items()}
    found = [
        log_change(
            simulate_boroughs(s, null), "knife_crime_with_injury", slice(BEFORE - 12, BEFORE), slice(BEFORE, None)
        )
        for s in range(25)
    ]
    assert np.mean(found) < -0.03

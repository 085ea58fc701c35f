"""Checks of the time before the start when one borough is treated and 31 others are the comparison."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from contexts import BOROUGH, BOROUGH_AFTER, BOROUGH_START, BOROUGHS, boroughs, clean_boroughs, rescaled

from cseval.checks.honest_trends import HonestTrends, chosen_study, event_coefficients
from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends, chosen_points, log_ratios, pre_bins
from cseval.estimators.base import ManyEffects
from cseval.estimators.linear_did import LinearDiD
from cseval.inference.earlier_windows import shifted_starts
from cseval.inference.few_sets import few_caught, few_power, few_ranks, size_scales, slopes
from cseval.inference.honest import relative_magnitude_interval, smoothness_interval
from cseval.inference.spread import scale_of, variance_by_size

MONTHS = BOROUGH_START + BOROUGH_AFTER


def changed(factor, columns=slice(0, MONTHS), seed=0, level=60.0):
    """Clean counts with the treated borough multiplied by `factor`."""
    counts = clean_boroughs(seed, level)
    counts[BOROUGH, columns] = rescaled(counts[BOROUGH, columns], factor)
    return counts


def persistent(seed: int, spread: float = 0.08, memory: float = 0.9, level: float = 60.0):
    """Counts of boroughs with shocks that fade."""
    rng = np.random.default_rng(seed)
    shock = rng.normal(size=(BOROUGHS, MONTHS))
    for month in range(1, MONTHS):
        shock[:, month] = memory * shock[:, month - 1] + math.sqrt(1 - memory**2) * shock[:, month]
    mean = level * np.exp(rng.normal(0, 0.4, (BOROUGHS, 1)) + spread * shock)
    return rng.poisson(mean).astype(np.int64)


# Pre-trends -------------------------------------------------------------------------------------


def test_thirty_one_placebos_give_seven_points_of_a_year():
    found = PreTrends().run(boroughs(clean_boroughs()))
    assert found.verdict == "pass"
    assert found.reference == "the same statistic in 31 placebo neighbourhoods"
    assert len(found.table.values) == 7
    assert "in bins of 12 months is like that of placebo neighbourhoods" in found.sentence
    assert "with 31 of them no p can be below 0.031" in found.sentence


@pytest.mark.parametrize(("sets", "months"), [(31, 12), (60, 6), (56, 6), (55, 12), (27, 24), (19, 24)])
def test_bins_are_widened_until_there_are_four_placebos_for_each_point(sets, months):
    given = boroughs(clean_boroughs())
    members = np.resize(given.sets.members, (sets, 1))
    points = chosen_points(replace(given, sets=given.design.sets(members)), 3)
    assert points.months == months
    assert points.ratios.shape == (1 + sets, len(pre_bins(given.design, months)))


def test_with_enough_placebos_the_bins_asked_for_are_kept():
    given = boroughs(clean_boroughs())
    members = np.resize(given.sets.members, (112, 1))
    assert chosen_points(replace(given, sets=given.design.sets(members)), 3).months == 3


def test_fewer_than_nineteen_placebos_are_said():
    given = boroughs(clean_boroughs())
    found = PreTrends().run(replace(given, sets=given.sets.take(np.arange(18))))
    assert found.verdict == "not applicable"
    assert "too few placebo neighbourhoods" in found.sentence


@pytest.mark.parametrize("monthly", [0.012, -0.012])
def test_a_trend_of_one_borough_is_found(monthly):
    trend = np.exp(monthly * np.arange(-BOROUGH_START, 0))
    found = PreTrends().run(boroughs(changed(trend, slice(0, BOROUGH_START))))
    assert found.verdict == "concern"
    assert found.p_value == pytest.approx(1 / 32)
    assert "is unlike that of placebo neighbourhoods" in found.sentence


def test_a_break_of_one_borough_that_is_no_trend_is_found():
    hump = np.ones(BOROUGH_START)
    hump[26:50] = 1.5
    found = PreTrends().run(boroughs(changed(hump, slice(0, BOROUGH_START))))
    assert found.verdict == "concern"


def test_the_numbers_are_those_of_the_ranks_on_rows_divided_by_their_spread():
    given = boroughs(clean_boroughs(4))
    design, bins = given.design, pre_bins(given.design, 12)
    raw = np.concatenate([log_ratios(design, s, bins) for s in (design.own_set, given.sets)])
    totals = np.stack([design.counts[:, b].sum(axis=1) for b in bins], axis=1).astype(float)
    chance = []
    for i in [BOROUGH, *given.sets.members[:, 0]]:
        rest = totals[[j for j in range(BOROUGHS) if j not in (i, BOROUGH)]].sum(axis=0)
        chance.append((1 / totals[i] + 1 / rest).mean())
    scales = size_scales(raw, np.array(chance))
    scaled, time = raw / scales[:, None], np.array([design.event_time[b].mean() for b in bins])
    expected, found = few_ranks(scaled, time), PreTrends().run(given)
    assert (found.statistic, found.p_value) == (pytest.approx(expected.statistic), expected.p_value)
    caught = few_caught(scaled[1:], time, float(np.sqrt(np.mean(slopes(scaled[1:], time) ** 2)))) * scales[0]
    assert f"a trend of {100 * math.expm1(caught):.1f}% a month four times in five" in found.sentence
    distance = (BOROUGH_START + BOROUGH_AFTER) / 2
    power = few_power(scaled[1:], time, given.estimate.effect / distance / scales[0])
    assert f"explain the whole estimate in {100 * power:.0f}% of cases" in found.sentence


def test_the_order_of_boroughs_does_not_matter():
    counts = clean_boroughs(2)
    order = np.random.default_rng(3).permutation(BOROUGHS)
    one, other = boroughs(counts), boroughs(counts[order], treated=int(np.flatnonzero(order == BOROUGH)[0]))
    for check in (PreTrends(), PlaceboStarts()):
        a, b = check.run(one), check.run(other)
        assert (a.p_value, a.sentence) == (b.p_value, b.sentence)
        assert a.statistic == pytest.approx(b.statistic)


def test_the_size_on_counts_of_32_boroughs_is_what_it_should_be():
    found = np.array([PreTrends().run(boroughs(persistent(s))).p_value for s in range(200)])
    assert np.mean(found <= 0.05) <= 1 / 32 + 3 * math.sqrt(1 / 32 / 200)
    assert np.mean(found <= 0.25) == pytest.approx(0.25, abs=0.1)


# Honest trends ----------------------------------------------------------------------------------


def test_thirty_one_placebos_give_years_and_a_covariance_with_structure():
    given = boroughs(clean_boroughs())
    bins, study, few = chosen_study(given, (6, 3))
    assert few
    assert bins == tuple((12 * i, 12 * i + 11) for i in range(-7, 2))
    assert (len(study.pre), len(study.post)) == (6, 2)
    found = HonestTrends().run(given)
    assert found.verdict == "information"
    assert "from one year to the next" in found.sentence
    assert any("too few to take the covariance from them as it is" in note for note in found.table.notes)
    assert "11 months at the ends that fill no whole year are left out." in found.table.notes


def test_a_fall_far_above_any_drift_of_one_borough_holds():
    found = HonestTrends().run(boroughs(changed(0.4, slice(BOROUGH_START, MONTHS))))
    assert found.verdict == "pass"
    assert "the finding holds, until drift is" in found.sentence


@pytest.mark.parametrize("treated", ["any", "smallest", "largest"])
def test_its_intervals_hold_zero_on_null_panels_as_often_as_they_say(treated):
    """Where nothing was done the interval without drift, and that along a straight line, hold zero in 95 %."""
    held = []
    for seed in range(80):
        counts = persistent(seed)
        which = {"any": BOROUGH, "smallest": counts.sum(axis=1).argmin(), "largest": counts.sum(axis=1).argmax()}
        _, study, few = chosen_study(boroughs(counts, treated=int(which[treated])), (6, 3))
        assert few
        intervals = relative_magnitude_interval(study, 0.0, seed=1), smoothness_interval(study, 0.0)
        held.append([i.holds_zero for i in intervals])
    assert (np.mean(held, axis=0) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 80)).all()
    assert np.mean(held) < 1


def test_the_covariance_is_near_that_of_many_panels():
    studies = [chosen_study(boroughs(persistent(seed)), (6, 3))[1] for seed in range(150)]
    truth = np.cov(np.array([s.estimates for s in studies]).T)
    mean = np.mean([s.covariance for s in studies], axis=0)
    np.testing.assert_allclose(np.diag(mean), 1.1 * np.diag(truth), rtol=0.3)


def test_small_and_large_boroughs_have_the_spread_of_their_size():
    counts = np.random.default_rng(1).poisson(np.geomspace(8, 300, BOROUGHS)[:, None], (BOROUGHS, MONTHS))
    small, large = (chosen_study(boroughs(counts, treated=i), (6, 3))[1] for i in (0, BOROUGHS - 1))
    assert small.std_error > 3 * large.std_error
    expected = math.sqrt((1 / (8 * 12)) * 1.5)  # Poisson: the mean of two years against one
    assert small.std_error == pytest.approx(expected, rel=0.35)


def test_counts_per_month_are_bounded_in_the_same_way():
    given = boroughs(changed(0.4, slice(BOROUGH_START, MONTHS)))
    estimate = LinearDiD().estimate(given.design)
    inferred = given.placebo.infer(given.design, LinearDiD(), estimate, 1)
    linear = replace(given, estimator=LinearDiD(), estimate=estimate, inferred=inferred)
    found = HonestTrends().run(linear)
    assert found.verdict in ("pass", "concern", "information")
    assert "incidents per unit and month" in found.table.heading("low")
    first = found.table.values.iloc[0]
    assert first["low"] < estimate.effect < first["high"]


def test_as_many_placebos_as_it_takes_keep_the_moments_as_they_are():
    given = boroughs(clean_boroughs())
    many = replace(given, sets=given.design.sets(np.resize(given.sets.members, (200, 1))))
    bins, study, few = chosen_study(many, (6, 3))
    assert (few, bins[0]) == (False, (-84, -79))
    np.testing.assert_array_equal(study.covariance, event_coefficients(many, bins).covariance)


# Placebo starts ---------------------------------------------------------------------------------


def test_starts_are_shortened_and_an_earlier_change_of_one_borough_is_found():
    given = boroughs(changed(1.5, slice(58, MONTHS)))
    found = PlaceboStarts().run(given)
    assert found.verdict == "concern"
    assert "shortened to 52 months before and 20 after each start" in found.sentence
    assert len(found.table.values) == 3


def test_the_spread_of_few_placebos_is_fitted_to_the_treated_one_as_well():
    given = boroughs(clean_boroughs(5))
    starts, design = shifted_starts(given.design, 6)
    largest = np.zeros(BOROUGHS)
    for start in starts:
        at = design.at(start)
        every = ManyEffects.join([given.estimator.estimate_many(at, s) for s in (at.own_set, given.sets)])
        largest = np.maximum(largest, np.abs(every.effect / scale_of(every, variance_by_size(every))))
    found = PlaceboStarts().run(given)
    assert found.statistic == pytest.approx(largest[0])
    assert found.p_value == pytest.approx((largest >= largest[0] * (1 - 1e-9)).mean())


def test_a_sentence_of_few_placebos_can_be_read():
    for check in (PreTrends(), HonestTrends(), PlaceboStarts()):
        sentence = check.run(boroughs(clean_boroughs(1))).sentence
        assert "nan" not in sentence
        assert "inf" not in sentence
        assert not re.search(r"(?<!\w)-\d", sentence)

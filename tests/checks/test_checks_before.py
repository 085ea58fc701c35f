"""Checks of the time before the start: trends, placebo starts, and selection of the worst area."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from contexts import (
    AFTER,
    BEFORE,
    MONTHS,
    SIDE,
    START,
    TREATED,
    boroughs,
    clean,
    clean_boroughs,
    context,
    rescaled,
    with_change,
)

from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends, joint_test, log_ratios, pre_bins, slope_of, trend_power
from cseval.checks.regression_to_mean import RegressionToMean
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.calibration import Measured
from cseval.inference.earlier_windows import shifted_starts
from cseval.inference.placebo import p_values

PRE = slice(START - BEFORE, START)


def trend(monthly: float) -> np.ndarray:
    return np.exp(monthly * np.arange(-BEFORE, 0))


@pytest.mark.parametrize("monthly", [0.06, -0.06])
def test_a_trend_in_the_treated_area_is_found(monthly):
    found = PreTrends().run(context(with_change(TREATED, PRE, trend(monthly), level=20)))
    assert found.verdict == "concern"
    assert "is unlike that of placebo neighbourhoods" in found.sentence


def test_a_break_that_is_no_trend_is_found_by_the_joint_test():
    hump = np.ones(BEFORE)
    hump[9:15] = 2.0
    found = PreTrends().run(context(with_change(TREATED, PRE, hump, level=20)))
    assert found.verdict == "concern"
    assert found.p_value <= 0.05


def test_a_trend_everywhere_is_no_concern():
    counts = rescaled(clean(level=20), np.exp(0.03 * np.arange(MONTHS)))
    assert PreTrends().run(context(counts)).verdict == "pass"


def test_the_trend_that_would_be_caught_is_caught_four_times_in_five():
    quiet = context(clean(1, level=20))
    found = PreTrends().run(quiet)
    per_month = float(re.search(r"catch a trend of ([\d.]+)% a month", found.sentence)[1]) / 100
    moves = float(re.search(r"move the estimate by ([\d.]+)%", found.sentence)[1])
    # the bias left is the trend over the distance between the middles of the two periods
    assert moves == pytest.approx(100 * math.expm1(per_month * (BEFORE + AFTER) / 2), abs=2)
    caught = 0
    for seed in range(20):
        counts = with_change(TREATED, PRE, trend(math.log1p(per_month)), seed=seed, level=20)
        caught += PreTrends().run(context(counts)).verdict == "concern"
    assert caught >= 12  # 16 expected


@pytest.mark.parametrize("trend", [0.0, 0.5, 1.5, 2.5, 4.0])
def test_the_power_against_a_trend_is_how_often_it_is_caught(trend):
    rng = np.random.default_rng(11)
    spread = 0.02
    slopes = spread * rng.standard_t(6, size=3000)
    own = spread * rng.standard_t(6, size=1500) - trend * spread  # the sign of a trend does not matter
    caught = np.mean(p_values(own, slopes) <= 0.025 + 1e-12)  # half of 5 %, for there are two tests
    power = trend_power(slopes, float(np.sqrt(np.mean(slopes**2))), trend * spread)
    assert power == pytest.approx(caught, abs=4 * math.sqrt(max(caught * (1 - caught), 0.02) / 1500))
    assert trend_power(slopes, spread, -trend * spread) == trend_power(slopes, spread, trend * spread)


def test_the_trend_said_to_be_caught_four_times_in_five_has_that_power():
    given = context(clean(1, level=20))
    bins = pre_bins(given.design, 3)
    middle = np.array([given.design.event_time[b].mean() for b in bins])
    slopes = slope_of(log_ratios(given.design, given.sets, bins), middle)
    spread = float(np.sqrt(np.mean(slopes**2)))
    said = float(re.search(r"catch a trend of ([\d.]+)% a month", PreTrends().run(given).sentence)[1]) / 100
    assert trend_power(slopes, spread, 1.05 * math.log1p(said)) >= 0.8
    assert min(trend_power(sign * slopes, spread, 0.9 * math.log1p(said)) for sign in (1, -1)) < 0.8


def test_the_power_against_a_trend_that_explains_the_estimate_is_said():
    given = context(with_change(TREATED, slice(START, MONTHS), 0.7, level=20))
    design = given.design
    bins = pre_bins(design, 3)
    middle = np.array([design.event_time[b].mean() for b in bins])
    slopes = slope_of(log_ratios(design, given.sets, bins), middle)
    # a trend moves the estimate by its slope times the distance between the middles of the periods
    explains = given.estimate.effect / ((BEFORE + AFTER) / 2)
    power = trend_power(slopes, float(np.sqrt(np.mean(slopes**2))), explains)
    assert f"explain the whole estimate in {100 * power:.0f}% of cases." in PreTrends().run(given).sentence


def test_two_tests_of_the_pre_period_share_the_error_of_one():
    found = [PreTrends().run(context(clean(s, level=20))) for s in range(100)]
    smaller = [min(f.p_value, trend_p(f)) for f in found]
    concerns = [f.verdict == "concern" for f in found]
    assert any(0.03 < p <= 0.045 for p in smaller)  # one test alone would have raised it
    assert all(c == (p <= 0.025) for c, p in zip(concerns, smaller, strict=True) if not 0.02 <= p <= 0.03)  # as printed
    assert sum(concerns) <= 10  # 5 expected at most


def trend_p(found) -> float:
    """The p-value of the trend test, as printed."""
    return float(re.search(r"trend p [=<>] ([\d.]+)\)", found.sentence)[1])


def test_bins_count_back_from_the_start_and_leave_an_incomplete_one():
    d = context(clean()).design
    short = replace(d, months_before=8)
    bins = pre_bins(short, 3)
    assert [short.event_time[b].tolist() for b in bins] == [[-6, -5, -4], [-3, -2, -1]]
    assert PreTrends(bin_months=12).run(context(clean())).verdict == "not applicable"


def test_joint_statistic_and_slope_are_their_formulas():
    rng = np.random.default_rng(0)
    placebo = rng.normal(size=(400, 5))
    placebo -= placebo.mean(axis=1, keepdims=True)
    own = placebo[7]
    statistic, p = joint_test(own, placebo)
    both = np.concatenate([own[None, :], placebo])  # the treated area is in sample as well
    inverse = np.linalg.pinv(both.T @ both / 401, rcond=1e-8)
    every = np.array([r @ inverse @ r for r in placebo])
    assert statistic == pytest.approx(every[7])
    assert p == pytest.approx((1 + (every >= every[7] * (1 - 1e-9)).sum()) / 401)
    middle = np.array([-14.0, -11, -8, -5, -2])
    assert slope_of(placebo, middle)[7] == pytest.approx(np.polyfit(middle, own, 1)[0])


def test_a_month_without_incidents_in_every_bin_is_said_and_not_computed():
    counts = clean()
    counts[TREATED, START - 6 : START] = 0
    found = PreTrends().run(context(counts))
    assert found.verdict == "not applicable"
    assert "without any incident" in found.sentence


# Placebo starts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.6, 0.6])
def test_an_effect_at_an_earlier_start_is_found(factor):
    found = PlaceboStarts().run(context(with_change(TREATED, slice(36, MONTHS), factor, level=20)))
    assert found.verdict == "concern"
    assert found.p_value <= 0.05
    row = found.table.values.set_index("start").loc["2018-01"]
    assert row["change"] == pytest.approx(100 * (factor - 1), abs=15)
    assert row["p_value"] <= 0.05


def test_an_effect_at_the_start_itself_is_not_one_before():
    assert PlaceboStarts().run(context(with_change(TREATED, slice(START, MONTHS), 3.0, level=20))).verdict == "pass"


def test_placebo_starts_are_those_of_the_design():
    given = context(clean())
    assert PlaceboStarts().run(given).table.values["start"].tolist() == list(given.design.placebo_starts(6))
    assert len(PlaceboStarts(step=3).run(given).table.values) == 5


def test_no_room_before_and_no_incident_before_are_said():
    given = context(clean())
    late = replace(given, design=replace(given.design, start="2016-09", months_before=20, months_after=40))
    found = PlaceboStarts().run(late)
    assert found.verdict == "not applicable"
    assert "no window fits into the months before the programme, even at half the length" in found.sentence
    silent = clean()
    silent[TREATED, : START - 12] = 0
    found = PlaceboStarts().run(context(silent))
    assert found.verdict == "not applicable"
    assert "no incident in a phase" in found.sentence


def test_windows_are_shortened_where_the_data_begin_too_late_and_it_is_said():
    given = context(with_change(TREATED, slice(30, MONTHS), 1.6, level=20), before=40)
    starts, shorter = shifted_starts(given.design, 6)
    assert (shorter.months_before, shorter.months_after, len(starts)) == (28, 8, 3)
    found = PlaceboStarts().run(given)
    words = "shortened to 28 months before and 8 after each start because the data begin too late for 40 and 12"
    assert f"the same comparison, {words}, finds" in found.sentence
    assert any(words in note for note in found.table.notes)
    for row in found.table.values.itertuples():
        alone = PoissonDiD().estimate(shorter.at(row.start)).effect
        assert row.change == pytest.approx(100 * math.expm1(alone))
    assert "shortened" not in PlaceboStarts().run(context(clean())).sentence


def test_a_neighbourhood_that_is_silent_before_is_left_out():
    counts = clean()
    counts[:24, : START - 12] = 0
    found = PlaceboStarts().run(context(counts))
    assert math.isfinite(found.p_value)


# Regression to the mean -------------------------------------------------------------------------


def peaks(seed: int, spread: float) -> np.ndarray:
    """Counts in which every unit has good and bad years that do not last."""
    rng = np.random.default_rng(seed)
    years = np.exp(spread * rng.normal(size=(SIDE**2, MONTHS // 12)))
    return rng.poisson(8 * np.repeat(years, 12, axis=1)).astype(np.int64)


def test_peaks_that_do_not_last_raise_concern():
    # three starts in nine districts: the error is by district, so the peaks must be high for p to be small
    found = RegressionToMean().run(context(peaks(2, 0.8), measured=None))
    assert found.verdict == "concern"
    assert found.statistic < -0.1
    assert found.p_value < 0.01
    assert "chosen as the worst of their district" in found.sentence
    by_name = found.table.values.set_index("quantity")["change"]
    assert by_name["Change from selection alone"] == pytest.approx(100 * math.expm1(found.statistic))


def selection(effects) -> Measured:
    effects = np.array(effects)
    return Measured(
        method="placebo neighbourhoods",
        population="selection",
        p_value=np.full(len(effects), 0.5),
        effect=effects,
        excess=effects,
        place=np.arange(len(effects)),
        starts=1,
        months=(BEFORE, AFTER),
    )


def test_a_bias_that_changes_the_reading_raises_concern_however_small():
    given = context(with_change(TREATED, slice(START, MONTHS), 0.7, level=20))
    reach = given.inferred.conf_high
    assert reach < 0
    small = (abs(reach) + 1e-4) * np.array([0.999, 1.001])
    forced = replace(given, inferred=replace(given.inferred, std_error=10.0))  # so the size alone says nothing
    assert RegressionToMean().run(replace(forced, measured=(selection(-small),))).verdict == "concern"
    assert RegressionToMean().run(replace(forced, measured=(selection(small / 1e6),))).verdict == "pass"


def test_a_bias_of_more_than_half_a_standard_deviation_raises_concern():
    given = context(clean(2))
    half = given.inferred.std_error / 2
    bias = np.array([0.99, 1.01])
    if given.inferred.conf_low <= 0 <= given.inferred.conf_high:
        assert RegressionToMean().run(replace(given, measured=(selection(bias * half * 1.05),))).verdict == "concern"
        assert RegressionToMean().run(replace(given, measured=(selection(bias * half * 0.2),))).verdict == "pass"


def test_nowhere_else_to_choose_is_said():
    found = RegressionToMean().run(context(clean()))
    assert found.verdict == "not applicable"
    assert "no full window before the programme to choose in" in found.sentence
    found = RegressionToMean().run(replace(context(clean()), measured=(selection([0.1]),)))
    assert found.verdict == "not applicable"


def test_a_district_that_holds_one_such_area_only_chooses_nothing_and_the_other_check_is_named():
    found = RegressionToMean().run(boroughs(clean_boroughs(), measured=None))
    assert found.verdict == "not applicable"
    assert "no district holds two areas like the treated one" in found.sentence
    assert "the check of the peak before the start" in found.sentence


def test_separate_neighbourhoods_were_not_the_worst_of_one_district():
    found = RegressionToMean().run(context(clean(), treated=[13, 14, 106, 107]))
    assert found.verdict == "not applicable"
    assert "separate neighbourhoods are not chosen as the worst of one district" in found.sentence


def test_the_rank_of_the_treated_area_in_its_district_is_said():
    counts = clean()
    counts[TREATED, START - 12 : START] += 50
    given = context(counts, measured=(selection([0.0, 0.01]),), agreed="2019-01")
    assert "the treated area had the highest count of the" in RegressionToMean().run(given).sentence
    given = context(clean(), measured=(selection([0.0, 0.01]),), agreed="2018-06")
    assert re.search(
        r"had the (\d+(st|nd|rd|th) )?highest count of the \d+ sets", RegressionToMean().run(given).sentence
    )

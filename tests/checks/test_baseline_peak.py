"""The check of the peak before the start: its line, the slope on data of known memory, and what it says."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from contexts import BOROUGH, BOROUGHS, boroughs, clean, clean_boroughs, context

from cseval.checks.baseline_peak import BaselinePeak, clustered_slope, heights, measure_peak
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.earlier_windows import shifted_starts
from cseval.months import add_months

#: Three years before the programme's last year of data, in whole years: windows of 24 months before and 12 after fit.
YEARS, START = 10, 108


def yearly(memory: float, seed: int, spread: float = 0.15, level: float = 200.0) -> np.ndarray:
    """Counts whose yearly log shocks remember the year before by `memory`; negative: a year is made up for."""
    rng = np.random.default_rng(seed)
    shock = rng.normal(size=(BOROUGHS, YEARS))
    for year in range(1, YEARS):
        shock[:, year] = memory * shock[:, year - 1] + math.sqrt(1 - memory**2) * shock[:, year]
    mean = level * np.exp(rng.normal(0, 0.3, (BOROUGHS, 1)) + spread * shock)
    return rng.poisson(np.repeat(mean, 12, axis=1)).astype(np.int64)


def two_years_before(counts, treated=BOROUGH):
    """One borough against the others, 24 months before and 12 after."""
    given = boroughs(counts, treated=treated, start=START)
    design = replace(given.design, months_before=24)
    estimate = given.estimator.estimate(design)
    inferred = given.placebo.infer(design, given.estimator, estimate, 1)
    return replace(given, design=design, estimate=estimate, inferred=inferred)


def highest(counts) -> int:
    """The borough that stands highest above the year before it when the programme starts."""
    last, rest = (np.log(counts[:, START - a : START - b].sum(axis=1)) for a, b in ((12, 0), (24, 12)))
    return int(np.argmax(last - rest))


# The slope --------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [10, 31])
def test_the_slope_is_statsmodels_with_an_intercept_for_every_start_clustered_by_place(groups):
    import statsmodels.api as sm

    rng = np.random.default_rng(groups)
    place = np.append(np.arange(groups), rng.integers(0, groups, 70)) * 5 + 2  # labels need not count from 0
    start = rng.integers(0, 3, len(place))
    x = rng.normal(size=len(place)) + rng.normal(size=groups)[place // 5] + start
    y = 0.3 * start - 0.4 * x + rng.normal(size=len(place)) + rng.normal(size=groups)[place // 5]
    dummies = (start[:, None] == np.arange(3)).astype(float)
    fit = sm.OLS(y, np.column_stack([x, dummies])).fit(cov_type="cluster", cov_kwds={"groups": place}, use_t=True)
    less = [v - (dummies @ ((dummies.T @ v) / dummies.sum(axis=0))) for v in (x, y)]
    found = clustered_slope(*less, place, 3)
    assert (found.value, found.std_error) == pytest.approx((float(fit.params[0]), float(fit.bse[0])), rel=1e-10)
    assert found.p_value == pytest.approx(float(fit.pvalues[0]), rel=1e-8)
    assert found.critical == pytest.approx(float(fit.conf_int()[0, 1] - fit.params[0]) / float(fit.bse[0]))
    assert (found.points, found.places) == (len(place), groups)
    order = rng.permutation(len(place))
    again = clustered_slope(less[0][order], less[1][order], 100 - place[order], 3)
    assert (again.value, again.std_error) == pytest.approx((found.value, found.std_error))


def test_a_place_in_each_row_is_the_usual_robust_error_and_a_perfect_line_has_none():
    rng = np.random.default_rng(1)
    x, y = (v - v.mean() for v in rng.normal(size=(2, 40)))
    alone = clustered_slope(x, y, np.arange(40), 1)
    residual = y - alone.value * x
    assert alone.std_error == pytest.approx(math.sqrt(40 / 38 * ((x * residual) ** 2).sum()) / (x @ x))
    exact = clustered_slope(np.array([-1.0, 1.0, -2.0, 2.0]), np.array([-2.0, 2.0, -4.0, 4.0]), np.arange(4), 1)
    assert (exact.value, exact.std_error) == (2.0, 0.0)
    assert math.isnan(exact.p_value)


# What is regressed ------------------------------------------------------------------------------


def test_a_height_is_the_share_in_the_last_year_against_the_share_before():
    given = boroughs(clean_boroughs(1))
    design = given.design
    found = heights(given.estimator, design, given.sets, 12)
    last, rest = design.counts[:, 74:86].sum(axis=1), design.counts[:, :74].sum(axis=1)
    for value, (unit,) in zip(found, given.sets.members.tolist(), strict=True):
        others = [j for j in range(BOROUGHS) if j not in (unit, BOROUGH)]
        share = [np.log(part[unit] / part[others].sum()) for part in (last, rest)]
        assert value == pytest.approx(share[0] - share[1])


def test_it_is_the_slope_of_effects_on_heights_at_every_earlier_start():
    given = boroughs(clean_boroughs(1))
    starts, shorter = shifted_starts(given.design, 6)
    others = [given.design.units[i] for i in np.flatnonzero(given.design.comparison)]
    x, y, place = [], [], []
    for start in starts:
        designs = [shorter.at(start).treating([unit]) for unit in others]
        early = {"start": add_months(start, -12), "months_before": 40, "months_after": 12}
        high = np.array([PoissonDiD().estimate(replace(d, **early)).effect for d in designs])
        effect = np.array([PoissonDiD().estimate(d).effect for d in designs])
        x.append(high - high.mean())
        y.append(effect - effect.mean())
        place.append(np.arange(31))
    slope = clustered_slope(*map(np.concatenate, (x, y, place)), 3)
    found = measure_peak(given, 12, 6)
    assert (found.slope.value, found.slope.std_error) == pytest.approx((slope.value, slope.std_error), rel=1e-8)
    assert (found.slope.points, found.slope.places, found.windows) == (93, 31, (52, 20))
    usual = heights(given.estimator, given.design, given.sets, 12).mean()
    assert found.height == heights(given.estimator, given.design, given.design.own_set, 12)[0]
    assert found.expected == pytest.approx(slope.value * (found.height - usual))
    half = 2.042272 * slope.std_error * abs(found.height - usual)
    assert found.interval == pytest.approx((found.expected - half, found.expected + half), rel=1e-5)


@pytest.mark.parametrize("memory", [-0.6, 0.0, 0.6])
def test_the_slope_is_recovered_from_the_memory_of_years(memory):
    """Years l and r before and p after: cov(p - (l + r) / 2, l - r) / var(l - r) = memory / 2 for an AR(1) in years."""
    found = [measure_peak(two_years_before(yearly(memory, seed)), 12, 12) for seed in range(25)]
    slopes = np.array([f.slope.value for f in found])
    assert slopes.mean() == pytest.approx(memory / 2, abs=4 * slopes.std() / 5 + 0.01)


def test_the_interval_of_the_slope_covers():
    held = 0
    for seed in range(150):
        slope = measure_peak(two_years_before(yearly(-0.6, 1000 + seed)), 12, 12).slope
        held += abs(slope.value + 0.3) <= slope.critical * slope.std_error
    assert held / 150 == pytest.approx(0.95, abs=0.055)


# What it says -----------------------------------------------------------------------------------


def test_a_borough_at_its_peak_is_expected_to_fall_where_years_are_made_up_for():
    counts = yearly(-0.7, 3)
    found = BaselinePeak().run(two_years_before(counts, highest(counts)))
    assert found.verdict == "concern"
    assert found.statistic < -0.05
    assert math.isnan(found.p_value)  # the slope's own is no p-value of what the check asks
    assert "(p < 0.001 for no slope)" in found.table.notes[0]
    assert re.search(r"stood [\d.]+% above its own earlier level", found.sentence)
    assert re.search(r"that alone brings a change of −[\d.]+%", found.sentence)


def test_what_it_expects_is_what_boroughs_at_their_peak_do_on_average():
    """Among many panels without any effect, the mean estimate of the borough at its peak is the mean expectation."""
    for memory in (-0.7, 0.7):
        found, effects = [], []
        for seed in range(60):
            counts = yearly(memory, seed, spread=0.05, level=3000)  # small, for logs of sums are not quite linear
            given = two_years_before(counts, highest(counts))
            found.append(measure_peak(given, 12, 12).expected)
            effects.append(given.estimate.effect)
        error = np.std(np.array(effects) - found) / math.sqrt(60)
        assert np.sign(np.mean(effects)) == np.sign(memory)
        assert np.mean(found) == pytest.approx(np.mean(effects), abs=3 * error)
        assert abs(np.mean(effects)) > 3 * error


def test_where_years_have_no_memory_a_peak_brings_nothing_and_is_no_concern():
    """The last year is high and the year before low by chance, and the mean of both is right."""
    verdicts, left = [], []
    for seed in range(40):
        counts = yearly(0.0, seed)
        given = two_years_before(counts, highest(counts))
        verdicts.append(BaselinePeak().run(given).verdict)
        left.append(given.estimate.effect)
    assert np.mean(left) == pytest.approx(0, abs=3 * np.std(left) / math.sqrt(40))
    assert verdicts.count("concern") <= 8  # the slope has an error of its own, and a peak multiplies it


def test_boroughs_that_only_vary_by_chance_raise_no_concern():
    assert [BaselinePeak().run(boroughs(clean_boroughs(s))).verdict for s in range(30)].count("concern") <= 2


def test_a_finding_that_the_peak_explains_is_a_concern_and_one_that_it_does_not_is_none():
    counts = yearly(-0.7, 3)
    given = two_years_before(counts, highest(counts))
    wide = replace(given.inferred, std_error=100.0)  # so the size alone says nothing
    for effect, half, verdict in ((-0.3, 0.29, "concern"), (-3.0, 0.2, "pass"), (-0.3, 2.0, "pass")):
        inferred = replace(wide, conf_low=effect - half, conf_high=effect + half)
        found = BaselinePeak().run(replace(given, estimate=replace(given.estimate, effect=effect), inferred=inferred))
        assert found.verdict == verdict
        assert ("the reading changes." in found.sentence) == (verdict == "concern")


def test_the_table_is_the_estimate_the_height_the_change_and_what_is_left():
    given = boroughs(clean_boroughs(6))
    found, peak = BaselinePeak().run(given), measure_peak(given, 12, 6)
    rows = np.log1p(found.table.values.set_index("quantity") / 100)
    assert rows["change"].tolist() == pytest.approx(
        [given.estimate.effect, peak.height, peak.expected, given.estimate.effect - peak.expected]
    )
    assert rows.iloc[2]["low"] == pytest.approx(peak.interval[0])
    assert rows.iloc[2]["high"] == pytest.approx(peak.interval[1])
    above = math.hypot(given.inferred.conf_high - given.estimate.effect, peak.half)
    assert rows.iloc[3]["high"] == pytest.approx(given.estimate.effect - peak.expected + above)
    assert any("Windows of 52 months before and 20 after each start" in note for note in found.table.notes)
    assert any("applied to the registered windows" in note for note in found.table.notes)
    assert found.statistic == peak.expected


def test_the_order_of_boroughs_and_units_that_are_left_out_do_not_matter():
    counts = yearly(0.5, 2)
    order = np.random.default_rng(3).permutation(BOROUGHS)
    one = measure_peak(boroughs(counts), 12, 6)
    other = measure_peak(boroughs(counts[order], treated=int(np.flatnonzero(order == BOROUGH)[0])), 12, 6)
    assert (one.height, one.expected, one.half) == pytest.approx((other.height, other.expected, other.half))
    given = boroughs(counts)
    without = replace(given.design, excluded=frozenset(["U000"]))
    counts[0] += np.arange(counts.shape[1])  # a unit that is not in the comparison may do what it likes
    changed = replace(boroughs(counts).design, excluded=frozenset(["U000"]))
    kept = given.sets.take(given.sets.members[:, 0] != 0)
    a, b = (measure_peak(replace(given, design=d, sets=kept), 12, 6) for d in (without, changed))
    assert (a.height, a.expected, a.half) == pytest.approx((b.height, b.expected, b.half))


def test_neither_the_scale_of_counts_nor_a_common_change_at_the_start_matters():
    counts = yearly(0.5, 4)
    later = counts * np.where(np.arange(counts.shape[1]) < 86, 3, 6)  # twice as much everywhere from the start on
    one, other = (measure_peak(boroughs(c), 12, 6) for c in (counts, later))
    assert (other.height, other.expected, other.half) == pytest.approx((one.height, one.expected, one.half))


def test_neighbourhoods_of_several_units_are_clustered_by_district():
    found = measure_peak(context(clean(2, level=20)), 12, 6)
    assert found.slope.places == 9
    assert found.slope.points > 100


def test_counts_per_month_are_said_as_numbers():
    given = boroughs(clean_boroughs(1))
    estimate = LinearDiD().estimate(given.design)
    inferred = given.placebo.infer(given.design, LinearDiD(), estimate, 1)
    found = BaselinePeak().run(replace(given, estimator=LinearDiD(), estimate=estimate, inferred=inferred))
    assert "%" not in found.sentence.replace("95%", "")
    assert "incidents per unit and month" in found.table.heading("change")


def test_what_cannot_be_measured_is_said():
    given = boroughs(clean_boroughs())
    short = replace(given, design=replace(given.design, months_before=12, months_after=6))
    assert "no earlier start has enough months before it" in BaselinePeak().run(short).sentence
    few = replace(given, sets=given.sets.take(np.arange(9)))
    assert "27 earlier starts in 9 places, and 30 in 8 are needed" in BaselinePeak().run(few).sentence
    near = replace(given, sets=given.sets.take(np.arange(14) % 7))
    assert "42 earlier starts in 7 places, and 30 in 8 are needed" in BaselinePeak().run(near).sentence
    silent = clean_boroughs()
    silent[BOROUGH, 74:86] = 0
    assert "no incident in the last 12 months" in BaselinePeak().run(boroughs(silent)).sentence
    pair = frozenset(given.design.units[BOROUGH : BOROUGH + 2])
    design = replace(given.design, treated=pair, pool=given.design.pool - pair, delays={given.design.units[BOROUGH]: 3})
    assert "units begin in different months" in BaselinePeak().run(replace(given, design=design)).sentence


def test_a_height_beyond_every_earlier_one_is_said():
    counts = clean_boroughs(3)
    counts[BOROUGH, 74:86] *= 3
    assert any("beyond its points" in note for note in BaselinePeak().run(boroughs(counts)).table.notes)
    assert not any("beyond its points" in n for n in BaselinePeak().run(boroughs(clean_boroughs(3))).table.notes)


def test_the_wards_of_a_district_give_a_result_too():
    found = BaselinePeak().run(context(clean(2, level=20)))
    assert found.verdict in ("pass", "concern")
    assert found.table.notes[1:] == ()  # windows of 24 months before and 12 after fit as they are

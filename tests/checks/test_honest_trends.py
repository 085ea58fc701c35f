"""The check that bounds drift: what it says of a finding that holds, one that breaks and none at all."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from contexts import AFTER, BEFORE, MONTHS, START, TREATED, clean, context, with_change
from scipy.stats import chi2

from cseval.checks.honest_trends import HonestTrends, event_coefficients, whole_bins
from cseval.estimate import percent
from cseval.estimators.linear_did import LinearDiD
from cseval.inference.honest import relative_magnitude_breakdown, relative_magnitude_interval

POST = slice(START, MONTHS)


def fallen(factor, seed=0):
    return context(with_change(TREATED, POST, factor, seed=seed, level=20))


def drifting(step, seed=0, effect=0.6):
    """A treated area that jumps up and down by `step` from one half-year to the next, before and after the start."""
    jumps = np.exp(step * np.array([0, 1, 0, 1, 0, 1]).repeat(6))
    effects = np.where(np.arange(BEFORE + AFTER) < BEFORE, 1.0, effect)
    return context(with_change(TREATED, slice(START - BEFORE, MONTHS), jumps * effects, seed=seed, level=20))


def test_a_fall_far_above_any_drift_before_holds():
    found = HonestTrends().run(fallen(0.3))
    assert found.verdict == "pass"
    assert found.statistic >= 1
    assert "the finding holds, until drift is" in found.sentence
    assert (found.table.values["high"].iloc[:3] < 0).all()


def test_a_fall_no_larger_than_the_drift_before_says_where_it_breaks_down():
    given = drifting(0.6)
    assert given.inferred.conf_high < 0
    found = HonestTrends().run(given)
    assert found.verdict == ("information" if found.statistic > 0 else "concern")
    assert found.statistic < 1
    assert "lost once drift reaches" in found.sentence or "even without any drift" in found.sentence


def test_no_finding_is_information():
    found = HonestTrends().run(context(clean(level=20)))
    assert found.verdict == "information"
    assert math.isnan(found.statistic)
    assert "there is no finding to break" in found.sentence


def test_a_finding_that_needs_the_whole_pre_period_is_said_to():
    counts = with_change(TREATED, POST, 0.75, level=20)
    counts[TREATED, START - 6 : START] = np.random.default_rng(1).poisson(counts[TREATED, START - 6 : START] * 0.7)
    given = context(counts)
    given = replace(given, inferred=replace(given.inferred, conf_low=-0.4, conf_high=-0.1))
    found = HonestTrends().run(given)
    assert found.statistic == 0
    assert found.verdict == "concern"
    assert found.verdict == "concern"
    assert "cannot be told from zero even without any drift" in found.sentence


def test_the_coefficients_are_log_ratios_against_the_last_half_year():
    given = context(clean(level=20))
    design = given.design
    bins = whole_bins(design, (6, 3))
    assert bins == ((-24, -19), (-18, -13), (-12, -7), (-6, -1), (0, 5), (6, 11))
    study = event_coefficients(given, bins)
    totals = design.counts.reshape(len(design.units), 6, 6).sum(axis=2)
    ratio = np.log(totals[design.is_treated].sum(axis=0) / totals[design.comparison].sum(axis=0))
    np.testing.assert_allclose(study.estimates, np.delete(ratio - ratio[3], 3))
    placebo = []
    for members, ring in zip(given.sets.members, given.sets.ring, strict=True):
        rest = design.comparison.copy()
        rest[members] = False
        rest[ring[ring < len(rest)]] = False
        r = np.log(totals[members].sum(axis=0) / totals[rest].sum(axis=0))
        placebo.append(np.delete(r - r[3], 3))
    np.testing.assert_allclose(study.covariance, np.cov(np.array(placebo).T, ddof=0) + outer_mean(placebo), atol=1e-12)


def outer_mean(rows):
    """The covariance is about zero, which is what a placebo finds on average if nothing was done."""
    mean = np.mean(rows, axis=0)
    return np.outer(mean, mean)


def test_the_table_and_the_statistic_are_those_of_the_method():
    given = fallen(0.5)
    found = HonestTrends().run(given)
    study = event_coefficients(given, whole_bins(given.design, (6, 3)))
    for row, bound in enumerate((0.0, 0.5, 1.0, 2.0)):
        interval = relative_magnitude_interval(study, bound, seed=given.seed)
        assert found.table.values["low"][row] == pytest.approx(percent(interval.low))
        assert found.table.values["high"][row] == pytest.approx(percent(interval.high))
    assert found.statistic == pytest.approx(relative_magnitude_breakdown(study, seed=given.seed), abs=0.011)
    one = found.table.values.iloc[2]
    said = re.search(r"between −([\d.]+)% and (−?)([\d.]+)%", found.sentence)
    assert float(said[1]) == pytest.approx(-one["low"], abs=0.06)
    assert float(said[3]) == pytest.approx(abs(one["high"]), abs=0.06)


def test_a_count_scale_is_in_incidents():
    given = fallen(0.5)
    estimate = LinearDiD().estimate(given.design)
    inferred = given.placebo.infer(given.design, LinearDiD(), estimate, 1)
    linear = replace(given, estimator=LinearDiD(), estimate=estimate, inferred=inferred)
    found = HonestTrends().run(linear)
    assert found.verdict in ("pass", "concern")
    assert "incidents per unit and month" in found.table.heading("low")
    first = found.table.values.iloc[0]
    assert first["low"] < estimate.effect < first["high"]
    assert "%" not in found.sentence


def test_quarters_serve_where_half_years_are_too_few_and_else_it_is_not_applicable():
    short = replace(context(clean(level=20)).design, months_before=12)
    assert whole_bins(short, (6, 3)) == tuple((3 * i, 3 * i + 2) for i in range(-4, 4))
    assert whole_bins(short, (6,)) is None
    assert whole_bins(replace(short, months_after=2), (6, 3)) is None
    found = HonestTrends(bin_months=(12,)).run(context(clean(level=20)))
    assert found.verdict == "not applicable"
    assert "fewer than three whole bins" in found.sentence


def test_an_incomplete_bin_at_the_ends_is_left_out_and_said():
    given = context(clean(level=20))
    longer = replace(given, design=replace(given.design, months_before=27))
    assert whole_bins(longer.design, (6, 3))[0] == (-24, -19)
    notes = HonestTrends().run(longer).table.notes
    assert "3 months at the ends that fill no whole half-year are left out." in notes


def test_transition_months_are_said_to_lie_in_the_first_change():
    given = context(clean(level=20))
    later = replace(given, design=replace(given.design, transition=2, months_after=10))
    notes = " ".join(HonestTrends().run(later).table.notes)
    assert "spans the 2 transition months" in notes
    assert "spans" not in " ".join(HonestTrends().run(given).table.notes)


def test_bins_without_incidents_and_too_few_placebos_are_said():
    counts = clean(level=20)
    counts[TREATED, START - 6 : START] = 0
    empty = HonestTrends().run(context(counts))
    assert empty.verdict == "not applicable"
    assert "without any incident" in empty.sentence
    given = context(clean(level=20))
    few = HonestTrends().run(replace(given, sets=given.sets.take(np.arange(14))))
    assert few.verdict == "not applicable"
    assert "14 placebo neighbourhoods for the covariance of 5 coefficients" in few.sentence


def test_one_seed_gives_one_answer():
    given = fallen(0.5)
    one, other = HonestTrends().run(given), HonestTrends().run(given)
    assert (one.statistic, one.sentence) == (other.statistic, other.sentence)
    assert one.table.values.equals(other.table.values)


def test_what_a_pre_test_misses_stands_in_the_notes():
    """By simulation: half of the data with such a trend pass, and those leave about this bias."""
    given = context(clean(level=40))
    check = HonestTrends()
    bins = whole_bins(given.design, check.bin_months)
    study = event_coefficients(given, bins)
    note = check.run(given).table.notes[-1]
    numbers = [float(x) / 100 for x in re.findall(r"([0-9.]+)%", note)]
    before, middle = len(study.pre), np.array([(a + b) / 2 for a, b in bins])
    times = np.delete(middle, before) - middle[before]
    slope = math.log1p(numbers[0]) / (bins[0][1] - bins[0][0] + 1)
    draws = np.random.default_rng(1).multivariate_normal(slope * times, study.covariance, 40_000)
    inverse = np.linalg.inv(study.covariance[:before, :before])
    passed = np.einsum("ij,jk,ik->i", draws[:, :before], inverse, draws[:, :before]) < chi2.ppf(0.95, before)
    assert passed.mean() == pytest.approx(0.5, abs=0.03)
    bias = draws[:, before:] @ study.weights
    assert bias.mean() == pytest.approx(math.log1p(numbers[1]), abs=0.01)
    assert bias[passed].mean() == pytest.approx(math.log1p(numbers[2]), abs=0.01)

"""Shares, their differences and their intervals, against published numbers, statsmodels and full enumeration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, binomtest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from cseval.errors import DataError, UsageError
from cseval.inference.proportions import (
    UNRELIABLE,
    Share,
    clopper_pearson,
    combined,
    design_effect,
    effective_base,
    exact_test,
    mid_p,
    newcombe,
    shorthand,
    wilson,
)
from cseval.inference.proportions_did import EXACT, MOVER, SCORE, difference_in_differences, survey_changes
from cseval.inference.proportions_exact import exact_difference, likeliest_second, score_statistic
from cseval.survey import SurveyCell, SurveyTable, pool

#: Newcombe (1998), Statistics in Medicine 17, 857-872, table I: methods 3 (score), 5 (exact) and 6 (mid-p).
SINGLE = [
    ((81, 263), (0.2553, 0.3662), (0.2527, 0.3676), (0.2544, 0.3658)),
    ((15, 148), (0.0624, 0.1605), (0.0578, 0.1617), (0.0601, 0.1581)),
    ((0, 20), (0.0, 0.1611), (0.0, 0.1684), (0.0, 0.1391)),
    ((1, 29), (0.0061, 0.1718), (0.0009, 0.1776), (0.0017, 0.1585)),
]
#: Newcombe (1998), Statistics in Medicine 17, 873-890, table II: method 10, examples (a) to (h).
DIFFERENCES = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]
#: Farrington and Manning's score interval of the first two, and the last but one, as statistical packages print it.
SCORE_ENDS = [
    ((56, 70), (48, 80), (0.0533, 0.3377)),
    ((9, 10), (3, 10), (0.1821, 0.8370)),
    ((10, 10), (0, 20), (0.7225, None)),
]


@pytest.mark.parametrize(("counted", "score", "exact", "mid"), SINGLE)
def test_newcombes_table_of_single_proportions(counted, score, exact, mid):
    assert wilson(Share.of(*counted)) == pytest.approx(score, abs=5.1e-5)
    assert clopper_pearson(*counted) == pytest.approx(exact, abs=5.1e-5)
    assert mid_p(*counted) == pytest.approx(mid, abs=5.1e-5)


@pytest.mark.parametrize(("first", "second", "ends"), DIFFERENCES)
def test_newcombes_table_of_differences(first, second, ends):
    found = newcombe(Share.of(*first), Share.of(*second))
    assert (found.conf_low, found.conf_high) == pytest.approx(ends, abs=5.1e-5)
    assert found.estimate == pytest.approx(first[0] / first[1] - second[0] / second[1])


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("counted", [(0, 3), (7, 80), (40, 80), (80, 80), (411, 1104)])
def test_single_intervals_agree_with_statsmodels(counted, level):
    for own, name in ((wilson(Share.of(*counted), level), "wilson"), (clopper_pearson(*counted, level), "beta")):
        assert own == pytest.approx(proportion_confint(*counted, alpha=1 - level, method=name), abs=1e-9)


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize(("first", "second"), [((7, 80), (12, 60)), ((33, 34), (17, 40)), ((300, 1000), (360, 1104))])
def test_differences_agree_with_statsmodels(first, second, level):
    found = newcombe(Share.of(*first), Share.of(*second), level)
    ends = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff", alpha=1 - level)
    assert (found.conf_low, found.conf_high) == pytest.approx(ends, abs=1e-9)


def test_the_exact_test_agrees_with_the_interval():
    """A share is in the interval exactly where the test does not reject it."""
    for count, base in ((4, 80), (30, 80), (0, 12)):
        for ends, mid in ((clopper_pearson(count, base), False), (mid_p(count, base), True)):
            for end, inward in zip(ends, (1, -1), strict=True):
                if 0 < end < 1:
                    assert exact_test(count, base, end + inward * 1e-6, mid=mid) > 0.05
                    assert exact_test(count, base, end - inward * 1e-6, mid=mid) < 0.05


def test_the_exact_test_is_twice_the_smaller_tail_also_in_large_samples():
    for count, base, share in ((31, 80, 0.5), (410, 1104, 0.4)):
        tails = [binomtest(count, base, share, alternative=a).pvalue for a in ("less", "greater")]
        assert exact_test(count, base, share) == pytest.approx(2 * min(tails), rel=1e-9)
    assert exact_test(40, 80, 0.5) == 1.0


@pytest.mark.parametrize("base", [12, 80])
def test_coverage_of_single_intervals_by_enumeration(base):
    """The exact interval never covers less than 95 %, mid-p and Wilson do on average."""
    shares = np.linspace(0.01, 0.99, 197)
    chances = binom.pmf(np.arange(base + 1)[:, None], base, shares)
    covered = {}
    for name, ends in {
        "exact": [clopper_pearson(k, base) for k in range(base + 1)],
        "mid": [mid_p(k, base) for k in range(base + 1)],
        "score": [wilson(Share.of(k, base)) for k in range(base + 1)],
    }.items():
        low, high = np.array(ends).T
        covered[name] = (chances * ((low[:, None] <= shares) & (shares <= high[:, None]))).sum(axis=0)
    assert covered["exact"].min() >= 0.95
    assert 0.945 < covered["mid"].mean() < 0.975
    assert 0.945 < covered["score"].mean() < 0.96
    assert covered["score"].min() > 0.83


def test_coverage_of_the_difference_by_enumeration():
    rows = [(a, b) for a in range(31) for b in range(26)]
    ends = np.array([(c.conf_low, c.conf_high) for c in (newcombe(Share.of(a, 30), Share.of(b, 25)) for a, b in rows)])
    for p, q in ((0.5, 0.5), (0.9, 0.7), (0.1, 0.05), (0.3, 0.6)):
        chance = np.array([binom.pmf(a, 30, p) * binom.pmf(b, 25, q) for a, b in rows])
        assert 0.935 < chance[(ends[:, 0] <= p - q) & (p - q <= ends[:, 1])].sum() < 0.985


# Weights ----------------------------------------------------------------------------------------------------


def test_weights_cost_answers():
    assert design_effect([2.0] * 50) == pytest.approx(1.0)
    assert effective_base([1.0, 1.0, 3.0, 3.0]) == pytest.approx(64 / 20)
    assert design_effect([1.0, 1.0, 3.0, 3.0]) * effective_base([1.0, 1.0, 3.0, 3.0]) == pytest.approx(4)
    weighted = Share(proportion=0.4, base=200, effective_base=100)
    assert wilson(weighted) == wilson(Share.of(40, 100))
    with pytest.raises(UsageError, match="not all above zero"):
        design_effect([1.0, 0.0])


def test_fewer_than_fifty_are_not_printed():
    assert shorthand(Share.of(10, 50)) == ""
    assert shorthand(Share.of(10, 49)) == UNRELIABLE
    assert shorthand(Share(proportion=0.5, base=60, effective_base=45.0)) == UNRELIABLE


# Four shares ------------------------------------------------------------------------------------------------


def test_the_interval_of_four_shares_is_that_of_two_differences():
    """Squares of distances add up, so it does not matter how the four are paired."""
    shares = [Share.of(k, n) for k, n in ((30, 80), (44, 90), (200, 400), (190, 380))]
    found = difference_in_differences((shares[0], shares[1]), (shares[2], shares[3]))
    first, second = newcombe(shares[1], shares[0]), newcombe(shares[3], shares[2])
    assert found.estimate == pytest.approx(first.estimate - second.estimate)
    low = math.hypot(first.estimate - first.conf_low, second.conf_high - second.estimate)
    high = math.hypot(first.conf_high - first.estimate, second.estimate - second.conf_low)
    assert (found.conf_low, found.conf_high) == pytest.approx((found.estimate - low, found.estimate + high))


def test_the_p_value_is_where_the_interval_reaches_zero():
    shares = [Share.of(k, n) for k, n in ((30, 80), (52, 90), (200, 400), (190, 380))]
    found = difference_in_differences((shares[0], shares[1]), (shares[2], shares[3]))
    assert 0.001 < found.p_value < 0.05
    at = difference_in_differences((shares[0], shares[1]), (shares[2], shares[3]), 1 - found.p_value)
    assert at.conf_low == pytest.approx(0, abs=1e-9)
    same = Share.of(20, 60)
    assert newcombe(same, same).p_value == 1.0


def test_coverage_of_the_difference_in_differences_with_small_groups():
    rng = np.random.default_rng(20)
    bases, truth = (40, 35, 60, 50), (0.3, 0.45, 0.4, 0.42)
    wanted = (truth[1] - truth[0]) - (truth[3] - truth[2])
    held = 0
    for counts in rng.binomial(bases, truth, size=(3000, 4)).tolist():
        shares = [Share.of(k, n) for k, n in zip(counts, bases, strict=True)]
        found = difference_in_differences((shares[0], shares[1]), (shares[2], shares[3]))
        held += found.conf_low <= wanted <= found.conf_high
    assert 0.935 < held / 3000 < 0.965


def test_ends_stay_where_the_sum_can_be():
    none, all_ = Share.of(0, 4), Share.of(4, 4)
    found = combined((all_, none, none, all_), (1, -1, -1, 1))
    assert found.estimate == 2.0
    assert found.conf_high == 2.0
    assert -2.0 <= found.conf_low < 2.0


# Small groups exactly ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second", "ends"), SCORE_ENDS)
def test_the_score_statistic_gives_the_published_interval(first, second, ends):
    def excess(tested, sign):
        return score_statistic(first[1], second[1], tested)[first[0], second[0]] - sign * 1.959964

    estimate = first[0] / first[1] - second[0] / second[1]
    assert brentq(excess, -0.99, estimate - 1e-6, args=(1,)) == pytest.approx(ends[0], abs=5.1e-5)
    if ends[1] is not None:
        assert brentq(excess, estimate + 1e-6, 0.99, args=(-1,)) == pytest.approx(ends[1], abs=5.1e-5)


def test_the_likeliest_share_is_where_the_likelihood_is_largest():
    grid = np.linspace(0.31, 0.999, 200_001)
    tested = -0.3
    terms = 3 * np.log(grid + tested) + 7 * np.log(1 - grid - tested) + 7 * np.log(grid) + 13 * np.log(1 - grid)
    found = likeliest_second(np.array([[3.0]]), np.array([[7.0]]), 10, 20, tested)
    assert found[0, 0] == pytest.approx(grid[np.argmax(terms)], abs=1e-4)


def test_the_exact_interval_covers_whatever_the_shares_are():
    tables = [(a, b) for a in range(10) for b in range(8)]
    ends = np.array([(c.conf_low, c.conf_high) for c in (exact_difference((a, 9), (b, 7)) for a, b in tables)])
    for p, q in ((0.5, 0.5), (0.9, 0.4), (0.2, 0.7), (0.05, 0.05), (0.99, 0.01)):
        chance = np.array([binom.pmf(a, 9, p) * binom.pmf(b, 7, q) for a, b in tables])
        assert chance[(ends[:, 0] <= p - q) & (p - q <= ends[:, 1])].sum() >= 0.95


def test_the_exact_test_and_interval_say_the_same_and_turn_with_the_groups():
    for first, second in (((9, 10), (3, 10)), ((6, 12), (2, 11)), ((8, 8), (0, 9))):
        found, turned = exact_difference(first, second), exact_difference(second, first)
        assert (found.conf_low > 0 or found.conf_high < 0) == (found.p_value <= 0.05)
        assert (turned.conf_low, turned.conf_high) == pytest.approx((-found.conf_high, -found.conf_low), abs=1e-6)
        assert turned.p_value == pytest.approx(found.p_value)
    assert exact_difference((10, 10), (0, 20)).conf_low == pytest.approx(0.6915, abs=5e-4)
    assert exact_difference((5, 10), (5, 10)).p_value == 1.0


# A table of two waves ---------------------------------------------------------------------------------------


def cell(group, wave, count, base, effective=None, measure="feels safe", area="A"):
    return SurveyCell(
        area=area,
        group=group,
        wave=wave,
        measure=measure,
        proportion=count / base,
        base=base,
        effective_base=effective or base,
        count=count,
    )


def test_the_method_follows_from_what_was_asked():
    event = (cell("treated", "before", 30, 80), cell("treated", "after", 50, 80))
    (alone,) = survey_changes(SurveyTable(cells=event))
    assert alone.method == EXACT
    assert alone.change == exact_difference((50, 80), (30, 80))
    assert alone.reliable
    weighted = (cell("treated", "before", 30, 80, 60.0), cell("treated", "after", 50, 80, 60.0))
    (score,) = survey_changes(SurveyTable(cells=weighted))
    assert score.method == SCORE
    compared = (*event, cell("comparison", "before", 20, 45), cell("comparison", "after", 22, 45))
    (did,) = survey_changes(SurveyTable(cells=compared))
    assert did.method == MOVER
    assert did.change.estimate == pytest.approx(20 / 80 - 2 / 45)
    assert not did.reliable


def test_areas_are_pooled_by_their_bases():
    both = pool([cell("treated", "after", 10, 40, 20.0), cell("treated", "after", 90, 120, area="B")])
    assert (both.count, both.base, both.proportion) == (100, 160, 0.625)
    assert both.effective_base == pytest.approx(160**2 / (40**2 / 20 + 120**2 / 120))
    with pytest.raises(DataError, match="no comparison group after"):
        SurveyTable(cells=(cell("treated", "after", 1, 9),)).pooled("feels safe", "comparison", "after")


# What is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Share(proportion=1.2, base=10), "a proportion of 1.2"),
        (lambda: Share(proportion=math.nan, base=10), "a proportion of nan"),
        (lambda: Share(proportion=0.5, base=0), "base of 0"),
        (lambda: Share(proportion=0.5, base=10, effective_base=-1), "effective base of -1"),
        (lambda: Share.of(11, 10), "11 of 10 people"),
        (lambda: clopper_pearson(-1, 10), "-1 of 10 people"),
        (lambda: mid_p(2.5, 10), "whole numbers"),
        (lambda: exact_test(2, 10, 1.0), "a share of 1 under the null"),
        (lambda: wilson(Share.of(1, 10), 1.0), "a level of 1"),
        (lambda: exact_difference((1, 300), (1, 10)), "a group of 300 people"),
    ],
)
def test_what_is_not_a_share_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()

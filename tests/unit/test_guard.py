"""The guard: every rule at both sides of its limit, the effective number of clusters, and a design's situation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.inference.conformal import AbsoluteMean, Conformal
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.ferman_pinto import FermanPinto
from cseval.inference.guard import effective_clusters, judge, judged, situation_of
from cseval.inference.requirements import (
    BOOTSTRAP,
    CLUSTER_ROBUST,
    CONLEY_TABER,
    FERMAN_PINTO,
    PLACEBO,
    SHIFTS,
    SHIFTS_BY_SIZE,
    Situation,
    Standing,
)

ALL = (BOOTSTRAP, CLUSTER_ROBUST, CONLEY_TABER, FERMAN_PINTO, PLACEBO, SHIFTS, SHIFTS_BY_SIZE)

#: Eight separate treated units among hundreds: every method may be shown.
GOOD = Situation(
    treated_units=8,
    treated_neighbourhoods=8,
    comparison_units=600,
    placebo_sets=9999,
    disjoint_places=60,
    largest_treated_share=0.2,
    largest_comparison_share=0.01,
    relative_size=1.1,
    effective_clusters=7.4,
    pre_months=36,
    post_months=18,
    fewest_incidents=400,
)


def standing(needs, **changes):
    return judged(replace(GOOD, **changes), "a method", needs).standing


@pytest.mark.parametrize("needs", ALL)
def test_every_method_is_shown_where_nothing_is_short(needs):
    assert standing(needs) is Standing.SHOWN
    assert judged(GOOD, "a method", needs).reason == ""


LIMITS = [
    (CLUSTER_ROBUST, {"treated_units": 1}, {"treated_units": 2}, Standing.REFUSED),
    (PLACEBO, {"placebo_sets": 33}, {"placebo_sets": 39}, Standing.COARSE),
    (PLACEBO, {"fewest_incidents": 9}, {"fewest_incidents": 10}, Standing.COARSE),
    (BOOTSTRAP, {"treated_units": 1}, {"treated_units": 2}, Standing.REFUSED),
    (CLUSTER_ROBUST, {"treated_neighbourhoods": 5}, {"treated_neighbourhoods": 6}, Standing.UNRELIABLE),
    (BOOTSTRAP, {"treated_neighbourhoods": 5}, {"treated_neighbourhoods": 6}, Standing.UNRELIABLE),
    (CLUSTER_ROBUST, {"effective_clusters": 5.9}, {"effective_clusters": 6.0}, Standing.UNRELIABLE),
    (CLUSTER_ROBUST, {"largest_treated_share": 0.51}, {"largest_treated_share": 0.5}, Standing.UNRELIABLE),
    (BOOTSTRAP, {"largest_comparison_share": 0.6}, {"largest_comparison_share": 0.4}, Standing.UNRELIABLE),
    (PLACEBO, {"placebo_sets": 18}, {"placebo_sets": 19}, Standing.REFUSED),
    (PLACEBO, {"disjoint_places": 18}, {"disjoint_places": 19}, Standing.COARSE),
    (CONLEY_TABER, {"comparison_units": 19}, {"comparison_units": 20}, Standing.REFUSED),
    (FERMAN_PINTO, {"comparison_units": 19}, {"comparison_units": 20}, Standing.REFUSED),
    (CONLEY_TABER, {"treated_neighbourhoods": 7}, {"treated_neighbourhoods": 8}, Standing.UNRELIABLE),
    (FERMAN_PINTO, {"treated_neighbourhoods": 7}, {"treated_neighbourhoods": 8}, Standing.UNRELIABLE),
    (CONLEY_TABER, {"relative_size": 2.1}, {"relative_size": 2.0}, Standing.UNRELIABLE),
    (CONLEY_TABER, {"relative_size": 0.45}, {"relative_size": 0.5}, Standing.UNRELIABLE),
    (SHIFTS, {"pre_months": 10, "post_months": 9}, {"pre_months": 10, "post_months": 10}, Standing.REFUSED),
    (SHIFTS_BY_SIZE, {"pre_months": 35}, {"pre_months": 36}, Standing.COARSE),
    (SHIFTS_BY_SIZE, {"pre_months": 18}, {"pre_months": 19}, Standing.REFUSED),
]


@pytest.mark.parametrize(("needs", "short", "enough", "expected"), LIMITS)
def test_each_rule_at_both_sides_of_its_limit(needs, short, enough, expected):
    assert standing(needs, **short) is expected
    assert standing(needs, **enough) < expected


def test_size_does_not_count_against_ferman_and_pinto():
    assert standing(FERMAN_PINTO, relative_size=30.0) is Standing.SHOWN


@pytest.mark.parametrize("needs", ALL)
def test_every_reason_is_one_sentence_without_a_gap(needs):
    worst = Situation(
        treated_units=1,
        treated_neighbourhoods=1,
        comparison_units=4,
        placebo_sets=3,
        disjoint_places=1,
        largest_treated_share=1.0,
        largest_comparison_share=0.9,
        relative_size=12.0,
        effective_clusters=1.0,
        pre_months=4,
        post_months=5,
        fewest_incidents=1,
    )
    for case in (worst, replace(worst, treated_units=5, comparison_units=30)):
        found = judged(case, "a method", needs)
        sentences = [found.reason, *found.also]
        assert found.standing > Standing.SHOWN
        assert all((s.endswith(".") and s[0].isupper()) or s[0].isdigit() for s in sentences)
        assert not any("nan" in s or "inf " in s or "1 units" in s or "1 neighbourhoods" in s for s in sentences)


def test_the_pilot_is_told_in_the_words_of_its_own_numbers():
    pilot = replace(GOOD, treated_units=5, treated_neighbourhoods=1, effective_clusters=4.8)
    found = judged(pilot, "cluster-robust", CLUSTER_ROBUST)
    assert found.standing is Standing.UNRELIABLE
    assert found.reason == (
        "Cluster-robust errors treat 5 treated units as independent places, but they form 1 neighbourhood; they are "
        "shown only beside the placebo test."
    )
    assert found.also == (
        "By their weights the units count for 4.8 clusters, and errors clustered by unit need at least 6.",
    )


def test_the_gravest_shortcoming_comes_first():
    found = judged(replace(GOOD, treated_units=1, treated_neighbourhoods=1), "a method", CLUSTER_ROBUST)
    assert found.standing is Standing.REFUSED
    assert found.reason.startswith("With one treated unit")
    assert len(found.also) == 1


def test_methods_are_judged_by_what_they_declare():
    methods = (ConleyTaber(), FermanPinto(), Conformal(), Conformal(statistic=AbsoluteMean()))
    found = judge(replace(GOOD, relative_size=5.0, pre_months=18), methods)
    assert [j.method for j in found] == [
        "Conley-Taber",
        "Ferman-Pinto",
        "conformal (moving block, S_1)",
        "conformal (moving block, mean)",
    ]
    assert [j.standing.name for j in found] == ["UNRELIABLE", "SHOWN", "REFUSED", "SHOWN"]


def test_equal_clusters_count_in_full():
    assert effective_clusters([1] * 10, [1] * 10) == pytest.approx(20)


def test_few_treated_clusters_count_for_little_more_than_themselves():
    assert effective_clusters([1] * 5, [1] * 600) == pytest.approx(5, abs=0.1)


def test_effective_clusters_are_those_of_the_regression():
    """Carter, Schnepel and Steigerwald's gamma from the design matrix of unit changes on a constant and treatment."""
    treated = np.repeat([1.0, 0.0], [3, 9])
    matrix = np.column_stack([np.ones(12), treated])
    influence = np.linalg.inv(matrix.T @ matrix)[1] @ matrix.T
    gamma = influence**2
    by_hand = 12 / (1 + gamma.var() / gamma.mean() ** 2)
    assert effective_clusters([1] * 3, [1] * 9) == pytest.approx(by_hand)


def test_weights_count_on_any_scale():
    first = effective_clusters([3, 1, 2], [5, 5, 1, 9])
    assert effective_clusters([300, 100, 200], [0.5, 0.5, 0.1, 0.9]) == pytest.approx(first)


def test_a_group_without_weight_has_no_effective_clusters():
    assert effective_clusters([0, 0], [1, 2]) == 0


def test_the_situation_of_a_design():
    counts = poisson_counts(36, 24, seed=1)
    made = design(counts, treated=(0, 1, 35), months_before=15, shape=(6, 6), buffer_rings=1)
    found = situation_of(made, placebo_sets=500, disjoint_places=8)
    pre = counts[:, :15].sum(axis=1)
    own, rest = pre[[0, 1, 35]], pre[made.comparison]
    assert (found.treated_units, found.treated_neighbourhoods, found.adjoining) == (3, 2, 1)
    assert found.comparison_units == 36 - 3 - 5
    assert (found.placebo_sets, found.disjoint_places) == (500, 8)
    assert found.smallest_placebo_p == pytest.approx(1 / 501)
    assert found.largest_treated_share == pytest.approx(own.max() / own.sum())
    assert found.largest_comparison_share == pytest.approx(rest.max() / rest.sum())
    assert found.relative_size == pytest.approx(own.mean() / rest.mean())
    assert (found.pre_months, found.post_months, found.months) == (15, 9, 24)
    assert found.effective_clusters == pytest.approx(effective_clusters(own, rest))


def test_a_design_without_a_count_is_still_a_situation():
    made = design(np.zeros((30, 24), dtype=np.int64), treated=(3,), months_before=18)
    found = situation_of(made, placebo_sets=0, disjoint_places=0)
    assert found.effective_clusters == 0
    assert found.largest_comparison_share == 1
    assert judged(found, "a method", CONLEY_TABER).standing is Standing.UNRELIABLE


def test_a_test_among_few_placebos_says_at_which_level_it_really_is():
    reason = judged(replace(GOOD, placebo_sets=33), "placebo", PLACEBO).reason
    assert "steps of 0.029" in reason
    assert "in fact one at 2.9%" in reason

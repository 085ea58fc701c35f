"""Starts of their own: read from the roles, carried by designs, and handed on to placebo neighbourhoods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import FIRST, design, inputs, poisson_counts
from staggered_builders import PARTS, staggered

from cseval.cohorts import NEVER, delays_from
from cseval.design import Design
from cseval.errors import DataError, DesignError
from cseval.estimators.event_study import EventStudy
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo_draws import Shape, candidates, draw_like, shape_of
from cseval.inputs import Roles, parse_roles
from cseval.months import add_months

OWN = [11, 12, 55, 56, 87, 88]


# Roles ------------------------------------------------------------------------------------------


def test_starts_are_read_and_blank_means_the_programmes():
    roles = parse_roles("unit,start,role\nA,2018-05,treated\nB,,treated\nC, 2018-09 ,treated\nD,,buffer\n", "r.csv")
    assert roles.starts == {"A": "2018-05", "C": "2018-09"}
    assert roles.treated == {"A", "B", "C"}


def test_a_roles_file_without_the_column_has_no_starts():
    assert parse_roles("unit,role\nA,treated\n", "r.csv").starts == {}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("B,treated,May 2018", "start 'May 2018'; expected a month YYYY-MM, or blank"),
        ("B,treated,2018-13", "start '2018-13'"),
        ("B,buffer,2018-05", "start '2018-05' of a unit with role buffer; expected blank, or role treated"),
        ("B,comparison,2018-05", "of a unit with role comparison"),
    ],
)
def test_a_wrong_start_names_file_row_and_column(row, said):
    with pytest.raises(DataError) as caught:
        parse_roles(f"unit,role,start\nA,treated,\n{row}\n", "roles.csv")
    assert caught.value.where == "roles.csv, row 3, column start"
    assert said in str(caught.value)


def test_two_columns_of_starts_are_refused():
    with pytest.raises(DataError, match="one column start at most"):
        parse_roles("unit,role,start,start\nA,treated,,\n", "roles.csv")


def test_roles_refuse_a_start_without_the_programme():
    with pytest.raises(DesignError, match="unit B has a start and is not treated"):
        Roles(treated=frozenset({"A"}), starts={"B": "2018-05"})


# Designs ----------------------------------------------------------------------------------------


def test_cohorts_are_positions_of_first_post_months():
    d = staggered()
    assert d.staggered
    assert d.cohort[OWN].tolist() == [12, 12, 16, 16, 19, 19]
    assert (np.delete(d.cohort, OWN) == NEVER).all()
    assert [d.starts[d.units[u]] for u in OWN] == [add_months(d.start, PARTS[u]) for u in OWN]
    assert d.start == add_months(FIRST, 12)
    assert d.event_time.tolist() == list(range(-12, 18))


def test_one_start_is_a_single_cohort():
    d = design(poisson_counts(9, 20), treated=[4], months_before=12, shape=(3, 3), transition=2)
    assert not d.staggered
    assert d.cohort.tolist() == [NEVER] * 4 + [12] + [NEVER] * 4
    assert d.delays == {}
    d.require_one_start("anything")


def test_a_month_left_out_moves_the_first_post_month_on():
    received = np.ones((100, 30), dtype=bool)
    received[11, 16] = False  # the month in which the second neighbourhood begins
    d = staggered(received=received)
    assert d.cohort[OWN].tolist() == [12, 12, 16, 16, 18, 18]
    assert d.periods[16] == add_months(FIRST, 17)


def test_a_unit_that_begins_after_the_window_has_no_cohort():
    d = staggered(after=6)
    assert d.cohort[OWN].tolist() == [12, 12, 16, 16, NEVER, NEVER]


def test_another_start_moves_every_units():
    d = replace(staggered(), months_before=6, months_after=10)
    earlier = d.at(add_months(FIRST, 8))
    assert {u: add_months(s, -4) for u, s in d.starts.items()} == dict(earlier.starts)
    assert (earlier.cohort == d.cohort).all()


def test_starts_move_with_an_analysis_that_starts_elsewhere():
    counts = poisson_counts(9, 24)
    given = inputs(counts, treated=[0, 8], shape=(3, 3))
    given = replace(given, roles=replace(given.roles, starts={"U008": add_months(FIRST, 15)}))
    window = {"months_before": 8, "months_after": 10}
    later = Design.build(given, "burglary", start=add_months(FIRST, 13), registered=add_months(FIRST, 12), **window)
    assert later.starts == {"U000": add_months(FIRST, 13), "U008": add_months(FIRST, 16)}


def test_description_says_who_begins_when():
    assert "starts January 2016 (2 units), May 2016 (2 units), August 2016 (2 units)" in staggered().describe()
    assert "start January 2016" in design(poisson_counts(9, 20), treated=[4], months_before=12).describe()


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        ({"U011": "2015-11"}, "unit U011 begins in 2015-11, before the programme's start in 2016-01"),
        ({"U011": "2016-03", "U012": "2016-02"}, "the first treated unit begins 1 months after the programme's start"),
    ],
)
def test_starts_that_do_not_fit_the_programme_are_refused(starts, said):
    given = inputs(poisson_counts(100, 30), treated=[11, 12], shape=(10, 10))
    given = replace(given, roles=replace(given.roles, starts=starts))
    with pytest.raises(DesignError, match=said):
        Design.build(given, "burglary", start="2016-01", months_before=12, months_after=12)


def test_a_transition_with_several_starts_is_refused():
    with pytest.raises(DesignError, match="2 transition months and several starts"):
        replace(staggered(after=10), transition=2)


def test_delays_count_from_the_registered_start():
    assert delays_from({"A": "2018-05", "B": "2019-01"}, "2018-05") == {"B": 8}


@pytest.mark.parametrize("estimator", [PoissonDiD(), LinearDiD(), EventStudy()])
def test_estimators_of_one_start_refuse_several_in_one_sentence(estimator):
    d = staggered()
    for run in (lambda: estimator.estimate(d), lambda: estimator.estimate_many(d, d.own_set)):
        with pytest.raises(DesignError, match="units begin in different months: January 2016") as caught:
            run()
        assert str(caught.value).startswith(estimator.name)


# Placebo neighbourhoods -------------------------------------------------------------------------


def test_own_set_is_grouped_by_neighbourhood_where_starts_differ():
    delays = {0: 0, 99: 3, 33: 3, 34: 3, 35: 3}  # the largest neighbourhood comes first
    d = staggered(delays=delays)
    assert d.own_set.members.tolist() == [[33, 34, 35, 0, 99]]
    assert d.cohorts_of(d.own_set.members).tolist() == [[15, 15, 15, 12, 15]]
    same = design(poisson_counts(100, 30), treated=delays, months_before=12, shape=(10, 10))
    assert same.own_set.members.tolist() == [[0, 33, 34, 35, 99]]


def test_placebo_sets_take_starts_by_position():
    d = staggered()
    sets = np.array([[0, 1, 40, 41, 98, 99], [98, 99, 0, 1, 40, 41]])
    assert d.cohorts_of(sets).tolist() == [[12, 12, 16, 16, 19, 19]] * 2


def test_treated_units_keep_their_own_start_in_whatever_order_or_number():
    d = staggered()
    assert d.cohorts_of(np.array([OWN[::-1]])).tolist() == [[19, 19, 16, 16, 12, 12]]
    assert d.cohorts_of(np.array([OWN[1:]])).tolist() == [[12, 16, 16, 19, 19]]


def test_sets_of_another_size_begin_with_the_programme():
    d = staggered()
    assert d.cohorts_of(np.array([[0, 1, 2], [3, 4, 100]])).tolist() == [[12, 12, 12]] * 2


def test_treating_other_units_hands_the_starts_on():
    d = staggered()
    codes = [d.units[u] for u in (0, 1, 40, 41, 98, 99)]
    moved = d.treating(codes)
    assert moved.cohort[[0, 1, 40, 41, 98, 99]].tolist() == [12, 12, 16, 16, 19, 19]
    other = d.treating([*codes[4:], *codes[:4]])
    assert other.cohort[[98, 99, 0, 1, 40, 41]].tolist() == [12, 12, 16, 16, 19, 19]
    assert d.treating(frozenset(codes)).starts == moved.starts  # a set: by neighbourhood, in order of the panel
    with pytest.raises(DesignError, match="5 units for 6 starts"):
        d.treating(codes[:5])


def test_draws_stay_grouped_by_neighbourhood():
    delays = {0: 0, 50: 2, 60: 2, 70: 2, 9: 5, 19: 5}
    d = staggered(delays=delays)
    shape = shape_of(d)
    assert (shape.sizes, shape.ordered) == ((3, 2, 1), True)
    members, exact = candidates(d, 300, seed=1)
    assert not exact
    assert len(members) >= 200
    near = d.areas.neighbours
    for row in members[:100].tolist():
        parts = (row[:3], row[3:5], row[5:])
        assert all(p == sorted(p) for p in parts)
        for part in parts:
            assert len(d.areas.components([d.units[u] for u in part])) == 1
        assert not any(v in near[u] for a in parts for b in parts if a is not b for u in a for v in b)
    assert d.cohorts_of(members[:1]).tolist() == [[14, 14, 14, 17, 17, 12]]
    again = draw_like(d, 20, np.random.default_rng(2))
    assert (np.sort(again[:, :3], axis=1) == again[:, :3]).all()


def test_the_starts_the_other_way_round_are_another_set():
    shape = Shape(sizes=(2, 2), steps=((), (3,)), ordered=True)
    both = np.array([[5, 4, 0, 1], [1, 0, 4, 5]])
    assert shape.sorted(both).tolist() == [[4, 5, 0, 1], [0, 1, 4, 5]]
    assert replace(shape, ordered=False).sorted(both).tolist() == [[0, 1, 4, 5]] * 2

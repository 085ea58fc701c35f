"""What a design derives once: who is treated, which months count, and who is left to compare with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import FIRST, design, inputs, lattice, panel

from cseval.design import Design, aligned_areas
from cseval.errors import CsevalError, DesignError
from cseval.inputs import Inputs, Roles
from cseval.months import add_months, month_number

MONTHS = 20
TREATED = [12]


def counts(units: int = 25, months: int = MONTHS) -> np.ndarray:
    """A different number in every cell, so that a wrong row or column shows."""
    return np.arange(1, units * months + 1, dtype=np.int64).reshape(units, months)


def whole(units: int = 25) -> np.ndarray:
    return np.ones((units, MONTHS), dtype=bool)


def make(received=None, **options) -> Design:
    options = {"treated": TREATED, "months_before": 12, "shape": (5, 5), **options}
    return design(counts(), received=received, **options)


def month(column: int) -> str:
    return add_months(FIRST, column)


def test_event_time_and_post_count_from_the_start():
    d = make(months_after=5)
    assert d.event_time.tolist() == list(range(-12, 5))
    assert d.periods == tuple(month(j) for j in range(17))
    assert d.post.tolist() == [False] * 12 + [True] * 5
    assert d.periods[d.event_time.tolist().index(0)] == d.start


def test_transition_months_are_left_out_and_are_no_gap():
    d = make(transition=3, months_after=4)
    assert d.periods == tuple(month(j) for j in [*range(12), *range(15, 19)])
    assert d.event_time.tolist() == [*range(-12, 0), *range(4)]
    assert d.months_left_out == ()
    assert d.counts[3].tolist() == counts()[3, [*range(12), *range(15, 19)]].tolist()


def test_totals_are_of_the_used_months_only():
    d = make(transition=2, months_after=3)
    assert d.pre_counts.tolist() == counts()[:, :12].sum(axis=1).tolist()
    assert d.post_counts.tolist() == counts()[:, 14:17].sum(axis=1).tolist()


def test_window_may_begin_after_the_panel_does():
    d = make(months_before=12, months_after=8)
    later = replace(d, months_before=4)
    assert later.periods[0] == month(8)
    assert later.pre_counts.tolist() == counts()[:, 8:12].sum(axis=1).tolist()


def test_treated_buffer_and_comparison_share_out_the_units():
    d = make(buffer_rings=1)
    assert np.flatnonzero(d.is_treated).tolist() == [12]
    assert d.buffer == (frozenset({"U007", "U011", "U013", "U017"}),)
    assert np.flatnonzero(~d.comparison).tolist() == [7, 11, 12, 13, 17]
    assert make(buffer_rings=0).comparison.sum() == 24
    two = make(buffer_rings=2)
    assert two.comparison.sum() == 25 - 1 - 4 - 8


def test_roles_leave_out_excluded_units_and_the_buffer_only_where_one_is_asked_for():
    given = inputs(counts(), treated=TREATED, shape=(5, 5))
    roles = Roles(treated=frozenset({"U012"}), buffer=frozenset({"U000"}), excluded=frozenset({"U024"}))
    window = {"start": month(12), "months_before": 12, "months_after": 8}
    for rings, out in ((0, {12, 24}), (1, {0, 7, 11, 12, 13, 17, 24})):
        d = Design.build(replace(given, roles=roles), "burglary", buffer_rings=rings, **window)
        assert set(np.flatnonzero(~d.comparison).tolist()) == out


def test_a_named_group_limits_the_comparison():
    given = replace(
        inputs(counts(), treated=TREATED, shape=(5, 5)), groups={"top": frozenset({"U000", "U001", "U012"})}
    )
    window = {"start": month(12), "months_before": 12, "months_after": 8}
    d = Design.build(given, "burglary", comparison="top", **window)
    assert np.flatnonzero(d.comparison).tolist() == [0, 1]
    with pytest.raises(DesignError, match=r"no comparison group 'bottom'.*expected one of all, top"):
        Design.build(given, "burglary", comparison="bottom", **window)


# Missing months ---------------------------------------------------------------------------------


def test_a_month_missing_for_a_treated_unit_is_left_out_for_everyone():
    received = whole()
    received[12, [3, 15]] = False
    d = make(received=received)
    kept = [j for j in range(MONTHS) if j not in (3, 15)]
    assert d.periods == tuple(month(j) for j in kept)
    assert d.months_left_out == (month(3), month(15))
    assert d.units_left_out == ()
    assert d.counts.tolist() == counts()[:, kept].tolist()
    assert d.event_time.tolist() == [j - 12 for j in kept]


def test_a_comparison_unit_with_a_gap_is_dropped_and_reported():
    received = whole()
    received[4, 2] = received[20, 19] = False
    d = make(received=received)
    assert d.units_left_out == ("U004", "U020")
    assert not d.comparison[[4, 20]].any()
    assert d.comparison.sum() == 22
    assert d.months_left_out == ()
    assert len(d.periods) == MONTHS
    assert np.flatnonzero(~d.complete).tolist() == [4, 20]


def test_a_month_that_most_comparison_units_lack_is_left_out_and_costs_no_unit():
    received = whole()
    received[:12, 6] = False  # 12 of 24
    d = make(received=received)
    assert d.months_left_out == (month(6),)
    assert d.units_left_out == ()
    received[11, 6] = True  # 11 of 24: the month stays, the units go
    d = make(received=received)
    assert d.months_left_out == ()
    assert len(d.units_left_out) == 11


def test_a_missing_month_is_never_read_as_zero():
    received = whole()
    received[4, 2] = received[12, 3] = False
    poisoned = counts()
    poisoned[~received] = 10**9
    d = design(poisoned, treated=TREATED, months_before=12, shape=(5, 5), received=received)
    used = d.counts[d.is_treated | d.comparison]
    assert used.max() < 10**9
    assert used.min() > 0
    assert d.pre_counts[12] == counts()[12, [j for j in range(12) if j != 3]].sum()


def test_a_gap_outside_the_window_does_not_matter():
    received = whole()
    received[12, 0] = received[5, 1] = False
    d = replace(make(received=received), months_before=8)
    assert (d.months_left_out, d.units_left_out) == ((), ())


def test_a_gap_in_the_transition_is_not_reported():
    received = whole()
    received[12, 13] = False
    d = make(received=received, transition=3)
    assert (d.months_left_out, d.units_left_out) == ((), ())


def test_exposure_follows_the_months_used():
    exposure = counts().astype(float)
    received = whole()
    received[12, 3] = False
    d = make(received=received, exposure=exposure, months_after=5)
    assert d.exposure.tolist() == exposure[:, [j for j in range(17) if j != 3]].tolist()
    assert make().exposure is None


# Placebos ---------------------------------------------------------------------------------------


def test_at_moves_the_window_and_nothing_else():
    d = make(months_before=12, months_after=4)
    early = replace(d, months_before=6).at(month(8))
    assert early.all_months == tuple(month(j) for j in range(2, 12))
    assert early.event_time.tolist() == list(range(-6, 4))
    assert (early.is_treated == d.is_treated).all()
    assert (early.comparison == d.comparison).all()


def test_treating_another_unit_keeps_the_programme_and_its_buffer_out():
    d = make(buffer_rings=1)
    moved = d.treating(["U000"])
    assert np.flatnonzero(moved.is_treated).tolist() == [0]
    # the programme's unit and ring, the placebo and its ring
    assert set(np.flatnonzero(~moved.comparison).tolist()) == {7, 11, 12, 13, 17} | {0, 1, 5}
    beside = d.treating(["U011"])  # one of the ring itself
    assert np.flatnonzero(beside.is_treated).tolist() == [11]
    assert not beside.comparison[[12, 7, 13, 17]].any()


@pytest.mark.parametrize(("transition", "step"), [(0, 1), (0, 3), (2, 1), (2, 5)])
def test_placebo_starts_lie_wholly_before_the_start(transition, step):
    d = replace(make(transition=transition, months_after=4), months_before=5)
    starts = d.placebo_starts(step)
    assert starts
    for start in starts:
        window = d.at(start).all_months
        assert window[-1] < d.start
        assert len(window) == 5 + transition + 4
    assert d.at(starts[0]).all_months[-1] == add_months(d.start, -1)
    numbers = [month_number(s) for s in starts]
    assert np.diff(numbers).tolist() == [-step] * (len(starts) - 1)
    # one more step back would leave the panel
    with pytest.raises(DesignError, match="months within the data"):
        d.at(add_months(starts[-1], -step))


def test_no_placebo_start_fits_into_too_short_a_past():
    assert make(months_before=12, months_after=4).placebo_starts() == ()


def test_placebo_sets_have_a_ring_where_the_programme_has_a_buffer():
    members = np.array([[0], [24]])
    with_ring, without = (make(buffer_rings=r).sets(members) for r in (1, 0))
    assert [sorted(u for u in r if u < 25) for r in with_ring.ring.tolist()] == [[1, 5], [19, 23]]
    assert (without.ring == 25).all()


def test_own_set_is_the_treated_units_with_an_empty_ring():
    own = make(treated=[12, 13], buffer_rings=1).own_set
    assert own.members.tolist() == [[12, 13]]
    assert (own.ring == 25).all()


def test_the_map_is_put_in_the_order_of_the_panel():
    wide = lattice(5, 5)
    shuffled = Inputs(
        panel=replace(panel(counts(4)), units=("U003", "U001", "U002", "U000")),
        areas=wide,
        roles=Roles(treated=frozenset({"U003"})),
    )
    aligned = aligned_areas(shuffled)
    assert aligned.units == shuffled.panel.units
    assert aligned.neighbours[1] == (2, 3)  # U001 touches U002 and U000
    assert aligned_areas(shuffled) is aligned


def test_description_counts_what_is_used():
    text = make(buffer_rings=1, transition=2, months_after=4).describe()
    assert text == (
        "1 treated units against 20 comparison units, January 2015 to June 2016, start January 2016, "
        "4 buffer units left out, 2 transition months left out."
    )


# Refusals ---------------------------------------------------------------------------------------


def refusal(function, *args, **options) -> str:
    with pytest.raises(CsevalError) as caught:
        function(*args, **options)
    assert isinstance(caught.value, DesignError)
    message = str(caught.value)
    assert message.count(".") <= 2
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("before", "after"), [(13, 4), (12, 9), (30, 30)])
def test_a_window_beyond_the_data_is_refused(before, after):
    message = refusal(make().__class__, **{**vars_of(make()), "months_before": before, "months_after": after})
    assert "outcome burglary: a window from" in message
    assert "within the data, 2015-01 to 2016-08" in message


def test_an_unknown_treated_unit_is_refused():
    message = refusal(Design, **{**vars_of(make()), "treated": frozenset({"U012", "X9"})})
    assert "treated unit X9 has no counts" in message
    assert "roles CSV" in message


def test_no_comparison_left_is_refused():
    assert "no comparison unit is left" in refusal(make, buffer_rings=8)


@pytest.mark.parametrize("columns", [slice(0, 12), slice(12, MONTHS)], ids=["pre", "post"])
def test_a_treated_unit_without_a_phase_is_refused(columns):
    received = whole()
    received[12, columns] = False
    assert "no month received before or none after 2016-01" in refusal(make, received=received)


@pytest.mark.parametrize("change", [{"months_before": 0}, {"months_after": 0}])
def test_a_window_without_a_phase_is_refused(change):
    assert "expected months on both sides of the start" in refusal(Design, **{**vars_of(make()), **change})


def vars_of(d: Design) -> dict[str, object]:
    return {name: getattr(d, name) for name in d.__dataclass_fields__}

"""Displacement of one area as one table: by hand, against the published example, and what must not change it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.areas import PlaceboSets, draw_connected
from cseval.errors import DesignError, EstimationError, UsageError
from cseval.estimators.displacement import AreaWeights, weighted_displacement_difference
from cseval.estimators.displacement_area import (
    AreaCounts,
    AreaMeasure,
    TableOptions,
    area_counts,
    area_measures,
    displacement_table,
    placebo_measures,
)
from cseval.estimators.displacement_quotient import displacement_measures
from cseval.estimators.poisson_did import PoissonDiD

#: Two years before and one after: 400 were 200 a year. The comparison fell by a tenth a year, from 1,000 to 900.
COUNTS = AreaCounts(
    treated=(400, 100),
    ring_1=(600, 330),
    ring_2=(800, 360),
    comparison=(2000, 900),
    months=(24, 12),
    sizes=AreaWeights(treated=2, buffer=3, comparison=10),
    dispersion=2.0,
)
PLAIN, SIZE = TableOptions(), TableOptions(weigh_by="size")
ORDER = [
    ("GE", "treated"),
    ("NE", "treated"),
    ("WDQ", "ring 1"),
    ("TNE", "treated and ring 1"),
    ("WDD", "treated"),
    ("WDD", "ring 1"),
    ("WDD", "treated and ring 1"),
    ("RIRR", "treated"),
    ("RIRR", "ring 1"),
    ("RIRR", "ring 2"),
    ("RIRR", "treated and ring 1"),
]


def rows_of(counts=COUNTS, options=PLAIN):
    return {(r.measure, r.area): r for r in area_measures(counts, options)}


def readings(counts, placebos=None):
    frame = displacement_table(counts, placebos=placebos)
    return dict(zip(zip(frame["measure"], frame["area"], strict=True), frame["reads_as"], strict=True))


# By hand --------------------------------------------------------------------------------------------


def test_estimates_by_hand():
    """Expected after: 400 x 0.45 = 180 in the area, 600 x 0.45 = 270 in ring 1; recorded 100 and 330."""
    rows = rows_of()
    assert list(rows) == ORDER
    assert {key: rows[key].estimate for key in ORDER} == pytest.approx(
        {
            ("GE", "treated"): 200 - 100,
            ("NE", "treated"): 0.2 - 1 / 9,
            ("WDQ", "ring 1"): (330 / 900 - 0.3) / (1 / 9 - 0.2),
            ("TNE", "treated and ring 1"): (180 - 100) + (270 - 330),
            ("WDD", "treated"): (100 - 200) - (900 - 1000) / 5,
            ("WDD", "ring 1"): (330 - 300) - (900 - 1000) * 0.3,
            ("WDD", "treated and ring 1"): -80 + 60,
            ("RIRR", "treated"): 100 / 180,
            ("RIRR", "ring 1"): 330 / 270,
            ("RIRR", "ring 2"): 1.0,
            ("RIRR", "treated and ring 1"): 430 / 450,
        },
        rel=1e-12,
    )


def test_errors_by_hand():
    """A count before stands for half of it a year, so its variance is a quarter of it."""
    rows = rows_of()
    comparison = 900 + 2000 / 4
    assert rows["GE", "treated"].std_error ** 2 == pytest.approx(100 + 400 / 4)
    assert rows["WDD", "treated"].std_error ** 2 == pytest.approx(100 + 100 + 0.2**2 * comparison)
    assert rows["WDD", "ring 1"].std_error ** 2 == pytest.approx(330 + 150 + 0.3**2 * comparison)
    assert rows["WDD", "treated and ring 1"].std_error ** 2 == pytest.approx(200 + 480 + 0.5**2 * comparison)
    assert rows["RIRR", "ring 1"].std_error ** 2 == pytest.approx(2 * (1 / 600 + 1 / 330 + 1 / 2000 + 1 / 900))
    assert math.isnan(rows["WDQ", "ring 1"].std_error)


def test_intervals_have_the_level_asked_for():
    row = rows_of(options=TableOptions(level=0.9))["GE", "treated"]
    assert row.conf_high - row.estimate == pytest.approx(1.6448536269514722 * row.std_error, rel=1e-12)
    ratio = rows_of(options=TableOptions(level=0.9))["RIRR", "treated"]
    assert math.log(ratio.conf_high / ratio.estimate) == pytest.approx(1.6448536269514722 * ratio.std_error, rel=1e-9)


def test_the_published_difference_comes_out_with_its_error():
    """Wheeler and Ratcliffe's example: -118, standard error 39.598, with a comparison for the buffer of its own."""
    counts = AreaCounts(treated=(207, 110), comparison=(308, 318), ring_1=(178, 157), ring_comparison=(150, 140))
    rows = rows_of(counts, SIZE)
    assert rows["WDD", "treated and ring 1"].estimate == -118
    assert rows["WDD", "treated and ring 1"].std_error == pytest.approx(39.598, abs=5e-4)
    assert (rows["WDD", "treated"].estimate, rows["WDD", "ring 1"].estimate) == (-107, -11)


def test_weighted_by_size_the_comparison_counts_for_each_unit_of_it():
    rows = rows_of(options=SIZE)
    assert rows["WDD", "treated"].estimate == pytest.approx(-100 + 100 * 2 / 10)
    assert rows["WDD", "ring 1"].estimate == pytest.approx(30 + 100 * 3 / 10)
    assert rows["WDD", "treated and ring 1"].estimate == pytest.approx(-70 + 100 * 5 / 10)


def test_the_errors_are_the_spread_of_simulated_poisson_counts():
    """One comparison for area and ring: its incidents count once with both weights, not twice as if independent."""
    rng, means = np.random.default_rng(6), (200, 120, 300, 290, 400, 380)
    t0, t1, b0, b1, c0, c1 = (rng.poisson(m, 20_000) for m in means)
    counts = AreaCounts(
        treated=means[:2],
        ring_1=means[2:4],
        comparison=means[4:],
        sizes=AreaWeights(treated=1, buffer=2, comparison=2),
    )
    rows = rows_of(counts, SIZE)
    wdd = (t1 - t0) - (c1 - c0) / 2 + (b1 - b0) - (c1 - c0)
    tne = (t0 + b0) * c1 / c0 - t1 - b1
    assert rows["WDD", "treated and ring 1"].std_error == pytest.approx(wdd.std(), rel=0.02)
    assert rows["TNE", "treated and ring 1"].std_error == pytest.approx(tne.std(), rel=0.02)
    assert rows["NE", "treated"].std_error == pytest.approx((t0 / c0 - t1 / c1).std(), rel=0.02)
    independent = weighted_displacement_difference(
        means[:2],
        means[4:],
        means[2:4],
        means[4:],
        area_weights=AreaWeights(comparison=2, buffer_comparison=1),
    )
    assert independent.std_error < 0.97 * wdd.std()


def test_the_guide_s_measures_are_those_of_the_other_module():
    """The same numbers, without lengths of time, from the functions for counts as they are."""
    found = displacement_measures(COUNTS.treated, COUNTS.ring_1, COUNTS.comparison)
    rows = rows_of()
    assert rows["NE", "treated"].estimate == pytest.approx(found.net_effect, rel=1e-12)
    assert rows["NE", "treated"].std_error == pytest.approx(found.success_se, rel=1e-12)
    assert rows["TNE", "treated and ring 1"].estimate == pytest.approx(found.total_net_effect, rel=1e-12)
    assert rows["WDQ", "ring 1"].estimate == found.quotient


# What must not change it ----------------------------------------------------------------------------


def test_a_longer_time_before_at_the_same_rate_changes_no_estimate():
    longer = replace(
        COUNTS,
        **{name: (3 * pair[0], pair[1]) for name, pair in COUNTS.given.items()},
        months=(72, 12),
    )
    assert {k: r.estimate for k, r in rows_of(longer).items() if k[0] in ("GE", "WDD")} == pytest.approx(
        {k: r.estimate for k, r in rows_of().items() if k[0] in ("GE", "WDD")}
    )
    assert rows_of(longer)["RIRR", "treated"].estimate == pytest.approx(100 / 180)


def test_four_times_all_counts_leave_ratios_and_double_what_is_certain():
    more = replace(COUNTS, **{name: (4 * b, 4 * a) for name, (b, a) in COUNTS.given.items()})
    one, four = rows_of(), rows_of(more)
    for key in ORDER:
        times = 4 if key[0] in ("GE", "TNE", "WDD") else 1
        assert four[key].estimate == pytest.approx(times * one[key].estimate, rel=1e-12)
        assert four[key].change == pytest.approx(one[key].change, rel=1e-9, abs=1e-12)
        if key[0] != "WDQ":
            assert four[key].change_error == pytest.approx(one[key].change_error / 2, rel=1e-9)


def test_a_larger_unit_of_size_changes_nothing():
    hectares = replace(COUNTS, sizes=AreaWeights(treated=200, buffer=300, comparison=1000))
    assert [r.estimate for r in area_measures(hectares, SIZE)] == pytest.approx(
        [r.estimate for r in area_measures(COUNTS, SIZE)]
    )


def test_weighted_by_incidents_the_difference_is_the_total_net_effect_turned_round():
    rows = rows_of()
    assert rows["WDD", "treated and ring 1"].estimate == pytest.approx(-rows["TNE", "treated and ring 1"].estimate)


# What it says ---------------------------------------------------------------------------------------


def test_words_say_displacement_only_next_to_a_fall():
    busy = replace(COUNTS, **{name: (10 * b, 10 * a) for name, (b, a) in COUNTS.given.items()})
    says = readings(busy)
    assert says["WDD", "ring 1"] == says["RIRR", "ring 1"] == "displacement"
    assert says["RIRR", "ring 2"] == "no clear evidence"
    assert says["RIRR", "treated"] == says["WDD", "treated"] == "fewer incidents than expected"
    assert says["GE", "treated"] == "fewer incidents than before"
    assert says["WDQ", "ring 1"] == "displacement smaller than the fall in the treated area"
    rose = readings(replace(busy, treated=(4000, 2500)))
    assert rose["RIRR", "treated"] == "more incidents than expected"
    assert rose["RIRR", "ring 1"] == "more incidents next door, but no clear fall in the treated area"
    assert rose["WDQ", "ring 1"].startswith("not to be read")
    assert rose["TNE", "treated and ring 1"] == "more incidents than expected in both areas together"


def test_words_of_diffusion():
    says = readings(replace(COUNTS, ring_1=(6000, 2000), dispersion=1.0))
    assert says["RIRR", "ring 1"] == says["WDD", "ring 1"] == "diffusion of benefit"
    assert says["WDQ", "ring 1"].startswith("diffusion of benefit")


def test_a_quotient_whose_ring_did_not_clearly_change_says_nothing():
    row = rows_of(replace(COUNTS, ring_1=(600, 275)))["WDQ", "ring 1"]
    assert row.clear
    assert readings(replace(COUNTS, ring_1=(600, 275)))["WDQ", "ring 1"] == "no clear evidence"


def test_without_a_denominator_there_is_no_quotient():
    row = rows_of(replace(COUNTS, treated=(400, 180)))["WDQ", "ring 1"]
    assert math.isnan(row.estimate)
    assert not row.clear
    assert "exactly as its comparison" in row.meaning


def test_without_a_ring_the_area_alone_is_shown():
    alone = replace(COUNTS, ring_1=None, ring_2=None)
    assert list(rows_of(alone)) == [("GE", "treated"), ("NE", "treated"), ("WDD", "treated"), ("RIRR", "treated")]
    assert rows_of(alone)["WDD", "treated"] == rows_of()["WDD", "treated"]


def placebo(change, clear, measure="RIRR", area="treated", error=0.1):
    row = AreaMeasure(measure=measure, area=area, estimate=0.0, clear=clear, note="")
    return replace(row, change=change, change_error=error)


def p_value(others, counts=COUNTS):
    frame = displacement_table(counts, placebos={("RIRR", "treated"): others}).set_index(["measure", "area"])
    return frame.loc[("RIRR", "treated"), "p_value"]


def test_ranks_by_hand_and_the_words_rest_on_them():
    own = rows_of()["RIRR", "treated"]
    shares = (-1, 0.5, 1.2, -0.9, 0.1, 0.3, -0.2, 0, 0.7)
    others = [placebo(s * abs(own.change), s > 0.6, error=own.change_error) for s in shares]
    frame = displacement_table(COUNTS, placebos={("RIRR", "treated"): others}).set_index(["measure", "area"])
    row = frame.loc[("RIRR", "treated")]
    assert own.clear
    assert row["p_value"] == (1 + 2) / (1 + 9), "a tie counts against the finding"
    assert (row["placebos"], row["called_clear"]) == (9, pytest.approx(2 / 9))
    assert row["reads_as"] == "no clear evidence"
    assert math.isnan(frame.loc[("NE", "treated"), "p_value"])


def test_a_busy_area_is_not_held_to_its_poisson_error_where_all_areas_drift_alike():
    """A log change of -0.59 is more than three times its error, yet every other place, busy or quiet, moved by more."""
    own = rows_of()["RIRR", "treated"]
    quiet = [placebo(sign * 1.1 * own.change, True, error=error) for sign in (-1, 1) for error in (0.3, 0.4, 0.5)]
    busy = [placebo(sign * 1.1 * own.change, True, error=error) for sign in (-1, 1) for error in (0.05, 0.1)]
    assert p_value(quiet + busy) == 1


def test_where_quiet_places_vary_by_more_a_busy_one_stands_out():
    own = rows_of()["RIRR", "treated"]
    others = [placebo(s * e, False, error=s) for s in np.geomspace(0.5, 5, 10) * own.change_error for e in (-2, 2)]
    larger = [o for o in others if abs(o.change) > abs(own.change)]
    assert len(larger) > 4
    assert p_value(others) == 1 / 21


def test_what_is_compared_with_nothing_or_not_to_be_read_has_no_rank():
    others = {key: [placebo(0.0, False, *key)] * 30 for key in ORDER}
    frame = displacement_table(replace(COUNTS, treated=(400, 200)), placebos=others).set_index(["measure", "area"])
    assert frame["p_value"].isna()[[("GE", "treated"), ("WDQ", "ring 1")]].all()
    assert frame["p_value"].notna().sum() == len(ORDER) - 2
    assert frame["placebos"].tolist() == [30] * len(ORDER)


# From designs ---------------------------------------------------------------------------------------

TREATED = [44, 45]
WORLD = poisson_counts(100, 30, treated=TREATED, start=18, effect=-0.4, seed=8)


def world(counts=WORLD, **options):
    return design(counts, **{"treated": TREATED, "months_before": 18, "shape": (10, 10), "buffer_rings": 1, **options})


def by_hand(d, members, allowed):
    """Counts of an area and its rings by sets of units; `allowed` are those that may be in a ring."""
    touching = lambda inside: {n for m in inside for n in d.areas.neighbours[m]} - inside  # noqa: E731
    inside = set(members)
    first = touching(inside)
    second = touching(inside | first)
    rest = set(np.flatnonzero(d.comparison).tolist()) - inside - first - second
    sums = [
        (d.pre_counts[sorted(g)].sum(), d.post_counts[sorted(g)].sum())
        for g in (inside, first & allowed, second & allowed, rest)
    ]
    return sums, len(rest)


def test_counts_of_a_design_are_those_of_plain_sets():
    d = world()
    (treated, near, far, rest), units = by_hand(d, TREATED, set(range(100)))
    found = area_counts(d)
    assert (found.treated, found.ring_1, found.ring_2, found.comparison) == (treated, near, far, rest)
    assert found.months == (18, 12)
    assert found.sizes == AreaWeights(treated=2, buffer=6, comparison=units)
    assert found.dispersion == pytest.approx(1.0, abs=0.1)


def test_counts_of_placebo_neighbourhoods_are_those_of_plain_sets():
    d = world()
    sets = d.sets(draw_connected(d.areas, d.comparison, 2, 40, np.random.default_rng(2)))
    found = placebo_measures(d, sets)
    allowed = set(np.flatnonzero(d.comparison).tolist())
    for row, members in enumerate(sets.members.tolist()):
        (treated, near, far, rest), _ = by_hand(d, members, allowed)
        for area, (before, after) in (("treated", treated), ("ring 1", near), ("ring 2", far)):
            ratio = after / before / (rest[1] / rest[0])
            assert found["RIRR", area][row].estimate == pytest.approx(ratio, rel=1e-12)


def test_the_rate_ratio_is_the_effect_of_the_poisson_model():
    d = world()
    both = [[d.units.index(u) for ring in d.areas.ring(d.treated, 2) for u in sorted(ring)]]
    sets = PlaceboSets(members=d.own_set.members, ring=np.array(both))
    effect = PoissonDiD().estimate_many(d, sets).effect[0]
    assert math.log(rows_of(area_counts(d))["RIRR", "treated"].estimate) == pytest.approx(effect, rel=1e-12)


def test_comparison_units_that_change_places_and_units_left_out_change_nothing():
    d = world()
    swapped = WORLD.copy()
    swapped[[0, 99]] = swapped[[99, 0]]
    assert area_counts(world(swapped)) == area_counts(d)
    other = WORLD.copy()
    other[90:] = 10 * other[90:]
    left_out = frozenset(d.units[90:])
    assert area_counts(replace(world(other), excluded=left_out)) == area_counts(replace(d, excluded=left_out))


def test_different_starts_are_refused():
    d = replace(world(), delays={"U044": 3})
    with pytest.raises(DesignError, match="begin in different months"):
        area_counts(d)


def test_the_share_called_clear_shows_errors_that_are_too_small():
    """About one in twenty where counts are Poisson; far more where areas also move from one year to the next."""
    rng = np.random.default_rng(5)
    steady = rng.poisson(20.0, (400, 24))
    moved = rng.poisson(20.0 * np.exp(np.repeat(rng.normal(0, 0.15, (400, 2)), 12, axis=1)))
    shares = []
    for counts in (steady, moved):
        d = design(counts, treated=[210], months_before=12, shape=(20, 20), buffer_rings=1)
        singles = np.flatnonzero(d.comparison)[:, None]
        frame = displacement_table(area_counts(d), placebos=placebo_measures(d, d.sets(singles)))
        shares.append(frame.set_index(["measure", "area"])["called_clear"])
    for key in (("WDD", "treated"), ("NE", "treated"), ("RIRR", "treated"), ("WDD", "ring 1")):
        assert shares[0][key] < 0.09
        assert shares[1][key] > 0.2


# Refusals -------------------------------------------------------------------------------------------


def test_zeros_are_refused_or_made_up_for_openly():
    none = replace(COUNTS, ring_2=(3, 0))
    with pytest.raises(EstimationError, match=r"ring 2 counts of \(3, 0\).*zeros='half'"):
        area_measures(none)
    half = rows_of(none, TableOptions(zeros="half"))
    assert half["RIRR", "ring 2"].estimate == pytest.approx((0.5 / 3.5) / (900.5 / 2000.5))
    assert all(r.note.endswith("half an incident added to every count, one being zero") for r in half.values())
    assert area_measures(COUNTS, TableOptions(zeros="half")) == area_measures(COUNTS)


def test_placebo_neighbourhoods_without_incidents_are_left_out():
    quiet = WORLD.copy()
    quiet[0] = 0
    d = design(quiet, treated=[44], months_before=18, shape=(10, 10), buffer_rings=1)
    sets = d.sets(np.array([[0], [99]]))
    assert len(placebo_measures(d, sets)["RIRR", "treated"]) == 1
    assert len(placebo_measures(d, sets, TableOptions(zeros="half"))["RIRR", "treated"]) == 2


def test_what_is_out_of_range_is_refused():
    for broken, match in (
        (replace(COUNTS, months=(0, 12)), "all above zero"),
        (replace(COUNTS, sizes=AreaWeights(buffer=0)), "all above zero"),
        (replace(COUNTS, ring_1=(-1, 5)), "ring_1 counts"),
        (replace(COUNTS, comparison=(math.nan, 5)), "two counts"),
        (replace(COUNTS, dispersion=0), "dispersion of 0"),
    ):
        with pytest.raises(UsageError, match=match):
            area_measures(broken)
    with pytest.raises(UsageError, match="weigh_by of 'area'; expected incidents or size"):
        TableOptions(weigh_by="area")
    with pytest.raises(UsageError, match="zeros of 'drop'"):
        TableOptions(zeros="drop")
    with pytest.raises(UsageError, match="a level of 95"):
        TableOptions(level=95)

"""Measured error rates: the arithmetic of a rate, the populations, and the selection of each district's worst."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from builders import alike, design, poisson_counts

from cseval.areas import draw_connected
from cseval.design import Design
from cseval.estimators.controlled_its import ControlledITS
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import (
    Gaussian,
    Harmonics,
    ModelErrors,
    NegativeBinomial,
    NeweyWest,
    Poisson,
    PraisWinsten,
    QuasiPoisson,
    SegmentedRegression,
)
from cseval.estimators.segmented_options import automatic_lag
from cseval.inference.calibration import (
    LEVELS,
    LIKE,
    CalibrationPlan,
    Measured,
    calibrate,
    district_sets,
    like_treated,
    places,
    selected_sets,
    selection_bias,
    sets_to_choose,
)
from cseval.inference.choice import enough
from cseval.inference.covariance import ClusterRobust
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.placebo_districts import PlaceboDistricts
from cseval.inference.rate_kernels import among_themselves, are_ranks, clustered_error
from cseval.inference.series_calibration import calibrate_series, distinct_sets, ranked_series
from cseval.inference.spread import scale_of, variance_by_size
from cseval.result import CALIBRATION_COLUMNS
from cseval.sources.demonstration import OUTCOMES, simulate

SIDE, MONTHS, TREATED = 12, 48, [65, 66, 77]
LARGER = [53, 65, 66, 77, 78]  # more sets of this size fit on the map than are drawn of them
PLAN = CalibrationPlan(placebos=6000, tested=4000, step=6, chosen_before=3)


def district(unit: int) -> str:
    row, column = divmod(unit, SIDE)
    return f"D{row // 4}{column // 4}"


def make(seed=1, received=None, districts=True, treated=TREATED, level=6.0) -> Design:
    counts = poisson_counts(SIDE**2, MONTHS, level=level, seed=seed)
    whole = design(counts, treated=treated, months_before=36, shape=(SIDE, SIDE), buffer_rings=1, received=received)
    names = {u: district(i) for i, u in enumerate(whole.units)} if districts else {}
    given = replace(whole.inputs, panel=replace(whole.inputs.panel, districts=names))
    return replace(whole, inputs=given, months_before=12, months_after=6)


def measured(p=(0.01, 0.05, 0.2, math.nan), effect=None, excess=None, place=None, population="all") -> Measured:
    p = np.array(p)
    effect = np.zeros(len(p)) if effect is None else np.array(effect)
    return Measured(
        method="m",
        population=population,
        p_value=p,
        effect=effect,
        excess=effect if excess is None else np.array(excess),
        place=np.arange(len(p)) if place is None else np.array(place),
        starts=3,
        months=(24, 18),
    )


# Arithmetic -------------------------------------------------------------------------------------


def test_a_rate_is_the_share_at_or_below_the_level():
    m = measured()
    assert m.rate(0.01) == pytest.approx(1 / 3)
    assert m.rate(0.05) == pytest.approx(2 / 3)
    assert m.rate(0.04) == pytest.approx(1 / 3)
    assert measured([50 / 1000]).rate(0.05) == measured([0.05 * (1 + 1e-15)]).rate(0.05) == 1.0
    assert math.isnan(measured([math.nan]).rate(0.05))


def error_by_hand(values, place) -> float:
    """Liang and Zeger's error of a mean: sums of deviations within a place count as one observation."""
    values, place = np.array(values), np.array(place)
    groups = sorted(set(place.tolist()))
    squares = sum((values[place == g] - values.mean()).sum() ** 2 for g in groups)
    return math.sqrt(squares * len(groups) / (len(groups) - 1)) / len(values)


@pytest.mark.parametrize("groups", [2, 5, 40])
def test_a_clustered_error_is_statsmodels_for_a_mean(groups):
    import statsmodels.api as sm

    rng = np.random.default_rng(groups)
    place = np.append(np.arange(groups), rng.integers(0, groups, 200)) * 7 + 3  # labels need not count from 0
    values = rng.normal(size=groups)[place // 7] + rng.normal(size=len(place))
    # without statsmodels' factor (n - 1) / (n - k), which is 1 for the one parameter of a mean
    fit = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": place})
    assert clustered_error(values, place) == pytest.approx(float(fit.bse[0]), rel=1e-10)
    assert clustered_error(values, place) == pytest.approx(error_by_hand(values, place), rel=1e-10)


def test_a_clustered_error_of_places_alone_is_the_usual_one_and_of_one_place_unknown():
    values = np.random.default_rng(2).normal(size=30)
    assert clustered_error(values, np.arange(30)) == pytest.approx(values.std(ddof=1) / math.sqrt(30))
    assert clustered_error(values, np.zeros(30, dtype=int)) == 0.0
    assert clustered_error(values[:0], np.zeros(0, dtype=int)) == 0.0


@pytest.mark.parametrize("districts", [1, 4, 1000])
def test_the_error_of_a_rate_is_by_district_and_at_least_binomial(districts):
    p = np.append(np.linspace(0.001, 1, 1000), math.nan)
    place = np.append(np.arange(1000) * districts // 1000, 0)
    for level in LEVELS:
        m = measured(p, place=place)
        rate = m.rate(level)
        binomial = math.sqrt(rate * (1 - rate) / 1000)
        clustered = error_by_hand(p[:-1] <= level + 1e-12, place[:-1]) if districts > 1 else 0.0
        assert m.mc_error(level) == pytest.approx(max(binomial, clustered))
        # all that is rejected lies in the first of four districts, which says much less than 1,000 draws would
        assert (m.mc_error(level) > 3 * binomial) == (districts == 4)
    assert math.isnan(measured([math.nan]).mc_error(0.05))


def test_the_error_of_a_rate_is_by_start_where_that_is_larger():
    """Rates of 87, 19 and 32 % at three starts: places say that nothing is uncertain, starts say that much is."""
    rates = (0.87, 0.19, 0.32)
    p = np.concatenate([np.where(np.arange(100) < 100 * r, 0.01, 0.5) for r in rates])
    place, start = np.tile(np.arange(100), 3), np.repeat(np.arange(3), 100)
    by_start = error_by_hand(p <= 0.05, start)
    assert by_start == pytest.approx(np.std(rates, ddof=1) / math.sqrt(3))
    m = replace(measured(p, place=place), start=start)
    assert m.mc_error(0.05) == pytest.approx(max(by_start, error_by_hand(p <= 0.05, place)))
    assert m.mc_error(0.05) > 0.2
    assert replace(m, start=np.zeros(300, dtype=int)).mc_error(0.05) == measured(p, place=place).mc_error(0.05)
    assert math.isnan(replace(m, by_construction=True).mc_error(0.05))


def test_ranks_among_themselves_are_recognised():
    rng = np.random.default_rng(3)
    effects = rng.normal(size=31)
    p = among_themselves(effects)
    by_hand = [(np.abs(effects) >= abs(e)).sum() / 31 for e in effects]
    assert p == pytest.approx(by_hand)
    assert are_ranks(p)
    assert are_ranks(among_themselves(np.append(effects[:10], effects[:10])))  # ties
    gap = np.append(effects, math.nan)
    assert np.isnan(among_themselves(gap)[-1])
    assert are_ranks(among_themselves(gap))
    assert are_ranks(np.append((np.arange(5) + 3) / 7, [math.nan] * 2))  # two silent ones rank first
    assert not are_ranks(p * 31 / 32)
    assert not are_ranks(rng.uniform(size=31))
    assert not are_ranks(np.array([1.0]))
    assert not are_ranks(p[:20])


@pytest.mark.parametrize("p", [[0.9] * 50, [0.001] * 50])
def test_monte_carlo_error_is_never_zero(p):
    assert measured(p).mc_error(0.05) == pytest.approx(math.sqrt(0.02 * 0.98 / 50), rel=0.02)
    assert measured(p, place=[0] * 25 + [1] * 25).mc_error(0.05) > 0


def test_coverage_is_the_share_that_is_not_rejected_at_every_level():
    rows = measured(np.linspace(0.001, 1, 1000)).rows()
    assert [r["coverage"] for r in rows] == pytest.approx([1 - level for level in LEVELS])


def test_rows_are_the_columns_of_the_calibration_table():
    rows = measured(place=[4, 4, 9, 9]).rows()
    assert [r["level"] for r in rows] == list(LEVELS)
    assert ["evaluation", "analysis", "outcome", *rows[0]][: len(CALIBRATION_COLUMNS)] == list(CALIBRATION_COLUMNS)
    at_five = rows[1]
    assert at_five["placebos"] == 3
    assert at_five["false_positive_rate"] == pytest.approx(2 / 3)
    assert at_five["coverage"] == pytest.approx(1 / 3)
    assert (at_five["placebo_starts"], at_five["months_before"], at_five["months_after"]) == (3, 24, 18)
    assert at_five["districts"] == 2
    assert measured(effect=[1.0, 2.0, 6.0, 99.0]).rows()[0]["bias"] == pytest.approx(3.0)


def test_a_silent_placebo_counts_in_the_rate_and_not_in_the_mean_effect():
    row = measured([0.01, 0.5, 0.5], effect=[math.nan, 0.1, 0.3]).rows()[1]
    assert row["placebos"] == 3
    assert row["false_positive_rate"] == pytest.approx(1 / 3)
    assert row["bias"] == pytest.approx(0.2)


def test_selection_bias_is_the_mean_excess_and_needs_two_places():
    excess = [0.1, 0.3, 0.2, math.nan]
    chosen = measured([0.5] * 4, effect=[9.0] * 4, excess=excess, population="selection")
    bias, error, count = selection_bias([measured(), chosen])
    assert (bias, error, count) == (pytest.approx(0.2), pytest.approx(0.1 / math.sqrt(3)), 3)
    for few in ([], [measured()], [measured([0.5], population="selection")]):
        bias, error, count = selection_bias(few)
        assert math.isnan(bias)
        assert math.isnan(error)
        assert count == 0


def test_the_error_of_the_selection_bias_is_by_district_where_that_is_larger():
    excess, place = [0.1, 0.12, 0.4, 0.42, -0.3, -0.31], [0, 0, 1, 1, 2, 2]
    _, error, _ = selection_bias([measured([0.5] * 6, excess=excess, place=place, population="selection")])
    assert error == pytest.approx(error_by_hand(excess, place))
    assert error > np.std(excess, ddof=1) / math.sqrt(6)
    _, apart, _ = selection_bias([measured([0.5] * 6, excess=excess, place=[0, 1, 1, 2, 2, 0], population="selection")])
    assert apart == pytest.approx(np.std(excess, ddof=1) / math.sqrt(6))


# Populations ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Measured]:
    all_of_them = calibrate(make(), PoissonDiD(), PlaceboNeighbourhoods(draws=99), [ClusterRobust()], PLAN, seed=3)
    return {(m.method, m.population): m for m in all_of_them}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Measured]:
    at_random = calibrate(make(treated=LARGER), PoissonDiD(), PlaceboNeighbourhoods(draws=99), [], PLAN, seed=3)
    return {m.population: m for m in at_random}


def connected_triples(at: Design) -> int:
    """On a lattice without diagonals every connected triple is a unit in the middle and two of its neighbours."""
    near = [[n for n in at.areas.neighbours[i] if at.comparison[n]] for i in np.flatnonzero(at.comparison)]
    return sum(math.comb(len(n), 2) for n in near)


def test_both_methods_are_measured_on_the_same_three_populations(found):
    methods = ("placebo neighbourhoods", "cluster-robust")
    assert set(found) == {(m, p) for m in methods for p in ("all", "matched", "selection")}
    for population in ("all", "matched", "selection"):
        one, other = (found[m, population].effect for m in methods)
        assert one.tolist() == other.tolist()


def test_numbers_tested_are_those_planned(drawn):
    starts = len(make(treated=LARGER).placebo_starts(PLAN.step))
    assert starts == 4
    every = drawn["all"]
    assert len(every.p_value) == PLAN.tested
    assert (every.starts, every.months) == (starts, (12, 6))
    assert 0 < len(drawn["matched"].p_value) <= PLAN.tested
    assert len(drawn["selection"].p_value) <= 9 * starts


def test_where_fewer_sets_exist_than_planned_every_one_is_tested_once_at_each_start(found):
    d = make()
    every = found["placebo neighbourhoods", "all"]
    expected = [connected_triples(d.at(start)) for start in d.placebo_starts(PLAN.step)]
    assert len(every.p_value) == sum(expected) < PLAN.tested
    assert np.isfinite(every.p_value).all()
    assert (every.starts, every.months) == (4, (12, 6))
    for start, count in zip(d.placebo_starts(PLAN.step), expected, strict=True):
        sets = PlaceboNeighbourhoods().reference(d.at(start), PoissonDiD(), PLAN.placebos // 4, 1).sets
        assert sets.exact
        assert len(sets) == sets.distinct == count
    like = [like_treated(d, d.at(s), reference_sets(d.at(s))).sum() for s in d.placebo_starts(PLAN.step)]
    assert len(found["placebo neighbourhoods", "matched"].p_value) == sum(like) < sum(expected)
    # nine districts at each of the three starts that have a whole year before the decision
    assert len(found["placebo neighbourhoods", "selection"].p_value) == 27


def test_places_are_districts_and_units_without_one_stand_alone(found):
    for m in found.values():
        assert len(m.place) == len(m.p_value)
        assert len(np.unique(m.place)) <= 9
    assert len(np.unique(found["placebo neighbourhoods", "all"].place)) == 9
    d = make()
    members = np.array([[0, 1, 2], [3, 4, 16], [40, 41, 42], [13, 14, 15]])
    code = places(d, members)  # the district of the first unit
    assert code[0] == code[1] == code[3] != code[2]
    assert len(set(places(make(districts=False), members).tolist())) == 4


def reference_sets(at: Design):
    return PlaceboNeighbourhoods().reference(at, PoissonDiD(), PLAN.placebos // 4, 1).sets


@pytest.mark.parametrize(("treated", "tested", "districts"), [(TREATED, 621, 9), (LARGER, 1000, 8)])
def test_excess_is_the_effect_less_the_mean_of_all_at_its_start(found, drawn, treated, tested, districts):
    whole = {p: found["placebo neighbourhoods", p] for p in drawn} if treated is TREATED else drawn
    every, d = whole["all"], make(treated=treated)
    share = PLAN.placebos // 4
    centre = []
    for number, start in enumerate(d.placebo_starts(PLAN.step), start=1):
        at = d.at(start)
        reference = PlaceboNeighbourhoods().reference(at, PoissonDiD(), share, 3 + number)
        assert reference.sets.exact == (treated is TREATED)
        centre.append(reference.effects.effect.mean())
    assert every.effect - every.excess == pytest.approx(np.repeat(centre, tested))
    chosen = whole["selection"]
    # the earliest start has no whole year before the decision, so nothing could be chosen there; and the district
    # of a larger treated area has no room for another one
    assert chosen.effect - chosen.excess == pytest.approx(np.repeat(centre[:3], districts))
    bias, _, _ = selection_bias(list(whole.values()))
    assert bias == pytest.approx(np.mean(chosen.effect) - np.mean(centre[:3]))


def test_it_is_a_function_of_the_seed():
    plan, d = replace(PLAN, placebos=200), make(treated=LARGER)
    runs = [calibrate(d, PoissonDiD(), PlaceboNeighbourhoods(), [], plan, seed) for seed in (1, 1, 2)]
    assert runs[0][0].p_value.tolist() == runs[1][0].p_value.tolist()
    assert runs[0][0].p_value.tolist() != runs[2][0].p_value.tolist()


def test_where_every_set_is_tested_the_seed_does_not_matter():
    plan = replace(PLAN, placebos=200)
    one, other = (calibrate(make(), PoissonDiD(), PlaceboNeighbourhoods(), [], plan, seed) for seed in (1, 2))
    assert [m.population for m in one] == ["all", "matched", "selection"]
    for a, b in zip(one, other, strict=True):
        assert sorted(a.p_value.tolist()) == sorted(b.p_value.tolist())
        assert sorted(a.effect.tolist()) == sorted(b.effect.tolist())


def test_a_placebo_without_an_effect_has_no_p_value_and_does_not_count_in_the_rate():
    d = make(level=0.3)  # three units have five incidents in six months on average, and some have none
    methods = [ClusterRobust()]
    for m in calibrate(d, PoissonDiD(), PlaceboNeighbourhoods(), methods, replace(PLAN, placebos=200), 1):
        silent = ~np.isfinite(m.effect)
        assert np.isnan(m.p_value).tolist() == silent.tolist()
        assert m.rows()[1]["placebos"] == np.count_nonzero(~silent)
        assert m.rate(0.05) == np.count_nonzero(m.p_value[~silent] <= 0.05) / np.count_nonzero(~silent)
        if m.population == "all":
            assert 0 < silent.sum() < len(silent) / 2


def test_no_placebo_touches_the_months_of_the_programme():
    d = make()
    counts = d.inputs.panel.counts["burglary"].copy()
    counts[:, 36:] = 10**6
    poisoned = replace(d, inputs=replace(d.inputs, panel=replace(d.inputs.panel, counts={"burglary": counts})))
    plan = replace(PLAN, placebos=200)
    a, b = (calibrate(x, PoissonDiD(), PlaceboNeighbourhoods(), [], plan, 1) for x in (d, poisoned))
    assert {m.population: m.effect.tolist() for m in a if m.population != "matched"} == {
        m.population: m.effect.tolist() for m in b if m.population != "matched"
    }


def test_a_shorter_window_is_measured_where_the_registered_one_does_not_fit_and_says_so():
    long = replace(make(), months_before=30, months_after=12)
    assert long.placebo_starts() == ()
    first = calibrate(long, PoissonDiD(), PlaceboNeighbourhoods(), [], replace(PLAN, placebos=200), 1)[0]
    before, after = first.months
    assert before + after <= 36
    assert 15 <= before < 30
    assert 6 <= after <= 12


def test_each_placebo_is_ranked_among_the_others_like_it():
    d = make()
    placebos = PlaceboNeighbourhoods().reference(d, PoissonDiD(), 400, 1)
    p = PlaceboNeighbourhoods().test_many(placebos, placebos, among=True)
    effects = placebos.effects
    statistics = np.abs(effects.effect / scale_of(effects, variance_by_size(effects)))
    widths = set()
    for k, own in enumerate(statistics):
        like, _ = alike(effects.size.tolist(), effects.size[k])
        assert k in like
        others = statistics[[i for i in like if i != k]]
        widths.add(len(others))
        assert p[k] == pytest.approx((1 + (others >= own * (1 - 1e-12)).sum()) / (1 + len(others)))
    assert min(widths) < 300 < max(widths) + 100


def test_nothing_is_measured_where_nothing_fits():
    no_past = replace(make().at(make().inputs.panel.periods[12]), months_before=12, months_after=24)
    assert calibrate(no_past, PoissonDiD(), PlaceboNeighbourhoods(), [], PLAN, 1) == ()


def test_a_start_before_anything_was_counted_is_left_out():
    d = make()
    counts = d.inputs.panel.counts["burglary"].copy()
    counts[:, :24] = 0  # the two earliest placebo starts compare nothing with something
    quiet = replace(d, inputs=replace(d.inputs, panel=replace(d.inputs.panel, counts={"burglary": counts})))
    plan = replace(PLAN, placebos=200, tested=200)
    found = {m.population: m for m in calibrate(quiet, PoissonDiD(), PlaceboNeighbourhoods(), [], plan, 1)}
    assert found["all"].starts == 1
    assert np.isfinite(found["all"].p_value).all()
    silent = replace(d, inputs=replace(d.inputs, panel=replace(d.inputs.panel, counts={"burglary": counts * 0})))
    assert calibrate(silent, PoissonDiD(), PlaceboNeighbourhoods(), [], plan, 1) == ()


def test_districts_are_measured_on_their_own_population_only():
    d = make()
    home = frozenset(u for i, u in enumerate(d.units) if district(i) == district(TREATED[0]))
    inside = replace(d, pool=home - d.treated)
    populations = {m.population for m in calibrate(inside, PoissonDiD(), PlaceboDistricts(draws=99), [], PLAN, 1)}
    assert populations == {"all"}


def test_matched_sets_have_a_count_like_the_treated_areas(monkeypatch):
    from cseval.inference import calibration

    seen = []
    real = calibration.like_treated

    def watched(design, at, sets):
        like = real(design, at, sets)
        seen.append((design, at, sets, like))
        return like

    monkeypatch.setattr(calibration, "like_treated", watched)
    calibrate(make(), PoissonDiD(), PlaceboNeighbourhoods(), [], replace(PLAN, placebos=400), 1)
    for d, at, sets, like in seen:
        typical = np.median([d.pre_counts[m].sum() for m in sets.members])
        own = d.pre_counts[TREATED].sum() / typical
        then = np.array([at.pre_counts[m].sum() for m in sets.members])
        ratio = then / np.median(then) / own
        assert like.tolist() == ((ratio >= 1 / LIKE) & (ratio <= LIKE)).tolist()
        assert 0 < like.sum() < len(like)


# Selection --------------------------------------------------------------------------------------


def worst_by_hand(at: Design, year: np.ndarray) -> dict[str, float]:
    """The highest total of three adjoining comparison units in each district, over every combination."""
    best: dict[str, float] = {}
    for name in sorted({district(i) for i in range(SIDE**2)}):
        units = [i for i in range(SIDE**2) if district(i) == name and at.comparison[i]]
        for chosen in combinations(units, 3):
            total = year[list(chosen)].sum()
            if total > best.get(name, -1) and len(at.areas.components([at.units[i] for i in chosen])) == 1:
                best[name] = total
    return best


@pytest.mark.parametrize("chosen_before", [0, 3, 9])
def test_selection_picks_the_worst_connected_set_of_each_district(chosen_before):
    d = make(seed=4)
    at = d.at(d.placebo_starts(6)[1])
    end = d.inputs.panel.periods.index(at.start) - chosen_before
    year = d.inputs.panel.counts["burglary"][:, end - 12 : end].sum(axis=1)
    chosen = selected_sets(at, chosen_before)
    found = {district(row[0]): year[row].sum() for row in chosen.tolist()}
    assert found == worst_by_hand(at, year)
    assert all(len({district(i) for i in row}) == 1 for row in chosen.tolist())


def test_selection_follows_the_outcome_by_which_the_programme_chose():
    d = make(seed=4)
    other = poisson_counts(SIDE**2, MONTHS, seed=77)
    counts = {**d.inputs.panel.counts, "disorder": other}
    d = replace(d, inputs=replace(d.inputs, panel=replace(d.inputs.panel, counts=counts)))
    at = d.at(d.placebo_starts(6)[1])
    end = d.inputs.panel.periods.index(at.start) - 3
    year = other[:, end - 12 : end].sum(axis=1)
    chosen = selected_sets(at, 3, "disorder")
    assert {district(r[0]): year[r].sum() for r in chosen.tolist()} == worst_by_hand(at, year)
    assert chosen.tolist() != selected_sets(at, 3).tolist()
    assert selected_sets(at, 3, "burglary").tolist() == selected_sets(at, 3).tolist()
    # and in the whole calibration the effects are those of these sets, on the outcome under test
    plan = replace(PLAN, placebos=200, selected_on="disorder")
    found = {m.population: m for m in calibrate(d, PoissonDiD(), PlaceboNeighbourhoods(), [], plan, 1)}
    expected = []
    for start in d.placebo_starts(6):
        then = d.at(start)
        sets = selected_sets(then, 3, "disorder")
        if sets is not None:
            expected += [PoissonDiD().estimate(then.treating([d.units[i] for i in row])).effect for row in sets]
    assert found["selection"].effect == pytest.approx(np.array(expected))


def test_selection_needs_districts_and_a_whole_year():
    d = make()
    at = d.at(d.placebo_starts(6)[-1])
    assert d.inputs.panel.periods.index(at.start) == 12
    assert selected_sets(at, 0) is not None
    assert selected_sets(at, 1) is None
    assert selected_sets(make(districts=False), 0) is None


def test_a_month_not_received_is_not_read_as_a_quiet_month():
    received = np.ones((SIDE**2, MONTHS), dtype=bool)
    received[0, 2:8] = False  # before the window of the design below, in its year of selection
    d = make(seed=4, received=received)
    at = replace(d.at(d.inputs.panel.periods[26]), months_before=12)
    assert at.comparison[0]
    counts = d.inputs.panel.counts["burglary"]
    year = counts[:, [m for m in range(2, 14) if received[:, m].all()]].sum(axis=1)
    chosen = selected_sets(at, 12)
    assert {district(r[0]): year[r].sum() for r in chosen.tolist()} == worst_by_hand(at, year)


def test_sets_of_districts_follow_the_pool_of_each_comparison():
    d = make()
    districts = d.inputs.panel.districts
    whole = np.ones(SIDE**2, dtype=bool)
    every = district_sets(d.areas, districts, whole, 2)
    assert [len(s) for s in every] == [24] * 9  # sides between the units of a four by four square
    pool = whole.copy()
    pool[0] = False  # takes two pairs of its district with it
    assert sorted(len(s) for s in district_sets(d.areas, districts, pool, 2)) == [22] + [24] * 8


# The placebo test on the demonstration ----------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_placebo_test_keeps_every_level_on_the_demonstration(on_demonstration, level):
    m = on_demonstration["placebo neighbourhoods", "all"]
    assert m.rate(level) == pytest.approx(level, abs=3 * m.mc_error(level))


def test_cluster_robust_errors_do_not_on_the_demonstration(on_demonstration):
    assert on_demonstration["cluster-robust", "all"].rate(0.05) > 0.12


@pytest.mark.parametrize("level", LEVELS)
def test_it_keeps_every_level_against_placebos_drawn_apart(demonstration, level):
    # among the very placebos it is ranked with it is right by construction; here the two are drawn separately
    method, starts, each = PlaceboNeighbourhoods(), demonstration.placebo_starts(6), 3000
    rejected = []
    for number, start in enumerate(starts):
        at = demonstration.at(start)
        tested, reference = (method.reference(at, PoissonDiD(), each, 100 * number + k) for k in (1, 2))
        rejected.append((method.test_many(tested, reference) <= level + 1e-12).mean())
    error = math.sqrt(level * (1 - level) * 2 / (each * len(starts)))
    assert np.mean(rejected) == pytest.approx(level, abs=3 * error)


@pytest.fixture(scope="module")
def demonstration() -> Design:
    asb = "anti_social_behaviour"
    given = simulate(11, {asb: OUTCOMES[asb]})
    whole = Design.build(given, asb, start="2018-05", months_before=24, months_after=18)
    return replace(whole, months_before=12, months_after=12)


@pytest.fixture(scope="module")
def on_demonstration(demonstration) -> dict[tuple[str, str], Measured]:
    d = replace(demonstration, months_before=24, months_after=18)
    plan = CalibrationPlan(placebos=8000, chosen_before=9)
    found = calibrate(d, PoissonDiD(), PlaceboNeighbourhoods(), [ClusterRobust()], plan, seed=1)
    return {(m.method, m.population): m for m in found}


# Time series ------------------------------------------------------------------------------------


def test_a_series_model_is_fitted_to_placebo_places_and_starts():
    d = make(seed=5)
    model = SegmentedRegression(season=None, slope=False)
    m = calibrate_series(d, model, step=6, seed=1)
    assert m.population == "all"
    assert m.method == model.estimate(d).inference
    assert (len(m.p_value), m.starts, m.months) == (model.affordable_series, 4, (12, 6))
    quarters = np.split(m.effect, 4), np.split(m.excess, 4)
    for effect, excess in zip(*quarters, strict=True):
        assert effect - excess == pytest.approx(np.full(len(effect), effect.mean()))
    assert len(np.unique(m.place)) == 9
    assert 0 < m.rate(0.05) < 0.4
    late = replace(d.at(d.inputs.panel.periods[12]), months_before=12, months_after=24)
    assert calibrate_series(late, model, step=6, seed=1) is None


def test_a_series_model_that_fits_nowhere_measures_nothing():
    silent = make()
    counts = np.zeros_like(silent.inputs.panel.counts["burglary"])
    panel = replace(silent.inputs.panel, counts={"burglary": counts})
    silent = replace(silent, inputs=replace(silent.inputs, panel=panel))
    short = replace(make(), months_before=6)  # a segmented regression asks for eight months before
    for family in (Poisson(), NegativeBinomial()):
        model = SegmentedRegression(family=family, errors=NeweyWest(), season=None, slope=False)
        assert calibrate_series(silent, model, step=6, seed=1) is None
        assert calibrate_series(short, model, step=6, seed=1) is None


OPTIONS = {
    "together": SegmentedRegression(season=None, slope=False),
    "relative": SegmentedRegression(relative_to_comparison=True, season=None),
    "harmonics": SegmentedRegression(season=Harmonics(pairs=1), errors=NeweyWest(lag=2)),
    "one by one": SegmentedRegression(family=QuasiPoisson(), errors=ModelErrors(), season=None, slope=False),
    "gaussian": SegmentedRegression(family=Gaussian(), errors=PraisWinsten(), season=None, slope=False),
}


@pytest.mark.parametrize("model", OPTIONS.values(), ids=OPTIONS)
def test_each_placebo_series_is_the_estimate_of_that_design(model):
    whole = make(seed=6)
    d = replace(whole.at(whole.inputs.panel.periods[24]), months_before=24, months_after=12)
    sets = d.sets(draw_connected(d.areas, d.comparison, 3, 6, np.random.default_rng(2)))
    many = model.estimate_series(d, sets)
    for members, effect, p_value in zip(sets.members, many.effect, many.p_value, strict=True):
        alone = model.estimate(d.treating([d.units[i] for i in members]))
        per_unit = 1.0 if alone.scale == "log" else alone.treated_units  # a count is reported for each unit
        assert effect == pytest.approx(alone.effect * per_unit, rel=1e-6)
        assert p_value == pytest.approx(alone.p_value, rel=1e-5, abs=1e-12)
        assert many.method == alone.inference


# One unit a district ----------------------------------------------------------------------------


def single_units(districts) -> Design:
    """One treated unit of 32; `districts` names the district of each position."""
    counts = poisson_counts(32, MONTHS, level=60, seed=2)
    whole = design(counts, treated=[13], months_before=36, shape=(4, 8))
    names = {u: districts(i) for i, u in enumerate(whole.units)}
    given = replace(whole.inputs, panel=replace(whole.inputs.panel, districts=names))
    return replace(whole, inputs=given, months_before=12, months_after=6)


def test_where_every_district_holds_one_such_set_nothing_is_chosen():
    alone = single_units(lambda i: f"B{i}")
    at = alone.at(alone.placebo_starts(6)[0])
    assert sets_to_choose(at) == ()
    assert selected_sets(at, 0) is None
    found = calibrate(alone, PoissonDiD(), PlaceboNeighbourhoods(draws=99), [ClusterRobust()], PLAN, seed=3)
    assert {m.population for m in found} == {"all", "matched"}
    assert {(m.method, m.population) for m in found if m.by_construction} == {("placebo neighbourhoods", "all")}
    assert not any(enough(m) for m in found if m.by_construction)
    assert selection_bias(found)[2] == 0


def test_one_district_with_a_choice_is_enough_and_the_others_are_kept():
    some = single_units(lambda i: "A" if i < 2 else f"B{i}")
    at = some.at(some.placebo_starts(6)[0])
    chosen = selected_sets(at, 0)
    assert len(chosen) == 30  # 31 comparison units less the one of the first two that was not chosen
    end = some.inputs.panel.periods.index(at.start)
    year = some.inputs.panel.counts["burglary"][:, end - 12 : end].sum(axis=1)
    assert {i for i in chosen[:, 0].tolist() if i < 2} == {int(np.argmax(year[:2]))}


def test_wards_choose_as_before():
    d = make(seed=4)
    at = d.at(d.placebo_starts(6)[1])
    every = district_sets(at.areas, at.inputs.panel.districts, at.comparison, 3)
    assert all(np.array_equal(a, b) for a, b in zip(sets_to_choose(at), every, strict=True))
    assert len(every) == 9


def test_single_units_are_fitted_once_at_each_start_and_their_ranks_are_an_identity():
    alone = single_units(lambda i: f"B{i}")
    found = calibrate_series(alone, SegmentedRegression(season=None, slope=False), step=6, seed=1)
    assert len(found.p_value) == 31 * found.starts
    assert np.bincount(found.start).tolist() == [31] * found.starts
    assert not found.by_construction
    ranked = ranked_series(found, "placebo series")
    assert (ranked.method, ranked.by_construction) == ("placebo series", True)
    assert ranked.rate(0.05) == pytest.approx(1 / 31)
    assert ranked.p_value[found.start == 1].tolist() == among_themselves(found.effect[found.start == 1]).tolist()


@pytest.mark.parametrize("share", [5, 31, 200])
def test_sets_are_different_and_all_of_them_where_there_are_no_more(share):
    at = single_units(lambda i: f"B{i}")
    sets = distinct_sets(at, share, np.random.default_rng(1))
    assert len(np.unique(sets, axis=0)) == len(sets) == min(share, 31)
    many = distinct_sets(make(treated=LARGER), share, np.random.default_rng(1))
    assert len(np.unique(many, axis=0)) == len(many) <= share


@pytest.mark.parametrize("model", [SegmentedRegression(season=None), ControlledITS(season=None)])
def test_an_automatic_lag_stays_that_of_the_registered_window(model):
    alone = single_units(lambda i: f"B{i}")
    late = replace(alone.at(alone.inputs.panel.periods[28]), months_before=28, months_after=20)
    found = calibrate_series(late, model, step=2, seed=1)
    assert sum(found.months) < 48
    assert found.method == model.estimate(late).inference
    assert model.settled(late).errors.lag == automatic_lag(48) > automatic_lag(sum(found.months))
    fixed = replace(model, errors=NeweyWest(lag=1))
    assert fixed.settled(late) == fixed

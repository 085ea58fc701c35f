"""Power measured on placebo neighbourhoods: against calibration, the textbook shift, theory and the whole pipeline."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from builders import FIRST, analysis, evaluation, inputs, lattice, unit_codes

from cseval import power
from cseval.analyse import Settings, design_of, detectable_percent
from cseval.areas import draw_connected
from cseval.errors import DesignError, EstimationError, UsageError
from cseval.estimators.linear_did import LinearDiD
from cseval.inference.calibration import CalibrationPlan, calibrate
from cseval.inference.covariance import ClusterRobust
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.power_curve import PowerCurve, crossing
from cseval.months import add_months
from cseval.power import PowerResult, detectable_words, power_of
from cseval.power_plan import PowerPlan
from cseval.reporting.figures import Figure, render
from cseval.reporting.figures_power import power_figure
from cseval.spec import Programme, Window

SIDE, MONTHS = 14, 60
BEFORE, AFTER, START = 12, 6, add_months(FIRST, 48)
TREATED = (0, 1, 2, SIDE, SIDE + 1)
DISPERSION = 0.05
SETTINGS = Settings(draws=499, seed=3, plan=CalibrationPlan(placebos=6000, tested=2000))


def mean_counts(rng):
    level = np.log(12) + 0.2 * rng.normal(size=(SIDE**2, 1)) + 0.1 * rng.normal(size=MONTHS)
    return np.exp(level)


def draw(rng, mean):
    return rng.poisson(mean * rng.gamma(1 / DISPERSION, DISPERSION, mean.shape)).astype(np.int64)


def given(counts, treated=TREATED):
    """Inputs whose districts are blocks of the lattice."""
    made = inputs(counts, treated=treated, shape=(SIDE, SIDE))
    codes = unit_codes(SIDE**2)
    districts = {u: f"D{(i // SIDE) // 4}{(i % SIDE) // 4}" for i, u in enumerate(codes)}
    return replace(made, panel=replace(made.panel, districts=districts))


def declared(**changes):
    primary = analysis(**{"inference": (PlaceboNeighbourhoods(),), **changes})
    return evaluation(
        programme=Programme(name="Programme", start=START, roles="roles.csv"),
        window=Window(first=add_months(START, -BEFORE), last=add_months(START, AFTER - 1)),
        analyses=(primary,),
    )


#: Half of the effects that are measured by default, to save time.
GRID = (-60.0, -40.0, -30.0, -25.0, -20.0, -15.0, -10.0, 0.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 60.0, 100.0)
REGISTERED = declared()
PRIMARY = REGISTERED.primary


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    return given(draw(rng, mean_counts(rng)))


@pytest.fixture(scope="module")
def measured(data):
    return power_of(REGISTERED, PRIMARY, data, SETTINGS, PowerPlan(follow_up=(3, 12), effects=GRID))


def at_effect(result, effect, months=AFTER):
    rows = result.curve[(result.curve["effect_percent"] == effect) & (result.curve["months_after"] == months)]
    return rows.iloc[0]


def at_months(result, months=AFTER):
    return result.detectable.set_index("months_after").loc[months]


def test_power_without_an_effect_is_the_calibrated_error_rate(data, measured):
    design = design_of(REGISTERED, PRIMARY, data)
    method = PlaceboNeighbourhoods(draws=499)
    inferred = method.infer(design, PRIMARY.estimator, PRIMARY.estimator.estimate(design), 3)
    method = replace(method, match=inferred.facts["match_factor"])
    rates = calibrate(design, PRIMARY.estimator, method, (), SETTINGS.plan, 3)
    matched = next(m for m in rates if m.population == "matched")
    none = at_effect(measured, 0.0)
    assert none["power"] == matched.rate(0.05)
    assert none["mc_error"] == pytest.approx(matched.mc_error(0.05))
    assert none["placebos"] == len(matched.p_value)
    row = at_months(measured)
    assert (row["size"], row["size_error"]) == (none["power"], none["mc_error"])


class Recorder(PlaceboNeighbourhoods):
    """A test that rejects nothing and remembers what it was asked."""

    def test_many(self, tested, reference, among=False):
        self.__dict__.setdefault("asked", []).append((among, tested.effects.effect, reference.effects.effect))
        return np.ones(len(tested))


def test_only_uninjected_placebos_are_ranked_among_themselves(data):
    """An injected one is ranked against the reference as it was, in which its own effect before is one more placebo."""
    method = Recorder()
    design = design_of(REGISTERED, PRIMARY, data)
    reference = method.reference(design.at(design.placebo_starts()[0]), PRIMARY.estimator, 99, 1)
    tested = reference.take(np.arange(20))
    ratios = np.array([0.5, 1.0, 2.0])
    rejected = power._rejected(method, tested, reference, ratios, power._Probe(), 1, np.random.default_rng(1))
    assert rejected.shape == (3, 20)
    (among, none, first), (against, moved, second) = method.asked
    assert (among, against) == (True, False)
    assert (none == tested.effects.effect).all()
    assert (first == reference.effects.effect).all()
    assert (second == reference.effects.effect).all()
    assert moved[20:] == pytest.approx(none + math.log(2))  # a doubling adds no noise
    assert (moved[:20] < none).all()


def test_smallest_detectable_effect_agrees_with_the_shift_of_the_placebo_distribution(data, measured):
    design, found = design_of(REGISTERED, PRIMARY, data), []
    for start in design.placebo_starts():  # one window alone says it to a tenth or so
        at = design.at(start)
        estimate = PRIMARY.estimator.estimate(at)
        inferred = PlaceboNeighbourhoods(draws=999).infer(at, PRIMARY.estimator, estimate, 3)
        found.append(detectable_percent(estimate, inferred))
    fall, rise = np.mean(found, axis=0)
    row = at_months(measured)
    assert row["mde_fall"] == pytest.approx(fall, rel=0.15)
    assert row["mde_rise"] == pytest.approx(rise, rel=0.15)
    assert 0 < row["mde_fall_error"] < 0.15 * abs(fall)


def test_smallest_detectable_effect_is_that_of_theory(data, measured):
    """``(1.96 + 0.84) sd`` of the log ratio, from the dispersion that was simulated and the treated area's count."""
    design = design_of(REGISTERED, PRIMARY, data)
    before = float(design.pre_counts[design.is_treated].sum())
    phi = 1 + DISPERSION * before / (BEFORE * len(TREATED))
    for months in (3, 6, 12):
        after = before * months / BEFORE
        shift = 2.802 * math.sqrt(phi / before + phi / after)
        row = at_months(measured, months)
        assert math.log1p(row["mde_rise"] / 100) == pytest.approx(shift, rel=0.15)
        assert -math.log1p(row["mde_fall"] / 100) == pytest.approx(shift, rel=0.15)


def test_power_grows_with_the_effect_and_the_months(measured):
    for _, rows in measured.curve.groupby("months_after"):
        found, error = rows["power"].to_numpy(), rows["mc_error"].to_numpy()
        none = GRID.index(0.0)
        for side in (np.arange(none, -1, -1), np.arange(none, len(GRID))):
            steps = np.diff(found[side])
            assert (steps >= -2 * np.maximum(error[side][1:], error[side][:-1])).all()
        assert found[0] > 0.99 < found[-1]
    by_months = measured.detectable.set_index("months_after")
    assert by_months["mde_fall"].is_monotonic_increasing  # towards zero
    assert by_months["mde_rise"].is_monotonic_decreasing
    assert list(by_months.index) == [3, 6, 12]


def test_predicted_power_is_the_share_of_runs_that_find_the_effect(measured):
    """Fresh data with a true effect in a random neighbourhood, through the registered estimator and test."""
    rng, effect, runs = np.random.default_rng(12), -15.0, 120
    everywhere = np.ones(SIDE**2, dtype=bool)
    places = draw_connected(lattice(SIDE, SIDE), everywhere, len(TREATED), runs, rng)
    first = MONTHS - 12
    method, found = PlaceboNeighbourhoods(draws=199), 0
    for number, treated in enumerate(places.tolist()):
        mean = mean_counts(rng)
        mean[treated, first:] *= 1 + effect / 100
        design = design_of(REGISTERED, PRIMARY, given(draw(rng, mean), treated))
        estimate = PRIMARY.estimator.estimate(design)
        found += method.infer(design, PRIMARY.estimator, estimate, number).p_value <= 0.05
    row = at_effect(measured, effect)
    assert 0.3 < row["power"] < 0.95  # an effect at which a wrong prediction would show
    error = math.hypot(row["mc_error"], math.sqrt(row["power"] * (1 - row["power"]) / runs))
    assert found / runs == pytest.approx(row["power"], abs=3 * error)


def test_same_seed_same_numbers_other_seed_others(data, measured):
    again, other = (
        power_of(REGISTERED, PRIMARY, data, replace(SETTINGS, seed=s), PowerPlan(effects=GRID)) for s in (3, 4)
    )
    registered = measured.curve[measured.curve["months_after"] == AFTER].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.curve, registered)
    assert again.detectable.loc[0, "mde_fall_error"] == at_months(measured)["mde_fall_error"]
    assert not np.array_equal(other.curve["power"], registered["power"])


def test_post_months_of_the_programme_play_no_part(data, measured):
    """What happens after the start changes nothing; the planner's form needs no month of it."""
    cut = replace(
        data.panel, periods=data.panel.periods[:48], counts={"burglary": data.panel.require("burglary")[:, :48]}
    )
    planned = power_of(
        REGISTERED, PRIMARY, replace(data, panel=cut), SETTINGS, PowerPlan(start=START, months=(6,), effects=GRID)
    )
    whole = power_of(REGISTERED, PRIMARY, data, SETTINGS, PowerPlan(start=START, months=(6,), effects=GRID))
    pd.testing.assert_frame_equal(planned.curve, whole.curve)
    later = PowerPlan(start=add_months(START, 30), months=(6,), effects=GRID)
    beyond = power_of(REGISTERED, PRIMARY, replace(data, panel=cut), SETTINGS, later)
    pd.testing.assert_frame_equal(beyond.curve, whole.curve)  # the last months there are
    assert planned.detectable.loc[0, "mde_fall"] == pytest.approx(at_months(measured)["mde_fall"], rel=0.2)


def test_chosen_areas_stand_in_for_the_programme(data, measured):
    codes = unit_codes(SIDE**2)
    one = power_of(REGISTERED, PRIMARY, data, SETTINGS, PowerPlan(areas=(codes[100],), effects=GRID))
    assert one.detectable.loc[0, "mde_fall"] < 1.5 * at_months(measured)["mde_fall"] < 0  # than five areas


def test_linear_estimates_are_put_through_the_same_injection(data, measured):
    registered = declared(estimator=LinearDiD())
    linear = power_of(registered, registered.primary, data, SETTINGS, PowerPlan(effects=GRID))
    for side in ("mde_fall", "mde_rise"):
        assert linear.detectable.loc[0, side] == pytest.approx(at_months(measured)[side], rel=0.25)


# Curve ------------------------------------------------------------------------------------------------


def test_crossing_lies_on_the_line_between_two_effects():
    ratios = np.exp([0.0, -0.1, -0.2, -0.3])
    assert crossing(ratios, np.array([0.05, 0.4, 0.7, 0.9]), 0.8) == pytest.approx(-0.25)
    assert crossing(ratios, np.array([0.05, 0.4, 0.8, 0.9]), 0.8) == pytest.approx(-0.2)
    dented = np.array([0.05, 0.5, 0.4, 0.9])  # noise is pooled to 0.45, 0.45
    assert crossing(ratios, dented, 0.8) == pytest.approx(-0.2 - 0.1 * 0.35 / 0.45)
    assert crossing(ratios, np.array([0.05, 0.1, 0.2, 0.3]), 0.8) == math.inf
    assert crossing(ratios, np.array([0.9, 1.0, 1.0, 1.0]), 0.8) == 0.0


def binomial_curve(rng, places, each):
    ratios = np.exp(np.linspace(-1, 1, 21))
    share = 0.05 + 0.95 * (1 - np.exp(-8 * np.log(ratios) ** 2))
    rejected = rng.random((len(ratios), places * each)) < share[:, None]
    return PowerCurve(ratios=ratios, rejected=rejected, place=np.repeat(np.arange(places), each))


def test_monte_carlo_error_of_the_smallest_effect_is_its_spread_over_repetitions():
    rng = np.random.default_rng(13)
    found = [binomial_curve(rng, 40, 10).detectable(rise=False, seed=1) for _ in range(30)]
    spread = np.std([change for change, _ in found])
    assert np.mean([error for _, error in found]) == pytest.approx(spread, rel=0.4)


def test_dependence_within_districts_widens_the_error():
    rng = np.random.default_rng(14)
    free = binomial_curve(rng, 200, 1)
    copied = PowerCurve(
        ratios=free.ratios, rejected=np.repeat(free.rejected, 10, axis=1), place=np.repeat(free.place, 10)
    )
    inside = (free.power > 0) & (free.power < 1)
    assert copied.error[inside] == pytest.approx(free.error[inside], rel=0.05)
    assert copied.detectable(rise=True, seed=2) == pytest.approx(free.detectable(rise=True, seed=2))


def test_what_is_never_reached_is_infinite_and_has_no_error():
    never = PowerCurve(
        ratios=np.array([0.5, 1.0, 2.0]), rejected=np.zeros((3, 50), dtype=bool), place=np.arange(50) % 7
    )
    assert never.detectable(rise=False, seed=1) == pytest.approx((-math.inf, math.nan), nan_ok=True)
    assert never.detectable(rise=True, seed=1) == pytest.approx((math.inf, math.nan), nan_ok=True)
    assert never.size[0] == 0
    assert never.size[1] > 0


# Words and figure -------------------------------------------------------------------------------------

ROW = {
    "months_after": 18,
    "outcome": "robbery",
    "mde_fall": -27.2,
    "mde_fall_error": 1.52,
    "mde_rise": math.inf,
    "mde_rise_error": math.nan,
    "largest_fall": -80.0,
    "largest_rise": 150.0,
    "size": 0.05,
    "size_error": 0.01,
}


def test_words():
    assert detectable_words(ROW) == (
        "With 18 months of follow-up, a fall of 27% (Monte Carlo error 1.5 points) or only a rise of more than 150% in "
        "robbery would be detected four times in five."
    )
    loose = detectable_words({**ROW, "size": 0.161, "months_after": 1})
    assert loose.startswith("With 1 month of follow-up")
    assert loose.endswith("but the same test finds an effect where there is none in 16% of cases rather than 5%.")


def test_results_of_several_analyses_stand_one_after_the_other(measured):
    both = PowerResult.join([measured, measured])
    assert len(both.curve) == 2 * len(measured.curve)
    assert both.words() == measured.words() * 2


def test_figure_says_the_finding_and_draws_the_same_bytes(measured):
    figure = power_figure(measured, source="a source", data="demonstration")
    assert isinstance(figure, Figure)
    row = at_months(measured, 12)
    assert f"with 12 months of follow-up a fall of {abs(row['mde_fall']):.0f}%" in figure.alt
    assert figure.mark
    assert set(figure.data["months_after"]) == {3, 6, 12}
    assert render(figure).svg == render(figure).svg
    empty = PowerResult(curve=measured.curve.iloc[:0], detectable=measured.detectable.iloc[:0])
    assert "left out" in power_figure(empty)


# Refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "error", "words"),
    [
        (PowerPlan(months=(40,)), DesignError, "12 months before and 40 after need 52 months, and the data hold 48"),
        (PowerPlan(start=FIRST), DesignError, "a start after the first month with counts, 2015-01"),
        (PowerPlan(start="2014-06"), DesignError, "a start in 2014-06"),
        (PowerPlan(areas=("U999",)), UsageError, "no area 'U999' in the data"),
        (PowerPlan(areas=("U100", "U130")), DesignError, "2 separate neighbourhoods .apart from the rest: U130"),
        (PowerPlan(before=47), DesignError, "47 months before and 6 after"),
    ],
    ids=lambda v: str(v) if isinstance(v, PowerPlan) else "",
)
def test_refused(data, plan, error, words):
    with pytest.raises(error, match=words):
        power_of(REGISTERED, PRIMARY, data, SETTINGS, plan)


def test_further_months_that_do_not_fit_are_said(data):
    result = power_of(REGISTERED, PRIMARY, data, SETTINGS, PowerPlan(follow_up=(40,), effects=(-30.0, 0.0, 30.0)))
    assert list(result.detectable["months_after"]) == [6]
    assert result.notes[0].startswith(
        "primary: 40 months of follow-up are left out; 12 months before and 40 after need"
    )


def test_an_area_without_incidents_is_refused(data):
    counts = data.panel.require("burglary").copy()
    counts[list(TREATED)] = 0
    silent = replace(data, panel=replace(data.panel, counts={"burglary": counts}))
    with pytest.raises(EstimationError, match="no incident in the treated area in the 12 months before"):
        power_of(REGISTERED, PRIMARY, silent, SETTINGS)


def test_an_area_like_no_other_is_refused(data):
    counts = data.panel.require("burglary").copy()
    counts[list(TREATED)] *= 40
    busy = replace(data, panel=replace(data.panel, counts={"burglary": counts}))
    with pytest.raises(EstimationError, match="no placebo neighbourhood has a count like the treated area's"):
        power_of(REGISTERED, PRIMARY, busy, SETTINGS)


def test_tests_that_cannot_be_run_on_injected_effects_are_refused(data):
    robust = declared(inference=(ClusterRobust(),))
    with pytest.raises(UsageError, match="cannot be run on injected effects"):
        power_of(robust, robust.primary, data, SETTINGS)
    less = declared(subtract_selection=True)
    with pytest.raises(UsageError, match="subtracts a measured bias"):
        power_of(less, less.primary, data, SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"months": (0,)},
        {"before": 0},
        {"start": "2018"},
        {"effects": (-10.0, 10.0)},
        {"effects": (-100.0, 0.0)},
        {"simulations": 5},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(UsageError):
        PowerPlan(**wrong)

"""What analyses are given together: p-values adjusted for their number, and the effects that would be detected."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import FIRST, analysis, evaluation, lattice, unit_codes

from cseval.afterwards import adjusted, with_power
from cseval.analyse import Settings, run_analysis
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.calibration import CalibrationPlan
from cseval.inference.covariance import ClusterRobust
from cseval.inference.multiplicity import holm, step_down
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inputs import Inputs, Roles
from cseval.months import add_months, month_range
from cseval.panel import Panel
from cseval.spec import Programme, Window

SIDE, MONTHS, BEFORE, AFTER = 14, 60, 12, 6
START = add_months(FIRST, 48)
TREATED = (0, 1, 2, SIDE, SIDE + 1)
SETTINGS = Settings(draws=299, seed=3, plan=CalibrationPlan(placebos=2000, tested=600))
OUTCOMES = ("burglary", "robbery", "theft", "arson")
WINDOW = Window(first=add_months(START, -BEFORE), last=add_months(START, AFTER - 1))


def given(first=FIRST):
    """Four outcomes on a lattice that rise and fall together; burglary and robbery fell in the treated area."""
    rng = np.random.default_rng(11)
    months = month_range(FIRST, add_months(FIRST, MONTHS - 1))
    shared = np.log(12) + 0.2 * rng.normal(size=(SIDE**2, 1)) + 0.1 * rng.normal(size=MONTHS)
    common = rng.gamma(20, 1 / 20, (SIDE**2, MONTHS))
    counts = {}
    for outcome, effect in zip(OUTCOMES, (-0.2, -0.25, 0.0, 0.05), strict=True):
        mean = np.exp(shared) * common
        mean[list(TREATED), 48:] *= np.exp(effect)
        kept = slice(months.index(first), None)
        counts[outcome] = rng.poisson(mean).astype(np.int64)[:, kept]
    codes = unit_codes(SIDE**2)
    return Inputs(
        panel=Panel(units=codes, periods=months[months.index(first) :], counts=counts),
        areas=lattice(SIDE, SIDE),
        roles=Roles(treated=frozenset(codes[i] for i in TREATED)),
    )


def declared(**changes):
    others = [analysis(o, outcome=o, role="secondary", **changes) for o in OUTCOMES[1:]]
    later = analysis("later", role="sensitivity", start=add_months(START, 1))
    return evaluation(
        programme=Programme(name="Programme", start=START, roles="roles.csv"),
        window=WINDOW,
        analyses=(analysis(), *others, later),
    )


def run(declaration, inputs):
    return [run_analysis(declaration, a, inputs, SETTINGS)[0] for a in declaration.analyses]


@pytest.fixture(scope="module")
def inputs():
    return given()


@pytest.fixture(scope="module")
def results(inputs):
    return run(declared(), inputs)


def secondary(results):
    return [r for r in results if r.analysis.role == "secondary"]


# Adjusted p-values ------------------------------------------------------------------------------------


def test_secondary_outcomes_are_adjusted_by_max_t_with_holm_beside_it(results):
    found, notes = adjusted(results, SETTINGS)
    tested = secondary(found)
    p = [r.inferred[0].p_value for r in tested]
    by_max = step_down([r.design for r in tested], [PoissonDiD()] * 3, p, draws=SETTINGS.draws, seed=SETTINGS.seed)
    assert [r.p_adjusted for r in tested] == pytest.approx(list(by_max))
    assert [r.p_holm for r in tested] == pytest.approx(list(holm(p)))
    assert [r.p_adjusted for r in tested] != pytest.approx([r.p_holm for r in tested])
    assert all(r.p_adjusted >= r.inferred[0].p_value for r in tested)
    assert notes == ()


def test_only_secondary_outcomes_are_adjusted_and_the_order_is_kept(results):
    found, _ = adjusted(results, SETTINGS)
    assert [r.analysis.slug for r in found] == [r.analysis.slug for r in results]
    others = [r for r in found if r.analysis.role != "secondary"]
    assert all(math.isnan(r.p_adjusted) and math.isnan(r.p_holm) for r in others)


def without_draws(result):
    first = replace(result.inferred[0], draws=None, method="another method")
    return replace(result, inferred=(first, *result.inferred[1:]))


def test_where_one_verdict_rests_on_another_method_holm_stands_for_all_and_a_note_says_so(results):
    mixed = [without_draws(r) if r.analysis.slug == "theft" else r for r in results]
    found, notes = adjusted(mixed, SETTINGS)
    tested = secondary(found)
    assert [r.p_adjusted for r in tested] == [r.p_holm for r in tested]
    assert [r.p_holm for r in tested] == pytest.approx(list(holm([r.inferred[0].p_value for r in tested])))
    assert len(notes) == 1
    assert "adjusted by Holm alone" in notes[0]


def test_outcomes_without_common_placebo_neighbourhoods_fall_back_to_holm(results):
    few = frozenset(unit_codes(SIDE**2)[-8:])  # too few units for nineteen neighbourhoods of five
    mixed = [replace(r, design=replace(r.design, pool=few)) if r.analysis.slug == "theft" else r for r in results]
    found, notes = adjusted(mixed, SETTINGS)
    assert [r.p_adjusted for r in secondary(found)] == [r.p_holm for r in secondary(found)]
    assert len(notes) == 1
    assert notes[0].startswith("Secondary p-values are adjusted by Holm alone, since not every one")


def test_without_secondary_outcomes_nothing_is_adjusted_and_nothing_said(results):
    found, notes = adjusted(results[:1], SETTINGS)
    assert notes == ()
    assert math.isnan(found[0].p_adjusted)


# Power ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def powered(results, inputs):
    return with_power(declared(), results, inputs, SETTINGS)


def test_detectable_effects_are_measured_for_primary_and_secondary_outcomes(powered):
    found, power = powered
    assert [p.detectable["analysis"].iloc[0] for p in power] == ["primary", "robbery", "theft", "arson"]
    for result, measured in zip(found, power, strict=False):
        row = measured.detectable.set_index("months_after").loc[AFTER]
        assert result.smallest_detectable == (row["mde_fall"], row["mde_rise"])
        assert result.detectable_error == (row["mde_fall_error"], row["mde_rise_error"])
        assert -60 < result.smallest_detectable[0] < 0 < result.smallest_detectable[1] < 100


def test_the_primary_outcome_has_several_lengths_of_follow_up_and_secondary_ones_the_registered(powered):
    _, power = powered
    months = [p.detectable["months_after"].tolist() for p in power]
    assert AFTER in months[0]
    assert len(months[0]) > 1
    assert months[1:] == [[AFTER]] * 3


def test_the_sentence_gives_what_was_measured(powered):
    found, _ = powered
    unclear = [r for r in found[:4] if r.verdict == "no clear evidence of a change"]
    assert unclear
    for result in unclear:
        fall, rise = result.smallest_detectable
        said = f"A fall of {abs(fall):.0f}% or a rise of {rise:.0f}% would have been detected four times in five."
        assert said in result.sentence


def test_a_sensitivity_analysis_keeps_what_its_placebo_spread_implies(powered, results):
    found, _ = powered
    assert found[-1] is results[-1]
    assert all(math.isnan(e) for e in found[-1].detectable_error)


def test_too_few_months_before_the_programme_leave_what_the_placebo_spread_implies():
    short = given(first=WINDOW.first)
    declaration = declared()
    results = run(replace(declaration, analyses=declaration.analyses[:2]), short)
    found, power = with_power(declaration, results, short, SETTINGS)
    assert power == ()
    assert all(a is b for a, b in zip(found, results, strict=True))
    assert all(math.isfinite(x) for r in found for x in r.smallest_detectable)


def test_power_is_not_measured_for_a_test_that_the_verdict_does_not_rest_on(results, inputs):
    mixed = [without_draws(results[0]), results[1]]
    found, power = with_power(declared(), mixed, inputs, SETTINGS)
    assert found[0] is mixed[0]
    assert [p.detectable["analysis"].iloc[0] for p in power] == ["robbery"]
    declaration = declared(inference=(ClusterRobust(), PlaceboNeighbourhoods()))
    other = run_analysis(declaration, declaration.analyses[1], inputs, SETTINGS)[0]
    assert with_power(declaration, [other], inputs, SETTINGS) == ([other], ())

"""The specification curve: exact where an analysis can be run by itself, and honest about what cannot be made."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace

import numpy as np
import pytest
from builders import poisson_counts
from contexts import AFTER, MONTHS, SIDE, START, TREATED, clean, context, with_change

from cseval.checks.base import VERDICTS, Check
from cseval.checks.specification_curve import (
    CURVE_COLUMNS,
    SpecificationCurve,
    concern_words,
    curve_frame,
    curve_words,
    joint_words,
)
from cseval.checks.specification_ranks import NO_SPREAD, SLOW, Found, Joint, _interval, curve_statistics, estimate_all
from cseval.checks.specifications import combinations, design_for, registered_specification
from cseval.errors import SpecError, UsageError
from cseval.estimate import convert, percent
from cseval.estimators.base import ManyEffects
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo import PlaceboNeighbourhoods, critical_value
from cseval.inference.spread import studentised, variance_by_size
from cseval.months import add_months
from cseval.spec import Window

FIRST = "2015-01"
PRIMARY_START = add_months(FIRST, START)
LAST = add_months(PRIMARY_START, AFTER - 1)
SHORT = Window(first=add_months(PRIMARY_START, -12), last=LAST)
#: Placebo sets of three adjoining units in the lowest rows of the map.
TRIPLES = np.array([[SIDE * r + c, SIDE * r + c + 1, SIDE * r + c + 2] for r in (10, 11) for c in range(10)])
HALF = frozenset(range(SIDE * SIDE // 2 + 24))

CURVE = SpecificationCurve(
    windows=(SHORT,), comparisons=("west",), transitions=(3,), buffer_rings=(0, 2), estimators=(LinearDiD(),), draws=199
)


def given(counts, **changes):
    """A context with a second outcome and a comparison group; `changes` go to the panel."""
    found = context(counts)
    panel = found.design.inputs.panel
    other = poisson_counts(SIDE**2, MONTHS, level=9.0, seed=77)
    panel = replace(panel, counts={**panel.counts, "theft": other}, **changes)
    groups = {"west": frozenset(panel.units[i] for i in HALF), "few": frozenset(panel.units[:4])}
    return replace(found, design=replace(found.design, inputs=replace(found.design.inputs, panel=panel, groups=groups)))


@pytest.fixture(scope="module")
def fall():
    return given(with_change(TREATED, slice(START, MONTHS), 0.55, level=12.0))


@pytest.fixture(scope="module")
def result(fall):
    return CURVE.run(fall)


# Exactness --------------------------------------------------------------------------------------------


def test_every_row_equals_the_analysis_run_by_itself(fall):
    """Same estimate, interval and p-value as the estimator and the registered placebo test give on their own."""
    specifications = combinations(registered_specification(fall), CURVE._others())
    placebo = PlaceboNeighbourhoods(draws=199)
    found, designs = estimate_all(fall, specifications, placebo)
    assert len(found) == len(designs) == 2 * 2 * 2 * 3 * 2
    for row in found[::5]:
        s = row.specification
        design = design_for(s, fall.evaluation, fall.design.inputs)
        estimate = s.estimator.estimate(design)
        inferred = placebo.infer(design, s.estimator, estimate, fall.seed)
        ends = (estimate.effect, inferred.conf_low, inferred.conf_high)
        expected = convert(estimate.scale, "percent", ends, estimate.observed_rate)
        assert (row.change, row.low, row.high) == pytest.approx(expected)
        assert row.p_value == pytest.approx(inferred.p_value)


def test_ends_of_a_row_lie_where_the_spread_under_them_puts_them(fall):
    """At the lower end of a ratio's interval fewer incidents are left, so it lies further out than the upper end."""
    found, designs = estimate_all(fall, [registered_specification(fall)], PlaceboNeighbourhoods(draws=199))
    design, effect = designs[0], math.log1p(found[0].change / 100)
    sets = PlaceboNeighbourhoods(draws=199).infer(design, PoissonDiD(), fall.estimate, fall.seed).draws.sets
    own, reference = (PoissonDiD().estimate_many(design, s) for s in (design.own_set, sets))
    coefficients = variance_by_size(reference)
    critical = critical_value(studentised(reference, coefficients), 0.05)
    t0 = design.pre_counts[TREATED].sum()
    c0, c1 = (x[design.comparison].sum() for x in (design.pre_counts, design.post_counts))
    ends = [math.log1p(x / 100) for x in (found[0].low, found[0].high)]
    for end, sign in zip(ends, (-1, 1), strict=True):
        poisson = 1 / t0 + c0 / (t0 * c1 * math.exp(end)) + 1 / c0 + 1 / c1
        assert end == pytest.approx(effect + sign * critical * math.sqrt(coefficients @ [1.0, poisson]))
    assert effect - ends[0] > ends[1] - effect
    assert own.effect[0] == pytest.approx(effect)


def test_a_row_holds_zero_exactly_where_p_is_above_five_per_cent():
    sides = set()
    for seed, factor in ((1, 1.0), (2, 0.84), (3, 0.8), (4, 1.2), (5, 0.87)):
        quiet = given(with_change(TREATED, slice(START, MONTHS), factor, seed=seed, level=6.0))
        specifications = combinations(registered_specification(quiet), CURVE._others())
        for row in estimate_all(quiet, specifications, PlaceboNeighbourhoods(draws=99))[0]:
            assert (row.low <= 0 <= row.high) == (row.p_value > 0.05)
            sides.add(row.side)
    assert sides == {-1, 0, 1}


@pytest.mark.parametrize(("effect", "holds_zero"), [(3.9, True), (4.1, False)])
def test_an_interval_of_few_incidents_still_says_what_p_says(effect, holds_zero):
    """The spread without an effect decides the test, and with few incidents that under a rise is much smaller."""
    own = ManyEffects(
        effect=np.array([effect]), variance_terms=np.array([[1.0, 4.0]]), size=np.ones(1), post_term=np.array([4.0])
    )
    statistics = np.full(99, 2.0)  # a standard deviation of 2 without an effect, so 4.0 is just not exceeded
    low, high = _interval(own, np.array([0.0, 1.0]), statistics)
    assert (low <= 0 <= high) is holds_zero
    assert high == pytest.approx(effect + 4.0 * math.exp(-high / 2))
    assert low == (0.0 if holds_zero else pytest.approx(effect - 4.0 * math.exp(-low / 2)))


def test_rows_with_one_and_with_two_rings_have_placebo_rings_of_their_own(fall):
    """A comparison far from the treated area is the same with one ring or two; what placebos leave out is not."""
    far = frozenset(u for i, u in enumerate(fall.design.units) if i // SIDE >= 10 or i % SIDE >= 10 or i // SIDE < 2)
    inputs = replace(fall.design.inputs, groups={**fall.design.inputs.groups, "far": far})
    away, placebo = replace(fall, design=replace(fall.design, inputs=inputs)), PlaceboNeighbourhoods(draws=99)
    registered = replace(registered_specification(away), comparison="far")
    specifications = [replace(registered, buffer_rings=rings) for rings in (1, 2)]
    found, designs = estimate_all(away, specifications, placebo)
    assert (designs[0].comparison == designs[1].comparison).all()
    for row, design in zip(found, designs.values(), strict=True):
        inferred = placebo.infer(design, PoissonDiD(), PoissonDiD().estimate(design), away.seed)
        assert (row.low, row.high) == pytest.approx(
            [percent(x) for x in (inferred.conf_low, inferred.conf_high)], rel=1e-9
        )
    assert found[0].low != found[1].low
    statistics = curve_statistics([(PoissonDiD(), d) for d in designs.values()], TRIPLES, placebo.spread)
    assert (statistics[1:, 0] != statistics[1:, 1]).any()


def test_the_registered_row_is_the_primary_analysis(fall, result):
    frame = curve_frame(result)
    own = frame[frame["registered"]]
    assert len(own) == 1
    assert own["percent_change"].iloc[0] == pytest.approx(percent(fall.estimate.effect))
    assert own["model"].iloc[0] == "Poisson DiD"
    assert own["window"].iloc[0] == f"{fall.design.all_months[0]} to {fall.design.all_months[-1]}"


def test_p_and_interval_say_the_same(result):
    frame = curve_frame(result)
    clear = (frame["percent_low"] > 0) | (frame["percent_high"] < 0)
    assert (clear == (frame["p_value"] <= 0.05)).all()


def test_a_known_fall_is_found_by_every_specification_and_by_the_curve(result):
    assert (curve_frame(result)["percent_high"] < 0).all()
    assert result.p_value <= 0.02
    assert result.verdict == "information"


def test_the_median_recovers_a_known_fall():
    check = SpecificationCurve(transitions=(3,), estimators=(LinearDiD(),), draws=99)
    falls = [given(with_change(TREATED, slice(START, MONTHS), 0.7, seed=s, level=12.0)) for s in range(1, 7)]
    found = [math.log1p(check.run(f).statistic / 100) for f in falls]
    # 900 incidents before and 300 after, thinned with noise: about 0.09 each, 0.037 for six
    assert np.mean(found) == pytest.approx(math.log(0.7), abs=3 * 0.037)


def test_the_order_of_units_and_choices_does_not_matter(fall, result):
    turned = replace(
        CURVE, buffer_rings=(2, 0), estimators=(LinearDiD(), PoissonDiD()), windows=(SHORT, SHORT), transitions=(0, 3)
    )
    one, other = curve_frame(result), curve_frame(turned.run(fall))
    columns = [c for c in CURVE_COLUMNS if c != "rank"]
    keys = ["window", "comparison_group", "transition", "buffer_rings", "model"]
    left, right = (f[columns].sort_values(keys).reset_index(drop=True) for f in (one, other))
    assert left.equals(right)


# Table ------------------------------------------------------------------------------------------------


def test_the_frame_is_tidy_and_in_order(result):
    frame = curve_frame(result)
    assert tuple(frame.columns) == tuple(CURVE_COLUMNS)
    assert frame["rank"].tolist() == list(range(1, 49))
    assert frame["percent_change"].is_monotonic_increasing
    assert (frame["percent_low"] <= frame["percent_change"]).all()
    assert (frame["reason"] == "").all()
    assert (result.table.values["reason"] == "made").all()


def test_what_cannot_be_made_stays_with_its_reason(fall):
    check = SpecificationCurve(
        outcomes=("theft", "anti_social_behaviour"),
        windows=(Window(first="2001-01", last=LAST),),
        comparisons=("few", "nowhere"),
        estimators=(PoissonDiD(exposure=True), LinearDiD(per=1000.0)),
        draws=99,
    )
    found = check.run(fall)
    frame = curve_frame(found).set_index(["outcome", "window", "comparison_group", "model"])
    assert len(frame) == 3 * 2 * 3 * 3
    window = f"{fall.design.all_months[0]} to {fall.design.all_months[-1]}"
    said = {
        ("anti_social_behaviour", window, "all", "Poisson DiD"): "no outcome 'anti_social_behaviour'",
        ("burglary", f"2001-01 to {LAST}", "all", "Poisson DiD"): f"a window from 2001-01 to {LAST}",
        ("burglary", window, "nowhere", "Poisson DiD"): "no comparison group 'nowhere'",
        ("burglary", window, "all", "Linear DiD, per 1,000"): "no exposure in the panel",
    }
    for key, reason in said.items():
        assert frame.loc[key, "reason"] == reason
        assert math.isnan(frame.loc[key, "percent_change"])
        assert frame["rank"].isna()[key]
    few = frame.loc[("burglary", window, "few", "Poisson DiD")]
    assert few["reason"].startswith("no interval: ")
    assert math.isfinite(few["percent_change"])
    assert math.isnan(few["p_value"])
    assert "could be made" in found.sentence
    made = frame["percent_change"].notna()
    assert (frame["reason"][~made] != "").all()


def test_a_model_that_takes_too_long_is_named_and_one_that_does_not_is_run():
    counts = clean(1)
    exposure = np.random.default_rng(2).uniform(900, 1100, counts.shape)
    found = given(counts, exposure=exposure)
    check = SpecificationCurve(estimators=(PoissonDiD(exposure=True), LinearDiD(per=1000.0)), draws=99)
    frame = curve_frame(check.run(found)).set_index("model")
    assert frame.loc["Poisson DiD, exposure", "reason"] == SLOW
    assert frame.loc["Linear DiD, per 1,000", "reason"] == ""


def test_an_outcome_without_an_incident_is_not_estimable(fall):
    panel = fall.design.inputs.panel
    none = panel.counts["theft"].copy()
    none[TREATED, START:] = 0
    inputs = replace(fall.design.inputs, panel=replace(panel, counts={**panel.counts, "theft": none}))
    empty = replace(fall, design=replace(fall.design, inputs=inputs))
    frame = curve_frame(SpecificationCurve(outcomes=("theft",), draws=99, buffer_rings=(0,)).run(empty))
    assert frame.loc[frame["outcome"] == "theft", "reason"].str.contains("not estimable").all()


def test_an_outcome_that_never_varies_has_no_interval(fall):
    panel = fall.design.inputs.panel
    inputs = replace(
        fall.design.inputs, panel=replace(panel, counts={**panel.counts, "theft": np.full((SIDE**2, MONTHS), 5)})
    )
    flat = replace(fall, design=replace(fall.design, inputs=inputs))
    frame = curve_frame(SpecificationCurve(outcomes=("theft",), draws=99, estimators=(LinearDiD(),)).run(flat))
    rows = frame[frame["outcome"] == "theft"]
    assert (rows["percent_change"].abs() < 1e-9).all()
    assert (rows["reason"] == NO_SPREAD).all()


def test_a_single_specification_is_no_curve(fall):
    found = SpecificationCurve(draws=99).run(fall)
    assert found.verdict == "not applicable"
    assert curve_frame(found).empty
    assert tuple(curve_frame(found).columns) == tuple(CURVE_COLUMNS)


# Sentence and verdict ---------------------------------------------------------------------------------


def row(change, side=0, registered=False):
    half = abs(change) + (1 if side == 0 else -1)
    specification = None
    return Found(
        specification=specification, registered=registered, change=change, low=change - half, high=change + half,
        p_value=0.5 if side == 0 else 0.01,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "concern"),
    [
        ([row(-7, registered=True), row(-3), row(2)], False),  # nothing is clear
        ([row(-7, registered=True), row(-9, 1), row(-8, 1)], False),  # what is clear agrees
        ([row(-7, registered=True), row(9, 1), row(8, 1), row(-9, 1)], True),  # most of what is clear disagrees
        ([row(-7, registered=True), row(9, 1), row(-9, 1)], False),  # half is not fewer than half
        ([row(-9, 1, registered=True), row(-3), row(2)], True),  # clear alone
        ([row(-9, 1, registered=True), row(-8, 1), row(2), row(-2)], False),
        ([row(-9, 1, registered=True), row(8, 1), row(-8, 1), row(1), row(1)], True),
    ],
)
def test_concern_follows_its_rule(found, concern):
    assert bool(concern_words(found)) is concern


def test_a_concern_is_explained():
    assert "the other way" in concern_words([row(-7, registered=True), row(9, 1)])
    assert "most others are not" in concern_words([row(-9, 1, registered=True), row(-3), row(2)])


def test_a_fall_in_one_of_three_outcomes_of_the_same_construct_raises_concern():
    found = given(with_change(TREATED, slice(START, MONTHS), 0.6, level=12.0))
    inputs = found.design.inputs
    more = {**inputs.panel.counts, "fraud": poisson_counts(SIDE**2, MONTHS, level=9.0, seed=78)}
    inputs = replace(inputs, panel=replace(inputs.panel, counts=more))
    found = replace(found, design=replace(found.design, inputs=inputs))
    result = SpecificationCurve(outcomes=("theft", "fraud"), draws=99).run(found)
    assert result.verdict == "concern"
    assert "1 has an interval that excludes zero, below it. The registered one is among these" in result.sentence


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([row(-15), row(-7), row(3.1)], "Of 3 defensible specifications, estimates run from −15.0% to +3.1% (median "
         "−7.0%); none has an interval that excludes zero."),
        ([row(-15, 1), row(-7)], "(median −11.0%); 1 has an interval that excludes zero, below it."),
        ([row(-15, 1), row(-7, 1)], "2 have an interval that excludes zero, all below."),
        ([row(-15, 1), row(7, 1), row(9, 1)], "3 have an interval that excludes zero, 1 below and 2 above."),
        ([row(-15), Found(specification=None, registered=False, reason="no")],
         "Of 2 defensible specifications, 1 could be made; their estimates run from −15.0%"),
    ],
)  # fmt: skip
def test_the_sentence_counts_them(found, words):
    assert words in curve_words(found)


def test_the_sentence_of_the_curve_as_a_whole():
    joint = Joint(sets=999, specifications=96, median=-1.2, share=0.04, median_p=0.213, share_p=0.3)
    assert joint_words(joint) == (
        "The curve's own test, among 999 placebo neighbourhoods put through 96 of these specifications, gives p = 0.21 "
        "for its median and p = 0.30 for how many of them come out clear."
    )
    assert joint_words(Joint(reason="none fit")).endswith("among placebo neighbourhoods: none fit.")


def test_no_common_comparison_is_said(fall):
    east = frozenset(fall.design.units) - fall.design.inputs.groups["west"]
    inputs = replace(fall.design.inputs, groups={"west": fall.design.inputs.groups["west"], "east": east})
    apart = replace(fall, design=replace(fall.design, inputs=inputs))
    found = SpecificationCurve(comparisons=("west", "east"), draws=99).run(apart)
    assert "The curve as a whole could not be ranked" in found.sentence
    assert math.isnan(found.p_value)
    assert found.verdict in VERDICTS


def test_a_result_is_whole_and_a_function_of_its_context(fall, result):
    again = CURVE.run(given(with_change(TREATED, slice(START, MONTHS), 0.55, level=12.0)))
    assert isinstance(CURVE, Check)
    assert again.sentence == result.sentence
    assert curve_frame(again).equals(curve_frame(result))
    assert re.fullmatch(r"[A-Z0-9].*\.", result.sentence)
    assert not re.search(r"(?<!\w)-\d", result.sentence)
    assert "nan" not in result.sentence
    assert "significan" not in result.sentence


@pytest.mark.parametrize("changes", [{"draws": 18}, {"transitions": (-1,)}, {"buffer_rings": (-1,)}])
def test_impossible_choices_are_refused(changes):
    with pytest.raises(SpecError, match="specification curve"):
        SpecificationCurve(**changes)


def test_a_month_that_is_none_is_refused():
    with pytest.raises(UsageError, match="'May 2018' is not a month"):
        SpecificationCurve(starts=("May 2018",))


# Size and speed ---------------------------------------------------------------------------------------


def test_the_curve_of_quiet_data_is_rarely_unusual():
    check = SpecificationCurve(transitions=(3,), estimators=(LinearDiD(),), draws=99)
    p = [check.run(given(clean(seed))).p_value for seed in range(16)]
    assert sum(x <= 0.05 for x in p) <= 3  # more than three of sixteen in one case of a hundred
    assert 0.25 < float(np.mean(p)) < 0.75


def test_a_hundred_specifications_take_about_a_second(fall):
    check = SpecificationCurve(
        windows=(SHORT,), comparisons=("west",), transitions=(3,), buffer_rings=(0, 2), estimators=(LinearDiD(),),
        starts=(add_months(PRIMARY_START, -1),), draws=999,
    )  # fmt: skip
    started = time.perf_counter()
    assert len(curve_frame(check.run(fall))) == 96
    assert time.perf_counter() - started < 8  # one second on an idle machine


def test_the_registered_row_is_the_primary_analysis_as_reported():
    given = context(clean())
    given = replace(given, inferred=replace(given.inferred, conf_low=-0.3, conf_high=-0.01, p_value=0.04))
    frame = curve_frame(SpecificationCurve(buffer_rings=(0,), draws=199).run(given))
    row = frame[frame["registered"]].iloc[0]
    assert row["p_value"] == 0.04
    assert (row["percent_low"], row["percent_high"]) == pytest.approx((100 * np.expm1(-0.3), 100 * np.expm1(-0.01)))

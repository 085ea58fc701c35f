"""Scales of an effect, and incidents averted with their interval the right way round."""

from __future__ import annotations

import math

import pytest

from cseval.errors import UsageError
from cseval.estimate import COUNT, EFFECT_COLUMNS, LOG, Estimate, convert, percent


def make(scale: str = LOG, effect: float = math.log(0.8), **changes) -> Estimate:
    values = {
        "estimator": "Poisson DiD",
        "estimand": "ATT",
        "outcome": "theft",
        "scale": scale,
        "effect": effect,
        "std_error": 0.1,
        "conf_low": math.log(0.5),
        "conf_high": math.log(1.25),
        "p_value": 0.2,
        "inference": "placebo",
        "observed": 80.0,
        "counterfactual": 100.0,
        "treated_units": 5,
        "comparison_units": 50,
        "pre_periods": 12,
        "post_periods": 4,
        "assumption": "none",
    }
    return Estimate(**{**values, **changes})


def test_percent_is_exact_for_small_effects_and_at_the_edges():
    assert percent(math.log(0.8)) == pytest.approx(-20)
    assert percent(0.0) == 0.0
    assert percent(1e-12) == pytest.approx(1e-10, rel=1e-9)
    assert percent(-math.inf) == -100.0


def test_log_effects_on_every_scale():
    e = make()
    assert e.on_scale("log") == (e.effect, e.conf_low, e.conf_high)
    assert e.on_scale("ratio") == pytest.approx((0.8, 0.5, 1.25))
    assert e.on_scale("percent") == pytest.approx((-20, -50, 25))


def test_counts_as_a_percentage_of_what_was_expected():
    e = make(COUNT, effect=-1.0, conf_low=-2.0, conf_high=0.5)
    assert e.observed_rate == 4.0  # 80 counted in 5 units and 4 months
    # each end has its own counterfactual: 5, 6 and 3.5 expected where 4 were counted
    assert e.on_scale("percent") == pytest.approx((-20, -100 * 2 / 6, 100 * 0.5 / 3.5))
    assert e.on_scale("count") == (-1.0, -2.0, 0.5)


@pytest.mark.parametrize(("scale", "target"), [(LOG, "count"), (COUNT, "log"), (COUNT, "ratio"), (LOG, "banana")])
def test_scales_that_do_not_convert_are_refused(scale, target):
    with pytest.raises(UsageError, match=f"an effect on the {scale} scale as {target}"):
        make(scale).on_scale(target)


@pytest.mark.parametrize("ratio", [0.2, 0.8, 1.0, 3.0])
def test_a_count_and_a_ratio_of_the_same_incidents_are_the_same_percentage(ratio):
    observed = 6.0
    ends = tuple(observed - observed / r for r in (ratio, 0.5 * ratio, 2 * ratio))
    assert convert(COUNT, "percent", ends, observed) == pytest.approx(
        tuple(100 * (r - 1) for r in (ratio, 0.5 * ratio, 2 * ratio)), abs=1e-9
    )


def test_an_end_that_expects_nothing_has_no_percentage():
    expected = convert(COUNT, "percent", (1.0, -4.0, 4.0), 4.0)
    assert expected[:2] == pytest.approx((100 / 3, -50))
    assert math.isnan(expected[2])
    assert math.isnan(convert(COUNT, "percent", (1.0, 0.0, 2.0), 0.0)[0])


def test_averted_is_expected_less_observed_with_low_below_high():
    # half as many as expected means 80 averted of 160, a quarter more means 16 caused on 64
    assert make().averted() == pytest.approx((20, -16, 80))
    assert make().averted(math.log(0.5), math.log(0.8)) == pytest.approx((20, 20, 80))


def test_averted_on_the_count_scale_is_summed_over_units_and_months():
    e = make(COUNT, effect=-1.0, conf_low=-2.0, conf_high=0.5)
    assert e.averted() == pytest.approx((20, -10, 40))
    assert e.averted(-3.0, -1.0) == pytest.approx((20, 20, 60))


def test_averted_agrees_with_the_counterfactual():
    e = make()
    assert e.averted()[0] == pytest.approx(e.counterfactual - e.observed)


def test_columns_of_the_effect_table_are_unique():
    assert len(set(EFFECT_COLUMNS)) == len(EFFECT_COLUMNS)

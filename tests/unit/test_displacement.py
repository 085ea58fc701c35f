"""Displacement from counts: worked out by hand, against the sources' examples, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cseval.errors import EstimationError, UsageError
from cseval.estimators.displacement import (
    AreaWeights,
    relative_incident_rate_ratio,
    weighted_displacement_difference,
)
from cseval.estimators.displacement_quotient import displacement_measures

# Weighted displacement difference -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("areas", "local", "displacement"),
    [
        (((20, 10), (20, 20)), -10, 0),
        (((20, 20), (20, 20), (20, 10), (20, 20)), 0, -10),
        (((20, 10), (20, 20), (20, 10), (20, 20)), -10, -10),
        (((20, 10), (20, 30), (20, 35), (20, 25)), -20, 10),
    ],
)
def test_parts_by_hand(areas, local, displacement):
    found = weighted_displacement_difference(*areas)
    assert (found.local, found.displacement, found.estimate) == (local, displacement, local + displacement)
    assert found.std_error == pytest.approx(math.sqrt(sum(map(sum, areas))), rel=1e-12)


def test_both_kinds_of_weights_at_once():
    """Two years of 80 in an area of 2 are 20 a year and unit of area."""
    found = weighted_displacement_difference(
        (80, 20),
        (100, 50),
        time_weights=(2, 1),
        area_weights=AreaWeights(treated=2, comparison=0.5),
    )
    assert found.estimate == (20 / 2 - 80 / 4) - (50 / 0.5 - 100 / 1)
    assert found.std_error == pytest.approx(math.sqrt(20 / 4 + 80 / 16 + 50 / 0.25 + 100), rel=1e-12)
    assert found.displacement == found.displacement_se == 0


def test_interval_and_p_value():
    found = weighted_displacement_difference((207, 110), (308, 318), level=0.9)
    reach = stats.norm.ppf(0.95) * found.std_error
    assert (found.conf_low, found.conf_high) == pytest.approx((found.estimate - reach, found.estimate + reach))
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.z)), rel=1e-9)


def test_overdispersion_widens_and_leaves_the_estimate():
    one, four = (weighted_displacement_difference((50, 30), (60, 55), (9, 7), dispersion=d) for d in (1, 4))
    assert four.estimate == one.estimate
    for name in ("std_error", "local_se", "displacement_se"):
        assert getattr(four, name) == pytest.approx(2 * getattr(one, name), rel=1e-12)


def test_weights_that_all_share_a_factor_change_the_unit_only():
    one = weighted_displacement_difference((50, 30), (60, 55), (9, 7), (8, 9))
    scaled = AreaWeights(treated=3, comparison=3, buffer=3, buffer_comparison=3)
    three = weighted_displacement_difference((50, 30), (60, 55), (9, 7), (8, 9), area_weights=scaled)
    assert three.estimate == pytest.approx(one.estimate / 3, rel=1e-12)
    assert three.z == pytest.approx(one.z, rel=1e-12)


# Relative incident rate ratio ---------------------------------------------------------------------


def test_ratio_by_hand():
    found = relative_incident_rate_ratio((50, 30), (60, 55), dispersion=2)
    assert found.ratio == pytest.approx(30 / 50 / (55 / 60), rel=1e-12)
    assert found.log_std_error == pytest.approx(math.sqrt(2 * (1 / 50 + 1 / 30 + 1 / 60 + 1 / 55)), rel=1e-12)
    reach = 1.959963984540054 * found.log_std_error
    assert math.log(found.conf_high) - math.log(found.ratio) == pytest.approx(reach, rel=1e-9)
    assert math.log(found.ratio) - math.log(found.conf_low) == pytest.approx(reach, rel=1e-9)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.log_ratio / found.log_std_error)), rel=1e-9)


def test_direction_is_said_in_words():
    words = "incidents in the treated area than the comparison's change would have brought"
    assert relative_incident_rate_ratio((50, 30), (60, 60)).direction == f"40.0% fewer {words}"
    assert relative_incident_rate_ratio((50, 60), (60, 60)).direction == f"20.0% more {words}"
    assert relative_incident_rate_ratio((50, 50), (60, 60)).direction.startswith("as many incidents")


def test_exchanging_the_areas_turns_the_ratio_over():
    one, other = relative_incident_rate_ratio((50, 30), (60, 55)), relative_incident_rate_ratio((60, 55), (50, 30))
    assert one.ratio * other.ratio == pytest.approx(1, rel=1e-12)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-12)


def test_the_ratio_is_the_interaction_of_a_saturated_poisson_model():
    """Four counts, four coefficients: the fit is exact and the information ``X' diag(y) X``."""
    x = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 0, 1, 0]], dtype=float)  # treated, then comparison
    y = np.array([50.0, 30, 60, 55])
    found = relative_incident_rate_ratio((50, 30), (60, 55))
    assert found.log_ratio == pytest.approx(np.linalg.solve(x, np.log(y))[3], rel=1e-12)
    assert found.log_std_error == pytest.approx(np.sqrt(np.linalg.inv(x.T @ (x * y[:, None]))[3, 3]), rel=1e-12)


# Displacement quotient ----------------------------------------------------------------------------


def test_the_guides_own_example_but_for_the_quotient_that_it_misprints():
    """Guerette (2009), appendix D: counts as printed; GE 97, NE .326, TNE 130.5, and a WDQ given as .411."""
    found = displacement_measures((207, 110), (178, 157), (308, 318))
    assert found.gross_effect == 97
    assert found.net_effect == pytest.approx(0.326, abs=5e-4)
    assert found.total_net_effect == pytest.approx(130.5)
    assert found.quotient == pytest.approx(0.258186, abs=5e-7)
    assert found.quotient == pytest.approx((157 / 318 - 178 / 308) / (110 / 318 - 207 / 308))
    assert found.readable


def test_measures_by_hand():
    """Treated 200 to 100, buffer 100 to 110, comparison 400 to 400: a fifth of the fall came back next door."""
    found = displacement_measures((200, 100), (100, 120), (400, 400))
    assert (found.gross_effect, found.net_effect, found.success) == (100, 0.25, -0.25)
    assert found.buffer_displacement == pytest.approx(0.05, rel=1e-12)
    assert found.quotient == pytest.approx(-0.2, rel=1e-12)
    assert found.total_net_effect == 80
    assert found.readable
    assert found.meaning == "displacement smaller than the fall in the treated area"


def test_measures_by_hand_where_the_comparison_grows():
    """Expected without the programme: 240 and 120, so 140 and 30 fewer than that."""
    found = displacement_measures((200, 100), (100, 90), (400, 480))
    assert found.net_effect == pytest.approx(200 / 400 - 100 / 480, rel=1e-12)
    assert found.quotient == pytest.approx((90 / 480 - 100 / 400) / (100 / 480 - 200 / 400), rel=1e-12)
    assert found.total_net_effect == pytest.approx(140 + 30, rel=1e-12)
    assert found.meaning == "diffusion of benefit"


@pytest.mark.parametrize(
    ("after", "meaning"),
    [
        (130, "displacement that exceeds the fall in the treated area"),
        (110, "displacement smaller than"),
        (100, "neither"),
        (85, "diffusion of benefit"),
        (70, "diffusion of benefit larger than"),
    ],
)
def test_the_quotient_in_words(after, meaning):
    found = displacement_measures((100, 75), (100, after), (10_000, 10_000))
    assert not found.readable
    assert "beyond chance" in found.meaning
    many = displacement_measures((10_000, 7_500), (10_000, 100 * after), (10_000, 10_000))
    assert many.readable
    assert many.meaning.startswith(meaning)


def test_the_error_of_the_success_measure_is_the_spread_of_simulated_ones():
    rng = np.random.default_rng(4)
    t0, t1, c0, c1 = (rng.poisson(m, 40_000) for m in (200, 120, 400, 380))
    spread = np.std(t1 / c1 - t0 / c0)
    assert displacement_measures((200, 120), (50, 50), (400, 380)).success_se == pytest.approx(spread, rel=0.03)


def test_a_treated_area_that_rose_is_never_read():
    assert not displacement_measures((100, 1000), (100, 100), (100, 100)).readable


# Refusals -----------------------------------------------------------------------------------------


def test_counts_that_are_none_are_refused():
    for broken in ((-1, 3), (math.nan, 3), (1, 2, 3)):
        with pytest.raises(UsageError, match="two counts, none below zero"):
            weighted_displacement_difference(broken, (1, 2))
        with pytest.raises(UsageError, match="two counts"):
            relative_incident_rate_ratio((1, 2), broken)
        with pytest.raises(UsageError, match="two counts"):
            displacement_measures((1, 2), broken, (3, 4))


def test_options_out_of_range_are_refused():
    with pytest.raises(UsageError, match=r"time weights of 0.*above zero"):
        weighted_displacement_difference((1, 2), (3, 4), time_weights=(0, 1))
    with pytest.raises(UsageError, match="area weights of -1"):
        weighted_displacement_difference((1, 2), (3, 4), area_weights=AreaWeights(buffer=-1))
    with pytest.raises(UsageError, match="dispersion of 0"):
        relative_incident_rate_ratio((1, 2), (3, 4), dispersion=0)
    with pytest.raises(UsageError, match="a level of 95"):
        relative_incident_rate_ratio((1, 2), (3, 4), level=95)


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(EstimationError, match="all counts are zero"):
        weighted_displacement_difference((0, 0), (0, 0))
    with pytest.raises(EstimationError, match="a count is zero"):
        relative_incident_rate_ratio((50, 0), (60, 55))
    with pytest.raises(EstimationError, match="no incidents before or after"):
        displacement_measures((50, 30), (20, 20), (0, 10))
    with pytest.raises(EstimationError, match="changed exactly as its comparison"):
        displacement_measures((50, 60), (20, 20), (100, 120))

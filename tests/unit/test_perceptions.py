"""Rolling windows around a start: shares, weights, covariance, ranks and their inversion, joint p-values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cseval.errors import DataError, DesignError, UsageError
from cseval.estimators import perceptions_kernels as k
from cseval.estimators.perceptions import (
    OverlappingWindows,
    PerceptionModel,
    PerceptionSpan,
    ThinnedWindows,
    received,
    shares_after,
)
from cseval.inference.multiplicity import holm
from cseval.inference.perceptions import levels, perception_findings
from cseval.inference.perceptions_errors import ALL, INDEPENDENT_T, LOWEST, OWN, RANK, earlier_starts, pooled_rates
from cseval.inference.perceptions_ranks import outdone, rank_among_areas, rank_p_value, rank_p_values
from cseval.months import add_months
from cseval.sources.pas import read_pas
from cseval.survey import SurveySeries, months_after

RAW = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "perceptions"
RAW = RAW / "PAS_Dashboard_Borough_2014Q4-2023Q4.csv.gz"
MAY = PerceptionSpan(start="2018-05", last="2019-12")
ENDS = tuple(add_months("2014-12", 3 * i) for i in range(21))


def series(areas=24, measures=("trust",), seed=0, ends=ENDS, spread=0.05):
    """Rolling years of independent quarters, unrounded unless the step says so."""
    rng = np.random.default_rng(seed)
    shares = {}
    for m in measures:
        quarters = 0.5 + rng.normal(0, spread, (areas, len(ends) + 3))
        shares[m] = np.round(np.lib.stride_tricks.sliding_window_view(quarters, 4, axis=1).mean(axis=2), 2)
    return SurveySeries(
        units=tuple(f"U{i}" for i in range(areas)),
        ends=ends,
        shares=shares,
        received={m: np.ones((areas, len(ends)), dtype=bool) for m in measures},
    )


# Windows ----------------------------------------------------------------------------------------------------


def test_windows_after_the_start_may_be_counted_back_from_the_last():
    share = np.array([0, 0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1])
    assert k.every_window(share, 4).tolist() == [0, 4, 8, 12]
    assert k.every_window(share, 4, latest=True).tolist() == [0, 4, 9, 13]
    assert ThinnedWindows(latest=True).words == "windows that share no month, the latest after the start"


def test_a_window_holds_the_effect_in_proportion_to_its_months():
    found = [months_after(e, "2018-05", 12) for e in ("2018-03", "2018-06", "2018-09", "2018-12", "2019-03", "2019-06")]
    assert found == [0, 2, 5, 8, 11, 12]
    assert shares_after(series(), MAY)[ENDS.index("2018-12")] == pytest.approx(8 / 12)


def test_thinned_windows_share_no_month_and_none_straddles_the_start():
    effects = PerceptionModel().effects(series(), "trust", MAY)
    assert effects.ends == ("2015-03", "2016-03", "2017-03", "2018-03", "2019-06")
    assert effects.share.tolist() == [0, 0, 0, 0, 1]
    assert effects.weights == pytest.approx([-0.25] * 4 + [1.0])
    assert {"2018-06", "2018-09", "2018-12", "2019-03"} <= set(effects.left_out)
    later = PerceptionModel().effects(series(), "trust", PerceptionSpan(start="2016-01"))
    assert later.ends == ("2014-12", "2015-12", "2016-12", "2017-12", "2018-12", "2019-12")


def test_the_overlap_is_that_of_rolling_means():
    """Against the product of the filter that makes rolling means out of quarters."""
    filter_ = np.array([[0.25 if t <= s < t + 4 else 0.0 for s in range(13)] for t in range(10)])
    np.testing.assert_allclose(k.overlap_covariance(10, 4), filter_ @ filter_.T)


def test_the_weights_are_generalised_least_squares():
    """Against statsmodels, area by area, with the effect less the mean of all others."""
    from statsmodels.regression.linear_model import GLS

    data = series(areas=5)
    for trend in (False, True):
        model = PerceptionModel(rule=OverlappingWindows(), trend=trend)
        found = model.effects(data, "trust", MAY)
        values = data.shares["trust"]
        share = shares_after(data, MAY)
        rounding = 0.01**2 / 12 / k.quarter_variance(values, 4, 0.01)
        columns = k.regressors(share, np.arange(21), trend=trend)
        for i in range(5):
            own = values[i] - np.delete(values, i, axis=0).mean(axis=0)
            fit = GLS(own, columns, k.overlap_covariance(21, 4) + rounding * np.eye(21)).fit()
            assert found.effects[i] == pytest.approx(fit.params[1], abs=1e-9)
            assert found.std_errors[i] == pytest.approx(fit.bse[1], rel=1e-8)
        assert found.degrees == 21 - columns.shape[1]


def test_an_effect_that_grows_with_the_months_is_found_whole():
    """Without noise every model gives the effect back, whatever all areas do, and with a trend whatever its slope."""
    data = series(spread=0.0)
    share = shares_after(data, MAY)
    common = 0.1 * np.sin(np.arange(21))
    shares = data.shares["trust"] + common
    shares[3] += 0.07 * share
    for rule in (ThinnedWindows(), OverlappingWindows()):
        found = PerceptionModel(rule=rule).effects(replace(data, shares={"trust": shares}), "trust", MAY)
        assert found.effects[3] == pytest.approx(0.07)
        assert found.effects[0] == pytest.approx(-0.07 / 23)
        sloped = shares + np.linspace(-0.1, 0.1, 24)[:, None] * np.arange(21) / 20
        moved = replace(data, shares={"trust": sloped})
        found = PerceptionModel(rule=rule, trend=True).effects(moved, "trust", MAY)
        assert found.effects[3] == pytest.approx(0.07)
        alone = PerceptionModel(rule=rule, trend=True, against_others=False)
        own = alone.effects(replace(data, shares={"trust": sloped - common}), "trust", MAY)
        assert own.effects[3] == pytest.approx(0.07)
        assert own.effects[0] == pytest.approx(0.0, abs=1e-12)


def test_changes_of_rolling_years_are_related_at_four_quarters_only():
    lags = k.lag_correlations(series(areas=400).shares["trust"], 6)
    assert lags[3] == pytest.approx(-0.5, abs=0.03)
    assert np.abs(np.delete(lags, 3)).max() < 0.05  # rounding brings some at one quarter
    assert k.quarter_variance(series(areas=400).shares["trust"], 4, 0.01) == pytest.approx(0.05**2, rel=0.05)


def test_the_span_and_later_measures_bound_the_windows():
    data = series()
    mask = np.ones((24, 21), dtype=bool)
    mask[:, :5] = False
    later = replace(data, received={"trust": mask})
    assert received(later, "trust", MAY)[0] == 5
    assert PerceptionModel().effects(later, "trust", MAY).ends[0] == "2016-03"
    span = PerceptionSpan(start="2018-05", first="2018-03", last="2019-06")
    assert PerceptionModel().effects(data, "trust", span).ends == ("2018-03", "2019-06")
    mask[:, 9] = False
    with pytest.raises(DesignError, match="a quarter is missing"):
        PerceptionModel().effects(replace(data, received={"trust": mask}), "trust", MAY)


def test_models_say_what_they_are():
    assert PerceptionModel().name == "difference in differences, windows that share no month"
    its = PerceptionModel(rule=OverlappingWindows(), trend=True, against_others=False)
    assert its.name == "interrupted time series, all windows, their overlap modelled"
    assert "straight line" in its.assumption
    assert "mean of the other areas" in PerceptionModel().assumption


# Ranks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", [True, False])
def test_the_interval_inverts_the_rank_exactly(relative):
    """An effect is in the interval where, once it is taken off, the rank among all areas gives p above 0.05."""
    rng = np.random.default_rng(3)
    for areas in (20, 32, 45):
        own = rng.standard_t(3, areas)
        found = rank_among_areas(own, 4, relative=relative)
        assert found.p_value == pytest.approx(rank_p_values(own, relative=relative)[4])
        for end, inward in ((found.conf_low, 1), (found.conf_high, -1)):
            for step, kept in ((inward, True), (-inward, False)):
                tested = own.copy()
                tested[4] -= end + step * 1e-6
                assert bool(rank_p_values(tested, relative=relative)[4] > 0.05) == kept
        assert found.coverage == pytest.approx(1 - int(0.05 * areas) / areas)
        assert found.smallest_p == 1 / areas


def test_ranks_by_hand():
    own = np.concatenate([np.arange(-10.0, 10.0), [30.0]])
    found = rank_among_areas(own, 20, relative=False)
    assert found.p_value == pytest.approx(1 / 21)
    assert (found.conf_low, found.conf_high) == (20.0, 40.0)
    above, below = outdone(np.array([-1.0, 1.0]), True)
    assert above.tolist() == [3.0, 1.0]
    assert below.tolist() == [1.0, 3.0]
    assert rank_p_value(0.0, above, below) == 1.0


def test_ties_count_against_the_finding():
    own = np.array([0.0] * 19 + [1.0, 1.0])
    assert rank_p_values(own, relative=False)[20] == pytest.approx(2 / 21)
    assert rank_among_areas(own, 20, relative=False).p_value == pytest.approx(2 / 21)


def test_a_constant_or_a_relabelling_changes_nothing():
    data = series(measures=("trust", "fair"))
    model = PerceptionModel(rule=OverlappingWindows())
    first = perception_findings(data, "U3", MAY, model)
    order = np.random.default_rng(1).permutation(24)
    moved = replace(
        data,
        units=tuple(data.units[i] for i in order),
        shares={m: s[order] + 0.1 for m, s in data.shares.items()},
    )
    for a, b in zip(first, perception_findings(moved, "U3", MAY, model), strict=True):
        assert b.ranked.effect == pytest.approx(a.ranked.effect)
        assert (b.ranked.p_value, b.p_max_t) == (a.ranked.p_value, a.p_max_t)
        assert b.ranked.conf_low == pytest.approx(a.ranked.conf_low)


# Findings ---------------------------------------------------------------------------------------------------


def test_measures_together_are_never_surer_than_alone():
    data = series(areas=32, measures=("a", "b", "c"))
    found = perception_findings(data, "U0", MAY)
    alone = [f.ranked.p_value for f in found]
    assert [f.p_holm for f in found] == list(holm(alone))
    assert all(f.p_max_t >= p for f, p in zip(found, alone, strict=True))
    (single,) = perception_findings(data, "U0", MAY, measures=("b",))
    assert single.p_max_t == pytest.approx(single.ranked.p_value)


def test_a_large_effect_is_first_of_all_and_stays_so_for_all_measures():
    data = series(areas=32, measures=("a", "b"), spread=0.02)
    shares = {m: s.copy() for m, s in data.shares.items()}
    shares["b"][7] += 0.2 * shares_after(data, MAY)
    found = perception_findings(replace(data, shares=shares), "U7", MAY)
    assert found[1].ranked.p_value == pytest.approx(1 / 32)
    assert found[1].p_max_t == pytest.approx(1 / 32)
    assert found[1].p_holm == pytest.approx(2 / 32)
    assert found[1].ranked.conf_low > 0.1
    assert found[1].after - found[1].before == pytest.approx(0.2, abs=0.03)
    assert abs(found[1].others_after - found[1].others_before) < 0.02


def test_levels_are_means_over_windows_that_share_no_month():
    data = series()
    values = data.shares["trust"]
    at = [ENDS.index(e) for e in ("2015-03", "2016-03", "2017-03", "2018-03")]
    found = levels(data, "trust", 2, MAY)
    assert found[0] == pytest.approx(values[2, at].mean())
    assert found[1] == values[2, ENDS.index("2019-06")]
    assert found[3] == pytest.approx(np.delete(values[:, ENDS.index("2019-06")], 2).mean())


def test_earlier_starts_use_nothing_after_the_true_one():
    data = series()
    starts = earlier_starts(data, "trust", MAY, PerceptionModel())
    assert [s.start for s in starts] == [add_months("2018-05", -3 * b) for b in range(5, 14)]
    assert {s.last for s in starts} == {"2018-03"}
    assert all(e <= "2018-03" for s in starts for e in PerceptionModel().effects(data, "trust", s).ends)
    trend = earlier_starts(data, "trust", MAY, PerceptionModel(trend=True))
    assert [s.start for s in trend] == [s.start for s in starts[:5]]
    spoiled = data.shares["trust"].copy()
    spoiled[:, ENDS.index("2018-06") :] = 0.99
    other = replace(data, shares={"trust": spoiled})
    rates = [perception_findings(d, "U1", MAY)[0].rates for d in (data, other)]
    assert rates[0] == rates[1]


def test_rates_are_shares_of_tests():
    data = series(areas=32, measures=("a", "b"))
    found = perception_findings(data, "U1", MAY)
    by = {(r.method, r.population): r for r in found[0].rates}
    assert (by[RANK, ALL].tests, by[RANK, OWN].tests, by[RANK, LOWEST].tests) == (9 * 32, 9, 9)
    assert by[RANK, ALL].rate <= 1 / 32
    assert by[INDEPENDENT_T, ALL].rate > 0.2
    assert by[RANK, ALL].mean_effect == pytest.approx(0, abs=1e-12)
    assert by[RANK, LOWEST].mean_effect > 0
    pooled = {(r.method, r.population): r for r in pooled_rates(tuple(f.rates for f in found))}
    assert pooled[RANK, OWN].tests == 18
    short = replace(MAY, first="2018-03")
    assert perception_findings(data, "U1", short)[0].rates == ()


# What is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: perception_findings(series(), "Elsewhere", MAY), DataError, "no area 'Elsewhere'"),
        (lambda: perception_findings(series(), "U1", MAY, measures=("hope",)), DataError, "no measure 'hope'"),
        (lambda: perception_findings(series(), "U1", MAY, measures=()), UsageError, "no measure"),
        (lambda: perception_findings(series(areas=19), "U1", MAY), DesignError, "18 other areas"),
        (lambda: PerceptionModel().effects(series(areas=2), "trust", MAY), DesignError, "2 areas"),
        (lambda: PerceptionSpan(start="May 2018"), UsageError, "not a month"),
        (lambda: PerceptionModel().effects(series(), "trust", PerceptionSpan(start="2014-01")), DesignError,
         "0 windows before the start"),
        (lambda: PerceptionModel().effects(series(), "trust", PerceptionSpan(start="2019-12")), DesignError, "0 after"),
        (lambda: PerceptionModel(trend=True).effects(series(), "trust", replace(MAY, first="2018-03")), DesignError,
         "1 windows before"),
        (lambda: replace(series(), ends=("2014-12", *ENDS[2:], "2020-03")), DataError, "quarters with a gap"),
        (lambda: replace(series(), units=("A",) * 24), DataError, "occurs twice"),
        (lambda: replace(series(), months_per_window=10), DataError, "windows of 10 months"),
        (lambda: replace(series(), received={}), DataError, "trust: an array"),
        (lambda: replace(series(), shares={"trust": series().shares["trust"] + 1}), DataError, "not from 0 to 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# The published survey ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not RAW.exists(), reason="no folder of open data beside the checkout")
def test_tower_hamlets_does_not_stand_out_in_any_measure():
    """Changes by plain arithmetic on the published figures; no measure moved unlike those of the other boroughs."""
    data = read_pas(RAW)
    found = {f.measure: f for f in perception_findings(data, "Tower Hamlets", MAY)}
    assert {m: round(100 * f.ranked.effect, 1) for m, f in found.items()} == {
        "contact_ward_officer": -3.9,
        "good_job_local": 0.5,
        "informed_local": -7.4,
        "listen_to_concerns": -3.8,
        "relied_on_to_be_there": 3.2,
        "treat_everyone_fairly": -3.1,
        "trust_mps": -1.4,
        "understand_issues": -3.5,
    }
    trust = data.shares["trust_mps"]
    at = [data.ends.index(e) for e in ("2016-03", "2017-03", "2018-03", "2019-06")]
    change = trust[:, at[3]] - trust[:, at[:3]].mean(axis=1)
    row = data.row("Tower Hamlets")
    assert found["trust_mps"].ranked.effect == pytest.approx(change[row] - np.delete(change, row).mean())
    assert min(f.p_max_t for f in found.values()) > 0.5
    assert all(f.ranked.conf_low < 0 < f.ranked.conf_high for f in found.values())
    # Taken for new answers, the same quarters would have made a finding of two of the eight.
    assert sorted(m for m, f in found.items() if f.p_independent < 0.05) == ["contact_ward_officer", "informed_local"]

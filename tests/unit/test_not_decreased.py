"""The claim that a rate has not decreased: its rule, its numbers, its coverage on simulated months, and its words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from builders import inputs
from scipy import special

from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED, Claim, Statement
from cseval.claims.not_decreased import NotDecreased, no_decrease_verdict, rate_change, rates_of
from cseval.claims.not_decreased_words import RAW
from cseval.errors import EstimationError, SpecError

#: The panel begins in January 2015: 48 months of history, 24 before and 12 after.
CLAIM = NotDecreased(
    statement=Statement(slug="not-decreased", text="rates have not decreased", source="Board", paragraph="3.7"),
    outcomes=("burglary",),
    exact=("burglary",),
    before=("2019-01", "2020-12"),
    after=("2021-01", "2021-12"),
    subject="burglary",
    needed="a file of burglary",
    area="the two areas",
)
MONTHS = 84


def months(rng, phases, *, rho=0.0, extra=2.0, level=150.0, change=0.0):
    """A series whose mean wavers, with a season, and a log change of its mean in the last phase."""
    n = sum(phases)
    shock, wavering = rng.standard_normal(n), np.empty(n)
    wavering[0] = shock[0]
    for t in range(1, n):
        wavering[t] = rho * wavering[t - 1] + math.sqrt(1 - rho**2) * shock[t]
    spread = math.sqrt(extra / level)
    log_mean = 0.1 * np.cos(2 * np.pi * np.arange(n) / 12) + spread * wavering - spread**2 / 2
    log_mean[n - phases[3] :] += change
    return rng.poisson(level * np.exp(log_mean)).astype(float)


def counts(change=0.0, seed=0, **options):
    """Four areas of which the first two are treated; their sum has the change."""
    rng = np.random.default_rng(seed)
    rows = [months(rng, (48, 24, 0, 12), change=change if i < 2 else 0.0, **options) for i in range(4)]
    return np.array(rows).astype(np.int64)


def held(claim=CLAIM, values=None, **options):
    return claim.test(None, inputs(counts() if values is None else values, treated=[0, 1], **options), 1)


def value(result, quantity, column="value"):
    return result.frames["rate_change"].set_index("quantity").loc[quantity, column]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.2, SUPPORTED),
        (0.0, 0.2, SUPPORTED),
        (-0.0, 0.2, SUPPORTED),
        (-0.2, -0.01, CONTRADICTED),
        (-0.2, 0.0, NOT_SUPPORTED),
        (-0.1, 0.1, NOT_SUPPORTED),
        (-math.inf, math.inf, NOT_SUPPORTED),
        (math.nan, -0.1, CANNOT_BE_TESTED),
        (0.1, math.nan, CANNOT_BE_TESTED),
    ],
)
def test_a_rate_has_not_decreased_only_where_the_whole_interval_says_so(low, high, verdict):
    assert no_decrease_verdict(low, high) == verdict


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        (0.5, SUPPORTED, "leaves no fall open"),
        (-0.5, CONTRADICTED, "leaves nothing but a fall open"),
        (0.0, NOT_SUPPORTED, "leaves both a fall and a rise open"),
    ],
)
def test_verdicts(change, verdict, words):
    result = held(values=counts(change))
    assert isinstance(CLAIM, Claim)
    assert result.verdict == verdict
    assert result.on_stand_in == ""
    assert words in result.sentence


def test_rates_and_change_by_hand_over_the_treated_areas_alone():
    values = counts(0.2)
    result = held(values=values)
    before, after = values[:2, 48:72].sum() / 24, values[:2, 72:].sum() / 12
    assert value(result, "incidents a month before") == before
    assert value(result, "incidents a month after") == after
    assert value(result, "change, %") == pytest.approx(100 * (after / before - 1))
    changed = values.copy()
    changed[2:] = 1
    assert held(values=changed).sentence == result.sentence


def test_change_is_that_of_a_quasi_poisson_regression_with_calendar_months():
    y = months(np.random.default_rng(3), (0, 24, 0, 12), change=0.1)
    calendar = (np.arange(36)[:, None] % 12 == np.arange(1, 12)).astype(float)
    x = np.column_stack([np.ones(36), np.arange(36) >= 24, calendar])
    peer = sm.GLM(y, x, family=sm.families.Poisson()).fit(tol=1e-12)
    change, _, _ = rate_change(y, 0, (0, 24, 0, 12))
    assert change == pytest.approx(peer.params[1], rel=1e-8)


def test_error_of_independent_poisson_months_is_the_one_of_two_totals():
    y = np.full(84, 100.0) + np.tile([3.0, -3.0, 1.0, -1.0], 21)  # varies less than chance would have it
    change, error, noise = rate_change(y, 0, (48, 24, 0, 12))
    assert (noise.extra, noise.rho) == (0.0, 0.0)
    assert change == pytest.approx(0.0, abs=1e-12)
    assert error == pytest.approx(math.sqrt(1 / 2400 + 1 / 1200))


def test_a_season_alone_is_no_change_where_both_periods_weigh_it_alike():
    season = np.tile(np.round(200 * np.exp(np.cos(2 * np.pi * np.arange(12) / 12))), 8)
    for phases in ((48, 24, 0, 12), (48, 18, 6, 18)):
        change, _, _ = rate_change(season[: sum(phases)], 4, phases)
        assert change == pytest.approx(0.0, abs=1e-12)


def test_a_trend_within_the_period_makes_the_interval_longer():
    steady, rising = np.full(84, 100.0), np.full(84, 100.0)
    rising[48:72] = np.linspace(70, 130, 24)
    noise = np.random.default_rng(0).normal(0, 10, 84).round()
    errors = [rate_change(y + noise, 0, (48, 24, 0, 12))[1] for y in (steady, rising)]
    assert errors[1] > 1.5 * errors[0]


def test_history_has_no_say_in_the_rates_and_only_its_unbroken_part_is_used():
    values = counts()
    plain = held(values=values)
    more = values.copy()
    more[:, :40] *= 3
    other = held(values=more)
    assert value(other, "change, %") == value(plain, "change, %")
    assert value(other, "degrees of freedom") != value(plain, "degrees of freedom")
    received = np.ones(values.shape, dtype=bool)
    received[1, 10] = False
    gap = rates_of(CLAIM, inputs(values, treated=[0, 1], received=received))
    assert gap.history == 37
    received[1, 40] = False
    assert rates_of(CLAIM, inputs(values, treated=[0, 1], received=received)).history == 0
    none = rates_of(replace(CLAIM, history_months=0), inputs(values, treated=[0, 1]))
    assert none.history == 0
    assert none.log_change == gap.log_change


def test_a_panel_that_begins_later_has_less_history():
    late = replace(CLAIM, before=("2017-01", "2018-12"), after=("2019-01", "2019-12"))
    assert rates_of(late, inputs(counts(), treated=[0, 1])).history == 24


def test_months_after_the_last_one_have_no_say():
    early = replace(CLAIM, before=("2018-01", "2019-12"), after=("2020-01", "2020-12"))
    values = counts()
    changed = values.copy()
    changed[:, 72:] = 9999
    assert held(early, changed).sentence == held(early, values).sentence


def test_a_missing_month_of_the_periods_takes_the_next_outcome_or_none():
    values = counts()
    received = np.ones(values.shape, dtype=bool)
    received[0, 75] = False
    assert held(values=values, received=received).verdict == CANNOT_BE_TESTED
    given = inputs(values, treated=[0, 1], received=received)
    both = replace(given.panel, counts={**given.panel.counts, "arson": values}, received=given.panel.received)
    result = replace(CLAIM, outcomes=("burglary", "arson")).test(None, replace(given, panel=both), 1)
    assert (result.outcome, result.verdict, result.on_stand_in) == ("arson", CANNOT_BE_TESTED, NOT_SUPPORTED)
    assert "these data hold arson, which is not the same" in result.caveat
    assert "another file is needed: a file of burglary" in result.caveat


def test_a_comparison_area_with_a_missing_month_does_not_matter():
    values = counts()
    received = np.ones(values.shape, dtype=bool)
    received[3, 75] = False
    assert held(values=values, received=received).sentence == held(values=values).sentence


def test_what_a_rate_cannot_say_is_said_whatever_the_outcome():
    assert held().caveat == RAW
    assert "says nothing of what the programme did" in held(replace(CLAIM, exact=())).caveat


@pytest.mark.parametrize("changes", [{"outcomes": ("knives",)}, {"after": ("2022-01", "2022-12")}])
def test_without_an_outcome_it_cannot_be_tested(changes):
    result = held(replace(CLAIM, **changes))
    assert result.verdict == CANNOT_BE_TESTED
    assert result.frames == {}


def test_a_treated_area_without_counts_cannot_be_tested():
    given = inputs(counts(), treated=[0, 1])
    roles = replace(given.roles, treated=frozenset({"U000", "elsewhere"}))
    assert CLAIM.test(None, replace(given, roles=roles), 1).verdict == CANNOT_BE_TESTED


def test_per_resident_is_the_change_less_that_of_the_residents():
    values, exposure = counts(0.1), np.full((4, MONTHS), 1000.0)
    exposure[:2, 72:] = 1100
    result = held(values=values, exposure=exposure)
    change = value(result, "change, %")
    assert value(result, "change per resident, %") == pytest.approx(100 * ((1 + change / 100) / 1.1 - 1))
    assert "Per resident it is a" in result.sentence
    assert result.verdict == held(values=values).verdict
    assert "Per resident" not in held(values=values).sentence


def test_sentence_reads_in_order():
    values = np.full((4, MONTHS), 100, dtype=np.int64)
    values[:, 72:] = 110
    assert held(values=values).sentence == (
        "Recorded burglary in the two areas went from 200.0 a month in January 2019 to December 2020 to 220.0 a month "
        "in 2021: a 10.0% rise (95% interval from a 4.8% rise to a 15.4% rise), which leaves no fall open."
    )


def test_too_few_incidents_are_refused_by_the_name_of_the_claim():
    values = counts()
    values[:, ::12] = 0
    with pytest.raises(EstimationError, match=r"claim not-decreased.*incidents are too few"):
        held(values=values)


@pytest.mark.parametrize(
    "changes",
    [
        {"after": ("2021-01", "2021-11")},
        {"after": ("2021-01", "2022-06")},
        {"after": ("2020-12", "2021-11")},
        {"before": ("2019-07", "2020-12"), "after": ("2021-01", "2022-06")},
        {"before": ("2020-12", "2019-01")},
        {"history_months": -1},
    ],
)
def test_periods_that_cannot_be_compared_are_refused(changes):
    with pytest.raises(SpecError, match="not-decreased"):
        replace(CLAIM, **changes)


def test_the_same_months_of_other_years_can_be_compared():
    claim = replace(CLAIM, before=("2018-01", "2019-06"), after=("2020-01", "2021-06"))
    assert claim.gap == 6
    assert held(claim).outcome == "burglary"


# Recovery ---------------------------------------------------------------------------------------------


def coverage(phases, rho, draws, seed, **options):
    """Share of simulated series whose 95% interval holds the true change, and the mean error of the estimate."""
    rng, hits, errors, change = np.random.default_rng(seed), 0, [], options.get("change", 0.0)
    for _ in range(draws):
        estimate, error, noise = rate_change(months(rng, phases, rho=rho, **options), 4, phases)
        hits += abs(estimate - change) <= special.stdtrit(noise.df, 0.975) * error
        errors.append(estimate - change)
    return hits / draws, float(np.mean(errors))


def test_a_known_change_is_recovered_and_covered_with_autocorrelation():
    """Within three Monte Carlo errors of 95% below, by 400 series with autocorrelation 0.3."""
    share, bias = coverage((48, 24, 0, 12), 0.3, 400, 1, change=-0.2)
    assert share >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400)
    assert bias == pytest.approx(0.0, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("phases", [(48, 24, 0, 12), (48, 18, 6, 18), (48, 12, 6, 12)])
@pytest.mark.parametrize(("rho", "least"), [(0.0, 0.94), (0.3, 0.925), (0.6, 0.91)])
def test_coverage_is_what_the_docstring_says(phases, rho, least):
    """2,000 series each: 95 to 97% without autocorrelation, 94 to 95% at 0.3, 92 to 94% at 0.6."""
    share, _ = coverage(phases, rho, 2000, 5)
    assert least <= share <= 0.98


def test_newey_west_would_be_too_sure():
    """Why its errors are not used: with the usual lag its interval misses the truth twice as often as it should."""
    rng, phases, misses = np.random.default_rng(2), (0, 24, 0, 12), 0
    calendar = (np.arange(36)[:, None] % 12 == np.arange(1, 12)).astype(float)
    x = np.column_stack([np.ones(36), np.arange(36) >= 24, calendar])
    for _ in range(150):
        model = sm.GLM(months(rng, phases, rho=0.3), x, family=sm.families.Poisson())
        fit = model.fit(cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True})
        misses += abs(fit.params[1]) > special.stdtrit(36 - 13, 0.975) * fit.bse[1]
    assert misses / 150 > 0.08

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
from cseval.claims.not_decreased import (
    NotDecreased,
    RateChange,
    Spread,
    histories,
    no_decrease_verdict,
    rate_change,
    rates_of,
)
from cseval.claims.not_decreased_words import RAW, sentence_of
from cseval.errors import EstimationError, SpecError
from cseval.estimators.rolling import Noise

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
        (0.5, SUPPORTED, "which holds no fall."),
        (-0.5, CONTRADICTED, "which holds falls only."),
        (0.0, NOT_SUPPORTED, "which leaves both a fall and a rise open."),
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


def lengths(claim, values, **options):
    return [s.history for s in rates_of(claim, inputs(values, treated=[0, 1], **options)).spreads]


def test_history_has_no_say_in_the_rates():
    values = counts()
    plain = held(values=values)
    more = values.copy()
    more[:, :40] *= 3
    other = held(values=more)
    assert value(other, "change, %") == value(plain, "change, %")
    assert value(other, "degrees of freedom", "high") != value(plain, "degrees of freedom", "high")


def test_months_of_history_that_are_missing_are_left_out_and_no_less_history_is_tried():
    values = counts()
    received = np.ones(values.shape, dtype=bool)
    received[1, [10, 40]] = False
    assert lengths(CLAIM, values, received=received) == lengths(CLAIM, values) == [0, 12, 24, 36, 48]
    changed = values.copy()
    changed[:, [10, 40]] = 9999
    some, same = (held(values=v, received=received) for v in (values, changed))
    assert same.frames["rate_change"].equals(some.frames["rate_change"])
    received[1, :15] = False
    assert lengths(CLAIM, values, received=received) == [0, 12, 24, 33]
    received[1, :47] = False
    assert lengths(CLAIM, values, received=received) == [0]


def test_a_year_of_history_of_which_one_month_is_known_is_tried_all_the_same():
    values = counts()
    received = np.ones(values.shape, dtype=bool)
    received[1, 1:48] = False
    assert lengths(CLAIM, values, received=received) == [0, 12, 24, 36, 48]
    halves = [s.half for s in rates_of(CLAIM, inputs(values, treated=[0, 1], received=received)).spreads]
    assert halves[:4] == pytest.approx([halves[0]] * 4, rel=1e-6)


def test_history_begins_where_the_protocol_says_or_the_panel_does():
    values = counts()
    cut = replace(CLAIM, history_from="2017-02", history_reason="recording changed")
    assert lengths(cut, values) == [0, 12, 23]
    before = values.copy()
    before[:, :25] = 9999
    assert held(cut, before).frames["rate_change"].equals(held(cut, values).frames["rate_change"])
    assert value(held(cut), "months of history", "high") == 23
    assert value(held(cut), "months of history", "note") == "from 2017-02 on at the earliest: recording changed"
    assert lengths(replace(CLAIM, history_from="2010-01"), values) == [0, 12, 24, 36, 48]
    assert lengths(replace(CLAIM, before=("2017-01", "2018-12"), after=("2019-01", "2019-12")), values) == [0, 12, 24]
    assert [histories(n) for n in (0, 11, 12, 30)] == [(0,), (0,), (0, 12), (0, 12, 24, 30)]


def change(log_change, halves, growth=math.nan):
    """A change whose 95% interval has a given half by each history of a year more."""
    noise = Noise(extra=0.0, rho=0.0, df=1e9)
    spreads = tuple(
        Spread(history=12 * n, std_error=half / special.ndtri(0.975), noise=noise) for n, half in enumerate(halves)
    )
    return RateChange(
        outcome="burglary",
        totals=(2400.0, 1200.0),
        months=(24, 12),
        log_change=log_change,
        spreads=spreads,
        growth=growth,
    )


@pytest.mark.parametrize(
    ("log_change", "halves", "growth", "verdict"),
    [
        (-0.10, (0.05, 0.08), math.nan, CONTRADICTED),
        (-0.10, (0.05, 0.12), math.nan, NOT_SUPPORTED),
        (-0.10, (0.12, 0.05), math.nan, NOT_SUPPORTED),
        (0.10, (0.05, 0.08), math.nan, SUPPORTED),
        (0.10, (0.05, 0.12), math.nan, NOT_SUPPORTED),
        (-0.10, (0.05, 0.08), 0.02, CONTRADICTED),
        (-0.07, (0.05, 0.08), 0.02, NOT_SUPPORTED),
        (-0.10, (0.05, 0.08), -0.03, NOT_SUPPORTED),
        (0.10, (0.05, 0.08), 0.01, SUPPORTED),
        (0.10, (0.05, 0.08), 0.03, NOT_SUPPORTED),
    ],
)
def test_a_verdict_holds_with_every_history_and_both_ways_of_counting_or_not_at_all(
    log_change, halves, growth, verdict
):
    assert change(log_change, halves, growth).verdict == verdict


@pytest.mark.parametrize("growth", [math.nan, 0.03, -0.03])
def test_the_least_rise_is_the_one_from_which_on_it_would_be_supported(growth):
    least = change(0.0, (0.05, 0.08), growth).least_rise
    assert change(least + 1e-6, (0.05, 0.08), growth).verdict == SUPPORTED
    assert change(least - 1e-6, (0.05, 0.08), growth).verdict == NOT_SUPPORTED


def test_what_decides_is_said():
    said = sentence_of(CLAIM, change(-0.07, (0.05, 0.08), 0.02))
    assert "a 6.8% fall (95% interval from a 13.9% fall to a 1.0% rise), which leaves both a fall and a rise" in said
    assert (
        "Per resident it is an 8.6% fall (95% interval from a 15.6% fall to a 1.0% fall), which holds falls o" in said
    )
    assert "Only a rise of about 11% or more could have supported the statement." in said
    assert "By the month and per resident the counts do not say the same, so neither decides." in said
    assert said.endswith(
        "judged with 0 and 12 months of history, since a verdict must hold with each; with 0 alone, the interval by "
        "the month holds falls only."
    )
    both = sentence_of(CLAIM, change(-0.07, (0.05, 0.12), 0.01))
    assert both.endswith("with 0 alone, the interval by the month and per resident holds falls only.")
    decided = sentence_of(CLAIM, change(-0.3, (0.05,)))
    assert "Only a rise" not in decided
    assert decided.endswith("There are no earlier months to judge these intervals with as well.")


def test_months_after_the_last_one_have_no_say():
    early = replace(CLAIM, before=("2018-01", "2019-12"), after=("2020-01", "2020-12"))
    values = counts()
    changed = values.copy()
    changed[:, 72:] = 9999
    assert held(early, changed).sentence == held(early, values).sentence


BETWEEN = replace(CLAIM, before=("2018-01", "2019-06"), after=("2020-01", "2021-06"))


@pytest.mark.parametrize("missing", [slice(56, 57), slice(54, 60)])
def test_months_between_the_periods_need_not_be_known(missing):
    values = counts(0.3)
    received = np.ones(values.shape, dtype=bool)
    received[0, missing] = False
    some = held(BETWEEN, values, received=received)
    assert some.outcome == "burglary"
    assert value(some, "change, %") == value(held(BETWEEN, values), "change, %")
    assert lengths(BETWEEN, values, received=received) == lengths(BETWEEN, values) == [0, 12, 24, 36]
    changed = values.copy()
    changed[:, missing] = 9999
    assert held(BETWEEN, changed, received=received).sentence == some.sentence


def test_a_month_between_that_is_not_known_is_left_out_of_the_model():
    """Without autocorrelation the extra variance is the Pearson statistic of the known months over its df, less 1."""
    phases, first, gap = (0, 24, 6, 12), 4, 26
    y = months(np.random.default_rng(3), phases)
    y[gap] = math.nan
    _, _, noise = rate_change(y, first, phases)
    place, calendar = np.repeat(np.arange(4), phases), (first + np.arange(42)) % 12
    x = np.column_stack([*(place == n for n in (1, 2, 3)), calendar[:, None] == np.arange(1, 12)]).astype(float)
    known = np.isfinite(y)
    peer = sm.GLM(y[known], x[known], family=sm.families.Poisson()).fit(tol=1e-12)
    assert noise.rho == 0.0
    assert noise.extra == pytest.approx(peer.pearson_chi2 / peer.df_resid - 1, rel=1e-6)


def test_a_missing_month_of_the_periods_takes_the_next_outcome_or_none():
    values = counts()
    received = np.ones(values.shape, dtype=bool)
    received[0, 75] = False
    alone = held(values=values, received=received)
    assert (alone.verdict, alone.outcome, alone.frames) == (CANNOT_BE_TESTED, "", {})
    assert "no outcome for all months" in alone.sentence
    assert "only 35 of the 36 months of the two periods were received in all of the two areas" in alone.caveat
    given = inputs(values, treated=[0, 1], received=received)
    both = replace(given.panel, counts={**given.panel.counts, "arson": values}, received=given.panel.received)
    result = replace(CLAIM, outcomes=("burglary", "arson")).test(None, replace(given, panel=both), 1)
    assert (result.outcome, result.verdict, result.on_stand_in) == ("arson", CANNOT_BE_TESTED, NOT_SUPPORTED)
    assert "only 35 of the 36 months" in result.caveat
    assert (
        "the others are needed too, from a file of burglary. Arson stands in, which is not the same." in result.caveat
    )


def test_an_outcome_that_is_absent_is_not_said_to_lack_months():
    result = held(replace(CLAIM, exact=("knives",), outcomes=("knives", "burglary"), subject="knives", unsaid="Whose?"))
    assert (result.outcome, result.verdict) == ("burglary", CANNOT_BE_TESTED)
    assert "The statement counts knives; these data hold burglary, which is not the same." in result.caveat
    assert "another file is needed: a file of burglary. Whose? A rate that" in result.caveat
    assert "months of the two periods" not in result.caveat


def test_a_comparison_area_with_a_missing_month_does_not_matter():
    values = counts()
    received = np.ones(values.shape, dtype=bool)
    received[3, 75] = False
    assert held(values=values, received=received).sentence == held(values=values).sentence


def test_what_a_rate_cannot_say_is_said_whatever_the_outcome():
    assert held().caveat == RAW
    assert held(replace(CLAIM, unsaid="The paper does not say whose.")).caveat == f"The paper does not say whose. {RAW}"
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
    recorded = value(result, "change, %")
    assert value(result, "change per resident, %") == pytest.approx(100 * ((1 + recorded / 100) / 1.1 - 1))
    assert "Per resident it is a" in result.sentence
    assert "Per resident" not in held(values=values).sentence


def test_sentence_reads_in_order():
    values = np.full((4, MONTHS), 100, dtype=np.int64)
    values[:, 72:] = 110
    assert held(values=values).sentence == (
        "Recorded burglary in the two areas went from 200.0 a month in January 2019 to December 2020 to 220.0 a month "
        "in 2021: a 10.0% rise (95% interval from a 4.6% rise to a 15.7% rise), which holds no fall. These intervals "
        "are the widest of those judged with 0, 12, 24, 36 and 48 months of history, since a verdict must hold with "
        "each."
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
        {"history_from": "2019-02"},
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


def widest(y, phases):
    """The change, and half the widest of the intervals by each length of history."""
    spreads = []
    for history in histories(phases[0]):
        skip = phases[0] - history
        estimate, error, noise = rate_change(y[skip:], 4 + skip, (history, *phases[1:]))
        spreads.append(Spread(history=history, std_error=error, noise=noise).half)
    return estimate, max(spreads)


def coverage(phases, rho, draws, seed, **options):
    """Share of simulated series whose 95% interval holds the true change, and the mean error of the estimate."""
    rng, hits, errors, truth = np.random.default_rng(seed), 0, [], options.get("change", 0.0)
    for _ in range(draws):
        estimate, half = widest(months(rng, phases, rho=rho, **options), phases)
        hits += abs(estimate - truth) <= half
        errors.append(estimate - truth)
    return hits / draws, float(np.mean(errors))


def test_a_known_change_is_recovered_and_covered_with_autocorrelation():
    """Within three Monte Carlo errors of 95% below, by 200 series with autocorrelation 0.3."""
    share, bias = coverage((23, 24, 0, 12), 0.3, 200, 1, change=-0.2)
    assert share >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 200)
    assert bias == pytest.approx(0.0, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("phases", [(23, 24, 0, 12), (23, 18, 6, 18), (35, 12, 6, 12)])
@pytest.mark.parametrize(("rho", "least", "most"), [(0.0, 0.95, 1.0), (0.3, 0.95, 1.0), (0.6, 0.93, 0.99)])
def test_coverage_is_what_the_docstring_says(phases, rho, least, most):
    """2,000 series each."""
    share, _ = coverage(phases, rho, 2000, 5)
    assert least <= share <= most


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

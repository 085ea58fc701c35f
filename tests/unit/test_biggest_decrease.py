"""The claim of the biggest decrease: chosen outcome, numbers by hand, zeros and ties, verdicts, and its words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import inputs, poisson_counts, unit_codes

from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED, Claim, Statement
from cseval.claims.phrases import FROM_MONTHS
from cseval.claims.ranking import BiggestDecrease
from cseval.errors import SpecError
from cseval.inference.ranks_changes import change_variance
from cseval.panel import Panel

STATEMENT = Statement(slug="biggest", text="the biggest decrease of all", source="Board", paragraph="3.2")
UNITS = 12
CLAIM = BiggestDecrease(
    statement=STATEMENT,
    outcomes=("burglary",),
    exact=("burglary",),
    unit="U003",
    before=("2022-01", "2022-12"),
    after=("2023-01", "2023-12"),
    draws=499,
)


def yearly(totals, history=7, level=40, seed=0):
    """Counts by month over nine years; the last two years have these totals in each unit."""
    counts = poisson_counts(len(totals), 12 * (history + 2), level=level, seed=seed)
    for column, at in ((0, -24), (1, -12)):
        counts[:, at : at + 12 or None] = 0
        counts[:, at] = [t[column] for t in totals]
    return counts


def held(totals, claim=CLAIM, **options):
    return claim.test(None, inputs(yearly(totals, **options), treated=[3]), 1)


def falling(own, others=(500, 500)):
    return [own if i == 3 else others for i in range(UNITS)]


def row(result, unit="U003"):
    return result.frames["ranking"].set_index("unit").loc[unit]


def test_it_is_a_claim_that_keeps_its_statement():
    assert isinstance(CLAIM, Claim)
    result = held(falling((500, 450)))
    assert result.statement is STATEMENT
    assert result.outcome == "burglary"
    assert result.caveat == ""
    assert set(result.frames) == {"ranking", "ranking_summary"}


def test_changes_and_ranks_by_hand():
    result = held([(100, 80), (400, 340), (50, 60), (200, 150), (10, 0), *[(300, 300)] * 7])
    frame = result.frames["ranking"]
    assert frame["unit"].tolist()[:5] == ["U004", "U003", "U000", "U001", "U005"]
    own = row(result)
    assert (own["before"], own["after"], own["change"], own["percent_change"]) == (200, 150, -50, -25)
    assert (own["rank_relative"], own["rank_absolute"]) == (2, 2)
    assert row(result, "U001")["rank_absolute"] == 1
    assert row(result, "U005")["rank_relative"] == row(result, "U011")["rank_relative"] == 5
    assert row(result, "U004")["percent_change"] == row(result, "U004")["conf_low"] == -100
    assert (frame["rank_low"] <= frame["rank_relative"]).all()
    assert (frame["rank_relative"] <= frame["rank_high"]).all()
    assert (frame["rank_absolute_low"] <= frame["rank_absolute"]).all()


def test_a_unit_with_nothing_before_is_ranked_by_number_alone():
    result = held([(0, 4), *[(300, 300 - 5 * i) for i in range(UNITS - 1)]])
    frame = result.frames["ranking"]
    last = frame.iloc[-1]
    assert last["unit"] == "U000"
    assert frame.loc[frame["unit"] == "U000", ["percent_change", "conf_low", "rank_relative"]].isna().all(axis=None)
    assert last["rank_absolute"] == 12
    assert frame["rank_high"].max() <= 11
    assert "9th of 11 boroughs in per cent and 9th of 12 boroughs in number" in result.sentence


def test_a_claim_about_a_unit_with_nothing_before_is_read_by_number():
    result = held([(900, 300), (300, 200), (300, 250), (0, 50), *[(300, 300)] * 8])
    assert result.verdict == CONTRADICTED
    assert "a change in per cent is not defined" in result.sentence
    assert "12th of 12 boroughs in number" in result.sentence


@pytest.mark.parametrize(
    ("own", "others", "verdict"),
    [
        ((2000, 200), (2000, 2000), SUPPORTED),
        ((2000, 1950), (2000, 2000), NOT_SUPPORTED),
        ((2000, 2000), (2000, 2000), NOT_SUPPORTED),
        ((2000, 2500), (2000, 300), CONTRADICTED),
    ],
)
def test_verdicts(own, others, verdict):
    result = held(falling(own, others))
    assert result.verdict == verdict
    assert (row(result)["rank_relative"] == 1) == (verdict != CONTRADICTED)


def test_the_two_readings_must_agree_to_support():
    """The largest fall in per cent, but a larger unit fell by more incidents."""
    result = held([(90_000, 70_000), (3000, 3000), (3000, 3000), (3000, 300), *[(3000, 3000)] * 8], level=250)
    own = row(result)
    assert (own["rank_relative"], own["rank_absolute"]) == (1, 2)
    assert result.verdict == NOT_SUPPORTED


def test_order_of_units_changes_nothing_but_draws_and_irrelevant_outcomes_nothing():
    totals = [(300 + 10 * i, 290 + 7 * i) for i in range(UNITS)]
    given = inputs(yearly(totals), treated=[3])
    plain = CLAIM.test(None, given, 1)
    other = {"arson": np.ones_like(given.panel.require("burglary")), **given.panel.counts}
    again = CLAIM.test(None, replace(given, panel=replace(given.panel, counts=other)), 1)
    assert again.frames["ranking"].equals(plain.frames["ranking"])
    assert again.sentence == plain.sentence
    turned = replace(
        given.panel, units=given.panel.units[::-1], counts={"burglary": given.panel.counts["burglary"][::-1]}
    )
    mixed = CLAIM.test(None, replace(given, panel=turned), 1).frames["ranking"].set_index("unit")
    exact = [
        "before",
        "after",
        "percent_change",
        "conf_low",
        "rank_relative",
        "rank_absolute",
        "expected_percent_change",
    ]
    first = plain.frames["ranking"].set_index("unit")
    assert np.allclose(mixed.loc[first.index, exact].astype(float), first[exact].astype(float))


def test_dispersion_is_that_of_earlier_years_and_not_poisson():
    counts = yearly(falling((500, 450)))
    summary = held(falling((500, 450))).frames["ranking_summary"].set_index("quantity")
    years = counts[:, : 8 * 12].reshape(UNITS, 8, 12).sum(axis=2).astype(float)
    assert summary.loc["overdispersion of changes", "value"] == pytest.approx(change_variance(years).dispersion)
    short = replace(CLAIM, history_months=36)
    summary = held(falling((500, 450)), short).frames["ranking_summary"].set_index("quantity")
    assert summary.loc["overdispersion of changes", "value"] == pytest.approx(change_variance(years[:, -4:]).dispersion)


def test_a_peak_before_is_expected_to_fall():
    peak = [(800 if i == 3 else 480, 480) for i in range(UNITS)]
    result = held(peak)
    own, frame = row(result), result.frames["ranking"]
    assert own["expected_percent_change"] < -15
    assert own["expected_rank"] == frame["expected_rank"].min()
    assert own["probability_first"] > 2 / UNITS


def test_without_earlier_years_months_stand_in_and_it_is_said():
    counts = yearly(falling((500, 450)))[:, -24:]
    counts += np.random.default_rng(0).poisson(30, counts.shape)
    claim = replace(CLAIM, before=("2015-01", "2015-12"), after=("2016-01", "2016-12"))
    result = claim.test(None, inputs(counts, treated=[3]), 1)
    assert "no earlier years" in result.caveat
    assert "Chance, judged from months, leaves" in result.sentence
    assert "in earlier years" not in result.sentence
    assert "Chance, as large as it was in earlier years, leaves" in held(falling((500, 450))).sentence
    assert result.frames["ranking"]["expected_rank"].isna().all()
    assert FROM_MONTHS in result.frames["ranking_summary"]["note"].iloc[-2]
    assert "regression to the mean" not in result.sentence


def test_the_first_outcome_that_was_received_is_used_and_another_is_named():
    counts = yearly(falling((500, 450)))
    given = inputs(counts, treated=[3])
    never = np.zeros(counts.shape, dtype=bool)
    panel = replace(
        given.panel,
        counts={"victims": counts, "injury": counts, "burglary": counts},
        received={"victims": never},
    )
    claim = replace(CLAIM, outcomes=("absent", "victims", "injury", "burglary"), exact=("absent", "victims"))
    result = claim.test(None, replace(given, panel=panel), 1)
    assert result.outcome == "injury"
    assert "these data hold injury, which is not the same" in result.caveat
    assert "another file is needed: the Metropolitan Police's monthly crime dashboard" in result.caveat


def test_units_with_a_missing_month_are_left_out_and_named():
    counts = yearly(falling((500, 450)))
    received = np.ones(counts.shape, dtype=bool)
    received[5, -3] = False
    result = CLAIM.test(None, inputs(counts, treated=[3], received=received), 1)
    assert "U005" not in result.frames["ranking"]["unit"].tolist()
    assert "months are missing: U005" in result.caveat
    assert "of 11 boroughs" in result.sentence


@pytest.mark.parametrize(
    "changes",
    [{"outcomes": ("victims",)}, {"unit": "X"}, {"before": ("2023-01", "2023-12"), "after": ("2024-01", "2024-12")}],
)
def test_without_an_outcome_it_cannot_be_tested(changes):
    result = held(falling((500, 450)), replace(CLAIM, **changes))
    assert result.verdict == CANNOT_BE_TESTED
    assert result.frames == {}
    assert "a file is needed that these data lack" in result.caveat


@pytest.mark.parametrize(
    "changes",
    [
        {"after": ("2023-01", "2023-11")},
        {"after": ("2023-02", "2024-01")},
        {"after": ("2022-01", "2022-12")},
        {"before": ("2022-12", "2022-01")},
        {"own_years": 0},
        {"draws": 10},
    ],
)
def test_periods_that_cannot_be_compared_are_refused(changes):
    with pytest.raises(SpecError, match="biggest"):
        replace(CLAIM, **changes)


def test_same_seed_same_result():
    one, two = held(falling((500, 400))), held(falling((500, 400)))
    assert one.frames["ranking"].equals(two.frames["ranking"])


def test_sentence_reads_in_order():
    counts = yearly(falling((500, 450)))
    given = inputs(counts, treated=[3])
    panel = replace(given.panel, names={"U003": "Alder"})
    text = CLAIM.test(None, replace(given, panel=panel), 1).sentence
    assert text.startswith(
        "Recorded burglary in Alder went from 500 in 2022 to 450 in 2023: a 10.0% fall (95% interval "
    )
    assert "As recorded it stands 1st of 12 boroughs in per cent and 1st of 12 boroughs in number" in text
    assert "leaves ranks 1 to" in text
    assert "one would expect" in text
    assert isinstance(panel, Panel)
    assert unit_codes(4)[3] == "U003"

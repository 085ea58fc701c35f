"""Money: tables and curves against arithmetic done here, and no benefit where no effect can be told from none."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cseval.costs import read_deflators
from cseval.errors import DataError, EstimationError
from cseval.estimate import LOG
from cseval.parts.money import BreakEvenMoney, TaskforceMoney, averted_of
from cseval.verdict import REDUCTION

UNIT = BreakEvenMoney(programme="asb-and-drug-suppression-unit")
COUNTERFACTUAL = 1000.0


MONTHS = tuple(f"{year}-{month:02d}" for year in (2018, 2019) for month in range(1, 13))
#: Officer-months from 1 May 2018 to 30 April 2019: 6 to 4 September and 11 from the day after, by hand.
OFFICER_MONTHS = (127 * 6 + 238 * 11) / 365 * 12


def result(effect=-0.3, low=-0.4, high=-0.2, verdict=REDUCTION, scale=LOG, outcome="violence_with_injury", areas=101):
    """As much of a result as money looks at."""
    observed = COUNTERFACTUAL * math.exp(effect)

    def averted(first, last):
        ends = [COUNTERFACTUAL * (1 - math.exp(x)) for x in (effect, last, first)]
        return ends[0], ends[1], ends[2]

    estimate = SimpleNamespace(
        scale=scale,
        outcome=outcome,
        counterfactual=COUNTERFACTUAL,
        observed=observed,
        post_periods=12,
        averted=averted,
    )
    draws = SimpleNamespace(effects=np.linspace(-0.1, 0.1, areas))
    design = SimpleNamespace(periods=MONTHS, post=["2018-05" <= m <= "2019-04" for m in MONTHS])
    inferred = (SimpleNamespace(conf_low=low, conf_high=high, draws=draws),)
    return SimpleNamespace(
        primary=SimpleNamespace(design=design, estimate=estimate, inferred=inferred, verdict=verdict)
    )


def table(found, slug):
    return next(t for t in found.files if t.slug == slug).values


def test_the_break_even_is_the_price_over_the_unit_cost_and_its_multiplier(ground):
    found = UNIT.run(ground)
    row = table(found, "break-even").set_index("offence").loc["Violence with injury"]
    assert row["recorded"] == pytest.approx(771_000 / row["unit_cost"] / row["multiplier"], rel=5e-3)
    assert row["recorded"] == pytest.approx(28.4)
    curve = table(found, "break-even-curve")
    assert curve["net_benefit"].iloc[[0, -1]].tolist() == [-771_000, 771_000]
    middle = curve.iloc[len(curve) // 2]
    assert (middle["recorded"], middle["net_benefit"]) == (28.4, 0)


def test_the_curve_and_the_dots_are_drawn_from_the_tables(ground):
    found = UNIT.run(ground)
    curve, dots = (found.figures[name]() for name in ("break-even-curve", "break-even"))
    assert "28.4 recorded offences" in curve.alt
    assert dots.data["recorded"].is_monotonic_increasing
    assert "Robbery of a business" not in dots.data["offence"].tolist()  # no known share of it is recorded


def test_an_arrest_cost_what_the_sum_over_the_count_gives(ground):
    found = TaskforceMoney().run(ground)
    rows = table(found, "taskforce-costs")
    arrests = rows[rows["output"] == "Arrests"]
    assert arrests["each"].tolist() == [round(c / 356) for c in arrests["cost"]]
    assert found.headline.startswith("What was spent is in neither paper")
    assert "would have cost from £1,475 to £2,809" in found.headline
    assert set(rows["when"]) == {"Year to March 2019"}
    assert set(table(found, "taskforce-costs-three-years")["when"]) == {"Three years, no dates given"}


@pytest.mark.parametrize(
    "verdict", ["no clear evidence of a change", "some evidence of a reduction, weakened by a check"]
)
def test_no_benefit_without_evidence_of_a_reduction(ground, verdict):
    found = TaskforceMoney().run(replace(ground, result=result(verdict=verdict)))
    rows = table(found, "benefit")
    assert set(rows["verdict"]) == {verdict}
    assert rows[["value", "ratio", "ratio_low", "ratio_high", "cost_each"]].isna().all(axis=None)
    assert not any("worth" in s and "95% interval" in s for s in found.sentences)
    assert any("No benefit is claimed" in s for s in found.sentences)


def test_a_benefit_is_averted_times_unit_cost_with_the_interval_of_the_placebos(ground):
    found = TaskforceMoney().run(replace(ground, result=result()))
    row = table(found, "benefit").iloc[0]
    unit = table(found, "break-even").set_index("offence").loc["Violence with injury"]
    averted = COUNTERFACTUAL * (1 - math.exp(-0.3))
    errors = COUNTERFACTUAL * (1 - np.exp(np.linspace(-0.1, 0.1, 101)))
    low, high = averted - np.quantile(errors, (0.975, 0.025))
    to_prices_of_the_cost = read_deflators(ground.reference / "deflators.csv").factor("2019-20", "2018-19")
    worth = unit["published"] * unit["multiplier"] * to_prices_of_the_cost
    assert row["value"] == round(averted * worth)
    assert row["ratio"] == pytest.approx(row["value"] / row["cost"], rel=1e-4)
    assert row["ratio_low"] / row["ratio"] == pytest.approx(low / averted, rel=0.02)
    assert row["ratio_high"] / row["ratio"] == pytest.approx(high / averted, rel=0.02)


def test_the_cost_is_of_the_officers_in_post_in_the_months_of_the_effect_at_each_price(ground):
    found = TaskforceMoney().run(replace(ground, result=result()))
    rows = table(found, "benefit")
    to_prices = read_deflators(ground.reference / "deflators.csv").factor("2021-22", "2018-19")
    asked = 771_000 / (12 * 12) * OFFICER_MONTHS * to_prices  # 12 officers were proposed for the yearly price
    assert rows["cost"].tolist() == [round(asked), round(asked / 0.79)]
    assert rows["ratio"].iloc[1] == pytest.approx(0.79 * rows["ratio"].iloc[0], rel=1e-9)


def test_what_is_said_of_a_benefit_is_of_the_higher_cost(ground):
    found = TaskforceMoney().run(replace(ground, result=result()))
    row = table(found, "benefit").iloc[1]
    worth, net = found.sentences[1:3]
    assert f"£{row['ratio']:.2f} for each £1" in worth
    assert net.startswith(f"Less the cost, that is £{row['value'] - row['cost']:,.0f} (95% interval from £")


def test_too_few_areas_cost_the_benefit_and_nothing_else(ground):
    """As of the 31 other boroughs of London: an interval of pounds would end at the furthest of them."""
    few = TaskforceMoney().run(replace(ground, result=result(areas=31)))
    assert any("No benefit is worked out: the effect is held against 31 other areas" in s for s in few.sentences)
    none = TaskforceMoney().run(ground)
    assert [t.slug for t in few.files] == [t.slug for t in none.files]


def test_a_count_of_over_so_many_is_printed_as_a_cost_of_less_than(ground):
    found = TaskforceMoney().run(ground)
    text = found.printed["taskforce-costs"].values
    warnings = text[text["output"] == "Anti-social behaviour warnings"].iloc[0]
    assert (warnings["count"], warnings["each"]) == ("over 350", "less than £2,857")
    assert warnings["per_officer_month"].startswith("more than ")
    arrests = text[text["output"] == "Arrests"].iloc[0]
    assert (arrests["count"], arrests["each"], arrests["prices"]) == ("356", "£2,809", "[x]")
    assert found.printed["taskforce-costs"].heading("each") == "Cost each"  # the pounds stand in the cells


def test_every_table_of_the_papers_that_is_read_is_among_the_sources(ground):
    read = {p.path.rpartition("/")[2] for p in TaskforceMoney().run(ground).sources}
    assert read == {"budgets.csv", "unit_costs.csv", "deflators.csv", "activities.csv", "staffing.csv"}


def test_placebos_are_brought_to_the_size_of_the_treated_area():
    found = averted_of(result())
    assert found.placebo[0] == pytest.approx(COUNTERFACTUAL * (1 - math.exp(-0.1)))
    assert found.placebo[50] == pytest.approx(0.0)
    assert found.low < found.middle < found.high


def test_an_effect_that_is_no_ratio_and_an_outcome_without_unit_cost_are_refused(ground):
    with pytest.raises(EstimationError, match="an effect on the scale"):
        averted_of(result(scale="incidents"))
    found = TaskforceMoney().run(replace(ground, result=result(outcome="graffiti")))
    assert any(s.startswith("No benefit is worked out: graffiti has no unit cost") for s in found.sentences)
    assert "taskforce-costs" in [t.slug for t in found.files]


def test_money_and_simulated_effects_do_not_mix(simulated):
    for part in (UNIT, TaskforceMoney()):
        with pytest.raises(DataError, match="says nothing of a simulated effect"):
            part.run(simulated)


def test_a_programme_without_a_yearly_price_is_refused(ground):
    with pytest.raises(DataError, match="0 yearly prices of safer-together"):
        replace(UNIT, programme="safer-together").run(ground)

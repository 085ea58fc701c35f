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


def result(effect=-0.3, low=-0.4, high=-0.2, verdict=REDUCTION, scale=LOG, outcome="violence_with_injury"):
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
    draws = SimpleNamespace(effects=np.linspace(-0.1, 0.1, 101))
    inferred = (SimpleNamespace(conf_low=low, conf_high=high, draws=draws),)
    return SimpleNamespace(primary=SimpleNamespace(estimate=estimate, inferred=inferred, verdict=verdict))


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
    assert found.headline.startswith("An arrest of the year to March 2019 cost from £1,475 to £2,809")
    assert set(rows["when"]) == {"Year to March 2019"}
    assert set(table(found, "taskforce-costs-three-years")["when"]) == {"Three years, no dates given"}


@pytest.mark.parametrize(
    "verdict", ["no clear evidence of a change", "some evidence of a reduction, weakened by a check"]
)
def test_no_benefit_without_evidence_of_a_reduction(ground, verdict):
    found = TaskforceMoney().run(replace(ground, result=result(verdict=verdict)))
    row = table(found, "benefit").iloc[0]
    assert row["verdict"] == verdict
    assert all(math.isnan(row[c]) for c in ("value", "ratio", "ratio_low", "ratio_high"))
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
    assert row["value"] / averted == pytest.approx(worth, rel=5e-3)
    assert row["ratio"] == pytest.approx(row["value"] / row["cost"], rel=1e-4)
    assert row["ratio_low"] / row["ratio"] == pytest.approx(low / averted, rel=0.02)
    assert row["ratio_high"] / row["ratio"] == pytest.approx(high / averted, rel=0.02)


def test_placebos_are_brought_to_the_size_of_the_treated_area():
    found = averted_of(result())
    assert found.placebo[0] == pytest.approx(COUNTERFACTUAL * (1 - math.exp(-0.1)))
    assert found.placebo[50] == pytest.approx(0.0)
    assert found.low < found.middle < found.high


def test_an_effect_that_is_no_ratio_and_an_outcome_without_unit_cost_are_refused(ground):
    with pytest.raises(EstimationError, match="an effect on the scale"):
        averted_of(result(scale="incidents"))
    with pytest.raises(EstimationError, match="no unit cost of graffiti"):
        TaskforceMoney().run(replace(ground, result=result(outcome="graffiti")))


def test_money_and_simulated_effects_do_not_mix(simulated):
    for part in (UNIT, TaskforceMoney()):
        with pytest.raises(DataError, match="says nothing of a simulated effect"):
            part.run(simulated)


def test_a_programme_without_a_yearly_price_is_refused(ground):
    with pytest.raises(DataError, match="0 yearly prices of safer-together"):
        replace(UNIT, programme="safer-together").run(ground)

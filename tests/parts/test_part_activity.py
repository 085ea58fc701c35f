"""Searches: the simulated doubling and the simulated change between groups are found, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cseval.disclosure import WITHHELD
from cseval.errors import DataError, EstimationError
from cseval.panel import Panel
from cseval.parts.activity import EqualityPart, PoliceActivityPart, begun_before, equality_headline
from cseval.sources.demonstration_searches import TRUE_GROUP_RATIO, TRUE_RATIO, simulate_searches

UNITS = tuple(f"B{i:02d}" for i in range(1, 33))
NAMES = {u: f"Fictional {u}" for u in UNITS}
START = "2017-12"
PERIODS = tuple(f"{y}-{m:02d}" for y in range(2015, 2020) for m in range(1, 13))


def result(treated=("B05",)):
    """As much of a result as the parts look at: a panel of boroughs and one treated."""
    counts = np.random.default_rng(0).poisson(120, (len(UNITS), len(PERIODS)))
    panel = Panel(units=UNITS, periods=PERIODS, counts={"drug_offences": counts}, names=NAMES)
    design = SimpleNamespace(treated=frozenset(treated), start=START, periods=PERIODS)
    primary = SimpleNamespace(design=design, estimate=SimpleNamespace(outcome="drug_offences"))
    return SimpleNamespace(primary=primary, inputs=SimpleNamespace(panel=panel, sources=()))


@pytest.mark.parametrize("seed", range(5))
def test_the_simulated_doubling_is_found_against_all_others(simulated, seed):
    found = PoliceActivityPart().run(replace(simulated, seed=seed, result=result()))
    rows = found.files[0].values
    assert rows["unit"].iloc[0] == "B05"
    assert (
        rows["relative_low"].iloc[0] < TRUE_RATIO * (1 + 0.18 * (TRUE_GROUP_RATIO - 1)) < rows["relative_high"].iloc[0]
    )
    assert "Fictional B05" in found.headline


@pytest.mark.parametrize("seed", range(5))
def test_the_group_that_was_searched_more_is_found(simulated, seed):
    found = EqualityPart().run(replace(simulated, seed=seed, result=result()))
    rows = next(t for t in found.files if t.slug == "searches-by-ethnicity").values.set_index("group")
    assert rows.loc["Black", "change_low"] < TRUE_GROUP_RATIO < rows.loc["Black", "change_high"]
    assert rows.loc["Asian", "change_low"] < 1 < rows.loc["Asian", "change_high"]
    assert "searches of Black people became" in found.headline


def test_no_column_is_called_period_since_that_is_a_month_everywhere_else(simulated):
    found = EqualityPart().run(replace(simulated, result=result()))
    assert all("period" not in t.values for t in found.files)
    assert all(set(t.values) >= set(found.printed[t.slug].values) for t in found.files)


def test_the_printed_table_leaves_out_rates_that_need_residents(simulated):
    found = EqualityPart().run(replace(simulated, result=result()))
    assert "before_rate" not in found.printed["searches-by-ethnicity"].values


def test_rates_per_resident_are_searches_over_residents_and_years(ground, monkeypatch):
    part = EqualityPart(denominators="residents_by_group_2011.csv")
    stops = simulate_searches(4, UNITS, NAMES, "B05", START)
    monkeypatch.setattr("cseval.parts.activity.searches_of", lambda *_: stops)
    found = part.run(replace(ground, result=result()))
    rows = next(t for t in found.files if t.slug == "searches-by-ethnicity").values.set_index("group")
    rates = rows["before"] / rows["population"] * 1000 / (20 / 12)
    assert rows.loc["Asian", "before_rate"] == pytest.approx(rates["Asian"])
    assert rows.loc["Asian", "before_ratio"] == pytest.approx(rates["Asian"] / rates["White"])
    assert np.isnan(rows.loc["Mixed", "before_rate"])
    assert "those of 2011" in found.weaknesses[0]
    assert found.sources[-1].path == "data/reference/residents_by_group_2011.csv"


def test_a_fictional_borough_has_no_residents_by_group(simulated):
    part = EqualityPart(denominators="residents_by_group_2011.csv")
    found = part.run(replace(simulated, result=result()))
    assert next(t for t in found.files).values["before_rate"].isna().all()
    assert found.weaknesses == ()


def test_the_simulated_searches_add_up_and_say_that_nobody_was_searched():
    stops = simulate_searches(4, UNITS, NAMES, "B05", START)
    total = stops.total()
    before, after = total[:, :20], total[:, 20:]
    ratios = after.mean(axis=1) / before.mean(axis=1)
    assert ratios[4] == pytest.approx(TRUE_RATIO * 1.054, rel=0.1)
    assert np.delete(ratios, 4) == pytest.approx(1, abs=0.15)
    assert "nobody was searched" in stops.notes[0]


def test_dated_changes_stand_on_the_figure_of_a_real_place_alone(ground, simulated, monkeypatch):
    stops = simulate_searches(4, UNITS, NAMES, "B05", START)
    monkeypatch.setattr("cseval.parts.activity.searches_of", lambda *_: stops)
    real, fictional = (
        PoliceActivityPart().run(replace(g, result=result())).figures["police-activity"]().caption
        for g in (ground, simulated)
    )
    assert "Stop and search without a place (February 2018 to March 2018)" in real
    assert "dated changes" not in fictional


def test_the_figure_is_marked_as_simulated(simulated):
    figure = PoliceActivityPart().run(replace(simulated, result=result())).figures["police-activity"]()
    assert figure.mark.startswith("Simulated")


@pytest.mark.parametrize("part", [PoliceActivityPart(), EqualityPart()])
def test_without_files_or_with_several_treated_units_it_is_refused(ground, part):
    with pytest.raises(DataError, match="no stop and searches were imported"):
        part.run(replace(ground, result=result()))
    with pytest.raises(EstimationError, match="2 treated units"):
        part.run(replace(ground, result=result(("B05", "B06"))))
    with pytest.raises(EstimationError, match="0 treated units"):
        part.run(ground)


def test_a_change_that_was_under_way_before_the_start_is_said_to_be():
    earlier = measured(change=[0.6, 1.0, np.nan], change_low=[0.45, 0.9, np.nan], change_high=[0.7, 1.1, np.nan])
    assert begun_before(measured(), None) == ()
    (said,) = begun_before(measured(), earlier)
    assert "Asian people against those of White people became 0.60 times what they were" in said
    assert "a change as wide was under way already" in said
    (less,) = begun_before(measured(), measured(change=[1.0] * 3, change_low=[0.9] * 3, change_high=[1.1] * 3))
    assert "less than the change after" in less
    assert begun_before(measured(change=[np.nan] * 3), earlier) == ()


@pytest.mark.parametrize("seed", range(3))
def test_no_change_is_under_way_before_the_simulated_start(simulated, seed):
    found = EqualityPart().run(replace(simulated, seed=seed, result=result()))
    assert "Before any start, from the first" in found.headline
    assert "less than the change after" in found.headline


def measured(**columns):
    """As much of a measured equality as the headline looks at: Asian and Black people beside White ones."""
    rates = {"group": ["Asian", "Black", "White"], "before": [100.0, 200.0, 300.0], "after": [50.0, 320.0, 300.0]}
    rates |= {"change": [0.5, 1.6, np.nan], "change_low": [0.4, 1.2, np.nan], "change_high": [0.6, 2.1, np.nan]}
    return SimpleNamespace(rates=pd.DataFrame(rates | columns), months=(17, 13), reference="White")


def test_a_fall_by_half_is_a_wider_change_than_a_rise_by_three_fifths():
    assert "searches of Asian people became 0.50 times" in equality_headline(measured())
    assert "the widest change of 2 groups" in equality_headline(measured())
    to_nothing = measured(change=[0.0, 99.0, np.nan])
    assert "searches of Asian people became 0.00 times" in equality_headline(to_nothing)


def test_groups_that_are_shown_make_no_total_where_one_is_withheld():
    assert equality_headline(measured()).startswith("600 searches of people with a recorded ethnicity in 17 usable")
    said = equality_headline(measured(before=[WITHHELD, 200.0, 300.0], change=[WITHHELD, 1.6, np.nan]))
    assert said.startswith("Searches of people with a recorded ethnicity in 17 usable months before and 13 after;")
    assert "500" not in said
    assert "670" not in said
    assert "Black people became 1.60 times what they were (95% interval 1.20 to 2.10)." in said

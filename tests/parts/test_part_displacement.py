"""Displacement measures as a part: all of them, ranked, read by rank and not by their own errors."""

from __future__ import annotations

from dataclasses import replace

import pytest
from grounds import ROOT

from cseval.analyse import Settings
from cseval.errors import EstimationError
from cseval.estimators.displacement_area import area_counts, area_measures
from cseval.loading import load
from cseval.parts.displacement import DisplacementMeasures, in_print
from cseval.runner import run_evaluation


@pytest.fixture(scope="module")
def result():
    """The pilot's primary analysis on demonstration data, in which nothing moves next door."""
    evaluation = load(ROOT / "analyses" / "pilot_evaluation.py")
    evaluation = replace(evaluation, analyses=(evaluation.primary,), checks=(), claims=(), parts=())
    return run_evaluation(evaluation, evaluation.demonstration(7), settings=Settings(draws=499, seed=7))


@pytest.fixture(scope="module")
def found(simulated, result):
    return DisplacementMeasures().run(replace(simulated, result=result))


def test_every_measure_stands_in_one_table(found, result):
    table = found.tables[0].values
    assert set(table["measure"]) == {"GE", "NE", "WDQ", "TNE", "WDD", "RIRR"}
    alone = {(m.measure, m.area): m.estimate for m in area_measures(area_counts(result.primary.design))}
    assert {(m, a): e for m, a, e in zip(table["measure"], table["area"], table["estimate"], strict=True)} == alone


def test_where_nothing_moved_no_displacement_is_claimed(found):
    assert found.headline.startswith("There is no clear evidence that incidents moved next door")
    near = found.tables[0].values.query("area == 'ring 1'")
    assert not near["verdict"].isin(["displacement", "diffusion of benefit"]).any()


def test_the_reading_follows_the_rank_and_not_the_measures_own_interval(found):
    table = found.tables[0].values
    clear = table[table["p_value"].notna()]
    assert ((clear["p_value"] < 0.05) | (clear["verdict"] == "no clear evidence")).all()
    wdd = table[table["measure"] == "WDD"]
    assert (wdd["called_clear"] > 0.05).all()  # its own errors find something where nothing was done


def test_it_is_withheld_with_counts_that_are_not_published(found):
    assert found.of_counts


def test_the_printed_table_explains_every_abbreviation(found):
    table = in_print(found.tables[0])
    assert all(any(note.startswith(f"{m}: ") for note in table.notes) for m in set(table.values["measure"]))
    assert table.values.loc[table.values["measure"] == "GE", "p_value"].tolist() == ["[z]"]


def test_without_an_evaluation_ranked_among_placebos_it_is_refused(simulated, result):
    with pytest.raises(EstimationError, match="no placebo neighbourhoods"):
        DisplacementMeasures().run(simulated)
    bare = replace(result.primary, inferred=tuple(replace(i, draws=None) for i in result.primary.inferred))
    without = replace(result, analyses=(bare,))
    with pytest.raises(EstimationError, match="no placebo neighbourhoods"):
        DisplacementMeasures().run(replace(simulated, result=without))

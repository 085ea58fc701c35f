"""Displacement measures as a part: all of them, ranked, read by rank and not by their own errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from grounds import ROOT
from scipy.optimize import nnls

from cseval.analyse import Settings
from cseval.errors import EstimationError
from cseval.estimators.displacement_area import (
    AreaCounts,
    area_counts,
    area_measures,
    displacement_table,
    placebo_measures,
)
from cseval.loading import load
from cseval.parts.displacement import (
    DisplacementMeasures,
    headline,
    in_print,
    open_question,
    ratio_interval,
    row_of,
    with_intervals,
)
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
    assert "" not in table.values.to_numpy()
    assert all(any(note.startswith(f"{m}: ") for note in table.notes) for m in set(table.values["measure"]))
    gross = table.values[table.values["measure"] == "GE"].iloc[0]
    assert gross[["p_value", "placebo", "called_clear"]].tolist() == ["[z]"] * 3
    assert gross["verdict"] == "Compared with nothing, so not read"


def test_without_an_evaluation_ranked_among_placebos_it_is_refused(simulated, result):
    with pytest.raises(EstimationError, match="no placebo neighbourhoods"):
        DisplacementMeasures().run(simulated)
    bare = replace(result.primary, inferred=tuple(replace(i, draws=None) for i in result.primary.inferred))
    without = replace(result, analyses=(bare,))
    with pytest.raises(EstimationError, match="no placebo neighbourhoods"):
        DisplacementMeasures().run(replace(simulated, result=without))


def test_the_interval_leaves_out_no_effect_exactly_where_the_rank_is_clear(result):
    """Every placebo neighbourhood in turn plays the treated one: 1 of 20 is clear, and never by one of both alone."""
    design, draws = result.primary.design, next(i.draws for i in result.primary.inferred if i.draws is not None)
    placebos = placebo_measures(design, draws.sets)
    said = 0
    for area in ("treated", "ring 1", "treated and ring 1"):
        rows = placebos["RIRR", area][:200]
        for i, row in enumerate(rows):
            others = rows[:i] + rows[i + 1 :]
            low, high = ratio_interval(row, others)
            assert low < row.estimate < high
            assert (not low <= 1 <= high) == (_rank(row, others) <= 0.05), (area, i)
            said += not low <= 1 <= high
    assert 0.02 < said / 600 < 0.08


def _area(rng, effect=0.0):
    """An area of about 2,000 incidents beside a steady comparison, with a shock that its count after shares."""
    before = rng.poisson(2000)
    after = rng.poisson(2000 * np.exp(effect + rng.normal(0, 0.1)))
    ring = (rng.poisson(1500), rng.poisson(1500 * np.exp(rng.normal(0, 0.1))))
    return AreaCounts(treated=(before, after), comparison=(2e6, 2e6), ring_1=ring)


@pytest.mark.parametrize("effect", [-0.35, 0.0, 0.35])
def test_the_interval_of_the_difference_holds_what_happened_where_incidents_rose_or_fell(effect):
    """Over 150 simulated areas with 40 placebos each: the change of the counts that were seen, within error of 95%."""
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(150):
        mine = _area(rng, effect)
        others = [area_measures(_area(rng)) for _ in range(40)]
        placebos = {}
        for row in (r for rows in others for r in rows):
            placebos.setdefault((row.measure, row.area), []).append(row)
        table = with_intervals(displacement_table(mine, placebos=placebos), mine, placebos)
        wdd = row_of(table, "WDD", "treated")
        held += wdd["placebo_low"] <= mine.treated[1] * (1 - np.exp(-effect)) <= wdd["placebo_high"]
    assert 0.91 < held / 150 <= 1


def _rank(row, others):
    """The p-value worked out anew: the share of changes, each over its own spread, that reach this one's."""
    change, error = np.array([(r.change, r.change_error) for r in (row, *others)]).T
    terms = np.stack([np.ones(len(error)), error**2], axis=1)
    size = terms[1:].mean(axis=0)
    spread = np.sqrt(terms / size @ nnls(terms[1:] / size, change[1:] ** 2)[0])
    reached = np.abs(change / spread)[1:] >= np.abs(change / spread)[0] * (1 - 1e-12)
    return (1 + reached.sum()) / (1 + len(others))


def test_measures_that_are_the_ratio_in_other_units_say_what_it_says(found):
    table = found.tables[0].values
    assert table.loc[table["measure"].isin(["GE", "WDQ"]), "placebo_low"].isna().all()
    for row in table[table["measure"].isin(["NE", "TNE", "WDD"])].to_dict("records"):
        ratio = row_of(table, "RIRR", row["area"])
        assert (row["p_value"], row["verdict"]) == (ratio["p_value"], ratio["verdict"])
        assert row["placebo_low"] < row["estimate"] < row["placebo_high"]
        assert (row["placebo_low"] < 0 < row["placebo_high"]) == (ratio["placebo_low"] < 1 < ratio["placebo_high"])
        worth = 1 if row["measure"] == "WDD" else -1
        at = [1 - 1 / ratio[end] for end in ("placebo_low", "estimate", "placebo_high")][::worth]
        own = [row[end] for end in ("placebo_low", "estimate", "placebo_high")]
        assert own == pytest.approx([own[1] / at[1] * a for a in at])


def test_the_figure_draws_what_the_table_says(found):
    figure = found.figures["displacement-measures"]()
    table = found.tables[0].values.query("measure == 'WDD'")
    assert figure.data["estimate"].tolist() == table["estimate"].tolist()
    assert figure.data["placebo_low"].tolist() == table["placebo_low"].tolist()
    assert f"{abs(table['estimate'].iloc[0]):.0f}" in figure.alt
    assert "imulated" in figure.mark


def test_what_may_have_moved_is_a_share_of_the_fall(result):
    """A fall of 100 with up to 40 more next door: two fifths; up to 150: all of it; no rise within reach: nothing."""
    own, near = {"estimate": -100.0}, {"placebo_high": 40.0}
    assert "40 more incidents, 40%" in open_question(own, near)[0]
    assert "all of" in open_question(own, {"placebo_high": 150.0})[0]
    assert open_question(own, {"placebo_high": -3.0}) == ()
    assert open_question({"estimate": 20.0}, near) == ()


def test_a_clear_rise_next_door_is_called_displacement_only_beside_a_clear_fall(result):
    frame = displacement_table(area_counts(result.primary.design))
    frame = frame.assign(placebo_low=1.0, placebo_high=9.0, p_value=0.01, placebos=100, called_clear=0.1)
    near = (frame["measure"] == "WDD") & (frame["area"] == "ring 1")
    moved = headline(frame.assign(reads_as=frame["reads_as"].mask(near, "displacement")))
    assert moved.startswith("Next door incidents rose where those of the treated area fell")
    alone = headline(frame.assign(reads_as=frame["reads_as"].mask(near, "more incidents next door, but no clear fall")))
    assert "nothing can be said to have moved" in alone

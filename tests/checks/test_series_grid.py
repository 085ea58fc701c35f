"""The grid of time-series choices: its table, its verdict on data that turn with a choice, and its sentence."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from contexts import MONTHS, TREATED, clean, context

from cseval.checks.base import Check
from cseval.checks.series_grid import GRID_COLUMNS, SeriesGrid, grid_sides, grid_words, series_grid, turns
from cseval.errors import SpecError
from cseval.estimators.segmented import (
    Gaussian,
    Harmonics,
    Interruption,
    ModelErrors,
    NeweyWest,
    PraisWinsten,
    QuasiPoisson,
    SegmentedRegression,
)


@pytest.fixture(scope="module")
def quiet():
    return context(clean(0, level=30))


def test_every_combination_is_one_row(quiet):
    check = SeriesGrid()
    assert isinstance(check, Check)
    found = check.run(quiet)
    table = found.table.values
    assert list(table.columns) == list(GRID_COLUMNS)
    assert len(table) == 24
    assert set(table["season"]) == {"none", "harmonics (2 pairs)", "month dummies"}
    assert table["slope"].tolist().count(True) == table["trend"].tolist().count(True) == 12
    assert set(table["interruptions"]) == {"none"}
    row = table[
        (table["season"] == "none") & ~table["slope"] & table["trend"] & table["errors"].str.startswith("Newey")
    ].iloc[0]
    own = SegmentedRegression(season=None, slope=False, errors=NeweyWest()).estimate(quiet.design)
    assert (row["effect"], row["std_error"]) == (own.effect, own.std_error)
    assert row["percent_change"] == pytest.approx(100 * math.expm1(own.effect))
    assert row["autocorrelation_p"] == pytest.approx(own.facts["breusch_godfrey_p"], nan_ok=True)


def test_quiet_data_are_information_and_the_sentence_says_the_range(quiet):
    found = SeriesGrid().run(quiet)
    table = found.table.values
    assert found.verdict == "information"
    assert found.statistic == pytest.approx(table["percent_change"].median())
    assert math.isnan(found.p_value)
    assert re.fullmatch(r"[A-Z].*\.", found.sentence)
    assert f"{table['percent_change'].max():+.1f}%" in found.sentence.replace("\N{MINUS SIGN}", "-")
    assert "over 24 choices" in found.sentence
    assert "nan" not in found.sentence
    assert not re.search(r"(?<!\w)-\d", found.sentence)
    assert "significan" not in found.sentence


def test_a_clear_finding_that_turns_with_the_slope_is_a_concern():
    """After a jump up months fall steeply: one line for both periods sees the jump, two lines see the fall."""
    counts = clean(1, level=60)
    time = np.arange(MONTHS) - 48
    course = np.where(time < 0, 1.0, np.exp(0.55 - 0.15 * np.maximum(time, 0)))
    counts[TREATED] = np.random.default_rng(0).poisson(600 * course, (3, MONTHS))
    found = SeriesGrid(seasons=(None,), trends=(True,)).run(context(counts, before=12))
    sides = grid_sides(found.table.values)
    effects = found.table.values["effect"]
    assert set(sides) == {-1, 0}  # the rise has the model's own errors and autocorrelated months
    assert effects.min() < 0 < effects.max()
    assert found.verdict == "concern"
    assert "a clear fall and" in found.sentence


def test_a_model_that_cannot_be_fitted_stays_with_its_reason(quiet):
    late = Interruption(month="2040-01")
    models = [SegmentedRegression(), SegmentedRegression(interruptions=(late,))]
    table = series_grid(quiet.design, models)
    assert table["effect"].isna().tolist() == [False, True]
    assert "'2040-01 level' cannot be told" in table["reason"][1]
    assert "1 more could not be fitted." in grid_words(table[:1], [0], 2)


def test_nothing_to_compare_is_not_applicable(quiet):
    found = SeriesGrid(base=SegmentedRegression(interruptions=(Interruption(month="2040-01"),))).run(quiet)
    assert found.verdict == "not applicable"
    assert math.isnan(found.statistic)


def test_combinations_that_contradict_each_other_are_left_out():
    check = SeriesGrid(errors=(NeweyWest(), PraisWinsten()), families=(QuasiPoisson(), Gaussian()), seasons=(None,))
    kinds = {(type(m.family).__name__, type(m.errors).__name__) for m in check.models()}
    assert kinds == {("QuasiPoisson", "NeweyWest"), ("Gaussian", "NeweyWest"), ("Gaussian", "PraisWinsten")}
    with pytest.raises(SpecError, match="no combination"):
        SeriesGrid(errors=(PraisWinsten(),))


def test_counts_are_put_in_per_cent(quiet):
    check = SeriesGrid(families=(Gaussian(),), errors=(ModelErrors(),), seasons=(Harmonics(pairs=1),))
    table = check.run(quiet).table.values
    assert (table["percent_low"] < table["percent_change"]).all()
    assert (table["percent_change"].abs() < 60).all()


def test_sides_and_words_by_hand():
    table = pd.DataFrame(
        {
            "conf_low": [-0.3, -0.1, 0.1],
            "conf_high": [-0.1, 0.2, 0.4],
            "percent_change": [-18.1, 5.0, 28.0],
            "autocorrelation_p": [0.01, 0.5, np.nan],
            "believed": [True, True, True],
        }
    )
    assert grid_sides(table) == [-1, 0, 1]
    words = grid_words(table, [-1, 0, 1], 3)
    assert "from \N{MINUS SIGN}18.1% to +28.0% over 3 choices" in words
    assert "1 of them show a clear fall and 1 a clear rise, and 1 leave months autocorrelated." in words
    assert ": 1 estimates lie below zero and 2 above; " in words
    assert grid_sides(table.assign(believed=[False, True, True])) == [0, 0, 1]
    assert "none of them is clear" in grid_words(table, [0, 0, 0], 3)


def test_each_dated_change_is_tried_with_and_without():
    dated = (Interruption(month="2016-01"), Interruption(month="2016-06", label="other"))
    base = SegmentedRegression(interruptions=(Interruption(month="2015-09"),))
    check = SeriesGrid(
        seasons=(None,), errors=(NeweyWest(),), slopes=(False,), trends=(True,), interruptions=dated, base=base
    )
    months = [[i.month for i in m.interruptions] for m in check.models()]
    assert months == [
        ["2015-09"],
        ["2015-09", "2016-06"],
        ["2015-09", "2016-01"],
        ["2015-09", "2016-01", "2016-06"],
    ]
    assert len(SeriesGrid(interruptions=dated).models()) == 4 * 24


def test_an_estimate_on_the_other_side_of_a_clear_one_is_a_turn():
    assert turns([-0.1, 0.02], [-1, 0])
    assert turns([-0.1, 0.2], [-1, 1])
    assert not turns([-0.1, -0.02], [-1, 0])
    assert not turns([-0.1, 0.02], [0, 0])


def test_model_errors_with_autocorrelated_months_are_not_clear():
    """A slow wave about a level: the model's own errors take its months as independent."""
    counts = clean(3, level=60)
    wave = 1 + 0.3 * np.sin(np.arange(MONTHS) / 6)
    counts[TREATED] = np.random.default_rng(1).poisson(400 * wave, (3, MONTHS))
    models = [SegmentedRegression(season=None, slope=False, errors=e) for e in (ModelErrors(), NeweyWest())]
    table = series_grid(context(counts).design, models)
    assert (table["autocorrelation_p"] <= 0.05).all()
    assert table["believed"].tolist() == [False, True]

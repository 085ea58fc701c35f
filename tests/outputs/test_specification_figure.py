"""The figure of the specification curve draws every kind of row and says what it shows."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from figure_layout import problems
from result_builders import make_result

from cseval import formats as f
from cseval.checks.base import CheckResult
from cseval.checks.specification_curve import CURVE_COLUMNS, NAME
from cseval.reporting.figures import Figure, render
from cseval.reporting.figures_specification import choice_rows, choice_words, specification_figure
from cseval.tables import Table


def curve(rows=12, unmade=1, clear=3, bare=1):
    """A curve of `rows` estimates: the first `clear` exclude zero, the last `bare` have no interval."""
    change = np.linspace(-15.0, 3.0, rows)
    half = np.where(np.arange(rows) < clear, 5.0, 30.0)
    half[rows - bare :] = np.nan if bare else half[rows - bare :]
    frame = pd.DataFrame(
        {
            "rank": range(1, rows + 1),
            "percent_change": change,
            "percent_low": change - half,
            "percent_high": change + half,
            "p_value": np.where(np.isnan(half), np.nan, np.where(half == 5, 0.02, 0.4)),
            "outcome": "disorder",
            "window": ["2016-05 to 2019-10", "2017-05 to 2019-10"] * (rows // 2),
            "comparison_group": ["all", "own-borough", "all"] * (rows // 3),
            "start": "2018-05",
            "transition": [0, 0, 0, 4] * (rows // 4),
            "buffer_rings": [0, 1, 2] * (rows // 3),
            "model": ["Poisson DiD", "Linear DiD, per 1,000"] * (rows // 2),
            "registered": [i == 8 for i in range(rows)],
            "reason": "made",
        }
    )
    last = frame.tail(1).assign(rank=None, reason="no outcome", registered=False)
    last[["percent_change", "percent_low", "percent_high", "p_value"]] = math.nan
    whole = pd.concat([frame.astype({"rank": "Int64"}), *[last.astype({"rank": "Int64"})] * unmade], ignore_index=True)
    return whole[list(CURVE_COLUMNS)]


def result_with(frame, **changes):
    table = Table(slug="specification-curve", title="Specifications", values=frame)
    check = CheckResult(
        name=NAME, question="?", verdict="information", statistic=-6.0, reference="", p_value=0.2, sentence="Said.",
        table=table,
    )  # fmt: skip
    return make_result(checks=(check,), **changes)


@pytest.fixture(scope="module")
def figure():
    made = specification_figure(result_with(curve()))
    assert isinstance(made, Figure)
    return made


def test_it_is_drawn_with_its_words_in_the_picture_file(figure):
    drawn = render(figure)
    assert drawn.png.startswith(b"\x89PNG")
    assert figure.title.encode() in drawn.svg
    assert len(drawn.svg) < 400_000
    assert render(figure) == drawn
    assert problems(figure) == []


def test_alt_text_says_how_many_have_an_interval(figure):
    assert "The interval, which 11 have, lies below zero in 3" in figure.alt
    assert "The interval lies below" in specification_figure(result_with(curve(bare=0))).alt


def test_alt_text_states_the_finding(figure):
    for said in (
        "Specification curve of 12 estimates, from −15.0% to 3.0%, median −6.0%.",
        "below zero in 3 and above zero in none.",
        "The registered one is −1.9%, number 9 from the lowest.",
        "The choice that matters most is",
    ):
        assert said in figure.alt, figure.alt
    assert not re.search(r"(?<!\w)-\d|nan", figure.alt + figure.caption)


def test_the_choice_that_matters_most_is_the_one_that_moves_the_median_most():
    frame = curve()
    frame["transition"] = [0 if i < 6 else 4 for i in range(len(frame))]
    made = specification_figure(result_with(frame))
    assert "matters most is left out after the start: median −10.9% (No month) and −1.1% (4 months)." in made.alt


def test_what_could_not_be_made_is_said_and_not_drawn(figure):
    assert "1 specification could not be made" in figure.caption
    assert len(figure.data) == 12
    assert "could not be made" not in specification_figure(result_with(curve(unmade=0))).caption


def test_the_data_are_what_is_drawn_and_demonstration_is_marked(figure):
    assert tuple(figure.data.columns) == tuple(c for c in CURVE_COLUMNS if c != "reason")
    assert "simulated" in figure.mark.lower()
    assert specification_figure(result_with(curve(), data="real")).mark == ""


def test_dimensions_with_one_choice_are_not_shown():
    shown = {d for d, _ in choice_rows(curve())}
    assert shown == {"window", "comparison_group", "transition", "buffer_rings", "model"}
    assert choice_rows(curve())[:3] == [
        ("window", None), ("window", "2016-05 to 2019-10"), ("window", "2017-05 to 2019-10")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("dimension", "choice", "words"),
    [
        ("outcome", "disorder", "Disorder"),
        ("window", "2016-05 to 2019-10", "May 2016 to October 2019"),
        ("comparison_group", "all", "All other areas"),
        ("comparison_group", "own-borough", "Own borough only"),
        ("start", "2018-08", "August 2018"),
        ("transition", 0, "No month"),
        ("transition", 4, "4 months"),
        ("buffer_rings", 1, "1 ring"),
        ("model", "Linear DiD", "Linear DiD"),
    ],
)
def test_choices_are_named_in_words(dimension, choice, words):
    assert choice_words(dimension, choice) == words


def test_open_ends_and_many_specifications_are_drawn():
    frame = curve(rows=240, unmade=0, bare=2)
    frame.loc[5, "percent_high"] = math.inf
    frame.loc[6, "percent_low"] = -100.0
    made = specification_figure(result_with(frame))
    assert len(render(made).svg) < 400_000
    assert f.plural(240, "estimate") in made.alt


def test_without_a_curve_the_reason_is_said():
    assert "left out" in specification_figure(make_result(checks=()))
    assert "left out" in specification_figure(result_with(curve().iloc[:0]))

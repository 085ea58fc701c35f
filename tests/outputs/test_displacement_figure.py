"""The figure of the rings says what each interval allows, and never more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from figure_layout import problems
from result_builders import make_result
from result_frames import displacement_frame

from cseval.reporting.figures import Figure, make_figures, render
from cseval.reporting.figures_displacement import displacement_figure, kind_of, reading

AREAS = ("treated", "ring 1", "ring 2", "treated and ring 1")


def frame(**changes):
    """The four rows as a run writes them: a clear fall in the area, nothing clear around it; `changes` by area."""
    rows = {
        "treated": (5, -12.0, -20.0, -3.0),
        "ring 1": (10, -4.2, -13.2, 5.7),
        "ring 2": (14, -0.9, -8.5, 7.2),
        "treated and ring 1": (15, -5.6, -14.1, 3.7),
        **changes,
    }
    percentages = ["percent_change", "percent_low", "percent_high"]
    table = pd.DataFrame([(a, *v) for a, v in rows.items()], columns=["area", "units", *percentages])
    base = displacement_frame().head(1)
    whole = pd.concat([base] * len(table), ignore_index=True)
    return whole.assign(**{c: table[c] for c in table})


def made(data="real", **changes):
    figure = displacement_figure(make_result(data=data, displacement=frame(**changes)))
    assert isinstance(figure, Figure)
    return figure


def test_it_draws_every_row_with_its_words_in_place():
    figure = made()
    assert figure.data["area"].tolist() == list(AREAS)
    assert render(figure) == render(figure)
    assert problems(figure) == []
    assert problems(made(data="demonstration")) == []
    assert "simulated" in made(data="demonstration").mark.lower()


def test_alt_text_gives_each_change_with_its_interval_and_reads_the_rings():
    alt = made().alt
    assert (
        "The treated area −12.0% (from −20.0% to −3.0%); ring 1 −4.2% (from −13.2% to 5.7%), no clear evidence" in alt
    )
    assert "treated area and ring 1 together −5.6% (from −14.1% to 3.7%)." in alt
    assert alt.count("no clear evidence of displacement or of diffusion") == 2


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.4, 9.0, "a clear rise, as displacement would bring"),
        (-9.0, -0.4, "a clear fall, as a benefit that spread would bring"),
        (-9.0, 0.0, "no clear evidence of displacement or of diffusion"),
        (0.0, 9.0, "no clear evidence of displacement or of diffusion"),
        (np.nan, 9.0, "no interval, so neither displacement nor diffusion can be judged"),
    ],
)
def test_a_ring_is_read_by_its_interval_alone(low, high, words):
    assert reading({"percent_low": low, "percent_high": high}) == words


def test_a_clear_change_next_door_reaches_the_alt_text():
    assert "ring 1 +8.0% (from 2.0% to 15.0%), a clear rise" in made(**{"ring 1": (10, 8.0, 2.0, 15.0)}).alt
    assert "ring 2 −8.0% (from −15.0% to −2.0%), a clear fall" in made(**{"ring 2": (14, -8.0, -15.0, -2.0)}).alt


def test_the_treated_area_itself_is_never_read_as_displacement():
    assert [kind_of(a) for a in AREAS] == ["treated", "ring", "ring", "treated and"]
    assert made(**{"treated": (5, 9.0, 2.0, 15.0)}).alt.count("displacement would bring") == 0


def test_intervals_that_are_missing_or_go_on_are_drawn():
    figure = made(**{"ring 1": (1, -4.0, np.nan, np.nan), "ring 2": (14, 60.0, -100.0, np.inf)})
    assert render(figure).png
    assert "(from −100.0% to any rise)" in figure.alt
    assert "[x]" in figure.alt


def test_it_is_left_out_with_a_sentence_where_there_is_nothing_to_draw():
    for nothing in (frame().head(0), pd.DataFrame(), frame().assign(percent_change=np.nan)):
        said = displacement_figure(make_result(displacement=nothing))
        assert isinstance(said, str)
        assert "rings around the treated area is left out" in said
        assert said in make_figures(make_result(displacement=nothing))[1]

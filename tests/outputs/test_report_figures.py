"""Figures draw, say their finding, and are left out with a reason where there is nothing to draw."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from result_builders import make_result

from cseval.errors import SpecError
from cseval.reporting import figures_effects, figures_place, figures_series
from cseval.reporting.figures import Figure, make_figures, render
from cseval.tables import Table


@pytest.fixture(scope="module")
def figures(result):
    made, not_drawn = make_figures(result)
    assert not not_drawn
    return {f.name: f for f in made}


def test_figures_are_drawn_in_time_and_small(figures):
    started = time.perf_counter()
    for figure in figures.values():
        drawn = render(figure)
        assert drawn.png.startswith(b"\x89PNG")
        assert b"<svg" in drawn.svg
        assert len(drawn.svg) < 400_000
        assert figure.title.encode() in drawn.svg.replace(b"&amp;", b"&")
    assert time.perf_counter() - started < 12  # four seconds on an idle machine


def test_drawing_leaves_no_global_state(figures):
    import matplotlib
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    render(figures["forest"])
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("series", "averages? of 116|average of 116"),
        ("forest", "−19.1%, from −31.6% to −4.3%|−19.1%"),
        ("event-study", "the band leaves out zero in 4 of 6"),
        ("placebo", "p = 0.012"),
        ("calibration", "cluster-robust .CR1. 21.4% to 26.1%"),
        ("its", "7 of 18 months lie inside"),
        ("roles-map", "5 areas had the programme .Alder Green"),
        ("timeline", "4 other programmes .* 3 of them began within six months"),
    ],
)
def test_alt_text_states_the_finding(figures, name, finding):
    import re

    assert re.search(finding, figures[name].alt), figures[name].alt


def test_alt_text_follows_the_numbers(result):
    effects = result.effects.assign(percent_low=-1.0, percent_high=1.0)
    changed = figures_effects.forest_figure(make_result(effects=effects))
    assert isinstance(changed, Figure)
    assert "none of 5" in changed.alt


def test_demonstration_is_written_into_each_figure(figures):
    assert all("simulated" in f.mark.lower() for f in figures.values())
    real, _ = make_figures(make_result(data="real"))
    assert not any(f.mark for f in real)


def test_comparison_is_scaled_to_the_treated_area_before_the_start(result):
    series = result.series.assign(comparison=result.series["comparison"] * 37)
    before = figures_series.series_figure(result)
    after = figures_series.series_figure(make_result(series=series))
    np.testing.assert_allclose(after.data["comparison"], before.data["comparison"])


def test_what_cannot_be_drawn_is_said(result):
    empty = pd.DataFrame()
    no_map = replace(result.inputs, areas=replace(result.inputs.areas, outlines={}))
    overlaps = Table(slug="overlaps", title="Overlaps", values=pd.DataFrame({"programme": []}))
    assert "event" in figures_series.event_study_figure(make_result(event_study=empty))
    assert "calibration" in figures_effects.calibration_figure(make_result(calibration=empty))
    assert "map" in figures_place.roles_figure(replace(result, inputs=no_map))
    assert "timeline" in figures_place.timeline_figure(make_result(overlaps=overlaps))


def test_an_error_while_drawing_is_an_error(figures):
    def fail(_):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        render(replace(figures["series"], draw=fail))


def test_wide_and_missing_intervals_are_drawn(result):
    effects = result.effects.copy()
    effects.loc[1, ["percent_low", "percent_high"]] = [-400.0, np.inf]
    effects.loc[2, ["percent_low", "percent_high"]] = np.nan
    figure = figures_effects.forest_figure(make_result(effects=effects))
    assert render(figure).png


def test_fixed_alt_text_is_refused(figures):
    with pytest.raises(SpecError, match="alt text"):
        replace(figures["series"], alt="A chart")

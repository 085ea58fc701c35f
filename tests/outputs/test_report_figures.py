"""Figures draw, say their finding, and are left out with a reason where there is nothing to draw."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from figure_layout import contrast, problems
from result_builders import make_result

from cseval.errors import SpecError
from cseval.reporting import figures_effects, figures_place, figures_series, figures_style
from cseval.reporting.figures import DPI, Figure, make_figures, render, steady_glyphs
from cseval.reporting.figures_rows import place_rows
from cseval.tables import Table


@pytest.fixture(scope="module")
def figures(result):
    made, not_drawn = make_figures(result)
    assert not_drawn == ("The figure of the synthetic control is left out: no analysis of that kind was run.",)
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
        ("forest", "Anti-social behaviour .primary.: −19.1%, from −31.6% to −4.3%|−19.1%"),
        ("forest", "below zero in 3 of 5 .Anti-social behaviour, Interrupted .* above zero in none of 5"),
        ("event-study", "the band leaves out zero in 4 of 6"),
        ("placebo", "p = 0.012"),
        ("calibration", "simulation error, are raised by cluster-robust .CR1. and wild bootstrap"),
        ("calibration", "cluster-robust .CR1. 21.4% to 26.1%"),
        ("its", "7 of 18 months lie inside"),
        ("roles-map", "5 areas had the programme .Alder Green"),
        ("timeline", "4 other programmes .* 3 of them began within six months of .*: Partnership Taskforce .*Summit"),
    ],
)
def test_alt_text_states_the_finding(figures, name, finding):
    import re

    assert re.search(finding, figures[name].alt), figures[name].alt


def test_alt_text_follows_the_numbers(result):
    effects = result.effects.assign(percent_low=-1.0, percent_high=1.0)
    changed = figures_effects.forest_figure(make_result(effects=effects))
    assert isinstance(changed, Figure)
    assert "below zero in none of 5 and above zero in none of 5" in changed.alt
    effects = result.effects.assign(percent_low=1.0, percent_high=9.0)
    assert "above zero in 5 of 5." in figures_effects.forest_figure(make_result(effects=effects)).alt


def test_demonstration_is_written_into_each_figure(figures):
    assert all("simulated" in f.mark.lower() for f in figures.values())
    real, _ = make_figures(make_result(data="real"))
    assert not any(f.mark for f in real)


@pytest.mark.parametrize("data", ["demonstration", "real"])
def test_every_word_can_be_read(data):
    made, _ = make_figures(make_result(data=data))
    assert {f.name: problems(f) for f in made if problems(f)} == {}


def test_a_word_that_cannot_be_read_is_found(figures):
    def draw(canvas):
        axes = canvas.add_axes((0.2, 0.2, 0.6, 0.6))
        axes.text(0.5, 0.5, "one over")
        axes.text(0.52, 0.5, "the other")
        axes.text(1.3, 0.5, "cut off at the side")
        axes.text(0.1, 0.9, "small", fontsize=9)
        axes.text(0.1, 0.1, "pale", color=figures_style.TEAL)

    found = problems(replace(figures["series"], draw=draw))
    assert len(found) == 4
    assert [w for w in ("'small' at 9", "'pale' in", "is cut off", "lies over") if not any(w in f for f in found)] == []


def test_colours_of_lines_and_bars_stand_out_from_the_page():
    for colour in (
        figures_style.BLUE,
        figures_style.TEAL,
        figures_style.PLUM,
        figures_style.ORANGE,
        figures_style.GREY,
    ):
        assert contrast(colour) >= 3


def test_the_strip_for_the_mark_is_cut_off_where_there_is_none(figures):
    marked, bare = figures["series"], replace(figures["series"], mark="")
    heights = [int.from_bytes(render(f).png[20:24]) for f in (marked, bare)]
    assert heights == [round(marked.height * DPI), round((marked.height - figures_style.STRIP) * DPI)]


def test_many_rows_move_together_until_the_figure_fits_a_page():
    few, many = (place_rows([("Sensitivity", [f"Analysis {i}" for i in range(n)])]) for n in (8, 33))
    steps = [p.names[1][0] - p.names[0][0] for p in (few, many)]
    assert steps[0] > steps[1] >= 0.23
    assert many.height <= figures_style.TALLEST + figures_style.STRIP + 1e-9
    assert all(b - a >= 0.2 for p in (few, many) for (a, _), (b, _) in pairwise(p.names))


def test_long_names_are_broken_into_even_lines_and_only_very_long_ones_are_cut():
    (_, name), (_, endless) = place_rows(
        [("", ["Partnership Taskforce officers in post and others", "word " * 60])]
    ).names
    assert name.split("\n") == ["Partnership Taskforce", "officers in post and others"]
    assert endless.count("\n") == 2
    assert endless.endswith("…")


def test_small_averages_keep_a_decimal(result):
    series = result.series.assign(observed=np.linspace(2.0, 4.0, len(result.series)))
    assert "from an average of 2.3 incidents" in figures_series.series_figure(make_result(series=series)).alt


def test_a_long_series_is_drawn_thin_and_without_points(result):
    assert figures_style.line_look(119)["linewidth"] < figures_style.line_look(42)["linewidth"]
    assert "marker" not in figures_style.line_look(119)


def test_labels_at_the_ends_of_lines_stay_in_order_and_near():
    assert figures_style.spread([1.0, 5.0], [1.0, 1.0]) == [1.0, 5.0]
    assert figures_style.spread([3.0, 3.0, 3.0], [1.0, 2.0, 1.0]) == [1.5, 3.0, 4.5]
    spots = figures_style.spread([0.0, 0.2, 0.4, 9.0], [1.0] * 4)
    assert all(b - a >= 1 - 1e-9 for a, b in pairwise(spots))
    assert spots[3] == 9.0


def test_the_timeline_begins_a_year_before_the_first_programme(result):
    values = result.overlaps.values.assign(first_month=["2018-04", "2017-12", "2018-09", "", "2018-01"])
    figure = figures_place.timeline_figure(make_result(overlaps=replace(result.overlaps, values=values)))
    assert "None of them began before December 2016." in figure.caption
    assert "None of them" not in figures_place.timeline_figure(result).caption
    assert "has no end in the register" in figure.caption


def test_the_map_names_at_most_eight_areas_and_counts_the_rest():
    counts = {"treated": 10, "buffer": 0, "comparison": 20}
    alt = figures_place._roles_alt(counts, [f"Ward {i}" for i in range(10)])
    assert "Ward 7 and 2 more" in alt
    assert "buffer" not in alt


def test_very_wide_bands_of_an_event_study_are_cut_and_said_to_be(result):
    wide = result.event_study.assign(band_high=3.0)
    figure = figures_series.event_study_figure(make_result(event_study=wide))
    assert "cut at +150%" in figure.caption
    assert render(figure).png
    assert "cut at" not in figures_series.event_study_figure(result).caption


def test_analyses_without_a_percentage_are_counted_where_they_are_not_drawn(result):
    effects = result.effects.copy()
    effects.loc[2, "percent_change"] = np.nan
    effects.loc[1, "percent_high"] = 400.0
    figure = figures_effects.forest_figure(make_result(effects=effects))
    assert "1 analysis has no change in percent and is not drawn." in figure.caption
    assert "An arrow means" in figure.caption


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


def test_rare_glyphs_are_named_by_their_outline_and_not_by_what_was_drawn_before():
    def picture(number):
        defs = f'<path id="DejaVuSans-{number}" d="M 1 2 \nL 3 4 z"/><path id="DejaVuSans-57" d="M 5 6"/>'
        return f'<svg>{defs}<use xlink:href="#DejaVuSans-{number}"/><use xlink:href="#DejaVuSans-57"/></svg>'.encode()

    first, second = (steady_glyphs(picture(n)) for n in ("13b1", "13b4"))
    assert first == second
    assert b"13b1" not in first
    assert first.count(b"DejaVuSans-57") == 2

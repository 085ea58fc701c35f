"""Figures of claims: they draw on any numbers, say the finding in words, and are left out with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import inputs, poisson_counts
from figure_layout import problems

from cseval.claims.base import Statement
from cseval.claims.ranking import BiggestDecrease
from cseval.claims.rolling_year import RollingYearTrend
from cseval.reporting.figures import Figure, drawn, render
from cseval.reporting.figures_claims import funnel_figure, ranking_figure, rolling_year_figure

STATEMENT = Statement(slug="said", text="it fell", source="Board")
RANKING = BiggestDecrease(
    statement=STATEMENT,
    outcomes=("burglary",),
    exact=("burglary",),
    unit="U003",
    before=("2021-01", "2021-12"),
    after=("2022-01", "2022-12"),
    draws=199,
)
ROLLING = RollingYearTrend(
    statement=STATEMENT, outcomes=("burglary",), exact=("burglary",), units=("U003",), start="2019-01", last="2021-06"
)
WORDS = {"source": "Simulated counts", "data": "demonstration"}


def given(level=30.0, effect=-0.5):
    counts = poisson_counts(14, 96, level=level, treated=[3], start=84, effect=effect, seed=2)
    made = inputs(counts, treated=[3])
    names = {"U003": "Alder", "U004": "Hammersmith and Fulham"}
    return replace(made, panel=replace(made.panel, names=names))


@pytest.fixture(scope="module")
def ranked():
    return RANKING.test(None, given(), 1)


@pytest.fixture(scope="module")
def rolled():
    return ROLLING.test(None, given(), 1)


def test_each_draws_as_picture_with_its_mark(ranked, rolled):
    for figure in (
        ranking_figure(ranked, **WORDS),
        funnel_figure(ranked, **WORDS),
        rolling_year_figure(rolled, **WORDS),
    ):
        assert isinstance(figure, Figure)
        assert render(figure).png.startswith(b"\x89PNG")
        assert problems(figure) == []
        assert render(figure).svg == render(figure).svg
        assert "simulated" in figure.mark.lower()
        assert figure.name.endswith("-said")
        assert "Simulated counts" in figure.caption
    assert not ranking_figure(ranked, source="Police", data="real").mark


def test_the_name_in_a_funnel_hides_no_point(ranked):
    """The stated unit is put between others of nearly its size and change."""
    frame = ranked.frames["ranking"].copy()
    own = frame.index[frame["stated"]][0]
    near = [i for i in frame.index if i != own][:4]
    frame.loc[near, "before"] = frame.loc[own, "before"] + np.array([-40, -20, 20, 40])
    frame.loc[near, "percent_change"] = frame.loc[own, "percent_change"]
    figure = funnel_figure(replace(ranked, frames={**ranked.frames, "ranking": frame}), **WORDS)
    canvas = drawn(figure)
    canvas.canvas.draw()
    axes = canvas.axes[0]
    name = next(t for t in axes.texts if t.get_text() == "Alder").get_window_extent()
    points = axes.transData.transform(frame.loc[near, ["before", "percent_change"]].to_numpy(dtype=float))
    assert not any(name.contains(x, y) for x, y in points)


def test_the_axis_of_a_rolling_year_is_said_not_to_start_at_zero(rolled):
    assert "does not start at zero" in rolling_year_figure(rolled, **WORDS).caption


def test_alt_text_states_the_finding_and_the_set_of_ranks(ranked, rolled):
    own = ranked.frames["ranking"].query("stated").iloc[0]
    alt = ranking_figure(ranked, **WORDS).alt
    assert f"Alder stands 1st with a {-own['percent_change']:.1f}% fall" in alt
    assert f"runs from {own['rank_low']} to {own['rank_high']} of 14" in alt
    assert "Alder, with a" in funnel_figure(ranked, **WORDS).alt
    assert "the 95% limits" in funnel_figure(ranked, **WORDS).alt
    text = rolling_year_figure(rolled, **WORDS).alt
    assert "Since January 2019 Alder" in text
    assert "London without it" in text


def test_tiny_counts_with_nothing_before_and_nothing_after_are_drawn():
    result = RANKING.test(None, given(level=0.12), 1)
    frame = result.frames["ranking"]
    assert frame["percent_change"].isna().any()
    for figure in (ranking_figure(result, **WORDS), funnel_figure(result, **WORDS)):
        assert isinstance(figure, Figure)
        assert render(figure).png
        assert len(figure.data) == frame["percent_change"].notna().sum()


def test_units_of_one_size_are_drawn():
    counts = np.full((14, 96), 5, dtype=np.int64)
    counts[:, -1] += np.arange(14)
    result = RANKING.test(None, inputs(counts, treated=[3]), 1)
    assert render(funnel_figure(result, **WORDS)).png


def test_what_cannot_be_drawn_is_said():
    none = RANKING.__class__.test(replace(RANKING, outcomes=("victims",)), None, given(), 1)
    assert "no change in percent to rank" in ranking_figure(none, **WORDS)
    assert "no change in percent to draw" in funnel_figure(none, **WORDS)
    assert "no outcome was received" in rolling_year_figure(none, **WORDS)


def test_dated_changes_stand_on_a_rolling_year(rolled):
    from matplotlib.figure import Figure as Canvas

    from cseval.registry.breaks import Break

    month = str(rolled.frames["rolling_year"]["period"].iloc[5])
    change = Break(
        slug="new-form", name="New form", kind="recording", programme="", first=month, last="", scope="london",
        outcomes=("all",), what="Counted otherwise", source="A paper", paragraph="",
    )  # fmt: skip
    figure = rolling_year_figure(rolled, **WORDS, breaks=(change,))
    assert "A, New form (from " in figure.caption
    canvas = Canvas(figsize=(8, 5))
    figure.draw(canvas)
    assert "A" in [t.get_text() for t in canvas.axes[0].texts]
    assert "New form" not in rolling_year_figure(rolled, **WORDS).caption

"""The figure of police activity: two panels, months that cannot be used shaded, and the finding in words."""

from __future__ import annotations

import numpy as np
from figure_layout import problems

from cseval.months import month_range
from cseval.panel import Panel
from cseval.police_activity import PoliceActivity
from cseval.reporting.figures import Figure, drawn, render
from cseval.reporting.figures_activity import activity_figure

MONTHS = month_range("2016-07", "2019-02")
UNUSABLE = ("2018-02", "2018-03")


def result(outcome="drug_offences", unusable=UNUSABLE):
    after = np.array([m >= "2018-05" for m in MONTHS])
    wave = 20 * np.sin(np.arange(len(MONTHS)))
    counts = np.rint([np.where(after, 860, 440) + wave, 300 + wave, 500 - wave]).astype(np.int64)
    mask = np.tile([m not in unusable for m in MONTHS], (3, 1))
    searches = Panel(
        units=("a", "b", "c"), periods=MONTHS, counts={"searches": counts}, received={"searches": mask},
        names={"a": "Tower Hamlets"},
    )  # fmt: skip
    drugs = Panel(
        units=("a",), periods=MONTHS, counts={"drug_offences": np.where(after, 200, 130)[None].astype(np.int64)}
    )
    spec = PoliceActivity(unit="a", start="2018-05", first=MONTHS[0], last=MONTHS[-1], outcome=outcome)
    return spec.compare(searches, drugs)


def made(data="real", **options):
    figure = activity_figure(result(**options), source="data.police.uk", data=data)
    assert isinstance(figure, Figure)
    return figure


def test_it_draws_both_series_and_its_words_can_be_read():
    for data in ("real", "demonstration"):
        figure = made(data)
        assert render(figure) == render(figure)
        assert problems(figure) == []
    assert "simulated" in made("demonstration").mark.lower()
    upper, lower = drawn(made()).axes
    assert {t.get_text() for t in upper.texts} == {"Searches", "Start: May 2018"}
    assert [t.get_text() for t in lower.texts] == ["Recorded drug offences"]
    assert upper.get_ylim()[0] == lower.get_ylim()[0] == 0


def test_months_that_cannot_be_used_are_shaded_in_both_panels_and_not_drawn_as_zero():
    for axes in drawn(made()).axes:
        assert len(axes.patches) == 1
        box = axes.patches[0].get_extents().transformed(axes.transData.inverted())
        assert round(box.x1 - box.x0, 6) == 2
    line = drawn(made()).axes[0].lines[0].get_ydata()
    assert np.isnan(line[[MONTHS.index(m) for m in UNUSABLE]]).all()
    assert np.nanmin(line) > 400
    assert "Shaded: 2 months in which searches were not received by area; they are missing, not zero" in made().caption
    whole = made(unusable=())
    assert [a.patches[:] for a in drawn(whole).axes] == [[], []]
    assert "Shaded" not in whole.caption


def test_the_alt_text_gives_the_finding_and_what_cannot_be_separated():
    alt = made().alt
    assert "Searches in Tower Hamlets went from 44" in alt
    assert "recorded drug offences from 130.0 to 200.0, 1.54 times as many" in alt
    assert "cannot be separated with these counts" in alt


def test_its_data_are_what_is_drawn():
    frame = made().data
    assert frame.columns.tolist() == ["period", "phase", "usable", "searches", "outcome"]
    assert frame.loc[~frame["usable"], "period"].tolist() == list(UNUSABLE)
    assert frame.loc[~frame["usable"], "searches"].isna().all()


def test_without_an_outcome_there_is_a_sentence_instead():
    said = activity_figure(result(outcome=""), source="x", data="real")
    assert said == "The figure of police activity is left out: no outcome was received to show beside it."

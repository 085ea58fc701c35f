"""The timeline of the register: what it draws, what it says for those who cannot see it, and when it is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import registered
from figure_layout import problems

from cseval.loading import impact_evaluations
from cseval.project import Project
from cseval.register import read_register
from cseval.registry.details import gather_registry
from cseval.reporting.figures import Figure, render
from cseval.reporting.figures_register import register_figure
from cseval.reporting.figures_style import STRIP, TALLEST

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def founding():
    project = Project(ROOT)
    return gather_registry(
        project.reference, read_register(project.reference / "programmes.csv"), impact_evaluations(project)
    )


def test_the_founding_timeline_can_be_read(founding):
    figure = register_figure(founding)
    assert isinstance(figure, Figure)
    assert problems(figure) == []
    assert figure.height <= TALLEST + STRIP + 0.01
    assert figure.data["kind"].nunique() <= 4


def test_it_draws_every_programme_window_and_change_of_its_months(founding):
    data = register_figure(founding).data
    assert data["kind"].value_counts().to_dict() == {"programme": 14, "event": 6, "recording": 3, "evaluation": 6}
    names = data["name"].tolist()
    assert "ASB and Drug Suppression Unit, proposed" in names
    assert names.index("Safer Together campaign") < names.index("Operation Continuum")
    assert "New police recording system" not in names
    assert data.loc[data["name"] == "New ASB delivery model", "first_month"].tolist() == [""]


def test_alt_text_states_the_finding_and_the_caption_what_is_not_drawn(founding):
    figure = register_figure(founding)
    assert "up to 10 ran at the same time, from January 2019 to December 2019" in figure.alt
    assert "Two more have no start in the sources" in figure.alt
    assert "6 dated changes before or after these months are not drawn" in figure.caption
    assert "breaks.csv" in figure.caption


def test_the_same_register_gives_the_same_bytes(founding):
    first, second = (render(register_figure(founding)) for _ in range(2))
    assert first == second
    assert first.png.startswith(b"\x89PNG")


def test_one_programme_alone_is_drawn_and_none_with_a_start_is_said(tmp_path):
    alone = gather_registry(tmp_path, (registered("x", start="2016-01"),), {})
    figure = register_figure(alone)
    assert problems(figure) == []
    assert figure.data["kind"].tolist() == ["programme"]
    nothing = gather_registry(tmp_path, (registered("x"),), {})
    assert "no programme of the register has a start" in register_figure(nothing)


def test_hostile_names_are_drawn_as_they_are(founding, tmp_path):
    entry = registered("x", start="2016-01", end="2016-04")
    hostile = gather_registry(tmp_path, (replace(entry, name="<img onerror=x> $a_b$"),), {})
    assert b"<img onerror" not in render(register_figure(hostile)).svg

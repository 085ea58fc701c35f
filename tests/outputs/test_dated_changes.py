"""Dated changes of recording and events: on every real series and in a table of the report; none on simulated data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure as Canvas

from cseval.months import month_number
from cseval.registry.breaks import Break
from cseval.reporting.dated_changes import breaks_of, breaks_words, mark_breaks, when
from cseval.reporting.figures_series import series_figure
from cseval.reporting.report import build_document


def change(name: str, first: str, last: str = "", outcomes: tuple[str, ...] = ("all",)) -> Break:
    return Break(
        slug=name.lower().replace(" ", "-"),
        name=name,
        kind="recording",
        programme="",
        first=first,
        last=last,
        scope="london",
        outcomes=outcomes,
        what="It was counted otherwise",
        source="A paper",
        paragraph="",
    )


@pytest.fixture(scope="module")
def marked(result):
    """A result of a real-looking run with one change in the series, one of another outcome, one after it."""
    periods = result.primary.design.periods
    inside = change("New form", periods[len(periods) // 2])
    other = change("Other offence", periods[1], outcomes=("nothing_counted_here",))
    return replace(result, breaks=(inside, other, change("Later", "2099-01"))), inside


def test_only_changes_that_move_the_outcome_within_the_series_are_drawn(marked) -> None:
    result, inside = marked
    periods = list(result.primary.design.periods)
    assert breaks_of(result, result.primary.estimate.outcome, periods) == (inside,)


def test_the_caption_names_each_letter_and_the_line_stands_before_its_month(marked) -> None:
    result, inside = marked
    figure = series_figure(result)
    assert f"A, New form ({when(inside)})" in figure.caption
    assert "Other offence" not in figure.caption
    canvas = Canvas()
    axes = canvas.add_subplot()
    axes.set_xlim(month_number(inside.first) - 10, month_number(inside.first) + 10)
    mark_breaks(axes, (inside, replace(inside, first="1999-01", last=inside.first)))
    starts, ends = (line.get_xdata()[0] for line in axes.lines)
    assert starts == month_number(inside.first) - 0.5
    assert ends == month_number(inside.first) + 0.5  # began before the axis: drawn where it ends
    assert [t.get_text() for t in axes.texts] == ["A", "B"]


def test_the_report_has_a_table_of_them_and_no_section_without(marked, result) -> None:
    changed, _ = marked
    sections = {s.slug: s for s in build_document(changed, (), (), protocol_hash="", command="").sections}
    table = sections["dated-changes"].blocks[0].table
    assert list(table.values["name"]) == ["New form", "Other offence", "Later"]
    assert set(table.values["source"]) == {"A paper"}
    none = build_document(result, (), (), protocol_hash="", command="").sections
    assert "dated-changes" not in {s.slug for s in none}


def test_words_and_runs_without_changes(result) -> None:
    assert result.breaks == ()
    assert breaks_words(()) == ""
    assert when(change("X", "2018-01")) == "from January 2018"
    assert when(change("X", "2018-01", "2018-01")) == "January 2018"

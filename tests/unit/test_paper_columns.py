"""Columns of tables in papers: no number breaks, no word breaks while there is room, short words stay in one line."""

from __future__ import annotations

import pytest

from cseval.reporting.printed import Printed
from cseval.reporting.word_columns import FOREIGN, TIGHT, USUAL, column_widths, fitting_face, widths_in

HEADINGS = ("Outcome", "Change", "95% interval", "p (placebo)", "Measured error rate", "Reading", "Role")
ROW = ("Criminal damage", "−10.7%", "−23.9% to 4.0%", "0.055", "5.2 / 11.9 / 8.4%", "No clear evidence", "sensitivity")
EFFECTS = Printed(
    slug="effects",
    title="Effects",
    headings=HEADINGS,
    rows=(ROW,) * 3,
    numeric=(False, True, False, True, False, False, False),
)
#: Widths in nine points, headings in Arial Bold and cells in Arial, in twentieths of a point.
WIDTHS = {"Change": 660, "−10.7%": 615, "−23.9% to 4.0%": 1276, "(placebo)": 800, "sensitivity": 780, "Measured": 840}


def needs(size):
    """What each column must have for its longest piece, at a type size in half points."""
    pieces = {1: "Change", 2: "−23.9% to 4.0%", 3: "(placebo)", 4: "Measured", 6: "sensitivity"}
    return {i: WIDTHS[piece] * size / 18 for i, piece in pieces.items()}


@pytest.mark.parametrize("width", [8640, 9026, 9638])
def test_no_word_and_no_number_breaks_in_a_paper_with_the_usual_margins(width):
    face = fitting_face(EFFECTS, width, FOREIGN)
    widths = widths_in(EFFECTS, width, face)
    assert all(widths[i] - 2 * face.padding >= least * face.wide for i, least in needs(face.size).items())


def test_a_font_is_named_where_one_that_is_wider_would_break_words():
    assert fitting_face(EFFECTS, 12_000, FOREIGN) == FOREIGN[0]
    assert (FOREIGN[0].font, FOREIGN[1].font, FOREIGN[2].font) == ("", "Arial", "Arial")
    least = next(w for w in range(4000, 9000) if fitting_face(EFFECTS, w, FOREIGN) == FOREIGN[1])
    assert fitting_face(EFFECTS, least - 1, FOREIGN) == FOREIGN[2]
    assert fitting_face(EFFECTS, least, (USUAL, TIGHT)) == USUAL


def test_where_words_must_break_figures_do_not():
    change, interval = (column_widths(EFFECTS, 5000)[i] - 2 * TIGHT.padding for i in (1, 2))
    assert change >= WIDTHS["−10.7%"] * 16 / 18
    assert interval >= WIDTHS["−23.9% to 4.0%"] * 16 / 18


def test_where_not_even_figures_have_room_every_column_gives_way():
    widths = column_widths(EFFECTS, 2000)
    assert sum(widths) == 2000
    assert min(widths) > 100


def test_a_few_words_stay_in_one_line_beside_long_texts():
    rows = (
        ("1", "A long finding that takes several lines. " * 4, "finding"),
        ("2", "A short one.", "limit of the data"),
    )
    table = Printed(slug="x", title="X", headings=("No.", "What", "Kind"), rows=rows * 4, numeric=(True, False, False))
    assert column_widths(table, 9638)[2] >= 1250


def test_but_not_where_the_table_would_be_longer_for_it():
    rows = (("An outcome with a name", "some words here", "No clear evidence of a change"),) * 9
    table = Printed(slug="x", title="X", headings=("A", "B", "C"), rows=rows, numeric=(False,) * 3)
    first, second, third = column_widths(table, 9000)
    assert third > first > second

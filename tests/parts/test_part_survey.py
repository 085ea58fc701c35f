"""A council's own surveys: exact intervals against scipy, few people withheld, bad tables refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cseval.disclosure import Withheld
from cseval.errors import CsevalError, DataError
from cseval.parts.survey import AttendeeSurvey, ResidentsSurvey
from cseval.reporting.files import csv_bytes
from cseval.sources.attendees import read_attendees
from cseval.sources.demonstration_responses import ATTENDED, RESIDENTS

SUMMIT = AttendeeSurvey(event="Violent Crime Summit")
HEADER = "event,measure,base,count,attended\n"
ROW = "Violent Crime Summit,Worth it,60,45,80\n"
OTHER = "Violent Crime Summit,Not again,60,3,80\n"
RESIDENT = "area,group,wave,measure,base,count\n"


def residents(before=(40, 80), after=(60, 80), few=3):
    rows = [
        ("Safe", "before", *before),
        ("Safe", "after", *after),
        ("Rare", "before", few, 80),
        ("Rare", "after", 9, 80),
    ]
    return RESIDENT + "".join(f"Pilot,treated,{w},{m},{base},{count}\n" for m, w, count, base in rows)


def test_the_interval_is_that_of_scipy(imported):
    found = SUMMIT.run(imported(answers__csv=HEADER + ROW + OTHER))
    row = found.tables[0].values.iloc[0]
    exact = stats.binomtest(45, 60).proportion_ci(0.95, "exact")
    assert (row["share_low"], row["share_high"]) == pytest.approx((100 * exact.low, 100 * exact.high), abs=1e-6)
    assert row["share"] == 75.0
    assert found.headline == (
        "Up to 60 of 80 who came answered 2 questions. Of those that can be shown, most agreed with "
        '"Worth it": 75% (95% interval 62% to 85%).'
    )


@pytest.mark.parametrize("share", [0.1, 0.4, 0.85])
def test_the_interval_holds_the_true_share_often_enough_in_samples_of_sixty(share):
    from cseval.inference.proportions import clopper_pearson

    counts = np.arange(61)
    held = np.array([low <= share <= high for low, high in (clopper_pearson(int(c), 60) for c in counts)])
    assert stats.binom.pmf(counts, 60, share) @ held >= 0.95


@pytest.mark.parametrize(("count", "hide"), [(0, False), (1, True), (4, True), (5, False), (56, True), (60, False)])
def test_few_people_are_withheld_on_either_side(imported, count, hide):
    table = HEADER + ROW + OTHER.replace(",3,", f",{count},")
    found = SUMMIT.run(imported(answers__csv=table))
    row = found.tables[0].values.iloc[1]
    assert isinstance(row["count"], Withheld) == hide
    assert isinstance(row["share_low"], Withheld) == hide
    text = csv_bytes(found.tables[0].values).decode().splitlines()[2]
    assert text.startswith("Not again,60,[c],[c],[c],[c]") == hide
    assert found.printed["attendees"].values["share"].iloc[1].startswith("[c]") == hide


def test_a_withheld_question_is_neither_in_the_figure_nor_in_the_headline(imported):
    found = SUMMIT.run(imported(answers__csv=HEADER + OTHER + ROW))
    figure = found.figures["attendees"]()
    assert figure.data["measure"].tolist() == ["Worth it"]
    assert "Not again" not in figure.alt + found.headline
    assert any("withheld" in s for s in found.sentences)
    assert 'Of those that can be shown, most agreed with "Worth it"' in found.headline
    alone = SUMMIT.run(imported(answers__csv=HEADER + OTHER))
    assert "every share is withheld" in alone.headline
    assert "left out" in alone.figures["attendees"]()


def test_simulated_answers_are_of_nobody(simulated):
    found = SUMMIT.run(simulated)
    assert f"of {ATTENDED} who came" in found.headline
    assert found.sources == ()
    assert found.figures["attendees"]().mark.startswith("Simulated")


@pytest.mark.parametrize(
    ("table", "found", "where"),
    [
        (ROW.replace(",45,", ",61,"), "61", "row 2, column count"),
        (ROW.replace(",60,", ",0,"), "0", "row 2, column base"),
        (ROW.replace(",60,", ",81,"), "81", "row 2, column base"),
        (ROW.replace(",45,", ",4.5,"), "4.5", "row 2, column count"),
        (ROW.replace("Worth it", ""), "a blank", "row 2, column measure"),
        (ROW + ROW, "the same event and measure as row 2", "row 3"),
        (ROW + OTHER.replace(",80", ",90"), "90 who came, after 80", "row 3, column attended"),
        (ROW.replace(",80", ",many"), "many", "row 2, column attended"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(tmp_path, table, found, where):
    path = tmp_path / "answers.csv"
    path.write_text(HEADER + table, encoding="utf-8")
    with pytest.raises(CsevalError) as caught:
        read_attendees(path)
    assert found in str(caught.value)
    assert where in str(caught.value)


def test_without_answers_it_says_which_table_to_import(ground):
    with pytest.raises(DataError, match=r"no answers of those who came .* event, measure, base, count and attended"):
        SUMMIT.run(ground)
    with pytest.raises(DataError, match="no residents' survey was imported"):
        ResidentsSurvey().run(ground)


def test_answers_of_another_event_are_not_taken(imported):
    with pytest.raises(DataError, match=r"'Street party' alone; expected .* its event 'Violent Crime Summit'"):
        SUMMIT.run(imported(answers__csv=HEADER + ROW.replace("Violent Crime Summit", "Street party")))


def test_two_files_of_one_event_are_refused(imported):
    with pytest.raises(DataError, match="two files with answers"):
        SUMMIT.run(imported(a__csv=HEADER + ROW, b__csv=HEADER + OTHER))


# Before and after -----------------------------------------------------------------------------------------


def test_the_change_is_after_less_before_and_few_people_are_withheld(imported):
    found = ResidentsSurvey().run(imported(survey__csv=residents()))
    rows = found.tables[0].values.set_index("measure")
    assert rows.loc["Safe", "points"] == pytest.approx(25.0)
    assert rows.loc["Safe", "points_low"] > 0
    assert found.headline.startswith("Of 1 question (of 2; the others are withheld) to residents, one changed")
    assert rows.loc["Safe", "verdict"] == "evidence of a rise"
    assert isinstance(rows.loc["Rare", "points"], Withheld)
    assert rows.loc["Rare", "verdict"] == "withheld"
    assert "3" not in csv_bytes(found.tables[0].values).decode().splitlines()[2].split(",")
    assert found.figures["residents"]().data["measure"].tolist() == ["Safe"]


def test_a_withheld_question_is_not_counted_among_those_adjusted_for(imported):
    """One question is shown, so its adjusted p is its own: more would tell that the hidden one ranks before it."""
    row = ResidentsSurvey().run(imported(survey__csv=residents())).tables[0].values.iloc[0]
    assert row["measure"] == "Safe"
    assert row["p_adjusted"] == row["p_value"] > 0


def test_swapping_before_and_after_turns_the_sign(imported):
    one = ResidentsSurvey().run(imported(survey__csv=residents())).tables[0].values.iloc[0]
    other = ResidentsSurvey().run(imported(survey__csv=residents((60, 80), (40, 80)))).tables[0].values.iloc[0]
    assert other["points"] == pytest.approx(-one["points"])
    assert (other["points_low"], other["points_high"]) == pytest.approx((-one["points_high"], -one["points_low"]))
    assert other["p_value"] == pytest.approx(one["p_value"])


def test_simulated_residents_answer_around_the_truth(simulated):
    """The difference in differences of the one question with an effect holds it in nearly every draw."""
    held = 0
    for seed in range(40):
        rows = ResidentsSurvey().run(replace(simulated, seed=seed)).tables[0].values.set_index("measure")
        row = rows.loc["Council and police act on it"]
        held += row["points_low"] <= 100 * RESIDENTS["Council and police act on it"][1] <= row["points_high"]
    assert held >= 34


def test_two_surveys_of_residents_are_refused(imported):
    with pytest.raises(DataError, match="2 residents' surveys"):
        ResidentsSurvey().run(imported(a__csv=residents(), b__csv=residents((30, 80))))

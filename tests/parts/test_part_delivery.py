"""Delivery reports and action trackers: the register's own figures, each with its source, and no effect claimed."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from cseval.errors import CsevalError, DataError
from cseval.parts.delivery import Delivery
from cseval.parts.tracker import ActionTracker
from cseval.registry.actions import STATUSES, read_actions

HEADER = "programme,number,action,owner,due,status,done,proof,source,paragraph\n"
ROW = "violent-crime-summit,1,Meet again,,,reported as achieved,2019-12,,A paper,3.4\n"
KNOWN = ("violent-crime-summit",)
TRACKER = ActionTracker(programme="violent-crime-summit", title="Statement of Action")


def test_every_figure_of_the_register_stands_in_the_report_with_its_source(ground):
    with (ground.reference / "activities.csv").open(encoding="utf-8", newline="") as lines:
        rows = [r for r in csv.DictReader(lines) if r["programme"] == "operation-continuum"]
    found = Delivery(programme="operation-continuum").run(ground)
    table = next(t for t in found.tables if t.slug == "delivery-outputs").values
    assert table["value"].tolist() == [float(r["value"]) for r in rows] != []
    assert all(r["source"] in said for r, said in zip(rows, table["source"], strict=True))
    assert found.headline.endswith(f"The papers give {len(rows)} figures of work done.")


def test_a_few_figures_stand_in_the_headline_with_their_bound(ground):
    said = Delivery(programme="safer-together").run(ground).headline
    assert said.startswith("No effect is estimated: ")
    assert said.endswith("On record: over 1,200,000 nitrous oxide canisters cleared away.")


def test_what_was_only_proposed_is_said_to_be_only_proposed(ground):
    found = Delivery(programme="asb-and-drug-suppression-unit").run(ground)
    assert "only proposed" in found.headline
    assert any("lottery" in s for s in found.sentences)


@pytest.mark.parametrize("slug", ["asb-delivery-model", "exploitation-team", "violence-needs-assessment"])
def test_each_says_why_there_is_no_estimate_and_what_to_collect(ground, slug):
    assessment = ground.registry.assessments[slug]
    said = " ".join(Delivery(programme=slug).run(ground).sentences)
    assert assessment.why in said
    assert assessment.collect.rstrip(".") in said


def test_dated_steps_are_drawn_in_order(ground):
    found = Delivery(programme="tower-hamlets-homes-police").run(ground)
    figure = found.figures["milestones"]()
    months = figure.data["first_month"].tolist()
    assert months == sorted(months)
    assert len(months) == len(next(t for t in found.tables if t.slug == "delivery-milestones").values)


@pytest.mark.parametrize("part", [Delivery(programme="safer-together"), TRACKER])
def test_simulated_data_say_nothing_of_a_real_programme(simulated, part):
    with pytest.raises(DataError, match="simulated data say nothing"):
        part.run(simulated)


def test_an_unknown_programme_is_refused(ground):
    with pytest.raises(DataError, match="no programme 'nowhere'"):
        Delivery(programme="nowhere").run(ground)


# Actions --------------------------------------------------------------------------------------------------


def test_reported_actions_are_not_called_proven(ground):
    found = TRACKER.run(ground)
    assert found.headline == (
        "All five actions of the Statement of Action are reported as achieved; for none of them is proof on "
        "record, and the papers do not say what they were."
    )
    assert "no proof is on record" in found.weaknesses[0]
    assert found.tables[0].values["number"].tolist() == [1, 2, 3, 4, 5]


def test_a_programme_without_actions_is_refused(ground):
    with pytest.raises(DataError, match="no action of safer-together"):
        replace(TRACKER, programme="safer-together").run(ground)


@pytest.mark.parametrize(
    ("change", "found", "where"),
    [
        ((",A paper,", ",,"), "an empty cell", "column source"),
        (("violent-crime-summit", "nowhere"), "'nowhere'", "column programme"),
        (("reported as achieved", "done"), "'done'", "column status"),
        ((",1,", ",0,"), "'0'", "column number"),
        (("2019-12", "December 2019"), "'December 2019'", "column done"),
        (("reported as achieved", "achieved, with proof"), "cells that do not fit", "row 2"),
        (("reported as achieved", '"achieved, with proof"'), "no proof", "column proof"),
    ],
)
def test_bad_rows_are_refused_with_their_place(tmp_path, change, found, where):
    path = tmp_path / "actions.csv"
    path.write_text(HEADER + ROW.replace(*change), encoding="utf-8")
    with pytest.raises(CsevalError) as caught:
        read_actions(path, programmes=KNOWN)
    assert found in str(caught.value)
    assert where in str(caught.value)


def test_a_number_twice_is_refused(tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text(HEADER + ROW + ROW, encoding="utf-8")
    with pytest.raises(DataError, match=r"row 3.*1 again"):
        read_actions(path, programmes=KNOWN)


def test_a_good_row_is_read(tmp_path):
    path = tmp_path / "actions.csv"
    path.write_text(HEADER + ROW.replace(",,2019-12", ",,2019-12").replace("Meet again,,", "Meet again,Mayor,2019-01"))
    path.write_text(HEADER + "violent-crime-summit,2,Meet,Mayor,2019-01,under way,,,A paper,\n", encoding="utf-8")
    (action,) = read_actions(path, programmes=KNOWN)
    assert (action.number, action.owner, action.due, action.status) == (2, "Mayor", "2019-01", STATUSES[2])

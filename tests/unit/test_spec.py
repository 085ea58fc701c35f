"""Programme, window, analysis and evaluation: what cannot be declared, and what a declaration resolves to."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from builders import analysis, evaluation

from cseval.errors import CsevalError, SpecError, UsageError
from cseval.spec import Evaluation, Programme, Window, describe, protocol_hash


def programme(**changes) -> Programme:
    return Programme(**{"name": "Pilot", "start": "2016-01", "roles": "roles.csv", **changes})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: programme(start="January 2016"), "'January 2016' is not a month"),
        (lambda: programme(agreed="2016-02"), "was agreed in 2016-02, after its start in 2016-01"),
        (lambda: programme(agreed="soon"), "'soon' is not a month"),
        (lambda: programme(transition=-1), "a negative number of transition months or buffer rings"),
        (lambda: programme(buffer_rings=-1), "a negative number of transition months or buffer rings"),
        (lambda: Window(first="2016-01", last="2016-01"), "the window runs from 2016-01 to 2016-01"),
        (lambda: Window(first="2016-02", last="2016-01"), "expected a first month before the last"),
        (lambda: Window(first="2016", last="2016-01"), "'2016' is not a month"),
        (lambda: analysis("Two words"), "'Two words' cannot name an analysis"),
        (lambda: analysis("../etc"), "cannot name an analysis"),
        (lambda: analysis("-a"), "lower-case words joined by hyphens"),
        (lambda: analysis(role="main"), "role 'main'; expected one of primary, secondary, sensitivity, exploratory"),
        (lambda: analysis(inference=()), "no inference; expected at least one"),
        (lambda: analysis(outcome=()), "no outcome"),
        (lambda: analysis(outcome=""), "no outcome"),
        (lambda: analysis(start="2016-1"), "'2016-1' is not a month"),
        (lambda: analysis(transition=-2), "a negative number of transition months"),
        (lambda: analysis(buffer_rings=-1), "a negative number of transition months or buffer rings"),
        (lambda: evaluation(slug="Pilot"), "'Pilot' cannot name an evaluation"),
        (lambda: evaluation(analyses=()), "0 primary analyses (none); expected exactly one"),
        (lambda: evaluation(analyses=(analysis(role="secondary"),)), "0 primary analyses"),
        (lambda: evaluation(analyses=(analysis("a"), analysis("b"))), "2 primary analyses (a, b)"),
        (lambda: evaluation(analyses=(analysis("a"), analysis("a", role="secondary"))), "'a' is declared twice"),
        (lambda: evaluation(programme=programme(start="2015-01")), "the start 2015-01 lies outside the window"),
        (lambda: evaluation(programme=programme(start="2017-01")), "the start 2017-01 lies outside the window"),
    ],
)
def test_inconsistent_declarations_are_refused(make, said):
    with pytest.raises(CsevalError) as caught:
        make()
    assert isinstance(caught.value, (SpecError, UsageError))
    assert said in str(caught.value)


def test_a_declaration_names_where_it_is_wrong():
    with pytest.raises(SpecError, match=r"^analysis sub: role 'x'"):
        analysis("sub", role="x")
    with pytest.raises(SpecError, match=r"^Programme 'Pilot': a negative"):
        programme(transition=-1)


def test_the_last_month_of_the_window_may_be_the_start():
    assert isinstance(evaluation(programme=programme(start="2016-12")), Evaluation)
    assert isinstance(evaluation(programme=programme(start="2015-02", agreed="2015-02")), Evaluation)


def test_declarations_are_frozen():
    with pytest.raises(FrozenInstanceError):
        programme().start = "2016-02"


def test_the_primary_is_found_wherever_it_stands():
    e = evaluation(analyses=(analysis("a", role="sensitivity"), analysis("b")))
    assert e.primary.slug == "b"


# Outcomes of the data ---------------------------------------------------------------------------


def several() -> Evaluation:
    return evaluation(
        analyses=(
            analysis(outcome=("asb", "disorder")),
            analysis("disorder", role="secondary", outcome="disorder"),
            analysis("theft", role="secondary", outcome="theft"),
            analysis("wide", role="sensitivity", outcome=("asb", "disorder"), buffer_rings=2),
        )
    )


def test_the_first_outcome_that_the_data_hold_is_taken():
    kept, left_out = several().resolve(("theft", "disorder", "asb"))
    assert [(a.slug, a.outcome) for a in kept] == [
        ("primary", "asb"),
        ("disorder", "disorder"),
        ("theft", "theft"),
        ("wide", "asb"),
    ]
    assert left_out == ()


def test_a_secondary_outcome_that_became_primary_is_not_run_twice():
    kept, left_out = several().resolve(("disorder",))
    assert [(a.slug, a.outcome) for a in kept] == [("primary", "disorder"), ("wide", "disorder")]
    assert left_out == (
        "disorder: its outcome is that of the primary analysis here",
        "theft: the data hold no theft",
    )


def test_data_without_a_primary_outcome_are_refused():
    with pytest.raises(SpecError, match="none of the primary outcomes asb, disorder is in the data"):
        several().resolve(("theft",))


# Windows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("2016-01", 12, 12, 0)),
        ({"start": "2016-03"}, ("2016-03", 14, 10, 0)),
        ({"transition": 3}, ("2016-01", 12, 9, 3)),
        ({"window": Window(first="2015-07", last="2016-06")}, ("2016-01", 6, 6, 0)),
        ({"transition": 11}, ("2016-01", 12, 1, 11)),
    ],
)
def test_months_before_and_after_the_start(changes, expected):
    chosen = analysis(**changes)
    assert evaluation(analyses=(chosen,)).window_of(chosen) == expected


def test_an_analysis_may_undo_the_transition_of_the_programme():
    chosen = analysis(transition=0)
    e = evaluation(programme=programme(transition=2), analyses=(chosen,))
    assert e.window_of(chosen) == ("2016-01", 12, 12, 0)
    assert e.window_of(replace(chosen, transition=None)) == ("2016-01", 12, 10, 2)


@pytest.mark.parametrize(
    "changes", [{"transition": 12}, {"start": "2015-01"}, {"start": "2015-02"}, {"start": "2017-01"}]
)
def test_a_window_without_months_on_both_sides_is_refused(changes):
    chosen = analysis(**changes)
    with pytest.raises(
        SpecError, match="expected at least 2 before, or nothing says how the areas moved before, and 1 after"
    ):
        evaluation(analyses=(chosen,)).window_of(chosen)


# Protocol ---------------------------------------------------------------------------------------


def test_the_protocol_hash_moves_with_every_choice_and_with_nothing_else():
    base = evaluation()
    assert protocol_hash(base) == protocol_hash(evaluation())
    changed = [
        evaluation(title="Another"),
        evaluation(programme=programme(buffer_rings=2)),
        evaluation(window=Window(first="2015-01", last="2016-11")),
        evaluation(analyses=(analysis(note="why"),)),
        evaluation(limits=("one",)),
    ]
    hashes = {protocol_hash(e) for e in [base, *changed]}
    assert len(hashes) == 1 + len(changed)


def test_description_is_plain_data_with_functions_by_name():
    text = describe(evaluation())
    assert text["class"] == "Evaluation"
    assert text["analyses"][0]["estimator"] == {"class": "PoissonDiD", "exposure": False, "covariates": []}
    assert text["real"].endswith("nothing")
    assert describe({"b", "a"}) == ["a", "b"]
    assert describe({1: (2.5, None)}) == {"1": [2.5, None]}


def test_a_method_registered_twice_is_refused():
    method = analysis().inference[0]
    with pytest.raises(SpecError, match="is declared twice"):
        analysis(inference=(method, method))

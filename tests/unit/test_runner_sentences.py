"""Sentences that say what stands behind the primary reading: a stand-in outcome, sensitivities that read otherwise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from builders import evaluation as an_evaluation
from builders import inputs, poisson_counts

from cseval.analyse import Settings
from cseval.choose import _call
from cseval.errors import SpecError
from cseval.inference.guard import Judgement
from cseval.inference.requirements import Standing
from cseval.runner import _other_readings, _shortcomings, _stand_in, run_evaluation


def result(role, low, high, label="", outcome="disorder"):
    return SimpleNamespace(
        analysis=SimpleNamespace(role=role, label=label, slug=label),
        estimate=SimpleNamespace(outcome=outcome),
        inferred=(SimpleNamespace(conf_low=low, conf_high=high),),
    )


def evaluation(*outcomes):
    return SimpleNamespace(primary=SimpleNamespace(outcomes=outcomes))


def test_a_stand_in_for_the_preferred_outcome_is_said():
    (sentence,) = _stand_in(evaluation("anti_social_behaviour", "disorder"), result("primary", -1, 1))
    assert "anti-social behaviour, could not be evaluated" in sentence
    assert "stands in, as registered" in sentence
    assert _stand_in(evaluation("disorder"), result("primary", -1, 1)) == ()


def test_sensitivities_that_read_otherwise_are_named():
    primary = result("primary", -0.4, -0.1)
    agree, span, rise = (
        result("sensitivity", -0.3, -0.1, "Agrees"),
        result("sensitivity", -0.3, 0.1, "Spans Zero"),
        result("sensitivity", 0.1, 0.3, "Rises"),
    )
    assert _other_readings([primary, agree], primary) == ()
    assert _other_readings([primary, agree, span, rise, result("secondary", 0.1, 0.3)], primary) == (
        "2 of 3 sensitivity analyses read otherwise than the primary one: spans Zero, rises.",
    )


def judgement(method, reason="", also=()):
    return Judgement(method=method, standing=Standing.COARSE, reason=reason, also=also)


def test_what_the_situation_takes_from_the_method_of_the_verdict_is_said_and_of_no_other():
    primary = SimpleNamespace(
        inferred=(SimpleNamespace(method="chosen"),),
        judgements=(judgement("other", "Not this."), judgement("chosen", "Few places.", ("Few incidents.",))),
    )
    assert _shortcomings(primary) == ("Few places.", "Few incidents.")
    primary.judgements = (judgement("chosen"),)
    assert _shortcomings(primary) == ()


def test_a_run_names_few_separate_places_among_what_weakens_the_answer():
    counts = poisson_counts(49, 24, level=8.0, seed=2)
    found = run_evaluation(
        an_evaluation(), inputs(counts, treated=(0, 1, 7, 8), shape=(7, 7)), settings=Settings(draws=199)
    )
    (row,) = found.inference.to_dict("records")
    assert (row["standing"], row["chosen"]) == ("coarse", True)
    assert "separate place" in found.weaknesses[0]
    assert found.weaknesses[0] in row["reason"]
    assert found.primary.choice.startswith("The verdict rests on placebo neighbourhoods")


def broken(catalogue):
    return 1 / catalogue


def test_an_error_in_the_evaluation_s_own_module_names_it():
    with pytest.raises(SpecError, match="ZeroDivisionError") as caught:
        _call(SimpleNamespace(real=broken), 0)
    assert __file__ in str(caught.value)
    assert "line " in str(caught.value)


def elsewhere(catalogue):
    return catalogue.splice()


def test_an_error_below_the_module_stays_an_internal_one():
    class Catalogue:
        splice = staticmethod(lambda: __import__("json").loads("{"))

    with pytest.raises(ValueError, match="Expecting"):
        _call(SimpleNamespace(real=elsewhere), Catalogue())


def test_a_check_that_cannot_be_made_does_not_cost_the_evaluation():
    from cseval.errors import DesignError
    from cseval.runner import _checked

    class FussyCheck:
        def run(self, context):
            raise DesignError("two starts", expected="one")

    found = _checked(FussyCheck(), None)
    assert (found.name, found.verdict) == ("fussy check", "not applicable")
    assert "two starts" in found.sentence

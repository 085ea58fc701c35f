"""Sentences that say what stands behind the primary reading: a stand-in outcome, sensitivities that read otherwise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cseval.choose import _call
from cseval.errors import SpecError
from cseval.runner import _other_readings, _stand_in


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
        "2 of 3 sensitivity analyses read otherwise than the primary one: spans zero, rises.",
    )


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

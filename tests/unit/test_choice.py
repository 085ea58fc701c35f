"""The method that the verdict rests on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cseval.inference.calibration import Measured
from cseval.inference.choice import FEWEST_MEASURED, choose_method, distance


def measured(method: str, rate: float, population: str = "all", placebos: int = 2000, ranked: bool = False) -> Measured:
    """A method that rejects this share of true nulls at 5 %, in as many places as placebos."""
    rejected = np.arange(placebos) < round(rate * placebos)
    zeros = np.zeros(placebos)
    return Measured(
        method=method,
        population=population,
        p_value=np.where(rejected, 0.01, 0.5),
        effect=zeros,
        excess=zeros,
        place=np.arange(placebos),
        starts=4,
        months=(24, 18),
        by_construction=ranked,
    )


def test_the_method_nearest_to_its_promise_is_chosen():
    found = choose_method(["wide", "near"], [measured("wide", 0.12), measured("near", 0.08)])
    assert found.method == "near"
    assert "of the 2 methods that hold here and were measured, it rejects" in found.reason
    assert "8.0% (all), the nearest to 5%" in found.reason


def test_a_method_that_hardly_ever_rejects_is_no_better_than_one_that_does_so_too_often():
    assert choose_method(["never", "near"], [measured("never", 0.0), measured("near", 0.07)]).method == "near"


def test_what_cannot_be_told_from_five_per_cent_is_equal_and_the_first_registered_is_taken():
    rates = [measured("first", 0.056), measured("second", 0.05)]
    assert choose_method(["first", "second"], rates).method == "first"
    assert choose_method(["second", "first"], rates).method == "second"
    assert "cannot be told from 5%" not in choose_method(["first"], [measured("first", 0.2)]).reason
    assert "at a rate of 5.6% (all), which cannot be told from 5%" in choose_method(["first"], rates).reason


def test_the_worst_population_counts():
    rates = [measured("a", 0.05), measured("a", 0.15, "matched"), measured("b", 0.09), measured("b", 0.09, "matched")]
    assert choose_method(["a", "b"], rates).method == "b"
    assert distance("a", rates) == pytest.approx(0.10 - 2 * math.sqrt(0.15 * 0.85 / 2000), rel=0.01)


def test_few_placebos_say_nothing():
    few = measured("a", 0.5, placebos=FEWEST_MEASURED - 1)
    assert math.isnan(distance("a", [few]))
    assert choose_method(["a", "b"], [few, measured("b", 0.3)]).method == "b"
    assert "no error rate could be measured" in choose_method(["a", "b"], [few]).reason


def test_methods_that_do_not_hold_here_are_not_chosen():
    assert choose_method(["b"], [measured("a", 0.05), measured("b", 0.3)]).method == "b"


def test_a_rate_that_is_an_identity_is_no_measurement():
    ranked, own = measured("ranks", 0.032, ranked=True), measured("own", 0.46)
    assert math.isnan(distance("ranks", [ranked]))
    assert math.isnan(ranked.mc_error(0.05))
    found = choose_method(["own", "ranks"], [ranked, own])
    assert found.method == "ranks"
    assert "it is right by construction among all, where every placebo is ranked among the others" in found.reason
    assert "3.2%" not in found.reason


def test_what_was_measured_counts_where_another_population_is_an_identity():
    rates = [measured("a", 0.032, ranked=True), measured("a", 0.2, "matched"), measured("b", 0.06)]
    assert choose_method(["a", "b"], rates).method == "b"
    alone = choose_method(["a"], rates).reason
    assert "at a rate of 20.0% (matched), the nearest to 5%; it is right by construction among all" in alone

"""The rules that turn an interval, an error rate and the checks into a verdict, over all their combinations."""

from __future__ import annotations

import math
from itertools import product

import pytest

from cseval import verdict
from cseval.checks.base import VERDICTS, CheckResult
from cseval.verdict import (
    INCREASE,
    NO_CLEAR_CHANGE,
    NOT_ESTIMABLE,
    RAISED_RATE,
    REDUCTION,
    UNRELIABLE,
    VOCABULARY,
    WEAK_INCREASE,
    WEAK_REDUCTION,
    WORST_RATE,
    analysis_verdict,
    evidence_statement,
    primary_verdict,
    read_interval,
)

INTERVALS = {
    "below": (-0.4, -0.1),
    "above": (0.1, 0.4),
    "spans": (-0.2, 0.3),
    "touches zero from below": (-0.2, 0.0),
    "touches zero from above": (0.0, 0.2),
    "no end": (-math.inf, math.inf),
    "missing": (math.nan, math.nan),
    "half missing": (-0.2, math.nan),
}
SAYS = {
    "below": REDUCTION,
    "above": INCREASE,
    "missing": NOT_ESTIMABLE,
    "half missing": NOT_ESTIMABLE,
}
RATES = (0.0, 0.05, RAISED_RATE, RAISED_RATE + 0.001, WORST_RATE, WORST_RATE + 0.001, 0.6, math.nan)
WEAKER = {REDUCTION: WEAK_REDUCTION, INCREASE: WEAK_INCREASE}


def check(found: str, name: str = "a check") -> CheckResult:
    return CheckResult(
        name=name, question="?", verdict=found, statistic=1.0, reference="", p_value=math.nan, sentence="Said."
    )


@pytest.mark.parametrize("interval", INTERVALS)
def test_what_an_interval_says_by_itself(interval):
    assert read_interval(*INTERVALS[interval]) == SAYS.get(interval, NO_CLEAR_CHANGE)


@pytest.mark.parametrize(("interval", "rate", "reliable"), list(product(INTERVALS, RATES, (True, False))))
def test_every_combination_of_interval_rate_and_reliability(interval, rate, reliable):
    found = analysis_verdict(*INTERVALS[interval], rate, reliable)
    alone = SAYS.get(interval, NO_CLEAR_CHANGE)
    doubtful = not reliable or rate > WORST_RATE  # a rate that could not be measured raises no doubt
    raised = WEAKER.get(alone, alone) if rate > RAISED_RATE else alone
    assert found == (UNRELIABLE if doubtful and alone in (REDUCTION, INCREASE) else raised)
    assert found in VOCABULARY


@pytest.mark.parametrize("reading", VOCABULARY)
@pytest.mark.parametrize("found", list(product(VERDICTS, repeat=2)))
def test_only_a_concern_weakens_and_only_a_clear_finding(reading, found):
    after = primary_verdict(reading, [check(v) for v in found])
    assert after == (WEAKER.get(reading, reading) if "concern" in found else reading)
    assert after in VOCABULARY


def test_no_check_weakens_nothing():
    assert [primary_verdict(v, ()) for v in VOCABULARY] == list(VOCABULARY)


def test_the_vocabulary_is_closed_and_says_nothing_of_significance():
    declared = {v for k, v in vars(verdict).items() if k.isupper() and isinstance(v, str)}
    assert declared == set(VOCABULARY)
    assert len(set(VOCABULARY)) == 7
    for words in VOCABULARY:
        assert "significan" not in words
        assert "no effect" not in words


def test_the_evidence_statement_names_its_reading_and_the_checks_that_raise_concern():
    clean = evidence_statement([check("pass"), check("information", "noise")])
    assert clean.startswith("Level 3 of the Maryland Scientific Methods Scale")
    assert "What Works Centre for Local Economic Growth" in clean
    assert "level 5 is out of reach" in clean
    assert clean.endswith("No check raises concern.")
    raised = evidence_statement([check("concern", "first"), check("pass"), check("concern", "second")])
    assert raised.endswith("Checks that raise concern: first, second.")

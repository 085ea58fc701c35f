"""Leave one donor out: quiet where many donors agree, a concern where one carries the finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contexts import BEFORE, MONTHS, SIDE, START, TREATED, clean, context

from cseval.checks.base import CONCERN, NOT_APPLICABLE, PASS
from cseval.checks.leave_one_donor_out import LeaveOneDonorOut
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD


def courses(seed=0, level=60.0):
    """Counts whose logs follow two common courses."""
    rng = np.random.default_rng(seed)
    course = np.cumsum(rng.normal(0, 0.05, (2, MONTHS)), axis=1)
    return rng.poisson(level * np.exp(rng.dirichlet([1, 1], SIDE**2) @ course)).astype(np.int64)


@pytest.mark.parametrize("estimator", [SyntheticControl(), SyntheticDiD(), AugmentedSC(penalty=1.0)])
def test_it_is_quiet_where_many_donors_agree(estimator):
    made = context(courses())
    found = LeaveOneDonorOut(estimator=estimator).run(made)
    assert found.verdict == PASS
    table = found.table.values
    for _, row in table.iloc[[0, -1]].iterrows():
        unit = row["name"].split("(")[1].rstrip(")")
        without = replace(made.design, pool=made.design.pool - {unit})
        effect = estimator.estimate(without).effect
        assert row["change"] == pytest.approx(100 * np.expm1(effect), abs=1e-5)
    assert found.statistic < float(found.reference.split(", ")[1])
    assert "Without any one of its" in found.sentence


def test_one_donor_that_carries_the_finding_is_a_concern():
    counts = courses()
    rng = np.random.default_rng(7)
    own = 60 * np.exp(0.8 * np.sin(np.arange(MONTHS) / 3))
    counts[TREATED], counts[3] = rng.poisson(own, (3, MONTHS)), rng.poisson(own)
    counts[3, START:] = rng.poisson(own[START:] * 3)
    found = LeaveOneDonorOut().run(context(counts))
    assert found.verdict == CONCERN
    assert "it moves most without U003 (U003)" in found.sentence
    assert found.table.values["name"][0] == "U003 (U003)"


def test_it_says_why_where_it_cannot_be_run():
    counts = clean()
    counts[5, START - BEFORE : START] = 0
    found = LeaveOneDonorOut().run(context(counts))
    assert found.verdict == NOT_APPLICABLE
    assert "comparison unit U005 had no incident before the start" in found.sentence


def test_a_single_donor_cannot_be_left_out():
    made = context(courses())
    found = LeaveOneDonorOut().run(replace(made, design=replace(made.design, pool=frozenset({"U003"}))))
    assert found.verdict == NOT_APPLICABLE
    assert "one donor has all the weight" in found.sentence

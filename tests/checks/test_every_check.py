"""What every check owes its reader, on quiet data and on broken data, and how rarely quiet data raise one."""

from __future__ import annotations

import math
import re

import pytest
from builders import registered
from contexts import AFTER, TREATED, clean, context, with_change

from cseval.checks.base import VERDICTS, Check, CheckResult
from cseval.checks.baseline_peak import BaselinePeak
from cseval.checks.buffer import BufferExclusion
from cseval.checks.co_interventions import CoInterventions
from cseval.checks.coverage import Coverage
from cseval.checks.error_rate import ErrorRate
from cseval.checks.leave_one_out import LeaveOneOut
from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends
from cseval.checks.regression_to_mean import RegressionToMean
from cseval.checks.residuals import Autocorrelation, Overdispersion
from cseval.errors import SpecError

CHECKS = (
    PreTrends(),
    PlaceboStarts(),
    RegressionToMean(),
    BaselinePeak(),
    BufferExclusion(),
    LeaveOneOut(),
    ErrorRate(),
    CoInterventions(),
    Coverage(),
    Autocorrelation(),
    Overdispersion(),
)
IDS = [type(c).__name__ for c in CHECKS]
SEEDS = 10


@pytest.fixture(scope="module")
def quiet() -> list:
    return [context(clean(seed), measured=None) for seed in range(SEEDS)]


@pytest.fixture(scope="module")
def broken():
    counts = with_change(TREATED, slice(30, 48), 2.5)
    counts[TREATED, 50] = 0
    return context(counts, measured=None, register=(registered("near", start="2019-02"),))


@pytest.mark.parametrize("check", CHECKS, ids=IDS)
def test_clean_data_rarely_raise_concern(check, quiet):
    verdicts = [check.run(c).verdict for c in quiet]
    assert verdicts.count("concern") <= 2
    assert verdicts.count("information") <= 3
    assert "not applicable" not in verdicts


@pytest.mark.parametrize("check", CHECKS, ids=IDS)
def test_a_result_is_whole(check, quiet, broken):
    assert isinstance(check, Check)
    for given in (quiet[0], broken):
        found = check.run(given)
        assert found.verdict in VERDICTS
        assert found.question.endswith("?")
        assert re.fullmatch(r"[A-Z0-9].*\.", found.sentence)
        assert "nan" not in found.sentence
        assert "significan" not in found.sentence
        assert not re.search(r"(?<!\w)-\d", found.sentence)
        assert math.isfinite(found.statistic) == (found.verdict != "not applicable")
        assert math.isnan(found.p_value) or 0 <= found.p_value <= 1
        if found.table is not None:
            assert len(found.table.values.columns) >= 2
            assert set(found.table.headings) <= set(found.table.values.columns)


@pytest.mark.parametrize("check", CHECKS, ids=IDS)
def test_a_check_is_a_function_of_its_context(check):
    one, other = (check.run(context(clean(3), measured=None)) for _ in range(2))
    assert one.sentence == other.sentence
    assert one.statistic == other.statistic


def test_names_are_unique(quiet):
    names = [c.run(quiet[0]).name for c in CHECKS]
    assert len(set(names)) == len(names)


def test_a_verdict_outside_the_vocabulary_is_refused():
    with pytest.raises(SpecError, match="verdict 'warning'"):
        CheckResult(
            name="x", question="?", verdict="warning", statistic=0.0, reference="", p_value=math.nan, sentence="Said."
        )


def test_the_context_is_the_design_it_says(quiet):
    d = quiet[0].design
    assert (d.is_treated.sum(), d.post.sum(), (~d.post).sum()) == (len(TREATED), AFTER, 24)

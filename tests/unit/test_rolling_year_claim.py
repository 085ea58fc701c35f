"""The claim of a downward trend on a rolling year: verdicts, frames, chosen outcome, and its words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import inputs

from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED, Claim, Statement
from cseval.claims.rolling_year import RollingYearTrend
from cseval.errors import SpecError

CLAIM = RollingYearTrend(
    statement=Statement(slug="rolling", text="a downward trend on a rolling year", source="Board"),
    outcomes=("burglary",),
    exact=("burglary",),
    units=("U001",),
    start="2019-01",
    last="2021-06",
)
FRAMES = {"rolling_year", "rolling_trend"}


def counts(own=0.0, others=0.0, units=6, months=84, level=150, seed=0):
    """Months from January 2015; yearly log trends from January 2019 in unit 1 and in the others."""
    time = np.maximum(np.arange(months) - 48, 0) / 12
    mean = level * np.exp(0.1 * np.cos(2 * np.pi * np.arange(months) / 12) + others * time) * np.ones((units, 1))
    mean[1] *= np.exp((own - others) * time)
    return np.random.default_rng(seed).poisson(mean).astype(np.int64)


def held(claim=CLAIM, **options):
    return claim.test(None, inputs(counts(**options), treated=[1]), 1)


@pytest.mark.parametrize(
    ("own", "verdict", "words"),
    [
        (-0.2, SUPPORTED, "shows a downward trend"),
        (0.2, CONTRADICTED, "shows an upward trend"),
        (0.0, NOT_SUPPORTED, "shows no clear trend"),
    ],
)
def test_verdicts(own, verdict, words):
    result = held(own=own)
    assert isinstance(CLAIM, Claim)
    assert result.verdict == verdict
    assert words in result.sentence
    assert set(result.frames) == FRAMES


def test_a_fall_that_all_share_is_supported_and_said_to_be_shared():
    result = held(own=-0.2, others=-0.2)
    assert result.verdict == SUPPORTED
    assert "is not clear of zero" in result.sentence
    assert "London outside U001 showed a" in result.sentence
    apart = held(own=-0.2, others=0.1)
    assert "the difference is −" in apart.sentence


def test_frame_of_the_rolling_year_by_hand():
    values = counts(own=-0.1)
    frame = CLAIM.test(None, inputs(values, treated=[1]), 1).frames["rolling_year"].set_index("period")
    assert frame.index[0] == "2015-12"
    assert frame.index[-1] == "2021-06"
    assert frame.loc["2019-07", "unit_sum"] == values[1, 43:55].sum()
    others = np.delete(values, 1, axis=0)
    assert frame.loc["2019-07", "london_sum"] == others[:, 43:55].sum()
    assert frame.loc["2018-12", "unit_index"] == frame.loc["2018-12", "london_index"] == 100
    assert frame.loc["2018-12", "phase"] == "before"
    assert frame.loc["2019-01", "phase"] == frame.loc["2019-11", "phase"] == "across"
    assert frame.loc["2019-12", "phase"] == "after"
    after = frame[frame["phase"] == "after"]
    line = np.polyval(np.polyfit(np.arange(len(after)), after["unit_index"], 1), np.arange(len(after)))
    assert after["fitted"].to_numpy() == pytest.approx(line)
    assert (after["low"] < after["fitted"]).all()
    assert frame.loc[frame["phase"] == "across", "fitted"].isna().all()


def test_frame_of_trends():
    frame = held(own=-0.1).frames["rolling_trend"]
    assert frame["series"].drop_duplicates().tolist() == ["U001", "London", "U001 against London"]
    assert frame["phase"].tolist() == ["before", "after", "change"] * 3
    after = frame[(frame["series"] == "U001") & (frame["phase"] == "after")].iloc[0]
    assert after["conf_high"] - after["conf_low"] > 2 * (after["naive_high"] - after["naive_low"])
    before = frame.iloc[0]
    assert frame.iloc[2]["percent_a_year"] == pytest.approx(after["percent_a_year"] - before["percent_a_year"])
    difference = frame[frame["series"] == "U001 against London"].set_index("phase")["percent_a_year"]
    london = frame[frame["series"] == "London"].set_index("phase")["percent_a_year"]
    assert difference["after"] == pytest.approx(after["percent_a_year"] - london["after"])


def test_months_after_the_last_and_long_before_the_start_have_no_say():
    values = counts(own=-0.1)
    changed = values.copy()
    changed[:, 78:] = 9999
    plain, late = (CLAIM.test(None, inputs(v, treated=[1]), 1) for v in (values, changed))
    assert late.frames["rolling_trend"].equals(plain.frames["rolling_trend"])
    short = replace(CLAIM, months_before=36)
    changed[:, :12] = 0
    one, two = (short.test(None, inputs(v, treated=[1]), 1) for v in (values, changed))
    assert two.sentence == one.sentence


def test_several_units_are_taken_together():
    both = replace(CLAIM, units=("U001", "U002"))
    values = counts()
    frame = both.test(None, inputs(values, treated=[1]), 1).frames["rolling_year"]
    assert frame["unit_sum"].iloc[-1] == values[1:3, 66:78].sum()
    assert "U001 and U002" in both.test(None, inputs(values, treated=[1]), 1).sentence


def test_missing_months_shorten_the_time_before_or_leave_units_out():
    values = counts()
    received = np.ones(values.shape, dtype=bool)
    received[1, 5] = False
    received[4, 70] = False
    result = CLAIM.test(None, inputs(values, treated=[1], received=received), 1)
    assert result.frames["rolling_year"]["period"].iloc[0] == "2016-06"
    assert result.caveat == "Left out of London because months are missing: U004."
    received[1, 40] = False
    assert CLAIM.test(None, inputs(values, treated=[1], received=received), 1).verdict == CANNOT_BE_TESTED


def test_another_outcome_is_named_and_none_cannot_be_tested():
    assert "these data hold burglary, which is not the same" in held(replace(CLAIM, exact=())).caveat
    for changes in ({"outcomes": ("knives",)}, {"units": ("X",)}, {"last": "2023-01"}):
        assert held(replace(CLAIM, **changes)).verdict == CANNOT_BE_TESTED


@pytest.mark.parametrize("changes", [{"last": "2020-04"}, {"months_before": 12}, {"units": ()}])
def test_too_few_months_or_units_are_refused(changes):
    with pytest.raises(SpecError, match="rolling"):
        replace(CLAIM, **changes)

"""Searches before and after over usable months, against other areas, and what is said of the outcome beside them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cseval.errors import DesignError, SpecError
from cseval.estimators.monthly_change import change_between
from cseval.months import month_range
from cseval.panel import Panel
from cseval.police_activity import PoliceActivity, earlier_changes
from cseval.police_activity_words import activity_sentences, driven_words, times_words
from cseval.sources.mps import read_borough
from cseval.sources.stop_search_table import read_counts_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TABLE = DATA / "stop_search" / "mps_stop_search_borough_month_counts_2015-04_2019-02.parquet"
CRIME = DATA / "mps_recorded_crime" / "MPS_Borough_Level_Crime_Historical_201004-202201.csv.gz"

MONTHS = month_range("2017-01", "2018-12")
START = "2018-01"
AFTER = np.array([m >= START for m in MONTHS])


def alternating(before, after, wobble=0.0):
    """Twelve months about each level, up and down by the same share."""
    signs = np.where(np.arange(24) % 2, 1.0, -1.0)
    return np.where(AFTER, after, before) * (1 + wobble * signs)


def panel(unusable=(), **rows):
    units = tuple(sorted(rows))
    counts = np.array([np.rint(rows[u]) for u in units]).astype(np.int64)
    mask = np.ones(counts.shape, dtype=bool)
    mask[:, [MONTHS.index(m) for m in unusable]] = False
    return Panel(
        units=units,
        periods=MONTHS,
        counts={"searches": np.where(mask, counts, 0)},
        received={} if mask.all() else {"searches": mask},
        names={"a": "Hamlets"},
    )


def outcome(values, name="drug_offences"):
    counts = np.rint(np.array([values])).astype(np.int64)
    return Panel(units=("a",), periods=MONTHS, counts={name: counts})


def compare(searches, outcomes=None, **options):
    spec = {"unit": "a", "start": START, "first": MONTHS[0], "last": MONTHS[-1], "outcome": "drug_offences"} | options
    return PoliceActivity(**spec).compare(searches, outcomes)


OTHERS = {"b": alternating(200, 220, 0.1), "c": alternating(300, 270, 0.1), "d": alternating(100, 100, 0.1)}


# The change -------------------------------------------------------------------------------------------


def test_the_ratio_is_that_of_monthly_averages_and_the_error_that_of_poisson_counts():
    values = np.where(AFTER, 150.0, 100.0)
    found = change_between(values, np.ones(24, dtype=bool), AFTER)
    assert (found.before, found.after, found.months_before, found.months_after) == (100, 150, 12, 12)
    assert found.ratio == pytest.approx(1.5)
    # No scatter at all, so the variance of the log is 1 / 1800 + 1 / 1200, with Student's t of 22 degrees of freedom.
    half = 2.073873 * math.sqrt(1 / 1800 + 1 / 1200)
    assert found.conf_low == pytest.approx(1.5 * math.exp(-half), rel=1e-6)
    assert found.conf_high == pytest.approx(1.5 * math.exp(half), rel=1e-6)
    assert found.dispersion == 1
    assert found.clear


def test_scatter_beyond_chance_widens_the_interval_by_its_root():
    values = alternating(400, 400, 0.2)
    found = change_between(values, np.ones(24, dtype=bool), AFTER)
    # Squared residuals are 0.2^2 x 400 = 16 each, 384 in all, over 22 degrees of freedom.
    assert found.rho == 0
    assert found.dispersion == pytest.approx(384 / 22)
    half = 2.073873 * math.sqrt(2 * 384 / 22 / 4800)
    assert found.ratio == pytest.approx(1)
    assert found.conf_high == pytest.approx(math.exp(half), rel=1e-6)
    assert not found.clear
    assert found.p_value == pytest.approx(1)


def test_months_that_cannot_be_used_have_no_say_whatever_stands_there():
    usable = np.ones(24, dtype=bool)
    usable[[5, 6, 20]] = False
    values = np.where(AFTER, 150.0, 100.0)
    spoilt = np.where(usable, values, 9999.0)
    found, same = (change_between(v, usable, AFTER) for v in (values, spoilt))
    assert found == same
    assert (found.months_before, found.months_after) == (10, 11)
    assert found.ratio == pytest.approx(1.5)


def test_runs_above_and_below_the_level_widen_it_more_than_scatter_does():
    blocks = np.where(np.arange(24) // 4 % 2, 1.2, 0.8) * 400
    mixed = alternating(400, 400, 0.2)
    one, other = (change_between(v, np.ones(24, dtype=bool), AFTER) for v in (blocks, mixed))
    assert one.rho > 0.3
    assert one.conf_high / one.conf_low > other.conf_high / other.conf_low


def test_an_exposure_takes_the_place_of_the_month():
    exposure = alternating(1000, 2000, 0.3)
    found = change_between(exposure / 10, np.ones(24, dtype=bool), AFTER, exposure)
    assert found.ratio == pytest.approx(1)
    assert (found.before, found.after) == (100, 200)
    assert found.dispersion == 1


def test_too_few_months_are_refused_and_an_empty_side_has_no_ratio():
    usable = np.ones(24, dtype=bool)
    usable[:7] = False
    with pytest.raises(DesignError, match="5 usable months before the start and 12 after it; expected at least 6"):
        change_between(np.ones(24), usable, AFTER)
    found = change_between(np.where(AFTER, 5.0, 0.0), np.ones(24, dtype=bool), AFTER)
    assert math.isnan(found.ratio)
    assert not found.clear
    assert times_words(found) == "a change that cannot be put as a ratio, since a side holds none"


# Against other areas ----------------------------------------------------------------------------------


def test_the_area_is_held_against_all_others_over_the_same_months():
    searches = panel(unusable=("2017-03", "2018-02"), a=np.where(AFTER, 200.0, 100.0), **OTHERS)
    found = compare(searches, outcome(np.where(AFTER, 30.0, 20.0)))
    assert found.own.ratio == pytest.approx(2)
    others = sum(OTHERS.values())
    known = np.array([m not in ("2017-03", "2018-02") for m in MONTHS])
    rest = others[AFTER & known].mean() / others[~AFTER & known].mean()
    assert found.others.ratio == pytest.approx(rest)
    assert found.relative.ratio == pytest.approx(2 / rest)
    assert (found.rank, found.of, found.p_placebo) == (1, 4, 0.25)
    assert found.unusable == ("2017-03", "2018-02")
    assert found.beside.ratio == pytest.approx(1.5)
    assert found.beside.months_before == 11
    assert found.changes["unit"].tolist()[0] == "a"
    series = found.series.set_index("period")
    assert math.isnan(series.loc["2018-02", "searches"])
    assert series.loc["2018-02", "outcome"] == 30
    assert not series.loc["2018-02", "usable"]


def test_a_fall_as_large_as_another_areas_rise_counts_as_being_as_far():
    searches = panel(
        a=alternating(100, 100), b=alternating(100, 200), c=alternating(100, 50), d=alternating(9000, 9000)
    )
    found = compare(searches)
    assert found.rank in (2, 3)
    assert found.p_placebo == 1
    assert found.beside is None
    assert found.outcome == ""


def test_error_rates_are_measured_at_the_start_and_before_it():
    searches = panel(a=np.where(AFTER, 200.0, 100.0), **OTHERS)
    found = compare(searches)
    assert found.at_start.tried == 3
    assert found.earlier.tried == 3  # 12 months before: six on both sides leave one start, in three other areas
    assert earlier_changes(np.ones((3, 24)), ~AFTER)[0].months_before == 6
    assert earlier_changes(np.ones((3, 11)), np.ones(11, dtype=bool)) == []


def test_an_area_that_lacks_a_month_is_left_out_by_name():
    whole = panel(a=alternating(100, 200), **OTHERS)
    mask = np.ones((4, 24), dtype=bool)
    mask[1, 3] = False
    searches = Panel(units=whole.units, periods=MONTHS, counts=whole.counts, received={"searches": mask})
    found = compare(searches)
    assert found.left_out == ("b",)
    assert found.of == 3
    mask[2, 4] = mask[3, 5] = False
    with pytest.raises(DesignError, match="0 other areas with the same months"):
        compare(searches)


def test_what_cannot_be_compared_is_refused():
    searches = panel(a=alternating(100, 200), **OTHERS)
    with pytest.raises(DesignError, match="no area z"):
        compare(searches, unit="z")
    with pytest.raises(SpecError, match="expected first before start"):
        compare(searches, start="2016-01")
    with pytest.raises(DesignError, match="0 usable months before"):
        compare(searches, first="2016-01", start="2016-12")


# Words ------------------------------------------------------------------------------------------------


def test_the_sentences_give_the_numbers_the_gaps_and_what_cannot_be_separated():
    searches = panel(unusable=("2018-02",), a=np.where(AFTER, 200.0, 100.0), **OTHERS)
    lost = dict.fromkeys(MONTHS, 0.08)
    found = compare(searches, outcome(np.where(AFTER, 30.0, 20.0)), lost=lost, cautions=("wordings changed",))
    text = " ".join(activity_sentences(found))
    assert "Searches in Hamlets went from 100 a month before January 2018 (12 usable months) to 200 a month" in text
    assert "rise number 1 of 4. At least as far, up or down, moved 25% of all areas, itself included (p = 0.25)" in text
    assert "calls the change clear in" in text
    assert "not counted as zero, since searches were not received by area: February 2018." in text
    assert "Of all searches 8.0% before and 8.0% after have no coordinates" in text
    assert "recorded drug offences went from 20.0 to 30.0 a month, 1.50 times as many" in text
    assert (
        "cannot be separated with these counts: a rise is no evidence of more harm, and a fall none of success" in text
    )
    assert text.endswith("Wordings changed.")


def test_a_rise_that_began_before_the_start_is_said():
    early = alternating(100, 200)
    early[9:12] = 190
    text = " ".join(activity_sentences(compare(panel(a=early, **OTHERS))))
    assert "In the last three usable months before the start there were 190 a month, in those before them 100" in text


def test_outcomes_that_searches_do_not_make_are_spoken_of_otherwise():
    assert "cannot be separated" in driven_words("possession_of_article_with_blade_or_point")
    assert driven_words("robbery").startswith("Searches may change how much robbery is recorded")


# The published files ----------------------------------------------------------------------------------


@pytest.mark.skipif(not (TABLE.exists() and CRIME.exists()), reason="no folder of open data beside the checkout")
def test_searches_in_tower_hamlets_doubled_around_may_2018_and_began_to_rise_before():
    stops, crime = read_counts_table(TABLE), read_borough(CRIME)
    spec = PoliceActivity(
        unit="E09000030", start="2018-05", first="2016-07", last="2019-02", outcome="drug_offences",
        lost=dict(zip(stops.periods, stops.lost.tolist(), strict=True)),
    )  # fmt: skip
    found = spec.compare(stops.panel(), crime)
    monthly = stops.total()[stops.units.index("E09000030")]
    usable = [p for p in month_range("2016-07", "2019-02") if p not in ("2018-02", "2018-03")]
    at = {p: int(monthly[stops.periods.index(p)]) for p in usable}
    before, after = ([n for p, n in at.items() if (p >= "2018-05") == late] for late in (False, True))
    assert (sum(before), sum(after)) == (8832, 8613)
    assert found.own.ratio == pytest.approx((8613 / 10) / (8832 / 20))
    assert found.unusable == ("2018-02", "2018-03")
    assert found.left_out == ("E09000001",)
    assert (found.rank, found.of, found.p_placebo) == (1, 32, 3 / 32)
    assert found.late == (pytest.approx(539), pytest.approx(424.4, abs=0.1))
    assert found.at_start.tried == 31
    assert found.beside.ratio == pytest.approx(1.497, abs=0.001)

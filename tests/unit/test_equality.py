"""Searches by recorded ethnicity: rates, ratios, outcomes, what is withheld and what is said."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cseval.disclosure import Disclosure, Withheld
from cseval.equality import OFFICER_DEFINED, Denominators, Disproportionality, read_denominators
from cseval.equality_words import equality_sentences, equality_tables, ratio_words
from cseval.errors import DataError, DesignError, SpecError, UsageError
from cseval.inference.rate_ratios import rate_ratio, ratio_of_ratios
from cseval.sources.stop_search import read_stop_search
from cseval.sources.stop_search_table import StopSearch, read_counts_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FOLDER = DATA / "stop_search"
SELECTION = FOLDER / "tower_hamlets_stop_and_search_records_2015-04_2019-02.csv.gz"
TABLE = FOLDER / "mps_stop_search_borough_month_counts_2015-04_2019-02.parquet"
BOROUGHS = DATA / "geography" / "london_boroughs.geojson.gz"

PERIODS = ("2018-01", "2018-02", "2018-03", "2018-04")
OLD, NEW = "Nothing found - no further action", "A no further action disposal"
RESIDENTS = Denominators(population={"Asian": 1000, "Black": 500, "White": 2000}, source="Census", year="2011")


def stops(*rows, received=(True, True, True, True)):
    """Searches from rows of month, self-defined ethnicity, outcome, number and, if given, type of search."""
    table = [(*r, "Person search") if len(r) == 4 else r for r in rows]
    columns = list(zip(*table, strict=True))
    words = {
        name: tuple(sorted(set(columns[i])))
        for name, i in (("self_ethnicity", 1), ("officer_ethnicity", 1), ("outcome", 2), ("type", 4))
    }
    at = {"self_ethnicity": 1, "officer_ethnicity": 1, "outcome": 2, "type": 4}
    return StopSearch(
        units=("a",),
        periods=PERIODS,
        unit=np.zeros(len(table), dtype=np.int64),
        period=np.array([PERIODS.index(m) for m in columns[0]]),
        number=np.array(columns[3]),
        codes={n: np.array([words[n].index(w) for w in columns[i]]) for n, i in at.items()},
        words=words,
        received=np.array([received]),
        lost=np.zeros(4),
        names={"a": "Hamlets"},
    )


def measure(data, **options):
    spec = {"unit": "a", "before": PERIODS[:2], "after": PERIODS[2:], "denominators": RESIDENTS} | options
    return Disproportionality(**spec).measure(data)


def usual(after=NEW):
    """Even months: White 100 and 100, Asian 50 then 100, Black 40 then 40, 10 not stated; half with arrest."""
    rows = []
    for month, wording in zip(PERIODS, (OLD, OLD, after, after), strict=True):
        late = month >= PERIODS[2]
        for group, number in (("White - Irish", 50), ("Asian", 50 if late else 25), ("Black", 20), ("", 5)):
            rows += [(month, group, wording, number // 2), (month, group, "Arrest", number - number // 2)]
    return stops(*rows)


def at(frame, group, period=None):
    chosen = frame[frame["group"] == group]
    chosen = chosen if period is None else chosen[chosen["period"] == period]
    return chosen.iloc[0]


# Ratios -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "bases", "ratio", "low", "high"),
    [
        ((2, 9), (17877, 16660), 0.2070941557, 0.02177406, 1.00054910),
        ((2, 10), (17877, 20000), 0.2237512, 0.02383738, 1.04995468),
    ],
)
def test_small_counts_agree_with_the_exact_test_of_r(counts, bases, ratio, low, high):
    """Printed in Fay's vignettes of the R packages rateratio.test and exactci."""
    found = rate_ratio(counts[0], bases[0], counts[1], bases[1])
    assert found.exact
    assert found.ratio == pytest.approx(ratio, rel=1e-6)
    assert found.conf_low == pytest.approx(low, rel=1e-6)
    assert found.conf_high == pytest.approx(high, rel=1e-6)


def test_large_counts_are_log_normal_with_their_dispersion():
    found = rate_ratio(100, 1000, 400, 2000, dispersion=4)
    reach = math.exp(1.959964 * math.sqrt(4 * (1 / 100 + 1 / 400)))
    assert not found.exact
    assert (found.ratio, found.conf_low, found.conf_high) == pytest.approx((0.5, 0.5 / reach, 0.5 * reach), rel=1e-6)


def test_overdispersion_never_narrows_an_exact_interval():
    plain, wide = rate_ratio(5, 100, 30, 100), rate_ratio(5, 100, 30, 100, dispersion=9)
    assert wide.conf_low <= plain.conf_low
    assert wide.conf_high > plain.conf_high


def test_zeros_have_an_end_only_on_one_side():
    none, all_of_it = rate_ratio(0, 100, 10, 100), rate_ratio(10, 100, 0, 100)
    assert (none.ratio, none.conf_low) == (0, 0)
    # Of ten events none: the upper end of the share is 1 - 0.025^(1/10).
    share = 1 - 0.025 ** (1 / 10)
    assert none.conf_high == pytest.approx(share / (1 - share))
    assert all_of_it.ratio == all_of_it.conf_high == math.inf
    assert all_of_it.conf_low == pytest.approx((1 - share) / share)
    assert math.isnan(rate_ratio(0, 1, 0, 1).ratio)


def test_how_a_ratio_changed_is_an_odds_ratio_exact_where_small():
    found = ratio_of_ratios((200, 100), (100, 100))
    reach = math.exp(1.959964 * math.sqrt(1 / 200 + 3 / 100))
    assert (found.ratio, found.conf_high) == pytest.approx((2, 2 * reach), rel=1e-6)
    # Fisher's tea tasting: given its margins, k of 4 have weight C(4, k)^2 psi^k; each end leaves 2.5 % in one tail.
    tea = ratio_of_ratios((3, 1), (1, 3))
    assert tea.ratio == 9
    low, high = ([w * psi**k for k, w in enumerate((1, 16, 36, 16, 1))] for psi in (tea.conf_low, tea.conf_high))
    assert sum(low[3:]) / sum(low) == pytest.approx(0.025, rel=1e-4)
    assert sum(high[:4]) / sum(high) == pytest.approx(0.025, rel=1e-4)
    assert math.isnan(ratio_of_ratios((0, 0), (1, 3)).ratio)
    assert ratio_of_ratios((3, 0), (1, 3)).conf_high == math.inf


def test_impossible_counts_are_refused():
    with pytest.raises(UsageError, match="counts of at least 0, bases above zero"):
        rate_ratio(-1, 1, 1, 1)
    with pytest.raises(UsageError, match="bases above zero"):
        rate_ratio(1, 0, 1, 1)
    with pytest.raises(UsageError, match=r"a dispersion of 0\.5"):
        rate_ratio(1, 1, 1, 1, dispersion=0.5)


# The measure ------------------------------------------------------------------------------------------


def test_rates_are_per_thousand_residents_a_year_and_ratios_to_the_reference():
    found = measure(usual())
    asian, white, black = (at(found.rates, g) for g in ("Asian", "White", "Black"))
    assert (asian["before"], asian["after"]) == (50, 100)
    assert asian["before_rate"] == pytest.approx(50 / 1000 * 1000 * 6)  # two months, so six times a year
    assert white["before_rate"] == pytest.approx(100 / 2000 * 1000 * 6)
    assert asian["before_ratio"] == pytest.approx(1)
    assert asian["after_ratio"] == asian["change"] == pytest.approx(2)
    assert black["before_ratio"] == black["after_ratio"] == pytest.approx(1.6)
    assert found.dispersion == 1
    reach = math.exp(1.959964 * math.sqrt(1 / 50 + 3 / 100))
    assert asian["change_high"] == pytest.approx(2 * reach, rel=1e-6)
    assert math.isnan(white["change"])
    assert found.months == (2, 2)
    assert found.not_stated == (pytest.approx(10 / 200), pytest.approx(10 / 250))


def test_months_that_scatter_widen_the_intervals():
    rows = [(PERIODS[0], "White", OLD, 100), (PERIODS[1], "White", OLD, 20), (PERIODS[2], "White", OLD, 60)]
    rows += [(PERIODS[0], "Black", OLD, 20), (PERIODS[1], "Black", OLD, 100), (PERIODS[2], "Black", OLD, 60)]
    found = measure(stops(*rows))
    # 2 x 2 table of 100, 20, 20, 100 about 60: chi-square 4 x 40^2 / 60 on one degree of freedom.
    assert found.dispersion == pytest.approx(4 * 40**2 / 60)
    assert found.months == (2, 2)


def test_outcomes_have_wilson_intervals_and_a_difference_from_the_reference():
    rows = [(m, g, OLD, n) for m in PERIODS for g, n in (("White", 30), ("Black", 45))]
    rows += [(m, g, "Arrest", n) for m in PERIODS for g, n in (("White", 20), ("Black", 5))]
    found = measure(stops(*rows))
    black, white = at(found.outcomes, "Black", "after"), at(found.outcomes, "White", "after")
    assert (black["searches"], black["no_further_action"], black["share"]) == (100, 90, 0.9)
    # Wilson for 90 of 100 at 1.96.
    assert (black["share_low"], black["share_high"]) == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert black["difference"] == pytest.approx(0.3)
    assert black["difference_low"] < 0.3 < black["difference_high"]
    assert math.isnan(white["difference"])
    assert not found.reworded


def test_searches_of_vehicles_alone_are_of_nobody():
    data = usual()
    more = stops(
        *[(m, g, OLD, 10) for m in PERIODS for g in ("White", "Black")],
        *[(m, "", OLD, 90, "Vehicle search") for m in PERIODS],
    )
    assert measure(more).not_stated == (0, 0)
    assert measure(data).not_stated[0] > 0


def test_months_that_are_not_usable_are_left_out_of_rates_too():
    rows = [(m, g, OLD, 10) for m in PERIODS for g in ("White", "Black")]
    found = measure(stops(*rows, received=(True, False, True, True)))
    assert found.months == (1, 2)
    assert at(found.rates, "White")["before"] == 10
    assert at(found.rates, "White")["before_rate"] == pytest.approx(10 / 2000 * 1000 * 12)
    with pytest.raises(DesignError, match="no usable month from 2018-01 to 2018-02"):
        measure(stops(*rows, received=(False, False, True, True)))


def test_without_denominators_only_changes_are_given():
    found = measure(usual(), denominators=None)
    asian = at(found.rates, "Asian")
    assert math.isnan(asian["before_rate"])
    assert math.isnan(asian["before_ratio"])
    assert asian["change"] == pytest.approx(2)
    text = " ".join(equality_sentences(found))
    assert (
        "the number of searches for each search of a White person became 2.00 (1.29 to 3.10) times what it was" in text
    )
    assert "No number of residents by group was given" in text


def test_impossible_questions_are_refused():
    with pytest.raises(SpecError, match="one period after the other"):
        measure(usual(), after=PERIODS[:2])
    with pytest.raises(SpecError, match="a broad group"):
        measure(usual(), reference="Martian")
    with pytest.raises(DesignError, match="no area b"):
        measure(usual(), unit="b")
    with pytest.raises(DesignError, match="no search of Mixed people"):
        measure(stops(("2018-01", "Mixed", OLD, 3), ("2018-03", "White", OLD, 3)), reference="Mixed")


# Withheld ---------------------------------------------------------------------------------------------


def small():
    rows = [(m, g, OLD, 40) for m in PERIODS for g in ("White", "Black", "Asian")]
    rows += [(m, g, "Arrest", 40) for m in PERIODS for g in ("White", "Black", "Asian")]
    return stops(*rows, ("2018-01", "Mixed", OLD, 2), ("2018-03", "Mixed", OLD, 30), ("2018-03", "Mixed", "Arrest", 30))


def test_small_counts_are_withheld_only_where_they_are_not_published():
    open_ = measure(small())
    assert at(open_.rates, "Mixed")["before"] == 2
    assert not open_.withheld
    shut = measure(small(), published=False)
    mixed = at(shut.rates, "Mixed")
    assert shut.withheld
    for cell in ("before", "before_rate", "change", "change_low"):
        assert isinstance(mixed[cell], Withheld), cell
    assert mixed["after"] == 60
    others = [g for g in ("Asian", "Black", "White") if isinstance(at(shut.rates, g)["before"], Withheld)]
    assert others, "a group alone withheld would follow from the total"
    assert any("Mixed people: withheld" in s for s in equality_sentences(shut))
    assert "In [c] of searches of people before" in " ".join(equality_sentences(shut))


def test_counts_shown_are_rounded_where_the_rule_says_so():
    found = measure(usual(), published=False, disclosure=Disclosure(threshold=3, rounding=10))
    shown = [v for v in found.rates["before"].tolist() if not isinstance(v, Withheld)]
    assert shown
    assert all(v % 10 == 0 for v in shown)


# Words and tables -------------------------------------------------------------------------------------


def test_the_sentences_are_evidence_and_say_what_they_cannot_show():
    found = measure(usual())
    text = " ".join(equality_sentences(found))
    assert "Black people were searched 1.60 (1.11 to 2.31) times as often per resident as White people before" in text
    assert "In 5.0% of searches of people before and 4.0% after no ethnicity is recorded" in text
    assert "Residents are not the people at risk of a search" in text
    assert "evidence for the equalities section of a paper and not that section" in text
    assert "Residents: Census, 2011; the same for both periods." in text
    assert "The police changed their wording" in text
    assert "The police changed" not in " ".join(equality_sentences(measure(usual(after=OLD))))
    assert "Officers record no mixed group" in " ".join(equality_sentences(measure(usual(), ethnicity=OFFICER_DEFINED)))


def test_ratios_in_words_say_open_ends():
    assert ratio_words({"x": math.inf, "x_low": 2.0, "x_high": math.inf}, "x") == "no upper bound (2.00 to any size)"
    assert ratio_words(dict.fromkeys(("x", "x_low", "x_high"), math.nan), "x") == "[x]"


def test_tables_have_a_heading_for_every_column_and_keep_what_is_withheld():
    rates, outcomes = equality_tables(measure(small(), published=False))
    for table in (rates, outcomes):
        assert {str(c) for c in table.values} <= set(table.headings)
        assert table.notes
    assert rates.title == "Stop and search in Hamlets by self-defined ethnicity"
    assert outcomes.values["share"].tolist()[0] in (50.0,) or isinstance(outcomes.values["share"].tolist()[0], Withheld)
    assert any(isinstance(v, Withheld) for v in outcomes.values["share"].tolist())


# Denominators -----------------------------------------------------------------------------------------


def residents(folder: Path, *rows: str, header: str = "group,population,source,year") -> Path:
    path = folder / "residents.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_denominators_are_read_with_their_source(tmp_path):
    found = read_denominators(residents(tmp_path, "White,2000,Census,2011", "Black,500,Census,2011"))
    assert found == Denominators(population={"White": 2000, "Black": 500}, source="Census", year="2011")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("Green,1,Census,2011",), r"row 2: group 'Green'; expected one of Asian, Black, Mixed, Other, White"),
        (("White,1,Census,2011", "White,2,Census,2011"), r"row 3: White a second time"),
        (("White,0,Census,2011",), r"row 2: nobody in White"),
        (("White,,Census,2011",), r"row 2, column population: a blank where a count belongs"),
        (("White,5,,2011",), r"row 2: no source"),
        (("White,5,Census,about 2011",), r"row 2: year 'about 2011'"),
        (("White,5,Census,2011", "Black,5,Census,2021"), r"row 3: year '2021' beside '2011'"),
    ],
)
def test_bad_denominators_are_refused_with_their_row(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        read_denominators(residents(tmp_path, *rows))
    with pytest.raises(DataError, match="no column year"):
        read_denominators(residents(tmp_path, "White,5,Census", header="group,population,source"))


# The published files ----------------------------------------------------------------------------------


@pytest.mark.skipif(
    not all(p.exists() for p in (SELECTION, TABLE, BOROUGHS)), reason="no folder of open data beside the checkout"
)
def test_published_searches_in_tower_hamlets_by_ethnicity():
    data = read_stop_search([SELECTION], BOROUGHS, coverage=read_counts_table(TABLE))
    spec = Disproportionality(unit="E09000030", before=("2016-07", "2018-04"), after=("2018-05", "2019-02"))
    found = spec.measure(data)
    assert found.months == (20, 10)
    black, white = at(found.rates, "Black"), at(found.rates, "White")
    assert black["change"] == pytest.approx((black["after"] / white["after"]) / (black["before"] / white["before"]))
    assert black["change_low"] > 1
    assert found.dispersion > 1
    assert 0.05 < found.not_stated[0] < 0.07
    assert found.reworded

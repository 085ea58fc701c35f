"""The panel: what it refuses, sums, laid-over outcomes, and tables with one row per unit and month."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from builders import panel

from cseval.errors import DataError
from cseval.months import month_range
from cseval.panel import Panel, Provenance

SHAPE = (2, 3)
UNITS, PERIODS = ("a", "b"), month_range("2018-11", "2019-01")


def numbers(first: int = 0) -> np.ndarray:
    return np.arange(first, first + 6, dtype=np.int64).reshape(SHAPE)


def make(**changes) -> Panel:
    return Panel(**{"units": UNITS, "periods": PERIODS, "counts": {"theft": numbers()}, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": (), "counts": {}}, "an empty panel"),
        ({"periods": (), "counts": {}}, "an empty panel"),
        ({"units": ("a", "a")}, "unit 'a' occurs twice"),
        ({"periods": ("2018-11", "2018-12", "2019-02")}, "months with a gap"),
        ({"periods": ("2019-01", "2018-12", "2018-11")}, "months with a gap or out of order"),
        ({"counts": {"theft": numbers()[:1]}}, r"'theft' is a int64 array of shape \(1, 3\)"),
        ({"counts": {"theft": numbers().astype(float)}}, "'theft' is a float64 array"),
        ({"counts": {"theft": numbers(-4)}}, "-4 theft in unit a, month 2018-11"),
        ({"received": {"arson": np.ones(SHAPE, dtype=bool)}}, "coverage of 'arson' does not fit"),
        ({"received": {"theft": np.ones((2, 2), dtype=bool)}}, "coverage of 'theft' does not fit"),
        ({"exposure": np.zeros(SHAPE)}, "exposure that is not a positive number"),
        ({"exposure": np.full(SHAPE, np.nan)}, "exposure that is not a positive number"),
        ({"exposure": np.ones((3, 2))}, "exposure that is not a positive number"),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(DataError, match=message):
        make(**changes)


def test_an_unknown_outcome_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match="no outcome 'arson'; expected one of theft"):
        make().require("arson")


def test_complete_unless_said_otherwise():
    mask = np.array([[True, False, True], [True, True, True]])
    p = make(counts={"theft": numbers(), "arson": numbers()}, received={"arson": mask})
    assert p.mask("theft").all()
    assert p.mask("arson").tolist() == mask.tolist()


def test_a_sum_is_received_where_every_part_was():
    mask = np.array([[True, False, True], [True, True, True]])
    p = make(counts={"theft": numbers(), "arson": numbers(10)}, received={"arson": mask})
    total = p.with_sum("both", ("theft", "arson"))
    assert total.counts["both"].tolist() == (numbers() + numbers(10)).tolist()
    assert total.mask("both").tolist() == mask.tolist()
    assert total.outcomes == ("theft", "arson", "both")
    assert "both" not in p.counts
    assert "twice" not in p.with_sum("twice", ("theft", "theft")).received
    # a sum that takes the place of a gappy outcome does not keep its gaps
    assert total.with_sum("both", ("theft",)).mask("both").all()


def test_merged_outcomes_are_missing_where_the_other_panel_is_silent():
    other = Panel(
        units=("b", "c"),
        periods=month_range("2018-12", "2019-02"),
        counts={"arson": numbers(1)},
        provenance=(Provenance(kind="k", title="t", publisher="p", licence="l", path="f", sha256="", rows=6),),
        notes=("second",),
    )
    merged = make(notes=("first",)).merge(other)
    assert merged.units == UNITS
    assert merged.mask("arson").tolist() == [[False] * 3, [False, True, True]]
    assert merged.counts["arson"][1, 1:].tolist() == [1, 2]
    assert merged.counts["theft"].tolist() == numbers().tolist()
    assert merged.notes == ("first", "second")
    assert len(merged.provenance) == 1


def test_merging_a_panel_of_other_places_leaves_nothing_received():
    other = Panel(units=("x",), periods=PERIODS, counts={"arson": np.ones((1, 3), dtype=np.int64)})
    assert not make().merge(other).mask("arson").any()


LONG = pd.DataFrame(
    {"unit": ["b", "a", "a"], "period": ["2019-01", "2018-11", "2019-01"], "theft": [5, 0, 2], "arson": [1, 1, 1]}
)


def test_absent_rows_of_a_long_table_are_missing_and_not_zero():
    p = Panel.from_long(LONG, outcomes=["theft", "arson"])
    assert p.units == ("a", "b")
    assert p.periods == PERIODS
    assert p.counts["theft"].tolist() == [[0, 0, 2], [0, 0, 5]]
    assert p.mask("theft").tolist() == [[True, False, True], [False, False, True]]
    assert p.mask("arson").tolist() == p.mask("theft").tolist()


def test_absent_rows_are_zero_only_where_the_source_lists_non_zero_cells():
    assert Panel.from_long(LONG, outcomes=["theft"], absent_is_zero=True).mask("theft").all()
    whole = LONG[LONG["period"] == "2019-01"]
    assert Panel.from_long(whole, outcomes=["theft"]).received == {}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (LONG.drop(columns="theft"), "no column 'theft'"),
        (LONG.rename(columns={"period": "month"}), "no column 'period'"),
        (pd.concat([LONG, LONG.iloc[[0]]]), "b in 2019-01 occurs twice"),
        (LONG.assign(theft=[1.0, 2.5, 3.0]), r"2\.5.* in theft"),
        (LONG.assign(theft=[1.0, np.nan, 3.0]), "nan.* in theft"),
        (LONG.assign(theft=[1.0, np.inf, 3.0]), "inf.* in theft"),
        (LONG.assign(theft=[1, -2, 3]), "-2 theft in unit a, month 2018-11"),
    ],
)
def test_long_tables_that_are_refused(frame, message):
    with pytest.raises(DataError, match=message):
        Panel.from_long(frame, outcomes=["theft"])


def test_the_refused_row_is_named():
    with pytest.raises(DataError, match=r"panel, row 2:.*expected a whole number"):
        Panel.from_long(LONG.assign(theft=[1.0, 2.5, 3.0]), outcomes=["theft"])


def test_a_huge_count_is_refused_and_not_wrapped_around():
    with pytest.raises(DataError, match=r"1e\+300.* in theft"):
        Panel.from_long(LONG.assign(theft=[1.0, 1e300, 3.0]), outcomes=["theft"])


def test_words_in_a_count_column_are_refused():
    with pytest.raises(DataError, match="theft"):
        Panel.from_long(LONG.assign(theft=["1", "few", "3"]), outcomes=["theft"])


def test_the_builder_names_months_from_its_first():
    assert panel(numbers(), first="2018-11").periods == PERIODS

"""No reader can find a small count: every table that he must think possible is tried."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cseval.disclosure import feasible, small, suppress, suppress_linked

counts = st.integers(0, 9)
some = settings(max_examples=60, deadline=None, derandomize=True)


def published(values, threshold):
    """What a reader sees of a series with its total: the places withheld, and every number that is not."""
    mask = suppress(values, row_totals=True, threshold=threshold)[0]
    full = (*values, sum(values))
    return tuple(None if out else v for v, out in zip(full, mask, strict=True))


@pytest.mark.parametrize(
    ("length", "most", "threshold"), [(2, 14, 5), (3, 12, 3), (3, 12, 4), (3, 13, 5), (4, 8, 3), (4, 8, 5), (5, 5, 3)]
)
def test_a_reader_who_runs_the_same_rule_on_every_series_cannot_tell(length, most, threshold):
    """The strongest reader: he knows the total and the code, and tries every series that would look the same."""
    alike = defaultdict(list)
    for values in product(range(most + 1), repeat=length):
        alike[published(values, threshold)].append(values)
    for shown, series in alike.items():
        known = sum(v for v in shown[:-1] if v is not None)
        if shown[-1] is not None and shown[-1] - known > most:
            continue  # series with larger counts look the same and were not tried
        for place in (i for i, v in enumerate(shown[:-1]) if v is None):
            assert len({s[place] for s in series}) >= threshold - 1, (shown, series)


@some
@given(st.lists(counts, min_size=2, max_size=30), st.sampled_from([3, 4, 5, 8]))
def test_a_series_shows_no_small_count_and_leaves_each_an_interval(values, threshold):
    mask = suppress(values, row_totals=True, threshold=threshold)[0]
    full = np.array([*values, sum(values)], dtype=float)
    sums = [(len(values), tuple(range(len(values))))]
    assert not (small(full, threshold) & ~mask).any()
    for cell in np.flatnonzero(mask[:-1]):
        low, high = feasible(full, sums, mask, int(cell))
        assert low <= 1
        assert high >= threshold - 1


@some
@given(st.lists(counts, min_size=2, max_size=30))
def test_what_is_withheld_beyond_small_counts_is_needed(values):
    mask = suppress(values, row_totals=True, threshold=5)[0][:-1]
    primary = small(values, 5)
    if not primary.any():
        assert not mask.any()
    elif primary.sum() == 1 and max(values) >= 9 and values.count(max(values)) == sum(v >= 5 for v in values):
        assert mask.sum() == 2  # one other month of at least nine is enough


tables = st.integers(2, 3).flatmap(
    lambda columns: st.lists(st.lists(counts, min_size=columns, max_size=columns), min_size=2, max_size=3)
)


def with_totals(table):
    table = np.array(table, dtype=float)
    table = np.hstack([table, table.sum(axis=1, keepdims=True)])
    return np.vstack([table, table.sum(axis=0, keepdims=True)])


def consistent(full, mask, most):
    """Every table of counts up to `most` that a reader of what is shown must think possible, by brute force."""
    rows, columns = full.shape[0] - 1, full.shape[1] - 1
    free = [(i, j) for i in range(rows) for j in range(columns) if mask[i, j]]
    whole = {(i, j) for i, j in free if mask[i, :columns].all() or mask[:rows, j].all()}
    ranges = [range(0 if cell in whole else 1, most + 1) for cell in free]
    for values in product(*ranges):
        table = full[:rows, :columns].copy()
        for cell, value in zip(free, values, strict=True):
            table[cell] = value
        if (with_totals(table) == full)[~mask].all():
            yield table


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=2, max_size=2))
def test_a_reader_of_a_table_with_both_totals_cannot_pin_a_small_count(table):
    full = with_totals(table)
    mask = suppress(table, row_totals=True, column_totals=True, threshold=4)
    assert not (small(full, 4) & ~mask).any()
    possible = list(consistent(full, mask, 8))  # with larger counts there are more
    for i, j in np.argwhere(mask[:-1, :-1]):
        assert full[i, j] >= 4 or len({t[i, j] for t in possible}) >= 4, (full, mask)


@some
@given(tables, st.sampled_from([3, 5]))
def test_sums_of_a_table_leave_every_withheld_cell_enough_values(table, threshold):
    full = with_totals(table)
    mask = suppress(table, row_totals=True, column_totals=True, threshold=threshold)
    assert not (small(full, threshold) & ~mask).any()
    at = np.arange(full.size).reshape(full.shape)
    sums = [(int(line[-1]), tuple(map(int, line[:-1]))) for line in (*at, *at.T)]
    for cell in np.flatnonzero(mask.ravel()):
        low, high = feasible(full.ravel(), sums, mask.ravel(), int(cell))
        assert high - low >= threshold - 1 or low >= threshold, (full, mask)


@some
@given(st.lists(counts, min_size=12, max_size=12), st.sampled_from([3, 5]))
def test_months_quarters_and_the_year_are_protected_together(months, threshold):
    quarters = [sum(months[i : i + 3]) for i in range(0, 12, 3)]
    values = np.array([*months, *quarters, sum(months)], dtype=float)
    sums = [(12 + q, (3 * q, 3 * q + 1, 3 * q + 2)) for q in range(4)] + [(16, (12, 13, 14, 15))]
    mask = suppress_linked(values, sums, threshold)
    assert not (small(values, threshold) & ~mask).any()
    for cell in np.flatnonzero(mask):
        low, high = feasible(values, sums, mask, int(cell))
        assert high - low >= threshold - 1 or low >= threshold


@some
@given(st.lists(counts, min_size=1, max_size=12))
def test_the_same_counts_are_withheld_the_same_way(values):
    first, second = (suppress(values, row_totals=True) for _ in range(2))
    assert (first == second).all()

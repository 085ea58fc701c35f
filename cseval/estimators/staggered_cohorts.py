"""Units grouped by the month in which they begin: cohorts, the cells of cohort and month, and sums over these."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cseval.cohorts import NEVER
from cseval.errors import EstimationError

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class CohortPanel:
    """A balanced panel of units that begin in different months, or never.

    Parameters
    ----------
    values : float array, shape (units, months)
    first : int array, shape (cohorts,)
        Column of the first post month of each cohort, ascending.
    group : int array, shape (units,)
        Number of each unit's cohort; ``len(first)`` for units that never begin.
    month : int array, shape (months,)
        Number of each column's month, ascending; months may be left out.
    begin : int array, shape (cohorts,)
        Number of the month in which each cohort begins.
    """

    values: Floats
    first: Index
    group: Index
    month: Index
    begin: Index

    @property
    def cohorts(self) -> int:
        """Number of cohorts, without the units that never begin."""
        return len(self.first)

    @cached_property
    def size(self) -> Index:
        """Units in each cohort and, last, units that never begin; shape (cohorts + 1,)."""
        return np.bincount(self.group, minlength=self.cohorts + 1).astype(np.int64)

    @cached_property
    def mean(self) -> Floats:
        """Mean of each group and month, 0 for an empty group; shape (cohorts + 1, months)."""
        return self.total / np.maximum(self.size, 1)[:, None]

    @cached_property
    def total(self) -> Floats:
        """Sum of each group and month, shape (cohorts + 1, months)."""
        return np.stack([self.values[self.rows(c)].sum(axis=0) for c in range(self.cohorts + 1)])

    def rows(self, cohort: int) -> Index:
        """Positions of the units of a cohort."""
        return np.flatnonzero(self.group == cohort)

    @cached_property
    def scatter(self) -> Floats:
        """``sum (y_i - mean)(y_i - mean)'`` over the units of each group, shape (cohorts + 1, months, months)."""
        return np.stack([_scatter(self.values[self.rows(c)] - self.mean[c]) for c in range(self.cohorts + 1)])

    def event(self, cohort: Index | int, column: Index | int) -> Index:
        """Months from the start of a cohort to a column, 0 being its first month; negative before it."""
        return np.asarray(self.month[column] - self.begin[cohort], dtype=np.int64)


def _scatter(centred: Floats) -> Floats:
    return np.asarray(centred.T @ centred)


def cohort_panel(values: Floats, first: Index) -> CohortPanel:
    """A panel from each unit's first post column.

    Parameters
    ----------
    values : float array, shape (units, periods)
    first : int array, shape (units,)
        Column of each unit's first post period; `cohorts.NEVER` for units that never begin.

    Raises
    ------
    EstimationError
        If no unit begins, one begins in the first period and so has none before, or a value is missing.
    """
    starts = np.unique(first[first < values.shape[1]])
    if not len(starts) or starts[0] <= 0:
        raise EstimationError(
            "units already treated in the first period" if len(starts) else "no unit that begins within the periods",
            where="staggered starts",
            expected="units with a period before their start",
        )
    if not np.isfinite(values).all():
        raise EstimationError("a missing value", where="staggered starts", expected="a balanced panel")
    group = np.where(first < values.shape[1], np.searchsorted(starts, first), len(starts))
    periods = np.arange(values.shape[1], dtype=np.int64)
    return CohortPanel(
        values=np.asarray(values, dtype=float), first=starts, group=group.astype(np.int64), month=periods, begin=starts
    )


def panel_of(design: Design) -> CohortPanel:
    """The treated and comparison units of a design, in the order of its panel.

    Raises
    ------
    EstimationError
        If a treated unit has no month before or after its own start.
    """
    from cseval.months import month_number

    used, cohort = design.is_treated | design.comparison, design.cohort
    late = np.flatnonzero(design.is_treated & (cohort == NEVER))
    if len(late):
        unit = design.units[late[0]]
        raise EstimationError(
            f"unit {unit} begins in {design.starts[unit]}, after the last month {design.periods[-1]}",
            where=f"outcome {design.outcome}",
            todo="Widen the window, or leave the unit out",
        )
    month = np.array([month_number(p) for p in design.periods], dtype=np.int64)
    begins = np.array(sorted({design.delays.get(u, 0) for u in design.treated}), dtype=np.int64)
    begins += month_number(design.start)
    first, index = np.unique(
        np.searchsorted(month, begins), return_index=True
    )  # starts in a gap begin together after it
    group = np.where(cohort == NEVER, len(first), np.searchsorted(first, cohort))
    return CohortPanel(
        values=design.counts[used].astype(float),
        first=first.astype(np.int64),
        group=group[used].astype(np.int64),
        month=month,
        begin=begins[index],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Cells of cohort and month that have an effect each.

    Parameters
    ----------
    cohort, column, event : int array, shape (cells,)
        Number of the cohort, column of the month, and months from the cohort's start to it.
    """

    cohort: Index
    column: Index
    event: Index

    def __len__(self) -> int:
        return len(self.cohort)

    @property
    def post(self) -> Mask:
        """Cells from the cohort's start on."""
        return np.asarray(self.event >= 0)


def cells_of(panel: CohortPanel, cohort: Index, column: Index) -> Cells:
    """Cells with their event times."""
    return Cells(cohort=cohort, column=column, event=panel.event(cohort, column))


def treated_cells(panel: CohortPanel) -> Cells:
    """Every cell from its cohort's start on, cohort by cohort."""
    after = np.arange(panel.values.shape[1]) >= panel.first[:, None]
    cohort, column = np.nonzero(after)
    return cells_of(panel, cohort.astype(np.int64), column.astype(np.int64))

"""What people say: a published series of shares by area and quarter, and a table of shares before and after."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.panel import Provenance

    Shares = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: Months between two points of a series.
QUARTER = 3
TREATED, COMPARISON = "treated", "comparison"
BEFORE, AFTER = "before", "after"
GROUPS, WAVES = (TREATED, COMPARISON), (BEFORE, AFTER)


# A published series -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class SurveySeries:
    """Shares of a repeated survey by area and quarter, without sample sizes.

    Parameters
    ----------
    units : tuple of str
        Codes of the areas; rows of every array.
    ends : tuple of str
        Last month ``YYYY-MM`` of each quarter, without a gap; columns of every array.
    shares : mapping of str to float array, shape (units, ends)
        From 0 to 1, one array for each measure; NaN where not received.
    received : mapping of str to bool array, same shape
    labels : mapping of str to str
        Each measure as the publisher writes it.
    overall : mapping of str to float array, shape (ends,)
        The figure that is published for all areas together, where there is one.
    names : mapping of str to str
        Name of each unit.
    months_per_window : int
        Months of answers in one point: with 12, successive quarters share nine months of answers.
    step : float
        What the shares are rounded to: 0.01 for whole points.
    provenance : tuple of Provenance
    notes : tuple of str

    Raises
    ------
    DataError
        If keys repeat, quarters have a gap, an array has the wrong shape, or a share is not from 0 to 1.
    """

    units: tuple[str, ...]
    ends: tuple[str, ...]
    shares: Mapping[str, Shares]
    received: Mapping[str, Mask]
    labels: Mapping[str, str] = field(default_factory=dict)
    overall: Mapping[str, Shares] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    months_per_window: int = 12
    step: float = 0.01
    provenance: tuple[Provenance, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.units or not self.ends or not self.shares:
            raise DataError("an empty series", where="survey", expected="at least one area, quarter and measure")
        if len(set(self.units)) != len(self.units):
            raise DataError("an area that occurs twice", where="survey", expected="each area once")
        if tuple(add_months(self.ends[0], QUARTER * i) for i in range(len(self.ends))) != self.ends:
            raise DataError("quarters with a gap or out of order", where="survey", expected="every quarter once")
        if self.months_per_window < QUARTER or self.months_per_window % QUARTER:
            raise DataError(f"windows of {self.months_per_window} months", where="survey", expected="whole quarters")
        for measure, values in self.shares.items():
            self._check(measure, values)

    def _check(self, measure: str, values: Shares) -> None:
        shape = (len(self.units), len(self.ends))
        mask = self.received.get(measure)
        if values.shape != shape or mask is None or mask.shape != shape:
            raise DataError(f"an array of {values.shape}", where=f"survey, {measure}", expected=f"shape {shape}")
        held = values[mask]
        if not bool(((held >= 0) & (held <= 1)).all()):
            raise DataError("a share that is not from 0 to 1", where=f"survey, {measure}", expected="0 to 1")

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures."""
        return tuple(self.shares)

    @property
    def quarters_per_window(self) -> int:
        """Quarters of answers in one point."""
        return self.months_per_window // QUARTER

    def label(self, measure: str) -> str:
        """A measure as the publisher writes it."""
        return self.labels.get(measure, measure)

    def require(self, measure: str) -> Shares:
        """Shares of one measure, shape (units, ends).

        Raises
        ------
        DataError
            If there is no such measure.
        """
        if measure not in self.shares:
            raise DataError(f"no measure {measure!r}", where="survey", expected="one of " + ", ".join(self.measures))
        return self.shares[measure]

    def row(self, unit: str) -> int:
        """Position of an area, by its code or its name.

        Raises
        ------
        DataError
            If there is no such area.
        """
        for i, code in enumerate(self.units):
            if unit in (code, self.names.get(code)):
                return i
        known = ", ".join(self.names.get(u, u) for u in self.units)
        raise DataError(f"no area {unit!r}", where="survey", expected=f"one of {known}")


def months_after(end: str, start: str, months: int) -> int:
    """Months of a window of `months` that ends with `end` and lie in `start` or later."""
    return min(max(month_number(end) - month_number(start) + 1, 0), months)


# A table of two waves ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SurveyCell:
    """What one group said in one wave.

    Parameters
    ----------
    area : str
    group : {"treated", "comparison"}
    wave : {"before", "after"}
    measure : str
    proportion : float
        From 0 to 1, weighted where the survey is.
    base : float
        People who answered.
    effective_base : float
        The base itself where no other is stated.
    count : int or None
        People who said so, where the table gives counts.
    """

    area: str
    group: str
    wave: str
    measure: str
    proportion: float
    base: float
    effective_base: float
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class SurveyTable:
    """Shares before and after, in a treated area and perhaps a comparison.

    Every group has both waves of each of its measures, and every measure has a treated group.
    """

    cells: tuple[SurveyCell, ...]
    provenance: tuple[Provenance, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures, in the order of the table."""
        return tuple(dict.fromkeys(c.measure for c in self.cells))

    def has_comparison(self, measure: str) -> bool:
        """Whether a comparison was asked."""
        return any(c.measure == measure and c.group == COMPARISON for c in self.cells)

    def pooled(self, measure: str, group: str, wave: str) -> SurveyCell:
        """All areas of a group together in one wave.

        Raises
        ------
        DataError
            If there is no such cell.
        """
        cells = [c for c in self.cells if (c.measure, c.group, c.wave) == (measure, group, wave)]
        if not cells:
            raise DataError(f"no {group} group {wave}", where=f"survey, {measure}", expected="at least one area")
        return pool(cells)


def pool(cells: Iterable[SurveyCell]) -> SurveyCell:
    """Several areas as one: shares weighted by their bases.

    The effective base is that of the weighted mean, ``(sum b)^2 / sum(b^2 / e)``, with b bases and e effective ones,
    where the areas' shares are alike.
    """
    parts = list(cells)
    base = math.fsum(c.base for c in parts)
    counts = [c.count for c in parts if c.count is not None]
    whole = sum(counts) if len(counts) == len(parts) else None
    mean = math.fsum(c.base * c.proportion for c in parts) / base
    first = parts[0]
    return SurveyCell(
        area=first.area if len(parts) == 1 else ", ".join(c.area for c in parts),
        group=first.group,
        wave=first.wave,
        measure=first.measure,
        proportion=min(1.0, max(0.0, mean)) if whole is None else whole / base,
        base=base,
        effective_base=base**2 / math.fsum(c.base**2 / c.effective_base for c in parts),
        count=whole,
    )

"""The canonical panel: whole counts per unit and month, with coverage and provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DataError
from cseval.months import month_number, month_range

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Counts = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


#: Counts of a table from here on are no counts: a number this large is no longer whole to the unit.
LARGEST = 2**53


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where an input came from, as the manifest and the report print it.

    `path` is relative to the project; `sha256` is of the file's bytes; `rows` and `months` say what was read.
    `published` says that its counts are open to everybody at the geography at which they are used: small counts of any
    other input are withheld from outputs.
    """

    kind: str
    title: str
    publisher: str
    licence: str
    path: str
    sha256: str
    rows: int
    first_month: str = ""
    last_month: str = ""
    vintage: str = ""
    notes: tuple[str, ...] = ()
    published: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Counts per unit and month.

    Parameters
    ----------
    units : tuple of str
        Unit codes, unique; rows of every array.
    periods : tuple of str
        Months ``YYYY-MM`` without a gap; columns of every array.
    counts : mapping of str to int64 array, shape (units, periods)
        One array per outcome; never negative.
    received : mapping of str to bool array, same shape
        Whether a cell was received. An outcome left out of it is complete. A cell not received is
        missing, whatever number stands in `counts`; it is never a zero.
    exposure : float array of the same shape, optional
        For example residents.
    names, districts : mapping of str to str
        Name and district of each unit, where known.
    provenance : tuple of Provenance
    notes : tuple of str
        What a reader of the data must know (rows without a place, rows summed).

    Raises
    ------
    DataError
        If keys repeat, months have a gap, an array has the wrong shape, or a count is negative.
    """

    units: tuple[str, ...]
    periods: tuple[str, ...]
    counts: Mapping[str, Counts]
    received: Mapping[str, Mask] = field(default_factory=dict)
    exposure: npt.NDArray[np.float64] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    districts: Mapping[str, str] = field(default_factory=dict)
    provenance: tuple[Provenance, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.units or not self.periods:
            raise DataError("an empty panel", expected="at least one unit and one month")
        if len(set(self.units)) != len(self.units):
            twice = sorted({u for u in self.units if self.units.count(u) > 1})
            raise DataError(f"unit {twice[0]!r} occurs twice", where="panel", expected="each unit once")
        if self.periods != month_range(self.periods[0], self.periods[-1]):
            raise DataError("months with a gap or out of order", where="panel", expected="every month once, in order")
        shape = (len(self.units), len(self.periods))
        for outcome, values in self.counts.items():
            _check_counts(outcome, values, shape, self.units, self.periods)
        for outcome, mask in self.received.items():
            if outcome not in self.counts or mask.shape != shape:
                raise DataError(
                    f"coverage of {outcome!r} does not fit the counts", where="panel", expected=f"shape {shape}"
                )
        if self.exposure is not None and (self.exposure.shape != shape or not np.all(self.exposure > 0)):
            raise DataError(
                "exposure that is not a positive number for every cell", where="panel", expected=f"shape {shape}"
            )

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes."""
        return tuple(self.counts)

    def require(self, outcome: str) -> Counts:
        """Counts of one outcome, shape (units, periods).

        Raises
        ------
        DataError
            If the panel does not hold it.
        """
        if outcome not in self.counts:
            raise DataError(f"no outcome {outcome!r}", where="panel", expected="one of " + ", ".join(self.counts))
        return self.counts[outcome]

    def mask(self, outcome: str) -> Mask:
        """Which cells of `outcome` were received, shape (units, periods)."""
        whole = np.ones((len(self.units), len(self.periods)), dtype=bool)
        return self.received.get(outcome, whole)

    def with_sum(self, outcome: str, parts: Sequence[str]) -> Panel:
        """A panel with one more outcome: the sum of `parts`; received where every part was."""
        total = sum((self.require(p) for p in parts), np.zeros_like(self.require(parts[0])))
        mask = np.logical_and.reduce([self.mask(p) for p in parts])
        received = {o: m for o, m in self.received.items() if o != outcome}
        if not mask.all():
            received[outcome] = mask
        return replace(self, counts={**self.counts, outcome: total}, received=received)

    def merge(self, other: Panel) -> Panel:
        """This panel with the outcomes of `other` laid over its units and months.

        Units or months that `other` lacks are marked as not received there.
        """
        counts, received = dict(self.counts), dict(self.received)
        shape = (len(self.units), len(self.periods))
        row = {u: i for i, u in enumerate(other.units)}
        column = {p: j for j, p in enumerate(other.periods)}
        here = [(i, row[u]) for i, u in enumerate(self.units) if u in row]
        when = [(j, column[p]) for j, p in enumerate(self.periods) if p in column]
        mine, theirs = _grid(here, when)
        for outcome in other.outcomes:
            values, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
            if here and when:
                values[mine] = other.counts[outcome][theirs]
                mask[mine] = other.mask(outcome)[theirs]
            counts[outcome], received[outcome] = values, mask
        return replace(
            self,
            counts=counts,
            received=received,
            provenance=self.provenance + other.provenance,
            notes=self.notes + other.notes,
        )

    @classmethod
    def from_long(
        cls,
        frame: pd.DataFrame,
        *,
        unit: str = "unit",
        period: str = "period",
        outcomes: Sequence[str],
        absent_is_zero: bool = False,
    ) -> Panel:
        """A panel from a table with one row per unit and month.

        Parameters
        ----------
        frame : pandas.DataFrame
        unit, period : str
            Columns that hold the unit and the month ``YYYY-MM``.
        outcomes : sequence of str
            Columns that hold whole counts.
        absent_is_zero : bool
            Whether a unit and month without a row is a zero (a source that lists only non-zero cells)
            rather than missing.

        Raises
        ------
        DataError
            If a column is absent, a key repeats, or a count is not a whole number of at least 0.
        """
        missing = [c for c in (unit, period, *outcomes) if c not in frame.columns]
        if missing:
            raise DataError(f"no column {missing[0]!r}", where="panel", expected=", ".join((unit, period, *outcomes)))
        repeated = frame.duplicated([unit, period])
        if repeated.any():
            row = frame.loc[repeated].iloc[0]
            raise DataError(f"{row[unit]} in {row[period]} occurs twice", where="panel", expected="each key once")
        units = tuple(sorted(frame[unit].astype(str).unique()))
        months = frame[period].astype(str)
        periods = month_range(months.min(), months.max())
        i = frame[unit].astype(str).map({u: k for k, u in enumerate(units)}).to_numpy()
        j = months.map(month_number).to_numpy() - month_number(periods[0])
        seen = np.zeros((len(units), len(periods)), dtype=bool)
        seen[i, j] = True
        counts = {o: _scatter(frame[o].to_numpy(), i, j, seen.shape, o) for o in outcomes}
        received = {} if absent_is_zero or seen.all() else dict.fromkeys(outcomes, seen)
        return cls(units=units, periods=periods, counts=counts, received=received)


def _grid(
    here: Sequence[tuple[int, int]], when: Sequence[tuple[int, int]]
) -> tuple[tuple[npt.NDArray[np.intp], ...], tuple[npt.NDArray[np.intp], ...]]:
    """Index pairs into this panel and the other one for the units and months they share."""
    mine = np.ix_([i for i, _ in here], [j for j, _ in when])
    theirs = np.ix_([i for _, i in here], [j for _, j in when])
    return mine, theirs


def _scatter(
    values: npt.NDArray[np.float64],
    i: npt.NDArray[np.intp],
    j: npt.NDArray[np.intp],
    shape: tuple[int, ...],
    outcome: str,
) -> Counts:
    import pandas as pd

    numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    whole = np.abs(numbers) < LARGEST
    whole[whole] = numbers[whole] % 1 == 0
    if not whole.all():
        raise DataError(
            f"{values[~whole][0]!r} in {outcome}",
            where=f"panel, row {int(np.argmin(whole)) + 1}",
            expected=f"a whole number below {LARGEST:,}",
        )
    out = np.zeros(shape, dtype=np.int64)
    out[i, j] = numbers.astype(np.int64)
    return out


def _check_counts(
    outcome: str, values: Counts, shape: tuple[int, int], units: tuple[str, ...], periods: tuple[str, ...]
) -> None:
    if values.shape != shape or values.dtype != np.int64:
        raise DataError(
            f"{outcome!r} is a {values.dtype} array of shape {values.shape}",
            where="panel",
            expected=f"int64 of shape {shape}",
        )
    if (values < 0).any():
        i, j = np.argwhere(values < 0)[0]
        raise DataError(
            f"{values[i, j]} {outcome} in unit {units[i]}, month {periods[j]}", where="panel", expected="0 or more"
        )

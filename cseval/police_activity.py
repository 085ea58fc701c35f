"""Police activity beside the outcome it drives: did searches change when the programme began, and how far.

A search finds drugs and blades that nobody would have reported, so recorded possession follows the police as much as
the public. This module shows the one beside the other over the months in which both can be used, and how unusual the
change in searches was among other areas. It never takes the one out of the other: that cannot be done with counts.

Changes are those of `estimators.monthly_change`; against other areas the number of their searches in the same month
takes the place of the month. How often such an interval calls a change clear where no programme began is measured in
the other areas, and the area's place among them is given beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DesignError, SpecError
from cseval.estimators.monthly_change import FEWEST, Change, change_between
from cseval.months import month_number, month_range
from cseval.sources.stop_search_table import SEARCHES

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from cseval.panel import Panel

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: Usable months just before the start that are held against the earlier ones.
LATE = 3


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How often an interval called a change clear where no programme began.

    Parameters
    ----------
    clear, tried : int
    """

    clear: int
    tried: int

    @property
    def rate(self) -> float:
        """Share that was called clear; NaN if none was tried."""
        return self.clear / self.tried if self.tried else math.nan


@dataclass(frozen=True, kw_only=True, eq=False)
class ActivityResult:
    """Searches in the area, elsewhere, and the outcome beside them.

    Parameters
    ----------
    name, activity, outcome, start : str
        The area in words, the names of the two series, and the first month after.
    own : Change
        Searches in the area.
    others : Change
        Searches in all other areas together.
    relative : Change
        The area against all others; the averages are those of the area.
    rank, of : int
        Place of the area's rise against all others, the largest first, among this many.
    p_placebo : float
        Share of areas, the area itself included, that moved at least as far against all others.
    at_start, earlier : Measured
        Intervals of the other areas at the same start, and at starts wholly before it.
    late : (float, float)
        A month's average over the last usable months before the start, and over those before them.
    beside : Change or None
        The outcome in the same months; None without one.
    series, changes : pandas.DataFrame
    unusable, left_out : tuple of str
        Months of the window that cannot be used, and areas that lack a month which the area has.
    lost : (float, float)
        Mean share of searches in no area, before and after; NaN where not known.
    cautions : tuple of str
    """

    name: str
    activity: str
    outcome: str
    start: str
    own: Change
    others: Change
    relative: Change
    rank: int
    of: int
    p_placebo: float
    at_start: Measured
    earlier: Measured
    late: tuple[float, float]
    beside: Change | None
    series: pd.DataFrame
    changes: pd.DataFrame
    unusable: tuple[str, ...]
    left_out: tuple[str, ...]
    lost: tuple[float, float] = (math.nan, math.nan)
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PoliceActivity:
    """What is held against what.

    Parameters
    ----------
    unit : str
        Code of the area.
    start, first, last : str
        First month after, and the ends of the window, as ``YYYY-MM``.
    activity : str
        The police's series in the panel of searches.
    outcome : str
        The series in the panel of outcomes that is shown beside it; empty for none.
    lost : mapping of str to float
        Share of searches in no area by month, where known.
    cautions : sequence of str
        What else a reader must know of the two series, such as `StopSearch.wording_notes`.

    Raises
    ------
    SpecError
        If the months are out of order.
    """

    unit: str
    start: str
    first: str
    last: str
    activity: str = SEARCHES
    outcome: str = ""
    lost: Mapping[str, float] = field(default_factory=dict)
    cautions: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not month_number(self.first) < month_number(self.start) <= month_number(self.last):
            raise SpecError(
                f"first {self.first}, start {self.start}, last {self.last}",
                where="police activity",
                expected="first before start, and start not after last",
            )

    @property
    def periods(self) -> tuple[str, ...]:
        """Months of the window."""
        return month_range(self.first, self.last)

    def compare(self, searches: Panel, outcomes: Panel | None = None) -> ActivityResult:
        """Hold the area's searches against those of all other areas of the panel, and the outcome beside them.

        Raises
        ------
        DataError
            If a panel lacks the series.
        DesignError
            If the area is not in the panel, or too few months or areas can be used.
        """
        values, known = laid(searches, self.activity, self.periods)
        row = self._row(searches)
        usable = known[row]
        whole: Mask = np.logical_and.reduce(known[:, usable], axis=1)
        if whole.sum() < 3:
            raise DesignError(
                f"{int(whole.sum()) - 1} other areas with the same months",
                where="police activity",
                expected="at least 2",
            )
        after = np.array([p >= self.start for p in self.periods])
        kept = np.flatnonzero(whole)
        at = int(np.flatnonzero(kept == row)[0])
        table = values[kept]
        against = [change_between(*_against(table, i, usable), after, _rest(table, i)) for i in range(len(kept))]
        own = [change_between(v, usable, after) for v in table]
        beside, shown = self._beside(outcomes, usable, after)
        logs = np.array([math.log(c.ratio) for c in against])
        return ActivityResult(
            name=searches.names.get(self.unit, self.unit),
            activity=self.activity,
            outcome=self.outcome if beside is not None else "",
            start=self.start,
            own=own[at],
            others=change_between(_rest(table, at), usable, after),
            relative=against[at],
            rank=int((logs > logs[at]).sum()) + 1,
            of=len(kept),
            p_placebo=float((np.abs(logs) >= abs(logs[at]) - 1e-12).mean()),
            at_start=_measured([c for i, c in enumerate(against) if i != at]),
            earlier=_measured(earlier_changes(np.delete(table, at, axis=0), usable & ~after)),
            late=_late(table[at], usable & ~after),
            beside=beside,
            series=_series(self.periods, self.start, values[row], usable, shown),
            changes=_changes([searches.units[k] for k in kept], searches.names, own, against),
            unusable=tuple(p for p, u in zip(self.periods, usable, strict=True) if not u),
            left_out=tuple(u for u, w in zip(searches.units, whole, strict=True) if not w),
            lost=_lost(self, usable, after),
            cautions=tuple(self.cautions),
        )

    def _row(self, panel: Panel) -> int:
        if self.unit not in panel.units:
            raise DesignError(
                f"no area {self.unit}", where="police activity", expected="a code of the panel of searches"
            )
        return panel.units.index(self.unit)

    def _beside(self, outcomes: Panel | None, usable: Mask, after: Mask) -> tuple[Change | None, Floats]:
        """The outcome's change over the months in which searches are usable too, and its monthly values."""
        if outcomes is None or not self.outcome:
            return None, np.full(len(usable), np.nan)
        values, known = laid(outcomes, self.outcome, self.periods)
        row = self._row(outcomes)
        shown = np.where(known[row], values[row], np.nan)
        return change_between(values[row], usable & known[row], after), shown


def laid(panel: Panel, outcome: str, periods: Sequence[str]) -> tuple[Floats, Mask]:
    """Counts of every area over these months and which of them were received; months beyond the panel were not."""
    values = np.zeros((len(panel.units), len(periods)))
    known = np.zeros(values.shape, dtype=bool)
    here = [(j, panel.periods.index(p)) for j, p in enumerate(periods) if p in panel.periods]
    if here:
        mine, theirs = (list(x) for x in zip(*here, strict=True))
        values[:, mine] = panel.require(outcome)[:, theirs]
        known[:, mine] = panel.mask(outcome)[:, theirs]
    return values, known


def _rest(table: Floats, own: int) -> Floats:
    return np.asarray(table.sum(axis=0) - table[own])


def _against(table: Floats, own: int, usable: Mask) -> tuple[Floats, Mask]:
    return table[own], usable & (_rest(table, own) > 0)


def earlier_changes(table: Floats, usable: Mask) -> list[Change]:
    """The change of each area against the others at every start that leaves `FEWEST` usable months on both sides.

    Parameters
    ----------
    table : float array, shape (areas, months)
    usable : bool array, shape (months,)
        Months wholly before the programme.
    """
    months = np.flatnonzero(usable)
    found = []
    for place in months[FEWEST : len(months) - FEWEST + 1]:
        after = np.arange(table.shape[1]) >= place
        found += [change_between(*_against(table, i, usable), after, _rest(table, i)) for i in range(len(table))]
    return found


def _measured(changes: Sequence[Change]) -> Measured:
    known = [c for c in changes if math.isfinite(c.conf_low)]
    return Measured(clear=sum(c.clear for c in known), tried=len(known))


def _late(values: Floats, before: Mask) -> tuple[float, float]:
    months = np.flatnonzero(before)
    return float(values[months[-LATE:]].mean()), float(values[months[:-LATE]].mean())


def _lost(spec: PoliceActivity, usable: Mask, after: Mask) -> tuple[float, float]:
    shares = np.array([spec.lost.get(p, math.nan) for p in spec.periods])
    means = [shares[usable & side] for side in (~after, after)]
    return tuple(float(m.mean()) for m in means)  # type: ignore[return-value]


def _series(periods: Sequence[str], start: str, searches: Floats, usable: Mask, outcome: Floats) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "period": list(periods),
            "phase": ["after" if p >= start else "before" for p in periods],
            "usable": usable,
            "searches": np.where(usable, searches, np.nan),
            "outcome": outcome,
        }
    )


def _changes(
    units: Sequence[str], names: Mapping[str, str], own: Sequence[Change], against: Sequence[Change]
) -> pd.DataFrame:
    """Every area: its own change and the one against all others, the largest rise first."""
    import pandas as pd

    rows = [
        (u, names.get(u, u), c.before, c.after, c.ratio, c.conf_low, c.conf_high, r.ratio, r.conf_low, r.conf_high)
        for u, c, r in zip(units, own, against, strict=True)
    ]
    columns = ["unit", "name", "before", "after", "ratio", "ratio_low", "ratio_high"]
    columns += ["relative", "relative_low", "relative_high"]
    return pd.DataFrame(rows, columns=columns).sort_values(
        ["relative", "unit"], ascending=[False, True], ignore_index=True
    )

"""The only place that derives treated, post and event time from inputs and a start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cseval.areas import Areas, PlaceboSets, placebo_sets
from cseval.errors import DesignError
from cseval.inputs import Inputs
from cseval.months import add_months, month_number, month_range, month_text, month_words

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """One comparison: who is treated, from when, against whom, over which months.

    Parameters
    ----------
    inputs : Inputs
    outcome : str
    start : str
        First month of the programme; event time 0 is the first post month.
    months_before, months_after : int
        Length of the pre and the post period in months.
    transition : int
        Months from `start` left out between the two.
    treated : frozenset of str
        Units with the programme.
    excluded : frozenset of str
        Units that are neither treated nor comparison, declared in the roles.
    pool : frozenset of str
        Units that may be comparison.
    buffer_rings : int
        Rings around the treated units that are left out of the comparison.

    Raises
    ------
    DesignError
        If a window leaves the panel, a treated unit lacks months, or no comparison is left.
    """

    inputs: Inputs
    outcome: str
    start: str
    months_before: int
    months_after: int
    treated: frozenset[str]
    pool: frozenset[str]
    excluded: frozenset[str] = frozenset()
    transition: int = 0
    buffer_rings: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(self.treated - set(self.inputs.panel.units))
        if unknown:
            raise DesignError(
                f"treated unit {unknown[0]} has no counts",
                where=f"outcome {self.outcome}",
                expected="every treated unit in the panel",
                todo="Check the roles CSV against the codes of the data",
            )
        first, last = self.all_months[0], self.all_months[-1]
        periods = self.inputs.panel.periods
        if first < periods[0] or last > periods[-1]:
            raise DesignError(
                f"a window from {first} to {last}",
                where=f"outcome {self.outcome}",
                expected=f"months within the data, {periods[0]} to {periods[-1]}",
            )
        if not self.comparison.any():
            raise DesignError(
                "no comparison unit is left", expected="at least one outside the treated area and its buffer"
            )

    @classmethod
    def build(
        cls,
        inputs: Inputs,
        outcome: str,
        *,
        start: str,
        months_before: int,
        months_after: int,
        transition: int = 0,
        buffer_rings: int = 1,
        comparison: str = "all",
    ) -> Design:
        """The design of a programme with the treated units, buffer and exclusions of `inputs.roles`."""
        roles = inputs.roles
        return cls(
            inputs=inputs,
            outcome=outcome,
            start=start,
            months_before=months_before,
            months_after=months_after,
            transition=transition,
            buffer_rings=buffer_rings,
            treated=roles.treated,
            pool=inputs.group(comparison) - roles.treated,
            excluded=roles.excluded | (roles.buffer if buffer_rings else frozenset()),
        )

    # Months -------------------------------------------------------------------------------------

    @cached_property
    def all_months(self) -> tuple[str, ...]:
        """Months of the window, transition included."""
        first = add_months(self.start, -self.months_before)
        last = add_months(self.start, self.transition + self.months_after - 1)
        return month_range(first, last)

    @cached_property
    def _kept(self) -> Mask:
        """Which months of the window are used: not in transition, and received for the treated units.

        A month that a treated unit or most comparison units lack is left out for everyone, which keeps
        the panel balanced; units with a remaining gap are left out instead.
        """
        event = np.array([month_number(m) - month_number(self.start) for m in self.all_months])
        kept: Mask = np.asarray((event < 0) | (event >= self.transition))
        received = self._mask()
        rows = self._rows(self.treated)
        kept = kept & received[rows].all(axis=0)
        others = self._rows(self.pool - self.treated)
        if len(others):
            kept = kept & (received[others].mean(axis=0) > 0.5)
        if not kept[event < 0].any() or not kept[event >= self.transition].any():
            raise DesignError(
                f"no month received before or none after {self.start} in the treated units",
                where=f"outcome {self.outcome}",
                expected="months on both sides of the start",
            )
        return kept

    @cached_property
    def periods(self) -> tuple[str, ...]:
        """Months that are used."""
        return tuple(m for m, keep in zip(self.all_months, self._kept, strict=True) if keep)

    @cached_property
    def months_left_out(self) -> tuple[str, ...]:
        """Months outside the transition that were not received and are left out for every unit."""
        first_post = add_months(self.start, self.transition)
        return tuple(
            m
            for m, keep in zip(self.all_months, self._kept, strict=True)
            if not keep and not self.start <= m < first_post
        )

    @cached_property
    def event_time(self) -> npt.NDArray[np.int64]:
        """Months since the first post month, for each used month; negative before the start."""
        first_post = month_number(self.start) + self.transition
        numbers = np.array([month_number(m) for m in self.periods], dtype=np.int64)
        return np.where(numbers < month_number(self.start), numbers - month_number(self.start), numbers - first_post)

    @cached_property
    def post(self) -> Mask:
        """Which used months are post."""
        return self.event_time >= 0

    # Units --------------------------------------------------------------------------------------

    @property
    def units(self) -> tuple[str, ...]:
        """Every unit of the panel, in its order; masks say which are used."""
        return self.inputs.panel.units

    @cached_property
    def is_treated(self) -> Mask:
        """Which units are treated."""
        return self._member(self.treated)

    @cached_property
    def buffer(self) -> tuple[frozenset[str], ...]:
        """The rings around the treated units, on the whole map."""
        return self.inputs.areas.ring(self.treated, self.buffer_rings)

    @cached_property
    def comparison(self) -> Mask:
        """Which units are comparison: in the pool, outside treated, buffer and excluded, without a gap."""
        left_out = self.treated | self.excluded | frozenset().union(*self.buffer)
        return self._member(self.pool - left_out) & self.complete

    @cached_property
    def complete(self) -> Mask:
        """Which units were received in every used month."""
        return np.asarray(self._mask()[:, self._kept].all(axis=1))

    @cached_property
    def units_left_out(self) -> tuple[str, ...]:
        """Comparison units left out because a month is missing."""
        left_out = self.treated | self.excluded | frozenset().union(*self.buffer)
        gaps = self._member(self.pool - left_out) & ~self.complete
        return tuple(u for u, gap in zip(self.units, gaps, strict=True) if gap)

    @cached_property
    def areas(self) -> Areas:
        """The adjacency graph over the panel's units."""
        return aligned_areas(self.inputs)

    # Counts -------------------------------------------------------------------------------------

    @cached_property
    def counts(self) -> Counts:
        """Counts of the outcome, shape (units, used months)."""
        first = self.inputs.panel.periods.index(self.all_months[0])
        values = self.inputs.panel.require(self.outcome)[:, first : first + len(self.all_months)]
        return np.ascontiguousarray(values[:, self._kept])

    @cached_property
    def exposure(self) -> Floats | None:
        """Exposure, shape (units, used months), or None."""
        exposure = self.inputs.panel.exposure
        if exposure is None:
            return None
        first = self.inputs.panel.periods.index(self.all_months[0])
        return np.ascontiguousarray(exposure[:, first : first + len(self.all_months)][:, self._kept])

    @cached_property
    def pre_counts(self) -> Floats:
        """Total count of each unit in the pre period."""
        total: Floats = self.counts[:, ~self.post].sum(axis=1).astype(np.float64)
        return total

    @cached_property
    def post_counts(self) -> Floats:
        """Total count of each unit in the post period."""
        total: Floats = self.counts[:, self.post].sum(axis=1).astype(np.float64)
        return total

    # Placebos -----------------------------------------------------------------------------------

    def at(self, start: str) -> Design:
        """The same design with another start: a placebo start, or a sensitivity."""
        return replace(self, start=start)

    def treating(self, units: Iterable[str]) -> Design:
        """The same design with other treated units: a placebo neighbourhood.

        The actual treated units and their buffer stay out of the comparison.
        """
        out = self.treated | self.excluded | frozenset().union(*self.buffer)
        treated = frozenset(units)
        return replace(self, treated=treated, excluded=out - treated, pool=self.pool - treated)

    def sets(self, members: npt.NDArray[np.int64], *, exact: bool = False) -> PlaceboSets:
        """Placebo neighbourhoods from positions of units, each with its own buffer ring."""
        if self.buffer_rings:
            return placebo_sets(self.areas, self.comparison, members, exact=exact)
        none = np.full((len(members), 1), len(self.units), dtype=np.int64)
        return PlaceboSets(members=members, ring=none, exact=exact)

    @cached_property
    def own_set(self) -> PlaceboSets:
        """The treated units as a set; its ring is empty since the buffer is not in the comparison."""
        members = np.flatnonzero(self.is_treated)[None, :]
        return PlaceboSets(members=members, ring=np.full((1, 1), len(self.units), dtype=np.int64))

    def placebo_starts(self, step: int = 6) -> tuple[str, ...]:
        """Starts whose whole window lies before the actual start, `step` months apart, latest first.

        The last one ends in the month before the start; each has the full pre and post period, and all its months
        were received by most units.
        """
        first = month_number(self.inputs.panel.periods[0])
        latest = month_number(self.start) - self.transition - self.months_after - first
        missing = np.append(0, np.cumsum(self.inputs.panel.mask(self.outcome).mean(axis=0) <= 0.5))
        length = self.transition + self.months_after
        return tuple(
            month_text(first + n)
            for n in range(latest, self.months_before - 1, -step)
            if missing[n + length] == missing[n - self.months_before]
        )

    def describe(self) -> str:
        """The design in one sentence."""
        treated, comparison = int(self.is_treated.sum()), int(self.comparison.sum())
        buffer = frozenset().union(*self.buffer) if self.buffer_rings else frozenset()
        counted = len(buffer & set(self.units))
        text = (
            f"{treated} treated units against {comparison} comparison units, "
            f"{month_words(self.periods[0])} to {month_words(self.periods[-1])}, start {month_words(self.start)}"
        )
        if buffer:
            text += f", {len(buffer)} buffer units left out"
            text += f" ({counted} of them with counts)" if counted < len(buffer) else ""
        if self.transition:
            text += f", {self.transition} transition months left out"
        return text + "."

    # Private ------------------------------------------------------------------------------------

    def _member(self, members: Iterable[str]) -> Mask:
        chosen = frozenset(members)
        return np.array([u in chosen for u in self.units], dtype=bool)

    def _rows(self, members: Iterable[str]) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self._member(members))

    def _mask(self) -> Mask:
        panel = self.inputs.panel
        first = panel.periods.index(self.all_months[0])
        return panel.mask(self.outcome)[:, first : first + len(self.all_months)]


def aligned_areas(inputs: Inputs) -> Areas:
    """The map over the panel's units, kept with the inputs since every design of a run shares it."""
    cached = _ALIGNED.get(id(inputs))
    if cached is None or cached[0] is not inputs:
        cached = (inputs, inputs.areas.align(inputs.panel.units))
        _ALIGNED.clear()
        _ALIGNED[id(inputs)] = cached
    return cached[1]


_ALIGNED: dict[int, tuple[Inputs, Areas]] = {}

"""The only place that derives treated, post and event time from inputs and a start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

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

Number = TypeVar("Number", np.int64, np.float64)


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
        unknown = sorted(u for u in self.treated if u not in self._position)
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
        event = np.arange(len(self.all_months)) - self.months_before
        kept: Mask = np.asarray((event < 0) | (event >= self.transition))
        received = self._received
        if received is not None:
            kept = kept & received[self.is_treated].all(axis=0)
            others = self._in_pool & ~self.is_treated
            if others.any():
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
        return self._eligible & self.complete

    @cached_property
    def complete(self) -> Mask:
        """Which units were received in every used month."""
        kept, received = self._kept, self._received  # a window without a phase is refused in either case
        return np.ones(len(self.units), dtype=bool) if received is None else np.asarray((received | ~kept).all(axis=1))

    @cached_property
    def units_left_out(self) -> tuple[str, ...]:
        """Comparison units left out because a month is missing."""
        return tuple(self.units[i] for i in np.flatnonzero(self._eligible & ~self.complete))

    @cached_property
    def areas(self) -> Areas:
        """The adjacency graph over the panel's units."""
        return aligned_areas(self.inputs)

    # Counts -------------------------------------------------------------------------------------

    @cached_property
    def counts(self) -> Counts:
        """Counts of the outcome, shape (units, used months); a view of the panel that cannot be written to."""
        return _columns(self.inputs.panel.require(self.outcome), self._window, self._kept)

    @cached_property
    def exposure(self) -> Floats | None:
        """Exposure, shape (units, used months), or None."""
        exposure = self.inputs.panel.exposure
        if exposure is None:
            return None
        return _columns(exposure, self._window, self._kept)

    @cached_property
    def pre_counts(self) -> Floats:
        """Total count of each unit in the pre period."""
        before, _ = self._phase_counts
        return before

    @cached_property
    def post_counts(self) -> Floats:
        """Total count of each unit in the post period."""
        _, after = self._phase_counts
        return after

    @cached_property
    def _phase_counts(self) -> tuple[Floats, Floats]:
        """Total count of each unit before and after the start, in one pass over the panel."""
        # months are in order, so the pre period is the first columns
        totals = np.add.reduceat(self.counts, [0, int(np.argmax(self.post))], axis=1)
        return totals[:, 0].astype(np.float64), totals[:, 1].astype(np.float64)

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
        """Placebo neighbourhoods from positions of units, each with its own buffer rings."""
        if self.buffer_rings:
            return placebo_sets(self.areas, self.comparison, members, rings=self.buffer_rings, exact=exact)
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
        return self.earlier_starts(add_months(self.start, -self.transition - self.months_after), step)

    def earlier_starts(self, latest_start: str, step: int) -> tuple[str, ...]:
        """Starts from `latest_start` backwards, `step` months apart, whose whole window was received by most units."""
        first = month_number(self.inputs.panel.periods[0])
        latest = month_number(latest_start) - first
        missing = np.append(0, np.cumsum(self.inputs.panel.mask(self.outcome).mean(axis=0) <= 0.5))
        length = self.transition + self.months_after
        return tuple(
            month_text(first + n)
            for n in range(latest, self.months_before - 1, -step)
            if missing[n + length] == missing[n - self.months_before]
        )

    def require_neighbourhoods(self, expected: int) -> None:
        """Refuse treated units that form another number of separate neighbourhoods, naming those apart.

        Raises
        ------
        DesignError
            If they do, which usually means a wrong code in the roles.
        """
        parts = self.areas.components(u for u, t in zip(self.units, self.is_treated, strict=True) if t)
        if len(parts) == expected:
            return
        names = self.inputs.panel.names
        apart = ", ".join(f"{u} {names.get(u, '')}".strip() for part in parts[1:] for u in sorted(part))
        raise DesignError(
            f"the {int(self.is_treated.sum())} treated units form {len(parts)} separate "
            f"neighbourhood{'s' if len(parts) > 1 else ''}" + (f" (apart from the rest: {apart})" if apart else ""),
            where="treated units",
            expected=f"{expected}, as the programme declares",
            todo="Check the codes in the roles CSV, or declare Programme(neighbourhoods=...)",
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

    @cached_property
    def _in_pool(self) -> Mask:
        return self._member(self.pool)

    @cached_property
    def _eligible(self) -> Mask:
        """In the pool, outside treated, buffer and excluded."""
        return self._in_pool & ~self._member(self.treated | self.excluded | frozenset().union(*self.buffer))

    def _member(self, members: frozenset[str]) -> Mask:
        if 2 * len(members) > len(self.units):
            return np.fromiter(map(members.__contains__, self.units), dtype=bool, count=len(self.units))
        out = np.zeros(len(self.units), dtype=bool)
        out[[self._position[u] for u in members if u in self._position]] = True
        return out

    @property
    def _position(self) -> Mapping[str, int]:
        return unit_positions(self.inputs)

    @cached_property
    def _window(self) -> slice:
        """Columns of the panel that the window covers."""
        first = self.inputs.panel.periods.index(self.all_months[0])
        return slice(first, first + len(self.all_months))

    @cached_property
    def _received(self) -> Mask | None:
        """Which cells of the window were received, or None where all were."""
        received = self.inputs.panel.received.get(self.outcome)
        return None if received is None else received[:, self._window]


def _columns(values: npt.NDArray[Number], window: slice, kept: Mask) -> npt.NDArray[Number]:
    """The kept columns of a window; a view where none is left out, so that a large panel is not copied."""
    inside = values[:, window]
    out = inside.view() if kept.all() else np.take(inside, np.flatnonzero(kept), axis=1)
    out.flags.writeable = False
    return out


def unit_positions(inputs: Inputs) -> Mapping[str, int]:
    """Position of each unit of the panel, kept with the inputs since every design of a run shares it."""
    cached = _POSITIONS.get(id(inputs))
    if cached is None or cached[0] is not inputs:
        cached = (inputs, {u: i for i, u in enumerate(inputs.panel.units)})
        _POSITIONS.clear()
        _POSITIONS[id(inputs)] = cached
    return cached[1]


def aligned_areas(inputs: Inputs) -> Areas:
    """The map over the panel's units, kept with the inputs since every design of a run shares it."""
    cached = _ALIGNED.get(id(inputs))
    if cached is None or cached[0] is not inputs:
        cached = (inputs, inputs.areas.align(inputs.panel.units))
        _ALIGNED.clear()
        _ALIGNED[id(inputs)] = cached
    return cached[1]


_POSITIONS: dict[int, tuple[Inputs, Mapping[str, int]]] = {}
_ALIGNED: dict[int, tuple[Inputs, Areas]] = {}

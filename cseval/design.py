"""The only place that derives treated, post, event time and cohort from inputs and starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cseval import cohorts
from cseval.aligned import aligned_areas, kept_columns, unit_positions
from cseval.areas import Areas, PlaceboSets, placebo_sets
from cseval.design_parts import design_words, earlier_starts, kept_months, require_neighbourhoods
from cseval.errors import DesignError
from cseval.inputs import Inputs
from cseval.months import add_months, month_number, month_range

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
        First month of the programme, its earliest start; event time 0 is the first post month.
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
    delays : mapping of str to int
        Months after `start` in which a treated unit begins; units not named begin at `start`.

    Raises
    ------
    DesignError
        If a window leaves the panel, a treated unit lacks months, starts do not fit, or no comparison is left.
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
    delays: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cohorts.check_delays(self.delays, self.treated, self.transition)
        unknown = sorted(self.treated - self._position.keys())
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
        registered: str | None = None,
    ) -> Design:
        """The design of a programme with the treated units, buffer, exclusions and starts of `inputs.roles`.

        `registered` is the programme's own start where `start` is another one: units' starts move along with it.
        """
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
            delays=cohorts.delays_from(roles.starts, registered or start),
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
        """Which months of the window are used: not in transition, and received for the treated units."""
        return kept_months(self, self._received, self._in_pool)

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

    # Cohorts ------------------------------------------------------------------------------------

    @property
    def staggered(self) -> bool:
        """Whether treated units begin in different months."""
        return any(self.delays.values())

    @cached_property
    def starts(self) -> Mapping[str, str]:
        """First month of each treated unit."""
        return {u: add_months(self.start, self.delays.get(u, 0)) for u in sorted(self.treated)}

    @cached_property
    def cohort(self) -> Counts:
        """Position in `periods` of each unit's first post month; `cohorts.NEVER` for units without one."""
        out = np.full(len(self.units), cohorts.NEVER, dtype=np.int64)
        own = self.own_set.members
        out[own[0]] = self.cohorts_of(own)[0]
        return out

    def cohorts_of(self, members: Counts) -> Counts:
        """Position in `periods` of the first post month of each member of each set, shape of `members`.

        Sets as large as the treated area take its starts by position, in the order of `own_set`: each part of a placebo
        takes the starts of the treated part in whose place it was drawn. Treated units keep their own start in sets
        that hold nothing else. All others (the rings next door) begin with the programme.
        """
        own = self.own_set.members[0]
        delay = np.zeros(len(self.units) + 1, dtype=np.int64)  # one more, since a row may be padded
        position = self._position
        delay[[position[u] for u in self.delays]] = list(self.delays.values())
        delays = delay[members]
        if self.staggered and members.shape[1] == len(own):
            among = np.asarray(np.isin(members, own)).all(axis=1, keepdims=True)
            delays = np.where(among, delays, delay[own])
        return cohorts.positions_of(delays, self.start, self.periods)

    def require_one_start(self, name: str) -> None:
        """Refuse treated units that begin in different months, for an estimator made for one start.

        Raises
        ------
        DesignError
        """
        if self.staggered:
            raise DesignError(
                f"units begin in different months: {self._start_words()}",
                where=name,
                expected="one start",
                todo="Use an estimator for staggered starts, such as PoissonETWFE",
            )

    def _start_words(self) -> str:
        return cohorts.start_words(self.start, (self.delays.get(u, 0) for u in self.treated))

    # Counts -------------------------------------------------------------------------------------

    @cached_property
    def counts(self) -> Counts:
        """Counts of the outcome, shape (units, used months); a view of the panel that cannot be written to."""
        return kept_columns(self.inputs.panel.require(self.outcome), self._window, self._kept)

    @cached_property
    def exposure(self) -> Floats | None:
        """Exposure, shape (units, used months), or None."""
        exposure = self.inputs.panel.exposure
        return None if exposure is None else kept_columns(exposure, self._window, self._kept)

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
        """The same design with another start: a placebo start, or a sensitivity. Every unit's start moves with it."""
        return replace(self, start=start)

    def treating(self, units: Iterable[str]) -> Design:
        """The same design with other treated units: a placebo neighbourhood.

        The actual treated units and their buffer stay out of the comparison. Where starts differ, the units take them
        by position, those of `own_set` being in its order: in the order given, or, for a set, by part and panel.
        """
        chosen = tuple(units) if not isinstance(units, (set, frozenset)) else self._in_order(units)
        treated, out = frozenset(chosen), self.treated | self.excluded | frozenset().union(*self.buffer)
        own = [self.units[i] for i in self.own_set.members[0]] if self.staggered else chosen
        delays = cohorts.handed_on(self.delays, own, chosen)
        return replace(self, treated=treated, excluded=out - treated, pool=self.pool - treated, delays=delays)

    def sets(self, members: npt.NDArray[np.int64], *, exact: bool = False) -> PlaceboSets:
        """Placebo neighbourhoods from positions of units, each with its own buffer rings; starts as in `cohorts_of`."""
        if self.buffer_rings:
            return placebo_sets(self.areas, self.comparison, members, rings=self.buffer_rings, exact=exact)
        none = np.full((len(members), 1), len(self.units), dtype=np.int64)
        return PlaceboSets(members=members, ring=none, exact=exact)

    @cached_property
    def own_set(self) -> PlaceboSets:
        """The treated units as a set; its ring is empty since the buffer is not in the comparison.

        In the order of the panel; where starts differ, grouped by separate neighbourhood, the largest first, as
        `placebo_draws` draws them.
        """
        members = np.flatnonzero(self.is_treated)[None, :]
        if self.staggered:
            members = cohorts.by_part(self.areas, self.treated, self._position)[None, :]
        return PlaceboSets(members=members, ring=np.full((1, 1), len(self.units), dtype=np.int64))

    def placebo_starts(self, step: int = 6) -> tuple[str, ...]:
        """Starts whose whole window lies before the actual start, `step` months apart, latest first.

        The last one ends in the month before the start; each has the full pre and post period, and all its months
        were received by most units.
        """
        return self.earlier_starts(add_months(self.start, -self.transition - self.months_after), step)

    def earlier_starts(self, latest_start: str, step: int) -> tuple[str, ...]:
        """Starts from `latest_start` backwards, `step` months apart, whose whole window was received by most units."""
        return earlier_starts(self, latest_start, step)

    def require_neighbourhoods(self, expected: int) -> None:
        """Refuse treated units that form another number of separate neighbourhoods, naming those apart.

        Raises
        ------
        DesignError
            If they do, which usually means a wrong code in the roles.
        """
        require_neighbourhoods(self, expected)

    def describe(self) -> str:
        """The design in one sentence."""
        return design_words(self, self._start_words())

    # Private ------------------------------------------------------------------------------------

    @cached_property
    def _in_pool(self) -> Mask:
        return self._member(self.pool)

    @cached_property
    def _eligible(self) -> Mask:
        """In the pool, outside treated, buffer and excluded."""
        return self._in_pool & ~self._member(self.treated | self.excluded | frozenset().union(*self.buffer))

    def _in_order(self, units: Iterable[str]) -> tuple[str, ...]:
        """Units by separate neighbourhood and panel, in the order of `own_set`, where starts differ."""
        known = tuple(units)
        if not self.staggered or not all(u in self._position for u in known):
            return known
        return tuple(self.units[i] for i in cohorts.by_part(self.areas, known, self._position))

    def _member(self, members: frozenset[str]) -> Mask:
        if 2 * len(members) > len(self.units):
            return np.fromiter(map(members.__contains__, self.units), dtype=bool, count=len(self.units))
        out = np.zeros(len(self.units), dtype=bool)
        position = self._position
        out[[position[u] for u in members if u in position]] = True
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

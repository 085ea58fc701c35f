"""What a power calculation asks: areas, start and months, and the windows before the start that can answer it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.design import Design
from cseval.errors import DesignError, EstimationError, UsageError
from cseval.months import month_number, month_text

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.spec import Analysis, Evaluation

#: Effects in per cent, no effect among them.
EFFECTS = (
    *(-80.0, -70.0, -60.0, -55.0, -50.0, -45.0, -40.0, -35.0, -30.0, -25.0, -20.0, -15.0, -10.0, -5.0),
    *(0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 60.0, 70.0, 80.0, 100.0, 125.0, 150.0),
)
#: Months of follow-up that are tried beside the registered one.
FOLLOW_UP = (6, 12, 18, 24)

#: Months kept free for further placebo starts where the registered pre period is too long for one, and the fewest left.
SPARE, LEAST_BEFORE = 12, 12
#: Fewer simulations than this say nothing of a share near 80 %.
FEWEST_SIMULATIONS = 50


@dataclass(frozen=True, kw_only=True)
class PowerPlan:
    """What is asked.

    Parameters
    ----------
    months : tuple of int
        Months of follow-up; the registered number if empty. Refused if the data are too short for one of them.
    follow_up : tuple of int
        Further months of follow-up, tried where the data allow them.
    start : str
        Planned start ``YYYY-MM``; the registered one if empty. Only months before it are used; the treated area's
        baseline is then that of the latest placebo window.
    before : int, optional
        Months before each start; the registered number if None.
    areas : tuple of str
        Units that would be treated; the programme's if empty.
    effects : tuple of float
        In per cent, above -100, ascending, 0 among them.
    simulations : int
        Simulated series for each effect; time-series models only.
    """

    months: tuple[int, ...] = ()
    follow_up: tuple[int, ...] = ()
    start: str = ""
    before: int | None = None
    areas: tuple[str, ...] = ()
    effects: tuple[float, ...] = EFFECTS
    simulations: int = 400

    def __post_init__(self) -> None:
        wrong = [
            m for m in (*self.months, *self.follow_up, *((self.before,) if self.before is not None else ())) if m < 1
        ]
        if wrong:
            raise UsageError(f"{wrong[0]} months", where="power", expected="at least 1")
        if self.start:
            month_number(self.start)
        if sorted(set(self.effects)) != list(self.effects) or 0.0 not in self.effects or min(self.effects) <= -100:
            raise UsageError("effects", where="power", expected="ascending numbers above -100, 0 among them")
        if self.simulations < FEWEST_SIMULATIONS:
            raise UsageError(
                f"{self.simulations} simulations", where="power", expected=f"at least {FEWEST_SIMULATIONS}"
            )

    @property
    def planned(self) -> bool:
        """Whether another start or pre period than the registered one is asked for."""
        return bool(self.start) or self.before is not None


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """The latest placebo window for each number of months of follow-up.

    Parameters
    ----------
    bases : mapping of int to Design
        By months of follow-up, the design at the latest placebo start; its window ends before the start asked for.
    skipped : tuple of str
        Sentences on months of follow-up that do not fit.
    """

    bases: dict[int, Design]
    skipped: tuple[str, ...]


def placebo_windows(evaluation: Evaluation, analysis: Analysis, inputs: Inputs, plan: PowerPlan) -> Windows:
    """Find the windows before the start that can answer `plan`.

    Raises
    ------
    UsageError
        If an area is unknown.
    DesignError
        If the areas do not adjoin, the start is not after the beginning of the data, or a window does not fit.
    """
    _require_areas(plan.areas, inputs)
    start, registered_before, registered, transition = evaluation.window_of(analysis)
    before = plan.before or registered_before
    first, limit = _months_before(inputs, analysis.outcomes[0], plan.start or start)
    wanted = plan.months or (registered,)
    bases, skipped = {}, []
    for months in sorted({*wanted, *plan.follow_up}):
        if limit - transition - months - before >= first:
            bases[months] = _base(evaluation, analysis, inputs, plan, (limit - transition - months, before, months))
            continue
        need = f"{before} months before and {months} after need {before + transition + months} months"
        have = f"the data hold {limit - first} before {month_text(limit)}"
        if months in plan.months or not plan.follow_up:
            raise _too_short(need, have)
        skipped.append(f"{analysis.slug}: {months} months of follow-up are left out; {need}, and {have}.")
    if not bases:
        raise _too_short(need, have)
    return Windows(bases=bases, skipped=tuple(skipped))


def shorter_before(evaluation: Evaluation, analysis: Analysis, inputs: Inputs, plan: PowerPlan) -> int | None:
    """Months before each start with which three placebo windows of the follow-up fit before the programme.

    None where another number or start is asked for, the registered number fits, or fewer than a year would be left.
    """
    if plan.planned:
        return None
    start, registered, after, transition = evaluation.window_of(analysis)
    first, limit = _months_before(inputs, analysis.outcomes[0], start)
    room = limit - first - transition - max(plan.months, default=after)
    shorter = room - SPARE
    return shorter if room < registered and shorter >= LEAST_BEFORE else None


def _base(
    evaluation: Evaluation, analysis: Analysis, inputs: Inputs, plan: PowerPlan, window: tuple[int, int, int]
) -> Design:
    """The design at a placebo start: `window` is its month as a number, months before and months after."""
    at, before, after = window
    rings = evaluation.programme.buffer_rings if analysis.buffer_rings is None else analysis.buffer_rings
    transition = evaluation.window_of(analysis)[3]
    design = Design.build(
        inputs,
        analysis.outcomes[0],
        start=month_text(at),
        months_before=before,
        months_after=after,
        transition=transition,
        buffer_rings=rings,
        comparison=analysis.comparison,
        registered=evaluation.programme.start,
    )
    return treating(design, plan.areas)


def treating(design: Design, areas: tuple[str, ...]) -> Design:
    """The design with these areas treated; those of the programme and their neighbours stay out."""
    return design.treating(areas) if areas else design


def require_baseline(own: Design) -> None:
    """Refuse a treated area without an incident before.

    Raises
    ------
    EstimationError
    """
    if own.pre_counts[own.is_treated].sum() == 0:
        raise EstimationError(
            f"no incident in the treated area in the {own.months_before} months before {own.start}",
            where=f"power, outcome {own.outcome}",
            expected="a baseline above zero",
            todo="Choose an outcome with more incidents, or more months before",
        )


def _require_areas(areas: tuple[str, ...], inputs: Inputs) -> None:
    """Refuse areas that the data do not hold, or that do not adjoin."""
    for unit in areas:
        if unit not in inputs.panel.units:
            near = difflib.get_close_matches(unit, inputs.panel.units, n=1)
            raise UsageError(
                f"no area {unit!r} in the data",
                where="power, areas",
                expected="codes of the data",
                todo=f"The nearest is {near[0]}" if near else "",
            )
    parts = inputs.areas.components(areas)
    if len(parts) > 1:
        apart = ", ".join(f"{u} {inputs.panel.names.get(u, '')}".strip() for part in parts[1:] for u in sorted(part))
        raise DesignError(
            f"the {len(set(areas))} areas form {len(parts)} separate neighbourhoods (apart from the rest: {apart})",
            where="power, areas",
            expected="areas that adjoin",
        )


def _months_before(inputs: Inputs, outcome: str, start: str) -> tuple[int, int]:
    """First month with counts of most units, and the month up to which none may be used, both as numbers."""
    received = np.flatnonzero(inputs.panel.mask(outcome).mean(axis=0) > 0.5)
    if not len(received):
        raise DesignError("no month received", where=f"power, outcome {outcome}", expected="months with counts")
    first, last = (month_number(inputs.panel.periods[int(received[i])]) for i in (0, -1))
    if month_number(start) <= first:
        raise DesignError(
            f"a start in {start}",
            where=f"power, outcome {outcome}",
            expected=f"a start after the first month with counts, {month_text(first)}",
        )
    return first, min(month_number(start), last + 1)


def _too_short(need: str, have: str) -> DesignError:
    return DesignError(
        f"{need}, and {have}",
        where="power",
        expected="a whole comparison before the start",
        todo="Ask for fewer months of follow-up (--months), or fewer months before (--before)",
    )

"""The claim "the biggest decrease of all": a rank among all units, and how much of it chance leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.claims.base import ClaimResult, Statement, verdicts
from cseval.claims.counts import Period, first_received, months_of, require_period, totals_of
from cseval.claims.phrases import FROM_MONTHS, FROM_YEARS, NEEDED, untested
from cseval.claims.rules import rank_verdict
from cseval.errors import EstimationError, SpecError
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.inference.ranks import Errors, RankSets
    from cseval.inference.ranks_changes import ChangeVariance
    from cseval.inference.ranks_regression import Expected, Regression
    from cseval.inputs import Inputs
    from cseval.panel import Panel
    from cseval.spec import Evaluation

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class BiggestDecrease:
    """Holds "the biggest decrease of all" against the change of every unit of the panel.

    Parameters
    ----------
    statement : Statement
    outcomes : tuple of str
        In order of preference; the first that was received in both periods is used.
    exact : tuple of str
        Those of them that are the statement's own.
    unit : str
        Code of the unit that is said to have had the biggest decrease.
    before, after : (first month, last month)
        Of the same length and in the same season.
    subject : str
        What the statement counts, in words.
    needed : str
        The data that would test the statement itself, in words.
    history_months : int or None
        Months before `before` that are looked at, in whole years; None for all there are.
    own_years : int
        Earlier years whose mean is a unit's own level.
    draws : int
        Bootstrap draws and simulated years.
    kind, whole : str
        What a unit and all of them together are called.

    Raises
    ------
    SpecError
        If the periods differ in length or season, or overlap.

    Notes
    -----
    "Biggest" is read both ways, in per cent and in number; `rules.rank_verdict` decides. A unit without an incident
    before has no change in per cent and takes part in the ranking by number alone. Units that lack a month of either
    period take part in neither, and the caveat names them.
    """

    statement: Statement
    outcomes: Sequence[str]
    exact: Sequence[str]
    unit: str
    before: Period
    after: Period
    subject: str = "victims of knife crime with injury"
    needed: str = NEEDED
    history_months: int | None = None
    own_years: int = 3
    draws: int = 4999
    kind: str = "borough"
    whole: str = "London"

    def __post_init__(self) -> None:
        lengths = {require_period(p, f"claim {self.statement.slug}") for p in (self.before, self.after)}
        if len(lengths) > 1 or self.step % 12 or self.step < max(lengths):
            raise SpecError(
                f"periods {' to '.join(self.before)} and {' to '.join(self.after)}",
                where=f"claim {self.statement.slug}",
                expected="two periods of one length, whole years apart and one after the other",
            )
        if self.own_years < 1 or self.draws < 99:
            raise SpecError(
                f"own_years={self.own_years}, draws={self.draws}",
                where=f"claim {self.statement.slug}",
                expected="at least 1 year and 99 draws",
            )

    @property
    def step(self) -> int:
        """Months from the first period to the second."""
        return month_number(self.after[0]) - month_number(self.before[0])

    def test(self, evaluation: Evaluation, inputs: Inputs, seed: int) -> ClaimResult:
        """Rank the unit's change among those of all units.

        Raises
        ------
        EstimationError
            If the variance of changes cannot be estimated.
        """
        from cseval.claims.ranking_frames import ranking_frame, summary_frame
        from cseval.claims.ranking_words import caveat_of, sentence_of

        outcome = first_received(inputs.panel, self.outcomes, self.unit, (self.before, self.after))
        if outcome is None:
            return untested(self.statement, self.subject, self.needed)
        found = rank_changes(self, inputs.panel, outcome, seed)
        return ClaimResult(
            statement=self.statement,
            outcome=outcome,
            **verdicts(
                outcome, self.exact, rank_verdict(found.relative.own if found.relative else None, found.number.own)
            ),
            sentence=sentence_of(self, inputs, found),
            caveat=caveat_of(self, inputs, found),
            frames={"ranking": ranking_frame(inputs, found), "ranking_summary": summary_frame(found)},
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """Ranks that chance leaves open under one reading of "biggest".

    Parameters
    ----------
    all : RankSets
        Simultaneous sets of every unit that takes part.
    own : (int, int) or None
        Lowest and highest rank of the one unit, by its set alone; None if it takes no part.
    """

    all: RankSets
    own: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class RankedChanges:
    """Changes of all units that were received in both periods, and what they say of one.

    Parameters
    ----------
    outcome : str
    units : tuple of str
    own : int
        Position of the unit that the statement is about.
    before, after : float array, shape (units,)
    variance : ChangeVariance
    variance_from : str
    relative : Reading or None
        Ranks by change in per cent, of the units that had an incident before; None with fewer than two of them.
    number : Reading
        Ranks by change in number, of all units.
    regression : Regression or None
    expected : Expected or None
        None where the earlier years are too few.
    left_out : tuple of str
        Units that lack a month.
    """

    outcome: str
    units: tuple[str, ...]
    own: int
    before: Floats
    after: Floats
    variance: ChangeVariance
    variance_from: str
    relative: Reading | None
    number: Reading
    regression: Regression | None
    expected: Expected | None
    left_out: tuple[str, ...]

    @property
    def defined(self) -> Mask:
        """Which units had an incident before, so that a change in per cent is defined."""
        return self.before > 0

    @property
    def common(self) -> float:
        """Log change of all units together."""
        return total_change(self.before, self.after)

    @property
    def percent(self) -> Floats:
        """Change in per cent; NaN where not defined."""
        from cseval.inference.ranks_changes import percent_change

        return percent_change(self.before, self.after)


def total_change(before: Floats, after: Floats) -> float:
    """Log change of all units together."""
    from cseval.inference.ranks_changes import log_change

    return float(log_change(before.sum(), after.sum()))


def rank_changes(claim: BiggestDecrease, panel: Panel, outcome: str, seed: int) -> RankedChanges:
    """Compute every change, its rank and sets of ranks, and what was to be expected.

    Raises
    ------
    EstimationError
        If the variance of changes cannot be estimated.
    """
    import numpy as np

    before, after = (totals_of(panel, outcome, p) for p in (claim.before, claim.after))
    used = np.isfinite(before) & np.isfinite(after)
    units = tuple(u for u, keep in zip(panel.units, used, strict=True) if keep)
    history = _history(claim, panel, outcome)[used]
    before, after, own = before[used], after[used], units.index(claim.unit)
    variance, origin = _variance(claim, panel, outcome, history, used)
    relative, number = _readings(before, after, own, variance, claim.draws, seed)
    regression, expected = _expected(claim, history, total_change(before, after), seed)
    return RankedChanges(
        outcome=outcome,
        units=units,
        own=own,
        before=before,
        after=after,
        variance=variance,
        variance_from=origin,
        relative=relative,
        number=number,
        regression=regression,
        expected=expected,
        left_out=tuple(u for u, keep in zip(panel.units, used, strict=True) if not keep),
    )


def _history(claim: BiggestDecrease, panel: Panel, outcome: str) -> Floats:
    """Totals of successive periods up to and with `before`, shape (units, periods), as far back as all are whole."""
    import numpy as np

    available = month_number(claim.before[0]) - month_number(panel.periods[0])
    back = min(available, claim.history_months if claim.history_months is not None else available)
    columns: list[Floats] = []
    for k in range(max(back, 0) // claim.step + 1):
        first, last = (add_months(m, -k * claim.step) for m in claim.before)
        columns.insert(0, totals_of(panel, outcome, (first, last)))
    return np.stack(columns, axis=1)


def _variance(
    claim: BiggestDecrease, panel: Panel, outcome: str, history: Floats, used: Mask
) -> tuple[ChangeVariance, str]:
    """Variance of changes from earlier years, or from months where there are none, and which of the two."""
    import numpy as np

    from cseval.inference.ranks_changes import change_variance, monthly_dispersion

    try:
        return change_variance(history), FROM_YEARS
    except EstimationError:
        months = [months_of(panel, outcome, p)[used] for p in (claim.before, claim.after)]
        return monthly_dispersion(np.concatenate(months, axis=1)), FROM_MONTHS


def _expected(
    claim: BiggestDecrease, history: Floats, common: float, seed: int
) -> tuple[Regression | None, Expected | None]:
    """What earlier years let one expect, or nothing where they are too few."""
    import numpy as np

    from cseval.inference.ranks_regression import expect, fit_regression

    whole = np.isfinite(history).all(axis=0)
    history = history[:, int(np.flatnonzero(~whole).max(initial=-1)) + 1 :]
    try:
        regression = fit_regression(history, claim.own_years)
    except EstimationError:
        return None, None
    return regression, expect(regression, history, claim.own_years, common, claim.draws, seed)


def _readings(
    before: Floats, after: Floats, own: int, variance: ChangeVariance, draws: int, seed: int
) -> tuple[Reading | None, Reading]:
    """Sets of ranks by change in per cent and by change in number."""
    import numpy as np

    from cseval.inference import ranks_changes as changes

    relative, number = changes.bootstrap_changes(before, after, variance, draws, seed)
    difference, spread = after - before, np.sqrt(variance.of_difference(before, after))
    everyone = np.ones(len(before), dtype=bool)
    by_number = _reading(difference, difference, spread, number, everyone, own)
    if (before > 0).sum() < 2:
        return None, by_number
    value, spread = changes.log_change(before, after), np.sqrt(variance.of_log(before, after))
    return _reading(changes.percent_change(before, after), value, spread, relative, before > 0, own), by_number


def _reading(recorded: Floats, value: Floats, spread: Floats, errors: Errors, part: Mask, own: int) -> Reading:
    """Sets of the units that take part, widened to hold the ranks as recorded.

    Half an incident, added before logs are taken, can move ranks where counts are tiny; a wider set still covers.
    """
    import numpy as np

    from cseval.inference.ranks import Errors, RankSets, rank_set, ranks, simultaneous_rank_sets

    at, rank = int(part[:own].sum()), ranks(recorded[part])
    arguments = value[part], spread[part], Errors(error=errors.error[:, part], scale=errors.scale[:, part])
    every = simultaneous_rank_sets(*arguments)
    every = RankSets(low=np.minimum(every.low, rank), high=np.maximum(every.high, rank))
    if not part[own]:
        return Reading(all=every, own=None)
    low, high = rank_set(at, *arguments)
    return Reading(all=every, own=(min(low, int(rank[at])), max(high, int(rank[at]))))

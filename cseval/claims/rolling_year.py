"""The claim "a downward trend on a rolling year": a line through rolling sums, with the error that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.claims.base import ClaimResult, Statement, verdicts
from cseval.claims.counts import FEWEST_AFTER, months_of
from cseval.claims.phrases import NEEDED, SUBJECT, untested
from cseval.claims.rules import trend_verdict
from cseval.errors import SpecError
from cseval.estimators.rolling_trends import RollingTrends, rolling_trends
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.inputs import Inputs
    from cseval.panel import Panel
    from cseval.spec import Evaluation

    Floats = npt.NDArray[np.float64]

#: Months before the start without which there is no trend before.
FEWEST_BEFORE = 24


@dataclass(frozen=True, kw_only=True)
class RollingYearTrend:
    """Holds "a downward trend on a rolling year" against the rolling twelve-month sums since the start.

    Parameters
    ----------
    statement : Statement
    outcomes : sequence of str
        In order of preference; the first that was received throughout is used.
    exact : sequence of str
        Those of them that are the statement's own.
    units : sequence of str
        Codes of the units that the statement is about, taken together.
    start : str
        First month of what is said to have brought the trend.
    last : str
        Last month that is looked at.
    months_before : int
        Months before the start that the trend before is taken from, where there are as many.
    subject : str
        What the statement counts, in words.
    needed : str
        The data that would test the statement itself, in words.
    whole : str
        What all other units together are called.

    Raises
    ------
    SpecError
        If too few months lie before the start or after it.

    Notes
    -----
    The line goes through the rolling sums whose twelve months all lie after the start, so that months before it have
    no say. Its error is that of the months (`estimators.rolling`), since successive sums share eleven of them.
    `rules.trend_verdict` decides on the unit's own slope, as the statement speaks of nothing else; the sentence adds
    what all other units did and the difference, which the statement leaves out.
    """

    statement: Statement
    outcomes: Sequence[str]
    exact: Sequence[str]
    units: Sequence[str]
    start: str
    last: str
    months_before: int = 48
    subject: str = SUBJECT
    needed: str = NEEDED
    whole: str = "London"

    def __post_init__(self) -> None:
        after = month_number(self.last) - month_number(self.start) + 1
        if after < FEWEST_AFTER or self.months_before < FEWEST_BEFORE or not self.units:
            raise SpecError(
                f"{self.months_before} months before the start, {after} from it on, {len(self.units)} units",
                where=f"claim {self.statement.slug}",
                expected=f"at least {FEWEST_BEFORE} before, {FEWEST_AFTER} after and 1 unit",
            )

    def test(self, evaluation: Evaluation, inputs: Inputs, seed: int) -> ClaimResult:
        """Fit the trends of the units, of all others, and of the one against the other.

        Raises
        ------
        EstimationError
            If incidents are too few for a monthly model.
        """
        from cseval.claims.rolling_words import caveat_of, sentence_of

        found = series_of(self, inputs.panel)
        if found is None:
            return untested(self.statement, self.subject, self.needed)
        trends = rolling_trends(found.own, found.others, month_number(found.first), found.before)
        low, high = trends.own_after.conf_low, trends.own_after.conf_high
        return ClaimResult(
            statement=self.statement,
            outcome=found.outcome,
            **verdicts(found.outcome, self.exact, trend_verdict(low, high)),
            sentence=sentence_of(self, inputs, found.outcome, trends),
            caveat=caveat_of(self, inputs, found),
            frames=_frames(self, inputs, found, trends),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Monthly counts that a rolling year is made of.

    Parameters
    ----------
    outcome : str
    first : str
        Their first month.
    before : int
        Months before the start.
    own, others : float array, shape (months,)
    left_out : tuple of str
        Other units that lack a month.
    """

    outcome: str
    first: str
    before: int
    own: Floats
    others: Floats
    left_out: tuple[str, ...]


def series_of(claim: RollingYearTrend, panel: Panel) -> Series | None:
    """Counts of the first outcome that was received in the units in all months needed; None if there is none."""
    if not set(claim.units) < set(panel.units):
        return None
    for outcome in claim.outcomes:
        if outcome in panel.counts:
            found = _received(claim, panel, outcome)
            if found is not None:
                return found
    return None


def _received(claim: RollingYearTrend, panel: Panel, outcome: str) -> Series | None:
    """Months from as early as the units were received without a gap, up to `months_before` before the start."""
    import numpy as np

    own = np.array([u in claim.units for u in panel.units])
    earliest = add_months(claim.start, -claim.months_before)
    counts = months_of(panel, outcome, (earliest, claim.last))
    missing = np.flatnonzero(~np.isfinite(counts[own]).all(axis=0))
    skip = int(missing[-1]) + 1 if len(missing) else 0
    whole = np.isfinite(counts[:, skip:]).all(axis=1)
    if skip > claim.months_before - FEWEST_BEFORE or not (whole & ~own).any():
        return None
    return Series(
        outcome=outcome,
        first=add_months(earliest, skip),
        before=claim.months_before - skip,
        own=counts[own, skip:].sum(axis=0),
        others=counts[whole & ~own, skip:].sum(axis=0),
        left_out=tuple(u for u, keep in zip(panel.units, whole | own, strict=True) if not keep),
    )


def _frames(claim: RollingYearTrend, inputs: Inputs, found: Series, trends: RollingTrends) -> dict[str, pd.DataFrame]:
    from cseval.claims.rolling_frames import trend_frame, year_frame
    from cseval.claims.rolling_words import own_name

    name = own_name(claim, inputs)
    return {
        "rolling_year": year_frame(found, trends),
        "rolling_trend": trend_frame(trends, name, claim.whole, f"{name} against {claim.whole}"),
    }

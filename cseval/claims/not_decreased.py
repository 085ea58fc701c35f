"""The claim "rates have not decreased": an area's own monthly rate before and after, season by season, nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.claims.base import (
    CANNOT_BE_TESTED,
    CONTRADICTED,
    NOT_SUPPORTED,
    SUPPORTED,
    ClaimResult,
    Statement,
    verdicts,
)
from cseval.claims.counts import Period, months_of, require_period
from cseval.claims.rules import combined
from cseval.errors import EstimationError, SpecError
from cseval.months import month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.estimators.rolling import Noise
    from cseval.inputs import Inputs
    from cseval.spec import Evaluation

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

#: Months of history, before, between and after.
Phases = tuple[int, int, int, int]
#: Months of a period below which there is no year to speak of.
FEWEST = 12
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class NotDecreased:
    """Holds "rates have not decreased in the area" against the treated area's own months before and after.

    Parameters
    ----------
    statement : Statement
    outcomes : sequence of str
        In order of preference; the first that every treated unit received in every month of both periods is used.
    exact : sequence of str
        Those of them that are the statement's own.
    before, after : (first month, last month)
        Each calendar month must weigh the same in both, as in whole years or in the same months of different years.
    subject : str
        What the statement counts, in words.
    needed : str
        The data that would test the statement itself, in words.
    area : str
        What the treated units together are called.
    history_from : str
        First month of the history, from which season, overdispersion and autocorrelation are learnt as well; it has no
        say in the rates. Empty for as far back as there are months.
    history_reason : str
        Why it begins there.
    unsaid : str
        What the statement leaves open even where its own outcome is counted, in a sentence.

    Raises
    ------
    SpecError
        If the periods overlap, are shorter than a year, or weigh the seasons differently.

    Notes
    -----
    The change is the log ratio of the two mean months, ``r = log(m1 / m0)``; per resident the log ratio of the mean
    residents is taken off. To first order it is a weighted sum of months, ``r - E r = v'(y - E y)`` with weights ``1 /
    Y1`` after and ``-1 / Y0`` before (Y the totals), so its variance is ``v' Cov(y) v``, with ``Cov(y) = D (I + extra
    R(rho)) D`` as in `estimators.rolling`: overdispersion and first-order autocorrelation of the months by moments
    corrected for the residual maker, in a quasi-Poisson model with the calendar months, a level before, after and in
    any months between, and a level and a trend in the months of history. A month of history or between that was not
    received has a level of its own, which takes it out. Student's t has Satterthwaite's (1946) degrees of freedom. A
    trend within a period is not taken out: it counts as months that remember, and makes the interval longer.

    How long the history is, is a choice that moves the autocorrelation and with it the interval. So the model is fitted
    with 0, 12, 24 ... months of it and with all there are, and the verdict is that of `no_decrease_verdict` only if it
    is the same with every one of them, both by the month and per resident (where residents are known); else the
    statement is not supported. The interval that is told is the widest.

    In 2,000 simulated series of each of three shapes (24 months before and 12 after, and 18 and 18 with six between,
    both with 23 months of history; 12 and 12 with six between and 35), with 150 incidents a month and three times the
    Poisson variance, the widest interval held the truth in 97 to 98 of 100 without autocorrelation, in 96 to 97 at 0.3
    of a wavering mean, 95 to 96 at 0.6 and 92 to 93 at 0.8. With a variance of 1.6 to 1.7 times and an autocorrelation
    of 0.7 to 0.8, about what disorder in the pilot area shows, it was 90 to 95: still too short where months remember
    long. The interval of one length of history alone was up to 13 points worse. Newey and West's (1987) errors, with
    the usual lag and a correction for few months, gave 84 to 89 at 0.3.

    The result says what was recorded there and nothing of what the programme did: without it the rate might have moved
    as well.
    """

    statement: Statement
    outcomes: Sequence[str]
    exact: Sequence[str]
    before: Period
    after: Period
    subject: str
    needed: str
    area: str = "the treated area"
    history_from: str = ""
    history_reason: str = ""
    unsaid: str = ""

    def __post_init__(self) -> None:
        where = f"claim {self.statement.slug}"
        lengths = [require_period(p, where) for p in (self.before, self.after)]
        if min(lengths) < FEWEST or self.gap < 0 or _unlike(self.before, self.after):
            raise SpecError(
                f"periods {' to '.join(self.before)} and {' to '.join(self.after)}",
                where=where,
                expected=f"two periods of at least {FEWEST} months, one after the other, in which each calendar month "
                "has the same weight",
            )
        if self.history_from and month_number(self.history_from) > month_number(self.before[0]):
            raise SpecError(
                f"history from {self.history_from}", where=where, expected=f"a month up to {self.before[0]}, or empty"
            )

    @property
    def gap(self) -> int:
        """Months between the two periods; negative where they overlap."""
        return month_number(self.after[0]) - month_number(self.before[1]) - 1

    def test(self, evaluation: Evaluation, inputs: Inputs, seed: int) -> ClaimResult:
        """Compare the treated area's mean rate before and after.

        Raises
        ------
        EstimationError
            If incidents are too few for a monthly model.
        """
        from cseval.claims.not_decreased_words import caveat_of, change_frame, nothing_found, sentence_of

        found, part = rates_of(self, inputs), part_of(self, inputs)
        if found is None:
            return nothing_found(self, part)
        return ClaimResult(
            statement=self.statement,
            outcome=found.outcome,
            **verdicts(found.outcome, self.exact, found.verdict),
            sentence=sentence_of(self, found),
            caveat=caveat_of(self, found, part),
            frames={"rate_change": change_frame(self, found)},
        )


def no_decrease_verdict(low: float, high: float) -> str:
    """Verdict on "has not decreased" from the 95 % interval of the change.

    Supported where the whole interval lies at or above zero, contradicted where it lies below, not supported where it
    leaves both a fall and no fall open; cannot be tested where there is none (NaN).
    """
    if math.isnan(low) or math.isnan(high):
        return CANNOT_BE_TESTED
    if low >= 0:
        return SUPPORTED
    return CONTRADICTED if high < 0 else NOT_SUPPORTED


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How far chance moves a change, judged with so many months of history."""

    history: int
    std_error: float
    noise: Noise

    @property
    def half(self) -> float:
        """Half the length of the 95 % interval of the log change, by Student's t."""
        from scipy import special

        return float(special.stdtrit(self.noise.df, (1 + LEVEL) / 2)) * self.std_error


@dataclass(frozen=True, kw_only=True, eq=False)
class RateChange:
    """The rates of an area in two periods and the change from one to the other.

    Parameters
    ----------
    outcome : str
    totals : (float, float)
        Incidents in the two periods.
    months : (int, int)
    log_change : float
        Log ratio of the mean monthly rates.
    spreads : tuple of Spread
        By length of the history, the shortest first.
    growth : float
        Log ratio of mean residents in the two periods; NaN where they are not known.
    """

    outcome: str
    totals: tuple[float, float]
    months: tuple[int, int]
    log_change: float
    spreads: tuple[Spread, ...]
    growth: float

    @property
    def widest(self) -> Spread:
        """The history with the longest interval, which is the one that is told."""
        return max(self.spreads, key=lambda s: s.half)

    @property
    def changes(self) -> tuple[float, ...]:
        """Log change by the month and, where residents are known, per resident."""
        return (self.log_change,) if math.isnan(self.growth) else (self.log_change, self.log_change - self.growth)

    @property
    def verdict(self) -> str:
        """Verdict on "has not decreased" of this outcome: that of every history and both ways of counting, if one."""
        return combined([v for change in self.changes for v in self.verdicts_of(change)])

    def verdicts_of(self, change: float) -> list[str]:
        """Verdict by each history on one of the `changes`."""
        return [no_decrease_verdict(change - s.half, change + s.half) for s in self.spreads]

    @property
    def least_rise(self) -> float:
        """Smallest log change that would have supported "has not decreased", were chance as large as it is here."""
        return self.widest.half + max(0.0, *(self.log_change - change for change in self.changes))

    @property
    def rates(self) -> tuple[float, float]:
        """Incidents a month in the two periods."""
        return self.totals[0] / self.months[0], self.totals[1] / self.months[1]


def rates_of(claim: NotDecreased, inputs: Inputs) -> RateChange | None:
    """The change of the first outcome that every treated unit received in both periods; None if there is none.

    Raises
    ------
    EstimationError
        If incidents are too few for a monthly model.
    """
    for outcome in claim.outcomes:
        series = _series(claim, inputs, outcome)
        if series is not None and _of_periods(claim, series).all():
            return _change(claim, outcome, series, _growth(claim, inputs))
    return None


def part_of(claim: NotDecreased, inputs: Inputs) -> tuple[int, int] | None:
    """Months of both periods that the statement's own outcome was received in, of how many; None if all or none."""
    for outcome in claim.exact:
        series = _series(claim, inputs, outcome)
        known = [] if series is None else _of_periods(claim, series).tolist()
        if 0 < sum(known) < len(known):
            return sum(known), len(known)
    return None


def histories(months: int) -> tuple[int, ...]:
    """Lengths of history that are tried where there are so many months: 0, 12, 24 ... and all.

    Less than a year says nothing of a season, and is left out.
    """
    return tuple(dict.fromkeys((*range(0, months + 1, FEWEST), months))) if months >= FEWEST else (0,)


def _series(claim: NotDecreased, inputs: Inputs, outcome: str) -> Floats | None:
    """Monthly counts of the treated units together, from the first month of history on; NaN where one lacks a month."""
    if outcome not in inputs.panel.counts or not inputs.roles.treated <= set(inputs.panel.units):
        return None
    first = claim.history_from or min(inputs.panel.periods[0], claim.before[0])
    total: Floats = months_of(inputs.panel, outcome, (first, claim.after[1]))[_treated(inputs)].sum(axis=0)
    return total


def _treated(inputs: Inputs) -> Mask:
    import numpy as np

    return np.array([u in inputs.roles.treated for u in inputs.panel.units])


def _lengths(claim: NotDecreased) -> tuple[int, int, int]:
    """Months before, between and after."""
    return require_period(claim.before, ""), claim.gap, require_period(claim.after, "")


def _of_periods(claim: NotDecreased, series: Floats) -> Mask:
    """Whether each month of the two periods is known."""
    import numpy as np

    before, between, after = _lengths(claim)
    known = np.isfinite(series[-(before + between + after) :])
    return np.concatenate([known[:before], known[before + between :]])


def _change(claim: NotDecreased, outcome: str, series: Floats, growth: float) -> RateChange:
    import numpy as np

    lengths = _lengths(claim)
    history = len(series) - sum(lengths)
    skip = int(np.flatnonzero(np.isfinite(series))[0])
    spreads = []
    for months in histories(max(history - skip, 0)):
        part, phases = series[history - months :], (months, *lengths)
        try:
            change, error, noise = rate_change(part, month_number(claim.after[1]) + 1 - len(part), phases)
        except EstimationError as problem:
            raise EstimationError(problem.found, where=f"claim {claim.statement.slug}", todo=problem.todo) from problem
        spreads.append(Spread(history=months, std_error=error, noise=noise))
    early, late = series[history : history + lengths[0]].sum(), series[-lengths[2] :].sum()
    return RateChange(
        outcome=outcome,
        totals=(float(early), float(late)),
        months=(lengths[0], lengths[2]),
        log_change=change,
        spreads=tuple(spreads),
        growth=growth,
    )


def rate_change(series: Floats, first_month: int, phases: Phases) -> tuple[float, float, Noise]:
    """Log ratio of the mean month after to the mean month before, its standard error, and the noise behind it.

    Parameters
    ----------
    series : float array, shape (months,)
        Monthly counts; those of history and of months between may be NaN.
    first_month : int
        Number of the first of them (`months.month_number`).
    phases : (int, int, int, int)
        Months of history, before, between and after.

    Raises
    ------
    EstimationError
        If the monthly model does not settle, as where a calendar month or a period has no incident.
    """
    import numpy as np

    from cseval.estimators.rolling import errors_of, fit_monthly, noise_of

    known = np.isfinite(series)
    series = np.where(known, series, series[known].mean())
    model = fit_monthly(series, _regressors(first_month, phases, known))
    noise = noise_of((series - model.mean) / np.sqrt(model.mean), model.residual_maker)
    early, late = slice(phases[0], phases[0] + phases[1]), slice(len(series) - phases[3], len(series))
    weights = np.zeros(len(series))
    weights[early], weights[late] = -1 / series[early].sum(), 1 / series[late].sum()
    error = float(errors_of(weights[None], model.mean, noise)[0])
    return math.log(series[late].mean() / series[early].mean()), error, noise


def _regressors(first_month: int, phases: Phases, known: Mask) -> Floats:
    """A level for each phase that has months, a trend in the history, calendar months, and each month not known."""
    import numpy as np

    place = np.repeat(np.arange(4), phases)
    levels = [(place == p).astype(float) for p in range(4) if known[place == p].any()]
    trend = [np.where(place == 0, np.arange(len(place)) / 12, 0.0)] if known[place == 0].sum() > 1 else []
    calendar = (first_month + np.arange(len(place))) % 12
    season = (calendar[:, None] == np.arange(1, 12)).astype(float)
    return np.column_stack([*levels, *trend, season, np.eye(len(place))[:, ~known]])


def _growth(claim: NotDecreased, inputs: Inputs) -> float:
    """Log ratio of mean residents of the treated units after and before; NaN where they are not known."""
    exposure = inputs.panel.exposure
    if exposure is None:
        return math.nan
    first = month_number(inputs.panel.periods[0])
    means = []
    for period in (claim.before, claim.after):
        low, high = (month_number(m) - first for m in period)
        means.append(float(exposure[_treated(inputs), low : high + 1].sum(axis=0).mean()))
    return math.log(means[1] / means[0])


def _unlike(before: Period, after: Period) -> bool:
    """Whether a calendar month has another share of the one period than of the other."""
    early, late = (range(month_number(p[0]), month_number(p[1]) + 1) for p in (before, after))
    return any(
        sum(n % 12 == m for n in early) * len(late) != sum(n % 12 == m for n in late) * len(early) for m in range(12)
    )

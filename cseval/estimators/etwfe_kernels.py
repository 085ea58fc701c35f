"""The Poisson model with unit and month effects and one effect by cohort and month, solved without iteration.

``y_it ~ Poisson(exp(a_i + g_t + tau_ct 1[t >= start of c]))`` (Wooldridge 2023, "Simple approaches to nonlinear
difference-in-differences with panel data", Econometrics Journal 26(3)). Its treated cells are fitted exactly, so that
what is left is a model of cohort by month totals on the untreated cells alone. These form stairs: a cohort is observed
up to its start, and a model of rows and columns on stairs has a closed form, known as chain ladder in insurance (Mack
1991; Renshaw and Verrall 1998). With C_ct the total of cohort c up to month t and U_t the cohorts untreated in t,

    f_t = sum_{c in U_t} C_ct / sum_{c in U_t} C_c,t-1
    untreated total of cohort c from its start to month t = C_c,start-1 (f_start ... f_t - 1)

For one start this is ``T0 C1 / C0``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.estimators.staggered_cohorts import Cells, CohortPanel

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ladder:
    """The model fitted to the totals of a panel.

    Parameters
    ----------
    panel : CohortPanel
    factor : float array, shape (months,)
        Growth of the cumulative total from month to month, ``f_t``; 1 in the first month.
    before, after : float array, shape (months,)
        Its denominator and its numerator.
    """

    panel: CohortPanel
    factor: Floats
    before: Floats
    after: Floats

    @cached_property
    def untreated(self) -> Mask:
        """Which cells of cohort and month are untreated, shape (cohorts + 1, months)."""
        return untreated_cells(self.panel)

    @cached_property
    def expected(self) -> Floats:
        """Totals without the programme, fitted before the start and imputed from it on; (cohorts + 1, months)."""
        level = np.cumprod(self.factor)
        last = np.append(self.panel.first, self.panel.values.shape[1]) - 1
        known = (self.panel.total * self.untreated).sum(axis=1)
        cumulative = known[:, None] * level / level[last][:, None]
        return np.diff(cumulative, axis=1, prepend=0.0)

    @cached_property
    def shares(self) -> Floats:
        """Share of each month in a unit's fitted total, effects included; (cohorts + 1, months)."""
        fitted = np.where(self.untreated, self.expected, self.panel.total)
        whole = fitted.sum(axis=1, keepdims=True)
        return fitted / np.where(whole > 0, whole, 1.0)

    @cached_property
    def scatter(self) -> Floats:
        """``sum r_i r_i'`` of each group with a unit's residuals ``r_i = y_i - (sum of y_i) shares``."""
        return np.stack([_residual_scatter(self.panel, c, s) for c, s in enumerate(self.shares)])

    def moved(self, cells: Cells) -> Floats:
        """Derivative of the log of each cell's imputed total in the total of every cell.

        Returns
        -------
        float array, shape (cells, cohorts + 1, months)
        """
        months = np.arange(len(self.factor))
        up_to, until = (months <= months[:, None]).astype(float), (months < months[:, None]).astype(float)
        cohorts = self.untreated.T[:, :, None]  # which groups make f_t, shape (months, cohorts + 1, 1)
        grown = cohorts * (_over(up_to, self.after) - _over(until, self.before))[:, None, :]
        new = cohorts * (_over(np.eye(len(months)), self.after - self.before) - _over(until, self.before))[:, None, :]
        chain = np.cumsum(grown, axis=0)
        start = self.panel.first[cells.cohort]
        out = chain[cells.column - 1] - chain[start - 1] + new[cells.column]
        known = (self.panel.total * self.untreated).sum(axis=1)[cells.cohort]
        out[np.arange(len(cells)), cells.cohort] += _over(up_to[start - 1], known)
        return np.asarray(out)


def untreated_cells(panel: CohortPanel) -> Mask:
    """Which cells of cohort and month lie before the cohort's start, shape (cohorts + 1, months)."""
    start = np.append(panel.first, panel.values.shape[1])
    return np.asarray(np.arange(panel.values.shape[1]) < start[:, None])


def fit_ladder(panel: CohortPanel) -> Ladder:
    """Fit the model; ``f_t`` is NaN from the month on in which no untreated unit, or none with an incident, is left."""
    cumulative = np.cumsum(panel.total, axis=1)
    untreated = untreated_cells(panel)
    after = (cumulative * untreated).sum(axis=0)
    before = (np.concatenate([np.zeros((len(cumulative), 1)), cumulative[:, :-1]], axis=1) * untreated).sum(axis=0)
    factor = np.where(before > 0, after, np.nan) / np.where(before > 0, before, 1.0)
    factor = np.where(after > 0, factor, np.nan)
    factor[np.cumsum(after) == 0] = np.nan
    factor[0] = 1.0
    return Ladder(panel=panel, factor=factor, before=before, after=after)


def _over(values: Floats, divisor: Floats) -> Floats:
    """Rows of `values` over their divisor, 0 where it is not above zero."""
    return values * np.divide(1.0, divisor, out=np.zeros_like(divisor), where=divisor > 0)[:, None]


def _residual_scatter(panel: CohortPanel, cohort: int, share: Floats) -> Floats:
    values = panel.values[panel.rows(cohort)]
    residual = values - values.sum(axis=1, keepdims=True) * share
    return np.asarray(residual.T @ residual)


@dataclass(frozen=True, kw_only=True, eq=False)
class LogRatios:
    """Log ratios of what was counted to what was expected, each over a set of treated cells.

    Parameters
    ----------
    observed, expected : float array, shape (ratios,)
    gradient : float array, shape (ratios, cohorts + 1, months)
        Derivative of each log ratio in the total of every cell.
    scatter : float array, shape (cohorts + 1, months, months)
        Of the units' residuals.
    """

    observed: Floats
    expected: Floats
    gradient: Floats
    scatter: Floats

    def values(self) -> Floats:
        """Log of observed over expected; NaN where either is zero."""
        usable = (self.observed > 0) & (self.expected > 0)
        ratio = np.where(usable, self.observed, 1.0) / np.where(usable, self.expected, 1.0)
        return np.where(usable, np.log(ratio), np.nan)

    def covariance(self, rows: Floats | None = None) -> Floats:
        """Sandwich covariance by unit (CR0) of the log ratios, or of linear combinations of them.

        The score of a unit is linear in its residuals, so the influence of unit i is its gradient times ``r_i``.
        """
        gradient = self.gradient if rows is None else np.einsum("ar,rcs->acs", rows, self.gradient, optimize=True)
        return np.asarray(sum(g @ s @ g.T for g, s in zip(gradient.swapaxes(0, 1), self.scatter, strict=True)))

    def variances(self) -> Floats:
        """The diagonal of `covariance`, shape (ratios,)."""
        pairs = zip(self.gradient.swapaxes(0, 1), self.scatter, strict=True)
        return np.asarray(sum(((g @ s) * g).sum(axis=1) for g, s in pairs))


def log_ratios(ladder: Ladder, cells: Cells, members: Mask) -> LogRatios:
    """Log ratios over sets of treated cells; `members` (ratios, cells) says which cells are in which."""
    total, imputed = ladder.panel.total[cells.cohort, cells.column], ladder.expected[cells.cohort, cells.column]
    observed, expected = members @ total, members @ imputed
    part = members * imputed
    part = part / np.where(expected > 0, expected, 1.0)[:, None]
    gradient = -np.einsum("ar,rcs->acs", part, ladder.moved(cells), optimize=True)
    own = members / np.where(observed > 0, observed, 1.0)[:, None]
    gradient[:, cells.cohort, cells.column] += own  # each cell occurs once
    return LogRatios(observed=observed, expected=expected, gradient=gradient, scatter=ladder.scatter)

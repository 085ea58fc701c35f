"""Effects of many placebo sets whose members begin in different months, as arithmetic on totals by segment.

The months are cut at the starts, so that within a segment the same units are untreated. Segment 0 lies before the first
start; cohort j of a set (counted from 0) is treated from segment j + 1 on. The models of `etwfe_kernels` and
`imputation_kernels` need nothing but the totals of each cohort in each segment, so that ten thousand sets are a few
gathers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.cohorts import NEVER
from cseval.estimators.did_kernels import member_sum, split_sums

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class SetCohorts:
    """Which member of each set begins when.

    Parameters
    ----------
    design : Design
    sets : PlaceboSets
    first : int array, shape (cohorts,)
        Columns in which members begin, ascending.
    cohort : int array, shape (sets, size)
        Number of each member's cohort; ``len(first)`` for members that do not begin in the window.
    """

    design: Design
    sets: PlaceboSets
    first: Index
    cohort: Index

    @property
    def edges(self) -> Index:
        """First column of each segment, shape (cohorts + 1,)."""
        return np.append(0, self.first)

    @property
    def months(self) -> Index:
        """Months in each segment, shape (cohorts + 1,)."""
        return np.diff(np.append(self.edges, len(self.design.periods)))

    def segments(self) -> Floats:
        """Counts of each unit in each segment, shape (units, cohorts + 1)."""
        return np.add.reduceat(self.design.counts, self.edges, axis=1).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """Sum `values` (units, columns) over each cohort of each set and, last, over its comparison units.

        Members that do not begin in the window count among the comparison units.

        Returns
        -------
        float array, shape (sets, cohorts + 1, columns)
        """
        none, members = len(self.design.units), self.sets.members
        _, rest = split_sums(values, self.design.comparison, self.sets)
        parts = [member_sum(values, np.where(self.cohort == c, members, none)) for c in range(len(self.first))]
        if (self.cohort == len(self.first)).any():
            rest = rest + member_sum(values, np.where(self.cohort == len(self.first), members, none))
        return np.stack([*parts, rest], axis=1)

    def sizes(self) -> Floats:
        """Units of each cohort of each set and, last, of its comparison; shape (sets, cohorts + 1)."""
        return np.rint(self.sums(np.ones((len(self.design.units), 1)))[:, :, 0])

    def baseline(self) -> Floats:
        """Count of each set before the first start, shape (sets,)."""
        return member_sum(self.design.pre_counts, self.sets.members)


def set_cohorts(design: Design, sets: PlaceboSets) -> SetCohorts:
    """The cohorts of each set, by the starts that `Design.cohorts_of` gives its members."""
    position = design.cohorts_of(sets.members)
    first = np.unique(position[position < NEVER])
    cohort = np.where(position < NEVER, np.searchsorted(first, position), len(first))
    return SetCohorts(design=design, sets=sets, first=first, cohort=cohort.astype(np.int64))


# The Poisson model --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class SetLadder:
    """Chain ladder of each set, see `etwfe_kernels`.

    Parameters
    ----------
    totals : float array, shape (sets, cohorts + 1, segments)
    observed, expected : float array, shape (sets,)
        Incidents in the treated cells, and those expected there without the programme; NaN where a cohort has no
        incident before its start.
    factor, before, after : float array, shape (sets, segments)
        Growth of the cumulative total over each segment, its denominator and numerator; segment 0 is not used.
    """

    totals: Floats
    observed: Floats
    expected: Floats
    factor: Floats
    before: Floats
    after: Floats

    def effect(self) -> Floats:
        """``ln(observed / expected)``, NaN where either is zero; shape (sets,)."""
        return np.asarray(np.log(positive(self.observed)) - np.log(positive(self.expected)))


def positive(values: Floats) -> Floats:
    """Values with NaN in place of anything not above zero, so that logs and quotients stay silent."""
    return np.where(values > 0, values, np.nan)


def untreated_segments(cohorts: int) -> Mask:
    """Which segments of each cohort, and of the comparison, are untreated; shape (cohorts + 1, cohorts + 1)."""
    return np.asarray(np.arange(cohorts + 1) <= np.arange(cohorts + 1)[:, None])


def set_ladder(totals: Floats, sizes: Floats) -> SetLadder:
    """Fit the model to the totals of each set; `sizes` (sets, cohorts + 1) says which cohorts it has."""
    cohorts = totals.shape[1] - 1
    cumulative, untreated = np.cumsum(totals, axis=2), untreated_segments(cohorts)
    after = (cumulative * untreated).sum(axis=1)
    before = np.zeros_like(after)
    before[:, 1:] = (cumulative[:, :, :-1] * untreated[:, 1:]).sum(axis=1)
    factor = np.ones_like(after)
    factor[:, 1:] = positive(after[:, 1:]) / positive(before[:, 1:])
    which = np.arange(cohorts)
    known = cumulative[:, which, which]
    known = np.where((known > 0) | (sizes[:, :-1] == 0), known, np.nan)
    expected = (known * (_growth(factor) - 1)).sum(axis=1)
    observed = (cumulative[:, which, -1] - cumulative[:, which, which]).sum(axis=1)
    return SetLadder(totals=totals, observed=observed, expected=expected, factor=factor, before=before, after=after)


def _growth(factor: Floats) -> Floats:
    """Growth of each cohort's cumulative total from its start to the last month, shape (sets, cohorts)."""
    from_end = np.cumprod(factor[:, :0:-1], axis=1)[:, ::-1]
    return np.asarray(from_end)


def expected_gradient(ladder: SetLadder) -> Floats:
    """Derivative of ``ln(expected)`` in the total of each cohort and segment, shape of `totals`; 0 in treated cells."""
    sets, groups, _ = ladder.totals.shape
    cohorts, untreated = groups - 1, untreated_segments(groups - 1)
    growth, cumulative = _growth(ladder.factor), np.cumsum(ladder.totals, axis=2)
    which = np.arange(cohorts)
    reached = np.cumsum(cumulative[:, which, which] * growth, axis=1)  # what moves with the factor of each segment
    out = np.zeros((sets, groups, groups))
    out[:, :-1] += (growth - 1)[:, :, None] * untreated[:-1]
    for k in range(1, groups):
        share = reached[:, k - 1, None]
        up, until = share / positive(ladder.after[:, k, None]), share / positive(ladder.before[:, k, None])
        out[:, k:, : k + 1] += up[:, :, None]
        out[:, k:, :k] -= until[:, :, None]
    return np.asarray(out * untreated / positive(ladder.expected)[:, None, None])


def poisson_variance(ladder: SetLadder) -> tuple[Floats, Floats]:
    """Variance of the effect if counts were Poisson and the programme had none, and the part of the treated cells.

    ``1 / M + sum over untreated cells of (d ln M / d Y)^2 Y`` with M the incidents expected in the treated cells.
    """
    own = 1 / positive(ladder.expected)
    rest = (expected_gradient(ladder) ** 2 * ladder.totals).sum(axis=(1, 2))
    return np.asarray(own + rest), own


def ladder_variance(ladder: SetLadder, moments: Floats) -> Floats:
    """Sandwich variance by unit (CR0) of each effect, shape (sets,).

    Parameters
    ----------
    moments : float array, shape (sets, cohorts + 1, segments, segments)
        ``sum y_i y_i'`` over the units of each cohort and of the comparison.
    """
    groups = ladder.totals.shape[1]
    untreated = untreated_segments(groups - 1)
    gradient = np.where(untreated, 0.0, 1 / positive(ladder.observed)[:, None, None]) - expected_gradient(ladder)
    gradient -= (gradient * _shares(ladder)).sum(axis=2, keepdims=True)  # residuals rather than counts
    return np.asarray(np.einsum("scj,scjk,sck->s", gradient, moments, gradient, optimize=True))


def _shares(ladder: SetLadder) -> Floats:
    """Share of each segment in the fitted total of a unit, effects included; shape of `totals`."""
    groups = ladder.totals.shape[1]
    untreated = untreated_segments(groups - 1)
    level = np.cumprod(ladder.factor, axis=1)  # cumulative, relative to segment 0
    known = (ladder.totals * untreated).sum(axis=2, keepdims=True)
    cumulative = known * level[:, None, :] / level[:, :, None]
    fitted = np.where(untreated, np.diff(cumulative, axis=2, prepend=0.0), ladder.totals)
    whole = fitted.sum(axis=2, keepdims=True)
    return np.asarray(fitted / np.where(whole > 0, whole, 1.0))


def second_moments(values: Floats, found: SetCohorts) -> Floats:
    """``sum y_i y_i'`` over each cohort and the comparison, `values` being (units, segments)."""
    first, second = np.triu_indices(values.shape[1])
    sums = found.sums(values[:, first] * values[:, second])
    out = np.empty((*sums.shape[:2], values.shape[1], values.shape[1]))
    out[:, :, first, second] = sums
    out[:, :, second, first] = sums
    return out


# Linear models ------------------------------------------------------------------------------------


def treated_months(found: SetCohorts, sizes: Floats) -> Floats:
    """Months of treated units in each set, shape (sets,)."""
    after = len(found.design.periods) - found.first
    return np.asarray(sizes[:, :-1] @ after.astype(float))


def _month_levels(totals: Floats, sizes: Floats, months: Index) -> tuple[Floats, Floats]:
    """Month effect of each segment and their mean up to it, 0 in segment 0; both of shape (sets, segments)."""
    cohorts = totals.shape[1] - 1
    length = np.cumsum(months)
    cumulative, untreated = np.cumsum(totals, axis=2), untreated_segments(cohorts)
    levels, means = np.zeros((2, len(totals), cohorts + 1))
    for k in range(1, cohorts + 1):
        used = untreated[:, k]
        difference = totals[:, used, k] / months[k] - cumulative[:, used, k - 1] / length[k - 1]
        step = difference.sum(axis=1) / positive(sizes[:, used].sum(axis=1))
        levels[:, k] = means[:, k - 1] + step
        means[:, k] = means[:, k - 1] + step * months[k] / length[k]
    return levels, means


def untreated_totals(totals: Floats, sizes: Floats, months: Index) -> Floats:
    """Totals that unit and month effects of the untreated cells make, fitted and imputed; shape of `totals`."""
    groups = np.arange(totals.shape[1])
    levels, means = _month_levels(totals, sizes, months)
    own = np.cumsum(totals, axis=2)[:, groups, groups] / np.cumsum(months)
    path = levels[:, None, :] - means[:, :, None]  # month effects less their mean before each cohort's start
    return np.asarray(months * (own[:, :, None] + sizes[:, :, None] * path))


def imputation_effects(totals: Floats, sizes: Floats, months: Index) -> Floats:
    """Sum over treated cells of what least squares on the untreated cells leaves, for each set; shape (sets,).

    `imputation_kernels` by segment: a unit's difference between its mean in a segment and in all months before.
    """
    treated = ~untreated_segments(totals.shape[1] - 1)
    return np.asarray(((totals - untreated_totals(totals, sizes, months)) * treated).sum(axis=(1, 2)))


def imputation_variance(totals: Floats, sizes: Floats, months: Index, moments: Floats) -> Floats:
    """Conservative variance by unit of each of `imputation_effects`, shape (sets,); parameters as `ladder_variance`.

    The sum is linear in the totals: its weights are what it makes of a total of one, and a unit adds the square of
    them times its residuals.
    """
    groups = totals.shape[1]
    weights = np.zeros_like(totals)
    for c, k in np.ndindex(groups, groups):
        one = np.zeros_like(totals)
        one[:, c, k] = 1.0
        weights[:, c, k] = imputation_effects(one, sizes, months)
    untreated = untreated_segments(groups - 1)
    fitted = np.where(untreated, untreated_totals(totals, sizes, months), totals) / positive(sizes)[:, :, None]
    centre = np.where(sizes > 0, (weights * fitted).sum(axis=2), 0.0)
    squares = np.einsum("scj,scjk,sck->s", weights, moments, weights, optimize=True)
    return np.asarray(squares - (2 * centre * (weights * totals).sum(axis=2) - sizes * centre**2).sum(axis=1))


def base_month_effects(found: SetCohorts, sizes: Floats, not_yet: bool) -> Floats:
    """Sum over treated cells of the change since the last month before, less that of the controls; shape (sets,).

    Callaway and Sant'Anna's ATT(g, t), each times the units of g.
    """
    segments, counts, months = found.segments(), found.design.counts, found.months
    out = np.zeros(len(sizes))
    for j, first in enumerate(found.first.tolist()):
        base = counts[:, first - 1].astype(float)
        sums = found.sums(segments[:, j + 1 :] - base[:, None] * months[j + 1 :])
        for k in range(j + 1, len(found.first) + 1):
            used = np.arange(len(found.first) + 1) >= (k if not_yet else len(found.first))
            units = sizes[:, used].sum(axis=1)
            control = sums[:, used, k - j - 1].sum(axis=1) / positive(units)
            out += sums[:, j, k - j - 1] - sizes[:, j] * control
    return out

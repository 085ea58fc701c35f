"""The treated area and its donors as series on a common measure, for one treated set or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.did_kernels import member_sum

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: Rates are per this much exposure.
PER = 1000.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """Counts of groups of units: donors one by one, or treated sets as a whole.

    Parameters
    ----------
    counts : float array, shape (groups, months)
    exposure : float array, shape (groups, months), or None
    size : float array, shape (groups,)
        Units in each.
    post : bool array, shape (months,)
    """

    counts: Floats
    exposure: Floats | None
    size: Floats
    post: Mask

    def unit_of(self, measure: str) -> Floats:
        """Incidents that one unit of the measure stands for, shape (groups, months); NaN where it has none."""
        unit = MEASURES[measure](self)
        known: Floats = np.broadcast_to(np.where(unit > 0, unit, np.nan), self.counts.shape)
        return known


def _per_unit(groups: Groups) -> Floats:
    return groups.size[:, None]


def _per_exposure(groups: Groups) -> Floats:
    if groups.exposure is None:
        raise EstimationError("no exposure in the panel", where="measure='rate'", todo="Use measure='index'")
    return np.asarray(groups.exposure / PER)


def _per_own_mean(groups: Groups) -> Floats:
    return np.asarray(groups.counts[:, ~groups.post].mean(axis=1, keepdims=True))


#: What one unit of each measure is: an incident per unit of the panel, per exposure, or relative to the own pre mean.
MEASURES: Mapping[str, Callable[[Groups], Floats]] = {
    "index": _per_own_mean,
    "counts": _per_unit,
    "rate": _per_exposure,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Treated sets and donors on one measure, ready to be fitted.

    Parameters
    ----------
    donors : float array, shape (donors, months)
    targets : float array, shape (sets, months)
    points : float array, shape (rows, donors)
        What is fitted: means of months, of the outcome and then of each covariate.
    goals : float array, shape (sets, rows)
        The same of the sets.
    kind : int array, shape (rows,)
        0 for rows of the outcome itself, which come first, and 1, 2, ... for those of each covariate.
    averaging : float array, shape (rows of the outcome, months)
        Takes months to the outcome's rows.
    allowed : bool array, shape (sets, donors)
    unit : float array, shape (sets, months)
        Incidents that one unit of the measure stands for in each set.
    size : float array, shape (sets,)
        Treated units in each set.
    post : bool array, shape (months,)
    months_per_point : int
    relative : bool
        Whether the measure is relative to each unit's own mean before the start.
    """

    donors: Floats
    targets: Floats
    points: Floats
    goals: Floats
    kind: Index
    averaging: Floats
    allowed: Mask
    unit: Floats
    size: Floats
    post: Mask
    months_per_point: int
    relative: bool

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def own(self) -> Mask:
        """Which rows are of the outcome itself."""
        return np.asarray(self.kind == 0)

    def take(self, which: Index | Mask | slice) -> Series:
        """Some of the sets."""
        kept = {n: getattr(self, n)[which] for n in ("targets", "goals", "allowed", "unit", "size")}
        return replace(self, **kept)

    def under(self, effects: Floats) -> Series:
        """One set under each of several effects, or each set under its own, with all months before and after fitted.

        Parameters
        ----------
        effects : float array
            Log ratios taken off the months after the start.
        """
        rows = np.zeros(len(effects), dtype=np.int64) if len(self) == 1 else np.arange(len(effects))
        every = self.take(rows)
        targets = every.targets * np.where(self.post, np.exp(-effects)[:, None], 1.0)
        donors = self.donors
        if self.relative:  # to the mean of all months, or those before the start would fit better than the others
            donors, targets = _over_mean(donors), _over_mean(targets)
        averaging = block_means(np.concatenate([_blocks(~self.post, self.months_per_point), self._after()]), self.post)
        extra = self.kind > 0
        own = np.zeros(len(averaging), dtype=np.int64)
        return replace(
            every,
            donors=donors,
            targets=targets,
            averaging=averaging,
            kind=np.concatenate([own, self.kind[extra]]),
            points=np.concatenate([averaging @ donors.T, self.points[extra]]),
            goals=np.concatenate([targets @ averaging.T, every.goals[:, extra]], axis=1),
        )

    def without(self, row: int) -> tuple[Floats, Floats]:
        """Points and goals as they would be if a row were not known.

        Relative to a mean that takes no account of it: a unit's points add up to their number, so the row left out
        would otherwise follow from those kept.
        """
        if not self.relative:
            return self.points, self.goals
        months = (self.averaging > 0).sum(axis=1)[np.arange(len(self.kind)) % len(self.averaging)]
        share = months * ((self.kind == self.kind[row]) & (np.arange(len(self.kind)) != row))
        share = share / share.sum()
        rows = (self.kind == self.kind[row]).astype(float)
        by_donor, by_set = share @ self.points, self.goals @ share
        by_donor = np.where(by_donor > 0, by_donor, 1.0)  # nothing but the row itself, or no donor
        by_set = np.where(by_set > 0, by_set, np.nan)
        points = self.points / np.where(rows[:, None] > 0, by_donor, 1.0)
        return points, self.goals / np.where(rows > 0, by_set[:, None], 1.0)

    def _after(self) -> Index:
        """Number of the point of each month after the start, following those before it."""
        before = _blocks(~self.post, self.months_per_point)
        return np.asarray(before.max() + 1 + np.arange(int(self.post.sum())) // self.months_per_point)


def _over_mean(values: Floats) -> Floats:
    """Rows over their mean; zero rows stay, since they are no donors."""
    mean = values.mean(axis=1, keepdims=True)
    return np.asarray(values / np.where(mean == 0, 1.0, mean))


def _blocks(pre: Mask, months_per_point: int) -> Index:
    """Number of the point of each month before the start; the last point ends with the last month."""
    months = int(pre.sum())
    back = (months - 1 - np.arange(months)) // months_per_point
    return np.asarray(back.max() - back)


def block_means(block: Index, post: Mask) -> Floats:
    """Matrix that takes months to the means of the blocks they are in, shape (blocks, months).

    Parameters
    ----------
    block : int array
        Of each month, those before the start first; months beyond its length are in none.
    post : bool array, shape (months,)
    """
    matrix = np.zeros((int(block.max()) + 1, len(post)))
    matrix[block, np.arange(len(block))] = 1.0
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def series_of(
    design: Design, sets: PlaceboSets, measure: str, months_per_point: int, covariates: Sequence[str] = ()
) -> Series:
    """The series of each set and of the comparison units less the set and its ring.

    A comparison unit without a unit of the measure (no incident before the start to be an index of) is no donor.

    Raises
    ------
    EstimationError
        If exposure is asked for and absent, or a covariate was not received.
    """
    averaging = block_means(_blocks(~design.post, months_per_point), design.post)
    where = np.flatnonzero(design.comparison)
    parts = [_measured(design, sets, where, measure, c) for c in (None, *covariates)]
    usable = np.all([np.isfinite(donors).all(axis=1) for donors, _, _ in parts], axis=0)
    donors, targets, unit = parts[0]
    return Series(
        donors=np.where(usable[:, None], donors, 0.0),
        targets=targets,
        points=np.concatenate([averaging @ np.where(usable[:, None], d, 0.0).T for d, _, _ in parts]),
        goals=np.concatenate([t @ averaging.T for _, t, _ in parts], axis=1),
        kind=np.repeat(np.arange(len(parts)), len(averaging)),
        averaging=averaging,
        allowed=_donors(design, sets, where) & usable,
        unit=unit,
        size=(sets.members < len(design.units)).sum(axis=1).astype(float),
        post=design.post,
        months_per_point=months_per_point,
        relative=MEASURES[measure] is _per_own_mean,
    )


def _measured(
    design: Design, sets: PlaceboSets, where: Index, measure: str, covariate: str | None
) -> tuple[Floats, Floats, Floats]:
    """Donors and sets on the measure, and what one unit of it stands for in each set."""
    counts = design.counts.astype(float) if covariate is None else _other(design, covariate)
    exposure, post = design.exposure, design.post
    single = Groups(
        counts=counts[where],
        exposure=None if exposure is None else exposure[where],
        size=np.ones(len(where)),
        post=post,
    )
    whole = Groups(
        counts=member_sum(counts, sets.members),
        exposure=None if exposure is None else member_sum(exposure, sets.members),
        size=(sets.members < len(counts)).sum(axis=1).astype(float),
        post=post,
    )
    unit = whole.unit_of(measure)
    return single.counts / single.unit_of(measure), whole.counts / unit, unit


def _other(design: Design, outcome: str) -> Floats:
    """Counts of another outcome over the used months."""
    from cseval.estimators.poisson_did import covariate_counts

    return covariate_counts(design, outcome)


def _donors(design: Design, sets: PlaceboSets, where: Index) -> Mask:
    """Which comparison units, at positions `where`, are outside each set and its ring; shape (sets, donors)."""
    position = np.full(len(design.units) + 1, len(where))
    position[where] = np.arange(len(where))
    allowed = np.ones((len(sets), len(where) + 1), dtype=bool)
    taken = position[np.concatenate([sets.members, sets.ring], axis=1)]
    np.put_along_axis(allowed, taken, False, axis=1)
    return allowed[:, :-1]

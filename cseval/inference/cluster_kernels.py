"""Cluster-robust variances of a two-group comparison in closed form, for one set of units or thousands.

With units as clusters the hat matrix of the model, unit and month effects included, acts on the score of a unit as
the plain number ``h_i``, its share of its group's mass. So the corrections of Bell and McCaffrey (2002, "Bias
reduction in standard errors for linear regression with multi-stage samples") are sums over units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError, UsageError
from cseval.estimators.base import ClusterErrors
from cseval.estimators.did_kernels import member_sum

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.base import Estimator
    from cseval.estimators.collapsed import Collapsed, Link

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

#: Cells of a sets x units array that are held at once.
CELLS = 2_000_000

#: A unit this near to being the whole of its group leaves nothing to estimate a variance from.
WHOLE = 1 - 1e-10


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupSums:
    """Sums over the units of one group, for every set; leverage h, score s.

    Parameters
    ----------
    mass, ratio : float array, shape (sets,)
        ``M = sum mass`` and ``r = sum value / M``.
    squares : float array, shape (3, sets)
        ``sum s^2 / (1 - h)^k`` for k = 0, 1, 2; NaN for k > 0 where a unit is the whole group.
    trace : float array, shape (sets,)
        ``sum h^2 - sum h^4 / (1 - h)^2 + (sum h^2 / (1 - h))^2``.
    units : int array, shape (sets,)
    """

    mass: Floats
    ratio: Floats
    squares: Floats
    trace: Floats
    units: Index

    def variances(self, link: Link) -> Floats:
        """The group's part of CR0, CR2 and the sum of squared jackknife changes, shape (3, sets)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.squares / self.information(link) ** 2)

    def information(self, link: Link) -> Floats:
        """``W = M slope(r)``: the group's mean has the working variance 1 / W, shape (sets,)."""
        return np.asarray(self.mass * link.slope(self.ratio))


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterVariances:
    """Variances of the effects of many sets and the degrees of freedom of CR2; NaN where there is none.

    Parameters
    ----------
    cr0, cr2, cr3 : float array, shape (sets,)
        `cr3` is the jackknife ``(N - 1) / N sum (effect without unit i - effect)^2``, its linear part for Poisson.
    df : float array, shape (sets,)
        Satterthwaite's for CR2.
    units : int array, shape (sets,)
        Treated and comparison units together, N.
    """

    cr0: Floats
    cr2: Floats
    cr3: Floats
    df: Floats
    units: Index

    def errors_cr2(self) -> ClusterErrors:
        """Bias-reduced errors with Satterthwaite degrees of freedom."""
        return ClusterErrors(std_error=np.sqrt(self.cr2), df=self.df)

    def errors_cr3(self) -> ClusterErrors:
        """Jackknife errors with units - 1 degrees of freedom."""
        return ClusterErrors(std_error=np.sqrt(self.cr3), df=(self.units - 1).astype(float))


def collapsed_of(method: str, estimator: Estimator, design: Design, sets: PlaceboSets) -> Collapsed:
    """The estimator's comparison of two weighted means.

    Raises
    ------
    UsageError
        If the estimator never is one.
    EstimationError
        If it is not with these options and data.
    """
    collapse = getattr(estimator, "collapsed", None)
    if collapse is None:
        raise UsageError(
            f"{estimator.name} is no comparison of two weighted means", where=method, expected="PoissonDiD or LinearDiD"
        )
    found: Collapsed = collapse(design, sets)
    return found


def require_several(method: str, design: Design, variances: ClusterVariances) -> None:
    """Refuse an effect whose error does not exist because one unit is a whole group.

    Raises
    ------
    EstimationError
        If a group has a single unit, or a single one with incidents.
    """
    if np.isfinite(variances.cr2[0]):
        return
    group = "treated" if int(design.is_treated.sum()) == 1 else "treated or the comparison"
    raise EstimationError(
        f"the error does not exist because the {group} group has a single unit with incidents",
        where=method,
        expected="at least two",
        todo="Use placebo neighbourhoods",
    )


def cluster_variances(collapsed: Collapsed, comparison: Mask, sets: PlaceboSets) -> ClusterVariances:
    """Variances clustered by unit of the effect of each set against the comparison less the set and its ring.

    Parameters
    ----------
    collapsed : Collapsed
    comparison : bool array, shape (units,)
    sets : PlaceboSets

    Notes
    -----
    ``CR0 = sum_g sum_i s_i^2 / W_g^2``, CR2 divides each term by ``1 - h_i`` and the jackknife by its square. Under the
    working variance a group's CR2 is unbiased for ``1 / W_g``, and the degrees of freedom are ``2 E[V]^2 / Var[V]``:
    ``(sum_g 1 / W_g)^2 / sum_g trace_g / W_g^2`` with ``trace`` of `GroupSums` (Pustejovsky and Tipton 2018,
    "Small-sample methods for cluster-robust variance estimation and hypothesis testing in fixed effects models",
    section 3). The jackknife carries the factor ``(N - 1) / N`` of MacKinnon, Nielsen and Webb (2023, "Cluster-robust
    inference: a guide to empirical practice", CV3); clubSandwich's CR3 leaves it out.
    """
    groups = (treated_sums(collapsed, sets.members), comparison_sums(collapsed, comparison, sets))
    link, scale = collapsed.link, collapsed.factor**2
    cr0, cr2, cr3 = (scale * part for part in groups[0].variances(link) + groups[1].variances(link))
    units = groups[0].units + groups[1].units
    return ClusterVariances(
        cr0=cr0, cr2=cr2, cr3=cr3 * (units - 1) / units, df=_satterthwaite(groups, link), units=units
    )


def _satterthwaite(groups: tuple[GroupSums, GroupSums], link: Link) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share = [1 / g.information(link) for g in groups]
        return np.asarray((share[0] + share[1]) ** 2 / sum(g.trace * w**2 for g, w in zip(groups, share, strict=True)))


def treated_sums(collapsed: Collapsed, members: Index) -> GroupSums:
    """Sums over each row of `members`, which may be padded with the number of units."""
    used = members < len(collapsed.mass)
    mass, value = (np.append(x, 0.0)[members] for x in (collapsed.mass, collapsed.value))
    return _group_sums(value, mass, used)


def _group_sums(value: Floats, mass: Floats, used: Mask) -> GroupSums:
    """Sums along the rows of arrays of shape (sets, units), zero where not `used`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        total = mass.sum(axis=1)
        ratio = value.sum(axis=1) / total
        leverage = mass / total[:, None]
        squares = (value - ratio[:, None] * mass) ** 2
        rest = np.where(leverage < WHOLE, 1 - leverage, np.nan)
        sums = np.stack([squares.sum(axis=1), (squares / rest).sum(axis=1), (squares / rest**2).sum(axis=1)])
        own = leverage**2 / rest
        trace = (leverage**2).sum(axis=1) - (own**2).sum(axis=1) + own.sum(axis=1) ** 2
    return GroupSums(mass=total, ratio=ratio, squares=sums, trace=trace, units=used.sum(axis=1))


def comparison_sums(collapsed: Collapsed, comparison: Mask, sets: PlaceboSets) -> GroupSums:
    """Sums over the comparison units less each set and its ring, a block of sets at a time.

    Values are centred first, so that sums of squares and products lose nothing to rounding.
    """
    mass, value = collapsed.mass[comparison], collapsed.value[comparison]
    centre = value.sum() / mass.sum() if mass.sum() > 0 else 0.0
    centred = value - centre * mass
    parts = [_block_sums(keep, centred, mass) for keep in kept_blocks(comparison, sets)]
    joined = [np.concatenate([p[k] for p in parts], axis=-1) for k in range(4)]
    units = comparison.sum() - _taken_off(comparison, sets)
    return GroupSums(mass=joined[0], ratio=joined[1] + centre, squares=joined[2], trace=joined[3], units=units)


def _block_sums(keep: Floats, value: Floats, mass: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Mass, mean, sums of squares and trace of each row of `keep` (sets, units), which holds 0 and 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        total = keep @ mass
        ratio = (keep @ value) / total
        rest = 1 - keep * (mass / total[:, None])
        rest[~(rest > 1 - WHOLE)] = np.nan
        products = np.stack([value**2, value * mass, mass**2, mass**4], axis=1)
        weighted = [(keep / rest**k) @ products for k in range(3)]
        weights = np.stack([np.ones_like(ratio), -2 * ratio, ratio**2], axis=1)
        squares = np.stack([np.maximum((w[:, :3] * weights).sum(axis=1), 0.0) for w in weighted])
        second = [w[:, 2] / total**2 for w in weighted]
        trace = second[0] - weighted[2][:, 3] / total**4 + second[1] ** 2
    return total, ratio, squares, trace


def kept_blocks(comparison: Mask, sets: PlaceboSets) -> Iterator[Floats]:
    """For blocks of sets, which comparison units are left, as an array of 0 and 1, shape (sets, comparison units)."""
    n = int(comparison.sum())
    column = np.full(len(comparison) + 1, n)
    column[:-1][comparison] = np.arange(n)
    rows = max(CELLS // (n + 1), 1)
    for first in range(0, len(sets), rows):
        off = np.concatenate([x[first : first + rows] for x in (sets.members, sets.ring)], axis=1)
        keep = np.ones((len(off), n + 1))
        keep[np.arange(len(off))[:, None], column[off]] = 0.0
        yield keep[:, :n]


def _taken_off(comparison: Mask, sets: PlaceboSets) -> Index:
    inside = comparison.astype(np.float64)
    return np.rint(member_sum(inside, sets.members) + member_sum(inside, sets.ring)).astype(np.int64)

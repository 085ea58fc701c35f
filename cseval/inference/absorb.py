"""Fixed effects taken off a regression without dummies, exactly, and sums by cluster of what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

#: Eigenvalues below this share of the largest are those of a combination that does not vary.
RANK = 1e-10


def codes_of(labels: Any) -> tuple[Index, int]:
    """Number of each row's group in order of appearance, and the number of groups."""
    import pandas as pd

    codes, names = pd.factorize(np.asarray(labels))
    return np.asarray(codes, dtype=np.int64), len(names)


def half_inverse(matrix: Floats) -> Floats:
    """L with ``L L' = matrix^+`` for a symmetric matrix that is nowhere negative, shape (k, rank)."""
    values, vectors = np.linalg.eigh(matrix)
    keep = values > RANK * max(values.max(initial=0.0), 0.0)
    return np.asarray(vectors[:, keep] / np.sqrt(values[keep]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Factor:
    """Levels of one factor, numbered from 0.

    Parameters
    ----------
    codes : int array, shape (rows,)
    levels : int
    """

    codes: Index
    levels: int

    @classmethod
    def of(cls, labels: Any) -> Factor:
        """From labels of any kind."""
        codes, levels = codes_of(labels)
        return cls(codes=codes, levels=levels)

    def sums(self, values: Floats) -> Floats:
        """Sum over each level of each column of `values` (rows, k), shape (levels, k)."""
        columns = [np.bincount(self.codes, weights=c, minlength=self.levels) for c in values.T]
        return np.stack(columns, axis=1) if columns else np.zeros((self.levels, 0))

    def crossed(self, other: Factor, weights: Floats | None = None) -> Floats:
        """Sum of weights, or number of rows, in each pair of levels, shape (levels, levels of the other)."""
        pair = self.codes * other.levels + other.codes
        counts = np.bincount(pair, weights=weights, minlength=self.levels * other.levels)
        return counts.reshape(self.levels, other.levels).astype(float)


@dataclass(frozen=True, kw_only=True, eq=False)
class Absorbed:
    """Fixed effects of one factor that lies within clusters, and of all the others, which cross them.

    Parameters
    ----------
    inner : Factor or None
    crossing : tuple of Factor
        A single level where there is no factor at all: the intercept.
    half : float array, shape (crossing levels, rank)
        `half_inverse` of the cross product of the crossing dummies less their means by inner level.
    clusters : Factor
    weights : float array, shape (rows,), optional
        Of a weighted regression; means and cross products are weighted by them.
    """

    inner: Factor | None
    crossing: tuple[Factor, ...]
    half: Floats
    clusters: Factor
    weights: Floats | None = None

    @property
    def rank(self) -> int:
        """Number of effects that are estimated, intercept included."""
        return int(self.half.shape[1]) + (0 if self.inner is None else self.inner.levels)

    def counted(self, clusterings: Sequence[Factor]) -> int:
        """Number of effects that count as estimated where errors are clustered so.

        All but those of factors that lie within a clustering, and the intercept, as in Stata and fixest.
        """
        factors = [f for f in (self.inner, *self.crossing) if f is not None]
        nested = [f.codes for f in factors if any(within(f, c) for c in clusterings)]
        if not nested:
            return self.rank
        return self.rank - absorb(nested, np.zeros_like(nested[0])).rank + 1

    def weighted(self, values: Floats) -> Floats:
        """`values` (rows, ...) times the weights."""
        return values if self.weights is None else (values.T * self.weights).T

    def residuals(self, values: Floats) -> Floats:
        """Residuals of each column after all fixed effects, shape as `values` (rows, k)."""
        left = self._within(values)
        if not self.crossing:
            return left
        effects = self.half @ (self.half.T @ np.concatenate([f.sums(self.weighted(left)) for f in self.crossing]))
        return np.asarray(left - self._within(self._spread(effects)))

    def _spread(self, effects: Floats) -> Floats:
        """Sum of the effects (crossing levels, k) of each row's levels, shape (rows, k)."""
        ends = np.cumsum([f.levels for f in self.crossing])[:-1]
        return np.asarray(sum(e[f.codes] for f, e in zip(self.crossing, np.split(effects, ends), strict=True)))

    def _within(self, values: Floats) -> Floats:
        if self.inner is None:
            return values
        size = np.bincount(self.inner.codes, weights=self.weights, minlength=self.inner.levels)[:, None]
        return np.asarray(values - (self.inner.sums(self.weighted(values)) / size)[self.inner.codes])

    def cluster_sums(self, weights: Floats) -> Floats:
        """Sum over each cluster of `weights` times each crossing dummy, shape (clusters, crossing levels).

        For weights that sum to zero within every inner level, as residuals do.
        """
        parts = [self.clusters.crossed(f, weights) for f in self.crossing]
        return np.concatenate([np.zeros((self.clusters.levels, 0)), *parts], axis=1)

    def gram(self, values: Floats) -> Floats:
        """Cross products by cluster of ``[values, crossing dummies]``, both less their means by inner level.

        Parameters
        ----------
        values : float array, shape (rows, k)
            Already less the means by inner level, as residuals are.

        Returns
        -------
        float array, shape (clusters, k + crossing levels, k + crossing levels).
        """
        dummies = [self._within((f.codes[:, None] == np.arange(f.levels)).astype(float)) for f in self.crossing]
        dense = np.concatenate([values, *dummies], axis=1)
        order = np.argsort(self.clusters.codes, kind="stable")
        ends = np.cumsum(np.bincount(self.clusters.codes, minlength=self.clusters.levels))[:-1]
        parts = zip(np.split(dense[order], ends), np.split(self.weighted(dense)[order], ends), strict=True)
        return np.stack([part.T @ weighted for part, weighted in parts])


def absorb(factors: Sequence[Any], clusters: Index, weights: Floats | None = None) -> Absorbed:
    """Sort the factors into the finest that lies within clusters, and the others.

    Parameters
    ----------
    factors : sequence of array, each of shape (rows,)
        Labels of fixed effects; none gives an intercept.
    clusters : int array, shape (rows,)
        Cluster of each row, numbered from 0.
    weights : float array, shape (rows,), optional
        Above zero.

    Raises
    ------
    UsageError
        If a weight is not above zero.
    """
    if weights is not None and not (np.isfinite(weights) & (weights > 0)).all():
        raise UsageError("a weight is not above zero", where="regression", todo="Leave out rows without weight")
    coded = [Factor.of(f) for f in factors]
    of_cluster = Factor(codes=clusters, levels=int(clusters.max()) + 1)
    inside = [k for k, factor in enumerate(coded) if within(factor, of_cluster)]
    finest = max(inside, key=lambda k: coded[k].levels, default=None)
    crossing = tuple(f for k, f in enumerate(coded) if k != finest)
    if not factors:
        crossing = (Factor(codes=np.zeros(len(clusters), dtype=np.int64), levels=1),)
    inner = None if finest is None else coded[finest]
    half = half_inverse(_cross(inner, crossing, weights))
    return Absorbed(inner=inner, crossing=crossing, half=half, clusters=of_cluster, weights=weights)


def _cross(inner: Factor | None, crossing: Sequence[Factor], weights: Floats | None) -> Floats:
    """Cross product of the crossing dummies less their means by inner level."""
    if not crossing:
        return np.zeros((0, 0))
    gram = np.block([[f.crossed(g, weights) for g in crossing] for f in crossing])
    if inner is None:
        return np.asarray(gram)
    counts = np.concatenate([inner.crossed(f, weights) for f in crossing], axis=1)
    size = np.bincount(inner.codes, weights=weights, minlength=inner.levels)[:, None]
    return np.asarray(gram - counts.T @ (counts / size))


def within(factor: Factor, clusters: Factor) -> bool:
    """Whether every level lies within one cluster."""
    of_level = np.zeros(factor.levels, dtype=np.int64)
    of_level[factor.codes] = clusters.codes
    return bool((of_level[factor.codes] == clusters.codes).all())

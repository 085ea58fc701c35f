"""Cluster-robust errors CR0 to CR3 of least squares with absorbed fixed effects, for any regressors and weights.

The difference in differences of a Design has these in closed form (`cluster_kernels`); this is the general case, on
which it is checked, and what published results are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from cseval.errors import EstimationError
from cseval.inference.absorb import RANK, absorb, codes_of, half_inverse

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterRegression:
    """A least squares fit with errors clustered in one way.

    Parameters
    ----------
    coefficients : float array, shape (p,)
    cr0 : float array, shape (p, p)
        Sandwich covariance without a correction.
    observations, clusters : int
    estimated : int
        Coefficients estimated, fixed effects included but for those of factors that lie within clusters (of which the
        intercept is counted).
    """

    coefficients: Floats
    cr0: Floats
    observations: int
    clusters: int
    estimated: int
    _gram: Floats
    _scores: Floats

    @property
    def cr1(self) -> Floats:
        """``CR0 G / (G - 1)``, shape (p, p)."""
        return self.cr0 * self.clusters / (self.clusters - 1)

    @property
    def cr1_adjusted(self) -> Floats:
        """``CR0 G / (G - 1) (n - 1) / (n - K)`` with K coefficients estimated, as Stata and fixest have it."""
        return self.cr1 * (self.observations - 1) / (self.observations - self.estimated)

    def cr2(self) -> tuple[Floats, Floats]:
        """Standard errors of Bell and McCaffrey (2002) and their Satterthwaite degrees of freedom, both (p,).

        Notes
        -----
        With ``M = L L' = (X'X)^+``, ``Z_g = X_g L`` and ``F_g = (I - Z_g'Z_g)^(-1/2)`` the adjusted scores are
        ``L F_g L' X_g'e_g``, so nothing grows with the rows of a cluster. Degrees of freedom under independent errors
        of equal variance by Pustejovsky and Tipton (2018), equation 11; with weights, of variance one over the weight.
        """
        half, cross, own = self._pieces()
        power = [_power(np.eye(len(z)) - z, -0.5) for z in cross]
        adjusted = np.stack([half @ f @ half.T @ s for f, s in zip(power, self._scores, strict=True)])
        p = len(self.coefficients)
        df = [_satterthwaite(cross, [f @ own[c] for f in power]) for c in range(p)]
        return np.sqrt((adjusted[:, :p] ** 2).sum(axis=0)), np.array(df)

    def cr3(self) -> Floats:
        """Jackknife standard errors: changes without one cluster, squared, times ``(G - 1) / G``; shape (p,).

        MacKinnon, Nielsen and Webb (2023), CV3.
        """
        half, cross, _ = self._pieces()
        changes = [
            half @ _power(np.eye(len(z)) - z, -1.0) @ half.T @ s for z, s in zip(cross, self._scores, strict=True)
        ]
        squares = (np.stack(changes)[:, : len(self.coefficients)] ** 2).sum(axis=0)
        return np.asarray(np.sqrt(squares * (self.clusters - 1) / self.clusters))

    def p_values(self, std_error: Floats, df: Floats | float) -> Floats:
        """Two-sided p-values of the coefficients against Student's t, shape (p,)."""
        return np.asarray(2 * special.stdtr(df, -np.abs(self.coefficients / std_error)))

    def _pieces(self) -> tuple[Floats, Floats, Floats]:
        """L, ``Z_g'Z_g`` by cluster, and the rows of L."""
        half = half_inverse(self._gram.sum(axis=0))
        return half, np.einsum("ai,gab,bj->gij", half, self._gram, half, optimize=True), half


def cluster_regression(
    y: Floats, x: Floats, clusters: Any, *, absorbed: Sequence[Any] = (), weights: Floats | None = None
) -> ClusterRegression:
    """Regress y on x and fixed effects by least squares.

    Parameters
    ----------
    y : float array, shape (rows,)
    x : float array, shape (rows, p)
        Without an intercept, which the fixed effects contain; one is added where there are none.
    clusters : array, shape (rows,)
        Label of each row's cluster.
    absorbed : sequence of array, each of shape (rows,)
        Labels of fixed effects. The finest that lies within clusters costs nothing; every level of the others is a
        column.
    weights : float array, shape (rows,), optional
        Above zero.

    Raises
    ------
    EstimationError
        If a coefficient is not identified, or there is one cluster.
    """
    codes, number = codes_of(clusters)
    if number < 2:
        raise EstimationError("all rows lie in one cluster", where="cluster regression", expected="at least two")
    effects = absorb(absorbed, codes, weights)
    left = effects.residuals(np.column_stack([x, y]).astype(float))
    x_left, y_left = left[:, :-1], left[:, -1]
    require_identified(x_left, np.asarray(x, dtype=float))
    x_weighted = effects.weighted(x_left)
    bread = np.linalg.inv(x_weighted.T @ x_left)
    coefficients = bread @ (x_weighted.T @ y_left)
    residual = effects.weighted(y_left - x_left @ coefficients)
    scores = np.concatenate([effects.clusters.sums(x_left * residual[:, None]), effects.cluster_sums(residual)], axis=1)
    influence = scores[:, : len(coefficients)] @ bread
    return ClusterRegression(
        coefficients=coefficients,
        cr0=influence.T @ influence,
        observations=len(y_left),
        clusters=number,
        estimated=len(coefficients) + effects.counted([effects.clusters]),
        _gram=effects.gram(x_left),
        _scores=scores,
    )


def require_identified(left: Floats, whole: Floats) -> None:
    """Refuse regressors of which fixed effects or each other leave nothing.

    Parameters
    ----------
    left, whole : float array, shape (rows, p)
        After and before the fixed effects are taken off.

    Raises
    ------
    EstimationError
        If that is so.
    """
    size = np.sqrt((whole**2).sum(axis=0))
    if (size > 0).all() and np.linalg.eigvalsh((left.T @ left) / np.outer(size, size))[0] > RANK:
        return
    raise EstimationError(
        "a coefficient is not identified because fixed effects or other regressors explain its term",
        where="cluster regression",
        todo="Leave the term out",
    )


def _power(matrix: Floats, power: float) -> Floats:
    """Power of a symmetric matrix, 0 in the directions that it sends to 0."""
    values, vectors = np.linalg.eigh(matrix)
    raised = np.where(values > RANK, np.maximum(values, RANK) ** power, 0.0)
    return np.asarray((vectors * raised) @ vectors.T)


def _satterthwaite(cross: Floats, adjusted: Sequence[Floats]) -> float:
    """``tr(P)^2 / sum P^2`` with ``P_gh = [g = h] a_g'Z_g'Z_g a_g - (Z_g'Z_g a_g)'(Z_h'Z_h a_h)``."""
    image = np.stack([z @ a for z, a in zip(cross, adjusted, strict=True)])
    p = np.diag([a @ i for a, i in zip(adjusted, image, strict=True)]) - image @ image.T
    return float(np.trace(p) ** 2 / (p**2).sum())

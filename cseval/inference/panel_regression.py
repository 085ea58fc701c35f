"""Least squares with weights and absorbed fixed effects, and every kind of error that a published table may carry.

One exact routine: no dummies are made and nothing is iterated. `regress` fits once; each kind of error is then a method
of what it returns. Bias-reduced errors and the jackknife by cluster are in `cluster_regression`, reached by `by`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.errors import EstimationError, UsageError
from cseval.inference.absorb import Absorbed, Factor, absorb
from cseval.inference.cluster_regression import ClusterRegression, cluster_regression, require_identified
from cseval.inference.panel_regression_kernels import bartlett, default_lag, lagged_by_time, lagged_by_unit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

WHERE = "regression"


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """A fit by (weighted) least squares.

    Parameters
    ----------
    coefficients : float array, shape (p,)
    residuals : float array, shape (rows,)
        Of the outcome, not weighted.
    bread : float array, shape (p, p)
        ``(X'WX)^-1`` of the regressors less the fixed effects.
    scores : float array, shape (rows, p)
        ``w_i e_i x_i``, whose sum is zero.
    """

    coefficients: Floats
    residuals: Floats
    bread: Floats
    scores: Floats
    _effects: Absorbed
    _given: tuple[Floats, Floats, tuple[Any, ...]]

    @property
    def observations(self) -> int:
        """Number of rows."""
        return len(self.residuals)

    @property
    def estimated(self) -> int:
        """Coefficients estimated, fixed effects and intercept included."""
        return len(self.coefficients) + self._effects.rank

    @property
    def iid(self) -> Floats:
        """Classical covariance: ``sum w e^2 / (n - K) (X'WX)^-1``, shape (p, p)."""
        squares = float(self.residuals @ self._effects.weighted(self.residuals))
        return self.bread * squares / self._spare(self.estimated)

    @property
    def hc1(self) -> Floats:
        """White's covariance times ``n / (n - K)``, shape (p, p)."""
        return self._sandwich(self.scores.T @ self.scores) * self.observations / self._spare(self.estimated)

    def clustered(self, labels: Any) -> Floats:
        """Clustered in one way, times ``G / (G - 1) (n - 1) / (n - K)``; shape (p, p).

        K leaves out the effects that lie within clusters, as Stata's areg and fixest do.
        """
        factor = self._clusters(labels)
        return self._by_cluster(factor) * _small(factor.levels) * self._adjustment([factor])

    def two_way(self, first: Any, second: Any, *, smallest: bool = False) -> Floats:
        """Clustered in two ways: the one plus the other less that of their intersection; shape (p, p).

        Cameron, Gelbach and Miller (2011, "Robust inference with multiway clustering").

        Parameters
        ----------
        first, second : array, shape (rows,)
        smallest : bool
            Whether all three parts take the ``G / (G - 1)`` of the smaller number of clusters (fixest), instead of each
            its own (Petersen 2009, sandwich).
        """
        one, two = self._clusters(first), self._clusters(second)
        parts = [one, two, Factor.of(one.codes * two.levels + two.codes)]
        fewest = min(one.levels, two.levels)
        terms = [self._by_cluster(f) * _small(fewest if smallest else f.levels) for f in parts]
        return (terms[0] + terms[1] - terms[2]) * self._adjustment([one, two])

    def newey_west(self, unit: Any, time: Any, lag: int | None = None) -> Floats:
        """Errors correlated over time within a unit up to a lag, Bartlett weights; shape (p, p).

        Newey and West (1987) for a panel, times ``T / (T - 1) (n - 1) / (n - K)`` with T periods, as fixest has it.

        Parameters
        ----------
        unit, time : array, shape (rows,)
            At most one row for each pair. Periods are those that occur, in order.
        lag : int, optional
            Largest lag; ``T^(1/4)`` rounded down unless given.

        Raises
        ------
        EstimationError
            If a unit has two rows in a period.
        """
        units, periods = Factor.of(unit), _in_order(time)
        meat = lagged_by_unit(self.scores, units.codes, periods.codes, self._weights_of_lags(periods, lag))
        return self._sandwich(meat) * _small(periods.levels) * self._adjustment([units, periods])

    def driscoll_kraay(self, time: Any, lag: int | None = None) -> Floats:
        """Errors correlated between units, and over time up to a lag, Bartlett weights; shape (p, p).

        Driscoll and Kraay (1998), times ``T / (T - 1) (n - 1) / (n - K)`` with T periods, as fixest has it. For many
        periods: 20 or more.

        Parameters
        ----------
        time : array, shape (rows,)
        lag : int, optional
            Largest lag; ``T^(1/4)`` rounded down unless given.
        """
        periods = _in_order(time)
        meat = lagged_by_time(periods.sums(self.scores), self._weights_of_lags(periods, lag))
        return self._sandwich(meat) * _small(periods.levels) * self._adjustment([periods])

    def by(self, labels: Any) -> ClusterRegression:
        """The same fit with CR0 to CR3 by cluster."""
        y, x, absorbed = self._given
        return cluster_regression(y, x, labels, absorbed=absorbed, weights=self._effects.weights)

    def _sandwich(self, meat: Floats) -> Floats:
        return self.bread @ meat @ self.bread

    def _by_cluster(self, factor: Factor) -> Floats:
        sums = factor.sums(self.scores)
        return self._sandwich(sums.T @ sums)

    def _clusters(self, labels: Any) -> Factor:
        factor = Factor.of(labels)
        if factor.levels < 2:
            raise EstimationError("all rows lie in one cluster", where=WHERE, expected="at least two")
        return factor

    def _adjustment(self, clusterings: Sequence[Factor]) -> float:
        """``(n - 1) / (n - K)``."""
        return (self.observations - 1) / self._spare(len(self.coefficients) + self._effects.counted(clusterings))

    def _spare(self, estimated: int) -> int:
        if self.observations > estimated:
            return self.observations - estimated
        raise EstimationError(
            f"{self.observations} rows are no more than the {estimated} coefficients", where=WHERE, expected="more rows"
        )

    def _weights_of_lags(self, periods: Factor, lag: int | None) -> Floats:
        if periods.levels < 2:
            raise EstimationError("all rows lie in one period", where=WHERE, expected="at least two")
        return bartlett(default_lag(periods.levels) if lag is None else lag)


def regress(y: Any, x: Any, *, absorbed: Sequence[Any] = (), weights: Any = None) -> Regression:
    """Regress y on x and fixed effects by least squares.

    Parameters
    ----------
    y : float array, shape (rows,)
    x : float array, shape (rows,) or (rows, p)
        Without an intercept, which the fixed effects contain; one is added where there are none.
    absorbed : sequence of array, each of shape (rows,)
        Labels of fixed effects, of any kind.
    weights : float array, shape (rows,), optional
        Above zero; their scale does not matter.

    Raises
    ------
    UsageError
        If lengths differ, a value is missing or a weight is not above zero.
    EstimationError
        If a coefficient is not identified.

    Notes
    -----
    By the theorem of Frisch, Waugh and Lovell, with the fixed effects taken off exactly: the factor with the most
    levels by means, the others by the normal equations of what is left of their dummies.
    """
    outcome = np.asarray(y, dtype=float)
    regressors = np.asarray(x, dtype=float).reshape(len(outcome), -1) if len(outcome) else np.zeros((0, 1))
    weighting = None if weights is None else np.asarray(weights, dtype=float)
    _require_values(outcome, regressors, weighting, absorbed)
    effects = absorb(absorbed, np.zeros(len(outcome), dtype=np.int64), weighting)
    left = effects.residuals(np.column_stack([regressors, outcome]))
    require_identified(left[:, :-1], regressors)
    return _fitted(left[:, :-1], left[:, -1], effects, (outcome, regressors, tuple(absorbed)))


def standard_errors(covariance: Floats) -> Floats:
    """Square roots of the diagonal, shape (p,).

    Raises
    ------
    EstimationError
        If a variance is below zero, which errors clustered in two ways or with lags can bring about.
    """
    variances = np.diag(covariance)
    if (variances < 0).any():
        raise EstimationError(
            "a variance is below zero",
            where=WHERE,
            todo="Cluster in one way, or take fewer lags: the clusters are too few",
        )
    return np.asarray(np.sqrt(variances))


def _fitted(
    x_left: Floats, y_left: Floats, effects: Absorbed, given: tuple[Floats, Floats, tuple[Any, ...]]
) -> Regression:
    x_weighted = effects.weighted(x_left)
    bread = np.asarray(np.linalg.inv(x_weighted.T @ x_left), dtype=np.float64)
    coefficients = bread @ (x_weighted.T @ y_left)
    residuals = y_left - x_left @ coefficients
    return Regression(
        coefficients=coefficients,
        residuals=residuals,
        bread=bread,
        scores=x_weighted * residuals[:, None],
        _effects=effects,
        _given=given,
    )


def _small(clusters: int) -> float:
    """``G / (G - 1)``."""
    return clusters / (clusters - 1)


def _in_order(time: Any) -> Factor:
    """Periods numbered in their order."""
    values, codes = np.unique(np.asarray(time), return_inverse=True)
    return Factor(codes=codes.astype(np.int64), levels=len(values))


def _require_values(y: Floats, x: Floats, weights: Floats | None, factors: Sequence[Any]) -> None:
    import pandas as pd

    lengths = {len(y), len(x), *(len(f) for f in factors), *([] if weights is None else [len(weights)])}
    if len(lengths) > 1 or not len(y):
        raise UsageError(f"columns of lengths {sorted(lengths)}", where=WHERE, expected="one row each, and some rows")
    if not (np.isfinite(y).all() and np.isfinite(x).all()) or any(bool(np.any(pd.isna(f))) for f in factors):
        raise UsageError("a value is missing", where=WHERE, todo="Leave the row out, or say what its value is")

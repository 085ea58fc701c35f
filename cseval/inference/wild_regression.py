"""Wild cluster bootstrap of one coefficient of a linear regression with absorbed fixed effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.errors import EstimationError
from cseval.inference.absorb import Absorbed, absorb, codes_of
from cseval.inference.bootstrap_kernels import Multipliers, Weights, multipliers, studentised
from cseval.inference.cluster_regression import require_identified
from cseval.inference.inversion import invert_test
from cseval.inference.wild_bootstrap import Rademacher

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

    Pieces = tuple[Floats, Floats]


@dataclass(frozen=True, kw_only=True, eq=False)
class WildCluster:
    """A bootstrapped coefficient.

    Parameters
    ----------
    coefficient, std_error : float
        Estimate and CR1 standard error (``G / (G - 1)``).
    p_value : float
    conf_low, conf_high : float
        Effects that the test at 5 % does not reject; NaN at an end that has no bound.
    draws, clusters : int
    exact : bool
        Whether all combinations of multipliers were taken.
    """

    coefficient: float
    std_error: float
    p_value: float
    conf_low: float
    conf_high: float
    draws: int
    clusters: int
    exact: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sums:
    """The regression as sums by cluster; restricted residuals are linear in the effect tested.

    ``influence`` and ``fitted`` have shape (2, clusters) and (2, clusters, clusters): at an effect b they are the first
    less b times the second.
    """

    influence: Floats
    fitted: Floats
    coefficient: float
    drawn: Multipliers

    def statistics(self, effect: float) -> tuple[Floats, Floats]:
        """Bootstrap changes and their CR0 variances, the data themselves first, shape (1 + draws,)."""
        influence = self.influence[0] - effect * self.influence[1]
        residual = np.diag(influence) - (self.fitted[0] - effect * self.fitted[1]).T
        blocks = (np.ones((1, len(influence))), *self.drawn.blocks)
        change = np.concatenate([b @ influence for b in blocks])
        return change, np.concatenate([((b @ residual) ** 2).sum(axis=1) for b in blocks])

    def p_value(self, effect: float) -> float:
        """p-value of the test that the coefficient is `effect`."""
        statistic = studentised(*self.statistics(effect))
        return float(self.drawn.p_value(statistic[0], statistic[1:]))


def wild_cluster(
    y: Floats,
    x: Floats,
    clusters: Any,
    *,
    absorbed: Sequence[Any] = (),
    null: float = 0.0,
    draws: int = 9999,
    weights: Weights = Rademacher(),  # noqa: B008 - a frozen record
    seed: int = 0,
    interval: bool = True,
    row_weights: Floats | None = None,
) -> WildCluster:
    """Test the first coefficient of a linear regression by the restricted wild cluster bootstrap.

    Parameters
    ----------
    y : float array, shape (rows,)
    x : float array, shape (rows,) or (rows, p)
        The first column is tested; without an intercept.
    clusters : array, shape (rows,)
    absorbed : sequence of array, each of shape (rows,)
        Labels of fixed effects; none gives an intercept.
    null : float
        Coefficient under the null.
    weights : Weights
        What the residuals of a cluster are multiplied by.
    interval : bool
        Whether to invert the test.
    row_weights : float array, shape (rows,), optional
        Of the regression, above zero.

    Raises
    ------
    EstimationError
        If the coefficient is not identified, or there is one cluster.

    Notes
    -----
    Cameron, Gelbach and Miller (2008), for up to some thousand clusters; the rows are read a few times whatever the
    number of draws (Roodman and others 2019, section 5). With x the tested regressor less all others, u the restricted
    residuals and X all regressors, a draw changes the coefficient by ``sum_g v_g x_g'u_g / x'x``, and the score of
    cluster g after the draw's own fit is
    ``v_g x_g'u_g - x_g'X_g (X'X)^+ sum_h v_h X_h'u_h``.
    """
    codes, number = codes_of(clusters)
    if number < 2:
        raise EstimationError("all rows lie in one cluster", where="wild cluster bootstrap", expected="at least two")
    effects = absorb(absorbed, codes, row_weights)
    sums = _reduce(
        np.asarray(y, dtype=float), np.asarray(x, dtype=float), effects, _drawn(weights, draws, number, seed)
    )
    return _found(sums, null, interval)


def _drawn(weights: Weights, draws: int, clusters: int, seed: int) -> Multipliers:
    """The draws, kept, since the inversion of the test reads them again and again."""
    drawn = multipliers(weights, draws, clusters, np.random.default_rng(seed))
    return Multipliers(blocks=tuple(drawn.blocks), exact=drawn.exact)


def _found(sums: _Sums, null: float, interval: bool) -> WildCluster:
    number = sums.influence.shape[1]
    variance = sums.statistics(sums.coefficient)[1][0]
    error = float(np.sqrt(variance * number / (number - 1)))
    ends = invert_test(sums.p_value, sums.coefficient, error) if interval else (np.nan, np.nan)
    return WildCluster(
        coefficient=sums.coefficient,
        std_error=error,
        p_value=sums.p_value(null),
        conf_low=ends[0],
        conf_high=ends[1],
        draws=sum(len(b) for b in sums.drawn.blocks),
        clusters=number,
        exact=sums.drawn.exact,
    )


def _reduce(y: Floats, x: Floats, effects: Absorbed, drawn: Multipliers) -> _Sums:
    columns = x.reshape(len(y), -1)
    left = effects.residuals(np.column_stack([columns, y]))
    x_left, y_left = left[:, :-1], left[:, -1]
    require_identified(x_left, columns)
    tested, outcome = (_less(v, x_left[:, 1:], effects) for v in (x_left[:, 0], y_left))
    weighted = [effects.weighted(u) for u in (outcome, tested)]
    size = float(tested @ weighted[1])
    bread = np.linalg.inv(x_left.T @ effects.weighted(x_left))
    parts = [_by_cluster(effects, x_left, u) for u in weighted]
    own = parts[1]
    influence = [effects.clusters.sums((tested * u)[:, None])[:, 0] / size for u in weighted]
    fitted = [(own[0] @ bread @ p[0].T + (own[1] @ effects.half) @ (p[1] @ effects.half).T) / size for p in parts]
    return _Sums(
        influence=np.stack(influence),
        fitted=np.stack(fitted),
        coefficient=float(tested @ weighted[0]) / size,
        drawn=drawn,
    )


def _less(values: Floats, others: Floats, effects: Absorbed) -> Floats:
    """Residuals after the other regressors."""
    weighted = effects.weighted(others)
    return np.asarray(values - others @ np.linalg.solve(weighted.T @ others, weighted.T @ values))


def _by_cluster(effects: Absorbed, x: Floats, weights: Floats) -> Pieces:
    """Sums by cluster of `weights` times the regressors and the crossing dummies."""
    return effects.clusters.sums(x * weights[:, None]), effects.cluster_sums(weights)

"""Randomisation inference: what a coefficient would have been had the treatment been dealt out otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.errors import DesignError
from cseval.inference.absorb import Absorbed, absorb, codes_of
from cseval.inference.cluster_regression import require_identified

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

#: Cells of a draws x clusters array that are held at once.
CELLS = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Permuted:
    """A coefficient among those of permuted treatments.

    Parameters
    ----------
    coefficient : float
    coefficients : float array, shape (draws,)
        NaN where a permuted treatment is explained by the other regressors.
    p_value : float
        ``(1 + #{|b| >= |coefficient|}) / (1 + B)``, or the share of all assignments where they are enumerated.
    mc_error : float
        Standard error of the p-value from the number of draws; 0 where all assignments are enumerated.
    exact : bool
    observations : int
    """

    coefficient: float
    coefficients: Floats
    p_value: float
    mc_error: float
    exact: bool
    observations: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reduced:
    """The regression for any treatment that is constant within clusters: ``d'b / d'Qd``.

    Parameters
    ----------
    linear : float array, shape (clusters,)
        (Weighted) sum over each cluster of the outcome less controls and fixed effects.
    quadratic : float array, shape (clusters, clusters)
        ``L'WML`` with L the clusters' indicators, W the weights and M the projection off controls and fixed effects.
    """

    linear: Floats
    quadratic: Floats

    def coefficients(self, treatments: Floats) -> Floats:
        """Coefficient of each row of `treatments` (draws, clusters)."""
        size = ((treatments @ self.quadratic) * treatments).sum(axis=1)
        varies = size > 1e-9 * np.maximum((treatments**2 @ np.diag(self.quadratic)), 1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(varies, (treatments @ self.linear) / size, np.nan)


def permute(
    y: Floats,
    treatment: Floats,
    clusters: Any,
    *,
    strata: Any = None,
    controls: Floats | None = None,
    absorbed: Sequence[Any] = (),
    weights: Floats | None = None,
    draws: int = 9999,
    seed: int = 0,
) -> Permuted:
    """Permute a treatment over clusters within strata; the statistic is its coefficient in a linear regression.

    Parameters
    ----------
    y : float array, shape (rows,)
    treatment : float array, shape (rows,)
        Constant within clusters.
    clusters : array, shape (rows,)
        What the treatment was dealt out to.
    strata : array, shape (rows,), optional
        Constant within clusters; treatments are exchanged within a stratum only.
    controls : float array, shape (rows, p), optional
    absorbed : sequence of array, each of shape (rows,)
        Labels of fixed effects; none gives an intercept.
    weights : float array, shape (rows,), optional
        Of the regression, above zero.
    draws : int
        All assignments are taken where there are no more than that.

    Raises
    ------
    DesignError
        If the treatment or the stratum varies within a cluster, or no other assignment exists.
    EstimationError
        If the coefficient is not identified.

    Notes
    -----
    Fisher (1935) for the sharp null of no effect on any row; p-value of Phipson and Smyth (2010). By the theorem of
    Frisch, Waugh and Lovell controls and fixed effects are taken off the outcome once; a draw is then a product over
    clusters.
    """
    codes, number = codes_of(clusters)
    values = _by_cluster("treatment", np.asarray(treatment, dtype=float), codes, number)
    stratum = _by_cluster("stratum", codes_of(strata)[0] if strata is not None else np.zeros(len(codes)), codes, number)
    effects = absorb(absorbed, codes, weights)
    reduced = _reduce(np.asarray(y, dtype=float), np.asarray(treatment, dtype=float), controls, effects)
    return _permuted(
        reduced, values, [np.flatnonzero(stratum == s) for s in np.unique(stratum)], draws, seed, len(codes)
    )


def _permuted(reduced: _Reduced, values: Floats, groups: Sequence[Index], draws: int, seed: int, rows: int) -> Permuted:
    exact = _assignments(values, groups) <= draws
    blocks = _every(values, groups) if exact else _random(values, groups, draws, np.random.default_rng(seed))
    found = np.concatenate([reduced.coefficients(b) for b in blocks])
    own = float(reduced.coefficients(values[None])[0])
    p_value, error = _p_value(own, found[np.isfinite(found)], exact)
    return Permuted(
        coefficient=own, coefficients=found, p_value=p_value, mc_error=error, exact=exact, observations=rows
    )


def _p_value(own: float, found: Floats, exact: bool) -> tuple[float, float]:
    extra = 0 if exact else 1
    reached = np.count_nonzero(np.abs(found) >= abs(own) * (1 - 1e-9))
    p = (reached + extra) / (len(found) + extra)
    return float(p), 0.0 if exact else math.sqrt(p * (1 - p) / len(found))


def _by_cluster(what: str, values: Any, codes: Index, number: int) -> Floats:
    """The value of each cluster, refused where it varies within one."""
    of_cluster = np.zeros(number)
    of_cluster[codes] = values
    if not (of_cluster[codes] == values).all():
        raise DesignError(f"the {what} varies within a cluster", where="permutation", expected="one value a cluster")
    return of_cluster


def _reduce(y: Floats, treatment: Floats, controls: Floats | None, effects: Absorbed) -> _Reduced:
    """Take controls and fixed effects off once."""
    wanted = np.zeros((len(y), 0)) if controls is None else np.asarray(controls, dtype=float).reshape(len(y), -1)
    left = effects.residuals(np.column_stack([wanted, treatment, y]))
    others, outcome = left[:, :-2], left[:, -1]
    require_identified(left[:, :-1], np.column_stack([wanted, treatment]))
    weighted = effects.weighted(others)
    inverse = np.linalg.inv(weighted.T @ others)
    outcome = effects.weighted(outcome - others @ (inverse @ (weighted.T @ outcome)))
    shared = effects.clusters.sums(weighted)
    kept = _kept_by_effects(effects) - shared @ inverse @ shared.T
    return _Reduced(linear=effects.clusters.sums(outcome[:, None])[:, 0], quadratic=kept)


def _kept_by_effects(effects: Absorbed) -> Floats:
    """``L'WML`` with M the projection off the fixed effects alone.

    No factor lies within clusters, or it would explain a treatment that is constant within them.
    """
    size = effects.weighted(np.ones(len(effects.clusters.codes)))
    crossed = effects.cluster_sums(size) @ effects.half
    return np.asarray(np.diag(effects.clusters.sums(size[:, None])[:, 0]) - crossed @ crossed.T)


def _assignments(values: Floats, groups: Sequence[Index]) -> int:
    """Number of different assignments; refused where there is but one."""
    total = 1
    for group in groups:
        ways = math.factorial(len(group))
        for count in np.unique(values[group], return_counts=True)[1].tolist():
            ways //= math.factorial(count)
        total *= ways
    if total < 2:
        raise DesignError("no other assignment of the treatment exists", where="permutation", expected="at least two")
    return total


def _every(values: Floats, groups: Sequence[Index]) -> list[Floats]:
    """Every assignment, shape (assignments, clusters)."""
    ways = [list(_arrangements(values[g])) for g in groups]
    out = np.empty((math.prod(map(len, ways)), len(values)))
    for row, chosen in enumerate(product(*ways)):
        for group, arranged in zip(groups, chosen, strict=True):
            out[row, group] = arranged
    return [out]


def _arrangements(values: Floats) -> list[Floats]:
    """Every different order of values that may repeat."""
    first, rest = values.min(initial=np.inf), values[values != values.min(initial=np.inf)]
    out = []
    for places in combinations(range(len(values)), len(rest)):
        for order in _arrangements(rest) if len(rest) else [rest]:
            arranged = np.full(len(values), first)
            arranged[list(places)] = order
            out.append(arranged)
    return out


def _random(values: Floats, groups: Sequence[Index], draws: int, rng: np.random.Generator) -> list[Floats]:
    """Random assignments in blocks of shape (some draws, clusters)."""
    size = max(CELLS // len(values), 1)
    out = []
    for first in range(0, draws, size):
        block = np.empty((min(size, draws - first), len(values)))
        for group in groups:
            block[:, group] = rng.permuted(np.tile(values[group], (len(block), 1)), axis=1)
        out.append(block)
    return out

"""Synthetic control from predictors, whose importance is chosen by the fit before the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError
from cseval.estimators.synthetic_kernels import synthetic_control_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictorFit:
    """A synthetic control fitted on predictors.

    Parameters
    ----------
    weights : float array, shape (donors,)
    importance : float array, shape (predictors,)
        Of each standardised predictor; adds up to one.
    loss : float
        Mean squared gap of the outcome in the periods that importance was chosen by.
    """

    weights: Floats
    importance: Floats
    loss: float


def predictor_weights(
    predictors: Floats, treated: Floats, donors_outcome: Floats, treated_outcome: Floats
) -> PredictorFit:
    """Weights that match predictors, weighted by what fits the outcome best.

    ``w(V) = argmin sum over h of V_h (treated_h - predictors_h w)^2`` on the simplex, with predictors divided by their
    standard deviation over all units, and V minimising the mean of ``(treated_outcome - donors_outcome w(V))^2``:
    Abadie and Gardeazabal (2003), appendix B; Abadie, Diamond and Hainmueller (2011), "Synth", section 2. As there, V
    is searched by a quasi-Newton method from equal importance and from importance by regression, and the better one is
    kept. The loss has many local minima, so another search may find a better V.

    Parameters
    ----------
    predictors : float array, shape (predictors, donors)
    treated : float array, shape (predictors,)
    donors_outcome : float array, shape (periods, donors)
    treated_outcome : float array, shape (periods,)

    Raises
    ------
    EstimationError
        If a predictor is the same everywhere or not a number.
    """
    from scipy.optimize import minimize

    together = np.column_stack([predictors, treated])
    spread = together.std(axis=1, ddof=1)
    if not (spread > 0).all():
        number = int(np.flatnonzero(~(spread > 0))[0])
        raise EstimationError(
            f"predictor number {number} is missing or the same in every unit", where="synthetic control", todo="Drop it"
        )
    scaled = together / spread[:, None]
    outcome = np.column_stack([donors_outcome, treated_outcome])

    def loss(importance: Floats) -> float:
        return float(_gap(scaled, outcome, importance)[1])

    starts = (np.full(len(scaled), 1 / len(scaled)), regression_importance(scaled, outcome))
    found = [minimize(loss, start, method="BFGS").x for start in starts]
    best = min((*starts, *found), key=loss)
    weights, least = _gap(scaled, outcome, best)
    return PredictorFit(weights=weights, importance=_normal(best), loss=least)


def regression_importance(scaled: Floats, outcome: Floats) -> Floats:
    """Importance of standardised predictors by regression, shape (predictors,).

    Squared coefficients of the outcome of each period on the predictors over all units, summed over the periods.

    Parameters
    ----------
    scaled : float array, shape (predictors, units)
    outcome : float array, shape (periods, units)
    """
    design = np.column_stack([np.ones(scaled.shape[1]), scaled.T])
    slopes = np.linalg.lstsq(design, outcome.T, rcond=None)[0][1:]
    return _normal((slopes**2).sum(axis=1))


def _normal(importance: Floats) -> Floats:
    size = np.abs(importance)
    return np.asarray(size / size.sum())


def _gap(scaled: Floats, outcome: Floats, importance: Floats) -> tuple[Floats, float]:
    """Weights under an importance, and the mean squared gap of the outcome that they leave."""
    rows = np.sqrt(_normal(importance))[:, None] * scaled
    weights = synthetic_control_weights(rows[:, :-1], rows[:, -1])
    return weights, float(((outcome[:, -1] - outcome[:, :-1] @ weights) ** 2).mean())

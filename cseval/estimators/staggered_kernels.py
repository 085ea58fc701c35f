"""Effects that are linear in the means of cohorts and months: their covariance by unit, and simultaneous bands.

An effect is ``theta = sum_c w_c' m_c`` with the means ``m_c`` (months,) of cohort c. A unit i of cohort c, of ``n_c``,
moves it by ``phi_i = (w_c' (y_i - m_c) + k_c) / n_c``; ``k_c`` comes from pooling cohorts and from weights that are
themselves estimated. Hence

    cov(theta_r, theta_q) = sum_i phi_ri phi_qi = sum_c (w_rc' S_c w_qc / n_c^2 + k_rc k_qc / n_c)

with ``S_c`` the scatter of cohort c, shape (months, months). Nothing of the size of the panel is formed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.estimators.staggered_cohorts import CohortPanel

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearEffects:
    """Effects as weights on the means of cohorts and months.

    Parameters
    ----------
    panel : CohortPanel
    weights : float array, shape (effects, cohorts + 1, months)
    shift : float array, shape (effects, cohorts + 1)
        ``k_c`` of the module's notes.
    """

    panel: CohortPanel
    weights: Floats
    shift: Floats

    def values(self) -> Floats:
        """The effects, shape (effects,)."""
        return np.asarray(np.einsum("rcs,cs->r", self.weights, self.panel.mean))

    def combined(self, rows: Floats, shift: Floats | float = 0.0) -> LinearEffects:
        """Linear combinations of the effects: `rows` of shape (combinations, effects), `shift` added to theirs."""
        weights = np.einsum("ar,rcs->acs", rows, self.weights, optimize=True)
        return LinearEffects(panel=self.panel, weights=weights, shift=rows @ self.shift + shift)

    def covariance(self) -> Floats:
        """Covariance by unit, without small-sample factor; shape (effects, effects)."""
        size = np.maximum(self.panel.size, 1).astype(float)
        out = (self.shift / size) @ self.shift.T
        for c, scatter in enumerate(self.panel.scatter):
            own = self.weights[:, c]
            out += own @ scatter @ own.T / size[c] ** 2
        return np.asarray(out)

    def variances(self) -> Floats:
        """The diagonal of `covariance`, shape (effects,)."""
        size = np.maximum(self.panel.size, 1).astype(float)
        out = (self.shift**2 / size).sum(axis=1)
        for c, scatter in enumerate(self.panel.scatter):
            own = self.weights[:, c]
            out += ((own @ scatter) * own).sum(axis=1) / size[c] ** 2
        return np.asarray(out)


def band_factor(covariance: Floats, draws: int, seed: int, level: float = 0.95) -> float:
    """How many standard errors a band must reach on each side to hold all effects together with probability `level`.

    Parameters
    ----------
    covariance : float array, shape (effects, effects)

    Returns
    -------
    float
        At least the pointwise quantile of the normal distribution.

    Notes
    -----
    Multiplier bootstrap by unit with standard normal multipliers (Chernozhukov, Chetverikov and Kato 2013; Callaway and
    Sant'Anna 2021, algorithm 1). Given the data ``sum_i v_i phi_i`` is normal with the covariance by unit, so it is
    drawn from that distribution at once rather than unit by unit. It needs many units in each cohort: with ten a band
    over forty effects holds them all in four cases of five.
    """
    from scipy.special import ndtri

    pointwise = float(ndtri((1 + level) / 2))
    scale = np.sqrt(np.diag(covariance))
    used = scale > 1e-12 * scale.max(initial=0.0)
    if used.sum() < 2:
        return pointwise
    correlation = covariance[np.ix_(used, used)] / np.outer(scale[used], scale[used])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = np.random.default_rng(seed).standard_normal((draws, len(values)))
    largest = np.abs(normal @ root.T).max(axis=1)
    return max(float(np.quantile(largest, level)), pointwise)

"""Gardner's two-stage difference in differences on rows of any panel, with errors that know of the first stage.

Gardner (2022), "Two-stage differences in differences"; Butts and Gardner (2022), "did2s: two-stage
difference-in-differences", R Journal 14(3). The first stage removes group and period effects estimated on untreated
rows; the second regresses what is left on treatment. Its errors are those of the two stages as one GMM estimator
(Newey and McFadden 1994).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import EstimationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


def two_stage(y: Floats, effects: Sequence[Index], treated: Floats, cluster: Index) -> tuple[float, float]:
    """Effect of treatment and its standard error by cluster.

    Parameters
    ----------
    y, treated : float array, shape (rows,)
        Outcome, and 1 in treated rows.
    effects : sequence of int arrays, each of shape (rows,)
        Codes of the first stage's groups, for example of units and periods.
    cluster : int array, shape (rows,)

    Raises
    ------
    EstimationError
        If a group has no untreated row, so that its effect is not known.
    """
    dummies = _dummies(effects)
    untreated = treated == 0
    if not (dummies[untreated] != 0).any(axis=0).all():
        raise EstimationError("a group of the first stage without an untreated row", where="two-stage estimate")
    first = dummies * untreated[:, None]
    inverse = np.linalg.inv(first.T @ first)
    left = y - dummies @ (inverse @ (first.T @ y))
    size = float(treated @ treated)
    effect = float(treated @ left) / size
    residual = left - effect * treated
    # the second stage's score, and how far it moves with the first stage's coefficients
    score = treated * residual - (first @ (inverse @ (dummies.T @ treated))) * left
    _, code = np.unique(cluster, return_inverse=True)
    return effect, float(np.sqrt((np.bincount(code, weights=score) ** 2).sum())) / size


def _dummies(effects: Sequence[Index]) -> Floats:
    """One column for each group; of every further code the first group is left out."""
    columns = [np.asarray(code[:, None] == np.unique(code)[min(i, 1) :], dtype=float) for i, code in enumerate(effects)]
    return np.concatenate(columns, axis=1)

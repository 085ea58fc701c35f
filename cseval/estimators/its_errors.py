"""Errors of two stacked series that share their months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.estimators.segmented_options import NeweyWest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.estimators.its_prediction import Noise
    from cseval.estimators.segmented_kernels import Fitted

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class DriscollKraay(NeweyWest):
    """Newey-West errors of the sums over both series (Driscoll and Kraay 1998), for `ControlledITS`.

    Scores of the same month are added up before lags are taken, so the errors hold what both series share in a month.
    """

    @property
    def caveat(self) -> str:
        """What autocorrelated residuals mean for its interval, as a sentence."""
        return (
            "The Driscoll-Kraay errors allow for what months share up to their lag, but in a short series they are "
            "still somewhat too small, and they do not reach further back."
        )

    def noise(self, fit: Fitted, deviations: Floats, gradient: Floats, months: Index) -> Noise:
        """An autoregression within each series, and what two stacked ones share in the same month."""
        from cseval.estimators.its_prediction import shared_noise

        return shared_noise(deviations, gradient, months, fit.covariance)

    def label(self, lag: int) -> str:
        """Name of the method with this lag."""
        return f"Driscoll-Kraay (lag {lag}, t)"

    def groups(self, runs: tuple[Index, ...]) -> tuple[tuple[Index, ...], ...]:
        """Stacked series whose scores of a month are added up: all of them."""
        return (runs,)

"""What the residuals of a time-series model say about its interval, as facts and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

TEST_LAG = 12
LEVEL = 0.05


def residual_facts(residuals: Floats, regressors: Floats) -> dict[str, float]:
    """Durbin-Watson statistic, and p-values of Ljung-Box and Breusch-Godfrey up to lag 12.

    Parameters
    ----------
    residuals : float array, shape (n,)
    regressors : float array, shape (n, k)
        What the residuals are orthogonal to.
    """
    from cseval.estimators import segmented_kernels as kernels

    return {
        "durbin_watson": kernels.durbin_watson(residuals),
        "ljung_box_p": kernels.ljung_box(residuals, TEST_LAG),
        "breusch_godfrey_p": kernels.breusch_godfrey(residuals, regressors, TEST_LAG),
    }


def autocorrelation_p(facts: Mapping[str, Any]) -> tuple[str, float]:
    """Name and p-value of the test that decides: Breusch-Godfrey, or Ljung-Box where the series is too short for it."""
    named = (("Breusch-Godfrey", "breusch_godfrey_p"), ("Ljung-Box", "ljung_box_p"))
    tests = [(name, float(facts.get(key, math.nan))) for name, key in named]
    return next(((name, p) for name, p in tests if math.isfinite(p)), ("no test", math.nan))


def autocorrelation_notes(facts: Mapping[str, Any], caveat: str) -> tuple[str, ...]:
    """A sentence if the residuals of neighbouring months, or of the same months of other years, resemble each other.

    Parameters
    ----------
    facts : mapping
        With the p-values of `residual_facts`.
    caveat : str
        What it means for the interval of these errors, as a sentence.
    """
    test, p = autocorrelation_p(facts)
    if not p <= LEVEL:
        return ()
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return (
        f"What the model leaves unexplained is autocorrelated up to lag {TEST_LAG} ({test} test, {shown}): "
        f"months are not independent given its terms. {caveat}",
    )

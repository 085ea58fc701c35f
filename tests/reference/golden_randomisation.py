"""Golden case of randomisation inference: a stratified, clustered experiment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from golden_data import columns, complete, numbers

from cseval.inference.panel_regression import regress, standard_errors
from cseval.inference.permutation import permute

EFFECTS = ("b_pair", "miss_b_dayscorab", "round2", "round3")
DRAWS = 9999


def colombia(folder: Path) -> dict[str, float]:
    """Treatment permuted over blocks within pairs; more draws than the source took, so nearer to what it estimates."""
    data = complete(columns(folder / "colombia.csv"))
    absorbed = [data[k] for k in EFFECTS]
    y, (treat, before) = numbers(data, "dayscorab")[:, 0], numbers(data, "b_treat", "b_dayscorab").T
    fit = regress(y, np.column_stack([treat, before]), absorbed=absorbed)
    ranked = permute(
        y, treat, data["b_block"], strata=data["b_pair"], controls=before, absorbed=absorbed, draws=DRAWS, seed=1
    )
    assert abs(ranked.coefficient - fit.coefficients[0]) < 1e-12
    assert 0.002 < ranked.mc_error < 0.004
    return {
        "coef": fit.coefficients[0],
        "se_cluster": standard_errors(fit.clustered(data["b_block"]))[0],
        "n": fit.observations,
        "ri_p": ranked.p_value,
    }


CASES: dict[str, Callable[[Path], dict[str, float]]] = {"ritest_colombia": colombia}

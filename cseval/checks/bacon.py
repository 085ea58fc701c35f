"""What a two-way fixed-effects estimate of one effect would compare, where areas begin in different months."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import INFORMATION, CheckResult, not_applicable
from cseval.errors import EstimationError
from cseval.formats import MINUS
from cseval.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.checks.context import CheckContext
    from cseval.estimators.bacon import Comparison
    from cseval.estimators.staggered_cohorts import CohortPanel

NAME = "what a two-way estimate would compare"
QUESTION = "What would a two-way fixed-effects estimate of one effect compare, and why is it not used?"


@dataclass(frozen=True, kw_only=True)
class BaconDecomposition:
    """Goodman-Bacon's decomposition of the two-way estimate that the primary analysis does not use.

    The estimate of one effect in incidents per unit and month, with unit and month effects, is a weighted mean of
    comparisons of two groups. Those of a group that begins later with one that has begun subtract what the programme
    does there. Always information: no estimate of the evaluation rests on it.

    Notes
    -----
    Goodman-Bacon (2021), "Difference-in-differences with variation in treatment timing".
    """

    def run(self, context: CheckContext) -> CheckResult:
        """Decompose the two-way estimate of the primary outcome."""
        from cseval.estimators.bacon import LATE_EARLY, by_kind, decompose
        from cseval.estimators.imputation_kernels import imputed_effects
        from cseval.estimators.staggered_aggregates import aggregates, cell_weights
        from cseval.estimators.staggered_cohorts import panel_of

        if not context.design.staggered:
            return not_applicable(NAME, QUESTION, "all treated units begin in the same month")
        try:
            panel = panel_of(context.design)
            cells, effects, _ = imputed_effects(panel)
        except EstimationError as error:
            return not_applicable(NAME, QUESTION, error.found)
        found = decompose(panel.values, _first(panel))
        kinds, estimate = by_kind(found), sum(c.weight * c.effect for c in found)
        weights, _ = cell_weights(aggregates(cells), cells, panel.size)
        weight, late = kinds.get(LATE_EARLY, (0.0, math.nan))
        return CheckResult(
            name=NAME,
            question=QUESTION,
            verdict=INFORMATION,
            statistic=weight,
            reference="0: no comparison with an area that has begun",
            p_value=math.nan,
            sentence=_sentence(estimate, float(weights[0] @ effects.values()), weight, late),
            table=_table(found, estimate),
        )


def _first(panel: CohortPanel) -> npt.NDArray[np.int64]:
    """First post column of each unit; the number of months for units that never begin."""
    import numpy as np

    return np.append(panel.first, panel.values.shape[1])[panel.group]


def _number(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS)


def _sentence(estimate: float, imputed: float, weight: float, late: float) -> str:
    share = f"{100 * weight:.1f}%"
    return (
        f"One two-way effect would be {_number(estimate)} incidents per unit and month, where untreated months alone "
        f"as comparison give {_number(imputed)}. It weighs months unequally, and {share} of its weight compares areas "
        f"that begin later with areas that have begun (mean {_number(late)}), which subtracts what the programme does "
        "there; it is therefore not used."
    )


def _table(found: tuple[Comparison, ...], estimate: float) -> Table:
    import pandas as pd

    from cseval.estimators.bacon import by_kind

    rows = [
        (kind.capitalize(), sum(c.kind == kind for c in found), weight, effect)
        for kind, (weight, effect) in by_kind(found).items()
    ]
    rows.append(("Two-way estimate", len(found), 1.0, estimate))
    return Table(
        slug="two-way-decomposition",
        title="What a two-way fixed-effects estimate of one effect would compare",
        values=pd.DataFrame(rows, columns=["comparison", "number", "weight", "effect"]),
        headings={
            "comparison": "Comparison",
            "number": "Pairs of groups",
            "weight": "Weight",
            "effect": "Mean difference, incidents per unit and month",
        },
        notes=(
            "Earlier against later: an area that begins, with one that has not begun yet. Later against earlier: an "
            "area that begins, with one that has begun; its effects so far are subtracted.",
        ),
    )

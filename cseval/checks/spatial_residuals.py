"""Do neighbouring comparison units change alike, beyond what the comparison as a whole did?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import INFORMATION, PASS, CheckResult, not_applicable
from cseval.errors import SpecError
from cseval.estimate import LOG
from cseval.formats import p_text
from cseval.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import Floats

    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

NAME = "spatial autocorrelation"
QUESTION = "Do neighbouring comparison units change alike, beyond what the comparison as a whole did?"

#: Fewer units with a neighbour than this say nothing about neighbours.
FEWEST_UNITS = 20


@dataclass(frozen=True, kw_only=True)
class SpatialResiduals:
    """Moran's I of the comparison units' residuals on the adjacency graph, against random relabelling of the units.

    It is information, not a concern: placebo neighbourhoods are made of adjoining units and carry the correlation into
    the interval. Errors clustered by unit do not, and are too small where it is positive.

    Parameters
    ----------
    permutations : int
        Random relabellings of the units.

    Notes
    -----
    ``I = n / W sum_ij w_ij z_i z_j / sum_i z_i^2`` with w = 1 for units that touch, W its sum and z the residuals less
    their mean; without spatial correlation its mean is ``-1 / (n - 1)``. Moran (1950), "Notes on continuous stochastic
    phenomena"; Cliff and Ord (1981), "Spatial processes", for the permutation distribution.
    """

    permutations: int = 999

    def __post_init__(self) -> None:
        if self.permutations < 19:
            raise SpecError(f"permutations={self.permutations}", where="SpatialResiduals", expected="at least 19")

    def run(self, context: CheckContext) -> CheckResult:
        """Compare the residuals of units that touch."""
        import numpy as np

        design = context.design
        residuals, used = unit_residuals(design, context.estimate.scale)
        values, pairs = on_graph(residuals, used, design.areas.pairs)
        if len(values) < FEWEST_UNITS or np.ptp(values) == 0:
            return not_applicable(NAME, QUESTION, f"fewer than {FEWEST_UNITS} comparison units that touch and vary")
        found, reference = morans_i(values, pairs), relabelled(values, pairs, self.permutations, context.seed)
        expected = -1 / (len(values) - 1)
        p_value = float((1 + (np.abs(reference - expected) >= abs(found - expected)).sum()) / (1 + len(reference)))
        return CheckResult(
            name=NAME,
            question=QUESTION,
            verdict=INFORMATION if p_value <= 0.05 else PASS,
            statistic=found,
            reference=f"{len(reference):,} random relabellings of {len(values):,} units; mean {expected:.4f} expected",
            p_value=p_value,
            sentence=_sentence(found, expected, p_value),
            table=_table(found, expected, reference, len(values), len(pairs), int(design.comparison.sum())),
        )


def unit_residuals(design: Design, scale: str) -> tuple[Floats, Mask]:
    """Residual of every unit, and which comparison units have one; both of shape (units,).

    On the log scale ``(y_i1 - E_i) / sqrt(E_i)``, where ``E_i = y_i0 C1 / C0`` is what the comparison's change makes of
    the unit's pre-period count; a unit without a pre-period count has none. On the count scale the change per month.
    """
    import numpy as np

    pre, post, comparison = design.pre_counts, design.post_counts, design.comparison
    if scale != LOG:
        return post / design.post.sum() - pre / (~design.post).sum(), comparison
    used = comparison & (pre > 0) & (post[comparison].sum() > 0)
    expected = np.where(used, pre, 1.0) * post[comparison].sum() / max(pre[comparison].sum(), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(used, (post - expected) / np.sqrt(expected), 0.0), used


def on_graph(residuals: Floats, used: Mask, pairs: Index) -> tuple[Floats, Index]:
    """Residuals of the used units that touch another used one, and the pairs among them in their numbering."""
    import numpy as np

    inside = pairs[used[pairs].all(axis=1)]
    units, numbered = np.unique(inside, return_inverse=True)
    return residuals[units], numbered.reshape(-1, 2).astype(np.int64)


def morans_i(values: Floats, pairs: Index) -> float:
    """Moran's I of `values`, shape (units,), with weight 1 for each of `pairs`, shape (pairs, 2), each listed once."""
    centred = values - values.mean()
    return float(len(values) / len(pairs) * (centred[pairs[:, 0]] @ centred[pairs[:, 1]]) / (centred @ centred))


def relabelled(values: Floats, pairs: Index, permutations: int, seed: int) -> Floats:
    """Moran's I of the same values put on the units in random order; shape (permutations,)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return np.array([morans_i(rng.permutation(values), pairs) for _ in range(permutations)])


def _sentence(found: float, expected: float, p_value: float) -> str:
    if p_value > 0.05:
        return (
            f"Comparison units that touch change no more alike than units put down at random (Moran's I {found:.2f}, "
            f"{p_text(p_value)})."
        )
    if found > expected:
        return (
            f"Comparison units that touch change alike (Moran's I {found:.2f}, {p_text(p_value)}); placebo "
            "neighbourhoods are made of units that touch and carry this into the interval, errors clustered by unit do "
            "not and are too small."
        )
    return (
        f"Comparison units that touch change in opposite directions (Moran's I {found:.2f}, {p_text(p_value)}), as "
        "when incidents move next door; placebo neighbourhoods carry this into the interval, errors clustered by unit "
        "do not."
    )


def _table(found: float, expected: float, reference: Floats, units: int, pairs: int, comparison: int) -> Table:
    import numpy as np
    import pandas as pd

    low, high = np.quantile(reference, [0.025, 0.975])
    rows = [
        ("Moran's I", found),
        ("Expected without spatial correlation", expected),
        ("95% of random relabellings, from", float(low)),
        ("to", float(high)),
    ]
    left = comparison - units
    note = f"{units:,} comparison units, {pairs:,} pairs that touch."
    if left:
        note += f" {left:,} comparison units that touch no other, or have no count before the start, are left out."
    return Table(
        slug="spatial-autocorrelation",
        title="Do neighbouring comparison units change alike?",
        values=pd.DataFrame(rows, columns=["quantity", "value"]),
        headings={"quantity": "Quantity", "value": "Moran's I"},
        notes=(note,),
    )

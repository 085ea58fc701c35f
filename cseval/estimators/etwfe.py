"""Staggered starts for counts: a Poisson model with one effect for each cohort and month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.errors import EstimationError
from cseval.estimate import LOG
from cseval.estimators.base import ClusterErrors, ManyEffects
from cseval.estimators.staggered import BAND_DRAWS, Found, StaggeredEstimate, estimate_of, require_band

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.areas import PlaceboSets
    from cseval.design import Design
    from cseval.estimators.etwfe_kernels import Ladder
    from cseval.estimators.staggered_aggregates import Aggregate
    from cseval.estimators.staggered_cohorts import Cells, CohortPanel

    Floats = npt.NDArray[np.float64]

ASSUMPTION = (
    "Without the programme, incidents in each treated unit would from its own start on have changed by the same "
    "percentage as in the units that had not begun."
)


@dataclass(frozen=True, kw_only=True)
class PoissonETWFE:
    """Extended two-way fixed-effects Poisson model for staggered starts.

    ``y_it ~ Poisson(exp(a_i + g_t + tau_ct D_it))`` with D = 1 in a treated unit from its own start on, and one effect
    for each cohort c and month t, so that no cohort serves as comparison after its start (Wooldridge 2023). The effect
    is the log of all incidents in treated cells over those expected there without the programme. With one start it is
    that of `PoissonDiD`. Units that begin later are comparison until they do.

    Parameters
    ----------
    band_draws : int
        Draws of the multiplier bootstrap behind the simultaneous bands.
    """

    band_draws: int = BAND_DRAWS

    def __post_init__(self) -> None:
        require_band(self.band_draws, "PoissonETWFE")

    @property
    def name(self) -> str:
        """What the effect table calls it."""
        return "Poisson ETWFE"

    def estimate(self, design: Design) -> StaggeredEstimate:
        """Estimate the effect, by cohort and month and over these, with errors by unit (CR1, Student's t).

        Raises
        ------
        EstimationError
            If a cohort has no incident before its start, or nothing was counted in or expected for treated cells.
        """
        import numpy as np

        from cseval.estimators.etwfe_kernels import fit_ladder
        from cseval.estimators.staggered_cohorts import panel_of

        panel = panel_of(design)
        ladder = fit_ladder(panel)
        _require_counts(design, ladder)
        found = _found(panel, ladder)
        after = np.arange(len(design.periods)) >= panel.first[:, None]
        return estimate_of(
            design,
            found,
            names=(self.name, "ATT over treated cells, ratio of incident counts", "cluster-robust (CR1, t)"),
            scale=LOG,
            assumption=ASSUMPTION,
            facts={"method": "closed form", "expected": float(ladder.expected[:-1][after].sum())},
            band_draws=self.band_draws,
        )

    def estimate_many(self, design: Design, sets: PlaceboSets) -> ManyEffects:
        """Effect of each set against the design's comparison units less the set and its ring; starts by position.

        A set with a cohort without an incident before its start, or with none in its treated cells, has NaN. The
        variance is linear in a constant and the Poisson variance of the log ratio.
        """
        import numpy as np

        from cseval.estimators.staggered_sets import poisson_variance, set_cohorts, set_ladder

        found = set_cohorts(design, sets)
        ladder = set_ladder(found.sums(found.segments()), found.sizes())
        expected, own = poisson_variance(ladder)
        return ManyEffects(
            effect=ladder.effect(),
            variance_terms=np.stack([np.ones_like(expected), expected], axis=1),
            size=found.baseline(),
            post_term=own,
        )

    def cluster_errors(self, design: Design, sets: PlaceboSets) -> ClusterErrors:
        """Cluster-robust standard error (CR1, by unit) of each effect of `estimate_many`, units - 1 df.

        NaN where a single unit begins in a month.
        """
        import numpy as np

        from cseval.estimators.staggered_sets import ladder_variance, second_moments, set_cohorts, set_ladder

        found = set_cohorts(design, sets)
        segments, sizes = found.segments(), found.sizes()
        ladder = set_ladder(found.sums(segments), sizes)
        units = sizes.sum(axis=1)
        variance = ladder_variance(ladder, second_moments(segments, found)) * units / (units - 1)
        error = np.where((sizes[:, :-1] == 1).any(axis=1), np.nan, np.sqrt(np.maximum(variance, 0.0)))
        return ClusterErrors(std_error=error, df=units - 1)


def _require_counts(design: Design, ladder: Ladder) -> None:
    """Refuse a ratio with a zero in it, naming the cohort."""
    import numpy as np

    from cseval.months import month_words

    panel, where = ladder.panel, f"outcome {design.outcome}"
    before = (panel.total[:-1] * ladder.untreated[:-1]).sum(axis=1)
    after = (panel.total[:-1] * ~ladder.untreated[:-1]).sum()
    if not before.all():
        start = design.periods[int(panel.first[int(np.argmin(before))])]
        what = f"no incident before {month_words(start)} in the units that begin then"
    elif not after:
        what = "no incident in the treated units from their starts on"
    elif not (expected := ladder.expected[:-1][~ladder.untreated[:-1]].sum()) > 0:
        phase = "from the first start on" if np.isfinite(expected) else "before some start"
        what = f"no incident in the units that had not begun {phase}"
    else:
        return
    todo = "Choose an outcome with more incidents or longer periods"
    raise EstimationError(f"the ratio is not estimable because there was {what}", where=where, todo=todo)


def _found(panel: CohortPanel, ladder: Ladder) -> Found:
    import numpy as np

    from cseval.estimators.etwfe_kernels import log_ratios
    from cseval.estimators.staggered_aggregates import aggregates
    from cseval.estimators.staggered_cohorts import treated_cells

    cells = treated_cells(panel)
    each = log_ratios(ladder, cells, np.eye(len(cells), dtype=bool))
    units = float(panel.size.sum())
    factor = units / (units - 1)
    found = aggregates(cells)
    ratios = log_ratios(ladder, cells, np.stack([a.members for a in found]))
    rows = overall_rows(found, cells, ladder)
    values = ratios.values()
    return Found(
        panel=panel,
        cells=cells,
        values=each.values(),
        errors=np.where(np.isfinite(each.values()), np.sqrt(factor * each.variances()), np.nan),
        aggregates=found,
        averages=np.array([row[row != 0] @ values[row != 0] for row in rows]),
        covariance=factor * ratios.covariance(rows),
        df=units - 1,
        untreated=ladder.expected[:-1],
    )


def overall_rows(found: tuple[Aggregate, ...], cells: Cells, ladder: Ladder) -> Floats:
    """Each aggregate as a combination of log ratios over cells, shape (aggregates, aggregates).

    An aggregate of cells is itself. The overall effect of the groups weighs them by their expected incidents, that of
    event times and months weighs these alike.
    """
    import numpy as np

    imputed = ladder.expected[cells.cohort, cells.column]
    rows = np.eye(len(found))
    for i, one in enumerate(found):
        if one.parts:
            parts = list(one.parts)
            weight = np.array([imputed[found[p].members].sum() if one.kind == "group" else 1.0 for p in parts])
            rows[i] = 0.0
            rows[i, parts] = weight / weight.sum()
    return rows

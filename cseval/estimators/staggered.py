"""What the estimators for staggered starts have in common: their estimate, tables and options.

Treated cells are the months of each treated unit from its own start on; an estimate counts incidents in these alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.errors import SpecError
from cseval.estimate import LOG, Estimate
from cseval.estimators.poisson_did import left_out
from cseval.months import month_text

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from cseval.design import Design
    from cseval.estimators.base import ManyEffects
    from cseval.estimators.staggered_aggregates import Aggregate
    from cseval.estimators.staggered_cohorts import Cells, CohortPanel
    from cseval.estimators.staggered_kernels import LinearEffects

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]

#: Draws of the multiplier bootstrap behind simultaneous bands, and their seed.
BAND_DRAWS, BAND_SEED = 1999, 20191

#: Separate places of treated units below which tables show no errors by unit.
FEWEST_PLACES = 6
#: Columns that rest on errors by unit.
BY_UNIT = ("std_error", "conf_low", "conf_high", "p_value", "band_low", "band_high")

COHORT_TABLE, AGGREGATION_TABLE = "att_by_cohort_and_period", "aggregations"

LINEAR_ASSUMPTION = (
    "Without the programme, incidents per treated unit would from its own start on have changed by the same number as "
    "per unit that had not begun."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class StaggeredEstimate(Estimate):
    """An estimate over treated units that begin in different months.

    Parameters
    ----------
    unit_months : int
        Months of treated units from their own starts on; `post_periods` are the months from the first start on.
    """

    unit_months: int

    @property
    def observed_rate(self) -> float:
        """Incidents per treated unit and month from its start on, as counted."""
        return self.observed / self.unit_months

    def _averted(self, effect: float) -> float:
        return super()._averted(effect) if self.scale == LOG else -effect * self.unit_months


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What an estimator for staggered starts found, before it is put together.

    Parameters
    ----------
    panel : CohortPanel
    cells : Cells
        Cells of cohort and month with an effect.
    values, errors : float array, shape (cells,)
    aggregates : tuple of Aggregate
    averages : float array, shape (aggregates,)
        The aggregates' effects; the first is the one over all treated cells.
    covariance : float array, shape (aggregates, aggregates)
        Small-sample factor included.
    df : float
        Degrees of freedom of Student's t.
    untreated : float array, shape (cohorts, months)
        Incidents that each cohort would have had without the programme: fitted before its start, imputed after it.
    """

    panel: CohortPanel
    cells: Cells
    values: Floats
    errors: Floats
    aggregates: tuple[Aggregate, ...]
    averages: Floats
    covariance: Floats
    df: float
    untreated: Floats

    @property
    def single(self) -> npt.NDArray[np.bool_]:
        """Cells of cohorts with one unit, whose own variation cannot be estimated."""
        return np.asarray(self.panel.size[self.cells.cohort] == 1)


def require_band(draws: int, where: str) -> None:
    """Refuse too few draws for a band.

    Raises
    ------
    SpecError
    """
    if draws < 99:
        raise SpecError(f"band_draws={draws}", where=where, expected="at least 99")


def estimate_of(
    design: Design,
    found: Found,
    *,
    names: tuple[str, str, str],
    scale: str,
    assumption: str,
    facts: dict[str, Any],
    band_draws: int = BAND_DRAWS,
) -> StaggeredEstimate:
    """Put an estimate together; `names` are those of the estimator, its estimand and its errors.

    Where a cohort has a single unit, what it enters has no standard error. With treated units in fewer than
    `FEWEST_PLACES` separate places the tables and coefficients have none at all (`places_note`); the estimate's own
    stays, for inference judges it by itself.
    """
    aggregations, few = _aggregations(found, band_draws), places_note(design)
    first = {k: float(aggregations.iloc[0][k]) for k in ("std_error", "conf_low", "conf_high", "p_value")}
    shown = without_errors if few else _as_it_is
    observed, effect, months = _observed(found.panel), float(found.averages[0]), _unit_months(found.panel)
    return StaggeredEstimate(
        estimator=names[0],
        estimand=names[1],
        outcome=design.outcome,
        scale=scale,
        effect=effect,
        **first,
        inference=names[2],
        observed=observed,
        counterfactual=observed * float(np.exp(-effect)) if scale == LOG else observed - effect * months,
        treated_units=int(design.is_treated.sum()),
        comparison_units=int(design.comparison.sum()),
        pre_periods=int((~design.post).sum()),
        post_periods=int(design.post.sum()),
        unit_months=months,
        assumption=assumption,
        coefficients=shown(_coefficients(aggregations)),
        path=_path(design, found, effect, scale),
        facts={"clusters": int(found.panel.size.sum()), "cohorts": _cohort_facts(found.panel), **facts},
        tables={COHORT_TABLE: shown(_cohort_frame(found)), AGGREGATION_TABLE: shown(aggregations)},
        left_out=left_out(design),
        notes=(*_notes(found), *few),
    )


def places_note(design: Design) -> tuple[str, ...]:
    """A sentence if treated units lie in too few separate places for errors by unit; none otherwise.

    Such errors take units to be independent. Those that adjoin share what happens in their place, so that what varies
    is places, and the variation of a handful of places cannot be seen from within them: among programmes without an
    effect in three places of three wards, four in five had an event time whose simultaneous 95 % band left out zero.
    """
    places = len(design.areas.components(design.treated))
    if places >= FEWEST_PLACES:
        return ()
    where = "one separate place" if places == 1 else f"{places} separate places"
    return (
        f"Effects by cohort, month and event time are shown without errors: the treated units lie in {where}, fewer "
        f"than {FEWEST_PLACES}, and errors by unit, which take units that adjoin to be independent, would be far too "
        "small.",
    )


def without_errors(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with NaN in every column that rests on errors by unit."""
    return frame.assign(**{c: np.nan for c in BY_UNIT if c in frame})


def _as_it_is(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def _notes(found: Found) -> tuple[str, ...]:
    """A sentence if a cohort is a single unit."""
    if not found.single.any():
        return ()
    starts = sorted({month_text(int(found.panel.begin[c])) for c in found.cells.cohort[found.single]})
    return (
        f"No standard error by unit where a single unit begins ({', '.join(starts)}): its own variation is unknown.",
    )


def _after(panel: CohortPanel) -> npt.NDArray[np.bool_]:
    """Which months of each cohort are treated, shape (cohorts, months)."""
    return np.asarray(np.arange(panel.values.shape[1]) >= panel.first[:, None])


def _observed(panel: CohortPanel) -> float:
    return float(panel.total[:-1][_after(panel)].sum())


def _unit_months(panel: CohortPanel) -> int:
    return int(panel.size[:-1] @ _after(panel).sum(axis=1))


def _cohort_facts(panel: CohortPanel) -> dict[str, int]:
    """Units by start."""
    return {month_text(int(b)): int(n) for b, n in zip(panel.begin, panel.size, strict=False)}


def _aggregations(found: Found, draws: int) -> pd.DataFrame:
    from cseval.estimators.staggered_aggregates import aggregation_frame, band_factors

    errors = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
    known = np.array([not (a.members & found.single).any() for a in found.aggregates])
    errors[~known | ~np.isfinite(found.averages)] = np.nan
    bands = band_factors(found.aggregates, found.covariance, draws, BAND_SEED)
    return aggregation_frame(found.aggregates, found.averages, errors, found.df, bands, found.panel)


def _coefficients(aggregations: pd.DataFrame) -> pd.DataFrame:
    """The overall effect, then the effect of each cohort and of each event time, as terms."""
    words = {"simple": "all treated cells", "group": "start {}", "event": "event time {}"}
    shown = aggregations[aggregations["aggregation"].isin(list(words))]
    shown = shown[(shown["aggregation"] == "simple") | (shown["label"] != "overall")]
    terms = [words[a].format(label) for a, label in zip(shown["aggregation"], shown["label"], strict=True)]
    columns = ["estimate", "std_error", "conf_low", "conf_high", "p_value"]
    return shown[columns].assign(term=terms)[["term", *columns]].reset_index(drop=True)


def _cohort_frame(found: Found) -> pd.DataFrame:
    """The table ``att_by_cohort_and_period``: one row for each cohort and month with an effect."""
    import pandas as pd

    from cseval.estimators.did_kernels import t_interval

    panel, cells = found.panel, found.cells
    errors = np.where(found.single, np.nan, found.errors)
    low, high, p_value = t_interval(found.values, errors, found.df)
    return pd.DataFrame(
        {
            "start": [month_text(int(panel.begin[c])) for c in cells.cohort],
            "period": [month_text(int(panel.month[t])) for t in cells.column],
            "event_time": cells.event,
            "units": panel.size[cells.cohort],
            "observed": panel.total[cells.cohort, cells.column],
            "estimate": found.values,
            "std_error": errors,
            "conf_low": low,
            "conf_high": high,
            "p_value": p_value,
        }
    )


def _path(design: Design, found: Found, effect: float, scale: str) -> pd.DataFrame:
    """The treated area as a whole: what was counted, and what each cohort would have had, its effect off and on."""
    import pandas as pd

    after, without = _after(found.panel), found.untreated
    lifted = without * np.exp(effect) if scale == LOG else without + effect * found.panel.size[:-1, None]
    return pd.DataFrame(
        {
            "period": list(design.periods),
            "observed": found.panel.total[:-1].sum(axis=0),
            "fitted": np.where(after, lifted, without).sum(axis=0),
            "counterfactual": without.sum(axis=0),
            "low": np.nan,
            "high": np.nan,
        }
    )


def linear_found(
    panel: CohortPanel, cells: Cells, effects: LinearEffects, untreated: Floats, *, shares: bool, factor: float = 1.0
) -> Found:
    """What a linear estimator found, with its aggregates.

    Parameters
    ----------
    effects : LinearEffects
        One for each cell.
    untreated : float array, shape (cohorts, months)
        Incidents without the programme.
    shares : bool
        Whether the weights of cohorts are themselves estimated, from their shares in all units.
    factor : float
        Small-sample factor of the variances.
    """
    from cseval.estimators.staggered_aggregates import aggregates, cell_weights

    found, values = aggregates(cells), effects.values()
    weights, moved = cell_weights(found, cells, panel.size)
    averaged = effects.combined(weights, moved @ values if shares else 0.0)
    return Found(
        panel=panel,
        cells=cells,
        values=values,
        errors=np.sqrt(factor * effects.variances()),
        aggregates=found,
        averages=averaged.values(),
        covariance=factor * averaged.covariance(),
        df=float(panel.size.sum() - 1),
        untreated=untreated,
    )


def linear_many(design: Design, sums: Floats, sizes: Floats, months: Floats, baseline: Floats) -> ManyEffects:
    """Effects of placebo sets on the count scale: `sums` over treated cells, by their `months` of treated units.

    The variance is linear in what `LinearDiD` has: the square of the set's baseline incidents per unit and month and,
    last, these themselves.
    """
    from cseval.estimators.base import ManyEffects
    from cseval.estimators.staggered_sets import positive

    level = baseline / (positive(sizes[:, :-1].sum(axis=1)) * (~design.post).sum())
    return ManyEffects(
        effect=sums / positive(months), variance_terms=np.stack([level**2, level], axis=1), size=baseline
    )

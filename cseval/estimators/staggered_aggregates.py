"""Aggregations of effects by cohort and month: simple, by group, by event time and by calendar month.

Callaway and Sant'Anna (2021), "Difference-in-differences with multiple time periods", section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cseval.months import month_text

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from cseval.estimators.staggered_cohorts import Cells, CohortPanel

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

SIMPLE, GROUP, EVENT, CALENDAR = "simple", "group", "event", "calendar"
OVERALL = "overall"

#: Columns of the table ``aggregations``.
AGGREGATION_COLUMNS = "aggregation label estimate std_error conf_low conf_high p_value band_low band_high".split()


@dataclass(frozen=True, kw_only=True, eq=False)
class Aggregate:
    """One average of effects.

    Parameters
    ----------
    kind : {"simple", "group", "event", "calendar"}
    label : int or str
        Number of the cohort, event time, column of the month, or ``overall``.
    members : bool array, shape (cells,)
        Cells that are averaged; for an overall effect all that enter through `parts`.
    parts : tuple of int
        Positions of the aggregates that an overall effect averages; empty for an average of cells.
    """

    kind: str
    label: int | str
    members: Mask
    parts: tuple[int, ...] = ()


def aggregates(cells: Cells) -> tuple[Aggregate, ...]:
    """Every aggregate of these cells, the overall effect last in each kind; only `event` looks before the start."""
    post = cells.post
    out = [Aggregate(kind=SIMPLE, label=OVERALL, members=post)]
    for kind, key, used in (
        (GROUP, cells.cohort, post),
        (EVENT, cells.event, np.ones(len(cells), dtype=bool)),
        (CALENDAR, cells.column, post),
    ):
        out += [Aggregate(kind=kind, label=int(v), members=used & (key == v)) for v in np.unique(key[used]).tolist()]
        parts = [i for i, a in enumerate(out) if a.kind == kind and (kind != EVENT or int(a.label) >= 0)]
        out.append(Aggregate(kind=kind, label=OVERALL, members=post, parts=tuple(parts)))
    return tuple(out)


def cell_weights(found: tuple[Aggregate, ...], cells: Cells, size: Index) -> tuple[Floats, Floats]:
    """Weights of the cells in each aggregate, and what their being estimated adds to each.

    Within an aggregate cells weigh by the units of their cohort; the overall effect weighs event times and months
    alike and groups by their units.

    Parameters
    ----------
    size : int array, shape (cohorts + 1,)
        Units by cohort.

    Returns
    -------
    weights : float array, shape (aggregates, cells)
    shares : float array, shape (aggregates, cohorts + 1, cells)
        ``n_c`` times the influence that a unit of cohort c has on the weights, from its share in all units.
    """
    weights = np.zeros((len(found), len(cells)))
    shares = np.zeros((len(found), len(size), len(cells)))
    for row, one in enumerate(found):
        if one.parts:
            parts = list(one.parts)
            equal, spread = _part_weights(one, found, size)
            weights[row] = equal @ weights[parts]
            shares[row] = np.einsum("p,pcr->cr", equal, shares[parts]) + spread @ weights[parts]
        else:
            cohort = cells.cohort[one.members]
            weights[row, one.members], shares[row][:, one.members] = share_weights(cohort, size)
    return weights, shares


def _part_weights(one: Aggregate, found: tuple[Aggregate, ...], size: Index) -> tuple[Floats, Floats]:
    """Weights of the parts of an overall effect, and what their being estimated adds, shape (cohorts + 1, parts)."""
    if one.kind == GROUP:
        return share_weights(np.array([int(found[p].label) for p in one.parts]), size)
    return np.full(len(one.parts), 1 / len(one.parts)), np.zeros((len(size), len(one.parts)))


def share_weights(cohort: Index, size: Index) -> tuple[Floats, Floats]:
    """Weights proportional to the units of each item's cohort, and the influence of units on them times ``n_c``.

    With shares ``p_k = n_k / N`` and their sum S over the items, ``w_k = p_k / S`` and a unit of cohort c moves it by
    ``((1[c = k] - p_k) / S - p_k sum_q (1[c = q] - p_q) / S^2) / N``.

    Returns
    -------
    weights : float array, shape (items,)
    influence : float array, shape (cohorts + 1, items)
    """
    everyone = float(size.sum())
    share = size[cohort] / everyone
    total = share.sum()
    same = (np.arange(len(size))[:, None] == cohort).astype(float)
    moved = same - share
    influence = moved / total - moved.sum(axis=1, keepdims=True) * share / total**2
    return share / total, influence * (size[:, None] / everyone)


def labelled(one: Aggregate, panel: CohortPanel, months: bool) -> str:
    """The label of an aggregate: cohorts and months by name where the panel's columns are months of the calendar."""
    if one.label == OVERALL or one.kind == EVENT:
        return str(one.label)
    number = int((panel.begin if one.kind == GROUP else panel.month)[int(one.label)])
    return month_text(number) if months else str(number)


def aggregation_frame(
    found: tuple[Aggregate, ...],
    values: Floats,
    errors: Floats,
    df: float,
    bands: dict[str, float],
    panel: CohortPanel,
    months: bool = True,
) -> pd.DataFrame:
    """The table ``aggregations``: intervals from Student's t, bands that hold all effects of a kind together.

    Parameters
    ----------
    values, errors : float array, shape (aggregates,)
        Effects and their standard errors.
    bands : dict of str to float
        Standard errors that the band of each kind reaches.
    """
    import pandas as pd

    from cseval.estimators.did_kernels import t_interval

    low, high, p_value = t_interval(values, errors, df)
    half = (high - low) / 2
    factor = np.array([np.nan if a.label == OVERALL else bands[a.kind] for a in found])
    reach = np.maximum(factor * errors, half)
    columns: dict[str, Any] = {
        "aggregation": [a.kind for a in found],
        "label": [labelled(a, panel, months) for a in found],
        "estimate": values,
        "std_error": errors,
        "conf_low": low,
        "conf_high": high,
        "p_value": p_value,
        "band_low": values - reach,
        "band_high": values + reach,
    }
    return pd.DataFrame(columns)[AGGREGATION_COLUMNS]


def band_factors(found: tuple[Aggregate, ...], covariance: Floats, draws: int, seed: int) -> dict[str, float]:
    """How many standard errors the simultaneous band of each kind reaches."""
    from cseval.estimators.staggered_kernels import band_factor

    out = {}
    for kind in (GROUP, EVENT, CALENDAR):
        rows = [i for i, a in enumerate(found) if a.kind == kind and a.label != OVERALL]
        out[kind] = band_factor(covariance[np.ix_(rows, rows)], draws, seed)
    return out

"""Simulated stop and searches in the fictional boroughs, with a known rise in the treated one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from cseval.months import add_months, month_range
from cseval.sources.stop_search_table import StopSearch

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Months before the start and from it on.
BEFORE, AFTER = 20, 14
#: Searches of a usual month, their spread between boroughs, and what multiplies those of the treated one.
LEVEL, SPREAD, SHOCK, TRUE_RATIO = 380.0, 0.35, 0.08, 2.0
#: Share of each group among people searched, as recorded words, and what multiplies one of them in the treated borough.
GROUPS = {
    "Asian/Asian British - Any other Asian background": 0.36,
    "Black/African/Caribbean/Black British - Any other Black background": 0.18,
    "Mixed/Multiple ethnic groups - Any other Mixed/Multiple ethnic background": 0.05,
    "Other ethnic group - Any other ethnic group": 0.03,
    "White - English/Welsh/Scottish/Northern Irish/British": 0.32,
    "Other ethnic group - Not stated": 0.06,
}
GROUP_CHANGED, TRUE_GROUP_RATIO = "Black/African/Caribbean/Black British - Any other Black background", 1.3
#: Share of searches that end in each outcome.
OUTCOMES = {"A no further action disposal": 0.7, "Arrest": 0.18, "Community resolution": 0.12}


def simulate_searches(
    seed: int, units: Sequence[str], names: Mapping[str, str], treated: str, start: str
) -> StopSearch:
    """Searches by fictional borough, month, recorded ethnicity and outcome.

    Parameters
    ----------
    seed : int
    units : sequence of str
    names : mapping of str to str
    treated : str
        Unit whose searches are multiplied by `TRUE_RATIO` from the start on, and whose searches of one group by
        `TRUE_GROUP_RATIO` more.
    start : str
        Month ``YYYY-MM``.
    """
    periods = month_range(add_months(start, -BEFORE), add_months(start, AFTER - 1))
    expected = _expected(seed, units, treated, len(periods))
    rng = np.random.default_rng([seed, 8])
    numbers = rng.poisson(expected)
    at = np.array(list(product(*map(range, numbers.shape))))
    unit, period, group, outcome = at.T
    return StopSearch(
        units=tuple(units),
        periods=periods,
        unit=unit.astype(np.int64),
        period=period.astype(np.int64),
        number=numbers.reshape(-1).astype(np.int64),
        codes={"self_ethnicity": group.astype(np.int64), "outcome": outcome.astype(np.int64)},
        words={"self_ethnicity": tuple(GROUPS), "outcome": tuple(OUTCOMES)},
        received=np.ones((len(units), len(periods)), dtype=bool),
        lost=np.zeros(len(periods)),
        names=dict(names),
        notes=("Simulated: nobody was searched.",),
    )


def _expected(seed: int, units: Sequence[str], treated: str, months: int) -> Floats:
    """Mean searches, shape (units, months, groups, outcomes)."""
    rng = np.random.default_rng([seed, 7])
    level = LEVEL * np.exp(SPREAD * rng.standard_normal((len(units), 1)))
    total = level * np.exp(SHOCK * rng.standard_normal((len(units), months)))
    shares = np.outer(np.array(list(GROUPS.values())), np.array(list(OUTCOMES.values())))
    expected: Floats = total[:, :, None, None] * shares
    own, after = list(units).index(treated), np.arange(months) >= BEFORE
    expected[own, after] *= TRUE_RATIO
    expected[own, after, list(GROUPS).index(GROUP_CHANGED)] *= TRUE_GROUP_RATIO
    return expected

"""Did incidents move next door, and does leaving the neighbours out matter?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.estimate import LOG, percent
from cseval.formats import p_text
from cseval.inference.placebo import critical_value, p_values
from cseval.inference.spread import scale_of, variance_by_size
from cseval.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import ManyEffects

QUESTION = "Did incidents move to the units next door, and does leaving them out matter?"


@dataclass(frozen=True, kw_only=True)
class BufferExclusion:
    """The effect in the ring around the treated area, and the estimate with the ring kept as comparison.

    The ring's effect is ranked among the rings of the placebo neighbourhoods. Concern if it is unusual there, since
    the programme may then have moved incidents or spread its benefit.
    """

    def run(self, context: CheckContext) -> CheckResult:
        """Estimate the effect next door and the estimate without the exclusion."""
        rows = ring_effects(context)
        ring = next((r for r in rows if r["area"] == "ring 1"), None)
        if ring is None or math.isnan(ring["p_value"]):
            return not_applicable("buffer", QUESTION, "no unit with counts adjoins the treated area")
        kept = _with_ring(context)
        unusual = ring["p_value"] <= 0.05
        return CheckResult(
            name="buffer",
            question=QUESTION,
            verdict=CONCERN if unusual else PASS,
            statistic=ring["statistic"],
            reference="the rings around the placebo neighbourhoods",
            p_value=ring["p_value"],
            sentence=(
                f"In the {ring['units']} units next door the change is {context.shown(ring['estimate'])} "
                f"({p_text(ring['p_value'])}), {'unlike' if unusual else 'like'} that around placebo neighbourhoods; "
                f"with them kept as comparison the estimate would be {context.shown(kept)} instead of "
                f"{context.shown(context.estimate.effect)}."
            ),
            table=_table(context, rows),
        )


def ring_effects(context: CheckContext) -> list[dict[str, Any]]:
    """Effect in the treated area, in ring 1, in ring 2 and in treated plus ring 1, each ranked among placebos.

    Each placebo neighbourhood has its own rings, put through the same comparison. Ring 2 stays in the comparison of
    the programme's estimate and is taken out of it for its own row. Where units begin in different months, incidents
    of treated units count from their own starts on, and those of the rings from the first.
    """
    key = id(context)
    if key not in _RINGS or _RINGS[key][0] is not context:
        _RINGS.clear()
        _RINGS[key] = (context, _ring_effects(context))
    return _RINGS[key][1]


#: Effects of the last context asked for: the check and the displacement table show the same rows.
_RINGS: dict[int, tuple[CheckContext, list[dict[str, Any]]]] = {}

#: Placebo rings drawn; rings are wide, and 999 give a p-value to the per mille.
RING_SETS = 999


def _ring_effects(context: CheckContext) -> list[dict[str, Any]]:
    import numpy as np

    design = context.design
    members = context.sets.members[:RING_SETS]
    first, second = design.areas.ring(design.treated, 2)
    allowed = np.append(design.comparison, False)  # the programme's own units are no placebo's neighbours
    n = len(design.units)
    placebo = [_from_the_first(design, np.where(allowed[r], r, n)) for r in _rings_of(context, members)]
    own = design.own_set.members[0]
    ring1, ring2 = (_from_the_first(design, _received(context, ring)) for ring in (first, second))
    areas: list[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64]]] = [
        ("treated", own, members),
        ("ring 1", ring1, placebo[0]),
        ("ring 2", ring2, placebo[1]),
        ("treated and ring 1", np.concatenate([own, ring1]), np.hstack([members, placebo[0]])),
    ]
    return [_row(context, name, mine, theirs, members) for name, mine, theirs in areas if len(mine)]


def _received(context: CheckContext, ring: frozenset[str]) -> npt.NDArray[np.int64]:
    """Positions of the units of a ring that lack no month; a month not received is no zero."""
    import numpy as np

    design = context.design
    inside = np.array([u in ring for u in design.units], dtype=bool) & design.complete
    return np.flatnonzero(inside).astype(np.int64)


def _row(
    context: CheckContext,
    name: str,
    mine: npt.NDArray[np.int64],
    theirs: npt.NDArray[np.int64],
    members: npt.NDArray[np.int64],
) -> dict[str, Any]:
    import numpy as np

    design = context.design
    near = _effects(context, mine[None, :], design.own_set.members)
    many = _effects(context, theirs, members)
    coefficients = variance_by_size(many)
    statistics = many.effect / scale_of(many, coefficients)
    statistics = statistics[np.isfinite(statistics)]
    spread = float(scale_of(near, coefficients)[0])
    effect = float(near.effect[0])
    reach = critical_value(statistics, 0.05) * spread
    return {
        "area": name,
        "units": int((mine < len(design.units)).sum()),
        "estimate": effect,
        "conf_low": effect - reach,
        "conf_high": effect + reach,
        "p_value": float(p_values(np.array([effect / spread]), statistics)[0]),
        "statistic": effect / spread,
        "observed": _observed(design, mine),
    }


def _observed(design: Design, units: npt.NDArray[np.int64]) -> float:
    """Incidents that the effect of these units is about: of each from the start that `estimate_many` gives it."""
    import numpy as np

    first = design.cohorts_of(units[None, :])[0]
    inside = units < len(design.units)  # a row may be padded
    after = np.arange(len(design.periods)) >= first[inside][:, None]
    return float(design.counts[units[inside]][after].sum())


def _from_the_first(design: Design, ring: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Ring units (..., units) with padding added where they are as many as the treated.

    Sets as large as the treated area take its starts by position (`Design.cohorts_of`); rings begin with the programme.
    """
    import numpy as np

    if not design.staggered or ring.shape[-1] != design.own_set.members.shape[1]:
        return ring
    return np.concatenate([ring, np.full((*ring.shape[:-1], 1), len(design.units), dtype=np.int64)], axis=-1)


def _effects(context: CheckContext, sets: npt.NDArray[np.int64], around: npt.NDArray[np.int64]) -> ManyEffects:
    """Effect of padded sets of units; the neighbourhoods they lie around and all their rings leave the comparison."""
    import numpy as np

    from cseval.areas import PlaceboSets

    ring = _less(np.hstack([around, *_rings_of(context, around)]), sets, len(context.design.units))
    return context.estimator.estimate_many(context.design, PlaceboSets(members=sets, ring=ring))


def _less(index: npt.NDArray[np.int64], members: npt.NDArray[np.int64], padding: int) -> npt.NDArray[np.int64]:
    """`index` with every position that is a member, or that stands twice in a row, replaced by padding."""
    import numpy as np

    index = np.sort(index, axis=1)
    index[:, 1:][index[:, 1:] == index[:, :-1]] = padding
    for column in members.T:
        index[index == column[:, None]] = padding
    return index


def _rings_of(
    context: CheckContext, members: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rings 1 and 2 around each set, on the panel's map, padded with the number of units."""
    import numpy as np

    n = len(context.design.units)
    table = context.design.areas.padded(np.ones(n, dtype=bool))
    first = _less(table[members].reshape(len(members), -1), members, n)
    inside = np.hstack([members, first])
    second = _less(table[first].reshape(len(members), -1), inside, n)
    return _trim(first, n), _trim(second, n)


def _trim(index: npt.NDArray[np.int64], padding: int) -> npt.NDArray[np.int64]:
    import numpy as np

    index = np.sort(index, axis=1)
    return index[:, : max(int((index < padding).sum(axis=1).max(initial=0)), 1)]


def _with_ring(context: CheckContext) -> float:
    from dataclasses import replace

    kept = replace(context.design, buffer_rings=0)
    return float(context.estimator.estimate_many(kept, kept.own_set).effect[0])


def _table(context: CheckContext, rows: list[dict[str, Any]]) -> Table:
    import pandas as pd

    show = percent if context.estimate.scale == LOG else float
    frame = pd.DataFrame(
        [
            (r["area"], r["units"], show(r["estimate"]), show(r["conf_low"]), show(r["conf_high"]), r["p_value"])
            for r in rows
        ],
        columns=["area", "units", "change", "low", "high", "p_value"],
    )
    return Table(
        slug="buffer",
        title="Change in the treated area and in the rings around it",
        values=frame,
        headings={
            "area": "Area",
            "units": "Units",
            "change": "Change, %",
            "low": "95% interval from, %",
            "high": "to, %",
            "p_value": "p (placebo neighbourhoods)",
        },
    )

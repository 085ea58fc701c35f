"""Does the finding hang on one comparison unit, one district or one treated unit?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult
from cseval.estimate import LOG, percent
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext
    from cseval.design import Design

QUESTION = "Does the finding hang on one comparison unit, one district or one treated unit?"


@dataclass(frozen=True, kw_only=True)
class LeaveOneOut:
    """The estimate without each comparison unit, each comparison district and each treated unit in turn.

    It raises concern if leaving out one comparison unit or district moves the estimate by more than one placebo
    standard deviation. Treated units are shown and not judged: without one of them the programme is another one.
    """

    def run(self, context: CheckContext) -> CheckResult:
        """Estimate again without each unit in turn."""

        import numpy as np

        design, effect = context.design, context.estimate.effect
        rows = [("comparison unit", *x) for x in _without_units(context)]
        rows += [("comparison district", *x) for x in _without_districts(context)]
        treated = [("treated unit", *x) for x in _without_treated(context)]
        shifts = np.array([r[2] - effect for r in rows])
        worst = rows[int(np.nanargmax(np.abs(shifts)))]
        statistic = float(np.nanmax(np.abs(shifts)))
        moved = not statistic <= context.inferred.std_error  # also where no standard deviation is known
        return CheckResult(
            name="leave one out",
            question=QUESTION,
            verdict=CONCERN if moved else PASS,
            statistic=statistic,
            reference=f"one placebo standard deviation, {context.inferred.std_error:.3g}",
            p_value=math.nan,
            sentence=(
                f"Leaving out any one of {int(design.comparison.sum())} comparison units or its district moves the "
                f"estimate by at most {_shift(context, statistic)} (without {worst[1]}); leaving out one treated unit "
                f"gives from {context.shown(min(t[2] for t in treated))} to "
                f"{context.shown(max(t[2] for t in treated))}."
            ),
            table=_table(context, rows, treated),
        )


def _without_units(context: CheckContext) -> list[tuple[str, float]]:
    """The effect without each comparison unit.

    Each unit becomes the ring of the treated set, which takes it off the comparison in the vectorised path.
    """

    import numpy as np

    from cseval.areas import PlaceboSets

    design = context.design
    left_out = np.flatnonzero(design.comparison)
    members = np.repeat(design.own_set.members, len(left_out), axis=0)
    effects = context.estimator.estimate_many(design, PlaceboSets(members=members, ring=left_out[:, None])).effect
    return [(_name(design, int(i)), float(e)) for i, e in zip(left_out, effects, strict=True)]


def _without_districts(context: CheckContext) -> list[tuple[str, float]]:
    """The effect without all comparison units of each district."""

    import numpy as np

    from cseval.areas import PlaceboSets

    design = context.design
    districts = np.array([design.inputs.panel.districts.get(u, "") for u in design.units])
    names = sorted(set(districts[design.comparison].tolist()) - {""})
    if len(names) < 2:
        return []
    groups = [np.flatnonzero(design.comparison & (districts == n)) for n in names]
    width = max(len(g) for g in groups)
    ring = np.stack([np.pad(g, (0, width - len(g)), constant_values=len(design.units)) for g in groups])
    members = np.repeat(design.own_set.members, len(names), axis=0)
    effects = context.estimator.estimate_many(design, PlaceboSets(members=members, ring=ring)).effect
    return [(n, float(e)) for n, e in zip(names, effects, strict=True)]


def _without_treated(context: CheckContext) -> list[tuple[str, float]]:
    """The effect without each treated unit; a single treated unit has none."""

    import numpy as np

    design = context.design
    own = design.own_set.members[0]
    if len(own) == 1:
        return [(_name(design, int(own[0])), context.estimate.effect)]
    from cseval.areas import PlaceboSets

    members = np.stack([np.delete(own, k) for k in range(len(own))])
    ring = np.full((len(own), 1), len(design.units))
    effects = context.estimator.estimate_many(design, PlaceboSets(members=members, ring=ring)).effect
    return [(_name(design, int(i)), float(e)) for i, e in zip(own, effects, strict=True)]


def _name(design: Design, unit: int) -> str:
    code = design.units[unit]
    return f"{design.inputs.panel.names.get(code, code)} ({code})"


def _shift(context: CheckContext, size: float) -> str:
    return f"{percent(size):.1f}%" if context.estimate.scale == LOG else f"{size:.3g}"


def _table(context: CheckContext, rows: list[tuple[str, str, float]], treated: list[tuple[str, str, float]]) -> Table:
    """The ten comparison units and districts that move the estimate most, and every treated unit."""
    import pandas as pd

    effect = context.estimate.effect
    most = sorted(rows, key=lambda r: -abs(r[2] - effect))[:10]
    show = percent if context.estimate.scale == LOG else float
    frame = pd.DataFrame(
        [(kind, name, show(e), show(e) - show(effect)) for kind, name, e in most + treated],
        columns=["left_out", "name", "change", "shift"],
    )
    return Table(
        slug="leave-one-out",
        title="The estimate with one unit or district left out",
        values=frame,
        headings={"left_out": "Left out", "name": "Name", "change": "Change, %", "shift": "Moves it by, points"},
        notes=("The ten comparison units and districts that matter most, then each treated unit.",),
    )

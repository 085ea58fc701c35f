"""Does the synthetic control hang on one donor?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.errors import EstimationError
from cseval.estimate import percent
from cseval.estimators.synthetic_control import SyntheticControl
from cseval.formats import MINUS
from cseval.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.checks.context import CheckContext
    from cseval.design import Design
    from cseval.estimators.base import PlaceboEstimator

    Floats = npt.NDArray[np.float64]

NAME, QUESTION = "leave one donor out", "Does the synthetic control hang on one donor?"
#: Donors with less weight than this are not left out: nothing would move.
WEIGHT = 0.001
#: Placebo neighbourhoods from which the estimator's own spread is taken.
PLACEBOS = 199


@dataclass(frozen=True, kw_only=True)
class LeaveOneDonorOut:
    """A synthetic control fitted again without each donor that has weight.

    Abadie, Diamond and Hainmueller (2015), "Comparative politics and the synthetic control method", section 4. It
    raises concern if leaving out one donor moves the estimate by more than one standard deviation of the same
    estimator's effects in placebo neighbourhoods. The primary analysis may use any estimator: the check has its own.

    Parameters
    ----------
    estimator : SyntheticControl, AugmentedSC or SyntheticDiD
        Any estimator of a log ratio whose estimate has a table ``donor_weights``.
    """

    estimator: PlaceboEstimator = field(default_factory=SyntheticControl)

    def run(self, context: CheckContext) -> CheckResult:
        """Fit again without each donor in turn."""
        import numpy as np

        design = context.design
        if design.staggered:
            return not_applicable(
                NAME, QUESTION, "units begin in different months, and a synthetic control has one start"
            )
        try:
            estimate = self.estimator.estimate(design)
        except EstimationError as error:
            return not_applicable(NAME, QUESTION, str(error).rstrip("."))
        weights = estimate.tables["donor_weights"]
        weights = weights[weights["weight"].abs() >= WEIGHT]
        effects = _without_each(self.estimator, design, weights["unit"].tolist())
        if len(weights) < 2 or not np.isfinite(effects).any():
            return not_applicable(NAME, QUESTION, "one donor has all the weight and there is no other")
        spread = _spread(self.estimator, context)
        shift = float(np.nanmax(np.abs(effects - estimate.effect)))
        return CheckResult(
            name=NAME,
            question=QUESTION,
            verdict=PASS if shift <= spread else CONCERN,
            statistic=shift,
            reference=f"one placebo standard deviation, {spread:.3g}",
            p_value=math.nan,
            sentence=_sentence(self.estimator.name, estimate.effect, effects, weights),
            table=_table(weights, effects, estimate.effect),
        )


def _without_each(estimator: PlaceboEstimator, design: Design, donors: list[str]) -> Floats:
    """The effect without each donor, which becomes the ring of the treated set and so leaves its comparison."""
    import numpy as np

    from cseval.areas import PlaceboSets

    position = {u: i for i, u in enumerate(design.units)}
    ring = np.array([[position[u]] for u in donors], dtype=np.int64)
    members = np.repeat(design.own_set.members, len(donors), axis=0)
    return estimator.estimate_many(design, PlaceboSets(members=members, ring=ring)).effect


def _spread(estimator: PlaceboEstimator, context: CheckContext) -> float:
    """Standard deviation of the estimator's effects in placebo neighbourhoods; NaN if there are none."""
    import numpy as np

    some = context.sets.take(np.arange(min(PLACEBOS, len(context.sets))))
    effects = estimator.estimate_many(context.design, some).effect
    usable = effects[np.isfinite(effects)]
    return float(np.sqrt((usable**2).mean())) if len(usable) > 1 else math.nan


def _sentence(name: str, effect: float, effects: Floats, weights: pd.DataFrame) -> str:
    import numpy as np

    worst = weights.iloc[int(np.nanargmax(np.abs(effects - effect)))]
    return (
        f"Without any one of its {len(weights)} donors the estimate by {name[:1].lower()}{name[1:]}, {_change(effect)},"
        f" would lie between {_change(np.nanmin(effects))} and {_change(np.nanmax(effects))}; it moves most without "
        f"{worst['name']} ({worst['unit']}), which has {100 * worst['weight']:.0f}% of the weight."
    )


def _change(effect: float) -> str:
    """A log ratio in per cent."""
    return f"{percent(effect):.1f}%".replace("-", MINUS)


def _table(weights: pd.DataFrame, effects: Floats, effect: float) -> Table:
    """The estimate without each donor, the heaviest donor first."""
    import pandas as pd

    frame = pd.DataFrame(
        {
            "name": [f"{n} ({u})" for n, u in zip(weights["name"], weights["unit"], strict=True)],
            "weight": weights["weight"].to_numpy(),
            "change": [percent(float(e)) for e in effects],
            "shift": [percent(float(e)) - percent(effect) for e in effects],
        }
    )
    return Table(
        slug="leave-one-donor-out",
        title="The synthetic control with one donor left out",
        values=frame,
        headings={
            "name": "Left out",
            "weight": "Its weight",
            "change": "Change without it, %",
            "shift": "Moves it by, points",
        },
        notes=("Every donor with at least a thousandth of the weight.",),
    )

"""What else changed in the same place at the same time?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, INFORMATION, PASS, CheckResult
from cseval.register import overlap_table, overlapping

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext


@dataclass(frozen=True, kw_only=True)
class CoInterventions:
    """Programmes of the register that ran in the window; concern if any began within six months of the start.

    A programme over the whole borough is in the treated area and not in most of its comparison, so its effect is in
    the estimate too.
    """

    def run(self, context: CheckContext) -> CheckResult:
        """List the overlaps of the register."""
        from cseval.inputs import DEMONSTRATION

        entries = overlapping(context.register, context.evaluation)
        table = overlap_table(context.register, context.evaluation)
        near = [e.name for e, b in zip(entries, table.values["began"], strict=True) if b.startswith("within")]
        sentence = f"{len(entries)} other programmes of the register may have run in the same streets in the window"
        if near:
            sentence += f"; {len(near)} began within six months of the start ({', '.join(near)})"
        simulated = context.design.inputs.data == DEMONSTRATION
        if simulated:
            sentence = f"In the simulated data nothing else changed. In the real borough {sentence}"
        return CheckResult(
            name="co-interventions",
            question="What else changed in the same place at the same time?",
            verdict=INFORMATION if simulated else CONCERN if near else PASS,
            statistic=float(len(near)),
            reference="no other programme begun within six months of the start",
            p_value=math.nan,
            sentence=sentence + ". The estimate is of all that changed there then.",
            table=table,
        )

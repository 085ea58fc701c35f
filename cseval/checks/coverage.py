"""Were all months received, and how many months of the treated area are zero?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext

#: With fewer incidents than this in a phase, the log ratio of the treated area is far from normal and one incident
#: more or less moves it by a tenth.
FEW_INCIDENTS = 10


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Months and units left out because they were not received, and cells that are zero."""

    def run(self, context: CheckContext) -> CheckResult:
        """Count what is missing and what is zero."""
        design = context.design
        months, units = design.months_left_out, design.units_left_out
        treated = design.counts[design.is_treated].sum(axis=0)
        zero_months = int((treated == 0).sum())
        cells = float((design.counts[design.comparison] == 0).mean())
        fewest = float(min(design.pre_counts[design.is_treated].sum(), design.post_counts[design.is_treated].sum()))
        concern = bool(months or zero_months or fewest < FEW_INCIDENTS)
        received = f"All {len(design.periods)} months of the window were received"
        if months:
            found = (
                "1 month was not received and is"
                if len(months) == 1
                else f"{len(months)} months were not received and are"
            )
            received = f"{found} left out for every unit ({', '.join(months)})"
        dropped = f"; {len(units)} comparison units with a missing month are left out" if units else ""
        return CheckResult(
            name="coverage",
            question="Were all months received, and is a zero really a zero?",
            verdict=CONCERN if concern else PASS,
            statistic=float(len(months)),
            reference=f"no month missing, no zero month, at least {FEW_INCIDENTS} incidents in each phase",
            p_value=math.nan,
            sentence=(
                f"{received}{dropped}; the treated area has {zero_months or 'no'} "
                f"month{'' if zero_months == 1 else 's'} with no incident, and "
                f"{100 * cells:.0f}% of comparison cells are zero."
            ),
            table=_table(context, treated),
        )


def _table(context: CheckContext, treated: object) -> Table:
    import numpy as np
    import pandas as pd

    design = context.design
    phase = np.where(design.post, "post", "pre")
    frame = pd.DataFrame({"phase": phase, "treated": treated, "zero": np.asarray(treated) == 0})
    summary = frame.groupby("phase", sort=False).agg(
        months=("treated", "size"), incidents=("treated", "sum"), zero_months=("zero", "sum")
    )
    return Table(
        slug="coverage",
        title="Months received and incidents in the treated area",
        values=summary.reset_index(),
        headings={"phase": "Period", "months": "Months", "incidents": "Incidents", "zero_months": "Months with none"},
    )

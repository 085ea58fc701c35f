"""Does the registered test keep its promise on these data?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.checks.base import CONCERN, PASS, CheckResult, not_applicable
from cseval.tables import Table

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext
    from cseval.inference.calibration import Measured

QUESTION = "How often does the test find an effect where nothing was done?"

POPULATION_WORDS = {
    "all": "all placebo neighbourhoods ({:,})",
    "matched": "those with a similar count ({:,})",
    "selection": "those chosen as the worst of their district ({:,})",
}


@dataclass(frozen=True, kw_only=True)
class ErrorRate:
    """Measured false-positive rate of the registered test at 5 %, in the three placebo populations.

    Concern if a population of at least 50 placebos shows a rate above 5 % by more than two Monte Carlo errors and
    above 10 %: the test then rejects true nulls at least twice as often as it says. A population whose placebos are all
    ranked among themselves is named, and not judged: its rate is an identity.
    """

    def run(self, context: CheckContext) -> CheckResult:
        """Read the rates off the calibration."""
        known = [m for m in context.measured if m.method == context.placebo.name and math.isfinite(m.rate(0.05))]
        ranked, own = ([m for m in known if m.by_construction is given] for given in (True, False))
        if not own:
            return not_applicable("error rate", QUESTION, _why_not(ranked))
        judged = [m for m in own if len(m.p_value) >= 50]
        rate = max(m.rate(0.05) for m in judged or own)
        fails = any(m.rate(0.05) > max(0.10, 0.05 + 2 * m.mc_error(0.05)) for m in judged)
        parts = [f"{100 * m.rate(0.05):.1f}% of {POPULATION_WORDS[m.population].format(len(m.p_value))}" for m in own]
        shorter = own[0].months != (context.design.months_before, context.design.months_after)
        note = (
            f" Measured on {own[0].months[0]} months before and {own[0].months[1]} after, since the data begin too "
            "late for the registered window."
            if shorter
            else ""
        )
        beside = f"{_beside(context)}{_ranked_words(ranked)}"
        return CheckResult(
            name="error rate",
            question=QUESTION,
            verdict=CONCERN if fails else PASS,
            statistic=rate,
            reference="5%",
            p_value=float("nan"),
            sentence=(
                f"Where nothing was done, the placebo test at the 5% level finds an effect in "
                f"{', '.join(parts)}{beside}.{note}"
            ),
            table=_table(context),
        )


def _why_not(ranked: Sequence[Measured]) -> str:
    """Why nothing is measured: no window for it, or all that could be tested is right by construction."""
    if not ranked:
        return "no full window before the programme in which it could be measured"
    count = len(ranked[0].p_value)
    return f"all {count:,} placebos are ranked among themselves, so as many are rejected as the ranks have it"


def _ranked_words(ranked: Sequence[Measured]) -> str:
    """That a rate is an identity, for each population of which it is one."""
    return "".join(
        f"; among {POPULATION_WORDS[m.population].format(len(m.p_value))} the placebo test is right by "
        "construction, since each is ranked among all others "
        f"({100 * m.rate(0.05):.1f}% by the number of ranks), which measures nothing"
        for m in ranked
    )


def _beside(context: CheckContext) -> str:
    """What the other methods would find in all placebo neighbourhoods, at most three of them by name."""
    rates = {
        m.method: 100 * m.rate(0.05)
        for m in context.measured
        if m.method != context.placebo.name
        and m.population == "all"
        and math.isfinite(m.rate(0.05))
        and not m.by_construction
    }
    if not rates:
        return ""
    if len(rates) <= 3:
        return "; " + ", ".join(f"{name} finds one in {rate:.0f}% of all" for name, rate in rates.items())
    low, high = min(rates, key=lambda n: rates[n]), max(rates, key=lambda n: rates[n])
    return (
        f"; the {len(rates)} other methods find one in {rates[low]:.0f}% ({low}) to {rates[high]:.0f}% ({high}) of all"
    )


def _table(context: CheckContext) -> Table:
    import pandas as pd

    rows = [
        {
            "method": m.method,
            "population": m.population,
            "placebos": len(m.p_value),
            "rate": 100 * m.rate(0.05),
            "mc_error": 100 * m.mc_error(0.05),
        }
        for m in context.measured
    ]
    return Table(
        slug="error-rate",
        title="Share of true nulls rejected at the 5% level",
        values=pd.DataFrame(rows),
        headings={
            "method": "Method",
            "population": "Placebo neighbourhoods",
            "placebos": "Number",
            "rate": "Rejected, %",
            "mc_error": "Monte Carlo error, points",
        },
        notes=(
            "All: every connected set; where each is ranked among all the others the rate is right by "
            "construction, and no error goes with it. Matched: sets with a similar "
            "count. Selection: the worst set of each district in the year before, as the programme's area was chosen.",
        ),
    )

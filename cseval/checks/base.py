"""What a check is: a question about a design, answered with a verdict, a statistic and one sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cseval.errors import SpecError

if TYPE_CHECKING:
    from cseval.checks.context import CheckContext
    from cseval.tables import Table

PASS, CONCERN, INFORMATION, NOT_APPLICABLE = "pass", "concern", "information", "not applicable"
VERDICTS = (PASS, CONCERN, INFORMATION, NOT_APPLICABLE)


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckResult:
    """What a check found.

    Parameters
    ----------
    name, question : str
    verdict : {"pass", "concern", "information", "not applicable"}
        ``concern`` weakens the verdict of the evaluation; ``information`` does not.
    statistic, p_value : float
        NaN where the check has none.
    reference : str
        What the statistic was compared with.
    sentence : str
        The finding, in one sentence that a councillor can read.
    table : Table or None
    """

    name: str
    question: str
    verdict: str
    statistic: float
    reference: str
    p_value: float
    sentence: str
    table: Table | None = None

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise SpecError(f"verdict {self.verdict!r}", where=self.name, expected="one of " + ", ".join(VERDICTS))


def not_applicable(name: str, question: str, why: str) -> CheckResult:
    """The result of a check that cannot be run here, with the reason."""
    return CheckResult(
        name=name,
        question=question,
        verdict=NOT_APPLICABLE,
        statistic=math.nan,
        reference="",
        p_value=math.nan,
        sentence=f"Not applicable: {why}.",
    )


@runtime_checkable
class Check(Protocol):
    """A diagnostic of the primary analysis; options are the fields of a frozen dataclass."""

    def run(self, context: CheckContext) -> CheckResult:
        """Answer the check's question."""
        ...

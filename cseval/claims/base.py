"""What a claim is: a public statement, and the numbers that say whether it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cseval.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd

    from cseval.inputs import Inputs
    from cseval.spec import Evaluation

SUPPORTED, NOT_SUPPORTED, CONTRADICTED = "supported", "not supported", "contradicted"
CANNOT_BE_TESTED = "cannot be tested with these data"
VERDICTS = (SUPPORTED, NOT_SUPPORTED, CONTRADICTED, CANNOT_BE_TESTED)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A public statement as it was made.

    Parameters
    ----------
    slug : str
        Its name in outputs.
    text : str
        Its words.
    source, paragraph : str
        Where it was made.
    reading : str
        How its words are read where they leave something open, such as the months; empty if nothing.
    """

    slug: str
    text: str
    source: str
    paragraph: str = ""
    reading: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClaimResult:
    """What the data say of a statement.

    Parameters
    ----------
    statement : Statement
    outcome : str
        The outcome that it was tested on.
    verdict : {"supported", "not supported", "contradicted", "cannot be tested with these data"}
        Of the statement itself: it cannot be tested on an outcome that is not its own.
    on_stand_in : str
        The same of the statement as if it had been made of `outcome`, where that stands in for its own; else empty.
    sentence : str
        The finding in words that a councillor can read.
    caveat : str
        How far these data are from the statement's own words, and which data would test it; empty if they are them.
    frames : mapping of str to pandas.DataFrame
        Tables by the name of the file that they are written to.
    """

    statement: Statement
    outcome: str
    verdict: str
    sentence: str
    on_stand_in: str = ""
    caveat: str = ""
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for verdict in (self.verdict, self.on_stand_in or self.verdict):
            if verdict not in VERDICTS:
                raise SpecError(
                    f"verdict {verdict!r}", where=self.statement.slug, expected="one of " + ", ".join(VERDICTS)
                )


def verdicts(outcome: str, exact: Sequence[str], found: str) -> dict[str, str]:
    """The verdicts of a `ClaimResult` by name: `found` is the statement's own only on an outcome that is its own."""
    return {"verdict": found} if outcome in exact else {"verdict": CANNOT_BE_TESTED, "on_stand_in": found}


@runtime_checkable
class Claim(Protocol):
    """Tests a statement; options are the fields of a frozen dataclass."""

    @property
    def statement(self) -> Statement:
        """The statement that is tested."""
        ...

    def test(self, evaluation: Evaluation, inputs: Inputs, seed: int) -> ClaimResult:
        """Hold the statement against the data.

        Raises
        ------
        CsevalError
            If the data cannot hold any outcome that it could be tested on.
        """
        ...

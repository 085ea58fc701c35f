"""What a dose-response model can be told: the doses by date, and how the dose enters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from cseval.errors import SpecError
from cseval.months import month_number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Dose:
    """An amount in force from a month until the next one.

    Parameters
    ----------
    month : str
        First month of the amount.
    amount : float
        At least 0.
    """

    month: str
    amount: float

    def __post_init__(self) -> None:
        month_number(self.month)
        if not (math.isfinite(self.amount) and self.amount >= 0):
            raise SpecError(f"a dose of {self.amount}", where=f"Dose from {self.month}", expected="0 or more")


class DoseScale(Protocol):
    """How an amount enters the model."""

    def value(self, amount: Floats) -> Floats:
        """The regressor of each amount; 0 for no dose."""
        ...

    def terms(self, unit: str) -> tuple[tuple[str, float], ...]:
        """Names of what is reported of the slope, and by what the slope is multiplied for it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Each additional unit changes incidents by the same percentage."""

    def value(self, amount: Floats) -> Floats:
        """The amount."""
        return amount

    def terms(self, unit: str) -> tuple[tuple[str, float], ...]:
        """Per unit and per ten units."""
        return ((f"per one of {unit}", 1.0), (f"per ten of {unit}", 10.0))


@dataclass(frozen=True, kw_only=True)
class LogOnePlus:
    """The first units count for more: the dose enters as ``log(1 + amount)``."""

    def value(self, amount: Floats) -> Floats:
        """Log of one plus the amount."""
        import numpy as np

        return np.log1p(amount)

    def terms(self, unit: str) -> tuple[tuple[str, float], ...]:
        """Per unit of the log, and per doubling of one plus the amount."""
        name = f"1 + {unit}"
        return ((f"per unit of log({name})", 1.0), (f"per doubling of {name}", math.log(2.0)))


def check_doses(doses: Sequence[Dose]) -> None:
    """Refuse doses that are none, out of order, or all of nothing.

    Raises
    ------
    SpecError
    """
    months = [d.month for d in doses]
    if not months or not any(d.amount > 0 for d in doses):
        raise SpecError("no dose above 0", where="DoseResponse.doses", expected="at least one")
    disordered = next(((a, b) for a, b in pairwise(months) if b <= a), None)
    if disordered is not None:
        raise SpecError(
            f"a dose from {disordered[1]} after one from {disordered[0]}",
            where="DoseResponse.doses",
            expected="months in order, each once",
        )


def amounts(doses: Sequence[Dose], periods: Sequence[str], moved: int) -> Floats:
    """The amount in force in each month, when every dose comes `moved` months later than dated.

    Returns
    -------
    float array, shape (months,)
    """
    import numpy as np

    months = np.array([month_number(d.month) + moved for d in doses])
    values = np.array([0.0, *(d.amount for d in doses)])
    return values[np.searchsorted(months, [month_number(p) for p in periods], side="right")]

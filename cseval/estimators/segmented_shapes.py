"""Shapes that a dated change may take: a step, a ramp, a pulse that ends or dies away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cseval.errors import SpecError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Index = npt.NDArray[np.int64]


class Shape(Protocol):
    """The course of a change from its first month on, in units of its coefficient."""

    @property
    def term(self) -> str:
        """What the coefficients table calls it."""
        ...

    def values(self, since: Index) -> Floats:
        """Value in each month; `since` counts months from the first one and is negative before it, shape (n,)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """A lasting change of level: 1 from the first month on."""

    @property
    def term(self) -> str:
        """What the coefficients table calls it."""
        return "level"

    def values(self, since: Index) -> Floats:
        """0 before, 1 from the first month on."""
        import numpy as np

        return np.asarray(since >= 0, dtype=float)


@dataclass(frozen=True, kw_only=True)
class Ramp:
    """A change of slope: one more each month.

    Parameters
    ----------
    months : int, optional
        Value at which it stops growing and stays; if left out it never does.
    first : int
        Value in the first month. With 0 the level's coefficient is the change in that month; some sources count from 1.

    Raises
    ------
    SpecError
        If `months` is not positive or `first` is neither 0 nor 1.
    """

    months: int | None = None
    first: int = 0

    def __post_init__(self) -> None:
        if self.months is not None and self.months < 1:
            raise SpecError(f"months={self.months}", where="ramp", expected="1 or more")
        if self.first not in (0, 1):
            raise SpecError(f"first={self.first}", where="ramp", expected="0 or 1")

    @property
    def term(self) -> str:
        """What the coefficients table calls it."""
        return "slope" if self.months is None else f"slope over {self.months} months"

    def values(self, since: Index) -> Floats:
        """0 before; months since the first one, plus `first`, no more than `months`."""
        import numpy as np

        grown = np.where(since >= 0, since + self.first, 0).astype(float)
        return grown if self.months is None else np.minimum(grown, self.months)


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """A passing change: 1 for a number of months, and then gone or dying away.

    After its months it is ``2^(-j / half_life)`` in the j-th month that follows (Box and Tiao 1975, a pulse through a
    first-order transfer function whose decay is given, not estimated), or 0 without a half-life.

    Parameters
    ----------
    months : int
    half_life : float, optional
        Months in which what is left of it halves.

    Raises
    ------
    SpecError
        If either is not positive.
    """

    months: int = 1
    half_life: float | None = None

    def __post_init__(self) -> None:
        if self.months < 1:
            raise SpecError(f"months={self.months}", where="pulse", expected="1 or more")
        if self.half_life is not None and not (0 < self.half_life < math.inf):
            raise SpecError(f"half_life={self.half_life}", where="pulse", expected="more than 0 months")

    @property
    def term(self) -> str:
        """What the coefficients table calls it."""
        length = "" if self.months == 1 else f" of {self.months} months"
        return f"pulse{length}" + ("" if self.half_life is None else f" halving in {self.half_life:g} months")

    def values(self, since: Index) -> Floats:
        """0 before, 1 in its months, then the share that is left."""
        import numpy as np

        after = np.maximum(since - (self.months - 1), 0)
        left = (after == 0).astype(float) if self.half_life is None else 0.5 ** (after / self.half_life)
        return np.where(since >= 0, left, 0.0)


def step() -> Step:
    """A lasting change of level."""
    return Step()


def ramp(*, months: int | None = None, first: int = 0) -> Ramp:
    """A change of slope; see `Ramp`."""
    return Ramp(months=months, first=first)


def pulse(*, months: int = 1, half_life: float | None = None) -> Pulse:
    """A passing change; see `Pulse`."""
    return Pulse(months=months, half_life=half_life)


def shape_columns(shapes: tuple[Shape, ...], since: Index, prefix: str = "") -> dict[str, Floats]:
    """Terms by name; `since` counts months from the change's first one, shape (n,) each."""
    return {f"{prefix}{s.term}": s.values(since) for s in shapes}


def require_distinct(shapes: tuple[Shape, ...], where: str) -> None:
    """Refuse no shape at all, and two that have the same name.

    Raises
    ------
    SpecError
        If there is none or one is given twice.
    """
    terms = [s.term for s in shapes]
    if not terms:
        raise SpecError("neither level nor slope", where=where, expected="at least one change")
    twice = sorted({t for t in terms if terms.count(t) > 1})
    if twice:
        raise SpecError(f"the change {twice[0]!r} is given twice", where=where, expected="each shape once")


def flagged(level: bool, slope: bool, more: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """The shapes that the flags stand for, and those given beside them."""
    return (*([Step()] if level else []), *([Ramp()] if slope else []), *more)

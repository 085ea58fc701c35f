"""Small counts and what gives them away: which cells of a table are withheld so that its totals say nothing of them.

The rules are those of cell suppression (Hundepool and others 2012, *Statistical Disclosure Control*, chapter 4): counts
from 1 to one below the threshold are withheld, and further cells with them, until no sum that is printed leads back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cseval.errors import SpecError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]
    Values = npt.NDArray[np.float64]

#: Below this a count that is withheld would be known from being withheld.
LEAST_THRESHOLD = 3
#: A printed sum: position of the total, positions of its parts.
Sum = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """How small counts of unpublished data are kept from view.

    Parameters
    ----------
    threshold : int
        Counts from 1 to one below it are withheld; 0 is shown.
    rounding : int
        Base that the counts which are shown are rounded to, totals by themselves; 0 for none.
    always : bool
        Withhold although every input is in the format of an open publication, as of an extract that is not open.

    Raises
    ------
    SpecError
        If the threshold is below 3, for then [c] would say the count, or the base is negative or 1.
    """

    threshold: int = 5
    rounding: int = 0
    always: bool = field(default=False, metadata={"said": "if set"})

    def __post_init__(self) -> None:
        if self.threshold < LEAST_THRESHOLD:
            raise SpecError(
                f"threshold={self.threshold}", where="Disclosure", expected=f"at least {LEAST_THRESHOLD}, such as 5"
            )
        if self.rounding < 0 or self.rounding == 1:
            raise SpecError(f"rounding={self.rounding}", where="Disclosure", expected="0 for none, or a base such as 5")


class Withheld(float):
    """A number that is withheld: not a number to whatever computes or draws, and [c] to whatever prints."""

    def __new__(cls) -> Withheld:
        """The value, which holds nothing."""
        return super().__new__(cls, math.nan)

    def __repr__(self) -> str:
        return "[c]"

    def __reduce__(self) -> tuple[type[Withheld], tuple[()]]:
        return (Withheld, ())


WITHHELD = Withheld()


def small(values: npt.ArrayLike, threshold: int) -> Mask:
    """Which counts are from 1 to one below the threshold; what is not a number is not."""
    import numpy as np

    found = np.asarray(values, dtype=float)
    return np.asarray((found > 0) & (found < threshold))


def rounded(values: npt.ArrayLike, base: int) -> Values:
    """Values to the nearest multiple of `base`, halves up; as they are where it is 0."""
    import numpy as np

    found = np.asarray(values, dtype=float)
    return np.floor(found / base + 0.5) * base if base else found


# Which cells are withheld ------------------------------------------------------------------------------


def suppress(
    values: npt.ArrayLike, *, row_totals: bool = False, column_totals: bool = False, threshold: int = 5
) -> Mask:
    """Which cells of a table of counts are withheld.

    Parameters
    ----------
    values : array, shape (rows, columns)
        Counts without totals; a single series is a table of one row.
    row_totals, column_totals : bool
        Which totals a reader knows; with both, the grand total as well.
    threshold : int

    Returns
    -------
    bool array, shape (rows + 1 with column totals, columns + 1 with row totals)
        The cells, with the row totals as the last column and the column totals as the last row.

    Raises
    ------
    SpecError
        If a value is no whole number of at least 0.
    """
    import numpy as np

    table = np.atleast_2d(np.asarray(values, dtype=float))
    if row_totals:
        table = np.hstack([table, table.sum(axis=1, keepdims=True)])
    if column_totals:
        table = np.vstack([table, table.sum(axis=0, keepdims=True)])
    at = np.arange(table.size).reshape(table.shape)
    lines = [*(at if row_totals else ()), *(at.T if column_totals else ())]
    sums = [(int(line[-1]), tuple(map(int, line[:-1]))) for line in lines]
    return suppress_linked(table.ravel(), sums, threshold).reshape(table.shape)


def suppress_linked(values: npt.ArrayLike, sums: Sequence[Sum], threshold: int) -> Mask:
    """Which of these counts are withheld, where some are known to be the sums of others.

    Parameters
    ----------
    values : array, shape (cells,)
        Every count, totals included.
    sums : sequence of (total, parts)
        Positions; a cell may be a part of several sums, and a total a part of another.
    threshold : int

    Notes
    -----
    First the small counts themselves. Then, in each sum whose total is shown, the parts that follow the first one
    withheld, one at a time, until those withheld say nothing of one another (below). Zeros are shown, so a cell that is
    withheld is known to be at least 1; but where no other part is left, or the total is small, all parts are withheld
    and zeros with them. The total goes only where it is small itself, or has a single part.

    A sum that shares no cell with another is safe from a reader who knows this rule, and even which cells are small:
    with at least one of them not small, and all of them adding up to `threshold` times their number less 1, or all
    small and adding up to something in between, each small one can still be anything from 1 to ``threshold - 1``.
    Where sums share cells, further ones are withheld until all sums together leave each that may be small an interval
    of at least `threshold` values (`feasible`), so that whether it is small stays open; that holds for a reader of the
    table and of the threshold, not for one who would try every table that leads to the same cells.

    Further cells are chosen by place and not by size: if the smallest were taken, a reader would know that they are
    no larger than any that is shown, and of 4, 20, 20, 20 with the first two withheld he would find the 4.

    Raises
    ------
    SpecError
        If a value is no whole number of at least 0.
    """
    import numpy as np

    counts = np.asarray(values, dtype=float)
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == np.rint(counts)).all()):
        raise SpecError("a value that is no count", where="disclosure", expected="whole numbers of at least 0")
    hidden, alone = small(counts, threshold), _alone(sums)
    linked = [s for s, by_itself in zip(sums, alone, strict=True) if not by_itself]
    while True:
        while sum(_protect_sum(counts, s, threshold, hidden, a) for s, a in zip(sums, alone, strict=True)):
            pass
        open_ = _found_out(counts, linked, threshold, hidden) if linked else None
        if open_ is None or not _widen(counts, linked, open_, hidden):
            return hidden


def _alone(sums: Sequence[Sum]) -> list[bool]:
    """Which sums share no cell with another."""
    from collections import Counter

    used = Counter(cell for total, parts in sums for cell in (total, *parts))
    return [all(used[cell] == 1 for cell in (total, *parts)) for total, parts in sums]


def _protect_sum(counts: Values, known: Sum, threshold: int, hidden: Mask, alone: bool) -> bool:
    """Withhold more of a sum if it needs it; whether it did."""
    total, parts = known
    among = [p for p in parts if hidden[p]]
    if small(counts[total], threshold) and len(parts) > 1:
        return _hide_rest(known, hidden)  # or so many parts of so little would each be known
    if hidden[total]:
        return not among and _hide_next(counts, parts, parts[-1], hidden)
    if not among or (len(among) == len(parts) > 1):
        return False
    left = any(counts[p] > 0 and not hidden[p] for p in parts)
    enough = (
        _enough(counts[among], threshold, last=not left)
        if alone
        else wide(len(among), float(counts[among].sum()), threshold)
    )
    return not enough and (_hide_next(counts, parts, among[0], hidden) or _hide_rest(known, hidden))


def _hide_rest(known: Sum, hidden: Mask) -> bool:
    """Withhold all parts of a sum, zeros included, or the total where there is but one part."""
    total, parts = known
    cells = list(parts) if len(parts) > 1 else [total]
    more = not hidden[cells].all()
    hidden[cells] = True
    return more


def wide(number: int, amount: float, threshold: int) -> bool:
    """Whether so many counts with this known sum can each be anything from 1 to the threshold."""
    return number > 1 and amount >= number + threshold - 1


def _enough(withheld: Values, threshold: int, *, last: bool) -> bool:
    """Whether it lets each small one be any small count, for a reader who knows the rule and which of them are small.

    `last` says that there is no further cell to withhold.
    """
    number, amount, most = len(withheld), float(withheld.sum()), threshold - 1
    beyond = amount >= threshold * number - 1
    if number > 1 and (last or small(withheld, threshold).all()):
        return number + most <= amount <= most * (number - 1) + 1 or (last and beyond)
    return number > 1 and beyond


def _hide_next(counts: Values, parts: Sequence[int], after: int, hidden: Mask) -> bool:
    """Withhold the first part after this one, going round, that is not zero; whether there was one."""
    start = parts.index(after) + 1
    for part in (*parts[start:], *parts[:start]):
        if counts[part] > 0 and not hidden[part]:
            hidden[part] = True
            return True
    return False


def _widen(counts: Values, sums: Sequence[Sum], cell: int, hidden: Mask) -> bool:
    """Withhold more: of a sum that this cell is in, or else of another; whether there was anything.

    A part goes before all of them, and all of them before a total, since a total says more.
    """
    ordered = sorted(sums, key=lambda s: cell not in (s[0], *s[1]))
    within = [s for s in ordered if hidden[[s[0], *s[1]]].any()]
    for _, parts in within:
        if _hide_next(counts, parts, cell if cell in parts else parts[-1], hidden):
            return True
    if any(_hide_rest(s, hidden) for s in within if len(s[1]) > 1):
        return True
    shown = [total for total, _ in within if not hidden[total]]
    hidden[shown[:1]] = True
    return bool(shown)


# What a reader can find out ----------------------------------------------------------------------------


def feasible(values: npt.ArrayLike, sums: Sequence[Sum], hidden: Mask, cell: int) -> tuple[int, int]:
    """The lowest and the highest count that a withheld cell can have, for a reader of all the others.

    He knows which cells are withheld, that those are whole numbers of at least 1, or of at least 0 where all parts of
    a sum are withheld, and what is the sum of what; not which of them are small. A cell that nothing bounds is given
    the sum of all values and more.
    """
    import numpy as np

    system = _System.of(np.asarray(values, dtype=float), sums, hidden)
    at = int(np.flatnonzero(system.cells == cell)[0])
    low, high = (round(system.extreme(at, sign)[at]) for sign in (1, -1))
    return low, high


@dataclass(frozen=True, kw_only=True, eq=False)
class _System:
    """The linear equations between the cells that are withheld.

    `cells` are their positions, `matrix` has a row for each sum and a column for each cell, `constant` is what the
    row comes to, `least` is what a cell is at least, and `most` is above anything that one can be.
    """

    cells: npt.NDArray[np.intp]
    matrix: Values
    constant: Values
    least: Values
    most: float

    @classmethod
    def of(cls, counts: Values, sums: Sequence[Sum], hidden: Mask) -> _System:
        import numpy as np

        signs, least = np.zeros((len(sums), len(counts))), np.ones(len(counts))
        for row, (total, parts) in enumerate(sums):
            signs[row, list(parts)] = 1.0
            signs[row, total] = -1.0
            if len(parts) > 1 and hidden[list(parts)].all():
                least[list(parts)] = 0.0
        matrix = signs[:, hidden]
        used = matrix.any(axis=1)
        most = float(counts.sum() + len(counts) + 100)
        return cls(
            cells=np.flatnonzero(hidden),
            matrix=matrix[used],
            constant=(matrix @ counts[hidden])[used],
            least=least[hidden],
            most=most,
        )

    def extreme(self, at: int, sign: int) -> Values:
        """A solution in whole numbers with the lowest (`sign` 1) or highest (-1) value of one cell."""
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp

        objective = np.zeros(len(self.cells))
        objective[at] = sign
        equations = [LinearConstraint(self.matrix, self.constant, self.constant)] if len(self.matrix) else []
        whole = np.ones(len(self.cells))
        found = milp(objective, integrality=whole, bounds=Bounds(self.least, self.most), constraints=equations)
        if found.x is None:
            raise SpecError("totals that are not the sums of their parts", where="disclosure", expected="sums that add")
        return np.asarray(np.rint(found.x))


def _found_out(counts: Values, sums: Sequence[Sum], threshold: int, hidden: Mask) -> int | None:
    """The first withheld cell, if any, that may be small and to which the sums leave too few values (`_narrow`).

    A total is at least the number of its parts that are withheld. Every solution that is found serves all cells, so
    that few have to be looked for.
    """
    import numpy as np

    system, totals = _System.of(counts, sums, hidden), {total for total, _ in sums}
    free = np.array([cell in totals for cell in system.cells], dtype=bool)
    least = most = counts[system.cells]
    for at in range(len(system.cells)):
        for sign in (1, -1):
            if _narrow(least[at], most[at], threshold, free[at]):
                found = system.extreme(at, sign)
                least, most = np.minimum(least, found), np.maximum(most, found)
        if _narrow(least[at], most[at], threshold, free[at]):
            return int(system.cells[at])
    return None


def _narrow(least: float, most: float, threshold: int, is_total: bool) -> bool:
    """Whether an interval holds small counts, but too few values, or does not begin at 1 though it is of no total."""
    return least < threshold and (most - least < threshold - 1 or (least > 1 and not is_total))


# In words ----------------------------------------------------------------------------------------------

#: What counts of people and incidents are called in a sentence, and what counts of other things are called as well.
_NOUNS = (
    "arrests?|cases?(?! out of)|children|complaints?|crimes?|deaths?|homicides?|incidents?|injuries|injury|murders?|"
    "offen[cs]es?|offenders?|patients?|people|persons?|referrals?|residents?|robberies|robbery|stabbings?|suspects?|victims?"
)
_OTHER_NOUNS = "calls?|contacts?|events?|households?|records?|reports?|rows?|searches"
#: Words that no count of incidents has between its number and its noun.
_APART = "fewer|more|months?|years?|of|in|to|and|or|with|the|there|wards?|boroughs?|rings?|units?|areas?|methods?|out"
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")
BEGIN = r"(?<![\w.,%−-])"


def withheld_sentence(what: str) -> str:
    """That the change in something is withheld, and why."""
    return f"The change in {what} is withheld: it would give away a small count of unpublished data."


def tells(text: str, threshold: int) -> bool:
    """Whether a text says a small count in figures or words: ``3 recorded incidents``, ``from 4 in May``."""
    figures, spoken = small_numbers(threshold)
    other = rf"(?:(?!(?:{_APART})\b)[\w-]+\s+){{0,2}}"
    in_figures = rf"{BEGIN}(?:{figures})\s+{other}(?:{_NOUNS}|{_OTHER_NOUNS})\b"
    in_words = rf"{BEGIN}(?:{spoken})\s+{other}(?:{_NOUNS})\b"
    course = rf"\b(?:from|to)\s+(?:{figures})\s+in\b"
    after = rf"\b(?:{_NOUNS})\s*[:=]\s*(?:{figures}|{spoken})\b(?![.,]\d|\s*%)"
    return re.search(f"{in_figures}|{in_words}|{course}|{after}", text, re.IGNORECASE) is not None


def small_numbers(threshold: int) -> tuple[str, str]:
    """Small counts in figures and in words, as alternatives of a pattern."""
    spoken = ("single", "sole", *_NUMBERS[: threshold - 1])
    return "|".join(str(n) for n in range(1, threshold)), "|".join(spoken)


def without_small_counts(text: str, threshold: int, found: Callable[[str, int], bool] = tells) -> str:
    """A text in which a sentence that says a small count, as `found` decides, is replaced by one that says so."""
    if not found(text, threshold):
        return text
    said = f"A number below {threshold} is withheld here."
    return " ".join(dict.fromkeys(said if found(s, threshold) else s for s in _SENTENCE.split(text)))

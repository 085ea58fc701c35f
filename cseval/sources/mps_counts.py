"""Summing the rows of the police breakdown by offence and area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.sources import offences

if TYPE_CHECKING:
    import numpy.typing as npt

    Index = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int64]


def tally(unit: Index, group: Index, values: Counts, units: int, names: list[str]) -> dict[str, Counts]:
    """Sum rows by group and unit.

    Parameters
    ----------
    unit, group : int array, shape (rows,)
        Position of the unit, and of the group in `names`.
    values : int array, shape (rows, months)
    units : int
        Number of units.
    names : list of str

    Returns
    -------
    dict of str to int array, shape (units, months)
        For each name that occurs.
    """
    out = np.zeros((len(names) * units, values.shape[1]), dtype=np.int64)
    key = group * units + unit
    order = np.argsort(key, kind="stable")
    _, starts = np.unique(key[order], return_index=True)
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    # The first rows of every key at once, then the second rows: each step meets a key once, so `+=` adds them all.
    for step in range(int(rank.max(initial=-1)) + 1):
        rows = order[rank == step]
        out[key[rows]] += values[rows]
    cube = out.reshape(len(names), units, values.shape[1])
    return {name: np.ascontiguousarray(cube[i]) for i, name in enumerate(names) if (group == i).any()}


def minor_counts(
    unit: Index, major: Index, majors: list[str], minor: Index, minors: list[str], values: Counts, units: int
) -> tuple[dict[str, Counts], tuple[str, ...]]:
    """Counts of the minor groups under unique names, and notes.

    The broader group that runs through old and new names is added. A minor group that is the whole of the major
    group of its own name is left to that one. Parameters are those of `tally`, for both levels.
    """
    whole = {m for m in minors if m in majors and _is_all_of(m, major, majors, minor, minors)}
    names = [offences.merged(m) if m not in majors or m in whole else f"{m}_minor" for m in minors]
    distinct = sorted({n for n, m in zip(names, minors, strict=True) if m not in whole})
    place = {n: i for i, n in enumerate(distinct)}
    target = np.array([place.get(n, -1) for n in names], dtype=np.int64)[minor]
    listed = target >= 0
    counts = tally(unit[listed], target[listed], values[listed], units, distinct)
    return _broaden(counts)


def _is_all_of(name: str, major: Index, majors: list[str], minor: Index, minors: list[str]) -> bool:
    """Whether a minor group is the only one of the major group of its own name, and stands nowhere else."""
    same: bool = np.array_equal(major == majors.index(name), minor == minors.index(name))
    return same


def _broaden(counts: dict[str, Counts]) -> tuple[dict[str, Counts], tuple[str, ...]]:
    if offences.WITHOUT_INJURY not in counts:
        return counts, ()
    if offences.HARASSMENT in counts:
        total = counts[offences.WITHOUT_INJURY] + counts[offences.HARASSMENT]
        return counts | {offences.WITHOUT_INJURY_BROAD: total}, ()
    rest = {o: v for o, v in counts.items() if o != offences.WITHOUT_INJURY}
    note = f"violence without injury includes stalking and harassment here: outcome {offences.WITHOUT_INJURY_BROAD}"
    return rest | {offences.WITHOUT_INJURY_BROAD: counts[offences.WITHOUT_INJURY]}, (note,)

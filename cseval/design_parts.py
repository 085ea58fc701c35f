"""What a design says and derives besides units: the months that are kept, earlier starts, and its sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cseval.errors import DesignError
from cseval.months import month_number, month_text, month_words

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.design import Design

    Mask = npt.NDArray[np.bool_]


def kept_months(design: Design, received: Mask | None, pool: Mask) -> Mask:
    """Which months of the window are used: not in transition, and received for the treated units.

    Parameters
    ----------
    design : Design
    received : bool array, shape (units, months), or None
        Which cells of the window were received; None where all were.
    pool : bool array, shape (units,)

    Raises
    ------
    DesignError
        If no month is left before or after the start.

    Notes
    -----
    A month that a treated unit or most comparison units lack is left out for everyone, which keeps the panel balanced;
    units with a remaining gap are left out instead.
    """
    event = np.arange(len(design.all_months)) - design.months_before
    kept: Mask = np.asarray((event < 0) | (event >= design.transition))
    if received is not None:
        kept = kept & received[design.is_treated].all(axis=0)
        others = pool & ~design.is_treated
        if others.any():
            kept = kept & (received[others].mean(axis=0) > 0.5)
    if not kept[event < 0].any() or not kept[event >= design.transition].any():
        raise DesignError(
            f"no month received before or none after {design.start} in the treated units",
            where=f"outcome {design.outcome}",
            expected="months on both sides of the start",
        )
    return kept


def earlier_starts(design: Design, latest_start: str, step: int) -> tuple[str, ...]:
    """Starts from `latest_start` backwards, `step` months apart, whose whole window was received by most units."""
    panel = design.inputs.panel
    first = month_number(panel.periods[0])
    latest = month_number(latest_start) - first
    missing = np.append(0, np.cumsum(panel.mask(design.outcome).mean(axis=0) <= 0.5))
    length = design.transition + design.months_after
    return tuple(
        month_text(first + n)
        for n in range(latest, design.months_before - 1, -step)
        if missing[n + length] == missing[n - design.months_before]
    )


def require_neighbourhoods(design: Design, expected: int) -> None:
    """Refuse treated units that form another number of separate neighbourhoods, naming those apart.

    Raises
    ------
    DesignError
    """
    parts = design.areas.components(u for u, t in zip(design.units, design.is_treated, strict=True) if t)
    if len(parts) == expected:
        return
    names = design.inputs.panel.names
    apart = ", ".join(f"{u} {names.get(u, '')}".strip() for part in parts[1:] for u in sorted(part))
    raise DesignError(
        f"the {int(design.is_treated.sum())} treated units form {len(parts)} separate "
        f"neighbourhood{'s' if len(parts) > 1 else ''}" + (f" (apart from the rest: {apart})" if apart else ""),
        where="treated units",
        expected=f"{expected}, as the programme declares",
        todo="Check the codes in the roles CSV, or declare Programme(neighbourhoods=...)",
    )


def design_words(design: Design, starts: str) -> str:
    """The design in one sentence; `starts` says when units begin where they begin in different months."""
    treated, comparison = int(design.is_treated.sum()), int(design.comparison.sum())
    buffer = frozenset().union(*design.buffer) if design.buffer_rings else frozenset()
    counted = len(buffer & set(design.units))
    text = (
        f"{treated} treated units against {comparison} comparison units, "
        f"{month_words(design.periods[0])} to {month_words(design.periods[-1])}, "
        + (f"starts {starts}" if design.staggered else f"start {month_words(design.start)}")
    )
    if buffer:
        text += f", {len(buffer)} buffer units left out"
        text += f" ({counted} of them with counts)" if counted < len(buffer) else ""
    if design.transition:
        text += f", {design.transition} transition months left out"
    return text + "."

"""Placebo starts whose windows fit before the programme, with shorter windows where the data begin too late."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cseval.design import Design

#: Placebo starts wanted where the registered comparison is too long for any.
FEWEST_STARTS = 3
#: Parts of both periods that are tried, in steps of a twentieth.
SHARES = tuple(n / 20 for n in range(20, 9, -1))


def shifted_starts(design: Design, step: int) -> tuple[tuple[str, ...], Design]:
    """Placebo starts, with both periods shortened by up to half where the data begin too late for any.

    A shorter comparison is noisier and not the registered one, so whoever uses it says how long it was. Where it has to
    be shortened, it is until there are three starts, if that can be: what one start gives is that start's alone.
    """
    fewer: tuple[tuple[str, ...], Design] = ((), design)
    for share in SHARES:
        shorter = replace(
            design,
            months_before=max(round(design.months_before * share), 1),
            months_after=max(round(design.months_after * share), 1),
        )
        starts = shorter.placebo_starts(step)
        if len(starts) >= (1 if share == 1.0 else FEWEST_STARTS):
            return starts, shorter
        if len(starts) > len(fewer[0]):
            fewer = (starts, shorter)
    return fewer

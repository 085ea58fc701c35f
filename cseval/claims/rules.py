"""The rules that turn numbers into the verdict on a statement, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cseval.claims.base import CANNOT_BE_TESTED, CONTRADICTED, NOT_SUPPORTED, SUPPORTED


def rank_verdict(*sets: tuple[int, int] | None) -> str:
    """Verdict on "the first of all" from the confidence set of the rank under each reading of the statement.

    Parameters
    ----------
    *sets : (lowest, highest) rank left open, or None where a reading is not defined

    Returns
    -------
    str
        Supported only where rank 1 is the whole set under every reading; contradicted where every set leaves rank 1
        out; cannot be tested without any set; otherwise not supported, even where the recorded rank is 1.
    """
    known = [s for s in sets if s is not None]
    if not known:
        return CANNOT_BE_TESTED
    if all(s == (1, 1) for s in known):
        return SUPPORTED
    return CONTRADICTED if all(low > 1 for low, _ in known) else NOT_SUPPORTED


def trend_verdict(low: float, high: float) -> str:
    """Verdict on "a downward trend" from the 95 % interval of the slope.

    Supported where the whole interval lies below zero, contradicted where it lies above, not supported where it holds
    zero or has no end; cannot be tested where there is none (NaN).
    """
    if math.isnan(low) or math.isnan(high):
        return CANNOT_BE_TESTED
    if high < 0:
        return SUPPORTED
    return CONTRADICTED if low > 0 else NOT_SUPPORTED


def capacity_verdict(share: float, stated: float, rounding: float) -> str:
    """Verdict on a stated share from the one that the figures give, both in per cent.

    Supported where it would be rounded to the stated share, `rounding` points being the coarsest that it can have been
    rounded to; else contradicted.
    """
    return SUPPORTED if abs(share - stated) <= rounding / 2 else CONTRADICTED


def combined(found: Sequence[str]) -> str:
    """Verdict of several readings of the same words.

    What all readings say that can be tested; not supported where they say different things; cannot be tested where
    none can.
    """
    known = {verdict for verdict in found if verdict != CANNOT_BE_TESTED}
    if not known:
        return CANNOT_BE_TESTED
    return known.pop() if len(known) == 1 else NOT_SUPPORTED

"""What synthetic controls can be told, checked when they are declared and without loading what fits them."""

from __future__ import annotations

from cseval.errors import SpecError

#: What may be compared, the default first; `synthetic_series.MEASURES` says how.
MEASURE_NAMES = ("index", "counts", "rate")


def require_measure(where: str, measure: str, months_per_point: int) -> None:
    """Refuse an unknown measure, or points without a month.

    Raises
    ------
    SpecError
        If either is so.
    """
    if measure not in MEASURE_NAMES:
        raise SpecError(f"measure={measure!r}", where=where, expected="one of " + ", ".join(MEASURE_NAMES))
    if months_per_point < 1:
        raise SpecError(f"months_per_point={months_per_point}", where=where, expected="at least 1")

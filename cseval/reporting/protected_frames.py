"""Tables with numbers taken out: withheld in their place, rounded, or plainly missing for what is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cseval.disclosure import WITHHELD, Withheld, rounded
from cseval.reporting.small_counts import COUNTS, NOT_COUNTS, is_count

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.reporting.protected_cells import Hidden

    Mask = npt.NDArray[np.bool_]

#: Columns of modelled counts, which are rounded as the counts are; the last two only beside a counterfactual.
MODELLED = ("counterfactual", "fitted", "averted", "cumulative", "cumulative_low", "cumulative_high", "low", "high")
#: What a model says of each month: a curve through counts gives them back.
COURSE = ("fitted", "counterfactual", "low", "high")


def numbers_of(frame: pd.DataFrame) -> list[str]:
    """Columns of numbers that are counts or made of them."""
    return [str(c) for c in frame.columns if c not in NOT_COUNTS and _is_number(frame[c])]


def counts_of(frame: pd.DataFrame) -> list[str]:
    """Columns of counts; one that is not known is taken for one if it holds whole numbers."""
    return [c for c in numbers_of(frame) if is_count(c, frame[c].astype(float))]


def _is_number(values: pd.Series[Any]) -> bool:
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return False
    known = [v for v in values.tolist() if v is not None and v is not pd.NA]
    return bool(known) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known)


def blank(frame: pd.DataFrame, rows: Mask, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The table with these columns withheld in these rows; by default all that are counts or made of them."""
    if not len(frame) or not rows.any():
        return frame
    chosen = numbers_of(frame) if columns is None else columns
    return frame.assign(**{c: _with_withheld(frame[c], rows) for c in chosen})


def _with_withheld(values: pd.Series[Any], rows: Mask) -> pd.Series[Any]:
    import pandas as pd

    cells = [WITHHELD if out else v for v, out in zip(values.tolist(), rows.tolist(), strict=True)]
    return pd.Series(cells, index=values.index, dtype=object)


def without_shared(series: pd.DataFrame, hidden: Hidden) -> pd.DataFrame:
    """The monthly series: without months that are withheld, and then without the model's course of that analysis.

    A course that is fitted to counts gives them back: it goes for all months, where a month is withheld.
    """
    import numpy as np

    if not len(series):
        return series
    months = hidden.in_series(series)
    broken = series["analysis"].isin(set(series["analysis"][months]) | hidden.effects).to_numpy()
    out = blank(series, months, ("observed",))
    out = blank(out, np.asarray(broken), [c for c in COURSE if series[c].notna().any()])
    return blank(out, series["analysis"].isin(hidden.comparisons).to_numpy(), ("comparison",))


def rounded_frame(frame: pd.DataFrame, base: int) -> pd.DataFrame:
    """The table with counts, and modelled counts, to the nearest multiple of `base`, each by itself; 0 for none."""
    if not base:
        return frame
    beside = "counterfactual" in frame.columns
    chosen = [c for c in numbers_of(frame) if c in COUNTS or c in MODELLED[: None if beside else -2]]
    return frame.assign(**{c: _rounded_cells(frame[c], base) for c in chosen})


def _rounded_cells(values: pd.Series[Any], base: int) -> pd.Series[Any]:
    import pandas as pd

    cells = [v if isinstance(v, Withheld) else float(rounded(v, base)) for v in values.tolist()]
    return pd.Series(cells, index=values.index, dtype=object if holds(values) else float)


def holds(values: pd.Series[Any]) -> bool:
    """Whether a column holds a number that is withheld."""
    return values.dtype == object and any(isinstance(v, Withheld) for v in values.tolist())


def holds_withheld(frame: pd.DataFrame) -> bool:
    """Whether a table holds a number that is withheld."""
    return any(holds(frame[c]) for c in frame.columns)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with what is withheld missing, and columns of numbers again."""
    return frame.assign(**{str(c): frame[c].astype(float) for c in frame.columns if holds(frame[c])})

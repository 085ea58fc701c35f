"""Tables with numbers taken out: withheld in their place, rounded, or plainly missing for what is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cseval.disclosure import WITHHELD, Withheld, rounded
from cseval.reporting.small_counts import COUNTS, MADE_OF_COUNTS, NOT_COUNTS, is_count

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
#: Significant digits of estimates: more would be an equation that only one set of counts solves.
DIGITS = 3
#: Columns of estimates, which are shown to so many digits.
ESTIMATED = MADE_OF_COUNTS | frozenset(
    "p_value p_adjusted p_holm cluster_p_value statistic dispersion autocorrelation autocorrelation_p lb_stat "
    "lb_pvalue weight dose rate selection_bias detectable_fall detectable_rise detectable_fall_error "
    "detectable_rise_error mde_fall mde_fall_error mde_rise mde_rise_error match_factor placebo_low placebo_high "
    "coverage bias".split()
)
#: Columns of text that name no unit.
NOT_UNITS = frozenset(
    "analysis claim outcome period phase reason note quantity level model window comparison_group start registered "
    "method standing label kind type term cohort first_month last_month quarter aggregation estimator parameter".split()
)


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
    """The monthly series: without months that are withheld, and then without any model's course of that outcome.

    A course that is fitted to counts gives them back: it goes for all months, where a month of the treated area or of
    the comparison is withheld. Of analyses that are withheld whole no row is left, unless others show their months.
    """
    import numpy as np

    if not len(series):
        return series
    series = series[series["analysis"].isin(hidden.shown)].reset_index(drop=True)
    broken = series["outcome"].isin(hidden.analyses) | series["analysis"].isin(hidden.effects | hidden.comparisons)
    out = blank(series, hidden.in_series(series), ("observed",))
    out = blank(out, np.asarray(broken), [c for c in COURSE if series[c].notna().any()])
    return blank(out, series["analysis"].isin(hidden.comparisons).to_numpy(), ("comparison",))


def by_unit(frame: pd.DataFrame) -> bool:
    """Whether a table has a row for each unit: a column that names units or is not known to name other things."""
    named = [
        str(c) for c in frame.columns if c not in COUNTS | MADE_OF_COUNTS | NOT_COUNTS and not _is_number(frame[c])
    ]
    return any(c not in NOT_UNITS for c in named)


def closed_rows(frame: pd.DataFrame, rows: Mask) -> pd.DataFrame:
    """The table without any number in these rows, but for how many units and months there are."""
    kept = ("treated_units", "comparison_units", "pre_periods", "post_periods")
    numbers = [str(c) for c in frame.select_dtypes("number").columns if c not in kept]
    return blank(frame, rows, numbers)


def without_rows(frame: pd.DataFrame, slugs: frozenset[str]) -> pd.DataFrame:
    """The table without the rows of these analyses."""
    return frame[~frame["analysis"].isin(slugs)].reset_index(drop=True) if len(frame) else frame


def with_texts(frame: pd.DataFrame, clean: Callable[[str], str]) -> pd.DataFrame:
    """The table with every text in its cells cleaned; names and codes, which are single words, are left."""
    texts = [str(c) for c in frame.columns if len(frame) and not _is_number(frame[c])]
    cells = {c: [clean(v) if isinstance(v, str) and " " in v else v for v in frame[c].tolist()] for c in texts}
    return frame.assign(**{c: v for c, v in cells.items() if v != frame[c].tolist()})


def significant(value: float) -> float:
    """A number to three significant digits; what is not finite as it is."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else value


def coarse(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with every estimate to three significant digits."""
    chosen = [str(c) for c in frame.columns if c in ESTIMATED and _is_number(frame[c])]
    return frame.assign(**{c: _coarse_cells(frame[c]) for c in chosen}) if chosen else frame


def _coarse_cells(values: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    cells = [significant(v) if isinstance(v, float) else v for v in values.tolist()]
    return pd.Series(cells, index=values.index, dtype=values.dtype)


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

"""Other packages on staggered starts, a small adapter each; they are optional, so each is imported where it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.own_staggered import staggered_design, staggered_inputs
from benchmarks.timing import Contestant, Job
from cseval.cohorts import NEVER

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.panels import Size


def staggered_frame(size: Size) -> pd.DataFrame:
    """The simulated panel as one row per area and month; `first` is the month in which an area begins, 0 for never."""
    import pandas as pd

    design = staggered_design(staggered_inputs(size), size)
    areas, months = design.counts.shape
    first = np.where(design.cohort == NEVER, 0, design.cohort + 1)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(areas, dtype=np.int64), months),
            "month": np.tile(np.arange(1, months + 1, dtype=np.int64), areas),
            "first": np.repeat(first, months),
            "y": design.counts.ravel().astype(float),
        }
    )


def _diff_diff(size: Size) -> Job:
    import diff_diff

    frame = staggered_frame(size)
    names = {"outcome": "y", "unit": "unit", "time": "month", "first_treat": "first"}

    def job() -> Sequence[float]:
        model = diff_diff.CallawaySantAnna(control_group="never_treated")
        return [float(model.fit(frame, aggregate="all", **names).overall_att)]

    return job


def _csdid(size: Size) -> Job:
    from csdid.att_gt import ATTgt

    frame = staggered_frame(size)

    def job() -> Sequence[float]:
        fit = ATTgt(yname="y", tname="month", idname="unit", gname="first", data=frame, control_group=["nevertreated"])
        found = fit.fit(est_method="reg", bstrap=False).aggte(typec="simple", bstrap=False, cband=False)
        return [float(found.atte["overall_att"])]

    return job


DIFF_DIFF = Contestant(name="diff-diff CallawaySantAnna", package="diff-diff", prepare=_diff_diff, memory=2)
CSDID = Contestant(name="csdid ATTgt", package="csdid", prepare=_csdid, memory=2)

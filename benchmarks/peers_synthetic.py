"""Other packages' synthetic controls, a small adapter each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import panels
from benchmarks.own_synthetic import AREA_PLACEBOS, STATE_PLACEBOS
from benchmarks.peers import long_frame
from benchmarks.timing import Contestant, Job

if TYPE_CHECKING:
    from benchmarks.panels import Size


def _diff_diff(placebos: int) -> Callable[[Size], Job]:
    def prepare(size: Size) -> Job:
        import diff_diff

        frame = long_frame(size)
        frame["treated"] = frame["treated"].astype(int)
        post = sorted(set(frame.loc[frame["time"] >= 0, "month"]))
        model = diff_diff.SyntheticDiD(variance_method="placebo", n_bootstrap=placebos, seed=1)

        def job() -> Sequence[float]:
            found = model.fit(frame, outcome="y", treatment="treated", unit="unit", time="month", post_periods=post)
            return [found.att, found.se]

        return job

    return prepare


def _keep_groups() -> None:
    """Let `groupby.apply` hand on the grouping column as pandas did before 3, which synthdid counts on."""
    import pandas as pd
    from pandas.api.typing import DataFrameGroupBy

    def apply(self, function):
        return pd.concat([function(rows) for _, rows in self])

    DataFrameGroupBy.apply = apply


def _synthdid(placebos: int) -> Callable[[Size], Job]:
    def prepare(size: Size) -> Job:
        from synthdid.synthdid import Synthdid

        _keep_groups()
        frame = long_frame(size)

        def job() -> Sequence[float]:
            model = Synthdid(frame, unit="unit", time="month", treatment="did", outcome="y").fit()
            model.vcov(method="placebo", n_reps=placebos)
            return [float(model.att), float(model.se)]

        return job

    return prepare


def _pysyncon(size: Size) -> Job:
    """Every unit in turn against the others, each month before the start a predictor of equal importance."""
    import pandas as pd
    from pysyncon import Synth

    design = panels.simulated_design(size)
    wide = pd.DataFrame(design.counts.T.astype(float))
    own, post = int(np.flatnonzero(design.is_treated)[0]), design.post
    donors = [i for i in wide.columns if i != own]

    def effect(unit: int) -> float:
        before, others = wide[~post], [i for i in donors if i != unit]
        model = Synth()
        given = {"X0": before[others], "X1": before[unit], "Z0": before[others], "Z1": before[unit]}
        model.fit(**given, custom_V=np.ones(len(before)))
        synthetic = wide.loc[post, others].to_numpy() @ np.asarray(model.W).ravel()
        return float(np.log(wide.loc[post, unit].sum() / synthetic.sum()))

    return lambda: [effect(unit) for unit in (own, *donors)]


DIFF_DIFF_STATES = Contestant(name="diff-diff SyntheticDiD", package="diff-diff", prepare=_diff_diff(STATE_PLACEBOS))
DIFF_DIFF_AREAS = Contestant(name="diff-diff SyntheticDiD", package="diff-diff", prepare=_diff_diff(AREA_PLACEBOS))
SYNTHDID_STATES = Contestant(name="synthdid", package="synthdid", prepare=_synthdid(STATE_PLACEBOS))
SYNTHDID_AREAS = Contestant(name="synthdid", package="synthdid", prepare=_synthdid(AREA_PLACEBOS))
PYSYNCON = Contestant(name="pysyncon Synth", package="pysyncon", prepare=_pysyncon)

"""Other packages doing the same work, a small adapter each; they are optional, so each is imported where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import panels
from benchmarks.timing import Contestant, Job

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.panels import Size


def long_frame(size: Size, *, districts: bool = False) -> pd.DataFrame:
    """A simulated panel as one row per area and month, the form that every peer reads."""
    import pandas as pd

    design = panels.simulated_design(size)
    areas, months = design.counts.shape
    treated = np.repeat(design.is_treated, months).astype(float)
    time = np.tile(design.event_time, areas)
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(areas, dtype=np.int32), months),
            "month": np.tile(np.arange(months, dtype=np.int32), areas),
            "time": time.astype(np.int32),
            "y": design.counts.ravel().astype(float),
            "treated": treated,
            "did": treated * (time >= 0),
        }
    )
    if districts:
        codes = np.unique([design.inputs.panel.districts[u] for u in design.units], return_inverse=True)[1]
        frame["district"] = np.repeat(codes, months)
    return frame


# Difference in differences ------------------------------------------------------------------------


def _pyfixest(routine: str, formula: str) -> Callable[[Size], Job]:
    def prepare(size: Size) -> Job:
        import pyfixest

        frame, fit = long_frame(size), getattr(pyfixest, routine)
        lean = {"lean": True, "copy_data": False, "store_data": False}  # its own advice for large data
        return lambda: fit(formula, frame, vcov={"CRV1": "unit"}, **lean).coef().tolist()

    return prepare


def _linearmodels(size: Size) -> Job:
    from linearmodels import PanelOLS

    frame = long_frame(size).set_index(["unit", "month"])

    def job() -> Sequence[float]:
        model = PanelOLS(frame["y"], frame[["did"]], entity_effects=True, time_effects=True)
        return [float(model.fit(cov_type="clustered", cluster_entity=True).params["did"])]

    return job


def _diff_diff(size: Size) -> Job:
    import diff_diff

    frame = long_frame(size)
    frame["post"] = (frame["time"] >= 0).astype(int)
    frame["treated"] = frame["treated"].astype(int)
    model = diff_diff.TwoWayFixedEffects(cluster="unit")
    return lambda: [model.fit(frame, outcome="y", treatment="treated", time="post", unit="unit").att]


PYFIXEST_POISSON = Contestant(
    name="pyfixest fepois", package="pyfixest", prepare=_pyfixest("fepois", "y ~ did | unit + month"), memory=6
)
PYFIXEST_LINEAR = Contestant(
    name="pyfixest feols", package="pyfixest", prepare=_pyfixest("feols", "y ~ did | unit + month"), memory=4
)
LINEARMODELS = Contestant(name="linearmodels PanelOLS", package="linearmodels", prepare=_linearmodels, memory=4)
DIFF_DIFF = Contestant(name="diff-diff TwoWayFixedEffects", package="diff-diff", prepare=_diff_diff, memory=4)


# Event study --------------------------------------------------------------------------------------


def _linearmodels_events(size: Size) -> Job:
    from linearmodels import PanelOLS

    frame = long_frame(size).set_index(["unit", "month"])
    times = [t for t in sorted(set(frame["time"].tolist())) if t != -1]
    treated, time = frame["treated"].to_numpy(), frame["time"].to_numpy()

    def job() -> Sequence[float]:
        import pandas as pd

        leads = pd.DataFrame({f"t{t}": treated * (time == t) for t in times}, index=frame.index)
        model = PanelOLS(frame["y"], leads, entity_effects=True, time_effects=True)
        return model.fit(cov_type="clustered", cluster_entity=True).params.tolist()  # type: ignore[no-any-return]

    return job


EVENT = "y ~ i(time, treated, ref=-1) | unit + month"
PYFIXEST_EVENTS = Contestant(
    name="pyfixest feols i()", package="pyfixest", prepare=_pyfixest("feols", EVENT), memory=14
)
LINEARMODELS_EVENTS = Contestant(
    name="linearmodels PanelOLS, dummies", package="linearmodels", prepare=_linearmodels_events, memory=18
)


# Randomisation inference --------------------------------------------------------------------------

DRAWS = 9_999


def collapsed(size: Size) -> tuple[Any, Any]:
    """Log change of each area, and which are treated."""
    design = panels.simulated_design(size)
    return np.log((design.post_counts + 0.5) / (design.pre_counts + 0.5)), design.is_treated.astype(float)


def _ritest(draws: int) -> Callable[[Size], Job]:
    def prepare(size: Size) -> Job:
        import pandas as pd
        import pyfixest

        change, treated = collapsed(size)
        fit = pyfixest.feols("change ~ treated", pd.DataFrame({"change": change, "treated": treated}))
        return lambda: [fit.ritest("treated", reps=draws, rng=np.random.default_rng(1))["Pr(>|t|)"]]

    return prepare


def _numpy_loop(size: Size) -> Job:
    change, treated = collapsed(size)

    def job() -> Sequence[float]:
        rng, own = np.random.default_rng(1), _difference(change, treated > 0)
        drawn = [_difference(change, rng.permutation(treated) > 0) for _ in range(DRAWS)]
        return [float(np.mean(np.abs(drawn) >= abs(own)))]

    return job


def _difference(values: Any, chosen: Any) -> float:
    return float(values[chosen].mean() - values[~chosen].mean())


RITEST = Contestant(name="pyfixest ritest, collapsed data", package="pyfixest", prepare=_ritest(DRAWS))
NUMPY_LOOP = Contestant(name="plain numpy loop, areas apart", package="numpy", prepare=_numpy_loop)


# Wild cluster bootstrap ---------------------------------------------------------------------------


def _pyfixest_wild(size: Size) -> Job:
    import pyfixest

    frame = _four_columns(size)  # with unit effects it makes a column of each, which no memory holds
    fit = pyfixest.feols("y ~ treated + post + did", frame, vcov={"CRV1": "district"})
    return lambda: [float(fit.wildboottest(reps=DRAWS, param="did", seed=1)["Pr(>|t|)"])]


def _four_columns(size: Size) -> pd.DataFrame:
    """With a constant, what gives the two-way estimate on a balanced panel."""
    return long_frame(size, districts=True).assign(post=lambda f: (f["time"] >= 0).astype(float), one=1.0)


def _wildboottest(size: Size) -> Job:
    from statsmodels.api import OLS
    from wildboottest.wildboottest import wildboottest

    frame = _four_columns(size)
    model = OLS(frame["y"], frame[["one", "treated", "post", "did"]])

    def job() -> Sequence[float]:
        found = wildboottest(model, B=DRAWS, cluster=frame["district"], param="did", seed=1, show=False)
        return [float(found["p-value"].iloc[0])]

    return job


PYFIXEST_WILD = Contestant(name="pyfixest wildboottest", package="pyfixest", prepare=_pyfixest_wild)
WILDBOOTTEST = Contestant(name="wildboottest", package="wildboottest", prepare=_wildboottest)

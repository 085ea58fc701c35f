"""The general regression: against least squares with dummies, two packages and its own invariances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cseval.errors import EstimationError, UsageError
from cseval.inference.panel_regression import Regression, regress, standard_errors
from cseval.inference.panel_regression_kernels import bartlett, default_lag

UNITS, PERIODS = 12, 9


def panel(seed=0, missing=15):
    """An unbalanced panel with weights; regions hold units, and a label crosses both."""
    rng = np.random.default_rng(seed)
    unit, period = np.divmod(np.arange(UNITS * PERIODS), PERIODS)
    kept = np.sort(rng.choice(len(unit), len(unit) - missing, replace=False))
    unit, period = unit[kept], period[kept]
    x = rng.normal(size=(len(unit), 2)) + 0.2 * unit[:, None]
    y = x @ [1.0, -0.5] + unit + np.sin(period) + rng.normal(size=len(unit))
    return {
        "y": y,
        "x": x,
        "unit": unit,
        "period": period,
        "region": unit // 3,
        "label": rng.integers(0, 4, len(unit)),
        "weights": rng.uniform(0.5, 5, len(unit)),
    }


def dummies(*factors):
    return np.column_stack([(f[:, None] == np.unique(f)) for f in factors]).astype(float)


def dense(p, *factors, weighted):
    """Coefficients, residuals and (X'WX)^+ with dummies."""
    whole = np.column_stack([p["x"], dummies(*factors)])
    w = p["weights"] if weighted else np.ones(len(p["y"]))
    root = np.sqrt(w)[:, None]
    beta = np.linalg.lstsq(whole * root, p["y"] * root[:, 0], rcond=1e-11)[0]
    return whole, beta, p["y"] - whole @ beta, np.linalg.pinv(whole.T @ (whole * w[:, None]), rcond=1e-11), w


FACTORS = {
    "one": ("unit",),
    "two": ("unit", "period"),
    "two, the larger last": ("period", "unit"),
    "three": ("unit", "period", "label"),
    "three, one within another": ("region", "unit", "period"),
}


@pytest.mark.parametrize("names", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_least_squares_with_dummies(names, weighted):
    p = panel()
    factors = [p[n] for n in names]
    whole, beta, residual, inverse, w = dense(p, *factors, weighted=weighted)
    fit = regress(p["y"], p["x"], absorbed=factors, weights=w if weighted else None)
    rank = np.linalg.matrix_rank(whole)
    n, scores = len(residual), whole * (w * residual)[:, None]
    assert fit.coefficients == pytest.approx(beta[:2], rel=1e-10)
    assert fit.residuals == pytest.approx(residual, abs=1e-10)
    assert fit.estimated == rank
    assert fit.iid == pytest.approx(inverse[:2, :2] * (w @ residual**2) / (n - rank), rel=1e-9)
    assert fit.hc1 == pytest.approx((inverse @ scores.T @ scores @ inverse)[:2, :2] * n / (n - rank), rel=1e-9)
    sums = np.stack([scores[p["region"] == r].sum(axis=0) for r in range(4)])
    nested = [p[n] for n in names if n in ("unit", "region")]
    counted = rank - (np.linalg.matrix_rank(dummies(*nested)) - 1 if nested else 0)
    expected = (inverse @ sums.T @ sums @ inverse)[:2, :2] * 4 / 3 * (n - 1) / (n - counted)
    assert fit.clustered(p["region"]) == pytest.approx(expected, rel=1e-9)
    assert fit.by(p["region"]).cr1_adjusted == pytest.approx(expected, rel=1e-9)


def test_effects_that_fall_into_unconnected_parts():
    p = panel()
    part = p["unit"] % 2
    period = p["period"] + 100 * part  # the two halves share no period
    whole, beta, residual, *_ = dense(p, p["unit"], period, weighted=True)
    fit = regress(p["y"], p["x"], absorbed=[p["unit"], period], weights=p["weights"])
    assert fit.coefficients == pytest.approx(beta[:2], rel=1e-10)
    assert fit.residuals == pytest.approx(residual, abs=1e-10)
    assert fit.estimated == np.linalg.matrix_rank(whole)


@pytest.mark.parametrize("weighted", [False, True])
def test_equals_statsmodels_without_effects(weighted):
    p = panel(1)
    w = p["weights"] if weighted else np.ones(len(p["y"]))
    peer = sm.WLS(p["y"], sm.add_constant(p["x"]), weights=w).fit()
    fit = regress(p["y"], p["x"], weights=w)
    assert fit.coefficients == pytest.approx(peer.params[1:], rel=1e-10)
    assert fit.iid == pytest.approx(peer.cov_params()[1:, 1:], rel=1e-10)
    kinds = {
        "HC1": ({}, fit.hc1),
        "cluster": ({"groups": p["unit"]}, fit.clustered(p["unit"])),
    }
    for kind, (options, found) in kinds.items():
        theirs = peer.get_robustcov_results(kind, **options).cov_params()[1:, 1:]
        assert found == pytest.approx(theirs, rel=1e-9), kind


def test_two_way_clusters_equal_statsmodels():
    p = panel(2)
    peer = sm.OLS(p["y"], sm.add_constant(p["x"])).fit()
    groups = np.column_stack([p["unit"], p["period"]])
    theirs = peer.get_robustcov_results("cluster", groups=groups).cov_params()[1:, 1:]
    fit = regress(p["y"], p["x"])
    assert fit.two_way(p["unit"], p["period"]) == pytest.approx(theirs, rel=1e-9)
    raw = peer.get_robustcov_results("cluster", groups=groups, use_correction=False).cov_params()[1:, 1:]
    n = len(p["y"])
    common = raw * PERIODS / (PERIODS - 1) * (n - 1) / (n - 3)
    assert fit.two_way(p["unit"], p["period"], smallest=True) == pytest.approx(common, rel=1e-9)


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_lagged_errors_equal_statsmodels(lag):
    p = panel(3, missing=0)  # statsmodels counts rows between, not periods
    peer = sm.OLS(p["y"], sm.add_constant(p["x"])).fit()
    n = len(p["y"])
    adjusted = PERIODS / (PERIODS - 1) * (n - 1) / (n - 3)
    fit = regress(p["y"], p["x"])
    options = {"maxlags": lag, "use_correction": False}
    by_unit = peer.get_robustcov_results("hac-panel", groups=p["unit"], **options).cov_params()[1:, 1:]
    by_time = peer.get_robustcov_results("hac-groupsum", time=p["period"], **options).cov_params()[1:, 1:]
    assert fit.newey_west(p["unit"], p["period"], lag) == pytest.approx(by_unit * adjusted, rel=1e-9)
    assert fit.driscoll_kraay(p["period"], lag) == pytest.approx(by_time * adjusted, rel=1e-9)


def test_lags_skip_periods_that_a_unit_lacks():
    p = panel(4)
    fit = regress(p["y"], p["x"])
    meat = np.zeros((2, 2))
    for i in range(len(p["y"])):
        for j in range(len(p["y"])):
            apart = abs(int(p["period"][i] - p["period"][j]))
            if p["unit"][i] == p["unit"][j] and apart <= 2:
                meat += (1 - apart / 3) * np.outer(fit.scores[i], fit.scores[j])
    n = len(p["y"])
    expected = fit.bread @ meat @ fit.bread * PERIODS / (PERIODS - 1) * (n - 1) / (n - 3)
    assert fit.newey_west(p["unit"], p["period"], 2) == pytest.approx(expected, rel=1e-10)


def test_weighted_two_way_effects_equal_linearmodels():
    from linearmodels.panel import PanelOLS

    p = panel(5)
    index = pd.MultiIndex.from_arrays([p["unit"], p["period"]])
    y, w = pd.DataFrame({"y": p["y"]}, index=index), pd.DataFrame({"w": p["weights"]}, index=index)
    x = pd.DataFrame(p["x"], index=index, columns=["a", "b"])
    model = PanelOLS(y, x, entity_effects=True, time_effects=True, weights=w)
    fit = regress(p["y"], p["x"], absorbed=[p["unit"], p["period"]], weights=p["weights"])
    peer = model.fit(cov_type="clustered", cluster_entity=True, debiased=False, auto_df=False, count_effects=False)
    assert fit.coefficients == pytest.approx(peer.params.to_numpy(), rel=1e-9)
    assert fit.by(p["unit"]).cr0 == pytest.approx(peer.cov.to_numpy(), rel=1e-9)
    plain = model.fit(cov_type="unadjusted", debiased=True)
    assert fit.iid == pytest.approx(plain.cov.to_numpy(), rel=1e-9)


def test_default_lag_and_weights():
    assert [default_lag(t) for t in (2, 10, 15, 16, 80, 81, 256)] == [1, 1, 1, 2, 2, 3, 4]
    assert bartlett(3) == pytest.approx([1, 0.75, 0.5, 0.25])
    p = panel(6)
    fit = regress(p["y"], p["x"])
    assert (fit.driscoll_kraay(p["period"]) == fit.driscoll_kraay(p["period"], 1)).all()
    assert (fit.newey_west(p["unit"], p["period"]) == fit.newey_west(p["unit"], p["period"], 1)).all()


def test_weighted_cr2_and_cr3_equal_their_definitions():
    """Rows times the root of their weights have errors of equal variance under the working model."""
    p = panel(7)
    root = np.sqrt(p["weights"])
    whole = np.column_stack([p["x"], dummies(p["unit"], p["period"])[:, :-1]]) * root[:, None]
    y, cluster = p["y"] * root, p["region"]
    bread = np.linalg.inv(whole.T @ whole)
    e, hat = y - whole @ (bread @ whole.T @ y), whole @ bread @ whole.T
    lines, total = [], 0.0
    for g in range(4):
        inside = cluster == g
        values, vectors = np.linalg.eigh(np.eye(inside.sum()) - hat[np.ix_(inside, inside)])
        raised = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        line = (bread @ whole[inside].T @ (vectors * raised) @ vectors.T)[0]
        total += (line @ e[inside]) ** 2
        lines.append(line @ (np.eye(len(y)) - hat)[inside])
    gram = np.array(lines) @ np.array(lines).T
    fit = regress(p["y"], p["x"], absorbed=[p["unit"], p["period"]], weights=p["weights"]).by(cluster)
    errors, df = fit.cr2()
    assert errors[0] == pytest.approx(np.sqrt(total), rel=1e-8)
    assert df[0] == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum(), rel=1e-8)
    without = np.array([_without(p, cluster == g).coefficients for g in range(4)])
    assert fit.cr3() == pytest.approx(np.sqrt(((without - fit.coefficients) ** 2).sum(axis=0) * 3 / 4), rel=1e-8)


def _without(p, left_out):
    k = ~left_out
    return regress(p["y"][k], p["x"][k], absorbed=[p["unit"][k], p["period"][k]], weights=p["weights"][k])


def every_kind(fit: Regression, p):
    return {
        "coefficients": fit.coefficients,
        "iid": fit.iid,
        "hc1": fit.hc1,
        "clustered": fit.clustered(p["unit"]),
        "two-way": fit.two_way(p["unit"], p["period"]),
        "two-way, smallest": fit.two_way(p["unit"], p["period"], smallest=True),
        "Newey-West": fit.newey_west(p["unit"], p["period"]),
        "Driscoll-Kraay": fit.driscoll_kraay(p["period"]),
    }


def changed(p, how):
    order = np.random.default_rng(9).permutation(len(p["y"]))
    return {
        "rows in another order": {k: v[order] for k, v in p.items()},
        "weights in another unit": p | {"weights": p["weights"] * 1e4},
        "another origin": p | {"y": p["y"] + 7, "x": p["x"] - 3},
        "units under other names": p | {"unit": np.array([f"area {20 - u}" for u in p["unit"]])},
        "periods as dates": p | {"period": np.datetime64("2020-01", "M") + p["period"]},
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "rows in another order",
        "weights in another unit",
        "another origin",
        "units under other names",
        "periods as dates",
    ],
)
@pytest.mark.parametrize("effects", [(), ("unit", "period")])
def test_what_must_not_matter(how, effects):
    p = panel(8)
    q = changed(p, how)
    one, two = (
        every_kind(regress(d["y"], d["x"], absorbed=[d[e] for e in effects], weights=d["weights"]), d) for d in (p, q)
    )
    for kind, value in one.items():
        assert two[kind] == pytest.approx(value, rel=1e-8), kind


def test_the_order_of_effects_does_not_matter():
    p = panel(9)
    one = every_kind(regress(p["y"], p["x"], absorbed=[p["unit"], p["period"]]), p)
    two = every_kind(regress(p["y"], p["x"], absorbed=[p["period"], p["unit"]]), p)
    for kind, value in one.items():
        assert two[kind] == pytest.approx(value, rel=1e-9), kind


def test_weights_are_repetitions_for_the_coefficients():
    p = panel(10)
    times = np.random.default_rng(0).integers(1, 4, len(p["y"]))
    again = {k: np.repeat(v, times, axis=0) for k, v in p.items()}
    one = regress(p["y"], p["x"], absorbed=[p["unit"]], weights=times)
    two = regress(again["y"], again["x"], absorbed=[again["unit"]])
    assert one.coefficients == pytest.approx(two.coefficients, rel=1e-10)
    assert one.by(p["unit"]).cr0 == pytest.approx(two.by(again["unit"]).cr0, rel=1e-9)


def test_two_way_clustering_with_nested_clusters_is_the_coarser_one():
    p = panel(11)
    fit = regress(p["y"], p["x"])
    assert fit.two_way(p["region"], p["unit"]) == pytest.approx(fit.clustered(p["region"]), rel=1e-9)


def test_a_single_column_and_unchanged_data():
    p = panel(12)
    before = {k: v.copy() for k, v in p.items()}
    one = regress(p["y"], p["x"][:, 0], absorbed=[p["unit"]], weights=p["weights"])
    two = regress(p["y"], p["x"][:, :1], absorbed=[p["unit"]], weights=p["weights"])
    assert one.coefficients == two.coefficients
    every_kind(one, p)
    assert all((p[k] == before[k]).all() for k in p)


def test_intervals_cover_on_clustered_data():
    """Unit shocks to regressor and outcome: clustered intervals cover, classical ones do not."""
    rng = np.random.default_rng(13)
    unit = np.repeat(np.arange(50), 8)
    covered = np.zeros((400, 2))
    for k in range(len(covered)):
        x = rng.normal(size=50)[unit] + 0.3 * rng.normal(size=400)
        y = 0.7 * x + rng.normal(size=50)[unit] + rng.normal(size=400)
        fit = regress(y, x)
        errors = [standard_errors(c)[0] for c in (fit.clustered(unit), fit.iid)]
        covered[k] = [abs(fit.coefficients[0] - 0.7) < 2.01 * e for e in errors]
    clustered, classical = covered.mean(axis=0)
    assert abs(clustered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400) + 0.01
    assert classical < 0.75


# Refusals -----------------------------------------------------------------------------------------


def test_bad_columns_are_refused():
    p = panel()
    y, x = p["y"], p["x"]
    with pytest.raises(UsageError, match="columns of lengths"):
        regress(y, x, absorbed=[p["unit"][:-1]])
    with pytest.raises(UsageError, match="columns of lengths"):
        regress([], [])
    for broken in ({"y": np.where(np.arange(len(y)) == 3, np.nan, y)}, {"x": np.where(x > 2, np.inf, x)}):
        with pytest.raises(UsageError, match="a value is missing"):
            regress(**({"y": y, "x": x} | broken))
    with pytest.raises(UsageError, match="a value is missing"):
        regress(y, x, absorbed=[np.where(p["unit"] == 1, None, p["unit"].astype(object))])
    for weight in (0.0, -1.0, np.nan):
        with pytest.raises(UsageError, match="a weight is not above zero"):
            regress(y, x, weights=np.full(len(y), weight))


def test_what_cannot_be_estimated_is_refused():
    p = panel()
    with pytest.raises(EstimationError, match="not identified"):
        regress(p["y"], np.column_stack([p["x"], p["region"] == 1]), absorbed=[p["unit"]])
    fit = regress(p["y"], p["x"])
    with pytest.raises(EstimationError, match="one cluster"):
        fit.clustered(np.zeros(len(p["y"])))
    with pytest.raises(EstimationError, match="one period"):
        fit.driscoll_kraay(np.zeros(len(p["y"])))
    with pytest.raises(EstimationError, match="two rows in one period"):
        fit.newey_west(p["region"], p["period"])
    with pytest.raises(UsageError, match="a lag of -1"):
        fit.driscoll_kraay(p["period"], -1)
    with pytest.raises(EstimationError, match="no more than the 3 coefficients"):
        _ = regress(p["y"][:3], p["x"][:3]).iid
    with pytest.raises(EstimationError, match="below zero"):
        standard_errors(np.diag([1.0, -1e-3]))

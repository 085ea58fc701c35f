"""Cluster-robust errors and the wild bootstrap against stored output of R and of another package.

Published errors are golden cases, see `golden_regression`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from builders import design

from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.cluster_kernels import cluster_variances
from cseval.inference.cluster_regression import cluster_regression
from cseval.inference.wild_bootstrap import WildClusterBootstrap
from cseval.inference.wild_regression import wild_cluster

HERE = Path(__file__).parent
N = 14


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def made_up():
    """The panel that the scripts read."""
    data = rows(HERE / "r" / "two_group_panel.csv")
    return data, np.array([int(r["count"]) for r in data]).reshape(N, -1)


@pytest.fixture(scope="module")
def stored():
    return {(r["model"], r["type"]): r for r in rows(HERE / "r" / "two_group_panel_errors.csv")}


@pytest.mark.parametrize(("estimator", "model"), [(LinearDiD(), "linear"), (PoissonDiD(), "poisson")])
def test_closed_forms_equal_clubsandwich(stored, estimator, model):
    d = design(made_up()[1], treated=[1, 4, 9], months_before=4)
    found = cluster_variances(estimator.collapsed(d, d.own_set), d.comparison, d.own_set)
    variances = {"CR0": found.cr0, "CR1": found.cr0 * N / (N - 1), "CR2": found.cr2, "CR3": found.cr3 * N / (N - 1)}
    for kind, value in variances.items():
        assert np.sqrt(value[0]) == pytest.approx(float(stored[model, kind]["std_error"]), rel=1e-10), kind
    assert found.df[0] == pytest.approx(float(stored[model, "CR2"]["df"]), rel=1e-9)
    assert estimator.estimate(d).effect == pytest.approx(float(stored[model, "CR2"]["effect"]), rel=1e-11)


def test_poisson_with_dummies_has_the_same_errors_but_for_the_rotation_of_cr2(stored):
    for kind in ("CR0", "CR1"):
        full, collapsed = (float(stored[m, kind]["std_error"]) for m in ("poisson with dummies", "poisson"))
        assert full == pytest.approx(collapsed, rel=1e-9)
    full, collapsed = (stored[m, "CR2"] for m in ("poisson with dummies", "poisson"))
    assert float(full["std_error"]) == pytest.approx(float(collapsed["std_error"]), rel=0.005)
    assert float(full["df"]) == pytest.approx(float(collapsed["df"]), rel=0.005)


def test_general_regression_equals_clubsandwich(stored):
    data, counts = made_up()
    unit, month = ([r[k] for r in data] for k in ("unit", "month"))
    did = np.array([float(r["did"]) for r in data])[:, None]
    fit = cluster_regression(counts.ravel().astype(float), did, unit, absorbed=[unit, month])
    se2, df = fit.cr2()
    assert np.sqrt(fit.cr1[0, 0]) == pytest.approx(float(stored["linear", "CR1"]["std_error"]), rel=1e-10)
    assert se2[0] == pytest.approx(float(stored["linear", "CR2"]["std_error"]), rel=1e-10)
    assert df[0] == pytest.approx(float(stored["linear", "CR2"]["df"]), rel=1e-9)
    jackknife = float(stored["linear", "CR3"]["std_error"]) * np.sqrt((N - 1) / N)
    assert fit.cr3()[0] == pytest.approx(jackknife, rel=1e-10)


def test_enumerated_wild_bootstrap_equals_wildboottest():
    """Equal but for the two combinations that repeat the data, which rounding counts or not in the other package."""
    data, counts = made_up()
    y = counts.ravel().astype(float)
    unit, month = np.array([r["unit"] for r in data]), np.array([int(r["month"]) for r in data])
    number = np.array([int(u[1:]) for u in unit])
    did = np.array([float(r["did"]) for r in data])
    covariate = np.sin(number * 1.7 + month**1.3)
    cases = {
        "panel by unit": (did, unit, [unit, month]),
        "panel by pairs of units": (did, number // 2, [unit, month]),
        "plain regression": (np.column_stack([covariate, month]), number // 2, []),
        "month effects": (np.column_stack([covariate, did]), number // 2, [month]),
    }
    for stored in rows(HERE / "python" / "wild_bootstrap_peer.csv"):
        x, clusters, absorbed = cases[stored["case"]]
        found = wild_cluster(y, x, clusters, absorbed=absorbed, draws=99_999, interval=False)
        assert found.exact
        assert found.draws == 2 ** int(stored["clusters"])
        assert found.coefficient == pytest.approx(float(stored["coefficient"]), rel=1e-10)
        assert found.p_value == pytest.approx(float(stored["p_value"]), abs=2.01 / found.draws)
    d = design(counts, treated=[1, 4, 9], months_before=4)
    estimate = LinearDiD().estimate(d)
    own = WildClusterBootstrap(draws=99_999).infer(d, LinearDiD(), estimate, 0)
    assert own.p_value == pytest.approx(
        float(rows(HERE / "python" / "wild_bootstrap_peer.csv")[0]["p_value"]), abs=2e-4
    )

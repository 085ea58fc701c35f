"""Published cluster-robust errors and randomisation inference, and stored output of R and of another package."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest
from builders import design

from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.cluster_kernels import cluster_variances
from cseval.inference.cluster_regression import cluster_regression, two_way_covariance
from cseval.inference.permutation import permute
from cseval.inference.wild_bootstrap import WildClusterBootstrap
from cseval.inference.wild_regression import wild_cluster

HERE = Path(__file__).parent
GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"
golden = pytest.mark.skipif(not (GOLDEN / "golden.toml").exists(), reason="no golden data beside the checkout")
N = 14


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns(name):
    """Columns of a golden file as arrays; rows with an empty cell left out."""
    data = [r for r in rows(GOLDEN / name) if all(v not in ("", "NA") for v in r.values())]
    return {key: np.array([r[key] for r in data]) for key in data[0]}


def agree(case, found):
    """Hold every number of a case against its stored value and, where printed, the published one."""
    cases = tomllib.loads((GOLDEN / "golden.toml").read_text(encoding="utf-8"))["case"]
    expected = {e["name"]: e for e in next(c for c in cases if c["id"] == case)["expect"]}
    assert set(found) == set(expected)
    for name, value in found.items():
        entry = expected[name]
        assert value == pytest.approx(entry["value"], abs=entry["tol"], rel=0), name
        if 0 < entry["published_tol"] < 0.03 and entry["published"].lstrip("-.").split()[0].replace(".", "").isdigit():
            assert value == pytest.approx(float(entry["published"].split()[0]), abs=entry["published_tol"], rel=0), name


@golden
def test_minimum_legal_drinking_age():
    data = columns("mlda.csv")
    x = np.column_stack([data["legal"], data["beertaxa"]]).astype(float)
    y = data["mrate"].astype(float)
    fit = cluster_regression(y, x, data["state"], absorbed=[data["state"], data["year"]])
    se1, (se2, df) = np.sqrt(np.diag(fit.cr1)), fit.cr2()
    found = {
        "legal": fit.coefficients[0],
        "legal_se_cr1": se1[0],
        "legal_p_cr1": fit.p_values(se1, fit.clusters - 1)[0],
        "legal_se_cr2": se2[0],
        "legal_df_satt": df[0],
        "legal_p_cr2": fit.p_values(se2, df)[0],
        "beertaxa": fit.coefficients[1],
        "beertaxa_se_cr2": se2[1],
        "beertaxa_df_satt": df[1],
        "legal_se_fixest": np.sqrt(fit.cr1_adjusted[0, 0]),
    }
    agree("mlda_cr2_unweighted", found)


@golden
def test_petersen():
    data = columns("petersen.csv")
    x, y = data["x"].astype(float), data["y"].astype(float)
    firm, year, row = data["firm"], data["year"], np.arange(len(y))
    fits = {name: cluster_regression(y, x[:, None], c) for name, c in (("firm", firm), ("year", year), ("hc1", row))}
    slope = np.column_stack([np.ones(len(x)), x])
    residual = y - slope @ np.linalg.lstsq(slope, y)[0]
    iid = residual @ residual / (len(y) - 2) * np.linalg.inv(slope.T @ slope)[1, 1]
    smallest = min(f.clusters for f in fits.values())
    common = sum(sign * fits[k].cr1_adjusted / fits[k].cr1 * fits[k].cr0 for k, sign in SIGNS.items())
    found = {f"se_{name}": np.sqrt(fit.cr1_adjusted[0, 0]) for name, fit in fits.items()}
    found |= {
        "x": fits["firm"].coefficients[0],
        "se_iid": np.sqrt(iid),
        "se_twoway_sandwich": np.sqrt(two_way_covariance(y, x[:, None], firm, year)[0, 0]),
        "se_twoway_min_G": np.sqrt(common[0, 0] * smallest / (smallest - 1)),
    }
    agree("petersen_cluster", found)


SIGNS = {"firm": 1, "year": 1, "hc1": -1}


@golden
def test_colombia_randomisation():
    data = columns("colombia.csv")
    absorbed = [data[k] for k in ("b_pair", "miss_b_dayscorab", "round2", "round3")]
    y, treat, before = (data[k].astype(float) for k in ("dayscorab", "b_treat", "b_dayscorab"))
    found = permute(
        y, treat, data["b_block"], strata=data["b_pair"], controls=before, absorbed=absorbed, draws=9999, seed=1
    )
    fit = cluster_regression(y, np.column_stack([treat, before]), data["b_block"], absorbed=absorbed)
    assert found.coefficient == pytest.approx(fit.coefficients[0], rel=1e-12)
    assert 0.002 < found.mc_error < 0.004
    error = np.sqrt(fit.cr1_adjusted[0, 0])
    agree(
        "ritest_colombia",
        {"coef": found.coefficient, "se_cluster": error, "n": found.observations, "ri_p": found.p_value},
    )


# Stored output ------------------------------------------------------------------------------------


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

"""CR2 and CR3 in closed form against matrices, refits and the general regression; their size; what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import design, poisson_counts
from scipy import stats

from cseval.areas import PlaceboSets, draw_connected
from cseval.errors import EstimationError, UsageError
from cseval.estimators.collapsed import Collapsed, Identity
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import SegmentedRegression
from cseval.inference.base import Calibratable, Placebos
from cseval.inference.cluster_kernels import cluster_variances
from cseval.inference.cluster_regression import cluster_regression
from cseval.inference.covariance import ClusterRobust, ClusterRobustCR2, ClusterRobustCR3

TREATED = [7, 8, 13]
BOTH = pytest.mark.parametrize("estimator", [LinearDiD(), PoissonDiD()], ids=["linear", "poisson"])


def make(treated=TREATED, seed=4, **options):
    counts = poisson_counts(36, 20, treated=TREATED, start=12, effect=-0.2, seed=seed)
    return design(counts, treated=treated, months_before=12, shape=(6, 6), **{"buffer_rings": 1, **options})


def drawn(d, count=6, size=3):
    return d.sets(draw_connected(d.areas, d.comparison, size, count, np.random.default_rng(0)))


def rows_of(d, sets, k):
    """Which units are treated and used in the k-th set."""
    inside, used = np.zeros(len(d.units), dtype=bool), d.comparison.copy()
    used[sets.ring[k][sets.ring[k] < len(d.units)]] = False
    inside[sets.members[k]] = True
    return inside, used | inside


def by_matrices(d, inside, used):
    """CR0, CR2, sum of squared jackknife steps and Satterthwaite df of the logit of totals, from the hat matrix."""
    post, n = d.post_counts[used], (d.pre_counts + d.post_counts)[used]
    x = np.column_stack([np.ones(used.sum()), inside[used]])
    p = np.where(inside[used], *(post[g].sum() / n[g].sum() for g in (inside[used], ~inside[used])))
    root = np.sqrt(n * p * (1 - p))
    x, e = x * root[:, None], (post - n * p) / root
    bread = np.linalg.inv(x.T @ x)
    rest = np.eye(len(e)) - x @ bread @ x.T
    line = (bread @ x.T)[1]
    h = 1 - np.diag(rest)
    spread = [((line * e) ** 2 / (1 - h) ** k).sum() for k in range(3)]
    a = np.diag(line / np.sqrt(1 - h)) @ rest
    gram = a @ a.T
    return (*spread, np.trace(gram) ** 2 / (gram**2).sum())


def test_linear_equals_the_regression_with_unit_and_month_effects():
    d = make()
    sets = drawn(d)
    found = cluster_variances(LinearDiD().collapsed(d, sets), d.comparison, sets)
    for k in range(len(sets)):
        inside, used = rows_of(d, sets, k)
        y = d.counts[used].astype(float)
        unit, month = np.indices(y.shape)
        switch = (inside[used][:, None] & d.post).astype(float)
        fit = cluster_regression(y.ravel(), switch.reshape(-1, 1), unit.ravel(), absorbed=[unit.ravel(), month.ravel()])
        se2, df = fit.cr2()
        assert found.units[k] == used.sum()
        assert found.cr0[k] == pytest.approx(fit.cr0[0, 0], rel=1e-9)
        assert found.cr2[k] == pytest.approx(se2[0] ** 2, rel=1e-9)
        assert found.df[k] == pytest.approx(df[0], rel=1e-9)
        assert found.cr3[k] == pytest.approx(fit.cr3()[0] ** 2, rel=1e-9)


def test_poisson_equals_the_hat_matrix_of_the_collapsed_logit():
    d = make()
    sets = drawn(d)
    found = cluster_variances(PoissonDiD().collapsed(d, sets), d.comparison, sets)
    for k in range(len(sets)):
        inside, used = rows_of(d, sets, k)
        cr0, cr2, cr3, df = by_matrices(d, inside, used)
        units = used.sum()
        assert found.cr0[k] == pytest.approx(cr0, rel=1e-9)
        assert found.cr2[k] == pytest.approx(cr2, rel=1e-9)
        assert found.cr3[k] == pytest.approx(cr3 * (units - 1) / units, rel=1e-9)
        assert found.df[k] == pytest.approx(df, rel=1e-9)


@BOTH
def test_cr0_is_that_of_the_cluster_errors(estimator):
    d = make()
    sets = drawn(d)
    found = cluster_variances(estimator.collapsed(d, sets), d.comparison, sets)
    factor = (estimator.cluster_errors(d, sets).std_error ** 2) / found.cr0
    n = found.units
    expected = n / (n - 1) if isinstance(estimator, PoissonDiD) else n * 20 / (n * 20 - n - 20)
    assert factor == pytest.approx(expected, rel=1e-9)


def test_cr3_is_the_jackknife_of_the_linear_effect():
    d = make(buffer_rings=0)
    used = np.flatnonzero(d.is_treated | d.comparison)
    changes = d.post_counts / 8 - d.pre_counts / 12
    whole = changes[d.is_treated].mean() - changes[d.comparison].mean()
    without = []
    for i in used:
        t, c = d.is_treated.copy(), d.comparison.copy()
        t[i] = c[i] = False
        without.append(changes[t].mean() - changes[c].mean())
    expected = ((np.array(without) - whole) ** 2).sum() * (len(used) - 1) / len(used)
    found = cluster_variances(LinearDiD().collapsed(d, d.own_set), d.comparison, d.own_set)
    assert found.cr3[0] == pytest.approx(expected, rel=1e-9)


@BOTH
@pytest.mark.parametrize("method", [ClusterRobustCR2(), ClusterRobustCR3()])
def test_one_estimate_and_the_same_set_among_many_agree(estimator, method):
    d = make()
    estimate = estimator.estimate(d)
    found = method.infer(d, estimator, estimate, 0)
    many = method.test_many(Placebos.of(d, estimator, d.own_set), Placebos.of(d, estimator, drawn(d)))
    assert isinstance(method, Calibratable)
    assert many[0] == pytest.approx(found.p_value, rel=1e-9)
    t = stats.t(found.facts["degrees_of_freedom"])
    assert found.p_value == pytest.approx(2 * t.sf(abs(estimate.effect) / found.std_error), rel=1e-9)
    assert found.conf_high - estimate.effect == pytest.approx(t.ppf(0.975) * found.std_error, rel=1e-9)
    assert (found.conf_low <= 0 <= found.conf_high) == (found.p_value >= 0.05)
    assert not found.reliable
    assert found.note == "unreliable with 3 treated units"
    assert method.needs == ClusterRobust().needs


@BOTH
def test_padding_and_blocks_change_nothing(estimator, monkeypatch):
    d = make()
    sets = drawn(d)
    plain = cluster_variances(estimator.collapsed(d, sets), d.comparison, sets)
    padding = np.full((len(sets), 2), len(d.units))
    padded = PlaceboSets(members=np.hstack([sets.members, padding]), ring=np.hstack([sets.ring, padding]))
    monkeypatch.setattr("cseval.inference.cluster_kernels.CELLS", 40)
    again = cluster_variances(estimator.collapsed(d, padded), d.comparison, padded)
    for name in ("cr0", "cr2", "cr3", "df", "units"):
        assert getattr(again, name) == pytest.approx(getattr(plain, name), rel=1e-12)


@BOTH
def test_order_of_units_and_scale_do_not_matter(estimator):
    counts = poisson_counts(30, 20, seed=3)
    order = np.random.default_rng(1).permutation(30)
    treated = [2, 3, 4, 5]
    moved = [int(np.flatnonzero(order == i)[0]) for i in treated]
    found = []
    for c, t in ((counts, treated), (counts[order], moved), (3 * counts, treated)):
        d = design(c, treated=t, months_before=12)
        found.append(cluster_variances(estimator.collapsed(d, d.own_set), d.comparison, d.own_set))
    scale = 9 if isinstance(estimator, LinearDiD) else 1
    for name in ("cr0", "cr2", "cr3"):
        assert getattr(found[1], name) == pytest.approx(getattr(found[0], name), rel=1e-9)
        assert getattr(found[2], name) == pytest.approx(scale * getattr(found[0], name), rel=1e-9)
    assert [f.df[0] for f in found[1:]] == pytest.approx([found[0].df[0]] * 2, rel=1e-9)


def test_rates_are_scaled_to_incidents():
    exposure = np.repeat(np.random.default_rng(3).uniform(500, 2000, (36, 1)), 20, axis=1)
    d, estimator = make(exposure=exposure), LinearDiD(per=1000)
    found = cluster_variances(estimator.collapsed(d, d.own_set), d.comparison, d.own_set)
    n = found.units
    expected = estimator.estimate(d).std_error ** 2 * (n * 20 - n - 20) / (n * 20)
    assert found.cr0 == pytest.approx(expected, rel=1e-9)


def test_size_with_five_treated_of_forty():
    """Independent normal changes: CR1 rejects a true null far too often, CR2 about as often as it says."""
    rng = np.random.default_rng(20)
    sets = PlaceboSets(members=np.arange(5)[None, :], ring=np.full((1, 1), 40))
    comparison = np.arange(40) >= 5
    found = np.empty((1500, 5))
    for row in found:
        value = rng.normal(size=40)
        collapsed = Collapsed(value=value, mass=np.ones(40), link=Identity(), factor=np.ones(1))
        v = cluster_variances(collapsed, comparison, sets)
        row[:] = abs(value[:5].mean() - value[5:].mean()), v.cr0[0] * 40 / 39, v.cr2[0], v.cr3[0], v.df[0]
    df = np.stack([np.full(len(found), 39), found[:, 4], np.full(len(found), 39)])
    rejected = 2 * stats.t.sf(found[:, 0] / np.sqrt(found[:, 1:4].T), df) <= 0.05
    cr1, cr2, cr3 = rejected.mean(axis=1)
    assert cr1 > 0.10
    assert 0.035 < cr2 < 0.065
    assert cr2 < cr3 < cr1


# Refusals -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("method", [ClusterRobustCR2(), ClusterRobustCR3()])
def test_a_single_treated_unit_is_refused_and_has_no_p_value(estimator, method):
    d = make(treated=[7])
    with pytest.raises(EstimationError, match="the treated group has a single unit with incidents") as refused:
        method.infer(d, estimator, estimator.estimate(d), 0)
    assert str(refused.value).startswith(method.name)
    singles = Placebos.of(d, estimator, drawn(d, size=1))
    assert np.isnan(method.test_many(singles, singles)).all()


def test_a_single_unit_with_all_the_incidents_is_refused():
    counts = poisson_counts(36, 20, seed=2)
    counts[[7, 8]] = 0
    d = design(counts, treated=TREATED, months_before=12, shape=(6, 6))
    with pytest.raises(EstimationError, match="single unit with incidents"):
        ClusterRobustCR2().infer(d, PoissonDiD(), PoissonDiD().estimate(d), 0)
    assert ClusterRobustCR2().infer(d, LinearDiD(), LinearDiD().estimate(d), 0).std_error > 0


@pytest.mark.parametrize("method", [ClusterRobustCR2(), ClusterRobustCR3()])
def test_models_that_do_not_collapse_are_refused(method):
    d = make(exposure=np.random.default_rng(1).uniform(50, 150, (36, 20)))
    estimate = PoissonDiD().estimate(d)
    for estimator in (PoissonDiD(exposure=True), PoissonDiD(covariates=("burglary",))):
        with pytest.raises(EstimationError, match="does not collapse to totals"):
            method.infer(d, estimator, estimate, 0)
    with pytest.raises(EstimationError, match="does not collapse to one change"):
        method.infer(d, LinearDiD(covariates=("burglary",)), estimate, 0)
    with pytest.raises(UsageError, match="no comparison of two weighted means"):
        method.infer(d, SegmentedRegression(), estimate, 0)


# The general regression ---------------------------------------------------------------------------


def regression(seed=0, rows=60):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 9, rows)
    x = rng.normal(size=(rows, 2)) + cluster[:, None] * 0.1
    return rng.normal(size=rows) + x[:, 0], x, cluster, rng.integers(0, 4, rows)


def test_cr2_and_cr3_equal_their_definitions_with_dummies():
    y, x, cluster, level = regression()
    fit = cluster_regression(y, x, cluster, absorbed=[level])
    whole = np.column_stack([x, level[:, None] == np.arange(4)]).astype(float)
    bread = np.linalg.inv(whole.T @ whole)
    beta = bread @ whole.T @ y
    e, hat = y - whole @ beta, whole @ bread @ whole.T
    cr2, lines = np.zeros((6, 6)), []
    for g in range(9):
        inside = cluster == g
        values, vectors = np.linalg.eigh(np.eye(inside.sum()) - hat[np.ix_(inside, inside)])
        adjusted = (vectors / np.sqrt(values)) @ vectors.T
        line = bread @ whole[inside].T @ adjusted
        cr2 += np.outer(line @ e[inside], line @ e[inside])
        lines.append(line[0] @ (np.eye(len(y)) - hat)[inside])
    gram = np.array(lines) @ np.array(lines).T
    se2, df = fit.cr2()
    assert fit.coefficients == pytest.approx(beta[:2], rel=1e-10)
    assert se2 == pytest.approx(np.sqrt(np.diag(cr2)[:2]), rel=1e-9)
    assert df[0] == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum(), rel=1e-9)
    without = [
        cluster_regression(y[k], x[k], cluster[k], absorbed=[level[k]]).coefficients
        for k in (cluster != g for g in range(9))
    ]
    jackknife = np.sqrt(((np.array(without) - fit.coefficients) ** 2).sum(axis=0) * 8 / 9)
    assert fit.cr3() == pytest.approx(jackknife, rel=1e-9)


def test_labels_and_order_of_rows_do_not_matter():
    y, x, cluster, level = regression()
    order = np.random.default_rng(3).permutation(len(y))
    names = np.array([f"cluster {c}" for c in cluster])
    one = cluster_regression(y, x, cluster, absorbed=[level])
    two = cluster_regression(y[order], x[order], names[order], absorbed=[level[order] * 10])
    assert two.cr0 == pytest.approx(one.cr0, rel=1e-9)
    assert two.cr2()[1] == pytest.approx(one.cr2()[1], rel=1e-9)
    assert two.estimated == one.estimated == 6


def test_what_effects_explain_is_refused():
    y, x, cluster, level = regression()
    with pytest.raises(EstimationError, match="not identified"):
        cluster_regression(y, np.column_stack([x, level == 2]), cluster, absorbed=[level])
    with pytest.raises(EstimationError, match="one cluster"):
        cluster_regression(y, x, np.zeros(len(y)))


def test_designs_are_not_changed():
    d = make()
    before = d.counts.copy()
    for estimator in (LinearDiD(), PoissonDiD()):
        ClusterRobustCR2().infer(d, estimator, estimator.estimate(d), 0)
    assert (d.counts == before).all()
    assert replace(d).counts.tolist() == before.tolist()

"""Wild cluster bootstrap: against refits draw by draw, between its two kernels, its size, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from builders import design, poisson_counts

from cseval.areas import PlaceboSets, draw_connected
from cseval.errors import EstimationError, UsageError
from cseval.estimators.collapsed import Collapsed, Identity
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.base import Calibratable, Placebos
from cseval.inference.bootstrap_kernels import multipliers, p_values_many
from cseval.inference.inversion import invert_test
from cseval.inference.panel_regression import regress
from cseval.inference.wild_bootstrap import Rademacher, Webb, WildClusterBootstrap
from cseval.inference.wild_regression import wild_cluster

TREATED = [7, 8, 13]


def make(units=36, shape=(6, 6), treated=TREATED, effect=-0.2, seed=4, **options):
    counts = poisson_counts(units, 20, treated=treated, start=12, effect=effect, seed=seed)
    return design(counts, treated=treated, months_before=12, shape=shape, **options)


def with_districts(d, size=4):
    panel = d.inputs.panel
    districts = {u: f"D{i // size}" for i, u in enumerate(d.units)}
    return replace(d, inputs=replace(d.inputs, panel=replace(panel, districts=districts)))


def rows_of(d):
    """The panel as rows: counts, switch, unit and month."""
    used = d.is_treated | d.comparison
    y = d.counts[used].astype(float)
    unit, month = np.indices(y.shape)
    switch = (d.is_treated[used][:, None] & d.post).astype(float)
    return y.ravel(), switch.ravel(), np.flatnonzero(used)[unit.ravel()], month.ravel()


def refitted(y, x, clusters, points, null=0.0):
    """Enumerated p-value by fitting the restricted and unrestricted model anew for every combination."""
    rest = x[:, 1:]
    names = np.unique(clusters)
    restricted = null * x[:, 0] + rest @ np.linalg.lstsq(rest, y - null * x[:, 0])[0]
    bread = np.linalg.pinv(x.T @ x)

    def t(outcome):
        beta = bread @ (x.T @ outcome)
        e = outcome - x @ beta
        scores = np.array([bread[0] @ (x[clusters == g].T @ e[clusters == g]) for g in names])
        return (beta[0] - null) / np.sqrt((scores**2).sum())

    own = abs(t(y))
    multiplier = {g: k for k, g in enumerate(names)}
    place = np.array([multiplier[c] for c in clusters])
    drawn = [abs(t(restricted + np.array(v)[place] * (y - restricted))) for v in product(points, repeat=len(names))]
    return float(np.mean(np.array(drawn) >= own * (1 - 1e-9)))


@pytest.mark.parametrize(
    ("null", "weights", "clusters"), [(0.0, Rademacher(), 8), (0.7, Rademacher(), 7), (0.2, Webb(), 4)]
)
def test_enumerated_p_value_equals_refitting_every_combination(null, weights, clusters):
    rng = np.random.default_rng(clusters)
    group, level = np.repeat(np.arange(clusters), 6), np.tile(np.arange(3), 2 * clusters)
    x = rng.normal(size=(len(group), 2)) + rng.normal(size=clusters)[group, None]
    y = 0.4 * x[:, 0] + rng.normal(size=clusters)[group] + rng.normal(size=len(group))
    found = wild_cluster(y, x, group, absorbed=[level], null=null, weights=weights, interval=False)
    dummies = np.column_stack([x, level[:, None] == np.arange(3)]).astype(float)
    assert found.exact
    assert found.draws == len(weights.points) ** clusters
    assert found.p_value == refitted(y, dummies, group, weights.points, null)


def test_weights_are_those_of_rows_times_their_roots():
    rng = np.random.default_rng(5)
    group, level = np.repeat(np.arange(8), 6), np.tile(np.arange(3), 16)
    x = rng.normal(size=(48, 2)) + rng.normal(size=8)[group, None]
    y, w = 0.4 * x[:, 0] + rng.normal(size=8)[group] + rng.normal(size=48), rng.uniform(0.5, 4, 48)
    found = wild_cluster(y, x, group, absorbed=[level], row_weights=w, interval=False)
    root = np.sqrt(w)[:, None]
    dummies = np.column_stack([x, level[:, None] == np.arange(3)]) * root
    assert found.p_value == refitted(y * root[:, 0], dummies, group, Rademacher().points, 0.0)
    fit = regress(y, x, absorbed=[level], weights=w)
    assert found.coefficient == pytest.approx(fit.coefficients[0], rel=1e-10)
    assert found.std_error == pytest.approx(np.sqrt(fit.by(group).cr1[0, 0]), rel=1e-10)


@pytest.mark.parametrize("weights", [Rademacher(), Webb()])
@pytest.mark.parametrize("by", ["unit", "district"])
def test_design_and_regression_kernels_agree(weights, by):
    """The closed form of a design against the general regression with unit and month effects, same draws."""
    d = with_districts(make(buffer_rings=1))
    estimate = LinearDiD().estimate(d)
    own = WildClusterBootstrap(draws=999, weights=weights, by=by).infer(d, LinearDiD(), estimate, 5)
    y, x, unit, month = rows_of(d)
    clusters = unit if by == "unit" else unit // 4
    peer = wild_cluster(y, x, clusters, absorbed=[unit, month], draws=999, weights=weights, seed=5)
    assert own.facts == {"draws": peer.draws, "exact": peer.exact, "clusters": peer.clusters}
    assert own.p_value == peer.p_value
    assert own.std_error == pytest.approx(peer.std_error, rel=1e-9)
    assert (own.conf_low, own.conf_high) == pytest.approx((peer.conf_low, peer.conf_high), rel=1e-6, nan_ok=True)
    assert not own.reliable
    assert own.note.startswith(f"unreliable with {len(set(clusters[x > 0]))} treated {by}s")


@pytest.mark.parametrize("by", ["unit", "district"])
@pytest.mark.parametrize("weights", [Rademacher(), Webb()])
def test_many_sets_equal_one_by_one(by, weights, monkeypatch):
    """With every combination enumerated the p-values of both kernels are the same numbers."""
    units = {"unit": 12, "district": 36}[by] if weights == Rademacher() else {"unit": 6, "district": 10}[by]
    d = with_districts(make(units=units, shape=(1, units), treated=[0, 1]), size=-(-units // 5))
    method = WildClusterBootstrap(draws=50_000, weights=weights, by=by, calibration_draws=50_000)
    members = draw_connected(d.areas, d.comparison, 2, 4, np.random.default_rng(0))
    sets = d.sets(members)
    monkeypatch.setattr("cseval.inference.bootstrap_kernels.CELLS", 3 * (units + 1))
    p = method.test_many(Placebos.of(d, LinearDiD(), sets), Placebos.of(d, LinearDiD(), sets))
    monkeypatch.undo()
    for k, row in enumerate(members):
        one = d.treating(d.units[i] for i in row)
        found = method.infer(one, LinearDiD(), LinearDiD().estimate(one), 0)
        assert found.facts["exact"]
        assert p[k] == pytest.approx(found.p_value, abs=1e-12)
    assert isinstance(method, Calibratable)


def test_interval_holds_what_is_not_rejected():
    d = make(treated=list(range(12)), effect=0.6)
    estimate = LinearDiD().estimate(d)
    found = WildClusterBootstrap(draws=999).infer(d, LinearDiD(), estimate, 1)
    y, x, unit, month = rows_of(d)
    rejected = [
        wild_cluster(y, x, unit, absorbed=[unit, month], null=null, draws=999, seed=1, interval=False).p_value <= 0.05
        for null in (found.conf_low - 1e-3, found.conf_low + 1e-3, found.conf_high - 1e-3, found.conf_high + 1e-3)
    ]
    assert rejected == [True, False, False, True]
    assert found.conf_low < estimate.effect < found.conf_high
    assert found.reliable


def test_scale_shifts_and_month_effects_do_not_matter():
    d = make(treated=list(range(8)))
    moved = np.arange(20)[None, :] + 3 * d.counts + np.arange(36)[:, None]
    other = design(moved, treated=list(range(8)), months_before=12, shape=(6, 6))
    one, two = (WildClusterBootstrap(draws=499).infer(k, LinearDiD(), LinearDiD().estimate(k), 2) for k in (d, other))
    assert two.p_value == one.p_value
    assert (two.conf_low, two.conf_high) == pytest.approx((3 * one.conf_low, 3 * one.conf_high), rel=1e-6)


def test_rates_keep_the_p_value_of_the_change_in_rates():
    exposure = np.full((36, 20), 250.0)
    d = make(exposure=exposure)
    plain, rates = (
        WildClusterBootstrap(draws=499).infer(d, e, e.estimate(d), 0) for e in (LinearDiD(), LinearDiD(per=1000))
    )
    assert rates.p_value == plain.p_value
    assert rates.std_error == pytest.approx(plain.std_error, rel=1e-9)


def test_size_with_five_treated_of_forty():
    """Independent normal changes: the restricted bootstrap rejects a true null about as often as it says, or less."""
    rng = np.random.default_rng(7)
    sets = PlaceboSets(members=np.arange(5)[None, :], ring=np.full((1, 1), 40))
    comparison = np.arange(40) >= 5
    p = []
    for k in range(800):
        collapsed = Collapsed(value=rng.normal(size=40), mass=np.ones(40), link=Identity(), factor=np.ones(1))
        p.append(p_values_many(collapsed, comparison, sets, None, Rademacher(), 199, k)[0])
    assert 0.025 < np.mean(np.array(p) <= 0.05) < 0.075


@pytest.mark.parametrize("weights", [Rademacher(), Webb()])
def test_multipliers_have_mean_zero_and_variance_one(weights):
    assert sum(weights.points) == pytest.approx(0, abs=1e-12)
    assert np.mean(np.square(weights.points)) == pytest.approx(1, rel=1e-12)
    drawn = multipliers(weights, 20_000, 20, np.random.default_rng(0))
    values = np.concatenate(list(drawn.blocks))
    assert values.shape == (20_000, 20)
    assert abs(values.mean()) < 0.01
    assert set(np.round(values.ravel(), 9)) == set(np.round(weights.points, 9))


def test_an_end_without_a_bound_is_not_a_number():
    assert invert_test(lambda effect: 1.0, 0.0, 1.0) == pytest.approx((np.nan, np.nan), nan_ok=True)
    low, high = invert_test(lambda effect: 0.01 if abs(effect - 2) > 1 else 0.5, 2.0, 0.1)
    assert (low, high) == pytest.approx((1, 3), abs=1e-6)
    assert np.isnan(invert_test(lambda effect: 0.5, 0.0, 0.0)).all()


def test_a_single_treated_unit_is_shown_without_bounds_and_as_unreliable():
    d = make(treated=[7])
    found = WildClusterBootstrap(draws=199).infer(d, LinearDiD(), LinearDiD().estimate(d), 0)
    assert not found.reliable
    assert 0 < found.p_value <= 1


def test_what_is_refused():
    d = make()
    estimate = LinearDiD().estimate(d)
    with pytest.raises(UsageError, match="ScoreBootstrap of a Poisson model"):
        WildClusterBootstrap().infer(d, PoissonDiD(), estimate, 0)
    with pytest.raises(EstimationError, match="does not collapse to one change"):
        WildClusterBootstrap().infer(d, LinearDiD(covariates=("burglary",)), estimate, 0)
    with pytest.raises(EstimationError, match="all units lie in one cluster"):
        WildClusterBootstrap(by="district").infer(with_districts(d, size=99), LinearDiD(), estimate, 0)
    with pytest.raises(UsageError, match="at least 19"):
        WildClusterBootstrap(draws=18)
    with pytest.raises(UsageError, match="at least 19"):
        WildClusterBootstrap(calibration_draws=0)
    with pytest.raises(UsageError, match="'unit' or 'district'"):
        WildClusterBootstrap(by="ward")
    with pytest.raises(EstimationError, match="one cluster"):
        wild_cluster(np.arange(4.0), np.arange(4.0), np.zeros(4))
    assert [WildClusterBootstrap(by=b).name for b in ("unit", "district")] == [
        "wild cluster bootstrap",
        "wild cluster bootstrap by district",
    ]

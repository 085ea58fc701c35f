"""What must not matter to estimators for staggered starts: order and names of units, irrelevant units, scale, time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import FIRST, poisson_counts
from staggered_builders import PARTS, staggered

from cseval.areas import Areas
from cseval.design import Design
from cseval.estimators.callaway_santanna import CallawaySantAnna
from cseval.estimators.etwfe import PoissonETWFE
from cseval.estimators.imputation import Imputation
from cseval.estimators.sun_abraham import SunAbraham
from cseval.inputs import Inputs, Roles
from cseval.months import add_months
from cseval.panel import Panel

ESTIMATORS = (PoissonETWFE(), Imputation(), CallawaySantAnna(), CallawaySantAnna(controls="not-yet"), SunAbraham())
by_name = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)


@pytest.fixture(autouse=True)
def errors_anywhere(monkeypatch):
    """Tables keep their errors by unit, however few places units lie in, so that these are compared too."""
    monkeypatch.setattr("cseval.estimators.staggered.FEWEST_PLACES", 1)


def same(a, b, factor=1.0):
    for name in ("effect", "std_error", "conf_low", "conf_high"):
        assert getattr(b, name) == pytest.approx(factor * getattr(a, name), rel=1e-9)
    columns = ["estimate", "std_error"]
    for table in ("aggregations", "att_by_cohort_and_period"):
        found, expected = b.tables[table][columns], a.tables[table][columns]
        assert found.to_numpy() == pytest.approx(factor * expected.to_numpy(), rel=1e-8, abs=1e-10)


def shuffled(d: Design, order: np.ndarray, names: dict[str, str]) -> Design:
    """The same design with its units in another order and under other names."""
    panel, areas = d.inputs.panel, d.inputs.areas
    units = tuple(names[panel.units[i]] for i in order)
    place = np.argsort(order)
    inputs = Inputs(
        panel=Panel(units=units, periods=panel.periods, counts={"burglary": panel.counts["burglary"][order]}),
        areas=Areas(units=units, pairs=place[areas.pairs], border=areas.border),
        roles=Roles(treated=frozenset(names[u] for u in d.treated)),
    )
    return replace(
        d,
        inputs=inputs,
        treated=inputs.roles.treated,
        pool=frozenset(names[u] for u in d.pool),
        delays={names[u]: n for u, n in d.delays.items()},
    )


@by_name
def test_order_and_names_of_units_do_not_matter(estimator):
    d = staggered()
    order = np.random.default_rng(1).permutation(100)
    names = {u: f"X{hash_of(i)}" for i, u in enumerate(d.units)}
    same(estimator.estimate(d), estimator.estimate(shuffled(d, order, names)))


def hash_of(number: int) -> str:
    return f"{(number * 7919) % 1009:04d}"


@by_name
def test_units_outside_the_comparison_do_not_matter(estimator):
    counts = poisson_counts(100, 30, seed=5)
    d = staggered(counts)
    few = frozenset(d.units[i] for i in range(100) if i % 3 and i not in PARTS)
    other = counts.copy()
    other[[i for i in range(100) if not i % 3 and i not in PARTS]] += 50
    same(
        estimator.estimate(replace(d, pool=few)),
        estimator.estimate(replace(staggered(other), pool=few)),
    )


@by_name
def test_the_calendar_does_not_matter(estimator):
    counts = poisson_counts(100, 30, seed=5)
    d = staggered(counts)
    later = tuple(add_months(p, 37) for p in d.inputs.panel.periods)
    panel = replace(d.inputs.panel, periods=later)
    moved = replace(d, inputs=replace(d.inputs, panel=panel), start=add_months(FIRST, 49))
    same(estimator.estimate(d), estimator.estimate(moved))


@by_name
def test_many_times_as_many_incidents(estimator):
    """A ratio stays as it is, and so does its error by unit; incidents grow with the counts."""
    counts = poisson_counts(100, 30, seed=5)
    factor = 1.0 if isinstance(estimator, PoissonETWFE) else 7.0
    same(estimator.estimate(staggered(counts)), estimator.estimate(staggered(7 * counts)), factor)


def test_a_month_that_rises_everywhere_by_one_factor_leaves_ratios_alone():
    """Month effects are removed; exactly for a rise that is the same in every unit."""
    counts = poisson_counts(100, 30, seed=5)
    other = counts.copy()
    other[:, [3, 20, 29]] *= 3
    a, b = (PoissonETWFE().estimate(staggered(c)).tables["att_by_cohort_and_period"] for c in (counts, other))
    last = a["period"] == a["period"].max()
    assert (b["observed"][last] == 3 * a["observed"][last]).all()
    assert np.median(np.abs(a["estimate"] - b["estimate"])) < 0.05


def test_adding_a_constant_to_a_unit_or_a_month_leaves_linear_effects_alone():
    counts = poisson_counts(100, 30, seed=5)
    other = counts + np.arange(100)[:, None] % 5 + np.arange(30) % 7
    for estimator in ESTIMATORS[1:]:
        same(estimator.estimate(staggered(counts)), estimator.estimate(staggered(other)))


@by_name
def test_placebo_effects_do_not_know_what_happened_in_the_treated_units_later(estimator):
    """Counts of the programme's own units are nobody's comparison."""
    counts = poisson_counts(100, 30, seed=5)
    other = counts.copy()
    other[list(PARTS), 12:] *= 9
    sets = np.array([[0, 1, 40, 41, 98, 99]])
    a, b = (staggered(c) for c in (counts, other))
    assert estimator.estimate_many(a, a.sets(sets)).effect == pytest.approx(
        estimator.estimate_many(b, b.sets(sets)).effect
    )

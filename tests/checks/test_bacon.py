"""The decomposition of a two-way estimate: shown where starts differ, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import evaluation
from staggered_builders import PARTS, staggered

from cseval.checks.bacon import BaconDecomposition
from cseval.checks.context import CheckContext
from cseval.estimators.bacon import two_way
from cseval.estimators.etwfe import PoissonETWFE
from cseval.estimators.imputation import Imputation
from cseval.inference.placebo import PlaceboNeighbourhoods


def context_of(design) -> CheckContext:
    estimator, placebo = PoissonETWFE(), PlaceboNeighbourhoods(draws=99)
    estimate = estimator.estimate(design)
    inferred = placebo.infer(design, estimator, estimate, 1)
    return CheckContext(
        evaluation=evaluation(),
        design=design,
        estimator=estimator,
        placebo=placebo,
        estimate=estimate,
        inferred=inferred,
        sets=inferred.draws.sets,
        measured=(),
        register=(),
        seed=1,
    )


def test_it_shows_what_the_two_way_estimate_compares():
    design = staggered()
    found = BaconDecomposition().run(context_of(design))
    assert found.verdict == "information"
    values = design.counts.astype(float)
    effect, _ = two_way(values, np.minimum(design.cohort, 30))
    rows = found.table.values.set_index("comparison")
    assert rows.loc["Two-way estimate", "effect"] == pytest.approx(effect)
    kinds = rows.drop("Two-way estimate")
    assert kinds["weight"].sum() == pytest.approx(1)
    assert (kinds["weight"] * kinds["effect"]).sum() == pytest.approx(effect)
    assert found.statistic == rows.loc["Later against earlier", "weight"]
    assert "it is therefore not used" in found.sentence
    assert f"{Imputation().estimate(design).effect:+.2f}".replace("-", "−") in found.sentence


def test_it_is_not_applicable_with_one_start():
    design = staggered()
    one = replace(design, delays={})
    found = BaconDecomposition().run(replace(context_of(design), design=one))
    assert found.verdict == "not applicable"
    assert found.sentence == "Not applicable: all treated units begin in the same month."


def test_it_is_not_applicable_where_a_unit_begins_after_the_window():
    design = staggered()
    short = replace(design, months_after=max(PARTS.values()))
    assert BaconDecomposition().run(replace(context_of(design), design=short)).verdict == "not applicable"

"""Checks of a programme whose units begin in different months."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import evaluation, poisson_counts
from staggered_builders import PARTS, staggered

from cseval.assemble import displacement_frame
from cseval.checks.buffer import ring_effects
from cseval.checks.context import CheckContext
from cseval.checks.honest_trends import HonestTrends
from cseval.checks.leave_one_donor_out import LeaveOneDonorOut
from cseval.estimators.etwfe import PoissonETWFE
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.result import AnalysisResult
from cseval.spec import Analysis, Programme, Window


@pytest.fixture(scope="module")
def rolled_out() -> CheckContext:
    counts = poisson_counts(144, 30, level=8, seed=3)
    counts[list(PARTS), 12:] *= 2  # before their own starts too, where that must not count
    design = staggered(counts, shape=(12, 12), buffer_rings=1)
    estimator, placebo = PoissonETWFE(), PlaceboNeighbourhoods(draws=299)
    estimate = estimator.estimate(design)
    inferred = placebo.infer(design, estimator, estimate, 1)
    return CheckContext(
        evaluation=evaluation(
            programme=Programme(name="Programme", start=design.start, roles="roles.csv"),
            window=Window(first=design.all_months[0], last=design.all_months[-1]),
        ),
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


@pytest.mark.parametrize("check", [HonestTrends(), LeaveOneDonorOut()], ids=lambda c: type(c).__name__)
def test_checks_made_for_one_start_say_that_they_do_not_apply(check, rolled_out):
    found = check.run(rolled_out)
    assert found.verdict == "not applicable"
    assert "units begin in different months" in found.sentence


def test_the_treated_area_next_to_its_rings_counts_what_the_estimate_counts(rolled_out):
    rows = {r["area"]: r for r in ring_effects(rolled_out)}
    estimate, design = rolled_out.estimate, rolled_out.design
    assert rows["treated"]["observed"] == estimate.observed < design.post_counts[design.is_treated].sum()
    assert rows["treated"]["units"] == 6
    first = np.isin(design.units, sorted(design.buffer[0]))
    assert rows["ring 1"]["observed"] == design.post_counts[first].sum()
    together = rows["treated and ring 1"]
    assert together["observed"] == rows["treated"]["observed"] + rows["ring 1"]["observed"]
    assert together["units"] == rows["treated"]["units"] + rows["ring 1"]["units"]


def test_incidents_averted_beside_the_rings_are_of_the_same_months_as_the_headlines(rolled_out):
    """The row leaves both rings out of the comparison, the estimate one, so their effects differ a little."""
    result = AnalysisResult(
        analysis=Analysis(
            slug="primary",
            outcome="burglary",
            estimator=rolled_out.estimator,
            inference=(rolled_out.placebo,),
            role="primary",
            label="Burglary",
        ),
        design=rolled_out.design,
        estimate=rolled_out.estimate,
        inferred=(rolled_out.inferred,),
        verdict="",
        sentence="",
    )
    row = displacement_frame(result, ring_effects(rolled_out)).set_index("area").loc["treated"]
    averted = row["observed"] * np.expm1(-row["estimate"])
    assert row["averted"] == pytest.approx(averted)
    own = replace(rolled_out.estimate, effect=row["estimate"])
    assert averted == pytest.approx(own.averted()[0])
    assert averted == pytest.approx(rolled_out.estimate.averted()[0], rel=0.1)


def test_a_ring_as_large_as_the_treated_area_begins_with_the_programme():
    """Sets of that size would otherwise take the treated units' starts by position."""
    from cseval.checks.buffer import _from_the_first, _observed

    design = staggered()
    ring = np.array([0, 1, 2, 3, 4, 5])
    assert _observed(design, _from_the_first(design, ring)) == design.post_counts[ring].sum()
    assert _observed(design, ring) < design.post_counts[ring].sum()
    one = staggered(delays=dict.fromkeys(PARTS, 0))
    assert _from_the_first(one, ring) is ring

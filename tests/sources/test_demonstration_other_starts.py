"""Simulated boroughs of a programme with a start and effects of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cseval.loading import load
from cseval.sources.demonstration_boroughs import OUTCOMES, UNTOUCHED, simulate_boroughs

ANALYSES = Path(__file__).resolve().parents[2] / "analyses"


def test_the_effect_begins_at_the_given_start_and_not_before() -> None:
    strong = {**UNTOUCHED, "violence_with_injury": replace(OUTCOMES["violence_with_injury"], true_ratio=3.0)}
    plain, changed = (simulate_boroughs(5, o, "2018-06").panel for o in (UNTOUCHED, strong))
    start = plain.periods.index("2018-06")
    own = plain.units.index(next(u for u in plain.units if plain.names[u] == "Millharbour"))
    before, after = plain.counts["violence_with_injury"][own], changed.counts["violence_with_injury"][own]
    assert np.array_equal(before[:start], after[:start])
    assert after[start:].sum() / before[start:].sum() == pytest.approx(3.0, rel=0.1)


def test_victims_follow_a_programme_without_effect() -> None:
    truth = simulate_boroughs(5, UNTOUCHED).truth
    assert set(truth.values()) == {0.0}


def test_continuum_brings_drug_offences_to_light_on_average() -> None:
    """Over seeds the ratio of ratios is the true one within its Monte Carlo error."""
    evaluation = load(ANALYSES / "operation_continuum.py")
    found = []
    for seed in range(40):
        inputs = evaluation.demonstration(seed)
        panel = inputs.panel
        (unit,) = inputs.roles.treated
        own, start = panel.units.index(unit), panel.periods.index("2017-12")
        counts = panel.counts["drug_offences"]
        parts = panel.counts["possession_of_drugs"] + panel.counts["trafficking_of_drugs"]
        assert np.array_equal(counts, parts)
        rest = counts.sum(axis=0) - counts[own]
        sums = [s[start - 24 : start].sum() / s[start : start + 24].sum() for s in (counts[own], rest)]
        found.append(math.log(sums[1] / sums[0]))
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - math.log(1.2)) < 3 * error
    assert inputs.truth["drug_offences"] == pytest.approx(math.log(1.2))

"""The demonstration of a roll-out: its data, its protocol, and that no real data can be read for it."""

from __future__ import annotations

import math
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from builders import evaluation

from cseval.analyse import design_of
from cseval.choose import choose_inputs, choose_kind
from cseval.errors import DesignError, SpecError, UsageError
from cseval.estimators.etwfe import PoissonETWFE
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.project import Project
from cseval.sources.demonstration import OUTCOMES, simulate
from cseval.sources.demonstration_rollout import EFFECTS, GROWTH, STARTS, neighbourhoods, simulate_rollout
from cseval.spec import describe, protocol_hash

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def roll_out():
    found = spec_from_file_location("pilot_roll_out", ROOT / "analyses" / "pilot_roll_out.py")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module.EVALUATION


@pytest.fixture(scope="module")
def inputs():
    return simulate_rollout()


# Data -------------------------------------------------------------------------------------------


def test_three_neighbourhoods_begin_in_three_months(inputs):
    assert sorted(set(inputs.roles.starts.values())) == list(STARTS)
    parts = inputs.areas.components(inputs.roles.treated)
    assert [len(p) for p in parts] == [3, 3, 3]
    assert {frozenset(inputs.roles.starts[u] for u in p) for p in parts} == {frozenset({s}) for s in STARTS}
    assert {inputs.areas.districts[u] for u in inputs.roles.treated} == {"Millharbour"}
    assert inputs.data == "demonstration"


def test_only_treated_months_differ_from_the_counts_without_a_programme(inputs):
    from dataclasses import replace

    without = simulate(outcomes={k: replace(OUTCOMES[k], true_ratio=1.0) for k in EFFECTS}).panel
    units, periods = inputs.panel.units, np.array(inputs.panel.periods)
    treated = np.array([periods >= inputs.roles.starts.get(u, "9999-99") for u in units])
    for name in EFFECTS:
        before, after = without.counts[name], inputs.panel.counts[name]
        assert (before[~treated] == after[~treated]).all()
        assert (after <= before).all()


def test_the_truth_is_what_the_ratios_do_to_what_would_have_happened(inputs):
    from dataclasses import replace

    name = "anti_social_behaviour"
    without = simulate(outcomes={k: replace(OUTCOMES[k], true_ratio=1.0) for k in EFFECTS}).panel.counts[name]
    periods = list(inputs.panel.periods)
    expected = total = 0.0
    for unit, start in inputs.roles.starts.items():
        number = STARTS.index(start)
        row = without[inputs.panel.units.index(unit), periods.index(start) :]
        ratio = EFFECTS[name].ratios[number] ** np.minimum(np.arange(1, len(row) + 1) / GROWTH, 1)
        expected, total = expected + (row * ratio).sum(), total + row.sum()
    assert inputs.truth[name] == pytest.approx(math.log(expected / total))
    assert inputs.truth["violence_against_the_person"] == 0


def test_the_same_seed_gives_the_same_counts(inputs):
    again = simulate_rollout()
    assert all((again.panel.counts[k] == v).all() for k, v in inputs.panel.counts.items())
    assert again.roles == inputs.roles


def test_the_chosen_neighbourhoods_have_the_most_of_all_that_do_not_touch(inputs):
    counts = inputs.panel.counts["theft" if "theft" in inputs.panel.counts else "public_order_offences"][:, :12].sum(
        axis=1
    )
    from itertools import combinations

    from cseval.areas import connected_sets

    home = np.array([inputs.areas.districts[u] == "Millharbour" for u in inputs.areas.units])
    sets = connected_sets(inputs.areas, home, 3, 10_000)
    near = [set(row) | {n for u in row for n in inputs.areas.neighbours[u]} for row in sets.tolist()]
    apart = {(i, j) for i, j in combinations(range(len(sets)), 2) if not near[i] & set(sets[j].tolist())}
    total = counts[sets].sum(axis=1)
    best = max(
        total[[i, j, k]].sum() for i, j in apart for k in range(j + 1, len(sets)) if (i, k) in apart and (j, k) in apart
    )
    found = neighbourhoods(inputs.areas, counts)
    assert sum(counts[part].sum() for part in found) == best


def test_a_borough_without_room_is_refused(inputs):
    with pytest.raises(DesignError, match="no 9 sets of 3 wards that do not touch"):
        neighbourhoods(inputs.areas, inputs.panel.counts["anti_social_behaviour"].sum(axis=1), 9)


# The evaluation ---------------------------------------------------------------------------------


def test_every_analysis_has_a_design_with_three_starts(roll_out, inputs):
    for analysis in roll_out.analyses:
        d = design_of(roll_out, analysis, inputs)
        assert d.staggered
        assert len(set(d.starts.values())) == 3
        analysis.estimator.estimate(d)


def test_the_primary_interval_holds_the_truth(roll_out, inputs):
    d = design_of(roll_out, roll_out.primary, inputs)
    estimate = PoissonETWFE().estimate(d)
    found = PlaceboNeighbourhoods(draws=999).infer(d, PoissonETWFE(), estimate, 1)
    assert found.conf_low <= inputs.truth["anti_social_behaviour"] <= found.conf_high < 0


def test_it_runs_on_demonstration_data_and_says_why(roll_out):
    project = Project.find()
    for data in ("auto", "demonstration"):
        assert choose_kind(roll_out, project, data) == "demonstration"
    chosen, why = choose_inputs(roll_out, project, "auto", 3)
    assert chosen.data == "demonstration"
    assert "has not been rolled out" in why


def test_a_folder_of_real_data_is_refused(roll_out, tmp_path):
    for choose in (choose_kind, lambda e, p, d: choose_inputs(e, p, d, 3)):
        with pytest.raises(UsageError, match=r"reads no real data: the pilot has not been rolled out.*auto or demonst"):
            choose(roll_out, Project.find(), str(tmp_path))


# What an evaluation must declare ----------------------------------------------------------------


def test_an_evaluation_reads_real_data_or_says_why_there_are_none():
    with pytest.raises(SpecError, match="no function that reads the real data"):
        evaluation(real=None)
    with pytest.raises(SpecError, match="real data and demonstration only"):
        evaluation(demonstration_only="none yet")
    assert evaluation(real=None, demonstration_only="none yet").real is None


def test_the_reason_is_part_of_the_protocol_only_where_there_is_one():
    plain, only = evaluation(), evaluation(real=None, demonstration_only="none yet")
    assert "demonstration_only" not in describe(plain)
    assert describe(only)["demonstration_only"] == "none yet"
    assert protocol_hash(plain) != protocol_hash(only)

"""What no data can answer: one clear message, exit code 2, and nothing written."""

from __future__ import annotations

import pytest
from small_project import MODULE, contents, make_project

#: Demonstration inputs changed so that the comparison asked for is impossible.
CHANGED = """

def demonstration(seed):
    from dataclasses import replace

    from cseval.inputs import Roles
    from cseval.sources.demonstration import OUTCOMES, simulate

    inputs = simulate(seed, {name: OUTCOMES[name] for name in ("anti_social_behaviour", "robbery")})
    panel, treated = inputs.panel, inputs.roles.treated
    %s


EVALUATION"""

FEW_DONORS = """keep = set(treated) | {u for ring in inputs.areas.ring(treated, 2) for u in ring}
    out = frozenset(u for u in panel.units if u not in keep)
    out |= inputs.areas.ring(treated, 2)[1] | inputs.roles.excluded
    return replace(inputs, roles=replace(inputs.roles, excluded=out))"""
SCATTERED = """row = {u: i for i, u in enumerate(panel.units)}
    taken = set()
    for u in panel.units:
        if u not in treated and not taken & set(inputs.areas.ring([u])[0]):
            taken.add(u)
    apart = frozenset(u for u in panel.units if u not in taken and u not in treated)
    return replace(inputs, roles=replace(inputs.roles, excluded=inputs.roles.excluded | apart))"""
SILENT = """counts = {k: v.copy() for k, v in panel.counts.items()}
    rows = [i for i, u in enumerate(panel.units) if u in treated]
    counts["anti_social_behaviour"][rows] = 0
    return replace(inputs, panel=replace(panel, counts=counts))"""

CASES = {
    "more treated units than comparison units": (FEW_DONORS, "comparison unit"),
    "a treated set larger than any connected part of the comparison": (SCATTERED, "no 5 adjoining comparison units"),
    "no incident before the start": (SILENT, "there was no incident in the treated units in the pre period"),
}


def refused(cseval, fresh, *options):
    before = contents(fresh)
    said = cseval("run", "small-evaluation", *options)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert contents(fresh) == before
    return said.err.strip().splitlines()[-1]


@pytest.mark.parametrize("case", CASES)
def test_what_the_map_or_the_counts_do_not_allow_is_refused(case, fresh, cseval):
    change, words = CASES[case]
    make_project(fresh, MODULE.replace("\n\nEVALUATION", CHANGED % change, 1))
    assert words in refused(cseval, fresh, "--draws", "199")


def test_a_single_month_before_the_start_is_refused(fresh, cseval):
    make_project(fresh, MODULE.replace('Window(first="2017-05"', 'Window(first="2018-04"'))
    assert "1 months before" in refused(cseval, fresh) or "expected at least 2 before" in refused(cseval, fresh)


def test_no_draws_are_refused(fresh, cseval):
    assert "0 is not in the range" in refused(cseval, fresh, "--draws", "0")


@pytest.mark.parametrize("command", ["run", "calibrate", "power"])
def test_a_scheduler_that_is_not_there_is_refused(command, fresh, cseval):
    pytest.importorskip("distributed", reason="Dask is not installed")
    said = cseval(command, "small-evaluation", "--scheduler", "tcp://127.0.0.1:9")
    assert said.code == 2
    assert "'tcp://127.0.0.1:9' cannot be reached" in said.err

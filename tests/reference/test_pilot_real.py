"""The pilot evaluation on real Metropolitan Police ward counts, against figures computed without cseval.

The second half of this file recomputes robbery from the published Parquet file with pandas alone: the ratio, its
cluster-robust variance and a plain placebo test on a published list of adjoining wards. It shares no code with the
package, so an error would have to be made twice.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cseval.analyse import Settings, design_of, plan_of
from cseval.inference import likeness
from cseval.inference.calibration import calibrate
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.loading import load
from cseval.runner import run_evaluation
from cseval.sources.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
COUNTS = DATA / "mps_recorded_crime" / "mps_ward_level_crime_historical_201004-202402.parquet"
ADJACENCY = DATA / "geography" / "adjacency_ward2024_london.csv.gz"
FILES = (
    COUNTS,
    DATA / "geography" / "london_wards_2024_from_lsoa21.geojson.gz",
    DATA / "population" / "ward2024_population_2011-2022_london.csv.gz",
)
pytestmark = pytest.mark.skipif(
    not all(p.exists() for p in (*FILES, ADJACENCY)), reason="no folder of open data beside the checkout"
)

#: Ratio of ratios, computed independently; to 0.002.
IRR = {
    "arson_and_criminal_damage": 0.938,
    "robbery": 0.754,
    "drug_offences": 1.391,
    "violence_against_the_person": 0.972,
}
#: Share of true nulls rejected among neighbourhoods as busy as the pilot, matched and not: docs/methods.md gives them.
RATES = [("disorder", 0.0717, 0.0919), ("public_order_offences", 0.0922, 0.1508)]
ANALYSES = {"primary", *(name.replace("_", "-") for name in IRR)}
PILOT = ("E05009335", "E05009331", "E05009333", "E05009317", "E05009336")


@pytest.fixture(scope="module")
def evaluation():
    founding = load(ROOT / "analyses" / "pilot_evaluation.py")
    return replace(founding, analyses=tuple(a for a in founding.analyses if a.slug in ANALYSES), checks=())


@pytest.fixture(scope="module")
def inputs(evaluation, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    for path in FILES:
        (folder / path.name).symlink_to(path)
    return evaluation.real(Catalogue.folder(folder))


@pytest.fixture(scope="module")
def result(evaluation, inputs):
    return run_evaluation(evaluation, inputs, settings=Settings(draws=9999, seed=3))


@pytest.fixture(scope="module")
def effects(result):
    return result.effects.set_index("outcome")


@pytest.fixture(scope="module")
def calibration(result):
    rows = result.calibration
    return rows[(rows["level"] == 0.05) & (rows["population"] == "all")].set_index(["outcome", "method"])


def test_the_data_are_real_and_whole(inputs):
    assert inputs.data == "real"
    assert {p.kind for p in inputs.sources} == {"mps-ward", "ward-boundaries", "ward-population"}
    assert (len(inputs.panel.units), inputs.panel.periods[0], inputs.panel.periods[-1]) == (679, "2010-04", "2024-02")
    assert set(PILOT) == inputs.roles.treated


@pytest.mark.parametrize("outcome", IRR)
def test_the_ratio_is_the_independent_one(outcome, effects):
    assert math.exp(effects.loc[outcome, "estimate"]) == pytest.approx(IRR[outcome], abs=0.002)


def test_disorder_is_the_primary_outcome_where_there_is_no_anti_social_behaviour(result):
    assert result.primary.estimate.outcome == "disorder"


def test_the_buffer_is_the_twelve_wards_that_touch_the_pilot(result):
    design = result.primary.design
    (ring,) = design.buffer
    assert len(ring) == 12
    assert sorted(ring - set(design.units)) == ["E05009308", "E05009312"], "the City's wards have no counts here"
    assert int(design.comparison.sum()) == 679 - 5 - 10
    assert "12 buffer units left out" in design.describe()
    assert len(design.periods) == 42
    assert int(design.is_treated.sum()) == 5


@pytest.mark.parametrize("outcome", ["robbery", "drug_offences"])
def test_usual_errors_find_what_placebo_neighbourhoods_do_not(outcome, effects):
    row = effects.loc[outcome]
    assert row["p_value"] >= 0.05
    assert row["conf_low"] < 0 < row["conf_high"]
    assert row["cluster_p_value"] < 0.001
    assert row["verdict"] == "no clear evidence of a change"


@pytest.mark.parametrize("outcome", ["disorder", *IRR])
def test_the_placebo_method_keeps_its_error_rate(outcome, calibration):
    row = calibration.loc[(outcome, "placebo neighbourhoods")]
    assert row["placebos"] == 5000
    assert row["districts"] == 32
    assert row["mc_error"] < 0.01
    assert abs(row["false_positive_rate"] - 0.05) <= 2 * row["mc_error"]


@pytest.mark.parametrize(("outcome", "matched", "unmatched"), RATES)
def test_matching_takes_part_of_the_error_away_among_neighbourhoods_as_busy_as_the_pilot(
    outcome, matched, unmatched, evaluation, inputs, monkeypatch
):
    founding = load(ROOT / "analyses" / "pilot_evaluation.py")
    chosen = next(a for a in founding.resolve(inputs.panel.outcomes)[0] if a.outcome == outcome)
    design = design_of(evaluation, chosen, inputs)
    plan = plan_of(evaluation, design, Settings())
    rates = []
    for fewest in (likeness.FEWEST_SIMILAR, 10**9):  # none are as many as that, so all are compared
        monkeypatch.setattr(likeness, "FEWEST_SIMILAR", fewest)
        found = calibrate(design, chosen.estimator, PlaceboNeighbourhoods(), [], plan, seed=3)
        rates.append(next(m for m in found if m.population == "matched").rate(0.05))
    assert rates == pytest.approx([matched, unmatched], abs=0.0005)


@pytest.mark.parametrize("outcome", ["disorder", "robbery"])
def test_the_calibration_table_shows_why(outcome, calibration):
    assert calibration.loc[(outcome, "cluster-robust"), "false_positive_rate"] > 0.15


# The same with pandas alone --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def robbery():
    """Robberies by ward before and after, straight from the published file: columns 0 and 1."""
    every = pd.read_parquet(COUNTS)
    rows = every[every["majortext"].str.lower() == "robbery"].groupby("wardcode").sum(numeric_only=True)
    rows = rows.reindex(sorted(every["wardcode"].unique()), fill_value=0)
    before = [c for c in rows.columns if "201605" <= c <= "201804"]
    after = [c for c in rows.columns if "201805" <= c <= "201910"]
    assert (len(before), len(after)) == (24, 18)
    return pd.DataFrame({0: rows[before].sum(axis=1), 1: rows[after].sum(axis=1)}).astype(float)


@pytest.fixture(scope="module")
def neighbours():
    pairs = pd.read_csv(ADJACENCY)
    both = pd.concat([pairs, pairs.rename(columns={"area_a": "area_b", "area_b": "area_a"})])
    return both.groupby("area_a")["area_b"].agg(set).to_dict()


def log_ratio(counts, treated, comparison):
    treated, comparison = counts.loc[list(treated)].sum(), counts.loc[list(comparison)].sum()
    return float(np.log(treated[1] / treated[0]) - np.log(comparison[1] / comparison[0]))


def comparison_of(counts, treated, neighbours, out=frozenset()):
    ring = set().union(*(neighbours[u] for u in treated))
    return [u for u in counts.index if u not in ring | set(treated) | set(out)]


def cr0(counts, treated, comparison):
    """``sum (y_i1 / T1 - y_i0 / T0)^2`` over the treated units, plus the same over the comparison."""
    parts = (counts.loc[list(group)] for group in (treated, comparison))
    return sum(float(((p[1] / p[1].sum() - p[0] / p[0].sum()) ** 2).sum()) for p in parts)


def grow(start, allowed, neighbours, rng):
    """Five adjoining wards: a ward, then one at random that touches those before it."""
    chosen = [start]
    while len(chosen) < len(PILOT):
        edge = sorted(set().union(*(neighbours[u] for u in chosen)) & allowed - set(chosen))
        if not edge:
            return None
        chosen.append(edge[rng.integers(len(edge))])
    return chosen


def test_ratio_and_variance_agree_with_pandas_alone(robbery, neighbours, effects):
    comparison = comparison_of(robbery, PILOT, neighbours)
    row = effects.loc["robbery"]
    assert row["comparison_units"] == len(comparison)
    assert log_ratio(robbery, PILOT, comparison) == pytest.approx(row["estimate"], abs=1e-10)
    clusters = row["comparison_units"] + 5
    cr1 = cr0(robbery, PILOT, comparison) * clusters / (clusters - 1)
    assert math.sqrt(cr1) == pytest.approx(row["cluster_std_error"], rel=1e-10)


def test_a_plain_placebo_test_with_pandas_alone_says_the_same(robbery, neighbours, effects):
    own = log_ratio(robbery, PILOT, comparison_of(robbery, PILOT, neighbours))
    ring = set().union(*(neighbours[u] for u in PILOT)) | set(PILOT)
    allowed = {u for u in robbery.index if u in neighbours} - ring
    rng = np.random.default_rng(1)
    starts = sorted(allowed)
    grown = (grow(starts[rng.integers(len(starts))], allowed, neighbours, rng) for _ in range(400))
    sets = {tuple(sorted(s)) for s in grown if s is not None}
    placebo = np.array([log_ratio(robbery, s, comparison_of(robbery, s, neighbours, out=ring)) for s in sets])
    placebo = placebo[np.isfinite(placebo)]
    assert len(placebo) > 300
    p = (1 + (np.abs(placebo) >= abs(own)).sum()) / (1 + len(placebo))
    assert p > 0.05
    assert p == pytest.approx(effects.loc["robbery", "p_value"], abs=0.15)
    usual = 2 * (1 - 0.5 * (1 + math.erf(abs(own) / math.sqrt(2 * cr0(robbery, PILOT, list(allowed))))))
    assert usual < 0.001

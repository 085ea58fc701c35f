"""Programmes of the whole borough on published borough counts, against ratios computed without cseval.

With counts alone and a dummy for each month, the Poisson effect of one treated borough is the ratio of ratios of
totals; its p-value is the rank of the change among the boroughs. The ratio is worked out here from the CSV with pandas.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from cseval.analyse import Settings
from cseval.loading import load
from cseval.part import Ground
from cseval.parts.money import TaskforceMoney
from cseval.register import read_register
from cseval.registry.details import gather_registry
from cseval.runner import run_evaluation
from cseval.sources.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
COUNTS = DATA / "mps_recorded_crime" / "MPS_Borough_Level_Crime_Historical_201004-202201.csv.gz"
FILES = (COUNTS, DATA / "geography" / "london_boroughs.geojson.gz")
pytestmark = pytest.mark.skipif(not all(p.exists() for p in FILES), reason="no folder of open data beside the checkout")

NO_BOROUGH = "London Heathrow and London City Airports"
CASES = {
    "operation_continuum": ("MajorText", "Drug Offences", "201012", "201711", "201712", "201911"),
    "asb_blueprint": ("MinorText", "Public Fear Alarm or Distress", "201412", "201702", "201803", "202002"),
    "rapid_response_team": ("MinorText", "Violence with Injury", "201501", "201812", "201901", "201912"),
}


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    for path in FILES:
        (folder / path.name).symlink_to(path)
    evaluation = load(ROOT / "analyses" / f"{request.param}.py")
    inputs = evaluation.real(Catalogue.folder(folder))
    return run_evaluation(evaluation, inputs, settings=Settings(draws=499, seed=3)), CASES[request.param]


def totals(column: str, name: str, first: str, last: str) -> pd.Series:
    raw = pd.read_csv(COUNTS)
    rows = raw[(raw[column] == name) & (raw["LookUp_BoroughName"] != NO_BOROUGH)]
    wide = rows.set_index("LookUp_BoroughName").drop(columns=["MajorText", "MinorText"]).groupby(level=0).sum()
    return wide[[c for c in wide.columns if first <= c <= last]].sum(axis=1)


def test_the_effect_is_the_ratio_of_ratios(case) -> None:
    result, (column, name, first, before, start, last) = case
    pre, post = totals(column, name, first, before), totals(column, name, start, last)
    own = "Tower Hamlets"
    rest = (post.sum() - post[own]) / (pre.sum() - pre[own])
    row = result.effects.set_index("analysis").loc["primary"]
    assert row["estimate"] == pytest.approx(math.log(post[own] / pre[own] / rest), rel=1e-9)
    assert row["observed"] == post[own]
    assert row["counterfactual"] == pytest.approx(pre[own] * rest, rel=1e-9)


def test_nothing_is_told_from_zero(case) -> None:
    """What the outputs say today; one borough among 32, so the test cannot go below 1 in 32."""
    result, _ = case
    row = result.effects.set_index("analysis").loc["primary"]
    assert row["verdict"] == "no clear evidence of a change"
    assert row["conf_low"] < 0 < row["conf_high"]
    assert row["p_value"] >= 1 / 32


def test_drug_offences_are_given_no_direction() -> None:
    evaluation = load(ROOT / "analyses" / "operation_continuum.py")
    assert "Neither a rise nor a fall" in evaluation.limits[0]
    assert "police activity" in evaluation.primary.label


@pytest.fixture(scope="module")
def taskforce():
    """The tables of the Taskforce's money by slug, and their sources."""
    reference = ROOT / "data" / "reference"
    registry = gather_registry(reference, read_register(reference / "programmes.csv"), {})
    ground = Ground(
        reference=reference, catalogue=Catalogue(root=ROOT), registry=registry, data="real", seed=1, draws=99
    )
    found = TaskforceMoney().run(ground)
    return {t.slug: t for t in found.files}, found.sources


def test_what_an_arrest_of_the_taskforce_cost(taskforce) -> None:
    """£3m over three years against 356 arrests of one year and 1,218 of three; the days in post worked out by hand."""
    year, three = (taskforce[0][name].values for name in ("taskforce-costs", "taskforce-costs-three-years"))
    arrests = year[(year["output"] == "Arrests") & (year["cost"] == 1_000_000)]
    assert arrests["each"].tolist() == [round(1e6 / 356)]
    months = (157 * 6 + 208 * 11) / 365 * 12  # to 4 September 2018, and from then to 31 March 2019
    assert arrests["per_officer_month"].tolist() == [pytest.approx(356 / months, abs=0.005)]
    assert three.set_index("output").loc["Arrests", "each"] == round(3e6 / 1218)


def test_break_even_of_the_price_proposed(taskforce) -> None:
    """£771,000 over the unit cost in its prices, over offences for each recorded one; a source for every figure."""
    table = taskforce[0]["break-even"]
    rows = table.values.set_index("offence")
    violence = rows.loc["Violence with injury"]
    assert violence["actual"] == pytest.approx(771_000 / violence["unit_cost"], abs=0.06)
    assert violence["recorded"] == pytest.approx(771_000 / violence["unit_cost"] / 1.64, abs=0.06)
    assert violence["recorded"] == pytest.approx(28.4, abs=0.05)
    assert any("No benefit is claimed" in note for note in table.notes)
    assert all(t.source for t in taskforce[0].values())
    assert {p.path for p in taskforce[1]} == {
        f"data/reference/{name}.csv" for name in ("budgets", "unit_costs", "deflators", "activities", "staffing")
    }

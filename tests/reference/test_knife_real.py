"""The Knife Crime Action Plan on published borough counts, against figures computed without cseval.

The counts are read again from the published CSV with pandas alone, and the ratio, its rank among the other boroughs, a
synthetic control by a general solver and the changes behind the public claim are worked out from them.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from cseval.analyse import Settings
from cseval.loading import load
from cseval.runner import run_evaluation
from cseval.sources.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
COUNTS = DATA / "mps_recorded_crime" / "MPS_Borough_Level_Crime_Historical_201004-202201.csv.gz"
FILES = (COUNTS, DATA / "geography" / "london_boroughs.geojson.gz")
pytestmark = pytest.mark.skipif(not all(p.exists() for p in FILES), reason="no folder of open data beside the checkout")

NO_BOROUGH = "London Heathrow and London City Airports"
OWN = "Tower Hamlets"
#: Analyses of the issue that stand in one table and one figure.
ONE_TABLE = {
    "primary",
    "synthetic-control",
    "augmented-synthetic-control",
    "synthetic-did",
    "interrupted-time-series",
    "interrupted-time-series-no-step",
    "controlled-time-series",
    "arima",
    "structural-time-series",
    "taskforce-dose",
}
QUARTERS = {f"start-{y}-{m}" for y in (2017, 2018) for m in ("01", "04", "07", "10")}


@pytest.fixture(scope="module")
def evaluation():
    return load(ROOT / "analyses" / "knife_crime_action_plan.py")


@pytest.fixture(scope="module")
def result(evaluation, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    for path in FILES:
        (folder / path.name).symlink_to(path)
    inputs = evaluation.real(Catalogue.folder(folder))
    return run_evaluation(evaluation, inputs, settings=Settings(draws=9999, seed=3))


@pytest.fixture(scope="module")
def effects(result):
    return result.effects.set_index("analysis")


@pytest.fixture(scope="module")
def published():
    """Violence with injury by borough and month, straight from the file."""
    raw = pd.read_csv(COUNTS)
    rows = raw[(raw["MinorText"] == "Violence with Injury") & (raw["LookUp_BoroughName"] != NO_BOROUGH)]
    wide = rows.set_index("LookUp_BoroughName").drop(columns=["MajorText", "MinorText"])
    return wide.groupby(level=0).sum()


def between(wide, first, last):
    return wide[[c for c in wide.columns if first <= c <= last]]


def log_ratio(wide, name):
    """Log ratio of ratios of one borough against all others, April 2010 to May 2017 and June 2017 to February 2020."""
    before, after = between(wide, "201004", "201705").sum(axis=1), between(wide, "201706", "202002").sum(axis=1)
    rest = [b for b in wide.index if b not in (name, OWN)]
    return math.log(after[name] / before[name]) - math.log(after[rest].sum() / before[rest].sum())


def test_every_design_stands_in_one_table_and_none_is_left_out(effects, result):
    assert set(effects.index) >= ONE_TABLE | QUARTERS
    assert np.isfinite(effects.loc[sorted(ONE_TABLE), "percent_change"].astype(float)).all()
    same = "violence-with-injury: its outcome is that of the primary analysis here"  # which stands in for it
    assert [text for text in result.left_out if "knife_crime" not in text and text != same] == []


def test_violence_with_injury_stands_in_and_the_report_says_so(result):
    assert result.primary.estimate.outcome == "violence_with_injury"
    assert any("knife injury victims" in w and "stands in" in w for w in result.weaknesses)


def test_the_window_ends_before_the_pandemic(result):
    design = result.primary.design
    assert (design.periods[0], design.periods[-1], len(design.periods)) == ("2010-04", "2020-02", 119)


def test_the_ratio_is_the_independent_one(effects, published):
    assert float(effects.loc["primary", "estimate"]) == pytest.approx(log_ratio(published, OWN), abs=1e-9)


def test_one_borough_is_ranked_among_the_31_others(result, published):
    placebo = result.placebo
    assert len(placebo) == 31
    by_code = result.inputs.panel.names
    own = {by_code[u]: e for u, e in zip(placebo["units"], placebo["estimate"], strict=True)}
    for name in ("Hackney", "Newham", "Richmond upon Thames"):
        assert own[name] == pytest.approx(log_ratio(published, name), abs=1e-9)
    assert result.primary.inferred[0].p_value >= 1 / 32


def test_the_synthetic_control_fits_no_worse_than_a_general_solver(result, published):
    estimate = next(r for r in result.analyses if r.analysis.slug == "synthetic-control").estimate
    weights = estimate.tables["donor_weights"].set_index("name")["weight"]
    assert weights.sum() == pytest.approx(1, abs=1e-8)
    assert (weights >= -1e-12).all()
    before = between(published, "201004", "201705")
    index = before.div(before.mean(axis=1), axis=0)
    target, donors = index.loc[OWN].to_numpy(), index.drop(OWN)

    def loss(w):
        return float(((target - w @ donors.to_numpy()) ** 2).sum())

    found = minimize(
        loss,
        np.full(len(donors), 1 / len(donors)),
        jac=lambda w: -2 * donors.to_numpy() @ (target - w @ donors.to_numpy()),
        method="SLSQP",
        bounds=[(0, 1)] * len(donors),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert loss(weights.reindex(donors.index).fillna(0).to_numpy()) <= found.fun * (1 + 1e-6)


SERIES = ("interrupted-time-series", "interrupted-time-series-no-step", "controlled-time-series")


@pytest.mark.parametrize("slug", SERIES)
def test_time_series_are_ranked_since_their_own_errors_are_measured_to_fail(effects, result, slug):
    rows = result.inference[result.inference["analysis"] == slug].set_index("method")
    own = next(m for m in rows.index if "lag" in m)
    assert float(rows.loc[own, "false_positive_rate"]) > 0.3, (
        "a straight line through seven years is not to be believed"
    )
    assert not rows.loc[own, "chosen"]
    row = effects.loc[slug]
    assert row["inference"] == "placebo series"
    assert float(row["smallest_p"]) == 1 / 32
    assert float(row["p_value"]) > 0.05
    assert row["verdict"] == "no clear evidence of a change"
    assert math.isnan(float(row["false_positive_rate"])), "a rank among all is right by construction, not measured"


def test_the_rank_of_a_time_series_is_that_of_separate_fits(result):
    """Poisson regressions of each borough by statsmodels alone, ranked by hand."""
    import statsmodels.api as sm

    design = next(r for r in result.analyses if r.analysis.slug == SERIES[0]).design
    months = np.array([int(p[5:]) for p in design.periods])
    time = np.arange(len(months)) - design.periods.index("2017-06")
    columns = [np.ones(len(time)), time, time >= 0, time >= design.periods.index("2014-04") - 86]
    columns += [f(2 * np.pi * k * months / 12) for k in (1, 2) for f in (np.sin, np.cos)]
    x = np.column_stack(columns).astype(float)
    rows = zip(design.units, design.counts, strict=True)
    fits = {u: sm.GLM(y, x, family=sm.families.Poisson()).fit().params[2] for u, y in rows}
    own = abs(fits["E09000030"])
    rank = sum(abs(e) >= own for e in fits.values()) / len(fits)
    assert len(fits) == 32
    assert float(result.effects.set_index("analysis").loc[SERIES[0], "p_value"]) == pytest.approx(rank)


def test_arima_and_structural_averted_agree_with_their_tables(effects, result):
    table = result.further["averted"].groupby("analysis").last()
    for slug in ("arima", "structural-time-series"):
        row = effects.loc[slug]
        for column, total in (("averted", "cumulative"), ("averted_low", "cumulative_low")):
            assert float(row[column]) == pytest.approx(float(table.loc[slug, total]))


def test_the_series_grid_sees_that_the_sign_hangs_on_the_model(result):
    grid = next(c for c in result.checks if c.name == "time-series choices")
    assert grid.table.values["percent_change"].min() < 0 < grid.table.values["percent_change"].max()
    assert grid.verdict == "concern"


def test_the_claims_cannot_be_tested_and_say_what_stands_in(result, published):
    claims = {c.statement.slug: c for c in result.claims}
    assert {c.verdict for c in claims.values()} == {"cannot be tested with these data"}
    first = claims["biggest-decrease"]
    assert first.on_stand_in == "not supported"
    row = first.frames["ranking"].set_index("name").loc[OWN]
    assert row["before"] == between(published, "201711", "201810").sum(axis=1)[OWN]
    assert row["after"] == between(published, "201811", "201910").sum(axis=1)[OWN]
    change = between(published, "201811", "201910").sum(axis=1) / between(published, "201711", "201810").sum(axis=1)
    assert row["rank_relative"] == change.rank()[OWN]
    assert "dashboard" in first.caveat


def test_the_rolling_year_is_the_sum_of_twelve_published_months(result, published):
    frame = next(c for c in result.claims if c.statement.slug == "downward-trend").frames["rolling_year"]
    last = frame.dropna(subset=["unit_sum"]).iloc[-1]
    months = [c for c in published.columns if c <= last["period"].replace("-", "")][-12:]
    assert last["unit_sum"] == published.loc[OWN, months].sum()

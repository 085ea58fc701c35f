"""Opinion by borough: the simulated change is found where it is and nowhere else; the published survey is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from grounds import DATA

from cseval.errors import DataError
from cseval.parts.perceptions import Perceptions, effects_table, in_print, models
from cseval.sources.demonstration_survey import MEASURES, TREATED, simulate_survey

PART = Perceptions(unit="Tower Hamlets", start="2018-05", last="2019-12")
PAS = DATA / "perceptions" / "PAS_Dashboard_Borough_2014Q4-2023Q4.csv.gz"


def values(found, slug="perception-effects"):
    return next(t for t in found.files if t.slug == slug).values


@pytest.fixture(scope="module")
def surveys(simulated):
    """Rows of the main table of thirty simulated surveys."""
    return [values(PART.run(replace(simulated, seed=seed))).set_index("measure") for seed in range(30)]


def test_the_simulated_change_is_found_and_intervals_hold_it(surveys):
    truth = 100 * MEASURES["informed_local"][1]
    rows = [s.loc["Informed about local policing"] for s in surveys]
    assert sum(r["points_low"] <= truth <= r["points_high"] for r in rows) >= 26  # 29 of 30 expected
    assert sum(r["verdict"] == "evidence of a rise" for r in rows) >= 27


def test_measures_without_a_change_are_rarely_called_changed(surveys):
    """Adjusted for all measures together, 5% of surveys may err."""
    null = [s.drop(index="Informed about local policing") for s in surveys]
    assert sum(s["verdict"].str.startswith("evidence").any() for s in null) <= 4
    held = [low <= 0 <= high for s in null for low, high in zip(s["points_low"], s["points_high"], strict=True)]
    assert sum(held) >= 0.92 * len(held)


def test_every_model_stands_in_the_folded_table(simulated):
    found = PART.run(simulated)
    rows = values(found, "perception-models")
    assert rows["model"].nunique() == len(models()) - 1
    assert len(rows) == len(MEASURES) * (len(models()) - 1)


def test_the_printed_table_has_points_with_signs_and_no_column_of_one_model(simulated):
    table = next(t for t in PART.run(simulated).tables)
    shown = in_print(table).values
    assert "model" not in shown
    assert all(v[0] in "+−0" for v in shown["points"])


def test_the_figure_holds_the_series_of_every_measure(simulated):
    figure = PART.run(simulated).figures["perceptions"]()
    series = simulate_survey(simulated.seed, PART.start)
    own = figure.data[figure.data["measure"] == "Trust the police"]["share"].tolist()
    assert own == pytest.approx((100 * series.require("trust_mps")[series.row(TREATED)]).tolist())
    assert "Coldharrow (fictional)" in figure.alt
    assert figure.mark.startswith("Simulated")


def test_the_order_of_boroughs_does_not_matter(simulated):
    from cseval.estimators.perceptions import PerceptionSpan
    from cseval.inference.perceptions import perception_findings

    series = simulate_survey(3, PART.start)
    turned = replace(
        series,
        units=series.units[::-1],
        shares={m: v[::-1] for m, v in series.shares.items()},
        received={m: v[::-1] for m, v in series.received.items()},
    )
    span = PerceptionSpan(start=PART.start, last=PART.last)
    first, second = (
        effects_table("perception-effects", perception_findings(s, TREATED, span), "").values for s in (series, turned)
    )
    assert first["points"].tolist() == pytest.approx(second["points"].tolist())
    assert first["p_value"].tolist() == second["p_value"].tolist()


def test_without_the_survey_it_says_which_file_is_missing(ground):
    with pytest.raises(DataError, match="Public Attitude Survey was not imported"):
        PART.run(ground)


@pytest.mark.skipif(not PAS.exists(), reason="no folder of open data beside the checkout")
def test_the_published_survey_gives_no_clear_evidence_in_any_of_eight_measures(imported):
    found = PART.run(imported(pas=PAS))
    rows = values(found)
    assert len(rows) == 8
    assert set(rows["verdict"]) == {"no clear evidence of a change"}
    trust = rows.set_index("measure").loc["Trust MPS"]
    assert trust[["points", "points_low", "points_high"]].tolist() == pytest.approx([-1.42, -8.0, 5.6], abs=0.01)
    assert found.sources[0].kind == "mopac-pas"
    caption = found.figures["perceptions"]().caption
    assert "Pandemic (March 2020 to July 2021)" in caption  # dated events of the register are drawn
    assert "Offences in new groups" not in caption  # a change of recording moves no opinion

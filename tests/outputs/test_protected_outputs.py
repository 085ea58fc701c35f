"""Small counts of unpublished data are in no file, picture or sentence; on published data nothing changes."""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from builders import analysis, poisson_counts
from builders import evaluation as an_evaluation
from builders import inputs as lattice_inputs
from result_builders import (
    COMMAND,
    FIRST,
    HASH,
    TREATED,
    effect_row,
    make_analysis_result,
    make_evaluation,
    make_inputs,
    make_result,
)
from result_frames import make_curve

from cseval.analyse import Settings
from cseval.checks.base import CheckResult
from cseval.checks.buffer import BufferExclusion
from cseval.checks.coverage import Coverage
from cseval.checks.error_rate import ErrorRate
from cseval.checks.leave_one_out import LeaveOneOut
from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends
from cseval.checks.residuals import Autocorrelation, Overdispersion
from cseval.checks.specification_curve import SpecificationCurve
from cseval.claims.base import ClaimResult, Statement
from cseval.design import Design
from cseval.disclosure import Disclosure, Withheld, tells
from cseval.errors import DataError, SpecError
from cseval.estimate import EFFECT_COLUMNS
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import SegmentedRegression
from cseval.inference.covariance import OwnErrors
from cseval.months import month_range
from cseval.reporting.columns import DESCRIPTIONS
from cseval.reporting.protect import OF_NO_COUNT, check_protected, disclosure_sentence, protect, protected_figures
from cseval.reporting.protected_cells import hidden_in
from cseval.reporting.small_counts import COUNTS, MADE_OF_COUNTS, NOT_COUNTS, small_counts
from cseval.reporting.write import build_outputs
from cseval.result import SERIES_COLUMNS
from cseval.runner import run_evaluation
from cseval.spec import Programme, Window
from cseval.tables import Table

PERIODS = month_range(FIRST, "2019-10")
#: Monthly counts of the treated area, by outcome: a few small ones, many small ones, and a small total after the start.
MONTHS = {
    "anti_social_behaviour": [*range(20, 44), 11, 12, 3, 13, 14, 15, 16, 17, 4, 18, 19, 20, 21, 22, 23, 24, 25, 26],
    "criminal_damage": [2, 0, 3, 1, 4, 2] * 7,
    "robbery": [*[6] * 24, *[0] * 10, 1, *[0] * 4, 2, *[0] * 2],
}
ESTIMATORS = {
    **dict.fromkeys(("asb", "damage", "robbery"), PoissonDiD()),
    "asb-its": SegmentedRegression(),
    "asb-linear": LinearDiD(),
}
QUICK = Settings(draws=99)
NOTE = "3 offences have no place and are counted nowhere."


def unpublished_inputs(months, published):
    """Inputs whose treated area has these counts, all of them in its first ward."""
    inputs = make_inputs("real")
    counts = {}
    for outcome, own_months in months.items():
        own = 40 + 5 * np.arange(len(PERIODS) * 72, dtype=np.int64).reshape(72, -1) % 37
        own[list(TREATED)] = 0
        own[TREATED[0]] = own_months
        counts[outcome] = own
    source = replace(inputs.panel.provenance[0], title="Case files of the council", published=published)
    panel = replace(inputs.panel, counts=counts, provenance=(source,), notes=(NOTE,))
    return replace(inputs, panel=panel)


def series_of(results):
    """The monthly series of every analysis, with a fitted course."""
    rows = []
    for result in results:
        design = result.design
        observed = design.counts[design.is_treated].sum(axis=0).astype(float)
        frame = pd.DataFrame({"period": list(design.periods), "observed": observed})
        frame["comparison"] = design.counts[design.comparison].sum(axis=0)
        frame["phase"] = np.where(design.post, "post", "pre")
        frame["event_time"] = design.event_time
        rows.append(frame.assign(analysis=result.analysis.slug, outcome=result.estimate.outcome))
    out = pd.concat(rows, ignore_index=True)
    course = dict.fromkeys(("fitted", "counterfactual", "low", "high"), out["observed"] * 0.97 + 0.31)
    return out.assign(**course)[SERIES_COLUMNS]


def averted_of(analysis):
    """Incidents averted by month, as estimators of time series leave them."""
    design = analysis.design
    observed = design.counts[design.is_treated].sum(axis=0)[design.post].astype(float)
    columns = ("counterfactual", "averted", "low", "high", "cumulative", "cumulative_low", "cumulative_high")
    frame = pd.DataFrame({"period": [p for p, after in zip(design.periods, design.post, strict=True) if after]})
    frame = frame.assign(observed=observed, **dict.fromkeys(columns, observed + 2.5))
    return frame.assign(analysis=analysis.analysis.slug, outcome=analysis.estimate.outcome)


def ranking_claim():
    """A claim on a ranking in which one area went from 4 to 2."""
    frame = pd.DataFrame(
        {
            "unit": ["W001", "W030"],
            "name": ["Ward 2", "Alder Green"],
            "stated": [False, True],
            "before": [40, 4],
            "after": [44, 2],
            "change": [4, -2],
            "percent_change": [10.0, -50.0],
            "conf_low": [-5.0, -80.0],
            "conf_high": [25.0, 30.0],
            "rank_relative": [2, 1],
            "rank_low": [1, 1],
            "rank_high": [2, 2],
            "funnel_low_95": [-30.0, -90.0],
            "funnel_high_95": [40.0, 95.0],
            "funnel_low_998": [-50.0, -99.0],
            "funnel_high_998": [70.0, 190.0],
        }
    )
    statement = Statement(slug="biggest", text="the biggest decrease of all", source="Board report")
    return ClaimResult(
        statement=statement,
        outcome="criminal_damage",
        verdict="supported",
        sentence="Recorded criminal damage in Alder Green went from 4 in 2018 to 2 in 2019: a 50.0% fall.",
        frames={"ranking": frame},
    )


def coverage_check():
    values = pd.DataFrame({"phase": ["pre", "post"], "months": [24, 18], "incidents": [700, 3], "zero_months": [0, 3]})
    return CheckResult(
        name="coverage",
        question="Were all months received?",
        verdict="concern",
        statistic=0.0,
        reference="no month missing",
        p_value=float("nan"),
        sentence="All months were received. After the start only 3 incidents were recorded.",
        table=Table(slug="coverage", title="Months received", values=values, headings={"incidents": "Incidents"}),
    )


def unpublished(*, months=MONTHS, published=False, disclosure=None):
    """A whole result on these inputs."""
    inputs, evaluation = unpublished_inputs(months, published), replace(make_evaluation(), disclosure=disclosure)
    evaluation = replace(
        evaluation, analyses=tuple(replace(a, estimator=ESTIMATORS[a.slug]) for a in evaluation.analyses)
    )
    analyses = tuple(make_analysis_result(inputs, spec) for spec in evaluation.analyses)
    claim = ranking_claim()
    base = make_result(data="real")
    declared = {
        "evaluation": evaluation,
        "inputs": inputs,
        "analyses": analyses,
        "effects": pd.DataFrame([effect_row(evaluation, a, "real") for a in analyses], columns=EFFECT_COLUMNS),
        "series": series_of(analyses),
        "checks": (*base.checks, coverage_check()),
        "claims": (claim,),
        "further": {
            "averted": averted_of(analyses[3]),
            "ranking": claim.frames["ranking"].assign(claim="biggest", outcome="criminal_damage"),
            "cases_by_ward": pd.DataFrame({"analysis": ["asb", "asb"], "outcome": "anti_social_behaviour",
                                           "ward": ["A", "B"], "cases_seen": [17, 2], "share": [0.89, 0.11]}),
        },
        "weaknesses": ("After the start only 3 incidents were recorded.", "Other programmes ran at the same time."),
        "warnings": (NOTE,),
    }  # fmt: skip
    return replace(base, headline=analyses[0].sentence, **declared)


@pytest.fixture(scope="module")
def result():
    return unpublished()


@pytest.fixture(scope="module")
def outputs(result):
    return build_outputs(protect(result), protocol_hash=HASH, command=COMMAND)


def table_of(outputs, path):
    return list(csv.DictReader(io.StringIO(outputs[path].decode())))


# Nothing is left ---------------------------------------------------------------------------------------


def test_the_unprotected_result_would_be_found_out(result):
    published = unpublished(published=True)
    found = small_counts(build_outputs(published, protocol_hash=HASH, command=COMMAND), 5)
    files = {place.split(",")[0] for place in found}
    assert {"series.csv", "averted.csv", "ranking.csv", "cases_by_ward.csv", "effects.csv", "effects.json"} <= files
    assert {"report.md", "report.html", "report.docx", "checks.csv", "claims.csv", "places.json"} <= files


def test_no_small_count_is_left_in_any_file(outputs):
    assert small_counts(outputs, 5) == ()


@pytest.mark.parametrize("path", ["series.csv", "figures/series.csv"])
def test_no_month_shows_a_small_count(outputs, path):
    shown = [row["observed"] for row in table_of(outputs, path) if row["observed"] not in ("", "[c]")]
    assert shown
    assert all(float(v) == 0 or float(v) >= 5 for v in shown)


def test_months_are_withheld_with_another_one_before_and_after_the_start(outputs):
    rows = [r for r in table_of(outputs, "series.csv") if r["analysis"] == "asb"]
    hidden = {r["period"] for r in rows if r["observed"] == "[c]"}
    small = {p for p, v in zip(PERIODS, MONTHS["anti_social_behaviour"], strict=True) if 0 < v < 5}
    assert small < hidden
    assert all(p >= "2018-05" for p in hidden)  # nothing before the start needs it
    assert len(hidden) <= 6


def test_effects_by_period_give_nothing_back(outputs):
    """An effect by period gives back the sum of its months: none is shown where a month is withheld."""
    assert table_of(outputs, "event_study.csv") == []


def test_a_model_of_withheld_months_gives_nothing_back(outputs):
    rows = [r for r in table_of(outputs, "series.csv") if r["analysis"] in ("asb", "damage")]
    assert {r[c] for r in rows for c in ("fitted", "counterfactual", "low", "high")} == {"[c]"}
    assert table_of(outputs, "averted.csv") == []


def test_an_effect_on_a_small_base_is_withheld_with_everything_computed_from_it(outputs):
    row = next(r for r in table_of(outputs, "effects.csv") if r["analysis"] == "robbery")
    for column in ("observed", "counterfactual", "averted", "estimate", "std_error", "conf_low", "percent_change"):
        assert row[column] == "[c]", column
    assert row["verdict"] == "withheld"
    record = next(r for r in json.loads(outputs["effects.json"])["effects"] if r["analysis"] == "robbery")
    assert record["observed"] is None
    assert record["percent_change"] is None


def test_other_effects_are_those_of_the_true_counts(outputs, result):
    row = next(r for r in table_of(outputs, "effects.csv") if r["analysis"] == "asb")
    own = result.effects.iloc[0]
    assert float(row["observed"]) == own["observed"]
    assert float(row["percent_change"]) == float(f"{own['percent_change']:.3g}")


def test_the_words_say_that_it_is_withheld(outputs):
    page = outputs["report.md"].decode()
    assert "The change in robbery is withheld" in page
    assert "The numbers behind this verdict are withheld" in page
    assert "What this check found is withheld" in page
    assert "3 offences have no place" not in page
    assert "went from 4 in 2018" not in page


def test_tables_on_paper_show_the_symbol_and_what_it_means(outputs):
    page = outputs["report.md"].decode()
    assert r"| Robbery | \[c\] | \[c\] |" in page
    assert "suppressed: a small count from unpublished data" in page


def test_a_table_by_unit_has_no_rows(outputs):
    assert outputs["cases_by_ward.csv"] == b"analysis,outcome,ward,cases_seen,share\n"


def test_placebo_neighbourhoods_are_not_listed(outputs):
    """Ten digits of an estimate, and the order of the draws, name a unit and give back its counts."""
    assert outputs["placebo.csv"] == b"analysis,draw,units,estimate,statistic\n"
    assert not any("placebo.png" in path for path in outputs)
    for path in (p for p in outputs if p.endswith(".csv") and p != "figures/roles-map.csv"):
        assert not {"unit", "ward"} & {c for row in table_of(outputs, path) for c in row}, path


def test_the_data_package_names_the_symbol_as_missing(outputs):
    resources = {r["path"]: r["schema"]["missingValues"] for r in json.loads(outputs["datapackage.json"])["resources"]}
    assert resources["series.csv"] == ["", "[c]"]
    assert resources["calibration.csv"] == [""]


# Figures ------------------------------------------------------------------------------------------------


def test_figures_draw_nothing_that_is_withheld(result):
    figures, left_out = protected_figures(protect(result))
    names = {g.name for g in figures}
    assert {"series", "forest"} <= names
    assert not names & {
        "event-study",
        "placebo",
        "specification-curve",
        "its",
        "synthetic-control",
        "ranking-biggest",
        "funnel-biggest",
    }
    assert any("withheld are not drawn" in why for why in left_out)
    for figure in figures:
        for column in COUNTS & set(figure.data.columns):
            assert not figure.data[column].isin([1, 2, 3, 4]).any(), figure.name
        assert not tells(f"{figure.alt} {figure.caption}", 5)


def test_the_course_of_the_area_says_that_months_are_missing(result):
    figures, _ = protected_figures(protect(result))
    series = next(g for g in figures if g.name == "series")
    assert "averages leave them out" in series.alt
    assert "averages leave them out" in series.caption
    assert len(series.data) == len(PERIODS) - hidden_months(result)


def hidden_months(result):
    own = protect(result).series
    return int(own.loc[own["analysis"] == "asb", "observed"].isna().sum())


def test_a_primary_effect_that_is_withheld_takes_its_figures_and_checks_with_it():
    found = unpublished(months={**MONTHS, "anti_social_behaviour": MONTHS["robbery"]})
    shown = protect(found)
    figures, _ = protected_figures(shown)
    assert not {g.name for g in figures} & {"placebo", "event-study", "its"}
    assert shown.headline.startswith("The change in anti-social behaviour is withheld")
    assert not len(shown.displacement)
    assert {c.table for c in shown.checks} == {None}
    assert all("is withheld" in c.sentence for c in shown.checks if c.name not in OF_NO_COUNT)
    assert small_counts(build_outputs(shown, protocol_hash=HASH, command=COMMAND), 5) == ()


# When it applies ------------------------------------------------------------------------------------------


def test_published_inputs_change_nothing_but_say_why():
    published = unpublished(published=True)
    assert protect(published) is published
    assert disclosure_sentence(published).startswith("No small count is withheld: every input is published")


def test_simulated_data_describe_nobody():
    simulated = make_result()
    assert "describe nobody" in disclosure_sentence(simulated)
    assert protect(simulated) is simulated


def test_one_unpublished_input_is_enough():
    published = unpublished(published=True)
    other = replace(published.inputs.panel.provenance[0], title="Interviews", published=False)
    mixed = replace(published, inputs=replace(published.inputs, provenance=(other,)))
    assert protect(mixed) is not mixed
    assert "Interviews" in disclosure_sentence(mixed)
    assert "Case files" not in disclosure_sentence(mixed)


def test_inputs_without_provenance_are_taken_for_unpublished():
    found = unpublished()
    bare = replace(found, inputs=replace(found.inputs, panel=replace(found.inputs.panel, provenance=())))
    assert "data without a source" in disclosure_sentence(bare)
    assert protect(bare).effects["observed"].map(lambda v: isinstance(v, Withheld)).any()


def test_a_run_without_tables_is_protected_as_well(result):
    names = ("series", "event_study", "displacement", "placebo", "inference")
    empty = {name: getattr(result, name).head(0) for name in names}
    shown = protect(replace(result, **empty, checks=(), claims=(), further={}))
    assert shown.effects["verdict"].tolist().count("withheld") == 2  # the small total, and the time series
    assert protected_figures(shown)[0]


def test_protecting_twice_is_protecting_once(result):
    once = protect(result)
    assert protect(once) is once
    sent = pickle.loads(pickle.dumps(once))  # as a worker gets it
    assert protect(sent) is sent
    assert sent.series["observed"].map(lambda v: isinstance(v, Withheld)).sum() == once.series["observed"].isna().sum()


def test_the_result_itself_is_left_alone(result):
    before = result.series["observed"].tolist()
    protect(result)
    assert result.series["observed"].tolist() == before


def test_a_lower_threshold_withholds_less(result):
    fewer = unpublished(disclosure=Disclosure(threshold=3))
    assert hidden_months(fewer) < hidden_months(result)
    assert small_counts(build_outputs(protect(fewer), protocol_hash=HASH, command=COMMAND), 3) == ()


def test_rounding_leaves_no_exact_count():
    found = protect(unpublished(disclosure=Disclosure(rounding=5)))
    for frame, columns in ((found.series, ("observed", "comparison")), (found.displacement, ("observed", "averted"))):
        for column in columns:
            assert (frame[column].astype(float).dropna() % 5 == 0).all()
    row = found.effects.iloc[0]
    assert row["observed"] % 5 == 0
    assert row["counterfactual"] - row["observed"] == pytest.approx(row["averted"], rel=0.05)
    assert f"{row['averted']:,.0f} fewer" in found.primary.sentence
    assert "rounded to the nearest 5" in disclosure_sentence(found)


# What a reader could compute -----------------------------------------------------------------------------


def test_estimates_of_a_time_series_are_withheld_with_all_that_belongs_to_them(outputs):
    """Of two months withheld with a known sum, ten digits of a refitted model single out the one split."""
    row = next(r for r in table_of(outputs, "effects.csv") if r["analysis"] == "asb-its")
    kept = {"treated_units", "comparison_units", "pre_periods", "post_periods"}
    assert {c for c, v in row.items() if c not in TEXT and v not in ("", "[c]")} == kept
    assert not [r for r in table_of(outputs, "series.csv") if r["analysis"] == "asb-its"]
    for row in (r for r in table_of(outputs, "inference.csv") if r["analysis"] == "asb-its"):
        assert {row[c] for c in ("std_error", "conf_low", "conf_high", "p_value")} <= {"", "[c]"}


def test_estimates_have_three_significant_digits(outputs):
    for path in ("effects.csv", "inference.csv"):
        for row in table_of(outputs, path):
            for column in ("estimate", "std_error", "conf_low", "percent_low", "p_value"):
                text = row.get(column, "")
                if text not in ("", "[c]", "INF", "-INF"):
                    assert len(re.sub(r"^0+|e.*", "", text.strip("-").replace(".", ""))) <= 3, (path, text)


def test_a_comparison_with_a_small_month_takes_the_course_with_it(result):
    """What is fitted to a comparison is a multiple of its counts."""
    series = result.series.copy()
    series.loc[series["analysis"] == "asb", "comparison"] = [3, *[300] * (len(PERIODS) - 1)]
    shown = protect(replace(result, series=series)).series
    rows = shown[shown["analysis"] == "asb"]
    for column in ("comparison", "fitted", "counterfactual", "low", "high"):
        assert rows[column].isna().all(), column


def test_an_effect_against_a_small_comparison_is_withheld():
    months = {**MONTHS, "anti_social_behaviour": [30] * 42}
    found = unpublished(months=months)
    counts = {o: c.copy() for o, c in found.inputs.panel.counts.items()}
    others = np.setdiff1d(np.arange(72), TREATED)
    counts["anti_social_behaviour"][others, 24:] = 0
    counts["anti_social_behaviour"][others[-1], 30] = 3
    inputs = replace(found.inputs, panel=replace(found.inputs.panel, counts=counts))
    analyses = tuple(make_analysis_result(inputs, a) for a in found.evaluation.analyses)
    hidden = hidden_in(replace(found, inputs=inputs, analyses=analyses), 5)
    assert {"asb", "asb-its", "asb-linear"} <= hidden.effects


def test_a_small_ring_takes_every_row_of_the_rings(result):
    rings = result.displacement.copy()
    assert len(protect(result).displacement) == len(rings)
    rings.loc[rings["area"] == "ring 1", "observed"] = 2.0
    assert not len(protect(replace(result, displacement=rings)).displacement)


def test_a_ring_with_a_small_count_before_the_start_takes_every_row(result):
    """It follows from the expected counts of the area, and of area and ring together."""
    inputs = result.inputs
    counts = {o: c.copy() for o, c in inputs.panel.counts.items()}
    ring = [inputs.panel.units.index(u) for u in inputs.areas.ring(inputs.roles.treated)[0]]
    counts["anti_social_behaviour"][ring, :24] = 0
    counts["anti_social_behaviour"][ring[0], 7] = 3
    changed = replace(inputs, panel=replace(inputs.panel, counts=counts))
    analyses = tuple(make_analysis_result(changed, a) for a in result.evaluation.analyses)
    shown = protect(replace(result, inputs=changed, analyses=analyses))
    assert not len(shown.displacement)
    assert not [c for c in shown.checks if c.name == "buffer" and "withheld" not in c.sentence]


@pytest.mark.parametrize("sentence", ["It went from 160 in 2017 to 161 in 2018.", "It fell by half."])
def test_a_claim_on_an_outcome_with_a_small_month_keeps_its_verdict_alone(result, sentence):
    totals = pd.DataFrame({"quantity": ["incidents a month before"], "value": [13.42], "note": ["161 in 12 months"]})
    claim = replace(
        result.claims[0], sentence=sentence, frames={"rate_change": totals}, outcome="anti_social_behaviour"
    )
    further = {"rate_change": totals.assign(claim="biggest", outcome="anti_social_behaviour")}
    shown = protect(replace(result, claims=(claim,), further=further))
    assert (shown.claims[0].verdict, shown.claims[0].frames) == ("supported", {})
    assert "are withheld" in shown.claims[0].sentence
    assert not len(shown.further["rate_change"])


def test_checks_that_are_equations_in_months_go_and_those_of_no_count_stay(result):
    names = (
        "specification curve",
        "placebo starts",
        "time-series choices",
        "pre-trends",
        "error rate",
        "co-interventions",
    )
    check = replace(result.checks[0], table=None, sentence="Of 72 specifications, 71 could be made.")
    made = tuple(replace(make_curve() if name == names[0] else check, name=name) for name in names)
    shown = protect(replace(result, checks=made))
    stay = [c.name for c in shown.checks if "withheld" not in c.sentence]
    assert stay == ["error rate", "co-interventions"]
    assert not [c for c in shown.checks if c.table is not None]
    outputs = build_outputs(shown, protocol_hash=HASH, command=COMMAND)
    assert table_of(outputs, "specification_curve.csv") == []
    assert not any("specification-curve" in path for path in outputs)


def test_sensitivity_analyses_go_before_the_totals_of_the_primary_one(result):
    """Each window of its own is a further equation; it is withheld rather than any total of the main analyses."""
    primary = result.analyses[0]
    other = Design.build(result.inputs, "anti_social_behaviour", start="2018-06", months_before=25, months_after=17)
    later = replace(primary, analysis=replace(primary.analysis, slug="later", role="sensitivity"), design=other)
    effects = pd.concat([result.effects, result.effects.head(1).assign(analysis="later")], ignore_index=True)
    hidden = hidden_in(replace(result, analyses=(*result.analyses, later), effects=effects), 5)
    assert hidden.effects == {"robbery", "asb-its", "later"}


def test_text_columns_are_cleaned_so_that_nothing_is_refused(result):
    methods = result.inference.assign(reason="Refused: 2 anti-social behaviour incidents in a month. It has no error.")
    outputs = build_outputs(replace(result, inference=methods), protocol_hash=HASH, command=COMMAND)
    said = {r["reason"] for r in table_of(outputs, "inference.csv")}
    assert said == {"A number below 5 is withheld here. It has no error."}


def test_a_table_for_context_is_open_only_by_an_open_source():
    published = unpublished(published=True)
    table = Table(
        slug="cases", title="Case files", source="Council", values=pd.DataFrame({"ward": ["A"], "cases": [3]})
    )
    restricted = replace(published, inputs=replace(published.inputs, context=(table,)))
    shown = protect(restricted)
    assert repr(shown.inputs.context[0].values["cases"].iloc[0]) == "[c]"
    assert "Case files" in disclosure_sentence(restricted)
    named = replace(table, source=f"Home Office, {published.inputs.sources[0].title}")
    open_ = replace(published, inputs=replace(published.inputs, context=(named,)))
    assert protect(open_) is open_
    with pytest.raises(SpecError, match="without a source"):
        replace(published.inputs, context=(replace(table, source=" "),))


def test_protection_can_be_forced_on_what_is_in_an_open_format():
    forced = unpublished(published=True, disclosure=Disclosure(always=True))
    assert protect(forced).effects["verdict"].tolist().count("withheld") == 2
    assert "since this evaluation asks for it" in disclosure_sentence(forced)


def two_worlds():
    """Counts that differ only in two months of the treated area, of which one is small and the other beside it."""
    counts = poisson_counts(64, 36, level=9.0, seed=4)
    counts[[0, 1, 8, 9], :] = 5
    for month, value in ((4, 3), (5, 21), (20, 2), (21, 25), (30, 4)):
        counts[[1, 8, 9], month] = 0
        counts[0, month] = value
    other = counts.copy()
    other[0, [4, 5]] = 1, 23
    other[0, [20, 21, 30]] = 4, 26, 1
    return counts, other


def run_of(counts, *, checks=True):
    """A whole run with models of months, checks that refit them, and windows of their own."""
    spec = analysis()
    series = {"estimator": SegmentedRegression(slope=False), "inference": (OwnErrors(),), "role": "sensitivity"}
    analyses = (
        spec,
        analysis("its", **series),
        analysis("later", role="sensitivity", start="2016-10"),
        analysis("shorter", role="exploratory", window=Window(first="2015-06", last="2017-06")),
        analysis("linear", role="sensitivity", estimator=LinearDiD()),
    )
    curve = SpecificationCurve(starts=("2016-09",), draws=99)
    made = (PreTrends(), PlaceboStarts(), Coverage(), Autocorrelation(), Overdispersion(), LeaveOneOut(),
              BufferExclusion(), ErrorRate(), curve)  # fmt: skip
    programme = Programme(name="Programme", start="2016-07", roles="roles.csv")
    declared = an_evaluation(
        analyses=analyses if checks else (spec,),
        checks=made if checks else (),
        programme=programme,
        window=Window(first="2015-01", last="2017-12"),
    )
    found = run_evaluation(declared, lattice_inputs(counts, treated=(0, 1, 8, 9), shape=(8, 8)), settings=QUICK)
    return build_outputs(found, protocol_hash=HASH, command=COMMAND)


def test_two_worlds_that_differ_in_withheld_months_cannot_be_told_apart():
    """The strongest reader: whatever he refits, what he is shown is the same whichever the withheld counts are."""
    first, second = (run_of(counts) for counts in two_worlds())
    assert first.keys() == second.keys()
    rows = [r for r in table_of(first, "series.csv") if r["analysis"] == "primary"]
    assert {r["period"] for r in rows if r["observed"] == "[c]"} == {
        "2015-05", "2015-06", "2016-09", "2016-10", "2017-07"
    }  # fmt: skip
    assert [r["verdict"] == "withheld" for r in table_of(first, "effects.csv")] == [False, True, True, True, False]
    assert [p for p in first if p != "manifest.json" and first[p] != second[p]] == []
    told = [{k: v for k, v in json.loads(o["manifest.json"]).items() if k != "run"} for o in (first, second)]
    assert told[0] == told[1]


def test_an_outcome_too_sparse_for_effects_by_period_is_handled():
    counts = poisson_counts(64, 36, level=0.06, seed=4)
    counts[[0, 1, 8, 9], ::5] = 1
    outputs = run_of(counts, checks=False)
    assert table_of(outputs, "event_study.csv") == []
    assert [r["observed"] for r in table_of(outputs, "effects.csv")] == [str(int(counts[[0, 1, 8, 9], 18:].sum()))]


# The last look ---------------------------------------------------------------------------------------------


def test_outputs_that_still_show_a_small_count_are_refused(result, outputs):
    leaking = {**outputs, "extra.csv": b"ward,cases\nA,3\nB,12\n"}
    with pytest.raises(DataError, match=r"extra.csv, row 2, column cases"):
        check_protected(result, leaking)
    check_protected(unpublished(published=True), leaking)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.md", "About 3 incidents were recorded."),
        ("a.md", "| Month | Observed |\n| --- | --- |\n| May | 4 |\n"),
        ("a.md", "Then 4 anti-social behaviour incidents, two murders."),
        ("a.md", "A single incident was recorded."),
        ("a.md", "Incidents: 3"),
        ("a.html", "<p>There were <b>2</b> recorded offences.</p>"),
        ("a.html", '<img alt="Line chart: two victims in May" src="x.png">'),
        ("a.html", "<table><tr><th>Month</th><th>Incidents</th></tr><tr><td>May</td><td>4</td></tr></table>"),
        ("a.json", '{"observed": 3.0}'),
        ("a.json", '{"rows": [["May", "1"]], "headings": ["Month", "Observed"]}'),
        ("a.json", '{"values": {"x": {"observed": "4 (simulated)"}}}'),
        ("a.csv", "period,observed\n2018-05,2\n2018-06,[c]\n"),
        ("a.csv", "check,sentence\ncoverage,Only 1 incident was recorded.\n"),
        ("figures/a.svg", "<svg><desc>From 3 in May to 40 in June.</desc></svg>"),
    ],
)
def test_the_last_look_finds_it(path, content):
    assert small_counts({path: content.encode()}, 5) != ()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.md", "In 3 months 12 incidents were recorded, 4 fewer incidents than expected, p = 0.04."),
        ("a.md", "A fall of 4% would be found in four cases out of five; ranks 3 to 4 stay open."),
        ("a.csv", "period,observed,units\n2018-05,0,3\n2018-06,5,3\n2018-07,[c],3\n"),
        ("a.csv", "lag,value\n1,0.5\n2,1\n"),
        ("a.json", '{"observed": null, "post_periods": 4, "rank": 1}'),
    ],
)
def test_the_last_look_lets_other_numbers_pass(path, content):
    assert small_counts({path: content.encode()}, 5) == ()


def test_every_column_of_the_outputs_is_known_as_counts_or_not(outputs):
    """A column that is in no set would be taken for counts where it holds whole numbers: decide, and enter it."""
    known = COUNTS | MADE_OF_COUNTS | NOT_COUNTS
    assert not COUNTS & (MADE_OF_COUNTS | NOT_COUNTS)
    assert not MADE_OF_COUNTS & NOT_COUNTS
    for path in (p for p in outputs if p.endswith(".csv") and p != "cases_by_ward.csv"):
        for column in table_of(outputs, path)[:1]:
            assert all(c in known or c in TEXT for c in column), path


TEXT = set(DESCRIPTIONS) - COUNTS - MADE_OF_COUNTS - NOT_COUNTS

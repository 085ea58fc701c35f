"""Neighbourhood Management Pilot: did recorded incidents change in the five pilot wards?

The question
    The pilot began in May 2018 in five adjoining wards of the north-west of the borough, to answer anti-social
    behaviour street by street. The board was told in December 2019 that rates of anti-social behaviour had not
    decreased in the pilot area. What do the counts say, and how sure can anyone be?

The comparison
    The five wards against every other London ward except those that touch the pilot, whose incidents the pilot may have
    moved or spared. May 2016 to April 2018 against May 2018 to October 2019, which ends before the pandemic and covers
    the months up to the board's report. The effect is a ratio, because five busy wards and six hundred quieter ones
    rise and fall by percentages, not by counts.

The outcomes
    Anti-social behaviour incidents are what the pilot was for, and they are primary wherever their monthly counts are
    present. The Metropolitan Police ward files hold notifiable offences only. There the primary outcome is disorder:
    arson and criminal damage plus public order offences, the recorded offences nearest to anti-social behaviour,
    frequent enough in five wards to be estimated, and less driven by police choice than drugs or weapons. It was
    fixed before any effect was looked at. Drug offences and possession of weapons are recorded when officers look for
    them: a rise may be more policing rather than more offending, so their direction is ambiguous. The rest say
    whether a change was peculiar to disorder.

Why not just a standard error
    Five adjoining wards are one place. The wards of the pilot were chosen because they had the most calls, so part of
    any fall is regression to the mean. The uncertainty is therefore taken from placebo neighbourhoods, five adjoining
    wards elsewhere, and what choosing the worst neighbourhood brings by itself is measured and subtracted in a
    registered sensitivity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cseval.checks.buffer import BufferExclusion
from cseval.checks.co_interventions import CoInterventions
from cseval.checks.coverage import Coverage
from cseval.checks.error_rate import ErrorRate
from cseval.checks.honest_trends import HonestTrends
from cseval.checks.leave_one_out import LeaveOneOut
from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends
from cseval.checks.regression_to_mean import RegressionToMean
from cseval.checks.residuals import Autocorrelation, Overdispersion
from cseval.checks.spatial_residuals import SpatialResiduals
from cseval.checks.specification_curve import SpecificationCurve
from cseval.claims.base import Statement
from cseval.claims.not_decreased import NotDecreased
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import SegmentedRegression
from cseval.estimators.segmented_options import Harmonics
from cseval.inference.conformal import AbsoluteMean, Conformal
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.covariance import ClusterRobust, ClusterRobustCR2, ClusterRobustCR3, OwnErrors
from cseval.inference.ferman_pinto import FermanPinto
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.placebo_districts import PlaceboDistricts
from cseval.inference.score_bootstrap import ScoreBootstrap
from cseval.parts.displacement import DisplacementMeasures
from cseval.parts.survey import ResidentsSurvey
from cseval.spec import Analysis, Evaluation, Programme, Window

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.sources.catalogue import Catalogue

PROGRAMME = Programme(
    name="Neighbourhood Management Pilot",
    start="2018-05",
    agreed="2017-08",
    roles="pilot_roles.csv",
    register="neighbourhood-management-pilot",
    buffer_rings=1,
)

WINDOW = Window(first="2016-05", last="2019-10")
PRIMARY = ("anti_social_behaviour", "disorder")
PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())
#: The primary effect by every method for few treated areas, each with its measured error rate.
EVERY_METHOD = (
    *PLACEBO,
    ClusterRobustCR2(),
    ClusterRobustCR3(),
    ScoreBootstrap(),
    ConleyTaber(),
    FermanPinto(),
    Conformal(statistic=AbsoluteMean()),
)
POISSON = PoissonDiD()

#: Choices that could as well have been made, all of them combined.
CURVE = SpecificationCurve(
    outcomes=("disorder",),
    windows=(Window(first="2017-05", last="2019-10"), Window(first="2016-05", last="2019-04")),
    comparisons=("inner",),
    starts=("2018-08",),
    transitions=(4,),
    buffer_rings=(0,),
    estimators=(LinearDiD(),),
)


#: Each calendar month weighs the same in both periods, and the last month is that of the evaluation's window.
FIRST_YEAR = ("2016-05", "2018-04"), ("2018-05", "2019-04")
SAME_MONTHS = ("2016-05", "2017-10"), ("2018-05", "2019-10")
LATEST_YEAR = ("2017-05", "2018-04"), ("2018-11", "2019-10")


def real(catalogue: Catalogue) -> Inputs:
    """Metropolitan Police ward counts on the ward map, with anti-social behaviour where street files are present."""
    from cseval.sources.ward_inputs import ward_inputs

    return ward_inputs(
        catalogue,
        PROGRAMME,
        WINDOW,
        sums={"disorder": ("arson_and_criminal_damage", "public_order_offences")},
        inner="inner_london.csv",
    )


def demonstration(seed: int) -> Inputs:
    """The fictional borough and its neighbours."""
    from dataclasses import replace

    from cseval.sources.demonstration import simulate

    inputs = simulate(seed)
    parts = ("arson_and_criminal_damage", "public_order_offences")
    return replace(inputs, panel=inputs.panel.with_sum("disorder", parts))


def secondary(outcome: str, label: str, note: str = "") -> Analysis:
    """A secondary outcome in the primary comparison."""
    return Analysis(
        slug=outcome.replace("_", "-"),
        outcome=outcome,
        estimator=POISSON,
        inference=PLACEBO,
        role="secondary",
        label=label,
        note=note,
    )


def sensitivity(slug: str, label: str, note: str, **changes: object) -> Analysis:
    """The primary outcome with one thing changed."""
    declared = {"estimator": POISSON, "inference": PLACEBO, **changes}
    return Analysis(slug=slug, outcome=PRIMARY, role="sensitivity", label=label, note=note, **declared)  # type: ignore[arg-type]


def not_decreased(slug: str, reading: str, before: tuple[str, str], after: tuple[str, str]) -> NotDecreased:
    """One reading of a claim that names no months: it was made in December 2019 of a pilot begun in May 2018."""
    return NotDecreased(
        statement=Statement(
            slug=slug,
            text="rates of ASB have not decreased in the Pilot area",
            reading=reading,
            source="Transformation & Improvement Board report, 9 December 2019",
            paragraph="3.7",
        ),
        outcomes=PRIMARY,
        exact=PRIMARY[:1],
        before=before,
        after=after,
        subject="anti-social behaviour",
        needed=(
            "the street-level files of data.police.uk for these months, which hold anti-social behaviour reported to "
            "the police by small area and month"
        ),
        area="the pilot area",
        history_from="2014-06",  # as the knife crime evaluation cuts
        history_reason="public order offences recorded in London rose by two fifths from 2013 to 2014",
        unsaid=(
            "The paper does not say whose figures of anti-social behaviour it means, the police's or the council's, "
            "nor for which months, nor that the pilot area is these five wards, which a page of the council names."
        ),
    )


ANALYSES = (
    Analysis(
        slug="primary",
        outcome=PRIMARY,
        estimator=POISSON,
        inference=EVERY_METHOD,
        role="primary",
        label="Primary outcome",
        note="Anti-social behaviour where its counts are present, else disorder.",
    ),
    secondary("disorder", "Disorder", "Arson and criminal damage plus public order offences."),
    secondary("arson_and_criminal_damage", "Arson and criminal damage"),
    secondary("public_order_offences", "Public order offences"),
    secondary("violence_against_the_person", "Violence against the person"),
    secondary("robbery", "Robbery"),
    secondary(
        "drug_offences", "Drug offences", "Recorded when police look for drugs: police activity, not only offending."
    ),
    secondary("burglary", "Burglary"),
    secondary("theft", "Theft"),
    secondary("possession_of_weapons", "Possession of weapons", "Recorded when police search: police activity too."),
    secondary("vehicle_offences", "Vehicle offences"),
    sensitivity("inner-districts", "Inner districts only", "Wards nearer in kind to the pilot's.", comparison="inner"),
    sensitivity(
        "own-borough",
        "Own borough only",
        "The same borough-wide programmes on both sides; few wards, so placebos come from the other boroughs.",
        comparison="own-borough",
        inference=(PlaceboDistricts(), ClusterRobust()),
    ),
    sensitivity("transition", "May to August 2018 left out", "The council's page says summer 2018.", transition=4),
    sensitivity(
        "start-august-2018",
        "Start August 2018",
        "If the pilot was in place only at the end of summer.",
        start="2018-08",
    ),
    sensitivity("start-april-2018", "Start April 2018", "If preparation already changed practice.", start="2018-04"),
    sensitivity(
        "window-one-year-before",
        "One year before",
        "A shorter pre period, nearer to the start.",
        window=Window(first="2017-05", last="2019-10"),
    ),
    sensitivity(
        "window-one-year-after",
        "One year after",
        "Whole years on both sides, so season cancels exactly.",
        window=Window(first="2016-05", last="2019-04"),
    ),
    sensitivity(
        "without-selection-year",
        "Year of selection left out",
        "Pre period before the year in which the area was chosen, August 2016 to July 2017, cannot be cut out of the "
        "middle; it starts after it instead.",
        window=Window(first="2017-08", last="2019-10"),
    ),
    sensitivity("buffer-kept", "Neighbouring wards kept", "What leaving out the neighbours changes.", buffer_rings=0),
    sensitivity("two-rings", "Two rings left out", "If incidents moved further than next door.", buffer_rings=2),
    sensitivity(
        "less-selection",
        "Less regression to the mean",
        "The change that choosing the worst neighbourhood brings by itself, subtracted.",
        subtract_selection=True,
    ),
    sensitivity("linear", "Linear model", "Incidents per ward and month instead of a ratio.", estimator=LinearDiD()),
    sensitivity(
        "interrupted-time-series",
        "Pilot area alone (interrupted time series)",
        "No comparison area: level change at the start against the area's own trend and season.",
        estimator=SegmentedRegression(slope=False, season=Harmonics(pairs=2)),
        inference=(OwnErrors(),),
    ),
    sensitivity(
        "controlled-time-series",
        "Pilot area relative to comparison (controlled time series)",
        "The same with the comparison wards' total as offset, so what moved both cancels.",
        estimator=SegmentedRegression(slope=False, season=Harmonics(pairs=2), relative_to_comparison=True),
        inference=(OwnErrors(),),
    ),
)

EVALUATION = Evaluation(
    slug="pilot-evaluation",
    title="Neighbourhood Management Pilot",
    question=(
        "Did recorded incidents change in the five pilot wards after the Neighbourhood Management Pilot began in "
        "May 2018, compared with what would have been expected without it?"
    ),
    programme=PROGRAMME,
    window=WINDOW,
    real=real,
    demonstration=demonstration,
    needs=("mps-ward", "ward-boundaries"),
    optional=("ward-population", "police-street", "lsoa-lookup", "residents-survey"),
    analyses=ANALYSES,
    checks=(
        PreTrends(),
        HonestTrends(),
        PlaceboStarts(),
        RegressionToMean(),
        BufferExclusion(),
        LeaveOneOut(),
        CURVE,
        ErrorRate(),
        CoInterventions(),
        Coverage(),
        Autocorrelation(),
        Overdispersion(),
        SpatialResiduals(),
    ),
    claims=(
        not_decreased("asb-not-decreased", "first year against the two years before", *FIRST_YEAR),
        not_decreased("asb-not-decreased-same-months", "same eighteen months two years earlier", *SAME_MONTHS),
        not_decreased(
            "asb-not-decreased-latest", "year to October 2019 against the year before the start", *LATEST_YEAR
        ),
    ),
    parts=(DisplacementMeasures(), ResidentsSurvey()),
    reasons=(
        (
            "Anti-social behaviour",
            "What the pilot was for; primary wherever its monthly counts are present. Incidents reported to the "
            "police, not all that happens, and reporting may rise when residents learn how to report.",
        ),
        (
            "Disorder",
            "Arson and criminal damage plus public order offences: the recorded offences nearest to anti-social "
            "behaviour and frequent enough to estimate. Primary where no anti-social behaviour counts are present.",
        ),
        (
            "Drug offences and possession of weapons",
            "Recorded when officers look for them. More of them may mean more policing, not more offending.",
        ),
        (
            "Violence, robbery, burglary, theft, vehicle offences",
            "Secondary: they say whether a change was peculiar to disorder. Their p-values are also given adjusted for "
            "their number (max-T on common placebo neighbourhoods, Holm beside it).",
        ),
        (
            "May 2016 to October 2019",
            "Two years before; eighteen months after, up to the board's report and before the pandemic.",
        ),
    ),
    limits=(
        "One neighbourhood was treated. Whatever else changed in these five wards in the same months, and in no other "
        "neighbourhood, is in the estimate.",
        "Counts are of incidents recorded by the police. Reporting and recording can change while what happens "
        "does not.",
        "The area was chosen for its calls to the police about anti-social behaviour, drugs and crime. Where "
        "regression to the mean is measured, the neighbourhood with the highest count of the primary outcome stands in "
        "for the one with the most calls.",
        "The pilot also aimed at satisfaction and trust, which these counts do not measure; the study "
        "public-perceptions looks at what people in the whole borough said of the police.",
    ),
)

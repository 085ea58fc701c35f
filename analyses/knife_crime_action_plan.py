"""Knife Crime Action Plan: what happened to knife-enabled harm in the borough after the plan?

The question
    The board was told in December 2019 of a Knife Crime Action Plan of 65 actions, of a downward trend on a rolling
    year, and of "the biggest decrease in knife crime injury victims of all London Boroughs". One borough had this plan.
    What do the counts say of it, against the other boroughs, and how sure can anyone be with one borough?

The start
    The papers give no month, so this module must, and says why. The London Knife Crime Strategy of June 2017 asked
    every borough for an action plan; a plan that answers it cannot be older. June 2017 is therefore registered as the
    earliest month from which anything could have changed. A start that is too early takes months without the plan for
    months with it, which draws an effect towards zero but does not invent one; a start that is too late does the
    reverse to the months before. Eight sensitivities move it by quarter from January 2017, before any strategy, to
    October 2018, when the plan is known to have been at work.

The estimand
    Every other London borough had a plan of its own by April 2019. The comparison is therefore this borough's plan
    against the others' plans, and not a plan against none: no change here does not mean that plans do nothing.

The comparison
    April 2010 to May 2017 against June 2017 to February 2020, before the pandemic. Every other borough that the
    Metropolitan Police covers is a comparison unit, neighbours included, because a borough is large and a ring of
    neighbours would leave out the boroughs that are most like it; leaving them out is a sensitivity. One borough is
    ranked among the others by the same comparison, so p cannot be lower than one in the number of boroughs.

The outcomes
    Where a Metropolitan Police dashboard file of those years is imported, victims of knife injury are primary, else
    knife crime with injury. The published borough file has neither. There the primary outcome is violence with injury:
    the harm that the plan was to lower, most of it without a knife, and frequent enough in one borough to be
    estimated. It was fixed before any effect was looked at. Possession of a blade is recorded when officers search:
    more of it may be more policing. Personal robbery is where many knives are shown. Homicides are too few for one
    borough to say anything, and are shown so that nobody has to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cseval.checks.baseline_peak import BaselinePeak
from cseval.checks.co_interventions import CoInterventions
from cseval.checks.coverage import Coverage
from cseval.checks.error_rate import ErrorRate
from cseval.checks.honest_trends import HonestTrends
from cseval.checks.leave_one_donor_out import LeaveOneDonorOut
from cseval.checks.leave_one_out import LeaveOneOut
from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends
from cseval.checks.regression_to_mean import RegressionToMean
from cseval.checks.residuals import Autocorrelation, Overdispersion
from cseval.checks.series_grid import SeriesGrid
from cseval.checks.specification_curve import SpecificationCurve
from cseval.claims.base import Statement
from cseval.claims.ranking import BiggestDecrease
from cseval.claims.rolling_year import RollingYearTrend
from cseval.estimators.arima import ArimaITS
from cseval.estimators.controlled_its import ControlledITS
from cseval.estimators.dose import Dose, DoseResponse
from cseval.estimators.linear_did import LinearDiD
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.segmented import SegmentedRegression
from cseval.estimators.segmented_options import Harmonics, Interruption
from cseval.estimators.structural import StructuralITS
from cseval.estimators.synthetic_control import AugmentedSC, SyntheticControl
from cseval.estimators.synthetic_did import SyntheticDiD
from cseval.inference.conformal import AbsoluteMean, Conformal
from cseval.inference.conley_taber import ConleyTaber
from cseval.inference.covariance import ClusterRobust, OwnErrors
from cseval.inference.ferman_pinto import FermanPinto
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.inference.placebo_series import PlaceboSeries
from cseval.months import month_words
from cseval.parts.activity import PoliceActivityPart
from cseval.spec import Analysis, Evaluation, Programme, Window

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.sources.catalogue import Catalogue

PROGRAMME = Programme(
    name="Knife Crime Action Plan",
    start="2017-06",  # the papers give none: see the module's text
    roles="knife_crime_roles.csv",
    register="knife-crime-action-plan",
    buffer_rings=0,
)

WINDOW = Window(first="2010-04", last="2020-02")
EXACT = ("knife_injury_victims", "knife_crime_with_injury")
PRIMARY = (*EXACT, "violence_with_injury")
BLADES = "possession_of_article_with_blade_or_point"
PERSONAL_ROBBERY = "robbery_of_personal_property"
BOROUGH = "E09000030"

#: One borough among the others; the cluster-robust error beside it, to be compared and not to be relied on.
PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())
EVERY_METHOD = (*PLACEBO, ConleyTaber(), FermanPinto(), Conformal(statistic=AbsoluteMean()))
RANKED = (PlaceboNeighbourhoods(),)
#: A model of one series by its own errors; where it can be fitted to every borough, by its rank among them first.
OWN = (OwnErrors(),)
RANKED_SERIES = (PlaceboSeries(), OwnErrors())
#: Violence with injury rose by a fifth over all boroughs from 2013 to 2014, when its recording was inspected.
RECORDING = Interruption(month="2014-04")
POISSON = PoissonDiD()
SEASON = Harmonics(pairs=2)

QUARTERS = ("2017-01", "2017-04", "2017-07", "2017-10", "2018-01", "2018-04", "2018-07", "2018-10")
#: Officers of the Partnership Taskforce in post, from the board's report: sergeants and constables together.
OFFICERS = (
    Dose(month="2018-04", amount=6),
    Dose(month="2018-09", amount=11),
    Dose(month="2019-11", amount=22),
)

#: The last whole year that was out when the claim was made, against the one before it.
TO_OCTOBER = ("year to October 2019", ("2017-11", "2018-10"), ("2018-11", "2019-10"))
BOARD_REPORT = "Transformation & Improvement Board report, 9 December 2019"
CURVE = SpecificationCurve(
    windows=(Window(first="2014-06", last="2020-02"), Window(first="2010-04", last="2019-05")),
    comparisons=("inner",),
    starts=("2018-01", "2018-07"),
    buffer_rings=(1,),
    estimators=(LinearDiD(),),
)


def real(catalogue: Catalogue) -> Inputs:
    """Metropolitan Police borough counts, with knife crime and injury victims where a dashboard file holds them."""
    from cseval.sources.borough_inputs import borough_inputs

    return borough_inputs(catalogue, PROGRAMME, WINDOW, forces=True)


def demonstration(seed: int) -> Inputs:
    """Thirty-two fictional boroughs."""
    from cseval.sources.demonstration_boroughs import simulate_boroughs

    return simulate_boroughs(seed)


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


def started(month: str) -> Analysis:
    """The primary comparison with another start."""
    note = "The papers give no start; one of eight quarters that it might have been."
    return sensitivity(f"start-{month}", f"Start {month_words(month)}", note, start=month)


def biggest_decrease(
    slug: str,
    reading: str,
    before: tuple[str, str],
    after: tuple[str, str],
    outcomes: tuple[str, ...] = PRIMARY,
) -> BiggestDecrease:
    """One reading of a claim that names no months: it was made in December 2019 of "2018-2019"."""
    return BiggestDecrease(
        statement=Statement(
            slug=slug,
            text="between 2018-2019 Tower Hamlets experienced the biggest decrease in knife crime injury victims of "
            "all London Boroughs",
            reading=f"{reading} against the year before",
            source=BOARD_REPORT,
            paragraph="3.2",
        ),
        outcomes=outcomes,
        exact=EXACT[:1],
        unit=BOROUGH,
        before=before,
        after=after,
    )


ANALYSES = (
    Analysis(
        slug="primary",
        outcome=PRIMARY,
        estimator=POISSON,
        inference=EVERY_METHOD,
        role="primary",
        label="Primary outcome",
        note="Victims of knife injury or knife crime with injury where their counts are present, else violence with "
        "injury.",
    ),
    secondary("violence_with_injury", "Violence with injury", "Most of it without a knife."),
    secondary("knife_crime", "Knife crime", "Offences flagged as involving a knife; only in a dashboard file."),
    secondary(
        BLADES, "Possession of a blade", "Recorded when police search: police activity, not only knives carried."
    ),
    secondary(PERSONAL_ROBBERY, "Personal robbery"),
    secondary("homicide", "Homicide", "A handful a year in one borough."),
    sensitivity(
        "synthetic-control",
        "Synthetic control",
        "A weighted mix of boroughs that moved like this one before the start, ranked among the same for each borough.",
        estimator=SyntheticControl(),
        inference=RANKED,
    ),
    sensitivity(
        "augmented-synthetic-control",
        "Augmented synthetic control",
        "The same, corrected by ridge regression for what the mix does not fit.",
        estimator=AugmentedSC(),
        inference=RANKED,
    ),
    sensitivity(
        "synthetic-did",
        "Synthetic difference in differences",
        "Boroughs and months weighted so that the two courses before the start are parallel.",
        estimator=SyntheticDiD(),
        inference=RANKED,
    ),
    sensitivity(
        "interrupted-time-series",
        "This borough alone (interrupted time series, with a step in 2014)",
        "Level change at the start against the borough's own trend and season. Violence with injury rose by a fifth "
        "over all boroughs from 2013 to 2014; without a step that is taken for a trend. Ranked among the same model of "
        "each other borough, since its own errors are far too small.",
        estimator=SegmentedRegression(slope=False, season=SEASON, interruptions=(RECORDING,)),
        inference=RANKED_SERIES,
    ),
    sensitivity(
        "interrupted-time-series-no-step",
        "The same without the step in 2014",
        "The rise of 2014 is then part of the trend, and the months after the start fall short of it.",
        estimator=SegmentedRegression(slope=False, season=SEASON),
        inference=RANKED_SERIES,
    ),
    sensitivity(
        "controlled-time-series",
        "This borough and the others (controlled time series)",
        "Level and slope change against the others' level and slope change.",
        estimator=ControlledITS(season=SEASON),
        inference=RANKED_SERIES,
    ),
    sensitivity(
        "arima",
        "This borough alone (ARIMA)",
        "The same question with errors that follow on from each other; order chosen before the start.",
        estimator=ArimaITS(),
        inference=OWN,
    ),
    sensitivity(
        "structural-time-series",
        "This borough alone (structural time series)",
        "A level that may drift, so that a drift is not taken for the plan.",
        estimator=StructuralITS(),
        inference=OWN,
    ),
    *map(started, QUARTERS),
    sensitivity(
        "inner-boroughs",
        "Inner boroughs only",
        "Boroughs nearer in kind; too few of them to rank, so the borough is held against itself at other times.",
        comparison="inner",
        inference=(Conformal(statistic=AbsoluteMean()),),
    ),
    sensitivity("neighbours-left-out", "Neighbours left out", "If harm moved across the border.", buffer_rings=1),
    sensitivity(
        "window-three-years-before",
        "Three years before",
        "A pre period nearer to the start, after the recording of violence was inspected in 2014.",
        window=Window(first="2014-06", last="2020-02"),
    ),
    sensitivity(
        "window-two-years-after",
        "Two years after",
        "Whole years on both sides, so season cancels exactly.",
        window=Window(first="2010-06", last="2019-05"),
    ),
    sensitivity("linear", "Linear model", "Incidents per borough and month instead of a ratio.", estimator=LinearDiD()),
    Analysis(
        slug="taskforce-dose",
        outcome=PRIMARY,
        estimator=DoseResponse(doses=OFFICERS, unit_of_dose="officers"),
        inference=RANKED,
        role="exploratory",
        start="2018-04",
        label="Partnership Taskforce officers in post",
        note="The council's own police posts rose from 6 to 11 to 22 in the same months; their effect cannot be told "
        "from the plan's by a before and after, but a change that follows the number in post would point to them.",
    ),
)

EVALUATION = Evaluation(
    slug="knife-crime-action-plan",
    title="Knife Crime Action Plan",
    question=(
        "Did knife-enabled harm in the borough change after the Knife Crime Action Plan, compared with the other "
        "London boroughs, all of which had plans of their own by April 2019?"
    ),
    programme=PROGRAMME,
    window=WINDOW,
    real=real,
    demonstration=demonstration,
    needs=("mps-borough", "borough-boundaries"),
    optional=("mps-dashboard", "borough-population", "home-office-knife-force", "stop-and-search-counts"),
    analyses=ANALYSES,
    checks=(
        PreTrends(),
        HonestTrends(),
        PlaceboStarts(),
        RegressionToMean(),
        BaselinePeak(),
        LeaveOneOut(),
        LeaveOneDonorOut(),
        SeriesGrid(interruptions=(RECORDING,)),
        CURVE,
        ErrorRate(),
        CoInterventions(),
        Coverage(),
        Autocorrelation(),
        Overdispersion(),
    ),
    claims=(
        biggest_decrease("biggest-decrease", TO_OCTOBER[0], *TO_OCTOBER[1:]),
        biggest_decrease("biggest-decrease-2019", "calendar year 2019", ("2018-01", "2018-12"), ("2019-01", "2019-12")),
        biggest_decrease(
            "biggest-decrease-2018-19", "financial year 2018/19", ("2017-04", "2018-03"), ("2018-04", "2019-03")
        ),
        biggest_decrease("biggest-decrease-robbery", TO_OCTOBER[0], *TO_OCTOBER[1:], outcomes=(PERSONAL_ROBBERY,)),
        biggest_decrease("biggest-decrease-blades", TO_OCTOBER[0], *TO_OCTOBER[1:], outcomes=(BLADES,)),
        RollingYearTrend(
            statement=Statement(
                slug="downward-trend",
                text="police crime data shows a downward trend of offences compared on a rolling year",
                source=BOARD_REPORT,
                paragraph="3.2",
            ),
            outcomes=("knife_crime", *PRIMARY),
            exact=("knife_crime",),
            units=(BOROUGH,),
            start="2017-06",
            last="2019-10",
            months_before=36,  # from June 2014 on, after the rise of 2013 to 2014 that all boroughs share
        ),
    ),
    parts=(PoliceActivityPart(outcome="possession_of_article_with_blade_or_point"),),
    reasons=(
        (
            "Victims of knife injury, knife crime with injury",
            "What the plan and the public claim are about; primary wherever a dashboard file of those years is "
            "imported. The dashboard as published today begins in 2022.",
        ),
        (
            "Violence with injury",
            "Primary where no knife counts are present: the harm that the plan was to lower, frequent enough in one "
            "borough to be estimated. Most of it involves no knife, so a change in knife crime alone is diluted in it.",
        ),
        (
            "Possession of a blade",
            "Recorded when officers search. A rise may be more searching, which the plan asked for, or more blades.",
        ),
        ("Personal robbery", "Where many knives are shown and few are used; secondary."),
        (
            "The other boroughs as placebos",
            "Where the report speaks of placebo neighbourhoods, each is one other borough: the whole map has 31.",
        ),
        ("Homicide", "Too few in one borough for any statement; shown for completeness."),
        (
            "June 2017",
            "The papers give no start. The London Knife Crime Strategy of June 2017 asked for such plans, so it is "
            "the earliest month; eight sensitivities move the start by quarter from January 2017 to October 2018.",
        ),
        ("April 2010 to February 2020", "All published months before the start; ends before the pandemic."),
    ),
    limits=(
        "Every other London borough had a plan of its own by April 2019. The estimate is of this plan against the "
        "others' plans, so it cannot say whether plans help.",
        "One borough was treated, so a p-value cannot be lower than one in the number of boroughs.",
        "The start is not in the papers. It was registered from the London strategy that asked for such plans.",
        "Counts are of offences recorded by the police. Recording, searching and reporting can change while harm does "
        "not; hospital data would be needed to see injuries that no one reports.",
        "The Partnership Taskforce, Operation Continuum and the Rapid Response Team ran there in the same months. "
        "Nothing here tells their effects apart from the plan's.",
    ),
)

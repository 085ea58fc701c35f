"""Rapid Response Team: did violence with injury in the borough change after an officer came to the hospital?

The question
    From January 2019 a Violent Crime Reduction Officer at the Royal London Hospital met people aged 10 to 26 who had
    been injured by weapons, and a Rapid Response Team followed them up. What it was to prevent is that the same person
    is hurt again or takes revenge. The police counts have no ages and no persons, so what can be asked of them is
    whether recorded violence with injury in the borough changed more than in other boroughs.

Why that is a weak answer
    The team met a few of those who are hurt in a year, and the hospital serves several boroughs. An effect on the
    people it met would have to be very large to be seen among all violence with injury. The report therefore says what
    size of change this comparison could have seen, and the register what hospital data would be needed.

The comparison
    March 2014, when the recording of violence began to change, would make the years before another measure; so
    January 2015 to December 2018 against January 2019 to December 2019, whole years that end before the pandemic. Every
    other borough is a comparison unit, and this one is ranked among them. Leaving out the neighbours, whose residents
    the hospital serves too, is a sensitivity. The protocol was fixed before any effect was looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cseval.checks.co_interventions import CoInterventions
from cseval.checks.coverage import Coverage
from cseval.checks.error_rate import ErrorRate
from cseval.checks.honest_trends import HonestTrends
from cseval.checks.leave_one_donor_out import LeaveOneDonorOut
from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends
from cseval.checks.regression_to_mean import RegressionToMean
from cseval.checks.residuals import Autocorrelation, Overdispersion
from cseval.estimators.poisson_did import PoissonDiD
from cseval.estimators.synthetic_did import SyntheticDiD
from cseval.inference.covariance import ClusterRobust
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.spec import Analysis, Evaluation, Programme, Window

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.sources.catalogue import Catalogue

START = "2019-01"
PROGRAMME = Programme(
    name="Rapid Response Team",
    start=START,
    roles="rapid_response_roles.csv",
    register="rapid-response-team",
    buffer_rings=0,
)
WINDOW = Window(first="2015-01", last="2019-12")
POISSON = PoissonDiD()
#: One borough among the others; the cluster-robust error beside it, to be compared and not to be relied on.
PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())
INJURY = "violence_with_injury"


def real(catalogue: Catalogue) -> Inputs:
    """Metropolitan Police borough counts."""
    from cseval.sources.borough_inputs import borough_inputs

    return borough_inputs(catalogue, PROGRAMME, WINDOW)


def demonstration(seed: int) -> Inputs:
    """Thirty-two fictional boroughs, in which the team changes nothing that can be seen in a whole borough."""
    from cseval.sources.demonstration_boroughs import UNTOUCHED, simulate_boroughs

    return simulate_boroughs(seed, UNTOUCHED, START)


def secondary(outcome: str, label: str, note: str) -> Analysis:
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
    return Analysis(slug=slug, outcome=INJURY, role="sensitivity", label=label, note=note, **declared)  # type: ignore[arg-type]


EVALUATION = Evaluation(
    slug="rapid-response-team",
    title="Rapid Response Team and Violent Crime Reduction Officer",
    question=(
        "Did recorded violence with injury in the borough change from January 2019, when an officer began to meet "
        "young people injured by weapons at the Royal London Hospital, compared with the other boroughs?"
    ),
    programme=PROGRAMME,
    window=WINDOW,
    real=real,
    demonstration=demonstration,
    needs=("mps-borough", "borough-boundaries"),
    optional=("borough-population",),
    analyses=(
        Analysis(
            slug="primary",
            outcome=INJURY,
            estimator=POISSON,
            inference=PLACEBO,
            role="primary",
            label="Violence with injury",
            note="At every age and by any means: the published counts have neither ages nor weapons.",
        ),
        secondary(
            "possession_of_article_with_blade_or_point",
            "Possession of a blade",
            "Recorded when police search: police activity, not only knives carried.",
        ),
        secondary("homicide", "Homicide", "A handful a year in one borough; shown so that nobody has to ask."),
        sensitivity(
            "synthetic-did",
            "Synthetic difference in differences",
            "Boroughs and months weighted so that the two courses before the start are parallel.",
            estimator=SyntheticDiD(),
            inference=(PlaceboNeighbourhoods(),),
        ),
        sensitivity(
            "window-two-years-before",
            "Two years before",
            "A pre period nearer to the start.",
            window=Window(first="2017-01", last="2019-12"),
        ),
        sensitivity(
            "neighbours-left-out",
            "Neighbours left out",
            "The hospital serves the boroughs around it, which may have gained too.",
            buffer_rings=1,
        ),
    ),
    checks=(
        PreTrends(),
        HonestTrends(),
        PlaceboStarts(),
        RegressionToMean(),
        LeaveOneDonorOut(),
        ErrorRate(),
        CoInterventions(),
        Coverage(),
        Autocorrelation(),
        Overdispersion(),
    ),
    reasons=(
        (
            "Violence with injury",
            "The nearest that the published counts have to injury by weapons; most of it is neither by a weapon nor "
            "against the young.",
        ),
        ("January 2019", "The officer's first month in the board's report of 9 December 2019, paragraph 3.5."),
        (
            "January 2015 to December 2019",
            "Whole years after the recording of violence changed and before the pandemic.",
        ),
    ),
    limits=(
        "The team met a small part of those who are hurt in the borough, and the counts are of all of them. No clear "
        "change here does not say that the team helped nobody it met.",
        "What would answer the question is hospital attendances for assault by age, month and home borough, and every "
        "eligible patient with later attendances, whether met by the officer or not. None are at hand.",
        "The hospital serves several boroughs, so those compared with may have had some of the programme.",
        "One borough was treated, so a p-value cannot be lower than one in the number of boroughs.",
        "Counts are of offences recorded by the police; an injury that nobody reports is not among them.",
        "The Knife Crime Action Plan, the Partnership Taskforce and Operation Continuum ran there in the same months. "
        "Nothing here tells their effects apart from the team's.",
    ),
)

"""ASB Blueprint: did disorder in the borough change after the first year of the Blueprint?

The question
    The Blueprint of March 2017 put victims first and set three priorities for anti-social behaviour in the whole
    borough. Did disorder change more there than in other boroughs?

What can be counted
    The outcome of the protocol is anti-social behaviour as the police count it. No published borough file goes back far
    enough, so public fear, alarm or distress, the recorded offence nearest to it, stands in and the report says so.

The comparison
    December 2014 to February 2017 against March 2018 to February 2020. The year between, in which the Blueprint was
    carried out, is left out; a sensitivity counts it. The months before begin after the inspection of November 2014,
    from which on more public order offences were recorded. Every other borough is a comparison unit, and this one is
    ranked among them. The protocol was fixed before any effect was looked at.
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

START = "2017-03"
PROGRAMME = Programme(
    name="ASB Blueprint",
    start=START,
    roles="asb_blueprint_roles.csv",
    register="asb-blueprint",
    transition=12,  # carried out over its first year: no month has a sharp start
    buffer_rings=0,
)
WINDOW = Window(first="2014-12", last="2020-02")
POISSON = PoissonDiD()
#: One borough among the others; the cluster-robust error beside it, to be compared and not to be relied on.
PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())
STAND_IN = "public_fear_alarm_or_distress"
#: No published file has anti-social behaviour by borough that far back; the offence nearest to it stands in.
DISORDER = ("anti_social_behaviour", STAND_IN)


def real(catalogue: Catalogue) -> Inputs:
    """Metropolitan Police borough counts."""
    from cseval.sources.borough_inputs import borough_inputs

    return borough_inputs(catalogue, PROGRAMME, WINDOW)


def demonstration(seed: int) -> Inputs:
    """Thirty-two fictional boroughs, in one of which disorder falls by a twentieth."""
    from dataclasses import replace

    from cseval.sources.demonstration_boroughs import UNTOUCHED, BoroughOutcome, simulate_boroughs

    fear = BoroughOutcome(
        level=75.0, spread=0.3, trend=0.08, drift=0.02, season=0.05, shock=0.06, dispersion=0.005, true_ratio=0.95
    )
    damage = replace(fear, level=160.0, spread=0.25, trend=-0.02, shock=0.05, true_ratio=1.0)
    return simulate_boroughs(seed, {**UNTOUCHED, STAND_IN: fear, "criminal_damage": damage}, START)


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
    return Analysis(slug=slug, outcome=DISORDER, role="sensitivity", label=label, note=note, **declared)  # type: ignore[arg-type]


EVALUATION = Evaluation(
    slug="asb-blueprint",
    title="ASB Blueprint",
    question=(
        "Did anti-social behaviour, or the recorded offence nearest to it, change in the borough after the first year "
        "of the Blueprint, compared with the other boroughs?"
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
            outcome=DISORDER,
            estimator=POISSON,
            inference=PLACEBO,
            role="primary",
            label="Disorder",
            note="Anti-social behaviour where its counts are present, else public fear, alarm or distress.",
        ),
        secondary("criminal_damage", "Criminal damage", "Reported by those whom it happens to."),
        sensitivity(
            "first-year-counted",
            "First year counted",
            "From March 2017 on, with the months in which the Blueprint was still being carried out.",
            transition=0,
        ),
        sensitivity(
            "synthetic-did",
            "Synthetic difference in differences",
            "Boroughs and months weighted so that the two courses before the start are parallel.",
            estimator=SyntheticDiD(),
            inference=(PlaceboNeighbourhoods(),),
        ),
        sensitivity(
            "before-warning-slips",
            "Without the months of warning slips",
            "Ends the months before in August 2016, when police warnings had not begun.",
            start="2016-09",
            transition=18,
        ),
        sensitivity(
            "neighbours-left-out", "Neighbours left out", "If disorder moved across the border.", buffer_rings=1
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
            "Public fear, alarm or distress",
            "Stands in for anti-social behaviour: police street files hold that from December 2010, but a long run of "
            "them is a large download, and the published borough file has none. Most calls about anti-social behaviour "
            "never become such an offence.",
        ),
        ("March 2017", "The month of the Blueprint in the board's report of 9 December 2019, paragraph 3.1."),
        ("The first year left out", "The Blueprint was carried out over a year, so those months are neither."),
        (
            "December 2014 to February 2020",
            "After the recording of public order offences changed, before the pandemic.",
        ),
    ),
    limits=(
        "Whatever is found is of recorded offences that stand in for anti-social behaviour, not of anti-social "
        "behaviour as residents call about it.",
        "A plan carried out over a year has no sharp start, so its effect cannot be told from a slow change of another "
        "kind.",
        "One borough was treated, so a p-value cannot be lower than one in the number of boroughs.",
        "Police warning slips began in September 2016, and the Knife Crime Action Plan, Operation Continuum, the "
        "Partnership Taskforce and the Neighbourhood Management Pilot in the months after. Nothing here tells their "
        "effects apart from the Blueprint's.",
    ),
)

"""Operation Continuum: did recorded drug offences and disorder in the borough change after December 2017?

The question
    Council and police set out to disrupt the drugs market from December 2017. The board's report counts what was done
    up to July 2019: 129 people charged with 243 supply charges, 125 referred to treatment, 57 weapon sweeps. Did the
    offences that the police recorded change more than in other boroughs?

What a change would mean
    A drug offence is recorded where an officer looks for one. An operation against dealing makes more of them, and one
    that drove dealing away would make fewer, so neither a rise nor a fall says what dealing did. The primary outcome is
    therefore a measure of what the police did. Harm that drug markets bring to those who live near them, public fear,
    alarm or distress and criminal damage, is reported by the public, and a fall of it would be good; it is secondary,
    since most of it has nothing to do with drugs.

The comparison
    December 2010 to November 2017 against December 2017 to November 2019: whole years on both sides, up to the month
    before the board was told. Every other borough is a comparison unit, and this one is ranked among them. The
    protocol was fixed before any effect was looked at.
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
from cseval.parts.activity import EqualityPart, PoliceActivityPart
from cseval.spec import Analysis, Evaluation, Programme, Window

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.sources.catalogue import Catalogue

START = "2017-12"
PROGRAMME = Programme(
    name="Operation Continuum",
    start=START,
    roles="operation_continuum_roles.csv",
    register="operation-continuum",
    buffer_rings=0,
)
WINDOW = Window(first="2010-12", last="2019-11")
POISSON = PoissonDiD()
#: One borough among the others; the cluster-robust error beside it, to be compared and not to be relied on.
PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())
DRUGS = "drug_offences"


def real(catalogue: Catalogue) -> Inputs:
    """Metropolitan Police borough counts."""
    from cseval.sources.borough_inputs import borough_inputs

    return borough_inputs(catalogue, PROGRAMME, WINDOW)


def demonstration(seed: int) -> Inputs:
    """Thirty-two fictional boroughs, in which the operation brings more drug offences to light."""
    from dataclasses import replace

    from cseval.sources.demonstration_boroughs import UNTOUCHED, BoroughOutcome, simulate_boroughs

    drugs = BoroughOutcome(
        level=110.0, spread=0.45, trend=-0.05, drift=0.03, season=0.02, shock=0.15, dispersion=0.02, true_ratio=1.2
    )
    inputs = simulate_boroughs(
        seed,
        {
            **UNTOUCHED,
            "possession_of_drugs": drugs,
            "trafficking_of_drugs": replace(drugs, level=9.0, trend=0.0),
            "public_fear_alarm_or_distress": replace(
                drugs, level=75.0, spread=0.3, trend=0.08, shock=0.06, true_ratio=0.95
            ),
            "criminal_damage": replace(drugs, level=160.0, spread=0.25, trend=-0.02, shock=0.05, true_ratio=1.0),
        },
        START,
    )
    return replace(
        inputs,
        panel=inputs.panel.with_sum(DRUGS, ("possession_of_drugs", "trafficking_of_drugs")),
        truth={**inputs.truth, DRUGS: inputs.truth["possession_of_drugs"]},
    )


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
    return Analysis(slug=slug, outcome=DRUGS, role="sensitivity", label=label, note=note, **declared)  # type: ignore[arg-type]


EVALUATION = Evaluation(
    slug="operation-continuum",
    title="Operation Continuum",
    question=(
        "Did drug offences recorded in the borough, which follow what officers do and so say nothing of dealing either "
        "way, and the disorder that residents report change after December 2017, compared with the other boroughs?"
    ),
    programme=PROGRAMME,
    window=WINDOW,
    real=real,
    demonstration=demonstration,
    needs=("mps-borough", "borough-boundaries"),
    optional=("borough-population", "stop-and-search", "stop-and-search-counts"),
    analyses=(
        Analysis(
            slug="primary",
            outcome=DRUGS,
            estimator=POISSON,
            inference=PLACEBO,
            role="primary",
            label="Drug offences (police activity)",
            note="Recorded where officers look for them: a rise may be the operation at work, and a fall less of it.",
        ),
        secondary("trafficking_of_drugs", "Drug trafficking", "What the operation was against; police activity too."),
        secondary("possession_of_drugs", "Drug possession", "Follows stop and search."),
        secondary(
            "public_fear_alarm_or_distress",
            "Public fear, alarm or distress",
            "Reported by the public; the nearest that the published file has to anti-social behaviour.",
        ),
        secondary("criminal_damage", "Criminal damage", "Reported by those whom it happens to."),
        sensitivity(
            "synthetic-did",
            "Synthetic difference in differences",
            "Boroughs and months weighted so that the two courses before the start are parallel.",
            estimator=SyntheticDiD(),
            inference=(PlaceboNeighbourhoods(),),
        ),
        sensitivity(
            "window-three-years-before",
            "Three years before",
            "A pre period nearer to the start.",
            window=Window(first="2014-12", last="2019-11"),
        ),
        sensitivity(
            "neighbours-left-out", "Neighbours left out", "If dealing moved across the border.", buffer_rings=1
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
    parts=(PoliceActivityPart(), EqualityPart(denominators="residents_by_group_2011.csv")),
    reasons=(
        (
            "Drug offences",
            "What the operation acts on first. They are police activity, so the estimate has no good or bad direction; "
            "primary because they are frequent enough in one borough to be estimated.",
        ),
        (
            "Public fear, alarm or distress",
            "The published borough file has no anti-social behaviour; this is the recorded offence nearest to it, and "
            "a fall of it would be good.",
        ),
        ("December 2017", "The first month of the operation in the board's report of 9 December 2019, paragraph 3.5."),
        ("December 2010 to November 2019", "Whole years on both sides, before the board's report and the pandemic."),
    ),
    limits=(
        "Drug offences are recorded where officers look for them. Neither a rise nor a fall of them says whether there "
        "was more or less dealing, or whether the operation did any good.",
        "One borough was treated, so a p-value cannot be lower than one in the number of boroughs.",
        "The operation went to certain streets and days, which the papers do not give; a change there is diluted over "
        "the whole borough.",
        "The Knife Crime Action Plan, the Partnership Taskforce and the Neighbourhood Management Pilot ran there in "
        "the same months. Nothing here tells their effects apart from the operation's.",
    ),
)

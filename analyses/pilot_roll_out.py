"""Roll-out of the pilot: how three neighbourhoods that begin in three months would be evaluated.

The question
    If the Neighbourhood Management Pilot were taken to further neighbourhoods, one after another, by how much would
    anti-social behaviour change in each of them from its own start on? No such roll-out has happened, so there are no
    real data. The evaluation runs on demonstration data with a known true effect, so that the methods can be seen at
    work, and held against the truth, before a roll-out is decided.

The comparison
    Three neighbourhoods of three wards against all wards that do not touch them, and against each other until they
    begin. Effects may differ between neighbourhoods and grow over time. A model with one effect for all would then
    compare neighbourhoods that begin with neighbourhoods that have begun, and subtract what the programme does there.
    The primary model therefore has one effect for each neighbourhood and month, and adds them up: the incidents in all
    treated wards from their own starts on, against those expected there.

Why not just a standard error
    Three neighbourhoods are three places. The uncertainty is taken from placebo neighbourhoods: three sets of three
    wards elsewhere, as far apart as the programme's, each with the start of the one in whose place it was drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cseval.checks.bacon import BaconDecomposition
from cseval.checks.buffer import BufferExclusion
from cseval.checks.coverage import Coverage
from cseval.checks.error_rate import ErrorRate
from cseval.checks.leave_one_out import LeaveOneOut
from cseval.checks.placebo_starts import PlaceboStarts
from cseval.checks.pre_trends import PreTrends
from cseval.checks.residuals import Overdispersion
from cseval.checks.spatial_residuals import SpatialResiduals
from cseval.estimators.callaway_santanna import CallawaySantAnna
from cseval.estimators.etwfe import PoissonETWFE
from cseval.estimators.imputation import Imputation
from cseval.estimators.sun_abraham import SunAbraham
from cseval.inference.covariance import ClusterRobust
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.spec import Analysis, Evaluation, Programme, Window

if TYPE_CHECKING:
    from cseval.inputs import Inputs

PROGRAMME = Programme(
    name="Neighbourhood Management roll-out",
    start="2018-05",
    roles="the demonstration data",
    buffer_rings=1,
    neighbourhoods=3,
)
WINDOW = Window(first="2016-11", last="2019-10")
PRIMARY = "anti_social_behaviour"
PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())
#: For estimators whose own errors cannot be computed for thousands of placebo neighbourhoods.
ALONE = (PlaceboNeighbourhoods(),)
POISSON = PoissonETWFE()


def demonstration(seed: int) -> Inputs:
    """The fictional borough with three neighbourhoods that begin in May 2018, October 2018 and February 2019."""
    from cseval.sources.demonstration_rollout import simulate_rollout

    return simulate_rollout(seed)


def secondary(outcome: str, label: str) -> Analysis:
    """A secondary outcome in the primary comparison."""
    return Analysis(
        slug=outcome.replace("_", "-"),
        outcome=outcome,
        estimator=POISSON,
        inference=PLACEBO,
        role="secondary",
        label=label,
    )


def sensitivity(slug: str, label: str, note: str, **changes: object) -> Analysis:
    """The primary outcome with one thing changed."""
    declared = {"estimator": POISSON, "inference": PLACEBO, **changes}
    return Analysis(slug=slug, outcome=PRIMARY, role="sensitivity", label=label, note=note, **declared)  # type: ignore[arg-type]


ANALYSES = (
    Analysis(
        slug="primary",
        outcome=PRIMARY,
        estimator=POISSON,
        inference=PLACEBO,
        role="primary",
        label="Anti-social behaviour",
        note="All treated wards from their own starts on.",
    ),
    secondary("arson_and_criminal_damage", "Arson and criminal damage"),
    secondary("public_order_offences", "Public order offences"),
    secondary("violence_against_the_person", "Violence against the person"),
    sensitivity(
        "imputation",
        "Linear model (imputation)",
        "Incidents per ward and month instead of a ratio; unit and month effects from untreated months.",
        estimator=Imputation(),
    ),
    sensitivity(
        "callaway-santanna",
        "Against wards that never begin, from one base month",
        "Nothing is assumed of months before the last one before a start; the noise of that month is in the estimate.",
        estimator=CallawaySantAnna(),
        inference=ALONE,
    ),
    sensitivity(
        "callaway-santanna-not-yet",
        "The same, with wards not yet begun as comparison too",
        "Neighbourhoods that begin later resemble those that begin earlier.",
        estimator=CallawaySantAnna(controls="not-yet"),
        inference=ALONE,
    ),
    sensitivity(
        "sun-abraham",
        "Interaction-weighted event study",
        "The same comparisons by regression, with its own standard errors.",
        estimator=SunAbraham(),
        inference=ALONE,
    ),
    sensitivity(
        "one-year-before",
        "One year before",
        "A shorter pre period, nearer to the first start.",
        window=Window(first="2017-05", last="2019-10"),
    ),
    sensitivity("buffer-kept", "Neighbouring wards kept", "What leaving out the neighbours changes.", buffer_rings=0),
)

EVALUATION = Evaluation(
    slug="pilot-roll-out",
    title="Roll-out of the pilot (demonstration)",
    question=(
        "By how much would recorded incidents change in three neighbourhoods that take up the programme in May 2018, "
        "October 2018 and February 2019, each from its own start on, compared with what would have been expected "
        "without it?"
    ),
    programme=PROGRAMME,
    window=WINDOW,
    real=None,
    demonstration_only="the pilot has not been rolled out to further neighbourhoods, so no real data exist.",
    demonstration=demonstration,
    needs=(),
    analyses=ANALYSES,
    checks=(
        PreTrends(),
        PlaceboStarts(),
        BaconDecomposition(),
        BufferExclusion(),
        LeaveOneOut(),
        ErrorRate(),
        Coverage(),
        Overdispersion(),
        SpatialResiduals(),
    ),
    reasons=(
        (
            "Demonstration data",
            "No roll-out has happened. The counts are simulated and their true effects are known: the column "
            "`true_percent_change` of `effects.csv` has, for each estimate, what it should have found.",
        ),
        (
            "One effect for each neighbourhood and month",
            "Effects that grow or differ between neighbourhoods bias a model with one effect for all; the "
            "decomposition among the checks shows what such a model would have compared.",
        ),
        (
            "November 2016 to October 2019",
            "Eighteen months before the first start, and eighteen from it on; nine for the last neighbourhood.",
        ),
    ),
    limits=(
        "Everything here is simulated. It says how a roll-out would be evaluated, and nothing about any real place.",
        "Three neighbourhoods were treated. Whatever else changed in them from their own starts on is in the estimate.",
        "The change in the wards next door is counted from the first start on, wherever they lie, so that of "
        "neighbourhoods which begin later is diluted.",
    ),
)

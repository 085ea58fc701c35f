"""Partnership Taskforce: did recorded crime follow the number of officers that the council paid for?

The question
    The council agreed in September 2017 to pay for police of its own. One sergeant and five constables came in April
    2018, one and ten from September 2018, and twice as many were promised for November 2019. If such officers lower
    harm, harm should fall when they come and fall further with each further officer: a dose-response.

What the outcomes mean
    Violence with injury is primary, because victims report it. Drug and weapon offences are found by officers, so more
    officers find more of them; possession of a blade is shown for that. Whether arrests and warnings rise with officers
    in post needs the team's returns by month, which are not at hand: the papers give a year and a total.

The comparison
    April 2015 to March 2018 against April 2018 to February 2020. Every other borough is given the same doses in the
    same months, and this one is ranked among them. The protocol was fixed before any effect was looked at.

The money
    On real data the report holds what each output cost under every cost that the papers allow to be laid on it, and
    how many offences would have to be averted in a year to be worth the yearly price that was proposed. A benefit is
    worked out only from an effect that can be told from none.
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
from cseval.estimators.dose import Dose, DoseResponse
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.parts.activity import EqualityPart, PoliceActivityPart
from cseval.parts.money import TaskforceMoney
from cseval.spec import Analysis, Evaluation, Programme, Window

if TYPE_CHECKING:
    from cseval.inputs import Inputs
    from cseval.sources.catalogue import Catalogue

START = "2018-04"
PROGRAMME = Programme(
    name="Partnership Taskforce",
    start=START,
    roles="partnership_taskforce_roles.csv",
    register="partnership-taskforce",
    buffer_rings=0,
)
WINDOW = Window(first="2015-04", last="2020-02")
HARM = "violence_with_injury"
#: Sergeants and constables in post, from the board's report of 9 December 2019, paragraph 3.6. The third step was
#: promised, and nothing says that it was kept.
OFFICERS = (Dose(month="2018-04", amount=6), Dose(month="2018-09", amount=11), Dose(month="2019-11", amount=22))
DOSE = DoseResponse(doses=OFFICERS, unit_of_dose="officers")
RANKED = (PlaceboNeighbourhoods(),)


def real(catalogue: Catalogue) -> Inputs:
    """Metropolitan Police borough counts."""
    from cseval.sources.borough_inputs import borough_inputs

    return borough_inputs(catalogue, PROGRAMME, WINDOW)


def demonstration(seed: int) -> Inputs:
    """Thirty-two fictional boroughs, in which the officers change nothing that can be seen in a whole borough."""
    from cseval.sources.demonstration_boroughs import UNTOUCHED, simulate_boroughs

    return simulate_boroughs(seed, UNTOUCHED, START)


def secondary(outcome: str, label: str, note: str) -> Analysis:
    """A secondary outcome in the primary comparison."""
    return Analysis(
        slug=outcome.replace("_", "-"),
        outcome=outcome,
        estimator=DOSE,
        inference=RANKED,
        role="secondary",
        label=label,
        note=note,
    )


def sensitivity(slug: str, label: str, note: str, **changes: object) -> Analysis:
    """The primary outcome with one thing changed."""
    declared = {"estimator": DOSE, "inference": RANKED, **changes}
    return Analysis(slug=slug, outcome=HARM, role="sensitivity", label=label, note=note, **declared)  # type: ignore[arg-type]


EVALUATION = Evaluation(
    slug="partnership-taskforce",
    title="Partnership Taskforce",
    question=(
        "Did recorded crime in the borough follow the number of police officers that the council paid for, from 6 in "
        "April 2018 to 11 in September 2018 and the 22 promised for November 2019, compared with the other boroughs?"
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
            outcome=HARM,
            estimator=DOSE,
            inference=RANKED,
            role="primary",
            label="Violence with injury",
            note="Change with each officer in post; it is reported by victims and not found by patrols.",
        ),
        secondary("robbery_of_personal_property", "Personal robbery", "Reported by those who were robbed."),
        secondary(
            "possession_of_article_with_blade_or_point",
            "Possession of a blade",
            "Recorded when police search: more officers, more of it.",
        ),
        secondary("homicide", "Homicide", "A handful a year in one borough; shown so that nobody has to ask."),
        sensitivity(
            "posts-kept",
            "Without the promised step",
            "Eleven officers to the end, if the promise of November 2019 was not kept.",
            estimator=DoseResponse(doses=OFFICERS[:2], unit_of_dose="officers"),
        ),
        sensitivity(
            "before-and-after",
            "Any officers against none",
            "One step at April 2018, whatever the number.",
            estimator=PoissonDiD(),
        ),
        sensitivity(
            "window-to-october-2019",
            "To October 2019",
            "Before the promised step.",
            window=Window(first="2015-04", last="2019-10"),
        ),
        sensitivity("neighbours-left-out", "Neighbours left out", "If crime moved across the border.", buffer_rings=1),
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
    parts=(
        TaskforceMoney(),
        PoliceActivityPart(outcome="possession_of_article_with_blade_or_point"),
        EqualityPart(denominators="residents_by_group_2011.csv"),
    ),
    reasons=(
        (
            "Violence with injury",
            "The Taskforce was to deal with drug supply, anti-social behaviour and weapons. Drug and weapon offences "
            "are found by officers and rise with them; this harm is reported by those whom it happens to.",
        ),
        (
            "Officers in post",
            "From the board's report: 1 sergeant and 5 constables from 1 April 2018, 1 and 10 from 5 September 2018, "
            "counted from that September on, and 2 and 20 promised for November 2019.",
        ),
        ("April 2015 to February 2020", "After the recording of violence changed and before the pandemic."),
        (
            "Costs",
            "Neither paper says what the Taskforce cost in any year, so each cost rests on the assumption beside it.",
        ),
    ),
    limits=(
        "Three steps in twenty-three months are a thin dose. A change that follows them may as well follow the season "
        "or whatever else came in those months.",
        "The papers say the unit worked at half its capacity, which counts posts and not officers on duty; how many "
        "were on duty on any day is not known, and an effect per officer in post is of posts.",
        "One borough was treated, so a p-value cannot be lower than one in the number of boroughs.",
        "Arrests and warnings are work done, not harm avoided. Their cost says nothing of their worth.",
        "The break-even table says what would have to be averted, not what was. A value in pounds is put "
        "only on an effect that can be told from none.",
        "The Neighbourhood Management Pilot, Operation Continuum, the Tower Hamlets Homes police team and the Knife "
        "Crime Action Plan ran there in the same months. Nothing here tells their effects apart from the Taskforce's.",
    ),
)

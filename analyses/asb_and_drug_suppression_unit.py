"""ASB and Drug Suppression Unit: what was proposed, what it would cost, and how it could be evaluated.

The question
    A unit of two sergeants and ten constables with council officers, proposed for 2021-22 at £771,000 a year. Would
    anti-social behaviour and drug incidents fall where it works more than elsewhere?

Why there is no estimate
    It was only proposed, so nothing has happened that could be counted. Of all the programmes in the papers it could
    be evaluated best: a list of hot spots made beforehand, and a lottery for which are patrolled first.
"""

from __future__ import annotations

from cseval.parts.delivery import Delivery
from cseval.parts.money import BreakEvenMoney
from cseval.study import Study

EVALUATION = Study(
    slug="asb-and-drug-suppression-unit",
    title="ASB and Drug Suppression Unit",
    question=(
        "Will anti-social behaviour and drug incidents fall where the unit works more than elsewhere, and "
        "what would it have to avert to be worth its price?"
    ),
    register="asb-and-drug-suppression-unit",
    parts=(
        Delivery(programme="asb-and-drug-suppression-unit"),
        BreakEvenMoney(programme="asb-and-drug-suppression-unit"),
    ),
    reasons=(
        (
            "Plan alone",
            "The unit was proposed; what is reported is what it was to be and to cost.",
        ),
    ),
    limits=(
        "The months before it hold the pandemic, so a comparison with them needs other places more than ever.",
        "That actual costs would fall by 21% is the proposal's own statement; it does not say how it was worked out.",
    ),
    real_only="A delivery report is made of figures in the papers, which describe a real programme.",
)

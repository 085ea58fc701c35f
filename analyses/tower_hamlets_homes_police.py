"""Tower Hamlets Homes police team: what was done, and which data an evaluation would need.

The question
    A police team that the housing provider paid for, on its estates, from October 2017, doubled in January 2018. Did
    incidents fall there more than in like places?

Why there is no estimate
    It could be evaluated, and well: a step in staffing, in places that adjoin others like them. But neither the
    boundaries of the estates nor the homes by small area are published, and ward counts are far too coarse. With them,
    and police.uk street files, the design would be that of the pilot evaluation.
"""

from __future__ import annotations

from cseval.parts.delivery import Delivery
from cseval.study import Study

EVALUATION = Study(
    slug="tower-hamlets-homes-police",
    title="Tower Hamlets Homes police team",
    question="Did incidents fall on the estates more than in like places that the team did not patrol?",
    register="tower-hamlets-homes-police",
    parts=(Delivery(programme="tower-hamlets-homes-police"),),
    reasons=(
        (
            "Delivery alone",
            "The places are not published, so no count can be said to be of them.",
        ),
        (
            "Dates from elsewhere",
            "The board report gives none; the register takes them from the provider's own news, named in each row.",
        ),
    ),
    limits=(
        "Estates lie in wards that the Neighbourhood Management Pilot and other programmes served in the same months.",
    ),
    real_only="A delivery report is made of figures in the papers, which describe a real programme.",
)

"""Crime and ASB Board: what is on record of it, and why no effect is estimated.

The question
    A board that the Mayor set up in December 2018 to bring decisions forward. Its members' review found a good mix of
    items and effective challenge.

Why there is no estimate
    A board works through the programmes it oversees, and these are evaluated by themselves: counting their effects here
    would count them twice. Whether decisions came sooner could be measured, from their dates; none are on record.
"""

from __future__ import annotations

from cseval.parts.delivery import Delivery
from cseval.study import Study

EVALUATION = Study(
    slug="crime-and-asb-board",
    title="Crime and ASB Board",
    question="Did the board bring decisions forward?",
    register="crime-and-asb-board",
    parts=(Delivery(programme="crime-and-asb-board"),),
    reasons=(
        (
            "Delivery alone",
            "Its effect would be in the plans that it oversees, which have evaluations of their own.",
        ),
    ),
    limits=(
        "The members' review gives opinions of those who sit on the board; the papers give neither the "
        "number of members nor their answers.",
    ),
    real_only="A delivery report is made of figures in the papers, which describe a real programme.",
)

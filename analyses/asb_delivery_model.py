"""New ASB delivery model: what was done, and why nothing can be set before and after.

The question
    Officers by locality, neighbourhood walkabouts and action days were to bring reports, confidence and trust. The
    board's report says that they did, and gives no figure for it.

Why there is no estimate
    The papers give no month for any part of the model. The part in the North-West is the Neighbourhood Management
    Pilot, which has an evaluation of its own. Had the localities begun one after the other, in months that somebody
    wrote down, those that were still waiting would have been the comparison.
"""

from __future__ import annotations

from cseval.parts.delivery import Delivery
from cseval.study import Study

EVALUATION = Study(
    slug="asb-delivery-model",
    title="New ASB delivery model",
    question="Did residents report more and trust more where officers worked by locality?",
    register="asb-delivery-model",
    parts=(Delivery(programme="asb-delivery-model"),),
    reasons=(
        (
            "Delivery alone",
            "Nothing of it has a date, so nothing can be set before and after, and no count can be compared.",
        ),
    ),
    limits=(
        "That the model brought better engagement and trust is the board report's own statement; no survey "
        "is named for it.",
        "The pilot in the North-West is one part of the model; its evaluation says nothing of the other localities.",
    ),
    real_only="A delivery report is made of figures in the papers, which describe a real programme.",
)

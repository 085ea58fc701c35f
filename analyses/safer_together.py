"""Safer Together campaign: what was done, and why no effect is estimated.

The question
    A brand of 2017 for work of council and police: No Laughing Matter on nitrous oxide, No Place for Hate, the Mayor's
    Acid Charter, Prevent. Did people know of it, and did what they did change?

Why there is no estimate
    It ran in the whole borough, from a year for which the papers give no month, and no survey asked about it before.
    Canisters cleared away are work done: more of them may mean more clearing or more use. Its drugs strand, Operation
    Continuum, has an evaluation of its own.
"""

from __future__ import annotations

from cseval.parts.delivery import Delivery
from cseval.study import Study

EVALUATION = Study(
    slug="safer-together",
    title="Safer Together campaign",
    question="Did people know of the campaign, and did what they did change?",
    register="safer-together",
    parts=(Delivery(programme="safer-together"),),
    reasons=(
        (
            "Delivery alone",
            "There is no month to begin from, no comparison in the borough, and no count of what the "
            "campaign was meant to change.",
        ),
    ),
    limits=(
        "More than a million canisters cleared away says how much was cleared, not how much was used, before or after.",
        "What residents thought in these years is in the study of public perceptions, for the borough as a "
        "whole and for all that changed in it at once.",
    ),
    real_only="A delivery report is made of figures in the papers, which describe a real programme.",
)

"""Joint Strategic Needs Assessment on violence: what is on record of it, and why no effect is estimated.

The question
    A study of 2019 that was to inform a strategy on violence, vulnerability and exploitation.

Why there is no estimate
    A study changes nothing by itself. What can be asked is whether the strategy that was due in 2020 rests on what the
    study found.
"""

from __future__ import annotations

from cseval.parts.delivery import Delivery
from cseval.study import Study

EVALUATION = Study(
    slug="violence-needs-assessment",
    title="Joint Strategic Needs Assessment on violence",
    question="Does the strategy that it was to inform rest on what the assessment found?",
    register="violence-needs-assessment",
    parts=(Delivery(programme="violence-needs-assessment"),),
    reasons=(
        (
            "Delivery alone",
            "A study has no effect on counts of its own; the strategy was due after these papers.",
        ),
    ),
    limits=("Neither the assessment nor the strategy was at hand.",),
    real_only="A delivery report is made of figures in the papers, which describe a real programme.",
)

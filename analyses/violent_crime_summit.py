"""Violent Crime Summit: what became of its Statement of Action, and what those who came said.

The question
    About 80 people came on 21 September 2018; an evaluation exercise at its end and a Statement of Action with five
    actions followed. What did those who attended think, and was the Statement carried out?

Why there is no estimate
    A summit of one day cannot be told apart in any count of violence. What can be reported is delivery and opinion.
    The answers of those who attended are not at hand: once their table is imported, the same command reports them
    with exact intervals. The demonstration shows how, on simulated answers.
"""

from __future__ import annotations

from cseval.parts.delivery import Delivery
from cseval.parts.survey import AttendeeSurvey
from cseval.parts.tracker import ActionTracker
from cseval.study import Study

EVALUATION = Study(
    slug="violent-crime-summit",
    title="Violent Crime Summit",
    question="What did those who attended think, and was the Statement of Action carried out?",
    register="violent-crime-summit",
    optional=("attendee-survey",),
    parts=(
        Delivery(programme="violent-crime-summit"),
        ActionTracker(programme="violent-crime-summit", title="Statement of Action"),
        AttendeeSurvey(event="Violent Crime Summit"),
    ),
    reasons=(
        (
            "Delivery and opinion",
            "One day in a whole borough leaves nothing in counts that could be told from everything else.",
        ),
        (
            "Exact intervals",
            "With about 80 people at most, approximations for large samples do not hold.",
        ),
    ),
    limits=(
        "What those who came to a summit think says nothing of those who did not come, and nothing of violence.",
        "The papers say that all five actions were achieved; they do not say what the actions were, who "
        "did them or what shows it.",
    ),
)

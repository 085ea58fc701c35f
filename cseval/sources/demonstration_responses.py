"""Simulated answers of people who do not exist: of those who came to an event, and of residents before and after."""

from __future__ import annotations

import numpy as np

from cseval.sources.attendees import Answer, Attendees
from cseval.survey import AFTER, BEFORE, COMPARISON, TREATED, SurveyCell, SurveyTable

ATTENDED = 80
#: True share of those who come that would agree, by question.
QUESTIONS = {
    "The summit was worth my time": 0.85,
    "Partners work better together than a year ago": 0.60,
    "Voluntary groups should lead parts of the work": 0.75,
    "I know what will happen next": 0.40,
    "I would not come again": 0.04,
}
#: True share of residents before, and points that the programme adds in its area, by question.
RESIDENTS = {
    "Anti-social behaviour is a problem here": (0.62, 0.0),
    "Council and police act on it": (0.35, 0.14),
    "I know how to report it": (0.45, 0.0),
    "I trust the council on it": (0.50, 0.0),
}
ASKED = {TREATED: 420, COMPARISON: 400}
ALIKE = 0.02


def simulate_attendees(seed: int, event: str) -> Attendees:
    """Answers of fictional people who came to an event; some leave a question out."""
    rng = np.random.default_rng([seed, 5])
    answers = []
    for question, share in QUESTIONS.items():
        base = int(rng.binomial(ATTENDED, 0.78))
        answers.append(
            Answer(
                event=event,
                measure=question,
                base=base,
                count=int(rng.binomial(base, share)),
                attended=ATTENDED,
            )
        )
    return Attendees(event=event, answers=tuple(answers))


def simulate_residents(seed: int) -> SurveyTable:
    """Answers of fictional residents before and after, in a programme's area and in a comparison."""
    rng = np.random.default_rng([seed, 6])
    cells = []
    for question, (level, effect) in RESIDENTS.items():
        common = ALIKE * rng.standard_normal()
        for group in (TREATED, COMPARISON):
            for wave in (BEFORE, AFTER):
                share = level + (common if wave == AFTER else 0.0)
                share += effect if (group, wave) == (TREATED, AFTER) else 0.0
                base = int(rng.binomial(ASKED[group], 0.9))
                count = int(rng.binomial(base, share))
                cells.append(
                    SurveyCell(
                        area="Simulated residents",
                        group=group,
                        wave=wave,
                        measure=question,
                        proportion=count / base,
                        base=float(base),
                        effective_base=float(base),
                        count=count,
                    )
                )
    return SurveyTable(cells=tuple(cells), notes=("Simulated: nobody was asked.",))

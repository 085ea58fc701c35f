"""Public perceptions: did opinion of the police in the borough change after May 2018, against other boroughs?

The question
    The board's report says of the Neighbourhood Management Pilot that interviews revealed a feeling that more was being
    done, and in turn improved trust. The pilot's own interviews are not published. The Mayor's Office for Policing and
    Crime asks people in every borough of London the same questions, quarter by quarter: trust, being informed,
    listening, a good job. Did the answers in Tower Hamlets change more than elsewhere after May 2018?

The comparison
    Rolling years up to the one that ends in December 2019: later ones hold months of the pandemic, in which the survey
    went over to the telephone. The main model takes only rolling years that share no month, three or four before the
    start and one after it, and ranks the borough's change among those of the 31 others. Models of all rolling years,
    with their overlap in the errors, with and without a trend, stand beside it.

What it cannot be
    The survey is of the whole borough. The pilot was in five of its twenty wards, so a change there that a resident
    would notice is diluted to a quarter; and all that changed in the borough is in it.
"""

from __future__ import annotations

from cseval.parts.perceptions import Perceptions
from cseval.study import Study

EVALUATION = Study(
    slug="public-perceptions",
    title="Public perceptions of the police",
    question=(
        "Did what the public says of the police in Tower Hamlets change after May 2018, when the Neighbourhood "
        "Management Pilot began, more than in other boroughs?"
    ),
    register="neighbourhood-management-pilot",
    parts=(Perceptions(unit="Tower Hamlets", start="2018-05", last="2019-12"),),
    needs=("mopac-pas",),
    reasons=(
        (
            "All eight measures",
            "The survey publishes eight; the board's report speaks of trust, and of interviews of its own, so no "
            "measure is singled out, and p-values are adjusted for their number.",
        ),
        (
            "Rolling years that share no month",
            "Neighbouring points share nine of twelve months of answers. Taken as separate points, they find changes "
            "where there are none.",
        ),
        ("May 2018", "The first month of the pilot in the board's report of 9 December 2019, paragraph 3.7."),
        (
            "Up to the year that ends in December 2019",
            "From March 2020 the pandemic changed both opinion and how people were asked.",
        ),
    ),
    limits=(
        "One borough of 32 is looked at, so no p-value can be below 0.031.",
        "The survey is published without the number of people asked, so no sampling error of a share can be given.",
        "It asks about the police, not about the council, and not about anti-social behaviour as such. None of the "
        "eight measures asks whether people feel safe.",
        "The Partnership Taskforce, Operation Continuum and the Safer Together campaign ran in the same borough.",
    ),
)

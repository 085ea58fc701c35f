"""Section 3 of a new paper: how to read the estimates, then for each programme what was done, found and not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cseval.papers.runs import CLAIMS, DEMONSTRATION
from cseval.papers.scaffold_parts import PRIMARY, FigurePlace, Line, Part, TablePlace, heading, numbered
from cseval.papers.scaffold_parts import value_now as now
from cseval.papers.scaffold_runs import Shown

#: The figures of the section, where the run has them, and how high each may be in centimetres.
MAP, SERIES = ("roles-map", 7.6), ("series", 8.0)
_PLACEBO = "placebo neighbourhoods"
#: What a model does, by the name that it has in the outputs.
_MODELS = {
    "Poisson DiD": "Poisson difference in differences (DiD) sets the percentage change in the treated areas against "
    "that in the comparison areas in the same months; Poisson means that it is made for counts.",
    "Poisson ETWFE": "This model is Poisson difference in differences for areas that began in different months: each "
    "is compared, from its own start on, with areas that had not begun. Poisson means that it is made for counts.",
}


def details(runs: Sequence[Shown], claims: Shown | None, *, appendix: int) -> Iterator[Part]:
    """The section.

    Parameters
    ----------
    runs : sequence of Shown
    claims : Shown or None
        The table of public claims.
    appendix : int
        Number of the last appendix, which has the claims where there are any.
    """
    yield heading("Details of the report", 1, numbered=True)
    yield from _how_to_read(runs)
    for run in runs:
        yield heading(run.title, 2)
        yield numbered("{run/stands_in}", about=run)
        for made in (_done, _measured, _found, _weakens, _unseen):
            yield from made(run)
    if claims is not None:
        yield from _claims(claims, appendix)
    yield from _how_to_check(runs)


def _how_to_read(runs: Sequence[Shown]) -> Iterator[Part]:
    """What every technical word means that the findings cannot do without."""
    yield heading("How to read the estimates", 2)
    yield numbered(
        "A change is the difference, in per cent, between the incidents recorded after the start and those that would "
        "have been expected without the programme. Its 95% interval holds the changes that the data are consistent "
        "with. An interval that spans zero is no clear evidence of a change; it is no evidence that nothing changed. "
        "Where one ends in “any fall” or “any rise” there is no usable interval: too few cases were recorded."
    )
    if any(now(run, PRIMARY, "method") == _PLACEBO for run in runs):
        yield numbered(
            "A placebo neighbourhood is as many adjoining areas as were treated (wards, or a whole borough where one "
            "was treated) in which the programme did not run. Each is put through the same calculation as if it had. "
            "What is found there shows how large a change chance alone brings, which gives intervals and p-values."
        )
    yield numbered(
        "A p-value says how often a change at least as large would be found if nothing had been done. A test at 5% "
        "promises a false alarm in no more than 5% of the cases where nothing was done. Each method has been tried "
        "where nothing was done: the share of false alarms that it raised there is its measured error rate."
    )
    yield numbered(
        "Of many outcomes tested, one can look clear by chance alone. A p-value that is adjusted for the number of "
        "outcomes allows for that, by the method of Holm or by the one called max-T."
    )


def _done(run: Shown) -> Iterator[Part]:
    yield heading("What was done and where", 3)
    yield numbered(
        "{run/programme} began in {run/start}. Treated areas: {run/treated}. [Say what was done, by whom, what it was "
        "to change and what it cost.]",
        about=run,
    )
    yield numbered("The question: {run/question}", about=run)
    yield from _figure(run, *MAP)


def _measured(run: Shown) -> Iterator[Part]:
    yield heading("How the change was measured", 3)
    yield numbered(
        "Recorded incidents were counted by area and month: {run/before} before the start and {run/after} after it "
        "(months before: {primary/pre_periods}, after: {primary/post_periods}). The main outcome is "
        "{primary/outcome}. Sources: {run/sources}.",
        about=run,
    )
    model = _MODELS.get(now(run, PRIMARY, "estimator"), "")
    yield numbered(
        "What would have been expected is taken from {run/comparison}. Model: {primary/estimator}. Interval and "
        f"p-value: {{primary/method}}. {model}".strip(),
        about=run,
    )
    yield numbered("Strength of the evidence: {run/evidence}", about=run)


def _found(run: Shown) -> Iterator[Part]:
    yield heading("What was found", 3)
    bounded = now(run, PRIMARY, "interval").startswith("from ")
    interval = "with a 95% interval {primary/interval}" if bounded else "with no usable interval, for want of cases"
    yield numbered(
        "The estimate for {primary/outcome} is {primary/change} against what would have been expected, "
        f"{interval}. {{primary/certainty}}",
        "{primary/reading}",
        about=run,
    )
    yield from _figure(run, *SERIES)
    if "outcomes" in run.tables:
        yield numbered("The table has the main outcome and then the secondary ones, by the same comparison.", keep=True)
        yield TablePlace(run=run, table="outcomes")


def _weakens(run: Shown) -> Iterator[Part]:
    if "weaknesses" in run.tables:
        yield heading("What weakens it", 3)
        yield numbered("Each row of the table weakens the answer above, or says what it cannot tell.", keep=True)
        yield TablePlace(run=run, table="weaknesses")


def _unseen(run: Shown) -> Iterator[Part]:
    yield heading("What could not be seen", 3)
    yield numbered(
        "{primary/smallest_change}",
        "How small a change would have been found was not measured apart from what is said above.",
        about=run,
    )
    yield numbered(
        "Only incidents that were recorded are counted. What residents feel, whom they trust, and what nobody "
        "reported are not in these numbers. [Say what else is known, for example from surveys.]"
    )


def _figure(run: Shown, name: str, highest: float) -> Iterator[FigurePlace]:
    if name in run.figures:
        yield FigurePlace(run=run, figure=name, highest=highest)


def _claims(claims: Shown, appendix: int) -> Iterator[Part]:
    """Each public claim with its verdict; the reasons are in an appendix."""
    if CLAIMS not in claims.tables:
        return
    yield heading("What was said in public", 2)
    yield numbered(
        "Statements of earlier papers were held against data and records. The list has the verdict on each; "
        f"Appendix {appendix} says where it was made, why the verdict is what it is, and which data would test it.",
        keep=True,
    )
    for slug in claims.values:
        yield Line(
            texts=(
                f"{{{slug}/statement}}: {{{slug}/verdict}}; {{{slug}/stand_in}}.",
                f"{{{slug}/statement}}: {{{slug}/verdict}}.",
            ),
            style="ListBullet",
            about=claims,
        )


def _how_to_check(runs: Sequence[Shown]) -> Iterator[Part]:
    yield heading("How to check the numbers", 2)
    for run in runs:
        yield numbered(
            f"{{run/programme}}: the numbers are those of run {{run/manifest}}. To make them again: {{run/command}}. "
            f"To compare them with what is on file: cseval diff {run.slug}"
            + (" --data demonstration." if run.data == DEMONSTRATION else "."),
            about=run,
        )
    yield numbered(
        "Every number, table and figure from a run stands in a marked place of this paper. The command cseval embed "
        "brings them up to date, and with --check it names those that are not."
    )

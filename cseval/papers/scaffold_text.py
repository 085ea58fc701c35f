"""What a new paper says and in which order: the council's own sections, with places for what a run found.

A text may hold places and prompts: ``{primary/change}`` is a value of the primary analysis, ``{run/start}`` one of the
run as a whole, ``[...]`` a prompt for the officer. Of several texts of a line the first is used whose values the run
has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cseval import formats as f
from cseval.inputs import DEMONSTRATION
from cseval.papers.scaffold_runs import Shown

BANNER = "Demonstration: simulated data, no real place. Nothing in this paper says anything about a real programme."
BOARD = "[name of the board]"
REGULATIONS = "Local Authorities (Executive Arrangements)(Access to Information)(England) Regulations 2012"
#: Figures of a paper, each in its sub-section, where the run has it.
PLACE_FIGURES, FINDING_FIGURES = ("roles-map", "timeline"), ("series", "placebo", "forest")
#: The table of every analysis, too wide for an upright page.
EVERY = "effects"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A paragraph or a heading.

    Parameters
    ----------
    texts : tuple of str
        The first whose values are there is used; none if none is.
    style : str
        Id of its style.
    numbered : bool
        Whether a heading counts in the numbering of sections.
    about : Shown or None
        The run whose values it holds.
    literal : bool
        Whether the text is taken as it is, without places or prompts.
    keep : bool
        Whether it stays on one page with what follows.
    """

    texts: tuple[str, ...]
    style: str = ""
    numbered: bool = False
    about: Shown | None = None
    literal: bool = False
    keep: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The table at the head of the paper: what each row is, and its text."""

    rows: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, kw_only=True)
class TablePlace:
    """A place for a table of a run."""

    run: Shown
    table: str


@dataclass(frozen=True, kw_only=True)
class FigurePlace:
    """A place for a figure of a run."""

    run: Shown
    figure: str


@dataclass(frozen=True, kw_only=True)
class Sideways:
    """What follows stands on pages that lie on their side."""


Part = Line | Facts | TablePlace | FigurePlace | Sideways


def paper_parts(runs: Sequence[Shown], claims: Shown | None, title: str) -> tuple[Part, ...]:
    """The whole paper, from the line of the board to the appendices.

    Parameters
    ----------
    runs : sequence of Shown
        At least one, all real or all simulated.
    claims : Shown or None
        The table of public claims.
    title : str
    """
    return (
        *_front(runs, title),
        *_summary(runs),
        *_recommendations(),
        *_reasons(),
        *_details(runs, claims),
        *_officers_own(),
        *_linked(runs, claims),
        *_appendices(runs),
    )


def default_title(runs: Sequence[Shown]) -> str:
    """The title of a paper for want of a better one."""
    if len(runs) == 1:
        return f"Evaluation: {runs[0].title}"
    return f"Community safety: evaluation of {f.number_words(len(runs))} programmes"


def heading(text: str, level: int, *, numbered: bool = False) -> Line:
    """A heading."""
    return Line(texts=(text,), style=f"Heading{level}", numbered=numbered, literal=True)


def numbered(*texts: str, about: Shown | None = None, keep: bool = False) -> Line:
    """A numbered paragraph of a section; `keep` holds it on one page with the table after it."""
    return Line(texts=texts, style="NumberedParagraph", about=about, keep=keep)


# The head, and the sections before the details ------------------------------------------------------------


def _front(runs: Sequence[Shown], title: str) -> Iterator[Part]:
    if any(run.data == DEMONSTRATION for run in runs):
        yield Line(texts=(BANNER,), style="Warning", literal=True)
    yield Line(texts=(f"{BOARD}, [date of the meeting]",), style="BoardLine")
    yield Line(texts=("[name of the council]",), style="BoardLine")
    yield Line(texts=(title,), style="PaperTitle", literal=True)
    yield Facts(
        rows=(
            ("Classification", _prompt("for example Unrestricted")),
            ("Report of", _prompt("name and post")),
            ("Title", Line(texts=(title,), literal=True)),
            ("Lead Member", _prompt("name and portfolio")),
            ("Originating Officer(s)", _prompt("name and post")),
            ("Wards affected", _prompt("names of the wards, or All wards")),
            ("Strategic Plan Priority / Outcome", _prompt("number and words of the priority, and of the outcome")),
        )
    )


def _prompt(text: str) -> Line:
    return Line(texts=(f"[{text}]",))


def _summary(runs: Sequence[Shown]) -> Iterator[Part]:
    """For each run headline, change, interval, absolute number, plain reading and caveat, in that order."""
    yield heading("Executive Summary", 1)
    what = "a programme" if len(runs) == 1 else f"{f.number_words(len(runs))} programmes"
    yield Line(
        texts=(
            f"This report says what recorded incidents show of {what}: whether they changed where the programme ran, "
            "compared with what would have been expected without it, and how sure anyone can be. "
            "[Add why the board is asked now.]",
        )
    )
    for run in runs:
        yield Line(
            texts=("{run/programme}. Recorded {primary/outcome}: {primary/verdict}.",), style="Finding", about=run
        )
        yield Line(
            texts=(
                "Estimated change {primary/percent_change}, 95% interval {primary/interval}. {primary/incidents} "
                "{primary/reading}",
                "Estimated change {primary/percent_change}, 95% interval {primary/interval}. {primary/reading}",
                "{primary/reading}",
            ),
            about=run,
        )
        yield Line(texts=("{primary/caveat}",), about=run)


def _recommendations() -> Iterator[Part]:
    yield heading("Recommendations", 1)
    yield Line(texts=(f"The {BOARD} is recommended to:",), keep=True)
    yield Line(
        texts=("Note the estimates in section 3, how sure each of them is, and what weakens it.",), style="ListNumber"
    )
    yield Line(texts=("Comment on [what the board is asked to decide, support or ask for].",), style="ListNumber")


def _reasons() -> Iterator[Part]:
    yield heading("Reasons for the decisions", 1, numbered=True)
    yield numbered(
        f"The {BOARD} is asked to note the estimates, so that what is said and decided about these programmes rests on "
        "what the records can show, and allows for what they cannot. [Add other reasons.]"
    )
    yield heading("Alternative options", 1, numbered=True)
    yield numbered("[The alternatives that were considered and why they were not taken, or N/A.]")


# The details ----------------------------------------------------------------------------------------------


def _details(runs: Sequence[Shown], claims: Shown | None) -> Iterator[Part]:
    yield heading("Details of the report", 1, numbered=True)
    yield from _how_to_read()
    for run in runs:
        yield heading(run.title, 2)
        for made in (_done, _measured, _found, _weakens, _unseen):
            yield from made(run)
    if claims is not None:
        yield from _claims(claims)
    yield from _how_to_check(runs)


def _how_to_read() -> Iterator[Part]:
    yield heading("How to read the estimates", 2)
    yield numbered(
        "A change is the difference, in per cent, between the incidents recorded after the start and those that would "
        "have been expected without the programme. Its 95% interval holds the changes that the data are consistent "
        "with. An interval that spans zero is no clear evidence of a change; it is no evidence that nothing changed."
    )
    yield numbered(
        "A p-value says how often a change at least as large would be found if nothing had been done. Each method has "
        "been tried where nothing was done, and the share of false alarms that it raised there stands beside the "
        "p-value: 5% is what a reliable method has."
    )


def _done(run: Shown) -> Iterator[Part]:
    yield heading("What was done and where", 3)
    yield numbered(
        "{run/programme} began in {run/start}. Treated areas: {run/treated}. [Say what was done, by whom, what it was "
        "to change and what it cost.]",
        about=run,
    )
    yield numbered("The question: {run/question}", about=run)
    yield from _figures(run, PLACE_FIGURES)


def _measured(run: Shown) -> Iterator[Part]:
    yield heading("How the change was measured", 3)
    yield numbered(
        "Recorded incidents were counted by area and month: {run/before} before the start and {run/after} after it "
        "(months before: {primary/pre_periods}, after: {primary/post_periods}). The main outcome is "
        "{primary/outcome}. Sources: {run/sources}.",
        about=run,
    )
    yield numbered(
        "What would have been expected is taken from {run/comparison}. Model: {primary/estimator}. Interval and "
        "p-value: {primary/method}.",
        about=run,
    )
    yield numbered("Strength of the evidence: {run/evidence}", about=run)


def _found(run: Shown) -> Iterator[Part]:
    yield heading("What was found", 3)
    yield numbered(
        "The estimate for {primary/outcome} is {primary/change} against what would have been expected, with a 95% "
        "interval {primary/interval}. {primary/certainty}",
        "{primary/reading}",
        about=run,
    )
    if "outcomes" in run.tables:
        yield numbered("The table has the main outcome and then the secondary ones, by the same comparison.", keep=True)
        yield TablePlace(run=run, table="outcomes")
    yield from _figures(run, FINDING_FIGURES)


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


def _figures(run: Shown, names: Sequence[str]) -> Iterator[FigurePlace]:
    for name in names:
        if name in run.figures:
            yield FigurePlace(run=run, figure=name)


def _claims(claims: Shown) -> Iterator[Part]:
    if "claims" in claims.tables:
        yield heading("What was said in public", 2)
        yield numbered(
            "The table holds statements of earlier papers against data and records, and says which data would test "
            "those that cannot be tested with these.",
            keep=True,
        )
        yield TablePlace(run=claims, table="claims")


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


# What the officer writes, and what stands behind the paper --------------------------------------------------


def _officers_own() -> Iterator[Part]:
    """Headings and prompts alone: nothing here is for a program to write."""
    prompts = (
        ("Equalities implications", "[To be written by the officer: equalities implications of this report.]"),
        ("Other statutory implications", "[To be written by the officer: other statutory implications.]"),
        ("Comments of the Chief Finance Officer", "[To be written by the Chief Finance Officer.]"),
        ("Comments of Legal Services", "[To be written by Legal Services.]"),
    )
    for name, prompt in prompts:
        yield heading(name, 1, numbered=True)
        yield numbered(prompt)


def _linked(runs: Sequence[Shown], claims: Shown | None) -> Iterator[Part]:
    yield heading("Linked Reports, Appendices and Background Documents", 1)
    yield heading("Linked Reports", 2)
    yield Line(texts=("[Reports this one refers to, or NONE]",), style="ListBullet")
    yield heading("Appendices", 2)
    for i, run in enumerate(runs, start=1):
        yield Line(texts=(_appendix(i, run),), style="ListBullet", literal=True)
    yield heading(f"Background Documents – {REGULATIONS}", 2)
    for run in runs:
        yield Line(
            texts=(
                "{run/programme}: effect table (effects.csv), full report (report.html) and manifest (manifest.json) "
                f"of run {{run/manifest}}, in the folder {_folder(run)}",
            ),
            style="ListBullet",
            about=run,
        )
    if claims is not None:
        yield Line(texts=(f"{claims.title}: in the folder {_folder(claims)}",), style="ListBullet", literal=True)
    yield heading("Officer contact details for documents", 2)
    yield Line(texts=("[Name, telephone and e-mail address, or N/A]",))


def _folder(run: Shown) -> str:
    return f"outputs/{DEMONSTRATION}/{run.slug}" if run.data == DEMONSTRATION else f"outputs/{run.slug}"


def _appendix(number: int, run: Shown) -> str:
    return f"Appendix {number}: every estimate, {run.title}"


def _appendices(runs: Sequence[Shown]) -> Iterator[Part]:
    yield Sideways()
    for i, run in enumerate(runs, start=1):
        yield heading(_appendix(i, run), 1)
        yield TablePlace(run=run, table=EVERY)

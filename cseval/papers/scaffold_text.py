"""What a new paper says and in which order: the council's own sections, with places for what a run found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from cseval import formats as f
from cseval.papers.kinds import BANNER
from cseval.papers.runs import CLAIMS, DEMONSTRATION
from cseval.papers.scaffold_details import details
from cseval.papers.scaffold_parts import PRIMARY, Facts, FigurePlace, Line, Part, TablePlace, Turn, heading, numbered
from cseval.papers.scaffold_parts import value_now as now
from cseval.papers.scaffold_runs import Shown
from cseval.words import EVERYTHING

BOARD = "[name of the board]"
REGULATIONS = "Local Authorities (Executive Arrangements)(Access to Information)(England) Regulations 2012"
#: Figures of an appendix, where the run has them, and how high each may be in centimetres: the first two share a page.
FURTHER_FIGURES = {"timeline": 9.4, "placebo": 7.4, "forest": 19.0}
#: The table of every analysis, too wide for an upright page.
EVERY = "effects"
#: The number of incidents in a sentence on them.
_AVERTED = re.compile(r"about ([\d,]+ (?:fewer|more))")


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
    appendices = _appendices(runs, claims)
    return (
        *_front(runs, title),
        *_summary(runs),
        *_recommendations(),
        *_reasons(runs),
        *details(runs, claims, appendix=len(appendices)),
        *_officers_own(),
        *_linked(runs, claims, tuple(appendices)),
        *chain.from_iterable(_appendix(i, name, appendices[name]) for i, name in enumerate(appendices, start=1)),
    )


def default_title(runs: Sequence[Shown]) -> str:
    """The title of a paper for want of a better one."""
    if len(runs) == 1:
        return f"Evaluation: {runs[0].title}"
    return f"Community safety: evaluation of {f.number_words(len(runs))} programmes"


# The head -------------------------------------------------------------------------------------------------


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
            ("Title", (Line(texts=(title,), literal=True),)),
            ("Lead Member", _prompt("name and portfolio")),
            ("Originating Officer(s)", _prompt("name and post")),
            ("Wards affected", (*_wards(runs), *_prompt("check these names, or write All wards"))),
            ("Strategic Plan Priority / Outcome", _prompt("number and words of the priority, and of the outcome")),
        )
    )


def _prompt(text: str) -> tuple[Line, ...]:
    return (Line(texts=(f"[{text}]",)),)


def _wards(runs: Sequence[Shown]) -> Iterator[Line]:
    """Where each programme ran, which may be the name of a whole borough."""
    for run in runs:
        whose = "{run/programme}: " if len(runs) > 1 else ""
        yield Line(texts=(whose + "{run/treated}",), about=run)


# The sections before the details --------------------------------------------------------------------------


def _summary(runs: Sequence[Shown]) -> Iterator[Part]:
    """For each run what stands in, headline, estimate with its interval, incidents and concerns, each said once."""
    yield heading("Executive Summary", 1)
    what = "one programme, {run/programme}" if len(runs) == 1 else f"{f.number_words(len(runs))} programmes"
    yield Line(
        texts=(
            f"This report says what recorded incidents show of {what}: whether they changed where "
            f"{'it' if len(runs) == 1 else 'each programme'} ran, compared with what would have been expected without "
            "it, and how sure anyone can be. [Add why the board is asked now.]",
        ),
        about=runs[0],
    )
    for run in runs:
        if len(runs) > 1:
            yield heading(run.title, 2)
        yield Line(texts=("{run/stands_in}",), about=run)
        yield Line(texts=("Recorded {primary/outcome}: {primary/verdict}.",), style="Finding", about=run)
        yield Line(texts=(_estimate(run), "{primary/reading}"), about=run)
        yield Line(texts=("{run/concerns}",), about=run)
    yield from _assumptions(runs)


def _estimate(run: Shown) -> str:
    """Estimate and interval, then the number of incidents unless the reading has it too."""
    number = _AVERTED.search(now(run, PRIMARY, "incidents"))
    said = number is not None and number[1] in now(run, PRIMARY, "reading")
    return "{primary/reading}" if said else "{primary/reading} {primary/incidents}"


def _assumptions(runs: Sequence[Shown]) -> Iterator[Line]:
    """What every estimate is of and rests on, said once where it is the same for all."""
    rests = [now(run, PRIMARY, "assumption") for run in runs]
    if not all(rests):
        yield from (Line(texts=("{primary/caveat}",), about=run) for run in runs)
        return
    subject = "It" if len(runs) == 1 else "Each"
    everything = EVERYTHING if len(runs) == 1 else f"Each{EVERYTHING.removeprefix('The')}"
    if len(set(rests)) == 1:
        text = f"{everything} {subject} rests on this assumption: {{primary/assumption}}"
        yield Line(texts=(text,), about=runs[0])
        return
    yield Line(texts=(everything,))
    for run in runs:
        yield Line(texts=("{run/programme} rests on this assumption: {primary/assumption}",), about=run)


def _recommendations() -> Iterator[Part]:
    yield heading("Recommendations", 1)
    yield Line(texts=(f"The {BOARD} is recommended to:",), keep=True)
    yield Line(
        texts=("Note the estimates in section 3, how sure each of them is, and what weakens it.",), style="ListNumber"
    )
    yield Line(texts=("Comment on [what the board is asked to decide, support or ask for].",), style="ListNumber")


def _reasons(runs: Sequence[Shown]) -> Iterator[Part]:
    yield heading("Reasons for the decisions", 1, numbered=True)
    about = "this programme" if len(runs) == 1 else "these programmes"
    yield numbered(
        f"The {BOARD} is asked to note the estimates, so that what is said and decided about {about} rests on what the "
        "records can show, and allows for what they cannot. [Add other reasons.]"
    )
    yield heading("Alternative options", 1, numbered=True)
    yield numbered("[The alternatives that were considered and why they were not taken, or N/A.]")


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


def _linked(runs: Sequence[Shown], claims: Shown | None, appendices: Sequence[str]) -> Iterator[Part]:
    yield heading("Linked Reports, Appendices and Background Documents", 1)
    yield heading("Linked Reports", 2)
    yield _bullet("[Reports this one refers to, or NONE]")
    yield heading("Appendices", 2)
    for number, name in enumerate(appendices, start=1):
        yield Line(texts=(f"Appendix {number}: {name}",), style="ListBullet", literal=True)
    yield heading(f"Background Documents – {REGULATIONS}", 2)
    for run in runs:
        yield _bullet(
            "{run/programme}: effect table (effects.csv), full report (report.html) and manifest (manifest.json) "
            f"of run {{run/manifest}}, in the folder {_folder(run)}",
            run,
        )
    if claims is not None:
        yield _bullet(f"{claims.title}: claims.csv and claims.html, in the folder {_folder(claims)}")
    yield Line(
        texts=(
            "[Publish these files together with this paper, and say here at which address. The folders are in the "
            "folder of the project, where cseval was run.]",
        )
    )
    yield heading("Officer contact details for documents", 2)
    yield Line(texts=("[Name, telephone and e-mail address, or N/A]",))


def _bullet(text: str, about: Shown | None = None) -> Line:
    return Line(texts=(text,), style="ListBullet", about=about)


def _folder(run: Shown) -> str:
    return f"outputs/{DEMONSTRATION}/{run.slug}" if run.data == DEMONSTRATION else f"outputs/{run.slug}"


# The appendices -------------------------------------------------------------------------------------------


def _appendices(runs: Sequence[Shown], claims: Shown | None) -> dict[str, tuple[Part, ...]]:
    """What each appendix holds, by its title: upright pages first, then those with wide tables."""
    figures = ((run, _further_figures(run)) for run in runs)
    made: dict[str, tuple[Part, ...]] = {f"further figures, {run.title}": shown for run, shown in figures if shown}
    made["every estimate"] = (Turn(landscape=True), *(TablePlace(run=run, table=EVERY) for run in runs))
    if claims is not None and CLAIMS in claims.tables:
        made["what was said in public"] = (Turn(landscape=True), TablePlace(run=claims, table=CLAIMS))
    return made


def _further_figures(run: Shown) -> tuple[FigurePlace, ...]:
    shown = ((name, highest) for name, highest in FURTHER_FIGURES.items() if name in run.figures)
    return tuple(FigurePlace(run=run, figure=name, highest=highest) for name, highest in shown)


def _appendix(number: int, name: str, parts: Sequence[Part]) -> Iterator[Part]:
    """An appendix under its heading, which stands on the first of its pages, whichever way that lies."""
    turned = isinstance(parts[0], Turn)
    yield parts[0] if turned else Turn(landscape=False)
    yield heading(f"Appendix {number}: {name}", 1, new_page=not turned)
    yield from parts[1:] if turned else parts

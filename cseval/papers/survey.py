"""Every marked place of a paper: what stands there, what the last run says, and whether the two agree."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cseval import formats as f
from cseval.errors import CsevalError, UsageError
from cseval.papers.captions import table_number
from cseval.papers.contents import Contents
from cseval.papers.controls import Control, find_controls
from cseval.papers.differences import first_difference
from cseval.papers.draft import Draft
from cseval.papers.fill import problems, table_says, value_says
from cseval.papers.kinds import require_kind
from cseval.papers.marks import Stamp, stamped
from cseval.papers.package import Package, read_package
from cseval.papers.parts import comment_parts, main_part, read_settings, require_no_macros, story_parts, words_for
from cseval.papers.pictures import is_current
from cseval.papers.plain import printable, quoted
from cseval.papers.runs import DEMONSTRATION, REAL, FigureContent, Origin, Shown, TableContent
from cseval.papers.standing import Standing, read_standing
from cseval.papers.tags import Tag, next_copy, parse_tag

CURRENT, SAME, NOT_FILLED = "current", "same, from an earlier run", "not filled"
EARLIER, BY_HAND = "from an earlier run", "changed by hand"
#: Of a place that was filled from another kind of data than the paper is held against.
FROM_SIMULATED, FROM_REAL = "from demonstration data", "from real data"
#: From the best to the worst.
STATES = (CURRENT, SAME, BY_HAND, EARLIER, FROM_SIMULATED, FROM_REAL, NOT_FILLED)
#: Of places that need nothing but the mark of the last run, if that.
GOOD = (CURRENT, SAME)
ADD_ONE = (
    "In Word select the place, insert a rich text content control (Developer tab), open its Properties and write into "
    "Tag for example cseval:pilot-evaluation/value/primary/percent_change"
)
#: Characters before a control that a message quotes.
_QUOTED = 40


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in a paper that shows something of a run.

    Parameters
    ----------
    part : str
        In words, such as ``main text``.
    before : str
        The text just before it.
    tag : str
    kind : {"table", "figure", "value"}
    now : str
        What stands there: its text, or its picture's alternative text.
    says : str
        What the last run says.
    difference : str
        Where in a table the two first differ; empty for what is no table, or not filled.
    state : str
        One of `STATES`.
    run, data : str
        Hash of the run that it was filled from, and whether that was on real or on demonstration data; empty if from
        none.
    last_run : str
        Hash of the last run.
    origin : Origin
        Where in the outputs it comes from.
    """

    part: str
    before: str
    tag: str
    kind: str
    now: str
    says: str
    difference: str
    state: str
    run: str
    data: str
    last_run: str
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class Found:
    """A control with what stands in it, what it is to show, and what messages call it."""

    control: Control
    standing: Standing
    content: Shown
    stamp: Stamp
    place: Place
    where: str


def survey(content: bytes, contents: Contents, where: str) -> tuple[Draft, list[Found]]:
    """Find every place of a paper.

    Parameters
    ----------
    content : bytes
        Of the paper.
    contents : Contents
    where : str
        What messages call the paper.

    Returns
    -------
    draft : Draft
        The paper, nothing changed yet.
    found : list of Found
        One per control; a place that Word keeps twice, for its old and new versions, has two.

    Raises
    ------
    UsageError
        If the paper is for another kind of data, if there is no place, or one cannot be filled; all of those are named.
    DataError
        If the paper is damaged or unsafe.
    """
    package = read_package(content, where)
    main = main_part(package)
    require_no_macros(package)
    require_kind(package, story_parts(package), contents.data)
    stories = {p: find_controls(package.contents[p], p, package.place(p)) for p in story_parts(package)}
    draft = Draft(package, stories, read_settings(package), posixpath.dirname(main))
    by_name: dict[str, list[Control]] = {}
    for control in (c for story in stories.values() for c in story.controls):
        by_name.setdefault(control.name, []).append(control)
    found, errors = list[Found](), list(_in_comments(package))
    if not by_name and not errors:
        among = f" among its {f.plural(draft.others, 'content control')}" if draft.others else ""
        raise UsageError(
            f"no place for cseval{among or ' in it'}", where=where, expected="content controls with a tag", todo=ADD_ONE
        )
    for controls in by_name.values():
        made, refused = _examined(draft, controls, contents, main)
        found += made
        errors += refused
    refuse(errors, where)
    return draft, found


def _in_comments(package: Package) -> Iterator[CsevalError]:
    """A place in a comment, of which a reader would think that it is current."""
    for part in comment_parts(package):
        for control in find_controls(package.contents[part], part, package.place(part)).controls:
            yield UsageError(
                "a place inside a comment, which cseval does not fill",
                where=f"{package.where}, comments, control {quoted(control.name)}",
                todo="Move it into the text, or delete it from the comment",
            )


def refuse(errors: Iterable[CsevalError], where: str) -> None:
    """Refuse the paper if there are errors, with all of them in one message; what is said of many places is said once.

    Raises
    ------
    UsageError
        If there are any.
    """
    reasons: dict[str, dict[str, None]] = {}
    for error in errors:
        reason = str(CsevalError(error.found, expected=error.expected, todo=error.todo))
        reasons.setdefault(reason, {})[error.where] = None
    lines = "\n  - ".join(_folded(reason, list(places)) for reason, places in reasons.items())
    if lines:
        raise UsageError(f"{f.plural(len(reasons), 'problem')}, so nothing was changed:\n  - {lines}", where=where)


def _folded(reason: str, places: Sequence[str]) -> str:
    """A reason with the place that it is about, or with their number and the first of them."""
    many = f"at {f.plural(len(places), 'place')}, of which the first is " if len(places) > 1 else ""
    return f"{many}{places[0]}: {reason}"


def merged(found: Sequence[Found]) -> tuple[Place, ...]:
    """The places, one for each tag; one that Word keeps twice has the state of the worse."""
    places: dict[str, Place] = {}
    for place in (one.place for one in found):
        known = places.setdefault(place.tag, place)
        if STATES.index(place.state) > STATES.index(known.state):
            places[place.tag] = place
    return tuple(places.values())


def _examined(
    draft: Draft, controls: Sequence[Control], contents: Contents, main: str
) -> tuple[list[Found], list[CsevalError]]:
    """The controls of one tag, or everything that speaks against filling them."""
    first = controls[0]
    where = place_words(draft.package.where, first, main)
    errors = [] if _one_place(controls) else [_repeated(draft, first, where)]
    tag = content = None
    try:
        tag = parse_tag(first.name, where)
        content = contents.find(tag, where)
    except CsevalError as error:
        errors.append(error)
    standings = [_standing(draft, control) for control in controls]
    for control, standing in zip(controls, standings, strict=True):
        own = place_words(draft.package.where, control, main)
        errors += problems(control, standing, tag.kind if tag is not None else "", own)
    if errors or tag is None or content is None:
        return [], errors
    pairs = zip(controls, standings, strict=True)
    return [_found(draft, c, s, tag, content, words_for(c.part, main), where) for c, s in pairs], []


def place_words(paper: str, control: Control, main: str) -> str:
    """A control as messages call it, with the words before it, since Word cannot search for tags."""
    after = f" after “{printable(control.before[-_QUOTED:].strip())}”" if control.before else ""
    return f"{paper}, {words_for(control.part, main)}, control {quoted(control.name)}{after}"


def _standing(draft: Draft, control: Control) -> Standing:
    content = control.content.of(draft.package.contents[control.part])
    return read_standing(content, control.scope, draft.package.place(control.part))


def _one_place(controls: Sequence[Control]) -> bool:
    """Whether each two of these controls are in different branches of one of Word's alternatives."""
    return all(_alternatives(a, b) for a, b in combinations(controls, 2))


def _alternatives(a: Control, b: Control) -> bool:
    other = dict(b.branches)
    return a.part == b.part and any(other.get(choice, branch) != branch for choice, branch in a.branches)


def _repeated(draft: Draft, control: Control, where: str) -> CsevalError:
    taken = {c.name for story in draft.stories.values() for c in story.controls}
    return UsageError(
        "a tag that stands in more than one place",
        where=where,
        expected="each tag once",
        todo=f"Give the second place the tag {printable(next_copy(control.name, taken))}",
    )


def _found(
    draft: Draft, control: Control, standing: Standing, tag: Tag, content: Shown, part: str, where: str
) -> Found:
    stamp = _stamp(draft, control, standing, content)
    now, says, same, difference = _compared(draft, control, standing, content, stamp)
    state = _state(control, stamp, content, same)
    place = Place(
        part=part,
        before=control.before,
        tag=control.tag,
        kind=tag.kind,
        now=now,
        says=says,
        difference=difference if state not in (*GOOD, NOT_FILLED) else "",
        state=state,
        run=stamp.run,
        data=(DEMONSTRATION if stamp.simulated else REAL) if stamp.run else "",
        last_run=content.run,
        origin=content.origin,
    )
    return Found(control=control, standing=standing, content=content, stamp=stamp, place=place, where=where)


def _stamp(draft: Draft, control: Control, standing: Standing, content: Shown) -> Stamp:
    """The run that a control was filled from; Word may move a mark that stands at the very edge of it out of it."""
    own = [name for _, _, name in standing.marks]
    every = (name for story in draft.stories.values() for _, name in story.bookmarks)
    found = stamped(control.tag, own, content.stamp)
    return found if found.run else stamped(control.tag, every, content.stamp)


def _state(control: Control, stamp: Stamp, content: Shown, same: bool) -> str:
    if control.placeholder is not None or not stamp.run:
        return NOT_FILLED
    if stamp.run == content.run:
        return CURRENT if same else BY_HAND
    if stamp.simulated != content.simulated:
        return FROM_SIMULATED if stamp.simulated else FROM_REAL
    return SAME if same else EARLIER


def _compared(
    draft: Draft, control: Control, standing: Standing, content: Shown, stamp: Stamp
) -> tuple[str, str, bool, str]:
    """What stands in a control, what it is to say, whether that is the same but for the run's hash, and where not."""
    if isinstance(content, FigureContent):
        alt = standing.drawings[0].alt if standing.drawings else ""
        return alt or standing.text, content.alt, is_current(draft, control, standing, content), ""
    if not isinstance(content, TableContent):
        says = value_says(content)
        return standing.text, says.text, standing.lines == _as_of(says, content, stamp), ""
    says = table_says(content, table_number(standing.lines))
    lines = _as_of(says, content, stamp)
    return standing.text, says.text, standing.lines == lines, first_difference(content, standing.lines, lines)


def _as_of(says: Standing, content: Shown, stamp: Stamp) -> list[str]:
    """The lines of what the last run says, with the hash of the run that stands in the paper."""
    return [line.replace(content.run, stamp.run or content.run) for line in says.lines]

"""What is evaluated and how: programme, analyses and evaluation, as frozen records without any I/O."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from cseval.errors import SpecError
from cseval.months import add_months, month_number

if TYPE_CHECKING:
    from cseval.checks.base import Check
    from cseval.claims.base import Claim
    from cseval.disclosure import Disclosure
    from cseval.estimators.base import Estimator
    from cseval.inference.base import Inference
    from cseval.inputs import Inputs
    from cseval.part import Part
    from cseval.sources.catalogue import Catalogue
    from cseval.study import Study

ROLES = ("primary", "secondary", "sensitivity", "exploratory")
#: Months before the start without which there is no course before the programme to hold anything against.
FEWEST_BEFORE = 2
#: Mark of a field that is part of the protocol only where it says something.
SAID_IF_SET = {"said": "if set"}
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def require_slug(slug: str, what: str) -> None:
    """Refuse a name that is no lower-case words joined by hyphens."""
    if not _SLUG.fullmatch(slug):
        raise SpecError(
            f"{slug!r} cannot name {what}", expected="lower-case words joined by hyphens, for example pilot-evaluation"
        )


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A programme: what was done, where and from when.

    Parameters
    ----------
    name : str
        The name the board knows it by.
    start : str
        First month of the programme, ``YYYY-MM``; it is event time 0.
    roles : str
        Name of the CSV in ``data/reference`` that gives the role of each unit.
    register : str
        Slug of the programme's row in ``data/reference/programmes.csv``; overlaps are read from there.
    transition : int
        Months from `start` that are left out while the programme beds in.
    buffer_rings : int
        Rings of units around the treated ones that are left out of the comparison.
    agreed : str or None
        Month in which the area was chosen; the selection is judged on the year before it.
    neighbourhoods : int
        Separate neighbourhoods that the treated units form on the map. Declared, so that a wrong code in the roles,
        which nearly always lies elsewhere, is found.
    """

    name: str
    start: str
    roles: str
    register: str = ""
    transition: int = 0
    buffer_rings: int = 1
    agreed: str | None = None
    neighbourhoods: int = 1

    def __post_init__(self) -> None:
        month_number(self.start)
        if self.neighbourhoods < 1:
            raise SpecError(
                f"{self.neighbourhoods} neighbourhoods", where=f"Programme {self.name!r}", expected="at least 1"
            )
        if self.agreed is not None and month_number(self.agreed) > month_number(self.start):
            raise SpecError(
                f"{self.name} was agreed in {self.agreed}, after its start in {self.start}",
                where="Programme.agreed",
                expected="a month up to the start",
            )
        if self.transition < 0 or self.buffer_rings < 0:
            raise SpecError(
                "a negative number of transition months or buffer rings",
                where=f"Programme {self.name!r}",
                expected="0 or more",
            )


@dataclass(frozen=True, kw_only=True)
class Window:
    """The months an analysis looks at, counted from the start.

    Parameters
    ----------
    first, last : str
        First month of the pre period and last month of the post period, ``YYYY-MM``.
    """

    first: str
    last: str

    def __post_init__(self) -> None:
        if month_number(self.first) >= month_number(self.last):
            raise SpecError(
                f"the window runs from {self.first} to {self.last}", expected="a first month before the last"
            )


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One registered estimate: an outcome, an estimator, how its uncertainty is measured, and its role.

    Parameters
    ----------
    slug : str
        Name of the analysis in every output.
    outcome : str or tuple of str
        The outcome; of several, the first that the data hold.
    estimator : Estimator
        How the effect is estimated.
    inference : sequence of Inference
        How its uncertainty is measured; the first decides the verdict, the others stand beside it.
    role : {"primary", "secondary", "sensitivity", "exploratory"}
        Why it is run.
    label : str
        What the effect table calls it.
    note : str
        Why this analysis, in the evaluator's own words.
    comparison : str
        Name of the comparison group; ``"all"`` for every unit outside the treated area and its buffer.
    start, window, transition, buffer_rings : optional
        Where this analysis departs from the evaluation's own.
    subtract_selection : bool
        Subtract the change that selecting the worst neighbourhood brings by itself.
    """

    slug: str
    outcome: str | tuple[str, ...]
    estimator: Estimator
    inference: Sequence[Inference]
    role: str
    label: str = ""
    note: str = ""
    comparison: str = "all"
    start: str | None = None
    window: Window | None = None
    transition: int | None = None
    buffer_rings: int | None = None
    subtract_selection: bool = False

    def __post_init__(self) -> None:
        require_slug(self.slug, "an analysis")
        if self.role not in ROLES:
            raise SpecError(f"role {self.role!r}", where=f"analysis {self.slug}", expected="one of " + ", ".join(ROLES))
        if not self.inference:
            raise SpecError("no inference", where=f"analysis {self.slug}", expected="at least one inference method")
        names = [m.name for m in self.inference]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise SpecError(
                f"{twice[0]!r} is declared twice", where=f"analysis {self.slug}", expected="each inference method once"
            )
        if not self.outcomes or not all(self.outcomes):
            raise SpecError("no outcome", where=f"analysis {self.slug}", expected="at least one")
        if (self.transition or 0) < 0 or (self.buffer_rings or 0) < 0:
            raise SpecError(
                "a negative number of transition months or buffer rings",
                where=f"analysis {self.slug}",
                expected="0 or more",
            )
        if self.start is not None:
            month_number(self.start)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes in order of preference."""
        return (self.outcome,) if isinstance(self.outcome, str) else tuple(self.outcome)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A registered evaluation: the question, the programme, the data, the analyses and the checks.

    Parameters
    ----------
    slug, title, question : str
        Its name in commands, its name in print, and what it answers.
    programme : Programme
        What is evaluated.
    window : Window
        Months from the first pre month to the last post month.
    real : callable or None
        ``Catalogue -> Inputs``: reads the imported files. Nothing is read at import. None, and only then, where
        `demonstration_only` says why there are none to read.
    demonstration : callable
        ``seed -> Inputs``: simulates demonstration data.
    needs, optional : tuple of str
        Kinds of source the real run needs, and those it uses where present.
    analyses : tuple of Analysis
        Exactly one has the role ``primary``.
    checks : tuple of Check
        Diagnostics, run on the primary analysis.
    claims : tuple of Claim
        Public statements that the data can be held against.
    parts : tuple of Part
        Further parts of the report that are no analyses: displacement from counts, police activity, a survey.
    reasons : tuple of (str, str)
        Outcome or choice, and why it was made; printed in the report.
    limits : tuple of str
        What the evaluation cannot see, printed in the report.
    demonstration_only : str
        Why there are no real data, in one sentence; the evaluation then runs on demonstration data alone.
    disclosure : Disclosure or None
        How small counts are withheld where an input is not published; by default those below five.
    """

    slug: str
    title: str
    question: str
    programme: Programme
    window: Window
    real: Callable[[Catalogue], Inputs] | None
    demonstration: Callable[[int], Inputs]
    needs: tuple[str, ...]
    analyses: tuple[Analysis, ...]
    checks: tuple[Check, ...] = ()
    claims: tuple[Claim, ...] = field(default=(), metadata=SAID_IF_SET)
    parts: tuple[Part, ...] = field(default=(), metadata=SAID_IF_SET)
    optional: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()
    demonstration_only: str = field(default="", metadata=SAID_IF_SET)
    disclosure: Disclosure | None = field(default=None, metadata=SAID_IF_SET)

    def __post_init__(self) -> None:
        require_slug(self.slug, "an evaluation")
        _require_data(self)
        slugs = [a.slug for a in self.analyses]
        repeated = sorted({s for s in slugs if slugs.count(s) > 1})
        if repeated:
            raise SpecError(f"analysis {repeated[0]!r} is declared twice", where=self.slug, expected="each slug once")
        primaries = [a.slug for a in self.analyses if a.role == "primary"]
        if len(primaries) != 1:
            raise SpecError(
                f"{len(primaries)} primary analyses ({', '.join(primaries) or 'none'})",
                where=self.slug,
                expected="exactly one",
            )
        start = self.programme.start
        if not month_number(self.window.first) < month_number(start) <= month_number(self.window.last):
            raise SpecError(
                f"the start {start} lies outside the window {self.window.first} to {self.window.last}",
                where=self.slug,
                expected="a start inside the window, after its first month",
            )

    @property
    def primary(self) -> Analysis:
        """The primary analysis."""
        return next(a for a in self.analyses if a.role == "primary")

    def resolve(self, present: Sequence[str]) -> tuple[tuple[Analysis, ...], tuple[str, ...]]:
        """Analyses that these data allow, each with one outcome, and why the others are left out.

        Parameters
        ----------
        present : sequence of str
            Outcomes that the panel holds.

        Returns
        -------
        analyses : tuple of Analysis
        left_out : tuple of str
            One sentence for each analysis that is not run.
        """
        kept: list[Analysis] = []
        left_out: list[str] = []
        primary = next((o for o in self.primary.outcomes if o in present), None)
        if primary is None:
            raise SpecError(
                f"none of the primary outcomes {', '.join(self.primary.outcomes)} is in the data",
                where=self.slug,
                expected="one of them",
                todo="Import a source that holds it; `cseval data status` lists what is present",
            )
        for analysis in self.analyses:
            outcome = next((o for o in analysis.outcomes if o in present), None)
            if outcome is None:
                left_out.append(f"{analysis.slug}: the data hold no {' or '.join(analysis.outcomes)}")
            elif analysis.role == "secondary" and outcome == primary:
                left_out.append(f"{analysis.slug}: its outcome is that of the primary analysis here")
            else:
                kept.append(replace(analysis, outcome=outcome))
        return tuple(kept), tuple(left_out)

    def window_of(self, analysis: Analysis) -> tuple[str, int, int, int]:
        """Start, months before it, months after the transition, and transition months of an analysis."""
        start = analysis.start or self.programme.start
        window = analysis.window or self.window
        transition = self.programme.transition if analysis.transition is None else analysis.transition
        before = month_number(start) - month_number(window.first)
        after = month_number(window.last) - month_number(add_months(start, transition)) + 1
        if before < FEWEST_BEFORE or after < 1:
            raise SpecError(
                f"{before} months before and {after} after the start {start}",
                where=f"{self.slug}, analysis {analysis.slug}",
                expected=f"at least {FEWEST_BEFORE} before, or nothing says how the areas moved before, and 1 after",
                todo="Widen the window",
            )
        return start, before, after, transition


def _require_data(evaluation: Evaluation) -> None:
    """Refuse an evaluation that can read real data and says that there are none, or neither."""
    if (evaluation.real is None) != bool(evaluation.demonstration_only):
        raise SpecError(
            "no function that reads the real data" if evaluation.real is None else "real data and demonstration only",
            where=evaluation.slug,
            expected="either `real`, or the reason in `demonstration_only` why there are no real data",
        )


def describe(value: object) -> Any:
    """A declared value as plain JSON data: dataclasses become their class name and fields.

    Functions become their qualified name, so that a protocol can be printed and hashed. A field marked `SAID_IF_SET`
    is left out where it says nothing, so that the hash of a protocol does not change when cseval learns a new one.
    """
    if is_dataclass(value) and not isinstance(value, type):
        said = (f for f in fields(value) if getattr(value, f.name) or "said" not in f.metadata)
        declared = {f.name: describe(getattr(value, f.name)) for f in said}
        return {"class": type(value).__name__, **declared}
    if isinstance(value, Mapping):
        return {str(k): describe(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return sorted(describe(v) for v in value)
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    return value


def protocol_hash(evaluation: Evaluation | Study) -> str:
    """SHA-256 of the declared protocol, so that a changed analysis cannot pass for the registered one."""
    text = json.dumps(describe(evaluation), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

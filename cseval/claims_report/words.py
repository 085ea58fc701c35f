"""What a claim's tests say, in short texts for a table, a screen and a paper."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cseval import formats as f
from cseval.claims.base import NOT_SUPPORTED
from cseval.claims.rules import combined

if TYPE_CHECKING:
    from cseval.claims.base import ClaimResult
    from cseval.claims.register import PublicClaim
    from cseval.claims_report.gather import Told

#: A full stop that ends a sentence, where a number or a capital follows.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9£“])")
#: A change as `formats.change_words` says it: the first of a sentence, and the one per resident.
_CHANGE = r"(?:an? (?:[\d.,]+% )(?:fall|rise)|a change of 0\.0%)"
_FIRST, _RESIDENT = re.compile(_CHANGE), re.compile(f"(?<=Per resident it is ){_CHANGE}")
#: Words that a cell of a paper's table has room for, and a finding on the screen.
CELL, SCREEN = 45, 100


def said_words(claim: PublicClaim) -> str:
    """The claim in quotation marks."""
    return f"“{claim.text}”"


def where_words(claim: PublicClaim) -> str:
    """Where it was said: ``Board report, paragraph 3.2``, or under which heading."""
    numbered = claim.paragraph[:1].isdigit()
    place = f"paragraph {claim.paragraph}" if numbered else f"under “{claim.paragraph}”"
    return f"{claim.source}, {place}"


# Verdicts ---------------------------------------------------------------------------------------------


def verdict_words(told: Told) -> str:
    """The verdict with how it comes about, and what would be said of the outcomes that stand in."""
    return f.sentence_case("; ".join([verdict_text(told), *_stand_in_words(told)]))


def verdict_text(told: Told) -> str:
    """The verdict, how it comes about where that is not plain, and how many readings could not be tested."""
    if not told.decided:
        return told.verdict
    found = [r.verdict for r in told.counted]
    return f"{told.verdict}{_gloss(found)}{_untested_words(told)}"


def stand_in_words(told: Told) -> str:
    """What would be said of the outcomes that stand in; ``[z]`` where none does."""
    return "; ".join(_stand_in_words(told)) or f.NOT_APPLICABLE


def _stand_in_words(told: Told) -> list[str]:
    """One text for each verdict on outcomes that stand in, naming them."""
    by_verdict: dict[str, list[str]] = {}
    for outcome, found in told.said_of_stand_ins.items():
        by_verdict.setdefault(f"{combined(found)}{_gloss(found)}", []).append(f.outcome_words(outcome))
    said = [
        f"of {f.joined(names)}, which {'stands' if len(names) == 1 else 'stand'} in, {verdict}"
        for verdict, names in by_verdict.items()
    ]
    return [*said[:-1], said[-1] + _untested_words(told)] if said else []


def _gloss(found: Sequence[str]) -> str:
    """What is meant where readings come to "not supported", which is not that the opposite is true."""
    from cseval.reporting.further import DONE

    if len(set(found)) > 1:
        return f": its readings disagree, {_counted(found)}"
    return f": {DONE[NOT_SUPPORTED]}" if combined(found) == NOT_SUPPORTED else ""


def _counted(found: Sequence[str]) -> str:
    """How many readings say what: ``2 supported and 1 contradicted``."""
    return f.joined([f"{number} {verdict}" for verdict, number in Counter(found).items()])


def _untested_words(told: Told) -> str:
    """How many readings the verdict rests on, where others could not be tested."""
    others = [r for r in told.results if r not in told.counted]
    kinds = (
        (sum(bool(r.on_stand_in) for r in others), "could be held against another outcome only"),
        (sum(not r.on_stand_in for r in others), "could not be tested"),
        (len(told.readings) - len(told.results), "not used"),
    )
    said = [f"{number} {what}" for number, what in kinds if number]
    return f" (by {len(told.counted)} of {f.plural(len(told.readings), 'reading')}; {f.joined(said)})" if said else ""


# Findings ---------------------------------------------------------------------------------------------


def finding_words(told: Told) -> str:
    """The finding of the first reading whose verdict counts, what each reading says, and what is missing."""
    if not told.results:
        return f.full_stop(f.sentence_case(told.readings[0].why_not))
    first = opening(told.counted[0].sentence, SCREEN)
    return " ".join(t for t in (first, _readings_words(told), _missing_words(told)) if t)


def why_words(told: Told) -> str:
    """The finding in as few words as a cell of a table has room for; a decided one with its caveat."""
    if not told.results:
        return finding_words(told)
    first = told.counted[0]
    said = opening(first.sentence, CELL)
    if first.outcome and (len(told.counted) > 1 or _length(said) > CELL):
        said = _readings_words(told, signed=True) or said
    return " ".join(t for t in (said, opening(first.caveat, 0) if told.decided else "", _missing_words(told)) if t)


def caveat_words(told: Told) -> str:
    """The caveat of the first reading whose verdict counts, without the data needed; empty if there is none."""
    sentences = _END.split(told.counted[0].caveat.strip()) if told.results else []
    return opening(" ".join(s for s in sentences if not s.endswith(f": {told.claim.needs}.")), SCREEN)


def opening(text: str, words: int) -> str:
    """The first sentence of a text, and those that follow as long as all have no more than so many words."""
    first, *others = _END.split(text.strip())
    return _fitting(f.full_stop(first), [f.full_stop(o) for o in others], " ", words)


def _fitting(text: str, others: Sequence[str], between: str, words: int) -> str:
    for other in others:
        if _length(longer := f"{text}{between}{other}") > words:
            break
        text = longer
    return text


def _length(text: str) -> int:
    return len(text.split())


def _readings_words(told: Told, *, signed: bool = False) -> str:
    """Each reading of the words in a clause with its number, and its verdict; nothing where there is one reading.

    Parameters
    ----------
    told : Told
    signed : bool
        Whether numbers are written short, with a sign, and a single reading is told as well.
    """
    results = told.counted
    if len(results) < 2 and not signed:
        return ""
    found = [r.on_stand_in or r.verdict for r in results]
    same = len(set(found)) == 1
    main = results[0].outcome
    clauses = [
        _clause(r, number, main, signed) + ("" if same else f": {verdict}")
        for number, (r, verdict) in enumerate(zip(results, found, strict=True), start=1)
    ]
    end = f"; {'each ' if len(results) > 1 else ''}{found[0]}" if same else ""
    return f"{_heading(results)}: {'; '.join(clauses)}{end}."


def _heading(results: Sequence[ClaimResult]) -> str:
    """How many readings there are, and how many are of outcomes other than the first's."""
    own = sum(r.outcome == results[0].outcome for r in results)
    further = f.plural(len(results) - own, "further outcome") if own < len(results) else ""
    return f.joined([f"{f.plural(own, 'reading')} of the words", *([further] if further else [])])


def _clause(result: ClaimResult, number: int, main: str, signed: bool) -> str:
    """One reading: how the words are read, or of which further outcome, and the change."""
    read = result.statement.reading or f"reading {number}"
    if result.outcome != main:
        name = f.outcome_words(result.outcome)
        read = name if signed else f"{name} ({read})"
    change = change_told(result.sentence, signed=signed)
    return f"{read}, {change}" if change else read


def change_told(sentence: str, *, signed: bool = False) -> str:
    """The change that a finding tells first, and the one per resident: ``a 7.3% fall, per resident a 9.5% fall``.

    Parameters
    ----------
    sentence : str
        Of a claim that an evaluation tests, its numbers written by `formats.change_words`.
    signed : bool
        Write ``−7.3%, per resident −9.5%``.

    Returns
    -------
    str
        Empty if it tells none.
    """
    said = [m[0] for m in (_FIRST.search(sentence), _RESIDENT.search(sentence)) if m]
    return ", per resident ".join(_signed(change) if signed else change for change in said)


def _signed(change: str) -> str:
    """A change as a number: ``a 7.3% fall`` becomes ``−7.3%``."""
    sign = f.MINUS if change.endswith("fall") else "+" if change.endswith("rise") else ""
    return sign + next(word for word in change.split() if word.endswith("%"))


def _missing_words(told: Told) -> str:
    missing = [r.why_not for r in told.readings if r.result is None]
    return f"{f.plural(len(missing), 'reading')} left out: {f.full_stop(missing[0])}" if missing else ""


# Data -------------------------------------------------------------------------------------------------


def needs_words(told: Told) -> str:
    """The data that would test the claim, all of them."""
    return f.full_stop(f.sentence_case(told.claim.needs)) if told.claim.needs else f.NOT_APPLICABLE


def needs_cell(told: Told) -> str:
    """The same in as few words as a cell has room for; where there is a verdict already, what would test it further."""
    first, *others = told.claim.needs.split("; ")
    if not first:
        return f.NOT_APPLICABLE
    short = f.full_stop(_fitting(first, others, "; ", CELL))
    return f"To test it further: {short}" if told.decided else f.sentence_case(short)


def needs_label(told: Told) -> str:
    """What the data are called that would test a claim."""
    return "Data that would test it further" if told.decided else "Data that would test it"


def summary_words(everything: tuple[Told, ...]) -> str:
    """How many claims there are of each verdict, in a sentence."""
    parts = _counted([t.verdict for t in everything])
    return f"Of {f.plural(len(everything), 'public claim')}: {parts or 'none'}."

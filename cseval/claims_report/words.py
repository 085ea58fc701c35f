"""What a claim's tests say, in short texts for a table, a screen and a paper."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from cseval import formats as f

if TYPE_CHECKING:
    from cseval.claims.register import PublicClaim
    from cseval.claims_report.gather import Told

#: A full stop that ends a sentence, where a number or a capital follows.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9£“])")


def said_words(claim: PublicClaim) -> str:
    """The claim in quotation marks."""
    return f"“{claim.text}”"


def where_words(claim: PublicClaim) -> str:
    """Where it was said: ``Board report, paragraph 3.2``, or under which heading."""
    numbered = claim.paragraph[:1].isdigit()
    place = f"paragraph {claim.paragraph}" if numbered else f"under “{claim.paragraph}”"
    return f"{claim.source}, {place}"


def verdict_words(told: Told) -> str:
    """The verdict, and what would be said of the outcomes that stand in."""
    return f.sentence_case("; ".join([told.verdict, *_stand_in_words(told)]))


def stand_in_words(told: Told) -> str:
    """What would be said of the outcomes that stand in; ``[z]`` where none does."""
    return "; ".join(_stand_in_words(told)) or f.NOT_APPLICABLE


def _stand_in_words(told: Told) -> list[str]:
    """One text for each verdict on outcomes that stand in, naming them."""
    by_verdict: dict[str, list[str]] = {}
    for outcome, verdict in told.stand_ins.items():
        by_verdict.setdefault(verdict, []).append(f.outcome_words(outcome))
    return [
        f"of {f.joined(names)}, which {'stands' if len(names) == 1 else 'stand'} in, {verdict}"
        for verdict, names in by_verdict.items()
    ]


def finding_words(told: Told) -> str:
    """The finding in a sentence: of the first test that has one, with how many readings say what; else what to do."""
    if not told.results:
        return f.full_stop(f.sentence_case(told.readings[0].why_not))
    first = f.full_stop(first_sentence(told.results[0].sentence))
    return " ".join(t for t in (first, _readings_words(told), _missing_words(told)) if t)


def first_sentence(text: str) -> str:
    """The first sentence of a text."""
    return _END.split(text.strip(), maxsplit=1)[0]


def _readings_words(told: Told) -> str:
    """How several readings of the same words compare; nothing where there is one."""
    found = Counter(r.on_stand_in or r.verdict for r in told.results)
    if len(told.results) < 2:
        return ""
    if len(found) == 1:
        return f"All {len(told.results)} readings of the words come to the same verdict."
    counts = f.joined([f"{number} {verdict}" for verdict, number in found.items()])
    return f"The {len(told.results)} readings of the words come to different verdicts: {counts}."


def _missing_words(told: Told) -> str:
    missing = [r.why_not for r in told.readings if r.result is None]
    return f"{f.plural(len(missing), 'reading')} left out: {f.full_stop(missing[0])}" if missing else ""


def needs_words(told: Told) -> str:
    """The data that would test the claim."""
    return f.full_stop(f.sentence_case(told.claim.needs)) if told.claim.needs else f.NOT_APPLICABLE


def summary_words(everything: tuple[Told, ...]) -> str:
    """How many claims there are of each verdict, in a sentence."""
    found = Counter(t.verdict for t in everything)
    parts = [f"{number} {verdict}" for verdict, number in found.items()]
    return f"Of {f.plural(len(everything), 'public claim')}: {f.joined(parts) or 'none'}."

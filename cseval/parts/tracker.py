"""What became of a list of promised actions, as far as the papers tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cseval.errors import DataError

if TYPE_CHECKING:
    from cseval.part import Ground, PartResult
    from cseval.registry.actions import Action
    from cseval.tables import Table

UNNAMED = "Not named in the papers"
NOT_SHOWN = "An action that a paper reports as achieved is not an action that anybody can check: no proof is on record"


@dataclass(frozen=True, kw_only=True)
class ActionTracker:
    """The actions of a published list with status, month and proof.

    Parameters
    ----------
    programme : str
        Slug of the programme whose list it is.
    title : str
        What the list is called.
    name : str
        What the part is called where it is left out.
    """

    programme: str
    title: str
    name: str = "actions"

    def run(self, ground: Ground) -> PartResult:
        """Status of every action.

        Raises
        ------
        DataError
            If the data of the run are simulated, or no action of the programme is on record.
        """
        from cseval.part import PartResult
        from cseval.parts.delivery import require_real
        from cseval.registry.actions import ACTIONS, SHOWN, read_actions
        from cseval.registry.provenance import register_table

        require_real(ground, self.programme, self.name)
        path = ground.reference / ACTIONS
        found = read_actions(path, programmes=ground.registry.programmes) if path.is_file() else ()
        own = [a for a in found if a.programme == self.programme]
        if not own:
            raise DataError(f"no action of {self.programme}", where=str(path), expected="a row for each action")
        unproven = [a for a in own if a.status != SHOWN]
        return PartResult(
            slug="actions",
            heading=f"What became of the {self.title}",
            headline=tracker_headline(own, self.title),
            sentences=_sentences(own),
            tables=(actions_table(own, self.title),),
            weaknesses=(NOT_SHOWN,) if unproven else (),
            sources=(register_table(path),),
        )


def tracker_headline(actions: Sequence[Action], title: str) -> str:
    """How many actions have which status."""
    from cseval import formats as f

    counts = Counter(a.status for a in actions)
    said = f.joined([f"{f.number_words(n)} {status}" for status, n in counts.items()])
    shown = sum(bool(a.proof) for a in actions)
    proof = f"for {f.number_words(shown)} of them there is proof" if shown else "for none of them is proof on record"
    if all(a.action == UNNAMED for a in actions):
        proof += ", and the papers do not say what they were"
    if len(counts) == 1:
        return f"All {f.number_words(len(actions))} actions of the {title} are {next(iter(counts))}; {proof}."
    return f"Of {f.plural(len(actions), 'action')} of the {title}, {said}; {proof}."


def _sentences(actions: Sequence[Action]) -> tuple[str, ...]:
    from cseval import formats as f

    missing = [
        words
        for words, absent in (
            ("who was to do it", [a for a in actions if not a.owner]),
            ("by when", [a for a in actions if not a.due]),
            ("what shows that it was done", [a for a in actions if not a.proof]),
        )
        if len(absent) == len(actions)
    ]
    unnamed = all(a.action == UNNAMED for a in actions)
    what = ["what it was"] if unnamed else []
    return (f"The papers do not say of any action {f.joined([*what, *missing])}.",) if what or missing else ()


def actions_table(actions: Sequence[Action], title: str) -> Table:
    """Every action with owner, months, status and proof; what the papers do not tell is empty."""
    import pandas as pd

    from cseval.registry.words import cited
    from cseval.tables import Table

    rows = [
        {
            "number": a.number,
            "action": a.action,
            "owner": a.owner,
            "due": a.due,
            "status": a.status,
            "done": a.done,
            "proof": a.proof,
            "source": cited(a.source, a.paragraph),
        }
        for a in actions
    ]
    return Table(
        slug="actions",
        title=f"Actions of the {title}",
        values=pd.DataFrame(rows),
        headings={"number": "No.", "owner": "Who", "due": "Due", "done": "Reported as done by"},
        notes=("[x] stands where the papers do not say.",),
        source="Programme register, data/reference/actions.csv",
    )

"""A result without the small counts of unpublished data: everything that is written is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.disclosure import WITHHELD, Disclosure, small, tells, withheld_sentence, without_small_counts
from cseval.finding import finding_of
from cseval.inputs import DEMONSTRATION
from cseval.reporting.protected_cells import Hidden, hidden_in, is_treated
from cseval.reporting.protected_frames import blank, counts_of, rounded_frame, without_shared
from cseval.reporting.small_counts import require_no_small_counts
from cseval.verdict import NOT_ESTIMABLE
from cseval.words import reading

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from cseval.checks.base import CheckResult
    from cseval.claims.base import ClaimResult
    from cseval.inputs import Inputs
    from cseval.reporting.figures import Figure
    from cseval.result import AnalysisResult, EvaluationResult
    from cseval.tables import Table

    Mask = npt.NDArray[np.bool_]

#: Checks that leave out one unit at a time, so that their numbers are as good as counts of that unit.
BY_UNIT = ("leave one out",)
#: What the effect table says of an effect that is withheld.
VERDICT = "withheld"
#: Figures that show an effect by itself and go with it.
OF_THE_EFFECT = ("placebo",)
GAPS = "Months whose count is withheld are not drawn, and averages leave them out."
NOT_DRAWN = "Counts that are withheld are not drawn, and a figure that would need them is left out."


def rules_of(result: EvaluationResult) -> Disclosure | None:
    """How small counts are withheld; None where every input is public already, or the data are simulated."""
    sources = result.inputs.sources
    if result.data == DEMONSTRATION or (sources and all(p.published for p in sources)):
        return None
    return result.evaluation.disclosure or Disclosure()


def disclosure_sentence(result: EvaluationResult) -> str:
    """Whether small counts are withheld, how and why, for the report."""
    rules = rules_of(result)
    if result.data == DEMONSTRATION:
        return "No small count is withheld: the data are simulated and describe nobody."
    if rules is None:
        return "No small count is withheld: every input is published already at the geography at which it is used here."
    closed = "; ".join(dict.fromkeys(p.title for p in result.inputs.sources if not p.published))
    base = f" All other counts are rounded to the nearest {rules.rounding}." if rules.rounding else ""
    return (
        f"Counts from 1 to {rules.threshold - 1} are withheld and marked {f.SUPPRESSED}, with what rests on them and "
        "as many further counts as keep sums from giving them away, since these inputs are not published at this "
        f"geography: {closed or 'data without a source'}. Estimates were computed from all counts.{base}"
    )


def protect(result: EvaluationResult) -> EvaluationResult:
    """The result without small counts, and without what would give them back, if any input is not published.

    Numbers become `disclosure.WITHHELD`, and sentences that rest on them are replaced. Design and panel keep the true
    counts, from which nothing is written. Where every input is published, the result is returned as it is.
    """
    rules = rules_of(result)
    if rules is None or result.effects.attrs.get("protected"):
        return result
    work = _Work(result=result, rules=rules, hidden=hidden_in(result, rules.threshold))
    effects = work.effects()
    effects.attrs["protected"] = True
    return replace(
        result,
        inputs=work.inputs(),
        analyses=work.analyses,
        checks=work.checks,
        claims=work.claims,
        effects=effects,
        headline=work.clean(result.headline),
        evidence=work.clean(result.evidence),
        weaknesses=work.each(result.weaknesses),
        left_out=work.each(result.left_out),
        warnings=work.each(result.warnings),
        **work.frames(),
    )


class _Work:
    """The parts of one result, protected one by one; later parts look at what became of earlier ones."""

    def __init__(self, *, result: EvaluationResult, rules: Disclosure, hidden: Hidden) -> None:
        self.result, self.rules, self.hidden = result, rules, hidden
        self.closed = self._closed("analysis") | hidden.effects
        self.closed_claims = self._closed("claim") | self._told()
        self.analyses = tuple(map(self._analysis, result.analyses))
        self.checks = tuple(map(self._check, result.checks))
        self.claims = tuple(map(self._claim, result.claims))
        before = (*(a.sentence for a in result.analyses), *(c.sentence for c in result.checks))
        after = (*(a.sentence for a in self.analyses), *(c.sentence for c in self.checks))
        self.said = dict(zip(before, after, strict=True))

    def clean(self, text: str) -> str:
        """A text as it may be said: what it repeats of a protected part as that says it now."""
        return without_small_counts(self.said.get(text, text), self.rules.threshold)

    def each(self, texts: Sequence[str]) -> tuple[str, ...]:
        """`clean` of every text."""
        return tuple(map(self.clean, texts))

    # Which parts are closed --------------------------------------------------------------------------

    def _closed(self, owner: str) -> frozenset[str]:
        """Analyses or claims of which a table of their own holds a small count, or months that are withheld."""
        tables = [t for t in self.result.further.values() if owner in t.columns and len(t)]
        parts = [(str(slug), rows) for t in tables for slug, rows in t.groupby(owner, sort=False)]
        return frozenset(slug for slug, rows in parts if self._holds_small(rows))

    def _holds_small(self, rows: pd.DataFrame) -> bool:
        counted = counts_of(rows)
        if any(small(rows[c].astype(float), self.rules.threshold).any() for c in counted):
            return True
        by_month = counted and {"outcome", "period"} <= set(rows.columns)
        return bool(by_month and self.hidden.in_series(rows).any())

    def _told(self) -> frozenset[str]:
        """Claims whose totals are small, or whose words say a small count; all where counts are rounded.

        A claim's sentence says counts exactly.
        """
        found = []
        for claim in self.result.claims:
            spec = next((c for c in self.result.evaluation.claims if c.statement == claim.statement), None)
            told = any(tells(text, self.rules.threshold) for text in (claim.sentence, claim.caveat))
            if told or self.rules.rounding or self._small_totals(spec, claim.outcome):
                found.append(claim.statement.slug)
        return frozenset(found)

    def _small_totals(self, spec: object, outcome: str) -> bool:
        """Whether the area of a claim has a small total in one of the periods that it compares."""
        from cseval.claims.counts import totals_of

        panel, treated = self.result.inputs.panel, self.result.inputs.roles.treated
        periods = [p for p in (getattr(spec, "before", None), getattr(spec, "after", None)) if isinstance(p, tuple)]
        named = {getattr(spec, "unit", None), *(getattr(spec, "units", None) or ())} - {None} or treated
        if outcome not in panel.counts:
            return False
        rows = [i for i, u in enumerate(panel.units) if u in named]
        return any(bool(small(totals_of(panel, outcome, p)[rows].sum(), self.rules.threshold)) for p in periods)

    # Parts -------------------------------------------------------------------------------------------

    def _analysis(self, analysis: AnalysisResult) -> AnalysisResult:
        """An analysis: without its numbers where its base is withheld, without its course where a month is."""
        estimate, slug, threshold = analysis.estimate, analysis.analysis.slug, self.rules.threshold
        notes = tuple(without_small_counts(n, threshold) for n in estimate.notes)
        estimate = replace(estimate, notes=notes)
        if slug in self.closed or self.hidden.in_months(estimate.outcome, analysis.design.periods).any():
            estimate = replace(estimate, path=None, tables={}, coefficients=None)
        if slug in self.hidden.effects:
            return _withheld(replace(analysis, estimate=estimate))
        changed = replace(analysis, estimate=_rounded_estimate(estimate, self.rules.rounding))
        if not self.rules.rounding:
            return replace(changed, sentence=without_small_counts(analysis.sentence, threshold))
        return replace(changed, sentence=reading(finding_of(changed)))

    def _check(self, check: CheckResult) -> CheckResult:
        """A check: withheld with the primary effect, or where it is about single units with small counts."""
        whole = self.result.primary.analysis.slug in self.hidden.effects
        if whole or (check.name in BY_UNIT and self.hidden.by_unit):
            why = "it would give away a small number of incidents"
            said = f"What this check found is withheld, since {why}."
            return replace(check, sentence=said, statistic=WITHHELD, p_value=WITHHELD, reference="", table=None)
        table = None if check.table is None else self._table(check.table)
        return replace(check, sentence=without_small_counts(check.sentence, self.rules.threshold), table=table)

    def _table(self, table: Table) -> Table:
        """A table of a check or for context, of which all numbers are withheld if one count is small."""
        import numpy as np

        values, threshold = table.values, self.rules.threshold
        if self._holds_small(values):
            values = blank(values, np.ones(len(values), dtype=bool))
        notes = tuple(without_small_counts(n, threshold) for n in table.notes)
        return replace(table, values=rounded_frame(values, self.rules.rounding), notes=notes)

    def _claim(self, claim: ClaimResult) -> ClaimResult:
        if claim.statement.slug not in self.closed_claims:
            return claim
        sentence = "The numbers behind this verdict are withheld, since they would give away a small count."
        return replace(
            claim, sentence=sentence, caveat=without_small_counts(claim.caveat, self.rules.threshold), frames={}
        )

    def inputs(self) -> Inputs:
        """The inputs with notes and tables for context as they may be shown."""
        inputs = self.result.inputs
        return replace(
            inputs,
            panel=replace(
                inputs.panel, notes=self.each(inputs.panel.notes), provenance=self._sources(inputs.panel.provenance)
            ),
            provenance=self._sources(inputs.provenance),
            notes=self.each(inputs.notes),
            context=tuple(map(self._table, inputs.context)),
        )

    def _sources(self, sources: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(replace(p, notes=self.each(p.notes)) for p in sources)

    # Tables ------------------------------------------------------------------------------------------

    def effects(self) -> pd.DataFrame:
        """The effect table: rows whose base is withheld keep no number that rests on it."""
        frame = self.result.effects.copy()
        hidden = frame["analysis"].isin(self.hidden.effects).to_numpy()
        verdicts = [VERDICT if h else v for h, v in zip(hidden, frame["verdict"], strict=True)]
        frame = frame.assign(verdict=verdicts)
        if "sentence" in frame:
            frame["sentence"] = [self.clean(str(s)) for s in frame["sentence"]]
        if self.rules.rounding:
            shown = {a.analysis.slug: finding_of(a) for a in self.analyses}
            found = [shown[slug] for slug in frame["analysis"]]
            frame = frame.assign(observed=[g.observed for g in found], counterfactual=[g.expected for g in found])
            frame[["averted", "averted_low", "averted_high"]] = [list(g.averted) for g in found]
        return blank(frame, hidden)

    def frames(self) -> Mapping[str, Any]:
        """The other tables of the result, by field."""
        result, hidden, base = self.result, self.hidden, self.rules.rounding
        events, rings, methods = result.event_study, result.displacement, result.inference
        primary_hidden = result.primary.analysis.slug in hidden.effects
        areas = hidden.rings | {a for a in _of(rings, "area") if primary_hidden and is_treated(a)}
        return {
            "series": rounded_frame(without_shared(result.series, hidden), base),
            "event_study": blank(events, hidden.in_events(events) | primary_hidden),
            "placebo": blank(result.placebo, _among(result.placebo, "units", _of(result.placebo, "units")), ("units",)),
            "displacement": rounded_frame(blank(rings, _among(rings, "area", areas)), base),
            "inference": blank(methods, _among(methods, "analysis", hidden.effects)),
            "further": {name: rounded_frame(self._further(t), base) for name, t in result.further.items()},
        }

    def _further(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A table of estimators or claims: closed ones keep no number made of counts, nor notes on them."""
        owner, closed = ("claim", self.closed_claims) if "claim" in frame else ("analysis", self.closed)
        rows = frame[owner].isin(closed).to_numpy()
        return blank(blank(frame, rows), rows, tuple(c for c in ("note",) if c in frame))


def _of(frame: pd.DataFrame, column: str) -> set[str]:
    """The texts in a column; none where the table has no rows."""
    return set(map(str, frame[column])) if len(frame) else set()


def _among(frame: pd.DataFrame, column: str, values: Iterable[str]) -> Mask:
    """Which rows have one of these texts in a column; no row where the table has none."""
    import numpy as np

    wanted = set(values)
    return np.array([str(v) in wanted for v in frame[column]] if len(frame) else [], dtype=bool)


def _withheld(analysis: AnalysisResult) -> AnalysisResult:
    """An analysis of which nothing is said but that it was made."""
    nothing = dict.fromkeys(("std_error", "conf_low", "conf_high"), WITHHELD)
    counts = dict.fromkeys(("effect", "observed", "counterfactual"), WITHHELD)
    return replace(
        analysis,
        estimate=replace(analysis.estimate, **counts, **nothing),  # type: ignore[arg-type]
        inferred=tuple(replace(i, **nothing) for i in analysis.inferred),  # type: ignore[arg-type]
        verdict=NOT_ESTIMABLE,
        sentence=withheld_sentence(f.outcome_words(analysis.estimate.outcome)),
    )


def _rounded_estimate(estimate: Any, base: int) -> Any:
    """An estimate whose count is rounded, and what was expected by the same effect from the rounded count."""
    from cseval.disclosure import rounded

    if not base:
        return estimate
    observed = float(rounded(estimate.observed, base))
    expected = observed + (estimate.counterfactual - estimate.observed)
    if estimate.scale == "log" and estimate.observed > 0:
        expected = observed * estimate.counterfactual / estimate.observed
    path = None if estimate.path is None else rounded_frame(estimate.path, base)
    return replace(estimate, observed=observed, counterfactual=expected, path=path)


def check_protected(result: EvaluationResult, files: Mapping[str, bytes]) -> None:
    """Refuse outputs that still show a small count of unpublished data, whatever made them.

    Raises
    ------
    DataError
        Naming the first place, so that nothing is written.
    """
    rules = rules_of(result)
    if rules is not None:
        require_no_small_counts(files, rules.threshold)


# Figures ---------------------------------------------------------------------------------------------


def protected_figures(result: EvaluationResult) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """`figures.make_figures` of a protected result: nothing that is withheld is drawn.

    Figures are made from the result's tables, where a number that is withheld is not a number. One that shows a
    withheld effect by itself is left out, and those with gaps say so.
    """
    from cseval.reporting.figures import make_figures

    if rules_of(result) is None:
        return make_figures(result)
    figures, left_out = make_figures(_drawable(result))
    primary = result.effects.loc[result.effects["analysis"] == result.primary.analysis.slug, "verdict"]
    out = OF_THE_EFFECT if (primary == VERDICT).any() else ()
    gaps = len(result.series) > 0 and bool(result.series["observed"].isna().any())
    kept = tuple(_with_gaps(g) if gaps and g.name == "series" else g for g in figures if g.name not in out)
    if not _holds_withheld(result):
        return kept, left_out
    return kept, (*(f"{why.rstrip('.')}, or what it would show is withheld." for why in left_out), NOT_DRAWN)


def _with_gaps(figure: Figure) -> Figure:
    return replace(figure, caption=f"{figure.caption} {GAPS}", alt=f"{figure.alt} {GAPS}")


def _drawable(result: EvaluationResult) -> EvaluationResult:
    """The result with plain numbers: what is withheld is missing, and rows that consist of it are left out."""
    from cseval.reporting.protected_frames import plain

    return replace(
        result,
        effects=plain(result.effects),
        series=plain(result.series),
        event_study=_shown_events(result),
        displacement=plain(result.displacement),
        inference=plain(result.inference),
    )


def _shown_events(result: EvaluationResult) -> pd.DataFrame:
    from cseval.reporting.protected_frames import plain

    events = plain(result.event_study)
    return events.dropna(subset=["estimate"]).reset_index(drop=True) if len(events) else events


def _holds_withheld(result: EvaluationResult) -> bool:
    from cseval.reporting.protected_frames import holds_withheld

    frames = (result.effects, result.series, result.event_study, result.displacement, *result.further.values())
    return any(map(holds_withheld, frames))

"""A result without the small counts of unpublished data: everything that is written is made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cseval import formats as f
from cseval.checks.specification_curve import NAME as CURVE
from cseval.disclosure import WITHHELD, Disclosure, rounded, small, withheld_sentence, without_small_counts
from cseval.finding import finding_of
from cseval.inputs import DEMONSTRATION, open_context
from cseval.reporting.parts import without_parts_of_counts
from cseval.reporting.protected_cells import BY_TOTALS, Hidden, hidden_in
from cseval.reporting.protected_frames import (
    blank,
    by_unit,
    closed_rows,
    coarse,
    counts_of,
    plain,
    rounded_frame,
    significant,
    with_texts,
    without_rows,
    without_shared,
)
from cseval.reporting.small_counts import cleaned, may_tell, require_no_small_counts
from cseval.verdict import NOT_ESTIMABLE
from cseval.words import reading

if TYPE_CHECKING:
    import pandas as pd

    from cseval.checks.base import CheckResult
    from cseval.claims.base import ClaimResult
    from cseval.inputs import Inputs
    from cseval.reporting.figures import Figure
    from cseval.result import AnalysisResult, EvaluationResult
    from cseval.tables import Table

#: Checks that leave out one unit at a time, so that their numbers are as good as counts of that unit.
BY_UNIT = ("leave one out", "leave one donor out")
#: Checks that rest on no count of the area, and stay whatever is withheld.
OF_NO_COUNT = ("co-interventions", "error rate")
BUFFER = "buffer"
#: What the effect table says of an effect that is withheld.
VERDICT = "withheld"
#: Figures that show single neighbourhoods, and are left out wherever an input is not published.
OF_UNITS = ("placebo",)
GAPS = "Months whose count is withheld are not drawn, and averages leave them out."
NOT_DRAWN = "Counts that are withheld are not drawn, and a figure that would need them is left out."
CHECK_WITHHELD = "What this check found is withheld, since it would give away a small number of incidents."
CLAIM_WITHHELD = "The numbers behind this verdict are withheld, since they would give away a small count."


def rules_of(result: EvaluationResult) -> Disclosure | None:
    """How small counts are withheld; None where every input is public already, or the data are simulated."""
    sources, declared = result.inputs.sources, result.evaluation.disclosure
    open_ = bool(sources) and all(p.published for p in sources) and open_context(result.inputs)
    if result.data == DEMONSTRATION or (open_ and not (declared and declared.always)):
        return None
    return declared or Disclosure()


def disclosure_sentence(result: EvaluationResult) -> str:
    """Whether small counts are withheld, how and why, for the report."""
    rules = rules_of(result)
    if result.data == DEMONSTRATION:
        return "No small count is withheld: the data are simulated and describe nobody."
    if rules is None:
        return "No small count is withheld: every input is published already at the geography at which it is used here."
    inputs = result.inputs
    titles = [p.title for p in inputs.sources if not p.published]
    titles += [] if open_context(inputs) else [t.title for t in inputs.context]
    closed = "; ".join(dict.fromkeys(titles)) or ("" if inputs.sources else "data without a source")
    why = f"these inputs are not published at this geography: {closed}" if closed else "this evaluation asks for it"
    base = f" All other counts are rounded to the nearest {rules.rounding}." if rules.rounding else ""
    return (
        f"Counts from 1 to {rules.threshold - 1} are withheld and marked {f.SUPPRESSED}, with what rests on them and "
        f"as many further counts as keep sums from giving them away, since {why}. Placebo neighbourhoods and other "
        "single units are not listed. Estimates were computed from all counts and are given to three significant "
        f"digits.{base}"
    )


def protect(result: EvaluationResult) -> EvaluationResult:
    """The result without small counts, and without what would give them back, if any input is not published.

    Numbers become `disclosure.WITHHELD`, and sentences that rest on them are replaced; what would be an equation in
    counts that are withheld is left out whole. Design and panel keep the true counts, from which nothing is written.
    Where every input is published, the result is returned as it is.
    """
    rules = rules_of(result)
    if rules is None or result.effects.attrs.get("protected"):
        return result
    result = without_parts_of_counts(result)
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
        evidence=without_small_counts(result.evidence, rules.threshold),
        weaknesses=work.each(result.weaknesses),
        left_out=work.each(result.left_out),
        warnings=work.each(result.warnings),
        power=tuple(replace(p, curve=coarse(p.curve), detectable=coarse(p.detectable)) for p in result.power),
        **work.frames(),
    )


class _Work:
    """The parts of one result, protected one by one; later parts look at what became of earlier ones."""

    def __init__(self, *, result: EvaluationResult, rules: Disclosure, hidden: Hidden) -> None:
        self.result, self.rules, self.hidden = result, rules, hidden
        self.primary_closed = result.primary.analysis.slug in hidden.effects
        self.closed = self._closed("analysis") | hidden.effects
        self.closed_claims = self._closed("claim") | {c.statement.slug for c in result.claims if self._told(c)}
        self.analyses = tuple(map(self._analysis, result.analyses))
        self.checks = tuple(map(self._check, result.checks))
        self.claims = tuple(map(self._claim, result.claims))
        before = (*(a.sentence for a in result.analyses), *(c.sentence for c in result.checks))
        after = (*(a.sentence for a in self.analyses), *(c.sentence for c in self.checks))
        self.known = {*result.evaluation.limits, *(c.sentence for c in result.checks if c.name in OF_NO_COUNT)}
        self.said = {b: a for b, a in zip(before, after, strict=True) if b and b != a}

    def clean(self, text: str) -> str:
        """A text as it may be said: what it repeats of a protected part as that says it now."""
        for before, after in self.said.items():
            text = text.replace(before, after)
        if text in self.known:
            return without_small_counts(text, self.rules.threshold)
        return text if text in self.said.values() else self._clean(text)

    def _clean(self, text: str) -> str:
        """A text without sentences that hold a number which may be small, once anything is withheld."""
        if self.hidden.anything or self.closed_claims:
            return cleaned(text, self.rules.threshold)
        return without_small_counts(text, self.rules.threshold)

    def each(self, texts: Sequence[str]) -> tuple[str, ...]:
        """`clean` of every text."""
        return tuple(map(self.clean, texts))

    # Which parts are closed --------------------------------------------------------------------------

    def _closed(self, owner: str) -> frozenset[str]:
        """Analyses or claims of which a table of their own is by unit, holds a small count or has months withheld."""
        tables = [t for t in self.result.further.values() if owner in t.columns and len(t)]
        parts = [(str(slug), rows) for t in tables for slug, rows in t.groupby(owner, sort=False)]
        return frozenset(slug for slug, rows in parts if self._holds_small(rows))

    def _holds_small(self, rows: pd.DataFrame) -> bool:
        counted = counts_of(rows)
        if any(small(rows[c].astype(float), self.rules.threshold).any() for c in counted):
            return True
        by_month = counted and {"outcome", "period"} <= set(rows.columns)
        return bool(by_month and self.hidden.in_series(rows).any())

    def _told(self, claim: ClaimResult) -> bool:
        """Whether a claim's numbers go: of an outcome with a small month, by unit, of a unit's small total, or rounded.

        A claim's sentence says counts exactly.
        """
        spec = next((c for c in self.result.evaluation.claims if c.statement == claim.statement), None)
        return (
            self.rules.rounding > 0
            or claim.outcome in self.hidden.outcomes
            or any(map(by_unit, claim.frames.values()))
            or any(may_tell(text, self.rules.threshold) for text in (claim.sentence, claim.caveat))
            or self._small_units(spec, claim.outcome)
        )

    def _small_units(self, spec: object, outcome: str) -> bool:
        """Whether a unit that a claim names has a small month."""
        panel = self.result.inputs.panel
        named = {getattr(spec, "unit", None), *(getattr(spec, "units", None) or ())}
        rows = [i for i, u in enumerate(panel.units) if u in named]
        counts = panel.counts.get(outcome)
        return counts is not None and bool(small(counts[rows], self.rules.threshold).any())

    # Parts -------------------------------------------------------------------------------------------

    def _analysis(self, analysis: AnalysisResult) -> AnalysisResult:
        """An analysis: without its numbers where it is withheld, without its course where a month is."""
        estimate, slug = analysis.estimate, analysis.analysis.slug
        estimate = replace(
            estimate,
            notes=tuple(map(self._clean, estimate.notes)),
            left_out=tuple(map(self._clean, estimate.left_out)),
            tables={name: t for name, t in estimate.tables.items() if not by_unit(t)},
        )
        if slug in self.closed or estimate.outcome in self.hidden.analyses:
            estimate = replace(estimate, path=None, tables={}, coefficients=None, facts={})
        judged = tuple(replace(j, reason=self._clean(j.reason), also=tuple(map(self._clean, j.also)))
                       for j in analysis.judgements)  # fmt: skip
        changed = replace(
            analysis,
            estimate=estimate,
            judgements=judged,
            choice=without_small_counts(analysis.choice, self.rules.threshold),
        )
        if slug in self.hidden.effects:
            return _withheld(changed)
        changed = _coarse_analysis(replace(changed, estimate=_rounded_estimate(estimate, self.rules.rounding)))
        return replace(changed, sentence=reading(finding_of(changed)))

    def _check(self, check: CheckResult) -> CheckResult:
        """A check: withheld where it looks at months, rings or units of which some are withheld."""
        hidden = self.hidden
        outcomes = set(check.table.values.get("outcome", ())) if check.table is not None else set()
        outcomes.add(self.result.primary.estimate.outcome)
        withheld = (
            self.primary_closed
            or bool(outcomes & (hidden.outcomes if check.name == CURVE else hidden.analyses))
            or (hidden.by_unit and check.name in BY_UNIT)
            or (hidden.rings and check.name == BUFFER)
        )
        if check.name in OF_NO_COUNT:
            return replace(check, sentence=without_small_counts(check.sentence, self.rules.threshold))
        if withheld:
            return replace(
                check, sentence=CHECK_WITHHELD, statistic=WITHHELD, p_value=WITHHELD, reference="", table=None
            )
        table = None if check.table is None else self._table(check.table)
        check = _coarse_fields(check, ("statistic", "p_value"))
        return replace(check, sentence=self._clean(check.sentence), table=table)

    def _table(self, table: Table) -> Table:
        """A table of a check or for context, of which all numbers are withheld if one count is small."""
        import numpy as np

        values = table.values
        if self._holds_small(values):
            values = blank(values, np.ones(len(values), dtype=bool))
        notes = tuple(map(self._clean, table.notes))
        return replace(
            table, values=with_texts(rounded_frame(coarse(values), self.rules.rounding), self._clean), notes=notes
        )

    def _claim(self, claim: ClaimResult) -> ClaimResult:
        if claim.statement.slug not in self.closed_claims:
            return claim
        caveat = cleaned(claim.caveat, self.rules.threshold)
        return replace(claim, sentence=CLAIM_WITHHELD, caveat=caveat, frames={})

    def inputs(self) -> Inputs:
        """The inputs with notes and tables for context as they may be shown."""
        inputs = self.result.inputs
        own, others = (
            tuple(replace(p, notes=self.each(p.notes)) for p in sources)
            for sources in (inputs.panel.provenance, inputs.provenance)
        )
        return replace(
            inputs,
            panel=replace(inputs.panel, notes=self.each(inputs.panel.notes), provenance=own),
            provenance=others,
            notes=self.each(inputs.notes),
            context=tuple(map(self._table, inputs.context)),
        )

    def effects(self) -> pd.DataFrame:
        """The effect table: of an analysis that is withheld only how many units and months it looked at stays."""
        frame = self.result.effects.copy()
        hidden = frame["analysis"].isin(self.hidden.effects).to_numpy()
        verdicts = [VERDICT if h else v for h, v in zip(hidden, frame["verdict"], strict=True)]
        frame = frame.assign(verdict=verdicts)
        now = {a.analysis.slug: a for a in self.analyses}
        if "sentence" in frame:
            frame["sentence"] = [now[slug].sentence for slug in frame["analysis"]]
        if self.rules.rounding:
            found = [finding_of(now[slug]) for slug in frame["analysis"]]
            frame = frame.assign(observed=[g.observed for g in found], counterfactual=[g.expected for g in found])
            frame[["averted", "averted_low", "averted_high"]] = [list(g.averted) for g in found]
        return closed_rows(coarse(frame), hidden)

    def frames(self) -> dict[str, Any]:
        """The other tables of the result, by field."""
        result, hidden, base = self.result, self.hidden, self.rules.rounding
        events, rings, methods = result.event_study, result.displacement, result.inference
        no_events = self.primary_closed or result.primary.estimate.outcome in hidden.analyses
        closed = methods["analysis"].isin(hidden.effects).to_numpy() if len(methods) else None
        months = methods["outcome"].isin(hidden.analyses).to_numpy() if len(methods) else None
        return {
            "series": rounded_frame(coarse(without_shared(result.series, hidden)), base),
            "event_study": events.head(0) if no_events else coarse(events),
            "placebo": result.placebo.head(0),
            "displacement": rounded_frame(coarse(rings.head(0) if hidden.rings else rings), base),
            "inference": methods if closed is None else self._methods(methods, closed, months),
            "calibration": coarse(without_rows(result.calibration, hidden.effects)),
            "further": {name: self._further(t) for name, t in result.further.items()},
        }

    def _methods(self, frame: pd.DataFrame, closed: Any, months: Any) -> pd.DataFrame:
        """The table of inference methods: where a month is withheld, only those that look at no month keep numbers."""
        hidden = closed | (months & ~frame["method"].isin(BY_TOTALS).to_numpy())
        return closed_rows(with_texts(coarse(frame), self._clean), hidden)

    def _further(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A table of estimators or claims: no row of what is closed, and none at all if it lists units."""
        if by_unit(frame):
            return frame.head(0)
        owner, closed = ("claim", self.closed_claims) if "claim" in frame else ("analysis", self.closed)
        out = frame[owner].isin(closed) | frame["outcome"].isin(self.hidden.analyses)
        kept = frame[~out].reset_index(drop=True)
        return rounded_frame(with_texts(coarse(kept), self._clean), self.rules.rounding)


def _withheld(analysis: AnalysisResult) -> AnalysisResult:
    """An analysis of which nothing is said but that it was made."""
    nothing = dict.fromkeys(("std_error", "conf_low", "conf_high", "p_value"), WITHHELD)
    counts = dict.fromkeys(("effect", "observed", "counterfactual"), WITHHELD)
    return replace(
        analysis,
        estimate=replace(analysis.estimate, **counts, **nothing),  # type: ignore[arg-type]
        inferred=tuple(replace(i, facts={}, **nothing) for i in analysis.inferred),  # type: ignore[arg-type]
        p_adjusted=WITHHELD,
        p_holm=WITHHELD,
        verdict=NOT_ESTIMABLE,
        sentence=withheld_sentence(f.outcome_words(analysis.estimate.outcome)),
    )


def _coarse_analysis(analysis: AnalysisResult) -> AnalysisResult:
    """An analysis with its estimates to three significant digits."""
    names = ("std_error", "conf_low", "conf_high", "p_value")
    return replace(
        analysis,
        estimate=_coarse_fields(analysis.estimate, ("effect", "counterfactual", *names)),
        inferred=tuple(_coarse_fields(i, names) for i in analysis.inferred),
        p_adjusted=significant(analysis.p_adjusted),
        p_holm=significant(analysis.p_holm),
    )


def _coarse_fields(record: Any, names: Sequence[str]) -> Any:
    return replace(record, **{name: significant(getattr(record, name)) for name in names})


def _rounded_estimate(estimate: Any, base: int) -> Any:
    """An estimate whose count is rounded, and what was expected by the same effect from the rounded count."""
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

    Figures are made from the result's tables, where a number that is withheld is not a number. One that shows
    single neighbourhoods is left out, and those with gaps say so.
    """
    from cseval.reporting.figures import make_figures

    if rules_of(result) is None:
        return make_figures(result)
    figures, left_out = make_figures(_drawable(result))
    gaps = len(result.series) > 0 and bool(result.series["observed"].isna().any())
    kept = tuple(_with_gaps(g) if gaps and g.name == "series" else g for g in figures if g.name not in OF_UNITS)
    return kept, (*(f"{why.rstrip('.')}, or what it would show is withheld." for why in left_out), NOT_DRAWN)


def _with_gaps(figure: Figure) -> Figure:
    return replace(figure, caption=f"{figure.caption} {GAPS}", alt=f"{figure.alt} {GAPS}")


def _drawable(result: EvaluationResult) -> EvaluationResult:
    """The result with plain numbers: what is withheld is missing."""
    names = ("effects", "series", "event_study", "displacement", "inference")
    return replace(result, **{name: plain(getattr(result, name)) for name in names})

"""What the outputs say of the inference methods, of what could have been seen, and of why the verdict rests where."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from result_builders import CHOICE, COMMAND, HASH, make_result
from result_frames import COARSE, ONE_PLACE, TOO_SHORT, make_curve

from cseval.assemble import inference_frame, placebo_frame
from cseval.inference.base import Inferred
from cseval.reporting import tables
from cseval.reporting.report import build_document
from cseval.reporting.tables_inference import measured_sentence
from cseval.result import INFERENCE_COLUMNS
from cseval.runner import _shortcomings


def document(result):
    return build_document(result, (), (), protocol_hash=HASH, command=COMMAND)


def facts(result):
    return dict(document(result).sections[1].blocks[0].facts)


def section(result, slug):
    return next(s for s in document(result).sections if s.slug == slug)


def table(result, slug):
    return next(t for t in tables.report_tables(result) if t.slug == slug)


def rows(outputs, name):
    return list(csv.DictReader(io.StringIO(outputs[name].decode(), newline="")))


# inference.csv ----------------------------------------------------------------------------------------


def test_every_registered_method_is_a_row_and_refused_ones_have_their_reason_and_no_number(result):
    frame = inference_frame("pilot-evaluation", result.analyses, {})
    assert list(frame.columns) == list(INFERENCE_COLUMNS)
    own = frame[frame["analysis"] == "asb"].set_index("method")
    assert list(own.index) == ["placebo neighbourhoods", "cluster-robust (CR1)", "wild bootstrap"]
    assert own["standing"].tolist() == ["coarse", "unreliable", "refused"]
    assert own["reason"].tolist() == [COARSE, ONE_PLACE, TOO_SHORT]
    numbers = ["std_error", "conf_low", "conf_high", "p_value", "percent_low", "percent_high", "false_positive_rate"]
    assert own.loc["wild bootstrap", numbers].isna().all()
    assert own.loc["placebo neighbourhoods", numbers[:-1]].notna().all()


def test_the_chosen_method_is_marked_once_for_each_analysis(result, outputs):
    frame = inference_frame("pilot-evaluation", result.analyses, {})
    assert frame.groupby("analysis")["chosen"].sum().tolist() == [1] * len(result.analyses)
    chosen = {r["analysis"]: r["method"] for r in rows(outputs, "inference.csv") if r["chosen"] == "true"}
    assert chosen == {a.analysis.slug: a.inferred[0].method for a in result.analyses}


def test_all_that_a_method_lacks_is_its_reason(result):
    primary = result.primary
    lacking = replace(primary.judgements[1], also=("It has a giant.",))
    frame = inference_frame("x", [replace(primary, judgements=(lacking,))], {})
    assert frame["reason"].tolist() == [f"{ONE_PLACE} It has a giant."]


def test_placebo_neighbourhoods_are_written_whichever_method_the_verdict_rests_on(result):
    primary = result.primary
    other = Inferred(method="Conley-Taber", std_error=0.1, conf_low=-0.4, conf_high=-0.1, p_value=0.01)
    moved = replace(primary, inferred=(other, *primary.inferred))
    assert len(placebo_frame(moved)) == len(placebo_frame(primary)) > 0


# The report -------------------------------------------------------------------------------------------


def test_the_report_says_why_the_verdict_rests_on_its_method(result, outputs):
    assert facts(result)["Why this method"] == CHOICE
    assert CHOICE in table(result, "methods").notes
    assert CHOICE in outputs["report.html"].decode()
    silent = replace(result, analyses=tuple(replace(a, choice="") for a in result.analyses))
    assert "Why this method" not in facts(silent)


def test_the_table_of_methods_shows_each_with_its_standing(result):
    found = table(result, "methods").values
    assert found["method"].tolist() == ["Placebo neighbourhoods", "Cluster-robust (CR1)", "Wild bootstrap"]
    assert found["standing"].tolist() == ["holds, but coarse; the verdict rests on it", "unreliable", "refused"]
    assert found.loc[2, ["interval", "p"]].tolist() == ["[z]", "[z]"]
    assert found.loc[1, "rate"] == "21.4% / 22.0% / [x]"


def test_methods_with_the_same_reason_are_named_together_in_the_notes(result):
    frame = result.inference.copy()
    notes = table(result, "methods").notes
    assert [n for n in notes if n.endswith((COARSE, ONE_PLACE, TOO_SHORT))] == [
        f"Placebo neighbourhoods: {COARSE}",
        f"Cluster-robust (CR1): {ONE_PLACE}",
        f"Wild bootstrap: {TOO_SHORT}",
    ]
    frame.loc[frame["method"] == "wild bootstrap", "reason"] = ONE_PLACE
    assert (
        f"Cluster-robust (CR1) and wild bootstrap: {ONE_PLACE}" in table(make_result(inference=frame), "methods").notes
    )


def test_what_the_primary_method_lacks_weakens_the_answer(result):
    assert _shortcomings(result.primary) == (COARSE,)
    weakened = replace(result, weaknesses=(*_shortcomings(result.primary), *result.weaknesses))
    items = [text for _, text in section(weakened, "weaknesses").blocks[0].items]
    assert items[0] == COARSE
    assert not any(ONE_PLACE in text for text in items)  # of a method that the verdict does not rest on


def test_the_smallest_change_is_the_measured_one_with_its_monte_carlo_error(result):
    assert facts(result)["Smallest change it could see"] == (
        "With 18 months of follow-up, a fall of 18% (Monte Carlo error 1.0 points) or a rise of 22% (Monte Carlo error "
        "2.1 points) in anti-social behaviour would be detected four times in five. Smaller changes can easily be "
        "missed."
    )


def test_it_stands_there_too_where_the_sentence_has_it(result):
    said = "There is no clear evidence. A fall of 18% or a rise of 22% would have been detected four times in five."
    unclear = replace(result, analyses=(replace(result.primary, sentence=said), *result.analyses[1:]))
    assert "Monte Carlo error 1.0 points" in facts(unclear)["Smallest change it could see"]


def test_without_measured_power_it_is_what_the_placebo_spread_implies(result):
    fact = facts(replace(result, power=()))["Smallest change it could see"]
    assert fact.startswith("An 18.2% fall or a 22.1% rise would have been found in four cases out of five")
    assert "Monte Carlo" not in fact
    assert not any(s.slug == "power" for s in document(replace(result, power=())).sections)


def test_secondary_findings_carry_what_could_have_been_seen(result):
    readings = dict(section(result, "effects").blocks[1].items)
    for label in ("Criminal damage", "Robbery"):
        assert "a fall of 18% (Monte Carlo error 1.0 points) or a rise of 22%" in readings[label]
    assert "Monte Carlo" not in readings["Linear comparison of counts"]  # exploratory: not measured
    said = "There is no clear evidence. A fall of 18% or a rise of 22% would have been detected four times in five."
    known = replace(result, analyses=tuple(replace(a, sentence=said) for a in result.analyses))
    readings = dict(section(known, "effects").blocks[1].items)
    assert readings["Robbery"] == f"{said[:-1]} (Monte Carlo errors 1.0 and 2.1 points)."
    assert readings["Linear comparison of counts"] == said


def test_the_table_of_detectable_changes_says_what_no_change_reaches(result):
    found = table(result, "detectable").values
    assert found["outcome"].tolist() == ["Anti-social behaviour", "Anti-social behaviour", "Criminal damage", "Robbery"]
    assert found["fall"].tolist() == ["more than −80.0%", *["−18.2% (1.0)"] * 3]
    assert found["rise"].tolist() == ["more than +150.0%", *["+22.1% (2.1)"] * 3]
    sentences = [text for _, text in section(result, "power").blocks[0].items]
    assert len(sentences) == 2  # of the primary outcome only
    assert measured_sentence(result, result.primary) == sentences[1]


def test_notes_on_power_do_not_begin_with_a_slug(result):
    noted = replace(result.power[0], notes=("asb: 24 months are left out.",))
    sentences = [text for _, text in section(replace(result, power=(noted,)), "power").blocks[0].items]
    assert sentences[-1] == "24 months are left out."


def test_notes_name_max_t_and_holm(result):
    effects = result.effects.assign(p_holm=result.effects["p_adjusted"] + 0.1)
    notes = " ".join(table(make_result(effects=effects), "effects").notes)
    assert "by max-T on common placebo neighbourhoods, and by Holm 0." in notes
    alone = result.effects.assign(p_holm=result.effects["p_adjusted"])
    notes = " ".join(table(make_result(effects=alone), "effects").notes)
    assert " by Holm." in notes
    assert "max-T" not in notes


# The specification curve ------------------------------------------------------------------------------


def test_a_long_curve_is_cut_with_a_note_of_where_all_of_it_is(result, outputs):
    page = outputs["report.html"].decode()
    assert "The first 60 of 72 rows; all of them are in specification_curve.csv." in page
    assert "Table: The primary question under every combination of defensible choices" in page
    written = rows(outputs, "specification_curve.csv")
    assert len(written) == 72
    assert written[-1]["rank"] == ""
    assert written[-1]["reason"] == "no month is left after the start"
    assert [r["rank"] for r in written if r["registered"] == "true"] == ["21"]


def test_a_long_table_that_no_file_holds_stands_in_full(result):
    other = replace(make_curve(), name="another check")
    blocks = section(replace(result, checks=(other,)), "checks").blocks
    assert len(blocks[-1].table.values) == 72
    assert not any("first 60" in note for note in blocks[-1].table.notes)

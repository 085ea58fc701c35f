"""Every command explains itself, and explaining is fast."""

from __future__ import annotations

import shlex
import subprocess
import sys

import click
import pytest

from cseval import __version__
from cseval.cli.main import COMMANDS, cli

EVERY = "list show run check diff calibrate power data register claims embed new disclosure".split()
HEAVY = ("pandas", "statsmodels", "matplotlib", "seaborn", "linearmodels", "scipy", "shapely", "pyarrow")


def commands(group=cli, path=()):
    """Every command with the words that call it."""
    context = click.Context(group, info_name="cseval")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands())


def examples(command):
    """Command lines under Example(s) in a command's help."""
    lines = (command.help or "").split("\b", 1)[-1].splitlines()
    return [line.strip() for line in lines if line.strip().startswith("cseval ")]


def parsed(line):
    """The command an example calls, after click has accepted its arguments."""
    words = shlex.split(line)[1:]
    command, context = cli, click.Context(cli, info_name="cseval")
    while isinstance(command, click.Group):
        command = command.get_command(context, words.pop(0))
        assert command is not None, line
    command.make_context("cseval", words)
    return command


def test_every_command_of_the_issue_is_there():
    assert {p[0] for p in ALL} == set(EVERY) == set(COMMANDS)
    assert {("data", "import"), ("data", "status"), ("new", "paper")} <= set(ALL)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_shows_an_example_that_is_a_valid_command_line(path, cseval):
    said = cseval(*path, "--help")
    assert said.code == 0
    assert said.err == ""
    found = examples(ALL[path])
    assert found, "no example"
    for line in found:
        assert line in said.out
        called = parsed(line)
        assert called is ALL[path] or called in getattr(ALL[path], "commands", {}).values()


@pytest.mark.parametrize("path", [p for p in ALL if not isinstance(ALL[p], click.Group)], ids=" ".join)
def test_every_option_says_what_it_does(path):
    assert [p.name for p in ALL[path].params if isinstance(p, click.Option) and not p.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_overview_is_the_beginning_of_the_help(name):
    assert ALL[(name,)].help.splitlines()[0].startswith(COMMANDS[name][1].rstrip("."))


def test_short_help_option_and_version(cseval):
    assert cseval("-h").out == cseval("--help").out
    assert cseval("--version").out.strip() == f"cseval, version {__version__}"


def test_no_command_shows_the_overview(cseval):
    said = cseval()
    assert said.code == 2
    assert "Commands:" in said.err
    assert said.out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"], ["data", "--help"]])
def test_help_and_list_load_nothing_heavy(arguments, done):
    code = (
        "import sys\n"
        "from cseval.cli.main import run\n"
        f"code = run({arguments!r})\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout
    assert ran.stderr.strip() == "[]"


def test_python_dash_m_is_the_same_command():
    ran = subprocess.run([sys.executable, "-m", "cseval", "--help"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("Usage: cseval ")

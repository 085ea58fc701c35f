"""The size and the manners of the code."""

from __future__ import annotations

import ast
from statistics import median

import pytest
from modules import source, trees

MOST_LINES = 400
MEDIAN_LENGTH, SHORT, SHARE_SHORT, LONGEST = 10, 30, 0.92, 55

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lengths():
    """Lines of every function, docstring included, with its place."""
    return sorted(
        (node.end_lineno - node.lineno + 1, f"{name}.{node.name}")
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS)
    )


@pytest.mark.parametrize("module", sorted(trees()))
def test_modules_stay_under_400_lines(module):
    assert len(source(module).read_text(encoding="utf-8").splitlines()) < MOST_LINES


def test_functions_are_short(record_property):
    found = lengths()
    numbers = [n for n, _ in found]
    share = sum(n < SHORT for n in numbers) / len(numbers)
    record_property("functions", len(numbers))
    record_property("median", median(numbers))
    record_property("share under 30 lines", round(share, 3))
    assert median(numbers) <= MEDIAN_LENGTH
    assert share >= SHARE_SHORT, f"{share:.1%}; the longest are {found[-10:]}"
    assert [place for n, place in found if n > LONGEST] == []


def public_things():
    """Every public module, class, function and method with its dotted place."""
    for name, tree in trees().items():
        yield name, tree
        yield from _public(name, tree)


def _public(place, parent):
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            yield f"{place}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(f"{place}.{node.name}", node)


def test_every_public_name_is_documented():
    assert [place for place, node in public_things() if not ast.get_docstring(node)] == []


def unannotated(function):
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    missing = [a.arg for a in named if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
    return missing + ([] if function.returns is not None else ["return"])


def test_every_function_is_annotated():
    functions = ((n, node) for n, t in trees().items() for node in ast.walk(t) if isinstance(node, FUNCTIONS))
    assert [(f"{name}.{f.name}", unannotated(f)) for name, f in functions if unannotated(f)] == []


def calls(name):
    """Places that call a builtin by its bare name."""
    return [
        f"{module}:{node.lineno}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
    ]


@pytest.mark.parametrize("name", ["print", "eval", "exec", "input", "breakpoint"])
def test_the_package_never_calls(name):
    assert calls(name) == []


def test_no_error_is_swallowed():
    """A handler of every exception either raises, returns an exit code, or keeps the error."""
    bare = [
        f"{module}:{node.lineno}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or [type(s) for s in node.body] == [ast.Pass])
    ]
    assert bare == []


def test_modules_import_lazily_what_the_command_line_does_not_need():
    """What `cseval --help` and `cseval list` load must not import the heavy packages at its top."""
    heavy = {"pandas", "statsmodels", "matplotlib", "seaborn", "linearmodels", "scipy", "shapely", "pyarrow"}
    light = ("cseval", "cseval.cli.main", "cseval.cli.list", "cseval.loading", "cseval.spec", "cseval.project")
    light += ("cseval.errors", "cseval.months", "cseval.reporting.manifest", "cseval.reporting.atomic")
    for module in light:
        top = [n for n in trees()[module].body if isinstance(n, (ast.Import, ast.ImportFrom))]
        names = {a.name.split(".")[0] for n in top if isinstance(n, ast.Import) for a in n.names}
        names |= {(n.module or "").split(".")[0] for n in top if isinstance(n, ast.ImportFrom)}
        assert not names & heavy, module

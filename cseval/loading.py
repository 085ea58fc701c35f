"""Find and load the evaluations of a project, without loading what they will need to run."""

from __future__ import annotations

import difflib
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cseval.errors import SpecError, UsageError

if TYPE_CHECKING:
    from cseval.project import Project
    from cseval.spec import Evaluation
    from cseval.study import Study


def evaluations(project: Project) -> dict[str, Evaluation | Study]:
    """Every evaluation and study of the project by slug, in order of slug.

    Raises
    ------
    SpecError
        If a module cannot be loaded, exposes no EVALUATION, or repeats a slug.
    """
    found: dict[str, Evaluation | Study] = {}
    places: dict[str, Path] = {}
    for path in sorted(project.analyses.glob("[!_]*.py")):
        evaluation = load(path)
        if evaluation.slug in found:
            raise _repeated(evaluation.slug, path, places[evaluation.slug])
        found[evaluation.slug], places[evaluation.slug] = evaluation, path
    return dict(sorted(found.items()))


def impact_evaluations(project: Project, *, whole: bool = True) -> dict[str, Evaluation]:
    """The evaluations that estimate an effect on counts, by slug; raises as `evaluations`.

    Parameters
    ----------
    project : Project
    whole : bool
        Whether a module that cannot be loaded is an error; a run of another one can do without it.
    """
    from cseval.spec import Evaluation

    found = evaluations(project) if whole else _loadable(project)
    return {slug: e for slug, e in found.items() if isinstance(e, Evaluation)}


def _loadable(project: Project) -> dict[str, Evaluation | Study]:
    found: dict[str, Evaluation | Study] = {}
    for path in sorted(project.analyses.glob("[!_]*.py")):
        try:
            evaluation = load(path)
        except SpecError:
            continue
        found.setdefault(evaluation.slug, evaluation)
    return dict(sorted(found.items()))


def _repeated(slug: str, path: Path, before: Path) -> SpecError:
    return SpecError(f"slug {slug!r} again, after {before}", where=str(path), expected="each slug once")


def titles(project: Project) -> dict[str, str]:
    """Title of every evaluation of the project by slug, in order of slug.

    A module that writes its slug and title out is read, not run, which takes a tenth of the time.

    Raises
    ------
    SpecError
        If a module that has to be run cannot be, or a slug is repeated.
    """
    found: dict[str, str] = {}
    places: dict[str, Path] = {}
    for path in sorted(project.analyses.glob("[!_]*.py")):
        slug, title = outline(path) or _loaded_outline(path)
        if slug in found:
            raise _repeated(slug, path, places[slug])
        found[slug], places[slug] = title, path
    return dict(sorted(found.items()))


def outline(path: Path) -> tuple[str, str] | None:
    """Slug and title that a module gives its EVALUATION in so many words; None if they have to be worked out."""
    import ast

    try:
        body = ast.parse(path.read_bytes()).body
    except (SyntaxError, ValueError, OSError):
        return None
    calls = [
        node.value
        for node in body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and any(isinstance(target, ast.Name) and target.id == "EVALUATION" for target in node.targets)
    ]
    given = {k.arg: k.value for k in calls[-1].keywords} if calls else {}
    words = [given.get(name) for name in ("slug", "title")]
    texts = [w.value for w in words if isinstance(w, ast.Constant) and isinstance(w.value, str)]
    return (texts[0], texts[1]) if len(texts) == 2 else None


def _loaded_outline(path: Path) -> tuple[str, str]:
    evaluation = load(path)
    return evaluation.slug, evaluation.title


def load(path: Path) -> Evaluation | Study:
    """The EVALUATION of one module, which may be a study.

    Raises
    ------
    SpecError
        If the module cannot be loaded or has none.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise SpecError("cannot be read", where=str(path), expected="a Python module") from error
    return _load(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=128)
def _load(path: Path, _changed: int, _size: int) -> Evaluation | Study:
    """`load` of a file as it stands now: once, since workers are sent functions of the module that was loaded last."""
    from cseval.errors import CsevalError
    from cseval.spec import Evaluation
    from cseval.study import Study

    name = f"cseval_analyses_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SpecError("cannot be loaded", where=str(path), expected="a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except CsevalError as error:
        raise SpecError(str(error), where=f"{path}{_line(error, path)}") from error
    except (Exception, SystemExit) as error:
        found = error.msg if isinstance(error, SyntaxError) else error
        raise SpecError(
            f"{type(error).__name__}: {found}",
            where=f"{path}{_line(error, path)}",
            expected="a module that can be imported",
        ) from error
    evaluation = getattr(module, "EVALUATION", None)
    if not isinstance(evaluation, (Evaluation, Study)):
        raise SpecError("no EVALUATION", where=str(path), expected="EVALUATION = Evaluation(...) or Study(...)")
    return evaluation


def _line(error: BaseException, path: Path) -> str:
    """The line of the module in which an error arose, as ``, line N``."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f", line {error.lineno}"
    trace = error.__traceback__
    line = ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line


def find_evaluation(project: Project, slug: str, what: str) -> Evaluation:
    """The evaluation with this slug, for a command that a study has nothing for.

    Parameters
    ----------
    project : Project
    slug : str
    what : str
        What the command would look at, for the message.

    Raises
    ------
    UsageError
        If there is none, or it is a study.
    """
    from cseval.spec import Evaluation

    found = find(project, slug)
    if isinstance(found, Evaluation):
        return found
    raise UsageError(
        f"{slug} is a study, which estimates no effect on counts and so has no {what}",
        expected="one of " + ", ".join(impact_evaluations(project)),
    )


def find(project: Project, slug: str) -> Evaluation | Study:
    """The evaluation or study with this slug.

    Raises
    ------
    UsageError
        If there is none; the message names the nearest one and lists all.
    """
    named = [p for p in sorted(project.analyses.glob("[!_]*.py")) if (outline(p) or ("",))[0] == slug]
    if len(named) == 1:  # another module that cannot be loaded does not stand in its way
        return load(named[0])
    known = evaluations(project)
    if slug in known:
        return known[slug]
    near = difflib.get_close_matches(slug, known, n=1)
    raise UsageError(
        f"no evaluation {slug!r}",
        expected="one of " + ", ".join(known) if known else "a module in analyses/",
        todo=f"The nearest is {near[0]}" if near else "",
    )

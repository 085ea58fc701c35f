"""The modules of the package as syntax trees, read once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cseval"


@cache
def trees() -> dict[str, ast.Module]:
    """Every module by dotted name, for example ``cseval.inference.placebo``; packages without code left out."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if text.strip():
            found[name] = ast.parse(text, str(path))
    return found


def source(name: str) -> Path:
    """The file of a module."""
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _type_checking_only(tree: ast.Module) -> set[int]:
    blocks = (n for n in ast.walk(tree) if isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING")
    return {id(inner) for block in blocks for statement in block.body for inner in ast.walk(statement)}


def imports(name: str) -> set[str]:
    """Modules of cseval that a module imports when it runs, at its top or inside a function."""
    tree = trees()[name]
    skipped = _type_checking_only(tree)
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.split(".")[0] == "cseval"}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cseval":
            found |= {_module(node.module or "", a.name) for a in node.names}
    return found - {name}


def _module(package: str, name: str) -> str:
    inner = f"{package}.{name}"
    return inner if source(inner).is_file() else package

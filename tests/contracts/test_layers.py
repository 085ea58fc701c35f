"""Imports go down only: a module may use what lies below it, and nothing beside or above.

Imports inside functions count as well; those for type checking alone do not, since nothing runs.
"""

from __future__ import annotations

import pytest
from modules import imports, trees

#: From the top. A package is one layer; its own modules may import one another, but not in a circle.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("execute", "claims_report", "scaffold"),
    ("runner", "run_parts", "choose", "loading", "compare", "protocol"),
    ("afterwards",),
    ("power",),
    ("power_plan", "power_series"),
    ("analyse", "assemble"),
    ("infer",),
    ("papers",),
    ("parts",),
    ("reporting",),
    ("finding",),
    ("result",),
    ("police_activity_words", "equality_words", "money_programme", "registry"),
    ("checks", "claims", "police_activity", "equality"),
    ("words", "money_tables"),
    ("money_words",),
    ("money_benefit", "costs"),
    ("money",),
    ("verdict",),
    ("formats",),
    ("inference",),
    ("estimators",),
    ("design",),
    ("aligned", "cohorts", "design_parts"),
    ("sources",),
    ("inputs", "register"),
    ("areas", "panel", "project", "survey"),
    ("estimate", "tables"),
    ("study",),
    ("spec", "part"),
    ("months",),
    ("disclosure_audit",),
    ("disclosure",),
    ("parallel",),
    ("errors", "defaults"),
    ("",),  # cseval/__init__.py: public names, loaded lazily from a table of strings
)
LEVEL = {group: len(LAYERS) - i for i, layer in enumerate(LAYERS) for group in layer}

#: Circles inside a package that are meant, with the reason.
CIRCLES = {
    ("cseval.reporting.figures", "cseval.reporting.figures_effects"): "the list of figures names its drawing modules, "
    "which make the `Figure` that it defines; each is imported where it is drawn",
    ("cseval.reporting.figures", "cseval.reporting.figures_displacement"): "the same",
    ("cseval.reporting.figures", "cseval.reporting.figures_place"): "the same",
    ("cseval.reporting.figures", "cseval.reporting.figures_series"): "the same",
    ("cseval.reporting.figures", "cseval.reporting.figures_specification"): "the same",
    ("cseval.reporting.figures", "cseval.reporting.figures_power"): "the same",
    ("cseval.reporting.figures", "cseval.reporting.figures_synthetic"): "the same",
    ("cseval.reporting.figures", "cseval.reporting.figures_claims"): "the same",
}


def group(module):
    """The layer's name for a module: ``cseval.sources.mps`` belongs to ``sources``."""
    return [*module.split("."), ""][1]


def test_every_module_has_a_layer():
    assert {group(m) for m in trees()} - set(LEVEL) == set()


def test_every_layer_has_a_module():
    assert set(LEVEL) - {group(m) for m in trees()} == set()


@pytest.mark.parametrize("module", sorted(trees()))
def test_imports_go_down(module):
    own = group(module)
    upward = [m for m in imports(module) if group(m) != own and LEVEL[group(m)] >= LEVEL[own]]
    assert upward == [], f"{module} (layer {own}) imports what is not below it"


def reach(start, skip):
    """Modules that can be reached from one by imports."""
    found, open_ = set(), [start]
    while open_:
        at = open_.pop()
        for module in imports(at) & set(trees()):
            if (at, module) not in skip and module not in found:
                found.add(module)
                open_.append(module)
    return found


@pytest.mark.parametrize("module", sorted(trees()))
def test_no_module_imports_itself_through_others(module):
    assert module not in reach(module, set(CIRCLES))


@pytest.mark.parametrize(("above", "below"), CIRCLES)
def test_every_exception_is_still_needed(above, below):
    assert below in imports(above)
    assert above in reach(below, set())


def test_estimation_knows_nothing_of_files_or_reports():
    """The numbers depend on panels and designs alone, so that they can be used without a project."""
    for module in trees():
        if group(module) in ("estimators", "inference", "design"):
            reached = {group(m) for m in reach(module, set())}
            assert not reached & {"sources", "reporting", "project", "cli", "runner", "spec"}, module

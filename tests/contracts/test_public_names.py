"""What a researcher may rely on: the public names and the effect table's columns."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from modules import trees

import cseval
from cseval.errors import CsevalError
from cseval.estimate import EFFECT_COLUMNS

CONTRACT = (
    "evaluation,analysis,role,outcome,estimator,estimand,scale,estimate,std_error,conf_low,conf_high,p_value,"
    "inference,percent_change,percent_low,percent_high,observed,counterfactual,averted,averted_low,averted_high,"
    "treated_units,comparison_units,pre_periods,post_periods,p_adjusted,false_positive_rate,verdict,data"
)


def test_effect_columns_are_those_of_the_contract():
    assert ",".join(EFFECT_COLUMNS) == CONTRACT


def test_all_is_the_lazy_table_and_the_version():
    assert set(cseval.__all__) == {*cseval._MODULE_OF, "__version__"}
    assert len(cseval.__all__) == len(set(cseval.__all__))
    assert dir(cseval) == sorted(cseval.__all__)


def test_type_checkers_see_the_same_names():
    block = next(n for n in trees()["cseval"].body if isinstance(n, ast.If))
    seen = {(n.module, a.name) for n in block.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert seen == {(f"cseval.{module}", name) for name, module in cseval._MODULE_OF.items()}


@pytest.mark.parametrize("name", cseval.__all__)
def test_every_name_loads_and_is_documented(name):
    value = getattr(cseval, name)
    if callable(value):
        assert value.__doc__
        assert value.__module__ == f"cseval.{cseval._MODULE_OF[name]}"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        cseval.Nonsense  # noqa: B018


def test_import_cseval_loads_no_other_package():
    code = "import sys, cseval; print(sorted(m for m in sys.modules if m in ('numpy', 'pandas', 'click')))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


#: Errors that no data and no protocol can bring about, only a call that is written wrongly: as Python itself raises.
MISTAKES_IN_CODE = {("cseval.checks.specifications", "TypeError")}


def test_every_error_of_the_package_is_in_the_tree():
    from cseval import errors

    for name in ("UsageError", "SpecError", "DataError", "DesignError", "EstimationError"):
        assert issubclass(getattr(errors, name), CsevalError)
    raised = {
        (module, (node.exc.func if isinstance(node.exc, ast.Call) else node.exc).id)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(getattr(node.exc, "func", node.exc), ast.Name)
    } - MISTAKES_IN_CODE
    python_own = {"AttributeError", "PermissionError", "OSError"}  # module protocol and operating system
    unknown = {(m, n) for m, n in raised if n[0].isupper() and n not in python_own and not _is_ours(n)}
    assert unknown == set()


def _is_ours(name):
    from importlib import import_module

    found = [getattr(import_module(m), name) for m in trees() if name in _defined(m)]
    return bool(found) and all(issubclass(e, CsevalError) for e in found)


def _defined(module):
    return {n.name for n in trees()[module].body if isinstance(n, ast.ClassDef)}

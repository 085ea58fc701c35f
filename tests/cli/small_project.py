"""A project with one small evaluation on demonstration data, and a way to run command lines in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

MODULE = '''"""Did recorded incidents change in the pilot wards?"""

from __future__ import annotations

from cseval.checks.coverage import Coverage
from cseval.estimators.poisson_did import PoissonDiD
from cseval.inference.covariance import ClusterRobust
from cseval.inference.placebo import PlaceboNeighbourhoods
from cseval.spec import Analysis, Evaluation, Programme, Window

PLACEBO = (PlaceboNeighbourhoods(), ClusterRobust())


def real(catalogue):
    raise AssertionError("no real data here")


def demonstration(seed):
    from cseval.sources.demonstration import OUTCOMES, simulate

    return simulate(seed, {name: OUTCOMES[name] for name in ("anti_social_behaviour", "robbery")})


def analysis(slug, outcome, role, **changes):
    return Analysis(slug=slug, outcome=outcome, estimator=PoissonDiD(), inference=PLACEBO, role=role, **changes)


EVALUATION = Evaluation(
    slug="small-evaluation",
    title="A small evaluation",
    question="Did recorded incidents change?",
    programme=Programme(name="Pilot", start="2018-05", roles="pilot_roles.csv", agreed="2017-08"),
    window=Window(first="2017-05", last="2019-04"),
    real=real,
    demonstration=demonstration,
    needs=("mps-ward",),
    analyses=(
        analysis("primary", "anti_social_behaviour", "primary"),
        analysis("robbery", "robbery", "secondary"),
        analysis("later", "robbery", "sensitivity", start="2018-08"),
    ),
    checks=(Coverage(),),
    limits=("One neighbourhood was treated.",),
)
'''

SLUG = "small-evaluation"
OUTPUTS = f"outputs/demonstration/{SLUG}"


@dataclass(frozen=True)
class Said:
    """What a command line printed and the code it ended with."""

    code: int
    out: str
    err: str


def make_project(root: Path, module: str = MODULE, name: str = "small.py") -> Path:
    """A project folder that holds one evaluation module."""
    (root / "analyses").mkdir(parents=True, exist_ok=True)
    (root / "analyses" / name).write_text(module, encoding="utf-8")
    return root


def contents(root: Path) -> dict[str, str]:
    """Hash of every file of a folder but Python's own caches."""
    files = (p for p in sorted(root.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

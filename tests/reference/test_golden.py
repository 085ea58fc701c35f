"""Every golden case within its tolerances, and every number asked for answered."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import golden_table
import pytest
from golden_data import columns
from golden_suite import EXPLAINED, GOLDEN, Explained, Number, cases, functions, numbers, printed_number

present = (GOLDEN / "golden.toml").exists()
golden = pytest.mark.skipif(not present, reason="no golden data beside the checkout: ../shared/golden is absent")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "golden.md"


@golden
def test_every_case_has_a_function_and_none_is_left_over():
    assert set(functions()) == set(cases())
    assert len(cases()) >= 28


@golden
@pytest.mark.parametrize("case", list(cases()) if present else [])
def test_case(case):
    assert [line(n) for n in numbers(case) if not n.right] == []


def line(n: Number) -> str:
    return f"{n.name}: found {n.found!r}, stored {n.stored} +- {n.tol}, published {n.published} +- {n.published_tol}"


@golden
def test_what_is_explained_is_outside_and_needed():
    for case, name in EXPLAINED:
        assert not next(n for n in numbers(case) if n.name == name).within


@golden
def test_the_explained_effect_by_exact_arithmetic():
    """Mean change from 2013 to 2014 of the states of 2014 less that of the states not yet treated, in fractions."""
    data = columns(GOLDEN / "ehec_medicaid.csv")
    value = {(s, int(t)): Fraction(str(v)) for s, t, v in zip(data["stfips"], data["year"], data["dins"], strict=True)}
    start = dict(zip(data["stfips"], data["yexp2"], strict=True))
    change = {s: value[s, 2014] - value[s, 2013] for s in start}
    treated = [change[s] for s, t in start.items() if t and float(t) == 2014]
    later = [change[s] for s, t in start.items() if not t or float(t) > 2014]
    exact = sum(treated) / len(treated) - sum(later) / len(later)
    assert (len(treated), len(later)) == (22, 24)
    assert EXPLAINED["ehec_medicaid_twfe_cs_bacon", "att_2014_2014"].exact == pytest.approx(float(exact), rel=1e-15)


@golden
def test_the_page_names_every_case_and_every_number():
    page = PAGE.read_text(encoding="utf-8")
    sections = {part.split(":", 1)[0].strip("` "): part for part in page.split("\n### ")[1:]}
    assert set(sections) == set(cases())
    missing = [
        (case, e["name"]) for case, c in cases().items() for e in c["expect"] if f"`{e['name']}`" not in sections[case]
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("published", "value"),
    [
        ("-0.112", -0.112),
        (".0505957", 0.0505957),
        ("-32.6%", -0.326),
        ("sqrt(1568)", 1568**0.5),
        ("2.47 (A&P 2.50 Stata)", 2.47),
        ("-3285", -3285.0),
        ("(peer)", None),
        ("(code only)", None),
    ],
)
def test_published_values_are_read_as_printed(published, value):
    assert printed_number(published) == value


def number(found, **changes):
    given = {"name": "a", "published": "0.89", "published_tol": 0.006, "stored": 0.8944, "tol": 1e-4, "note": ""}
    return Number(**(given | changes), found=found)


def test_a_number_outside_either_tolerance_is_outside():
    assert number(0.89441).within
    assert not number(0.8946).near_stored
    assert number(0.8946).near_published
    assert not number(0.8944, published="0.90", published_tol=0.005).within
    assert number(0.8944, published="(peer)", published_tol=0.0).within
    assert not number(0.9, explained=Explained(exact=0.91, reason="r")).right
    assert number(0.9, explained=Explained(exact=0.9, reason="r")).right
    assert not number(46.1, published="46", published_tol=0.0, stored=46.0, tol=1e-9).within


# The page -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "tol", "decimals"),
    [
        (0.8943765, 8.9e-7, 6),
        (-3284.8, 0.5, 1),
        (-3284.8, 1e-6, 2),
        (9.48, 1.0, 2),
        (0.05976, 6e-6, 6),
        (46.0, 1e-9, 4),
    ],
)
def test_a_value_has_the_digits_that_its_tolerance_means(stored, tol, decimals):
    assert golden_table.decimals(number(stored, stored=stored, tol=tol)) == decimals


@pytest.mark.parametrize(
    ("difference", "least", "shown"),
    [
        (3e-7, 1e-9, "< 1e-6"),
        (-3e-7, 1e-9, "< 1e-6"),
        (0.0, 1e-9, "< 1e-9"),
        (4e-11, 2e-9, "< 1e-8"),
        (0.3, 1e-9, "< 1"),
    ],
)
def test_a_difference_is_the_next_power_of_ten(difference, least, shown):
    assert golden_table.coarse(difference, least) == shown


def test_what_machines_differ_by_leaves_a_row_as_it_is():
    one = number(0.8943765094, stored=0.894376507, tol=1e-7)
    two = number(one.found * (1 + 1e-12), stored=0.894376507, tol=1e-7)
    assert golden_table.row(one) == golden_table.row(two)
    assert golden_table.row(one)[-2:] == ("< 1e-8", "yes")


def test_signs_that_are_markup_elsewhere_are_kept():
    assert golden_table.plain("a*b | c ~ d") == r"a\*b \| c \~ d"


@golden
def test_the_command_writes_then_finds_the_same_then_a_stale_page(tmp_path, monkeypatch, capsys):
    few = {k: cases()[k] for k in ("wdd_paper", "rirr_wheeler")}
    monkeypatch.setattr(golden_table, "PAGE", tmp_path / "docs" / "golden.md")
    monkeypatch.setattr(golden_table, "cases", lambda: few)
    (tmp_path / "docs").mkdir()
    assert golden_table.main(["--check"]) == 1
    assert golden_table.main([]) == 0
    assert golden_table.main(["--check"]) == 0
    (tmp_path / "docs" / "golden.md").write_text("old", encoding="utf-8")
    assert golden_table.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "2 cases, 13 numbers" in said
    assert "0 outside their tolerance" in said
    assert "docs/golden.md is as on disk" in said


def test_a_number_outside_ends_the_command_with_1(tmp_path, monkeypatch, capsys):
    (tmp_path / "golden.toml").write_text("", encoding="utf-8")
    case = {
        "id": "made_up",
        "title": "t",
        "estimator": "e",
        "se_type": "s",
        "source": "x",
        "published_seen": "retrieved",
    }
    monkeypatch.setattr(golden_table, "PAGE", tmp_path / "golden.md")
    monkeypatch.setattr(golden_table, "GOLDEN", tmp_path)
    monkeypatch.setattr(golden_table, "cases", lambda: {"made_up": case | {"confirmed_by": ["peer"]}})
    monkeypatch.setattr(golden_table, "numbers", lambda case: (number(0.5),))
    assert golden_table.main([]) == 1
    assert "1 outside their tolerance\n  made_up, a: found 0.5" in capsys.readouterr().out
    assert "| **no** |" in (tmp_path / "golden.md").read_text(encoding="utf-8")


def test_without_the_data_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(golden_table, "GOLDEN", tmp_path)
    assert golden_table.main([]) == 2
    assert "no golden data" in capsys.readouterr().err

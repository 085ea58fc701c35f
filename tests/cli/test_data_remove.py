"""`cseval data remove`: the way back from an import."""

from __future__ import annotations

from small_project import contents

FILE = "boroughs.csv"


def borough_file(folder):
    months = ",".join(f"2019{m:02d}" for m in range(1, 13))
    rows = "\n".join(f"Robbery,Robbery of Personal Property,{b}," + ",".join("5" * 12) for b in ("Barnet", "Brent"))
    path = folder.parent / FILE
    path.write_text(f"MajorText,MinorText,LookUp_BoroughName,{months}\n{rows}\n", encoding="utf-8")
    return path


def test_a_file_is_removed_and_the_project_is_as_before(fresh, cseval):
    before = contents(fresh)
    assert cseval("data", "import", borough_file(fresh)).code == 0
    said = cseval("data", "remove", FILE)
    assert (said.code, said.out) == (0, f"removed data/raw/mps-borough/{FILE} (mps-borough)\n")
    left = {p: h for p, h in contents(fresh).items() if not p.endswith("sources.lock.json")}
    assert left == before
    assert (fresh.parent / FILE).is_file(), "what was imported from stays"


def test_a_kind_is_removed(fresh, cseval):
    cseval("data", "import", borough_file(fresh))
    assert "removed" in cseval("data", "remove", "mps-borough").out


def test_what_was_not_imported_cannot_be_removed(fresh, cseval):
    cseval("data", "import", borough_file(fresh))
    said = cseval("data", "remove", "wards.csv")
    assert said.code == 2
    assert f"no imported file or kind 'wards.csv'; expected one of: {FILE}" in said.err

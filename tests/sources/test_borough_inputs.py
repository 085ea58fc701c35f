"""Inputs of a borough-level evaluation: what is joined, grouped, left out and said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples import dashboard_csv, dashboard_row, population_csv, square, table, write

from cseval.errors import DataError
from cseval.inputs import Inputs
from cseval.project import Project
from cseval.sources.borough_inputs import borough_inputs
from cseval.sources.boroughs import CODES
from cseval.sources.catalogue import Catalogue
from cseval.spec import Programme, Window

BOROUGHS = ("Hackney", "Tower Hamlets", "Bromley")
PROGRAMME = Programme(name="Plan", start="2018-04", roles="knife_crime_roles.csv", buffer_rings=0)
WINDOW = Window(first="2018-03", last="2018-05")


def counts_csv() -> str:
    rows = [
        f"Violence Against the Person,{minor},{name},{n},{n},{n},{n}"
        for name in BOROUGHS
        for minor, n in (("Violence with Injury", 5), ("Homicide", 0))
    ]
    return table(
        "MajorText,MinorText,LookUp_BoroughName,201802,201803,201804,201805",
        *rows,
        "Robbery,Robbery of Personal Property,London Heathrow and London City Airports,4,4,4,4",
    )


def map_json() -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"LAD22CD": CODES[name], "LAD22NM": name},
            "geometry": square(0.01 * place),
        }
        for name, place in (("Hackney", 0), ("Tower Hamlets", 1), ("Bromley", 7), ("City of London", 2))
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def people_csv() -> str:
    rows = [f"{CODES[n]},{n},{year},{1000 + year}" for n in BOROUGHS for year in (2017, 2018)]
    return table("LAD22CD,LAD22NM,year,population", *rows)


def read(folder: Path, **more: str) -> Inputs:
    write(folder / "counts.csv", counts_csv())
    write(folder / "map.geojson", map_json())
    for name, content in more.items():
        write(folder / f"{name}.csv", content)
    return borough_inputs(Catalogue.folder(folder), PROGRAMME, WINDOW)


def knife(*months: str, boroughs: tuple[str, ...] = BOROUGHS) -> str:
    year = {"2018-03": "fy17-18"}
    return dashboard_csv(
        *(
            dashboard_row(count=i + 1, month=f"{m}-01", borough=b, code="", year=year.get(m, "fy18-19"))
            for m in months
            for i, b in enumerate(boroughs)
        )
    )


@pytest.fixture(autouse=True)
def _founding_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSEVAL_PROJECT", str(Path(__file__).resolve().parents[2]))
    assert (Project.find().reference / "knife_crime_roles.csv").is_file()


def test_counts_map_roles_and_groups(tmp_path: Path) -> None:
    inputs = read(tmp_path)
    assert inputs.panel.units == tuple(sorted(CODES[b] for b in BOROUGHS))
    assert inputs.panel.periods[0] == "2018-02", "months before the window are kept"
    assert inputs.roles.treated == {CODES["Tower Hamlets"]}
    assert inputs.groups["inner"] == {CODES["Hackney"], CODES["Tower Hamlets"]}
    assert inputs.groups["outer"] == {CODES["Bromley"]}
    assert inputs.groups["neighbours"] == {CODES["Hackney"]}, "the City has no counts"
    assert inputs.panel.exposure is None
    notes = " ".join(inputs.panel.notes)
    assert "(London Heathrow and London City Airports)" in notes
    assert "The City of London has its own police force" in notes
    assert [p.kind for p in inputs.sources] == ["mps-borough", "borough-boundaries"]


def test_sums_and_no_inner_group(tmp_path: Path) -> None:
    read(tmp_path)
    inputs = borough_inputs(
        Catalogue.folder(tmp_path), PROGRAMME, WINDOW, sums={"both": ("homicide", "violence_with_injury")}, inner=""
    )
    assert inputs.panel.counts["both"][0].tolist() == [5, 5, 5, 5]
    assert set(inputs.groups) == {"neighbours"}


def test_residents_are_the_exposure_and_their_limits_are_said(tmp_path: Path) -> None:
    inputs = read(tmp_path, people=people_csv())
    assert inputs.panel.exposure is not None
    assert inputs.panel.exposure[0, 0] == pytest.approx(1000 + 2017 + 7.5 / 12)
    assert "borough-population" in [p.kind for p in inputs.sources]
    assert not any("arried forward" in n for n in inputs.panel.notes)


def test_a_dashboard_that_covers_the_window_is_used(tmp_path: Path) -> None:
    inputs = read(tmp_path, knife=knife("2018-03", "2018-04", "2018-05"))
    assert inputs.panel.counts["knife_crime"][:, 1:].tolist() == [[3] * 3, [1] * 3, [2] * 3]
    assert inputs.panel.mask("knife_crime").tolist() == [[False, True, True, True]] * 3
    assert "mps-dashboard" in [p.kind for p in inputs.sources]


def test_a_dashboard_that_misses_months_is_not_used_and_it_is_said(tmp_path: Path) -> None:
    inputs = read(tmp_path, knife=knife("2018-04", "2018-05"))
    assert "knife_crime" not in inputs.panel.outcomes
    assert "mps-dashboard" not in [p.kind for p in inputs.sources]
    assert inputs.panel.notes[-1] == (
        "The Monthly Crime Dashboard is not used: it holds 2018-04 to 2018-05, 2 of the window's 3 months."
    )


def test_a_dashboard_without_every_borough_is_not_used(tmp_path: Path) -> None:
    inputs = read(tmp_path, knife=knife("2018-03", "2018-04", "2018-05", boroughs=BOROUGHS[:2]))
    assert "knife_crime" not in inputs.panel.outcomes


def test_an_outcome_of_the_dashboard_that_misses_months_is_left_out_alone(tmp_path: Path) -> None:
    content = knife("2018-03", "2018-04", "2018-05") + dashboard_row("Knife Crime with Injury", 1) + "\n"
    inputs = read(tmp_path, knife=content)
    assert "knife_crime" in inputs.panel.outcomes
    assert "knife_crime_with_injury" not in inputs.panel.outcomes
    assert "knife_crime_with_injury of the dashboard is not used: 1 of the window's 3 months." in inputs.panel.notes


def test_the_dashboard_does_not_replace_an_outcome_of_the_breakdown(tmp_path: Path) -> None:
    rows = [
        f"2018-0{m}-01,Borough,{b},{b},,Violence,Violence with Injury,Offences,{'fy17-18' if m == 3 else 'fy18-19'},9,"
        for b in BOROUGHS
        for m in (3, 4, 5)
    ]
    header = (
        "Month_Year,Area Type,Borough_SNT,Area name,Area code,Offence Group,Offence Subgroup,Measure,Financial Year,"
        "Count,Refresh Date"
    )
    inputs = read(tmp_path, knife=knife("2018-03", "2018-04", "2018-05"), tno=table(header, *rows))
    assert (inputs.panel.counts["violence_with_injury"] == 5).all()
    assert "knife_crime" in inputs.panel.outcomes


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    write(tmp_path / "counts.csv", counts_csv())
    write(tmp_path / "people.csv", population_csv())
    with pytest.raises(DataError, match="borough-boundaries"):
        borough_inputs(Catalogue.folder(tmp_path), PROGRAMME, WINDOW)


def test_a_file_that_is_cut_off_is_refused():
    """Rows that are missing would be read as zeros, which no later step could tell from none."""
    from dataclasses import replace

    from cseval.sources.borough_inputs import require_whole
    from cseval.sources.demonstration_boroughs import simulate_boroughs

    inputs = simulate_boroughs(3)
    panel, areas = inputs.panel, inputs.areas
    require_whole(panel, areas)
    counts = {k: v.copy() for k, v in panel.counts.items()}
    counts["violence_with_injury"][4] = 0
    with pytest.raises(DataError, match="not one violence with injury in"):
        require_whole(replace(panel, counts=counts), areas)
    short = replace(panel, units=panel.units[:-2], counts={k: v[:-2] for k, v in panel.counts.items()}, exposure=None)
    with pytest.raises(DataError, match="no counts of"):
        require_whole(short, areas)


def test_a_wrong_code_in_the_roles_names_the_roles_file():
    from pathlib import Path

    from cseval.inputs import Roles
    from cseval.sources.demonstration_boroughs import simulate_boroughs
    from cseval.sources.input_parts import require_known

    panel = simulate_boroughs(3).panel
    require_known(Roles(treated=frozenset(panel.units[:1])), panel, Path("roles.csv"), "boroughs")
    with pytest.raises(DataError, match=r"roles\.csv: unit 'E09000099' has no counts"):
        require_known(Roles(treated=frozenset({"E09000099"})), panel, Path("roles.csv"), "boroughs")

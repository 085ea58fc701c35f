"""Every published file at hand, against facts that are known of it from elsewhere."""

from __future__ import annotations

import csv
import gzip
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from cseval.errors import DataError
from cseval.months import month_range
from cseval.sources import geography, mps
from cseval.sources.borough_inputs import borough_inputs
from cseval.sources.catalogue import Catalogue, UnrecognisedError, recognise
from cseval.sources.home_office import force_context, read_forces
from cseval.sources.lookup import read_lookup
from cseval.sources.mps_dashboard import read_dashboard
from cseval.sources.offences import MAJOR_GROUPS
from cseval.sources.police_street import read_street, to_wards
from cseval.sources.population import read_population
from cseval.spec import Programme, Window

PILOT = ("E05009335", "E05009331", "E05009333", "E05009317", "E05009336")
CRIME = "mps_recorded_crime"
STREET = "police_uk_street"


@pytest.fixture(scope="module")
def shared() -> Path:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the published files are not at hand (../shared/data)")
    return folder


@pytest.fixture(scope="module")
def wards(shared: Path) -> mps.Panel:
    return mps.read_ward(shared / CRIME / "mps_ward_level_crime_historical_201004-202402.parquet")


def test_the_ward_file_holds_679_wards_and_167_months(wards: mps.Panel) -> None:
    assert len(wards.units) == 679
    assert wards.periods == month_range("2010-04", "2024-02")
    assert wards.outcomes[:13] == MAJOR_GROUPS
    assert len(set(wards.districts.values())) == 32
    assert not wards.received


def test_tower_hamlets_adds_up_to_the_known_totals(wards: mps.Panel) -> None:
    here = [i for i, u in enumerate(wards.units) if wards.districts[u] == "Tower Hamlets"]
    total = sum(wards.counts[o][here].sum(axis=0) for o in MAJOR_GROUPS)
    assert len(here) == 20
    assert (total.min(), total.max(), round(total.mean())) == (1811, 3190, 2519)


def test_heathrow_is_summed_and_belongs_to_hillingdon(wards: mps.Panel) -> None:
    assert wards.districts["E05013570"] == "Hillingdon"
    assert any("E05013570" in n and "summed" in n for n in wards.notes)


def test_wards_agree_with_the_tidy_table(shared: Path, wards: mps.Panel) -> None:
    with gzip.open(shared / CRIME / "tidy_tower_hamlets_ward_month_201004-202402.csv.gz", "rt") as stream:
        rows = list(csv.DictReader(stream))
    row = {u: i for i, u in enumerate(wards.units)}
    column = {p: j for j, p in enumerate(wards.periods)}
    pairs = {"burglary": "burglary", "minor_criminal_damage": "criminal_damage"}
    pairs |= {o: o for o in MAJOR_GROUPS} | {"minor_violence_with_injury": "violence_with_injury"}
    assert len(rows) == 3340
    for theirs, ours in pairs.items():
        at = [(row[r["ward_code"]], column[r["month"]]) for r in rows]
        assert [int(r[theirs]) for r in rows] == [int(wards.counts[ours][k]) for k in at]


def test_old_and_current_names_give_the_same_series(shared: Path, wards: mps.Panel) -> None:
    old = mps.read_ward(shared / CRIME / "MPS_Ward_Level_Crime_most_recent_24_months_202112-202311.csv.gz")
    assert old.units == wards.units
    start = wards.periods.index("2021-12")
    comparable = ("robbery", "domestic_burglary", "theft_from_the_person", "violence_without_injury_and_harassment")
    for outcome in comparable:
        new = wards.counts[outcome][:, start : start + 24].sum()
        assert abs(old.counts[outcome].sum() / new - 1) < 0.003, outcome
    assert "violence_without_injury" not in old.counts
    assert old.counts["possession_of_article_with_blade_or_point"].sum() == 4718


def test_the_borough_files_join_over_their_months(shared: Path) -> None:
    names = ("Historical_201004-202201", "most_recent_24_months_202202-202401")
    old, new = (mps.read_borough(shared / CRIME / f"MPS_Borough_Level_Crime_{n}.csv.gz") for n in names)
    joined = mps.join_months([("new", new), ("old", old)])
    hamlets = joined.units.index("E09000030")
    assert len(joined.units) == 32
    assert joined.periods == month_range("2010-04", "2024-01")
    blade = joined.counts["possession_of_article_with_blade_or_point"][hamlets]
    year = {y: blade[[p.startswith(y) for p in joined.periods]].mean() for y in ("2016", "2017", "2018", "2019")}
    assert {y: round(float(v), 1) for y, v in year.items()} == {"2016": 8.2, "2017": 10.8, "2018": 12.1, "2019": 12.2}
    assert not joined.mask("fraud_and_forgery")[:, -1].any(), "an offence that a file does not list is not received"


def test_an_offence_that_only_older_files_list_is_kept_from_them(shared: Path) -> None:
    joined = mps.read_boroughs(Catalogue.folder(shared / CRIME, kinds=("mps-borough",)))
    assert len(joined.provenance) == 3
    assert joined.periods[-1] == "2024-02"
    blade = joined.mask("possession_of_article_with_blade_or_point")
    assert blade[:, :-1].all()
    assert not blade[:, -1].any()
    assert joined.mask("robbery").all()


def test_the_current_borough_file_agrees_with_its_wards(shared: Path, wards: mps.Panel) -> None:
    boroughs = mps.read_borough(shared / CRIME / "mps_borough_level_crime_historical_201004-202402.parquet")
    here = [i for i, u in enumerate(wards.units) if wards.districts[u] == "Tower Hamlets"]
    ours = sum(wards.counts[o][here].sum(axis=0) for o in MAJOR_GROUPS)
    theirs = sum(boroughs.counts[o][boroughs.units.index("E09000030")] for o in MAJOR_GROUPS)
    assert np.abs(ours - theirs).max() == 8


def test_city_of_london_street_files(shared: Path) -> None:
    city = read_street([shared / STREET / "city_of_london_street_2018-01_2021-09.zip"])
    assert city.rows == 28_761
    assert len(city.received) == 45
    assert city.forces == ("city-of-london",)
    assert sum(city.unplaced.values()) == 2191
    assert city.duplicates == 5
    counted = sum(int(v.sum()) for v in city.panel.counts.values())
    assert counted == 28_761 - 2191 - city.duplicates
    assert len(city.panel.outcomes) == 14
    hamlets = [i for i, u in enumerate(city.panel.units) if city.panel.districts[u] == "Tower Hamlets"]
    assert sum(int(v[hamlets].sum()) for v in city.panel.counts.values()) == 774
    assert any("2,191 of 28,761 rows have no LSOA" in n for n in city.panel.notes)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("2019-06-avon-and-somerset-street.csv.gz", 15_541),
        ("2019-06-merseyside-street.csv.gz", 13_297),
        ("2019-06-south-yorkshire-street.csv.gz", 14_440),
        ("2018-07-west-yorkshire-street.csv.gz", 31_635),
        ("2018-05-metropolitan-street_burglary_only.csv.gz", 6_386),
    ],
)
def test_single_street_months(shared: Path, name: str, rows: int) -> None:
    street = read_street([shared / STREET / name])
    placed = sum(int(v.sum()) for v in street.panel.counts.values())
    assert street.rows == rows == placed + sum(street.unplaced.values()) + street.duplicates
    assert street.panel.periods == (name[:7],)


def test_three_forces_agree_with_the_tidy_table_and_a_missing_month_is_not_zero(shared: Path) -> None:
    import pandas as pd

    tidy = pd.read_parquet(shared / STREET / "lsoa_month_crimetype_3forces_2018-01_2021-09.parquet")
    files = [shared / STREET / f"2019-06-{f}-street.csv.gz" for f in ("merseyside", "south-yorkshire")]
    street = read_street([*files, shared / STREET / "2018-07-west-yorkshire-street.csv.gz"])
    june = tidy[(tidy["month"].astype(str) == "2019-06") & (tidy["force"].astype(str).str.contains("merseyside"))]
    asb = june[june["crime_type"].astype(str) == "Anti-social behaviour"]["n"].sum()
    merseyside = [i for i, u in enumerate(street.panel.units) if street.panel.districts[u] in MERSEYSIDE]
    mine = street.panel.counts["anti_social_behaviour"][merseyside, -1].sum()
    assert 0.97 * asb <= mine <= asb
    assert not street.panel.mask("anti_social_behaviour")[merseyside, :-1].any()
    assert street.panel.mask("anti_social_behaviour")[merseyside, -1].mean() > 0.99


MERSEYSIDE = ("Liverpool", "Sefton", "Wirral", "Knowsley", "St. Helens")


def test_ward_2024_boundaries_against_the_adjacency_table(shared: Path) -> None:
    areas = geography.read_boundaries(shared / "geography" / "london_wards_2024_from_lsoa21.geojson.gz")
    with gzip.open(shared / "geography" / "adjacency_ward2024_london.csv.gz", "rt") as stream:
        known = {(r["area_a"], r["area_b"]): float(r["approx_shared_boundary_m"]) for r in csv.DictReader(stream)}
    mine = {tuple(sorted((areas.units[a], areas.units[b]))): n for a, b, n in _triples(areas)}
    assert len(areas.units) == 684
    assert len(known) == 1966
    assert mine.keys() <= known.keys()
    assert len(mine) == 1955
    assert max(known[k] for k in known.keys() - mine.keys()) < 40
    difference = np.array([mine[k] - known[k] for k in mine])
    assert np.abs(np.median(difference)) < 20
    assert len(areas.ring(PILOT)[0]) == 12


def _triples(areas: geography.Areas) -> list[tuple[int, int, float]]:
    return [(a, b, float(n)) for (a, b), n in zip(areas.pairs.tolist(), areas.border, strict=True)]


@pytest.mark.parametrize(
    ("name", "kind", "areas", "vintage"),
    [
        ("london_wards_2014.geojson.gz", "ward-boundaries", 654, "2014"),
        ("tower_hamlets_wards_2014.geojson", "ward-boundaries", 20, "2014"),
        ("tower_hamlets_lsoa11.geojson", "lsoa-boundaries", 144, "2011"),
        ("london_lsoa11.geojson.gz", "lsoa-boundaries", 4835, "2011"),
        ("london_boroughs.geojson.gz", "borough-boundaries", 33, "2011"),
    ],
)
def test_other_boundaries(shared: Path, name: str, kind: str, areas: int, vintage: str) -> None:
    path = shared / "geography" / name
    summary = geography.summarise(path, kind)
    assert recognise(path).kind == kind
    assert (summary.rows, summary.vintage) == (areas, vintage)


def test_population_of_tower_hamlets(shared: Path) -> None:
    boroughs = read_population(shared / "population" / "borough_population_2011-2022_london.csv.gz")
    here = boroughs.values[boroughs.units.index("E09000030")]
    assert [int(here[boroughs.years.index(y)]) for y in (2016, 2018, 2020)] == [289_011, 300_050, 306_780]
    lsoas = read_population(shared / "population" / "lsoa21_mid_year_population_2011-2022_london.csv.gz")
    assert lsoas.values.shape == (4994, 12)
    assert lsoas.values.sum() == boroughs.values.sum()


def test_ward_population_covers_every_ward_of_the_counts(shared: Path, wards: mps.Panel) -> None:
    people = read_population(shared / "population" / "ward2024_population_2011-2022_london.csv.gz")
    exposure = people.exposure(wards.units, wards.periods)
    assert exposure.shape == (679, 167)
    assert exposure.min() > 500


def test_both_lookups_agree(shared: Path) -> None:
    derived = read_lookup(shared / "geography" / "lsoa11_to_ward_borough_london_bestfit.csv.gz")
    own = read_lookup(shared / "geography" / "oa21_lsoa21_lsoa11_ward24_lad22_london.parquet")
    assert len(derived.wards) == 4835
    assert all(own.wards[u] == w for u, w in derived.wards.items())
    assert len(own.wards) == 5170, "both vintages of LSOA"
    assert sum(derived.wards[u] in PILOT[:4] for u in derived.wards) == 37
    assert sum(derived.wards[u] in PILOT for u in derived.wards) == 44


def test_city_wards_from_lsoas(shared: Path) -> None:
    city = read_street([shared / STREET / "city_of_london_street_2018-01_2021-09.zip"]).panel
    lookup = read_lookup(shared / "geography" / "oa21_lsoa21_lsoa11_ward24_lad22_london.parquet")
    wards = to_wards(city, lookup)
    lost = [u for u in city.units if u not in lookup.wards]
    assert sum(int(v.sum()) for v in wards.counts.values()) == sum(int(v.sum()) for v in city.counts.values()) - 3
    assert any(f"{len(lost)} LSOAs with 3 rows have no ward" in n for n in wards.notes)


def test_what_is_not_a_known_format_is_said_to_be_none(shared: Path) -> None:
    known = {DASHBOARD, FORCES, OPINIONS}
    for folder, ending in product(("knife_crime", "perceptions"), ("csv", "csv.gz", "parquet")):
        for path in (shared / folder).glob(f"*.{ending}"):
            if path.name not in known:
                with pytest.raises(UnrecognisedError, match="no known format"):
                    recognise(path)


OPINIONS = "PAS_Dashboard_Borough_2014Q4-2023Q4.csv.gz"
DASHBOARD = "mps_monthly_crime_dashboard_202203-202602.parquet"
FORCES = "knife_crime_quarterly_by_force_2008Q1-2019Q1.csv"


def test_the_dashboard_against_its_own_table(shared: Path) -> None:
    import pandas as pd

    path = shared / "knife_crime" / DASHBOARD
    assert recognise(path).kind == "mps-dashboard"
    panel = read_dashboard(path)
    assert (len(panel.units), panel.periods) == (32, month_range("2022-03", "2026-02"))
    assert not panel.received, "every month lists every subtype"
    table = pd.read_parquet(path)
    offences = table[(table["measure"] == "Offences") & (table["area_code"] == "E09000030")]
    own = offences[offences["area_type"] == "Borough"].groupby(["crime_subtype", "month_year"])["count"].sum()
    for subtype, outcome in KNIFE.items():
        theirs = own[subtype].reindex(pd.date_range("2022-03-01", "2026-02-01", freq="MS"), fill_value=0)
        assert panel.counts[outcome][panel.units.index("E09000030")].tolist() == theirs.tolist(), outcome
    totals = {o: int(v.sum()) for o, v in panel.counts.items()}
    assert totals["knife_crime"] == 56_384 == 57_709 - 1_325, "rows of no borough are left out"
    assert any("49,643 rows by Safer Neighbourhood Team" in n for n in panel.notes)
    assert any("in 1 cell there are more knife_injury_victims" in n for n in panel.notes)


KNIFE = {
    "Knife Crime": "knife_crime",
    "Knife Crime with Injury": "knife_crime_with_injury",
    "Knife Crime with Injury (Personal Robbery)": "knife_crime_with_injury_personal_robbery",
    "Knife Injury Victims (1-24)": "knife_injury_victims",
    "Knife Injury Victims (non DA 1-24)": "knife_injury_victims_non_domestic",
}


def test_the_dashboard_lists_no_zeros_so_an_absent_row_is_one(shared: Path) -> None:
    """The evidence for reading an absent borough as a zero, and a summed neighbourhood level as double counting."""
    import pandas as pd

    table = pd.read_parquet(shared / "knife_crime" / DASHBOARD)
    assert table["count"].min() == 1
    knife = table[(table["crime_subtype"] == "Knife Crime") & (table["measure"] == "Offences")]
    assert knife.groupby("area_type")["count"].sum().nunique() == 1, "both levels hold the same offences"


def test_knife_crime_by_force_against_the_published_totals(shared: Path) -> None:
    path = shared / "knife_crime" / FORCES
    assert recognise(path).kind == "home-office-knife-force"
    forces = read_forces(path)
    assert (len(forces.forces), len(forces.quarters)) == (42, 44)
    assert (forces.first_months[0], forces.first_months[-1]) == ("2008-04", "2019-01")
    london = forces.counts[forces.forces.index("Metropolitan Police")]
    assert london[-4:].tolist() == [3857, 3640, 3693, 3650]
    table = force_context(Catalogue.folder(shared / "knife_crime"))
    assert table is not None
    assert table.values["london_year"].iloc[-1] == 14_840
    assert table.values["elsewhere_year"].iloc[-1] == int(forces.counts[:, -4:].sum()) - 14_840


def test_borough_inputs_of_the_published_files(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSEVAL_PROJECT", str(Path(__file__).resolve().parents[2]))
    for name in (
        f"{CRIME}/MPS_Borough_Level_Crime_Historical_201004-202201.csv.gz",
        "geography/london_boroughs.geojson.gz",
        "population/borough_population_2011-2022_london.csv.gz",
        f"knife_crime/{DASHBOARD}",
    ):
        (tmp_path / Path(name).name).symlink_to(shared / name)
    programme = Programme(name="Plan", start="2017-06", roles="knife_crime_roles.csv", buffer_rings=0)
    inputs = borough_inputs(Catalogue.folder(tmp_path), programme, Window(first="2010-04", last="2020-02"))
    panel = inputs.panel
    wanted = ("violence_with_injury", "possession_of_article_with_blade_or_point", "robbery_of_personal_property")
    assert {*wanted, "homicide"} <= set(panel.outcomes)
    assert (len(panel.units), panel.periods[0]) == (32, "2010-04")
    hamlets = panel.units.index("E09000030")
    year = np.array([p.startswith("2018") for p in panel.periods])
    assert [int(panel.counts[o][hamlets, year].sum()) for o in (*wanted, "homicide")] == [2948, 145, 1472, 4]
    assert {k: len(v) for k, v in inputs.groups.items()} == {"neighbours": 2, "inner": 13, "outer": 19}
    assert panel.exposure is not None
    assert "knife_crime" not in panel.outcomes
    assert (inputs.context, {p.kind for p in inputs.provenance}) == ((), {"borough-boundaries", "borough-population"})
    assert any("it holds 2022-03 to 2026-02, 0 of the window's 119 months" in n for n in panel.notes)


def test_a_folder_lists_what_it_holds_without_copying(shared: Path) -> None:
    found = Catalogue.folder(shared, kinds=("ward-population", "mps-ward"))
    assert [e.kind for e in found.entries] == ["mps-ward", "mps-ward", "ward-population"]
    assert found.missing(("mps-ward", "police-street")) == ("police-street",)
    assert "README.md" in found.unrecognised
    assert mps.read_wards(found).provenance == found.provenance("mps-ward")
    with pytest.raises(DataError, match="police-street"):
        found.require("police-street")

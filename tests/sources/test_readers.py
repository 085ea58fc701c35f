"""What each reader makes of small good files: order, spelling, gaps, repeats, joins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from samples import (
    MET,
    WARD_HEADER,
    WARD_ROWS,
    feature,
    geojson,
    lookup_csv,
    population_csv,
    square,
    street_csv,
    street_row,
    table,
    ward_csv,
    write,
    write_zip,
)

from cseval.errors import DataError
from cseval.sources import mps
from cseval.sources.geography import read_boundaries
from cseval.sources.lookup import read_lookup
from cseval.sources.police_street import read_street, to_wards
from cseval.sources.population import read_population

HAMLETS = "Tower Hamlets"


def read(tmp_path: Path, content: str | bytes, name: str = "ward.csv") -> mps.Panel:
    return mps.read_ward(write(tmp_path / name, content))


def same(a: mps.Panel, b: mps.Panel) -> bool:
    return a.units == b.units and all(np.array_equal(a.counts[o], b.counts[o]) for o in a.outcomes)


def test_a_row_that_is_absent_is_a_zero(tmp_path: Path) -> None:
    panel = read(tmp_path, ward_csv())
    assert panel.units == ("E05009331", "E05009335")
    assert panel.periods == ("2018-01", "2018-02", "2018-03")
    assert panel.counts["robbery"].tolist() == [[0, 0, 0], [1, 3, 3]]
    assert panel.counts["domestic_burglary"].tolist() == [[4, 5, 6], [0, 0, 0]]
    assert panel.names["E05009331"] == "St Peter's"
    assert not panel.received


@pytest.mark.parametrize(
    "header",
    [
        "Group,SubGroup,WardName,WardCode,LookUp_BoroughName,201801,201802,201803",
        "majortext,minortext,wardname,wardcode,lookup_boroughname,201801,201802,201803",
        " Major Category ,MINOR CATEGORY,Ward Name,Ward Code,Borough,201801,201802,201803",
    ],
)
def test_headers_of_every_year_read_alike(tmp_path: Path, header: str) -> None:
    assert same(read(tmp_path, ward_csv(header=header)), read(tmp_path, ward_csv(), "old.csv"))


@pytest.mark.parametrize("encode", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("name", ["ward.csv", "ward.csv.gz"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings_and_line_ends_read_alike(tmp_path: Path, encode: str, name: str, ending: str) -> None:
    content = ward_csv().replace("\n", ending).encode(encode) + ending.encode()
    assert same(read(tmp_path, content, name), read(tmp_path, ward_csv(), "plain.csv"))


def test_column_order_and_row_order_do_not_matter(tmp_path: Path) -> None:
    cells = [line.split(",") for line in (WARD_HEADER, *WARD_ROWS)]
    turned = "\n".join(",".join(reversed(row)) for row in [cells[0], *reversed(cells[1:])]) + "\n"
    assert same(read(tmp_path, turned), read(tmp_path, ward_csv(), "plain.csv"))


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    import pandas as pd

    path = write(tmp_path / "ward.csv", ward_csv())
    pd.read_csv(path).to_parquet(tmp_path / "ward.parquet", index=False)
    assert same(mps.read_ward(tmp_path / "ward.parquet"), mps.read_ward(path))


def test_formulas_and_markup_in_names_stay_text(tmp_path: Path) -> None:
    names = ("=cmd()|'/c calc'!A1", "<script>alert(1)</script>")
    rows = [f"Robbery,Robbery,{n},E0500000{i},{HAMLETS},1,1,1" for i, n in enumerate(names)]
    assert tuple(read(tmp_path, ward_csv(*rows)).names.values()) == names


def test_offences_without_a_ward_are_counted_in_a_note(tmp_path: Path) -> None:
    panel = read(tmp_path, ward_csv(*WARD_ROWS, f"Theft,Shoplifting,Unknown,Unknown,{HAMLETS},5,5,5"))
    assert panel.notes[0].startswith("15 offences in 1 rows have no ward")
    assert "theft" not in panel.counts


def test_an_offence_never_seen_before_keeps_its_name(tmp_path: Path) -> None:
    panel = read(tmp_path, ward_csv(f"Robbery,Drone Robbery,W,E05009335,{HAMLETS},1,2,3"))
    assert panel.counts["drone_robbery"].tolist() == [[1, 2, 3]]
    assert any("drone_robbery" in n for n in panel.notes)


def test_residential_burglary_is_counted_as_domestic(tmp_path: Path) -> None:
    rows = [f"BURGLARY,{m},W,E05009335,{HAMLETS},1,2,3" for m in ("DOMESTIC BURGLARY", "RES BURGLARY OF A HOME")]
    assert read(tmp_path, ward_csv(*rows)).counts["domestic_burglary"].tolist() == [[2, 4, 6]]


def test_violence_without_injury_runs_through_old_and_new_names(tmp_path: Path) -> None:
    row = f"VIOLENCE AGAINST THE PERSON,%s,W,E05009335,{HAMLETS},1,2,3"
    old = read(tmp_path, ward_csv(row % "Violence without Injury"))
    new = read(tmp_path, ward_csv(row % "VIOLENCE WITHOUT INJURY", row % "STALKING AND HARASSMENT"), "new.csv")
    assert "violence_without_injury" not in old.counts
    assert old.counts["violence_without_injury_and_harassment"].tolist() == [[1, 2, 3]]
    assert new.counts["violence_without_injury_and_harassment"].tolist() == [[2, 4, 6]]


def test_files_join_over_months_and_the_later_one_wins(tmp_path: Path) -> None:
    first = read(tmp_path, ward_csv())
    rows = [r.rsplit(",", 3)[0] + ",9,9,9" for r in WARD_ROWS[::2]]
    later = read(tmp_path, ward_csv(*rows, header=WARD_HEADER.replace("201801,201802", "201804,201805")), "b.csv")
    joined = mps.join_months([("later", later), ("first", first)])
    assert joined.periods[-1] == "2018-05"
    assert joined.counts["robbery"][1].tolist() == [1, 3, 9, 9, 9]
    assert joined.mask("robbery_of_business_property")[0].tolist() == [True, True, True, False, False]


def test_files_that_leave_a_gap_or_differ_in_wards_do_not_join(tmp_path: Path) -> None:
    first = read(tmp_path, ward_csv())
    later = read(
        tmp_path, ward_csv(header=WARD_HEADER.replace("201801,201802,201803", "201805,201806,201807")), "b.csv"
    )
    with pytest.raises(DataError, match="no file covers 2018-04"):
        mps.join_months([("first", first), ("later", later)])
    other = read(tmp_path, ward_csv(WARD_ROWS[0].replace("E05009335", "E05000001")), "c.csv")
    with pytest.raises(DataError, match="E05000001"):
        mps.join_months([("first", first), ("other", other)])


def test_borough_column_of_any_name(tmp_path: Path) -> None:
    content = table("Group,SubGroup,Area of Search,201801", "Robbery,Rob,tower hamlets,3", "Robbery,Rob,Unknown,2")
    panel = mps.read_borough(write(tmp_path / "b.csv", content))
    assert panel.units == ("E09000030",)
    assert panel.counts["robbery"].tolist() == [[3]]
    assert panel.notes[0].startswith("2 offences in 1 rows have no borough")


def street(tmp_path: Path, *rows: str, month: str = "2018-05", force: str = "metropolitan") -> Path:
    return write(tmp_path / month / f"{month}-{force}-street.csv", street_csv(*rows))


def test_antisocial_behaviour_is_never_deduplicated(tmp_path: Path) -> None:
    twice = street_row("same-id", kind="Burglary")
    other = street_row("same-id", kind="Robbery")
    found = read_street([street(tmp_path, street_row(), street_row(), twice, twice, other)])
    assert {o: int(v.sum()) for o, v in found.panel.counts.items()} == {
        "anti_social_behaviour": 2,
        "burglary": 1,
        "robbery": 1,
    }
    assert found.duplicates == 1


def test_a_missing_month_is_never_a_zero(tmp_path: Path) -> None:
    months = ("2018-04", "2018-06")
    found = read_street([street(tmp_path, street_row(month=m), month=m) for m in months])
    assert found.panel.periods == ("2018-04", "2018-05", "2018-06")
    assert found.panel.mask("anti_social_behaviour").tolist() == [[True, False, True]]
    assert tuple(found.received) == months
    assert any("not received" in n for n in found.panel.notes)


def test_an_area_is_received_only_with_the_forces_that_cover_it(tmp_path: Path) -> None:
    kent = {"lsoa": "E01024000", "by": "Kent Police", "name": "Dover 001A"}
    paths = [street(tmp_path, street_row(month=m), month=m) for m in ("2018-05", "2018-06")]
    found = read_street([*paths, street(tmp_path, street_row(**kent), force="kent")])
    mask = found.panel.mask("anti_social_behaviour")
    assert dict(zip(found.panel.units, mask.tolist(), strict=True)) == {
        "E01004197": [True, True],
        "E01024000": [True, False],
    }


def test_a_file_filtered_to_one_crime_type_does_not_make_zeros_of_the_rest(tmp_path: Path) -> None:
    full = [street_row(month="2018-06") for _ in range(50)] + [street_row("b", month="2018-06", kind="Burglary")]
    paths = [street(tmp_path, street_row("a", kind="Burglary")), street(tmp_path, *full, month="2018-06")]
    found = read_street(paths)
    assert found.panel.mask("anti_social_behaviour").tolist() == [[False, True]]
    assert found.panel.mask("burglary").all()
    assert any("anti_social_behaviour is absent from 1 files" in n for n in found.panel.notes)


def test_of_two_archives_the_later_is_read(tmp_path: Path) -> None:
    name = "2018-05/2018-05-metropolitan-street.csv"
    early = write_zip(tmp_path / "a.zip", {name: street_csv(), "2018-05/2018-05-metropolitan-outcomes.csv": "x"})
    june = street_csv(street_row(month="2018-06"))
    late = write_zip(tmp_path / "b.zip", {name: street_csv(street_row()), name.replace("05", "06"): june})
    for paths in ([early, late], [late, early]):
        found = read_street(paths)
        assert found.panel.counts["anti_social_behaviour"].tolist() == [[1, 1]]
        assert "1 force-months are taken from a later archive" in found.panel.notes
        assert any("1 files that are not street files" in n for n in found.panel.notes)


def test_two_loose_files_of_one_month_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2018-05 of metropolitan is also in"):
        read_street([street(tmp_path / "a"), street(tmp_path / "b")])


def test_the_force_is_read_from_the_rows_where_the_name_does_not_say(tmp_path: Path) -> None:
    found = read_street([write(tmp_path / "download.csv", street_csv(street_row(), street_row(month="2018-06")))])
    assert found.forces == ("metropolitan",)
    assert tuple(found.received) == ("2018-05", "2018-06")
    assert MET not in found.forces


def test_only_the_forces_asked_for_are_counted(tmp_path: Path) -> None:
    kent = street_row(by="Kent Police", lsoa="E01024000")
    paths = [street(tmp_path), street(tmp_path, kent, force="kent")]
    assert read_street(paths, forces=["kent"]).panel.units == ("E01024000",)
    with pytest.raises(DataError, match="no street file of these forces"):
        read_street(paths, forces=["essex"])


def test_lsoas_sum_to_wards_and_coverage_with_them(tmp_path: Path) -> None:
    lookup = read_lookup(write(tmp_path / "l.csv", lookup_csv() + "E01004198,A,E05009331,B,E09000030,Tower Hamlets\n"))
    rows = [street_row(lsoa=u) for u in ("E01004197", "E01004198", "E01099999")]
    found = read_street([street(tmp_path, *rows)])
    wards = to_wards(found.panel, lookup)
    assert wards.units == ("E05009331",)
    assert wards.counts["anti_social_behaviour"].tolist() == [[2]]
    assert wards.districts == {"E05009331": "Tower Hamlets"}
    assert any("1 LSOAs with 1 rows have no ward" in n for n in wards.notes)


def test_areas_that_share_a_side_touch_and_corners_have_no_border(tmp_path: Path) -> None:
    cells = [(0.0, 51.5), (0.01, 51.5), (0.01, 51.51), (0.05, 51.5)]
    found = [feature(f"E0500000{i}", square(x, y), f"W{i}") for i, (x, y) in enumerate(cells, start=1)]
    areas = read_boundaries(write(tmp_path / "map.geojson", geojson(*found)))
    assert areas.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    height, width = 0.01 * 111_195, 0.01 * 111_195 * np.cos(np.radians(51.51))
    assert areas.border.tolist() == pytest.approx([height, 0, width], abs=10)
    assert areas.names["E05000004"] == "W4"
    assert [len(areas.outlines[u][0]) for u in areas.units] == [5, 5, 5, 5]


def test_slivers_narrower_than_the_tolerance_do_not_part_neighbours(tmp_path: Path) -> None:
    gap = 5 / 69_000
    path = write(
        tmp_path / "m.geojson", geojson(feature("E05000001", square(0.0)), feature("E05000002", square(0.01 + gap)))
    )
    assert len(read_boundaries(path).pairs) == 1
    assert len(read_boundaries(path, tolerance_m=1.0).pairs) == 0


def test_exposure_is_linear_between_mid_years_and_carried_after(tmp_path: Path) -> None:
    people = read_population(write(tmp_path / "p.csv", population_csv()))
    months = ("2011-01", "2011-07", "2012-01", "2012-07", "2013-07")
    exposure = people.exposure(("E05000001",), months)[0]
    assert exposure.tolist() == pytest.approx([1000, 1000 + 0.5 / 12, 1000 + 6.5 / 12, 1001, 1001])
    assert people.carried(months) == (
        "population of 2011 stands for the months before June 2011",
        "population of 2012 is carried forward from that July to July 2013",
    )
    assert people.carried(("2011-08", "2012-03")) == ()
    with pytest.raises(DataError, match="E05000009"):
        people.exposure(("E05000009",), months)


def test_wide_and_long_population_read_alike(tmp_path: Path) -> None:
    wide = table("WARD 2024 Code,Ward 2024 Name,Mid-2011: Population,Mid-2012: Population", *(
        f"E0500000{i},Ward {i},{1000 * i},{1000 * i + 1}" for i in (2, 1)
    ))  # fmt: skip
    one = read_population(write(tmp_path / "w.csv", wide))
    other = read_population(write(tmp_path / "l.csv", population_csv()))
    assert (one.units, one.years, one.vintage) == (other.units, other.years, other.vintage)
    assert np.array_equal(one.values, other.values)
    assert one.names == other.names

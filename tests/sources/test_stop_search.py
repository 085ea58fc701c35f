"""Stop and search: raw files placed by coordinates, the table of counts, and months that say nothing of any area."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from samples import geojson, square, street_csv, table, tree, write, write_zip

from cseval.errors import DataError
from cseval.months import month_text
from cseval.project import Project
from cseval.sources.catalogue import Catalogue, recognise
from cseval.sources.importing import import_files
from cseval.sources.stop_search import read_stop_search, read_stops, summarise
from cseval.sources.stop_search_files import ethnic_group, london_month, outcome_class
from cseval.sources.stop_search_table import StopSearch, read_counts_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RAW = DATA / "stop_search" / "2018-05-metropolitan-stop-and-search.csv.gz"
SELECTION = DATA / "stop_search" / "tower_hamlets_stop_and_search_records_2015-04_2019-02.csv.gz"
TABLE = DATA / "stop_search" / "mps_stop_search_borough_month_counts_2015-04_2019-02.parquet"
BOROUGHS = DATA / "geography" / "london_boroughs.geojson.gz"
real = pytest.mark.skipif(
    not all(p.exists() for p in (RAW, SELECTION, TABLE, BOROUGHS)), reason="no folder of open data beside the checkout"
)

HEADER = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
    "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,"
    "Outcome linked to object of search,Removal of more than just outer clothing"
)
MET = "2018-05-metropolitan-stop-and-search.csv"
HACKNEY, HAMLETS, CITY = "E09000012", "E09000030", "E09000001"
#: Hackney is the square from 0 to 0.01 east, Tower Hamlets the next, the City one further on.
PLACES = {"hackney": ("51.505", "0.005"), "hamlets": ("51.505", "0.015"), "city": ("51.505", "0.055"), "": ("", "")}


def row(place="hamlets", date="2018-05-10T12:00:00+00:00", **other):
    latitude, longitude = PLACES.get(place, (place, place))
    cells = {
        "type": "Person search",
        "gender": "Male",
        "age": "18-24",
        "self": "White - Irish",
        "officer": "White",
        "object": "Controlled drugs",
        "outcome": "Arrest",
        "lat": latitude,
        "lon": longitude,
    } | other
    return (
        f"{cells['type']},{date},False,,{cells['lat']},{cells['lon']},{cells['gender']},{cells['age']},{cells['self']},"
        f"{cells['officer']},Misuse of Drugs Act 1971 (section 23),{cells['object']},{cells['outcome']},,"
    )


def stops(*rows):
    return table(HEADER, *rows)


def boroughs(folder: Path) -> Path:
    def area(code, x, name):
        return {"type": "Feature", "properties": {"LAD22CD": code, "LAD22NM": name}, "geometry": square(x)}

    shapes = area(HACKNEY, 0.0, "Hackney"), area(HAMLETS, 0.01, "Tower Hamlets"), area(CITY, 0.05, "City of London")
    return write(folder / "boroughs.geojson", geojson(*shapes))


def read(folder: Path, *rows, name: str = MET, **options) -> StopSearch:
    return read_stop_search([write(folder / name, stops(*rows))], boroughs(folder), **options)


def says(found, words: str) -> bool:
    return any(words in note for note in found.notes)


# Raw files --------------------------------------------------------------------------------------------


def test_each_search_is_in_the_area_that_holds_its_point(tmp_path):
    found = read(tmp_path, row("hackney"), row(), row(), row("9.0"), *[row("hackney")] * 5, row(""))
    assert found.units == (HACKNEY, HAMLETS)
    assert found.periods == ("2018-05",)
    assert found.total().tolist() == [[6], [2]]
    assert found.received.tolist() == [[True], [True]]
    assert found.lost.tolist() == [0.1]
    assert found.names[HAMLETS] == "Tower Hamlets"
    assert says(found, "1 of 10 searches have no coordinates and are in no area")
    assert says(found, "1 searches lie outside the areas")
    assert says(found, "published in UTC")
    assert says(found, "6 rows repeat another one")
    assert says(found, "1 areas of the boundaries have no search in any month")


def test_categories_become_outcomes_of_the_panel(tmp_path):
    found = read(
        tmp_path,
        row(outcome="Arrest"),
        row(outcome="A no further action disposal", object="", gender="", age="10-17"),
        row("hackney", officer="Black"),
    )
    panel = found.panel("object", "outcome", "gender", "age", "officer_ethnicity", "self_ethnicity")
    hamlets = {name: int(values[1, 0]) for name, values in panel.counts.items()}
    assert hamlets["searches"] == 2
    assert hamlets["searches_for_controlled_drugs"] == hamlets["searches_for_not_stated"] == 1
    assert hamlets["searches_with_outcome_arrest"] == 1
    assert hamlets["searches_of_people_recorded_as_not_stated"] == 1
    assert hamlets["searches_of_people_aged_10_17"] == 1
    assert hamlets["searches_of_people_seen_by_officers_as_white"] == 2
    assert hamlets["searches_of_people_seen_by_officers_as_black"] == 0
    assert hamlets["searches_of_people_self_defined_as_white_irish"] == 2
    with pytest.raises(DataError, match=r"no 'colour' in these stop and searches; expected one of type"):
        found.dimension("colour")


def test_times_are_utc_and_the_month_is_londons():
    assert month_text(london_month("2018-04-30T23:05:00+00:00")) == "2018-05"
    assert month_text(london_month("2018-04-30T22:59:59Z")) == "2018-04"
    assert month_text(london_month("2018-11-30T23:30:00+00:00")) == "2018-11"
    assert month_text(london_month("2018-03-31T23:30:00")) == "2018-04"
    assert month_text(london_month("2018-05-01T00:30:00+01:00")) == "2018-05"


def test_a_selection_is_placed_in_london_months_and_needs_its_coverage(tmp_path):
    rows = [row(date="2018-04-30T23:05:00+00:00"), row(date="2018-06-10T12:00:00+00:00"), row("hackney")]
    with pytest.raises(DataError, match="name does not say its force and month"):
        read(tmp_path, *rows, name="selection.csv")
    whole = read_counts_table(
        write(
            tmp_path / "counts.csv",
            counts(*(f"Tower Hamlets,2018-0{m},Controlled drugs,,Arrest,1" for m in (5, 6)), *loss(6, 9), hackney(9)),
        )
    )
    assert whole.received.tolist() == [[True, False], [True, False]]
    found = read(tmp_path, *rows, name="selection.csv", coverage=whole)
    assert found.total().tolist() == [[1, 0], [1, 1]]
    assert found.received.tolist() == [[False, False], [True, False]]
    assert says(found, "only some searches of E09000012 are in this selection: not received there")


def test_a_month_that_lost_its_coordinates_is_not_received(tmp_path):
    april = [row(date="2018-04-10T12:00:00+00:00"), *[row("", date="2018-04-10T12:00:00+00:00")] * 19]
    files = {"2018-04-metropolitan-stop-and-search.csv": stops(*april), MET: stops(*[row()] * 9, row(""))}
    paths = [write(tmp_path / name, content) for name, content in files.items()]
    found = read_stop_search(paths, boroughs(tmp_path))
    assert found.total().tolist() == [[1, 9]]
    assert found.received.tolist() == [[False, True]]
    assert found.panel().mask("searches").tolist() == [[False, True]]
    assert says(found, "1 months have lost the coordinates of more than 20% of searches")
    assert says(found, "not zero: April 2018")


def test_a_month_between_files_is_missing_and_an_unlikely_zero_is_not_believed(tmp_path):
    def month(m, hamlets):
        return stops(*[row(date=f"2018-{m}-10T12:00:00+00:00")] * hamlets, *[row("hackney", f"2018-{m}-10T12:00")] * 25)

    for m, n in (("03", 40), ("05", 0), ("06", 40)):
        write(tmp_path / f"2018-{m}" / f"2018-{m}-metropolitan-stop-and-search.csv", month(m, n))
    found = read_stop_search([tmp_path], boroughs(tmp_path / "areas"))
    assert found.received.tolist() == [[True, False, True, True], [True, False, False, True]]
    assert says(found, "1 months are absent and not received, not zero: April 2018")
    assert says(found, "1 area-months without a search")


def test_only_the_force_that_polices_an_area_counts_there(tmp_path):
    met = write(tmp_path / MET, stops(row(), row(), row("city"), row("city")))
    city = write(tmp_path / "2018-05-city-of-london-stop-and-search.csv", stops(row("city"), row()))
    areas = boroughs(tmp_path)
    alone = read_stop_search([met], areas)
    assert alone.units == (CITY, HAMLETS)
    assert alone.received.tolist() == [[False], [True]]
    assert says(alone, "the force that polices E09000001 were not given: not received")
    both = read_stop_search([met, city], areas)
    assert both.total().tolist() == [[1], [2]]
    assert both.received.all()
    assert says(both, "1 by city-of-london, 2 by metropolitan")


def test_archives_are_read_in_place_and_the_later_one_wins(tmp_path):
    one = write_zip(tmp_path / "a.zip", {f"2018-05/{MET}": stops(row())})
    june = "2018-06-metropolitan-stop-and-search.csv"
    other = {f"2018-05/{MET}": stops(row(), row()), f"2018-06/{june}": stops(row(date="2018-06-02T10:00:00+00:00"))}
    two = write_zip(tmp_path / "b.zip", other)
    found = read_stop_search([one, two], boroughs(tmp_path))
    assert found.total().tolist() == [[2, 1]]
    assert says(found, "1 force-months are taken from a later archive")
    assert recognise(two).kind == "stop-and-search"
    mixed = write_zip(tmp_path / "c.zip", {**other, "2018-05/2018-05-metropolitan-street.csv": street_csv()})
    assert recognise(mixed).kind == "police-street"
    with pytest.raises(DataError, match="2018-05 of metropolitan is also in"):
        read_stop_search([two, write(tmp_path / MET, stops(row()))], boroughs(tmp_path))
    with pytest.raises(DataError, match="no stop-and-search file"):
        read_stop_search([boroughs(tmp_path / "areas").parent], boroughs(tmp_path))


def test_points_on_a_common_border_are_in_one_area(tmp_path):
    found = read(tmp_path, row(lat="51.505", lon="0.01"), row())
    assert found.total().sum() == 2
    assert found.units == (HACKNEY, HAMLETS)


# Words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "group"),
    [
        ("Asian or Asian British - Bangladeshi (A3)", "Asian"),
        ("Asian/Asian British - Chinese", "Asian"),
        ("Chinese or other ethnic group - Chinese (O1)", "Asian"),
        ("Chinese or other ethnic group - Any other ethnic group (O9)", "Other"),
        ("Other ethnic group - Any other ethnic group", "Other"),
        ("Other ethnic group - Not stated", "not stated"),
        ("Not Stated (NS)", "not stated"),
        ("", "not stated"),
        ("Mixed - White and Asian (M3)", "Mixed"),
        ("Black", "Black"),
        ("White - White British (W1)", "White"),
    ],
)
def test_every_wording_of_ethnicity_has_its_group(word, group):
    assert ethnic_group(word) == group


def test_outcomes_are_classed_and_unknown_ones_are_not_guessed():
    assert outcome_class("Nothing found - no further action") == "no further action"
    assert outcome_class("A no further action disposal") == "no further action"
    assert outcome_class("Khat or Cannabis warning") == "further action"
    assert outcome_class("") == outcome_class("Something new") == "not stated"


# The table of counts ----------------------------------------------------------------------------------


COUNTS_HEADER = "borough,month,Object of search,Legislation,Outcome,n"


def counts(*rows):
    return table(COUNTS_HEADER, *rows)


def loss(month, number):
    return (f"(no coordinates),2018-0{month},Controlled drugs,,Arrest,{number}",)


def hackney(number, month=5, what="Controlled drugs"):
    return f"Hackney,2018-0{month},{what},,Arrest,{number}"


def test_the_table_counts_by_borough_and_keeps_what_is_nowhere_apart(tmp_path):
    rows = [
        hackney(7),
        hackney(2, what="Firearms"),
        "Tower Hamlets,2018-07,Controlled drugs,,Arrest,3",
        hackney(4, month=7),
        "(no coordinates),2018-05,Firearms,,Arrest,1",
        "(outside London),2018-05,Firearms,,Arrest,5",
        "City of London,2018-05,Firearms,,Arrest,2",
    ]
    found = read_counts_table(write(tmp_path / "t.csv", counts(*rows)))
    assert found.units == (CITY, HACKNEY, HAMLETS)
    assert found.total().tolist() == [[2, 0, 0], [9, 0, 4], [0, 0, 3]]
    assert found.received.tolist() == [[False] * 3, [True, False, True], [True, False, True]]
    assert found.panel("object").counts["searches_for_firearms"].tolist() == [[2, 0, 0], [2, 0, 0], [0, 0, 0]]
    assert np.isnan(found.lost[1])
    assert found.lost[0] == pytest.approx(1 / 17)
    assert says(found, "absent and not received, not zero: June 2018")
    assert says(found, "5 searches lie outside London")
    assert says(found, "a police force of its own")


def test_a_wording_that_begins_later_is_missing_before_and_said(tmp_path):
    rows = [hackney(30, m) for m in (5, 6, 7)] + [hackney(30, m, "Offensive weapons") for m in (6, 7)]
    found = read_counts_table(write(tmp_path / "t.csv", counts(*rows)))
    panel = found.panel("object")
    assert panel.mask("searches_for_offensive_weapons").tolist() == [[False, True, True]]
    assert panel.mask("searches_for_controlled_drugs").all()
    assert any("wordings of object that begin in June 2018: Offensive weapons" in n for n in panel.notes)
    rare = read_counts_table(write(tmp_path / "r.csv", counts(*rows[:3], hackney(3, 7, "Fireworks"))))
    assert rare.panel("object").mask("searches_for_fireworks").all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (counts("Atlantis,2018-05,A,,B,1"), r"row 2, column borough: area 'Atlantis'"),
        (counts(hackney(1), hackney(1)), r"row 3: the same borough, month, object, legislation and outcome as row 2"),
        (counts("Hackney,May 2018,A,,B,1"), r"row 2, column month: month 'May 2018'; expected YYYY-MM"),
        (counts("Hackney,2018-05,A,,B,-1"), r"row 2, column n"),
        (counts("Hackney,2018-05,A,,B,1.5"), r"row 2, column n: '1.5' where a count belongs"),
        (counts("(no coordinates),2018-05,A,,B,1"), "no row of a borough"),
        (table("borough,month,n", "Hackney,2018-05,1"), "no object column"),
        (counts(), "a header without rows"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_counts_table(write(tmp_path / "t.csv", content))


# Bad raw files ----------------------------------------------------------------------------------------

BAD = [
    (stops(row(date="10/05/2018 12:00")), r"row 2, column Date: '10/05/2018 12:00'; expected a date"),
    (stops(row(date="2018-13-10T12:00:00+00:00")), r"row 2, column Date"),
    (stops(row(), row(date="2017-05-10T12:00:00+00:00")), r"row 3, column Date: .*expected 2018-05, as in the name"),
    (stops(row(lat="north")), r"row 2, column Latitude: 'north'; expected degrees from −90 to 90"),
    (stops(row(lat="51,5")), r"row 2: "),
    (stops(row(lon="512.0")), r"row 2, column Longitude: '512.0'"),
    (stops(row(lat="")), r"row 2: one coordinate without the other"),
    (stops(row(), "Person search,2018-05-01T00:00:00+00:00"), r"row 3: 2 cells"),
    (stops(*[row(object=f"thing {i}") for i in range(130)]), r"column Object of search: 130 different entries"),
    (stops(), "a header without rows"),
    (stops(row("9.0")), "no search lies in these areas"),
    (table(HEADER.replace("Latitude", "Lat"), row()), "no column latitude"),
    (stops(row()).encode("utf-16"), "UTF-16 text"),
    (stops(row()).encode() + b"\0", "NUL byte"),
    (stops(row(), row(outcome="Caf\xe9")).encode("latin-1"), "not UTF-8"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_a_bad_file_is_refused_with_its_place(tmp_path, content, message):
    path = write(tmp_path / MET, content)
    with pytest.raises(DataError, match=message):
        read_stop_search([path], boroughs(tmp_path))


def test_rows_dated_in_the_next_month_stay_in_the_month_of_the_file(tmp_path):
    found = read(tmp_path, row(), row(date="2018-06-01T00:30:00+00:00"))
    assert found.total().tolist() == [[2]]
    assert says(found, "1 searches dated in a neighbouring month")


def test_import_takes_good_files_and_leaves_nothing_of_bad_ones(tmp_path):
    project = Project(tmp_path / "project")
    project.root.mkdir()
    good = write(tmp_path / MET, stops(row("hackney"), row()))
    bad = write(tmp_path / "2018-06-metropolitan-stop-and-search.csv", stops(row(date="never")))
    with pytest.raises(DataError, match="column Date"):
        import_files([good, bad], project)
    assert tree(project.root) == {}
    counted = write(tmp_path / "counts.csv", counts(hackney(3)))
    entries = import_files([good, counted, boroughs(tmp_path)], project)
    assert [e.kind for e in entries][:2] == ["stop-and-search", "stop-and-search-counts"]
    assert entries[0].rows == 2
    assert entries[0].published
    found = read_stops(Catalogue.imported(project))
    assert found.total().tolist() == [[1], [1]]
    assert {p.kind for p in found.provenance} == {"stop-and-search", "stop-and-search-counts", "borough-boundaries"}
    assert summarise(good).first_month == "2018-05"


def test_without_raw_files_the_table_is_read_and_without_either_it_says_what_to_get(tmp_path):
    write(tmp_path / "one" / "counts.csv", counts(hackney(3)))
    assert read_stops(Catalogue.folder(tmp_path / "one")).total().tolist() == [[3]]
    boroughs(tmp_path / "two")
    with pytest.raises(DataError, match="no file of kind stop-and-search"):
        read_stops(Catalogue.folder(tmp_path / "two"))


# The published files ----------------------------------------------------------------------------------


@real
def test_the_published_month_agrees_with_the_published_counts():
    found, counted = read_stop_search([RAW], BOROUGHS), read_counts_table(TABLE)
    assert len(found.period) == 12_353 - 6  # six by the Metropolitan Police in the City
    raw = dict(zip(found.units, found.total()[:, 0].tolist(), strict=True))
    may = dict(zip(counted.units, counted.total()[:, counted.periods.index("2018-05")].tolist(), strict=True))
    assert raw[HAMLETS] == may[HAMLETS] == 598
    assert max(abs(raw[u] - may[u]) for u in may if u != CITY) <= 3  # points snapped to a border
    assert says(found, "1,069 of 12,353 searches have no coordinates")


@real
def test_the_published_selection_has_the_months_of_the_published_counts():
    counted = read_counts_table(TABLE)
    found = read_stop_search([SELECTION], BOROUGHS, coverage=counted)
    own = found.total()[found.units.index(HAMLETS)]
    there = counted.total()[counted.units.index(HAMLETS)][[counted.periods.index(p) for p in found.periods]]
    usable = found.received[found.units.index(HAMLETS)]
    assert usable.sum() == 30
    assert np.abs(own - there)[usable].max() <= 5  # snapped to the border with Hackney
    assert [p for p, u in zip(found.periods, usable, strict=True) if not u] == ["2018-02", "2018-03"]
    assert not found.received[found.units.index(HACKNEY)].any()


@real
def test_the_published_table_knows_its_blind_months_and_new_wordings():
    found = read_counts_table(TABLE)
    row_of = found.received[found.units.index(HAMLETS)]
    assert [p for p, u in zip(found.periods, row_of, strict=True) if u][:1] == ["2016-07"]
    assert row_of.sum() == 30
    assert not found.received[found.units.index(CITY)].any()
    mask = found.panel("object").mask("searches_for_offensive_weapons")[found.units.index(HAMLETS)]
    assert next(p for p, u in zip(found.periods, mask, strict=True) if u) == "2018-01"
    assert any("begin in January 2018: A no further action disposal" in n for n in found.wording_notes("outcome"))

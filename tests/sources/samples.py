"""Small valid files of each published format, which tests then spoil."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from pathlib import Path

WARD_HEADER = "MajorText,MinorText,WardName,WardCode,LookUp_BoroughName,201801,201802,201803"
WARD_ROWS = (
    "Robbery,Robbery of Personal Property,Weavers,E05009335,Tower Hamlets,1,2,3",
    "Robbery,Robbery of Business Property,Weavers,E05009335,Tower Hamlets,0,1,0",
    "Burglary,Domestic Burglary,St Peter's,E05009331,Tower Hamlets,4,5,6",
)
STREET_HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context"
)
MET = "Metropolitan Police Service"


def table(header: str, *rows: str) -> str:
    return "\n".join((header, *rows)) + "\n"


def ward_csv(*rows: str, header: str = WARD_HEADER) -> str:
    return table(header, *(rows or WARD_ROWS))


def street_row(
    crime: str = "",
    month: str = "2018-05",
    lsoa: str = "E01004197",
    kind: str = "Anti-social behaviour",
    by: str = MET,
    name: str = "Tower Hamlets 002A",
) -> str:
    return f"{crime},{month},{by},{by},-0.05,51.5,On or near Road,{lsoa},{name},{kind},,"


def street_csv(*rows: str) -> str:
    return table(STREET_HEADER, *(rows or (street_row(), street_row(), street_row("a1", kind="Burglary"))))


def square(x: float, y: float = 51.5, size: float = 0.01) -> dict[str, object]:
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(code: str, geometry: object, name: str = "Ward", year: str = "24") -> dict[str, object]:
    properties = {f"WD{year}CD": code, f"WD{year}NM": name, "LAD22CD": "E09000030", "LAD22NM": "Tower Hamlets"}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def geojson(*features: object) -> str:
    chosen = features or (feature("E05000001", square(0.0)), feature("E05000002", square(0.01)))
    return json.dumps({"type": "FeatureCollection", "features": list(chosen)})


def population_csv() -> str:
    return table(
        "WD24CD,WD24NM,LAD22CD,LAD22NM,year,population",
        *(
            f"E0500000{i},Ward {i},E09000030,Tower Hamlets,{year},{1000 * i + year - 2011}"
            for i in (1, 2)
            for year in (2011, 2012)
        ),
    )


def lookup_csv() -> str:
    return table("LSOA11CD,LSOA11NM,WD24CD,WD24NM,LAD22CD,LAD22NM", "E01004197,A,E05009331,B,E09000030,Tower Hamlets")


def write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def write_zip(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=zipfile.ZIP_DEFLATED)
    return path


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """Every path under a folder with its content hash and mode, to prove that nothing changed."""
    out = {}
    for path in sorted(folder.rglob("*")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        out[path.relative_to(folder).as_posix()] = (digest, path.stat().st_mode)
    return out


DASHBOARD_HEADER = (
    "Month_Year,Area Type,Borough_SNT,Area Name,Area Code,Crime Type,Crime Subtype,Measure,Financial Year,Count,"
    "Refresh Date"
)
DASHBOARD_COUNTS = {
    "Knife Crime": 9,
    "Knife Crime with Injury": 4,
    "Knife Injury Victims (1-24)": 3,
    "Knife Injury Victims (non DA 1-24)": 2,
}


def dashboard_row(
    subtype: str = "Knife Crime",
    count: object = 9,
    month: str = "2018-04-01",
    borough: str = "Tower Hamlets",
    code: str = "E09000030",
    level: str = "Borough",
    measure: str = "Offences",
    year: str = "fy18-19",
    refreshed: str = "2019-12-06",
    kind: str = "Knife Crime",
) -> str:
    return f"{month},{level},{borough},{borough},{code},{kind},{subtype},{measure},{year},{count},{refreshed}"


def dashboard_csv(*rows: str, header: str = DASHBOARD_HEADER) -> str:
    """Given rows, or two boroughs with every subtype in one month and one of them in the next."""
    ours = [dashboard_row(subtype, count) for subtype, count in DASHBOARD_COUNTS.items()]
    theirs = [dashboard_row(s, n + 1, borough="Hackney", code="E09000012") for s, n in DASHBOARD_COUNTS.items()]
    return table(header, *(rows or (*ours, *theirs, dashboard_row(count=7, month="2018-05-01"))))


FORCES_HEADER = "QtrNum,Force Name,Region,Financial Year,Financial Quarter,Population,Knife enabled,Knife Crime"


def forces_csv(*more: str) -> str:
    """The Metropolitan Police and one other force in five quarters, and more rows."""
    quarters = [("2017/18", q) for q in ("Q1", "Q2", "Q3", "Q4")] + [("2018/19", "Q1")]
    rows = [
        f"{i},{force},Region,{year},{quarter},100.5,-1,{base + i}"
        for force, base in (("Metropolitan Police", 100), ("Kent", 20))
        for i, (year, quarter) in enumerate(quarters)
    ]
    return table(FORCES_HEADER, *rows, *more)

"""Boundaries in GeoJSON: which areas touch, how long their common border is, and outlines for maps."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from cseval.areas import Areas
from cseval.errors import DataError
from cseval.sources.files import Summary, shown, text_of
from cseval.sources.sheets import Peek

if TYPE_CHECKING:
    import numpy.typing as npt

    from cseval.sources.catalogue import Catalogue

WARD, LSOA, BOROUGH = "ward-boundaries", "lsoa-boundaries", "borough-boundaries"
EARTH_RADIUS_M = 6_371_008.8
OUTLINE_TOLERANCE_M = 15.0
# The smallest level decides: a file with LSOA and ward codes is one of LSOAs. Codes as ONS gives them.
_LEVELS = (
    (LSOA, re.compile(r"lsoa(\d\d)cd"), re.compile(r"[EW]01\d{6}")),
    (WARD, re.compile(r"wd(\d\d)cd"), re.compile(r"[EW]05\d{6}")),
    (BOROUGH, re.compile(r"lad(\d\d)cd"), re.compile(r"E0[6-9]\d{6}|W06\d{6}")),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Features:
    kind: str
    vintage: str
    codes: list[str]
    names: dict[str, str]
    districts: dict[str, str]
    shapes: npt.NDArray[np.object_]


def recognise(head: Peek) -> str | None:
    """The kind of boundaries if the features carry ONS codes."""
    if head.form != "geojson":
        return None
    names = {c.lower() for c in head.columns}
    return next((kind for kind, column, _ in _LEVELS if any(column.fullmatch(n) for n in names)), None)


def summarise(path: Path, kind: str) -> Summary:
    """Read and validate a whole file and say what it holds.

    Raises
    ------
    DataError
        As `read_boundaries`.
    """
    features = _read(path)
    return Summary(rows=len(features.codes), vintage=features.vintage)


def read_boundaries(path: Path, tolerance_m: float = 10.0) -> Areas:
    """Areas of a boundary file, with the pairs that touch.

    Parameters
    ----------
    path : Path
        GeoJSON or .geojson.gz in longitude and latitude (WGS84).
    tolerance_m : float
        Areas this close touch; generalised boundaries leave slivers of a few metres between neighbours.

    Returns
    -------
    Areas
        Borders in metres: the length of one boundary within `tolerance_m` of the other area, less the
        2 x `tolerance_m` that a mere corner would count; at least 0.

    Raises
    ------
    DataError
        If it is not GeoJSON, a geometry is invalid or outside longitude and latitude, a code is wrong or
        repeated, or codes of different years are mixed; the message names the feature.

    Notes
    -----
    Metres are an equirectangular projection at the mean latitude, within 0.5 % over Greater London.
    """
    features = _read(path)
    shapes = _to_metres(features.shapes)
    pairs = _touching(shapes, tolerance_m)
    return Areas(
        units=tuple(features.codes),
        pairs=pairs,
        border=_borders(shapes, pairs, tolerance_m),
        names=features.names,
        districts=features.districts,
        outlines=dict(zip(features.codes, _outlines(shapes), strict=True)),
    )


def boundaries_for(catalogue: Catalogue, kind: str, units: Sequence[str]) -> Areas:
    """The imported boundaries that hold all these units; of several the file with the fewest other areas.

    Raises
    ------
    DataError
        If no file of this kind was imported, or none holds them all.
    """
    wanted = set(units)
    found = [(path, _read(path).codes) for path in catalogue.require(kind)]
    fitting = sorted((len(codes), str(path), path) for path, codes in found if wanted <= set(codes))
    if fitting:
        return read_boundaries(fitting[0][2])
    path, codes = min(found, key=lambda item: len(wanted - set(item[1])))
    missing = sorted(wanted - set(codes))
    raise DataError(
        f"{len(missing)} of {len(wanted)} units have no boundary (first: {', '.join(missing[:3])})",
        where=str(path),
        expected="boundaries of the same year as the counts",
        todo="Import the boundary file whose codes match the counts",
    )


def _read(path: Path) -> _Features:
    where = str(path)
    members = _parse(text_of(path), where)
    columns = _columns(members, where)
    kind, code, vintage, pattern = columns
    codes = [_code(f, code, pattern, f"{where}, feature {i}") for i, f in enumerate(members, start=1)]
    _require_unique(codes, where)
    shapes = _shapes(members, codes, where)
    return _Features(
        kind=kind,
        vintage=vintage,
        codes=codes,
        names=_labels(members, codes, code[:-2] + ("NM" if code.endswith("CD") else "nm")),
        districts=_labels(members, codes, _district_column(members[0])),
        shapes=shapes,
    )


def _parse(data: bytes, where: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        reason = str(error)[:100]
        raise DataError(f"not JSON ({reason})", where=where, expected="a GeoJSON FeatureCollection") from error
    members = document.get("features") if isinstance(document, dict) else None
    if not isinstance(members, list) or not members:
        raise DataError("no features", where=where, expected="a GeoJSON FeatureCollection with at least one feature")
    for number, member in enumerate(members, start=1):
        if not isinstance(member, dict) or not isinstance(member.get("properties"), dict):
            raise DataError("no properties", where=f"{where}, feature {number}", expected="a feature with codes")
    return members


def _columns(members: list[dict[str, Any]], where: str) -> tuple[str, str, str, re.Pattern[str]]:
    """Kind, code property, vintage and code pattern; every feature must carry the same properties."""
    first = members[0]["properties"]
    for number, member in enumerate(members, start=1):
        if member["properties"].keys() != first.keys():
            differ = ", ".join(sorted(member["properties"].keys() ^ first.keys()))
            raise DataError(
                f"other properties than the first feature ({shown(differ)})",
                where=f"{where}, feature {number}",
                expected="boundaries of one kind and year",
            )
    for kind, column, pattern in _LEVELS:
        years = {p: m[1] for p in first if (m := column.fullmatch(p.lower()))}
        if len(years) > 1:
            raise DataError(
                f"codes of several years ({', '.join(sorted(years))})", where=where, expected="boundaries of one year"
            )
        if years:
            prop, year = next(iter(years.items()))
            return kind, prop, f"20{year}", pattern
    raise DataError(f"properties {shown(', '.join(first))}", where=where, expected="a code WDyyCD, LSOAyyCD or LADyyCD")


def _code(member: Mapping[str, Any], prop: str, pattern: re.Pattern[str], where: str) -> str:
    code = member["properties"][prop]
    if not isinstance(code, str) or not pattern.fullmatch(code.strip()):
        raise DataError(
            f"code {shown(str(code))}",
            where=f"{where}, property {prop}",
            expected=f"a code of the form {pattern.pattern}",
        )
    return code.strip()


def _require_unique(codes: list[str], where: str) -> None:
    seen: dict[str, int] = {}
    for number, code in enumerate(codes, start=1):
        if code in seen:
            raise DataError(
                f"{code} also is feature {seen[code]}",
                where=f"{where}, feature {number}",
                expected="each area once; parts of one area belong in one MultiPolygon",
            )
        seen[code] = number


def _district_column(member: Mapping[str, Any]) -> str:
    return max((p for p in member["properties"] if re.fullmatch(r"lad\d\dnm", p.lower())), default="")


def _labels(members: list[dict[str, Any]], codes: list[str], prop: str) -> dict[str, str]:
    pairs = zip(codes, (m["properties"].get(prop) for m in members), strict=True)
    return {code: text.strip() for code, text in pairs if isinstance(text, str) and text.strip()}


def _shapes(members: list[dict[str, Any]], codes: list[str], where: str) -> npt.NDArray[np.object_]:
    for number, (member, code) in enumerate(zip(members, codes, strict=True), start=1):
        geometry = member.get("geometry")
        kind = geometry.get("type") if isinstance(geometry, dict) else geometry
        if kind not in ("Polygon", "MultiPolygon"):
            raise DataError(
                f"geometry {shown(str(kind))} of {code}",
                where=f"{where}, feature {number}",
                expected="Polygon or MultiPolygon",
            )
    shapes = shapely.from_geojson([json.dumps(m["geometry"]) for m in members], on_invalid="ignore")
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        inside = (bounds[:, 0] >= -180) & (bounds[:, 2] <= 180) & (bounds[:, 1] >= -90) & (bounds[:, 3] <= 90)
    valid = shapely.is_valid(shapes) & ~shapely.is_empty(shapes)
    if not (inside & valid).all():
        raise _bad_shape(shapes, inside, valid, codes, where)
    return np.asarray(shapes, dtype=object)


def _bad_shape(shapes: Any, inside: Any, valid: Any, codes: list[str], where: str) -> DataError:
    i = int(np.argmax(~(inside & valid)))
    place = f"{where}, feature {i + 1}"
    if valid[i]:
        return DataError(
            f"coordinates of {codes[i]} outside longitude and latitude",
            where=place,
            expected="degrees (WGS84)",
            todo="Download the file in WGS84, not in British National Grid",
        )
    reason = "unreadable or empty" if shapes[i] is None or shapely.is_empty(shapes[i]) else ""
    reason = reason or str(shapely.is_valid_reason(shapes[i]))[:80]
    return DataError(f"broken geometry of {codes[i]} ({reason})", where=place, expected="a valid polygon")


def _to_metres(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Equirectangular projection about the middle of the map, in metres."""
    bounds = shapely.total_bounds(shapes)
    origin = np.array([(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2])
    scale = np.radians(1) * EARTH_RADIUS_M * np.array([np.cos(np.radians(origin[1])), 1.0])
    projected: npt.NDArray[np.object_] = shapely.transform(shapes, lambda xy: (xy - origin) * scale)
    return projected


def _touching(shapes: npt.NDArray[np.object_], tolerance_m: float) -> npt.NDArray[np.int64]:
    """Pairs of areas within the tolerance, shape (pairs, 2), the smaller position first, in order."""
    tree = shapely.STRtree(shapes)
    found = tree.query(shapes, predicate="dwithin", distance=tolerance_m).T.astype(np.int64)
    pairs = found[found[:, 0] < found[:, 1]]
    ordered: npt.NDArray[np.int64] = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].reshape(-1, 2)
    return ordered


def _borders(
    shapes: npt.NDArray[np.object_], pairs: npt.NDArray[np.int64], tolerance_m: float
) -> npt.NDArray[np.float64]:
    near = shapely.buffer(shapes, tolerance_m, quad_segs=2)
    lines = shapely.boundary(shapes)
    shapely.prepare(near)
    common = shapely.length(shapely.intersection(lines[pairs[:, 0]], near[pairs[:, 1]]))
    return np.asarray(np.maximum(common - 2 * tolerance_m, 0.0), dtype=np.float64)


def _outlines(shapes: npt.NDArray[np.object_]) -> list[tuple[npt.NDArray[np.float64], ...]]:
    """Outer rings of each area, simplified to what a map can show; none is lost, however small."""
    simple = shapely.simplify(shapes, OUTLINE_TOLERANCE_M, preserve_topology=True)
    parts, owner = shapely.get_parts(simple, return_index=True)
    rings = shapely.get_exterior_ring(parts)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    split = np.split(points, np.flatnonzero(np.diff(ring)) + 1)
    out: list[list[npt.NDArray[np.float64]]] = [[] for _ in shapes]
    for area, outline in zip(owner.tolist(), split, strict=True):
        out[area].append(outline)
    return [tuple(rings) for rings in out]

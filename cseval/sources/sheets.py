"""Tables in published files: their headers, and typed columns with errors that name row and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from cseval.errors import DataError
from cseval.sources.files import MAX_LINE, magic, plain, shown, text_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Whole = npt.NDArray[np.int64]

MAX_COUNT = 10_000_000
MAX_ROWS = 50_000_000
_CHUNK = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Peek:
    """The start of a file, enough to recognise its format.

    Parameters
    ----------
    path : Path
    form : {"csv", "parquet", "geojson", "zip", "folder"}
    columns : tuple of str
        Header cells, property names or archive members as written.
    """

    path: Path
    form: str
    columns: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The columns in comparable form, see `plain`."""
        return frozenset(plain(c) for c in self.columns)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """Typed columns of one table.

    Parameters
    ----------
    text : mapping of str to pyarrow string array
        Keyed by the name asked for.
    whole : int64 array, shape (rows, columns asked for)
        Whole numbers from 0 to 10 million.
    rows : int
    first : int
        Number of the first record: 2 under a CSV header, 1 in Parquet.
    """

    text: dict[str, Any]
    whole: Whole
    rows: int
    first: int


def check_lines(data: bytes, where: str) -> None:
    """Refuse a table with a line of more than a million bytes, which no published table has."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 10)
    length = np.diff(np.concatenate(([-1], ends, [len(data)])))
    if length.max() > MAX_LINE:
        row = int(np.argmax(length > MAX_LINE)) + 1
        raise DataError(
            f"a line of {length.max():,} bytes", where=f"{where}, row {row}", expected=f"at most {MAX_LINE:,} bytes"
        )


def header_of(data: bytes, where: str) -> tuple[str, ...]:
    """Header cells of CSV bytes, as written.

    Raises
    ------
    DataError
        If there is no header.
    """
    line = data.split(b"\n", 1)[0]
    if len(line) > MAX_LINE:
        raise DataError(f"a header of {len(line):,} bytes", where=f"{where}, row 1", expected="a table with a header")
    try:
        cells = next(csv.reader(io.StringIO(line.decode("utf-8").rstrip("\r")), strict=True), [])
    except csv.Error as error:
        raise DataError(f"a header that is not CSV ({error})", where=f"{where}, row 1", expected="CSV") from error
    if not any(c.strip() for c in cells):
        raise DataError("no header", where=f"{where}, row 1", expected="a first row with column names")
    return tuple(c.strip() for c in cells)


def peek(path: Path) -> Peek:
    """Look at the start of a file or folder without reading its data.

    Raises
    ------
    DataError
        If it cannot be opened, or is an Excel workbook.
    """
    if path.is_dir():
        return Peek(path=path, form="folder")
    start = magic(path)
    if start == b"PAR1":
        return Peek(path=path, form="parquet", columns=parquet_names(path))
    if start[:2] == b"PK":
        if path.suffix.lower() in (".xlsx", ".xlsm", ".ods"):
            raise DataError(
                "a spreadsheet workbook", where=str(path), expected="CSV or Parquet", todo="Save its sheet as CSV UTF-8"
            )
        return Peek(path=path, form="zip")
    data = text_of(path)
    if data.lstrip()[:1] == b"{":
        return Peek(path=path, form="geojson", columns=_properties(data))
    return Peek(path=path, form="csv", columns=header_of(data, str(path)))


def _properties(data: bytes) -> tuple[str, ...]:
    """Property names of the first feature of a GeoJSON text, without parsing its geometry."""
    match = re.search(rb'"properties"\s*:\s*\{([^{}]*)\}', data[:MAX_LINE])
    return tuple(m.decode() for m in re.findall(rb'"([^"\\]*)"\s*:', match[1])) if match else ()


def parquet_names(path: Path) -> tuple[str, ...]:
    """Column names of a Parquet file.

    Raises
    ------
    DataError
        If it is damaged.
    """
    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return DataError(
        f"a damaged Parquet file ({reason})", where=str(path), expected="complete Parquet", todo="Download it again"
    )


def match_columns(columns: Sequence[str], aliases: Mapping[str, tuple[str, ...]], where: str) -> dict[str, str]:
    """Which header cell stands for each wanted column.

    Parameters
    ----------
    columns : sequence of str
        Header as written.
    aliases : dict of str to tuple of str
        For each wanted column, the plain names it goes by.
    where : str

    Returns
    -------
    dict of str to str
        Wanted column to header cell, for those present.

    Raises
    ------
    DataError
        If a header cell occurs twice, or two stand for the same column.
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    known = {alias: wanted for wanted, names in aliases.items() for alias in names}
    for cell in columns:
        name = plain(cell)
        wanted = known.get(name)
        if (name and name in seen) or wanted in found:
            raise DataError(f"column {shown(cell)} occurs twice", where=f"{where}, row 1", expected="each column once")
        seen.add(name)
        if wanted is not None:
            found[wanted] = cell
    return found


def all_columns(
    columns: Sequence[str], aliases: Mapping[str, tuple[str, ...]], where: str, *, expected: str, todo: str = ""
) -> dict[str, str]:
    """Which header cell stands for each wanted column, where none may be missing.

    Raises
    ------
    DataError
        As `match_columns`, and if a wanted column is missing; `expected` and `todo` are what the message says then.
    """
    found = match_columns(columns, aliases, where)
    missing = [w for w in aliases if w not in found]
    if missing:
        said = f"no column {aliases[missing[0]][0]} (header {shown(', '.join(columns))})"
        raise DataError(said, where=f"{where}, row 1", expected=expected, todo=todo)
    return found


def read_sheet(path: Path, text: dict[str, str], whole: Sequence[str] = ()) -> Sheet:
    """Read columns of a CSV, .csv.gz or Parquet file.

    Parameters
    ----------
    path : Path
    text : dict of str to str
        Name wanted -> header cell; read as stripped text.
    whole : sequence of str
        Header cells read as whole numbers.

    Raises
    ------
    DataError
        Naming file, row and column of the first cell that is not what the column promises.
    """
    if magic(path) == b"PAR1":
        return _from_parquet(path, text, whole)
    return sheet_of(text_of(path), str(path), text, whole)


def sheet_of(data: bytes, where: str, text: dict[str, str], whole: Sequence[str] = ()) -> Sheet:
    """The columns of CSV bytes; see `read_sheet`."""
    check_lines(data, where)
    header = header_of(data, where)
    table = _parse(data, where, header, list(text.values()), whole, as_numbers=True)
    numbers = None if table is None else [_integers(table.column(c)) for c in whole]
    if table is None:
        table = _parse(data, where, header, list(text.values()), whole, as_numbers=False)
        numbers = [_whole(table.column(c), where, c, 2) for c in whole]
    return _sheet(table, text, numbers or [], whole, where, 2)


def _parse(
    data: bytes, where: str, header: Sequence[str], text: list[str], whole: Sequence[str], *, as_numbers: bool
) -> Any:
    """Arrow table of the wanted columns, or None if a number does not convert (the slow pass then finds the cell)."""
    types = {c: pa.string() for c in text} | {c: pa.int64() if as_numbers else pa.string() for c in whole}
    convert = pacsv.ConvertOptions(include_columns=[*text, *whole], column_types=types, null_values=[])
    rows: list[Any] = []

    def refuse(row: Any) -> str:
        rows.append(row)
        return "error"

    parse = pacsv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=refuse)
    read = pacsv.ReadOptions(column_names=_unique(header), skip_rows=1, block_size=_CHUNK, use_threads=False)
    body = data.rstrip(b"\r\n \t") if data[-2:].isspace() else data
    if body.find(b"\n") in (-1, len(body) - 1):
        raise DataError("a header without rows", where=where, expected="at least one row under the header")
    try:
        return pacsv.read_csv(pa.BufferReader(body), read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        if as_numbers and not rows and "conversion error" in str(error):
            return None
        raise _bad_row(error, rows, where) from error


def _unique(header: Sequence[str]) -> list[str]:
    """Header cells made unique; a repeated or empty one is never asked for, `match_columns` has seen to that."""
    taken: set[str] = set()
    out = []
    for number, cell in enumerate(header):
        name = cell if cell and cell not in taken else f"\0{number}"
        taken.add(name)
        out.append(name)
    return out


def _bad_row(error: Exception, rows: Sequence[Any], where: str) -> DataError:
    if rows:
        row = rows[0]
        return DataError(
            f"{row.actual_columns} cells ({shown(row.text)})",
            where=f"{where}, row {row.number}",
            expected=f"{row.expected_columns}, as in the header",
        )
    return DataError(f"not a CSV table ({str(error).splitlines()[0][:120]})", where=where, expected="CSV in UTF-8")


def _from_parquet(path: Path, text: dict[str, str], whole: Sequence[str]) -> Sheet:
    where = str(path)
    wanted = [*text.values(), *whole]
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            if not 0 < file.metadata.num_rows <= MAX_ROWS:
                raise DataError(f"{file.metadata.num_rows} rows", where=where, expected=f"1 to {MAX_ROWS:,}")
            table = file.read(columns=wanted, use_threads=False)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise _damaged(path, error) from error
    numbers = [_whole(table.column(c), where, c, 1) for c in whole]
    return _sheet(table, text, numbers, whole, where, 1)


def _sheet(
    table: Any, text: dict[str, str], numbers: list[Whole], whole: Sequence[str], where: str, first: int
) -> Sheet:
    values = np.column_stack(numbers) if numbers else np.empty((table.num_rows, 0), dtype=np.int64)
    wrong = (values < 0) | (values > MAX_COUNT)
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise bad_count(str(values[i, j]), where, int(i) + first, whole[int(j)])
    columns = {name: _text(table.column(cell), where, cell) for name, cell in text.items()}
    return Sheet(text=columns, whole=values, rows=table.num_rows, first=first)


def _text(column: Any, where: str, name: str) -> Any:
    """One column as a stripped, dictionary-encoded string array; null becomes the empty text."""
    try:
        values = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        if not pa.types.is_dictionary(values.type):
            values = values.cast(pa.string()).dictionary_encode()
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        words = pc.utf8_trim_whitespace(values.dictionary.cast(pa.string()))
        words = words.fill_null("") if words.null_count else words
        indices = values.indices.cast(pa.int32())
        if indices.null_count:
            words, indices = pa.concat_arrays([words, pa.array([""])]), indices.fill_null(len(words))
        return pa.DictionaryArray.from_arrays(indices, words)
    except pa.ArrowException as error:
        raise DataError(f"a column of {column.type}", where=f"{where}, column {name}", expected="text") from error


def _whole(column: Any, where: str, name: str, first: int) -> Whole:
    """One column as whole numbers, whatever its type, or an error that names the first wrong row."""
    if pa.types.is_integer(column.type) and not column.null_count and not pa.types.is_uint64(column.type):
        return _integers(column).astype(np.int64)
    texts = ["" if v is None else str(v).strip() for v in column.to_pylist()]
    for number, cell in enumerate(texts):
        if not re.fullmatch(r"\d{1,12}(\.0*)?", cell):
            raise bad_count(cell, where, number + first, name)
    return np.array([int(cell.split(".")[0]) for cell in texts], dtype=np.int64)


def bad_count(cell: str, where: str, row: int, column: str) -> DataError:
    """The error for a cell that is not a count."""
    found = f"{shown(cell)} where a count belongs" if cell else "a blank where a count belongs"
    return DataError(
        found,
        where=f"{where}, row {row}, column {column}",
        expected=f"a whole number from 0 to {MAX_COUNT:,}",
        todo="Download the file again; do not fill or round counts by hand",
    )


def factor(column: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    """A text column as codes and the distinct values they point to, in order of first occurrence in the dictionary."""
    words: list[str] = column.dictionary.to_pylist()
    distinct = dict.fromkeys(words)
    place = {w: i for i, w in enumerate(distinct)}
    codes = np.array([place[w] for w in words], dtype=np.int64)[_integers(column.indices)]
    return codes, list(distinct)


def _integers(column: Any) -> Whole:
    """An integer column without nulls as an array; `to_numpy` would import pandas, which takes longer than reading."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values: Any = np.from_dlpack(array) if len(array) else np.empty(0, dtype=np.int64)
    return np.asarray(values)

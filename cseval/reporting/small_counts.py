"""Which columns of the outputs are counts, and the last look at finished files before they are written."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from cseval.disclosure import BEGIN, small_numbers, tells, without_small_counts
from cseval.errors import DataError

#: Columns of counts of incidents.
COUNTS = frozenset(
    "observed comparison before after unit_sum london_sum london elsewhere london_year elsewhere_year incidents".split()
)
#: Columns computed from such counts: where a count is withheld, so is what would give it back.
MADE_OF_COUNTS = frozenset(
    "estimate std_error conf_low conf_high percent_change percent_low percent_high band_low band_high "
    "shown_estimate shown_conf_low shown_conf_high shown_band_low shown_band_high counterfactual fitted low high "
    "averted averted_low averted_high cumulative cumulative_low cumulative_high change shift effect difference "
    "value cluster_std_error cluster_conf_low cluster_conf_high unit_index london_index london_share "
    "slope_per_month percent_a_year naive_low naive_high line_percent expected_percent_change funnel_low_95 "
    "funnel_high_95 funnel_low_998 funnel_high_998".split()
)
#: Columns of other numbers: of months, units, placebos and ranks, and measured rates. A column that is in none of these
#: three sets is taken for one of counts if it holds whole numbers.
NOT_COUNTS = frozenset(
    "event_time first_event_time last_event_time middle bin draw level months months_after months_before "
    "pre_periods post_periods transition buffer_rings target_power effect_percent units treated_units "
    "comparison_units placebos placebo_starts districts placebo_neighbourhoods distinct_neighbourhoods "
    "disjoint_neighbourhoods neighbourhoods number zero_months lag dose p_value p_adjusted p_holm cluster_p_value "
    "false_positive_rate false_positive_rate_matched false_positive_rate_selection cluster_false_positive_rate "
    "mc_error coverage bias power size size_error mde_fall mde_fall_error mde_rise mde_rise_error largest_fall "
    "largest_rise detectable_fall detectable_fall_error detectable_rise detectable_rise_error smallest_p "
    "match_factor selection_bias true_percent_change rate statistic rank rank_relative rank_low rank_high "
    "rank_absolute rank_absolute_low rank_absolute_high expected_rank probability_first weight from to lb_stat "
    "lb_pvalue dispersion autocorrelation autocorrelation_p placebo_low placebo_high paragraph".split()
)
#: What columns of counts are called in printed tables.
HEADINGS = frozenset(name.replace("_", " ").capitalize() for name in COUNTS)
_BLOCK = re.compile(r"</(?:p|li|td|th|dd|dt|h\d|caption|figcaption|title|desc|si|w:p|w:tc)>", re.IGNORECASE)
_WORDS_OF = re.compile(r'(?:alt|descr|aria-label)="([^"]*)"')
#: What may safely be counted in a sentence.
_SAFE = (
    "months?|years?|wards?|boroughs?|rings?|checks?|"
    "(?:(?:treated|comparison|placebo|other|separate)\\s+)?(?:units?|clusters?|neighbourhoods?|districts?)"
)
_TEXTS, _PACKAGES = (".md", ".html", ".svg", ".xml"), (".docx", ".xlsx")


def is_count(name: str, values: Iterable[float]) -> bool:
    """Whether a column of numbers holds counts: an unknown one does if all of them are whole and none is negative.

    Parameters
    ----------
    name : str
    values : iterable of float
        Its numbers; NaN where there is none.
    """
    if name in COUNTS or name in NOT_COUNTS or name in MADE_OF_COUNTS:
        return name in COUNTS
    known = [v for v in values if not math.isnan(v)]
    return bool(known) and all(v >= 0 and float(v).is_integer() for v in known)


def may_tell(text: str, threshold: int) -> bool:
    """Whether a text holds any number that may be a small count: all but per cents, decimals, months and the like."""
    figures, spoken = small_numbers(threshold)
    left = rf"(?![\w%]|[.,]\d|\s*%|\s+per cent|[\s-]+(?:{_SAFE})\b)"
    number = rf"{BEGIN}(?:{figures}|{spoken}|an?\s+(?:couple|pair|handful)|once|twice|thrice){left}"
    return tells(text, threshold) or re.search(number, text, re.IGNORECASE) is not None


def cleaned(text: str, threshold: int) -> str:
    """A text without each sentence that holds any number that may be a small count (`may_tell`)."""
    return without_small_counts(text, threshold, may_tell)


def require_no_small_counts(files: Mapping[str, bytes], threshold: int) -> None:
    """Refuse finished outputs that still show a small count.

    Raises
    ------
    DataError
        Naming the first place, so that nothing is written.
    """
    found = small_counts(files, threshold)
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise DataError(
            f"{found[0]}{more}",
            where="outputs of unpublished data",
            expected=f"no count from 1 to {threshold - 1}",
            todo="Nothing was written. Put it in other words if the evaluation's module says it; else leave out the "
            "check, claim or table that it belongs to",
        )


def small_counts(files: Mapping[str, bytes], threshold: int) -> tuple[str, ...]:
    """Where finished outputs show a count from 1 to one below the threshold.

    Parameters
    ----------
    files : mapping of str to bytes
        Outputs by path: CSV and JSON by their columns, pages, papers and drawings by their tables and their words.
    threshold : int

    Returns
    -------
    tuple of str
        A place for each, without the number itself.
    """
    return tuple(f"{path}, {place}" for path, content in files.items() for place in _places(path, content, threshold))


def _places(path: str, content: bytes, threshold: int) -> Iterator[str]:
    if path.endswith(".csv"):
        yield from _in_rows(list(csv.reader(io.StringIO(content.decode()))), threshold)
    elif path.endswith(".json"):
        yield from _in_json(json.loads(content), threshold, "")
    elif path.endswith(_TEXTS):
        yield from _in_text(content.decode(), threshold)
    elif path.endswith(_PACKAGES):
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            for name in package.namelist():
                if name.endswith(".xml"):
                    yield from _in_text(package.read(name).decode(), threshold)


def _in_rows(rows: Sequence[Sequence[str]], threshold: int) -> Iterator[str]:
    """Small counts of a CSV file, and sentences in its cells that tell one."""
    for at, name in enumerate(rows[0] if rows else ()):
        cells = [row[at] for row in rows[1:]]
        numbers = [_number(cell) for cell in cells]
        counted = is_count(name, numbers) and all(
            math.isfinite(v) or c in ("", "[c]") for v, c in zip(numbers, cells, strict=True)
        )
        for number, (cell, value) in enumerate(zip(cells, numbers, strict=True), start=2):
            if (counted or name in COUNTS) and _is_small(value, threshold):
                yield f"row {number}, column {name}"
            elif tells(cell, threshold):
                yield f"row {number}, column {name}, in words"


def _in_json(content: Any, threshold: int, place: str) -> Iterator[str]:
    """Small counts of JSON data: fields named like columns of counts, printed tables, and words."""
    if isinstance(content, dict):
        if {"headings", "rows"} <= content.keys():
            yield from _in_printed(content["headings"], content["rows"], threshold)
        for name, value in content.items():
            text = str(value).split(" (")[0] if isinstance(value, (str, int, float)) else ""
            if name in COUNTS and _is_small(_number(text), threshold):
                yield f"{place}/{name}"
            yield from _in_json(value, threshold, f"{place}/{name}")
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _in_json(value, threshold, f"{place}/{number}")
    elif isinstance(content, str) and tells(content, threshold):
        yield f"{place}, in words"


def _in_text(text: str, threshold: int) -> Iterator[str]:
    """Small counts of a page, a paper or a drawing: in printed tables, in sentences, in alternative texts."""
    tables = _Tables()
    if "<table" in text:
        tables.feed(text)
    for rows in filter(None, (*tables.found, *_markdown_tables(text))):
        yield from _in_printed(rows[0], rows[1:], threshold)
    plain = re.sub(r"<[^>]*>", "", _BLOCK.sub("\n", text))
    for line in (*plain.split("\n"), *_WORDS_OF.findall(text)):
        if tells(line, threshold):
            yield f"in words: {re.sub('[0-9]', '#', line.strip())[:80]}"


def _in_printed(headings: Sequence[str], rows: Sequence[Sequence[str]], threshold: int) -> Iterator[str]:
    for at, heading in enumerate(headings):
        if heading in HEADINGS:
            small = [n for n, r in enumerate(rows, start=1) if at < len(r) and _is_small(_number(r[at]), threshold)]
            yield from (f"a printed table, row {n}, column {heading}" for n in small)


def _markdown_tables(text: str) -> Iterator[list[list[str]]]:
    rows: list[list[str]] = []
    for line in (*text.split("\n"), ""):
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
        elif rows:
            yield rows
            rows = []


class _Tables(HTMLParser):
    """The tables of a page, as rows of text cells."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[list[str]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell."""
        if tag == "table":
            self.found.append([])
        elif tag == "tr" and self.found:
            self.found[-1].append([])
        elif tag in ("td", "th") and self.found and self.found[-1]:
            self.found[-1][-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, data: str) -> None:
        """Add to the cell that is open."""
        if self._inside:
            self.found[-1][-1][-1] = (self.found[-1][-1][-1] + data).strip()


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return math.nan


def _is_small(value: float, threshold: int) -> bool:
    """Whether a number is a small count; one that is not whole is none."""
    return 0 < value < threshold and value.is_integer()

"""What can be seen in a file's columns, by looking at every cell: the facts that `roles` decides by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_prep.database import Database, quoted_name, quoted_text, refuse_rejected, text_rows
from data_prep.errors import DatabaseError, DataError
from data_prep.sources.tables import ISO, MILLISECONDS, SECONDS, TextTable, is_parquet
from data_prep.sources.text_files import header

SEPARATORS = ("|", ";", ",")
"""That cells with several values may use."""
FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%d-%m-%Y", "%Y%m%d",
    "%d %b %Y", "%b %d, %Y",
)  # fmt: skip
"""Ways to write a moment besides ISO 8601, the first that fits is taken."""
_EARLIEST, _LATEST = 315_532_800, 4_102_444_800
"""1980 and 2100: a whole number between them may be Unix seconds."""
_SHOWN = 3
_TRIED = 20_000
"""Rows on which formats of moments are tried; a later cell that does not fit is found when the data are prepared."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a file, over all its rows."""

    name: str
    rows: int
    filled: int
    """Cells that are not empty."""
    distinct: int
    """Different values."""
    longest: int
    """Characters."""
    mean_length: float
    whole: bool
    """Every filled cell is a whole number."""
    numeric: bool
    """Every filled cell is a number."""
    comma: bool
    """Numbers are written with a decimal comma (then `numeric` holds for them)."""
    moment: str | None
    """How moments are written (`tables.TextTable.time`), if every filled cell is one."""
    separator: str | None
    """What separates several values of a cell, if cells share their parts."""
    leading_zeros: bool
    """Whole numbers, some of which begin with 0: codes, not quantities."""
    examples: tuple[str, ...] = field(default=())

    @property
    def nullable(self) -> bool:
        return self.filled < self.rows

    @property
    def share_distinct(self) -> float:
        return self.distinct / max(self.filled, 1)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A file, and what it holds."""

    path: Path
    delimiter: str
    table: str
    """Name of the table of text in the database."""
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """DataError if there is none of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError.of(
            self.path, f"has no column {name!r}", hint=f"There are: {', '.join(c.name for c in self.columns)}"
        )


def look(database: Database, path: Path, *, table: str) -> Looked:
    """Reads the file as text into `table` and describes every column; DataError if it cannot be read."""
    delimiter = "," if is_parquet(path) else _delimiter(database, path)
    names = header(path, delimiter)
    source = TextTable(
        path=path, names=tuple(names), delimiter=delimiter, header=True, quoted=True, columns={n: n for n in names}
    )
    try:
        database.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {text_rows(database, source)}")
    except DatabaseError as error:
        raise DataError.of(path, f"cannot be read: {error}") from None
    refuse_rejected(database, source)
    return Looked(
        path=path, delimiter=delimiter, table=table, columns=tuple(_column(database, table, name) for name in names)
    )


def _delimiter(database: Database, path: Path) -> str:
    """As DuckDB finds it; a file of one column, or none that fits, is read with a comma."""
    header(path, ",")  # says what is wrong with a file that cannot be opened
    try:
        row = database.execute(
            f"SELECT Delimiter FROM sniff_csv({quoted_text(str(path))}, sample_size=5000)"
        ).fetchone()
    except DatabaseError:
        return ","
    return str(row[0]) if row and len(row[0]) == 1 else ","


def _column(database: Database, table: str, name: str) -> Column:
    cell = f"nullif(trim({quoted_name(name)}), '')"
    number = f"TRY_CAST(replace(replace({cell}, '.', ''), ',', '.') AS DOUBLE)"
    formats = {f"f{k}": form for k, form in enumerate(FORMATS)}
    wanted = {
        "rows": "count(*)",
        "filled": f"count({cell})",
        "distinct": f"count(DISTINCT {cell})",
        "longest": f"coalesce(max(length({cell})), 0)",
        "mean_length": f"coalesce(avg(length({cell})), 0)",
        "whole": f"coalesce(bool_and(regexp_full_match({cell}, '[+-]?[0-9]{{1,18}}')), false)",
        "points": f"coalesce(bool_and(isfinite(TRY_CAST({cell} AS DOUBLE))), false)",
        "commas": f"coalesce(bool_and(regexp_full_match({cell}, '[+-]?[0-9.]*(,[0-9]+)?') AND {number} IS NOT NULL),"
        " false)",
        "zeros": f"coalesce(bool_or(regexp_full_match({cell}, '0[0-9]+')), false)",
        "low": f"min(TRY_CAST({cell} AS BIGINT))",
        "high": f"max(TRY_CAST({cell} AS BIGINT))",
        "iso": f"coalesce(bool_and(regexp_matches({cell}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
        f" AND TRY_CAST({cell} AS TIMESTAMP) IS NOT NULL), false)",
    }
    found = _record(database, _selected(wanted), table)
    tried = {
        key: f"coalesce(bool_and(TRY_STRPTIME({cell}, {quoted_text(form)}) IS NOT NULL), false)"
        for key, form in formats.items()
    }
    found |= _record(database, _selected(tried), f"(SELECT * FROM {table} LIMIT {_TRIED})")
    examples = database.execute(
        f"SELECT {cell} AS v FROM {table} WHERE {cell} IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v LIMIT {_SHOWN}"
    ).fetchall()
    filled = bool(found["filled"])
    numeric = filled and bool(found["points"] or found["commas"])
    return Column(
        name=name,
        **{key: int(found[key]) for key in ("rows", "filled", "distinct", "longest")},
        mean_length=float(found["mean_length"]),
        whole=filled and bool(found["whole"]),
        numeric=numeric,
        comma=numeric and not found["points"],
        moment=_moment(found, formats) if filled else None,
        separator=None if numeric else _separator(database, table, cell, int(found["distinct"])),
        leading_zeros=bool(found["whole"] and found["zeros"]),
        examples=tuple(str(row[0])[:40] for row in examples),
    )


def _selected(wanted: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {quoted_name(key)}" for key, sql in wanted.items())


def _record(database: Database, selected: str, table: str) -> dict[str, Any]:
    result = database.execute(f"SELECT {selected} FROM {table}")
    names = [entry[0] for entry in result.description]
    return dict(zip(names, result.fetchone() or (), strict=True))


def _moment(found: dict[str, Any], formats: dict[str, str]) -> str | None:
    if found["whole"]:
        low, high = found["low"], found["high"]
        if low is not None and low >= _EARLIEST and high < _LATEST:
            return SECONDS
        if low is not None and low >= 1000 * _EARLIEST and high < 1000 * _LATEST:
            return MILLISECONDS
    if found["iso"]:
        return ISO
    return next(
        (form for key, form in formats.items() if found[key] and not (found["whole"] and form != "%Y%m%d")), None
    )


def _separator(database: Database, table: str, cell: str, distinct: int) -> str | None:
    """The sign at which many cells fall into parts that other cells have, too."""
    best: tuple[float, str] | None = None
    for sign in SEPARATORS:
        row: Sequence[Any] = database.execute(
            f"WITH cells AS (SELECT DISTINCT {cell} AS v FROM {table} WHERE {cell} IS NOT NULL),"
            f" parts AS (SELECT trim(unnest(string_split(v, {quoted_text(sign)}))) AS part FROM cells)"
            f" SELECT (SELECT avg(CAST(contains(v, {quoted_text(sign)}) AS INTEGER)) FROM cells),"
            " count(*), count(DISTINCT part), max(length(part)) FROM parts"
        ).fetchone() or (0, 0, 0, 0)
        several, parts, different, longest = (float(value or 0) for value in row)
        shared = different / max(parts, 1)
        if (
            several > 0.1
            and different < distinct
            and shared < 0.5
            and longest <= 60
            and (best is None or shared < best[0])
        ):
            best = (shared, sign)
    return best[1] if best else None

"""The embedded database that holds what grows: opened with a memory limit, spilling to disk, gone afterwards.

It reads delimited text in parallel and types it; rows keep their order, and a row's number leads back to its line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Self

import duckdb
import ibis

from data_prep.errors import DatabaseError, DataError, NoRoom
from data_prep.sources.tables import (
    ISO,
    MILLISECONDS,
    SECONDS,
    FrameTable,
    Table,
    TextTable,
    is_parquet,
    moment_format,
    open_bytes,
)
from experiments.config import Column
from experiments.load import Finding

MEMORY_LIMIT = "900MB"
"""For the database's own buffers: the whole process stays below 1.5 GB."""
ROW = "_row"
"""Number of a row in its source, from 0: the order that ties keep."""
KEPT = "_kept"
"""Column of a source's minimum (`Minimum.column`), as a number."""
REJECTS = 1000
"""So many malformed rows are looked at; the first few are reported."""
SHOWN = 5

_FULL = ("No space left on device", "File too large", "Disk quota exceeded", "max_temp_directory_size")
"""What DuckDB passes on from the system, or says itself, when it cannot write any more."""
_TYPES = {"string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE"}
IBIS_TYPES = {
    "string": "string",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "boolean": "boolean",
}
_TRUE, _FALSE = "'true', 't', 'yes', '1'", "'false', 'f', 'no', '0'"


Opened = Callable[[Path], IO[bytes]]
"""Opens a source's file, unpacked."""


class Database:
    """DuckDB in a working folder. Queries are Ibis expressions over `ibis.table(…)`, compiled to its SQL."""

    def __init__(self, work: Path) -> None:
        options = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(work / "spill"),
            "preserve_insertion_order": True,
        }
        self._work = work
        self._connection = duckdb.connect(str(work / "work.duckdb"), config=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Runs a statement; NoRoom if the disk is full, DatabaseError if it cannot be run."""
        try:
            return self._connection.execute(sql)
        except duckdb.Error as error:
            if not any(said in str(error) for said in _FULL):
                raise DatabaseError(str(error).splitlines()[0]) from None
            raise NoRoom(
                f"{self._work.parent}: no room to work in. The preparation needs about three times the size of the data"
                " on one disk, for a while: free some, or put --out (or the environment's TMPDIR) on a larger one"
            ) from None
        except RuntimeError as error:
            if "interrupted" in str(error).lower():  # how DuckDB reports Ctrl-C
                raise KeyboardInterrupt from None
            raise

    def register(self, name: str, rows: Any) -> None:
        """Makes a pandas frame or Arrow table readable under that name."""
        self._connection.register(name, rows)

    def records(self, table: ibis.Table) -> list[dict[str, Any]]:
        """The rows of a (small) result."""
        result = self.execute(_sql(table))
        names = [entry[0] for entry in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def number(self, scalar: Any) -> int:
        """An Ibis scalar; the sum of no rows is 0."""
        (row,) = self.records(scalar.as_table())
        return int(next(iter(row.values())) or 0)

    def create(self, name: str, table: ibis.Table) -> ibis.Table:
        """Stores a result, in its order, as a table of that name; whoever reads it alone gets that order again."""
        self.execute(f"CREATE OR REPLACE TABLE {quoted_name(name)} AS {_sql(table)}")
        return ibis.table(table.schema(), name=name)

    def ingest(self, name: str, source: Table, columns: Sequence[Column]) -> ibis.Table:
        """The function `ingest`, for whoever knows only the database."""
        return ingest(self, name, source, columns)

    def line_numbers(self, source: Table, rows: Iterable[int]) -> list[int]:
        """The function `line_numbers`, of the file as this engine finds it."""
        return line_numbers(source, rows)

    def write_csv(self, table: ibis.Table, path: Path, columns: Sequence[str]) -> int:
        """Writes these columns of a result with a header, in its order; returns the number of rows."""
        result = self.execute(f"COPY ({_sql(table.select(*columns))}) TO {quoted_text(str(path))} (HEADER)")
        (rows,) = result.fetchone() or (0,)
        return int(rows)


def bad(column: str) -> str:
    """Name of the flag that tells whether a cell holds text that is not of the column's type."""
    return f"_bad_{column}"


def ingest(database: Database, name: str, source: Table, columns: Sequence[Column]) -> ibis.Table:
    """The source's rows, typed, as the table `name`: the schema's columns, a flag `bad(column)` each, and `ROW`.

    Malformed rows (wrong number of fields, not UTF-8) raise DataError with their lines.
    """
    rows = text_rows(database, source)
    database.execute(f"CREATE OR REPLACE TABLE {quoted_name(name)} AS SELECT {_selected(source, columns)} FROM {rows}")
    if isinstance(source, TextTable):
        refuse_rejected(database, source)
    types = {column.name: IBIS_TYPES[column.type] for column in columns}
    types |= {bad(column.name): "boolean" for column in columns}
    if isinstance(source, TextTable) and source.minimum:
        types[KEPT] = "float64"
    table = ibis.table(types, name=name)
    return table.mutate(**{ROW: table.rowid()})


def line_numbers(source: Table, rows: Iterable[int], opened: Opened = open_bytes) -> list[int]:
    """Lines in the source's file of the rows with these numbers; reads the file no further than the last of them."""
    wanted = sorted(set(rows))
    if isinstance(source, FrameTable):
        return [source.lines[row] if source.lines else row + 1 for row in wanted]
    if is_parquet(source.path):
        return [row + 1 for row in wanted]
    found: list[int] = []
    for row, line in enumerate(_record_lines(source, opened)):
        if len(found) == len(wanted):
            break
        if row == wanted[len(found)]:
            found.append(line)
    return found


def _record_lines(source: TextTable, opened: Opened) -> Iterator[int]:
    """The line on which each record begins; the database skips empty lines, so they are no records."""
    with io.TextIOWrapper(opened(source.path), encoding="utf-8", errors="replace", newline="") as stream:
        skipped = not source.header
        if not source.quoted:
            for number, text in enumerate(stream, 1):
                if not skipped:
                    skipped = True
                elif text.rstrip("\r\n"):
                    yield number
            return
        reader = csv.reader(stream, delimiter=source.delimiter)
        begins = 1
        for record in reader:
            if record and skipped:
                yield begins
            skipped = skipped or bool(record)
            begins = reader.line_num + 1


def text_rows(database: Database, source: Table) -> str:
    """SQL of the untyped rows: every column of the source as text."""
    if isinstance(source, FrameTable):
        database.register("_frame", source.frame)
        return "_frame"
    if is_parquet(source.path):
        return f"(SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet({quoted_text(str(source.path))}))"
    quote = '"' if source.quoted else ""
    columns = ", ".join(f"{quoted_text(name)}: 'VARCHAR'" for name in source.names)
    return (
        f"read_csv({quoted_text(str(source.path))}, header={source.header}, delim={quoted_text(source.delimiter)},"
        f" quote={quoted_text(quote)}, escape={quoted_text(quote)}, auto_detect=false, strict_mode=true,"
        f" columns={{{columns}}}, store_rejects=true, rejects_limit={REJECTS})"
    )


def _selected(source: Table, columns: Sequence[Column]) -> str:
    made = []
    for column in columns:
        text = quoted_name(source.columns[column.name] if isinstance(source, TextTable) else column.name)
        typed = _typed(text, column, source)
        made.append(f"{typed} AS {quoted_name(column.name)}")
        flag = "false" if column.type == "string" else f"{text} IS NOT NULL AND {typed} IS NULL"
        made.append(f"({flag}) AS {quoted_name(bad(column.name))}")
    if isinstance(source, TextTable) and source.minimum:
        made.append(f"TRY_CAST({quoted_name(source.minimum.column)} AS DOUBLE) AS {quoted_name(KEPT)}")
    return ", ".join(made)


def _typed(text: str, column: Column, source: Table) -> str:
    """SQL of a cell's value; NULL where the text is empty or not of the type. Strict: 3.7 is no whole number."""
    lists = source.lists if isinstance(source, TextTable) else {}
    if column.name in lists:
        separator = quoted_text(rf"\s*{re.escape(lists[column.name])}\s*")
        return f"nullif(trim(regexp_replace({text}, {separator}, '|', 'g'), ' |'), '')"
    if column.type == "string":
        return f"nullif({text}, '')"
    if column.type == "boolean":
        return f"CASE WHEN lower({text}) IN ({_TRUE}) THEN true WHEN lower({text}) IN ({_FALSE}) THEN false END"
    time = moment_format(source, column.name)
    if time not in {SECONDS, MILLISECONDS}:
        moment = _iso(text) if time == ISO else f"epoch(TRY_STRPTIME({text}, {quoted_text(time)}))"
        return f"CAST(floor({moment}) AS BIGINT)"
    if column.type in {"int", "long"}:
        whole = f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN TRY_CAST({text} AS {_TYPES[column.type]}) END"
        return f"({whole}) // 1000" if time == MILLISECONDS else whole
    if isinstance(source, TextTable) and source.decimal == ",":
        text = f"replace(replace({text}, '.', ''), ',', '.')"
    return f"TRY_CAST({text} AS {_TYPES[column.type]})"


def _iso(text: str) -> str:
    """SQL of the moment in UTC: a plain TIMESTAMP would read 10:00+02:00 as 10:00."""
    zoned = r"':[0-9]{2}([.,][0-9]+)?\s*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$'"
    plain = f"epoch(TRY_CAST({text} AS TIMESTAMP))"
    return f"CASE WHEN regexp_matches({text}, {zoned}) THEN epoch(TRY_CAST({text} AS TIMESTAMPTZ)) ELSE {plain} END"


def refuse_rejected(database: Database, source: TextTable) -> None:
    """DataError with the lines of the rows that the last read of `text_rows` could not take."""
    if is_parquet(source.path):
        return
    rows = database.execute(
        "SELECT line, error_type, min(error_message), min(column_name) FROM reject_errors"
        " WHERE scan_id = (SELECT max(scan_id) FROM reject_scans) GROUP BY ALL ORDER BY line"
    ).fetchall()
    if not rows:
        return
    findings = [
        Finding(
            file=source.path,
            line=int(line),
            field="",
            problem=_malformed(kind, message, source),
            hint=_MEND.get(kind, ""),
        )
        for line, kind, message, _ in rows[:SHOWN]
    ]
    if len(rows) > SHOWN:
        more = f"{len(rows) - SHOWN}{' or more' if len(rows) >= REJECTS else ''} further malformed rows"
        findings.append(Finding(file=source.path, line=None, field="", problem=more))
    raise DataError(findings)


_MEND = {
    "INVALID ENCODING": "Save the file with the encoding UTF-8",
    "UNQUOTED VALUE": "A field that begins with a quote must end with one",
}


def _malformed(kind: str, message: str, source: TextTable) -> str:
    if kind in {"MISSING COLUMNS", "TOO MANY COLUMNS"}:
        found = re.search(r"Found: (\d+)", message)
        return f"has {found[1] if found else 'a wrong number of'} fields; expected {len(source.names)}"
    if kind == "INVALID ENCODING":
        return "is not UTF-8"
    return message.splitlines()[0] if message else kind.lower()


def _sql(table: ibis.Table) -> str:
    return str(ibis.to_sql(table, dialect="duckdb"))


def quoted_name(text: str) -> str:
    """A name for SQL."""
    return '"' + text.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"

"""The preparation on Spark, for data that one machine cannot hold: the same Ibis expressions, compiled for PySpark.

Only what Ibis does not express is here: reading text into typed rows, keeping results, and writing one CSV. Results
are kept as Parquet below `scratch`, which all of Spark's workers must reach; the written parts are put together in
the working folder of the driver, so files, digests and version equal those of `data_prep.database` (numbers that
need an exponent are spelled as Spark does).
Not here: moments in a strptime format, which Spark's patterns do not cover; they are refused.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import ibis
import pyarrow as pa
from ibis.config import Config
from pyarrow import parquet
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from data_prep.database import (
    IBIS_TYPES,
    KEPT,
    REJECTS,
    ROW,
    SHOWN,
    Database,
    Opened,
    bad,
    line_numbers,
)
from data_prep.errors import DataError
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

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.csv.parser.columnPruning.enabled": "false",  # else a row with too few fields goes unnoticed
}


class _CompilerOptions(Config):  # type: ignore[misc]
    """What Ibis' compiler asks for where there are numbers. Its own come with its connection to Spark, which needs
    more of Spark than we do."""

    treat_nan_as_null: bool = False


_TYPES = {"string": "STRING", "int": "INT", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE"}
_CORRUPT = "_corrupt"
_ID = "_id"
_PARTITION_BITS = 33
"""`monotonically_increasing_id` is the partition's number shifted by so much, plus the row's within it."""

Locate = Callable[[Path], str]
"""From a source's file, as the driver sees it, to the address that Spark's workers read."""


class SparkDatabase(Database):
    """A Spark session with a scratch folder (any address Spark writes), in the place of the embedded database."""

    def __init__(
        self,
        session: SparkSession,
        work: Path,
        *,
        scratch: str,
        locate: Locate = str,
        opened: Opened = open_bytes,
    ) -> None:
        self._spark, self._work = session, work
        self._scratch, self._locate, self._opened = scratch.rstrip("/"), locate, opened
        ibis.options.pyspark = ibis.options.pyspark or _CompilerOptions()
        for name, value in SETTINGS.items():
            session.conf.set(name, value)

    def __exit__(self, *_: object) -> None:
        path = self._path(self._scratch)
        path.getFileSystem(self._hadoop()).delete(path, True)

    def __enter__(self) -> Self:
        return self

    def records(self, table: ibis.Table) -> list[dict[str, Any]]:
        return [row.asDict() for row in self._frame(table).collect()]

    def create(self, name: str, table: ibis.Table) -> ibis.Table:
        """Stores a result as a view of that name; its order is that of `ROW`, where it is asked for."""
        self._keep(name, self._frame(table))
        return ibis.table(table.schema(), name=name)

    def line_numbers(self, source: Table, rows: Iterable[int]) -> list[int]:
        return line_numbers(source, rows, self._opened)

    def write_csv(self, table: ibis.Table, path: Path, columns: Sequence[str]) -> int:
        """As `Database.write_csv`; rows in the order of `ROW`, or of the expression where it has none."""
        frame = self._frame(table)
        if ROW in table.columns:
            frame = frame.orderBy(ROW)
        parts = f"{self._scratch}/csv-{path.stem}"
        options = {"escape": '"', "emptyValue": "", "nullValue": ""}
        spaces = {"ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}
        # Counted on the way: a count of its own would compute everything again.
        written = Observation()
        counted = frame.select(*map(_name, columns)).observe(written, F.count(F.lit(1)).alias("rows"))
        counted.write.mode("overwrite").options(**options, **spaces).csv(parts)
        self._join(parts, path, columns)
        return int(written.get["rows"])

    def ingest(self, name: str, source: Table, columns: Sequence[Column]) -> ibis.Table:
        """As `data_prep.database.ingest`."""
        raw = f"text_{name}"
        self._keep(raw, self._text(source).withColumn(_ID, F.monotonically_increasing_id()))
        numbered = self._numbered(self._spark.table(raw))
        if _CORRUPT in numbered.columns:
            self._refuse(numbered, source)
        selected = [*_selected(source, columns), f"{ROW} AS {_name(ROW)}"]
        self._keep(name, numbered.selectExpr(*selected))
        types = {column.name: IBIS_TYPES[column.type] for column in columns}
        types |= {bad(column.name): "boolean" for column in columns}
        if isinstance(source, TextTable) and source.minimum:
            types[KEPT] = "float64"
        return ibis.table(types | {ROW: "int64"}, name=name)

    def _frame(self, table: ibis.Table) -> DataFrame:
        return self._spark.sql(str(ibis.to_sql(table, dialect="pyspark")))

    def _keep(self, name: str, frame: DataFrame) -> None:
        target = f"{self._scratch}/{name}"
        frame.write.mode("overwrite").parquet(target)
        self._spark.read.schema(frame.schema).parquet(target).createOrReplaceTempView(name)

    def _text(self, source: Table) -> DataFrame:
        """Every column of the source as text, in the order of the file."""
        if isinstance(source, FrameTable):
            names = list(source.frame.columns)
            schema = pa.schema([(name, pa.string()) for name in names])
            local, target = self._work / "frame.parquet", f"{self._scratch}/frame.parquet"
            parquet.write_table(pa.Table.from_pandas(source.frame, schema=schema, preserve_index=False), local)
            # Not createDataFrame: it starts Python on the workers, which takes longer than all the rest.
            target_path = self._path(target)
            target_path.getFileSystem(self._hadoop()).copyFromLocalFile(
                True, True, self._path(local.as_uri()), target_path
            )
            return self._spark.read.parquet(target)
        address = self._locate(source.path)
        if is_parquet(source.path):
            frame = self._spark.read.parquet(address)
            return frame.select(*(F.col(_name(n)).cast("string").alias(n) for n in frame.columns))
        schema = ", ".join(f"{_name(n)} STRING" for n in (*source.names, _CORRUPT))
        reader = self._spark.read.schema(schema).option("header", source.header).option("sep", source.delimiter)
        reader = reader.option("columnNameOfCorruptRecord", _CORRUPT).option("mode", "PERMISSIVE")
        reader = reader.option("quote", '"' if source.quoted else "").option("escape", '"' if source.quoted else "\0")
        lines = self._spark.read.text(address)
        # A quote that is open at the end of a line: a field holds a line break, so the file cannot be cut at lines.
        odd = "length(value) - length(replace(value, '\"', ''))"
        several = source.quoted and bool(lines.where(f"({odd}) % 2 = 1").limit(1).collect())
        return reader.option("multiLine", several).csv(address)

    def _numbered(self, frame: DataFrame) -> DataFrame:
        """The rows with `ROW`: each partition's rows follow those of the partitions before it."""
        part = f"shiftright({_ID}, {_PARTITION_BITS})"
        counts = sorted((r[0], r[1]) for r in frame.groupBy(F.expr(part)).count().collect())
        offsets, before = [], 0
        for number, rows in counts:
            offsets.append((number, before - (number << _PARTITION_BITS)))
            before += rows
        values = ", ".join(f"({number}L, {start}L)" for number, start in offsets) or "(0L, 0L)"
        starts = self._spark.sql(f"SELECT * FROM VALUES {values} AS starts(_part, _start)")
        joined = frame.join(F.broadcast(starts), F.expr(f"{part} = _part"))
        return joined.withColumn(ROW, F.expr(f"{_ID} + _start")).drop(_ID, "_part", "_start")

    def _refuse(self, rows: DataFrame, source: Table) -> None:
        """DataError with the lines of the rows that have a wrong number of fields or are not UTF-8."""
        if not isinstance(source, TextTable):
            return
        undecoded = " OR ".join(f"{_name(n)} LIKE '%\ufffd%'" for n in source.names)
        broken = rows.where(f"{_CORRUPT} IS NOT NULL OR {undecoded}").orderBy(ROW).limit(REJECTS).collect()
        if not broken:
            return
        lines = self.line_numbers(source, [row[ROW] for row in broken[:SHOWN]])
        findings = []
        for row, line in zip(broken, lines, strict=False):
            problem, hint = "is not UTF-8", "Save the file with the encoding UTF-8"
            if row[_CORRUPT] is not None and "\ufffd" not in row[_CORRUPT]:
                problem, hint = f"has {_fields(row[_CORRUPT], source)} fields; expected {len(source.names)}", ""
            findings.append(Finding(file=source.path, line=line, field="", problem=problem, hint=hint))
        if len(broken) > SHOWN:
            more = f"{len(broken) - SHOWN}{' or more' if len(broken) >= REJECTS else ''} further malformed rows"
            findings.append(Finding(file=source.path, line=None, field="", problem=more))
        raise DataError(findings)

    def _join(self, parts: str, path: Path, columns: Sequence[str]) -> None:
        """One file from Spark's parts, in their order, below one header."""
        folder = self._path(parts)
        system = folder.getFileSystem(self._hadoop())
        found = sorted(str(entry.getPath()) for entry in system.listStatus(folder) if "/part-" in str(entry.getPath()))
        local = path.with_suffix(".part")
        with path.open("wb") as stream:
            header = io.StringIO()
            csv.writer(header, lineterminator="\n").writerow(columns)
            stream.write(header.getvalue().encode())
            for entry in found:
                system.copyToLocalFile(False, self._path(entry), self._path(local.as_uri()), True)
                with local.open("rb") as part:
                    shutil.copyfileobj(part, stream)
                local.unlink()
        system.delete(folder, True)

    def _path(self, address: str) -> Any:
        return self._spark._jvm.org.apache.hadoop.fs.Path(address)

    def _hadoop(self) -> Any:
        return self._spark._jsc.hadoopConfiguration()


def _fields(record: str, source: TextTable) -> int:
    if not source.quoted or len(source.delimiter) > 1:
        return len(record.split(source.delimiter))
    return len(next(csv.reader([record], delimiter=source.delimiter)))


def _selected(source: Table, columns: Sequence[Column]) -> list[str]:
    made = []
    for column in columns:
        text = _name(source.columns[column.name] if isinstance(source, TextTable) else column.name)
        typed = _typed(text, column, source)
        made.append(f"{typed} AS {_name(column.name)}")
        flag = "false" if column.type == "string" else f"({text} IS NOT NULL AND ({typed}) IS NULL)"
        made.append(f"{flag} AS {_name(bad(column.name))}")
    if isinstance(source, TextTable) and source.minimum:
        made.append(f"{_real(_name(source.minimum.column), 'DOUBLE')} AS {_name(KEPT)}")
    return made


def _typed(text: str, column: Column, source: Table) -> str:
    """As `data_prep.database` types a cell: NULL where the text is empty or not of the type."""
    lists = source.lists if isinstance(source, TextTable) else {}
    if column.name in lists:
        separator = _text(rf"\s*{re.escape(lists[column.name])}\s*")
        return f"nullif(trim(BOTH ' |' FROM regexp_replace({text}, {separator}, '|')), '')"
    if column.type == "string":
        return f"nullif({text}, '')"
    if column.type == "boolean":
        yes, no = "'true', 't', 'yes', '1'", "'false', 'f', 'no', '0'"
        return f"CASE WHEN lower({text}) IN ({yes}) THEN true WHEN lower({text}) IN ({no}) THEN false END"
    time = moment_format(source, column.name)
    if time == ISO:
        moment = f"unix_timestamp(TRY_CAST({text} AS TIMESTAMP))"
        return f"CASE WHEN {text} RLIKE '^[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}' THEN {moment} END"
    if time not in {SECONDS, MILLISECONDS}:
        hint = "Write the moments as ISO 8601 (`timestamp: iso`) or in seconds, or prepare the data without Spark"
        raise DataError.of(source.path, f"on Spark, times cannot be written as {time!r}", field=column.name, hint=hint)
    if column.type in {"int", "long"}:
        whole = rf"CASE WHEN {text} RLIKE '^[+-]?[0-9]+\z' THEN TRY_CAST({text} AS {_TYPES[column.type]}) END"
        return f"CAST(floor(({whole}) / 1000) AS BIGINT)" if time == MILLISECONDS else whole
    if isinstance(source, TextTable) and source.decimal == ",":
        text = f"replace(replace({text}, '.', ''), ',', '.')"
    return _real(text, _TYPES[column.type])


def _real(text: str, kind: str) -> str:
    """Java also takes 1.5f and 1.5d for numbers: these are none."""
    return f"CASE WHEN NOT {text} RLIKE '[0-9.][dDfF] *$' THEN TRY_CAST({text} AS {kind}) END"


def _name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def _text(text: str) -> str:
    if "'" in text:
        return "concat(" + ', "\'", '.join(f"'{part}'" for part in text.split("'")) + ")"
    return f"'{text}'"

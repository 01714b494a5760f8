"""CSV files to one validated table: the schema's columns with their types, or the first thing that is wrong.

Every column is read as text by Arrow and checked as a whole column; only when something is wrong is the line looked
for. So a million rows take about a second, and an error still names file and line.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine.avro import Column, Schema
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.s3 import Fetched
from personalize_engine.serving.imported import ARROW

_PATTERNS = {
    "int": r"^[+-]?[0-9]{1,10}$",
    "long": r"^[+-]?[0-9]{1,19}$",
    "float": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$",
    "double": r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$",
    "boolean": r"^([tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$",
}
_IDS = (fields.USER_ID, fields.ITEM_ID)


def read(files: Sequence[Fetched], schema: Schema) -> Any:
    """All files as one pyarrow.Table with the schema's columns in its order; JobFailed names file, line and column."""
    table = pa.concat_tables([_read_file(file, schema) for file in files])
    if table.num_rows == 0:
        raise JobFailed("The data has no rows.")
    if schema.kind is DatasetKind.INTERACTIONS and table.num_rows < fields.MIN_INTERACTIONS:
        raise JobFailed(
            f"Interactions data has {table.num_rows} records; at least {fields.MIN_INTERACTIONS} are needed."
        )
    return table


def _read_file(file: Fetched, schema: Schema) -> Any:
    header = _header(file)
    wanted = [column.name for column in schema.columns]
    if missing := [name for name in wanted if name not in header]:
        raise JobFailed(f"Input csv is missing the following columns: [{', '.join(missing)}] ({file.key}, line 1).")
    if extra := [name for name in header if name not in wanted]:
        raise JobFailed(f"Input csv has columns that the schema lacks: [{', '.join(extra)}] ({file.key}, line 1).")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise JobFailed(f"Input csv has the column {twice[0]} twice ({file.key}, line 1).")
    text = _read_text(file, header)
    columns = []
    for column in schema.columns:
        values = text.column(column.name)
        _check(column, values, text, file)
        columns.append(_convert(column, values, text, file))
    return pa.table(columns, names=wanted)


def _header(file: Fetched) -> list[str]:
    with file.path.open("rb") as stream:
        first = stream.readline(1_000_000)
    if not first.strip():
        raise JobFailed(f"{file.key} is empty: a header line and rows are needed.")
    try:
        return [name.strip().strip('"') for name in first.decode("utf-8-sig").rstrip("\r\n").split(",")]
    except UnicodeDecodeError:
        raise JobFailed(f"{file.key}, line 1 is not UTF-8.") from None


def _read_text(file: Fetched, header: list[str]) -> Any:
    """The file with every column as text, empty fields as null."""
    try:
        return pacsv.read_csv(
            file.path,
            read_options=pacsv.ReadOptions(column_names=header, skip_rows=1),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        if (found := _wrong_width(file.path, len(header))) is not None:
            begins, width = found
            raise JobFailed(f"{file.key}, line {begins} has {width} fields; the header has {len(header)}.") from None
        if (line := _not_utf8(file.path)) is not None:
            raise JobFailed(f"{file.key}, line {line} is not UTF-8.") from None
        if "Empty CSV" in str(error):
            raise JobFailed(f"{file.key} has no rows.") from None
        raise JobFailed(f"{file.key} cannot be read as CSV: {error}") from None


def _check(column: Column, values: Any, text: Any, file: Fetched) -> None:
    """The rules on null, length and form."""
    if not column.nullable and values.null_count:
        raise _failed(file, text, pc.is_null(values), f"{column.name} is empty, and the schema does not allow null")
    if column.type != "string":
        wrong = pc.invert(pc.match_substring_regex(values, _PATTERNS[column.type]))
        raise_if(wrong, file, text, f"{column.name} is not of type {column.type}", values)
        return
    limit = fields.MAX_TEXTUAL_LENGTH if column.textual else fields.MAX_CATEGORICAL_LENGTH
    if column.name in _IDS:
        limit = fields.MAX_ID_LENGTH
    elif not column.textual and not column.categorical:
        return
    raise_if(
        pc.greater(pc.utf8_length(values), limit), file, text, f"{column.name} has more than {limit} characters", values
    )


def _convert(column: Column, values: Any, text: Any, file: Fetched) -> Any:
    if column.type == "string":
        return values
    try:
        made = pc.cast(pc.utf8_lower(values) if column.type == "boolean" else values, ARROW[column.type])
    except pa.ArrowInvalid as error:
        raise JobFailed(f"{file.key}: {column.name} is not of type {column.type}: {error}") from None
    if column.name in {fields.TIMESTAMP, fields.CREATION_TIMESTAMP}:
        raise_if(
            pc.greater_equal(made, fields.MILLISECONDS_FROM),
            file,
            text,
            f"{column.name} looks like milliseconds; it must be Unix time in seconds (divide it by 1000)",
            values,
        )
        raise_if(pc.less(made, 0), file, text, f"{column.name} is negative", values)
    return made


def raise_if(wrong: Any, file: Fetched, text: Any, problem: str, values: Any) -> None:
    """JobFailed for the first row where `wrong` is true."""
    if pc.any(wrong).as_py():
        raise _failed(file, text, wrong, problem, values)


def _failed(file: Fetched, text: Any, wrong: Any, problem: str, values: Any = None) -> JobFailed:
    row = pc.index(wrong, True).as_py()
    before = text.slice(0, row)
    breaks = sum(pc.sum(pc.count_substring(column, "\n")).as_py() or 0 for column in before.columns)
    said = "" if values is None else f" ({values[row].as_py()[:60]!r})"
    return JobFailed(f"{file.key}, line {row + 2 + breaks}: {problem}{said}.")


def _wrong_width(path: Path, expected: int) -> tuple[int, int] | None:
    """Line and number of fields of the first row that has another number of fields than the header."""
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        reader, begins = csv.reader(stream), 1
        for row in reader:
            if row and len(row) != expected:
                return begins, len(row)
            begins = reader.line_num + 1
    return None


def _not_utf8(path: Path) -> int | None:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None

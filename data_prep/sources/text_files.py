"""Any CSV files with a header or Parquet files, and how their columns map to the schemas'."""

from __future__ import annotations

import csv
import difflib
import gzip
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from contract.fields import ITEM_ID, TITLE
from contract.recipes import DatasetKind
from data_prep.errors import DataError
from data_prep.sources.tables import Source, TextTable, is_parquet, open_bytes
from experiments.config import DataFile, Experiment, Files


def read_files(experiment: Experiment, settings: Files, *, file: Path, data: Path | None) -> Source:
    """The experiment's tables; paths are relative to `data` (`--data`) or to the experiment's file."""
    declared = {
        DatasetKind.INTERACTIONS: settings.interactions,
        DatasetKind.USERS: settings.users,
        DatasetKind.ITEMS: settings.items,
    }
    tables, titles = {}, None
    for kind in experiment.schemas.kinds:
        chosen = declared[kind]
        if chosen is not None:  # Experiment has made sure of it
            path = (data or file.parent) / chosen.path
            tables[kind] = _table(chosen, path, chosen.columns)
            if chosen.title is not None:
                titles = _table(chosen, path, {ITEM_ID: chosen.columns[ITEM_ID], TITLE: chosen.title})
    return Source(tables=tables, titles=titles)


def _table(chosen: DataFile, path: Path, columns: Mapping[str, str]) -> TextTable:
    names = header(path, chosen.delimiter)
    for column, name in columns.items():
        if name not in names:
            raise DataError.of(
                path, f"has no column {name!r}, which {column} is read from", line=1, hint=_hint(name, names)
            )
    return TextTable(
        path=path,
        names=tuple(names),
        delimiter=chosen.delimiter,
        header=True,
        quoted=True,
        columns=columns,
        time=chosen.timestamp,
        decimal=chosen.decimal,
        lists=chosen.lists,
    )


def header(path: Path, delimiter: str) -> list[str]:
    """The file's column names; DataError if it has none or cannot be read."""
    if path.is_dir():
        raise DataError.of(path, "is a folder; a file is needed")
    try:
        if is_parquet(path):
            return [str(name) for name in parquet.read_schema(path).names]
        with open_bytes(path) as stream:
            first = stream.readline()
    except pa.ArrowInvalid:
        raise DataError.of(path, "is no Parquet file") from None
    except gzip.BadGzipFile:
        raise DataError.of(path, "is not compressed with gzip") from None
    except OSError as error:
        raise DataError.of(
            path, "no such file" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
        ) from None
    if not first.strip():
        raise DataError.of(
            path, "is empty" if not first else "begins with an empty line; the header is missing", line=1
        )
    try:
        names = next(csv.reader([first.decode("utf-8-sig").rstrip("\r\n")], delimiter=delimiter))
    except UnicodeDecodeError:
        raise DataError.of(path, "is not UTF-8", line=1, hint="Save the file with the encoding UTF-8") from None
    for name in names:
        if names.count(name) > 1:
            raise DataError.of(path, f"has two columns {name!r}", line=1)
    return names


def _hint(name: str, names: list[str]) -> str:
    if len(names) == 1:
        other = next((sign for sign in ";\t|," if sign in names[0]), None)
        if other:
            return f"Its fields seem to be separated by {other!r}: write `delimiter: {other!r}`"
    near = difflib.get_close_matches(name, names, n=1)
    return (f"Did you mean {near[0]!r}? " if near else "") + f"There are: {', '.join(names)}"

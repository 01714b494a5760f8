"""Tables of imported rows: how they are written, laid upon each other, and searched by id.

A file holds the rows in the order of ITEM_ID or USER_ID (interactions: USER_ID, then TIMESTAMP), so that one id's rows
are found in it without an index. Strings of interactions are dictionary-encoded. Ids are in the order of their UTF-8
bytes, which is that of Python's strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.store.records import Record

ARROW = {
    "string": pa.string(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}
"""Types of a schema's columns."""
ID = {DatasetKind.ITEMS: fields.ITEM_ID, DatasetKind.USERS: fields.USER_ID}
"""Column by which rows are replaced."""
CHUNK = 65_536
"""Rows of a batch of a file of items or users: a string array must stay below 2 GB."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The imports of a dataset of items or users, laid upon each other."""

    table: pa.Table
    """Ascending by id, each id once."""
    at: NDArray[np.float64]
    """(n,) Unix seconds of the import that each row came with."""


def write_table(table: pa.Table, path: Path, kind: DatasetKind) -> None:
    """An import's rows as its file; of rows with the same item or user id the last one counts."""
    if kind is DatasetKind.INTERACTIONS:
        write_file(_by_user(table), path)
    else:
        write_file(newest_by_id([table], ID[kind]), path, rows_per_batch=CHUNK)


def write_file(table: pa.Table, path: Path, *, rows_per_batch: int | None = None) -> None:
    """An Arrow file, to be memory-mapped."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        batches = table.to_batches(max_chunksize=rows_per_batch)
        for batch in batches or [pa.RecordBatch.from_pylist([], schema=table.schema)]:
            writer.write_batch(batch)


def open_file(path: Path) -> pa.Table:
    """The file's table; what is not looked at is not read."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def fitted(table: pa.Table, schema: avro.Schema) -> pa.Table:
    """With the columns of the schema, which may have been changed since the import: what the file lacks is null."""
    columns = {}
    for column in schema.columns:
        wanted = ARROW[column.type]
        if column.name not in table.column_names:
            columns[column.name] = pa.chunked_array([pa.nulls(table.num_rows, wanted)])
            continue
        there = table.column(column.name)
        plain = there.type.value_type if pa.types.is_dictionary(there.type) else there.type
        columns[column.name] = there if plain == wanted else _converted(there, wanted)
    return pa.table(columns)


def lay(tables: Sequence[pa.Table], moments: Sequence[float], column: str) -> Imported:
    """Tables upon each other, the last one on top; `moments`: Unix seconds of each; `column`: the ids'."""
    if len(tables) == 1:
        return Imported(table=tables[0], at=np.broadcast_to(np.float64(moments[0]), tables[0].num_rows))
    dated = [
        table.append_column("", pa.array(np.full(table.num_rows, at)))
        for table, at in zip(tables, moments, strict=True)
    ]
    laid = newest_by_id(dated, column)
    return Imported(table=laid.drop_columns([""]), at=laid.column("").to_numpy())


def overlay(imported: Imported | None, put: Sequence[Record], schema: avro.Schema) -> pa.Table:
    """Imported rows and those that came one by one: of each id the newer one; in no particular order."""
    if imported is None:
        return _table_of(put, schema)
    ids = pa.array([record.id for record in put], pa.string())
    names = imported.table.column(ID[schema.kind]).combine_chunks()
    rows = pc.index_in(ids, value_set=names).fill_null(-1).to_pylist()
    newer = [row < 0 or record.at >= imported.at[row] for record, row in zip(put, rows, strict=True)]
    if not any(newer):
        return imported.table
    kept = np.ones(imported.table.num_rows, bool)
    kept[[row for row, is_newer in zip(rows, newer, strict=True) if is_newer and row >= 0]] = False
    added = _table_of([record for record, is_newer in zip(put, newer, strict=True) if is_newer], schema)
    return pa.concat_tables([imported.table.filter(pa.array(kept)), added])


def newest_by_id(tables: Sequence[pa.Table], column: str) -> pa.Table:
    """One row per id, the last one, ascending by id."""
    table = pa.concat_tables(tables)
    if table.num_rows == 0:
        return table
    ids = pa.table({"id": table.column(column), "row": pa.array(np.arange(table.num_rows))})
    order = pc.sort_indices(ids, sort_keys=[("id", "ascending"), ("row", "ascending")])
    names = table.column(column).take(order)
    last = np.append(pc.not_equal(names.slice(1), names.slice(0, len(order) - 1)).to_numpy(), True).astype(bool)
    return table.take(order.filter(pa.array(last)))


def without_users(table: pa.Table, users: Sequence[str]) -> tuple[pa.Table, int]:
    """The table without the users' rows, in its order and form, and how many those were.

    Dictionaries are made anew, so that no value stays in one that no row has.
    """
    column, wanted = table.column(fields.USER_ID), pa.array(users, pa.string())
    if pa.types.is_dictionary(column.type):
        codes = encoded(column)
        theirs = pc.is_in(codes.dictionary, value_set=wanted).to_numpy(zero_copy_only=False)[codes.indices.to_numpy()]
    else:
        theirs = pc.is_in(column, value_set=wanted).to_numpy()
    removed = int(theirs.sum())
    if not removed:
        return table, 0
    kept = table.filter(pa.array(~theirs))
    columns = {}
    for name in kept.column_names:
        part = kept.column(name)
        columns[name] = encoded(part.cast(pa.string())) if pa.types.is_dictionary(part.type) else part.combine_chunks()
    return pa.table(columns), removed


def find_id(names: pa.ChunkedArray, name: str) -> int | None:
    """The row of an id in an ascending column without repetitions."""
    low, high = 0, len(names)
    while low < high:
        middle = (low + high) // 2
        if names[middle].as_py() < name:
            low = middle + 1
        else:
            high = middle
    return low if low < len(names) and names[low].as_py() == name else None


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """One array, its dictionary ascending; null stays null."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    column = column.unify_dictionaries().combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], pa.string()).dictionary_encode()
    order = pc.sort_indices(column.dictionary).to_numpy()
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    codes = pa.array(place).take(column.indices) if len(order) else column.indices
    return pa.DictionaryArray.from_arrays(codes, column.dictionary.take(pa.array(order)))


def array_of(values: list[Any], wanted: Any) -> pa.Array:
    """Values that do not fit, because the schema has been changed since they came, become null."""
    try:
        return pa.array(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        if len(values) == 1:
            return pa.nulls(1, wanted)
        return pa.concat_arrays([array_of([value], wanted) for value in values])


def _converted(column: pa.ChunkedArray, wanted: Any) -> pa.ChunkedArray:
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # e.g. text that is no number: it means something else now
        return pa.chunked_array([pa.nulls(len(column), wanted)])


def _table_of(records: Sequence[Record], schema: avro.Schema) -> pa.Table:
    columns = {}
    for column in schema.columns:
        if column.name == ID[schema.kind]:
            columns[column.name] = pa.array([record.id for record in records], pa.string())
        else:
            columns[column.name] = array_of([record.values.get(column.name) for record in records], ARROW[column.type])
    return pa.table(columns)


def _by_user(table: pa.Table) -> pa.Table:
    """By user, then time, ties as they were; one chunk, strings dictionary-encoded, users' codes ascending."""
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        columns[name] = encoded(column) if pa.types.is_string(column.type) else column.combine_chunks()
    at = columns[fields.TIMESTAMP].to_numpy()
    order = pa.array(np.lexsort((at, columns[fields.USER_ID].indices.to_numpy())))
    return pa.table({name: column.take(order) for name, column in columns.items()})

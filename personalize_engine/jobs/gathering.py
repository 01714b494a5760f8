"""What a training learns from: imported interactions and the events since, with what is known of items and users.

Rows pass the solution's event type and event value threshold first; of rows that are equal in everything one is kept,
as the service does; then its minimums are checked. Nothing here makes a Python object per imported row: ten million
interactions with two metadata columns take 2.4 GB at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contract import fields
from contract.recipes import DatasetKind, Recipe
from personalize_engine.avro import Schema
from personalize_engine.data.features import Described, Encoder, Kind
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.columns import ALL, Offered, trained_columns
from personalize_engine.jobs.registry import Work
from personalize_engine.serving.datasets import Held, held, open_tables, until_found
from personalize_engine.serving.imported import ARROW, ID, array_of, encoded, lay, overlay
from personalize_engine.serving.trained import Encoders
from personalize_engine.store.events import EVERYTHING, Event, Selection, last_event, training_events
from personalize_engine.store.records import Record, all_records

MIN_SHARE_WITH_TWO = 0.01
"""Of all users, those with at least two interactions."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a solution wants to learn from."""

    recipe: Recipe
    selection: Selection = EVERYTHING
    columns: Offered = ALL
    encoders: Encoders | None = None
    """For an update: the features are those of an earlier training, not learned anew."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The data of one training."""

    past: Past
    properties: pa.Table
    """EVENT_TYPE and, if the recipe reads metadata, the metadata columns of the past's rows."""
    events_until: int
    """Position of the last event that is in it."""
    catalogue: frozenset[str]
    """Every item of the interactions and of the Items dataset."""


def gather(work: Work, dataset_group: str, wanted: Wanted) -> Gathered:
    """Reads what the dataset group holds now; JobFailed if it is less than the service trains on."""
    found = until_found(lambda: _read(work, dataset_group))
    if not found.interactions:
        raise JobFailed("The dataset group has no interactions: import an Interactions dataset or send events first.")
    schema = found.schema(DatasetKind.INTERACTIONS)
    kinds: dict[str, Kind] = {}
    if schema is not None and wanted.recipe.uses_metadata:
        kinds = trained_columns(schema, wanted.columns, wanted.selection)
    table = _selected(_one_table(found.interactions, schema), wanted.selection)
    items = found.items.column(fields.ITEM_ID) if found.items is not None else None
    past, rows = _past(table, items if wanted.recipe.uses_metadata else None)
    _check_minimums(past, wanted.selection)
    properties = table.select([fields.EVENT_TYPE, *(name for name in kinds if name != fields.EVENT_TYPE)]).take(rows)
    del table, rows  # describing the interactions takes memory of its own
    catalogue = frozenset(past.items.ids if items is None else {*past.items.ids, *items.to_pylist()})
    if wanted.recipe.uses_metadata:
        past = _with_metadata(past, found, wanted, properties, kinds)
    pa.default_memory_pool().release_unused()
    return Gathered(past=past, properties=properties, events_until=found.events_until, catalogue=catalogue)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The group's datasets as they lie there."""

    datasets: Mapping[DatasetKind, Held]
    interactions: Sequence[pa.Table]
    items: pa.Table | None
    users: pa.Table | None
    events_until: int

    def schema(self, kind: DatasetKind) -> Schema | None:
        return self.datasets[kind].schema if kind in self.datasets else None


def _read(work: Work, dataset_group: str) -> _Found:
    """FileNotFoundError if an import replaced a file meanwhile."""
    with work.store.read() as transaction:
        datasets = held(transaction, dataset_group)
        until = last_event(transaction, dataset_group)
        schema = datasets[DatasetKind.INTERACTIONS].schema if DatasetKind.INTERACTIONS in datasets else None
        events = [_events_table(batch, schema) for batch in training_events(transaction, dataset_group)]
        put = {kind: all_records(transaction, dataset.arn) for kind, dataset in datasets.items() if kind in ID}
    tables = {kind: open_tables(work.artifacts, dataset) for kind, dataset in datasets.items()}
    described = {kind: _rows_of(datasets[kind], tables[kind], put[kind]) for kind in put}
    return _Found(
        datasets=datasets,
        interactions=[*tables.get(DatasetKind.INTERACTIONS, []), *events],
        items=described.get(DatasetKind.ITEMS),
        users=described.get(DatasetKind.USERS),
        events_until=until,
    )


def _rows_of(dataset: Held, tables: Sequence[pa.Table], put: Sequence[Record]) -> pa.Table:
    imported = lay(tables, [layer.at for layer in dataset.layers], ID[dataset.kind]) if tables else None
    return overlay(imported, put, dataset.schema)


def _events_table(events: Sequence[Event], schema: Schema | None) -> pa.Table:
    """With the metadata columns of the schema, from the events' properties."""
    columns = {
        fields.USER_ID: pa.array([event.user_id for event in events], pa.string()),
        fields.ITEM_ID: pa.array([event.item_id for event in events], pa.string()),
        fields.TIMESTAMP: pa.array([event.at for event in events], pa.int64()),
        fields.EVENT_TYPE: pa.array([event.event_type for event in events], pa.string()),
        fields.EVENT_VALUE: pa.array([event.event_value for event in events], pa.float64()),
    }
    properties = [json.loads(event.properties) if event.properties else {} for event in events]
    for column in schema.metadata if schema else ():
        columns[column.name] = array_of([given.get(column.name) for given in properties], ARROW[column.type])
    return pa.table(columns)


def _one_table(tables: Iterable[pa.Table], schema: Schema | None) -> pa.Table:
    """One chunk per column, metadata included: it tells equal rows; strings as codes of an ascending dictionary."""
    wanted = {
        fields.USER_ID: pa.string(),
        fields.ITEM_ID: pa.string(),
        fields.TIMESTAMP: pa.int64(),
        fields.EVENT_TYPE: pa.string(),
        fields.EVENT_VALUE: pa.float64(),
    }
    wanted |= {column.name: ARROW[column.type] for column in (schema.metadata if schema else ())}
    parts = [_with_columns(table, wanted) for table in tables]
    columns = {}
    for name, kind in wanted.items():
        column = pa.chunked_array([chunk for part in parts for chunk in part[name].chunks], parts[0][name].type)
        columns[name] = encoded(column) if kind == pa.string() else column.combine_chunks()
    return pa.table(columns)


def _with_columns(table: pa.Table, wanted: Mapping[str, Any]) -> dict[str, pa.ChunkedArray]:
    columns = {}
    for name, kind in wanted.items():
        column = table.column(name) if name in table.column_names else pa.chunked_array([pa.nulls(len(table), kind)])
        if kind != pa.string():
            columns[name] = column.cast(kind)
        else:
            columns[name] = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    return columns


def _selected(table: pa.Table, selection: Selection) -> pa.Table:
    """The same rows as `Selection.sql` takes."""
    if selection.event_type is not None:
        kinds: pa.DictionaryArray = table.column(fields.EVENT_TYPE).chunk(0)
        same = pc.equal(pc.ascii_lower(kinds.dictionary), pc.ascii_lower(pa.scalar(selection.event_type)))
        table = table.filter(pa.array(same).take(kinds.indices))
    if selection.threshold is not None:
        table = table.filter(pc.greater_equal(table.column(fields.EVENT_VALUE), selection.threshold))
    return table


def _past(table: pa.Table, more_items: pa.ChunkedArray | None) -> tuple[Past, pa.Array]:
    """The interactions in order, each once, and their rows in `table`; the items with those of `more_items`."""
    users, user = _codes(table.column(fields.USER_ID), None)
    items, item = _codes(table.column(fields.ITEM_ID), more_items)
    at = table.column(fields.TIMESTAMP).to_numpy()
    rows = np.lexsort((at, user))  # a stable sort: ties keep the order of the file
    rows = rows[_first_of_equals(table, user, at, rows)]
    past = Past(users=users, items=items, user=user[rows], item=item[rows], at=at[rows])
    return past, pa.array(rows)


def _codes(column: pa.ChunkedArray, more: pa.ChunkedArray | None) -> tuple[Vocabulary, NDArray[np.int32]]:
    """The distinct ids of a dictionary-encoded column (and `more`) in order, and each row's position among them."""
    if not len(column):
        return Vocabulary([] if more is None else sorted(set(more.to_pylist()))), np.zeros(0, np.int32)
    whole: pa.DictionaryArray = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    codes = whole.indices.to_numpy()
    used = np.bincount(codes, minlength=len(whole.dictionary)) > 0
    ids = whole.dictionary.filter(pa.array(used))
    if more is not None:
        ids = pc.unique(pa.chunked_array([ids, *more.cast(pa.string()).chunks]))
        ids = ids.take(pc.sort_indices(ids))
    place = pc.index_in(whole.dictionary, value_set=ids).fill_null(-1).to_numpy().astype(np.int32)
    return Vocabulary(ids.to_pylist()), place[codes]


def _first_of_equals(
    table: pa.Table, user: NDArray[np.int32], at: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of `rows` (by user, then time) to keep: of rows that are equal in every column the first.

    Only rows with the user and time of a neighbour are compared.
    """
    kept = np.ones(len(rows), bool)
    same = (user[rows[1:]] == user[rows[:-1]]) & (at[rows[1:]] == at[rows[:-1]])
    near = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(near):
        candidates = table.take(pa.array(rows[near])).append_column("", pa.array(np.arange(len(near))))
        first = candidates.group_by(table.column_names).aggregate([("", "min")]).column("_min").to_numpy()
        kept[near] = False
        kept[near[first]] = True
    return kept


def _check_minimums(past: Past, selection: Selection) -> None:
    after = "" if selection.event_type is None else f" after filtering by event type: {selection.event_type}"
    distinct = len(past.pairs[0])  # models need the pairs anyway; sorting whole rows takes far more memory
    if distinct < fields.MIN_INTERACTIONS:
        keys = np.stack([past.user.astype(np.int64), past.item.astype(np.int64), past.at])
        distinct = np.unique(keys, axis=1).shape[1]
    if distinct < fields.MIN_INTERACTIONS:
        raise JobFailed(f"Dataset has fewer than {fields.MIN_INTERACTIONS} unique interactions ({distinct}){after}")
    with_two = int((past.lengths >= 2).sum())
    if with_two < fields.MIN_USERS_WITH_TWO or with_two < MIN_SHARE_WITH_TWO * len(past.users):
        raise JobFailed(
            f"Dataset has fewer than {fields.MIN_USERS_WITH_TWO} users with at least 2 interactions ({with_two}, of"
            f" {len(past.users)} users; also at least {MIN_SHARE_WITH_TWO:.0%} of all users are needed){after}"
        )


def _with_metadata(past: Past, found: _Found, wanted: Wanted, properties: pa.Table, kinds: Mapping[str, Kind]) -> Past:
    """The past with its described parts."""
    encoders, learn = wanted.encoders or Encoders(), wanted.encoders is None
    item_columns, items = _aligned(past.items, found, found.items, DatasetKind.ITEMS, wanted)
    user_columns, users = _aligned(past.users, found, found.users, DatasetKind.USERS, wanted)
    created = None
    if items is not None and fields.CREATION_TIMESTAMP in items.column_names:
        created = items.column(fields.CREATION_TIMESTAMP).fill_null(-1).to_numpy()
    return replace(
        past,
        item_described=_described(items, item_columns, encoders.item, learn),
        user_described=_described(users, user_columns, encoders.user, learn),
        event_described=_described(properties, kinds, encoders.event, learn),
        created=created,
    )


def _aligned(
    ids: Vocabulary, found: _Found, table: pa.Table | None, kind: DatasetKind, wanted: Wanted
) -> tuple[dict[str, Kind], pa.Table | None]:
    """The columns to be read of a dataset, and its rows in the order of `ids`, null where it has none."""
    schema = found.schema(kind)
    if table is None or schema is None:
        return {}, None
    kinds = trained_columns(schema, wanted.columns, wanted.selection)
    kept = list(kinds)
    if schema.column(fields.CREATION_TIMESTAMP) and not wanted.columns.excludes(schema, fields.CREATION_TIMESTAMP):
        kept.append(fields.CREATION_TIMESTAMP)
    place = pc.index_in(pa.array(ids.ids, pa.string()), value_set=table.column(ID[kind]).combine_chunks())
    return kinds, table.select(kept).take(place)


def _described(
    table: pa.Table | None, kinds: Mapping[str, Kind], encoder: Encoder | None, learn: bool
) -> Described | None:
    if table is None or not kinds:
        return None
    columns = {name: table.column(name) for name in kinds}
    columns = {
        name: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for name, column in columns.items()
    }
    if learn:
        return Described.learn(columns, kinds, n=table.num_rows)
    return None if encoder is None else Described(encoder=encoder, rows=encoder.encode(columns, n=table.num_rows))

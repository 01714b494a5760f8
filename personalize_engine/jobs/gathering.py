"""What a training learns from: the imported interactions and the events since, as one `Past`.

Rows pass the solution's event type and event value threshold first; then the service's minimums are checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.importing import table_path
from personalize_engine.jobs.registry import Work
from personalize_engine.store.events import record_ids, training_events

MIN_SHARE_WITH_TWO = 0.01
"""Of all users, those with at least two interactions."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The data of one training."""

    past: Past
    events_until: int
    """Position of the last event that is in it."""
    catalogue: frozenset[str]
    """Every item of the interactions and of the Items dataset."""


def gather(work: Work, dataset_group: str, *, event_type: str | None, threshold: float | None) -> Gathered:
    """Reads what the dataset group holds now; JobFailed if it is less than the service trains on."""
    with work.store.read() as transaction:
        datasets = transaction.page("dataset", parents=[dataset_group])
        events, until = training_events(transaction, dataset_group)
        by_kind = {row.body["datasetType"].upper(): row for row in datasets}
        items = by_kind.get(DatasetKind.ITEMS.value.upper())
        put_items = record_ids(transaction, items.arn) if items else []
    interactions = by_kind.get(DatasetKind.INTERACTIONS.value.upper())
    tables = [_events_table(events)] if events else []
    if interactions and interactions.body.get("_table"):
        tables.insert(0, _imported(parquet.read_table(table_path(work.artifacts, interactions.body["_table"]))))
    if not tables:
        raise JobFailed("The dataset group has no interactions: import an Interactions dataset or send events first.")
    table = _filtered(pa.concat_tables(tables), event_type, threshold)
    past = _past(table)
    _check_minimums(past, event_type)
    catalogue = {*past.items.ids, *put_items}
    if items and items.body.get("_table"):
        path = table_path(work.artifacts, items.body["_table"])
        catalogue.update(parquet.read_table(path, columns=[fields.ITEM_ID]).column(0).to_pylist())
    return Gathered(past=past, events_until=until, catalogue=frozenset(catalogue))


_COLUMNS = pa.schema(
    [
        (fields.USER_ID, pa.string()),
        (fields.ITEM_ID, pa.string()),
        (fields.TIMESTAMP, pa.int64()),
        (fields.EVENT_TYPE, pa.string()),
        (fields.EVENT_VALUE, pa.float64()),
    ]
)


def _imported(table: Any) -> Any:
    columns = [
        pc.cast(table.column(field.name), field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in _COLUMNS
    ]
    return pa.table(columns, schema=_COLUMNS)


def _events_table(events: Sequence[Mapping[str, Any]]) -> Any:
    names = ("user_id", "item_id", "at", "event_type", "event_value")
    return pa.table([[event[name] for event in events] for name in names], schema=_COLUMNS)


def _filtered(table: Any, event_type: str | None, threshold: float | None) -> Any:
    if event_type is not None:
        same = pc.equal(pc.utf8_lower(table.column(fields.EVENT_TYPE)), event_type.lower())
        table = table.filter(same)
    if threshold is not None:
        table = table.filter(pc.greater_equal(table.column(fields.EVENT_VALUE), threshold))
    return table


def _past(table: Any) -> Past:
    users, user = _codes(table.column(fields.USER_ID))
    items, item = _codes(table.column(fields.ITEM_ID))
    at = table.column(fields.TIMESTAMP).to_numpy()
    order = np.lexsort((at, user))  # a stable sort: ties keep the order of the file
    return Past(users=users, items=items, user=user[order], item=item[order], at=at[order])


def _codes(column: Any) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Distinct ids in order, and each row's position among them."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # no rows at all
        return Vocabulary([]), np.zeros(0, np.int32)
    ids: list[str] = encoded.dictionary.to_pylist()
    order = sorted(range(len(ids)), key=ids.__getitem__)
    place = np.empty(len(ids), np.int32)
    place[order] = np.arange(len(ids), dtype=np.int32)
    return Vocabulary([ids[k] for k in order]), place[encoded.indices.to_numpy()]


def _check_minimums(past: Past, event_type: str | None) -> None:
    after = "" if event_type is None else f" after filtering by event type: {event_type}"
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

"""Items, users and interactions of a dataset group as they are now: what filters, contexts and new items are about.

Imported rows with what was put one by one on top; of two rows with the same id the newer one counts, whichever way it
came. A FULL import replaces imported rows only: "Data you imported individually is not replaced" (Amazon Personalize
API reference, CreateDatasetImportJob).
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import pyarrow as pa

from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.models.base import Interaction
from personalize_engine.serving.datasets import Held, held, open_tables, until_found
from personalize_engine.serving.histories import Histories
from personalize_engine.serving.history import interaction_of
from personalize_engine.serving.imported import ID, Imported, find_id, lay, overlay
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store
from personalize_engine.store.events import newest_events
from personalize_engine.store.records import all_records, get_record

KEPT = 32
"""Tables that are held at once."""
NEWEST_EVENTS = 5000
"""So many of a user's events are looked at."""

T = TypeVar("T")


class Records:
    """Thread-safe. Looks at every call whether something has changed; keeps what was opened as long as nothing has."""

    def __init__(self, store: Store, artifacts: Artifacts) -> None:
        self._store, self._artifacts = store, artifacts
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[Hashable, Any]] = OrderedDict()
        """What it is, and of which dataset: the version it was made of, and itself."""

    def items(self, dataset_group: str) -> pa.Table | None:
        """The Items dataset: a row per item, the schema's columns; None if the group has no such dataset.

        The same object as long as nothing has changed, so that what is derived from it may be kept beside it.
        """

        def look() -> pa.Table | None:
            with self._store.read() as transaction:
                dataset = held(transaction, dataset_group).get(DatasetKind.ITEMS)
                if dataset is None:
                    return None
                if (kept := self._look_up("items", dataset.arn, dataset)) is not None:
                    return kept
                put = all_records(transaction, dataset.arn)
            imported = self._imported(dataset)
            return self._keep("items", dataset.arn, dataset, lambda: overlay(imported, put, dataset.schema))

        return until_found(look)

    def user(self, dataset_group: str, user_id: str) -> Mapping[str, Any]:
        """A user's metadata that is not null; empty if there is none."""
        return self._one(dataset_group, DatasetKind.USERS, user_id)

    def item(self, dataset_group: str, item_id: str) -> Mapping[str, Any]:
        """An item's metadata that is not null; empty if there is none."""
        return self._one(dataset_group, DatasetKind.ITEMS, item_id)

    def schema(self, dataset_group: str, kind: DatasetKind) -> avro.Schema | None:
        """The schema of the group's dataset of that kind; None if there is no such dataset."""
        with self._store.read() as transaction:
            dataset = held(transaction, dataset_group).get(kind)
        return dataset.schema if dataset else None

    def context_columns(self, dataset_group: str) -> tuple[str, ...]:
        """The keys that a request's context may have: metadata columns of the Interactions dataset."""
        schema = self.schema(dataset_group, DatasetKind.INTERACTIONS)
        return tuple(column.name for column in schema.metadata) if schema else ()

    def interactions(self, dataset_group: str, user_id: str, *, per_type: int) -> list[Interaction]:
        """A user's newest interactions of each event type, imports and events alike, oldest first.

        Imported as of now, not as of a training; of the events the newest NEWEST_EVENTS are looked at.
        """

        def look() -> list[Interaction]:
            with self._store.read() as transaction:
                dataset = held(transaction, dataset_group).get(DatasetKind.INTERACTIONS)
                events = newest_events(transaction, dataset_group, user_id, after=0, limit=NEWEST_EVENTS)
            layers = self._histories(dataset) if dataset else ()
            found = [row for layer in layers for row in layer.newest_per_type(user_id, per_type)]
            found += [interaction_of(event) for event in events]
            return _newest_per_type(sorted(found, key=lambda row: row.at), per_type)

        return until_found(look)

    def _one(self, dataset_group: str, kind: DatasetKind, name: str) -> Mapping[str, Any]:
        def look() -> Mapping[str, Any]:
            with self._store.read() as transaction:
                dataset = held(transaction, dataset_group).get(kind)
                if dataset is None:
                    return {}
                put = get_record(transaction, dataset.arn, name) if dataset.newest_record else None
            imported = self._imported(dataset)
            row = find_id(imported.table.column(ID[kind]), name) if imported else None
            values: Mapping[str, Any] = {}
            if put is not None and (imported is None or row is None or put.at >= imported.at[row]):
                values = put.values
            elif imported is not None and row is not None:
                (values,) = imported.table.slice(row, 1).to_pylist()
            return {key: value for key, value in values.items() if value is not None and key != ID[kind]}

        return until_found(look)

    def _imported(self, dataset: Held) -> Imported | None:
        if not dataset.layers:
            return None

        def make() -> Imported:
            moments = [layer.at for layer in dataset.layers]
            return lay(open_tables(self._artifacts, dataset), moments, ID[dataset.kind])

        return self._keep("imported", dataset.arn, (dataset.layers, dataset.schema, dataset.revision), make)

    def _histories(self, dataset: Held) -> list[Histories]:
        def make() -> list[Histories]:
            return [Histories(table) for table in open_tables(self._artifacts, dataset)]

        return self._keep("histories", dataset.arn, (dataset.layers, dataset.schema, dataset.revision), make)

    def _look_up(self, what: str, dataset: str, version: Hashable) -> Any:
        with self._lock:
            of, value = self._kept.get((what, dataset), (None, None))
            if of != version:
                return None
            self._kept.move_to_end((what, dataset))
            return value

    def _keep(self, what: str, dataset: str, version: Hashable, make: Callable[[], T]) -> T:
        """What is kept of the dataset's version, else what `make` makes, in the place of other versions'."""
        found: T | None = self._look_up(what, dataset, version)
        if found is not None:
            return found
        made = make()
        with self._lock:
            self._kept[what, dataset] = (version, made)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def _newest_per_type(found: list[Interaction], limit: int) -> list[Interaction]:
    seen: Counter[str | None] = Counter()
    kept = []
    for interaction in reversed(found):
        seen[interaction.event_type] += 1
        if seen[interaction.event_type] <= limit:
            kept.append(interaction)
    return kept[::-1]

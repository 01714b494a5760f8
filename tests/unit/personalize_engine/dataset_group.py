"""A dataset group in a store of a test's own, filled without jobs and requests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.jobs import gathering
from personalize_engine.jobs.registry import ACTIVE, Work
from personalize_engine.models.base import no_progress
from personalize_engine.serving.datasets import LAYERS, TABLE, with_layer
from personalize_engine.serving.imported import ARROW, write_table
from personalize_engine.serving.records import Records
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store
from personalize_engine.store.events import Event, add_events
from personalize_engine.store.records import put_records

ARN = "arn:aws:personalize:us-east-1:000000000000:dataset-group/g"
REQUIRED = {
    DatasetKind.INTERACTIONS: {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
    DatasetKind.USERS: {"USER_ID": "string"},
    DatasetKind.ITEMS: {"ITEM_ID": "string"},
}


class Group:
    """Datasets, imports, records and events by a call each."""

    def __init__(self, folder: Path) -> None:
        self.store, self.artifacts = Store.open(folder), Artifacts(folder)
        assert self.store._writer is not None
        self.store._writer.execute("PRAGMA synchronous = OFF")  # waiting for the disk is not what is tested
        self.artifacts.clear_aside()
        self.records = Records(self.store, self.artifacts)
        self._imports = 0
        with self.store.write() as transaction:
            transaction.add(ARN, "dataset-group", name="g", body={}, status=ACTIVE)

    @property
    def work(self) -> Work:
        return Work(
            store=self.store,
            artifacts=self.artifacts,
            aside=self.artifacts.aside(1),
            region="us-east-1",
            progress=no_progress,
        )

    def dataset(self, kind: DatasetKind, columns: Mapping[str, Any]) -> None:
        """`columns`: name to Avro type; strings are categorical, all but required ones may be null."""
        declared: list[dict[str, Any]] = [{"name": name, "type": type_} for name, type_ in REQUIRED[kind].items()]
        for name, type_ in columns.items():
            declared.append({"name": name, "type": ["null", type_], "categorical": type_ == "string"})
        record = {"type": "record", "name": kind.value, "namespace": fields.SCHEMA_NAMESPACE, "fields": declared}
        with self.store.write() as transaction:
            schema = f"{ARN}/schema-{kind.value}-{time.monotonic_ns()}"
            transaction.add(schema, "schema", name=schema, body={"schema": json.dumps(record)}, status=ACTIVE)
            if transaction.get(self.arn(kind)) is not None:
                transaction.set_members(self.arn(kind), schemaArn=schema)
                return
            body = {"datasetType": kind.value.upper(), "schemaArn": schema, "datasetGroupArn": ARN}
            transaction.add(self.arn(kind), "dataset", name=kind.value, body=body, status=ACTIVE, parent=ARN)

    def arn(self, kind: DatasetKind) -> str:
        return f"{ARN}/{kind.value}"

    def load(
        self, kind: DatasetKind, rows: Sequence[Mapping[str, Any]], *, replace: bool, at: float | None = None
    ) -> None:
        """An import that has just ended."""
        self._imports += 1
        job = f"{ARN}/import-{self._imports}"
        with self.store.write() as transaction:
            dataset = transaction.get(self.arn(kind))
            assert dataset is not None
            schema = transaction.get(dataset.body["schemaArn"])
            assert schema is not None
            columns = avro.parse(schema.body["schema"]).columns
            table = pa.table({c.name: pa.array([r.get(c.name) for r in rows], ARROW[c.type]) for c in columns})
            self.artifacts.path(job).mkdir()
            write_table(table, self.artifacts.path(job) / TABLE, kind)
            layers, gone = with_layer(dataset.body, job, at=time.time() if at is None else at, replace=replace)
            transaction.set_members(self.arn(kind), **{LAYERS: layers})
        for arn in gone:
            self.artifacts.remove(arn)

    def put(self, kind: DatasetKind, records: Mapping[str, Mapping[str, Any]]) -> None:
        with self.store.write() as transaction:
            put_records(transaction, self.arn(kind), records)

    def send(self, events: Sequence[Event]) -> None:
        with self.store.write() as transaction:
            add_events(transaction, ARN, events)


def without_minimums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small groups can be trained on, too."""
    monkeypatch.setattr(fields, "MIN_INTERACTIONS", 0)
    monkeypatch.setattr(fields, "MIN_USERS_WITH_TWO", 0)
    monkeypatch.setattr(gathering, "MIN_SHARE_WITH_TWO", 0)


@contextmanager
def new_group() -> Iterator[Group]:
    """In a folder of its own, as hypothesis needs one per example."""
    with TemporaryDirectory() as folder:
        group = Group(Path(folder))
        try:
            yield group
        finally:
            group.store.close()

"""What the datasets of a group hold at a moment: their schemas, and the files of their imports.

A FULL import is the only layer of its dataset, INCREMENTAL ones lie above it. A file that is open can be read to its
end even if an import replaces and removes it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import pyarrow as pa

from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.serving.imported import fitted, open_file
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.records import newest_record
from personalize_engine.store.transaction import Transaction

TABLE = "table.arrow"
"""Name of an import's file among its artifacts."""
LAYERS = "_layers"
"""Member of a dataset's body: [ARN of the import job, Unix seconds since when it counts], oldest first."""
REVISION = "_revision"
"""Member of a dataset's body: how often rows were taken out of its files."""
TRIES = 5

T = TypeVar("T")


@dataclass(frozen=True)
class Layer:
    """One import."""

    arn: str
    at: float
    """Unix seconds since when it is part of the dataset."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A dataset as of one transaction. Equal values mean equal contents."""

    arn: str
    kind: DatasetKind
    schema: avro.Schema
    layers: tuple[Layer, ...]
    """The FULL import, then INCREMENTAL ones in their order; empty before the first import."""
    newest_record: int
    """Grows with PutItems and PutUsers."""
    revision: int = 0
    """Grows when rows are taken out of its files."""


def held(transaction: Transaction, dataset_group: str) -> dict[DatasetKind, Held]:
    """The group's datasets by kind."""
    found = {}
    for row in transaction.page("dataset", parents=[dataset_group]):
        kind = _KINDS[row.body["datasetType"]]
        schema = transaction.get(row.body["schemaArn"])
        if schema is not None:
            found[kind] = Held(
                arn=row.arn,
                kind=kind,
                schema=_schema(schema.body["schema"]),
                layers=tuple(Layer(arn, at) for arn, at in row.body.get(LAYERS, ())),
                newest_record=newest_record(transaction, row.arn),
                revision=row.body.get(REVISION, 0),
            )
    return found


def with_layer(body: Mapping[str, Any], arn: str, *, at: float, replace: bool) -> tuple[list[Any], list[str]]:
    """The dataset's layers once an import is one of them, and the imports that are none any more."""
    before = body.get(LAYERS, [])
    return ([[arn, at]], [gone for gone, _ in before]) if replace else ([*before, [arn, at]], [])


def open_tables(artifacts: Artifacts, dataset: Held) -> list[pa.Table]:
    """A table per layer with the columns of the dataset's schema now; FileNotFoundError if one was just replaced."""
    return [fitted(open_file(artifacts.path(layer.arn) / TABLE), dataset.schema) for layer in dataset.layers]


def until_found(look: Callable[[], T]) -> T:
    """`look` finds out which files there are and opens them; an import may replace them between the two: once more."""
    for _ in range(TRIES - 1):
        try:
            return look()
        except FileNotFoundError:
            continue
    return look()


_KINDS = {kind.value.upper(): kind for kind in DatasetKind}


@lru_cache(maxsize=256)
def _schema(text: str) -> avro.Schema:
    """Kept: every request looks at it."""
    return avro.parse(text)

"""Declared columns to the schema JSON that CreateSchema takes.

Source: Amazon Personalize developer guide, "Creating schema JSON files": an Avro record named after the dataset, in
the service's namespace, version 1.0; optional columns are unions with null.
"""

from __future__ import annotations

from typing import Any

from contract import fields
from contract.naming import canonical_json
from contract.recipes import DatasetKind
from experiments.config import Column, Experiment


def schema_json(experiment: Experiment, kind: DatasetKind, *, released: bool = False) -> str:
    """The schema of one of the experiment's datasets, equal text for equal schemas; KeyError if it has no such dataset.

    `released`: without the columns that were added.

    >>> from experiments.load import load_named
    >>> schema_json(load_named("quickstart"), DatasetKind.USERS)
    Traceback (most recent call last):
    ...
    KeyError: 'quickstart has no dataset Users'
    """
    columns = experiment.schemas.columns(kind)
    if columns is None:
        raise KeyError(f"{experiment.name} has no dataset {kind.value}")
    return canonical_json(
        {
            "type": "record",
            "name": kind.value,
            "namespace": fields.SCHEMA_NAMESPACE,
            "fields": [_field(column) for column in columns if not (released and column.added)],
            "version": "1.0",
        }
    )


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": ["null", column.type] if column.nullable else column.type}
    if column.categorical:
        field["categorical"] = True
    if column.textual:
        field["textual"] = True
    return field

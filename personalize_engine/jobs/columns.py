"""Which columns of a dataset a training reads as metadata.

Never read, as on AWS: booleans, impressions, and strings that are neither categorical nor textual. Textual columns,
which the service understands through a language model, are not read by this engine.
Source: Amazon Personalize developer guide, "Configuring columns used when training".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contract import fields
from personalize_engine.avro import Column, Schema
from personalize_engine.data.features import Kind
from personalize_engine.store.events import Selection

_NUMBERS = ("int", "long", "float", "double")


def trained_columns(schema: Schema, config: Mapping[str, Any], selection: Selection) -> dict[str, Kind]:
    """Metadata columns and how they become features, under a solution's `trainingDataConfig` ({}: all that can be).

    Interactions: with the event type, unless the solution is about one type only. It cannot be excluded.
    """
    kinds: dict[str, Kind] = {}
    for column in schema.metadata:
        kind = _kind(column)
        if kind is not None and not excludes(config, schema, column.name):
            kinds[column.name] = kind
    if schema.column(fields.EVENT_TYPE) is not None and selection.event_type is None:
        kinds[fields.EVENT_TYPE] = "categorical"
    return kinds


def excludes(config: Mapping[str, Any], schema: Schema, name: str) -> bool:
    """Whether a `trainingDataConfig` keeps a column out of the training; dataset types are named in any case."""
    included = _named(config, "includedDatasetColumns", schema)
    return name in (_named(config, "excludedDatasetColumns", schema) or ()) or (
        included is not None and name not in included
    )


def _kind(column: Column) -> Kind | None:
    if column.type in _NUMBERS:
        return "numerical"
    return "categorical" if column.type == "string" and column.categorical else None


def _named(config: Mapping[str, Any], member: str, schema: Schema) -> Sequence[str] | None:
    by_type: Mapping[str, Sequence[str]] = config.get(member, {})
    return next((names for kind, names in by_type.items() if kind.upper() == schema.kind.value.upper()), None)

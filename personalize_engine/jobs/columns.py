"""Which columns of a dataset a training reads as metadata.

Never read, as on AWS: booleans, impressions, and strings that are neither categorical nor textual. Textual columns,
which the service understands through a language model, are not read by this engine.
Sources: Amazon Personalize developer guide, "Configuring columns used when training" and "Replacing a dataset's schema
to add new columns".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract import fields
from personalize_engine.avro import Column, Schema
from personalize_engine.data.features import Kind
from personalize_engine.store.events import Selection

_NUMBERS = ("int", "long", "float", "double")


@dataclass(frozen=True, kw_only=True)
class Offered:
    """The columns that a solution lets its trainings read; by default all."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """`trainingDataConfig`; dataset types are named in any case."""
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Columns that each dataset had when the solution was made, by its type in capitals: those that a replaced schema
    has brought since are left out. A dataset that is not named was made later, and limits nothing."""

    def excludes(self, schema: Schema, name: str) -> bool:
        """Whether the column is kept out of the training."""
        included = self._named("includedDatasetColumns", schema)
        known = self.known.get(schema.kind.value.upper())
        return (
            name in (self._named("excludedDatasetColumns", schema) or ())
            or (included is not None and name not in included)
            or (known is not None and name not in known)
        )

    def _named(self, member: str, schema: Schema) -> Sequence[str] | None:
        by_type: Mapping[str, Sequence[str]] = self.config.get(member, {})
        return next((names for kind, names in by_type.items() if kind.upper() == schema.kind.value.upper()), None)


ALL = Offered()


def trained_columns(schema: Schema, offered: Offered, selection: Selection) -> dict[str, Kind]:
    """Metadata columns that are offered, and how they become features.

    Interactions: with the event type, unless the solution is about one type only. It cannot be excluded.
    """
    kinds: dict[str, Kind] = {}
    for column in schema.metadata:
        kind = _kind(column)
        if kind is not None and not offered.excludes(schema, column.name):
            kinds[column.name] = kind
    if schema.column(fields.EVENT_TYPE) is not None and selection.event_type is None:
        kinds[fields.EVENT_TYPE] = "categorical"
    return kinds


def _kind(column: Column) -> Kind | None:
    if column.type in _NUMBERS:
        return "numerical"
    return "categorical" if column.type == "string" and column.categorical else None

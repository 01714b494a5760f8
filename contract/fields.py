"""Reserved columns, their types, and the quotas that Amazon Personalize puts on schemas and data.

Source: Amazon Personalize developer guide, "Schemas", "Recording events" and "Endpoints and quotas".
"""

from __future__ import annotations

from contract.recipes import DatasetKind

USER_ID = "USER_ID"
ITEM_ID = "ITEM_ID"
TIMESTAMP = "TIMESTAMP"
EVENT_TYPE = "EVENT_TYPE"
EVENT_VALUE = "EVENT_VALUE"
IMPRESSION = "IMPRESSION"
RECOMMENDATION_ID = "RECOMMENDATION_ID"
CREATION_TIMESTAMP = "CREATION_TIMESTAMP"

TITLE = "TITLE"
"""What reports call an item: no column of a schema."""

REQUIRED: dict[DatasetKind, dict[str, str]] = {
    DatasetKind.INTERACTIONS: {USER_ID: "string", ITEM_ID: "string", TIMESTAMP: "long"},
    DatasetKind.USERS: {USER_ID: "string"},
    DatasetKind.ITEMS: {ITEM_ID: "string"},
}
"""Columns that each dataset must have, with their Avro types."""

RESERVED: dict[DatasetKind, dict[str, str]] = {
    DatasetKind.INTERACTIONS: {
        EVENT_TYPE: "string",
        EVENT_VALUE: "float",
        IMPRESSION: "string",
        RECOMMENDATION_ID: "string",
    },
    DatasetKind.USERS: {},
    DatasetKind.ITEMS: {CREATION_TIMESTAMP: "long"},
}
"""Optional columns with a meaning of their own."""

MAX_METADATA: dict[DatasetKind, int] = {
    DatasetKind.INTERACTIONS: 5,
    DatasetKind.USERS: 25,
    DatasetKind.ITEMS: 100,
}
MAX_ID_LENGTH = 256
MAX_CATEGORICAL_LENGTH = 1000
MAX_TEXTUAL_LENGTH = 20_000
MULTI_VALUE_SEPARATOR = "|"

MIN_INTERACTIONS = 1000
"""Unique interactions needed to train, and records needed in an import of interactions."""
MIN_USERS_WITH_TWO = 25
"""Users with at least two interactions each needed to train."""

SCHEMA_NAMESPACE = "com.amazonaws.personalize.schema"
MILLISECONDS_FROM = 100_000_000_000
"""A TIMESTAMP at or above this (the year 5138 in seconds) is milliseconds mistaken for seconds."""

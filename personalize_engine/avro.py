"""A schema's text: what an Avro record must look like to be a schema of the service, and the columns it declares.

Source: Amazon Personalize developer guide, "Schemas": the reserved columns and quotas are in `contract.fields`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from contract import fields
from contract.recipes import DatasetKind

TYPES = ("string", "int", "long", "float", "double", "boolean")


class SchemaError(ValueError):
    """The text is no schema of the service; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One field of a schema."""

    name: str
    type: str
    """One of TYPES."""
    nullable: bool
    categorical: bool
    textual: bool


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A schema as declared."""

    kind: DatasetKind
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def metadata(self) -> tuple[Column, ...]:
        """The columns without a meaning of their own to the service."""
        own = {**fields.REQUIRED[self.kind], **fields.RESERVED[self.kind]}
        return tuple(column for column in self.columns if column.name not in own)


def parse(text: str) -> Schema:
    """The schema of a CreateSchema request; SchemaError if it breaks a rule of the service."""
    try:
        record = json.loads(text)
    except ValueError as error:
        raise SchemaError(f"the schema is not JSON: {error}") from None
    if not isinstance(record, dict) or record.get("type") != "record":
        raise SchemaError('the schema must be an Avro record: an object with "type": "record"')
    if record.get("namespace") != fields.SCHEMA_NAMESPACE:
        raise SchemaError(f"namespace is {record.get('namespace')!r}; it must be {fields.SCHEMA_NAMESPACE!r}")
    try:
        kind = DatasetKind(str(record.get("name")))
    except ValueError:
        allowed = ", ".join(kind.value for kind in DatasetKind)
        raise SchemaError(f"name is {record.get('name')!r}; this engine knows: {allowed}") from None
    declared = record.get("fields")
    if not isinstance(declared, list) or not declared:
        raise SchemaError("fields must be a list of at least one field")
    schema = Schema(kind=kind, columns=tuple(_column(field, at) for at, field in enumerate(declared)))
    _check(schema)
    return schema


def _column(field: Any, at: int) -> Column:
    if not isinstance(field, dict) or not isinstance(field.get("name"), str) or not field["name"]:
        raise SchemaError(f"fields[{at}] must be an object with a name")
    name, declared = field["name"], field.get("type")
    union = declared if isinstance(declared, list) else [declared]
    types = [part for part in union if part != "null"]
    if len(types) != 1 or types[0] not in TYPES:
        raise SchemaError(
            f"field {name}: type is {json.dumps(declared)}; it must be one of {', '.join(TYPES)}, or a union of one"
            ' with "null"'
        )
    return Column(
        name=name,
        type=types[0],
        nullable="null" in union,
        categorical=bool(field.get("categorical", False)),
        textual=bool(field.get("textual", False)),
    )


def _check(schema: Schema) -> None:
    kind, names = schema.kind, [column.name for column in schema.columns]
    for name in names:
        if names.count(name) > 1:
            raise SchemaError(f"field {name} is declared twice")
    required, reserved = fields.REQUIRED[kind], fields.RESERVED[kind]
    for name, type_ in required.items():
        column = schema.column(name)
        if column is None:
            raise SchemaError(f"a schema of {kind.value} must have the field {name}")
        if column.type != type_ or column.nullable:
            raise SchemaError(f"field {name}: its type must be {type_}, without null")
    for name, type_ in reserved.items():
        column = schema.column(name)
        if column is not None and column.type != type_:
            raise SchemaError(f"field {name} is reserved: its type must be {type_} (or a union of it with null)")
    if len(schema.metadata) > fields.MAX_METADATA[kind]:
        raise SchemaError(
            f"{len(schema.metadata)} metadata fields; a schema of {kind.value} may have {fields.MAX_METADATA[kind]}"
        )
    if kind is not DatasetKind.INTERACTIONS and len(names) == len(required):
        raise SchemaError(f"a schema of {kind.value} must have at least one metadata field")
    textual = [column.name for column in schema.columns if column.textual]
    if len(textual) > 1 or (textual and kind is not DatasetKind.ITEMS):
        raise SchemaError(f"field {textual[-1]}: only one field of an Items schema may be textual")

"""From the file's Avro schemas to the columns that an experiment declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contract import fields
from contract.recipes import DatasetKind
from experiments.from_mpe.config import AvroField, Config, Dataset
from experiments.from_mpe.document import Place
from experiments.from_mpe.ledger import Ledger

_MAX_COLUMN = 64


class Unusable(Exception):
    """The schema lacks what the service demands."""

    def __init__(self, place: Place, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.place, self.problem, self.hint = place, problem, hint


@dataclass(frozen=True, kw_only=True)
class Columns:
    """One dataset: {column of the schema: column of the file}, and the declared ones as the YAML has them."""

    mapping: dict[str, str]
    declared: list[dict[str, Any]] = field(default_factory=list)


def datasets(config: Config, ledger: Ledger) -> dict[DatasetKind, Columns]:
    """The datasets of the experiment; Unusable if a required column is missing or has another type."""
    plain = Columns(mapping={name: name for name in fields.REQUIRED[DatasetKind.INTERACTIONS]})
    given = config.datasets
    if given is None:
        return {DatasetKind.INTERACTIONS: plain}
    if given.serviceConfig and given.serviceConfig.importMode == "FULL":
        ledger.carry("datasets", "serviceConfig", "importMode")
    made = {}
    for kind in DatasetKind:
        part: Dataset | None = getattr(given, kind.value.lower())
        if part is not None:
            made[kind] = _dataset(kind, part, ledger)
    return {kind: columns for kind, columns in made.items() if columns is not None}


def _dataset(kind: DatasetKind, part: Dataset, ledger: Ledger) -> Columns | None:
    avro = part.columns.serviceConfig.avro
    place: Place = ("datasets", kind.value.lower(), "schema", "serviceConfig", "schema")
    ledger.carry(*place, "type")
    if avro.name.casefold() == kind.value.casefold():
        ledger.carry(*place, "name")
    if avro.namespace == fields.SCHEMA_NAMESPACE:
        ledger.carry(*place, "namespace")
    if avro.version == "1.0":
        ledger.carry(*place, "version")
    _has_required(kind, avro.fields_, (*place, "fields"))
    columns = Columns(mapping={name: name for name in fields.REQUIRED[kind]})
    for number, one in enumerate(avro.fields_):
        at = (*place, "fields", number)
        if one.name in fields.REQUIRED[kind]:
            _required(one, at, ledger)
        else:
            _column(kind, one, at, columns, ledger)
    if kind is not DatasetKind.INTERACTIONS and not columns.declared:
        ledger.leave(
            ("datasets", kind.value.lower()),
            "a dataset without a column to learn from is not made",
            "add a column of metadata to its schema, and the dataset to the experiment",
        )
        return None
    return columns


def _has_required(kind: DatasetKind, given: list[AvroField], place: Place) -> None:
    names = [one.name for one in given]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise Unusable((*place, number, "name"), f"the column {name} is declared twice", "Keep one of the two")
    for name, wanted in fields.REQUIRED[kind].items():
        if name not in names:
            raise Unusable(place, f"the column {name} is missing", f"Amazon Personalize demands it ({wanted})")
        number = names.index(name)
        if given[number].only_type != wanted:
            raise Unusable((*place, number, "type"), f"{name} must have the type {wanted!r}", "Correct the type")


def _required(one: AvroField, at: Place, ledger: Ledger) -> None:
    """A required column is implied; it can be neither empty nor a category."""
    ledger.carry(*at, "name")
    if one.nullable:
        ledger.leave((*at, "type"), f"{one.name} can never be empty", "leave out rows without it")
    else:
        _carry_type(one, at, ledger)
    _carry_if_false(one, at, ledger)


def _column(kind: DatasetKind, one: AvroField, at: Place, columns: Columns, ledger: Ledger) -> None:
    problem = _why_not(kind, one, columns)
    if problem is not None:
        ledger.leave(at, *problem)
        return
    name = column_name(one.name)
    columns.mapping[name] = one.name
    columns.declared.append({"name": name, "type": one.only_type} | dict(_flags(one)))
    ledger.carry(*at, "name")
    if name != one.name:
        ledger.leave((*at, "name"), f"the column is called {name}", "filters must name it so; the file needs no change")
    _carry_type(one, at, ledger)
    ledger.carry(*at, "categorical")
    ledger.carry(*at, "textual")


def _flags(one: AvroField) -> Iterator[tuple[str, bool]]:
    for flag in ("categorical", "textual", "nullable"):
        if getattr(one, flag):
            yield flag, True


def _carry_type(one: AvroField, at: Place, ledger: Ledger) -> None:
    ledger.carry(*at, "type")
    for number in range(len(one.type)):
        ledger.carry(*at, "type", number)


def _carry_if_false(one: AvroField, at: Place, ledger: Ledger) -> None:
    for flag in ("categorical", "textual"):
        if getattr(one, flag) is False:
            ledger.carry(*at, flag)
        elif getattr(one, flag):
            ledger.leave((*at, flag), f"{one.name} tells who, what or when: it is no metadata", "nothing")


def column_name(given: str) -> str:
    """As columns are written here: capitals, digits and underscores, a letter first."""
    made = re.sub(r"[^A-Z0-9_]", "_", given.upper()).lstrip("_0123456789")
    return (made or "COLUMN")[:_MAX_COLUMN]


def _why_not(kind: DatasetKind, one: AvroField, columns: Columns) -> tuple[str, str] | None:
    """(problem, what to do) for a column that an experiment cannot declare."""
    name, reserved = column_name(one.name), fields.RESERVED[kind].get(one.name)
    if one.only_type is None:
        return "a column has one type, besides null", "give it one of the types, and add it to the experiment"
    if name in columns.mapping or (reserved is None and name in fields.RESERVED[kind]):
        return f"as {name} the column would have the name of another", "rename it in schema and file"
    if (one.categorical or one.textual) and one.only_type != "string":
        return "only a string can be categorical or textual", "declare it as a string, or without the flag"
    if one.textual and kind is not DatasetKind.ITEMS:
        return "only items may have a textual column", "leave it out"
    if reserved:
        ok = one.only_type == reserved
        return None if ok else (f"{one.name} is reserved and has the type {reserved}", "correct the type or rename it")
    if one.only_type == "string" and not (one.categorical or one.textual):
        return (
            "a string that is neither categorical nor textual is not learned from",
            "declare it with `categorical: true` under schemas, and under data, if it is needed",
        )
    metadata = [column for column in columns.declared if column["name"] not in fields.RESERVED[kind]]
    if len(metadata) >= fields.MAX_METADATA[kind]:
        return f"the service allows {fields.MAX_METADATA[kind]} columns of metadata here", "choose which ones matter"
    return None

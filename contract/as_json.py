"""Dataclasses as JSON and back: what is read is checked against the types, and a finding names its member."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal, TypeVar

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Plain JSON values of a dataclass, nested ones included."""
    return dataclasses.asdict(value)


def from_json(wanted: type[T], value: Any, *, where: str = "event") -> T:
    """`value` as the dataclass `wanted`, nested ones included; ValueError names the member that is wrong."""
    return typing.cast(T, _read(wanted, value, where))


def _read(wanted: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is Any:
        return value
    if dataclasses.is_dataclass(wanted):
        return _read_dataclass(wanted, value, where)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{where} is {value!r}; allowed: {', '.join(map(str, arguments))}")
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = [a for a in arguments if a is not type(None)]
        return _read(inner, value, where)
    expected = origin or wanted
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise ValueError(f"{where} is {value!r}; expected {expected.__name__}")
    if origin is list:
        return [_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict:
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return value


def _read_dataclass(wanted: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {value!r}; expected an object")
    hints = typing.get_type_hints(wanted)
    fields = {f.name: f for f in dataclasses.fields(wanted)}
    if unknown := sorted(set(value) - set(fields)):
        raise ValueError(f"{where} has the unknown member {unknown[0]!r}; known: {', '.join(fields)}")
    made = {}
    for key, entry in fields.items():
        if key in value:
            made[key] = _read(hints[key], value[key], f"{where}.{key}")
        elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where} lacks the member {key!r}")
    return wanted(**made)

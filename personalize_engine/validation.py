"""A request against its service model: required members, types, lengths, ranges, patterns and enums.

The messages follow those of AWS and name the member, as `solutionConfig.hpoConfig.hpoObjective.type`. Members that the
model does not know are ignored, as AWS ignores them (the parser has dropped them already).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (datetime, int, float, str),  # as parsed, or as it travels
}
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
"""JSON can write it, UTF-8 and the store cannot."""
_CLASSES = {  # Java's classes in patterns, as Python knows them
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{L}\p{Z}\p{N}_": r"\w\s",
}


def problems(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """What is wrong with `value`, one sentence each; nothing if it fits the shape (a botocore shape)."""
    kind: str = shape.type_name
    if not _is_of(kind, value):
        yield f"Value {value!r} at '{where}' failed to satisfy constraint: Member must be of type {kind}"
        return
    yield from _constraints(shape, value, where)
    if kind == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                at = _join(where, name)
                yield f"Value null at '{at}' failed to satisfy constraint: Member must not be null"
        for name, member in value.items():
            if member is not None and name in shape.members:
                yield from problems(shape.members[name], member, _join(where, name))
    elif kind == "list":
        for position, member in enumerate(value, 1):
            yield from problems(shape.member, member, f"{where}.{position}.member")
    elif kind == "map":
        for key, member in value.items():
            yield from problems(shape.key, key, f"{where}.key")
            yield from problems(shape.value, member, _join(where, str(key)))


def message(found: list[str]) -> str:
    """The problems as AWS writes them."""
    word = "error" if len(found) == 1 else "errors"
    return f"{len(found)} validation {word} detected: " + "; ".join(found)


def _is_of(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _constraints(shape: Any, value: Any, where: str) -> Iterator[str]:
    rules, kind = shape.metadata, shape.type_name
    said = f"Value {_shorten(value)} at '{where}' failed to satisfy constraint: Member must "
    if kind in {"string", "list", "map"}:
        if "min" in rules and len(value) < rules["min"]:
            yield f"{said}have length greater than or equal to {rules['min']}"
        if "max" in rules and len(value) > rules["max"]:
            yield f"{said}have length less than or equal to {rules['max']}"
    elif kind in {"integer", "long", "float", "double"}:
        if "min" in rules and value < rules["min"]:
            yield f"{said}have value greater than or equal to {rules['min']}"
        if "max" in rules and value > rules["max"]:
            yield f"{said}have value less than or equal to {rules['max']}"
    if kind == "string":
        if _HALF_A_PAIR.search(value):
            yield f"{said}be text: half of a surrogate pair is no character"
        if "pattern" in rules and not _pattern(rules["pattern"]).fullmatch(value):
            yield f"{said}satisfy regular expression pattern: {rules['pattern']}"
        if shape.enum and value not in shape.enum:
            yield f"{said}satisfy enum value set: [{', '.join(shape.enum)}]"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    for java, python in _CLASSES.items():
        text = text.replace(java, python)
    return re.compile(text)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _shorten(value: Any) -> str:
    text = str(value) if isinstance(value, int | float) else repr(value)
    return text if len(text) <= 100 else text[:97] + "..."

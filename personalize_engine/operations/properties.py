"""The `properties` of events, items and users: a JSON object in a string, by the columns of a dataset's schema.

Keys are written in camel case (cabinType for CABIN_TYPE). Numbers and booleans may be written as strings: the API
reference's own example is {"numberOfRatings": "12"}.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from contract import fields
from personalize_engine import avro
from personalize_engine.errors import invalid_input

_NOT_IN_EVENTS = ("userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression")
"""Keys that an event's properties may not have, in any case (API reference, Event)."""
_LONG = 2**63
_SAID = 60
"""Characters of a value that an error repeats."""


def parse(text: str | None, where: str) -> dict[str, Any]:
    """The object, with column names as keys; InvalidInputException if it is none."""
    if text is None:
        return {}
    try:
        given = json.loads(text, parse_constant=_refuse_constant)
        text.encode()
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise invalid_input(f"{where} holds half of a surrogate pair, which is no character") from None
    except (ValueError, RecursionError) as error:
        raise invalid_input(f"{where} is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise invalid_input(f"{where} must be a JSON object")
    return {_column_name(key): value for key, value in given.items()}


def refuse_reserved(given: dict[str, Any], where: str) -> None:
    """InvalidInputException for keys that an event has as members of its own."""
    for name in given:
        if name.replace("_", "").lower() in _NOT_IN_EVENTS:
            raise invalid_input(f"{where} must not have the key {name}: it is a member of the event or the request")


def typed(column: avro.Column, content: Any, where: str) -> Any:
    """The value as the schema's type; InvalidInputException if it is none of it."""
    if content is None:
        if column.nullable:
            return None
        raise invalid_input(f"{where}: {column.name} is null; the schema says {column.type}")
    value = _READ[column.type](content)
    if value is None:
        said = repr(content)
        raise invalid_input(
            f"{where}: {column.name} is {said if len(said) <= _SAID else said[:_SAID] + '…'};"
            f" the schema says {column.type}"
        )
    created = column.name == fields.CREATION_TIMESTAMP
    if created and isinstance(value, int) and not 0 <= value < fields.MILLISECONDS_FROM:
        raise invalid_input(f"{where}: {column.name} {value} is no sensible moment; it must be Unix time in seconds")
    if isinstance(value, str):
        limit = fields.MAX_TEXTUAL_LENGTH if column.textual else fields.MAX_CATEGORICAL_LENGTH
        if len(value) > limit:
            raise invalid_input(f"{where}: {column.name} has {len(value)} characters; {limit} are allowed")
    return value


def finite(content: Any) -> float | None:
    """A finite number, or a string of one; else None."""
    if isinstance(content, bool) or not isinstance(content, int | float | str):
        return None
    try:
        number = float(content)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _column_name(key: str) -> str:
    return key if key.upper() == key else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).upper()


def _string(content: Any) -> str | None:
    return content if isinstance(content, str) else None


def _integer(content: Any) -> int | None:
    if isinstance(content, bool) or not isinstance(content, int | str):
        return None
    try:
        number = int(content)
    except ValueError:
        return None
    return number if -_LONG <= number < _LONG else None


def _boolean(content: Any) -> bool | None:
    if isinstance(content, bool):
        return content
    return {"true": True, "false": False}.get(content.lower()) if isinstance(content, str) else None


_READ = {
    "string": _string,
    "int": _integer,
    "long": _integer,
    "float": finite,
    "double": finite,
    "boolean": _boolean,
}

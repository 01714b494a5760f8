"""The values that a request gives for a filter's placeholders.

Source: Amazon Personalize developer guide, "Filter parameters"; `filterValues` of GetRecommendations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from personalize_engine.filters.expression import (
    Condition,
    Expression,
    Filter,
    FilterError,
    Placeholder,
    Value,
    Verb,
)
from personalize_engine.filters.parse import literal

_ONE = r'\s*("(?:\\.|[^"\\])*"|[^\s",]+)\s*'
_LIST = re.compile(rf"{_ONE}(?:,{_ONE})*", re.DOTALL)
_MEMBER = re.compile(_ONE, re.DOTALL)


def bind(parsed: Filter, given: Mapping[str, str]) -> Filter:
    """The filter with values in place of its placeholders; FilterError names the placeholder that is wrong.

    An INCLUDE needs values for all of its placeholders. An EXCLUDE without them is left out, as the service does.
    """
    known = parsed.placeholders
    for name in given:
        if name not in known:
            has = ", ".join(known) or "it has none"
            raise FilterError(f"filterValues: the filter has no placeholder {name}; {has}")
    bound = []
    for expression in parsed.expressions:
        missing = [name for name in Filter((expression,)).placeholders if name not in given]
        if missing and expression.verb is Verb.INCLUDE:
            raise FilterError(
                f"filterValues: a value for {missing[0]} must be given, which an INCLUDE of the filter uses"
            )
        if not missing:
            bound.append(_bind(expression, given))
    return Filter(tuple(bound))


def _bind(expression: Expression, given: Mapping[str, str]) -> Expression:
    def conjunction(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple(replace(condition, values=_values(condition, given)) for condition in conditions)

    return replace(expression, where=tuple(map(conjunction, expression.where)), only_if=conjunction(expression.only_if))


def _values(condition: Condition, given: Mapping[str, str]) -> tuple[Value, ...]:
    values: list[Value] = []
    for value in condition.values:
        if isinstance(value, Placeholder):
            values += _read(value.name, given[value.name], condition)
        else:
            values.append(value)
    return tuple(values)


def _read(name: str, text: str, condition: Condition) -> list[Value]:
    if not _LIST.fullmatch(text):
        raise FilterError(f"filterValues: {name} must hold values, separated by commas, strings in double quotes")
    strings = condition.operator.of_strings
    values: list[Value] = []
    for member in _MEMBER.findall(text):
        value = _literal(member)
        if value is None or isinstance(value, str) is not strings:
            wanted = "strings in double quotes" if strings else "a number"
            raise FilterError(f"filterValues: {name} is compared with {condition.field}; it must hold {wanted}")
        values.append(value)
    if not strings and len(values) > 1:
        raise FilterError(f"filterValues: {name} has {len(values)} values; {condition.operator} takes one")
    return values


def _literal(text: str) -> Value | None:
    try:
        return literal(text)
    except ValueError:
        return None

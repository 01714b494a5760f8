"""Which items a filter leaves for one request.

A condition on a field without a value is not met; NOT IN and != are the opposites of IN and =, so they are met then.
A field with several values meets IN when one of them is listed. `Interactions.EVENT_TYPE IN ("click")` is met by the
items that the user has clicked, among the newest `NEWEST_PER_TYPE` interactions of each event type; NOT IN by those
that the user had interactions of other types with. Event types are compared without regard to case.

Several expressions: what any INCLUDE lets in (everything, without one), less what any EXCLUDE names. An expression
whose IF is not met is not used. Source: Amazon Personalize developer guide, "Filter expressions"; what it leaves open
(fields without a value, NOT IN on event types) is decided here.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract import fields
from personalize_engine.filters.columns import ItemColumns
from personalize_engine.filters.expression import (
    ANY,
    Condition,
    Dataset,
    Expression,
    Filter,
    Operator,
    Placeholder,
    Value,
    Verb,
)

NEWEST_PER_TYPE = 100
"""Interactions of each event type that a filter considers, a user's newest."""

_COMPARISONS: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: operator.eq,
    Operator.NOT_EQUAL: operator.eq,  # negated, see _NEGATED
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
_NEGATED = {Operator.NOT_IN, Operator.NOT_EQUAL}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whom and what a request is about, as far as filters look at it."""

    user: Mapping[str, Any] = field(default_factory=dict)
    """The user's row of the Users dataset; empty if there is none."""
    item: Mapping[str, Any] = field(default_factory=dict)
    """The current item's row of the Items dataset."""
    interactions: Sequence[tuple[str, str | None]] = ()
    """Item id and event type of the user's interactions, oldest first."""


def allowed(bound: Filter, columns: ItemColumns, asked: Asked) -> NDArray[np.bool_]:
    """(n_items,) the items that the filter leaves. It must hold no placeholders any more (`values.bind`)."""
    included: NDArray[np.bool_] | None = None
    excluded = np.zeros(len(columns.items), bool)
    seen = _Interactions(asked.interactions) if Dataset.INTERACTIONS in bound.datasets else None
    for expression in bound.expressions:
        if not all(_holds(condition, asked.user) for condition in expression.only_if):
            continue
        met = _met(expression, columns, asked.item, seen)
        if expression.verb is Verb.EXCLUDE:
            excluded |= met
        else:
            included = met if included is None else included | met
    return ~excluded if included is None else included & ~excluded


class _Interactions:
    """Item ids by event type (in lower case, "" for none), of the newest interactions."""

    def __init__(self, interactions: Sequence[tuple[str, str | None]]) -> None:
        self.items: dict[str, set[str]] = {}
        counts: Counter[str] = Counter()
        for item, kind in reversed(interactions):
            name = (kind or "").lower()
            counts[name] += 1
            if counts[name] <= NEWEST_PER_TYPE:
                self.items.setdefault(name, set()).add(item)

    def meeting(self, condition: Condition) -> set[str]:
        """Item ids."""
        listed = {str(value).lower() for value in condition.values}
        negated = condition.operator is Operator.NOT_IN
        of_type = (items for name, items in self.items.items() if (ANY in listed or name in listed) is not negated)
        return set().union(*of_type)


def _met(
    expression: Expression, columns: ItemColumns, item: Mapping[str, Any], seen: _Interactions | None
) -> NDArray[np.bool_]:
    def one(condition: Condition) -> NDArray[np.bool_]:
        if condition.field.dataset is Dataset.INTERACTIONS:
            assert seen is not None, "the filter names Interactions"
            return _marked(columns, seen.meeting(condition))
        return _of_items(condition, columns, item)

    alternatives = [np.logical_and.reduce([one(condition) for condition in group]) for group in expression.where]
    met: NDArray[np.bool_] = np.logical_or.reduce(alternatives)
    return met


def _marked(columns: ItemColumns, ids: Iterable[str]) -> NDArray[np.bool_]:
    marks = np.zeros(len(columns.items), bool)
    rows = columns.items.rows(ids)
    marks[rows[rows >= 0]] = True
    return marks


def _of_items(condition: Condition, columns: ItemColumns, item: Mapping[str, Any]) -> NDArray[np.bool_]:
    values = _values(condition, item)
    if condition.operator.of_strings:
        met = columns.having(condition.field.name, (str(value) for value in values))
    elif not values:  # the current item has no such value
        met = np.zeros(len(columns.items), bool)
    else:
        column = columns.numbers(condition.field.name)
        met = _COMPARISONS[condition.operator](column.values, _as(column.values.dtype, values[0])) & column.known
    return ~met if condition.operator in _NEGATED else met


def _values(condition: Condition, item: Mapping[str, Any]) -> Sequence[Value]:
    """What the field is compared with."""
    if condition.other is None:
        return [value for value in condition.values if not isinstance(value, Placeholder)]
    return _cell(item, condition.other.name)


def _holds(condition: Condition, user: Mapping[str, Any]) -> bool:
    """Whether the current user meets a condition."""
    cell, listed = _cell(user, condition.field.name), _values(condition, {})
    if condition.operator.of_strings:
        met = not set(cell).isdisjoint(listed)
    elif not cell or isinstance(cell[0], str):
        met = False
    else:
        met = bool(_COMPARISONS[condition.operator](cell[0], _near(cell[0], listed[0])))
    return met is not (condition.operator in _NEGATED)


def _cell(row: Mapping[str, Any], name: str) -> Sequence[Value]:
    """The values of a row's field: none where it is null, NaN or absent."""
    cell = row.get(name)
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return []
    if isinstance(cell, str) and name not in {fields.ITEM_ID, fields.USER_ID}:
        return cell.split(fields.MULTI_VALUE_SEPARATOR)
    return [cell]


def _as(dtype: np.dtype[Any], value: Value) -> Any:
    """A number in the type of the column it is compared with: 0.1 equals the 0.1 of a column of 32-bit floats."""
    if dtype.kind != "f":
        return value
    with np.errstate(over="ignore"):  # beyond the largest 32-bit float is beyond every value
        return dtype.type(value)


def _near(cell: Value, value: Value) -> Value:
    """The same for one cell, whose column's type is no longer known: that of 32-bit floats if it could be of it."""
    with np.errstate(over="ignore"):
        narrow = isinstance(cell, float) and float(np.float32(cell)) == cell
        return float(np.float32(value)) if narrow else value

"""Whether a filter fits the schemas of its dataset group and the service's rules.

Source: Amazon Personalize developer guide, "Filter expressions: guidelines and requirements".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine.avro import Column, Schema
from personalize_engine.filters.expression import (
    ANY,
    Condition,
    Dataset,
    Expression,
    Field,
    Filter,
    FilterError,
    Operator,
    Placeholder,
    Subject,
)

MAX_FIELDS = 5
"""Distinct fields of datasets in a filter."""
MAX_FIELDS_OF_GROUP = 10
"""Distinct fields of datasets in all filters of a group."""

_KINDS = {
    Dataset.ITEMS: DatasetKind.ITEMS,
    Dataset.CURRENT_ITEM: DatasetKind.ITEMS,
    Dataset.USERS: DatasetKind.USERS,
    Dataset.CURRENT_USER: DatasetKind.USERS,
    Dataset.INTERACTIONS: DatasetKind.INTERACTIONS,
}
_TELLING = {
    Subject.ITEM: (Dataset.ITEMS, Dataset.INTERACTIONS),
    Subject.USER: (Dataset.USERS, Dataset.INTERACTIONS),
}
"""The datasets that conditions on a subject may use."""


def check(parsed: Filter, schemas: Mapping[DatasetKind, Schema], others: Iterable[Filter] = ()) -> None:
    """FilterError unless the filter may be created beside the `others` of its group."""
    for expression in parsed.expressions:
        _check_datasets(expression)
        for condition in expression.conditions:
            _check_condition(condition, schemas)
    if len(parsed.fields) > MAX_FIELDS:
        raise FilterError(f"the filter uses {len(parsed.fields)} distinct fields; a filter may use {MAX_FIELDS}")
    in_group = parsed.fields.union(*(other.fields for other in others))
    if len(in_group) > MAX_FIELDS_OF_GROUP:
        raise FilterError(
            f"with this filter, those of the dataset group would use {len(in_group)} distinct fields;"
            f" they may use {MAX_FIELDS_OF_GROUP}"
        )


def _check_datasets(expression: Expression) -> None:
    first = expression.where[0][0]
    known = _TELLING[expression.subject]
    for condition in (condition for alternative in expression.where for condition in alternative):
        used = condition.field.dataset
        if used is Dataset.CURRENT_USER:
            raise FilterError(f"{condition.place}: CurrentUser can only be used behind IF")
        if used not in known:
            allowed = " or ".join(known)
            raise FilterError(
                f"{condition.place}: {used} says nothing about {expression.subject}; behind WHERE: {allowed}"
            )
        if used is not first.field.dataset:
            raise FilterError(
                f"{condition.place}: {used} cannot be joined to {first.field.dataset} in one expression; put a | and a"
                " second expression between them"
            )
    for condition in expression.only_if:
        if condition.field.dataset is not Dataset.CURRENT_USER:
            raise FilterError(f"{condition.place}: only CurrentUser can be used behind IF, not {condition.field}")


def _check_condition(condition: Condition, schemas: Mapping[DatasetKind, Schema]) -> None:
    column = _column(condition.field, condition, schemas)
    if column.type == "boolean":
        raise FilterError(
            f"{condition.place}: {condition.field} is boolean, which cannot be filtered on; make it a string or an int"
        )
    if column.textual:
        raise FilterError(f"{condition.place}: {condition.field} is textual, which cannot be filtered on")
    strings = column.type == "string"
    if condition.operator.of_strings is not strings:
        fits = "IN or NOT IN" if strings else "=, !=, <, <=, > or >="
        raise FilterError(
            f"{condition.place}: {condition.operator} does not fit {condition.field}, which is of type {column.type};"
            f" use {fits}"
        )
    if condition.other is not None:
        _check_other(condition, column, schemas)
    for value in condition.values:
        if isinstance(value, Placeholder):
            if condition.operator is Operator.NOT_IN:
                raise FilterError(
                    f"{condition.place}: NOT IN takes no placeholders such as {value}; use IN and the opposite of"
                    " INCLUDE or EXCLUDE"
                )
        elif isinstance(value, str) is not strings:
            raise FilterError(
                f"{condition.place}: {condition.field} is of type {column.type}, so it cannot be compared with"
                f" {_shown(value)}"
            )
    if ANY in condition.values and condition.field.dataset is not Dataset.INTERACTIONS:
        raise FilterError(f'{condition.place}: "{ANY}" stands for every event type; {condition.field} is none')


def _check_other(condition: Condition, column: Column, schemas: Mapping[DatasetKind, Schema]) -> None:
    other = condition.other
    assert other is not None
    if other.dataset is not Dataset.CURRENT_ITEM or condition.field.dataset is not Dataset.ITEMS:
        raise FilterError(
            f"{condition.place}: {condition.field} cannot be compared with {other}; only fields of Items can be,"
            " with those of CurrentItem"
        )
    if (_column(other, condition, schemas).type == "string") is not (column.type == "string"):
        raise FilterError(f"{condition.place}: {condition.field} and {other} are not of comparable types")


def _column(named: Field, condition: Condition, schemas: Mapping[DatasetKind, Schema]) -> Column:
    kind = _KINDS[named.dataset]
    if (schema := schemas.get(kind)) is None:
        raise FilterError(
            f"{condition.place}: {named} needs a dataset of type {kind.value.upper()}, and the group has no dataset of"
            f" type {kind.value.upper()}"
        )
    if kind is DatasetKind.INTERACTIONS:
        if named.name.upper() != fields.EVENT_TYPE:
            raise FilterError(f"{condition.place}: of the interactions only EVENT_TYPE can be filtered on, not {named}")
        # Events have a type whether the schema has the column or not.
        return Column(name=fields.EVENT_TYPE, type="string", nullable=True, categorical=False, textual=False)
    if (column := schema.column(named.name)) is None:
        known = ", ".join(column.name for column in schema.columns)
        raise FilterError(f"{condition.place}: the schema of {kind.value} has no field {named.name}; it has {known}")
    return column


def _shown(value: str | int | float) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)

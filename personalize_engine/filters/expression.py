"""What a filter expression says, once parsed; and the error that tells where one is wrong.

FilterError   the expression, or a value for one of its placeholders, cannot be used; the message says where and why
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

ANY = "*"
"""As an event type: every one."""

Value = str | int | float


class FilterError(ValueError):
    """Told to the caller as it is."""


class Verb(StrEnum):
    """What becomes of the items that meet the conditions."""

    INCLUDE = "INCLUDE"
    EXCLUDE = "EXCLUDE"


class Subject(StrEnum):
    """What is filtered. Only items are recommended so far; users are those of segments."""

    ITEM = "ItemID"
    USER = "UserID"


class Dataset(StrEnum):
    """The part of a field before the dot."""

    ITEMS = "Items"
    USERS = "Users"
    INTERACTIONS = "Interactions"
    CURRENT_USER = "CurrentUser"
    CURRENT_ITEM = "CurrentItem"


class Operator(StrEnum):
    """IN and NOT_IN compare strings, the others numbers."""

    IN = "IN"
    NOT_IN = "NOT IN"
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="

    @property
    def of_strings(self) -> bool:
        """Whether it compares strings."""
        return self in {Operator.IN, Operator.NOT_IN}


@dataclass(frozen=True)
class Field:
    """`Items.GENRE`."""

    dataset: Dataset
    name: str

    def __str__(self) -> str:
        return f"{self.dataset}.{self.name}"


@dataclass(frozen=True)
class Placeholder:
    """`$GENRE`: its values come with the request."""

    name: str

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True)
class Place:
    """Where in the text, counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One comparison of a field."""

    field: Field
    operator: Operator
    values: tuple[Value | Placeholder, ...] = ()
    """Several only for IN and NOT IN; none when the field is compared with another."""
    other: Field | None = None
    """The field of the current item that it is compared with."""
    place: Place = dataclasses.field(default=Place(1, 1), compare=False)


@dataclass(frozen=True, kw_only=True)
class Expression:
    """One of the expressions between the pipes."""

    verb: Verb
    subject: Subject
    where: tuple[tuple[Condition, ...], ...]
    """Any of these alternatives, each of which is met when all of its conditions are."""
    only_if: tuple[Condition, ...] = ()
    """What must hold of the current user for the expression to be used at all."""

    @property
    def conditions(self) -> Iterator[Condition]:
        """All of them, in the order of the text."""
        for alternative in self.where:
            yield from alternative
        yield from self.only_if


@dataclass(frozen=True)
class Filter:
    """All expressions of a filter."""

    expressions: tuple[Expression, ...]

    @property
    def conditions(self) -> Iterator[Condition]:
        """Of all expressions."""
        for expression in self.expressions:
            yield from expression.conditions

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Their names, in the order of the text."""
        values = (value for condition in self.conditions for value in condition.values)
        return tuple(dict.fromkeys(value.name for value in values if isinstance(value, Placeholder)))

    @property
    def datasets(self) -> frozenset[Dataset]:
        """Every dataset that a condition names."""
        named = (name for condition in self.conditions for name in (condition.field, condition.other))
        return frozenset(name.dataset for name in named if name is not None)

    @property
    def fields(self) -> frozenset[str]:
        """The distinct fields of datasets that it uses: CurrentUser.AGE is Users.AGE."""
        named = (name for condition in self.conditions for name in (condition.field, condition.other))
        return frozenset(f"{_STORED.get(name.dataset, name.dataset)}.{name.name}" for name in named if name is not None)


_STORED = {Dataset.CURRENT_USER: Dataset.USERS, Dataset.CURRENT_ITEM: Dataset.ITEMS}

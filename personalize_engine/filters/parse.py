"""The text of a filter expression to what it says; an error names the place and what could stand there.

Source: Amazon Personalize developer guide, "Filter expression structure and elements" and "Combining multiple
expressions".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, UnexpectedInput, UnexpectedToken

from personalize_engine.filters.expression import (
    Condition,
    Dataset,
    Expression,
    Field,
    Filter,
    FilterError,
    Operator,
    Place,
    Placeholder,
    Subject,
    Value,
    Verb,
)

_WORDS = {
    "VERB": "INCLUDE or EXCLUDE",
    "SUBJECT": "ItemID or UserID",
    "COMPARISON": "one of = != < <= > >=",
    "NAME": "a name",
    "PLACEHOLDER": "a $PLACEHOLDER",
    "STRING": 'a "string"',
    "NUMBER": "a number",
    "DOT": "a dot",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "VBAR": "|",
    "NOT": "NOT IN",
    "$END": "the end",
}
"""Terminals of the grammar as messages call them; the others are called by their own names."""
_LONGEST_SHOWN = 30
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


@lru_cache(maxsize=256)
def parse(text: str) -> Filter:
    """The filter; FilterError if the text is not one. Whether its fields exist is for `check` to say."""
    parser: Any = _grammar().parse_interactive(text)
    try:
        parser.exhaust_lexer()
        tree = parser.feed_eof()
    except UnexpectedInput as error:
        raise FilterError(_explain(error, text, parser.accepts())) from None
    return Filter(tuple(_expression(child) for child in tree.children))


def literal(text: str) -> Value:
    r"""The value of a "string" (quotes included, \" stands for a quote) or of a number; ValueError if it is neither."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    if not _NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number that can be compared with")
    exact = int(text) if _INTEGER.fullmatch(text) else 2**63
    return exact if -(2**63) <= exact < 2**63 else number


@cache
def _grammar() -> Lark:
    text = files("personalize_engine.filters").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, start="filter", parser="lalr", propagate_positions=True)


def _expression(tree: Any) -> Expression:
    verb, subject, where, *only_if = tree.children
    if subject.upper() == "ACTIONID":
        raise FilterError(f"{_place(subject)}: ActionID filters actions, which this engine does not recommend")
    return Expression(
        verb=Verb(verb.upper()),
        subject=Subject.ITEM if subject.upper() == "ITEMID" else Subject.USER,
        where=tuple(_conjunction(child) for child in where.children),
        only_if=_conjunction(only_if[0]) if only_if else (),
    )


def _conjunction(tree: Any) -> tuple[Condition, ...]:
    return tuple(_condition(child) for child in tree.children)


def _condition(tree: Any) -> Condition:
    left, operator, right = tree.children
    found = Operator.NOT_IN if operator.type == "NOT" else Operator(operator.upper())
    other = _field(right) if right.data == "field" else None
    values = () if other else tuple(map(_value, right.children if right.data == "values" else [right]))
    place = Place(left.meta.line, left.meta.column)
    return Condition(field=_field(left), operator=found, values=values, other=other, place=place)


def _field(tree: Any) -> Field:
    dataset, name = tree.children
    for known in Dataset:
        if known.lower() == dataset.lower():
            return Field(known, str(name))
    known_ones = ", ".join(known for known in Dataset)
    raise FilterError(f"{_place(dataset)}: {dataset} is no dataset; known: {known_ones}")


def _value(tree: Any) -> Value | Placeholder:
    (token,) = tree.children
    if tree.data == "placeholder":
        return Placeholder(str(token[1:]))
    try:
        return literal(str(token))
    except ValueError as error:
        raise FilterError(f"{_place(token)}: {error}") from None


def _place(token: Token) -> Place:
    return Place(token.line or 1, token.column or 1)


def _explain(error: UnexpectedInput, text: str, terminals: Iterable[str]) -> str:
    expected = " or ".join(sorted({_WORDS.get(name, name.lstrip("_")) for name in terminals}))
    rest = text[error.pos_in_stream or 0 :].split("\n", 1)[0].rstrip()
    if not rest or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        return f"{_end(text)}: the expression ends where {expected} is expected"
    shown = rest if len(rest) <= _LONGEST_SHOWN else rest[:_LONGEST_SHOWN] + "…"
    return f"{Place(error.line, error.column)}: {expected} is expected, not {shown}"


def _end(text: str) -> Place:
    before = text.rstrip().split("\n")
    return Place(len(before), len(before[-1]) + 1)

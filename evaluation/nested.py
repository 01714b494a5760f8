"""Any JSON value as HTML: for parts of a report whose shape belongs to someone else."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from evaluation.markup import Cell, Group, Row, code, escape, facts, table
from evaluation.words import MISSING, count, number, sentence_case

_DEEPEST = 6
"""Below this, values are printed as they are."""


def is_number(value: Any) -> TypeGuard[int | float]:
    """True for an int or a finite float, not for bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def scalar(value: Any) -> str:
    """A single value as markup: numbers formatted, None as a dash, ARNs and keys as code."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return count(value) if value.is_integer() and abs(value) >= 1000 else number(value)
    text = str(value)
    return code(text) if text.startswith("arn:") else escape(text)


def nested(value: Any, *, depth: int = 0) -> str:
    """Objects as lists of terms, lists of objects as tables, lists of values in a row; empty text for nothing."""
    if depth > _DEEPEST:
        return escape(value)
    if isinstance(value, dict):
        return facts([(sentence_case(str(key)), nested(inner, depth=depth + 1)) for key, inner in value.items()])
    if isinstance(value, list | tuple):
        if value and all(isinstance(row, dict) and row for row in value):
            return _rows(list(value), depth)
        if not any(isinstance(item, dict | list | tuple) for item in value):
            return ", ".join(scalar(item) for item in value)
        items = "".join(f"<li>{nested(item, depth=depth + 1)}</li>" for item in value)
        return f"<ol>{items}</ol>"
    return scalar(value)


def _rows(rows: list[dict[str, Any]], depth: int) -> str:
    columns = list(dict.fromkeys(str(key) for row in rows for key in row))
    first, *others = columns
    made = [
        Row(
            head=nested(row.get(first), depth=depth + 1),
            cells=[
                Cell(html=nested(row.get(key), depth=depth + 1), kind="n" if is_number(row.get(key)) else "")
                for key in others
            ],
        )
        for row in rows
    ]
    return table(
        f"{len(rows)} rows", [sentence_case(key) for key in others], [Group(rows=made)], first=sentence_case(first)
    )

"""docs/filters.md says what the code does: limits, operators, and that its examples are filters."""

from __future__ import annotations

import re
from pathlib import Path

from personalize_engine.filters.check import MAX_FIELDS, MAX_FIELDS_OF_GROUP
from personalize_engine.filters.evaluate import NEWEST_PER_TYPE
from personalize_engine.filters.expression import Operator
from personalize_engine.filters.parse import parse

PAGE = (Path(__file__).parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.split())


def test_limits() -> None:
    assert f"at most {MAX_FIELDS} distinct fields, all filters of a dataset group at most {MAX_FIELDS_OF_GROUP}" in FLAT
    assert f"the newest {NEWEST_PER_TYPE} of each event type" in FLAT


def test_every_operator_is_there() -> None:
    for operator in Operator:
        assert re.search(rf"`{re.escape(operator)}[ `]", PAGE), operator


def test_conditions_are_conditions() -> None:
    conditions = re.findall(r"`((?:Items|Interactions)\.[A-Z_]+ (?:IN|NOT IN|[<>=!]+) [^`]+)`", PAGE)
    assert len(conditions) >= 4
    for condition in conditions:
        assert parse(f"INCLUDE ItemID WHERE {condition}").expressions

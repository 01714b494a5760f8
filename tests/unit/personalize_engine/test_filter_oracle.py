"""Every filter beside a slow, obvious reading of it, over random catalogues, users and filters."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.filters.columns import ItemColumns
from personalize_engine.filters.evaluate import Asked, allowed
from personalize_engine.filters.parse import parse
from personalize_engine.filters.values import bind

Row = dict[str, Any]

ITEMS = [f"i{n}" for n in range(8)] + ['odd "id"', "a|b"]
WORDS = ["drama", "Drama", 'a"b', "x,y", "back\\slash", "", "é𝄞"]
NUMBERS = [0, 1, -3, 7, 2**62, -(2**63), 0.1, 0.7, 2.5, -1e-3, 1e30, 1e300]
TYPES = ["click", "Click", "buy", "stream"]
STRING_FIELDS = ("GENRE", "COUNTRY", "ITEM_ID")
NUMBER_FIELDS = ("YEAR", "PRICE", "SCORE")
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


@dataclass(frozen=True)
class Said:
    """One condition as it was drawn."""

    dataset: str
    name: str
    operator: str
    values: tuple[Any, ...] = ()
    other: str | None = None
    placeholder: str | None = None


@dataclass(frozen=True)
class Drawn:
    """One expression as it was drawn."""

    verb: str
    where: tuple[tuple[Said, ...], ...]
    only_if: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Case:
    """All that an answer depends on."""

    catalogue: list[Row]
    known_to_model: list[str]
    current_item: Row
    user: Row
    runs: list[tuple[str, str | None, int]]
    """The user's interactions: item, event type, how often one after the other."""
    expressions: list[Drawn]
    text: str
    given: dict[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------- the obvious reading
def expected(case: Case) -> list[str]:
    """The items of the model that the filter leaves."""
    rows = {row["ITEM_ID"]: row for row in case.catalogue}
    used = [expression for expression in case.expressions if applies(expression, case)]
    includes = [expression for expression in used if expression.verb == "INCLUDE"]
    excludes = [expression for expression in used if expression.verb == "EXCLUDE"]
    left = []
    for item in case.known_to_model:
        row = rows.get(item, {})
        let_in = not includes or any(meets(item, row, expression, case) for expression in includes)
        if let_in and not any(meets(item, row, expression, case) for expression in excludes):
            left.append(item)
    return left


def applies(expression: Drawn, case: Case) -> bool:
    every = [said for group in expression.where for said in group] + list(expression.only_if)
    if any(said.placeholder is not None and said.placeholder not in case.given for said in every):
        return False
    return all(compare(case.user.get(said.name), said, list(said.values), "USER") for said in expression.only_if)


def meets(item: str, row: Row, expression: Drawn, case: Case) -> bool:
    return any(all(meets_one(item, row, said, case) for said in group) for group in expression.where)


def meets_one(item: str, row: Row, said: Said, case: Case) -> bool:
    if said.dataset == "Interactions":
        return any(
            seen == item
            and (("*" in said.values) or name in [v.lower() for v in said.values]) is (said.operator == "IN")
            for seen, name in newest(case.runs)
        )
    others = list(said.values)
    if said.other is not None:
        others = cell_values(case.current_item.get(said.other), said.other)
    return compare(row.get(said.name), said, others, said.name)


def newest(runs: Sequence[tuple[str, str | None, int]]) -> set[tuple[str, str]]:
    """Item and event type (in lower case) of the newest hundred interactions of each type."""
    by_type: dict[str, list[str]] = {}
    for item, name, times in runs:
        by_type.setdefault((name or "").lower(), []).extend([item] * times)
    return {(item, name) for name, items in by_type.items() for item in items[-100:]}


def compare(cell: Any, said: Said, others: list[Any], name: str) -> bool:
    values = cell_values(cell, said.name)
    if said.operator in {"IN", "NOT IN"}:
        return any(value in others for value in values) is (said.operator == "IN")
    if not values or not others:
        return said.operator == "!="
    left, right = values[0], others[0]
    if name == "PRICE" or (name == "USER" and isinstance(left, float) and narrow(left) == left):
        left, right = narrow(left), narrow(right)
    return COMPARISONS[said.operator](left, right)


def cell_values(cell: Any, name: str) -> list[Any]:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return []
    return cell.split("|") if isinstance(cell, str) and name != "ITEM_ID" else [cell]


def narrow(value: float) -> float:
    """As a 32-bit float holds it."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


# ----------------------------------------------------------------------------------------------------- random cases
words = st.sampled_from(WORDS)
numbers = st.sampled_from(NUMBERS)
cells = st.none() | st.lists(words, min_size=1, max_size=3).map("|".join)
doubles = st.none() | st.sampled_from([float(n) for n in NUMBERS] + [math.nan])


@st.composite
def item_rows(draw: st.DrawFn, item: str) -> Row:
    price = draw(st.none() | st.sampled_from([narrow(n) for n in NUMBERS if n != 1e300]))
    year = draw(st.none() | st.sampled_from([n for n in NUMBERS if isinstance(n, int)]))
    return {
        "ITEM_ID": item,
        "GENRE": draw(cells),
        "COUNTRY": draw(cells),
        "YEAR": year,
        "PRICE": price,
        "SCORE": draw(doubles),
    }


def quoted(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


@st.composite
def conditions(draw: st.DrawFn, dataset: str) -> Said:
    if dataset == "Interactions":
        values = draw(st.lists(st.sampled_from([*TYPES, "*"]), min_size=1, max_size=2))
        name, operator = "EVENT_TYPE", draw(st.sampled_from(["IN", "NOT IN"]))
        other = False
    else:
        strings, numerical = (STRING_FIELDS, NUMBER_FIELDS) if dataset == "Items" else (("PLAN",), ("AGE", "RATIO"))
        other = dataset == "Items" and draw(st.integers(0, 3)) == 0
        if draw(st.booleans()):
            name, operator = draw(st.sampled_from(strings)), draw(st.sampled_from(["IN", "NOT IN"]))
            pool = words if name != "ITEM_ID" else st.sampled_from(ITEMS)
            values = draw(st.lists(pool, min_size=1, max_size=3))
            others = STRING_FIELDS
        else:
            name, operator = draw(st.sampled_from(numerical)), draw(st.sampled_from(sorted(COMPARISONS)))
            values, others = [draw(numbers)], NUMBER_FIELDS
    if other:
        return Said(dataset, name, operator, other=draw(st.sampled_from(others)))
    asked = draw(st.sampled_from(["P1", "P2", "P3"])) if operator != "NOT IN" and draw(st.integers(0, 3)) == 0 else None
    return Said(dataset, name, operator, tuple(values), placeholder=asked)


@st.composite
def expressions(draw: st.DrawFn) -> Drawn:
    one = conditions(draw(st.sampled_from(["Items", "Interactions"])))
    groups = draw(st.lists(st.lists(one, min_size=1, max_size=3).map(tuple), min_size=1, max_size=2))
    only_if = draw(st.just(()) | st.lists(conditions("CurrentUser"), max_size=2).map(tuple))
    return Drawn(draw(st.sampled_from(["INCLUDE", "EXCLUDE"])), tuple(groups), only_if)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    in_catalogue = draw(st.lists(st.sampled_from(ITEMS), unique=True))
    catalogue = [draw(item_rows(item)) for item in in_catalogue]
    drawn = draw(st.lists(expressions(), min_size=1, max_size=3))
    said, given_values = settle(draw, drawn)
    runs = draw(
        st.lists(
            st.tuples(st.sampled_from(ITEMS), st.none() | st.sampled_from(TYPES), st.sampled_from([1, 2, 98, 101])),
            max_size=5,
        )
    )
    plan, age = draw(cells), draw(st.none() | st.sampled_from([n for n in NUMBERS if isinstance(n, int)]))
    ratio = draw(doubles | st.just(narrow(0.1)))
    full = {"PLAN": plan, "AGE": age, "RATIO": ratio}
    return Case(
        catalogue=catalogue,
        known_to_model=draw(st.lists(st.sampled_from(ITEMS), unique=True)),
        current_item=draw(st.sampled_from([{}, *catalogue])),
        user=draw(st.sampled_from([{}, full])),
        runs=runs,
        expressions=said,
        text=" | ".join(written(draw, expression) for expression in said),
        given=given_values,
    )


def settle(draw: st.DrawFn, drawn: list[Drawn]) -> tuple[list[Drawn], dict[str, str]]:
    """Each use of a placeholder gets one of its own, with the condition's values; an EXCLUDE's may be left out."""
    given_values: dict[str, str] = {}
    count = 0

    def name(said: Said, may_lack: bool) -> Said:
        nonlocal count
        if said.placeholder is None:
            return said
        count += 1
        if not (may_lack and draw(st.booleans())):
            given_values[f"P{count}"] = ",".join(quoted(value) for value in said.values)
        return Said(said.dataset, said.name, said.operator, said.values, placeholder=f"P{count}")

    named = [
        Drawn(
            expression.verb,
            tuple(tuple(name(said, expression.verb == "EXCLUDE") for said in group) for group in expression.where),
            tuple(name(said, expression.verb == "EXCLUDE") for said in expression.only_if),
        )
        for expression in drawn
    ]
    return named, given_values


def written(draw: st.DrawFn, expression: Drawn) -> str:
    """The text, with keywords and names of datasets in some case."""

    def cased(word: str) -> str:
        return draw(st.sampled_from([word, word.lower(), word.upper()]))

    def one(said: Said) -> str:
        if said.other is not None:
            right = f"{cased('CurrentItem')}.{said.other}"
        else:
            listed = ", ".join(map(quoted, said.values)) if said.placeholder is None else f"${said.placeholder}"
            right = f"({listed})" if said.operator in {"IN", "NOT IN"} else listed
        return f"{cased(said.dataset)}.{said.name} {cased(said.operator)} {right}"

    where = f" {cased('OR')} ".join(f" {cased('AND')} ".join(map(one, group)) for group in expression.where)
    only_if = f" {cased('IF')} " + f" {cased('and')} ".join(map(one, expression.only_if)) if expression.only_if else ""
    return f"{cased(expression.verb)} {cased('ItemID')}\n {cased('WHERE')} {where}{only_if}"


def answered(case: Case) -> list[str]:
    types = {"ITEM_ID": pa.string(), "GENRE": pa.string(), "COUNTRY": pa.string()}
    types |= {"YEAR": pa.int64(), "PRICE": pa.float32(), "SCORE": pa.float64()}
    table = pa.Table.from_pylist(case.catalogue, schema=pa.schema(list(types.items())))
    columns = ItemColumns(table, Vocabulary(case.known_to_model))
    interactions = [(item, name) for item, name, times in case.runs for _ in range(times)]
    asked = Asked(user=case.user, item=case.current_item, interactions=interactions)
    mask = allowed(bind(parse(case.text), case.given), columns, asked)
    return [item for item, kept in zip(case.known_to_model, mask.tolist(), strict=True) if kept]


@settings(max_examples=200, deadline=None)
@given(cases())
def test_filters_mean_what_they_say(case: Case) -> None:
    assert answered(case) == expected(case)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=10_000, deadline=None)
@given(cases())
def test_ten_thousand_filters_mean_what_they_say(case: Case) -> None:
    assert answered(case) == expected(case)

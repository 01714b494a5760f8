"""Filter expressions: what is read, what is refused and where, what the edges of their meaning are."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.filters.check import check
from personalize_engine.filters.columns import ItemColumns, PreparedColumns
from personalize_engine.filters.evaluate import Asked, allowed
from personalize_engine.filters.expression import FilterError
from personalize_engine.filters.parse import parse
from personalize_engine.filters.values import bind


def schema(kind: str, **columns: str) -> avro.Schema:
    """From name=type; a type may be "textual"."""
    declared: list[dict[str, Any]] = [{"name": name, "type": "string"} for name in REQUIRED[kind]]
    declared += [{"name": "TIMESTAMP", "type": "long"}] if kind == "Interactions" else []
    for name, kind_of_column in columns.items():
        textual = {"type": ["null", "string"], "textual": True}
        declared.append({"name": name, **(textual if kind_of_column == "textual" else {"type": kind_of_column})})
    namespace = "com.amazonaws.personalize.schema"
    return avro.parse(json.dumps({"type": "record", "name": kind, "namespace": namespace, "fields": declared}))


REQUIRED = {"Interactions": ["USER_ID", "ITEM_ID"], "Users": ["USER_ID"], "Items": ["ITEM_ID"]}
SCHEMAS: Mapping[DatasetKind, avro.Schema] = {
    DatasetKind.INTERACTIONS: schema("Interactions", EVENT_TYPE="string", DEVICE="string"),
    DatasetKind.USERS: schema("Users", AGE="int", PLAN="string"),
    DatasetKind.ITEMS: schema(
        "Items",
        GENRE="string",
        CATEGORY_L1="string",
        CATEGORY_L2="string",
        PRICE="float",
        CREATION_TIMESTAMP="long",
        YEAR="int",
        ON_SALE="boolean",
        DESCRIPTION="textual",
    ),
}

DOCUMENTED = [
    "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($EVENT_TYPE)",
    'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click", "stream")',
    'EXCLUDE itemId WHERE INTERACTIONS.event_type in ("*")',
    "EXCLUDE ItemID WHERE Items.GENRE IN ($GENRE)",
    "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.GENRE IN CurrentItem.GENRE",
    'EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("shoe") AND Items.CATEGORY_L2 NOT IN ("boot")',
    "INCLUDE ItemID WHERE Items.PRICE <= $PRICE",
    "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.CREATION_TIMESTAMP > $DATE",
    "EXCLUDE ItemID WHERE Items.GENRE IN ($GENRE) IF CurrentUser.AGE = $AGE",
    "EXCLUDE ItemID WHERE Items.YEAR < 1990 IF CurrentUser.AGE > 18 AND CurrentUser.AGE < 30",
    'INCLUDE ItemID WHERE Items.GENRE IN ("drama") | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click")',
    'INCLUDE UserID WHERE Users.AGE > 18 AND Users.PLAN IN ("gold")',
]


@pytest.mark.parametrize("text", DOCUMENTED)
def test_the_documented_forms_are_taken(text: str) -> None:
    check(parse(text), SCHEMAS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "line 1, column 1: INCLUDE or EXCLUDE is expected, not x"),
        ("INCLUDE", "line 1, column 8: the expression ends where ItemID or UserID is expected"),
        ("INCLUDE ItemID", "line 1, column 15: the expression ends where WHERE is expected"),
        ("INCLUDE ItemID WHERE Items.A ! 3", "line 1, column 30: IN or NOT IN or one of = != < <= > >= is expected"),
        ('INCLUDE ItemID WHERE\n Items.A IN ("a" "b")', 'line 2, column 18: ) or a comma is expected, not "b")'),
        ('INCLUDE ItemID WHERE Items.A IN ("a', 'line 1, column 34: a "string" or a $PLACEHOLDER or a number'),
        ("INCLUDE ItemID WHERE (Items.A = 3)", "line 1, column 22: a name is expected, not (Items.A = 3)"),
        ("INCLUDE ItemID WHERE Items.A = 3 |", "line 1, column 35: the expression ends where INCLUDE or EXCLUDE"),
        ("INCLUDE ItemID WHERE Items.A = 1e999", "line 1, column 32: 1e999 is no number that can be compared with"),
        ("INCLUDE ItemID WHERE Sales.A = 1", "line 1, column 22: Sales is no dataset; known: Items, Users"),
        (
            "EXCLUDE ItemID WHERE Items.A = 3 IF CurrentUser.A = 3 OR CurrentUser.B = 2",
            "line 1, column 55: the end or | is expected, not OR CurrentUser.B = 2",
        ),
        ("EXCLUDE ActionID WHERE Actions.A = 3", "line 1, column 9: ActionID filters actions"),
    ],
)
def test_an_error_of_grammar_names_its_place_and_what_is_expected(text: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert str(caught.value).startswith(said)


@given(st.text() | st.lists(st.sampled_from([*'|()",.$*<>=!', *" ".join(DOCUMENTED).split()])).map(" ".join))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        said = str(len(parse(text).expressions))
    except FilterError as error:
        said = str(error)
    assert said.startswith("line ") or int(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("INCLUDE ItemID WHERE Items.COLOUR = 3", "column 22: the schema of Items has no field COLOUR; it has ITEM_ID"),
        ("INCLUDE ItemID WHERE Items.Genre = 3", "has no field Genre"),
        ('INCLUDE ItemID WHERE Items.ON_SALE IN ("true")', "Items.ON_SALE is boolean"),
        ('INCLUDE ItemID WHERE Items.DESCRIPTION IN ("a")', "Items.DESCRIPTION is textual"),
        ('INCLUDE ItemID WHERE Items.GENRE = "a"', "= does not fit Items.GENRE, which is of type string; use IN or"),
        ("INCLUDE ItemID WHERE Items.YEAR IN (1990)", "IN does not fit Items.YEAR, which is of type int; use ="),
        ("INCLUDE ItemID WHERE Items.GENRE IN (3)", "it cannot be compared with 3"),
        ('INCLUDE ItemID WHERE Items.YEAR = "3"', 'it cannot be compared with "3"'),
        ("INCLUDE ItemID WHERE Items.GENRE NOT IN ($G)", "NOT IN takes no placeholders such as $G"),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("*")', '"*" stands for every event type'),
        ('INCLUDE ItemID WHERE Interactions.DEVICE IN ("a")', "of the interactions only EVENT_TYPE can be filtered on"),
        ("INCLUDE ItemID WHERE CurrentUser.AGE = 3", "CurrentUser can only be used behind IF"),
        ("INCLUDE ItemID WHERE Users.AGE = 3", "Users says nothing about ItemID; behind WHERE: Items or Interactions"),
        ("INCLUDE ItemID WHERE Items.YEAR = 3 IF Users.AGE = 3", "only CurrentUser can be used behind IF"),
        ("INCLUDE ItemID WHERE Items.YEAR = CurrentUser.AGE", "cannot be compared with CurrentUser.AGE"),
        ("INCLUDE ItemID WHERE Items.YEAR = CurrentItem.GENRE", "are not of comparable types"),
        (
            'INCLUDE ItemID WHERE Items.YEAR = 3 OR Interactions.EVENT_TYPE IN ("a")',
            "column 40: Interactions cannot be joined to Items in one expression; put a |",
        ),
        (
            "INCLUDE ItemID WHERE Items.YEAR = 1 AND Items.PRICE = 1 AND Items.CREATION_TIMESTAMP = 1"
            ' AND Items.GENRE IN ("a") AND Items.CATEGORY_L1 IN ("a") IF CurrentUser.AGE = 1',
            "the filter uses 6 distinct fields; a filter may use 5",
        ),
    ],
)
def test_what_the_schemas_and_the_rules_refuse(text: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        check(parse(text), SCHEMAS)
    assert said in str(caught.value)


def test_a_dataset_that_the_group_lacks_is_refused() -> None:
    only = {DatasetKind.INTERACTIONS: SCHEMAS[DatasetKind.INTERACTIONS]}
    with pytest.raises(FilterError, match="no dataset of type USERS"):
        check(parse('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("a") IF CurrentUser.AGE = 1'), only)


def test_the_filters_of_a_group_share_ten_fields() -> None:
    fields = [f"F{n}" for n in range(12)]
    schemas = {DatasetKind.ITEMS: schema("Items", **dict.fromkeys(fields, "int"))}

    def using(names: Sequence[str]) -> str:
        return "INCLUDE ItemID WHERE " + " AND ".join(f"Items.{name} = 1" for name in names)

    others = [parse(using(fields[:5])), parse(using(fields[4:9]))]
    check(parse(using([fields[9], *fields[:4]])), schemas, others)
    with pytest.raises(FilterError, match="would use 11 distinct fields; they may use 10"):
        check(parse(using(fields[9:11])), schemas, others)


# ----------------------------------------------------------------------------------------------------- placeholders
INCLUDING = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE) AND Items.PRICE <= $PRICE"


@pytest.mark.parametrize(
    ("given_values", "said"),
    [
        ({"GENRE": '"a"'}, "a value for PRICE must be given"),
        ({"GENRE": '"a"', "PRICE": "1", "OTHER": "1"}, "the filter has no placeholder OTHER; GENRE, PRICE"),
        ({"GENRE": "a", "PRICE": "1"}, "GENRE is compared with Items.GENRE; it must hold strings in double quotes"),
        ({"GENRE": '"a"', "PRICE": '"1"'}, "PRICE is compared with Items.PRICE; it must hold a number"),
        ({"GENRE": '"a"', "PRICE": "nan"}, "it must hold a number"),
        ({"GENRE": '"a"', "PRICE": "1e999"}, "it must hold a number"),
        ({"GENRE": '"a"', "PRICE": "1,2"}, "PRICE has 2 values; <= takes one"),
        ({"GENRE": '"a" "b"', "PRICE": "1"}, "GENRE must hold values, separated by commas"),
        ({"GENRE": '"a', "PRICE": "1"}, "GENRE must hold values, separated by commas"),
        ({"GENRE": "", "PRICE": "1"}, "GENRE must hold values"),
    ],
)
def test_values_that_do_not_fit_are_refused(given_values: dict[str, str], said: str) -> None:
    with pytest.raises(FilterError) as caught:
        bind(parse(INCLUDING), given_values)
    assert said in str(caught.value)


def test_values_take_the_place_of_placeholders() -> None:
    bound = bind(parse(INCLUDING), {"GENRE": r'"a,b", "c\"d" ,"𝄞"', "PRICE": " 2.50 "})
    assert [condition.values for condition in bound.conditions] == [("a,b", 'c"d', "𝄞"), (2.5,)]


def test_an_exclude_without_its_values_is_left_out() -> None:
    text = "EXCLUDE ItemID WHERE Items.GENRE IN ($GENRE) | INCLUDE ItemID WHERE Items.PRICE < 3"
    assert len(bind(parse(text), {}).expressions) == 1
    assert len(bind(parse(text), {"GENRE": '"a"'}).expressions) == 2


# ------------------------------------------------------------------------------------------------- what they mean
CATALOGUE = pa.table(
    {
        "ITEM_ID": ["a", "b", "c", "stranger"],
        "GENRE": ["drama|war", "war", None, "war"],
        "PRICE": pa.array([0.7, float("nan"), None, 0.7], pa.float32()),
        "YEAR": [1999, None, 2005, 1999],
    }
)
COLUMNS = ItemColumns(CATALOGUE, Vocabulary(["c", "without a row", "b", "a"]))


def left(text: str, asked: Asked | None = None, **values: str) -> set[str]:
    mask = allowed(bind(parse(text), values), COLUMNS, asked or Asked())
    return {item for item, kept in zip(COLUMNS.items.ids, mask.tolist(), strict=True) if kept}


def test_an_item_without_a_value_meets_only_the_opposites() -> None:
    assert left('INCLUDE ItemID WHERE Items.GENRE IN ("war")') == {"a", "b"}
    assert left('INCLUDE ItemID WHERE Items.GENRE NOT IN ("drama")') == {"b", "c", "without a row"}
    assert left("INCLUDE ItemID WHERE Items.YEAR <= 3000") == {"a", "c"}
    assert left("EXCLUDE ItemID WHERE Items.YEAR != 1999") == {"a"}
    assert left("INCLUDE ItemID WHERE Items.NOT_IN_THE_TABLE < 3") == set()
    assert left("INCLUDE ItemID WHERE Items.GENRE < 3") == set(), "the column's type has changed"


def test_a_float_is_compared_in_its_own_precision() -> None:
    assert left("INCLUDE ItemID WHERE Items.PRICE >= 0.7") == {"a"}
    assert left("EXCLUDE ItemID WHERE Items.PRICE = $P", P="0.7") == {"c", "without a row", "b"}
    assert left("INCLUDE ItemID WHERE Items.PRICE < 1e300") == {"a"}
    stored = pa.scalar(0.7, pa.float32()).as_py()
    assert left("INCLUDE ItemID WHERE Items.YEAR > 0 IF CurrentUser.X >= 0.7", Asked(user={"X": stored})) == {"a", "c"}


def test_only_the_newest_hundred_of_each_event_type_count() -> None:
    text = 'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Buy")'
    events = [("a", "buy"), *[("b", "BUY")] * 99, *[("c", "click")] * 500]
    assert left(text, Asked(interactions=events)) == {"a", "b"}
    assert left(text, Asked(interactions=[*events, ("b", "buy")])) == {"b"}
    assert left('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")', Asked(interactions=events)) == {
        "without a row"
    }


def test_a_table_is_prepared_once_and_not_held_when_there_is_a_newer_one() -> None:
    prepared, items = PreparedColumns(), Vocabulary(["a"])
    table, other = CATALOGUE.slice(0), Vocabulary(["b"])
    first = prepared.get("group", table, items)
    assert prepared.get("group", table, items) is first
    assert prepared.get("group", table, other).items is other
    elsewhere = prepared.get("elsewhere", table, items)
    gone = weakref.ref(first)
    del first
    newer = prepared.get("group", CATALOGUE, other)
    gc.collect()
    assert gone() is None
    assert prepared.get("group", CATALOGUE, other) is newer
    assert prepared.get("elsewhere", table, items) is elsewhere
    for _ in range(40):
        prepared.get("group", CATALOGUE, Vocabulary(["a"]))
    assert prepared.get("elsewhere", table, items) is not elsewhere, "the oldest made room"

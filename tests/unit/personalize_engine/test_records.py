"""Items and users as they are now, beside a slow oracle: the newest row of an id counts, whichever way it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from dataset_group import ARN, Group, new_group
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.recipes import DatasetKind
from personalize_engine.serving.datasets import until_found
from personalize_engine.store.events import Event

ITEMS, USERS, INTERACTIONS = DatasetKind.ITEMS, DatasetKind.USERS, DatasetKind.INTERACTIONS

ids = st.sampled_from(["a", "b", "ä", "Z", "z", "\U0001f600", "\uffff", "long" * 60])
rows = st.fixed_dictionaries(
    {"ITEM_ID": ids, "GENRE": st.none() | st.text(max_size=3), "PRICE": st.none() | st.floats(0, 9, width=32)}
)
steps = st.one_of(
    st.tuples(st.just("full"), st.lists(rows, min_size=1, max_size=5)),
    st.tuples(st.just("incremental"), st.lists(rows, min_size=1, max_size=5)),
    st.tuples(st.just("put"), st.lists(rows, min_size=1, max_size=3)),
)


def metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "ITEM_ID"}


def without_null(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=6))
def test_the_newest_row_of_an_id_counts(done: Sequence[tuple[str, list[dict[str, Any]]]]) -> None:
    imported: dict[str, tuple[int, dict[str, Any]]] = {}
    put: dict[str, tuple[int, dict[str, Any]]] = {}
    with new_group() as group:
        group.dataset(ITEMS, {"GENRE": "string", "PRICE": "float"})
        for moment, (what, given_rows) in enumerate(done):
            if what == "put":
                group.put(ITEMS, {row["ITEM_ID"]: metadata(row) for row in given_rows})
                put |= {row["ITEM_ID"]: (moment, row) for row in given_rows}
                continue
            imported = {} if what == "full" else imported
            group.load(ITEMS, given_rows, replace=what == "full")
            imported |= {row["ITEM_ID"]: (moment, row) for row in given_rows}
            assert_holds(group, imported, put)
        assert_holds(group, imported, put)


def assert_holds(
    group: Group, imported: Mapping[str, tuple[int, dict[str, Any]]], put: Mapping[str, tuple[int, dict[str, Any]]]
) -> None:
    newest = {name: max((imported[name], put[name]), key=lambda row: row[0]) for name in {*imported} & {*put}}
    expected = {name: row for name, (_, row) in {**imported, **put, **newest}.items()}
    table = group.records.items(ARN)
    assert table is not None
    assert sorted(table.to_pylist(), key=lambda row: row["ITEM_ID"]) == [expected[name] for name in sorted(expected)]
    assert group.records.items(ARN) is table, "the same object as long as nothing has changed"
    for name in ["a", "Z", "nobody", *expected]:
        assert group.records.item(ARN, name) == without_null(metadata(expected.get(name, {})))


def test_users_are_found_by_id_whatever_their_order_in_the_file() -> None:
    with new_group() as group:
        group.dataset(USERS, {"AGE": "int"})
        names = [f"u{(7 * n) % 1000}" for n in range(1000)]
        group.load(USERS, [{"USER_ID": name, "AGE": n} for n, name in enumerate(names)], replace=True)
        group.put(USERS, {"late": {"AGE": 5}, "u7": {"AGE": None}})
        assert [group.records.user(ARN, name) for name in names[2:]] == [{"AGE": n} for n in range(2, 1000)]
        assert group.records.user(ARN, "late") == {"AGE": 5}
        assert group.records.user(ARN, "u7") == {}, "replaced as a whole"
        assert group.records.user(ARN, "") == {}


def test_a_group_without_the_dataset_has_no_records() -> None:
    with new_group() as group:
        assert group.records.items(ARN) is None
        assert group.records.user(ARN, "u") == {}
        assert group.records.context_columns(ARN) == ()
        assert group.records.interactions(ARN, "u", per_type=3) == []


def test_a_schema_that_was_changed_since_the_import() -> None:
    with new_group() as group:
        group.dataset(ITEMS, {"GENRE": "string", "YEAR": "string", "OLD": "int"})
        group.load(ITEMS, [{"ITEM_ID": "a", "GENRE": "x", "YEAR": "1990", "OLD": 1}], replace=True)
        group.put(ITEMS, {"b": {"GENRE": "7", "YEAR": "soon"}, "c": {"YEAR": "12"}})
        group.dataset(ITEMS, {"GENRE": "float", "YEAR": "int", "NEW": "string"})
        assert group.records.item(ARN, "a") == {"YEAR": 1990}
        table = group.records.items(ARN)
        assert table is not None
        assert [set(row) for row in table.to_pylist()] == [{"ITEM_ID", "GENRE", "YEAR", "NEW"}] * 3


def test_the_newest_interactions_of_each_type_imports_and_events_alike() -> None:
    with new_group() as group:
        group.dataset(INTERACTIONS, {"EVENT_TYPE": "string", "CABIN_TYPE": "string"})
        assert group.records.context_columns(ARN) == ("CABIN_TYPE",)
        row = {"USER_ID": "u", "EVENT_TYPE": "view", "CABIN_TYPE": "first"}
        full = [row | {"ITEM_ID": f"i{n}", "TIMESTAMP": 100 - n} for n in range(8)]
        group.load(INTERACTIONS, [*full, row | {"USER_ID": "v", "ITEM_ID": "x", "TIMESTAMP": 1}], replace=True)
        group.load(INTERACTIONS, [row | {"ITEM_ID": "buy", "TIMESTAMP": 2, "EVENT_TYPE": None}], replace=False)
        group.send(
            [
                Event(session_id="s", user_id="u", item_id="e", at=98, event_type="view", properties='{"X": null}'),
                Event(session_id="s", user_id="u", item_id="b", at=1, event_type="buy"),
            ]
        )
        found = group.records.interactions(ARN, "u", per_type=3)
        assert [(row.item_id, row.event_type) for row in found] == [
            ("b", "buy"),
            ("buy", None),
            ("e", "view"),
            ("i1", "view"),
            ("i0", "view"),
        ]
        assert found[-1].properties == {"EVENT_TYPE": "view", "CABIN_TYPE": "first"}
        assert found[2].properties == {"EVENT_TYPE": "view"}


def test_a_file_that_was_replaced_between_two_looks_is_looked_up_again() -> None:
    tries = []

    def look() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise FileNotFoundError
        return "there"

    assert until_found(look) == "there"
    with pytest.raises(FileNotFoundError):
        until_found(Path("/nothing/of/this/name").read_text)

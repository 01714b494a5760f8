"""What a training gets, beside a slow oracle that works row by row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from dataset_group import ARN, new_group, without_minimums
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import fields
from contract.recipes import RECIPES, DatasetKind
from personalize_engine.data.features import Described, Encoder
from personalize_engine.data.past import Past
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.columns import ALL, Offered
from personalize_engine.jobs.gathering import Gathered, Wanted, gather
from personalize_engine.serving.histories import Histories, history_table
from personalize_engine.serving.trained import Encoders
from personalize_engine.store.events import Event, Selection, as_float

ITEMS, USERS, INTERACTIONS = DatasetKind.ITEMS, DatasetKind.USERS, DatasetKind.INTERACTIONS
METADATA, PLAIN = RECIPES["aws-hrnn-metadata"], RECIPES["aws-hrnn"]
COLUMNS = {"EVENT_TYPE": "string", "EVENT_VALUE": "float", "CABIN": "string", "DAYS": "int"}

names = st.sampled_from(["a", "b", "ü", "\U0001f600", "B"])
words = st.none() | st.sampled_from(["x", "y", "x|y"])
interactions = st.fixed_dictionaries(
    {
        "USER_ID": names,
        "ITEM_ID": names,
        "TIMESTAMP": st.integers(0, 3),
        "EVENT_TYPE": st.none() | st.sampled_from(["view", "VIEW", "buy"]),
        "EVENT_VALUE": st.none() | st.sampled_from([0.5, 3.3, 4.0]),
        "CABIN": words,
        "DAYS": st.none() | st.integers(0, 2),
    }
)
described = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.fixed_dictionaries({"GENRE": words}))


@pytest.fixture(autouse=True)
def no_minimums(monkeypatch: pytest.MonkeyPatch) -> None:
    without_minimums(monkeypatch)


def event_of(row: Mapping[str, Any], kind: str) -> Event:
    return Event(
        session_id="s",
        user_id=row["USER_ID"],
        item_id=row["ITEM_ID"],
        at=row["TIMESTAMP"],
        event_type=kind,
        event_value=None if row["EVENT_VALUE"] is None else as_float(row["EVENT_VALUE"]),
        properties=json.dumps({name: row[name] for name in ("CABIN", "DAYS")}),
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    full=st.lists(interactions, min_size=1, max_size=12),
    more=st.lists(interactions, max_size=6),
    sent=st.lists(interactions, max_size=6),
    selection=st.builds(Selection.of, st.sampled_from([None, "view", "Buy"]), st.sampled_from([None, "3.3"])),
    items=described,
    users=described,
    metadata=st.booleans(),
)
def test_rows_order_and_metadata(
    full: list[dict[str, Any]],
    more: list[dict[str, Any]],
    sent: list[dict[str, Any]],
    selection: Selection,
    items: dict[str, dict[str, Any]],
    users: dict[str, dict[str, Any]],
    metadata: bool,
) -> None:
    with new_group() as group:
        group.dataset(INTERACTIONS, COLUMNS)
        group.dataset(ITEMS, {"GENRE": "string"})
        group.dataset(USERS, {"GENRE": "string"})
        group.load(INTERACTIONS, full, replace=True)
        if more:
            group.load(INTERACTIONS, more, replace=False)
        group.send([event_of(row, "Buy") for row in sent])
        group.put(ITEMS, items)
        group.load(USERS, [{"USER_ID": name, **row} for name, row in users.items()] or [{"USER_ID": "z"}], replace=True)
        wanted = Wanted(recipe=METADATA if metadata else PLAIN, selection=selection)
        expected = selected([*full, *more, *({**row, "EVENT_TYPE": "Buy"} for row in sent)], selection)
        found = gather(group.work, ARN, wanted)
        assert rows_of(found.past) == [(row["USER_ID"], row["ITEM_ID"], row["TIMESTAMP"]) for row in expected]
        known = {row["ITEM_ID"] for row in expected}
        assert found.past.items.ids == tuple(sorted(known | (set(items) if metadata else set())))
        assert found.past.users.ids == tuple(sorted({row["USER_ID"] for row in expected}))
        assert found.catalogue == known | set(items)
        assert properties_of(found) == [shown(row, metadata) for row in expected]
        if metadata:
            assert_described(found, expected, selection, items, users)
        else:
            assert (found.past.item_described, found.past.user_described, found.past.event_described) == (None,) * 3


def selected(rows: Sequence[dict[str, Any]], selection: Selection) -> list[dict[str, Any]]:
    """Row by row: the selection, each row once, by user, then time."""
    kept: list[dict[str, Any]] = []
    for row in rows:
        kind, value = row["EVENT_TYPE"], row["EVENT_VALUE"]
        if selection.event_type is not None and (kind is None or kind.lower() != selection.event_type.lower()):
            continue
        if selection.threshold is not None and (value is None or value < 3.3):
            continue
        if row not in kept:
            kept.append(row)
    return sorted(kept, key=lambda row: (row["USER_ID"], row["TIMESTAMP"]))


def rows_of(past: Past) -> list[tuple[str, str, int]]:
    columns = zip(past.user.tolist(), past.item.tolist(), past.at.tolist(), strict=True)
    return [(past.users.ids[user], past.items.ids[item], at) for user, item, at in columns]


def properties_of(found: Gathered) -> list[dict[str, Any]]:
    if not len(found.past):
        return []
    rows = Histories(history_table(found.past, found.properties)).rows(0, len(found.past))
    return [dict(row.properties) for row in rows]


def shown(row: Mapping[str, Any], metadata: bool) -> dict[str, Any]:
    columns = ("EVENT_TYPE", "CABIN", "DAYS") if metadata else ("EVENT_TYPE",)
    return {name: row[name] for name in columns if row[name] is not None}


def assert_described(
    found: Gathered,
    expected: Sequence[Mapping[str, Any]],
    selection: Selection,
    items: Mapping[str, Mapping[str, Any]],
    users: Mapping[str, Mapping[str, Any]],
) -> None:
    kinds: dict[str, Any] = {"CABIN": "categorical", "DAYS": "numerical"}
    if selection.event_type is None:
        kinds["EVENT_TYPE"] = "categorical"
    past = found.past
    for part, table, n in (
        (
            past.item_described,
            {"GENRE": [items.get(name, {}).get("GENRE") for name in past.items.ids]},
            len(past.items),
        ),
        (
            past.user_described,
            {"GENRE": [users.get(name, {}).get("GENRE") for name in past.users.ids]},
            len(past.users),
        ),
        (past.event_described, {name: [row[name] for row in expected] for name in kinds}, len(past)),
    ):
        by_hand = Described.learn(table, kinds if "CABIN" in table else {"GENRE": "categorical"}, n=n)
        assert (part is None) == (by_hand is None)
        if part is not None and by_hand is not None:
            assert part.encoder == by_hand.encoder
            eye = np.eye(part.encoder.size, dtype=np.float32)
            np.testing.assert_array_equal(part.rows.dot(eye), by_hand.rows.dot(eye))


ROWS = [{"USER_ID": f"u{n % 3}", "ITEM_ID": f"i{n}", "TIMESTAMP": n, "CABIN": "xy"[n % 2], "DAYS": n} for n in range(9)]


def test_columns_can_be_excluded_and_the_event_type_cannot() -> None:
    with new_group() as group:
        group.dataset(INTERACTIONS, COLUMNS)
        group.dataset(ITEMS, {"GENRE": "string", "YEAR": "int", "CREATION_TIMESTAMP": "long", "GOOD": "boolean"})
        rows = [row | {"EVENT_TYPE": "ab"[n // 2 % 2]} for n, row in enumerate(ROWS)]
        group.load(INTERACTIONS, rows, replace=True)
        items = [{"GENRE": "xy"[n % 2], "YEAR": n, "CREATION_TIMESTAMP": 5 + n, "GOOD": True} for n in range(8)]
        group.load(ITEMS, [{"ITEM_ID": f"i{n}", **row} for n, row in enumerate(items)], replace=True)
        for offered, event, item, created in (
            (ALL, {"CABIN", "DAYS", "EVENT_TYPE"}, {"GENRE", "YEAR"}, True),
            (
                Offered(
                    config={"excludedDatasetColumns": {"INTERACTIONS": ["CABIN", "EVENT_TYPE"], "Items": ["YEAR"]}}
                ),
                {"DAYS", "EVENT_TYPE"},
                {"GENRE"},
                True,
            ),
            (
                Offered(config={"includedDatasetColumns": {"items": ["YEAR", "CREATION_TIMESTAMP"]}}),
                {"CABIN", "DAYS", "EVENT_TYPE"},
                {"YEAR"},
                True,
            ),
            (
                Offered(config={"excludedDatasetColumns": {"ITEMS": ["CREATION_TIMESTAMP", "GENRE", "YEAR"]}}),
                None,
                set(),
                False,
            ),
            (Offered(known={"ITEMS": ["ITEM_ID", "GENRE"]}), {"CABIN", "DAYS", "EVENT_TYPE"}, {"GENRE"}, False),
            (Offered(known={"USERS": ["USER_ID"]}), {"CABIN", "DAYS", "EVENT_TYPE"}, {"GENRE", "YEAR"}, True),
        ):
            past = gather(group.work, ARN, Wanted(recipe=METADATA, columns=offered)).past
            assert past.event_described is not None
            assert event is None or {*past.event_described.encoder.names} == event
            assert {*(past.item_described.encoder.names if past.item_described else ())} == item
            assert (past.created is not None) == created
            if past.created is not None:
                assert past.created.tolist() == [5, 6, 7, 8, 9, 10, 11, 12, -1], "i8 is not in the Items dataset"


def test_an_update_has_the_features_of_the_training() -> None:
    with new_group() as group:
        group.dataset(INTERACTIONS, {})
        group.dataset(ITEMS, {"GENRE": "string"})
        group.load(INTERACTIONS, ROWS, replace=True)
        group.put(ITEMS, {"i1": {"GENRE": "new"}, "cold": {"GENRE": "old"}, "i2": {"GENRE": "new"}})
        encoder = Encoder.learn({"GENRE": ["old", "old", "other", "other"]}, {"GENRE": "categorical"})
        past = gather(group.work, ARN, Wanted(recipe=METADATA, encoders=Encoders(item=encoder))).past
        assert past.item_described is not None
        assert past.item_described.encoder == encoder
        found = past.item_described.rows.dot(np.eye(2, dtype=np.float32)).tolist()
        assert found[past.items.rows(["cold"])[0]] == [1, 0]
        assert np.sum(found) == 1, "a genre that the training did not know tells nothing"


def test_events_alone_are_enough_and_nothing_is_not() -> None:
    with new_group() as group:
        with pytest.raises(JobFailed, match="has no interactions"):
            gather(group.work, ARN, Wanted(recipe=PLAIN))
        group.send([event_of({"EVENT_VALUE": None, "CABIN": 0, "DAYS": 0, **row}, "view") for row in ROWS])
        found = gather(group.work, ARN, Wanted(recipe=METADATA))
        assert len(found.past) == 9
        assert found.past.event_described is None, "no schema says what their properties mean"
        assert found.events_until == 9


def test_a_full_import_replaces_imported_rows_and_no_events() -> None:
    with new_group() as group:
        group.dataset(INTERACTIONS, {})
        group.load(INTERACTIONS, ROWS, replace=True)
        group.load(INTERACTIONS, [{**ROWS[0], "ITEM_ID": "added"}], replace=False)
        group.send([Event(session_id="s", user_id="u", item_id="sent", at=1, event_type="view")])
        assert {"added", "sent", "i3"} <= {*gather(group.work, ARN, Wanted(recipe=PLAIN)).past.items.ids}
        group.load(INTERACTIONS, ROWS[:2], replace=True)
        assert gather(group.work, ARN, Wanted(recipe=PLAIN)).past.items.ids == ("i0", "i1", "sent")


def test_too_little_to_train_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with new_group() as group:
        group.dataset(INTERACTIONS, COLUMNS)
        group.load(INTERACTIONS, [row | {"EVENT_TYPE": "view"} for row in ROWS] * 2, replace=True)
        monkeypatch.setattr(fields, "MIN_INTERACTIONS", 10)
        with pytest.raises(JobFailed, match=r"fewer than 10 unique interactions \(9\)$"):
            gather(group.work, ARN, Wanted(recipe=PLAIN))
        with pytest.raises(JobFailed, match=r"\(0\) after filtering by event type: none"):
            gather(group.work, ARN, Wanted(recipe=PLAIN, selection=Selection(event_type="none")))
        monkeypatch.setattr(fields, "MIN_INTERACTIONS", 9)
        monkeypatch.setattr(fields, "MIN_USERS_WITH_TWO", 4)
        with pytest.raises(JobFailed, match=r"fewer than 4 users with at least 2 interactions \(3, of 3 users"):
            gather(group.work, ARN, Wanted(recipe=PLAIN))

"""What a user did: as of the training from its files, and since then from the events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from dataset_group import ARN, Group, new_group, without_minimums
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.recipes import RECIPES, DatasetKind
from personalize_engine.jobs.gathering import Wanted, gather
from personalize_engine.models.base import Interaction
from personalize_engine.models.popularity import Popularity
from personalize_engine.serving import history, trained
from personalize_engine.serving.histories import _values
from personalize_engine.serving.history import history_of
from personalize_engine.serving.trained import Trained
from personalize_engine.store.events import Event, Selection, newest_events

INTERACTIONS, ITEMS = DatasetKind.INTERACTIONS, DatasetKind.ITEMS


def made(group: Group, folder: Path, *, selection: Selection) -> Trained:
    """A version trained on the group and read back from its files."""
    data = gather(group.work, ARN, Wanted(recipe=RECIPES["aws-hrnn-metadata"], selection=selection))
    model = Popularity.fit(data.past, Popularity.Parameters(), seed=0)
    folder.mkdir()
    trained.save(
        folder,
        model,
        data.past,
        recipe=RECIPES["aws-popularity-count"],
        dataset_group=ARN,
        events_until=data.events_until,
        selection=selection,
        properties=data.properties,
    )
    return replace(trained.load(folder), recipe=RECIPES["aws-hrnn-metadata"])


def test_histories_hold_what_is_known_of_each_interaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_minimums(monkeypatch)
    monkeypatch.setattr(trained, "NEWEST", 3)
    monkeypatch.setattr(history, "NEWEST", 3)
    with new_group() as group:
        group.dataset(INTERACTIONS, {"EVENT_TYPE": "string", "EVENT_VALUE": "float", "CABIN": "string", "DAYS": "int"})
        group.dataset(ITEMS, {"CREATION_TIMESTAMP": "long", "GENRE": "string"})
        row = {"USER_ID": "u", "EVENT_TYPE": "view", "EVENT_VALUE": 1.0, "CABIN": "first"}
        rows = [row | {"ITEM_ID": f"i{n}", "TIMESTAMP": n, "DAYS": n or None} for n in range(4)]
        rows.append(row | {"ITEM_ID": "low", "TIMESTAMP": 9, "EVENT_VALUE": 0.9})
        group.load(INTERACTIONS, rows, replace=True)
        group.put(ITEMS, {"cold": {"CREATION_TIMESTAMP": 77}, "i1": {"GENRE": "x"}})
        version = made(group, tmp_path / "version", selection=Selection.of("View", "1"))
        assert [event.item_id for event in version.history("u")] == ["i1", "i2", "i3"]
        assert version.history("u")[0] == Interaction(
            item_id="i1", at=1, event_type="view", properties={"EVENT_TYPE": "view", "CABIN": "first", "DAYS": 1}
        )
        assert version.history("nobody") == []
        cold = version.model.items.row("cold")
        assert version.counts.tolist() == [0, 1, 1, 1, 1]
        assert cold == 0
        assert version.created[cold] == 77
        assert not version.warm[cold]
        seen = Event(session_id="s", user_id="u", item_id="e", at=2, event_type="VIEW", event_value=1.0)
        group.send(
            [
                replace(seen, properties=json.dumps({"CABIN": "second", "DAYS": None})),
                replace(seen, event_value=0.5),
                replace(seen, event_type="buy"),
                replace(seen, item_id=None),
                replace(seen, user_id="v"),
                replace(seen, user_id=None, session_id="visit"),
            ]
        )
        found = history_of(version, group.store, "u")
        assert [event.item_id for event in found] == ["i2", "e", "i3"]
        assert found[1].properties == {"EVENT_TYPE": "VIEW", "CABIN": "second"}
        assert len(history_of(version, group.store, "visit")) == 1
        later = made(group, tmp_path / "later", selection=Selection())
        assert history_of(later, group.store, "u") == later.history("u"), "what was trained on is not added once more"
        assert [event.item_id for event in history_of(later, group.store, "visit")] == ["e"]


sent = st.builds(
    Event,
    session_id=st.sampled_from(["s", "t", "a"]),
    user_id=st.none() | st.sampled_from(["a", "b"]),
    item_id=st.none() | st.sampled_from(["x", "y"]),
    at=st.integers(0, 3),
    event_type=st.sampled_from(["view", "View", "buy"]),
    event_value=st.none() | st.sampled_from([0.5, 1.0]),
    event_id=st.none() | st.sampled_from(["1", "2"]),
)


@settings(max_examples=100, deadline=None)
@given(
    calls=st.lists(st.lists(sent, min_size=1, max_size=3), max_size=5),
    selection=st.builds(Selection.of, st.sampled_from([None, "VIEW"]), st.sampled_from([None, "1.0"])),
    limit=st.integers(1, 4),
)
def test_newest_events_beside_a_list(calls: Sequence[Sequence[Event]], selection: Selection, limit: int) -> None:
    """Each event counts once and for its user alone; a session's anonymous events join whoever it turns out to be."""
    kept: list[Event] = []
    with new_group() as group:
        for call in calls:
            group.send(call)
            for event in call:
                if event.user_id is not None:
                    mine = [old for old in kept if old.user_id is None and old.session_id == event.session_id]
                    kept = [old for old in kept if old not in mine]
                    kept += [replace(old, user_id=event.user_id) for old in mine]
                if event.event_id is None or event.event_id not in {old.event_id for old in kept}:
                    kept.append(event)
        for name in ("a", "b", "s", "t"):
            expected = [
                event
                for event in kept
                if event.item_id is not None
                and name == (event.session_id if event.user_id is None else event.user_id)
                and (selection.event_type is None or event.event_type.lower() == "view")
                and (selection.threshold is None or (event.event_value or 0) >= 1)
            ]
            expected.sort(key=lambda event: event.at)
            with group.store.read() as transaction:
                found = newest_events(transaction, ARN, name, after=0, limit=limit, selection=selection)
            assert found == expected[-limit:]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", None, "ü\U0001f600"]),
        pa.array(["a", None, "a"]).dictionary_encode(),
        pa.array([1, 2**62, -1]),
        pa.array([1, None, 2**62]),
        pa.array([0.1, None, float("nan")], pa.float32()),
        pa.array([True, None, False]),
        pa.array([], pa.string()),
    ],
    ids=lambda column: f"{column.type}-{column.null_count}",
)
def test_values_are_what_arrow_says_of_them(column: pa.Array) -> None:
    assert repr(_values(column)) == repr(column.to_pylist())
    assert repr(_values(column.slice(1))) == repr(column.slice(1).to_pylist())

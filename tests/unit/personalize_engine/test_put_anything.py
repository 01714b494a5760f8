"""PutEvents, PutItems and PutUsers through the whole chain with whatever can be sent: taken, or the service's error.

Never a failure of the engine, nothing half taken, and what was taken can be asked for and trained on.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from dataset_group import ARN, Group, new_group, without_minimums
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.recipes import RECIPES, DatasetKind
from personalize_engine.chain import handle
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.gathering import Wanted, gather
from personalize_engine.jobs.registry import ACTIVE
from personalize_engine.operations.registry import Context
from personalize_engine.protocol import Request, Response
from personalize_engine.store.events import Event, as_float, newest_events

ITEMS, USERS, INTERACTIONS = DatasetKind.ITEMS, DatasetKind.USERS, DatasetKind.INTERACTIONS
COLUMNS = {"GENRE": "string", "PRICE": "float", "YEAR": "int", "GOOD": "boolean"}
PATHS = {"PutEvents": "/events", "PutItems": "/items", "PutUsers": "/users"}

characters = st.characters() | st.sampled_from(["\0", "\ud800", "\udfff", "\U0001f600", "\uffff", "\u202e", "'", "|"])
text = st.text(characters, max_size=12) | st.sampled_from(["", "x" * 256, "x" * 257, "ü" * 256, "\U0010ffff" * 300])
odd = st.sampled_from([math.nan, math.inf, -math.inf, 1e308, 1e39, -0.0, 2**63, -(2**63), 10**30, 10**400, True, None])
numbers = st.integers() | st.floats() | odd
anything = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["genre", "GENRE", "price", "year", "good", "itemId", "eventValue", "userId", "TimeStamp"])
written = st.dictionaries(keys | text, anything, max_size=4).map(json.dumps)
properties = (
    written | text | st.sampled_from(["{", "[]", "null", "NaN", '{"price": NaN}', "[" * 1000, "{}" + " " * 1022])
)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | st.sampled_from(["u", "\0", "x" * 256])
fitting = st.fixed_dictionaries(
    {},
    optional={
        "genre": st.text(st.characters(codec="utf-8"), max_size=6) | st.just("x" * 1000) | st.none(),
        "price": st.floats(-9, 9) | st.integers(-(2**70), 2**70) | st.just("1.5"),
        "YEAR": st.integers(-(2**63), 2**63 - 1),
        "good": st.booleans() | st.just("true"),
    },
).map(json.dumps)
plausible = st.fixed_dictionaries(
    {"eventType": names, "sentAt": st.integers(0, 2_000_000_000) | st.floats(0, 1e9)},
    optional={
        "itemId": names,
        "eventId": names,
        "eventValue": st.floats(0, 9),
        "properties": fitting,
        "impression": st.lists(names, min_size=1, max_size=25),
        "recommendationId": st.sampled_from(["RID-1", "x" * 40]),
    },
)
loose = st.fixed_dictionaries(
    {},
    optional={
        "eventType": text | anything,
        "sentAt": numbers | text | anything,
        "itemId": text | anything,
        "eventId": text | anything,
        "eventValue": numbers | anything,
        "properties": properties | anything,
        "impression": st.lists(text, max_size=3) | anything,
        "recommendationId": text | anything,
        "unknown": anything,
    },
)
events = st.fixed_dictionaries(
    {"sessionId": names, "eventList": st.lists(plausible, min_size=1, max_size=10)}, optional={"userId": names}
) | st.fixed_dictionaries(
    {"sessionId": names | text, "eventList": st.lists(plausible | loose, max_size=11)},
    optional={"userId": names | text | anything, "trackingId": text | anything},
)


def rows(member: str, name: str) -> st.SearchStrategy[dict[str, Any]]:
    row = st.fixed_dictionaries({name: names}, optional={"properties": fitting})
    odd_row = st.fixed_dictionaries({name: text | anything}, optional={"properties": properties | anything})
    return st.fixed_dictionaries({member: st.lists(row, min_size=1, max_size=10)}) | st.fixed_dictionaries(
        {member: st.lists(row | odd_row, max_size=11) | anything}, optional={"datasetArn": text | anything}
    )


requests = st.one_of(
    st.tuples(st.just("PutEvents"), events),
    st.tuples(st.just("PutItems"), rows("items", "itemId")),
    st.tuples(st.just("PutUsers"), rows("users", "userId")),
)


@pytest.fixture(autouse=True)
def no_minimums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples are small."""
    without_minimums(monkeypatch)


def filled(group: Group) -> Context:
    group.dataset(INTERACTIONS, {"EVENT_TYPE": "string", **COLUMNS})
    group.dataset(ITEMS, {**COLUMNS, "CREATION_TIMESTAMP": "long"})
    group.dataset(USERS, COLUMNS)
    with group.store.write() as transaction:
        transaction.add(
            f"{ARN}/tracker", "event-tracker", name="t", body={"trackingId": "t"}, status=ACTIVE, parent=ARN
        )
    nothing: Any = SimpleNamespace(wake=lambda: None)
    return Context(
        account="000000000000",
        region="us-east-1",
        store=group.store,
        jobs=nothing,
        trained=nothing,
        records=group.records,
    )


def send(context: Context, name: str, body: dict[str, Any] | bytes) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return handle(context, Request("POST", PATHS[name], {}, raw))


def put_anything(sent: list[tuple[str, dict[str, Any]]]) -> None:
    with new_group() as group:
        context = filled(group)
        for name, body in sent:
            kind = ITEMS if name == "PutItems" else USERS
            own = {"trackingId": "t"} if name == "PutEvents" else {"datasetArn": group.arn(kind)}
            before = contents(group)
            response = send(context, name, {**own, **body})
            assert response.status in {200, 400, 404}, (name, body, response.body)
            if response.status != 200:
                assert contents(group) == before
                assert json.loads(response.body)["__type"] in {"InvalidInputException", "ResourceNotFoundException"}
        with group.store.read() as transaction:
            names = [row[0] for row in transaction.sql("SELECT DISTINCT coalesce(user_id, session_id) FROM events")]
            for name in names:
                newest_events(transaction, ARN, name, after=0, limit=100)
        for name in names:
            group.records.interactions(ARN, name, per_type=5)
            group.records.user(ARN, name)
        assert group.records.items(ARN) is not None
        with suppress(JobFailed):  # nothing to train on
            gather(group.work, ARN, Wanted(recipe=RECIPES["aws-hrnn-metadata"]))


def contents(group: Group) -> list[Any]:
    with group.store.read() as transaction:
        return [tuple(row) for table in ("events", "records") for row in transaction.sql(f"SELECT * FROM {table}")]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(requests, min_size=1, max_size=4))
def test_anything_is_taken_or_refused(sent: list[tuple[str, dict[str, Any]]]) -> None:
    put_anything(sent)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(requests, min_size=1, max_size=4))
def test_anything_is_taken_or_refused_at_length(sent: list[tuple[str, dict[str, Any]]]) -> None:
    put_anything(sent)


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5000])
@pytest.mark.parametrize("name", PATHS)
def test_bodies_that_are_no_request(name: str, body: bytes) -> None:
    with new_group() as group:
        assert send(filled(group), name, body).status == 400


def test_an_event_is_kept_whole() -> None:
    event = {
        "eventType": "view",
        "sentAt": 1_700_000_000.9,
        "itemId": "i",
        "eventValue": 3.3,
        "eventId": "e",
        "properties": json.dumps({"year": "12", "PRICE": 2, "good": "TRUE", "genre": "x|y", "unknown": {}}),
        "impression": ["i", "j"],
        "recommendationId": "RID-1",
    }
    with new_group() as group:
        context = filled(group)
        request = {"trackingId": "t", "sessionId": "s", "userId": "u", "eventList": [event]}
        assert send(context, "PutEvents", request).status == 200
        with group.store.read() as transaction:
            (kept,) = newest_events(transaction, ARN, "u", after=0, limit=9)
        assert kept == Event(
            session_id="s",
            user_id="u",
            item_id="i",
            at=1_700_000_000,
            event_type="view",
            event_value=as_float(3.3),
            event_id="e",
            properties=json.dumps({"YEAR": 12, "PRICE": 2.0, "GOOD": True, "GENRE": "x|y"}),
            impression='["i", "j"]',
            recommendation_id="RID-1",
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"properties": '{"userId": "u"}'}, "must not have the key USER_ID"),
        ({"properties": '{"TIMESTAMP": 1}'}, "must not have the key TIMESTAMP"),
        ({"properties": '{"price": NaN}'}, "NaN is no JSON value"),
        ({"properties": '{"price": "cheap"}'}, "PRICE is 'cheap'; the schema says float"),
        ({"properties": '{"year": 9223372036854775808}'}, "the schema says int"),
        ({"properties": '{"genre": 3}'}, "the schema says string"),
        ({"properties": '{"itemId": ""}', "itemId": None}, "itemId must be a string of 1 to 256 characters"),
        ({"properties": json.dumps({"genre": "x" * 1001})}, "GENRE has 1001 characters; 1000 are allowed"),
        ({"properties": "x" * 1025}, "length less than or equal to 1024"),
        ({"properties": '"\\ud800"'}, "half of a surrogate pair"),
        ({"eventValue": math.nan}, "eventValue must be a number"),
        ({"eventValue": 1e39}, "eventValue must be a number"),
        ({"itemId": "x" * 257}, "length less than or equal to 256"),
        ({"itemId": "\udfff"}, "half of a surrogate pair"),
        ({"impression": ["\U0001f600" * 256] * 25}, "bytes; an event may have 10240"),
        ({"sentAt": -1}, "no sensible moment"),
        ({"sentAt": 150_000_000_000}, "no sensible moment"),
        ({"sentAt": 1_700_000_000_000}, "year 55840 is out of range"),
    ],
)
def test_what_is_wrong_with_an_event_is_said(change: dict[str, Any], said: str) -> None:
    event = {"eventType": "view", "sentAt": 1, "itemId": "i", **change}
    with new_group() as group:
        request = {"trackingId": "t", "sessionId": "s", "eventList": [event]}
        response = send(filled(group), "PutEvents", request)
        assert response.status == 400
        assert said in json.loads(response.body)["message"]
        assert contents(group) == []


@pytest.mark.parametrize("moment", [-1, 1_700_000_000_000, 2**63 - 1])
def test_items_are_not_created_at_impossible_moments(moment: int) -> None:
    with new_group() as group:
        item = {"itemId": "i", "properties": json.dumps({"creationTimestamp": moment})}
        response = send(filled(group), "PutItems", {"datasetArn": group.arn(ITEMS), "items": [item]})
        assert response.status == 400

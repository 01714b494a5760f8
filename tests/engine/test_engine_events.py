"""Events, items and users that come one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import Bench, interactions_csv, schema, settled

NOW = datetime(2024, 5, 1, tzinfo=UTC)


class Tracked:
    """Sends events to the shared group; each test has users of its own."""

    def __init__(self, bench: Bench, tracking_id: str, popularity: str, hrnn: str) -> None:
        self.bench, self.tracking_id, self.popularity, self.hrnn = bench, tracking_id, popularity, hrnn

    def put(self, *items: str, user: str | None = None, session: str = "s", **more: Any) -> None:
        events = [{"eventType": "view", "sentAt": NOW, "itemId": item, **more} for item in items]
        who = {} if user is None else {"userId": user}
        self.bench.events.put_events(trackingId=self.tracking_id, sessionId=session, eventList=events, **who)


@pytest.fixture(scope="module")
def tracked(bench: Bench, tracking_id: str, popularity: str, hrnn: str) -> Tracked:
    return Tracked(bench, tracking_id, popularity, hrnn)


def test_an_event_changes_the_next_answer_of_its_user_only(tracked: Tracked) -> None:
    items, campaign = tracked.bench.items, tracked.hrnn
    before, other = items(campaign, userId="u31"), items(campaign, userId="u33")
    unknown, popular = items(campaign, userId="new"), items(tracked.popularity, userId="new")
    tracked.put("i2", "i4", "i6", "i8", user="u31")
    tracked.put("i2", "i4", "i6", "i8", user="new")
    assert items(campaign, userId="u31") != before
    assert items(campaign, userId="u33") == other
    after = items(campaign, userId="new")
    assert after != unknown
    assert {int(item[1:]) % 2 for item in after[:5]} == {0}
    assert items(tracked.popularity, userId="new") == popular, "not a real-time recipe"


def test_an_event_id_counts_once(tracked: Tracked) -> None:
    tracked.put("i2", user="once", eventId="e-1")
    first = tracked.bench.runtime.get_recommendations(campaignArn=tracked.hrnn, userId="once")["itemList"]
    tracked.put("i20", user="once", eventId="e-1")
    assert tracked.bench.runtime.get_recommendations(campaignArn=tracked.hrnn, userId="once")["itemList"] == first
    tracked.put("i20", user="once", eventId="e-2")
    assert tracked.bench.runtime.get_recommendations(campaignArn=tracked.hrnn, userId="once")["itemList"] != first


def test_a_session_joins_its_user(tracked: Tracked) -> None:
    items = tracked.bench.items
    popular = items(tracked.hrnn, userId="late")
    tracked.put("i2", "i4", session="visit")
    assert items(tracked.hrnn, userId="late") == popular
    anonymous = items(tracked.hrnn, userId="visit")
    assert anonymous != popular, "an anonymous visitor is asked for by session"
    tracked.put("i6", user="late", session="visit")
    assert items(tracked.hrnn, userId="late") != popular
    assert items(tracked.hrnn, userId="visit") == popular, "the session's events are the user's now"


def test_item_and_value_may_come_in_properties(tracked: Tracked) -> None:
    popular = tracked.bench.items(tracked.hrnn, userId="p")
    event = {"eventType": "view", "sentAt": NOW, "properties": json.dumps({"itemId": "i2", "eventValue": 3})}
    tracked.bench.events.put_events(trackingId=tracked.tracking_id, sessionId="s", userId="p", eventList=[event])
    assert tracked.bench.items(tracked.hrnn, userId="p") != popular


def test_events_are_trained_on(bench: Bench) -> None:
    group = bench.filled_group()
    made = bench.personalize.create_event_tracker(name=bench.name(), datasetGroupArn=group)
    settled(bench.personalize, "event_tracker", made["eventTrackerArn"])
    event = {"eventType": "buy", "sentAt": NOW, "itemId": "brand-new"}
    for user in range(50):
        bench.events.put_events(
            trackingId=made["trackingId"], sessionId=f"s{user}", userId=f"buyer{user}", eventList=[event]
        )
    assert bench.items(bench.served(group, "aws-popularity-count"), userId="u1")[0] == "brand-new"


def test_events_that_are_refused(tracked: Tracked) -> None:
    put = tracked.bench.events.put_events
    event: dict[str, Any] = {"eventType": "view", "sentAt": NOW, "itemId": "i1"}
    for request, said in (
        ({"trackingId": "none", "eventList": [event]}, "trackingId none"),
        ({"eventList": [event] * 11}, "eventList"),
        ({"eventList": [event | {"properties": "{"}]}, "eventList.1.member.properties is not JSON"),
        ({"eventList": [event | {"properties": "[]"}]}, "must be a JSON object"),
        ({"eventList": [event | {"properties": '{"eventValue": "x"}'}]}, "eventValue must be a number"),
        ({"eventList": [event | {"sentAt": datetime(9000, 1, 1, tzinfo=UTC)}]}, "sentAt"),
    ):
        with pytest.raises(ClientError, match="InvalidInputException") as caught:
            put(**{"trackingId": tracked.tracking_id, "sessionId": "s", **request})
        assert said in caught.value.response["Error"]["Message"]


def test_items_and_users_one_by_one(bench: Bench) -> None:
    group = bench.group()
    items = bench.dataset(group, "Items", schema("Items", {"name": "CABIN_TYPE", "type": ["null", "string"]}))
    users = bench.dataset(group, "Users", schema("Users", {"name": "AGE", "type": "int"}))
    put = bench.events.put_items
    put(datasetArn=items, items=[{"itemId": "a", "properties": json.dumps({"cabinType": "Economy"})}])
    put(datasetArn=items, items=[{"itemId": "a", "properties": json.dumps({"cabinType": None})}])
    bench.events.put_users(datasetArn=users, users=[{"userId": "a", "properties": '{"AGE": 3}'}])
    for call, request, said in (
        (put, {"datasetArn": items, "items": [{"itemId": "a", "properties": '{"size": 1}'}]}, "no field SIZE"),
        (put, {"datasetArn": users, "items": [{"itemId": "a"}]}, "no dataset of type Items"),
        (
            bench.events.put_users,
            {"datasetArn": users, "users": [{"userId": "a", "properties": '{"age": "old"}'}]},
            "AGE is 'old'; the schema says int",
        ),
    ):
        with pytest.raises(ClientError, match="InvalidInputException") as caught:
            call(**request)
        assert said in caught.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        put(datasetArn=items.replace("ITEMS", "X"), items=[{"itemId": "a"}])


def test_put_items_count_as_catalogue(bench: Bench) -> None:
    group = bench.filled_group(interactions_csv())
    items = bench.dataset(group, "Items", schema("Items", {"name": "X", "type": ["null", "string"]}))
    plain = bench.version(bench.solution(group, "aws-popularity-count"))["solutionVersionArn"]
    for start in range(0, 40, 10):
        entries = [{"itemId": f"extra{start + n}", "properties": "{}"} for n in range(10)]
        bench.events.put_items(datasetArn=items, items=entries)
    wider = bench.version(bench.solution(group, "aws-popularity-count"))["solutionVersionArn"]
    metrics = bench.personalize.get_solution_metrics
    assert (
        metrics(solutionVersionArn=wider)["metrics"]["coverage"]
        < metrics(solutionVersionArn=plain)["metrics"]["coverage"]
    )

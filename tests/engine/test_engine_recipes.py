"""Recipes for everybody and for an item, through the API: trending items and similar items."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from engine_server import Bench, schema, settled

NEW = ("fresh-even", "fresh-odd")
"""Items that nobody has met; their metadata say which users' taste they are."""


@pytest.fixture(scope="module")
def group(bench: Bench) -> str:
    """Interactions, and items with a column that tells the taste."""
    group = bench.filled_group()
    items = bench.dataset(group, "Items", schema("Items", {"name": "TASTE", "type": "string", "categorical": True}))
    known = [f"i{number},{'even' if number % 2 == 0 else 'odd'}" for number in range(40)]
    table = "\n".join(["ITEM_ID,TASTE", *known, f"{NEW[0]},even", f"{NEW[1]},odd"])
    loaded = bench.load(items, bench.put(table.encode()))
    assert loaded["status"] == "ACTIVE", loaded.get("failureReason")
    return group


def test_similar_items_are_those_of_the_same_taste_also_for_items_that_nobody_has_met(bench: Bench, group: str) -> None:
    campaign = bench.served(group, "aws-similar-items")
    answer = bench.runtime.get_recommendations(campaignArn=campaign, itemId="i6", numResults=500)["itemList"]
    ids = [item["itemId"] for item in answer]
    assert all("score" not in item for item in answer)
    assert "i6" not in ids
    assert set(NEW) <= set(ids), "items without interactions are answers, too"
    assert {int(item[1:]) % 2 for item in ids[:5]} == {0}
    for fresh, rest in zip(NEW, (0, 1), strict=True):
        assert {int(item[1:]) % 2 for item in bench.items(campaign, itemId=fresh, numResults=5)} == {rest}
    popular = bench.items(campaign, itemId="never heard of", numResults=5)
    assert popular == bench.items(campaign, itemId="nor of this", numResults=5)


def test_trending_items_follow_everybodys_events_without_a_user_in_the_request(bench: Bench, group: str) -> None:
    campaign = bench.served(
        group,
        "aws-trending-now",
        solutionConfig={"featureTransformationParameters": {"trend_discovery_frequency": "30 minutes"}},
    )
    before = bench.items(campaign)
    assert len(before) == 25
    assert bench.items(campaign, userId="u1") == before
    tracker = bench.personalize.create_event_tracker(name=bench.name(), datasetGroupArn=group)
    settled(bench.personalize, "event_tracker", tracker["eventTrackerArn"])
    event = {"eventType": "view", "sentAt": datetime.now(UTC)}
    for user in ("u1", "u2", "stranger"):
        bench.events.put_events(
            trackingId=tracker["trackingId"],
            userId=user,
            sessionId=f"s-{user}",
            eventList=[{**event, "itemId": "viral"}, {**event, "itemId": before[-1]}],
        )
    answer = bench.runtime.get_recommendations(campaignArn=campaign)["itemList"]
    assert {item["itemId"] for item in answer[:2]} == {"viral", before[-1]}
    assert all("score" not in item for item in answer)

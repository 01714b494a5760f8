"""Filters, promotions, context and metadata in requests, over HTTP."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import SMALL, Bench, schema, settled, wait_for

CATEGORICAL = {"type": ["null", "string"], "categorical": True}
GENRES = ["drama", "war", "comedy", "drama|war"]


@dataclass(frozen=True)
class Shop:
    """A group with all three datasets: 40 items of 4 genres, those of number 40 and 41 without interactions."""

    bench: Bench
    group: str
    items: str
    tracking_id: str

    def filter(self, expression: str, group: str | None = None) -> str:
        arn: str = self.bench.personalize.create_filter(
            name=self.bench.name(), datasetGroupArn=group or self.group, filterExpression=expression
        )["filterArn"]
        assert settled(self.bench.personalize, "filter", arn)["status"] == "ACTIVE"
        return arn

    def once(self, expression: str, use: Callable[[str], Any]) -> Any:
        """What `use` gives with such a filter, which is deleted again: a group may have ten."""
        arn = self.filter(expression)
        try:
            return use(arn)
        finally:
            self.bench.personalize.delete_filter(filterArn=arn)
            wait_for(lambda: arn not in self.filters())

    def filters(self) -> set[str]:
        listed = self.bench.personalize.list_filters(datasetGroupArn=self.group)["Filters"]
        return {row["filterArn"] for row in listed}

    def put_event(self, user: str, item: str, kind: str) -> None:
        event = {"eventType": kind, "itemId": item, "sentAt": datetime.now(UTC)}
        self.bench.events.put_events(trackingId=self.tracking_id, userId=user, sessionId=f"s-{user}", eventList=[event])


@pytest.fixture(scope="module")
def shop(bench: Bench) -> Shop:
    group = bench.group()
    interactions = schema("Interactions", {"name": "EVENT_TYPE", "type": "string"}, {"name": "DEVICE", **CATEGORICAL})
    items = schema(
        "Items",
        {"name": "GENRE", **CATEGORICAL},
        {"name": "PRICE", "type": ["null", "float"]},
        {"name": "SOLD", "type": "boolean"},
        {"name": "TEXT", "type": ["null", "string"], "textual": True},
    )
    users = schema("Users", {"name": "AGE", "type": ["null", "int"]}, {"name": "PLAN", **CATEGORICAL})
    draw = random.Random(1)
    log = io.StringIO()
    log.write("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE\n")
    for user in range(42):
        for step in range(25):
            item = int(40 * draw.random() ** 2)
            kind = "buy" if step % 5 == 0 else "view"
            log.write(f"u{user},i{item},{1_700_000_000 + 3600 * step + user},{kind},{draw.choice(['tv', 'phone'])}\n")
    things = [f"i{n},{GENRES[n % 4]},{n / 10},true,words" for n in range(42)]
    people = [f"u{n},{18 + n},{'gold' if n % 2 else ''}" for n in range(42)]
    for kind, text, body in (
        ("Interactions", interactions, log.getvalue()),
        ("Items", items, "\n".join(["ITEM_ID,GENRE,PRICE,SOLD,TEXT", *things])),
        ("Users", users, "\n".join(["USER_ID,AGE,PLAN", *people])),
    ):
        loaded = bench.load(bench.dataset(group, kind, text), bench.put(body.encode()))
        assert loaded["status"] == "ACTIVE", loaded.get("failureReason")
    made = bench.personalize.create_event_tracker(name=bench.name(), datasetGroupArn=group)
    settled(bench.personalize, "event_tracker", made["eventTrackerArn"])
    listed = bench.personalize.list_datasets(datasetGroupArn=group)["datasets"]
    (arn,) = [row["datasetArn"] for row in listed if row["datasetType"] == "ITEMS"]
    return Shop(bench=bench, group=group, items=arn, tracking_id=made["trackingId"])


@pytest.fixture(scope="module")
def popular(shop: Shop) -> str:
    return shop.bench.served(shop.group, "aws-popularity-count")


@pytest.fixture(scope="module")
def related(shop: Shop) -> str:
    return shop.bench.served(shop.group, "aws-sims")


@pytest.fixture(scope="module")
def ranking(shop: Shop) -> str:
    return shop.bench.served(shop.group, "aws-personalized-ranking", solutionConfig=SMALL)


def refused(ask: Callable[..., Any], code: str = "InvalidInputException", **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        ask(**request)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def number(item: str) -> int:
    return int(item[1:])


# ------------------------------------------------------------------------------------------------------- creating
@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("INCLUDE ItemID WHERE Items.PRICE !", "line 1, column 34"),
        ("INCLUDE ItemID WHERE Items.COLOUR = 3", "column 22: the schema of Items has no field COLOUR"),
        ('INCLUDE ItemID WHERE Items.SOLD IN ("true")', "boolean"),
        ('INCLUDE ItemID WHERE Items.TEXT IN ("a")', "textual"),
        ("INCLUDE ItemID WHERE Items.GENRE NOT IN ($G)", "NOT IN takes no placeholders"),
    ],
)
def test_what_is_no_filter_of_the_group_is_not_made(shop: Shop, expression: str, said: str) -> None:
    create = shop.bench.personalize.create_filter
    assert said in refused(create, name="x", datasetGroupArn=shop.group, filterExpression=expression)


# ------------------------------------------------------------------------------------------------------- filtering
def test_items_are_included_by_what_they_are(shop: Shop, popular: str) -> None:
    def ask(arn: str) -> list[str]:
        values = {"GENRE": '"war","opera"', "PRICE": "2"}
        return shop.bench.items(popular, userId="u1", numResults=500, filterArn=arn, filterValues=values)

    found = shop.once("INCLUDE ItemID WHERE Items.GENRE IN ($GENRE) AND Items.PRICE <= $PRICE", ask)
    assert set(found) == {f"i{n}" for n in range(21) if n % 4 in {1, 3}}
    everything = shop.bench.items(popular, userId="u1", numResults=500)
    assert found == [item for item in everything if item in found], "in the same order as without a filter"


def test_events_are_filtered_on_at_once_and_only_their_users(shop: Shop, popular: str) -> None:
    def ask(arn: str) -> None:
        before = shop.bench.items(popular, userId="u2", numResults=500, filterArn=arn)
        shop.put_event("u2", before[0], "BUY")
        assert shop.bench.items(popular, userId="u2", numResults=500, filterArn=arn) == before[1:]
        assert before[0] in shop.bench.items(popular, userId="nobody", numResults=500, filterArn=arn)

    shop.once('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")', ask)


def test_a_put_item_counts_at_once(shop: Shop, popular: str) -> None:
    def ask(arn: str) -> list[str]:
        return shop.bench.items(popular, userId="u1", filterArn=arn)

    arn = shop.filter('INCLUDE ItemID WHERE Items.GENRE IN ("opera")')
    assert ask(arn) == []
    properties = '{"genre": "opera|drama", "price": 1.5, "sold": true, "text": null}'
    shop.bench.events.put_items(datasetArn=shop.items, items=[{"itemId": "i4", "properties": properties}])
    assert ask(arn) == ["i4"]
    shop.bench.personalize.delete_filter(filterArn=arn)


def test_a_filter_looks_at_the_current_user_and_the_current_item(shop: Shop, popular: str, related: str) -> None:
    def by_user(arn: str) -> None:
        assert len(shop.bench.items(popular, userId="u1", numResults=500, filterArn=arn)) == 40
        assert shop.bench.items(popular, userId="u41", numResults=500, filterArn=arn) == ["i0", "i1"]

    shop.once(
        'INCLUDE ItemID WHERE Items.PRICE < 0.2 IF CurrentUser.AGE > 40 AND CurrentUser.PLAN IN ("gold")', by_user
    )

    def by_item(arn: str) -> None:
        found = shop.bench.items(related, itemId="i9", numResults=500, filterArn=arn)
        assert set(found) == {"i1", "i3", "i5", "i7"}
        said = refused(shop.bench.runtime.get_recommendations, campaignArn=popular, userId="u1", filterArn=arn)
        assert "uses CurrentItem" in said

    shop.once("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.GENRE IN CurrentItem.GENRE", by_item)


def test_filters_that_are_refused_in_requests(shop: Shop, popular: str, related: str, filled_group: str) -> None:
    ask = shop.bench.runtime.get_recommendations
    arn = shop.filter("INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)")
    elsewhere = shop.filter('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("a")', filled_group)
    for request, said in (
        ({"filterArn": arn}, "a value for GENRE must be given"),
        ({"filterArn": arn, "filterValues": {"GENRE": "drama"}}, "strings in double quotes"),
        ({"filterArn": arn, "filterValues": {"GENRE": '"a"', "X": "1"}}, "has no placeholder X"),
        ({"filterValues": {"GENRE": '"a"'}}, "without filterArn"),
        ({"filterArn": elsewhere}, "another dataset group"),
    ):
        assert said in refused(ask, campaignArn=popular, userId="u1", **request)
    for wrong in (arn + "x", popular):
        refused(ask, "ResourceNotFoundException", campaignArn=popular, userId="u1", filterArn=wrong)
    seen = shop.filter('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")')
    assert "userId must be given" in refused(ask, campaignArn=related, itemId="i1", filterArn=seen)
    people = shop.filter("INCLUDE UserID WHERE Users.AGE > 3")
    assert "filters users" in refused(ask, campaignArn=popular, userId="u1", filterArn=people)
    for made in (arn, elsewhere, seen, people):
        shop.bench.personalize.delete_filter(filterArn=made)
    refused(ask, "ResourceNotFoundException", campaignArn=popular, userId="u1", filterArn=seen)


# ------------------------------------------------------------------------------------------------------- promotions
def test_promoted_items_are_a_share_of_the_answer_in_their_own_order(shop: Shop, popular: str) -> None:
    plain = shop.bench.items(popular, userId="u3", numResults=500)
    war = shop.filter('INCLUDE ItemID WHERE Items.GENRE IN ("war")')
    cheap = shop.filter("INCLUDE ItemID WHERE Items.PRICE < $P")
    promotion = {"name": "wars", "filterArn": war, "percentPromotedItems": 30}
    answer = shop.bench.runtime.get_recommendations(
        campaignArn=popular,
        userId="u3",
        numResults=10,
        promotions=[promotion],
        filterArn=cheap,
        filterValues={"P": "1.55"},
    )["itemList"]
    promoted = [item["itemId"] for item in answer if item.get("promotionName") == "wars"]
    others = [item["itemId"] for item in answer if "promotionName" not in item]
    assert promoted == [item for item in plain if number(item) % 4 in {1, 3}][:3], "by the promotion's filter alone"
    assert others == [item for item in plain if number(item) < 16 and item not in promoted][:7]
    few = shop.bench.runtime.get_recommendations(
        campaignArn=popular,
        userId="u3",
        numResults=20,
        promotions=[{"name": "few", "filterArn": cheap, "filterValues": {"P": "0.15"}, "percentPromotedItems": 100}],
    )["itemList"]
    assert sum("promotionName" in item for item in few) == 2
    assert len({item["itemId"] for item in few}) == 20
    new = shop.bench.runtime.get_recommendations(
        campaignArn=shop.bench.served(shop.group, "aws-similar-items"),
        itemId="i1",
        numResults=2,
        promotions=[{"name": "new", "filterArn": war, "percentPromotedItems": 1}],
    )["itemList"]
    assert sum(item.get("promotionName") == "new" for item in new) == 1
    for given, said in (({"filterArn": war}, "percentPromotedItems"), ({"percentPromotedItems": 9}, "filterArn")):
        ask = shop.bench.runtime.get_recommendations
        assert said in refused(ask, campaignArn=popular, userId="u3", promotions=[given])
    for made in (war, cheap):
        shop.bench.personalize.delete_filter(filterArn=made)


# -------------------------------------------------------------------------------------------- context and metadata
def test_only_columns_of_the_interactions_are_context(shop: Shop, popular: str) -> None:
    ask = shop.bench.runtime.get_recommendations
    said = refused(ask, campaignArn=popular, userId="u1", context={"GENRE": "drama"})
    assert said.startswith("context.GENRE is no metadata column of the Interactions dataset; it may hold DEVICE")
    assert len(shop.bench.items(popular, userId="u1", context={"DEVICE": "never seen 𝄞"})) == 25


def test_metadata_comes_with_the_items(shop: Shop, popular: str) -> None:
    ask = shop.bench.runtime.get_recommendations
    version = shop.bench.personalize.describe_campaign(campaignArn=popular)["campaign"]["solutionVersionArn"]
    campaign = shop.bench.personalize.create_campaign(
        name=shop.bench.name(),
        solutionVersionArn=version,
        campaignConfig={"enableMetadataWithRecommendations": True},
    )["campaignArn"]
    assert settled(shop.bench.personalize, "campaign", campaign)["status"] == "ACTIVE"
    answer = ask(campaignArn=campaign, userId="u1", metadataColumns={"ITEMS": ["GENRE", "PRICE"]})["itemList"]
    (seventh,) = [item for item in answer if item["itemId"] == "i7"]
    assert seventh["metadata"] == {"GENRE": "drama|war", "PRICE": "0.7"}
    assert "metadata" not in ask(campaignArn=campaign, userId="u1")["itemList"][0]
    for columns, said in (
        ({"ITEMS": ["COLOUR"]}, "the Items dataset has no column COLOUR"),
        ({"USERS": ["AGE"]}, "its only key is ITEMS"),
        ({"ITEMS": [f"C{n}" for n in range(11)]}, "the maximum is 10"),
    ):
        assert said in refused(ask, campaignArn=campaign, userId="u1", metadataColumns=columns)
    with_genre = {"userId": "u1", "metadataColumns": {"ITEMS": ["GENRE"]}}
    assert "the maximum is 50" in refused(ask, campaignArn=campaign, numResults=51, **with_genre)
    assert "enableMetadataWithRecommendations" in refused(ask, campaignArn=popular, **with_genre)


def test_what_is_popular_needs_no_user_but_a_filter_may(shop: Shop) -> None:
    trending = shop.bench.served(shop.group, "aws-trending-now")
    assert len(shop.bench.items(trending)) == 25
    for _ in range(3):
        shop.put_event("u5", "i40", "view")
    assert shop.bench.items(trending)[0] == "i40", "new events count, of items without interactions too"

    def ask(arn: str) -> None:
        said = refused(shop.bench.runtime.get_recommendations, campaignArn=trending, filterArn=arn)
        assert "userId must be given" in said
        assert "i40" not in shop.bench.items(trending, userId="u5", filterArn=arn)

    shop.once('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")', ask)


# ---------------------------------------------------------------------------------------------------------- ranking
def test_a_list_is_ranked_and_what_is_not_known_comes_last(shop: Shop, ranking: str) -> None:
    ask = shop.bench.runtime.get_personalized_ranking
    given = ["i41", "i7", "no such item", "i3", "i7", "i0", "i12"]
    answer = ask(campaignArn=ranking, userId="u1", inputList=given)
    assert answer["recommendationId"].startswith("RID-")
    ranked = answer["personalizedRanking"]
    items = [item["itemId"] for item in ranked]
    assert set(items[:4]) == {"i7", "i3", "i0", "i12"}
    assert items[4:] == ["i41", "no such item"], "without interactions: as they were given"
    scores = [item["score"] for item in ranked[:4]]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1)
    assert all("score" not in item for item in ranked[4:])
    unknown = ask(campaignArn=ranking, userId="nobody at all", inputList=given)["personalizedRanking"]
    assert {item["itemId"] for item in unknown} == set(given)
    assert (
        len(ask(campaignArn=ranking, userId="u1", inputList=[f"x{n}" for n in range(500)])["personalizedRanking"])
        == 500
    )

    def filtered(arn: str) -> list[str]:
        found = ask(campaignArn=ranking, userId="u1", inputList=given, filterArn=arn, filterValues={"G": '"war"'})
        return [item["itemId"] for item in found["personalizedRanking"]]

    left = shop.once("INCLUDE ItemID WHERE Items.GENRE IN ($G)", filtered)
    assert (set(left[:2]), left[2:]) == ({"i7", "i3"}, ["i41"])


def test_rankings_that_are_refused(shop: Shop, ranking: str, popular: str) -> None:
    ask = shop.bench.runtime.get_personalized_ranking
    for request, said in (
        ({"campaignArn": popular, "inputList": ["i1"]}, "ask it with GetRecommendations"),
        ({"campaignArn": ranking, "inputList": []}, "at least one item"),
        ({"campaignArn": ranking, "inputList": [f"i{n}" for n in range(501)]}, "the maximum is 500"),
        ({"campaignArn": ranking, "inputList": ["i1"], "context": {"X": "1"}}, "context.X is no metadata column"),
        ({"campaignArn": ranking, "inputList": ["i" * 257]}, "length less than or equal to 256"),
    ):
        assert said in refused(ask, userId="u1", **request)
    said = refused(shop.bench.runtime.get_recommendations, campaignArn=ranking, userId="u1")
    assert "GetPersonalizedRanking" in said

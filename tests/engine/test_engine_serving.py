"""Trainings, campaigns and what they answer."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import SMALL, Bench, EngineProcess, interactions_csv, schema, settled, wait_for

METRICS = {"coverage", "mean_reciprocal_rank_at_25"}
METRICS |= {f"{name}_at_{k}" for name in ("normalized_discounted_cumulative_gain", "precision") for k in (5, 10, 25)}


def version_of(bench: Bench, campaign: str) -> dict[str, Any]:
    arn = bench.personalize.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
    found: dict[str, Any] = bench.personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
    return found


def test_popularity_gives_everyone_the_same_25_without_scores(bench: Bench, popularity: str) -> None:
    answer = bench.runtime.get_recommendations(campaignArn=popularity, userId="u1")
    assert len(answer["itemList"]) == 25
    assert all("score" not in item for item in answer["itemList"])
    assert answer["recommendationId"].startswith("RID-")
    assert bench.items(popularity, userId="nobody") == [item["itemId"] for item in answer["itemList"]]


def test_sims_gives_items_that_the_same_users_had(bench: Bench, sims: str, popularity: str) -> None:
    answer = bench.runtime.get_recommendations(campaignArn=sims, itemId="i6", numResults=5)["itemList"]
    assert all("score" not in item for item in answer)
    assert {int(item["itemId"][1:]) % 2 for item in answer} == {0}
    assert "i6" not in bench.items(sims, itemId="i6", numResults=500)
    assert set(bench.items(sims, itemId="unheard of", numResults=4)) <= set(bench.items(popularity, userId="u1")[:8])


def test_hrnn_scores_are_shares_of_all_items(bench: Bench, hrnn: str, popularity: str) -> None:
    answer = bench.runtime.get_recommendations(campaignArn=hrnn, userId="u1", numResults=500)["itemList"]
    scores = [item["score"] for item in answer]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1, abs=1e-4)
    assert len({item["itemId"] for item in answer}) == len(answer)
    assert {int(item["itemId"][1:]) % 2 for item in answer[:5]} == {1}, "an odd user likes odd items"
    assert bench.items(hrnn, userId="nobody")[:5] == bench.items(popularity, userId="u1")[:5]
    assert bench.items(hrnn, userId="u1") == bench.items(hrnn, userId="u1", itemId="i3"), "itemId is not looked at"


def test_answers_repeat(bench: Bench, hrnn: str) -> None:
    first = bench.runtime.get_recommendations(campaignArn=hrnn, userId="u4", numResults=40)["itemList"]
    assert bench.runtime.get_recommendations(campaignArn=hrnn, userId="u4", numResults=40)["itemList"] == first


def test_questions_that_are_refused(bench: Bench, popularity: str, sims: str) -> None:
    ask = bench.runtime.get_recommendations
    for request, said in (
        ({"campaignArn": sims, "userId": "u1"}, "itemId must be given"),
        ({"campaignArn": popularity}, "userId must be given"),
        ({"campaignArn": popularity, "userId": "u1", "numResults": 501}, "maximum is 500"),
        ({"userId": "u1"}, "campaignArn"),
    ):
        with pytest.raises(ClientError, match="InvalidInputException") as caught:
            ask(**request)
        assert said in caught.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ask(campaignArn=popularity + "x", userId="u1")


@pytest.mark.parametrize("recipe", ["popularity", "sims", "hrnn"])
def test_service_metrics(bench: Bench, request: pytest.FixtureRequest, recipe: str) -> None:
    version = version_of(bench, request.getfixturevalue(recipe))
    assert version["trainingHours"] > 0
    assert version["trainingType"] == "MANUAL"
    metrics = bench.personalize.get_solution_metrics(solutionVersionArn=version["solutionVersionArn"])["metrics"]
    assert set(metrics) == METRICS
    assert all(0 <= value <= 1 for value in metrics.values())
    assert metrics["coverage"] > 0


def test_solution_versions(bench: Bench, filled_group: str) -> None:
    api = bench.personalize
    solution = bench.solution(filled_group, "aws-popularity-count")
    arn = api.create_solution_version(solutionArn=solution, name="first")["solutionVersionArn"]
    assert arn.startswith(f"{solution}/")
    assert len(arn.rpartition("/")[2]) == 8
    with pytest.raises(ClientError, match="ResourceAlreadyExistsException"):
        api.create_solution_version(solutionArn=solution, name="first")
    assert settled(api, "solution_version", arn)["name"] == "first"
    second = bench.version(solution)
    listed = api.list_solution_versions(solutionArn=solution)["solutionVersions"]
    assert [row["solutionVersionArn"] for row in listed] == [arn, second["solutionVersionArn"]]
    latest = api.describe_solution(solutionArn=solution)["solution"]["latestSolutionVersion"]
    assert latest["solutionVersionArn"] == second["solutionVersionArn"]
    with pytest.raises(ClientError, match=r"InvalidInputException.*UPDATE"):
        api.create_solution_version(solutionArn=solution, trainingMode="UPDATE")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        api.list_solution_versions(solutionArn=solution + "x")


def test_too_little_to_train_on(bench: Bench) -> None:
    few_users = bench.filled_group(interactions_csv(users=20, each=60))
    failed = bench.version(bench.solution(few_users, "aws-popularity-count"))
    assert failed["status"] == "CREATE FAILED"
    assert "fewer than 25 users with at least 2 interactions (20, of 20 users" in failed["failureReason"]
    with pytest.raises(ClientError, match="InvalidInputException"):
        bench.personalize.get_solution_metrics(solutionVersionArn=failed["solutionVersionArn"])
    with pytest.raises(ClientError, match="InvalidInputException"):
        bench.campaign(failed["solutionVersionArn"])
    lines = interactions_csv(users=30, each=20).decode().splitlines()
    repeated = "\n".join([*lines, *lines[1:]]).encode()
    failed = bench.version(bench.solution(bench.filled_group(repeated), "aws-popularity-count"))
    assert failed["failureReason"].startswith("Dataset has fewer than 1000 unique interactions (600)")


def test_event_types_and_values_choose_what_is_trained_on(bench: Bench) -> None:
    group = bench.group()
    dataset = bench.dataset(
        group,
        text=schema(
            "Interactions",
            {"name": "EVENT_TYPE", "type": "string"},
            {"name": "EVENT_VALUE", "type": ["null", "float"]},
        ),
    )
    lines = ["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE"]
    for n in range(4000):
        kind, value = ("rate", n % 5) if n % 2 else ("look", "")
        lines.append(f"u{n % 41},{kind}{n % 11}-{value},{1_600_000_000 + n},{kind},{value}")
    assert bench.load(dataset, bench.put("\n".join(lines).encode()))["status"] == "ACTIVE"
    campaign = bench.served(
        group, "aws-popularity-count", eventType="RATE", solutionConfig={"eventValueThreshold": "2"}
    )
    items = bench.items(campaign, userId="u1", numResults=500)
    assert {item[0] for item in items} == {"r"}
    assert {item[-1] for item in items} == {"2", "3", "4"}
    failed = bench.version(bench.solution(group, "aws-popularity-count", eventType="buy"))
    assert failed["failureReason"].endswith("after filtering by event type: buy")


def test_campaign_update_and_delete_order(bench: Bench, filled_group: str) -> None:
    api = bench.personalize
    solution = bench.solution(filled_group, "aws-popularity-count")
    first, second = (bench.version(solution)["solutionVersionArn"] for _ in range(2))
    campaign = bench.campaign(first)
    with pytest.raises(ClientError, match="ResourceAlreadyExistsException"):
        api.create_campaign(name=campaign.rpartition("/")[2], solutionVersionArn=first)
    api.update_campaign(campaignArn=campaign, solutionVersionArn=second, minProvisionedTPS=2)

    def updated() -> dict[str, Any] | None:
        found: dict[str, Any] = api.describe_campaign(campaignArn=campaign)["campaign"]
        assert found["status"] == "ACTIVE"
        return found if found["latestCampaignUpdate"]["status"] == "ACTIVE" else None

    found = wait_for(updated)
    assert (found["solutionVersionArn"], found["minProvisionedTPS"]) == (second, 2)
    assert [row["campaignArn"] for row in api.list_campaigns(solutionArn=solution)["campaigns"]] == [campaign]
    with pytest.raises(ClientError, match="ResourceInUseException"):
        api.delete_solution(solutionArn=solution)
    api.delete_campaign(campaignArn=campaign)
    wait_for(lambda: not api.list_campaigns(solutionArn=solution)["campaigns"])
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bench.items(campaign, userId="u1")
    api.delete_solution(solutionArn=solution)
    wait_for(lambda: solution not in {row["solutionArn"] for row in api.list_solutions()["solutions"]})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        api.describe_solution_version(solutionVersionArn=second)


def test_a_campaign_may_switch_to_another_solution_of_its_group(bench: Bench, filled_group: str) -> None:
    api = bench.personalize
    old, new = (bench.solution(filled_group, recipe) for recipe in ("aws-popularity-count", "aws-sims"))
    campaign = bench.campaign(bench.version(old)["solutionVersionArn"])
    version = bench.version(new)["solutionVersionArn"]
    api.update_campaign(campaignArn=campaign, solutionVersionArn=version)

    def updated() -> bool:
        return bool(api.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"] == version)

    wait_for(updated)
    assert not api.list_campaigns(solutionArn=old)["campaigns"]
    assert [row["campaignArn"] for row in api.list_campaigns(solutionArn=new)["campaigns"]] == [campaign]
    with pytest.raises(ClientError, match="itemId"):  # it asks like the new recipe
        bench.items(campaign, userId="u1")
    api.delete_solution(solutionArn=old)
    with pytest.raises(ClientError, match="ResourceInUseException"):
        api.delete_solution(solutionArn=new)


def test_stop(bench: Bench, engine: EngineProcess, filled_group: str) -> None:
    api = bench.personalize
    solution = bench.solution(filled_group, "aws-hrnn", solutionConfig=SMALL)
    arn = api.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    wait_for(lambda: any(row["arn"] == arn and row["total"] for row in engine.http("GET", "/progress")))
    with pytest.raises(ClientError, match="ResourceInUseException"):
        api.delete_solution(solutionArn=solution)
    with pytest.raises(ClientError, match="ResourceInUseException"):
        api.get_solution_metrics(solutionVersionArn=arn)
    api.stop_solution_version_creation(solutionVersionArn=arn)
    assert settled(api, "solution_version", arn)["status"] == "CREATE STOPPED"
    assert all(row["arn"] != arn for row in engine.http("GET", "/progress"))
    with pytest.raises(ClientError, match="InvalidInputException"):
        api.stop_solution_version_creation(solutionVersionArn=arn)
    assert bench.version(bench.solution(filled_group, "aws-popularity-count"))["status"] == "ACTIVE"

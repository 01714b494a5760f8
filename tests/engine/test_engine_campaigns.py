"""What a campaign may be told, by recipe, and campaigns that follow their solution's newest version."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import SMALL, Bench, interactions_csv, schema, settled, wait_for

DEFAULTS = {"explorationWeight": "0.3", "explorationItemAgeCutOff": "30.0"}


@pytest.fixture(scope="module")
def exploring(bench: Bench, filled_group: str) -> str:
    """A solution version of the recipe that explores."""
    return _version(bench, filled_group, "aws-user-personalization", solutionConfig=SMALL)


@pytest.fixture(scope="module")
def plain(bench: Bench, filled_group: str) -> str:
    return _version(bench, filled_group, "aws-popularity-count")


def _version(bench: Bench, group: str, recipe: str, **more: Any) -> str:
    made = bench.version(bench.solution(group, recipe, **more))
    assert made["status"] == "ACTIVE", made.get("failureReason")
    return str(made["solutionVersionArn"])


def _campaign(bench: Bench, version: str, **more: Any) -> dict[str, Any]:
    arn = bench.personalize.create_campaign(name=bench.name(), solutionVersionArn=version, **more)["campaignArn"]
    return settled(bench.personalize, "campaign", arn)


def _updated(bench: Bench, campaign: str, **changes: Any) -> dict[str, Any]:
    """The campaign once the update is ACTIVE."""
    bench.personalize.update_campaign(campaignArn=campaign, **changes)
    return wait_for(lambda: _settled_update(bench, campaign))  # type: ignore[no-any-return]


def _settled_update(bench: Bench, campaign: str) -> dict[str, Any] | None:
    found: dict[str, Any] = bench.personalize.describe_campaign(campaignArn=campaign)["campaign"]
    return found if found.get("latestCampaignUpdate", {}).get("status") == "ACTIVE" else None


def test_what_is_not_said_of_exploration_has_its_default(bench: Bench, exploring: str, plain: str) -> None:
    assert _campaign(bench, exploring)["campaignConfig"] == {"itemExplorationConfig": DEFAULTS}
    given = {"itemExplorationConfig": {"explorationWeight": "1"}}
    whole = {"itemExplorationConfig": {**DEFAULTS, "explorationWeight": "1"}}
    assert _campaign(bench, exploring, campaignConfig=given)["campaignConfig"] == whole
    assert _campaign(bench, plain)["campaignConfig"] == {}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"itemExplorationConfig": {"explorationWeight": "1.1"}}, "explorationWeight='1.1'"),
        ({"itemExplorationConfig": {"explorationWeight": "much"}}, "a number in [0, 1]"),
        ({"itemExplorationConfig": {"explorationWeight": "nan"}}, "explorationWeight='nan'"),
        ({"itemExplorationConfig": {"explorationItemAgeCutOff": "-1"}}, "explorationItemAgeCutOff='-1'"),
        ({"itemExplorationConfig": {"explorationItemAgeCutOff": "inf"}}, "explorationItemAgeCutOff='inf'"),
        ({"itemExplorationConfig": {"weight": "1"}}, "there is no weight"),
        ({"enableMetadataWithRecommendations": True}, "needs an Items dataset"),
        ({"syncWithLatestSolutionVersion": True}, "SolutionArn/$LATEST format"),
        ({"rankingInfluence": {"POPULARITY": 0.5}}, "not supported yet"),
    ],
)
def test_what_a_campaign_is_not_told(bench: Bench, exploring: str, config: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match="InvalidInputException") as caught:
        _campaign(bench, exploring, campaignConfig=config)
    assert said in caught.value.response["Error"]["Message"]


def test_only_a_recipe_that_explores_takes_settings_for_it(bench: Bench, plain: str) -> None:
    config = {"itemExplorationConfig": {"explorationWeight": "0"}}
    with pytest.raises(
        ClientError, match=r"InvalidInputException.*only if your solution uses the User-Personalization"
    ):
        _campaign(bench, plain, campaignConfig=config)


def test_another_version_keeps_what_fits_it(bench: Bench, exploring: str, plain: str) -> None:
    arn = _campaign(bench, plain)["campaignArn"]
    assert _updated(bench, arn, solutionVersionArn=exploring)["campaignConfig"] == {"itemExplorationConfig": DEFAULTS}
    config = {"itemExplorationConfig": {"explorationWeight": "0.9"}}
    changed = _updated(bench, arn, campaignConfig=config, minProvisionedTPS=3)
    assert changed["campaignConfig"]["itemExplorationConfig"] == {**DEFAULTS, "explorationWeight": "0.9"}
    assert changed["minProvisionedTPS"] == 3
    assert changed["solutionVersionArn"] == exploring
    assert _updated(bench, arn, solutionVersionArn=plain)["campaignConfig"] == {}


def test_metadata_can_be_asked_for_where_there_are_items(bench: Bench) -> None:
    group = bench.filled_group()
    bench.dataset(group, "Items", schema("Items", {"name": "GENRE", "type": "string", "categorical": True}))
    version = _version(bench, group, "aws-popularity-count")
    config = {"enableMetadataWithRecommendations": True}
    assert _campaign(bench, version, campaignConfig=config)["campaignConfig"] == config


def test_campaigns_that_follow_serve_the_newest_version(bench: Bench) -> None:
    group = bench.filled_group(interactions_csv(seed=5))
    solution = bench.solution(group, "aws-popularity-count")
    with pytest.raises(ClientError, match=r"InvalidInputException.*no solution version"):
        _campaign(bench, f"{solution}/$LATEST")
    first = bench.version(solution)["solutionVersionArn"]
    config = {"syncWithLatestSolutionVersion": True}
    following = _campaign(bench, f"{solution}/$LATEST", campaignConfig=config)
    assert following["solutionVersionArn"] == first
    assert following["campaignConfig"] == config
    staying = _campaign(bench, f"{solution}/$LATEST")
    second = bench.version(solution)["solutionVersionArn"]

    found = wait_for(lambda: _settled_update(bench, following["campaignArn"]))
    assert found["solutionVersionArn"] == second == found["latestCampaignUpdate"]["solutionVersionArn"]
    assert found["campaignConfig"] == config
    described = bench.personalize.describe_campaign(campaignArn=staying["campaignArn"])["campaign"]
    assert described["solutionVersionArn"] == first

    named = _updated(bench, following["campaignArn"], solutionVersionArn=first)
    assert (named["solutionVersionArn"], named["campaignConfig"]) == (first, {}), "naming a version ends the following"
    assert bench.version(solution)["status"] == "ACTIVE"
    described = bench.personalize.describe_campaign(campaignArn=following["campaignArn"])["campaign"]
    assert described["solutionVersionArn"] == first

    again = _updated(bench, staying["campaignArn"], solutionVersionArn=f"{solution}/$LATEST", campaignConfig=config)
    newest = bench.personalize.list_solution_versions(solutionArn=solution)["solutionVersions"][-1]
    assert again["solutionVersionArn"] == newest["solutionVersionArn"]


def test_one_training_more_is_another_draw_and_the_same_in_another_solution(bench: Bench) -> None:
    """The seed is the number of a version within its solution."""
    group = bench.filled_group()  # of its own: a group has ten solutions at most

    def scores(solution: str) -> list[float]:
        campaign = bench.campaign(bench.version(solution)["solutionVersionArn"])
        answer = bench.runtime.get_recommendations(campaignArn=campaign, userId="u1")
        return [item["score"] for item in answer["itemList"]]

    first, second = (bench.solution(group, "aws-hrnn", solutionConfig=SMALL) for _ in range(2))
    drawn = scores(first)
    assert scores(first) != drawn
    assert scores(second) == drawn

"""One deployed stack, several executions: what a second run does, and what a wrong input does."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from deployed_stack import EXPERIMENT, QUICK, Deployed, deployed_stack

from campaigns import command as campaigns
from contract import layout
from contract.recipes import DatasetKind
from local_cloud.leftovers import leftovers


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with deployed_stack(tmp_path_factory.mktemp("second-run")) as found:
        yield found
        found.destroy()
        assert leftovers(found.cloud) == []


def test_without_data_the_first_state_says_how_to_put_it_there(deployed: Deployed) -> None:
    ended = deployed.execute({})
    assert ended["status"] == "FAILED"
    assert ended["error"] == "DataMissing"
    assert "python -m data_prep quickstart --stack" in ended["cause"]


def test_a_run_that_may_cost_too_much_ends_before_anything_is_made(deployed: Deployed) -> None:
    deployed.publish()
    ended = deployed.execute({"max_cost": 0.01, **QUICK})
    assert (ended["status"], ended["error"]) == ("FAILED", "TooExpensive")
    for part in ("max_cost allows $0.01", "estimate: $", "raise max_cost in experiments/quickstart.yaml"):
        assert part in ended["cause"]
    assert not any(deployed.made().values())


def test_a_second_run_finds_what_the_first_made_and_new_campaigns_go_again(deployed: Deployed) -> None:
    deployed.publish()
    first = deployed.execute(QUICK)
    assert first["status"] == "SUCCEEDED", first.get("cause")
    made = deployed.made()
    assert {kind: len(arns) for kind, arns in made.items()} == {
        "solutions": 1,
        "versions": 1,
        "jobs": 2,
        "campaigns": 0,
    }
    second = deployed.execute({"Comment": "the console may put this here", **QUICK})
    assert second["status"] == "SUCCEEDED", second.get("cause")
    assert deployed.made() == made
    s3, bucket = deployed.cloud.client("s3"), deployed.outputs["DataBucketName"]
    reports = [
        json.loads(s3.get_object(Bucket=bucket, Key=layout.report(name, "json"))["Body"].read())
        for name in (first["name"], second["name"])
    ]
    assert (
        reports[0]["recipes"]["aws-popularity-count"]["metrics"]
        == (reports[1]["recipes"]["aws-popularity-count"]["metrics"])
    )
    billed = [{line["meter"]: line["actual"] for line in report["costs"]["lines"]} for report in reports]
    for meter in ("ingestion", "training-hours"):
        assert billed[0][meter][0] > 0
        assert billed[1][meter] == [0, 0], "what is found is not billed again"
    for report, meters in zip(reports, billed, strict=True):
        assert meters["requests-sent"] == [QUICK["users"], QUICK["users"]]
        assert 0 < meters["campaign-tps-hours"][0] < 0.1
        low, high = report["costs"]["estimated_dollars"]
        assert 0 < low < high


def test_told_to_train_afresh_it_makes_another_version_of_the_same_solution(deployed: Deployed) -> None:
    before = deployed.made()
    ended = deployed.execute({**QUICK, "train_afresh": True})
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    after = deployed.made()
    assert after["solutions"] == before["solutions"]
    assert len(after["versions"]) == len(before["versions"]) + 1
    assert after["jobs"] == before["jobs"]


SERVED = {**QUICK, "mode": "serve", "users": 200}


def serve(deployed: Deployed, **given: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the report says of the promotion, and the campaigns that there are afterwards."""
    ended = deployed.execute({**SERVED, **given})
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    s3, bucket = deployed.cloud.client("s3"), deployed.outputs["DataBucketName"]
    report = json.loads(s3.get_object(Bucket=bucket, Key=layout.report(ended["name"], "json"))["Body"].read())
    personalize = deployed.cloud.client("personalize")
    arns = [row["campaignArn"] for row in personalize.list_campaigns()["campaigns"]]
    found = [personalize.describe_campaign(campaignArn=arn)["campaign"] for arn in arns]
    return report["recipes"]["aws-popularity-count"]["promotion"], found


def version_served(campaign: dict[str, Any]) -> str:
    update = campaign.get("latestCampaignUpdate") or {}
    return str(update.get("solutionVersionArn", campaign["solutionVersionArn"]))


def turn_the_past_around(deployed: Deployed) -> None:
    """Publish data in whose past the most popular item has changed places with the least popular one, and so on."""
    s3, bucket = deployed.cloud.client("s3"), deployed.outputs["DataBucketName"]
    told = s3.get_object(Bucket=bucket, Key=layout.MANIFEST)["Body"].read().decode()
    version = json.loads(told)["version"]
    wrong = "0" * len(version)
    for row in s3.list_objects_v2(Bucket=bucket, Prefix=f"data/{version}/")["Contents"]:
        body = s3.get_object(Bucket=bucket, Key=row["Key"])["Body"].read().decode()
        if row["Key"] == layout.past(version, DatasetKind.INTERACTIONS):
            rows = list(csv.DictReader(io.StringIO(body)))
            order = [item for item, _ in Counter(row["ITEM_ID"] for row in rows).most_common()]
            instead = dict(zip(order, reversed(order), strict=True))
            body = "\n".join(
                [",".join(rows[0]), *(",".join({**row, "ITEM_ID": instead[row["ITEM_ID"]]}.values()) for row in rows)]
            )
        s3.put_object(Bucket=bucket, Key=row["Key"].replace(version, wrong), Body=body.encode())
    s3.put_object(Bucket=bucket, Key=layout.MANIFEST, Body=told.replace(version, wrong).encode())


def test_a_new_version_is_served_unless_it_is_clearly_worse(deployed: Deployed) -> None:
    promotion, (campaign,) = serve(deployed)
    assert promotion["decision"] == "first"
    first = version_served(campaign)

    promotion, (campaign,) = serve(deployed)
    assert (promotion["decision"], version_served(campaign)) == ("unchanged", first)

    promotion, (campaign,) = serve(deployed, train_afresh=True)
    assert (promotion["decision"], promotion["served_version_arn"]) == ("replaced", first)
    assert promotion["low"] == promotion["difference"] == promotion["high"] == 0, "it counts the same rows again"
    second = version_served(campaign)
    assert second != first

    turn_the_past_around(deployed)
    promotion, (campaign,) = serve(deployed)
    assert promotion["decision"] == "kept"
    assert promotion["difference"] <= promotion["high"] < 0
    assert version_served(campaign) == second, "people are not served what was learned from wrong data"


def test_a_parked_campaign_costs_nothing_and_comes_back_under_its_arn(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in deployed.cloud.environment().items():
        monkeypatch.setenv(name, value)
    personalize, runtime = deployed.cloud.client("personalize"), deployed.cloud.client("personalize-runtime")
    (listed,) = personalize.list_campaigns()["campaigns"]
    arn = listed["campaignArn"]
    served = version_served(personalize.describe_campaign(campaignArn=arn)["campaign"])
    before = runtime.get_recommendations(campaignArn=arn, userId="nobody")["itemList"]

    assert campaigns.main(["park", EXPERIMENT]) == 0
    assert f"parked {arn}" in capsys.readouterr().out
    assert campaigns.main(["list", EXPERIMENT]) == 0
    assert "parked" in capsys.readouterr().out
    assert campaigns.main(["unpark", EXPERIMENT]) == 0
    assert f"active {arn}" in capsys.readouterr().out
    assert version_served(personalize.describe_campaign(campaignArn=arn)["campaign"]) == served
    assert runtime.get_recommendations(campaignArn=arn, userId="nobody")["itemList"] == before

    assert campaigns.main(["unpark", EXPERIMENT]) == 0
    assert "Nothing is parked" in capsys.readouterr().out
    assert campaigns.main(["list", EXPERIMENT]) == 0
    assert "4.80" in capsys.readouterr().out, "86,400 requests at $0.0556 a thousand"
    assert campaigns.main(["park", "no-such-experiment"]) == 2
    assert "there is no stack no-such-experiment" in capsys.readouterr().err
    personalize.delete_campaign(campaignArn=arn)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "the input must be a JSON object"),
        ("aws-hrnn", "the input must be a JSON object"),
        ({"recipe": "aws-hrnn"}, "unknown option 'recipe'; allowed: recipes, mode, train_afresh, users"),
        ({"recipes": ["aws-hrn"]}, "'aws-hrn' is not in this experiment"),
        ({"mode": "trial"}, "allowed: experiment, serve"),
        ({"users": 0}, "at least 1 user"),
    ],
)
def test_a_wrong_input_is_refused_before_anything_is_made(deployed: Deployed, given: Any, told: str) -> None:
    before = deployed.made()
    ended = deployed.execute(given)
    assert (ended["status"], ended["error"]) == ("FAILED", "BadInput")
    assert told in ended["cause"]
    assert deployed.made() == before

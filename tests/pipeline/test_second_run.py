"""One deployed stack, several executions: what a second run does, and what a wrong input does."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from deployed_stack import EXPERIMENT, QUICK, Deployed, deployed_stack

from campaigns import command as campaigns
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
    reports = [deployed.report(name) for name in (first["name"], second["name"])]
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


def serve(deployed: Deployed, **given: Any) -> tuple[dict[str, Any], str, str]:
    """What the report says of the promotion, the only campaign that there is afterwards, and the version it serves."""
    ended = deployed.execute({**SERVED, **given})
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    (campaign,) = deployed.made()["campaigns"]
    promotion = deployed.report(ended["name"])["recipes"]["aws-popularity-count"]["promotion"]
    return promotion, campaign, deployed.version_served(campaign)


def turned_around(key: str, body: bytes) -> bytes:
    """The past with the most popular item in the place of the least popular one, and so on."""
    if "/past/interactions" not in key:
        return body
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    order = [item for item, _ in Counter(row["ITEM_ID"] for row in rows).most_common()]
    instead = dict(zip(order, reversed(order), strict=True))
    turned = [",".join({**row, "ITEM_ID": instead[row["ITEM_ID"]]}.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *turned]).encode()


def test_a_new_version_is_served_unless_it_is_clearly_worse(deployed: Deployed) -> None:
    promotion, campaign, first = serve(deployed)
    assert promotion["decision"] == "first"

    promotion, same, served = serve(deployed)
    assert (promotion["decision"], same, served) == ("unchanged", campaign, first)

    promotion, same, second = serve(deployed, train_afresh=True)
    assert (promotion["decision"], promotion["served_version_arn"]) == ("replaced", first)
    assert promotion["low"] == promotion["difference"] == promotion["high"] == 0, "it counts the same rows again"
    assert same == campaign
    assert second != first

    deployed.publish_as("0" * len(deployed.published_version()), turned_around)
    promotion, same, served = serve(deployed)
    assert promotion["decision"] == "kept"
    assert promotion["difference"] <= promotion["high"] < 0
    assert same == campaign
    assert served == second, "people are not served what was learned from wrong data"


def test_a_parked_campaign_costs_nothing_and_comes_back_under_its_arn(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in deployed.cloud.environment().items():
        monkeypatch.setenv(name, value)
    personalize, runtime = deployed.cloud.client("personalize"), deployed.cloud.client("personalize-runtime")
    (arn,) = deployed.made()["campaigns"]
    served = deployed.version_served(arn)
    before = runtime.get_recommendations(campaignArn=arn, userId="nobody")["itemList"]

    assert campaigns.main(["park", EXPERIMENT]) == 0
    assert f"parked {arn}" in capsys.readouterr().out
    assert campaigns.main(["list", EXPERIMENT]) == 0
    assert "parked" in capsys.readouterr().out
    ended = deployed.execute(SERVED)
    assert ended["status"] == "FAILED"
    assert "make unpark" in ended["cause"]
    running = deployed.start(QUICK)
    assert campaigns.main(["park", EXPERIMENT]) == 2, "the run's own campaigns would be parked, too"
    assert "a run is going on" in capsys.readouterr().err
    assert deployed.ended(running)["status"] == "SUCCEEDED"
    assert campaigns.main(["unpark", EXPERIMENT]) == 0
    assert f"active {arn}" in capsys.readouterr().out
    assert deployed.version_served(arn) == served
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

"""What the option `operations` makes the tasks tell: events, metrics, and which campaigns nobody asks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_aws import ACCOUNT, SINCE, FakePersonalize, check, clients, refused

from contract.plan import ACTIVE, DONE, PENDING, Asked, Ensure, Ensured, Estimated, Release
from contract.watching import WatchCampaigns, Watched
from lambdas import measures
from lambdas.errors import ResourceFailed
from lambdas.task import task
from lambdas.tasks.ensure import ensure
from lambdas.tasks.release import release
from lambdas.tasks.watch_campaigns import watch

WANTED = Ensure(
    kind="solution",
    name="shop-abcdef-hrnn-01234567",
    request={"recipeArn": "arn:aws:personalize:::recipe/aws-hrnn"},
    parent=f"{ACCOUNT}:dataset-group/shop",
    since=SINCE,
    run_id="run-7",
)
SOLUTION = f"{ACCOUNT}:solution/{WANTED.name}"


class FakeBus:
    def __init__(self) -> None:
        self.details: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def put_events(self, **request: Any) -> dict[str, Any]:
        check("events", "PutEvents", request)
        if self.error:
            raise self.error
        (entry,) = request["Entries"]
        assert (entry["EventBusName"], entry["Source"]) == ("default", "personalize-cdk")
        self.details.append(json.loads(entry["Detail"]))
        return {"FailedEntryCount": 0, "Entries": []}

    @property
    def statuses(self) -> list[str]:
        return [detail["status"] for detail in self.details]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> FakeBus:
    monkeypatch.setenv("EVENT_BUS", "default")
    return FakeBus()


def test_a_resource_is_announced_when_it_is_made_and_when_it_is_active(bus: FakeBus) -> None:
    personalize = FakePersonalize()
    aws = clients(personalize=personalize, bus=bus)
    assert ensure(WANTED, aws).status == PENDING
    assert ensure(WANTED, aws).status == PENDING
    personalize.resources[SOLUTION]["status"] = ACTIVE
    assert ensure(WANTED, aws).status == ACTIVE
    assert bus.statuses == ["CREATE PENDING", "ACTIVE"]
    assert bus.details[0] == {
        **{"run_id": "run-7", "kind": "solution", "name": WANTED.name},
        **{"arn": SOLUTION, "status": "CREATE PENDING"},
    }


def test_what_was_found_is_no_change(bus: FakeBus) -> None:
    personalize = FakePersonalize()
    personalize.add(SOLUTION)
    assert ensure(WANTED, clients(personalize=personalize, bus=bus)).status == ACTIVE
    assert bus.details == []


def test_an_update_is_announced(bus: FakeBus) -> None:
    personalize = FakePersonalize()
    arn = personalize.add(f"{ACCOUNT}:campaign/c", solutionVersionArn="old")
    wanted = Ensure(kind="campaign", name="c", request={}, parent=f"{SOLUTION}/01234567", since=SINCE, run_id="run-7")
    ensure(wanted, clients(personalize=personalize, bus=bus))
    assert bus.statuses == ["UPDATE PENDING"]
    assert bus.details[0]["arn"] == arn


def test_a_failure_is_announced_with_its_reason(bus: FakeBus) -> None:
    personalize = FakePersonalize()
    personalize.errors["create_solution"] = refused("InvalidInputException", "no such recipe")
    with pytest.raises(ResourceFailed):
        ensure(WANTED, clients(personalize=personalize, bus=bus))
    assert bus.statuses == ["CREATE FAILED"]
    assert "no such recipe" in bus.details[0]["reason"]


def test_a_campaign_s_deletion_is_announced(bus: FakeBus) -> None:
    personalize = FakePersonalize()
    arn = personalize.add(f"{ACCOUNT}:campaign/c")
    release(Release(campaign_arn=arn, run_id="run-7"), clients(personalize=personalize, bus=bus))
    assert bus.statuses == ["DELETE PENDING"]


def test_what_cannot_be_announced_stops_nothing(bus: FakeBus) -> None:
    bus.error = refused("AccessDeniedException")
    assert ensure(WANTED, clients(personalize=FakePersonalize(), bus=bus)).status == PENDING


def test_without_the_option_nothing_is_announced_or_measured(capsys: pytest.CaptureFixture[str]) -> None:
    ensure(WANTED, clients(personalize=FakePersonalize()))  # a call of EventBridge would fail: there is no fake of it
    measures.publish(Estimated(key="k", low=1, high=2))
    assert "_aws" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Estimated(key="k", low=1, high=2.5), {"EstimatedDollars": 2.5}),
        (Ensured(arn="a", status="ACTIVE", new=True, hours=0.5), {"ResourcesMade": 1, "TrainingHours": 0.5}),
        (Ensured(arn="a", status="ACTIVE", new=False, hours=0.5), {}),
        (Ensured(arn="a", status="PENDING"), {}),
        (Asked(status="PENDING", next=10, users=20, requests=10), {}),
        (Asked(status=DONE, next=20, users=20, requests=20), {"RequestsOfRuns": 20}),
        (Watched(campaigns=2, idle=["a"]), {"Campaigns": 2, "IdleCampaigns": 1}),
        (Watched(campaigns=2, idle=["a"], parked=["a"]), {"Campaigns": 2, "IdleCampaigns": 0, "ParkedCampaigns": 1}),
        (Watched(campaigns=0, idle=[]), {"Campaigns": 0, "IdleCampaigns": 0}),
    ],
)
def test_measures(
    result: Any, said: dict[str, float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "personalize-cdk")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "shop-abcdef")
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000)
    handler = task(WatchCampaigns, lambda event, aws: result, client=lambda service: None)
    handler({"prefix": "shop-abcdef"}, context)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert len(lines) == bool(said)
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert (directive["Namespace"], directive["Dimensions"]) == ("personalize-cdk", [["service"]])
        assert line["service"] == "shop-abcdef"
        assert {metric["Name"]: line[metric["Name"]][0] for metric in directive["Metrics"]} == said


class FakeWatch:
    """CloudWatch, with data points only where there were requests."""

    def __init__(self, *asked: tuple[str, str]) -> None:
        self.asked = asked

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_metric_data"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **request: Any) -> list[Any]:
        check("cloudwatch", "GetMetricData", request)
        results = []
        for query in request["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            asked = (metric["MetricName"], metric["Dimensions"][0]["Value"]) in self.asked
            results.append({"Id": query["Id"], "Values": [3.0] if asked else []})
        return [{"MetricDataResults": results[:1]}, {"MetricDataResults": results[1:]}]


def test_idle_campaigns_are_those_that_nobody_asked_for_a_day() -> None:
    now = datetime.now(UTC)
    ages = {"asked": 3, "ranked": 3, "idle": 3, "young": 0.5}
    rows = [
        *((f"shop-abcdef-{name}", ACTIVE, now - timedelta(days=days)) for name, days in ages.items()),
        ("shop-abcdef-going", "DELETE PENDING", now - timedelta(days=3)),
        ("another-012345-idle", ACTIVE, now - timedelta(days=3)),
    ]
    listed = [
        {"name": name, "campaignArn": f"{ACCOUNT}:campaign/{name}", "status": status, "creationDateTime": created}
        for name, status, created in rows
    ]
    pages = [{"campaigns": listed[:2]}, {"campaigns": listed[2:]}]
    personalize = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda: pages))
    metrics = FakeWatch(
        ("GetRecommendations", f"{ACCOUNT}:campaign/shop-abcdef-asked"),
        ("GetPersonalizedRanking", f"{ACCOUNT}:campaign/shop-abcdef-ranked"),
    )
    watched = watch(WatchCampaigns(prefix="shop-abcdef"), clients(personalize=personalize, watch=metrics))
    assert watched == Watched(campaigns=4, idle=[f"{ACCOUNT}:campaign/shop-abcdef-idle"])

"""Campaigns that are parked and made again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fake_aws import ACCOUNT, FakePersonalize, FakeS3, clients, refused

from contract.plan import ACTIVE
from contract.watching import WatchCampaigns
from lambdas import parking
from lambdas.aws import Clients
from lambdas.tasks.watch_campaigns import watch

OLD, NEW = (f"{ACCOUNT}:solution/s/{name}" for name in ("old", "new"))
ARN = f"{ACCOUNT}:campaign/shop-abcdef-c"


@pytest.fixture
def personalize() -> FakePersonalize:
    made = FakePersonalize()
    made.add(
        ARN,
        name="shop-abcdef-c",
        solutionVersionArn=OLD,
        minProvisionedTPS=1,
        campaignConfig={},
        latestCampaignUpdate={"status": ACTIVE, "solutionVersionArn": NEW, "minProvisionedTPS": 3},
    )
    return made


@pytest.fixture
def aws(personalize: FakePersonalize) -> Clients:
    return clients(personalize=personalize, s3=FakeS3())


def test_it_comes_back_as_it_was_updated_to(personalize: FakePersonalize, aws: Clients) -> None:
    assert parking.park([ARN], bucket="b", aws=aws) == [ARN]
    assert parking.unpark(bucket="b", aws=aws) == ([], [ARN]), "it is still being deleted"
    del personalize.resources[ARN]
    assert parking.unpark(bucket="b", aws=aws) == ([], [ARN])
    assert personalize.calls[-1] == (
        "create_campaign",
        {"name": "shop-abcdef-c", "solutionVersionArn": NEW, "minProvisionedTPS": 3},
    )
    personalize.resources[ARN]["status"] = ACTIVE
    assert parking.unpark(bucket="b", aws=aws) == ([ARN], [])
    assert parking.unpark(bucket="b", aws=aws) == ([], [])


def test_what_is_noted_before_is_kept(personalize: FakePersonalize, aws: Clients) -> None:
    other = personalize.add(f"{ACCOUNT}:campaign/shop-abcdef-d", name="shop-abcdef-d", solutionVersionArn=OLD)
    parking.park([ARN], bucket="b", aws=aws)
    parking.park([other], bucket="b", aws=aws)
    assert set(parking.parked("b", aws)) == {ARN, other}


def test_it_is_noted_before_it_is_deleted(personalize: FakePersonalize, aws: Clients) -> None:
    personalize.errors["delete_campaign"] = refused("ThrottlingException")
    with pytest.raises(ClientError):
        parking.park([ARN], bucket="b", aws=aws)
    assert set(parking.parked("b", aws)) == {ARN}
    assert parking.unpark(bucket="b", aws=aws) == ([ARN], []), "it never went: that is found out"


def test_one_that_cannot_be_made_stays_noted(personalize: FakePersonalize, aws: Clients) -> None:
    parking.park([ARN], bucket="b", aws=aws)
    del personalize.resources[ARN]
    personalize.errors["create_campaign"] = refused("ResourceNotFoundException", "the version is gone")
    with pytest.raises(ClientError, match="the version is gone"):
        parking.unpark(bucket="b", aws=aws)
    assert set(parking.parked("b", aws)) == {ARN}


def test_one_that_is_changing_is_left_alone(personalize: FakePersonalize, aws: Clients) -> None:
    personalize.resources[ARN]["status"] = "CREATE IN_PROGRESS"
    assert parking.park([ARN], bucket="b", aws=aws) == []
    assert parking.parked("b", aws) == {}


@pytest.mark.parametrize("park_in", [None, "b"])
def test_the_watch_parks_idle_ones_if_it_is_told_to(personalize: FakePersonalize, park_in: str | None) -> None:
    created = datetime.now(UTC) - timedelta(days=3)
    row = {"name": "shop-abcdef-c", "campaignArn": ARN, "status": ACTIVE, "creationDateTime": created}
    pages: Any = SimpleNamespace(paginate=lambda: [{"campaigns": [row]}])
    personalize.get_paginator = lambda _: pages  # type: ignore[method-assign]
    nothing = SimpleNamespace(paginate=lambda **_: [{"MetricDataResults": []}])
    metrics = SimpleNamespace(get_paginator=lambda _: nothing)
    aws = clients(personalize=personalize, s3=FakeS3(), watch=metrics)
    watched = watch(WatchCampaigns(prefix="shop-abcdef", park_in=park_in), aws)
    assert watched.idle == [ARN]
    assert watched.parked == ([ARN] if park_in else [])
    assert personalize.resources[ARN]["status"] == ("DELETE PENDING" if park_in else ACTIVE)

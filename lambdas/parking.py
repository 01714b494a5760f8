"""Parks campaigns: deleted, because they cost money while they exist, and noted so that they can be made again.

A campaign that is made again under its name has the ARN it had, so whoever asks it need not be told; nothing is trained
for it. The note, one object in the data bucket, is written before a campaign is deleted and forgets it only when it is
active again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from contract import layout
from contract.plan import ACTIVE
from lambdas.aws import Clients, NoSuchObject
from lambdas.kinds import CREATING, DELETING, FAILED, KINDS, describe

Parked = dict[str, dict[str, Any]]
"""{campaign's ARN: the request that makes it again}"""


def ours(prefix: str, aws: Clients) -> Iterator[dict[str, Any]]:
    """The campaigns of the experiment, as ListCampaigns tells of them."""
    for page in aws.personalize.get_paginator("list_campaigns").paginate():
        yield from (row for row in page["campaigns"] if row["name"].startswith(f"{prefix}-"))


def parked(bucket: str, aws: Clients) -> Parked:
    """What is parked."""
    try:
        noted: Parked = aws.read_json(bucket, layout.PARKED)
    except NoSuchObject:
        return {}
    return noted


def park(arns: Iterable[str], *, bucket: str, aws: Clients) -> list[str]:
    """Parks those that are ACTIVE; returns their ARNs."""
    noted, done = parked(bucket, aws), []
    for arn in arns:
        campaign = aws.personalize.describe_campaign(campaignArn=arn)["campaign"]
        if campaign["status"] != ACTIVE:
            continue
        noted[arn] = _request(campaign)
        aws.write_json(bucket, layout.PARKED, noted)
        aws.personalize.delete_campaign(campaignArn=arn)
        done.append(arn)
    return done


def unpark(*, bucket: str, aws: Clients) -> tuple[list[str], list[str]]:
    """One step towards having all parked campaigns again: (those that are now, those that are still awaited).

    Called until nothing is awaited. One that cannot be made (its solution version was deleted meanwhile) raises the
    service's error and stays noted.
    """
    noted = parked(bucket, aws)
    active, awaited = [], []
    for arn, request in list(noted.items()):
        found = describe(arn, row=KINDS["campaign"], aws=aws)
        status = found["status"] if found else None
        if status == ACTIVE:
            active.append(arn)
            del noted[arn]
            aws.write_json(bucket, layout.PARKED, noted)
            continue
        if status is None:
            aws.personalize.create_campaign(**request)
        elif status in FAILED:
            aws.personalize.delete_campaign(campaignArn=arn)
        elif status not in {*CREATING, *DELETING}:
            raise ValueError(f"{arn} has the unexpected status {status}")
        awaited.append(arn)
    return active, awaited


def as_updated(campaign: dict[str, Any]) -> dict[str, Any]:
    """The campaign as it is now: what describes it keeps an update apart."""
    update = campaign.get("latestCampaignUpdate") or {}
    return {**campaign, **(update if update.get("status") == ACTIVE else {})}


def _request(campaign: dict[str, Any]) -> dict[str, Any]:
    """The CreateCampaign that makes it as it is now."""
    now = as_updated(campaign)
    members = ("name", "solutionVersionArn", "minProvisionedTPS", "campaignConfig")
    return {member: now[member] for member in members if now.get(member) not in (None, {})}

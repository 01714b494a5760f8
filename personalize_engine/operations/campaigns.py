"""Campaigns: a solution version that answers requests."""

from __future__ import annotations

from typing import Any

from personalize_engine.errors import invalid_input
from personalize_engine.jobs import quick, training
from personalize_engine.jobs.registry import ACTIVE
from personalize_engine.operations.common import check_limit, create, delete, find_active, settle
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page
from personalize_engine.store.transaction import Resource, Transaction

KIND = Kind(kind="campaign", member="campaign", plural="campaigns", within="solutionArn")


@operation("CreateCampaign")
def create_campaign(context: Context, request: Request) -> Answer:
    """minProvisionedTPS and the exploration settings are kept and shown; they change nothing here so far."""
    config = _checked(request.get("campaignConfig", {}))
    arn = context.arn(f"campaign/{request['name']}")
    with context.store.write() as transaction:
        version = _version(transaction, request["solutionVersionArn"])
        check_limit(transaction, KIND, parent=version.parent)
        body = {
            "solutionVersionArn": version.arn,
            "minProvisionedTPS": request.get("minProvisionedTPS", 1),
            "campaignConfig": config,
        }
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=version.parent,
            job=quick.CAMPAIGN,
        )
    context.jobs.wake()
    return {"campaignArn": arn}


@operation("DescribeCampaign")
def describe_campaign(context: Context, request: Request) -> Answer:
    """With its newest update."""
    return describe(context, request, KIND)


@operation("ListCampaigns")
def list_campaigns(context: Context, request: Request) -> Answer:
    """Of a solution, or all."""
    return list_page(context, request, KIND)


@operation("UpdateCampaign")
def update_campaign(context: Context, request: Request) -> Answer:
    """The campaign answers from the old version until the update is ACTIVE; the new one may be of another solution."""
    changed: dict[str, Any] = {}
    if "campaignConfig" in request:
        changed["campaignConfig"] = _checked(request["campaignConfig"])
    if "minProvisionedTPS" in request:
        changed["minProvisionedTPS"] = request["minProvisionedTPS"]
    with context.store.write() as transaction:
        found = find_active(transaction, request["campaignArn"], KIND.kind)
        settle(found, "updated")
        if "solutionVersionArn" in request:
            version = _version(transaction, request["solutionVersionArn"])
            serving = find(transaction, found.body["solutionVersionArn"], training.KIND)
            if version.body["datasetGroupArn"] != serving.body["datasetGroupArn"]:
                raise invalid_input(f"{version.arn} is of another dataset group than the campaign's {serving.arn}")
            changed["solutionVersionArn"] = version.arn
        if not changed:
            raise invalid_input("nothing to update: give solutionVersionArn, minProvisionedTPS or campaignConfig")
        kept = {name: found.body[name] for name in ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")}
        update = quick.new_update(kept | changed, applied=changed)
        transaction.set_members(found.arn, **{quick.LATEST_UPDATE[KIND.kind]: update})
        transaction.enqueue(quick.update_kind(KIND.kind), found.arn)
    context.jobs.wake()
    return {"campaignArn": found.arn}


@operation("DeleteCampaign")
def delete_campaign(context: Context, request: Request) -> Answer:
    """Requests are refused from now on."""
    with context.store.write() as transaction:
        delete(transaction, find(transaction, request["campaignArn"], KIND.kind))
    context.jobs.wake()
    return {}


def _version(transaction: Transaction, arn: str) -> Resource:
    if arn.endswith("/$LATEST"):
        raise invalid_input("solutionVersionArn …/$LATEST is not supported yet by this engine: name a version")
    found = find(transaction, arn, training.KIND)
    if found.status != ACTIVE:
        raise invalid_input(f"solutionVersionArn {arn} is in status {found.status}; it must be {ACTIVE}")
    find_active(transaction, str(found.parent), "solution")
    return found


def _checked(config: dict[str, Any]) -> dict[str, Any]:
    for member in ("enableMetadataWithRecommendations", "syncWithLatestSolutionVersion", "rankingInfluence"):
        if config.get(member):
            raise invalid_input(f"campaignConfig.{member} is not supported yet by this engine")
    return config

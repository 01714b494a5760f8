"""Campaigns that follow their solution: `syncWithLatestSolutionVersion`.

On AWS such a campaign is updated some time after a version has become ACTIVE; here that update begins in the same
transaction. It is shown as latestCampaignUpdate like any other.
"""

from __future__ import annotations

from personalize_engine.jobs.registry import ACTIVE
from personalize_engine.jobs.updates import LATEST_UPDATE, begin_update, is_updating
from personalize_engine.store.transaction import Resource, Transaction

FOLLOWS = "syncWithLatestSolutionVersion"
"""Member of a campaignConfig."""


def newest_version(transaction: Transaction, solution: str) -> Resource | None:
    """The solution's newest version that is ACTIVE."""
    versions = [row for row in transaction.page("solution-version", parents=[solution]) if row.status == ACTIVE]
    return versions[-1] if versions else None


def follow(transaction: Transaction, solution: str) -> None:
    """Updates the campaigns that follow the solution and serve another version than its newest.

    A campaign that is being made or updated is left alone: it is looked at again when that has ended. An update that
    failed is not tried again with the same version.
    """
    newest = newest_version(transaction, solution)
    if newest is None:
        return
    for campaign in transaction.page("campaign", parents=[solution]):
        config = campaign.body["campaignConfig"]
        tried = campaign.body.get(LATEST_UPDATE[campaign.kind], {}).get("solutionVersionArn")
        if (
            config.get(FOLLOWS)
            and campaign.status == ACTIVE
            and not is_updating(campaign)
            and newest.arn not in (campaign.body["solutionVersionArn"], tried)
        ):
            changed = {"solutionVersionArn": newest.arn}
            kept = {"minProvisionedTPS": campaign.body["minProvisionedTPS"], "campaignConfig": config}
            begin_update(transaction, campaign, shown=kept | changed, applied=changed)
